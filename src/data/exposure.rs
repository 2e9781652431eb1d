//! Exposures: which unit is in which group since when, from rows that are units or that name them.

use super::content::Content;
use super::gate::{Gate, GateReason};
use super::groups::{FOREIGN, GroupCount, Labels};
use super::join::Setting;
use super::names::NONE;
use super::rows::{Membership, Rows, Units};
use super::stamps::{NO_TIME, midnight};
use super::units::UnitIndex;
use crate::config::valid::OnBroken;
use crate::diag::Diagnostic;

/// The rows of `[data]` while facts may still say that a unit is in another group, too.
pub(crate) struct Exposure {
    /// Names of the groups in their order.
    pub groups: Vec<String>,
    /// Group that each row names; [`NONE`] for rows without one, without a unit, and from before the start.
    pub label_of_row: Vec<u32>,
    /// Rows from before the start; none when there is no such row.
    pub early: Option<Vec<bool>>,
    pub unit_of_row: Option<Vec<u32>>,
    pub members: Membership,
    /// The same of devices by their names, where it is known which of them are one user.
    pub devices: Option<Membership>,
    pub rows_missing_group: u64,
    pub gates: Vec<Gate>,
}

impl Exposure {
    /// Finds groups and units; `index` keeps the units for the facts.
    ///
    /// # Errors
    /// Defects of this program only.
    pub(crate) fn of(
        own: &Content,
        setting: &Setting,
        index: &mut UnitIndex,
    ) -> Result<Exposure, Diagnostic> {
        let (source, design) = (&setting.source, &setting.design);
        let refuses = source.files.malformed == OnBroken::Refuse;
        let early = early_rows(own, setting);
        let is_early = |row: usize| early.as_ref().is_some_and(|early| early[row]);
        let labels = Labels::of(&own.frame, &source.group)?;
        let groups = setting.groups.clone().unwrap_or_else(|| labels.groups(|row| !is_early(row), design));
        let mut label_of_row = labels.numbered(&groups, design);
        let mut gates = Vec::new();
        let mut rows_missing_group = 0;
        for (row, label) in label_of_row.iter_mut().enumerate() {
            if is_early(row) || *label == FOREIGN {
                *label = NONE;
            } else {
                rows_missing_group += u64::from(*label == NONE);
            }
        }
        if rows_missing_group > 0 {
            gates.push(GateReason::MissingGroup { rows: rows_missing_group }.when(refuses));
        }
        let mut members = Membership::default();
        let mut devices = setting.identity.is_some().then(|| Membership::of(setting.names));
        let unit_of_row = match &source.unit {
            None => None,
            Some(_) => {
                let unit_of_row = index.number(&own.names);
                members = Membership::of(index.len());
                let mut missing = 0;
                for ((unit, name), label) in unit_of_row.iter().zip(&own.names).zip(&mut label_of_row) {
                    if *unit == NONE {
                        missing += 1;
                        *label = NONE;
                    } else if *label != NONE {
                        members.claim(*unit, *label);
                        devices.iter_mut().for_each(|devices| devices.claim(*name, *label));
                    }
                }
                if missing > 0 {
                    gates.push(GateReason::MissingUnit { rows: missing }.when(refuses));
                }
                Some(unit_of_row)
            }
        };
        Ok(Exposure { groups, label_of_row, early, unit_of_row, members, devices, rows_missing_group, gates })
    }

    /// The rows and units of the analysis, the group sizes, and for every unit whether a rule leaves it out, once it is
    /// known which units are in two groups.
    pub(crate) fn settle(&self, own: &Content) -> Settled {
        let rows_are_units = self.unit_of_row.is_none();
        let total = if rows_are_units { self.label_of_row.len() } else { self.members.group.len() };
        let unit_of = |row: usize| self.unit_of_row.as_ref().map_or(row, |units| units[row] as usize);
        let mut groups: Vec<GroupCount> = self
            .groups
            .iter()
            .map(|id| GroupCount { id: id.clone(), units: 0, rows: 0, analysed: 0 })
            .collect();
        let mut rows = Rows::new(own, None);
        let mut counted = vec![false; total];
        let mut analysed = vec![false; total];
        let mut by_group: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
        let mut first = (!rows_are_units && own.stamps.is_some()).then(|| vec![NO_TIME; total]);
        for (row, label) in self.label_of_row.iter().enumerate() {
            let unit = unit_of(row);
            if *label == NONE || (!rows_are_units && self.members.mixed[unit]) {
                continue;
            }
            let size = &mut groups[*label as usize];
            size.rows += 1;
            size.units += u64::from(!std::mem::replace(&mut counted[unit], true));
            if let (Some(first), Some(stamps)) = (&mut first, &own.stamps) {
                let (known, stamp) = (&mut first[unit], stamps.micros[row]);
                if stamp != NO_TIME && (*known == NO_TIME || stamp < *known) {
                    *known = stamp;
                }
            }
            if own.excluded.as_ref().is_some_and(|excluded| excluded[row]) {
                continue;
            }
            rows.group_of_row[row] = *label;
            if !std::mem::replace(&mut analysed[unit], true) {
                size.analysed += 1;
                by_group[*label as usize].push(unit as u32);
            }
        }
        let gates = self.settle_early(own, &counted, &analysed, &mut rows);
        // One row a unit, in the order of the units: they need not be added up.
        let are_rows = self
            .unit_of_row
            .as_ref()
            .is_none_or(|units| units.iter().zip(0..).all(|(unit, row)| *unit == row));
        rows.unit_of_row.clone_from(&self.unit_of_row);
        let uncounted = vec![0; groups.len()];
        let units = Units { total, by_group, uncounted, first, are_rows };
        Settled { rows, units, groups, analysed, gates }
    }

    /// Brings the rows from before the start to the groups that their units came into later.
    fn settle_early(&self, own: &Content, counted: &[bool], analysed: &[bool], rows: &mut Rows) -> Vec<Gate> {
        let (Some(early), Some(units)) = (&self.early, &self.unit_of_row) else { return Vec::new() };
        let mut seen = vec![false; counted.len()];
        let (mut count, mut with_rows, mut never_since) = (0, 0, 0);
        for row in (0..early.len()).filter(|row| early[*row]) {
            count += 1;
            let unit = units[row];
            if unit == NONE {
                continue;
            }
            if !std::mem::replace(&mut seen[unit as usize], true) {
                with_rows += 1;
                never_since += u64::from(self.members.group[unit as usize] == NONE);
            }
            let left_out = own.excluded.as_ref().is_some_and(|excluded| excluded[row]);
            if analysed[unit as usize] && !left_out {
                rows.set_early(row, self.members.group[unit as usize]);
            }
        }
        vec![GateReason::PrePeriod { rows: count, units: with_rows, never_since }.when(false)]
    }
}

/// Exposures once settled.
pub(crate) struct Settled {
    pub rows: Rows,
    pub units: Units,
    pub groups: Vec<GroupCount>,
    /// For every unit whether some row of it is analysed.
    pub analysed: Vec<bool>,
    pub gates: Vec<Gate>,
}

/// Rows of units from before the experiment.
fn early_rows(own: &Content, setting: &Setting) -> Option<Vec<bool>> {
    let (Some(start), Some(stamps)) = (setting.start, &own.stamps) else { return None };
    setting.source.unit.as_ref()?;
    let start = midnight(start);
    let early: Vec<bool> = stamps.micros.iter().map(|stamp| *stamp != NO_TIME && *stamp < start).collect();
    early.contains(&true).then_some(early)
}
