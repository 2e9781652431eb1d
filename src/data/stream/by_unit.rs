//! Rows that name their units, and facts beside them: rows are put by in queues, all rows of a unit in one queue, and each queue
//! is read as the files would be if they held these units only.
//!
//! Which queue a unit belongs to depends on its name alone, the number of queues on the size of the files, and the rows of a
//! queue are in the order of the files. So the value of every unit is that of the row path to the last bit, and the sums do not
//! depend on the number of threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use polars::prelude::DataFrame;

use super::Streamed;
use super::beside::{Beside, not_finite};
use super::job::{Goal, setting};
use super::open::{Asked, Passed, pass};
use super::pack::unpacked;
use super::parts::{in_order, threads};
use super::scratch::{Scratch, has_room};
use super::sketch::ERROR;
use crate::config::valid::{MetricSource, OnBroken};
use crate::data::adjustment::{NOBODY_BEFORE, no_covariate, no_pre_period};
use crate::data::content::{Content, row_gates};
use crate::data::facts::{FactsReading, LeftOut, SHOWN_FOREIGN};
use crate::data::gate::{Gate, GateReason};
use crate::data::groups::{named, ordered};
use crate::data::names::NONE;
use crate::data::open::{assemble, end_of, numbered, untimed};
use crate::data::reading::Reading;
use crate::data::spec::Spec;
use crate::data::stamps::{DAY, NO_TIME, Stamps, TimeRange, civil, micros, midnight};
use crate::data::table::content_of;
use crate::data::units::Names;
use crate::data::{Dataset, accounting, facts};
use crate::diag::Diagnostic;
use crate::sums::Sums;

/// More queues are never made: their buffers would be too small to be written at once.
const MOST_SHARDS: u64 = 1024;

/// Reads rows that name their units in parts; none where that is not the way of the files.
///
/// # Errors
/// As [`crate::data::open`]; `data::scratch` where rows cannot be put by.
pub(crate) fn open(
    asked: &Asked,
    specs: &[Spec],
    memory: u64,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Option<Dataset>, Vec<Diagnostic>> {
    let one = |problem: Diagnostic| vec![problem];
    let count = memory.div_ceil(asked.sizes.shard.max(1)).clamp(1, MOST_SHARDS) as usize;
    has_room(memory).map_err(one)?;
    let mut scratch = Scratch::new(count * specs.len());
    let mut tables = Vec::with_capacity(specs.len());
    for (number, spec) in specs.iter().enumerate() {
        let mut beside = Beside::Shards { scratch: &mut scratch, first: number * count, count };
        let Some(passed) = pass(asked, spec, Goal::Rows, &mut beside, warnings)? else { return Ok(None) };
        if number == 0 && passed.found.rows == 0 {
            return Ok(None);
        }
        passed.is_timed(spec).map_err(|problem| vec![spec.placed(problem)])?;
        tables.push(passed);
    }
    let shards =
        Shards { asked, specs, tables: &tables, scratch: &scratch, count, groups: groups(asked, &tables[0]) };
    let mut whole: Option<Shard> = None;
    let take = |_: usize, shard: Shard| {
        match &mut whole {
            Some(whole) => whole.merge(shard)?,
            none => *none = Some(shard),
        }
        Ok(())
    };
    in_order(count, threads(), |number| shards.read(number), take)
        .map_err(|problem| vec![specs[0].placed(problem)])?;
    let Some(whole) = whole else { return Ok(None) };
    check(asked, &whole).map_err(one)?;
    let put_by = scratch.written();
    drop(scratch);
    Ok(Some(dataset(asked, specs, tables, whole, count, put_by)))
}

/// The groups of the rows that are not from before the start, in their order.
fn groups(asked: &Asked, own: &Passed) -> Vec<String> {
    let start = asked.start.map(|start| midnight(start).div_euclid(DAY));
    let is_early = |day: Option<i64>| day.zip(start).is_some_and(|(day, start)| day < start);
    let cells = own.found.cells.iter().filter(|(key, ..)| !is_early(key.day));
    let mut present: Vec<&str> = cells.filter_map(|(key, ..)| named(&key.group, asked.design)).collect();
    present.sort_unstable();
    present.dedup();
    ordered(present, asked.design).into_iter().map(str::to_string).collect()
}

/// Queues of rows of whole units.
struct Shards<'a> {
    asked: &'a Asked<'a>,
    specs: &'a [Spec<'a>],
    tables: &'a [Passed<'a>],
    scratch: &'a Scratch,
    count: usize,
    groups: Vec<String>,
}

/// What some of the units say.
struct Shard {
    sums: Sums,
    /// Different names of units in each table.
    names: Vec<u64>,
    /// Whether a table has rows from before the exposure.
    early: Vec<bool>,
    facts: Vec<ShardOfFacts>,
    /// The rows themselves, of the first queue only.
    sample: Option<Box<Dataset>>,
}

