use std::sync::Arc;

use str0m::crypto::dtls::SrtpProfile;
use str0m::net::Protocol;
use str0m::rtp::{Extension, ExtensionMap, ExtensionValues};

use super::*;
use crate::codec::{Picture, Vp8};
use crate::limit::{EARLY_MEDIA_BYTES_MAX, REPAIR_FLOOR_BYTES, REPAIR_TIME};
use crate::settings::cryptography;

const SSRC: u32 = 0x0102_0304;
const RTX: u32 = 0x0506_0708;

fn map() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(3, Extension::TransportSequenceNumber);
    map.set(4, Extension::RtpMid);
    map.set(5, Extension::VideoOrientation);
    map
}

fn place(extensions: &ExtensionMap) -> Place<'_> {
    Place {
        ssrc: SSRC,
        repair: Some((RTX, 97)),
        mid: Mid::from("a12"),
        name: "ann",
        clock_hz: 90_000,
        video: true,
        reported: true,
        extensions,
    }
}

fn keys(client: bool) -> Keys {
    Keys { profile: SrtpProfile::AEAD_AES_256_GCM, material: vec![5; 88], client }
}

fn way(port: u16) -> Option<Path> {
    Some((Protocol::Udp, ([192, 0, 2, 1], 8_444).into(), ([192, 0, 2, 2], port).into()))
}

fn unopened(now: Instant) -> Sender {
    let mut sender = Sender::new(now, (now, Duration::from_secs(10)), 7);
    sender.set_way(now, way(5));
    sender.place(now, [place(&map())].into_iter(), [(96, 97)].into_iter());
    sender
}

/// One that sends to a client, whose end the other is.
fn sender(now: Instant) -> (Sender, Srtp) {
    let mut sender = unopened(now);
    sender.open(&cryptography(), &keys(true));
    sender.write_early(now, &mut |_| ());
    (sender, Srtp::new(&cryptography(), &keys(false)).unwrap())
}

fn packet(now: Instant, seq: u64, keyframe: bool, payload: &Arc<[u8]>) -> Packet<'_> {
    let (extras, counters) = (Extras::default(), None);
    let time = seq as u32 + 7;
    Packet { payload_type: 96, marker: true, seq, time, shown: now, extras, counters, payload, repairable: true, keyframe }
}

fn write_as(sender: &mut Sender, now: Instant, seq: u64, keyframe: bool) -> bool {
    sender.write(now, SSRC, &packet(now, seq, keyframe, &vec![9; 1_000].into()))
}

fn write(sender: &mut Sender, now: Instant, seq: u64) -> bool {
    write_as(sender, now, seq, false)
}

/// Sources and numbers of what leaves, without reports.
fn leaves(sender: &mut Sender) -> Vec<(u32, u16)> {
    let word = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let media = sent(sender).into_iter().filter(|sent| !(200..=207).contains(&sent[1]));
    media.map(|sent| (word(&sent[8..12]), word(&sent[0..4]) as u16)).collect()
}

/// All that leaves.
fn sent(sender: &mut Sender) -> Vec<Vec<u8>> {
    let all = sender.batch().iter().flat_map(Batch::datagrams).map(<[u8]>::to_vec).collect();
    sender.clear();
    all
}

/// What the client says, in one packet of RTCP.
fn say(client: &mut Srtp, kind: [u8; 2], words: &[u32]) -> Vec<u8> {
    let body = words.iter().flat_map(|word| word.to_be_bytes());
    let mut report: Vec<u8> = [0x80 | kind[0], kind[1], 0, words.len() as u8].into_iter().chain(body).collect();
    assert!(client.seal_report(&mut report, 0));
    report
}

fn hear(sender: &mut Sender, now: Instant, report: &[u8]) -> (bool, Vec<Heard>) {
    let mut all = Vec::new();
    let fresh = sender.handle_report(now, report, &mut |heard| all.push(heard));
    (fresh, all)
}

fn missing(client: &mut Srtp, first: u16, more: u16) -> Vec<u8> {
    say(client, [1, 205], &[1, SSRC, u32::from(first) << 16 | u32::from(more)])
}

