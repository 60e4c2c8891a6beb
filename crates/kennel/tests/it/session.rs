//! Keys, cookies, wrong keys.

use axum::http::StatusCode;
use kennel::keyring::{NewLink, Right, Rights};
use serde_json::json;

use crate::stage::{Ask, Stage, check_refusal, get, post};

fn sign_in(key: &str) -> Ask {
    post("/kennel/v1/session", json!({ "key": key }))
}

#[tokio::test]
async fn a_key_becomes_a_cookie() {
    let stage = Stage::new();
    let answer = stage.ask(sign_in(&stage.owner_key())).await;
    assert_eq!(answer.status, 200);
    let expected = json!({
        "rights": ["camera", "watch", "guest", "moderator", "record", "owner"], "label": "Owner", "ends": null, "room": null, "default_room": "Dog Cam",
        "open": false, "phone_url": "http://192.168.1.20:8080", "addresses": ["https://192.168.1.20:8443"],
    });
    assert_eq!(answer.json(), expected);
    let cookie = answer.cookie().expect("a cookie");
    assert!(
        cookie.starts_with("__Host-kennel=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    let pair = cookie.split(';').next().expect("a pair");
    let session = stage.ask(get("/kennel/v1/session").cookie(pair)).await;
    assert_eq!((session.status, session.json()), (200, expected));
    assert_eq!(session.cookie(), Some(cookie), "seen again, kept again");
}

#[tokio::test]
async fn over_plain_http_the_cookie_has_another_name() {
    let stage = Stage::new();
    let plain = stage.ask(sign_in(&stage.owner_key()).plain("192.168.1.20:8080")).await;
    let cookie = plain.cookie().expect("a cookie").to_owned();
    assert!(cookie.starts_with("kennel=") && !cookie.contains("Secure"));
    let pair = cookie.split(';').next().expect("a pair");
    assert_eq!(stage.ask(get("/kennel/v1/session").plain("192.168.1.20:8080").cookie(pair)).await.status, 200);
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(pair)).await.status, 401, "and does not count by https");
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_ends_by_signing_out() {
    let stage = Stage::new();
    let cookie = stage.sign_in(&stage.owner_key()).await;
    let stage = stage.again();
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(&cookie)).await.status, 200);
    let out = post("/kennel/v1/session", json!(null)).method("DELETE").cookie(&cookie);
    let answer = stage.ask(out).await;
    assert_eq!(answer.status, 204);
    assert!(answer.cookie().expect("a cookie").starts_with("__Host-kennel=; "));
    check_refusal(&stage.ask(get("/kennel/v1/session").cookie(&cookie)).await, StatusCode::UNAUTHORIZED, "no_session");
    let stage = stage.again();
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(&cookie)).await.status, 401);
}

#[tokio::test]
async fn a_session_is_on_the_disk_before_its_cookie_is_out() {
    let stage = Stage::new();
    let cookie = stage.sign_in(&stage.owner_key()).await;
    let by_address = stage.ask(get(&format!("/?key={}", stage.owner_key()))).await;
    let by_address = by_address.cookie().expect("a cookie").split(';').next().expect("a pair").to_owned();
    let after_a_crash = crate::stage::open_store(stage.folder.path());
    for pair in [cookie, by_address] {
        let value = pair.split_once('=').expect("a pair").1;
        assert!(after_a_crash.sessions().find(value, kennel::clock::unix_ms()).is_some());
    }
}

#[tokio::test]
async fn refusals_say_why() {
    let stage = Stage::new();
    check_refusal(&stage.ask(sign_in("nonsense")).await, StatusCode::UNAUTHORIZED, "key_unknown");
    check_refusal(&stage.ask(get("/kennel/v1/session")).await, StatusCode::UNAUTHORIZED, "no_session");
    check_refusal(&stage.ask(get("/kennel/v1/session").bearer("nonsense")).await, StatusCode::UNAUTHORIZED, "key_unknown");
    for body in [&b""[..], b"{", b"[]", b"{\"key\":1}", b"\xff"] {
        let answer = stage.ask(sign_in("").body(body)).await;
        check_refusal(&answer, StatusCode::BAD_REQUEST, "malformed");
    }
}

