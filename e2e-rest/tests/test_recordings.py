"""Recordings: what is listed while they are made, what a crash leaves, and how files are given out."""

import json
from pathlib import Path

import pytest
import requests

from kennel import ACCOUNT, AUTH_TOKEN, PROJECT, REPOSITORY, SPACE_TOKEN
from person import Person
from waiting import refused, until

# Sound, as a recorder has written it until now.
SOUND = (REPOSITORY / "fuzz/corpus/container_repair/sound").read_bytes()


def made(kennel, receiver=None, **asked):
    """A room in which Ann's sound and picture are recorded: it, her, and the two recordings, sound first."""
    video = kennel.client().video
    if receiver:
        asked["status_callback"] = receiver.url()
    room = video.rooms.create(type="group", record_participants_on_connect=True, **asked)
    ann = Person(kennel, "Ann Ö", room.sid)
    both = until(lambda: video.recordings.list(grouping_sid=[room.sid]), lambda found: len(found) == 2)
    return room, ann, sorted(both, key=lambda one: one.type)


def crash(kennel, room, sound, held=SOUND):
    """The server is killed, with this much of the sound on disk; it starts again, and both recordings have ended."""
    kennel.kill()
    folder = Path(kennel.folder.name) / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / f"{sound.sid[2:]}.mka.part").write_bytes(held)
    kennel.start()
    video = kennel.client().video
    return video.recordings(sound.sid).fetch()


def raw(kennel, url):
    """What an app does for the file of a recording: it asks, and reads where to go."""
    return kennel.client().request("GET", url)


def test_what_is_recorded_is_listed(kennel):
    room, ann, (sound, picture) = made(kennel, unique_name="listed")
    video = kennel.client().video
    assert (sound.status, sound.type, sound.container_format, sound.codec) == ("processing", "audio", "mka", "opus")
    assert (picture.type, picture.container_format, picture.codec, picture.size) == ("video", "mkv", "vp8", None)
    assert sound.grouping_sids == {"room_sid": room.sid, "participant_sid": ann.sid} and sound.account_sid == ACCOUNT
    assert sound.sid.startswith("RT") and sound.source_sid.startswith("MT") and sound.track_name == "mic"
    assert sound.links["media"] == f"{kennel.url}/v1/Recordings/{sound.sid}/Media"
    of_room = video.rooms("listed").recordings
    assert [one.sid for one in of_room.list()] == [picture.sid, sound.sid]
    assert of_room(sound.sid).fetch().room_sid == room.sid
    assert [one.sid for one in video.recordings.list(source_sid=picture.source_sid)] == [picture.sid]
    assert [one.sid for one in video.recordings.list(grouping_sid=[ann.sid], media_type="audio")] == [sound.sid]
    assert video.recordings.list(grouping_sid=[room.sid], status="completed") == []
    assert raw(kennel, sound.links["media"]).status_code == 404
    refused(400, 20001, lambda: video.recordings(sound.sid).delete())
    ann.drop()


def test_rules_count_at_once(kennel, newer):
    if not newer:
        return
    video = kennel.client().video
    room = video.rooms.create(type="group", recording_rules=[{"type": "include", "kind": "audio"}])
    ann = Person(kennel, "Ann", room.sid)
    listed = lambda: video.rooms(room.sid).recordings.list()  # noqa: E731
    (sound,) = until(listed, lambda found: len(found) == 1)
    assert sound.type == "audio"
    video.rooms(room.sid).recording_rules.update(rules=[{"type": "include", "all": True}])
    both = until(listed, lambda found: len(found) == 2)
    assert both[0].type == "video" and both[1].sid == sound.sid
    ann.drop()


def test_what_never_had_any_media_ends_and_says_why(kennel, receiver, newer):
    if not newer:
        return
    hooks = receiver()
    room, ann, (sound, picture) = made(kennel, hooks)
    video = kennel.client().video
    video.rooms(room.sid).recording_rules.update(rules=[{"type": "include", "kind": "video"}])
    failed = until(lambda: video.recordings(sound.sid).fetch(), lambda one: one.status == "failed")
    assert (failed.duration, raw(kennel, failed.links["media"]).status_code) == (0, 404)
    assert video.recordings(picture.sid).fetch().status == "processing"
    hooks.until(lambda r: "recording-failed" in r.events(room.sid))
    told = next(call for call in hooks.of(room.sid) if call.event == "recording-failed")
    assert (told["RecordingSid"], told["FailedOperation"]) == (sound.sid, "RecordingStart")
    video.rooms(room.sid).update(status="completed")
    until(lambda: video.recordings(picture.sid).fetch().status, lambda status: status == "failed")
    hooks.until(lambda r: r.events(room.sid).count("recording-failed") == 2)
    assert hooks.of(room.sid)[-1]["RoomStatus"] == "completed"
    assert video.recordings(sound.sid).delete() and video.recordings(picture.sid).delete()
    ann.drop()


