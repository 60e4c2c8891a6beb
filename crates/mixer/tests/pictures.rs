//! The picture side as its caller sees it: colours in, colours where the layout says out.

#[path = "pictures/scene.rs"]
mod scene;

use mixer::codec::vp8::Vp8Decoder;
use mixer::frame::Colour;
use mixer::picture::{
    Canvas, Fit, PictureCounts, PictureMixer, PictureSettings, Pushed, Rect, Rotation, Show, Stream, VideoCodec,
};
use scene::{Camera, Scene, area, grid, psnr};

const RED: u32 = 0xc0_20_20;
const GREEN: u32 = 0x20_a0_30;
const BLUE: u32 = 0x20_30_c0;
const GREY: u32 = 0x33_33_33;
const BLACK: u32 = 0;

#[test]
fn every_colour_is_where_the_layout_says() {
    let cells = grid(2, 4);
    let mut scene = Scene::new();
    scene.set(&cells[..3]);
    for (id, rgb) in [(0, RED), (1, GREEN), (2, BLUE)] {
        assert_eq!(scene.push(id, &mut Camera::vp8(640, 360), rgb), Pushed::Shown);
    }
    assert!(scene.mixer.mix());
    for (cell, rgb) in [(0, RED), (1, GREEN), (2, BLUE), (3, GREY)] {
        scene.sees(cells[cell].area, rgb);
    }
    assert!(!scene.mixer.mix(), "nothing changed");
}

#[test]
fn pictures_of_every_size_and_codec_fill_their_cell() {
    let cells = grid(3, 9);
    for (codec, sizes) in [
        (VideoCodec::Vp8, &[(1280, 720), (640, 360), (320, 180), (160, 90), (426, 240), (1920, 1080), (641, 361)][..]),
        (VideoCodec::H264, &[(1280, 720), (640, 360), (320, 180)][..]),
        (VideoCodec::Vp9, &[(320, 180)]),
    ] {
        let mut scene = Scene::new();
        scene.set(&cells);
        for (width, height) in sizes {
            let mut camera = Camera::new(codec, *width, *height);
            assert_eq!(scene.push(4, &mut camera, GREEN), Pushed::Shown);
            scene.mixer.mix();
            scene.sees(cells[4].area, GREEN);
            assert_eq!(scene.push(4, &mut camera, BLUE), Pushed::Shown);
            scene.mixer.mix();
            scene.sees(cells[4].area, BLUE);
        }
    }
}

/// What cameras and phones send: hardly two of them are brought to the size of a cell in the same way.
const SIZES: [(u16, u16); 12] = [
    (960, 540),
    (480, 270),
    (848, 480),
    (800, 600),
    (1024, 576),
    (720, 1280),
    (1440, 1080),
    (568, 320),
    (640, 480),
    (426, 240),
    (1280, 720),
    (352, 288),
];

#[test]
fn a_room_of_many_sizes_is_drawn_whole() {
    // One in a large place, and the others below and beside it.
    let large = std::iter::once(area(0, 0, 960, 540))
        .chain((0..4).map(|n| area(960, n * 180, 320, 180)))
        .chain((0..7).map(|n| area(n * 136, 540, 136, 180)));
    let large: Vec<_> = (0..).zip(large).map(|(id, area)| scene::cell(id, area)).collect();
    for mut cells in [grid(3, 9), grid(4, 12), large] {
        cells.iter_mut().for_each(|cell| cell.fit = Fit::Crop);
        let mut scene = Scene::new();
        scene.set(&cells);
        let mut cameras: Vec<Camera> = SIZES.iter().map(|(width, height)| Camera::vp8(*width, *height)).collect();
        for picture in 0..4 {
            let colour = |n: usize| [RED, GREEN, BLUE][(n + picture) % 3];
            for (n, camera) in cameras.iter_mut().enumerate().take(cells.len()) {
                assert_eq!(scene.push(n as u64, camera, colour(n)), Pushed::Shown);
            }
            scene.mixer.mix();
            cells.iter().enumerate().for_each(|(n, cell)| scene.sees(cell.area, colour(n)));
        }
    }
}

#[test]
fn other_shapes_get_bars_or_are_cut() {
    let mut scene = Scene::new();
    let cell = &mut grid(2, 1)[0];
    scene.set(std::slice::from_ref(cell));
    let mut camera = Camera::vp8(640, 480);
    scene.push(0, &mut camera, RED);
    scene.mixer.mix();
    scene.sees(area(80, 0, 480, 360), RED);
    scene.sees(area(0, 0, 80, 360), BLACK);
    scene.sees(area(560, 0, 80, 360), BLACK);
    cell.fit = Fit::Crop;
    scene.set(std::slice::from_ref(cell));
    scene.mixer.mix();
    scene.sees(area(0, 0, 640, 360), RED);
}

