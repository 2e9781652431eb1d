//! Which experiments are read in parts: those whose rows would take much memory, and whose metrics are made of sums.

use crate::config::valid::{Aggregate, DataSource, Metric, MetricKind, MetricSource, Streaming, TestKind};
use crate::diag::Diagnostic;

/// Rows that would take more memory than this are read in parts unless the config says otherwise.
pub(crate) const MOST_MEMORY: u64 = 512 << 20;

/// How rows are read in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Rows are units, and metrics are made of the sums of a few values.
    Sums,
    /// Rows are units; each part is read by the rules of rows.
    Units,
    /// Rows wait for the others of their units.
    Shards,
}

/// The way in which the rows are read, given an estimate of the memory that they would take at once; none: as a whole.
///
/// # Errors
/// `data::streaming` where the config asks for parts and something of it needs all rows.
pub(crate) fn way(
    source: &DataSource,
    metrics: &[Metric],
    memory: u64,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Way>, Diagnostic> {
    let wanted = match source.streaming {
        Streaming::Never => return Ok(None),
        Streaming::Always => true,
        Streaming::Auto => memory > MOST_MEMORY,
    };
    if !wanted {
        return Ok(None);
    }
    let Some(reason) = needs_all_rows(source, metrics) else {
        return Ok(Some(match (needs_rows(source, metrics), &source.unit) {
            (None, _) => Way::Sums,
            (Some(_), None) => Way::Units,
            (Some(_), Some(_)) => Way::Shards,
        }));
    };
    if source.streaming == Streaming::Always {
        return Err(Diagnostic::error("data::streaming", format!("streaming = \"always\": {reason}"))
            .hint("leave `streaming` out: the rows are then read as a whole"));
    }
    let message = format!("about {} MB of rows are read as a whole: {reason}", memory >> 20);
    warnings.push(Diagnostic::warning("data::streaming", message).hint(
        "rows are read in parts where every row is a unit or names its unit, and no quantile is of rows in clusters",
    ));
    Ok(None)
}

/// What cannot be made of portions of units.
fn needs_all_rows(source: &DataSource, metrics: &[Metric]) -> Option<String> {
    if source.count.is_some() {
        return Some("`count` says how many units a row stands for".to_string());
    }
    if source.identity.is_some() {
        return Some("devices are brought to their users".to_string());
    }
    metrics.iter().find_map(|metric| {
        let MetricSource::Rows(rows) = &metric.source else { return None };
        let clustered =
            matches!(metric.kind, MetricKind::Quantile { .. }) && rows.aggregate == Aggregate::Rows;
        clustered.then(|| format!("metric `{}`: a quantile of rows in clusters needs every row", metric.id))
    })
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
