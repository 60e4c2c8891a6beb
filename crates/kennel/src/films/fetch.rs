//! One file on its way here.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::address::follow;
use super::{Coming, FILE_BYTES_MAX};
use crate::egress::{self, Egress, Problem};

/// Redirects that are followed. One more: it is given up.
const REDIRECTS_MAX: usize = 5;

/// How long the beginning of an answer is waited for, from the connection on.
const FIRST_BYTES: Duration = Duration::from_secs(10);

/// How long nothing may come.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// How long a file may take. What has not come by then does not.
const FETCH_MAX: Duration = Duration::from_secs(4 * 3600);

/// Fetches a file.
pub async fn fetch(egress: Egress, url: String, file: File, coming: Arc<Coming>) {
    let how = match timeout(FETCH_MAX, go(&egress, url, file, &coming)).await {
        Ok(how) => how.map_err(|problem| problem.to_string()),
        Err(_) => Err("it takes too long".to_owned()),
    };
    coming.end(how);
}

async fn go(egress: &Egress, mut url: String, file: File, coming: &Coming) -> Result<(), Problem> {
    for _ in 0..=REDIRECTS_MAX {
        match timeout(FIRST_BYTES, ask(egress, &url)).await.map_err(|_| failed("no answer within 10 s"))?? {
            Reply::Elsewhere(location) => url = follow(&url, &location),
            Reply::Here(body) => return take(body, file, coming).await,
        }
    }
    Err(Problem::Refused("it leads from one address to the next"))
}

enum Reply {
    Here(BodyDataStream),
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
        Ok(Reply::Here(Body::new(response.into_body()).into_data_stream()))
    }
}

async fn take(mut body: BodyDataStream, file: File, coming: &Coming) -> Result<(), Problem> {
    let mut file = tokio::fs::File::from_std(file);
    while let Some(piece) = timeout(SILENCE_MAX, body.next()).await.map_err(|_| failed("nothing comes any more"))? {
        let piece = piece.map_err(failed)?;
        if !coming.claim(piece.len() as u64) {
            return Err(Problem::Refused("it is too large"));
        }
        file.write_all(&piece).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        coming.add(piece.len() as u64);
    }
    Ok(())
}

fn failed(problem: impl ToString) -> Problem {
    Problem::Failed(problem.to_string())
}
