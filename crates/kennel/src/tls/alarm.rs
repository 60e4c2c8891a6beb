//! The alarm before a certificate ends. Renewal goes on in silence; only its failing should wake somebody.

use super::DAY;

/// How long before the end the alarm begins.
const BEFORE: i64 = 14 * DAY;

/// Rings once a day.
#[derive(Debug, Default)]
pub struct Alarm {
    rung: Option<i64>,
}

impl Alarm {
    /// Logs an error if the certificate ends within 14 days or has ended. Returns whether it did. Times in seconds since 1970 UTC.
    pub fn check(&mut self, what: &str, ends: i64, now: i64) -> bool {
        let recently = self.rung.is_some_and(|rung| (0..DAY).contains(&(now - rung)));
        if ends - now > BEFORE || recently {
            return false;
        }
        self.rung = Some(now);
        let days = (ends - now).div_euclid(DAY);
        if days < 0 {
            tracing::error!("the certificate {what} has ended; browsers refuse it. Renew it.");
        } else {
            tracing::error!(days, "the certificate {what} ends soon and has not been renewed");
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rings_once_a_day_from_14_days_before() {
        let ends = 100 * DAY;
        let mut alarm = Alarm::default();
        let rings: Vec<i64> = (80 * 24..=102 * 24).filter(|hour| alarm.check("of a test", ends, hour * 3600)).collect();
        assert_eq!(rings.first(), Some(&(86 * 24)));
        assert_eq!(rings.len(), 17);
    }

    #[test]
    fn a_renewed_certificate_is_silent() {
        let mut alarm = Alarm::default();
        assert!(alarm.check("of a test", DAY, 0));
        assert!(!alarm.check("of a test", 100 * DAY, 2 * DAY));
    }
}
