//! Who is the dominant speaker.
