//! Every row is accounted for: read, blank, or malformed with its place.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::csv::{BadCell, CsvFile};
use super::failure::sentence;
use super::reading::{Format, MalformedRow, Reading, RowFault, SHOWN_MALFORMED};
use super::source::{CsvTable, Table};
use super::spec::Needs;
use crate::config::valid::Files;
use crate::diag::Diagnostic;

/// The reading, and which of the structurally sound rows are kept (none: all).
pub(crate) fn account(
    source: &Files,
    table: &Table,
    needs: &Needs,
    frame: &DataFrame,
    bad: &[Vec<BadCell>],
) -> Result<(Reading, Option<BooleanChunked>), Diagnostic> {
    let table = match table {
        Table::Parquet { files, .. } => {
            let readings = files.readings()?;
            return Ok((Reading { files: readings, ..Reading::empty(Format::Parquet) }, None));
        }
        Table::Csv(table) => table,
    };
    let mut reading = Reading { decimal: Some(table.decimal.clone()), ..Reading::empty(Format::Csv) };
    let mut keep = vec![true; frame.height()];
    let mut offset = 0;
    for (file, cells) in table.files.iter().zip(bad) {
        let rows = file.rows() as usize;
        let mut malformed: Vec<MalformedRow> = file.first_malformed().to_vec();
        let mut lost = 0;
        for cell in cells {
            lost += u64::from(std::mem::replace(&mut keep[offset + cell.row], false));
        }
        // Locating takes another pass; the first rows are all that is shown.
        let shown = cells.partition_point(|cell| {
            cell.row <= cells.get(SHOWN_MALFORMED * 8).map_or(usize::MAX, |last| last.row)
        });
        malformed.extend(file.locate(&cells[..shown]).into_iter().take(SHOWN_MALFORMED));
        if rows > 0
            && keep[offset + rows - 1]
            && let Some(torn) = torn_end(file, table, needs, frame, offset + rows - 1)?
        {
            keep[offset + rows - 1] = false;
            lost += 1;
            malformed.push(torn);
        }
        malformed.sort_by_key(|row| row.line);
        let mut own = file.reading();
        own.malformed += lost;
        own.rows -= lost;
        reading.malformed += own.malformed;
        reading.first_malformed.extend(malformed.into_iter().take(SHOWN_MALFORMED));
        reading.files.push(own);
        offset += rows;
    }
    reading.first_malformed.truncate(SHOWN_MALFORMED);
    reading.files.extend(table.empty_files.iter().cloned());
    reading.files.sort_by_key(|file| source.paths.iter().position(|path| *path == file.path));
    let first = table.files.first().map(CsvFile::reading);
    reading.encoding = first.as_ref().and_then(|file| file.encoding.clone());
    reading.separator = first.and_then(|file| file.separator);
    let all = keep.iter().all(|kept| *kept);
    Ok((reading, (!all).then(|| BooleanChunked::from_slice("keep".into(), &keep))))
}

/// A last row of full width that was cut off all the same: its line is not ended, and its last cell is empty where no other
/// is, or begins the name of a group that no other row has.
fn torn_end(
    file: &CsvFile,
    table: &CsvTable,
    needs: &Needs,
    frame: &DataFrame,
    row: usize,
) -> Result<Option<MalformedRow>, Diagnostic> {
    if file.reading().final_newline || frame.height() < 2 {
        return Ok(None);
    }
    let last_column = file.layout.names.len() - 1;
    let mut torn = file.ends_in_empty_cell() && table.evidence[last_column].missing == 1;
    if !torn && needs.group == Some(last_column) {
        let labels = texts(frame, &file.layout.names[last_column])?;
        let last = labels[row].map(str::trim).unwrap_or_default();
        let others = || {
            labels
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != row)
                .filter_map(|(_, label)| label.map(str::trim))
        };
        torn = others().any(|label| label.len() > last.len() && label.starts_with(last))
            && others().all(|label| label != last);
    }
    let Some((line, excerpt)) = torn.then(|| file.last_row()).flatten() else { return Ok(None) };
    Ok(Some(MalformedRow { file: file.path.clone(), line, fault: RowFault::Torn, excerpt }))
}

/// A failure of polars on data that was already checked: a defect of this program.
pub(crate) fn defect(error: &PolarsError) -> Diagnostic {
    Diagnostic::error("data::frame", sentence(error))
}

/// The rows that are kept (none: all).
pub(crate) fn filtered(frame: DataFrame, keep: Option<&BooleanChunked>) -> Result<DataFrame, Diagnostic> {
    let Some(keep) = keep else { return Ok(frame) };
    let mut kept = frame.filter(keep).map_err(|error| defect(&error))?;
    kept.rechunk_mut();
    Ok(kept)
}

/// One column of a frame.
pub(crate) fn series<'a>(frame: &'a DataFrame, name: &str) -> Result<&'a Series, Diagnostic> {
    frame.column(name).map(|column| column.as_materialized_series()).map_err(|error| defect(&error))
}

/// The cells of a column of counts that are no whole, non-negative number, among the cells that could not be read.
pub(crate) fn with_bad_counts(
    table: &Table,
    index: usize,
    frame: &DataFrame,
    mut bad: Vec<Vec<BadCell>>,
) -> Result<Vec<Vec<BadCell>>, Diagnostic> {
    let Table::Csv(csv) = table else { return Ok(bad) };
    let counts =
        series(frame, &table.names()[index])?.cast(&DataType::Float64).map_err(|error| defect(&error))?;
    let wrong: Vec<bool> =
        counts.f64().map_err(|error| defect(&error))?.iter().map(|count| !is_count(count)).collect();
    let mut offset = 0;
    for (file, cells) in csv.files.iter().zip(&mut bad) {
        let rows = file.rows() as usize;
        // A cell that is no number at all is among them already.
        let known: BTreeSet<usize> =
            cells.iter().filter(|cell| cell.column == index).map(|cell| cell.row).collect();
        let rows_of_file = wrong[offset..offset + rows].iter().enumerate();
        cells.extend(
            rows_of_file.filter(|(row, wrong)| **wrong && !known.contains(row)).map(|(row, _)| BadCell {
                row,
                column: index,
                expected: "count",
            }),
        );
        cells.sort_by_key(|cell| (cell.row, cell.column));
        offset += rows;
    }
    Ok(bad)
}

/// Whether a value is a number of units.
pub(crate) fn is_count(value: Option<f64>) -> bool {
    value.is_some_and(|value| value >= 0.0 && value.fract() == 0.0 && value < 9e15)
}

/// The texts of one column of a frame.
pub(crate) fn texts<'a>(frame: &'a DataFrame, name: &str) -> Result<Vec<Option<&'a str>>, Diagnostic> {
    Ok(series(frame, name)?.str().map_err(|error| defect(&error))?.iter().collect())
}
