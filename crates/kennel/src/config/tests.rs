//! The whole way from files, variables and flags to a configuration.

use super::*;

/// Loads with these flags, variables and files.
fn load(flags: &[(&'static str, &str)], environment: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    let id = |flag: &str| settings::ALL.iter().find(|s| s.flag == Some(flag)).expect("a known flag").id();
    let flags = flags.iter().map(|(flag, text)| (id(flag), vec![(*text).to_owned()])).collect();
    Config::load(flags, environment.iter().map(|(k, v)| (k.into(), v.into())), folder.path())
}

/// Expects exactly one refusal, which holds each of these texts.
fn check_refusal(result: Result<Config, Vec<String>>, expected: &[&str]) {
    let problems = result.expect_err("a refusal");
    assert_eq!(problems.len(), 1, "{problems:?}");
    for text in expected {
        assert!(problems[0].contains(text), "{text:?} is missing in {:?}", problems[0]);
    }
}

#[test]
fn nothing_written_gives_the_defaults() {
    assert_eq!(load(&[], &[], &[]).expect("defaults"), Config::default());
}

#[test]
fn the_defaults_of_the_table_are_the_defaults() {
    let parseable = settings::ALL.iter().filter(|s| s.flag.is_some() && s.shape == settings::Shape::One);
    let skip = ["config", "workers", "acme-directory"];
    let mut written = Vec::new();
    for setting in parseable.filter(|s| !s.default.is_empty() && !skip.contains(&s.flag.unwrap_or_default())) {
        written.push((setting.flag.expect("a flag"), setting.default));
    }
    assert!(written.len() >= 8, "{written:?}");
    assert_eq!(load(&written, &[], &[]).expect("defaults"), Config::default());
}

#[test]
fn the_example_file_is_right_and_says_the_defaults() {
    let example = include_str!("../../../../kennel.example.toml");
    assert_eq!(load(&[], &[], &[("kennel.toml", example)]).expect("the example"), Config::default());

    let all_on: String =
        example.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).fold(String::new(), |text, line| text + line + "\n");
    let config = load(&[], &[], &[("kennel.toml", &all_on)]).expect("the example, switched on");
    assert_eq!(config.room_type_of("Nursery"), RoomType::Go);
    assert!(config.ice.turn_secret.is_some());
    for key in settings::ALL.iter().filter_map(|setting| setting.key) {
        let key = key.rsplit('.').next().unwrap_or(key);
        assert!(all_on.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn everything_can_be_set_by_the_file() {
    let file = r#"
        http = "127.0.0.1:1"
        https = "off"
        media = "127.0.0.1:3"
        workers = 3
        room_spread = 4
        announce = "192.168.1.20"
        data = "/var/lib/kennel"
        open = true
        room_type = "go"
        adhoc_rooms = false
        default_room = "Küche"
        session_timeout = 5
        log = "debug"
        log_format = "json"
        trusted_proxy = ["10.0.0.0/8"]
        host_name = ["Kennel.example"]
        [rooms."Dog Cam"]
        type = "peer-to-peer"
        [rooms."Choir"]
        audio_only = true
        [rooms."Cinema"]
        type = "group-small"
        video_codecs = ["VP9", "h264"]
        [ice]
        stun = ["stun:a:1"]
        turn = ["turn:b:2"]
        turn_secret = "01234567890123456789"
        turn_ttl_s = 60
        [recording]
        folder = "/srv/recordings"
        mix = "mp4"
        encrypt = true
        keep_days = 2
        keep_gigabytes = 3
        [composition]
        share = 30
        keep_days = 4
        keep_gigabytes = 5
    "#;
    let config = load(&[], &[], &[("kennel.toml", file)]).expect("good");
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let expected = Config {
        http: Some(address("127.0.0.1:1")),
        https: None,
        media: Some(address("127.0.0.1:3")),
        workers: 3,
        room_spread: 4,
        announce: Some("192.168.1.20".parse().expect("an address")),
        data: "/var/lib/kennel".into(),
        open: true,
        room_type: RoomType::Go,
        adhoc_rooms: false,
        rooms: [
            room("Dog Cam", RoomType::PeerToPeer, false, &[]),
            room("Choir", RoomType::Group, true, &[]),
            room("Cinema", RoomType::GroupSmall, false, &[VideoCodec::Vp9, VideoCodec::H264]),
        ]
        .into(),
        default_room: "Küche".to_owned(),
        recording: Recording {
            folder: Some("/srv/recordings".into()),
            mix: MixFile::Mp4,
            encrypt: true,
            keep: Rule { age: Some(Duration::from_secs(2 * 86_400)), bytes: Some(3_000_000_000) },
            bucket: None,
        },
        composition: Composition {
            share: 30,
            keep: Rule { age: Some(Duration::from_secs(4 * 86_400)), bytes: Some(5_000_000_000) },
        },
        session_timeout: Duration::from_secs(5),
        log: "debug".to_owned(),
        log_format: LogFormat::Json,
        trusted_proxies: vec!["10.0.0.0/8".parse().expect("a range")],
        host_names: vec!["kennel.example".to_owned()],
        ice: Ice {
            stun: vec!["stun:a:1".to_owned()],
            turn: vec!["turn:b:2".to_owned()],
            turn_secret: Some(Secret::new("01234567890123456789")),
            turn_ttl: Duration::from_secs(60),
        },
        ..Config::default()
    };
    assert_eq!(config, expected);
    assert_eq!(config.room_type_of("Dog Cam"), RoomType::PeerToPeer);
    assert_eq!(config.room_type_of("other"), RoomType::Go);
    assert!(!format!("{config:?}").contains("01234567890123456789"));
}

fn room(name: &str, kind: RoomType, audio_only: bool, codecs: &[VideoCodec]) -> (String, RoomChoice) {
    (name.to_owned(), RoomChoice { kind, audio_only, video_codecs: codecs.to_vec() })
}

#[test]
fn the_original_apps_dot_env_works_as_it_is() {
    let dot_env = "TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef\nTWILIO_API_KEY_SID=SK0123456789abcdef0123456789abcdef\n\
                   TWILIO_API_KEY_SECRET='abcdefghijklmnopqrstuvwxyz012345'\nFLASK_ENV=development\n";
    let config = load(&[], &[], &[(".env", dot_env)]).expect("good");
    assert_eq!(config.vendor.twilio_account_sid.as_deref(), Some("AC0123456789abcdef0123456789abcdef"));
    assert_eq!(config.vendor.twilio_api_key_secret, Some(Secret::new("abcdefghijklmnopqrstuvwxyz012345")));
}

#[test]
fn another_file_can_be_named() {
    let files = [("other.toml", "workers = 7"), ("kennel.toml", "workers = 8")];
    assert_eq!(load(&[("config", "other.toml")], &[], &files).expect("good").workers, 7);
    assert_eq!(load(&[], &[("KENNEL_CONFIG", "other.toml")], &files).expect("good").workers, 7);
    assert_eq!(load(&[], &[], &files).expect("good").workers, 8);
    check_refusal(load(&[("config", "none.toml")], &[], &[]), &["none.toml: there is no such file"]);
}

#[test]
fn short_secrets_are_taken_only_by_developers_on_loopback() {
    let token = [("TWILIO_AUTH_TOKEN", "short")];
    check_refusal(load(&[], &token, &[]), &["TWILIO_AUTH_TOKEN (in the environment)", "at least 20", "--dev"]);
    check_refusal(load(&[("dev", "true")], &token, &[]), &["at least 20"]);
    check_refusal(load(&[("dev", "true"), ("http", "127.0.0.1:0")], &token, &[]), &["at least 20"]);
    let loopback = [("dev", "true"), ("http", "127.0.0.1:0"), ("https", "[::1]:0")];
    assert!(load(&loopback, &token, &[]).is_ok());
    let http_only = [("dev", "true"), ("http", "127.0.0.1:0"), ("https", "off")];
    assert!(load(&http_only, &token, &[]).is_ok());
}

#[test]
fn refusals_say_where_and_what_to_do() {
    check_refusal(load(&[("http", "8080")], &[], &[]), &["--http: '8080'", "0.0.0.0:8090"]);
    check_refusal(load(&[("room-type", "grupe")], &[], &[]), &["--room-type", "'grupe'", "group (50)"]);
    check_refusal(load(&[("room-type", "group"), ("media", "off")], &[], &[]), &["room_type", "media is off"]);
    let small = "[rooms.Den]\ntype = \"group-small\"";
    check_refusal(load(&[("media", "off")], &[], &[("kennel.toml", small)]), &["the room \"Den\"", "media is off"]);
    let file = |text: &str| load(&[], &[], &[("kennel.toml", &format!("[rooms.Den]\n{text}"))]);
    check_refusal(file("type = \"x\""), &["type of room \"Den\" (kennel.toml, line 2)"]);
    check_refusal(file("audio_only = 1"), &["audio_only of room \"Den\" (kennel.toml, line 2): must be true or false"]);
    check_refusal(file("video_codecs = [\"av1\"]"), &["video_codecs of room \"Den\" (kennel.toml, line 2)", "vp8, h264 or vp9"]);
    check_refusal(file("type = \"go\"\naudio_only = true"), &["room \"Den\" (kennel.toml, line 1)", "group or group-small"]);
    check_refusal(load(&[], &[], &[(".env", "\nKENNEL_WORKERS=0")]), &["KENNEL_WORKERS (.env, line 2)", "1 to 256"]);
    check_refusal(load(&[], &[], &[("kennel.toml", "data = \"\"")]), &["data (kennel.toml, line 1)", "empty"]);
}

#[test]
fn contradictions_are_refused() {
    check_refusal(load(&[("http", "off"), ("https", "off")], &[], &[]), &["both off"]);
    check_refusal(load(&[("http", "127.0.0.1:8443")], &[], &[]), &["same address and port"]);
    check_refusal(load(&[("media", "0.0.0.0:8080")], &[], &[]), &["http and media", "8080"]);
    check_refusal(load(&[("cert", "a.pem")], &[], &[]), &["--cert needs --cert-key"]);
    check_refusal(load(&[("cert-key", "a.pem")], &[], &[]), &["--cert-key needs --cert"]);
    let both = [("cert", "a.pem"), ("cert-key", "b.pem"), ("domain", "kennel.example.org")];
    check_refusal(load(&both, &[], &[]), &["Choose one"]);
    check_refusal(load(&[("https", "off"), ("domain", "kennel.example.org")], &[], &[]), &["https is off"]);
    check_refusal(load(&[], &[("KENNEL_TURN", "turn:a:1")], &[]), &["KENNEL_TURN_SECRET"]);
    let lone = [("TWILIO_API_KEY_SID", "SK0123456789abcdef0123456789abcdef")];
    check_refusal(load(&[], &lone, &[]), &["TWILIO_API_KEY_SECRET is not", "both or neither"]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let result = load(&[("http", "x")], &[("KENNEL_X", "1")], &[(".env", "KENNEL_WORKERS=x"), ("kennel.toml", "nope = 1")]);
    assert_eq!(result.expect_err("refusals").len(), 4);
}

#[test]
fn hostile_files_are_refused_and_never_panic() {
    let long = "a".repeat(2 * 1024 * 1024);
    check_refusal(load(&[], &[], &[("kennel.toml", &long)]), &["larger than"]);
    for text in ["[[rooms]]", "[rooms]\na=1", "rooms.a.type=1", "ice=[]", "=", "\u{0}", "http=[1]", "[ice.stun]\nx=1", "http.x=1"]
    {
        assert!(load(&[], &[], &[("kennel.toml", text)]).is_err(), "{text:?}");
    }
}

#[test]
fn a_bucket_is_named_here_and_its_key_here_or_as_other_programs_have_it() {
    let with = |file: &str, environment: &[(&str, &str)]| {
        let text = format!("[recording]\nbucket = \"s3://den/a/b/\"\n{file}");
        load(&[], environment, &[("kennel.toml", &text)]).map(|config| config.recording.bucket.expect("one"))
    };
    let theirs = [("AWS_ACCESS_KEY_ID", "ann"), ("AWS_SECRET_ACCESS_KEY", "short"), ("AWS_REGION", "eu-1")];
    let bucket = with("", &theirs).expect("good");
    assert_eq!((bucket.name.as_str(), bucket.prefix.as_str(), bucket.region.as_str()), ("den", "a/b/", "eu-1"));
    assert_eq!((bucket.endpoint, bucket.path_style, bucket.access_key.as_str()), (None, false, "ann"));
    let ours = "endpoint = \"http://192.168.1.9:9000/\"\naccess_key = \"bob\"\nsecret_key = \"own\"";
    let bucket = with(ours, &theirs).expect("good");
    assert_eq!((bucket.endpoint.as_deref(), bucket.path_style), (Some("http://192.168.1.9:9000"), true));
    assert_eq!((bucket.access_key.as_str(), bucket.secret_key.reveal()), ("bob", "own"));
    assert!(!format!("{bucket:?}").contains("own"));
    let ends = [theirs[0], theirs[1], ("AWS_SESSION_TOKEN", "ends")];
    let token = |file: &str| with(file, &ends).expect("good").session_token.map(|token| token.reveal().to_owned());
    assert_eq!((token("").as_deref(), token(ours)), (Some("ends"), None), "what belongs to another key is not taken");
    check_refusal(with("access_key = \"bob\"", &theirs).map(|_| Config::default()), &["recording.bucket needs a key"]);
    assert_eq!(load(&[], &theirs, &[]).expect("good").recording.bucket, None, "they are for others");
    check_refusal(with("", &[]).map(|_| Config::default()), &["recording.bucket needs a key"]);
    check_refusal(with("secret_key_file = \"/not/there\"", &theirs).map(|_| Config::default()), &["/not/there"]);
    let off = with("", &[theirs[0], theirs[1], ("KENNEL_DATABASE", "off")]);
    check_refusal(off.map(|_| Config::default()), &["needs the history"]);
    for text in ["den", "s3://", "s3://Den", "s3://de", "s3://den/../x", "s3://den//x", "s3://den/a b", "http://den"] {
        assert!(super::parse::bucket(text).is_err(), "{text}");
    }
}

#[test]
fn the_reference_page_lists_every_setting() {
    let page = include_str!("../../../../docs/ref/config.md");
    for setting in settings::ALL {
        let names = [setting.flag.map(|flag| format!("`--{flag}`")), Some(format!("`{}`", setting.env))];
        let key = setting.key.map(|key| format!("`{}`", key.rsplit('.').next().unwrap_or(key)));
        for name in names.into_iter().flatten().chain(key) {
            assert!(page.contains(&name), "docs/ref/config.md says nothing of {name}");
        }
        assert!(page.contains(setting.default), "docs/ref/config.md lacks the default of {}: {}", setting.env, setting.default);
    }
}
