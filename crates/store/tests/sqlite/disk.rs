//! A disk that is full: writes are refused, reads go on, and all is well when there is space again.

use std::fs;
use std::path::Path;
use std::process::Command;

use store::{NameOrId, Problem, Sqlite, Store};

use crate::suite::rows::*;

const FOLDER: &str = "STORE_DISK_FOLDER";

/// Kilobytes of the small disk.
const DISK_KB: usize = 1_536;

/// The disk is real and small, in a mount namespace that ends with the child. Without the right to make one, the test next to the code
/// (`sqlite::tests`) says the same with a limit of SQLite's own.
#[test]
fn a_full_disk_refuses_writes_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("mount -t tmpfs -o size={DISK_KB}k none \"$1\" && shift && exec \"$@\"");
    let namespace = if rustix::process::getuid().is_root() { ["--mount"].as_slice() } else { &["--mount", "--map-root-user"] };
    if !Command::new("unshare").args(namespace).arg("true").output().is_ok_and(|made| made.status.success()) {
        eprintln!("no small disk: this machine lets us make no mount namespace");
        return;
    }
    let mut child = Command::new("unshare");
    child.args(namespace).args(["sh", "-c", &script, "sh"]).arg(folder.path()).arg(std::env::current_exe().unwrap());
    child.args(["--exact", "disk::child_on_a_small_disk", "--ignored", "--nocapture"]).env(FOLDER, folder.path());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
#[ignore = "the child of the test above"]
async fn child_on_a_small_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let store = Sqlite::open(folder).unwrap();
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![7; DISK_KB << 9]).unwrap();
    let write = async |id: u128| {
        let row = store::RoomRow { memo: "m".repeat(10_000), ..room(id, &id.to_string(), 1) };
        store.write(vec![began(row), happened(event(id, "e", 1))]).await
    };
    let mut written = 0;
    let refused = loop {
        match write(written).await {
            Ok(()) => written += 1,
            Err(problem) => break problem,
        }
    };
    assert!(matches!(refused, Problem::Unavailable(_)), "{refused}");
    assert!(written > 3, "{written}");
    for id in 0..written {
        assert!(store.room(ACCOUNT, NameOrId::Id(id)).await.unwrap().is_some(), "{id} of {written}");
    }
    assert_eq!(store.room(ACCOUNT, NameOrId::Id(written)).await.unwrap(), None);
    assert!(matches!(write(written).await, Err(Problem::Unavailable(_))), "still full");

    fs::remove_file(ballast).unwrap();
    write(written).await.unwrap();
    assert_eq!(store.check().await.unwrap(), [""; 0]);
}
