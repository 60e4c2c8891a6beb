use room::{ParticipantId, RoomId, TrackId};
use store::{Page, PageOf, ParticipantRow, ParticipantStatus, RoomStatus};
use twilio::rest::{self, Anchor, Ends, Key, ListOf, PageAsk, Refusal, SubscribedTrack};

use super::{Answered, Call, rows, unavailable};

impl Call<'_> {
    pub async fn list_rooms(&self, filter: rest::RoomFilter, page: &PageAsk) -> Answered {
        let filter = store::RoomFilter {
            status: Some(match filter.status {
                rest::RoomStatus::InProgress => RoomStatus::InProgress,
                rest::RoomStatus::Completed => RoomStatus::Completed,
                rest::RoomStatus::Failed => RoomStatus::Failed,
            }),
            name: filter.name,
            created_from_ms: filter.created_from_ms,
            created_before_ms: filter.created_before_ms,
        };
        let found = self.desk.store.rooms(self.host.account, filter, part(page)).await.map_err(unavailable)?;
        Ok(self.list(ListOf::Rooms, page, found, |row| rows::room(&row)))
    }

    pub async fn list_participants(&self, room: &Key<RoomId>, filter: rest::ParticipantFilter, page: &PageAsk) -> Answered {
        let room = self.room(room).await?;
        let usual = match room.status {
            RoomStatus::InProgress => ParticipantStatus::Connected,
            RoomStatus::Completed | RoomStatus::Failed => ParticipantStatus::Disconnected,
        };
        let filter = store::ParticipantFilter {
            status: Some(filter.status.map_or(usual, |status| match status {
                rest::ParticipantStatus::Connected => ParticipantStatus::Connected,
                rest::ParticipantStatus::Reconnecting => ParticipantStatus::Reconnecting,
                rest::ParticipantStatus::Disconnected => ParticipantStatus::Disconnected,
            })),
            identity: filter.identity,
            created_from_ms: filter.created_from_ms,
            created_before_ms: filter.created_before_ms,
        };
        let found = self.desk.store.participants(room.id, filter, part(page)).await.map_err(unavailable)?;
        Ok(self.list(ListOf::Participants(RoomId(room.id)), page, found, |row| rows::participant(&row)))
    }

    pub async fn find_published(&self, room: &Key<RoomId>, who: &Key<ParticipantId>, track: &rest::TrackKey) -> Answered {
        let (_, who) = self.participant(room, who).await?;
        let row = self.track(who.id, track).await?;
        Ok(rest::render(self.host, &rows::track(&row)))
    }

    pub async fn list_published(&self, room: &Key<RoomId>, who: &Key<ParticipantId>, page: &PageAsk) -> Answered {
        let (room, who) = self.participant(room, who).await?;
        let found = self.desk.store.tracks(who.id, part(page)).await.map_err(unavailable)?;
        let list = ListOf::Published(RoomId(room.id), ParticipantId(who.id));
        Ok(self.list(list, page, found, |row| rows::track(&row)))
    }

    pub async fn find_subscribed(&self, room: &Key<RoomId>, who: &Key<ParticipantId>, track: TrackId) -> Answered {
        let (_, who) = self.participant(room, who).await?;
        let all = self.subscribed(&who).await?;
        let found = all.iter().find(|one| one.track.id == track).ok_or_else(|| self.not_found())?;
        Ok(rest::render(self.host, found))
    }

    pub async fn list_subscribed(&self, room: &Key<RoomId>, who: &Key<ParticipantId>, page: &PageAsk) -> Answered {
        let (room, who) = self.participant(room, who).await?;
        let found = cut(self.subscribed(&who).await?, page);
        Ok(self.list(ListOf::Subscribed(RoomId(room.id), ParticipantId(who.id)), page, found, |track| track))
    }

    /// What a participant receives now, the newest subscription last. Nothing, if it is not there any more.
    async fn subscribed(&self, who: &ParticipantRow) -> Result<Vec<SubscribedTrack>, Refusal> {
        let subscriber = ParticipantId(who.id);
        let live = self.desk.hub.subscribed(subscriber).await.unwrap_or_default();
        let mut found = Vec::with_capacity(live.len());
        for (publisher, track) in live {
            let row = self.desk.store.track(publisher.0, store::NameOrId::Id(track.id.0)).await.map_err(unavailable)?;
            found.extend(row.map(|row| SubscribedTrack { subscriber, track: rows::track(&row) }));
        }
        Ok(found)
    }

    pub(super) fn list<R, V: rest::View>(&self, list: ListOf, page: &PageAsk, found: PageOf<R>, show: impl Fn(R) -> V) -> String {
        let ends = Ends { before: found.first.filter(|_| found.more_before), after: found.last.filter(|_| found.more_after) };
        let views: Vec<V> = found.rows.into_iter().map(show).collect();
        rest::render_list(self.host, list, page, &views, ends)
    }
}

pub(super) fn part(page: &PageAsk) -> Page {
    let size = page.size;
    match page.anchor {
        Anchor::First => Page::First { size },
        Anchor::After(place) => Page::After { place, size },
        Anchor::Before(place) => Page::Before { place, size },
    }
}

/// The page of a list that is whole in memory; a row's place is its number.
fn cut<T>(all: Vec<T>, page: &PageAsk) -> PageOf<T> {
    let count = all.len();
    let index = |place: i64| usize::try_from(place).unwrap_or(0).min(count);
    let (from, to) = match page.anchor {
        Anchor::First => (0, page.size),
        Anchor::After(place) => (index(place.saturating_add(1)), index(place.saturating_add(1)).saturating_add(page.size)),
        Anchor::Before(place) => (index(place).saturating_sub(page.size), index(place)),
    };
    let to = to.min(count);
    let place = |index: usize| i64::try_from(index).ok();
    PageOf {
        rows: all.into_iter().take(to).skip(from).collect(),
        first: place(from),
        last: to.checked_sub(1).and_then(place),
        more_before: from > 0,
        more_after: to < count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_list_in_memory() {
        let page = |size, anchor| PageAsk { size, number: 0, anchor, filters: Vec::new() };
        let check = |size, anchor, rows: &[u8], before, after| {
            let found = cut(vec![1, 2, 3, 4, 5], &page(size, anchor));
            assert_eq!((found.rows.as_slice(), found.more_before, found.more_after), (rows, before, after), "{anchor:?}");
        };
        check(2, Anchor::First, &[1, 2], false, true);
        check(2, Anchor::After(1), &[3, 4], true, true);
        check(2, Anchor::After(3), &[5], true, false);
        check(2, Anchor::After(4), &[], true, false);
        check(2, Anchor::Before(2), &[1, 2], false, true);
        check(9, Anchor::First, &[1, 2, 3, 4, 5], false, false);
        check(2, Anchor::After(i64::MAX), &[], true, false);
        check(2, Anchor::Before(-1), &[], false, true);
    }
}
