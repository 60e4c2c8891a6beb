//! A wire to the server that can be cut at the worst moment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// When to cut, once.
#[derive(Clone, Copy)]
pub enum Cut {
    /// Before the server hears of the commit.
    BeforeCommit = 1,
    /// When the server has heard of it, and before its answer is heard.
    AfterCommit = 2,
}

pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicU8>,
    blocked: Arc<AtomicBool>,
}

impl Proxy {
    /// Leads to the server at this socket.
    pub async fn start(server: PathBuf) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, cut) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU8::new(0)));
        let blocked = Arc::new(AtomicBool::new(false));
        let (seen, closed) = (cut.clone(), blocked.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if closed.load(Ordering::SeqCst) {
                    continue;
                }
                let (server, cut) = (server.clone(), seen.clone());
                tokio::spawn(async move { drop(lead(client, server, &cut).await) });
            }
        });
        Proxy { port, cut, blocked }
    }

    /// The next commit on any connection is cut.
    pub fn cut(&self, cut: Cut) {
        self.cut.store(cut as u8, Ordering::SeqCst);
    }

    /// Whether nobody new is let through.
    pub fn block(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::SeqCst);
    }

    /// Whether it was.
    pub fn has_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst) == 0
    }
}

async fn lead(mut client: TcpStream, server: PathBuf, cut: &AtomicU8) -> io::Result<()> {
    let mut server = UnixStream::connect(server).await?;
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = up.get(..read?).filter(|bytes| !bytes.is_empty()).ok_or(io::ErrorKind::UnexpectedEof)?;
                let commit = bytes.windows(7).any(|word| word == b"COMMIT\0");
                let cut = if commit { cut.swap(0, Ordering::SeqCst) } else { 0 };
                if cut != Cut::BeforeCommit as u8 {
                    server.write_all(bytes).await?;
                }
                if cut != 0 {
                    return Ok(());
                }
            }
            read = server.read(&mut down) => {
                let bytes = down.get(..read?).filter(|bytes| !bytes.is_empty()).ok_or(io::ErrorKind::UnexpectedEof)?;
                client.write_all(bytes).await?;
            }
        }
    }
}
