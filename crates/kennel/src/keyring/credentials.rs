//! What apps and helper libraries sign in with, under the vendors' own names.

use super::random::{self, Random};
use crate::config::{Secret, VendorCredentials};

/// All credentials of this server. Made at first start; values from the environment or `.env` win.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// `TWILIO_ACCOUNT_SID`: `AC` and 32 hexadecimal digits.
    pub twilio_account_sid: String,
    /// `TWILIO_API_KEY_SID`: `SK` and 32 hexadecimal digits.
    pub twilio_api_key_sid: String,
    /// `TWILIO_API_KEY_SECRET`: signs access tokens (HMAC). Ours has 32 characters of 62, 190 bits.
    pub twilio_api_key_secret: Secret,
    /// `TWILIO_AUTH_TOKEN`: the password of the account for REST. Ours has 32 hexadecimal digits.
    pub twilio_auth_token: Secret,
    /// `SIGNALWIRE_PROJECT_KEY`: a UUID.
    pub signalwire_project_key: String,
    /// `SIGNALWIRE_TOKEN`: ours is `PT` and 48 hexadecimal digits.
    pub signalwire_token: Secret,
    /// The secret for short-lived TURN credentials of a relay of ours. A foreign relay's secret stands in the configuration.
    pub turn_secret: Secret,
}

impl Credentials {
    /// A new set.
    pub fn make(random: Random<'_>) -> Self {
        Self {
            twilio_account_sid: format!("AC{}", random::hex(32, random)),
            twilio_api_key_sid: format!("SK{}", random::hex(32, random)),
            twilio_api_key_secret: Secret::new(random::letters(32, random)),
            twilio_auth_token: Secret::new(random::hex(32, random)),
            signalwire_project_key: random::uuid(random),
            signalwire_token: Secret::new(format!("PT{}", random::hex(48, random))),
            turn_secret: Secret::new(random::letters(32, random)),
        }
    }

    /// Replaces the API key.
    pub fn renew_api_key(&mut self, random: Random<'_>) {
        self.twilio_api_key_sid = format!("SK{}", random::hex(32, random));
        self.twilio_api_key_secret = Secret::new(random::letters(32, random));
    }

    /// The set with everything replaced that `given` names. The configuration has checked its form.
    pub fn overridden(&self, given: &VendorCredentials) -> Self {
        let text = |given: &Option<String>, own: &String| given.as_ref().unwrap_or(own).clone();
        let secret = |given: &Option<Secret>, own: &Secret| given.as_ref().unwrap_or(own).clone();
        Self {
            twilio_account_sid: text(&given.twilio_account_sid, &self.twilio_account_sid),
            twilio_api_key_sid: text(&given.twilio_api_key_sid, &self.twilio_api_key_sid),
            twilio_api_key_secret: secret(&given.twilio_api_key_secret, &self.twilio_api_key_secret),
            twilio_auth_token: secret(&given.twilio_auth_token, &self.twilio_auth_token),
            signalwire_project_key: text(&given.signalwire_project_key, &self.signalwire_project_key),
            signalwire_token: secret(&given.signalwire_token, &self.signalwire_token),
            turn_secret: self.turn_secret.clone(),
        }
    }

    /// Name and value of each, in the order of a `.env` file. The values are secrets: for the owner's eyes only.
    pub fn lines(&self) -> [(&'static str, &str); 6] {
        [
            ("TWILIO_ACCOUNT_SID", &self.twilio_account_sid),
            ("TWILIO_API_KEY_SID", &self.twilio_api_key_sid),
            ("TWILIO_API_KEY_SECRET", self.twilio_api_key_secret.reveal()),
            ("TWILIO_AUTH_TOKEN", self.twilio_auth_token.reveal()),
            ("SIGNALWIRE_PROJECT_KEY", &self.signalwire_project_key),
            ("SIGNALWIRE_TOKEN", self.signalwire_token.reveal()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::random::from_system;

    fn is_hex(text: &str, length: usize) -> bool {
        text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    }

    #[test]
    fn every_value_has_its_vendors_form() {
        let made = Credentials::make(&from_system);
        assert!(is_hex(made.twilio_account_sid.strip_prefix("AC").expect("AC"), 32));
        assert!(is_hex(made.twilio_api_key_sid.strip_prefix("SK").expect("SK"), 32));
        let secret = made.twilio_api_key_secret.reveal();
        assert!(secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(is_hex(made.twilio_auth_token.reveal(), 32));
        assert!(is_hex(made.signalwire_token.reveal().strip_prefix("PT").expect("PT"), 48));
        let uuid: Vec<_> = made.signalwire_project_key.split('-').map(str::len).collect();
        assert_eq!(uuid, [8, 4, 4, 4, 12]);
        assert_eq!(made.signalwire_project_key.as_bytes()[14], b'4');
    }

    #[test]
    fn two_sets_share_nothing() {
        let (a, b) = (Credentials::make(&from_system), Credentials::make(&from_system));
        for (x, y) in a.lines().iter().zip(b.lines()) {
            assert_ne!(x.1, y.1, "{}", x.0);
        }
    }

    #[test]
    fn given_values_win_and_the_others_stay() {
        let own = Credentials::make(&from_system);
        let given = VendorCredentials { twilio_auth_token: Some(Secret::new("given")), ..VendorCredentials::default() };
        let both = own.overridden(&given);
        assert_eq!(both.twilio_auth_token, Secret::new("given"));
        let rest = Credentials { twilio_auth_token: own.twilio_auth_token.clone(), ..both };
        assert_eq!(rest, own);
    }

    #[test]
    fn debug_shows_no_secret() {
        let made = Credentials::make(&from_system);
        let shown = format!("{made:?}");
        for secret in [&made.twilio_api_key_secret, &made.twilio_auth_token, &made.turn_secret] {
            assert!(!shown.contains(secret.reveal()));
        }
    }
}
