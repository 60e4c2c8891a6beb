//! A file that was cut off, or whose writer ended suddenly, made one that is finished.

use super::ebml;
use super::index::Index;
use super::reader::{Cluster, Event, Reader};
use crate::{Output, Repaired, Track};

/// Reads a file from its beginning and finds out what to do with it.
#[derive(Debug, Default)]
pub struct Repair {
    reader: Reader,
    found: Option<(Vec<Track>, Index)>,
    /// The cluster that the last whole block is in, and where that block ends.
    last: Option<(Cluster, u64)>,
}

impl Repair {
    /// Takes the bytes that follow those that it had.
    pub fn push(&mut self, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(event) = self.reader.poll() {
            match event {
                Event::Tracks(tracks) => {
                    let index = Index::new(self.reader.layout().clone(), &tracks);
                    self.found.get_or_insert((tracks, index));
                }
                Event::Block(block) => {
                    let (Some(cluster), Some((_, index))) = (self.reader.cluster(), &mut self.found) else { continue };
                    self.last = Some((cluster, self.reader.whole()));
                    index.note(cluster.at, block.track, block.time, block.keyframe, &block.bytes);
                }
            }
        }
    }

    /// All of the file was there; none: nothing in it can be played.
    #[must_use]
    pub fn finish(self) -> Option<Repaired> {
        let (tracks, mut index) = self.found?;
        let (cluster, whole) = self.last?;
        index.layout = self.reader.layout().clone();
        let mut outputs = Vec::new();
        // What the cluster had besides, behind its last block, is cut off too.
        if cluster.end != Some(whole) && cluster.end.is_some() {
            let data_at = cluster.size_at.saturating_add(cluster.size_bytes as u64);
            let bytes = ebml::sized(whole.saturating_sub(data_at), cluster.size_bytes);
            outputs.push(Output::Patch { at: cluster.size_at, bytes });
        }
        let mut patches = outputs.clone();
        patches.extend(index.finish(whole, false));
        outputs.extend(index.finish(whole, true));
        // What stands behind the last block is cut off, and nothing is written where it was.
        let stays = |output: &Output| match output {
            Output::Append(_) => true,
            Output::Patch { at, bytes } => at.saturating_add(bytes.len() as u64) <= whole,
        };
        patches.retain(stays);
        outputs.retain(stays);
        let appended = outputs.iter().map(|output| match output {
            Output::Append(bytes) => bytes.len() as u64,
            Output::Patch { .. } => 0,
        });
        let bytes_after = whole.saturating_add(appended.sum());
        let (duration, began) = (index.end(), self.reader.began());
        Some(Repaired { bytes: whole, outputs, patches, bytes_after, duration, began, tracks })
    }
}
