//! JSON in which no object has a name twice. RFC 8259 leaves the meaning of a repeated name open, so two readers of one
//! text could see two things, two identities in a token say; here it has none.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The object in `bytes`; `None` for anything else, for a repeated name at any depth, and for numbers beyond `f64`.
pub(crate) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match value(bytes) {
        Some(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// Whether `bytes` are JSON in which no object has a name twice.
#[must_use]
pub fn is_unique(bytes: &[u8]) -> bool {
    value(bytes).is_some()
}

/// The value in `bytes`; `None` if it is none, for a repeated name at any depth, and for numbers beyond `f64`.
pub(crate) fn value(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok().map(|Unique(value)| value)
}

/// The value in `bytes`.
///
/// # Errors
/// What is wrong, to follow the name of a parameter.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, String> {
    let wrong = |problem: serde_json::Error| match problem.is_data() {
        true => "must be JSON in which no object has a key twice".to_owned(),
        false => format!("must be JSON, and is none at line {}, column {}", problem.line(), problem.column()),
    };
    serde_json::from_slice(bytes).map(|Unique(value)| value).map_err(wrong)
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Values).map(Unique)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON without repeated names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(Value::Object(map))
    }
}
