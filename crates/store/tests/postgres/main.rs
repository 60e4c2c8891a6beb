//! The contract, on PostgreSQL: a real server of this machine. Plain `cargo test` needs no database and leaves these out;
//! `scripts/test` runs them, and they fail where PostgreSQL is missing.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod server;
#[path = "../suite/mod.rs"]
mod suite;

use server::Server;
use store::{Postgres, Store};

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
    let mut server = Server::start(&[]);
    let store = Postgres::connect(&server.fresh().await).await.unwrap();
    suite::random::answers_like_the_model(&store, &mut suite::random::Dice::seeded(), 150).await;
}
