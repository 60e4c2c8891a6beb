//! Access tokens: JWS compact, signed by an API key's secret with HMAC (RFC 7515, RFC 7519), with the claims that
//! the vendor's helper libraries write.
//!
//! Times are read by hand rather than by a JWT library: apps in the field write `nbf` in milliseconds, and a library
//! that tolerates what it cannot read is how a claim of the wrong type comes to count as absent (CVE-2026-25537).
//! Nothing here follows a key that the token itself names (`jwk`, `jku`, `x5u`, `x5c`, `kid`).

mod claims;
mod mint;

pub use mint::{Mint, mint};

use crate::unique;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::fmt;

/// Longest token that is looked at, in bytes. The helpers' tokens have 400 to 600.
pub const TOKEN_MAX_BYTES: usize = 8 * 1024;
/// How far the minting clock may be from ours, in seconds: phones and home servers drift.
pub const CLOCK_SKEW_S: u64 = 60;
/// Longest life of a token from its issue, in seconds: 24 hours, the vendor's own cap.
pub const LIFETIME_MAX_S: u64 = 86_400;
/// Longest identity, in characters.
pub const IDENTITY_MAX_CHARS: usize = 128;

/// The content type that tells an access token from any other JWT.
const CONTENT_TYPE: &str = "twilio-fpa;v=1";

/// What a verified token allows. Only [`verify`] makes one, so holding it is the proof.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// The account that the token's key belongs to (`AC` and 32 hex digits).
    pub account_sid: String,
    /// The API key that signed (`SK` and 32 hex digits).
    pub key_sid: String,
    /// Who the holder is: 1 to 128 characters, no control or direction characters.
    pub identity: String,
    /// The only room the holder may enter, by name or SID; `None` is any room of the account. As the grant writes
    /// it: whether it is a good name is for the rooms to say.
    pub room: Option<String>,
    /// The token's own id, for deny lists. Empty if it has none.
    pub jti: String,
    /// When the token ends, in seconds since 1970 UTC, without the allowance for clocks.
    pub expires_unix_s: u64,
    /// Kennel's own claim `grants.kennel.key`: the id of the link key that this token was made for, so that withdrawing the
    /// link ends what was joined through it.
    pub link_key: Option<String>,
}

/// Where API keys are looked up.
pub trait Keys {
    /// The living API key of this SID; `None` if there never was one or it is deleted.
    fn find(&self, key_sid: &str) -> Option<ApiKey>;
    /// Whether the token of this `jti` was withdrawn. Asked only for tokens with a good signature.
    fn is_denied(&self, jti: &str) -> bool;
}

/// An API key as [`Keys`] gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The account it belongs to.
    pub account_sid: String,
    /// The secret, used as bytes, never decoded.
    pub secret: String,
    /// Tokens issued before this time are refused, in seconds since 1970 UTC; 0 for none.
    pub not_before_unix_s: u64,
}

/// Why a token is refused. The code is the vendor's, which its SDK turns into an error class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a token: too long, not three parts, not base64url, not JSON, a claim twice, a time that is none.
    Malformed,
    /// The token's id is on the deny list.
    Withdrawn,
    /// Header: not an access token, an algorithm that is not HS256, HS384 or HS512, an extension to be understood.
    Header,
    /// The issuer is not an API key of the account in the subject.
    Issuer,
    /// Ended, or issued before its key's `not_before_unix_s`.
    Expired,
    /// Not begun, or issued in the future.
    NotYetValid,
    /// No video grant, or one that cannot be read.
    Grants,
    /// The key is known, the signature is not its.
    Signature,
    /// Lives longer than [`LIFETIME_MAX_S`].
    Lifetime,
    /// No identity.
    IdentityMissing,
    /// Identity over [`IDENTITY_MAX_CHARS`].
    IdentityTooLong,
    /// Identity with control or text direction characters.
    IdentityCharacters,
}

/// Checks a token's form, key, signature, times and grants, in this order, so that nothing is believed before the signature is.
///
/// `unix_ms` is the time of day in milliseconds since 1970 UTC. Pure: the same arguments give the same answer.
///
/// # Errors
/// The first [`Refusal`] met.
pub fn verify(text: &str, keys: &dyn Keys, unix_ms: u64) -> Result<Grant, Refusal> {
    let token = Parts::split(text)?;
    check_header(&token.header)?;
    let (key_sid, key) = find_key(&token.claims, keys)?;
    check_signature(&token, &key)?;
    claims::read(&token.claims, &key_sid, &key, keys, unix_ms)
}

