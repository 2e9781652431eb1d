//! One changed byte of the file, wherever it is: it is found, or it is a byte that holds nothing.

use super::tests::filled;
use super::*;

/// Everything that the database says: its schema and every row of every table.
fn content(archive: &Archive) -> Vec<String> {
    let connection = &archive.connection;
    let mut said = Vec::new();
    let mut tables = connection.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2").unwrap();
    let mut rows = tables.query([]).unwrap();
    let mut names = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        said.push(format!("{:?} {:?} {:?}", row.get_ref(0), row.get_ref(1), row.get_ref(2)));
        if row.get::<_, String>(0).unwrap() == "table" {
            names.push(row.get::<_, String>(1).unwrap());
        }
    }
    for name in names {
        let mut statement =
            connection.prepare(&format!("SELECT * FROM {name} NOT INDEXED ORDER BY 1")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<String> = (0..columns).map(|i| format!("{:?}", row.get_ref(i).unwrap())).collect();
            said.push(format!("{name} {}", cells.join(" ")));
        }
    }
    said
}

#[test]
fn a_changed_byte_is_found_or_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let archive = filled(folder.path());
    archive.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let whole = content(&archive);
    drop(archive);
    let path = folder.path().join(FILE);
    let sound = std::fs::read(&path).unwrap();
    // Every byte in turn would take minutes; this step visits every page at changing places.
    const STEP: usize = 607;
    let (mut named, mut unused) = (0, 0);
    for at in (0..sound.len()).step_by(STEP) {
        for flip in [0x01, 0x80] {
            let mut bytes = sound.clone();
            bytes[at] ^= flip;
            for beside in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(folder.path().join(format!("{FILE}{beside}")));
            }
            std::fs::write(&path, &bytes).unwrap();
            // What cannot even be opened is told at once.
            let Ok(archive) = Archive::read(folder.path()) else {
                named += 1;
                continue;
            };
            let faults = archive.verify(Depth::Chains).faults;
            if faults.is_empty() {
                assert_eq!(content(&archive), whole, "byte {at} was changed and nothing was said");
                unused += 1;
            } else {
                named += 1;
            }
        }
    }
    // Both ways must have been met, or the test says nothing.
    assert!(named > 20 && unused > 20, "{named} named, {unused} unused");
}
