//! Configs of a batch, read and judged before anything is run or written.

use std::path::{Path, PathBuf};

use super::{Batch, Ended};
use crate::config;
use crate::config::valid::{Config, DataSource};
use crate::data;
use crate::deliver::manifest::{Entry as FileEntry, run_key};
use crate::diag::{Diagnostic, Place, Warned};
use crate::report::GENERATOR;

/// An experiment that is about to run, and what decides whether it must.
pub(super) struct Ready {
    pub(super) path: PathBuf,
    pub(super) config: Warned<Config>,
    pub(super) inputs: Vec<FileEntry>,
    pub(super) run_key: String,
}

/// Configs that were read and judged: those that can run, and those that have ended before they began.
pub struct Prepared {
    pub(super) ready: Vec<Ready>,
    pub(super) ended: Vec<Ended>,
}

/// Reads every config of a batch and the headers of its data, before anything is run or written.
///
/// # Errors
/// The problems of all of them when none can run.
pub fn prepare(batch: &Batch) -> Result<Prepared, Vec<Diagnostic>> {
    let (mut ready, mut ended): (Vec<Ready>, Vec<Ended>) = (Vec::new(), Vec::new());
    for path in &batch.configs {
        if batch.only.is_some() && peek_id(path) != batch.only {
            continue;
        }
        match prepare_one(path, batch, &ready) {
            Ok(one) => ready.push(one),
            Err(problems) => {
                ended.push(Ended { config: path.clone(), id: peek_id(path), result: Err(problems) });
            }
        }
    }
    if !ready.is_empty() {
        return Ok(Prepared { ready, ended });
    }
    if ended.is_empty() {
        let wanted = batch.only.as_deref().unwrap_or_default();
        let problem =
            Diagnostic::error("run::unknown-experiment", format!("no config has the id `{wanted}`"))
                .hint("the id is [experiment] id in the config, not the name of its file");
        return Err(vec![problem]);
    }
    Err(ended.into_iter().filter_map(|e| e.result.err()).flatten().collect())
}

pub(super) fn prepare_one(path: &Path, batch: &Batch, before: &[Ready]) -> Result<Ready, Vec<Diagnostic>> {
    let _stage = tracing::debug_span!("check").entered();
    let config = config::load(path, &batch.overrides)?;
    let id = &config.value.experiment.id;
    if let Some(first) = before.iter().find(|r| r.config.value.experiment.id == *id) {
        let message = format!("the experiment `{id}` is also described in {}", first.path.display());
        let problem = Diagnostic::error("run::duplicate-experiment", message)
            .at(Place::file(path))
            .hint("give one of them another [experiment] id");
        return Err(vec![problem]);
    }
    if let Some(source) = &config.value.data {
        data::inspect(source, &config.value.metrics, &config.value.segments)?;
    }
    let inputs = inputs(&config.value).map_err(|problem| vec![problem])?;
    let run_key = run_key(id, &batch.date.to_string(), &inputs, GENERATOR);
    Ok(Ready { path: path.to_owned(), config, inputs, run_key })
}

/// The id of a config that may be broken otherwise, to tell which experiment it is about.
pub(super) fn peek_id(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let table: toml::Table = text.parse().ok()?;
    table.get("experiment")?.get("id")?.as_str().map(str::to_owned)
}

/// The inputs of an experiment: its config and its data files, by hash.
pub(super) fn inputs(config: &Config) -> Result<Vec<FileEntry>, Diagnostic> {
    let mut inputs = vec![FileEntry::of(config.path.display().to_string(), config.text.as_bytes())];
    for path in config.data.iter().flat_map(DataSource::paths) {
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
pub(super) fn is_config(path: &Path) -> bool {
    let toml = path.extension().is_some_and(|e| e == "toml");
    toml && path.is_file() && path.file_name().is_none_or(|n| n != "delivery.toml")
}
