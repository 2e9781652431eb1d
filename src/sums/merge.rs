//! Two sums as one: portions of units, days, partitions of a table.

use super::{ColumnSums, Covariate, Exposure, MetricSums, Partition, RowCounts, Sums};
use crate::stats::Undefined;

impl Sums {
    /// The sums of both portions together. Every unit must be in one of them only; metrics, covariates and partitions must be
    /// the same, groups and parts need not.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`] where the sums are not of the same metrics; those of merging moments.
    pub fn merge(&self, other: &Sums) -> Result<Sums, Undefined> {
        let same = self.metrics.len() == other.metrics.len()
            && self.partitions.len() == other.partitions.len()
            && self.partitions.iter().zip(&other.partitions).all(|(a, b)| a.by == b.by);
        if !same {
            return Err(Undefined::LengthMismatch);
        }
        let mut total = self.clone();
        let groups = numbered(&mut total.groups, &other.groups);
        let parts: Vec<Vec<usize>> = total
            .partitions
            .iter_mut()
            .zip(&other.partitions)
            .map(|(own, other): (&mut Partition, &Partition)| numbered(&mut own.parts, &other.parts))
            .collect();
        let moved = |of: &[u32]| -> Vec<u32> {
            of.iter().zip(&parts).map(|(at, numbers)| numbers[*at as usize] as u32).collect()
        };
        for exposure in &other.exposures {
            let exposure =
                Exposure { group: groups[exposure.group], parts: moved(&exposure.parts), ..exposure.clone() };
            total.expose(exposure);
        }
        total.rows = rows(self.rows, other.rows);
        total.time = match (self.time, other.time) {
            (Some((first, last)), Some((first_too, last_too))) => {
                Some((first.min(first_too), last.max(last_too)))
            }
            (one, other) => one.or(other),
        };
        for column in &other.columns {
            match total.columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => *known = columns(known, column),
                None => total.columns.push(column.clone()),
            }
        }
        for facts in &other.facts {
            match total.facts.iter_mut().find(|known| known.name == facts.name) {
                Some(known) => known.absorb(facts),
                None => total.facts.push(facts.clone()),
            }
        }
        let count = total.groups.len();
        for (own, other) in total.metrics.iter_mut().zip(&other.metrics) {
            own.groups.resize_with(count, Default::default);
            metric(own, other, &groups, &moved)?;
        }
        Ok(total)
    }

    /// Counts units that came into a group.
    pub fn expose(&mut self, exposure: Exposure) {
        let known = self.exposures.iter_mut().find(|known| {
            (known.group, known.day, &known.parts) == (exposure.group, exposure.day, &exposure.parts)
        });
        match known {
            Some(known) => {
                known.units += exposure.units;
                known.analysed += exposure.analysed;
                known.rows += exposure.rows;
            }
            None => self.exposures.push(exposure),
        }
    }
}

/// Adds names that are new, and says where each of them is.
fn numbered(known: &mut Vec<String>, names: &[String]) -> Vec<usize> {
    let number = |name: &String| {
        known.iter().position(|known| known == name).unwrap_or_else(|| {
            known.push(name.clone());
            known.len() - 1
        })
    };
    names.iter().map(number).collect()
}

fn metric(
    own: &mut MetricSums,
    other: &MetricSums,
    groups: &[usize],
    moved: &impl Fn(&[u32]) -> Vec<u32>,
) -> Result<(), Undefined> {
    let same = own.metric == other.metric
        && (own.values, own.covariates.len()) == (other.values, other.covariates.len());
    if !same {
        return Err(Undefined::LengthMismatch);
    }
    for (known, other) in own.covariates.iter_mut().zip(&other.covariates) {
        *known = Covariate { known: known.known.merge(&other.known), ..known.clone() };
    }
    for (arm, group) in other.groups.iter().zip(groups) {
        let known = &mut own.groups[*group];
        // A group that was not there before has no table to be merged with.
        known.table = if known.cells.is_empty() { arm.table.clone() } else { known.table.merge(&arm.table) };
        for cell in &arm.cells {
            let mut cell = cell.clone();
            cell.key.parts = moved(&cell.key.parts);
            known.add(cell)?;
        }
    }
    Ok(())
}

fn rows(a: RowCounts, b: RowCounts) -> RowCounts {
    RowCounts {
        total: a.total + b.total,
        without_group: a.without_group + b.without_group,
        without_unit: a.without_unit + b.without_unit,
        without_time: a.without_time + b.without_time,
        after_date: a.after_date + b.after_date,
        early: a.early + b.early,
        early_units: a.early_units + b.early_units,
        never_since: a.never_since + b.never_since,
        mixed_units: a.mixed_units + b.mixed_units,
    }
}

pub(super) fn columns(a: &ColumnSums, b: &ColumnSums) -> ColumnSums {
    let either = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (one, other) => one.or(other),
    };
    ColumnSums {
        name: a.name.clone(),
        moments: match (a.moments, b.moments) {
            (Some(a), Some(b)) => Some(a.merge(&b)),
            (one, other) => one.or(other),
        },
        min: either(a.min, b.min, f64::min),
        max: either(a.max, b.max, f64::max),
        count: a.count + b.count,
        missing: a.missing + b.missing,
        non_finite: a.non_finite + b.non_finite,
        invalid: a.invalid + b.invalid,
    }
}
