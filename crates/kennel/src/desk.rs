//! What the doors ask of the shell: whether a token holds, and which STUN and TURN servers there are.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::prelude::{BASE64_STANDARD, Engine};
use twilio::problem::Problem;
use twilio::token::{self, Grant};
use twilio::wire::IceServer;

use crate::clock;
use crate::config::Ice;
use crate::keyring::origin;
use crate::keyring::store::Store;

/// What clients are told about the place where this server stands.
pub const REGION: &str = "local";

/// Where media of rooms that REST makes is said to be relayed unless it is said with the room. Apps know no other.
pub const MEDIA_REGION: &str = "us1";

/// The same for every connection of Twilio's door, but for the region that its client dialled.
#[derive(Clone)]
pub struct Desk {
    store: Arc<Store>,
    ice: Arc<Ice>,
    /// Of the connection.
    signaling_region: &'static str,
}

impl Desk {
    /// Answers from this keyring and these choices.
    #[must_use]
    pub fn new(store: Arc<Store>, ice: Ice) -> Self {
        Desk { store, ice: Arc::new(ice), signaling_region: REGION }
    }

    /// For a client who dialled this host name.
    #[must_use]
    pub fn dialled(self, host: &str) -> Self {
        Desk { signaling_region: twilio::region::of_host(host).unwrap_or(REGION), ..self }
    }
}

/// Whether neither the link nor the session that a token was made for has ended.
pub fn lives(store: &Store, origin: &str, now: u64) -> bool {
    let (link, session) = origin::read(origin);
    let link_lives = store.keyring().living(link, now).is_some();
    link_lives && session.is_none_or(|session| store.sessions().link_of(session) == Some(link))
}

impl twilio::Desk for Desk {
    fn verify(&self, token: &str) -> Result<Grant, Problem> {
        let now = clock::unix_ms();
        let grant = token::verify(token, &*self.store, now)?;
        match &grant.link_key {
            Some(origin) if !lives(&self.store, origin, now) => Err(token::Refusal::Expired.into()),
            _ => Ok(grant),
        }
    }

    fn ice_servers(&self, grant: &Grant) -> Vec<IceServer> {
        ice_servers(&self.ice, &grant.identity, clock::unix_ms() / 1000)
    }

    fn region(&self) -> &str {
        REGION
    }

    fn signaling_region(&self) -> &str {
        self.signaling_region
    }
}

/// The configured servers, with a credential of limited life for TURN (the shared-secret scheme of
/// draft-uberti-behave-turn-rest, as coturn's `use-auth-secret` has it).
fn ice_servers(ice: &Ice, identity: &str, unix_s: u64) -> Vec<IceServer> {
    let stun = (!ice.stun.is_empty()).then(|| IceServer { urls: ice.stun.clone(), username: None, credential: None });
    let turn = ice.turn_secret.as_ref().filter(|_| !ice.turn.is_empty()).map(|secret| {
        let username = format!("{}:{}", unix_s.saturating_add(ice.turn_ttl.as_secs()), plain(identity));
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.reveal().as_bytes());
        let credential = BASE64_STANDARD.encode(hmac::sign(&key, username.as_bytes()));
        IceServer { urls: ice.turn.clone(), username: Some(username), credential: Some(credential) }
    });
    stun.into_iter().chain(turn).collect()
}

/// An identity as part of a TURN user name, which coturn splits at the colon.
fn plain(identity: &str) -> String {
    identity.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Secret;

    fn ice(stun: &[&str], turn: &[&str]) -> Ice {
        Ice {
            stun: stun.iter().map(|s| (*s).to_owned()).collect(),
            turn: turn.iter().map(|s| (*s).to_owned()).collect(),
            turn_secret: (!turn.is_empty()).then(|| Secret::new("a-shared-secret-of-some-length")),
            turn_ttl: Duration::from_secs(3600),
        }
    }

    #[test]
    fn nothing_configured_means_an_empty_list() {
        assert_eq!(ice_servers(&ice(&[], &[]), "cam", 0), []);
    }

    #[test]
    fn turn_gets_a_credential_that_ends() {
        let servers = ice_servers(&ice(&["stun:s.example:3478"], &["turn:t.example:3478"]), "Dog: Cam", 1_000);
        assert_eq!(servers[0], IceServer { urls: vec!["stun:s.example:3478".into()], username: None, credential: None });
        assert_eq!(servers[1].username.as_deref(), Some("4600:Dog__Cam"));
        // printf '4600:Dog__Cam' | openssl dgst -sha1 -hmac a-shared-secret-of-some-length -binary | base64
        assert_eq!(servers[1].credential.as_deref(), Some("tu/o4Y0vwH11ArhFL9zjUPkhWdA="));
    }
}
