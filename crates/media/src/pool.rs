//! Starts workers, places rooms on them, and starts them anew when they fail.
