//! Tokens good and bad: the fixed account and key of the tests, and a forge that signs anything.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use twilio::token::{ApiKey, Grant, Keys, Refusal, verify};

pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const KEY: &str = "SK00000000000000000000000000000002";
pub const DENIED: &str = "SK00000000000000000000000000000002-denied";
pub const SECRET: &str = "not-a-real-secret-only-for-tests";
pub const NOW: u64 = 1_700_000_000;

pub struct Ring {
    pub not_before_unix_s: u64,
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

pub fn at(token: &str, unix_ms: u64) -> Result<Grant, Refusal> {
    verify(token, &Ring { not_before_unix_s: 0 }, unix_ms)
}

#[track_caller]
pub fn check(token: &str, expected: Result<&str, Refusal>) {
    let found = at(token, NOW * 1000).map(|grant| grant.identity);
    assert_eq!(found.as_deref().map_err(|refusal| *refusal), expected);
}

pub fn helpers() -> Vec<Value> {
    let lines = include_str!("../tokens/helpers.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).expect("fixture")).collect()
}

pub fn header() -> Value {
    json!({ "typ": "JWT", "alg": "HS256", "cty": "twilio-fpa;v=1" })
}

pub fn claims() -> Value {
    json!({
        "jti": format!("{KEY}-{NOW}"), "iss": KEY, "sub": ACCOUNT, "iat": NOW, "exp": NOW + 3600,
        "grants": { "identity": "kitchen", "video": { "room": "Dog Cam" } },
    })
}

/// A token of any two parts, signed.
pub fn signed_raw(
    header: impl AsRef<[u8]>,
    claims: impl AsRef<[u8]>,
    algorithm: hmac::Algorithm,
    secret: impl AsRef<[u8]>,
) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret.as_ref()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

pub fn signed(header: &Value, claims: &Value) -> String {
    signed_raw(header.to_string(), claims.to_string(), hmac::HMAC_SHA256, SECRET)
}

/// Our good token with one member of one part set, or removed when `value` is none.
pub fn with(mut part: Value, path: &str, value: Option<Value>) -> Value {
    let (parent, name) = path.rsplit_once('/').expect("path");
    let object = part.pointer_mut(parent).and_then(Value::as_object_mut).expect("object");
    match value {
        Some(value) => object.insert(name.into(), value),
        None => object.remove(name),
    };
    part
}

#[track_caller]
pub fn check_header(path: &str, value: impl Into<Option<Value>>, expected: Result<&str, Refusal>) {
    check(&signed(&with(header(), path, value.into()), &claims()), expected);
}

#[track_caller]
pub fn check_claim(path: &str, value: impl Into<Option<Value>>, expected: Result<&str, Refusal>) {
    check(&signed(&header(), &with(claims(), path, value.into())), expected);
}

/// The claims as text with `from` replaced, for what `json!` cannot say.
#[track_caller]
pub fn check_text(from: &str, to: &str, expected: Result<&str, Refusal>) {
    let text = claims().to_string();
    assert!(text.contains(from), "{from} in {text}");
    let text = text.replacen(from, to, 1);
    check(&signed_raw(header().to_string(), &text, hmac::HMAC_SHA256, SECRET), expected);
}
