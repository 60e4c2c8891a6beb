//! Figures for Prometheus at `/metrics`. No name, address or id of a person, room or key is ever a label.

use std::sync::Arc;

use media::counters::Counters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// All figures. Clones share them and cost a few reference counts.
#[derive(Clone)]
pub struct Metrics {
    /// Connections that were let in.
    pub connections: Counter,
    /// Connections that a cap kept out or ended.
    pub connections_refused: Counter,
    /// Connections open now, sockets included.
    pub connections_open: Gauge,
    requests: Family<RequestLabels, Counter>,
    /// Rooms in progress.
    pub rooms: Gauge,
    /// Participants in them.
    pub participants: Gauge,
    /// Joins since the start.
    pub joins: Counter,
    /// Clients that came back to their seat since the start.
    pub resumes: Counter,
    /// Panics survived since the start; each is a bug.
    pub panics: Counter,
    /// Panics of the media server of which is kept what was being handled.
    pub crash_files: Counter,
    refusals: Family<CodeLabels, Counter>,
    /// Open sockets of the live channel.
    pub live_sockets: Gauge,
    /// Text messages that came in by any WebSocket.
    pub messages_in: Counter,
    /// Text messages that went out by any WebSocket.
    pub messages_out: Counter,
    /// Messages of clients by the media server's channels that meant nothing.
    pub messages_ignored: Counter,
    /// Orders to the media server.
    pub media_orders: Counter,
    /// Reports of the media server.
    pub media_reports: Counter,
    /// Reports that were dropped because the hub could not keep up; none of them vital.
    pub media_reports_dropped: Counter,
    /// Clients that were cut off because their queue was full.
    pub slow_clients_cut: Counter,
    /// Telemetry events of SDKs that were taken and dropped.
    pub insights_events: Counter,
    /// Rows and callbacks written to the history.
    pub journal_writes: Counter,
    /// Facts that are missing in the history, because the database did not keep up.
    pub facts_lost: Counter,
    /// Callbacks that wait to be delivered.
    pub webhooks_waiting: Gauge,
    /// Callbacks that were taken.
    pub webhooks_delivered: Counter,
    /// Attempts to deliver a callback that failed and are made again.
    pub webhooks_failed: Counter,
    /// Callbacks that nobody took.
    pub webhooks_given_up: Counter,
    /// Recordings that are being made.
    pub recordings: Gauge,
    /// Bytes in the folder of recordings.
    pub recordings_bytes: Gauge,
    /// Compositions that wait or are being made.
    pub compositions_waiting: Gauge,
    /// Bytes in the folder of compositions.
    pub compositions_bytes: Gauge,
    /// Compositions that were made.
    pub compositions_made: Counter,
    /// Compositions that could not be.
    pub compositions_failed: Counter,
    /// Files put into the bucket.
    pub bucket_sent: Counter,
    /// Bytes put into the bucket.
    pub bucket_sent_bytes: Counter,
    /// Times that a file could not be put into the bucket.
    pub bucket_failures: Counter,
    /// Finished files that wait for the bucket.
    pub bucket_waiting: Gauge,
    /// Their bytes.
    pub bucket_waiting_bytes: Gauge,
    /// Bytes in the bucket.
    pub bucket_bytes: Gauge,
    /// What the media server counts itself.
    pub media: Arc<Counters>,
    registry: Arc<Registry>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabels {
    code: u32,
}

impl Metrics {
    /// Figures that all stand at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("kennel");
        let mut counter = |name: &str, help: &str| register::<Counter>(&mut registry, name, help);
        let connections = counter("connections", "Connections let in");
        let connections_refused = counter("connections_refused", "Connections kept out by a cap");
        let joins = counter("joins", "Joins of rooms");
        let resumes = counter("resumes", "Clients that came back to their seat");
        let panics = counter("panics", "Panics survived");
        let crash_files = counter("crash_files", "Panics of the media server of which the input is kept");
        let messages_in = counter("websocket_messages_received", "Text messages received");
        let messages_out = counter("websocket_messages_sent", "Text messages sent");
        let messages_ignored = counter("channel_messages_ignored", "Messages by the media server's channels that meant nothing");
        let media_orders = counter("media_orders", "Orders to the media server");
        let media_reports = counter("media_reports", "Reports of the media server");
        let media_reports_dropped = counter("media_reports_dropped", "Reports dropped with a full queue");
        let slow_clients_cut = counter("slow_clients_cut", "Clients cut off with a full queue");
        let insights_events = counter("insights_events", "Telemetry events taken and dropped");
        let journal_writes = counter("journal_writes", "Rows and callbacks written to the history");
        let facts_lost = counter("facts_lost", "Facts missing in the history with a database that did not keep up");
        let webhooks_delivered = counter("webhooks_delivered", "Callbacks taken by their receiver");
        let webhooks_failed = counter("webhooks_failed", "Failed attempts to deliver a callback");
        let webhooks_given_up = counter("webhooks_given_up", "Callbacks that nobody took");
        let compositions_made = counter("compositions_made", "Compositions made");
        let compositions_failed = counter("compositions_failed", "Compositions that could not be made");
        let bucket_sent = counter("bucket_sent", "Files put into the bucket");
        let bucket_sent_bytes = counter("bucket_sent_bytes", "Bytes put into the bucket");
        let bucket_failures =
            counter("bucket_failures", "Times that a file could not be put into the bucket and was tried again");
        let mut gauge = |name: &str, help: &str| register::<Gauge>(&mut registry, name, help);
        let connections_open = gauge("connections_open", "Connections open now");
        let rooms = gauge("rooms", "Rooms in progress");
        let participants = gauge("participants", "Participants in rooms");
        let live_sockets = gauge("live_sockets", "Open sockets of the live channel");
        let webhooks_waiting = gauge("webhooks_waiting", "Callbacks that wait to be delivered");
        let recordings = gauge("recordings", "Recordings being made");
        let recordings_bytes = gauge("recordings_bytes", "Bytes in the folder of recordings");
        let compositions_waiting = gauge("compositions_waiting", "Compositions that wait or are being made");
        let compositions_bytes = gauge("compositions_bytes", "Bytes in the folder of compositions");
        let bucket_waiting = gauge("bucket_waiting", "Finished files that wait for the bucket");
        let bucket_waiting_bytes = gauge("bucket_waiting_bytes", "Their bytes");
        let bucket_bytes = gauge("bucket_bytes", "Bytes of recordings and compositions in the bucket");
        let requests = register(&mut registry, "requests", "Requests by route and status");
        let refusals = register(&mut registry, "refusals", "Refused joins by the vendor's code");
        let media = Arc::<Counters>::default();
        registry.register_collector(Box::new(MediaFigures(Arc::clone(&media))));
        Self {
            connections,
            connections_refused,
            connections_open,
            requests,
            rooms,
            participants,
            joins,
            resumes,
            panics,
            crash_files,
            refusals,
            live_sockets,
            messages_in,
            messages_out,
            messages_ignored,
            media_orders,
            media_reports,
            media_reports_dropped,
            slow_clients_cut,
            insights_events,
            journal_writes,
            facts_lost,
            webhooks_waiting,
            webhooks_delivered,
            webhooks_failed,
            webhooks_given_up,
            recordings,
            recordings_bytes,
            compositions_waiting,
            compositions_bytes,
            compositions_made,
            compositions_failed,
            bucket_sent,
            bucket_sent_bytes,
            bucket_failures,
            bucket_waiting,
            bucket_waiting_bytes,
            bucket_bytes,
            media,
            registry: Arc::new(registry),
        }
    }

