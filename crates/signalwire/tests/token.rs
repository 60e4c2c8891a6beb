//! Room tokens: what is minted is granted, and nothing else.

mod support;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use room::MediaAllowed;
use serde_json::{Value, json};
use signalwire::names::read_meta;
use signalwire::rest::{Ask, Request, parse};
use signalwire::token::{Grant, Mint, Refusal, mint, verify};
use std::time::Duration;
use support::door::{NOW, PROJECT, Ring, SECRET};

fn header() -> Value {
    json!({ "typ": "VRT", "alg": "HS512" })
}

/// The claims of the vendor's own documentation.
fn claims() -> Value {
    json!({
        "iat": NOW, "jti": "1", "sub": PROJECT, "u": "jess", "r": "lobby", "s": ["room.self.audio_mute", "room.set_layout"], "acr": true,
        "jf": null, "ju": NOW + 60, "rat": NOW + 3600, "rse": 1800,
    })
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value) -> String {
    sign(&format!("{}.{}", part(header), part(claims)), hmac::HMAC_SHA512)
}

fn sign(signed: &str, algorithm: hmac::Algorithm) -> String {
    let tag = hmac::sign(&hmac::Key::new(algorithm, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// The good claims with one of them changed.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn at(token: &str, unix_s: u64) -> Result<Grant, Refusal> {
    verify(token, &Ring, unix_s * 1000)
}

#[track_caller]
fn check(claims: &Value, expected: Result<(), Refusal>) {
    assert_eq!(at(&signed(&header(), claims), NOW).map(|_| ()), expected, "{claims}");
}

#[test]
fn the_vendors_own_claims_are_understood() {
    let grant = at(&signed(&header(), &claims()), NOW).expect("a grant");
    assert_eq!((&*grant.project, &*grant.user_name, &*grant.room), (PROJECT, "jess", "lobby"));
    assert_eq!(grant.scopes, ["room.self.audio_mute", "room.set_layout"]);
    assert_eq!((grant.opens_unix_s, grant.closes_unix_s, grant.removed_unix_s), (None, Some(NOW + 60), Some(NOW + 3600)));
    assert_eq!((grant.stays_max, grant.makes_room, grant.audience), (Some(Duration::from_secs(1800)), true, false));
    assert_eq!(grant.expires_unix_s, None);
}

#[test]
fn what_is_minted_is_granted() {
    let (room_meta, meta) = (read_meta(r#"{"floor":2}"#), read_meta(r#"{"colour":["red"]}"#));
    let what = Mint {
        project: PROJECT,
        jti: "7",
        user_name: "Jess ✨",
        room: "lobby",
        scopes: &["room.lock"],
        host: Some("wss://here:8443"),
        makes_room: false,
        audience: true,
        media: MediaAllowed::VideoOnly,
        opens_unix_s: Some(1),
        closes_unix_s: Some(2),
        removed_unix_s: Some(3),
        stays_max_s: Some(4),
        audio_muted: true,
        video_muted: true,
        ends_room: true,
        room_display_name: Some("The lobby"),
        room_meta: Some(&room_meta),
        meta: Some(&meta),
        lifetime_s: Some(60),
        link_key: Some("link"),
    };
    let token = mint(&what, SECRET, NOW);
    let head: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a part")).expect("base64")).expect("JSON");
    assert_eq!(head, json!({ "typ": "VRT", "alg": "HS512", "ch": "wss://here:8443" }));
    let grant = at(&token, NOW).expect("a grant");
    assert_eq!((grant.makes_room, grant.audience, grant.media), (false, true, MediaAllowed::VideoOnly));
    assert_eq!((grant.opens_unix_s, grant.closes_unix_s, grant.removed_unix_s), (Some(1), Some(2), Some(3)));
    assert_eq!((grant.audio_muted, grant.video_muted, grant.ends_room), (true, true, true));
    assert_eq!((grant.room_display_name.as_deref(), grant.link_key.as_deref()), (Some("The lobby"), Some("link")));
    assert_eq!((json!(grant.room_meta), json!(grant.meta)), (json!({ "floor": 2 }), json!({ "colour": ["red"] })));
    assert_eq!((&*grant.user_name, &*grant.jti, grant.expires_unix_s), ("Jess ✨", "7", Some(NOW + 60)));
}

/// As long as everything may be, in letters that take the most bytes.
#[test]
fn the_longest_token_that_rest_makes_lets_its_holder_in() {
    let words = |chars: usize| json!({ "x": "\u{1f415}".repeat(chars - r#"{"x":""}"#.len()) });
    let (scopes, name) = (vec![format!("room.stream.{}", "x".repeat(52)); 128], "\u{1f415}".repeat(100));
    let body = json!({
        "room_name": "r".repeat(100), "user_name": name, "permissions": scopes, "room_display_name": "\u{7}".repeat(200),
        "room_meta": words(2_000), "meta": words(2_000), "join_from": NOW, "join_until": NOW * 1000 + 60_000, "remove_at": 253_402_300_799_u64,
        "remove_after_seconds_elapsed": 200_000, "join_audio_muted": true, "join_video_muted": true, "media_allowed": "audio-only",
        "end_room_session_on_leave": true,
    });
    let body = body.to_string();
    let request = Request { method: "POST", path: "/api/video/room_tokens", query: "", body: body.as_bytes() };
    let Ok(Ask::CreateToken(new)) = parse(&request) else { panic!("a token") };
    let scopes: Vec<&str> = new.permissions.iter().flatten().map(String::as_str).collect();
    let what = Mint {
        project: PROJECT,
        jti: "22222222-2222-3333-4444-555555555555",
        user_name: new.user_name.as_deref().expect("a name"),
        room: &new.room_name,
        scopes: &scopes,
        host: Some("wss://a-rather-long-name-of-a-server-in-a-house.example.org:65535"),
        media: new.media_allowed,
        opens_unix_s: new.join_from_ms.map(|ms| ms / 1000),
        closes_unix_s: new.join_until_ms.map(|ms| ms / 1000),
        removed_unix_s: new.remove_at_ms.map(|ms| ms / 1000),
        stays_max_s: new.remove_after_s.map(u64::from),
        audio_muted: new.join_audio_muted,
        video_muted: new.join_video_muted,
        ends_room: new.end_room_session_on_leave,
        room_display_name: new.room_display_name.as_deref(),
        room_meta: new.room_meta.as_ref(),
        meta: new.meta.as_ref(),
        ..Mint::default()
    };
    let grant = at(&mint(&what, SECRET, NOW), NOW).expect("a grant");
    assert_eq!((Value::Object(grant.meta), Value::Object(grant.room_meta)), (words(2_000), words(2_000)));
    assert_eq!((grant.user_name, grant.scopes.len()), (name, 128));
    assert_eq!((grant.opens_unix_s, grant.closes_unix_s), (Some(NOW), Some(NOW + 60)));
}

#[test]
fn the_plainest_token_says_the_least() {
    let token = mint(&Mint { project: PROJECT, jti: "7", user_name: "u", room: "r", ..Mint::default() }, SECRET, NOW);
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a part")).expect("base64")).expect("JSON");
    assert_eq!(claims, json!({ "iat": NOW, "jti": "7", "sub": PROJECT, "u": "u", "r": "r", "s": [], "acr": true }));
}

#[test]
fn times_are_kept() {
    check(&with("exp", json!(NOW - 59)), Ok(()));
    check(&with("exp", json!(NOW - 60)), Err(Refusal::Expired));
    check(&with("exp", json!((NOW - 60) * 1000)), Err(Refusal::Expired));
    check(&with("nbf", json!(NOW + 60)), Ok(()));
    check(&with("nbf", json!(NOW + 61)), Err(Refusal::NotYetValid));
    check(&with("iat", json!(NOW + 61)), Err(Refusal::NotYetValid));
    check(&with("iat", json!(0)), Ok(()));
    assert!(at(&signed(&header(), &claims()), NOW * 2).is_ok(), "the vendor's tokens have no end");
}

#[test]
fn names_are_looked_at() {
    for name in [json!(null), json!(""), json!("  "), json!("a\nb"), json!("\u{202e}"), json!("ö".repeat(129))] {
        check(&with("u", name), Err(Refusal::Names));
    }
    check(&with("u", json!("ö".repeat(128))), Ok(()));
    check(&with("r", json!("")), Err(Refusal::Names));
    check(&with("r", json!(null)), Err(Refusal::Names));
}

#[test]
fn a_claim_of_the_wrong_type_is_never_an_absence() {
    let wrong = [
        ("u", json!(7)),
        ("r", json!(["lobby"])),
        ("s", json!("room.lock")),
        ("s", json!([7])),
        ("s", json!(vec!["x"; 129])),
        ("acr", json!("false")),
        ("acr", json!(0)),
        ("ja", json!("admin")),
        ("ja", json!(true)),
        ("ma", json!("some")),
        ("jf", json!("2026-01-01")),
        ("ju", json!(-1)),
        ("rat", json!(true)),
        ("rse", json!("1800")),
        ("exp", json!("never")),
        ("nbf", json!([])),
        ("jti", json!(1)),
        ("m", json!([])),
        ("rm", json!({ "x": "y".repeat(2_000) })),
        ("m", json!({ "x": "狗".repeat(1_993) })),
        ("key", json!(1)),
        ("jam", json!("true")),
    ];
    for (name, value) in wrong {
        check(&with(name, value), Err(Refusal::Malformed));
    }
}

#[test]
fn only_the_projects_own_signature_counts() {
    let good = signed(&header(), &claims());
    let refused = |token: &str, why| assert_eq!(at(token, NOW).map(|_| ()), Err(why), "{token}");
    refused(&signed(&header(), &with("sub", json!("another project"))), Refusal::Signature);
    refused(&signed(&header(), &with("sub", json!(7))), Refusal::Signature);
    refused(&signed(&header(), &with("jti", json!("denied"))), Refusal::Withdrawn);
    refused(&format!("{good}AA"), Refusal::Signature);
    refused(&format!("{good}="), Refusal::Malformed);
    let (start, signature) = good.rsplit_once('.').expect("parts");
    refused(&format!("{}.{}.{signature}", part(&header()), part(&with("r", json!("other")))), Refusal::Signature);
    refused(&format!("{start}."), Refusal::Signature);
    for text in ["", ".", "..", "a.b.c", &"a".repeat(41_000), "ä.ö.ü"] {
        refused(text, Refusal::Malformed);
    }
    let twice = format!("{}.{}", part(&header()), URL_SAFE_NO_PAD.encode(claims().to_string().replacen('{', "{\"r\":\"x\",", 1)));
    refused(&sign(&twice, hmac::HMAC_SHA512), Refusal::Malformed);
}

#[test]
fn the_header_chooses_among_three_and_names_no_keys() {
    let start = |header: Value| format!("{}.{}", part(&header), part(&claims()));
    for (alg, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        assert!(
            at(&sign(&start(json!({ "typ": "vrt", "alg": alg, "ch": "x", "kid": "../x", "jku": "http://x" })), algorithm), NOW)
                .is_ok()
        );
    }
    let bad = [
        json!({ "typ": "VRT", "alg": "none" }),
        json!({ "typ": "VRT", "alg": "RS256" }),
        json!({ "typ": "VRT" }),
        json!({ "typ": "JWT", "alg": "HS512" }),
        json!({ "alg": "HS512" }),
        json!({ "typ": "VRT", "alg": "HS512", "crit": ["x"] }),
        json!({ "typ": "VRT", "alg": "HS512", "b64": false }),
    ];
    for header in bad {
        assert_eq!(at(&sign(&start(header.clone()), hmac::HMAC_SHA512), NOW).map(|_| ()), Err(Refusal::Header), "{header}");
    }
    assert_eq!(
        at(&sign(&start(json!({ "typ": "VRT", "alg": "HS256" })), hmac::HMAC_SHA512), NOW).map(|_| ()),
        Err(Refusal::Signature)
    );
}

#[test]
fn secrets_are_not_printed() {
    let grant = at(&signed(&header(), &with("key", json!("link-secret"))), NOW).expect("a grant");
    assert!(!format!("{grant:?}").contains("link-secret"));
    let key = signalwire::token::Keys::find(&Ring, PROJECT).expect("a key");
    assert!(!format!("{key:?}").contains(SECRET));
}
