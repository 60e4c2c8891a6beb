//! ACME against a small service of our own: the account, the order, the challenge on our real listener, the certificate.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertificateParams, CertificateSigningRequestParams, Issuer, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::authority::Signer;
use super::tests::names;
use super::*;
use crate::config::Acme;

const DOMAIN: &str = "kennel.example.org";
const TOKEN: &str = "a-token-of-the-challenge";

/// A client of TLS that takes every certificate, as the service does when it looks at a challenge.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that the listener at `address` shows for this name and protocol.
async fn shown(address: SocketAddr, name: &str, alpn: &str) -> Result<CertificateDer<'static>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let mut config = builder.dangerous().with_custom_certificate_verifier(Arc::new(Anything)).with_no_client_auth();
    config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).await.map_err(|problem| problem.to_string())?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|problem| problem.to_string())?;
    Ok(stream.get_ref().1.peer_certificates().expect("one")[0].clone().into_owned())
}

/// The service. One account, one order.
struct Service {
    base: String,
    kennel: SocketAddr,
    issuer: Issuer<'static, KeyPair>,
    account: Mutex<Option<Value>>,
    proved: Mutex<bool>,
    issued: Mutex<Option<String>>,
    contact: Mutex<Value>,
}

impl Service {
    async fn answer(&self, path: &str, body: &[u8]) -> Response {
        let url = |path: &str| format!("{}{path}", self.base);
        if path == "/directory" {
            let directory = json!({ "newNonce": url("/nonce"), "newAccount": url("/account"), "newOrder": url("/orders") });
            return Json(directory).into_response();
        }
        if path == "/nonce" {
            return StatusCode::OK.into_response();
        }
        let Some(payload) = self.open(body) else { return StatusCode::UNAUTHORIZED.into_response() };
        match path {
            "/account" => {
                *self.contact.lock().expect("whole") = payload["contact"].clone();
                ([(header::LOCATION, url("/account/1"))], Json(json!({ "status": "valid" }))).into_response()
            }
            "/orders" => {
                assert_eq!(payload["identifiers"], json!([{ "type": "dns", "value": DOMAIN }]));
                ([(header::LOCATION, url("/order/1"))], Json(self.order())).into_response()
            }
            "/order/1" => Json(self.order()).into_response(),
            "/authorization/1" => Json(self.authorization()).into_response(),
            "/challenge/1" => {
                self.look_at_challenge().await;
                Json(json!({})).into_response()
            }
            "/finalize/1" => {
                self.issue(&payload);
                Json(self.order()).into_response()
            }
            "/certificate/1" => self.issued.lock().expect("whole").clone().expect("issued").into_response(),
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    /// Checks the request's signature (RFC 7515) by the account's key and gives its payload.
    fn open(&self, body: &[u8]) -> Option<Value> {
        let decode = |text: &Value| BASE64_URL_SAFE_NO_PAD.decode(text.as_str()?).ok();
        let jws: Value = serde_json::from_slice(body).ok()?;
        let protected: Value = serde_json::from_slice(&decode(&jws["protected"])?).ok()?;
        let mut account = self.account.lock().expect("whole");
        let key = account.get_or_insert_with(|| protected["jwk"].clone());
        let point = [vec![4], decode(&key["x"])?, decode(&key["y"])?].concat();
        let signed = format!("{}.{}", jws["protected"].as_str()?, jws["payload"].as_str()?);
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(signed.as_bytes(), &decode(&jws["signature"])?).ok()?;
        let payload = decode(&jws["payload"])?;
        Some(serde_json::from_slice(&payload).unwrap_or(Value::Null))
    }

    fn order(&self) -> Value {
        let proved = *self.proved.lock().expect("whole");
        let issued = self.issued.lock().expect("whole").is_some();
        let status = if issued {
            "valid"
        } else if proved {
            "ready"
        } else {
            "pending"
        };
        let url = |path: &str| format!("{}{path}", self.base);
        let mut order = json!({ "status": status, "authorizations": [url("/authorization/1")], "finalize": url("/finalize/1") });
        if issued {
            order["certificate"] = url("/certificate/1").into();
        }
        order
    }

    fn authorization(&self) -> Value {
        let status = if *self.proved.lock().expect("whole") { "valid" } else { "pending" };
        let challenge = json!({ "type": "tls-alpn-01", "url": format!("{}/challenge/1", self.base), "token": TOKEN });
        json!({ "status": status, "identifier": { "type": "dns", "value": DOMAIN }, "challenges": [challenge] })
    }

    /// RFC 8737 section 3: the certificate shown for `acme-tls/1` must hold the digest of token and account key.
    async fn look_at_challenge(&self) {
        let certificate = shown(self.kennel, DOMAIN, "acme-tls/1").await.expect("the challenge's certificate");
        let thumb = self.account.lock().expect("whole").clone().expect("an account");
        let thumb = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, thumb["x"], thumb["y"]);
        let thumb = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, thumb.as_bytes()));
        let expected = digest(&SHA256, format!("{TOKEN}.{thumb}").as_bytes());
        let found = pem::with_parsed(&certificate, |certificate| {
            let oid = x509_parser::oid_registry::asn1_rs::oid!(1.3.6.1.5.5.7.1.31);
            certificate.extensions().iter().find(|one| one.oid == oid && one.critical).map(|one| one.value[2..].to_vec())
        });
        assert_eq!(found, Ok(Some(expected.as_ref().to_vec())));
        *self.proved.lock().expect("whole") = true;
    }

    fn issue(&self, payload: &Value) {
        assert!(*self.proved.lock().expect("whole"), "nothing is issued before the proof");
        let csr = BASE64_URL_SAFE_NO_PAD.decode(payload["csr"].as_str().expect("a request")).expect("base64");
        let request = CertificateSigningRequestParams::from_der(&csr.into()).expect("a request");
        *self.issued.lock().expect("whole") = Some(request.signed_by(&self.issuer).expect("signed").pem());
    }
}

