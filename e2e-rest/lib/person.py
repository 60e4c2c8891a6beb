"""A participant who speaks as much of the SDK's signaling as it takes to be in a room."""

import json
import secrets
import socket
import threading
import time

from websockets.sync.client import connect

# What a browser would offer: one picture, one sound. Nobody ever connects to it.
OFFER = "\r\n".join([
    "v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=msid-semantic: WMS *",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:{ufrag}",
    "a=ice-pwd:0123456789abcdef01234567", "a=ice-options:trickle",
    "a=fingerprint:sha-256 {fingerprint}", "a=setup:actpass", "a=mid:0", "a=sendrecv", "a=msid:- mic", "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", "a=ssrc:1001 cname:c", "a=ssrc:1001 msid:- mic",
    "m=video 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:{ufrag}",
    "a=ice-pwd:0123456789abcdef01234567", "a=ice-options:trickle",
    "a=fingerprint:sha-256 {fingerprint}", "a=setup:actpass", "a=mid:1", "a=sendrecv", "a=msid:- cam", "a=rtcp-mux", "a=rtcp-rsize",
    "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:96 transport-cc",
    "a=ssrc:2001 cname:c", "a=ssrc:2001 msid:- cam", "",
])

TRACKS = ({"id": "mic", "kind": "audio", "name": "mic"}, {"id": "cam", "kind": "video", "name": "cam"})


class Refused(Exception):
    """The server said no, with this code."""

    def __init__(self, code, message):
        super().__init__(f"{code} {message}")
        self.code = code


class Person:
    """Joins at once; raises Refused if not let in."""

    def __init__(self, kennel, identity, room, tracks=TRACKS, dialled=None):
        self.tracks = [{"enabled": True, "priority": "standard", **track} for track in tracks]
        self.revision = 1
        self.heard = []
        self.arrived = threading.Condition()
        token = kennel.token(identity, room)
        host, port = kennel.http.rsplit(":", 1)
        self.socket = connect(
            f"ws://{dialled or host}:{port}/signaling", sock=socket.create_connection((host, port)), max_size=None, compression=None,
            open_timeout=20, close_timeout=1,
        )
        body = {"type": "ice", "version": 1, "token": token}
        self.say({"type": "hello", "id": secrets.token_hex(8), "version": 2, "timeout": 30000, "body": body})
        threading.Thread(target=self.listen, daemon=True).start()
        fingerprint = ":".join(["AB"] * 32)
        offer = OFFER.format(ufrag=secrets.token_hex(4), fingerprint=fingerprint)
        link = {"id": secrets.token_hex(8), "description": {"type": "offer", "revision": 1, "sdp": offer}}
        self.tell({"type": "connect", "version": 2, "token": token, "participant": self.self(), "peer_connections": [link]})
        connected = self.hears(lambda body: body["type"] in ("connected", "error"))
        if connected["type"] == "error":
            raise Refused(connected["code"], connected["message"])
        self.options = connected["options"]
        self.room, self.sid, self.session = connected["sid"], connected["participant"]["sid"], connected["session"]

    def self(self):
        return {"revision": self.revision, "tracks": self.tracks}

    def say(self, frame):
        self.socket.send(json.dumps(frame))

    def tell(self, body):
        self.say({"type": "msg", "body": body})

    def listen(self):
        try:
            for text in self.socket:
                frame = json.loads(text)
                if frame["type"] == "msg":
                    with self.arrived:
                        self.heard.append(frame["body"])
                        self.arrived.notify_all()
        except Exception as end:
            with self.arrived:
                self.heard.append({"type": "closed", "why": str(end)})
                self.arrived.notify_all()

    def hears(self, what, within=20):
        """The first body of which this is true."""
        until = time.monotonic() + within
        with self.arrived:
            while True:
                for body in self.heard:
                    if what(body):
                        return body
                    assert body["type"] != "closed", self.heard
                assert self.arrived.wait(until - time.monotonic()), f"not heard in {within} s: {self.heard}"

    def alter(self, tracks):
        """Publishes, unpublishes or switches: the whole list, as the SDK sends it."""
        self.tracks, self.revision = tracks, self.revision + 1
        self.tell({"type": "update", "version": 2, "session": self.session, "participant": self.self()})

    def switch(self, name, enabled):
        self.alter([{**track, "enabled": enabled} if track["name"] == name else track for track in self.tracks])

    def leave(self):
        self.tell({"type": "disconnect", "version": 2, "session": self.session})
        last = self.hears(lambda body: body["type"] in ("disconnected", "closed", "error"))
        assert last["type"] == "disconnected", self.heard
        self.drop()

    def drop(self):
        """The line breaks."""
        self.socket.socket.close()
