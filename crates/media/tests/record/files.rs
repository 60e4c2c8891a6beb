//! Files on a disk that were not done when the program ended.

use std::fs;
use std::path::Path;

use media::codec::Codec;
use media::record::{look, repair};
use room::WhyStopped;

use crate::tape::{SECOND, SOUND, Stream, Tape};

#[test]
fn what_was_not_done_is_finished_at_the_next_start() {
    let mut tape = Tape::of_both();
    let stream = Stream::new(&tape, Codec::Opus);
    (0..1_000).for_each(|n| tape.push(SOUND, stream.sound(n)));
    let file = tape.files[&SOUND].1.clone();
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, part) = (folder.path().join("1.mka"), folder.path().join("1.mka.part"));
    let check = |bytes: &[u8], expected: WhyStopped| {
        fs::write(&part, bytes).expect("written");
        let outcome = repair(&part).expect("repaired");
        assert!(outcome.why == expected && !part.exists());
        let there = expected == WhyStopped::Stopped;
        assert_eq!(look(&whole).ok(), there.then_some(outcome));
        assert!(!there || outcome.duration > 18 * SECOND && outcome.duration <= 20 * SECOND);
        let _ = fs::remove_file(&whole);
    };
    check(&file, WhyStopped::Stopped);
    check(&file[..file.len() - 100], WhyStopped::Stopped);
    check(&file[..50], WhyStopped::NoMedia);
    check(b"", WhyStopped::NoMedia);
    assert!(repair(Path::new("/not/there")).is_err() && look(&whole).is_err());
}
