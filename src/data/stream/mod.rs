//! Big files: rows pass by in parts and only their sums stay.
//!
//! # What
//! [`open`] answers as [`super::open`] does, with a [`Dataset`] of [`Sums`](crate::sums::Sums) instead of rows: group sizes, gates,
//! the overview and the moments of every metric are those of all rows; every so-many-th row is kept as a sample
//! ([`Dataset::sample`]) for what needs rows. `choice` says which experiments come this way.
//!
//! # How
//! Files are cut into parts (`row_groups` of Parquet, ranges of bytes of separated text in `text`), threads read parts and turn
//! each into sums (`pass`, `places`, `measure`, `tally`), and these are merged in the order of the parts (`parts`): the numbers do
//! not depend on the number of threads. Only the columns that the config reads are looked at. Where that is not enough (`choice`), parts
//! of rows that are units are read by the rules of rows (`beside`), and rows that name their units wait in queues for the
//! others of these (`pack`, `scratch`, `by_unit`).
//!
//! # Memory
//! A thread holds one part: at most [`row_groups::ROWS`] rows of the columns that are read. Beside that there is a [`Tally`](tally::Tally)
//! for every cell (group × day × part) and metric, the counts of values of every column of the overview and of every mean by group
//! (`sketch`, 8 KB an octave of values), and the sample. Rows that name their units take, beside their part, the buffers of the queues
//! (64 MB), for each thread one queue with its units, and tables of values (8 MB a group and metric at most).

mod beside;
mod by_unit;
mod choice;
mod hash;
mod job;
mod labels;
mod measure;
mod open;
mod overview;
mod pack;
mod parts;
mod pass;
mod places;
mod row_groups;
mod scratch;
mod sketch;
mod tally;
mod text;
mod text_pass;

pub(crate) use choice::needs_rows;
pub(crate) use open::{Asked, open};
#[cfg(test)]
pub(crate) use parts::Sizes;
pub use sketch::ERROR as QUANTILE_ERROR;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod unit_tests;

#[cfg(doc)]
use super::Dataset;

/// How the rows of big files were read.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Streamed {
    /// Rows of the sample.
    pub sample: u64,
    /// Every so-many-th row of a part is in it, or every so-many-th unit.
    pub step: u64,
    /// The sample is one of units with all of their rows.
    pub of_units: bool,
    /// Bytes of rows that waited in a temporary file for other rows of their units.
    pub put_by: u64,
    /// The most that quartiles of the overview are off, relative to themselves.
    pub quantile_error: f64,
}
