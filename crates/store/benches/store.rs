//! What the history costs: durable room creations, reads, list pages over many finished rooms, and a long queue of callbacks. Run on a
//! quiet machine: `cargo bench -p kennel-store`. With `KENNEL_DATABASE=postgres://…` it uses that database, which must be empty.

#![allow(missing_docs, clippy::unwrap_used, dead_code, reason = "shares the tests' rows")]

#[path = "../tests/suite/rows.rs"]
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rows::*;
use store::{Keeper, NameOrId, Page, RoomFilter, RoomRow, RoomStatus, Store, Write};

/// Who asks at the same time.
const CALLERS: u64 = 50;
const CREATIONS: u64 = 10_000;
const READS: u64 = 50_000;
const FINISHED: u64 = 100_000;
const PAGES: u64 = 2_000;
const CALLBACKS: u64 = 10_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let address = std::env::var("KENNEL_DATABASE").ok();
        let store = Arc::new(store::open(address.as_deref(), folder.path()).await.unwrap());
        println!("{:>30} {:>10} {:>8} {:>8} {:>8} {:>10}", "", "per s", "p50 ms", "p99 ms", "max ms", "CPU us");
        println!("resident: {} MB", resident_mb());
        creations(&store).await;
        reads(&store).await;
        finish(&store).await;
        pages(&store).await;
        callbacks(&store, "1 room", 1).await;
        callbacks(&store, "100 rooms", 100).await;
        callbacks(&store, "10,000 rooms", CALLBACKS).await;
        println!("resident: {} MB", resident_mb());
    });
}

/// A room and its first event with a callback, durable.
async fn creations(store: &Arc<Keeper>) {
    crowd("creations, 50 callers", store, CREATIONS, async |store, n| {
        let id = u128::from(n);
        store.write(vec![began(room(id, &format!("room {n}"), n)), happened(told(id, "room-created", n))]).await.unwrap();
    })
    .await;
    let mut due = store.due(u64::MAX, 1_000, &[]).await.unwrap();
    while !due.is_empty() {
        store.write(due.iter().map(|one| delivered(one.id, 1)).collect()).await.unwrap();
        due = store.due(u64::MAX, 1_000, &[]).await.unwrap();
    }
}

async fn reads(store: &Arc<Keeper>) {
    crowd("rooms by id", store, READS, async |store, n| {
        let found = store.room(ACCOUNT, NameOrId::Id(u128::from(n * 7_919 % CREATIONS))).await.unwrap();
        assert!(found.is_some());
    })
    .await;
    crowd("rooms by name", store, READS, async |store, n| {
        let found = store.room(ACCOUNT, NameOrId::Name(format!("room {}", n * 7_919 % CREATIONS))).await.unwrap();
        assert!(found.is_some());
    })
    .await;
}

async fn finish(store: &Arc<Keeper>) {
    for id in 0..CREATIONS {
        if id % 500 == 0 {
            let batch = (id..id + 500).map(|id| ended(u128::from(id), 1_000_000));
            store.write(batch.collect()).await.unwrap();
        }
    }
    let start = Instant::now();
    for from in (CREATIONS..FINISHED).step_by(500) {
        let row = |n: u64| over(room(u128::from(n), &format!("room {}", n % 1_000), n * 10), n * 10 + 5);
        let batch: Vec<Write> = (from..from + 500).map(|n| began(row(n))).collect();
        store.write(batch).await.unwrap();
    }
    let rate = (FINISHED - CREATIONS) as f64 / start.elapsed().as_secs_f64();
    println!("{:>30} {rate:>10.0}", "rooms by 500 in a batch");
}

type Filter = fn(u64) -> RoomFilter;

