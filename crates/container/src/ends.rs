//! When a file ended while it grew: how long it is where not all of it could be written.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limit::ENDS_KNOWN_MAX;

/// The ends of the last parts: how many bytes the file had, and when the last of it ended.
#[derive(Debug, Default)]
pub struct Ends(VecDeque<(u64, Duration)>);

impl Ends {
    /// A part was added.
    pub fn note(&mut self, bytes: u64, end: Duration) {
        if self.0.len() >= ENDS_KNOWN_MAX {
            self.0.pop_front();
        }
        self.0.push_back((bytes, end));
    }

    /// When a file ends that has only so many bytes. Of what is forgotten already, no earlier than what is known.
    pub fn at(&self, bytes: u64) -> Duration {
        let known = self.0.iter().rev().find(|(there, _)| *there <= bytes);
        let oldest = self.0.front().filter(|_| self.0.len() >= ENDS_KNOWN_MAX);
        known.or(oldest).map(|(_, end)| *end).unwrap_or_default()
    }
}
