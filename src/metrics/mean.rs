//! Means: Welch's test by default, rank tests and resampling beside it where rows are known.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::outcome::{
    Beside, Driver, Estimate, GroupOutcome, Handling, NamedTest, NormalityOutcome, Replicates, Way,
};
use super::permuted::Permuted;
use super::summed::SummedArm;
use super::{Effects, Estimator, Seed, Simultaneous, choice, ends, family, influence, relative};
use crate::config::valid::{Metric, Summary, TestKind};
use crate::data::GroupValues;
use crate::stats::bootstrap::{Bootstrap, BootstrapInterval, Resamples, resample_mean_difference};
use crate::stats::brunner_munzel::{BrunnerMunzel, brunner_munzel};
use crate::stats::descriptive::Shape;
use crate::stats::mann_whitney::{Method, mann_whitney_u};
use crate::stats::quantiles::quantile_sorted;
use crate::stats::sorting::sort_ascending;
use crate::stats::t_test::{MeanDifference, one_sample, student, student_t_critical, welch};
use crate::stats::{
    Alternative, Level, Moments, Undefined, anova, dunnett, hodges_lehmann, kruskal_wallis, normality, tukey,
};

/// Shapiro–Wilk is published for samples up to this size; above it D'Agostino's K² is used.
const SHAPIRO_MAX: usize = 5_000;
/// With more values than this in all groups together, what needs sorting or resampling is computed only where it decides:
/// such samples say the same by every test, and a night has many of them.
pub(super) const LARGE: usize = 400_000;
/// So many values of a large group stand for all of them in charts.
const SHOWN: usize = 20_000;

struct Group {
    id: String,
    moments: Moments,
    /// Sorted ascending; empty when only the summary is known, and for large groups unless the deciding test needs them.
    values: Vec<f64>,
    /// Sorted ascending, for charts: all values or every so-many-th of them.
    shown: Vec<f64>,
    median: Option<f64>,
    max: Option<f64>,
    shape: Option<Shape>,
    normality: Option<NormalityOutcome>,
    missing: u64,
}

/// Values of units in groups.
pub struct Mean {
    groups: Vec<Group>,
    deciding: TestKind,
    choice: Vec<&'static str>,
    large: bool,
    seed: Option<Seed>,
    /// The replicates of each pair: its p-value and later its intervals are read from the same ones.
    resamples: RefCell<BTreeMap<(usize, usize), Option<Resamples>>>,
}

impl Mean {
    /// From published summaries.
    pub fn from_summaries(metric: &Metric, groups: &[(String, Summary)]) -> Result<Self, Undefined> {
        let group = |(id, s): &(String, Summary)| {
            let moments = Moments::from_summary(s.mean, s.sd, s.n).ok_or(Undefined::NonFinite)?;
            Ok(Group {
                id: id.clone(),
                moments,
                values: Vec::new(),
                shown: Vec::new(),
                median: None,
                max: None,
                shape: None,
                normality: None,
                missing: 0,
            })
        };
        let groups: Vec<Group> = groups.iter().map(group).collect::<Result<_, Undefined>>()?;
        let (deciding, choice) = match metric.test {
            TestKind::Auto => choice::for_mean(sample(&groups, false, 0.0)),
            // Tests that need rows cannot decide on summaries; Welch's can.
            TestKind::Welch | TestKind::Student => (metric.test, Vec::new()),
            _ => (TestKind::Welch, vec!["auto-summary-welch"]),
        };
        Ok(Mean { groups, deciding, choice, large: false, seed: None, resamples: RefCell::default() })
    }

    /// From values by unit.
    pub fn from_values(metric: &Metric, groups: Vec<GroupValues>, seed: Seed) -> Result<Self, Undefined> {
        let size: usize = groups.iter().map(|group| group.values.first().map_or(0, Vec::len)).sum();
        let large = size > LARGE;
        let zeros = {
            let values = groups.iter().filter_map(|group| group.values.first()).flatten();
            values.filter(|value| **value == 0.0).count() as f64 / size.max(1) as f64
        };
        let group = |mut group: GroupValues| {
            let values = group.values.pop().unwrap_or_default();
            described(group.group, values, group.missing + group.non_finite, large)
        };
        let mut groups: Vec<Group> = groups.into_iter().map(group).collect();
        if groups.iter().any(|group| group.moments.n == 0) {
            return Err(Undefined::EmptyGroup);
        }
        let (deciding, choice) = match metric.test {
            TestKind::Auto => choice::for_mean(sample(&groups, true, zeros)),
            named => (named, Vec::new()),
        };
        if large && matches!(deciding, TestKind::Welch | TestKind::Student) {
            groups.iter_mut().for_each(|group| group.values = Vec::new());
        } else if large {
            groups.iter_mut().for_each(|group| sort_ascending(&mut group.values));
        }
        Ok(Mean { groups, deciding, choice, large, seed: Some(seed), resamples: RefCell::default() })
    }

