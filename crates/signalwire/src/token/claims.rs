//! The claims of a token whose signature is good. Short names are the vendor's where it has any; the others are ours.

use std::fmt;
use std::time::Duration;

use room::MediaAllowed;
use serde_json::{Map, Value};

use super::{Keys, ProjectKey, Refusal};
use crate::limit::{CLOCK_SKEW_S, META_CHARS_MAX, MILLISECONDS_ABOVE, SCOPES_MAX, USER_NAME_CHARS_MAX};
use crate::names;

/// What a verified token allows. Only [`verify`](super::verify) makes one, so holding it is the proof.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Grant {
    /// The project whose key signed: `sub`.
    pub project: String,
    /// The token's own id, for deny lists: `jti`. Empty if it has none.
    pub jti: String,
    /// Who the holder is: `u`.
    pub user_name: String,
    /// The only room that the holder may enter, by name: `r`.
    pub room: String,
    /// The permissions, as they are written: `s`.
    pub scopes: Vec<String>,
    /// Whether the room is made if it is not there: `acr`, and if that is missing, it is.
    pub makes_room: bool,
    /// Whether the holder only looks and listens: `ja` is `audience`.
    pub audience: bool,
    /// What the holder may send and receive: `ma`.
    pub media: MediaAllowed,
    /// Before this time the holder does not come in, in seconds since 1970 UTC: `jf`.
    pub opens_unix_s: Option<u64>,
    /// After this time the holder does not come in, in seconds since 1970 UTC: `ju`.
    pub closes_unix_s: Option<u64>,
    /// When the holder is put out, in seconds since 1970 UTC: `rat`.
    pub removed_unix_s: Option<u64>,
    /// How long the holder may stay: `rse`, in seconds.
    pub stays_max: Option<Duration>,
    /// Whether the holder begins with its sound muted: `jam`.
    pub audio_muted: bool,
    /// Whether the holder begins with its pictures muted: `jvm`.
    pub video_muted: bool,
    /// Whether the room ends when the holder leaves: `erl`.
    pub ends_room: bool,
    /// What a room that is made for the holder is called: `rdn`.
    pub room_display_name: Option<String>,
    /// Words of the app about a room that is made for the holder: `rm`.
    pub room_meta: Map<String, Value>,
    /// Words of the app about the holder: `m`.
    pub meta: Map<String, Value>,
    /// When the token ends, in seconds since 1970 UTC: `exp`. The vendor's have no end.
    pub expires_unix_s: Option<u64>,
    /// The id of the link key that this token was made for, so that withdrawing the link ends what was joined through it: `key`.
    pub link_key: Option<String>,
}

pub(super) fn read(
    claims: &Map<String, Value>,
    project: &str,
    key: &ProjectKey,
    keys: &dyn Keys,
    unix_ms: u64,
) -> Result<Grant, Refusal> {
    let claims = Claims(claims);
    let jti = claims.text("jti")?.unwrap_or_default();
    claims.check_times(unix_ms as f64 / 1000.0, key.not_before_unix_s as f64)?;
    if keys.is_denied(&jti) {
        return Err(Refusal::Withdrawn);
    }
    Ok(Grant {
        project: project.to_owned(),
        jti,
        user_name: claims.user_name()?,
        room: claims.text("r")?.filter(|room| !room.is_empty()).ok_or(Refusal::Names)?,
        scopes: claims.scopes()?,
        makes_room: claims.flag("acr")?.unwrap_or(true),
        audience: claims.is_audience()?,
        media: claims.media()?,
        opens_unix_s: claims.moment("jf")?,
        closes_unix_s: claims.moment("ju")?,
        removed_unix_s: claims.moment("rat")?,
        stays_max: claims.number("rse")?.map(|s| Duration::from_secs(s as u64)),
        audio_muted: claims.flag("jam")?.unwrap_or(false),
        video_muted: claims.flag("jvm")?.unwrap_or(false),
        ends_room: claims.flag("erl")?.unwrap_or(false),
        room_display_name: claims.text("rdn")?,
        room_meta: claims.meta("rm")?,
        meta: claims.meta("m")?,
        expires_unix_s: claims.moment("exp")?,
        link_key: claims.text("key")?,
    })
}

/// Claims by name. One that is missing or null is none; one of the wrong type is an error, never an absence.
struct Claims<'a>(&'a Map<String, Value>);

impl Claims<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        self.get(name).map(|value| value.as_str().map(str::to_owned).ok_or(Refusal::Malformed)).transpose()
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.get(name).map(|value| value.as_bool().ok_or(Refusal::Malformed)).transpose()
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let number = |value: &Value| value.as_f64().filter(|n| n.is_finite() && *n >= 0.0).ok_or(Refusal::Malformed);
        self.get(name).map(number).transpose()
    }

    fn time(&self, name: &str) -> Result<Option<f64>, Refusal> {
        Ok(self.number(name)?.map(|time| if time > MILLISECONDS_ABOVE as f64 { time / 1000.0 } else { time }))
    }

    fn moment(&self, name: &str) -> Result<Option<u64>, Refusal> {
        Ok(self.time(name)?.map(|time| time as u64))
    }

    fn meta(&self, name: &str) -> Result<Map<String, Value>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(Map::new()) };
        let fits = value.to_string().chars().count() <= META_CHARS_MAX;
        value.as_object().filter(|_| fits).cloned().ok_or(Refusal::Malformed)
    }

    fn check_times(&self, now: f64, key_not_before: f64) -> Result<(), Refusal> {
        let (begins, issued, expires) = (self.time("nbf")?, self.time("iat")?, self.time("exp")?);
        let skew = CLOCK_SKEW_S as f64;
        if [begins, issued].into_iter().flatten().any(|start| start > now + skew) {
            return Err(Refusal::NotYetValid);
        }
        let over = expires.is_some_and(|end| now >= end + skew);
        if over || issued.unwrap_or(0.0) < key_not_before { Err(Refusal::Expired) } else { Ok(()) }
    }

    fn user_name(&self) -> Result<String, Refusal> {
        let name = self.text("u")?.unwrap_or_default();
        let long = name.chars().nth(USER_NAME_CHARS_MAX).is_some();
        if name.trim().is_empty() || long || !room::is_speakable(&name) { Err(Refusal::Names) } else { Ok(name) }
    }

    fn scopes(&self) -> Result<Vec<String>, Refusal> {
        let Some(value) = self.get("s") else { return Ok(Vec::new()) };
        let list = value.as_array().filter(|list| list.len() <= SCOPES_MAX).ok_or(Refusal::Malformed)?;
        list.iter().map(|scope| scope.as_str().map(str::to_owned).ok_or(Refusal::Malformed)).collect()
    }

    fn is_audience(&self) -> Result<bool, Refusal> {
        match self.text("ja")?.as_deref() {
            None | Some("member") => Ok(false),
            Some("audience") => Ok(true),
            Some(_) => Err(Refusal::Malformed),
        }
    }

    fn media(&self) -> Result<MediaAllowed, Refusal> {
        self.text("ma")?.map_or(Ok(MediaAllowed::All), |name| names::parse_media(&name).ok_or(Refusal::Malformed))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Grant");
        out.field("project", &self.project).field("jti", &self.jti).field("user_name", &self.user_name);
        out.field("room", &self.room).field("scopes", &self.scopes).field("audience", &self.audience);
        out.field("link_key", &self.link_key.as_ref().map(|_| "***")).finish_non_exhaustive()
    }
}
