//! Data tracks and message channels.
