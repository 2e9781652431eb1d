//! What an experiment asks of a database: every expression translated, every aggregate named.

use jiff::civil::Date;

use super::dialect::{Dialect, Kind};
use super::translate::{Column, condition, number, translate};
use crate::config::valid::{
    Aggregate, Config, DataSource, MetricKind, MetricSource, OnBroken, Population, Relation, Rows, TestKind,
    Warehouse,
};
use crate::diag::Diagnostic;

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
    /// How rows of a unit become one value.
    pub aggregate: Aggregate,
    /// Values by row: one, or numerator and denominator.
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
}

impl AskedMetric {
    /// How many values a unit has in the end.
    pub fn variables(&self) -> usize {
        if self.aggregate == Aggregate::Rows { 2 } else { self.values.len() }
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
    /// What stands after FROM.
    pub relation: String,
    /// The label of the group.
    pub group: String,
    /// The unit; none where rows are units.
    pub unit: Option<String>,
    /// The column of the time with its kind.
    pub time: Option<(String, Kind)>,
    /// Rows may be without a time.
    pub may_be_untimed: bool,
    /// Where nights add to the ones before: what is read tonight, and how it is parted.
    pub span: Option<Span>,
    /// First day of the experiment, where rows from before it are told apart.
    pub start: Option<Date>,
    /// The date of the data: later rows are not read.
    pub date: Date,
    /// Metrics that read rows.
    pub metrics: Vec<AskedMetric>,
    /// Covariates of all metrics.
    pub covariates: Vec<AskedCovariate>,
    /// Partitions: the expression as the config writes it, and the label by row.
    pub partitions: Vec<(String, String)>,
    /// Rules of columns.
    pub rules: Vec<AskedRule>,
}

/// What stands after FROM.
pub fn relation(warehouse: &Warehouse, dialect: Dialect) -> String {
    match &warehouse.from {
        Relation::Table(table) => dialect.table(table),
        Relation::Query(query) => format!("({}) AS q_source", query.trim().trim_end_matches(';')),
    }
}

impl Asked {
    /// Translates what a config asks for.
    ///
    /// # Errors
    /// `warehouse::not-translated` for every expression and every metric that has no counterpart, `data::no-pre-period` where
    /// nothing tells before from after.
    pub fn of(
        config: &Config,
        source: &DataSource,
        warehouse: &Warehouse,
        columns: &[Column],
        date: Date,
    ) -> Result<Asked, Vec<Diagnostic>> {
        let dialect = Dialect(warehouse.engine);
        let kind = |name: &str| columns.iter().find(|c| c.name == name).map_or(Kind::Other, |c| c.kind);
        let mut problems = Vec::new();
        let time = source.time.as_deref().map(|name| (dialect.name(name), kind(name)));
        if let (Some((_, kind)), Some(name)) = (&time, &source.time)
            && !matches!(kind, Kind::Date | Kind::Stamp)
        {
            let message = format!("data.time: column `{name}` holds no dates");
            problems.push(
                Diagnostic::error("warehouse::time-type", message)
                    .hint("cast it in `query`: a date or a time stamp is needed"),
            );
        }
        let (group, kind_of_group) = (dialect.name(&source.group), kind(&source.group));
        let label = |sql: &str, kind| match dialect.0 {
            crate::config::valid::Engine::Postgres => format!("NULLIF({}, '')", dialect.label(sql, kind)),
            crate::config::valid::Engine::Clickhouse => format!("nullIf({}, '')", dialect.label(sql, kind)),
        };
        let unit = source.unit.as_deref().map(|name| match kind(name) {
            Kind::Text => label(&dialect.name(name), Kind::Text),
            _ => dialect.name(name),
        });
        let start = config.experiment.start.filter(|_| unit.is_some() && time.is_some());
        let mut asked = Asked {
            dialect,
            relation: relation(warehouse, dialect),
            group: label(&group, kind_of_group),
            unit,
            time,
            may_be_untimed: source
                .time
                .as_ref()
                .is_some_and(|name| columns.iter().any(|column| column.name == *name && column.nullable)),
            span: None,
            start,
            date,
            metrics: Vec::new(),
            covariates: Vec::new(),
            partitions: Vec::new(),
            rules: Vec::new(),
        };
        for segment in &config.segments {
            let place = format!("segment `{}`, by", segment.id);
            keep(asked.partition(&segment.by, columns), &place, &mut problems);
        }
        for metric in &config.metrics {
            match &metric.source {
                MetricSource::Rows(rows) => {
                    asked.metric(metric.kind, metric.test, &metric.id, rows, columns, &mut problems)
                }
                MetricSource::Step(step) => {
                    let message = "a funnel over a database is not supported by this version".to_owned();
                    problems.push(untranslated(&format!("funnel `{}`", step.funnel), &message));
                }
                MetricSource::Summary(_) | MetricSource::Counts(_) => {}
            }
        }
        for rule in &source.files.columns {
            let column = dialect.name(&rule.column);
            let numeric = kind(&rule.column) == Kind::Number;
            let mut broken = Vec::new();
            if rule.required {
                broken.push(format!("{column} IS NULL"));
            }
            let number = numeric.then(|| dialect.double(&column));
            match (&number, rule.min, rule.max) {
                (Some(number), min, max) => {
                    broken.extend(min.map(|min| format!("{number} < {}", dialect.number(min))));
                    broken.extend(max.map(|max| format!("{number} > {}", dialect.number(max))));
                }
                (None, None, None) => {}
                _ => problems.push(untranslated(
                    &format!("data.columns `{}`", rule.column),
                    "`min` and `max` are of numbers, and the column holds none",
                )),
            }
            let broken = if broken.is_empty() { "1 = 0".to_owned() } else { broken.join(" OR ") };
            asked.rules.push(AskedRule {
                column: rule.column.clone(),
                number,
                value: column,
                broken: format!("({broken})"),
                excludes: rule.invalid == OnBroken::Exclude,
            });
        }
        if problems.is_empty() { Ok(asked) } else { Err(problems) }
    }

