//! Which experiments are read in parts: those whose rows would take much memory, and whose metrics are made of sums.

use crate::config::valid::{Aggregate, DataSource, Metric, MetricKind, MetricSource, Streaming, TestKind};
use crate::diag::Diagnostic;

/// Rows that would take more memory than this are read in parts unless the config says otherwise.
pub(crate) const MOST_MEMORY: u64 = 512 << 20;

/// Whether the rows are read in parts, given an estimate of the memory that they would take at once.
///
/// # Errors
/// `data::streaming` where the config asks for parts and something of it needs all rows.
pub(crate) fn in_parts(
    source: &DataSource,
    metrics: &[Metric],
    memory: u64,
    warnings: &mut Vec<Diagnostic>,
) -> Result<bool, Diagnostic> {
    let wanted = match source.streaming {
        Streaming::Never => return Ok(false),
        Streaming::Always => true,
        Streaming::Auto => memory > MOST_MEMORY,
    };
    let Some(reason) = wanted.then(|| needs_rows(source, metrics)).flatten() else { return Ok(wanted) };
    if source.streaming == Streaming::Always {
        return Err(Diagnostic::error("data::streaming", format!("streaming = \"always\": {reason}"))
            .hint("leave `streaming` out: the rows are then read as a whole"));
    }
    let message = format!("about {} MB of rows are read as a whole: {reason}", memory >> 20);
    warnings.push(
        Diagnostic::warning("data::streaming", message)
            .hint("rows are read in parts where every row is a unit and metrics are made of sums"),
    );
    Ok(false)
}

/// What cannot be made of sums over rows that are units.
pub(crate) fn needs_rows(source: &DataSource, metrics: &[Metric]) -> Option<String> {
    let of_source = [
        (source.unit.is_some(), "`unit` brings rows together"),
        (source.count.is_some(), "`count` says how many units a row stands for"),
        (!source.facts.is_empty(), "facts are joined to exposures"),
        (source.identity.is_some(), "devices are brought to their users"),
    ];
    if let Some((_, reason)) = of_source.into_iter().find(|(holds, _)| *holds) {
        return Some(reason.to_string());
    }
    metrics.iter().find_map(|metric| {
        let reason = match &metric.source {
            MetricSource::Rows(rows) => match metric.kind {
                MetricKind::Quantile { .. } => "a quantile needs every value",
                _ if rows.aggregate == Aggregate::Rows => "rows of a unit stay rows",
                _ if rows.winsorize.is_some() => "`winsorize` needs every value",
                _ if rows.adjustment.pre_period || !rows.adjustment.covariates.is_empty() => {
                    "covariates belong to units"
                }
                MetricKind::Mean if !is_of_sums(metric.test) => "its test needs every value",
                _ => return None,
            },
            MetricSource::Step(_) => "a funnel follows units",
            _ => return None,
        };
        Some(format!("metric `{}`: {reason}", metric.id))
    })
}

/// Whether a test of means is made of moments.
fn is_of_sums(test: TestKind) -> bool {
    matches!(test, TestKind::Auto | TestKind::Welch | TestKind::Student)
}
