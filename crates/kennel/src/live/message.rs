//! The words of the live channel (`docs/ref/api.md`).

use serde::{Deserialize, Serialize};

/// What a page says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromClient {
    /// The first message: who this is.
    Hello(Hello),
    /// How a camera is.
    Status(Status),
    /// The person pressed Stop.
    Stop,
    /// Answered with the same number.
    Ping {
        /// Any number.
        n: u64,
    },
}

/// Who a page is.
#[derive(Clone, Debug, Deserialize)]
pub struct Hello {
    /// Its part.
    #[serde(rename = "as")]
    pub part: Part,
    /// Its room; of no meaning for [`Part::Home`].
    #[serde(default)]
    pub room: String,
    /// The identity it has in the room; of no meaning for [`Part::Home`].
    #[serde(default)]
    pub name: String,
    /// The device's own random id.
    #[serde(default)]
    pub device: String,
}

/// What a page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Sends a picture.
    Camera,
    /// Watches a room.
    Watch,
    /// Shows all rooms' cameras.
    Home,
}

/// How a camera is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// 0 to 1.
    battery: Option<f64>,
    charging: Option<bool>,
    visible: bool,
    wake_lock: bool,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    facing: Facing,
    /// Degrees to the left: 0, 90, 180 or 270.
    rotation: u16,
    muted: bool,
    video_off: bool,
    pressure: Option<Pressure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Facing {
    Front,
    Back,
    Unknown,
}

/// The states of W3C Compute Pressure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pressure {
    Nominal,
    Fair,
    Serious,
    Critical,
}

impl Status {
    /// Whether every number is one that a camera can have.
    pub fn is_sound(&self) -> bool {
        const LARGEST_SIDE: u32 = 16_384;
        self.battery.is_none_or(|battery| (0.0..=1.0).contains(&battery))
            && self.width.max(self.height) <= LARGEST_SIDE
            && matches!(self.rotation, 0 | 90 | 180 | 270)
    }
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ToClient<'a> {
    /// The hello is taken.
    Welcome {
        /// Milliseconds since 1970 UTC.
        time: u64,
    },
    /// All cameras that this page may hear of.
    Cameras {
        /// By room and name.
        cameras: Vec<CameraRow<'a>>,
    },
    /// The answer to a ping.
    Pong {
        /// Its number.
        n: u64,
    },
    /// The socket will close, and why.
    Ended {
        /// Why.
        reason: EndReason,
    },
    /// A message broke a rule; the socket will close.
    Refused {
        /// For programs.
        code: &'a str,
        /// For people.
        message: &'a str,
    },
}

/// One camera in the list.
#[derive(Debug, Serialize)]
pub struct CameraRow<'a> {
    /// Its room.
    pub room: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What it does.
    pub state: CameraState,
    /// Since when, ms since 1970 UTC.
    pub since: u64,
    /// As it last said.
    pub status: Option<&'a Status>,
    /// The names of those who watch its room, at most [`super::list::NAMED`].
    pub watchers: &'a [&'a str],
    /// How many watch its room.
    pub watching: usize,
}

/// What a camera does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// Its channel is open.
    Live,
    /// The person pressed Stop.
    Stopped,
    /// Its channel ended without that.
    Gone,
}

/// Why a socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// The link or the session was withdrawn.
    Withdrawn,
    /// The link came to its end.
    Expired,
    /// The server stops.
    Shutdown,
    /// Another device is the camera of that name now.
    Displaced,
}
