//! The keys of a transport's media, heard where its handshake gives them to the library.
//!
//! The library encrypts all that it sends by itself. What we send past it ([`crate::send`]) needs the same keys, and the library hands
//! them to nobody; but it takes its cryptography from outside, and that may look at what it passes on. So it looks at what comes decrypted
//! for data channels ([`crate::streams`]) and at
//! what leaves for them ([`crate::empty`]) as well.

use std::cell::Cell;
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile};
use str0m_proto::crypto::CryptoError;
use zeroize::Zeroize;

use crate::empty;
use crate::streams::Streams;

thread_local! {
    /// A transport lives on one thread, and whoever makes it go on looks here right after.
    static HEARD: Cell<Option<Keys>> = const { Cell::new(None) };
    /// Whether data came where none may be.
    static STRAYED: Cell<bool> = const { Cell::new(false) };
    /// Whether data came decrypted.
    static OPENED: Cell<bool> = const { Cell::new(false) };
}

/// What two ends of a transport know and nobody else (RFC 5764, section 4.2).
pub(crate) struct Keys {
    pub profile: SrtpProfile,
    /// The client's key, the server's, the client's salt, the server's, as the handshake means client and server.
    pub material: Vec<u8>,
    /// Whether we are the handshake's client.
    pub client: bool,
}

/// The same cryptography, of which [`take`] learns keys.
pub(crate) fn overheard(crypto: CryptoProvider) -> CryptoProvider {
    // For as long as the program runs, like what it stands in front of. There is one for each server.
    let dtls_provider: &'static Provider = Box::leak(Box::new(Provider(crypto.dtls_provider)));
    CryptoProvider { dtls_provider, ..crypto }
}

/// The keys that this thread heard of since it asked last.
pub(crate) fn take() -> Option<Keys> {
    HEARD.take()
}

/// Whether data was dropped on this thread since it asked last, because it was on streams that the client may not have.
pub(crate) fn take_strayed() -> bool {
    STRAYED.take()
}

/// Whether something came on this thread since it asked last that the other end of a transport has encrypted, and that did not come before.
pub(crate) fn take_opened() -> bool {
    OPENED.take()
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.material.zeroize();
    }
}

#[derive(Debug)]
struct Provider(&'static dyn DtlsProvider);

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(Handshake(self.0.new_dtls(cert, now, version, mtu)?, Streams::default())))
    }
}

#[derive(Debug)]
struct Handshake(Box<dyn DtlsInstance>, Streams);

impl DtlsInstance for Handshake {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.0.poll_output(buf);
        if matches!(output, DtlsOutput::ApplicationData(_)) {
            OPENED.set(true);
        }
        match &output {
            DtlsOutput::KeyingMaterial(material, profile) => {
                HEARD.set(Some(Keys { profile: *profile, material: material.to_vec(), client: self.0.is_active() }));
            }
            DtlsOutput::ApplicationData(packet) if !self.1.takes(packet, !self.0.is_active()) => {
                STRAYED.set(true);
                // The library makes nothing of it.
                return DtlsOutput::ApplicationData(&[]);
            }
            _ => {}
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.1.note_sent(data, !self.0.is_active());
        let written = empty::write_over(data);
        let given = written.as_deref().unwrap_or(data);
        let taken = self.0.send_application_data(given)?;
        // The library counts in what it gave.
        Ok(if taken == given.len() { data.len() } else { 0 })
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
