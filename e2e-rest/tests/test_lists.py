"""Lists: pages, filters, order."""

import datetime as dt

import pytest

from kennel import ACCOUNT, KEY, SECRET


@pytest.fixture(scope="module")
def seven(kennel):
    """Seven rooms that share their moment with nobody; the newest first, as lists have them."""
    video = kennel.client().video
    for room in video.rooms.list():
        video.rooms(room.sid).update(status="completed")
    return [video.rooms.create(unique_name=f"list {number}", type="go").sid for number in range(7)][::-1]


def sids(rooms):
    return [room.sid for room in rooms]


def test_pages_follow_one_another(video, seven):
    assert sids(video.rooms.list(page_size=2)) == seven
    assert sids(video.rooms.list(page_size=2, limit=5)) == seven[:5]
    assert sids(video.rooms.stream(page_size=3)) == seven


def test_pages_by_hand(kennel, video, seven):
    first = video.rooms.page(page_size=3)
    assert sids(first) == seven[:3]
    assert first.previous_page_url is None
    assert first.next_page_url.startswith(kennel.url + "/v1/Rooms?")
    second = first.next_page()
    assert sids(second) == seven[3:6]
    third = second.next_page()
    assert (sids(third), third.next_page_url) == (seven[6:], None)
    assert sids(third.previous_page()) == seven[3:6]
    assert sids(video.rooms.get_page(first.next_page_url)) == seven[3:6]


def test_a_room_made_between_two_pages_is_neither_lost_nor_doubled(video, seven):
    first = video.rooms.page(page_size=4)
    late = video.rooms.create(type="go")
    assert sids(first) + sids(first.next_page()) == seven
    video.rooms(late.sid).update(status="completed")
    assert sids(video.rooms.list(page_size=3)) == seven


@pytest.mark.once
def test_the_library_that_does_not_wait(kennel, seven):
    """The newer one also has an asynchronous client, by another HTTP library."""
    import asyncio

    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client

    async def ask():
        async with AsyncTwilioHttpClient() as http:
            client = Client(KEY, SECRET, ACCOUNT, http_client=http)
            client.video.base_url = kennel.url
            rooms = client.video.v1.rooms
            listed = [room.sid for room in await rooms.list_async(page_size=2)]
            made = await rooms.create_async(unique_name="Später 犬 +", type="go")
            found = await rooms("Später 犬 +").fetch_async()
            done = await rooms(made.sid).update_async(status="completed")
            return listed, found.sid == made.sid, done.status

    assert asyncio.run(ask()) == (seven, True, "completed")


def test_filters(video, seven):
    assert sids(video.rooms.list(unique_name="list 3")) == [seven[3]]
    assert video.rooms.list(unique_name="LIST 3") == []
    today = dt.datetime.now(dt.timezone.utc)
    tomorrow, yesterday = today + dt.timedelta(days=1), today - dt.timedelta(days=1)
    assert sids(video.rooms.list(date_created_after=yesterday, date_created_before=tomorrow)) == seven
    assert sids(video.rooms.list(date_created_after=today.date())) == seven
    assert video.rooms.list(date_created_after=tomorrow) == []
    assert video.rooms.list(date_created_before=yesterday) == []
    done = video.rooms.create(unique_name="done", type="go")
    video.rooms(done.sid).update(status="completed")
    found = video.rooms.list(status="completed", unique_name="done")
    assert sids(found) == [done.sid] and found[0].status == "completed"
    assert done.sid not in sids(video.rooms.list())
    assert video.rooms.list(status="failed") == []


def test_pages_keep_their_filters(video, seven):
    for number in range(5):
        video.rooms(video.rooms.create(unique_name="again", type="go").sid).update(status="completed")
    found = video.rooms.list(unique_name="again", status="completed", page_size=2)
    assert len(set(sids(found))) == 5 and {room.unique_name for room in found} == {"again"}
