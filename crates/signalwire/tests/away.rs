//! Connections that are lost and made again, pages that are loaded anew, screens that come and go with their people.

mod support;

use room::{Act, ConnId, News};
use serde_json::{Value, json};
use support::client::offer;
use support::door::{GUEST, token};
use support::room::Room;

const STALE: &str = "Requester validation failed";

/// Somebody who watches, and somebody who will be away, with the word to come back by.
fn two() -> (Room, ConnId, ConnId, String) {
    let mut room = Room::new();
    let ann = room.join(&token("ann", "Office", &signalwire::names::scopes(room::Permissions::ALL)), "call-ann");
    let bo = room.join(&token("bo", "Office", GUEST), "call-bo");
    room.client(ann).heard();
    let protocol = room.client(bo).protocol.clone();
    (room, ann, bo, protocol)
}

/// Connects on a new socket with this word.
fn back(room: &mut Room, protocol: &str) -> (ConnId, Value) {
    let conn = room.open();
    let answer = room.connect(conn, &token("bo", "Office", GUEST), Some(protocol));
    (conn, answer)
}

fn opened(room: &Room) -> usize {
    room.hub.orders.iter().filter(|order| matches!(order.act, Act::Open(_))).count()
}

#[test]
fn a_page_that_is_loaded_anew_comes_back_to_its_call() {
    let (mut room, ann, bo, protocol) = two();
    let me = room.client(bo).me();
    room.close(bo, Some(1001));
    room.wait(500);
    let (bo, answer) = back(&mut room, &protocol);
    assert_eq!(answer["result"]["protocol"], json!(protocol));
    assert_eq!(room.invite(bo, "call-bo", "another certificate")["message"], "CALL CREATED");
    assert!(room.client(bo).is_in("call-bo"));
    assert_eq!((room.client(bo).me(), room.client(bo).names()), (me, vec!["ann", "bo"]));
    assert_eq!(opened(&room), 3, "a new connection to the media server");
    let heard = room.client(ann).heard();
    assert!(
        heard.iter().all(|kind| kind.contains("layout") || kind.contains("mediaParams") || kind.contains("updated")),
        "{heard:?}"
    );
    assert_eq!(room.hub.rooms.count(), (1, 2));
}

#[test]
fn a_page_that_cannot_find_its_call_again_is_gone_when_it_is_closed() {
    let mut room = Room::new();
    let ann = room.join(&token("ann", "Office", GUEST), "call-ann");
    let bo = room.open();
    room.connect(bo, &token("bo", "Office", GUEST), None);
    let dialog = json!({ "destination_number": "room" });
    room.invite_with(bo, "c", dialog, &offer("c", "sendrecv", false), json!({}));
    let protocol = room.client(bo).protocol.clone();
    room.close(bo, Some(1001));
    assert_eq!(room.client(ann).names(), ["ann"]);
    let (bo, answer) = back(&mut room, &protocol);
    assert_eq!(answer["error"], json!({ "code": -32002, "message": STALE }));
    // The SDK connects once more on the same socket.
    assert!(room.connect(bo, &token("bo", "Office", GUEST), None)["result"]["protocol"].is_string());
    room.invite(bo, "d", "d");
    assert!(room.client(bo).is_in("d"));
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
}

#[test]
fn a_client_that_offers_again_after_a_lost_socket_keeps_its_connection_to_the_media_server() {
    let (mut room, ann, bo, protocol) = two();
    room.close(bo, None);
    room.wait(1_500);
    let (bo, _) = back(&mut room, &protocol);
    room.invite(bo, "call-bo", "call-bo");
    assert!(room.client(bo).is_in("call-bo"));
    assert_eq!(opened(&room), 2);
    let last =
        room.hub.orders.iter().rev().find(|order| matches!(order.act, Act::Signal(..))).expect("an offer on the same link");
    let Act::Signal(_, signal) = &last.act else { unreachable!() };
    assert!(signal.revision > 1);
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
}

