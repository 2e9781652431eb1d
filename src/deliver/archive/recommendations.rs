//! Recommendations: what each run advised, and by which rule.

use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use super::{Archive, bound};

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

/// Chain value before the first entry.
const GENESIS: &str = "itog.archive.v1";

fn link(previous: &str, r: &Recommendation) -> String {
    let winner = r.winner.unwrap_or("");
    bound(&[previous, r.experiment, r.title, r.data_date, r.run_key, r.action, winner, r.rule, r.results])
}

/// The entry that a row holds, its columns in the order of the fields.
fn entry(row: &rusqlite::Row) -> rusqlite::Result<Entry> {
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
}

impl Archive {
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

    /// Every entry in order.
    pub fn list(&self) -> rusqlite::Result<Vec<Entry>> {
        let mut statement = self.connection.prepare(
            "SELECT seq, experiment, title, data_date, run_key, action, winner, rule, results, chain
             FROM recommendations ORDER BY seq",
        )?;
        statement.query_map([], entry)?.collect()
    }

    /// The last entry of an experiment before a data date.
    pub fn before(&self, experiment: &str, date: &str) -> rusqlite::Result<Option<Entry>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq, experiment, title, data_date, run_key, action, winner, rule, results, chain
             FROM recommendations WHERE experiment = ?1 AND data_date < ?2 ORDER BY seq DESC LIMIT 1",
        )?;
        statement.query_row([experiment, date], entry).optional()
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
