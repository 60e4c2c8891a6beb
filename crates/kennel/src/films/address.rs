//! Where a redirect leads.

/// What a `Location` means on a page of this address (RFC 9110, section 10.2.2; RFC 3986, section 5.2). What is no address on the web is
/// left to whoever goes there.
pub fn follow(from: &str, location: &str) -> String {
    let (scheme, rest) = from.split_once("://").unwrap_or_default();
    let path_at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(path_at);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if location.split_once("://").is_some_and(|(before, _)| is_scheme(before)) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{path}{location}")
    } else {
        let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
        format!("{scheme}://{authority}{folder}{location}")
    }
}

/// Anything may stand in a query: an address too.
fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_redirect_leads() {
        let check = |from: &str, location: &str, expected: &str| assert_eq!(follow(from, location), expected);
        check("https://a.example/b/c.mp4?x=/1", "https://d.example/e", "https://d.example/e");
        check("https://a.example/b/c.mp4?x=/1", "//d.example/e", "https://d.example/e");
        check("http://a.example:81/b/c.mp4", "/e?f", "http://a.example:81/e?f");
        check("http://a.example/b/c.mp4?x=/1", "e.mp4", "http://a.example/b/e.mp4");
        check("https://a.example/b", "/cdn?u=https://x.example/a.mp4", "https://a.example/cdn?u=https://x.example/a.mp4");
        check("https://a.example/b/c", "d?u=https://x.example/", "https://a.example/b/d?u=https://x.example/");
        check("https://a.example/b", "file:///etc/passwd", "file:///etc/passwd");
        check("http://a.example/b/c.mp4?x=/1", "?y", "http://a.example/b/c.mp4?y");
        check("http://a.example", "e.mp4", "http://a.example/e.mp4");
    }
}
