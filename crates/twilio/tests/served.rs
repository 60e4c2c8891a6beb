//! Sessions in rooms whose media passes the server: what waits for the media server's answer, and what its channels carry.

mod support;

use room::limit::{LIST_EVERY, LISTS_AT_ONCE};
use room::{
    Act, Channel, Command, ConnId, Create, Limits, LinkId, MediaRefusal, News, OwnQuality, ParticipantId, Quality, RecordNews,
    Report, RoomId, RoomKind, RoomOptions, RoomRef, Rule, Sealed, Signal, Step, Terms, TrackId, VideoCodec,
};
use serde_json::{Value, json};
use std::time::Duration;
use support::door;
use support::hub::{Hub, Sent};
use support::random::Random;
use support::transcript::{self, What};
use twilio::rest::Memo;

const LINK: &str = "the-link";

struct Stage {
    hub: Hub,
    conn: ConnId,
}

fn connect(identity: &str, link: &str) -> Value {
    let channels: serde_json::Map<String, Value> =
        Channel::ALL.iter().map(|channel| (twilio::msp::name(*channel).to_owned(), json!({"transports": []}))).collect();
    json!({ "type": "msg", "body": {
        "type": "connect", "version": 2, "name": "den", "token": door::token(identity, None),
        "participant": { "revision": 1, "tracks": [{ "id": "cam", "kind": "video", "name": "cam" }] },
        "peer_connections": [{ "id": link, "description": { "type": "offer", "revision": 1, "sdp": "v=0\r\n" } }],
        "media_signaling": channels,
    }})
}

impl Stage {
    fn empty() -> Self {
        Stage::of(RoomKind::Group)
    }

    fn of(kind: RoomKind) -> Self {
        let hub = door::hub(Limits { kind, ..Limits::default() });
        Stage { hub, conn: ConnId(0) }
    }

    /// Somebody asked to come in and was not answered yet.
    fn asking() -> Self {
        let mut stage = Stage::empty();
        stage.conn = stage.ask("ann", LINK);
        stage
    }

    /// Somebody is in.
    fn inside() -> Self {
        let mut stage = Stage::asking();
        stage.answer(LINK, 1);
        stage.heard();
        stage
    }

    fn ask(&mut self, identity: &str, link: &str) -> ConnId {
        let conn = self.hub.open(door::session);
        self.hub.text(conn, r#"{"type":"hello","id":"h","version":2,"timeout":5000}"#);
        self.hub.text(conn, &connect(identity, link).to_string());
        conn
    }

    fn ids(&self) -> (RoomId, ParticipantId, TrackId) {
        let room = self.hub.rooms.by_name("den").expect("a room");
        (room.id, room.participants[0].id, room.participants[0].tracks[0].id)
    }

    fn news(&mut self, news: News) {
        self.news_of(LINK, news);
    }

    fn news_of(&mut self, link: &str, news: News) {
        let (room, who, _) = self.ids();
        self.hub.report(Report::Of { room, who, link: LinkId(link.into()), news });
    }

    fn answer(&mut self, link: &str, revision: u64) {
        let signal = Signal { step: Step::Answer, revision, sealed: Sealed("v=0 answer".into()) };
        self.news_of(link, News::Signal(signal));
    }

    fn said(&mut self, channel: Channel, text: &str) {
        self.news(News::Said(channel, Sealed(text.into())));
    }

    /// The bodies that the first client heard since the last time, and how it was closed.
    fn heard(&mut self) -> Vec<Value> {
        let mut heard = Vec::new();
        while let Some(sent) = self.hub.poll() {
            match sent {
                Sent::Text(conn, text) if conn == self.conn => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    heard.extend(frame.get("body").cloned());
                }
                Sent::Closed(conn, code) if conn == self.conn => heard.push(json!({ "type": format!("closed {code}") })),
                Sent::Text(..) | Sent::Closed(..) => {}
            }
        }
        heard
    }

