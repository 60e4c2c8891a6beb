//! One file on its way here.

use std::fs::File;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::address::follow;
use super::limit::{
    BYTES_PER_S_LEAST, FETCH_MAX, FILE_BYTES_MAX, FIRST_BYTES, REDIRECTS_MAX, SILENCE_MAX, SLOW_AFTER, SPACE_LEAST_BYTES,
    SPACE_STEP_BYTES,
};
use super::{Ends, Space};
use crate::egress::{self, Egress, Problem};

/// Fetches a file.
pub async fn fetch(egress: Egress, url: String, taker: Taker) {
    let how = match timeout(FETCH_MAX, go(&egress, url, &taker)).await {
        Ok(how) => how.map_err(|problem| problem.to_string()),
        Err(_) => Err("it takes too long".to_owned()),
    };
    taker.ends.0.end(how);
}

async fn go(egress: &Egress, mut url: String, taker: &Taker) -> Result<(), Problem> {
    for _ in 0..=REDIRECTS_MAX {
        match timeout(FIRST_BYTES, ask(egress, &url)).await.map_err(|_| failed("no answer within 10 s"))?? {
            Reply::Elsewhere(location) => url = follow(&url, &location),
            Reply::Here { length, body } => return taker.take(length, body).await,
        }
    }
    Err(Problem::Refused("it leads from one address to the next"))
}

enum Reply {
    Here { length: Option<u64>, body: BodyDataStream },
    Elsewhere(String),
}

async fn ask(egress: &Egress, url: &str) -> Result<Reply, Problem> {
    let target = egress::target(url)?;
    let request = Request::get(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, concat!("Kennel/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, "video/*, audio/*, */*;q=0.5");
    let request = request.body(Body::empty()).map_err(|_| Problem::Refused("the URL cannot be written into a request"))?;
    let stream = egress.connect(&target).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Ends with the answer's body, which is dropped with this task.
    tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(failed)?;
    let (status, headers) = (response.status(), response.headers());
    if status.is_redirection() {
        let location = headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
        return location.map(|location| Reply::Elsewhere(location.to_owned())).ok_or_else(|| failed(status));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if status != StatusCode::OK {
        Err(failed(status))
    } else if length.is_some_and(|length: u64| length > FILE_BYTES_MAX) {
        Err(Problem::Refused("it is too large"))
    } else {
        Ok(Reply::Here { length, body: Body::new(response.into_body()).into_data_stream() })
    }
}

/// Where the bytes go.
pub struct Taker {
    pub file: File,
    pub space: Space,
    pub ends: Ends,
}

impl Taker {
    async fn take(&self, length: Option<u64>, mut body: BodyDataStream) -> Result<(), Problem> {
        self.look(length.unwrap_or_default()).await?;
        let (begun, mut bytes, mut unseen) = (Instant::now(), 0, 0);
        let mut file = tokio::fs::File::from_std(self.file.try_clone().map_err(failed)?);
        while let Some(piece) = next(&mut body, begun, bytes).await? {
            let more = piece.len() as u64;
            (bytes, unseen) = (bytes + more, unseen + more);
            if unseen >= SPACE_STEP_BYTES {
                self.look(0).await?;
                unseen = 0;
            }
            if !self.ends.0.claim(more) {
                return Err(Problem::Refused("it is too large"));
            }
            file.write_all(&piece).await.map_err(failed)?;
            file.flush().await.map_err(failed)?;
            self.ends.0.add(more);
        }
        Ok(())
    }

    /// Whether the disk has room for so many bytes more.
    async fn look(&self, more: u64) -> Result<(), Problem> {
        let space = self.space.clone();
        let free = tokio::task::spawn_blocking(move || space()).await.map_err(failed)?;
        let fits = free.is_none_or(|free| free >= SPACE_LEAST_BYTES.saturating_add(more));
        if fits { Ok(()) } else { Err(Problem::Refused("the disk has no room for it")) }
    }
}

/// What comes next of what began then, so many bytes after its beginning; none: that was all.
async fn next(body: &mut BodyDataStream, begun: Instant, bytes: u64) -> Result<Option<Bytes>, Problem> {
    let silent = Instant::now() + SILENCE_MAX;
    let slow = begun + SLOW_AFTER + Duration::from_secs(bytes / BYTES_PER_S_LEAST);
    match timeout_at(slow.min(silent), body.next()).await {
        Ok(piece) => piece.transpose().map_err(failed),
        Err(_) if slow < silent => Err(failed("it comes too slowly")),
        Err(_) => Err(failed("nothing comes any more")),
    }
}

fn failed(problem: impl ToString) -> Problem {
    Problem::Failed(problem.to_string())
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use futures_util::stream;

    use super::super::Coming;
    use super::*;

    /// What becomes of a file of such pieces, each after so long.
    async fn take(each: Duration, piece: usize, pieces: usize) -> Result<(), String> {
        let pieces = stream::unfold(pieces, move |left| async move {
            tokio::time::sleep(each).await;
            Some((Ok::<_, io::Error>(vec![7_u8; piece]), left.checked_sub(1)?))
        });
        let (coming, file) = (Arc::new(Coming::new(&Arc::default())), tempfile::tempfile().expect("a file"));
        let taker = Taker { file, space: Arc::new(|| None), ends: Ends(coming) };
        taker.take(None, Body::from_stream(pieces).into_data_stream()).await.map_err(|problem| problem.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_too_slowly_ends() {
        let begun = Instant::now();
        assert_eq!(take(Duration::from_secs(19), 1, 1_000).await, Err("it comes too slowly".to_owned()));
        assert!(begun.elapsed() < SLOW_AFTER + SILENCE_MAX, "{:?}", begun.elapsed());
        assert_eq!(take(Duration::from_secs(21), 1_000_000, 1_000).await, Err("nothing comes any more".to_owned()));
        // The sound of a voice alone.
        assert_eq!(take(Duration::from_secs(10), 20_000, 100).await, Ok(()));
    }
}
