use store::{CompositionRow, CompositionStatus, HookRow, NameOrId, Page, Write};
use twilio::rest::{self, CompositionId, HookId, ListOf, MediaStatus, NewComposition, NewHook, PageAsk, Refusal, Wish};

use super::lists::part;
use super::{Answered, Call, rows, unavailable};
use crate::clock;
use crate::keyring::random;
use crate::shelf::NotDeleted;
use crate::studio::limit::HOOKS_MAX;
use crate::studio::{NotAsked, wish};

impl Call<'_> {
    pub async fn compose(&self, new: NewComposition) -> Answered {
        let wish = self.checked(new.wish)?;
        let room = self.room_by(NameOrId::Id(new.room.0)).await?;
        let room = room.ok_or_else(|| Refusal::invalid(ROOM, "names no room of this account"))?;
        let row = self.desk.studio.ask(&room, &wish).await.map_err(|why| match why {
            NotAsked::NoRecordings => Refusal::invalid(ROOM, "must be of a room that has recordings"),
            NotAsked::TooMany => Refusal::too_many_requests(),
            NotAsked::History(problem) => unavailable(problem),
        })?;
        Ok(rest::render(self.host, &rows::composition(&row)))
    }

    pub async fn find_composition(&self, id: CompositionId) -> Answered {
        Ok(rest::render(self.host, &rows::composition(&self.composition(id).await?)))
    }

    pub async fn list_compositions(&self, filter: &rest::CompositionFilter, page: &PageAsk) -> Answered {
        let filter = store::CompositionFilter {
            status: filter.status.map(status),
            room: filter.room.map(|room| room.0),
            room_name: None,
            created_from_ms: filter.created_from_ms,
            created_before_ms: filter.created_before_ms,
        };
        let found = self.desk.studio.list(filter, part(page)).await.map_err(unavailable)?;
        Ok(self.list(ListOf::Compositions, page, found, |row| rows::composition(&row)))
    }

    pub async fn delete_composition(&self, id: CompositionId) -> Answered {
        let row = self.composition(id).await?;
        match self.desk.studio.delete(row.id).await {
            Ok(()) => Ok(String::new()),
            Err(NotDeleted::History(problem)) => Err(unavailable(problem)),
            Err(problem) => {
                tracing::error!(?problem, "the file of a composition cannot be deleted");
                Err(Refusal::internal())
            }
        }
    }

    /// Where the file of a composition is for so many seconds.
    pub async fn composition_media(&self, id: CompositionId, ttl_s: u32) -> Result<String, Refusal> {
        let row = self.composition(id).await?;
        let address = self.desk.studio.address(&row, ttl_s).ok_or_else(|| self.not_found())?;
        Ok(format!("{}{address}", self.host.url))
    }

    pub async fn make_hook(&self, new: NewHook) -> Answered {
        let row = self.hook_row(random::id(), clock::unix_ms(), new)?;
        let _naming = self.desk.naming.lock().await;
        let many = Page::First { size: HOOKS_MAX };
        let there = self.desk.store.hooks(self.host.account, store::HookFilter::default(), many).await.map_err(unavailable)?;
        if there.rows.len() >= HOOKS_MAX {
            return Err(Refusal::invalid(NAME, "would be that of one hook too many: 100 are there"));
        }
        self.put_hook(row).await
    }

    pub async fn change_hook(&self, id: HookId, new: NewHook) -> Answered {
        // One that is deleted meanwhile is not made again.
        let _naming = self.desk.naming.lock().await;
        let known = self.hook(id).await?;
        let row = HookRow { updated_ms: Some(clock::unix_ms()), ..self.hook_row(known.id, known.created_ms, new)? };
        self.put_hook(row).await
    }

    pub async fn find_hook(&self, id: HookId) -> Answered {
        Ok(rest::render(self.host, &rows::hook(&self.hook(id).await?)))
    }

    pub async fn list_hooks(&self, filter: rest::HookFilter, page: &PageAsk) -> Answered {
        let filter = store::HookFilter {
            enabled: filter.enabled,
            name: filter.name,
            created_from_ms: filter.created_from_ms,
            created_before_ms: filter.created_before_ms,
        };
        let found = self.desk.store.hooks(self.host.account, filter, part(page)).await.map_err(unavailable)?;
        Ok(self.list(ListOf::Hooks, page, found, |row| rows::hook(&row)))
    }

    pub async fn delete_hook(&self, id: HookId) -> Answered {
        let _naming = self.desk.naming.lock().await;
        let hook = self.hook(id).await?.id;
        self.write(Write::HookDeleted { hook }).await.map(|()| String::new())
    }

    /// To be called while the naming is held: the name must still be free when it is written.
    async fn put_hook(&self, row: HookRow) -> Answered {
        let named = NameOrId::Name(row.name.clone());
        let same = self.desk.store.hook(self.host.account, named).await.map_err(unavailable)?;
        if same.is_some_and(|same| same.id != row.id) {
            return Err(Refusal::invalid(NAME, "is the name of another hook"));
        }
        let shown = rows::hook(&row);
        self.write(Write::Hook(Box::new(row))).await?;
        Ok(rest::render(self.host, &shown))
    }

    fn hook_row(&self, id: u128, created_ms: u64, new: NewHook) -> Result<HookRow, Refusal> {
        let wish = self.checked(new.wish)?;
        Ok(HookRow {
            id,
            account: self.host.account.to_owned(),
            name: new.name,
            enabled: new.enabled,
            parameters: wish.text(),
            created_ms,
            updated_ms: None,
            callback: wish.callback.as_ref().map(rows::callback),
        })
    }

    /// What is asked for, if it means something.
    fn checked(&self, wish: Wish) -> Result<Wish, Refusal> {
        self.check_callback(wish.callback.as_ref().map(|(url, _)| url.as_str()))?;
        wish::check(wish).map_err(|refused| Refusal::invalid(refused.parameter, refused.why))
    }

    /// A composition. Of one that was deleted it is still known what it was.
    async fn composition(&self, id: CompositionId) -> Result<CompositionRow, Refusal> {
        self.desk.studio.find(id.0).await.map_err(unavailable)?.ok_or_else(|| self.not_found())
    }

    async fn hook(&self, id: HookId) -> Result<HookRow, Refusal> {
        let row = self.desk.store.hook(self.host.account, NameOrId::Id(id.0)).await.map_err(unavailable)?;
        row.ok_or_else(|| self.not_found())
    }
}

const ROOM: &str = "RoomSid";
const NAME: &str = "FriendlyName";

fn status(status: MediaStatus) -> CompositionStatus {
    match status {
        MediaStatus::Enqueued => CompositionStatus::Enqueued,
        MediaStatus::Processing => CompositionStatus::Processing,
        MediaStatus::Completed => CompositionStatus::Completed,
        MediaStatus::Deleted => CompositionStatus::Deleted,
        MediaStatus::Failed => CompositionStatus::Failed,
    }
}
