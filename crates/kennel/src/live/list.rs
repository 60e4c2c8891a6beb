//! The list of cameras as text.

use std::collections::{BTreeMap, HashMap};

use super::message::{CameraRow, Part, ToClient};
use super::{Camera, Place, Socket, SocketId};

/// Watchers whose names stand in one camera's row; the others are only counted. More than a room holds, and than anybody reads.
pub const NAMED: usize = 50;
/// Names of watchers in one list. With [`NAMED`] it keeps the list of as many cameras as there can be, each name as long as it may
/// be, under 3 MiB.
pub const NAMED_IN_ALL: usize = 2000;

/// Those who watch one room.
#[derive(Default)]
struct Watchers<'a> {
    names: Vec<&'a str>,
    count: usize,
}

/// The list of all cameras, or of those in one room, as JSON.
pub(super) fn text(sockets: &BTreeMap<SocketId, Socket>, cameras: &BTreeMap<Place, Camera>, only: Option<&str>) -> String {
    let watchers = watchers(sockets);
    let nobody = Watchers::default();
    let mut left = NAMED_IN_ALL;
    let seen = cameras.iter().filter(|((room, _), _)| only.is_none_or(|only| only == room));
    let rows = seen.map(|((room, name), camera)| {
        let watchers = watchers.get(room.as_str()).unwrap_or(&nobody);
        let named = &watchers.names[..watchers.names.len().min(left)];
        left -= named.len();
        CameraRow {
            room,
            name,
            state: camera.state,
            since: camera.since_unix_ms,
            status: camera.status.as_ref(),
            watchers: named,
            watching: watchers.count,
        }
    });
    let message = ToClient::Cameras { cameras: rows.collect() };
    serde_json::to_string(&message).expect("strings and numbers always print")
}

fn watchers(sockets: &BTreeMap<SocketId, Socket>) -> HashMap<&str, Watchers<'_>> {
    let mut watchers: HashMap<&str, Watchers<'_>> = HashMap::new();
    let hellos = sockets.values().filter_map(|socket| socket.hello.as_ref());
    for hello in hellos.filter(|hello| hello.part == Part::Watch) {
        let room = watchers.entry(&hello.room).or_default();
        room.count += 1;
        if room.names.len() < NAMED {
            room.names.push(&hello.name);
        }
    }
    watchers
}
