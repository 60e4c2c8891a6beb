//! ICE over TCP: framing and sockets (RFC 4571, RFC 6544).