    fn types(&mut self) -> Vec<String> {
        self.heard().iter().map(|body| body["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What was said to anybody by channels since the last time.
    fn told(&mut self) -> Vec<(Channel, Value)> {
        let orders = std::mem::take(&mut self.hub.orders).into_iter();
        let says = orders.filter_map(|order| match order.act {
            Act::Say(channel, text) => Some((channel, serde_json::from_str(&text.0).expect("JSON"))),
            _ => None,
        });
        says.collect()
    }
}

#[test]
fn a_client_hears_that_it_is_in_with_the_answer() {
    let mut stage = Stage::asking();
    assert_eq!(stage.types(), [] as [&str; 0]);
    let (_, _, track) = stage.ids();
    stage.news(News::Placed(vec![(track, "x1".into())]));
    stage.ask("bo", "bos");
    let offer = Signal { step: Step::Offer, revision: 2, sealed: Sealed("v=0 offer".into()) };
    assert_eq!(stage.types(), [] as [&str; 0]);
    stage.answer(LINK, 1);
    stage.news(News::Signal(offer));
    let heard = stage.heard();
    assert_eq!(heard.iter().map(|body| &body["type"]).collect::<Vec<_>>(), ["connected", "update", "update"]);
    assert_eq!(heard[0]["peer_connections"][0]["description"]["sdp"], "v=0 answer");
    assert_eq!(heard[0]["participants"], json!([]), "that is how the room was when it came in");
    assert_eq!(heard[1]["participants"][0]["identity"], "bo", "then comes what waited");
    assert_eq!(heard[2]["peer_connections"][0]["description"]["type"], "offer");
    assert_eq!(heard[0]["media_signaling"]["render_hints"]["transport"]["label"], format!("render-{LINK}"));
}

#[test]
fn without_an_answer_it_is_refused_after_ten_seconds() {
    let mut stage = Stage::asking();
    stage.hub.advance_to(9_999);
    assert_eq!(stage.types(), [] as [&str; 0]);
    stage.hub.advance_to(10_000);
    let heard = stage.heard();
    assert_eq!((&heard[0]["type"], &heard[0]["code"]), (&json!("error"), &json!(53405)));
    assert_eq!(stage.hub.rooms.count(), (0, 0));
    stage.answer_nobody();
    assert_eq!(stage.types(), [] as [&str; 0]);
}

/// Its worker panicked, say, while it answered.
#[test]
fn who_comes_in_while_the_media_server_loses_its_link_makes_another() {
    let mut stage = Stage::asking();
    stage.news(News::Dead);
    let heard = stage.heard();
    assert_eq!(heard.iter().map(|body| &body["type"]).collect::<Vec<_>>(), ["connected", "update"], "{heard:?}");
    let wanted = &heard[0]["peer_connections"][0];
    assert_eq!(wanted["description"]["type"], "create-offer");
    let closed = &heard[1]["peer_connections"][0];
    assert_eq!((&closed["id"], &closed["description"]["type"]), (&json!(LINK), &json!("close")));
    let link = wanted["id"].as_str().expect("an id").to_owned();
    let offer = json!({ "id": link, "description": { "type": "offer", "revision": 2, "sdp": "v=0\r\n" } });
    let update = json!({ "type": "update", "session": heard[0]["session"], "peer_connections": [offer] });
    stage.hub.text(stage.conn, &json!({ "type": "msg", "body": update }).to_string());
    stage.answer(&link, 2);
    let heard = stage.heard();
    assert_eq!(heard[0]["peer_connections"][0]["description"]["sdp"], "v=0 answer");
    assert_eq!(heard[0]["media_signaling"]["render_hints"]["transport"]["label"], format!("render-{link}"));
    stage.hub.advance_to(10_001);
    assert_eq!(stage.types(), [] as [&str; 0], "nobody waits for the first answer any more");
}

impl Stage {
    /// A report for somebody who is gone.
    fn answer_nobody(&mut self) {
        let signal = Signal { step: Step::Answer, revision: 1, sealed: Sealed("v=0".into()) };
        let (link, news) = (LinkId(LINK.into()), News::Signal(signal));
        self.hub.report(Report::Of { room: RoomId(1), who: ParticipantId(2), link, news });
    }
}

#[test]
fn what_the_media_server_cannot_serve_is_refused() {
    let why = "The description has no fingerprint";
    let cases = [
        (MediaRefusal::Description(why), 53403, why),
        (MediaRefusal::Codec, 53404, "There is no codec in common"),
        (MediaRefusal::Flood, 53405, "The client sends more than one may"),
    ];
    for (why, code, words) in cases {
        for mut stage in [Stage::asking(), Stage::inside()] {
            stage.news(News::Refused(why));
            let heard = stage.heard();
            assert_eq!((heard.len(), &heard[0]["code"], &heard[0]["message"]), (1, &json!(code), &json!(words)));
            assert_eq!(stage.hub.rooms.count(), (0, 0));
        }
    }
}

#[test]
fn a_client_that_goes_before_the_answer_leaves_nothing() {
    for code in [None, Some(1000), Some(1006)] {
        let mut stage = Stage::asking();
        let conn = stage.conn;
        stage.hub.close(conn, code);
        assert_eq!(stage.hub.rooms.count(), (0, 0), "{code:?}: it has no session word to come back with");
        assert!(matches!(stage.hub.orders.last().map(|order| &order.act), Some(Act::Close)));
    }
}

#[test]
fn a_new_link_brings_new_channels() {
    let mut stage = Stage::inside();
    stage.news(News::Dead);
    let heard = stage.heard();
    let description = |body: &Value| body["peer_connections"][0]["description"]["type"].clone();
    assert_eq!(heard.iter().map(description).collect::<Vec<_>>(), ["close", "create-offer"]);
    assert!(heard.iter().all(|body| body["media_signaling"].is_null()), "the old channels are still being closed");
    let link = heard[1]["peer_connections"][0]["id"].as_str().expect("an id").to_owned();
    let session = heard[1]["session"].clone();
    let offer = json!({ "id": link, "description": { "type": "offer", "revision": 2, "sdp": "v=0\r\n" } });
    let update = json!({ "type": "msg", "body": { "type": "update", "session": session, "peer_connections": [offer] } });
    stage.hub.text(stage.conn, &update.to_string());
    stage.answer(&link, 2);
    let heard = stage.heard();
    assert_eq!(heard[0]["media_signaling"]["active_speaker"]["transport"]["label"], format!("speaker-{link}"));
    stage.answer(&link, 3);
    assert!(stage.heard()[0]["media_signaling"].is_null(), "once is enough");
}

#[test]
fn a_room_that_moves_to_the_server_brings_channels_with_the_wish_for_a_link() {
    let mut stage = Stage::of(RoomKind::Auto);
    stage.conn = stage.ask("ann", "ann-bo");
    assert_eq!(stage.heard()[0]["media_signaling"], json!({}), "from browser to browser there are none");
    stage.ask("bo", "bos");
    stage.heard();
    stage.ask("cleo", LINK);
    let heard = stage.heard();
    let wished = heard.iter().find(|body| body["peer_connections"][0]["description"]["type"] == "create-offer").expect("a wish");
    let link = wished["peer_connections"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(wished["media_signaling"]["publisher_hints"]["transport"]["label"], format!("layers-{link}"));
    stage.answer(&link, 1);
    assert!(stage.heard().iter().all(|body| body["media_signaling"].is_null()), "once is enough");
}

#[test]
fn a_channel_tells_the_state_of_things_when_it_is_open() {
    let mut stage = Stage::inside();
    let (room, who, track) = stage.ids();
    stage.hub.report(Report::Speaker { room, who: Some(who) });
    stage.news(News::Switched { off: vec![TrackId(8), TrackId(9)], on: vec![] });
    stage.news(News::Switched { off: vec![], on: vec![TrackId(8)] });
    stage.news(News::Layers { track, needed: vec![true, false] });
    assert_eq!(stage.told(), [], "nobody listens yet");
    for channel in Channel::ALL {
        stage.said(channel, r#"{"type":"ready"}"#);
    }
    let told = stage.told();
    let channels: Vec<Channel> = told.iter().map(|(channel, _)| *channel).collect();
    assert_eq!(channels, [Channel::Speaker, Channel::SwitchOff, Channel::Layers]);
    assert_eq!(told[1].1["off"], json!(["MT00000000000000000000000000000009"]));
    assert_eq!(
        (&told[2].1["publisher"]["id"], &told[2].1["publisher"]["hints"][0]["encodings"][1]["enabled"]),
        (&json!(1), &json!(false))
    );
    stage.news(News::Layers { track, needed: vec![true, true] });
    stage.hub.report(Report::Speaker { room, who: None });
    let told = stage.told();
    assert_eq!((&told[0].1["publisher"]["id"], &told[1].1["participant"]), (&json!(2), &Value::Null));
    let reset = json!({ "type": "client_reset", "track": twilio::sid::track(track), "id": 4 });
    stage.said(Channel::Layers, &reset.to_string());
    assert_eq!(stage.told()[0].1["publisher"]["id"], 3, "what was forgotten is said again");
}

/// A client whose channel was open never heard who speaks, because its only word that it is open was lost.
#[test]
fn a_channel_tells_the_state_of_things_even_if_its_client_says_nothing() {
    let mut stage = Stage::inside();
    let (room, who, track) = stage.ids();
    stage.news(News::Opened(Channel::SwitchOff));
    stage.news(News::Opened(Channel::Layers));
    assert_eq!(stage.told(), [], "there is nothing to tell");
    stage.hub.report(Report::Speaker { room, who: Some(who) });
    assert_eq!(stage.told(), [], "that channel is not open yet");
    stage.news(News::Opened(Channel::Speaker));
    let speaks = (Channel::Speaker, json!({ "type": "active_speaker", "participant": twilio::sid::participant(who) }));
    let told = stage.told();
    assert_eq!(told, [speaks]);
    stage.said(Channel::Speaker, r#"{"type":"ready"}"#);
    assert_eq!(stage.told(), told, "once more, to be sure");
    stage.news(News::Layers { track, needed: vec![true] });
    stage.hub.report(Report::Speaker { room, who: None });
    assert_eq!(stage.told().len(), 2);
}

#[test]
fn figures_are_told_once_for_each_time_they_are_asked_for() {
    let mut stage = Stage::inside();
    let ask = r#"{"type":"network_quality","reportLevel":1,"remoteReportLevel":0}"#;
    let figures = |level| News::Quality(Quality { own: OwnQuality { level, ..OwnQuality::default() }, others: vec![] });
    stage.said(Channel::Quality, ask);
    assert_eq!(stage.told(), [], "there are none yet");
    stage.news(figures(3));
    assert_eq!(stage.told()[0].1["local"], 3);
    stage.news(figures(4));
    assert_eq!(stage.told(), [], "nobody asked");
    stage.said(Channel::Quality, ask);
    assert_eq!(stage.told()[0].1["local"], 4);
}

impl Stage {
    /// The socket is cut and the client comes back on another; `meanwhile` happens in between.
    fn cut(&mut self, session: &Value, meanwhile: impl FnOnce(&mut Stage)) {
        self.hub.close(self.conn, Some(1006));
        meanwhile(self);
        self.conn = self.hub.open(door::session);
        let answered = json!({ "id": LINK, "description": { "type": "offer", "revision": 1, "sdp": "v=0\r\n" } });
        let sync = json!({ "type": "sync", "version": 2, "session": session, "token": door::token("ann", None),
            "participant": { "revision": 1, "tracks": [] }, "peer_connections": [answered] });
        self.hub.text(self.conn, &json!({ "type": "hello", "id": "h", "version": 2, "body": sync }).to_string());
    }
}

/// Older SDKs ask for figures only once until they are told some, and the cut came in between.
#[test]
fn figures_go_on_after_a_cut() {
    let mut stage = Stage::asking();
    stage.answer(LINK, 1);
    let session = stage.heard()[0]["session"].clone();
    stage.said(Channel::Quality, r#"{"type":"network_quality","reportLevel":1,"remoteReportLevel":0}"#);
    stage.cut(&session, |_| ());
    stage.told();
    stage.news(News::Quality(Quality { own: OwnQuality { level: 3, ..OwnQuality::default() }, others: vec![] }));
    let told = stage.told();
    assert_eq!((told.len(), &told[0].1["local"]["level"].as_u64().or(told[0].1["local"].as_u64())), (1, &Some(3)), "{told:?}");
}

/// What a client said on its channels while its socket was cut is heard when it is back.
#[test]
fn words_said_during_a_cut_are_heard() {
    let mut stage = Stage::asking();
    stage.answer(LINK, 1);
    let session = stage.heard()[0]["session"].clone();
    let hints = r#"{"type":"render_hints","subscriber":{"id":1,"hints":[{"track":"MT1","enabled":true}]}}"#;
    stage.cut(&session, |stage| {
        stage.said(Channel::Render, hints);
        assert_eq!(stage.told(), []);
    });
    let told = stage.told();
    assert!(told.iter().any(|(channel, _)| *channel == Channel::Render), "{told:?}");
}

#[test]
fn a_client_that_comes_back_has_its_channels() {
    let mut stage = Stage::asking();
    stage.answer(LINK, 1);
    let session = stage.heard()[0]["session"].clone();
    let (room, who, _) = stage.ids();
    stage.hub.report(Report::Speaker { room, who: Some(who) });
    stage.cut(&session, |_| ());
    assert!(stage.hub.orders.iter().any(|order| order.act == Act::Repeat));
    assert_eq!(stage.told()[0].0, Channel::Speaker, "that may have changed meanwhile");
    let heard = stage.heard();
    assert_eq!((&heard[0]["type"], &heard[0]["peer_connections"][0]["id"]), (&json!("synced"), &json!(LINK)));
    assert!(heard[0]["peer_connections"][0]["description"].is_null());
    stage.hub.report(Report::Speaker { room, who: None });
    assert_eq!(stage.told().len(), 1, "its channels are open still");
}

#[test]
fn a_room_for_sound_refuses_pictures() {
    let mut stage = Stage::empty();
    let options = RoomOptions { audio_only: true, codecs: vec![VideoCodec::Vp8], ..RoomOptions::default() };
    stage.hub.owner(room::Command::SetKind { name: "den".into(), kind: RoomKind::Group, options });
    stage.conn = stage.ask("ann", LINK);
    let (room, who) = stage.hub.rooms.by_name("den").map(|room| (room.id, room.participants[0].id)).expect("a room");
    let signal = Signal { step: Step::Answer, revision: 1, sealed: Sealed("v=0".into()) };
    stage.hub.report(Report::Of { room, who, link: LinkId(LINK.into()), news: News::Signal(signal) });
    let published = stage.heard()[0]["published"]["tracks"][0].clone();
    assert_eq!((&published["state"], &published["error"]["code"]), (&json!("failed"), &json!(53125)));
}

fn record(stage: &mut Stage, rules: Rule) {
    let room = stage.ids().0;
    stage.hub.owner(room::Command::SetRecordRules { room, rules });
}

#[test]
fn clients_are_told_whether_their_room_is_recorded() {
    let mut stage = Stage::asking();
    record(&mut stage, Rule::All);
    stage.answer(LINK, 1);
    let heard = stage.heard();
    assert_eq!(heard[0]["recording"], json!({ "revision": 1, "is_recording": false }), "as it was when it came in");
    assert_eq!(heard[1]["recording"], json!({ "revision": 2, "is_recording": true }));
    record(&mut stage, Rule::Nothing);
    let [update] = &stage.heard()[..] else { panic!("one") };
    assert_eq!((&update["type"], &update["recording"]), (&json!("update"), &json!({ "revision": 3, "is_recording": false })));
    record(&mut stage, Rule::All);
    stage.ask("bo", "bos");
    let all = stage.heard();
    assert!(all.iter().all(|body| body["type"] == "update"), "{all:?}");
}

#[test]
fn a_room_has_the_region_that_it_was_made_with_and_lets_apps_clean_their_sound() {
    let options = |kind, region: &str| {
        let mut stage = Stage::of(kind);
        let memo = Memo { media_region: Some(region.to_owned()), ..Memo::default() }.text();
        let options = RoomOptions::default();
        let terms = Terms { unused_timeout: Duration::from_secs(60), ..Terms::made(kind) };
        let create = Create { room: RoomRef::Name("den".into()), kind, options, terms, memo: Sealed(memo.into()) };
        stage.hub.owner(Command::Create(Box::new(create)));
        stage.conn = stage.ask("ann", LINK);
        if kind == RoomKind::Group {
            stage.answer(LINK, 1);
        }
        stage.heard()[0]["options"].clone()
    };
    let group = options(RoomKind::Group, "au1");
    assert_eq!((&group["media_region"], &group["audio_processors"]), (&json!("au1"), &json!(["krisp"])));
    let mesh = options(RoomKind::PeerToPeer, "au1");
    assert_eq!((&mesh["media_region"], mesh.get("audio_processors")), (&Value::Null, None), "nothing passes the server");
}

/// The media server says whether anything comes of what it records of the first client.
fn silent(stage: &mut Stage, silent: bool) {
    let take = stage.hub.orders.iter().rev().find_map(|order| match &order.act {
        Act::Record(takes) => takes.first().copied(),
        _ => None,
    });
    let (room, recording) = (stage.ids().0, take.expect("asked for").recording);
    stage.hub.report(Report::Recorded { room, recording, news: RecordNews::Silent(silent) });
}

#[test]
fn who_asked_for_it_is_warned_of_tracks_that_are_recorded_and_silent() {
    for asked in [true, false] {
        let mut stage = Stage::empty();
        let mut connect = connect("ann", LINK);
        if asked {
            connect["body"]["participant"]["media_warnings"] = json!(["recordings", "something newer"]);
        }
        stage.conn = stage.hub.open(door::session);
        stage.hub.text(stage.conn, r#"{"type":"hello","id":"h","version":2,"timeout":5000}"#);
        stage.hub.text(stage.conn, &connect.to_string());
        stage.answer(LINK, 1);
        record(&mut stage, Rule::All);
        stage.heard();
        silent(&mut stage, true);
        silent(&mut stage, false);
        let track = format!("MT{:032x}", stage.ids().2.0);
        let told = |revision: u64, word: &str| json!({ "type": "warning", "version": 2, "states": { "revision": revision, "tracks": { &track: { "recordings": word } } } });
        let expected = if asked { vec![told(1, "NO_MEDIA"), told(2, "OK")] } else { Vec::new() };
        assert_eq!(stage.heard(), expected);
    }
}

#[test]
fn profiles_are_understood() {
    let scene = transcript::scene("options-all");
    let connect = scene.frames.iter().find_map(|frame| match &frame.what {
        What::Said(message) if message["body"]["type"] == "connect" => Some(message.clone()),
        _ => None,
    });
    let mut connect = connect.expect("a connect");
    connect["body"]["token"] = json!(door::token("ann", None));
    let mut stage = Stage::empty();
    let conn = stage.hub.open(door::session);
    stage.hub.text(conn, r#"{"type":"hello","id":"h","version":2,"timeout":5000}"#);
    stage.hub.text(conn, &connect.to_string());
    stage.conn = conn;
    assert!(!stage.hub.orders.is_empty(), "{:?}", stage.heard());
    let Act::Open(open) = &stage.hub.orders[0].act else { panic!("{:?}", stage.hub.orders[0]) };
    assert_eq!((open.profile.mode, open.profile.bitrate_max), (room::Mode::Presentation, Some(2_400_000)));
    assert_eq!((open.profile.speaker_priority, open.profile.hinted), (Some(room::Priority::High), true));
    assert_eq!(open.channels, Channel::ALL);
}

/// A tile of 0 by 0 makes a page's script divide by nothing, and the SDK writes that as `null`.
#[test]
fn a_hint_without_a_size_is_answered_and_the_others_are_acted_on() {
    let mut stage = Stage::inside();
    let (_, _, track) = stage.ids();
    let hint = |size: Value| json!({ "track": twilio::sid::track(track), "enabled": true, "render_dimensions": size });
    let hints = [hint(json!({ "width": null, "height": null })), hint(json!({ "width": 320, "height": 180 }))];
    let text = json!({ "type": "render_hints", "subscriber": { "id": 7, "hints": hints } });
    stage.told();
    stage.said(Channel::Render, &text.to_string());
    let told = stage.told();
    assert_eq!((told.len(), &told[0].1["subscriber"]["id"]), (1, &json!(7)));
    assert_eq!(told[0].1["subscriber"]["hints"].as_array().map(Vec::len), Some(2));
}

/// Whatever a client says by its channels, it stays in its room, and is answered as before.
#[test]
fn hostile_texts_are_counted_and_change_nothing() {
    let mut stage = Stage::inside();
    let mut random = Random::new(7);
    let good = [
        r#"{"type":"ready"}"#,
        r#"{"type":"render_hints","subscriber":{"id":1,"hints":[{"track":"MT1","enabled":true}]}}"#,
        r#"{"type":"network_quality","reportLevel":3}"#,
        r#"{"type":"track_priority","track":"MT00000000000000000000000000000009","subscribe":"low"}"#,
        r#"{"type":"publisher_hints","id":1,"hints":[{"track":"MT1","result":"OK"}]}"#,
    ];
    for round in 0..20_000 {
        let channel = Channel::ALL[random.below(6)];
        let mut text = good[random.below(good.len())].as_bytes().to_vec();
        for _ in 0..random.below(4) {
            let at = random.below(text.len());
            match round % 3 {
                0 => text[at] = random.below(128) as u8,
                1 => text.truncate(at.max(1)),
                _ => text.insert(at, b"{}[]\",:0"[random.below(8)]),
            }
        }
        stage.said(channel, &String::from_utf8_lossy(&text));
    }
    assert!(stage.hub.ignored > 1_000, "{}", stage.hub.ignored);
    assert_eq!((stage.hub.rooms.count(), stage.types().len()), ((1, 1), 0));
    stage.told();
    stage.said(Channel::Render, good[1]);
    assert_eq!(stage.told().len(), 1);
}

/// The SDK resolves what an app published when it hears of it, be that later.
#[test]
fn a_list_that_came_too_soon_is_taken_later_and_told() {
    let mut stage = Stage::asking();
    stage.answer(LINK, 1);
    let session = stage.heard()[0]["session"].clone();
    for revision in 3..LISTS_AT_ONCE + 4 {
        let track = |id: &str| json!({ "id": id, "kind": "video", "name": id });
        let tracks: Vec<Value> = ["cam", "screen"][..1 + revision as usize % 2].iter().copied().map(track).collect();
        let participant = json!({ "revision": revision, "tracks": tracks });
        let update = json!({ "type": "msg", "body": { "type": "update", "session": session, "participant": participant } });
        stage.hub.text(stage.conn, &update.to_string());
    }
    let told = stage.heard();
    assert_eq!(told.len(), LISTS_AT_ONCE as usize, "one has to wait");
    let counts = |body: &Value| body["published"]["tracks"].as_array().map(Vec::len);
    let (last, before) = (counts(&told[told.len() - 1]), told[told.len() - 1]["published"]["revision"].as_u64());
    stage.hub.advance_to(stage.hub.now_ms() + LIST_EVERY.as_millis() as u64);
    let told = stage.heard();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_ne!(counts(&told[0]), last);
    assert!(told[0]["published"]["revision"].as_u64() > before);
    assert_eq!(told[0]["published"]["tracks"][0]["state"], "ready");
}
