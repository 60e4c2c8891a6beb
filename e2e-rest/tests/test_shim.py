"""`kennel shim`: an app of which nothing was changed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kennel import ACCOUNT, KEY, SECRET, binary

HERE = Path(__file__).resolve().parents[1]

PYTHON = f"""
from twilio.rest import Client
rooms = Client({KEY!r}, {SECRET!r}, {ACCOUNT!r}).video.rooms
made = [rooms.create(unique_name=f"shim {{n}}", type="go").sid for n in range(3)]
listed = [room.sid for room in rooms.list(page_size=1)]
print(all(sid in listed for sid in made), rooms("shim 1").fetch().sid == made[1])
for sid in made:
    rooms(sid).update(status="completed")
"""

NODE = f"""
const client = twilio({json.dumps(KEY)}, {json.dumps(SECRET)}, {{ accountSid: {json.dumps(ACCOUNT)} }});
const {{ rooms }} = client.video.v1;
const made = [];
for (let n = 0; n < 3; n++) made.push((await rooms.create({{ uniqueName: `node shim ${{n}}`, type: 'go' }})).sid);
const listed = (await rooms.list({{ pageSize: 1 }})).map((room) => room.sid);
console.log(made.every((sid) => listed.includes(sid)), (await rooms('node shim 1').fetch()).sid === made[1]);
for (const sid of made) await rooms(sid).update({{ status: 'completed' }});
"""


def shim(language, file):
    file.write_bytes(subprocess.check_output([binary(), "shim", language], cwd=file.parent))


def says(command, env, text):
    run = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, cwd=HERE)
    assert run.stdout.strip() == text, run.stdout + run.stderr


def test_python(kennel, tmp_path):
    shim("python", tmp_path / "sitecustomize.py")
    env = {"PYTHONPATH": str(tmp_path), "KENNEL_TWILIO_URL": kennel.url + "/"}
    says([sys.executable, "-c", PYTHON], env, "True True")
    # Where no Kennel is named, and where no library is, nothing changes.
    where = "from twilio.rest import Client; print(Client('AC', 'b').video.absolute_url('x'))"
    says([sys.executable, "-c", where], {**env, "KENNEL_TWILIO_URL": ""}, "https://video.twilio.com/x")
    says([sys.executable, "-c", "from twilio.rest import Client; print(Client('AC', 'b').api.absolute_url('x'))"], env, "https://api.twilio.com/x")


@pytest.mark.once
@pytest.mark.parametrize("kind", ["commonjs", "module"])
def test_node(kennel, tmp_path, kind):
    shim("node", tmp_path / "kennel.cjs")
    begin = "import twilio from 'twilio';" if kind == "module" else "const twilio = require('twilio');"
    code = f"{begin}\n{NODE}" if kind == "module" else f"{begin}\n(async () => {{ {NODE} }})();"
    env = {"NODE_OPTIONS": f"--require {tmp_path / 'kennel.cjs'}", "KENNEL_TWILIO_URL": kennel.url}
    says(["node", f"--input-type={kind}", "-e", code], env, "true true")
