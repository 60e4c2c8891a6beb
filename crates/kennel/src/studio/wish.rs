//! What is asked for, as what can be made.

use compose::layout::VideoLayout;
use compose::sources::Sources;
use compose::{Format, Order, Refused, resolution};
use serde_json::Value;
use twilio::rest::{self, Wish};

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
    Ok(Order { canvas, format, layout, audio, trim: wish.trim })
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
}
