"""What no library shows: methods, sizes, headers."""

import json

import pytest
import requests

from kennel import ACCOUNT, AUTH_TOKEN, KEY, SECRET

pytestmark = pytest.mark.once
AUTH = (KEY, SECRET)


def check(answer, status, code):
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code), answer.text
    assert set(body) <= {"code", "message", "more_info", "status", "details"}, "type and title would make another exception of it"
    assert body["more_info"].endswith(f"/{code}")
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer


def test_methods_and_paths(kennel):
    rooms = kennel.url + "/v1/Rooms"
    assert check(requests.delete(rooms, auth=AUTH), 405, 20004).headers["Allow"].replace(" ", "").split(",") == ["GET", "HEAD", "POST"]
    check(requests.put(rooms, auth=AUTH), 405, 20004)
    for path in ("/v1/Nothing", "/v1/", "/v1/Rooms/a/b/c", "/v1/Rooms/%FF"):
        check(requests.get(kennel.url + path, auth=AUTH), 404, 20404)
    assert requests.get(rooms + "/", auth=AUTH).status_code == 200
    assert requests.head(rooms, auth=AUTH).status_code == 200
    room = requests.post(rooms, auth=AUTH, data={"Type": "go"})
    assert room.status_code == 201
    one = f"{rooms}/{room.json()['sid']}"
    check(requests.post(one, auth=AUTH), 400, 20001)
    assert requests.post(one, auth=AUTH, data={"Status": "completed"}).status_code == 202


def test_long_bodies(kennel):
    check(requests.post(kennel.url + "/v1/Rooms", auth=AUTH, data={"UniqueName": "x" * 70_000}), 413, 20001)

    def chunks():
        for _ in range(100):
            yield b"UniqueName=" + b"y" * 1000

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    check(requests.post(kennel.url + "/v1/Rooms", auth=AUTH, data=chunks(), headers=headers), 413, 20001)


def test_without_credentials(kennel):
    answer = check(requests.get(kennel.url + "/v1/Rooms"), 401, 20003)
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert requests.get(kennel.url + "/v1/Rooms", auth=(ACCOUNT, AUTH_TOKEN)).status_code == 200


def test_browsers_may_ask(kennel):
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    preflight = requests.options(kennel.url + "/v1/Rooms", headers=asks)
    assert preflight.status_code in (200, 204)
    assert preflight.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example")
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
    for auth in (AUTH, None):
        answer = requests.get(kennel.url + "/v1/Rooms", auth=auth, headers={"Origin": "https://app.example"})
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://app.example"), "a page must be able to read why, too"


def test_forms_of_other_libraries(kennel):
    post = lambda **more: requests.post(kennel.url + "/v1/Rooms", auth=AUTH, **more)
    capital = post(data={"Type": "group", "RecordParticipantsOnConnect": "True", "AudioOnly": "FALSE"}).json()
    assert (capital["record_participants_on_connect"], capital["audio_only"]) == (True, False)
    codecs = post(data="Type=group&VideoCodecs=H264&VideoCodecs=VP8", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert codecs.json()["video_codecs"] == ["H264", "VP8"]
    assert post(json={"UniqueName": "from JSON"}).json()["unique_name"] != "from JSON"
    name = post(data={"UniqueName": "Java Dog Cam", "Type": "go"}).json()
    assert requests.get(kennel.url + "/v1/Rooms/Java+Dog+Cam", auth=AUTH).json()["sid"] == name["sid"]


def test_links_are_as_it_was_asked(kennel):
    answer = requests.get(kennel.url + "/v1/Rooms?PageSize=1", auth=AUTH, headers={"Host": "localhost:1234"}).json()
    assert answer["meta"]["url"].startswith("http://localhost:1234/v1/Rooms?")
    assert list(answer) == ["rooms", "meta"] or set(answer) == {"rooms", "meta"}
    assert answer["meta"]["key"] == "rooms"


def test_a_race_for_a_name(kennel):
    """Of creations that race for one name, one wins."""
    from concurrent.futures import ThreadPoolExecutor

    def create(_):
        answer = requests.post(kennel.url + "/v1/Rooms", auth=AUTH, data={"UniqueName": "contended", "Type": "go"})
        return answer.status_code, json.loads(answer.text).get("code")

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(create, range(32)))
    assert sorted(results)[0] == (201, None) and results.count((400, 53113)) == 31, results
