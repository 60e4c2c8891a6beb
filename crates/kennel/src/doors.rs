//! The vendors' sockets, and the rooms as the web layer sees them: where doors, hub and HTTP meet.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use axum::routing::get;
use room::{
    Command, Limits, Moment, ParticipantId, Presence, Refusal, RoomId, RoomKind, RoomOptions, RoomView, Rooms, Rule, Snapshot,
    View,
};

use crate::clock;
use crate::config::{Config, RoomType};
use crate::desk::Desk;
use crate::history::Past;
use crate::hub;
use crate::journal;
use crate::keyring::{origin, random};
use crate::metrics::Metrics;
use crate::spaces;
use crate::web::accept::Connection;
use crate::web::asked::Asked;
use crate::web::ws::{self, MESSAGE_BYTES_MAX, Means};
use crate::web::{Inside, Later, NotRecorded, Present, Recorded, RoomRow, RoomState, RoomsView, SOCKET_BUFFER_BYTES};

/// Starts the rooms as configured, with the media server if there is one, and takes up what was before a restart.
pub async fn start_rooms(
    config: &Config,
    past: Past,
    metrics: Metrics,
    media: Option<hub::Media>,
    journal: Option<journal::Handle>,
) -> hub::Handle {
    let limits = Limits {
        session_timeout: config.session_timeout,
        rooms_max: config.rooms_max,
        adhoc: config.adhoc_rooms,
        kind: kind_of(config.room_type),
        ..Limits::default()
    };
    let mut rooms = Rooms::new(limits, media.is_some(), Box::new(random::id));
    rooms.restore_ended(past.ended);
    rooms.restore(Moment::START, past.rooms);
    let hub = hub::start_with(rooms, metrics, media, journal);
    for (name, room) in &config.rooms {
        let options = RoomOptions { audio_only: room.audio_only, codecs: room.video_codecs.clone(), ..RoomOptions::default() };
        if let Err(refusal) = set_kind(&hub, name, room.kind, options).await {
            tracing::warn!(?refusal, "a room of the configuration cannot have its type");
        }
    }
    hub
}

/// The sockets of every door.
pub fn router(desk: Desk, means: Means) -> Router {
    let signaling = move |place: Extension<Connection>, asked: Extension<Asked>, upgrade: WebSocketUpgrade| {
        twilio_socket(upgrade, place.0, desk.clone().dialled(&asked.host.name), means.clone())
    };
    Router::new().route("/signaling", get(signaling))
}

/// The socket of SignalWire's door: at any path.
pub fn relay(desk: spaces::desk::Desk, means: Means) -> Router {
    let socket = move |place: Extension<Connection>, upgrade: WebSocketUpgrade| {
        relay_socket(upgrade, place.0, desk.clone(), means.clone())
    };
    Router::new().fallback(get(socket))
}

async fn relay_socket(upgrade: WebSocketUpgrade, place: Connection, desk: spaces::desk::Desk, means: Means) -> Response {
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    let upgrade = upgrade.read_buffer_size(SOCKET_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        let session = signalwire::Session::new(means.hub.moment(), Box::new(desk));
        ws::drive(socket, Box::new(session), place, means).await;
    })
}

async fn twilio_socket(upgrade: WebSocketUpgrade, place: Connection, desk: Desk, means: Means) -> Response {
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    let upgrade = upgrade.read_buffer_size(SOCKET_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        let session = twilio::Session::new(means.hub.moment(), Box::new(desk));
        ws::drive(socket, Box::new(session), place, means).await;
    })
}

impl RoomsView for hub::Handle {
    fn identities<'a>(&'a self, room: &'a str) -> Later<'a, Vec<Present>> {
        Box::pin(async move {
            let room = self.room(room).await;
            room.map(|room| room.participants.iter().map(|one| present(one)).collect()).unwrap_or_default()
        })
    }

