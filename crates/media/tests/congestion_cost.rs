//! What congestion control costs: nothing is allocated once it runs, and a packet takes few instructions. `--ignored --nocapture` tells
//! the times; `valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*send_one*'` counts instructions.

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use media::congestion::{Congestion, Purpose};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[allow(dead_code, reason = "shared with the tests of what it does")]
#[path = "congestion/receiver.rs"]
mod receiver;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Packets between two reports: twenty reports a second of what four cameras send.
const EACH: u64 = 20;

/// Apart, to be counted.
#[inline(never)]
fn send_one(congestion: &mut Congestion, now: Instant, number: u64) {
    congestion.sent(now, number, 1_000, Purpose::Media);
}

/// So many rounds of packets and a report, all of which are made before. Time for packets and for reports, and allocations.
fn rounds(congestion: &mut Congestion, start: Instant, from: u64, many: u64) -> ([Duration; 2], usize) {
    let reports: Vec<Vec<u8>> = (from..from + many)
        .map(|round| {
            let arrivals: Vec<Option<i64>> = (0..EACH).map(|n| Some((round * 200 + n * 10 + 9_000) as i64)).collect();
            receiver::encode(round * EACH, round as u8, &arrivals)
        })
        .collect();
    let mut spent = [Duration::ZERO; 2];
    let region = Region::new(GLOBAL);
    for (round, report) in (from..).zip(&reports) {
        let began = start + Duration::from_millis(round * 50);
        let clock = Instant::now();
        for n in 0..EACH {
            // The packets of a turn leave together.
            let now = began + Duration::from_micros(n / 2 * 5_000);
            send_one(congestion, black_box(now), round * EACH + n);
        }
        let between = Instant::now();
        spent[0] += between - clock;
        let now = began + Duration::from_millis(60);
        congestion.handle_feedback(now, black_box(report)).expect("a report");
        congestion.handle_timeout(now);
        let _ = black_box((congestion.poll_probe(now), congestion.poll_estimate(), congestion.poll_timeout()));
        spent[1] += between.elapsed();
    }
    let change = region.change();
    (spent, change.allocations + change.reallocations)
}

#[test]
fn nothing_is_allocated_once_it_runs() {
    let start = Instant::now();
    let mut congestion = Congestion::new(start, 3_000_000);
    congestion.set_wanted(start, 100_000, 6_000_000);
    rounds(&mut congestion, start, 0, 200);
    // Whoever runs the tests allocates now and then, in another thread.
    let least = (1..20).map(|part| rounds(&mut congestion, start, part * 200, 200).1).min();
    assert_eq!(least, Some(0));
}

#[test]
#[ignore = "figures"]
fn figures() {
    let start = Instant::now();
    let mut congestion = Congestion::new(start, 3_000_000);
    congestion.set_wanted(start, 100_000, 6_000_000);
    rounds(&mut congestion, start, 0, 200);
    let many = 5_000;
    let ([sending, reports], _) = rounds(&mut congestion, start, 200, many);
    let packets = (many * EACH) as f64;
    println!("{:.1} ns for a packet sent", sending.as_secs_f64() * 1e9 / packets);
    println!(
        "{:.1} ns for a packet reported, {:.0} for a report",
        reports.as_secs_f64() * 1e9 / packets,
        reports.as_secs_f64() * 1e9 / many as f64
    );
    println!("{} bytes, and {} for packets", size_of::<Congestion>(), 8 * media::limit::SENT_PACKETS_LEAST);
}
