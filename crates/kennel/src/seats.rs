//! The rooms over a restart: who sat where is written down within 200 ms of a change, every few seconds otherwise, and once more at the
//! end; sealed, because it holds the seats' secrets. In a mesh room media goes on meanwhile, so clients that come back notice nothing.
//!
//! After a crash the last 200 ms are missing: a client that came in during them is told that its seat is gone.

use std::sync::Arc;
use std::time::Duration;

use room::{
    Channel, Command, Kind, Limits, LinkId, Mode, News, ParticipantId, Priority, Profile, Report, Rights, RoomId, RoomKind,
    RoomOptions, Rule, SavedLink, SavedParticipant, SavedRoom, Sealed, SeatKey, Signal, Sizes, Step, SwitchOff, Terms, Track,
    TrackId, VideoCodec,
};
use serde::{Deserialize, Serialize};

use tokio::time::Instant;

use crate::clock;
use crate::config::Secret;
use crate::hub;
use crate::keyring::Store;
use crate::shutdown::Shutdown;

mod rules;
mod stage;

use rules::{LineForm, RuleForm};
use stage::StageForm;

/// The file in the data folder.
const FILE: &str = "seats.sealed";

/// How often it is written at most. Whoever came in within it before a crash has no seat, and the SDK does not join again by itself.
const STEP: Duration = Duration::from_millis(200);

/// How old it may become while there are rooms, at most a sixth of the session timeout: people who come back after a crash must find
/// their seats however quiet the room was before.
const AGE_MAX: Duration = Duration::from_secs(5);

/// Changes when the form does; an older form is left unread.
const VERSION: u32 = 1;

/// Bytes of an offer or answer that is written down. A larger one is left out: its maker says it again on coming back.
const SIGNAL_BYTES_MAX: usize = 64 << 10;

/// Bytes of all rooms together, below what a file of the data folder may have. Rooms beyond it are left out.
const BYTES_MAX: usize = 8 << 20;

