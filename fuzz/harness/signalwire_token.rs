//! Any text as a room token, and any header and claims signed with the right key. The input is a token, or a header, a line
//! end and claims.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use signalwire::limit::{META_CHARS_MAX, SCOPES_MAX, USER_NAME_CHARS_MAX};
use signalwire::token::{Keys, ProjectKey, verify};

const PROJECT: &str = "project";
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
    assert_eq!(grant.project, PROJECT);
    assert!((1..=USER_NAME_CHARS_MAX).contains(&grant.user_name.chars().count()) && !grant.room.is_empty());
    assert!(!grant.user_name.chars().any(char::is_control));
    assert!(grant.scopes.len() <= SCOPES_MAX);
    assert!(grant.expires_unix_s.is_none_or(|end| end + 60 >= NOW));
    assert!(
        [&grant.meta, &grant.room_meta].iter().all(|meta| serde_json::json!(meta).to_string().chars().count() <= META_CHARS_MAX)
    );
}

fn signed(header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
}

struct Ring;

impl Keys for Ring {
    fn find(&self, project: &str) -> Option<ProjectKey> {
        (project == PROJECT).then(|| ProjectKey { secret: SECRET.into(), not_before_unix_s: 0 })
    }

    fn is_denied(&self, _: &str) -> bool {
        false
    }
}