/// The upper left quarter of what the camera's sensor sees is green.
#[test]
fn turned_cameras_are_upright() {
    let check = |rotation, fit, green: Rect, red: Rect| {
        let mut scene = Scene::new();
        let mut cell = grid(2, 1)[0].clone();
        cell.fit = fit;
        scene.set(&[cell]);
        let mut camera = Camera::vp8(640, 360);
        let frame = camera.corner(RED, GREEN);
        scene.push_bytes(0, VideoCodec::Vp8, &frame, rotation);
        scene.mixer.mix();
        scene.sees(green, GREEN);
        scene.sees(red, RED);
    };
    check(Rotation::None, Fit::Letterbox, area(0, 0, 320, 180), area(320, 180, 320, 180));
    check(Rotation::Half, Fit::Letterbox, area(320, 180, 320, 180), area(0, 0, 320, 180));
    // Upright it is 202 x 360, in the middle.
    check(Rotation::Quarter, Fit::Letterbox, area(320, 0, 100, 180), area(218, 180, 102, 180));
    check(Rotation::ThreeQuarters, Fit::Letterbox, area(218, 180, 102, 180), area(320, 0, 100, 180));
    check(Rotation::Quarter, Fit::Crop, area(320, 0, 320, 180), area(0, 180, 320, 180));
}

#[test]
fn cells_in_front_stay_in_front() {
    let mut scene = Scene::new();
    let mut cells = grid(1, 1);
    cells.push(scene::cell(7, area(900, 500, 320, 180)));
    scene.set(&cells);
    let (mut behind, mut front) = (Camera::vp8(640, 360), Camera::vp8(320, 180));
    scene.push(0, &mut behind, RED);
    scene.push(7, &mut front, GREEN);
    scene.mixer.mix();
    scene.push(0, &mut behind, BLUE);
    assert!(scene.mixer.mix());
    scene.sees(area(0, 0, 1280, 500), BLUE);
    scene.sees(area(900, 500, 320, 180), GREEN);
}

#[test]
fn what_is_not_shown_is_not_decoded() {
    let mut scene = Scene::new();
    let mut cells = grid(2, 2);
    let mut camera = Camera::vp8(640, 360);
    assert_eq!(scene.push(0, &mut camera, RED), Pushed::NotShown);
    scene.set(&cells);
    assert_eq!(scene.mixer.cell_size(scene::id(0)), Some((640, 360)));
    assert!(scene.mixer.is_key_wanted(scene::id(0)));
    assert_eq!(scene.push(0, &mut camera, RED), Pushed::Broken { key_wanted: true }, "its key frame was not seen");
    camera.want_key();
    assert_eq!(scene.push(0, &mut camera, RED), Pushed::Shown);
    assert!(!scene.mixer.is_key_wanted(scene::id(0)));
    cells[0].show = Show::Card;
    scene.set(&cells);
    assert_eq!(scene.push(0, &mut camera, RED), Pushed::NotShown);
    assert_eq!(scene.mixer.cell_size(scene::id(0)), None);
    cells[0].show = Show::Picture;
    // Quite behind another.
    cells.push(scene::cell(9, area(0, 0, 1280, 720)));
    scene.set(&cells);
    assert_eq!(scene.push(0, &mut camera, RED), Pushed::NotShown);
    let expected = PictureCounts { decoded: 1, unkeyed: 1, skipped: 3, ..PictureCounts::default() };
    assert_eq!(scene.mixer.counts(), expected);
}

#[test]
fn a_card_says_who_it_is_until_there_is_a_picture() {
    let mut scene = Scene::new();
    let mut cell = grid(2, 1)[0].clone();
    cell.name = "Hans".into();
    scene.set(&[cell.clone()]);
    scene.mixer.mix();
    let waiting = scene.mixer.canvas().clone();
    cell.show = Show::Card;
    scene.set(&[cell.clone()]);
    assert!(scene.mixer.mix());
    assert_ne!(scene.mixer.canvas(), &waiting, "the mark of a camera that is off");
    assert!(scene.brightest(cell.area) > 200, "a name");
    cell.show = Show::Picture;
    scene.set(&[cell.clone()]);
    scene.push(0, &mut Camera::vp8(640, 360), GREEN);
    scene.mixer.mix();
    scene.sees(area(0, 0, 640, 300), GREEN);
    assert!(scene.brightest(area(0, 300, 200, 60)) > 200, "a tag");
    cell.name = "".into();
    scene.set(&[cell.clone()]);
    scene.mixer.mix();
    scene.sees(cell.area, GREEN);
}

