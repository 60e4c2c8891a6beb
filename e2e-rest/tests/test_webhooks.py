"""Callbacks: what is told, to whom, in which order, and signed by whom."""

import json
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kennel import AUTH_TOKEN
from person import Person
from waiting import refused, until


def in_order(calls):
    """The numbers of one room's callbacks are 0, 1, 2 … in the order in which they came."""
    numbers = [call.number for call in calls]
    assert numbers == list(range(len(numbers))), numbers
    times = [call["Timestamp"] for call in calls]
    assert times == sorted(times)


def life(kennel, video, receiver, **asked):
    """A room in which somebody was."""
    room = video.rooms.create(type="go", unique_name="Dog Cäm & 犬", status_callback=receiver.url("/e?x=a%20b&y="), **asked)
    ann = Person(kennel, "Ann Ö", room.sid, tracks=[{"id": "cam", "kind": "video", "name": "my cam"}])
    ann.switch("my cam", False)
    ann.switch("my cam", True)
    ann.alter([])
    receiver.until(lambda r: "track-removed" in r.events(room.sid))
    ann.leave()
    receiver.until(lambda r: "participant-disconnected" in r.events(room.sid))
    video.rooms(room.sid).update(status="completed")
    receiver.until(lambda r: "room-ended" in r.events(room.sid))
    return room, ann


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_everything_that_happens(kennel, video, receiver, method):
    receiver = receiver()
    room, ann = life(kennel, video, receiver, status_callback_method=method)
    calls = receiver.of(room.sid)
    assert [call.event for call in calls] == [
        "room-created", "participant-connected", "track-added", "track-disabled", "track-enabled", "track-removed",
        "participant-disconnected", "room-ended",
    ]
    in_order(calls)
    for call in calls:
        assert (call.method, call.signed) == (method, True), call
        assert (call["x"], call["y"]) == ("a b", ""), "what was in the URL stays"
        assert call["RoomName"] == "Dog Cäm & 犬" and call["RoomType"] == "go"
        assert call["RoomStatus"] == ("completed" if call.event == "room-ended" else "in-progress")
        if call.event.startswith(("participant", "track")):
            assert (call["ParticipantSid"], call["ParticipantIdentity"]) == (ann.sid, "Ann Ö")
        if call.event.startswith("track"):
            assert (call["TrackKind"], call["TrackName"], call["TrackSid"][:2]) == ("video", "my cam", "MT")
        if method == "POST":
            assert call.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert calls[-1]["RoomDuration"].isdigit() and calls[-2]["ParticipantDuration"].isdigit()


def test_rooms_made_by_joining_tell_the_default(fresh, receiver):
    receiver = receiver()
    kennel = fresh("--status-callback", receiver.url(), "--status-callback-method", "GET")
    ann = Person(kennel, "Ann", "ad hoc", tracks=[])
    ann.leave()
    receiver.until(lambda r: "room-ended" in r.events(ann.room))
    calls = receiver.of(ann.room)
    in_order(calls)
    assert len(calls) == 4 and all(call.signed and call.method == "GET" for call in calls)


@pytest.mark.once
def test_the_account_signs_and_nobody_else(kennel, video, receiver):
    from twilio.request_validator import RequestValidator

    receiver = receiver()
    room, _ = life(kennel, video, receiver)
    call = receiver.of(room.sid)[0]
    assert RequestValidator(AUTH_TOKEN).validate(call.url, call.posted, call.signature)
    assert not RequestValidator("another token").validate(call.url, call.posted, call.signature)
    assert not RequestValidator(AUTH_TOKEN).validate(call.url + "&z=1", call.posted, call.signature)
    assert not RequestValidator(AUTH_TOKEN).validate(call.url, {**call.posted, "RoomName": "x"}, call.signature)


@pytest.mark.once
def test_many_rooms_at_once_each_in_order(kennel, video, receiver):
    pauses = random.Random(7)
    receiver = receiver(lambda call: time.sleep(pauses.random() / 50) or 200)

    def live(number):
        room = video.rooms.create(type="go", status_callback=receiver.url(f"/{number % 3}"))
        ann = Person(kennel, "Ann", room.sid, tracks=[{"id": "cam", "kind": "video", "name": "cam"}])
        for switch in range(12):
            ann.switch("cam", switch % 2 == 1)
        video.rooms(room.sid).update(status="completed")
        return room.sid

    with ThreadPoolExecutor(8) as pool:
        rooms = list(pool.map(live, range(24)))
    receiver.until(lambda r: all("room-ended" in r.events(room) for room in rooms), within=60)
    for room in rooms:
        in_order(receiver.of(room))
    assert all(call.signed for call in receiver.calls)


# 200 rooms are 10,600 callbacks.
WAITING_ROOMS = int(os.environ.get("ROOMS", 20))


@pytest.mark.once
def test_everything_comes_when_a_receiver_is_up_again(kennel, video, receiver):
    receiver = receiver()
    receiver.stop()
    rooms = [queue(kennel, video, receiver, switches=47) for _ in range(WAITING_ROOMS)]
    began = time.monotonic()
    receiver.start()
    receiver.until(lambda r: all("room-ended" in r.events(room) for room in rooms), within=60 + WAITING_ROOMS)
    for room in rooms:
        in_order(receiver.of(room))
        complaints = [line for line in kennel.said if '"WARN"' in line or '"ERROR"' in line]
        assert len(receiver.of(room)) == 53, (receiver.events(room), complaints[-20:])
    assert len(receiver.calls) == WAITING_ROOMS * 53
    print(f"{len(receiver.calls)} callbacks came within {time.monotonic() - began:.1f} s of the receiver")


