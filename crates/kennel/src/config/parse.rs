//! Texts to values. Each refusal is a sentence that says what would be right; the caller puts the place before it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use media::record::MixFile;
use room::VideoCodec;

use super::{Database, LogFormat, RoomType};
use crate::egress::Policy;

/// The shortest secret that is taken from outside, in characters: a token signed with a shorter one can be cracked offline.
pub const SECRET_MIN: usize = 20;

/// The longest room name, in characters (the vendor's own limit).
pub const NAME_MAX: usize = 128;

/// What a parser gives: the value, or what would be right.
pub type Parsed<T> = Result<T, String>;

/// An address to listen at, or `off`.
pub fn listen(text: &str) -> Parsed<Option<SocketAddr>> {
    if text == "off" { Ok(None) } else { address(text).map(Some) }
}

/// An address and a port.
pub fn address(text: &str) -> Parsed<SocketAddr> {
    SocketAddr::from_str(text)
        .map_err(|_| format!("'{text}' is not an address and a port. Write for example 0.0.0.0:8090 or [::]:8090."))
}

/// A whole number within a range.
pub fn number(text: &str, range: RangeInclusive<u64>) -> Parsed<u64> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("'{text}' is not a whole number from {} to {}.", range.start(), range.end()))
}

/// An address that others can reach.
pub fn announce(text: &str) -> Parsed<IpAddr> {
    let address = IpAddr::from_str(text).ok().filter(|ip| !ip.is_unspecified() && !ip.is_multicast());
    address.ok_or_else(|| format!("'{text}' is not the address of a computer. Write for example 192.168.1.20."))
}

/// On or off, in the words people use.
pub fn switch(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("'{text}' is neither on nor off. Write true or false.")),
    }
}

/// A type of room.
pub fn room_type(text: &str) -> Parsed<RoomType> {
    match text {
        "auto" => Ok(RoomType::Auto),
        "go" => Ok(RoomType::Go),
        "peer-to-peer" => Ok(RoomType::PeerToPeer),
        "group" => Ok(RoomType::Group),
        "group-small" => Ok(RoomType::GroupSmall),
        _ => Err(format!(
            "'{text}' is not a type of room. Choose auto, go (2 people), peer-to-peer (10), group (50) or group-small (4)."
        )),
    }
}

/// What files of mixes can be.
pub fn mix_file(text: &str) -> Parsed<MixFile> {
    match text.to_ascii_lowercase().as_str() {
        "webm" => Ok(MixFile::WebM),
        "mp4" => Ok(MixFile::Mp4),
        _ => Err(format!("'{text}' is not a kind of file that a mix is recorded into. Choose webm or mp4.")),
    }
}

/// A video codec that rooms can have.
pub fn video_codec(text: &str) -> Parsed<VideoCodec> {
    match text.to_ascii_lowercase().as_str() {
        "vp8" => Ok(VideoCodec::Vp8),
        "h264" => Ok(VideoCodec::H264),
        "vp9" => Ok(VideoCodec::Vp9),
        _ => Err(format!("'{text}' is not a video codec. Choose vp8, h264 or vp9.")),
    }
}

/// The name of a room: 1 to 128 characters without control characters or marks that turn the direction of writing.
pub fn room_name(text: &str) -> Parsed<String> {
    let good = (1..=NAME_MAX).contains(&text.chars().count()) && !text.chars().any(|c| c.is_control() || is_bidi(c));
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("a room's name has 1 to {NAME_MAX} characters, none of them control characters."))
    }
}

/// Marks that override the direction of text, so that a name could show other than it is (Unicode 3.4, UAX 9).
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A host name in lower case: letters, digits and hyphens between dots (RFC 1123 section 2.1).
pub fn host_name(text: &str) -> Parsed<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let good = text.len() <= 253 && text.split('.').all(label) && IpAddr::from_str(text).is_err();
    if good {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!("'{text}' is not a host name. Write for example kennel.example.org, without https:// and port."))
    }
}

