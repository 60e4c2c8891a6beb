//! The task that notices what changes without a request: links withdrawn and API keys revoked by `kennel keys`, links that end, idle
//! sessions.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::clock;
use crate::keyring::StoreProblem;
use crate::live::message::EndReason;

/// How often it looks; a link is dead everywhere within two of these.
const STEP: Duration = Duration::from_millis(800);

/// Keeps links, sessions, live sockets and rooms in step until the server ends; then writes the sessions once more.
pub async fn keep(app: Arc<App>) {
    let mut shutdown = app.shutdown.clone();
    let mut living = living(&app);
    let mut complained = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(STEP) => {}
            () = shutdown.stopping() => break,
        }
        let read = on_disk(&app, |app| app.store.refresh().map(drop)).await;
        let now = self::living(&app);
        for link in living.difference(&now) {
            end(&app, link).await;
        }
        living = now;
        let written = on_disk(&app, |app| app.store.save_sessions()).await;
        complained = complain(read.and(written), complained);
    }
    complain(on_disk(&app, |app| app.store.save_sessions()).await, false);
}

/// Ends all that goes by this link or API key: its sessions, its live sockets, its participants.
pub async fn end(app: &App, link: &str) {
    let ended = app.store.keyring().links().iter().any(|known| known.id == link);
    let reason = if ended { EndReason::Expired } else { EndReason::Withdrawn };
    app.live.end(link, reason).await;
    app.rooms.withdraw(link);
}

fn living(app: &App) -> HashSet<String> {
    let (now, keyring) = (clock::unix_ms(), app.store.keyring());
    app.store.sessions().sweep(now, |link| keyring.living(link, now).is_some());
    let living = keyring.links().iter().filter(|link| !link.has_ended(now));
    let api_keys = keyring.api_keys().iter().map(|key| key.sid.clone());
    let first = app.store.credentials().twilio_api_key_sid;
    living.map(|link| link.id.clone()).chain(api_keys).chain([first]).collect()
}

async fn on_disk(
    app: &Arc<App>,
    work: impl FnOnce(&App) -> Result<(), StoreProblem> + Send + 'static,
) -> Result<(), StoreProblem> {
    let app = app.clone();
    // The work does not panic, and if it did, the next round tries again.
    tokio::task::spawn_blocking(move || work(&app)).await.unwrap_or(Ok(()))
}

/// Says once what is wrong, and once that it is over.
fn complain(result: Result<(), StoreProblem>, complained: bool) -> bool {
    match (&result, complained) {
        (Err(problem), false) => tracing::error!(%problem, "the keyring's files cannot be used; what was known still counts"),
        (Ok(()), true) => tracing::info!("the keyring's files can be used again"),
        _ => {}
    }
    result.is_err()
}