@pytest.mark.parametrize("way", ["all", "room"])
def test_what_a_crash_left_is_finished_listed_and_given_out(fresh, receiver, way):
    kennel, hooks = fresh(), receiver()
    room, _, (sound, picture) = made(kennel, hooks, unique_name="Dog Cäm")
    video = kennel.client().video
    found = crash(kennel, room, sound)
    assert (found.status, found.duration, found.codec) == ("completed", 1, "opus")
    assert found.size > 0 and found.offset > 1_600_000_000_000 and getattr(found, "status_callback", hooks.url()) == hooks.url()
    assert video.recordings(picture.sid).fetch().status == "failed"
    hooks.until(lambda r: {"recording-completed", "recording-failed"} <= set(r.events(room.sid)))
    done = next(call for call in hooks.of(room.sid) if call.event == "recording-completed")
    assert (done["RecordingSid"], done["SourceSid"], done["ParticipantIdentity"]) == (sound.sid, sound.source_sid, "Ann Ö")
    assert (done["Container"], done["Codec"], done["Duration"], done["Size"]) == ("mka", "opus", "1", str(found.size))
    assert done["MediaUri"] == f"/v1/Recordings/{sound.sid}/Media"
    failed = next(call for call in hooks.of(room.sid) if call.event == "recording-failed")
    assert (failed["RecordingSid"], failed["FailedOperation"]) == (picture.sid, "RecordingComplete")

    of = video.recordings if way == "all" else video.rooms(room.sid).recordings
    told = raw(kennel, of(sound.sid).fetch().links["media"])
    address = json.loads(told.text)["redirect_to"]
    assert told.status_code == 302 and address.startswith(kennel.url)
    whole = requests.get(address, timeout=10)
    assert whole.status_code == 200 and len(whole.content) == found.size and whole.headers["Accept-Ranges"] == "bytes"
    part = requests.get(address, headers={"Range": "bytes=4-7"}, timeout=10)
    assert (part.status_code, part.content) == (206, whole.content[4:8])
    assert requests.get(address + "0", timeout=10).status_code == 403
    assert raw(kennel, found.links["media"] + "?Ttl=0").status_code == 400

    assert of(sound.sid).delete()
    assert [file.name for file in (Path(kennel.folder.name) / "recordings").iterdir()] == [".kennel-recordings"]
    assert video.recordings(sound.sid).fetch().status == "deleted"
    assert [one.sid for one in video.recordings.list()] == [picture.sid]
    assert [one.sid for one in video.recordings.list(status="deleted")] == [sound.sid]
    assert raw(kennel, found.links["media"]).status_code == 404 and requests.get(address, timeout=10).status_code == 404


@pytest.mark.once
def test_a_file_that_is_gone_and_one_that_nobody_knows(fresh):
    kennel = fresh()
    room, _, (sound, _) = made(kennel)
    crash(kennel, room, sound)
    folder = Path(kennel.folder.name) / "recordings"
    (folder / f"{sound.sid[2:]}.mka").rename(folder / f"{'ab' * 16}.mka")
    kennel.kill()
    kennel.start()
    video = kennel.client().video
    until(lambda: video.recordings(sound.sid).fetch().status, lambda status: status == "failed")
    until(lambda: kennel.log, lambda log: "does not know some recordings" in log)
    assert (folder / f"{'ab' * 16}.mka").exists()
    code, said = kennel.command("check")
    assert code == 0 and "recordings" in said, said


@pytest.mark.once
def test_the_oldest_go_when_there_are_too_many(fresh):
    kennel = fresh(env={"KENNEL_RECORDING_KEEP_GIGABYTES": "1"})
    room, _, (sound, picture) = made(kennel)
    crash(kennel, room, sound)
    # One that is not done counts, and stays.
    with (Path(kennel.folder.name) / "recordings" / f"{picture.sid[2:]}.mkv.part").open("wb") as large:
        large.truncate(1_000_000_001)
    video = kennel.client().video
    until(lambda: video.recordings(sound.sid).fetch().status, lambda status: status == "deleted", within=90, pause=1)


@pytest.mark.once
def test_the_other_vendor_sees_mixes_only(fresh):
    kennel = fresh()
    room, _, (sound, _) = made(kennel)
    crash(kennel, room, sound)
    ask = lambda path: requests.get(f"{kennel.url}/api/video/{path}", auth=(PROJECT, SPACE_TOKEN), timeout=10)  # noqa: E731
    assert ask("room_recordings").json()["data"] == []
    hexes = sound.sid[2:]
    uuid = "-".join([hexes[:8], hexes[8:12], hexes[12:16], hexes[16:20], hexes[20:]])
    assert ask(f"room_recordings/{uuid}").status_code == 404
    assert ask("room_recordings?media_ttl=0").status_code == 422
    own = requests.get(f"{kennel.url}/v1/Recordings", auth=(ACCOUNT, AUTH_TOKEN), timeout=10).json()
    assert sound.sid in [one["sid"] for one in own["recordings"]]
