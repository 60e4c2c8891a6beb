//! The bucket as it is spoken to: put, look, fetch, delete.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{BackoffConfig, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig};
use store::StoredKind;

use super::http::Connector;
use super::limit::{TRIES, TRYING};
use super::problem::Problem;
use crate::config;
use crate::keyring::random;

/// A bucket. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    s3: Arc<AmazonS3>,
    /// `s3://NAME/`
    root: String,
    prefix: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("root", &self.root).finish_non_exhaustive()
    }
}

/// What is in the bucket under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its size.
    pub bytes: u64,
    /// What the bucket calls this content of it; empty if it has no word.
    pub tag: String,
    /// When it was put there, ms since 1970 UTC.
    pub changed_ms: u64,
}

impl Client {
    /// The bucket that was configured. Asks nobody yet.
    ///
    /// # Errors
    /// It cannot be used, in words.
    pub fn new(config: &config::Bucket) -> Result<Self, String> {
        let retry =
            RetryConfig { backoff: BackoffConfig::default(), max_retries: TRIES.saturating_sub(1), retry_timeout: TRYING };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&config.name)
            .with_region(&config.region)
            .with_access_key_id(&config.access_key)
            .with_secret_access_key(config.secret_key.reveal())
            .with_virtual_hosted_style_request(!config.path_style)
            .with_allow_http(true)
            .with_retry(retry)
            // One file goes by one DELETE: that is what every store knows, and what a refusal of is plain.
            .with_disable_bulk_delete(true)
            .with_http_connector(Connector::trusting(config.ca.as_deref())?);
        if let Some(endpoint) = endpoint(config) {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = &config.session_token {
            builder = builder.with_token(token.reveal());
        }
        let s3 = builder.build().map_err(|problem| problem.to_string())?;
        Ok(Client { s3: Arc::new(s3), root: format!("s3://{}/", config.name), prefix: config.prefix.clone() })
    }

    /// Where a file of this id and ending is to be.
    #[must_use]
    pub fn address(&self, kind: StoredKind, id: u128, ending: &str) -> String {
        let folder = match kind {
            StoredKind::Recording => "recordings",
            StoredKind::Composition => "compositions",
        };
        format!("{}{}{folder}/{id:032x}.{ending}", self.root, self.prefix)
    }

    /// Whether what has this address is in this bucket.
    #[must_use]
    pub fn has(&self, address: &str) -> bool {
        self.key(address).is_ok()
    }

    /// Puts all of a file there at once; returns its tag.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn put(&self, address: &str, bytes: Bytes) -> Result<String, Problem> {
        let put = self.s3.put(&self.key(address)?, bytes.into()).await?;
        Ok(put.e_tag.unwrap_or_default())
    }

    /// Begins to put a file there in parts; returns what the bucket calls that.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn begin(&self, address: &str) -> Result<String, Problem> {
        Ok(self.s3.create_multipart(&self.key(address)?).await?)
    }

    /// Puts a part there, the first is 0; returns what the bucket calls it.
    ///
    /// # Errors
    /// [`Problem`]; [`Problem::Missing`] if the bucket knows nothing of this upload.
    pub async fn part(&self, address: &str, upload: &str, number: usize, bytes: Bytes) -> Result<String, Problem> {
        let part = self.s3.put_part(&self.key(address)?, &upload.to_owned(), number, bytes.into()).await?;
        Ok(part.content_id)
    }

    /// Makes a file of all parts; returns its tag.
    ///
    /// # Errors
    /// As [`Client::part`].
    pub async fn complete(&self, address: &str, upload: &str, parts: &[String]) -> Result<String, Problem> {
        let parts = parts.iter().map(|part| PartId { content_id: part.clone() }).collect();
        let put = self.s3.complete_multipart(&self.key(address)?, &upload.to_owned(), parts).await?;
        Ok(put.e_tag.unwrap_or_default())
    }

    /// Forgets an upload and its parts. Of one that the bucket does not know nothing changes.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn abort(&self, address: &str, upload: &str) -> Result<(), Problem> {
        done(self.s3.abort_multipart(&self.key(address)?, &upload.to_owned()).await)
    }

    /// What is there.
    ///
    /// # Errors
    /// [`Problem::Missing`], and others.
    pub async fn look(&self, address: &str) -> Result<Found, Problem> {
        let meta = self.s3.head(&self.key(address)?).await?;
        let changed_ms = u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or_default();
        Ok(Found { bytes: meta.size, tag: meta.e_tag.unwrap_or_default(), changed_ms })
    }

    /// These bytes of what is there, if it is still what has this tag.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn fetch(&self, address: &str, tag: &str, range: Range<u64>) -> Result<Bytes, Problem> {
        let count = range.end.saturating_sub(range.start);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let got = self.s3.get_opts(&self.key(address)?, options).await?;
        let same = got.meta.e_tag.as_deref().is_none_or(|now| is_same_tag(tag, now));
        let bytes = if same { got.bytes().await? } else { return Err(Problem::Changed) };
        if bytes.len() as u64 == count { Ok(bytes) } else { Err(Problem::Changed) }
    }

    /// Deletes what is there. Nothing is fine.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn delete(&self, address: &str) -> Result<(), Problem> {
        done(self.s3.delete(&self.key(address)?).await)
    }

    /// Whether a small file can be put there, read and deleted.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub async fn probe(&self) -> Result<(), Problem> {
        let address = format!("{}{}.kennel-check-{:032x}", self.root, self.prefix, random::id());
        let word = Bytes::from_static(b"Kennel was here.");
        let tag = self.put(&address, word.clone()).await?;
        let read = self.fetch(&address, &tag, 0..word.len() as u64).await;
        // Also when it cannot be read.
        self.delete(&address).await?;
        if read? == word { Ok(()) } else { Err(Problem::Changed) }
    }

    /// The key of this address.
    fn key(&self, address: &str) -> Result<Path, Problem> {
        let elsewhere = || Problem::Elsewhere(format!("it is at {address}, which is not the bucket that is configured"));
        let key = address.strip_prefix(&self.root).ok_or_else(elsewhere)?;
        Path::parse(key).map_err(|_| elsewhere())
    }
}

