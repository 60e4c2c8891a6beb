//! A server to ask, with rooms that a test can fill.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use kennel::config::{RoomType, VendorCredentials};
use kennel::journal::{self, Book, Teller};
use kennel::keyring::Store;
use kennel::metrics::Metrics;
use kennel::shelf::Shelf;
use kennel::shelf::files::Files;
use kennel::shutdown::{self, Shutdown, Stopper};
use kennel::studio::Studio;
use kennel::tls::Authority;
use kennel::web::accept::Connection;
use kennel::web::gate::Caps;
use kennel::web::stream::Patience;
use kennel::web::{
    self, App, Doorman, Inside, Later, NotRecorded, Present, Reach, Recorded, RoomRow, RoomState, RoomsView, Ruled, Served, Site,
};
use media::record::MixFile;
use room::{Refusal, RoomId};
use sealed::Sealing;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// Where tests' requests come from unless they say otherwise: a neighbour in the LAN.
pub const NEIGHBOUR: &str = "192.168.1.30:40000";
/// The host that requests ask for unless they say otherwise.
pub const HOST: &str = "192.168.1.20:8443";

/// A server whose sockets are not open.
pub struct Stage {
    pub app: Arc<App>,
    pub rooms: Arc<TestRooms>,
    pub router: Router,
    pub doorman: Arc<Doorman>,
    pub shutdown: Shutdown,
    pub folder: TempDir,
    /// Of a server with one.
    pub history: Option<Arc<dyn store::Store>>,
    _stopper: Stopper,
}

/// Rooms as a test says they are.
#[derive(Default)]
pub struct TestRooms {
    pub present: Mutex<HashMap<String, Vec<String>>>,
    pub withdrawn: Mutex<Vec<String>>,
    pub types: Mutex<HashMap<String, RoomType>>,
    /// Which link or session let in whom.
    pub origins: Mutex<HashMap<u128, String>>,
    pub recorded: Mutex<Vec<(String, bool)>>,
}

impl RoomsView for TestRooms {
    fn identities<'a>(&'a self, room: &'a str) -> Later<'a, Vec<Present>> {
        let names = self.present.lock().expect("sound").get(room).cloned().unwrap_or_default();
        let present = names.into_iter().map(|identity| Present { identity, connected: true }).collect();
        Box::pin(async { present })
    }

    fn rooms(&self) -> Later<'_, Vec<RoomRow>> {
        let present = self.present.lock().expect("sound");
        let row = |(name, people): (&String, &Vec<String>)| RoomRow {
            name: name.clone(),
            sid: format!("RM{}", "0".repeat(32)),
            kind: "peer-to-peer".to_owned(),
            participants: u32::try_from(people.len()).expect("few"),
            limit: 10,
            recording: false,
            created: 1,
        };
        let rows = present.iter().map(row).collect();
        Box::pin(async { rows })
    }

    fn withdraw(&self, link: &str) {
        self.withdrawn.lock().expect("sound").push(link.to_owned());
    }

    fn record<'a>(&'a self, room: &'a str, on: bool) -> Later<'a, Result<Ruled, NotRecorded>> {
        let answer = match room {
            "Den" => Ok(Ruled { room: RoomId(1), all: Some(on) }),
            "Direct" => Err(NotRecorded::Direct),
            _ => Err(NotRecorded::NoRoom),
        };
        self.recorded.lock().expect("sound").push((room.to_owned(), on));
        Box::pin(async move { answer })
    }

    fn set_room_type<'a>(&'a self, room: &'a str, kind: RoomType) -> Later<'a, Result<(), Refusal>> {
        if kind == RoomType::GroupSmall {
            return Box::pin(async { Err(Refusal::KindNotServed) });
        }
        if room == "One More" {
            return Box::pin(async { Err(Refusal::TooManyRooms) });
        }
        self.types.lock().expect("sound").insert(room.to_owned(), kind);
        Box::pin(async { Ok(()) })
    }

    fn state<'a>(&'a self, room: &'a str) -> Later<'a, Option<RoomState>> {
        let present = self.present.lock().expect("sound").contains_key(room);
        let recording = match room {
            "Waiting" => Recorded::Waits,
            "Idle" => Recorded::Idle,
            _ => Recorded::Off,
        };
        let state = RoomState { mixed: room != "Dog Cam", locked: room == "Locked", full: room == "Full", recording };
        Box::pin(async move { present.then_some(state) })
    }

    fn end<'a>(&'a self, room: &'a str) -> Later<'a, bool> {
        let ended = self.present.lock().expect("sound").remove(room).is_some();
        Box::pin(async move { ended })
    }

    fn inside<'a>(&'a self, _room: &'a str, participant: u128) -> Later<'a, Inside> {
        let origin = self.origins.lock().expect("sound").get(&participant).cloned();
        Box::pin(async move { origin.map_or(Inside::Absent, |origin| Inside::Came(Some(origin))) })
    }
}

