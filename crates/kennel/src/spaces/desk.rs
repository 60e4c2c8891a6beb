//! What SignalWire's door asks of the shell: whether a token holds, the time of day, randomness.

use std::sync::Arc;

use signalwire::token::{self, Grant, ProjectKey, Refusal};
use signalwire::wire::IceServer;

use crate::clock;
use crate::desk::lives;
use crate::keyring::random;
use crate::keyring::store::Store;
use crate::shelf::space::Full;

/// The same for every connection of SignalWire's door.
#[derive(Clone)]
pub struct Desk {
    store: Arc<Store>,
    disk: Full,
}

/// What this server calls itself.
const NODE: &str = "kennel";

impl Desk {
    /// Answers from this keyring, and of this disk for recordings.
    #[must_use]
    pub fn new(store: Arc<Store>, disk: Full) -> Self {
        Desk { store, disk }
    }
}

impl signalwire::Desk for Desk {
    fn verify(&self, token: &str) -> Result<Grant, Refusal> {
        let now = clock::unix_ms();
        let grant = token::verify(token, self, now)?;
        match &grant.link_key {
            Some(origin) if !lives(&self.store, origin, now) => Err(Refusal::Withdrawn),
            _ => Ok(grant),
        }
    }

    /// None, whatever is configured for the other door: with any, the SDK takes no other way than by them, and who reaches this server
    /// needs none.
    fn ice_servers(&self, _grant: &Grant) -> Vec<IceServer> {
        Vec::new()
    }

    fn node(&self) -> &str {
        NODE
    }

    fn unix_ms(&self) -> u64 {
        clock::unix_ms()
    }

    fn fresh(&mut self) -> u128 {
        random::id()
    }

    fn is_disk_full(&self) -> bool {
        self.disk.is_full()
    }
}

impl token::Keys for Desk {
    fn find(&self, project: &str) -> Option<ProjectKey> {
        let own = self.store.credentials();
        let secret = own.signalwire_token.reveal().to_owned();
        (project == own.signalwire_project_key).then_some(ProjectKey { secret, not_before_unix_s: 0 })
    }

    /// Tokens are withdrawn with their link, never one by one.
    fn is_denied(&self, _jti: &str) -> bool {
        false
    }
}
