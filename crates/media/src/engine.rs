//! Everything that one worker does, without threads, clocks and sockets.
