//! Metric kinds: from samples to outcomes.
//!
//! Each kind is one file with an [`Estimator`]; `compare` asks it the same questions in the same order: the groups, the
//! test of all groups, the tests of each pair, the correction over their family, and only then the intervals, at the level
//! at which the pair was judged, so that an interval excludes zero exactly when its test is significant.

mod adjusted;
mod arms;
pub mod choice;
mod clustered;
mod compare;
mod family;
mod influence;
mod mean;
pub mod outcome;
mod permuted;
mod proportion;
mod quantile;
mod ratio;
pub(crate) mod relative;
mod size;
mod summed;
mod winsorized;

#[cfg(test)]
mod tests;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::valid::{
    Adjustment, Aggregate, Config, Metric, MetricKind, MetricSource, Resampling, Rows,
};
use crate::data::{Dataset, Gathered, GroupValues, Query};
use crate::diag::Diagnostic;
use crate::planning::PlanOutcome;
use crate::stats::{Interval, Level, Undefined, bootstrap};
use arms::{Layout, arrange};
use outcome::{
    Beside, Driver, Estimate, GroupOutcome, Handling, MetricOutcome, NamedTest, Replicates, VarianceRemoved,
};

/// What every metric kind answers. Groups are indices in the order of the outcome.
trait Estimator {
    /// The groups with intervals at this level.
    fn groups(&self, level: Level) -> Vec<GroupOutcome>;
    /// One test of all groups from this one on, for three groups and more.
    fn omnibus(&self, from: usize) -> Option<NamedTest>;
    /// Every test of a pair, the deciding one first. Statistics are of control − treatment.
    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined>;
    /// The effects of a pair, treatment − control, with intervals at this level.
    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects;
    /// Variance of one unit's contribution in a group, for sizes: `se² = variance / n`.
    fn unit_variance(&self, group: usize) -> Option<f64>;
    /// The estimate of a group that differences are made of, with its squared standard error: what a night keeps.
    fn point(&self, group: usize) -> Option<(f64, f64)>;
    /// A simultaneous test of all pairs (Tukey's or Dunnett's), when the kind has it.
    fn simultaneous(
        &self,
        _pairs: &[(usize, usize)],
        _tukey: bool,
        _level: Level,
    ) -> Option<Vec<Simultaneous>> {
        None
    }
    /// What a single unit does to the difference of a pair.
    fn driver(&self, _control: usize, _treatment: usize) -> Option<Driver> {
        None
    }
    /// The same question answered in other ways.
    fn beside(&self, _control: usize, _treatment: usize, _level: Level) -> Vec<Beside> {
        Vec::new()
    }
    /// What was done to the values.
    fn handling(&self) -> Handling {
        Handling::default()
    }
    /// Reason codes of the deciding test, empty when the config named it.
    fn choice(&self) -> Vec<&'static str>;
}

/// One pair of a simultaneous test: its p-value and intervals already hold for all pairs.
struct Simultaneous {
    test: NamedTest,
    ci: Option<(f64, f64)>,
    relative: Option<Estimate>,
}

/// Effects of a pair.
#[derive(Clone, Debug, Default)]
struct Effects {
    absolute: Option<Estimate>,
    relative: Option<Estimate>,
    relative_log: Option<(f64, f64)>,
    shift: Option<Estimate>,
    superiority: Option<Estimate>,
    replicates: Option<Replicates>,
    adjustment: Option<VarianceRemoved>,
}

/// A metric whose estimator stands.
struct Draft<'a> {
    metric: &'a Metric,
    estimator: Box<dyn Estimator>,
    layout: Layout,
}

