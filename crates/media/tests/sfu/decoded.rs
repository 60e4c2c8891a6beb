//! Real pictures through the engine over a bad network, and a real decoder at the end. Needs ffmpeg: `scripts/test decode` runs these.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use room::{Kind, VideoCodec};

use crate::client::{Join, Picture};
use crate::film::{Film, Tape, codec_of};
use crate::layers::{camera, hint, obey, viewer};
use crate::world::{Weather, World};

const SECOND: Duration = Duration::from_secs(1);
const BAD: Weather = Weather { loss: 50, delay: Duration::from_millis(20), jitter: Duration::from_millis(10), twice: 10 };

/// Loads the camera of a client with films, one for each layer.
fn load(world: &mut World, client: usize, codec: VideoCodec, films: &[Rc<Film>]) {
    for (n, (layer, film)) in (1..).zip(world.camera(client).layers.iter_mut().zip(films)) {
        (layer.codec, layer.projector) = (codec_of(codec), Some(film.projector(n * 11_000)));
    }
}

/// Ends the film, and takes what the viewers have of it.
fn develop(world: &mut World, publisher: usize, viewers: &[usize], codec: VideoCodec) -> Vec<Tape> {
    // Nothing tells that the last packet of all was lost.
    world.weather.loss = 0;
    world.run(2 * SECOND);
    world.camera(publisher).on = false;
    world.run(SECOND);
    let track = world.track(publisher, Kind::Video);
    let take = |viewer: &usize| {
        let label = world.label(*viewer, track).unwrap();
        Tape::new(codec, world.clients[*viewer].kept.as_mut().unwrap().remove(&label).unwrap())
    };
    viewers.iter().map(take).collect()
}

/// Layers are changed up and down at any moment, under loss that is repaired.
fn change_layers(picture: Picture, seed: u64, films: &[Rc<Film>]) {
    let mut world = World::new(crate::seed(seed));
    let ann = world.join_as(&camera(picture));
    load(&mut world, ann, VideoCodec::Vp8, films);
    let viewers: Vec<usize> = (0..3).map(|_| world.join_as(&viewer())).collect();
    viewers.iter().for_each(|viewer| world.clients[*viewer].kept = Some(BTreeMap::new()));
    let track = world.track(ann, Kind::Video);
    viewers.iter().for_each(|viewer| hint(&mut world, *viewer, track, 1280, 720));
    world.run(2 * SECOND);
    world.weather = BAD;
    let mut changed = vec![world.now; viewers.len()];
    for _ in 0..400 {
        world.run(Duration::from_millis(37));
        obey(&mut world, ann);
        // What is late finds its place over one change, not over two: those of one viewer are half a second apart.
        let roll = (world.random() % 30) as usize;
        let now = world.now;
        if let Some(viewer) = viewers.get(roll).filter(|_| now - changed[roll] > SECOND / 2) {
            changed[roll] = now;
            let (width, height) = films[world.random() as usize % films.len()].size();
            hint(&mut world, *viewer, track, width, height);
        }
    }
    let (mut ups, mut downs) = (0, 0);
    for (n, tape) in (0..).zip(develop(&mut world, ann, &viewers, VideoCodec::Vp8)) {
        let sizes = tape.decode(&format!("{picture:?}-{n}"), films);
        ups += sizes.windows(2).filter(|pair| pair[0] < pair[1]).count();
        downs += sizes.windows(2).filter(|pair| pair[0] > pair[1]).count();
        println!("{picture:?} {n}: {} frames, {ups} times up and {downs} times down so far", sizes.len());
        assert!(sizes.len() > 15 * 28, "{} frames", sizes.len());
    }
    assert!(ups >= 2 && downs >= 2);
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn changes_of_layers_are_decoded_without_an_error() {
    let film = |width, height, bitrate| Film::make(VideoCodec::Vp8, (width, height), bitrate);
    let films = [film(320, 180, "80k"), film(640, 360, "180k"), film(1280, 720, "400k")];
    change_layers(Picture::Group, 61, &films);
    change_layers(Picture::Named, 62, &films);
}

/// One layer of a codec, under loss that is repaired.
fn one_layer(codec: VideoCodec, seed: u64) {
    let mut world = World::new(crate::seed(seed));
    let join = |video| Join { video, codecs: vec![codec], ..Join::default() };
    let (ann, bo) = (world.join_as(&join(Picture::One)), world.join_as(&join(Picture::None)));
    let films = [Film::make(codec, (640, 360), "400k")];
    load(&mut world, ann, codec, &films);
    world.clients[bo].kept = Some(BTreeMap::new());
    world.run(2 * SECOND);
    world.weather = BAD;
    world.run(8 * SECOND);
    for tape in develop(&mut world, ann, &[bo], codec) {
        let sizes = tape.decode(&format!("{codec:?}"), &films);
        println!("{codec:?}: {} frames", sizes.len());
        assert!(sizes.len() > 9 * 28, "{} frames", sizes.len());
    }
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn vp9_is_decoded_without_an_error() {
    one_layer(VideoCodec::Vp9, 63);
}

#[test]
#[ignore = "needs ffmpeg: scripts/test decode"]
fn h264_is_decoded_without_an_error() {
    one_layer(VideoCodec::H264, 64);
}
