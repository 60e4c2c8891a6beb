//! The mix of a room as it is written down.

use std::collections::BTreeMap;
use std::time::Duration;

use room::{Canvas, LayoutName, Meta, SavedStage, Sealed, StageSettings};
use serde::{Deserialize, Serialize};

use super::{at, ms, place};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StageForm {
    canvas: Option<(u16, u16, u8)>,
    layout: u8,
    tones: bool,
    /// Sound and pictures.
    join_muted: (bool, bool),
    prioritize_hands: bool,
    record_on_start: bool,
    /// None, as it was written down before: as `record_on_start` says.
    record: Option<bool>,
    display_name: String,
    meta: BTreeMap<String, String>,
    hide_video_muted: bool,
    locked: bool,
    opens_ms: Option<u64>,
    closes_ms: Option<u64>,
    ends_ms: Option<u64>,
}

impl From<&SavedStage> for StageForm {
    fn from(stage: &SavedStage) -> Self {
        let StageSettings { canvas, layout, tones, join_audio_muted, join_video_muted, .. } = stage.settings;
        let meta = stage.settings.meta.iter().map(|(key, value)| (key.to_string(), value.0.to_string()));
        StageForm {
            canvas: Some((canvas.width, canvas.height, canvas.fps)),
            layout: place(&LayoutName::ALL, &layout),
            tones,
            join_muted: (join_audio_muted, join_video_muted),
            prioritize_hands: stage.settings.prioritize_hands,
            record_on_start: stage.settings.record_on_start,
            record: Some(stage.record),
            display_name: stage.settings.display_name.to_string(),
            meta: meta.collect(),
            hide_video_muted: stage.hide_video_muted,
            locked: stage.locked,
            opens_ms: stage.opens.map(ms),
            closes_ms: stage.closes.map(ms),
            ends_ms: stage.ends.map(ms),
        }
    }
}

impl From<StageForm> for SavedStage {
    fn from(form: StageForm) -> Self {
        let meta: Meta = form.meta.into_iter().map(|(key, value)| (key.into(), Sealed(value.into()))).collect();
        let settings = StageSettings {
            canvas: form.canvas.map(|(width, height, fps)| Canvas { width, height, fps }).unwrap_or_default(),
            layout: at(&LayoutName::ALL, form.layout).unwrap_or_default(),
            tones: form.tones,
            join_audio_muted: form.join_muted.0,
            join_video_muted: form.join_muted.1,
            prioritize_hands: form.prioritize_hands,
            record_on_start: form.record_on_start,
            display_name: form.display_name.into(),
            meta,
        };
        SavedStage {
            record: form.record.unwrap_or(settings.record_on_start),
            settings,
            hide_video_muted: form.hide_video_muted,
            locked: form.locked,
            opens: form.opens_ms.map(Duration::from_millis),
            closes: form.closes_ms.map(Duration::from_millis),
            ends: form.ends_ms.map(Duration::from_millis),
        }
    }
}

/// One with nothing as it begins.
#[cfg(test)]
pub fn example() -> SavedStage {
    let settings = StageSettings {
        canvas: Canvas { width: 1920, height: 1080, fps: 30 },
        layout: LayoutName::Grid3x3,
        tones: true,
        join_audio_muted: true,
        join_video_muted: false,
        prioritize_hands: true,
        record_on_start: true,
        display_name: "Den".into(),
        meta: [("key".into(), Sealed("\"word\"".into()))].into_iter().collect(),
    };
    let after = |seconds| Some(Duration::from_secs(seconds));
    SavedStage {
        settings,
        record: false,
        hide_video_muted: true,
        locked: true,
        opens: after(1),
        closes: after(2),
        ends: after(3),
    }
}
