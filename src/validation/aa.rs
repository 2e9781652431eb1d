//! The A/A run: units are relabelled at random, thousands of times, and the deciding test of every metric is asked each
//! time whether it sees a difference that cannot be there.

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::config::valid::{Aggregate, Config, Metric, MetricKind, MetricSource, Rows};
use crate::data::{Dataset, Gathered, GroupValues};
use crate::diag::Diagnostic;
use crate::metrics::gather;
use crate::metrics::outcome::MetricOutcome;
use crate::proof::calibration::{Rate, Uniformity, Verdict, histogram};
use crate::proof::column::{Column, MeanTest, Measure, ProportionTest, UnitTable};
use crate::proof::engine::{Plan, prove};
use crate::stats::comoments::Comoments;
use crate::stats::regression_adjustment::{adjusted_means, adjusted_ratios};
use crate::stats::winsorize::{bounds, winsorized};

/// How much is run.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Relabellings.
    pub iterations: usize,
    /// Nominal seconds of one core that a metric may cost.
    pub budget: f64,
    /// Units beyond which every so-many-th stands for all: a test that holds on them holds on more.
    pub most_units: usize,
}

/// In every report: enough to tell 5 % from 6 %, cheap enough for every night.
pub const NIGHTLY: Effort = Effort { iterations: 2_000, budget: 0.05, most_units: 20_000 };
/// For `itog validate`: enough to tell 5 % from 5.5 %.
pub const THOROUGH: Effort = Effort { iterations: 20_000, budget: 4.0, most_units: usize::MAX };

/// What the A/A run says of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// Metric id.
    pub metric: String,
    /// Contract name of the test that was put to the proof.
    pub test: &'static str,
    /// Whether it holds its error rate.
    pub verdict: Verdict,
    /// Share of false positives with its interval; none when it was not run.
    pub rate: Option<Rate>,
    /// Distance of the p-values from uniform.
    pub uniformity: Option<Uniformity>,
    /// p-values in twenty classes from 0 to 1.
    pub histogram: [u64; 20],
    /// p-values in the order of the relabellings.
    pub p_values: Vec<f64>,
    /// Units that took part; fewer than there are in a large experiment.
    pub units: u64,
    /// The test has few p-values: fewer false positives than alpha are in its nature.
    pub discrete: bool,
}

/// Runs the proof over all metrics that stand on rows; empty without rows, and where these are known as sums.
///
/// Two halves are compared at the level of the design: what is proven is the test, not the design's groups.
///
/// # Errors
/// As [`crate::metrics::measure`].
pub fn run(
    config: &Config,
    data: &Dataset,
    outcomes: &[MetricOutcome],
    effort: Effort,
) -> Result<Vec<Proven>, Diagnostic> {
    // Units are relabelled over all metrics at once; sums do not know which values belong to one unit.
    let data = match data.sample() {
        Some(sample) => sample,
        None if data.sums().is_some() => return Ok(Vec::new()),
        None => data,
    };
    let all: u64 = data.groups.iter().map(|group| group.units).sum();
    let step = (all as usize).div_ceil(effort.most_units).max(1) as u32;
    let mut tests = Vec::new();
    let mut columns = Vec::new();
    for o in outcomes {
        let Some(test) = o.comparisons.first().map(|c| c.deciding.test) else { continue };
        if let Some(values) = values(config, &o.metric, data, test, step)? {
            tests.push((o.metric.id.clone(), test));
            columns.push(values);
        }
    }
    let units = columns
        .iter()
        .flat_map(|values: &Values| values.units.iter())
        .max()
        .map_or(0, |last| *last as usize + 1);
    let table =
        UnitTable { units, columns: columns.into_iter().map(|values| values.column(units)).collect() };
    let plan =
        Plan { iterations: effort.iterations, budget: effort.budget, ..Plan::halves(config.design.alpha) };
    let hash = blake3::hash(format!("{}\naa", config.experiment.id).as_bytes());
    let seed = u64::from_le_bytes(hash.as_bytes()[..8].try_into().unwrap_or_default());
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    // A table that does not fit its units would be a mistake of this room; a proof that cannot run says nothing.
    let Ok(proven) = prove(&table, &plan, &mut rng) else { return Ok(Vec::new()) };
    let said = proven.proofs.into_iter().filter_map(|proof| {
        let (metric, test) = tests.get(proof.metric)?.clone();
        Some(Proven {
            metric,
            test,
            verdict: proof.verdict,
            rate: proof.rate,
            uniformity: proof.uniformity,
            histogram: histogram(&proof.p_values),
            p_values: proof.p_values,
            units: table.units as u64,
            discrete: proof.discrete,
        })
    });
    Ok(said.collect())
}

