//! How long compositions are kept, and what a start finds: rows without files, and files without rows.

use std::collections::HashSet;

use async_trait::async_trait;
use prometheus_client::metrics::gauge::Gauge;
use store::{CompositionFilter, CompositionStatus, Page, Problem, Write};

use super::Studio;
use super::limit::ROWS_AT_ONCE;
use crate::clock;
use crate::metrics::Metrics;
use crate::shelf::NotDeleted;
use crate::shelf::files::Files;
use crate::shelf::keep::{Stock, listed};

#[async_trait]
impl Stock for Studio {
    const WHAT: &'static str = "compositions";

    fn files(&self) -> &Files {
        Studio::files(self)
    }

    fn gauge(metrics: &Metrics) -> &Gauge {
        &metrics.compositions_bytes
    }

    async fn is_known(&self, composition: u128) -> Result<bool, Problem> {
        Ok(self.find(composition).await?.is_some())
    }

    async fn drop_one(&self, composition: u128) -> Result<(), NotDeleted> {
        self.delete(composition).await
    }

    async fn delete_left(&self) {
        let left: Vec<u128> = self.left().iter().copied().collect();
        for composition in left {
            if let Err(problem) = self.unlink(composition).await {
                tracing::warn!(%problem, "the file of a deleted composition still cannot be deleted");
            }
        }
    }

    async fn settle(&self) -> Result<(), Problem> {
        let Some(files) = listed(self).await else { return Ok(()) };
        for file in files.iter().filter(|file| file.whole) {
            // It was to be deleted when the program ended.
            let row = self.find(file.recording).await?;
            let deleted = row.is_some_and(|row| row.status == CompositionStatus::Deleted);
            if deleted && let Err(problem) = self.unlink(file.recording).await {
                tracing::warn!(%problem, "the file of a deleted composition cannot be deleted");
            }
        }
        lose_absent(self, &files.iter().map(|file| file.recording).collect()).await
    }
}

/// Deletes what was being made when the program ended: it is made anew. To be done before anything is.
pub async fn clear(studio: &Studio) {
    for file in listed(studio).await.unwrap_or_default().iter().filter(|file| !file.whole) {
        if let Err(problem) = studio.unlink(file.recording).await {
            tracing::warn!(%problem, "what is left of a composition cannot be deleted");
        }
    }
}

/// Says of completed compositions that their files are gone.
async fn lose_absent(studio: &Studio, there: &HashSet<u128>) -> Result<(), Problem> {
    let filter = CompositionFilter { status: Some(CompositionStatus::Completed), ..CompositionFilter::default() };
    let mut page = Page::First { size: ROWS_AT_ONCE };
    loop {
        let found = studio.list(filter.clone(), page).await?;
        let absent = found.rows.iter().map(|row| row.id).filter(|id| !there.contains(id) && studio.files().find(*id).is_none());
        let (at_ms, why) = (clock::unix_ms(), "lost".to_owned());
        let lost: Vec<Write> =
            absent.map(|composition| Write::CompositionFailed { composition, at_ms, why: why.clone() }).collect();
        if !lost.is_empty() {
            tracing::warn!(count = lost.len(), "compositions have lost their files");
            studio.0.journal.write(lost).await?;
        }
        let Some(place) = found.last.filter(|_| found.more_after) else { return Ok(()) };
        page = Page::After { place, size: ROWS_AT_ONCE };
    }
}
