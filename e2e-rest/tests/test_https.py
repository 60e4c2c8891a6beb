"""By HTTPS, as the guide says: programs are given Kennel's own authority."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from kennel import ACCOUNT, KEY, SECRET

HERE = Path(__file__).resolve().parents[1]

PYTHON = f"""
import sys
from twilio.rest import Client
client = Client({KEY!r}, {SECRET!r}, {ACCOUNT!r})
client.video.base_url = sys.argv[1]
if sys.argv[2:]:
    client.http_client.session.verify = sys.argv[2]
made = [client.video.rooms.create(type="go").sid for _ in range(3)]
print([room.sid for room in client.video.rooms.list(page_size=1)] == made[::-1], client.video.rooms(made[0]).fetch().url.startswith(sys.argv[1]))
"""

NODE = f"""
import twilio from 'twilio';
const client = twilio('{KEY}', '{SECRET}', {{ accountSid: '{ACCOUNT}' }});
client.video.baseUrl = process.argv[1];
const room = await client.video.v1.rooms.create({{ type: 'go' }});
console.log((await client.video.v1.rooms.list({{ pageSize: 1 }})).some((one) => one.sid === room.sid), room.url.startsWith(process.argv[1]));
"""


@pytest.fixture(scope="module")
def secure():
    from kennel import Kennel

    kennel = Kennel(https="127.0.0.1:0")
    authority = Path(kennel.folder.name) / "ca.pem"
    authority.write_text(requests.get(kennel.url + "/kennel/ca.pem").text)
    yield f"https://localhost:{kennel.https.rsplit(':')[-1]}", str(authority)
    kennel.dispose()


def says(command, env, text):
    run = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, cwd=HERE)
    assert run.stdout.strip() == text, run.stdout + run.stderr


def test_python(secure, newer):
    url, authority = secure
    # The older one does not read the environment.
    said = [] if newer else [authority]
    says([sys.executable, "-W", "ignore", "-c", PYTHON, url, *said], {"REQUESTS_CA_BUNDLE": authority}, "True True")


@pytest.mark.once
def test_node(secure):
    url, authority = secure
    says(["node", "--input-type=module", "-e", NODE, url], {"NODE_EXTRA_CA_CERTS": authority}, "true true")
