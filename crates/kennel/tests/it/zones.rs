//! The two zones of the security rules (checks T17 to T22).

use axum::http::StatusCode;
use serde_json::json;

use crate::stage::{Ask, HOST, Stage, ask, check_refusal, get, post};

const FOREIGN: &str = "https://evil.example";

fn basic(stage: &Stage) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let own = stage.app.store.credentials();
    let pair = format!("{}:{}", own.twilio_account_sid, own.twilio_auth_token.reveal());
    format!("Basic {}", STANDARD.encode(pair))
}

fn changes() -> Vec<Ask> {
    vec![
        post("/kennel/v1/session", json!({"key":"x"})),
        post("/kennel/v1/token", json!({})),
        post("/kennel/v1/keys", json!({})),
        post("/kennel/v1/qr", json!({})),
        post("/login", json!({"camera_name":"K"})),
        post("/kennel/v1/keys/x", json!({})).method("DELETE"),
        post("/kennel/v1/rooms/x", json!({"type":"go"})).method("PUT"),
        post("/kennel/v1/rooms/x", json!({})).method("DELETE"),
        post("/kennel/v1/rooms/x/block", json!({"member":"x"})),
        get("/kennel/v1/live")
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("origin", &format!("https://{HOST}")),
    ]
}

#[tokio::test]
async fn t17_a_foreign_origin_changes_nothing_even_with_the_cookie() {
    let stage = Stage::new();
    let cookie = stage.sign_in(&stage.owner_key()).await;
    for change in changes() {
        let with_cookie = change.cookie(&cookie);
        for (name, value) in [
            ("origin", FOREIGN),
            ("origin", "null"),
            ("origin", "https://192.168.1.20:8444"),
            ("origin", "http://192.168.1.20:8443"),
            ("origin", ""),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "none"),
        ] {
            let answer = stage.ask(with_cookie.clone().header(name, value)).await;
            check_refusal(&answer, StatusCode::FORBIDDEN, "origin_refused");
        }
    }
}

#[tokio::test]
async fn t17_the_own_origin_passes() {
    let stage = Stage::new();
    let cookie = stage.sign_in(&stage.owner_key()).await;
    let qr = post("/kennel/v1/qr", json!({"text":"hello"})).cookie(&cookie);
    assert_eq!(stage.ask(qr.clone()).await.status, 200);
    assert_eq!(stage.ask(qr.clone().header("sec-fetch-site", "same-origin")).await.status, 200);
    let spelled = qr.header("host", "KENNEL.local:443").header("origin", "https://kennel.local");
    assert_eq!(stage.ask(spelled).await.status, 200, "the default port and capitals do not matter");
}

#[tokio::test]
async fn a_remembered_basic_password_does_not_stand_for_an_origin() {
    let stage = Stage::new();
    let cookie = stage.sign_in(&stage.owner_key()).await;
    let change = post("/kennel/v1/qr", json!({"text":"x"})).cookie(&cookie).header("origin", FOREIGN);
    let answer = stage.ask(change.header("authorization", &basic(&stage))).await;
    check_refusal(&answer, StatusCode::FORBIDDEN, "origin_refused");
}

#[tokio::test]
async fn a_script_with_a_key_needs_no_origin() {
    let stage = Stage::new();
    let qr = post("/kennel/v1/qr", json!({"text":"x"})).header("origin", "");
    assert_eq!(stage.ask(qr.bearer(&stage.owner_key())).await.status, 200);
}

#[tokio::test]
async fn t18_pages_answer_to_their_own_names_only() {
    let stage = Stage::new();
    for (host, status) in [
        ("192.168.1.20:8443", 200),
        ("[fd00::1]:8443", 200),
        ("localhost:8443", 200),
        ("kennel.local", 200),
        ("evil.example", 421),
        ("192.168.1.20.evil.example", 421),
        ("localhost.evil.example", 421),
        ("kennel.local.", 421),
    ] {
        assert_eq!(stage.ask(get("/").header("host", host)).await.status, status, "{host}");
        assert_eq!(stage.ask(get("/kennel/v1/server").header("host", host)).await.status, status, "{host}");
    }
    assert_eq!(stage.ask(get("/").header("host", "")).await.status, 400);
}

#[tokio::test]
async fn t18_the_vendors_zone_answers_to_any_name() {
    let stage = Stage::new();
    let rooms = get("/v1/Rooms").header("host", "video.twilio.com").header("authorization", &basic(&stage));
    let answer = stage.ask(rooms.clone()).await;
    assert_eq!((answer.status, &answer.json()["code"]), (404, &json!(20404)), "known, and nothing there yet");
    assert_eq!(stage.ask(rooms.header("authorization", "")).await.status, 401);
}

