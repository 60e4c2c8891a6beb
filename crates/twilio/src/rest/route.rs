//! Which call a request is.

use super::ask::{Ask, CompositionId, HookId, Key, RecordingId, SettingsOf};
use super::form::{Form, unescape};
use super::limit::{BODY_BYTES_MAX, PAGE_SIZE_MAX, PAGE_SIZE_MEDIA_MAX, PATH_BYTES_MAX};
use super::paging::PageAsk;
use super::refusal::{Code, Refusal};
use super::{composition, media, rooms, rules};
use crate::sid;
use room::{ParticipantId, RoomId, RoomKind, TrackId};

/// A request, authenticated.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST` ...
    pub method: &'a str,
    /// The path as it came, escaped.
    pub path: &'a str,
    /// What follows the `?`, as it came; empty if nothing does.
    pub query: &'a str,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
    /// What rooms are unless a request says otherwise.
    pub defaults: &'a Defaults,
}

/// What rooms of an account are unless a request says otherwise.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// Their kind.
    pub kind: RoomKind,
    /// What is said to be the region of their media, where it passes the server.
    pub media_region: String,
}

/// What the request asks for.
///
/// # Errors
/// The [`Refusal`] to answer with: of unknown paths, wrong methods, and the first parameter that is wrong.
pub fn parse(request: &Request<'_>) -> Result<Ask, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::too_large());
    }
    let unknown = || Refusal::not_found(request.path);
    let parts = parts(request.path).ok_or_else(unknown)?;
    let verb = Verb::of(request.method);
    let form = match verb {
        Some(Verb::Post) => Form::of_body(request.content_type, request.body)?,
        _ => Form::of_query(request.query)?,
    };
    let call = Call { path: request.path, form: &form, defaults: request.defaults };
    let asked = verb.map_or(Ok(None), |verb| route(verb, &parts, &call))?;
    asked.ok_or_else(|| allowed(&parts, &call).map_or_else(unknown, Refusal::method))
}

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Post,
    Delete,
}

use Verb::{Delete, Get, Post};

impl Verb {
    fn of(method: &str) -> Option<Self> {
        match method {
            "GET" | "HEAD" => Some(Get),
            "POST" => Some(Post),
            "DELETE" => Some(Delete),
            _ => None,
        }
    }
}

struct Call<'a> {
    path: &'a str,
    form: &'a Form,
    defaults: &'a Defaults,
}

