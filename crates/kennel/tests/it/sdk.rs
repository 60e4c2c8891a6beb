//! The vendor's SDK files and the shim.

use crate::stage::{Stage, get};

const RELEASES: &str = "/sdk/js/video/releases";

#[tokio::test]
async fn the_published_file_with_the_tail() {
    let stage = Stage::new();
    let answer = stage.ask(get(&format!("{RELEASES}/2.18.1/twilio-video.min.js")).header("host", "media.twiliocdn.com")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert!(answer.text.starts_with("/* 2.18.1 min */\n"));
    assert!(answer.text.contains("wsServer") && answer.text.contains("var note = null;"), "{}", answer.text);
    assert_eq!(answer.header("x-kennel-sdk"), "2.18.1");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
    let again = get(&format!("{RELEASES}/2.18.1/twilio-video.min.js")).header("if-none-match", answer.header("etag"));
    assert_eq!(stage.ask(again).await.status, 304);
}

#[tokio::test]
async fn another_version_is_answered_by_the_nearest_newer() {
    let stage = Stage::new();
    let answer = stage.ask(get(&format!("{RELEASES}/2.20.0/twilio-video.min.js"))).await;
    assert!(
        answer.text.starts_with("/* 2.36.0 min */") && answer.text.contains("Kennel has no twilio-video 2.20.0 and sent 2.36.0.")
    );
    assert_eq!(answer.header("x-kennel-sdk"), "2.36.0");
    let own = stage.ask(get(&format!("{RELEASES}/2.36.0/twilio-video.min.js"))).await;
    assert_ne!(own.header("etag"), answer.header("etag"));
    assert!(!own.text.contains("Kennel has no"));
}

#[tokio::test]
async fn the_licence_goes_along() {
    let stage = Stage::new();
    let answer = stage.ask(get(&format!("{RELEASES}/2.36.0/LICENSE.md"))).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "The licence"));
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_words() {
    let stage = Stage::new();
    for (path, word) in [
        ("1.20.1/twilio-video.min.js", "2.18.1, 2.36.0"),
        ("3.0.0/twilio-video.js", "2.18.1, 2.36.0"),
        ("latest/twilio-video.js", "not a version"),
        ("2.36.0/other.js", "twilio-video.min.js"),
        ("2.36.0/..%2f..%2findex.html", "twilio-video.min.js"),
    ] {
        let answer = stage.ask(get(&format!("{RELEASES}/{path}"))).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains(word), "{path}: {}", answer.text);
    }
    assert_eq!(stage.ask(get("/sdk/elsewhere")).await.status, 404);
}

#[tokio::test]
async fn the_shim_is_a_classic_script() {
    let stage = Stage::new();
    let answer = stage.ask(get("/sdk/kennel-websocket-shim.js")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert!(answer.text.contains("new Proxy(window.WebSocket") && answer.text.contains("data-server"));
}
