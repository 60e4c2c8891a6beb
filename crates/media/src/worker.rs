//! One thread, its sockets and its engine.
