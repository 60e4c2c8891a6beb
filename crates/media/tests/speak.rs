//! Who is the dominant speaker: tables of who makes which sound when, in virtual time.

use std::time::{Duration, Instant};

use Sound::{Even, Hum, Noise, Speech};
use media::speak::{SILENCE_MAX, Speakers};
use room::ParticipantId;

const A: u128 = 1;
const B: u128 = 2;
const C: u128 = 3;

/// What a microphone picks up, by its typical level in -dBov.
#[derive(Clone, Copy)]
enum Sound {
    /// Syllables, a few a second, with gaps.
    Speech(u8),
    /// Something uneven and short: a cough, a door, a bark.
    Noise(u8),
    /// A machine.
    Hum(u8),
    /// A tone.
    Even(u8),
}

/// Who, from when to when in milliseconds, what.
type Line = (u128, u64, u64, Sound);

/// Plays a table and holds every change of the speaker, rounded down to a tenth of a second, to a list of
/// (from, to, who) in milliseconds.
#[track_caller]
fn check(lines: &[Line], until: u64, expected: &[(u64, u64, Option<u128>)]) {
    let changes = play(&mut Speakers::new(), lines, until, 20);
    let fits = changes.len() == expected.len()
        && changes.iter().zip(expected).all(|((at, who), (from, to, expected))| who == expected && (from..=to).contains(&at));
    assert!(fits, "\n  changes {changes:?}\n expected {expected:?}");
}

/// Every change with its time. All who make any sound send a packet each `packet_ms`, silence included.
fn play(speakers: &mut Speakers, lines: &[Line], until: u64, packet_ms: u64) -> Vec<(u64, Option<u128>)> {
    let start = Instant::now();
    let mut people: Vec<u128> = lines.iter().map(|line| line.0).collect();
    people.sort_unstable();
    people.dedup();
    let mut changes = Vec::new();
    for at in (0..until).step_by(packet_ms as usize) {
        let now = start + Duration::from_millis(at);
        if speakers.poll_timeout().is_some_and(|due| due <= now) {
            speakers.handle_timeout(now);
        }
        for &who in &people {
            speakers.handle_level(now, ParticipantId(who), level(lines, who, at), None);
        }
        changes.extend(speakers.poll_change().map(|who| (at, who.map(|who| who.0))));
    }
    changes
}

/// The loudest of what this one makes, above a quiet room.
fn level(lines: &[Line], who: u128, at: u64) -> u8 {
    let made = lines.iter().filter(|(maker, from, to, _)| *maker == who && (*from..*to).contains(&at));
    made.map(|(_, from, _, sound)| sound.level(at, at - from, who)).min().unwrap_or(78 + chance(at, who) % 6)
}

impl Sound {
    fn level(self, at: u64, since: u64, who: u128) -> u8 {
        let any = chance(at, who);
        match self {
            // A syllable of 160 to 240 ms, then a gap of 60 ms or so; each one starts and ends softer.
            Speech(level) => match (since + 37 * who as u64) % 280 {
                phase @ 0..200 => level + any % 8 + if (40..160).contains(&phase) { 0 } else { 8 },
                _ => level + 28 + any % 10,
            },
            Noise(level) => level + any % 12,
            Hum(level) => level + any % 4,
            Even(level) => level,
        }
    }
}

