//! The effect by segment, each against the rest, with the correction over all segments of the experiment.

use super::summed;
use crate::config::valid::{Adjustment, Aggregate, Config, MetricKind, MetricSource, Role};
use crate::data::{Dataset, GroupValues, by_label};
use crate::diag::Diagnostic;
use crate::metrics::gather;
use crate::metrics::outcome::{Direction, MetricOutcome, Winsorized};
use crate::proof::segments::{Arm, Segment, SegmentEffect, Segments, adjust_comparisons, assess};
use crate::stats::bivariate::BivariateMoments;
use crate::stats::ratio::ratio_of_means;
use crate::stats::{Level, Moments};
use crate::sums::Sums;

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

impl BySegment {
    /// The parts in which the treatment is reliably worse and which reliably differ from the rest of the users.
    pub fn losing<'a>(&'a self, o: &'a MetricOutcome) -> impl Iterator<Item = &'a SegmentEffect> {
        self.found.effects.iter().filter(|part| {
            let unlike = part.against_rest.is_some_and(|against| against.p_adjusted < o.alpha);
            let ci = part.effect.ci;
            let apart = ci.low > 0.0 || ci.high < 0.0;
            unlike && Direction::of(part.effect.estimate, o.metric.goal, apart) == Direction::Worse
        })
    }
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
        let Some(Parted { labels, arm }) = parted(data, o, &adjustment)? else { continue };
        for c in o.comparisons.iter().filter(|c| c.control == control.id) {
            let separate: Vec<&str> = o.separate.iter().map(|g| g.id.as_str()).collect();
            let of = |id: &str, part: usize| match id == control.id && !separate.is_empty() {
                true => arm(&separate, part),
                false => arm(&[id], part),
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

/// Groups, by their ids, together within one part.
type ArmOfPart<'a> = Box<dyn Fn(&[&str], usize) -> Option<Arm> + 'a>;

/// The units in parts: their labels, and groups together within one part.
struct Parted<'a> {
    labels: Vec<String>,
    arm: ArmOfPart<'a>,
}

fn parted<'a>(
    data: &'a Dataset,
    o: &MetricOutcome,
    adjustment: &Adjustment,
) -> Result<Option<Parted<'a>>, Diagnostic> {
    let metric = &o.metric;
    let MetricSource::Rows(rows) = &metric.source else { return Ok(None) };
    if matches!(metric.kind, MetricKind::Quantile { .. })
        || rows.aggregate == Aggregate::Rows
        || data.has_counts_only()
    {
        return Ok(None);
    }
    let limits = o.handling.winsorized;
    if let Some(sums) = data.sums() {
        // The sums of parts are of the values as they are: with extremes drawn in they would answer another question.
        if limits.is_some() {
            return Ok(None);
        }
        return Ok(adjustment.strata.as_ref().and_then(|by| of_sums(sums, &metric.id, by)));
    }
    let gathered = gather(data, metric, rows, adjustment)?;
    let mut groups = gathered.groups;
    drawn_in(&mut groups, limits);
    let arm = move |ids: &[&str], part: usize| {
        arm(groups.iter().filter(|group| ids.contains(&group.group.as_str())), part)
    };
    Ok(Some(Parted { labels: gathered.strata, arm: Box::new(arm) }))
}

/// The values as the metric takes them: with the extremes that it drew in drawn in here, too.
pub(super) fn drawn_in(groups: &mut [GroupValues], limits: Option<Winsorized>) {
    let Some(limits) = limits else { return };
    let (low, high) = (limits.low.unwrap_or(f64::NEG_INFINITY), limits.high.unwrap_or(f64::INFINITY));
    for value in groups.iter_mut().filter_map(|group| group.values.first_mut()).flatten() {
        *value = value.clamp(low, high);
    }
}

/// Parts in the order of labels, the one without a label last.
fn of_sums<'a>(sums: &'a Sums, metric: &str, by: &str) -> Option<Parted<'a>> {
    let metric = sums.metric(metric)?;
    let at = sums.partition(by)?;
    let parts = &sums.partitions[at].parts;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| by_label(&parts[*a], &parts[*b]));
    let labels = order.iter().map(|part| parts[*part].clone()).collect();
    let arm = move |ids: &[&str], part: usize| {
        let values = summed::values(sums, metric, ids, |key| key.parts[at] as usize == order[part])?;
        let n = values.n();
        let denominator = values.of_variable(1).map(|of| of.sum());
        Some(match (summed::point(&values), denominator) {
            (Some((mean, error)), _) => Arm { n, mean, variance: error * n as f64, denominator },
            (None, None) => {
                let mean = values.of_variable(0).map_or(0.0, |of| of.mean);
                Arm { n, mean, variance: 0.0, denominator }
            }
            (None, _) => Arm { n: 0, mean: 0.0, variance: 0.0, denominator },
        })
    };
    Some(Parted { labels, arm: Box::new(arm) })
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