/// A name that a public certificate can be had for.
pub fn domain(text: &str) -> Parsed<String> {
    let name = host_name(text)?;
    let last = name.rsplit('.').next().unwrap_or_default();
    let private = ["local", "localhost", "internal", "lan", "home", "test", "invalid"].contains(&last);
    if private || !name.contains('.') || last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "no public certificate can be had for '{text}'. Use a name of your own on the internet, or leave this out: \
             on your own network Kennel makes its own certificate."
        ));
    }
    Ok(name)
}

/// A mail address, roughly; the service checks it for good.
pub fn contact(text: &str) -> Parsed<String> {
    let mail = text.strip_prefix("mailto:").unwrap_or(text);
    let good = mail.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host_name(host).is_ok());
    if good && mail.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(mail.to_owned())
    } else {
        Err(format!("'{text}' is not a mail address. Write for example me@example.org."))
    }
}

/// The address of an ACME directory.
pub fn directory(text: &str) -> Parsed<String> {
    let uri = text.parse::<axum::http::Uri>().ok();
    let good = uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("'{text}' is not the address of an ACME directory. It begins with https://."))
    }
}

/// `stun:HOST[:PORT]` (RFC 7064).
pub fn stun_url(text: &str) -> Parsed<String> {
    let rest = text.strip_prefix("stun:").or_else(|| text.strip_prefix("stuns:"));
    if rest.is_some_and(is_host_and_port) {
        Ok(text.to_owned())
    } else {
        Err(format!("'{text}' is not the address of a STUN server. Write for example stun:stun.example.org:3478."))
    }
}

/// `turn:HOST[:PORT][?transport=udp|tcp]` (RFC 7065).
pub fn turn_url(text: &str) -> Parsed<String> {
    let rest = text.strip_prefix("turn:").or_else(|| text.strip_prefix("turns:"));
    let good = rest.is_some_and(|rest| match rest.split_once('?') {
        Some((server, query)) => is_host_and_port(server) && ["transport=udp", "transport=tcp"].contains(&query),
        None => is_host_and_port(rest),
    });
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("'{text}' is not the address of a TURN server. Write for example turn:turn.example.org:3478?transport=udp."))
    }
}

/// A name, an IPv4 address or an IPv6 address in brackets, with or without a port.
fn is_host_and_port(text: &str) -> bool {
    let split = match text.rfind(']') {
        Some(end) => end + 1,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(split);
    let good_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    is_host(host) && (port.is_empty() || port.strip_prefix(':').is_some_and(good_port))
}

fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(inner) => Ipv6Addr::from_str(inner).is_ok(),
        None => Ipv4Addr::from_str(text).is_ok() || host_name(text).is_ok(),
    }
}

/// A filter in the syntax of tracing's `EnvFilter`.
pub fn log_filter(text: &str) -> Parsed<String> {
    match tracing_subscriber::EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!(
            "'{text}' is not a log filter. Write error, warn, info, debug or trace, or for example info,kennel::tls=debug."
        )),
    }
}

/// How log lines look.
pub fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        "auto" => Ok(LogFormat::Auto),
        _ => Err(format!("'{text}' is not a format. Choose human, json or auto.")),
    }
}

/// The address of a PostgreSQL database, `sqlite`, or `off`. The refusal never quotes it.
pub fn database(text: &str) -> Parsed<Database> {
    let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
    match text {
        "sqlite" => Ok(Database::File),
        "off" => Ok(Database::Off),
        _ if postgres => Ok(Database::Postgres(super::Secret::new(text))),
        _ => {
            Err("is no database. Write postgres://user:password@host/name, sqlite (a file in the data folder), or off."
                .to_owned())
        }
    }
}

