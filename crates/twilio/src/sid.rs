//! This vendor's spelling of ids: two letters and the 128 bits in 32 hex digits.

use room::{ParticipantId, RoomId, SeatKey, TrackId};

/// `RM…`
#[must_use]
pub fn room(id: RoomId) -> String {
    format!("RM{:032x}", id.0)
}

/// `PA…`
#[must_use]
pub fn participant(id: ParticipantId) -> String {
    format!("PA{:032x}", id.0)
}

/// `MT…`
#[must_use]
pub fn track(id: TrackId) -> String {
    format!("MT{:032x}", id.0)
}

/// The room that this might be the SID of.
#[must_use]
pub fn parse_room(text: &str) -> Option<RoomId> {
    parse(text.strip_prefix("RM")?).map(RoomId)
}

/// The participant that this might be the SID of.
#[must_use]
pub fn parse_participant(text: &str) -> Option<ParticipantId> {
    parse(text.strip_prefix("PA")?).map(ParticipantId)
}

/// The number in a SID with these two letters.
#[must_use]
pub fn parse_with(letters: &str, text: &str) -> Option<u128> {
    parse(text.strip_prefix(letters)?)
}

/// The track that this is the SID of.
#[must_use]
pub fn parse_track(text: &str) -> Option<TrackId> {
    parse(text.strip_prefix("MT")?).map(TrackId)
}

/// The word by which a client comes back to its seat.
#[must_use]
pub fn session(seat: SeatKey) -> String {
    format!("{:032x}", seat.0)
}

/// The seat that this word is for.
#[must_use]
pub fn parse_session(text: &str) -> Option<SeatKey> {
    parse(text).map(SeatKey)
}

fn parse(hex: &str) -> Option<u128> {
    let plain = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(hex, 16).ok()).flatten()
}
