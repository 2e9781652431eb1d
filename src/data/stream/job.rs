//! What a pass over the rows looks for, and how what it found becomes a dataset.

use jiff::civil::{Date, DateTime};

use super::Streamed;
use super::beside::not_finite;
use super::measure::{Measure, Measures};
use super::open::{Asked, Passed};
use super::overview::{Kept, described};
use super::pass::{Found, Wanted};
use super::places::Apart;
use super::sketch::{ERROR, Sketch};
use crate::config::valid::{ColumnRule, DataSource, Design, Metric, MetricKind, MetricSource};
use crate::data::Dataset;
use crate::data::columns::Kind;
use crate::data::expression::parse;
use crate::data::join::Setting;
use crate::data::open::{assemble, end_of};
use crate::data::overview::ColumnOverview;
use crate::data::source::Table;
use crate::data::spec::{Needs, Spec};
use crate::data::stamps::{DAY, civil};
use crate::data::table::{content_of, time_type};
use crate::diag::Diagnostic;
use crate::stats::Undefined;
use crate::sums::{
    ArmSums, ColumnSums, Exposure, Key, MetricSums, Partition, RowCounts, Sums, Table as ValueTable,
};

/// Rows of the sample, about.
const SAMPLE: u64 = 100_000;

/// The columns of the files.
pub(crate) struct Columns<'a> {
    pub names: &'a [String],
    pub kind: &'a dyn Fn(usize) -> Option<Kind>,
    pub needs: &'a Needs,
}

impl Columns<'_> {
    /// Whether some expression reads a column.
    ///
    /// # Errors
    /// SQL that does not parse.
    pub(crate) fn is_read(&self, spec: &Spec, index: usize) -> Result<bool, Vec<Diagnostic>> {
        for text in &spec.texts {
            if parse(text.sql, &text.used_by, self.names)?.columns.contains(&self.names[index]) {
                return Ok(true);
            }
        }
        Ok(self.needs.time == Some(index))
    }

    /// The columns of rows that are put by, in their order: those of the frames of parts, then that of the groups where it stands
    /// apart from them.
    pub(crate) fn put_by(&self, group_is_read: bool) -> Vec<usize> {
        let apart = self.needs.group.filter(|_| !group_is_read);
        self.needs.all.iter().copied().filter(|index| Some(*index) != apart).chain(apart).collect()
    }

    /// Columns of whole numbers that no expression computes with: only they themselves are added up.
    pub(crate) fn short(&self, spec: &Spec) -> Vec<usize> {
        let computed = |name: &String| {
            spec.texts.iter().any(|text| {
                text.sql.trim() != name
                    && parse(text.sql, &text.used_by, self.names)
                        .map_or(true, |parsed| parsed.columns.contains(name))
            })
        };
        let is_short =
            |index: &usize| (self.kind)(*index) == Some(Kind::Integer) && !computed(&self.names[*index]);
        self.needs.all.iter().copied().filter(is_short).collect()
    }
}

/// What a pass over the rows looks for, and where it puts it.
pub(crate) struct Job<'a> {
    measures: Measures,
    /// The measure of each metric that reads rows.
    metrics: Vec<(&'a Metric, usize)>,
    design: &'a Design,
    date: Date,
    group: Option<String>,
    time: Option<String>,
    /// The same column when it holds something else.
    untimely: Option<String>,
    /// SQL of the partitions: strata of metrics and segments.
    partitions: Vec<String>,
    names: Vec<String>,
    rules: Vec<(&'a ColumnRule, Kind)>,
    rules_key: String,
    texts: Vec<(String, bool)>,
    dates: Vec<String>,
    /// Columns of the overview by position.
    described: Vec<(usize, Kind, Kept)>,
    short: Vec<String>,
    /// Every so-many-th row is kept; none where nobody asks for rows.
    step: Option<u64>,
}

/// How much of the config a pass answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Groups, parts and the overview, with the sums of all metrics: rows are units.
    Metrics,
    /// The same without metrics.
    Units,
    /// Groups and the overview: rows are brought to their units elsewhere.
    Rows,
}

