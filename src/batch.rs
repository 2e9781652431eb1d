//! Many experiments side by side, and what belongs to the night as a whole: digest, manifest, archive.
//!
//! One experiment's failure, a panic included, never touches another's. Everything is judged before anything is run, and
//! everything is written aside before anything is put in place.

#![allow(clippy::disallowed_methods, reason = "config folders are listed here")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use rayon::prelude::*;

use crate::artifact::Artifact;
use crate::config::valid::{Config, DataSource};
use crate::config::{self, Override};
use crate::data;
use crate::deliver::archive::{Archive, KeptNight, Recommendation};
use crate::deliver::folder::Staging;
use crate::deliver::manifest::{Entry as FileEntry, ExperimentEntry, Manifest, run_key};
use crate::diag::{Diagnostic, Place, Severity, Warned};
use crate::report::GENERATOR;
use crate::report::digest::{self, Entry};
use crate::report::document::Tone;
use crate::run::{Past, findings, rendered, report};
use crate::wording::narrative::Narrative;

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

/// An experiment that is about to run, and what decides whether it must.
struct Ready {
    path: PathBuf,
    config: Warned<Config>,
    inputs: Vec<FileEntry>,
    run_key: String,
}

/// Configs that were read and judged: those that can run, and those that have ended before they began.
pub struct Prepared {
    ready: Vec<Ready>,
    ended: Vec<Ended>,
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
    let mut archive = Archive::open(&batch.out).map_err(|e| failed("archive::open", e))?;
    let ready: Vec<(Ready, Past)> = ready
        .into_iter()
        .map(|mut ready| {
            let (past, nights) = past(&archive, &ready, &date)?;
            // What the nights before left is an input like any file.
            if !nights.is_empty() {
                ready
                    .inputs
                    .push(FileEntry::of("archive.sqlite: nights before", nights.join("\n").as_bytes()));
                ready.run_key = run_key(&ready.config.value.experiment.id, &date, &ready.inputs, GENERATOR);
            }
            Ok((ready, past))
        })
        .collect::<rusqlite::Result<_>>()
        .map_err(|e| failed("archive::read", e))?;
    let done: Vec<(Ready, Result<Done, Vec<Diagnostic>>)> = pool.install(|| {
        ready
            .into_par_iter()
            .map(|(ready, past)| {
                let result = one(&ready, &past, &staging, &complete, batch, narrative);
                (ready, result)
            })
            .collect()
    });
    deliver(batch, narrative, &staging, &mut archive, done, &mut ended)?;
    staging.commit().map_err(|e| failed("deliver::folder", e))?;
    Ok(ended)
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

fn prepare_one(path: &Path, batch: &Batch, before: &[Ready]) -> Result<Ready, Vec<Diagnostic>> {
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
fn peek_id(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let table: toml::Table = text.parse().ok()?;
    table.get("experiment")?.get("id")?.as_str().map(str::to_owned)
}

/// The inputs of an experiment: its config and its data files, by hash.
fn inputs(config: &Config) -> Result<Vec<FileEntry>, Diagnostic> {
    let mut inputs = vec![FileEntry::of(config.path.display().to_string(), config.text.as_bytes())];
    for path in config.data.iter().flat_map(DataSource::paths) {
        let entry = FileEntry::of_file(path).map_err(|error| {
            Diagnostic::error("data::unreadable", format!("cannot read {}: {error}", path.display()))
        })?;
        inputs.push(entry);
    }
    Ok(inputs)
}

/// Experiments of the present folder with their run keys, from its manifest.
fn complete_keys(staging: &Staging) -> Vec<(String, String)> {
    let manifest = staging.read_present("manifest.json").ok();
    let manifest: Option<serde_json::Value> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let experiments = manifest.as_ref().and_then(|m| m["experiments"].as_array());
    let pair =
        |e: &serde_json::Value| Some((e["id"].as_str()?.to_owned(), e["run_key"].as_str()?.to_owned()));
    experiments.into_iter().flatten().filter_map(pair).collect()
}

/// One experiment that is done: made now, or kept.
struct Done {
    entry: Entry,
    rule: String,
    winner: Option<String>,
    refused: bool,
    kept: bool,
    results_hash: String,
    outputs: Vec<FileEntry>,
    warnings: Vec<Diagnostic>,
    /// What the night keeps for those to come; a report that was kept has kept it already.
    night: Option<String>,
}

/// What the nights before left of an experiment.
fn past(archive: &Archive, ready: &Ready, date: &str) -> rusqlite::Result<(Past, Vec<String>)> {
    let id = &ready.config.value.experiment.id;
    let nights: Vec<String> = archive.nights(id, date)?.into_iter().map(|night| night.content).collect();
    let first = archive.first_night(id)?.map(|night| night.content);
    Ok((Past::of(&nights, first.as_deref()), nights))
}

/// Makes or keeps one experiment; a panic becomes a diagnostic.
fn one(
    ready: &Ready,
    past: &Past,
    staging: &Staging,
    complete: &[(String, String)],
    batch: &Batch,
    narrative: &Narrative,
) -> Result<Done, Vec<Diagnostic>> {
    let id = &ready.config.value.experiment.id;
    if complete.contains(&(id.clone(), ready.run_key.clone()))
        && let Some(done) = keep(staging, id)
    {
        return Ok(Done { kept: true, ..done });
    }
    let made = catch_unwind(AssertUnwindSafe(|| {
        let findings = findings(ready.config.clone(), batch.date, past)?;
        report(&findings, narrative, batch.stamp).map_err(|problem| vec![problem])
    }));
    let made = made.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(vec![
            Diagnostic::error("run::panic", format!("the program failed inside `{id}`: {text}"))
                .hint("please report this with the config; the other experiments are not affected"),
        ])
    })?;
    for artifact in &made.artifacts {
        staging.write(artifact).map_err(|error| {
            vec![Diagnostic::error("deliver::write", format!("cannot write {}: {error}", artifact.name))]
        })?;
    }
    let outputs: Vec<FileEntry> =
        made.artifacts.iter().map(|a| FileEntry::of(a.name.clone(), &a.bytes)).collect();
    let results_name = format!("{id}/results.json");
    let results_hash = outputs.iter().find(|o| o.path == results_name).map(|o| o.blake3.clone());
    Ok(Done {
        entry: made.entry,
        rule: made.rule.to_owned(),
        winner: made.winner,
        refused: made.refused,
        kept: false,
        results_hash: results_hash.unwrap_or_default(),
        outputs,
        warnings: made.warnings,
        night: made.night,
    })
}

