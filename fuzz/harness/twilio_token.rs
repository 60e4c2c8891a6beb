//! Any text as an access token, and any header and claims signed with the right key. The input is a token, or a header, a line
//! end and claims.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use twilio::token::{ApiKey, Grant, IDENTITY_MAX_CHARS, Keys, verify};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000002";
const SECRET: &str = "not-a-real-secret-only-for-tests";
const NOW: u64 = 1_700_000_000;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check(&text);
    if let Some((header, claims)) = text.split_once('\n') {
        check(&signed(header, claims));
    }
}

fn check(token: &str) {
    let Ok(grant) = verify(token, &Ring, NOW * 1000) else { return };
    let Grant { account_sid, key_sid, identity, expires_unix_s, .. } = grant;
    assert_eq!((account_sid.as_str(), key_sid.as_str()), (ACCOUNT, KEY));
    assert!((1..=IDENTITY_MAX_CHARS).contains(&identity.chars().count()));
    assert!(!identity.chars().any(char::is_control));
    assert!((NOW - 60..=NOW + 86_400 + 120).contains(&expires_unix_s));
}

fn signed(header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

struct Ring;

impl Keys for Ring {
    fn find(&self, key_sid: &str) -> Option<ApiKey> {
        let key = ApiKey { account_sid: ACCOUNT.into(), secret: SECRET.into(), not_before_unix_s: 0 };
        (key_sid == KEY).then_some(key)
    }

    fn is_denied(&self, _: &str) -> bool {
        false
    }
}
