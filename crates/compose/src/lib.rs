//! Compositions: recordings that were made apart, laid out beside each other and made one film. Values only: the files are [`Source`]s
//! and a [`Sink`] that somebody else opened, who also decides when there is work to be done.

mod composer;
mod film;
pub mod layout;
pub mod limit;
mod order;
mod pictures;
mod reading;
pub mod resolution;
mod sound;
pub mod sources;
mod tape;
mod timeline;
mod writing;

pub use composer::Composer;
pub use order::{Failure, Format, Input, Kind, Open, Order, Progress, Sink, Source};

use std::fmt;

/// Why a parameter is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which one, with the way to it: `VideoLayout.grid.x_pos`.
    pub parameter: String,
    /// The rule that it breaks, to be read after its name.
    pub why: &'static str,
}

impl Refused {
    pub(crate) fn new(parameter: impl Into<String>, why: &'static str) -> Self {
        Refused { parameter: parameter.into(), why }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.parameter, self.why)
    }
}

impl std::error::Error for Refused {}
