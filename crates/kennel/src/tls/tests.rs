//! The authority against real clients, and certificates over time.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::authority::Signer;
use super::names::Names;
use super::pem::{Certified, certified};
use super::*;
use crate::config::CertificateFiles;

/// A moment after the floor, in seconds since 1970 UTC.
const NOW: i64 = CLOCK_FLOOR + 100 * DAY;

pub(super) fn names(dns: &[&str], ips: &[&str]) -> Names {
    Names {
        dns: dns.iter().map(|name| (*name).to_owned()).collect(),
        ips: ips.iter().map(|ip| ip.parse().expect("an address")).collect(),
    }
}

fn lan(private: &[&str]) -> Lan {
    let private = private.iter().map(|ip| ip.parse().expect("an address")).collect();
    Lan { host: Some("attic".to_owned()), private, ..Lan::default() }
}

/// The real time, for handshakes: the client reads the clock.
fn signer() -> Signer {
    Signer::make(Some("attic"), now()).expect("an authority").0
}

fn issue(signer: &Signer, names: &Names) -> Certified {
    let issued = signer.issue(names, None, now()).expect("a certificate");
    certified(&issued.chain, &issued.key).expect("it fits")
}

fn client(authority: &[u8], alpn: &[&str]) -> ClientConfig {
    client_of(authority, alpn, rustls::ALL_VERSIONS)
}

fn client_of(authority: &[u8], alpn: &[&str], versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.to_vec().into()).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

type Pair = (client::TlsStream<DuplexStream>, server::TlsStream<DuplexStream>);

/// A whole handshake in memory. The error is the client's.
async fn handshake(server: &Arc<ServerConfig>, client: ClientConfig, name: &str) -> Result<Pair, String> {
    let (near, far) = duplex(64 * 1024);
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let accepting = TlsAcceptor::from(server.clone()).accept(far);
    let connecting = TlsConnector::from(Arc::new(client)).connect(name, near);
    let (connected, accepted) = tokio::join!(connecting, accepting);
    match (connected, accepted) {
        (Ok(client), Ok(server)) => Ok((client, server)),
        (Err(problem), _) | (_, Err(problem)) => Err(problem.to_string()),
    }
}

fn serving(certified: Certified) -> (Arc<Resolver>, Arc<ServerConfig>) {
    let resolver = Arc::new(Resolver::new(certified.key, None));
    let config = server_config(resolver.clone()).expect("a configuration");
    (resolver, Arc::new(config))
}

#[tokio::test]
async fn a_client_that_trusts_only_the_authority_connects_by_every_name() {
    let signer = signer();
    let wanted = Names::wanted(&lan(&["192.168.1.20", "fd00::5", "100.64.1.2", "169.254.7.7"]), None, &signer.permitted);
    let (_, server) = serving(issue(&signer, &wanted));
    for name in wanted.dns.iter().cloned().chain(wanted.ips.iter().map(ToString::to_string)) {
        let pair = handshake(&server, client(&signer.authority.der, &["h2", "http/1.1"]), &name).await;
        let (client, _) = pair.unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    }
    let stranger = handshake(&server, client(&signer.authority.der, &[]), "192.168.1.21").await;
    assert!(stranger.expect_err("another machine's address").contains("not valid for name"));
}

#[tokio::test]
async fn the_authority_cannot_vouch_for_the_internet() {
    let signer = signer();
    let cases = [
        ("example.com", names(&["example.com"], &[])),
        ("notlocal", names(&["notlocal"], &[])),
        ("8.8.8.8", names(&[], &["8.8.8.8"])),
    ];
    for (name, names) in cases {
        let (_, server) = serving(issue(&signer, &names));
        let refusal = handshake(&server, client(&signer.authority.der, &[]), name).await.expect_err(name);
        assert!(refusal.contains("NameConstraint") || refusal.contains("name constraint"), "{name}: {refusal}");
    }
    // One bad name spoils the whole certificate, or a thief would hide it among good ones.
    let (_, server) = serving(issue(&signer, &names(&["localhost", "example.com"], &[])));
    assert!(handshake(&server, client(&signer.authority.der, &[]), "localhost").await.is_err());
}

