"""The vendor's library for Node: the cases are in node/rest.mjs, and run in one process."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from kennel import ACCOUNT, AUTH_TOKEN, KEY, SECRET
from person import Person
from receiver import Receiver
from waiting import until

pytestmark = pytest.mark.once

SCRIPT = Path(__file__).resolve().parents[1] / "node" / "rest.mjs"
CASES = re.findall(r"^  async (\w+)\(\) \{$", SCRIPT.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def results(kennel):
    video = kennel.client().video
    receiver = Receiver()
    for method in ("GET", "POST"):
        url = receiver.url("/n?x=a%20b&y=")
        told = video.rooms.create(unique_name="Dög & Cäm", type="go", status_callback=url, status_callback_method=method)
        ann = Person(kennel, "Änn + Öl", told.sid, tracks=[])
        ann.leave()
        until(video.rooms(told.sid).participants(ann.sid).fetch, lambda one: one.status == "disconnected")
        video.rooms(told.sid).update(status="completed")
    receiver.until(lambda r: len(r.calls) == 8)
    receiver.stop()
    calls = [{"url": call.url, "posted": call.posted, "signature": call.signature} for call in receiver.calls]
    room = video.rooms.create(type="group")
    people = [Person(kennel, name, room.sid) for name in ("Ann", "Bob")]
    received = video.rooms(room.sid).participants("Bob").subscribed_tracks
    until(received.list, lambda list: len(list) == 2)
    env = {
        **os.environ, "KENNEL_URL": kennel.url, "ACCOUNT": ACCOUNT, "KEY": KEY, "SECRET": SECRET, "AUTH_TOKEN": AUTH_TOKEN,
        "ROOM": room.sid, "CALLS": json.dumps(calls),
    }
    run = subprocess.run(["node", SCRIPT], env=env, capture_output=True, text=True, timeout=120)
    for one in people:
        one.drop()
    assert run.returncode == 0, run.stderr
    return {result["name"]: result["wrong"] for result in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES)
def test_node(results, case):
    assert results[case] is None, results[case]
