//! Configs of a batch, read and judged before anything is run or written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::accumulated::KeptSums;
use super::job::{Answer, Inquiry, Inspected, Job, Source, Stage};
use super::memory::template_path;
use super::pool::Pool;
use super::{Batch, Ended, failed, lost};
use crate::config::valid::{Config, DataSource};
use crate::deliver::archive::PastRows;
use crate::deliver::manifest::{Entry as FileEntry, Manifest, run_key};
use crate::diag::{Diagnostic, Place};
use crate::report::GENERATOR;
use crate::sums::SettledFile;

/// An experiment that is about to run, and what decides whether it must.
pub(super) struct Ready {
    pub(super) path: PathBuf,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) inputs: Vec<FileEntry>,
    /// The text of the config, overrides included.
    pub(super) text: String,
    /// The data files with the table that each belongs to: (table, path).
    pub(super) tables: Vec<(String, String)>,
    /// What the database answered, where the rows are in one.
    pub(super) answer: Option<String>,
    /// What of the archive its report reads.
    pub(super) rows: PastRows,
    pub(super) run_key: String,
    pub(super) limit: Option<Duration>,
    pub(super) stages: Vec<Stage>,
}

impl Ready {
    /// Bytes of its inputs: the best guess of how long it takes.
    pub(super) fn weight(&self) -> u64 {
        self.inputs.iter().map(|input| input.bytes).sum()
    }
}

/// Configs that were read and judged: those that can run, and those that have ended before they began.
pub struct Prepared {
    pub(super) ready: Vec<Ready>,
    pub(super) ended: Vec<Ended>,
}

/// Reads every config of a batch and the headers of its data, before anything is run or written. The reading is done by the
/// workers: a file that hangs or crashes its reader concerns its own experiment only.
///
/// # Errors
/// The problems of all of them when none can run.
pub fn prepare(batch: &Batch, pool: &Pool) -> Result<Prepared, Vec<Diagnostic>> {
    let wanted = |path: &&PathBuf| batch.only.is_none() || peek_id(path) == batch.only;
    let mut paths: Vec<&PathBuf> = batch.configs.iter().filter(wanted).collect();
    let begun = batch.past.then(|| Manifest::read(&batch.out.join(batch.date.to_string()))).flatten();
    if let Some(begun) = &begun {
        // What a night made in part was told then stays told: the files of today may say something else of that day.
        let made: BTreeSet<&String> = begun.experiments.iter().map(|experiment| &experiment.id).collect();
        paths.retain(|path| peek_id(path).is_none_or(|id| !made.contains(&id)));
    } else if paths.is_empty() {
        let wanted = batch.only.as_deref().unwrap_or_default();
        let problem =
            Diagnostic::error("run::unknown-experiment", format!("no config has the id `{wanted}`"))
                .hint("the id is [experiment] id in the config, not the name of its file");
        return Err(vec![problem]);
    }
    let (mut ready, mut ended): (Vec<Ready>, Vec<Ended>) = (Vec::new(), Vec::new());
    let mut passed = Vec::new();
    for (path, inspected) in paths.iter().zip(inspected(batch, pool, &paths)) {
        if batch.past
            && let Ok(Inspected { undated: Some(why), .. }) = &inspected
        {
            let message = format!("{} is passed over on {}: {why}", path.display(), batch.date);
            passed.push(Diagnostic::warning("run::undated", message).hint(
                "name their time in [data] and in each [[data.facts]], so that a missed night can be made up for",
            ));
            continue;
        }
        match inspected.and_then(|inspected| admit(path, inspected, batch, &ready)) {
            Ok(one) => ready.push(one),
            Err(problems) => {
                // A second description goes by the name of its file: the id is that of the experiment which is made.
                let second = problems.iter().any(|problem| problem.code == "run::duplicate-experiment");
                ended.push(Ended::early(path, peek_id(path).filter(|_| !second), problems));
            }
        }
    }
    for problem in &passed {
        tracing::info!(code = problem.code, "{}", problem.message);
    }
    // A night that was made in part is complete when nothing more can be told of it.
    if ready.is_empty() && ended.is_empty() && begun.is_none() {
        return Err(passed);
    }
    if ready.is_empty() && !ended.is_empty() {
        return Err(ended.into_iter().filter_map(|e| e.result.err()).flatten().collect());
    }
    Ok(Prepared { ready, ended })
}

/// What a worker says of a config.
type Said = Result<Inspected, Vec<Diagnostic>>;

