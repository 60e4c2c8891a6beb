//! The keyring: credentials for apps, links for people, sessions of devices. Values with the time as an argument; only [`store`]
//! touches files.

pub mod api_keys;
pub mod credentials;
pub mod files;
mod form;
pub mod links;
pub mod origin;
pub mod random;
pub mod recordings;
pub mod seal;
pub mod sessions;
pub mod store;

pub use api_keys::ApiKey;
pub use credentials::Credentials;
pub use links::{KeyRefusal, Link, LinkProblem, NewLink, Right, Rights, is_name};
pub use sessions::{Session, Sessions};
pub use store::{Store, StoreProblem};

use crate::config::Secret;
use links::{KEEP_ENDED_MS, MAX_LINKS};
use random::Random;

/// The label of the link that the first start makes.
const OWNER_LABEL: &str = "Owner";

/// Credentials and links. Times are milliseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    /// The credentials made at first start.
    pub credentials: Credentials,
    links: Vec<Link>,
    /// API keys besides the first one, which is among the credentials.
    api_keys: Vec<ApiKey>,
}

impl Keyring {
    /// The keyring of a first start: new credentials and one link, the owner's.
    pub fn fresh(now: u64, random: Random<'_>) -> Self {
        let mut keyring = Self { credentials: Credentials::make(random), links: Vec::new(), api_keys: Vec::new() };
        keyring.renew_owner(now, random);
        keyring
    }

    /// All links, also those that ended lately, in the order they were made.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The link with this id, if it has not ended.
    pub fn living(&self, id: &str, now: u64) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id && !link.has_ended(now))
    }

    /// The link that a key opens.
    ///
    /// # Errors
    /// [`KeyRefusal`]: unknown (or withdrawn), or ended and when.
    pub fn find(&self, key: &str, now: u64) -> Result<&Link, KeyRefusal> {
        links::find(&self.links, key, now)
    }

    /// The key of the owner's link, for the terminal of whoever runs the server.
    pub fn owner_key(&self) -> Option<&Secret> {
        self.links.iter().rev().find_map(|link| link.key.as_ref())
    }

    /// Makes a link. Returns its id and its key, which nobody can see again.
    ///
    /// # Errors
    /// [`LinkProblem`] for what is wrong with `new`, or when there are too many.
    pub fn add(&mut self, new: NewLink, now: u64, random: Random<'_>) -> Result<(String, Secret), LinkProblem> {
        self.forget_long_ended(now);
        if self.links.len() >= MAX_LINKS {
            return Err(LinkProblem::TooMany);
        }
        let (link, key) = Link::make(new, false, now, random)?;
        let id = link.id.clone();
        self.links.push(link);
        Ok((id, key))
    }

    /// Withdraws a link. False when there is none of that id.
    pub fn withdraw(&mut self, id: &str) -> bool {
        let before = self.links.len();
        self.links.retain(|link| link.id != id);
        self.links.len() < before
    }

    /// API keys besides the first one, in the order they were made.
    pub fn api_keys(&self) -> &[ApiKey] {
        &self.api_keys
    }

    /// Makes an API key.
    ///
    /// # Errors
    /// What is wrong with the label, or that there are too many, in a sentence.
    pub fn add_api_key(&mut self, label: &str, now: u64, random: Random<'_>) -> Result<ApiKey, &'static str> {
        if self.api_keys.len() >= api_keys::MAX_API_KEYS {
            return Err("There are 1,000 API keys already. Revoke some first.");
        }
        let key = ApiKey::make(label, now, random)?;
        self.api_keys.push(key.clone());
        Ok(key)
    }

    /// Revokes an API key; the first one is replaced by a new one. False when there is none of that SID.
    pub fn revoke_api_key(&mut self, sid: &str, random: Random<'_>) -> bool {
        if self.credentials.twilio_api_key_sid == sid {
            self.credentials.renew_api_key(random);
            return true;
        }
        let before = self.api_keys.len();
        self.api_keys.retain(|key| key.sid != sid);
        self.api_keys.len() < before
    }

    /// Replaces the owner's link by a new one and returns its key. Links that the owner made stay.
    pub fn renew_owner(&mut self, now: u64, random: Random<'_>) -> Secret {
        self.links.retain(|link| link.key.is_none());
        let new = NewLink { label: OWNER_LABEL.to_owned(), rights: Rights::ALL, room: None, life_ms: None };
        let (link, key) = Link::make(new, true, now, random).expect("the owner's link is valid");
        self.links.insert(0, link);
        key
    }

    fn forget_long_ended(&mut self, now: u64) {
        self.links.retain(|link| link.ends.is_none_or(|ends| now < ends + KEEP_ENDED_MS));
    }
}

#[cfg(test)]
mod tests;
