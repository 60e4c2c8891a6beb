//! Which peer a datagram is for.
