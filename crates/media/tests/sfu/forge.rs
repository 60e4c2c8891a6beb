//! A client that says any RTCP it likes, and signs it well: the last of its own that is encrypted is exchanged for it.

use std::sync::{Arc, LazyLock};

use str0m::config::CryptoProvider;
use str0m::crypto::{
    AeadAes128GcmCipher, AeadAes256GcmCipher, Aes128CmSha1_80Cipher, CryptoError, SrtpProvider, SupportedAeadAes128Gcm,
    SupportedAeadAes256Gcm, SupportedAes128CmSha1_80,
};

/// What follows this in feedback of the application's own is RTCP by itself.
pub const MARK: [u8; 16] = *b"what follows too";

/// For [`Join::crypto`](crate::client::Join::crypto).
pub fn crypto() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider { srtp_provider: &Forge, ..GENUINE.clone() })
}

static GENUINE: LazyLock<CryptoProvider> = LazyLock::new(str0m::crypto::from_feature_flags);

/// Cuts feedback short after the mark, so that the rest is read as RTCP.
fn forged(plain: &[u8]) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    let mark = bytes.windows(MARK.len()).position(|window| window == MARK);
    // The first packet of a datagram has its header where nothing is encrypted: then it stays what it is.
    if let Some(length) = mark.and_then(|mark| bytes.get_mut(mark.checked_sub(10)?..mark - 8)) {
        // In words less one (RFC 3550, section 6.4.1): two sources and the mark.
        length.copy_from_slice(&[0, 6]);
    }
    bytes
}

#[derive(Debug)]
struct Forge;

impl SrtpProvider for Forge {
    fn aes_128_cm_sha1_80(&self) -> &'static dyn SupportedAes128CmSha1_80 {
        &Forge
    }

    fn aead_aes_128_gcm(&self) -> &'static dyn SupportedAeadAes128Gcm {
        &Forge
    }

    fn aead_aes_256_gcm(&self) -> &'static dyn SupportedAeadAes256Gcm {
        &Forge
    }

    fn srtp_aes_128_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        GENUINE.srtp_provider.srtp_aes_128_ecb_round(key, input, output);
    }

    fn srtp_aes_256_ecb_round(&self, key: &[u8], input: &[u8], output: &mut [u8]) {
        GENUINE.srtp_provider.srtp_aes_256_ecb_round(key, input, output);
    }
}

#[derive(Debug)]
struct Forging<T: ?Sized>(Box<T>);

impl SupportedAes128CmSha1_80 for Forge {
    fn create_cipher(&self, key: [u8; 16], encrypt: bool) -> Box<dyn Aes128CmSha1_80Cipher> {
        Box::new(Forging(GENUINE.srtp_provider.aes_128_cm_sha1_80().create_cipher(key, encrypt)))
    }
}

impl SupportedAeadAes128Gcm for Forge {
    fn create_cipher(&self, key: [u8; 16], encrypt: bool) -> Box<dyn AeadAes128GcmCipher> {
        Box::new(Forging(GENUINE.srtp_provider.aead_aes_128_gcm().create_cipher(key, encrypt)))
    }
}

impl SupportedAeadAes256Gcm for Forge {
    fn create_cipher(&self, key: [u8; 32], encrypt: bool) -> Box<dyn AeadAes256GcmCipher> {
        Box::new(Forging(GENUINE.srtp_provider.aead_aes_256_gcm().create_cipher(key, encrypt)))
    }
}

impl Aes128CmSha1_80Cipher for Forging<dyn Aes128CmSha1_80Cipher> {
    fn encrypt(&mut self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.0.encrypt(iv, &forged(input), output)
    }

    fn decrypt(&mut self, iv: &[u8; 16], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.0.decrypt(iv, input, output)
    }
}

impl AeadAes128GcmCipher for Forging<dyn AeadAes128GcmCipher> {
    fn encrypt(&mut self, iv: &[u8; 12], aad: &[u8], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.0.encrypt(iv, aad, &forged(input), output)
    }

    fn decrypt(&mut self, iv: &[u8; 12], aads: &[&[u8]], input: &[u8], output: &mut [u8]) -> Result<usize, CryptoError> {
        self.0.decrypt(iv, aads, input, output)
    }
}

impl AeadAes256GcmCipher for Forging<dyn AeadAes256GcmCipher> {
    fn encrypt(&mut self, iv: &[u8; 12], aad: &[u8], input: &[u8], output: &mut [u8]) -> Result<(), CryptoError> {
        self.0.encrypt(iv, aad, &forged(input), output)
    }

    fn decrypt(&mut self, iv: &[u8; 12], aads: &[&[u8]], input: &[u8], output: &mut [u8]) -> Result<usize, CryptoError> {
        self.0.decrypt(iv, aads, input, output)
    }
}
