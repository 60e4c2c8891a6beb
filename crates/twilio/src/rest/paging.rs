//! Pages of lists: which one is asked for, and the addresses of the others.

use super::form::{Form, decimal, encode};
use super::limit::PAGE_SIZE_DEFAULT;
use super::refusal::Refusal;
use super::render::Host;
use crate::sid;
use room::{ParticipantId, RoomId};
use serde::Serialize;

/// The page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageAsk {
    /// Rows.
    pub size: usize,
    /// Its number from 0, only for show.
    pub number: u32,
    /// Where it is.
    pub anchor: Anchor,
    /// The filters as they came, for the addresses of the other pages.
    pub filters: Vec<(String, String)>,
}

/// Where a page is: beside a row, so that rows that come between two pages cause neither loss nor repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The first page.
    First,
    /// What follows the row at this place.
    After(i64),
    /// What goes before the row at this place.
    Before(i64),
}

/// What is around the rows of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The place of its first row, if there are rows before it.
    pub before: Option<i64>,
    /// The place of its last row, if there are rows after it.
    pub after: Option<i64>,
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOf {
    /// Rooms.
    Rooms,
    /// Participants of a room.
    Participants(RoomId),
    /// Tracks that a participant publishes.
    Published(RoomId, ParticipantId),
    /// Tracks that a participant receives.
    Subscribed(RoomId, ParticipantId),
    /// Recordings, of one room or of all.
    Recordings(Option<RoomId>),
    /// Transcriptions of a room.
    Transcriptions(RoomId),
    /// Compositions.
    Compositions,
    /// Composition hooks.
    Hooks,
}

impl PageAsk {
    pub(super) fn read(form: &Form, size_max: usize, kept: &[&str]) -> Result<Self, Refusal> {
        let anchor = form.one(TOKEN)?.map(|text| Anchor::read(text).ok_or_else(|| Refusal::invalid(TOKEN, "is none of ours")));
        let anchor = anchor.transpose()?.unwrap_or(Anchor::First);
        let number = form.one(NUMBER)?.map(|text| decimal(text).ok_or_else(|| Refusal::invalid(NUMBER, "must be a number")));
        let number = number.transpose()?.unwrap_or(0);
        // Without a place, a client that counts pages by itself would be given the first one for ever.
        if number > 0 && anchor == Anchor::First {
            return Err(Refusal::invalid(NUMBER, "needs the PageToken of next_page_url"));
        }
        Ok(PageAsk { size: size(form, size_max)?, number, anchor, filters: form.kept(kept) })
    }

    pub(super) fn meta(&self, host: &Host<'_>, list: ListOf, ends: Ends) -> Meta {
        let url = |number: u32, anchor: Anchor| self.url(host, list, number, anchor);
        Meta {
            page: self.number,
            page_size: self.size,
            first_page_url: url(0, Anchor::First),
            previous_page_url: ends.before.map(|place| url(self.number.saturating_sub(1), Anchor::Before(place))),
            url: url(self.number, self.anchor),
            next_page_url: ends.after.map(|place| url(self.number.saturating_add(1), Anchor::After(place))),
            key: list.key(),
        }
    }

    fn url(&self, host: &Host<'_>, list: ListOf, number: u32, anchor: Anchor) -> String {
        let (size, number, token) = (self.size.to_string(), number.to_string(), anchor.write());
        let filters = self.filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let place = [(SIZE, size.as_str()), (NUMBER, &number)].into_iter().chain(token.as_deref().map(|token| (TOKEN, token)));
        format!("{}/v1/{}?{}", host.url, list.path(), encode(filters.chain(place)))
    }
}

const SIZE: &str = "PageSize";
const NUMBER: &str = "Page";
const TOKEN: &str = "PageToken";

/// A size above the largest is the largest.
fn size(form: &Form, size_max: usize) -> Result<usize, Refusal> {
    let Some(text) = form.one(SIZE)? else { return Ok(PAGE_SIZE_DEFAULT) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let size = decimal(text).map_or(size_max, |size| size_max.min(usize::try_from(size).unwrap_or(size_max)));
    if digits && size > 0 { Ok(size) } else { Err(Refusal::invalid(SIZE, "must be a whole number from 1")) }
}

impl Anchor {
    /// Opaque to clients: `PT`, a letter for the direction, 16 hex digits.
    fn write(self) -> Option<String> {
        match self {
            Anchor::First => None,
            Anchor::After(place) => Some(format!("PTA{place:016x}")),
            Anchor::Before(place) => Some(format!("PTB{place:016x}")),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (direction, hex) = text.strip_prefix("PT")?.split_at_checked(1)?;
        let plain = hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let place = u64::from_str_radix(hex, 16).ok().filter(|_| plain)?.cast_signed();
        match direction {
            "A" => Some(Anchor::After(place)),
            "B" => Some(Anchor::Before(place)),
            _ => None,
        }
    }
}

impl ListOf {
    /// The name of the array in the answer.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            ListOf::Rooms => "rooms",
            ListOf::Participants(_) => "participants",
            ListOf::Published(..) => "published_tracks",
            ListOf::Subscribed(..) => "subscribed_tracks",
            ListOf::Recordings(_) => "recordings",
            ListOf::Transcriptions(_) => "transcriptions",
            ListOf::Compositions => "compositions",
            ListOf::Hooks => "composition_hooks",
        }
    }

    fn path(self) -> String {
        let participant = |room, participant| format!("Rooms/{}/Participants/{}", sid::room(room), sid::participant(participant));
        match self {
            ListOf::Rooms => "Rooms".into(),
            ListOf::Participants(room) => format!("Rooms/{}/Participants", sid::room(room)),
            ListOf::Published(room, of) => format!("{}/PublishedTracks", participant(room, of)),
            ListOf::Subscribed(room, of) => format!("{}/SubscribedTracks", participant(room, of)),
            ListOf::Recordings(Some(room)) => format!("Rooms/{}/Recordings", sid::room(room)),
            ListOf::Recordings(None) => "Recordings".into(),
            ListOf::Transcriptions(room) => format!("Rooms/{}/Transcriptions", sid::room(room)),
            ListOf::Compositions => "Compositions".into(),
            ListOf::Hooks => "CompositionHooks".into(),
        }
    }
}

/// What every list says of itself.
#[derive(Serialize)]
pub(super) struct Meta {
    page: u32,
    page_size: usize,
    first_page_url: String,
    previous_page_url: Option<String>,
    url: String,
    next_page_url: Option<String>,
    pub(super) key: &'static str,
}
