//! Frames of VP8, VP9 and H264 into a mixer. The input is a script: each step is a byte for whose it is and what happens besides, two for
//! a length, and so many bytes: a frame. Whatever comes, a neighbour's picture is shown as it was sent.

use mixer::codec::vp8::{Vp8Encoder, Vp8Settings};
use mixer::frame::{Colour, Frame};
use mixer::input::InputId;
use mixer::picture::{Canvas, Cell, Fit, PictureMixer, PictureSettings, Pushed, Rect, Rotation, Show, VideoCodec, VideoFrame};

const CANVAS: Canvas = Canvas { width: 128, height: 96, fps: 30 };
const NEIGHBOUR: InputId = InputId(9);
const GREEN: Colour = Colour::of(0x20_a0_30);

thread_local! {
    /// Made once: an encoder takes longer than all the rest.
    static GREEN_FRAME: Vec<u8> = {
        let settings = Vp8Settings { width: 64, height: 48, fps: 30, bitrate: 500_000 };
        let mut encoder = Vp8Encoder::new(settings).expect("an encoder");
        encoder.encode(&Frame::new(64, 48, GREEN).picture(), 0, true).expect("a frame").bytes.to_vec()
    };
}

pub fn run(data: &[u8]) {
    let mut mixer = PictureMixer::new(PictureSettings::new(CANVAS, 300_000)).expect("a mixer");
    mixer.set_cells(&cells(0));
    let mut rest = data;
    while let [what, high, low, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(more.len());
        let (bytes, after) = more.split_at(length);
        rest = after;
        // No frame of VP9 begins with a zero, and each of H264 does.
        let codec = match (what & 1, bytes.first()) {
            (0, _) => VideoCodec::Vp8,
            (_, Some(0)) => VideoCodec::H264,
            _ => VideoCodec::Vp9,
        };
        let rotation = Rotation::of(u16::from(what >> 1 & 3) * 90);
        let _ = mixer.push(InputId(u64::from(what >> 3 & 3)), VideoFrame { codec, bytes, rotation });
        if what & 0x20 != 0 {
            mixer.mix();
        }
        if what & 0x40 != 0 {
            mixer.set_cells(&cells(*what));
        }
    }
    judge(&mut mixer);
}

/// Three that are fuzzed, and the neighbour, who has the lower right.
fn cells(layout: u8) -> Vec<Cell> {
    let fit = if layout & 0x80 == 0 { Fit::Letterbox } else { Fit::Crop };
    let show = if layout & 0x10 == 0 { Show::Picture } else { Show::Card };
    let cell = |input, x, y, name: &str| {
        let area = Rect { x, y, width: 64, height: 48 };
        Cell { input, area, fit, show, name: name.into() }
    };
    let mut cells =
        vec![cell(InputId(0), 0, 0, "A"), cell(InputId(1), 64, 0, ""), cell(InputId(2), 0, 48, "…"), cell(NEIGHBOUR, 64, 48, "")];
    if let Some(last) = cells.last_mut() {
        last.show = Show::Picture;
    }
    cells
}

fn judge(mixer: &mut PictureMixer) {
    let pushed =
        GREEN_FRAME.with(|bytes| mixer.push(NEIGHBOUR, VideoFrame { codec: VideoCodec::Vp8, bytes, rotation: Rotation::None }));
    assert_eq!(pushed, Pushed::Shown);
    mixer.mix();
    for (index, (plane, value)) in mixer.canvas().picture().planes().into_iter().zip([GREEN.y, GREEN.u, GREEN.v]).enumerate() {
        let scale = if index == 0 { 1 } else { 2 };
        let part = plane.part(64 / scale, 48 / scale, 64 / scale, 48 / scale);
        assert!((0..part.height).all(|y| part.row(y).iter().all(|pixel| pixel.abs_diff(value) < 12)));
    }
    assert!(mixer.encode(0, 0, true).expect("a frame").key);
}
