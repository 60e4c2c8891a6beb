//! Sessions: those in progress as the rooms have them, and all as the history does.

use room::{Moment, RoomView};
use serde_json::Value;
use signalwire::rest::{self, Ends, Event, Member, Page, Refusal, RoomRecord, Session, SessionFilter, SessionStatus};
use store::{EventRow, NameOrId, PageOf, ParticipantFilter, RoomRow, RoomStatus};

use super::{Answered, History, Place, Spaces, nothing, unavailable};

/// Pages of the history that are looked through for one page of a list whose filter the database does not know. After them the page is
/// given as full as it is.
const PAGES_MAX: usize = 20;

/// Rows of such a page of the history, if not more are lacking: few sessions may belong in the list.
const LOOK_ROWS_MIN: usize = 50;

impl Spaces {
    pub(super) async fn list_sessions(&self, filter: SessionFilter, page: &Page, place: Place<'_>) -> Answered {
        let Some(history) = &self.history else {
            let rooms = self.hub.rooms().await;
            let found = rooms.iter().map(|view| self.live(view)).filter(|one| passes(&filter, one)).take(page.size);
            let rows = found.map(|one| rest::render_session(&one)).collect();
            return Ok(Some(rest::render_list(&place.url(), page, Ends::default(), rows)));
        };
        let mut filling = Filling::new(page);
        while let Some(lacks) = filling.lacks() {
            let found = self.look(history, &filter, lacks, filling.after).await?;
            filling.note(next(&found));
            for session in found.rows.iter().map(session).filter(|one| passes(&filter, one)) {
                filling.rows.push(rest::render_session(&self.with_stage(session).await));
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
        let rows = found.rows.iter().map(|row| event(row, &session, place.project)).collect();
        Ok(Some(rest::render_list(&place.url(), page, Ends { after: next(&found) }, rows)))
    }

    /// A page of the history of which no more rows belong in the list than it lacks. Only the place of a page's last row is known, so a
    /// page with more is asked for again, up to the last that there is room for.
    async fn look(
        &self,
        history: &History,
        filter: &SessionFilter,
        lacks: usize,
        after: Option<i64>,
    ) -> Result<PageOf<RoomRow>, Refusal> {
        let mut size = lacks.max(LOOK_ROWS_MIN);
        loop {
            let found = self.rooms_of(history, filter, size, after).await?;
            match fewer(found.rows.iter().map(|row| passes(filter, &session(row))), lacks) {
                Some(rows) => size = rows,
                None => return Ok(found),
            }
        }
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

/// How many of these rows to ask for instead, if more of them belong in a page than it lacks.
fn fewer(belongs: impl Iterator<Item = bool>, lacks: usize) -> Option<usize> {
    let mut rows = belongs.zip(1..).filter_map(|(belongs, rows)| belongs.then_some(rows));
    let last = rows.nth(lacks.checked_sub(1)?)?;
    rows.next().map(|_| last)
}

/// A page that is filled from pages of the history, of which not every row belongs in it, and none has more than there is room for: so
/// the next page begins after its last one.
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

    /// How many rows there is room for, unless it is to be given as it is.
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

fn event(row: &EventRow, session: &Session, project: &str) -> Value {
    rest::render_event(&Event {
        project,
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

    const ALL: i64 = 1_000;

    /// Pages of so many rows, of a history of the numbers below [`ALL`] in which only every `nth` belongs.
    fn pages(size: usize, nth: i64) -> Vec<Vec<i64>> {
        let belongs = |number: &i64| number % nth == 0;
        let (mut pages, mut filling) = (Vec::new(), Filling { rows: Vec::new(), size, after: None, looked: 0 });
        loop {
            while let Some(lacks) = filling.lacks() {
                let from = filling.after.map_or(0, |after| after + 1);
                let look = |size| (from..ALL).take(size).collect::<Vec<i64>>();
                let mut found = look(lacks.max(LOOK_ROWS_MIN));
                while let Some(rows) = fewer(found.iter().map(belongs), lacks) {
                    found = look(rows);
                }
                filling.note(found.last().copied().filter(|last| *last < ALL - 1));
                filling.rows.extend(found.into_iter().filter(belongs));
            }
            let after = filling.after;
            pages.push(std::mem::replace(&mut filling, Filling { rows: Vec::new(), size, after, looked: 0 }).rows);
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_page_is_as_full_as_it_was_asked_for_and_none_is_lost() {
        for (size, nth) in [(1, 2), (2, 2), (3, 40), (1, 40), (7, 1), (50, 3), (200, 2), (2_000, 5)] {
            let pages = pages(size, nth);
            let (last, others) = pages.split_last().expect("a page");
            assert!(last.len() <= size && others.iter().all(|page| page.len() == size), "{size} of every {nth}");
            assert_eq!(
                pages.concat(),
                (0..ALL).step_by(usize::try_from(nth).unwrap()).collect::<Vec<i64>>(),
                "{size} of every {nth}"
            );
        }
    }

    #[test]
    fn a_page_of_the_history_is_asked_for_again_if_it_has_too_many() {
        let check = |belongs: &str, lacks, expected| {
            assert_eq!(fewer(belongs.chars().map(|one| one == 'x'), lacks), expected, "{belongs} {lacks}");
        };
        check("x.x.x", 2, Some(3));
        check("x.x..", 2, None);
        check(".....", 1, None);
        check("..x.x", 1, Some(3));
        check("xx", 5, None);
    }
}