/// What the workers say of each config, in order.
fn inspected(batch: &Batch, pool: &Pool, paths: &[&PathBuf]) -> Vec<Said> {
    let answers: Mutex<Vec<Option<Said>>> = Mutex::new(paths.iter().map(|_| None).collect());
    let order: Vec<usize> = (0..paths.len()).collect();
    let kept = KeptSums::of(batch);
    let line = |index: usize| {
        let source = Source { config: paths[index].clone(), overrides: batch.overrides.clone() };
        let before = kept.before(paths[index]);
        let inquiry = Inquiry { source, date: batch.date, before };
        serde_json::to_string(&Job::Inspect(Box::new(inquiry))).map_err(|error| error.to_string())
    };
    pool.each(
        &order,
        |_| batch.time_limit,
        line,
        |index, answer, _| {
            let name = paths[index].display().to_string();
            let said = match answer {
                Err(reason) => Err(vec![lost(&name, &reason).of_config(paths[index])]),
                Ok(text) => match serde_json::from_str(&text) {
                    Ok(Answer::Inspected(said)) => said,
                    Ok(Answer::Made(Err(problems))) => Err(problems),
                    Ok(Answer::Made(Ok(_))) => {
                        Err(vec![failed("run::worker", "another question was answered")])
                    }
                    Err(error) => Err(vec![failed("run::worker", error)]),
                },
            };
            answers.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(said);
        },
    );
    let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    let silent = || Err(vec![failed("run::worker", "nobody answered")]);
    answers.into_iter().map(|answer| answer.unwrap_or_else(silent)).collect()
}

fn admit(
    path: &Path,
    inspected: Inspected,
    batch: &Batch,
    before: &[Ready],
) -> Result<Ready, Vec<Diagnostic>> {
    let Inspected { id, title, mut inputs, text, tables, answer, undated: _, time_limit, stages } = inspected;
    if let Some(first) = before.iter().find(|r| r.id == id) {
        return Err(vec![duplicate(&id, &first.path).at(Place::file(path))]);
    }
    let changed = batch.templates.changed().iter();
    inputs.extend(changed.map(|o| FileEntry::of(template_path(&o.name), o.text.as_bytes())));
    let run_key = run_key(&id, &batch.date.to_string(), &inputs, GENERATOR);
    let limit = time_limit.map(Duration::from_millis).or(batch.time_limit);
    let rows = PastRows::default();
    Ok(Ready { path: path.to_owned(), id, title, inputs, text, tables, answer, rows, run_key, limit, stages })
}

/// What is said of a config whose experiment is described by another one already.
pub fn duplicate(id: &str, first: &Path) -> Diagnostic {
    let message = format!("the experiment `{id}` is also described in {}", first.display());
    Diagnostic::error("run::duplicate-experiment", message).hint("give one of them another [experiment] id")
}

/// The id of a config that may be broken otherwise, to tell which experiment it is about.
fn peek_id(path: &Path) -> Option<String> {
    peek(path)?.get("experiment")?.get("id")?.as_str().map(str::to_owned)
}

/// The keys of a config that may be wrong otherwise.
pub(super) fn peek(path: &Path) -> Option<toml::Table> {
    std::fs::read_to_string(path).ok()?.parse().ok()
}

/// The inputs of an experiment: its config and its data files, by hash; `known` are hashed already.
pub(super) fn inputs(config: &Config, known: &[SettledFile]) -> Result<Vec<FileEntry>, Diagnostic> {
    let mut inputs = vec![FileEntry::of(config.path.display().to_string(), config.text.as_bytes())];
    if let Some(data) = &config.data
        && let Some(answer) = &data.answer
    {
        inputs.push(FileEntry::of(data.files.pattern.clone(), answer.as_bytes()));
    }
    for path in config.data.iter().flat_map(DataSource::paths) {
        let name = path.display().to_string();
        if let Some(file) = known.iter().find(|file| file.path == name) {
            inputs.push(FileEntry { path: name, bytes: file.bytes, blake3: file.blake3.clone() });
            continue;
        }
        let entry = FileEntry::of_file(path).map_err(|error| {
            Diagnostic::error("data::unreadable", format!("cannot read {}: {error}", path.display()))
        })?;
        inputs.push(entry);
    }
    Ok(inputs)
}

/// The config files of paths: files as they are, every `*.toml` of folders in alphabetical order.
///
/// # Errors
/// A path that does not exist or cannot be listed.
pub fn configs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut found = Vec::new();
    for path in paths {
        let problem = |error: std::io::Error| {
            Diagnostic::error("config::unreadable", format!("cannot read {}: {error}", path.display()))
                .hint("name a TOML file or a folder with TOML files; `itog init DIR` makes one")
        };
        if !path.is_dir() {
            std::fs::metadata(path).map_err(problem)?;
            found.push(path.clone());
            continue;
        }
        let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
            .map_err(problem)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|p| is_config(p))
            .collect();
        inside.sort();
        found.extend(inside);
    }
    Ok(found)
}

/// `delivery.toml` in a config folder says whom to mail; it describes no experiment.
fn is_config(path: &Path) -> bool {
    let toml = path.extension().is_some_and(|e| e == "toml");
    toml && path.is_file() && path.file_name().is_none_or(|n| n != "delivery.toml")
}
