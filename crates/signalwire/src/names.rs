//! This vendor's words for what the rooms know: layouts, positions, permissions, and an app's own words.

use ::room::{LayoutName, MediaAllowed, Meta, Permission, Permissions, Position, Sealed};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A layout's name.
#[must_use]
pub fn layout(layout: LayoutName) -> &'static str {
    match layout {
        LayoutName::GridResponsive => "grid-responsive",
        LayoutName::GridResponsiveMobile => "grid-responsive-mobile",
        LayoutName::Highlight1Responsive => "highlight-1-responsive",
        LayoutName::Grid1x1 => "1x1",
        LayoutName::Grid2x1 => "2x1",
        LayoutName::Grid2x2 => "2x2",
        LayoutName::FiveUp => "5up",
        LayoutName::Grid3x3 => "3x3",
        LayoutName::Grid4x4 => "4x4",
        LayoutName::Grid5x5 => "5x5",
        LayoutName::Grid6x6 => "6x6",
        LayoutName::Grid8x8 => "8x8",
        LayoutName::Grid10x10 => "10x10",
        LayoutName::ScreenShare => "screen-share",
        LayoutName::FullScreen => "full-screen",
    }
}

/// The layout of this name.
#[must_use]
pub fn parse_layout(text: &str) -> Option<LayoutName> {
    LayoutName::ALL.into_iter().find(|one| layout(*one) == text)
}

/// A position's name.
#[must_use]
pub fn position(position: Position) -> String {
    match position {
        Position::Auto => "auto".to_owned(),
        Position::Standard(number) => format!("standard-{number}"),
        Position::Reserved(number) => format!("reserved-{number}"),
        Position::Playback => "playback".to_owned(),
        Position::FullScreen => "full-screen".to_owned(),
        Position::OffCanvas => "off-canvas".to_owned(),
    }
}

/// The position of this name.
#[must_use]
pub fn parse_position(text: &str) -> Option<Position> {
    let plain = [Position::Auto, Position::Playback, Position::FullScreen, Position::OffCanvas];
    let known = plain.into_iter().find(|one| position(*one) == text);
    let number =
        |prefix| text.strip_prefix(prefix).and_then(|number: &str| number.parse::<u8>().ok()).filter(|number| *number > 0);
    known.or_else(|| number("standard-").map(Position::Standard)).or_else(|| number("reserved-").map(Position::Reserved))
}

/// A permission's name.
#[must_use]
pub fn permission(permission: Permission) -> &'static str {
    match permission {
        Permission::SelfMuteAudio => "room.self.audio_mute",
        Permission::SelfUnmuteAudio => "room.self.audio_unmute",
        Permission::SelfMuteVideo => "room.self.video_mute",
        Permission::SelfUnmuteVideo => "room.self.video_unmute",
        Permission::SelfDeaf => "room.self.deaf",
        Permission::SelfUndeaf => "room.self.undeaf",
        Permission::SelfInputVolume => "room.self.set_input_volume",
        Permission::SelfOutputVolume => "room.self.set_output_volume",
        Permission::SelfSensitivity => "room.self.set_input_sensitivity",
        Permission::SelfPosition => "room.self.set_position",
        Permission::SelfMeta => "room.self.set_meta",
        Permission::SelfRaiseHand => "room.self.raisehand",
        Permission::SelfLowerHand => "room.self.lowerhand",
        Permission::SelfScreen => "room.self.screenshare",
        Permission::SelfDevice => "room.self.additional_source",
        Permission::MuteAudio => "room.member.audio_mute",
        Permission::UnmuteAudio => "room.member.audio_unmute",
        Permission::MuteVideo => "room.member.video_mute",
        Permission::UnmuteVideo => "room.member.video_unmute",
        Permission::Deaf => "room.member.deaf",
        Permission::Undeaf => "room.member.undeaf",
        Permission::InputVolume => "room.member.set_input_volume",
        Permission::OutputVolume => "room.member.set_output_volume",
        Permission::Sensitivity => "room.member.set_input_sensitivity",
        Permission::Position => "room.member.set_position",
        Permission::Meta => "room.member.set_meta",
        Permission::RaiseHand => "room.member.raisehand",
        Permission::LowerHand => "room.member.lowerhand",
        Permission::Remove => "room.member.remove",
        Permission::Promote => "room.member.promote",
        Permission::Demote => "room.member.demote",
        Permission::HideVideoMuted => "room.hide_video_muted",
        Permission::ShowVideoMuted => "room.show_video_muted",
        Permission::ListLayouts => "room.list_available_layouts",
        Permission::Lock => "room.lock",
        Permission::Unlock => "room.unlock",
        Permission::Playback => "room.playback",
        Permission::PlaybackSeek => "room.playback_seek",
        Permission::PrioritizeHands => "room.prioritize_handraise",
        Permission::Recording => "room.recording",
        Permission::RoomLayout => "room.set_layout",
        Permission::RoomPosition => "room.set_position",
        Permission::RoomMeta => "room.set_meta",
        Permission::Stream => "room.stream",
    }
}

/// The permission of this name. Three have finer ones in guides of the vendor, `room.stream.start` and such: each of those counts as
/// the whole.
#[must_use]
pub fn parse_permission(text: &str) -> Option<Permission> {
    let exact = Permission::ALL.into_iter().find(|one| permission(*one) == text);
    let whole = [Permission::Stream, Permission::Recording, Permission::Playback];
    exact.or_else(|| whole.into_iter().find(|one| text.strip_prefix(permission(*one)).is_some_and(|rest| rest.starts_with('.'))))
}

/// What these names allow. Those that mean nothing allow nothing.
pub fn permissions<'a>(names: impl IntoIterator<Item = &'a str>) -> Permissions {
    names.into_iter().filter_map(parse_permission).collect()
}

/// The names of what is allowed.
#[must_use]
pub fn scopes(allowed: Permissions) -> Vec<&'static str> {
    Permission::ALL.into_iter().filter(|one| allowed.has(*one)).map(permission).collect()
}

/// What a token lets its holder do that does not say: the same for everybody.
pub const USUAL: [Permission; 11] = [
    Permission::SelfMuteAudio,
    Permission::SelfUnmuteAudio,
    Permission::SelfMuteVideo,
    Permission::SelfUnmuteVideo,
    Permission::SelfDeaf,
    Permission::SelfUndeaf,
    Permission::SelfInputVolume,
    Permission::SelfOutputVolume,
    Permission::SelfSensitivity,
    Permission::SelfScreen,
    Permission::SelfDevice,
];

/// What a guest of our own room page may do: itself only, in everything but the words about it. What it is called in the list is among
/// those.
pub const GUEST: [Permission; 13] = [
    Permission::SelfMuteAudio,
    Permission::SelfUnmuteAudio,
    Permission::SelfMuteVideo,
    Permission::SelfUnmuteVideo,
    Permission::SelfDeaf,
    Permission::SelfUndeaf,
    Permission::SelfInputVolume,
    Permission::SelfOutputVolume,
    Permission::SelfSensitivity,
    Permission::SelfRaiseHand,
    Permission::SelfLowerHand,
    Permission::SelfScreen,
    Permission::SelfDevice,
];

/// Which media somebody may use, as tokens have it.
#[must_use]
pub fn media(media: MediaAllowed) -> &'static str {
    match media {
        MediaAllowed::All => "all",
        MediaAllowed::AudioOnly => "audio-only",
        MediaAllowed::VideoOnly => "video-only",
    }
}

/// Those of this name.
#[must_use]
pub fn parse_media(text: &str) -> Option<MediaAllowed> {
    [MediaAllowed::All, MediaAllowed::AudioOnly, MediaAllowed::VideoOnly].into_iter().find(|one| media(*one) == text)
}

/// An app's words, from a JSON object. What is none has none.
#[must_use]
pub fn read_meta(text: &str) -> Meta {
    let map: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
    map.into_iter().map(|(key, value)| (Arc::from(key), Sealed(value.get().into()))).collect()
}

/// The same as a JSON object.
#[must_use]
pub fn write_meta(meta: &Meta) -> String {
    let read = |sealed: &Sealed| RawValue::from_string(sealed.0.to_string()).ok();
    let map: BTreeMap<&str, Option<Box<RawValue>>> = meta.iter().map(|(key, value)| (&**key, read(value))).collect();
    serde_json::to_string(&map).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for one in LayoutName::ALL {
            assert_eq!(parse_layout(layout(one)), Some(one));
        }
        for one in Permission::ALL {
            assert_eq!(parse_permission(permission(one)), Some(one));
        }
        let positions =
            [Position::Auto, Position::Standard(12), Position::Reserved(1), Position::OffCanvas, Position::FullScreen];
        for one in positions {
            assert_eq!(parse_position(&position(one)), Some(one));
        }
        for text in ["", "standard-0", "standard-256", "standard--1", "reserved", "Auto"] {
            assert_eq!(parse_position(text), None, "{text}");
        }
    }

    #[test]
    fn media_is_read_as_it_is_written() {
        for one in [MediaAllowed::All, MediaAllowed::AudioOnly, MediaAllowed::VideoOnly] {
            assert_eq!(parse_media(media(one)), Some(one));
        }
        assert_eq!(parse_media("none"), None);
    }

    #[test]
    fn names_that_mean_nothing_allow_nothing() {
        for name in ["", "room", "room.self", "room.self.*", "room.lock.now", "ROOM.LOCK", " room.lock", "room.streams"] {
            assert_eq!(permissions([name]), Permissions::NONE, "{name}");
        }
        assert_eq!(parse_permission("room.stream.start"), Some(Permission::Stream));
        assert_eq!(parse_permission("room.recording.stop"), Some(Permission::Recording));
        assert_eq!(permissions(scopes(Permissions::ALL)), Permissions::ALL);
    }

    #[test]
    fn an_apps_words_are_kept_as_they_are() {
        let text = r#"{"a":{"b":[1,2.50]},"z":null}"#;
        assert_eq!(write_meta(&read_meta(text)), text);
        assert_eq!(read_meta("[1]"), Meta::new());
    }
}