/// Every route. Nothing, if there is none.
fn route(verb: Verb, parts: &[&str], call: &Call<'_>) -> Result<Option<Ask>, Refusal> {
    let form = call.form;
    let page = |kept: &[&str]| PageAsk::read(form, PAGE_SIZE_MAX, kept);
    let media_page = |kept: &[&str]| PageAsk::read(form, PAGE_SIZE_MEDIA_MAX, kept);
    Ok(Some(match (verb, parts) {
        (Get, ["Rooms"]) => Ask::ListRooms(rooms::filter(form)?, page(&rooms::FILTERS)?),
        (Post, ["Rooms"]) => Ask::CreateRoom(Box::new(rooms::create(form, call.defaults)?)),
        (Get, ["Rooms", r]) => Ask::FindRoom(call.room(r)?),
        (Post, ["Rooms", r]) => Ask::CompleteRoom(call.room(r).and_then(|room| rooms::complete(form).map(|()| room))?),

        (Get, ["Rooms", r, "Participants"]) => {
            Ask::ListParticipants(call.room(r)?, rooms::participants(form)?, page(&rooms::PARTICIPANT_FILTERS)?)
        }
        (Get, ["Rooms", r, "Participants", p]) => Ask::FindParticipant(call.room(r)?, call.participant(p)?),
        (Post, ["Rooms", r, "Participants", p]) => {
            let (room, participant) = (call.room(r)?, call.participant(p)?);
            rooms::disconnect(form)?;
            Ask::RemoveParticipant(room, participant)
        }
        (Post, ["Rooms", r, "Participants", p, "Anonymize"]) => Ask::Anonymize(call.room(r)?, call.participant(p)?),
        (Get, ["Rooms", r, "Participants", p, "PublishedTracks"]) => {
            Ask::ListPublished(call.room(r)?, call.participant(p)?, page(&[])?)
        }
        (Get, ["Rooms", r, "Participants", p, "PublishedTracks", t]) => {
            Ask::FindPublished(call.room(r)?, call.participant(p)?, call.track(t)?)
        }
        (Get, ["Rooms", r, "Participants", p, "SubscribedTracks"]) => {
            Ask::ListSubscribed(call.room(r)?, call.participant(p)?, page(&[])?)
        }
        (Get, ["Rooms", r, "Participants", p, "SubscribedTracks", t]) => {
            Ask::FindSubscribed(call.room(r)?, call.participant(p)?, TrackId(call.sid("MT", t)?))
        }
        (Get, ["Rooms", r, "Participants", p, "SubscribeRules"]) => Ask::FindSubscribeRules(call.room(r)?, call.participant(p)?),
        (Post, ["Rooms", r, "Participants", p, "SubscribeRules"]) => {
            Ask::SetSubscribeRules(call.room(r)?, call.participant(p)?, call.rules(rules::subscribe, Code::SubscribeRules)?)
        }

        (Get, ["Rooms", r, "RecordingRules"]) => Ask::FindRecordingRules(call.room(r)?),
        (Post, ["Rooms", r, "RecordingRules"]) => {
            Ask::SetRecordingRules(call.room(r)?, call.rules(rules::recording, Code::RecordingRules)?)
        }
        (Get, ["Rooms", r, "Recordings"]) => {
            let filter = Box::new(media::room_recordings(form)?);
            Ask::ListRecordings(Some(call.room(r)?), filter, media_page(&media::ROOM_RECORDING_FILTERS)?)
        }
        (Get, ["Rooms", r, "Recordings", rt]) => Ask::FindRecording(Some(call.room(r)?), call.recording(rt)?),
        (Delete, ["Rooms", r, "Recordings", rt]) => Ask::DeleteRecording(Some(call.room(r)?), call.recording(rt)?),
        (Get, ["Rooms", r, "Recordings", rt, "Media"]) => {
            Ask::RecordingMedia(Some(call.room(r)?), call.recording(rt)?, media::ttl(form)?)
        }
        (Get, ["Rooms", r, "Transcriptions"]) => Ask::ListTranscriptions(call.room(r)?, page(&[])?),
        (Post, ["Rooms", _, "Transcriptions"]) => return Err(media::transcribe()),
        (Get | Post, ["Rooms", r, "Transcriptions", t]) => Ask::FindTranscription(call.room(r)?, call.text(t)?),

        (Get, ["Recordings"]) => {
            Ask::ListRecordings(None, Box::new(media::recordings(form)?), media_page(&media::RECORDING_FILTERS)?)
        }
        (Get, ["Recordings", rt]) => Ask::FindRecording(None, call.recording(rt)?),
        (Delete, ["Recordings", rt]) => Ask::DeleteRecording(None, call.recording(rt)?),
        (Get, ["Recordings", rt, "Media"]) => Ask::RecordingMedia(None, call.recording(rt)?, media::ttl(form)?),
        (Get, ["Compositions"]) => Ask::ListCompositions(media::compositions(form)?, media_page(&media::COMPOSITION_FILTERS)?),
        (Post, ["Compositions"]) => Ask::Compose(Box::new(composition::create(form)?)),
        (Get, ["Compositions", cj]) => Ask::FindComposition(CompositionId(call.sid("CJ", cj)?)),
        (Delete, ["Compositions", cj]) => Ask::DeleteComposition(CompositionId(call.sid("CJ", cj)?)),
        (Get, ["Compositions", cj, "Media"]) => Ask::CompositionMedia(CompositionId(call.sid("CJ", cj)?), media::ttl(form)?),
        (Get, ["CompositionHooks"]) => Ask::ListHooks(media::hooks(form)?, page(&media::HOOK_FILTERS)?),
        (Post, ["CompositionHooks"]) => Ask::MakeHook(Box::new(composition::make_hook(form)?)),
        (Get, ["CompositionHooks", hk]) => Ask::FindHook(HookId(call.sid("HK", hk)?)),
        (Post, ["CompositionHooks", hk]) => {
            Ask::ChangeHook(HookId(call.sid("HK", hk)?), Box::new(composition::change_hook(form)?))
        }
        (Delete, ["CompositionHooks", hk]) => Ask::DeleteHook(HookId(call.sid("HK", hk)?)),

        (Get, ["RecordingSettings", "Default"]) => Ask::FindSettings(SettingsOf::Recordings),
        (Post, ["RecordingSettings", "Default"]) => Ask::NameSettings(SettingsOf::Recordings, media::settings(form)?),
        (Get, ["CompositionSettings", "Default"]) => Ask::FindSettings(SettingsOf::Compositions),
        (Post, ["CompositionSettings", "Default"]) => Ask::NameSettings(SettingsOf::Compositions, media::settings(form)?),
        _ => return Ok(None),
    }))
}

