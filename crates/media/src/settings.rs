//! What an engine needs to know of the world.

use std::net::SocketAddr;
use std::sync::Arc;

use str0m::config::{CryptoProvider, DtlsCert};

use str0m::net::Protocol;

use crate::counters::Counters;
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
    pub counters: Arc<Counters>,
    /// Random; part of the names that tracks get, so that they differ from those of an engine before this one.
    pub salt: u32,
}

impl Settings {
    /// For an engine that clients reach at these addresses, by datagrams and by TCP.
    #[must_use]
    pub fn new(addresses: &[SocketAddr], identity: &Identity, counters: Arc<Counters>, salt: u32) -> Self {
        let address = |protocol| move |at: &SocketAddr| Address { at: *at, protocol };
        let udp = addresses.iter().map(address(Protocol::Udp));
        let tcp = addresses.iter().map(address(Protocol::Tcp));
        let Identity { certificate, crypto } = identity.clone();
        Settings { candidates: udp.chain(tcp).collect(), certificate, crypto, counters, salt }
    }
}

/// Who this server is to its clients, in every transport; and who does the cryptography.
#[derive(Clone)]
pub struct Identity {
    /// Clients know its fingerprint from our descriptions.
    pub certificate: DtlsCert,
    /// The library behind it.
    pub crypto: Arc<CryptoProvider>,
}

impl Identity {
    /// With a certificate made now.
    ///
    /// # Errors
    /// The cryptography could make none.
    pub fn generate() -> Result<Self, String> {
        let crypto = str0m::crypto::from_feature_flags();
        // Elliptic curves: a handshake costs a tenth of what it would with RSA.
        let certificate = crypto.dtls_provider.generate_certificate();
        let certificate = certificate.ok_or("the cryptography library makes no certificate")?;
        Ok(Identity { certificate, crypto: Arc::new(crypto) })
    }
}
