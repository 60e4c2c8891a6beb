//! HTTP: pages, Kennel's own API, the vendors' files and sockets.

pub mod accept;
mod api;
pub mod asked;
mod compositions;
mod events;
pub mod files;
pub mod gate;
mod guard_layers;
pub mod headers;
mod insights;
mod keeper;
mod keys_api;
mod media;
mod moderate;
mod names;
mod pages;
mod plain;
pub mod problem;
mod recordings;
mod sdk;
pub mod space;
pub mod stream;
mod tokens;
pub mod vendor;
pub mod ws;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, delete, get, post, put};
use room::{Refusal, RoomId};
use tower::ServiceExt;

use crate::auth::WrongKeys;
use crate::config::{NetRange, RoomType};
use crate::keyring::Store;
use crate::live;
use crate::metrics::Metrics;
use crate::shelf::Shelf;
use crate::shutdown::Shutdown;
use crate::studio::Studio;
use crate::tls::Authority;

pub use accept::{Doorman, serve};
pub use keeper::keep;
use names::Names;

/// What a WebSocket reads at once, in bytes. The library's own 128 KiB would be nearly all that an idle socket costs; larger messages
/// take several reads.
pub const SOCKET_BUFFER_BYTES: usize = 4096;

/// What the web layer needs to know of the configuration and the machine.
#[derive(Clone)]
pub struct Site {
    /// Everybody may use the pages, with all rights but the owner's.
    pub open: bool,
    /// Pages are shown on LAN http too, for people who work on them.
    pub dev: bool,
    /// The room of those who name none.
    pub default_room: String,
    /// Every name, in lower case, that pages answer to besides addresses and `localhost`: the machine's own, the domain's, the
    /// configured ones.
    pub host_names: Vec<String>,
    /// Peers whose `X-Forwarded-*` headers count.
    pub trusted_proxies: Vec<NetRange>,
    /// The port that HTTPS is reached at; `None` when it is off.
    pub https_port: Option<u16>,
    /// Whether browsers trust the certificate without being taught to: one by ACME.
    pub public_certificate: bool,
    /// Kennel's own authority, where the certificate is from it.
    pub authority: Option<Authority>,
    /// The addresses that this machine has now.
    pub reach: Arc<dyn Fn() -> Reach + Send + Sync>,
    /// The built pages.
    pub files: Arc<dyn files::Files>,
}

/// Addresses that other devices reach this server by, as origins (`https://192.168.1.20:8443`).
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Where a phone should go first.
    pub phone_url: Option<String>,
    /// All secure ones, the best first.
    pub addresses: Vec<String>,
}

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the web layer asks of the rooms.
pub trait RoomsView: Send + Sync {
    /// Who is in the room of that name, those who are reconnecting included.
    fn identities<'a>(&'a self, room: &'a str) -> Later<'a, Vec<Present>>;
    /// All rooms in progress.
    fn rooms(&self) -> Later<'_, Vec<RoomRow>>;
    /// Ends all that was joined with tokens of this link or session ([`crate::keyring::origin`]), now.
    fn withdraw(&self, origin: &str);
    /// Whether the room in progress of that name is recorded from now on: the mix where somebody receives that, else every track.
    fn record<'a>(&'a self, room: &'a str, on: bool) -> Later<'a, Result<Ruled, NotRecorded>>;
    /// The type that the room of that name has from now on, or from its next beginning if those who are in it do not fit.
    fn set_room_type<'a>(&'a self, room: &'a str, kind: RoomType) -> Later<'a, Result<(), Refusal>>;
    /// How the room of that name is; `None` if it is not in progress.
    fn state<'a>(&'a self, room: &'a str) -> Later<'a, Option<RoomState>>;
    /// Ends the room of that name for everybody in it; false if it is not in progress.
    fn end<'a>(&'a self, room: &'a str) -> Later<'a, bool>;
    /// How this participant came into the room of that name.
    fn inside<'a>(&'a self, room: &'a str, participant: u128) -> Later<'a, Inside>;
}

