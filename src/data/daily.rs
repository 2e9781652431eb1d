//! Exposures by day: how many units of each group came first on which day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::Dataset;
use super::counts::counts;
use super::gate::{Gate, GateReason};
use super::names::NONE;
use super::rows::{Rows, Units};
use super::stamps::{DAY, NO_TIME, civil};
use crate::diag::Diagnostic;

/// How many missing days are named.
const SHOWN_MISSING: usize = 100;

/// Units by the day of their first exposure (rows by their day where rows are units, sums of the counts where exposures are
/// counts). Only units that the analysis uses are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Daily {
    /// Days with exposures in order, each with the units of every group in the order of [`Dataset::groups`].
    pub days: Vec<(Date, Vec<u64>)>,
    /// Days inside of the range on which nobody came: the first hundred of them.
    pub missing: Vec<Date>,
    /// How many such days there are.
    pub missing_days: u64,
    /// Units of every group whose day is not known.
    pub undated: Vec<u64>,
}

/// Counts exposures by day; none when no exposure has a time.
///
/// # Errors
/// Defects of this program only.
pub(crate) fn daily(
    rows: &Rows,
    units: &Units,
    groups: usize,
    count: Option<&str>,
) -> Result<Option<Daily>, Diagnostic> {
    let mut days: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    let mut undated = vec![0; groups];
    let mut add = |stamp: i64, group: usize, count: u64| {
        if stamp == NO_TIME {
            undated[group] += count;
        } else {
            let day = days.entry(stamp.div_euclid(DAY)).or_insert_with(|| vec![0; groups]);
            day[group] = day[group].saturating_add(count);
        }
    };
    match (count, &rows.stamps) {
        (_, None) => return Ok(None),
        (Some(column), Some(stamps)) => {
            let counts = counts(&rows.frame, column)?;
            for ((group, stamp), count) in rows.group_of_row.iter().zip(&stamps.micros).zip(counts) {
                if *group != NONE {
                    add(*stamp, *group as usize, count);
                }
            }
        }
        (None, Some(stamps)) => {
            let first = units.first.as_ref().unwrap_or(&stamps.micros);
            for (group, members) in units.by_group.iter().enumerate() {
                members.iter().for_each(|unit| add(first[*unit as usize], group, 1));
            }
        }
    }
    Ok(counted(days, undated))
}

/// Exposures by day, from the counts of every day since 1970 that has any; none without days.
pub(crate) fn counted(days: BTreeMap<i64, Vec<u64>>, undated: Vec<u64>) -> Option<Daily> {
    let date = |day: i64| civil(day.saturating_mul(DAY)).map(|moment| moment.date());
    let (mut missing, mut missing_days) = (Vec::new(), 0);
    for (day, next) in days.keys().zip(days.keys().skip(1)) {
        missing_days += (next - day - 1) as u64;
        missing.extend((day + 1..*next).take(SHOWN_MISSING.saturating_sub(missing.len())).filter_map(date));
    }
    let days: Vec<(Date, Vec<u64>)> =
        days.into_iter().filter_map(|(day, counts)| Some((date(day)?, counts))).collect();
    (!days.is_empty()).then_some(Daily { days, missing, missing_days, undated })
}

impl Daily {
    /// Days without anybody, as a gate.
    pub(crate) fn gap(&self) -> Option<Gate> {
        let first = *self.missing.first()?;
        Some(GateReason::MissingDays { count: self.missing_days, first }.when(false))
    }
}

impl Dataset {
    /// For every unit, by its number in [`GroupValues::units`](super::GroupValues), the day of its first exposure, counted
    /// from the first day of [`Dataset::daily`]; none for units whose time is not known. No answer where exposures are
    /// counts or have no time.
    pub fn unit_day(&self) -> Option<Vec<Option<u32>>> {
        if self.counts.is_some() {
            return None;
        }
        let stamps = self.rows.stamps.as_ref()?;
        let first = self.units.first.as_ref().unwrap_or(&stamps.micros);
        let mut days = vec![None; first.len()];
        let members = || self.units.by_group.iter().flatten().map(|unit| *unit as usize);
        let known = |unit: &usize| first[*unit] != NO_TIME;
        let start = members().filter(known).map(|unit| first[unit].div_euclid(DAY)).min()?;
        for unit in members().filter(known) {
            days[unit] = u32::try_from(first[unit].div_euclid(DAY) - start).ok();
        }
        Some(days)
    }
}
