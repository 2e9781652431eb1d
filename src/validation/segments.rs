//! The effect by segment, each against the rest, with the correction over all segments of the experiment.

use crate::config::valid::{Adjustment, Aggregate, Config, Metric, MetricKind, MetricSource, Role};
use crate::data::{Dataset, GroupValues};
use crate::diag::Diagnostic;
use crate::metrics::gather;
use crate::metrics::outcome::MetricOutcome;
use crate::proof::segments::{Arm, Segment, Segments, adjust_comparisons, assess};
use crate::stats::bivariate::BivariateMoments;
use crate::stats::ratio::ratio_of_means;
use crate::stats::{Level, Moments};

/// Units of a segment in the smaller group below which it is not told alone.
const FEWEST: u64 = 100;

/// The effect of the primary metric in one pair, by the values of one segment.
#[derive(Clone, Debug)]
pub struct BySegment {
    /// Segment id.
    pub segment: String,
    /// Its title.
    pub title: String,
    /// Metric id.
    pub metric: String,
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// What was found.
    pub found: Segments,
}

/// Every `[[segment]]` of the primary metric, in every pair with the control.
///
/// # Errors
/// An expression that the data refuse. A segment that cannot be assessed (all units in one part, a quantile) is left out.
pub fn run(
    config: &Config,
    data: &Dataset,
    outcomes: &[MetricOutcome],
) -> Result<Vec<BySegment>, Diagnostic> {
    let Some(o) = outcomes.iter().find(|o| o.metric.role == Role::Primary) else { return Ok(Vec::new()) };
    let (Some(control), Some(level)) = (o.groups.first(), Level::from_alpha(config.design.alpha)) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for segment in &config.segments {
        let adjustment = Adjustment { strata: Some(segment.by.clone()), ..Adjustment::default() };
        let Some((groups, labels)) = values(data, &o.metric, &adjustment)? else { continue };
        for c in o.comparisons.iter().filter(|c| c.control == control.id) {
            let separate: Vec<&str> = o.separate.iter().map(|g| g.id.as_str()).collect();
            let of = |id: &str, stratum: usize| {
                let is_meant = |g: &&GroupValues| {
                    g.group == id || (id == control.id && separate.contains(&g.group.as_str()))
                };
                arm(groups.iter().filter(is_meant), stratum)
            };
            let parts: Option<Vec<Segment>> = labels
                .iter()
                .enumerate()
                .map(|(at, label)| {
                    let (control, treatment) = (of(&c.control, at)?, of(&c.treatment, at)?);
                    Some(Segment { id: label.clone(), control, treatment })
                })
                .collect();
            let Some(assessed) = parts.and_then(|parts| assess(&parts, FEWEST, level).ok()) else { continue };
            found.push(BySegment {
                segment: segment.id.clone(),
                title: segment.title.clone(),
                metric: o.metric.id.clone(),
                control: c.control.clone(),
                treatment: c.treatment.clone(),
                found: assessed,
            });
        }
    }
    // The only refusal is a p-value outside [0, 1], which no interaction test returns; the raw ones stay then.
    let _ = adjust_comparisons(found.iter_mut().map(|by| &mut by.found));
    Ok(found)
}

type ByUnit = (Vec<GroupValues>, Vec<String>);

fn values(data: &Dataset, metric: &Metric, adjustment: &Adjustment) -> Result<Option<ByUnit>, Diagnostic> {
    let MetricSource::Rows(rows) = &metric.source else { return Ok(None) };
    if matches!(metric.kind, MetricKind::Quantile { .. })
        || rows.aggregate == Aggregate::Rows
        || (rows.from.is_none() && data.has_counts_only())
        || data.has_counts_only()
    {
        return Ok(None);
    }
    let gathered = gather(data, metric, rows, adjustment)?;
    Ok(Some((gathered.groups, gathered.strata)))
}

/// One group within one part: mean and variance of a unit, for a ratio those of its linearised contribution.
fn arm<'g>(groups: impl Iterator<Item = &'g GroupValues>, stratum: usize) -> Option<Arm> {
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for group in groups {
        columns.resize(group.values.len(), Vec::new());
        for (column, values) in columns.iter_mut().zip(&group.values) {
            let of_part = values.iter().zip(&group.strata).filter(|(_, of)| **of as usize == stratum);
            column.extend(of_part.map(|(value, _)| *value));
        }
    }
    match columns.as_slice() {
        [values] => {
            let moments = Moments::from_slice(values);
            let variance = moments.variance().unwrap_or(0.0);
            Some(Arm { n: moments.n, mean: moments.mean, variance, denominator: None })
        }
        [numerator, denominator] => {
            let n = numerator.len() as u64;
            let sum: f64 = denominator.iter().sum();
            let moments = BivariateMoments::from_slices(numerator, denominator).ok();
            let estimate = moments.and_then(|moments| ratio_of_means(&moments).ok());
            Some(match estimate {
                Some(e) => Arm { n, mean: e.value, variance: e.variance * n as f64, denominator: Some(sum) },
                None => Arm { n: 0, mean: 0.0, variance: 0.0, denominator: Some(sum) },
            })
        }
        _ => None,
    }
}
