//! Proportions: the z test with the score intervals that are its duals.

use super::arms::Layout;
use super::outcome::{AtPlan, AtPlanComparison, Comparison, Estimate, GroupOutcome, NamedTest};
use super::summed::SummedArm;
use super::{Effects, Estimator, choice, ends, family};
use crate::config::valid::{Config, Counts, Goal, Metric, MetricKind, TestKind};
use crate::data::GroupValues;
use crate::diag::Diagnostic;
use crate::planning::PlanOutcome;
use crate::stats::proportions::{self as stats, SmallSample};
use crate::stats::{Alternative, Interval, Level, Undefined, chi_square, fisher};

struct Group {
    id: String,
    arm: stats::Proportion,
    missing: u64,
}

/// Successes of units in groups.
pub struct Proportion {
    groups: Vec<Group>,
    deciding: TestKind,
    choice: Vec<&'static str>,
}

impl Proportion {
    /// From published counts.
    pub fn from_counts(metric: &Metric, groups: &[(String, Counts)]) -> Result<Self, Undefined> {
        let groups = groups.iter().map(|(id, c)| {
            Ok(Group { id: id.clone(), arm: stats::Proportion::new(c.successes, c.n)?, missing: 0 })
        });
        Proportion::new(metric, groups.collect::<Result<_, Undefined>>()?)
    }

    /// From the values 0 and 1 by unit; the data room has refused anything else.
    pub fn from_values(metric: &Metric, groups: &[GroupValues]) -> Result<Self, Undefined> {
        let groups = groups.iter().map(|group| {
            let values = group.values.first().map_or(&[][..], Vec::as_slice);
            let successes = values.iter().filter(|value| **value == 1.0).count() as u64;
            let arm = stats::Proportion::new(successes, values.len() as u64)?;
            Ok(Group { id: group.group.clone(), arm, missing: group.missing + group.non_finite })
        });
        Proportion::new(metric, groups.collect::<Result<_, Undefined>>()?)
    }

    /// From sums of values that are 0 and 1.
    ///
    /// # Errors
    /// `data::not-binary` where some value is neither.
    pub fn from_sums(metric: &Metric, arms: &[SummedArm]) -> Result<Result<Self, Undefined>, Diagnostic> {
        let mut groups = Vec::with_capacity(arms.len());
        for arm in arms {
            let n = arm.moments().n;
            let others = n - (arm.total.zeros + arm.total.ones).min(n);
            if others > 0 {
                let message = format!(
                    "metric `{}` is not 0 or 1 for {others} units: its share is not defined",
                    metric.id
                );
                return Err(Diagnostic::error("data::not-binary", message)
                    .hint("a proportion needs a condition, such as `revenue > 0`"));
            }
            match stats::Proportion::new(arm.total.ones, n) {
                Ok(counted) => {
                    groups.push(Group { id: arm.id.clone(), arm: counted, missing: arm.left_out() });
                }
                Err(reason) => return Ok(Err(reason)),
            }
        }
        Ok(Proportion::new(metric, groups))
    }

    fn new(metric: &Metric, groups: Vec<Group>) -> Result<Self, Undefined> {
        let (successes, n) =
            groups.iter().fold((0, 0), |(s, n), g| (s + g.arm.successes(), n + g.arm.trials()));
        if n == 0 {
            return Err(Undefined::EmptyGroup);
        }
        let rate = successes as f64 / n as f64;
        let smallest = groups.iter().map(|g| g.arm.trials() as f64).fold(f64::INFINITY, f64::min);
        let (deciding, choice) = match metric.test {
            TestKind::Auto => choice::for_proportion(smallest * rate.min(1.0 - rate)),
            named => (named, Vec::new()),
        };
        Ok(Proportion { groups, deciding, choice })
    }

    fn pair(&self, control: usize, treatment: usize) -> (stats::Proportion, stats::Proportion) {
        (self.groups[control].arm, self.groups[treatment].arm)
    }
}

