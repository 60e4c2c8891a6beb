//! Files of real sound and pictures, judged by ffprobe and decoded by ffmpeg. Needs both: `scripts/test decode` runs these.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use container::matroska::Writer;
use container::mp4::Growing;
use container::{Block, Codec, Repair, Shape, Track, h264};
use support::{BEGAN, apply, drain, read};

/// What a program says on its two outputs.
fn said(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(program).args(arguments).output().expect(program);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}

fn make(path: &Path, arguments: &str) {
    let (_, problems) =
        said("ffmpeg", &[arguments.split(' ').collect::<Vec<_>>(), vec!["-y", path.to_str().expect("plain")]].concat());
    assert!(path.exists(), "{problems}");
}

/// A number that ffprobe tells.
fn probe(path: &Path, entry: &str) -> String {
    let path = path.to_str().expect("plain");
    let arguments = ["-v", "warning", "-count_packets", "-show_entries", entry, "-of", "default=nw=1:nk=1", path];
    let (told, problems) = said("ffprobe", &arguments);
    assert_eq!(problems, "", "{path}");
    told.trim().to_owned()
}

/// Checksums of all that is decoded.
fn decoded(path: &Path) -> Vec<String> {
    let path = path.to_str().expect("plain");
    let (sums, problems) = said("ffmpeg", &["-v", "warning", "-noautorotate", "-i", path, "-f", "framemd5", "-"]);
    assert_eq!(problems, "", "{path}");
    let sum = |line: &str| line.rsplit(',').next().map(|sum| sum.trim().to_owned());
    sums.lines().filter(|line| !line.starts_with('#')).filter_map(sum).collect()
}

fn write(path: &Path, tracks: &[Track], blocks: &[Block], finish: bool) {
    let (mut writer, mut file) = (Writer::new(tracks, BEGAN), Vec::new());
    blocks.iter().for_each(|block| writer.push(block.clone()));
    if finish {
        writer.finish(true);
    }
    drain(&mut writer, &mut file);
    fs::write(path, file).expect("written");
}

/// A film of six seconds, written anew by us, is the same film.
fn check(codec: &str, name: &str, packets: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (theirs, ours) = (folder.path().join("theirs.mkv"), folder.path().join("ours.mkv"));
    make(&theirs, codec);
    let (tracks, blocks, _) = read(&fs::read(&theirs).expect("made"), 4_096);
    assert_eq!(tracks.len(), 1);
    write(&ours, &tracks, &blocks, true);
    assert_eq!(probe(&ours, "stream=codec_name,nb_read_packets"), format!("{name}\n{packets}"));
    // Of the last packet of sound theirs says that some is not to be heard.
    let (own, other) = (decoded(&ours), decoded(&theirs));
    assert!(own.len() == other.len() && own[..own.len() - 1] == other[..own.len() - 1]);
    let duration: f64 = probe(&ours, "format=duration").parse().expect("a number");
    assert!((5.9..6.1).contains(&duration), "{duration}");
    assert!(probe(&ours, "format_tags=creation_time").starts_with("2026-11-22T"), "{}", probe(&ours, "format_tags"));
    jump(&ours);
    cut(&ours, &fs::read(&ours).expect("written"), &own);
}

/// A jump finds the picture that is there.
fn jump(path: &Path) {
    let path = path.to_str().expect("plain");
    let (sums, problems) = said("ffmpeg", &["-v", "warning", "-ss", "4", "-i", path, "-f", "framemd5", "-"]);
    assert!(problems.is_empty() && sums.lines().filter(|line| !line.starts_with('#')).count() >= 30, "{problems}{sums}");
}

/// A part of a file has the same in it, as far as it goes.
fn cut(path: &Path, whole: &[u8], sums: &[String]) {
    for part in [2, 3, 5] {
        let mut file = whole[..whole.len() / part].to_vec();
        let mut repair = Repair::default();
        repair.push(&file);
        let repaired = repair.finish().expect("a part");
        let duration = repaired.duration;
        support::repair(&mut file, repaired);
        fs::write(path, file).expect("written");
        let there = decoded(path);
        assert!(there.len() > sums.len() / part / 3 && there[..] == sums[..there.len()], "{part}");
        let told = Duration::from_secs_f64(probe(path, "format=duration").parse().expect("a number"));
        assert!(told.abs_diff(duration) < Duration::from_millis(10), "{told:?} {duration:?}");
    }
}