#[tokio::test]
async fn an_ended_link_says_when() {
    let stage = Stage::new();
    let rights = Rights::from_iter([Right::Watch]);
    let new = NewLink { label: "Grandma".to_owned(), rights, room: None, life_ms: Some(1000) };
    let a_minute_ago = kennel::clock::unix_ms() - 60_000;
    let made = stage.app.store.update(|ring, random| ring.add(new, a_minute_ago, random)).expect("written");
    let (id, key) = made.expect("a link");
    let answer = stage.ask(sign_in(key.reveal())).await;
    check_refusal(&answer, StatusCode::UNAUTHORIZED, "key_ended");
    let keys = stage.ask(get("/kennel/v1/keys").bearer(&stage.owner_key())).await.json();
    let row = keys["keys"].as_array().expect("rows").iter().find(|row| row["id"] == id.as_str()).expect("the link").clone();
    assert_eq!(answer.json()["error"]["ended"], row["ends"]);
}

#[tokio::test]
async fn t7_wrong_keys_are_counted_by_address() {
    let stage = Stage::new();
    for _ in 0..10 {
        assert_eq!(stage.ask(sign_in("wrong").from("192.168.1.66")).await.status, 401);
    }
    let barred = stage.ask(sign_in("wrong").from("192.168.1.66")).await;
    check_refusal(&barred, StatusCode::TOO_MANY_REQUESTS, "too_many_tries");
    assert_eq!(barred.header("retry-after"), "60");
    let right = sign_in(&stage.owner_key());
    assert_eq!(stage.ask(right.clone().from("192.168.1.66")).await.status, 429, "nothing is looked at");
    assert_eq!(stage.ask(get("/?key=wrong").from("192.168.1.66")).await.status, 429, "by no way");
    assert_eq!(stage.ask(get("/kennel/v1/session").bearer("wrong").from("192.168.1.66")).await.status, 429);
    assert_eq!(stage.ask(get("/v1/Rooms").from("192.168.1.66")).await.status, 429);
    assert_eq!(stage.ask(right.from("192.168.1.67")).await.status, 200);
}

#[tokio::test]
async fn t7_nobody_can_lock_the_owner_out() {
    let stage = Stage::new();
    for n in 0..300 {
        let from = format!("192.168.{}.{}", n / 200, n % 200);
        assert_eq!(stage.ask(sign_in("wrong").from(&from)).await.status, 401, "{n}");
    }
    assert_eq!(stage.ask(sign_in("wrong").from("192.168.9.1")).await.status, 429);
    assert_eq!(stage.ask(sign_in(&stage.owner_key()).from("192.168.9.2")).await.status, 200);
}

#[tokio::test]
async fn t7_wrong_rest_passwords_too() {
    let stage = Stage::new();
    let wrong = get("/v1/Rooms").header("authorization", "Basic QUM6eA==").from("192.168.1.66");
    for _ in 0..10 {
        assert_eq!(stage.ask(wrong.clone()).await.status, 401);
    }
    let barred = stage.ask(wrong).await;
    assert_eq!((barred.status, barred.header("retry-after"), &barred.json()["code"]), (429, "60", &json!(20429)));
}

#[tokio::test]
async fn a_key_in_the_address_leaves_it_at_once() {
    let stage = Stage::new();
    let answer = stage.ask(get(&format!("/dogcam?room=Den&key={}&as=watch", stage.owner_key()))).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/dogcam?room=Den&as=watch"));
    assert_eq!((answer.header("referrer-policy"), answer.header("cache-control")), ("no-referrer", "no-store"));
    let pair = answer.cookie().expect("a cookie").split(';').next().expect("a pair").to_owned();
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(&pair)).await.status, 200);
    let wrong = stage.ask(get("/?key=wrong")).await;
    assert_eq!((wrong.status, wrong.header("location"), wrong.cookie()), (303, "/", None));
}

