//! Rows that were brought to groups and units, and the units themselves: what queries run over.

use std::sync::Arc;

use polars::prelude::*;

use super::content::Content;
use super::names::NONE;
use super::stamps::Stamps;

/// The rows of one table, each with its unit and its group.
#[derive(Debug)]
pub(crate) struct Rows {
    /// Column names of the files.
    pub columns: Vec<String>,
    /// The columns that are read, one row a readable row.
    pub frame: DataFrame,
    /// Group of every row that outcomes are computed from, [`NONE`] for the others.
    pub group_of_row: Vec<u32>,
    /// Group of every row from before its unit's exposure; none when there is no such row.
    pub early: Option<Vec<u32>>,
    /// Number of the unit of every row (only of use where the row has a group); none when rows are units.
    pub unit_of_row: Option<Vec<u32>>,
    pub stamps: Option<Arc<Stamps>>,
}

impl Rows {
    /// Rows of which none takes part yet.
    pub(crate) fn new(content: &Content, unit_of_row: Option<Vec<u32>>) -> Rows {
        Rows {
            columns: content.columns.clone(),
            frame: content.frame.clone(),
            group_of_row: vec![NONE; content.frame.height()],
            early: None,
            unit_of_row,
            stamps: content.stamps.clone(),
        }
    }

    /// No rows at all.
    pub(crate) fn none() -> Rows {
        Rows {
            columns: Vec::new(),
            frame: DataFrame::empty(),
            group_of_row: Vec::new(),
            early: None,
            unit_of_row: None,
            stamps: None,
        }
    }

    /// The unit of a row.
    pub(crate) fn unit(&self, row: usize) -> usize {
        self.unit_of_row.as_ref().map_or(row, |units| units[row] as usize)
    }

    /// Notes that a row was before its unit's exposure.
    pub(crate) fn set_early(&mut self, row: usize, group: u32) {
        let rows = self.group_of_row.len();
        self.early.get_or_insert_with(|| vec![NONE; rows])[row] = group;
    }
}

/// The units of the analysis.
#[derive(Debug, Default)]
pub(crate) struct Units {
    /// Units have numbers below this.
    pub total: usize,
    /// Units by group, in the order of their first rows.
    pub by_group: Vec<Vec<u32>>,
    /// Units of each group that are known as a number only: they have no rows anywhere.
    pub uncounted: Vec<u64>,
    /// The first exposure of every unit, when times are known.
    pub first: Option<Vec<i64>>,
    /// Every row of `[data]` is the unit of the same number.
    pub are_rows: bool,
}

/// Which group every unit is in, and which units are in two.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    /// Group of every unit; [`NONE`] for units without one.
    pub group: Vec<u32>,
    pub mixed: Vec<bool>,
}

impl Membership {
    /// Nobody in a group yet.
    pub(crate) fn of(units: usize) -> Membership {
        Membership { group: vec![NONE; units], mixed: vec![false; units] }
    }

    /// Room for more units.
    pub(crate) fn grow(&mut self, units: usize) {
        self.group.resize(units, NONE);
        self.mixed.resize(units, false);
    }

    /// A row says that a unit is in a group.
    pub(crate) fn claim(&mut self, unit: u32, group: u32) {
        let known = &mut self.group[unit as usize];
        if *known == NONE {
            *known = group;
        } else if *known != group {
            self.mixed[unit as usize] = true;
        }
    }

    /// The group of a unit that is in one group only.
    pub(crate) fn group_of(&self, unit: u32) -> u32 {
        if self.mixed[unit as usize] { NONE } else { self.group[unit as usize] }
    }

    /// How many units are in two groups.
    pub(crate) fn contamination(&self) -> u64 {
        self.mixed.iter().filter(|mixed| **mixed).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_in_one_group_or_mixed() {
        let mut members = Membership::of(2);
        members.claim(0, 1);
        members.claim(0, 1);
        members.claim(1, 0);
        members.claim(1, 1);
        members.grow(3);
        let groups: Vec<u32> = (0..3).map(|unit| members.group_of(unit)).collect();
        assert_eq!((groups, members.contamination()), (vec![1, NONE, NONE], 1));
    }
}
