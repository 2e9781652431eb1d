//! What the batch asks of its workers and what they answer: one JSON text a line, each way.

use std::path::PathBuf;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use crate::config::Override;
use crate::deliver::manifest::Entry as FileEntry;
use crate::diag::Diagnostic;
use crate::history::Told;
use crate::report::digest::Entry;
use crate::sums::Before;

/// One task of a worker.
#[derive(Serialize, Deserialize)]
pub(super) enum Job {
    /// Read a config and the headers of its data; run nothing.
    Inspect(Box<Inquiry>),
    /// Make the report of an experiment.
    Make(Box<Order>),
}

/// All that a worker needs to judge one config.
#[derive(Serialize, Deserialize)]
pub(super) struct Inquiry {
    pub(super) source: Source,
    pub(super) date: Date,
    /// What the nights before kept of the experiment's sums.
    pub(super) before: Before,
}

/// Where an experiment is described.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) config: PathBuf,
    pub(super) overrides: Vec<Override>,
}

/// All that a worker needs to make one report.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) source: Source,
    /// blake3 of the config that was inspected; another text is another experiment.
    pub(super) config_hash: String,
    pub(super) id: String,
    pub(super) run_key: String,
    /// Config first, then data files: for the manifest that the report carries.
    pub(super) inputs: Vec<FileEntry>,
    pub(super) date: Date,
    pub(super) stamp: Date,
    pub(super) memory: Memory,
    /// What the database answered when the config was inspected.
    pub(super) answer: Option<String>,
    /// The hidden folder of the run.
    pub(super) root: PathBuf,
}

/// An experiment that can run.
#[derive(Serialize, Deserialize)]
pub(super) struct Inspected {
    pub(super) id: String,
    pub(super) title: String,
    /// The config first, then its data files.
    pub(super) inputs: Vec<FileEntry>,
    /// The text of the config, overrides included.
    pub(super) text: String,
    /// The data files with the table that each belongs to: (table, path).
    pub(super) tables: Vec<(String, String)>,
    /// What of it does not say when it happened.
    pub(super) undated: Option<String>,
    /// What the database answered, where the rows are in one.
    pub(super) answer: Option<String>,
    /// The config's own limit, in milliseconds.
    pub(super) time_limit: Option<u64>,
    /// Where the time of the inspection went.
    pub(super) stages: Vec<Stage>,
}

/// One experiment that is done: made now, or kept. Also the record that a run leaves of it in its hidden folder.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) entry: Entry,
    pub(super) run_key: String,
    pub(super) rule: String,
    pub(super) winner: Option<String>,
    pub(super) refused: bool,
    pub(super) kept: bool,
    pub(super) results_hash: String,
    pub(super) outputs: Vec<FileEntry>,
    pub(super) warnings: Vec<Diagnostic>,
    /// What the night keeps for those to come; a report that was kept has kept it already.
    pub(super) night: Option<String>,
    /// What the report said; none of one that a complete night had.
    pub(super) told: Option<Told>,
    /// Rows of the experiment's data that were read, where it has any.
    pub(super) rows: Option<u64>,
    /// Where its time went.
    pub(super) stages: Vec<Stage>,
}

/// A stage of the pipeline and how long an experiment was in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The name of its span.
    pub name: String,
    /// How often it was entered.
    pub calls: u64,
    /// Microseconds by the clock, without the stages inside.
    pub micros: u64,
}

/// What a worker answers.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Inspected(Result<Inspected, Vec<Diagnostic>>),
    Made(Result<Box<Done>, Vec<Diagnostic>>),
}
