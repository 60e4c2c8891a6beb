//! The history as this program runs it: the database, the journal that writes it, the courier that tells of it, and forgetting.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use room::{RoomId, SavedRoom};
use sealed::Sealing;
use store::{Keeper, Problem, Store, StoredKind};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use crate::bucket::Depot;
use crate::clock;
use crate::config::{Config, Database, Secret};
use crate::courier::{self, Courier};
use crate::egress::{self, Egress, Names};
use crate::journal::recover::recover;
use crate::journal::{self, Teller};
use crate::keyring;
use crate::metrics::Metrics;
use crate::shelf::files::Files;
use crate::shelf::mark;
use crate::shelf::repair::repair;
use crate::shutdown::Shutdown;

/// How often is looked for what is too old, and copies are made.
const STEP: Duration = Duration::from_secs(3600);

/// Rooms forgotten by one transaction.
const FORGOTTEN_AT_ONCE: usize = 200;

/// Hourly copies of a database in a file that are kept.
const COPIES: u64 = 24;

/// What runs.
#[derive(Clone)]
pub struct History {
    /// What happened.
    pub store: Arc<dyn Store>,
    /// Who writes it down.
    pub journal: journal::Handle,
    /// What of the files is in the bucket.
    pub depot: Depot,
    /// The last moment that it knew of before this start, in milliseconds since 1970 UTC; 0 if it was new.
    pub last_ms: u64,
    wake: Arc<Notify>,
}

/// What was before the program was started.
#[derive(Default)]
pub struct Past {
    /// Rooms that go on.
    pub rooms: Vec<SavedRoom>,
    /// Rooms that ended last, the oldest first.
    pub ended: Vec<RoomId>,
}

/// Opens the database, settles what was in progress, and starts the journal; with what was before. `None` when the history is off.
///
/// # Errors
/// The database's.
pub async fn start(
    config: &Config,
    keys: &keyring::Store,
    seats: Vec<SavedRoom>,
    metrics: &Metrics,
) -> Result<(Option<History>, Past), Problem> {
    let Some(store) = open(config).await? else { return Ok((None, Past { rooms: seats, ended: Vec::new() })) };
    let account = keys.credentials().twilio_account_sid;
    let teller = Teller { account: account.clone(), callback: config.rest.callback.clone(), mix: config.recording.mix };
    let mut recovery = recover(&*store, seats, teller, clock::unix_ms()).await?;
    let depot = Depot::open(config.recording.bucket.as_ref(), &*store).await?;
    let sealing = keys.sealing(false).unwrap_or_else(|problem| {
        tracing::error!(%problem, "the keys of recordings cannot be read");
        Sealing::none()
    });
    let files = Files::in_folder(config.recordings()).and_in(depot.clone(), StoredKind::Recording).sealed(sealing);
    let running = recovery.running();
    let right = mark::is_right(&files, &*store, &account, &running).await?;
    match tokio::task::spawn_blocking(move || repair(&files, |id| running.contains(&id))).await {
        Ok(Ok(repaired)) if right => recovery.end_recordings(&repaired.outcomes, &repaired.unread, clock::unix_ms()),
        _ => recovery.leave_recordings(),
    }
    if !recovery.writes.is_empty() {
        store.write(recovery.writes).await?;
    }
    let wake = Arc::<Notify>::default();
    let journal = journal::start(Arc::clone(&store), recovery.book, Arc::clone(&wake), metrics.clone());
    let past = Past { rooms: recovery.rooms, ended: recovery.ended };
    Ok((Some(History { store, journal, depot, last_ms: recovery.last_ms, wake }), past))
}

/// Opens the database that is configured only to look at it, beside a server or without; none if there is nothing in it yet.
///
/// # Errors
/// The database's.
pub async fn look(config: &Config) -> Result<Option<Keeper>, Problem> {
    store::look(address(config), &config.data).await
}

async fn open(config: &Config) -> Result<Option<Arc<dyn Store>>, Problem> {
    if config.database == Database::Off {
        return Ok(None);
    }
    Ok(Some(Arc::new(store::open(address(config), &config.data).await?)))
}

fn address(config: &Config) -> Option<&str> {
    match &config.database {
        Database::Off | Database::File => None,
        Database::Postgres(address) => Some(address.reveal()),
    }
}

impl History {
    /// Delivers callbacks until the server ends.
    pub async fn deliver(
        self,
        egress: Egress,
        secret: Arc<dyn Fn() -> Secret + Send + Sync>,
        metrics: Metrics,
        shutdown: Shutdown,
    ) {
        let courier = Courier { store: self.store, journal: self.journal, egress, secret, metrics };
        courier::run(courier, self.wake, shutdown).await;
    }

    /// Forgets what is too old and copies the database, every hour until the server ends.
    pub async fn keep(self, config: Config, mut shutdown: Shutdown) {
        let mut hours = interval(STEP);
        hours.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = hours.tick() => {}
                () = shutdown.stopping() => return,
            }
            if let Err(problem) = self.forget(config.history).await {
                tracing::warn!(%problem, "what is too old cannot be forgotten now");
            }
            if let Err(problem) = self.copy(&config).await {
                tracing::warn!(%problem, "the history cannot be copied now");
            }
        }
    }

    async fn forget(&self, age: Duration) -> Result<(), Problem> {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let before = clock::unix_ms().saturating_sub(age);
        while self.store.forget(before, FORGOTTEN_AT_ONCE).await? > 0 {}
        Ok(())
    }

    /// The copy of this hour takes the place of yesterday's.
    async fn copy(&self, config: &Config) -> Result<(), Problem> {
        let folder = config.data.join("history-copies");
        if config.database != Database::File {
            return Ok(());
        }
        // Closed to others from its first moment.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|problem| Problem::Unavailable(problem.to_string()))?;
        let hour = clock::unix_ms() / 3_600_000 % COPIES;
        self.store.backup(&folder.join(format!("{hour:02}.sqlite"))).await.map(drop)
    }
}

/// The way out for callbacks, closed to this server's own listeners. Other servers on this machine may well be told.
#[must_use]
pub fn egress(config: &Config, listeners: Vec<SocketAddr>, machine: Arc<dyn Fn() -> Vec<IpAddr> + Send + Sync>) -> Egress {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let own = Arc::new(move |address: SocketAddr| egress::is_own(address, &listeners, &machine()));
    let names = Names::of_system(courier::LOOKUPS_MAX);
    Egress { policy: config.rest.webhooks_to, own, near: Arc::new(|_| false), names, tls: Arc::new(tls) }
}