/// The same for the same packet, else anything.
fn chance(at: u64, who: u128) -> u8 {
    let mixed = (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (who as u64).wrapping_mul(0xd1b5_4a32_d192_ed03);
    (mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 57) as u8
}

#[test]
fn whoever_speaks_first_is_the_speaker_within_a_second() {
    check(&[(A, 500, 4_000, Speech(30))], 5_000, &[(900, 1_500, Some(A))]);
    check(&[(A, 500, 4_000, Speech(45))], 5_000, &[(900, 1_500, Some(A))]);
}

#[test]
fn short_sounds_do_not_take_over() {
    let noises =
        [(B, 3_000, 3_280, Noise(8)), (C, 5_000, 5_200, Noise(5)), (C, 6_000, 6_200, Noise(5)), (C, 7_000, 7_300, Noise(5))];
    let mut lines = vec![(A, 0, 10_000, Speech(32))];
    lines.extend(noises);
    check(&lines, 10_000, &[(300, 1_200, Some(A))]);
    check(&noises, 10_000, &[]);
}

#[test]
fn a_turn_in_the_talk_takes_over_within_a_second() {
    let lines = [(A, 0, 4_000, Speech(30)), (B, 4_300, 8_000, Speech(36)), (A, 8_200, 12_000, Speech(30))];
    check(&lines, 12_000, &[(300, 1_200, Some(A)), (4_700, 5_400, Some(B)), (8_600, 9_300, Some(A))]);
}

#[test]
fn the_last_speaker_stays_until_all_were_silent_for_long() {
    let lines = [(A, 0, 3_000, Speech(30)), (B, 0, 0, Speech(30))];
    check(&lines, 12_000, &[(300, 1_200, Some(A))]);
    let silent = 3_000 + SILENCE_MAX.as_millis() as u64;
    check(&lines, 20_000, &[(300, 1_200, Some(A)), (silent - 300, silent + 100, None)]);
}

#[test]
fn short_sounds_of_others_do_not_keep_a_silent_speaker() {
    let coughs = (0..9).map(|n| (B, 4_000 + n * 1_500, 4_200 + n * 1_500, Noise(30)));
    let lines: Vec<_> = std::iter::once((A, 0, 3_000, Speech(30))).chain(coughs).collect();
    let silent = 3_000 + SILENCE_MAX.as_millis() as u64;
    check(&lines, 20_000, &[(300, 1_200, Some(A)), (silent - 300, silent + 1_600, None)]);
}

#[test]
fn agreeing_does_not_take_over() {
    let lines =
        [(A, 0, 12_000, Speech(30)), (B, 3_000, 3_600, Speech(30)), (B, 6_000, 6_700, Speech(28)), (B, 9_000, 9_500, Speech(30))];
    check(&lines, 12_000, &[(300, 1_200, Some(A))]);
}

#[test]
fn overlapping_speakers_do_not_alternate() {
    let lines = [(A, 0, 20_000, Speech(30)), (B, 3_000, 20_000, Speech(28))];
    check(&lines, 20_000, &[(300, 1_200, Some(A))]);
}

#[test]
fn a_heated_argument_changes_at_most_once_a_second() {
    let turns: Vec<Line> =
        (0..60).map(|turn| (1 + u128::from(turn % 3 == 0), turn * 500, turn * 500 + 620, Speech(30))).collect();
    let changes = play(&mut Speakers::new(), &turns, 30_000, 20);
    assert!(changes.len() > 1, "{changes:?}");
    let gaps: Vec<u64> = changes.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps.iter().all(|gap| *gap >= 1_000), "{changes:?}");
}

#[test]
fn an_echo_does_not_hold_against_the_voice() {
    // A spoke, then B does; A's loudspeaker is heard by A's microphone.
    let lines = [(A, 0, 3_000, Speech(28)), (A, 3_200, 10_000, Speech(48)), (B, 3_200, 10_000, Speech(28))];
    check(&lines, 10_000, &[(300, 1_200, Some(A)), (3_600, 5_000, Some(B))]);
}

#[test]
fn a_fan_is_no_speaker_and_hides_none() {
    check(&[(A, 0, 30_000, Hum(45))], 30_000, &[]);
    check(&[(A, 0, 30_000, Hum(45)), (A, 5_000, 9_000, Speech(24))], 12_000, &[(5_400, 6_400, Some(A))]);
    // One that is switched on while another person speaks, and while nobody does.
    check(&[(A, 0, 20_000, Speech(32)), (B, 4_000, 20_000, Hum(40))], 20_000, &[(300, 1_200, Some(A))]);
    check(&[(A, 0, 0, Hum(40)), (B, 4_000, 20_000, Hum(40))], 20_000, &[]);
}

#[test]
fn an_uneven_noise_becomes_the_floor() {
    // A street through an open window, while somebody else speaks and after.
    let lines = [(A, 0, 6_000, Speech(28)), (B, 2_000, 14_000, Noise(40)), (B, 10_000, 14_000, Speech(22))];
    check(&lines, 14_000, &[(300, 1_200, Some(A)), (10_400, 11_400, Some(B))]);
}

#[test]
fn a_loud_tone_counts_while_it_is_new() {
    check(&[(A, 0, 3_000, Even(20)), (B, 5_000, 8_000, Even(20))], 9_000, &[(300, 600, Some(A)), (5_300, 5_600, Some(B))]);
}

