//! The rules of the rooms: who is in which room, who may do what, who receives which track.
//!
//! One plain value, [`Rooms`], takes a [`Command`] and the time, answers it, and says what it caused through
//! [`Rooms::poll_output`]. It has no clock, no randomness of its own, no socket, and it knows neither how a vendor
//! writes things down nor what a description of a media connection contains: those pass by sealed.

mod command;
mod event;
mod id;
pub mod limit;
mod link;
mod lists;
mod moment;
mod moving;
mod order;
mod output;
mod participant;
mod permission;
mod playback;
mod recording;
mod rights;
mod room;
mod rooms;
mod saved;
mod served;
mod stage;
mod subscribe;
mod takes;
mod terms;
mod topology;

pub mod door;

pub use command::{Caller, Command, Create, Join, Resume, RoomRef, TrackDraft};
pub use event::{
    Answer, Change, Event, Fact, Joined, Lately, LinkState, Published, Refusal, Subscribed, TrackRefusal, WhyEnded, WhyLeft,
};
pub use id::{ConnId, Ids, LinkId, ParticipantId, PlaybackId, RecordingId, RoomId, SeatKey, TrackId};
pub use limit::Limits;
pub use link::{Sealed, Signal, Step};
pub use moment::Moment;
pub use order::{
    Act, Channel, Hint, LinkQuality, MediaRefusal, Mode, News, Open, Order, OwnQuality, Profile, Quality, Report, Sizes,
    SwitchOff, VideoCodec, Wish,
};
pub use output::Output;
pub use participant::{Kind, Presence, Priority, Snapshot, Track};
pub use permission::{Permission, Permissions};
pub use playback::{Film, PlayAct, PlayNews, PlayStart, PlayState, Playback, WhyPlayed};
pub use recording::{
    MixRecording, MixState, MixTake, Outcome, RecordAct, RecordNews, RecordedCodec, Recording, RecordingState, Take, WhyStopped,
};
pub use rights::{MediaAllowed, Origin, Rights};
pub use rooms::{RoomView, Rooms, is_speakable};
pub use saved::{SavedLink, SavedParticipant, SavedRoom, SavedStage};
pub use stage::{
    Area, Canvas, Cell, Definition, Ear, Layout, LayoutName, Member, MemberAct, MemberField, Meta, MetaChange, Part, Place,
    Position, Question, Role, Scene, StageAct, StageField, StageSettings, StageView, Target, View, Voice,
};
pub use subscribe::{Rule, RuleLine, Which, Whom};
pub use terms::Terms;
pub use topology::{RoomKind, RoomOptions, Topology};