    /// From values that were rounded, and the sums of the values as they are: what moments say is exact.
    pub fn from_rounded(
        metric: &Metric,
        groups: Vec<GroupValues>,
        arms: &[SummedArm],
        seed: Seed,
    ) -> Result<Self, Undefined> {
        let mut mean = Mean::from_values(metric, groups, seed)?;
        for (group, arm) in mean.groups.iter_mut().zip(arms) {
            group.moments = arm.moments();
            group.max = arm.total.range.map(|(_, max)| max);
            group.shape = arm.total.shape.shape();
        }
        Ok(mean)
    }

    /// From sums, and from a table of values the median and what charts show, where there is one.
    pub fn from_sums(metric: &Metric, arms: &[SummedArm]) -> Result<Self, Undefined> {
        let group = |arm: &SummedArm| Group {
            id: arm.id.clone(),
            moments: arm.moments(),
            values: Vec::new(),
            shown: arm.table().map(|(table, _)| table.spread(SHOWN)).unwrap_or_default(),
            median: arm.table().and_then(|(table, _)| table.quantile(0.5)),
            max: arm.total.range.map(|(_, max)| max),
            shape: arm.total.shape.shape(),
            normality: None,
            missing: arm.left_out(),
        };
        let groups: Vec<Group> = arms.iter().map(group).collect();
        if groups.iter().any(|group| group.moments.n == 0) {
            return Err(Undefined::EmptyGroup);
        }
        let units: u64 = groups.iter().map(|group| group.moments.n).sum();
        let zeros = arms.iter().map(|arm| arm.total.zeros).sum::<u64>() as f64 / units as f64;
        let (deciding, mut choice) = choice::for_sums(metric.test, sample(&groups, true, zeros));
        let has_tables = arms.iter().all(|arm| arm.table().is_some());
        let large = has_tables && units > LARGE as u64;
        if large {
            choice.retain(|reason| *reason != "sums-no-values");
        }
        Ok(Mean { groups, deciding, choice, large, seed: None, resamples: RefCell::default() })
    }

    /// Values of a pair, control first; none where only moments are kept.
    fn rows(&self, control: usize, treatment: usize) -> Option<(&[f64], &[f64])> {
        let (c, t) = (&self.groups[control].values, &self.groups[treatment].values);
        (!c.is_empty() && !t.is_empty()).then_some((c.as_slice(), t.as_slice()))
    }

    /// Values of a pair for a test that does not decide unless it is this one.
    fn rows_for(&self, test: TestKind, control: usize, treatment: usize) -> Option<(&[f64], &[f64])> {
        if self.large && self.deciding != test { None } else { self.rows(control, treatment) }
    }

    /// The bootstrap of treatment − control.
    fn resampled(&self, control: usize, treatment: usize, level: Level) -> Option<Bootstrap> {
        let (c, t) = self.rows_for(TestKind::Bootstrap, control, treatment)?;
        let seed = self.seed?;
        let mut known = self.resamples.borrow_mut();
        let resamples = known.entry((control, treatment)).or_insert_with(|| {
            let mut rng = seed.of_pair(control, treatment);
            resample_mean_difference(t, c, seed.replicates, seed.resampling, &mut rng).ok()
        });
        resamples.as_ref().map(|resamples| resamples.at(level))
    }

    /// The permutation test of treatment − control, where it decides.
    fn permuted(&self, control: usize, treatment: usize) -> Option<Result<Permuted, Undefined>> {
        if self.deciding != TestKind::Permutation {
            return None;
        }
        let ((c, t), seed) = self.rows(control, treatment).zip(self.seed)?;
        let mut rng = seed.of_pair(control, treatment);
        Some(Permuted::of(t, c, seed.replicates, &mut rng))
    }

    fn by_rank(&self) -> bool {
        matches!(self.deciding, TestKind::MannWhitney | TestKind::BrunnerMunzel)
    }