#[tokio::test]
async fn t19_a_cookie_means_nothing_in_the_vendors_zone() {
    let stage = Stage::new();
    let cookie = stage.sign_in(&stage.owner_key()).await;
    let answer = stage.ask(get("/v1/Rooms").cookie(&cookie)).await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn t20_preflight() {
    let stage = Stage::new();
    let preflight = |path| ask("OPTIONS", path).header("origin", FOREIGN).header("access-control-request-method", "POST");
    let vendor = stage.ask(preflight("/v1/Rooms")).await;
    assert_eq!(vendor.status, 204);
    assert_eq!(vendor.header("access-control-allow-origin"), "*");
    assert_eq!(vendor.header("access-control-allow-headers"), "Authorization, Content-Type, Accept, X-Twilio-Client");
    assert_eq!(vendor.header("access-control-allow-methods"), "GET, POST, PUT, PATCH, DELETE");
    assert_eq!(vendor.header("access-control-max-age"), "600");
    assert_eq!(vendor.header("access-control-allow-credentials"), "");
    for path in ["/", "/kennel/v1/keys", "/login", "/api/token"] {
        let own = stage.ask(preflight(path)).await;
        assert_eq!(own.status, 405, "{path}");
        assert!(own.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{path}");
    }
}

#[tokio::test]
async fn t20_no_answer_of_our_own_zone_opens_it_to_others() {
    let stage = Stage::new();
    for path in ["/", "/kennel/v1/server", "/kennel/v1/session", "/nowhere", "/kennel/ca.crt", "/assets/index-AbC_12.js"] {
        let answer = stage.ask(get(path).header("origin", FOREIGN)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
    }
    for path in ["/sdk/kennel-websocket-shim.js", "/healthz"] {
        let answer = stage.ask(get(path).header("origin", FOREIGN)).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin", "{path}");
    }
}

#[tokio::test]
async fn t21_a_basic_challenge_for_scripts_only() {
    let stage = Stage::new();
    let answer = stage.ask(get("/v1/Rooms")).await;
    assert_eq!(answer.header("www-authenticate"), "Basic realm=\"Kennel\", charset=\"UTF-8\"");
    for header in ["origin", "sec-fetch-site", "sec-fetch-mode"] {
        let answer = stage.ask(get("/v1/Rooms").header(header, "x")).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, ""), "{header}");
    }
    let own = stage.ask(get("/kennel/v1/session")).await;
    assert_eq!((own.status, own.header("www-authenticate")), (401, ""));
}

#[tokio::test]
async fn t22_every_page_has_its_policy() {
    let stage = Stage::new();
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; \
                  connect-src 'self' wss://192.168.1.20:8443; worker-src 'self'; font-src 'self'; manifest-src 'self'; \
                  base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
    for path in ["/", "/dogcam", "/links", "/nowhere", "/icon.svg"] {
        let answer = stage.ask(get(path)).await;
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert!(answer.header("permissions-policy").starts_with("camera=(self), microphone=(self)"));
        assert_eq!(answer.header("strict-transport-security"), "", "it would lock people out of a self-made certificate");
    }
    let door = stage.ask(get("/").plain("192.168.1.20:8080")).await;
    let policy = door.header("content-security-policy");
    assert!(policy.contains("connect-src 'self' ws://192.168.1.20:8080 https://192.168.1.20:8443;"), "{policy}");
}

#[tokio::test]
async fn strict_transport_with_a_public_certificate_only() {
    let stage = Stage::with(|site| site.public_certificate = true);
    assert_eq!(stage.ask(get("/")).await.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(stage.ask(get("/").plain("localhost")).await.header("strict-transport-security"), "");
}

#[tokio::test]
async fn plain_http_from_the_internet_gets_a_warning_and_no_login() {
    let stage = Stage::new();
    let public = |ask: Ask| ask.plain("192.168.1.20:8080").from("203.0.113.9");
    let page = stage.ask(public(get("/"))).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("not encrypted") && page.text.contains("https://192.168.1.20:8443/"), "{}", page.text);
    let login = stage.ask(public(post("/kennel/v1/session", json!({"key": stage.owner_key()})))).await;
    check_refusal(&login, StatusCode::FORBIDDEN, "insecure_address");
    assert_eq!(stage.ask(public(get("/kennel/v1/session").bearer(&stage.owner_key()))).await.status, 403);
    assert_eq!(stage.ask(public(get("/healthz"))).await.status, 200);
    assert_eq!(stage.ask(get("/").from("203.0.113.9")).await.status, 200, "by https it is fine");
    let open = Stage::with(|site| site.open = true);
    assert_eq!(open.ask(public(get("/"))).await.status, 200);
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_its_clients() {
    let stage = Stage::with(|site| site.trusted_proxies = vec!["10.0.0.1".parse().expect("an address")]);
    let proxied = |scheme: &str| {
        let ask = get("/kennel/v1/server").plain("kennel.local").from("10.0.0.1");
        ask.header("x-forwarded-for", "203.0.113.9").header("x-forwarded-proto", scheme)
    };
    assert_eq!(stage.ask(proxied("https")).await.json()["secure"], true);
    assert_eq!(stage.ask(proxied("http")).await.json()["secure"], false);
    let liar = proxied("https").from("203.0.113.9");
    assert_eq!(stage.ask(liar).await.status, 403, "an untrusted one does not");
}

#[tokio::test]
async fn the_second_vendors_rest_is_found_with_however_many_slashes() {
    let stage = Stage::new();
    for path in ["/api/video/rooms", "//api/video/rooms", "/api//video//rooms/", "/api/video"] {
        let answer = stage.ask(get(path).header("host", "evil.example")).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, r#"{"error":"Unauthorized"}"#), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
    assert_eq!(stage.ask(get("/api/videos")).await.status, 404);
    assert_eq!(stage.ask(get("//api/token")).await.status, 404, "the slashes of no other path");
}
