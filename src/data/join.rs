//! Facts brought to exposures: who the units are, in which group, and which rows are theirs.

use jiff::civil::Date;

use super::content::Content;
use super::counts::{Counted, counted};
use super::exposure::{Exposure, Settled};
use super::facts::{self, FactsReading, Joining};
use super::gate::{Gate, GateReason};
use super::groups::{FOREIGN, GroupCount};
use super::identity::{Identity, IdentityReading};
use super::names::NONE;
use super::rows::{Membership, Rows, Units};
use super::stamps::{NO_TIME, midnight};
use super::units::UnitIndex;
use crate::config::valid::{DataSource, Design};
use crate::diag::Diagnostic;

/// What is the same for an experiment on every day of it.
#[derive(Debug)]
pub(crate) struct Setting {
    pub source: DataSource,
    pub design: Design,
    /// First day of the experiment.
    pub start: Option<Date>,
    /// How many different names of units there are in all tables.
    pub names: usize,
    /// Which of the names are devices of one user.
    pub identity: Option<Identity>,
    /// The groups of the experiment in their order, where the rows at hand are of some units only; none: those that they name.
    pub groups: Option<Vec<String>>,
}

impl Setting {
    /// Units, none of which was met yet.
    pub(crate) fn index(&self) -> UnitIndex<'_> {
        UnitIndex::new(self.names, self.identity.as_ref().map(|identity| &identity.users))
    }
}

/// What `[data]` and the facts together say of units and groups.
pub(crate) struct Joined {
    pub own: Rows,
    pub units: Units,
    pub groups: Vec<GroupCount>,
    pub rows_missing_group: u64,
    pub contamination: u64,
    pub identity: Option<IdentityReading>,
    /// What `[data]` gives cause to say.
    pub gates: Vec<Gate>,
    pub tables: Vec<(Rows, FactsReading, Vec<Gate>)>,
}

/// Numbers groups and units, and brings the rows of facts to them.
///
/// # Errors
/// Defects of this program only.
pub(crate) fn join(setting: &Setting, own: &Content, tables: &[Content]) -> Result<Joined, Diagnostic> {
    if own.columns.is_empty() {
        // Files without a header: there is nobody to join facts to, which the gate of `[data]` says already.
        return Ok(nobody(setting, own, tables));
    }
    match &setting.source.count {
        Some(count) => by_counts(setting, own, tables, count),
        None => by_units(setting, own, tables),
    }
}

/// Exposures that are rows, or rows that name their units.
fn by_units(setting: &Setting, own: &Content, tables: &[Content]) -> Result<Joined, Diagnostic> {
    let (source, start) = (&setting.source, setting.start);
    let mut index = setting.index();
    let mut exposure = Exposure::of(own, setting, &mut index)?;
    let mut numbered = Vec::with_capacity(tables.len());
    for (content, facts) in tables.iter().zip(&source.facts) {
        let units = index.look_up(&content.names, &mut setting.index());
        let labels = facts::labels(content, facts, &exposure.groups, &setting.design)?;
        for ((unit, name), label) in
            units.iter().zip(&content.names).zip(labels.iter().flat_map(|labels| &labels.of_row))
        {
            let is_known = exposure.members.group.get(*unit as usize).is_some_and(|group| *group != NONE);
            if is_known && *label < FOREIGN {
                exposure.members.claim(*unit, *label);
                exposure.devices.iter_mut().for_each(|devices| devices.claim(*name, *label));
            }
        }
        numbered.push((units, labels));
    }
    let Settled { rows, units, groups, analysed, gates } = exposure.settle(own);
    let mut gates: Vec<Gate> = exposure.gates.drain(..).chain(gates).collect();
    let contamination = exposure.members.contamination();
    let told = setting.identity.as_ref().zip(exposure.devices.as_ref());
    let told = told.map(|(identity, devices)| identity.told(&exposure.members, devices, &index));
    let by_devices = told.as_ref().map_or(0, |(reading, _)| reading.users_mixed);
    if contamination > by_devices {
        let count = contamination - by_devices;
        gates.push(GateReason::UnitsInTwoGroups { count, counts_stay: false }.when(false));
    }
    let identity = told.map(|(reading, more)| {
        gates.extend(more);
        reading
    });
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
        contamination,
        identity,
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
    setting: &Setting,
    own: &Content,
    tables: &[Content],
    count: &str,
) -> Result<Joined, Diagnostic> {
    let (source, design, start) = (&setting.source, &setting.design, setting.start);
    let Counted { rows, groups, rows_missing_group, mut gates } = counted(own, source, design, count)?;
    let names: Vec<String> = groups.iter().map(|group| group.id.clone()).collect();
    let mut index = setting.index();
    let mut members = Membership::default();
    let mut numbered = Vec::with_capacity(tables.len());
    for (content, facts) in tables.iter().zip(&source.facts) {
        let units = index.number(&content.names);
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
    Ok(Joined { own: rows, units, groups, rows_missing_group, contamination, identity: None, gates, tables })
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
fn nobody(setting: &Setting, own: &Content, tables: &[Content]) -> Joined {
    let members = Membership::default();
    let joining = Joining { members: &members, analysed: None, first: None, timed: false, start: None };
    let numbered = tables.iter().map(|content| (vec![NONE; content.frame.height()], None)).collect();
    let mut tables = join_all(&setting.source, tables, numbered, &joining);
    tables.iter_mut().for_each(|(_, _, gates)| gates.clear());
    Joined {
        own: Rows::new(own, None),
        units: Units::default(),
        groups: Vec::new(),
        rows_missing_group: 0,
        contamination: 0,
        identity: setting
            .identity
            .as_ref()
            .map(|identity| identity.told(&members, &Membership::of(setting.names), &setting.index()).0),
        gates: Vec::new(),
        tables,
    }
}
