//! A file that grows.

use std::collections::VecDeque;
use std::time::Duration;

use super::index::{DURATION_BYTES, Index, Layout, SEEK_HEAD_BYTES, date, ms};
use super::{ebml, id};
use crate::ends::Ends;
use crate::limit::{BLOCK_BYTES_MAX, CLUSTER_BYTES_MAX, CLUSTER_TIME_MAX};
use crate::{Block, Codec, Output, Shape, Track};

/// Who wrote the file.
const APP: &[u8] = b"Kennel";

/// Writes a file from its beginning to its end. What is lost when the writing ends suddenly is the last cluster.
#[derive(Debug)]
pub struct Writer {
    index: Index,
    /// How long the file is, with all that is to be appended.
    bytes: u64,
    cluster: Cluster,
    ends: Ends,
    out: VecDeque<Output>,
}

/// What waits until there is enough of it.
#[derive(Debug, Default)]
struct Cluster {
    blocks: Vec<Block>,
    bytes: usize,
}

impl Writer {
    /// A file that begins at that moment, since 1970.
    #[must_use]
    pub fn new(tracks: &[Track], began: Duration) -> Self {
        let (head, layout) = head(tracks, began);
        let bytes = head.len() as u64;
        Writer {
            index: Index::new(layout, tracks),
            bytes,
            cluster: Cluster::default(),
            ends: Ends::default(),
            out: VecDeque::from([Output::Append(head)]),
        }
    }

    /// Takes a block. Those of several tracks come in about the order of their times: by a cluster's length they may be apart. One
    /// that is too large is left out.
    pub fn push(&mut self, block: Block) {
        if block.bytes.len() > BLOCK_BYTES_MAX || block.bytes.is_empty() {
            return;
        }
        if self.cluster.is_over(&block, self.index.has_pictures() && !self.is_sound(block.track)) {
            self.end_cluster();
        }
        self.cluster.bytes += block.bytes.len();
        self.cluster.blocks.push(block);
    }

    /// The moment, since 1970, at which the file begins, now that it is known better.
    pub fn set_began(&mut self, began: Duration) {
        let at = self.index.layout.date_at;
        self.out.extend(at.map(|at| Output::Patch { at, bytes: date(began).to_vec() }));
    }

    /// Ends the file. Without cues nothing but the last cluster is appended.
    pub fn finish(&mut self, with_cues: bool) {
        self.end_cluster();
        for output in self.index.finish(self.bytes, with_cues) {
            if let Output::Append(bytes) = &output {
                self.bytes += bytes.len() as u64;
            }
            self.out.push_back(output);
        }
    }

    /// Forgets what was to be done, for a file that has only so many bytes; then it can only be finished, without cues.
    pub fn cut(&mut self, bytes: u64) {
        self.out.clear();
        self.cluster = Cluster::default();
        self.bytes = bytes;
        self.index.cut(self.ends.at(bytes));
    }

    /// What is to be done with the file.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When the last block ends that is in a cluster that has ended, since the beginning of the file.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.index.end()
    }

    /// How long the file is when everything is done that [`poll`](Self::poll) gave or gives.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn is_sound(&self, track: usize) -> bool {
        self.index.layout.sizes_at.get(track).is_none_or(Option::is_none)
    }

    fn end_cluster(&mut self) {
        let mut blocks = std::mem::take(&mut self.cluster).blocks;
        blocks.sort_by_key(|block| block.time);
        let Some(began) = blocks.first().map(|block| ms(block.time)) else { return };
        let mut data = Vec::new();
        ebml::put_uint(&mut data, id::TIMESTAMP, began);
        for block in &blocks {
            self.index.note(self.bytes, block.track, block.time, block.keyframe, &block.bytes);
            put_block(&mut data, block, began);
        }
        let mut cluster = Vec::with_capacity(data.len() + 12);
        ebml::put_id(&mut cluster, id::CLUSTER);
        // Always as wide, so that a file that ends within can be told so.
        cluster.extend(ebml::sized(data.len() as u64, 8));
        cluster.extend(data);
        self.bytes += cluster.len() as u64;
        self.ends.note(self.bytes, self.index.end());
        self.out.push_back(Output::Append(cluster));
    }
}

impl Cluster {
    /// Whether a block belongs into the next one.
    fn is_over(&self, block: &Block, picture: bool) -> bool {
        let Some(first) = self.blocks.first() else { return false };
        let away = block.time.abs_diff(first.time);
        self.bytes + block.bytes.len() > CLUSTER_BYTES_MAX || away >= CLUSTER_TIME_MAX || picture && block.keyframe
    }
}

/// Everything before the first cluster, and where in it things stand.
fn head(tracks: &[Track], began: Duration) -> (Vec<u8>, Layout) {
    let mut out = Vec::new();
    ebml::put_with(&mut out, id::EBML, |out| put_ebml(out, tracks));
    ebml::put_id(&mut out, id::SEGMENT);
    let size_at = out.len() as u64;
    out.extend(ebml::UNKNOWN);
    let data_at = out.len() as u64;
    ebml::put_void(&mut out, SEEK_HEAD_BYTES);
    let info_at = out.len() as u64;
    ebml::put_with(&mut out, id::INFO, |out| put_info(out, began));
    let tracks_at = out.len() as u64;
    ebml::put_with(&mut out, id::TRACKS, |out| (1..).zip(tracks).for_each(|(number, track)| put_track(out, number, track)));
    let mut layout = Layout { size_at: Some(size_at), data_at, seek_at: Some(data_at), info_at, tracks_at, ..Layout::default() };
    layout.find(&out);
    (out, layout)
}

