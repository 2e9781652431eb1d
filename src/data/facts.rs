//! Facts: what units did, in files of their own, brought to the units that were exposed.

use serde::Serialize;

use super::content::Content;
use super::gate::{Gate, GateReason};
use super::groups::{FOREIGN, Labels};
use super::names::NONE;
use super::overview::ColumnOverview;
use super::reading::Reading;
use super::rows::{Membership, Rows};
use super::stamps::{NO_TIME, Stamps, TimeRange, is_before};
use super::units::UNKNOWN;
use crate::config::valid::{Design, Facts};
use crate::diag::Diagnostic;

/// A greater share of rows than this without their units is taken for facts joined by a wrong key.
const MOST_UNJOINED: f64 = 0.99;

/// How the rows of a `[[data.facts]]` came out of its files and what was left out of them.
#[derive(Clone, Debug, Serialize)]
pub struct FactsReading {
    /// Name that metrics refer to.
    pub name: String,
    /// Title shown to readers.
    pub title: String,
    /// How the rows came out of the files.
    pub reading: Reading,
    /// Every column that can be described, in the order of the file.
    pub overview: Vec<ColumnOverview>,
    /// Rows that outcomes are computed from.
    pub rows_used: u64,
    /// Units that have such rows.
    pub units_with_rows: u64,
    /// Every other row, by the first of the reasons that holds for it.
    pub left_out: LeftOut,
    /// First and last time of the rows, when the config names a time column.
    pub time: Option<TimeRange>,
}

/// Rows and the units they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowsOfUnits {
    /// Rows.
    pub rows: u64,
    /// Different units.
    pub units: u64,
}

/// Rows of facts that take no part in outcomes. Reasons are asked in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Rows from after the date of the data.
    pub after_date: u64,
    /// Rows without a unit.
    pub no_unit: u64,
    /// Rows of units that were never exposed, or of a group that no exposure has.
    pub unknown: RowsOfUnits,
    /// Rows of units without a group; only where exposures are counts.
    pub no_group: u64,
    /// Rows of units in two groups.
    pub mixed: RowsOfUnits,
    /// Rows of units that are left out of `[data]` by a rule.
    pub excluded_units: RowsOfUnits,
    /// Rows without a time where times are compared.
    pub no_time: u64,
    /// Rows from before the unit's first exposure, or from before the start where exposures have no time.
    pub early: RowsOfUnits,
    /// Rows that a rule of the facts leaves out.
    pub invalid: u64,
}

impl RowsOfUnits {
    /// Adds rows of other units.
    fn add(&mut self, other: RowsOfUnits) {
        self.rows += other.rows;
        self.units += other.units;
    }
}

impl LeftOut {
    /// Adds rows of other units.
    pub(crate) fn add(&mut self, other: &LeftOut) {
        self.after_date += other.after_date;
        self.no_unit += other.no_unit;
        self.unknown.add(other.unknown);
        self.no_group += other.no_group;
        self.mixed.add(other.mixed);
        self.excluded_units.add(other.excluded_units);
        self.no_time += other.no_time;
        self.early.add(other.early);
        self.invalid += other.invalid;
    }
}

/// What is known of the exposures when facts are joined to them.
pub(crate) struct Joining<'a> {
    pub members: &'a Membership,
    /// For every unit whether some row of it is analysed; none where exposures are counts.
    pub analysed: Option<&'a [bool]>,
    /// First exposure of every unit.
    pub first: Option<&'a [i64]>,
    /// Exposures name times of day.
    pub timed: bool,
    /// Midnight of the first day of the experiment.
    pub start: Option<i64>,
}

/// The groups that the rows of facts name.
pub(crate) struct NamedGroups {
    /// Group of every row, as [`Labels::numbered`] tells it.
    pub of_row: Vec<u32>,
    /// Labels that are no group.
    pub gates: Vec<Gate>,
}

/// The group that every row of facts names; none without a column of groups.
///
/// # Errors
/// Defects of this program only.
pub(crate) fn labels(
    content: &Content,
    facts: &Facts,
    groups: &[String],
    design: &Design,
) -> Result<Option<NamedGroups>, Diagnostic> {
    let Some(column) = facts.group.as_deref().filter(|_| !content.columns.is_empty()) else {
        return Ok(None);
    };
    let labels = Labels::of(&content.frame, column)?;
    let numbers = labels.numbered(groups, design);
    let mut foreign: Vec<(&str, u64)> = Vec::new();
    for (row, _) in numbers.iter().enumerate().filter(|(_, number)| **number == FOREIGN) {
        let Some(label) = labels.text(row) else { continue };
        match foreign.iter().position(|(known, _)| *known == label) {
            Some(known) => foreign[known].1 += 1,
            // A column that is no group has as many labels as rows; a few are enough to see that.
            None if foreign.len() < SHOWN_FOREIGN => foreign.push((label, 1)),
            None => {}
        }
    }
    let gate = |(group, rows): (&str, u64)| {
        GateReason::ForeignGroup { group: group.to_string(), rows }.refusing().of_facts(&facts.name)
    };
    let gates = foreign.into_iter().map(gate).collect();
    Ok(Some(NamedGroups { of_row: numbers, gates }))
}

/// How many groups that no exposure has are named.
pub(crate) const SHOWN_FOREIGN: usize = 5;

