//! What is said of files that are played into the mix: in commands, answers, events and orders.

use std::sync::Arc;
use std::time::Duration;

use crate::{Area, LayoutName, Moment, PlaybackId, Position, Target};

/// A file that is played for everybody who receives the mix, as members see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playback {
    /// Which.
    pub id: PlaybackId,
    /// Where the file is.
    pub url: Arc<str>,
    /// How far it is.
    pub state: PlayState,
    /// How loud: −50 to 50, 0 as it comes.
    pub volume: i8,
    /// When it was asked for.
    pub began: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// Why it ended.
    pub why: Option<WhyPlayed>,
    /// Grows by one with each change that members made of it.
    pub revision: u32,
    /// Where in the file it was at `since`, or is.
    at: Duration,
    /// From when on it has moved, if it moves.
    since: Option<Moment>,
    /// Whether its sound and pictures come.
    comes: bool,
    /// Where it is to stand.
    pub(crate) wanted: Position,
    /// Whether there are pictures to be seen.
    pub(crate) shown: bool,
    /// How often it was told to go somewhere.
    pub(crate) jump: u32,
    /// To where it was told to go last.
    pub(crate) from: Duration,
}

impl Playback {
    /// Where in the file it is.
    #[must_use]
    pub fn position(&self, now: Moment) -> Duration {
        self.at + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == PlayState::Completed
    }

    pub(crate) fn new(id: PlaybackId, start: &PlayStart, wanted: Position, volume: i8, now: Moment) -> Self {
        Playback {
            id,
            url: Arc::clone(&start.url),
            state: PlayState::Playing,
            volume,
            began: now,
            ended: None,
            why: None,
            revision: 0,
            at: start.at,
            since: None,
            comes: false,
            wanted,
            shown: false,
            jump: 0,
            from: start.at,
        }
    }

    /// Its sound and pictures come from now on.
    pub(crate) fn come(&mut self, pictures: bool, now: Moment) {
        (self.comes, self.shown) = (true, pictures);
        self.since = self.since.or_else(|| (self.state == PlayState::Playing).then_some(now));
    }

    /// Goes on in another way.
    pub(crate) fn turn(&mut self, state: PlayState, now: Moment) {
        self.at = self.position(now);
        self.since = (state == PlayState::Playing && self.comes).then_some(now);
        (self.state, self.revision) = (state, self.revision + 1);
    }

    /// It is over.
    pub(crate) fn end(&mut self, why: WhyPlayed, now: Moment) {
        self.turn(PlayState::Completed, now);
        (self.ended, self.why, self.shown) = (Some(now), Some(why), false);
    }

    /// Goes to another place. Nothing changes for members if it is where it was.
    pub(crate) fn jump(&mut self, to: Duration, now: Moment) {
        (self.at, self.from, self.since) = (to, to, self.since.map(|_| now));
        self.jump += 1;
    }
}

/// How far a file that is played is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlayState {
    /// It is played, or will be as soon as its bytes come.
    Playing,
    /// It stands still.
    Paused,
    /// It is over.
    Completed,
}

/// Why a file is played no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhyPlayed {
    /// Somebody stopped it, or nobody hears it any more.
    Stopped,
    /// It was played to its end.
    Finished,
    /// Its bytes cannot be had: an address that is not allowed, no answer, an answer that is none, too slow, too much.
    Unreachable,
    /// It is no file that can be decoded.
    Unplayable,
    /// The media server could not go on.
    Failed,
}

/// A file that is to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayStart {
    /// Where it is: at most [`PLAYBACK_URL_BYTES_MAX`](crate::limit::PLAYBACK_URL_BYTES_MAX).
    pub url: Arc<str>,
    /// How loud: −50 to 50.
    pub volume: i8,
    /// Where in the file it begins.
    pub at: Duration,
    /// How members stand from now on, if that changes. Needs [`Permission::RoomLayout`](crate::Permission::RoomLayout).
    pub layout: Option<LayoutName>,
    /// Who stands where; [`Target::Me`] is the file. For others it needs [`Permission::RoomPosition`](crate::Permission::RoomPosition).
    pub places: Vec<(Target, Position)>,
}

/// What is to become of files that are played. Needs [`Permission::Playback`](crate::Permission::Playback); for going to another place
/// [`Permission::PlaybackSeek`](crate::Permission::PlaybackSeek) is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlayAct {
    /// Play one. Answered by [`Answer::Playback`](crate::Answer::Playback), as the others are.
    Start(Box<PlayStart>),
    /// Let it stand still.
    Pause(PlaybackId),
    /// Go on.
    Resume(PlaybackId),
    /// End it.
    Stop(PlaybackId),
    /// How loud it is: −50 to 50.
    Volume(PlaybackId, i8),
    /// Go to this place.
    Seek(PlaybackId, Duration),
    /// Go on by so many milliseconds, or back; to the beginning at most.
    SeekBy(PlaybackId, i64),
}

/// A file that media is to play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// Which.
    pub id: PlaybackId,
    /// Where the file is.
    pub url: Arc<str>,
    /// Where its pictures are seen; none: nowhere. All of them must be seen.
    pub area: Option<Area>,
    /// How loud: −50 to 50.
    pub volume: i8,
    /// Whether it stands still.
    pub paused: bool,
    /// Grows whenever it is to go to `from`, where it begins too.
    pub jump: u32,
    /// To where in the file.
    pub from: Duration,
}

/// What media tells of a file that it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayNews {
    /// Its sound and pictures come.
    Began {
        /// Whether it has pictures.
        pictures: bool,
    },
    /// It is over.
    Ended(WhyPlayed),
}
