//! What the engine takes of the processor and of memory, apart from the model of its clients that runs in the same thread.

use std::alloc::System;
use std::sync::LazyLock;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The sum over all that was measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// Time of the processor, not of the clock on the wall.
    pub time: Duration,
    pub calls: u64,
    pub allocations: u64,
    /// Bytes that were taken, given back or not.
    pub bytes: u64,
    /// Bytes that were taken and not given back.
    pub live: i64,
}

impl Meter {
    #[inline(never)]
    pub fn measure<T>(&mut self, act: impl FnOnce() -> T) -> T {
        let (memory, began) = (MEMORY.stats(), cpu());
        let value = act();
        let (spent, after) = (cpu() - began, MEMORY.stats());
        self.time += spent;
        self.calls += 1;
        let allocations = (after.allocations + after.reallocations) - (memory.allocations + memory.reallocations);
        self.allocations += allocations as u64;
        self.bytes += (after.bytes_allocated - memory.bytes_allocated) as u64;
        self.live += live(&after) - live(&memory);
        value
    }

    /// The same, for whoever counts instructions of some of what is measured: this name is what is looked for.
    #[allow(dead_code, reason = "the benches'")]
    #[inline(never)]
    pub fn counted<T>(&mut self, act: impl FnOnce() -> T) -> T {
        self.measure(act)
    }

    /// Both together.
    #[allow(dead_code, reason = "the bench's of scale")]
    pub fn and(&self, other: &Meter) -> Meter {
        Meter {
            time: self.time + other.time,
            calls: self.calls + other.calls,
            allocations: self.allocations + other.allocations,
            bytes: self.bytes + other.bytes,
            live: self.live + other.live,
        }
    }

    /// Since an earlier reading.
    #[allow(dead_code, reason = "the bench's")]
    pub fn since(&self, before: &Meter) -> Meter {
        Meter {
            time: self.time - before.time,
            calls: self.calls - before.calls,
            allocations: self.allocations - before.allocations,
            bytes: self.bytes - before.bytes,
            live: self.live - before.live,
        }
    }
}

/// Bytes that the whole process has taken and not given back.
#[allow(dead_code, reason = "the soak test's")]
pub fn live_bytes() -> i64 {
    live(&MEMORY.stats())
}

fn live(stats: &stats_alloc::Stats) -> i64 {
    // What was reallocated is counted among the allocated and the freed.
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}

/// What this thread has used of the processor. Valgrind cannot ask: there `KENNEL_BENCH_CLOCK=off` makes it nothing.
fn cpu() -> Duration {
    static OFF: LazyLock<bool> = LazyLock::new(|| std::env::var("KENNEL_BENCH_CLOCK").is_ok_and(|value| value == "off"));
    if *OFF {
        return Duration::ZERO;
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
