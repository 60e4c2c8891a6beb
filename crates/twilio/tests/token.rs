//! Access tokens: those of the real helper libraries, and every broken kind.

mod support;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::random::Random;
use twilio::token::{ApiKey, Grant, Keys, Mint, Refusal, TOKEN_MAX_BYTES, mint, verify};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000002";
const DENIED: &str = "SK00000000000000000000000000000002-denied";
const SECRET: &str = "not-a-real-secret-only-for-tests";
const NOW: u64 = 1_700_000_000;

struct Ring {
    not_before_unix_s: u64,
}

impl Keys for Ring {
    fn find(&self, key_sid: &str) -> Option<ApiKey> {
        (key_sid == KEY).then(|| ApiKey {
            account_sid: ACCOUNT.into(),
            secret: SECRET.into(),
            not_before_unix_s: self.not_before_unix_s,
        })
    }

    fn is_denied(&self, jti: &str) -> bool {
        jti == DENIED
    }
}

fn at(token: &str, unix_ms: u64) -> Result<Grant, Refusal> {
    verify(token, &Ring { not_before_unix_s: 0 }, unix_ms)
}

#[track_caller]
fn check(token: &str, expected: Result<&str, Refusal>) {
    let found = at(token, NOW * 1000).map(|grant| grant.identity);
    assert_eq!(found.as_deref().map_err(|refusal| *refusal), expected);
}

// --- tokens of the real helpers

fn helpers() -> Vec<Value> {
    let lines = include_str!("tokens/helpers.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("fixture")).collect()
}

#[test]
fn tokens_of_the_real_helpers_are_good() {
    assert_eq!(helpers().len(), 22);
    for made in helpers() {
        let grant = at(made["token"].as_str().expect("token"), NOW * 1000).expect("good");
        assert_eq!(grant.identity, made["identity"], "{made}");
        assert_eq!(json!(grant.room), made["room"], "{made}");
        assert_eq!((grant.account_sid.as_str(), grant.key_sid.as_str()), (ACCOUNT, KEY));
        assert_eq!(grant.jti, format!("{KEY}-{NOW}"));
        assert_eq!(grant.link_key, None);
    }
}

#[test]
fn tokens_of_the_real_helpers_end_when_they_say() {
    for made in helpers() {
        let token = made["token"].as_str().expect("token");
        let end = at(token, NOW * 1000).expect("good").expires_unix_s;
        assert!(at(token, (end + 60) * 1000 - 1).is_ok(), "{made}");
        assert_eq!(at(token, (end + 60) * 1000), Err(Refusal::Expired), "{made}");
    }
}

#[test]
fn our_tokens_say_what_the_node_helper_says() {
    let theirs = helpers().into_iter().filter(|made| made["by"] == "twilio 6.2.0 for Node").take(4);
    for (made, lifetime_s) in theirs.zip([3600, 3600, 3600, 86_400]) {
        let what = Mint {
            account_sid: ACCOUNT,
            key_sid: KEY,
            identity: made["identity"].as_str().expect("identity"),
            room: made["room"].as_str(),
            lifetime_s,
            link_key: None,
        };
        let (ours, theirs) = (mint(&what, SECRET, NOW), made["token"].as_str().expect("token"));
        assert_eq!((opened(&ours, 0), opened(&ours, 1)), (opened(theirs, 0), opened(theirs, 1)));
        check(&ours, Ok(what.identity));
    }
}

#[test]
fn a_link_key_travels_in_our_own_claim() {
    let what = Mint { account_sid: ACCOUNT, key_sid: KEY, identity: "kitchen", room: None, lifetime_s: 60, link_key: Some("k1") };
    let grant = at(&mint(&what, SECRET, NOW), NOW * 1000).expect("good");
    assert_eq!(grant.link_key.as_deref(), Some("k1"));
    assert!(!format!("{grant:?}").contains("k1"), "a link key is never printed");
    assert!(!format!("{:?}", Ring { not_before_unix_s: 0 }.find(KEY)).contains(SECRET));
}

fn opened(token: &str, part: usize) -> Value {
    let text = token.split('.').nth(part).expect("part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64url")).expect("JSON")
}

