"""A receiver of callbacks that notes each and checks its signature with the vendor's own validator."""

import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from twilio.request_validator import RequestValidator

from kennel import AUTH_TOKEN


class Call(dict):
    """A callback: its parameters by name, and how it came."""

    def __init__(self, method, path, parameters, signed, headers):
        super().__init__(parameters)
        self.method, self.path, self.signed, self.headers, self.at = method, path, signed, headers, time.time()

    @property
    def number(self):
        return int(self["SequenceNumber"])

    @property
    def event(self):
        return self["StatusCallbackEvent"]


class Receiver:
    """`answer` decides what each call gets: a status, or (status, headers). It may take its time."""

    def __init__(self, answer=lambda call: 200, port=0):
        self.answer, self.calls, self.lock, self.port = answer, [], threading.Lock(), port
        self.server = None
        self.start()

    def start(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.receiver = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path="/events"):
        return f"http://127.0.0.1:{self.port}{path}"

    def of(self, room):
        with self.lock:
            return [call for call in self.calls if call["RoomSid"] == room]

    def events(self, room):
        return [call.event for call in self.of(room)]

    def until(self, what, within=30):
        """Waits until this is true of the receiver."""
        end = time.monotonic() + within
        while not what(self):
            assert time.monotonic() < end, f"not within {within} s; {len(self.calls)} calls, the last: {self.calls[-3:]}"
            time.sleep(0.02)

    def take(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length).decode()
        url = f"http://{handler.headers['Host']}{handler.path}"
        posted = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        signature = handler.headers.get("X-Twilio-Signature", "")
        signed = RequestValidator(AUTH_TOKEN).validate(url, posted, signature)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(handler.path).query, keep_blank_values=True))
        call = Call(handler.command, handler.path, {**query, **posted}, signed, handler.headers)
        call.url, call.posted, call.signature = url, posted, signature
        answered = self.answer(call)
        with self.lock:
            call.status = answered[0] if isinstance(answered, tuple) else answered
            self.calls.append(call)
        return answered if isinstance(answered, tuple) else (answered, {})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # The sender may have been killed in the middle of a word.


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        status, headers = self.server.receiver.take(self)
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass
