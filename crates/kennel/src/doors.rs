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
    Command, Kind, Limits, MixState, Moment, ParticipantId, Presence, Refusal, RoomKind, RoomOptions, RoomView, Rooms, Rule,
    Snapshot, View,
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
use crate::web::{Inside, Later, NotRecorded, Present, Recorded, RoomRow, RoomState, RoomsView, Ruled, SOCKET_BUFFER_BYTES};

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

    fn record<'a>(&'a self, room: &'a str, on: bool) -> Later<'a, Result<Ruled, NotRecorded>> {
        Box::pin(async move {
            let before = self.room(room).await.ok_or(NotRecorded::NoRoom)?;
            self.owner(Command::Record { room: before.id, on }).await.map_err(|refusal| match refusal {
                Refusal::NoRules => NotRecorded::Direct,
                _ => NotRecorded::NoRoom,
            })?;
            let now = self.room(room).await.ok_or(NotRecorded::NoRoom)?;
            let changed = now.options.record != before.options.record;
            Ok(Ruled { room: before.id, all: changed.then_some(now.options.record == Rule::All) })
        })
    }

    fn set_room_type<'a>(&'a self, room: &'a str, kind: RoomType) -> Later<'a, Result<(), Refusal>> {
        Box::pin(set_kind(self, room, kind, RoomOptions::default()))
    }

    fn state<'a>(&'a self, room: &'a str) -> Later<'a, Option<RoomState>> {
        Box::pin(async move {
            let room = self.room(room).await?;
            Some(RoomState {
                mixed: is_mixed(&room),
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

/// Whether somebody in it receives the mix.
fn is_mixed(room: &RoomView) -> bool {
    room.participants.iter().any(|one| one.member.view == View::Mix)
}

fn recorded(room: &RoomView) -> Recorded {
    let is_mix = room.stage.recordings.iter().any(|one| one.state != MixState::Completed);
    let sends = |one: &Arc<Snapshot>| one.tracks.iter().any(|track| track.kind != Kind::Data);
    let is_written = room.recording && (is_mix || room.participants.iter().any(sends));
    let is_all = if is_mixed(room) { is_mix } else { room.options.record == Rule::All };
    let is_on = room.recording || room.recording_due || room.options.record.takes_any();
    match (room.recording_waits, is_written) {
        (true, _) => Recorded::Waits,
        (_, true) if is_all => Recorded::All,
        (_, true) => Recorded::Some,
        (_, false) if is_on => Recorded::Idle,
        (_, false) => Recorded::Off,
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

    fn member(view: View, kind: Option<Kind>) -> Arc<Snapshot> {
        let track = |kind| room::Track {
            id: room::TrackId(1),
            label: "1".into(),
            kind,
            name: "one".into(),
            enabled: true,
            priority: room::Priority::Standard,
        };
        Arc::new(Snapshot {
            id: ParticipantId(1),
            identity: "Ann".into(),
            presence: Presence::Connected,
            revision: 1,
            tracks: kind.map(track).into_iter().collect(),
            member: room::Member { view, ..room::Member::default() },
        })
    }

    #[test]
    fn what_is_recorded_of_a_room_follows_from_its_rules_and_what_is_written() {
        let check = |rules: Rule, sent: Option<Kind>, recording: bool, recording_waits: bool, expected: Recorded| {
            let options = RoomOptions { record: rules, ..RoomOptions::default() };
            let participants = vec![member(View::Tracks, sent)];
            let room = RoomView { options, participants, recording, recording_waits, ..view() };
            assert_eq!(recorded(&room), expected, "{:?}", room.options.record);
        };
        let video = Some(Kind::Video);
        check(Rule::Nothing, video, false, false, Recorded::Off);
        check(Rule::Listed([].into()), video, false, false, Recorded::Off);
        check(Rule::All, video, false, false, Recorded::Idle);
        check(Rule::All, video, false, true, Recorded::Waits);
        check(Rule::All, video, true, false, Recorded::All);
        check(Rule::Nothing, video, true, false, Recorded::Some);
        for nothing in [None, Some(Kind::Data)] {
            check(Rule::All, nothing, true, false, Recorded::Idle);
        }
        let due = RoomView { recording_due: true, ..view() };
        assert_eq!(recorded(&due), Recorded::Idle, "the mix begins as soon as somebody's media comes");
    }

    #[test]
    fn of_a_mixed_room_the_mix_is_all() {
        let options = RoomOptions { record: Rule::All, ..RoomOptions::default() };
        let tracks = RoomView { participants: vec![member(View::Mix, Some(Kind::Audio))], options, recording: true, ..view() };
        assert_eq!(recorded(&tracks), Recorded::Some, "only its tracks");
        let recordings = vec![room::MixRecording::new(room::RecordingId(1), Moment::START)];
        let stage = Arc::new(room::StageView { recordings, ..room::StageView::default() });
        let mix = RoomView { stage, options: RoomOptions::default(), ..tracks };
        assert_eq!(recorded(&mix), Recorded::All);
        assert_eq!(
            recorded(&RoomView { participants: vec![member(View::Mix, None)], ..mix }),
            Recorded::All,
            "of nobody's picture"
        );
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
            recording_due: false,
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
