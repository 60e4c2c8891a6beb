"""Rooms, their rules and everything that has no files yet, as an app's backend asks for them."""

import datetime as dt
import json

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

from kennel import ACCOUNT, AUTH_TOKEN, KEY, SECRET
from waiting import refused, until

ODD = "Dög Cäm 7 + 犬/猫?".replace("/", " ").replace("?", "!")


def test_create_with_everything(video, newer):
    more = {
        "audio_only": False, "max_participant_duration": 700, "empty_room_timeout": 9, "unused_room_timeout": 8, "large_room": False,
    }
    asked = {
        "unique_name": "everything", "type": "group", "max_participants": 7, "record_participants_on_connect": True,
        "video_codecs": ["H264", "VP8"], "status_callback": "http://127.0.0.1:9/x?a=1&b=%20", "status_callback_method": "GET",
        "media_region": "de1", "enable_turn": True,
    }
    before = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    if newer:
        asked = {**asked, **more}
    rules = {"recording_rules": [{"type": "include", "kind": "audio"}]} if newer else {}
    room = video.rooms.create(**rules, **asked)
    for name, value in asked.items():
        assert getattr(room, name) == value, name
    for at in (room.date_created, room.date_updated):
        assert before <= at <= dt.datetime.now(dt.timezone.utc)
    assert (room.status, room.end_time, room.duration) == ("in-progress", None, None)
    assert (room.sid[:2], room.account_sid) == ("RM", "AC0123456789abcdef0123456789abcdef")
    assert room.url.endswith(f"/v1/Rooms/{room.sid}")
    assert {"participants", "recordings", "recording_rules"} <= set(room.links)
    again = video.rooms(room.sid).fetch()
    for name in [*asked, "sid", "date_created", "url", "links"]:
        assert getattr(again, name) == getattr(room, name), name
    if newer:
        assert video.rooms(room.sid).recording_rules.fetch().rules == rules["recording_rules"]


def test_defaults(video, newer):
    room = video.rooms.create(type="group")
    assert (room.unique_name, room.max_participants, room.status_callback_method) == (room.sid, 50, "POST")
    assert (room.status_callback, room.record_participants_on_connect, room.enable_turn) == (None, False, True)
    if newer:
        assert (room.max_participant_duration, room.empty_room_timeout, room.unused_room_timeout) == (14400, 5, 5)
        assert (room.audio_only, room.large_room) == (False, False)
    for kind, most in (("go", 2), ("peer-to-peer", 10), ("group-small", 4)):
        made = video.rooms.create(type=kind)
        assert (made.type, made.max_participants) == (kind, most)


@pytest.mark.parametrize("name", ["Dog Cam", ODD, "a%20b", "100 % dog", "x" * 128, "RM" + "g" * 32])
def test_names(video, name):
    room = video.rooms.create(unique_name=name, type="go")
    assert room.unique_name == name
    assert [one.sid for one in video.rooms.list(unique_name=name)] == [room.sid]
    assert video.rooms(room.sid).fetch().unique_name == name
    if "%" not in name:  # the library does not escape a % of a name in a path twice
        assert video.rooms(name).fetch().sid == room.sid
    refused(400, 53113, lambda: video.rooms.create(unique_name=name))
    assert video.rooms(room.sid).update(status="completed").status == "completed"
    assert video.rooms.create(unique_name=name, type="go").sid != room.sid, "a completed room frees its name"


