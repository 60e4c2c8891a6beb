use std::fmt;
use std::sync::Arc;

/// Where new identifiers come from. The shell gives one that draws from the system's secure source, tests one that counts.
pub trait Ids: Send {
    /// A fresh 128-bit number, never the same twice.
    fn fresh(&mut self) -> u128;
}

impl<F: FnMut() -> u128 + Send> Ids for F {
    fn fresh(&mut self) -> u128 {
        self()
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), self.0)
            }
        }
    };
}

id!(
    /// One beginning and end of a named place. A new beginning is a new id.
    RoomId
);
id!(
    /// One joined client. A client that joins again is a new participant.
    ParticipantId
);
id!(
    /// One published stream.
    TrackId
);

id!(
    /// One recording: one file.
    RecordingId
);
id!(
    /// One file that is played, from its beginning to its end.
    PlaybackId
);

/// Proof of a seat: whoever shows it may come back to it. Secret, so its `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatKey(pub u128);

impl fmt::Debug for SeatKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeatKey(***)")
    }
}

/// One connection of a client to the shell, as long as it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// One media connection between two participants of a mesh room. Named by the client that starts it, or by us.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub Arc<str>);

impl LinkId {
    /// A name of our own, spelled like a UUID (RFC 9562, section 4) because that is what clients use.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        let hex = format!("{bits:032x}");
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        LinkId(parts.join("-").into())
    }
}
