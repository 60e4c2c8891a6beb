use std::sync::Arc;

use crate::{
    Caller, Command, Kind, MemberAct, Permission, Permissions, PlayAct, Position, Question, Refusal, Role, RoomId, RoomRef,
    StageAct, Target, TrackId,
};

/// What a caller may do. A closed set; this module is the only place that says no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Publish tracks.
    pub publish: bool,
    /// Change the mix, itself and others in it.
    pub permissions: Permissions,
    /// What it may send, and receive of a mix.
    pub media: MediaAllowed,
}

/// What somebody may send, and receive of a mix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaAllowed {
    /// Sound and pictures.
    #[default]
    All,
    /// Sound.
    AudioOnly,
    /// Pictures.
    VideoOnly,
}

impl MediaAllowed {
    /// Whether sound is among it.
    #[must_use]
    pub fn has_audio(self) -> bool {
        self != MediaAllowed::VideoOnly
    }

    /// Whether pictures are among it.
    #[must_use]
    pub fn has_video(self) -> bool {
        self != MediaAllowed::AudioOnly
    }

    /// Whether tracks of this kind may be sent; what carries neither is not limited.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.has_audio(),
            Kind::Video => self.has_video(),
            Kind::Data => true,
        }
    }
}

impl Rights {
    /// Everything a guest of a room may do.
    pub const GUEST: Rights = Rights { publish: true, permissions: Permissions::NONE, media: MediaAllowed::All };
}

/// Which key let this participant in, so that withdrawing the key removes it. Opaque here.
pub type Origin = Arc<str>;

/// Whether this caller may give this command at all. What depends on the room (seats, its end) is refused there.
pub(crate) fn permit(caller: Caller, command: &Command) -> Result<(), Refusal> {
    let own = matches!(
        command,
        Command::Join(_)
            | Command::Resume(_)
            | Command::Publish { .. }
            | Command::Signal { .. }
            | Command::Say { .. }
            | Command::Hint(_)
            | Command::Member(..)
            | Command::Stage(_)
            | Command::Ask(_)
            | Command::Open { .. }
            | Command::Leave
            | Command::Lose
    );
    match caller {
        Caller::Conn(_) if own => Ok(()),
        Caller::Owner if !own => Ok(()),
        Caller::Conn(_) | Caller::Owner => Err(Refusal::NotPermitted),
    }
}

/// Whether a participant with these rights may publish.
pub(crate) fn may_publish(rights: Rights) -> bool {
    rights.publish
}

/// Whether somebody who receives these tracks may say how it wants to receive this one.
pub(crate) fn may_hint(received: &[TrackId], track: TrackId) -> bool {
    received.contains(&track)
}

/// Whether a key for `allowed` lets its holder into `wanted`. `find` knows which rooms are in progress.
pub(crate) fn may_enter(wanted: &RoomRef, allowed: Option<&RoomRef>, find: impl Fn(&RoomRef) -> Option<RoomId>) -> bool {
    let Some(allowed) = allowed else { return true };
    match (find(wanted), find(allowed)) {
        (Some(wanted), Some(allowed)) => wanted == allowed,
        _ => wanted.name().is_some() && wanted.name() == allowed.name(),
    }
}