#[derive(Default)]
struct ShardOfFacts {
    rows_used: u64,
    units_with_rows: u64,
    left_out: LeftOut,
    /// Labels that are no group, with their rows.
    foreign: BTreeMap<String, u64>,
}

impl Shards<'_> {
    /// Reads a queue by the rules of rows.
    fn read(&self, number: usize) -> Result<Shard, Diagnostic> {
        let asked = self.asked;
        let own = self.content(0, number)?;
        let tables: Vec<Content> =
            (1..self.tables.len()).map(|table| self.content(table, number)).collect::<Result<_, _>>()?;
        let mut names = Names::default();
        let of_own = numbered(&mut names, &own, asked.source.unit.as_deref())?;
        let of_tables = tables
            .iter()
            .zip(&asked.source.facts)
            .map(|(content, facts)| numbered(&mut names, content, Some(&facts.unit)))
            .collect::<Result<Vec<_>, Diagnostic>>()?;
        let total = names.len();
        drop(names);
        let different = std::iter::once(&of_own).chain(&of_tables).map(|of_row| different(of_row, total));
        let different = different.collect();
        let own = self.until_date(0, Content { names: of_own, ..own })?;
        let tables: Vec<Content> = tables
            .into_iter()
            .zip(of_tables)
            .zip(1..)
            .map(|((content, names), table)| self.until_date(table, Content { names, ..content }))
            .collect::<Result<_, _>>()?;
        let setting = setting(asked, total, Some(self.groups.clone()));
        let data = assemble(&setting, &own, &tables, asked.date)?;
        drop((own, tables));
        let sums = data.summed(asked.metrics, asked.segments)?;
        let mut of_facts: Vec<ShardOfFacts> = data
            .facts
            .iter()
            .map(|facts| ShardOfFacts {
                rows_used: facts.rows_used,
                units_with_rows: facts.units_with_rows,
                left_out: facts.left_out.clone(),
                foreign: BTreeMap::new(),
            })
            .collect();
        for gate in &data.gates {
            let at = data.facts.iter().position(|facts| Some(&facts.name) == gate.facts.as_ref());
            if let (Some(at), GateReason::ForeignGroup { group, rows }) = (at, &gate.reason) {
                *of_facts[at].foreign.entry(group.clone()).or_default() += rows;
            }
        }
        let early =
            std::iter::once(&data.rows).chain(&data.tables).map(|table| table.early.is_some()).collect();
        let sample = (number == 0).then(|| Box::new(data));
        Ok(Shard { sums, names: different, early, facts: of_facts, sample })
    }

    /// The rows of a table in a queue.
    fn content(&self, table: usize, number: usize) -> Result<Content, Diagnostic> {
        let (spec, passed) = (&self.specs[table], &self.tables[table]);
        let names = passed.table.names();
        let kind = |index: usize| passed.table.kind(index);
        let columns: Vec<_> =
            passed.columns.iter().map(|index| (names[*index].as_str(), kind(*index))).collect();
        let frame = unpacked(&self.scratch.read(table * self.count + number)?, &columns)?;
        content_of(spec, names, kind, frame).map_err(|mut problems| problems.swap_remove(0))
    }

    /// The rows until the date.
    fn until_date(&self, table: usize, content: Content) -> Result<Content, Diagnostic> {
        let content = content.until(end_of(self.asked.date), self.specs[table].files)?;
        let stamps = self.stamps(&self.tables[table], &content.frame)?;
        Ok(Content { stamps: stamps.map(Arc::new), ..content })
    }

    /// The times of rows. Whether there are any, and whether they name times of day, is asked of all rows.
    fn stamps(&self, passed: &Passed, frame: &DataFrame) -> Result<Option<Stamps>, Diagnostic> {
        let Some(time) = passed.job.time().filter(|_| passed.found.time.is_some()) else { return Ok(None) };
        let stamps = micros(accounting::series(frame, time)?).map_err(|error| accounting::defect(&error))?;
        let micros = stamps.into_iter().map(|stamp| stamp.unwrap_or(NO_TIME)).collect();
        Ok(Some(Stamps { micros, timed: passed.found.timed }))
    }
}

/// How many different numbers there are.
fn different(numbers: &[u32], total: usize) -> u64 {
    let mut seen = vec![false; total];
    let is_new = |number: &&u32| **number != NONE && !std::mem::replace(&mut seen[**number as usize], true);
    numbers.iter().filter(is_new).count() as u64
}

impl Shard {
    /// Adds other units.
    fn merge(&mut self, other: Shard) -> Result<(), Diagnostic> {
        self.sums = self.sums.merge(&other.sums).map_err(not_finite)?;
        self.names.iter_mut().zip(other.names).for_each(|(own, more)| *own += more);
        self.early.iter_mut().zip(other.early).for_each(|(own, more)| *own |= more);
        for (own, more) in self.facts.iter_mut().zip(other.facts) {
            own.rows_used += more.rows_used;
            own.units_with_rows += more.units_with_rows;
            own.left_out.add(&more.left_out);
            more.foreign.into_iter().for_each(|(group, rows)| *own.foreign.entry(group).or_default() += rows);
        }
        Ok(())
    }
}

