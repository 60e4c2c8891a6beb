//! Sessions: those in progress as the rooms have them, and all as the history does.

use room::{Moment, RoomView};
use serde_json::Value;
use signalwire::rest::{self, Ends, Event, Member, Page, Refusal, RoomRecord, Session, SessionFilter, SessionStatus};
use store::{EventRow, NameOrId, PageOf, ParticipantFilter, RoomRow, RoomStatus};

use super::{Answered, History, Place, Spaces, nothing, unavailable};

/// Pages of the history that are looked through for one page of a list whose filter the database does not know.
const PAGES_MAX: usize = 20;

impl Spaces {
    pub(super) async fn list_sessions(&self, filter: SessionFilter, page: &Page, place: Place<'_>) -> Answered {
        let Some(history) = &self.history else {
            let rooms = self.hub.rooms().await;
            let found = rooms.iter().map(|view| self.live(view)).filter(|one| passes(&filter, one)).take(page.size);
            let rows = found.map(|one| rest::render_session(&one)).collect();
            return Ok(Some(rest::render_list(&place.url(), page, Ends::default(), rows)));
        };
        let mut filling = Filling::new(page);
        while let Some(size) = filling.lacks() {
            let found = self.rooms_of(history, &filter, size, filling.after).await?;
            filling.note(next(&found));
            for row in found.rows {
                let session = self.with_stage(session(&row)).await;
                if passes(&filter, &session) {
                    filling.rows.push(rest::render_session(&session));
                }
            }
        }
        Ok(Some(rest::render_list(&place.url(), page, Ends { after: filling.after }, filling.rows)))
    }

    /// A session, in progress or not.
    pub(super) async fn session(&self, id: u128) -> Result<Session, Refusal> {
        let Some(history) = &self.history else {
            let rooms = self.hub.rooms().await;
            return rooms.iter().find(|view| view.id.0 == id).map(|view| self.live(view)).ok_or(Refusal::NotFound);
        };
        history.journal.flush().await.map_err(unavailable)?;
        let row = history.store.room(&self.account, NameOrId::Id(id)).await.map_err(unavailable)?;
        let session = row.as_ref().map(session).ok_or(Refusal::NotFound)?;
        Ok(self.with_stage(session).await)
    }

    pub(super) async fn list_members(&self, id: u128, page: &Page, place: Place<'_>) -> Answered {
        self.session(id).await?;
        let Some(history) = &self.history else { return Ok(Some(nothing(page, place))) };
        let found = history.store.participants(id, ParticipantFilter::default(), part(page)).await.map_err(unavailable)?;
        let rows = found.rows.iter().map(|row| Member {
            id: row.id,
            session: row.room,
            name: row.identity.clone(),
            came_ms: row.created_ms,
            left_ms: row.ended_ms,
        });
        let rows = rows.map(|member| rest::render_member(&member)).collect();
        Ok(Some(rest::render_list(&place.url(), page, Ends { after: next(&found) }, rows)))
    }

    pub(super) async fn list_events(&self, id: u128, page: &Page, place: Place<'_>) -> Answered {
        let session = self.session(id).await?;
        let Some(history) = &self.history else { return Ok(Some(nothing(page, place))) };
        let found = history.store.events(&self.account, Some(id), part(page)).await.map_err(unavailable)?;
        let rows = found.rows.iter().map(|row| event(row, &session)).collect();
        Ok(Some(rest::render_list(&place.url(), page, Ends { after: next(&found) }, rows)))
    }

    async fn rooms_of(
        &self,
        history: &History,
        filter: &SessionFilter,
        size: usize,
        after: Option<i64>,
    ) -> Result<PageOf<RoomRow>, Refusal> {
        history.journal.flush().await.map_err(unavailable)?;
        let status = filter.status.map(|status| match status {
            SessionStatus::InProgress => RoomStatus::InProgress,
            SessionStatus::Completed => RoomStatus::Completed,
        });
        let name = filter.room_name.clone();
        let asked = store::RoomFilter { status, name, created_from_ms: None, created_before_ms: None };
        history.store.rooms(&self.account, asked, page_after(size, after)).await.map_err(unavailable)
    }

    /// With what only the rooms know while it is in progress.
    async fn with_stage(&self, session: Session) -> Session {
        if session.ended_ms.is_some() {
            return session;
        }
        let view = self.hub.room(&session.name).await.filter(|view| view.id.0 == session.id);
        let stage = view.map(|view| (view.stage.locked, view.stage.layout));
        Session { stage, ..session }
    }
}