/// Whether a member may do this with itself, or what belongs to it, or else with others. Who may do it with any member may do it with
/// itself.
pub(crate) fn permit_member(rights: Rights, own: bool, act: &MemberAct) -> Result<(), Refusal> {
    let (own_permission, any) = member_permissions(act);
    let may = has(rights, any) || (own && own_permission.is_some_and(|permission| has(rights, permission)));
    if may { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// Whether a member may unmute itself.
pub(crate) fn may_unmute(rights: Rights, kind: Kind) -> bool {
    match kind {
        Kind::Audio => permit_member(rights, true, &MemberAct::MuteAudio(false)).is_ok(),
        Kind::Video => permit_member(rights, true, &MemberAct::MuteVideo(false)).is_ok(),
        Kind::Data => true,
    }
}

/// Whether a member may do this with the mix.
pub(crate) fn permit_stage(rights: Rights, act: &StageAct) -> Result<(), Refusal> {
    let may = match act {
        StageAct::Layout(_, places) => {
            has(rights, Permission::RoomLayout) && (places.is_empty() || has(rights, Permission::RoomPosition))
        }
        StageAct::Places(_) => has(rights, Permission::RoomPosition),
        StageAct::HideVideoMuted(true) => has(rights, Permission::HideVideoMuted),
        StageAct::HideVideoMuted(false) => has(rights, Permission::ShowVideoMuted),
        StageAct::Lock(true) => has(rights, Permission::Lock),
        StageAct::Lock(false) => has(rights, Permission::Unlock),
        StageAct::PrioritizeHands(_) => has(rights, Permission::PrioritizeHands),
        StageAct::Meta(_) => has(rights, Permission::RoomMeta),
        StageAct::Record(_) => has(rights, Permission::Recording),
        StageAct::Play(PlayAct::Seek(..) | PlayAct::SeekBy(..)) => {
            has(rights, Permission::PlaybackSeek) || has(rights, Permission::Playback)
        }
        StageAct::Play(PlayAct::Start(start)) => {
            let others = start.places.iter().any(|(target, _)| *target != Target::Me);
            has(rights, Permission::Playback)
                && (start.layout.is_none() || has(rights, Permission::RoomLayout))
                && (!others || has(rights, Permission::RoomPosition))
        }
        StageAct::Play(_) => has(rights, Permission::Playback),
    };
    if may { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// Whether a member may ask this.
pub(crate) fn permit_question(rights: Rights, question: Question) -> Result<(), Refusal> {
    let may = match question {
        Question::Layouts => has(rights, Permission::ListLayouts),
        Question::Playbacks => has(rights, Permission::Playback),
        Question::Recordings => has(rights, Permission::Recording),
        Question::Stage | Question::Member(_) => true,
    };
    if may { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// Whether somebody may come in as this. A screen needs no permission, as with the vendor, whose own tests share one with none at all: who
/// sends a picture may send a screen in its place anyway.
pub(crate) fn permit_role(rights: Rights, role: Role) -> Result<(), Refusal> {
    let may = match role {
        Role::Person | Role::Audience | Role::Screen => true,
        Role::Device => has(rights, Permission::SelfDevice),
    };
    if may { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// Whether somebody who shares so many screens may share another. One needs no permission; more of them would fill a room.
pub(crate) fn permit_another_screen(rights: Rights, shared: usize) -> Result<(), Refusal> {
    if shared == 0 || has(rights, Permission::SelfScreen) { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// Whether somebody who came in as this may have a screen or a device.
pub(crate) fn permit_child(parent: Role) -> Result<(), Refusal> {
    if parent == Role::Person { Ok(()) } else { Err(Refusal::NotPermitted) }
}

/// Where somebody stands who asks for this place as it comes in.
pub(crate) fn permit_position(rights: Rights, position: Position) -> Position {
    let any = [Permission::SelfPosition, Permission::Position, Permission::RoomPosition];
    if any.into_iter().any(|permission| has(rights, permission)) { position } else { Position::Auto }
}

fn has(rights: Rights, permission: Permission) -> bool {
    rights.permissions.has(permission)
}

/// What it takes to do this with oneself, if that is ever enough, and with anybody.
fn member_permissions(act: &MemberAct) -> (Option<Permission>, Permission) {
    use Permission as P;
    let (own, any) = match act {
        MemberAct::MuteAudio(true) => (P::SelfMuteAudio, P::MuteAudio),
        MemberAct::MuteAudio(false) => (P::SelfUnmuteAudio, P::UnmuteAudio),
        MemberAct::MuteVideo(true) => (P::SelfMuteVideo, P::MuteVideo),
        MemberAct::MuteVideo(false) => (P::SelfUnmuteVideo, P::UnmuteVideo),
        MemberAct::Deafen(true) => (P::SelfDeaf, P::Deaf),
        MemberAct::Deafen(false) => (P::SelfUndeaf, P::Undeaf),
        MemberAct::InputVolume(_) => (P::SelfInputVolume, P::InputVolume),
        MemberAct::OutputVolume(_) => (P::SelfOutputVolume, P::OutputVolume),
        MemberAct::Sensitivity(_) => (P::SelfSensitivity, P::Sensitivity),
        MemberAct::RaiseHand(true) => (P::SelfRaiseHand, P::RaiseHand),
        MemberAct::RaiseHand(false) => (P::SelfLowerHand, P::LowerHand),
        MemberAct::Place(_) => (P::SelfPosition, P::Position),
        MemberAct::Meta(_) => (P::SelfMeta, P::Meta),
        MemberAct::Remove => return (None, P::Remove),
        MemberAct::Promote { .. } => return (None, P::Promote),
        MemberAct::Demote { .. } => return (None, P::Demote),
    };
    (Some(own), any)
}

/// What a member with these rights can give to another: what concerns only oneself, and of the rest what it may do itself.
pub(crate) fn grantable(own: Rights, wanted: Rights) -> Rights {
    let may = |permission: &Permission| wanted.permissions.has(*permission) && (permission.is_own() || has(own, *permission));
    Rights { permissions: Permission::ALL.into_iter().filter(may).collect(), ..wanted }
}
