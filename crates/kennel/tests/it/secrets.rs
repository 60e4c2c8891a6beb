//! No secret of a whole story stands in a log, a figure or a refusal (check T36), and no file is for others (T35).

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::stage::{Answer, Stage, get, post};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("sound").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn t36_no_secret_and_no_name_is_told() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).expect("only this test sets one");

    let stage = Stage::new();
    let owner = stage.owner_key();
    let (id, key) = stage.link(json!({"label":"Grandma","rights":["watch"]})).await;
    let cookie = stage.sign_in(&key).await;
    let mut answers: Vec<Answer> = Vec::new();
    let wrong_key = format!("{owner}x");
    for ask in [
        get(&format!("/dogcam?key={owner}")),
        get(&format!("/nowhere?key={owner}")),
        post("/kennel/v1/session", json!({ "key": wrong_key })),
        post("/kennel/v1/session", json!(null)).body(format!("{{\"key\":{owner}}}").as_bytes()),
        get("/kennel/v1/keys").cookie(&cookie),
        get("/v1/Rooms").bearer(&owner),
        get("/kennel/v1/keys").bearer(&owner),
        get("/kennel/v1/sessions").bearer(&owner),
        get("/metrics").bearer(&owner),
    ] {
        answers.push(stage.ask(ask).await);
    }
    let token = json!({"as":"watch","name":"Ottilie","room":"Secret Den","device":"a"});
    let token =
        stage.ask(post("/kennel/v1/token", token).cookie(&cookie)).await.json()["token"].as_str().expect("a token").to_owned();
    stage.ask(post(&format!("/kennel/v1/keys/{id}"), json!(null)).method("DELETE").bearer(&owner)).await;

    let own = stage.app.store.credentials();
    let mut secrets = vec![owner, key, token, cookie.split_once('=').expect("a pair").1.to_owned()];
    let sealed = [&own.twilio_api_key_secret, &own.twilio_auth_token, &own.signalwire_token, &own.turn_secret];
    secrets.extend(sealed.map(|secret| secret.reveal().to_owned()));
    let log = String::from_utf8(log.0.lock().expect("sound").clone()).expect("text");
    assert!(log.contains("route=\"/kennel/v1/token\""), "the log was heard");
    for secret in &secrets {
        assert!(!log.contains(secret), "in the log");
        for answer in &answers {
            assert!(!answer.text.contains(secret), "in an answer: {}", answer.text);
        }
    }
    let above_debug = log.lines().filter(|line| !line.contains("DEBUG") && !line.contains("TRACE"));
    for line in above_debug {
        for name in ["Ottilie", "Secret Den", "Grandma", "192.168.1.30"] {
            assert!(!line.contains(name), "{line}");
        }
    }
}

#[tokio::test]
async fn t35_no_file_is_for_anybody_else() {
    let stage = Stage::new();
    stage.sign_in(&stage.owner_key()).await;
    stage.link(json!({"label":"x","rights":["watch"]})).await;
    let mut count = 0;
    for entry in fs::read_dir(stage.folder.path()).expect("list") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("data").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        let text = fs::read(entry.path()).expect("read");
        let key = stage.owner_key();
        assert!(!text.windows(key.len()).any(|window| window == key.as_bytes()), "{:?}", entry.file_name());
        count += 1;
    }
    assert_eq!(count, 4);
    let folder = fs::metadata(stage.folder.path()).expect("data").permissions().mode();
    assert_eq!(folder & 0o077, 0);
}
