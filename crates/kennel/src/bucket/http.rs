//! How requests go to a store: hyper over rustls, as everything else of ours. It goes wherever the owner's configuration says, inner
//! addresses included.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;

use super::limit::{ANSWER, ANSWER_BYTES, ANSWER_WHOLE, BYTES_PER_S_LEAST, CONNECT};
use crate::egress::{self, Stream};

/// Makes clients.
#[derive(Clone, Debug)]
pub struct Connector(Arc<rustls::ClientConfig>);

impl Connector {
    /// Those that trust the public certificates, and those in this file.
    ///
    /// # Errors
    /// The file cannot be read, in words.
    pub fn trusting(ca: Option<&Path>) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = ca {
            let in_words = |problem: &dyn fmt::Display| format!("{}: {problem}", path.display());
            let certificates = CertificateDer::pem_file_iter(path).map_err(|problem| in_words(&problem))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|problem| in_words(&problem))?;
                roots.add(certificate).map_err(|problem| in_words(&problem))?;
            }
        }
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Ok(Connector(Arc::new(tls)))
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let way = Way(TlsConnector::from(Arc::clone(&self.0)));
        Ok(HttpClient::new(Requests(Client::builder(TokioExecutor::new()).build(way))))
    }
}

#[derive(Debug)]
struct Requests(Client<Way, HttpRequestBody>);

#[async_trait]
impl HttpService for Requests {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let bytes = request.body().content_length() as u64;
        let patience = ANSWER + Duration::from_secs(bytes / BYTES_PER_S_LEAST);
        let answer = timeout(patience, self.0.request(request)).await.map_err(late)?;
        let (parts, body) = answer.map_err(failed)?.into_parts();
        let (until, end) = (Box::pin(sleep(ANSWER)), Instant::now() + ANSWER_WHOLE);
        let patient = Patient { body, until, end, bytes_left: ANSWER_BYTES };
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(patient)))
    }
}

fn late<E: std::error::Error + Send + Sync + 'static>(error: E) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, error)
}

fn failed(error: hyper_util::client::legacy::Error) -> HttpError {
    let kind = if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Request };
    HttpError::new(kind, error)
}

/// An answer's body that fails when nothing more of it comes, or too much, or for too long.
struct Patient {
    body: Incoming,
    until: Pin<Box<Sleep>>,
    /// When all of it must have come.
    end: Instant,
    bytes_left: u64,
}

impl Patient {
    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, HttpError> {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left =
            left.ok_or_else(|| HttpError::new(HttpErrorKind::Decode, io::Error::from(io::ErrorKind::FileTooLarge)))?;
        Ok(frame)
    }
}

impl Body for Patient {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let until = (Instant::now() + ANSWER).min(self.end);
            self.until.as_mut().reset(until);
            let Some(frame) = frame else { return Poll::Ready(None) };
            let frame = frame.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error));
            return Poll::Ready(Some(frame.and_then(|frame| self.count(frame))));
        }
        self.until.as_mut().poll(context).map(|()| Some(Err(late(io::Error::from(io::ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Makes connections.
#[derive(Clone)]
struct Way(TlsConnector);

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}

impl tower::Service<Uri> for Way {
    type Response = Wire;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Wire>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let tls = self.0.clone();
        Box::pin(async move { timeout(CONNECT, connect(tls, &to)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) })
    }
}

async fn connect(tls: TlsConnector, to: &Uri) -> io::Result<Wire> {
    let target = egress::target(&to.to_string()).map_err(|problem| io::Error::other(problem.to_string()))?;
    let socket = TcpStream::connect((target.host.as_str(), target.port)).await?;
    socket.set_nodelay(true)?;
    if !target.tls {
        return Ok(Wire(TokioIo::new(Box::new(socket))));
    }
    let name = ServerName::try_from(target.host).map_err(io::Error::other)?;
    Ok(Wire(TokioIo::new(Box::new(tls.connect(name, socket).await?))))
}

/// A connection.
struct Wire(TokioIo<Box<dyn Stream>>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
