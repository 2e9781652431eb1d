//! A dataset of rows as sums: what is left of some of the units of an experiment when their rows are given back.

use std::collections::HashMap;

use jiff::civil::Date;

use super::Dataset;
use super::adjustment::Known;
use super::gate::GateReason;
use super::names::NONE;
use super::query::{GroupValues, Query};
use super::segments::Parts;
use super::stamps::{DAY, NO_TIME, civil};
use crate::config::valid::{Adjustment, Aggregate, Metric, MetricKind, MetricSource, Rows, Segment};
use crate::diag::Diagnostic;
use crate::stats::{Moments, Undefined};
use crate::sums::{ArmSums, Cell, Covariate, Exposure, Key, MetricSums, Partition, RowCounts, Sums, Table};

/// Which cell every unit belongs to.
struct Cells {
    /// Group, day and parts of a cell.
    keys: Vec<(usize, Option<Date>, Vec<u32>)>,
    /// Cell of every unit; [`NONE`] for units that are not analysed.
    of_unit: Vec<u32>,
    /// Parts that stand for units of which nothing is told but their number.
    anywhere: Vec<u32>,
}

impl Dataset {
    /// The sums of the rows at hand, by the rules of [`Dataset::gather`]. Rows are counted as far as they belong to units: how
    /// many there are in the files, and from when, the caller knows.
    ///
    /// # Errors
    /// SQL that does not fit; sums that are not finite.
    pub(crate) fn summed(&self, metrics: &[Metric], segments: &[Segment]) -> Result<Sums, Diagnostic> {
        let mut sums = Sums {
            groups: self.groups.iter().map(|group| group.id.clone()).collect(),
            rows: self.counted(),
            ..Sums::default()
        };
        let strata = metrics.iter().filter_map(|metric| match &metric.source {
            MetricSource::Rows(rows) => rows.adjustment.strata.as_ref(),
            _ => None,
        });
        for by in strata.chain(segments.iter().map(|segment| &segment.by)) {
            if sums.partition(by).is_none() {
                sums.partitions.push(Partition { by: by.clone(), parts: Vec::new() });
            }
        }
        let cells = self.cells(&mut sums)?;
        for metric in metrics {
            let own = match &metric.source {
                MetricSource::Rows(rows) => Some(self.of_rows(metric, rows, &sums, &cells)?),
                MetricSource::Step(step) => {
                    let groups = self.funnel(step.from.as_deref(), &step.steps, step.ordered)?.groups;
                    let groups: Vec<Units> = groups.into_iter().map(Units::of).collect();
                    Some(made(&metric.id, 1, &groups, &[], &cells, false).map_err(not_finite)?)
                }
                _ => None,
            };
            sums.metrics.extend(own);
        }
        Ok(sums)
    }

    /// What gates say of rows.
    fn counted(&self) -> RowCounts {
        let mut rows = RowCounts {
            without_group: self.rows_missing_group,
            mixed_units: self.contamination,
            ..RowCounts::default()
        };
        for gate in self.gates.iter().filter(|gate| gate.facts.is_none()) {
            match &gate.reason {
                GateReason::MissingUnit { rows: count } => rows.without_unit = *count,
                GateReason::PrePeriod { rows: count, units, never_since } => {
                    (rows.early, rows.early_units, rows.never_since) = (*count, *units, *never_since);
                }
                _ => {}
            }
        }
        rows
    }

