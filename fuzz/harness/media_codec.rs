//! A codec and a payload.

use media::codec::{Codec, Descriptor};

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
    let mut patch = vp8.place.patch();
    if let Some(picture) = vp8.picture {
        assert!(matches!(picture.bits, 7 | 15) && picture.id < 1 << picture.bits);
        patch = patch.picture_id((1 << picture.bits) - 1);
    }
    if let Some(tl0) = vp8.tl0 {
        patch = patch.tl0_pic_idx(!tl0);
    }
    assert!(patch.build().is_ok());
}
