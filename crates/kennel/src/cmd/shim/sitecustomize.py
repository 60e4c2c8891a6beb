# Sends what an app asks of https://video.twilio.com to Kennel instead; the app and its library stay as they are.
# Save it as sitecustomize.py in a folder of its own, then: PYTHONPATH=that/folder KENNEL_TWILIO_URL=https://your-kennel python app.py
import importlib.util
import os
import sys


class Shim:
    vendor = "https://video.twilio.com/"
    kennel = os.environ.get("KENNEL_TWILIO_URL", "").rstrip("/") + "/"

    def find_spec(self, name, path=None, target=None):
        if name != "twilio.base.domain":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (load(module), self.change(module.Domain))
        return spec

    def change(self, domain):
        absolute_url = domain.absolute_url
        domain.absolute_url = lambda own, uri: absolute_url(own, uri).replace(self.vendor, self.kennel, 1)


if os.environ.get("KENNEL_TWILIO_URL"):
    sys.meta_path.insert(0, Shim())
