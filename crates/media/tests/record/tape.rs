//! A recorder whose files are in memory, and publishers whose packets are made up.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use container::matroska::{Event, Reader};
use container::{Block, Output, Track};
use media::codec::Codec;
use media::forward::SenderReport;
use media::record::{Effect, Epoch, Floors, Form, FromRecorder, Recorder, Subject, ToRecorder};
use media::tap::Packet;
use room::{Kind, Outcome, ParticipantId, RecordNews, RecordingId, RoomId, TrackId};

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
pub const ROOM: RoomId = RoomId(1);
pub const ANN: ParticipantId = ParticipantId(2);
pub const SOUND: RecordingId = RecordingId(3);
pub const PICTURES: RecordingId = RecordingId(4);

/// What 1970 was ago when a test began.
pub const SINCE_1970: Duration = Duration::from_secs(1_795_305_600);

pub struct Tape {
    pub start: Instant,
    pub now: Instant,
    pub recorder: Recorder,
    pub files: BTreeMap<RecordingId, (Form, Vec<u8>)>,
    pub news: Vec<(RecordingId, RecordNews)>,
    /// When key frames were asked for.
    pub wishes: Vec<(Instant, FromRecorder)>,
    /// The disk takes no more than this.
    pub room_for: usize,
}

/// What is in a file.
pub struct Played {
    pub tracks: Vec<Track>,
    pub blocks: Vec<Block>,
    pub began: Option<Duration>,
    pub duration: Option<Duration>,
}

impl Tape {
    pub fn new() -> Self {
        let start = Instant::now();
        let epoch = Epoch { moment: start, since_1970: SINCE_1970 };
        Tape {
            start,
            now: start,
            recorder: Recorder::new(epoch, Floors::default()),
            files: BTreeMap::new(),
            news: Vec::new(),
            wishes: Vec::new(),
            room_for: usize::MAX,
        }
    }

    /// Begins to record a sound and pictures of one publisher.
    pub fn of_both() -> Self {
        let mut tape = Tape::new();
        tape.begin(SOUND, Kind::Audio);
        tape.begin(PICTURES, Kind::Video);
        tape
    }

    pub fn begin(&mut self, recording: RecordingId, kind: Kind) {
        let subject = Subject::Track { who: ANN, track: TrackId(recording.0), kind };
        self.tell(ToRecorder::Begin { room: ROOM, recording, subject });
    }

    pub fn tell(&mut self, told: ToRecorder) {
        self.recorder.handle(self.now, told);
        self.carry_out();
    }

    /// A packet comes, when it says so.
    pub fn push(&mut self, recording: RecordingId, packet: Packet) {
        self.run_to(packet.arrival);
        self.tell(ToRecorder::Packet(recording, packet));
    }

