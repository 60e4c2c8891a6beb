//! The corpora of the fuzz targets for descriptions and for whole engines, replayed. The seeds are made here: `UPDATE=1 cargo test`
//! writes them anew. Whatever a fuzz run adds to `fuzz/corpus` is replayed too.

#![allow(clippy::duplicate_mod, reason = "both targets run an engine")]

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