/// Brings every row of facts to its unit, and tells what is left out.
pub(crate) fn join(
    content: &Content,
    facts: &Facts,
    units: Vec<u32>,
    labels: Option<&[u32]>,
    joining: &Joining,
) -> (Rows, FactsReading, Vec<Gate>) {
    let total = joining.members.group.len();
    let mut rows = Rows::new(content, None);
    let mut left_out = LeftOut { after_date: content.after_date, ..LeftOut::default() };
    let (mut mixed, mut outside) = (Tally::new(total), Tally::new(total));
    let (mut early, mut used, mut unexposed) = (Tally::new(total), Tally::new(total), Tally::new(total));
    let mut strangers = Tally::new(0);
    for (row, unit) in units.iter().copied().enumerate() {
        if unit == NONE {
            left_out.no_unit += 1;
            continue;
        }
        if unit & UNKNOWN != 0 {
            strangers.add_growing((unit & !UNKNOWN) as usize);
            continue;
        }
        let at = unit as usize;
        let names_foreign_group = labels.is_some_and(|labels| labels[row] == FOREIGN);
        if names_foreign_group || (joining.members.group[at] == NONE && joining.analysed.is_some()) {
            unexposed.add(at);
            continue;
        }
        let group = joining.members.group_of(unit);
        if joining.members.group[at] == NONE {
            left_out.no_group += 1;
        } else if group == NONE {
            mixed.add(at);
        } else if joining.analysed.is_some_and(|analysed| !analysed[at]) {
            outside.add(at);
        } else {
            let invalid = content.excluded.as_ref().is_some_and(|excluded| excluded[row]);
            match joining.moment(content.stamps.as_deref(), row, at) {
                Moment::Unknown => left_out.no_time += 1,
                Moment::Before => {
                    early.add(at);
                    if !invalid {
                        rows.set_early(row, group);
                    }
                }
                Moment::Since if invalid => left_out.invalid += 1,
                Moment::Since => {
                    used.add(at);
                    rows.group_of_row[row] = group;
                }
            }
        }
    }
    rows.unit_of_row = Some(units);
    let (strangers, unexposed) = (strangers.counts, unexposed.counts);
    left_out.unknown =
        RowsOfUnits { rows: strangers.rows + unexposed.rows, units: strangers.units + unexposed.units };
    (left_out.mixed, left_out.excluded_units, left_out.early) = (mixed.counts, outside.counts, early.counts);
    let reading = FactsReading {
        name: facts.name.clone(),
        title: facts.title.clone(),
        reading: content.reading.clone(),
        overview: content.overview.clone(),
        rows_used: used.counts.rows,
        units_with_rows: used.counts.units,
        time: content.stamps.as_deref().and_then(Stamps::range),
        left_out,
    };
    let gates = gates(&reading);
    (rows, reading, gates)
}

/// When a row of facts was, seen from its unit's exposure.
enum Moment {
    Before,
    Since,
    Unknown,
}

impl Joining<'_> {
    fn moment(&self, stamps: Option<&Stamps>, row: usize, unit: usize) -> Moment {
        let Some(stamps) = stamps else { return Moment::Since };
        let first = self.first.map(|first| first[unit]).filter(|first| *first != NO_TIME);
        // Exposures without a time are as old as the experiment.
        let since = first.map(|first| (first, self.timed)).or(self.start.map(|start| (start, false)));
        let compared = self.first.is_some() || self.start.is_some();
        let stamp = stamps.micros[row];
        match since {
            _ if compared && stamp == NO_TIME => Moment::Unknown,
            Some((since, timed)) if is_before(stamp, since, timed && stamps.timed) => Moment::Before,
            _ => Moment::Since,
        }
    }
}

/// Rows counted with their different units.
struct Tally {
    counts: RowsOfUnits,
    seen: Vec<bool>,
}

impl Tally {
    fn new(units: usize) -> Tally {
        Tally { counts: RowsOfUnits::default(), seen: vec![false; units] }
    }

    fn add(&mut self, unit: usize) {
        self.counts.rows += 1;
        self.counts.units += u64::from(!std::mem::replace(&mut self.seen[unit], true));
    }

    fn add_growing(&mut self, unit: usize) {
        if unit >= self.seen.len() {
            self.seen.resize(unit + 1, false);
        }
        self.add(unit);
    }
}

/// What the joining itself gives cause to say.
pub(crate) fn gates(facts: &FactsReading) -> Vec<Gate> {
    let out = &facts.left_out;
    let of = facts.reading.rows - out.after_date;
    let mut gates = Vec::new();
    let mut add = |rows: u64, reason: GateReason| {
        if rows > 0 {
            gates.push(reason.when(false).of_facts(&facts.name));
        }
    };
    let units = |counts: RowsOfUnits| (counts.rows, counts.units);
    add(out.no_unit, GateReason::MissingUnit { rows: out.no_unit });
    add(out.no_group, GateReason::MissingGroup { rows: out.no_group });
    let (rows, with_rows) = units(out.unknown);
    add(rows, GateReason::UnexposedUnits { rows, units: with_rows });
    let (rows, with_rows) = units(out.mixed);
    add(rows, GateReason::RowsOfMixedUnits { rows, units: with_rows });
    let (rows, with_rows) = units(out.excluded_units);
    add(rows, GateReason::RowsOfExcludedUnits { rows, units: with_rows });
    add(out.no_time, GateReason::MissingTime { rows: out.no_time });
    let (rows, with_rows) = units(out.early);
    add(rows, GateReason::BeforeExposure { rows, units: with_rows });
    // Facts of the whole site beside an experiment on a part of it leave most rows out, rightly; that hardly any row finds
    // its unit is what a wrong key looks like.
    if out.unknown.rows as f64 > MOST_UNJOINED * of as f64 {
        gates.push(GateReason::FactsUnjoined { rows: out.unknown.rows, of }.refusing().of_facts(&facts.name));
    }
    gates
}
