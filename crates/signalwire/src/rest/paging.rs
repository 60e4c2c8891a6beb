//! Pages of lists: which one is asked for, and the addresses of the others.

use super::limit::{PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use super::refusal::Refusal;
use super::route::Query;
use serde::Serialize;

/// The page that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows.
    pub size: usize,
    /// Its number from 0, only for show.
    pub number: u32,
    /// The place of the row after which it begins, as the one who lists gave it; none: the first page.
    pub after: Option<i64>,
    /// What else the query said, for the addresses of the other pages.
    kept: Vec<(String, String)>,
}

/// What is around the rows of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The place of its last row, if there are rows after it.
    pub after: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Links {
    #[serde(rename = "self")]
    own: String,
    first: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

const SIZE: &str = "page_size";
const NUMBER: &str = "page_number";
const TOKEN: &str = "page_token";

impl Page {
    pub(super) fn read(query: &Query) -> Result<Self, Refusal> {
        let size = query.number(SIZE)?.map_or(PAGE_SIZE_DEFAULT, |size| usize::try_from(size).unwrap_or(PAGE_SIZE_MAX));
        let number = query.number(NUMBER)?.unwrap_or(0);
        let after = query.one(TOKEN).map(|token| read_token(token).ok_or_else(|| Refusal::invalid(TOKEN, "is none of ours")));
        let after = after.transpose()?;
        if size == 0 {
            return Err(Refusal::invalid(SIZE, "must be a whole number from 1"));
        } else if number > 0 && after.is_none() {
            // Without a place, a client that counts pages by itself would be given the first one for ever.
            return Err(Refusal::invalid(TOKEN, "must be present, as links.next has it, when page_number is above 0"));
        }
        Ok(Page { size: size.min(PAGE_SIZE_MAX), number, after, kept: query.without(&[SIZE, NUMBER, TOKEN]) })
    }

    /// `url` is that of the list, without a query.
    pub(super) fn links(&self, url: &str, ends: Ends) -> Links {
        Links {
            own: self.url(url, self.number, self.after),
            first: self.url(url, 0, None),
            next: ends.after.map(|place| self.url(url, self.number.saturating_add(1), Some(place))),
        }
    }

    fn url(&self, url: &str, number: u32, after: Option<i64>) -> String {
        let kept = self.kept.iter().map(|(name, value)| format!("{}={}&", escape(name), escape(value)));
        let token = after.map(|place| format!("&{TOKEN}=PA{place:016x}")).unwrap_or_default();
        format!("{url}?{}{NUMBER}={number}&{SIZE}={}{token}", kept.collect::<String>(), self.size)
    }
}

fn read_token(text: &str) -> Option<i64> {
    let hex = text.strip_prefix("PA").filter(|hex| hex.len() == 16 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(hex, 16).ok().map(u64::cast_signed)
}

/// Percent-encoding of everything but what RFC 3986, section 2.3, leaves unreserved.
fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