#[test]
fn openssl_agrees() {
    let folder = tempfile::tempdir().expect("a folder");
    let signer = signer();
    let verify = |names: &Names, hint: &[&str]| {
        let issued = signer.issue(names, None, now()).expect("a certificate");
        openssl_verify(folder.path(), &signer.authority.pem, &issued.chain, hint)
    };
    let good = names(&["localhost", "attic", "attic.local"], &["192.168.1.20", "10.0.0.1", "::1", "fd12::1"]);
    let Some((accepted, said)) = verify(&good, &["-verify_ip", "192.168.1.20"]) else {
        eprintln!("openssl is not installed here; this test looked at nothing");
        return;
    };
    assert!(accepted, "{said}");
    for bad in [names(&["example.com"], &[]), names(&[], &["8.8.8.8"]), names(&["local.example.com"], &[])] {
        let (accepted, said) = verify(&bad, &[]).expect("openssl is there");
        assert!(!accepted && said.contains("permitted subtree violation"), "{said}");
    }
    let text = openssl(folder.path(), &["x509", "-in", "authority.pem", "-noout", "-text"]).expect("openssl is there").1;
    for expected in [
        "X509v3 Name Constraints: critical",
        "X509v3 Basic Constraints: critical",
        "CA:TRUE, pathlen:0",
        "IP:FC00:0:0:0:0:0:0:0/FE00",
    ] {
        assert!(text.contains(expected), "{expected} is missing in {text}");
    }
}

fn openssl_verify(folder: &Path, authority: &str, chain: &str, hint: &[&str]) -> Option<(bool, String)> {
    std::fs::write(folder.join("authority.pem"), authority).expect("written");
    std::fs::write(folder.join("leaf.pem"), chain).expect("written");
    let args = [&["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "authority.pem"], hint, &["leaf.pem"]].concat();
    openssl(folder, &args)
}

/// Whether openssl was content, and all it said; `None` where it is not installed.
fn openssl(folder: &Path, args: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("openssl").args(args).current_dir(folder).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn tls_1_2_still_works_and_http_2_alone_does_not() {
    let signer = signer();
    let (_, server) = serving(issue(&signer, &names(&["localhost"], &[])));
    let old = client_of(&signer.authority.der, &["http/1.1"], &[&rustls::version::TLS12]);
    let (client_side, _) = handshake(&server, old, "localhost").await.expect("TLS 1.2");
    assert_eq!(client_side.get_ref().1.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    assert!(handshake(&server, client(&signer.authority.der, &["h2"]), "localhost").await.is_err());
    assert!(
        handshake(&server, client(&signer.authority.der, &["acme-tls/1"]), "localhost").await.is_err(),
        "no domain, no challenge"
    );
}

#[tokio::test]
async fn a_swap_leaves_open_connections_alone() {
    let signer = signer();
    let (resolver, server) = serving(issue(&signer, &names(&["localhost"], &["10.0.0.1"])));
    let (mut client_side, mut server_side) =
        handshake(&server, client(&signer.authority.der, &[]), "10.0.0.1").await.expect("before");
    resolver.swap(issue(&signer, &names(&["localhost"], &["10.0.0.2"])).key);

    client_side.write_all(b"still here").await.expect("sent");
    let mut heard = [0; 10];
    server_side.read_exact(&mut heard).await.expect("heard");
    assert_eq!(&heard, b"still here");
    assert!(handshake(&server, client(&signer.authority.der, &[]), "10.0.0.2").await.is_ok());
    assert!(handshake(&server, client(&signer.authority.der, &[]), "10.0.0.1").await.is_err());
}

/// The leaf's DER, the names, and the key's public part.
fn look_at(certified: &Certified) -> (Vec<u8>, Names, Vec<u8>) {
    let der = certified.key.cert[0].to_vec();
    let key = certified.key.key.public_key().expect("a public key").to_vec();
    let names = pem::with_parsed(&der, pem::names_of).expect("a certificate");
    (der, names, key)
}

#[test]
fn a_certificate_is_kept_until_an_address_is_missing_or_it_is_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = lan(&["192.168.1.20"]);
    let open = |at| LanIssuer::open(&folder.path().join("tls"), &home, None, at).expect("an issuer");
    let first = look_at(&open(NOW).certificate(&home, NOW).expect("a certificate"));
    let again = open(NOW + DAY);
    assert_eq!(look_at(&again.certificate(&home, NOW + DAY).expect("kept")), first);

    let moved = look_at(&again.certificate(&lan(&["10.0.0.5"]), NOW + DAY).expect("issued"));
    assert_ne!(moved.0, first.0);
    assert_eq!(moved.2, first.2, "the same key");
    assert!(moved.1.cover(&names(&["attic.local"], &["10.0.0.5", "192.168.1.20"])));
    assert_eq!(look_at(&again.certificate(&home, NOW + DAY).expect("kept")), moved, "going back needs no new one");

    let late = NOW + 270 * DAY;
    let renewed = again.certificate(&home, late).expect("renewed");
    assert!(renewed.span.ends > late + 390 * DAY && renewed.span.ends - renewed.span.begins < 398 * DAY);
    assert_eq!(again.authority(), open(late).authority(), "the same authority");
}

#[test]
fn files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let tls = folder.path().join("tls");
    LanIssuer::open(&tls, &lan(&[]), None, NOW).expect("an issuer").certificate(&lan(&[]), NOW).expect("a certificate");
    let mode = |path: &Path| std::fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&tls), 0o700);
    let files: Vec<u32> = std::fs::read_dir(&tls).expect("a list").map(|file| mode(&file.expect("a file").path())).collect();
    assert_eq!(files, [0o600, 0o600]);
}