    fn metric(
        &mut self,
        kind: MetricKind,
        test: TestKind,
        id: &str,
        rows: &Rows,
        columns: &[Column],
        problems: &mut Vec<Diagnostic>,
    ) {
        let dialect = self.dialect;
        let place = |key: &str| format!("metric `{id}`, {key}");
        let mut values = Vec::new();
        let texts = std::iter::once(("value", rows.value.as_str()));
        let denominator =
            (kind == MetricKind::Ratio).then(|| ("denominator", rows.denominator.as_deref().unwrap_or("1")));
        for (key, sql) in texts.chain(denominator) {
            let found = match rows.aggregate {
                Aggregate::Count => translate(sql, columns, dialect).map(|found| {
                    format!("CASE WHEN {} IS NOT NULL THEN {} END", found.text, dialect.number(1.0))
                }),
                _ => number(sql, columns, dialect),
            };
            values.extend(keep(found, &place(key), problems));
        }
        let filter = rows
            .filter
            .as_deref()
            .and_then(|sql| keep(condition(sql, columns, dialect), &place("where"), problems));
        if matches!(kind, MetricKind::Quantile { .. }) && rows.aggregate == Aggregate::Rows {
            problems
                .push(untranslated(&place("aggregate"), "a quantile over rows in clusters needs the rows"));
        }
        let mut covariates = Vec::new();
        for sql in &rows.adjustment.covariates {
            if let Some(text) = keep(number(sql, columns, dialect), &place("covariates"), problems) {
                covariates.push(self.covariate(AskedCovariate::Column { name: sql.clone(), sql: text }));
            }
        }
        if rows.adjustment.pre_period {
            if self.start.is_none() {
                let message = format!("{}: nothing tells before from after", place("cuped"));
                problems.push(
                    Diagnostic::error("data::no-pre-period", message)
                        .hint("it needs `unit` and `time` under [data], and `start` under [experiment]"),
                );
            }
            for (value, sql) in
                std::iter::once(&rows.value).chain(&rows.denominator).enumerate().take(values.len())
            {
                let name = format!("pre-period: {sql}");
                covariates.push(self.covariate(AskedCovariate::Before {
                    name,
                    metric: self.metrics.len(),
                    value,
                }));
            }
        }
        let strata = rows.adjustment.strata.as_ref();
        let strata = strata.and_then(|by| keep(self.partition(by, columns), &place("strata"), problems));
        let table = match (kind, test) {
            (MetricKind::Ratio | MetricKind::Proportion, _) => Wish::No,
            _ if rows.aggregate == Aggregate::Rows => Wish::No,
            (MetricKind::Quantile { .. }, _) => Wish::Yes,
            _ if rows.winsorize.is_some() => Wish::Yes,
            (_, TestKind::Auto | TestKind::Welch | TestKind::Student) => Wish::IfFew,
            _ => Wish::Yes,
        };
        if values.is_empty() {
            return;
        }
        let added_up = matches!(rows.aggregate, Aggregate::Sum | Aggregate::Count | Aggregate::Any);
        self.metrics.push(AskedMetric {
            id: id.to_owned(),
            aggregate: if values.len() > 1 { Aggregate::Sum } else { rows.aggregate },
            values,
            filter,
            with_zeros: rows.population == Population::Exposed && added_up,
            covariates,
            strata,
            table,
        });
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
                self.dialect.label(&self.dialect.name(by.trim()), Kind::Number)
            }
            kind => self.dialect.label(&found.text, kind),
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
