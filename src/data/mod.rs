//! Rows: reading them, judging them, joining facts to exposures, and handing out values by group. The only user of polars and
//! of SQL.
//!
//! # What
//! [`open`] turns `[data]` of a config and its facts into a [`Dataset`]: how the files were read, an overview of every column,
//! the groups, what the data gate has to say, and the numbers that metrics are computed from: [`Dataset::gather`] for values by
//! unit, [`Dataset::funnel`] for how far units came, [`Dataset::successes`] where exposures are known as counts only,
//! [`Dataset::segment_sizes`] for parts of the units. [`Dataset::as_of`] is the dataset of an earlier day; [`inspect`] reads
//! headers only.
//!
//! # Why it is strict
//! A row that cannot be read is never dropped in silence: it is counted, located by file and line, and refuses the experiment
//! unless the config says `malformed = "report"`. Rows of facts that no outcome is computed from are counted by their reason.
//! What makes the data unreadable as a whole is an error ([`Diagnostic`]s, all of one pass); what makes an analysis wrong is a
//! value ([`Gate`]), so that a report can say it.
//!
//! # How
//! `[data]` and each of the facts are read by the same code (`spec`, `source`, `table`). Separated text takes three steps:
//! `encoding` (bytes to UTF-8), `dialect` and `records` (structure), `cells` and `columns` (kinds), before `csv`
//! reads what is sound into columns (`plain`, `filling`). Parquet needs none of them. `groups` and `units` number groups and units once for all tables, all devices
//! of a user being one unit (`identity`); `exposure` or `counts` say who was exposed, `facts` joins the rows of facts to them
//! (`join`). That much is done again for the days before (`history`), on rows that are cut at the end of the day. After that an answer (`query`) is an SQL expression
//! evaluated by polars, one loop over the rows (`aggregate`), and one copy a group.

#![allow(clippy::disallowed_methods, reason = "this room reads the data files")]

mod accounting;
mod accumulate;
mod adjustment;
mod aggregate;
mod cells;
mod columns;
mod condition;
mod content;
mod convert;
mod counts;
mod csv;
mod daily;
mod dates;
mod dialect;
mod encoding;
mod exposure;
mod expression;
mod facts;
mod failure;
mod filling;
mod funnel;
mod gate;
mod groups;
mod history;
mod identity;
mod inspect;
mod join;
mod names;
mod numbers;
mod open;
mod overview;
mod parquet;
mod plain;
mod query;
mod reading;
mod records;
mod rows;
mod segments;
mod source;
mod spec;
mod stamps;
mod stream;
mod successes;
mod summed;
mod summing;
mod table;
mod units;

#[cfg(doc)]
use crate::diag::Diagnostic;

pub use accumulate::{accumulate, fill, question, settled_until};
pub use daily::Daily;
pub use facts::{FactsReading, LeftOut, RowsOfUnits};
pub use gate::{Gate, GateReason};
pub use groups::GroupCount;
pub use identity::IdentityReading;
pub use inspect::{FactsHeader, Header, inspect, inspect_columns};
pub use open::open;
pub use overview::{ColumnKind, ColumnOverview};
pub use query::{Gathered, GroupValues, Query};
pub use reading::{FileReading, Format, Found, How, MalformedRow, Reading, RowFault, SHOWN_MALFORMED};
pub use stamps::TimeRange;
pub use stream::{QUANTILE_ERROR, Streamed};
pub(crate) use summed::by_label;

/// The rows of an experiment with everything that is known about them.
pub struct Dataset {
    /// How the rows of `[data]` came out of the files.
    pub reading: Reading,
    /// Every column of `[data]` that can be described, in the order of the file.
    pub overview: Vec<ColumnOverview>,
    /// Groups with rows: the controls first, then the declared order, then the natural order.
    pub groups: Vec<GroupCount>,
    /// Rows of `[data]` without a group; they take no part in the analysis.
    pub rows_missing_group: u64,
    /// Units in two groups, by `[data]` and the group columns of facts together; they take no part in the analysis.
    pub contamination: u64,
    /// What the data gate has to say of `[data]` and of the facts, refusals and notes.
    pub gates: Vec<Gate>,
    /// First and last time of the rows of `[data]`, when the config names a time column.
    pub time: Option<TimeRange>,
    /// The facts, in the order of the config.
    pub facts: Vec<FactsReading>,
    /// Units by day and group, when the time of exposures is known.
    pub daily: Option<Daily>,
    /// Days between the last row of `[data]` and of all facts, and the date of the data, when the time of rows is known.
    pub lag_days: Option<i64>,
    /// What `[data.identity]` says, when the config has it.
    pub identity: Option<IdentityReading>,
    /// Rows of `[data]`.
    rows: rows::Rows,
    /// Rows of the facts, in the order of `facts`.
    tables: Vec<rows::Rows>,
    units: rows::Units,
    /// The column with the number of units of a row of `[data]`, where exposures are counts.
    counts: Option<String>,
    /// The date of the data: there are no rows from later days.
    date: jiff::civil::Date,
    /// What the dataset of an earlier day is made of, when the times of all rows that matter are known.
    origin: Option<std::sync::Arc<history::Origin>>,
    by_day: Option<std::sync::Arc<history::ByDay>>,
    /// How the rows of big files were read; none where all rows are at hand.
    pub streamed: Option<Streamed>,
    /// The last day whose sums are kept from night to night; none where every night reads all rows.
    pub settled: Option<jiff::civil::Date>,
    /// Some of the rows of big files.
    sample: Option<Box<Dataset>>,
    /// The sums of the rows, where nothing else is known of them.
    sums: Option<Box<crate::sums::Sums>>,
}

impl Dataset {
    /// Whether exposures are known as counts only: rows of units are in the facts alone.
    pub fn has_counts_only(&self) -> bool {
        self.counts.is_some()
    }

    /// Every so-many-th row of big files as a dataset of its own, for what needs rows; its gates say nothing of the files.
    pub fn sample(&self) -> Option<&Dataset> {
        self.sample.as_deref()
    }

    /// The date of the data: there are no rows from later days.
    pub fn date(&self) -> jiff::civil::Date {
        self.date
    }

    /// Whether a gate forbids the analysis.
    pub fn is_refused(&self) -> bool {
        self.gates.iter().any(|gate| gate.refuses)
    }

    /// The gates that forbid the analysis.
    pub fn refusals(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| gate.refuses)
    }
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dataset")
            .field("reading", &self.reading)
            .field("groups", &self.groups)
            .field("gates", &self.gates)
            .finish_non_exhaustive()
    }
}
