//! What of a room is recorded: which tracks by its rules, and which recordings of its mix. What the media server is asked for follows
//! from that after each step. A recording lasts as long as the link that its track comes by: with a new link begins a new one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::limit::{MIX_RECORDINGS_KEPT, MIX_RECORDINGS_MAX, RETAKE_AFTER, RULE_LINES_MAX};
use crate::participant::Participant;
use crate::room::{Means, Room};
use crate::{
    Act, Event, Fact, Kind, MixRecording, MixState, MixTake, Moment, Output, ParticipantId, RecordAct, RecordNews, Recording,
    RecordingId, RecordingState, Refusal, RoomKind, Rule, StageField, Take, Topology, Track, TrackId, WhyStopped,
};

/// The recordings of one participant's tracks.
#[derive(Debug, Default)]
pub(crate) struct Takes {
    all: BTreeMap<TrackId, Taking>,
    /// As the media server was told last.
    told: Vec<Take>,
}

#[derive(Debug)]
struct Taking {
    id: RecordingId,
    /// No media comes.
    silent: bool,
    /// How the last one of this track failed, until media of another one came.
    failed: Option<Failure>,
    /// It is tried again, and nobody knows yet whether that helps.
    tried: bool,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    why: WhyStopped,
    /// When to try again.
    due: Moment,
}

impl Taking {
    /// Whether it is written, or should be.
    fn is_live(&self) -> bool {
        self.failed.is_none() || self.tried
    }

    fn handle(&mut self, news: &RecordNews, now: Moment) {
        match news {
            RecordNews::Silent(silent) => self.silent = *silent,
            RecordNews::Began { .. } => (self.failed, self.tried) = (None, false),
            // It ended by itself, for whatever reason: nothing else is told of what was asked for.
            RecordNews::Ended(outcome) if self.is_live() => {
                self.failed = Some(Failure { why: outcome.why, due: now + RETAKE_AFTER });
                self.tried = false;
            }
            RecordNews::Ended(_) => {}
        }
    }
}

/// A recording that begins.
struct Beginning {
    track: TrackId,
    id: RecordingId,
    /// It takes the place of one that failed.
    again: bool,
}

impl Takes {
    /// The link is gone, and they with it.
    pub fn clear(&mut self) {
        *self = Takes::default();
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty() && self.told.is_empty()
    }

    /// When to try again what failed.
    fn due(&self) -> Option<Moment> {
        self.all.values().filter(|taking| !taking.is_live()).filter_map(|taking| taking.failed).map(|failed| failed.due).min()
    }

    /// Those that are written, or should be.
    fn list(&self) -> Vec<Take> {
        let live = self.all.iter().filter(|(_, taking)| taking.is_live());
        live.map(|(track, taking)| Take { recording: taking.id, track: *track }).collect()
    }

    /// Whether the recording of this track ended by itself, and the next has not begun; without a track: of any.
    fn has_failed(&self, track: Option<TrackId>) -> bool {
        self.all.iter().any(|(id, taking)| taking.failed.is_some() && track.is_none_or(|track| track == *id))
    }

    /// Whether any did so for want of space.
    fn lacks_space(&self) -> bool {
        self.all.values().filter_map(|taking| taking.failed).any(|failed| failed.why == WhyStopped::Disk)
    }

    /// Tries again what failed, at the next settling.
    fn hasten(&mut self, now: Moment) {
        self.all.values_mut().filter_map(|taking| taking.failed.as_mut()).for_each(|failed| failed.due = now);
    }

    fn is_silent(&self, track: TrackId) -> bool {
        self.all.get(&track).is_some_and(|taking| taking.silent && taking.failed.is_none())
    }

