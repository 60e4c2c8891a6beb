//! The contract, on PostgreSQL: a real server of this machine. Plain `cargo test` needs no database and leaves these out;
//! `scripts/test` runs them, and they fail where PostgreSQL is missing.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod proxy;
mod server;
#[path = "../suite/mod.rs"]
mod suite;

use std::time::Duration;

use proxy::{Cut, Proxy};
use server::Server;
use store::{Postgres, Problem, Store};
use suite::rows::*;

macro_rules! on_postgres {
    ($($script:ident)*) => {
        #[tokio::test]
        #[ignore = "needs PostgreSQL; scripts/test runs it"]
        async fn every_script() {
            let mut server = Server::start(&[]);
            $({
                println!("{}", stringify!($script));
                let store = Postgres::connect(&server.fresh().await).await.unwrap();
                suite::scripts::$script(&store).await;
                assert_eq!(store.check().await.unwrap(), [""; 0]);
            })*
        }
    };
}

for_each_script!(on_postgres);

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn random_histories() {
    let server = Server::start(&[]);
    let store = Postgres::connect(&server.url()).await.unwrap();
    suite::random::answers_like_the_model(&store, &mut suite::random::Dice::seeded(), 150).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    let server = Server::start(&[]);
    let proxy = Proxy::start(server.socket()).await;
    let store = Postgres::connect(&format!("postgres://kennel:secret@127.0.0.1:{}/postgres", proxy.port)).await.unwrap();
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    for (sequence, cut) in [Cut::AfterCommit, Cut::BeforeCommit].into_iter().cycle().take(6).enumerate() {
        proxy.cut(cut);
        store.write(vec![happened(event(1, &format!("event {sequence}"), 1))]).await.unwrap();
        assert!(proxy.has_cut());
        let events = store.events(ACCOUNT, Some(1), first(9)).await.unwrap().rows;
        assert_eq!(events.len(), sequence + 1, "{events:?}");
        assert_eq!((events[0].sequence, events[0].name.clone()), (sequence as u64, format!("event {sequence}")));
    }
}

/// Nobody is answered before the outcome is known; only the end of the program ends the wait.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn a_lost_answer_is_waited_for() {
    let server = Server::start(&[]);
    let proxy = Proxy::start(server.socket()).await;
    let store = Postgres::connect(&format!("postgres://kennel:secret@127.0.0.1:{}/postgres", proxy.port)).await.unwrap();
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    for cut in [Cut::AfterCommit, Cut::BeforeCommit] {
        proxy.cut(cut);
        proxy.block(true);
        let mut write = store.write(vec![happened(event(1, "e", 1))]);
        let early = tokio::time::timeout(Duration::from_millis(700), &mut write).await;
        assert!(early.is_err() && proxy.has_cut(), "{early:?}");
        proxy.block(false);
        write.await.unwrap();
    }
    assert_eq!(store.events(ACCOUNT, Some(1), first(9)).await.unwrap().rows.len(), 2);

    proxy.cut(Cut::AfterCommit);
    proxy.block(true);
    let endless = tokio::time::timeout(Duration::from_millis(700), store.write(vec![happened(event(1, "e", 1))])).await;
    assert!(endless.is_err());
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn a_server_that_crashed_is_found_again() {
    let mut server = Server::start(&[]);
    let store = Postgres::connect(&server.url()).await.unwrap();
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    for round in 0..3_u64 {
        server.crash();
        let refused = store.write(vec![happened(event(1, "lost", 1))]).await;
        assert!(matches!(refused, Err(Problem::Unavailable(_))), "{refused:?}");
        assert!(matches!(store.setting("k").await, Err(Problem::Unavailable(_))));
        server.resume();
        store.write(vec![happened(event(1, "kept", 1))]).await.unwrap();
        let events = store.events(ACCOUNT, None, first(9)).await.unwrap().rows;
        assert!(events.iter().all(|event| event.name == "kept"), "{events:?}");
        assert_eq!(events.len() as u64, round + 1);
    }
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

/// The server kills connections at any moment; what is acknowledged is there, and everything at most once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn connections_that_are_killed_lose_nothing() {
    let server = Server::start(&[]);
    let store = Postgres::connect(&server.url()).await.unwrap();
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kennel'";
    let writing = async {
        let mut acknowledged = Vec::new();
        for number in 0..400 {
            let name = format!("event {number}");
            match store.write(vec![happened(event(1, &name, 1)), happened(event(1, "second", 1))]).await {
                Ok(()) => acknowledged.push(name),
                Err(problem) => assert!(matches!(problem, Problem::Unavailable(_)), "{problem}"),
            }
        }
        acknowledged
    };
    let killing = async {
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            server.ask(kill).await;
        }
    };
    let (acknowledged, ()) = tokio::join!(writing, killing);
    let mut events = store.events(ACCOUNT, Some(1), first(1_000)).await.unwrap().rows;
    assert_eq!(events.len() % 2, 0, "half a batch");
    events.retain(|event| event.name != "second");
    let mut names: Vec<_> = events.into_iter().map(|event| event.name).collect();
    for name in &acknowledged {
        assert!(names.contains(name), "{name} was acknowledged and is lost");
    }
    names.sort();
    names.dedup();
    let all = store.events(ACCOUNT, Some(1), first(1_000)).await.unwrap().rows.len();
    assert_eq!(names.len() * 2, all, "a batch was written twice");
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn one_program_writes_and_others_may_look() {
    let mut server = Server::start(&[]);
    let (url, other) = (server.fresh().await, server.fresh().await);
    assert!(Postgres::look(&url).await.unwrap().is_none());
    let store = Postgres::connect(&url).await.unwrap();
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    match Postgres::connect(&url).await.map(drop) {
        Err(Problem::Unavailable(why)) => assert!(why.contains("another Kennel"), "{why}"),
        other => panic!("{other:?}"),
    }
    drop(Postgres::connect(&other).await.unwrap());
    let looking = Postgres::look(&url).await.unwrap().unwrap();
    assert_eq!(looking.check().await.unwrap(), [""; 0]);
    assert!(looking.write(vec![ended(1, 2)]).await.is_err());
    store.write(vec![ended(1, 2)]).await.unwrap();

    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
    drop(Postgres::connect(&url).await.unwrap());
}

