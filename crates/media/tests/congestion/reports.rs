//! What is read of reports on arrivals.
