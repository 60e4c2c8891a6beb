//! Who is the dominant speaker.
//!
//! Everyone's last seconds are kept as one bit per 20 ms: was there speech? How many bits are set in the last fifth of a second, in
//! the last second and in the last two and a half tells speech from noise (a cough is over before enough bits are set) and a
//! conversation from an interjection. Three windows of different length are the idea of Volfin and Cohen, "Dominant speaker
//! identification for multipoint videoconferencing" (2012); the rules are our own and simpler, because integers suffice.
//!
//! What counts as speech: louder than this microphone's own noise floor, which is the quietest moment of the last seconds
//! (a fan is its own floor, a voice has pauses), and not the even sound of a quiet machine.

use std::time::{Duration, Instant};

use room::ParticipantId;

/// A speaker who makes no sound for so long is none any more, whatever short sounds come from others.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

/// The shortest reign, unless the speaker leaves or is muted: people need about a second to look at a new picture.
pub const REIGN_MIN: Duration = Duration::from_secs(1);

/// The shortest reign while the speaker goes on speaking.
pub const REIGN_CONTESTED_MIN: Duration = Duration::from_secs(2);

/// Milliseconds that one bit of history stands for: the usual length of an Opus packet.
const SLOT_MS: u128 = 20;

/// Slots that one packet may speak for when the slots before it are empty: Opus packets last up to 120 ms (RFC 6716, 2.1.4).
const SLOTS_PER_PACKET_MAX: u64 = 6;

/// The last 200 ms: somebody who speaks now.
const NOW_SLOTS: u32 = 10;

/// Speech in the last 200 ms that makes it go on.
const NOW_SPEECH_MIN: u32 = 3;

/// The last second.
const RECENT_SLOTS: u32 = 50;

/// Speech in the last second that makes a speaker: 440 ms. A cough, a door or a bark is shorter.
const RECENT_SPEECH_MIN: u32 = 22;

/// A challenger has spoken 300 ms more of the last second than a speaker who has nearly stopped.
const RECENT_LEAD: u32 = 15;

/// A challenger has spoken 400 ms more of the last 2.56 s than a speaker who only interjects.
const LONG_LEAD: u32 = 20;

/// Who is heard louder by this while both make sounds is the one who speaks: the other's microphone hears the room.
const LOUDER_DB: f32 = 9.0;

/// Speech is louder than the noise floor by this.
const ABOVE_FLOOR_DB: u8 = 12;

/// Quieter than -60 dBov is never speech.
const LOUDNESS_MIN: u8 = LOUDNESS_OF_ZERO - 60;

/// Louder than -35 dBov may be speech even when it is as even as a tone.
const EVEN_LOUDNESS_MIN: u8 = LOUDNESS_OF_ZERO - 35;

/// A sound that stays within this for 200 ms and more is even.
const EVEN_DB: u8 = 6;

/// The noise floor of a microphone of which nothing is known yet: -80 dBov.
const FLOOR_START: u8 = LOUDNESS_OF_ZERO - 80;

/// The floor is the quietest of the last 1.5 to 3 s.
const FLOOR_SLOTS: u64 = 75;

/// Evenness is judged over the last 200 to 400 ms.
const EVEN_SLOTS: u64 = 10;

/// RFC 6464 counts down from 0 (loudest) to 127 (silence). Here louder is more.
const LOUDNESS_OF_ZERO: u8 = 127;

/// Everyone who is heard in one room, and which of them is the dominant speaker.
///
/// The speaker stays until somebody else speaks, leaves, is muted ([`Speakers::remove`]), or is silent for
/// [`SILENCE_MAX`].
#[derive(Debug, Default)]
pub struct Speakers {
    /// When the first packet came: slot 0.
    start: Option<Instant>,
    /// The slot of the latest packet of anybody.
    latest: u64,
    /// By participant.
    voices: Vec<Voice>,
    reign: Option<Reign>,
    /// What was last told.
    told: Option<ParticipantId>,
    /// When the speaker last made a sound like speech.
    heard: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Reign {
    who: ParticipantId,
    since: Instant,
}

impl Speakers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the audio level of one packet (RFC 6464): -dBov, 0 the loudest, 127 silence, and the sender's opinion whether it is a
    /// voice, if it gave one.
    pub fn handle_level(&mut self, now: Instant, who: ParticipantId, level_dbov: u8, voice: Option<bool>) {
        let start = *self.start.get_or_insert(now);
        let slot = slot_at(start, now);
        self.latest = self.latest.max(slot);
        let speech = self.voice_of(who, slot).hear(slot, level_dbov, voice);
        if speech {
            self.challenge(now, who);
        }
        if speech && self.speaker() == Some(who) {
            self.heard = Some(now);
        }
    }

