//! One subscriber's bitrate shared among the tracks that it receives. Pure.
