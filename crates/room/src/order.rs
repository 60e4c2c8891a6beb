//! What the rooms ask of the media server, and what it tells them. Only rooms of [`Topology::Server`](crate::Topology) give orders.

use std::sync::Arc;

use crate::{
    LinkId, MixTake, ParticipantId, PlayNews, PlaybackId, Priority, RecordNews, RecordingId, RoomId, Scene, Sealed, Signal, Take,
    Track, TrackId, View,
};

/// What media is asked to do for one participant. Orders of one room arrive in the order in which they were given.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// In which room.
    pub room: RoomId,
    /// For whom.
    pub who: ParticipantId,
    /// What.
    pub act: Act,
}

/// What media is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Make a peer for this participant and answer its first offer. A peer that it has already is replaced.
    Open(Box<Open>),
    /// The participant says this on its link. Candidates are never among it: media learns from checks where a client is.
    Signal(LinkId, Signal),
    /// The participant is away: it hears nothing that is said on its link, and need not answer. Its media may go on.
    Away,
    /// The participant is there again: say again whatever it has not answered.
    Repeat,
    /// Nobody knows what became of the participant's transport while the program did not run: it is dead unless something is heard from
    /// the other end soon.
    Check,
    /// These are all the tracks that the participant publishes now.
    Publish(Vec<Track>),
    /// These are all the tracks that the participant is to receive now. They are published in the same room, or will be.
    Subscribe(Vec<TrackId>),
    /// How the participant wants to receive its tracks.
    Hint(Vec<Hint>),
    /// Send this text to the participant on this channel.
    Say(Channel, Sealed),
    /// This is what the room's mix looks and sounds like from now on; none: nobody receives it and it is not recorded. Of the room as a
    /// whole, said to any of its participants.
    Scene(Option<Arc<Scene>>),
    /// These are all the recordings of the participant's tracks that there are to be now: what is not listed any more ends. They end with
    /// its peer too, and when that is replaced. The tracks were published before.
    Record(Vec<Take>),
    /// These are all the recordings of the room's mix that there are to be now. Of the room as a whole, said to any of its participants;
    /// they go on when that is gone, and end with the last peer of the room.
    RecordMix(Vec<MixTake>),
    /// The participant is gone.
    Close,
}

/// A new peer.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// The name of its link.
    pub link: LinkId,
    /// Its first offer.
    pub offer: Signal,
    /// The channels that it wants, to be opened by us. Each one's label is [`Channel::label`].
    pub channels: Vec<Channel>,
    /// How it wants to share its bandwidth.
    pub profile: Profile,
    /// The video codecs of the room, best first. Empty: what the media server prefers.
    pub codecs: Vec<VideoCodec>,
    /// What it receives. A mix comes on the sections of its own offer: the server offers nothing to it, and answers with sound first.
    pub view: View,
}

/// A message channel between the media server and one participant, for words that only a door understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Who speaks.
    Speaker,
    /// How good connections are.
    Quality,
    /// How much each track matters to the receiver.
    Priority,
    /// Which tracks are not sent for now.
    SwitchOff,
    /// How large each track is shown.
    Render,
    /// Which layers a publisher should send.
    Layers,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Channel; 6] =
        [Channel::Speaker, Channel::Quality, Channel::Priority, Channel::SwitchOff, Channel::Render, Channel::Layers];

    /// The label of the data channel on this link. New for each link, so that a client notices when a link replaces another.
    #[must_use]
    pub fn label(self, link: &LinkId) -> String {
        let name = match self {
            Channel::Speaker => "speaker",
            Channel::Quality => "quality",
            Channel::Priority => "priority",
            Channel::SwitchOff => "switch-off",
            Channel::Render => "render",
            Channel::Layers => "layers",
        };
        format!("{name}-{}", link.0)
    }
}

/// A video codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VideoCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 6184.
    H264,
    /// RFC 9628.
    Vp9,
}

/// How a participant wants its bandwidth shared among the video tracks that it receives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Who comes first.
    pub mode: Mode,
    /// Whether tracks may be switched off when there is too little for all.
    pub switch_off: SwitchOff,
    /// Bits per second for all video together; none: no bound of the participant's own.
    pub bitrate_max: Option<u64>,
    /// Video tracks sent at a time; none: all.
    pub tracks_max: Option<u16>,
    /// The priority that the dominant speaker's tracks get.
    pub speaker_priority: Option<Priority>,
    /// Width and height that a track of each priority gets, where nothing is known of how it is shown.
    pub sizes: Sizes,
    /// Whether the participant says itself how large and whether it shows each track.
    pub hinted: bool,
}

/// Width and height in pixels for tracks of each priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Of tracks of high priority.
    pub high: Option<(u16, u16)>,
    /// Of tracks of standard priority.
    pub standard: Option<(u16, u16)>,
    /// Of tracks of low priority.
    pub low: Option<(u16, u16)>,
}

