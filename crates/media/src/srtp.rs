//! What is encrypted past the library: packets to a client, our reports on them, and the client's reports (RFC 3711, RFC 7714).
//!
//! Keys are the transport's, shared with the library. No two packets may be encrypted with the same key and the same initial vector; the
//! vector contains the source, so a source belongs to one of the two, for good.

use str0m::config::CryptoProvider;
use str0m::crypto::dtls::SrtpProfile;
use str0m::crypto::{
    AeadAes128Gcm, AeadAes128GcmCipher, AeadAes256Gcm, AeadAes256GcmCipher, Aes128CmSha1_80, Aes128CmSha1_80Cipher,
    Sha1HmacProvider, SrtpProvider,
};

use crate::keys::Keys;

/// A cipher in counter mode writes up to so many bytes beyond what it encrypts.
const BLOCK: usize = 15;

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
    /// The next report's number.
    index: u32,
}

/// One direction of one protocol.
enum Suite {
    Gcm128 { cipher: Box<dyn AeadAes128GcmCipher>, salt: [u8; AeadAes128Gcm::SALT_LEN] },
    Gcm256 { cipher: Box<dyn AeadAes256GcmCipher>, salt: [u8; AeadAes256Gcm::SALT_LEN] },
    Counter { cipher: Box<dyn Aes128CmSha1_80Cipher>, salt: [u8; Aes128CmSha1_80::SALT_LEN], mac: Mac },
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
            index: FIRST_INDEX,
        })
    }

    /// A packet with this header, encrypted. `seq`: its number, continued beyond 16 bits. None: the cipher failed.
    pub fn seal(&mut self, header: &[u8], payload: &[u8], ssrc: u32, seq: u64) -> Option<Vec<u8>> {
        let length = header.len() + payload.len();
        let mut sealed = Vec::with_capacity(length + BLOCK.max(AeadAes256Gcm::TAG_LEN));
        sealed.extend_from_slice(header);
        let rollovers = (seq >> 16) as u32;
        match &mut self.out {
            Suite::Gcm128 { cipher, salt } => {
                sealed.resize(length + AeadAes128Gcm::TAG_LEN, 0);
                let iv = AeadAes128Gcm::rtp_iv(*salt, ssrc, rollovers, seq as u16);
                cipher.encrypt(&iv, header, payload, sealed.get_mut(header.len()..)?).ok()?;
            }
            Suite::Gcm256 { cipher, salt } => {
                sealed.resize(length + AeadAes256Gcm::TAG_LEN, 0);
                let iv = AeadAes256Gcm::rtp_iv(*salt, ssrc, rollovers, seq as u16);
                cipher.encrypt(&iv, header, payload, sealed.get_mut(header.len()..)?).ok()?;
            }
            Suite::Counter { cipher, salt, mac } => {
                sealed.resize(length + BLOCK, 0);
                let iv = Aes128CmSha1_80::rtp_iv(*salt, ssrc, seq);
                cipher.encrypt(&iv, payload, sealed.get_mut(header.len()..)?).ok()?;
                let sha1 = |key: &[u8], parts: &[&[u8]]| mac.sha1.sha1_hmac(key, parts);
                Aes128CmSha1_80::rtp_hmac(sha1, &mac.key, &mut sealed, seq, length);
                sealed.truncate(length + Aes128CmSha1_80::HMAC_TAG_LEN);
            }
        }
        Some(sealed)
    }

    /// A report of ours, encrypted. Its source is the one in its first eight bytes.
    pub fn seal_report(&mut self, report: &[u8]) -> Option<Vec<u8>> {
        let (head, body) = report.split_at_checked(RTCP_HEAD)?;
        let index = self.index;
        self.index = (self.index + 1) & !ENCRYPTED;
        let tail = (ENCRYPTED | index).to_be_bytes();
        let aad = [head, &tail].concat();
        let ssrc = source_of(head)?;
        let mut sealed = head.to_vec();
        match &mut self.reports_out {
            Suite::Gcm128 { cipher, salt } => {
                sealed.resize(report.len() + AeadAes128Gcm::TAG_LEN, 0);
                let iv = AeadAes128Gcm::rtcp_iv(*salt, ssrc, index);
                cipher.encrypt(&iv, &aad, body, sealed.get_mut(RTCP_HEAD..)?).ok()?;
                sealed.extend_from_slice(&tail);
            }
            Suite::Gcm256 { cipher, salt } => {
                sealed.resize(report.len() + AeadAes256Gcm::TAG_LEN, 0);
                let iv = AeadAes256Gcm::rtcp_iv(*salt, ssrc, index);
                cipher.encrypt(&iv, &aad, body, sealed.get_mut(RTCP_HEAD..)?).ok()?;
                sealed.extend_from_slice(&tail);
            }
            Suite::Counter { cipher, salt, mac } => {
                sealed.resize(report.len() + BLOCK, 0);
                let iv = Aes128CmSha1_80::rtp_iv(*salt, ssrc, u64::from(index));
                cipher.encrypt(&iv, body, sealed.get_mut(RTCP_HEAD..)?).ok()?;
                sealed.truncate(report.len());
                sealed.extend_from_slice(&tail);
                let signed = sealed.len();
                sealed.resize(signed + Aes128CmSha1_80::HMAC_TAG_LEN, 0);
                let sha1 = |key: &[u8], parts: &[&[u8]]| mac.sha1.sha1_hmac(key, parts);
                Aes128CmSha1_80::rtcp_hmac(sha1, &mac.key, &mut sealed, signed);
            }
        }
        Some(sealed)
    }

    /// Makes the client's report readable in `report`, and says whose it is and its number; none if it is not signed by the client, or not
    /// encrypted.
    pub fn open_report(&mut self, sealed: &[u8], report: &mut Vec<u8>) -> Option<(u32, u32)> {
        let signature = if let Suite::Counter { mac, .. } = &self.reports_in {
            let (signed, signature) = sealed.split_at_checked(sealed.len().checked_sub(Aes128CmSha1_80::HMAC_TAG_LEN)?)?;
            let sha1 = |key: &[u8], parts: &[&[u8]]| mac.sha1.sha1_hmac(key, parts);
            Aes128CmSha1_80::rtcp_verify(sha1, &mac.key, signed, signature).then_some(signature.len())?
        } else {
            0
        };
        let (rest, tail) = sealed.get(..sealed.len() - signature)?.split_last_chunk::<INDEX>()?;
        let number = u32::from_be_bytes(*tail);
        let (head, body) = rest.split_at_checked(RTCP_HEAD).filter(|_| number & ENCRYPTED != 0)?;
        let (ssrc, index) = (source_of(head)?, number & !ENCRYPTED);
        report.clear();
        report.extend_from_slice(head);
        report.resize(RTCP_HEAD + body.len() + BLOCK, 0);
        let open = report.get_mut(RTCP_HEAD..)?;
        let length = match &mut self.reports_in {
            Suite::Gcm128 { cipher, salt } => {
                (body.len() >= AeadAes128Gcm::TAG_LEN).then_some(())?;
                cipher.decrypt(&AeadAes128Gcm::rtcp_iv(*salt, ssrc, index), &[head, tail], body, open).ok()?
            }
            Suite::Gcm256 { cipher, salt } => {
                (body.len() >= AeadAes256Gcm::TAG_LEN).then_some(())?;
                cipher.decrypt(&AeadAes256Gcm::rtcp_iv(*salt, ssrc, index), &[head, tail], body, open).ok()?
            }
            Suite::Counter { cipher, salt, .. } => {
                cipher.decrypt(&Aes128CmSha1_80::rtp_iv(*salt, ssrc, u64::from(index)), body, open).ok()?;
                body.len()
            }
        };
        report.truncate(RTCP_HEAD + length);
        Some((ssrc, index))
    }
}

