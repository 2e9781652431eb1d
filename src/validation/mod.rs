//! Proof on the reader's own data, and what the parts of the data say: an A/A run of every deciding test, the effect by
//! segment and by day, the balance before the experiment, the sample ratio night by night.
//!
//! [`crate::proof`] knows the statistics; this room brings the metrics of an experiment to it.

pub mod aa;
pub mod course;
pub mod segments;
pub mod trust;

use crate::config::valid::{Adjustment, Aggregate, Metric, MetricKind, Population, Rows};
use crate::data::{Dataset, Gathered, Query};
use crate::diag::Diagnostic;

/// The values of a metric by unit, with what `adjustment` asks for beside them.
fn gathered(
    data: &Dataset,
    metric: &Metric,
    rows: &Rows,
    adjustment: &Adjustment,
) -> Result<Gathered, Diagnostic> {
    let mut values = vec![rows.value.as_str()];
    if metric.kind == MetricKind::Ratio {
        values.push(rows.denominator.as_deref().unwrap_or("1"));
    }
    data.gather(&Query {
        from: rows.from.as_deref(),
        values: &values,
        filter: rows.filter.as_deref(),
        aggregate: rows.aggregate,
        population: rows.population,
        binary: metric.kind == MetricKind::Proportion,
        adjustment,
    })
}

/// A 1 for every exposed unit, with what `adjustment` asks for beside it.
fn exposed(data: &Dataset, adjustment: &Adjustment) -> Result<Gathered, Diagnostic> {
    data.gather(&Query {
        from: None,
        values: &["1"],
        filter: None,
        aggregate: Aggregate::Max,
        population: Population::Matching,
        binary: false,
        adjustment,
    })
}
