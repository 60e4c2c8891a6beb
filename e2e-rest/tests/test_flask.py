"""A token server of the kind that the first dog cams had: find the room or make it, then hand out a token. One line is about Kennel."""

import threading

import pytest
import requests
from flask import Flask, jsonify, request
from twilio.base.exceptions import TwilioRestException
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VideoGrant
from twilio.rest import Client
from werkzeug.serving import make_server

from kennel import ACCOUNT, KEY, SECRET
from person import Person, Refused


def backend(kennel_url):
    app = Flask("dogcam")
    client = Client(KEY, SECRET, ACCOUNT)
    client.video.base_url = kennel_url  # the one line

    def find_or_create(name):
        try:
            return client.video.rooms(name).fetch()
        except TwilioRestException:
            return client.video.rooms.create(unique_name=name, type="go")

    @app.post("/login")
    def login():
        find_or_create("Dog Cam")
        token = AccessToken(ACCOUNT, KEY, SECRET, identity=request.get_json(force=True)["camera_name"])
        token.add_grant(VideoGrant(room="Dog Cam"))
        text = token.to_jwt()
        return jsonify(token=text.decode() if isinstance(text, bytes) else text)

    return app


@pytest.fixture
def dogcam(fresh):
    kennel = fresh()
    server = make_server("127.0.0.1", 0, backend(kennel.url), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kennel, f"http://127.0.0.1:{server.port}"
    server.shutdown()


def enter(kennel, url, name):
    """What the page does: log in, then connect with the token and no name of a room."""
    token = requests.post(f"{url}/login", json={"camera_name": name}).json()["token"]
    kennel_with_token = type("Page", (), {"http": kennel.http, "token": lambda self, *_: token})()
    return Person(kennel_with_token, name, None)


def test_camera_and_watcher_meet(dogcam):
    kennel, url = dogcam
    camera, watcher = enter(kennel, url, "camera"), enter(kennel, url, "watcher")
    rooms = kennel.client().video.rooms.list()
    assert [(room.unique_name, room.type, room.sid) for room in rooms] == [("Dog Cam", "go", camera.room)]
    assert watcher.room == camera.room
    watcher.hears(lambda body: any(one["identity"] == "camera" for one in body.get("participants", [])))
    with pytest.raises(Refused) as refusal:
        enter(kennel, url, "one too many")
    assert refusal.value.code == 53105
    for one in (camera, watcher):
        one.leave()
    assert enter(kennel, url, "camera again").room == camera.room, "the room outlives its people for five minutes"
