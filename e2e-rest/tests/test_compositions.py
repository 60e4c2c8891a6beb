"""Compositions and their hooks: what is refused, what is made, what is told of it, and what becomes of it when the server is killed."""

import json
import subprocess
from pathlib import Path

import pytest
import requests

from kennel import ACCOUNT, AUTH_TOKEN
from person import Person
from waiting import refused, until

GRID = {"grid": {"video_sources": ["*"]}}

ENDED = ("completed", "failed")


@pytest.fixture(scope="session")
def media(tmp_path_factory):
    """Three seconds of a tone, and of a picture."""
    folder = tmp_path_factory.mktemp("media")
    for name, what in [
        ("sound", ["sine=frequency=440:duration=3", "-ac", "1", "-c:a", "libopus"]),
        ("picture", ["testsrc=duration=3:size=320x240:rate=15", "-c:v", "libvpx", "-g", "15"]),
    ]:
        arguments = ["-f", "lavfi", "-i", *what, "-f", "matroska", str(folder / name)]
        subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, timeout=60)
    return folder


def recorded(kennel, **asked):
    """A room that Ann is in and that is being recorded."""
    video = kennel.client().video
    room = video.rooms.create(type="group", record_participants_on_connect=True, **asked)
    ann = Person(kennel, "Ann", room.sid)
    both = until(lambda: video.recordings.list(grouping_sid=[room.sid]), lambda found: len(found) == 2)
    return room, ann, sorted(both, key=lambda one: one.type)


def shot(kennel, media, **asked):
    """The same after the server was killed and both recordings have something in them. The room goes on."""
    room, _, (sound, picture) = recorded(kennel, **asked)
    put(kennel, media, sound, picture)
    return room


def put(kennel, media, sound, picture):
    kennel.kill()
    folder = Path(kennel.folder.name) / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / f"{sound.sid[2:]}.mka").write_bytes((media / "sound").read_bytes())
    (folder / f"{picture.sid[2:]}.mkv").write_bytes((media / "picture").read_bytes())
    kennel.start()
    video = kennel.client().video
    for one in (sound, picture):
        assert video.recordings(one.sid).fetch().status == "completed"


def ended(video, sid):
    return until(lambda: video.compositions(sid).fetch(), lambda one: one.status in ENDED, within=60)


def probe(kennel, sid):
    """What ffprobe sees in the file of a composition: codecs, width and height, seconds."""
    told = kennel.client().request("GET", f"{kennel.url}/v1/Compositions/{sid}/Media")
    assert told.status_code == 302
    address = json.loads(told.text)["redirect_to"]
    whole = requests.get(address, timeout=20)
    assert whole.status_code == 200 and whole.headers["Accept-Ranges"] == "bytes"
    assert len(whole.content) == kennel.client().video.compositions(sid).fetch().size
    return look(whole.content)


def look(content):
    entries = "stream=codec_name,width,height:format=duration"
    arguments = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "json", "-i", "-"]
    seen = json.loads(subprocess.run(arguments, input=content, capture_output=True, check=True, timeout=60).stdout)
    pictures = [stream for stream in seen["streams"] if "width" in stream]
    size = (pictures[0]["width"], pictures[0]["height"]) if pictures else None
    return sorted(stream["codec_name"] for stream in seen["streams"]), size, float(seen["format"]["duration"])


def events(hooks, room, sid=None):
    return [call for call in hooks.of(room) if call.event.startswith("composition") and sid in (None, call.get("CompositionSid"))]


