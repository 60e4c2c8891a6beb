//! What a token was made for: a link, or one session of it. Tokens carry it in `grants.kennel.key`, participants as their origin, so
//! that withdrawing either ends all that was joined by it.

/// Between the two ids, which are hexadecimal.
const BETWEEN: char = '.';

/// `LINK` or `LINK.SESSION`.
pub fn write(link: &str, session: Option<&str>) -> String {
    session.map_or_else(|| link.to_owned(), |session| format!("{link}{BETWEEN}{session}"))
}

/// The ids of the link and of the session.
pub fn read(origin: &str) -> (&str, Option<&str>) {
    origin.split_once(BETWEEN).map_or((origin, None), |(link, session)| (link, Some(session)))
}

/// Whether all from `origin` ends when `withdrawn` does: it is the same, or a session of that link.
pub fn ends_with(origin: &str, withdrawn: &str) -> bool {
    origin == withdrawn || read(origin).0 == withdrawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_takes_its_sessions_along_and_a_session_itself() {
        let (link, phone, laptop) = (write("1a", None), write("1a", Some("2b")), write("1a", Some("3c")));
        assert_eq!((read(&link), read(&phone)), (("1a", None), ("1a", Some("2b"))));
        assert!(ends_with(&link, &link) && ends_with(&phone, &link) && ends_with(&phone, &phone));
        assert!(!ends_with(&link, &phone) && !ends_with(&laptop, &phone) && !ends_with(&phone, "1") && !ends_with(&phone, "2b"));
    }
}
