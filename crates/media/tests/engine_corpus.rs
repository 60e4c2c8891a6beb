//! The corpora of the fuzz targets for descriptions and for whole engines, replayed. The seeds are made here: `UPDATE=1 cargo test`
//! writes them anew. Whatever a fuzz run adds to `fuzz/corpus` is replayed too.

#![allow(clippy::duplicate_mod, reason = "both targets run an engine")]

#[path = "../../../fuzz/harness/media_client.rs"]
mod media_client;
#[path = "../../../fuzz/harness/media_engine.rs"]
mod media_engine;
#[path = "../../../fuzz/harness/media_sdp.rs"]
mod media_sdp;

use std::fs;
use std::path::PathBuf;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\na=ice-ufrag:abcd\r\n\
    a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:sha-256 \
    00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\r\na=setup:actpass\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:0\r\na=sendrecv\r\na=msid:- t0\r\n\
    a=rtpmap:111 opus/48000/2\r\na=ssrc:1 cname:x\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:1\r\na=sendrecv\r\na=msid:- t1\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=ssrc-group:FID 10 20\r\na=ssrc-group:SIM 10 11 12\r\n\
    a=ssrc:10 cname:x\r\na=ssrc:20 cname:x\r\na=ssrc:11 cname:x\r\na=ssrc:12 cname:x\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n";

fn replay(target: &str, seeds: &[(&str, Vec<u8>)], run: impl Fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    for (name, seed) in seeds {
        let path = folder.join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).and_then(|()| fs::write(&path, seed)).expect("written");
        }
        assert!(fs::read(&path).expect("a seed") == *seed, "{name} is not what it should be; UPDATE=1 writes it anew");
    }
    for file in fs::read_dir(folder).expect("a corpus") {
        let path = file.expect("a file").path();
        println!("{}", path.display());
        run(&fs::read(path).expect("readable"));
    }
}

#[test]
fn descriptions() {
    let without = |what: &str| OFFER.replace(what, "").into_bytes();
    let seeds = [
        ("offer", OFFER.into()),
        ("no-ufrag", without("a=ice-ufrag:abcd\r\n")),
        ("no-fingerprint", without("a=setup:actpass\r\n")),
        ("no-bundle", without("a=group:BUNDLE 0 1 2\r\n")),
        ("other-bundle", OFFER.replace("BUNDLE 0 1 2", "BUNDLE 7 8 9").into()),
        ("same-mid", OFFER.replace("a=mid:1", "a=mid:0").into()),
        ("same-source", OFFER.replace("a=ssrc:10 ", "a=ssrc:1 ").into()),
        ("port-0", OFFER.replace("m=video 9", "m=video 0").into()),
        ("no-codec", OFFER.replace("VP8", "VP7").into()),
        ("many-sections", format!("{OFFER}{}", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n".repeat(300)).into()),
        ("long-line", format!("{OFFER}a={}\r\n", "x".repeat(9_000)).into()),
    ];
    replay("media_sdp", &seeds, media_sdp::run);
}

#[test]
fn engines() {
    let step = |what: u8, whom: u8, bytes: &[u8]| {
        let [high, low] = u16::try_from(bytes.len()).expect("short").to_be_bytes();
        [&[what, whom, high, low], bytes].concat()
    };
    let offer = OFFER.as_bytes();
    let two = [
        step(0, 0, offer),
        step(3, 0, &[0, 1, 2]),
        step(0, 1, offer),
        step(3, 1, &[0, 1, 2]),
        step(4, 0, &[4, 5, 6]),
        step(4, 1, &[0, 1, 2]),
        step(6, 1, &[22, 254, 253, 0]),
        step(7, 1, &[128, 96, 0, 1]),
        step(18, 0, offer),
        step(17, 1, offer),
        step(5, 1, &[]),
        step(255, 0, &[]),
        step(255, 0, &[]),
        step(4, 0, &[]),
        step(3, 0, &[]),
    ];
    let key = [0x10, 2, 0, 0x9d, 1, 0x2a, 0, 5, 208, 2];
    let mixed = [
        step(0, 16, offer),
        step(3, 0, &[0, 1]),
        step(0, 1, offer),
        step(3, 1, &[0, 1]),
        step(5, 0, &[0, 1, 4, 5]),
        step(6, 0, &key),
        step(6, 4, &key),
        step(6, 32, &[8, 8, 8]),
        step(6, 64, &[1]),
        step(6, 81, &[1]),
        step(17, 16, offer),
        step(255, 0, &[]),
        step(5, 0, &[1]),
        step(5, 16, &[0]),
    ];
    replay("media_engine", &[("two", two.concat()), ("mixed", mixed.concat())], media_engine::run);
}

/// A source of the client's own, or of the server's after them; or the number of the next piece of data.
const fn named(number: u8) -> [u8; 4] {
    [0xff, 0xff, 0xff, number]
}

/// A packet of video: its number, its time, its source, and what is in it.
fn packet(number: u8, time: u8, source: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x80, 0x80 | 96, 0, number, 0, 0, time, 0], &named(source)[..], payload].concat()
}

