//! Packets on their way from where they are written to the socket: they are encrypted where they lie, one after the other.

use std::net::SocketAddr;

use super::line::{Head, Line};
use crate::net::{Batch, Protocol};
use crate::srtp::Srtp;

/// Memory that is kept in any case: two packets.
const KEPT_BYTES: usize = 2_560;
const KEPT_DATAGRAMS: usize = 4;

/// What waits to be sent to one client.
#[derive(Default)]
pub(super) struct Wire {
    pub bytes: Vec<u8>,
    /// Where each datagram ends.
    pub ends: Vec<usize>,
    /// Bytes that waited at most since the last [`trim`](Wire::trim).
    most: usize,
}

/// A packet whose header is written.
pub(super) struct Begun {
    start: usize,
    /// Bytes of the header.
    header: usize,
    ssrc: u32,
    /// Continued beyond 16 bits.
    seq: u64,
    /// Whether it is counted over all that the client is sent.
    pub numbered: bool,
}

impl Wire {
    /// Writes a header. What follows it is [`put`](Wire::put).
    pub fn begin(&mut self, line: &Line, head: &Head, seq: u64) -> Begun {
        let start = self.bytes.len();
        line.write_header(head, &mut self.bytes);
        Begun { start, header: self.bytes.len() - start, ssrc: head.ssrc, seq, numbered: line.is_numbered() }
    }

    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What was put, from this byte on.
    pub fn payload(&mut self, begun: &Begun, from: usize) -> &mut [u8] {
        self.bytes.get_mut(begun.start + begun.header + from..).unwrap_or_default()
    }

    /// Encrypts a packet; how long it is now. None: there are no keys or the cipher failed, and it is gone.
    pub fn finish(&mut self, srtp: Option<&mut Srtp>, begun: &Begun) -> Option<usize> {
        let place = (begun.start, begun.header);
        if !srtp.is_some_and(|srtp| srtp.seal(&mut self.bytes, place, begun.ssrc, begun.seq)) {
            self.bytes.truncate(begun.start);
            return None;
        }
        self.ends.push(self.bytes.len());
        Some(self.bytes.len() - begun.start)
    }

    /// Header and signature of the datagram that was finished last, which was begun so.
    pub fn last(&self, begun: &Begun, payload: usize) -> Option<(&[u8], &[u8])> {
        let (header, rest) = self.bytes.get(begun.start..)?.split_at_checked(begun.header)?;
        Some((header, rest.get(payload..)?))
    }

    /// Begins a packet that left before, by the header with which it did.
    pub fn begin_again(&mut self, ssrc: u32, seq: u64, header: &[u8]) -> Begun {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(header);
        Begun { start, header: header.len(), ssrc, seq, numbered: false }
    }

    /// Encrypts it anew, which gives the same datagram. False: it does not, and is gone. Another one under the same number must not leave.
    pub fn finish_again(&mut self, srtp: Option<&mut Srtp>, begun: &Begun, signature: &[u8]) -> bool {
        if self.finish(srtp, begun).is_none() {
            return false;
        }
        let same = !signature.is_empty() && self.bytes.ends_with(signature);
        if !same {
            self.ends.pop();
            self.bytes.truncate(begun.start);
        }
        same
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn batch(&self, protocol: Protocol, source: SocketAddr, destination: SocketAddr) -> Batch<'_> {
        Batch { protocol, source, destination, bytes: &self.bytes, ends: &self.ends }
    }

    pub fn clear(&mut self) {
        self.most = self.most.max(self.bytes.len());
        self.bytes.clear();
        self.ends.clear();
    }

    /// Gives back memory of which not half was needed since the last time: only a burst did.
    pub fn trim(&mut self) {
        let most = std::mem::take(&mut self.most).max(KEPT_BYTES);
        if self.bytes.capacity() > 2 * most {
            self.bytes.shrink_to(most);
            self.ends.shrink_to(KEPT_DATAGRAMS);
        }
    }
}
