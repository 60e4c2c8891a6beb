//! What is encrypted past the library: packets to a client, our reports on them, and the client's reports (RFC 3711, RFC 7714).
//!
//! Keys are the transport's, shared with the library. No two packets may be encrypted with the same key and the same initial vector; the
//! vector contains the source, so a source belongs to one of the two, for good.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use str0m::config::CryptoProvider;
use str0m::crypto::dtls::SrtpProfile;
use str0m::crypto::{AeadAes128Gcm, AeadAes256Gcm, Aes128CmSha1_80, Aes128CmSha1_80Cipher, Sha1HmacProvider, SrtpProvider};
use zeroize::Zeroize;

use crate::keys::Keys;

/// A cipher in counter mode writes up to so many bytes beyond what it encrypts.
const BLOCK: usize = 15;

/// Bytes of the salt of either kind of GCM (RFC 7714, section 12).
const GCM_SALT: usize = 12;

/// Bytes of the signature of a packet at most: that of GCM (RFC 7714, section 12). In counter mode it is ten.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 16;

/// Header and source of a report, which stay readable (RFC 3711, section 3.4).
const RTCP_HEAD: usize = 8;

/// The number of a report and whether it is encrypted.
const INDEX: usize = 4;
const ENCRYPTED: u32 = 0x8000_0000;

/// Our reports' first number. The library encrypts reports of its own with the same key, and begins at the lowest; so even under one
/// source no number would be used twice.
const FIRST_INDEX: u32 = 0x4000_0000;

/// The labels by which keys are derived (RFC 3711, section 4.3.2). Those of reports are three higher.
const KEY: u8 = 0;
const AUTHENTICATION: u8 = 1;
const SALT: u8 = 2;
const RTCP: u8 = 3;

/// Encrypts what one client gets, and reads its reports.
pub(crate) struct Srtp {
    out: Suite,
    reports_out: Suite,
    reports_in: Suite,
    packets_in: Suite,
    /// A packet that is looked at.
    looked_at: Vec<u8>,
    /// The next report's number.
    index: u32,
}

/// One direction of one protocol.
enum Suite {
    Gcm(Gcm),
    Counter(Counter),
}

/// RFC 7714, with a key of either length. It encrypts in place; what the library has for it copies, and would do so for each packet.
struct Gcm {
    key: LessSafeKey,
    salt: [u8; GCM_SALT],
}

/// RFC 3711: for clients that know nothing newer.
struct Counter {
    cipher: Box<dyn Aes128CmSha1_80Cipher>,
    salt: [u8; Aes128CmSha1_80::SALT_LEN],
    mac: Mac,
    /// What is to be encrypted: the cipher does not do so in place.
    plain: Vec<u8>,
}

struct Mac {
    key: [u8; Aes128CmSha1_80::HMAC_KEY_LEN],
    sha1: &'static dyn Sha1HmacProvider,
}

impl Srtp {
    /// None for a profile that the library does not offer either.
    pub fn new(crypto: &CryptoProvider, keys: &Keys) -> Option<Self> {
        let suite = |client: bool, report: bool, encrypt: bool| Suite::new(crypto, keys, client, report, encrypt);
        Some(Srtp {
            out: suite(keys.client, false, true)?,
            reports_out: suite(keys.client, true, true)?,
            reports_in: suite(!keys.client, true, false)?,
            packets_in: suite(!keys.client, false, false)?,
            looked_at: Vec::new(),
            index: FIRST_INDEX,
        })
    }

    /// Encrypts the packet that begins at `start` of `wire` and ends where that ends; `header`: bytes of it that stay readable. `seq`: its
    /// number, continued beyond 16 bits. False: the cipher failed, and the packet is gone.
    #[must_use]
    pub fn seal(&mut self, wire: &mut Vec<u8>, (start, header): (usize, usize), ssrc: u32, seq: u64) -> bool {
        let sealed = match &mut self.out {
            Suite::Gcm(gcm) => {
                let iv = AeadAes128Gcm::rtp_iv(gcm.salt, ssrc, (seq >> 16) as u32, seq as u16);
                gcm.seal(wire, start, header, iv)
            }
            Suite::Counter(counter) => counter.seal(wire, start, header, &Aes128CmSha1_80::rtp_iv(counter.salt, ssrc, seq), seq),
        };
        if sealed.is_none() {
            wire.truncate(start);
        }
        sealed.is_some()
    }