/// Who comes first when there is not enough for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All alike.
    #[default]
    Grid,
    /// Tracks of high priority first, the others share the rest.
    Collaboration,
    /// Tracks of high priority get all they can use, even if the others get nothing.
    Presentation,
}

/// Whether tracks may be switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwitchOff {
    /// Before congestion shows, from the estimate.
    Predicted,
    /// When congestion shows. What a participant gets that does not say.
    #[default]
    Detected,
    /// Never: every track gets at least its smallest layer.
    Disabled,
}

/// How a participant wants to receive one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Which track.
    pub track: TrackId,
    /// What of it.
    pub wish: Wish,
}

/// One wish for a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// How much it matters to this receiver; none: as its publisher says.
    Priority(Option<Priority>),
    /// Whether to send it at all.
    Shown(bool),
    /// Width and height in pixels at which it is shown.
    Size(u16, u16),
}

/// What media tells the rooms.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// A participant should hear something, or said something.
    Of {
        /// In which room.
        room: RoomId,
        /// Of whom.
        who: ParticipantId,
        /// Of which of its links: what is told of another than its current one crossed with the end of that.
        link: LinkId,
        /// What.
        news: News,
    },
    /// The dominant speaker changed, or there is none.
    Speaker {
        /// In which room.
        room: RoomId,
        /// Who speaks.
        who: Option<ParticipantId>,
    },
    /// Something of a recording.
    Recorded {
        /// In which room; it may be over.
        room: RoomId,
        /// Of which.
        recording: RecordingId,
        /// What.
        news: RecordNews,
    },
    /// Something of a file that is played.
    Played {
        /// In which room; it may be over.
        room: RoomId,
        /// Of which.
        playback: PlaybackId,
        /// What.
        news: PlayNews,
    },
    /// Every peer of this room is gone through no fault of theirs, and their participants should make new links. All of them are closed
    /// in answer, those too that were opened when this was on its way.
    Lost(RoomId),
    /// A worker was lost that had some of this room's peers, though not its home. Of each of them comes [`News::Dead`] as well.
    PartLost(RoomId),
}

/// What media tells of one participant's link.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Our answer or offer.
    Signal(Signal),
    /// Under which names the tracks that it receives are found in its media: the complete list.
    Placed(Vec<(TrackId, Arc<str>)>),
    /// Its description cannot be used, or has no codec of ours.
    Refused(MediaRefusal),
    /// It is established: media can pass.
    Connected,
    /// It is dead: nothing was heard for too long, or the handshake failed.
    Dead,
    /// A channel has opened: what is said on it is heard.
    Opened(Channel),
    /// It said this on a channel.
    Said(Channel, Sealed),
    /// It began or ceased to talk, as the mixer hears it.
    Talking(bool),
    /// How good its own and the others' connections are.
    Quality(Quality),
    /// Tracks that it receives and that stopped or go on.
    Switched {
        /// Not sent to it any more, for now.
        off: Vec<TrackId>,
        /// Sent again.
        on: Vec<TrackId>,
    },
    /// Which layers of its track somebody receives, smallest first.
    Layers {
        /// Which track of its own.
        track: TrackId,
        /// Whether each layer is needed.
        needed: Vec<bool>,
    },
}

/// Why media cannot serve a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaRefusal {
    /// The description cannot be read or breaks a limit: why, as a sentence for whoever made the client.
    Description(&'static str),
    /// None of its codecs is one of ours.
    Codec,
    /// It sends more than one participant may.
    Flood,
}

/// How good connections are: 0 none, 1 bad to 5 best.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    /// The participant's own.
    pub own: OwnQuality,
    /// The others', each as that participant has it, but for the level: that is how it sends. Who has not been connected for long enough
    /// to be judged is not among them.
    pub others: Vec<(ParticipantId, Arc<OwnQuality>)>,
}

/// How good a participant's own connection is, each way and kind; 0 none, 1 bad to 5 best.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnQuality {
    /// The worst of the levels below.
    pub level: u8,
    /// Sound that it sends, if it sends any.
    pub audio_send: Option<LinkQuality>,
    /// Sound that it receives.
    pub audio_recv: Option<LinkQuality>,
    /// Pictures that it sends.
    pub video_send: Option<LinkQuality>,
    /// Pictures that it receives.
    pub video_recv: Option<LinkQuality>,
}

/// One way of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkQuality {
    /// 1 bad to 5 best.
    pub level: u8,
    /// Share of packets lost, 0 to 1.
    pub lost: f32,
    /// Milliseconds there and back.
    pub rtt_ms: f32,
    /// Milliseconds by which packets come unevenly.
    pub jitter_ms: f32,
    /// Bits per second that travel.
    pub bitrate: u64,
    /// Bits per second that could travel, where known.
    pub available: Option<u64>,
}

impl Order {
    /// An order about one participant.
    #[must_use]
    pub fn new(room: RoomId, who: ParticipantId, act: Act) -> Self {
        Order { room, who, act }
    }
}
