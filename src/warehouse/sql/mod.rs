//! The one query of an experiment: rows → units → differences from a centre → sums by cell, as nested SELECTs that old
//! servers without common table expressions understand. Facts become units of their own and meet those of `[data]` there.
//!
//! # The lines of the answer
//! Each has the fields *part* (0: sums of a cell, 1: a value with its count), *number* (class of the units, or the metric), *group*,
//! *day* (since 1970), *lacking* (bits of covariates), a label a partition, and *numbers*, of which [`COMMON`],
//! [`OF_RULE`], [`OF_COVARIATE`] and [`of_metric`] say how many there are in which order.
//!
//! # Digits
//! Sums of powers are taken of differences from a centre that is the same for all cells, so that they add up and values far from
//! zero keep their digits. The centre is the mean over the first [`SAMPLE`] rows; where it turns out to be far from the mean beside the spread, the
//! query is asked again with the means that the first answer gave ([`Centres::Known`]).

mod cells;
mod differences;
mod facts;
mod fields;
mod rows;
mod units;

use super::asked::{Asked, AskedMetric, Wish};
use crate::sums::MOST_VALUES;
use cells::{cells, table};
use differences::{centre, differences};
pub use facts::OF_FACTS;

/// Rows that the centre is taken from.
const SAMPLE: usize = 2_000;
/// A metric whose test may need values brings them when so many rows or fewer take part.
const FEW: usize = 200_000;

/// So many lines of values a metric may bring: one that reaches it has too many.
pub const MOST_LINES: usize = 2 * (MOST_VALUES + 1);

/// What is added to the kind of a line whose rows are of days that are not settled.
pub const RECENT: i64 = 2;

/// What differences are taken from.
#[derive(Clone, Debug, PartialEq)]
pub enum Centres {
    /// Means over the first rows.
    Sampled,
    /// Means that are known, in the order of [`variables`].
    Known(Vec<f64>),
}

/// Classes of units.
pub const IN_ONE_GROUP: i64 = 0;
/// Units that are in two groups.
pub const IN_TWO_GROUPS: i64 = 1;
/// Rows without a unit.
pub const WITHOUT_UNIT: i64 = 2;
/// Units without a group.
pub const WITHOUT_GROUP: i64 = 3;
/// Units that only facts know.
pub const UNEXPOSED: i64 = 4;

/// Numbers of a cell that are not of a metric: units, analysed units, rows with a group, rows without, all rows, rows without a
/// time, early rows, units with early rows, first day, last day.
pub const COMMON: usize = 10;
/// Numbers of a rule: values, broken, finite numbers, their sum, sum of squares, smallest, largest.
pub const OF_RULE: usize = 7;
/// Numbers of a covariate: units that have it, sum and sum of squares of the differences.
pub const OF_COVARIATE: usize = 3;

/// Every variable that has a centre: values of metrics in their order, then covariates.
pub fn variables(asked: &Asked) -> usize {
    asked.metrics.iter().map(AskedMetric::variables).sum::<usize>() + asked.covariates.len()
}

/// The numbers of a metric in a cell: units, missing, non-finite, zeros, ones, smallest, largest, sums of powers 1 to 4 of
/// the first value; then the sums of all variables but the first, and the upper triangle of products but the first square.
pub fn of_metric(metric: &AskedMetric) -> usize {
    let d = metric.variables() + metric.covariates.len();
    11 + (d - 1) + d * (d + 1) / 2 - 1
}

/// The query.
pub fn query(asked: &Asked, centres: &Centres) -> String {
    let mut units = units::units(asked);
    let mut shared = String::new();
    if asked.dialect.shares() && asked.metrics.iter().any(|metric| metric.table == Wish::Yes) {
        shared = format!("WITH q_shared AS ({units})\n");
        units = "SELECT * FROM q_shared".to_owned();
    }
    let mut parts = vec![cells(asked, &differences(asked, &units, &centre(asked, centres)))];
    for (number, metric) in asked.metrics.iter().enumerate() {
        parts.extend(table(asked, number, metric, &units));
    }
    shared + &parts.join("\nUNION ALL\n")
}

/// The query that gives no row but tells the columns.
pub fn header(relation: &str) -> String {
    format!("SELECT * FROM {relation} LIMIT 0")
}

/// The kind of a line, and with it the portion of the days that it is of; `first` is the day of a row.
fn part(asked: &Asked, kind: i64, first: &str) -> String {
    match asked.span {
        None => kind.to_string(),
        Some(span) => {
            let until = days(span.until);
            format!("CASE WHEN {first} <= {until} THEN {kind} ELSE {} END", kind + RECENT)
        }
    }
}

/// Days since 1970.
fn days(date: jiff::civil::Date) -> i64 {
    date.since(jiff::civil::Date::constant(1970, 1, 1)).map_or(0, |span| i64::from(span.get_days()))
}

fn all(conditions: &[String]) -> String {
    if conditions.is_empty() { "1 = 1".to_owned() } else { conditions.join(" AND ") }
}

fn bit(condition: &str) -> String {
    format!("CASE WHEN {condition} THEN 1 ELSE 0 END")
}