impl<'a> Job<'a> {
    /// Everything that the config asks of the rows; `rows` is about how many there are.
    ///
    /// # Errors
    /// SQL that does not parse.
    pub(crate) fn of(
        asked: &Asked<'a>,
        spec: &Spec<'a>,
        columns: &Columns,
        rows: u64,
        goal: Goal,
    ) -> Result<Job<'a>, Vec<Diagnostic>> {
        let mut job = Job {
            measures: Measures::new(),
            metrics: Vec::new(),
            design: asked.design,
            date: asked.date,
            group: spec.group.map(str::to_string),
            time: None,
            untimely: None,
            partitions: Vec::new(),
            names: columns.names.to_vec(),
            rules: Vec::new(),
            rules_key: spec.name("columns"),
            texts: Vec::new(),
            dates: Vec::new(),
            described: Vec::new(),
            short: Vec::new(),
            step: (goal != Goal::Rows).then(|| rows.div_ceil(SAMPLE).max(1)),
        };
        for index in &columns.needs.all {
            let (name, kind) = (&columns.names[*index], (columns.kind)(*index).unwrap_or(Kind::Text));
            let kept = match kind {
                Kind::Integer | Kind::Float | Kind::Boolean => {
                    Kept::Measure(job.measures.ask(Measure::column(name), columns.names)?)
                }
                // A column of units has as many texts as units; these are numbered elsewhere.
                Kind::Text => {
                    job.texts.push((name.clone(), columns.needs.unit != Some(*index)));
                    Kept::Texts(job.texts.len() - 1)
                }
                Kind::Date | Kind::Datetime => {
                    job.dates.push(name.clone());
                    Kept::Dates(job.dates.len() - 1)
                }
            };
            job.described.push((*index, kind, kept));
            if columns.needs.time == Some(*index) {
                let is_time = matches!(kept, Kept::Dates(_));
                *(if is_time { &mut job.time } else { &mut job.untimely }) = Some(name.clone());
            }
        }
        for rule in &spec.files.columns {
            let index = columns.names.iter().position(|name| *name == rule.column);
            let kind = index.and_then(|index| (columns.kind)(index)).unwrap_or(Kind::Text);
            job.rules.push((rule, kind));
        }
        if goal == Goal::Rows {
            return Ok(job);
        }
        for metric in asked.metrics {
            let Some(measure) = Measure::of(metric) else { continue };
            if goal == Goal::Metrics {
                job.metrics.push((metric, job.measures.ask(measure, columns.names)?));
            }
            if let MetricSource::Rows(rows) = &metric.source
                && let Some(strata) = &rows.adjustment.strata
                && !job.partitions.contains(strata)
            {
                job.partitions.push(strata.clone());
            }
        }
        for segment in
            asked.segments.iter().filter(|segment| !job.partitions.contains(&segment.by)).collect::<Vec<_>>()
        {
            job.partitions.push(segment.by.clone());
        }
        Ok(job)
    }

    /// Columns that parts hold as the files have them: numbers of 32 bits.
    pub(crate) fn keep_short(&mut self, columns: &[usize]) {
        self.short = columns.iter().map(|index| self.names[*index].clone()).collect();
    }

    /// The column of groups is not among the columns of the parts: its labels are.
    pub(crate) fn kept_labels(&mut self, group: usize) {
        let name = &self.names[group];
        let at = self.texts.iter().position(|(text, _)| text == name);
        for (index, _, kept) in &mut self.described {
            *kept = match *kept {
                _ if *index == group => Kept::Labels,
                Kept::Texts(text) if at.is_some_and(|at| text > at) => Kept::Texts(text - 1),
                kept => kept,
            };
        }
        self.texts.retain(|(text, _)| text != name);
    }

    /// The column that holds the times of rows.
    pub(crate) fn time(&self) -> Option<&str> {
        self.time.as_deref()
    }

    pub(crate) fn wanted(&self) -> Wanted<'_> {
        let partitions = self
            .partitions
            .iter()
            .filter_map(|sql| Some((sql.clone(), parse(sql, sql, &self.names).ok()?)))
            .collect();
        Wanted {
            measures: &self.measures,
            apart: Apart { design: self.design, end: end_of(self.date), partitions },
            group: self.group.as_deref(),
            time: self.time.as_deref(),
            untimely: self.untimely.as_deref(),
            rules: self.rules.clone(),
            rules_key: self.rules_key.clone(),
            texts: self.texts.iter().map(|(text, counts)| (text.as_str(), *counts)).collect(),
            dates: self.dates.iter().map(String::as_str).collect(),
            short: self.short.clone(),
            step: self.step.map(|step| step as usize),
        }
    }

    /// Counts the rows of the files.
    pub(crate) fn count(&self, sums: &mut Sums, found: &Found) {
        sums.rows.total = found.rows - found.after_date;
        sums.rows.without_time = found.untimed;
        sums.rows.after_date = found.after_date;
        sums.time = found.time.and_then(times);
        for (rule, broken) in self.rules.iter().zip(&found.broken).filter(|(_, broken)| broken[1] > 0) {
            sums.columns.push(ColumnSums {
                name: rule.0.column.clone(),
                moments: None,
                min: None,
                max: None,
                count: 0,
                missing: 0,
                non_finite: 0,
                invalid: broken[1],
            });
        }
    }

    pub(crate) fn overview(&self, found: &Found, table: &Table) -> Vec<ColumnOverview> {
        self.described
            .iter()
            .map(|(index, kind, kept)| {
                let name = &self.names[*index];
                let rules = self.rules.iter().zip(&found.broken);
                let invalid =
                    rules.filter(|((rule, _), _)| rule.column == *name).map(|(_, broken)| broken[0]).sum();
                let mut column = described(name, *kind, *kept, invalid, found);
                column.markers = table.markers(*index);
                column
            })
            .collect()
    }

    fn sums(&self, found: &Found) -> Result<Sums, Undefined> {
        let mut sums = Sums {
            partitions: self
                .partitions
                .iter()
                .map(|by| Partition { by: by.clone(), parts: Vec::new() })
                .collect(),
            rows: RowCounts { without_group: found.missing_group, ..RowCounts::default() },
            ..Sums::default()
        };
        let mut metrics: Vec<MetricSums> = self
            .metrics
            .iter()
            .map(|(metric, measure)| MetricSums {
                metric: metric.id.clone(),
                values: self.measures.values(*measure),
                covariates: Vec::new(),
                strata: match &metric.source {
                    MetricSource::Rows(rows) => {
                        let strata = rows.adjustment.strata.as_ref();
                        strata.and_then(|by| self.partitions.iter().position(|known| known == by))
                    }
                    _ => None,
                },
                groups: Vec::new(),
            })
            .collect();
        for (key, size, tallies) in &found.cells {
            let group = position(&mut sums.groups, &key.group);
            let parts: Vec<u32> = sums
                .partitions
                .iter_mut()
                .zip(&key.parts)
                .map(|(partition, label)| position(&mut partition.parts, label) as u32)
                .collect();
            let day = key.day.and_then(|day| civil(day * DAY)).map(|moment| moment.date());
            sums.expose(Exposure {
                group,
                day,
                parts: parts.clone(),
                units: size.rows,
                analysed: size.analysed,
                rows: size.rows,
            });
            for (own, (_, measure)) in metrics.iter_mut().zip(&self.metrics) {
                own.groups.resize_with(own.groups.len().max(group + 1), || ArmSums {
                    cells: Vec::new(),
                    table: ValueTable::NotAsked,
                });
                let key = Key { day, parts: parts.clone(), lacking: 0 };
                own.groups[group].add(tallies[*measure].cell(key, own.values)?)?;
            }
        }
        let count = sums.groups.len();
        metrics.iter_mut().for_each(|metric| metric.groups.resize_with(count, ArmSums::default));
        for (own, (metric, measure)) in metrics.iter_mut().zip(&self.metrics) {
            if metric.kind != MetricKind::Mean {
                continue;
            }
            for (arm, group) in own.groups.iter_mut().zip(&sums.groups) {
                arm.table = found.of_group(group, *measure).map_or(ValueTable::NotAsked, Sketch::rounded);
            }
        }
        sums.metrics = metrics;
        Ok(sums)
    }
}