impl Stage {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A server on a site that `change` has changed.
    pub fn with(change: impl FnOnce(&mut Site)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut site = site();
        change(&mut site);
        Self::build(site, folder, Caps::default(), Patience::default())
    }

    /// A server with other limits.
    pub fn limited(caps: Caps, patience: Patience) -> Self {
        Self::build(site(), tempfile::tempdir().expect("a folder"), caps, patience)
    }

    /// An open server with other caps.
    pub fn open(caps: Caps) -> Self {
        let site = Site { open: true, ..site() };
        Self::build(site, tempfile::tempdir().expect("a folder"), caps, Patience::default())
    }

    /// A server with a history, a folder of recordings, `recordings` in its own, and compositions that nobody makes.
    pub fn with_shelf() -> Self {
        Self::with_shelf_of(Sealing::none())
    }

    /// The same, with files that may be encrypted.
    pub fn with_shelf_of(sealing: Sealing) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("recordings")).expect("made");
        let keys = open_store(folder.path());
        let history: Arc<dyn store::Store> = Arc::new(store::Sqlite::open(folder.path()).expect("a history"));
        let teller = Teller { account: keys.credentials().twilio_account_sid, callback: None, mix: MixFile::default() };
        let journal = journal::start(history.clone(), Book::new(teller), Arc::default(), Metrics::new());
        let files = Files::in_folder(folder.path().join("recordings")).sealed(sealing.clone());
        let shelf = Shelf::new(files, &keys, history.clone(), journal.clone());
        let (films, account) =
            (Files::in_folder(folder.path().join("compositions")).sealed(sealing), keys.credentials().twilio_account_sid);
        let studio = Some(Studio::new(films, shelf.clone(), history.clone(), journal, account));
        let served = Served { shelf: Some(shelf), studio, ..Served::default() };
        let stage = Self::serve(site(), folder, Caps::default(), Patience::default(), served);
        Self { history: Some(history), ..stage }
    }

    /// The server started again on the same folder.
    pub fn again(self) -> Self {
        self.app.store.save_sessions().expect("saved");
        let Self { folder, .. } = self;
        Self::build(site(), folder, Caps::default(), Patience::default())
    }

    fn build(site: Site, folder: TempDir, caps: Caps, patience: Patience) -> Self {
        Self::serve(site, folder, caps, patience, Served::default())
    }

    fn serve(site: Site, folder: TempDir, caps: Caps, patience: Patience, served: Served) -> Self {
        let (stopper, shutdown) = shutdown::channel();
        let (metrics, rooms) = (Metrics::new(), Arc::<TestRooms>::default());
        let store = Arc::new(open_store(folder.path()));
        let doorman = Doorman::new(caps, patience, site.trusted_proxies.clone(), metrics.clone());
        let app = App::start(site, store, rooms.clone(), served, metrics, shutdown.clone());
        let router = web::app(&app, Router::new(), Router::new());
        Self { app, rooms, router, doorman, shutdown, folder, history: None, _stopper: stopper }
    }

    pub fn owner_key(&self) -> String {
        self.app.store.keyring().owner_key().expect("kept").reveal().to_owned()
    }

    /// A link made as the owner would; its id and key.
    pub async fn link(&self, body: Value) -> (String, String) {
        let made = self.ask(post("/kennel/v1/keys", body).bearer(&self.owner_key())).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let text = |name: &str| made.json()[name].as_str().expect("a text").to_owned();
        (text("id"), text("key"))
    }

    /// Exchanges a key for a cookie over HTTPS, as `name=value`.
    pub async fn sign_in(&self, key: &str) -> String {
        let answer = self.ask(post("/kennel/v1/session", serde_json::json!({ "key": key }))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.cookie().expect("a cookie").split(';').next().expect("a pair").to_owned()
    }

    pub async fn ask(&self, ask: Ask) -> Answer {
        let peer: SocketAddr = ask.peer.parse().expect("an address");
        let (connection, _cut) = self.doorman.admit(peer, ask.tls).expect("room");
        self.ask_by(connection, ask).await
    }

    /// Asks by a connection that is there already.
    pub async fn ask_by(&self, connection: Connection, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(&ask.path);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Body::from(ask.body)).expect("a request");
        request.extensions_mut().insert(connection);
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

/// One request. By HTTPS, with the origin of the page, unless changed.
#[derive(Clone)]
pub struct Ask {
    method: &'static str,
    path: String,
    peer: String,
    tls: bool,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub fn get(path: &str) -> Ask {
    ask("GET", path)
}

pub fn post(path: &str, body: Value) -> Ask {
    let mut ask = ask("POST", path).header("origin", &format!("https://{HOST}"));
    ask.body = body.to_string().into_bytes();
    ask
}

/// The same, of a text that need not be JSON.
pub fn post_text(path: &str, body: &str) -> Ask {
    Ask { body: body.as_bytes().to_vec(), ..post(path, Value::Null) }
}

pub fn ask(method: &'static str, path: &str) -> Ask {
    let headers = vec![("host".to_owned(), HOST.to_owned())];
    Ask { method, path: path.to_owned(), peer: NEIGHBOUR.to_owned(), tls: true, headers, body: Vec::new() }
}

impl Ask {
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// Sets a header; an empty value takes it away.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    pub fn body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub fn from(mut self, peer: &str) -> Self {
        self.peer = format!("{peer}:40000");
        self
    }

    /// By plain HTTP to this host, with the origin to match if there was one.
    pub fn plain(mut self, host: &str) -> Self {
        self.tls = false;
        let had_origin = self.headers.iter().any(|(name, _)| name == "origin");
        let asked = self.header("host", host);
        if had_origin { asked.header("origin", &format!("http://{host}")) } else { asked }
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn cookie(&self) -> Option<&str> {
        self.headers.get("set-cookie").map(|value| value.to_str().expect("text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().expect("a code").to_owned()
    }
}

/// Checks a refusal's status and code.
pub fn check_refusal(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status.as_u16(), code), "{}", answer.text);
    assert!(answer.json()["error"]["message"].as_str().is_some_and(|words| words.ends_with(['.', 's', 'w'])));
}

pub fn open_store(folder: &Path) -> Store {
    Store::open(folder, &VendorCredentials::default(), kennel::clock::unix_ms()).expect("opens")
}

/// The files of a build in small.
pub fn files() -> HashMap<String, Vec<u8>> {
    let files = [
        ("index.html", "<!doctype html><title>app</title>"),
        ("door.html", "<!doctype html><title>door</title>"),
        ("icon.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("assets/index-AbC_12.js", "export {}"),
        ("sdk/2.18.1/twilio-video.min.js", "/* 2.18.1 min */"),
        ("sdk/2.18.1/twilio-video.js", "/* 2.18.1 */"),
        ("sdk/2.18.1/LICENSE.md", "The licence"),
        ("sdk/2.36.0/twilio-video.min.js", "/* 2.36.0 min */"),
        ("sdk/2.36.0/LICENSE.md", "The licence"),
    ];
    files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).into()
}

fn site() -> Site {
    Site {
        open: false,
        dev: false,
        default_room: "Dog Cam".to_owned(),
        host_names: vec!["kennel.local".to_owned()],
        trusted_proxies: Vec::new(),
        https_port: Some(8443),
        public_certificate: false,
        authority: Some(Authority { pem: "PEM".to_owned(), der: vec![0x30, 1, 2], sha256: "AB:CD".to_owned() }),
        reach: Arc::new(|| Reach {
            phone_url: Some("http://192.168.1.20:8080".to_owned()),
            addresses: vec!["https://192.168.1.20:8443".to_owned()],
        }),
        files: Arc::new(files()),
    }
}