impl Suite {
    fn new(crypto: &CryptoProvider, keys: &Keys, client: bool, report: bool, encrypt: bool) -> Option<Self> {
        let srtp = crypto.srtp_provider;
        let first = if report { RTCP } else { 0 };
        Some(match keys.profile {
            SrtpProfile::AEAD_AES_128_GCM => {
                let master = Master::<{ AeadAes128Gcm::KEY_LEN }>::of(keys, client, AeadAes128Gcm::SALT_LEN)?;
                let cipher = srtp.aead_aes_128_gcm().create_cipher(master.derive(srtp, first + KEY), encrypt);
                Suite::Gcm128 { cipher, salt: master.derive(srtp, first + SALT) }
            }
            SrtpProfile::AEAD_AES_256_GCM => {
                let master = Master::<{ AeadAes256Gcm::KEY_LEN }>::of(keys, client, AeadAes256Gcm::SALT_LEN)?;
                let cipher = srtp.aead_aes_256_gcm().create_cipher(master.derive(srtp, first + KEY), encrypt);
                Suite::Gcm256 { cipher, salt: master.derive(srtp, first + SALT) }
            }
            SrtpProfile::AES128_CM_SHA1_80 => {
                let master = Master::<{ Aes128CmSha1_80::KEY_LEN }>::of(keys, client, Aes128CmSha1_80::SALT_LEN)?;
                let cipher = srtp.aes_128_cm_sha1_80().create_cipher(master.derive(srtp, first + KEY), encrypt);
                let mac = Mac { key: master.derive(srtp, first + AUTHENTICATION), sha1: crypto.sha1_hmac_provider };
                Suite::Counter { cipher, salt: master.derive(srtp, first + SALT), mac }
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

fn source_of(head: &[u8]) -> Option<u32> {
    head.get(4..8)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests;
