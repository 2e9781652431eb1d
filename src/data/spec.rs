//! What is wanted of one table: `[data]` or a `[[data.facts]]` with the columns and expressions that are read from it.

use std::collections::BTreeSet;

use super::{expression, names};
use crate::config::valid::{
    Aggregate, DataSource, Facts, Files, Identity, Metric, MetricKind, MetricSource, Population, Rows,
    Segment,
};
use crate::diag::{Diagnostic, Place};

/// What an expression must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// A number or a truth value.
    Number,
    /// A condition.
    Condition,
    /// Anything that can be told apart or counted.
    Anything,
}

/// One SQL text of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// The key it stands under, which messages begin with.
    pub used_by: String,
    pub sql: &'a str,
    pub expect: Expect,
}

/// One table and what is wanted of it.
#[derive(Debug)]
pub(crate) struct Spec<'a> {
    /// `data`, `` data.facts `orders` `` or `data.identity`: what messages call it.
    pub key: String,
    pub files: &'a Files,
    pub group: Option<&'a str>,
    pub unit: Option<&'a str>,
    /// The key under which the unit is named: `unit`, or `device` where users are named, too.
    pub unit_key: &'static str,
    pub user: Option<&'a str>,
    pub time: Option<&'a str>,
    pub count: Option<&'a str>,
    pub texts: Vec<Text<'a>>,
}

impl<'a> Spec<'a> {
    /// What the config wants of `[data]`.
    pub(crate) fn data(source: &'a DataSource, metrics: &'a [Metric], segments: &'a [Segment]) -> Spec<'a> {
        let mut texts = texts(metrics, None);
        texts.extend(segments.iter().map(|segment| Text {
            used_by: format!("segment `{}`, by", segment.id),
            sql: &segment.by,
            expect: Expect::Anything,
        }));
        Spec {
            key: "data".to_string(),
            files: &source.files,
            group: Some(&source.group),
            unit: source.unit.as_deref(),
            unit_key: "unit",
            user: None,
            time: source.time.as_deref(),
            count: source.count.as_deref(),
            texts,
        }
    }

    /// What the config wants of one of the facts.
    pub(crate) fn facts(facts: &'a Facts, metrics: &'a [Metric]) -> Spec<'a> {
        Spec {
            key: facts_key(&facts.name),
            files: &facts.files,
            group: facts.group.as_deref(),
            unit: Some(&facts.unit),
            unit_key: "unit",
            user: None,
            time: facts.time.as_deref(),
            count: None,
            texts: texts(metrics, Some(&facts.name)),
        }
    }

    /// What the config wants of `[data.identity]`.
    pub(crate) fn identity(identity: &'a Identity) -> Spec<'a> {
        Spec {
            key: "data.identity".to_string(),
            files: &identity.files,
            group: None,
            unit: Some(&identity.device),
            unit_key: "device",
            user: Some(&identity.user),
            time: None,
            count: None,
            texts: Vec::new(),
        }
    }

    /// A key of this table as messages name it: `data.unit`, `` data.facts `orders`: unit ``.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.key == "data" { format!("data.{key}") } else { format!("{}: {key}", self.key) }
    }

    /// The columns that the config names outright; they tell one separator from another.
    pub(crate) fn wanted(&self) -> Vec<&'a str> {
        let mut wanted: Vec<&str> =
            [self.group, self.unit, self.user, self.time, self.count].into_iter().flatten().collect();
        wanted.extend(self.files.columns.iter().map(|rule| rule.column.as_str()));
        wanted
    }

    /// A problem of this table: at its first file unless it has a place, and with its key where the message has none.
    pub(crate) fn placed(&self, problem: Diagnostic) -> Diagnostic {
        let problem = match (&problem.place, self.files.paths.first()) {
            (None, Some(file)) => problem.at(Place::file(file)),
            _ => problem,
        };
        let names_its_key =
            ["data.", "metric `", "funnel `", "segment `"].iter().any(|key| problem.message.starts_with(key));
        if self.key == "data" || names_its_key {
            return problem;
        }
        let place = if self.user.is_some() { "under [data.identity]" } else { "under its [[data.facts]]" };
        let hint = problem.hint.map(|hint| hint.replace("under [data]", place));
        Diagnostic { message: format!("{}: {}", self.key, problem.message), hint, ..problem }
    }

    /// [`Spec::placed`] for all problems of a pass.
    pub(crate) fn all_placed(&self, problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
        problems.into_iter().map(|problem| self.placed(problem)).collect()
    }
}

/// What messages call a `[[data.facts]]`.
pub(crate) fn facts_key(name: &str) -> String {
    format!("data.facts `{name}`")
}

/// Every SQL text that is read from `[data]` (`from` is none) or from the facts of that name, each once.
pub(crate) fn texts<'a>(metrics: &'a [Metric], from: Option<&str>) -> Vec<Text<'a>> {
    let mut texts: Vec<Text> = Vec::new();
    let mut add = |used_by: String, sql: &'a str, expect: Expect| {
        let text = Text { used_by, sql, expect };
        if !texts.contains(&text) {
            texts.push(text);
        }
    };
    for metric in metrics {
        let key = |name: &str| format!("metric `{}`, {name}", metric.id);
        match &metric.source {
            MetricSource::Rows(rows) => {
                if rows.from.as_deref() == from {
                    let value =
                        if rows.aggregate == Aggregate::Count { Expect::Anything } else { Expect::Number };
                    let name = if rows.denominator.is_some() { "numerator" } else { "value" };
                    add(key(name), &rows.value, value);
                    if let Some(denominator) = &rows.denominator {
                        add(key("denominator"), denominator, Expect::Number);
                    }
                    if let Some(filter) = &rows.filter {
                        add(key("where"), filter, Expect::Condition);
                    }
                }
                if from.is_none() {
                    for covariate in &rows.adjustment.covariates {
                        add(key("covariates"), covariate, Expect::Number);
                    }
                    if let Some(strata) = &rows.adjustment.strata {
                        add(key("strata"), strata, Expect::Anything);
                    }
                }
            }
            MetricSource::Step(step) if step.from.as_deref() == from => {
                for (sql, number) in step.steps.iter().zip(1..) {
                    add(format!("funnel `{}`, step {number}", step.funnel), sql, Expect::Condition);
                }
            }
            _ => {}
        }
    }
    texts
}

