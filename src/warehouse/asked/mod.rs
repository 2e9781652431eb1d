//! What an experiment asks of a database: every expression translated, every aggregate named.

mod metric;
mod table;

use jiff::civil::Date;

use super::dialect::{Dialect, Kind};
use super::translate::{Column, translate};
use crate::config::valid::{Aggregate, Config, DataSource, Engine, MetricSource, Relation, Warehouse};
use crate::diag::Diagnostic;
pub use table::{AskedTable, Key, relation};
use table::{columns_that_cannot_be_read, keys, rules};

/// When values with their counts are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Never.
    No,
    /// Where there are few rows, so that resampling may decide.
    IfFew,
    /// Always.
    Yes,
}

/// One metric.
#[derive(Clone, Debug)]
pub struct AskedMetric {
    /// Its id.
    pub id: String,
    /// Index of the facts whose rows it reads; none: the rows of `[data]`.
    pub from: Option<usize>,
    /// How rows of a unit become one value.
    pub aggregate: Aggregate,
    /// Values by row: one, or numerator and denominator; none of a step.
    pub values: Vec<String>,
    /// Which rows take part.
    pub filter: Option<String>,
    /// Units without rows have 0.
    pub with_zeros: bool,
    /// Indices of its covariates.
    pub covariates: Vec<usize>,
    /// Index of the partition that holds its strata.
    pub strata: Option<usize>,
    /// Whether a table of values is wanted.
    pub table: Wish,
    /// The step of a funnel that a unit came to: index of the funnel and of the step.
    pub step: Option<(usize, usize)>,
}

impl AskedMetric {
    /// How many values a unit has in the end.
    pub fn variables(&self) -> usize {
        match (self.step, self.aggregate) {
            (Some(_), _) => 1,
            (None, Aggregate::Rows) => 2,
            (None, _) => self.values.len(),
        }
    }

    /// Whether its values are counts, or steps that a unit came to.
    pub fn is_whole(&self) -> bool {
        self.step.is_some() || self.aggregate == Aggregate::Count
    }

    /// Whether what is not there is zero.
    pub fn adds_up(&self) -> bool {
        matches!(self.aggregate, Aggregate::Sum | Aggregate::Count | Aggregate::Any)
    }
}

/// What is known of units beside their outcomes.
#[derive(Clone, Debug, PartialEq)]
pub enum AskedCovariate {
    /// The mean of an expression over the rows of the unit.
    Column {
        /// The expression as the config writes it.
        name: String,
        /// The expression of the server.
        sql: String,
    },
    /// A value of a metric over the rows from before the experiment.
    Before {
        /// `pre-period: …`.
        name: String,
        /// Index of the metric.
        metric: usize,
        /// Index of its value.
        value: usize,
    },
}

impl AskedCovariate {
    /// Its name in reports.
    pub fn name(&self) -> &str {
        match self {
            AskedCovariate::Column { name, .. } | AskedCovariate::Before { name, .. } => name,
        }
    }
}

/// The rule of a column.
#[derive(Clone, Debug)]
pub struct AskedRule {
    /// Index of the facts that the column is of; none: a column of `[data]`.
    pub from: Option<usize>,
    /// The column.
    pub column: String,
    /// The column as a number, where it holds numbers.
    pub number: Option<String>,
    /// The column itself.
    pub value: String,
    /// Rows that break the rule.
    pub broken: String,
    /// Their rows are left out.
    pub excludes: bool,
}

/// The steps of a funnel.
#[derive(Clone, Debug)]
pub struct AskedFunnel {
    /// Its id.
    pub id: String,
    /// Index of the facts whose rows it reads; none: the rows of `[data]`.
    pub from: Option<usize>,
    /// A step counts only after the one before it.
    pub ordered: bool,
    /// The conditions of its steps.
    pub steps: Vec<String>,
}

/// Days of a night that adds to the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First day that is read; all days where there is none.
    pub since: Option<Date>,
    /// The last settled day: lines of later days are told apart.
    pub until: Date,
}

