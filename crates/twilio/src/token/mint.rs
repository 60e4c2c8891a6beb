//! Making tokens, as the vendor's helper libraries do.

use super::CONTENT_TYPE;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// What a new token says.
#[derive(Clone, Debug)]
pub struct Mint<'a> {
    /// The account (`AC…`), claim `sub`.
    pub account_sid: &'a str,
    /// The signing API key (`SK…`), claim `iss`.
    pub key_sid: &'a str,
    /// Who the holder will be.
    pub identity: &'a str,
    /// The only room allowed, by name or SID; `None` for any.
    pub room: Option<&'a str>,
    /// How long the token lives, in seconds. The helpers' default is 3600; over 86400 is refused by [`super::verify`].
    pub lifetime_s: u64,
    /// Kennel's own claim: the id of the link key that the holder came by.
    pub link_key: Option<&'a str>,
}

/// A token signed with HS256, claim for claim what the helper libraries write, plus `grants.kennel` if there is a link key.
/// `unix_s` is the time of issue in seconds since 1970 UTC.
#[must_use]
pub fn mint(what: &Mint<'_>, secret: &str, unix_s: u64) -> String {
    let header = json!({ "typ": "JWT", "alg": "HS256", "cty": CONTENT_TYPE });
    let claims = json!({
        "jti": format!("{}-{unix_s}", what.key_sid),
        "iss": what.key_sid,
        "sub": what.account_sid,
        "iat": unix_s,
        "exp": unix_s.saturating_add(what.lifetime_s),
        "grants": grants(what),
    });
    let signed = format!("{}.{}", part(&header), part(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn grants(what: &Mint<'_>) -> Map<String, Value> {
    let video = what.room.map_or_else(|| json!({}), |room| json!({ "room": room }));
    let mut grants = Map::new();
    grants.insert("identity".into(), what.identity.into());
    grants.insert("video".into(), video);
    if let Some(key) = what.link_key {
        grants.insert("kennel".into(), json!({ "key": key }));
    }
    grants
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
