//! The dataset of an experiment whose rows are known as sums.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::daily::counted;
use super::facts::{self, FactsReading, LeftOut, RowsOfUnits};
use super::gate::{Gate, GateReason};
use super::groups::{GroupCount, judge, named, ordered};
use super::history::ByDay;
use super::names::natural_order;
use super::open::{lag_days, stale, untimed};
use super::overview::{ColumnKind, ColumnOverview};
use super::reading::{Format, Reading};
use super::rows::{Rows, Units};
use super::stamps::{DAY, TimeRange, midnight};
use super::{Daily, Dataset};
use crate::config::valid::{DataSource, Design, Facts, Files, OnBroken};
use crate::diag::Diagnostic;
use crate::sums::{self, ColumnSums, FactsSums, Known, OfUnits, Sums};

impl Dataset {
    /// The sums, where the rows are known as sums only: then nothing can be gathered, and metrics are made of these.
    pub fn sums(&self) -> Option<&Sums> {
        self.sums.as_deref()
    }

    /// The dataset of sums. Groups, sizes, days and gates are those of the rows; `reading` says where these came from, and
    /// what could not be read of them. Rows, their quartiles and texts are not known.
    pub fn of_sums(
        sums: Sums,
        reading: Reading,
        source: &DataSource,
        design: &Design,
        date: Date,
    ) -> Dataset {
        let present: Vec<&str> = sums.groups.iter().filter_map(|label| named(label, design)).collect();
        let order: Vec<String> = ordered(present, design).into_iter().map(str::to_owned).collect();
        let place: Vec<Option<usize>> =
            sums.groups.iter().map(|label| order.iter().position(|id| id == label.trim())).collect();
        let mut groups: Vec<GroupCount> =
            order.into_iter().map(|id| GroupCount { id, units: 0, rows: 0, analysed: 0 }).collect();
        let mut unnamed = sums.rows.without_group;
        let mut days: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        let mut undated = vec![0; groups.len()];
        for exposure in &sums.exposures {
            let Some(at) = place[exposure.group] else {
                unnamed += exposure.rows;
                continue;
            };
            let size = &mut groups[at];
            size.units += exposure.units;
            size.analysed += exposure.analysed;
            size.rows += exposure.rows;
            match exposure.day {
                None => undated[at] += exposure.analysed,
                // A day on which rules leave everybody out is a day without exposures.
                Some(_) if exposure.analysed == 0 => {}
                Some(day) => {
                    let day = midnight(day).div_euclid(DAY);
                    days.entry(day).or_insert_with(|| vec![0; undated.len()])[at] += exposure.analysed;
                }
            }
        }
        let daily = counted(days, undated);
        let own = std::iter::once(sums.time);
        let tables = own.chain(sums.facts.iter().map(|facts| facts.time)).flatten();
        let lag_days = lag_days(date, tables.map(|(_, last)| midnight(last.date())));
        let mut gates = of_rows(&sums, unnamed, &reading, source);
        gates.extend(stale(source, lag_days));
        let holds_times = sums.time.is_some() || sums.rows.after_date > 0;
        gates.extend(untimed(source.time.as_deref(), holds_times, sums.rows.total));
        if sums.rows.total > 0 {
            gates.extend(judge(&groups, design));
        }
        gates.extend(daily.as_ref().and_then(Daily::gap));
        let facts = source.facts.iter().filter_map(|facts| {
            let sums = sums.facts.iter().find(|sums| sums.name == facts.name)?;
            Some((facts, reading_of(facts, sums)))
        });
        let facts = facts.map(|(of, facts)| {
            gates.extend(of_facts(of, &facts, sums.rows.total > 0));
            facts
        });
        let facts = facts.collect();
        Dataset {
            time: sums.time.map(|(first, last)| TimeRange { first, last, missing: sums.rows.without_time }),
            overview: sums.columns.iter().map(overview).collect(),
            groups,
            rows_missing_group: unnamed,
            contamination: sums.rows.mixed_units,
            gates,
            facts,
            daily,
            lag_days,
            identity: None,
            rows: Rows::none(),
            tables: Vec::new(),
            units: Units::default(),
            counts: None,
            date,
            origin: None,
            reading,
            streamed: None,
            settled: None,
            by_day: ByDay::of(source, design),
            sample: None,
            sums: Some(Box::new(sums)),
        }
    }

