//! From files to a [`Dataset`]: read and judge every table, number groups and units, join facts to exposures.

use super::counts::{Counted, counted};
use super::daily;
use super::exposure::{Exposure, Settled};
use super::facts::{self, Joining};
use super::gate::{Gate, GateReason};
use super::groups::{FOREIGN, judge};
use super::names::NONE;
use super::rows::{Membership, Rows, Units};
use super::spec::{Spec, answerable};
use super::stamps::{NO_TIME, Stamps, midnight};
use super::table::{Content, read_table};
use super::units::{UnitColumn, UnitIndex};
use super::{Dataset, FactsReading};
use crate::config::valid::{DataSource, Design, Metric};
use crate::diag::{Diagnostic, Warned};

/// Reads the rows of an experiment; `start` is its first day, when the config gives it.
///
/// Units: rows of a unit are brought together by [`Dataset::gather`]. Rows with an invalid value of a column whose rule says
/// `exclude` are left out of outcomes, but their units stay in the group sizes. With a unit and a time column, rows of `[data]`
/// from before `start` are the pre-period: they are no outcomes, and a unit that was only seen then is not exposed.
///
/// # Errors
/// Everything that makes the data unreadable as a whole, all at once: missing or foreign files, text of an uncertain
/// encoding, separator or decimal mark, missing columns, SQL that does not fit the columns, metrics that the tables cannot
/// answer. What only makes an analysis wrong — no rows, malformed rows, an absent group, invalid values, facts that join to
/// nobody — is in [`Dataset::gates`].
pub fn open(
    source: &DataSource,
    metrics: &[Metric],
    design: &Design,
    start: Option<jiff::civil::Date>,
) -> Result<Warned<Dataset>, Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    let mut problems = answerable(source, metrics).err().unwrap_or_default();
    let mut keep = |read: Result<Content, Vec<Diagnostic>>| read.map_err(|more| problems.extend(more)).ok();
    let own = keep(read_table(&Spec::data(source, metrics), &mut warnings));
    let mut tables = Vec::with_capacity(source.facts.len());
    for facts in &source.facts {
        tables.extend(keep(read_table(&Spec::facts(facts, metrics), &mut warnings)));
    }
    let Some(own) = own.filter(|_| problems.is_empty()) else { return Err(problems) };
    let value = assemble(source, design, start, own, tables).map_err(|problem| vec![problem])?;
    Ok(Warned { value, warnings })
}

/// What `[data]` and the facts together say of units and groups.
struct Joined {
    own: Rows,
    units: Units,
    groups: Vec<super::GroupCount>,
    rows_missing_group: u64,
    contamination: u64,
    /// What `[data]` gives cause to say.
    gates: Vec<Gate>,
    tables: Vec<(Rows, FactsReading, Vec<Gate>)>,
}

fn assemble(
    source: &DataSource,
    design: &Design,
    start: Option<jiff::civil::Date>,
    own: Content,
    tables: Vec<Content>,
) -> Result<Dataset, Diagnostic> {
    let joined = if own.columns.is_empty() {
        // Files without a header: there is nobody to join facts to, which the gate of `[data]` says already.
        nobody(&own, source, &tables)
    } else {
        match &source.count {
            Some(count) => by_counts(source, design, start, &own, &tables, count)?,
            None => by_units(source, design, start, &own, &tables)?,
        }
    };
    let mut gates = own.gates;
    if own.reading.rows > 0 {
        gates.extend(joined.gates);
        gates.extend(judge(&joined.groups, design));
    }
    let mut facts = Vec::with_capacity(tables.len());
    let mut rows = Vec::with_capacity(tables.len());
    for (content, (table, reading, own_gates)) in tables.into_iter().zip(joined.tables) {
        gates.extend(content.gates.into_iter().map(|gate| gate.of_facts(&reading.name)));
        gates.extend(own_gates);
        facts.push(reading);
        rows.push(table);
    }
    let counts = source.count.clone();
    let daily = daily::daily(&joined.own, &joined.units, joined.groups.len(), counts.as_deref())?;
    Ok(Dataset {
        time: own.stamps.as_ref().and_then(Stamps::range),
        reading: own.reading,
        overview: own.overview,
        groups: joined.groups,
        rows_missing_group: joined.rows_missing_group,
        contamination: joined.contamination,
        gates,
        facts,
        daily,
        rows: joined.own,
        tables: rows,
        units: joined.units,
        counts,
    })
}

/// Exposures that are rows, or rows that name their units.
fn by_units(
    source: &DataSource,
    design: &Design,
    start: Option<jiff::civil::Date>,
    own: &Content,
    tables: &[Content],
) -> Result<Joined, Diagnostic> {
    let mut index = UnitIndex::default();
    let mut exposure = Exposure::of(own, source, design, start, &mut index)?;
    let mut numbered = Vec::with_capacity(tables.len());
    for (content, facts) in tables.iter().zip(&source.facts) {
        let units = match content.columns.is_empty() {
            true => Vec::new(),
            false => index.look_up(&UnitColumn::of(&content.frame, &facts.unit)?, &mut UnitIndex::default()),
        };
        let labels = facts::labels(content, facts, &exposure.groups, design)?;
        if let Some(labels) = &labels {
            for (unit, label) in units.iter().zip(&labels.of_row) {
                let is_known = exposure.members.group.get(*unit as usize).is_some_and(|group| *group != NONE);
                if is_known && *label < FOREIGN {
                    exposure.members.claim(*unit, *label);
                }
            }
        }
        numbered.push((units, labels));
    }
    let Settled { rows, units, groups, analysed, gates } = exposure.settle(own);
    let mut gates: Vec<Gate> = exposure.gates.drain(..).chain(gates).collect();
    gates.extend(undated(own, &exposure, !tables.is_empty() || start.is_some()));
    let joining = Joining {
        members: &exposure.members,
        analysed: Some(&analysed),
        first: units.first.as_deref(),
        timed: own.stamps.as_ref().is_some_and(|stamps| stamps.timed),
        start: start.map(midnight),
    };
    let tables = join_all(source, tables, numbered, &joining);
    Ok(Joined {
        own: rows,
        groups,
        rows_missing_group: exposure.rows_missing_group,
        contamination: exposure.members.contamination(),
        gates,
        tables,
        units,
    })
}