struct Parts<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > TOKEN_MAX_BYTES {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        Ok(Parts { header: object(header)?, claims: object(claims)?, signed, signature: bytes(signature)? })
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::Malformed)
}

fn object(text: &str) -> Result<Map<String, Value>, Refusal> {
    unique::object(&bytes(text)?).ok_or(Refusal::Malformed)
}

/// The algorithm is not looked at here: it is compared once the key is chosen.
fn check_header(header: &Map<String, Value>) -> Result<(), Refusal> {
    let typ = header.get("typ").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("JWT"));
    let cty = header.get("cty").and_then(Value::as_str) == Some(CONTENT_TYPE);
    // RFC 7515 4.1.11 and RFC 7797: extensions that must be understood, and we understand none.
    let extended = header.contains_key("crit") || header.contains_key("b64");
    if typ && cty && !extended { Ok(()) } else { Err(Refusal::Header) }
}

fn find_key(claims: &Map<String, Value>, keys: &dyn Keys) -> Result<(String, ApiKey), Refusal> {
    let text = |name| claims.get(name).and_then(Value::as_str).ok_or(Refusal::Issuer);
    let (issuer, account) = (text("iss")?, text("sub")?);
    let key = keys.find(issuer).filter(|key| key.account_sid == account).ok_or(Refusal::Issuer)?;
    Ok((issuer.to_owned(), key))
}

fn check_signature(token: &Parts<'_>, key: &ApiKey) -> Result<(), Refusal> {
    let algorithm = match token.header.get("alg").and_then(Value::as_str) {
        Some("HS256") => hmac::HMAC_SHA256,
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        _ => return Err(Refusal::Header),
    };
    let secret = hmac::Key::new(algorithm, key.secret.as_bytes());
    hmac::verify(&secret, token.signed.as_bytes(), &token.signature).map_err(|_| Refusal::Signature)
}

impl Refusal {
    /// The vendor's error code.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Refusal::Malformed | Refusal::Withdrawn => 20101,
            Refusal::Header => 20102,
            Refusal::Issuer => 20103,
            Refusal::Expired => 20104,
            Refusal::NotYetValid => 20105,
            Refusal::Grants => 20106,
            Refusal::Signature => 20107,
            Refusal::Lifetime => 20157,
            Refusal::IdentityMissing => 53200,
            Refusal::IdentityTooLong => 53201,
            Refusal::IdentityCharacters => 53202,
        }
    }

    /// One sentence for the person who made the token. Never contains a part of it.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Refusal::Malformed => "The access token cannot be read",
            Refusal::Withdrawn => "The access token was withdrawn",
            Refusal::Header => "The access token's header is wrong: it must be HS256, HS384 or HS512 with cty twilio-fpa;v=1",
            Refusal::Issuer => "The access token's issuer is not an API key of the account in its subject",
            Refusal::Expired => "The access token has expired",
            Refusal::NotYetValid => "The access token is not valid yet: compare the clocks",
            Refusal::Grants => "The access token has no usable video grant",
            Refusal::Signature => "The access token's signature is wrong: was it made with this API key's secret?",
            Refusal::Lifetime => "The access token lives longer than 24 hours",
            Refusal::IdentityMissing => "The access token has no identity",
            Refusal::IdentityTooLong => "The identity is longer than 128 characters",
            Refusal::IdentityCharacters => "The identity has control or text direction characters",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.message(), self.code())
    }
}

impl std::error::Error for Refusal {}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("ApiKey");
        out.field("account_sid", &self.account_sid).field("secret", &"***");
        out.field("not_before_unix_s", &self.not_before_unix_s).finish()
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Grant");
        out.field("account_sid", &self.account_sid).field("key_sid", &self.key_sid);
        out.field("identity", &self.identity).field("room", &self.room).field("jti", &self.jti);
        out.field("expires_unix_s", &self.expires_unix_s);
        out.field("link_key", &self.link_key.as_ref().map(|_| "***")).finish()
    }
}
