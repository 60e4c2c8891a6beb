//! The rules of ARCHITECTURE.md that a compiler cannot hold, held by the dumbest means that work: reading files.

use std::fs;
use std::path::{Path, PathBuf};

/// A file may grow to this many lines. One that is longer has a seam somewhere.
const FILE_LINES_MAX: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file under a folder whose name ends so, with its text; what is built or fetched is left out.
fn files(folder: &str, endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())).flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if path.is_dir() && !["target", "node_modules", "dist", "out", ".git", "corpus"].contains(&&*name) {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push((path.clone(), fs::read_to_string(&path).unwrap_or_default()));
            }
        }
    }
    assert!(!found.is_empty(), "no files in {folder}");
    found
}

/// Code without what is only said about it: comments may name anything, and tests within a file, which stand last, do what they like.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The files of a crate that are not tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    files(folder, &[".rs"]).into_iter().filter(|(path, _)| !path.ends_with("tests.rs")).collect()
}

fn refuse(folder: &str, banned: &[&str], reason: &str) {
    for (path, text) in files(folder, &[".rs"]) {
        let code = code(&text);
        for word in banned {
            assert!(!code.contains(word), "{} has `{word}`: {reason}", path.display());
        }
    }
}

/// The names under `[dependencies]` of a crate.
fn dependencies(of: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(format!("crates/{of}/Cargo.toml"))).expect("a manifest");
    let section = text.split("[dependencies]").nth(1).unwrap_or_default();
    let own = section.split("\n[").next().unwrap_or_default();
    own.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_rooms_depend_on_nothing() {
    assert_eq!(dependencies("room"), [] as [&str; 0]);
}

#[test]
fn the_rooms_know_no_wire_no_vendor_and_no_time_of_day() {
    let banned =
        ["serde", "json", "Json", "JSON", "sdp", "Sdp", "http", "Http", "sql", "wilio", "ignal_wire", "ignalwire", "SystemTime"];
    refuse("crates/room/src", &banned, "the rooms are a value that every door and every shell can use");
}

#[test]
fn doors_depend_on_no_runtime_and_not_on_each_other() {
    let allowed = ["kennel-room", "serde", "serde_json", "aws-lc-rs", "base64", "time"];
    for (door, other) in [("twilio", ["ignalwire", "ignalWire"]), ("signalwire", ["wilio", "WILIO"])] {
        for dependency in dependencies(door) {
            assert!(allowed.contains(&&*dependency), "crates/{door} must not depend on {dependency}");
        }
        let folder = format!("crates/{door}/src");
        refuse(&folder, &other, "doors do not know each other");
        refuse(&folder, &["tokio", "axum", "str0m"], "a door is a pure translator");
    }
}

#[test]
fn only_the_shell_reads_clocks_and_opens_things() {
    let banned =
        ["Instant::now", "SystemTime", "thread::", "std::net", "std::fs", "std::env", "File::", "UdpSocket", "TcpStream"];
    for folder in ["crates/room/src", "crates/twilio/src", "crates/signalwire/src"] {
        refuse(folder, &banned, "time, randomness and input are arguments, effects are returned");
    }
}

/// The media server's shell: sockets, threads and the clock, all but files. All else of it is values.
const MEDIA_SHELL: [&str; 7] = ["mixers.rs", "net.rs", "players.rs", "pool.rs", "record/writer.rs", "tcp.rs", "worker.rs"];

/// Its only files of files.
const MEDIA_FILES: [&str; 2] = ["record/disk.rs", "record/files.rs"];

#[test]
fn the_engine_is_a_value() {
    let banned =
        ["Instant::now", "SystemTime", "thread::", "std::fs", "std::env", "UdpSocket", "TcpStream", "tokio", "async fn", "Mutex"];
    for (path, text) in sources("crates/media/src") {
        let shell = MEDIA_SHELL.iter().any(|name| path.ends_with(Path::new("src").join(name)));
        let files = MEDIA_FILES.iter().any(|name| path.ends_with(Path::new("src").join(name)));
        let allowed = |word: &str| shell && word != "std::fs" || files && word == "std::fs";
        for word in banned.iter().filter(|word| !allowed(word)) {
            // Whether there is a panic is all that this asks.
            let code = code(&text).replace("thread::panicking()", "");
            assert!(!code.contains(word), "{} has `{word}`: the engine takes time and input as arguments", path.display());
        }
    }
}

#[test]
fn media_knows_no_door_and_is_quiet_about_packets() {
    refuse("crates/media/src", &["wilio", "ignalwire", "ignalWire", "json", "serde"], "what doors say passes by media sealed");
    for (path, text) in sources("crates/media/src") {
        let hot =
            ["route.rs", "forward.rs", "segment.rs", "line.rs", "demux.rs", "codec.rs"].iter().any(|name| path.ends_with(name));
        let loud = ["debug!(", "info!(", "warn!(", "error!("].iter().any(|level| code(&text).contains(level));
        assert!(!(hot && loud), "{} writes to the log for each packet", path.display());
    }
}

#[test]
fn only_the_peer_touches_the_transport() {
    for (path, text) in sources("crates/media/src") {
        let peer = path.ends_with("peer.rs") || path.parent().is_some_and(|folder| folder.ends_with("peer"));
        let allowed = peer || path.ends_with("negotiate.rs");
        // What it looks at is the handshake inside of the transport, which the transport drains.
        let handshake = |word: &str| path.ends_with("keys.rs") && word == "poll_output(";
        for word in
            ["handle_input(", "poll_output(", "direct_api(", "sdp_api("].iter().filter(|word| !allowed && !handshake(word))
        {
            assert!(
                !code(&text).contains(word),
                "{} calls {word}; draining after each change is the peer's work",
                path.display()
            );
        }
    }
}

