//! Ratios of sums, such as the average order or the cost of an action: the delta method over units.

use super::outcome::{Estimate, GroupOutcome, NamedTest};
use super::summed::SummedArm;
use super::{Effects, Estimator, relative};
use crate::data::GroupValues;
use crate::stats::bivariate::BivariateMoments;
use crate::stats::distributions::{normal_isf, normal_sf};
use crate::stats::ratio::ratio_of_means;
use crate::stats::{Level, Undefined};

struct Group {
    id: String,
    n: u64,
    missing: u64,
    ratio: f64,
    /// Variance of a unit's linearised contribution: (numerator − ratio · denominator) / mean of the denominator.
    variance: f64,
}

/// Sums of numerators over sums of denominators, by units in groups.
pub struct Ratio {
    groups: Vec<Group>,
}

impl Ratio {
    /// From numerators and denominators by unit.
    pub fn from_values(groups: &[GroupValues]) -> Result<Self, Undefined> {
        let groups = groups.iter().map(|group| match group.values.as_slice() {
            [numerator, denominator] => {
                of_group(&group.group, numerator, denominator, group.missing + group.non_finite)
            }
            _ => Err(Undefined::LengthMismatch),
        });
        Ok(Ratio { groups: groups.collect::<Result<_, _>>()? })
    }

    /// From the co-moments of numerators and denominators.
    pub fn from_arms(arms: &[SummedArm]) -> Result<Self, Undefined> {
        let group = |arm: &SummedArm| {
            let moments = BivariateMoments::of_variables(&arm.total.joint, 0, 1);
            of_moments(&arm.id, &moments.ok_or(Undefined::LengthMismatch)?, arm.left_out())
        };
        Ok(Ratio { groups: arms.iter().map(group).collect::<Result<_, _>>()? })
    }

    /// From sums by unit: group, numerators, denominators, values that were missing.
    pub fn from_sums(
        groups: impl Iterator<Item = (String, Vec<f64>, Vec<f64>, u64)>,
    ) -> Result<Self, Undefined> {
        let groups = groups
            .map(|(id, numerator, denominator, missing)| of_group(&id, &numerator, &denominator, missing));
        Ok(Ratio { groups: groups.collect::<Result<_, _>>()? })
    }

    /// Units of all groups.
    pub fn units(&self) -> u64 {
        self.groups.iter().map(|group| group.n).sum()
    }

    fn se(&self, a: usize, b: usize) -> f64 {
        let part = |g: &Group| g.variance / g.n as f64;
        (part(&self.groups[a]) + part(&self.groups[b])).sqrt()
    }
}

/// The ratio of one group with the variance of its linearisation (Deng, Knoblich & Lu, KDD 2018).
fn of_group(id: &str, numerator: &[f64], denominator: &[f64], missing: u64) -> Result<Group, Undefined> {
    of_moments(id, &BivariateMoments::from_slices(numerator, denominator)?, missing)
}

fn of_moments(id: &str, moments: &BivariateMoments, missing: u64) -> Result<Group, Undefined> {
    let estimate = ratio_of_means(moments)?;
    if estimate.variance == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    let n = moments.n;
    Ok(Group { id: id.to_owned(), n, missing, ratio: estimate.value, variance: estimate.variance * n as f64 })
}

impl Estimator for Ratio {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        let z = normal_isf(level.alpha() / 2.0);
        let outcome = |g: &Group| {
            let margin = z * (g.variance / g.n as f64).sqrt();
            GroupOutcome {
                id: g.id.clone(),
                n: g.n,
                mean: Some(g.ratio),
                sd: Some(g.variance.sqrt()),
                ci: Some((g.ratio - margin, g.ratio + margin)),
                median: None,
                max: None,
                normality: None,
                skewness: None,
                successes: None,
                missing: g.missing,
                values: Vec::new(),
            }
        };
        self.groups.iter().map(outcome).collect()
    }

    fn omnibus(&self, _from: usize) -> Option<NamedTest> {
        None
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        let z = (self.groups[control].ratio - self.groups[treatment].ratio) / self.se(control, treatment);
        let p = (2.0 * normal_sf(z.abs())).min(1.0);
        Ok(vec![NamedTest { test: "delta", statistic: z, df: None, p }])
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        let (c, t) = (&self.groups[control], &self.groups[treatment]);
        let estimate = t.ratio - c.ratio;
        let z = normal_isf(level.alpha() / 2.0);
        let margin = z * self.se(control, treatment);
        let absolute = Estimate { estimate, ci: Some((estimate - margin, estimate + margin)) };
        let (base, other) = ((c.ratio, c.variance / c.n as f64), (t.ratio, t.variance / t.n as f64));
        Effects {
            absolute: Some(absolute),
            relative: relative::fieller(base, other, z),
            relative_log: relative::log_delta(base, other, z),
            ..Effects::default()
        }
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        let group = &self.groups[group];
        Some((group.ratio, group.variance / group.n as f64))
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        Some(self.groups[group].variance)
    }

    fn choice(&self) -> Vec<&'static str> {
        Vec::new()
    }
}
