//! The two kinds of file.

use compose::{Format, Order};
use container::Codec;

use crate::world::{GRID, RED, Room, order};

#[test]
fn webm_has_vp8_and_opus() {
    let room = Room::default().flat("a", (0, 400), (320, 180), RED).tone("a", (0, 400), 440.0);
    let made = room.compose(&order((320, 180), GRID));
    assert_eq!(made.tracks.iter().map(|track| track.codec).collect::<Vec<_>>(), [Codec::Vp8, Codec::Opus]);
}

#[test]
fn mp4_can_be_played_while_it_comes() {
    let room = Room::default().flat("a", (0, 3_000), (320, 180), RED).tone("a", (0, 3_000), 440.0);
    let (file, damaged) = room.try_compose(&Order { format: Format::Mp4, ..order((320, 180), GRID) }).expect("a film");
    assert_eq!(damaged, 0);
    let mut names = Vec::new();
    let mut rest = file.as_slice();
    while let Some((head, _)) = rest.split_at_checked(16) {
        let size = u64::from(u32::from_be_bytes(head[..4].try_into().expect("four")));
        let size = if size == 1 { u64::from_be_bytes(head[8..].try_into().expect("eight")) } else { size };
        names.push(String::from_utf8_lossy(&head[4..8]).into_owned());
        rest = &rest[size as usize..];
    }
    assert_eq!((names.as_slice(), rest.len()), (["ftyp", "moov", "free", "mdat"].map(str::to_owned).as_slice(), 0));
}
