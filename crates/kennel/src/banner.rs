//! What the terminal shows at the start: the addresses, the link with its key, and a code for the phone.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use qrcode::{Color, EcLevel, QrCode};

use crate::config::Secret;
use crate::net::Lan;

/// The widest code, in columns with its quiet zone: version 3 (29 modules) and 4 modules on either side. Wider ones wrap in narrow
/// windows and no phone reads them.
pub const QR_COLUMNS: usize = 37;

/// The quiet zone that ISO/IEC 18004 asks for, in modules.
const QUIET: usize = 4;

/// What there is to tell.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Where HTTP listens, with the port that the system gave.
    pub http: Option<SocketAddr>,
    /// Where HTTPS listens.
    pub https: Option<SocketAddr>,
    /// The machine's addresses.
    pub lan: &'a Lan,
    /// `--announce`.
    pub announce: Option<IpAddr>,
    /// `--domain`.
    pub domain: Option<&'a str>,
    /// Whether phones will warn at first, because the certificate is of Kennel's own authority.
    pub own_authority: bool,
    /// The owner's key; `None` with `--open`.
    pub key: Option<&'a Secret>,
}

/// The text for a terminal, with a line break at its end.
pub fn banner(facts: &Facts<'_>) -> String {
    let mut text = "Kennel is running.\n".to_owned();
    if let Some(link) = here(facts) {
        line(&mut text, &format!("This computer   {link}"));
    }
    match phone(facts) {
        Ok(link) => phone_lines(&mut text, facts, &link),
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
    if facts.domain.is_none() && !facts.lan.others.is_empty() && facts.announce.is_none() {
        let others: Vec<String> = facts.lan.others.iter().filter_map(|ip| Some(at(*ip, door(facts)?))).collect();
        let ending = if facts.key.is_some() { " (with the same ending)" } else { "" };
        line(text, &format!("also            {}{ending}", others.join(", ")));
    }
    if facts.own_authority && facts.domain.is_none() {
        line(text, "The first time, the phone says the connection is not private. The page behind the code shows what to tap.");
    }
}

/// The address for the machine itself; `None` when it listens on one address of the network only.
pub fn here(facts: &Facts<'_>) -> Option<String> {
    let (scheme, listen) = door(facts)?;
    let host = match listen.ip() {
        ip if ip.is_unspecified() || ip.is_loopback() => "localhost".to_owned(),
        ip => host_text(ip),
    };
    Some(format!("{scheme}://{host}:{}/{}", listen.port(), ending(facts)))
}

/// The address for a phone, or the sentence that says why there is none.
pub fn phone(facts: &Facts<'_>) -> Result<String, String> {
    if let Some(domain) = facts.domain {
        return Ok(format!("https://{domain}/{}", ending(facts)));
    }
    let Some((scheme, listen)) = door(facts) else { return Err("Nothing listens.".to_owned()) };
    let link = |ip| Ok(format!("{}/{}", at(ip, (scheme, listen)), ending(facts)));
    if let Some(ip) = facts.announce {
        return link(ip);
    }
    if listen.ip().is_loopback() {
        return Err(format!(
            "Kennel listens on this computer only. For phones start it with --{scheme} 0.0.0.0:{}.",
            listen.port()
        ));
    }
    let reachable = if listen.ip().is_unspecified() { facts.lan.main } else { Some(listen.ip()) };
    match reachable {
        Some(ip) if facts.lan.container => Err(format!(
            "This looks like a container. Phones cannot reach {}. Start with --announce and your computer's address.",
            host_text(ip)
        )),
        Some(ip) => link(ip),
        None => Err("No network found. Kennel works on this computer only.".to_owned()),
    }
}

/// Which listener people begin at: HTTP leads phones to HTTPS by itself.
fn door(facts: &Facts<'_>) -> Option<(&'static str, SocketAddr)> {
    facts.http.map(|listen| ("http", listen)).or(facts.https.map(|listen| ("https", listen)))
}

fn at(ip: IpAddr, (scheme, listen): (&str, SocketAddr)) -> String {
    format!("{scheme}://{}:{}", host_text(ip), listen.port())
}

fn host_text(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
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

    fn facts<'a>(lan: &'a Lan, key: &'a Secret) -> Facts<'a> {
        Facts {
            http: Some("0.0.0.0:8080".parse().expect("an address")),
            https: Some("0.0.0.0:8443".parse().expect("an address")),
            lan,
            announce: None,
            domain: None,
            own_authority: true,
            key: Some(key),
        }
    }

    /// The lines without the code's rows.
    fn words(facts: &Facts<'_>) -> Vec<String> {
        banner(facts).lines().filter(|line| !line.contains(['█', '▀', '▄'])).map(str::to_owned).collect()
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
        let (lan, key) = (lan("192.168.1.20", &[]), Secret::new(KEY));
        let expected = [
            "Kennel is running.",
            "  This computer   http://localhost:8080/#k=abcDEF0123456789abcDEF01234",
            "  Your phone      scan this code, or open http://192.168.1.20:8080/#k=abcDEF0123456789abcDEF01234",
            "  The first time, the phone says the connection is not private. The page behind the code shows what to tap.",
            "  Anyone with this link can see your cameras. Replace it: kennel keys --renew      Stop: Ctrl+C",
        ];
        assert_eq!(words(&facts(&lan, &key)), expected);
    }

    #[test]
    fn the_code_reads_back_and_fits() {
        for address in ["192.168.1.20", "192.168.100.200", "10.0.0.1"] {
            let (lan, key) = (lan(address, &[]), Secret::new(KEY));
            let text = banner(&facts(&lan, &key));
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
        let (lan, key) = (lan("192.168.1.20", &["10.0.0.5", "fd00::1"]), Secret::new(KEY));
        let words = words(&facts(&lan, &key));
        assert_eq!(words[3], "  also            http://10.0.0.5:8080, http://[fd00::1]:8080 (with the same ending)");
    }

    fn check_line(change: impl FnOnce(&mut Facts<'_>), expected: &str) {
        let (lan, key) = (lan("192.168.1.20", &[]), Secret::new(KEY));
        let mut facts = facts(&lan, &key);
        change(&mut facts);
        let words = words(&facts);
        assert!(words.iter().any(|line| line.trim_start() == expected), "{expected:?} is missing in {words:#?}");
    }

    #[test]
    fn other_ways_to_start() {
        let own_listener = "192.168.7.7:90".parse().ok();
        let end = "#k=abcDEF0123456789abcDEF01234";
        check_line(|f| f.http = None, &format!("Your phone      scan this code, or open https://192.168.1.20:8443/{end}"));
        check_line(|f| f.http = None, &format!("This computer   https://localhost:8443/{end}"));
        check_line(|f| f.http = own_listener, &format!("This computer   http://192.168.7.7:90/{end}"));
        check_line(|f| f.http = own_listener, &format!("Your phone      scan this code, or open http://192.168.7.7:90/{end}"));
        check_line(
            |f| f.domain = Some("kennel.example.org"),
            &format!("Your phone      scan this code, or open https://kennel.example.org/{end}"),
        );
        check_line(
            |f| f.announce = "10.9.8.7".parse().ok(),
            &format!("Your phone      scan this code, or open http://10.9.8.7:8080/{end}"),
        );
        check_line(|f| f.key = None, "Your phone      scan this code, or open http://192.168.1.20:8080/");
        check_line(
            |f| f.key = None,
            "Anyone who reaches these addresses can see your cameras, because of --open.      Stop: Ctrl+C",
        );
        check_line(
            |f| f.http = "127.0.0.1:8080".parse().ok(),
            "Kennel listens on this computer only. For phones start it with --http 0.0.0.0:8080.",
        );
    }

    #[test]
    fn containers_and_lone_machines() {
        let key = Secret::new(KEY);
        let container = Lan { container: true, ..lan("172.17.0.2", &[]) };
        let said = words(&facts(&container, &key)).join("\n");
        assert!(said.contains(
            "This looks like a container. Phones cannot reach 172.17.0.2. Start with --announce and your computer's address."
        ));
        let announced = Facts { announce: "192.168.1.20".parse().ok(), ..facts(&container, &key) };
        assert!(words(&announced).join("\n").contains("open http://192.168.1.20:8080/#k="));
        let alone = words(&facts(&lan("", &[]), &key)).join("\n");
        assert!(alone.contains("No network found. Kennel works on this computer only."));
    }
}