/// Everything that is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The dialect of the server.
    pub dialect: Dialect,
    /// The rows of `[data]`.
    pub own: AskedTable,
    /// How rows are brought to units in all tables.
    pub key: Key,
    /// The rows of facts, with their names.
    pub facts: Vec<(String, AskedTable)>,
    /// The label of the group.
    pub group: String,
    /// Where nights add to the ones before: what is read tonight, and how it is parted.
    pub span: Option<Span>,
    /// A condition without which no row is read at all.
    pub gate: Option<String>,
    /// First day of the experiment, where rows from before it are told apart.
    pub start: Option<Date>,
    /// First day of the experiment: what units did before it was before their exposure, where that has no time.
    pub since: Option<Date>,
    /// The date of the data: later rows are not read.
    pub date: Date,
    /// Metrics that read rows.
    pub metrics: Vec<AskedMetric>,
    /// Funnels whose steps are metrics.
    pub funnels: Vec<AskedFunnel>,
    /// Covariates of all metrics.
    pub covariates: Vec<AskedCovariate>,
    /// Partitions: the expression as the config writes it, and the label by row.
    pub partitions: Vec<(String, String)>,
    /// Rules of columns, those of `[data]` first.
    pub rules: Vec<AskedRule>,
}

/// The columns of every table of an experiment.
#[derive(Clone, Debug)]
pub struct Headers {
    /// Those of `[data]`.
    pub own: Vec<Column>,
    /// Those of the facts.
    pub facts: Vec<Vec<Column>>,
}

impl Headers {
    /// The columns of `[data]`, or of the facts of that index.
    pub fn of(&self, from: Option<usize>) -> &[Column] {
        from.map_or(&self.own, |at| &self.facts[at])
    }
}

impl Asked {
    /// Translates what a config asks for.
    ///
    /// # Errors
    /// `warehouse::not-translated` for every expression and every metric that has no counterpart, `warehouse::column-type` and
    /// `warehouse::time-type` for columns that are of no use, `data::no-pre-period` where nothing tells before from after.
    pub fn of(
        config: &Config,
        source: &DataSource,
        warehouse: &Warehouse,
        headers: &Headers,
        date: Date,
    ) -> Result<Asked, Vec<Diagnostic>> {
        let dialect = Dialect(warehouse.engine);
        let mut problems = columns_that_cannot_be_read(source, headers);
        let grouped = source.facts.iter().filter(|facts| facts.group.is_some());
        problems.extend(grouped.map(|facts| {
            let place = format!("data.facts `{}`.group", facts.name);
            untranslated(&place, "groups of facts are not compared with those of [data] in a database")
        }));
        let (key, units) = keys(source, headers, dialect);
        let mut units = units.into_iter();
        let mut table = |from: Option<usize>, place: &str, of: &Relation, time: Option<&str>| {
            let columns = headers.of(from);
            let found = time.map(|name| table::time(name, place, columns, dialect, &mut problems));
            let (written, moment) = found.unzip();
            AskedTable {
                relation: relation(of, dialect),
                unit: units.next().unwrap_or_default(),
                may_be_untimed: columns
                    .iter()
                    .any(|column| Some(column.name.as_str()) == time && column.nullable),
                time: written,
                moment,
            }
        };
        let own = table(None, "data", &warehouse.from, source.time.as_deref());
        let mut facts = Vec::with_capacity(source.facts.len());
        for (at, of) in source.facts.iter().enumerate() {
            if let Some(relation) = &of.relation {
                let place = format!("data.facts `{}`", of.name);
                facts.push((of.name.clone(), table(Some(at), &place, relation, of.time.as_deref())));
            }
        }
        let start = config.experiment.start.filter(|_| !own.unit.is_empty() && own.time.is_some());
        let group = dialect.label(&dialect.name(&source.group));
        let mut asked = Asked {
            dialect,
            own,
            key,
            facts,
            group: match dialect.0 {
                Engine::Postgres => format!("NULLIF({group}, '')"),
                Engine::Clickhouse => format!("nullIf({group}, '')"),
            },
            span: None,
            gate: None,
            start,
            since: config.experiment.start,
            date,
            metrics: Vec::new(),
            funnels: Vec::new(),
            covariates: Vec::new(),
            partitions: Vec::new(),
            rules: rules(source, headers, dialect, &mut problems),
        };
        for segment in &config.segments {
            let place = format!("segment `{}`, by", segment.id);
            keep(asked.partition(&segment.by, &headers.own), &place, &mut problems);
        }
        for metric in &config.metrics {
            match &metric.source {
                MetricSource::Rows(rows) => asked.metric(metric, rows, source, headers, &mut problems),
                MetricSource::Step(step) => asked.step(metric, step, source, headers, &mut problems),
                MetricSource::Summary(_) | MetricSource::Counts(_) => {}
            }
        }
        if problems.is_empty() { Ok(asked) } else { Err(problems) }
    }

