//! Batched datagrams in and out.
