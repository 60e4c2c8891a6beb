"""kill -9 at any moment: what was acknowledged is there afterwards, and nothing is told that did not happen."""

import os
import random
import threading
import time
from collections import Counter

import pytest
import requests

from kennel import KEY, SECRET
from person import Person
from waiting import until

pytestmark = pytest.mark.once

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
ROUNDS = int(os.environ.get("ROUNDS", 5))
AUTH = (KEY, SECRET)


class Load:
    """Apps and people who do what they do until the server is gone. Notes what they were promised."""

    def __init__(self, kennel, receiver, dice):
        self.kennel, self.receiver, self.dice = kennel, receiver, dice
        self.created, self.completed, self.joined = {}, set(), {}
        self.lock = threading.Lock()
        self.over = threading.Event()

    def run(self, seconds):
        self.over.clear()
        work = [self.create, self.create, self.complete, self.join, self.join, self.read]
        threads = [threading.Thread(target=self.loop, args=[act, self.dice.random()]) for act in work]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.kennel.kill()
        self.over.set()
        for thread in threads:
            thread.join(30)

    def loop(self, act, seed):
        dice = random.Random(seed)
        while not self.over.is_set():
            try:
                act(dice)
            except Exception:
                # The server is gone, or the room is.
                time.sleep(0.01)

    def ask(self, method, path, **form):
        answer = requests.request(method, f"{self.kennel.url}/v1{path}", auth=AUTH, data=form, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def pick(self, dice):
        with self.lock:
            return dice.choice([sid for sid in self.created if sid not in self.completed])

    def create(self, dice):
        name = f"room {dice.random()}"
        kind = dice.choice(["go", "peer-to-peer", "group"])
        room = self.ask("POST", "/Rooms", UniqueName=name, Type=kind, StatusCallback=self.receiver.url())
        with self.lock:
            self.created[room["sid"]] = name

    def complete(self, dice):
        time.sleep(dice.random() / 20)
        sid = self.pick(dice)
        self.ask("POST", f"/Rooms/{sid}", Status="completed")
        with self.lock:
            self.completed.add(sid)

    def join(self, dice):
        room = f"ad hoc {dice.randrange(3)}" if dice.random() < 0.3 else self.pick(dice)
        person = Person(self.kennel, f"person {dice.random()}", room, tracks=[{"id": "cam", "kind": "video", "name": "cam"}])
        # A call after it has read what is written: now it is promised.
        row = self.ask("GET", f"/Rooms/{person.room}/Participants/{person.sid}")
        with self.lock:
            self.joined[person.sid] = (person.room, row["start_time"])
        person.switch("cam", False)
        if dice.random() < 0.7:
            person.leave()

    def read(self, dice):
        self.ask("GET", "/Rooms?PageSize=20")
        time.sleep(0.01)


def test_killed_at_any_moment(fresh, receiver):
    print(f"SEED={SEED} ROUNDS={ROUNDS}")
    dice = random.Random(SEED)
    slow = random.Random(SEED)
    receiver = receiver(lambda call: time.sleep(slow.random() / 100) or 200)
    kennel = fresh("--session-timeout", "2", "--status-callback", receiver.url())
    load = Load(kennel, receiver, dice)
    kills = []
    for _ in range(ROUNDS):
        load.run(0.2 + dice.random() * 1.6)
        kills.append(time.time())
        code, said = kennel.command("check", "--http", "127.0.0.1:0", "--https", "off", "--media", "127.0.0.1:0")
        assert code == 0, said
        if dice.random() < 0.5:
            # Killed again while it settles what the last one left.
            kennel.start()
            time.sleep(dice.random() / 5)
            kennel.kill()
            kills.append(time.time())
        kennel.start()
    settle(kennel, load)
    judge(kennel, load, receiver, kills)
    print(f"{len(load.created)} rooms, {len(load.completed)} completed, {len(load.joined)} joins, {len(receiver.calls)} callbacks, {len(kills)} kills")


def settle(kennel, load):
    """Everybody is gone for good and every room is over."""
    waits = time.monotonic() + 30
    while kennel.query("SELECT count(*) FROM participants WHERE status < 2")[0][0]:
        assert time.monotonic() < waits, kennel.query("SELECT * FROM participants WHERE status < 2")
        time.sleep(0.05)
    video = kennel.client().video
    for room in video.rooms.list(page_size=1000):
        video.rooms(room.sid).update(status="completed")
    waits = time.monotonic() + 90
    while kennel.query("SELECT count(*) FROM events WHERE waits_ms IS NOT NULL")[0][0]:
        assert time.monotonic() < waits, kennel.query("SELECT name, outcome, attempts FROM events WHERE head = 1 LIMIT 9")
        time.sleep(0.05)


def judge(kennel, load, receiver, kills):
    video = kennel.client().video
    rooms = {room.sid: room for room in video.rooms.list(status="completed", page_size=1000)}
    people = {}
    for room, participant, status, came, left in kennel.query("SELECT room, id, status, created_ms, ended_ms FROM participants"):
        people[f"PA{participant.hex()}"] = (f"RM{room.hex()}", came, left)
        assert status == 2 and left is not None and left >= came
    for sid, name in load.created.items():
        assert sid in rooms and rooms[sid].unique_name == name, f"{sid} was acknowledged"
    for sid, (room, start) in load.joined.items():
        assert people[sid][0] == room, f"{sid} was acknowledged"
    told = {}
    for call in receiver.calls:
        told.setdefault(call["RoomSid"], []).append(call)
    assert set(told) == set(rooms), "everything is told, and nothing else"
    twice = 0
    for sid, calls in told.items():
        twice += judge_room(rooms[sid], calls, people)
    # Of each receiver eight may be on their way when the program is killed.
    assert twice <= 8 * len(kills), twice


def judge_room(room, calls, people):
    numbers = [call.number for call in calls]
    once = [call for before, call in zip([None, *calls], calls) if before is None or before != call]
    assert [call.number for call in once] == list(range(len(once))), numbers
    assert all(call.signed for call in calls)
    events = [call.event for call in once]
    assert (events[0], events[-1]) == ("room-created", "room-ended"), events
    assert events.count("room-created") == events.count("room-ended") == 1
    times = [call["Timestamp"] for call in once]
    assert times == sorted(times), times
    inside, tracks = set(), {}
    for call in once[1:-1]:
        who = call["ParticipantSid"]
        assert people[who][0] == room.sid, "told of nobody who was not there"
        if call.event == "participant-connected":
            assert who not in inside
            inside.add(who)
        else:
            assert who in inside, events
        if call.event == "track-added":
            tracks[call["TrackSid"]] = who
        elif call.event == "track-removed":
            assert tracks.pop(call["TrackSid"]) == who, events
        elif call.event == "participant-disconnected":
            assert who not in tracks.values(), events
            inside.remove(who)
    assert not inside, events
    assert int(once[-1]["RoomDuration"]) == room.duration
    assert set(who for who, (of, _, _) in people.items() if of == room.sid) == {c["ParticipantSid"] for c in once if c.event == "participant-connected"}
    return len(calls) - len(once)


def test_times_after_a_crash(fresh):
    """A room whose people come back goes on; one whose people do not ends when it ended."""
    kennel = fresh("--session-timeout", "2")
    video = kennel.client().video
    made = video.rooms.create(type="go")
    ann = Person(kennel, "Ann", made.sid)
    bob = Person(kennel, "Bob", "by joining")
    # Seats are written down within a second.
    time.sleep(2.5)
    killed = time.time()
    kennel.kill()
    kennel.start()
    video = kennel.client().video
    assert video.rooms(made.sid).participants("Ann").fetch().status == "reconnecting"
    assert video.rooms("by joining").fetch().sid == bob.room
    until(video.rooms(bob.room).fetch, lambda room: room.status == "completed")
    left = video.rooms(made.sid).participants(ann.sid)
    until(left.fetch, lambda one: one.status == "disconnected")
    for end in (video.rooms(bob.room).fetch().end_time, left.fetch().end_time):
        assert killed - 1 <= end.timestamp() <= time.time() + 1
    assert video.rooms(made.sid).fetch().status == "in-progress", "made by REST, it waits for the next one"
    Person(kennel, "Carl", made.sid).leave()

    Person(kennel, "Dora", "short")
    kennel.kill()
    killed = time.time()
    time.sleep(2.5)
    kennel.start()
    rooms = kennel.client().video.rooms.list(unique_name="short", status="completed")
    for room in rooms:
        assert room.end_time.timestamp() <= killed + 1, "it ended with the program, not with its restart"

