//! Which certificate a connection gets. Swapping it disturbs no connection that is open.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_acme::{ResolvesServerCertAcme, is_tls_alpn_challenge};

/// The certificate in use, and the one of the domain if there is one.
#[derive(Debug)]
pub struct Resolver {
    current: RwLock<Arc<CertifiedKey>>,
    domain: Option<Domain>,
}

/// A public name whose certificate comes by ACME.
#[derive(Debug)]
pub struct Domain {
    /// The name, in lower case.
    pub name: String,
    /// What has its certificate, and answers challenges (RFC 8737).
    pub acme: Arc<ResolvesServerCertAcme>,
}

impl Resolver {
    /// Begins with this certificate.
    pub fn new(first: CertifiedKey, domain: Option<Domain>) -> Self {
        Self { current: RwLock::new(Arc::new(first)), domain }
    }

    /// Whether there is a domain, whose ACME service may ask for a challenge.
    pub fn has_domain(&self) -> bool {
        self.domain.is_some()
    }

    /// New connections get this certificate from now on.
    pub fn swap(&self, next: CertifiedKey) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    /// The certificate for names other than the domain.
    pub fn current(&self) -> Arc<CertifiedKey> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let challenge = is_tls_alpn_challenge(&hello);
        match &self.domain {
            Some(domain) if challenge => domain.acme.resolve(hello),
            // Until the domain's certificate has come, ours at least lets the owner look.
            Some(domain) if hello.server_name() == Some(&domain.name) => {
                domain.acme.resolve(hello).or_else(|| Some(self.current()))
            }
            _ if challenge => None,
            _ => Some(self.current()),
        }
    }
}