    /// Forgets a participant that left or was muted. If it was the speaker, whoever else speaks just now takes over.
    pub fn remove(&mut self, who: ParticipantId) {
        if let Ok(at) = self.voices.binary_search_by_key(&who, |voice| voice.who) {
            self.voices.remove(at);
        }
        if let Some(reign) = self.reign.filter(|reign| reign.who == who) {
            // Whoever takes over speaks just now, and is heard from again at the next sound.
            self.reign = self.successor().map(|who| Reign { who, since: reign.since });
        }
    }

    /// When [`Speakers::handle_timeout`] should be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.reign?;
        self.heard.map(|heard| heard + SILENCE_MAX)
    }

    /// Ends a reign over silence.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.reign = None;
        }
    }

    /// The dominant speaker.
    #[must_use]
    pub fn speaker(&self) -> Option<ParticipantId> {
        self.reign.map(|reign| reign.who)
    }

    /// Who is the dominant speaker now (`Some(None)`: nobody), if that is not what this said the last time.
    pub fn poll_change(&mut self) -> Option<Option<ParticipantId>> {
        let speaker = self.speaker();
        (speaker != self.told).then(|| {
            self.told = speaker;
            speaker
        })
    }

    /// Lets somebody who speaks just now try to become the speaker.
    fn challenge(&mut self, now: Instant, who: ParticipantId) {
        if self.speaker() == Some(who) {
            return;
        }
        let Some(challenger) = self.find(who).map(|voice| voice.at(self.latest)).filter(Counts::speaks) else { return };
        if self.reign.is_none_or(|reign| self.yields(now, reign, challenger)) {
            self.reign = Some(Reign { who, since: now });
        }
    }

    fn yields(&self, now: Instant, reign: Reign, challenger: Counts) -> bool {
        let Some(speaker) = self.find(reign.who).map(|voice| voice.at(self.latest)) else { return true };
        let age = now.saturating_duration_since(reign.since);
        let contested = speaker.now >= NOW_SPEECH_MIN;
        let longer = challenger.recent >= speaker.recent + RECENT_LEAD && challenger.long >= speaker.long + LONG_LEAD;
        let louder = challenger.loudness >= speaker.loudness + LOUDER_DB;
        let softer = speaker.loudness >= challenger.loudness + LOUDER_DB;
        match contested {
            true => age >= REIGN_CONTESTED_MIN && (louder || longer && !softer),
            false => age >= REIGN_MIN,
        }
    }

    /// Of those who speak just now, the one who has spoken most.
    fn successor(&self) -> Option<ParticipantId> {
        let speaking = self.voices.iter().map(|voice| (voice.at(self.latest), voice.who)).filter(|(counts, _)| counts.speaks());
        speaking.max_by_key(|(counts, _)| counts.long).map(|(_, who)| who)
    }

    fn find(&self, who: ParticipantId) -> Option<&Voice> {
        self.voices.binary_search_by_key(&who, |voice| voice.who).ok().and_then(|at| self.voices.get(at))
    }

    fn voice_of(&mut self, who: ParticipantId, slot: u64) -> &mut Voice {
        let at = self.voices.binary_search_by_key(&who, |voice| voice.who);
        let at = at.unwrap_or_else(|at| {
            self.voices.insert(at, Voice::new(who, slot));
            at
        });
        &mut self.voices[at]
    }
}

fn slot_at(start: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(start).as_millis() / SLOT_MS).unwrap_or(u64::MAX)
}

