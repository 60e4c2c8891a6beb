//! What is in the cells of a region, from beginning to end.

use std::collections::BTreeSet;
use std::time::Duration;

use mixer::picture::Rect;

use super::{Grid, Region, Reuse};
use crate::limit::SHOWN_MAX;

/// When there is something of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// From here on,
    pub from: Duration,
    /// up to here.
    pub to: Duration,
}

/// What is in the cells of a region from some time on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// From when on.
    pub from: Duration,
    /// A source, by its place among those that were given, and where it is shown.
    pub shown: Vec<(usize, Rect)>,
}

/// What is in the cells of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many cells it has, all the time.
    pub grid: Grid,
    /// In the order of time. Each is good until the next one.
    pub scenes: Vec<Scene>,
}

impl Plan {
    /// The plan of a region on a canvas of this width and height in pixels, of sources that are there at these times.
    #[must_use]
    pub fn new(region: &Region, canvas: (u16, u16), spans: &[Span]) -> Plan {
        let grid = Grid::of(region, pictures(region.reuse, spans));
        let areas: Vec<Rect> = grid.cells(region).take(spans.len()).map(|cell| grid.area(region, canvas, cell)).collect();
        let mut cells = Cells { spans, reuse: region.reuse, cells: vec![Cell::Fresh; areas.len()], waiting: Vec::new() };
        let scenes = times(spans).into_iter().map(|from| {
            cells.advance(from);
            let shown = cells.cells.iter().zip(&areas).filter_map(|(cell, area)| Some((cell.source()?, *area)));
            Scene { from, shown: shown.collect() }
        });
        let mut scenes: Vec<Scene> = scenes.collect();
        scenes.dedup_by(|next, scene| next.shown == scene.shown);
        Plan { grid, scenes }
    }
}

/// The scenes of several regions laid on each other, back to front. Each region has its own numbers for sources.
pub(super) fn stacked(regions: &[(Vec<usize>, Vec<Scene>)]) -> Vec<Scene> {
    let times: BTreeSet<Duration> = regions.iter().flat_map(|(_, scenes)| scenes.iter().map(|scene| scene.from)).collect();
    let scenes = times.into_iter().map(|from| {
        let now = regions.iter().flat_map(|(numbers, scenes)| {
            let scene = scenes.partition_point(|scene| scene.from <= from).checked_sub(1).and_then(|at| scenes.get(at));
            let shown = scene.into_iter().flat_map(|scene| &scene.shown);
            shown.filter_map(|(source, area)| Some((*numbers.get(*source)?, *area)))
        });
        let mut shown = uncovered(now.collect());
        shown.drain(..shown.len().saturating_sub(SHOWN_MAX));
        Scene { from, shown }
    });
    let mut scenes: Vec<Scene> = scenes.collect();
    scenes.dedup_by(|next, scene| next.shown == scene.shown);
    scenes
}

fn uncovered(shown: Vec<(usize, Rect)>) -> Vec<(usize, Rect)> {
    let covered = |at: usize, area: &Rect| shown.iter().skip(at + 1).any(|(_, front)| front.contains(area));
    shown.iter().enumerate().filter(|(at, (_, area))| !covered(*at, area)).map(|(_, cell)| *cell).collect()
}

/// When each of so many sources is shown: in the order of time, apart from each other.
pub(crate) fn spans_of(scenes: &[Scene], sources: usize) -> Vec<Vec<Span>> {
    let mut spans: Vec<Vec<Span>> = vec![Vec::new(); sources];
    for (at, scene) in scenes.iter().enumerate() {
        let to = scenes.get(at + 1).map_or(Duration::MAX, |next| next.from);
        for (source, _) in &scene.shown {
            let Some(spans) = spans.get_mut(*source) else { continue };
            match spans.last_mut() {
                Some(last) if last.to >= scene.from => last.to = to,
                _ => spans.push(Span { from: scene.from, to }),
            }
        }
    }
    spans
}

/// For how many pictures there must be a cell.
fn pictures(reuse: Reuse, spans: &[Span]) -> usize {
    let lasting = || spans.iter().filter(|span| span.from < span.to);
    if reuse == Reuse::None {
        return lasting().count();
    }
    let (mut begins, mut ends) =
        (lasting().map(|span| span.from).collect::<Vec<_>>(), lasting().map(|span| span.to).collect::<Vec<_>>());
    begins.sort_unstable();
    ends.sort_unstable();
    let ended = |time: &Duration| ends.partition_point(|end| end <= time);
    begins.iter().enumerate().map(|(before, time)| before + 1 - ended(time)).max().unwrap_or(0)
}

/// All times at which something begins or ends.
fn times(spans: &[Span]) -> BTreeSet<Duration> {
    spans.iter().filter(|span| span.from < span.to).flat_map(|span| [span.from, span.to]).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Never used.
    Fresh,
    /// Shows this source.
    Used(usize),
    /// What it showed has ended.
    Idle,
}

impl Cell {
    fn source(self) -> Option<usize> {
        if let Cell::Used(source) = self { Some(source) } else { None }
    }
}

/// The cells at some time.
struct Cells<'a> {
    spans: &'a [Span],
    reuse: Reuse,
    cells: Vec<Cell>,
    /// Sources that go on and have no cell, the one that began last at the end.
    waiting: Vec<usize>,
}

impl Cells<'_> {
    fn advance(&mut self, now: Duration) {
        let over = |source: usize| self.spans.get(source).is_none_or(|span| span.to <= now);
        for cell in &mut self.cells {
            if cell.source().is_some_and(over) {
                *cell = Cell::Idle;
            }
        }
        self.waiting.retain(|source| !over(*source));
        let new = self.spans.iter().enumerate().filter(|(_, span)| span.from == now && span.from < span.to);
        let new: Vec<usize> = new.map(|(source, _)| source).collect();
        if self.reuse == Reuse::ShowNewest {
            new.into_iter().for_each(|source| self.force(source));
            while let Some(newest) = self.waiting.last().copied().filter(|_| self.free().is_some()) {
                self.place(newest);
                self.waiting.pop();
            }
        } else {
            self.waiting.extend(new);
            let placed = self.waiting.clone().into_iter().take_while(|source| self.place(*source)).count();
            self.waiting.drain(..placed);
        }
    }

    /// Gives a source a cell that is free. Whether there was one.
    fn place(&mut self, source: usize) -> bool {
        let cell = self.free().and_then(|at| self.cells.get_mut(at));
        cell.map(|cell| *cell = Cell::Used(source)).is_some()
    }

    /// One that was never used, or else one that may be used again.
    fn free(&self) -> Option<usize> {
        let idle = || self.cells.iter().position(|cell| self.reuse != Reuse::None && *cell == Cell::Idle);
        self.cells.iter().position(|cell| *cell == Cell::Fresh).or_else(idle)
    }

    /// The same, or the cell of the source that ends first.
    fn force(&mut self, source: usize) {
        if self.place(source) {
            return;
        }
        let end = |cell: &Cell| cell.source().and_then(|source| self.spans.get(source)).map(|span| span.to);
        let Some(at) = (0..self.cells.len()).min_by_key(|at| self.cells.get(*at).and_then(end)) else { return };
        if let Some(cell) = self.cells.get_mut(at) {
            self.waiting.extend(cell.source());
            *cell = Cell::Used(source);
        }
        // Whoever began last waits at the end.
        self.waiting.sort_by_key(|source| self.spans.get(*source).map(|span| span.from));
    }
}
