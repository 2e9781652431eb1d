//! An experiment as sums: what is left of its rows where they are too many to bring here, or may not leave their warehouse.
//!
//! # What
//! [`Sums`] hold how many units came into which group, and for every metric the mergeable moments of its values by unit,
//! so that estimators answer as they do from rows. Everything in them is added up by merging (Chan, Golub & LeVeque 1979;
//! Pébay 2008), never from raw sums of squares, and everything can be written as JSON and read again to the last bit: sums
//! are an input of a run, hashed and kept like a file.
//!
//! # How a producer fills them
//! A producer (a warehouse query, a pass over big files) brings rows to **units** first, by the rules of
//! [`Dataset::gather`](crate::data::Dataset::gather): rows of a unit that meet the filter become one value; units in two
//! groups are left out and counted. Then it makes, for every metric and group, [`Cell`]s:
//!
//! - Units that differ in the day of their first exposure, in a part (a stratum of the metric, a value of a segment) or in
//!   *which* covariates they lack go into different cells. Where none of this is known or asked for there is one cell. Days
//!   give the course of the effect, parts the strata and segments.
//! - Of the units with a value a cell holds the [`Comoments`] of the columns *values, then covariates* (one value; two for a
//!   ratio; of `aggregate = "rows"` the sum and the number of rows of each unit), the [`ShapeMoments`] of the first value, its
//!   extremes, its zeros and ones. A covariate that the units of the cell lack stands in it as 0 and is named in
//!   [`Cell::lacking`]; it is filled with [`Covariate::known`] when the sums are used. [`Cell::of`] makes a cell of columns.
//! - Of the others it counts those without a value and those whose value is infinite or undefined.
//! - [`ArmSums::table`] holds each value with its count where [`needs_table`] asks for it and there are at most
//!   [`MOST_VALUES`] different values in the group. From such tables everything is answered exactly as from rows.
//!
//! Producers that see units in portions merge portions with [`Sums::merge`]; a unit must be in one portion only. The last
//! step is [`Dataset::of_sums`](crate::data::Dataset::of_sums).
//!
//! # What sums do not hold
//! Rows that belong together over several metrics. Relabelling (the A/A run), the balance of covariates and clustered
//! quantiles are not made from sums, and a report says so (`metrics::not_run`).

mod accumulated;
mod arm;
mod cell;
mod facts;
mod merge;
mod table;

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

pub use accumulated::{Accumulated, Before, Known, SCHEMA as ACCUMULATED, SettledFile, read};
pub use arm::{ArmSums, Covariate, MetricSums};
pub use cell::{Cell, Key};
pub use facts::{FactsSums, OfUnits};
pub use table::{MOST_PLACES, MOST_VALUES, RoundedTable, Table, ValueTable};

#[cfg(doc)]
use crate::stats::comoments::Comoments;
#[cfg(doc)]
use crate::stats::shape_moments::ShapeMoments;

/// The form that these sums are written in.
pub const SCHEMA: &str = "itog.sums.v1";

/// What is known of the rows of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// [`SCHEMA`].
    pub schema: String,
    /// Labels of the groups as the data write them, in any order; the rows without one are counted in `rows`.
    pub groups: Vec<String>,
    /// Ways in which units are parted: strata and segments.
    pub partitions: Vec<Partition>,
    /// Units by group, day and parts.
    pub exposures: Vec<Exposure>,
    /// The rows of `[data]`.
    pub rows: RowCounts,
    /// First and last time of these rows, where they have a time.
    pub time: Option<(DateTime, DateTime)>,
    /// Columns that were described.
    pub columns: Vec<ColumnSums>,
    /// The metrics that read rows, in the order of the config.
    pub metrics: Vec<MetricSums>,
    /// The rows of facts, in the order of the config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactsSums>,
}

/// One way in which units are parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// The expression as the config writes it.
    pub by: String,
    /// Labels of the parts, the empty one for units without a label.
    pub parts: Vec<String>,
}

/// Units that came into one group on one day and are of the same parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// Index into [`Sums::groups`].
    pub group: usize,
    /// Day of the first exposure, where it is known.
    pub day: Option<Date>,
    /// For every partition the index into its parts.
    pub parts: Vec<u32>,
    /// Units assigned to the group, units whose rows a rule leaves out among them.
    pub units: u64,
    /// Units with a row that the analysis uses.
    pub analysed: u64,
    /// Rows of the units.
    pub rows: u64,
}

/// The rows of `[data]`, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// All of them, up to the date of the data.
    pub total: u64,
    /// Rows without a group.
    pub without_group: u64,
    /// Rows without a unit.
    pub without_unit: u64,
    /// Rows without a time, where a time is asked for.
    pub without_time: u64,
    /// Rows from after the date of the data, where they were counted; they are not in `total`.
    pub after_date: u64,
    /// Rows from before the start of the experiment.
    pub early: u64,
    /// Units with such rows.
    pub early_units: u64,
    /// Of these, units that were never seen since.
    pub never_since: u64,
    /// Units in two groups.
    pub mixed_units: u64,
}

