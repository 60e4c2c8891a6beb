"""SignalWire's REST API as its users call it: by requests, with the project and its token, and a demonstration server of the vendor's kind."""

import base64
import json
import ssl
import threading
import time

import pytest
import requests
from flask import Flask, render_template_string, request
from websockets.sync.client import connect
from werkzeug.serving import make_server

from kennel import PROJECT, SPACE_TOKEN, Kennel

pytestmark = pytest.mark.once


class Space:
    """The API of one server."""

    def __init__(self, url, verify=True):
        self.url, self.session = url, requests.Session()
        self.session.auth, self.session.verify = (PROJECT, SPACE_TOKEN), verify

    def ask(self, method, path, **more):
        return self.session.request(method, f"{self.url}/api/video/{path}", **more)

    def made(self, path, **body):
        answer = self.ask("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def space(fresh):
    kennel = fresh()
    return kennel, Space(kennel.url)


def claims(token):
    head, body, _ = token.split(".")
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, body)]


def call(socket, method, params):
    socket.send(json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": params}))
    while True:
        said = json.loads(socket.recv(timeout=5))
        if said.get("id") == "1" and "method" not in said:
            return said


def let_in(url, token, **more):
    """What the SDK says first."""
    with connect(url, **more) as socket:
        return call(socket, "signalwire.connect", {"version": {"major": 3, "minor": 0, "revision": 0}, "authentication": {"jwt_token": token}})


def test_rooms_are_made_changed_listed_and_deleted(space):
    kennel, space = space
    made = [space.made("rooms", name=f"room-{n}", max_participants=5, delete_on_end=False) for n in range(5)]
    assert [room["max_members"] for room in made] == [5] * 5
    first = space.ask("GET", "rooms?page_size=2").json()
    assert [room["name"] for room in first["data"]] == ["room-4", "room-3"]
    names, next_page = [], first["links"]["first"]
    while next_page:
        page = space.session.get(next_page).json()
        names += [room["name"] for room in page["data"]]
        next_page = page["links"].get("next")
    assert names == [f"room-{n}" for n in (4, 3, 2, 1, 0)]
    assert space.ask("GET", f"rooms/{made[2]['id']}").json() == space.ask("GET", "rooms/room-2").json()
    changed = space.ask("PUT", f"rooms/{made[2]['id']}", json={"display_name": "Two", "layout": "3x3"}).json()
    assert (changed["display_name"], changed["layout"], changed["max_members"]) == ("Two", "3x3", 5)
    assert space.ask("DELETE", f"rooms/{made[3]['id']}").status_code == 204
    assert space.ask("GET", "rooms/room-3").status_code == 404
    kennel.kill()
    kennel.start()
    again = Space(kennel.url)
    assert {room["name"]: room["display_name"] for room in again.ask("GET", "rooms").json()["data"]} == {
        "room-0": "room-0", "room-1": "room-1", "room-2": "Two", "room-4": "room-4",
    }
    taken = again.ask("POST", "rooms", json={"name": "room-0"})
    assert (taken.status_code, taken.json()["errors"][0]["attribute"]) == (422, "name")


def test_refusals_have_their_bodies(space):
    kennel, space = space
    check = lambda answer, status, body: (answer.status_code, answer.json()) == (status, body) or pytest.fail(answer.text)
    check(requests.get(f"{kennel.url}/api/video/rooms"), 401, {"error": "Unauthorized"})
    check(requests.get(f"{kennel.url}/api/video/rooms", auth=(PROJECT, "wrong")), 401, {"error": "Unauthorized"})
    check(space.ask("GET", "rooms/nothing"), 404, {"error": "Not Found"})
    check(space.ask("GET", "room_sessions/nothing"), 404, {"error": "Not Found"})
    check(space.ask("POST", "rooms", data="{"), 400, {"error": "Bad Request"})
    assert space.ask("POST", "rooms", data=b"x" * 100_000).status_code == 413
    assert space.ask("GET", "conferences").status_code == 501
    for path in ("room_sessions", "room_recordings", "logs"):
        assert space.ask("GET", path).json()["data"] == []


def test_a_token_leads_here_and_lets_in(space):
    kennel, space = space
    token = space.made("room_tokens", room_name="den", user_name="ann", permissions=["room.self.audio_mute", "room.list_available_layouts"])["token"]
    head, body = claims(token)
    assert (head["typ"], head["alg"], head["ch"]) == ("VRT", "HS512", f"ws://{kennel.http}")
    assert (body["sub"], body["r"], body["u"]) == (PROJECT, "den", "ann")
    said = let_in(f"ws://{kennel.http}/any/path?you=like", token)["result"]
    assert said["authorization"]["room"]["scopes"] == ["room.self.audio_mute", "room.list_available_layouts"]
    assert said["ice_servers"] == []
    forged = token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")
    assert let_in(f"ws://{kennel.http}", forged)["error"]["code"] == -32002
    space.made("room_tokens", room_name="den", join_until=int(time.time()) + 60)


def test_thousands_of_odd_bodies(space):
    kennel, space = space
    odd = [None, True, 0, -1, 1e300, "", "x" * 4000, "\u0000", "true", [], [None], {}, {"a": [{}]}, "2030-01-01", "1x1", "720p"]
    fields = ["name", "max_members", "quality", "join_from", "remove_after_seconds_elapsed", "layout", "meta", "display_name", "fps", "permissions", "room_name", "media_allowed"]
    for field in fields:
        for value in odd:
            for path, named in (("rooms", "name"), ("room_tokens", "room_name")):
                answer = space.ask("POST", path, json={named: f"odd-{time.monotonic_ns()}", field: value})
                assert answer.status_code in (200, 422), (field, value, answer.text)
                if answer.status_code == 422:
                    assert answer.json()["errors"][0]["attribute"], answer.text
    assert requests.get(f"{kennel.url}/healthz").text == "ok"


def demonstration(settings):
    """Two pages, for a moderator and for a guest. The room is made on each view; whatever comes back, a token is asked for next."""
    app = Flask("demonstration")
    host = settings["SIGNALWIRE_SPACE"]
    auth = (settings["SIGNALWIRE_PROJECT"], settings["SIGNALWIRE_TOKEN"])
    verify = settings["REQUESTS_CA_BUNDLE"]
    own = ["room.self.audio_mute", "room.self.audio_unmute", "room.self.video_mute", "room.self.video_unmute"]
    rest = [permission.replace("self", "member") for permission in own] + ["room.member.remove"]

    def post(path, body):
        return requests.post(f"https://{host}/api/video/{path}", json=body, auth=auth, verify=verify).json()

    def page(permissions):
        room, user = request.args.get("room", "Main_Office"), request.args.get("user", "guest")
        post("rooms", {"name": room, "display_name": room, "max_participants": 5, "delete_on_end": False})
        token = post("room_tokens", {"room_name": room, "user_name": user, "permissions": permissions})["token"]
        return render_template_string("<body data-token='{{ token }}'>{{ room }}</body>", token=token, room=room)

    app.get("/", endpoint="moderator")(lambda: page(own + rest))
    app.get("/guest", endpoint="guest")(lambda: page(own))
    return app


def test_a_demonstration_server_by_tls(tmp_path):
    kennel = Kennel(https="127.0.0.1:0")
    authority = tmp_path / "ca.pem"
    authority.write_text(requests.get(kennel.url + "/kennel/ca.pem").text)
    place = f"localhost:{kennel.https.rsplit(':')[-1]}"
    settings = {"SIGNALWIRE_SPACE": place, "SIGNALWIRE_PROJECT": PROJECT, "SIGNALWIRE_TOKEN": SPACE_TOKEN, "REQUESTS_CA_BUNDLE": str(authority)}
    server = make_server("127.0.0.1", 0, demonstration(settings), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    trusting = ssl.create_default_context(cafile=str(authority))
    try:
        for path, many in (("/?user=mod", True), ("/guest?user=bo", False), ("/guest?user=cy", False)):
            text = requests.get(f"http://127.0.0.1:{server.port}{path}").text
            token = text.split("data-token='")[1].split("'")[0]
            where = claims(token)[0]["ch"]
            assert where == f"wss://{place}"
            scopes = let_in(where, token, ssl=trusting)["result"]["authorization"]["room"]["scopes"]
            assert ("room.member.remove" in scopes) == many
    finally:
        server.shutdown()
        kennel.dispose()