// --- forging

fn header() -> Value {
    json!({ "typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1" })
}

fn claims() -> Value {
    json!({
        "jti": format!("{KEY}-{NOW}"), "iss": KEY, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 3600,
        "grants": { "identity": "kitchen", "video": { "room": "Dog Cam" } },
    })
}

fn signed_raw(header: &str, claims: &str, algorithm: hmac::Algorithm, secret: &[u8]) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn signed(header: &Value, claims: &Value) -> String {
    signed_raw(&header.to_string(), &claims.to_string(), hmac::HMAC_SHA256, SECRET.as_bytes())
}

/// Our good token with one member of one part set, or removed when `value` is none.
fn with(mut part: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, name) = path.rsplit_once('/').expect("path");
    let object = part.pointer_mut(parent).and_then(Value::as_object_mut).expect("object");
    match value {
        Some(value) => object.insert(name.into(), value),
        None => object.remove(name),
    };
    part
}

#[track_caller]
fn check_header(path: &str, value: impl Into<Option<Value>>, expected: Result<&str, Refusal>) {
    check(&signed(&with(header(), path, value.into()), &claims()), expected);
}

#[track_caller]
fn check_claim(path: &str, value: impl Into<Option<Value>>, expected: Result<&str, Refusal>) {
    check(&signed(&header(), &with(claims(), path, value.into())), expected);
}

/// The claims as text with `from` replaced, for what `json!` cannot say.
#[track_caller]
fn check_text(from: &str, to: &str, expected: Result<&str, Refusal>) {
    let text = claims().to_string();
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replacen(from, to, 1);
    check(&signed_raw(&header().to_string(), &text, hmac::HMAC_SHA256, SECRET.as_bytes()), expected);
}

// --- form

#[test]
fn what_is_no_token_is_malformed() {
    let good = signed(&header(), &claims());
    check(&good, Ok("kitchen"));
    for text in ["", ".", "..", "...", "a.b.c", "[JWT elided]", "\u{0}", "é.é.é"] {
        check(text, Err(Refusal::Malformed));
    }
    for text in [format!("{good}="), format!("{good}.x"), format!(" {good}"), format!("{good}\n")] {
        check(&text, Err(Refusal::Malformed));
    }
    let parts: Vec<&str> = good.split('.').collect();
    check(&format!("{}.{}", parts[0], parts[1]), Err(Refusal::Malformed));
    check(&format!("{}.{}.", parts[0], parts[1]), Err(Refusal::Signature));
}

#[test]
fn parts_that_are_no_objects_are_malformed() {
    for text in ["null", "1", "\"x\"", "[]", "", "{", "{}{}", "\u{feff}{}"] {
        let good = (header().to_string(), claims().to_string());
        check(&signed_raw(text, &good.1, hmac::HMAC_SHA256, SECRET.as_bytes()), Err(Refusal::Malformed));
        check(&signed_raw(&good.0, text, hmac::HMAC_SHA256, SECRET.as_bytes()), Err(Refusal::Malformed));
    }
    let latin1 = format!("{}.{}.AA", URL_SAFE_NO_PAD.encode(b"{\"typ\":\"\xe9\"}"), URL_SAFE_NO_PAD.encode("{}"));
    check(&latin1, Err(Refusal::Malformed));
}

#[test]
fn a_token_has_at_most_8_kib() {
    let padded = |size: usize| signed(&header(), &with(claims(), "/x", Some("x".repeat(size).into())));
    let fits = (0..TOKEN_MAX_BYTES).rev().map(padded).find(|token| token.len() <= TOKEN_MAX_BYTES).expect("one fits");
    assert!(fits.len() > TOKEN_MAX_BYTES - 4);
    check(&fits, Ok("kitchen"));
    check(&format!("{fits}AAAA"), Err(Refusal::Malformed));
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(2000), "]".repeat(2000));
    check(&signed_raw(&header().to_string(), &deep, hmac::HMAC_SHA256, SECRET.as_bytes()), Err(Refusal::Malformed));
}

