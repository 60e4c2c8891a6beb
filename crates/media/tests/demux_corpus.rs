//! The corpora of the fuzz targets for what comes from the network, replayed. The seeds are made here: `UPDATE=1 cargo test` writes
//! them anew. Whatever a fuzz run adds to `fuzz/corpus` is replayed too.

#[path = "../../../fuzz/harness/media_demux.rs"]
mod media_demux;
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
