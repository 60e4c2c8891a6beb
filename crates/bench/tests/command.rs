//! The program and its scripts as commands: how they end, and what they leave.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kennel-bench");

/// A round as an older program wrote it.
const ROUND: &str = r#"{"server":"kennel","scenario":"1 to 2","cpu_us_per_packet":8.0,"latency_p50_ms":0.2}"#;

fn bench(words: &[&str]) -> Output {
    Command::new(PROGRAM).args(words).output().expect("it runs")
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until it is so, at most a minute.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < give_up, "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn who_is_stopped_ends_its_server_and_removes_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, noted, temporary) = (folder.path().join("server"), folder.path().join("pid"), folder.path().join("tmp"));
    fs::create_dir(&temporary).expect("a folder");
    // It runs, and never answers.
    fs::write(&server, format!("#!/bin/sh\necho $$ >{0}.new\nmv {0}.new {0}\nexec sleep 600\n", noted.display()))
        .expect("a script");
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).expect("a program");
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130), (Signal::SIGHUP, 129)] {
        let mut command = Command::new(PROGRAM);
        command.args(["--scenario", "fan", "--subscribers", "1", "--server"]).arg(&server).env("TMPDIR", &temporary);
        let mut bench = command.stderr(Stdio::piped()).spawn().expect("it runs");
        until("the server", || noted.exists());
        let pid: i32 = fs::read_to_string(&noted).expect("a file").trim().parse().expect("a number");
        kill(Pid::from_raw(bench.id().cast_signed()), signal).expect("sent");
        let mut words = String::new();
        bench.stderr.take().expect("a pipe").read_to_string(&mut words).expect("words");
        assert_eq!(bench.wait().expect("ended").code(), Some(code), "{words}");
        assert!(words.contains(signal.as_str()), "{words}");
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the server runs on");
        assert_eq!(fs::read_dir(&temporary).expect("a folder").count(), 0, "its folder stays");
        fs::remove_file(&noted).expect("removed");
    }
}

#[test]
fn who_reads_no_further_has_read_enough() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rounds.json");
    fs::write(&file, ROUND).expect("a file");
    let mut table = Command::new(PROGRAM);
    table.arg("table").arg(&file);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = table.stdout(writer).output().expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", error(&output));
    let full = fs::File::options().write(true).open("/dev/full").expect("a device");
    let output =
        table.stdout(full).stderr(Stdio::piped()).spawn().and_then(std::process::Child::wait_with_output).expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).starts_with("It failed: standard output: "), "{}", error(&output));
}

#[test]
fn what_cannot_be_written_or_started_is_said_before_anything_is_measured() {
    let wrong = bench(&["--json", "/nowhere/rounds.json", "--server", "/bin/false"]);
    assert!(error(&wrong).starts_with("It failed: /nowhere/rounds.json: "), "{}", error(&wrong));
    let ends = bench(&["--server", "/bin/false"]);
    let words = error(&ends);
    assert_eq!(words.matches("it ended as it started").count(), 1, "{words}");
    assert!(!words.contains(" of 22: "), "{words}");
}

#[test]
fn what_would_be_measured_is_listed_each_once() {
    let output =
        bench(&["--list", "--doors", "kennel,janus", "--doors", "kennel,kennel", "--scenario", "fan", "--subscribers", "3"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1 to 3 on kennel, 8 s\n1 measurements in each of 3 rounds\n");
    let refused = bench(&["--list", "--door", "signalwire", "--scenario", "all", "--publishers", "21"]);
    assert!(error(&refused).contains("20 that a room made by a token holds"), "{}", error(&refused));
}

#[test]
fn a_whole_run_keeps_what_there_was_until_it_can_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("rounds.json");
    fs::write(&file, ROUND).expect("a file");
    let script = |words: &[&str]| {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/bench-full");
        Command::new(path).args(words).env("PROGRAM", PROGRAM).env("FOLDER", folder.path()).output().expect("it runs")
    };
    for words in [&["--scenario", "fan"][..], &["--json", "x"], &["--rounds", "none"]] {
        let output = script(words);
        assert!(!output.status.success() && error(&output).contains(words[0]), "{}", error(&output));
    }
    let help = script(&["--help"]);
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("rounds-before.json"));
    assert_eq!(fs::read_to_string(&file).expect("a file"), ROUND);
    // It begins, and its server does not start.
    let begun = script(&["--server", "/bin/false"]);
    assert!(!begun.status.success(), "{}", error(&begun));
    assert_eq!(fs::read_to_string(folder.path().join("rounds-before.json")).expect("a file"), ROUND);
}