#[tokio::test]
async fn another_site_signs_nobody_in() {
    let stage = Stage::new();
    let key = stage.owner_key();
    let led = |site: &str| get(&format!("/dogcam?key={key}")).header("sec-fetch-site", site);
    for ask in [led("cross-site"), led("cross-site").plain("192.168.1.20:8080")] {
        let answer = stage.ask(ask).await;
        assert_eq!((answer.status, answer.header("location"), answer.cookie()), (303, "/dogcam", None));
    }
    for own in ["none", "same-origin"] {
        assert!(stage.ask(led(own)).await.cookie().is_some(), "{own}");
    }
}

#[tokio::test]
async fn a_key_in_the_address_takes_no_better_session_away() {
    let stage = Stage::new();
    let (_, watch) = stage.link(json!({"label":"x","rights":["watch"]})).await;
    let (_, den) = stage.link(json!({"label":"x","rights":["camera"],"room":"Den"})).await;
    let (owner, watcher) = (stage.sign_in(&stage.owner_key()).await, stage.sign_in(&watch).await);
    let replaced = async |cookie: &str, key: &str| {
        let answer = stage.ask(get(&format!("/?key={key}")).cookie(cookie)).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"));
        answer.cookie().is_some()
    };
    assert!(!replaced(&owner, &watch).await && !replaced(&owner, &den).await && !replaced(&watcher, &watch).await);
    assert!(replaced(&watcher, &den).await && replaced(&watcher, &stage.owner_key()).await);
    assert!(replaced("__Host-kennel=nonsense", &watch).await);
}

#[tokio::test]
async fn at_the_door_the_key_moves_behind_the_hash() {
    let stage = Stage::new();
    let key = stage.owner_key();
    let answer = stage.ask(get(&format!("/dogcam?key={key}")).plain("192.168.1.20:8080")).await;
    assert_eq!(answer.header("location"), format!("/dogcam#k={key}"));
    let odd = stage.ask(get("/dogcam?key=%0d%0aSet-Cookie:x").plain("192.168.1.20:8080")).await;
    assert_eq!(odd.header("location"), "/dogcam");
}

#[tokio::test]
async fn an_open_server_lets_everybody_do_all_but_the_owners_part() {
    let stage = Stage::with(|site| site.open = true);
    let session = stage.ask(get("/kennel/v1/session")).await;
    assert_eq!((session.status, &session.json()["rights"]), (200, &json!(["camera", "watch", "guest", "moderator"])));
    check_refusal(&stage.ask(get("/kennel/v1/keys")).await, StatusCode::FORBIDDEN, "right_missing");
    let foreign = post("/login", json!({"camera_name":"K"})).header("origin", "https://evil.example");
    check_refusal(&stage.ask(foreign).await, StatusCode::FORBIDDEN, "origin_refused");
    let cookie = stage.sign_in(&stage.owner_key()).await;
    assert_eq!(stage.ask(get("/kennel/v1/keys").cookie(&cookie)).await.status, 200, "the owner is still the owner");
}

#[tokio::test]
async fn devices_are_listed_and_sent_away() {
    let stage = Stage::new();
    let phone = post("/kennel/v1/session", json!({"key": stage.owner_key()}))
        .header("user-agent", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36");
    let phone = stage.ask(phone).await.cookie().expect("a cookie").split(';').next().expect("a pair").to_owned();
    let own = stage.sign_in(&stage.owner_key()).await;
    let list = stage.ask(get("/kennel/v1/sessions").cookie(&own)).await.json();
    let rows = list["sessions"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["current"] == false).expect("the phone");
    assert_eq!(row["device"], "Chrome on Android");
    let id = row["id"].as_str().expect("an id");
    let end = post(&format!("/kennel/v1/sessions/{id}"), json!(null)).method("DELETE").cookie(&own);
    assert_eq!(stage.ask(end.clone()).await.status, 204);
    check_refusal(&stage.ask(end).await, StatusCode::NOT_FOUND, "not_found");
    let link = row["key"].as_str().expect("an id");
    assert_eq!(*stage.rooms.withdrawn.lock().expect("sound"), [format!("{link}.{id}")], "its participants go");
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(&phone)).await.status, 401);
    assert_eq!(stage.ask(get("/kennel/v1/session").cookie(&own)).await.status, 200);
}