fn header(extensions: &ExtensionMap, extras: Extras, named: bool) -> Vec<u8> {
    header_of(&place(extensions), extras, named)
}

fn header_of(place: &Place<'_>, extras: Extras, named: bool) -> Vec<u8> {
    let line = Line::new(place, 0);
    let (number, abs) = (0x0708, 0x0001_0203);
    let (seq, time) = (5, 0x0a0b_0c0d);
    let head = Head { ssrc: SSRC, payload_type: 111, marker: true, padded: false, seq, time, extras, number, abs, named };
    let mut header = vec![7; 5];
    line.write_header(&head, &mut header);
    header.split_off(5)
}

#[test]
fn a_header_has_what_was_agreed_on_and_what_is_known() {
    const PLAIN: [u8; 11] = [0x80 | 111, 0, 5, 10, 11, 12, 13, 1, 2, 3, 4];
    let values = ExtensionValues { audio_level: Some(-30), voice_activity: Some(true), ..ExtensionValues::default() };
    let check = |map: &ExtensionMap, extras: Extras, named: bool, extensions: &[u8]| {
        let first = if extensions.is_empty() { 0x80 } else { 0x90 };
        assert_eq!(header(map, extras, named), [&[first][..], &PLAIN, extensions].concat());
    };
    check(&ExtensionMap::empty(), Extras::of(&values), true, &[]);
    let mut own = ExtensionMap::empty();
    own.set(4, Extension::RtpMid);
    check(&own, Extras::default(), true, &[0xbe, 0xde, 0, 1, 0x42, b'a', b'1', b'2']);
    check(&own, Extras::default(), false, &[]);
    own.set(1, Extension::AudioLevel);
    check(&own, Extras::of(&values), true, &[0xbe, 0xde, 0, 2, 0x10, 0x80 | 30, 0x42, b'a', b'1', b'2', 0, 0]);
    own.set(3, Extension::TransportSequenceNumber);
    own.set(2, Extension::AbsoluteSendTime);
    check(&own, Extras::default(), false, &[0xbe, 0xde, 0, 2, 0x31, 7, 8, 0x22, 1, 2, 3, 0]);
    let unreported = header_of(&Place { reported: false, ..place(&own) }, Extras::default(), false);
    assert_eq!(unreported[12..], [0xbe, 0xde, 0, 1, 0x22, 1, 2, 3], "no number that nobody reports");
    let mut turned = ExtensionMap::empty();
    turned.set(5, Extension::VideoOrientation);
    turned.set(6, Extension::PlayoutDelay);
    let [min, max] = [1, 0x203].map(str0m::media::MediaTime::from_hundredths);
    let values = ExtensionValues {
        video_orientation: Some(str0m::rtp::VideoOrientation::Deg180),
        play_delay_min: Some(min),
        play_delay_max: Some(max),
        ..ExtensionValues::default()
    };
    check(&turned, Extras::of(&values), true, &[0xbe, 0xde, 0, 2, 0x50, 2, 0x62, 0, 0x12, 3, 0, 0]);
}

#[test]
fn a_report_says_which_moment_is_which_and_whose_it_is_and_how_long_the_way_is() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    let asked = say(&mut client, [0, 207], &[77, 0x0400_0002, 0x0000_1122, 0x3344_0000]);
    assert_eq!(hear(&mut sender, now, &asked), (true, vec![]));
    assert!(write(&mut sender, now + Duration::from_millis(500), 0));
    let sent = sent(&mut sender);
    assert_eq!(sent.len(), 2);
    let mut report = Vec::new();
    let (source, index) = client.open_report(&sent[1], &mut report).unwrap();
    assert!(source != SSRC && source != RTX && index >= 0x4000_0000, "its numbers are its own");
    let words: Vec<u32> = report.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
    assert_eq!(words[0..2], [0x80c9_0001, source]);
    assert_eq!(words[2..9], [0x80c8_0006, SSRC, (2_208_988_800_u64 + 10) as u32, 0x8000_0000, 7, 1, 1_000]);
    assert_eq!(words[9..11], [0x81ca_0003, SSRC]);
    assert_eq!(report[44..52], [1, 3, b'a', b'n', b'n', 0, 0, 0]);
    assert_eq!(words[13..], [0x80cf_0005, source, 0x0500_0003, 77, 0x1122_3344, 32_768]);
}

