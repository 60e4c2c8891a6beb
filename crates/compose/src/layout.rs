//! Whose pictures are where: regions of the picture, each a grid of cells.

mod grid;
mod plan;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::Refused;
use crate::limit::{CELL_MAX, COLUMNS_MAX, DEPTH_MAX, EXCLUDED_MAX, LAYOUT_BYTES_MAX, NAME_CHARS_MAX, REGIONS_MAX, SIDE_MIN};
use crate::sources::{Pattern, SourceNames, Sources};

pub use grid::Grid;
pub(crate) use plan::spans_of;
pub use plan::{Plan, Scene, Span};

/// The parameter that all of this is.
const PARAMETER: &str = "VideoLayout";

/// Regions, back to front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VideoLayout {
    /// Those of the same depth in the order of their names.
    pub regions: Vec<Region>,
}

/// A part of the picture, and whose pictures are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Means nothing.
    pub name: String,
    /// Whose pictures.
    pub sources: Sources,
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// What is higher lies in front.
    pub depth: i8,
    /// Pixels of a row; none: to the right edge.
    pub width: Option<u16>,
    /// Rows; none: to the bottom.
    pub height: Option<u16>,
    /// Columns at most; none: as many as are needed.
    pub max_columns: Option<u16>,
    /// Rows of cells at most; none: as many as are needed.
    pub max_rows: Option<u16>,
    /// Cells that nothing is shown in: row by row, from 0.
    pub cells_excluded: Vec<u32>,
    /// Which cells may be used again.
    pub reuse: Reuse,
}

/// What becomes of a picture that comes when all cells were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// It is not shown.
    None,
    /// It takes the place of one that has ended, or waits for one to end.
    #[default]
    ShowOldest,
    /// The same, but for waiting: it takes the place of the one that ends first.
    ShowNewest,
}

impl VideoLayout {
    /// Reads a layout, JSON, for a picture of this width and height in pixels.
    ///
    /// # Errors
    /// [`Refused`] with the name of what is wrong in it.
    pub fn read(text: &str, canvas: (u16, u16)) -> Result<VideoLayout, Refused> {
        let not_an_object = || Refused::new(PARAMETER, "must be a JSON object of regions");
        if text.len() > LAYOUT_BYTES_MAX {
            return Err(Refused::new(PARAMETER, "must have 65536 bytes at most"));
        }
        let object: Map<String, Value> = serde_json::from_str(text).map_err(|_| not_an_object())?;
        if object.is_empty() || object.len() > REGIONS_MAX {
            return Err(Refused::new(PARAMETER, "must have 1 to 64 regions"));
        }
        let regions = object.iter().map(|(name, value)| Region::read(name, value, canvas));
        let mut regions = regions.collect::<Result<Vec<_>, _>>()?;
        regions.sort_by(|a, b| (a.depth, &a.name).cmp(&(b.depth, &b.name)));
        Ok(VideoLayout { regions })
    }

    /// What is shown from beginning to end, back to front, of sources that are there at these times. What another one covers is not shown.
    #[must_use]
    pub fn scenes(&self, canvas: (u16, u16), sources: &[(&SourceNames, Span)]) -> Vec<Scene> {
        let plans = self.regions.iter().map(|region| {
            let meant = sources.iter().enumerate().filter(|(_, (names, _))| region.sources.matches(names));
            let (numbers, spans): (Vec<usize>, Vec<Span>) = meant.map(|(number, (_, span))| (number, *span)).unzip();
            (numbers, Plan::new(region, canvas, &spans).scenes)
        });
        plan::stacked(&plans.collect::<Vec<_>>())
    }

    /// The whole of it, with everything that was left out. Reads as the same layout.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.regions.iter().map(|region| (region.name.clone(), region.to_json())).collect::<Map<_, _>>().into()
    }
}

impl Region {
    fn read(name: &str, value: &Value, canvas: (u16, u16)) -> Result<Region, Refused> {
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            return Err(Refused::new(PARAMETER, "must have names of 1 to 128 characters for its regions"));
        }
        let way = format!("{PARAMETER}.{name}");
        let Some(object) = value.as_object() else { return Err(Refused::new(way, "must be a JSON object")) };
        if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let shown: String = key.chars().take(NAME_CHARS_MAX).collect();
            return Err(Refused::new(format!("{way}.{shown}"), "is nothing that a region has"));
        }
        let fields = Fields { way, object };
        let region = Region::of(name, &fields, canvas)?;
        match region.has_cells() {
            true => Ok(region),
            false => Err(fields.refused("cells_excluded", "leaves no cell in which anything could be shown")),
        }
    }

    fn of(name: &str, fields: &Fields<'_>, canvas: (u16, u16)) -> Result<Region, Refused> {
        let (x, width) = fields.side("x_pos", "width", canvas.0)?;
        let (y, height) = fields.side("y_pos", "height", canvas.1)?;
        Ok(Region {
            name: name.to_owned(),
            sources: Sources {
                include: fields.patterns("video_sources", true)?,
                exclude: fields.patterns("video_sources_excluded", false)?,
            },
            x,
            y,
            depth: fields.depth()?,
            width,
            height,
            max_columns: fields.columns("max_columns")?,
            max_rows: fields.columns("max_rows")?,
            cells_excluded: fields.cells()?,
            reuse: fields.reuse()?,
        })
    }

    /// Whether a cell is left of those that there can be at most.
    fn has_cells(&self) -> bool {
        let (Some(columns), Some(rows)) = (self.max_columns, self.max_rows) else { return true };
        let cells = u32::from(columns) * u32::from(rows);
        let excluded: BTreeSet<u32> = self.cells_excluded.iter().copied().filter(|cell| *cell < cells).collect();
        excluded.len() < usize::try_from(cells).unwrap_or(usize::MAX)
    }

    fn to_json(&self) -> Value {
        let list = |patterns: &[Pattern]| patterns.iter().map(|pattern| pattern.as_str().into()).collect::<Vec<Value>>();
        json!({
            "video_sources": list(&self.sources.include),
            "video_sources_excluded": list(&self.sources.exclude),
            "x_pos": self.x,
            "y_pos": self.y,
            "z_pos": self.depth,
            "width": self.width.unwrap_or(0),
            "height": self.height.unwrap_or(0),
            "max_columns": self.max_columns.unwrap_or(0),
            "max_rows": self.max_rows.unwrap_or(0),
            "cells_excluded": self.cells_excluded,
            "reuse": self.reuse.name(),
        })
    }
}

