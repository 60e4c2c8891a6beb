//! The load generator against the program: each load small and short, by real sockets on loopback. What it costs is measured elsewhere
//! (`docs/bench.md`); this is that it can be.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use bench::report::{Figures, table};
use bench::run::run;
use bench::scenario::{Kind, MixFile, Scenario};
use bench::server::Choice;
use bench::signal::Door;

/// A small load of this kind.
fn small(kind: Kind, publishers: usize, subscribers: usize) -> Scenario {
    let warm_up = Duration::from_millis(300);
    Scenario { seconds: 2, warm_up, joins_per_s: 4, ..Scenario::new(kind, publishers, subscribers) }
}

/// Measures it once, and looks at what holds of every load.
fn measure(door: Door, scenario: &Scenario) -> Figures {
    measure_at(Ipv4Addr::LOCALHOST.into(), door, scenario)
}

fn measure_at(ip: IpAddr, door: Door, scenario: &Scenario) -> Figures {
    let program = Path::new(env!("CARGO_BIN_EXE_kennel")).to_owned();
    let choice = Choice { door, program, ip, workers: 1 };
    let figures = run(&choice, scenario, 1).unwrap_or_else(|problem| panic!("{}: {problem}", scenario.name()));
    println!("{}", serde_json::to_string(&figures).expect("a line"));
    assert!(figures.complete, "somebody does not hear somebody: {figures:?}");
    assert!(figures.delivered > 0 && figures.packets_per_s > 0.0 && figures.cpu_us_per_packet > 0.0, "{figures:?}");
    assert!(figures.pairs_silent == 0, "{} of {} pairs heard nothing", figures.pairs_silent, figures.pairs);
    assert!(table(std::slice::from_ref(&figures)).contains(&scenario.name()));
    figures
}

#[test]
fn a_fan() {
    let figures = measure(Door::Kennel, &small(Kind::Fan, 1, 3));
    assert_eq!((figures.clients, figures.pairs, figures.receivers), (4, 6, 3));
    // Who comes before anything is to be heard is not timed.
    assert!((1..=3).contains(&figures.joins) && figures.join_p50_ms > 0.0, "{figures:?}");
    // Pages of the program are memory, too, and not its own.
    assert!(figures.own_kb > figures.own_idle_kb && figures.own_kb < figures.rss_kb, "{figures:?}");
}

#[test]
fn a_fan_over_ipv6() {
    let ip = Ipv6Addr::LOCALHOST.into();
    if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return println!("this machine has no IPv6");
    }
    assert_eq!(measure_at(ip, Door::Kennel, &small(Kind::Fan, 1, 3)).pairs, 6);
}

#[test]
fn everyone_to_each_other() {
    assert_eq!(measure(Door::Kennel, &small(Kind::All, 3, 0)).pairs, 12);
}

#[test]
fn many_rooms() {
    let figures = measure(Door::Kennel, &Scenario { rooms: 2, ..small(Kind::Many, 3, 0) });
    assert_eq!((figures.rooms, figures.pairs), (2, 24));
}

#[test]
fn a_gallery() {
    assert_eq!(measure(Door::Kennel, &small(Kind::Gallery, 3, 0)).pairs, 12);
}

#[test]
fn sound_alone() {
    assert_eq!(measure(Door::Kennel, &small(Kind::Sound, 3, 0)).pairs, 6);
}

#[test]
fn a_storm() {
    let figures = measure(Door::Kennel, &small(Kind::Storm, 1, 3));
    assert!(figures.joins == 3 && figures.cpu_ms_per_join.is_some(), "{figures:?}");
}

#[test]
fn rooms_that_are_recorded() {
    let figures = measure(Door::Kennel, &Scenario { recorded: true, ..small(Kind::Rooms, 2, 1) });
    assert_eq!((figures.rooms, figures.recorded_files), (2, 4));
    assert!(figures.recorded_frames > 0);
}

#[test]
fn layers_are_switched() {
    let figures = measure(Door::Kennel, &Scenario { seconds: 5, ..small(Kind::Layers, 1, 3) });
    assert!(figures.switches_asked >= 3 && figures.switches_done > 0 && figures.switches > 0, "{figures:?}");
    assert!(figures.switch_p50_ms.is_some() && figures.frames_per_s.is_some(), "{figures:?}");
}

#[test]
fn key_frames_are_asked_for_and_come() {
    let figures = measure(Door::Kennel, &small(Kind::Keys, 1, 3));
    assert!(figures.keys_asked >= 6 && figures.keys_done > 0 && figures.keys_sent > 0, "{figures:?}");
    assert!(figures.keys_asked_senders < figures.keys_asked, "many who ask are one who asks: {figures:?}");
    assert!(figures.key_p50_ms.is_some());
}

#[test]
fn what_gets_lost_comes_again() {
    let figures = measure(Door::Kennel, &Scenario { loss_percent: 5, ..small(Kind::Fan, 1, 3) });
    assert!(figures.dropped > 0, "{figures:?}");
    // Of pictures; of sound nothing is sent again.
    let share = figures.lost as f64 / figures.expected as f64;
    assert!(share < 0.05, "{share} of all got lost: {figures:?}");
}

#[test]
fn a_mixed_room() {
    let figures = measure(Door::Signalwire, &Scenario { is_mixed: true, joins_per_s: 2, ..small(Kind::All, 3, 0) });
    assert_eq!((figures.clients, figures.pairs), (3, 6));
    assert!(figures.mixed_pictures_per_s > Some(1.0) && figures.frames_per_s > Some(1.0), "{figures:?}");
    assert!(figures.cores_per_mix > Some(0.0) && figures.join_picture_p50_ms > Some(0.0), "{figures:?}");
}

#[test]
fn mixed_rooms_that_are_recorded() {
    for mix_file in [MixFile::Webm, MixFile::Mp4] {
        let load = Scenario { rooms: 2, is_mixed: true, recorded: true, mix_file, joins_per_s: 2, ..small(Kind::Many, 2, 0) };
        let figures = measure(Door::Signalwire, &load);
        assert_eq!((figures.rooms, figures.recorded_files), (2, 2), "{figures:?}");
        // Sound and pictures of more than the two seconds that are measured; silence is in fewer packets.
        assert!(figures.recorded_frames > 100 && figures.recorded_pictures_per_s > Some(1.0), "{figures:?}");
    }
}

#[test]
fn an_audience_of_a_mix() {
    let figures = measure(Door::Signalwire, &Scenario { is_mixed: true, ..small(Kind::Fan, 1, 2) });
    assert_eq!(figures.clients, 3);
}
