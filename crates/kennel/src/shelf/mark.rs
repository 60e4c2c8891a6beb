//! Whether the folder of recordings is the one that the history knows: a disk that is not mounted is an empty folder like any other, and
//! must not be taken for one whose files are gone.

use std::collections::HashSet;
use std::io;

use store::{Page, Problem, RecordingFilter, RecordingStatus, Store};

use super::files::{Files, Kept, MARK};

/// Rows that are compared with files at a time.
const ROWS_AT_ONCE: usize = 500;

/// Whether this is the folder that the history's recordings are in, `running` those that did not end. One without a mark is if none of
/// them is missing in it, and gets its mark.
///
/// # Errors
/// The database's.
pub async fn is_right(files: &Files, store: &dyn Store, account: &str, running: &HashSet<u128>) -> Result<bool, Problem> {
    let Some((marked, found)) = look(files).await else { return Ok(false) };
    if marked {
        return Ok(true);
    }
    let there: HashSet<u128> = found.iter().map(|file| file.recording).collect();
    let folder = files.folder().display();
    if !running.is_subset(&there) || is_one_missing(files, &there, store, account).await? {
        tracing::error!(%folder, "recordings are missing and the folder has no {MARK} in it: is its disk there? All stay listed");
        return Ok(false);
    }
    let files = files.clone();
    if let Ok(Err(problem)) = tokio::task::spawn_blocking(move || files.mark()).await {
        tracing::warn!(%problem, "the folder of recordings cannot be marked");
    }
    Ok(true)
}

/// Whether there is a mark, and the files; none if nobody can say.
async fn look(files: &Files) -> Option<(bool, Vec<Kept>)> {
    let files = files.clone();
    let looked = tokio::task::spawn_blocking(move || Ok((files.is_marked(), files.list()?))).await;
    looked.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map_or_else(
        |problem: io::Error| {
            tracing::warn!(%problem, "the folder of recordings cannot be read");
            None
        },
        Some,
    )
}

async fn is_one_missing(files: &Files, there: &HashSet<u128>, store: &dyn Store, account: &str) -> Result<bool, Problem> {
    let filter = RecordingFilter { status: Some(RecordingStatus::Completed), ..RecordingFilter::default() };
    let mut page = Page::First { size: ROWS_AT_ONCE };
    loop {
        let found = store.recordings(account, filter.clone(), page).await?;
        if found.rows.iter().any(|row| !there.contains(&row.id) && !files.is_afar(row.id)) {
            return Ok(true);
        }
        let Some(place) = found.last.filter(|_| found.more_after) else { return Ok(false) };
        page = Page::After { place, size: ROWS_AT_ONCE };
    }
}
