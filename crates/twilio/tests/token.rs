//! Access tokens: those of the real helper libraries, broken forms, headers, keys and signatures.

mod support;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::forge::*;
use support::random::Random;
use twilio::token::{Keys, Mint, Refusal, TOKEN_MAX_BYTES, mint, verify};

// --- tokens of the real helpers

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
        check(&signed_raw(text, &good.1, hmac::HMAC_SHA256, SECRET), Err(Refusal::Malformed));
        check(&signed_raw(&good.0, text, hmac::HMAC_SHA256, SECRET), Err(Refusal::Malformed));
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
    check(&signed_raw(header().to_string(), &deep, hmac::HMAC_SHA256, SECRET), Err(Refusal::Malformed));
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
    check(&signed_raw(&twice, claims().to_string(), hmac::HMAC_SHA256, SECRET), Err(Refusal::Malformed));
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
        check(&signed_raw(&header, claims().to_string(), algorithm, SECRET), Ok("kitchen"));
        let other = if name == "HS256" { hmac::HMAC_SHA512 } else { hmac::HMAC_SHA256 };
        check(&signed_raw(&header, claims().to_string(), other, SECRET), Err(Refusal::Signature));
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
    let forged = |claims: &Value| signed_raw(header().to_string(), claims.to_string(), hmac::HMAC_SHA256, "guess");
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

// --- at random

/// 10,000 broken tokens, two thirds of them signed after breaking, none of which may panic or give a grant that breaks a rule.
#[test]
fn random_mutations_never_panic() {
    let mut random = Random::new(0x6b65_6e6e_656c);
    let (header, claims, fixtures) = (header().to_string(), claims().to_string(), helpers());
    for round in 0..10_000 {
        let token = match round % 3 {
            0 => {
                let token = pick(&mut random, &fixtures);
                String::from_utf8_lossy(&random.mangled(token.as_bytes())).into_owned()
            }
            1 => signed_raw(random.mangled(header.as_bytes()), &claims, hmac::HMAC_SHA256, SECRET),
            _ => signed_raw(&header, random.mangled(claims.as_bytes()), hmac::HMAC_SHA256, SECRET),
        };
        let Ok(grant) = at(&token, NOW * 1000) else {
            continue;
        };
        assert_eq!((grant.account_sid.as_str(), grant.key_sid.as_str()), (ACCOUNT, KEY), "round {round}");
        assert!((1..=128).contains(&grant.identity.chars().count()), "round {round}");
        assert!(grant.expires_unix_s > NOW - 60, "round {round}");
    }
}

fn pick<'a>(random: &mut Random, fixtures: &'a [Value]) -> &'a str {
    fixtures[random.below(fixtures.len())]["token"].as_str().expect("token")
}
