"""The program under test: a real server on free loopback ports with a data folder of its own."""

import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path

from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VideoGrant
from twilio.rest import Client

import postgres

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
KEY = "SK00112233445566778899aabbccddeeff"
SECRET = "rest-secret-of-thirty-two-letter"
AUTH_TOKEN = "rest-auth-token-of-32-characters"

PROJECT = "11112222-3333-4444-8555-666677778888"
SPACE_TOKEN = "PTrest0123456789abcdef0123456789abcdef0123456789ab"

# Which database the servers use: DATABASE=sqlite, the default, or DATABASE=postgres.
DATABASE = os.environ.get("DATABASE", "sqlite")
POSTGRES = DATABASE == "postgres"
assert DATABASE in ("sqlite", "postgres"), DATABASE

REPOSITORY = Path(__file__).resolve().parents[2]


def binary():
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    path = Path(os.environ.get("KENNEL_BIN", Path(target) / "debug" / "kennel"))
    assert path.exists(), f"{path} is missing: run cargo build -p kennel, or set KENNEL_BIN"
    return path


class Kennel:
    """A server. Its ports stay the same over a restart, and so do its folder and its database."""

    def __init__(self, *args, env=None, https="off", beside=None):
        # No rate stands in a test's way unless the test is about rates.
        self.env = {"KENNEL_REST_WRITES": "100000", "KENNEL_REST_READS": "100000", "KENNEL_ROOMS_MAX": "20000", **(env or {})}
        if POSTGRES and "KENNEL_DATABASE" not in self.env:
            self.schema = postgres.server().fresh()
            self.env["KENNEL_DATABASE"] = postgres.server().url(self.schema)
        self.args = args
        self.folder = beside.folder if beside else tempfile.TemporaryDirectory(prefix="kennel-rest-")
        self.http = self.media = "127.0.0.1:0"
        self.https = https
        self.process = None
        self.said = []
        self.start()

    def start(self):
        args = ["serve", "--http", self.http, "--https", self.https, "--media", self.media, "--data", self.folder.name, *self.args]
        self.process = subprocess.Popen(
            [binary(), *args], cwd=self.folder.name, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )
        for line in self.process.stderr:
            self.said.append(line)
            if line.startswith("{") and "Kennel is running" in line:
                self.http, self.https = (json.loads(line)[name] for name in ("http", "https"))
                break
        else:
            raise AssertionError("it ended before it ran:\n" + "".join(self.said))
        threading.Thread(target=self.read, args=[self.process.stderr], daemon=True).start()
        return self

    def read(self, stream):
        for line in stream:
            self.said.append(line)

    def environment(self):
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        own = {
            "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_KEY_SID": KEY, "TWILIO_API_KEY_SECRET": SECRET,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "RUST_BACKTRACE": "1",
            "SIGNALWIRE_PROJECT_KEY": PROJECT, "SIGNALWIRE_TOKEN": SPACE_TOKEN,
        }
        return {**inherited, **own, **self.env}

    @property
    def url(self):
        return f"http://{self.http}"

    @property
    def log(self):
        return "".join(self.said)

    def kill(self):
        """As a crash does."""
        self.end(signal.SIGKILL)

    def stop(self):
        """As a person does; the exit code."""
        return self.end(signal.SIGTERM)

    def end(self, how):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(20)

    def dispose(self):
        self.kill()
        assert "panicked" not in self.log, self.log
        self.folder.cleanup()

    def command(self, *args):
        """Another of the program's commands, with the same folder: exit code and words."""
        run = subprocess.run(
            [binary(), *args, "--data", self.folder.name], cwd=self.folder.name, env=self.environment(), capture_output=True,
            text=True, timeout=30,
        )
        return run.returncode, run.stdout + run.stderr

    def query(self, sql):
        """Reads the history beside the server."""
        if POSTGRES:
            return postgres.server().query(self.schema, sql)
        with sqlite3.connect(f"file:{self.folder.name}/history.sqlite?mode=ro", uri=True) as file:
            return file.execute(sql).fetchall()

    def id(self, sid):
        """A SID as a value in a query."""
        return f"'{sid[2:]}'::uuid" if POSTGRES else f"x'{sid[2:]}'"

    def client(self, user=KEY, password=SECRET, account=ACCOUNT):
        """The vendor's client, with the one line changed."""
        client = Client(user, password, account)
        client.video.base_url = self.url
        return client

    def token(self, identity, room):
        """An access token as the vendor's library makes it."""
        token = AccessToken(ACCOUNT, KEY, SECRET, identity=identity)
        token.add_grant(VideoGrant(room=room))
        text = token.to_jwt()
        return text.decode() if isinstance(text, bytes) else text