impl Passed<'_> {
    /// Whether the column that the config names for the time of the rows holds times, or nothing.
    ///
    /// # Errors
    /// As the way of the rows: `data::time-type`.
    pub(crate) fn is_timed(&self, spec: &Spec) -> Result<(), Diagnostic> {
        let Some(time) = &self.job.untimely else { return Ok(()) };
        let text = self.job.texts.iter().position(|(text, _)| text == time);
        let text = text.and_then(|at| self.found.texts.get(at)?.odd_time.clone());
        let number = || {
            let overview = self.job.overview(&self.found, &self.table);
            let column = overview.into_iter().find(|column| column.name == *time && column.count > 0)?;
            Some(column.min.map_or_else(|| "inf".to_owned(), |number| number.to_string()))
        };
        text.or_else(number).map_or(Ok(()), |sample| Err(time_type(spec, time, &sample)))
    }

    /// The dataset of what was found, and of the sums of its metrics where these were made elsewhere.
    ///
    /// # Errors
    /// Sums that are not finite, defects of this program.
    pub(crate) fn dataset(
        self,
        asked: &Asked,
        spec: &Spec,
        made: Option<Sums>,
    ) -> Result<Dataset, Vec<Diagnostic>> {
        let one = |problem: Diagnostic| vec![problem];
        let Passed { job, mut found, reading, table, .. } = self;
        let mut sums = match made {
            Some(sums) => sums,
            None => job.sums(&found).map_err(|reason| vec![not_finite(reason)])?,
        };
        job.count(&mut sums, &found);
        let mut data = Dataset::of_sums(sums, reading, asked.source, asked.design, asked.date);
        data.overview = job.overview(&found, &table);
        let Some(step) = job.step else { return Ok(data) };
        let sample = found.sample.take().unwrap_or_default();
        let rows = sample.height() as u64;
        let own = content_of(spec, table.names(), |index| table.kind(index), sample)?;
        let own = own.until(end_of(asked.date), &asked.source.files).map_err(one)?;
        data.sample = Some(Box::new(assemble(&setting(asked, 0, None), &own, &[], asked.date).map_err(one)?));
        data.streamed =
            Some(Streamed { sample: rows, step, of_units: false, quantile_error: ERROR, put_by: 0 });
        Ok(data)
    }
}

/// The setting of rows as they are at hand: some of them are units, or name `names` units.
pub(crate) fn setting(asked: &Asked, names: usize, groups: Option<Vec<String>>) -> Setting {
    let facts = if asked.source.unit.is_some() { asked.source.facts.clone() } else { Vec::new() };
    Setting {
        source: DataSource { facts, ..asked.source.clone() },
        design: asked.design.clone(),
        start: asked.start,
        names,
        identity: None,
        groups,
    }
}

fn times((first, last): (i64, i64)) -> Option<(DateTime, DateTime)> {
    Some((civil(first)?, civil(last)?))
}

/// The position of a name, which is added where it is new.
fn position(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_string());
        names.len() - 1
    })
}