const FILM: &str = "-v error -f lavfi -i testsrc2=size=320x180:rate=30:duration=6 -pix_fmt yuv420p -g 45";

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn vp8_is_decoded() {
    check(&format!("{FILM} -c:v libvpx -b:v 300k -auto-alt-ref 0"), "vp8", "180");
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn vp9_is_decoded() {
    check(&format!("{FILM} -c:v libvpx-vp9 -b:v 300k -deadline realtime -cpu-used 8"), "vp9", "180");
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn opus_is_decoded() {
    check("-v error -f lavfi -i sine=frequency=440:sample_rate=48000:duration=6 -ac 2 -c:a libopus -b:a 32k", "opus", "301");
}

/// Six seconds of H.264 and Opus, and what is in them: tracks, and blocks in order of their times.
fn film(folder: &Path) -> (Vec<Track>, Vec<Block>) {
    let path = folder.join("theirs.mkv");
    let sound = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=6";
    let codecs = "-c:v libx264 -profile:v baseline -pix_fmt yuv420p -g 45 -c:a libopus -ac 2";
    make(&path, &format!("-v error -f lavfi -i testsrc2=size=320x180:rate=30:duration=6 {sound} {codecs}"));
    let (tracks, mut blocks, _) = read(&fs::read(&path).expect("made"), 4_096);
    blocks.sort_by_key(|block| block.time);
    (tracks, blocks)
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn mp4_that_grows_is_decoded_wherever_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let (tracks, blocks) = film(folder.path());
    let (mut writer, mut file) = (Growing::new(&tracks, BEGAN).expect("tracks"), Vec::new());
    let mut grown = Vec::new();
    for (n, block) in blocks.into_iter().enumerate() {
        writer.push(block);
        apply(&mut file, std::iter::from_fn(|| writer.poll()));
        if n == 250 {
            grown.clone_from(&file);
        }
    }
    writer.finish(true);
    apply(&mut file, std::iter::from_fn(|| writer.poll()));
    let path = folder.path().join("ours.mp4");
    fs::write(&path, &file).expect("written");
    assert_eq!(
        probe(&path, "stream=codec_name,nb_read_packets").split_whitespace().collect::<Vec<_>>(),
        ["h264", "180", "opus", "301"]
    );
    let (own, theirs) = (decoded(&path), decoded(&folder.path().join("theirs.mkv")));
    let told: f64 = probe(&path, "format=duration").parse().expect("a number");
    assert!((5.98..6.03).contains(&told) && own.len() >= theirs.len() - 1, "{told}: {} of {}", own.len(), theirs.len());
    jump(&path);
    // As it is while it grows, and as a repair leaves it.
    fs::write(&path, &grown).expect("written");
    let growing = decoded(&path).len();
    let mut repair = Repair::default();
    repair.push(&grown[..grown.len() - 7]);
    let repaired = repair.finish().expect("a part");
    let duration = repaired.duration;
    support::repair(&mut grown, repaired);
    fs::write(&path, &grown).expect("written");
    let told = Duration::from_secs_f64(probe(&path, "format=duration").parse().expect("a number"));
    assert!(told.abs_diff(duration) < Duration::from_millis(10) && told > Duration::from_secs(2), "{told:?} {duration:?}");
    let there = decoded(&path).len();
    assert!(growing > 200 && there + 90 > growing && there <= growing, "{there} of {growing}");
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn h264_from_a_stream_with_start_codes_is_decoded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (stream, file) = (folder.path().join("stream.h264"), folder.path().join("file.mkv"));
    make(&stream, &format!("{FILM} -c:v libx264 -profile:v baseline -x264-params aud=1:repeat-headers=1"));
    let bytes = fs::read(&stream).expect("made");
    // Each frame begins with a delimiter.
    let starts: Vec<usize> =
        bytes.windows(5).enumerate().filter(|(_, five)| *five == [0, 0, 0, 1, 9]).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let frames: Vec<Vec<u8>> = starts.iter().zip(ends).map(|(from, to)| h264::with_lengths(&bytes[*from..to])).collect();
    assert_eq!(frames.len(), 180);
    let track = Track::picture(Codec::H264, &frames[0], 90).expect("parameter sets");
    assert_eq!(track.shape, Shape::Picture { width: 320, height: 180, rotation: 90 });
    let blocks = (0_u64..).zip(frames).map(|(n, bytes)| Block {
        track: 0,
        time: Duration::from_micros(n * 33_333),
        keyframe: h264::is_keyframe(h264::units(&bytes)),
        rotation: (n % 50 == 49).then_some(90),
        bytes,
    });
    let blocks: Vec<Block> = blocks.collect();
    write(&file, &[track], &blocks, true);
    assert_eq!(probe(&file, "stream=codec_name,width,height,nb_read_packets"), "h264\n320\n180\n180");
    assert_eq!(probe(&file, "stream_side_data=rotation"), "-90");
    assert!(decoded(&file) == decoded(&stream));
    jump(&file);
}