    /// Makes the list one of these tracks; what stays keeps its recording. Gives back what is new.
    fn follow(&mut self, tracks: &[TrackId], now: Moment, mut fresh: impl FnMut() -> RecordingId) -> Vec<Beginning> {
        self.all.retain(|track, _| tracks.contains(track));
        let mut new = Vec::new();
        for track in tracks {
            let failed = self.all.get(track).and_then(|taking| taking.failed);
            let due = !self.all.get(track).is_some_and(Taking::is_live) && failed.is_none_or(|failed| failed.due <= now);
            if due {
                let (id, tried) = (fresh(), failed.is_some());
                self.all.insert(*track, Taking { id, silent: false, failed, tried });
                new.push(Beginning { track: *track, id, again: tried });
            }
        }
        new
    }

    /// A list that the media server has not been told.
    fn untold(&mut self) -> Option<Vec<Take>> {
        let list = self.list();
        let news = list != self.told;
        self.told.clone_from(&list);
        news.then_some(list)
    }
}

/// What a participant was told of its own tracks that are recorded.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    pub revision: u64,
    /// Of which tracks nothing came, and comes by now or not.
    silent: BTreeMap<TrackId, bool>,
}

impl Warnings {
    /// Nothing was told, after this revision.
    pub fn after(revision: u64) -> Self {
        Warnings { revision, silent: BTreeMap::new() }
    }

    fn event(&self) -> Option<Event> {
        let tracks: Vec<(TrackId, bool)> = self.silent.iter().map(|(track, silent)| (*track, *silent)).collect();
        (!tracks.is_empty()).then_some(Event::RecordingSilent { revision: self.revision, tracks })
    }

    /// Takes over how it is; true if that is news.
    fn follow(&mut self, now: &[(TrackId, bool)]) -> bool {
        self.silent.retain(|track, _| now.iter().any(|(known, _)| known == track));
        let before = self.silent.clone();
        for (track, silent) in now {
            if *silent || self.silent.contains_key(track) {
                self.silent.insert(*track, *silent);
            }
        }
        let news = before != self.silent;
        self.revision += u64::from(news);
        news
    }
}

/// The recordings of the mix, besides what members see of them.
#[derive(Debug)]
pub(crate) struct MixTakes {
    /// One is to begin as soon as there is somebody to record.
    pub due: bool,
    /// When one was begun in the place of one that was cut off.
    mended: Option<Moment>,
    /// As the media server was told last.
    told: Vec<MixTake>,
}

impl MixTakes {
    pub fn new(due: bool) -> Self {
        MixTakes { due, mended: None, told: Vec::new() }
    }
}

impl Participant {
    /// What it should know of its tracks that are recorded, if it wants to know that.
    pub fn warnings_event(&self) -> Option<Event> {
        self.warnings.event().filter(|_| self.wants_warnings)
    }
}

impl Room {
    /// What of the tracks is recorded from now on. A mesh that can move to the server does so when anything is to be.
    pub fn set_record_rules(&mut self, rules: Rule, means: &mut Means<'_>) -> Result<(), Refusal> {
        if self.topology == Topology::Mesh && self.kind != RoomKind::Auto {
            return Err(Refusal::NoRules);
        } else if matches!(&rules, Rule::Listed(lines) if lines.len() > RULE_LINES_MAX) {
            return Err(Refusal::Malformed);
        }
        self.options.record = rules;
        if self.must_move() {
            self.begin_move(None, means);
        }
        // Who sets rules wants to see them followed now.
        self.participants.iter_mut().for_each(|place| place.takes.hasten(means.now));
        Ok(())
    }

    /// Records the mix, where somebody receives that, else every track; or nothing any more, whoever began it. A recording of the mix that is
    /// paused goes on.
    pub fn set_recorded(&mut self, on: bool, means: &mut Means<'_>) -> Result<(), Refusal> {
        if on && (self.stage.takes.due || self.participants.iter().any(Participant::hears_mix)) {
            let one = |state| self.live_mix_recordings().find(|one| one.state == state).map(|one| one.id);
            match (one(MixState::Recording), one(MixState::Paused)) {
                (Some(_), _) => {}
                (None, Some(paused)) => drop(self.turn_mix_recording(paused, MixState::Recording, means.now)?),
                // Begun as soon as somebody's media comes.
                (None, None) => self.stage.takes.due = true,
            }
            return Ok(());
        }
        self.set_record_rules(if on { Rule::All } else { Rule::Nothing }, means)?;
        if !on {
            self.stage.takes.due = false;
            let live: Vec<RecordingId> = self.live_mix_recordings().map(|one| one.id).collect();
            live.into_iter().for_each(|id| self.end_mix_recording(id, means.now));
        }
        Ok(())
    }

