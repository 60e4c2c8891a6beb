//! Who sends.

/// One that pictures or sound come from, or a mix goes to. The caller's own number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u64);
