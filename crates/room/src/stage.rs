//! The mixed picture and sound of a room, and what its members and moderators may change of them: what is said in commands, answers,
//! events and orders. Where each member stands follows from it, and is the same for everybody.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    Film, MixRecording, Moment, ParticipantId, PlayAct, Playback, PlaybackId, RecordAct, Rights, RoomKind, RoomOptions, Sealed,
    SeatKey, Terms, TrackId,
};

mod acts;
mod layout;
mod links;
mod play;
mod scene;
mod settle;
mod state;
mod talk;

pub(crate) use acts::check_meta;
pub(crate) use state::Stage;

/// What a participant receives of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Their tracks, one by one.
    #[default]
    Tracks,
    /// One picture and one sound of all.
    Mix,
}

/// What a participant is among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Somebody.
    #[default]
    Person,
    /// Somebody who only looks and listens: not in the picture, not in the list.
    Audience,
    /// A screen that a person shares. It leaves with its person.
    Screen,
    /// Another camera or microphone of a person. It leaves with its person.
    Device,
}

/// How a client takes part, besides its tracks. The default is what somebody does who receives tracks and never heard of a mix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// What it receives.
    pub view: View,
    /// What it is.
    pub role: Role,
    /// Whose screen or device it is; a person of the same room.
    pub parent: Option<ParticipantId>,
    /// Whether another of its name may be in the room with it. Of two who may not, the older one is put out.
    pub shares_name: bool,
    /// Proof of the seat, drawn by the door; none: the rooms draw one.
    pub seat: Option<SeatKey>,
    /// Whether it begins with its sound muted.
    pub audio_muted: bool,
    /// Whether it begins with its pictures muted.
    pub video_muted: bool,
    /// Words of the app about it.
    pub meta: Meta,
    /// Where it would like to stand.
    pub position: Position,
    /// When it is put out: [`WhyLeft::Expired`](crate::WhyLeft::Expired).
    pub expires: Option<Moment>,
    /// How long it may stay.
    pub stays_max: Option<Duration>,
    /// Whether the room ends when it leaves.
    pub ends_room: bool,
    /// Whether it wants to be told when its tracks are recorded and none of their media comes:
    /// [`Event::RecordingSilent`](crate::Event::RecordingSilent).
    pub warned: bool,
    /// How the room is made if it is neither in progress nor defined; none: [`Refusal::RoomNotMade`](crate::Refusal::RoomNotMade) for
    /// who receives a mix, an ad-hoc room for the others.
    pub makes: Option<Box<Definition>>,
}

/// A room that may begin: as its owner made it, to be there whenever somebody comes.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its kind.
    pub kind: RoomKind,
    /// What it is besides.
    pub options: RoomOptions,
    /// How many, and for how long.
    pub terms: Terms,
    /// How its mix begins.
    pub stage: StageSettings,
    /// Before this nobody comes in: [`Refusal::NotNow`](crate::Refusal::NotNow).
    pub opens: Option<Moment>,
    /// After this nobody comes in: [`Refusal::NotNow`](crate::Refusal::NotNow).
    pub closes: Option<Moment>,
    /// When everybody is put out and the room ends.
    pub ends: Option<Moment>,
    /// What its owner wants kept with it.
    pub memo: Sealed,
}

/// How a mix begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageSettings {
    /// Size and rate.
    pub canvas: Canvas,
    /// How members stand.
    pub layout: LayoutName,
    /// Whether entry and exit are heard.
    pub tones: bool,
    /// Whether members begin with their sound muted.
    pub join_audio_muted: bool,
    /// Whether members begin with their pictures muted.
    pub join_video_muted: bool,
    /// Whether who raised a hand stands first.
    pub prioritize_hands: bool,
    /// What is called besides its name.
    pub display_name: Arc<str>,
    /// Words of the app about the room.
    pub meta: Meta,
    /// Whether a recording begins with the first who is there to be recorded. If that ends because nobody is there any more, so does the
    /// next.
    pub record_on_start: bool,
}

/// Size and rate of a mixed picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Canvas {
    /// Pixels, even.
    pub width: u16,
    /// Pixels, even.
    pub height: u16,
    /// Pictures a second.
    pub fps: u8,
}

impl Default for Canvas {
    fn default() -> Self {
        Canvas { width: 1280, height: 720, fps: 20 }
    }
}

/// Words of an app, by key; each value sealed, as its door spells it.
pub type Meta = BTreeMap<Arc<str>, Sealed>;

/// What becomes of such words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetaChange {
    /// These and no others.
    Set(Meta),
    /// These, and the others as before.
    Update(Meta),
    /// Without these keys.
    Delete(Vec<Arc<str>>),
}