/// What can be asked of all units only.
fn check(asked: &Asked, whole: &Shard) -> Result<(), Diagnostic> {
    for metric in asked.metrics {
        let MetricSource::Rows(rows) = &metric.source else { continue };
        let of_facts = |name: &String| asked.source.facts.iter().position(|facts| facts.name == *name);
        let table = rows.from.as_ref().map_or(Some(0), |name| of_facts(name).map(|at| at + 1));
        if rows.adjustment.pre_period && !table.is_some_and(|table| whole.early[table]) {
            return Err(no_pre_period(NOBODY_BEFORE).about(&metric.part()));
        }
        let Some(sums) = whole.sums.metric(&metric.id) else { continue };
        if let Some(nobody) = sums.covariates.iter().find(|covariate| covariate.known.n == 0) {
            let name = if nobody.name.starts_with("pre-period: ") { "pre-period" } else { &nobody.name };
            return Err(no_covariate(name).about(&metric.part()));
        }
    }
    Ok(())
}

fn dataset(
    asked: &Asked,
    specs: &[Spec],
    tables: Vec<Passed>,
    whole: Shard,
    count: usize,
    put_by: u64,
) -> Dataset {
    let Shard { mut sums, names, facts: of_facts, sample, .. } = whole;
    let mut tables = tables.into_iter().zip(specs).zip(names);
    let described = |passed: &Passed, spec: &Spec, units: u64| {
        let mut overview = passed.job.overview(&passed.found, &passed.table);
        if let Some(column) = overview.iter_mut().find(|column| Some(column.name.as_str()) == spec.unit) {
            column.distinct = Some(units);
        }
        overview
    };
    let Some(((own, spec), units)) = tables.next() else {
        return Dataset::of_sums(
            sums,
            Reading::empty(crate::data::Format::Csv),
            asked.source,
            asked.design,
            asked.date,
        );
    };
    let overview = described(&own, spec, units);
    own.job.count(&mut sums, &own.found);
    let rows = sums.rows;
    let mut data = Dataset::of_sums(sums, own.reading, asked.source, asked.design, asked.date);
    data.overview = overview;
    // Rows without a time matter where a start tells before from after, whether or not any row is from before it.
    let told = !asked.source.facts.is_empty() || rows.early > 0;
    if asked.start.is_some()
        && !told
        && own.job.time().is_some()
        && rows.without_time > 0
        && data.time.is_some()
    {
        data.gates.push(GateReason::MissingTime { rows: rows.without_time }.when(false));
    }
    for ((((passed, spec), units), config), shard) in tables.zip(&asked.source.facts).zip(of_facts) {
        let found = &passed.found;
        let overview = described(&passed, spec, units);
        let time = found.time.and_then(|(first, last)| {
            Some(TimeRange { first: civil(first)?, last: civil(last)?, missing: found.untimed })
        });
        let facts = FactsReading {
            name: config.name.clone(),
            title: config.title.clone(),
            reading: passed.reading,
            overview,
            rows_used: shard.rows_used,
            units_with_rows: shard.units_with_rows,
            left_out: LeftOut { after_date: found.after_date, ..shard.left_out },
            time,
        };
        let mut gates = row_gates(spec.files, &facts.reading, found.rows - found.after_date);
        for (rule, broken) in spec.files.columns.iter().zip(&found.broken).filter(|(_, broken)| broken[1] > 0)
        {
            let (column, count) = (rule.column.clone(), broken[1]);
            let reason =
                GateReason::InvalidValues { column, count, excluded: rule.invalid == OnBroken::Exclude };
            gates.push(reason.when(rule.invalid == OnBroken::Refuse));
        }
        if found.after_date > 0 {
            gates.push(GateReason::RowsAfterDate { rows: found.after_date }.when(false));
        }
        gates.extend(untimed(
            config.time.as_deref(),
            found.time.is_some() || found.after_date > 0,
            found.rows - found.after_date,
        ));
        let foreign = shard.foreign.into_iter().take(SHOWN_FOREIGN);
        gates.extend(foreign.map(|(group, rows)| GateReason::ForeignGroup { group, rows }.refusing()));
        data.gates.extend(gates.into_iter().map(|gate: Gate| gate.of_facts(&facts.name)));
        data.gates.extend(facts::gates(&facts));
        data.facts.push(facts);
    }
    data.refresh(asked.source);
    let rows = sample.as_ref().map_or(0, |sample| sample.groups.iter().map(|group| group.rows).sum());
    data.streamed =
        Some(Streamed { sample: rows, step: count as u64, of_units: true, quantile_error: ERROR, put_by });
    data.sample = sample;
    data
}