def test_a_composition_is_made_and_told_of_in_order(fresh, receiver, media):
    kennel, hooks = fresh(), receiver()
    room = shot(kennel, media, unique_name="Den")
    video = kennel.client().video
    asked = video.compositions.create(
        room_sid=room.sid, audio_sources=["*"], video_layout=GRID, resolution="320x240", status_callback=hooks.url(),
    )
    assert asked.status in ("enqueued", "processing") and asked.sid.startswith("CJ") and asked.room_sid == room.sid
    assert asked.video_layout["grid"]["reuse"] == "show_oldest" and asked.audio_sources == ["*"]
    assert (asked.resolution, asked.trim, asked.format, asked.size, asked.duration) == ("320x240", True, "webm", 0, 0)
    done = ended(video, asked.sid)
    assert done.status == "completed" and done.size > 1_000 and done.duration in (2, 3) and done.bitrate > 0
    assert done.date_completed is not None and done.date_deleted is None and done.links["media"].endswith(f"{asked.sid}/Media")
    codecs, size, seconds = probe(kennel, asked.sid)
    assert (codecs, size) == (["opus", "vp8"], (320, 240)) and 2.5 < seconds < 3.5
    hooks.until(lambda r: any(call.event == "composition-available" for call in events(r, room.sid)))
    told = events(hooks, room.sid, asked.sid)
    names = [call.event[len("composition-"):] for call in told]
    assert names[0] == "started" and names[-1] == "available" and set(names[1:-1]) <= {"progress"}
    percent = [int(call["PercentageDone"]) for call in told if call.event == "composition-progress"]
    assert percent == sorted(set(percent)) and all(call.signed for call in told)
    assert (told[-1]["MediaUri"], told[-1]["Size"]) == (f"/v1/Compositions/{asked.sid}/Media", str(done.size))

    small = video.compositions.create(room_sid=room.sid, video_layout=GRID, format="mp4", resolution="160x120", trim=False)
    assert ended(video, small.sid).status == "completed"
    assert probe(kennel, small.sid)[:2] == (["h264"], (160, 120))
    heard = video.compositions.create(room_sid=room.sid, audio_sources=["mic"], audio_sources_excluded=["x*"])
    assert heard.video_layout == {} and ended(video, heard.sid).status == "completed"
    assert probe(kennel, heard.sid)[:2] == (["opus"], None)
    nothing = video.compositions.create(room_sid=room.sid, audio_sources=["nobody"], status_callback=hooks.url())
    assert ended(video, nothing.sid).status == "failed"
    hooks.until(lambda r: [call.event for call in events(r, room.sid, nothing.sid)][-1:] == ["composition-failed"])

    listed = video.compositions.list(room_sid=room.sid, status="completed")
    assert [one.sid for one in listed] == [heard.sid, small.sid, asked.sid]
    assert len(video.compositions.list(room_sid=room.sid, page_size=1)) == 4
    assert video.compositions(asked.sid).delete()
    assert video.compositions(asked.sid).fetch().status == "deleted"
    assert [one.sid for one in video.compositions.list(status="deleted")] == [asked.sid]
    assert kennel.client().request("GET", done.links["media"]).status_code == 404
    assert not list((Path(kennel.folder.name) / "compositions").glob(f"{asked.sid[2:]}*"))


@pytest.mark.once
def test_what_means_nothing_is_refused(kennel):
    url, auth = f"{kennel.url}/v1/Compositions", (ACCOUNT, AUTH_TOKEN)
    room, ann, _ = recorded(kennel)
    bare = kennel.client().video.rooms.create(type="group")
    layout = lambda **more: json.dumps({"a": {"video_sources": ["*"], **more}})  # noqa: E731
    good = {"RoomSid": room.sid, "AudioSources": "*"}
    for parameter, change in [
        ("RoomSid", {"RoomSid": "RM" + "0" * 32}),
        ("RoomSid", {"RoomSid": "Den"}),
        ("RoomSid", {"RoomSid": bare.sid}),
        ("VideoLayout", {"AudioSources": ""}),
        ("VideoLayout", {"VideoLayout": "[]"}),
        ("VideoLayout.a.video_sources", {"VideoLayout": json.dumps({"a": {}})}),
        ("VideoLayout.a.x_pos", {"VideoLayout": layout(x_pos=-1)}),
        ("VideoLayout.a.z_pos", {"VideoLayout": layout(z_pos=100)}),
        ("VideoLayout.a.width", {"VideoLayout": layout(width=641)}),
        ("VideoLayout.a.max_rows", {"VideoLayout": layout(max_rows=1001)}),
        ("VideoLayout.a.cells_excluded", {"VideoLayout": layout(cells_excluded=[-1])}),
        ("VideoLayout.a.reuse", {"VideoLayout": layout(reuse="always")}),
        ("AudioSources", {"AudioSources": "a*b"}),
        ("AudioSourcesExcluded", {"AudioSourcesExcluded": "**"}),
        ("Resolution", {"Resolution": "15x480"}),
        ("Format", {"Format": "avi"}),
        ("Trim", {"Trim": "perhaps"}),
    ]:
        said = requests.post(url, {**good, **change}, auth=auth, timeout=10)
        answer = said.json()
        assert (said.status_code, answer["code"], answer["details"]["parameter"]) == (400, 20001, parameter), answer
    for parameter, code, value in [("StatusCallback", 53111, "ftp://x"), ("StatusCallbackMethod", 53110, "PUT")]:
        answer = requests.post(url, {**good, parameter: value}, auth=auth, timeout=10).json()
        assert (answer["code"], answer["details"]["parameter"]) == (code, parameter)
    assert kennel.client().video.compositions.list(room_sid=room.sid) == []
    ann.drop()