#[test]
fn a_client_that_never_offers_again_goes_on_all_the_same() {
    let (mut room, ann, bo, protocol) = two();
    room.close(bo, Some(1006));
    room.wait(4_000);
    let (bo, _) = back(&mut room, &protocol);
    assert_eq!(room.client(bo).list.len(), 2, "it is told everybody, for it may have missed anything");
    assert!(room.client(bo).layout.is_object());
    assert_eq!(room.method(bo, "video.member.audio_mute", json!({})), "200");
    let id = room.client(ann).member("bo");
    assert_eq!(room.client(bo).list[&id]["audio_muted"], true);
    room.news("call-ann", News::Talking(true));
    assert_eq!(room.client(bo).events("video.member.talking").len(), 1, "what it listened to is forgotten, so it hears all");
    assert_eq!(room.method(ann, "video.member.remove", json!({ "member_id": id })), "200");
    assert_eq!(room.client(bo).byes, ["call-bo"], "by the name that its call had");
}

#[test]
fn a_new_socket_takes_the_seat_from_an_old_one() {
    let (mut room, ann, bo, protocol) = two();
    let (again, answer) = back(&mut room, &protocol);
    assert!(answer["result"].is_object());
    // A page that is open twice would take its seat back each time: it must hear that its call is over, and may not hear that it left.
    assert_eq!(room.client(bo).verto("verto.bye")[0]["cause"], "PICKED_OFF");
    assert_eq!((room.client(bo).byes.clone(), room.client(bo).closed), (vec!["call-bo".to_owned()], None));
    assert!(room.client(bo).events("video.member.left").is_empty());
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
    assert_eq!(room.method(bo, "video.member.audio_mute", json!({})), "404", "it has no seat any more");
    room.wait(60_000);
    assert_eq!(room.client(bo).closed, Some(4002), "if it does not close");
    assert_eq!(room.client(ann).names(), ["ann", "bo"], "what the old one leaves behind ends nothing");
    assert_eq!(room.method(again, "video.members.get", json!({})), "200");
}

#[test]
fn a_seat_is_kept_for_thirty_seconds() {
    let (mut room, ann, bo, protocol) = two();
    room.close(bo, None);
    room.wait(29_000);
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
    room.wait(1_000);
    assert_eq!(room.client(ann).names(), ["ann"]);
    assert_eq!(back(&mut room, &protocol).1["error"]["message"], STALE);
}

#[test]
fn a_page_that_insists_on_a_seat_that_is_gone_is_connected_without_it() {
    let (mut room, ann, bo, protocol) = two();
    room.close(bo, None);
    room.wait(60_000);
    assert_eq!(room.client(ann).names(), ["ann"]);
    let (bo, answer) = back(&mut room, &protocol);
    assert_eq!(answer["error"]["message"], STALE);
    // The SDK of a page that was not loaded anew says the same word for ever, as fast as it is refused.
    let answer = room.connect(bo, &token("bo", "Office", GUEST), Some(&protocol));
    assert!(answer["result"]["protocol"].is_string() && answer["result"]["protocol"] != json!(protocol), "{answer}");
    assert_eq!(room.method(bo, "video.members.get", json!({})), "404", "by which it may know that it is out");
    room.invite(bo, "call-bo", "call-bo");
    assert!(room.client(bo).is_in("call-bo"), "3.25.1 calls again by itself");
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
}

/// A page that is loaded anew invites by this call, with a certificate of its own; `up` is whether media could pass before.
fn check_reloaded(up: bool, call: &str, dialog: Value, expected: (&str, &str)) -> (Room, ConnId) {
    let (mut room, _, bo, protocol) = two();
    if up {
        room.news("call-bo", News::Connected);
    }
    let state = room.client(bo).state.clone();
    room.close(bo, Some(1001));
    let bo = room.open();
    room.connect_with_state(bo, &token("bo", "Office", GUEST), (&protocol, &state));
    let answer = room.invite_with(bo, call, dialog, &offer("another", "sendrecv", false), json!({}));
    let code = answer["code"].as_str().unwrap_or("200");
    assert_eq!((code, answer["message"].as_str().unwrap_or_default()), expected, "{call}");
    (room, bo)
}

#[test]
fn a_page_that_is_loaded_anew_and_does_not_know_its_call_is_refused_once() {
    let created = ("200", "CALL CREATED");
    check_reloaded(true, "call-bo", json!({}), created);
    check_reloaded(false, "other", json!({}), created);
    check_reloaded(true, "other", json!({ "destination_number": "r" }), created);
    let (mut room, bo) = check_reloaded(true, "other", json!({}), ("81", "INVALID_CALL_REFERENCE"));
    assert_eq!(room.hub.rooms.count(), (1, 1), "its seat is free");
    room.invite(bo, "other", "another");
    assert!(room.client(bo).is_in("other"), "as new");
}