    /// Tells units apart by group, day and parts, and counts them as exposures.
    fn cells(&self, sums: &mut Sums) -> Result<Cells, Diagnostic> {
        let mut parted = Vec::with_capacity(sums.partitions.len());
        for partition in &mut sums.partitions {
            let Parts { labels, of_unit } = self.parts(&partition.by)?;
            partition.parts = labels;
            parted.push(of_unit);
        }
        let stamps = self.rows.stamps.as_ref();
        let first = stamps.map(|stamps| self.units.first.as_ref().unwrap_or(&stamps.micros));
        let mut cells =
            Cells { keys: Vec::new(), of_unit: vec![NONE; self.units.total], anywhere: Vec::new() };
        let mut known: HashMap<(usize, i64, Vec<u32>), u32> = HashMap::new();
        let mut counts: Vec<u64> = Vec::new();
        // Neighbours are mostly alike.
        let mut last: Option<((usize, i64), Vec<u32>, u32)> = None;
        for (group, members) in self.units.by_group.iter().enumerate() {
            for unit in members {
                let at = *unit as usize;
                let day = first.map_or(NO_TIME, |first| match first[at] {
                    NO_TIME => NO_TIME,
                    stamp => stamp.div_euclid(DAY),
                });
                let same = last.as_ref().filter(|(key, parts, _)| {
                    *key == (group, day)
                        && parts.iter().zip(&parted).all(|(part, of_unit)| *part == of_unit[at])
                });
                let cell = match same {
                    Some((_, _, cell)) => *cell,
                    None => {
                        let parts: Vec<u32> = parted.iter().map(|of_unit| of_unit[at]).collect();
                        let cell = *known.entry((group, day, parts.clone())).or_insert_with(|| {
                            let date = (day != NO_TIME).then(|| civil(day * DAY)).flatten();
                            cells.keys.push((group, date.map(|moment| moment.date()), parts.clone()));
                            counts.push(0);
                            cells.keys.len() as u32 - 1
                        });
                        last = Some(((group, day), parts, cell));
                        cell
                    }
                };
                cells.of_unit[at] = cell;
                counts[cell as usize] += 1;
            }
        }
        for ((group, day, parts), units) in cells.keys.iter().zip(&counts) {
            let (group, day, parts) = (*group, *day, parts.clone());
            sums.exposures.push(Exposure { group, day, parts, units: *units, analysed: *units, rows: 0 });
        }
        // Units that a rule leaves out stay in the sizes of groups; of them and of rows only the number is told.
        for partition in &mut sums.partitions {
            if partition.parts.is_empty() {
                partition.parts.push(String::new());
            }
        }
        cells.anywhere = vec![0; sums.partitions.len()];
        for (group, size) in self.groups.iter().enumerate() {
            let units = size.units - size.analysed.min(size.units);
            let (parts, rows) = (cells.anywhere.clone(), size.rows);
            sums.expose(Exposure { group, day: None, parts, units, analysed: 0, rows });
        }
        Ok(cells)
    }

    fn of_rows(
        &self,
        metric: &Metric,
        rows: &Rows,
        sums: &Sums,
        cells: &Cells,
    ) -> Result<MetricSums, Diagnostic> {
        let mut values = vec![rows.value.as_str()];
        if metric.kind == MetricKind::Ratio {
            values.push(rows.denominator.as_deref().unwrap_or("1"));
        }
        let query = Query {
            from: rows.from.as_deref(),
            values: &values,
            filter: rows.filter.as_deref(),
            aggregate: rows.aggregate,
            population: rows.population,
            // Whether a share is one is asked of the sums.
            binary: false,
            adjustment: &Adjustment::default(),
        };
        let clustered = rows.aggregate == Aggregate::Rows;
        let groups = self.gather(&query)?.groups;
        let groups: Vec<Units> = groups
            .into_iter()
            .map(|group| if clustered { Units::of_clusters(group) } else { Units::of(group) })
            .collect();
        let known = self.known(&Query { adjustment: &rows.adjustment, ..query })?;
        let variables = if clustered { 2 } else { values.len() };
        let table = wants_table(metric, rows);
        let mut own = made(&metric.id, variables, &groups, &known, cells, table).map_err(not_finite)?;
        own.strata = rows.adjustment.strata.as_ref().and_then(|by| sums.partition(by));
        for covariate in known {
            let members = self.units.by_group.iter().flatten().map(|unit| *unit as usize);
            let present: Vec<f64> =
                members.filter(|unit| !covariate.lacks[*unit]).map(|unit| covariate.values[unit]).collect();
            own.covariates.push(Covariate { name: covariate.name, known: Moments::from_slice(&present) });
        }
        Ok(own)
    }
}

/// Whether the values of a metric are kept as a table: where estimators ask for values, and where charts show them.
pub(crate) fn wants_table(metric: &Metric, rows: &Rows) -> bool {
    matches!(metric.kind, MetricKind::Mean | MetricKind::Quantile { .. }) && rows.aggregate != Aggregate::Rows
}

fn not_finite(reason: Undefined) -> Diagnostic {
    Diagnostic::error("data::streaming", format!("the sums are not finite: {reason}"))
}

