//! What belongs to the night as a whole: digest, manifest, archive.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::experiment::keep;
use super::job::Done;
use super::memory;
use super::prepare::Ready;
use super::{Batch, Ended, Success, failed};
use crate::artifact::Artifact;
use crate::deliver::archive::{Archive, KeptNight, Recommendation, Record, Run};
use crate::deliver::folder::Staging;
use crate::deliver::manifest::{Entry as FileEntry, ExperimentEntry, Failure, Manifest};
use crate::diag::{Diagnostic, Severity};
use crate::history::scorecard::Scorecard;
use crate::report::GENERATOR;
use crate::report::digest::{self, Entry};
use crate::report::document::Tone;
use crate::report::scorecard;
use crate::run::rendered;

/// An experiment of the present folder, as its manifest has it.
pub(super) struct Complete {
    run_key: String,
    outputs: Vec<FileEntry>,
}

impl Complete {
    /// Whether it was made under this run key and every file of it is there with its bytes.
    pub(super) fn is(&self, staging: &Staging, id: &str, run_key: &str) -> bool {
        self.run_key == run_key && staging.present_entries(id).is_ok_and(|files| files == self.outputs)
    }
}

/// Experiments of the present folder by id, from its manifest.
pub(super) fn complete(present: Option<&Manifest>) -> BTreeMap<String, Complete> {
    let one = |experiment: &ExperimentEntry| {
        let mut outputs = experiment.outputs.clone();
        outputs.sort();
        (experiment.id.clone(), Complete { run_key: experiment.run_key.clone(), outputs })
    };
    present.iter().flat_map(|manifest| &manifest.experiments).map(one).collect()
}

/// An experiment that needs no more work: what came of it, what the archive is to write down of it, how long it took.
pub(super) struct Closed {
    pub(super) ready: Ready,
    pub(super) result: Result<(Done, Option<Run>), Vec<Diagnostic>>,
    pub(super) took: Duration,
}

/// Puts together what belongs to the night as a whole: digest, manifest, archive.
pub(super) fn deliver(
    batch: &Batch,
    staging: &Staging,
    archive: &mut Archive,
    closed: Vec<Closed>,
    ended: &mut Vec<Ended>,
) -> Result<(), Diagnostic> {
    let date = batch.date.to_string();
    let (mut entries, mut manifest) = (Vec::new(), Vec::new());
    let (mut records, mut failures) = (Vec::new(), Vec::new());
    for e in ended.iter() {
        // Its config may name an experiment that another one describes, too: in the digest it goes by the name of its file.
        let Err(problems) = &e.result else { continue };
        let name = e.config.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        failures.push(failure(e.id.as_ref().unwrap_or(&name), &name, &e.config, problems));
    }
    let before = |archive: &Archive, entry: &Entry| {
        let before = archive.before(&entry.id, &date).ok().flatten().map(|e| e.action);
        before.filter(|b| Some(b) != entry.action.as_ref())
    };
    for Closed { ready, result, took } in closed {
        let (id, title) = (ready.id, ready.title);
        let result = result.map(|(mut done, run)| {
            done.entry.before = before(archive, &done.entry);
            records.push(Record {
                recommendation: Recommendation {
                    experiment: id.clone(),
                    title: done.entry.title.clone(),
                    data_date: date.clone(),
                    run_key: ready.run_key.clone(),
                    action: done.entry.action.clone().unwrap_or_default(),
                    winner: done.winner,
                    rule: done.rule,
                    results: done.results_hash,
                },
                night: done.night.take().map(|content| KeptNight {
                    seq: 0,
                    experiment: id.clone(),
                    data_date: date.clone(),
                    run_key: ready.run_key.clone(),
                    content,
                }),
                run,
            });
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
                rows: done.rows.unwrap_or(0),
                stages: ready.stages.into_iter().chain(done.stages).collect(),
            };
            entries.push(done.entry);
            success
        });
        if let Err(problems) = &result {
            failures.push(failure(&id, &title, &ready.path, problems));
        }
        ended.push(Ended { config: ready.path, id: Some(id), result, took });
    }
    let present = staging.manifest();
    let left = Left { present: present.as_ref(), adds: batch.only.is_some() || batch.single || batch.past };
    for (mut entry, experiment) in left.reports(staging, &manifest, &failures) {
        entry.before = before(archive, &entry);
        entries.push(entry);
        manifest.push(experiment);
    }
    failures.extend(left.failures(ended, &manifest, &failures));
    entries.extend(failures.iter().map(broken));
    let stage = tracing::debug_span!("archive").entered();
    archive.record(&records).map_err(|e| e.diagnostic("archive::append", &batch.out))?;
    let chain = archive.head().map_err(|e| e.diagnostic("archive::read", &batch.out))?;
    drop(stage);
    let stage = tracing::debug_span!("digest").entered();
    let cases = memory::cases(archive, batch.date).map_err(|e| e.diagnostic("archive::read", &batch.out))?;
    let standing = cases.iter().filter_map(|case| Some((case.id.clone(), case.standing()?.outcome)));
    let terms = batch.templates.narrative.terms();
    let mut document = digest::compose(entries, &standing.collect(), batch.date, terms, Some(&chain));
    let card = Scorecard::of(&cases, batch.date);
    document.blocks.extend(scorecard::blocks(&card, terms));
    let mut warnings = Vec::new();
    let (html, pdf) = rendered(&document, || Ok(Vec::new()), &batch.templates, batch.stamp, &mut warnings)?;
    drop(stage);
    let _stage = tracing::debug_span!("write").entered();
    let mut common = vec![
        Artifact::new("index.html", "text/html", html),
        Artifact::new("digest.pdf", "application/pdf", pdf),
    ];
    manifest.sort_by(|a, b| a.id.cmp(&b.id));
    // One experiment alone leaves a complete night complete, and is no night where there was none.
    let partial = batch.only.is_some() && present.as_ref().is_none_or(|present| present.partial);
    let manifest = Manifest { partial, failures, ..Manifest::new(GENERATOR, &date, manifest, &common) };
    common.push(manifest.artifact().map_err(|e| failed("deliver::manifest", e))?);
    for artifact in &common {
        staging.write(artifact).map_err(|e| failed("deliver::write", e))?;
    }
    Ok(())
}

