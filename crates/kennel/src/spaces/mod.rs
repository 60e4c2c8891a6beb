//! Carries out what SignalWire's REST API asks: rooms that are made, their tokens, and what the history knows of their sessions.

pub mod desk;
mod recordings;
mod records;
mod sessions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use room::{Command, Moment, RoomView};
use serde_json::Value;
use signalwire::rest::{self, Ask, Ends, Fault, Key, Page, Refusal, RoomDraft, RoomFilter, RoomRecord};
use store::{Store, Write};

use crate::clock;
use crate::hub;
use crate::journal;
use crate::shelf::Shelf;

use records::{Denied, KEY_PREFIX, Records};

/// What calls need.
pub struct Spaces {
    hub: hub::Handle,
    /// None on a server without a database: then rooms are forgotten at its end, and ended sessions at once.
    history: Option<History>,
    /// Whose rooms these are in the history.
    account: String,
    records: Mutex<Records>,
    /// One change at a time, so that what is written down is what is in memory.
    changing: tokio::sync::Mutex<()>,
}

/// What happened, and who writes it down.
#[derive(Clone)]
pub struct History {
    /// What happened.
    pub store: Arc<dyn Store>,
    /// Who writes it down.
    pub journal: journal::Handle,
    /// What was recorded.
    pub shelf: Shelf,
}

/// How a call came.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The origin that it was sent to (`https://cam.lan:8443`).
    pub origin: &'a str,
    /// Its path, escaped.
    pub path: &'a str,
    /// Whose token it showed.
    pub project: &'a str,
}

/// A call's answer; none: an empty body.
pub type Answered = Result<Option<Value>, Refusal>;

impl Spaces {
    /// Takes up the rooms that were made before, and tells the rooms of them.
    pub async fn start(hub: hub::Handle, history: Option<History>, account: String) -> Self {
        let written = match &history {
            Some(history) => history.store.settings(KEY_PREFIX).await,
            None => Ok(Vec::new()),
        };
        let records = Records::read(written.unwrap_or_else(|problem| {
            tracing::error!(%problem, "rooms that were made by REST cannot be read");
            Vec::new()
        }));
        let spaces = Spaces { hub, history, account, records: Mutex::default(), changing: tokio::sync::Mutex::default() };
        for room in records.iter() {
            spaces.define(room).await;
        }
        *spaces.records() = records;
        spaces
    }

    /// Does what is asked. `mint` makes tokens.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with.
    pub async fn answer(&self, ask: Ask, place: Place<'_>, mint: &(dyn Fn(&rest::NewToken) -> String + Sync)) -> Answered {
        match ask {
            Ask::ListRooms(filter, page) => self.list_rooms(filter, &page, place).await,
            Ask::FindRoom(key) => self.show(&self.find(&key)?, true).await,
            Ask::CreateRoom(draft) => self.create(*draft).await,
            Ask::UpdateRoom(key, draft) => self.update(&key, *draft).await,
            Ask::DeleteRoom(key) => self.delete(&key).await,
            Ask::CreateToken(token) => Ok(Some(rest::render_token(&mint(&token)))),
            Ask::ListSessions(filter, page) => self.list_sessions(filter, &page, place).await,
            Ask::FindSession(id) => Ok(Some(rest::render_session(&self.session(id).await?))),
            Ask::ListMembers(id, page) => self.list_members(id, &page, place).await,
            Ask::ListEvents(id, page) => self.list_events(id, &page, place).await,
            Ask::ListRecordings(session, ttl_s, page) => self.list_recordings(session, ttl_s, &page, place).await,
            Ask::FindRecording(id, ttl_s) => self.find_recording(id, ttl_s, place).await,
            Ask::DeleteRecording(id) => self.delete_recording(id).await,
            Ask::ListRecordingEvents(id, page) => self.recording(id).await.map(|_| Some(nothing(&page, place))),
            Ask::ListStreams(key, page) => self.find(&key).map(|_| Some(nothing(&page, place))),
            Ask::ListLogs(page) => Ok(Some(nothing(&page, place))),
        }
    }