/// Whether two tags name the same content, as far as both are known. Some stores leave out the quotes here and there, and what is between may
/// weaken a tag (RFC 9110, 8.8.3).
pub(super) fn is_same_tag(one: &str, other: &str) -> bool {
    let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').to_owned();
    one.is_empty() || other.is_empty() || bare(one) == bare(other)
}

/// The endpoint as the library takes it: with the bucket's name where it is to be in the host.
fn endpoint(config: &config::Bucket) -> Option<String> {
    let endpoint = config.endpoint.as_ref()?;
    if config.path_style {
        return Some(endpoint.clone());
    }
    let (scheme, rest) = endpoint.split_once("://")?;
    Some(format!("{scheme}://{}.{rest}", config.name))
}

/// What is not there need not go.
fn done(outcome: object_store::Result<()>) -> Result<(), Problem> {
    match outcome.map_err(Problem::from) {
        Err(Problem::Missing) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn config(endpoint: Option<&str>, path_style: bool) -> config::Bucket {
        config::Bucket {
            name: "den".into(),
            prefix: "kennel/".into(),
            endpoint: endpoint.map(str::to_owned),
            region: "us-east-1".into(),
            path_style,
            ca: None,
            access_key: "key".into(),
            secret_key: Secret::new("secret"),
            session_token: None,
        }
    }

    #[test]
    fn the_bucket_is_in_the_path_or_in_the_host() {
        let check = |given: Option<&str>, path_style, expected: Option<&str>| {
            assert_eq!(endpoint(&config(given, path_style)).as_deref(), expected, "{given:?}");
        };
        check(None, false, None);
        check(Some("http://192.168.1.9:9000"), true, Some("http://192.168.1.9:9000"));
        check(Some("https://s3.example.org:444/x"), false, Some("https://den.s3.example.org:444/x"));
    }

    #[test]
    fn tags_are_the_same_whatever_is_around_them() {
        let check = |one: &str, other: &str, expected: bool| assert_eq!(is_same_tag(one, other), expected, "{one} {other}");
        check(r#""a1""#, "a1", true);
        check(r#"W/"a1""#, r#""a1""#, true);
        check(r#""a1""#, r#""a2""#, false);
        check("", r#""a1""#, true);
    }

    #[test]
    fn addresses_say_which_bucket_they_are_in() {
        let client = Client::new(&config(None, false)).expect("a client");
        let address = client.address(StoredKind::Composition, 10, "mp4");
        assert_eq!(address, "s3://den/kennel/compositions/0000000000000000000000000000000a.mp4");
        assert!(client.has(&address) && client.has("s3://den/other/1.mkv") && !client.has("s3://barn/kennel/1.mkv"));
    }
}
