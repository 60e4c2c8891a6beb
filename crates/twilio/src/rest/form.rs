//! Parameters: `application/x-www-form-urlencoded` in a query or a body (WHATWG URL, section 5).

use super::date;
use super::limit::{PARAMETERS_MAX, QUERY_BYTES_MAX};
use super::refusal::{Code, Refusal};
use std::ops::RangeInclusive;

/// The parameters of a request, in their order. Names are compared as they are; the first of several values of one that takes one counts;
/// an empty value counts as none.
#[derive(Debug, Default)]
pub(super) struct Form {
    pairs: Vec<(String, Option<String>)>,
}

impl Form {
    pub(super) fn of_query(query: &str) -> Result<Self, Refusal> {
        if query.len() > QUERY_BYTES_MAX { Err(Refusal::too_many_parameters()) } else { Form::of(query.as_bytes()) }
    }

    /// A body of another type is not read, as the vendor does not read it: a JSON body makes a default room.
    pub(super) fn of_body(content_type: Option<&str>, body: &[u8]) -> Result<Self, Refusal> {
        let kind = content_type.unwrap_or(FORM_TYPE).split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case(FORM_TYPE) { Form::of(body) } else { Ok(Form::default()) }
    }

    fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        let parts = bytes.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
        if parts.clone().count() > PARAMETERS_MAX {
            return Err(Refusal::too_many_parameters());
        }
        Ok(Form { pairs: parts.filter_map(pair).collect() })
    }

    /// All values of a parameter, in their order.
    pub(super) fn all(&self, name: &'static str) -> Result<Vec<&str>, Refusal> {
        let given = self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_deref());
        let texts = given.map(|value| value.ok_or_else(|| Refusal::invalid(name, "must be UTF-8")));
        texts.filter(|text| *text != Ok("")).collect()
    }

    pub(super) fn one(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        Ok(self.all(name)?.first().copied())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, Refusal> {
        self.one(name)?.ok_or_else(|| Refusal::missing(name))
    }

    /// The value as it came: `Some(None)` is no UTF-8, and empty is not nothing.
    pub(super) fn raw(&self, name: &str) -> Option<Option<&str>> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_deref())
    }

    /// `true` or `false` in any case: the older Python library writes `True`.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.one(name)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::invalid(name, "must be true or false")),
        }
    }

    /// A whole number within the bounds, or the refusal with that code.
    pub(super) fn number(&self, name: &'static str, bounds: RangeInclusive<u32>, code: Code) -> Result<Option<u32>, Refusal> {
        let rule = || format!("must be a whole number from {} to {}", bounds.start(), bounds.end());
        let Some(text) = self.one(name)? else { return Ok(None) };
        match decimal(text).filter(|number| bounds.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(Refusal::of(code, name, &rule())),
        }
    }

    /// A moment, in milliseconds since 1970 UTC.
    pub(super) fn moment(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let rule = "must be a date: YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ";
        date::parse(text).map(Some).ok_or_else(|| Refusal::invalid(name, rule))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, name: &'static str, words: &[(&str, T)]) -> Result<Option<T>, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => Err(Refusal::invalid(name, &one_of(words))),
        }
    }

    /// The values of these parameters as they came, to be repeated in the addresses of other pages.
    pub(super) fn kept(&self, names: &[&str]) -> Vec<(String, String)> {
        let known = self.pairs.iter().filter(|(name, _)| names.contains(&name.as_str()));
        known.filter_map(|(name, value)| value.clone().filter(|text| !text.is_empty()).map(|text| (name.clone(), text))).collect()
    }
}

const FORM_TYPE: &str = "application/x-www-form-urlencoded";

fn pair(part: &[u8]) -> Option<(String, Option<String>)> {
    let mut halves = part.splitn(2, |byte| *byte == b'=');
    let name = String::from_utf8(unescape(halves.next()?, true)).ok()?;
    Some((name, String::from_utf8(unescape(halves.next().unwrap_or_default(), true)).ok()))
}

fn one_of<T>(words: &[(&str, T)]) -> String {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    format!("must be {}", words.join(" or "))
}

/// Digits only, nine at most: no sign, no space, nothing that two readers could read differently.
pub(super) fn decimal(text: &str) -> Option<u32> {
    let plain = (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Percent-decoding (RFC 3986, section 2.1). A percent sign that begins nothing stands for itself. In forms `+` is a space.
pub(crate) fn unescape(text: &[u8], form: bool) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        (rest, _) = match (first, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (tail, plain.push(nibble(*high) << 4 | nibble(*low)))
            }
            (b'+', _) if form => (tail, plain.push(b' ')),
            _ => (tail, plain.push(*first)),
        };
    }
    plain
}

fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit.to_ascii_lowercase() - b'a') + 10,
    }
}

/// Percent-encoding of everything but unreserved characters (RFC 3986, section 2.3).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Names and values as a form.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let parts: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    parts.join("&")
}
