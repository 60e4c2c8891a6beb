//! TLS: Kennel's own certificate authority, own certificate files, and ACME for a domain.

/// Kennel's own certificate authority as the pages show it. Public data only; the key never leaves the data folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The certificate in PEM, as a person downloads it.
    pub pem: String,
    /// The same certificate in DER, as phones install it (`application/x-x509-ca-cert`).
    pub der: Vec<u8>,
    /// SHA-256 of `der` as `AB:CD:…`, the way phones show it.
    pub sha256: String,
}
