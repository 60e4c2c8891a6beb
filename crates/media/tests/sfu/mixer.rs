//! In place of a mixer.

#![allow(dead_code, reason = "not every target mixes")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::engine::Engine;
use media::mix::{FromMixer, Rendition, ToMixer};
use room::{Scene, TrackId};

use crate::world::ROOM;

pub const SOUND: Duration = Duration::from_millis(20);
pub const PICTURE: Duration = Duration::from_millis(50);

/// Pictures with a number in them, and sound with the name of who hears it.
#[derive(Default)]
pub struct Mixer {
    pub scene: Option<Arc<Scene>>,
    pub taken: Vec<(TrackId, media::tap::Packet)>,
    pub asked: Vec<(Instant, Rendition)>,
    pub wanted: Vec<(bool, bool)>,
    /// What it says of its own accord.
    pub says: Vec<FromMixer>,
    keys: Vec<Rendition>,
    next: Option<(Instant, Instant)>,
    number: u32,
}

impl Mixer {
    pub fn step(&mut self, now: Instant, engine: &mut Engine) {
        while let Some(told) = engine.poll_mixer() {
            self.take(now, told);
        }
        self.says.drain(..).for_each(|said| engine.handle_mixer(now, said));
        let Some(scene) = self.scene.clone() else { return };
        let (sound, picture) = self.next.get_or_insert((now, now));
        if *sound <= now {
            let packets = scene.ears.iter().map(|ear| (ear.who, Arc::from(ear.who.0.to_be_bytes()))).collect();
            engine.handle_mixer(now, FromMixer::Sound { room: ROOM, shown: *sound, packets });
            *sound += SOUND;
        }
        if *picture <= now {
            let shown = *picture;
            *picture += PICTURE;
            let (main, small) = self.wanted.last().copied().unwrap_or((true, false));
            self.number += 1;
            for rendition in [Rendition::Main, Rendition::Small] {
                let wanted = if rendition == Rendition::Main { main } else { small };
                let asked = self.keys.contains(&rendition);
                if wanted || asked {
                    self.keys.retain(|key| *key != rendition);
                    let frame = frame(self.number, rendition, asked || self.number == 1);
                    engine.handle_mixer(now, FromMixer::Picture { room: ROOM, rendition, shown, frame });
                }
            }
        }
    }

    fn take(&mut self, now: Instant, told: ToMixer) {
        match told {
            ToMixer::Scene(room, scene) => {
                assert_eq!(room, ROOM);
                self.next = self.next.filter(|_| scene.is_some());
                self.scene = scene;
            }
            ToMixer::Packet(_, track, packet) => self.taken.push((track, packet)),
            ToMixer::Keyframe(_, rendition) => {
                self.asked.push((now, rendition));
                self.keys.push(rendition);
            }
            ToMixer::Wanted { main, small, .. } => self.wanted.push((main, small)),
        }
    }
}

/// A frame of VP8, as far as its first bytes go (RFC 6386, section 9.1), with a number at its end.
fn frame(number: u32, rendition: Rendition, key: bool) -> Vec<u8> {
    let bytes = if rendition == Rendition::Main { 9_000 } else { 1_400 };
    let head: &[u8] = if key { &[0x10, 0, 0, 0x9d, 1, 0x2a, 0, 5, 208, 2] } else { &[0x11, 0, 0] };
    let mut frame = vec![rendition.layer(); bytes];
    frame[..head.len()].copy_from_slice(head);
    frame[bytes - 4..].copy_from_slice(&number.to_be_bytes());
    frame
}