#[test]
fn nothing_is_sent_without_keys_or_to_nowhere_or_of_no_track() {
    let now = Instant::now();
    let mut early = unopened(now);
    assert!(!write_as(&mut early, now, 0, true) && !write(&mut early, now, 1));
    assert_eq!((early.write_early(now, &mut |_| ()), leaves(&mut early)), (0, vec![]));
    early.open(&cryptography(), &keys(true));
    assert_eq!(early.write_early(now, &mut |_| ()), 2, "what waited");
    assert_eq!(leaves(&mut early), [(SSRC, 0), (SSRC, 1)]);
    assert_eq!(early.write_early(now, &mut |_| ()), 0);
    assert!(!write(&mut early, now, 1) && write(&mut early, now, 5_000));
    early.set_way(now, None);
    assert!(!write(&mut early, now, 5_001));
    early.set_way(now, way(6));
    assert!(write(&mut early, now, 5_002));
    early.place(now, std::iter::empty(), std::iter::empty());
    assert!(!write(&mut early, now, 5_003));
}

/// What leaves of pictures that came before there were keys, at these milliseconds, and whether a key frame is wished for.
fn check_early(came: &[(u64, bool)], opened_ms: u64, left: &[u16], wished: bool) {
    let now = Instant::now();
    let at = |ms: u64| now + Duration::from_millis(ms);
    let mut early = unopened(now);
    for (seq, (ms, keyframe)) in (0..).zip(came) {
        assert!(!write_as(&mut early, at(*ms), seq, *keyframe));
    }
    early.open(&cryptography(), &keys(true));
    let mut heard = Vec::new();
    let sent = early.write_early(at(opened_ms), &mut |one| heard.push(one));
    let expected: Vec<_> = left.iter().map(|seq| (SSRC, *seq)).collect();
    assert_eq!((sent, leaves(&mut early)), (left.len() as u64, expected), "{came:?}");
    assert_eq!(heard, vec![Heard::Keyframe(Mid::from("a12")); usize::from(wished)], "{came:?}");
}

#[test]
fn the_newest_picture_to_begin_with_waits_for_keys_with_what_follows() {
    check_early(&[], 5_000, &[], false);
    check_early(&[(0, true), (33, false)], 100, &[0, 1], false);
    check_early(&[(0, true), (33, false), (900, true), (933, false)], 1_500, &[2, 3], false);
    check_early(&[(0, true), (33, false)], 1_100, &[], true);
    check_early(&[(0, true), (1_100, false), (1_133, false)], 1_134, &[], true);
    check_early(&[(0, true), (1_100, false), (1_133, true)], 1_134, &[2], false);
    check_early(&[(0, false), (33, false)], 34, &[], true);
}

#[test]
fn what_was_long_under_way_has_not_waited_for_keys() {
    let now = Instant::now() + Duration::from_secs(1);
    let mut early = unopened(now);
    for seq in 0..2 {
        let made = now - Duration::from_millis(700);
        assert!(!early.write(now, SSRC, &Packet { shown: made, ..packet(now, seq, seq == 0, &vec![9; 1_000].into()) }));
    }
    early.open(&cryptography(), &keys(true));
    assert_eq!(early.write_early(now + Duration::from_millis(400), &mut |_| panic!("it is all there")), 2);
}

#[test]
fn what_would_fill_the_way_at_once_does_not_wait() {
    let most = EARLY_MEDIA_BYTES_MAX as u64 / 1_000;
    let all: Vec<_> = (0..most).map(|seq| (0, seq == 0)).collect();
    let numbers: Vec<u16> = (0..most as u16).collect();
    check_early(&all, 1, &numbers, false);
    check_early(&[&all[..], &[(0, false)]].concat(), 1, &[], true);
    check_early(&[&all[..], &[(0, false), (1, true)]].concat(), 1, &[most as u16 + 1], false);
}

