//! Runs: what each report was made from and what came of it, so that it can be made again without its folder.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use super::chain::Chained;
use super::{Archive, Result};

/// The table.
pub const TABLE: Chained = Chained {
    name: "runs",
    genesis: "itog.runs.v1",
    columns: &[
        "experiment",
        "data_date",
        "run_key",
        "tool",
        "stamp",
        "config",
        "overrides",
        "past",
        "inputs",
        "outputs",
        "told",
    ],
    sealed: true,
};

/// One run of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Position in the chain; 0 before it is appended.
    pub seq: i64,
    /// Experiment id.
    pub experiment: String,
    /// Data date.
    pub data_date: String,
    /// Run key.
    pub run_key: String,
    /// Tool and version.
    pub tool: String,
    /// The date that stood for now.
    pub stamp: String,
    /// Path of the config as it was named; its text is the first input.
    pub config: String,
    /// `--set` arguments as typed; the stored config has them in it.
    pub overrides: Vec<String>,
    /// What of the archive was read.
    pub past: PastRows,
    /// Config, then data files in the order of their tables.
    pub inputs: Vec<Input>,
    /// Files of the report.
    pub outputs: Vec<Output>,
    /// What the report said, as JSON that the caller reads again.
    pub told: String,
}

/// Rows of the archive that a run read, by their `seq`: what is append-only need not be stored twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastRows {
    /// Nights before.
    pub nights: Vec<i64>,
    /// The first night of the experiment.
    pub first: Option<i64>,
    /// The run of the night before.
    pub last: Option<i64>,
    /// Decisions of the experiment.
    pub decisions: Vec<i64>,
}

/// A file that a run read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// What it was for: `config`, `data`, `facts.<name>`, `identity`; `past` for rows of the archive, `other` for what is
    /// no file.
    pub role: String,
    /// Its path as the run named it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// blake3, hexadecimal.
    pub blake3: String,
    /// Whether the store holds it.
    pub kept: bool,
}

/// A file that a run made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its path in the folder of the date.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// blake3, hexadecimal.
    pub blake3: String,
    /// Whether the store holds it.
    pub kept: bool,
}

const SELECT: &str =
    "SELECT seq, experiment, data_date, run_key, tool, stamp, config, overrides, past, inputs, outputs, told
    FROM runs";

/// Appends a run unless its run key is archived already; whether it was new.
pub(super) fn append(transaction: &Transaction, run: &Run) -> Result<bool> {
    let known: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM runs WHERE run_key = ?1)")?
        .query_row([&run.run_key], |row| row.get(0))?;
    if known {
        return Ok(false);
    }
    let values = [
        run.experiment.clone(),
        run.data_date.clone(),
        run.run_key.clone(),
        run.tool.clone(),
        run.stamp.clone(),
        run.config.clone(),
        serde_json::to_string(&run.overrides)?,
        serde_json::to_string(&run.past)?,
        serde_json::to_string(&run.inputs)?,
        serde_json::to_string(&run.outputs)?,
        run.told.clone(),
    ];
    TABLE.append(transaction, &values.map(Value::from))?;
    Ok(true)
}

impl Archive {
    /// Every run in order.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let mut statement = self.connection.prepare(&format!("{SELECT} ORDER BY seq"))?;
        let rows = statement.query_map([], run)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The run with this position, if any.
    pub fn run(&self, seq: i64) -> Result<Option<Run>> {
        let sql = format!("{SELECT} WHERE seq = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([seq], run).optional()?)
    }

    /// The run with this key, if any.
    pub fn run_of_key(&self, run_key: &str) -> Result<Option<Run>> {
        let sql = format!("{SELECT} WHERE run_key = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([run_key], run).optional()?)
    }

    /// The last run of an experiment before a data date: of the latest date, and of several runs of it the last.
    pub fn run_before(&self, experiment: &str, date: &str) -> Result<Option<Run>> {
        let sql = format!(
            "{SELECT} WHERE experiment = ?1 AND data_date < ?2 ORDER BY data_date DESC, seq DESC LIMIT 1"
        );
        Ok(self.connection.prepare_cached(&sql)?.query_row([experiment, date], run).optional()?)
    }

    /// What the last run of every experiment up to a data date said: experiment, first and last data date, told.
    pub fn last_told(&self, until: &str) -> Result<Vec<(String, String, String, String)>> {
        let mut statement = self.connection.prepare(
            "SELECT run.experiment, (SELECT min(data_date) FROM runs WHERE experiment = run.experiment), run.data_date, run.told
             FROM (SELECT DISTINCT experiment FROM runs) AS named
             JOIN runs AS run ON run.seq = (SELECT seq FROM runs WHERE experiment = named.experiment AND data_date <= ?1
                                            ORDER BY data_date DESC, seq DESC LIMIT 1)
             ORDER BY run.experiment",
        )?;
        let rows =
            statement.query_map([until], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

fn run(row: &Row) -> rusqlite::Result<Run> {
    fn json<T: serde::de::DeserializeOwned>(row: &Row, index: usize) -> rusqlite::Result<T> {
        let text: String = row.get(index)?;
        serde_json::from_str(&text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(index, rusqlite::types::Type::Text, Box::new(error))
        })
    }
    Ok(Run {
        seq: row.get(0)?,
        experiment: row.get(1)?,
        data_date: row.get(2)?,
        run_key: row.get(3)?,
        tool: row.get(4)?,
        stamp: row.get(5)?,
        config: row.get(6)?,
        overrides: json(row, 7)?,
        past: json(row, 8)?,
        inputs: json(row, 9)?,
        outputs: json(row, 10)?,
        told: row.get(11)?,
    })
}