/// The values of one metric by unit.
struct Values {
    units: Vec<u32>,
    columns: Vec<Vec<f64>>,
    test: Test,
}

#[derive(Clone, Copy)]
enum Test {
    Mean(MeanTest),
    Proportion(ProportionTest),
    Ratio,
    Quantile(f64),
}

impl Values {
    /// The values in the places of their units.
    fn column(self, units: usize) -> Column {
        let mut present = vec![false; units];
        self.units.iter().for_each(|unit| present[*unit as usize] = true);
        let placed = |values: &[f64]| {
            let mut all = vec![0.0; units];
            self.units.iter().zip(values).for_each(|(unit, value)| all[*unit as usize] = *value);
            all
        };
        let first = self.columns.first().map(|values| placed(values)).unwrap_or_default();
        let measure = match self.test {
            Test::Mean(test) => Measure::Mean { values: first, test },
            Test::Proportion(test) => {
                Measure::Proportion { successes: first.iter().map(|value| *value == 1.0).collect(), test }
            }
            Test::Ratio => Measure::Ratio {
                numerator: first,
                denominator: self.columns.get(1).map(|values| placed(values)).unwrap_or_default(),
            },
            Test::Quantile(q) => Measure::Quantile { values: first, q },
        };
        let all = present.iter().all(|is| *is);
        Column { measure, present: (!all).then_some(present) }
    }
}

fn values(
    config: &Config,
    metric: &Metric,
    data: &Dataset,
    test: &str,
    step: u32,
) -> Result<Option<Values>, Diagnostic> {
    let counted = config.data.as_ref().is_some_and(|source| source.count.is_some());
    let mut gathered = match &metric.source {
        MetricSource::Summary(_) | MetricSource::Counts(_) => return Ok(None),
        MetricSource::Rows(rows) if counted && rows.from.is_none() => return Ok(None),
        MetricSource::Rows(rows) => gather(data, metric, rows, &rows.adjustment)?,
        MetricSource::Step(step) => data.funnel(step.from.as_deref(), &step.steps, step.ordered)?,
    };
    if step > 1 {
        gathered.groups.iter_mut().for_each(|group| thin(group, step));
    }
    Ok(match &metric.source {
        MetricSource::Rows(rows) if rows.aggregate == Aggregate::Rows => clustered(metric, gathered),
        MetricSource::Rows(rows) if !rows.adjustment.is_empty() => adjusted(metric, rows, gathered),
        MetricSource::Rows(rows) => plain(metric, Some(rows), gathered, test),
        _ => plain(metric, None, gathered, test),
    })
}

/// Keeps every `step`-th unit.
fn thin(group: &mut GroupValues, step: u32) {
    let kept: Vec<usize> = group
        .units
        .iter()
        .enumerate()
        .filter(|(_, unit)| unit.is_multiple_of(step))
        .map(|(at, _)| at)
        .collect();
    for column in group.values.iter_mut().chain(&mut group.covariates) {
        *column = kept.iter().map(|at| column[*at]).collect();
    }
    for labels in [&mut group.strata, &mut group.clusters] {
        if !labels.is_empty() {
            *labels = kept.iter().map(|at| labels[*at]).collect();
        }
    }
    group.units = kept.iter().map(|at| group.units[*at] / step).collect();
}

/// Units and columns of all groups together.
fn together(gathered: &Gathered) -> (Vec<u32>, Vec<Vec<f64>>) {
    let units = gathered.groups.iter().flat_map(|group| group.units.iter().copied()).collect();
    let columns = gathered.groups.first().map_or(0, |group| group.values.len());
    let column = |at: usize| gathered.groups.iter().flat_map(|g| g.values[at].iter().copied()).collect();
    (units, (0..columns).map(column).collect())
}

