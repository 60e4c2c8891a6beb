//! Status callbacks: what is told of a room, and the request that tells it. Pure; who sends it, when, and how often is the shell's affair.
//!
//! Source: the vendor's documentation of room events and of request validation, and what its libraries' validators accept.

mod event;
mod url;

pub use event::{Composition, CompositionHook, Event, Failure, File, Recording, Scene, Stream, Who};
pub use url::Url;

use crate::rest::{Method, encode};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A request, ready to be sent byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How.
    pub method: Method,
    /// Where to. Not to be written anew by whoever sends it: the signature is over these bytes.
    pub url: String,
    /// A form (`application/x-www-form-urlencoded`), if the method has a body.
    pub body: Option<String>,
    /// `X-Twilio-Signature`.
    pub signature: String,
    /// User and password for `Authorization: Basic`, if the address had some.
    pub credentials: Option<(String, String)>,
}

/// The request that tells these parameters, the event's number in its room last. `auth_token` is the account's, which apps check the
/// signature with. None, if the address is none ([`Url::parse`]).
#[must_use]
pub fn call(address: &str, method: Method, parameters: &[(String, String)], sequence: u64, auth_token: &str) -> Option<Call> {
    let url = Url::parse(address)?;
    let number = sequence.to_string();
    let told = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let told: Vec<(&str, &str)> = told.chain([("SequenceNumber", number.as_str())]).collect();
    let form = encode(told.iter().copied());
    let credentials = url.credentials();
    Some(match method {
        Method::Get => {
            let url = url.with_query(&form);
            Call { method, signature: sign(auth_token, &url, &[]), url, body: None, credentials }
        }
        Method::Post => {
            let url = url.text();
            Call { method, signature: sign(auth_token, &url, &told), url, body: Some(form), credentials }
        }
    })
}

/// The signature of a request: base64 of HMAC-SHA1 over the URL as it is sent and, of a form, each name followed by its value, in the
/// order of the names' bytes, with nothing between.
#[must_use]
pub fn sign(auth_token: &str, url: &str, form: &[(&str, &str)]) -> String {
    let mut sorted = form.to_vec();
    sorted.sort_by_key(|(name, _)| *name);
    let text = sorted.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_token.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Checked with the validators of the vendor's libraries for Python and Node.
    #[test]
    fn the_signature_is_what_validators_expect() {
        let form =
            [("RoomName", "Dog Cam"), ("StatusCallbackEvent", "room-created"), ("Timestamp", "2020-08-20T01:42:05.839174Z")];
        assert_eq!(sign("tok", "https://h.example/x?a=1", &form), "qYayytTn3lBobJOvLrHMGkZP4w8=");
    }

    #[test]
    fn a_post_carries_a_form_and_signs_it() {
        let call = call("https://h.example/x?a=1", Method::Post, &pairs(&[("RoomName", "Dog & Cam")]), 7, "tok").expect("a call");
        assert_eq!(call.body.as_deref(), Some("RoomName=Dog%20%26%20Cam&SequenceNumber=7"));
        assert_eq!(call.url, "https://h.example/x?a=1");
        assert_eq!(call.signature, sign("tok", &call.url, &[("SequenceNumber", "7"), ("RoomName", "Dog & Cam")]));
    }

    #[test]
    fn a_get_carries_everything_in_its_query_and_signs_that() {
        let call = call("http://me:a%20b@h.example:81?a=1#x", Method::Get, &pairs(&[("B", "é")]), 0, "tok").expect("a call");
        assert_eq!(call.url, "http://h.example:81/?a=1&B=%C3%A9&SequenceNumber=0");
        assert_eq!((call.body, call.credentials), (None, Some(("me".into(), "a b".into()))));
        assert_eq!(call.signature, sign("tok", &call.url, &[]));
    }
}