/// What the others see of a member in the mix; part of its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it receives.
    pub view: View,
    /// What it is.
    pub role: Role,
    /// Whose screen or device it is.
    pub parent: Option<ParticipantId>,
    /// Whether its sound is kept from everybody. Of who receives tracks, whether none comes.
    pub audio_muted: bool,
    /// Whether its pictures are kept from everybody. Of who receives tracks, whether none come.
    pub video_muted: bool,
    /// Whether it hears nothing.
    pub deaf: bool,
    /// How loud it is to the others: −50 to 50, 0 as it comes.
    pub input_volume: i8,
    /// How loud the others are to it: −50 to 50, 0 as they come.
    pub output_volume: i8,
    /// How easily it counts as talking: 1, only when loud, to 100, at a whisper; with 0 never. It is heard all the same.
    pub sensitivity: u8,
    /// Whether its hand is raised.
    pub hand_raised: bool,
    /// Where it would like to stand.
    pub wanted: Position,
    /// Where it stands.
    pub position: Position,
    /// Whether its pictures are to be seen. Of somebody who is muted a card may be.
    pub visible: bool,
    /// Whether it talks.
    pub talking: bool,
    /// Words of the app about it.
    pub meta: Meta,
}

impl Member {
    /// As it comes in.
    pub(crate) fn new(part: &Part) -> Self {
        Member {
            view: part.view,
            role: part.role,
            parent: part.parent,
            audio_muted: part.audio_muted,
            video_muted: part.video_muted,
            wanted: part.position,
            meta: part.meta.clone(),
            ..Member::default()
        }
    }
}

impl Default for Member {
    fn default() -> Self {
        Member {
            view: View::Tracks,
            role: Role::Person,
            parent: None,
            audio_muted: false,
            video_muted: false,
            deaf: false,
            input_volume: 0,
            output_volume: 0,
            sensitivity: 30,
            hand_raised: false,
            wanted: Position::Auto,
            position: Position::Auto,
            visible: false,
            talking: false,
            meta: Meta::new(),
        }
    }
}

/// A member's fields, for telling which changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the field of Member that has its name")]
pub enum MemberField {
    AudioMuted,
    VideoMuted,
    Deaf,
    InputVolume,
    OutputVolume,
    Sensitivity,
    HandRaised,
    Position,
    Visible,
    Meta,
}

/// Where a member stands in a layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// Wherever there is a place.
    #[default]
    Auto,
    /// A place by its number, from 1.
    Standard(u8),
    /// A place kept for whoever is sent there, by its number from 1.
    Reserved(u8),
    /// The place for what is played or shared.
    Playback,
    /// All of the picture.
    FullScreen,
    /// Not in the picture.
    OffCanvas,
}

/// How members stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names of the vendor; geometry in stage/layout.rs")]
pub enum LayoutName {
    #[default]
    GridResponsive,
    GridResponsiveMobile,
    Highlight1Responsive,
    Grid1x1,
    Grid2x1,
    Grid2x2,
    FiveUp,
    Grid3x3,
    Grid4x4,
    Grid5x5,
    Grid6x6,
    Grid8x8,
    Grid10x10,
    ScreenShare,
    FullScreen,
}

impl LayoutName {
    /// Every layout, as they are listed.
    pub const ALL: [LayoutName; 15] = [
        LayoutName::GridResponsive,
        LayoutName::GridResponsiveMobile,
        LayoutName::Highlight1Responsive,
        LayoutName::Grid1x1,
        LayoutName::Grid2x1,
        LayoutName::Grid2x2,
        LayoutName::FiveUp,
        LayoutName::Grid3x3,
        LayoutName::Grid4x4,
        LayoutName::Grid5x5,
        LayoutName::Grid6x6,
        LayoutName::Grid8x8,
        LayoutName::Grid10x10,
        LayoutName::ScreenShare,
        LayoutName::FullScreen,
    ];
}

/// Who a command of a member or moderator is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Whoever gives it.
    Me,
    /// This one.
    One(ParticipantId),
    /// Everybody, whoever gives it too; for putting out that one as the last.
    All,
}

/// What is to become of a member.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberAct {
    /// Keep its sound from everybody, or not any more.
    MuteAudio(bool),
    /// Keep its pictures from everybody, or not any more.
    MuteVideo(bool),
    /// Let it hear nothing, or something again.
    Deafen(bool),
    /// How loud it is to the others: −50 to 50.
    InputVolume(i8),
    /// How loud the others are to it: −50 to 50.
    OutputVolume(i8),
    /// How easily it counts as talking: 1, only when loud, to 100, at a whisper; with 0 never. It is heard all the same.
    Sensitivity(u8),
    /// Raise its hand, or lower it.
    RaiseHand(bool),
    /// Send it there.
    Place(Position),
    /// Words of the app about it.
    Meta(MetaChange),
    /// Put it out.
    Remove,
    /// Make it a member who was audience.
    Promote {
        /// What it may do from now on.
        rights: Rights,
        /// Begin with its sound muted.
        audio_muted: bool,
        /// Begin with its pictures muted.
        video_muted: bool,
        /// Words of the app about it, if they change.
        meta: Option<Meta>,
    },
    /// Make it audience who was a member.
    Demote {
        /// What it may do from now on.
        rights: Rights,
        /// Words of the app about it, if they change.
        meta: Option<Meta>,
    },
}