    fn rooms(&self) -> Later<'_, Vec<RoomRow>> {
        Box::pin(async move {
            let (now, unix_ms) = (self.moment(), clock::unix_ms());
            let created = |room: &RoomView| unix_ms.saturating_sub(ms(now.since(room.began)));
            self.rooms().await.iter().map(|room| row(room, created(room))).collect()
        })
    }

    fn withdraw(&self, origin: &str) {
        let (hub, origin) = (self.clone(), origin.to_owned());
        tokio::spawn(async move {
            for origin in ending_with(hub.origins().await, &origin) {
                // The owner's commands to put people out are never refused.
                let _ = hub.owner(Command::Withdraw(origin)).await;
            }
        });
    }

    fn record<'a>(&'a self, room: &'a str, on: bool) -> Later<'a, Result<RoomId, NotRecorded>> {
        Box::pin(async move {
            let id = self.room(room).await.ok_or(NotRecorded::NoRoom)?.id;
            let rules = if on { Rule::All } else { Rule::Nothing };
            match self.owner(Command::SetRecordRules { room: id, rules }).await {
                Ok(_) => Ok(id),
                Err(Refusal::NoRules) => Err(NotRecorded::Direct),
                Err(_) => Err(NotRecorded::NoRoom),
            }
        })
    }

    fn set_room_type<'a>(&'a self, room: &'a str, kind: RoomType) -> Later<'a, Result<(), Refusal>> {
        Box::pin(set_kind(self, room, kind, RoomOptions::default()))
    }

    fn state<'a>(&'a self, room: &'a str) -> Later<'a, Option<RoomState>> {
        Box::pin(async move {
            let room = self.room(room).await?;
            Some(RoomState {
                mixed: room.participants.iter().any(|one| one.member.view == View::Mix),
                locked: room.stage.locked,
                full: room.participants.len() >= room.terms.seats_max,
                recording: recorded(&room),
            })
        })
    }

    fn end<'a>(&'a self, room: &'a str) -> Later<'a, bool> {
        Box::pin(async move {
            let Some(room) = self.room(room).await else { return false };
            self.owner(Command::EndRoom(room.id)).await.is_ok()
        })
    }

    fn inside<'a>(&'a self, room: &'a str, participant: u128) -> Later<'a, Inside> {
        let who = ParticipantId(participant);
        Box::pin(async move {
            let room = self.room(room).await;
            if room.is_none_or(|room| room.participants.iter().all(|one| one.id != who)) {
                return Inside::Absent;
            }
            let origin = self.origin(who).await;
            origin.map_or(Inside::Absent, |origin| Inside::Came(origin.map(|origin| origin.to_string())))
        })
    }
}

async fn set_kind(hub: &hub::Handle, room: &str, kind: RoomType, options: RoomOptions) -> Result<(), Refusal> {
    let command = Command::SetKind { name: room.into(), kind: kind_of(kind), options };
    hub.owner(command).await.map(drop)
}

fn present(one: &Snapshot) -> Present {
    Present { identity: one.identity.to_string(), connected: one.presence == Presence::Connected }
}

/// Those of these origins that are what is withdrawn.
fn ending_with(origins: BTreeSet<Arc<str>>, withdrawn: &str) -> impl Iterator<Item = Arc<str>> {
    origins.into_iter().filter(move |own| origin::ends_with(own, withdrawn))
}

fn recorded(room: &RoomView) -> Recorded {
    match (room.recording_waits, room.recording, &room.options.record) {
        (true, ..) => Recorded::Waits,
        (_, false, rules) if rules.takes_any() => Recorded::Idle,
        (_, false, _) => Recorded::Off,
        (_, true, Rule::All) => Recorded::All,
        (_, true, _) => Recorded::Some,
    }
}

fn row(room: &RoomView, created: u64) -> RoomRow {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    RoomRow {
        name: room.name.to_string(),
        sid: twilio::sid::room(room.id),
        kind: twilio::kind_name(room.kind).to_owned(),
        participants: count(room.participants.len()),
        limit: count(room.terms.seats_max),
        recording: room.recording,
        created,
    }
}

