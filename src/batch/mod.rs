//! Many experiments side by side, and what belongs to the night as a whole: digest, manifest, archive.
//!
//! One experiment's failure, a panic included, never touches another's. Everything is judged before anything is run, and
//! everything is written aside before anything is put in place.

#![allow(clippy::disallowed_methods, reason = "config folders are listed here")]

mod experiment;
pub mod memory;
mod night;
mod prepare;

use std::path::PathBuf;

use jiff::civil::Date;
use rayon::prelude::*;

use crate::config::Override;
use crate::deliver::archive::objects::Objects;
use crate::deliver::archive::{Archive, PastRows};
use crate::deliver::folder::Staging;
use crate::diag::Diagnostic;
use crate::run::Past;
use crate::wording::narrative::Narrative;

use experiment::{Done, one};
use night::{complete_keys, deliver};
use prepare::Ready;
pub use prepare::{Prepared, configs, prepare};

/// What a batch is asked for.
pub struct Batch {
    /// Config files.
    pub configs: Vec<PathBuf>,
    /// `--set` overrides, applied to each.
    pub overrides: Vec<Override>,
    /// Only the experiment with this id.
    pub only: Option<String>,
    /// Output folder.
    pub out: PathBuf,
    /// Data date.
    pub date: Date,
    /// The date that stands for now in files.
    pub stamp: Date,
    /// Experiments whose run key is already complete are kept as they are.
    pub resume: bool,
    /// Largest data file, in bytes, that the archive keeps a copy of; larger ones are written down by their hash.
    pub keep_inputs: u64,
    /// Threads; none: as many as processors.
    pub jobs: Option<usize>,
}

/// How one experiment ended.
pub struct Ended {
    /// Config file.
    pub config: PathBuf,
    /// Experiment id, when the config could be read.
    pub id: Option<String>,
    /// What came of it.
    pub result: Result<Success, Vec<Diagnostic>>,
}

/// An experiment that has its report.
pub struct Success {
    /// Action name.
    pub action: String,
    /// The decision in a sentence.
    pub headline: String,
    /// A data gate refused the data.
    pub refused: bool,
    /// The report was complete already and was kept.
    pub kept: bool,
    /// What the operator should know.
    pub warnings: Vec<Diagnostic>,
}

fn failed(code: &'static str, what: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(code, what.to_string())
}

/// Runs what was prepared: makes every report, delivers them together.
///
/// # Errors
/// Only what concerns the batch as a whole; an experiment that fails is an [`Ended`] with its diagnostics.
pub fn make(batch: &Batch, prepared: Prepared, narrative: &Narrative) -> Result<Vec<Ended>, Diagnostic> {
    let Prepared { ready, mut ended } = prepared;
    let date = batch.date.to_string();
    let staging = Staging::begin(&batch.out, &date).map_err(|e| failed("deliver::folder", e))?;
    let complete = if batch.resume { complete_keys(&staging) } else { Vec::new() };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(batch.jobs.unwrap_or(0))
        .build()
        .map_err(|e| failed("run::threads", e))?;
    let stage = tracing::debug_span!("archive").entered();
    let mut archive = Archive::open(&batch.out).map_err(|e| e.diagnostic("archive::open", &batch.out))?;
    let objects = Objects::begin(&batch.out).map_err(|e| memory::failure("objects", e, batch))?;
    let ready: Vec<(Ready, Past, PastRows)> = ready
        .into_iter()
        .map(|mut ready| {
            // What the archive remembers is an input like any file.
            let (past, rows) = memory::recall(&archive, &mut ready, &date)?;
            Ok((ready, past, rows))
        })
        .collect::<crate::deliver::archive::Result<_>>()
        .map_err(|e| e.diagnostic("archive::read", &batch.out))?;
    drop(stage);
    let done: Vec<(Ready, Result<Done, Vec<Diagnostic>>)> = pool.install(|| {
        ready
            .into_par_iter()
            .map(|(ready, past, rows)| {
                let result = one(&ready, &past, &staging, &complete, batch, narrative);
                let result = result.and_then(|done| archived(done, &ready, &rows, &staging, &objects, batch));
                (ready, result)
            })
            .collect()
    });
    objects.flush().map_err(|e| memory::failure("objects", e, batch))?;
    deliver(batch, narrative, &staging, &mut archive, done, &mut ended)?;
    let _stage = tracing::debug_span!("write").entered();
    staging.commit().map_err(|e| failed("deliver::folder", e))?;
    Ok(ended)
}

/// Stores the files of an experiment that was made now, before the archive names them.
fn archived(
    mut done: Done,
    ready: &Ready,
    rows: &PastRows,
    staging: &Staging,
    objects: &Objects,
    batch: &Batch,
) -> Result<Done, Vec<Diagnostic>> {
    let Some(told) = &done.told else { return Ok(done) };
    let (run, warnings) = memory::keep(ready, rows, told, &done.outputs, staging, objects, batch)
        .map_err(|problem| vec![problem])?;
    done.run = Some(run);
    done.warnings.extend(warnings);
    Ok(done)
}