/// Values by unit of one group.
struct Units {
    units: Vec<u32>,
    columns: Vec<Vec<f64>>,
    missing: u64,
    non_finite: u64,
}

impl Units {
    fn of(group: GroupValues) -> Units {
        let GroupValues { units, values, missing, non_finite, .. } = group;
        Units { units, columns: values, missing, non_finite }
    }

    /// Rows of clusters as the sum and the number of the rows of each unit.
    fn of_clusters(group: GroupValues) -> Units {
        let clusters = group.clusters.iter().max().map_or(0, |last| *last as usize + 1);
        let (mut sums, mut counts) = (vec![0.0; clusters], vec![0.0; clusters]);
        let mut units = vec![0; clusters];
        for ((value, cluster), unit) in group.values.iter().flatten().zip(&group.clusters).zip(&group.units) {
            sums[*cluster as usize] += value;
            counts[*cluster as usize] += 1.0;
            units[*cluster as usize] = *unit;
        }
        Units { units, columns: vec![sums, counts], missing: group.missing, non_finite: group.non_finite }
    }
}

/// Units with a value in the cells of their keys.
fn made(
    metric: &str,
    values: usize,
    groups: &[Units],
    covariates: &[Known],
    cells: &Cells,
    table: bool,
) -> Result<MetricSums, Undefined> {
    let mut own = MetricSums {
        metric: metric.to_string(),
        values,
        covariates: Vec::new(),
        strata: None,
        groups: Vec::with_capacity(groups.len()),
    };
    for group in groups {
        let mut arm = ArmSums::default();
        // Units in the order of their cells; those of one cell stay in their order.
        let mut by_cell: Vec<(u32, u32, u32)> = Vec::new();
        let lacking = |unit: u32| {
            let bits = covariates.iter().enumerate().filter(|(_, covariate)| covariate.lacks[unit as usize]);
            bits.fold(0_u32, |bits, (at, _)| bits | 1 << at)
        };
        let of = |at: usize| {
            let unit = group.units[at];
            (cells.of_unit[unit as usize], lacking(unit))
        };
        let whole = (1..group.units.len()).all(|at| of(at) == of(0));
        if !whole {
            by_cell = (0..group.units.len()).map(|at| (of(at).0, of(at).1, at as u32)).collect();
            by_cell.sort_unstable();
        }
        let ranges: Vec<(u32, u32, std::ops::Range<usize>)> = match (whole, group.units.first()) {
            (_, None) => Vec::new(),
            (true, Some(_)) => vec![(of(0).0, of(0).1, 0..group.units.len())],
            (false, Some(_)) => by_cell
                .chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
                .scan(0, |start, chunk| {
                    let range = *start..*start + chunk.len();
                    *start = range.end;
                    Some((chunk[0].0, chunk[0].1, range))
                })
                .collect(),
        };
        let order = |range: &std::ops::Range<usize>| {
            let by_cell = &by_cell;
            range.clone().map(move |at| if whole { at } else { by_cell[at].2 as usize })
        };
        for (cell, lacking, range) in ranges {
            let mut columns: Vec<Vec<f64>> =
                group.columns.iter().map(|column| order(&range).map(|at| column[at]).collect()).collect();
            for (bit, covariate) in covariates.iter().enumerate() {
                let lacks = lacking >> bit & 1 == 1;
                let value = |at: usize| if lacks { 0.0 } else { covariate.values[group.units[at] as usize] };
                columns.push(order(&range).map(value).collect());
            }
            let (_, day, parts) = &cells.keys[cell as usize];
            let key = Key { day: *day, parts: parts.clone(), lacking };
            let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            arm.add(Cell::of(key, &columns)?)?;
        }
        if group.missing + group.non_finite > 0 {
            let key = Key { day: None, parts: cells.anywhere.clone(), lacking: 0 };
            let (missing, non_finite) = (group.missing, group.non_finite);
            arm.add(Cell { missing, non_finite, ..Cell::empty(key, values + covariates.len()) })?;
        }
        if table {
            arm.table = Table::rounded(group.columns.first().map_or(&[], Vec::as_slice));
        }
        own.groups.push(arm);
    }
    Ok(own)
}
