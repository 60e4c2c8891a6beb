use std::net::SocketAddr;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use futures_util::stream;
use tokio::net::TcpListener;

use super::*;
use crate::egress::{Names, Policy};

/// A server with a file, ways to it, and an answer that never ends.
async fn server() -> SocketAddr {
    let file = (0..200_000_u32).map(|n| n as u8).collect::<Vec<u8>>();
    let endless = || async {
        let pieces = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, io::Error>(vec![7_u8; 1_000]), ()))
        });
        axum::body::Body::from_stream(pieces)
    };
    let router = Router::new()
        .route("/a.mp4", get(|| async move { file }))
        .route("/way", get(|| async { Redirect::temporary("a.mp4") }))
        .route("/round", get(|| async { Redirect::temporary("/round") }))
        .route("/inside", get(|| async { Redirect::temporary("http://169.254.169.254/a.mp4") }))
        .route("/endless", get(endless));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn films(policy: Policy) -> Films {
    let tls = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let (own, near, names) = (Arc::new(|_| false), Arc::new(|_| false), Names::of_system(1));
    let egress = Egress { policy, own, near, names, tls: Arc::new(tls) };
    Films::new(egress, std::env::temp_dir())
}

/// On a thread of its own, as it is used.
async fn open(films: Films, url: String, stopped: Arc<AtomicBool>) -> Result<Vec<u8>, String> {
    let read = move || {
        let film = films.open(&url, &stopped)?;
        let mut all = Vec::new();
        let mut piece = vec![0; 7_000];
        loop {
            let count = film.read_at(all.len() as u64, &mut piece)?;
            all.extend_from_slice(&piece[..count]);
            if count == 0 || all.len() > 500_000 {
                return Ok(all);
            }
        }
    };
    tokio::task::spawn_blocking(read).await.expect("no panic").map_err(|problem: io::Error| problem.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_fetched_whole() {
    let at = server().await;
    for path in ["a.mp4", "way"] {
        let film = open(films(Policy::Lan), format!("http://{at}/{path}"), Arc::default()).await.expect("a file");
        assert!(film.len() == 200_000 && film.iter().zip(0_u32..).all(|(byte, n)| *byte == n as u8), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_says_why() {
    let at = server().await;
    let problem = async |policy, url: String| open(films(policy), url, Arc::default()).await.expect_err("refused");
    assert_eq!(problem(Policy::Lan, format!("http://{at}/none")).await, "404 Not Found");
    assert!(problem(Policy::Lan, format!("http://{at}/round")).await.contains("from one address to the next"));
    assert!(problem(Policy::Lan, format!("http://{at}/inside")).await.contains("may not be sent to"), "a redirect is looked at");
    assert!(problem(Policy::Public, format!("http://{at}/a.mp4")).await.contains("may not be sent to"));
    assert!(problem(Policy::Lan, "file:///etc/passwd".to_owned()).await.contains("egress refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_waits_for_nothing() {
    let at = server().await;
    let all = films(Policy::Lan);
    let counted = all.all.clone();
    let stopped = Arc::new(AtomicBool::new(false));
    let reading = open(all, format!("http://{at}/endless"), stopped.clone());
    stopped.store(true, Ordering::Relaxed);
    assert!(reading.await.is_err());
    // The fetch is told to end, and what it has claimed is given back when it does.
    for _ in 0..200 {
        if counted.load(Ordering::Relaxed) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{} bytes are held by nobody", counted.load(Ordering::Relaxed));
}
