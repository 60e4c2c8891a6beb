//! Files of somebody else's making. Those made by ffmpeg need it: `scripts/test decode` runs them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use film::{Film, Problem, RATE_HZ, Shown};

fn open(bytes: Vec<u8>) -> Result<Film, Problem> {
    Film::open(Arc::new(bytes))
}

/// Two seconds of red and two of blue at 25 pictures a second, with a tone of 440 Hz and then one of 880, encoded like this.
fn made(name: &str, encoding: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a film that can be read");
    let path = folder.path().join(name);
    let colours = "color=red:s=320x180:r=25:d=2[a];color=blue:s=320x180:r=25:d=2[b];[a][b]concat=n=2[v]";
    let (rate, packet) = if encoding.contains(&"libopus") { (48_000, 960) } else { (44_100, 1024) };
    let rate = if encoding.contains(&"baseline") { 48_000 } else { rate };
    let tones = format!("sine=440:r={rate}:d=2[c];sine=880:r={rate}:d=2[d];[c][d]concat=n=2:v=0:a=1,asetnsamples={packet}[s]");
    run(&["-filter_complex", &format!("{colours};{tones}"), "-map", "[v]", "-map", "[s]", "-g", "30"], encoding, &path);
    std::fs::read(path).expect("a film that can be read")
}

fn run(sources: &[&str], encoding: &[&str], path: &Path) {
    let done = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(sources).args(encoding).arg(path).status();
    assert!(done.expect("ffmpeg").success(), "{encoding:?}");
}

/// Everything from here on.
fn watch(film: &mut Film) -> (Vec<Shown>, Vec<f32>) {
    let pictures = std::iter::from_fn(|| film.next_picture().expect("a film that can be read")).collect();
    let sound = std::iter::from_fn(|| film.next_sound().expect("a film that can be read")).flatten().collect();
    (pictures, sound)
}

fn is_red(shown: &Shown) -> bool {
    let picture = shown.frame.picture();
    let (width, height) = picture.size();
    assert_eq!((width, height), (320, 180));
    let [_, u, v] = picture.planes();
    let (u, v) = (u.row(height / 4)[width / 4], v.row(height / 4)[width / 4]);
    assert!(u > 160 || v > 160, "neither red nor blue: {u} {v}");
    v > u
}

/// How often a second it crosses zero upwards.
fn pitch(sound: &[f32]) -> usize {
    let crossings = sound.windows(2).filter(|two| two[0] < 0.0 && two[1] >= 0.0).count();
    crossings * RATE_HZ as usize / sound.len()
}

#[track_caller]
fn check_pitch(sound: &[f32], at: Duration, expected: usize) {
    let from = (at.as_millis() as usize) * RATE_HZ as usize / 1000;
    let heard = pitch(&sound[from..from + RATE_HZ as usize / 2]);
    assert!(heard.abs_diff(expected) < 12, "at {at:?}: {heard} Hz instead of {expected}");
}

const MS: fn(u64) -> Duration = Duration::from_millis;

fn check(name: &str, encoding: &[&str]) {
    let mut film = open(made(name, encoding)).expect("a film");
    assert!(film.has_pictures() && film.has_sound(), "{encoding:?}");
    let (pictures, sound) = watch(&mut film);
    assert!((98..=101).contains(&pictures.len()), "{encoding:?}: {} pictures", pictures.len());
    for (shown, index) in pictures.iter().zip(0..) {
        let at = MS(index * 40);
        assert!(shown.time.abs_diff(at) < MS(45), "{encoding:?}: the picture of {at:?} at {:?}", shown.time);
        assert_eq!(is_red(shown), shown.time < MS(1_995), "{encoding:?}: at {:?}", shown.time);
    }
    let seconds = sound.len() as f64 / f64::from(RATE_HZ);
    assert!((seconds - 4.0).abs() < 0.1, "{encoding:?}: {seconds} s");
    check_pitch(&sound, MS(600), 440);
    check_pitch(&sound, MS(2_600), 880);
    check_jumps(&mut film, encoding);
}

