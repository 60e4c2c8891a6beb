//! The pages and their files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::stage::{Stage, ask, get};

#[tokio::test]
async fn every_page_is_the_app_by_https_and_on_this_computer() {
    let stage = Stage::new();
    for path in ["/", "/dogcam", "/links", "/dogcam?room=Den"] {
        for asked in [get(path), get(path).plain("localhost:8080"), get(path).plain("127.0.0.1:8080")] {
            let answer = stage.ask(asked).await;
            assert_eq!(answer.status, 200);
            assert!(answer.text.contains("<title>app</title>"), "{path}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert_eq!(answer.header("cache-control"), "no-cache");
        }
    }
}

#[tokio::test]
async fn on_lan_http_every_page_is_the_door() {
    let stage = Stage::new();
    for path in ["/", "/dogcam", "/links"] {
        for host in ["192.168.1.20:8080", "kennel.local:8080"] {
            assert!(stage.ask(get(path).plain(host)).await.text.contains("<title>door</title>"), "{path} {host}");
        }
    }
    let dev = Stage::with(|site| site.dev = true);
    assert!(dev.ask(get("/").plain("192.168.1.20:8080")).await.text.contains("app"));
    let no_https = Stage::with(|site| site.https_port = None);
    assert!(no_https.ask(get("/").plain("192.168.1.20:8080")).await.text.contains("app"), "a door to nowhere helps nobody");
}

#[tokio::test]
async fn files_are_kept_by_browsers_as_long_as_is_right() {
    let stage = Stage::new();
    let script = stage.ask(get("/assets/index-AbC_12.js")).await;
    assert_eq!((script.status, script.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), "public, max-age=31536000, immutable");
    let icon = stage.ask(get("/icon.svg")).await;
    assert_eq!((icon.header("content-type"), icon.header("cache-control")), ("image/svg+xml", "no-cache"));
    let page = stage.ask(get("/")).await;
    let again = stage.ask(get("/").header("if-none-match", page.header("etag"))).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), page.header("etag"));
    assert_eq!(stage.ask(get("/").header("if-none-match", "\"other\"")).await.status, 200);
}

#[tokio::test]
async fn there_is_nothing_else() {
    let stage = Stage::new();
    for path in [
        "/nowhere",
        "/index.html",
        "/door.html",
        "/assets/",
        "/assets/../index.html",
        "/..%2f..%2fetc/passwd",
        "/.env",
        "/kennel",
        "//etc/passwd",
    ] {
        let answer = stage.ask(get(path)).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("This page does not exist") && answer.text.contains("href=\"/\""), "{path}");
    }
    assert_eq!(stage.ask(ask("DELETE", "/icon.svg").header("origin", "https://192.168.1.20:8443")).await.status, 404);
    let style = stage.ask(get("/kennel/plain.css")).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
}

#[tokio::test]
async fn built_without_pages_it_says_how_to_build_them() {
    let stage = Stage::with(|site| site.files = Arc::new(HashMap::new()));
    let answer = stage.ask(get("/")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text.contains("make web"));
    let sdk = stage.ask(get("/sdk/js/video/releases/2.36.0/twilio-video.min.js")).await;
    assert_eq!(sdk.status, 503);
    assert!(sdk.text.contains("make web"));
}

#[tokio::test]
async fn the_authoritys_certificate_as_phones_take_it() {
    let stage = Stage::new();
    let answer = stage.ask(get("/kennel/ca.crt").plain("192.168.1.20:8080")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-x509-ca-cert"));
    assert_eq!(answer.text.as_bytes(), [0x30, 1, 2]);
    assert_eq!(stage.ask(get("/kennel/ca.pem")).await.text, "PEM");
    let without = Stage::with(|site| site.authority = None);
    assert_eq!(without.ask(get("/kennel/ca.crt")).await.status, 404);
    assert!(without.ask(get("/kennel/v1/server")).await.json()["certificate"].is_null());
}

#[tokio::test]
async fn health_says_one_word_to_anybody() {
    let stage = Stage::new();
    let answer = stage.ask(get("/healthz").header("host", "any.example").header("origin", "http://192.168.1.20:8080")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "ok"));
    assert_eq!(stage.ask(get("/readyz")).await.text, "ready");
}
