//! Any metric whose effect has an average, with what was known of the units before the experiment taken out: CUPED by
//! covariates, post-stratification by strata.

use super::arms::Layout;
use super::outcome::{Beside, Driver, Estimate, GroupOutcome, Handling, NamedTest, VarianceRemoved, Way};
use super::{Effects, Estimator, Made, boxed, ends, relative};
use crate::config::valid::Adjustment;
use crate::data::GroupValues;
use crate::stats::comoments::Comoments;
use crate::stats::post_stratification::post_stratified;
use crate::stats::regression_adjustment::{Slopes, adjusted_means, adjusted_ratios};
use crate::stats::t_test::{MeanDifference, student_t_critical};
use crate::stats::{Alternative, Level, Moments, Undefined};

/// What is known of the units of the experiment.
#[derive(Clone)]
pub struct Known<'a> {
    /// Number of strata, 0 without any.
    pub strata: usize,
    /// Names of the covariates, in the order of their columns.
    pub covariates: Vec<String>,
    /// What the config asks for.
    pub adjustment: &'a Adjustment,
}

/// One group after the adjustment.
#[derive(Clone, Copy)]
struct Arm {
    n: u64,
    estimate: f64,
    /// Squared standard error of the estimate.
    variance: f64,
    /// Degrees of freedom of that error.
    df: f64,
    missing: u64,
}

/// A metric with its adjusted groups; questions that the adjustment does not touch go to the plain one.
pub struct Adjusted {
    plain: Box<dyn Estimator>,
    arms: Vec<Arm>,
    name: &'static str,
    removed: VarianceRemoved,
}

/// What an adjustment asks of one group.
pub trait Explained {
    /// How many values a unit has; a second one makes the metric a ratio.
    fn values(&self) -> usize;
    /// Values, then covariates, of all units.
    ///
    /// # Errors
    /// Columns that do not fit together.
    fn joint(&self) -> Result<Comoments, Undefined>;
    /// By stratum the moments of value − Σ slope · (covariate − centre).
    ///
    /// # Errors
    /// Columns that do not fit together.
    fn by_stratum(&self, strata: usize, theta: &[f64], centres: &[f64]) -> Result<Vec<Moments>, Undefined>;
    /// Units without a value.
    fn left_out(&self) -> u64;
    /// Values of covariates that were filled.
    fn covariates_missing(&self) -> u64;
}

impl Explained for GroupValues {
    fn values(&self) -> usize {
        self.values.len()
    }

    fn joint(&self) -> Result<Comoments, Undefined> {
        let columns: Vec<&[f64]> = self.values.iter().chain(&self.covariates).map(Vec::as_slice).collect();
        Comoments::from_columns(&columns)
    }

    fn by_stratum(&self, strata: usize, theta: &[f64], centres: &[f64]) -> Result<Vec<Moments>, Undefined> {
        let values = self.values.first().ok_or(Undefined::EmptyGroup)?;
        if values.len() != self.strata.len() {
            return Err(Undefined::LengthMismatch);
        }
        let mut moments = vec![Moments::default(); strata];
        for (unit, (value, stratum)) in values.iter().zip(&self.strata).enumerate() {
            let known = theta.iter().zip(&self.covariates).zip(centres);
            let explained: f64 = known.map(|((theta, column), centre)| theta * (column[unit] - centre)).sum();
            moments[*stratum as usize].push(value - explained);
        }
        Ok(moments)
    }

    fn left_out(&self) -> u64 {
        self.missing + self.non_finite
    }

    fn covariates_missing(&self) -> u64 {
        self.covariates_missing
    }
}

/// The metric adjusted where something is known, else as it is.
pub fn or_plain<E: Estimator + 'static, G: Explained>(
    plain: Result<E, Undefined>,
    groups: &[G],
    known: Known,
    layout: Layout,
) -> Made {
    if known.adjustment.is_empty() {
        return boxed(plain, layout);
    }
    boxed(plain.and_then(|plain| Adjusted::new(Box::new(plain), groups, &known, layout)), layout)
}

