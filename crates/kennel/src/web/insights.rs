//! The telemetry socket of the SDK: taken, counted, dropped.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use twilio::token;

use super::accept::Connection;
use super::{App, SOCKET_BUFFER_BYTES};
use crate::clock;
use crate::keyring::random;

/// The largest message, in bytes: statistics of a room with many tracks take a tenth of it.
const MESSAGE_MAX_BYTES: usize = 256 * 1024;
/// The first message comes within this.
const CONNECT: Duration = Duration::from_secs(10);
/// The SDK says something at least every 20 s; a socket silent this long is dead.
const SILENCE: Duration = Duration::from_secs(120);
/// Events at once, and then per second. The SDK sends about fifty at its start and one a second at most later.
const BURST: f64 = 200.0;
/// See [`BURST`].
const RATE: f64 = 50.0;

/// Close codes (RFC 6455 7.4.1): who broke a rule, who was silent, the server stops.
const POLICY: u16 = 1008;
const AWAY: u16 = 1001;

/// `GET /v1/VideoEvents`
pub async fn socket(
    State(app): State<Arc<App>>,
    Extension(connection): Extension<Connection>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade =
        upgrade.max_message_size(MESSAGE_MAX_BYTES).max_frame_size(MESSAGE_MAX_BYTES).read_buffer_size(SOCKET_BUFFER_BYTES);
    upgrade.on_upgrade(move |socket| run(socket, app, connection))
}

async fn run(mut socket: WebSocket, app: Arc<App>, connection: Connection) {
    let code = match timeout(CONNECT, connect(&mut socket, &app)).await {
        Ok(Some(())) => {
            connection.authenticated();
            let mut shutdown = app.shutdown.clone();
            tokio::select! {
                code = drop_events(&mut socket, &app) => code,
                () = shutdown.stopping() => AWAY,
            }
        }
        Ok(None) | Err(_) => POLICY,
    };
    // A client that is gone already needs no farewell.
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
}

/// The first exchange: `connect` with a good token, answered by `connected`.
async fn connect(socket: &mut WebSocket, app: &App) -> Option<()> {
    let Ok(Message::Text(text)) = socket.recv().await? else { return None };
    let message: Value = serde_json::from_str(&text).ok()?;
    let good = message["type"] == "connect"
        && message["token"].as_str().is_some_and(|text| token::verify(text, &*app.store, clock::unix_ms()).is_ok());
    let answer = if good {
        json!({ "type": "connected", "session": random::hex(32, &random::from_system), "version": 1 })
    } else {
        json!({ "type": "error", "message": "A connect message with a valid token comes first." })
    };
    socket.send(Message::text(answer.to_string())).await.ok()?;
    good.then_some(())
}

/// Counts events until the client closes, falls silent or sends too many. Returns the code to close with.
async fn drop_events(socket: &mut WebSocket, app: &App) -> u16 {
    let (mut allowance, mut counted) = (BURST, Instant::now());
    loop {
        match timeout(SILENCE, socket.recv()).await {
            Ok(Some(Ok(Message::Text(_)))) => {
                app.metrics.insights_events.inc();
                allowance = (allowance + counted.elapsed().as_secs_f64() * RATE).min(BURST) - 1.0;
                counted = Instant::now();
                if allowance < 0.0 {
                    return POLICY;
                }
            }
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Binary(_)))) => return POLICY,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) | Err(_) => return AWAY,
        }
    }
}