/// How a room in progress is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// Whether somebody in it receives one mixed picture.
    pub mixed: bool,
    /// Whether nobody else may come in.
    pub locked: bool,
    /// Whether every seat is taken.
    pub full: bool,
    /// What is recorded of it.
    pub recording: Recorded,
}

/// A room that is recorded from now on, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// Which.
    pub room: RoomId,
    /// Whether its rules take all of its tracks now, or none; `None`: they stay as they were.
    pub all: Option<bool>,
}

/// What is recorded of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing.
    Off,
    /// All that can be.
    All,
    /// Something.
    Some,
    /// It is on, but the disk has no room: it is tried again now and then.
    Waits,
    /// It is on, but nothing is written: nobody sends what it takes, or it was interrupted. It begins by itself.
    Idle,
}

/// How somebody came into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inside {
    /// It is not there.
    Absent,
    /// By a token of this link or session ([`crate::keyring::origin`]), or of none.
    Came(Option<String>),
}

/// Why a room is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRecorded {
    /// There is none of that name in progress.
    NoRoom,
    /// Its media does not pass this server.
    Direct,
}

/// Who is in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its identity.
    pub identity: String,
    /// Whether it is connected; otherwise its seat is kept while it reconnects.
    pub connected: bool,
}

/// A room as the owner's list shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RoomRow {
    /// Its name.
    pub name: String,
    /// `RM` and 32 hexadecimal digits.
    pub sid: String,
    /// `go` or `peer-to-peer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many are in it.
    pub participants: u32,
    /// How many may be.
    pub limit: u32,
    /// Whether it is recorded.
    pub recording: bool,
    /// When it began, ms since 1970 UTC.
    pub created: u64,
}

/// What is answered besides pages; all of it needs a history.
#[derive(Default)]
pub struct Served {
    /// The first vendor's REST.
    pub calls: Option<vendor::Calls>,
    /// The second vendor's.
    pub spaces: Option<space::Calls>,
    /// Recordings.
    pub shelf: Option<Shelf>,
    /// Compositions.
    pub studio: Option<Studio>,
}

/// What the handlers of requests share.
pub struct App {
    /// See [`Site`].
    pub site: Site,
    /// Credentials, links and sessions.
    pub store: Arc<Store>,
    /// The rooms.
    pub rooms: Arc<dyn RoomsView>,
    /// The live channel.
    pub live: live::task::Handle,
    /// What REST asks; `None` for a server without a history.
    pub calls: Option<vendor::Calls>,
    /// What SignalWire's REST asks.
    pub spaces: Option<space::Calls>,
    /// What was recorded; `None` for a server without a history.
    pub shelf: Option<Shelf>,
    /// What is composed of it; as the shelf.
    pub studio: Option<Studio>,
    /// Figures.
    pub metrics: Metrics,
    /// Who is told when the server ends.
    pub shutdown: Shutdown,
    wrong_keys: Mutex<WrongKeys>,
    names: Mutex<Names>,
}

