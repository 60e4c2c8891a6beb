//! Files whose writer ended suddenly are finished, and of files that were finished is read what they hold.

use std::io;

use media::record;
use room::Outcome;

use super::files::{Files, Kept};

/// What became of recordings that did not end.
#[derive(Debug, Default)]
pub struct Found {
    /// What those hold that are finished now.
    pub outcomes: Vec<(u128, Outcome)>,
    /// Those whose files are there and cannot be finished now: their keys are missing, the disk cannot be written. A later start may.
    pub unread: Vec<u128>,
}

/// Finishes the file of every recording that was being written when the program ended, and tells what each of these recordings holds:
/// `of` are the recordings that did not end. Takes as long as it takes to read those files once.
///
/// # Errors
/// The folder cannot be read.
pub fn repair(files: &Files, of: impl Fn(u128) -> bool) -> io::Result<Found> {
    let mut found = Found::default();
    for file in files.list()?.iter().filter(|file| !file.whole || of(file.recording)) {
        match finish(file, files) {
            Ok(outcome) => {
                let seconds = outcome.duration.as_secs();
                tracing::info!(file = %file.path.display(), seconds, "a recording that was cut off is finished");
                found.outcomes.push((file.recording, outcome));
            }
            Err(problem) => {
                let path = file.path.display();
                tracing::error!(file = %path, %problem, "a recording that was cut off cannot be finished; the next start tries again");
                found.unread.push(file.recording);
            }
        }
    }
    Ok(found)
}

/// Finishes a file if it is not, and tells what it holds. One with nothing in it goes.
fn finish(kept: &Kept, files: &Files) -> io::Result<Outcome> {
    if kept.whole { record::look(&kept.path, files.sealing()) } else { record::repair(&kept.path, files.sealing()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    use container::matroska::Writer;
    use container::{Block, Output, Track};
    use room::{RecordedCodec, WhyStopped};

    /// Ten seconds of silence, or what there is of them when their writer is killed.
    fn silence(whole: bool) -> Vec<u8> {
        let mut writer = Writer::new(&[Track::opus(1)], Duration::from_secs(1_700_000_000));
        let block = |n: u64| Block {
            track: 0,
            time: Duration::from_millis(20 * n),
            keyframe: true,
            rotation: None,
            bytes: vec![0xf8, 0xff, 0xfe],
        };
        (0..500).for_each(|n| writer.push(block(n)));
        if whole {
            writer.finish(true);
        }
        let mut file = Vec::new();
        while let Some(output) = writer.poll() {
            match output {
                Output::Append(bytes) => file.extend(bytes),
                Output::Patch { at, bytes } => {
                    let at = usize::try_from(at).expect("small");
                    file[at..at + bytes.len()].copy_from_slice(&bytes);
                }
            }
        }
        file
    }

    #[test]
    fn what_was_cut_off_is_finished_and_what_was_whole_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("written");
        let cut = silence(false);
        put(&format!("{:032x}.mka.part", 1), &cut[..cut.len() - 5]);
        put(&format!("{:032x}.mka", 2), &silence(true));
        put(&format!("{:032x}.mka", 3), &silence(true));
        put(&format!("{:032x}.mka.part", 4), b"nothing of ours");
        let files = Files::in_folder(folder.path().to_owned());
        let mut found = repair(&files, |id| id == 2).expect("read").outcomes;
        found.sort_by_key(|(id, _)| *id);
        let [(1, first), (2, second), (4, last)] = found.as_slice() else { panic!("{found:?}") };
        assert!((Duration::from_secs(8)..Duration::from_secs(10)).contains(&first.duration), "{first:?}");
        assert_eq!((first.codec, first.offset.as_secs()), (Some(RecordedCodec::Opus), 1_700_000_000));
        assert_eq!(first.why, WhyStopped::CutOff);
        assert_eq!(first.bytes, files.open(1).expect("read").expect("finished").blob.len());
        assert_eq!((second.duration.as_secs_f32().round(), second.why), (10.0, WhyStopped::Stopped));
        assert_eq!((last.why, files.list().expect("a list").len()), (WhyStopped::NoMedia, 3));
        assert!(repair(&files, |_| false).expect("read").outcomes.is_empty(), "all is finished");
    }

    #[test]
    fn what_cannot_be_finished_now_waits_for_a_start_that_can() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::in_folder(folder.path().to_owned());
        fs::write(files.unfinished(1, "mka"), silence(false)).expect("written");
        // With this in its place the file cannot get its name, as on a disk that the system does not write any more.
        fs::create_dir(files.finished(1, "mka")).expect("made");
        let found = repair(&files, |id| id == 1).expect("read");
        assert!(found.outcomes.is_empty() && found.unread == [1], "{found:?}");
        fs::remove_dir(files.finished(1, "mka")).expect("removed");
        let found = repair(&files, |id| id == 1).expect("read");
        assert!(found.unread.is_empty() && found.outcomes[0].1.why == WhyStopped::CutOff, "{found:?}");
    }
}