/// All that a region may say.
const KEYS: [&str; 11] = [
    "video_sources",
    "video_sources_excluded",
    "x_pos",
    "y_pos",
    "z_pos",
    "width",
    "height",
    "max_columns",
    "max_rows",
    "cells_excluded",
    "reuse",
];

impl Reuse {
    fn name(self) -> &'static str {
        match self {
            Reuse::None => "none",
            Reuse::ShowOldest => "show_oldest",
            Reuse::ShowNewest => "show_newest",
        }
    }

    fn of(name: &str) -> Option<Reuse> {
        [Reuse::None, Reuse::ShowOldest, Reuse::ShowNewest].into_iter().find(|reuse| reuse.name() == name)
    }
}

/// What a region says, and the way to it.
struct Fields<'a> {
    way: String,
    object: &'a Map<String, Value>,
}

impl Fields<'_> {
    /// What was said; null is nothing.
    fn get(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn refused(&self, key: &str, why: &'static str) -> Refused {
        Refused::new(format!("{}.{key}", self.way), why)
    }

    /// Where a region begins and how much of the canvas it has from there. What is not said leaves room for the smallest.
    fn side(&self, start_key: &str, size_key: &str, canvas: u16) -> Result<(u16, Option<u16>), Refused> {
        const SIZE: &str = "must be a whole number, 16 or more, and end within the picture";
        const START: &str = "must be a whole number, 0 or more, that leaves room for the region";
        let number = |key| self.get(key).map(|value| value.as_u64().and_then(|number| u16::try_from(number).ok()));
        let size = match number(size_key) {
            None | Some(Some(0)) => None,
            Some(Some(size)) if (SIDE_MIN..=canvas).contains(&size) => Some(size),
            Some(_) => return Err(self.refused(size_key, SIZE)),
        };
        let start = number(start_key).unwrap_or(Some(0));
        let room = canvas.saturating_sub(size.unwrap_or(SIDE_MIN));
        let start = start.filter(|start| *start <= room).ok_or_else(|| self.refused(start_key, START))?;
        Ok((start, size))
    }

    fn depth(&self) -> Result<i8, Refused> {
        let Some(value) = self.get("z_pos") else { return Ok(0) };
        let depth = value.as_i64().and_then(|depth| i8::try_from(depth).ok());
        let depth = depth.filter(|depth| (-DEPTH_MAX..=DEPTH_MAX).contains(depth));
        depth.ok_or_else(|| self.refused("z_pos", "must be a whole number of -99 to 99"))
    }

    fn columns(&self, key: &str) -> Result<Option<u16>, Refused> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number <= COLUMNS_MAX);
        let number =
            number.ok_or_else(|| self.refused(key, "must be a whole number of 1 to 1000, or 0 for as many as are needed"))?;
        Ok(Some(number).filter(|number| *number > 0))
    }

    fn cells(&self) -> Result<Vec<u32>, Refused> {
        const WHY: &str = "must be a list of 1000 whole numbers at most, each of 0 to 999999";
        let Some(value) = self.get("cells_excluded") else { return Ok(Vec::new()) };
        let cells = value.as_array().filter(|cells| cells.len() <= EXCLUDED_MAX);
        let number = |cell: &Value| cell.as_u64().and_then(|cell| u32::try_from(cell).ok()).filter(|cell| *cell <= CELL_MAX);
        let numbers = cells.and_then(|cells| cells.iter().map(number).collect());
        numbers.ok_or_else(|| self.refused("cells_excluded", WHY))
    }

    fn reuse(&self) -> Result<Reuse, Refused> {
        let Some(value) = self.get("reuse") else { return Ok(Reuse::default()) };
        let reuse = value.as_str().and_then(Reuse::of);
        reuse.ok_or_else(|| self.refused("reuse", "must be none, show_oldest or show_newest"))
    }

    fn patterns(&self, key: &str, required: bool) -> Result<Vec<Pattern>, Refused> {
        let (way, wrong) = (format!("{}.{key}", self.way), || self.refused(key, "must be a list of names"));
        let texts = match self.get(key) {
            None if required => return Err(self.refused(key, "is required")),
            None => Some(Vec::new()),
            Some(value) => value.as_array().and_then(|list| list.iter().map(|text| text.as_str().map(str::to_owned)).collect()),
        };
        let texts: Vec<String> = texts.ok_or_else(wrong)?;
        if required && texts.is_empty() {
            return Err(self.refused(key, "must have one name at least"));
        }
        Ok(Sources::read((&way, &texts), ("", &[]))?.include)
    }
}

#[cfg(test)]
mod tests;
