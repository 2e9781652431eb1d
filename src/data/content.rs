//! The content of one table, which can be cut at the end of a day.

use std::sync::Arc;

use polars::prelude::*;

use super::accounting::filtered;
use super::gate::{Gate, GateReason};
use super::overview::ColumnOverview;
use super::reading::{FileReading, Format, Reading};
use super::stamps::{NO_TIME, Stamps};
use crate::config::valid::{Files, OnBroken};
use crate::diag::Diagnostic;

/// One table as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub reading: Reading,
    pub overview: Vec<ColumnOverview>,
    /// What rows, cells and rules give cause to say.
    pub gates: Vec<Gate>,
    /// Column names of the files.
    pub columns: Vec<String>,
    /// The columns that are read, one row a readable row.
    pub frame: DataFrame,
    /// Rows that break a rule, by the position of the rule; rules that no row breaks are not there.
    pub broken: Vec<(usize, Vec<bool>)>,
    /// Rows that a rule leaves out; none when no row is.
    pub excluded: Option<Vec<bool>>,
    /// The times of the rows, when the config names a column that holds any.
    pub stamps: Option<Arc<Stamps>>,
    /// Number of the name of the unit in every row, once names are numbered.
    pub names: Vec<u32>,
    /// Rows that were cut off because they are from after the date of the data.
    pub after_date: u64,
}

impl Content {
    /// The table without the rows from `end` on, judged anew; rows without a time stay.
    ///
    /// # Errors
    /// Defects of this program only.
    pub(crate) fn until(&self, end: i64, files: &Files) -> Result<Content, Diagnostic> {
        let is_after = |stamp: &i64| *stamp != NO_TIME && *stamp >= end;
        let Some(stamps) = self.stamps.as_ref().filter(|stamps| stamps.micros.iter().any(is_after)) else {
            return Ok(self.clone());
        };
        let keep: Vec<bool> = stamps.micros.iter().map(|stamp| !is_after(stamp)).collect();
        let mask = BooleanChunked::from_slice("keep".into(), &keep);
        let frame = filtered(self.frame.clone(), Some(&mask))?;
        let broken = self.broken.iter().map(|(rule, rows)| (*rule, kept(rows, &keep)));
        let mut content = Content {
            after_date: self.after_date + (keep.len() - frame.height()) as u64,
            frame,
            broken: broken.filter(|(_, rows)| rows.contains(&true)).collect(),
            stamps: Stamps::of(kept(&stamps.micros, &keep)).map(Arc::new),
            names: kept(&self.names, &keep),
            reading: self.reading.clone(),
            overview: self.overview.clone(),
            columns: self.columns.clone(),
            gates: Vec::new(),
            excluded: None,
        };
        content.judge(files);
        Ok(content)
    }

    /// Whether the rows have times, those that were cut off among them.
    pub(crate) fn holds_times(&self) -> bool {
        self.stamps.is_some() || self.after_date > 0
    }

    /// Says what the rows give cause to say, and which of them a rule leaves out.
    pub(crate) fn judge(&mut self, files: &Files) {
        self.gates = row_gates(files, &self.reading, self.frame.height() as u64);
        self.excluded = None;
        for (rule, rows) in &self.broken {
            let rule = &files.columns[*rule];
            let count = rows.iter().filter(|broken| **broken).count() as u64;
            let left_out = rule.invalid == OnBroken::Exclude;
            let reason = GateReason::InvalidValues { column: rule.column.clone(), count, excluded: left_out };
            self.gates.push(reason.when(rule.invalid == OnBroken::Refuse));
            if left_out {
                let excluded = self.excluded.get_or_insert_with(|| vec![false; rows.len()]);
                excluded.iter_mut().zip(rows).for_each(|(excluded, broken)| *excluded |= broken);
            }
        }
    }
}

/// The values of the rows that are kept.
fn kept<T: Copy>(values: &[T], keep: &[bool]) -> Vec<T> {
    values.iter().zip(keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
}

/// The gates about rows as such.
pub(crate) fn row_gates(files: &Files, reading: &Reading, rows: u64) -> Vec<Gate> {
    let mut gates = Vec::new();
    if rows == 0 {
        gates.push(GateReason::NoRows.refusing());
    } else if rows < files.min_rows {
        gates.push(GateReason::TooFewRows { rows, min: files.min_rows }.refusing());
    }
    if reading.malformed > 0 {
        let reason =
            GateReason::Malformed { count: reading.malformed, first: reading.first_malformed.clone() };
        gates.push(reason.when(files.malformed == OnBroken::Refuse));
    }
    gates
}

/// The content of files that hold nothing at all.
pub(crate) fn empty(files: Vec<FileReading>) -> Content {
    let encoding = files.first().and_then(|file| file.encoding.clone());
    Content {
        reading: Reading { files, encoding, ..Reading::empty(Format::Csv) },
        overview: Vec::new(),
        gates: vec![GateReason::NoRows.refusing()],
        columns: Vec::new(),
        frame: DataFrame::empty(),
        broken: Vec::new(),
        excluded: None,
        stamps: None,
        names: Vec::new(),
        after_date: 0,
    }
}