#[test]
fn who_comes_back_is_told_what_it_missed() {
    let (mut room, ann, bo, protocol) = two();
    let cy = room.join(&token("cy", "Office", GUEST), "call-cy");
    room.wait(40_000);
    room.close(bo, None);
    room.bye(cy, "call-cy");
    room.join(&token("dan", "Office", GUEST), "call-dan");
    assert_eq!(room.method(ann, "video.lock", json!({})), "200");
    let (bo, _) = back(&mut room, &protocol);
    let names = |room: &mut Room, kind: &str| -> Vec<Value> {
        room.client(bo).events(kind).iter().map(|event| event["member"]["name"].clone()).collect()
    };
    assert_eq!(names(&mut room, "video.member.left"), ["cy"]);
    assert_eq!(names(&mut room, "video.member.joined"), ["dan"]);
    let updated = room.client(bo).events("video.room.updated");
    assert_eq!((updated.len(), &updated[0]["room_session"]["locked"]), (1, &json!(true)));
    let all = updated[0]["room_session"]["updated"].as_array().expect("names");
    assert!(all.contains(&json!("locked")) && all.contains(&json!("recording")));
}

/// The widths that a camera was asked for.
fn widths(room: &mut Room, conn: ConnId) -> Vec<u64> {
    let asked = room.client(conn).verto("verto.mediaParams");
    asked.iter().filter_map(|one| one["mediaParams"]["video"]["width"].as_u64()).collect()
}

#[test]
fn a_camera_is_asked_for_its_size_again_after_its_page_was_loaded_anew() {
    let (mut room, ann, bo, protocol) = two();
    room.method(ann, "video.set_layout", json!({ "name": "5x5" }));
    room.wait(5_000);
    let small = widths(&mut room, bo).pop().expect("a size");
    room.close(bo, Some(1001));
    let (bo, _) = back(&mut room, &protocol);
    room.invite(bo, "call-bo", "another certificate");
    assert_eq!(widths(&mut room, bo), [small], "the new page's camera knows of nothing");
}

#[test]
fn a_camera_is_asked_for_all_of_the_picture_after_a_lost_socket() {
    let (mut room, ann, bo, protocol) = two();
    room.method(ann, "video.set_layout", json!({ "name": "5x5" }));
    room.wait(5_000);
    assert!(widths(&mut room, bo).pop() < Some(1280));
    room.close(bo, None);
    let (bo, _) = back(&mut room, &protocol);
    room.method(ann, "video.set_layout", json!({ "name": "1x1" }));
    room.method(ann, "video.set_position", json!({ "positions": { "self": "off-canvas" } }));
    assert_eq!(widths(&mut room, bo), [1280]);
}

#[test]
fn whoever_is_promoted_after_a_lost_socket_may_make_another_call() {
    let (mut room, ann, bo, protocol) = two();
    room.news("call-bo", News::Connected);
    room.close(bo, None);
    let (bo, _) = back(&mut room, &protocol);
    let id = room.client(ann).member("bo");
    assert_eq!(room.method(ann, "video.member.demote", json!({ "member_id": id })), "200");
    assert_eq!(room.invite(bo, "other", "another")["message"], "CALL CREATED");
}

#[test]
fn a_state_that_does_not_go_with_the_seat_is_refused_at_the_first_offer() {
    let (mut room, _, bo, protocol) = two();
    let state = room.client(bo).state.clone();
    room.close(bo, Some(1001));
    let bo = room.open();
    let answer = room.connect_with_state(bo, &token("bo", "Office", GUEST), (&protocol, &format!("{state}0")));
    assert_ne!(answer["result"]["protocol"], json!(protocol), "the seat is not given");
    let answer = room.invite(bo, "call-bo", "another");
    assert_eq!(answer, json!({ "code": "27", "message": "DESTINATION_OUT_OF_ORDER" }));
    let bo = room.open();
    let answer = room.connect_with_state(bo, &token("bo", "Office", GUEST), (&protocol, &state));
    assert_eq!(answer["result"]["protocol"], json!(protocol));
    assert_eq!(room.client(bo).state, state, "the same each time");
}

