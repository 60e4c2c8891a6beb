//! Files that are played into the mix: what members may do with them, and what media tells of them. They are played as long as somebody
//! receives the mix or it is recorded.

use std::time::Duration;

use crate::limit::{
    PLAYBACK_EVERY, PLAYBACK_MAX, PLAYBACK_URL_BYTES_MAX, PLAYBACKS_AT_ONCE, PLAYBACKS_KEPT, PLAYBACKS_MAX, VOLUME_MAX,
};
use crate::room::{Means, Room};
use crate::{
    Area, Film, Layout, Moment, ParticipantId, PlayAct, PlayNews, PlayStart, PlayState, Playback, PlaybackId, Position, Refusal,
    StageField, Target, Topology, WhyPlayed,
};

/// How many files may still be begun: [`PLAYBACKS_AT_ONCE`], and one more each [`PLAYBACK_EVERY`].
#[derive(Debug, Default)]
pub(crate) struct Starts {
    /// When all of them are there again.
    full: Moment,
}

impl Starts {
    /// Takes one, if there is one.
    fn take(&mut self, now: Moment) -> bool {
        let full = self.full.max(now) + PLAYBACK_EVERY;
        let fits = full.since(now) <= PLAYBACK_EVERY * PLAYBACKS_AT_ONCE;
        if fits {
            self.full = full;
        }
        fits
    }
}

impl Room {
    /// Does this with a file that is played.
    pub fn act_play(&mut self, me: ParticipantId, act: PlayAct, means: &mut Means<'_>) -> Result<Playback, Refusal> {
        let now = means.now;
        match act {
            PlayAct::Start(start) => self.start_playback(me, &start, means),
            PlayAct::Pause(id) => self.edit_playback(id, |one| turn(one, PlayState::Paused, now)),
            PlayAct::Resume(id) => self.edit_playback(id, |one| turn(one, PlayState::Playing, now)),
            PlayAct::Stop(id) => self.edit_playback(id, |one| one.end(WhyPlayed::Stopped, now)),
            PlayAct::Volume(id, volume) => self.edit_playback(id, |one| {
                let volume = volume.clamp(-VOLUME_MAX, VOLUME_MAX);
                one.revision += u32::from(one.volume != volume);
                one.volume = volume;
            }),
            PlayAct::Seek(id, to) => self.edit_playback(id, |one| seek(one, to, now)),
            PlayAct::SeekBy(id, ms) => self.edit_playback(id, |one| {
                let by = Duration::from_millis(ms.unsigned_abs());
                let from = one.position(now);
                seek(one, if ms < 0 { from.saturating_sub(by) } else { from.saturating_add(by) }, now);
            }),
        }
    }

    /// Media tells of a file that it plays, or played: it may have crossed with its end.
    pub fn handle_play_news(&mut self, id: PlaybackId, news: PlayNews, now: Moment) {
        // What is over has nothing to be told of.
        let _ = self.edit_playback(id, |one| match news {
            PlayNews::Began { pictures } => one.come(pictures, now),
            PlayNews::Ended(why) => one.end(why, now),
        });
    }

    /// Those that are not over, oldest first.
    pub fn playbacks(&self) -> impl Iterator<Item = &Playback> {
        self.stage.view.playbacks.iter().filter(|one| !one.is_over())
    }

    /// Nobody hears them any more.
    pub fn end_playbacks(&mut self, now: Moment) {
        self.end_those(now, |_| true);
    }

    /// Those end whose time is over.
    pub fn end_old_playbacks(&mut self, now: Moment) {
        self.end_those(now, |one| last(one) <= now);
    }

    /// Media begins anew, and is to go on where they are.
    pub fn replay(&mut self, now: Moment) {
        let all: Vec<PlaybackId> = self.playbacks().map(|one| one.id).collect();
        for id in all {
            // It is one of those that are there.
            let _ = self.edit_playback(id, |one| one.jump(one.position(now), now));
        }
    }

    /// What media is to play, each with its place in the picture.
    pub fn films(&self, layout: &Layout) -> Vec<Film> {
        let area = |id| layout.places.iter().find(|place| place.film == Some(id)).map(|place| place.area);
        self.playbacks().map(|one| film(one, area(one.id))).collect()
    }

    fn start_playback(&mut self, me: ParticipantId, start: &PlayStart, means: &mut Means<'_>) -> Result<Playback, Refusal> {
        if start.url.len() > PLAYBACK_URL_BYTES_MAX {
            return Err(Refusal::Malformed);
        } else if self.topology == Topology::Mesh {
            return Err(Refusal::KindNotServed);
        } else if self.playbacks().count() >= PLAYBACKS_MAX || !self.stage.starts.take(means.now) {
            return Err(Refusal::TooManyPlaybacks);
        }
        let own = start.places.iter().find(|(target, _)| *target == Target::Me);
        let wanted = own.map_or(Position::Auto, |(_, position)| *position);
        let volume = start.volume.clamp(-VOLUME_MAX, VOLUME_MAX);
        let playback = Playback::new(PlaybackId(means.ids.fresh()), start, wanted, volume, means.now);
        if let Some(layout) = start.layout {
            self.stage.change(StageField::Layout, |view| view.layout = layout);
        }
        let others: Vec<_> = start.places.iter().filter(|(target, _)| *target != Target::Me).copied().collect();
        self.send(me, &others);
        self.stage.change(StageField::Playbacks, |view| {
            view.playbacks.push(playback.clone());
            forget_oldest(&mut view.playbacks);
        });
        Ok(playback)
    }

    fn end_those(&mut self, now: Moment, which: impl Fn(&Playback) -> bool) {
        let all: Vec<PlaybackId> = self.playbacks().filter(|one| which(one)).map(|one| one.id).collect();
        for id in all {
            // It is one of those that are there.
            let _ = self.edit_playback(id, |one| one.end(WhyPlayed::Stopped, now));
        }
    }

    fn edit_playback(&mut self, id: PlaybackId, edit: impl FnOnce(&mut Playback)) -> Result<Playback, Refusal> {
        let mut playback = self.playbacks().find(|one| one.id == id).cloned().ok_or(Refusal::PlaybackNotFound)?;
        edit(&mut playback);
        self.stage.change(StageField::Playbacks, |view| {
            view.playbacks.iter_mut().filter(|one| one.id == id).for_each(|one| one.clone_from(&playback));
        });
        Ok(playback)
    }
}

/// When it ends, however far it is.
pub(super) fn last(playback: &Playback) -> Moment {
    playback.began + PLAYBACK_MAX
}

fn film(of: &Playback, area: Option<Area>) -> Film {
    let (id, url, volume, jump) = (of.id, of.url.clone(), of.volume, of.jump);
    Film { id, url, area, volume, paused: of.state == PlayState::Paused, jump, from: of.from }
}

fn turn(playback: &mut Playback, state: PlayState, now: Moment) {
    if playback.state != state {
        playback.turn(state, now);
    }
}

fn seek(playback: &mut Playback, to: Duration, now: Moment) {
    playback.jump(to, now);
    playback.revision += 1;
}

fn forget_oldest(playbacks: &mut Vec<Playback>) {
    let mut extra = playbacks.iter().filter(|one| one.is_over()).count().saturating_sub(PLAYBACKS_KEPT);
    playbacks.retain(|one| {
        let forget = one.is_over() && extra > 0;
        extra -= usize::from(forget);
        !forget
    });
}
