//! The program itself: exit codes, words, signals.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

/// The program with nothing of the tester's environment, in this folder.
pub fn kennel(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kennel"));
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = kennel(folder, args).output().expect("it runs");
    (output.status.code(), said(&output))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A server on free ports of loopback, after it said that it runs.
pub struct Server {
    child: Child,
    rest: JoinHandle<String>,
    /// The line that said so.
    pub line: serde_json::Value,
}

impl Server {
    /// Starts it in this folder.
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// Starts it with these variables.
    pub fn start_with(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_at(folder, &["--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--media", "127.0.0.1:0"], variables)
    }

    /// Starts it with these flags.
    pub fn start_at(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::begin(kennel(folder, args), variables)
    }

    /// Starts it with these flags where it may open so many files and connections.
    pub fn start_within(folder: &Path, descriptors: u64, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_kennel")]).args(args);
        shell.current_dir(folder).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::begin(shell, variables)
    }

    fn begin(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command.envs(variables.iter().copied()).spawn().expect("it runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (begin, line) = read_until_running(&mut stderr);
        // Somebody has to read on, or a talkative server would wait for ever.
        let rest = std::thread::spawn(move || {
            let mut rest = begin;
            stderr.read_to_string(&mut rest).expect("readable");
            rest
        });
        Self { child, rest, line }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it lives");
    }

    /// Waits for its end: the exit code, and all that it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut said = self.rest.join().expect("readable");
        self.child.stdout.take().expect("piped").read_to_string(&mut said).expect("readable");
        (self.child.wait().expect("it ends").code(), said)
    }
}

/// All until the line that says that it runs, and that line.
fn read_until_running(stderr: &mut BufReader<ChildStderr>) -> (String, serde_json::Value) {
    let mut said = String::new();
    loop {
        let begin = said.len();
        assert_ne!(stderr.read_line(&mut said).expect("readable"), 0, "it ended before it ran: {said}");
        let line: serde_json::Value = serde_json::from_str(&said[begin..]).expect("JSON, because this is no terminal");
        if line["message"].as_str().is_some_and(|message| message.starts_with("Kennel is running")) {
            return (said, line);
        }
    }
}

#[test]
fn without_a_terminal_one_line_says_where_it_runs_and_nothing_tells_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(folder.path());
        assert!(server.line["http"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")));
        assert!(!server.line.to_string().contains("#k="), "{}", server.line);
        server.signal(signal);
        let (code, said) = server.end();
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("#k=") && said.contains("stopping"), "{said}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    // A request that never ends holds the first farewell up.
    let address = server.line["http"].as_str().expect("an address").to_owned();
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\n").expect("sent");
    let began = std::time::Instant::now();
    server.signal(Signal::TERM);
    server.signal(Signal::INT);
    let (code, _) = server.end();
    assert!(matches!(code, Some(0 | 1)), "{code:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "it waited for the farewell");
}

#[test]
fn wrong_words_end_with_2_and_the_right_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[&str], &[&str]); 5] = [
        (&["--htp", "x"], &["--http"]),
        (&["--http", "8080"], &["--http: '8080' is not an address and a port", "0.0.0.0:8090"]),
        (&["--room-type", "group", "--media", "off"], &["media is off"]),
        (&["--config", "none.toml"], &["none.toml: there is no such file"]),
        (&["servee"], &["serve"]),
    ];
    for (args, expected) in cases {
        let (code, said) = run(folder.path(), args);
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(expected.iter().all(|text| said.contains(text)), "{args:?}: {said}");
    }
}

#[test]
fn files_and_variables_are_read_where_it_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(".env"), "KENNEL_HTPP=1\nTWILIO_AUTH_TOKEN=hunter2\n").expect("written");
    std::fs::write(folder.path().join("kennel.toml"), "\nworkerz = 2\n").expect("written");
    let output = kennel(folder.path(), &[]).env("KENNEL_LOG", "kennel=loud").output().expect("it runs");
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2));
    for expected in [
        "KENNEL_HTPP (.env, line 1): there is no such setting. Did you mean 'KENNEL_HTTP'?",
        "kennel.toml, line 2: 'workerz': there is no such key. Did you mean 'workers'?",
        "KENNEL_LOG (in the environment)",
        "TWILIO_AUTH_TOKEN (.env, line 2): has 7 characters",
    ] {
        assert!(said.contains(expected), "{expected:?} is missing in {said}");
    }
    assert!(!said.contains("hunter2"), "a secret is never quoted: {said}");
}

#[test]
fn too_few_descriptors_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = env!("CARGO_BIN_EXE_kennel");
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -n 400 && exec {program} --http 127.0.0.1:0 --https off --media off")])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("lets Kennel open 400 files and connections; it needs 512"), "{}", said(&output));
}

#[test]
fn check_says_what_is_wrong_and_how_to_right_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let free = ["check", "--json", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"];
    let (code, good) = run(folder.path(), &free);
    assert_eq!(code, Some(0), "{good}");
    assert!(!folder.path().join("kennel-data").exists(), "looking makes nothing");
    let good: serde_json::Value = serde_json::from_str(&good).expect("JSON");
    assert_eq!(good["pass"], true);

    let (code, bad) = run(folder.path(), &["check", "--http", &address, "--https", "127.0.0.1:0"]);
    assert_eq!(code, Some(1), "{bad}");
    let lines: Vec<&str> = bad.lines().filter(|line| line.starts_with("Fail")).collect();
    assert_eq!(lines.len(), 1, "{bad}");
    assert!(lines[0].contains("is in use by another program. Start with --http"), "{bad}");

    let (code, wrong) = run(folder.path(), &["check", "--workers", "0"]);
    assert_eq!(code, Some(1), "{wrong}");
    assert!(wrong.starts_with("Fail  configuration  --workers: '0' is not a whole number from 1 to 256."), "{wrong}");
}

#[test]
fn check_looks_at_the_certificate_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder.path());
    server.signal(Signal::TERM);
    server.end();
    let (code, said) = run(folder.path(), &["check", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Pass  certificate    holds until "), "{said}");

    std::fs::write(folder.path().join("kennel-data/tls/authority.pem"), "rubbish").expect("written");
    let (code, said) = run(folder.path(), &["check", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("authority.pem is damaged"), "{said}");
}