    /// Does this with a recording of the mix.
    pub fn act_record(&mut self, act: RecordAct, means: &mut Means<'_>) -> Result<MixRecording, Refusal> {
        match act {
            RecordAct::Start => self.start_mix_recording(means),
            RecordAct::Pause(id) => self.turn_mix_recording(id, MixState::Paused, means.now),
            RecordAct::Resume(id) => self.turn_mix_recording(id, MixState::Recording, means.now),
            RecordAct::Stop(id) => self.turn_mix_recording(id, MixState::Completed, means.now),
        }
    }

    /// The media server tells of a recording that this room asked for.
    pub fn handle_record_news(&mut self, id: RecordingId, news: &RecordNews, means: &mut Means<'_>) {
        let mut takings = self.participants.iter_mut().flat_map(|place| place.takes.all.values_mut());
        let taking = takings.find(|taking| taking.id == id);
        match (news, taking) {
            (news, Some(taking)) => taking.handle(news, means.now),
            (RecordNews::Ended(outcome), None) => {
                let runs = self.live_mix_recordings().any(|one| one.id == id && one.state == MixState::Recording);
                self.end_mix_recording(id, means.now);
                self.stage.takes.due |= runs && self.goes_on(outcome.why, means.now);
            }
            (RecordNews::Began { .. } | RecordNews::Silent(_), None) => {}
        }
    }

    /// Whether another recording of the mix takes the place of one that ran and ended by itself. What fails at its beginning is not begun
    /// again and again.
    fn goes_on(&mut self, why: WhyStopped, now: Moment) -> bool {
        let cut = matches!(why, WhyStopped::CutOff | WhyStopped::NoMedia);
        let mends = cut && self.stage.takes.mended.is_none_or(|last| now.since(last) >= RETAKE_AFTER);
        if mends {
            self.stage.takes.mended = Some(now);
        }
        mends || why == WhyStopped::Long
    }

    /// The media server lost the room. A recording of its mix that ran goes on as another.
    pub fn lose_mix_recordings(&mut self, now: Moment) {
        self.stage.takes.due |= self.is_mix_recorded();
        self.end_mix_recordings(now);
    }

    /// Asks for the recordings that there should be now, and tells of them.
    pub fn settle_takes(&mut self, means: &mut Means<'_>) {
        for who in self.ids() {
            self.take(who, means);
            self.warn(who, means);
        }
        self.settle_mix_takes(means);
    }

    /// Says what of the mix to record, if that changed. The scene was told before, or is told no longer after.
    pub fn order_mix_takes(&mut self, means: &mut Means<'_>) {
        let list: Vec<MixTake> = self.stage.view.recordings.iter().filter_map(take_of).collect();
        let open = self.open_places().next().map(Participant::id);
        if let Some(who) = open.filter(|_| list != self.stage.takes.told) {
            self.stage.takes.told.clone_from(&list);
            self.order(who, Act::RecordMix(list), means);
        }
    }

    /// Tells everybody whether the room is recorded, if that is news.
    pub fn tell_recording(&mut self, means: &mut Means<'_>) {
        let on = self.is_recorded();
        if self.recording.on != on {
            self.recording = RecordingState { revision: self.recording.revision + 1, on };
            self.ids().into_iter().for_each(|who| self.tell(who, Event::Recording(self.recording), means));
        }
    }

