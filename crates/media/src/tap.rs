//! A subscriber that is not a client: the packets of a track as they come, for the mixer.

use std::sync::Arc;
use std::time::Instant;

use room::Kind;
use str0m::rtp::VideoOrientation;

use crate::allocate::{Choice, Layer};
use crate::arrival::Arrival;
use crate::codec::{Codec, Descriptor};
use crate::forward::SenderReport;

/// A packet of a track.
#[derive(Clone, Debug)]
pub struct Packet {
    /// What it is encoded with.
    pub codec: Codec,
    /// SSRC. Another one is a stream that starts anew.
    pub stream: u32,
    /// Sequence number, continued beyond 16 bits.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// When it came.
    pub arrival: Instant,
    /// The last of its frame.
    pub last: bool,
    /// By how many degrees the picture is to be turned clockwise; none: as before.
    pub rotation: Option<u16>,
    /// The last sender report of its stream.
    pub report: Option<SenderReport>,
    /// What it carries.
    pub payload: Arc<[u8]>,
}

/// Which packets of a track are taken: those of one layer at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    /// Width and height at which it is shown; none: sound.
    size: Option<(u16, u16)>,
    current: Option<u8>,
    target: u8,
}

impl Packet {
    pub(crate) fn of(codec: Codec, packet: &Arrival) -> Self {
        Packet {
            codec,
            stream: *packet.ssrc,
            seq: packet.seq,
            time: packet.time,
            arrival: packet.at,
            last: packet.marker,
            rotation: packet.orientation.map(degrees),
            report: packet.report,
            payload: Arc::clone(&packet.payload),
        }
    }
}

/// By how much to turn a picture. A sender says by how much its camera was turned, which is as much the other way round (3GPP TS 26.114,
/// section 7.4.5).
fn degrees(orientation: VideoOrientation) -> u16 {
    match orientation {
        VideoOrientation::Deg0 => 0,
        VideoOrientation::Deg90 => 270,
        VideoOrientation::Deg180 => 180,
        VideoOrientation::Deg270 => 90,
    }
}

impl Tap {
    pub fn new(kind: Kind, size: (u16, u16)) -> Self {
        Tap { size: Some(size).filter(|_| kind == Kind::Video), current: None, target: 0 }
    }

    /// Shown at another size, if it is shown.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = self.size.and(Some(size));
    }

    /// Whether a packet is taken. Another layer begins with a key frame.
    pub fn takes(&mut self, layer: u8, layers: u8, descriptor: &Descriptor) -> bool {
        let begins = layer == self.target && descriptor.keyframe;
        if self.size.is_none() || layers <= 1 || begins {
            self.current = Some(layer);
        }
        self.current == Some(layer)
    }

    /// Chooses among the layers: the smallest that fills its place, or the largest of which packets come.
    pub fn choose(&mut self, layers: &[Layer]) {
        let Some((width, height)) = self.size else { return };
        let fills = |layer: &Layer| layer.width >= width && layer.height >= height;
        let active = || (0_u8..).zip(layers).filter(|(_, layer)| layer.active);
        let best = active().find(|(_, layer)| fills(layer)).or_else(|| active().last());
        self.target = best.map_or(self.target, |(index, _)| index);
    }

    /// The layer of which a key frame is waited for.
    pub fn awaits(&self) -> Option<u8> {
        Some(self.target).filter(|target| self.size.is_some() && self.current != Some(*target))
    }

    /// The layer that is decoded, for a decoder that cannot go on.
    pub fn layer(&self) -> u8 {
        self.current.unwrap_or(self.target)
    }

    /// What the publisher should know of it.
    pub fn choice(&self) -> Choice {
        Choice { layer: Some(self.target), send: Some(self.layer()), off: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(width: u16, height: u16, active: bool) -> Layer {
        Layer { bitrate: 1, width, height, active }
    }

    #[test]
    fn the_smallest_layer_that_fills_its_place_is_chosen() {
        let check = |size: (u16, u16), active: [bool; 3], expected: u8| {
            let mut tap = Tap::new(Kind::Video, size);
            tap.choose(&[layer(320, 180, active[0]), layer(640, 360, active[1]), layer(1280, 720, active[2])]);
            assert_eq!(tap.target, expected, "{size:?} {active:?}");
        };
        check((320, 180), [true; 3], 0);
        check((426, 240), [true; 3], 1);
        check((1280, 720), [true; 3], 2);
        check((1920, 1080), [true; 3], 2);
        check((1280, 720), [true, true, false], 1);
        check((1280, 720), [false; 3], 0);
    }

    #[test]
    fn another_layer_begins_with_a_key_frame() {
        let (key, plain) = (Descriptor { keyframe: true, ..Descriptor::default() }, Descriptor::default());
        let mut tap = Tap::new(Kind::Video, (640, 360));
        assert!(!tap.takes(0, 3, &plain) && tap.awaits() == Some(0));
        assert!(tap.takes(0, 3, &key) && tap.takes(0, 3, &plain) && tap.awaits().is_none());
        tap.choose(&[layer(320, 180, true), layer(640, 360, true)]);
        assert!(!tap.takes(1, 3, &plain) && tap.takes(0, 3, &plain) && tap.awaits() == Some(1));
        assert!(tap.takes(1, 3, &key) && !tap.takes(0, 3, &key));
    }

    /// The two bits are quarters of a turn clockwise that a picture wants (3GPP TS 26.114, section 7.4.5).
    #[test]
    fn a_picture_is_turned_as_its_packet_says() {
        let turned = [0, 1, 2, 3].map(|bits| degrees(VideoOrientation::from(bits)));
        assert_eq!(turned, [0, 90, 180, 270]);
        use mixer::picture::Rotation;
        let rotations = [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters];
        assert_eq!(turned.map(Rotation::of), rotations);
    }

    #[test]
    fn a_track_of_one_layer_is_taken_from_anywhere_on() {
        assert!(Tap::new(Kind::Video, (640, 360)).takes(0, 1, &Descriptor::default()));
        assert!(Tap::new(Kind::Audio, (0, 0)).takes(0, 1, &Descriptor::default()));
    }
}
