//! What is asked for, as what can be made.

use std::collections::BTreeSet;
use std::time::Duration;

use compose::layout::{Region, Reuse, Span, VideoLayout};
use compose::sources::{Pattern, Sources};
use compose::{Format, Order, Refused, resolution};
use room::ParticipantId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{RecordedKind, RecordingRow};
use twilio::rest::{self, Wish};
use twilio::sid;

/// Which of a room's recordings, beside what a [`Wish`] says. Kept in the same text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// What was recorded from then on, ms since 1970 UTC.
    pub from: Option<u64>,
    /// And before then.
    pub to: Option<u64>,
    /// Of those who are called so; none: of everybody.
    pub who: Vec<String>,
    /// Not of one room, but of all of its name.
    pub named: bool,
    /// Whose picture is large, and all others small below it.
    pub large: Option<String>,
}

impl Part {
    /// The one in what is kept of a composition.
    #[must_use]
    pub fn read(parameters: &str) -> Part {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Kept {
            part: Part,
        }
        serde_json::from_str::<Kept>(parameters).unwrap_or_default().part
    }

    /// Whether a recording is of somebody who is meant, and of a time that is, as far as is known.
    #[must_use]
    pub fn takes(&self, row: &RecordingRow) -> bool {
        let who = self.who.is_empty() || row.identity.as_ref().is_some_and(|name| self.who.contains(name));
        let end = row.file.offset_ms.saturating_add(row.file.duration_ms);
        let over = row.file.duration_ms > 0 && self.from.is_some_and(|from| end <= from);
        who && !over && self.to.is_none_or(|to| row.created_ms.min(row.file.offset_ms) < to)
    }

    fn span(&self) -> Option<Span> {
        let (from, to) = (self.from.unwrap_or(0), self.to.map_or(Duration::MAX, Duration::from_millis));
        (self.from.is_some() || self.to.is_some()).then_some(Span { from: Duration::from_millis(from), to })
    }
}

/// Both as they are kept.
#[must_use]
pub fn text(wish: &Wish, part: &Part) -> String {
    let text = wish.text();
    let (Ok(Value::Object(mut all)), false) = (serde_json::from_str(&text), *part == Part::default()) else { return text };
    all.insert("part".to_owned(), json!(part));
    Value::Object(all).to_string()
}

/// The same, with everything said that was left out.
///
/// # Errors
/// The first parameter that means nothing.
pub fn check(wish: Wish) -> Result<Wish, Refused> {
    let layout = order(&wish)?.layout;
    let Value::Object(video_layout) = layout.to_json() else { return Ok(wish) };
    let wish = Wish { video_layout, ..wish };
    // What was left out may make it longer than one may be.
    order(&wish).map(|_| wish)
}

/// What is to be made.
///
/// # Errors
/// As [`check`].
pub fn order(wish: &Wish) -> Result<Order, Refused> {
    let canvas = resolution::read(&wish.resolution)?;
    let layout = match wish.video_layout.is_empty() {
        true => VideoLayout::default(),
        false => VideoLayout::read(&Value::Object(wish.video_layout.clone()).to_string(), canvas)?,
    };
    let audio = Sources::read(("AudioSources", &wish.audio_sources), ("AudioSourcesExcluded", &wish.audio_sources_excluded))?;
    let format = match wish.format {
        rest::Format::Webm => Format::WebM,
        rest::Format::Mp4 => Format::Mp4,
    };
    Ok(Order { canvas, format, layout, audio, trim: wish.trim, part: None })
}

/// What is to be made of this part of these recordings.
///
/// # Errors
/// As [`check`].
pub fn order_of(wish: &Wish, part: &Part, rows: &[RecordingRow]) -> Result<Order, Refused> {
    let order = Order { part: part.span(), ..order(wish)? };
    let Some(large) = &part.large else { return Ok(order) };
    let is_large = |row: &&RecordingRow| row.kind == RecordedKind::Video && row.identity.as_ref() == Some(large);
    // Somebody who came again is another participant of the same name.
    let they: BTreeSet<u128> = rows.iter().filter(is_large).filter_map(|row| row.participant).collect();
    let they: Vec<Pattern> = they.into_iter().filter_map(|id| Pattern::read(&sid::participant(ParticipantId(id))).ok()).collect();
    // Of whom there is no picture there is none to be large: everybody is side by side.
    Ok(if they.is_empty() { order } else { Order { layout: one_large(order.canvas, they), ..order } })
}

/// One picture above, as large as there is room, and all others in a row below it.
fn one_large(canvas: (u16, u16), they: Vec<Pattern>) -> VideoLayout {
    let below = canvas.1 / 4;
    let region = |name: &str, include, exclude, y, height, max_columns| Region {
        name: name.to_owned(),
        sources: Sources { include, exclude },
        x: 0,
        y,
        depth: 0,
        width: None,
        height: Some(height),
        max_columns,
        max_rows: Some(1),
        cells_excluded: Vec::new(),
        reuse: Reuse::ShowNewest,
    };
    let all = Pattern::read("*").into_iter().collect();
    let large = region("large", they.clone(), Vec::new(), 0, canvas.1 - below, Some(1));
    VideoLayout { regions: vec![large, region("small", all, they, canvas.1 - below, below, None)] }
}

