//! T36: whatever is logged, at the most talkative, holds no secret.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::program::{Server, kennel};

/// Stands for a token: nobody issued it, but its holder would not want it in a log.
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.token-of-somebody.signature-of-somebody";

#[test]
fn no_secret_reaches_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let given = [
        ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
        ("TWILIO_API_KEY_SID", "SK0123456789abcdef0123456789abcdef"),
        ("TWILIO_API_KEY_SECRET", "given-secret-of-the-api-key"),
        ("TWILIO_AUTH_TOKEN", "given-secret-of-the-account"),
        ("SIGNALWIRE_TOKEN", "given-secret-of-the-project"),
        ("KENNEL_TURN_SECRET", "given-secret-of-the-turn-server"),
        ("KENNEL_LOG", "trace"),
    ];
    let server = Server::start_with(folder.path(), &given);
    let address = server.line["http"].as_str().expect("an address").to_owned();
    let key = owner_key(folder.path());
    let cookies = use_the_key(&address, &key);
    speak_on_a_socket(&address);
    server.signal(Signal::TERM);
    let (code, said) = server.end();
    assert_eq!(code, Some(0));
    assert!(said.contains("\"DEBUG\""), "it was talkative");
    let secrets = given[2..6].iter().map(|(_, value)| (*value).to_owned()).chain(cookies).chain([key, TOKEN.to_owned()]);
    for secret in secrets {
        let found = said.lines().find(|line| line.contains(&secret));
        assert_eq!(found, None, "{secret} is in the log");
    }
}

fn owner_key(folder: &Path) -> String {
    let output = kennel(folder, &["keys", "--json"]).output().expect("it runs");
    let keys: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let link = keys["links"][0].as_str().expect("a link");
    link.split_once("#k=").expect("a key").1.to_owned()
}

/// Uses the key in every place where one can stand, rightly and wrongly. Returns the cookies that came.
fn use_the_key(address: &str, key: &str) -> Vec<String> {
    let body = format!("{{\"key\":\"{key}\"}}");
    let length = body.len();
    let origin = format!("origin: http://{address}\r\n");
    let answers = [
        ask(address, "GET", &format!("/dogcam?key={key}"), "", ""),
        ask(address, "POST", "/kennel/v1/session", &format!("{origin}content-length: {length}\r\n"), &body),
        ask(address, "GET", "/kennel/v1/keys", &format!("authorization: Bearer {key}\r\n"), ""),
        ask(address, "GET", "/kennel/v1/keys", &format!("authorization: Bearer {key}x\r\n"), ""),
        ask(address, "GET", &format!("/sdk/{key}"), &format!("cookie: kennel={TOKEN}\r\n"), ""),
        ask(address, "GET", &format!("/api/token?identity=x&key={key}"), "", ""),
    ];
    assert!(answers[2].starts_with("HTTP/1.1 200"), "the key is right: {}", answers[2]);
    let cookies: Vec<String> = answers.iter().filter_map(|answer| cookie(answer)).collect();
    assert!(!cookies.is_empty(), "a cookie came");
    cookies
}

fn cookie(answer: &str) -> Option<String> {
    let line = answer.lines().find(|line| line.to_ascii_lowercase().starts_with("set-cookie:"))?;
    let value = line.split_once('=')?.1.split(';').next()?;
    Some(value.to_owned()).filter(|value| value.len() > 20)
}

/// One request on one connection; what came back.
fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    talk(address, &[head.as_bytes(), body.as_bytes()].concat())
}

/// Opens the vendor's socket and shows a token there, in a frame and in a close.
fn speak_on_a_socket(address: &str) {
    let head = format!(
        "GET /signaling?token={TOKEN} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let hello = r#"{"type":"hello","id":"00000000-0000-4000-8000-000000000000","version":2}"#;
    let connect = format!(r#"{{"type":"msg","body":{{"type":"connect","version":2,"name":"Den","token":"{TOKEN}"}}}}"#);
    let frames = [frame(0x81, hello.as_bytes()), frame(0x81, connect.as_bytes()), frame(0x88, b"\x03\xe8done")];
    let answer = talk(address, &[vec![head.into_bytes()], frames.to_vec()].concat().concat());
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

/// A frame as clients send it (RFC 6455 section 5.2), masked by zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&[first, 0x80 | 126], &length[..], &[0; 4], payload].concat()
}

/// Sends and reads until the other end closes or is silent for a second.
fn talk(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("set");
    stream.write_all(bytes).expect("sent");
    let mut answer = Vec::new();
    // The silence shows as an error; what came before it is in `answer`.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
