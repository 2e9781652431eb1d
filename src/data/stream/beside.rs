//! What becomes of the rows of a part beside what every pass looks for: nothing, sums by the rules of rows, or they wait for other
//! rows of their units.

use polars::prelude::DataFrame;

use super::job::setting;
use super::open::Asked;
use super::pack::{Column, packs};
use super::parts::Part;
use super::pass::Wanted;
use super::scratch::Scratch;
use crate::data::columns::Kind;
use crate::data::names::NONE;
use crate::data::open::{assemble, end_of};
use crate::data::spec::Spec;
use crate::data::table::content_of;
use crate::data::units::UnitColumn;
use crate::diag::Diagnostic;
use crate::sums::Sums;

/// What is to become of the rows, and what became of them so far.
pub(crate) enum Beside<'a> {
    Nothing,
    /// Sums of rows that are units.
    Units(Option<Box<Sums>>),
    /// Rows in `count` queues from `first` on, all rows of a unit in one queue.
    Shards {
        scratch: &'a mut Scratch,
        first: usize,
        count: usize,
    },
}

/// What is done with each part on its thread.
pub(crate) enum Work<'a> {
    Nothing,
    Units(Box<OfUnits<'a>>),
    Shards(Shards<'a>),
}

/// What comes of it.
pub(crate) enum Made {
    Nothing,
    Sums(Box<Sums>),
    Packs(Vec<Vec<u8>>),
}

/// Columns as the files have them.
pub(crate) struct Shape<'a> {
    pub names: &'a [String],
    pub kind: &'a (dyn Fn(usize) -> Option<Kind> + Sync),
}

impl<'a> Beside<'a> {
    /// The work on parts. `group` is the column of groups where parts hold it as labels.
    pub(crate) fn work<'b>(
        &self,
        asked: &'b Asked<'b>,
        spec: &'b Spec<'b>,
        shape: Shape<'b>,
        group: Option<&'b str>,
    ) -> Work<'b> {
        match self {
            Beside::Nothing => Work::Nothing,
            Beside::Units(_) => Work::Units(Box::new(OfUnits { asked, spec, shape })),
            Beside::Shards { count, .. } => {
                Work::Shards(Shards { count: *count, unit: spec.unit.unwrap_or_default(), group })
            }
        }
    }

    /// Takes what came of the next part.
    ///
    /// # Errors
    /// As [`Scratch::add`]; sums that are not finite.
    pub(crate) fn take(&mut self, made: Made) -> Result<(), Diagnostic> {
        match (self, made) {
            (Beside::Units(so_far), Made::Sums(sums)) => {
                *so_far = Some(match so_far.take() {
                    Some(known) => Box::new(known.merge(&sums).map_err(not_finite)?),
                    None => sums,
                });
            }
            (Beside::Shards { scratch, first, .. }, Made::Packs(packs)) => {
                for (number, pack) in packs.iter().enumerate() {
                    scratch.add(*first + number, pack)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The pass is made again.
    pub(crate) fn forget(&mut self) {
        match self {
            Beside::Nothing => {}
            Beside::Units(so_far) => *so_far = None,
            Beside::Shards { scratch, first, count } => scratch.clear(*first..*first + *count),
        }
    }
}

/// Sums that cannot be merged.
pub(crate) fn not_finite(reason: crate::stats::Undefined) -> Diagnostic {
    Diagnostic::error("data::streaming", format!("the sums are not finite: {reason}"))
}

impl Work<'_> {
    /// Does the work on a part.
    ///
    /// # Errors
    /// SQL that does not fit the columns.
    pub(crate) fn of(&self, part: &Part, wanted: &Wanted) -> Result<Made, Diagnostic> {
        match self {
            Work::Nothing => Ok(Made::Nothing),
            Work::Units(units) => units.sums(wanted.sample(part, 1)?).map(|sums| Made::Sums(Box::new(sums))),
            Work::Shards(shards) => shards.split(part).map(Made::Packs),
        }
    }
}

/// Rows that are units, as the rows of a whole file are read.
pub(crate) struct OfUnits<'a> {
    asked: &'a Asked<'a>,
    spec: &'a Spec<'a>,
    shape: Shape<'a>,
}

impl OfUnits<'_> {
    fn sums(&self, frame: DataFrame) -> Result<Sums, Diagnostic> {
        let first = |mut problems: Vec<Diagnostic>| match problems.is_empty() {
            true => Diagnostic::error("data::streaming", "a part of the rows cannot be read"),
            false => problems.swap_remove(0),
        };
        let Asked { source, metrics, segments, date, .. } = *self.asked;
        let own = content_of(self.spec, self.shape.names, self.shape.kind, frame).map_err(first)?;
        let own = own.until(end_of(date), &source.files)?;
        assemble(&setting(self.asked, 0, None), &own, &[], date)?.summed(metrics, segments)
    }
}

/// How rows are told apart by their units.
pub(crate) struct Shards<'a> {
    count: usize,
    unit: &'a str,
    /// Labels of groups are packed under this name, where they stand apart from the frame.
    group: Option<&'a str>,
}

impl Shards<'_> {
    fn split(&self, part: &Part) -> Result<Vec<Vec<u8>>, Diagnostic> {
        let frame = &part.frame;
        let mut lists: Vec<Vec<u32>> = vec![Vec::new(); self.count];
        for (row, hash) in UnitColumn::of(frame, self.unit)?.hashes().into_iter().enumerate() {
            // The upper bits of the product are the queue; rows without a unit are counted wherever they are.
            let queue = match hash {
                Some(hash) => ((u128::from(hash) * self.count as u128) >> 64) as usize,
                None => row % self.count,
            };
            lists[queue].push(row as u32);
        }
        let mut columns: Vec<Column> = frame
            .columns()
            .iter()
            .map(|column| Column::Series(column.as_materialized_series().clone()))
            .collect();
        if self.group.is_some() {
            debug_assert!(
                part.label_of_row.iter().all(|label| *label == NONE || (*label as usize) < part.labels.len())
            );
            columns.push(Column::Labels(&part.labels, &part.label_of_row));
        }
        packs(&columns, &lists)
    }
}
