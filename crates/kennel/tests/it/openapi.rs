//! `docs/ref/openapi.yaml` has every route of our own that the program has, with its methods, and no more.

use std::collections::BTreeSet;

const ROUTES: &str = include_str!("../../src/web/mod.rs");
const DESCRIBED: &str = include_str!("../../../../docs/ref/openapi.yaml");

/// What is no call of ours: pages and what they are made of, paths that answer that there is nothing, and the vendors' APIs.
fn is_left_out(path: &str) -> bool {
    ["/", "/dogcam", "/room", "/guest", "/links", "/recordings"].contains(&path)
        || path.contains("{*")
        || path.starts_with("/v1/")
        || path.starts_with("/api/video/")
}

/// `METHOD path` of every `.route("path", get(…).post(…))` that names its path.
fn routes() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in ROUTES.split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').expect("a path");
        let handlers = rest.lines().next().unwrap_or_default();
        for method in ["get", "post", "put", "delete"] {
            let named = handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(").{method}("));
            if named && !is_left_out(path) {
                found.insert(format!("{method} {path}"));
            }
        }
    }
    found
}

fn described() -> BTreeSet<String> {
    let paths = DESCRIBED.split("\npaths:\n").nth(1).expect("paths").split("\ncomponents:\n").next().unwrap_or_default();
    let (mut found, mut path) = (BTreeSet::new(), "");
    for line in paths.lines() {
        if let Some(name) = line.strip_prefix("  /").and_then(|rest| rest.strip_suffix(':')) {
            path = name;
        } else if let Some(method) =
            line.strip_prefix("    ").filter(|rest| !rest.starts_with(' ')).and_then(|rest| rest.strip_suffix(':'))
            && method != "parameters"
        {
            found.insert(format!("{method} /{path}"));
        }
    }
    found
}

#[test]
fn every_route_is_described_and_no_other() {
    let (routes, described) = (routes(), described());
    assert!(routes.len() > 20, "{routes:?}");
    let missing: Vec<_> = routes.difference(&described).collect();
    let invented: Vec<_> = described.difference(&routes).collect();
    assert!(missing.is_empty() && invented.is_empty(), "not described: {missing:?}; no route: {invented:?}");
}
