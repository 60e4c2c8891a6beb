//! Access tokens: what the claims of a signed one may say.

mod support;

use serde_json::{Value, json};
use support::forge::*;
use twilio::token::Refusal;

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
