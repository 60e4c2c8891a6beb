//! Any request to the other vendor's REST API. The input is a line with a method and a target, a line end, and a body.

use serde_json::Value;
use signalwire::rest::{
    Ask, Ends, NewToken, Page, Refusal, Request, RoomDraft, RoomRecord, limit, parse, render_list, render_room,
};

const HOST: &str = "https://h.example";

pub fn run(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let line = String::from_utf8_lossy(&data[..end]);
    let (method, target) = line.split_once(' ').unwrap_or(("GET", &line));
    match ask(method, target, data.get(end + 1..).unwrap_or_default()) {
        Ok(asked) => check(target, asked),
        Err(refusal) => check_refusal(&refusal),
    }
}

fn ask(method: &str, target: &str, body: &[u8]) -> Result<Ask, Refusal> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    parse(&Request { method, path, query, body })
}

/// Whatever is refused is refused in the vendor's envelope, and what is wrong with a field names it.
fn check_refusal(refusal: &Refusal) {
    let body: Value = serde_json::from_str(&refusal.body()).expect("JSON");
    assert!([400, 404, 405, 413, 422, 501].contains(&refusal.status()));
    let Refusal::Invalid(faults) = refusal else {
        assert!(body["error"].as_str().is_some_and(|words| !words.is_empty()), "{body}");
        return;
    };
    assert!((1..=limit::FAULTS_MAX).contains(&faults.len()));
    for (fault, shown) in faults.iter().zip(body["errors"].as_array().expect("a list")) {
        assert_eq!(shown["attribute"], fault.attribute);
        let first_word = fault.attribute.split('_').next().unwrap_or_default();
        assert!(fault.message.to_ascii_lowercase().starts_with(first_word), "{}", fault.message);
    }
}

/// Whatever is accepted is within the limits, and comes back from what is written of it.
fn check(target: &str, asked: Ask) {
    let list = asked.clone();
    match asked {
        Ask::CreateRoom(draft) => check_room(*draft),
        Ask::CreateToken(token) => check_token(&token),
        Ask::ListRooms(_, page)
        | Ask::ListSessions(_, page)
        | Ask::ListMembers(_, page)
        | Ask::ListEvents(_, page)
        | Ask::ListRecordings(_, _, page)
        | Ask::ListRecordingEvents(_, page)
        | Ask::ListStreams(_, page)
        | Ask::ListLogs(page) => check_page(target, &list, &page),
        _ => {}
    }
}

/// A room that is asked to be as it is shown stays as it is shown.
fn check_room(draft: RoomDraft) {
    let room = draft.make(7, 1_700_000_000_000);
    assert!((1..=limit::NAME_CHARS_MAX).contains(&room.name.chars().count()));
    assert!(room.display_name.chars().count() <= limit::DISPLAY_NAME_CHARS_MAX && !room.display_name.is_empty());
    assert!(room.description.chars().count() <= limit::DESCRIPTION_CHARS_MAX);
    assert!((1..=limit::MEMBERS_MAX).contains(&room.max_members) && [20, 30].contains(&room.fps));
    assert!(room.remove_after_s.is_none_or(|s| (1..=limit::REMOVE_AFTER_S_MAX).contains(&s)));
    assert!(room.join_from_ms.zip(room.join_until_ms).is_none_or(|(from, until)| from < until));
    assert_eq!(RoomRecord::of_memo(&room.memo()).as_ref(), Some(&room));
    let shown = render_room(&room, None);
    let Ok(Ask::UpdateRoom(_, again)) = ask("PUT", "/api/video/rooms/x", shown.to_string().as_bytes()) else {
        // Two moments within one second are shown as the same one.
        assert_eq!(shown["join_from"], shown["join_until"], "{shown}");
        return;
    };
    let plain = RoomRecord { id: 7, name: room.name.clone(), created_ms: room.created_ms, ..RoomRecord::default() };
    assert_eq!(render_room(&again.change(plain, room.updated_ms).expect("a room"), None), shown);
}

fn check_token(token: &NewToken) {
    assert!((1..=limit::NAME_CHARS_MAX).contains(&token.room_name.chars().count()));
    assert!(token.user_name.as_ref().is_none_or(|name| (1..=limit::USER_NAME_CHARS_MAX).contains(&name.chars().count())));
    assert!(token.permissions.as_ref().is_none_or(|all| all.len() <= signalwire::limit::SCOPES_MAX));
    assert!(token.remove_after_s.is_none_or(|s| (1..=limit::REMOVE_AFTER_S_MAX).contains(&s)));
    assert!(token.join_from_ms.zip(token.join_until_ms).is_none_or(|(from, until)| from < until));
}

/// The address of the page itself leads to the same page, and each other to a page.
fn check_page(target: &str, asked: &Ask, page: &Page) {
    assert!((1..=limit::PAGE_SIZE_MAX).contains(&page.size));
    let path = target.split('?').next().unwrap_or_default();
    let list = render_list(&format!("{HOST}{path}"), page, Ends { after: Some(-1) }, Vec::new());
    let target = |name: &str| list["links"][name].as_str().and_then(|url| url.strip_prefix(HOST)).expect("an address").to_owned();
    assert_eq!(ask("GET", &target("self"), b"").as_ref(), Ok(asked));
    assert!(ask("GET", &target("first"), b"").is_ok() && ask("GET", &target("next"), b"").is_ok());
}