/// Rows of `[data]` without a time, where times tell before from after. They are kept.
fn undated(own: &Content, exposure: &Exposure, compared: bool) -> Option<Gate> {
    let stamps = own.stamps.as_ref().filter(|_| compared && exposure.unit_of_row.is_some())?;
    let rows = stamps.micros.iter().filter(|stamp| **stamp == NO_TIME).count() as u64;
    (rows > 0).then(|| GateReason::MissingTime { rows }.when(false))
}

/// Exposures known as counts: the facts say who the units are, and which group each is in.
fn by_counts(
    source: &DataSource,
    design: &Design,
    start: Option<jiff::civil::Date>,
    own: &Content,
    tables: &[Content],
    count: &str,
) -> Result<Joined, Diagnostic> {
    let Counted { rows, groups, rows_missing_group, mut gates } = counted(own, source, design, count)?;
    let names: Vec<String> = groups.iter().map(|group| group.id.clone()).collect();
    let mut index = UnitIndex::default();
    let mut members = Membership::default();
    let mut numbered = Vec::with_capacity(tables.len());
    for (content, facts) in tables.iter().zip(&source.facts) {
        let units = match content.columns.is_empty() {
            true => Vec::new(),
            false => index.number(&UnitColumn::of(&content.frame, &facts.unit)?),
        };
        members.grow(index.len());
        let labels = facts::labels(content, facts, &names, design)?;
        for (unit, label) in units.iter().zip(labels.iter().flat_map(|labels| &labels.of_row)) {
            if *unit != NONE && *label < FOREIGN {
                members.claim(*unit, *label);
            }
        }
        numbered.push((units, labels));
    }
    let contamination = members.contamination();
    if contamination > 0 {
        gates.push(GateReason::UnitsInTwoGroups { count: contamination, counts_stay: true }.when(false));
    }
    let joining =
        Joining { members: &members, analysed: None, first: None, timed: false, start: start.map(midnight) };
    let tables = join_all(source, tables, numbered, &joining);

    // Who has a row that outcomes are computed from is known to have come; all others are a number.
    let mut known = vec![false; index.len()];
    let mut by_group: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
    for (table, _, _) in &tables {
        for (row, group) in table.group_of_row.iter().enumerate().filter(|(_, group)| **group != NONE) {
            let unit = table.unit(row);
            if !std::mem::replace(&mut known[unit], true) {
                by_group[*group as usize].push(unit as u32);
            }
        }
    }
    for (group, units) in groups.iter().zip(&by_group) {
        let units = units.len() as u64;
        if units > group.analysed {
            let (group, counted) = (group.id.clone(), group.analysed);
            gates.push(GateReason::MoreUnitsThanCounted { group, units, counted }.refusing());
        }
    }
    let uncounted =
        groups.iter().zip(&by_group).map(|(group, units)| group.analysed.saturating_sub(units.len() as u64));
    let units =
        Units { total: index.len(), uncounted: uncounted.collect(), by_group, first: None, are_rows: false };
    Ok(Joined { own: rows, units, groups, rows_missing_group, contamination, gates, tables })
}

/// Units of the rows of facts, and the groups they name.
type Numbered = (Vec<u32>, Option<facts::NamedGroups>);

fn join_all(
    source: &DataSource,
    tables: &[Content],
    numbered: Vec<Numbered>,
    joining: &Joining,
) -> Vec<(Rows, FactsReading, Vec<Gate>)> {
    let joined = tables.iter().zip(&source.facts).zip(numbered).map(|((content, facts), (units, labels))| {
        let (numbers, mut gates) = match labels {
            Some(labels) => (Some(labels.of_row), labels.gates),
            None => (None, Vec::new()),
        };
        let (rows, reading, more) = facts::join(content, facts, units, numbers.as_deref(), joining);
        gates.extend(more);
        (rows, reading, gates)
    });
    joined.collect()
}

/// No exposures at all.
fn nobody(own: &Content, source: &DataSource, tables: &[Content]) -> Joined {
    let members = Membership::default();
    let joining = Joining { members: &members, analysed: None, first: None, timed: false, start: None };
    let numbered = tables.iter().map(|content| (vec![NONE; content.frame.height()], None)).collect();
    let mut tables = join_all(source, tables, numbered, &joining);
    tables.iter_mut().for_each(|(_, _, gates)| gates.clear());
    Joined {
        own: Rows::new(own, None),
        units: Units::default(),
        groups: Vec::new(),
        rows_missing_group: 0,
        contamination: 0,
        gates: Vec::new(),
        tables,
    }
}