/// Keeps the report that the present folder has for an experiment.
fn keep(staging: &Staging, id: &str) -> Option<Done> {
    let bytes = staging.read_present(&format!("{id}/results.json")).ok()?;
    let results: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let entry = Entry::of_results(&results)?;
    staging.keep(id).ok()?;
    let text = |v: &serde_json::Value| v.as_str().map(str::to_owned);
    let gates = results["data"]["gates"].as_array();
    Some(Done {
        rule: text(&results["decision"]["rule"]).unwrap_or_default(),
        winner: text(&results["decision"]["winner"]),
        refused: gates.is_some_and(|g| g.iter().any(|g| g["refuses"] == true)),
        kept: true,
        results_hash: FileEntry::of("", &bytes).blake3,
        outputs: staging.entries(id).ok()?,
        warnings: Vec::new(),
        night: None,
        entry,
    })
}

/// Puts together what belongs to the night as a whole: digest, manifest, archive.
fn deliver(
    batch: &Batch,
    narrative: &Narrative,
    staging: &Staging,
    archive: &mut Archive,
    done: Vec<(Ready, Result<Done, Vec<Diagnostic>>)>,
    ended: &mut Vec<Ended>,
) -> Result<(), Diagnostic> {
    let date = batch.date.to_string();
    let (mut entries, mut manifest) = (Vec::new(), Vec::new());
    let (mut recommendations, mut nights) = (Vec::new(), Vec::new());
    for (ready, result) in done {
        let id = ready.config.value.experiment.id.clone();
        let title = ready.config.value.experiment.title.clone();
        let result = result.map(|mut done| {
            let before = archive.before(&id, &date).ok().flatten().map(|e| e.action);
            done.entry.before = before.filter(|b| Some(b) != done.entry.action.as_ref());
            nights.extend(done.night.take().map(|content| KeptNight {
                experiment: id.clone(),
                data_date: date.clone(),
                run_key: ready.run_key.clone(),
                content,
            }));
            recommendations.push((
                done.entry.clone(),
                ready.run_key.clone(),
                done.rule,
                done.winner,
                done.results_hash,
            ));
            manifest.push(ExperimentEntry {
                id: id.clone(),
                run_key: ready.run_key,
                inputs: ready.inputs,
                outputs: done.outputs,
            });
            let success = Success {
                action: done.entry.action.clone().unwrap_or_default(),
                headline: done.entry.headline.clone(),
                refused: done.refused,
                kept: done.kept,
                warnings: done.warnings,
            };
            entries.push(done.entry);
            success
        });
        if let Err(problems) = &result {
            entries.push(broken(&id, &title, problems));
        }
        ended.push(Ended { config: ready.path, id: Some(id), result });
    }
    for e in ended.iter() {
        let Err(problems) = &e.result else { continue };
        let name = e.config.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let id = e.id.clone().unwrap_or_else(|| name.clone());
        if !entries.iter().any(|known| known.id == id) {
            entries.push(broken(&id, &name, problems));
        }
    }
    // Reports that this run was not asked for, or could not make again, stay as the last run of the date left them.
    for id in staging.present() {
        let known = manifest.iter().any(|e| e.id == id);
        if !known && let Some(kept) = keep(staging, &id) {
            if !entries.iter().any(|e| e.id == id) {
                entries.push(kept.entry);
            }
            let run_key = complete_keys(staging).into_iter().find(|(k, _)| *k == id).map(|(_, key)| key);
            manifest.push(ExperimentEntry {
                id,
                run_key: run_key.unwrap_or_default(),
                inputs: Vec::new(),
                outputs: kept.outputs,
            });
        }
    }
    let appended: Vec<Recommendation> = recommendations
        .iter()
        .map(|(entry, key, rule, winner, hash)| Recommendation {
            experiment: &entry.id,
            title: &entry.title,
            data_date: &date,
            run_key: key,
            action: entry.action.as_deref().unwrap_or(""),
            winner: winner.as_deref(),
            rule,
            results: hash,
        })
        .collect();
    archive.keep_nights(&nights).map_err(|e| failed("archive::append", e))?;
    archive.append(&appended).map_err(|e| failed("archive::append", e))?;
    let chain = archive.head().map_err(|e| failed("archive::read", e))?;
    let document = digest::compose(entries, batch.date, narrative.terms(), Some(&chain));
    let mut warnings = Vec::new();
    let (html, pdf) = rendered(&document, &[], batch.stamp, &mut warnings)?;
    let mut common = vec![
        Artifact::new("index.html", "text/html", html),
        Artifact::new("digest.pdf", "application/pdf", pdf),
    ];
    manifest.sort_by(|a, b| a.id.cmp(&b.id));
    let manifest = Manifest::new(GENERATOR, &date, manifest, &common);
    common.push(manifest.artifact().map_err(|e| failed("deliver::manifest", e))?);
    for artifact in &common {
        staging.write(artifact).map_err(|e| failed("deliver::write", e))?;
    }
    Ok(())
}

/// The digest's line for an experiment without a report.
fn broken(id: &str, title: &str, problems: &[Diagnostic]) -> Entry {
    let first = problems.iter().find(|p| p.severity == Severity::Error);
    Entry {
        id: id.to_owned(),
        title: title.to_owned(),
        action: None,
        label: "Отчёта нет".into(),
        tone: Tone::Bad,
        headline: "Отчёт не получился.".into(),
        lead: first.map_or_else(String::new, |p| format!("Программа сообщила: {} ({}).", p.message, p.code)),
        before: None,
    }
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
