//! One experiment, as a worker inspects and makes it, and as the batch keeps what an earlier run left of it.

use std::path::Path;

use tracing::{debug_span, info_span};

use super::job::{Done, Inquiry, Inspected, Order};
use super::memory;
use super::prepare::inputs;
use crate::artifact::Artifact;
use crate::config;
use crate::config::valid::{Config, Metric, MetricSource};
use crate::data;
use crate::deliver::folder::{self, Staging};
use crate::deliver::manifest::{Entry as FileEntry, Manifest};
use crate::diag::{Diagnostic, Place};
use crate::report::GENERATOR;
use crate::report::digest::Entry;
use crate::run::{findings, report};
use crate::templates::Templates;
use crate::warehouse;

/// Reads a config and the headers of its data, and hashes what goes into the report.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn inspect(inquiry: &Inquiry) -> Result<Inspected, Vec<Diagnostic>> {
    inspected(inquiry).map_err(|problems| of_config(problems, &inquiry.source.config))
}

/// Problems as those of one experiment among many.
fn of_config(problems: Vec<Diagnostic>, config: &Path) -> Vec<Diagnostic> {
    problems.into_iter().map(|problem| problem.of_config(config)).collect()
}

fn inspected(inquiry: &Inquiry) -> Result<Inspected, Vec<Diagnostic>> {
    let _stage = debug_span!("check").entered();
    let Inquiry { source, date, before } = inquiry;
    let mut config = config::load(&source.config, &source.overrides)?.value;
    debug_span!("ask").in_scope(|| warehouse::fill(&mut config, *date, before))?;
    if let Some(source) = config.data.as_ref().filter(|source| source.warehouse.is_none()) {
        data::inspect(source, &config.metrics, &config.segments)?;
    }
    let files = debug_span!("read").in_scope(|| data::fill(&mut config, *date, before))?;
    Ok(Inspected {
        inputs: inputs(&config, &files).map_err(|problem| vec![problem])?,
        time_limit: config.experiment.time_limit.map(|limit| limit.as_millis() as u64),
        id: config.experiment.id.clone(),
        title: config.experiment.title.clone(),
        tables: memory::tables(&config),
        answer: config.data.as_ref().and_then(|data| data.answer.as_deref()).map(str::to_owned),
        text: config.text.to_string(),
        undated: undated(&config),
        stages: Vec::new(),
    })
}

/// What of an experiment does not say when it happened, so that today's files and numbers tell nothing of a day of the past.
fn undated(config: &Config) -> Option<String> {
    let is_published =
        |metric: &Metric| matches!(metric.source, MetricSource::Summary(_) | MetricSource::Counts(_));
    if config.metrics.iter().any(is_published) {
        return Some("published numbers do not say of which day they are".to_owned());
    }
    let Some(data) = &config.data else { return Some("it has no rows of that day".to_owned()) };
    if data.time.is_none() {
        return Some("its rows do not say when they happened".to_owned());
    }
    let facts = data.facts.iter().find(|facts| facts.time.is_none())?;
    Some(format!("the rows of `{}` do not say when they happened", facts.name))
}

/// Makes the report of an experiment and lets it enter the night.
///
/// # Errors
/// Whatever keeps the report from being made or written.
pub(super) fn make(order: Order, templates: &Templates) -> Result<Done, Vec<Diagnostic>> {
    let config = order.source.config.clone();
    made(order, templates).map_err(|problems| of_config(problems, &config))
}

fn made(order: Order, templates: &Templates) -> Result<Done, Vec<Diagnostic>> {
    let id = &order.id.clone();
    let _experiment = info_span!(parent: None, "experiment", id = id.as_str()).entered();
    let mut config = config::load(&order.source.config, &order.source.overrides)?;
    if let Some(data) = &mut config.value.data {
        data.answer = order.answer.map(Into::into);
    }
    if blake3::hash(config.value.text.as_bytes()).to_hex().as_str() != order.config_hash {
        let problem = Diagnostic::error("run::config-changed", "the config was changed while the batch ran")
            .at(Place::file(&order.source.config))
            .hint("run it again; put a config in place by renaming it, not by editing it there");
        return Err(vec![problem]);
    }
    let findings = findings(config, order.date, &order.memory.past())?;
    let date = order.date.to_string();
    let manifest =
        |made: &[Artifact]| Manifest::carried(GENERATOR, &date, (id, &order.run_key), &order.inputs, made);
    let made = report(&findings, templates, order.stamp, Some(&manifest)).map_err(|problem| vec![problem])?;
    let outputs = {
        let _stage = debug_span!("write").entered();
        folder::enter(&order.root, id, &made.artifacts).map_err(|error| unwritten(id, &error))?
    };
    let results_name = format!("{id}/results.json");
    let results_hash = outputs.iter().find(|o| o.path == results_name).map(|o| o.blake3.clone());
    let done = Done {
        entry: made.entry,
        run_key: order.run_key.clone(),
        rule: made.rule.to_owned(),
        winner: made.winner,
        refused: made.refused,
        kept: false,
        results_hash: results_hash.unwrap_or_default(),
        outputs,
        warnings: made.warnings,
        night: made.night,
        told: Some(made.told),
        rows: made.results["data"]["rows"].as_u64(),
        stages: Vec::new(),
    };
    let content = serde_json::to_vec(&done).map_err(std::io::Error::from);
    content
        .and_then(|content| folder::record(&order.root, id, &content))
        .map_err(|error| unwritten(id, &error))?;
    Ok(done)
}

fn unwritten(id: &str, error: &std::io::Error) -> Vec<Diagnostic> {
    vec![Diagnostic::error("deliver::write", format!("cannot write the report of {id}: {error}"))]
}

/// Takes an experiment that a killed run of the same date had completed with the same run key.
pub(super) fn salvage(
    staging: &Staging,
    abandoned: &std::path::Path,
    id: &str,
    run_key: &str,
) -> Option<Done> {
    let done: Done = serde_json::from_slice(&folder::recorded(abandoned, id)?).ok()?;
    if done.run_key != run_key || !staging.salvage(abandoned, id, &done.outputs).ok()? {
        return None;
    }
    let done = Done { kept: true, ..done };
    // The next run may have to take it from this one.
    folder::record(staging.root(), id, &serde_json::to_vec(&done).ok()?).ok()?;
    Some(Done { stages: Vec::new(), ..done })
}

/// Keeps the report that the present folder has for an experiment.
pub(super) fn keep(staging: &Staging, id: &str, run_key: &str) -> Option<Done> {
    let bytes = staging.read_present(&format!("{id}/results.json")).ok()?;
    let results: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    let entry = Entry::of_results(&results)?;
    staging.keep(id).ok()?;
    let text = |v: &serde_json::Value| v.as_str().map(str::to_owned);
    Some(Done {
        run_key: run_key.to_owned(),
        rule: text(&results["decision"]["rule"]).unwrap_or_default(),
        winner: text(&results["decision"]["winner"]),
        refused: results["decision"]["rule"] == "data-refused",
        kept: true,
        results_hash: FileEntry::of("", &bytes).blake3,
        outputs: staging.entries(id).ok()?,
        warnings: Vec::new(),
        night: None,
        told: None,
        rows: None,
        stages: Vec::new(),
        entry,
    })
}
