//! Network quality: what second makes which level, and how levels move over time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::quality::{FIRST_REPORT_AFTER, Meter, Reporter, Sample, Way, level};
use room::{Kind, OwnQuality, ParticipantId};

fn sample(lost: f32, rtt_ms: f32, jitter_ms: f32) -> Sample {
    Sample { lost, rtt_ms: Some(rtt_ms), jitter_ms, bitrate: 32_000, wanted: None, available: None }
}

fn video(bitrate: u64, available: Option<u64>, wanted: u64) -> Sample {
    Sample { bitrate, available, wanted: Some(wanted), ..sample(0.0, 50.0, 3.0) }
}

#[test]
fn sound_suffers_from_loss_and_delay() {
    let check = |lost, rtt, jitter, expected| {
        assert_eq!(level(Kind::Audio, &sample(lost, rtt, jitter)), expected, "{lost} lost, {rtt} ms, jitter {jitter} ms");
    };
    for (lost, expected) in [(0.0, 5), (0.01, 5), (0.03, 4), (0.06, 3), (0.1, 3), (0.15, 2), (0.3, 1), (1.0, 1)] {
        check(lost, 40.0, 3.0, expected);
    }
    for (rtt, expected) in [(1.0, 5), (200.0, 5), (300.0, 5), (400.0, 4), (500.0, 3), (700.0, 2), (1_000.0, 1)] {
        check(0.0, rtt, 5.0, expected);
    }
    for (jitter, expected) in [(20.0, 5), (100.0, 4), (200.0, 2)] {
        check(0.0, 40.0, jitter, expected);
    }
    check(0.05, 400.0, 20.0, 2);
}

#[test]
fn pictures_suffer_from_what_repair_cannot_mend() {
    let check = |lost, rtt, expected| assert_eq!(level(Kind::Video, &sample(lost, rtt, 3.0)), expected, "{lost} lost, {rtt} ms");
    for (lost, expected) in [(0.0, 5), (0.02, 5), (0.05, 4), (0.15, 3), (0.3, 2), (0.5, 1)] {
        check(lost, 50.0, expected);
    }
    for (lost, expected) in [(0.0, 5), (0.003, 4), (0.01, 3), (0.03, 2), (0.1, 1)] {
        check(lost, 300.0, expected);
    }
}

#[test]
fn pictures_suffer_from_a_small_bitrate() {
    let check = |sample: Sample, expected| assert_eq!(level(Kind::Video, &sample), expected, "{sample:?}");
    for (bitrate, expected) in [(2_000, 5), (1_600, 5), (1_200, 4), (650, 3), (300, 2), (100, 1), (0, 1)] {
        check(video(bitrate, None, 2_000), expected);
    }
    check(video(100, Some(5_000), 2_000), 5);
    check(video(0, None, 0), 5);
    check(Sample { wanted: None, ..video(0, Some(0), 0) }, 5);
    assert_eq!(level(Kind::Audio, &video(0, Some(0), 2_000)), 5);
}

#[test]
fn any_numbers_are_taken() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, f32::MAX, f32::MIN_POSITIVE] {
        for kind in [Kind::Audio, Kind::Video, Kind::Data] {
            let wild = Sample { available: Some(u64::MAX), wanted: Some(u64::MAX), ..sample(value, value, value) };
            assert!((1..=5).contains(&level(kind, &wild)), "{value}");
            let mut meter = connected();
            meter.handle_sample(Way::VideoSend, Some(wild));
            meter.handle_sample(Way::VideoSend, Some(wild));
            assert!(meter.own().video_send.is_some_and(|link| link.lost.is_finite() && link.rtt_ms.is_finite()));
        }
    }
}

fn connected() -> Meter {
    let mut meter = Meter::new();
    meter.handle_connected(true);
    meter
}

/// The levels of sound that is sent, a sample a second with these shares lost.
fn course(lost: &[f32]) -> String {
    let mut meter = connected();
    let mut after = |lost: &f32| {
        meter.handle_sample(Way::AudioSend, Some(sample(*lost, 40.0, 3.0)));
        char::from(b'0' + meter.own().level)
    };
    lost.iter().map(&mut after).collect()
}