#[test]
fn no_claim_is_there_twice() {
    for (from, to) in [
        ("\"iss\":", "\"iss\":\"x\",\"iss\":"),
        ("\"iat\":", "\"exp\":1,\"iat\":"),
        ("\"identity\":", "\"identity\":\"owner\",\"identity\":"),
        ("\"room\":", "\"r\\u006fom\":\"other\",\"room\":"),
        ("\"iss\":", "\"x\":[{\"y\":1,\"y\":1}],\"iss\":"),
    ] {
        check_text(from, to, Err(Refusal::Malformed));
    }
    let twice = header().to_string().replacen('{', "{\"alg\":\"none\",", 1);
    check(&signed_raw(&twice, &claims().to_string(), hmac::HMAC_SHA256, SECRET.as_bytes()), Err(Refusal::Malformed));
}

// --- header

#[test]
fn the_header_is_that_of_an_access_token() {
    for value in [None, Some(json!("JOSE")), Some(json!(1)), Some(Value::Null)] {
        check_header("/typ", value, Err(Refusal::Header));
    }
    for value in [None, Some(json!("twilio-fpa;v=2")), Some(json!("")), Some(json!(["twilio-fpa;v=1"]))] {
        check_header("/cty", value, Err(Refusal::Header));
    }
    check_header("/twr", json!("us1"), Ok("kitchen"));
}

#[test]
fn extensions_to_be_understood_are_refused() {
    check_header("/crit", json!(["exp"]), Err(Refusal::Header));
    check_header("/crit", Value::Null, Err(Refusal::Header));
    check_header("/b64", json!(false), Err(Refusal::Header));
    check_header("/b64", json!(true), Err(Refusal::Header));
}

#[test]
fn keys_named_by_the_token_are_not_followed() {
    for name in ["/jwk", "/jku", "/x5u", "/x5c", "/kid"] {
        check_header(name, json!("https://example.org/key"), Ok("kitchen"));
    }
}