    /// The rows of `[data]`, or the facts of that index.
    pub fn table(&self, from: Option<usize>) -> &AskedTable {
        from.map_or(&self.own, |at| &self.facts[at].1)
    }

    /// The rules of a table with their indices.
    pub fn rules_of(&self, from: Option<usize>) -> impl Iterator<Item = (usize, &AskedRule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| rule.from == from)
    }

    /// The metrics of a table with their indices.
    pub fn metrics_of(&self, from: Option<usize>) -> impl Iterator<Item = (usize, &AskedMetric)> {
        self.metrics
            .iter()
            .enumerate()
            .filter(move |(_, metric)| metric.from == from && metric.step.is_none())
    }

    /// The funnels of a table with their indices.
    pub fn funnels_of(&self, from: Option<usize>) -> impl Iterator<Item = (usize, &AskedFunnel)> {
        self.funnels.iter().enumerate().filter(move |(_, funnel)| funnel.from == from)
    }

    /// Whether some covariate is a value of this metric from before.
    pub fn is_before_wanted(&self, of: usize) -> bool {
        self.covariates.iter().any(|c| matches!(c, AskedCovariate::Before { metric, .. } if *metric == of))
    }

    /// Whether the rows of facts are compared with the first exposure of their unit.
    pub fn compares(&self, at: usize) -> bool {
        self.own.time.is_some() && self.facts[at].1.time.is_some()
    }

    fn covariate(&mut self, covariate: AskedCovariate) -> usize {
        self.covariates.iter().position(|known| *known == covariate).unwrap_or_else(|| {
            self.covariates.push(covariate);
            self.covariates.len() - 1
        })
    }

    fn partition(&mut self, by: &str, columns: &[Column]) -> Result<usize, String> {
        if let Some(known) = self.partitions.iter().position(|(known, _)| known == by) {
            return Ok(known);
        }
        let found = translate(by, columns, self.dialect)?;
        let text = match found.kind {
            // A condition is labelled as rows label it.
            Kind::Boolean => format!("CASE WHEN {0} THEN 'true' WHEN NOT ({0}) THEN 'false' END", found.text),
            // The name of a column, not the column as a double: 7 is `7`, not `7.0`.
            Kind::Number if columns.iter().any(|column| column.name == by.trim()) => {
                self.dialect.label(&self.dialect.name(by.trim()))
            }
            _ => self.dialect.label(&found.text),
        };
        self.partitions.push((by.to_owned(), text));
        Ok(self.partitions.len() - 1)
    }
}

fn keep<T>(found: Result<T, String>, place: &str, problems: &mut Vec<Diagnostic>) -> Option<T> {
    found.map_err(|reason| problems.push(untranslated(place, &reason))).ok()
}

fn untranslated(place: &str, reason: &str) -> Diagnostic {
    Diagnostic::error("warehouse::not-translated", format!("{place}: {reason}"))
        .hint("compute it in `query` as a column of its own, or export the rows to CSV or Parquet")
}
