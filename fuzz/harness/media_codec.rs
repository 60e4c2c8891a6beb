//! A codec and a payload.

use media::codec::{Codec, Descriptor, Picture, Vp8};

pub const CODECS: [Codec; 5] = [Codec::Opus, Codec::OtherAudio, Codec::Vp8, Codec::Vp9, Codec::H264];

pub fn run(data: &[u8]) {
    let Some((which, payload)) = data.split_first() else { return };
    let codec = CODECS[usize::from(*which) % CODECS.len()];
    let found = Descriptor::parse(codec, payload);
    assert_eq!(found.empty, payload.is_empty());
    assert!(found.starts_frame || !found.keyframe);
    assert!(found.keyframe || !found.self_contained);
    assert!(found.temporal.is_none_or(|layer| layer < 8));
    let Some(vp8) = found.vp8 else { return };
    assert_eq!(codec, Codec::Vp8);
    assert!(vp8.picture.is_none_or(|picture| matches!(picture.bits, 7 | 15) && picture.id < 1 << picture.bits));
    // What is written in their place is found there, and nothing else changes.
    let picture = vp8.picture.map(|picture| Picture { id: (1 << picture.bits) - 1 - picture.id, ..picture });
    let others = Vp8 { picture, tl0: vp8.tl0.map(|tl0| !tl0) };
    let mut written = payload.to_vec();
    others.write(&mut written);
    assert_eq!(Descriptor::parse(codec, &written).vp8, Some(others));
    vp8.write(&mut written);
    assert_eq!(written, payload);
}