def test_hooks(fresh, receiver, media):
    kennel, hooks = fresh(), receiver()
    room, _, (sound, picture) = recorded(kennel, unique_name="Den")
    video = kennel.client().video
    hook = video.composition_hooks.create(
        friendly_name="Every room", video_layout=GRID, audio_sources=["*"], resolution="160x120", status_callback=hooks.url(),
    )
    assert hook.sid.startswith("HK") and hook.enabled and hook.date_updated is None and hook.format == "webm"
    refused(400, 20001, lambda: video.composition_hooks.create(friendly_name="Every room", audio_sources=["*"]))
    off = video.composition_hooks.create(friendly_name="Never", audio_sources=["*"], enabled=False)
    assert [one.sid for one in video.composition_hooks.list(friendly_name="every*")] == [hook.sid]
    assert [one.sid for one in video.composition_hooks.list(enabled=False)] == [off.sid]
    changed = video.composition_hooks(off.sid).update(friendly_name="Still never", enabled=False)
    assert (changed.friendly_name, changed.audio_sources, changed.video_layout) == ("Still never", [], {})
    assert changed.date_updated is not None and video.composition_hooks(off.sid).fetch().friendly_name == "Still never"
    refused(400, 20001, lambda: video.composition_hooks(off.sid).update(friendly_name="Every room"))

    put(kennel, media, sound, picture)
    video = kennel.client().video
    video.rooms(room.sid).update(status="completed")
    (made,) = until(lambda: video.compositions.list(room_sid=room.sid), lambda found: len(found) == 1)
    assert ended(video, made.sid).status == "completed" and probe(kennel, made.sid)[1] == (160, 120)
    hooks.until(lambda r: any(call.event == "composition-available" for call in events(r, room.sid)))
    told = events(hooks, room.sid)
    assert [call.event for call in told[:2]] == ["composition-enqueued", "composition-started"]
    assert (told[0]["HookSid"], told[0]["HookFriendlyName"], told[0]["CompositionSid"]) == (hook.sid, "Every room", made.sid)
    kennel.kill()
    kennel.start()
    video = kennel.client().video
    assert len(video.compositions.list(room_sid=room.sid)) == 1
    assert video.composition_hooks(off.sid).delete() and video.composition_hooks(hook.sid).delete()
    refused(404, 20404, lambda: video.composition_hooks(hook.sid).fetch())
    assert video.composition_hooks.list() == []


@pytest.mark.once
def test_what_waits_outlives_the_server_and_can_be_given_up(fresh, media):
    kennel = fresh()
    room, _, (sound, picture) = recorded(kennel)
    video = kennel.client().video
    make = lambda: video.compositions.create(room_sid=room.sid, video_layout=GRID, resolution="160x120").sid  # noqa: E731
    unwanted, wanted = make(), make()
    assert video.compositions(unwanted).delete()
    assert video.compositions(unwanted).fetch().status == "deleted"
    assert video.compositions(wanted).fetch().status == "enqueued", "its recordings have not ended"
    put(kennel, media, sound, picture)
    video = kennel.client().video
    assert ended(video, wanted).status == "completed" and probe(kennel, wanted)[1] == (160, 120)
    assert video.compositions(unwanted).fetch().status == "deleted"


@pytest.mark.once
def test_what_is_being_made_begins_anew_after_a_crash(fresh, media):
    kennel = fresh(env={"KENNEL_COMPOSITION_SHARE": "1"})
    room = shot(kennel, media)
    video = kennel.client().video
    # Somebody is inside, so one percent of a processor must do.
    ann = Person(kennel, "Bea", kennel.client().video.rooms.create(type="go").sid)
    sid = video.compositions.create(room_sid=room.sid, video_layout=GRID, audio_sources=["*"], resolution="1280x720").sid
    until(lambda: video.compositions(sid).fetch().status, lambda status: status == "processing")
    until(lambda: list((Path(kennel.folder.name) / "compositions").glob("*.part")), bool)
    kennel.kill()
    ann.drop()
    assert list((Path(kennel.folder.name) / "compositions").glob("*.part"))
    kennel.env.pop("KENNEL_COMPOSITION_SHARE")
    kennel.start()
    video = kennel.client().video
    assert ended(video, sid).status == "completed" and probe(kennel, sid)[1] == (1280, 720)
    assert not list((Path(kennel.folder.name) / "compositions").glob("*.part"))


@pytest.mark.once
def test_the_command_makes_a_film_beside_the_server(fresh, media):
    kennel = fresh()
    room = shot(kennel, media, unique_name="Den")
    film = Path(kennel.folder.name) / "den.webm"
    arguments = ["compose", "--room", "Den", "--output", film.name, "--resolution", "160x120"]
    code, said = kennel.command(*arguments)
    assert code == 0 and "from 2 recordings" in said, said
    codecs, size, _ = look(film.read_bytes())
    assert (codecs, size) == (["opus", "vp8"], (160, 120)) and (film.stat().st_mode & 0o777) == 0o600
    code, said = kennel.command(*arguments)
    assert code == 1 and "is there already" in said
    code, said = kennel.command("compose", "--room", room.sid, "--output", str(film.with_suffix(".mp4")), "--layout", '{"a":{}}')
    assert code == 1 and "VideoLayout.a.video_sources" in said
    code, said = kennel.command("compose", "--room", "Barn", "--output", str(film.with_suffix(".mp4")))
    assert code == 1 and "Nothing is there" in said
    assert kennel.client().video.compositions.list() == []