    /// The same for a report of ours. Its source is the one in its first eight bytes.
    #[must_use]
    pub fn seal_report(&mut self, wire: &mut Vec<u8>, start: usize) -> bool {
        let index = self.index;
        self.index = (self.index + 1) & !ENCRYPTED;
        let sealed = match &mut self.reports_out {
            Suite::Gcm(gcm) => gcm.seal_report(wire, start, index),
            Suite::Counter(counter) => counter.seal_report(wire, start, index),
        };
        if sealed.is_none() {
            wire.truncate(start);
        }
        sealed.is_some()
    }

    /// Whether the client has signed this packet, of which `header` bytes are readable. `turn`: how many times its source has been through
    /// all 65,536 numbers.
    pub fn is_signed(&mut self, packet: &[u8], header: usize, turn: u32) -> bool {
        match &self.packets_in {
            Suite::Gcm(gcm) => gcm.is_signed(packet, header, turn, &mut self.looked_at).is_some(),
            Suite::Counter(counter) => counter.is_signed(packet, turn).is_some(),
        }
    }

    /// Makes the client's report readable in `report`, and says whose it is and its number; none if it is not signed by the client, or not
    /// encrypted.
    pub fn open_report(&mut self, sealed: &[u8], report: &mut Vec<u8>) -> Option<(u32, u32)> {
        let signed = match &self.reports_in {
            Suite::Gcm(_) => sealed,
            Suite::Counter(counter) => counter.signed_part(sealed)?,
        };
        let (rest, tail) = signed.split_last_chunk::<INDEX>()?;
        let number = u32::from_be_bytes(*tail);
        let (head, body) = rest.split_at_checked(RTCP_HEAD).filter(|_| number & ENCRYPTED != 0)?;
        let (ssrc, index) = (source_of(head)?, number & !ENCRYPTED);
        report.clear();
        report.extend_from_slice(head);
        match &mut self.reports_in {
            Suite::Gcm(gcm) => {
                report.extend_from_slice(body);
                let iv = AeadAes128Gcm::rtcp_iv(gcm.salt, ssrc, index);
                let open = gcm.key.open_in_place(
                    Nonce::assume_unique_for_key(iv),
                    report_aad(head, *tail),
                    report.get_mut(RTCP_HEAD..)?,
                );
                let length = open.ok()?.len();
                report.truncate(RTCP_HEAD + length);
            }
            Suite::Counter(counter) => {
                report.resize(RTCP_HEAD + body.len() + BLOCK, 0);
                let iv = Aes128CmSha1_80::rtp_iv(counter.salt, ssrc, u64::from(index));
                counter.cipher.decrypt(&iv, body, report.get_mut(RTCP_HEAD..)?).ok()?;
                report.truncate(rest.len());
            }
        }
        Some((ssrc, index))
    }
}

