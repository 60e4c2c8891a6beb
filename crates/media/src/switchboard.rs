//! Which track goes to whom.