/// The kind that a type is.
#[must_use]
pub fn kind_of(kind: RoomType) -> RoomKind {
    match kind {
        RoomType::Auto => RoomKind::Auto,
        RoomType::Go => RoomKind::Go,
        RoomType::PeerToPeer => RoomKind::PeerToPeer,
        RoomType::Group => RoomKind::Group,
        RoomType::GroupSmall => RoomKind::GroupSmall,
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use room::{ParticipantId, Rights, RoomId, Rule, SavedParticipant, SavedRoom, SeatKey, Terms};

    use super::*;

    fn seat(id: u128, identity: &str, origin: &str) -> SavedParticipant {
        SavedParticipant {
            id: ParticipantId(id),
            identity: identity.into(),
            seat: SeatKey(id),
            rights: Rights::GUEST,
            rule: Rule::Nothing,
            age: Duration::ZERO,
            origin: Some(origin.into()),
            channels: Vec::new(),
            profile: room::Profile::default(),
            tracks: Vec::new(),
            barred: Vec::new(),
            revision: 1,
            list_revision: 1,
            published_revision: 1,
            subscribed_revision: 1,
            warned_revision: None,
        }
    }

    #[test]
    fn what_is_recorded_of_a_room_follows_from_its_rules_and_what_is_written() {
        let check = |rules: Rule, recording: bool, recording_waits: bool, expected: Recorded| {
            let options = RoomOptions { record: rules, ..RoomOptions::default() };
            let room = RoomView { options, recording, recording_waits, ..view() };
            assert_eq!(recorded(&room), expected, "{:?}", room.options.record);
        };
        check(Rule::Nothing, false, false, Recorded::Off);
        check(Rule::Listed([].into()), false, false, Recorded::Off);
        check(Rule::All, false, false, Recorded::Idle);
        check(Rule::All, false, true, Recorded::Waits);
        check(Rule::All, true, false, Recorded::All);
        check(Rule::Nothing, true, false, Recorded::Some);
    }

    fn view() -> RoomView {
        RoomView {
            id: RoomId(1),
            name: "Den".into(),
            kind: RoomKind::Group,
            options: RoomOptions::default(),
            terms: Terms::adhoc(RoomKind::Group, &Limits::default()),
            by_owner: false,
            memo: room::Sealed::default(),
            topology: room::Topology::Server,
            recording: false,
            recording_waits: false,
            began: Moment::START,
            participants: Vec::new(),
            stage: Arc::default(),
        }
    }

    async fn left(hub: &hub::Handle, count: usize) -> Vec<Present> {
        loop {
            let present = hub.identities("Den").await;
            if present.len() == count {
                return present;
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_session_puts_its_own_out_and_a_link_all_of_its_sessions() {
        let seats = [(1, "Phone", "a.1"), (2, "Tablet", "a.2"), (3, "Script", "a"), (4, "Grandma", "b.3")];
        let participants = seats.map(|(id, identity, origin)| seat(id, identity, origin)).to_vec();
        let mut rooms = Rooms::new(Limits::default(), false, Box::new(random::id));
        let saved = SavedRoom {
            id: RoomId(1),
            name: "Den".into(),
            kind: RoomKind::PeerToPeer,
            options: RoomOptions::default(),
            terms: Terms::adhoc(RoomKind::PeerToPeer, &Limits::default()),
            by_owner: false,
            memo: room::Sealed::default(),
            age: Duration::ZERO,
            idle: None,
            served: false,
            recording_revision: 0,
            participants,
            links: vec![],
            spares: vec![],
            stage: room::SavedStage::default(),
        };
        rooms.restore(Moment::START, vec![saved]);
        let hub = hub::start(rooms, Metrics::new());
        hub.withdraw("a.1");
        assert!(left(&hub, 3).await.iter().all(|one| one.identity != "Phone" && !one.connected));
        hub.withdraw("a");
        assert_eq!(left(&hub, 1).await[0].identity, "Grandma");
    }
}