/// Pages of 50 somewhere in the list, by what people filter by.
async fn pages(store: &Arc<Keeper>) {
    let count = Arc::new(AtomicU64::new(0));
    let filters: [(&str, Filter); 4] = [
        ("pages of all", |_| RoomFilter::default()),
        ("pages of completed", |_| RoomFilter { status: Some(RoomStatus::Completed), ..RoomFilter::default() }),
        ("pages of one name", |n| RoomFilter { name: Some(format!("room {}", n % 1_000)), ..RoomFilter::default() }),
        ("pages of a day, completed", |n| {
            let from = n * 977 % FINISHED * 10;
            let span = (Some(from), Some(from + 100_000));
            RoomFilter { status: Some(RoomStatus::Completed), created_from_ms: span.0, created_before_ms: span.1, name: None }
        }),
    ];
    for (name, filter) in filters {
        let count = count.clone();
        one_by_one(name, PAGES, async |n| {
            let place = i64::try_from(n * 7_919 % FINISHED * 10).unwrap() << 21;
            let page = match n % 3 {
                0 => Page::First { size: 50 },
                1 => Page::After { place, size: 50 },
                _ => Page::Before { place, size: 50 },
            };
            let found = store.rooms(ACCOUNT, filter(n), page).await.unwrap();
            count.fetch_add(found.rows.len() as u64, Ordering::Relaxed);
        })
        .await;
    }
    assert!(count.load(Ordering::Relaxed) > PAGES * 50, "the pages were empty");
    let found: RoomRow = store.room(ACCOUNT, NameOrId::Id(1)).await.unwrap().unwrap();
    assert_eq!(found.status, RoomStatus::Completed);
}

/// A receiver was down, and takes everything now: what a courier does, 50 at a time.
async fn callbacks(store: &Arc<Keeper>, name: &str, rooms: u64) {
    let base = 1_000_000 * rooms;
    let batches: Vec<u64> = (0..CALLBACKS).step_by(500).collect();
    for from in &batches {
        let begin =
            (*from..(*from + 500).min(rooms)).map(|n| began(room(u128::from(base + n), &format!("queue {}", base + n), 1)));
        let tell = (*from..*from + 500).map(|n| happened(told(u128::from(base + n % rooms), &n.to_string(), n)));
        store.write(begin.chain(tell).collect()).await.unwrap();
    }
    let (mut last, mut times) = (BTreeMap::new(), Vec::new());
    let cpu = cpu();
    let begin = Instant::now();
    loop {
        let start = Instant::now();
        let due = store.due(u64::MAX, 50, &[]).await.unwrap();
        if due.is_empty() {
            break;
        }
        for one in &due {
            let before = last.insert(one.event.room, one.event.sequence);
            assert_eq!(before.map_or(0, |sequence| sequence + 1), one.event.sequence, "out of order");
        }
        let taken = due.len() as u32;
        store.write(due.iter().map(|one| delivered(one.id, 1)).collect()).await.unwrap();
        times.extend(std::iter::repeat_n(start.elapsed() / taken, taken as usize));
    }
    assert_eq!(times.len() as u64, CALLBACKS);
    let (elapsed, cpu) = (begin.elapsed(), cpu_since(cpu));
    let tenth = |part: &[Duration]| part.iter().sum::<Duration>().as_secs_f64() * 1e6 / part.len() as f64;
    let (first, end) = (tenth(&times[..1_000]), tenth(&times[9_000..]));
    report(&format!("callbacks of {name}"), times, elapsed, cpu);
    println!("{:>30} first 1,000: {first:.0} us each, last 1,000: {end:.0} us each", "");
}

/// Many callers at once.
async fn crowd(name: &str, store: &Arc<Keeper>, count: u64, each: impl AsyncFn(&Keeper, u64)) {
    let cpu = cpu();
    let start = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let each = &each;
        async move {
            let mut times = Vec::new();
            for n in (caller..count).step_by(CALLERS as usize) {
                let start = Instant::now();
                each(store, n).await;
                times.push(start.elapsed());
            }
            times
        }
    });
    let times = futures_util::future::join_all(callers).await.concat();
    report(name, times, start.elapsed(), cpu_since(cpu));
}

async fn one_by_one(name: &str, count: u64, each: impl AsyncFn(u64)) {
    let cpu = cpu();
    let begin = Instant::now();
    let mut times = Vec::new();
    for n in 0..count {
        let start = Instant::now();
        each(n).await;
        times.push(start.elapsed());
    }
    report(name, times, begin.elapsed(), cpu_since(cpu));
}

fn report(name: &str, mut times: Vec<Duration>, elapsed: Duration, cpu: f64) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    let rate = times.len() as f64 / elapsed.as_secs_f64();
    let each = cpu * 1e6 / times.len() as f64;
    println!("{name:>30} {rate:>10.0} {:>8.2} {:>8.2} {:>8.2} {each:>10.0}", at(50), at(99), at(100));
}

/// Seconds of processor time that this process has used, by clock ticks of 10 ms.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    after.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn cpu_since(before: f64) -> f64 {
    cpu() - before
}

fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) / 1024
}
