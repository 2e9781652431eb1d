//! Many experiments side by side, and what belongs to the night as a whole: digest, manifest, archive.
//!
//! One experiment's failure never touches another's: each is read and made by a worker process ([`pool`]), within its time
//! limit. Everything is judged before anything is run, and everything is written aside before anything is put in place.
//! The batch itself holds a line of each experiment, never its data or its pages, so that its memory does not grow with
//! what it makes.

#![allow(clippy::disallowed_methods, reason = "config folders are listed here, and waiting has a clock")]

mod accumulated;
mod experiment;
mod job;
pub mod memory;
mod night;
mod pool;
mod prepare;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;

use crate::config::Override;
use crate::deliver::archive::objects::Objects;
use crate::deliver::archive::{Archive, Run};
use crate::deliver::folder::{self, Staging};
use crate::diag::Diagnostic;
use crate::templates::Templates;

use experiment::{keep, salvage};
pub use job::Stage;
use job::{Answer, Done, Job, Order, Source};
use memory::Memory;
use night::{Closed, complete, deliver};
use pool::Lost;
pub use pool::{Pool, WorkerCommand};
use prepare::Ready;
pub use prepare::{Prepared, configs, duplicate, prepare};
pub use worker::serve;

/// What a batch is asked for.
pub struct Batch {
    /// Config files.
    pub configs: Vec<PathBuf>,
    /// `--set` overrides, applied to each.
    pub overrides: Vec<Override>,
    /// Words and pages; what the user changed in them is an input of every experiment.
    pub templates: Arc<Templates>,
    /// Only the experiment with this id.
    pub only: Option<String>,
    /// Single configs were named, and no folder of them: what the night has of others stays.
    pub single: bool,
    /// Output folder.
    pub out: PathBuf,
    /// Data date.
    pub date: Date,
    /// The date that stands for now in files.
    pub stamp: Date,
    /// Experiments whose run key is already complete are kept as they are, and so is what a killed run had completed.
    pub resume: bool,
    /// Largest data file, in bytes, that the archive keeps a copy of; larger ones are written down by their hash.
    pub keep_inputs: u64,
    /// Nights that add to the ones before read everything again.
    pub full: bool,
    /// How long one experiment may take when its config says nothing else; none: as long as it takes.
    pub time_limit: Option<Duration>,
    /// Whether this night is to be mailed: the outbox takes its messages. A night made up for is archived only.
    pub deliver: bool,
    /// The night is made up for: an experiment of which something does not say when it happened is passed over, because today's
    /// files and numbers tell nothing of that day, and reports that the night has already stay as they are.
    pub past: bool,
}

/// How one experiment ended.
pub struct Ended {
    /// Config file.
    pub config: PathBuf,
    /// Experiment id, when the config could be read and is the only one of it.
    pub id: Option<String>,
    /// What came of it.
    pub result: Result<Success, Vec<Diagnostic>>,
    /// How long it took by the clock.
    pub took: Duration,
}

impl Ended {
    /// One that ended before it began.
    fn early(config: &Path, id: Option<String>, problems: Vec<Diagnostic>) -> Ended {
        Ended { config: config.to_owned(), id, result: Err(problems), took: Duration::ZERO }
    }
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
    /// Rows of data that were read.
    pub rows: u64,
    /// Where its time went.
    pub stages: Vec<Stage>,
}