#[test]
fn a_seat_is_given_to_nobody_else() {
    let (mut room, _, bo, protocol) = two();
    let conn = room.open();
    assert_eq!(room.connect(conn, &token("eve", "Office", GUEST), Some(&protocol))["error"]["message"], STALE);
    let conn = room.open();
    assert_eq!(room.connect(conn, &token("bo", "Elsewhere", GUEST), Some(&protocol))["error"]["message"], STALE);
    for word in ["", "x", "signalwire_a_b", &protocol[..protocol.len() - 1], &format!("{protocol}0")] {
        let (_, answer) = back(&mut room, word);
        assert_eq!(answer["error"], json!({ "code": -32002, "message": STALE }), "{word}");
    }
    assert!(room.client(bo).closed.is_none() || room.client(bo).byes.len() == 1);
}

#[test]
fn a_connection_to_the_media_server_that_died_is_made_anew_by_an_offer() {
    let (mut room, _, bo, _) = two();
    room.news("call-bo", News::Dead);
    room.client(bo).heard();
    room.invite(bo, "call-bo", "call-bo");
    assert_eq!(opened(&room), 3);
    let heard = room.client(bo).heard();
    assert!(heard.contains(&"verto.answer".to_owned()) && heard.contains(&"video.room.subscribed".to_owned()), "{heard:?}");
}

#[test]
fn a_silent_client_is_lost_and_one_that_answers_is_not() {
    let (mut room, ann, bo, protocol) = two();
    room.wait(60_000);
    assert!(room.client(ann).closed.is_none() && room.client(bo).closed.is_none());
    let pings = |room: &mut Room| room.client(bo).frames.iter().filter(|frame| frame["method"] == "signalwire.ping").count();
    assert_eq!(pings(&mut room), 6);
    // The network is gone, and nobody says so.
    let before = room.hub.now_ms();
    room.hub.advance_to(before + 24_000);
    while room.hub.poll().is_some() {}
    assert!(room.hub.is_open(bo));
    room.hub.advance_to(before + 26_000);
    assert!(!room.hub.is_open(bo));
    while room.hub.poll().is_some() {}
    assert!(back(&mut room, &protocol).1["result"].is_object());
}

/// Test T39.
#[test]
fn t39_who_answers_after_the_program_stood_still_goes_on_and_who_does_not_keeps_its_seat() {
    let (mut room, ann, bo, protocol) = two();
    let pings =
        |room: &mut Room, who| room.client(who).frames.iter().filter(|frame| frame["method"] == "signalwire.ping").count();
    let before = pings(&mut room, ann);
    room.hub.stand_still(3_600_000);
    room.deliver();
    assert_eq!(pings(&mut room, ann), before + 1, "it is asked at once");
    room.wait(60_000);
    assert!(room.client(ann).closed.is_none() && room.client(bo).closed.is_none());
    // Again, and now the network is gone.
    room.hub.stand_still(3_600_000);
    while room.hub.poll().is_some() {}
    let woken = room.hub.now_ms();
    room.hub.advance_to(woken + 4_900);
    assert!(room.hub.is_open(bo));
    room.hub.advance_to(woken + 5_100);
    assert!(!room.hub.is_open(bo));
    assert_eq!(room.hub.rooms.count(), (1, 2));
    while room.hub.poll().is_some() {}
    assert!(back(&mut room, &protocol).1["result"].is_object());
}

#[test]
fn a_server_that_stops_says_so_and_its_clients_come_back() {
    let (mut room, _, bo, protocol) = two();
    room.hub.stop();
    room.deliver();
    let methods: Vec<&str> = room.client(bo).frames.iter().filter_map(|frame| frame["method"].as_str()).collect();
    assert_eq!(methods.last(), Some(&"signalwire.disconnect"));
    assert_eq!(room.client(bo).closed, Some(1012));
    assert!(back(&mut room, &protocol).1["result"].is_object());
}

// --- screens and devices

