//! What is read of reports on arrivals.

use std::time::{Duration, Instant};

use media::congestion::report::{Malformed, Report, Status, reports};
use media::congestion::{Congestion, Purpose};

use crate::receiver::encode;

/// A report on packets from 65,534 on, at 3 * 64 ms.
fn report(count: u16, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe];
    bytes.extend(count.to_be_bytes());
    bytes.extend([0, 0, 3, 9]);
    bytes.extend(rest);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let words = u16::try_from(bytes.len() / 4 - 1).expect("short");
    bytes[2..4].copy_from_slice(&words.to_be_bytes());
    bytes
}

#[track_caller]
fn check(count: u16, rest: &[u8], expected: &str) {
    let bytes = report(count, rest);
    let said = match Report::parse(&bytes) {
        Err(Malformed) => "malformed".to_owned(),
        Ok(read) => {
            assert_eq!((read.base, read.count, read.reference), (65_534, count, 3));
            let word = |status| match status {
                Status::Missing => "-".to_owned(),
                Status::Arrived(step) => step.to_string(),
            };
            read.statuses().map(word).collect::<Vec<_>>().join(" ")
        }
    };
    assert_eq!(said, expected);
}

#[test]
fn chunks_and_times() {
    check(3, &[0x20, 3, 1, 2, 255], "1 2 255");
    check(2, &[0x40, 2, 0xff, 0xff, 0x7f, 0xff], "-1 32767");
    check(5, &[0, 2, 0x20, 3, 7, 8, 9], "- - 7 8 9");
    // One bit each, fourteen in a chunk; more than are told of do not count.
    check(4, &[0xa8, 0, 5, 6], "5 - 6 -");
    check(15, &[0xbf, 0xff, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], "1 2 3 4 5 6 7 8 9 10 11 12 13 14 -");
    // Two bits each.
    check(7, &[0xd8, 0, 4, 0x80, 0], "4 -32768 - - - - -");
    check(3, &[0xd8, 3, 4, 0x80, 0], "4 -32768 -");
    // A run that is longer than what is told of, and one of none.
    check(2, &[0x3f, 0xff, 1, 2], "1 2");
    check(1, &[0x20, 0, 0x60, 0, 0x20, 1, 9], "9");
}

#[test]
fn what_is_amiss_is_refused() {
    check(0, &[0x20, 0], "malformed");
    check(1, &[], "malformed");
    check(1, &[0x60, 1, 0, 0], "malformed");
    check(1, &[0xf0, 0, 0, 0], "malformed");
    check(200, &[0x20, 200, 0, 0], "malformed");
    check(65_535, &[0x1f, 0xff, 0x1f, 0xff], "malformed");
    let good = report(3, &[0x20, 3, 1, 2, 255]);
    for cut in 0..good.len() {
        assert!(Report::parse(&good[..cut]).is_err(), "{cut} bytes");
    }
    for (at, byte) in [(0, 0x8e), (0, 0x4f), (1, 206), (3, 7), (3, 4), (2, 1)] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert!(Report::parse(&bad).is_err(), "{byte} at {at}");
    }
    // What fills it up is left out; too much of it is no report.
    let mut filled = report(3, &[0x20, 3, 1, 2, 255, 0, 0, 3]);
    filled[0] |= 0x20;
    assert!(Report::parse(&filled).is_ok_and(|read| read.statuses().count() == 3));
    *filled.last_mut().expect("a byte") = 4;
    assert!(Report::parse(&filled).is_err());
    *filled.last_mut().expect("a byte") = 200;
    assert!(Report::parse(&filled).is_err());
}

#[test]
fn reports_are_found_among_others() {
    let (one, two) = (report(3, &[0x20, 3, 1, 2, 255]), report(1, &[0, 1]));
    let other = [0x81, 201, 0, 1, 0, 0, 0, 1];
    let all = [&other[..], &one, &other, &two, &[0x8f, 205, 9, 9]].concat();
    assert_eq!(reports(&all).collect::<Vec<_>>(), [&one[..], &two]);
    assert_eq!(reports(&[]).count() + reports(&[0x8f, 205]).count(), 0);
}