/// One picture at a time: whoever comes next is seen when the one before has ended.
#[must_use]
pub fn turns() -> Map<String, Value> {
    let turns = json!({ "video_sources": ["*"], "max_columns": 1, "max_rows": 1 });
    [("turns".to_owned(), turns)].into_iter().collect()
}

/// Everybody side by side, and everybody heard.
#[must_use]
pub fn usual() -> Wish {
    let grid = serde_json::json!({ "video_sources": ["*"] });
    let video_layout = [("grid".to_owned(), grid)].into_iter().collect();
    Wish { audio_sources: vec!["*".to_owned()], video_layout, ..Wish::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_is_named() {
        let check = |change: fn(&mut Wish), parameter: &str| {
            let mut wish = usual();
            change(&mut wish);
            assert_eq!(super::check(wish).expect_err(parameter).parameter, parameter);
        };
        check(|wish| wish.resolution = "1x1".into(), "Resolution");
        check(|wish| wish.audio_sources = vec!["a*b".into()], "AudioSources");
        check(|wish| wish.audio_sources_excluded = vec!["**".into()], "AudioSourcesExcluded");
        check(|wish| wish.video_layout["grid"]["x_pos"] = 639.into(), "VideoLayout.grid.x_pos");
    }

    #[test]
    fn what_is_too_long_with_all_that_was_left_out_is_refused() {
        let mut wish = usual();
        wish.video_layout["grid"]["video_sources"] = vec!["x".repeat(247); 262].into();
        let bytes = Value::Object(wish.video_layout.clone()).to_string().len();
        assert!((65_400..65_536).contains(&bytes), "{bytes}");
        assert_eq!(check(wish).expect_err("too long").parameter, "VideoLayout");
    }

    #[test]
    fn what_was_left_out_is_said_and_said_again_the_same() {
        let whole = check(usual()).expect("good");
        assert_eq!(whole.video_layout["grid"]["reuse"], "show_oldest");
        assert_eq!(check(whole.clone()).expect("good"), whole);
        assert_eq!(order(&whole).expect("good").canvas, (640, 480));
        let sound = Wish { video_layout: serde_json::Map::new(), ..usual() };
        assert_eq!(check(sound.clone()).expect("good"), sound);
    }

    #[test]
    fn a_part_is_kept_beside_the_wish() {
        let part = Part { from: Some(1_000), to: None, who: vec!["ann".into()], named: true, large: Some("ann".into()) };
        let kept = text(&usual(), &part);
        assert_eq!((Part::read(&kept), Wish::read(&kept)), (part, usual()));
        assert_eq!(text(&usual(), &Part::default()), usual().text());
        assert_eq!(Part::read("{}"), Part::default());
    }

    fn row(participant: u128, identity: &str, (created_ms, offset_ms, duration_ms): (u64, u64, u64)) -> RecordingRow {
        RecordingRow {
            id: participant,
            account: String::new(),
            room: 1,
            room_name: "Den".into(),
            participant: Some(participant),
            identity: Some(identity.to_owned()),
            track: Some(participant),
            kind: RecordedKind::Video,
            name: "cam".into(),
            container: "mkv".into(),
            status: store::RecordingStatus::Completed,
            created_ms,
            updated_ms: created_ms,
            ended_ms: None,
            file: store::RecordedFile { offset_ms, duration_ms, ..store::RecordedFile::default() },
            why: String::new(),
            callback: None,
        }
    }

    #[test]
    fn a_part_takes_who_is_meant_and_what_is_of_its_time() {
        let part = Part { from: Some(2_000), to: Some(3_000), who: vec!["ann".into()], ..Part::default() };
        let check = |who: &str, times: (u64, u64, u64), expected: bool| {
            assert_eq!(part.takes(&row(1, who, times)), expected, "{who} {times:?}");
        };
        check("ann", (1_000, 1_100, 1_000), true);
        check("ann", (1_000, 1_000, 1_000), false);
        check("ann", (2_900, 2_950, 60_000), true);
        check("ann", (3_000, 3_000, 1_000), false);
        check("ann", (500, 0, 0), true);
        check("bo", (1_000, 1_100, 1_000), false);
        let everybody = Part { who: Vec::new(), ..part.clone() };
        assert!(everybody.takes(&row(1, "bo", (1_000, 1_100, 1_000))));
    }

    #[test]
    fn one_is_large_however_often_it_came_and_the_others_are_below() {
        let part = Part { large: Some("ann".into()), ..Part::default() };
        let rows = [row(1, "ann", (0, 0, 1)), row(2, "bo", (0, 0, 1)), row(3, "ann", (0, 0, 1))];
        let layout = order_of(&usual(), &part, &rows).expect("an order").layout;
        let [large, small] = &layout.regions[..] else { panic!("{layout:?}") };
        let names: Vec<&str> = large.sources.include.iter().map(Pattern::as_str).collect();
        assert_eq!(names, [1, 3].map(|id| sid::participant(ParticipantId(id))));
        assert_eq!((large.y, large.height, small.y, small.height), (0, Some(360), 360, Some(120)));
        assert_eq!(small.sources.exclude, large.sources.include);
        // Of her there is only sound.
        let heard = [RecordingRow { kind: RecordedKind::Audio, ..row(1, "ann", (0, 0, 1)) }, row(2, "bo", (0, 0, 1))];
        assert_eq!(order_of(&usual(), &part, &heard).expect("an order").layout, order(&usual()).expect("an order").layout);
    }
}
