//! Things that are measured one by one: a table of times, or one of them alone, for valgrind, which counts instructions.
//!
//! `--list` says how often each is done then, and what it is called; `--one NAME` does it. What is measured is in `Meter::counted`:
//! `KENNEL_BENCH_CLOCK=off valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*Meter*counted*' … --one NAME`.

use crate::meter::Meter;

/// Something that is measured, each time in the same way.
pub struct Row {
    pub name: &'static str,
    /// How often it is done to be counted.
    pub times: u32,
    /// Prepares it. What is done then passes what is to be measured through [`Meter::counted`].
    pub make: fn() -> Act,
}

/// Does it once.
pub type Act = Box<dyn FnMut(&mut Meter)>;

/// Times that it is done before anything is measured: buffers have grown then.
const WARM: u32 = 3;

/// For a time, so many times more than for a count.
const TIMED: u32 = 20;

/// Does what the arguments say.
pub fn run(rows: &[Row]) {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => rows.iter().for_each(|row| println!("{} {}", WARM + row.times, row.name)),
        ["--one", name] => {
            let row = rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("nothing is called {name}"));
            repeat(row, row.times);
        }
        ref words => table(rows, words),
    }
}

fn table(rows: &[Row], words: &[&str]) {
    println!("{:>40} {:>12} {:>12} {:>12}", "", "us each", "allocations", "bytes");
    for row in rows.iter().filter(|row| words.iter().all(|word| row.name.contains(word))) {
        let meter = repeat(row, row.times * TIMED);
        let calls = meter.calls as f64;
        let us = meter.time.as_secs_f64() * 1e6 / calls;
        println!("{:>40} {us:>12.3} {:>12.1} {:>12.0}", row.name, meter.allocations as f64 / calls, meter.bytes as f64 / calls);
    }
}

fn repeat(row: &Row, times: u32) -> Meter {
    let mut act = (row.make)();
    (0..WARM).for_each(|_| act(&mut Meter::default()));
    let mut meter = Meter::default();
    (0..times).for_each(|_| act(&mut meter));
    meter
}
