use super::*;

/// How much ink a line has, and how wide it is.
fn ink(text: &str) -> (u32, usize) {
    text::line(text, 20.0, 400).map_or((0, 0), |mask| (mask.bytes.iter().map(|cover| u32::from(*cover)).sum(), mask.width))
}

#[test]
fn names_in_many_scripts_are_written() {
    for name in ["A", "é", "ß", "Ł", "ő", "ș", "Ω", "ώ", "Ж", "ђ", "Ї", "א", "ش", "پ"] {
        assert!(ink(name).0 > 500, "{name} is not seen");
    }
}

#[test]
fn what_the_font_does_not_have_is_left_out() {
    let line = |text| text::line(text, 20.0, 400);
    for name in ["林", "山田太郎", "\u{e000}", "🐕", "नमस्ते"] {
        assert_eq!(line(name), None, "{name}");
    }
    for name in ["林 Anna", "Anna 🐕", "🐕 Anna林"] {
        assert_eq!(line(name), line("Anna"), "{name}");
    }
    assert!(Tag::new("林", 320, 180).is_none(), "no bar with nothing on it");
    assert_eq!(draw("林", 320, 180, true), draw("", 320, 180, true));
}

#[test]
fn names_that_are_read_from_the_right_begin_there() {
    let line = |text| text::line(text, 20.0, 400).expect("a name");
    let half = |mask: &Mask, left: bool| -> Vec<u8> {
        let (from, to) = if left { (0, mask.width / 3) } else { (mask.width * 2 / 3, mask.width) };
        (0..mask.height).flat_map(|y| mask.row(y)[from..to].to_vec()).filter(|cover| *cover > 60).collect()
    };
    // Alef has much ink and stands at the right; yod is a small stroke at the left.
    let name = line("אי");
    assert!(half(&name, false).len() > half(&name, true).len());
    assert_eq!(line("سلام"), line("\u{feb3}\u{fefc}\u{fee1}"), "its letters join");
    let cut = text::line(&"שלום ".repeat(40), 20.0, 200).expect("a name");
    assert!(cut.width <= 202);
}

#[test]
fn what_is_not_to_be_seen_is_not_drawn() {
    for name in ["", "   ", "\u{200b}", "\r\n\t", "\u{202e}"] {
        assert_eq!(text::line(name, 20.0, 400), None, "{name:?}");
    }
    assert_eq!(ink("A\u{202e}B\u{200d}"), ink("AB"));
}

#[test]
fn long_names_end_in_an_ellipsis_within_the_width() {
    let long = "Wilhelmina ".repeat(40);
    for width in [50, 80, 200, 400] {
        let mask = text::line(&long, 20.0, width).unwrap();
        assert!(mask.width <= width + 1 && mask.width + 30 > width, "{} in {width}", mask.width);
    }
    assert_eq!(text::line("Wilhelmina", 20.0, 60), text::line("Wilhelminaaaaa", 20.0, 60));
    assert_eq!(text::line("Wilhelmina", 20.0, 2), None);
}

#[test]
fn tags_stay_in_the_corner_of_their_cell() {
    let mut canvas = Frame::new(640, 360, Colour::of(0x80_80_80));
    let clean = canvas.clone();
    let cell = Rect { x: 320, y: 180, width: 320, height: 180 };
    Tag::new("Hans", 320, 180).unwrap().draw(&mut canvas, cell);
    let changed = |x: usize, y: usize| canvas.picture().y.row(y)[x] != clean.picture().y.row(y)[x];
    let all = || (0..360).flat_map(|y| (0..640).map(move |x| (x, y))).filter(|(x, y)| changed(*x, *y));
    assert!(all().count() > 300);
    assert!(all().all(|(x, y)| (326..480).contains(&x) && (330..354).contains(&y)));
    assert!(all().any(|(x, y)| canvas.picture().y.row(y)[x] > 200), "the name is bright");
    assert!(all().any(|(x, y)| canvas.picture().y.row(y)[x] < 80), "the bar is dark");
    assert!(Tag::new("Hans", 90, 180).is_none() && Tag::new("", 320, 180).is_none());
}

#[test]
fn cards_can_be_drawn_in_any_size() {
    for (width, height) in [(2, 2), (2, 1080), (1920, 2), (16, 16), (320, 180), (1920, 1080)] {
        for camera_off in [false, true] {
            assert_eq!(draw("Wilhelmina", width, height, camera_off).size(), (width.into(), height.into()));
        }
    }
    let plain = draw("", 320, 180, false);
    assert!(plain.picture().y.row(90)[1..319].iter().all(|pixel| *pixel == CARD.y));
    assert_ne!(draw("", 320, 180, true), plain, "a mark");
    assert_ne!(draw("Hans", 320, 180, false), plain, "a name");
}