impl Gcm {
    fn new(algorithm: &'static Algorithm, key: &[u8], salt: [u8; GCM_SALT]) -> Option<Self> {
        Some(Gcm { key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?), salt })
    }

    fn seal(&self, wire: &mut Vec<u8>, start: usize, header: usize, iv: [u8; 12]) -> Option<()> {
        let (header, payload) = wire.get_mut(start..)?.split_at_mut_checked(header)?;
        let tag = self.key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::from(&*header), payload).ok()?;
        wire.extend_from_slice(tag.as_ref());
        Some(())
    }

    fn is_signed(&self, packet: &[u8], header: usize, turn: u32, room: &mut Vec<u8>) -> Option<()> {
        let (header, payload) = packet.split_at_checked(header)?;
        let seq = header.get(2..4)?.try_into().ok().map(u16::from_be_bytes)?;
        let ssrc = header.get(8..12)?.try_into().ok().map(u32::from_be_bytes)?;
        room.clear();
        room.extend_from_slice(payload);
        let nonce = Nonce::assume_unique_for_key(AeadAes128Gcm::rtp_iv(self.salt, ssrc, turn, seq));
        self.key.open_in_place(nonce, Aad::from(header), room).ok().map(drop)
    }

    fn seal_report(&self, wire: &mut Vec<u8>, start: usize, index: u32) -> Option<()> {
        let (head, body) = wire.get_mut(start..)?.split_at_mut_checked(RTCP_HEAD)?;
        let tail = (ENCRYPTED | index).to_be_bytes();
        let nonce = Nonce::assume_unique_for_key(AeadAes128Gcm::rtcp_iv(self.salt, source_of(head)?, index));
        let tag = self.key.seal_in_place_separate_tag(nonce, report_aad(head, tail), body).ok()?;
        wire.extend_from_slice(tag.as_ref());
        wire.extend_from_slice(&tail);
        Some(())
    }
}

impl Counter {
    fn seal(&mut self, wire: &mut Vec<u8>, start: usize, header: usize, iv: &[u8; 16], seq: u64) -> Option<()> {
        self.encrypt(wire, start + header, iv)?;
        let length = wire.len() - start;
        wire.resize(wire.len() + Aes128CmSha1_80::HMAC_TAG_LEN, 0);
        let sha1 = |key: &[u8], parts: &[&[u8]]| self.mac.sha1.sha1_hmac(key, parts);
        Aes128CmSha1_80::rtp_hmac(sha1, &self.mac.key, wire.get_mut(start..)?, seq, length);
        Some(())
    }

    fn seal_report(&mut self, wire: &mut Vec<u8>, start: usize, index: u32) -> Option<()> {
        let ssrc = source_of(wire.get(start..)?)?;
        let iv = Aes128CmSha1_80::rtp_iv(self.salt, ssrc, u64::from(index));
        self.encrypt(wire, start + RTCP_HEAD, &iv)?;
        wire.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
        let length = wire.len() - start;
        wire.resize(wire.len() + Aes128CmSha1_80::HMAC_TAG_LEN, 0);
        let sha1 = |key: &[u8], parts: &[&[u8]]| self.mac.sha1.sha1_hmac(key, parts);
        Aes128CmSha1_80::rtcp_hmac(sha1, &self.mac.key, wire.get_mut(start..)?, length);
        Some(())
    }

    /// All from `start` on.
    fn encrypt(&mut self, wire: &mut Vec<u8>, start: usize, iv: &[u8; 16]) -> Option<()> {
        let end = wire.len();
        self.plain.clear();
        self.plain.extend_from_slice(wire.get(start..)?);
        wire.resize(end + BLOCK, 0);
        self.cipher.encrypt(iv, &self.plain, wire.get_mut(start..)?).ok()?;
        wire.truncate(end);
        Some(())
    }

    fn is_signed(&self, packet: &[u8], turn: u32) -> Option<()> {
        let (signed, signature) = packet.split_at_checked(packet.len().checked_sub(Aes128CmSha1_80::HMAC_TAG_LEN)?)?;
        let sha1 = |key: &[u8], parts: &[&[u8]]| self.mac.sha1.sha1_hmac(key, parts);
        Aes128CmSha1_80::rtp_verify(sha1, &self.mac.key, signed, u64::from(turn) << 16, signature).then_some(())
    }

    /// A report without its signature, if that is the client's.
    fn signed_part<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (signed, signature) = sealed.split_at_checked(sealed.len().checked_sub(Aes128CmSha1_80::HMAC_TAG_LEN)?)?;
        let sha1 = |key: &[u8], parts: &[&[u8]]| self.mac.sha1.sha1_hmac(key, parts);
        Aes128CmSha1_80::rtcp_verify(sha1, &self.mac.key, signed, signature).then_some(signed)
    }
}

