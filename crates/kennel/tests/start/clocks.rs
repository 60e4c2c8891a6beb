//! Test T39 on the program itself, whose wall clock is moved under it while the other one goes on: so it is when somebody sets the clock,
//! and when the machine slept. Needs libfaketime, which `scripts/bootstrap test` brings: `scripts/test rust` runs these.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::client::get;
use crate::person::{Person, everybody, free_port, sees, start_with, unix_s};
use crate::program::Server;

const DAY_S: i64 = 86_400;

/// Longer than a client that is asked whether it is there may be silent.
const WHILE: Duration = Duration::from_secs(9);

/// A server whose wall clock can be moved.
struct Moved {
    server: Server,
    http: SocketAddr,
    clock: PathBuf,
}

impl Moved {
    fn start(folder: &Path) -> Self {
        let (http, media, clock) = (free_port(), free_port(), folder.join("clock"));
        std::fs::write(&clock, "+0").expect("written");
        let library = library();
        let variables = [
            ("LD_PRELOAD", library.to_str().expect("plain")),
            ("FAKETIME_TIMESTAMP_FILE", clock.to_str().expect("plain")),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        Moved { server: start_with(folder, (http, media), &variables), http, clock }
    }

    /// Moves the clock from what is right by so many seconds, and waits until the program has it.
    async fn set(&self, seconds: i64) {
        // In one step, or half a number might be read.
        let next = self.clock.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}")).expect("written");
        std::fs::rename(&next, &self.clock).expect("in its place");
        let wanted = unix_s().saturating_add_signed(seconds);
        while self.unix_s().await.abs_diff(wanted) > 60 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the program takes for the time of day.
    async fn unix_s(&self) -> u64 {
        let told: Value = serde_json::from_slice(&get(self.http, "/kennel/v1/server").await.body).expect("JSON");
        told["time"].as_u64().expect("a time") / 1_000
    }

    fn end(self) {
        self.server.signal(Signal::TERM);
        let (code, said) = self.server.end();
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// Where Debian has it.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a list").map(|entry| entry.expect("an entry").path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketime.so.1")).filter(|path| path.exists());
    found.next().expect("libfaketime: scripts/bootstrap test brings it")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs libfaketime: scripts/test rust runs it"]
async fn t39_clocks_that_jump_a_day_drop_nobody_and_only_tokens_follow_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let moved = Moved::start(folder.path());
    let mut all = everybody((0..3).map(|number| Person::join(moved.http, number))).await;
    for (number, ahead) in [DAY_S, -DAY_S, 0].into_iter().enumerate() {
        moved.set(ahead).await;
        all = everybody(all.into_iter().map(|one| one.stay(WHILE))).await;
        // Nobody is told of who comes now: everybody would be told of who left too.
        let other = if ahead == 0 { 2 * DAY_S } else { 0 };
        let code = Person::refusal(moved.http, 10 + number, other).await;
        assert_eq!(code, if ahead > other { 20_104 } else { 20_105 }, "{ahead} s ahead, a token of {other} s ahead");
        all.push(Person::join_at(moved.http, 3 + number, ahead).await);
    }
    assert_eq!(all.len(), 6);
    moved.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs libfaketime: scripts/test rust runs it"]
async fn t39_clocks_of_a_machine_that_slept_show_who_is_away_and_keep_all_seats() {
    let folder = tempfile::tempdir().expect("a folder");
    let moved = Moved::start(folder.path());
    let mut all = everybody((0..2).map(|number| Person::join(moved.http, number))).await;
    let (other, gone) = (all.remove(0), all.remove(0));
    // Half an hour of sleep, after which one of them says nothing more.
    moved.set(1_800).await;
    let other = other.stay_until("reconnecting", sees("reconnecting")).await;
    let _back = gone.resume(moved.http).await;
    other.stay_until("connected", sees("connected")).await;
    moved.end();
}
