//! One recording.

use std::time::{Duration, Instant};

use container::{Block, Codec, Output, Track, matroska, mp4};
use room::{Kind, Outcome, RecordedCodec, RoomId, WhyStopped};

use super::clock::{Epoch, PeerClock};
use super::mixed::Mixing;
use super::track::{Taken, Taking};
use super::{FromRecorder, MixFile, Subject, ToRecorder};
use crate::limit::{MISSING_WAIT, RECORD_SILENCE};

/// What a file is called behind its number, by what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Sound only.
    Sound,
    /// Pictures only.
    Pictures,
    /// Both.
    Mix(MixFile),
}

impl Form {
    /// Every form.
    pub const ALL: [Form; 4] = [Form::Sound, Form::Pictures, Form::Mix(MixFile::WebM), Form::Mix(MixFile::Mp4)];

    /// The end of its name.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Form::Sound => "mka",
            Form::Pictures => "mkv",
            Form::Mix(MixFile::WebM) => "webm",
            Form::Mix(MixFile::Mp4) => "mp4",
        }
    }
}

/// One recording, from when it is wanted until its file is done.
pub(super) struct Take {
    pub room: RoomId,
    pub subject: Subject,
    /// Grows from one to the next.
    pub serial: u64,
    media: Media,
    file: Option<File>,
    /// When media came last.
    heard: Instant,
    /// No media comes, and that was told.
    silent: bool,
    /// Nothing more is taken.
    over: bool,
}

enum Media {
    Track(Taking),
    Mix(Mixing),
}

struct File {
    writer: Writer,
    codec: RecordedCodec,
    /// The moment of its beginning, since 1970, and whether it is as well known as it will be.
    offset: Duration,
    settled: bool,
}

/// Whoever writes its file.
enum Writer {
    Matroska(matroska::Writer),
    Mp4(mp4::Growing),
}

/// What came of something that a recording took.
pub(super) enum Step {
    /// Its file begins.
    Begin(Form, RecordedCodec, Duration),
    /// Something for its file.
    Write(Output),
    /// No media comes, or it comes again.
    Silent(bool),
}

impl Take {
    pub fn new(now: Instant, room: RoomId, subject: Subject, serial: u64) -> Self {
        let media = match subject {
            Subject::Track { kind, .. } => Media::Track(Taking::new(kind)),
            Subject::Mix(file) => Media::Mix(Mixing::new(file)),
        };
        Take { room, subject, serial, media, file: None, heard: now, silent: false, over: false }
    }

    /// Whether it has pictures.
    pub fn has_pictures(&self) -> bool {
        !matches!(self.subject, Subject::Track { kind: Kind::Audio, .. })
    }

    /// Whether nothing more is taken.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Takes media.
    pub fn handle(&mut self, now: Instant, epoch: &Epoch, peer: &mut PeerClock, told: ToRecorder, mut give: impl FnMut(Step)) {
        if self.over {
            return;
        }
        self.heard = now;
        if std::mem::take(&mut self.silent) {
            give(Step::Silent(false));
        }
        let (form, Take { media, file, .. }) = (self.form(), self);
        let put = |taken| File::put(file, epoch, form, taken, &mut give);
        match (media, told) {
            (Media::Track(taking), ToRecorder::Packet(_, packet)) => {
                taking.push(packet);
                taking.poll(now, epoch, peer, put);
            }
            (Media::Mix(mixing), ToRecorder::Sound { shown, packet, .. }) => mixing.sound(epoch, shown, &packet, put),
            (Media::Mix(mixing), ToRecorder::Picture { number, shown, frame, .. }) => {
                mixing.follow(number);
                mixing.picture(now, epoch, shown, &frame, put);
            }
            (Media::Mix(mixing), ToRecorder::Pause(_, paused)) => mixing.pause(paused),
            _ => {}
        }
    }

