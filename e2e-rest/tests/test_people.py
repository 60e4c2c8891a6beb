"""Participants and their tracks: somebody really is in the room."""

import datetime as dt

import pytest

from person import Person, Refused
from waiting import refused, until


@pytest.fixture(params=["go", "group"])
def meeting(kennel, request):
    """A room with Ann and Bob: (its context, Ann, Bob)."""
    video = kennel.client().video
    room = video.rooms.create(type=request.param)
    ann, bob = Person(kennel, "Ann Ö", room.unique_name), Person(kennel, "Bob", room.unique_name)
    yield video.rooms(room.sid), ann, bob
    for one in (ann, bob):
        one.drop()


def test_participants(meeting):
    room, ann, bob = meeting
    both = room.participants.list()
    assert [one.identity for one in both] == ["Bob", "Ann Ö"]
    found = room.participants("Ann Ö").fetch()
    assert (found.sid, found.room_sid, found.status) == (ann.sid, ann.room, "connected")
    assert isinstance(found.start_time, dt.datetime) and (found.end_time, found.duration) == (None, None)
    assert room.participants(bob.sid).fetch().identity == "Bob"
    assert [one.sid for one in room.participants.list(identity="Bob")] == [bob.sid]
    assert room.participants.list(identity="bob") == []
    assert room.participants.list(status="disconnected") == []
    assert len(room.participants.list(page_size=1)) == 2
    refused(404, 20404, lambda: room.participants("Carl").fetch())


def test_tracks(meeting):
    room, ann, bob = meeting
    published = room.participants(ann.sid).published_tracks
    tracks = {track.name: track for track in published.list()}
    assert {name: (track.kind, track.enabled) for name, track in tracks.items()} == {"mic": ("audio", True), "cam": ("video", True)}
    cam = published("cam").fetch()
    assert (cam.sid, cam.participant_sid, cam.room_sid) == (tracks["cam"].sid, ann.sid, ann.room)
    assert published(cam.sid).fetch().name == "cam"
    subscribed = room.participants("Bob").subscribed_tracks
    received = until(subscribed.list, lambda list: len(list) == 2)
    assert {track.name for track in received} == {"mic", "cam"}
    assert {(track.publisher_sid, track.participant_sid) for track in received} == {(ann.sid, bob.sid)}
    assert subscribed(cam.sid).fetch().name == "cam"
    refused(404, 20404, lambda: subscribed("MT" + "0" * 32).fetch())
    ann.switch("cam", False)
    until(published("cam").fetch, lambda track: track.enabled is False)
    ann.alter([track for track in ann.tracks if track["name"] == "mic"])
    until(published.list, lambda list: [track.name for track in list] == ["mic"])


def test_kick(meeting):
    room, ann, bob = meeting
    refused(400, 53209, lambda: room.participants("Bob").update(status="connected"))
    kicked = room.participants("Bob").update(status="disconnected")
    assert (kicked.status, kicked.sid) == ("disconnected", bob.sid)
    assert isinstance(kicked.end_time, dt.datetime) and kicked.duration is not None
    assert bob.hears(lambda body: body["type"] == "disconnected")["status"] == "disconnected"
    assert [one.identity for one in room.participants.list()] == ["Ann Ö"]
    assert [one.sid for one in room.participants.list(status="disconnected")] == [bob.sid]
    ann.hears(lambda body: any(one["sid"] == bob.sid and one["state"] == "disconnected" for one in body.get("participants", [])))
    refused(400, 53209, lambda: room.participants(bob.sid).update(status="disconnected"))


def test_complete_sends_everybody_away(kennel, meeting):
    room, ann, bob = meeting
    assert room.update(status="completed").status == "completed"
    for one in (ann, bob):
        assert one.hears(lambda body: body["type"] == "disconnected")["status"] == "completed"
    assert room.participants.list(status="connected") == []
    gone = room.participants.list()
    assert {one.status for one in gone} == {"disconnected"} and len(gone) == 2
    assert all(isinstance(one.end_time, dt.datetime) for one in gone)
    with pytest.raises(Refused) as refusal:
        Person(kennel, "Carl", ann.room)
    assert refusal.value.code == 53118
    with pytest.raises(Refused) as refusal:
        Person(kennel, "Carl", "RM" + 32 * "7")
    assert refusal.value.code == 53106


