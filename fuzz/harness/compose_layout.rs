//! Any layout of a composition. The input is a line with a size, a line with times of sources (`5-9`, in seconds), and a layout.

use std::time::Duration;

use compose::layout::{Plan, Scene, Span, VideoLayout};
use compose::sources::SourceNames;
use compose::{limit, resolution};

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n');
    let (size, times, layout) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    let canvas = match resolution::read(size) {
        Ok(canvas) => canvas,
        Err(refused) => return assert_eq!(refused.parameter, "Resolution"),
    };
    match VideoLayout::read(layout, canvas) {
        Ok(layout) => check(&layout, canvas, &spans(times)),
        Err(refused) => {
            assert!(refused.parameter == "VideoLayout" || refused.parameter.starts_with("VideoLayout."), "{refused}");
            assert!(refused.parameter.len() < 2_000, "a refusal is short");
        }
    }
}

fn spans(times: &str) -> Vec<Span> {
    let seconds = |text: &str| text.parse::<u32>().ok().map(|seconds| Duration::from_secs(seconds.into()));
    let span = |word: &str| {
        let (from, to) = word.split_once('-')?;
        Some(Span { from: seconds(from)?, to: seconds(to)? })
    };
    times.split(' ').filter_map(span).take(60).collect()
}

/// What is accepted is within the limits, comes back from what is written of it, and shows nothing where or when it is not.
fn check(layout: &VideoLayout, canvas: (u16, u16), spans: &[Span]) {
    assert!((1..=limit::REGIONS_MAX).contains(&layout.regions.len()));
    assert_eq!(VideoLayout::read(&layout.to_json().to_string(), canvas).as_ref(), Ok(layout));
    for region in &layout.regions {
        let plan = Plan::new(region, canvas, spans);
        assert!(plan.grid.columns <= region.max_columns.map_or(u32::MAX, u32::from));
        assert!(plan.grid.rows <= region.max_rows.map_or(u32::MAX, u32::from));
        check_scenes(&plan.scenes, canvas, spans, 1);
    }
    let names = SourceNames { name: "camera".into(), ..SourceNames::default() };
    let sources: Vec<_> = spans.iter().map(|span| (&names, *span)).collect();
    check_scenes(&layout.scenes(canvas, &sources), canvas, spans, layout.regions.len());
}

fn check_scenes(scenes: &[Scene], canvas: (u16, u16), spans: &[Span], regions: usize) {
    assert!(scenes.windows(2).all(|pair| pair[0].from < pair[1].from && pair[0].shown != pair[1].shown));
    assert!(scenes.last().is_none_or(|scene| scene.shown.is_empty()), "everything ends");
    for scene in scenes {
        for (source, area) in &scene.shown {
            let span = spans[*source];
            assert!(span.from <= scene.from && scene.from < span.to, "{source} is shown when it is not there");
            let inside = |start: u16, size: u16, whole: u16| u32::from(start) + u32::from(size) <= u32::from(whole);
            assert!(inside(area.x, area.width, canvas.0) && inside(area.y, area.height, canvas.1), "{area:?}");
            assert!([area.x, area.y, area.width, area.height].iter().all(|side| side % 2 == 0), "{area:?}");
            assert!(scene.shown.iter().filter(|(other, _)| other == source).count() <= regions);
        }
    }
}
