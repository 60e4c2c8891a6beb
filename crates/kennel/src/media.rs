//! The media server of the program: starts its workers and connects them with the hub.

#[cfg(debug_assertions)]
mod fragile;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use media::players::Library;
use media::pool::{self, Moved, Pool};
use media::record;
use room::Order;
use sealed::Sealing;
use tokio::sync::watch;

use crate::config::Config;
use crate::crash;
use crate::hub;
use crate::keyring::random;
use crate::metrics::Metrics;
use crate::net::Lan;
use crate::reports;

/// Starts the workers, unless the configuration says that there are none, and has them follow the machine's addresses.
///
/// # Errors
/// A port is not to be had.
pub fn start(
    config: &Config,
    mut lan: watch::Receiver<Lan>,
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
        addresses: addresses(&lan.borrow_and_update()),
        counters: Arc::clone(&metrics.media),
        witness: crash::witness(&config.data, metrics)?,
        record: Some(record::Settings {
            folder: config.recordings(),
            floors: record::Floors::default(),
            sealing,
            mix: config.recording.mix,
        }),
        library: Some(library),
        spread: config.room_spread,
    };
    let engines = Pool::engines(&pool_config, salt())?;
    #[cfg(debug_assertions)]
    let engines = fragile::engines(engines);
    let pool = Arc::new(Pool::start(&pool_config, engines, Arc::new(move |report| reporter.report(report)))?);
    tokio::spawn(follow(lan, Arc::downgrade(&pool)));
    Ok(Some(hub::Media { server: Box::new(Workers(pool)), reports }))
}

struct Workers(Arc<Pool>);

impl hub::MediaServer for Workers {
    fn order(&self, order: Order) {
        self.0.order(order);
    }
}

/// The machine's addresses, best first.
fn addresses(lan: &Lan) -> Vec<IpAddr> {
    lan.main.iter().chain(&lan.others).copied().collect()
}

/// Tells the workers which addresses the machine has, whenever they change, until either end is gone.
async fn follow(mut lan: watch::Receiver<Lan>, pool: Weak<Pool>) {
    while lan.changed().await.is_ok() {
        let Some(pool) = pool.upgrade() else { return };
        let Moved { come, gone } = pool.set_addresses(&addresses(&lan.borrow_and_update()));
        if !come.is_empty() || !gone.is_empty() {
            tracing::info!(?come, ?gone, "the addresses at which media is taken have changed");
        }
    }
}

fn salt() -> u32 {
    let mut bytes = [0; 4];
    random::from_system(&mut bytes);
    u32::from_be_bytes(bytes)
}
