//! Certificates and keys as PEM text, read and looked into.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rcgen::KeyPair;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::names::Names;

/// A certificate chain with its key, ready for use, and when it holds.
#[derive(Debug)]
pub struct Certified {
    /// What rustls serves.
    pub key: CertifiedKey,
    /// When it holds.
    pub span: Span,
}

/// The time that a certificate holds, in seconds since 1970 UTC, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first second.
    pub begins: i64,
    /// The last second.
    pub ends: i64,
}

impl Span {
    /// Whether it holds at this second.
    pub fn holds(self, now: i64) -> bool {
        (self.begins..=self.ends).contains(&now)
    }

    /// Whether a third of its life or less is left: time to renew.
    pub fn is_old(self, now: i64) -> bool {
        now >= self.ends - (self.ends - self.begins) / 3
    }
}

/// Reads a chain (leaf first) and the leaf's key, and checks that they belong together.
///
/// # Errors
/// A part of a sentence that says what is wrong with them.
pub fn certified(chain: &str, key: &str) -> Result<Certified, String> {
    let chain = certificates(chain)?;
    let span = with_parsed(&chain[0], span_of)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| "there is no private key in it".to_owned())?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "the key is not the one of the certificate".to_owned(),
        other => format!("the key cannot be used: {other}"),
    })?;
    Ok(Certified { key, span })
}

/// The certificates of a text, at least one.
///
/// # Errors
/// When there is none or one is broken.
pub fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err("there is no certificate in it".to_owned()),
        Err(_) => Err("it is not PEM text".to_owned()),
    }
}

/// The private key of a text, for issuing.
///
/// # Errors
/// When there is none or it cannot be used.
pub fn key_pair(text: &str) -> Result<KeyPair, String> {
    let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| "there is no private key in it".to_owned())?;
    KeyPair::try_from(&der).map_err(|_| "its private key is broken".to_owned())
}

/// Parses a certificate and looks into it.
///
/// # Errors
/// When it is broken.
pub fn with_parsed<T>(der: &[u8], look: impl FnOnce(&X509Certificate<'_>) -> T) -> Result<T, String> {
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) => Ok(look(&certificate)),
        Err(_) => Err("the certificate is broken".to_owned()),
    }
}

/// Whether each certificate of a chain was signed by the next.
///
/// # Errors
/// Which one was not, counted from 1.
pub fn check_chain(chain: &[CertificateDer<'_>]) -> Result<(), String> {
    for (index, pair) in chain.windows(2).enumerate() {
        let signed = with_parsed(&pair[1], |signer| {
            with_parsed(&pair[0], |leaf| leaf.verify_signature(Some(signer.public_key())).is_ok())
        });
        if !signed?? {
            return Err(format!("certificate {} of the chain was not signed by the next", index + 1));
        }
    }
    Ok(())
}

/// When the certificate holds.
pub fn span_of(certificate: &X509Certificate<'_>) -> Span {
    let validity = certificate.validity();
    Span { begins: validity.not_before.timestamp(), ends: validity.not_after.timestamp() }
}

/// The names it was issued for.
pub fn names_of(certificate: &X509Certificate<'_>) -> Names {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let mut names = Names::default();
    for name in alternative.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => drop(names.dns.insert(name.to_ascii_lowercase())),
            GeneralName::IPAddress(bytes) => names.ips.extend(ip_of(bytes)),
            _ => {}
        }
    }
    names
}

/// The DNS names that an authority may vouch for.
pub fn permitted_dns(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let constraints = certificate.name_constraints().ok().flatten();
    let permitted = constraints.and_then(|extension| extension.value.permitted_subtrees.as_ref());
    let names = permitted.into_iter().flatten().filter_map(|subtree| match &subtree.base {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

fn ip_of(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_of_life_left_is_old() {
        let span = Span { begins: 0, ends: 300 };
        assert!(!span.is_old(199));
        assert!(span.is_old(200));
        assert!(span.holds(0) && span.holds(300) && !span.holds(301) && !span.holds(-1));
    }

    #[test]
    fn broken_texts_are_refused_in_words() {
        for text in
            ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n!"]
        {
            assert!(certified(text, text).is_err(), "{text:?}");
        }
    }
}
