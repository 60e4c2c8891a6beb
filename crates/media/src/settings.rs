//! What an engine needs to know of the world.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::{CryptoProvider, DtlsCert};

use str0m::net::Protocol;

use crate::counters::Counters;
use crate::keys;
use crate::peer::Address;
use crate::record::MixFile;

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
    pub counters: Arc<Counters>,
    /// Random; part of the names that tracks get, so that they differ from those of an engine before this one.
    pub salt: u32,
    /// A moment, and how long after 1970 UTC it was: what clients are told when something was (RFC 3550, section 4).
    pub epoch: (Instant, Duration),
    /// What files of mixes are.
    pub mix: MixFile,
}

impl Settings {
    /// For an engine that clients reach at these addresses, by datagrams and by TCP. Mixes are recorded as they usually are.
    #[must_use]
    pub fn new(addresses: &[SocketAddr], identity: &Identity, counters: Arc<Counters>, salt: u32) -> Self {
        let Identity { certificate, crypto, epoch } = identity.clone();
        let candidates = by_all_ways(addresses);
        Settings { candidates, certificate, crypto, counters, salt, epoch, mix: MixFile::default() }
    }

    /// Clients reach the engine at these addresses from now on, by datagrams and by TCP.
    pub fn set_addresses(&mut self, addresses: &[SocketAddr]) {
        self.candidates = by_all_ways(addresses);
    }
}

fn by_all_ways(addresses: &[SocketAddr]) -> Vec<Address> {
    let address = |protocol| move |at: &SocketAddr| Address { at: *at, protocol };
    addresses.iter().map(address(Protocol::Udp)).chain(addresses.iter().map(address(Protocol::Tcp))).collect()
}

/// Who this server is to its clients, in every transport; and who does the cryptography.
#[derive(Clone)]
pub struct Identity {
    /// Clients know its fingerprint from our descriptions.
    pub certificate: DtlsCert,
    /// The library behind it.
    pub crypto: Arc<CryptoProvider>,
    /// A moment, and how long after 1970 UTC it was.
    pub epoch: (Instant, Duration),
}

impl Identity {
    /// With a certificate made now, `epoch`: a moment and how long after 1970 UTC it is.
    ///
    /// # Errors
    /// The cryptography could make none.
    pub fn generate(epoch: (Instant, Duration)) -> Result<Self, String> {
        let crypto = cryptography();
        // Elliptic curves: a handshake costs a tenth of what it would with RSA.
        let certificate = crypto.dtls_provider.generate_certificate();
        let certificate = certificate.ok_or("the cryptography library makes no certificate")?;
        Ok(Identity { certificate, crypto: Arc::new(crypto), epoch })
    }
}

/// The library that does the cryptography, in the form that [`Settings`] needs.
#[must_use]
pub fn cryptography() -> CryptoProvider {
    keys::overheard(str0m::crypto::from_feature_flags())
}
