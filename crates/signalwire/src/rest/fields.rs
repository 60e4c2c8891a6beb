//! A JSON body, field by field. What is wrong is collected, so that one answer names all of it.

use std::cell::RefCell;
use std::sync::Arc;

use super::date;
use super::limit::FAULTS_MAX;
use super::refusal::{Fault, Refusal};
use crate::limit::META_CHARS_MAX;
use ::room::{Meta, Sealed};
use serde_json::{Map, Value};

/// The fields of a body. Unknown ones are passed over.
pub(super) struct Fields {
    map: Map<String, Value>,
    faults: RefCell<Vec<Fault>>,
}

impl Fields {
    /// An empty body has no fields.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        let map = if body.iter().all(u8::is_ascii_whitespace) {
            Map::new()
        } else {
            serde_json::from_slice(body).map_err(|_| Refusal::BadRequest)?
        };
        Ok(Fields { map, faults: RefCell::default() })
    }

    /// What was read, unless something was wrong.
    pub fn done<T>(&self, read: T) -> Result<T, Refusal> {
        let faults = self.faults.take();
        if faults.is_empty() { Ok(read) } else { Err(Refusal::Invalid(faults)) }
    }

    /// Only the first of each field.
    pub fn fault(&self, fault: Fault) {
        let mut faults = self.faults.borrow_mut();
        let known = faults.iter().any(|known| known.attribute == fault.attribute);
        if faults.len() < FAULTS_MAX && !known {
            faults.push(fault);
        }
    }

    /// Whether it was said at all, be it `null`.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Words of at most so many characters. Empty ones and `null` are none.
    pub fn text(&self, name: &'static str, chars_max: usize) -> Option<String> {
        self.text_or_empty(name, chars_max).filter(|text| !text.is_empty())
    }

    /// Words of at most so many characters. Empty ones take away what was there; `null` is none.
    pub fn text_or_empty(&self, name: &'static str, chars_max: usize) -> Option<String> {
        let text = self.value(name, "must be text", |value| value.as_str().map(str::to_owned))?;
        if text.chars().count() > chars_max {
            self.fault(Fault::invalid(name, &format!("is too long (maximum is {chars_max} characters)")));
            return None;
        }
        Some(text)
    }

    /// True, false, or either as text.
    pub fn flag(&self, name: &'static str) -> Option<bool> {
        self.value(name, "must be true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        })
    }

    /// A whole number in bounds, or such a number as text.
    pub fn number(&self, name: &'static str, from: u32, to: u32) -> Option<u32> {
        let rule = format!("must be a whole number from {from} to {to}");
        self.value(name, &rule, |value| {
            let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            number.and_then(|number| u32::try_from(number).ok()).filter(|number| (from..=to).contains(number))
        })
    }

    /// A date, or seconds or milliseconds since 1970 UTC; as milliseconds.
    pub fn date(&self, name: &'static str) -> Option<u64> {
        if self.map.get(name).is_some_and(|value| value.as_str() == Some("")) {
            return None;
        }
        self.value(name, "must be a date and time as RFC 3339 has it", |value| match value {
            Value::Number(number) => date::of_number(number.as_u64()?),
            Value::String(text) => date::parse(text),
            _ => None,
        })
    }

    /// One of these words.
    pub fn word<T>(&self, name: &'static str, known: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.value(name, "is not included in the list", |value| value.as_str().and_then(&known))
    }

    /// Words of the app by key, of at most [`META_CHARS_MAX`] characters as JSON.
    pub fn meta(&self, name: &'static str) -> Option<Meta> {
        let rule = format!("must be an object of at most {META_CHARS_MAX} characters");
        self.value(name, &rule, |value| {
            let map = value.as_object().filter(|_| value.to_string().chars().count() <= META_CHARS_MAX)?;
            Some(map.iter().map(|(key, value)| (Arc::from(key.as_str()), Sealed(value.to_string().into()))).collect())
        })
    }

    /// A list of at most so many words.
    pub fn words<T>(&self, name: &'static str, count_max: usize, known: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        let list = self.value(name, "must be a list", Value::as_array)?;
        if list.len() > count_max {
            self.fault(Fault::invalid(name, &format!("is too long (maximum is {count_max} names)")));
            return None;
        }
        let words: Option<Vec<T>> = list.iter().map(|word| known(word.as_str()?)).collect();
        if words.is_none() {
            self.fault(Fault::invalid(name, "has one that is not included in the list"));
        }
        words
    }

    /// `null` is none.
    fn value<'a, T>(&'a self, name: &'static str, rule: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.map.get(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            self.fault(Fault::invalid(name, rule));
        }
        read
    }
}
