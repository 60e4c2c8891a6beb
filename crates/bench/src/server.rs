//! A server that runs for one measurement, with a data folder and ports of its own, and what it uses of the machine.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

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

/// How long a server may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The program of Janus, as its package installs it.
const JANUS: &str = "janus";

/// A server. Dropping it ends it.
pub struct Server {
    process: Child,
    /// Where it answers HTTP.
    pub http: SocketAddr,
    data: tempfile::TempDir,
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
    /// Where it listens, and clients are.
    pub ip: Ipv4Addr,
    /// Threads for media: Kennel's workers, event loops of Janus.
    pub workers: usize,
}

impl Server {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    /// It does not start, or does not answer in time.
    pub fn start(choice: &Choice) -> io::Result<Self> {
        let data = tempfile::tempdir()?;
        let http = free_port(choice.ip)?;
        let mut command = match choice.door {
            Door::Kennel | Door::Signalwire => kennel(choice, data.path(), http)?,
            Door::Janus => janus(choice, data.path(), http)?,
        };
        command.current_dir(data.path()).stdout(Stdio::null());
        let server = Server { process: command.spawn()?, http, data };
        server.wait()?;
        Ok(server)
    }

    fn wait(&self) -> io::Result<()> {
        let give_up = Instant::now() + START_TIMEOUT;
        loop {
            match TcpStream::connect(self.http) {
                Ok(_) => return Ok(()),
                Err(problem) if Instant::now() > give_up => return Err(problem),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
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

    /// Memory that it holds (`VmRSS`, `proc(5)`), in kB.
    pub fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse().ok()).unwrap_or(0)
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
        let headers = format!(
            "Authorization: Basic {AUTHORIZATION}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        );
        let answer = self.ask("POST /v1/Rooms", &headers, &form)?;
        if answer.starts_with("HTTP/1.1 201 ") { Ok(()) } else { Err(io::Error::other(answer)) }
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

fn kennel(choice: &Choice, data: &Path, http: SocketAddr) -> io::Result<Command> {
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
    command.envs([("SIGNALWIRE_PROJECT_KEY", PROJECT), ("SIGNALWIRE_TOKEN", SECRET)]);
    Ok(command)
}

/// Tuned, or the comparison would be a cheat: event loops instead of a thread for each connection, no other plugins and transports.
fn janus(choice: &Choice, data: &Path, http: SocketAddr) -> io::Result<Command> {
    let (ip, port, loops) = (choice.ip, http.port(), choice.workers);
    let general = format!("general: {{ debug_level = 2; session_timeout = 0; event_loops = {loops}; }}\n");
    let plugins = without("plugins", "/usr/lib/x86_64-linux-gnu/janus/plugins", "libjanus_videoroom");
    let transports = without("transports", "/usr/lib/x86_64-linux-gnu/janus/transports", "libjanus_websockets");
    let nat = format!("nat: {{ ice_enforce_list = \"{ip}\"; }}\nmedia: {{ ipv6 = false; }}\n");
    std::fs::write(data.join("janus.jcfg"), format!("{general}{plugins}{transports}{nat}"))?;
    let websockets = format!("general: {{ json = \"compact\"; ws = true; ws_port = {port}; ws_ip = \"{ip}\"; wss = false; }}\n");
    std::fs::write(data.join("janus.transport.websockets.jcfg"), websockets)?;
    std::fs::write(data.join("janus.plugin.videoroom.jcfg"), "general: { }\n")?;
    let mut command = Command::new(JANUS);
    command.args(["--disable-colors", "--configs-folder"]).arg(data);
    Ok(command)
}

/// A line of its configuration that leaves out all modules of a folder but one.
fn without(kind: &str, folder: &str, kept: &str) -> String {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let others: Vec<String> = names.filter(|name| name.ends_with(".so") && !name.starts_with(kept)).collect();
    format!("{kind}: {{ disable = \"{}\"; }}\n", others.join(","))
}

fn free_port(ip: Ipv4Addr) -> io::Result<SocketAddr> {
    TcpListener::bind((ip, 0))?.local_addr()
}

/// A port that is free for UDP and TCP.
fn free_media_port(ip: Ipv4Addr) -> io::Result<SocketAddr> {
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
    fn this_process_uses_time() {
        assert!(own_cpu() > Duration::ZERO);
    }
}