#[test]
fn of_sound_the_last_moment_waits_for_keys() {
    let now = Instant::now();
    let mut early = unopened(now);
    for seq in 0..10 {
        let at = now + Duration::from_millis(20 * seq);
        assert!(!early.write(at, SSRC, &Packet { repairable: false, ..packet(at, seq, true, &[9; 50].into()) }));
    }
    early.open(&cryptography(), &keys(true));
    assert_eq!(early.write_early(now + Duration::from_millis(1_150), &mut |_| panic!("sound needs no key frame")), 2);
    assert_eq!(leaves(&mut early), [(SSRC, 8), (SSRC, 9)], "and not what is too old");
}

/// No two packets with the same source, number and key (RFC 3711, section 9.1), whatever happens in between.
#[test]
fn no_number_is_encrypted_twice() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    let mut sent = Vec::new();
    for (round, seq) in (0..600_u64).chain(0..600).chain(300..900).enumerate() {
        let at = now + Duration::from_millis(round as u64);
        let fresh = write(&mut sender, at, seq);
        assert_eq!(fresh, !(600..1_500).contains(&round), "{round}");
        if round % 50 == 0 {
            // Negotiated anew, as often as the client likes, and asked for again.
            sender.place(at, [place(&map())].into_iter(), [(96, 97)].into_iter());
            sender.set_way(at, way(round as u16 + 1));
            let asked = missing(&mut client, seq as u16, 0);
            assert!(hear(&mut sender, at, &asked).0);
        }
        sent.extend(leaves(&mut sender));
    }
    let repairs = sent.iter().filter(|(ssrc, _)| *ssrc == RTX).count();
    assert!(repairs > 20, "{repairs}");
    let all = sent.len();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), all);
}

#[test]
fn what_is_missing_is_sent_again_once_for_each_report() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    (0..20).for_each(|seq| assert!(write(&mut sender, now, seq)));
    leaves(&mut sender);
    let asked = missing(&mut client, 3, 0b101);
    let later = now + Duration::from_millis(50);
    assert_eq!(hear(&mut sender, later, &asked), (true, vec![]));
    let again = leaves(&mut sender);
    assert_eq!(again.iter().map(|(ssrc, _)| *ssrc).collect::<Vec<_>>(), [RTX; 3], "3, 4 and 6");
    // The same once more, by somebody who heard it on the way.
    let later = later + Duration::from_millis(50);
    assert_eq!((hear(&mut sender, later, &asked), leaves(&mut sender)), ((false, vec![]), vec![]));
    // And what is not the client's.
    let mut bent = missing(&mut client, 3, 0);
    bent[20] ^= 1;
    assert_eq!((hear(&mut sender, later, &bent), leaves(&mut sender)), ((false, vec![]), vec![]));
    let old = missing(&mut client, 3, 0);
    assert_eq!((hear(&mut sender, now + REPAIR_TIME, &old).0, leaves(&mut sender)), (true, vec![]));
}

#[test]
fn who_asks_for_everything_gets_no_more_than_its_share() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    (0..200).for_each(|seq| assert!(write(&mut sender, now, seq)));
    leaves(&mut sender);
    let (mut repeated, mut refused) = (0, 0);
    for round in 0..100_u64 {
        let at = now + Duration::from_millis(10 * round % 400);
        let asked = missing(&mut client, (round * 17 % 190) as u16, 0xffff);
        refused += hear(&mut sender, at, &asked).1.len();
        repeated += leaves(&mut sender).len() * 1_000;
    }
    // Of 200 kB two thirds, and the least.
    let most = 200 * 1_000 * 2 / 3 + REPAIR_FLOOR_BYTES as usize;
    assert!((most / 2..=most).contains(&repeated), "{repeated} of {most}");
    assert_eq!(refused, 1, "what was kept is forgotten then");
}