/// A bucket's name and what keys in it begin with: nothing, or ending with `/`.
pub fn bucket(text: &str) -> Parsed<(String, String)> {
    let place = text.strip_prefix("s3://").unwrap_or_default();
    let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let good_name = (3..=63).contains(&name.len()) && name.bytes().all(letters) && !name.starts_with(['-', '.']);
    let prefix = prefix.trim_end_matches('/');
    let word = |word: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !word.is_empty() && !word.starts_with('.') && word.bytes().all(letters)
    };
    let good_prefix = prefix.is_empty() || (prefix.len() <= 500 && prefix.split('/').all(word));
    match good_name && good_prefix {
        true if prefix.is_empty() => Ok((name.to_owned(), String::new())),
        true => Ok((name.to_owned(), format!("{prefix}/"))),
        false => Err(format!("'{text}' is not a bucket. Write for example s3://my-bucket or s3://my-bucket/kennel.")),
    }
}

/// Where an S3-compatible store is, without `/` at its end.
pub fn endpoint(text: &str) -> Parsed<String> {
    let uri = text.parse::<axum::http::Uri>().ok();
    let good = uri.is_some_and(|uri| {
        let authority = uri.authority().map(axum::http::uri::Authority::as_str);
        matches!(uri.scheme_str(), Some("http" | "https")) && authority.is_some_and(|a| !a.contains('@')) && uri.query().is_none()
    });
    match good {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => {
            Err("is not the address of a store. Write for example https://s3.example.org or http://192.168.1.9:9000.".to_owned())
        }
    }
}

/// The name of a region.
pub fn region(text: &str) -> Parsed<String> {
    match text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        true => Ok(text.to_owned()),
        false => Err(format!("'{text}' is not the name of a region. Write for example eu-central-1.")),
    }
}

/// An address that webhooks can be sent to.
pub fn callback_url(text: &str) -> Parsed<String> {
    let written = crate::egress::target(text).map_err(|problem| format!("'{text}' cannot be told anything: {problem}."));
    written.map(|_| text.to_owned())
}

/// How webhooks are sent.
pub fn callback_method(text: &str) -> Parsed<store::Method> {
    match text {
        "POST" => Ok(store::Method::Post),
        "GET" => Ok(store::Method::Get),
        _ => Err(format!("'{text}' is not a method of webhooks. Choose POST or GET.")),
    }
}

/// Where webhooks may go.
pub fn webhooks_to(text: &str) -> Parsed<Policy> {
    match text {
        "lan" => Ok(Policy::Lan),
        "public" => Ok(Policy::Public),
        _ => Err(format!("'{text}' is not a place. Choose lan or public.")),
    }
}

/// Two letters and 32 hex digits, as Twilio spells ids.
pub fn sid(prefix: &str, text: &str) -> Parsed<String> {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be {prefix} and 32 hex digits. Leave it out and Kennel makes one: kennel keys shows it."))
    }
}

/// A UUID: 32 hex digits in groups of 8, 4, 4, 4 and 12.
pub fn uuid(text: &str) -> Parsed<String> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        Ok(text.to_owned())
    } else {
        Err("must be a UUID such as 8f0a119a-cda7-4497-a47d-c81493b824d4.".to_owned())
    }
}

