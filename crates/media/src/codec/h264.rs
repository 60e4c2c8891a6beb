//! H.264 over RTP: RFC 6184.

use super::{Descriptor, Size};

/// Unit types of ITU-T H.264, table 7-1, and of RFC 6184, section 5.2.
const SLICE: u8 = 1;
const PARTITION_A: u8 = 2;
const IDR: u8 = 5;
const SPS: u8 = 7;
const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

pub(super) fn parse(payload: &[u8]) -> Option<Descriptor> {
    let mut found = Descriptor::default();
    match payload.first()? & 0x1f {
        STAP_A => read_aggregate(payload.get(1..)?, &mut found),
        FU_A => {
            let head = *payload.get(1)?;
            if head & 0x80 != 0 {
                read_unit(head & 0x1f, payload.get(2..)?, &mut found);
            }
        }
        kind => read_unit(kind, payload.get(1..)?, &mut found),
    }
    Some(found)
}

/// Units one after the other, each after its size in two bytes.
fn read_aggregate(mut rest: &[u8], found: &mut Descriptor) {
    while let Some((head, tail)) = rest.split_first_chunk::<2>() {
        let Some((unit, next)) = tail.split_at_checked(u16::from_be_bytes(*head).into()) else { return };
        if let Some((kind, body)) = unit.split_first() {
            read_unit(kind & 0x1f, body, found);
        }
        rest = next;
    }
}

fn read_unit(kind: u8, body: &[u8], found: &mut Descriptor) {
    // A slice begins with the number of its first macroblock: zero is a single one bit (H.264, 7.3.3 and 9.1).
    let first_slice = body.first().is_some_and(|byte| byte & 0x80 != 0);
    match kind {
        SPS => {
            (found.keyframe, found.self_contained, found.starts_frame) = (true, true, true);
            let size = container::h264::sequence_size(body).map(|size| Size { width: size.width, height: size.height });
            found.size = size.or(found.size);
        }
        IDR if first_slice => (found.keyframe, found.starts_frame) = (true, true),
        SLICE | PARTITION_A if first_slice => found.starts_frame = true,
        DELIMITER => found.starts_frame = true,
        _ => {}
    }
}
