//! Nights: what each night keeps of an experiment for the nights to come.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::chain::Chained;
use super::{Archive, Result};

/// The table.
pub const TABLE: Chained = Chained {
    name: "nights",
    genesis: "itog.nights.v1",
    columns: &["experiment", "data_date", "run_key", "content"],
    sealed: true,
};

/// What a night keeps of an experiment for the nights to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNight {
    /// Position in the chain; 0 before it is appended.
    pub seq: i64,
    /// Experiment id.
    pub experiment: String,
    /// Data date.
    pub data_date: String,
    /// Run key.
    pub run_key: String,
    /// JSON that the caller reads again.
    pub content: String,
}

const SELECT: &str = "SELECT seq, experiment, data_date, run_key, content FROM nights AS night";

/// Keeps a night unless its run key is kept already; whether it was new.
pub(super) fn append(transaction: &Transaction, night: &KeptNight) -> Result<bool> {
    let known: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM nights WHERE run_key = ?1)")?
        .query_row([&night.run_key], |row| row.get(0))?;
    if !known {
        let values = [&night.experiment, &night.data_date, &night.run_key, &night.content];
        TABLE.append(transaction, &values.map(|text| text.clone().into()))?;
    }
    Ok(!known)
}

impl Archive {
    /// The nights of an experiment before a data date, in order of their dates: of several runs of one date the last one.
    pub fn nights(&self, experiment: &str, before: &str) -> Result<Vec<KeptNight>> {
        let mut statement = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE experiment = ?1 AND data_date < ?2 AND seq =
                 (SELECT max(seq) FROM nights WHERE experiment = night.experiment AND data_date = night.data_date)
             ORDER BY data_date"
        ))?;
        let rows = statement.query_map([experiment, before], kept_night)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first night that was ever kept of an experiment.
    pub fn first_night(&self, experiment: &str) -> Result<Option<KeptNight>> {
        let sql = format!("{SELECT} WHERE experiment = ?1 ORDER BY seq LIMIT 1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([experiment], kept_night).optional()?)
    }

    /// The night with this position, if any.
    pub fn night(&self, seq: i64) -> Result<Option<KeptNight>> {
        let sql = format!("{SELECT} WHERE seq = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([seq], kept_night).optional()?)
    }
}

fn kept_night(row: &Row) -> rusqlite::Result<KeptNight> {
    Ok(KeptNight {
        seq: row.get(0)?,
        experiment: row.get(1)?,
        data_date: row.get(2)?,
        run_key: row.get(3)?,
        content: row.get(4)?,
    })
}
