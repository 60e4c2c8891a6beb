//! Hostile descriptions: read, checked, written over, and given to an engine as an offer.

use media::sdp::{self, Shape, View};

#[allow(dead_code, reason = "one of the two ways in")]
#[path = "media_engine.rs"]
mod media_engine;

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let view = View::parse(&text);
    let _ = sdp::check(&text);
    let _ = sdp::prefer_codecs_of(&text, &sdp::without_candidates(&text));
    let inactive = sdp::rewrite(&text, "us", |_| Some(Shape::default()));
    assert!(View::parse(&inactive).sections.len() <= view.sections.len());
    // Opens somebody with it, says it again as an offer and as an answer.
    let Ok(length) = u16::try_from(data.len()) else { return };
    let [high, low] = length.to_be_bytes();
    let step = |what: u8| [&[what, 0, high, low], data].concat();
    media_engine::run(&[step(0), step(17), step(18)].concat());
}