impl Adjusted {
    fn new<G: Explained>(
        plain: Box<dyn Estimator>,
        groups: &[G],
        known: &Known,
        layout: Layout,
    ) -> Result<Adjusted, Undefined> {
        // The pool of several controls holds no units of its own, so it says nothing about slopes.
        let own = &groups[usize::from(layout.parts > 0)..];
        let comoments = own.iter().map(G::joint).collect::<Result<Vec<_>, _>>()?;
        let is_ratio = groups.first().is_some_and(|group| group.values() > 1);
        let covariates = !known.covariates.is_empty();
        let (mut arms, slopes) = match (is_ratio, covariates) {
            (true, _) => of_ratios(&comoments)?,
            (false, true) => of_means(&comoments)?,
            (false, false) => (Vec::new(), Slopes { theta: Vec::new(), dropped: Vec::new() }),
        };
        let mut strata = 0;
        if known.strata > 0 && !is_ratio {
            (arms, strata) = stratified(own, known.strata, &slopes, &comoments)?;
        }
        if layout.parts > 0 {
            arms.insert(0, pooled(&arms[..layout.parts], is_ratio, &comoments));
        }
        for (arm, group) in arms.iter_mut().zip(groups) {
            arm.missing = group.left_out();
        }
        let (dropped, used): (Vec<_>, Vec<_>) =
            known.covariates.iter().cloned().enumerate().partition(|(at, _)| slopes.dropped.contains(at));
        let names = |list: Vec<(usize, String)>| list.into_iter().map(|(_, name)| name).collect();
        let removed = VarianceRemoved {
            ratio: 1.0,
            covariates: names(used),
            dropped: names(dropped),
            strata,
            missing: own.iter().map(G::covariates_missing).sum(),
        };
        let name = if strata > 0 { "post-stratified" } else { "cuped" };
        Ok(Adjusted { plain, arms, name, removed })
    }

    /// first − second of two groups.
    fn difference(&self, first: usize, second: usize, level: Level) -> Result<MeanDifference, Undefined> {
        let (a, b) = (self.arms[first], self.arms[second]);
        let variance = a.variance + b.variance;
        let part = |arm: Arm| (arm.variance / variance).powi(2) / arm.df;
        let df = 1.0 / (part(a) + part(b));
        let estimate = a.estimate - b.estimate;
        MeanDifference::from_estimate(estimate, variance.sqrt(), df, Alternative::TwoSided, level)
    }

    fn removed(&self, control: usize, treatment: usize) -> Option<VarianceRemoved> {
        let plain = |at: usize| Some(self.plain.unit_variance(at)? / self.arms[at].n as f64);
        let before = plain(control)? + plain(treatment)?;
        let after = self.arms[control].variance + self.arms[treatment].variance;
        Some(VarianceRemoved { ratio: after / before, ..self.removed.clone() })
    }
}

/// Adjusted means of the groups, the degrees of freedom being those left by the units.
fn of_means(groups: &[Comoments]) -> Result<(Vec<Arm>, Slopes), Undefined> {
    let adjusted = adjusted_means(groups)?;
    let arms = adjusted.groups.iter().map(arm).collect::<Result<_, _>>()?;
    Ok((arms, adjusted.slopes))
}

fn arm(moments: &Moments) -> Result<Arm, Undefined> {
    let variance = moments.checked_variance()? / moments.n as f64;
    Ok(Arm { n: moments.n, estimate: moments.mean, variance, df: (moments.n - 1) as f64, missing: 0 })
}

/// Adjusted ratios of the groups; the delta method takes the normal law.
fn of_ratios(groups: &[Comoments]) -> Result<(Vec<Arm>, Slopes), Undefined> {
    let adjusted = adjusted_ratios(groups)?;
    let arms = adjusted.groups.iter().zip(groups).map(|(ratio, group)| Arm {
        n: group.n(),
        estimate: ratio.value,
        variance: ratio.variance,
        df: f64::INFINITY,
        missing: 0,
    });
    Ok((arms.collect(), adjusted.slopes))
}

