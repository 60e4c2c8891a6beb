//! The making of a composition, step by step.

use std::time::Duration;

use crate::film::Film;
use crate::layout::{Span, spans_of};
use crate::limit::FILM_MAX;
use crate::order::{Failure, Input, Kind, Order, Progress, Sink};
use crate::pictures::Pictures;
use crate::reading::Reading;
use crate::sound::{PACKET, Sound};
use crate::tape::Tape;
use crate::timeline::{PICTURE, Timeline};
use crate::writing::Writing;

/// Makes one film of many recordings.
#[derive(Debug)]
pub struct Composer {
    timeline: Timeline,
    total: Duration,
    pictures: Option<Pictures>,
    sound: Option<Sound>,
    file: Writing,
    /// Whether recordings are to be read first up to where the film begins in them.
    behind: bool,
    /// How many pictures' times were worked through.
    done: u64,
    finished: bool,
}

impl Composer {
    /// A film of these recordings, of which nothing is made yet and nothing read.
    ///
    /// # Errors
    /// [`Failure::Nothing`] if none of them is asked for, [`Failure::TooLong`], [`Failure::Codec`] if there is no encoder for it.
    pub fn new(order: &Order, inputs: Vec<Input>) -> Result<Composer, Failure> {
        let (seen, heard) = asked_for(order, inputs);
        let spans: Vec<Span> = seen.iter().chain(&heard).map(|input| span(order, input)).collect();
        let timeline = Timeline::new(&spans, order.trim);
        let began = timeline.clock(Duration::ZERO).ok_or(Failure::Nothing)?;
        if timeline.total() > FILM_MAX {
            return Err(Failure::TooLong);
        }
        let pictures = if order.layout.regions.is_empty() { None } else { Some(pictures(order, seen)?) };
        let sound = if heard.is_empty() { None } else { Some(sound(heard)?) };
        let file = Writing::new(order.format, began, timeline.total(), pictures.is_some(), sound.is_some());
        let (total, behind) = (timeline.total(), order.part.is_some());
        Ok(Composer { total, timeline, pictures, sound, file, behind, done: 0, finished: false })
    }

    /// Makes one picture and its sound, and writes what there is to be written. Where the film begins in the middle of recordings, the
    /// first steps only read on.
    ///
    /// # Errors
    /// [`Failure::Codec`], [`Failure::Open`] and [`Failure::Write`]; nothing more comes of it then.
    pub fn step(&mut self, sink: &mut dyn Sink) -> Result<Progress, Failure> {
        let film = self.film();
        match self.timeline.clock(film) {
            Some(clock) if self.behind => self.behind = !self.catch_up(clock)?,
            Some(clock) => self.make(film, clock)?,
            None if !self.finished => {
                self.file.finish();
                self.finished = true;
            }
            None => {}
        }
        self.file.write(sink)?;
        Ok(Progress { done: self.film(), total: self.total, finished: self.finished })
    }

    /// How many of the recordings are damaged, as far as is known by now. They are shown and heard as far as they go.
    #[must_use]
    pub fn damaged(&self) -> usize {
        self.pictures.as_ref().map_or(0, Pictures::damaged) + self.sound.as_ref().map_or(0, Sound::damaged)
    }

    fn film(&self) -> Duration {
        Duration::from_millis(self.done.saturating_mul(PICTURE.as_millis() as u64))
    }

    /// Reads on to that time; false: there is more to be read.
    fn catch_up(&mut self, clock: Duration) -> Result<bool, Failure> {
        let seen = self.pictures.as_mut().map_or(Ok(true), |pictures| pictures.catch_up(clock))?;
        let heard = self.sound.as_mut().map_or(Ok(true), |sound| sound.catch_up(clock))?;
        Ok(seen && heard)
    }

    fn make(&mut self, film: Duration, clock: Duration) -> Result<(), Failure> {
        if let Some(pictures) = &mut self.pictures {
            // How long the last one lasts is told by the one before it.
            let last = self.total - film <= PICTURE * 2;
            if let Some(encoded) = pictures.picture(self.done, clock, last)? {
                self.file.push_picture(film, encoded.keyframe, encoded.bytes);
            }
        }
        if let Some(sound) = &mut self.sound {
            for part in [Duration::ZERO, PACKET] {
                self.file.push_sound(film + part, sound.packet(clock + part)?);
            }
        }
        self.done += 1;
        Ok(())
    }
}

/// Whose pictures, and whose sound.
fn asked_for(order: &Order, inputs: Vec<Input>) -> (Vec<Input>, Vec<Input>) {
    let asked = |input: &Input| match input.kind {
        Kind::Video => order.layout.regions.iter().any(|region| region.sources.matches(&input.names)),
        Kind::Audio => order.audio.matches(&input.names),
    };
    let within = |input: &Input| order.part.is_none() || span(order, input).from < span(order, input).to;
    inputs.into_iter().filter(asked).filter(within).partition(|input| input.kind == Kind::Video)
}

/// When there is something of it in the film.
fn span(order: &Order, input: &Input) -> Span {
    let (from, to) = (input.offset, input.offset.saturating_add(input.duration));
    order.part.map_or(Span { from, to }, |part| Span { from: from.max(part.from), to: to.min(part.to) })
}

fn pictures(order: &Order, inputs: Vec<Input>) -> Result<Pictures, Failure> {
    let sources: Vec<_> = inputs.iter().map(|input| (&input.names, span(order, input))).collect();
    let scenes = order.layout.scenes(order.canvas, &sources);
    let shown = spans_of(&scenes, inputs.len());
    let films =
        inputs.into_iter().zip(shown).map(|(input, shown)| Film::new(input.offset, Reading::new(Kind::Video, input.file), shown));
    Ok(Pictures::new(films.collect(), scenes, order.canvas, order.format)?)
}

fn sound(inputs: Vec<Input>) -> Result<Sound, Failure> {
    let tapes = inputs.into_iter().map(|input| Tape::new(input.offset, Reading::new(Kind::Audio, input.file)));
    Ok(Sound::new(tapes.collect())?)
}
