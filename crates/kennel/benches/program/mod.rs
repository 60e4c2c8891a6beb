//! The real program, started for a bench and asked what it costs.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The account of every bench.
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
/// Its API key.
pub const KEY: &str = "SK00000000000000000000000000000001";
/// The key's secret.
pub const SECRET: &str = "bench-secret-bench-secret-bench-";

/// A server that ends with this value.
pub struct Server {
    process: Child,
    /// Where it listens.
    pub http: SocketAddr,
    _data: tempfile::TempDir,
}

impl Server {
    /// Starts it with these settings besides the usual ones, and waits until it answers.
    pub fn start(settings: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let http = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let process = Command::new(env!("CARGO_BIN_EXE_kennel"))
            .args(["serve", "--http", &http.to_string(), "--https", "off", "--log", "warn", "--data"])
            .arg(data.path())
            .args(settings)
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_API_KEY_SID", KEY)
            .env("TWILIO_API_KEY_SECRET", SECRET)
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let server = Server { process, http, _data: data };
        server.wait();
        server
    }

    fn wait(&self) {
        let give_up = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(self.http).is_err() {
            assert!(Instant::now() < give_up, "the server does not answer on {}", self.http);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `VmRSS` of proc(5), in kB.
    pub fn resident_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("the server lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a VmRSS line");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
    }

    /// CPU time used so far, from the scheduler's own count in ns (proc(5), `schedstat` of each thread).
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("the server lives");
        let threads = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok());
        let ns = threads.filter_map(|line| line.split(' ').next().and_then(|ns| ns.parse::<u64>().ok())).sum();
        Duration::from_nanos(ns)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
