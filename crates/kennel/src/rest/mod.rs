//! Carries out what Twilio's REST API asks: live things by the hub, everything else from the history, which is brought up to date first,
//! so that whoever did something sees it.

mod compositions;
mod lists;
mod recordings;
pub mod rows;
mod rules;

use std::sync::Arc;

use room::{Answer, Command, Create, ParticipantId, Refusal as Denial, RoomId, RoomRef, Sealed, Terms};
use store::{IdentityOrId, NameOrId, ParticipantRow, RoomRow, Store, TrackRow};
use twilio::rest::{self, Ask, Code, Defaults, Host, Key, Nothing, Refusal, SettingsOf};
use twilio::sid;

use crate::egress::Egress;
use crate::hub;
use crate::journal;
use crate::shelf::Shelf;
use crate::studio::Studio;

/// Everything that calls need.
pub struct Desk {
    /// The rooms.
    pub hub: hub::Handle,
    /// What happened.
    pub store: Arc<dyn Store>,
    /// Who writes it down.
    pub journal: journal::Handle,
    /// Where callbacks may go.
    pub egress: Egress,
    /// What was recorded.
    pub shelf: Shelf,
    /// What is composed of it.
    pub studio: Studio,
    /// What rooms are unless a request says otherwise.
    pub defaults: Defaults,
    /// Held by who sets rules about what a participant receives.
    pub ruling: tokio::sync::Mutex<()>,
    /// Held by who names a hook.
    pub naming: tokio::sync::Mutex<()>,
}

/// The parameter of callbacks that holds a participant's name.
const IDENTITY: &str = "ParticipantIdentity";

const CALLBACK: &str = "StatusCallback";
const STATUS: &str = "Status";

/// Why a callback's address is refused that is a URL.
const NOWHERE: &str = "must not lead to this server, nor to an address that its setting webhooks_to leaves out";

/// A call's answer: its JSON.
pub type Answered = Result<String, Refusal>;

/// What is said over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// JSON, or nothing.
    pub text: String,
    /// Where else to go.
    pub location: Option<String>,
}

impl Desk {
    /// Does what is asked. `path` is the request's, for words about what is not there.
    ///
    /// # Errors
    /// The [`Refusal`] to answer with.
    pub async fn answer(&self, ask: Ask, host: &Host<'_>, path: &str) -> Result<Reply, Refusal> {
        if ask.changes() && self.journal.is_failing() {
            return Err(Refusal::unavailable());
        }
        if !self.journal.is_failing() {
            self.flush().await?;
        }
        let call = Call { desk: self, host, path };
        let file = match &ask {
            Ask::RecordingMedia(room, recording, ttl_s) => Some(call.recording_media(room.as_ref(), *recording, *ttl_s).await?),
            Ask::CompositionMedia(composition, ttl_s) => Some(call.composition_media(*composition, *ttl_s).await?),
            _ => None,
        };
        if let Some(url) = file {
            return Ok(Reply { text: rest::render_redirect(&url), location: Some(url) });
        }
        call.answer(ask).await.map(|text| Reply { text, location: None })
    }

    async fn flush(&self) -> Result<(), Refusal> {
        self.journal.flush().await.map_err(unavailable)
    }
}

/// One call.
struct Call<'a> {
    desk: &'a Desk,
    host: &'a Host<'a>,
    path: &'a str,
}