/// Measures every metric of an experiment.
///
/// # Errors
/// An expression that the data refuse. A metric that is merely undefined (an empty group, no variance) is no error: its
/// outcome says why it has no result.
pub fn measure(
    config: &Config,
    data: Option<&Dataset>,
    plans: &[PlanOutcome],
) -> Result<Vec<MetricOutcome>, Vec<Diagnostic>> {
    let mut drafts: Vec<Result<Draft, (&Metric, Undefined)>> = Vec::new();
    let mut problems = Vec::new();
    for metric in &config.metrics {
        match estimator(config, metric, data) {
            Ok(Ok((estimator, layout))) => drafts.push(Ok(Draft { metric, estimator, layout })),
            Ok(Err(reason)) => drafts.push(Err((metric, reason))),
            Err(problem) => problems.push(problem.about(&metric.part())),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let Some(level) = Level::from_alpha(config.design.alpha) else {
        let reason = Undefined::InvalidParameter("alpha");
        return Ok(config.metrics.iter().map(|m| undefined(config, m, Vec::new(), reason)).collect());
    };
    let frame = compare::Frame { config, data, plans, level };
    let mut tested = Vec::new();
    let mut outcomes: Vec<Option<MetricOutcome>> = Vec::with_capacity(drafts.len());
    for draft in &drafts {
        let (metric, groups, reason) = match draft {
            Err((metric, reason)) => (*metric, Vec::new(), *reason),
            Ok(draft) => match compare::test(&frame, draft) {
                Err((groups, reason)) => (draft.metric, groups, reason),
                Ok(of_metric) => {
                    tested.push(of_metric);
                    outcomes.push(None);
                    continue;
                }
            },
        };
        outcomes.push(Some(undefined(config, metric, groups, reason)));
    }
    let mut judged = compare::judge(&frame, tested).into_iter();
    Ok(outcomes.into_iter().filter_map(|known| known.or_else(|| judged.next())).collect())
}

/// A pair as a night sees it, without tests.
pub struct Glance {
    /// Metric id.
    pub metric: String,
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// Groups that the control is the pool of; empty where it is one group.
    pub pooled: Vec<String>,
    /// Control and treatment, each the estimate with its squared standard error.
    pub points: Option<[(f64, f64); 2]>,
}

/// Every pair that decides, as far as a night before is kept: estimates and their errors, no test and no resampling.
///
/// # Errors
/// As [`measure`].
pub fn glance(config: &Config, data: &Dataset) -> Result<Vec<Glance>, Vec<Diagnostic>> {
    let mut seen = Vec::new();
    for metric in &config.metrics {
        let Ok((estimator, layout)) =
            estimator(config, metric, Some(data)).map_err(|problem| vec![problem])?
        else {
            continue;
        };
        let Some(level) = Level::from_alpha(config.design.alpha) else { continue };
        let ids: Vec<String> = estimator.groups(level).into_iter().map(|group| group.id).collect();
        for (c, t) in layout.pairs(ids.len(), config.design.comparisons) {
            let is_pool = layout.parts > 0 && c == 0;
            seen.push(Glance {
                metric: metric.id.clone(),
                control: ids[c].clone(),
                treatment: ids[t].clone(),
                pooled: if is_pool { ids[1..=layout.parts].to_vec() } else { Vec::new() },
                points: estimator.point(c).zip(estimator.point(t)).map(|(c, t)| [c, t]),
            });
        }
    }
    Ok(seen)
}

type Made = Result<(Box<dyn Estimator>, Layout), Undefined>;

/// The estimator of a metric: the list of kinds.
fn estimator(config: &Config, metric: &Metric, data: Option<&Dataset>) -> Result<Made, Diagnostic> {
    let design = &config.design;
    let groups = match &metric.source {
        MetricSource::Summary(groups) => {
            let (groups, layout) = arrange(groups.clone(), design);
            return Ok(boxed(mean::Mean::from_summaries(metric, &groups), layout));
        }
        MetricSource::Counts(groups) => {
            let (groups, layout) = arrange(groups.clone(), design);
            return Ok(boxed(proportion::Proportion::from_counts(metric, &groups), layout));
        }
        MetricSource::Rows(rows) => {
            let Some(data) = data else { return Ok(Err(Undefined::EmptyGroup)) };
            if let Some(sums) = data.sums() {
                return summed::of_sums(
                    config,
                    metric,
                    Some(rows),
                    sums,
                    &ids(data),
                    seed_of(config, metric),
                );
            }
            if rows.from.is_none() && config.data.as_ref().is_some_and(|data| data.count.is_some()) {
                let (groups, layout) = arrange(data.successes(&rows.value, rows.filter.as_deref())?, design);
                return Ok(boxed(proportion::Proportion::from_counts(metric, &groups), layout));
            }
            return Ok(of_rows(config, metric, rows, gather(data, metric, rows, &rows.adjustment)?));
        }
        MetricSource::Step(step) => {
            let Some(data) = data else { return Ok(Err(Undefined::EmptyGroup)) };
            if let Some(sums) = data.sums() {
                return summed::of_sums(config, metric, None, sums, &ids(data), seed_of(config, metric));
            }
            data.funnel(step.from.as_deref(), &step.steps, step.ordered)?.groups
        }
    };
    let (groups, layout) = arrange(groups, design);
    Ok(boxed(proportion::Proportion::from_values(metric, &groups), layout))
}

fn ids(data: &Dataset) -> Vec<String> {
    data.groups.iter().map(|group| group.id.clone()).collect()
}

fn boxed<E: Estimator + 'static>(made: Result<E, Undefined>, layout: Layout) -> Made {
    made.map(|estimator| (Box::new(estimator) as Box<dyn Estimator>, layout))
}

/// The values of a metric by unit, with what `adjustment` asks for beside them.
///
/// # Errors
/// An expression that the data refuse.
pub fn gather(
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

/// What a metric's resampling starts from.
fn seed_of(config: &Config, metric: &Metric) -> Seed {
    Seed {
        value: seed(&config.experiment.id, &metric.id),
        replicates: config.design.replicates as usize,
        resampling: match config.design.resampling {
            Resampling::Multinomial => bootstrap::Resampling::Multinomial,
            Resampling::Poisson => bootstrap::Resampling::Poisson,
        },
    }
}

/// The estimator of what was gathered from rows.
fn of_rows(config: &Config, metric: &Metric, rows: &Rows, gathered: Gathered) -> Made {
    let Gathered { groups, strata, covariates } = gathered;
    let (groups, layout) = arrange(groups, &config.design);
    let known = adjusted::Known { strata: strata.len(), covariates, adjustment: &rows.adjustment };
    of_values(metric, rows, groups, known, layout, seed_of(config, metric))
}

/// The estimator of values by unit, or of rows in clusters.
fn of_values(
    metric: &Metric,
    rows: &Rows,
    groups: Vec<GroupValues>,
    known: adjusted::Known,
    layout: Layout,
    seed: Seed,
) -> Made {
    let clustered = rows.aggregate == Aggregate::Rows;
    match metric.kind {
        MetricKind::Quantile { quantile } if clustered => {
            boxed(clustered::ClusteredQuantile::new(quantile, groups), layout)
        }
        MetricKind::Mean | MetricKind::Proportion if clustered => {
            boxed(clustered::ClusteredMean::new(groups), layout)
        }
        MetricKind::Mean => match rows.winsorize {
            Some(ends) => {
                boxed(winsorized::WinsorizedMean::new(metric, groups, ends, known, layout, seed), layout)
            }
            None => mean_of(metric, groups, known, layout, seed),
        },
        MetricKind::Proportion => {
            let plain = proportion::Proportion::from_values(metric, &groups);
            adjusted::or_plain(plain, &groups, known, layout)
        }
        MetricKind::Ratio => {
            let plain = ratio::Ratio::from_values(&groups);
            adjusted::or_plain(plain, &groups, known, layout)
        }
        MetricKind::Quantile { quantile } => {
            boxed(quantile::Quantile::from_values(quantile, groups, seed), layout)
        }
    }
}

/// A mean, adjusted where something is known of the units before the experiment.
fn mean_of(
    metric: &Metric,
    groups: Vec<GroupValues>,
    known: adjusted::Known,
    layout: Layout,
    seed: Seed,
) -> Made {
    if known.adjustment.is_empty() {
        return boxed(mean::Mean::from_values(metric, groups, seed), layout);
    }
    let plain = mean::Mean::from_values(metric, groups.clone(), seed);
    adjusted::or_plain(plain, &groups, known, layout)
}

/// What resampling needs to be the same on every run.
#[derive(Clone, Copy, Debug)]
struct Seed {
    value: u64,
    replicates: usize,
    resampling: bootstrap::Resampling,
}

/// The seed of a metric's resampling: from ids alone, so that neither the order of metrics nor other experiments
/// change its numbers.
fn seed(experiment: &str, metric: &str) -> u64 {
    let hash = blake3::hash(format!("{experiment}\n{metric}").as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default())
}

impl Seed {
    /// The generator of a pair's resampling; another pair of the same metric has another one.
    fn of_pair(self, control: usize, treatment: usize) -> Xoshiro256PlusPlus {
        let pair = (control as u64) << 32 | treatment as u64;
        // The golden ratio's bits spread neighbouring pairs over all seeds.
        Xoshiro256PlusPlus::seed_from_u64(self.value ^ pair.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// Both ends of an interval, none where it is unbounded: results and reports show no infinite end.
fn ends(interval: Interval) -> Option<(f64, f64)> {
    (interval.low.is_finite() && interval.high.is_finite()).then_some((interval.low, interval.high))
}

fn undefined(
    config: &Config,
    metric: &Metric,
    groups: Vec<GroupOutcome>,
    reason: Undefined,
) -> MetricOutcome {
    MetricOutcome {
        metric: metric.clone(),
        alpha: config.design.alpha,
        groups,
        omnibus: None,
        separate: Vec::new(),
        controls: Vec::new(),
        comparisons: Vec::new(),
        family: 0,
        handling: Handling::default(),
        choice: Vec::new(),
        conditional: None,
        at_plan: None,
        undefined: Some(reason),
    }
}
