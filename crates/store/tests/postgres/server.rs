//! A PostgreSQL of the test's own: Debian's programs, a temporary folder, a socket in it, nothing that outlives the test.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A server that runs until this is dropped.
pub struct Server {
    folder: tempfile::TempDir,
    process: Option<Child>,
    settings: Vec<String>,
    port: u16,
    schemas: u32,
}

/// How long a server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

impl Server {
    /// Makes and starts one. It refuses strangers; `settings` are `name=value`.
    pub fn start(settings: &[&str]) -> Server {
        let mut server = Server::make();
        server.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        server.resume();
        server
    }

    /// One that speaks TLS on a port of this machine, with this key and certificate.
    pub fn start_with_tls(key: &str, certificate: &str) -> Server {
        let mut server = Server::make();
        for (name, text) in [("server.key", key), ("server.crt", certificate)] {
            let path = server.folder().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            give_away(&path);
            server.settings.push(format!("ssl_{}_file={}", if name.ends_with("key") { "key" } else { "cert" }, path.display()));
        }
        server.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        server.settings.extend(["ssl=on".to_owned(), "listen_addresses=127.0.0.1".to_owned()]);
        server.resume();
        server
    }

    fn make() -> Server {
        let folder = tempfile::Builder::new().prefix("kennel-pg-").tempdir().unwrap();
        fs::write(folder.path().join("word"), "secret").unwrap();
        give_away(folder.path());
        let data = folder.path().join("data");
        let made = as_somebody(&program("initdb"))
            .args([
                "--username=kennel",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .arg(format!("--pwfile={}", folder.path().join("word").display()))
            .arg(data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        Server { folder, process: None, settings: Vec::new(), port: 5432, schemas: 0 }
    }

    /// Where its files are; what is put there for it to read must be given away.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The address of a schema that nobody used before.
    pub async fn fresh(&mut self) -> String {
        self.schemas += 1;
        let name = format!("kennel{}", self.schemas);
        self.ask(&format!("CREATE SCHEMA {name}")).await;
        format!("{}&options=-csearch_path%3D{name}", self.url())
    }

    pub fn url(&self) -> String {
        format!("postgres://kennel:secret@/postgres?host={}&port={}", self.folder.path().display(), self.port)
    }

    /// The socket in its folder.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{}", self.port))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks the server itself.
    pub async fn ask(&self, sql: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
        let (client, connection) = tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        let answer = client.simple_query(sql).await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
        answer
    }

    /// Ends it as a power cut of its process would: nothing is written any more.
    pub fn crash(&mut self) {
        self.signal(Signal::QUIT);
    }

    /// Starts it again, and waits until it takes connections.
    pub fn resume(&mut self) {
        let path = self.folder.path().to_owned();
        let log = fs::File::create(path.join("log")).unwrap();
        let mut command = as_somebody(&program("postgres"));
        command.arg("-D").arg(path.join("data")).arg("-k").arg(&path).args(["-c", "listen_addresses=", "-c", "fsync=off"]);
        command.arg("-p").arg(self.port.to_string());
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.process = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.socket()).is_err() || !self.ready() {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < START_TIMEOUT, "it does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn ready(&self) -> bool {
        self.log().contains("ready to accept connections")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn signal(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            let _ = kill_process(Pid::from_child(&process), signal);
            let _ = process.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::QUIT);
    }
}

/// Debian keeps the programs of each version in a folder of its own, off the path.
fn program(name: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = match fs::read_dir("/usr/lib/postgresql") {
        Ok(versions) => {
            versions.flatten().map(|version| version.path().join("bin").join(name)).filter(|path| path.exists()).collect()
        }
        Err(_) => Vec::new(),
    };
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&on_path).map(|folder| folder.join(name)).filter(|path| path.exists()));
    let missing =
        "PostgreSQL is not installed, and these tests need a real one: run scripts/bootstrap test, or apt-get install postgresql";
    found.into_iter().next().expect(missing)
}

/// The server refuses to run as root; then it runs as the user that Debian made for it.
fn as_somebody(program: &Path) -> Command {
    if !rustix::process::getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

/// Lets that user have a file or folder.
pub fn give_away(path: &Path) {
    if rustix::process::getuid().is_root() {
        match Command::new("chown").arg("-R").arg("postgres").arg(path).status() {
            Ok(status) => assert!(status.success(), "chown {}", path.display()),
            Err(error) if error.kind() == ErrorKind::NotFound => panic!("no chown"),
            Err(error) => panic!("chown: {error}"),
        }
    }
    if path.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
