//! What belongs to the night as a whole: digest, manifest, archive.

use super::experiment::{Done, keep};
use super::prepare::Ready;
use super::{Batch, Ended, Success, failed};
use crate::artifact::Artifact;
use crate::deliver::archive::{Archive, KeptNight, Recommendation, Record};
use crate::deliver::folder::Staging;
use crate::deliver::manifest::{ExperimentEntry, Manifest};
use crate::diag::{Diagnostic, Severity};
use crate::report::GENERATOR;
use crate::report::digest::{self, Entry};
use crate::report::document::Tone;
use crate::run::rendered;
use crate::wording::narrative::Narrative;

/// Experiments of the present folder with their run keys, from its manifest.
pub(super) fn complete_keys(staging: &Staging) -> Vec<(String, String)> {
    let manifest = staging.read_present("manifest.json").ok();
    let manifest: Option<serde_json::Value> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let experiments = manifest.as_ref().and_then(|m| m["experiments"].as_array());
    let pair =
        |e: &serde_json::Value| Some((e["id"].as_str()?.to_owned(), e["run_key"].as_str()?.to_owned()));
    experiments.into_iter().flatten().filter_map(pair).collect()
}

/// Puts together what belongs to the night as a whole: digest, manifest, archive.
pub(super) fn deliver(
    batch: &Batch,
    narrative: &Narrative,
    staging: &Staging,
    archive: &mut Archive,
    done: Vec<(Ready, Result<Done, Vec<Diagnostic>>)>,
    ended: &mut Vec<Ended>,
) -> Result<(), Diagnostic> {
    let date = batch.date.to_string();
    let (mut entries, mut manifest) = (Vec::new(), Vec::new());
    let mut records = Vec::new();
    for (ready, result) in done {
        let id = ready.config.value.experiment.id.clone();
        let title = ready.config.value.experiment.title.clone();
        let result = result.map(|mut done| {
            let before = archive.before(&id, &date).ok().flatten().map(|e| e.action);
            done.entry.before = before.filter(|b| Some(b) != done.entry.action.as_ref());
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
                run: done.run.take(),
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
    let complete = complete_keys(staging);
    for id in staging.present() {
        let known = manifest.iter().any(|e| e.id == id);
        if !known && let Some(kept) = keep(staging, &id) {
            if !entries.iter().any(|e| e.id == id) {
                entries.push(kept.entry);
            }
            let run_key = complete.iter().find(|(known, _)| *known == id).map(|(_, key)| key.clone());
            manifest.push(ExperimentEntry {
                id,
                run_key: run_key.unwrap_or_default(),
                inputs: Vec::new(),
                outputs: kept.outputs,
            });
        }
    }
    let stage = tracing::debug_span!("archive").entered();
    archive.record(&records).map_err(|e| e.diagnostic("archive::append", &batch.out))?;
    let chain = archive.head().map_err(|e| e.diagnostic("archive::read", &batch.out))?;
    drop(stage);
    let stage = tracing::debug_span!("digest").entered();
    let document = digest::compose(entries, batch.date, narrative.terms(), Some(&chain));
    let mut warnings = Vec::new();
    let (html, pdf) = rendered(&document, &[], batch.stamp, &mut warnings)?;
    drop(stage);
    let mut common = vec![
        Artifact::new("index.html", "text/html", html),
        Artifact::new("digest.pdf", "application/pdf", pdf),
    ];
    manifest.sort_by(|a, b| a.id.cmp(&b.id));
    let manifest = Manifest::new(GENERATOR, &date, manifest, &common);
    common.push(manifest.artifact().map_err(|e| failed("deliver::manifest", e))?);
    let _stage = tracing::debug_span!("write").entered();
    for artifact in &common {
        staging.write(artifact).map_err(|e| failed("deliver::write", e))?;
    }
    Ok(())
}

/// The digest's line for an experiment without a report.
pub(super) fn broken(id: &str, title: &str, problems: &[Diagnostic]) -> Entry {
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