/// What is signed of a report and not encrypted (RFC 7714, section 9.2).
fn report_aad(head: &[u8], tail: [u8; INDEX]) -> Aad<[u8; RTCP_HEAD + INDEX]> {
    let mut aad = [0; RTCP_HEAD + INDEX];
    aad.iter_mut().zip(head.iter().chain(&tail)).for_each(|(to, from)| *to = *from);
    Aad::from(aad)
}

impl Suite {
    fn new(crypto: &CryptoProvider, keys: &Keys, client: bool, report: bool, encrypt: bool) -> Option<Self> {
        let srtp = crypto.srtp_provider;
        let first = if report { RTCP } else { 0 };
        Some(match keys.profile {
            SrtpProfile::AEAD_AES_128_GCM => {
                let master = Master::<{ AeadAes128Gcm::KEY_LEN }>::of(keys, client, GCM_SALT)?;
                let key: [u8; AeadAes128Gcm::KEY_LEN] = master.derive(srtp, first + KEY);
                Suite::Gcm(Gcm::new(&AES_128_GCM, &key, master.derive(srtp, first + SALT))?)
            }
            SrtpProfile::AEAD_AES_256_GCM => {
                let master = Master::<{ AeadAes256Gcm::KEY_LEN }>::of(keys, client, GCM_SALT)?;
                let key: [u8; AeadAes256Gcm::KEY_LEN] = master.derive(srtp, first + KEY);
                Suite::Gcm(Gcm::new(&AES_256_GCM, &key, master.derive(srtp, first + SALT))?)
            }
            SrtpProfile::AES128_CM_SHA1_80 => {
                let master = Master::<{ Aes128CmSha1_80::KEY_LEN }>::of(keys, client, Aes128CmSha1_80::SALT_LEN)?;
                let cipher = srtp.aes_128_cm_sha1_80().create_cipher(master.derive(srtp, first + KEY), encrypt);
                let mac = Mac { key: master.derive(srtp, first + AUTHENTICATION), sha1: crypto.sha1_hmac_provider };
                Suite::Counter(Counter { cipher, salt: master.derive(srtp, first + SALT), mac, plain: Vec::new() })
            }
            _ => return None,
        })
    }
}

/// A key of `K` bytes from which others are derived, and the beginning of the block that they come of.
struct Master<const K: usize> {
    key: [u8; K],
    block: [u8; 16],
}

impl<const K: usize> Master<K> {
    /// Of one end of the transport.
    fn of(keys: &Keys, client: bool, salt: usize) -> Option<Self> {
        let (ours, theirs) = keys.material.split_at_checked(2 * K)?;
        let nth = usize::from(!client);
        let key = ours.get(nth * K..)?.first_chunk::<K>()?;
        let mut block = [0; 16];
        block.get_mut(..salt)?.copy_from_slice(theirs.get(nth * salt..(nth + 1) * salt)?);
        Some(Master { key: *key, block })
    }

    /// RFC 3711, section 4.3.3; with longer keys RFC 6188, section 2.
    fn derive<const N: usize>(&self, srtp: &dyn SrtpProvider, label: u8) -> [u8; N] {
        let mut derived = [0; N];
        for (round, chunk) in (0_u16..).zip(derived.chunks_mut(16)) {
            let (mut block, mut output) = (self.block, [0; 32]);
            block[7] ^= label;
            block[14..].copy_from_slice(&round.to_be_bytes());
            if K == 16 {
                srtp.srtp_aes_128_ecb_round(&self.key, &block, &mut output);
            } else {
                srtp.srtp_aes_256_ecb_round(&self.key, &block, &mut output);
            }
            chunk.iter_mut().zip(output).for_each(|(to, from)| *to = from);
        }
        derived
    }
}

impl<const K: usize> Drop for Master<K> {
    fn drop(&mut self) {
        self.key.zeroize();
        self.block.zeroize();
    }
}

impl Drop for Mac {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

fn source_of(head: &[u8]) -> Option<u32> {
    head.get(4..8)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests;