/// What was written down last. Nothing, with a word in the log, if it cannot be read: people join again, that is all.
///
/// Seats are kept for `session_timeout`; of what is older than that at `unix_ms`, only rooms are left that were made on purpose, and
/// nobody is in them. Time went on for them while the program did not run.
pub fn read(store: &Store, session_timeout: Duration, unix_ms: u64) -> Vec<SavedRoom> {
    let text = match store.read_sealed(FILE) {
        Ok(Some(text)) => text,
        Ok(None) => return Vec::new(),
        Err(problem) => {
            tracing::warn!(%problem, "the rooms from before the restart cannot be read");
            return Vec::new();
        }
    };
    match serde_json::from_str::<File>(text.reveal()) {
        Ok(file) if file.version == VERSION => {
            let down = Duration::from_millis(unix_ms.saturating_sub(file.unix_ms));
            file.rooms.into_iter().filter_map(|room| SavedRoom::from(room).after(down, session_timeout)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a command that was carried out may have changed what is written down. Candidates are not: a client that comes back says them
/// again. Words on channels and wishes are as short-lived, and many.
#[must_use]
pub fn is_changed_by_command(command: &Command) -> bool {
    let candidates = matches!(command, Command::Signal { signal, .. } if signal.step == Step::Candidates);
    !candidates && !matches!(command, Command::Say { .. } | Command::Hint(_))
}

/// Whether a report of the media server's may have changed what is written down. In a lively room others come every second.
#[must_use]
pub fn is_changed_by_report(report: &Report) -> bool {
    match report {
        Report::Of { news, .. } => matches!(news, News::Placed(_) | News::Connected | News::Dead | News::Refused(_)),
        Report::Lost(_) | Report::PartLost(_) => true,
        Report::Speaker { .. } | Report::Recorded { .. } | Report::Played { .. } => false,
    }
}

/// Writes the rooms down until the end. Call [`write`] once more when every connection is closed.
pub async fn keep(hub: hub::Handle, store: Arc<Store>, session_timeout: Duration, mut shutdown: Shutdown) {
    // After a crash, the age of what was written down counts against every seat.
    let age_max = (session_timeout / 6).clamp(STEP, AGE_MAX);
    let mut written = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(STEP) => {}
            () = shutdown.stopping() => return,
        }
        let changed = hub.take_changed();
        if !changed && written.elapsed() < age_max {
            continue;
        }
        written = Instant::now();
        let rooms = hub.save().await;
        if changed || !rooms.is_empty() {
            put(rooms, &store).await;
        }
    }
}

/// Writes the rooms down as they are now.
pub async fn write(hub: &hub::Handle, store: &Arc<Store>) {
    put(hub.save().await, store).await;
}

async fn put(rooms: Vec<SavedRoom>, store: &Arc<Store>) {
    let store = Arc::clone(store);
    let written = tokio::task::spawn_blocking(move || store.write_sealed(FILE, &spell(&rooms, clock::unix_ms()))).await;
    if let Ok(Err(problem)) = written {
        tracing::warn!(%problem, "the rooms cannot be written down; after a restart people have to join again");
    }
}

fn spell(rooms: &[SavedRoom], unix_ms: u64) -> Secret {
    let mut left = BYTES_MAX;
    let fits = |room: &&RoomForm| {
        let size = serde_json::to_string(room).map_or(usize::MAX, |text| text.len());
        left.checked_sub(size).inspect(|rest| left = *rest).is_some()
    };
    let forms: Vec<RoomForm> = rooms.iter().map(Into::into).collect();
    let file = FileForm { version: VERSION, unix_ms, rooms: forms.iter().filter(fits).collect() };
    Secret::new(serde_json::to_string(&file).unwrap_or_default())
}

#[derive(Serialize)]
struct FileForm<'a> {
    version: u32,
    unix_ms: u64,
    rooms: Vec<&'a RoomForm>,
}

#[derive(Deserialize)]
struct File {
    version: u32,
    unix_ms: u64,
    rooms: Vec<RoomForm>,
}

#[derive(Serialize, Deserialize)]
struct RoomForm {
    id: u128,
    name: String,
    kind: String,
    #[serde(default)]
    audio_only: bool,
    #[serde(default)]
    codecs: Vec<u8>,
    #[serde(default)]
    record: RuleForm,
    #[serde(default)]
    terms: Option<TermsForm>,
    #[serde(default)]
    by_owner: bool,
    #[serde(default)]
    memo: String,
    #[serde(default)]
    age_ms: u64,
    #[serde(default)]
    idle_ms: Option<u64>,
    #[serde(default)]
    served: bool,
    #[serde(default)]
    recording_revision: u64,
    participants: Vec<ParticipantForm>,
    links: Vec<LinkForm>,
    spares: Vec<(String, u128)>,
    #[serde(default)]
    stage: StageForm,
}

#[derive(Serialize, Deserialize)]
struct TermsForm {
    seats_max: usize,
    empty_ms: u64,
    unused_ms: u64,
    session_ms: Option<u64>,
    room_ms: Option<u64>,
    tracks_max: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct ParticipantForm {
    id: u128,
    identity: String,
    seat: u128,
    publish: bool,
    receives: bool,
    #[serde(default)]
    rule: Option<Vec<LineForm>>,
    #[serde(default)]
    age_ms: u64,
    origin: Option<String>,
    #[serde(default)]
    channels: Vec<u8>,
    #[serde(default)]
    profile: Option<ProfileForm>,
    tracks: Vec<TrackForm>,
    #[serde(default)]
    barred: Vec<u8>,
    revisions: [u64; 4],
    #[serde(default)]
    warned_revision: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct ProfileForm {
    mode: u8,
    switch_off: u8,
    bitrate_max: Option<u64>,
    tracks_max: Option<u16>,
    speaker_priority: Option<u8>,
    sizes: [Option<(u16, u16)>; 3],
    hinted: bool,
}

#[derive(Serialize, Deserialize)]
struct TrackForm {
    id: u128,
    label: String,
    kind: u8,
    name: String,
    enabled: bool,
    priority: u8,
}

#[derive(Serialize, Deserialize)]
struct LinkForm {
    id: String,
    ends: [u128; 2],
    asked: Option<u64>,
    stable: u64,
    pending: Option<(usize, u64, String)>,
    #[serde(default)]
    answers: [Option<(u64, String)>; 2],
    relinks: u32,
}

const KINDS: [Kind; 3] = [Kind::Audio, Kind::Video, Kind::Data];
const PRIORITIES: [Priority; 3] = [Priority::Low, Priority::Standard, Priority::High];
const CODECS: [VideoCodec; 3] = [VideoCodec::Vp8, VideoCodec::H264, VideoCodec::Vp9];
const MODES: [Mode; 3] = [Mode::Grid, Mode::Collaboration, Mode::Presentation];
const SWITCH_OFFS: [SwitchOff; 3] = [SwitchOff::Predicted, SwitchOff::Detected, SwitchOff::Disabled];

impl From<&SavedRoom> for RoomForm {
    fn from(room: &SavedRoom) -> Self {
        RoomForm {
            id: room.id.0,
            name: room.name.to_string(),
            kind: twilio::kind_name(room.kind).to_owned(),
            audio_only: room.options.audio_only,
            codecs: room.options.codecs.iter().map(|codec| place(&CODECS, codec)).collect(),
            record: (&room.options.record).into(),
            terms: Some((&room.terms).into()),
            by_owner: room.by_owner,
            memo: room.memo.0.to_string(),
            age_ms: ms(room.age),
            idle_ms: room.idle.map(ms),
            served: room.served,
            recording_revision: room.recording_revision,
            participants: room.participants.iter().map(Into::into).collect(),
            links: room.links.iter().map(Into::into).collect(),
            spares: room.spares.iter().map(|(link, owner)| (link.0.to_string(), owner.0)).collect(),
            stage: (&room.stage).into(),
        }
    }
}

impl From<RoomForm> for SavedRoom {
    fn from(form: RoomForm) -> Self {
        let kind = twilio::kind_of(&form.kind).unwrap_or(RoomKind::PeerToPeer);
        let terms = form.terms.map(Into::into);
        SavedRoom {
            id: RoomId(form.id),
            name: form.name.into(),
            kind,
            options: RoomOptions {
                audio_only: form.audio_only,
                codecs: all_at(&CODECS, &form.codecs),
                record: form.record.into(),
            },
            terms: terms.unwrap_or_else(|| Terms::adhoc(kind, &Limits::default())),
            by_owner: form.by_owner,
            memo: Sealed(form.memo.into()),
            age: Duration::from_millis(form.age_ms),
            idle: form.idle_ms.map(Duration::from_millis),
            served: form.served,
            recording_revision: form.recording_revision,
            participants: form.participants.into_iter().map(Into::into).collect(),
            links: form.links.into_iter().map(Into::into).collect(),
            spares: form.spares.into_iter().map(|(link, owner)| (LinkId(link.into()), ParticipantId(owner))).collect(),
            stage: form.stage.into(),
        }
    }
}

impl From<&Terms> for TermsForm {
    fn from(terms: &Terms) -> Self {
        TermsForm {
            seats_max: terms.seats_max,
            empty_ms: ms(terms.empty_timeout),
            unused_ms: ms(terms.unused_timeout),
            session_ms: terms.session_max.map(ms),
            room_ms: terms.room_max.map(ms),
            tracks_max: terms.tracks_max,
        }
    }
}

impl From<TermsForm> for Terms {
    fn from(form: TermsForm) -> Self {
        Terms {
            seats_max: form.seats_max,
            empty_timeout: Duration::from_millis(form.empty_ms),
            unused_timeout: Duration::from_millis(form.unused_ms),
            session_max: form.session_ms.map(Duration::from_millis),
            room_max: form.room_ms.map(Duration::from_millis),
            tracks_max: form.tracks_max,
        }
    }
}

impl From<&SavedParticipant> for ParticipantForm {
    fn from(one: &SavedParticipant) -> Self {
        ParticipantForm {
            id: one.id.0,
            identity: one.identity.to_string(),
            seat: one.seat.0,
            publish: one.rights.publish,
            receives: one.rule == Rule::All,
            rule: match &one.rule {
                Rule::Listed(lines) => Some(lines.iter().map(Into::into).collect()),
                Rule::All | Rule::Nothing => None,
            },
            age_ms: ms(one.age),
            origin: one.origin.as_deref().map(str::to_owned),
            channels: one.channels.iter().map(|channel| place(&Channel::ALL, channel)).collect(),
            profile: Some((&one.profile).into()),
            tracks: one.tracks.iter().map(Into::into).collect(),
            barred: one.barred.iter().map(|kind| place(&KINDS, kind)).collect(),
            revisions: [one.revision, one.list_revision, one.published_revision, one.subscribed_revision],
            warned_revision: one.warned_revision,
        }
    }
}

impl From<ParticipantForm> for SavedParticipant {
    fn from(form: ParticipantForm) -> Self {
        let [revision, list_revision, published_revision, subscribed_revision] = form.revisions;
        SavedParticipant {
            id: ParticipantId(form.id),
            identity: form.identity.into(),
            seat: SeatKey(form.seat),
            rights: Rights { publish: form.publish, ..Rights::default() },
            rule: match form.rule {
                Some(lines) => Rule::Listed(lines.into_iter().map(Into::into).collect()),
                None if form.receives => Rule::All,
                None => Rule::Nothing,
            },
            age: Duration::from_millis(form.age_ms),
            origin: form.origin.map(Into::into),
            channels: all_at(&Channel::ALL, &form.channels),
            profile: form.profile.map(Into::into).unwrap_or_default(),
            tracks: form.tracks.into_iter().map(Into::into).collect(),
            barred: all_at(&KINDS, &form.barred),
            revision,
            list_revision,
            published_revision,
            subscribed_revision,
            warned_revision: form.warned_revision,
        }
    }
}

impl From<&Profile> for ProfileForm {
    fn from(profile: &Profile) -> Self {
        let Sizes { high, standard, low } = profile.sizes;
        ProfileForm {
            mode: place(&MODES, &profile.mode),
            switch_off: place(&SWITCH_OFFS, &profile.switch_off),
            bitrate_max: profile.bitrate_max,
            tracks_max: profile.tracks_max,
            speaker_priority: profile.speaker_priority.map(|priority| place(&PRIORITIES, &priority)),
            sizes: [high, standard, low],
            hinted: profile.hinted,
        }
    }
}

impl From<ProfileForm> for Profile {
    fn from(form: ProfileForm) -> Self {
        let [high, standard, low] = form.sizes;
        Profile {
            mode: at(&MODES, form.mode).unwrap_or_default(),
            switch_off: at(&SWITCH_OFFS, form.switch_off).unwrap_or_default(),
            bitrate_max: form.bitrate_max,
            tracks_max: form.tracks_max,
            speaker_priority: form.speaker_priority.and_then(|priority| at(&PRIORITIES, priority)),
            sizes: Sizes { high, standard, low },
            hinted: form.hinted,
        }
    }
}

impl From<&Track> for TrackForm {
    fn from(track: &Track) -> Self {
        TrackForm {
            id: track.id.0,
            label: track.label.to_string(),
            kind: place(&KINDS, &track.kind),
            name: track.name.to_string(),
            enabled: track.enabled,
            priority: place(&PRIORITIES, &track.priority),
        }
    }
}

impl From<TrackForm> for Track {
    fn from(form: TrackForm) -> Self {
        Track {
            id: TrackId(form.id),
            label: form.label.into(),
            kind: at(&KINDS, form.kind).unwrap_or(Kind::Data),
            name: form.name.into(),
            enabled: form.enabled,
            priority: at(&PRIORITIES, form.priority).unwrap_or_default(),
        }
    }
}

impl From<&SavedLink> for LinkForm {
    fn from(link: &SavedLink) -> Self {
        let small = |signal: &&Signal| signal.sealed.0.len() <= SIGNAL_BYTES_MAX;
        let plain = |signal: &Signal| (signal.revision, signal.sealed.0.to_string());
        let pending = link.pending.as_ref().filter(|(_, offer)| small(&offer));
        LinkForm {
            id: link.id.0.to_string(),
            ends: link.ends.map(|end| end.0),
            asked: link.asked,
            stable: link.stable,
            pending: pending.map(|(end, offer)| (*end, offer.revision, offer.sealed.0.to_string())),
            answers: [0, 1].map(|end| link.answers[end].as_ref().filter(small).map(plain)),
            relinks: link.relinks,
        }
    }
}

impl From<LinkForm> for SavedLink {
    fn from(form: LinkForm) -> Self {
        let signal = |step, revision, sealed: String| Signal { step, revision, sealed: Sealed(sealed.into()) };
        SavedLink {
            id: LinkId(form.id.into()),
            ends: form.ends.map(ParticipantId),
            asked: form.asked,
            stable: form.stable,
            pending: form.pending.map(|(end, revision, sealed)| (end, signal(Step::Offer, revision, sealed))),
            answers: form.answers.map(|answer| answer.map(|(revision, sealed)| signal(Step::Answer, revision, sealed))),
            relinks: form.relinks,
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).and_then(|at| u8::try_from(at).ok()).unwrap_or_default()
}

fn at<T: Copy>(all: &[T], place: u8) -> Option<T> {
    all.get(usize::from(place)).copied()
}

fn all_at<T: Copy>(all: &[T], places: &[u8]) -> Vec<T> {
    places.iter().filter_map(|place| at(all, *place)).collect()
}

#[cfg(test)]
mod tests {
    use room::{RuleLine, Which, Whom};

    use super::*;

    fn line(by_id: bool) -> RuleLine {
        RuleLine {
            include: by_id,
            publisher: by_id.then(|| Whom::Id(ParticipantId(7), "PA7".into())).or(Some(Whom::Identity("bo".into()))),
            track: by_id.then(|| Which::Id(TrackId(8), "MT8".into())).or(Some(Which::Name("cam".into()))),
            kind: by_id.then_some(Kind::Video),
            priority: by_id.then_some(Priority::High),
        }
    }

    fn room() -> SavedRoom {
        let track = Track {
            id: TrackId(u128::MAX),
            label: "label".into(),
            kind: Kind::Video,
            name: "cam".into(),
            enabled: false,
            priority: Priority::High,
        };
        let one = SavedParticipant {
            id: ParticipantId(2),
            identity: "Küche 🐕".into(),
            seat: SeatKey(3),
            rights: Rights::GUEST,
            rule: Rule::Listed([line(true), line(false)].into()),
            age: Duration::from_secs(5),
            origin: Some("key".into()),
            channels: vec![Channel::Layers, Channel::Speaker],
            profile: Profile {
                mode: Mode::Presentation,
                switch_off: SwitchOff::Disabled,
                bitrate_max: Some(9),
                tracks_max: Some(3),
                speaker_priority: Some(Priority::Low),
                sizes: Sizes { high: Some((640, 360)), ..Sizes::default() },
                hinted: true,
            },
            tracks: vec![track],
            barred: vec![Kind::Video],
            revision: 4,
            list_revision: 5,
            published_revision: 6,
            subscribed_revision: 7,
            warned_revision: Some(8),
        };
        let offer = Signal { step: Step::Offer, revision: 9, sealed: Sealed("v=0".into()) };
        let answer = Signal { step: Step::Answer, revision: 8, sealed: Sealed("v=0 too".into()) };
        let ends = [ParticipantId(2), ParticipantId(8)];
        let answers = [Some(answer), None];
        let link =
            SavedLink { id: LinkId("l".into()), ends, asked: Some(1), stable: 8, pending: Some((1, offer)), answers, relinks: 1 };
        SavedRoom {
            id: RoomId(1),
            name: "Dog Cam".into(),
            kind: RoomKind::Go,
            terms: Terms { seats_max: 1, tracks_max: Some(3), room_max: None, ..Terms::made(RoomKind::Go) },
            by_owner: true,
            memo: Sealed("{}".into()),
            age: Duration::from_secs(60),
            idle: None,
            served: true,
            recording_revision: 3,
            options: RoomOptions {
                audio_only: true,
                codecs: vec![VideoCodec::Vp9, VideoCodec::Vp8],
                record: Rule::Listed([line(true), line(false)].into()),
            },
            participants: vec![one],
            links: vec![link],
            spares: vec![(LinkId("s".into()), ParticipantId(2))],
            stage: stage::example(),
        }
    }

    const TIMEOUT: Duration = Duration::from_secs(30);

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), &Default::default(), 0).unwrap();
        (folder, store)
    }

    #[tokio::test(start_paused = true)]
    async fn rooms_are_written_down_again_however_quiet_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Store::open(folder.path(), &Default::default(), 0).expect("open"));
        let hub = hub::start(room::Rooms::new(Limits::default(), false, Box::new(|| 77)), crate::metrics::Metrics::new());
        let create = room::Create {
            room: room::RoomRef::Name("den".into()),
            kind: RoomKind::Go,
            options: RoomOptions::default(),
            terms: Terms::made(RoomKind::Go),
            memo: Sealed("".into()),
        };
        hub.owner(Command::Create(Box::new(create))).await.expect("made");
        let (_stopper, shutdown) = crate::shutdown::channel();
        tokio::spawn(keep(hub.clone(), Arc::clone(&store), Duration::from_secs(30), shutdown));
        assert_eq!(hub.save().await.len(), 1);
        let file = || std::fs::read(folder.path().join(FILE)).ok();
        let mut seen = Vec::new();
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            // Writing is done by a thread, which knows nothing of the paused clock.
            std::thread::sleep(Duration::from_millis(2));
            let now = file();
            if now.is_some() && seen.last() != Some(&now) {
                seen.push(now);
            }
        }
        assert!(seen.len() >= 5, "sealed anew {} times in 40 s", seen.len());
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let (folder, store) = store();
        assert_eq!(read(&store, TIMEOUT, 0), []);
        store.write_sealed(FILE, &spell(&[room()], 1_000)).unwrap();
        assert_eq!(read(&store, TIMEOUT, 1_000), [room()]);
        let bytes = std::fs::read(folder.path().join(FILE)).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"Dog Cam"), "nobody reads who met where from a backup");
    }

    #[test]
    fn seats_older_than_their_timeout_are_gone() {
        let (_folder, store) = store();
        let adhoc = SavedRoom { by_owner: false, ..room() };
        store.write_sealed(FILE, &spell(&[room(), adhoc], 1_000)).unwrap();
        assert_eq!(read(&store, TIMEOUT, 31_000).len(), 2);
        let [left] = &read(&store, TIMEOUT, 31_001)[..] else { panic!("only what was made on purpose is left") };
        assert_eq!((left.participants.len(), left.age), (0, Duration::from_millis(90_001)));
    }

    #[test]
    fn an_older_form_of_the_file_is_understood() {
        let (_folder, store) = store();
        let one = r#"{"id":2,"identity":"Ann","seat":3,"publish":true,"receives":true,"origin":null,"tracks":[],"revisions":[1,1,1,1]}"#;
        let den = format!(r#"{{"id":1,"name":"Den","kind":"go","participants":[{one}],"links":[],"spares":[]}}"#);
        let file = format!(r#"{{"version":1,"unix_ms":0,"rooms":[{den}]}}"#);
        store.write_sealed(FILE, &Secret::new(file)).unwrap();
        let [den] = &read(&store, TIMEOUT, 0)[..] else { panic!("one room") };
        assert_eq!((den.terms.seats_max, den.terms.session_max, den.by_owner), (2, None, false));
        assert_eq!(den.participants[0].rule, Rule::All);
    }

    #[test]
    fn what_cannot_be_read_counts_as_nothing() {
        let (folder, store) = store();
        std::fs::write(folder.path().join(FILE), "garbage").unwrap();
        assert_eq!(read(&store, TIMEOUT, 0), []);
        store.write_sealed(FILE, &Secret::new("{\"version\":99,\"unix_ms\":0,\"rooms\":[]}")).unwrap();
        assert_eq!(read(&store, TIMEOUT, 0), []);
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        let (_folder, store) = store();
        let mut large = room();
        large.name = "n".repeat(BYTES_MAX).into();
        let mut offer = room();
        offer.links[0].pending.as_mut().unwrap().1.sealed = Sealed("v".repeat(SIGNAL_BYTES_MAX + 1).into());
        store.write_sealed(FILE, &spell(&[large, offer, room()], 0)).unwrap();
        let rooms = read(&store, TIMEOUT, 0);
        assert_eq!((rooms.len(), rooms[0].links[0].pending.is_none()), (2, true));
    }
}
