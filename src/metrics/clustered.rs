//! Rows whose unit of randomisation is a cluster of them: page loads of a user, say. The rows of a unit resemble each other,
//! so the error is that of the units (Deng, Knoblich & Lu, KDD 2018).

use super::outcome::{Estimate, GroupOutcome, Handling, NamedTest};
use super::ratio::Ratio;
use super::summed::SummedArm;
use super::{Effects, Estimator, ends, relative};
use crate::data::GroupValues;
use crate::stats::clustered_quantile::{
    ClusteredQuantile as Answer, clustered_quantile, clustered_quantile_difference,
};
use crate::stats::distributions::normal_isf;
use crate::stats::quantiles::quantile_sorted;
use crate::stats::t_test::MeanDifference;
use crate::stats::{Alternative, Level, Moments, Undefined};

/// The mean over all rows: a ratio of two sums by unit.
pub struct ClusteredMean {
    ratio: Ratio,
    rows: u64,
}

impl ClusteredMean {
    /// From rows with the units they belong to.
    pub fn new(groups: Vec<GroupValues>) -> Result<Self, Undefined> {
        let rows = groups.iter().map(|group| group.clusters.len() as u64).sum();
        let ratio = Ratio::from_sums(groups.iter().map(|group| {
            let units = group.clusters.iter().max().map_or(0, |last| *last as usize + 1);
            let (mut sums, mut counts) = (vec![0.0; units], vec![0.0; units]);
            for (value, unit) in group.values.iter().flatten().zip(&group.clusters) {
                sums[*unit as usize] += value;
                counts[*unit as usize] += 1.0;
            }
            // A unit whose every row lacked a value has none here.
            let (sums, counts): (Vec<f64>, Vec<f64>) =
                sums.into_iter().zip(counts).filter(|(_, count)| *count > 0.0).unzip();
            (group.group.clone(), sums, counts, group.missing + group.non_finite)
        }))?;
        Ok(ClusteredMean { ratio, rows })
    }

    /// From the co-moments of the sums and the numbers of rows by unit.
    pub fn from_sums(arms: &[SummedArm]) -> Result<Self, Undefined> {
        let rows = arms.iter().filter_map(|arm| arm.total.joint.of_variable(1));
        let rows = rows.map(|counts| counts.sum().round() as u64).sum();
        Ok(ClusteredMean { ratio: Ratio::from_arms(arms)?, rows })
    }
}

impl Estimator for ClusteredMean {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        self.ratio.groups(level)
    }

    fn omnibus(&self, _from: usize) -> Option<NamedTest> {
        None
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        self.ratio.tests(control, treatment)
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        self.ratio.effects(control, treatment, level)
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        self.ratio.point(group)
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        self.ratio.unit_variance(group)
    }

    fn handling(&self) -> Handling {
        Handling { clusters: Some((self.rows, self.ratio.units())), ..Handling::default() }
    }

    fn choice(&self) -> Vec<&'static str> {
        vec!["rows-in-clusters"]
    }
}

struct Group {
    id: String,
    values: Vec<f64>,
    clusters: Vec<u32>,
    missing: u64,
}

/// A quantile over all rows.
pub struct ClusteredQuantile {
    groups: Vec<Group>,
    q: f64,
}

impl ClusteredQuantile {
    /// From rows with the units they belong to.
    pub fn new(q: f64, groups: Vec<GroupValues>) -> Result<Self, Undefined> {
        let group = |mut group: GroupValues| Group {
            values: group.values.pop().unwrap_or_default(),
            id: group.group,
            clusters: group.clusters,
            missing: group.missing + group.non_finite,
        };
        let groups: Vec<Group> = groups.into_iter().map(group).collect();
        if groups.iter().any(|group| group.values.is_empty()) {
            return Err(Undefined::EmptyGroup);
        }
        Ok(ClusteredQuantile { groups, q })
    }

    fn answer(&self, group: usize, level: Level) -> Result<Answer, Undefined> {
        let group = &self.groups[group];
        clustered_quantile(&group.values, &group.clusters, self.q, level)
    }

    /// first − second.
    fn difference(&self, first: usize, second: usize, level: Level) -> Result<MeanDifference, Undefined> {
        let (a, b) = (self.answer(first, level)?, self.answer(second, level)?);
        clustered_quantile_difference(&a, &b, Alternative::TwoSided, level)
    }
}

impl Estimator for ClusteredQuantile {
    fn groups(&self, level: Level) -> Vec<GroupOutcome> {
        let outcome = |(at, group): (usize, &Group)| {
            let answer = self.answer(at, level).ok();
            let mut sorted = group.values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            GroupOutcome {
                id: group.id.clone(),
                n: answer.map_or(0, |answer| answer.clusters),
                mean: quantile_sorted(&sorted, self.q),
                sd: Moments::from_slice(&sorted).sd(),
                ci: answer.and_then(|answer| ends(answer.interval)),
                median: quantile_sorted(&sorted, 0.5),
                max: sorted.last().copied(),
                normality: None,
                skewness: None,
                successes: None,
                missing: group.missing,
                values: sorted,
            }
        };
        self.groups.iter().enumerate().map(outcome).collect()
    }

    fn omnibus(&self, _from: usize) -> Option<NamedTest> {
        None
    }

    fn tests(&self, control: usize, treatment: usize) -> Result<Vec<NamedTest>, Undefined> {
        let d = self.difference(control, treatment, Level::P95)?;
        Ok(vec![NamedTest { test: "delta", statistic: d.statistic, df: None, p: d.p }])
    }

    fn effects(&self, control: usize, treatment: usize, level: Level) -> Effects {
        let Ok(d) = self.difference(treatment, control, level) else { return Effects::default() };
        let of = |at: usize| {
            let answer = self.answer(at, level).ok()?;
            Some((answer.estimate, answer.se? * answer.se?))
        };
        let critical = normal_isf(level.alpha() / 2.0);
        let relative = of(control).zip(of(treatment));
        Effects {
            absolute: Some(Estimate { estimate: d.estimate, ci: ends(d.ci) }),
            relative: relative.and_then(|(c, t)| relative::fieller(c, t, critical)),
            relative_log: relative.and_then(|(c, t)| relative::log_delta(c, t, critical)),
            ..Effects::default()
        }
    }

    fn point(&self, group: usize) -> Option<(f64, f64)> {
        let answer = self.answer(group, Level::P95).ok()?;
        Some((answer.estimate, answer.se? * answer.se?))
    }

    fn unit_variance(&self, group: usize) -> Option<f64> {
        let answer = self.answer(group, Level::P95).ok()?;
        Some(answer.se? * answer.se? * answer.clusters as f64).filter(|variance| *variance > 0.0)
    }

    fn handling(&self) -> Handling {
        let rows = self.groups.iter().map(|group| group.values.len() as u64).sum();
        let units = (0..self.groups.len())
            .filter_map(|at| self.answer(at, Level::P95).ok())
            .map(|answer| answer.clusters)
            .sum();
        Handling { clusters: Some((rows, units)), ..Handling::default() }
    }

    fn choice(&self) -> Vec<&'static str> {
        vec!["rows-in-clusters"]
    }
}
