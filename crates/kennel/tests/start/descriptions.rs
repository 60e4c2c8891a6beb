//! Descriptions of every broken kind, over real connections.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::person::{Person, browsers_offer, free_port, start};

/// What is wrong with an offer, the code for that, and a part of the words for it.
fn broken() -> Vec<(String, u32, &'static str)> {
    let good = browsers_offer();
    let without =
        |start: &str| good.lines().filter(|line| !line.starts_with(start)).map(|line| format!("{line}\r\n")).collect::<String>();
    let with = |lines: &str| format!("{good}{lines}");
    let (head, _) = good.split_once("m=").expect("a section");
    let bananas = good.lines().map(|line| match line.split_once(' ') {
        Some((media, rest)) if media.starts_with("m=") => format!("m=banana {rest}\r\n"),
        _ => format!("{line}\r\n"),
    });
    let codecs = good.lines().map(|line| match line.strip_prefix("a=rtpmap:").and_then(|map| map.split_once(' ')) {
        Some((payload_type, _)) => format!("a=rtpmap:{payload_type} FOO/90000\r\n"),
        None => format!("{line}\r\n"),
    });
    vec![
        (String::new(), 53403, "is none"),
        ("{}".to_owned(), 53403, "is none"),
        ("v=0\r\n\0\u{7f}woof\r\n".to_owned(), 53403, "no section"),
        (head.to_owned(), 53403, "no section"),
        (bananas.collect(), 53403, "no section"),
        (without("a=ice-ufrag"), 53403, "no ICE name"),
        (without("a=ice-pwd"), 53403, "no ICE name and password"),
        (without("a=fingerprint"), 53403, "no fingerprint"),
        (good.replace("a=fingerprint:sha-256", "a=fingerprint:sha-1"), 53403, "SHA-256"),
        (good.replace("a=group:BUNDLE ", "a=group:BUNDLE stranger "), 53403, "bundles"),
        (with(&"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n".repeat(2_000)), 53403, "too many sections"),
        (with(&"a=candidate:1 1 udp 1 192.0.2.7 9 typ host\r\n".repeat(5_000)), 53403, "too many candidates"),
        (with(&(0..5_000).map(|n| format!("a=ssrc:{n} cname:x\r\n")).collect::<String>()), 53403, "too many sources"),
        (with(&format!("a={}\r\n", "x".repeat(9_000))), 53403, "too long"),
        (with(&format!("a={}\r\n", "x".repeat(600_000))), 53403, "too large"),
        (codecs.collect(), 53404, "no codec"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_used_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let server = start(folder.path(), http, media);
    let mut neighbour = Person::join(http, 0).await;
    for (sdp, code, words) in broken() {
        let error = Person::refusal_of(http, 1, &sdp).await.unwrap_or_else(|close| panic!("{words}: closed with {close}"));
        assert_eq!(error["code"], json!(code), "{words}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(words)), "{words}: {error}");
    }
    let line = format!("{}a={}\r\n", browsers_offer(), "x".repeat(1 << 20));
    assert_eq!(Person::refusal_of(http, 1, &line).await, Err(1009), "more than a message may have");
    // Who keeps to the rules comes in, and whoever was inside noticed nothing.
    let other = Person::join(http, 2).await;
    let is_in = |one: &Value| one["identity"] == "person 2" && one["state"] == "connected";
    neighbour.hear("somebody", |frame| frame["body"]["participants"].as_array().is_some_and(|all| all.iter().any(is_in))).await;
    drop(other);
    server.signal(Signal::TERM);
    let (code, said) = server.end();
    assert!(code == Some(0) && !said.contains("panicked"), "{said}");
}