/// As the first release left them.
#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn tables_of_an_older_program_go_on() {
    let server = Server::start(&[]);
    let url = server.url();
    let store = Postgres::connect(&url).await.unwrap();
    store.write(vec![began(room(7, "a", 1))]).await.unwrap();
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
    server
        .ask(
            "DROP TABLE stored; DROP TABLE compositions; DROP TABLE composition_hooks; DROP TABLE recordings;
             UPDATE kennel_schema SET steps = 1",
        )
        .await;
    assert_eq!(Postgres::look(&url).await.unwrap().unwrap().check().await.unwrap(), [""; 0]);
    let store = Postgres::connect(&url).await.unwrap();
    store.write(vec![recorded(mix(40, 7, "a", 2))]).await.unwrap();
    assert_eq!(store.recording(ACCOUNT, 40).await.unwrap(), Some(mix(40, 7, "a", 2)));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
    tokio::task::spawn_blocking(move || drop(store)).await.unwrap();
    server
        .ask("DROP TABLE stored; DROP TABLE compositions; DROP TABLE composition_hooks; UPDATE kennel_schema SET steps = 2")
        .await;
    let older = Postgres::look(&url).await.unwrap().unwrap();
    assert_eq!((older.check().await.unwrap(), older.stored().await.unwrap()), (vec![], vec![]));
    tokio::task::spawn_blocking(move || drop(older)).await.unwrap();
    let store = Postgres::connect(&url).await.unwrap();
    store.write(vec![composed(composition(41, 7, "a", 3)), hooked(hook(42, "a", 4))]).await.unwrap();
    assert_eq!(store.composition(ACCOUNT, 41).await.unwrap(), Some(composition(41, 7, "a", 3)));
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn tables_of_a_newer_program_are_left_alone() {
    let server = Server::start(&[]);
    let url = server.url();
    drop(Postgres::connect(&url).await.unwrap());
    server.ask("UPDATE kennel_schema SET steps = 99").await;
    match Postgres::connect(&url).await.map(drop) {
        Err(Problem::Unusable(why)) => assert!(why.contains("newer Kennel"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL; scripts/test runs it"]
async fn the_way_is_encrypted_to_a_server_that_proves_itself() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let server = Server::start_with_tls(&made.signing_key.serialize_pem(), &made.cert.pem());
    let roots = server.folder().join("server.crt");
    let url = format!("postgres://kennel:secret@localhost:{}/postgres?sslmode=require", server.port());
    let strange = Postgres::connect(&url).await.map(drop).unwrap_err();
    assert!(matches!(&strange, Problem::Unavailable(why) if why.contains("certificate")), "{strange}");
    let other_name = url.replace("localhost", "127.0.0.1") + &format!("&sslrootcert={}", roots.display());
    let strange = Postgres::connect(&other_name).await.map(drop).unwrap_err();
    assert!(matches!(&strange, Problem::Unavailable(why) if why.contains("certificate")), "{strange}");

    let store = Postgres::connect(&format!("{url}&sslrootcert={}", roots.display())).await.unwrap();
    store.write(vec![began(room(1, "a", 1))]).await.unwrap();
    let ways = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'kennel'";
    let answer = server.ask(ways).await;
    let row = answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    assert_eq!(row, Some("t"));
}
