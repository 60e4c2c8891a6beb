//! Many models of the SDK in one room, over sockets that lose, delay and break: whatever happens, when everything has arrived
//! everybody sees everybody, and every two share one settled connection.

mod support;

use room::Limits;
use support::party::Party;
use support::random::Random;

#[test]
fn two_meet() {
    let mut party = Party::new("den", Limits::default());
    party.invite("ann");
    party.settle();
    party.invite("bo");
    party.settle();
    assert_eq!(party.guests.len(), 2);
}

#[test]
fn ten_come_at_once_and_the_eleventh_finds_no_seat() {
    let mut party = Party::new("den", Limits::default());
    for number in 0..11 {
        party.invite(&format!("guest {number}"));
    }
    party.settle();
    assert_eq!(party.guests.len(), 10);
}

#[test]
fn whatever_happens_everybody_meets_in_the_end() {
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first: u64 = number("SEED", 0);
    for seed in first..first + number("ROUNDS", 300) {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut party = Party::new("den", Limits::default());
        for _ in 0..400 {
            party.step(&mut random);
        }
        party.settle();
    }
}
