//! Mixers in virtual time: one in place of a mixer, and a real one.

#![allow(dead_code, reason = "not every target mixes")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::engine::Engine;
use media::mix::{FromMixer, Rendition, RoomMix, ToMixer, Wanted};
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
    pub wanted: Vec<(Instant, Wanted)>,
    /// What it says of its own accord.
    pub says: Vec<FromMixer>,
    /// So many pictures of the main rendition, the next ones, are lost between it and the engine.
    pub loses: u32,
    keys: Vec<Rendition>,
    next: Option<(Instant, Instant)>,
    number: u32,
    /// Pictures of each rendition.
    made: [u64; 2],
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
            let usual = Wanted::usual(scene.canvas);
            let wanted = self.wanted.last().map_or(&usual, |(_, wanted)| wanted);
            let rate = wanted.main.unwrap_or(0);
            let (main, small) = (rate > 0, wanted.small);
            self.number += 1;
            for rendition in [Rendition::Main, Rendition::Small] {
                let wanted = if rendition == Rendition::Main { main } else { small };
                let asked = self.keys.contains(&rendition);
                if wanted || asked {
                    self.keys.retain(|key| *key != rendition);
                    let frame = frame(self.number, rendition, rate, asked || self.number == 1);
                    let made = &mut self.made[usize::from(rendition.layer())];
                    *made += 1;
                    if rendition == Rendition::Main && self.loses > 0 {
                        self.loses -= 1;
                        continue;
                    }
                    let picture = FromMixer::Picture { room: ROOM, rendition, number: *made, shown, frame };
                    engine.handle_mixer(now, picture);
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
            ToMixer::Wanted(_, wanted) => self.wanted.push((now, wanted)),
        }
    }
}

/// A frame of VP8, as far as its first bytes go (RFC 6386, section 9.1), with a number at its end.
fn frame(number: u32, rendition: Rendition, rate: u64, key: bool) -> Vec<u8> {
    let bytes = if rendition == Rendition::Main { usize::try_from(rate / 8 / 20).unwrap().max(1_000) } else { 1_400 };
    let head: &[u8] = if key { &[0x10, 0, 0, 0x9d, 1, 0x2a, 0, 5, 208, 2] } else { &[0x11, 0, 0] };
    let mut frame = vec![rendition.layer(); bytes];
    frame[..head.len()].copy_from_slice(head);
    frame[bytes - 4..].copy_from_slice(&number.to_be_bytes());
    frame
}

/// The mixer of the room, in virtual time.
#[derive(Default)]
pub struct Studio {
    pub mix: Option<RoomMix>,
    /// Until then it has no time.
    pub busy_until: Option<Instant>,
}

impl Studio {
    pub fn step(&mut self, now: Instant, engine: &mut Engine) {
        while let Some(told) = engine.poll_mixer() {
            self.take(now, told);
        }
        let Some(mix) = self.mix.as_mut().filter(|_| self.busy_until.is_none_or(|until| until <= now)) else { return };
        if mix.sound_due() <= now {
            mix.tick_sound(now);
        }
        mix.decode(now);
        mix.tick_picture(now);
        while let Some(made) = mix.poll_made() {
            engine.handle_mixer(now, made);
        }
    }

    fn take(&mut self, now: Instant, told: ToMixer) {
        match (told, &mut self.mix) {
            (ToMixer::Scene(_, None), mix) => *mix = None,
            (ToMixer::Scene(_, Some(scene)), Some(mix)) => mix.handle_scene(now, scene).unwrap(),
            (ToMixer::Scene(room, Some(scene)), mix) => *mix = Some(RoomMix::new(now, room, scene).unwrap()),
            (ToMixer::Packet(room, track, packet), Some(mix)) => {
                assert_eq!(room, ROOM);
                mix.handle_packet(track, packet);
            }
            (ToMixer::Keyframe(_, rendition), Some(mix)) => mix.handle_keyframe(rendition),
            (ToMixer::Wanted(_, wanted), Some(mix)) => mix.handle_wanted(wanted),
            (_, None) => {}
        }
    }
}