#[test]
fn a_bare_cell_is_black_until_there_is_a_picture() {
    let mut scene = Scene::new();
    let mut cell = scene::cell(1, area(0, 0, 640, 360));
    (cell.show, cell.name) = (Show::Bare, "".into());
    scene.set(std::slice::from_ref(&cell));
    scene.mixer.mix();
    scene.sees(cell.area, 0x00_00_00);
    assert_eq!(scene.push(1, &mut Camera::vp8(320, 180), 0xc0_20_20), Pushed::Shown);
    scene.mixer.mix();
    scene.sees(cell.area, 0xc0_20_20);
}

#[test]
fn what_is_sent_looks_like_the_canvas() {
    let mut scene = Scene::new();
    let cells = grid(2, 4);
    scene.set(&cells);
    scene.mixer.set_streams(&[scene::MAIN, Stream { width: 640, height: 360, bitrate: 500_000 }]);
    let (mut main, mut small) = (Vp8Decoder::new().unwrap(), Vp8Decoder::new().unwrap());
    let mut cameras: Vec<Camera> = (0..4).map(|_| Camera::vp8(640, 360)).collect();
    for n in 0..30 {
        for (id, camera) in cameras.iter_mut().enumerate() {
            let frame = camera.pattern(n + 7 * id);
            scene.push_bytes(id as u64, VideoCodec::Vp8, &frame, Rotation::None);
        }
        assert!(scene.mixer.mix());
        let key = n == 20;
        let encoded = scene.mixer.encode(0, n as u64 * 33, key).unwrap();
        assert_eq!(encoded.key, n == 0 || key);
        assert_eq!(main.decode(encoded.bytes), Ok(true));
        let encoded = scene.mixer.encode(1, n as u64 * 33, false).unwrap();
        assert_eq!(encoded.key, n == 0);
        assert_eq!(small.decode(encoded.bytes), Ok(true));
    }
    assert_eq!(small.picture().unwrap().size(), (640, 360));
    let likeness = psnr(&main.picture().unwrap().y, &scene.mixer.canvas().picture().y);
    assert!(likeness > 30.0, "{likeness} dB");
    assert_eq!((scene.mixer.counts().encoded, scene.mixer.counts().keys), (60, 3));
}

/// What a viewer sees of 1920x1080, and of the small rendition beside it.
#[test]
fn a_large_canvas_is_mixed_and_sent_like_any() {
    let canvas = Canvas { width: 1920, height: 1080, fps: 30 };
    let mut mixer = PictureMixer::new(PictureSettings::new(canvas, 3_000_000)).unwrap();
    let main = Stream { width: 1920, height: 1080, bitrate: 3_000_000 };
    mixer.set_streams(&[main, Stream { width: 640, height: 360, bitrate: 400_000 }]);
    let places = [(0, 0), (960, 0), (0, 540), (960, 540)];
    let cells: Vec<_> = (0..).zip(places).map(|(id, (x, y))| scene::cell(id, area(x, y, 960, 540))).collect();
    mixer.set_cells(&cells);
    let mut scene = Scene { mixer };
    let mut cameras = [(1920, 1080), (1280, 720), (960, 540), (640, 360)].map(|(width, height)| Camera::vp8(width, height));
    let (mut main, mut small) = (Vp8Decoder::new().unwrap(), Vp8Decoder::new().unwrap());
    for n in 0..4 {
        let colour = |id: usize| [RED, GREEN, BLUE][(id + n) % 3];
        for (id, camera) in cameras.iter_mut().enumerate() {
            assert_eq!(scene.push(id as u64, camera, colour(id)), Pushed::Shown);
        }
        assert!(scene.mixer.mix());
        for (stream, decoder, side) in [(0, &mut main, 960), (1, &mut small, 320)] {
            let encoded = scene.mixer.encode(stream, n as u64 * 33, false).unwrap();
            assert_eq!(decoder.decode(encoded.bytes), Ok(true));
            let picture = decoder.picture().unwrap();
            assert_eq!(picture.size(), (2 * side, 2 * side * 9 / 16));
            for (id, (x, y)) in [(0, 0), (1, 0), (0, 1), (1, 1)].into_iter().enumerate() {
                let seen = picture.y.row((2 * y + 1) * side * 9 / 32)[(2 * x + 1) * side / 2];
                let meant = Colour::of(colour(id)).y;
                assert!(seen.abs_diff(meant) < 16, "{seen} and not {meant} of {id} in {n}");
            }
        }
    }
}

