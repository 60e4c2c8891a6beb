//! Kennel's own certificate authority. Its name constraints are critical (RFC 5280 section 4.2.1.10), so that even whoever steals its
//! key cannot vouch for anything on the internet to a phone that trusts it.

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use super::names::Names;
use super::pem::{self, Span};
use super::{Authority, CLOCK_FLOOR, DAY};
use crate::keyring::random::{from_system, hex};

/// How long the authority lives: longer than the phones that trust it.
const AUTHORITY_LIFE: i64 = 10 * 365 * DAY;

/// How long a leaf lives: browsers refuse more than 398 days.
const LEAF_LIFE: i64 = 397 * DAY;

/// Certificates begin a day early, because phones' clocks may be late.
const EARLY: i64 = DAY;

/// The addresses that it may vouch for: private, loopback, link-local, shared (RFC 1918, 6598, 3927, 4193, 4291).
const RANGES: [(&str, u8); 9] = [
    ("10.0.0.0", 8),
    ("172.16.0.0", 12),
    ("192.168.0.0", 16),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("100.64.0.0", 10),
    ("fc00::", 7),
    ("fe80::", 10),
    ("::1", 128),
];

/// The authority with its key: what can issue certificates.
pub struct Signer {
    /// The public part.
    pub authority: Authority,
    /// When the authority's own certificate holds.
    pub span: Span,
    /// The DNS names that it may vouch for, with those below them.
    pub permitted: std::collections::BTreeSet<String>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate fresh from the authority, as PEM text.
#[derive(Debug)]
pub struct Issued {
    /// The leaf, then the authority, for clients that show the chain.
    pub chain: String,
    /// The leaf's key.
    pub key: String,
}

impl Signer {
    /// Makes a new authority for a machine of this name, and the text to keep: its certificate and its key.
    ///
    /// # Errors
    /// The cryptographic library's.
    pub fn make(host: Option<&str>, now: i64) -> Result<(Self, String), String> {
        let key = KeyPair::generate().map_err(in_words)?;
        let params = authority_params(host, beginning(now))?;
        let certificate = params.self_signed(&key).map_err(in_words)?;
        let text = format!("{}{}", certificate.pem(), key.serialize_pem());
        Ok((Self::parse(&text)?, text))
    }

    /// Reads what [`Signer::make`] gave to keep.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let der = pem::certificates(text)?.swap_remove(0);
        let key = pem::key_pair(text)?;
        let (span, permitted, spki) = pem::with_parsed(&der, |certificate| {
            let spki = certificate.public_key().subject_public_key.data.to_vec();
            (pem::span_of(certificate), pem::permitted_dns(certificate), spki)
        })?;
        if spki != key.public_key_raw() {
            return Err("its key is not the one of its certificate".to_owned());
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(in_words)?;
        Ok(Self { authority: public_part(&der), span, permitted, issuer })
    }

    /// Issues a server's certificate, under the key given or a new one.
    ///
    /// # Errors
    /// The cryptographic library's.
    pub fn issue(&self, names: &Names, key: Option<KeyPair>, now: i64) -> Result<Issued, String> {
        self.issue_from(names, key, beginning(now))
    }

    /// The same, with the first second that it holds.
    pub(super) fn issue_from(&self, names: &Names, key: Option<KeyPair>, begins: i64) -> Result<Issued, String> {
        let key = match key {
            Some(key) => key,
            None => KeyPair::generate().map_err(in_words)?,
        };
        let leaf = leaf_params(names, begins)?.signed_by(&key, &self.issuer).map_err(in_words)?;
        Ok(Issued { chain: format!("{}{}", leaf.pem(), self.authority.pem), key: key.serialize_pem() })
    }

    /// Whether this authority signed that certificate.
    pub fn signed(&self, leaf: &CertificateDer<'_>) -> bool {
        let verified = pem::with_parsed(&self.authority.der, |authority| {
            pem::with_parsed(leaf, |leaf| leaf.verify_signature(Some(authority.public_key())).is_ok())
        });
        matches!(verified, Ok(Ok(true)))
    }
}

fn public_part(der: &CertificateDer<'_>) -> Authority {
    let bytes = digest(&SHA256, der);
    let sha256: Vec<String> = bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    Authority { pem: spell_pem(der), der: der.to_vec(), sha256: sha256.join(":") }
}

/// PEM with lines of 64 characters (RFC 7468).
fn spell_pem(der: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

fn authority_params(host: Option<&str>, begins: i64) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    // Two authorities of one name would confuse the stores of phones that met both.
    let name = format!("Kennel {} {}", host.unwrap_or("server"), hex(6, &from_system));
    params.distinguished_name = common_name(&name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let dns = ["local", "localhost"].into_iter().chain(host).map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let ranges = RANGES.iter().filter_map(|(address, bits)| {
        let address: IpAddr = address.parse().ok()?;
        Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, *bits)))
    });
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: dns.chain(ranges).collect(), excluded_subtrees: vec![] });
    lasting(params, begins, AUTHORITY_LIFE)
}

fn leaf_params(names: &Names, begins: i64) -> Result<CertificateParams, String> {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("Kennel");
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in &names.dns {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().map_err(in_words)?));
    }
    params.subject_alt_names.extend(names.ips.iter().copied().map(SanType::IpAddress));
    lasting(params, begins, LEAF_LIFE)
}

/// When a certificate made now begins.
fn beginning(now: i64) -> i64 {
    now.max(CLOCK_FLOOR) - EARLY
}

/// Sets the life and a random serial number: the same key is certified again and again, and browsers refuse a serial that they have
/// seen under another certificate of the same issuer.
fn lasting(mut params: CertificateParams, begins: i64, life: i64) -> Result<CertificateParams, String> {
    params.not_before = OffsetDateTime::from_unix_timestamp(begins).map_err(|error| error.to_string())?;
    params.not_after = OffsetDateTime::from_unix_timestamp(begins + life - 1).map_err(|error| error.to_string())?;
    let mut serial = [0; 16];
    from_system(&mut serial);
    // A positive number without leading zeros, as DER wants it.
    serial[0] = serial[0] & 0x3f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn in_words(error: rcgen::Error) -> String {
    error.to_string()
}
