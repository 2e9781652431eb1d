//! Estimators from sums: the same kinds, where the values of units stayed in their warehouse or passed by in portions.
//!
//! Where the sums hold a table of values, everything is answered from it exactly as from rows. Where its values are rounded, moments
//! are still exact, and what needs values is told with the error of the rounding ([`rounding`]). Where there is no table, what
//! needs values is not computed, and says so: a quantile is undefined, a mean is decided by Welch's test with its reason.

use super::adjusted::{self, Explained, Known};
use super::arms::{Arm, Layout, arrange};
use super::{Made, Seed, boxed, clustered, mean, of_values, proportion, ratio};
use crate::config::valid::{Aggregate, Config, Metric, MetricKind, Rows, TestKind};
use crate::data::GroupValues;
use crate::diag::Diagnostic;
use crate::stats::comoments::Comoments;
use crate::stats::{Moments, Undefined};
use crate::sums::{Cell, MetricSums, Sums, Table, ValueTable};

/// Tables of more units than this are not written out value by value: 160 MB.
const MOST_EXPANDED: u64 = 20_000_000;

/// The sums of one group.
#[derive(Clone, Debug)]
pub struct SummedArm {
    /// The group.
    pub id: String,
    /// All units, gaps in covariates filled.
    pub total: Cell,
    /// Values and covariates by stratum; empty without strata.
    pub strata: Vec<Comoments>,
    /// How many of the variables are values.
    pub values: usize,
    /// Values of covariates that were filled.
    pub covariates_missing: u64,
    table: Table,
}

impl SummedArm {
    fn of(sums: &Sums, metric: &MetricSums, group: usize) -> Result<SummedArm, Undefined> {
        let arm = metric.groups.get(group).ok_or(Undefined::LengthMismatch)?;
        let strata = metric.strata.and_then(|at| Some((at, sums.partitions.get(at)?.parts.len())));
        let strata = match strata {
            None => Vec::new(),
            Some((at, parts)) => (0..parts as u32)
                .map(|part| Ok(arm.of(metric, |key| key.parts[at] == part)?.joint))
                .collect::<Result<_, Undefined>>()?,
        };
        Ok(SummedArm {
            id: sums.groups.get(group).cloned().unwrap_or_default(),
            total: arm.total(metric)?,
            strata,
            values: metric.values,
            covariates_missing: arm.covariates_missing(),
            table: arm.table.clone(),
        })
    }

    /// Units without a value.
    pub fn left_out(&self) -> u64 {
        self.total.missing + self.total.non_finite
    }

    /// The moments of the first value.
    pub fn moments(&self) -> Moments {
        self.total.joint.of_variable(0).unwrap_or_default()
    }

    /// The table of values, where there is one, and the most that one of these is off, relative to itself.
    pub fn table(&self) -> Option<(&ValueTable, f64)> {
        self.table.values()
    }

    /// Every value, where a table holds them, rounded ones where these do.
    fn expanded(&self) -> Option<GroupValues> {
        let values = self.table.values()?.0.expanded();
        Some(GroupValues {
            group: self.id.clone(),
            values: vec![values],
            missing: self.total.missing,
            non_finite: self.total.non_finite,
            ..GroupValues::default()
        })
    }
}

impl Arm for SummedArm {
    fn id(&self) -> &str {
        &self.id
    }

    fn pooled(parts: &[Self], id: String) -> Self {
        let mut parts = parts.iter();
        let Some(first) = parts.next() else {
            let total = Cell::empty(Default::default(), 1);
            let table = Table::NotAsked;
            return SummedArm { id, total, strata: Vec::new(), values: 1, covariates_missing: 0, table };
        };
        parts.fold(SummedArm { id, ..first.clone() }, |mut pool, part| {
            // Arms of one metric have the same variables; what overflows shows itself in the parts as well.
            let _ = pool.total.absorb(&part.total);
            for (own, other) in pool.strata.iter_mut().zip(&part.strata) {
                *own = own.merge(other).unwrap_or_else(|_| own.clone());
            }
            pool.covariates_missing += part.covariates_missing;
            pool.table = pool.table.merge(&part.table);
            pool
        })
    }
}

impl Explained for SummedArm {
    fn values(&self) -> usize {
        self.values
    }

    fn joint(&self) -> Result<Comoments, Undefined> {
        Ok(self.total.joint.clone())
    }

    fn by_stratum(&self, _strata: usize, theta: &[f64], centres: &[f64]) -> Result<Vec<Moments>, Undefined> {
        let weights: Vec<f64> = std::iter::once(1.0).chain(theta.iter().map(|slope| -slope)).collect();
        let moved: f64 = theta.iter().zip(centres).map(|(slope, centre)| slope * centre).sum();
        let residual = |joint: &Comoments| {
            let moments = joint.of_combination(&weights)?;
            Ok(Moments { mean: if moments.n > 0 { moments.mean + moved } else { 0.0 }, ..moments })
        };
        self.strata.iter().map(residual).collect()
    }