def test_the_region_is_that_of_the_name_dialled(kennel):
    for name, region in [("de1.kennel.example", "de1"), ("kennel.example", "local"), (None, "local")]:
        carl = Person(kennel, "Carl", "regions", dialled=name)
        assert carl.options["signaling_region"] == region
        carl.leave()


def test_a_second_of_the_same_name(kennel, meeting):
    room, ann, bob = meeting
    name = room.fetch().unique_name
    second = Person(kennel, "Bob", name)
    assert bob.hears(lambda body: body["type"] == "error")["code"] == 53205
    assert room.participants("Bob").fetch().sid == second.sid
    assert room.participants(bob.sid).fetch().status == "disconnected"
    second.drop()


def test_a_full_room_and_a_freed_seat(kennel, video):
    room = video.rooms.create(type="go")
    people = [Person(kennel, name, room.sid) for name in ("Ann", "Bob")]
    with pytest.raises(Refused) as refusal:
        Person(kennel, "Carl", room.sid)
    assert refusal.value.code == 53105
    video.rooms(room.sid).participants("Ann").update(status="disconnected")
    people.append(Person(kennel, "Carl", room.sid))
    for one in people:
        one.drop()


def test_anonymize(kennel, video, newer):
    if not newer:
        return
    room = video.rooms.create(type="go")
    ann = Person(kennel, "Ann", room.sid)
    context = video.rooms(room.sid).participants
    refused(400, 53209, lambda: context("Ann").anonymize().update())
    ann.leave()
    until(context(ann.sid).fetch, lambda one: one.status == "disconnected")
    done = context("Ann").anonymize().update()
    assert (done.identity, done.url.endswith("/Anonymize")) == (ann.sid, True)
    assert context(ann.sid).fetch().identity == ann.sid
    refused(404, 20404, lambda: context("Ann").fetch())


def test_subscribe_rules(meeting):
    room, ann, bob = meeting
    rules = room.participants("Bob").subscribe_rules
    if room.fetch().type == "go":
        refused(400, 53117, lambda: rules.update(rules=[{"type": "include", "all": True}]))
        return
    unset = {"all": None, "publisher": None, "track": None, "kind": None, "priority": None}
    assert rules.fetch().rules == [{**unset, "type": "include", "all": True}]
    received = room.participants("Bob").subscribed_tracks
    until(received.list, lambda list: len(list) == 2)
    kept = rules.update(rules=[{"type": "include", "kind": "audio"}, {"type": "exclude", "publisher": "Carl"}])
    assert kept.rules == [{**unset, "type": "include", "kind": "audio"}, {**unset, "type": "exclude", "publisher": "Carl"}]
    until(received.list, lambda list: [track.name for track in list] == ["mic"])
    assert isinstance(kept.date_created, dt.datetime)
    for wrong in ([], [{"type": "include"}], [{"type": "include", "all": True, "kind": "audio"}], [{"type": "x", "all": True}]):
        refused(400, 53215, lambda: rules.update(rules=wrong))
    assert rules.fetch().rules == kept.rules, "the old ones stay"
    rules.update(rules=kept.rules)
    rules.update(rules=[{"type": "exclude", "all": True}])
    until(received.list, lambda list: list == [])


def test_a_room_of_those_who_came(kennel, video):
    """Made by joining: it ends with the last leave."""
    ann = Person(kennel, "Ann", "ad hoc room")
    room = video.rooms("ad hoc room").fetch()
    assert (room.sid, room.status) == (ann.room, "in-progress")
    ann.leave()
    ended = until(video.rooms(room.sid).fetch, lambda room: room.status == "completed")
    assert isinstance(ended.end_time, dt.datetime)
