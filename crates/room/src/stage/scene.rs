//! What the media server is to mix, and how large each member's pictures are in it.

use std::sync::Arc;

use crate::limit::SIZE_HOLD;
use crate::room::{Means, Room};
use crate::stage::state::Size;
use crate::{Act, Area, Cell, Ear, Event, Kind, Moment, ParticipantId, Role, Scene, View, Voice};

/// Sizes that publishers are asked for, smallest first: as few as keep cameras from being set anew with each who comes.
const SIZES: [(u16, u16); 4] = [(320, 180), (640, 360), (960, 540), (1280, 720)];

impl Room {
    /// Says what to mix, if that changed.
    pub fn order_scene(&mut self, means: &mut Means<'_>) {
        let heard = self.open_places().find(|one| one.hears_mix() || self.is_mix_recorded()).map(|one| one.id());
        let Some(who) = heard else { return self.end_scene(means) };
        if self.stage.scene.is_none() {
            self.replay(means.now);
        }
        let scene = self.scene();
        if self.stage.scene.as_deref() != Some(&scene) {
            let scene = Arc::new(scene);
            self.stage.scene = Some(Arc::clone(&scene));
            self.order(who, Act::Scene(Some(scene)), means);
        }
    }

    /// Nobody receives the mix any more, nor is it recorded. Whoever is left in the room says so; with nobody left the media server needs no word.
    pub fn end_scene(&mut self, means: &mut Means<'_>) {
        let was_told = self.stage.scene.take().is_some();
        if let Some(one) = self.participants.iter().find(|one| was_told && one.served.is_open()) {
            self.order(one.id(), Act::Scene(None), means);
        }
    }

    /// Tells members in which size they are shown, where that changed. Who is away hears it when it is back.
    pub fn tell_sizes(&mut self, means: &mut Means<'_>) {
        let fps = self.stage.view.canvas.fps;
        for who in self.ids() {
            let Some(size) = self.size_of(who) else {
                self.stage.sizes.remove(&who);
                continue;
            };
            if self.by_id(who).is_none_or(|one| one.conn.is_none()) {
                self.stage.sizes.entry(who).and_modify(|size| size.large_since = None);
            } else if self.note_size(who, size, means.now) {
                let (width, height) = size;
                self.tell(who, Event::Size { width, height, fps }, means);
            }
        }
        let inside = self.ids();
        self.stage.sizes.retain(|who, _| inside.contains(who));
    }

    /// Whether a member is to hear of this size now: at once if it is larger than before, after a while if it is smaller.
    fn note_size(&mut self, who: ParticipantId, size: (u16, u16), now: Moment) -> bool {
        let before = self.stage.sizes.get(&who).copied();
        let large_since = before.filter(|before| before.told > size).map(|before| before.large_since.unwrap_or(now));
        if let Some((before, since)) = before.zip(large_since).filter(|(_, since)| now.since(*since) < SIZE_HOLD) {
            self.stage.sizes.insert(who, Size { large_since: Some(since), ..before });
            return false;
        }
        self.stage.sizes.insert(who, Size { told: size, large_since: None });
        before.is_none_or(|before| before.told != size)
    }

    /// The size that a member's pictures need, if it sends any and is in the picture. Those who receive tracks one by one publish as
    /// they like, and whoever receives theirs one by one wants them large.
    fn size_of(&self, who: ParticipantId) -> Option<(u16, u16)> {
        let place = self.by_id(who)?;
        let member = &place.snapshot.member;
        if member.view != View::Mix || !member.visible {
            return None;
        }
        let canvas = self.stage.view.canvas;
        let all = Area { x: 0, y: 0, width: canvas.width, height: canvas.height };
        let area = self.stage.layout.places.iter().find(|place| place.who == Some(who)).map(|place| place.area)?;
        let seen = self.participants.iter().any(|one| one.snapshot.member.view == View::Tracks);
        let area = if seen || member.role == Role::Screen { all } else { area };
        let fits = |&&(width, height): &&(u16, u16)| width >= area.width && height >= area.height;
        Some(SIZES.iter().find(fits).copied().unwrap_or((canvas.width, canvas.height)))
    }

    fn scene(&self) -> Scene {
        let cells = self.stage.layout.places.iter().filter_map(|place| self.cell(place.who?, place.area));
        let open = || self.participants.iter().filter(|one| one.served.is_open());
        let ears = open().filter(|one| one.hears_mix()).map(|one| {
            let (member, media) = (&one.snapshot.member, one.rights.media);
            let (hears, sees) = (!member.deaf && media.has_audio(), media.has_video());
            Ear { who: one.id(), hears, sees, volume: member.output_volume, without: self.own(one.id()) }
        });
        let voices = open().filter(|one| !one.is_audience()).flat_map(|one| {
            let (member, who) = (&one.snapshot.member, one.id());
            let (volume, sensitivity) = (member.input_volume, member.sensitivity);
            one.live(Kind::Audio).map(move |track| Voice { who, track: track.id, volume, sensitivity })
        });
        let (entries, exits) = self.stage.tones;
        let (canvas, films) = (self.stage.view.canvas, self.films(&self.stage.layout));
        Scene { canvas, cells: cells.collect(), voices: voices.collect(), ears: ears.collect(), entries, exits, films }
    }

    /// A member in the picture. Without a link to the media server there is only a card.
    fn cell(&self, who: ParticipantId, area: Area) -> Option<Cell> {
        let one = self.by_id(who)?;
        let track = one.picture().filter(|_| one.served.is_open()).map(|track| track.id);
        let whole = one.snapshot.member.role == Role::Screen;
        Some(Cell { who, area, track, name: Arc::clone(&one.snapshot.identity), whole })
    }

    /// Somebody and what belongs to it.
    pub fn own(&self, who: ParticipantId) -> Vec<ParticipantId> {
        let own = |one: &&crate::participant::Participant| one.snapshot.member.parent == Some(who);
        std::iter::once(who).chain(self.participants.iter().filter(own).map(|one| one.id())).collect()
    }
}