fn plain(metric: &Metric, rows: Option<&Rows>, mut gathered: Gathered, test: &str) -> Option<Values> {
    if let Some(ends) = rows.and_then(|rows| rows.winsorize) {
        draw_in(&mut gathered, ends.lower, ends.upper)?;
    }
    let (units, columns) = together(&gathered);
    let test = match metric.kind {
        MetricKind::Ratio => Test::Ratio,
        MetricKind::Quantile { quantile } => Test::Quantile(quantile),
        MetricKind::Proportion => Test::Proportion(match test {
            "fisher" => ProportionTest::Fisher,
            "chi-square" => ProportionTest::ChiSquare,
            _ => ProportionTest::Z,
        }),
        MetricKind::Mean => Test::Mean(match test {
            "student" => MeanTest::Student,
            "mann-whitney" => MeanTest::MannWhitney,
            "brunner-munzel" => MeanTest::BrunnerMunzel,
            "bootstrap" => MeanTest::Bootstrap,
            "permutation" => MeanTest::Permutation,
            _ => MeanTest::Welch,
        }),
    };
    Some(Values { units, columns, test })
}

fn draw_in(gathered: &mut Gathered, lower: f64, upper: f64) -> Option<()> {
    let values: Vec<&[f64]> =
        gathered.groups.iter().filter_map(|group| group.values.first()).map(Vec::as_slice).collect();
    let limits = bounds(&values, lower, upper).ok()?;
    for group in &mut gathered.groups {
        group.values = group.values.iter().map(|values| winsorized(values, limits).values).collect();
    }
    Some(())
}

/// Values with what was known before taken out: covariates by their slopes, strata by their means. The slopes come from
/// all units, so they are the same under every relabelling.
fn adjusted(metric: &Metric, rows: &Rows, mut gathered: Gathered) -> Option<Values> {
    if let Some(ends) = rows.winsorize {
        draw_in(&mut gathered, ends.lower, ends.upper)?;
    }
    let (units, mut columns) = together(&gathered);
    let comoments: Vec<Comoments> = gathered
        .groups
        .iter()
        .map(|group| {
            let columns: Vec<&[f64]> =
                group.values.iter().chain(&group.covariates).map(Vec::as_slice).collect();
            Comoments::from_columns(&columns)
        })
        .collect::<Result<_, _>>()
        .ok()?;
    let is_ratio = metric.kind == MetricKind::Ratio;
    let theta = match (gathered.covariates.is_empty(), is_ratio) {
        (true, _) => Vec::new(),
        (false, true) => adjusted_ratios(&comoments).ok()?.slopes.theta,
        (false, false) => adjusted_means(&comoments).ok()?.slopes.theta,
    };
    if is_ratio {
        // The ratio of all units, and a unit's linear part of it.
        let denominators = columns.pop()?;
        let total: f64 = denominators.iter().sum();
        let (ratio, mean) = (columns[0].iter().sum::<f64>() / total, total / denominators.len() as f64);
        columns[0].iter_mut().zip(&denominators).for_each(|(n, d)| *n = (*n - ratio * d) / mean);
    }
    for (at, slope) in theta.iter().enumerate() {
        let covariate = gathered.groups.iter().flat_map(|group| group.covariates[at].iter());
        columns[0].iter_mut().zip(covariate).for_each(|(value, known)| *value -= slope * known);
    }
    if !gathered.strata.is_empty() {
        let strata: Vec<u32> =
            gathered.groups.iter().flat_map(|group| group.strata.iter().copied()).collect();
        let mut sums = vec![(0.0, 0.0); gathered.strata.len()];
        for (value, stratum) in columns[0].iter().zip(&strata) {
            let (sum, count) = &mut sums[*stratum as usize];
            *sum += value;
            *count += 1.0;
        }
        for (value, stratum) in columns[0].iter_mut().zip(&strata) {
            let (sum, count) = sums[*stratum as usize];
            *value -= sum / count;
        }
    }
    Some(Values { units, columns, test: Test::Mean(MeanTest::Welch) })
}

/// Rows in clusters: sums and counts by unit. A quantile of clustered rows has no fast form here and is left out.
fn clustered(metric: &Metric, gathered: Gathered) -> Option<Values> {
    if matches!(metric.kind, MetricKind::Quantile { .. }) {
        return None;
    }
    let mut by_unit: std::collections::BTreeMap<u32, (f64, f64)> = std::collections::BTreeMap::new();
    for group in &gathered.groups {
        for (value, unit) in group.values.first()?.iter().zip(&group.units) {
            let (sum, count) = by_unit.entry(*unit).or_default();
            *sum += value;
            *count += 1.0;
        }
    }
    let units = by_unit.keys().copied().collect();
    let (sums, counts) = by_unit.into_values().unzip();
    Some(Values { units, columns: vec![sums, counts], test: Test::Ratio })
}