/// What is to become of the mix of a room.
#[derive(Clone, Debug, PartialEq)]
pub enum StageAct {
    /// How members stand, and who is sent where.
    Layout(LayoutName, Vec<(Target, Position)>),
    /// Who is sent where.
    Places(Vec<(Target, Position)>),
    /// Whether members whose pictures are muted leave the picture.
    HideVideoMuted(bool),
    /// Whether nobody else may come in.
    Lock(bool),
    /// Whether who raised a hand stands first.
    PrioritizeHands(bool),
    /// Words of the app about the room.
    Meta(MetaChange),
    /// Record it, or do this with a recording.
    Record(RecordAct),
    /// Play a file, or do this with one that is played.
    Play(PlayAct),
}

/// What a member may ask without changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which layouts there are. Needs [`Permission::ListLayouts`](crate::Permission::ListLayouts).
    Layouts,
    /// How the mix is now, with everybody in it.
    Stage,
    /// How this one is.
    Member(Target),
    /// Which recordings of the mix there are. Needs [`Permission::Recording`](crate::Permission::Recording).
    Recordings,
    /// Which files are played. Needs [`Permission::Playback`](crate::Permission::Playback).
    Playbacks,
}

/// The mix of a room as its members see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageView {
    /// Size and rate.
    pub canvas: Canvas,
    /// How members stand.
    pub layout: LayoutName,
    /// Whether members whose pictures are muted leave the picture.
    pub hide_video_muted: bool,
    /// Whether nobody else may come in.
    pub locked: bool,
    /// Whether who raised a hand stands first.
    pub prioritize_hands: bool,
    /// What it is called besides its name.
    pub display_name: Arc<str>,
    /// Words of the app about the room.
    pub meta: Meta,
    /// How many look on.
    pub audience: u32,
    /// Its recordings: all that are not over, and the last ones that are; oldest first.
    pub recordings: Vec<MixRecording>,
    /// The files that are played, and the last ones that were; oldest first.
    pub playbacks: Vec<Playback>,
}

/// Fields of the mix, for telling which changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the field of StageView that has its name")]
pub enum StageField {
    Layout,
    HideVideoMuted,
    Locked,
    PrioritizeHands,
    Meta,
    Audience,
    Recordings,
    Playbacks,
}

/// One place of a layout, with whoever stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where on the canvas.
    pub area: Area,
    /// What the place is called.
    pub position: Position,
    /// Who stands there, if anybody.
    pub who: Option<ParticipantId>,
    /// Which file is seen there, if any.
    pub film: Option<PlaybackId>,
    /// Lies over places with smaller numbers.
    pub above: u8,
}

/// A rectangle on a canvas, in pixels; all four are even, because colours come for two by two pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
    /// Across.
    pub width: u16,
    /// Down.
    pub height: u16,
}

/// How members stand now: the same for everybody, and exactly what is in the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// By which name.
    pub name: LayoutName,
    /// On what.
    pub canvas: Canvas,
    /// Every place, taken or not, back to front.
    pub places: Vec<Place>,
}

/// What the media server mixes for a room: the complete order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// Size and rate.
    pub canvas: Canvas,
    /// What is in the picture, back to front.
    pub cells: Vec<Cell>,
    /// Whose sound is heard. Everybody who publishes sound and is not muted.
    pub voices: Vec<Voice>,
    /// Who receives the mix. Nobody may, if it is recorded.
    pub ears: Vec<Ear>,
    /// Grows by one with each entry that is to be heard.
    pub entries: u32,
    /// Grows by one with each exit that is to be heard.
    pub exits: u32,
    /// Files that are played for everybody.
    pub films: Vec<Film>,
}

/// One member in the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Who.
    pub who: ParticipantId,
    /// Where.
    pub area: Area,
    /// What of it; none: a card with its name.
    pub track: Option<TrackId>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether all of the picture must be seen, as of a screen. Otherwise its edges may be cut off.
    pub whole: bool,
}

/// One member's sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// Who.
    pub who: ParticipantId,
    /// Its sound.
    pub track: TrackId,
    /// How loud: −50 to 50.
    pub volume: i8,
    /// How easily it counts as talking: 1, only when loud, to 100, at a whisper; with 0 never. It is heard all the same.
    pub sensitivity: u8,
}

/// One who receives the mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ear {
    /// Who.
    pub who: ParticipantId,
    /// Whether it hears something.
    pub hears: bool,
    /// Whether it is sent pictures.
    pub sees: bool,
    /// How loud: −50 to 50.
    pub volume: i8,
    /// Whom it does not hear: itself, its screens and devices, and for those the person.
    pub without: Vec<ParticipantId>,
}
