//! One pass over the parts of big files: every part becomes sums, and sums are merged in the order of the parts.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::measure::Measures;
use super::parts::Part;
use super::places::{Apart, MOST_LABELS, PlaceKey, Size, too_many};
use super::sketch::Sketch;
use super::tally::Tally;
use crate::config::valid::{ColumnRule, OnBroken};
use crate::data::accounting::{defect, series};
use crate::data::columns::Kind;
use crate::data::names::NONE;
use crate::data::overview::broken;
use crate::data::stamps::{DAY, micros};
use crate::data::table::odd_time;
use crate::diag::Diagnostic;

/// Different texts of a column that are counted; of a column with more their number is not told.
const MOST_TEXTS: usize = 100_000;

/// What is wanted of every part.
pub(crate) struct Wanted<'a> {
    pub measures: &'a Measures,
    pub apart: Apart<'a>,
    /// Name of the column of groups, where there is one.
    pub group: Option<&'a str>,
    /// Column with the time of the rows, when it holds dates.
    pub time: Option<&'a str>,
    /// Column that ought to hold the time of the rows, and holds text.
    pub untimely: Option<&'a str>,
    /// Rules with the kinds of their columns and the key that messages name.
    pub rules: Vec<(&'a ColumnRule, Kind)>,
    pub rules_key: String,
    /// Columns of text and of dates that the overview describes; whether different texts are counted.
    pub texts: Vec<(&'a str, bool)>,
    pub dates: Vec<&'a str>,
    /// Columns of whole numbers that parts hold as the file does.
    pub short: Vec<String>,
    /// Every so-many-th row of a part goes into the sample; none: there is no sample.
    pub step: Option<usize>,
}

/// What was found in some parts.
#[derive(Default)]
pub(crate) struct Found {
    pub rows: u64,
    /// Cells in the order in which they were met, each with its tallies by measure.
    pub cells: Vec<(PlaceKey, Size, Vec<Tally>)>,
    /// Rows outside of all cells, and the counts of their values, by measure.
    pub outside: Vec<(Tally, Sketch)>,
    /// The counts of values of a group, by measure.
    pub sketches: Vec<(String, Vec<Sketch>)>,
    pub missing_group: u64,
    pub after_date: u64,
    pub untimed: u64,
    /// Rows without any label, and the different labels.
    pub unlabelled: u64,
    pub labels: BTreeSet<String>,
    /// Rows that break each rule: of all rows, and of those until the date.
    pub broken: Vec<[u64; 2]>,
    /// First and last time of rows until the date.
    pub time: Option<(i64, i64)>,
    /// One of these names a time of day.
    pub timed: bool,
    pub texts: Vec<Texts>,
    pub dates: Vec<Dates>,
    pub sample: Option<DataFrame>,
}

/// A column of text.
#[derive(Clone, Default)]
pub(crate) struct Texts {
    pub count: u64,
    pub missing: u64,
    /// Different texts; none when there are too many to be kept.
    pub different: Option<BTreeSet<String>>,
    /// The first text that is no time, of a column that ought to hold times.
    pub odd_time: Option<String>,
}

/// A column of dates.
#[derive(Clone, Default)]
pub(crate) struct Dates {
    pub count: u64,
    pub missing: u64,
    pub range: Option<(i64, i64)>,
}

impl Wanted<'_> {
    /// Turns the rows of a part into sums.
    ///
    /// # Errors
    /// SQL that does not fit the columns, rules that do not fit theirs.
    pub(crate) fn look(&self, part: &Part) -> Result<Found, Diagnostic> {
        let frame = &part.frame;
        let rows = part.label_of_row.len();
        let mut found = Found { rows: rows as u64, ..Found::default() };
        let stamps = match self.time {
            Some(time) => Some(micros(series(frame, time)?).map_err(|error| defect(&error))?),
            None => None,
        };
        let end = self.apart.end;
        let is_after =
            |row: usize| stamps.as_ref().is_some_and(|stamps| stamps[row].is_some_and(|stamp| stamp >= end));
        let mut excluded: Option<Vec<bool>> = None;
        for (rule, kind) in &self.rules {
            // A rule of the column of groups was asked of the labels where nothing else reads that column.
            let labels;
            let column = match frame.column(&rule.column) {
                Ok(column) => column.as_materialized_series(),
                Err(_) => {
                    labels = part.label_series(&rule.column, 0..rows);
                    &labels
                }
            };
            let rows = broken(rule, column, *kind, &self.rules_key)?;
            let all = rows.iter().filter(|broken| **broken).count() as u64;
            let after = if all == 0 || stamps.is_none() {
                0
            } else {
                (0..rows.len()).filter(|row| rows[*row] && is_after(*row)).count() as u64
            };
            found.broken.push([all, all - after]);
            if all > 0 && rule.invalid == OnBroken::Exclude {
                let excluded = excluded.get_or_insert_with(|| vec![false; rows.len()]);
                excluded.iter_mut().zip(&rows).for_each(|(excluded, broken)| *excluded |= broken);
            }
        }
        let placed = self.apart.place(part, stamps.as_deref(), excluded.as_deref())?;
        found.unlabelled = part.label_of_row.iter().filter(|label| **label == NONE).count() as u64;
        found.labels = part.labels.iter().filter(|label| !label.trim().is_empty()).cloned().collect();
        (found.missing_group, found.after_date) = (placed.missing_group, placed.after_date);
        (found.untimed, found.time) = (placed.untimed, placed.time);
        let names_hour = |stamp: &i64| *stamp < end && stamp.rem_euclid(DAY) != 0;
        found.timed = stamps.as_ref().is_some_and(|stamps| stamps.iter().flatten().any(names_hour));
        found.cells =
            placed.keys.into_iter().zip(placed.sizes).map(|(key, size)| (key, size, Vec::new())).collect();
        let of_row = if placed.by_label { &part.label_of_row } else { &placed.of_row };
        let group_of_place: Vec<u32> = found
            .cells
            .iter()
            .map(|(key, ..)| {
                let known = found.sketches.iter().position(|(group, _)| *group == key.group);
                known.unwrap_or_else(|| {
                    found.sketches.push((key.group.clone(), Vec::new()));
                    found.sketches.len() - 1
                }) as u32
            })
            .collect();
        for (mut tallies, mut sketches) in self.measures.add(frame, &group_of_place, of_row)? {
            let beyond = tallies.split_off(found.cells.len());
            let rest = sketches.pop().unwrap_or_default();
            found.outside.push((beyond.into_iter().next().unwrap_or_default(), rest));
            found.sketches.iter_mut().zip(sketches).for_each(|(group, sketch)| group.1.push(sketch));
            found.cells.iter_mut().zip(tallies).for_each(|(cell, tally)| cell.2.push(tally));
        }
        for (name, counts) in &self.texts {
            let column = series(frame, name)?;
            let odd_time = (self.untimely == Some(*name)).then(|| odd_time(column)).flatten();
            found.texts.push(Texts { odd_time, ..texts(column, *counts)? });
        }
        for name in &self.dates {
            found.dates.push(dates(series(frame, name)?)?);
        }
        found.sample = self.step.map(|step| self.sample(part, step)).transpose()?;
        Ok(found)
    }

    /// Every so-many-th row, with the label of its group.
    pub(crate) fn sample(&self, part: &Part, step: usize) -> Result<DataFrame, Diagnostic> {
        let rows = (0..part.label_of_row.len()).step_by(step.max(1));
        let at: Vec<IdxSize> = rows.clone().map(|row| row as IdxSize).collect();
        let taken = IdxCa::from_vec("row".into(), at);
        let mut frame = part.frame.take(&taken).map_err(|error| defect(&error))?;
        for name in &self.short {
            let whole = series(&frame, name)?.cast(&DataType::Int64).map_err(|error| defect(&error))?;
            frame.replace(name, whole.into_column()).map_err(|error| defect(&error))?;
        }
        if let Some(group) = self.group.filter(|group| frame.column(group).is_err()) {
            let labels = part.label_series(group, rows);
            let mut columns = frame.columns().to_vec();
            columns.push(labels.into_column());
            frame = DataFrame::new(taken.len(), columns).map_err(|error| defect(&error))?;
        }
        Ok(frame)
    }
}