/// Stratified means of the groups, of values that covariates have been taken out of first, and the strata as used.
fn stratified<G: Explained>(
    groups: &[G],
    strata: usize,
    slopes: &Slopes,
    comoments: &[Comoments],
) -> Result<(Vec<Arm>, u64), Undefined> {
    let units: f64 = comoments.iter().map(|group| group.n() as f64).sum();
    let centre = |at: usize| {
        comoments.iter().map(|group| group.means()[1 + at] * group.n() as f64).sum::<f64>() / units
    };
    let centres: Vec<f64> = (0..slopes.theta.len()).map(centre).collect();
    let moments: Vec<Vec<Moments>> = groups
        .iter()
        .map(|group| group.by_stratum(strata, &slopes.theta, &centres))
        .collect::<Result<_, _>>()?;
    let answer = post_stratified(&moments)?;
    let arms = answer.groups.iter().map(|group| Arm {
        n: group.n,
        estimate: group.mean,
        variance: group.variance,
        df: group.df,
        missing: 0,
    });
    Ok((arms.collect(), answer.strata.len() as u64))
}

/// Several controls as one: their units weigh alike, for a ratio the sums of their denominators.
fn pooled(parts: &[Arm], is_ratio: bool, groups: &[Comoments]) -> Arm {
    let weight = |at: usize| match is_ratio {
        true => groups[at].n() as f64 * groups[at].means()[1],
        false => parts[at].n as f64,
    };
    let total: f64 = (0..parts.len()).map(weight).sum();
    let share = |at: usize| weight(at) / total;
    let variance: f64 = parts.iter().enumerate().map(|(at, part)| share(at).powi(2) * part.variance).sum();
    Arm {
        n: parts.iter().map(|part| part.n).sum(),
        estimate: parts.iter().enumerate().map(|(at, part)| share(at) * part.estimate).sum(),
        variance,
        df: parts.iter().map(|part| part.df).sum(),
        missing: 0,
    }
}

impl Estimator for Adjusted {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        self.plain.groups(level)
    }

    fn omnibus(&self, from: usize) -> Option<NamedTest> {
        self.plain.omnibus(from)
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        let d = self.difference(control, treatment, Level::P95)?;
        let df = Some(d.df).filter(|df| df.is_finite());
        let mut tests = vec![NamedTest { test: self.name, statistic: d.statistic, df, p: d.p }];
        tests.extend(self.plain.tests(control, treatment)?);
        Ok(tests)
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        let Ok(d) = self.difference(treatment, control, level) else { return Effects::default() };
        let (c, t) = (self.arms[control], self.arms[treatment]);
        let critical = student_t_critical(d.df, Alternative::TwoSided, level);
        let (base, other) = ((c.estimate, c.variance), (t.estimate, t.variance));
        Effects {
            absolute: Some(Estimate { estimate: d.estimate, ci: ends(d.ci) }),
            relative: relative::fieller(base, other, critical),
            relative_log: relative::log_delta(base, other, critical),
            adjustment: self.removed(control, treatment),
            ..Effects::default()
        }
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        Some((self.arms[group].estimate, self.arms[group].variance))
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        let arm = self.arms[group];
        Some(arm.variance * arm.n as f64).filter(|variance| *variance > 0.0)
    }

    fn driver(&self, control: usize, treatment: usize) -> Option<Driver> {
        self.plain.driver(control, treatment)
    }

    fn beside(&self, control: usize, treatment: usize, level: Level) -> Vec<Beside> {
        let plain = self.plain.effects(control, treatment, level).absolute;
        let test = self.plain.tests(control, treatment).ok().and_then(|tests| tests.into_iter().next());
        let own = plain.zip(test).map(|(absolute, test)| Beside { way: Way::Unadjusted, absolute, test });
        own.into_iter().chain(self.plain.beside(control, treatment, level)).collect()
    }

    fn handling(&self) -> Handling {
        self.plain.handling()
    }

    fn choice(&self) -> Vec<&'static str> {
        let own = if self.name == "cuped" { "adjusted-cuped" } else { "adjusted-strata" };
        // What was not computed of the plain metric was not computed of this one.
        let omitted = self.plain.choice().into_iter().filter(|code| *code == "sums-no-values");
        std::iter::once(own).chain(omitted).collect()
    }
}
