//! The keyring and the sessions as JSON text, the form in which they are kept.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

use super::credentials::Credentials;
use super::links::{Link, Right};
use super::random::Random;
use super::seal::Sealer;
use super::sessions::{Session, Sessions};
use super::{ApiKey, Keyring};
use crate::config::Secret;

/// The version of both forms. A file of a later version is refused, not guessed at.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringForm {
    version: u32,
    credentials: CredentialsForm,
    links: Vec<LinkForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    api_keys: Vec<ApiKeyForm>,
}

/// Its secret is sealed with `api key SID` as the row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKeyForm {
    sid: String,
    sealed_secret: String,
    label: String,
    created: u64,
}

/// Fields with a `sealed_` name hold what [`Sealer::seal`] made, with the plain name as the row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialsForm {
    twilio_account_sid: String,
    twilio_api_key_sid: String,
    sealed_twilio_api_key_secret: String,
    sealed_twilio_auth_token: String,
    signalwire_project_key: String,
    sealed_signalwire_token: String,
    sealed_turn_secret: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkForm {
    id: String,
    label: String,
    rights: Vec<Right>,
    room: Option<String>,
    created: u64,
    ends: Option<u64>,
    sha256: String,
    /// The owner's key, sealed with `link ID` as the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsForm {
    version: u32,
    sessions: Vec<SessionForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionForm {
    sha256: String,
    id: String,
    link: String,
    device: String,
    created: u64,
    seen: u64,
}

/// The keyring as text. No secret stands in it unsealed.
pub fn write_keyring(keyring: &Keyring, sealer: &Sealer, random: Random<'_>) -> String {
    let seal = |row: &str, secret: &Secret| sealer.seal(row, secret, random);
    let own = &keyring.credentials;
    let credentials = CredentialsForm {
        twilio_account_sid: own.twilio_account_sid.clone(),
        twilio_api_key_sid: own.twilio_api_key_sid.clone(),
        sealed_twilio_api_key_secret: seal("twilio_api_key_secret", &own.twilio_api_key_secret),
        sealed_twilio_auth_token: seal("twilio_auth_token", &own.twilio_auth_token),
        signalwire_project_key: own.signalwire_project_key.clone(),
        sealed_signalwire_token: seal("signalwire_token", &own.signalwire_token),
        sealed_turn_secret: seal("turn_secret", &own.turn_secret),
    };
    let links = keyring.links.iter().map(|link| write_link(link, seal)).collect();
    let api_keys = keyring.api_keys.iter().map(|key| write_api_key(key, seal)).collect();
    print(&KeyringForm { version: VERSION, credentials, links, api_keys })
}

/// The keyring of a text.
///
/// # Errors
/// What is wrong with it, in words, without any of its content.
pub fn read_keyring(text: &str, sealer: &Sealer) -> Result<Keyring, String> {
    let form: KeyringForm = parse(text, |form: &KeyringForm| form.version)?;
    let open = |row: &str, sealed: &str| {
        let closed = |_| format!("its {row} does not open with this secret.key");
        sealer.open(row, sealed).map_err(closed)
    };
    let kept = form.credentials;
    let credentials = Credentials {
        twilio_api_key_secret: open("twilio_api_key_secret", &kept.sealed_twilio_api_key_secret)?,
        twilio_auth_token: open("twilio_auth_token", &kept.sealed_twilio_auth_token)?,
        signalwire_token: open("signalwire_token", &kept.sealed_signalwire_token)?,
        turn_secret: open("turn_secret", &kept.sealed_turn_secret)?,
        twilio_account_sid: kept.twilio_account_sid,
        twilio_api_key_sid: kept.twilio_api_key_sid,
        signalwire_project_key: kept.signalwire_project_key,
    };
    let links = form.links.into_iter().map(|link| read_link(link, open)).collect::<Result<_, _>>()?;
    let api_keys = form.api_keys.into_iter().map(|key| read_api_key(key, open)).collect::<Result<_, _>>()?;
    Ok(Keyring { credentials, links, api_keys })
}

/// The sessions as text, in a stable order.
pub fn write_sessions(sessions: &Sessions) -> String {
    let mut rows: Vec<_> = sessions.by_hash.iter().map(write_session).collect();
    rows.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    print(&SessionsForm { version: VERSION, sessions: rows })
}

/// The sessions of a text.
///
/// # Errors
/// What is wrong with it, in words, without any of its content.
pub fn read_sessions(text: &str) -> Result<Sessions, String> {
    let form: SessionsForm = parse(text, |form: &SessionsForm| form.version)?;
    let mut sessions = Sessions::default();
    for row in form.sessions {
        let (id, link, device) = (row.id, row.link, row.device);
        let session = Session { id, link, device, created: row.created, seen: row.seen };
        sessions.by_hash.insert(read_hash(&row.sha256)?, session);
    }
    Ok(sessions)
}

fn write_api_key(key: &ApiKey, seal: impl Fn(&str, &Secret) -> String) -> ApiKeyForm {
    let sealed_secret = seal(&format!("api key {}", key.sid), &key.secret);
    ApiKeyForm { sid: key.sid.clone(), sealed_secret, label: key.label.clone(), created: key.created }
}

fn read_api_key(form: ApiKeyForm, open: impl Fn(&str, &str) -> Result<Secret, String>) -> Result<ApiKey, String> {
    let secret = open(&format!("api key {}", form.sid), &form.sealed_secret)?;
    Ok(ApiKey { sid: form.sid, secret, label: form.label, created: form.created })
}

fn write_link(link: &Link, seal: impl Fn(&str, &Secret) -> String) -> LinkForm {
    LinkForm {
        id: link.id.clone(),
        label: link.label.clone(),
        rights: link.rights.list(),
        room: link.room.clone(),
        created: link.created,
        ends: link.ends,
        sha256: STANDARD_NO_PAD.encode(link.hash),
        sealed_key: link.key.as_ref().map(|key| seal(&key_row(&link.id), key)),
    }
}

fn read_link(form: LinkForm, open: impl Fn(&str, &str) -> Result<Secret, String>) -> Result<Link, String> {
    let key = form.sealed_key.map(|sealed| open(&key_row(&form.id), &sealed)).transpose()?;
    Ok(Link {
        rights: form.rights.into_iter().collect(),
        hash: read_hash(&form.sha256)?,
        id: form.id,
        label: form.label,
        room: form.room,
        created: form.created,
        ends: form.ends,
        key,
    })
}

fn key_row(id: &str) -> String {
    format!("link {id}")
}

fn write_session((hash, session): (&[u8; 32], &Session)) -> SessionForm {
    SessionForm {
        sha256: STANDARD_NO_PAD.encode(hash),
        id: session.id.clone(),
        link: session.link.clone(),
        device: session.device.clone(),
        created: session.created,
        seen: session.seen,
    }
}

fn read_hash(text: &str) -> Result<[u8; 32], String> {
    let bytes = STANDARD_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "one of its sha256 values is damaged".to_owned())
}