    /// Judges how old the data are once it is known when the rows of the facts were.
    pub(crate) fn refresh(&mut self, source: &DataSource) {
        let own = self.time.iter().chain(self.facts.iter().filter_map(|facts| facts.time.as_ref()));
        self.lag_days = lag_days(self.date, own.map(|time| midnight(time.last.date())));
        let is_stale = |gate: &Gate| matches!(gate.reason, GateReason::Stale { .. });
        let at = self.gates.iter().position(is_stale).unwrap_or(self.gates.len());
        self.gates.retain(|gate| !is_stale(gate));
        self.gates.splice(at..at, stale(source, self.lag_days));
    }

    /// The dataset of what a database answered.
    ///
    /// # Errors
    /// `data::not-asked` where nobody asked it, `data::sums` where the answer is not of this version's form.
    pub fn of_answer(source: &DataSource, design: &Design, date: Date) -> Result<Dataset, Diagnostic> {
        let Some(answer) = &source.answer else {
            let message = format!("{}: the database was not asked", source.files.pattern);
            return Err(
                Diagnostic::error("data::not-asked", message).hint("run it again with the database in reach")
            );
        };
        let Known { sums, until, changed, malformed } = sums::read(answer).map_err(|reason| {
            Diagnostic::error("data::sums", format!("{}: {reason}", source.files.pattern))
                .hint("ask the database again: the sums are of another version")
        })?;
        let reading = Reading::of_answer(&source.files.pattern, answer.as_bytes(), sums.rows.total);
        let reading = Reading { malformed, ..reading };
        let mut data = Dataset::of_sums(sums, reading, source, design, date);
        data.settled = until;
        if let Some(first) = changed.first() {
            let reason = GateReason::PastChanged { count: changed.len() as u64, first: *first };
            data.gates.push(reason.when(false));
        }
        Ok(data)
    }

    /// [`Dataset::segment_sizes`] of sums; nothing where the units were not parted so.
    pub(crate) fn summed_sizes(&self, sums: &Sums, by: &str) -> Vec<(String, Vec<u64>)> {
        let Some(at) = sums.partition(by) else { return Vec::new() };
        let parts = &sums.partitions[at].parts;
        let mut sizes: Vec<(String, Vec<u64>)> =
            parts.iter().map(|part| (part.clone(), vec![0; self.groups.len()])).collect();
        for exposure in &sums.exposures {
            let id = sums.groups[exposure.group].trim();
            if let Some(group) = self.groups.iter().position(|group| group.id == id) {
                sizes[exposure.parts[at] as usize].1[group] += exposure.analysed;
            }
        }
        sizes.retain(|(_, counts)| counts.iter().any(|count| *count > 0));
        sizes.sort_by(|(a, _), (b, _)| by_label(a, b));
        sizes
    }
}

/// The order of parts: natural, the units without a label last.
pub(crate) fn by_label(a: &str, b: &str) -> std::cmp::Ordering {
    a.is_empty().cmp(&b.is_empty()).then_with(|| natural_order(a, b))
}

/// The gates about rows as such, in the order in which rows are judged.
fn of_rows(sums: &Sums, unnamed: u64, reading: &Reading, source: &DataSource) -> Vec<Gate> {
    let (rows, files) = (&sums.rows, &source.files);
    let refuses = files.malformed == OnBroken::Refuse;
    let mut gates = Vec::new();
    if rows.total == 0 {
        gates.push(GateReason::NoRows.refusing());
    } else if rows.total < files.min_rows {
        gates.push(GateReason::TooFewRows { rows: rows.total, min: files.min_rows }.refusing());
    }
    if reading.malformed > 0 {
        let (count, first) = (reading.malformed, reading.first_malformed.clone());
        gates.push(GateReason::Malformed { count, first }.when(refuses));
    }
    let broken: Vec<(&str, u64)> = sums.columns.iter().map(|c| (c.name.as_str(), c.invalid)).collect();
    gates.extend(of_rules(files, &broken));
    let mut add = |rows: u64, gate: Gate| gates.extend((rows > 0).then_some(gate));
    let after = rows.after_date;
    add(after, GateReason::RowsAfterDate { rows: after }.when(false));
    if rows.total > 0 {
        add(unnamed, GateReason::MissingGroup { rows: unnamed }.when(refuses));
        add(rows.without_unit, GateReason::MissingUnit { rows: rows.without_unit }.when(refuses));
        let early = GateReason::PrePeriod {
            rows: rows.early,
            units: rows.early_units,
            never_since: rows.never_since,
        };
        add(rows.early, early.when(false));
        let mixed = GateReason::UnitsInTwoGroups { count: rows.mixed_units, counts_stay: false };
        add(rows.mixed_units, mixed.when(false));
        let compared =
            source.unit.is_some() && sums.time.is_some() && (!source.facts.is_empty() || rows.early > 0);
        if compared {
            add(rows.without_time, GateReason::MissingTime { rows: rows.without_time }.when(false));
        }
    }
    gates
}