/// The methods that a path knows; none if it is unknown.
fn allowed(parts: &[&str], call: &Call<'_>) -> Option<String> {
    let call = Call { form: &Form::default(), ..*call };
    let known = |verb: Verb| !matches!(route(verb, parts, &call), Ok(None));
    let verbs = [("GET, HEAD", Get), ("POST", Post), ("DELETE", Delete)];
    let names: Vec<&str> = verbs.into_iter().filter(|(_, verb)| known(*verb)).map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What is between the slashes after `/v1/`, escaped. One slash at the end is passed over.
fn parts(path: &str) -> Option<Vec<&str>> {
    let inside = path.strip_prefix("/v1/").filter(|_| path.len() <= PATH_BYTES_MAX)?;
    let parts: Vec<&str> = inside.strip_suffix('/').unwrap_or(inside).split('/').collect();
    parts.iter().all(|part| !part.is_empty()).then_some(parts)
}

impl Call<'_> {
    fn room(&self, part: &str) -> Result<Key<RoomId>, Refusal> {
        self.key(part, sid::parse_room)
    }

    fn participant(&self, part: &str) -> Result<Key<ParticipantId>, Refusal> {
        self.key(part, sid::parse_participant)
    }

    fn track(&self, part: &str) -> Result<Key<TrackId>, Refusal> {
        self.key(part, sid::parse_track)
    }

    fn recording(&self, part: &str) -> Result<RecordingId, Refusal> {
        self.sid("RT", part).map(RecordingId)
    }

    fn key<Id>(&self, part: &str, id: fn(&str) -> Option<Id>) -> Result<Key<Id>, Refusal> {
        let text = self.text(part)?;
        let spaced = part.contains('+').then(|| self.text(&part.replace('+', "%20"))).transpose()?;
        Ok(Key { id: id(&text), text, spaced })
    }

    /// What is not spelled like a SID is nothing.
    fn sid(&self, letters: &str, part: &str) -> Result<u128, Refusal> {
        sid::parse_with(letters, part).ok_or_else(|| Refusal::not_found(self.path))
    }

    fn text(&self, part: &str) -> Result<String, Refusal> {
        String::from_utf8(unescape(part.as_bytes(), false)).map_err(|_| Refusal::not_found(self.path))
    }

    fn rules(&self, read: rules::Reader, code: Code) -> Result<Vec<rules::RuleLine>, Refusal> {
        read(self.form.required("Rules")?).map_err(|why| Refusal::of(code, "Rules", &why))
    }
}