#[test]
fn the_bitrate_is_kept_and_can_be_changed() {
    let mut scene = Scene::new();
    scene.set(&grid(1, 1));
    let mut camera = Camera::vp8(320, 180);
    let (mut pts_ms, mut shown) = (0, 0);
    let mut rate = |scene: &mut Scene, bitrate: u32| {
        scene.mixer.set_streams(&[Stream { bitrate, ..scene::MAIN }]);
        let mut bits = 0;
        for n in 0..60 {
            shown += 1;
            let frame = camera.pattern(shown);
            scene.push_bytes(0, VideoCodec::Vp8, &frame, Rotation::None);
            scene.mixer.mix();
            pts_ms += 33;
            let encoded = scene.mixer.encode(0, pts_ms, false).unwrap();
            assert!(!encoded.key || pts_ms == 33, "no key frame for it");
            // The first second is for getting there.
            bits += if n < 30 { 0 } else { encoded.bytes.len() * 8 };
        }
        f64::from(bits as u32)
    };
    for bitrate in [4_000_000, 1_600_000] {
        let seen = rate(&mut scene, bitrate);
        assert!((0.5..1.2).contains(&(seen / f64::from(bitrate))), "{seen} of {bitrate}");
    }
}

#[test]
fn another_encoder_begins_with_a_key_frame() {
    let mut scene = Scene::new();
    scene.mixer.mix();
    let mut key = |remade: bool| {
        if remade {
            scene.mixer.remake_encoder(0);
        }
        scene.mixer.encode(0, 0, false).unwrap().key
    };
    assert_eq!([false, false, true, false].map(&mut key), [true, false, true, false]);
}

#[test]
fn damage_stays_in_its_own_cell() {
    let mut scene = Scene::new();
    let cells = grid(2, 4);
    scene.set(&cells);
    let mut cameras = [Camera::vp8(640, 360), Camera::vp8(640, 360), Camera::new(VideoCodec::H264, 640, 360)];
    for (id, rgb) in [(0, RED), (1, GREEN), (2, BLUE)] {
        scene.push(id, &mut cameras[id as usize], rgb);
    }
    scene.mixer.mix();
    for (id, codec) in [(1, VideoCodec::Vp8), (2, VideoCodec::H264)] {
        let whole = cameras[id as usize].flat(RED);
        for damaged in scene::damaged(&whole) {
            let pushed = scene.push_bytes(id, codec, &damaged, Rotation::None);
            assert!(matches!(pushed, Pushed::Broken { .. } | Pushed::Shown), "{pushed:?}");
        }
        assert_eq!(scene.push_bytes(id, codec, &[], Rotation::None), Pushed::Broken { key_wanted: true });
    }
    scene.push(0, &mut cameras[0], BLUE);
    scene.mixer.mix();
    scene.sees(cells[0].area, BLUE);
    assert!(scene.mixer.counts().broken >= 2, "{:?}", scene.mixer.counts());
    for (id, rgb) in [(1, RED), (2, GREEN)] {
        cameras[id as usize].want_key();
        assert_eq!(scene.push(id, &mut cameras[id as usize], rgb), Pushed::Shown);
        scene.mixer.mix();
        scene.sees(cells[id as usize].area, rgb);
    }
}

#[test]
fn a_damaged_frame_freezes_the_picture() {
    let mut scene = Scene::new();
    let cells = grid(2, 1);
    scene.set(&cells);
    let mut camera = Camera::vp8(640, 360);
    scene.push(0, &mut camera, GREEN);
    scene.mixer.mix();
    let key = Camera::vp8(640, 360).flat(RED);
    assert_eq!(scene.push_bytes(0, VideoCodec::Vp8, &key[..30], Rotation::None), Pushed::Broken { key_wanted: true });
    assert!(!scene.mixer.mix());
    scene.sees(cells[0].area, GREEN);
}

