//! The sums of one metric, and what estimators ask of them.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::cell::{Cell, Key};
use super::table::Table;
use crate::stats::comoments::Comoments;
use crate::stats::{Moments, Undefined};

/// One metric, by group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricSums {
    /// Metric id.
    pub metric: String,
    /// How many values a unit has: two for a ratio and for rows in clusters, else one.
    pub values: usize,
    /// Covariates in the order of their columns, which follow those of the values.
    pub covariates: Vec<Covariate>,
    /// Which partition holds the strata.
    pub strata: Option<usize>,
    /// Groups in the order of [`Sums::groups`](super::Sums::groups).
    pub groups: Vec<ArmSums>,
}

/// A covariate of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covariate {
    /// Its name: the expression, or `pre-period: …`.
    pub name: String,
    /// Its values over all units of all groups that have one, whether the metric is defined on them or not. Units without
    /// one get the mean.
    pub known: Moments,
}

/// One group of one metric.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmSums {
    /// Units that are alike, each kind once.
    pub cells: Vec<Cell>,
    /// The first value of all of them.
    pub table: Table,
}

impl ArmSums {
    /// Adds units to the cell of their key.
    ///
    /// # Errors
    /// As [`Cell::absorb`].
    pub fn add(&mut self, cell: Cell) -> Result<(), Undefined> {
        match self.cells.iter_mut().find(|known| known.key == cell.key) {
            Some(known) => known.absorb(&cell),
            None => {
                self.cells.push(cell);
                Ok(())
            }
        }
    }

    /// All units as one cell, gaps in covariates filled with the means of all units; `None` of no cells.
    ///
    /// # Errors
    /// As [`Cell::absorb`]; a covariate that no unit has is [`Undefined::EmptyGroup`].
    pub fn total(&self, metric: &MetricSums) -> Result<Cell, Undefined> {
        self.of(metric, |_| true)
    }

    /// The units of the cells that are meant as one cell.
    ///
    /// # Errors
    /// As [`ArmSums::total`].
    pub fn of(&self, metric: &MetricSums, is_meant: impl Fn(&Key) -> bool) -> Result<Cell, Undefined> {
        let mut total = Cell::empty(Key::default(), metric.values + metric.covariates.len());
        for cell in self.cells.iter().filter(|cell| is_meant(&cell.key)) {
            total.absorb(&metric.filled(cell)?)?;
        }
        Ok(total)
    }

    /// Values of covariates that units with a value lack.
    pub fn covariates_missing(&self) -> u64 {
        self.cells.iter().map(|cell| cell.joint.n() * u64::from(cell.key.lacking.count_ones())).sum()
    }

    /// Days of first exposure, in order.
    pub fn days(&self) -> Vec<Date> {
        let mut days: Vec<Date> = self.cells.iter().filter_map(|cell| cell.key.day).collect();
        days.sort_unstable();
        days.dedup();
        days
    }
}

impl MetricSums {
    /// A cell whose units lack no covariate any more.
    fn filled(&self, cell: &Cell) -> Result<Cell, Undefined> {
        if cell.key.lacking == 0 || cell.joint.n() == 0 {
            return Ok(cell.clone());
        }
        let mut means = cell.joint.means().to_vec();
        for (at, covariate) in self.covariates.iter().enumerate() {
            if cell.key.lacking >> at & 1 == 1 {
                if covariate.known.n == 0 {
                    return Err(Undefined::EmptyGroup);
                }
                means[self.values + at] = covariate.known.mean;
            }
        }
        // A constant has no deviation from its mean, so only the means change.
        Ok(Cell { joint: cell.joint.with_means(means)?, ..cell.clone() })
    }

    /// How many units have a value, in all groups.
    pub fn units(&self) -> u64 {
        self.groups.iter().flat_map(|arm| &arm.cells).map(|cell| cell.joint.n()).sum()
    }

    /// The moments of the values alone.
    pub fn of_values(&self, cell: &Cell) -> Comoments {
        cell.joint.of_first(self.values)
    }
}