#[test]
fn what_a_browser_writes_is_read() {
    let arrivals = [Some(256_003), None, Some(256_001), Some(280_000), None, None, None, None, Some(280_255)];
    let bytes = encode(7, 0, &arrivals);
    let read = Report::parse(&bytes).expect("a report");
    let mut at = i64::from(read.reference) * 256;
    let said: Vec<Option<i64>> = read
        .statuses()
        .map(|status| match status {
            Status::Missing => None,
            Status::Arrived(step) => {
                at += i64::from(step);
                Some(at)
            }
        })
        .collect();
    assert_eq!(said, arrivals);
}

/// A hundred packets in a second, and a report on each ten.
fn second(congestion: &mut Congestion, start: Instant, rounds: u64, lost: u64, times: usize) -> Instant {
    let mut now = start;
    for round in 0..rounds {
        for number in round * 10..round * 10 + 10 {
            now += Duration::from_millis(10);
            congestion.sent(now, number, 1_000, Purpose::Media);
        }
        let arrivals: Vec<Option<i64>> =
            (round * 10..round * 10 + 10).map(|number| (number % 10 >= lost).then_some(number as i64 * 40 + 9_000)).collect();
        let report = encode(round * 10, round as u8, &arrivals);
        for _ in 0..times {
            congestion.handle_feedback(now + Duration::from_millis(50), &report).expect("a report");
        }
    }
    now
}

#[test]
fn loss_and_round_trips() {
    let start = Instant::now();
    for times in [1, 3] {
        let mut congestion = Congestion::new(start, 1_000_000);
        second(&mut congestion, start, 30, 2, times);
        assert!((0.19..0.2001).contains(&congestion.loss()), "{}", congestion.loss());
        assert_eq!(congestion.rtt(), Some(Duration::from_millis(50)));
    }
}

#[test]
fn what_was_sent_again_under_its_number_counts_as_lost_and_says_nothing_of_the_way() {
    let start = Instant::now();
    for asked_before_the_report in [true, false] {
        let (mut congestion, mut now) = (Congestion::new(start, 1_000_000), start);
        for round in 0..30_u64 {
            let numbers = round * 10..round * 10 + 10;
            for number in numbers.clone() {
                now += Duration::from_millis(10);
                congestion.sent(now, number, 1_000, Purpose::Media);
            }
            let at = |number: u64| number as i64 * 40 + 9_000;
            let first: Vec<Option<i64>> = numbers.clone().map(|number| (number % 10 >= 2).then_some(at(number))).collect();
            // Those that were missing come 250 ms late.
            let then: Vec<Option<i64>> =
                numbers.clone().map(|number| Some(at(number) + if number % 10 < 2 { 1_000 } else { 0 })).collect();
            let again =
                |congestion: &mut Congestion| numbers.clone().take(2).for_each(|number| congestion.sent_again(now, number));
            let hear = |congestion: &mut Congestion, arrivals: &[Option<i64>], count: u64| {
                congestion.handle_feedback(now, &encode(round * 10, count as u8, arrivals)).expect("a report");
            };
            if asked_before_the_report {
                again(&mut congestion);
            }
            hear(&mut congestion, &first, 2 * round);
            again(&mut congestion);
            hear(&mut congestion, &then, 2 * round + 1);
        }
        assert!((0.19..0.2001).contains(&congestion.loss()), "{}", congestion.loss());
        assert!(congestion.queue() < Duration::from_millis(5), "{:?}", congestion.queue());
    }
}

#[test]
fn reports_on_what_was_never_sent_change_nothing() {
    let start = Instant::now();
    let mut congestion = Congestion::new(start, 1_000_000);
    let now = second(&mut congestion, start, 30, 0, 1);
    let before = (congestion.estimate(), congestion.loss(), congestion.rtt());
    for base in [300, 10_000, 40_000, 65_000] {
        let report = encode(base, 0, &[Some(1), None, Some(2)]);
        congestion.handle_feedback(now + Duration::from_secs(1), &report).expect("a report");
    }
    assert_eq!((congestion.estimate(), congestion.loss(), congestion.rtt()), before);
}