/// A secret: printable, and long enough unless `weak_ok`. The refusal never quotes it.
pub fn secret(text: &str, weak_ok: bool) -> Parsed<super::Secret> {
    let length = text.chars().count();
    if text.chars().any(char::is_control) {
        Err("holds control characters. Copy it again.".to_owned())
    } else if length < SECRET_MIN && !weak_ok {
        Err(format!(
            "has {length} characters; a secret needs at least {SECRET_MIN}. Take a longer one, or leave it out and Kennel makes one. \
             (--dev takes short ones if Kennel listens on 127.0.0.1 only.)"
        ))
    } else {
        Ok(super::Secret::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T>(parser: impl Fn(&str) -> Parsed<T>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(parser(text).is_ok(), "should be taken: {text:?}: {}", parser(text).err().unwrap_or_default());
        }
        for text in bad {
            let refusal = parser(text).err().unwrap_or_else(|| panic!("should be refused: {text:?}"));
            assert!(refusal.ends_with(['.', ')']), "{refusal}");
        }
    }

    #[test]
    fn values() {
        check(
            listen,
            &["off", "0.0.0.0:8080", "[::]:1", "127.0.0.1:0"],
            &["", "8080", ":8080", "localhost:80", "1.2.3.4:65536", "OFF"],
        );
        check(|t| number(t, 1..=256), &["1", "256"], &["0", "257", "-1", "", "1.5", "1e2", "99999999999999999999"]);
        check(
            announce,
            &["192.168.1.20", "fd00::1", "203.0.113.1"],
            &["0.0.0.0", "::", "224.0.0.1", "kennel.local", "1.2.3.4:5"],
        );
        check(switch, &["1", "true", "Yes", "on", "0", "false", "no", "OFF"], &["", "2", "maybe"]);
        check(room_type, &["auto", "go", "peer-to-peer", "group", "group-small"], &["p2p", "Group", ""]);
        check(mix_file, &["webm", "mp4", "MP4"], &["mkv", "", "mp"]);
        check(video_codec, &["vp8", "VP9", "h264"], &["av1", "", "vp"]);
        check(room_name, &["Dog Cam", "Küche 🐶", &"x".repeat(128)], &["", &"x".repeat(129), "a\nb", "a\u{202E}b"]);
        check(
            host_name,
            &["kennel", "a.b.example", "KENNEL.local"],
            &["", "a b", "https://x", "x:80", "-a", "1.2.3.4", "a..b", "*.a.b"],
        );
        check(domain, &["kennel.example.org"], &["kennel", "kennel.local", "192.168.1.1", "*.example.org", "a.1", "x.lan"]);
        check(contact, &["me@example.org", "mailto:me@example.org"], &["", "me", "@example.org", "a b@example.org"]);
        check(directory, &["https://acme.example/directory", "https://127.0.0.1:14000/dir"], &["http://x/", "acme.example", ""]);
        check(
            stun_url,
            &["stun:a.b", "stun:1.2.3.4:3478", "stuns:[::1]:5349"],
            &["stun:", "turn:a", "stun:a:b", "stun:a@b", "stun:a:", "stun:[::1", "stun:a]"],
        );
        check(
            turn_url,
            &["turn:a:3478?transport=udp", "turns:a", "turn:[::1]:1"],
            &["turn:a?transport=sctp", "stun:a", "turn:?transport=udp"],
        );
        check(log_filter, &["info", "debug,kennel::tls=trace", "off"], &["kennel=loud", "a=b=c"]);
        check(database, &["postgres://a@b/c", "postgresql:///k", "sqlite", "off"], &["", "mysql://a", "kennel.db"]);
        check(callback_url, &["http://10.0.0.1/x", "https://h.example/?a"], &["", "h.example", "ftp://h/"]);
        check(callback_method, &["GET", "POST"], &["get", "PUT", ""]);
        check(webhooks_to, &["lan", "public"], &["all", ""]);
        check(log_format, &["human", "json", "auto"], &["pretty", ""]);
        check(
            |t| sid("AC", t),
            &["AC0123456789abcdef0123456789abcdef"],
            &["", "AC", "SK0123456789abcdef0123456789abcdef", "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
        );
        check(
            uuid,
            &["8f0a119a-cda7-4497-a47d-c81493b824d4"],
            &["", "8f0a119acda74497a47dc81493b824d4", "8f0a119a-cda7-4497-a47d-c81493b824dx"],
        );
        check(|t| secret(t, false), &["01234567890123456789"], &["0123456789012345678", "0123456789\n0123456789"]);
        check(|t| secret(t, true), &["short"], &["a\tb"]);
    }

    #[test]
    fn a_refused_secret_is_not_quoted() {
        assert!(!secret("hunter2", false).expect_err("too short").contains("hunter2"));
    }
}
