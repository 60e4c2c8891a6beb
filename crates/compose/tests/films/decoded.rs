//! Compositions judged by ffprobe and decoded by ffmpeg. Needs both: `scripts/test decode` runs these.

use std::fs;
use std::path::Path;
use std::process::Command;

use compose::{Format, Kind, Order};
use mixer::picture::VideoCodec;

use crate::world::{BLUE, GREEN, GRID, RED, Room, WHITE, film, order, packets, sound};

const CANVAS: (u16, u16) = (640, 360);

/// What a program gives, if it has nothing to complain of.
fn given(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().expect(program);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{program} {arguments:?}");
    output.stdout
}

/// What ffprobe says of a file, line by line.
fn probe(path: &str, entries: &str, stream: &str) -> Vec<String> {
    let selected = ["-select_streams", stream];
    let arguments = ["-v", "warning", "-show_entries", entries, "-of", "csv=p=0", path];
    let told = given("ffprobe", &[&selected[..], &arguments[..]].concat());
    String::from_utf8(told).expect("text").lines().map(str::to_owned).collect()
}

/// Colours of all pictures, in the middles of the four quarters, by the letter of the strongest primary colour.
fn colours(path: &str) -> Vec<String> {
    let scale = ["-v", "warning", "-i", path, "-vf", "scale=4:4:flags=area", "-fps_mode", "passthrough"];
    let pixels = given("ffmpeg", &[&scale[..], &["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]].concat());
    let letter = |rgb: &[u8]| match rgb {
        [r, g, b] if r.min(g).min(b) > &150 => 'W',
        [r, g, b] if r.max(g).max(b) < &40 => '.',
        [r, g, b] if r > g && r > b => 'R',
        [_, g, b] if g > b => 'G',
        _ => 'B',
    };
    let picture = |picture: &[u8]| [0, 3, 12, 15].map(|at| letter(&picture[at * 3..at * 3 + 3])).into_iter().collect();
    pixels.chunks_exact(48).map(picture).collect()
}

/// Samples of the left.
fn heard(path: &str) -> Vec<f32> {
    let bytes = given("ffmpeg", &["-v", "warning", "-i", path, "-f", "f32le", "-ac", "1", "-ar", "48000", "-"]);
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four"))).collect()
}

/// Two seconds: one colour each, of which the first turns white when the tone begins.
fn room() -> Room {
    let turns = |time: u64| if time < 1_000 { RED } else { WHITE };
    let beep = |time: u64| Some(if time < 900 { 0.0 } else { 0.25 });
    Room::default()
        .with(Kind::Video, "a", (0, 2_000), film(VideoCodec::Vp8, (320, 180), 2_000, turns, 0))
        .with(Kind::Video, "b", (0, 2_000), film(VideoCodec::H264, (320, 180), 2_000, |_| GREEN, 0))
        .with(Kind::Video, "c", (0, 1_500), film(VideoCodec::Vp9, (320, 180), 1_500, |_| BLUE, 0))
        .with(Kind::Audio, "a", (100, 1_900), sound(&packets(1_900, 440.0, beep)))
}

fn check(format: Format, name: &str, codec: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let (file, damaged) = room().try_compose(&Order { format, ..order(CANVAS, GRID) }).expect("a film");
    assert_eq!(damaged, 0);
    fs::write(&path, &file).expect("written");
    let path = Path::new(&path).to_str().expect("plain");

    assert_eq!(probe(path, "stream=codec_name,width,height", "v"), [format!("{codec},640,360")]);
    assert_eq!(probe(path, "stream=codec_name,sample_rate,channels", "a"), ["opus,48000,2"]);
    let duration: f64 = probe(path, "format=duration", "v")[0].parse().expect("a number");
    assert!((duration - 2.0).abs() < 0.02, "{duration}");
    let times = probe(path, "packet=pts_time", "v");
    let times: Vec<f64> = times.iter().map(|time| time.trim_end_matches(',').parse().expect("a time")).collect();
    assert_eq!(times[0], 0.0);
    assert!(times.windows(2).all(|pair| (0.039..1.001).contains(&(pair[1] - pair[0]))), "{times:?}");

    let colours = colours(path);
    assert_eq!(colours.len(), times.len());
    let at = |time: f64| colours[times.partition_point(|from| *from <= time) - 1].as_str();
    assert_eq!([at(0.0), at(0.9), at(1.2), at(1.6)], ["RGB.", "RGB.", "WGB.", "WG.."]);
    let turned = times[colours.iter().position(|colours| colours.starts_with('W')).expect("it turns")];

    let heard = heard(path);
    let sounds = heard.iter().position(|sample| sample.abs() > 0.08).expect("a tone") as f64 / 48_000.0;
    assert!((turned - 1.0).abs() < 0.03 && (sounds - 1.0).abs() < 0.005, "seen at {turned}, heard at {sounds}");
    assert!((turned - sounds).abs() < 0.04);
    assert!((heard.len() as f64 / 48_000.0 - 2.0).abs() < 0.03, "{} samples", heard.len());
}

#[test]
#[ignore = "needs ffmpeg"]
fn decoded_webm() {
    check(Format::WebM, "film.webm", "vp8");
}

#[test]
#[ignore = "needs ffmpeg"]
fn decoded_mp4() {
    check(Format::Mp4, "film.mp4", "h264");
}

#[test]
#[ignore = "needs ffmpeg"]
fn decoded_sound_alone() {
    for (format, name) in [(Format::WebM, "sound.webm"), (Format::Mp4, "sound.mp4")] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        let room = Room::default().tone("a", (0, 3_000), 440.0);
        fs::write(&path, room.try_compose(&Order { format, ..order(CANVAS, "") }).expect("a film").0).expect("written");
        let path = path.to_str().expect("plain");
        assert_eq!(probe(path, "stream=codec_name", "v"), [] as [&str; 0]);
        assert!((heard(path).len() as f64 / 48_000.0 - 3.0).abs() < 0.03);
    }
}
