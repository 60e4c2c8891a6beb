//! The whole server in this process, and the program as a process: how it starts, what it refuses, how it ends.

mod bucket;
mod client;
mod clocks;
mod crowds;
mod descriptions;
mod full;
mod person;
mod program;
mod restart;
mod s3;
mod secrets;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use client::{get, get_tls};
use kennel::config::Config;
use kennel::serve::{self, Running, StartProblem};
use tempfile::TempDir;

fn config(folder: &TempDir) -> Config {
    let any = "127.0.0.1:0".parse().ok();
    Config { http: any, https: any, media: any, data: folder.path().join("data"), ..Config::default() }
}

async fn start(config: Config) -> Running {
    serve::start(config).await.unwrap_or_else(|problem| panic!("{problem}"))
}

async fn authority(running: &Running) -> Vec<u8> {
    get(running.http_addr.expect("HTTP"), "/kennel/ca.crt").await.body
}

#[tokio::test]
async fn both_listeners_answer_and_the_certificate_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = start(config(&folder)).await;
    let plain = get(running.http_addr.expect("HTTP"), "/healthz").await;
    assert_eq!((plain.status, plain.text().trim()), (200, "ok"));
    let authority = authority(&running).await;
    for name in ["127.0.0.1", "localhost"] {
        let secure = get_tls(running.https_addr.expect("HTTPS"), name, &authority, "/healthz").await.expect(name);
        assert_eq!((secure.status, secure.text().trim()), (200, "ok"));
    }
    let stranger = get_tls(running.https_addr.expect("HTTPS"), "example.com", &authority, "/healthz").await;
    assert!(stranger.is_err(), "the certificate is for this machine only");
    running.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_authority_and_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = start(config(&folder)).await;
    let address = first.http_addr.expect("HTTP");
    let known = authority(&first).await;
    first.stop().await;

    let again = Config { http: Some(address), ..config(&folder) };
    let second = start(again).await;
    assert_eq!(second.http_addr, Some(address), "the port is free at once");
    assert_eq!(authority(&second).await, known);
    second.stop().await;
    assert_private(&folder.path().join("data"));
}

/// No file or folder of ours lets anybody else in.
fn assert_private(path: &Path) {
    let data = std::fs::symlink_metadata(path).expect("is there");
    assert_eq!(data.permissions().mode() & 0o077, 0, "{}", path.display());
    if data.is_dir() {
        std::fs::read_dir(path).expect("a list").for_each(|entry| assert_private(&entry.expect("an entry").path()));
    }
}

#[tokio::test]
async fn either_listener_can_be_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = start(Config { https: None, ..config(&folder) }).await;
    assert_eq!(running.https_addr, None);
    assert!(!folder.path().join("data/tls").exists(), "no certificate is made for nobody");
    running.stop().await;
    let running = start(Config { http: None, ..config(&folder) }).await;
    assert_eq!(running.http_addr, None);
    running.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_said_with_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let problem = serve::start(Config { https: Some(address), ..config(&folder) }).await.err().expect("a refusal");
    assert!(matches!(problem, StartProblem::PortTaken { flag: "https", .. }), "{problem}");
    let said = problem.to_string();
    let words = format!("Port {} is in use by another program. Start with --https ", address.port());
    let other = said.strip_prefix(&words).and_then(|rest| rest.strip_suffix('.')).expect(&said);
    assert!(std::net::TcpListener::bind(other).is_ok(), "{other} is free");
}

#[tokio::test]
async fn a_folder_has_one_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = start(config(&folder)).await;
    let problem = serve::start(config(&folder)).await.err().expect("a refusal");
    let said = problem.to_string();
    assert!(said.starts_with("Kennel is running already with the data folder ") && said.contains("--data"), "{said}");
    first.stop().await;
    start(config(&folder)).await.stop().await;
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data");
    std::fs::write(&file, "x").expect("written");
    let problem = serve::start(config(&folder)).await.err().expect("a refusal");
    assert!(problem.to_string().contains(&file.display().to_string()), "{problem}");
}