fn put_ebml(out: &mut Vec<u8>, tracks: &[Track]) {
    let webm = tracks.iter().all(|track| track.codec != Codec::H264);
    ebml::put_uint(out, id::EBML_VERSION, 1);
    ebml::put_uint(out, id::EBML_READ_VERSION, 1);
    ebml::put_uint(out, id::EBML_MAX_ID_LENGTH, 4);
    ebml::put_uint(out, id::EBML_MAX_SIZE_LENGTH, 8);
    ebml::put(out, id::DOC_TYPE, if webm { b"webm" } else { b"matroska" });
    ebml::put_uint(out, id::DOC_TYPE_VERSION, 4);
    ebml::put_uint(out, id::DOC_TYPE_READ_VERSION, 2);
}

fn put_info(out: &mut Vec<u8>, began: Duration) {
    ebml::put_uint(out, id::TIMESTAMP_SCALE, 1_000_000);
    ebml::put_void(out, DURATION_BYTES);
    ebml::put(out, id::DATE, &date(began));
    ebml::put(out, id::MUXING_APP, APP);
    ebml::put(out, id::WRITING_APP, APP);
}

fn put_track(out: &mut Vec<u8>, number: u64, track: &Track) {
    ebml::put_with(out, id::TRACK_ENTRY, |out| {
        ebml::put_uint(out, id::TRACK_NUMBER, number);
        ebml::put_uint(out, id::TRACK_UID, number);
        ebml::put_uint(out, id::TRACK_TYPE, if track.codec.is_sound() { 2 } else { 1 });
        ebml::put_uint(out, id::FLAG_LACING, 0);
        ebml::put(out, id::LANGUAGE, b"und");
        ebml::put(out, id::CODEC_ID, codec_name(track.codec));
        if !track.private.is_empty() {
            ebml::put(out, id::CODEC_PRIVATE, &track.private);
        }
        match track.shape {
            Shape::Sound { channels } => put_sound(out, channels),
            Shape::Picture { width, height, rotation } => put_picture(out, width, height, rotation),
        }
    });
}

fn put_sound(out: &mut Vec<u8>, channels: u8) {
    ebml::put_uint(out, id::CODEC_DELAY, u64::from(crate::opus::PRE_SKIP) * 1_000_000_000 / 48_000);
    ebml::put_uint(out, id::SEEK_PRE_ROLL, u64::try_from(crate::opus::PRE_ROLL.as_nanos()).unwrap_or(0));
    ebml::put_with(out, id::AUDIO, |out| {
        ebml::put_float(out, id::SAMPLING_FREQUENCY, 48_000.0);
        ebml::put_uint(out, id::CHANNELS, channels.into());
    });
}

fn put_picture(out: &mut Vec<u8>, width: u16, height: u16, rotation: u16) {
    ebml::put_uint(out, id::MAX_BLOCK_ADDITION_ID, id::ROTATION_ADDITION);
    ebml::put_with(out, id::BLOCK_ADDITION_MAPPING, |out| {
        ebml::put_uint(out, id::BLOCK_ADD_ID_VALUE, id::ROTATION_ADDITION);
        ebml::put(out, id::BLOCK_ADD_ID_NAME, b"rotation");
    });
    ebml::put_with(out, id::VIDEO, |out| {
        // As wide as they ever get: they are written again at the end.
        ebml::put(out, id::PIXEL_WIDTH, &width.to_be_bytes());
        ebml::put(out, id::PIXEL_HEIGHT, &height.to_be_bytes());
        if rotation != 0 {
            ebml::put_with(out, id::PROJECTION, |out| {
                ebml::put_uint(out, id::PROJECTION_TYPE, 0);
                ebml::put_float(out, id::PROJECTION_POSE_ROLL, roll(rotation));
            });
        }
    });
}

/// Degrees against the clock, −180 to 180.
fn roll(rotation: u16) -> f64 {
    let clockwise = f64::from(rotation % 360);
    if clockwise > 180.0 { 360.0 - clockwise } else { -clockwise }
}

fn put_block(out: &mut Vec<u8>, block: &Block, cluster_ms: u64) {
    let relative = i16::try_from(ms(block.time).saturating_sub(cluster_ms)).unwrap_or(i16::MAX);
    let number = ebml::sized(block.track as u64 + 1, 1);
    let body = |flags: u8| [&number[..], &relative.to_be_bytes(), &[flags], &block.bytes].concat();
    let Some(rotation) = block.rotation else {
        return ebml::put(out, id::SIMPLE_BLOCK, &body(u8::from(block.keyframe) << 7));
    };
    ebml::put_with(out, id::BLOCK_GROUP, |out| {
        ebml::put(out, id::BLOCK, &body(0));
        ebml::put_with(out, id::BLOCK_ADDITIONS, |out| {
            ebml::put_with(out, id::BLOCK_MORE, |out| {
                ebml::put_uint(out, id::BLOCK_ADD_ID, id::ROTATION_ADDITION);
                ebml::put(out, id::BLOCK_ADDITIONAL, &rotation.to_be_bytes());
            });
        });
        if !block.keyframe {
            // That it needs another is all that this says; which one, decoders know better.
            ebml::put_int(out, id::REFERENCE_BLOCK, -1);
        }
    });
}

fn codec_name(codec: Codec) -> &'static [u8] {
    match codec {
        Codec::Opus => b"A_OPUS",
        Codec::Vp8 => b"V_VP8",
        Codec::Vp9 => b"V_VP9",
        Codec::H264 => b"V_MPEG4/ISO/AVC",
    }
}