    /// Welch's test of treatment − control, or Student's where it decides.
    fn by_t(&self, control: usize, treatment: usize, level: Level) -> Result<MeanDifference, Undefined> {
        let (c, t) = (&self.groups[control].moments, &self.groups[treatment].moments);
        match self.deciding {
            TestKind::Student => student(t, c, Alternative::TwoSided, level),
            _ => welch(t, c, Alternative::TwoSided, level),
        }
    }

    /// Means and their squared errors for a relative interval, as the t test takes them.
    fn errors(&self, control: usize, treatment: usize) -> Option<[(f64, f64); 2]> {
        let (c, t) = (&self.groups[control].moments, &self.groups[treatment].moments);
        let of = |m: &Moments, variance: f64| (m.mean, variance / m.n as f64);
        if self.deciding == TestKind::Student {
            let pooled = (c.m2 + t.m2) / (c.n + t.n).checked_sub(2).filter(|df| *df > 0)? as f64;
            return Some([of(c, pooled), of(t, pooled)]);
        }
        Some([of(c, c.variance()?), of(t, t.variance()?)])
    }
}

/// What the rules of `auto` look at.
fn sample(groups: &[Group], rows: bool, zeros: f64) -> choice::Sample {
    let skewness = groups.iter().map(|group| group.shape.map(|shape| shape.skewness.abs()));
    choice::Sample {
        n: groups.iter().map(|group| group.moments.n).min().unwrap_or(0),
        skewness: skewness.reduce(|a, b| Some(a?.max(b?))).flatten(),
        zeros,
        rows,
    }
}

/// One group with everything that is computed from its values once.
fn described(id: String, mut values: Vec<f64>, missing: u64, large: bool) -> Group {
    if large {
        let moments = Moments::from_slice(&values);
        let shape = Shape::about(&values, &moments);
        let max = values.iter().copied().reduce(f64::max);
        let step = values.len().div_ceil(SHOWN).max(1);
        let mut shown: Vec<f64> = values.iter().copied().step_by(step).collect();
        shown.sort_unstable_by(f64::total_cmp);
        let median = median_of(&mut values);
        return Group { id, moments, values, shown, median, max, shape, normality: None, missing };
    }
    sort_ascending(&mut values);
    Group {
        id,
        moments: Moments::from_slice(&values),
        median: quantile_sorted(&values, 0.5),
        max: values.last().copied(),
        shape: Shape::of(&values),
        normality: normality_of(&values),
        shown: values.clone(),
        values,
        missing,
    }
}

/// The median of values in any order, which it rearranges.
fn median_of(values: &mut [f64]) -> Option<f64> {
    let middle = values.len().checked_sub(1)? / 2;
    let even = values.len().is_multiple_of(2);
    let (_, &mut low, above) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return Some(low);
    }
    above.iter().copied().reduce(f64::min).map(|high| low + (high - low) / 2.0)
}

/// The interval that a bootstrap is reported with: BCa where it exists.
fn reported(b: &Bootstrap) -> (&BootstrapInterval, &'static str) {
    match &b.bca {
        Some(bca) => (bca, "BCa"),
        None => (&b.percentile, "percentile"),
    }
}

fn normality_of(values: &[f64]) -> Option<NormalityOutcome> {
    let (test, result) = match values.len() {
        ..=SHAPIRO_MAX => ("shapiro-wilk", normality::shapiro_wilk(values)),
        _ => ("dagostino-pearson", normality::dagostino_k2(values)),
    };
    let result = result.ok()?;
    Some(NormalityOutcome { test, statistic: result.statistic, p: result.p })
}

/// P(treatment > control) + ½ P(equal); with the interval of the test only where that test decides.
fn superiority(answer: &BrunnerMunzel, decides: bool) -> Estimate {
    Estimate { estimate: answer.relative_effect, ci: ends(answer.interval).filter(|_| decides) }
}

