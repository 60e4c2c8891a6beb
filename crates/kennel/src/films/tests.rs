use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use futures_util::stream;
use tokio::net::TcpListener;

use super::limit::{SPACE_LEAST_BYTES, SPACE_STEP_BYTES};
use super::*;
use crate::egress::{Names, Policy};

/// A server with a file, ways to it, and answers that never end: a slow one and one as fast as it goes.
async fn server() -> SocketAddr {
    let file = (0..200_000_u32).map(|n| n as u8).collect::<Vec<u8>>();
    let endless = || async {
        let pieces = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, io::Error>(vec![7_u8; 1_000]), ()))
        });
        axum::body::Body::from_stream(pieces)
    };
    let flood = || async { axum::body::Body::from_stream(stream::repeat_with(|| Ok::<_, io::Error>(vec![7_u8; 1 << 20]))) };
    let router = Router::new()
        .route("/a.mp4", get(|| async move { file }))
        .route("/way", get(|| async { Redirect::temporary("a.mp4") }))
        .route("/round", get(|| async { Redirect::temporary("/round") }))
        .route("/inside", get(|| async { Redirect::temporary("http://169.254.169.254/a.mp4") }))
        .route("/endless", get(endless))
        .route("/flood", get(flood));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn films(policy: Policy) -> Films {
    let tls = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let (own, near, names) = (Arc::new(|_| false), Arc::new(|_| false), Names::of_system(1));
    let egress = Egress { policy, own, near, names, tls: Arc::new(tls) };
    Films { space: Arc::new(|| None), ..Films::new(egress, std::env::temp_dir()) }
}

/// On a disk that has so much left whenever somebody looks, and nothing after that.
fn films_with(free: impl IntoIterator<Item = u64>) -> Films {
    let free = Mutex::new(free.into_iter().collect::<Vec<_>>().into_iter());
    let space = move || free.lock().expect("whole").next().or(Some(0));
    Films { space: Arc::new(space), ..films(Policy::Lan) }
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
    let claimed = || counted.load(Ordering::Relaxed);
    let stopped = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn(open(all, format!("http://{at}/endless"), stopped.clone()));
    until("something came", || claimed() > 0).await;
    stopped.store(true, Ordering::Relaxed);
    assert!(reading.await.expect("no panic").is_err());
    // The fetch is told to end, and what it has claimed is given back when it does.
    until("nobody holds anything", || claimed() == 0).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(claimed(), 0, "and nothing comes any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_on_the_disk_is_left_to_others() {
    let at = server().await;
    let url = |path: &str| format!("http://{at}/{path}");
    let problem = async |films, path: &str| open(films, url(path), Arc::default()).await.expect_err("refused");
    let none = "egress refused: the disk has no room for it";
    assert_eq!(problem(films_with([SPACE_LEAST_BYTES + 199_999]), "a.mp4").await, none, "it says how large it is");
    assert_eq!(problem(films_with([SPACE_LEAST_BYTES - 1]), "endless").await, none, "not even a beginning");
    let fits = open(films_with([SPACE_LEAST_BYTES + 200_000]), url("a.mp4"), Arc::default()).await;
    assert_eq!(fits.map(|film| film.len()), Ok(200_000));
    // What does not say it ends when others would feel it.
    let all = films_with([SPACE_LEAST_BYTES, SPACE_LEAST_BYTES, SPACE_LEAST_BYTES - 1]);
    let (counted, flood) = (all.all.clone(), url("flood"));
    let film = tokio::task::spawn_blocking(move || all.open(&flood, &Arc::default())).await.expect("no panic").expect("begun");
    let end = film.clone();
    let read = move || end.read_at(u64::MAX, &mut [0]).map_err(|problem| problem.to_string());
    assert_eq!(tokio::task::spawn_blocking(read).await.expect("no panic"), Err(none.to_owned()));
    let claimed = counted.load(Ordering::Relaxed);
    assert!((SPACE_STEP_BYTES..3 * SPACE_STEP_BYTES).contains(&claimed), "{claimed}");
    drop(film);
}

#[test]
fn nobody_takes_what_is_left_to_all_others() {
    let gigabyte = 1 << 30;
    let all = Arc::new(AtomicU64::new(ALL_BYTES_MAX - gigabyte));
    let mut three = [(); 3].map(|()| Coming::new(&all));
    let each = gigabyte / 4;
    assert!(three.iter().all(|coming| coming.claim(each)), "three may have as much as is left then");
    assert!(three.iter().all(|coming| !coming.claim(1)), "and no more");
    let late = Coming::new(&all);
    assert!(late.claim(each / 4), "somebody else finds something");
    three[0] = late;
    assert!(three[0].claim(each / 2), "what is given back is free for others");
    drop(three);
    assert_eq!(all.load(Ordering::Relaxed), ALL_BYTES_MAX - gigabyte);
    let alone = Coming::new(&Arc::default());
    assert!(alone.claim(FILE_BYTES_MAX) && !alone.claim(1));
}

#[test]
fn a_fetch_that_is_broken_off_keeps_nobody_waiting() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (serving, fetching) = (runtime(), runtime());
    let at = serving.block_on(server());
    let films = fetching.block_on(async { films(Policy::Lan) });
    let film = films.open(&format!("http://{at}/endless"), &Arc::default()).expect("begun");
    let (sender, told) = channel();
    thread::spawn(move || sender.send(film.read_at(u64::MAX, &mut [0]).map_err(|problem| problem.to_string())));
    fetching.shutdown_background();
    let told = told.recv_timeout(Duration::from_secs(10)).expect("not kept waiting");
    assert_eq!(told, Err("it was broken off".to_owned()));
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
