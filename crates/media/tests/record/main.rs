//! Recordings as values: packets in, files in memory out.

mod clock;
mod disk;
mod files;
mod mixed;
mod tape;
mod track;