    fn left_out(&self) -> u64 {
        SummedArm::left_out(self)
    }

    fn covariates_missing(&self) -> u64 {
        self.covariates_missing
    }
}

/// The most that a value of a metric was rounded, relative to itself; none where values are exact, or none was looked at.
pub fn rounding(metric: &Metric, sums: &Sums) -> Option<f64> {
    if !matches!(metric.kind, MetricKind::Mean | MetricKind::Quantile { .. }) {
        return None;
    }
    let tables = sums.metric(&metric.id)?.groups.iter().filter_map(|arm| arm.table.values());
    tables.map(|(_, error)| error).filter(|error| *error > 0.0).reduce(f64::max)
}

/// The arms of a metric in the order of the comparison.
pub fn arms(
    config: &Config,
    sums: &Sums,
    metric: &MetricSums,
    groups: &[String],
) -> Result<(Vec<SummedArm>, Layout), Undefined> {
    let found = groups.iter().map(|id| {
        let at = sums.groups.iter().position(|group| group == id).ok_or(Undefined::EmptyGroup)?;
        SummedArm::of(sums, metric, at)
    });
    Ok(arrange(found.collect::<Result<Vec<_>, _>>()?, &config.design))
}

/// The estimator of a metric from its sums; `rows` is what the config says of them, none for a step of a funnel.
pub fn of_sums(
    config: &Config,
    metric: &Metric,
    rows: Option<&Rows>,
    sums: &Sums,
    groups: &[String],
    seed: Seed,
) -> Result<Made, Diagnostic> {
    let Some(own) = sums.metric(&metric.id) else {
        let message = format!("metric `{}` is not in the sums that were read", metric.id);
        return Err(Diagnostic::error("data::no-sums", message).hint("read them again with this config"));
    };
    let (arms, layout) = match arms(config, sums, own, groups) {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let Some(rows) = rows else {
        return Ok(boxed(proportion::Proportion::from_sums(metric, &arms)?, layout));
    };
    let covariates = own.covariates.iter().map(|covariate| covariate.name.clone()).collect();
    let strata = own.strata.and_then(|at| sums.partitions.get(at)).map_or(0, |by| by.parts.len());
    let known = Known { strata, covariates, adjustment: &rows.adjustment };
    let clustered = rows.aggregate == Aggregate::Rows;
    let fits = arms.iter().map(|arm| arm.moments().n).sum::<u64>() <= MOST_EXPANDED;
    let expanded = || -> Option<Vec<GroupValues>> {
        fits.then(|| arms.iter().map(SummedArm::expanded).collect()).flatten()
    };
    let exact = arms.iter().all(|arm| arm.table().is_some_and(|(_, error)| error == 0.0));
    let needs_values = !matches!(metric.test, TestKind::Auto | TestKind::Welch | TestKind::Student);
    Ok(match metric.kind {
        MetricKind::Proportion if !clustered => {
            adjusted::or_plain(proportion::Proportion::from_sums(metric, &arms)?, &arms, known, layout)
        }
        MetricKind::Ratio => adjusted::or_plain(ratio::Ratio::from_arms(&arms), &arms, known, layout),
        MetricKind::Mean | MetricKind::Proportion if clustered => {
            boxed(clustered::ClusteredMean::from_sums(&arms), layout)
        }
        MetricKind::Mean if rows.winsorize.is_some() => match expanded() {
            Some(groups) if known.adjustment.is_empty() => {
                of_values(metric, rows, groups, known, layout, seed)
            }
            _ => Err(Undefined::RowsNeeded),
        },
        MetricKind::Mean => {
            // Of many values the rows would tell no more than moments and a table do.
            let units: u64 = arms.iter().map(|arm| arm.moments().n).sum();
            let few = units <= mean::LARGE as u64;
            let plain = match (few || needs_values).then(expanded).flatten() {
                Some(groups) if exact => mean::Mean::from_values(metric, groups, seed),
                Some(groups) => mean::Mean::from_rounded(metric, groups, &arms, seed),
                None => mean::Mean::from_sums(metric, &arms),
            };
            adjusted::or_plain(plain, &arms, known, layout)
        }
        MetricKind::Quantile { .. } => match expanded() {
            Some(groups) if !clustered => of_values(metric, rows, groups, known, layout, seed),
            _ => Err(Undefined::RowsNeeded),
        },
        MetricKind::Proportion => Err(Undefined::RowsNeeded),
    })
}