#[test]
fn damage_and_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |at| LanIssuer::open(folder.path(), &lan(&[]), None, at);
    let first = open(NOW).expect("made");
    first.certificate(&lan(&[]), NOW).expect("a certificate");
    std::fs::write(folder.path().join("leaf.pem"), "rubbish").expect("written");
    assert!(first.certificate(&lan(&[]), NOW).is_ok(), "a leaf can be made again");

    let after = NOW + 11 * 365 * DAY;
    let second = open(after).expect("made anew");
    assert_ne!(first.authority(), second.authority());
    let leaf = second.certificate(&lan(&[]), after).expect("under the new authority");
    assert!(
        Signer::parse(&std::fs::read_to_string(folder.path().join("authority.pem")).expect("kept"))
            .expect("whole")
            .signed(&leaf.key.cert[0])
    );

    std::fs::write(folder.path().join("authority.pem"), "rubbish").expect("written");
    let refusal = open(NOW).err().expect("a refusal").to_string();
    assert!(refusal.contains("authority.pem is damaged") && refusal.contains("delete it"), "{refusal}");
}

#[test]
fn a_clock_that_was_never_set_does_no_harm() {
    let (signer, _) = Signer::make(None, 0).expect("an authority");
    assert!(signer.span.holds(CLOCK_FLOOR + 9 * 365 * DAY));
    assert_eq!(signer.permitted, BTreeSet::from(["local".to_owned(), "localhost".to_owned()]));
}

#[test]
fn own_files_are_read_again_when_they_change() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = CertificateFiles { cert: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
    let signer = signer();
    let put = |ip: &str| {
        let issued = signer.issue(&names(&[], &[ip]), None, NOW).expect("a certificate");
        // New names, because a file system's clock may stand still between two writes.
        for (path, text) in [(&files.cert, issued.chain), (&files.key, issued.key)] {
            std::fs::write(path.with_extension("new"), text).expect("written");
            std::fs::rename(path.with_extension("new"), path).expect("renamed");
        }
    };
    let mut own = OwnFiles::new(files.clone());
    assert!(own.changed().expect_err("not there").to_string().contains("--cert "));
    put("10.0.0.1");
    let first = own.changed().expect("good").expect("changed");
    assert!(own.changed().expect("good").is_none());
    put("10.0.0.2");
    let second = own.changed().expect("good").expect("changed");
    assert_ne!(look_at(&first).1, look_at(&second).1);

    let other = signer.issue(&names(&[], &[]), None, NOW).expect("a certificate");
    std::fs::write(&files.key, other.key).expect("written");
    let refusal = own.changed().expect_err("another key").to_string();
    assert!(refusal.contains("the key is not the one of the certificate"), "{refusal}");
    assert!(own.changed().expect("said once").is_none());
}