#[test]
fn rights_are_checked_in_one_place() {
    for (path, text) in files("crates/room/src", &[".rs"]) {
        let elsewhere = !path.ends_with("rights.rs");
        let decides = code(&text).contains("Err(Refusal::NotPermitted)")
            && !["rooms.rs", "owner.rs"].iter().any(|name| path.ends_with(name));
        assert!(!(elsewhere && decides), "{} refuses by right; that is rights.rs's work", path.display());
    }
    for door in ["crates/twilio/src", "crates/signalwire/src"] {
        let banned = ["Refusal::NotPermitted)", "Err(Refusal::RoomNotAllowed"];
        refuse(door, &banned, "a door refuses what is malformed, never what is not permitted");
    }
}

#[test]
fn names_and_addresses_stay_out_of_the_log_above_debug() {
    for (path, text) in files("crates/kennel/src", &[".rs"]) {
        for (number, line) in code(&text).lines().enumerate() {
            let loud = ["info!(", "warn!(", "error!("].iter().any(|level| line.contains(level));
            let personal = ["identity", "peer_addr", "remote_addr", "client_addr", ".token", "cookie"]
                .iter()
                .any(|word| line.contains(word));
            assert!(!(loud && personal), "{} near line {}: {line}", path.display(), number + 1);
        }
    }
}

#[test]
fn unsafe_is_forbidden_everywhere() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    for crate_name in ["room", "twilio", "signalwire", "container", "compose", "media", "sealed", "kennel", "bench"] {
        let own = fs::read_to_string(root().join(format!("crates/{crate_name}/Cargo.toml"))).expect("a manifest");
        assert!(own.contains("[lints]\nworkspace = true"), "crates/{crate_name} does not take the workspace's lints");
    }
}

#[test]
fn only_the_codecs_of_the_mixer_are_unsafe() {
    let own = fs::read_to_string(root().join("crates/mixer/Cargo.toml")).expect("a manifest");
    assert!(own.contains("unsafe_code = \"deny\""));
    for (path, text) in sources("crates/mixer/src") {
        let codec = path.components().any(|part| part.as_os_str() == "codec");
        assert!(codec || !code(&text).contains("unsafe"), "{} is unsafe; that is for the codecs", path.display());
    }
}

#[test]
fn the_mixer_is_a_value() {
    let banned =
        ["Instant::now", "SystemTime", "thread::", "std::fs", "std::env", "UdpSocket", "TcpStream", "tokio", "async fn", "Mutex"];
    refuse("crates/mixer/src", &banned, "time and input are arguments");
    refuse("crates/mixer/src", &["wilio", "ignalwire", "ignalWire", "json", "serde"], "the mixer knows pictures and sound only");
}

#[test]
fn files_are_bytes_to_whoever_writes_them() {
    assert_eq!(dependencies("container"), [] as [&str; 0]);
    let banned =
        ["Instant", "SystemTime", "thread::", "std::fs", "std::env", "std::io", "File::", "std::net", "async fn", "Mutex"];
    refuse("crates/container/src", &banned, "bytes in, bytes out");
}

#[test]
fn keys_and_chance_are_arguments_of_what_is_sealed() {
    assert_eq!(dependencies("sealed"), ["aws-lc-rs"]);
    let banned = ["Instant", "SystemTime", "thread::", "std::env", "OpenOptions", "File::open", "rand::", "async fn"];
    refuse("crates/sealed/src", &banned, "files are given, and whoever gives them knows the keys");
}

#[test]
fn compositions_are_values() {
    for dependency in dependencies("compose") {
        let allowed = ["kennel-container", "kennel-mixer", "serde_json"].contains(&&*dependency);
        assert!(allowed, "crates/compose must not depend on {dependency}");
    }
    let banned =
        ["Instant", "SystemTime", "thread::", "std::fs", "std::env", "File::", "std::net", "tokio", "async fn", "Mutex", "wilio"];
    refuse("crates/compose/src", &banned, "files are given, and whoever gives them decides when they are worked on");
}

#[test]
fn pages_never_turn_text_into_markup() {
    for (path, text) in files("web/src", &[".svelte", ".ts"]) {
        for banned in ["{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"] {
            assert!(!text.contains(banned), "{} has {banned}", path.display());
        }
    }
}

#[test]
fn files_stay_readable_at_one_sitting() {
    for folder in ["crates", "web/src", "e2e"] {
        for (path, text) in files(folder, &[".rs", ".ts", ".svelte", ".mjs"]) {
            let lines = text.lines().count();
            assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines; {FILE_LINES_MAX} are enough", path.display());
        }
    }
}

#[test]
fn every_path_named_in_the_architecture_exists() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(|word| is_path(word)).collect();
    assert!(named.len() > 20, "only {} paths are named", named.len());
    for path in named {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which is not there");
    }
}

/// Paths in ARCHITECTURE.md are written from the root, with a slash.
fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    plain
        && word.contains('/')
        && ["crates/", "web/", "e2e/", "docs/", "scripts/", ".ci/", "fuzz/"].iter().any(|top| word.starts_with(top))
}
