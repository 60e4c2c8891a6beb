//! What clients do while they are measured, beside sending and hearing.

use std::io;
use std::time::{Duration, Instant};

use crate::field::Field;
use crate::net::time_of_day;
use crate::source::Picture;

/// From one layer to the next, of each who watches.
const LAYER_STAYS: Duration = Duration::from_secs(2);

/// From one time that everybody asks for a key frame to the next.
const KEY_BURSTS: Duration = Duration::from_secs(1);

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drill {
    /// Whoever watches wants another layer every two seconds, not all at once.
    Layers,
    /// All who watch ask for a key frame in the same moment, every second.
    Keys,
}

impl Field {
    /// Everybody does it for the first time.
    pub(crate) fn begin_drill(&mut self) {
        let (now, count) = (Instant::now(), self.places.len().max(1) as u32);
        self.drilled_at = match self.terms.drill {
            None => Vec::new(),
            Some(Drill::Layers) => (0..count).map(|n| now + LAYER_STAYS * n / count).collect(),
            Some(Drill::Keys) => vec![now; count as usize],
        };
    }

    /// Does what is due.
    pub(crate) fn drill(&mut self) -> io::Result<()> {
        match self.terms.drill {
            None => Ok(()),
            Some(Drill::Layers) => self.choose().map_err(io::Error::other),
            Some(Drill::Keys) => {
                self.ask_keys();
                Ok(())
            }
        }
    }

    /// Whoever watches wants some layer as soon as it can say so, and while it is measured another one each time.
    fn choose(&mut self) -> Result<(), String> {
        let now = Instant::now();
        for number in 0..self.places.len() {
            let (place, count) = (&self.places[number], Picture::LAYERS.len() as u8);
            if !place.hears || !place.can_choose(self.terms.door) {
                continue;
            }
            let due = self.drilled_at.get_mut(number).filter(|due| **due <= now);
            let layer = match (place.choice.layer, due) {
                (None, _) => (number % usize::from(count)) as u8,
                (Some(layer), Some(due)) => {
                    *due += LAYER_STAYS;
                    (layer + 1) % count
                }
                (Some(_), None) => continue,
            };
            self.await_layer(number, layer);
            self.places[number].choose(self.terms.door, layer)?;
        }
        Ok(())
    }

    /// Notes since when a client waits for a layer of everything that it watches.
    fn await_layer(&mut self, number: usize, layer: u8) {
        let wanted = |source: &u32| self.sources[*source as usize].layer == Some(layer);
        let sources: Vec<u32> = self.watched(number).into_iter().filter(wanted).collect();
        if self.meters.is_on {
            self.meters.switches_asked += sources.len() as u64;
            self.places[number].ears.awaited = (sources, time_of_day());
        }
    }

    /// Layers of others in a client's room, by their streams' numbers.
    fn watched(&self, number: usize) -> Vec<u32> {
        let (own, room) = (self.places[number].owner, self.places[number].room);
        let of = |place: usize| &self.places[place];
        let others = self
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| source.layer.is_some() && of(source.place).room == room && of(source.place).owner != own);
        others.map(|(number, _)| number as u32).collect()
    }

    fn ask_keys(&mut self) {
        let (now, at) = (Instant::now(), time_of_day());
        for (place, due) in self.places.iter_mut().zip(&mut self.drilled_at) {
            if *due > now || !place.hears {
                continue;
            }
            *due += KEY_BURSTS;
            let asked = place.ask_keys();
            if asked > 0 {
                place.ears.key_since = Some(at);
                self.meters.keys_asked += asked;
                place.act(&mut self.meters, |client, out| client.settle(out));
            }
        }
    }
}