impl Call<'_> {
    async fn answer(&self, ask: Ask) -> Answered {
        match ask {
            Ask::FindRoom(room) => self.show_room(&self.room(&room).await?),
            Ask::ListRooms(filter, page) => self.list_rooms(filter, &page).await,
            Ask::CreateRoom(new) => self.create(*new).await,
            Ask::CompleteRoom(room) => self.complete(&room).await,
            Ask::FindParticipant(room, who) => self.show_participant(&self.participant(&room, &who).await?.1),
            Ask::ListParticipants(room, filter, page) => self.list_participants(&room, filter, &page).await,
            Ask::RemoveParticipant(room, who) => self.remove(&room, &who).await,
            Ask::Anonymize(room, who) => self.anonymize(&room, &who).await,
            Ask::FindPublished(room, who, track) => self.find_published(&room, &who, &track).await,
            Ask::ListPublished(room, who, page) => self.list_published(&room, &who, &page).await,
            Ask::FindSubscribed(room, who, track) => self.find_subscribed(&room, &who, track).await,
            Ask::ListSubscribed(room, who, page) => self.list_subscribed(&room, &who, &page).await,
            Ask::FindSubscribeRules(room, who) => self.find_subscribe_rules(&room, &who).await,
            Ask::SetSubscribeRules(room, who, rules) => self.set_subscribe_rules(&room, &who, rules).await,
            Ask::FindRecordingRules(room) => self.find_recording_rules(&room).await,
            Ask::SetRecordingRules(room, rules) => self.set_recording_rules(&room, rules).await,
            Ask::FindSettings(of) => self.find_settings(of).await,
            Ask::NameSettings(of, name) => self.name_settings(of, name).await,
            other => self.answer_media(other).await,
        }
    }

    /// Of what is not made here lists are empty, and nothing is found.
    async fn answer_media(&self, ask: Ask) -> Answered {
        match ask {
            Ask::FindRecording(room, id) => self.find_recording(room.as_ref(), id).await,
            Ask::ListRecordings(room, filter, page) => self.list_recordings(room.as_ref(), *filter, &page).await,
            Ask::DeleteRecording(room, id) => self.delete_recording(room.as_ref(), id).await,
            Ask::Compose(new) => self.compose(*new).await,
            Ask::FindComposition(id) => self.find_composition(id).await,
            Ask::ListCompositions(filter, page) => self.list_compositions(&filter, &page).await,
            Ask::DeleteComposition(id) => self.delete_composition(id).await,
            Ask::MakeHook(new) => self.make_hook(*new).await,
            Ask::FindHook(id) => self.find_hook(id).await,
            Ask::ListHooks(filter, page) => self.list_hooks(filter, &page).await,
            Ask::ChangeHook(id, new) => self.change_hook(id, *new).await,
            Ask::DeleteHook(id) => self.delete_hook(id).await,
            Ask::ListTranscriptions(room, page) => {
                let list = rest::ListOf::Transcriptions(RoomId(self.room(&room).await?.id));
                Ok(rest::render_list(self.host, list, &page, &[] as &[Nothing], rest::Ends::default()))
            }
            _ => Err(self.not_found()),
        }
    }

    async fn create(&self, new: rest::NewRoom) -> Answered {
        self.check_callback(new.memo.status_callback.as_deref())?;
        let seconds = |seconds: u32| std::time::Duration::from_secs(seconds.into());
        let made = Terms::made(new.kind);
        let terms = Terms {
            seats_max: usize::try_from(new.seats_max).unwrap_or(usize::MAX),
            empty_timeout: seconds(new.empty_timeout_s),
            unused_timeout: seconds(new.unused_timeout_s),
            session_max: Some(seconds(new.session_max_s)).filter(|limit| !limit.is_zero()),
            tracks_max: new.tracks_max.map(|count| usize::try_from(count).unwrap_or(usize::MAX)),
            ..made
        };
        let room = new.name.map_or(RoomRef::Unnamed(sid::room), |name| RoomRef::Name(name.into()));
        let create = Create { room, kind: new.kind, options: new.options, terms, memo: Sealed(new.memo.text().into()) };
        let answer = self.desk.hub.owner(Command::Create(Box::new(create))).await.map_err(denied)?;
        let Answer::Room(room) = answer else { return Err(Refusal::internal()) };
        match self.kept(room.id).await {
            Ok(row) => self.show_room(&row),
            Err(refusal) => {
                // Nobody was told of it: as if it had never been.
                let _ = self.desk.hub.owner(Command::EndRoom(room.id)).await;
                Err(refusal)
            }
        }
    }

    /// Whether callbacks may go there.
    fn check_callback(&self, url: Option<&str>) -> Result<(), Refusal> {
        let Some(url) = url else { return Ok(()) };
        self.desk.egress.check(url).map(drop).map_err(|_| Refusal::of(Code::Callback, CALLBACK, NOWHERE))
    }

    /// A room that just began, as the history has it.
    async fn kept(&self, room: RoomId) -> Result<RoomRow, Refusal> {
        self.desk.flush().await?;
        self.room_by(NameOrId::Id(room.0)).await?.ok_or_else(Refusal::internal)
    }

    async fn complete(&self, room: &Key<RoomId>) -> Answered {
        let row = self.room(room).await?;
        let ended = self.desk.hub.owner(Command::EndRoom(RoomId(row.id))).await;
        ended.map_err(|_| Refusal::of(Code::Status, STATUS, "can be given to a room in progress only"))?;
        self.desk.flush().await?;
        let row = self.room_by(NameOrId::Id(row.id)).await?.ok_or_else(Refusal::internal)?;
        self.show_room(&row)
    }

    async fn remove(&self, room: &Key<RoomId>, who: &Key<ParticipantId>) -> Answered {
        let (_, row) = self.participant(room, who).await?;
        let removed = self.desk.hub.owner(Command::Remove(ParticipantId(row.id))).await;
        let gone = |_| Refusal::of(Code::ParticipantStatus, STATUS, "can be given to a participant who is in the room only");
        removed.map_err(gone)?;
        self.desk.flush().await?;
        let row = self.participant_by(row.room, IdentityOrId::Id(row.id)).await?.ok_or_else(Refusal::internal)?;
        self.show_participant(&row)
    }

    async fn anonymize(&self, room: &Key<RoomId>, who: &Key<ParticipantId>) -> Answered {
        let (_, row) = self.participant(room, who).await?;
        if row.status != store::ParticipantStatus::Disconnected {
            return Err(Refusal::of(Code::ParticipantStatus, STATUS, "must be disconnected before"));
        }
        let (participant, at_ms) = (row.id, crate::clock::unix_ms());
        let identity = sid::participant(ParticipantId(row.id));
        self.write(store::Write::Anonymize { participant, identity, parameter: IDENTITY.to_owned(), at_ms }).await?;
        let row = self.participant_by(row.room, IdentityOrId::Id(row.id)).await?.ok_or_else(Refusal::internal)?;
        Ok(rest::render_anonymized(self.host, &rows::participant(&row)))
    }

    async fn find_settings(&self, of: SettingsOf) -> Answered {
        let friendly_name = self.desk.store.setting(setting_key(of)).await.map_err(unavailable)?;
        Ok(rest::render(self.host, &rest::Settings { of, friendly_name }))
    }

    async fn name_settings(&self, of: SettingsOf, name: String) -> Answered {
        self.write(store::Write::Setting { key: setting_key(of).to_owned(), value: name }).await?;
        self.find_settings(of).await
    }

    fn show_room(&self, row: &RoomRow) -> Answered {
        Ok(rest::render(self.host, &rows::room(row)))
    }

    fn show_participant(&self, row: &ParticipantRow) -> Answered {
        Ok(rest::render(self.host, &rows::participant(row)))
    }

    /// The room that this key means.
    async fn room(&self, key: &Key<RoomId>) -> Result<RoomRow, Refusal> {
        if let Some(id) = key.id
            && let Some(row) = self.room_by(NameOrId::Id(id.0)).await?
        {
            return Ok(row);
        }
        for name in names(key) {
            if let Some(row) = self.room_by(NameOrId::Name(name.to_owned())).await? {
                return Ok(row);
            }
        }
        Err(self.not_found())
    }

    /// The participant that this key means, and its room.
    async fn participant(&self, room: &Key<RoomId>, key: &Key<ParticipantId>) -> Result<(RoomRow, ParticipantRow), Refusal> {
        let room = self.room(room).await?;
        if let Some(id) = key.id
            && let Some(row) = self.participant_by(room.id, IdentityOrId::Id(id.0)).await?
        {
            return Ok((room, row));
        }
        for identity in names(key) {
            if let Some(row) = self.participant_by(room.id, IdentityOrId::Identity(identity.to_owned())).await? {
                return Ok((room, row));
            }
        }
        Err(self.not_found())
    }

    /// The track of this participant that this key means.
    async fn track(&self, participant: u128, key: &rest::TrackKey) -> Result<TrackRow, Refusal> {
        let by_id = key.id.map(|id| NameOrId::Id(id.0));
        let by_name = names(key).map(|name| NameOrId::Name(name.to_owned()));
        for which in by_id.into_iter().chain(by_name) {
            if let Some(row) = self.desk.store.track(participant, which).await.map_err(unavailable)? {
                return Ok(row);
            }
        }
        Err(self.not_found())
    }

    async fn room_by(&self, room: NameOrId) -> Result<Option<RoomRow>, Refusal> {
        self.desk.store.room(self.host.account, room).await.map_err(unavailable)
    }

    async fn participant_by(&self, room: u128, who: IdentityOrId) -> Result<Option<ParticipantRow>, Refusal> {
        self.desk.store.participant(room, who).await.map_err(unavailable)
    }

    async fn write(&self, write: store::Write) -> Result<(), Refusal> {
        self.desk.journal.write(vec![write]).await.map_err(unavailable)
    }

    fn not_found(&self) -> Refusal {
        Refusal::not_found(self.path)
    }
}

