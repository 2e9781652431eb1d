//! From files to a [`Dataset`]: read and judge every table, number the names of units, join facts to exposures.

use std::sync::Arc;

use jiff::civil::Date;

use super::Dataset;
use super::content::Content;
use super::daily::{self, Daily};
use super::gate::{Gate, GateReason};
use super::groups::judge;
use super::history::Origin;
use super::identity::Identity;
use super::join::{Setting, join};
use super::spec::{Spec, answerable};
use super::stamps::{DAY, Stamps, midnight};
use super::stream;
use super::table::read_table;
use super::units::{Names, UnitColumn};
use crate::config::valid::{DataSource, Design, Metric, Segment};
use crate::diag::{Diagnostic, Warned};

/// Reads the rows of an experiment; `start` is its first day, when the config gives it, and `date` the date of the data: rows
/// from later days are left out and counted, so that a report of a date says the same whenever it is made.
///
/// Units: rows of a unit are brought together by [`Dataset::gather`]. Where `[data.identity]` says whose a device is, the user
/// is the unit. Rows with an invalid value of a column whose rule says `exclude` are left out of outcomes, but their units
/// stay in the group sizes. With a unit and a time column, rows of `[data]` from before `start` are the pre-period: they are
/// no outcomes, and a unit that was only seen then is not exposed.
///
/// # Errors
/// Everything that makes the data unreadable as a whole, all at once: missing or foreign files, text of an uncertain
/// encoding, separator or decimal mark, missing columns, SQL that does not fit the columns, metrics that the tables cannot
/// answer. What only makes an analysis wrong — no rows, malformed rows, an absent group, invalid values, facts that join to
/// nobody, data of long ago — is in [`Dataset::gates`].
pub fn open(
    source: &DataSource,
    metrics: &[Metric],
    design: &Design,
    segments: &[Segment],
    start: Option<Date>,
    date: Date,
) -> Result<Warned<Dataset>, Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    let mut problems = answerable(source, metrics, segments).err().unwrap_or_default();
    if problems.is_empty() {
        let asked = stream::Asked::of(source, metrics, design, segments, start, date);
        if let Some(value) = stream::open(&asked, &mut warnings)? {
            return Ok(Warned { value, warnings });
        }
    }
    let mut keep = |read: Result<Content, Vec<Diagnostic>>| read.map_err(|more| problems.extend(more)).ok();
    let own = keep(read_table(&Spec::data(source, metrics, segments), &mut warnings));
    let mut tables = Vec::with_capacity(source.facts.len());
    for facts in &source.facts {
        tables.extend(keep(read_table(&Spec::facts(facts, metrics), &mut warnings)));
    }
    let identity = source
        .identity
        .as_ref()
        .and_then(|identity| keep(read_table(&Spec::identity(identity), &mut warnings)));
    let Some(own) = own.filter(|_| problems.is_empty()) else { return Err(problems) };
    let assembled = || {
        let origin = origin(source, design, start, date, own, tables, identity)?;
        let data = assemble(&origin.setting, &origin.own, &origin.tables, date)?;
        let can_go_back = origin.is_dated(metrics);
        Ok(Dataset { origin: can_go_back.then(|| Arc::new(origin)), ..data })
    };
    let value = assembled().map_err(|problem| vec![problem])?;
    Ok(Warned { value, warnings })
}

/// The tables as they were on a date, with the names of units numbered through all of them.
fn origin(
    source: &DataSource,
    design: &Design,
    start: Option<Date>,
    date: Date,
    own: Content,
    tables: Vec<Content>,
    identity: Option<Content>,
) -> Result<Origin, Diagnostic> {
    let own = own.until(end_of(date), &source.files)?;
    let tables = tables
        .iter()
        .zip(&source.facts)
        .map(|(content, facts)| content.until(end_of(date), &facts.files))
        .collect::<Result<Vec<Content>, Diagnostic>>()?;
    let mut names = Names::default();
    let of_own = numbered(&mut names, &own, source.unit.as_deref())?;
    let of_tables = tables
        .iter()
        .zip(&source.facts)
        .map(|(content, facts)| numbered(&mut names, content, Some(&facts.unit)))
        .collect::<Result<Vec<_>, Diagnostic>>()?;
    let identity = match (&source.identity, &identity) {
        (Some(config), Some(content)) => Some(Identity::of(content, config, &names)?),
        _ => None,
    };
    let count = names.len();
    drop(names);
    Ok(Origin {
        setting: Setting {
            source: source.clone(),
            design: design.clone(),
            start,
            names: count,
            identity,
            groups: None,
        },
        own: Content { names: of_own, ..own },
        tables: tables
            .into_iter()
            .zip(of_tables)
            .map(|(content, names)| Content { names, ..content })
            .collect(),
    })
}