#[test]
fn one_datagram_does_not_make_much_work() {
    // Sixteen thousand packets in forty bytes, over and over: what is saved up is used up, and then reports on more are not looked at.
    let start = Instant::now();
    let mut congestion = Congestion::new(start, 1_000_000);
    (65_534..65_544).for_each(|number| congestion.sent(start, number, 1_000, Purpose::Media));
    let now = start + Duration::from_millis(40);
    let of = |count, chunks: &[u8]| report(count, &[chunks, &[1]].concat());
    congestion.handle_feedback(now, &of(16_000, &[0, 200, 0x1f, 0xff, 0x1f, 0xff])).expect("a report");
    congestion.handle_feedback(now, &of(500, &[0x20, 1, 0x1f, 0xff])).expect("a report");
    assert_eq!(congestion.rtt(), None);
    congestion.handle_feedback(now, &of(10, &[0x20, 1, 0x1f, 0xff])).expect("a report");
    assert_eq!(congestion.rtt(), Some(Duration::from_millis(40)));
}

#[test]
fn of_many_packets_the_latest_are_known() {
    let start = Instant::now();
    for (many, gap_us) in [(100_000, 10), (100_000, 5_000)] {
        let mut congestion = Congestion::new(start, 1_000_000);
        let mut now = start;
        for number in 0..many {
            now += Duration::from_micros(gap_us);
            congestion.sent(now, number, 1_000, Purpose::Media);
        }
        // The newest, and one from before what is kept: the end of its number is that of one to come.
        congestion.handle_feedback(now + Duration::from_millis(70), &encode(many - 1, 0, &[Some(1_000)])).expect("a report");
        assert_eq!(congestion.rtt(), Some(Duration::from_millis(70)));
        congestion.handle_feedback(now + Duration::from_millis(90), &encode(many - 20_000, 1, &[Some(1_001)])).expect("a report");
        assert_eq!(congestion.rtt(), Some(Duration::from_millis(70)));
        // What comes much too late is not heard.
        congestion.handle_feedback(now + Duration::from_secs(5), &encode(many - 2, 2, &[Some(1_002)])).expect("a report");
        assert_eq!(congestion.rtt(), Some(Duration::from_millis(70)));
    }
}

#[test]
fn numbers_may_be_left_out() {
    let start = Instant::now();
    let mut congestion = Congestion::new(start, 1_000_000);
    let ms = |ms| start + Duration::from_millis(ms);
    for (at, number) in [(0, 10), (1, 11), (2, 300), (3, 299), (4, 1_000_000), (5, 1_000_001)] {
        congestion.sent(ms(at), number, 1_000, Purpose::Media);
    }
    congestion.handle_feedback(ms(60), &encode(300, 0, &[Some(1_000)])).expect("a report");
    assert_eq!(congestion.rtt(), None, "forgotten");
    congestion.handle_feedback(ms(65), &encode(1_000_000, 1, &[Some(1_000), Some(1_004)])).expect("a report");
    assert_eq!(congestion.rtt(), Some(Duration::from_millis(60)));
}

#[test]
fn reports_may_overtake_each_other() {
    // Packets each 10 ms of which each waits a millisecond longer; a report on each ten, and every other one comes after the next.
    let start = Instant::now();
    let mut congestion = Congestion::new(start, 1_000_000);
    let mut held = None;
    for round in 0..20_u64 {
        let numbers = round * 10..round * 10 + 10;
        let now = start + Duration::from_millis(round * 100 + 99);
        numbers.clone().for_each(|n| congestion.sent(start + Duration::from_millis(n * 10), n, 1_000, Purpose::Media));
        let arrivals: Vec<Option<i64>> = numbers.map(|n| Some(n as i64 * 44 + 9_000)).collect();
        let report = encode(round * 10, round as u8, &arrivals);
        match held.take() {
            None => held = Some(report),
            Some(before) => [report, before].iter().for_each(|report| congestion.handle_feedback(now, report).expect("a report")),
        }
    }
    let queue = congestion.queue().as_millis();
    assert!((150..=200).contains(&queue), "{queue} ms");
    assert_eq!(congestion.loss(), 0.0);
}