impl Estimator for Proportion {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        let outcome = |g: &Group| GroupOutcome {
            id: g.id.clone(),
            n: g.arm.trials(),
            mean: Some(g.arm.rate()),
            sd: Some((g.arm.rate() * (1.0 - g.arm.rate())).sqrt()),
            ci: ends(stats::wilson_interval(g.arm, level)),
            median: None,
            max: None,
            normality: None,
            skewness: None,
            successes: Some(g.arm.successes()),
            missing: g.missing,
            values: Vec::new(),
        };
        self.groups.iter().map(outcome).collect()
    }

    fn omnibus(&self, from: usize) -> Option<NamedTest> {
        let groups = &self.groups[from..];
        if groups.len() < 3 {
            return None;
        }
        let table: Vec<Vec<u64>> =
            groups.iter().map(|g| vec![g.arm.successes(), g.arm.trials() - g.arm.successes()]).collect();
        let test = chi_square::contingency(&table).ok()?;
        Some(NamedTest { test: "chi-square", statistic: test.statistic, df: Some(test.df), p: test.p })
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        let (c, t) = self.pair(control, treatment);
        let table = [c, t].map(|arm| [arm.successes(), arm.trials() - arm.successes()]);
        let rows: Vec<Vec<u64>> = table.iter().map(|row| row.to_vec()).collect();
        let mut tests = Vec::new();
        // Without any success, or any failure, in both groups there is no variance to divide by; Fisher's p is 1 then.
        if let (Ok(z), Ok(chi)) =
            (stats::two_proportion_z(c, t, Alternative::TwoSided), chi_square::contingency(&rows))
        {
            tests.push(NamedTest { test: "z", statistic: z.statistic, df: None, p: z.p });
            tests.push(NamedTest {
                test: "chi-square",
                statistic: chi.statistic,
                df: Some(chi.df),
                p: chi.p,
            });
        }
        match fisher::fisher_exact(table, Alternative::TwoSided) {
            Ok(exact) => {
                let odds = exact.odds_ratio.unwrap_or(f64::INFINITY);
                tests.push(NamedTest { test: "fisher", statistic: odds, df: None, p: exact.p });
            }
            Err(reason) if tests.is_empty() => return Err(reason),
            Err(_) => {}
        }
        let deciding = match self.deciding {
            TestKind::Fisher => "fisher",
            TestKind::ChiSquare => "chi-square",
            _ => "z",
        };
        if let Some(at) = tests.iter().position(|t| t.test == deciding) {
            tests[..=at].rotate_right(1);
        }
        Ok(tests)
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        let (c, t) = self.pair(control, treatment);
        // The score intervals belong to the z test; where Fisher's decides, they are moved to its p-value.
        let level = match (self.deciding, self.tests(control, treatment)) {
            (TestKind::Fisher, Ok(tests)) => {
                let p = |name: &str| tests.iter().find(|test| test.test == name).map_or(1.0, |test| test.p);
                family::calibrated(level, p("z"), p("fisher"))
            }
            _ => level,
        };
        let difference = stats::score_interval(t, c, level, SmallSample::None);
        let ratio = stats::ratio_score_interval(t, c, level, SmallSample::None);
        let relative = (c.successes() > 0).then(|| Estimate {
            estimate: t.rate() / c.rate() - 1.0,
            ci: ends(Interval { low: ratio.low - 1.0, high: ratio.high - 1.0 }),
        });
        Effects {
            absolute: Some(Estimate { estimate: t.rate() - c.rate(), ci: ends(difference) }),
            relative,
            ..Effects::default()
        }
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        let arm = self.groups[group].arm;
        Some((arm.rate(), arm.rate() * (1.0 - arm.rate()) / arm.trials() as f64))
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        let rate = self.groups[group].arm.rate();
        Some(rate * (1.0 - rate)).filter(|v| *v > 0.0)
    }

    fn choice(&self) -> Vec<&'static str> {
        self.choice.clone()
    }
}

/// The comparison of a proportion repeated with the observed rates at the group size of its plan.
///
/// It answers one question: does the conclusion hang on the group size? Nothing is claimed about users who were not
/// seen.
pub fn at_plan(
    config: &Config,
    metric: &Metric,
    plan: &PlanOutcome,
    groups: &[GroupOutcome],
    observed: &[Comparison],
) -> Option<AtPlan> {
    if metric.kind != MetricKind::Proportion {
        return None;
    }
    let n = plan.n_per_group;
    let arms: Vec<stats::Proportion> = groups
        .iter()
        .map(|g| stats::Proportion::new((g.mean? * n as f64).round() as u64, n).ok())
        .collect::<Option<_>>()?;
    // Groups here are those that are compared, so several controls are one.
    let pairs = Layout::default().pairs(arms.len(), config.design.comparisons);
    let tests: Vec<_> = pairs
        .iter()
        .map(|&(c, t)| stats::two_proportion_z(arms[c], arms[t], Alternative::TwoSided).ok())
        .collect::<Option<_>>()?;
    let raw: Vec<f64> = tests.iter().map(|t| t.p).collect();
    let adjusted = family::adjust(&raw, config.design.correction);
    let comparisons: Vec<AtPlanComparison> = pairs
        .iter()
        .zip(tests.iter().zip(&adjusted))
        .map(|(&(c, t), (test, &p_adjusted))| AtPlanComparison {
            control: groups[c].id.clone(),
            treatment: groups[t].id.clone(),
            statistic: test.statistic,
            p_adjusted,
        })
        .collect();
    let ranked = |rates: Vec<f64>| {
        let mut order: Vec<usize> = (0..rates.len()).collect();
        let sign = if metric.goal == Goal::Increase { -1.0 } else { 1.0 };
        order.sort_by(|a, b| (sign * rates[*a]).total_cmp(&(sign * rates[*b])));
        order.into_iter().map(|i| groups[i].id.clone()).collect::<Vec<_>>()
    };
    let ranking = ranked(arms.iter().map(|a| a.rate()).collect());
    let same_order = ranking == ranked(groups.iter().filter_map(|g| g.mean).collect());
    let alpha = config.design.alpha;
    let still = observed.iter().zip(&comparisons).all(|(o, a)| !o.significant || a.p_adjusted < alpha);
    Some(AtPlan { plan: plan.id.clone(), n, comparisons, ranking, holds: same_order && still })
}