    async fn list_rooms(&self, filter: RoomFilter, page: &Page, place: Place<'_>) -> Answered {
        let (found, after) = self.records().page(&filter, page.size, page.after);
        let mut rows = Vec::with_capacity(found.len());
        for room in found {
            rows.extend(self.show(&room, filter.active_session).await?);
        }
        Ok(Some(rest::render_list(&place.url(), page, Ends { after }, rows)))
    }

    async fn create(&self, draft: RoomDraft) -> Answered {
        let _turn = self.changing.lock().await;
        let room = {
            let records = self.records();
            let name = draft.name.clone().unwrap_or_default();
            records.admit(&name).map_err(denied)?;
            draft.make(signalwire::room_id(&name), records.moment(clock::unix_ms()))
        };
        self.keep(&room).await?;
        self.show(&room, false).await
    }

    async fn update(&self, key: &Key, draft: RoomDraft) -> Answered {
        let _turn = self.changing.lock().await;
        let room = draft.change(self.find(key)?, clock::unix_ms())?;
        self.keep(&room).await?;
        self.show(&room, false).await
    }

    async fn delete(&self, key: &Key) -> Answered {
        let _turn = self.changing.lock().await;
        let room = self.find(key)?;
        self.write(Write::Unset { key: Records::key(&room) }).await?;
        self.records().remove(&room.name);
        // Undefining is never refused.
        let _ = self.hub.owner(Command::Undefine(room.name.as_str().into())).await;
        Ok(None)
    }

    /// Writes a room down, then makes it count.
    async fn keep(&self, room: &RoomRecord) -> Result<(), Refusal> {
        self.write(Write::Setting { key: Records::key(room), value: room.text() }).await?;
        self.records().put(room.clone());
        self.define(room).await;
        Ok(())
    }

    async fn define(&self, room: &RoomRecord) {
        let (now, now_ms) = (self.hub.moment(), clock::unix_ms());
        let definition = room.definition(|ms| moment(now, now_ms, ms));
        if let Err(refusal) = self.hub.owner(Command::Define(room.name.as_str().into(), Box::new(definition))).await {
            tracing::error!(?refusal, "a room that was made by REST cannot begin");
        }
    }

    async fn show(&self, room: &RoomRecord, with_session: bool) -> Answered {
        let active = match with_session {
            true => self.active(&room.name).await?,
            false => None,
        };
        Ok(Some(rest::render_room(room, active.as_ref())))
    }

    /// The session in progress of this name.
    async fn active(&self, name: &str) -> Result<Option<rest::Session>, Refusal> {
        Ok(self.hub.room(name).await.map(|view| self.live(&view)))
    }

    fn live(&self, view: &RoomView) -> rest::Session {
        sessions::live(view, self.hub.moment(), clock::unix_ms())
    }

    fn find(&self, key: &Key) -> Result<RoomRecord, Refusal> {
        self.records().find(key).cloned().ok_or(Refusal::NotFound)
    }

    async fn write(&self, write: Write) -> Result<(), Refusal> {
        let Some(history) = &self.history else { return Ok(()) };
        history.journal.write(vec![write]).await.map_err(unavailable)
    }

    /// Never hold it over an `await`.
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    fn url(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }
}

/// A list with nothing in it.
fn nothing(page: &Page, place: Place<'_>) -> Value {
    rest::render_list(&place.url(), page, Ends::default(), Vec::new())
}

fn denied(why: Denied) -> Refusal {
    match why {
        Denied::Exists => Refusal::Invalid(vec![Fault::taken("name")]),
        Denied::TooMany => Refusal::invalid("name", "cannot be made: there are too many rooms"),
    }
}

fn unavailable(problem: store::Problem) -> Refusal {
    tracing::warn!(%problem, "a call of REST found no database");
    match problem {
        store::Problem::Unavailable(_) => Refusal::Unavailable,
        _ => Refusal::Internal,
    }
}

/// The moment of the rooms' clock that a time of day is.
fn moment(now: Moment, now_ms: u64, ms: u64) -> Moment {
    let away = std::time::Duration::from_millis(ms.abs_diff(now_ms));
    if ms >= now_ms { now + away } else { now - away }
}