#[test]
fn packets_that_stop_are_silence() {
    let start = Instant::now();
    let mut speakers = Speakers::new();
    let mut say = |who: u128, from: u64, to: u64| {
        for at in (from..to).step_by(20) {
            let level = Speech(30).level(at, at - from, who);
            speakers.handle_level(start + Duration::from_millis(at), ParticipantId(who), level, Some(true));
        }
        speakers.speaker().map(|who| who.0)
    };
    assert_eq!(say(A, 0, 3_000), Some(A));
    assert_eq!(say(B, 3_200, 4_200), Some(B), "A sends nothing any more");
    assert_eq!(say(A, 4_400, 4_600), Some(B));
}

#[test]
fn packets_of_other_lengths_count_alike() {
    for packet_ms in [10, 20, 40, 60, 120] {
        let changes = play(&mut Speakers::new(), &[(A, 600, 4_200, Speech(30))], 4_200, packet_ms);
        assert!(matches!(changes[..], [(900..=1_800, Some(A))]), "{packet_ms} ms: {changes:?}");
    }
}

#[test]
fn whom_the_sender_calls_no_voice_does_not_speak() {
    let run = |calls: [Option<bool>; 2]| {
        let (start, mut speakers) = (Instant::now(), Speakers::new());
        for at in (0..4_000).step_by(20) {
            let says = calls[usize::from(at >= 400)];
            let level = Speech(30).level(at, at, A);
            speakers.handle_level(start + Duration::from_millis(at), ParticipantId(A), level, says);
        }
        speakers.speaker().map(|who| who.0)
    };
    assert_eq!(run([Some(true), Some(false)]), None);
    assert_eq!(run([Some(true), Some(true)]), Some(A));
    assert_eq!(run([Some(false), Some(false)]), Some(A), "a sender that never sets the bit");
}

#[test]
fn who_leaves_is_dropped_at_once() {
    let mut speakers = Speakers::new();
    play(&mut speakers, &[(A, 0, 3_000, Speech(30)), (B, 0, 0, Speech(30))], 3_000, 20);
    speakers.remove(ParticipantId(B));
    assert_eq!(speakers.poll_change(), None);
    speakers.remove(ParticipantId(A));
    assert_eq!(speakers.poll_change(), Some(None));
    assert_eq!(speakers.poll_change(), None);
    assert_eq!(speakers.poll_timeout(), None);
}

#[test]
fn who_speaks_too_follows_one_who_leaves() {
    let mut speakers = Speakers::new();
    play(&mut speakers, &[(A, 0, 5_000, Speech(30)), (B, 2_000, 5_000, Speech(30))], 5_000, 20);
    assert_eq!(speakers.speaker(), Some(ParticipantId(A)));
    speakers.remove(ParticipantId(A));
    assert_eq!(speakers.poll_change(), Some(Some(ParticipantId(B))));
}

#[test]
fn fifty_people_one_voice_at_a_time() {
    // Everyone has some noise of their own; each tenth speaks for three seconds in turn.
    let mut lines: Vec<Line> = (1..=50).map(|who| (who, 0, 20_000, Hum(50 + who as u8 % 20))).collect();
    let turns = [10_u128, 20, 30, 40, 50];
    lines.extend(
        turns.iter().enumerate().map(|(turn, &who)| (who, turn as u64 * 3_500 + 500, turn as u64 * 3_500 + 3_500, Speech(26))),
    );
    let expected: Vec<(u64, u64, Option<u128>)> = turns
        .iter()
        .enumerate()
        .map(|(turn, &who)| (turn as u64 * 3_500 + 900, turn as u64 * 3_500 + 1_700, Some(who)))
        .collect();
    check(&lines, 18_500, &expected);
}

#[test]
fn any_level_at_any_time_is_taken() {
    let start = Instant::now() + Duration::from_secs(100);
    let mut speakers = Speakers::new();
    for (at, level) in [(100_000, 0), (0, 255), (u32::MAX.into(), 127), (5, 0), (u64::from(u32::MAX) * 40, 3)] {
        speakers.handle_level(start + Duration::from_millis(at), ParticipantId(A), level, None);
        speakers.handle_timeout(start);
    }
    speakers.handle_level(start - Duration::from_secs(50), ParticipantId(B), 0, None);
    assert_eq!(speakers.speaker(), None);
}