/// How the rows of facts came out of their table.
fn reading_of(facts: &Facts, sums: &FactsSums) -> FactsReading {
    let of = |counts: OfUnits| RowsOfUnits { rows: counts.rows, units: counts.units };
    FactsReading {
        name: facts.name.clone(),
        title: facts.title.clone(),
        reading: Reading { format: None, rows: sums.rows, ..Reading::empty(Format::Csv) },
        overview: sums.columns.iter().map(overview).collect(),
        rows_used: sums.used.rows,
        units_with_rows: sums.used.units,
        left_out: LeftOut {
            after_date: 0,
            no_unit: sums.without_unit,
            unknown: of(sums.unknown),
            no_group: sums.without_group,
            mixed: of(sums.mixed),
            excluded_units: of(sums.excluded_units),
            no_time: sums.without_time,
            early: of(sums.early),
            invalid: sums.invalid,
        },
        time: sums.time.map(|(first, last)| TimeRange { first, last, missing: sums.undated }),
    }
}

/// What the rows of facts give cause to say; `joined` where there are exposures that they can be brought to.
fn of_facts(facts: &Facts, reading: &FactsReading, joined: bool) -> Vec<Gate> {
    let (rows, files) = (reading.reading.rows, &facts.files);
    let mut gates = Vec::new();
    if rows == 0 {
        gates.push(GateReason::NoRows.refusing());
    } else if rows < files.min_rows {
        gates.push(GateReason::TooFewRows { rows, min: files.min_rows }.refusing());
    }
    gates.extend(of_rules(
        files,
        &reading.overview.iter().map(|c| (c.name.as_str(), c.invalid)).collect::<Vec<_>>(),
    ));
    gates.extend(untimed(facts.time.as_deref(), reading.time.is_some(), rows));
    let mut gates: Vec<Gate> = gates.into_iter().map(|gate| gate.of_facts(&facts.name)).collect();
    if joined {
        gates.extend(facts::gates(reading));
    }
    gates
}

/// The rules that rows break; `broken` are the columns with the number of such rows.
fn of_rules(files: &Files, broken: &[(&str, u64)]) -> Vec<Gate> {
    let mut gates = Vec::new();
    for rule in &files.columns {
        let count = broken.iter().find(|(column, _)| *column == rule.column).map_or(0, |(_, count)| *count);
        if count > 0 {
            let excluded = rule.invalid == OnBroken::Exclude;
            let reason = GateReason::InvalidValues { column: rule.column.clone(), count, excluded };
            gates.push(reason.when(rule.invalid == OnBroken::Refuse));
        }
    }
    gates
}

fn overview(column: &ColumnSums) -> ColumnOverview {
    let moments = column.moments.filter(|moments| moments.n > 0);
    ColumnOverview {
        name: column.name.clone(),
        kind: if column.moments.is_some() { ColumnKind::Number } else { ColumnKind::Text },
        count: column.count,
        missing: column.missing,
        markers: 0,
        unreadable: 0,
        non_finite: column.non_finite,
        mean: moments.map(|moments| moments.mean),
        std: moments.and_then(|moments| moments.sd()),
        min: column.min,
        q25: None,
        median: None,
        q75: None,
        max: column.max,
        invalid: column.invalid,
        distinct: None,
        earliest: None,
        latest: None,
    }
}