/// What was heard of one participant.
#[derive(Debug)]
struct Voice {
    who: ParticipantId,
    /// Of the latest packet.
    slot: u64,
    /// Whether there was speech, a bit per slot; bit 0 is the latest packet's slot.
    history: u128,
    /// How loud speech was lately.
    loudness: f32,
    floor: Extremes,
    evenness: Extremes,
    /// Whether this sender ever called anything a voice. One that never does says nothing by not doing so.
    tells_voice: bool,
}

impl Voice {
    fn new(who: ParticipantId, slot: u64) -> Self {
        Voice {
            who,
            slot,
            history: 0,
            loudness: 0.0,
            floor: Extremes::new(slot, FLOOR_START),
            evenness: Extremes::new(slot, LOUDNESS_OF_ZERO),
            tells_voice: false,
        }
    }

    /// Takes one packet's level; true if it is speech.
    fn hear(&mut self, slot: u64, level_dbov: u8, voice: Option<bool>) -> bool {
        let loudness = LOUDNESS_OF_ZERO.saturating_sub(level_dbov);
        self.floor.note(slot, FLOOR_SLOTS, loudness);
        self.evenness.note(slot, EVEN_SLOTS, loudness);
        self.tells_voice |= voice == Some(true);
        let denied = self.tells_voice && voice == Some(false);
        let speech = !denied && self.is_speech(loudness);
        let passed = slot.saturating_sub(self.slot);
        self.history = shifted(self.history, passed);
        self.slot = self.slot.max(slot);
        if speech {
            let covered = if passed > SLOTS_PER_PACKET_MAX { 1 } else { passed.max(1) };
            self.history |= (1 << covered) - 1;
            let step = if self.loudness == 0.0 { 1.0 } else { 1.0 / 16.0 };
            self.loudness += (f32::from(loudness) - self.loudness) * step;
        }
        speech
    }

    fn is_speech(&self, loudness: u8) -> bool {
        let even = self.evenness.spread() < EVEN_DB && loudness < EVEN_LOUDNESS_MIN;
        loudness >= LOUDNESS_MIN && loudness >= self.floor.lowest().saturating_add(ABOVE_FLOOR_DB) && !even
    }

    /// How much this participant spoke, seen from a slot: no packets are no speech (a sender may stop sending silence).
    fn at(&self, slot: u64) -> Counts {
        let history = shifted(self.history, slot.saturating_sub(self.slot));
        Counts {
            now: latest(history, NOW_SLOTS),
            recent: latest(history, RECENT_SLOTS),
            long: history.count_ones(),
            loudness: self.loudness,
        }
    }
}

fn shifted(history: u128, slots: u64) -> u128 {
    u32::try_from(slots).ok().and_then(|slots| history.checked_shl(slots)).unwrap_or(0)
}

fn latest(history: u128, slots: u32) -> u32 {
    (history & ((1 << slots) - 1)).count_ones()
}

/// Slots with speech in each window.
#[derive(Clone, Copy, Debug)]
struct Counts {
    now: u32,
    recent: u32,
    long: u32,
    loudness: f32,
}

impl Counts {
    fn speaks(&self) -> bool {
        self.now >= NOW_SPEECH_MIN && self.recent >= RECENT_SPEECH_MIN
    }
}

/// The quietest and the loudest of the latest one to two windows. Two halves that take turns need no list of levels.
#[derive(Debug)]
struct Extremes {
    since: u64,
    current: (u8, u8),
    before: (u8, u8),
}

impl Extremes {
    fn new(slot: u64, before: u8) -> Self {
        Extremes { since: slot, current: (LOUDNESS_OF_ZERO, 0), before: (before, 0) }
    }

    fn note(&mut self, slot: u64, window: u64, loudness: u8) {
        if slot >= self.since.saturating_add(window) {
            self.since = slot;
            self.before = self.current;
            self.current = (loudness, loudness);
        }
        self.current = (self.current.0.min(loudness), self.current.1.max(loudness));
    }

    fn lowest(&self) -> u8 {
        self.current.0.min(self.before.0)
    }

    fn spread(&self) -> u8 {
        self.current.1.max(self.before.1).saturating_sub(self.lowest())
    }
}