impl Estimator for Mean {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        let outcome = |g: &Group| GroupOutcome {
            id: g.id.clone(),
            n: g.moments.n,
            mean: (g.moments.n > 0).then_some(g.moments.mean),
            sd: g.moments.sd(),
            ci: one_sample(&g.moments, 0.0, Alternative::TwoSided, level).ok().and_then(|t| ends(t.ci)),
            median: g.median,
            max: g.max,
            normality: g.normality,
            skewness: g.shape.map(|shape| shape.skewness),
            successes: None,
            missing: g.missing,
            values: g.shown.clone(),
        };
        self.groups.iter().map(outcome).collect()
    }

    fn omnibus(&self, from: usize) -> Option<NamedTest> {
        let groups = &self.groups[from..];
        if groups.len() < 3 {
            return None;
        }
        if self.by_rank() && groups.iter().all(|g| !g.values.is_empty()) {
            let values: Vec<&[f64]> = groups.iter().map(|g| g.values.as_slice()).collect();
            let test = kruskal_wallis::kruskal_wallis(&values).ok()?;
            return Some(NamedTest {
                test: "kruskal-wallis",
                statistic: test.statistic,
                df: test.df,
                p: test.p,
            });
        }
        let moments: Vec<Moments> = groups.iter().map(|g| g.moments).collect();
        let test = anova::one_way(&moments).ok()?;
        Some(NamedTest { test: "anova", statistic: test.f, df: Some(test.df_between), p: test.p })
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        let two = Alternative::TwoSided;
        let (c, t) = (&self.groups[control].moments, &self.groups[treatment].moments);
        let mut tests = Vec::new();
        let w = welch(c, t, two, Level::P95)?;
        tests.push(NamedTest { test: "welch", statistic: w.statistic, df: Some(w.df), p: w.p });
        if let Ok(s) = student(c, t, two, Level::P95) {
            tests.push(NamedTest { test: "student", statistic: s.statistic, df: Some(s.df), p: s.p });
        }
        if let Some((a, b)) = self.rows_for(TestKind::MannWhitney, control, treatment)
            && let Ok(m) = mann_whitney_u(a, b, two, Method::Auto)
        {
            tests.push(NamedTest { test: "mann-whitney", statistic: m.u, df: None, p: m.p });
        }
        if let Some((a, b)) = self.rows_for(TestKind::BrunnerMunzel, control, treatment)
            && let Ok(m) = brunner_munzel(a, b, two, Level::P95)
        {
            tests.push(NamedTest { test: "brunner-munzel", statistic: m.w, df: Some(m.df), p: m.p });
        }
        let statistic = c.mean - t.mean;
        if let Some(resampled) = self.resampled(control, treatment, Level::P95) {
            tests.push(NamedTest { test: "bootstrap", statistic, df: None, p: reported(&resampled).0.p });
        }
        if let Some(permuted) = self.permuted(control, treatment) {
            tests.push(NamedTest { test: "permutation", statistic, df: None, p: permuted?.p() });
        }
        let deciding = match self.deciding {
            TestKind::Student => "student",
            TestKind::MannWhitney => "mann-whitney",
            TestKind::BrunnerMunzel => "brunner-munzel",
            TestKind::Bootstrap => "bootstrap",
            TestKind::Permutation => "permutation",
            _ => "welch",
        };
        if let Some(at) = tests.iter().position(|t| t.test == deciding) {
            tests[..=at].rotate_right(1);
        }
        Ok(tests)
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        let (c, t) = (&self.groups[control].moments, &self.groups[treatment].moments);
        let resampled = self.resampled(control, treatment, level);
        let permuted = self.permuted(control, treatment).and_then(Result::ok);
        let by_t = self.by_t(control, treatment, level).ok();
        // The interval belongs to the deciding test, so that the two cannot disagree.
        let ci = match (self.deciding, &resampled, &permuted) {
            (TestKind::Bootstrap, Some(answer), _) => ends(reported(answer).0.interval),
            (TestKind::Permutation, _, Some(answer)) => ends(answer.interval(level)),
            _ => by_t.as_ref().and_then(|answer| ends(answer.ci)),
        };
        let fieller = |level: Level| {
            let (df, [base, other]) =
                by_t.as_ref().map(|answer| answer.df).zip(self.errors(control, treatment))?;
            relative::fieller(base, other, student_t_critical(df, Alternative::TwoSided, level))
        };
        let relative = match (self.deciding, &resampled, &permuted) {
            (TestKind::Bootstrap, Some(answer), _) => (c.mean > 0.0).then(|| Estimate {
                estimate: (t.mean - c.mean) / c.mean,
                ci: reported(answer).0.relative.and_then(ends),
            }),
            (TestKind::Permutation, _, Some(_)) => self
                .errors(control, treatment)
                .and_then(|[base, other]| relative::fieller_of(base, other, ci)),
            _ => fieller(level),
        };
        let relative_log =
            by_t.as_ref().zip(self.errors(control, treatment)).and_then(|(answer, [base, other])| {
                let critical = student_t_critical(answer.df, Alternative::TwoSided, level);
                relative::log_delta(base, other, critical)
            });
        let ranks = self.by_rank().then(|| self.rows(control, treatment)).flatten();
        let compared = ranks.and_then(|(a, b)| brunner_munzel(a, b, Alternative::TwoSided, level).ok());
        let shift = ranks.and_then(|(a, b)| {
            let answer = hodges_lehmann::hodges_lehmann(b, a, level, Method::Auto).ok()?;
            // The interval inverts Mann–Whitney's test; where Brunner–Munzel's decides, it is moved to that p-value.
            let answer = match (self.deciding, &compared) {
                (TestKind::BrunnerMunzel, Some(compared)) => {
                    let own = mann_whitney_u(a, b, Alternative::TwoSided, Method::Auto).ok()?.p;
                    let moved = family::calibrated(level, own, compared.p);
                    hodges_lehmann::hodges_lehmann(b, a, moved, Method::Auto).ok()?
                }
                _ => answer,
            };
            Some(Estimate { estimate: answer.shift, ci: ends(answer.interval) })
        });
        Effects {
            absolute: Some(Estimate { estimate: t.mean - c.mean, ci }),
            relative,
            relative_log,
            shift,
            superiority: compared
                .map(|answer| superiority(&answer, self.deciding == TestKind::BrunnerMunzel)),
            replicates: resampled.and_then(|answer| {
                let (interval, method) = reported(&answer);
                Some(Replicates { ci: ends(interval.interval)?, method, differences: answer.replicates })
            }),
            adjustment: None,
        }
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        let moments = &self.groups[group].moments;
        Some((moments.mean, moments.variance_of_mean()?))
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        self.groups[group].moments.variance().filter(|v| *v > 0.0)
    }

    fn simultaneous(
        &self,
        pairs: &[(usize, usize)],
        by_tukey: bool,
        level: Level,
    ) -> Option<Vec<Simultaneous>> {
        let moments: Vec<Moments> = self.groups.iter().map(|g| g.moments).collect();
        // Fieller's interval with the variances of the groups and the critical value, which is the margin over the standard error,
        // excludes zero together with that of the test.
        let relative = |c: usize, t: usize, ci: Option<(f64, f64)>| {
            let of = |m: &Moments| Some((m.mean, m.variance_of_mean()?));
            let (base, other) = of(&moments[c]).zip(of(&moments[t]))?;
            let (low, high) = ci?;
            relative::fieller(base, other, (high - low) / 2.0 / (base.1 + other.1).sqrt())
        };
        if by_tukey {
            let all = tukey::games_howell(&moments, level).ok()?;
            return pairs
                .iter()
                .map(|&(c, t)| {
                    let pair = all.iter().find(|p| (p.first, p.second) == (c, t))?;
                    // Tukey's differences are first − second; effects here are treatment − control.
                    let test =
                        NamedTest { test: "tukey", statistic: pair.estimate / pair.se, df: None, p: pair.p };
                    let ci = ends(pair.ci.negated());
                    Some(Simultaneous { test, ci, relative: relative(c, t, ci) })
                })
                .collect();
        }
        let all = dunnett::dunnett_unequal(&moments, 0, Alternative::TwoSided, level).ok()?;
        pairs
            .iter()
            .map(|&(c, t)| {
                let pair = all.iter().find(|p| p.group == t)?;
                let test = NamedTest { test: "dunnett", statistic: -pair.statistic, df: None, p: pair.p };
                let ci = ends(pair.ci);
                Some(Simultaneous { test, ci, relative: relative(c, t, ci) })
            })
            .collect()
    }

    fn driver(&self, control: usize, treatment: usize) -> Option<Driver> {
        let extreme = |at: usize| {
            let group = &self.groups[at];
            Some(influence::Extreme { id: &group.id, moments: &group.moments, max: group.max? })
        };
        influence::driver(extreme(control)?, extreme(treatment)?)
    }

    fn beside(&self, control: usize, treatment: usize, level: Level) -> Vec<Beside> {
        if !self.by_rank() {
            return Vec::new();
        }
        let (c, t) = (&self.groups[control].moments, &self.groups[treatment].moments);
        let Ok(answer) = welch(t, c, Alternative::TwoSided, level) else { return Vec::new() };
        let test =
            NamedTest { test: "welch", statistic: -answer.statistic, df: Some(answer.df), p: answer.p };
        let absolute = Estimate { estimate: answer.estimate, ci: ends(answer.ci) };
        vec![Beside { way: Way::Means, absolute, test }]
    }

    fn handling(&self) -> Handling {
        Handling { large: self.large, ..Handling::default() }
    }

    fn choice(&self) -> Vec<&'static str> {
        self.choice.clone()
    }
}
