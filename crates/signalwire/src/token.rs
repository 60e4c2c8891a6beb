//! Room tokens: JWS compact, signed by a project's key with HMAC (RFC 7515, RFC 7519), with the claims that the vendor writes.
//!
//! Nothing here follows a key that the token itself names (`jwk`, `jku`, `x5u`, `x5c`, `kid`). The client's SDK reads `ch` and `typ`
//! of the header and `r` of the claims, and checks nothing.

mod claims;
mod mint;

pub use claims::Grant;
pub use mint::{Mint, mint};

use crate::limit::TOKEN_BYTES_MAX;
use crate::unique;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::fmt;

/// The header's type that tells a room token from any other JWT.
const TYPE: &str = "VRT";

/// Where the keys of projects are looked up.
pub trait Keys {
    /// The key of this project, if there is such a project.
    fn find(&self, project: &str) -> Option<ProjectKey>;
    /// Whether the token of this `jti` was withdrawn. Asked only for tokens with a good signature.
    fn is_denied(&self, jti: &str) -> bool;
}

/// A project's key as [`Keys`] gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProjectKey {
    /// The secret, used as bytes, never decoded.
    pub secret: String,
    /// Tokens issued before this time are refused, in seconds since 1970 UTC; 0 for none.
    pub not_before_unix_s: u64,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a token: too long, not three parts, not base64url, not JSON, a claim twice or of the wrong type.
    Malformed,
    /// Header: not a room token, an algorithm that is not HS256, HS384 or HS512, an extension to be understood.
    Header,
    /// The project has no key here, or the signature is not its.
    Signature,
    /// The token's id is on the deny list.
    Withdrawn,
    /// Ended, or issued before its key's `not_before_unix_s`.
    Expired,
    /// Not begun, or issued in the future.
    NotYetValid,
    /// No room, or no user's name that can be shown.
    Names,
}

impl Refusal {
    /// One sentence for the person who made the token. Never contains a part of it, and does not tell whether a project exists.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Refusal::Malformed => "The room token cannot be read",
            Refusal::Header => "The room token's header is wrong: it must be HS256, HS384 or HS512 with typ VRT",
            Refusal::Signature => "The room token is not signed by a project of this server",
            Refusal::Withdrawn => "The room token was withdrawn",
            Refusal::Expired => "The room token has expired",
            Refusal::NotYetValid => "The room token is not valid yet: compare the clocks",
            Refusal::Names => "The room token names no room, or no user",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message())
    }
}

impl std::error::Error for Refusal {}

impl fmt::Debug for ProjectKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("ProjectKey");
        out.field("secret", &"***").field("not_before_unix_s", &self.not_before_unix_s).finish()
    }
}

/// Checks a token's form, header, key, signature and claims, in this order, so that nothing is believed before the signature is.
///
/// `unix_ms` is the time of day in milliseconds since 1970 UTC. Pure: the same arguments give the same answer.
///
/// # Errors
/// The first [`Refusal`] met.
pub fn verify(text: &str, keys: &dyn Keys, unix_ms: u64) -> Result<Grant, Refusal> {
    let token = Parts::split(text)?;
    check_header(&token.header)?;
    let project = token.claims.get("sub").and_then(Value::as_str).ok_or(Refusal::Signature)?;
    let key = keys.find(project).ok_or(Refusal::Signature)?;
    check_signature(&token, &key)?;
    claims::read(&token.claims, project, &key, keys, unix_ms)
}

struct Parts<'a> {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > TOKEN_BYTES_MAX {
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
    let typ = header.get("typ").and_then(Value::as_str).is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE));
    // RFC 7515 4.1.11 and RFC 7797: extensions that must be understood, and we understand none.
    let extended = header.contains_key("crit") || header.contains_key("b64");
    if typ && !extended { Ok(()) } else { Err(Refusal::Header) }
}

fn check_signature(token: &Parts<'_>, key: &ProjectKey) -> Result<(), Refusal> {
    let algorithm = match token.header.get("alg").and_then(Value::as_str) {
        Some("HS256") => hmac::HMAC_SHA256,
        Some("HS384") => hmac::HMAC_SHA384,
        Some("HS512") => hmac::HMAC_SHA512,
        _ => return Err(Refusal::Header),
    };
    let secret = hmac::Key::new(algorithm, key.secret.as_bytes());
    hmac::verify(&secret, token.signed.as_bytes(), &token.signature).map_err(|_| Refusal::Signature)
}
