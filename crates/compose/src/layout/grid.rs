//! The cells of a region.

use std::collections::BTreeSet;

use mixer::picture::Rect;

use super::Region;

/// How many cells a region has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Cells of a row.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
}

impl Grid {
    /// A grid with room for so many pictures, as far as the region's own bounds allow.
    #[must_use]
    pub fn of(region: &Region, pictures: usize) -> Grid {
        let pictures = u32::try_from(pictures).unwrap_or(u32::MAX).max(1);
        let excluded = excluded(region);
        let room = |grid: Grid| grid.count() - excluded.range(..grid.count()).count() as u32;
        // Each cell that is left out asks for one more at most.
        let more = 0..=u32::try_from(excluded.len()).unwrap_or(u32::MAX);
        let mut grids = more.map(|more| Grid::bounded(region, pictures.saturating_add(more)));
        let largest = Grid::bounded(region, u32::MAX);
        grids.find(|grid| room(*grid) >= pictures || *grid == largest).unwrap_or(largest)
    }

    /// The cells that something may be shown in, by their numbers.
    pub fn cells(self, region: &Region) -> impl Iterator<Item = u32> + use<> {
        let excluded = excluded(region);
        (0..self.count()).filter(move |cell| !excluded.contains(cell))
    }

    /// Where a cell is. Pixels that do not divide evenly go to cells here and there; all numbers are even.
    #[must_use]
    pub fn area(self, region: &Region, canvas: (u16, u16), cell: u32) -> Rect {
        let (column, row) = (cell % self.columns.max(1), cell / self.columns.max(1));
        let whole = |start: u16, size: Option<u16>, canvas: u16| {
            let room = canvas.saturating_sub(start);
            (start, size.unwrap_or(room).min(room))
        };
        let (x, width) = part(whole(region.x, region.width, canvas.0), column, self.columns);
        let (y, height) = part(whole(region.y, region.height, canvas.1), row, self.rows);
        Rect { x, y, width, height }
    }

    fn count(self) -> u32 {
        self.columns.saturating_mul(self.rows)
    }

    /// About square, rather wide than high; where one side is bounded the other grows.
    fn bounded(region: &Region, pictures: u32) -> Grid {
        let bound = |bound: Option<u16>| bound.map_or(u32::MAX, u32::from).max(1);
        let (most_columns, most_rows) = (bound(region.max_columns), bound(region.max_rows));
        let columns = root(pictures).max(pictures.div_ceil(most_rows)).min(most_columns);
        Grid { columns, rows: pictures.div_ceil(columns).min(most_rows) }
    }
}

fn excluded(region: &Region) -> BTreeSet<u32> {
    region.cells_excluded.iter().copied().collect()
}

/// The side of the smallest square that holds so many.
fn root(pictures: u32) -> u32 {
    let side = pictures.isqrt();
    if side * side < pictures { side + 1 } else { side }
}

/// Where one of so many equal parts begins, and how long it is.
fn part((start, size): (u16, u16), index: u32, parts: u32) -> (u16, u16) {
    let edge = |index: u32| {
        let edge = u64::from(start) + u64::from(size) * u64::from(index) / u64::from(parts.max(1));
        u16::try_from(edge).unwrap_or(u16::MAX) & !1
    };
    (edge(index), edge(index + 1).saturating_sub(edge(index)))
}
