//! Data that comes before the description which it belongs to.
//!
//! A client's answer travels by signaling, and what it sends after it may be faster. The library would begin the association without
//! having heard how large a message the client takes (RFC 8841, section 6.1), would take the least for it, and keep to that: messages
//! above 64 KiB would not reach this client. So what comes too early waits, and the client notices nothing.

use super::Path;
use crate::limit::EARLY_DATA_MAX;

/// The kind of DTLS records in which data channels travel (RFC 6347, section 4.1).
const APPLICATION_DATA: u8 = 23;

/// What came too early.
#[derive(Debug, Default)]
pub(super) struct Foredata {
    /// Whether a description with a section of data channels is agreed on.
    agreed: bool,
    waiting: Vec<(Path, Vec<u8>)>,
}

impl Foredata {
    /// Whether a datagram of DTLS is not to be looked at now. It is kept, if few are.
    pub fn keeps(&mut self, path: Path, bytes: &[u8]) -> bool {
        let early = !self.agreed && bytes.first() == Some(&APPLICATION_DATA);
        if early && self.waiting.len() < EARLY_DATA_MAX {
            self.waiting.push((path, bytes.to_vec()));
        }
        early
    }

    /// A description was agreed on; what is to be looked at now, in its order.
    pub fn agree(&mut self, description: &str) -> Vec<(Path, Vec<u8>)> {
        self.agreed |= description.lines().any(|line| line.starts_with("m=application "));
        if self.agreed { std::mem::take(&mut self.waiting) } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use str0m::net::Protocol;

    use super::*;

    const PATH: fn() -> Path = || (Protocol::Udp, ([192, 0, 2, 1], 5_000).into(), ([203, 0, 113, 1], 8_444).into());
    const BEGINS: [u8; 3] = [APPLICATION_DATA, 254, 253];

    #[test]
    fn data_waits_for_its_description_and_handshakes_do_not() {
        let mut early = Foredata::default();
        assert!(!early.keeps(PATH(), &[22, 254, 253]));
        assert!(early.keeps(PATH(), &BEGINS));
        assert!(early.agree("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n").is_empty());
        assert!(early.keeps(PATH(), &BEGINS));
        assert_eq!(early.agree("v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n").len(), 2);
        assert!(!early.keeps(PATH(), &BEGINS));
        assert!(early.agree("v=0\r\n").is_empty());
    }

    #[test]
    fn few_wait() {
        let mut early = Foredata::default();
        (0..100).for_each(|_| assert!(early.keeps(PATH(), &BEGINS)));
        assert_eq!(early.agree("m=application 9").len(), EARLY_DATA_MAX);
    }
}