#[test]
fn sizes_that_change_with_each_frame_are_followed_or_refused() {
    let mut scene = Scene::new();
    let cells = grid(2, 2);
    scene.set(&cells);
    scene.push(1, &mut Camera::vp8(640, 360), GREEN);
    for n in 1..40_u16 {
        let (width, height) = (n * 37 % 1280 + 2, n * 91 % 720 + 2);
        assert_eq!(scene.push(0, &mut Camera::vp8(width & !1, height & !1), RED), Pushed::Shown, "{width}x{height}");
        scene.mixer.mix();
    }
    let before = scene.mixer.canvas().clone();
    let mut huge = Camera::vp8(640, 360).flat(RED);
    for size in [[0xff, 0x3f, 0xff, 0x3f], [0, 0, 0, 0], [0, 0, 0, 1], [2, 0x0a, 0xa0, 5]] {
        huge[6..10].copy_from_slice(&size);
        let pushed = scene.push_bytes(0, VideoCodec::Vp8, &huge, Rotation::None);
        assert!(matches!(pushed, Pushed::Broken { .. }), "{size:?}: {pushed:?}");
        assert!(!scene.mixer.mix());
    }
    assert_eq!(scene.mixer.canvas(), &before);
    scene.sees(cells[1].area, GREEN);
}

#[test]
fn a_flood_of_frames_is_not_decoded() {
    let mut scene = Scene::new();
    scene.set(&grid(2, 1));
    let mut camera = Camera::vp8(64, 36);
    let outcomes: Vec<Pushed> = (0..70).map(|_| scene.push(0, &mut camera, RED)).collect();
    assert!(outcomes[..60].iter().all(|pushed| *pushed == Pushed::Shown));
    assert!(outcomes[60..].iter().all(|pushed| *pushed == Pushed::Broken { key_wanted: true }));
    scene.mixer.mix();
    camera.want_key();
    assert_eq!(scene.push(0, &mut camera, RED), Pushed::Shown);
}

#[test]
fn absurd_layouts_are_cut_to_the_canvas() {
    let mut scene = Scene::new();
    let areas = [
        area(65_535, 65_535, 65_535, 65_535),
        area(1_279, 719, 100, 100),
        area(0, 0, 0, 0),
        area(641, 361, 65_535, 65_535),
        area(3, 3, 1, 1),
    ];
    let cells: Vec<_> = areas.iter().enumerate().map(|(id, area)| scene::cell(id as u64, *area)).collect();
    scene.set(&cells);
    for id in 0..5 {
        scene.push(id, &mut Camera::vp8(64, 36), RED);
    }
    scene.mixer.mix();
    scene.sees(area(640, 360, 640, 360), RED);
    scene.sees(area(0, 0, 640, 360), GREY);
    let many: Vec<_> = (0..1_000).map(|id| scene::cell(id, area(0, 0, 64, 36))).collect();
    scene.set(&many);
    scene.mixer.mix();
    assert_eq!(scene.mixer.cell_size(scene::id(999)), None);
    assert_eq!(Colour::of(0xff_ff_ff), Colour { y: 235, u: 128, v: 128 });
}

/// What twelve hours of people who come and go leave behind: `cargo test --release -p kennel-mixer --test pictures -- --ignored`.
#[test]
#[ignore = "takes a minute"]
fn memory_does_not_grow() {
    let mut scene = Scene::new();
    let keys: Vec<(VideoCodec, Vec<u8>)> = [(640, 360), (320, 180), (426, 240), (160, 90)]
        .into_iter()
        .flat_map(|(width, height)| [VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::H264].map(|codec| (codec, width, height)))
        .map(|(codec, width, height)| (codec, Camera::new(codec, width, height).pattern(1)))
        .collect();
    let mut settled = 0.0;
    for n in 0..3_000_u64 {
        let (count, side) = [(1, 1), (4, 2), (9, 3), (7, 3), (2, 2)][n as usize % 5];
        let mut cells = grid(side, count);
        for (at, cell) in cells.iter_mut().enumerate() {
            cell.input = scene::id(n / 3 + at as u64);
            cell.name = format!("Somebody {}", n % 100).into();
            cell.show = if (n + at as u64).is_multiple_of(4) { Show::Card } else { Show::Picture };
        }
        scene.set(&cells);
        for cell in &cells {
            let (codec, bytes) = &keys[(cell.input.0 + n) as usize % keys.len()];
            scene.push_bytes(cell.input.0, *codec, bytes, Rotation::of((n % 4 * 90) as u16));
        }
        scene.mixer.mix();
        if n.is_multiple_of(10) {
            let width = 320 + (n as u16 % 7) * 16;
            scene.mixer.set_streams(&[scene::MAIN, Stream { width, height: 180, bitrate: 300_000 }]);
            scene.mixer.encode(1, n, false).unwrap();
        }
        if n == 300 {
            settled = scene::resident_mb();
        }
    }
    let grown = scene::resident_mb() - settled;
    assert!(grown < 12.0, "{grown} MB more than {settled}");
}

#[test]
fn a_mixer_can_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<mixer::picture::PictureMixer>();
}
