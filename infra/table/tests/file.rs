//! The files of a table on a disk that others use, too.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at the first surprise")]

use std::collections::BTreeMap;
use std::fs::{OpenOptions, Permissions, read_dir, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use embedded_table::{EmbeddedTable, EmbeddedTableError};

fn modes(folder: &Path) -> BTreeMap<String, u32> {
    let entries = read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            (entry.file_name().into_string().unwrap(), mode)
        })
        .collect()
}

fn owner_only() -> BTreeMap<String, u32> {
    ["table.db", "table.db-shm", "table.db-wal"]
        .map(|name| (name.to_owned(), 0o600))
        .into()
}

#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let table = EmbeddedTable::file(&folder.path().join("table.db"))
        .await
        .unwrap();
    assert_eq!(modes(folder.path()), owner_only());
    table.shutdown().await.unwrap();
}

#[tokio::test]
async fn files_that_were_open_to_others_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.db");
    EmbeddedTable::file(&path)
        .await
        .unwrap()
        .shutdown()
        .await
        .unwrap();
    for name in owner_only().keys() {
        let file = folder.path().join(name);
        // A clean end leaves the table's own file alone; a crash leaves those beside it, too.
        OpenOptions::new().append(true).create(true).open(&file).unwrap();
        set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    }
    let table = EmbeddedTable::file(&path).await.unwrap();
    assert_eq!(modes(folder.path()), owner_only());
    table.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_had_is_named() {
    let refused = EmbeddedTable::file(Path::new("/dev/null/table.db"))
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, EmbeddedTableError::File { .. }), "{refused:?}");
    assert!(refused.to_string().contains("/dev/null/table.db"), "{refused}");
}
