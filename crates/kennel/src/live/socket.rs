//! One WebSocket of the live channel.

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket};

use super::Output;
use super::task::Line;
use crate::metrics::Metrics;

/// The largest message, in bytes; a larger one closes the socket.
pub const MESSAGE_MAX_BYTES: usize = 16 * 1024;

/// The close code for binary data on a channel of text (RFC 6455 7.4.1).
const UNSUPPORTED: u16 = 1003;
/// The close code for a message over the limit.
const TOO_BIG: u16 = 1009;
/// The close code for a client that does not keep up (IANA: try again later).
const SLOW: u16 = 1013;

/// Carries messages between a socket and the live channel until either ends.
pub async fn run(mut socket: WebSocket, mut line: Line, metrics: Metrics) {
    let code = loop {
        tokio::select! {
            output = line.next() => match output {
                Some(Output::Send(_, text)) => {
                    metrics.messages_out.inc();
                    if socket.send(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
                Some(Output::Ping(_)) => {
                    if socket.send(Message::Ping(Bytes::new())).await.is_err() {
                        return;
                    }
                }
                Some(Output::Close(_, code)) => break code,
                None => break SLOW,
            },
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => {
                    metrics.messages_in.inc();
                    line.text(text).await;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => line.heard().await,
                Some(Ok(Message::Binary(_))) => break UNSUPPORTED,
                Some(Ok(Message::Close(_))) | None => return,
                Some(Err(_)) => break TOO_BIG,
            },
        }
    };
    let frame = CloseFrame { code, reason: "".into() };
    // A client that is gone already needs no farewell.
    let _ = socket.send(Message::Close(Some(frame))).await;
}