fn check_jumps(film: &mut Film, encoding: &[&str]) {
    for (to, red) in [(3_000, false), (500, true), (700, true), (1_500, true), (2_500, false), (0, true)] {
        film.seek(MS(to)).expect("a place");
        let first = film.next_picture().expect("a film that can be read").expect("a picture");
        assert!(first.time.abs_diff(MS(to)) < MS(60), "{encoding:?}: {to} is {:?}", first.time);
        assert_eq!(is_red(&first), red, "{encoding:?}: at {to}");
        let sound: Vec<f32> = std::iter::from_fn(|| film.next_sound().expect("a film that can be read")).flatten().collect();
        check_pitch(
            &sound,
            MS(100),
            if red && to < 1_500 {
                440
            } else if red {
                pitch(&sound[4_800..28_800])
            } else {
                880
            },
        );
        let left = sound.len() as f64 / f64::from(RATE_HZ);
        assert!((left - (4.0 - to as f64 / 1e3)).abs() < 0.15, "{encoding:?}: {left} s after {to}");
    }
    film.seek(MS(60_000)).expect("a place");
    assert!(
        film.next_picture().expect("a film that can be read").is_none()
            && film.next_sound().expect("a film that can be read").is_none(),
        "{encoding:?}: beyond its end"
    );
}

#[test]
#[ignore = "needs ffmpeg"]
fn mp4_with_h264_and_aac() {
    let usual = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    check("late.mp4", &usual);
    check("early.mp4", &[&usual[..], &["-movflags", "+faststart"]].concat());
    check("plain.mp4", &[&usual[..], &["-profile:v", "baseline", "-ac", "2"]].concat());
    check("film.mov", &usual);
}

#[test]
#[ignore = "needs ffmpeg"]
fn mp4_with_opus_and_vp9() {
    check("a.mp4", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus", "-strict", "-2"]);
}

#[test]
#[ignore = "needs ffmpeg"]
fn webm_and_matroska() {
    check("a.webm", &["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]);
    check("b.webm", &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus", "-ac", "2"]);
    check("c.mkv", &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "libopus"]);
}

#[test]
#[ignore = "needs ffmpeg"]
fn what_is_not_played() {
    let refused = |name: &str, encoding: &[&str]| match open(made(name, encoding)) {
        Ok(film) => panic!("{encoding:?}: {film:?}"),
        Err(problem) => problem.to_string(),
    };
    let parts =
        refused("a.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"]);
    assert_eq!(parts, "an MP4 in fragments");
    assert_eq!(refused("a.mp4", &["-c:v", "mpeg4", "-c:a", "libmp3lame"]), "no track of a kind that can be decoded");
    assert_eq!(refused("a.ogg", &["-vn", "-c:a", "libopus"]), "neither WebM nor MP4");
    assert!(matches!(open(b"<html>no such film".to_vec()), Err(Problem::Unknown)));
    assert!(matches!(open(Vec::new()), Err(Problem::Unknown)));
}

#[test]
#[ignore = "needs ffmpeg"]
fn a_damaged_file_ends_and_that_is_all() {
    let files = [
        made("a.mp4", &["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"]),
        made("a.webm", &["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"]),
    ];
    for file in files {
        for cut in [9, 40, 700, file.len() / 3, file.len() - 5] {
            endure(file[..cut].to_vec());
        }
        let mut random: u64 = 7;
        for _ in 0..40 {
            let mut damaged = file.clone();
            for _ in 0..20 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Mostly in what tells of the rest.
                let within = if random >> 60 < 12 { file.len().min(5_000) } else { file.len() };
                let at = (random >> 20) as usize % within;
                damaged[at] = (random >> 8) as u8;
            }
            endure(damaged);
        }
    }
}

/// Whatever it is, it comes to an end.
fn endure(file: Vec<u8>) {
    let Ok(mut film) = open(file) else { return };
    for _ in 0..2 {
        for _ in 0..2_000 {
            if !matches!(film.next_picture(), Ok(Some(_))) {
                break;
            }
        }
        for _ in 0..2_000 {
            if !matches!(film.next_sound(), Ok(Some(_))) {
                break;
            }
        }
        let _ = film.seek(MS(1_000));
    }
}