REFUSALS = [
    (53100, {"unique_name": " "}),
    (53101, {"unique_name": "x" * 129}),
    (53102, {"unique_name": "a\u0007b"}),
    (53107, {"type": "go", "max_participants": 3}),
    (53107, {"max_participants": 0}),
    (53107, {"max_participants": "many"}),
    (53107, {"type": "group", "max_participants": 51}),
    (53108, {"type": "giant"}),
    (53110, {"status_callback": "http://a.example/", "status_callback_method": "PUT"}),
    (53111, {"status_callback": "ftp://a.example/"}),
    (53111, {"status_callback": "http://a.example/" + "x" * 1024}),
    (53111, {"status_callback": "no url"}),
    (53114, {"type": "go", "record_participants_on_connect": True}),
    (53115, {"type": "group", "media_region": "mars1"}),
    (20001, {"type": "group", "video_codecs": ["VP17"]}),
    (20001, {"enable_turn": "perhaps"}),
]
# Parameters that the library of those days does not know.
LATER = [
    (53120, {"type": "group", "recording_rules": [{"type": "include"}]}),
    (53120, {"type": "group", "recording_rules": [{"type": "include", "kind": "data"}]}),
    (53122, {"type": "go", "recording_rules": [{"type": "include", "all": True}]}),
    (53109, {"empty_room_timeout": 0}),
    (53109, {"unused_room_timeout": 61}),
    (53123, {"max_participant_duration": 599}),
    (53123, {"max_participant_duration": 86401}),
    (53124, {"type": "go", "audio_only": True}),
]


@pytest.mark.parametrize("code, asked", REFUSALS)
def test_refusals(video, code, asked):
    count = len(video.rooms.list())
    error = refused(400, code, lambda: video.rooms.create(**asked))
    assert error.msg.startswith("Unable to create record: ") and len(error.msg) > 30
    assert len(video.rooms.list()) == count, "nothing is half made"


@pytest.mark.parametrize("code, asked", LATER)
def test_refusals_of_later_years(video, newer, code, asked):
    if newer:
        refused(400, code, lambda: video.rooms.create(**asked))


def test_complete(video):
    room = video.rooms.create(type="go")
    for status in ("in-progress", "failed", "nonsense"):
        refused(400, 53112, lambda: video.rooms(room.sid).update(status=status))
    done = video.rooms(room.sid).update(status="completed")
    assert (done.sid, done.status, done.duration) == (room.sid, "completed", int((done.end_time - done.date_created).total_seconds()))
    assert isinstance(done.end_time, dt.datetime)
    refused(400, 53112, lambda: video.rooms(room.sid).update(status="completed"))
    assert video.rooms(room.sid).fetch().status == "completed"


def test_what_is_not_there(video):
    error = refused(404, 20404, lambda: video.rooms("nobody's room").fetch())
    assert "/Rooms/nobody" in error.msg
    none = "0" * 32
    room = video.rooms.create(type="group")
    refused(404, 20404, lambda: video.rooms("RM" + none).fetch())
    refused(404, 20404, lambda: video.rooms("RM" + none).update(status="completed"))
    refused(404, 20404, lambda: video.rooms(room.sid).participants("PA" + none).fetch())
    refused(404, 20404, lambda: video.rooms(room.sid).participants("Ann").update(status="disconnected"))
    refused(404, 20404, lambda: video.rooms(room.sid).participants("Ann").subscribe_rules.fetch())
    refused(404, 20404, lambda: video.recordings("RT" + none).fetch())
    refused(404, 20404, lambda: video.recordings("RT" + none).delete())
    refused(404, 20404, lambda: video.rooms(room.sid).recordings("RT" + none).fetch())
    refused(404, 20404, lambda: video.compositions("CJ" + none).fetch())
    refused(404, 20404, lambda: video.compositions("CJ" + none).delete())
    refused(404, 20404, lambda: video.composition_hooks("HK" + none).fetch())
    # The first page of a list is answered by the plain class; that is the library.
    with pytest.raises(TwilioException):
        video.rooms("nobody's room").participants.list()


def test_what_has_no_files_yet(video, newer):
    room = video.rooms.create(type="group")
    after = dt.datetime(2020, 1, 1)
    assert video.recordings.list(grouping_sid=[room.sid], media_type="audio", status="completed", date_created_after=after) == []
    assert video.rooms(room.sid).recordings.list(status="completed") == []
    assert video.compositions.list(room_sid=room.sid, status="completed", date_created_before=after) == []
    assert video.composition_hooks.list(enabled=True) == []
    layout = {"grid": {"video_sources": ["*"]}}
    refused(400, 20001, lambda: video.compositions.create(room_sid=room.sid, audio_sources=["*"], video_layout=layout))
    if newer:
        assert video.rooms(room.sid).transcriptions.list() == []
        refused(400, 20001, lambda: video.rooms(room.sid).transcriptions.create())


