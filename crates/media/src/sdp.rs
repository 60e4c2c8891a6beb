//! The few lines of a description that we read and write ourselves.