def queue(kennel, video, receiver, switches):
    """A room with 6 events and as many more as its camera is switched."""
    room = video.rooms.create(type="go", status_callback=receiver.url())
    ann = Person(kennel, "Ann", room.sid, tracks=[{"id": "cam", "kind": "video", "name": "cam"}])
    for switch in range(switches):
        ann.switch("cam", switch % 2 == 1)
    # Its answer comes after all of it.
    ann.leave()
    video.rooms(room.sid).update(status="completed")
    return room.sid


@pytest.mark.once
def test_failures_are_tried_again(kennel, video, receiver):
    answers = iter([500, 503, 429, 200])
    receiver = receiver(lambda call: next(answers, 200))
    room = video.rooms.create(type="go", status_callback=receiver.url())
    video.rooms(room.sid).update(status="completed")
    receiver.until(lambda r: "room-ended" in r.events(room.sid), within=30)
    calls = receiver.of(room.sid)
    assert [(call.event, call.status) for call in calls] == [
        ("room-created", 500), ("room-created", 503), ("room-created", 429), ("room-created", 200), ("room-ended", 200),
    ]
    assert len({call.number for call in calls[:4]}) == 1 and len({json.dumps(call) for call in calls[:4]}) == 1
    pauses = [after.at - before.at for before, after in zip(calls, calls[1:4])]
    assert all(least <= pause < least + 3 for least, pause in zip((1, 2, 5), pauses)), pauses
    assert all(call.signed for call in calls)


@pytest.mark.once
def test_redirects_are_not_followed(kennel, video, receiver):
    elsewhere = receiver()
    first = receiver(lambda call: (302, {"Location": elsewhere.url()}))
    room = video.rooms.create(type="go", status_callback=first.url())
    video.rooms(room.sid).update(status="completed")
    first.until(lambda r: len(r.of(room.sid)) == 2)
    assert [call.event for call in first.of(room.sid)] == ["room-created", "room-ended"], "it is not tried again"
    assert elsewhere.calls == []


@pytest.mark.once
def test_one_that_hangs_holds_nobody_up(fresh, receiver):
    """More rooms wait for it than are ever looked at together."""
    kennel = fresh()
    video = kennel.client().video
    let_go = threading.Event()
    hangs = receiver(lambda call: let_go.wait(40) and 200)
    good = receiver()
    with ThreadPoolExecutor(8) as pool:
        stuck = list(pool.map(lambda _: video.rooms.create(type="go", status_callback=hangs.url()).sid, range(300)))
    began = time.monotonic()
    fine = [video.rooms.create(type="go", status_callback=good.url()).sid for _ in range(10)]
    assert time.monotonic() - began < 5, "nor REST"
    good.until(lambda r: len(r.calls) == 10, within=8)
    assert {call["RoomSid"] for call in good.calls} == set(fine)
    let_go.set()
    hangs.until(lambda r: {call["RoomSid"] for call in r.calls} == set(stuck), within=40)


FORBIDDEN = [
    "http://169.254.169.254/latest/meta-data/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://0.0.0.0/",
    "http://2130706433/", "http://0x7f000001/", "http://127.1/", "http://[fe80::1]/", "http://[64:ff9b::a9fe:a9fe]/",
    "http://user:pw@169.254.169.254/", "file:///etc/passwd", "gopher://127.0.0.1/",
]


@pytest.mark.once
@pytest.mark.parametrize("url", FORBIDDEN)
def test_places_that_nobody_may_name(kennel, video, url):
    refused(400, 53111, lambda: video.rooms.create(type="go", status_callback=url))


@pytest.mark.once
def test_kennel_itself_is_no_receiver(kennel, video):
    port = kennel.http.rsplit(":")[-1]
    for host in ("127.0.0.1", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]"):
        refused(400, 53111, lambda: video.rooms.create(type="go", status_callback=f"http://{host}:{port}/v1/Rooms"))
    # A name is looked at when it is sent to.
    room = video.rooms.create(type="go", status_callback=f"http://localhost:{port}/v1/Rooms")
    outcome = f"SELECT outcome FROM events WHERE room = {kennel.id(room.sid)}"
    until(lambda: kennel.query(outcome), lambda rows: "egress refused" in str(rows))


@pytest.mark.once
def test_only_the_internet_if_so_wished(fresh, receiver):
    receiver = receiver()
    kennel = fresh("--webhooks-to", "public")
    for url in (receiver.url(), "http://10.0.0.1/", "http://192.168.1.1/", "http://[::1]/", "http://[fd00::1]/"):
        refused(400, 53111, lambda: kennel.client().video.rooms.create(type="go", status_callback=url))
    room = kennel.client().video.rooms.create(type="go", status_callback=f"http://localhost:{receiver.port}/")
    outcome = f"SELECT outcome FROM events WHERE room = {kennel.id(room.sid)}"
    until(lambda: kennel.query(outcome), lambda rows: "egress refused" in str(rows))
    assert receiver.calls == []


@pytest.mark.once
def test_user_and_password_of_a_receiver(kennel, video, receiver):
    import base64

    receiver = receiver()
    url = f"http://ann:pa%20ss@127.0.0.1:{receiver.port}/e"
    room = video.rooms.create(type="go", status_callback=url)
    receiver.until(lambda r: r.of(room.sid))
    call = receiver.of(room.sid)[0]
    assert base64.b64decode(call.headers["Authorization"].removeprefix("Basic ")) == b"ann:pa ss"
    assert "pa%20ss" not in kennel.log
