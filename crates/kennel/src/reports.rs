//! The way of the media server's reports to the hub. Media threads never wait for the hub: what they tell is queued at once, or
//! dropped if it is not vital and too much waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use room::{Channel, News, Report};
use tokio::sync::mpsc;

use crate::metrics::Metrics;

/// Reports that wait for the hub. Of more, those that are not vital are dropped and counted: figures, and words on most channels.
/// Vital ones are always queued: a peer has only a few of them under way at a time, or is held to so many words a second.
pub const REPORTS_MAX: usize = 4096;

/// The media server's end. Cheap to clone.
#[derive(Clone)]
pub struct Reporter {
    sender: mpsc::UnboundedSender<Report>,
    waiting: Arc<AtomicUsize>,
    metrics: Metrics,
}

/// The hub's end.
pub struct ReportQueue {
    receiver: mpsc::UnboundedReceiver<Report>,
    waiting: Arc<AtomicUsize>,
}

/// A queue.
#[must_use]
pub fn channel(metrics: Metrics) -> (Reporter, ReportQueue) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::<AtomicUsize>::default();
    (Reporter { sender, waiting: Arc::clone(&waiting), metrics }, ReportQueue { receiver, waiting })
}

/// Whether this is told however much waits. Figures come anew every second. Of words on channels those are that their client does not
/// say again, priorities and what became of hints about layers; and hints about tiles, because until the answer a client of the SDK
/// says nothing of its other tiles, and asks for all of them again only after 2, 4, 8 s.
#[must_use]
pub fn is_vital(report: &Report) -> bool {
    match report {
        Report::Of { news: News::Said(channel, _), .. } => {
            matches!(channel, Channel::Priority | Channel::Layers | Channel::Render)
        }
        Report::Of { news: News::Quality(_), .. } => false,
        _ => true,
    }
}

impl Reporter {
    /// Tells the hub. Never waits.
    pub fn report(&self, report: Report) {
        if self.waiting.load(Relaxed) >= REPORTS_MAX && !is_vital(&report) {
            self.metrics.media_reports_dropped.inc();
            return;
        }
        self.waiting.fetch_add(1, Relaxed);
        // Without a hub the program is being torn down.
        let _ = self.sender.send(report);
    }
}

impl ReportQueue {
    /// Puts up to `count` reports into `told`, as soon as there are any. Waits for ever when there is no media server.
    pub async fn next(&mut self, told: &mut Vec<Report>, count: usize) {
        let taken = self.receiver.recv_many(told, count).await;
        self.waiting.fetch_sub(taken, Relaxed);
        if taken == 0 {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use room::{LinkId, ParticipantId, RoomId};

    use super::*;

    fn of(news: News) -> Report {
        Report::Of { room: RoomId(1), who: ParticipantId(2), link: LinkId("l".into()), news }
    }

    #[tokio::test]
    async fn when_too_much_waits_only_what_is_vital_is_kept() {
        let metrics = Metrics::new();
        let (reporter, mut queue) = channel(metrics.clone());
        let figures = of(News::Quality(room::Quality::default()));
        (0..REPORTS_MAX + 3).for_each(|_| reporter.report(figures.clone()));
        assert_eq!(metrics.media_reports_dropped.get(), 3);
        for channel in [Channel::Quality, Channel::Render, Channel::Priority, Channel::Layers] {
            reporter.report(of(News::Said(channel, room::Sealed("hey".into()))));
        }
        reporter.report(of(News::Dead));
        assert_eq!(metrics.media_reports_dropped.get(), 4);
        let mut told = Vec::new();
        queue.next(&mut told, usize::MAX).await;
        assert_eq!((told.len(), told.pop()), (REPORTS_MAX + 4, Some(of(News::Dead))));
        reporter.report(figures);
        queue.next(&mut told, 1).await;
        assert_eq!(metrics.media_reports_dropped.get(), 4);
    }
}
