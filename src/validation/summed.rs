//! Parts of the units where these are known as sums: what the course of an effect and its segments take from cells.

use crate::stats::bivariate::BivariateMoments;
use crate::stats::comoments::Comoments;
use crate::stats::ratio::ratio_of_means;
use crate::sums::{Key, MetricSums, Sums};

/// The values of the units of these groups that are in cells that are meant.
pub fn values(
    sums: &Sums,
    metric: &MetricSums,
    groups: &[&str],
    is_meant: impl Fn(&Key) -> bool,
) -> Option<Comoments> {
    let mut total = Comoments::empty(metric.values);
    for (id, arm) in sums.groups.iter().zip(&metric.groups) {
        if groups.contains(&id.trim()) {
            total = total.merge(&metric.of_values(&arm.of(metric, &is_meant).ok()?)).ok()?;
        }
    }
    Some(total)
}

/// The estimate of some units with its squared standard error: a mean, or the ratio of two sums.
pub fn point(values: &Comoments) -> Option<(f64, f64)> {
    if values.variables() == 1 {
        let moments = values.of_variable(0)?;
        return Some((moments.mean, moments.variance_of_mean()?));
    }
    let estimate = ratio_of_means(&BivariateMoments::of_variables(values, 0, 1)?).ok()?;
    Some((estimate.value, estimate.variance))
}