    /// Time passes: what is missing is not waited for any longer.
    pub fn handle_time(&mut self, now: Instant, epoch: &Epoch, peer: &mut PeerClock, mut give: impl FnMut(Step)) {
        if self.over {
            return;
        }
        let form = self.form();
        if let Media::Track(taking) = &mut self.media {
            let mut put = |taken| File::put(&mut self.file, epoch, form, taken, &mut give);
            taking.poll(now, epoch, peer, &mut put);
            taking.pass(now, put);
        }
        self.settle(epoch, &mut give);
        let paused = matches!(&self.media, Media::Mix(mixing) if mixing.is_paused());
        if paused {
            self.heard = now;
        }
        if !self.silent && now.saturating_duration_since(self.heard) >= RECORD_SILENCE {
            self.silent = true;
            give(Step::Silent(true));
        }
    }

    /// Whether its file is as long as one may be.
    pub fn is_long(&self) -> bool {
        !self.over && self.file.as_ref().is_some_and(|file| file.writer.is_long())
    }

    /// What it wants of the engine.
    pub fn take_wish(&mut self, now: Instant) -> Option<FromRecorder> {
        let wish = match &mut self.media {
            _ if self.over => false,
            Media::Track(taking) => taking.take_wish(now),
            Media::Mix(mixing) => mixing.take_wish(now),
        };
        let track = match self.subject {
            Subject::Track { track, .. } => Some(track),
            Subject::Mix(_) => None,
        };
        wish.then_some(FromRecorder::Keyframe(self.room, track))
    }

    /// Takes nothing more, and ends its file.
    pub fn end(
        &mut self,
        now: Instant,
        epoch: &Epoch,
        peer: &mut PeerClock,
        why: WhyStopped,
        mut give: impl FnMut(Step),
    ) -> Outcome {
        let form = self.form();
        if let Media::Track(taking) = &mut self.media {
            let then = now + 2 * MISSING_WAIT;
            taking.poll(then, epoch, peer, |taken| File::put(&mut self.file, epoch, form, taken, &mut give));
        }
        self.over = true;
        if let Some(file) = &mut self.file {
            file.set_offset(self.media.began(epoch));
            file.writer.finish(true);
            file.drain(&mut give);
        }
        self.outcome(why)
    }

    /// Its file could not be written further than so many bytes: what is there is made to be playable, where nothing can be appended.
    pub fn cut(&mut self, bytes: u64, mut give: impl FnMut(Step)) -> Outcome {
        self.over = true;
        if let Some(file) = self.file.as_mut().filter(|_| bytes > 0) {
            file.writer.cut(bytes);
            file.writer.finish(false);
            file.drain(&mut give);
        } else {
            self.file = None;
        }
        self.outcome(WhyStopped::Disk)
    }

    fn form(&self) -> Form {
        match self.subject {
            Subject::Mix(file) => Form::Mix(file),
            Subject::Track { kind: Kind::Audio, .. } => Form::Sound,
            Subject::Track { .. } => Form::Pictures,
        }
    }

    /// Writes the moment of its beginning once more when it is known well.
    fn settle(&mut self, epoch: &Epoch, give: &mut impl FnMut(Step)) {
        let Media::Track(taking) = &self.media else { return };
        let settled = taking.clock().is_some_and(super::clock::TrackClock::is_settled);
        if let Some(file) = self.file.as_mut().filter(|file| settled && !file.settled) {
            file.settled = true;
            file.set_offset(self.media.began(epoch));
            file.drain(give);
        }
    }

    fn outcome(&self, why: WhyStopped) -> Outcome {
        match &self.file {
            Some(file) => Outcome {
                duration: file.writer.duration(),
                bytes: file.writer.bytes(),
                offset: file.offset,
                codec: Some(file.codec),
                why,
            },
            None => {
                let why = if why == WhyStopped::Stopped { WhyStopped::NoMedia } else { why };
                Outcome { duration: Duration::ZERO, bytes: 0, offset: Duration::ZERO, codec: None, why }
            }
        }
    }
}

