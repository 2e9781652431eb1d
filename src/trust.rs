//! Whether the data can be trusted, before any result is looked at.

use crate::config::valid::{Config, Design, MetricSource};
use crate::data::{Dataset, Gate};
use crate::planning::PlanOutcome;
use crate::stats::chi_square::{self, ChiSquare};

/// Below this p-value the sample ratio check fails. It is far below the usual levels on purpose: the check is made in
/// every experiment every night, and a false alarm stops a decision (Fabijan et al., KDD 2019, use the same bound).
pub const SRM_ALPHA: f64 = 0.001;

/// The sample ratio check: do the group sizes fit the declared allocation?
#[derive(Clone, Debug, PartialEq)]
pub struct Srm {
    /// Group sizes, whatever their source.
    pub groups: Vec<(String, u64)>,
    /// Declared shares in the same order, adding up to 1.
    pub shares: Vec<f64>,
    /// χ² goodness of fit.
    pub test: ChiSquare,
    /// `p ≥` [`SRM_ALPHA`], and every declared group has somebody in it.
    pub ok: bool,
}

impl Srm {
    /// Groups that are declared and that nobody came into.
    pub fn absent(&self) -> impl Iterator<Item = &str> {
        let declared = self.groups.iter().zip(&self.shares).filter(|(_, share)| **share > 0.0);
        declared.filter(|((_, units), _)| *units == 0).map(|((id, _), _)| id.as_str())
    }
}

/// What is known about the data before the results.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Gates that spoke, refusing or not.
    pub gates: Vec<Gate>,
    /// The sample ratio check, with two groups or more of known size.
    pub srm: Option<Srm>,
    /// Columns with values that break their rule: name and count.
    pub invalid: Vec<(String, u64)>,
    /// Share of the units that were seen in two groups and left out, in [0, 1].
    pub contamination: f64,
    /// The longest duration over the plans, in days.
    pub plan_days: Option<f64>,
}

impl Trust {
    /// Collects what is known.
    pub fn assess(config: &Config, data: Option<&Dataset>, plans: &[PlanOutcome]) -> Self {
        let mut sizes = group_sizes(config, data);
        // A declared group that nobody came into was not divided as declared.
        if !sizes.is_empty() {
            let absent = config.design.allocation.iter().map(|(id, _)| id.trim());
            let absent: Vec<&str> = absent.filter(|id| sizes.iter().all(|(known, _)| known != id)).collect();
            sizes.extend(absent.into_iter().map(|id| (id.to_owned(), 0)));
        }
        Trust {
            gates: data.map(|d| d.gates.clone()).unwrap_or_default(),
            srm: srm(&config.design, &sizes),
            invalid: data
                .map(|d| {
                    let broken = d.overview.iter().filter(|c| c.invalid > 0);
                    broken.map(|c| (c.name.clone(), c.invalid)).collect()
                })
                .unwrap_or_default(),
            contamination: data.map_or(0.0, |d| {
                let units = d.groups.iter().map(|g| g.units).sum::<u64>() + d.contamination;
                d.contamination as f64 / units.max(1) as f64
            }),
            plan_days: plans.iter().filter_map(|p| p.days).map(|d| d as f64).reduce(f64::max),
        }
    }

    /// A gate refused the data.
    pub fn refused(&self) -> bool {
        self.gates.iter().any(|g| g.refuses)
    }

    /// The sample ratio check failed.
    pub fn srm_failed(&self) -> bool {
        self.srm.as_ref().is_some_and(|s| !s.ok)
    }

    /// So many units were in two groups that leaving them out may select: a hundredth and more.
    pub fn is_contaminated(&self) -> bool {
        self.contamination >= 0.01
    }

    /// Some column holds values that break its rule.
    pub fn has_invalid_values(&self) -> bool {
        !self.invalid.is_empty()
    }

    /// The longest duration over the plans, 0 without plans.
    pub fn longest_plan_days(&self) -> f64 {
        self.plan_days.unwrap_or(0.0)
    }
}

/// Group sizes from rows, else from the first metric with counts or summaries.
pub fn group_sizes(config: &Config, data: Option<&Dataset>) -> Vec<(String, u64)> {
    if let Some(data) = data {
        return data.groups.iter().map(|g| (g.id.clone(), g.units)).collect();
    }
    config
        .metrics
        .iter()
        .find_map(|m| match &m.source {
            MetricSource::Counts(groups) => Some(groups.iter().map(|(id, c)| (id.clone(), c.n)).collect()),
            MetricSource::Summary(groups) => Some(groups.iter().map(|(id, s)| (id.clone(), s.n)).collect()),
            MetricSource::Rows(_) | MetricSource::Step(_) => None,
        })
        .unwrap_or_default()
}

/// The declared shares of groups, adding up to 1; equal ones where nothing is declared.
pub fn shares(design: &Design, ids: &[&str]) -> Vec<f64> {
    let weight = |id: &str| match design.allocation.iter().find(|(g, _)| g == id) {
        Some((_, weight)) => *weight,
        // A group that the allocation does not know should have no units at all; without an allocation shares are equal.
        None if design.allocation.is_empty() => 1.0,
        None => 0.0,
    };
    let total: f64 = ids.iter().map(|id| weight(id)).sum();
    ids.iter().map(|id| weight(id) / total).collect()
}

fn srm(design: &Design, sizes: &[(String, u64)]) -> Option<Srm> {
    if sizes.len() < 2 {
        return None;
    }
    let ids: Vec<&str> = sizes.iter().map(|(id, _)| id.as_str()).collect();
    let shares = shares(design, &ids);
    let observed: Vec<u64> = sizes.iter().map(|(_, n)| *n).collect();
    let test = chi_square::goodness_of_fit(&observed, &shares).ok()?;
    let srm = Srm { groups: sizes.to_vec(), shares, ok: test.p >= SRM_ALPHA, test };
    // Of a few units a group may be missing by chance, but then there is nothing to compare either.
    Some(Srm { ok: srm.ok && srm.absent().next().is_none(), ..srm })
}
