//! Any request to the REST API. The input is a line with a method and a target, a line end, and a form.

use serde_json::Value;
use twilio::rest::{
    Ask, Defaults, Ends, Host, ListOf, Memo, NewRoom, Nothing, PageAsk, Refusal, Request, limit, parse, render_list, rules,
};
use twilio::webhook;

const HOST: Host<'static> = Host { url: "https://h.example", account: "AC00000000000000000000000000000001" };

pub fn run(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let line = String::from_utf8_lossy(&data[..end]);
    let (method, target) = line.split_once(' ').unwrap_or(("GET", &line));
    match ask(method, target, data.get(end + 1..).unwrap_or_default()) {
        Ok(asked) => check(&asked),
        Err(refusal) => check_refusal(&refusal),
    }
}

fn ask(method: &str, target: &str, body: &[u8]) -> Result<Ask, Refusal> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let defaults = Defaults { kind: room::RoomKind::Group, media_region: "us1".into() };
    parse(&Request { method, path, query, content_type: None, body, defaults: &defaults })
}

/// Whatever is refused is refused in the vendor's envelope, and what is wrong with a parameter names it.
fn check_refusal(refusal: &Refusal) {
    let body: Value = serde_json::from_str(&refusal.body()).expect("JSON");
    assert_eq!((&body["status"], &body["code"]), (&refusal.status.into(), &refusal.code.into()));
    assert!(body["message"].is_string() && body["more_info"].is_string());
    assert!(body.get("type").is_none() && body.get("title").is_none());
    assert!([400, 404, 405, 413].contains(&refusal.status));
    assert_eq!(refusal.status == 405, refusal.allow.is_some());
    if refusal.code >= 53000 {
        assert!(refusal.message.contains(refusal.parameter.as_deref().expect("a parameter")));
    }
}

/// Whatever is accepted is within the limits, and comes back from what is written of it.
fn check(asked: &Ask) {
    match asked {
        Ask::CreateRoom(room) => check_room(room),
        Ask::SetSubscribeRules(_, _, lines) => assert_eq!(rules::subscribe(&rules::spell(lines)).as_ref(), Ok(lines)),
        Ask::SetRecordingRules(_, lines) => assert_eq!(rules::recording(&rules::spell_recording(lines)).as_ref(), Ok(lines)),
        Ask::ListRooms(_, page) => check_page(asked, ListOf::Rooms, page),
        Ask::ListRecordings(None, _, page) => check_page(asked, ListOf::Recordings(None), page),
        Ask::ListCompositions(_, page) => check_page(asked, ListOf::Compositions, page),
        Ask::ListHooks(_, page) => check_page(asked, ListOf::Hooks, page),
        _ => {}
    }
}

fn check_room(room: &NewRoom) {
    assert!((1..=room.kind.participants_max()).contains(&(room.seats_max as usize)));
    assert!(limit::PARTICIPANT_DURATION_S.contains(&room.session_max_s));
    assert!(
        [room.empty_timeout_s, room.unused_timeout_s].iter().all(|s| s % 60 == 0 && limit::TIMEOUT_MINUTES.contains(&(s / 60)))
    );
    assert!(room.name.as_ref().is_none_or(|name| (1..=limit::NAME_CHARS_MAX).contains(&name.chars().count())));
    assert_eq!(Memo::read(&room.memo.text()), room.memo);
    if let Some(url) = &room.memo.status_callback {
        let call = webhook::call(url, room.memo.status_callback_method, &[], 0, "tok").expect("a call");
        assert!(webhook::Url::parse(&call.url).is_none_or(|url| url.text() == call.url), "{}", call.url);
    }
}

/// The address of the page itself leads to the same page.
fn check_page(asked: &Ask, list: ListOf, page: &PageAsk) {
    assert!((1..=limit::PAGE_SIZE_MAX).contains(&page.size));
    let text = render_list::<Nothing>(&HOST, list, page, &[], Ends { before: Some(-1), after: Some(i64::MAX) });
    let body: Value = serde_json::from_str(&text).expect("JSON");
    let target =
        |name: &str| body["meta"][name].as_str().and_then(|url| url.strip_prefix(HOST.url)).expect("an address").to_owned();
    let short = target("url").len() <= limit::QUERY_BYTES_MAX;
    assert!(!short || ask("GET", &target("url"), b"").as_ref() == Ok(asked));
    assert!(!short || ask("GET", &target("next_page_url"), b"").is_ok());
}
