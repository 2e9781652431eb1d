//! Which devices are one user, and what that means for the units of an experiment.

use serde::Serialize;

use super::content::Content;
use super::gate::{Gate, GateReason};
use super::names::NONE;
use super::reading::Reading;
use super::rows::Membership;
use super::units::{Names, UNKNOWN, UnitColumn, UnitIndex, Users};
use crate::config::valid::{self, OnBroken};
use crate::diag::Diagnostic;

/// How `[data.identity]` came out of its files, and how many devices of the experiment it knows.
///
/// A device is in the experiment when a row of `[data]`, or of facts with a column of groups, says in which group it is.
#[derive(Clone, Debug, Serialize)]
pub struct IdentityReading {
    /// How the rows came out of the files.
    pub reading: Reading,
    /// Rows without a device, or without a user for a device of the experiment: they say nothing.
    pub rows_incomplete: u64,
    /// Devices in the experiment.
    pub devices_seen: u64,
    /// Of these, devices whose user is known.
    pub devices_matched: u64,
    /// Users with a device in the experiment.
    pub users_seen: u64,
    /// Of these, users with more than one.
    pub users_with_several: u64,
    /// Of these, users whose devices are in two groups, each device in one.
    pub users_mixed: u64,
    /// The devices of these.
    pub devices_mixed: u64,
}

/// `[data.identity]`, brought to the names of devices in the other tables.
#[derive(Debug)]
pub(crate) struct Identity {
    reading: Reading,
    rows_incomplete: u64,
    /// What its rows give cause to say.
    pub gates: Vec<Gate>,
    pub users: Users,
    /// Names that are given to two users.
    ambiguous: Vec<bool>,
}

impl Identity {
    /// Finds the users of the names.
    ///
    /// # Errors
    /// Defects of this program only.
    pub(crate) fn of(
        content: &Content,
        config: &valid::Identity,
        names: &Names,
    ) -> Result<Identity, Diagnostic> {
        let mut users = Users { of_name: vec![NONE; names.len()], count: 0 };
        let mut ambiguous = vec![false; names.len()];
        let mut rows_incomplete = 0;
        if !content.columns.is_empty() {
            let devices = names.find(&UnitColumn::of(&content.frame, &config.device)?);
            let mut known = Names::default();
            // The table may hold everybody; only the users of these devices are of interest.
            let of_row = known
                .number_where(&UnitColumn::of(&content.frame, &config.user)?, |row| devices[row] < UNKNOWN);
            for (device, user) in devices.iter().zip(of_row).filter(|(device, _)| **device != UNKNOWN) {
                if *device == NONE || user == NONE {
                    rows_incomplete += 1;
                    continue;
                }
                let known = &mut users.of_name[*device as usize];
                ambiguous[*device as usize] |= *known != NONE && *known != user;
                *known = user;
            }
            users.count = known.len() as u32;
        }
        for (user, ambiguous) in users.of_name.iter_mut().zip(&ambiguous) {
            if *ambiguous {
                *user = NONE;
            }
        }
        Ok(Identity {
            reading: content.reading.clone(),
            rows_incomplete,
            gates: gates(content, config),
            users,
            ambiguous,
        })
    }

    /// What the identity says of an experiment: `members` by unit, `devices` by name.
    pub(crate) fn told(
        &self,
        members: &Membership,
        devices: &Membership,
        index: &UnitIndex,
    ) -> (IdentityReading, Vec<Gate>) {
        let mut reading = IdentityReading {
            reading: self.reading.clone(),
            rows_incomplete: self.rows_incomplete,
            devices_seen: 0,
            devices_matched: 0,
            users_seen: 0,
            users_with_several: 0,
            users_mixed: 0,
            devices_mixed: 0,
        };
        // Of every user: the devices, whether one of them is in two groups by itself, and the unit.
        let mut of_user = vec![(0_u64, false, NONE); self.users.count as usize];
        let mut ambiguous = 0;
        for (name, _) in devices.group.iter().enumerate().filter(|(_, group)| **group != NONE) {
            reading.devices_seen += 1;
            ambiguous += u64::from(self.ambiguous[name]);
            let user = self.users.of_name[name];
            if user == NONE {
                continue;
            }
            reading.devices_matched += 1;
            let (count, is_mixed, unit) = &mut of_user[user as usize];
            *count += 1;
            *is_mixed |= devices.mixed[name];
            *unit = index.get(name as u32).unwrap_or(NONE);
        }
        for (count, is_mixed, unit) in of_user.into_iter().filter(|(count, _, _)| *count > 0) {
            reading.users_seen += 1;
            reading.users_with_several += u64::from(count > 1);
            let unit_is_mixed = members.mixed.get(unit as usize).is_some_and(|mixed| *mixed);
            if unit_is_mixed && !is_mixed {
                reading.users_mixed += 1;
                reading.devices_mixed += count;
            }
        }
        let mut gates = Vec::new();
        if reading.users_mixed > 0 {
            let (users, devices) = (reading.users_mixed, reading.devices_mixed);
            gates.push(GateReason::DevicesInTwoGroups { users, devices }.when(false));
        }
        if ambiguous > 0 {
            gates.push(GateReason::DevicesOfTwoUsers { devices: ambiguous }.when(false));
        }
        (reading, gates)
    }
}

/// The gates of a table as they are called where the table is that of identity.
fn gates(content: &Content, config: &valid::Identity) -> Vec<Gate> {
    let mut gates = Vec::new();
    if content.frame.height() == 0 {
        gates.push(GateReason::EmptyIdentity.refusing());
    }
    let reading = &content.reading;
    if reading.malformed > 0 {
        let reason = GateReason::MalformedIdentity {
            count: reading.malformed,
            first: reading.first_malformed.clone(),
        };
        gates.push(reason.when(config.files.malformed == OnBroken::Refuse));
    }
    gates
}
