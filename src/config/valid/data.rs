//! `[data]` and `[[data.facts]]`, checked.

use std::path::PathBuf;

use serde::Serialize;

/// Files of one table and how to read them.
#[derive(Clone, Debug)]
pub struct Files {
    /// Files, globs resolved and sorted, relative to the current folder (the config's folder already joined).
    pub paths: Vec<PathBuf>,
    /// The path as the config writes it.
    pub pattern: String,
    /// CSV separator; detected when absent.
    pub separator: Option<char>,
    /// Decimal mark of CSV numbers, `.` or `,`; detected when absent.
    pub decimal: Option<char>,
    /// Text encoding by its WHATWG label; detected when absent and certain.
    pub encoding: Option<String>,
    /// What happens to rows that cannot be read.
    pub malformed: OnBroken,
    /// Validity rules, by column in the order of the file.
    pub columns: Vec<ColumnRule>,
    /// Fewest rows the analysis accepts (`min_rows`, 1 by default).
    pub min_rows: u64,
}

/// Tables of a database server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warehouse {
    /// Which dialect it speaks.
    pub engine: Engine,
    /// What is read.
    pub from: Relation,
    /// Name of the environment variable with the address, with user and password as far as it has them.
    pub url_env: String,
    /// Name of the environment variable with the password, where the address has none.
    pub password_env: Option<String>,
    /// Seconds that the query may take.
    pub timeout: u64,
}

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// ClickHouse, over HTTP.
    Clickhouse,
    /// PostgreSQL and what speaks its protocol: Greenplum, Citus.
    Postgres,
}

/// Rows of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// A table or a view, with its schema where it has one.
    Table(String),
    /// A SELECT that gives the rows.
    Query(String),
}

/// `[data]`: who was in which group, and whatever else stands in the same rows.
#[derive(Clone, Debug)]
pub struct DataSource {
    /// Where the rows are.
    pub files: Files,
    /// Column with the group.
    pub group: String,
    /// Column with the unit of randomisation; each row is a unit when absent.
    pub unit: Option<String>,
    /// Column with the time of the row; with `unit`, the earliest row of a unit is its first exposure.
    pub time: Option<String>,
    /// Column with the number of units a row stands for: exposures are known as counts only. Never together with `unit`.
    pub count: Option<String>,
    /// Outcomes in other files or tables.
    pub facts: Vec<Facts>,
    /// Which devices are one user; units are devices then.
    pub identity: Option<Identity>,
    /// The rows are in a database instead of files, of which there are none then.
    pub warehouse: Option<Warehouse>,
    /// What the database answered, the sums as JSON; none before it was asked.
    pub answer: Option<std::sync::Arc<str>>,
    /// Days without new data after which a report says so.
    pub warn_after: Option<u64>,
    /// Days without new data after which the data are refused.
    pub error_after: Option<u64>,
    /// Whether rows are read in parts, of which only sums stay.
    pub streaming: Streaming,
    /// Whether sums of past days are kept and only the days after them are read.
    pub incremental: Option<Incremental>,
}

/// Nights add to the sums of the nights before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incremental {
    /// So many days up to the data date may still get rows; at least 1.
    pub late_days: u16,
}

/// Whether the rows of `[data]` are read in parts, of which only sums stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Streaming {
    /// Where they would take much memory and the metrics are made of sums.
    #[default]
    Auto,
    /// Always; an experiment that needs all rows at once is refused.
    Always,
    /// Never.
    Never,
}

/// `[data.identity]`: which devices are one user.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Where the rows are.
    pub files: Files,
    /// Column with the device, which is the unit of `[data]`.
    pub device: String,
    /// Column with the user.
    pub user: String,
}

impl DataSource {
    /// Every file, those of `[data]` first.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let facts = self.facts.iter().flat_map(|facts| &facts.files.paths);
        let identity = self.identity.iter().flat_map(|identity| &identity.files.paths);
        self.files.paths.iter().chain(facts).chain(identity)
    }
}

/// `[[data.facts]]`: what the units did, in files or a table of its own.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Unique name, which metrics refer to with `from`.
    pub name: String,
    /// Title shown to readers; the name when the config gives none.
    pub title: String,
    /// Where the rows are.
    pub files: Files,
    /// The rows are in the database of `[data]` instead of files.
    pub relation: Option<Relation>,
    /// Column with the unit.
    pub unit: String,
    /// Column with the group: where exposures are counts it says which group a unit is in.
    pub group: Option<String>,
    /// Column with the time of the row: what happened before a unit's first exposure is left out.
    pub time: Option<String>,
}

/// What is done about rows that break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnBroken {
    /// Counted and shown, kept in the analysis (a malformed row cannot be kept: it is left out and shown).
    Report,
    /// Left out of the analysis, counted and shown.
    Exclude,
    /// The data gate refuses the experiment.
    Refuse,
}

/// `[data.columns."name"]`.
#[derive(Clone, Debug)]
pub struct ColumnRule {
    /// Column name as in the file.
    pub column: String,
    /// Title shown to readers.
    pub title: Option<String>,
    /// Unit of measurement shown to readers.
    pub unit: Option<String>,
    /// Smallest valid value.
    pub min: Option<f64>,
    /// Largest valid value.
    pub max: Option<f64>,
    /// Missing values are invalid.
    pub required: bool,
    /// What is done about rows that break the rule.
    pub invalid: OnBroken,
}
