//! The rows of facts as counts: which of them outcomes are computed from, and why the others are not.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::ColumnSums;
use super::merge::columns;

/// Rows and the different units they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfUnits {
    /// Rows.
    pub rows: u64,
    /// Different units.
    pub units: u64,
}

impl std::ops::AddAssign for OfUnits {
    fn add_assign(&mut self, other: OfUnits) {
        self.rows += other.rows;
        self.units += other.units;
    }
}

/// The rows of one `[[data.facts]]`. Reasons for which rows are left out are asked in the order of the fields from
/// `without_unit` on, the first that holds counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FactsSums {
    /// Name that metrics refer to.
    pub name: String,
    /// All rows up to the date of the data.
    pub rows: u64,
    /// Rows that outcomes are computed from, and their units.
    pub used: OfUnits,
    /// Rows without a unit.
    pub without_unit: u64,
    /// Rows of units that were never exposed.
    pub unknown: OfUnits,
    /// Rows of units without a group; only where exposures are counts.
    pub without_group: u64,
    /// Rows of units in two groups.
    pub mixed: OfUnits,
    /// Rows of units that a rule leaves out of `[data]`.
    pub excluded_units: OfUnits,
    /// Rows without a time where times are compared.
    pub without_time: u64,
    /// Rows from before the exposure.
    pub early: OfUnits,
    /// Rows that a rule of the facts leaves out.
    pub invalid: u64,
    /// Rows without a time, whatever becomes of them.
    pub undated: u64,
    /// First and last time of the rows, where they have a time.
    pub time: Option<(DateTime, DateTime)>,
    /// Columns that were described.
    pub columns: Vec<ColumnSums>,
}

impl FactsSums {
    /// Adds the rows of other units.
    pub(super) fn absorb(&mut self, other: &FactsSums) {
        self.rows += other.rows;
        self.used += other.used;
        self.without_unit += other.without_unit;
        self.unknown += other.unknown;
        self.without_group += other.without_group;
        self.mixed += other.mixed;
        self.excluded_units += other.excluded_units;
        self.without_time += other.without_time;
        self.early += other.early;
        self.invalid += other.invalid;
        self.undated += other.undated;
        self.time = match (self.time, other.time) {
            (Some((first, last)), Some((first_too, last_too))) => {
                Some((first.min(first_too), last.max(last_too)))
            }
            (one, other) => one.or(other),
        };
        for column in &other.columns {
            match self.columns.iter_mut().find(|known| known.name == column.name) {
                Some(known) => *known = columns(known, column),
                None => self.columns.push(column.clone()),
            }
        }
    }
}
