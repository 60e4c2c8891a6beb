//! What both doors cost without a socket: people who come, mute and leave, with the rooms behind them, and REST read and written.
//!
//! `cargo bench -p kennel-bench --bench doors` measures all, `… -- twilio join` what has these words in its name.

#![allow(missing_docs, dead_code, reason = "shares the tests' model of a town")]

#[path = "../tests/scale/guest.rs"]
mod guest;
#[path = "../../media/tests/sfu/meter.rs"]
mod meter;
#[path = "../../media/benches/rows/mod.rs"]
mod rows;
#[path = "../tests/scale/scene.rs"]
mod scene;
#[path = "../tests/scale/town.rs"]
mod town;

use std::hint::black_box;

use guest::Door;
use room::{RoomId, RoomKind, RoomOptions};
use rows::{Act, Row};
use scene::What;
use town::Town;

const ROWS: &[Row] = &[
    Row { name: "twilio: join 9 people", times: 20, make: || happens(Door::Twilio, (1, 9), What::Join) },
    Row { name: "twilio: mute among 10", times: 20, make: || happens(Door::Twilio, (1, 9), What::Mute) },
    Row { name: "twilio: mute among 40", times: 20, make: || happens(Door::Twilio, (1, 39), What::Mute) },
    Row { name: "twilio: leave 9 people", times: 20, make: || happens(Door::Twilio, (1, 9), What::Leave) },
    Row { name: "twilio: join 3 people beside 20 rooms", times: 20, make: || happens(Door::Twilio, (20, 3), What::Join) },
    Row { name: "twilio: join 3 people beside 400 rooms", times: 20, make: || happens(Door::Twilio, (400, 3), What::Join) },
    Row { name: "signalwire: join 9 people", times: 20, make: || happens(Door::SignalWire, (1, 9), What::Join) },
    Row { name: "signalwire: mute among 10", times: 20, make: || happens(Door::SignalWire, (1, 9), What::Mute) },
    Row { name: "signalwire: mute among 40", times: 20, make: || happens(Door::SignalWire, (1, 39), What::Mute) },
    Row { name: "signalwire: leave 9 people", times: 20, make: || happens(Door::SignalWire, (1, 9), What::Leave) },
    Row { name: "twilio rest: read a new room", times: 100, make: read_twilio },
    Row { name: "twilio rest: write a page of 50 rooms", times: 20, make: write_twilio },
    Row { name: "signalwire rest: read a new room", times: 100, make: read_signalwire },
    Row { name: "signalwire rest: write a page of 50 rooms", times: 20, make: write_signalwire },
];

fn main() {
    rows::run(ROWS);
}

/// One more comes into a room of so many beside so many others, mutes and leaves again; the cost of one of the three.
fn happens(door: Door, (rooms, people): (usize, usize), what: What) -> Act {
    let mut town = Town::new();
    (0..rooms).for_each(|n| town.enlarge(door, &format!("room {n}")));
    for n in 0..rooms * people {
        town.join(door, &format!("room {}", n % rooms), &format!("person {n}"));
    }
    let mut n = 0;
    Box::new(move |meter| {
        n += 1;
        let before = town.cost;
        let is = |town: &mut Town, now: What| town.counted = now == what;
        is(&mut town, What::Join);
        let conn = town.join(door, &format!("room {}", n * 7 % rooms), &format!("newcomer {n}"));
        let joined = town.cost;
        is(&mut town, What::Mute);
        town.mute(conn);
        let muted = town.cost;
        is(&mut town, What::Leave);
        town.leave(conn);
        town.counted = false;
        let spent = match what {
            What::Join => joined.since(&before),
            What::Mute => muted.since(&joined),
            _ => town.cost.since(&muted),
        };
        // One thing that happens is some pieces of work.
        *meter = meter.and(&meter::Meter { calls: 1, ..spent });
    })
}

