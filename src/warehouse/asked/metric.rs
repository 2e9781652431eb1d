//! What one metric asks for.

use super::super::translate::{condition, number, translate};
use super::{Asked, AskedCovariate, AskedFunnel, AskedMetric, Headers, Wish, keep, untranslated};
use crate::config::valid::{
    Aggregate, DataSource, FunnelStep, Metric, MetricKind, Population, Rows, TestKind,
};
use crate::diag::Diagnostic;

/// The index of the facts of that name.
fn facts(source: &DataSource, name: Option<&str>) -> Option<usize> {
    source.facts.iter().position(|facts| Some(facts.name.as_str()) == name)
}

impl Asked {
    /// A metric that reads rows.
    pub(super) fn metric(
        &mut self,
        metric: &Metric,
        rows: &Rows,
        source: &DataSource,
        headers: &Headers,
        problems: &mut Vec<Diagnostic>,
    ) {
        let (dialect, kind) = (self.dialect, metric.kind);
        let from = facts(source, rows.from.as_deref());
        let columns = headers.of(from);
        let place = |key: &str| format!("metric `{}`, {key}", metric.id);
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
        let covariates = self.covariates_of(rows, from, values.len(), headers, &place, problems);
        let strata = rows.adjustment.strata.as_ref();
        let strata = strata.and_then(|by| keep(self.partition(by, &headers.own), &place("strata"), problems));
        let table = match (kind, metric.test) {
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
            id: metric.id.clone(),
            from,
            aggregate: if values.len() > 1 { Aggregate::Sum } else { rows.aggregate },
            values,
            filter,
            with_zeros: rows.population == Population::Exposed && added_up,
            covariates,
            strata,
            table,
            step: None,
        });
    }

    /// Indices of the covariates that a metric asks for.
    fn covariates_of(
        &mut self,
        rows: &Rows,
        from: Option<usize>,
        values: usize,
        headers: &Headers,
        place: &impl Fn(&str) -> String,
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<usize> {
        let mut covariates = Vec::new();
        for sql in &rows.adjustment.covariates {
            let found = number(sql, &headers.own, self.dialect);
            if let Some(text) = keep(found, &place("covariates"), problems) {
                covariates.push(self.covariate(AskedCovariate::Column { name: sql.clone(), sql: text }));
            }
        }
        if !rows.adjustment.pre_period {
            return covariates;
        }
        let is_told = match from {
            None => self.start.is_some(),
            Some(at) => self.compares(at) || (self.facts[at].1.time.is_some() && self.since.is_some()),
        };
        if !is_told {
            let message = format!("{}: nothing tells before from after", place("cuped"));
            let hint = "it needs `unit` and `time` under [data], `start` under [experiment], and `time` under the facts";
            problems.push(Diagnostic::error("data::no-pre-period", message).hint(hint));
        }
        for (value, sql) in std::iter::once(&rows.value).chain(&rows.denominator).enumerate().take(values) {
            let name = format!("pre-period: {sql}");
            let metric = self.metrics.len();
            covariates.push(self.covariate(AskedCovariate::Before { name, metric, value }));
        }
        covariates
    }

    /// A step of a funnel.
    pub(super) fn step(
        &mut self,
        metric: &Metric,
        step: &FunnelStep,
        source: &DataSource,
        headers: &Headers,
        problems: &mut Vec<Diagnostic>,
    ) {
        let from = facts(source, step.from.as_deref());
        if step.ordered && self.table(from).time.is_none() {
            let message =
                format!("funnel `{}`: its steps have an order, but the rows have no time", step.funnel);
            problems.push(
                Diagnostic::error("data::funnel-time", message)
                    .hint("name the `time` column of the rows, or write `ordered = false`"),
            );
        }
        let known = self.funnels.iter().position(|funnel| funnel.id == step.funnel);
        let at = known.unwrap_or_else(|| {
            let (id, ordered) = (step.funnel.clone(), step.ordered);
            self.funnels.push(AskedFunnel { id, from, ordered, steps: Vec::new() });
            self.funnels.len() - 1
        });
        for sql in step.steps.iter().skip(self.funnels[at].steps.len()) {
            let place = format!("funnel `{}`, step {}", step.funnel, self.funnels[at].steps.len() + 1);
            let found = keep(condition(sql, headers.of(from), self.dialect), &place, problems);
            self.funnels[at].steps.push(found.unwrap_or_default());
        }
        self.metrics.push(AskedMetric {
            id: metric.id.clone(),
            from,
            aggregate: Aggregate::Any,
            values: Vec::new(),
            filter: None,
            with_zeros: true,
            covariates: Vec::new(),
            strata: None,
            table: Wish::No,
            step: Some((at, step.steps.len().saturating_sub(1))),
        });
    }
}
