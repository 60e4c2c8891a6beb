//! Which part of a file a request wants (RFC 9110, section 14).

/// The part to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// From this byte on, so many.
    Some {
        /// The first byte.
        from: u64,
        /// At least 1.
        count: u64,
    },
    /// There is no such part.
    Beyond,
}

/// The part that a `Range` header wants of a file of so many bytes. What is no range of bytes is passed over, and so are several at once:
/// section 14.2 allows to answer either with the whole.
#[must_use]
pub fn wanted(header: Option<&str>, bytes: u64) -> Part {
    let range = header.and_then(|text| text.trim().strip_prefix("bytes=")).and_then(|set| set.split_once('-'));
    let Some((first, last)) = range else { return Part::Whole };
    match (number(first), number(last)) {
        (Some(Some(from)), Some(None)) => part(from, bytes, bytes),
        (Some(Some(from)), Some(Some(to))) if from <= to => part(from, to.saturating_add(1), bytes),
        (Some(None), Some(Some(tail))) if tail > 0 => part(bytes.saturating_sub(tail), bytes, bytes),
        (Some(None), Some(Some(_))) => Part::Beyond,
        _ => Part::Whole,
    }
}

fn part(from: u64, beyond: u64, bytes: u64) -> Part {
    match beyond.min(bytes).checked_sub(from) {
        None | Some(0) => Part::Beyond,
        Some(count) => Part::Some { from, count },
    }
}

/// Nothing, or a number that fits; else none.
fn number(text: &str) -> Option<Option<u64>> {
    match text.trim() {
        "" => Some(None),
        text if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Some),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let check = |header: &str, expected: Part| assert_eq!(wanted(Some(header), 100), expected, "{header}");
        let some = |from, count| Part::Some { from, count };
        check("bytes=0-", some(0, 100));
        check("bytes=10-19", some(10, 10));
        check(" bytes=10-1000 ", some(10, 90));
        check("bytes=99-99", some(99, 1));
        check("bytes=-5", some(95, 5));
        check("bytes=-500", some(0, 100));
        check("bytes=100-", Part::Beyond);
        check("bytes=100-200", Part::Beyond);
        check("bytes=-0", Part::Beyond);
        check("bytes=0-18446744073709551615", some(0, 100));
        for odd in ["bytes=5-4", "bytes=-", "bytes=", "bytes=a-b", "bytes=0-1,3-4", "bytes=+1-2", "lines=1-2", "", "bytes=1"] {
            check(odd, Part::Whole);
        }
        assert_eq!(wanted(None, 100), Part::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Part::Beyond);
    }
}