fn read_twilio() -> Act {
    let defaults = twilio::rest::Defaults { kind: RoomKind::Group, media_region: "us1".into() };
    let body = "UniqueName=Daily+Stand-Up&Type=group&MaxParticipants=20&StatusCallback=https%3A%2F%2Fexample.org%2Fhook&StatusCallbackMethod=POST\
                &RecordParticipantsOnConnect=false&VideoCodecs=VP8&VideoCodecs=H264&EmptyRoomTimeout=10&UnusedRoomTimeout=10";
    Box::new(move |meter| {
        let ask = meter.counted(|| {
            twilio::rest::parse(&twilio::rest::Request {
                method: "POST",
                path: "/v1/Rooms",
                query: "",
                content_type: Some("application/x-www-form-urlencoded; charset=utf-8"),
                body: black_box(body).as_bytes(),
                defaults: &defaults,
            })
        });
        assert!(matches!(ask, Ok(twilio::rest::Ask::CreateRoom(_))), "{ask:?}");
    })
}

fn write_twilio() -> Act {
    let room = |n: u128| twilio::rest::Room {
        id: RoomId(n),
        name: format!("room {n}"),
        status: twilio::rest::RoomStatus::InProgress,
        kind: RoomKind::Group,
        options: RoomOptions::default(),
        created_ms: 1_597_887_725_839,
        updated_ms: 1_597_887_725_839,
        ended_ms: None,
        seats_max: 50,
        session_max_s: 14_400,
        empty_timeout_s: 300,
        unused_timeout_s: 300,
        tracks_max: Some(170),
        memo: twilio::rest::Memo::default(),
    };
    let rooms: Vec<twilio::rest::Room> = (0..50).map(room).collect();
    let host = twilio::rest::Host { url: "https://video.example.org:8443", account: "AC00000000000000000000000000000001" };
    let page = twilio::rest::PageAsk { size: 50, number: 0, anchor: twilio::rest::Anchor::First, filters: Vec::new() };
    Box::new(move |meter| {
        let list = twilio::rest::ListOf::Rooms;
        let text =
            meter.counted(|| twilio::rest::render_list(&host, list, &page, black_box(&rooms), twilio::rest::Ends::default()));
        assert!(text.len() > 50 * 500);
    })
}

const NEW_ROOM: &str = r#"{"name":"Main_Office","display_name":"The main office","max_members":20,"quality":"1080p","fps":30,
    "layout":"highlight-1-responsive","join_from":"2030-01-01T00:00:00Z","record_on_start":false,"meta":{"colour":"red"}}"#;

fn ask_signalwire(method: &str, path: &str, body: &str) -> signalwire::rest::Ask {
    let request = signalwire::rest::Request { method, path, query: "", body: body.as_bytes() };
    signalwire::rest::parse(&request).expect("a good request")
}

fn read_signalwire() -> Act {
    Box::new(move |meter| {
        let ask = meter.counted(|| ask_signalwire("POST", "/api/video/rooms", black_box(NEW_ROOM)));
        assert!(matches!(ask, signalwire::rest::Ask::CreateRoom(_)));
    })
}

fn write_signalwire() -> Act {
    let made = |n: u128| match ask_signalwire("POST", "/api/video/rooms", NEW_ROOM) {
        signalwire::rest::Ask::CreateRoom(draft) => draft.make(n << 64, 1_700_000_000_000),
        other => panic!("{other:?}"),
    };
    let rooms: Vec<_> = (0..50).map(made).collect();
    let page = match ask_signalwire("GET", "/api/video/rooms", "") {
        signalwire::rest::Ask::ListRooms(_, page) => page,
        other => panic!("{other:?}"),
    };
    Box::new(move |meter| {
        let text = meter.counted(|| {
            let rows = black_box(&rooms).iter().map(|room| signalwire::rest::render_room(room, None)).collect();
            signalwire::rest::render_list("https://h/api/video/rooms", &page, signalwire::rest::Ends::default(), rows).to_string()
        });
        assert!(text.len() > 50 * 500, "{}", text.len());
    })
}
