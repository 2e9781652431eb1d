//! One experiment of a batch: made now, or kept as an earlier run left it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Batch;
use super::prepare::Ready;
use crate::deliver::archive::Run;
use crate::deliver::folder::Staging;
use crate::deliver::manifest::Entry as FileEntry;
use crate::diag::Diagnostic;
use crate::history::Told;
use crate::report::digest::Entry;
use crate::run::{Past, findings, report};
use crate::wording::narrative::Narrative;

/// One experiment that is done: made now, or kept.
pub(super) struct Done {
    pub(super) entry: Entry,
    pub(super) rule: String,
    pub(super) winner: Option<String>,
    pub(super) refused: bool,
    pub(super) kept: bool,
    pub(super) results_hash: String,
    pub(super) outputs: Vec<FileEntry>,
    pub(super) warnings: Vec<Diagnostic>,
    /// What the night keeps for those to come; a report that was kept has kept it already.
    pub(super) night: Option<String>,
    /// What the report said; none of one that was kept.
    pub(super) told: Option<Told>,
    /// What the archive is to write down of the run, once its files are stored.
    pub(super) run: Option<Run>,
}

/// Makes or keeps one experiment; a panic becomes a diagnostic.
pub(super) fn one(
    ready: &Ready,
    past: &Past,
    staging: &Staging,
    complete: &[(String, String)],
    batch: &Batch,
    narrative: &Narrative,
) -> Result<Done, Vec<Diagnostic>> {
    let id = &ready.config.value.experiment.id;
    let _experiment = tracing::info_span!(parent: None, "experiment", id = id.as_str()).entered();
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
    let _stage = tracing::debug_span!("write").entered();
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
        told: Some(made.told),
        run: None,
    })
}

/// Keeps the report that the present folder has for an experiment.
pub(super) fn keep(staging: &Staging, id: &str) -> Option<Done> {
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
        told: None,
        run: None,
        entry,
    })
}
