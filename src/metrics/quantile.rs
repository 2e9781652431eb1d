//! Quantiles, such as the median time or the 95th percentile of a delay: the bootstrap over units.

use super::outcome::{Estimate, GroupOutcome, NamedTest, Replicates};
use super::{Effects, Estimator, Seed, ends, family, relative};
use crate::data::GroupValues;
use crate::stats::distributions::{normal_isf, normal_sf};
use crate::stats::quantile_difference::{
    QuantileDifference, bootstrap_quantile_difference, quantile_interval,
};
use crate::stats::quantiles::quantile_sorted;
use crate::stats::{Level, Moments, Undefined};

struct Group {
    id: String,
    /// Sorted ascending.
    values: Vec<f64>,
    missing: u64,
}

/// One quantile of the values of units in groups.
pub struct Quantile {
    groups: Vec<Group>,
    q: f64,
    seed: Seed,
}

/// Fewest observations that are expected on the shorter side of a quantile in each group. Replicates of a sample never pass its largest
/// value: with one value beyond the quantile in a group of 20 and twenty in one of 400, a quarter of true hypotheses were rejected
/// at 5 %; with two and eighteen 8 %.
const BEYOND: f64 = 5.0;

impl Quantile {
    /// From values by unit.
    pub fn from_values(q: f64, groups: Vec<GroupValues>, seed: Seed) -> Result<Self, Undefined> {
        let groups: Vec<Group> = groups
            .into_iter()
            .map(|mut group| {
                let mut values = group.values.pop().unwrap_or_default();
                values.sort_unstable_by(f64::total_cmp);
                Group { id: group.group, values, missing: group.missing + group.non_finite }
            })
            .collect();
        if groups.iter().any(|g| g.values.is_empty()) {
            return Err(Undefined::EmptyGroup);
        }
        let shorter = q.min(1.0 - q);
        let (needed, found) = ((BEYOND / shorter).ceil() as u64, groups.iter().map(|g| g.values.len()).min());
        match found.unwrap_or(0) as u64 {
            found if found < needed => Err(Undefined::TooFewObservations { needed, found }),
            _ => Ok(Quantile { groups, q, seed }),
        }
    }

    /// The bootstrap of treatment − control; the same replicates whatever the level.
    fn resampled(
        &self,
        control: usize,
        treatment: usize,
        level: Level,
    ) -> Result<QuantileDifference, Undefined> {
        let mut rng = self.seed.of_pair(control, treatment);
        let (c, t) = (&self.groups[control].values, &self.groups[treatment].values);
        bootstrap_quantile_difference(t, c, self.q, self.seed.replicates, level, &mut rng)
    }

    fn value(&self, group: usize) -> Option<f64> {
        quantile_sorted(&self.groups[group].values, self.q)
    }
}

impl Estimator for Quantile {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        let outcome = |g: &Group| GroupOutcome {
            id: g.id.clone(),
            n: g.values.len() as u64,
            mean: quantile_sorted(&g.values, self.q),
            sd: Moments::from_slice(&g.values).sd(),
            ci: ends(quantile_interval(&g.values, self.q, level)),
            median: quantile_sorted(&g.values, 0.5),
            max: g.values.last().copied(),
            normality: None,
            skewness: None,
            successes: None,
            missing: g.missing,
            values: g.values.clone(),
        };
        self.groups.iter().map(outcome).collect()
    }

    fn omnibus(&self, _from: usize) -> Option<NamedTest> {
        None
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        let d = self.resampled(control, treatment, Level::P95)?;
        Ok(vec![NamedTest { test: "bootstrap", statistic: -d.estimate, df: None, p: d.p }])
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        let Ok(d) = self.resampled(control, treatment, level) else { return Effects::default() };
        let ci = ends(d.interval);
        // Fieller's interval belongs to the normal test of the difference; it is moved to the p-value of the bootstrap.
        let relative = self.point(control).zip(self.point(treatment)).and_then(|(c, t)| {
            let normal = 2.0 * normal_sf((t.0 - c.0).abs() / (c.1 + t.1).sqrt());
            let level = family::calibrated(level, normal, d.p);
            relative::fieller(c, t, normal_isf(level.alpha() / 2.0))
        });
        Effects {
            absolute: Some(Estimate { estimate: d.estimate, ci }),
            relative,
            replicates: ci.map(|ci| Replicates { ci, method: "percentile", differences: d.replicates }),
            ..Effects::default()
        }
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        let variance = self.unit_variance(group)? / self.groups[group].values.len() as f64;
        Some((self.value(group)?, variance))
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        // From the width of the order-statistic interval: se = width / 2z, variance of a unit's share n · se².
        let values = &self.groups[group].values;
        let (low, high) = ends(quantile_interval(values, self.q, Level::P95))?;
        let se = (high - low) / (2.0 * normal_isf(0.025));
        (se > 0.0).then_some(se * se * values.len() as f64)
    }

    fn choice(&self) -> Vec<&'static str> {
        Vec::new()
    }
}