#[test]
fn wishes_for_key_frames_name_the_section() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    let wish = |client: &mut Srtp, kind: u8, words: &[u32]| say(client, [kind, 206], words);
    let picture_lost = wish(&mut client, 1, &[1, SSRC]);
    assert_eq!(hear(&mut sender, now, &picture_lost), (true, vec![Heard::Keyframe(Mid::from("a12"))]));
    let full_intra = wish(&mut client, 4, &[1, 0, SSRC, 0]);
    assert_eq!(hear(&mut sender, now, &full_intra), (true, vec![Heard::Keyframe(Mid::from("a12"))]));
    let of_another = wish(&mut client, 1, &[1, SSRC + 1]);
    assert_eq!(hear(&mut sender, now, &of_another), (true, vec![]));
    let stats: Vec<_> = sender.stats(now).map(|stats| stats.plis).collect();
    assert_eq!(stats, [2]);
}

/// The way is filled up with repairs, until as much was sent as was asked for; without pictures, never.
#[test]
fn a_probe_is_sent_as_fast_as_it_should_be_and_ends() {
    let now = Instant::now();
    let (mut sender, _) = sender(now);
    assert!(write(&mut sender, now, 0));
    leaves(&mut sender);
    sender.set_wanted(now, 100_000, 20_000_000);
    let (mut at, mut sent) = (now, Vec::new());
    while at < now + Duration::from_millis(900) {
        at += Duration::from_millis(1);
        sender.handle_timeout(at);
        sent.extend(leaves(&mut sender).into_iter().map(|packet| (at, packet)));
    }
    assert!(sent.iter().all(|(_, (ssrc, _))| *ssrc == RTX));
    let took = sent.last().unwrap().0 - sent[0].0;
    let bytes = sent.len() as u64 * 1_040;
    let rate = bytes * 8_000 / took.as_millis() as u64;
    assert!((12_000_000..=28_000_000).contains(&rate), "{rate} bit/s for {took:?}, {} packets", sent.len());
    assert!(took < Duration::from_millis(70), "{took:?}");
}

#[test]
fn each_source_of_reports_has_numbers_of_its_own_and_only_so_many_are_remembered() {
    let now = Instant::now();
    let (mut sender, _) = sender(now);
    assert!(sender.is_fresh(now, 1, 5) && sender.is_fresh(now, 2, 5) && !sender.is_fresh(now, 1, 5));
    for ssrc in 10..10 + 2 * REPORTERS_MAX as u32 {
        assert!(sender.is_fresh(now + Duration::from_millis(ssrc.into()), ssrc, 5));
    }
    assert_eq!(sender.reporters.len(), REPORTERS_MAX);
}

/// Whoever gets a track back gets it under another source: nobody knows which numbers of the former were used.
#[test]
fn a_source_that_was_given_up_is_never_used_again() {
    let now = Instant::now();
    let (mut sender, _) = sender(now);
    assert!(write(&mut sender, now, 5));
    sender.place(now, std::iter::empty(), std::iter::empty());
    sender.place(now, [place(&map())].into_iter(), [(96, 97)].into_iter());
    assert!(!write(&mut sender, now, 6));
    let map = map();
    let as_repair = Place { ssrc: 9, repair: Some((SSRC, 97)), ..place(&map) };
    let fresh = Place { ssrc: 10, repair: Some((11, 97)), ..place(&map) };
    sender.place(now, [as_repair, fresh].into_iter(), [(96, 97)].into_iter());
    assert_eq!(sender.sources, [10]);
}

