//! A server of the S3 API that checks signatures and can be away.

use std::fs;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use kennel::config::{Bucket, Secret};
use s3s::auth::SimpleAuth;
use s3s::service::{S3ServiceBuilder, SharedS3Service};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub const KEY: &str = "the-name-of-a-key";
pub const SECRET: &str = "the-secret-of-that-key-which-is-in-no-log";

/// The server, with one bucket, `den`.
pub struct Store {
    folder: TempDir,
    address: SocketAddr,
    mood: Arc<Mood>,
    running: JoinHandle<()>,
}

/// How it behaves.
#[derive(Default)]
pub struct Mood {
    /// It answers nobody.
    away: AtomicBool,
    /// It has no space left.
    full: AtomicBool,
    /// What has this in its name may not be deleted.
    locked: Mutex<Option<String>>,
    /// Whoever begins an upload waits for the answer.
    slow: AtomicBool,
    /// Whoever asks for this is not answered.
    held: Mutex<Option<Step>>,
    /// Whether somebody did since.
    holds: AtomicBool,
    /// Uploads that were begun.
    begun: AtomicUsize,
    /// What it refused.
    refused: Mutex<Vec<String>>,
    /// Parts of uploads that it still takes.
    parts_left: AtomicUsize,
    /// How often it was asked while it was.
    in_vain: AtomicUsize,
    /// Parts that it took, as the query of each says.
    taken: Mutex<Vec<String>>,
}

/// A step at which whoever asks is not answered.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What the request's method is.
    pub method: &'static str,
    /// What is in its query.
    pub query: &'static str,
    /// Whether it is done all the same.
    pub done: bool,
}

impl Step {
    fn is(self, method: &str, query: &str) -> bool {
        let whole_file = self.query.is_empty() && !query.contains("uploadId=");
        self.method == method && (whole_file || (!self.query.is_empty() && query.contains(self.query)))
    }
}

