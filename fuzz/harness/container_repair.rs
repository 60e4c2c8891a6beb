//! A file, of which anything may be wrong.

use container::matroska::{Event, Reader};
use container::{Output, Repair, Repaired};

pub fn run(data: &[u8]) {
    let whole = read(data, usize::MAX);
    assert!(whole == read(data, 5), "however a file is cut, the same is in it");
    let Some(repaired) = repair(data) else { return };
    assert!(repaired.bytes <= data.len() as u64);
    let mut file = data[..repaired.bytes as usize].to_vec();
    let (after, duration) = (repaired.bytes_after, repaired.duration);
    let mut short = file.clone();
    for output in repaired.patches {
        let Output::Patch { at, bytes } = output else { panic!("nothing can be appended") };
        short[at as usize..][..bytes.len()].copy_from_slice(&bytes);
    }
    for output in repaired.outputs {
        match output {
            Output::Append(bytes) => file.extend(bytes),
            // Nothing is written where there was nothing: the file might grow otherwise than is said.
            Output::Patch { at, bytes } => file[at as usize..][..bytes.len()].copy_from_slice(&bytes),
        }
    }
    assert_eq!(file.len() as u64, after);
    // An MP4 says the same again, whichever way it was finished. Of Matroska others' files may say more than is kept of them.
    let again = [repair(&file), repair(&short)];
    if container::mp4::is_begun(data) {
        assert!(again.into_iter().all(|again| again.is_some_and(|again| again.duration == duration)));
    }
}

fn read(data: &[u8], piece: usize) -> Vec<Event> {
    let (mut reader, mut events) = (Reader::default(), Vec::new());
    for piece in data.chunks(piece) {
        reader.push(piece);
        events.extend(std::iter::from_fn(|| reader.poll()));
    }
    let bytes: usize = events.iter().map(|event| if let Event::Block(block) = event { block.bytes.len() } else { 0 }).sum();
    assert!(bytes <= data.len());
    events
}

fn repair(data: &[u8]) -> Option<Repaired> {
    let mut repair = Repair::default();
    repair.push(data);
    repair.finish()
}