/// Firefox with the vendor's SDK. What is sent again is encrypted anew, and must be byte for byte what left.
#[test]
fn who_has_no_source_for_repairs_is_sent_the_same_packet_once_more() {
    let profiles =
        [(SrtpProfile::AEAD_AES_256_GCM, 88), (SrtpProfile::AEAD_AES_128_GCM, 56), (SrtpProfile::AES128_CM_SHA1_80, 60)];
    for (profile, size) in profiles {
        let now = Instant::now();
        let keys = |client: bool| Keys { profile, material: (0..size).collect(), client };
        let mut client = Srtp::new(&cryptography(), &keys(false)).unwrap();
        let map = map();
        let mut sender = Sender::new(now, (now, Duration::ZERO), 7);
        sender.open(&cryptography(), &keys(true));
        sender.set_way(now, way(5));
        sender.write_early(now, &mut |_| {});
        sender.place(now, [Place { repair: None, ..place(&map) }].into_iter(), std::iter::empty());
        let mut left = Vec::new();
        for seq in 1..=40_u16 {
            // Beginnings of VP8 with the counters that are rewritten, at all lengths.
            let payload: Arc<[u8]> = [&[0x90, 0xe0, 0x80, 1, 2, 3][..], &vec![seq as u8; 25 * usize::from(seq)]].concat().into();
            let at = now + Duration::from_millis(seq.into());
            let counters = Some(Vp8 { picture: Some(Picture { id: 0x100 + seq, bits: 15 }), tl0: Some(seq as u8) });
            let extras = Extras { orientation: (seq % 3 == 0).then_some(1), ..Extras::default() };
            assert!(sender.write(at, SSRC, &Packet { counters, extras, ..packet(at, seq.into(), false, &payload) }));
            left.push(sent(&mut sender).remove(0));
        }
        let later = now + Duration::from_millis(90);
        assert_eq!(hear(&mut sender, later, &missing(&mut client, 3, 0b101)), (true, vec![]));
        assert_eq!(sent(&mut sender), [&*left[2], &*left[3], &*left[5]], "{profile:?}");
        assert!(hear(&mut sender, later, &missing(&mut client, 3, 0)).0 && sent(&mut sender).is_empty(), "just sent again");
        assert!(hear(&mut sender, later, &missing(&mut client, 8, !0)).0);
        assert_eq!(sent(&mut sender), left[7..24], "{profile:?}");
        let stale = later + REPAIR_TIME;
        assert!(hear(&mut sender, stale, &missing(&mut client, 9, 0)).0 && sent(&mut sender).is_empty(), "too old");
        assert!(write(&mut sender, stale, 41) && sent(&mut sender).iter().any(|sent| sent[2..4] == [0, 41]));
    }
}

/// With another payload or header under the same number it would give away the key of the signature.
#[test]
fn what_is_not_the_same_as_it_left_goes_nowhere() {
    let now = Instant::now();
    let map = map();
    let check = |change: &dyn Fn(&mut Line, &mut Entry), expected: usize| {
        let (mut sender, _) = sender(now);
        sender.lines.clear();
        sender.place(now, [Place { repair: None, ..place(&map) }].into_iter(), std::iter::empty());
        assert!(write(&mut sender, now, 5));
        sender.clear();
        let line = &mut sender.lines[0];
        let mut entry = line.kept.ask(0, 5).unwrap();
        change(line, &mut entry);
        sender.resend(now, 0, &entry);
        assert_eq!((sent(&mut sender).len(), sender.wire.bytes.len()), (expected, 0));
    };
    check(&|_, _| (), 1);
    check(&|_, entry| entry.payload = vec![8; 1_000].into(), 0);
    check(&|_, entry| entry.counters = Some(Vp8 { picture: None, tl0: Some(1) }), 0);
    check(&|line, _| line.kept.keep_left(5, Left::new(None, &[0x80; 12], &[0; 16]).unwrap()), 0);
    check(&|line, _| line.kept.keep_left(5, Left::new(None, &[0x80; 12], &[]).unwrap()), 0);
    check(&|line, _| line.ssrc ^= 1, 0);
}

