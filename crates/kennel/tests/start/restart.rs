//! Whole rooms come back after their server was killed, or its machine slept.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::person::{Person, beat, everybody, free_port, sees, start};

const SECOND: Duration = Duration::from_secs(1);

/// As many as a group room holds.
const CROWD: usize = 50;

/// What is promised of a restart: half of them, and all. Without optimization it takes longer.
const HALF_BACK: Duration = Duration::from_secs(if cfg!(debug_assertions) { 6 } else { 3 });
const ALL_BACK: Duration = Duration::from_secs(8);

/// Longer than silence may last, shorter than a seat is kept.
const SLEEP: Duration = Duration::from_secs(18);

/// Test T42 of the rules, but for the transport: of that `e2e/tests/group-trouble.spec.ts` has three, in real browsers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t42_fifty_in_one_room_are_back_soon_after_their_server_was_killed_or_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let mut server = start(folder.path(), http, media);
    let mut all = everybody((0..CROWD).map(|number| Person::join(http, number))).await;
    for signal in [Signal::KILL, Signal::TERM] {
        // Seats are written down a little after they are taken.
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.signal(signal);
        server.end();
        let began = Instant::now();
        server = start(folder.path(), http, media);
        let ready = began.elapsed();
        let back = everybody(all.into_iter().map(|one| async move { (one.come_back(http).await, began.elapsed()) })).await;
        let mut times: Vec<Duration> = back.iter().map(|(_, time)| *time).collect();
        times.sort();
        println!("{signal:?}: ready after {ready:?}, half back after {:?}, all after {:?}", times[CROWD / 2], times[CROWD - 1]);
        assert!(times[CROWD / 2] <= HALF_BACK && times[CROWD - 1] <= ALL_BACK, "{times:?}");
        all = back.into_iter().map(|(one, _)| one).collect();
    }
    server.signal(Signal::TERM);
    server.end();
}

/// Test T39, the server's machine: nobody's seat is gone, whatever became of the sockets meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t39_nobody_loses_a_seat_while_the_server_sleeps() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let server = start(folder.path(), http, media);
    let mut all = everybody((0..3).map(|number| Person::join(http, number))).await;
    server.signal(Signal::STOP);
    beat(&mut all, SLEEP).await;
    server.signal(Signal::CONT);
    let woken = Instant::now();
    // What they said meanwhile is read, so nobody's connection is cut.
    all = everybody(all.into_iter().map(|one| one.stay(2 * SECOND))).await;
    everybody(all.into_iter().map(|one| one.resume(http))).await;
    println!("everybody is back {:?} after the server woke", woken.elapsed());
    assert!(woken.elapsed() < Duration::from_secs(10));
    server.signal(Signal::TERM);
    server.end();
}

/// Test T39, a client's machine: the others see that it is away, it has its seat when it wakes, and they see that too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t39_a_client_that_slept_has_its_seat() {
    let folder = tempfile::tempdir().expect("a folder");
    let (http, media) = (free_port(), free_port());
    let server = start(folder.path(), http, media);
    let mut all = everybody((0..2).map(|number| Person::join(http, number))).await;
    let sleeper = all.remove(0);
    beat(&mut all, SLEEP).await;
    all[0].hear("reconnecting", sees("reconnecting")).await;
    let _awake = sleeper.resume(http).await;
    all[0].hear("connected", sees("connected")).await;
    server.signal(Signal::TERM);
    server.end();
}
