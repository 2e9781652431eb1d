//! The archive of recommendations: append-only, each entry bound to the one before it by its hash.
//!
//! One SQLite file in the output folder. Rows are never changed or deleted (triggers refuse it), and each row's `chain`
//! is the hash of the previous chain and its own content, so that a change by other means is found by [`verify`].

mod nights;
mod recommendations;

use std::path::Path;

use rusqlite::Connection;

pub use nights::KeptNight;
pub use recommendations::{Entry, Recommendation};

/// An open archive.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
}

/// Steps that bring an archive from one version to the next; the version is SQLite's `user_version`.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE recommendations (
        seq INTEGER PRIMARY KEY, experiment TEXT NOT NULL, title TEXT NOT NULL, data_date TEXT NOT NULL,
        run_key TEXT NOT NULL UNIQUE, action TEXT NOT NULL, winner TEXT, rule TEXT NOT NULL,
        results TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX recommendations_by_experiment ON recommendations (experiment, data_date);
    CREATE TRIGGER recommendations_never_change BEFORE UPDATE ON recommendations
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER recommendations_never_go BEFORE DELETE ON recommendations
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
", "
    CREATE TABLE nights (
        seq INTEGER PRIMARY KEY, experiment TEXT NOT NULL, data_date TEXT NOT NULL, run_key TEXT NOT NULL UNIQUE,
        content TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX nights_by_experiment ON nights (experiment, data_date, seq);
    CREATE TRIGGER nights_never_change BEFORE UPDATE ON nights
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
    CREATE TRIGGER nights_never_go BEFORE DELETE ON nights
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;
", super::outbox::TABLES];

/// The hash of parts that cannot be moved from one to the next.
pub(in crate::deliver) fn bound(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

impl Archive {
    /// Opens the archive of an output folder, making or migrating it as needed.
    pub fn open(out: &Path) -> rusqlite::Result<Archive> {
        let mut connection = Connection::open(out.join("archive.sqlite"))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        for (next, migration) in (1_i64..).zip(MIGRATIONS).filter(|(next, _)| *next > version) {
            let step = connection.transaction()?;
            step.execute_batch(migration)?;
            step.pragma_update(None, "user_version", next)?;
            step.commit()?;
        }
        Ok(Archive { connection })
    }

    /// The connection, for what else the deliverers keep in this file.
    pub(in crate::deliver) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// As [`Archive::connection`], to begin transactions.
    pub(in crate::deliver) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some<'a>(run_key: &'a str, action: &'a str) -> Recommendation<'a> {
        Recommendation {
            experiment: "arppu",
            title: "ARPPU",
            data_date: "2026-01-02",
            run_key,
            action,
            winner: None,
            rule: "not-enough-data",
            results: "00",
        }
    }

    #[test]
    fn a_repeat_adds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(folder.path()).unwrap();
        assert_eq!(archive.append(&[some("k1", "continue"), some("k2", "ship")]).unwrap(), 2);
        assert_eq!(archive.append(&[some("k1", "continue")]).unwrap(), 0);
        assert_eq!(archive.list().unwrap().len(), 2);
        assert_eq!(archive.verify().unwrap(), None);
    }

    #[test]
    fn rows_refuse_to_change_and_a_change_by_force_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(folder.path()).unwrap();
        archive.append(&[some("k1", "continue"), some("k2", "keep")]).unwrap();
        assert!(archive.connection.execute("UPDATE recommendations SET action = 'ship'", []).is_err());
        assert!(archive.connection.execute("DELETE FROM recommendations", []).is_err());
        archive
            .connection
            .execute_batch(
                "DROP TRIGGER recommendations_never_change;
                 UPDATE recommendations SET action = 'ship' WHERE seq = 1;",
            )
            .unwrap();
        assert_eq!(archive.verify().unwrap(), Some(1));
    }

    #[test]
    fn the_last_run_of_a_date_is_its_night_and_a_changed_night_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Archive::open(folder.path()).unwrap();
        let night = |date: &str, key: &str, content: &str| KeptNight {
            experiment: "arppu".into(),
            data_date: date.into(),
            run_key: key.into(),
            content: content.into(),
        };
        archive.keep_nights(&[night("2026-01-02", "k1", "a"), night("2026-01-01", "k0", "b")]).unwrap();
        archive.keep_nights(&[night("2026-01-02", "k1", "a"), night("2026-01-02", "k2", "c")]).unwrap();
        let contents = |before: &str| -> Vec<String> {
            archive.nights("arppu", before).unwrap().into_iter().map(|night| night.content).collect()
        };
        assert_eq!(contents("2026-01-03"), ["b", "c"]);
        assert_eq!(contents("2026-01-02"), ["b"]);
        assert_eq!(archive.first_night("arppu").unwrap().unwrap().content, "a");
        assert_eq!(archive.verify_nights().unwrap(), None);
        archive
            .connection
            .execute_batch("DROP TRIGGER nights_never_change; UPDATE nights SET content = 'd' WHERE seq = 2;")
            .unwrap();
        assert_eq!(archive.verify_nights().unwrap(), Some(2));
    }
}
