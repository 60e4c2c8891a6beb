//! The media server of the program: starts its workers and connects them with the hub.

#[cfg(debug_assertions)]
mod fragile;

use std::io;
use std::sync::Arc;

use media::players::Library;
use media::pool::{self, Pool};
use media::record;
use room::Order;
use sealed::Sealing;

use crate::config::Config;
use crate::crash;
use crate::hub;
use crate::keyring::random;
use crate::metrics::Metrics;
use crate::net::Lan;
use crate::reports;

/// Starts the workers, unless the configuration says that there are none.
///
/// # Errors
/// A port is not to be had.
pub fn start(
    config: &Config,
    lan: &Lan,
    sealing: Sealing,
    library: Arc<dyn Library>,
    metrics: &Metrics,
) -> io::Result<Option<hub::Media>> {
    let Some(listen) = config.media else { return Ok(None) };
    let (reporter, reports) = reports::channel(metrics.clone());
    let pool_config = pool::Config {
        listen,
        workers: config.workers,
        announce: config.announce.into_iter().collect(),
        addresses: lan.main.iter().chain(&lan.others).copied().collect(),
        counters: Arc::clone(&metrics.media),
        witness: crash::witness(&config.data, metrics)?,
        record: Some(record::Settings {
            folder: config.recordings(),
            floors: record::Floors::default(),
            sealing,
            mix: config.recording.mix,
        }),
        library: Some(library),
    };
    let engines = Pool::engines(&pool_config, salt())?;
    #[cfg(debug_assertions)]
    let engines = fragile::engines(engines);
    let pool = Pool::start(&pool_config, engines, Arc::new(move |report| reporter.report(report)))?;
    Ok(Some(hub::Media { server: Box::new(Workers(pool)), reports }))
}

struct Workers(Pool);

impl hub::MediaServer for Workers {
    fn order(&self, order: Order) {
        self.0.order(order);
    }
}

fn salt() -> u32 {
    let mut bytes = [0; 4];
    random::from_system(&mut bytes);
    u32::from_be_bytes(bytes)
}