    /// Counts a request. `route` is a route's template, so that there are as many labels as routes.
    pub fn request(&self, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }

    /// Counts a refused join by the vendor's error code.
    pub fn refusal(&self, code: u32) {
        self.refusals.get_or_create(&CodeLabels { code }).inc();
    }

    /// The figures as OpenMetrics text (content type [`CONTENT_TYPE`]).
    pub fn render(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("writing to a string does not fail");
        out
    }
}

/// The content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The media server's own numbers, read at each scrape.
#[derive(Debug)]
struct MediaFigures(Arc<Counters>);

impl Collector for MediaFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        for (name, help, value) in self.0.all() {
            let counter = ConstCounter::new(value);
            let name = format!("media_{name}");
            counter.encode(encoder.encode_descriptor(&name, help, None, counter.metric_type())?)?;
        }
        Ok(())
    }
}

fn register<M>(registry: &mut Registry, name: &str, help: &str) -> M
where
    M: prometheus_client::registry::Metric + Clone + Default,
{
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        let clone = metrics.clone();
        clone.rooms.set(3);
        clone.joins.inc();
        clone.request("/kennel/v1/keys/{id}", 204);
        clone.refusal(53105);
        clone.media.packets_out.add(7);
        let text = metrics.render();
        for line in [
            "kennel_rooms 3",
            "kennel_media_packets_out_total 7",
            "kennel_joins_total 1",
            "kennel_requests_total{route=\"/kennel/v1/keys/{id}\",status=\"204\"} 1",
            "kennel_refusals_total{code=\"53105\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        let mut families: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
        let all = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), all, "a family twice in\n{text}");
    }
}
