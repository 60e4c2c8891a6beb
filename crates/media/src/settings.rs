//! What an engine needs to know of the world.

use std::sync::Arc;

use str0m::config::{CryptoProvider, DtlsCert};

use crate::peer::Address;

/// The same for every peer of one engine.
#[derive(Clone)]
pub struct Settings {
    /// Where clients reach us, best first.
    pub candidates: Vec<Address>,
    /// The certificate of our end of each transport. Clients know its fingerprint from our descriptions.
    pub certificate: DtlsCert,
    /// Who does the cryptography.
    pub crypto: Arc<CryptoProvider>,
    /// Where datagrams for nobody are counted.
    pub counters: Arc<crate::counters::Counters>,
    /// Random; part of the names that tracks get, so that they differ from those of an engine before this one.
    pub salt: u32,
}
