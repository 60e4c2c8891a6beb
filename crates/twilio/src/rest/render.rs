//! The text of answers.

use super::paging::{Ends, ListOf, Meta, PageAsk};
use super::view::{Participant, View};
use crate::sid;
use room::{ParticipantId, RoomId};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// From where an answer is seen: addresses in it are on the host that was asked.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// Scheme, host and port, as the request had them: `https://video.example.org:8443`. No slash at the end.
    pub url: &'a str,
    /// The account (`AC…`).
    pub account: &'a str,
}

impl Host<'_> {
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.url)
    }

    pub(super) fn participant(&self, room: RoomId, participant: ParticipantId) -> String {
        self.at(&format!("Rooms/{}/Participants/{}", sid::room(room), sid::participant(participant)))
    }
}

/// One thing.
#[must_use]
pub fn render(host: &Host<'_>, view: &impl View) -> String {
    text(&view.fields(host))
}

/// A participant whose identity was just forgotten, as that call answers.
#[must_use]
pub fn render_anonymized(host: &Host<'_>, participant: &Participant) -> String {
    text(&participant.fields(host).anonymized())
}

/// A page of a list. For lists that are empty here, `rows` is `&[Nothing; 0]`.
#[must_use]
pub fn render_list<V: View>(host: &Host<'_>, list: ListOf, page: &PageAsk, rows: &[V], ends: Ends) -> String {
    text(&Page { rows: rows.iter().map(|row| row.fields(host)).collect(), meta: page.meta(host, list, ends) })
}

/// The only array at the top, and what it says of itself.
struct Page<T> {
    rows: Vec<T>,
    meta: Meta,
}

impl<T: Serialize> Serialize for Page<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry(self.meta.key, &self.rows)?;
        map.serialize_entry("meta", &self.meta)?;
        map.end()
    }
}

/// JSON of values that always have some: text keys, and nothing that can fail.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