/// The words that a key may be a name by.
fn names<Id>(key: &Key<Id>) -> impl Iterator<Item = &str> {
    std::iter::once(&key.text).chain(&key.spaced).map(String::as_str)
}

fn setting_key(of: SettingsOf) -> &'static str {
    match of {
        SettingsOf::Recordings => "recording_settings.friendly_name",
        SettingsOf::Compositions => "composition_settings.friendly_name",
    }
}

/// What the rooms refuse to their owner, in the vendor's codes.
fn denied(denial: Denial) -> Refusal {
    let code = match denial {
        Denial::RoomExists => return Refusal::of(Code::RoomExists, "UniqueName", "is the name of a room in progress"),
        Denial::TooManyRooms => Code::TooManyRooms,
        Denial::KindNotServed => Code::CannotCreate,
        Denial::AudioOnlyNotServed => Code::AudioOnly,
        Denial::RoomNameInvalid => Code::NameInvalid,
        Denial::RoomNameTooLong => Code::NameTooLong,
        Denial::RoomNameCharacters => Code::NameCharacters,
        Denial::SeatsInvalid => Code::MaxParticipants,
        Denial::NoRules => Code::NoSubscriptions,
        other => {
            tracing::error!(refusal = ?other, "the rooms refused their owner what was checked before");
            return Refusal::internal();
        }
    };
    Refusal::room(code)
}

fn unavailable(problem: store::Problem) -> Refusal {
    tracing::warn!(%problem, "a call of REST found no database");
    match problem {
        store::Problem::Unavailable(_) => Refusal::unavailable(),
        _ => Refusal::internal(),
    }
}