def test_settings(video):
    for of in (video.recording_settings, video.composition_settings):
        assert of().create(friendly_name="Ours").friendly_name == "Ours"
        kept = of().fetch()
        assert (kept.friendly_name, kept.aws_storage_enabled, kept.encryption_enabled) == ("Ours", False, False)
        refused(400, 20001, lambda: of().create(friendly_name="x", encryption_enabled=True))
        assert of().fetch().friendly_name == "Ours"


def test_recording_rules(video, newer):
    if not newer:
        return
    group, pair = video.rooms.create(type="group"), video.rooms.create(type="go")
    rules = video.rooms(group.sid).recording_rules
    assert rules.fetch().rules == [{"type": "exclude", "all": True}]
    kept = rules.update(rules=[{"type": "include", "all": True}, {"type": "exclude", "publisher": "Ann", "kind": "video"}])
    assert kept.rules == rules.fetch().rules and len(kept.rules) == 2
    assert isinstance(kept.date_updated, dt.datetime)
    refused(400, 53120, lambda: rules.update(rules=[{"type": "perhaps", "all": True}]))
    assert len(rules.fetch().rules) == 2
    refused(400, 53122, lambda: video.rooms(pair.sid).recording_rules.update(rules=[{"type": "include", "all": True}]))
    # Of a type of our own: it moves to the server to be recorded.
    auto = video.rooms(video.rooms.create(type="auto").sid).recording_rules
    assert auto.fetch().rules == [{"type": "exclude", "all": True}]
    assert auto.update(rules=[{"type": "include", "all": True}]).rules == [{"type": "include", "all": True}]


def test_only_the_right_ones_may_ask(fresh):
    kennel = fresh()
    ours = kennel.client().video.rooms.create(type="go")
    assert kennel.client(ACCOUNT, AUTH_TOKEN, ACCOUNT).video.rooms(ours.sid).fetch().sid == ours.sid
    for user, password in ((KEY, "wrong"), (ACCOUNT, "wrong"), ("SK" + "0" * 32, SECRET)):
        video = kennel.client(user, password).video
        refused(401, 20003, lambda: video.rooms(ours.sid).fetch())
        refused(401, 20003, lambda: video.rooms.create())
        with pytest.raises(TwilioException):
            video.rooms.list()
    refused(401, 20003, lambda: video.rooms(ours.sid).fetch())
    refused(429, 20429, lambda: video.rooms(ours.sid).fetch())
    assert kennel.client().video.rooms(ours.sid).fetch().sid == ours.sid, "the app beside it is not locked out"


@pytest.mark.once
def test_a_key_of_its_own_for_an_app(fresh):
    kennel = fresh()
    code, said = kennel.command("keys", "api", "new", "--label", "backend", "--json")
    assert code == 0, said
    made = json.loads(said)
    video = kennel.client(made["sid"], made["secret"]).video
    until(lambda: video.rooms.create(type="go"), lambda room: room.status == "in-progress", pause=0.5)
    code, said = kennel.command("keys", "api", "revoke", made["sid"])
    assert code == 0, said
    until(lambda: refused(401, 20003, lambda: video.rooms.create(type="go")), lambda error: True, pause=0.5)


@pytest.mark.once
def test_too_many_calls(fresh):
    kennel = fresh("--rest-writes", "5", "--rest-reads", "7")
    video = kennel.client().video
    made = []
    with pytest.raises(TwilioRestException) as caught:
        for _ in range(30):
            made.append(video.rooms.create(type="go"))
    assert (caught.value.status, caught.value.code) == (429, 20429)
    assert len(made) >= 10, "twice a second's worth may come at once"
    assert len(video.rooms.list()) == len(made), "reading has a rate of its own"
