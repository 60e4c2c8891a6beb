//! One peer connection of the model: the count of revisions, and who waits for whom.

use serde_json::Value;

/// As the SDK keeps it. All counts are of descriptions.
#[derive(Debug, Default)]
pub struct Peer {
    /// Of the last description that was made or taken.
    revision: u64,
    /// Of the last completed negotiation.
    stable: u64,
    /// An offer of our own waits for its answer.
    pub offering: bool,
    /// An offer of the other end is to be answered at this revision.
    pub to_answer: Option<u64>,
    /// An offer was asked for, or is due again after a rollback.
    pub to_offer: bool,
    /// What came while the first offer was out.
    queued: Option<(String, u64)>,
    /// The last block of candidates that came, by ufrag.
    ice: Vec<(String, u64)>,
}

impl Peer {
    /// Nothing is due: every offer was answered.
    pub fn is_settled(&self) -> bool {
        !self.offering && self.to_answer.is_none() && !self.to_offer && self.queued.is_none() && self.stable > 0
    }

    /// The count that the next own offer has.
    pub fn next_revision(&self) -> u64 {
        self.revision + 1
    }

    /// Of the last completed negotiation.
    pub fn stable(&self) -> u64 {
        self.stable
    }

    /// The client says a description. An error is a client that does not follow its own rules: a replay gone astray.
    pub fn says(&mut self, kind: &str, revision: u64) -> Result<(), String> {
        match kind {
            // Said before the other end's offer of the same count was heard: rolled back, and due again.
            "offer" if self.to_answer == Some(revision) => {
                self.to_offer = true;
                Ok(())
            }
            "offer" if self.to_answer.is_some() => Err(format!("offers {revision} with an answer due")),
            "offer" if revision != self.revision + 1 => Err(format!("offers {revision} after {}", self.revision)),
            "offer" => {
                self.revision = revision;
                (self.offering, self.to_offer) = (true, false);
                Ok(())
            }
            "answer" if self.to_answer != Some(revision) => Err(format!("answers {revision}, due is {:?}", self.to_answer)),
            "answer" => {
                self.stable = revision;
                self.to_answer = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The server says a description: whether it was of any use. `again` is true in `synced`, where what is known may be
    /// said again.
    pub fn hears(&mut self, kind: &str, revision: u64, again: bool) -> Result<bool, String> {
        match kind {
            "answer" if revision != self.revision || !self.offering => stale(kind, revision, self.revision, again),
            "answer" => self.answer(revision),
            "offer" | "create-offer" if revision <= self.stable => stale(kind, revision, self.stable, again),
            "offer" if self.to_answer == Some(revision) && again => Ok(false),
            "offer" | "create-offer" if self.offering && self.stable == 0 => {
                self.queued = Some((kind.to_owned(), revision));
                Ok(true)
            }
            "offer" => Ok(self.offer(revision)),
            "create-offer" if self.offering => Err("create-offer while an offer is out is not proven".into()),
            "create-offer" => {
                self.revision = revision;
                self.to_offer = true;
                Ok(true)
            }
            _ => Err(format!("{kind} is no description that a server sends")),
        }
    }

    /// The server says a block of candidates: whether it was of any use.
    pub fn hears_ice(&mut self, ice: &Value, again: bool) -> Result<bool, String> {
        let ufrag = ice["ufrag"].as_str().ok_or("candidates without ufrag are kept for nobody")?;
        let revision = ice["revision"].as_u64().ok_or("candidates without revision")?;
        if !ice["candidates"].is_array() {
            return Err("candidates is a list".into());
        }
        match self.ice.iter_mut().find(|(known, _)| known == ufrag) {
            Some((_, last)) if revision <= *last => return stale("candidates", revision, *last, again),
            Some((_, last)) => *last = revision,
            None => self.ice.push((ufrag.to_owned(), revision)),
        }
        Ok(true)
    }

    fn answer(&mut self, revision: u64) -> Result<bool, String> {
        self.stable = revision;
        self.offering = false;
        if let Some((kind, revision)) = self.queued.take() {
            self.hears(&kind, revision, true)?;
        }
        Ok(true)
    }

    /// An own offer that is out is rolled back and made again after the answer.
    fn offer(&mut self, revision: u64) -> bool {
        self.to_offer |= self.offering;
        self.offering = false;
        self.revision = revision;
        self.to_answer = Some(revision);
        true
    }
}

fn stale(kind: &str, revision: u64, now: u64, again: bool) -> Result<bool, String> {
    if again { Ok(false) } else { Err(format!("{kind} {revision} at {now} is ignored")) }
}
