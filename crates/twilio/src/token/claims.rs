//! The claims of a token whose signature is good.

use super::{ApiKey, CLOCK_SKEW_S, Grant, IDENTITY_MAX_CHARS, Keys, LIFETIME_MAX_S, Refusal};
use serde_json::{Map, Value};

/// Above this a time is in milliseconds: 1e11 seconds would be the year 5138, 1e11 milliseconds is 1973.
const MILLISECONDS_ABOVE: f64 = 1e11;

/// Reads times, then grants. Times are seconds in `f64`: RFC 7519 allows fractions, and 2^53 seconds are enough.
pub(super) fn read(
    claims: &Map<String, Value>,
    key_sid: &str,
    key: &ApiKey,
    keys: &dyn Keys,
    unix_ms: u64,
) -> Result<Grant, Refusal> {
    let jti = token_id(claims)?;
    let times = Times::read(claims, &jti, key_sid)?;
    times.check(unix_ms as f64 / 1000.0, key.not_before_unix_s as f64)?;
    if keys.is_denied(&jti) {
        return Err(Refusal::Withdrawn);
    }
    let grants = claims.get("grants").and_then(Value::as_object).ok_or(Refusal::Grants)?;
    Ok(Grant {
        account_sid: key.account_sid.clone(),
        key_sid: key_sid.to_owned(),
        room: room(grants)?,
        identity: identity(grants)?,
        jti,
        expires_unix_s: times.expires as u64,
        link_key: link_key(grants)?,
    })
}

fn token_id(claims: &Map<String, Value>) -> Result<String, Refusal> {
    match claims.get("jti") {
        None => Ok(String::new()),
        Some(value) => value.as_str().map(str::to_owned).ok_or(Refusal::Malformed),
    }
}

struct Times {
    expires: f64,
    begins: Option<f64>,
    issued: Option<f64>,
}

impl Times {
    fn read(claims: &Map<String, Value>, jti: &str, key_sid: &str) -> Result<Times, Refusal> {
        let expires = time(claims, "exp")?.ok_or(Refusal::Malformed)?;
        let begins = time(claims, "nbf")?;
        let issued = time(claims, "iat")?.or(begins).or_else(|| seconds_of(jti, key_sid));
        Ok(Times { expires, begins, issued })
    }

    fn check(&self, now: f64, key_not_before: f64) -> Result<(), Refusal> {
        let skew = CLOCK_SKEW_S as f64;
        // Without this an `iat` years ahead would make room for an `exp` years ahead.
        if [self.begins, self.issued].into_iter().flatten().any(|start| start > now + skew) {
            return Err(Refusal::NotYetValid);
        }
        if now >= self.expires + skew {
            return Err(Refusal::Expired);
        }
        if self.expires - self.issued.unwrap_or(now) > LIFETIME_MAX_S as f64 + skew {
            return Err(Refusal::Lifetime);
        }
        if self.issued.unwrap_or(0.0) < key_not_before { Err(Refusal::Expired) } else { Ok(()) }
    }
}

/// A time in seconds. Present and not a number of at least 0 is an error, never an absence.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let number = value.as_f64().filter(|n| n.is_finite() && *n >= 0.0).ok_or(Refusal::Malformed)?;
    Ok(Some(if number > MILLISECONDS_ABOVE { number / 1000.0 } else { number }))
}

/// The helpers write `<key SID>-<seconds>` into `jti`.
fn seconds_of(jti: &str, key_sid: &str) -> Option<f64> {
    let digits = jti.strip_prefix(key_sid)?.strip_prefix('-')?;
    digits.parse::<u32>().ok().map(f64::from)
}

/// A grant without a room, with a null or an empty one, is for any room: the helpers leave an empty one out.
fn room(grants: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let video = grants.get("video").and_then(Value::as_object).ok_or(Refusal::Grants)?;
    match video.get("room") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(name.clone()).filter(|name| !name.is_empty())),
        Some(_) => Err(Refusal::Grants),
    }
}

fn identity(grants: &Map<String, Value>) -> Result<String, Refusal> {
    let identity = grants.get("identity").and_then(Value::as_str).unwrap_or_default();
    if identity.is_empty() {
        return Err(Refusal::IdentityMissing);
    }
    if identity.chars().nth(IDENTITY_MAX_CHARS).is_some() {
        return Err(Refusal::IdentityTooLong);
    }
    if room::is_speakable(identity) { Ok(identity.to_owned()) } else { Err(Refusal::IdentityCharacters) }
}

fn link_key(grants: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let Some(ours) = grants.get("kennel") else {
        return Ok(None);
    };
    let key = ours.get("key").and_then(Value::as_str).ok_or(Refusal::Grants)?;
    Ok(Some(key.to_owned()))
}