impl App {
    /// Puts it together and starts the live channel's task. Needs a running tokio.
    pub fn start(
        site: Site,
        store: Arc<Store>,
        rooms: Arc<dyn RoomsView>,
        served: Served,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> Arc<Self> {
        let live = live::task::start(metrics.clone(), shutdown.clone());
        let (wrong_keys, names) = (Mutex::default(), Mutex::default());
        let Served { calls, spaces, shelf, studio } = served;
        Arc::new(Self { site, store, rooms, live, calls, spaces, shelf, studio, metrics, shutdown, wrong_keys, names })
    }

    /// The counter of wrong keys. Never hold it over an `await`.
    pub fn wrong_keys(&self) -> MutexGuard<'_, WrongKeys> {
        self.wrong_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which device has which name. Never hold it over an `await`.
    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every route. `doors` are those of the vendors' sockets that have an address (`/signaling`), `relay` serves the others; they come under
/// the rules of their zone here. Requests must carry an [`accept::Connection`], as [`serve`] gives them.
pub fn app(app: &Arc<App>, doors: Router, relay: Router) -> Router {
    let routes = Router::new()
        .route("/", get(pages::page))
        .route("/dogcam", get(pages::page))
        .route("/room", get(pages::page))
        .route("/guest", get(pages::page))
        .route("/links", get(pages::page))
        .route("/recordings", get(pages::page))
        .route(plain::STYLE_PATH, get(plain::style))
        .route("/kennel/ca.crt", get(pages::authority))
        .route("/kennel/ca.pem", get(pages::authority_text))
        .route("/healthz", get(pages::health))
        .route("/readyz", get(pages::ready))
        .route("/metrics", get(pages::metrics))
        .route("/login", post(tokens::login))
        .route("/api/token", get(tokens::bare))
        .route("/kennel/v1/server", get(api::server))
        .route("/kennel/v1/session", get(api::session).post(api::sign_in).delete(api::sign_out))
        .route("/kennel/v1/token", post(tokens::token))
        .route("/kennel/v1/room_token", post(space::page_token))
        .route("/kennel/v1/keys", get(keys_api::list).post(keys_api::make))
        .route("/kennel/v1/keys/{id}", delete(keys_api::withdraw))
        .route("/kennel/v1/sessions", get(keys_api::sessions))
        .route("/kennel/v1/sessions/{id}", delete(keys_api::end_session))
        .route("/kennel/v1/qr", post(api::qr))
        .route("/kennel/v1/rooms", get(api::rooms))
        .route("/kennel/v1/rooms/{name}", put(api::set_room).delete(moderate::end))
        .route("/kennel/v1/rooms/{name}/block", post(moderate::block))
        .route("/kennel/v1/rooms/{name}/record", get(recordings::is_recorded).post(recordings::record))
        .route("/kennel/v1/recordings", get(recordings::list))
        .route("/kennel/v1/recordings/{id}", get(recordings::find).delete(recordings::forget))
        .route("/kennel/v1/recordings/{id}/media", get(recordings::media))
        .route("/kennel/v1/recordings/{id}/link", post(recordings::link))
        .route("/kennel/v1/compositions", get(compositions::list).post(compositions::make))
        .route("/kennel/v1/compositions/{id}", get(compositions::find).delete(compositions::forget))
        .route("/kennel/v1/compositions/{id}/media", get(compositions::media))
        .route("/kennel/v1/compositions/{id}/link", post(compositions::link))
        .route("/kennel/media/{id}", get(media::file))
        .route("/kennel/v1/events", get(events::list))
        .route("/kennel/v1/live", get(api::live))
        .route("/kennel/v1/{*rest}", any(api::nothing))
        .route("/sdk/js/video/releases/{version}/{file}", get(sdk::release))
        .route("/sdk/kennel-websocket-shim.js", get(sdk::shim))
        .route("/sdk/{*rest}", get(sdk::nothing))
        .route("/v1/VideoEvents", get(insights::socket))
        .route("/v1/", any(vendor::call))
        .route("/v1/{*rest}", any(vendor::call))
        .fallback(space::call_or_page)
        .with_state(app.clone())
        .merge(doors)
        .layer(middleware::from_fn(move |request: Request, next: Next| to_relay(relay.clone(), request, next)));
    guard_layers::wrap(app, routes)
}

async fn to_relay(relay: Router, request: Request, next: Next) -> Response {
    if !headers::is_relay(&request) {
        return next.run(request).await;
    }
    let answer = relay.oneshot(request).await;
    answer.unwrap_or_else(|never| match never {})
}

/// Runs what blocks on the disk where it holds nobody up.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::keyring::StoreProblem> + Send + 'static,
) -> Result<T, problem::Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => {
            tracing::error!(%failure, "the keyring cannot be written");
            Err(problem::Problem::internal())
        }
        Err(_) => Err(problem::Problem::internal()),
    }
}
