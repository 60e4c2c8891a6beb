//! A file of anybody's making: it is opened, watched, and watched again from its midst.

use std::sync::Arc;
use std::time::Duration;

use film::{Film, RATE_HZ};

/// Pictures, and pieces of sound, that are looked at. A file may hold more than anybody has time for.
const STEPS: usize = 200;

pub fn run(data: &[u8]) {
    let Ok(mut film) = Film::open(Arc::new(data.to_vec())) else { return };
    assert!(film.has_pictures() || film.has_sound());
    for to in [0, 200, 3_600_000] {
        if film.seek(Duration::from_millis(to)).is_err() {
            return;
        }
        for _ in 0..STEPS {
            let Ok(Some(shown)) = film.next_picture() else { break };
            let (width, height) = shown.frame.picture().size();
            assert!(width > 0 && height > 0 && width * height <= mixer::limit::PICTURE_PIXELS_MAX as usize);
        }
        for _ in 0..STEPS {
            let Ok(Some(sound)) = film.next_sound() else { break };
            assert!(sound.len() <= 10 * RATE_HZ as usize && sound.iter().all(|sample| sample.is_finite()));
        }
    }
}
