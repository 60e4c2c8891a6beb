//! The end of a transport that overhears its own keys, so that it can say anything, encrypted as it should be: packets and reports
//! (RFC 7714), and what goes by SCTP (RFC 9260).

use std::cell::{Cell, RefCell};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::dtls::{DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile};
use str0m::crypto::{AeadAes128Gcm, CryptoError};

/// Bytes of the salt of either kind of GCM (RFC 7714, section 12).
const SALT: usize = 12;

/// Header and source of a report, which stay readable (RFC 3711, section 3.4).
const RTCP_HEAD: usize = 8;

/// The first number of our reports. The library has its own below.
const FIRST_INDEX: u32 = 0x2000_0000;

const ENCRYPTED: u32 = 0x8000_0000;

/// Ports, tag and checksum (RFC 9260, section 3.1).
const SCTP_HEAD: usize = 12;

thread_local! {
    static HEARD: RefCell<Option<(Vec<u8>, SrtpProfile, bool)>> = const { RefCell::new(None) };
    /// What is to go by SCTP.
    static SAID: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
    /// Ports and tag of what goes by SCTP.
    static HEAD: Cell<Option<[u8; 8]>> = const { Cell::new(None) };
    /// The number that the next piece of data has.
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

static GENUINE: LazyLock<CryptoProvider> = LazyLock::new(str0m::crypto::from_feature_flags);
static OVERHEARD: LazyLock<Provider> = LazyLock::new(|| Provider(GENUINE.dtls_provider));

/// The usual cryptography.
pub fn genuine() -> Arc<CryptoProvider> {
    Arc::new(GENUINE.clone())
}

/// The same, for the one end on this thread that is overheard. Nothing is known yet.
pub fn overheard() -> Arc<CryptoProvider> {
    HEARD.take();
    SAID.take();
    HEAD.take();
    NEXT.take();
    Arc::new(CryptoProvider { dtls_provider: &*OVERHEARD, ..GENUINE.clone() })
}

/// Says these chunks by SCTP, as soon as the transport goes on. False: there is no association yet.
pub fn say_chunks(chunks: &[u8]) -> bool {
    let Some(head) = HEAD.get() else { return false };
    let mut packet = [&head[..], &[0; 4], chunks].concat();
    let sum = checksum(&packet).to_le_bytes();
    packet[8..SCTP_HEAD].copy_from_slice(&sum);
    SAID.with_borrow_mut(|said| said.push(packet));
    true
}

/// The number that the next piece of data has.
pub fn next_number() -> u32 {
    NEXT.get()
}

/// CRC-32C (RFC 9260, appendix A).
fn checksum(bytes: &[u8]) -> u32 {
    let step = |sum: u32| sum >> 1 ^ if sum & 1 == 0 { 0 } else { 0x82f6_3b78 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// Encrypts what the overheard end says past its library.
pub struct Sealer {
    packets: Direction,
    reports: Direction,
    index: u32,
}

struct Direction {
    key: LessSafeKey,
    salt: [u8; SALT],
}

impl Sealer {
    /// None before the handshake is over.
    pub fn new() -> Option<Self> {
        HEARD.with_borrow(|heard| {
            let (material, profile, client) = heard.as_ref()?;
            let direction = |first| Direction::new(material, *profile, *client, first);
            Some(Sealer { packets: direction(0)?, reports: direction(3)?, index: FIRST_INDEX })
        })
    }

    /// A packet in the first turn of its numbers. What is too short to be one stays as it is.
    pub fn packet(&self, plain: &[u8]) -> Vec<u8> {
        let mut packet = plain.to_vec();
        if let Some(header) = header_bytes(plain)
            && let Some((header, payload)) = packet.split_at_mut_checked(header)
        {
            let iv = AeadAes128Gcm::rtp_iv(self.packets.salt, word(header, 8), 0, word(header, 0) as u16);
            let tag = self.packets.seal(iv, header, payload);
            packet.extend(tag);
        }
        packet
    }

    /// A report, or several. What is too short to be one stays as it is.
    pub fn report(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut report = plain.to_vec();
        let Some((head, body)) = report.split_at_mut_checked(RTCP_HEAD) else { return report };
        let tail = (ENCRYPTED | self.index).to_be_bytes();
        let iv = AeadAes128Gcm::rtcp_iv(self.reports.salt, word(head, 4), self.index);
        self.index += 1;
        let tag = self.reports.seal(iv, &[&*head, &tail[..]].concat(), body);
        report.extend(tag);
        report.extend(tail);
        report
    }
}

impl Direction {
    /// Keys are derived as RFC 3711 has it, section 4.3.3; `first`: the label of the first of them.
    fn new(material: &[u8], profile: SrtpProfile, client: bool, first: u8) -> Option<Self> {
        let (algorithm, length) = match profile {
            SrtpProfile::AEAD_AES_128_GCM => (&AES_128_GCM, 16),
            SrtpProfile::AEAD_AES_256_GCM => (&AES_256_GCM, 32),
            _ => return None,
        };
        let nth = usize::from(!client);
        let (keys, salts) = material.split_at_checked(2 * length)?;
        let (master, salt) = (keys.get(nth * length..)?, salts.get(nth * SALT..(nth + 1) * SALT)?);
        let derived = |label: u8| -> Option<Vec<u8>> {
            let mut all = Vec::new();
            for round in 0..2 {
                let (mut block, mut output) = ([0; 16], [0; 32]);
                block[..SALT].copy_from_slice(salt);
                block[7] ^= label;
                block[15] = round;
                match length {
                    16 => GENUINE.srtp_provider.srtp_aes_128_ecb_round(master.get(..16)?, &block, &mut output),
                    _ => GENUINE.srtp_provider.srtp_aes_256_ecb_round(master.get(..32)?, &block, &mut output),
                }
                all.extend(&output[..16]);
            }
            Some(all)
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, derived(first)?.get(..length)?).ok()?);
        Some(Direction { key, salt: *derived(first + 2)?.first_chunk()? })
    }

    fn seal(&self, iv: [u8; 12], readable: &[u8], body: &mut [u8]) -> Vec<u8> {
        let nonce = Nonce::assume_unique_for_key(iv);
        self.key.seal_in_place_separate_tag(nonce, Aad::from(readable), body).expect("a tag").as_ref().to_vec()
    }
}

/// Bytes of a packet that stay readable: the header and what follows it (RFC 3550, section 5.1).
fn header_bytes(packet: &[u8]) -> Option<usize> {
    let short = 12 + 4 * usize::from(packet.first()? & 0xf);
    let extended = packet.first()? & 0x10 != 0;
    let words = packet.get(short + 2..short + 4).filter(|_| extended);
    let long = words.map_or(short, |words| short + 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]])));
    Some(if long <= packet.len() { long } else { 12 })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_be_bytes(*word))
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
        Ok(Box::new(Handshake { inner: self.0.new_dtls(cert, now, version, mtu)?, done: false }))
    }
}

#[derive(Debug)]
struct Handshake {
    inner: Box<dyn DtlsInstance>,
    done: bool,
}

impl DtlsInstance for Handshake {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if self.done {
            SAID.take().iter().for_each(|packet| _ = self.inner.send_application_data(packet));
        }
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            HEARD.set(Some((material.to_vec(), *profile, self.inner.is_active())));
            self.done = true;
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        // The first packet has no tag yet.
        if let Some(head) = data.first_chunk().filter(|_| word(data, 4) != 0) {
            HEAD.set(Some(*head));
        }
        if data.get(SCTP_HEAD) == Some(&0) {
            NEXT.set(word(data, SCTP_HEAD + 4).wrapping_add(1));
        }
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
