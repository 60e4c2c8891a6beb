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

/// The program is started anew under a settled party: everybody comes back to its seat, and no media connection is made anew.
#[test]
fn a_restart_costs_nobody_its_seat() {
    for crashed in [false, true] {
        let mut party = Party::new("den", Limits::default());
        for name in ["ann", "bo", "cy"] {
            party.invite(name);
        }
        party.settle();
        let links = |party: &Party| -> Vec<String> {
            let peers = party.guests.iter().flat_map(|guest| guest.client.sdk.room.peers.keys());
            peers.cloned().collect()
        };
        let before = links(&party);
        party.save();
        party.restart(crashed);
        party.settle();
        assert_eq!(links(&party), before, "crashed: {crashed}");
        for guest in &party.guests {
            assert_eq!(guest.client.sdk.log.life[1..], ["reconnecting", "reconnected"], "crashed: {crashed}");
        }
    }
}

/// Two, of whom the second's connection closes with this code: what the first sees of it at once.
fn seen_after_close(code: Option<u16>) -> (Option<String>, Party) {
    let mut party = Party::new("den", Limits::default());
    party.invite("ann");
    party.invite("bo");
    party.settle();
    party.cut(1, code);
    while party.deliver_down(0) {}
    let seen = party.guests[0].client.sdk.room.view().get("bo").cloned();
    (seen, party)
}

/// A browser closes with 1001 when its page goes away, the SDK with 1000 when the app leaves (RFC 6455, section 7.4.1).
#[test]
fn a_closed_page_is_gone_at_once() {
    for code in [1000, 1001] {
        let (seen, mut party) = seen_after_close(Some(code));
        assert_eq!(seen, None, "{code}");
        assert_eq!(party.hub.rooms.count(), (1, 1), "{code}");
        party.guests.remove(1);
        party.check();
    }
}

/// The SDK closes with 3000 to 3007 for reasons of its own, 3004 being a changed network, and comes back.
#[test]
fn a_lost_connection_keeps_its_seat_for_thirty_seconds() {
    for code in [None, Some(1006), Some(1011), Some(1012), Some(3000), Some(3001), Some(3003), Some(3004), Some(4000)] {
        let (seen, mut party) = seen_after_close(code);
        assert_eq!(seen.as_deref(), Some("reconnecting"), "{code:?}");
        for _ in 0..29 {
            party.wait(1_000);
        }
        assert_eq!(party.hub.rooms.count(), (1, 2), "{code:?}");
        party.wait(1_000);
        assert_eq!(party.hub.rooms.count(), (1, 1), "{code:?}");
    }
}

#[test]
fn a_client_that_falls_silent_is_lost_after_fifteen_seconds_and_hears_us_until_then() {
    let mut party = Party::new("den", Limits::default());
    party.invite("ann");
    party.invite("bo");
    party.settle();
    party.guests[1].client.heartbeat();
    party.deliver_up(1);
    let start = party.hub.now_ms();
    let (mut heartbeats, mut lost_at) = (0, None);
    while lost_at.is_none() && party.hub.now_ms() < start + 20_000 {
        party.guests[0].client.heartbeat();
        party.deliver_up(0);
        party.hub.advance_to(party.hub.now_ms() + 100);
        party.collect();
        heartbeats += u32::from(party.deliver_down(1) && party.guests[1].client.sdk.is_in());
        while party.deliver_down(0) {}
        let seen = party.guests[0].client.sdk.room.view();
        lost_at = (seen["bo"] == "reconnecting").then(|| party.hub.now_ms() - start);
    }
    assert_eq!(lost_at, Some(15_000));
    assert_eq!(heartbeats, 3, "one each 4 s, within the 5 s agreed on");
    party.settle();
    assert_eq!(party.guests[1].client.sdk.log.life[1..], ["reconnecting", "reconnected"]);
}

/// Test T39: who was away when the program stood still, who says nothing after it, and who goes on.
#[test]
fn t39_an_hour_in_which_the_program_did_not_run_costs_nobody_a_seat() {
    let mut party = Party::new("den", Limits::default());
    for name in ["ann", "bo", "cy"] {
        party.invite(name);
    }
    party.settle();
    party.cut(2, None);
    party.hub.stand_still(3_600_000);
    party.collect();
    assert_eq!(party.hub.rooms.count(), (1, 3));
    for who in [0, 1] {
        assert!(party.on_its_way(who).is_some_and(|text| text.contains("heartbeat")), "{who} is asked at once");
    }
    let start = party.hub.now_ms();
    let mut lost_at = None;
    while lost_at.is_none() && party.hub.now_ms() < start + 20_000 {
        party.guests[0].client.heartbeat();
        party.deliver_up(0);
        party.hub.advance_to(party.hub.now_ms() + 100);
        party.collect();
        while party.deliver_down(0) {}
        let seen = party.guests[0].client.sdk.room.view();
        lost_at = (seen["bo"] == "reconnecting").then(|| party.hub.now_ms() - start);
    }
    assert_eq!(lost_at, Some(7_500), "half the time that silence costs otherwise");
    assert_eq!(party.hub.rooms.count(), (1, 3), "who was away has as long as ever to come back");
    party.reconnect(2);
    party.settle();
    assert_eq!(party.guests.len(), 3);
    for (who, life) in [(0, &[][..]), (1, &["reconnecting", "reconnected"]), (2, &["reconnecting", "reconnected"])] {
        assert_eq!(party.guests[who].client.sdk.log.life[1..], *life, "{who}");
    }
}

#[test]
fn whatever_happens_everybody_meets_in_the_end() {
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first: u64 = number("SEED", 0);
    for seed in first..first + number("ROUNDS", 300) {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut party = Party::new("den", Limits::default());
        party.hub.slow = seed % 2 == 1;
        for _ in 0..400 {
            party.step(&mut random);
        }
        party.settle();
    }
}