impl Part {
    /// The labels of some rows as a column.
    fn label_series(&self, name: &str, rows: impl Iterator<Item = usize>) -> Series {
        let label = |row: usize| self.labels.get(self.label_of_row[row] as usize).map(String::as_str);
        let labels: StringChunked = rows.map(label).collect();
        labels.with_name(name.into()).into_series()
    }
}

impl Found {
    /// Adds what was found in the parts that come after.
    ///
    /// # Errors
    /// `data::streaming` where there are more labels than groups of any experiment.
    pub(crate) fn merge(&mut self, other: Found) -> Result<(), Diagnostic> {
        self.rows += other.rows;
        self.missing_group += other.missing_group;
        self.after_date += other.after_date;
        self.untimed += other.untimed;
        self.unlabelled += other.unlabelled;
        self.labels.extend(other.labels);
        if self.labels.len() > MOST_LABELS {
            return Err(too_many("the column of groups"));
        }
        self.time = wider(self.time, other.time);
        self.timed |= other.timed;
        // Keys of the next part are mostly those of the parts before, in another order.
        let mut known: PlHashMap<PlaceKey, usize> = PlHashMap::default();
        known.extend(self.cells.iter().enumerate().map(|(at, (key, ..))| (key.clone(), at)));
        for (key, size, tallies) in other.cells {
            match known.get(&key) {
                Some(at) => {
                    let (_, own_size, own) = &mut self.cells[*at];
                    own_size.rows += size.rows;
                    own_size.analysed += size.analysed;
                    own.iter_mut().zip(&tallies).for_each(|(own, more)| own.merge(more));
                }
                None => self.cells.push((key, size, tallies)),
            }
        }
        merge_all(&mut self.outside, other.outside, |own, more| {
            own.0.merge(&more.0);
            own.1.merge(&more.1);
        });
        for (group, sketches) in other.sketches {
            match self.sketches.iter_mut().find(|(known, _)| *known == group) {
                Some((_, own)) => own.iter_mut().zip(&sketches).for_each(|(own, more)| own.merge(more)),
                None => self.sketches.push((group, sketches)),
            }
        }
        merge_all(&mut self.broken, other.broken, |own, more| {
            own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
        });
        merge_all(&mut self.texts, other.texts, Texts::merge);
        merge_all(&mut self.dates, other.dates, |own, more| {
            own.count += more.count;
            own.missing += more.missing;
            own.range = wider(own.range, more.range);
        });
        match (&mut self.sample, other.sample) {
            (Some(own), Some(more)) => {
                own.vstack_mut(&more).map_err(|error| defect(&error))?;
            }
            (own @ None, more) => *own = more,
            _ => {}
        }
        Ok(())
    }