/// A report, padded to whole words.
fn report(head: [u8; 2], words: &[[u8; 4]]) -> Vec<u8> {
    let length = u8::try_from(words.len()).expect("short");
    [&head[..], &[0, length], &words.concat()].concat()
}

#[test]
fn clients() {
    let step = |what: u8, bytes: &[u8]| {
        let [high, low] = u16::try_from(bytes.len()).expect("short").to_be_bytes();
        [&[what, high, low], bytes].concat()
    };
    let key = [0x90, 0x80, 0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xb4, 0];
    let delta = [0x90, 0x80, 0x11, 0x11, 2, 0, 7];
    // All layers of a picture, one of which is repaired, and sound with an extension.
    let mut media = Vec::new();
    for number in 1..20 {
        let frame = if number % 8 == 1 { &key[..] } else { &delta };
        for source in [1, 3, 5] {
            media.extend(step(0, &packet(number, number, source, frame)));
        }
        let sound =
            [&[0x90, 111, 0, number, 0, 0, number, 0], &named(0)[..], &[0xbe, 0xde, 0, 1, 0x10, 20, 0, 0, 7, 7, 7]].concat();
        media.extend(step(0x20, &sound));
    }
    media.extend(step(0, &[&[0x80, 97, 0, 1, 0, 0, 1, 0], &named(2)[..], &[0, 21], &delta].concat()));
    media.extend(step(6, &[40, 45]));
    media.extend(step(5, &[200]));
    let block = [named(6), [0, 0, 0, 5], [0, 0, 0x10, 0], [0; 4], [0; 4], [0; 4]];
    let reports = [
        step(2, &report([0x81, 201], &[&[named(0)][..], &block].concat())),
        step(2, &report([0x80, 200], &[named(1), [0xe0, 0, 0, 1], [0; 4], [0, 0, 9, 0], [0, 0, 0, 3], [0, 0, 1, 0]])),
        step(2, &report([0x81, 206], &[named(0), named(7)])),
        step(2, &report([0x81, 205], &[named(0), named(7), [0, 1, 0, 3]])),
        step(2, &report([0x84, 206], &[named(0), [0; 4], named(7), [1, 0, 0, 0]])),
        step(2, &report([0x8f, 206], &[named(0), [0; 4], *b"REMB", [1, 0x0a, 0, 1], named(7)])),
        step(2, &report([0x8f, 205], &[named(0), named(7), [0, 1, 0, 2], [0, 0, 1, 0], [0x20, 2, 4, 4]])),
        step(2, &report([0x81, 202], &[named(0), [1, 1, b'a', 0]])),
        step(2, &report([0x81, 203], &[named(1)])),
        step(5, &[100]),
    ];
    // Data, its end, an acknowledgement, a sign of life, streams that are begun again, numbers that are skipped, the end.
    let chunk = |head: [u8; 2], words: &[[u8; 4]]| {
        let length = u8::try_from(4 + 4 * words.len()).expect("short");
        step(3, &[&head[..], &[0, length], &words.concat()].concat())
    };
    let data = [
        step(12, b"hello"),
        step(4, b"{}"),
        chunk([0, 3], &[named(0xf0), [0, 1, 0, 0], [0, 0, 0, 51], *b"abcd"]),
        chunk([0, 2], &[named(0xf1), [0, 1, 0, 1], [0, 0, 0, 53], [1, 2, 3, 4]]),
        chunk([0, 3], &[named(0xf2), [0, 9, 0, 0], [0, 0, 0, 50], [3, 0, 0, 0], [0; 4], [0, 1, 0, 0], *b"a\0\0\0"]),
        chunk([3, 0], &[[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]]),
        chunk([4, 0], &[[0, 1, 0, 8], [1, 2, 3, 4]]),
        chunk([130, 0], &[[0, 13, 0, 18], [0, 0, 0, 1], [0, 0, 0, 1], named(0xf0), [0, 1, 0, 0]]),
        chunk([192, 0], &[named(0xf4), [0, 1, 0, 3]]),
        chunk([7, 0], &[[0, 0, 0, 1]]),
        step(5, &[20]),
        chunk([6, 0], &[[0, 12, 0, 4]]),
        step(7, &[22, 254, 253, 0]),
        step(5, &[100]),
    ];
    let seeds = [("media", media), ("reports", reports.concat()), ("data", data.concat())];
    replay("media_client", &seeds, media_client::run);
}

/// What a fuzz run would try, for as long as a test may take.
#[test]
fn engines_with_mixes() {
    let mut random = 3_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as u8
    };
    for _ in 0..50 {
        let script: Vec<u8> = (0..40)
            .flat_map(|_| {
                let (what, whom) = (next(), next());
                let bytes: Vec<u8> = match what % 8 {
                    0 | 1 => OFFER.into(),
                    5 | 6 => (0..next() % 9).map(|_| next()).collect(),
                    _ => vec![0, 1],
                };
                let [high, low] = u16::try_from(bytes.len()).expect("short").to_be_bytes();
                [vec![what, whom, high, low], bytes].concat()
            })
            .collect();
        media_engine::run(&script);
    }
}
