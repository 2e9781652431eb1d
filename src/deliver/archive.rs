//! The archive of recommendations: append-only, each entry bound to the one before it by its hash.
//!
//! One SQLite file in the output folder. Rows are never changed or deleted (triggers refuse it), and each row's `chain`
//! is the hash of the previous chain and its own content, so that a change by other means is found by [`verify`].

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;

/// One recommendation as archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Position in the chain, from 1.
    pub seq: i64,
    /// Experiment id.
    pub experiment: String,
    /// Title at that time.
    pub title: String,
    /// Data date.
    pub data_date: String,
    /// Run key.
    pub run_key: String,
    /// `ship`, `keep`, `continue`, `stop`, `invalid`.
    pub action: String,
    /// Winner, when one was named.
    pub winner: Option<String>,
    /// Code of the rule that decided.
    pub rule: String,
    /// blake3 of `results.json`.
    pub results: String,
    /// Hash that binds this entry to all before it.
    pub chain: String,
}

/// What is appended.
#[derive(Clone, Debug)]
pub struct Recommendation<'a> {
    /// Experiment id.
    pub experiment: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Data date.
    pub data_date: &'a str,
    /// Run key.
    pub run_key: &'a str,
    /// Action name.
    pub action: &'a str,
    /// Winner.
    pub winner: Option<&'a str>,
    /// Rule code.
    pub rule: &'a str,
    /// blake3 of `results.json`.
    pub results: &'a str,
}

/// What a night keeps of an experiment for the nights to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNight {
    /// Experiment id.
    pub experiment: String,
    /// Data date.
    pub data_date: String,
    /// Run key.
    pub run_key: String,
    /// JSON that the caller reads again.
    pub content: String,
}

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
"];

/// Chain value before the first entry.
const GENESIS: &str = "itog.archive.v1";

/// Chain value before the first night.
const FIRST_NIGHT: &str = "itog.nights.v1";

fn link(previous: &str, r: &Recommendation) -> String {
    let winner = r.winner.unwrap_or("");
    bound(&[previous, r.experiment, r.title, r.data_date, r.run_key, r.action, winner, r.rule, r.results])
}

fn link_night(previous: &str, night: &KeptNight) -> String {
    bound(&[previous, &night.experiment, &night.data_date, &night.run_key, &night.content])
}