/// The name of the unit in every row; empty where the rows name no units.
pub(crate) fn numbered<'a>(
    names: &mut Names<'a>,
    content: &'a Content,
    unit: Option<&str>,
) -> Result<Vec<u32>, Diagnostic> {
    match unit {
        Some(unit) if !content.columns.is_empty() => Ok(names.number(&UnitColumn::of(&content.frame, unit)?)),
        _ => Ok(Vec::new()),
    }
}

/// The moment at which a day is over.
pub(crate) fn end_of(day: Date) -> i64 {
    midnight(day) + DAY
}

/// A dataset of tables that hold no row from after `date`. It does not know its origin yet.
///
/// # Errors
/// Defects of this program only.
pub(crate) fn assemble(
    setting: &Setting,
    own: &Content,
    tables: &[Content],
    date: Date,
) -> Result<Dataset, Diagnostic> {
    let source = &setting.source;
    let joined = join(setting, own, tables)?;
    let daily = daily::daily(&joined.own, &joined.units, joined.groups.len(), source.count.as_deref())?;
    let stamps = std::iter::once(own).chain(tables).filter_map(|content| content.stamps.as_deref());
    let lag_days = lag_days(date, stamps.filter_map(Stamps::last));
    let mut gates = own.gates.clone();
    gates.extend(after_date(own));
    gates.extend(stale(source, lag_days));
    gates.extend(untimed(source.time.as_deref(), own.holds_times(), own.frame.height() as u64));
    gates.extend(setting.identity.iter().flat_map(|identity| identity.gates.iter().cloned()));
    if own.frame.height() > 0 {
        gates.extend(joined.gates);
        gates.extend(judge(&joined.groups, &setting.design));
    }
    gates.extend(daily.as_ref().and_then(Daily::gap));
    let mut facts = Vec::with_capacity(tables.len());
    let mut rows = Vec::with_capacity(tables.len());
    for ((content, (table, reading, own_gates)), config) in
        tables.iter().zip(joined.tables).zip(&source.facts)
    {
        let untimed = untimed(config.time.as_deref(), content.holds_times(), content.frame.height() as u64);
        let told = content.gates.iter().cloned().chain(after_date(content)).chain(untimed);
        gates.extend(told.map(|gate| gate.of_facts(&reading.name)));
        // Where nobody was exposed no row finds its unit, which says nothing of the facts; of some of the units it says nothing
        // either way.
        if own.frame.height() > 0 || setting.groups.is_some() {
            gates.extend(own_gates);
        }
        facts.push(reading);
        rows.push(table);
    }
    Ok(Dataset {
        time: own.stamps.as_deref().and_then(Stamps::range),
        reading: own.reading.clone(),
        overview: own.overview.clone(),
        groups: joined.groups,
        rows_missing_group: joined.rows_missing_group,
        contamination: joined.contamination,
        gates,
        facts,
        daily,
        lag_days,
        identity: joined.identity,
        rows: joined.own,
        tables: rows,
        units: joined.units,
        counts: source.count.clone(),
        date,
        origin: None,
        streamed: None,
        settled: None,
        by_day: None,
        sample: None,
        sums: None,
    })
}

/// Rows that were cut off.
fn after_date(content: &Content) -> Option<Gate> {
    let rows = content.after_date;
    (rows > 0).then(|| GateReason::RowsAfterDate { rows }.when(false))
}

/// Rows of which none has the time that the config names a column for: what that is needed for cannot be judged.
pub(crate) fn untimed(time: Option<&str>, is_known: bool, rows: u64) -> Option<Gate> {
    (time.is_some() && !is_known && rows > 0).then(|| GateReason::MissingTime { rows }.refusing())
}

/// Days between the latest of these times and a date. Where people no longer come, their outcomes still do: a table that ended
/// with the enrolment is no sign that the data stopped, as long as any other goes on.
pub(crate) fn lag_days(date: Date, latest: impl Iterator<Item = i64>) -> Option<i64> {
    latest.max().map(|last| (midnight(date) - last.div_euclid(DAY) * DAY) / DAY)
}

/// What the config says of data that end so many days ago.
pub(crate) fn stale(source: &DataSource, lag_days: Option<i64>) -> Option<Gate> {
    let days = u64::try_from(lag_days?).ok()?;
    let beyond = |limit: Option<u64>| limit.filter(|limit| days > *limit);
    let (limit, refuses) = match (beyond(source.error_after), beyond(source.warn_after)) {
        (Some(limit), _) => (limit, true),
        (None, limit) => (limit?, false),
    };
    Some(GateReason::Stale { days, limit }.when(refuses))
}
