//! Every limit of sound, with its unit and what happens when it is reached.

use super::clock::{Samples, ms};

/// Voices in one mix. The rest of a longer list is not heard, and counted.
pub const VOICES_MAX: usize = 128;

/// Ears of one mix. The rest of a longer list gets nothing, and is counted.
pub const EARS_MAX: usize = 1_024;

/// Bytes of one packet: six frames of the largest size would not fit into a datagram anyway. Larger: dropped and counted.
pub const PAYLOAD_BYTES_MAX: usize = 1_500;

/// Packets of one voice that wait: more than half a second of 5 ms each. One more drops the oldest, which is counted.
pub const PACKETS_WAITING_MAX: usize = 128;

/// The shortest delay: a tick takes 20 ms at once, whose end may have come only now, and the delay need not be quite what it should.
pub const DELAY_MIN: Samples = ms(22);

/// The longest delay. What arrives later than that is not waited for.
pub const DELAY_MAX: Samples = ms(200);

/// The delay of a voice of which nothing is known yet, at least.
pub const DELAY_START: Samples = ms(40);

/// Arrivals that the delay is made from: 10 s of 20 ms each.
pub const ARRIVALS_MAX: usize = 500;

/// Older arrivals say nothing about the delay of now.
pub const ARRIVALS_AGE_MAX: Samples = ms(10_000);

/// Of a thousand packets, how many may come too late to be heard in their place.
pub const TOO_LATE_PER_MILLE: usize = 20;

/// So far from where it should be, a time stamp belongs to another counting: the voice begins anew.
pub const JUMP: Samples = ms(2_000);

/// Numbers that may be missing before a number belongs to another counting (RFC 3550, appendix A.1).
pub const DROPOUT_MAX: u16 = 3_000;

/// How far a number may lie behind the highest one.
pub const DISORDER_MAX: u16 = 100;

/// What is missing is replaced for so long. After that there is silence.
pub const CONCEALED_MAX: Samples = ms(100);

/// The delay may exceed what is needed by this before it is shortened. As much as lengthening it may add.
pub const EXCESS_MAX: Samples = ms(10);

/// The delay may fall below what is needed by this before it is lengthened.
pub const LACK_MAX: Samples = ms(1);

/// An excess of this is hurried away, even where it is heard a little.
pub const HURRY: Samples = ms(60);

/// An excess of this is skipped at once.
pub const LEAP: Samples = ms(250);

/// Tones that play at a time. One more is not played.
pub const CHIMES_MAX: usize = 4;

/// Decibels that a voice or an ear may be made louder or quieter by. More counts as this.
pub const GAIN_DB_MAX: f32 = 50.0;