fn seconds(parts: &[(usize, f32)]) -> Vec<f32> {
    parts.iter().flat_map(|(count, lost)| vec![*lost; *count]).collect()
}

#[test]
fn levels_fall_fast_and_rise_slowly() {
    let levels = course(&seconds(&[(3, 0.0), (6, 0.3), (20, 0.0)]));
    assert!(levels.starts_with("555"), "{levels}");
    assert!(levels[3..6].contains('2'), "bad within three seconds: {levels}");
    assert_eq!(&levels[8..9], "1", "{levels}");
    assert!(levels[9..13].chars().all(|level| level == '1'), "not better at once: {levels}");
    assert!(!levels.contains("14") && !levels.contains("15"), "nor at one go: {levels}");
    assert!(levels.ends_with('5'), "but in the end: {levels}");
    assert!(levels.as_bytes()[9..].is_sorted(), "{levels}");
}

#[test]
fn one_bad_second_changes_nothing() {
    assert_eq!(course(&seconds(&[(5, 0.0), (1, 0.06), (5, 0.0)])), "55555555555");
}

#[test]
fn a_connection_at_the_edge_does_not_flap() {
    let lost: Vec<f32> = (0..300).map(|at| if at % 2 == 0 { 0.0 } else { 0.04 }).collect();
    let levels = course(&lost);
    let changes = levels.as_bytes().windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes <= 1, "{levels}");
}

#[test]
fn the_worst_way_counts() {
    let mut meter = connected();
    assert_eq!((meter.own().level, meter.shown().level), (5, 5), "nothing goes wrong where nothing goes");
    meter.handle_sample(Way::AudioSend, Some(sample(0.03, 40.0, 3.0)));
    meter.handle_sample(Way::VideoRecv, Some(video(300, None, 2_000)));
    let own = meter.own();
    assert_eq!((own.level, meter.shown().level), (2, 4));
    assert_eq!(own.audio_send.map(|link| link.level), Some(4));
    assert_eq!(own.video_recv.map(|link| (link.level, link.bitrate)), Some((2, 300)));
    assert_eq!((own.audio_recv, own.video_send), (None, None));
    assert_eq!(meter.shown().video_recv, own.video_recv, "the others are told all of it");
    meter.handle_sample(Way::VideoRecv, None);
    assert_eq!(meter.own().level, 4);
    meter.handle_connected(false);
    assert_eq!((meter.own().level, meter.shown().level), (0, 0));
}

fn own(level: u8, bitrate: u64) -> OwnQuality {
    let link = room::LinkQuality { level, bitrate, ..Default::default() };
    OwnQuality { level, audio_send: Some(link), ..OwnQuality::default() }
}

#[test]
fn only_news_is_told_and_not_too_often() {
    let start = Instant::now();
    let mut reporter = Reporter::new();
    for ms in [0, 1_000, 2_900] {
        assert!(reporter.poll_report(start + Duration::from_millis(ms), own(5, 1), Vec::new()).is_none(), "no figures yet");
    }
    let mut told = |ms: u64, own: OwnQuality, others: &[(u128, u8, u64)]| {
        let others = others.iter().map(|(who, level, bitrate)| (ParticipantId(*who), Arc::new(self::own(*level, *bitrate))));
        reporter.poll_report(start + FIRST_REPORT_AFTER + Duration::from_millis(ms), own, others.collect()).is_some()
    };
    assert!(told(0, own(5, 1), &[]), "the first");
    assert!(!told(500, own(4, 1), &[]), "too early");
    assert!(told(1_000, own(4, 1), &[]));
    assert!(!told(2_500, own(4, 2), &[]), "figures alone can wait");
    assert!(told(3_000, own(4, 2), &[(7, 5, 1)]), "somebody came");
    assert!(told(4_000, own(4, 2), &[(7, 3, 1)]));
    assert!(!told(5_000, own(4, 3), &[(7, 3, 2)]));
    assert!(told(9_000, own(4, 3), &[(7, 3, 2)]), "figures, after a while");
    assert!(!told(20_000, own(4, 3), &[(7, 3, 2)]), "the same for ever");
    assert!(told(21_000, own(4, 3), &[(7, 3, 3)]), "the others' figures too");
    assert_eq!(reporter.told().map(|quality| quality.others.len()), Some(1));
}
