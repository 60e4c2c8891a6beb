//! A client's WebSocket to Kennel.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::SinkExt;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Connections from one address: a server holds more from one address for an attack.
const PER_ADDRESS: u32 = 40;

/// A WebSocket.
pub type Socket = WebSocketStream<TcpStream>;

/// Opens the socket of the client with this number, from one of many loopback addresses.
///
/// # Errors
/// The server does not take it.
pub async fn open(http: SocketAddr, path: &str, number: u32) -> Result<Socket, String> {
    let tcp = TcpSocket::new_v4().map_err(|e| e.to_string())?;
    let from = Ipv4Addr::new(127, 0, 1 + u8::try_from(number / PER_ADDRESS % 200).unwrap_or_default(), 1);
    tcp.bind((from, 0).into()).map_err(|e| e.to_string())?;
    let stream = tcp.connect(http).await.map_err(|e| e.to_string())?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let (socket, _) = client_async(format!("ws://{http}{path}"), stream).await.map_err(|e| e.to_string())?;
    Ok(socket)
}

/// Sends a message.
///
/// # Errors
/// The socket is gone.
pub async fn say(socket: &mut Socket, value: &Value) -> Result<(), String> {
    socket.send(Message::text(value.to_string())).await.map_err(|e| e.to_string())
}