impl Store {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("den")).expect("made");
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a file system"));
        service.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let parts_left = AtomicUsize::new(usize::MAX);
        let mood = Arc::new(Mood { parts_left, ..Mood::default() });
        let running = tokio::spawn(attend(listener, service.build().into_shared(), Arc::clone(&mood)));
        Store { folder, address, mood, running }
    }

    /// How Kennel is told of it.
    pub fn bucket(&self) -> Bucket {
        Bucket {
            name: "den".into(),
            prefix: "kennel/".into(),
            endpoint: Some(format!("http://{}", self.address)),
            region: "us-east-1".into(),
            path_style: true,
            ca: None,
            access_key: KEY.into(),
            secret_key: Secret::new(SECRET),
            session_token: None,
        }
    }

    /// It cannot be reached, or can again.
    pub fn be_away(&self, away: bool) {
        self.mood.away.store(away, Relaxed);
    }

    /// It has no space, or has again.
    pub fn be_full(&self, full: bool) {
        self.mood.full.store(full, Relaxed);
    }

    /// What has this in its name may not be deleted.
    pub fn lock(&self, name: Option<String>) {
        *self.mood.locked.lock().expect("whole") = name;
    }

    /// Does not answer whoever begins an upload, or does again.
    pub fn be_slow(&self, slow: bool) {
        self.mood.slow.store(slow, Relaxed);
    }

    /// Does not answer whoever asks for this; or answers everybody.
    pub fn hold(&self, step: Option<Step>) {
        *self.mood.held.lock().expect("whole") = step;
        self.mood.holds.store(false, Relaxed);
    }

    /// Whether somebody asked for that.
    pub fn holds(&self) -> bool {
        self.mood.holds.load(Relaxed)
    }

    /// How many uploads were begun.
    pub fn begun(&self) -> usize {
        self.mood.begun.load(Relaxed)
    }

    /// The paths that it refused.
    pub fn refused(&self) -> Vec<String> {
        self.mood.refused.lock().expect("whole").clone()
    }

    /// How many parts and uploads it keeps that are no file yet.
    pub fn unfinished(&self) -> usize {
        let files = fs::read_dir(self.folder.path()).expect("a folder");
        files.filter(|file| file.as_ref().expect("a file").file_name().to_string_lossy().starts_with(".upload")).count()
    }

    /// How often it was asked in vain.
    pub fn asked_in_vain(&self) -> usize {
        self.mood.in_vain.load(Relaxed)
    }

    /// Takes so many parts more.
    pub fn take_parts(&self, count: usize) {
        self.mood.parts_left.store(count, Relaxed);
    }

    /// The parts that it took.
    pub fn parts(&self) -> Vec<String> {
        self.mood.taken.lock().expect("whole").clone()
    }

    /// Where it keeps what has this key.
    pub fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join("den").join(key)
    }

    /// The names of all that it has under our prefix.
    pub fn keys(&self) -> Vec<String> {
        let folders = ["recordings", "compositions"].map(|name| self.file(&format!("kennel/{name}")));
        let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
        let mut names: Vec<_> = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn attend(listener: TcpListener, service: SharedS3Service, mood: Arc<Mood>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { return };
        let (service, mood) = (service.clone(), Arc::clone(&mood));
        let answer = service_fn(move |request| answer(service.clone(), Arc::clone(&mood), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
    }
}

async fn answer(service: SharedS3Service, mood: Arc<Mood>, request: Request<Incoming>) -> io::Result<Response<s3s::Body>> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let part = query.contains("partNumber=");
    if mood.away.load(Relaxed) || (part && mood.parts_left.load(Relaxed) == 0) {
        // The connection breaks.
        mood.in_vain.fetch_add(1, Relaxed);
        return Err(io::ErrorKind::ConnectionReset.into());
    }
    let path = request.uri().path().to_owned();
    let full = mood.full.load(Relaxed) && request.method() == "PUT";
    let locked =
        request.method() == "DELETE" && mood.locked.lock().expect("whole").as_ref().is_some_and(|name| path.contains(name));
    if full || locked {
        mood.refused.lock().expect("whole").push(path.clone());
    }
    let refused = match (full, locked) {
        (true, _) => Some((507, "XMinioStorageFull")),
        (_, true) => Some((403, "AccessDenied")),
        _ => refusal(&path),
    };
    if let Some((status, code)) = refused {
        let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>No.</Message></Error>");
        let answer = Response::builder().status(status).header("content-type", "application/xml");
        return answer.body(s3s::Body::from(body)).map_err(io::Error::other);
    }
    let held = *mood.held.lock().expect("whole");
    let held = held.filter(|step| step.is(request.method().as_str(), &query));
    if held.is_some_and(|step| !step.done) {
        mood.holds.store(true, Relaxed);
        return pending().await;
    }
    let answer = Service::call(&service, request).await.map_err(|problem| io::Error::other(format!("{problem:?}")))?;
    if held.is_some() {
        mood.holds.store(true, Relaxed);
        return pending().await;
    }
    if query.starts_with("uploads") {
        mood.begun.fetch_add(1, Relaxed);
        while mood.slow.load(Relaxed) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    if part && answer.status().is_success() {
        mood.parts_left.fetch_sub(1, Relaxed);
        mood.taken.lock().expect("whole").push(query);
    }
    Ok(answer)
}

/// What real stores say of buckets that are not there, not here, or asked for at a wrong time (Amazon's list of error codes).
fn refusal(path: &str) -> Option<(u16, &'static str)> {
    match path.split('/').nth(1)? {
        "barn" => Some((404, "NoSuchBucket")),
        "far-away" => Some((301, "PermanentRedirect")),
        "elsewhere" => Some((400, "AuthorizationHeaderMalformed")),
        "too-late" => Some((403, "RequestTimeTooSkewed")),
        "not-mine" => Some((403, "AccessDenied")),
        "odd" => Some((400, "InvalidArgument")),
        _ => None,
    }
}
