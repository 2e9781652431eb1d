//! `itog analyze` and `itog validate`: the results and the proof of one config, on stdout.

use std::path::Path;

use itog::config::valid::MetricSource;
use itog::diag::Diagnostic;
use itog::sums::Before;
use itog::validation::aa;
use itog::{config, data, report, results, run, warehouse};
use jiff::civil::Date;
use serde_json::json;

use super::{
    DONE, FAILED, Outcome, PARTLY, REFUSED, USAGE, overrides, print, print_json, stop, templates, today,
};
use crate::cli::Format;
use crate::terminal;

pub fn analyze(file: &Path, set: &[String], texts: Option<&Path>, date: Option<Date>) -> Outcome {
    let templates = templates(texts)?;
    let overrides = overrides(set)?;
    let mut config = config::load(file, &overrides).or_else(|problems| stop(&problems, USAGE))?;
    let date = date.unwrap_or_else(today);
    let _ = ctrlc::set_handler(warehouse::interrupt);
    let before = Before::default();
    warehouse::fill(&mut config.value, date, &before).or_else(|problems| stop(&problems, PARTLY))?;
    data::fill(&mut config.value, date, &before).or_else(|problems| stop(&problems, PARTLY))?;
    let findings = run::findings(config, date, &run::Past::default()).or_else(|p| stop(&p, PARTLY))?;
    let told = report::compose(&findings, &templates.narrative)
        .or_else(|error| stop(&[templates.blamed("report::narrative", &error)], FAILED))?;
    terminal::print(&findings.warnings);
    print_json(&results::v1(&findings, &told))?;
    Ok(if findings.trust.refused() { REFUSED } else { DONE })
}

pub fn validate(
    file: &Path,
    set: &[String],
    date: Option<Date>,
    iterations: Option<u64>,
    format: Format,
) -> Outcome {
    let overrides = overrides(set)?;
    let config = config::load(file, &overrides).or_else(|problems| stop(&problems, USAGE))?;
    if config.value.data.as_ref().is_none_or(|data| data.warehouse.is_some()) {
        let problem = Diagnostic::error("validate::no-rows", "the experiment has no rows to be relabelled")
            .hint("an A/A run needs [data]; published numbers cannot be proven");
        return stop(&[problem], USAGE);
    }
    let effort =
        aa::Effort { iterations: iterations.map_or(aa::THOROUGH.iterations, |n| n as usize), ..aa::THOROUGH };
    let date = date.unwrap_or_else(today);
    let on_rows = config.value.metrics.iter().filter(|metric| matches!(metric.source, MetricSource::Rows(_)));
    let on_rows: Vec<String> = on_rows.map(|metric| metric.id.clone()).collect();
    let proven = run::validate(config, date, effort).or_else(|problems| stop(&problems, PARTLY))?;
    let without = on_rows.iter().filter(|id| proven.iter().all(|p| p.metric != **id));
    let told = without.map(|id| {
        Diagnostic::warning("validate::no-proof", format!("metric `{id}` is not put to the proof")).hint(
            "there is no A/A run for quantiles of rows, for counted rows, and for what cannot be measured",
        )
    });
    terminal::print(&told.collect::<Vec<_>>());
    if format == Format::Json {
        return print_json(&json!(proven.iter().map(results::proven).collect::<Vec<_>>()));
    }
    let line = |p: &aa::Proven| {
        let rate = p.rate.as_ref().map_or("not run".to_owned(), |rate| {
            let (low, high) = (rate.interval.low * 100.0, rate.interval.high * 100.0);
            format!(
                "{:.2} % false positives ({low:.2} to {high:.2}) in {} runs",
                rate.share * 100.0,
                rate.iterations
            )
        });
        format!("{:<20} {:<16} {:<13} {rate}\n", p.metric, p.test, results::proof_verdict(p))
    };
    print(&proven.iter().map(line).collect::<String>())
}
