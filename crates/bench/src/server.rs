//! A server that runs for one measurement, with a data folder and ports of its own, and what it uses of the machine.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::interrupt;
use crate::scenario::MixFile;
use crate::signal::Door;

/// The account of the bench; nothing secret.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// Its key.
pub const KEY: &str = "SK00000000000000000000000000000001";
/// The project of the bench, for SignalWire's signaling.
pub const PROJECT: &str = "00000000-0000-4000-8000-000000000001";
/// The secret of its key, and of the project.
pub const SECRET: &str = "bench-secret-bench-secret-bench-";

/// Key and secret as HTTP has them (RFC 7617).
const AUTHORIZATION: &str = "U0swMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpiZW5jaC1zZWNyZXQtYmVuY2gtc2VjcmV0LWJlbmNoLQ==";
/// The same of the project and its secret.
const PROJECT_AUTHORIZATION: &str =
    "MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxOmJlbmNoLXNlY3JldC1iZW5jaC1zZWNyZXQtYmVuY2gt";

/// How long a server may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long its sockets may be closed before it has ended.
const END_TIMEOUT: Duration = Duration::from_millis(500);

/// The program of Janus, as its package installs it, and where its modules are, below a folder for each kind of machine.
pub(crate) const JANUS: &str = "janus";
const LIBRARIES: &str = "/usr/lib";

/// A server. Dropping it ends it.
pub struct Server {
    process: Child,
    /// Where it answers HTTP.
    pub http: SocketAddr,
    data: tempfile::TempDir,
}

/// Memory that a server holds, in kB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// In all.
    pub resident_kb: u64,
    /// Of its own, without pages of files.
    pub own_kb: u64,
}

/// A folder of recordings. Dropping it deletes them.
pub struct Recordings {
    /// Where.
    pub folder: PathBuf,
    _data: tempfile::TempDir,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Which server.
    pub door: Door,
    /// The program of Kennel.
    pub program: PathBuf,
    /// Where media comes from and goes to. Kennel is spoken to over IPv4 all the same.
    pub ip: IpAddr,
    /// Threads for media: Kennel's workers, event loops of Janus.
    pub workers: usize,
}

impl Server {
    /// Starts a server, which makes these of mixes that are recorded, and waits until it answers.
    ///
    /// # Errors
    /// It does not start, or does not answer in time.
    pub fn start(choice: &Choice, mix_file: MixFile) -> io::Result<Self> {
        let data = tempfile::tempdir()?;
        let http = free_port(if choice.ip.is_ipv4() { choice.ip } else { Ipv4Addr::LOCALHOST.into() })?;
        let mut command = match choice.door {
            Door::Kennel | Door::Signalwire => kennel(choice, mix_file, data.path(), http)?,
            Door::Janus => janus(choice, data.path(), http)?,
        };
        // A group of its own: Ctrl-C is for the bench, which ends it.
        command.current_dir(data.path()).stdout(Stdio::null()).process_group(0);
        let process = command.spawn().map_err(|problem| not_started(choice, &problem))?;
        let mut server = Server { process, http, data };
        server.wait()?;
        Ok(server)
    }