/// The hash of parts that cannot be moved from one to the next.
fn bound(parts: &[&str]) -> String {
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

    /// The head of the chain.
    pub fn head(&self) -> rusqlite::Result<String> {
        let sql = "SELECT chain FROM recommendations ORDER BY seq DESC LIMIT 1";
        Ok(self.connection.query_row(sql, [], |r| r.get(0)).optional()?.unwrap_or_else(|| GENESIS.to_owned()))
    }

    /// Appends recommendations in one transaction; those whose run key is archived already are passed over.
    /// Returns how many were new.
    pub fn append(&mut self, recommendations: &[Recommendation]) -> rusqlite::Result<usize> {
        let mut previous = self.head()?;
        let transaction = self.connection.transaction()?;
        let mut new = 0;
        for r in recommendations {
            let known: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM recommendations WHERE run_key = ?1)",
                [r.run_key],
                |row| row.get(0),
            )?;
            if known {
                continue;
            }
            let chain = link(&previous, r);
            transaction.execute(
                "INSERT INTO recommendations
                 (experiment, title, data_date, run_key, action, winner, rule, results, chain)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    r.experiment,
                    r.title,
                    r.data_date,
                    r.run_key,
                    r.action,
                    r.winner,
                    r.rule,
                    r.results,
                    chain
                ],
            )?;
            previous = chain;
            new += 1;
        }
        transaction.commit()?;
        Ok(new)
    }

    /// Keeps nights in one transaction; those whose run key is kept already are passed over.
    pub fn keep_nights(&mut self, nights: &[KeptNight]) -> rusqlite::Result<()> {
        let last = "SELECT chain FROM nights ORDER BY seq DESC LIMIT 1";
        let transaction = self.connection.transaction()?;
        let mut previous: String = transaction
            .query_row(last, [], |r| r.get(0))
            .optional()?
            .unwrap_or_else(|| FIRST_NIGHT.to_owned());
        for night in nights {
            let known: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM nights WHERE run_key = ?1)",
                [&night.run_key],
                |row| row.get(0),
            )?;
            if known {
                continue;
            }
            let chain = link_night(&previous, night);
            transaction.execute(
                "INSERT INTO nights (experiment, data_date, run_key, content, chain) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![night.experiment, night.data_date, night.run_key, night.content, chain],
            )?;
            previous = chain;
        }
        transaction.commit()
    }

    /// The nights of an experiment before a data date, in order of their dates: of several runs of one date the last one.
    pub fn nights(&self, experiment: &str, before: &str) -> rusqlite::Result<Vec<KeptNight>> {
        let mut statement = self.connection.prepare(
            "SELECT experiment, data_date, run_key, content FROM nights AS night
             WHERE experiment = ?1 AND data_date < ?2 AND seq =
                 (SELECT max(seq) FROM nights WHERE experiment = night.experiment AND data_date = night.data_date)
             ORDER BY data_date",
        )?;
        let rows = statement.query_map([experiment, before], kept_night)?;
        rows.collect()
    }

    /// The first night that was ever kept of an experiment.
    pub fn first_night(&self, experiment: &str) -> rusqlite::Result<Option<KeptNight>> {
        let sql = "SELECT experiment, data_date, run_key, content FROM nights WHERE experiment = ?1 ORDER BY seq LIMIT 1";
        self.connection.query_row(sql, [experiment], kept_night).optional()
    }

    /// Walks the chain of nights; the first that does not fit its hash or its place, if any.
    pub fn verify_nights(&self) -> rusqlite::Result<Option<i64>> {
        let mut statement = self
            .connection
            .prepare("SELECT experiment, data_date, run_key, content, seq, chain FROM nights ORDER BY seq")?;
        let rows = statement
            .query_map([], |row| Ok((kept_night(row)?, row.get::<_, i64>(4)?, row.get::<_, String>(5)?)))?;
        let mut previous = FIRST_NIGHT.to_owned();
        for (index, row) in rows.enumerate() {
            let (night, seq, chain) = row?;
            if seq != index as i64 + 1 || link_night(&previous, &night) != chain {
                return Ok(Some(seq));
            }
            previous = chain;
        }
        Ok(None)
    }

    /// Every entry in order.
    pub fn list(&self) -> rusqlite::Result<Vec<Entry>> {
        let mut statement = self.connection.prepare(
            "SELECT seq, experiment, title, data_date, run_key, action, winner, rule, results, chain
             FROM recommendations ORDER BY seq",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Entry {
                seq: row.get(0)?,
                experiment: row.get(1)?,
                title: row.get(2)?,
                data_date: row.get(3)?,
                run_key: row.get(4)?,
                action: row.get(5)?,
                winner: row.get(6)?,
                rule: row.get(7)?,
                results: row.get(8)?,
                chain: row.get(9)?,
            })
        })?;
        rows.collect()
    }

    /// The last entry of an experiment before a data date.
    pub fn before(&self, experiment: &str, date: &str) -> rusqlite::Result<Option<Entry>> {
        Ok(self.list()?.into_iter().rfind(|e| e.experiment == experiment && e.data_date.as_str() < date))
    }

    /// Walks the chain; the first entry that does not fit its hash or its place, if any.
    pub fn verify(&self) -> rusqlite::Result<Option<i64>> {
        let mut previous = GENESIS.to_owned();
        for (index, e) in self.list()?.into_iter().enumerate() {
            let content = Recommendation {
                experiment: &e.experiment,
                title: &e.title,
                data_date: &e.data_date,
                run_key: &e.run_key,
                action: &e.action,
                winner: e.winner.as_deref(),
                rule: &e.rule,
                results: &e.results,
            };
            if e.seq != index as i64 + 1 || link(&previous, &content) != e.chain {
                return Ok(Some(e.seq));
            }
            previous = e.chain;
        }
        Ok(None)
    }
}

fn kept_night(row: &rusqlite::Row) -> rusqlite::Result<KeptNight> {
    Ok(KeptNight {
        experiment: row.get(0)?,
        data_date: row.get(1)?,
        run_key: row.get(2)?,
        content: row.get(3)?,
    })
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
