use std::fmt;

/// What a member may do with itself, with others, with the room. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the act of stage.rs that has its name, on oneself, on any member, on the room")]
#[repr(u8)]
pub enum Permission {
    SelfMuteAudio,
    SelfUnmuteAudio,
    SelfMuteVideo,
    SelfUnmuteVideo,
    SelfDeaf,
    SelfUndeaf,
    SelfInputVolume,
    SelfOutputVolume,
    SelfSensitivity,
    SelfPosition,
    SelfMeta,
    SelfRaiseHand,
    SelfLowerHand,
    SelfScreen,
    SelfDevice,
    MuteAudio,
    UnmuteAudio,
    MuteVideo,
    UnmuteVideo,
    Deaf,
    Undeaf,
    InputVolume,
    OutputVolume,
    Sensitivity,
    Position,
    Meta,
    RaiseHand,
    LowerHand,
    Remove,
    Promote,
    Demote,
    HideVideoMuted,
    ShowVideoMuted,
    ListLayouts,
    Lock,
    Unlock,
    Playback,
    PlaybackSeek,
    PrioritizeHands,
    Recording,
    RoomLayout,
    RoomPosition,
    RoomMeta,
    Stream,
}

impl Permission {
    /// Every permission, in the order of their numbers.
    pub const ALL: [Permission; 44] = {
        use Permission::*;
        [
            SelfMuteAudio,
            SelfUnmuteAudio,
            SelfMuteVideo,
            SelfUnmuteVideo,
            SelfDeaf,
            SelfUndeaf,
            SelfInputVolume,
            SelfOutputVolume,
            SelfSensitivity,
            SelfPosition,
            SelfMeta,
            SelfRaiseHand,
            SelfLowerHand,
            SelfScreen,
            SelfDevice,
            MuteAudio,
            UnmuteAudio,
            MuteVideo,
            UnmuteVideo,
            Deaf,
            Undeaf,
            InputVolume,
            OutputVolume,
            Sensitivity,
            Position,
            Meta,
            RaiseHand,
            LowerHand,
            Remove,
            Promote,
            Demote,
            HideVideoMuted,
            ShowVideoMuted,
            ListLayouts,
            Lock,
            Unlock,
            Playback,
            PlaybackSeek,
            PrioritizeHands,
            Recording,
            RoomLayout,
            RoomPosition,
            RoomMeta,
            Stream,
        ]
    };

    /// Whether it concerns only the member who has it.
    pub(crate) fn is_own(self) -> bool {
        self <= Permission::SelfDevice
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permissions(u64);

impl Permissions {
    /// None.
    pub const NONE: Permissions = Permissions(0);
    /// Every one.
    pub const ALL: Permissions = Permissions((1 << Permission::ALL.len()) - 1);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Permissions(self.0 | 1 << permission as u8)
    }

    /// Whether it is in the set.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// As a number, to be written down.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// From such a number; what it does not know is passed over.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Permissions(bits & Self::ALL.0)
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(all: I) -> Self {
        all.into_iter().fold(Permissions::NONE, Permissions::with)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Permission::ALL.iter().filter(|one| self.has(**one))).finish()
    }
}