    /// Whether a recording of the mix is not over.
    pub fn is_mix_recorded(&self) -> bool {
        self.stage.view.recordings.iter().any(|one| one.state != MixState::Completed)
    }

    /// When to try again what failed.
    pub fn retake_due(&self) -> Option<Moment> {
        self.participants.iter().filter_map(|place| place.takes.due()).min()
    }

    /// Whether anything is recorded: a track of somebody that the rules let be, or the mix. In a room of kind auto, whose people turn
    /// recording on and off themselves, the rules alone count: it is on until it is turned off, or all that is recorded failed.
    pub fn is_recorded(&self) -> bool {
        let tracks = self.topology == Topology::Server && self.options.record.takes_any();
        let any = || self.participants.iter().any(|place| self.is_any_recorded(place));
        let failed = || self.participants.iter().any(|place| place.takes.has_failed(None));
        (tracks && (any() || self.kind == RoomKind::Auto && !failed())) || self.is_mix_recorded()
    }

    /// Whether something is to be recorded and nothing is, because the disk has no room: it is tried again later.
    pub fn awaits_recording(&self) -> bool {
        let full = self.participants.iter().any(|place| place.takes.lacks_space());
        full && self.topology == Topology::Server && self.options.record.takes_any() && !self.is_recorded()
    }

    fn is_any_recorded(&self, place: &Participant) -> bool {
        let (snapshot, barred) = (&place.snapshot, place.barred());
        let taken = |track: &Track| track.kind != Kind::Data && self.options.record.takes(snapshot, track);
        snapshot.tracks.iter().any(|track| taken(track) && !barred.contains(&track.id) && !place.takes.has_failed(Some(track.id)))
    }

    fn take(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        if !self.options.record.takes_any() && self.place_of(who).takes.is_empty() {
            return;
        }
        let wanted = self.recorded_tracks(who);
        let (room, place) = (self.id, self.place_of(who));
        let new = place.takes.follow(&wanted, means.now, || RecordingId(means.ids.fresh()));
        let snapshot = &place.snapshot;
        let track = |id: TrackId| snapshot.tracks.iter().find(|track| track.id == id).cloned();
        let begins = |one: Beginning| Some((one.again, one.id, (Arc::clone(snapshot), track(one.track)?)));
        let begin: Vec<_> = new.into_iter().filter_map(begins).collect();
        let list = place.takes.untold();
        for (again, id, source) in begin {
            let recording = Box::new(Recording { id, source: Some(source) });
            if again {
                self.trials.insert(id, recording);
            } else {
                means.out.push_back(Output::Note(Fact::RecordingBegan { room, recording }));
            }
        }
        if let Some(list) = list {
            self.order(who, Act::Record(list), means);
        }
    }

    /// The tracks of a participant that are to be recorded: what reaches the server, and is not kept from everybody.
    fn recorded_tracks(&self, who: ParticipantId) -> Vec<TrackId> {
        let Some(place) = self.by_id(who).filter(|place| place.served.is_open()) else { return Vec::new() };
        let media = place.snapshot.tracks.iter().filter(|track| track.kind != Kind::Data);
        let barred = place.barred();
        let taken = media.filter(|track| self.options.record.takes(&place.snapshot, track) && !barred.contains(&track.id));
        taken.map(|track| track.id).collect()
    }

    /// Tells a participant of its tracks that are to be recorded and of which nothing comes, be it that it does not reach the server. Of
    /// one that is muted nothing should.
    fn warn(&mut self, who: ParticipantId, means: &mut Means<'_>) {
        let Some(place) = self.by_id(who) else { return };
        let unreached = self.is_unreached(place, means.now);
        if !unreached && place.takes.is_empty() && place.warnings.silent.is_empty() {
            return;
        }
        let barred = place.barred();
        let recorded = |track: &Track| track.kind != Kind::Data && self.options.record.takes(&place.snapshot, track);
        let missed = |track: &Track| unreached && recorded(track) && !barred.contains(&track.id);
        let silent = |track: &Track| track.enabled && (place.takes.is_silent(track.id) || missed(track));
        let tracks: Vec<(TrackId, bool)> = place.snapshot.tracks.iter().map(|track| (track.id, silent(track))).collect();
        let place = self.place_of(who);
        if !place.warnings.follow(&tracks) {
            return;
        }
        if let Some(event) = place.warnings_event() {
            self.tell(who, event, means);
        }
    }

