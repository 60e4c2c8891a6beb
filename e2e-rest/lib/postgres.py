"""A PostgreSQL of the tests' own: Debian's programs, a temporary folder, a socket in it. Missing programs are a failure, not a reason to skip."""

import atexit
import functools
import glob
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid

MISSING = "PostgreSQL is not installed, and these tests need a real one: run scripts/bootstrap test, or apt-get install postgresql"


def program(name):
    """Debian keeps the programs of each version in a folder of its own, off the path."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
    assert found[-1], MISSING
    return found[-1]


def as_somebody():
    """The server refuses to run as root; then it runs as the user that Debian made for it."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.getuid() == 0 else []


class Postgres:
    """A server that runs until the tests end."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="kennel-rest-pg-")
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self.data, self.names = f"{self.folder}/data", itertools.count(1)
        made = [program("initdb"), "--username=kennel", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", self.data]
        subprocess.run([*as_somebody(), *made], cwd="/", check=True, stdout=subprocess.DEVNULL)
        # What the server acknowledged survives a killed client without fsync, and no test kills the machine.
        settings = ["listen_addresses=", "fsync=off", "max_connections=200"]
        flags = [part for setting in settings for part in ("-c", setting)]
        self.process = subprocess.Popen(
            [*as_somebody(), program("postgres"), "-D", self.data, "-k", self.folder, *flags], cwd="/",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        atexit.register(self.stop)
        end = time.monotonic() + 60
        while subprocess.run([program("pg_isready"), "-q", "-h", self.folder]).returncode:
            assert self.process.poll() is None and time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(0.05)

    def fresh(self):
        """The name of a schema that nobody used before."""
        name = f"kennel{next(self.names)}"
        self.ask(f"CREATE SCHEMA {name}")
        return name

    def url(self, schema):
        return f"postgres://kennel@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"

    def ask(self, sql):
        run = subprocess.run(
            [program("psql"), "-h", self.folder, "-U", "kennel", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAtc", sql],
            capture_output=True, text=True,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def query(self, schema, sql):
        """Rows as SQLite gives them: ids are bytes."""
        rows = json.loads(self.ask(f"SET search_path = {schema}; SELECT coalesce(json_agg(rows), '[]') FROM ({sql}) AS rows"))
        return [tuple(plain(value) for value in row.values()) for row in rows]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def plain(value):
    try:
        return uuid.UUID(value).bytes
    except (AttributeError, TypeError, ValueError):
        return value


@functools.cache
def server():
    """One for all tests."""
    return Postgres()