/// What a batch tells while it runs.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// So many experiments will be made.
    Begun(usize),
    /// An experiment is being made.
    Started(&'a str),
    /// An experiment has ended; whether it has its report.
    Finished(&'a str, bool),
}

fn failed(code: &'static str, what: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(code, what.to_string())
}

/// What is said of an experiment whose worker gave no answer.
fn lost(name: &str, why: &Lost) -> Diagnostic {
    match why {
        Lost::TimeLimit(limit) => {
            let message = format!("`{name}` was stopped at its time limit of {limit:?}");
            Diagnostic::error("run::time-limit", message)
                .hint("give it more with [experiment] time_limit or --timeout, or find out what it waits for")
        }
        Lost::Died(how) => {
            Diagnostic::error("run::worker-died", format!("the process of `{name}` died: {how}")).hint(
                "the other experiments are not affected; if memory ran out, run fewer at a time with --jobs",
            )
        }
        Lost::Start(reason) => {
            Diagnostic::error("run::worker-start", format!("`{name}` cannot be given to a worker: {reason}"))
        }
        Lost::Interrupted => {
            Diagnostic::error("run::interrupted", format!("the run was interrupted before `{name}` was made"))
                .hint("finish it with --resume")
        }
    }
}

/// Runs what was prepared: makes every report, delivers them together.
///
/// # Errors
/// Only what concerns the batch as a whole; an experiment that fails is an [`Ended`] with its diagnostics. An interrupted
/// batch is an error and leaves what is complete to `--resume`.
pub fn make(
    batch: &Batch,
    pool: &Pool,
    prepared: Prepared,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<Vec<Ended>, Diagnostic> {
    let Prepared { mut ready, mut ended } = prepared;
    let date = batch.date.to_string();
    let left = folder::abandoned(&batch.out);
    let staging = Staging::begin(&batch.out, &date).map_err(|e| failed("deliver::folder", e))?;
    let stage = tracing::debug_span!("archive").entered();
    let mut archive = Archive::open(&batch.out).map_err(|e| e.diagnostic("archive::open", &batch.out))?;
    let objects = Objects::begin(&batch.out).map_err(|e| memory::failure("objects", e, batch))?;
    for one in &mut ready {
        // What the archive remembers is an input like any file.
        memory::recall(&archive, one, &date).map_err(|e| e.diagnostic("archive::read", &batch.out))?;
    }
    drop(stage);
    let mut done: Vec<Option<Result<Done, Vec<Diagnostic>>>> = ready.iter().map(|_| None).collect();
    if batch.resume {
        let complete = complete(staging.manifest().as_ref());
        for (one, done) in ready.iter().zip(&mut done) {
            let theirs = left.iter().filter(|(of, _)| *of == date);
            let found = theirs.rev().find_map(|(_, folder)| salvage(&staging, folder, &one.id, &one.run_key));
            let whole = || complete.get(&one.id).is_some_and(|c| c.is(&staging, &one.id, &one.run_key));
            *done =
                found.or_else(|| whole().then(|| keep(&staging, &one.id, &one.run_key)).flatten()).map(Ok);
        }
    }
    folder::sweep(&batch.out, &left).map_err(|e| failed("deliver::folder", e))?;
    let took = make_each(batch, pool, &staging, &mut archive, &ready, &mut done, watch);
    if done.iter().flatten().any(|d| matches!(d, Err(p) if p.iter().any(|p| p.code == "run::interrupted"))) {
        staging.abandon();
        return Err(failed("run::interrupted", "the run was interrupted; nothing was put in place")
            .hint("`itog run --resume` takes what is complete and makes the rest"));
    }
    let unanswered = || Err(vec![failed("run::worker", "nobody answered")]);
    let done = ready.into_iter().zip(done).map(|(ready, done)| (ready, done.unwrap_or_else(unanswered)));
    let done = done.zip(took).map(|((ready, done), took)| {
        let result = done.and_then(|done| archived(done, &ready, &staging, &objects, batch));
        if result.is_err() {
            // A report that the archive could not take is none; its pages must not stand in a folder that does not name them.
            folder::withdraw(staging.root(), &ready.id);
        }
        Closed { ready, result, took }
    });
    let closed: Vec<Closed> = done.collect();
    // The archive must name nothing that a power cut could still take.
    staging.flush().map_err(|e| failed("deliver::write", e))?;
    objects.flush().map_err(|e| memory::failure("objects", e, batch))?;
    deliver(batch, &staging, &mut archive, closed, &mut ended)?;
    let _stage = tracing::debug_span!("write").entered();
    staging.commit().map_err(|e| failed("deliver::folder", e))?;
    tracing::info!(data_date = date, experiments = ended.len(), "the night is in place");
    Ok(ended)
}

/// Stores the files of an experiment that was made now, before the archive names them.
fn archived(
    mut done: Done,
    ready: &Ready,
    staging: &Staging,
    objects: &Objects,
    batch: &Batch,
) -> Result<(Done, Option<Run>), Vec<Diagnostic>> {
    let Some(told) = &done.told else { return Ok((done, None)) };
    let (run, warnings) =
        memory::keep(ready, told, &done.outputs, staging, objects, batch).map_err(|problem| vec![problem])?;
    done.warnings.extend(warnings);
    Ok((done, Some(run)))
}

/// Makes what is not done yet, the largest first, so that a long one does not begin when all others have ended.
fn make_each(
    batch: &Batch,
    pool: &Pool,
    staging: &Staging,
    archive: &mut Archive,
    ready: &[Ready],
    done: &mut Vec<Option<Result<Done, Vec<Diagnostic>>>>,
    watch: &(dyn Fn(Event) + Sync),
) -> Vec<Duration> {
    let mut order: Vec<usize> = (0..ready.len()).filter(|index| done[*index].is_none()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(ready[*index].weight()), *index));
    watch(Event::Begun(order.len()));
    let archive = Mutex::new(archive);
    let results = Mutex::new((std::mem::take(done), vec![Duration::ZERO; ready.len()]));
    let line = |index: usize| -> Result<String, String> {
        let one = &ready[index];
        watch(Event::Started(&one.id));
        let archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = Memory::read(&archive, &one.id, &one.rows);
        let memory = memory.map_err(|e| e.diagnostic("archive::read", &batch.out).to_string())?;
        let order = Order {
            source: Source { config: one.path.clone(), overrides: batch.overrides.clone() },
            config_hash: one.inputs.first().map(|input| input.blake3.clone()).unwrap_or_default(),
            id: one.id.clone(),
            run_key: one.run_key.clone(),
            inputs: one.inputs.clone(),
            date: batch.date,
            stamp: batch.stamp,
            memory,
            answer: one.answer.clone(),
            root: staging.root().to_owned(),
        };
        serde_json::to_string(&Job::Make(Box::new(order))).map_err(|error| error.to_string())
    };
    let take = |index: usize, answer: Result<String, Lost>, took: Duration| {
        let one = &ready[index];
        let said = match answer {
            Err(why) => Err(vec![lost(&one.id, &why).of_config(&one.path)]),
            Ok(text) => match serde_json::from_str(&text) {
                Ok(Answer::Made(said)) => said.map(|done| *done),
                Ok(Answer::Inspected(_)) => Err(vec![failed("run::worker", "another question was answered")]),
                Err(error) => Err(vec![failed("run::worker", error)]),
            },
        };
        if said.is_err() {
            folder::withdraw(staging.root(), &one.id);
        }
        let seconds = took.as_secs_f64();
        match &said {
            Ok(done) => {
                let action = done.entry.action.as_deref().unwrap_or_default();
                tracing::info!(
                    experiment = one.id,
                    seconds,
                    action,
                    refused = done.refused,
                    "report is made"
                );
            }
            Err(problems) => {
                let code = problems.first().map_or("", |problem| problem.code);
                tracing::warn!(experiment = one.id, seconds, code, "report is not made");
            }
        }
        watch(Event::Finished(&one.id, said.is_ok()));
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.0[index] = Some(said);
        results.1[index] = took;
    };
    pool.each(&order, |index| ready[index].limit, line, take);
    let (all, took) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    *done = all;
    took
}
