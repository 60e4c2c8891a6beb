//! Making tokens, as the vendor's REST API does.

use super::TYPE;
use crate::names;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use room::{MediaAllowed, Meta};
use serde_json::{Value, json};

/// What a new token says. The default is a member who may do nothing, in a room that is made if it is not there.
#[derive(Clone, Debug)]
pub struct Mint<'a> {
    /// The project, claim `sub`.
    pub project: &'a str,
    /// The token's own id.
    pub jti: &'a str,
    /// Who the holder will be.
    pub user_name: &'a str,
    /// The room's name.
    pub room: &'a str,
    /// Permissions by name, in the order in which the app will see them.
    pub scopes: &'a [&'a str],
    /// Where the SDK is to connect to, as `wss://host:port`; header field `ch`. None: where the app says.
    pub host: Option<&'a str>,
    /// Whether the room is made if it is not there.
    pub makes_room: bool,
    /// Whether the holder only looks and listens.
    pub audience: bool,
    /// What the holder may use.
    pub media: MediaAllowed,
    /// From when on the holder may come in, in seconds since 1970 UTC.
    pub opens_unix_s: Option<u64>,
    /// Until when the holder may come in, in seconds since 1970 UTC.
    pub closes_unix_s: Option<u64>,
    /// When the holder is put out, in seconds since 1970 UTC.
    pub removed_unix_s: Option<u64>,
    /// How many seconds the holder may stay.
    pub stays_max_s: Option<u64>,
    /// Whether the holder begins with its sound muted.
    pub audio_muted: bool,
    /// Whether the holder begins with its pictures muted.
    pub video_muted: bool,
    /// Whether the room ends when the holder leaves.
    pub ends_room: bool,
    /// What a room that is made for the holder is called.
    pub room_display_name: Option<&'a str>,
    /// Words of the app about a room that is made for the holder.
    pub room_meta: Option<&'a Meta>,
    /// Words of the app about the holder.
    pub meta: Option<&'a Meta>,
    /// How long the token lives, in seconds; none: for ever, as the vendor's.
    pub lifetime_s: Option<u64>,
    /// The id of the link key that the holder came by.
    pub link_key: Option<&'a str>,
}

impl Default for Mint<'_> {
    fn default() -> Self {
        Mint {
            project: "",
            jti: "",
            user_name: "",
            room: "",
            scopes: &[],
            host: None,
            makes_room: true,
            audience: false,
            media: MediaAllowed::All,
            opens_unix_s: None,
            closes_unix_s: None,
            removed_unix_s: None,
            stays_max_s: None,
            audio_muted: false,
            video_muted: false,
            ends_room: false,
            room_display_name: None,
            room_meta: None,
            meta: None,
            lifetime_s: None,
            link_key: None,
        }
    }
}

/// A token signed with HS512, as the vendor's are. `unix_s` is the time of issue in seconds since 1970 UTC.
#[must_use]
pub fn mint(what: &Mint<'_>, secret: &str, unix_s: u64) -> String {
    let mut header = json!({ "typ": TYPE, "alg": "HS512" });
    if let Some(host) = what.host {
        header["ch"] = host.into();
    }
    let signed = format!("{}.{}", part(&header), part(&claims(what, unix_s)));
    let key = hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Only what is not as it would be taken for without the claim.
fn claims(what: &Mint<'_>, unix_s: u64) -> Value {
    let yes = |flag: bool| flag.then_some(true);
    let mut claims = json!({
        "iat": unix_s, "jti": what.jti, "sub": what.project, "u": what.user_name, "r": what.room, "s": what.scopes,
        "acr": what.makes_room, "jf": what.opens_unix_s, "ju": what.closes_unix_s, "rat": what.removed_unix_s,
        "rse": what.stays_max_s, "ja": what.audience.then_some("audience"), "jam": yes(what.audio_muted),
        "jvm": yes(what.video_muted), "erl": yes(what.ends_room), "rdn": what.room_display_name, "rm": what.room_meta.map(words),
        "m": what.meta.map(words), "exp": what.lifetime_s.map(|s| unix_s.saturating_add(s)), "key": what.link_key,
        "ma": Some(what.media).filter(|media| *media != MediaAllowed::All).map(names::media),
    });
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|_, value| !value.is_null());
    }
    claims
}

fn words(meta: &Meta) -> Value {
    serde_json::from_str(&names::write_meta(meta)).unwrap_or_default()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
