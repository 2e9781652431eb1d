//! One cell: units of a group that are alike in all that the report tells apart.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::stats::Undefined;
use crate::stats::comoments::Comoments;
use crate::stats::shape_moments::ShapeMoments;

/// In what the units of a cell are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Day of the first exposure, where it is known.
    pub day: Option<Date>,
    /// For every partition of the sums the index into its parts.
    pub parts: Vec<u32>,
    /// Bit i is set where the units lack covariate i of the metric.
    pub lacking: u32,
}

/// Moments of the units of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// In what they are alike.
    pub key: Key,
    /// Values, then covariates, of the units that have a value.
    pub joint: Comoments,
    /// The first value up to its fourth moment; empty where it was not asked for.
    pub shape: ShapeMoments,
    /// Smallest and largest first value; none without units.
    pub range: Option<(f64, f64)>,
    /// Units whose first value is exactly 0.
    pub zeros: u64,
    /// Units whose first value is exactly 1.
    pub ones: u64,
    /// Units with rows that meet the filter, but without a value.
    pub missing: u64,
    /// Units whose value is infinite or undefined.
    pub non_finite: u64,
}

impl Cell {
    /// A cell of units whose values stand at the same place of each column, values before covariates. All must be finite.
    ///
    /// # Errors
    /// As [`Comoments::from_columns`].
    pub fn of(key: Key, columns: &[&[f64]]) -> Result<Cell, Undefined> {
        let joint = Comoments::from_columns(columns)?;
        let values = columns.first().copied().unwrap_or_default();
        let ends = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick);
        let count = |wanted: f64| values.iter().filter(|value| **value == wanted).count() as u64;
        Ok(Cell {
            key,
            joint,
            shape: ShapeMoments::from_slice(values),
            range: ends(f64::min).zip(ends(f64::max)),
            zeros: count(0.0),
            ones: count(1.0),
            missing: 0,
            non_finite: 0,
        })
    }

    /// Nothing yet, of so many variables.
    pub fn empty(key: Key, variables: usize) -> Cell {
        Cell {
            key,
            joint: Comoments::empty(variables),
            shape: ShapeMoments::default(),
            range: None,
            zeros: 0,
            ones: 0,
            missing: 0,
            non_finite: 0,
        }
    }

    /// Adds the units of another cell; the key stays.
    ///
    /// # Errors
    /// As [`Comoments::merge`].
    pub fn absorb(&mut self, other: &Cell) -> Result<(), Undefined> {
        self.joint = self.joint.merge(&other.joint)?;
        self.shape = self.shape.merge(&other.shape);
        self.range = match (self.range, other.range) {
            (Some((low, high)), Some((low_too, high_too))) => Some((low.min(low_too), high.max(high_too))),
            (one, other) => one.or(other),
        };
        self.zeros += other.zeros;
        self.ones += other.ones;
        self.missing += other.missing;
        self.non_finite += other.non_finite;
        Ok(())
    }
}