#[test]
fn repairs_agreed_on_later_are_made() {
    let now = Instant::now();
    let (_, mut client) = sender(now);
    let map = map();
    let place = |repair| Place { repair, ..place(&map) };
    let mut sender = Sender::new(now, (now, Duration::ZERO), 7);
    sender.open(&cryptography(), &keys(true));
    sender.set_way(now, way(5));
    sender.write_early(now, &mut |_| {});
    sender.place(now, [place(None)].into_iter(), std::iter::empty());
    assert!(write(&mut sender, now, 1));
    sender.place(now, [place(Some((RTX, 97)))].into_iter(), [(96, 97)].into_iter());
    assert!(write(&mut sender, now, 2));
    leaves(&mut sender);
    let both = missing(&mut client, 1, 1);
    assert_eq!((hear(&mut sender, now, &both).0, leaves(&mut sender).len()), (true, 1), "what was sent since");
}

/// The receiver of a source counts from its first number, in 16 bits.
#[test]
fn the_first_number_is_small_however_many_packets_passed_before_it() {
    for first in [0, 70_000, 40_000 << 16] {
        let mut line = Line::new(&place(&map()), 0);
        let number = line.take_number(first).expect("a number");
        assert!(number < 1 << 15, "{number}");
        assert_eq!((line.take_number(first + 1), line.take_number(first + 1)), (Some(number + 1), None));
    }
}

/// A receiver that misses more than half of all numbers takes the next for one of before (RFC 3711, section 3.3.1).
#[test]
fn numbers_go_on_where_very_many_packets_were_not_sent() {
    let now = Instant::now();
    let (mut sender, _) = sender(now);
    let seqs = [10, 11, 3_011, 103_011, 103_012, 103_010, 40_000, 103_013];
    let wrote = seqs.map(|seq| write(&mut sender, now, seq));
    assert_eq!(wrote, [true, true, true, true, true, true, false, true]);
    let numbers: Vec<u16> = leaves(&mut sender).into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [10, 11, 3_011, 5_060, 5_061, 5_059, 5_062]);
}

#[test]
fn everybody_who_asks_hears_how_long_the_way_is_and_reports_go_together() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    let ssrcs: Vec<u32> = (0..40).map(|n| 100 + n).collect();
    let map = map();
    let places = ssrcs.iter().map(|ssrc| Place { ssrc: *ssrc, repair: None, ..place(&map) });
    sender.place(now, places, std::iter::empty());
    let payload: Arc<[u8]> = vec![9; 100].into();
    let mut reports = Vec::new();
    for ms in (0..12_000).step_by(20) {
        let at = now + Duration::from_millis(ms);
        for asker in 1..=6 {
            let asked = say(&mut client, [0, 207], &[asker, 0x0400_0002, 1, 2]);
            assert!(ms != 9_000 || hear(&mut sender, at, &asked).0);
        }
        for ssrc in &ssrcs {
            assert!(sender.write(at, *ssrc, &packet(at, ms / 20, false, &payload)));
        }
        let sent = sent(&mut sender);
        reports.extend(sent.into_iter().filter(|sent| (200..=207).contains(&sent[1])).map(|sent| (ms, sent)));
    }
    let of = |from: u64, to: u64| reports.iter().filter(move |(ms, _)| (from..to).contains(ms));
    assert_eq!(of(0, 20).count(), 40, "each at once");
    let later: Vec<usize> = of(3_000, 6_000).map(|(_, report)| report.len()).collect();
    assert!((2..=4).contains(&later.len()) && later.iter().all(|size| *size < 1_100), "{later:?}");
    let mut told = 0;
    for (_, report) in of(9_000, 12_000) {
        let mut open = Vec::new();
        client.open_report(report, &mut open).unwrap();
        let words: Vec<u32> = open.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        if let Some(answer) = words.iter().position(|word| word >> 16 == 0x80cf) {
            assert_eq!(words[answer] & 0xffff, 14, "four");
            assert_eq!(words[answer + 2], 0x0500_000c);
            told += words[answer + 3..].chunks(3).filter(|block| (1..=4).contains(&block[0])).count();
        }
    }
    assert_eq!(told, 4);
}

