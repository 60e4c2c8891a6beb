//! What the terminal shows at the start: the addresses, the link with its key, and a code for the phone.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

use crate::config::Secret;
use crate::net::Lan;
use crate::reach::Listening;

/// The widest code, in columns with its quiet zone: version 3 (29 modules) and 4 modules on either side. Wider ones wrap in narrow
/// windows and no phone reads them.
pub const QR_COLUMNS: usize = 37;

/// The quiet zone that ISO/IEC 18004 asks for, in modules.
const QUIET: usize = 4;

/// What there is to tell.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Where the server listens.
    pub listening: &'a Listening,
    /// The machine's addresses.
    pub lan: &'a Lan,
    /// Whether phones will warn at first, because the certificate is of Kennel's own authority.
    pub own_authority: bool,
    /// The owner's key; `None` with `--open`.
    pub key: Option<&'a Secret>,
}

/// The text for a terminal, with a line break at its end.
pub fn banner(facts: &Facts<'_>) -> String {
    let mut text = "Kennel is running.\n".to_owned();
    if let Some(origin) = facts.listening.here() {
        line(&mut text, &format!("This computer   {origin}/{}", ending(facts)));
    }
    match facts.listening.phone(facts.lan) {
        Ok(origin) => phone_lines(&mut text, facts, &format!("{origin}/{}", ending(facts))),
        Err(why) => line(&mut text, &why),
    }
    let whose = match facts.key {
        Some(_) => "Anyone with this link can see your cameras. Replace it: kennel keys --renew",
        None => "Anyone who reaches these addresses can see your cameras, because of --open.",
    };
    line(&mut text, &format!("{whose}      Stop: Ctrl+C"));
    text
}

/// The code for a text as half blocks, dark on light, or nothing if it would be wider than [`QR_COLUMNS`].
pub fn qr(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width();
    if width + 2 * QUIET > QR_COLUMNS {
        return None;
    }
    let colours = code.into_colors();
    let dark = |x: usize, y: usize| {
        let inside = |n: usize| n.checked_sub(QUIET).filter(|n| *n < width);
        inside(x).zip(inside(y)).is_some_and(|(x, y)| colours[y * width + x] == Color::Dark)
    };
    let side = width + 2 * QUIET;
    let row = |y: usize| (0..side).map(|x| half_block(dark(x, y), y + 1 < side && dark(x, y + 1))).collect::<String>();
    Some((0..side).step_by(2).map(|y| row(y) + "\n").collect())
}

/// Two modules, one over the other. Light is drawn and dark left out, which reads right on the dark ground of most terminals;
/// phones read the inverse too.
fn half_block(top_dark: bool, bottom_dark: bool) -> char {
    match (top_dark, bottom_dark) {
        (false, false) => '█',
        (false, true) => '▀',
        (true, false) => '▄',
        (true, true) => ' ',
    }
}

fn line(text: &mut String, content: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "  {content}");
}

fn phone_lines(text: &mut String, facts: &Facts<'_>, link: &str) {
    match qr(&for_code(link)) {
        Some(code) => {
            line(text, &format!("Your phone      scan this code, or open {link}"));
            code.lines().for_each(|row| line(text, row));
        }
        None => line(text, &format!("Your phone      open {link}")),
    }
    let also = facts.listening.also(facts.lan);
    if !also.is_empty() {
        let same = if facts.key.is_some() { " (with the same ending)" } else { "" };
        line(text, &format!("also            {}{same}", also.join(", ")));
    }
    if facts.own_authority {
        line(text, "The first time, the phone says the connection is not private. The page behind the code shows what to tap.");
    }
}

fn ending(facts: &Facts<'_>) -> String {
    facts.key.map(|key| format!("#k={}", key.reveal())).unwrap_or_default()
}