    fn wait(&mut self) -> io::Result<()> {
        let give_up = Instant::now() + START_TIMEOUT;
        while let Err(problem) = TcpStream::connect(self.http) {
            interrupt::check()?;
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("it ended as it started ({status}); why stands above")));
            }
            if Instant::now() > give_up {
                let (http, seconds) = (self.http, START_TIMEOUT.as_secs());
                return Err(io::Error::other(format!("it does not answer at {http} after {seconds} s: {problem}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Why it could not be measured: that the run was stopped, or that it ended, or else what was seen.
    pub fn why_failed(&mut self, problem: io::Error) -> io::Error {
        if let Err(stopped) = interrupt::check() {
            return stopped;
        }
        let give_up = Instant::now() + END_TIMEOUT;
        while Instant::now() < give_up {
            if let Ok(Some(status)) = self.process.try_wait() {
                return io::Error::other(format!("the server ended while it was measured ({status}); then {problem}"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        problem
    }

    /// CPU time that it used so far, by its own clock (`clock_getcpuclockid(3)`).
    ///
    /// # Errors
    /// It has ended.
    pub fn cpu(&self) -> io::Result<Duration> {
        Ok(clock_gettime(clock_getcpuclockid(Pid::from_raw(self.process.id().cast_signed()))?)?.into())
    }

    /// CPU time of its threads whose name begins so, in ns by the scheduler's count (`schedstat`, `proc(5)`).
    pub fn thread_cpu(&self, name: &str) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).into_iter().flatten().flatten();
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let named = tasks.map(|task| task.path()).filter(|task| read(task.join("comm")).starts_with(name));
        let ns = |task: std::path::PathBuf| read(task.join("schedstat")).split(' ').next().and_then(|ns| ns.parse::<u64>().ok());
        Duration::from_nanos(named.filter_map(ns).sum())
    }

    /// Memory that it holds (`VmRSS` and `RssAnon`, `proc(5)`).
    pub fn memory(&self) -> Memory {
        Memory::read(&std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default())
    }

    /// Its own figures; none if it does not tell.
    pub fn metrics(&self) -> Metrics {
        Metrics(self.scrape().unwrap_or_default())
    }

    /// Makes a room with this option: its name and what it is to be. Kennel only.
    ///
    /// # Errors
    /// It refuses.
    pub fn make_room(&self, room: &str, (option, value): (&str, bool)) -> io::Result<()> {
        let form = format!("UniqueName={room}&Type=group&{option}={value}");
        self.post("/v1/Rooms", AUTHORIZATION, "application/x-www-form-urlencoded", &form)
    }

    /// Makes a room whose mix is recorded from its first picture on. Kennel only.
    ///
    /// # Errors
    /// It refuses.
    pub fn make_recorded_mix(&self, room: &str) -> io::Result<()> {
        let body = format!(r#"{{"name":"{room}","record_on_start":true}}"#);
        self.post("/api/video/rooms", PROJECT_AUTHORIZATION, "application/json", &body)
    }

    fn post(&self, path: &str, authorization: &str, kind: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let headers = format!("Authorization: Basic {authorization}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n");
        let answer = self.ask(&format!("POST {path}"), &headers, body)?;
        if answer.starts_with("HTTP/1.1 20") { Ok(()) } else { Err(io::Error::other(answer)) }
    }

    /// Ends it as a person would, so that it finishes its files. Returns the folder of recordings, which is there as long as this.
    ///
    /// # Errors
    /// What the system says.
    pub fn end(mut self) -> io::Result<Recordings> {
        nix::sys::signal::kill(Pid::from_raw(self.process.id().cast_signed()), nix::sys::signal::SIGTERM)?;
        self.process.wait()?;
        let data = std::mem::replace(&mut self.data, tempfile::tempdir()?);
        Ok(Recordings { folder: data.path().join("data").join("recordings"), _data: data })
    }

    fn scrape(&self) -> io::Result<String> {
        self.ask("GET /metrics", "", "")
    }

    fn ask(&self, what: &str, headers: &str, body: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.http)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let port = self.http.port();
        write!(stream, "{what} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n{headers}\r\n{body}")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Memory {
    fn read(status: &str) -> Self {
        let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kb = |name: &str| line(name).and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        Memory { resident_kb: kb("VmRSS"), own_kb: kb("RssAnon") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a server counts of itself, as OpenMetrics text.
#[derive(Clone, Debug, Default)]
pub struct Metrics(String);

impl Metrics {
    /// One of its counters; 0 if there is none of this name.
    pub fn get(&self, name: &str) -> u64 {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
        self.0.lines().find_map(value).unwrap_or(0)
    }
}

/// CPU time of this process so far.
pub fn own_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Datagrams that the system dropped because a socket's buffer was full, all sockets together (`/proc/net/snmp`).
pub fn datagrams_dropped() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    dropped(&text).unwrap_or(0)
}

fn dropped(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter(|line| line.starts_with("Udp:"));
    let at = lines.next()?.split(' ').position(|name| name == "RcvbufErrors")?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}

/// Load of the machine over the last minute (`/proc/loadavg`).
pub fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

fn kennel(choice: &Choice, mix_file: MixFile, data: &Path, http: SocketAddr) -> io::Result<Command> {
    let media = free_media_port(choice.ip)?;
    let mut command = Command::new(&choice.program);
    // What is set for somebody else's server must not change what is measured.
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("KENNEL_")).for_each(|name| {
        command.env_remove(name);
    });
    command.args(["serve", "--https", "off", "--room-type", "group", "--log", "warn"]);
    command.args(["--http", &http.to_string(), "--media", &media.to_string(), "--workers", &choice.workers.to_string()]);
    command.arg("--data").arg(data.join("data"));
    command.envs([("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_API_KEY_SID", KEY), ("TWILIO_API_KEY_SECRET", SECRET)]);
    command.env("KENNEL_RECORDING_MIX", mix_file.name());
    command.envs([("SIGNALWIRE_PROJECT_KEY", PROJECT), ("SIGNALWIRE_TOKEN", SECRET)]);
    Ok(command)
}

/// Tuned, or the comparison would be a cheat: event loops instead of a thread for each connection, no other plugins and transports.
fn janus(choice: &Choice, data: &Path, http: SocketAddr) -> io::Result<Command> {
    let (ip, port, loops) = (choice.ip, http.port(), choice.workers);
    let general = format!("general: {{ debug_level = 2; session_timeout = 0; event_loops = {loops}; }}\n");
    let plugins = without("plugins", "libjanus_videoroom", Path::new(LIBRARIES))?;
    let transports = without("transports", "libjanus_websockets", Path::new(LIBRARIES))?;
    let nat = format!("nat: {{ ice_enforce_list = \"{ip}\"; }}\nmedia: {{ ipv6 = false; }}\n");
    std::fs::write(data.join("janus.jcfg"), format!("{general}{plugins}{transports}{nat}"))?;
    let websockets = format!("general: {{ json = \"compact\"; ws = true; ws_port = {port}; ws_ip = \"{ip}\"; wss = false; }}\n");
    std::fs::write(data.join("janus.transport.websockets.jcfg"), websockets)?;
    std::fs::write(data.join("janus.plugin.videoroom.jcfg"), "general: { }\n")?;
    let mut command = Command::new(JANUS);
    command.args(["--disable-colors", "--configs-folder"]).arg(data);
    Ok(command)
}

/// A line of its configuration that leaves out all modules of a kind but one. Where they are depends on the kind of machine.
fn without(kind: &str, kept: &str, libraries: &Path) -> io::Result<String> {
    let below = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files: Vec<PathBuf> = below(libraries).flat_map(|machine| below(&machine.join("janus").join(kind))).collect();
    let names = || files.iter().filter_map(|file| file.file_name()?.to_str()).filter(|name| name.ends_with(".so"));
    if !names().any(|name| name.starts_with(kept)) {
        let folder = libraries.join("*/janus").join(kind);
        let words =
            format!("{kept}.so is not in {}: it comes with the package janus, and is not measured untuned", folder.display());
        return Err(io::Error::other(words));
    }
    let others: Vec<&str> = names().filter(|name| !name.starts_with(kept)).collect();
    Ok(format!("{kind}: {{ disable = \"{}\"; }}\n", others.join(",")))
}

/// Why a server could not be started, and what to do.
fn not_started(choice: &Choice, problem: &io::Error) -> io::Error {
    let (program, what) = match choice.door {
        Door::Janus => (JANUS.to_owned(), "it comes with the package janus (apt-get install janus)"),
        Door::Kennel | Door::Signalwire => {
            (choice.program.display().to_string(), "`make bench` builds it, `--server` says where it is")
        }
    };
    io::Error::new(problem.kind(), format!("{program} cannot be started: {problem}; {what}"))
}

fn free_port(ip: IpAddr) -> io::Result<SocketAddr> {
    let bound = TcpListener::bind((ip, 0));
    bound
        .map_err(|problem| io::Error::new(problem.kind(), format!("nothing can listen on {ip} (--address): {problem}")))?
        .local_addr()
}

/// A port that is free for UDP and TCP.
fn free_media_port(ip: IpAddr) -> io::Result<SocketAddr> {
    loop {
        let address = UdpSocket::bind((ip, 0))?.local_addr()?;
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_whole_name() {
        let metrics = Metrics("# HELP x\r\nkennel_media_sends_total 12\nkennel_media_sends 3\nother 4\n".to_owned());
        assert_eq!(
            (metrics.get("kennel_media_sends_total"), metrics.get("kennel_media_sends"), metrics.get("kennel")),
            (12, 3, 0)
        );
    }

    #[test]
    fn drops_are_read_by_the_name_of_their_column() {
        let text = "Tcp: A B\nTcp: 1 2\nUdp: InDatagrams NoPorts RcvbufErrors SndbufErrors\nUdp: 5 6 7 8\nUdpLite: a\n";
        assert_eq!(dropped(text), Some(7));
        assert_eq!(dropped(""), None);
    }

    #[test]
    fn memory_of_its_own_is_told_apart() {
        let status = "Name:\tkennel\nVmRSS:\t   26812 kB\nRssAnon:\t    6064 kB\nRssFile:\t   20748 kB\n";
        assert_eq!(Memory::read(status), Memory { resident_kb: 26_812, own_kb: 6_064 });
        assert_eq!(Memory::read(""), Memory::default());
    }

    #[test]
    fn all_modules_but_one_are_left_out_on_any_machine() {
        let libraries = tempfile::tempdir().expect("a folder");
        let without = || without("plugins", "libjanus_videoroom", libraries.path());
        let why = without().expect_err("it would run untuned").to_string();
        assert!(why.contains("*/janus/plugins") && why.contains("package janus"), "{why}");
        let folder = libraries.path().join("aarch64-linux-gnu/janus/plugins");
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in ["libjanus_echotest.so", "libjanus_videoroom.so", "libjanus_videoroom.so.2.0.5", "notes"] {
            std::fs::write(folder.join(name), "").expect("a file");
        }
        assert_eq!(without().expect("a line"), "plugins: { disable = \"libjanus_echotest.so\"; }\n");
    }

    #[test]
    fn what_cannot_be_started_is_named_with_what_to_do() {
        let choice = |door| Choice { door, program: "/nowhere/kennel".into(), ip: Ipv4Addr::LOCALHOST.into(), workers: 1 };
        let why =
            |choice: &Choice| Server::start(choice, MixFile::Webm).err().map(|problem| problem.to_string()).unwrap_or_default();
        assert!(why(&choice(Door::Kennel)).starts_with("/nowhere/kennel cannot be started: "));
        assert!(not_started(&choice(Door::Janus), &io::ErrorKind::NotFound.into()).to_string().contains("apt-get install janus"));
        let elsewhere = Choice { ip: Ipv4Addr::new(192, 0, 2, 1).into(), ..choice(Door::Kennel) };
        assert!(why(&elsewhere).contains("192.0.2.1 (--address)"), "{}", why(&elsewhere));
        let ends = Choice { program: "/bin/false".into(), ..choice(Door::Kennel) };
        assert!(why(&ends).contains("ended as it started (exit status: 1)"), "{}", why(&ends));
    }

    #[test]
    fn a_server_that_ended_is_why_its_clients_failed() {
        let process = |program: &str| Command::new(program).arg("60").spawn().expect("a process");
        let server =
            |process| Server { process, http: (Ipv4Addr::LOCALHOST, 1).into(), data: tempfile::tempdir().expect("a folder") };
        let closed = || io::Error::other("client 3: the server closed the socket");
        let mut runs = server(process("sleep"));
        assert_eq!(runs.why_failed(closed()).to_string(), closed().to_string());
        runs.process.kill().expect("killed");
        let why = runs.why_failed(closed()).to_string();
        assert!(why.contains("ended while it was measured (signal: 9") && why.contains("client 3"), "{why}");
    }

    #[test]
    fn this_process_uses_time() {
        assert!(own_cpu() > Duration::ZERO);
    }
}