#[test]
fn who_reports_no_arrivals_is_sent_less_when_much_is_lost() {
    let now = Instant::now();
    let at = |ms: u64| now + Duration::from_millis(ms);
    let (mut sender, mut client) = sender(now);
    let map = map();
    let unreported = Place { reported: false, ..place(&map) };
    sender.place(now, [unreported].into_iter(), [(96, 97)].into_iter());
    assert_eq!((sender.poll_estimate(), sender.rtt(now)), (Some(FIRST_ESTIMATE), None));
    sender.set_wanted(now, 100_000, 20_000_000);
    assert!(write(&mut sender, now, 0));
    // Our report is of 1900 and 10 s more than the time until 1970.
    let heard = ((2_208_988_800_u64 + 10) as u32) << 16;
    for second in 1..=3_u64 {
        let words = [1, SSRC, 64 << 24, 0, 0, heard, (second as u32) << 16];
        let report = say(&mut client, [1, 201], &words);
        assert!(hear(&mut sender, at(1_000 * second + 250), &report).0);
        sender.handle_timeout(at(1_000 * second + 250));
    }
    assert_eq!(sender.poll_estimate(), Some(3_070_625));
    assert_eq!((sender.rtt(at(3_250)), sender.loss(at(3_250))), (Some(Duration::from_millis(250)), Some(0.25)));
    assert_eq!(leaves(&mut sender), [(SSRC, 0)], "nobody would tell what became of a probe");
    // As soon as arrivals are reported of some track, they count.
    sender.place(now, [place(&map)].into_iter(), [(96, 97)].into_iter());
    assert_eq!((sender.rtt(at(3_250)), sender.loss(at(3_250))), (None, None));
}

#[test]
fn goodbye_is_said_of_all_sources() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    let map = map();
    let places = (1..=40).map(|ssrc| Place { ssrc, repair: None, ..place(&map) });
    sender.place(now, places, std::iter::empty());
    sender.close();
    let mut said = Vec::new();
    for sent in sent(&mut sender) {
        let mut report = Vec::new();
        client.open_report(&sent, &mut report).unwrap();
        let words: Vec<u32> = report.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        assert_eq!((words[0], words[2]), (0x80c9_0001, 0x80cb_0000 | (words.len() as u32 - 3) << 24 | (words.len() as u32 - 3)));
        said.extend_from_slice(&words[3..]);
    }
    assert_eq!(said, (1..=40).collect::<Vec<_>>());
    let mut early = unopened(now);
    early.close();
    assert_eq!(sent(&mut early).len(), 0);
}

#[test]
fn what_is_given_late_does_not_move_the_clock_of_a_track() {
    let now = Instant::now();
    let (mut sender, mut client) = sender(now);
    let at = |ms: u64| now + Duration::from_millis(ms);
    // RTP timestamps of this test are its numbers.
    for (ms, seq) in [(0, 1_000), (500, 1_500), (2_900, 1_100), (3_000, 1_200)] {
        assert!(write(&mut sender, at(ms), seq));
    }
    let reports = sent(&mut sender).into_iter().filter(|sent| (200..=207).contains(&sent[1]));
    let times: Vec<u32> = reports
        .map(|sent| {
            let mut report = Vec::new();
            client.open_report(&sent, &mut report).unwrap();
            u32::from_be_bytes(report[24..28].try_into().unwrap())
        })
        .collect();
    assert_eq!(times, [1_007, 1_507 + 90_000 * 5 / 2]);
}

#[test]
fn sources_that_are_gone_are_not_used_again_and_only_the_latest_are_listed() {
    let now = Instant::now();
    let (mut sender, _) = sender(now);
    let mut put = |ssrc: u32| {
        let map = map();
        let place = Place { ssrc, repair: Some((ssrc + 1, 97)), ..place(&map) };
        sender.place(now, [place].into_iter(), [(96, 97)].into_iter());
        (sender.lines.iter().any(|line| line.ssrc == ssrc), sender.spent.len())
    };
    for n in 1..2_000 {
        let (placed, listed) = put(n * 1_000);
        assert!(placed && listed <= SPENT_MAX, "{n}: {listed}");
    }
    assert_eq!(put(1_998_000), (false, SPENT_MAX));
    assert!(put(3_000_000).0);
}
