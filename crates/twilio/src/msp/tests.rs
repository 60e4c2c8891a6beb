use std::sync::Arc;

use room::{OwnQuality, Priority};

use super::*;

const TRACK: &str = "MT000000000000000000000000000000ff";

fn hint(wish: Wish) -> Hint {
    Hint { track: TrackId(255), wish }
}

/// What a text means, and what is replied.
fn heard(channel: Channel, text: &str) -> (Option<Vec<Hint>>, Option<String>) {
    match read(channel, text) {
        Some(Heard::Hints(hints, reply)) => (Some(hints), reply.map(|reply| reply.0.to_string())),
        Some(other) => panic!("{text}: {other:?}"),
        None => (None, None),
    }
}

#[test]
fn every_channel_can_be_ready() {
    for channel in Channel::ALL {
        assert_eq!(read(channel, r#"{"type":"ready"}"#), Some(Heard::Ready));
    }
}

#[test]
fn figures_are_asked_for_in_some_detail() {
    let check = |text: &str, own, others| {
        assert_eq!(read(Channel::Quality, text), Some(Heard::Asks(Detail { own, others })), "{text}");
    };
    check(r#"{"type":"network_quality","ice":{"recv":0,"send":0},"reportLevel":3,"remoteReportLevel":2}"#, 3, 2);
    check(r#"{"type":"network_quality","reportLevel":1,"remoteReportLevel":0}"#, 1, 0);
    check(r#"{"type":"network_quality"}"#, 1, 1);
}

#[test]
fn priorities_are_hints_without_a_reply() {
    let check = |word: &str, expected| {
        let text = format!(r#"{{"type":"track_priority","track":"{TRACK}","subscribe":{word}}}"#);
        assert_eq!(heard(Channel::Priority, &text), (expected, None), "{text}");
    };
    check(r#""low""#, Some(vec![hint(Wish::Priority(Some(Priority::Low)))]));
    check(r#""standard""#, Some(vec![hint(Wish::Priority(Some(Priority::Standard)))]));
    check(r#""high""#, Some(vec![hint(Wish::Priority(Some(Priority::High)))]));
    check("null", Some(vec![hint(Wish::Priority(None))]));
    check(r#""highest""#, None);
}

#[test]
fn every_render_hint_gets_its_ok() {
    let check = |hints: &str, expected: Vec<Wish>, results: &str| {
        let text = format!(r#"{{"type":"render_hints","subscriber":{{"id":7,"hints":[{hints}]}}}}"#);
        let reply = format!(r#"{{"type":"render_hints","subscriber":{{"id":7,"hints":[{results}]}}}}"#);
        let hints = expected.into_iter().map(hint).collect();
        assert_eq!(heard(Channel::Render, &text), (Some(hints), Some(reply)), "{text}");
    };
    let ok = format!(r#"{{"track":"{TRACK}","result":"OK"}}"#);
    let on = format!(r#"{{"track":"{TRACK}","enabled":true}}"#);
    check(&on, vec![Wish::Shown(true)], &ok);
    let both = format!(r#"{{"track":"{TRACK}","enabled":false,"render_dimensions":{{"width":640,"height":359.6}}}}"#);
    check(&both, vec![Wish::Size(640, 360), Wish::Shown(false)], &ok);
    check("", vec![], "");
    check(r#"{"track":"nobody's","enabled":true}"#, vec![], r#"{"track":"nobody's","result":"OK"}"#);
    let odd = format!(r#"{{"track":"{TRACK}","render_dimensions":{{"width":-1,"height":1e99}}}}"#);
    check(&odd, vec![], &ok);
    check(&format!("{on},{on}"), vec![Wish::Shown(true); 2], &format!("{ok},{ok}"));
}

#[test]
fn results_of_our_hints_are_counted() {
    let check = |hints: &str, failed| {
        let text = format!(r#"{{"type":"publisher_hints","id":1,"hints":[{hints}]}}"#);
        assert_eq!(read(Channel::Layers, &text), Some(Heard::Failed(failed)), "{text}");
    };
    check(r#"{"track":"MT1","result":"OK"}"#, 0);
    check(r#"{"track":"MT1","result":"UNKNOWN_TRACK"},{"track":"MT2","result":"OK"}"#, 1);
    let reset = format!(r#"{{"type":"client_reset","track":"{TRACK}","id":3}}"#);
    assert_eq!(read(Channel::Layers, &reset), Some(Heard::Reset(TrackId(255))));
}

#[test]
fn what_means_nothing_is_passed_over() {
    let long = format!(r#"{{"type":"ready","x":"{}"}}"#, "x".repeat(TEXT_BYTES_MAX));
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let texts = [
        "",
        "{",
        "null",
        "[]",
        "\u{0}",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"active_speaker","participant":null}"#,
        r#"{"type":"render_hints"}"#,
        r#"{"type":"render_hints","subscriber":{"id":-1,"hints":[]}}"#,
        r#"{"type":"render_hints","subscriber":{"id":1,"hints":[{"track":7}]}}"#,
        r#"{"type":"network_quality","reportLevel":-3}"#,
        r#"{"type":"track_priority","track":"MTx","subscribe":"low"}"#,
        &long,
        &deep,
    ];
    for channel in Channel::ALL {
        for text in texts {
            assert_eq!(read(channel, text), None, "{channel:?}: {}", &text[..text.len().min(80)]);
        }
    }
    assert_eq!(read(Channel::Speaker, r#"{"type":"client_reset","track":"MT"}"#), None, "of another channel");
}

#[test]
fn what_we_say() {
    let check = |text: Option<Sealed>, expected: &str| assert_eq!(&*text.expect("text").0, expected);
    check(speaker(None), r#"{"type":"active_speaker","participant":null}"#);
    let somebody = r#"{"type":"active_speaker","participant":"PA000000000000000000000000000000ff"}"#;
    check(speaker(Some(ParticipantId(255))), somebody);
    check(switched(&[TrackId(255)], &[]), &format!(r#"{{"type":"track_switch_off","off":["{TRACK}"],"on":[]}}"#));
    let encodings = r#"[{"layer_index":0,"enabled":true},{"layer_index":1,"enabled":false}]"#;
    let hints =
        format!(r#"{{"type":"publisher_hints","publisher":{{"id":2,"hints":[{{"track":"{TRACK}","encodings":{encodings}}}]}}}}"#);
    check(layers(2, TrackId(255), &[true, false]), &hints);
}

#[test]
fn figures_are_told_in_the_detail_asked_for() {
    let sound = LinkQuality { level: 4, lost: 0.25, rtt_ms: 500.0, jitter_ms: 250.0, bitrate: 32_000, available: None };
    let own = OwnQuality { level: 4, audio_send: Some(sound), ..OwnQuality::default() };
    let other = OwnQuality { level: 5, video_send: Some(LinkQuality { level: 5, ..sound }), ..OwnQuality::default() };
    let figures = Quality { own, others: vec![(ParticipantId(255), Arc::new(other))] };
    let check = |own, others, expected: &str| {
        assert_eq!(&*quality(&figures, Detail { own, others }).expect("text").0, expected);
    };
    check(1, 0, r#"{"type":"network_quality","local":4,"remotes":[]}"#);
    let remotes = r#""remotes":[{"sid":"PA000000000000000000000000000000ff","level":5}]"#;
    check(1, 1, &format!(r#"{{"type":"network_quality","local":4,{remotes}}}"#));
    let none = r#""video":{"send":5,"recv":5}"#;
    let local = format!(r#"{{"level":4,"audio":{{"send":4,"recv":5}},{none}}}"#);
    check(2, 1, &format!(r#"{{"type":"network_quality","local":{local},{remotes}}}"#));
    let bandwidth = r#""bandwidth":{"actual":32000,"available":null,"level":4}"#;
    let latency = r#""latency":{"jitter":0.25,"rtt":0.5,"level":4}"#;
    let stats = format!(r#"{{{bandwidth},{latency},"fractionLost":{{"fractionLost":0.25,"level":4}}}}"#);
    let (bandwidth, latency) =
        (r#""bandwidth":{"actual":0,"available":null,"level":5}"#, r#""latency":{"jitter":0.0,"rtt":0.0,"level":5}"#);
    let idle = format!(r#"{{{bandwidth},{latency},"fractionLost":{{"fractionLost":0.0,"level":5}}}}"#);
    let audio = format!(r#""audio":{{"send":4,"recv":5,"sendStats":{stats},"recvStats":{idle}}}"#);
    let video = format!(r#""video":{{"send":5,"recv":5,"sendStats":{idle},"recvStats":{idle}}}"#);
    let local = format!(r#"{{"level":4,{audio},{video}}}"#);
    check(3, 1, &format!(r#"{{"type":"network_quality","local":{local},{remotes}}}"#));
    let sid = r#""sid":"PA000000000000000000000000000000ff","level":5"#;
    let remotes = format!(r#""remotes":[{{{sid},"audio":{{"send":5,"recv":5}},"video":{{"send":5,"recv":5}}}}]"#);
    check(1, 2, &format!(r#"{{"type":"network_quality","local":4,{remotes}}}"#));
    let stats = stats.replace("\"level\":4", "\"level\":5");
    let audio = format!(r#""audio":{{"send":5,"recv":5,"sendStats":{idle},"recvStats":{idle}}}"#);
    let video = format!(r#""video":{{"send":5,"recv":5,"sendStats":{stats},"recvStats":{idle}}}"#);
    check(1, 3, &format!(r#"{{"type":"network_quality","local":4,"remotes":[{{{sid},{audio},{video}}}]}}"#));
}

#[test]
fn of_who_has_no_connection_there_are_no_figures() {
    let gone = vec![(ParticipantId(255), Arc::new(OwnQuality::default()))];
    let told = quality(&Quality { others: gone, ..Quality::default() }, Detail { own: 3, others: 3 }).expect("text");
    let expected = r#"{"type":"network_quality","local":0,"remotes":[{"sid":"PA000000000000000000000000000000ff","level":0}]}"#;
    assert_eq!(&*told.0, expected);
}
