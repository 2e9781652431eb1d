//! Exposures known as counts: a row says how many units of a group came, facts say which of them did something.

use polars::prelude::*;

use super::accounting::{defect, series};
use super::content::Content;
use super::gate::{Gate, GateReason};
use super::groups::{FOREIGN, GroupCount, Labels};
use super::names::NONE;
use super::rows::Rows;
use crate::config::valid::{DataSource, Design, OnBroken};
use crate::diag::Diagnostic;

/// The rows of `[data]`, each with a group and a number of units.
pub(crate) struct Counted {
    pub rows: Rows,
    pub groups: Vec<GroupCount>,
    pub rows_missing_group: u64,
    pub gates: Vec<Gate>,
}

/// Sums the counts by group.
///
/// # Errors
/// Defects of this program only.
pub(crate) fn counted(
    own: &Content,
    source: &DataSource,
    design: &Design,
    column: &str,
) -> Result<Counted, Diagnostic> {
    let labels = Labels::of(&own.frame, &source.group)?;
    let names = labels.groups(|_| true, design);
    let label_of_row = labels.numbered(&names, design);
    let counts = counts(&own.frame, column)?;
    let mut rows = Rows::new(own, None);
    let mut groups: Vec<GroupCount> =
        names.into_iter().map(|id| GroupCount { id, units: 0, rows: 0, analysed: 0 }).collect();
    let mut rows_missing_group = 0;
    for (row, (label, count)) in label_of_row.iter().zip(counts).enumerate() {
        if *label == NONE || *label == FOREIGN {
            rows_missing_group += 1;
            continue;
        }
        let size = &mut groups[*label as usize];
        size.rows += 1;
        size.units = size.units.saturating_add(count);
        if own.excluded.as_ref().is_none_or(|excluded| !excluded[row]) {
            size.analysed = size.analysed.saturating_add(count);
            rows.group_of_row[row] = *label;
        }
    }
    let mut gates = Vec::new();
    if rows_missing_group > 0 {
        let refuses = source.files.malformed == OnBroken::Refuse;
        gates.push(GateReason::MissingGroup { rows: rows_missing_group }.when(refuses));
    }
    Ok(Counted { rows, groups, rows_missing_group, gates })
}

/// The number of units of every row; reading has left none that is not whole.
///
/// # Errors
/// Defects of this program only.
pub(crate) fn counts(frame: &DataFrame, column: &str) -> Result<Vec<u64>, Diagnostic> {
    let counts = series(frame, column)?.cast(&DataType::Float64).map_err(|error| defect(&error))?;
    let counts = counts.f64().map_err(|error| defect(&error))?;
    Ok(counts.iter().map(|count| count.unwrap_or(0.0) as u64).collect())
}
