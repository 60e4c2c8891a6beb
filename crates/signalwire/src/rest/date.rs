//! Dates as this API writes and reads them: RFC 3339 to the second, UTC.

use crate::limit::MILLISECONDS_ABOVE;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// A moment in milliseconds since 1970 UTC, to the second below.
pub(super) fn write(ms: u64) -> String {
    let second = i64::try_from(ms / 1000).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    second.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

/// A date-time with an offset, or a date, which means its first moment in UTC; as milliseconds since 1970 UTC. What is before 1970
/// counts as 1970; what is after the year 9999 there is none.
pub(super) fn parse(text: &str) -> Option<u64> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]")).ok().map(|day| day.midnight().assume_utc());
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(day)?;
    Some(u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)).filter(|ms| !write(*ms).is_empty())
}

/// A number of seconds since 1970 UTC, or of milliseconds if it is above [`MILLISECONDS_ABOVE`], as tokens' times are read; as milliseconds.
/// After the year 9999 there is none.
pub(super) fn of_number(number: u64) -> Option<u64> {
    let ms = if number > MILLISECONDS_ABOVE { number } else { number.checked_mul(1000)? };
    Some(ms).filter(|ms| !write(*ms).is_empty())
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_read_and_written() {
        let check = |text: &str, ms: Option<u64>| assert_eq!(super::parse(text), ms, "{text}");
        check("2022-01-01T23:59:59.5Z", Some(1_641_081_599_500));
        check("1970-01-02", Some(86_400_000));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("1969-12-31", Some(0));
        check("2022-02-30", None);
        check("9999-12-31T23:59:59-23:59", None);
        check("soon", None);
        check("", None);
        let check = |number: u64, ms: Option<u64>| assert_eq!(super::of_number(number), ms, "{number}");
        check(1_641_081_599, Some(1_641_081_599_000));
        check(1_641_081_599_500, Some(1_641_081_599_500));
        check(253_402_300_799_999, Some(253_402_300_799_999));
        check(253_402_300_800_000, None);
        check(u64::MAX, None);
        assert_eq!(super::write(86_400_500), "1970-01-02T00:00:00Z");
    }
}
