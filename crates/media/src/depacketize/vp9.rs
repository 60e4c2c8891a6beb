//! Frames of VP9 out of packets: RFC 9628. The frames of several layers of one moment become a superframe (VP9 bitstream specification,
//! annex B), which says where each of them ends.

use crate::codec::{Vp9Part, vp9_frame_part};

/// Frames that a superframe can have. More: the packets make no sense together.
const FRAMES_MAX: usize = 8;

/// The frames of one moment.
#[derive(Debug, Default)]
pub struct Layers {
    /// Where each begins.
    starts: Vec<usize>,
}

impl Layers {
    /// Adds what a packet brings; none if it makes no sense.
    pub fn add(&mut self, payload: &[u8], stream: &mut Vec<u8>) -> Option<()> {
        let Vp9Part { bytes, begins } = vp9_frame_part(payload)?;
        if begins {
            self.starts.push(stream.len());
        }
        stream.extend_from_slice(bytes);
        (self.starts.len() <= FRAMES_MAX).then_some(())
    }

    /// Writes where each frame ends, if there are several.
    pub fn end(&self, stream: &mut Vec<u8>) {
        let Some(count) = self.starts.len().checked_sub(1).filter(|more| *more > 0) else { return };
        let ends = self.starts.iter().skip(1).copied().chain([stream.len()]);
        let sizes: Vec<u32> = self.starts.iter().zip(ends).map(|(start, end)| (end - start) as u32).collect();
        // Four bytes for each size, least first.
        let mark = 0xc0 | 3 << 3 | count as u8;
        stream.push(mark);
        sizes.iter().for_each(|size| stream.extend_from_slice(&size.to_le_bytes()));
        stream.push(mark);
    }
}