async fn handle(State(service): State<Arc<Service>>, uri: Uri, body: axum::body::Bytes) -> Response {
    let mut response = service.answer(uri.path(), &body).await;
    let nonce = HeaderMap::from_iter([(header::HeaderName::from_static("replay-nonce"), header::HeaderValue::from_static("n"))]);
    response.headers_mut().extend(nonce);
    response
}

/// Starts the service; its own certificate is trusted by the file that is returned in the settings.
async fn start_service(folder: &Path, kennel: SocketAddr) -> (Arc<Service>, Acme) {
    let signer = Signer::make(None, now()).expect("an authority").0;
    let ca = folder.join("acme-ca.pem");
    std::fs::write(&ca, &signer.authority.pem).expect("written");
    let issued = signer.issue(&names(&["localhost"], &[]), None, now()).expect("a certificate");
    let certified = pem::certified(&issued.chain, &issued.key).expect("it fits");
    let tls = TlsAcceptor::from(Arc::new(server_config(Arc::new(Resolver::new(certified.key, None))).expect("TLS")));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let authority = KeyPair::generate().expect("a key");
    let service = Arc::new(Service {
        base: base.clone(),
        kennel,
        issuer: Issuer::new(CertificateParams::default(), authority),
        account: Mutex::default(),
        proved: Mutex::default(),
        issued: Mutex::default(),
        contact: Mutex::default(),
    });
    let router = Router::new().fallback(handle).with_state(service.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, router) = (tls.clone(), router.clone());
            tokio::spawn(async move {
                let stream = tls.accept(stream).await.expect("a handshake");
                let served = hyper::server::conn::http1::Builder::new();
                let _ = served.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).await;
            });
        }
    });
    let acme = Acme { contact: Some("me@example.org".to_owned()), directory: Some(format!("{base}/directory")), ca: Some(ca) };
    (service, acme)
}

/// Takes connections with this TLS and ends them after the handshake.
fn accept_all(listener: TcpListener, tls: &Tls) {
    let acceptor = TlsAcceptor::from(tls.server.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Clients that are refused, or only look, end it their way.
            let _ = acceptor.accept(stream).await;
        }
    });
}

async fn issuer_shown(address: SocketAddr, name: &str) -> String {
    let certificate = shown(address, name, "http/1.1").await.expect("a certificate");
    pem::with_parsed(&certificate, |certificate| certificate.issuer().to_string()).expect("a certificate")
}

/// Returns once the listener shows the service's certificate for the domain.
async fn has_come(address: SocketAddr) {
    let coming = async {
        while !issuer_shown(address, DOMAIN).await.contains("rcgen") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), coming).await.expect("the certificate comes");
}

#[tokio::test]
async fn a_certificate_for_a_domain_comes_by_acme() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (service, acme) = start_service(folder.path(), address).await;
    let config = Config { data: folder.path().join("data"), domain: Some(DOMAIN.to_owned()), acme, ..Config::default() };
    let (stopper, shutdown) = crate::shutdown::channel();
    let (_sender, lan) = watch::channel(Lan::default());
    let tls = start(&config, lan.clone(), shutdown).expect("TLS");
    accept_all(listener, &tls);

    assert!(issuer_shown(address, DOMAIN).await.contains("Kennel"), "ours until the domain's has come");
    has_come(address).await;
    assert!(issuer_shown(address, "localhost").await.contains("Kennel"), "other names keep ours");
    assert!(shown(address, DOMAIN, "acme-tls/1").await.is_err(), "no challenge is open any more");
    assert_eq!(*service.contact.lock().expect("whole"), json!(["mailto:me@example.org"]));
    stopper.stop();

    // The next start has it at once, without the service.
    *service.account.lock().expect("whole") = Some(Value::Null);
    let kept = std::fs::read_dir(config.data.join("acme")).expect("kept").count();
    assert_eq!(kept, 2, "the account and the certificate");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stopper, shutdown) = crate::shutdown::channel();
    accept_all(listener, &start(&config, lan, shutdown).expect("TLS"));
    has_come(address).await;
    stopper.stop();
}

#[tokio::test]
async fn a_file_without_authorities_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, "nothing").expect("written");
    let acme = Acme { ca: Some(ca), ..Acme::default() };
    let refusal = acme::prepare(DOMAIN, &acme, folder.path()).expect_err("a refusal").to_string();
    assert!(refusal.starts_with("--acme-ca ") && refusal.contains("no certificate"), "{refusal}");
    assert!(acme::prepare(DOMAIN, &Acme::default(), folder.path()).is_ok());
}