#[test]
fn only_the_hmac_algorithms_are_known() {
    for (name, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        let header = with(header(), "/alg", Some(name.into())).to_string();
        check(&signed_raw(&header, &claims().to_string(), algorithm, SECRET.as_bytes()), Ok("kitchen"));
        let other = if name == "HS256" { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
        check(&signed_raw(&header, &claims().to_string(), other, SECRET.as_bytes()), Err(Refusal::Signature));
    }
    for name in ["none", "None", "", "HS1", "hs256", "RS256", "PS256", "ES256", "EdDSA"] {
        check_header("/alg", json!(name), Err(Refusal::Header));
    }
    for value in [None, Some(Value::Null), Some(json!(256)), Some(json!(["HS256"]))] {
        check_header("/alg", value, Err(Refusal::Header));
    }
}

#[test]
fn a_token_without_signature_is_refused() {
    let none = with(header(), "/alg", Some("none".into()));
    let text = format!("{}.{}.", URL_SAFE_NO_PAD.encode(none.to_string()), URL_SAFE_NO_PAD.encode(claims().to_string()));
    check(&text, Err(Refusal::Header));
}

// --- key

#[test]
fn the_issuer_is_a_key_of_the_subject() {
    for value in [None, Some(json!("SK00000000000000000000000000000009")), Some(json!(ACCOUNT)), Some(json!(7))] {
        check_claim("/iss", value, Err(Refusal::Issuer));
    }
    for value in [None, Some(json!("AC00000000000000000000000000000009")), Some(json!("")), Some(Value::Null)] {
        check_claim("/sub", value, Err(Refusal::Issuer));
    }
}

#[test]
fn a_wrong_signature_counts_only_for_a_known_key() {
    let forged = |claims: &Value| signed_raw(&header().to_string(), &claims.to_string(), hmac::HMAC_SHA256, b"guess");
    check(&forged(&claims()), Err(Refusal::Signature));
    check(&forged(&with(claims(), "/iss", Some("SK0".into()))), Err(Refusal::Issuer));
    // Nothing is said about the claims of a token that is not ours.
    check(&forged(&with(claims(), "/exp", Some(1.into()))), Err(Refusal::Signature));
}

#[test]
fn every_bit_of_a_token_counts() {
    let good = signed(&header(), &claims()).into_bytes();
    for (place, bit) in (0..good.len()).flat_map(|place| (0..7).map(move |bit| (place, bit))) {
        let mut bytes = good.clone();
        bytes[place] ^= 1 << bit;
        let text = String::from_utf8(bytes).expect("ASCII");
        assert!(at(&text, NOW * 1000).is_err(), "{place} {bit}");
    }
}

#[test]
fn a_withdrawn_token_is_refused() {
    check_claim("/jti", json!(DENIED), Err(Refusal::Withdrawn));
    check_claim("/jti", None, Ok("kitchen"));
    check_claim("/jti", json!(5), Err(Refusal::Malformed));
    check_claim("/jti", Value::Null, Err(Refusal::Malformed));
}

#[test]
fn a_key_can_log_everybody_out() {
    let token = signed(&header(), &claims());
    let undated = with(with(claims(), "/iat", None), "/jti", Some("x".into()));
    let since =
        |token: &str, not_before_unix_s| verify(token, &Ring { not_before_unix_s }, NOW * 1000).map(|grant| grant.identity);
    assert_eq!(since(&token, NOW), Ok("kitchen".into()));
    assert_eq!(since(&token, NOW + 1), Err(Refusal::Expired));
    assert_eq!(since(&signed(&header(), &undated), 0), Ok("kitchen".into()));
    assert_eq!(since(&signed(&header(), &undated), 1), Err(Refusal::Expired));
}

// --- times

#[test]
fn times_are_numbers_of_at_least_zero() {
    let wrong = [json!("1700003600"), Value::Null, json!(-1), json!(-1.5), json!([NOW]), json!({}), json!(true)];
    for name in ["/exp", "/nbf", "/iat"] {
        for value in &wrong {
            check_claim(name, value.clone(), Err(Refusal::Malformed));
        }
    }
    for number in ["1e400", "-1e400", "NaN", "Infinity", "01", "1.", "+1"] {
        check_text("\"exp\":1700003600", &format!("\"exp\":{number}"), Err(Refusal::Malformed));
        check_text("\"iat\":1700000000", &format!("\"iat\":{number}"), Err(Refusal::Malformed));
    }
    check_text("\"exp\":1700003600", "\"exp\":1700003600.75", Ok("kitchen"));
    check_text("\"exp\":1700003600", "\"exp\":1.7000036e9", Ok("kitchen"));
    check_text("\"exp\":1700003600", "\"exp\":1e300", Err(Refusal::Lifetime));
    check_text("\"iat\":1700000000", "\"iat\":18446744073709551615", Err(Refusal::NotYetValid));
}

#[test]
fn an_end_is_required_and_kept() {
    check_claim("/exp", None, Err(Refusal::Malformed));
    check_claim("/exp", json!(0), Err(Refusal::Expired));
    check_claim("/exp", json!(NOW - 60), Err(Refusal::Expired));
    check_claim("/exp", json!(NOW - 59), Ok("kitchen"));
}

#[test]
fn a_beginning_is_kept() {
    check_claim("/nbf", json!(NOW + 60), Ok("kitchen"));
    check_claim("/nbf", json!(NOW + 61), Err(Refusal::NotYetValid));
    check_claim("/iat", json!(NOW + 61), Err(Refusal::NotYetValid));
    let ahead = with(with(claims(), "/iat", Some((NOW * 2).into())), "/exp", Some((NOW * 2 + 3600).into()));
    check(&signed(&header(), &ahead), Err(Refusal::NotYetValid));
}

#[test]
fn times_in_milliseconds_are_understood() {
    check_claim("/nbf", json!((NOW - 60) * 1000), Ok("kitchen"));
    check_claim("/nbf", json!((NOW + 61) * 1000), Err(Refusal::NotYetValid));
    check_claim("/iat", json!(NOW * 1000), Ok("kitchen"));
    check_claim("/exp", json!((NOW + 3600) * 1000), Ok("kitchen"));
    check_claim("/exp", json!((NOW - 60) * 1000), Err(Refusal::Expired));
    let grant = at(&signed(&header(), &with(claims(), "/exp", Some(((NOW + 9) * 1000).into()))), NOW * 1000);
    assert_eq!(grant.expect("good").expires_unix_s, NOW + 9);
}

#[test]
fn a_token_lives_a_day() {
    check_claim("/exp", json!(NOW + 86_460), Ok("kitchen"));
    check_claim("/exp", json!(NOW + 86_461), Err(Refusal::Lifetime));
    check_claim("/exp", json!(NOW + 25 * 3600), Err(Refusal::Lifetime));
}

#[test]
fn the_issue_is_told_by_iat_then_nbf_then_jti() {
    let living = |name: &str, value: Value, exp: u64| {
        let bare = with(with(claims(), "/iat", None), "/jti", Some("x".into()));
        let dated = with(with(bare, name, Some(value)), "/exp", Some(exp.into()));
        at(&signed(&header(), &dated), NOW * 1000).map(|grant| grant.identity)
    };
    let (early, end) = (NOW - 1000, NOW - 1000 + 86_460);
    for (name, value) in [("/iat", json!(early)), ("/nbf", json!(early)), ("/jti", json!(format!("{KEY}-{early}")))] {
        assert_eq!(living(name, value.clone(), end), Ok("kitchen".into()), "{name}");
        assert_eq!(living(name, value, end + 1), Err(Refusal::Lifetime), "{name}");
    }
    // With none of them the day is counted from now.
    for jti in ["x".to_owned(), format!("{KEY}-"), format!("{KEY}--5"), format!("SK9-{early}"), format!("{KEY}-99999999999")] {
        assert_eq!(living("/jti", json!(jti), NOW + 86_460), Ok("kitchen".into()), "{jti}");
        assert_eq!(living("/jti", json!(jti), NOW + 86_461), Err(Refusal::Lifetime), "{jti}");
    }
}

// --- grants

#[test]
fn a_video_grant_is_needed() {
    for value in [None, Some(Value::Null), Some(json!([])), Some(json!("video"))] {
        check_claim("/grants", value, Err(Refusal::Grants));
    }
    for value in [None, Some(Value::Null), Some(json!(true)), Some(json!([])), Some(json!("Dog Cam"))] {
        check_claim("/grants/video", value, Err(Refusal::Grants));
    }
    check_claim("/grants/chat", json!({ "service_sid": "IS1" }), Ok("kitchen"));
    check_claim("/grants/video/configuration_profile_sid", json!("VS1"), Ok("kitchen"));
}

#[test]
fn the_room_is_a_text_or_any() {
    let room = |value: Option<Value>| {
        let token = signed(&header(), &with(claims(), "/grants/video/room", value));
        at(&token, NOW * 1000).map(|grant| grant.room)
    };
    for any in [None, Some(Value::Null), Some(json!(""))] {
        assert_eq!(room(any), Ok(None));
    }
    for name in ["Dog Cam", "RM00000000000000000000000000000003", " ", "Höhle der Löwen 🦁", "../../x", "<img onerror>"] {
        assert_eq!(room(Some(json!(name))), Ok(Some(name.to_owned())));
    }
    for value in [json!(5), json!(false), json!([]), json!({ "name": "x" })] {
        assert_eq!(room(Some(value)), Err(Refusal::Grants));
    }
}

#[test]
fn the_identity_is_a_readable_text() {
    for value in [None, Some(Value::Null), Some(json!("")), Some(json!(7)), Some(json!(["x"]))] {
        check_claim("/grants/identity", value, Err(Refusal::IdentityMissing));
    }
    for name in ["x", "Küche 🐕", "<img onerror>", "../../x", "مطبخ", "👩‍👩‍👧"] {
        check_claim("/grants/identity", json!(name), Ok(name));
    }
    for name in ["\u{0}", "a\nb", "a\tb", "\u{7f}", "\u{85}", "\u{202e}gip", "\u{200f}x", "\u{2066}x", "\u{61c}x"] {
        check_claim("/grants/identity", json!(name), Err(Refusal::IdentityCharacters));
    }
    check_claim("/grants/identity", json!("ö".repeat(128)), Ok(&"ö".repeat(128)));
    check_claim("/grants/identity", json!("ö".repeat(129)), Err(Refusal::IdentityTooLong));
}

#[test]
fn our_own_claim_is_a_text() {
    check_claim("/grants/kennel", json!({ "key": "k1" }), Ok("kitchen"));
    for value in [Value::Null, json!("k1"), json!({}), json!({ "key": 1 }), json!({ "key": null })] {
        check_claim("/grants/kennel", value, Err(Refusal::Grants));
    }
}

#[test]
fn lone_surrogates_are_malformed() {
    check_text("\"kitchen\"", "\"\\ud83d\"", Err(Refusal::Malformed));
    check_text("\"kitchen\"", "\"\\ud83d\\udc15\"", Ok("🐕"));
}

#[test]
fn refusals_have_the_vendors_codes() {
    let codes = [
        (Refusal::Malformed, 20101),
        (Refusal::Withdrawn, 20101),
        (Refusal::Header, 20102),
        (Refusal::Issuer, 20103),
        (Refusal::Expired, 20104),
        (Refusal::NotYetValid, 20105),
        (Refusal::Grants, 20106),
        (Refusal::Signature, 20107),
        (Refusal::Lifetime, 20157),
        (Refusal::IdentityMissing, 53200),
        (Refusal::IdentityTooLong, 53201),
        (Refusal::IdentityCharacters, 53202),
    ];
    for (refusal, code) in codes {
        assert_eq!(refusal.code(), code);
        assert!(refusal.to_string().ends_with(&format!("({code})")));
    }
}

// --- at random

/// 10,000 broken tokens, signed anew where that is needed to get past the signature, none of which may panic, and none of
/// which may give another identity than the one that was signed.
#[test]
fn random_mutations_never_panic() {
    let mut random = Random::new(0x6b65_6e6e_656c);
    let fixtures = helpers();
    for round in 0..10_000 {
        let token = match round % 3 {
            0 => {
                let token = random_pick(&mut random, &fixtures);
                random.mangled(token.as_bytes())
            }
            1 => signed_bytes(&random.mangled(header().to_string().as_bytes()), claims().to_string().as_bytes()),
            _ => signed_bytes(header().to_string().as_bytes(), &random.mangled(claims().to_string().as_bytes())),
        };
        let text = String::from_utf8_lossy(&token);
        if let Ok(grant) = at(&text, NOW * 1000) {
            assert_eq!((grant.account_sid.as_str(), grant.key_sid.as_str()), (ACCOUNT, KEY), "round {round}");
            assert!((1..=128).contains(&grant.identity.chars().count()), "round {round}");
            assert!(grant.expires_unix_s > NOW - 60, "round {round}");
        }
    }
}

fn random_pick<'a>(random: &mut Random, fixtures: &'a [Value]) -> &'a str {
    fixtures[random.below(fixtures.len())]["token"].as_str().expect("token")
}

fn signed_bytes(header: &[u8], claims: &[u8]) -> Vec<u8> {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag)).into_bytes()
}
