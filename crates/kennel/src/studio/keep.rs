//! How long compositions are kept, and what a start finds: rows without files, and files without rows.

use std::io;

use async_trait::async_trait;
use prometheus_client::metrics::gauge::Gauge;
use store::{CompositionFilter, CompositionStatus, Page, PageOf, Problem, Write};

use super::Studio;
use crate::clock;
use crate::journal;
use crate::metrics::Metrics;
use crate::shelf::NotDeleted;
use crate::shelf::files::Files;
use crate::shelf::keep::{LOST, Stock, ids, listed};

#[async_trait]
impl Stock for Studio {
    const WHAT: &'static str = "compositions";
    const MARKED_HERE: bool = true;

    fn files(&self) -> &Files {
        Studio::files(self)
    }

    fn journal(&self) -> &journal::Handle {
        &self.0.journal
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

    async fn is_gone(&self, composition: u128) -> Result<bool, Problem> {
        let row = self.find(composition).await?;
        Ok(row.is_some_and(|row| match row.status {
            CompositionStatus::Deleted => true,
            // What is lost may be found again.
            CompositionStatus::Failed => row.why != LOST,
            _ => false,
        }))
    }

    async fn unlink(&self, composition: u128) -> io::Result<()> {
        Studio::unlink(self, composition).await
    }

    fn left(&self) -> Vec<u128> {
        Studio::left(self).iter().copied().collect()
    }

    async fn completed(&self, page: Page) -> Result<PageOf<u128>, Problem> {
        let filter = CompositionFilter { status: Some(CompositionStatus::Completed), ..CompositionFilter::default() };
        Ok(ids(self.list(filter, page).await?, |row| row.id))
    }

    async fn lose(&self, ids: &[u128]) -> Result<(), Problem> {
        let at_ms = clock::unix_ms();
        let lost = |composition: &u128| Write::CompositionFailed { composition: *composition, at_ms, why: LOST.to_owned() };
        self.0.journal.write(ids.iter().map(lost).collect()).await
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
