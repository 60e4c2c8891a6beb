"""Two programs and one database."""

import sqlite3

import pytest
import requests

import postgres
from kennel import POSTGRES, Kennel
from waiting import refused, until

pytestmark = pytest.mark.once

CHECK = ("check", "--http", "127.0.0.1:0", "--https", "off", "--media", "127.0.0.1:0", "--json")


def test_a_second_one_with_the_same_folder_is_refused(fresh):
    first = fresh()
    with pytest.raises(AssertionError, match="running already with the data folder"):
        Kennel(beside=first, env={"KENNEL_DATABASE": "sqlite"})
    assert first.client().video.rooms.create(type="go").status == "in-progress"


@pytest.mark.skipif(not POSTGRES, reason="a file is in the data folder")
def test_a_second_one_with_the_same_tables_is_refused(fresh):
    first = fresh()
    with pytest.raises(AssertionError, match="another Kennel writes to it"):
        fresh(env={"KENNEL_DATABASE": first.env["KENNEL_DATABASE"]})
    assert first.client().video.rooms.create(type="go").status == "in-progress"
    first.kill()
    fresh(env={"KENNEL_DATABASE": first.env["KENNEL_DATABASE"]}).stop()


def test_a_check_beside_a_running_server(fresh):
    kennel = fresh()
    assert kennel.client().video.rooms.create(type="go").status == "in-progress"
    code, said = kennel.command(*CHECK)
    assert code == 0 and "agrees with itself" in said, said
    assert kennel.client().video.rooms.create(type="go").status == "in-progress"


@pytest.mark.skipif(not POSTGRES, reason="needs a database server")
def test_a_database_server_that_goes_away_and_comes_back(fresh):
    """Rooms go on without it, and what happened meanwhile is written down afterwards."""
    kennel = fresh()
    video = kennel.client().video
    room = video.rooms.create(type="go")
    postgres.server().ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kennel' AND pid <> pg_backend_pid()"
    )
    assert video.rooms(room.sid).update(status="completed").status == "completed"
    assert kennel.query("SELECT count(*) FROM rooms WHERE status = 0") == [(0,)]


@pytest.mark.skipif(POSTGRES, reason="nothing locks a whole database there")
def test_a_file_that_cannot_be_written(fresh):
    """Rooms go on and are read, what would change something is refused, machines are told, and all of it heals."""
    kennel = fresh()
    video = kennel.client().video
    room = video.rooms.create(unique_name="den", type="go")
    ready = lambda: requests.get(f"{kennel.url}/readyz", timeout=5)
    assert ready().text == "ready"
    other = sqlite3.connect(f"{kennel.folder.name}/history.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused(503, 20503, lambda: video.rooms.create(unique_name="lost", type="go"))
    answer = until(ready, lambda answer: answer.status_code == 503)
    assert answer.text == "unwritable"
    refused(503, 20503, lambda: video.rooms(room.sid).update(status="completed"))
    assert video.rooms("den").fetch().sid == room.sid
    other.execute("ROLLBACK")
    until(ready, lambda answer: answer.text == "ready")
    assert video.rooms(room.sid).update(status="completed").status == "completed"
    # Whoever was refused may try again: nothing is in the way.
    assert video.rooms.create(unique_name="lost", type="go").status == "in-progress"