    /// Everything that a measure saw, cells first, and the counts of its values.
    pub(crate) fn whole(&self, measure: usize) -> (Tally, Sketch) {
        let (mut whole, mut counts) = (Tally::default(), Sketch::default());
        for (_, _, tallies) in &self.cells {
            whole.merge(&tallies[measure]);
        }
        for (_, sketches) in &self.sketches {
            counts.merge(&sketches[measure]);
        }
        if let Some((outside, sketch)) = self.outside.get(measure) {
            whole.merge(outside);
            counts.merge(sketch);
        }
        (whole, counts)
    }

    /// The counts of values of a group by a measure.
    pub(crate) fn of_group(&self, group: &str, measure: usize) -> Option<&Sketch> {
        self.sketches.iter().find(|(known, _)| known == group)?.1.get(measure)
    }
}

/// The range that holds both.
fn wider(own: Option<(i64, i64)>, more: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (own, more) {
        (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
        (own, more) => own.or(more),
    }
}

/// Merges lists of the same things; the first time they are taken as they are.
fn merge_all<T>(own: &mut Vec<T>, more: Vec<T>, mut merge: impl FnMut(&mut T, T)) {
    if own.is_empty() {
        *own = more;
    } else {
        own.iter_mut().zip(more).for_each(|(own, more)| merge(own, more));
    }
}

impl Texts {
    fn merge(&mut self, other: Texts) {
        self.count += other.count;
        self.missing += other.missing;
        self.odd_time = self.odd_time.take().or(other.odd_time);
        self.different = match (self.different.take(), other.different) {
            (Some(mut own), Some(more)) => {
                own.extend(more);
                (own.len() <= MOST_TEXTS).then_some(own)
            }
            _ => None,
        };
    }
}

fn texts(series: &Series, counts: bool) -> Result<Texts, Diagnostic> {
    let missing = series.null_count() as u64;
    let count = series.len() as u64 - missing;
    if !counts {
        return Ok(Texts { count, missing, ..Texts::default() });
    }
    let cells = series.str().map_err(|error| defect(&error))?;
    // The order of this set decides nothing: what is kept of it is sorted.
    let mut met: PlHashSet<&str> = PlHashSet::default();
    for cell in cells.iter().flatten() {
        met.insert(cell);
        if met.len() > MOST_TEXTS {
            break;
        }
    }
    let different = (met.len() <= MOST_TEXTS).then(|| met.into_iter().map(str::to_string).collect());
    Ok(Texts { count, missing, different, odd_time: None })
}

fn dates(series: &Series) -> Result<Dates, Diagnostic> {
    let missing = series.null_count() as u64;
    let stamps = micros(series).map_err(|error| defect(&error))?;
    let known = || stamps.iter().flatten().copied();
    Ok(Dates { count: series.len() as u64 - missing, missing, range: known().min().zip(known().max()) })
}
