//! Dates as the REST API writes and reads them: `YYYY-MM-DDTHH:MM:SSZ`, to the second. With a fraction or an offset the Python library
//! would silently hand its app a string.

const DAY_MS: u64 = 86_400_000;

/// A moment in milliseconds since 1970 UTC, to the second below.
pub(super) fn write(ms: u64) -> String {
    let (year, month, day) = civil(ms / DAY_MS);
    let seconds = ms % DAY_MS / 1000;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The same with milliseconds, as callbacks have it (RFC 3339).
pub(crate) fn write_ms(ms: u64) -> String {
    let mut text = write(ms);
    text.pop();
    format!("{text}.{:03}Z", ms % 1000)
}

/// `YYYY-MM-DD` or an ISO 8601 date-time with `Z` or an offset, as milliseconds since 1970 UTC. What is before 1970 counts as 1970.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, time_ms(time)?),
        None => (text, 0),
    };
    let ms = days(date)?.checked_mul(DAY_MS.try_into().ok()?)?.checked_add(time)?;
    Some(u64::try_from(ms).unwrap_or(0))
}

/// Days from 1970 to a date of the years 0 to 9999, refusing the 31st of June.
fn days(date: &str) -> Option<i64> {
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let from_zero = days_from_civil(year, month, day);
    let back = u64::try_from(from_zero).ok().map(civil);
    let real = (1..=12).contains(&month) && (1..=31).contains(&day);
    let fits = back.is_none_or(|back| back == (year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs()));
    (real && fits).then_some(from_zero)
}

/// Milliseconds of a day, less what its offset is ahead of UTC.
fn time_ms(text: &str) -> Option<i64> {
    let at = text.find(['Z', 'z', '+', '-', ' ']).unwrap_or(text.len());
    let (clock, zone) = text.split_at_checked(at)?;
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [hour, minute, second] = numbers(whole, ':', [2, 2, 2])?;
    let fits = hour < 24 && minute < 60 && second < 61 && (1..=9).contains(&fraction.len());
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    let ms: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok().filter(|_| fits && digits)?;
    Some((hour * 3600 + minute * 60 + second) * 1000 + ms - offset_ms(zone)?)
}

/// A `+` of a query that was not escaped comes as a space.
fn offset_ms(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next() {
        None | Some('Z' | 'z') => return (zone.len() <= 1).then_some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let [hour, minute] = numbers(zone.get(1..)?, ':', [2, 2])?;
    (hour < 24 && minute < 60).then_some(sign * (hour * 60 + minute) * 60_000)
}

/// Numbers of so many digits each with this sign between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(between);
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = super::form::decimal(part)?.into();
    }
    parts.next().is_none().then_some(found)
}

/// Year, month and day of a day since 1970, in the proleptic Gregorian calendar. Years begin in March here, so that the day that comes and
/// goes is the last one; 146,097 days are 400 years.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The reverse.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse(text).map(write_ms).as_deref(), expected, "{text}");
    }

    #[test]
    fn dates_are_read_in_the_forms_that_libraries_write() {
        check("2020-01-01T00:00:00Z", Some("2020-01-01T00:00:00.000Z"));
        check("2020-02-29", Some("2020-02-29T00:00:00.000Z"));
        check("2026-11-21T17:19:42.5Z", Some("2026-11-21T17:19:42.500Z"));
        check("2026-11-21T17:19:42+01:00", Some("2026-11-21T16:19:42.000Z"));
        check("2026-11-21T17:19:42 01:00", Some("2026-11-21T16:19:42.000Z"));
        check("2026-11-21T17:19:42-05:30", Some("2026-11-21T22:49:42.000Z"));
        check("2026-11-21 17:19:42", Some("2026-11-21T17:19:42.000Z"));
        check("1969-07-20", Some("1970-01-01T00:00:00.000Z"));
        check("9999-12-31T23:59:59.999999999Z", Some("9999-12-31T23:59:59.999Z"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2020",
            "2020-13-01",
            "2020-00-01",
            "2021-02-29",
            "2020-06-31",
            "20-01-01",
            "2020-1-1",
            "2020-01-01T",
            "2020-01-01T1:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00Zx",
            "2020-01-01T00:00:00+1",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00.xZ",
            "+020-01-01",
            "2020-01-01-01",
            "2020-01-01T00:00:00.1234567890Z",
            "é020-01-01",
            "2020-01-01T00:00:00é",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_comes_back() {
        for day in (0..2_932_896).step_by(131) {
            let ms = day * DAY_MS + 45_296_789;
            assert_eq!(parse(&write_ms(ms)), Some(ms));
        }
    }
}