/// What the run before left in the folder of the date. What is added to a night (one experiment alone, or what a night that was
/// made in part lacks) leaves it there; a night that is made again whole takes its place, and the archive keeps it.
struct Left<'a> {
    present: Option<&'a Manifest>,
    adds: bool,
}

impl Left<'_> {
    /// The reports that stay: those of experiments that were neither made now nor tried in vain.
    fn reports(
        &self,
        staging: &Staging,
        made: &[ExperimentEntry],
        failures: &[Failure],
    ) -> Vec<(Entry, ExperimentEntry)> {
        let mut stay = Vec::new();
        for id in staging.present().into_iter().filter(|id| !made.iter().any(|e| e.id == *id)) {
            let known = self.present.iter().flat_map(|p| &p.experiments).find(|e| e.id == id);
            let run_key = known.map_or("", |known| &known.run_key);
            let is_kept = self.adds && !failures.iter().any(|failure| failure.id == id);
            let kept = if is_kept { keep(staging, &id, run_key) } else { None };
            let Some(Done { entry, run_key, outputs, .. }) = kept else {
                tracing::warn!("the night has no report of `{id}` any more; `itog archive show {id}` has it");
                continue;
            };
            let inputs = known.map_or_else(Vec::new, |known| known.inputs.clone());
            stay.push((entry, ExperimentEntry { id, run_key, inputs, outputs }));
        }
        stay
    }

    /// The failures that stay: those of experiments that have no report by now and were not tried again.
    fn failures(&self, ended: &[Ended], made: &[ExperimentEntry], failures: &[Failure]) -> Vec<Failure> {
        let is_tried = |failure: &Failure| {
            ended.iter().any(|e| e.config.display().to_string() == failure.config)
                || made.iter().any(|e| e.id == failure.id)
                || failures.iter().any(|new| new.id == failure.id)
        };
        let before = self.present.filter(|_| self.adds).into_iter().flat_map(|present| &present.failures);
        before.filter(|failure| !is_tried(failure)).cloned().collect()
    }
}

fn failure(id: &str, title: &str, config: &Path, problems: &[Diagnostic]) -> Failure {
    let first = problems.iter().find(|p| p.severity == Severity::Error);
    Failure {
        id: id.to_owned(),
        config: config.display().to_string(),
        title: title.to_owned(),
        code: first.map_or_else(String::new, |p| p.code.to_owned()),
    }
}

/// The digest's line for an experiment without a report.
fn broken(failure: &Failure) -> Entry {
    Entry {
        id: failure.id.clone(),
        title: failure.title.clone(),
        action: None,
        label: "Отчёта нет".into(),
        tone: Tone::Bad,
        headline: "Отчёт не получился.".into(),
        lead: if failure.code.is_empty() { String::new() } else { digest::cause(&failure.code) },
        before: None,
    }
}
