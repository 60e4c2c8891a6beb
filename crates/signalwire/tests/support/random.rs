//! Seeded randomness: splitmix64, so that a failing round can be repeated.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0..limit; `limit` is at least 1.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let size = self.below(most + 1);
        (0..size).map(|_| self.next() as u8).collect()
    }

    /// `bytes` with one to four changes: a bit, a byte, a cut, a doubled or removed stretch, or a word that parsers dislike.
    pub fn mangled(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = self.stretch(bytes.len());
        match self.below(7) {
            0 if from < bytes.len() => bytes[from] ^= 1 << self.below(8),
            1 if from < bytes.len() => bytes[from] = self.next() as u8,
            2 => bytes.truncate(from),
            3 => drop(bytes.drain(from..to)),
            4 => {
                let doubled = bytes[from..to].to_vec();
                drop(bytes.splice(from..from, doubled));
            }
            _ => drop(bytes.splice(from..to, DISLIKED[self.below(DISLIKED.len())].bytes())),
        }
    }

    /// Mostly short, so that most of the input stays what it was.
    fn stretch(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        (from, (from + self.below(12)).min(length))
    }
}

const DISLIKED: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "0",
    "-1",
    "1e400",
    "1e308",
    "18446744073709551615",
    "9223372036854775808",
    "4294967296",
    "\\u0000",
    "\\ud800",
    "\u{202e}",
    "\u{0}",
    "{",
    "[",
    "\"",
    "\\",
    ",",
    ":",
    ".",
    "..",
    "[[[[[[[[",
    "\u{10ffff}",
];

/// Frames that might be a client's: the vendor's words, in any order.
const WORDS: [&str; 24] = [
    "signalwire.connect",
    "video.message",
    "verto.invite",
    "verto.bye",
    "verto.modify",
    "video.member.remove",
    "video.set_layout",
    "video.member.set_meta",
    "video.members.get",
    "signalwire.ping",
    "all",
    "self",
    "eve",
    "honest",
    "updateMedia",
    "hold",
    "2x2",
    "standard-1",
    "",
    "video.member.promote",
    "video.set_position",
    "v=0\r\nm=audio 9 x\r\na=fingerprint:a 00112233445566778899\r\n",
    "signalwire_00000000000000000000000000000000_00000000000000000000000000000000",
    "\u{202e}",
];

const NAMES: [&str; 20] = [
    "member_id",
    "message",
    "params",
    "method",
    "callID",
    "dialogParams",
    "sdp",
    "id",
    "positions",
    "name",
    "meta",
    "keys",
    "volume",
    "screenShare",
    "action",
    "subscribe",
    "protocol",
    "authentication",
    "layout",
    "enable",
];

impl Random {
    /// A request of any method with anything in it.
    pub fn frame(&mut self) -> String {
        let method = WORDS[self.below(WORDS.len())];
        let params = self.value(4);
        serde_json::json!({ "jsonrpc": "2.0", "id": self.value(0), "method": method, "params": params }).to_string()
    }

    fn value(&mut self, depth: usize) -> serde_json::Value {
        use serde_json::{Value, json};
        match self.below(if depth == 0 { 5 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.next() as i32),
            3 | 4 => json!(WORDS[self.below(WORDS.len())]),
            5 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let size = self.below(7);
                let named = |random: &mut Self| (NAMES[random.below(NAMES.len())].to_owned(), random.value(depth - 1));
                Value::Object((0..size).map(|_| named(self)).collect())
            }
        }
    }
}