#[test]
fn a_screen_comes_after_its_answer_and_goes_with_its_call() {
    let (mut room, ann, bo, _) = two();
    room.client(bo).heard();
    assert_eq!(room.share(bo, "screen", json!({}))["message"], "CALL CREATED");
    let heard = room.client(bo).heard();
    let at = |kind: &str| heard.iter().position(|own| own == kind).unwrap_or_else(|| panic!("no {kind} in {heard:?}"));
    assert!(at("verto.answer") < at("video.member.joined"));
    assert!(!heard.contains(&"video.room.subscribed".to_owned()));
    let joined = room.client(ann).events("video.member.joined")[0]["member"].clone();
    assert_eq!(
        (&joined["type"], &joined["name"], &joined["parent_id"]),
        (&json!("screen"), &json!("bo"), &json!(room.client(bo).me()))
    );
    assert_eq!(room.client(ann).layout["layers"].as_array().map(Vec::len), Some(3));
    let screen = joined["id"].as_str().expect("an id").to_owned();
    assert_eq!(room.method(bo, "video.member.video_mute", json!({ "member_id": screen })), "200", "it is its own");
    assert_eq!(room.bye(bo, "screen")["message"], "CALL ENDED");
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
    assert_eq!(room.client(bo).names(), ["ann", "bo"]);
    room.share(bo, "second", json!({}));
    assert_eq!(room.client(ann).names(), ["ann", "bo", "bo"], "its number is free again");
}

#[test]
fn a_screen_is_gone_at_once_when_its_page_is() {
    let (mut room, ann, bo, protocol) = two();
    room.share(bo, "screen", json!({}));
    assert_eq!(room.client(ann).list.len(), 3);
    // Whoever only lost the socket goes on sharing.
    room.close(bo, Some(1006));
    room.wait(2_000);
    let (bo, _) = back(&mut room, &protocol);
    room.invite(bo, "call-bo", "call-bo");
    assert_eq!(room.client(ann).list.len(), 3);
    assert_eq!(room.client(bo).list.len(), 3);
    // A page that was loaded anew where nobody noticed that it was closed.
    room.close(bo, Some(1006));
    let (bo, _) = back(&mut room, &protocol);
    assert_eq!(room.client(ann).list.len(), 3);
    room.invite(bo, "call-bo", "another certificate");
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
    assert_eq!(room.client(bo).names(), ["ann", "bo"]);
    // One that says it goes away.
    room.share(bo, "screen-2", json!({}));
    assert_eq!(room.client(ann).list.len(), 3);
    room.close(bo, Some(1001));
    assert_eq!(room.client(ann).names(), ["ann", "bo"], "its seat is kept, for it may come back");
}

#[test]
fn a_screen_may_bring_a_layout() {
    let (mut room, ann, bo, _) = two();
    let id = room.client(ann).me();
    let more = json!({ "layout": "screen-share", "positions": { "self": "reserved-1", id: "standard-1" } });
    assert_eq!(room.share(ann, "screen", more)["message"], "CALL CREATED");
    assert_eq!(room.client(bo).layout["name"], "screen-share");
    let screen = room.client(bo).events("video.member.joined")[0]["member"].clone();
    assert_eq!(screen["requested_position"], "reserved-1");
    for more in [json!({ "layout": "9x9" }), json!({ "positions": { "self": "behind" } }), json!({ "positions": { "x": 1 } })] {
        assert_eq!(room.share(ann, "other", more)["code"], "400");
    }
    // Whoever may not change the layout shares its screen all the same.
    assert_eq!(room.share(bo, "screen-of-bo", json!({ "layout": "1x1" }))["message"], "CALL CREATED");
    assert_eq!(room.client(bo).layout["name"], "screen-share");
}

#[test]
fn whoever_may_not_share_is_refused() {
    let mut room = Room::new();
    let one = room.join(&token("one", "r", &["room.self.screenshare"]), "c");
    let dialog = json!({ "additionalDevice": true });
    let answer = room.invite_with(one, "device", dialog, &offer("device", "sendonly", true), json!({}));
    assert_eq!(answer, json!({ "code": "403", "message": "Unauthorized" }));
    assert_eq!(room.share(one, "c", json!({}))["code"], "409", "that is its own call");
    assert_eq!(room.share(one, "s", json!({}))["message"], "CALL CREATED");
    let outside = room.open();
    room.connect(outside, &token("two", "r", &["room.self.screenshare"]), None);
    assert_eq!(room.share(outside, "t", json!({}))["code"], "403", "who is not in has nothing to share with");
}