impl Media {
    /// The moment of the beginning, since 1970; none: as it was said.
    fn began(&self, epoch: &Epoch) -> Option<Duration> {
        match self {
            Media::Track(taking) => taking.clock().map(|clock| epoch.since_1970(clock.began())),
            Media::Mix(_) => None,
        }
    }
}

impl File {
    fn put(place: &mut Option<File>, epoch: &Epoch, form: Form, taken: Taken, give: &mut impl FnMut(Step)) {
        match taken {
            Taken::Begin(tracks, began) => {
                let (offset, codec) = (epoch.since_1970(began), codec_of(&tracks));
                give(Step::Begin(form, codec, offset));
                *place = Writer::new(form, &tracks, offset).map(|writer| File { writer, codec, offset, settled: false });
            }
            Taken::Block(block) => {
                if let Some(file) = place {
                    file.writer.push(block);
                }
            }
        }
        place.iter_mut().for_each(|file| file.drain(give));
    }

    fn set_offset(&mut self, offset: Option<Duration>) {
        if let Some(offset) = offset.filter(|offset| *offset != self.offset) {
            self.offset = offset;
            self.writer.set_began(offset);
        }
    }

    fn drain(&mut self, give: &mut impl FnMut(Step)) {
        std::iter::from_fn(|| self.writer.poll()).for_each(|output| give(Step::Write(output)));
    }
}

impl Writer {
    /// Of a file of this form that begins then, since 1970; none: it cannot have these tracks.
    fn new(form: Form, tracks: &[Track], began: Duration) -> Option<Self> {
        match form {
            Form::Mix(MixFile::Mp4) => mp4::Growing::new(tracks, began).map(Writer::Mp4),
            _ => Some(Writer::Matroska(matroska::Writer::new(tracks, began))),
        }
    }

    fn push(&mut self, block: Block) {
        match self {
            Writer::Matroska(writer) => writer.push(block),
            Writer::Mp4(writer) => writer.push(block),
        }
    }

    /// The moment at which it begins, known better. Only of tracks it is, and these are no MP4.
    fn set_began(&mut self, began: Duration) {
        if let Writer::Matroska(writer) = self {
            writer.set_began(began);
        }
    }

    fn finish(&mut self, appending: bool) {
        match self {
            Writer::Matroska(writer) => writer.finish(appending),
            Writer::Mp4(writer) => writer.finish(appending),
        }
    }

    fn cut(&mut self, bytes: u64) {
        match self {
            Writer::Matroska(writer) => writer.cut(bytes),
            Writer::Mp4(writer) => writer.cut(bytes),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Writer::Matroska(writer) => writer.poll(),
            Writer::Mp4(writer) => writer.poll(),
        }
    }

    fn duration(&self) -> Duration {
        match self {
            Writer::Matroska(writer) => writer.duration(),
            Writer::Mp4(writer) => writer.duration(),
        }
    }

    /// Whether it should be finished: what players must know of an MP4 is remembered until then.
    fn is_long(&self) -> bool {
        matches!(self, Writer::Mp4(writer) if writer.is_long())
    }

    fn bytes(&self) -> u64 {
        match self {
            Writer::Matroska(writer) => writer.bytes(),
            Writer::Mp4(writer) => writer.bytes(),
        }
    }
}

/// Of the pictures, or else of the sound.
pub(super) fn codec_of(tracks: &[Track]) -> RecordedCodec {
    match tracks.iter().map(|track| track.codec).max_by_key(|codec| !codec.is_sound()) {
        Some(Codec::Vp8) => RecordedCodec::Vp8,
        Some(Codec::Vp9) => RecordedCodec::Vp9,
        Some(Codec::H264) => RecordedCodec::H264,
        Some(Codec::Opus) | None => RecordedCodec::Opus,
    }
}