/// What the tables cannot give whatever they hold.
///
/// # Errors
/// `data::counts-only` for every metric and segment that needs units where exposures are counts, `data::facts-group` and
/// `data::facts-unit` for facts that cannot be brought to groups.
pub(crate) fn answerable(
    source: &DataSource,
    metrics: &[Metric],
    segments: &[Segment],
) -> Result<(), Vec<Diagnostic>> {
    let mut problems = Vec::new();
    for facts in &source.facts {
        let key = facts_key(&facts.name);
        if source.count.is_some() && facts.group.is_none() {
            problems.push(
                Diagnostic::error(
                    "data::facts-group",
                    format!("{key}: group: exposures are known as counts, so the facts must name the group"),
                )
                .hint("name the column with the group: `group = \"group\"` under its [[data.facts]]"),
            );
        }
        if source.count.is_none() && source.unit.is_none() {
            problems.push(
                Diagnostic::error(
                    "data::facts-unit",
                    format!("{key}: [data] names no unit to join its rows by"),
                )
                .hint("name the column with the unit: `unit = \"user_id\"` under [data]"),
            );
        }
    }
    if let Some(count) = &source.count {
        for segment in segments {
            let message = format!(
                "segment `{}`: parts are made of units, but `{count}` says how many units a row stands for",
                segment.id
            );
            problems.push(
                Diagnostic::error("data::counts-only", message)
                    .hint("leave the segment out, or give the exposures of units"),
            );
        }
        for metric in metrics {
            if let MetricSource::Rows(rows) = &metric.source
                && rows.adjustment.pre_period
            {
                let message = format!(
                    "metric `{}`, cuped: exposures are counts, so it is not known who came that did nothing later",
                    metric.id
                );
                problems.push(
                    Diagnostic::error("data::no-pre-period", message)
                        .hint("leave `cuped` out, or give the exposures of units"),
                );
            }
            let needs = match &metric.source {
                MetricSource::Rows(rows) => needs_units(metric.kind, rows),
                MetricSource::Step(step) if step.from.is_none() => Some("a funnel"),
                _ => None,
            };
            if let Some(what) = needs {
                problems.push(
                    Diagnostic::error(
                        "data::counts-only",
                        format!(
                            "metric `{}`: {what} needs the rows of units, but `{count}` says how many units a row stands for",
                            metric.id
                        ),
                    )
                    .hint("from counts only proportions are known: `value` is the number of successes of the row; other metrics take their rows `from` facts"),
                );
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// What of a metric cannot be had from exposures that are counts.
fn needs_units(kind: MetricKind, rows: &Rows) -> Option<&'static str> {
    if !rows.adjustment.covariates.is_empty() || rows.adjustment.strata.is_some() {
        return Some("an adjustment by columns of [data]");
    }
    if rows.from.is_some() {
        return None;
    }
    match kind {
        MetricKind::Proportion => None,
        MetricKind::Mean => Some("a mean"),
        MetricKind::Ratio => Some("a ratio"),
        MetricKind::Quantile { .. } => Some("a quantile"),
    }
}

/// The columns an analysis reads, by position.
#[derive(Debug)]
pub(crate) struct Needs {
    pub group: Option<usize>,
    pub unit: Option<usize>,
    pub user: Option<usize>,
    pub time: Option<usize>,
    pub count: Option<usize>,
    /// Some expression or rule reads the column of the unit, which is then text like in separated files.
    pub unit_is_read: bool,
    /// Every column that is read, ascending.
    pub all: BTreeSet<usize>,
}

/// Finds the columns of a table.
///
/// # Errors
/// Every column that does not exist and every expression that cannot be parsed, together.
pub(crate) fn needs(columns: &[String], spec: &Spec) -> Result<Needs, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut read = BTreeSet::new();
    let mut find =
        |wanted: Option<&str>, used_by: &str| match names::find(columns, wanted?, &spec.name(used_by)) {
            Ok(index) => Some(index),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
    let group = find(spec.group, "group");
    let unit = find(spec.unit, spec.unit_key);
    let user = find(spec.user, "user");
    let time = find(spec.time, "time");
    let count = find(spec.count, "count");
    for rule in &spec.files.columns {
        read.extend(find(Some(&rule.column), "columns"));
    }
    for text in &spec.texts {
        match expression::parse(text.sql, &text.used_by, columns) {
            Ok(parsed) => read.extend(
                columns.iter().enumerate().filter(|(_, name)| parsed.columns.contains(*name)).map(|(i, _)| i),
            ),
            Err(more) => problems.extend(more),
        }
    }
    if !problems.is_empty() {
        return Err(spec.all_placed(problems));
    }
    let unit_is_read = unit.is_some_and(|unit| read.contains(&unit));
    let mut all = read;
    all.extend([group, unit, user, time, count].into_iter().flatten());
    Ok(Needs { group, unit, user, time, count, unit_is_read, all })
}

/// Whether units without rows have a value.
pub(crate) fn has_zero(aggregate: Aggregate, population: Population) -> bool {
    population == Population::Exposed
        && matches!(aggregate, Aggregate::Sum | Aggregate::Count | Aggregate::Any)
}
