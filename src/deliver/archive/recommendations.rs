//! Recommendations: what each run advised, and by which rule.

use rusqlite::{OptionalExtension, Row, Transaction};
use serde::Serialize;

use super::chain::Chained;
use super::{Archive, Result};

/// The table.
pub const TABLE: Chained = Chained {
    name: "recommendations",
    genesis: "itog.archive.v1",
    columns: &["experiment", "title", "data_date", "run_key", "action", "winner", "rule", "results"],
    sealed: true,
};

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
pub struct Recommendation {
    /// Experiment id.
    pub experiment: String,
    /// Its title.
    pub title: String,
    /// Data date.
    pub data_date: String,
    /// Run key.
    pub run_key: String,
    /// Action name.
    pub action: String,
    /// Winner.
    pub winner: Option<String>,
    /// Rule code.
    pub rule: String,
    /// blake3 of `results.json`.
    pub results: String,
}

const SELECT: &str = "SELECT seq, experiment, title, data_date, run_key, action, winner, rule, results, chain
    FROM recommendations";

/// Appends a recommendation unless its run key is archived already; whether it was new.
pub(super) fn append(transaction: &Transaction, r: &Recommendation) -> Result<bool> {
    let known: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM recommendations WHERE run_key = ?1)")?
        .query_row([&r.run_key], |row| row.get(0))?;
    if known {
        return Ok(false);
    }
    let winner = r.winner.clone().filter(|winner| !winner.is_empty());
    let text = |text: &String| text.clone().into();
    let values = [
        text(&r.experiment),
        text(&r.title),
        text(&r.data_date),
        text(&r.run_key),
        text(&r.action),
        winner.into(),
        text(&r.rule),
        text(&r.results),
    ];
    TABLE.append(transaction, &values)?;
    Ok(true)
}

impl Archive {
    /// Every entry in order.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let mut statement = self.connection.prepare(&format!("{SELECT} ORDER BY seq"))?;
        let rows = statement.query_map([], entry)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The entries of one experiment, night by night; of several runs of a night the last comes last.
    pub fn recommendations(&self, experiment: &str) -> Result<Vec<Entry>> {
        let mut statement =
            self.connection.prepare(&format!("{SELECT} WHERE experiment = ?1 ORDER BY data_date, seq"))?;
        let rows = statement.query_map([experiment], entry)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The entry with this position, if any.
    pub fn recommendation(&self, seq: i64) -> Result<Option<Entry>> {
        let sql = format!("{SELECT} WHERE seq = ?1");
        Ok(self.connection.query_row(&sql, [seq], entry).optional()?)
    }

    /// The last entry of an experiment before a data date: of the latest date, and of several runs of it the last.
    pub fn before(&self, experiment: &str, date: &str) -> Result<Option<Entry>> {
        let sql = format!(
            "{SELECT} WHERE experiment = ?1 AND data_date < ?2 ORDER BY data_date DESC, seq DESC LIMIT 1"
        );
        Ok(self.connection.prepare_cached(&sql)?.query_row([experiment, date], entry).optional()?)
    }
}

fn entry(row: &Row) -> rusqlite::Result<Entry> {
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
