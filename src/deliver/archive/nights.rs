//! Nights: what each night keeps of an experiment for the nights to come.

use rusqlite::{OptionalExtension, params};

use super::{Archive, bound};

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

/// Chain value before the first night.
const FIRST_NIGHT: &str = "itog.nights.v1";

fn link_night(previous: &str, night: &KeptNight) -> String {
    bound(&[previous, &night.experiment, &night.data_date, &night.run_key, &night.content])
}

impl Archive {
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
}

fn kept_night(row: &rusqlite::Row) -> rusqlite::Result<KeptNight> {
    Ok(KeptNight {
        experiment: row.get(0)?,
        data_date: row.get(1)?,
        run_key: row.get(2)?,
        content: row.get(3)?,
    })
}
