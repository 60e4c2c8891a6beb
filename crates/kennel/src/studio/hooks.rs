//! Hooks ask for a composition of each room that ended and was recorded. Which rooms those are is written down with their ends, so that
//! none is missed and none is taken twice, whatever happens to the program.

use store::{HookFilter, HookRow, NameOrId, Page, Problem, RoomRow, Write};
use twilio::rest::Wish;

use super::limit::{HOOKS_MAX, WAITING_MAX};
use super::wish::Part;
use super::{Studio, tell, wish};
use crate::clock;
use crate::rest::rows;

/// What the key of a room that ended begins with; its id follows, in hexadecimal digits.
const ENDED: &str = "compositions.ended.";

/// Writes down that this room ended, and may have been recorded.
#[must_use]
pub fn ended(room: u128) -> Write {
    Write::Setting { key: format!("{ENDED}{room:032x}"), value: String::new() }
}

/// Asks for what hooks want of the rooms that ended.
///
/// # Errors
/// The database's.
pub async fn run(studio: &Studio) -> Result<(), Problem> {
    // What was too late to be heard of is written by then: who was asked for is not asked for again.
    studio.0.journal.flush().await?;
    for (key, _) in studio.0.store.settings(ENDED).await? {
        let room = u128::from_str_radix(key.trim_start_matches(ENDED), 16).unwrap_or_default();
        let mut writes = match studio.0.store.room(&studio.0.account, NameOrId::Id(room)).await? {
            Some(room) if studio.is_recorded(&room, &Part::default()).await? => wanted(studio, &room).await?,
            _ => Vec::new(),
        };
        writes.push(Write::Unset { key });
        studio.0.journal.write(writes).await?;
    }
    Ok(())
}

async fn wanted(studio: &Studio, room: &RoomRow) -> Result<Vec<Write>, Problem> {
    let working = HookFilter { enabled: Some(true), ..HookFilter::default() };
    let hooks = studio.0.store.hooks(&studio.0.account, working, Page::First { size: HOOKS_MAX }).await?;
    let mut waiting = studio.0.store.compositions_waiting_count(&studio.0.account).await?;
    let mut writes = Vec::new();
    for hook in hooks.rows {
        let at_ms = clock::unix_ms();
        match checked(&hook, waiting) {
            Ok(wish) => {
                let row = studio.row(room, &wish, Some(hook.id));
                let told = tell::enqueued(&row, &hook, at_ms);
                writes.extend([Write::CompositionBegan(Box::new(row)), told]);
                waiting += 1;
            }
            Err(why) => writes.push(tell::hook_failed(&hook, room.id, at_ms, &why)),
        }
    }
    Ok(writes)
}

/// What the hook asks for, if it can have it.
fn checked(hook: &HookRow, waiting: usize) -> Result<Wish, String> {
    if waiting >= WAITING_MAX {
        return Err(format!("{WAITING_MAX} compositions wait already"));
    }
    let wish = rows::wish(&hook.parameters, hook.callback.as_ref());
    if wish.video_layout.is_empty() && wish.audio_sources.is_empty() {
        return Err("the hook asks for neither pictures nor sound".to_owned());
    }
    wish::check(wish).map_err(|refused| refused.to_string())
}