    /// Time passes.
    pub fn run_to(&mut self, until: Instant) {
        while self.now + 20 * MS < until {
            self.now += 20 * MS;
            self.recorder.handle_time(self.now, self.now);
            self.carry_out();
        }
        self.now = until.max(self.now);
    }

    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_to(until);
        self.recorder.handle_time(self.now, self.now);
        self.carry_out();
    }

    /// Ends a recording.
    pub fn end(&mut self, recording: RecordingId) -> Outcome {
        self.tell(ToRecorder::End(recording));
        self.outcome(recording).expect("it ended")
    }

    pub fn outcome(&self, recording: RecordingId) -> Option<Outcome> {
        let mut ends = self.news.iter().filter_map(|(of, news)| match news {
            RecordNews::Ended(outcome) if *of == recording => Some(*outcome),
            _ => None,
        });
        let end = ends.next();
        assert_eq!(ends.count(), 0, "an end is told once");
        end
    }

    pub fn play(&self, recording: RecordingId) -> Played {
        let (_, bytes) = &self.files[&recording];
        let (mut reader, mut tracks, mut blocks) = (Reader::default(), Vec::new(), Vec::new());
        reader.push(bytes);
        while let Some(event) = reader.poll() {
            match event {
                Event::Tracks(read) => tracks = read,
                Event::Block(block) => blocks.push(block),
            }
        }
        assert!(!reader.is_over());
        Played { tracks, blocks, began: reader.began(), duration: reader.duration() }
    }

    /// The times of all that was sent, in milliseconds.
    pub fn times(&self, recording: RecordingId) -> Vec<u64> {
        let sent = self.play(recording).blocks.into_iter().filter(|block| !container::opus::is_silence(&block.bytes));
        sent.map(|block| block.time.as_millis() as u64).collect()
    }

    pub fn carry_out(&mut self) {
        while let Some(effect) = self.recorder.poll_effect() {
            match effect {
                Effect::Create(recording, form) => drop(self.files.insert(recording, (form, Vec::new()))),
                Effect::Write(recording, output) => self.write(recording, output),
                Effect::Tell(room, recording, news) => {
                    assert_eq!(room, ROOM);
                    self.news.push((recording, news));
                }
                Effect::End(_, recording, outcome) => {
                    let bytes = self.files.get(&recording).map_or(0, |(_, file)| file.len());
                    assert_eq!(outcome.bytes, bytes as u64);
                    self.recorder.handle_ended(recording);
                    self.news.push((recording, RecordNews::Ended(outcome)));
                }
                Effect::Wish(wish) => self.wishes.push((self.now, wish)),
            }
        }
    }

    fn write(&mut self, recording: RecordingId, output: Output) {
        let (_, file) = self.files.get_mut(&recording).expect("a file that was made");
        match output {
            Output::Append(bytes) if file.len() + bytes.len() > self.room_for => {
                let bytes = file.len() as u64;
                self.recorder.handle_failed(recording, bytes);
            }
            Output::Append(bytes) => file.extend(bytes),
            Output::Patch { at, bytes } => file[at as usize..][..bytes.len()].copy_from_slice(&bytes),
        }
    }
}

/// A stream of a publisher whose clock and line are as one likes.
#[derive(Clone)]
pub struct Stream {
    pub codec: Codec,
    pub ssrc: u32,
    pub start: Instant,
    /// What the first timestamp is, and the first number.
    pub time: u32,
    pub seq: u64,
    /// How long a packet is on its way.
    pub way: Duration,
    /// Parts of a million by which the publisher's clocks go too fast.
    pub fast: i64,
    /// From when on there are reports; each tells of the second before it.
    pub reports_from: Option<Duration>,
}

/// The publisher's clock when a test began: another century.
const PUBLISHER: Duration = Duration::from_secs(2_000_000_000);

impl Stream {
    pub fn new(tape: &Tape, codec: Codec) -> Self {
        let reports_from = Some(Duration::ZERO);
        Stream { codec, ssrc: 77, start: tape.start, time: 4_294_900_000, seq: 65_500, way: 30 * MS, fast: 0, reports_from }
    }

    /// The packet of what was made at this time, since the beginning by a true clock.
    pub fn packet(&self, n: u64, made: Duration, payload: &[u8]) -> Packet {
        let own = self.own(made);
        let reported = Duration::from_secs(own.as_secs());
        let report = SenderReport { clock: PUBLISHER + reported, time: self.ticks(reported) };
        Packet {
            codec: self.codec,
            stream: self.ssrc,
            seq: self.seq + n,
            time: self.ticks(own),
            arrival: self.start + made + self.way,
            last: true,
            rotation: None,
            report: self.reports_from.filter(|from| made >= *from).map(|_| report),
            payload: payload.into(),
        }
    }

    pub fn sound(&self, n: u64) -> Packet {
        self.packet(n, n as u32 * 20 * MS, &[0xfc, n as u8])
    }

    /// 25 a second; every so manieth is a key frame.
    pub fn picture(&self, n: u64, keys: u64) -> Packet {
        let key: &[u8] = &[0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0, n as u8];
        let plain: &[u8] = &[0x10, 0x11, n as u8];
        self.packet(n, n as u32 * 40 * MS, if n.is_multiple_of(keys) { key } else { plain })
    }

    /// By the publisher's clock.
    fn own(&self, made: Duration) -> Duration {
        let ns = made.as_nanos() as i64;
        Duration::from_nanos((ns + ns / 1_000_000 * self.fast) as u64)
    }

    fn ticks(&self, own: Duration) -> u32 {
        let ticks = own.as_nanos() * u128::from(self.codec.clock_hz()) / 1_000_000_000;
        self.time.wrapping_add(ticks as u32)
    }
}