/// T46: a certificate about to end, renewed by its owner, and one that has ended.
#[tokio::test]
async fn the_owners_certificate_ends_and_is_renewed_while_sockets_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = CertificateFiles { cert: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
    let signer = signer();
    // Issued so long ago that it has a day left, or none.
    let put = |left: i64| {
        let issued = signer.issue_from(&names(&["localhost"], &[]), None, now() + (left - 397) * DAY).expect("a certificate");
        std::fs::remove_file(&files.cert).ok();
        std::fs::write(&files.cert, issued.chain).expect("written");
        std::fs::write(&files.key, issued.key).expect("written");
    };
    put(1);
    let mut source = Source::Files(OwnFiles::new(files.clone()));
    let first = source.turn(&lan(&[]), now()).expect("good").expect("the first");
    let ends = first.span.ends;
    let (resolver, server) = serving(first);
    let mut keeper = Keeper { source, resolver, ends, domain_ends: None, alarms: Default::default(), said: String::new() };
    let (mut open, mut far) = handshake(&server, client(&signer.authority.der, &[]), "localhost").await.expect("a day left");
    assert!(keeper.turn(&lan(&[]), now()), "the alarm rings");

    let serial = |stream: &client::TlsStream<DuplexStream>| stream.get_ref().1.peer_certificates().expect("one")[0].to_vec();
    put(300);
    assert!(!keeper.turn(&lan(&[]), now()), "renewed");
    let (renewed, _) = handshake(&server, client(&signer.authority.der, &[]), "localhost").await.expect("renewed");
    assert_ne!(serial(&open), serial(&renewed));

    put(-1);
    assert!(!keeper.turn(&lan(&[]), now()), "it rings once a day");
    assert!(keeper.turn(&lan(&[]), now() + DAY));
    let refusal = handshake(&server, client(&signer.authority.der, &[]), "localhost").await.expect_err("it has ended");
    assert!(refusal.contains("expired"), "it is served all the same, and clients say why not: {refusal}");
    open.write_all(b"x").await.expect("sent");
    assert_eq!(far.read_u8().await.expect("heard"), b'x');
}

#[test]
fn a_chain_out_of_order_is_noticed() {
    let (signer, stranger) = (signer(), super::tests::signer());
    let issued = signer.issue(&names(&["localhost"], &[]), None, NOW).expect("a certificate");
    let good = pem::certificates(&issued.chain).expect("two");
    assert_eq!(pem::check_chain(&good), Ok(()));
    assert!(pem::check_chain(&[good[0].clone(), stranger.authority.der.into()]).is_err());
    assert!(pem::check_chain(&[good[1].clone(), good[0].clone()]).is_err());
}

#[tokio::test]
async fn a_running_server_takes_up_a_new_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { data: folder.path().to_owned(), ..Config::default() };
    let (stopper, shutdown) = crate::shutdown::channel();
    let (sender, receiver) = watch::channel(lan(&["192.168.1.20"]));
    let tls = start(&config, receiver, shutdown).expect("TLS");
    let authority = tls.authority.clone().expect("an authority").der.clone();
    assert!(handshake(&tls.server, client(&authority, &[]), "192.168.1.20").await.is_ok());
    assert!(handshake(&tls.server, client(&authority, &[]), "10.0.0.5").await.is_err());
    sender.send_replace(lan(&["10.0.0.5"]));
    // The keeper runs when this task waits; each handshake gives it its turn.
    let mut tries = 0;
    while handshake(&tls.server, client(&authority, &[]), "10.0.0.5").await.is_err() {
        tries += 1;
        assert!(tries < 1000, "the new address never came");
    }
    stopper.stop();
}