#[test]
fn a_device_is_a_member_of_its_own() {
    let mut room = Room::new();
    let one = room.join(&token("one", "r", &["room.self.additional_source"]), "c");
    let other = room.join(&token("two", "r", &[]), "d");
    let dialog = json!({ "additionalDevice": true });
    room.invite_with(one, "device", dialog, &offer("device", "sendonly", true), json!({}));
    assert_eq!(room.client(other).events("video.member.joined")[0]["member"]["type"], "device");
}

#[test]
fn there_is_an_end_to_sharing() {
    let (mut room, ann, bo, _) = two();
    for number in 0..8 {
        assert_eq!(room.share(ann, &format!("s{number}"), json!({}))["message"], "CALL CREATED");
    }
    assert_eq!(room.share(ann, "s8", json!({}))["code"], "403");
    assert_eq!(room.client(bo).members.len(), 10);
    room.bye(ann, "call-ann");
    assert_eq!(room.client(bo).names(), ["bo"], "all go with their person");
}

#[test]
fn who_is_put_out_loses_its_screens_too() {
    let (mut room, ann, bo, _) = two();
    room.share(bo, "screen", json!({}));
    let id = room.client(bo).me();
    room.method(ann, "video.member.remove", json!({ "member_id": id }));
    let byes = room.client(bo).byes.clone();
    assert!(byes.contains(&"screen".to_owned()) && byes.contains(&"call-bo".to_owned()) && byes.len() == 2, "{byes:?}");
    assert_eq!(room.client(ann).names(), ["ann"]);
}

#[test]
fn a_screen_can_be_put_out_alone() {
    let (mut room, ann, bo, _) = two();
    room.share(bo, "screen", json!({}));
    let screen = room.client(ann).events("video.member.joined")[0]["member"]["id"].clone();
    assert_eq!(room.method(ann, "video.member.remove", json!({ "member_id": screen })), "200");
    assert_eq!(room.client(bo).byes, ["screen"]);
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
    assert_eq!(room.method(bo, "video.members.get", json!({})), "200");
}

#[test]
fn screens_are_found_again_with_their_person() {
    let (mut room, ann, bo, protocol) = two();
    room.share(bo, "first", json!({}));
    room.share(bo, "second", json!({}));
    room.bye(bo, "first");
    room.close(bo, None);
    room.wait(2_000);
    let (bo, _) = back(&mut room, &protocol);
    room.wait(40_000);
    assert_eq!(room.client(ann).names().len(), 3, "the screen is not given up");
    assert_eq!(room.bye(bo, "second")["message"], "CALL ENDED");
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
    room.share(bo, "third", json!({}));
    assert_eq!(room.client(ann).names(), ["ann", "bo", "bo"]);
}

#[test]
fn a_screen_is_offered_again_after_a_lost_socket() {
    let (mut room, ann, bo, protocol) = two();
    room.share(bo, "screen", json!({}));
    room.close(bo, None);
    let (bo, _) = back(&mut room, &protocol);
    assert_eq!(room.share(bo, "screen", json!({}))["message"], "CALL CREATED");
    assert_eq!((opened(&room), room.client(ann).names().len()), (3, 3), "the same connection, the same screen");
    assert!(room.client(bo).calls.contains_key("screen"));
}

#[test]
fn who_becomes_audience_shares_no_screen() {
    let (mut room, ann, bo, _) = two();
    room.share(bo, "screen", json!({}));
    let id = room.client(bo).me();
    room.method(ann, "video.member.demote", json!({ "member_id": id }));
    assert_eq!(room.client(bo).byes, ["screen"]);
    assert_eq!(room.share(bo, "again", json!({}))["code"], "403");
}

#[test]
fn a_screen_that_the_media_server_does_not_answer_is_given_up_alone() {
    let (mut room, ann, bo, _) = two();
    room.media = false;
    room.share(bo, "screen", json!({}));
    assert!(room.client(bo).events("video.member.joined").is_empty());
    room.wait(10_000);
    assert_eq!(room.client(bo).byes, ["screen"]);
    assert_eq!(room.client(ann).names(), ["ann", "bo"]);
}