fn print(form: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(form).expect("strings and numbers always print");
    text.push('\n');
    text
}

fn parse<T: for<'a> Deserialize<'a>>(text: &str, version: impl Fn(&T) -> u32) -> Result<T, String> {
    // serde_json's own words may quote the content, so only the place is told.
    let form: T = serde_json::from_str(text)
        .map_err(|problem| format!("line {}, column {} is not as Kennel wrote it", problem.line(), problem.column()))?;
    match version(&form) {
        VERSION => Ok(form),
        other => Err(format!("it has version {other}, and this Kennel knows version {VERSION}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::random::from_system;

    fn sealer() -> Sealer {
        Sealer::new(&[1; 32])
    }

    #[test]
    fn the_keyring_comes_back_as_it_was() {
        let keyring = Keyring::fresh(5, &from_system);
        let text = write_keyring(&keyring, &sealer(), &from_system);
        assert_eq!(read_keyring(&text, &sealer()), Ok(keyring));
    }

    #[test]
    fn no_secret_stands_in_the_text() {
        let keyring = Keyring::fresh(5, &from_system);
        let text = write_keyring(&keyring, &sealer(), &from_system);
        let own = &keyring.credentials;
        let secrets = [&own.twilio_api_key_secret, &own.twilio_auth_token, &own.signalwire_token];
        for secret in secrets.into_iter().chain(keyring.owner_key()) {
            assert!(!text.contains(secret.reveal()));
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let text = write_keyring(&Keyring::fresh(5, &from_system), &sealer(), &from_system);
        let refusal = |text: &str, sealer: &Sealer| read_keyring(text, sealer).expect_err("refused");
        assert!(refusal("", &sealer()).contains("line 1"));
        assert!(refusal(&text[..text.len() / 2], &sealer()).contains("not as Kennel wrote it"));
        let later = text.replace("\"version\": 1", "\"version\": 2");
        assert!(refusal(&later, &sealer()).contains("version 2"));
        assert!(refusal(&text, &Sealer::new(&[2; 32])).contains("does not open"));
    }

    #[test]
    fn the_sessions_come_back_as_they_were() {
        let mut sessions = Sessions::default();
        let cookie = sessions.begin("link", "Phone", 7, &from_system);
        sessions.take_changed();
        let text = write_sessions(&sessions);
        assert!(!text.contains(cookie.reveal()));
        assert_eq!(read_sessions(&text), Ok(sessions));
        assert!(read_sessions("{}").is_err());
    }
}