/// The same address with scheme and host in capitals, where case does not matter (RFC 3986 section 6.2.2.1): the code packs capitals
/// and digits into 5.5 bits each, and the whole link fits version 3.
fn for_code(link: &str) -> String {
    match link.split_once('#') {
        Some((address, key)) => format!("{}#{key}", address.to_ascii_uppercase()),
        None => link.to_ascii_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "abcDEF0123456789abcDEF01234";

    fn lan(main: &str, others: &[&str]) -> Lan {
        Lan {
            main: main.parse().ok(),
            others: others.iter().map(|ip| ip.parse().expect("an address")).collect(),
            ..Lan::default()
        }
    }

    fn usual() -> Listening {
        let (http, https) = ("0.0.0.0:8080".parse().ok(), "0.0.0.0:8443".parse().ok());
        Listening { http, https, ..Listening::default() }
    }

    /// Tells a usual server's facts, changed by `change`.
    fn told(lan: &Lan, change: impl FnOnce(&mut Facts<'_>)) -> String {
        let (listening, key) = (usual(), Secret::new(KEY));
        let mut facts = Facts { listening: &listening, lan, own_authority: true, key: Some(&key) };
        change(&mut facts);
        banner(&facts)
    }

    /// The lines without the code's rows.
    fn words(banner: &str) -> Vec<String> {
        banner.lines().filter(|line| !line.contains(['█', '▀', '▄'])).map(str::to_owned).collect()
    }

    /// Reads the code back as a phone would: two pictures' rows to a line of text.
    fn scan(rows: &[&str]) -> String {
        const SCALE: usize = 4;
        let width = rows[0].chars().count();
        let light: Vec<Vec<bool>> = rows
            .iter()
            .flat_map(|row| {
                let top = row.chars().map(|c| c == '█' || c == '▀').collect();
                let bottom = row.chars().map(|c| c == '█' || c == '▄').collect();
                [top, bottom]
            })
            .collect();
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, light.len() * SCALE, |x, y| {
            if light[y / SCALE][x / SCALE] { 255 } else { 0 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().expect("readable").1
    }

    #[test]
    fn the_whole_text() {
        let expected = [
            "Kennel is running.",
            "  This computer   http://localhost:8080/#k=abcDEF0123456789abcDEF01234",
            "  Your phone      scan this code, or open http://192.168.1.20:8080/#k=abcDEF0123456789abcDEF01234",
            "  The first time, the phone says the connection is not private. The page behind the code shows what to tap.",
            "  Anyone with this link can see your cameras. Replace it: kennel keys --renew      Stop: Ctrl+C",
        ];
        assert_eq!(words(&told(&lan("192.168.1.20", &[]), |_| {})), expected);
    }

    #[test]
    fn the_code_reads_back_and_fits() {
        for address in ["192.168.1.20", "192.168.100.200", "10.0.0.1"] {
            let text = told(&lan(address, &[]), |_| {});
            let rows: Vec<&str> = text.lines().map(|line| line.trim_start()).filter(|line| line.starts_with('█')).collect();
            assert_eq!(rows.len(), QR_COLUMNS.div_ceil(2));
            assert!(rows.iter().all(|row| row.chars().count() == QR_COLUMNS));
            assert_eq!(scan(&rows), format!("HTTP://{address}:8080/#k={KEY}"));
        }
    }

    #[test]
    fn the_longest_ipv4_link_still_has_a_code() {
        assert!(qr(&for_code(&format!("https://192.168.100.200:65535/#k={KEY}"))).is_some());
        assert!(qr(&"x".repeat(54)).is_none(), "a code of version 4");
    }

    #[test]
    fn others_are_on_one_line() {
        let words = words(&told(&lan("192.168.1.20", &["10.0.0.5", "10.1.0.5"]), |_| {}));
        assert_eq!(words[3], "  also            http://10.0.0.5:8080, http://10.1.0.5:8080 (with the same ending)");
    }

    #[test]
    fn open_to_everybody() {
        let words = words(&told(&lan("192.168.1.20", &[]), |facts| facts.key = None));
        assert_eq!(words[2], "  Your phone      scan this code, or open http://192.168.1.20:8080/");
        let last = "  Anyone who reaches these addresses can see your cameras, because of --open.      Stop: Ctrl+C";
        assert_eq!(words.last().map(String::as_str), Some(last));
    }

    #[test]
    fn with_a_certificate_that_phones_trust_there_is_no_word_of_warnings() {
        let words = words(&told(&lan("192.168.1.20", &[]), |facts| facts.own_authority = false));
        assert_eq!(words.len(), 4);
    }

    #[test]
    fn without_an_address_for_phones_there_is_the_reason() {
        let words = words(&told(&lan("", &[]), |_| {}));
        assert_eq!(words[2], "  No network found. Kennel works on this computer only.");
    }
}
