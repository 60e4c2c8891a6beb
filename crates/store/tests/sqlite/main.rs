//! The contract, on SQLite.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod crash;
mod disk;
mod file;
#[path = "../suite/mod.rs"]
mod suite;

use store::{Keeper, Sqlite, Store};

fn open(folder: &tempfile::TempDir) -> Keeper {
    Sqlite::open(folder.path()).expect("a database")
}

macro_rules! on_sqlite {
    ($($script:ident)*) => {$(
        #[tokio::test]
        async fn $script() {
            let folder = tempfile::tempdir().unwrap();
            let store = open(&folder);
            suite::scripts::$script(&store).await;
            assert_eq!(store.check().await.unwrap(), [""; 0]);
        }
    )*};
}

for_each_script!(on_sqlite);

#[tokio::test]
async fn random_histories() {
    let mut dice = suite::random::Dice::seeded();
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        suite::random::answers_like_the_model(&open(&folder), &mut dice, 120).await;
    }
}
