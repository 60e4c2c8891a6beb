//! What was counted: who should hear what, and what became of it.

use std::time::Duration;

use crate::ears::Meters;
use crate::field::Field;
use crate::histogram::Histogram;
use crate::place::Place;
use crate::sink::Verdict;

/// What was counted between two moments.
#[derive(Default)]
pub struct Tally {
    /// What was measured on the way.
    pub meters: Meters,
    /// Of all streams at all who should hear them.
    pub verdict: Verdict,
    /// How many streams at how many clients.
    pub pairs: u64,
    /// Those of them of which nothing came.
    pub pairs_silent: u64,
    /// Packets that were sent.
    pub sent: u64,
    /// Frames of pictures that came, where streams are looked at.
    pub frames: u64,
    /// Streams of pictures there.
    pub pictures: u64,
    /// Pictures missing between two others there.
    pub pictures_lost: u64,
    /// How often another layer came there.
    pub switches: u64,
    /// Key frames that were sent.
    pub keys_sent: u64,
    /// Key frames that the server asked senders for.
    pub keys_asked: u64,
}

/// Where counts that only grow stood at one moment.
pub struct Mark {
    /// The number of each stream's next packet.
    numbers: Vec<u64>,
    keys_sent: u64,
    keys_asked: u64,
}

impl Field {
    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.places.len()
    }

    /// How many participants there are.
    pub fn participants(&self) -> usize {
        self.hearers().count()
    }

    fn hearers(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|place| place.hears)
    }

    /// Whether everybody hears everything of its room.
    pub(crate) fn is_complete(&self) -> bool {
        if self.terms.door.is_mixed() {
            return self.hearers().all(|place| place.ears.has_both());
        }
        let pairs = self.pairs(false).all(|(place, source)| self.places[place].ears.sink.knows(source));
        // Of a picture in layers only one comes.
        let knows = |place: usize, of: usize| {
            let layers = (0..self.sources.len()).filter(|n| self.sources[*n].place == of && self.sources[*n].layer.is_some());
            layers.into_iter().any(|source| self.places[place].ears.sink.knows(source))
        };
        pairs && self.pairs(true).all(|(place, source)| knows(place, self.sources[source].place))
    }

    /// Who should hear what, by their numbers; of layers or of all else.
    fn pairs(&self, layers: bool) -> impl Iterator<Item = (usize, usize)> {
        let hears = |place: usize, other: usize| {
            let (place, other) = (&self.places[place], &self.places[other]);
            place.hears && place.owner != other.owner && place.room == other.room
        };
        let wanted = self.sources.iter().enumerate().filter(move |(_, source)| source.layer.is_some() == layers);
        let wanted: Vec<(usize, usize)> = wanted.map(|(number, source)| (number, source.place)).collect();
        let all = (0..self.places.len()).flat_map(move |place| wanted.clone().into_iter().map(move |one| (place, one)));
        all.filter(move |(place, (_, owner))| hears(*place, *owner)).map(|(place, (source, _))| (place, source))
    }

    /// From now on everything is measured.
    pub fn open_window(&mut self) -> Mark {
        let mark = self.mark();
        for place in &mut self.places {
            place.ears.sink.judge_from(&mark.numbers);
            place.ears.watches.iter_mut().flatten().for_each(|(_, watch)| watch.open());
        }
        self.meters = Meters { is_on: true, ..Meters::default() };
        self.begin_drill();
        mark
    }

    /// Ends what `open_window` began; what is under way may still come.
    pub fn close_window(&mut self) -> Mark {
        self.meters.is_on = false;
        self.drilled_at.clear();
        self.places.iter_mut().flat_map(|place| place.ears.watches.iter_mut().flatten()).for_each(|(_, watch)| watch.close());
        self.mark()
    }

    /// What was measured from one moment to the other.
    pub fn tally(&mut self, from: &Mark, to: &Mark) -> Tally {
        let mut tally = Tally {
            meters: std::mem::take(&mut self.meters),
            sent: to.numbers.iter().zip(&from.numbers).map(|(to, from)| to - from).sum(),
            keys_sent: to.keys_sent - from.keys_sent,
            keys_asked: to.keys_asked - from.keys_asked,
            ..Tally::default()
        };
        if !self.terms.door.is_mixed() {
            self.judge_stamps(from, to, &mut tally);
        }
        self.judge_streams(&mut tally);
        tally
    }

    fn judge_stamps(&self, from: &Mark, to: &Mark, tally: &mut Tally) {
        for (place, source) in self.pairs(false) {
            let (Some(from), Some(to)) = (from.numbers.get(source), to.numbers.get(source)) else { continue };
            tally.add(self.places[place].ears.sink.judge(source, *from, *to));
        }
    }

    /// Streams whose packets are not those that were sent.
    fn judge_streams(&self, tally: &mut Tally) {
        let mixed = self.terms.door.is_mixed();
        let layered = self.sources.iter().any(|source| source.layer.is_some());
        for (_, watch) in self.hearers().flat_map(|place| place.ears.watches.iter().flatten()) {
            if mixed || layered && watch.is_picture {
                tally.add(watch.verdict());
            }
            tally.frames += watch.frames;
            tally.pictures += u64::from(watch.is_picture);
            tally.pictures_lost += watch.missing;
            tally.switches += if layered { watch.switches } else { 0 };
        }
    }

    /// Packets of media that came to anybody since the beginning.
    pub fn arrived(&self) -> u64 {
        self.hearers().map(|place| place.ears.arrived).sum()
    }

    /// From beginning to connect until the first packet of media, for each who came to a room where something was to be heard, from this
    /// client on.
    pub fn joins(&self, since: usize) -> Histogram {
        self.joins_until(since, |place| place.ears.first_at)
    }

    /// The same until the first packet of pictures, if that was looked at.
    pub fn joins_to_picture(&self, since: usize) -> Histogram {
        self.joins_until(since, |place| place.ears.first_picture_at)
    }

    fn joins_until(&self, since: usize, until: impl Fn(&Place) -> Option<Duration>) -> Histogram {
        let mut joins = Histogram::default();
        for place in self.places.iter().skip(since) {
            if let (Some(from), Some(to)) = (place.joined_at, until(place)) {
                joins.add(to.saturating_sub(from));
            }
        }
        joins
    }

    fn mark(&self) -> Mark {
        let mut numbers = vec![0; self.sources.len()];
        let (mut keys_sent, mut keys_asked) = (0, 0);
        for place in &self.places {
            let sound = place.client.microphone.iter().map(|stream| (stream.source, stream.sent));
            let pictures = place.client.camera.iter().map(|stream| (stream.source, stream.sent));
            sound.chain(pictures).for_each(|(source, sent)| numbers[source as usize] = sent);
            keys_sent += place.client.camera.iter().map(|stream| stream.maker.keys()).sum::<u64>();
            keys_asked += place.client.keys_asked;
        }
        Mark { numbers, keys_sent, keys_asked }
    }
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        self.pairs += 1;
        self.pairs_silent += u64::from(verdict.delivered == 0 && verdict.expected > 0);
        self.verdict += verdict;
    }
}
