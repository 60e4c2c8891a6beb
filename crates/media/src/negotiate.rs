//! Offers and answers with one client: which section carries which track.