/// One column at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSums {
    /// Its name.
    pub name: String,
    /// Finite values as moments; none where the column holds no numbers.
    pub moments: Option<crate::stats::Moments>,
    /// Smallest finite value.
    pub min: Option<f64>,
    /// Largest finite value.
    pub max: Option<f64>,
    /// Rows with a value.
    pub count: u64,
    /// Rows without one.
    pub missing: u64,
    /// Infinite and undefined values, among `count`.
    pub non_finite: u64,
    /// Rows that break the rule of the column.
    pub invalid: u64,
}

impl Default for Sums {
    fn default() -> Self {
        Sums {
            schema: SCHEMA.to_owned(),
            groups: Vec::new(),
            partitions: Vec::new(),
            exposures: Vec::new(),
            rows: RowCounts::default(),
            time: None,
            columns: Vec::new(),
            metrics: Vec::new(),
            facts: Vec::new(),
        }
    }
}

impl Sums {
    /// The sums of a metric; none where the producer left it out.
    pub fn metric(&self, id: &str) -> Option<&MetricSums> {
        self.metrics.iter().find(|metric| metric.metric == id)
    }

    /// Position of a partition.
    pub fn partition(&self, by: &str) -> Option<usize> {
        self.partitions.iter().position(|partition| partition.by == by)
    }

    /// Units of a group that the analysis uses, added up over what `of` says of them.
    pub fn units<K: Ord>(
        &self,
        group: usize,
        of: impl Fn(&Exposure) -> K,
    ) -> std::collections::BTreeMap<K, u64> {
        let mut found = std::collections::BTreeMap::new();
        for exposure in self.exposures.iter().filter(|exposure| exposure.group == group) {
            *found.entry(of(exposure)).or_insert(0) += exposure.analysed;
        }
        found
    }

    /// The sums of the units of days up to one, and of those without a day. Rows that are in no group are those of all days, and
    /// tables of values, which are of all days, are gone. None where a covariate is filled with the mean over all days.
    pub fn until(&self, day: Date) -> Option<Sums> {
        if self.metrics.iter().any(|metric| !metric.covariates.is_empty()) {
            return None;
        }
        let is_meant = |of: Option<Date>| of.is_none_or(|of| of <= day);
        let mut sums = self.clone();
        let later: u64 = sums.exposures.iter().filter(|e| !is_meant(e.day)).map(|e| e.rows).sum();
        sums.rows.total = sums.rows.total.saturating_sub(later);
        sums.rows.after_date = 0;
        sums.exposures.retain(|exposure| is_meant(exposure.day));
        sums.time = sums.time.map(|(first, last)| (first, last.min(day.at(23, 59, 59, 0)).max(first)));
        for arm in sums.metrics.iter_mut().flat_map(|metric| &mut metric.groups) {
            arm.cells.retain(|cell| is_meant(cell.key.day));
            arm.table = Table::NotAsked;
        }
        Some(sums)
    }

    /// The sums as JSON, the same bytes for the same sums.
    ///
    /// # Errors
    /// None but those of the writer.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Sums as [`Sums::to_json`] wrote them.
    ///
    /// # Errors
    /// Text that is no JSON of this form, and sums that do not fit together.
    pub fn from_json(text: &str) -> Result<Sums, String> {
        let sums: Sums = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if sums.schema != SCHEMA {
            return Err(format!("the sums are of the form `{}`, not `{SCHEMA}`", sums.schema));
        }
        sums.fits().then_some(sums).ok_or_else(|| "the sums do not fit together".to_owned())
    }

    /// Whether indices and lengths fit, so that nothing has to be checked again.
    fn fits(&self) -> bool {
        let of_parts = |parts: &[u32]| {
            parts.len() == self.partitions.len()
                && parts.iter().zip(&self.partitions).all(|(at, by)| (*at as usize) < by.parts.len())
        };
        let exposures = self
            .exposures
            .iter()
            .all(|exposure| exposure.group < self.groups.len() && of_parts(&exposure.parts));
        exposures
            && self.metrics.iter().all(|metric| {
                let variables = metric.values + metric.covariates.len();
                metric.groups.len() == self.groups.len()
                    && (1..=2).contains(&metric.values)
                    && metric.strata.is_none_or(|at| at < self.partitions.len())
                    && metric
                        .groups
                        .iter()
                        .flat_map(|arm| &arm.cells)
                        .all(|cell| cell.joint.variables() == variables && of_parts(&cell.key.parts))
            })
    }
}

#[cfg(test)]
mod tests;
