//! Tables for a terminal: columns in line, and no line wider than one can be read.

/// Characters of a line.
pub const WIDTH_MAX: usize = 100;

/// Between two columns.
const GAP: &str = "  ";

/// Names of what stands in a cell in which nothing stands.
pub const NOTHING: &str = "-";

/// Lays out a table whose first two columns name a row. Columns that do not fit follow below, with the names again; there rows in which
/// nothing stands are left out.
pub fn bands(titles: &[String], rows: &[Vec<String>]) -> String {
    let width = |at: usize, rows: &[&Vec<String>]| {
        let cells = rows.iter().map(|row| &row[at]).chain([&titles[at]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let all: Vec<&Vec<String>> = rows.iter().collect();
    let names = width(0, &all) + GAP.len() + width(1, &all);
    let mut bands: Vec<Vec<usize>> = Vec::new();
    let mut left = 0;
    for at in 2..titles.len() {
        let needed = GAP.len() + width(at, &all);
        match bands.last_mut() {
            Some(band) if needed <= left => band.push(at),
            _ => {
                bands.push(vec![at]);
                left = WIDTH_MAX.saturating_sub(names);
            }
        }
        left = left.saturating_sub(needed);
    }
    let band = |columns: &Vec<usize>| {
        let shown: Vec<&Vec<String>> = rows.iter().filter(|row| columns.iter().any(|at| row[*at] != NOTHING)).collect();
        let widths: Vec<usize> = columns.iter().map(|at| width(*at, &shown)).collect();
        let (first, second) = (width(0, &shown), width(1, &shown));
        let line = |row: &Vec<String>| {
            let cells = columns.iter().zip(&widths).map(|(at, width)| format!("{GAP}{:>width$}", row[*at])).collect::<String>();
            format!("{:first$}{GAP}{:second$}{cells}\n", row[0], row[1])
        };
        let body: String = shown.iter().map(|row| line(row)).collect();
        format!("{}{body}", line(&titles.to_vec()))
    };
    bands.iter().map(band).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_stand_in_line() {
        let text =
            bands(&row(&["server", "load", "lost"]), &[row(&["kennel", "1 to 100", "0"]), row(&["janus", "1 to 2", "1234567"])]);
        assert_eq!(text, "server  load         lost\nkennel  1 to 100        0\njanus   1 to 2    1234567\n");
    }

    #[test]
    fn what_does_not_fit_stands_below_where_it_is_something() {
        let titles: Vec<String> =
            ["server", "load"].map(String::from).into_iter().chain((0..12).map(|n| format!("title of {n:04}"))).collect();
        let mut rows = vec![row(&["kennel", "a"]), row(&["kennel", "b"])];
        for n in 0..12 {
            rows[0].push("1".into());
            rows[1].push(if n < 5 { "2".into() } else { NOTHING.into() });
        }
        let text = bands(&titles, &rows);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH_MAX), "{text}");
        assert!(titles.iter().all(|title| text.matches(title.as_str()).count() >= 1), "{text}");
        assert_eq!((text.matches("kennel  a").count(), text.matches("kennel  b").count()), (3, 1), "{text}");
    }

    #[test]
    fn a_cell_wider_than_all_has_a_line_of_its_own() {
        let text = bands(&row(&["server", "load", "a", "b"]), &[row(&["k", "l", &"x".repeat(WIDTH_MAX), "1"])]);
        assert_eq!(text.matches("server").count(), 2, "{text}");
    }
}
