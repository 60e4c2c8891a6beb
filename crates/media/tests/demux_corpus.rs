//! The corpora of the fuzz targets for what comes from the network, replayed. The seeds are made here: `UPDATE=1 cargo test` writes
//! them anew. Whatever a fuzz run adds to `fuzz/corpus` is replayed too.

#[path = "../../../fuzz/harness/media_demux.rs"]
mod media_demux;
#[path = "../../../fuzz/harness/media_reports.rs"]
mod media_reports;
#[path = "../../../fuzz/harness/media_tcp_frames.rs"]
mod media_tcp_frames;
#[path = "support/stun.rs"]
mod stun;

use std::fs;
use std::path::PathBuf;

use stun::{CHECK, REPLY, REPLY_V6, check, plain_request};

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

/// Replays all that is there, the seeds being as they should.
fn replay(target: &str, seeds: &[(&str, Vec<u8>)], run: impl Fn(&[u8])) {
    for (name, seed) in seeds {
        let path = folder(target).join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(folder(target)).and_then(|()| fs::write(&path, seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == *seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder(target)).expect("a corpus") {
        let path = file.expect("a file").path();
        println!("{}", path.display());
        run(&fs::read(path).expect("readable"));
    }
}

/// One step of a script for the demultiplexer.
fn step(what: u8, from: u8, bytes: &[u8]) -> Vec<u8> {
    [&[what, from, u8::try_from(bytes.len()).expect("short")], bytes].concat()
}

#[test]
fn demux() {
    let life = [
        step(0, 5, b"evtj"),
        step(4, 0, CHECK),
        step(1, 0, &[]),
        step(4, 0, &[22, 254, 253, 0]),
        step(4, 0, REPLY),
        step(4, 2, CHECK),
        step(3, 0, &[]),
        step(4, 0, &[128, 96, 0, 1]),
        step(11, 0, &[]),
        step(4, 0, CHECK),
    ];
    let plain: Vec<Vec<u8>> = (0..40).map(|n| step(4, n, &plain_request())).collect();
    let messages = [step(4, 1, REPLY_V6), step(4, 3, &check("a:b")), step(4, 3, b"GET / HTTP/1.1\r\n\r\n")];
    let seeds = [("life", life.concat()), ("plain", plain.concat()), ("messages", messages.concat())];
    replay("media_demux", &seeds, media_demux::run);
}

#[test]
fn tcp_frames() {
    let frame = |bytes: &[u8]| [&u16::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    let checks = [vec![3], frame(CHECK), frame(&[]), frame(&check("a:b"))].concat();
    let seeds = [("checks", checks), ("http", b"\x05GET / HTTP/1.1\r\n\r\n".to_vec()), ("long", vec![2, 0, 1, 9, 0xff, 0xff, 9])];
    replay("media_tcp_frames", &seeds, media_tcp_frames::run);
}

/// A packet of RTCP.
fn packet(count: u8, kind: u8, words: &[u32]) -> Vec<u8> {
    let body = words.iter().flat_map(|word| word.to_be_bytes());
    [0x80 | count, kind, 0, u8::try_from(words.len()).expect("short")].into_iter().chain(body).collect()
}

#[test]
fn reports() {
    let block = [7, 0x4000_0005, 70_000, 9, 0, 0];
    let sender = [&[1, 2, 3, 4, 5, 6][..], &block].concat();
    let usual = [
        packet(1, 200, &sender),
        packet(1, 201, &[&[1][..], &block].concat()),
        packet(1, 202, &[1, 0x0103_616e, 0x6e00_0000]),
        packet(15, 205, &[1, 7, 0x0001_0002, 0x0000_0100, 0x2002_0404]),
    ];
    let wishes = [
        packet(1, 205, &[1, 7, 0xfffe_8003, 0x0005_ffff]),
        packet(1, 206, &[1, 7]),
        packet(4, 206, &[1, 0, 10, 0, 11, 0]),
        packet(15, 206, &[1, 0, 0x5245_4d42, 0x0100_0000, 7]),
        packet(0, 207, &[1, 0x0700_0001, 0, 0x0400_0002, 0xaaaa_1122, 0x3344_bbbb]),
    ];
    let greedy = [packet(31, 201, &[1, 2, 3]), packet(1, 205, &[1]), vec![0x80, 207, 0xff, 0xff, 0, 0]];
    let many = packet(1, 205, &[&[1, 7][..], &[0x0000_ffff; 200]].concat());
    let seeds = [("usual", usual.concat()), ("wishes", wishes.concat()), ("greedy", greedy.concat()), ("many", many)];
    replay("media_reports", &seeds, media_reports::run);
}