    /// Begins the recording that is due, and ends all when there is nobody left to record.
    fn settle_mix_takes(&mut self, means: &mut Means<'_>) {
        if self.open_places().next().is_none() {
            self.end_mix_recordings(means.now);
            // What somebody began by hand goes on for those who were there, not for whoever comes later.
            self.awaited = self.awaited.filter(|until| means.now < *until);
            let stays = !self.participants.is_empty() || self.awaited.is_some();
            self.stage.takes.due &= self.stage.settings.record_on_start || stays;
        } else if std::mem::take(&mut self.stage.takes.due) {
            // One more than there may be cannot be: nobody else has begun any.
            let _ = self.start_mix_recording(means);
        }
    }

    /// The media server has nothing of this room any more.
    fn end_mix_recordings(&mut self, now: Moment) {
        self.stage.takes.told.clear();
        let live: Vec<RecordingId> = self.live_mix_recordings().map(|one| one.id).collect();
        self.stage.takes.due |= self.stage.settings.record_on_start && !live.is_empty();
        live.into_iter().for_each(|id| self.end_mix_recording(id, now));
    }

    fn end_mix_recording(&mut self, id: RecordingId, now: Moment) {
        // Or it is over already.
        let _ = self.turn_mix_recording(id, MixState::Completed, now);
    }

    fn live_mix_recordings(&self) -> impl Iterator<Item = &MixRecording> {
        self.stage.view.recordings.iter().filter(|one| one.state != MixState::Completed)
    }

    fn start_mix_recording(&mut self, means: &mut Means<'_>) -> Result<MixRecording, Refusal> {
        if self.topology == Topology::Mesh || self.open_places().next().is_none() {
            return Err(Refusal::KindNotServed);
        } else if self.live_mix_recordings().count() >= MIX_RECORDINGS_MAX {
            return Err(Refusal::TooManyRecordings);
        }
        let recording = MixRecording::new(RecordingId(means.ids.fresh()), means.now);
        self.stage.change(StageField::Recordings, |view| {
            view.recordings.push(recording);
            forget_oldest(&mut view.recordings);
        });
        let noted = Box::new(Recording { id: recording.id, source: None });
        means.out.push_back(Output::Note(Fact::RecordingBegan { room: self.id, recording: noted }));
        Ok(recording)
    }

    fn turn_mix_recording(&mut self, id: RecordingId, state: MixState, now: Moment) -> Result<MixRecording, Refusal> {
        let mut recording = *self.live_mix_recordings().find(|one| one.id == id).ok_or(Refusal::RecordingNotFound)?;
        if recording.state != state {
            recording.turn(state, now);
            self.stage.change(StageField::Recordings, |view| {
                view.recordings.iter_mut().filter(|one| one.id == id).for_each(|one| *one = recording);
            });
        }
        Ok(recording)
    }
}

fn take_of(recording: &MixRecording) -> Option<MixTake> {
    let paused = match recording.state {
        MixState::Recording => false,
        MixState::Paused => true,
        MixState::Completed => return None,
    };
    Some(MixTake { recording: recording.id, paused })
}

fn forget_oldest(recordings: &mut Vec<MixRecording>) {
    let over = |one: &MixRecording| one.state == MixState::Completed;
    let mut extra = recordings.iter().filter(|one| over(one)).count().saturating_sub(MIX_RECORDINGS_KEPT);
    recordings.retain(|one| {
        let forget = over(one) && extra > 0;
        extra -= usize::from(forget);
        !forget
    });
}
