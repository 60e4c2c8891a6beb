//! What must be known of a payload to forward it: key frames and counters.