/// A page that is filled from pages of the history, of which not every row belongs in it. It asks for no more rows than it has room for,
/// so that the next page begins after its last one.
struct Filling<T> {
    rows: Vec<T>,
    size: usize,
    /// The place that is to be gone on after; none before the first page, and after the last one.
    after: Option<i64>,
    /// How many pages of the history were looked at.
    looked: usize,
}

impl<T> Filling<T> {
    fn new(page: &Page) -> Self {
        Filling { rows: Vec::new(), size: page.size, after: page.after, looked: 0 }
    }

    /// How many rows to ask for, if any.
    fn lacks(&self) -> Option<usize> {
        let over = self.looked == PAGES_MAX || (self.looked > 0 && self.after.is_none());
        self.size.checked_sub(self.rows.len()).filter(|lacks| *lacks > 0 && !over)
    }

    /// A page was found, and after it another begins, or none.
    fn note(&mut self, after: Option<i64>) {
        (self.after, self.looked) = (after, self.looked + 1);
    }
}

/// A session in progress, as the rooms have it.
pub(super) fn live(view: &RoomView, now: Moment, now_ms: u64) -> Session {
    let age_ms = u64::try_from(now.since(view.began).as_millis()).unwrap_or(u64::MAX);
    let began_ms = now_ms.saturating_sub(age_ms);
    Session {
        id: view.id.0,
        record: RoomRecord::of_memo(&view.memo.0),
        name: view.name.to_string(),
        seats_max: u32::try_from(view.terms.seats_max).unwrap_or(u32::MAX),
        began_ms,
        ended_ms: None,
        updated_ms: began_ms,
        stage: Some((view.stage.locked, view.stage.layout)),
    }
}

fn session(row: &RoomRow) -> Session {
    Session {
        id: row.id,
        record: RoomRecord::of_memo(&row.memo),
        name: row.name.clone(),
        seats_max: row.seats_max,
        began_ms: row.created_ms,
        ended_ms: row.ended_ms,
        updated_ms: row.updated_ms,
        stage: None,
    }
}

fn passes(filter: &SessionFilter, session: &Session) -> bool {
    let room_id = signalwire::room_id(&session.name);
    let named = filter.room_name.as_ref().is_none_or(|name| *name == session.name);
    let matches = filter.room_name_matches.as_ref().is_none_or(|part| session.name.contains(part.as_str()));
    let status = filter.status.is_none_or(|status| (status == SessionStatus::Completed) == session.ended_ms.is_some());
    filter.room_id.is_none_or(|id| id == room_id) && named && matches && status
}

fn event(row: &EventRow, session: &Session) -> Value {
    rest::render_event(&Event {
        room: signalwire::room_id(&session.name),
        session: row.room,
        number: row.sequence,
        member: row.participant,
        name: &row.name,
        payload: &row.parameters,
        at_ms: row.at_ms,
    })
}

pub(super) fn part(page: &Page) -> store::Page {
    page_after(page.size, page.after)
}

fn page_after(size: usize, after: Option<i64>) -> store::Page {
    after.map_or(store::Page::First { size }, |place| store::Page::After { place, size })
}

/// The place that the next page begins after, if there is one.
pub(super) fn next<T>(found: &PageOf<T>) -> Option<i64> {
    found.last.filter(|_| found.more_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of so many rows, of a history of the numbers below 100 in which only the even ones belong.
    fn pages(size: usize) -> Vec<Vec<i64>> {
        let (mut pages, mut filling) = (Vec::new(), Filling { rows: Vec::new(), size, after: None, looked: 0 });
        loop {
            while let Some(size) = filling.lacks() {
                let from = filling.after.map_or(0, |after| after + 1);
                let found: Vec<i64> = (from..100).take(size).collect();
                filling.note(found.last().copied().filter(|last| *last < 99));
                filling.rows.extend(found.into_iter().filter(|number| number % 2 == 0));
            }
            let after = filling.after;
            pages.push(std::mem::replace(&mut filling, Filling { rows: Vec::new(), size, after, looked: 0 }).rows);
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_page_has_no_more_rows_than_were_asked_for_and_none_is_lost() {
        for size in [1, 2, 3, 7, 50, 200] {
            let pages = pages(size);
            assert!(pages.iter().all(|page| page.len() <= size), "{size}");
            assert_eq!(pages.concat(), (0..100).step_by(2).collect::<Vec<i64>>(), "{size}");
        }
    }
}
