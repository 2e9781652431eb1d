//! `[[metric]]`.

use std::ops::Range;

use super::super::choices::{KindName, word};
use super::super::codes;
use super::super::raw::{At, Named, RawConfig, RawCounts, RawFunnel, RawMetric, RawSummary};
use super::super::sink::Sink;
use super::super::suggest;
use super::super::valid::{
    Aggregate, Counts, Goal, Metric, MetricKind, MetricSource, Role, Summary, TestKind,
};
use super::{rows, text, unique};

/// Where the numbers of a metric come from, before they are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Rows,
    Summary,
    Counts,
}

/// Checks all metrics: each one, and their ids, titles and roles together.
pub fn check_all(raw: &RawConfig, sink: &mut Sink) -> Option<Vec<Metric>> {
    let metrics = &raw.metric;
    unique(
        "metrics",
        metrics.iter().map(|metric| (metric.value.id.as_ref(), metric.value.title.as_ref())),
        sink,
    );
    let roles = roles(raw);
    let funnel_decides = raw.funnel.iter().any(|funnel| funnel_role(funnel) == Some(Role::Primary));
    if !metrics.is_empty() && !roles.contains(&Role::Primary) && !funnel_decides {
        let message = "no metric is primary, so nothing decides";
        let place = metrics.first().map_or(0..0, |metric| metric.span.clone());
        sink.warning(codes::NO_PRIMARY, &place, message, "add role = \"primary\" to the metric that decides");
    }
    let checked: Vec<Option<Metric>> =
        metrics.iter().zip(roles).map(|(metric, role)| check(metric, role, raw, sink)).collect();
    checked.into_iter().collect()
}

fn funnel_role(funnel: &At<RawFunnel>) -> Option<Role> {
    funnel.value.role.as_ref().map(|role| role.value.0)
}

/// The roles with defaults: the first metric without a role is primary unless a metric says it is primary.
fn roles(raw: &RawConfig) -> Vec<Role> {
    let metrics = &raw.metric;
    let written = |metric: &At<RawMetric>| metric.value.role.as_ref().map(|role| role.value.0);
    let mut decided = metrics.iter().any(|metric| written(metric) == Some(Role::Primary))
        || raw.funnel.iter().any(|funnel| funnel_role(funnel) == Some(Role::Primary));
    let role = |metric| {
        written(metric).unwrap_or_else(|| {
            if std::mem::replace(&mut decided, true) { Role::Secondary } else { Role::Primary }
        })
    };
    metrics.iter().map(role).collect()
}

fn check(raw: &At<RawMetric>, role: Role, file: &RawConfig, sink: &mut Sink) -> Option<Metric> {
    let metric = &raw.value;
    let origin = origin(raw, sink);
    if origin == Some(Origin::Rows) && file.data.is_none() && !sink.is_spoiled(&(0..0), &["data"]) {
        let place =
            metric.value.as_ref().or(metric.numerator.as_ref()).map_or(&raw.span, |value| &value.span);
        let hint = "add [data] with `path` and `group`, or use `summary` or `counts`";
        sink.error(codes::METRIC_WITHOUT_DATA, place, "the metric reads rows, and there is no [data]", hint);
    }
    let kind = kind(raw, origin, sink);
    let test = metric.test.as_ref().map_or(TestKind::Auto, |test| test.value.0);
    if let (Some(written), Some(origin), Some(kind)) = (&metric.test, origin, kind) {
        test_fits(test, origin, kind, metric, &written.span, sink);
    }
    if let Some(margin) = &metric.margin
        && role != Role::Guardrail
        && !sink.is_spoiled(&raw.span, &["role"])
    {
        let message = format!("the margin is ignored: the metric is {}, not a guardrail", word(role));
        sink.warning(codes::MARGIN_WITHOUT_GUARDRAIL, &margin.span, message, "add role = \"guardrail\"");
    }
    if role == Role::Guardrail && metric.margin.is_none() && !sink.is_spoiled(&raw.span, &["margin"]) {
        let place = metric.role.as_ref().map_or(&raw.span, |role| &role.span);
        let message = "the guardrail has no margin: only proven harm can be told, never that it is safe";
        let hint = "add `margin`, the largest acceptable harm in the unit of the metric";
        sink.warning(codes::GUARDRAIL_WITHOUT_MARGIN, place, message, hint);
    }
    if kind == Some(MetricKind::Proportion) {
        for (key, written) in [("margin", &metric.margin), ("min_effect", &metric.min_effect)] {
            written.iter().for_each(|written| is_difference_of_rates(key, written, sink));
        }
    }
    facts_exist(metric.from.as_ref(), file, sink);
    if let Some(plan) = &metric.plan {
        let ids: Vec<&str> =
            file.plan.iter().filter_map(|plan| plan.value.id.as_ref()).map(|id| id.value.as_str()).collect();
        if !ids.contains(&plan.value.as_str()) && !sink.is_spoiled(&(0..0), &["plan"]) {
            let hint = suggest::hint(&plan.value, "plans", ids.iter().copied());
            sink.error(codes::UNKNOWN_PLAN, &plan.span, format!("there is no plan `{}`", plan.value), hint);
        }
    }
    let summary = metric.summary.as_ref().map(|summary| summaries(&summary.value));
    let counts = metric.counts.as_ref().map(|counts| self::counts(&counts.value, sink));
    let source = match origin? {
        Origin::Rows => MetricSource::Rows(Box::new(rows::check(raw, kind?, sink)?)),
        Origin::Summary => MetricSource::Summary(summary??),
        Origin::Counts => MetricSource::Counts(counts??),
    };
    let id = text(metric.id.as_ref())?;
    Some(Metric {
        title: text(metric.title.as_ref()).unwrap_or_else(|| id.clone()),
        id,
        unit: text(metric.unit.as_ref()),
        kind: kind?,
        source,
        goal: metric.goal.as_ref().map_or(Goal::Increase, |goal| goal.value.0),
        role,
        test,
        margin: metric.margin.as_ref().map(|margin| margin.value),
        min_effect: metric.min_effect.as_ref().map(|effect| effect.value),
        assumption: text(metric.assumption.as_ref()),
        plan: text(metric.plan.as_ref()),
        family: text(metric.family.as_ref()),
    })
}

/// Rates lie in [0, 1], so no difference of two reaches 1: such a threshold would be met by nothing, or by everything.
fn is_difference_of_rates(key: &str, written: &At<f64>, sink: &mut Sink) {
    let value = written.value;
    if value < 1.0 {
        return;
    }
    let message = format!("`{key}` is {value}, and no two rates differ by that: it is a share, not percent");
    let hint = match value < 100.0 {
        true => format!("{value} percentage points are `{key} = {}`", (value * 1e10).round() / 1e12),
        false => format!("5 percentage points are `{key} = 0.05`"),
    };
    sink.error(codes::RATE_OUT_OF_RANGE, &written.span, message, hint);
}

/// Reports facts that a metric or a funnel reads and that do not exist.
pub fn facts_exist(from: Option<&At<String>>, file: &RawConfig, sink: &mut Sink) {
    let (Some(from), Some(data)) = (from, &file.data) else { return };
    let names: Vec<&str> = data
        .value
        .facts
        .iter()
        .filter_map(|facts| facts.value.name.as_ref())
        .map(|n| n.value.as_str())
        .collect();
    if !names.contains(&from.value.as_str()) && !sink.is_spoiled(&data.span, &["facts"]) {
        let hint = if names.is_empty() {
            "add [[data.facts]] with `name`, `path` and `unit`".to_owned()
        } else {
            suggest::hint(&from.value, "facts", names.iter().copied())
        };
        sink.error(codes::UNKNOWN_FACTS, &from.span, format!("there are no facts `{}`", from.value), hint);
    }
}

/// The one source of the metric's numbers.
fn origin(raw: &At<RawMetric>, sink: &mut Sink) -> Option<Origin> {
    let metric = &raw.value;
    // Counting rows needs no expression.
    let counted = metric.aggregate.as_ref().filter(|written| written.value.0 == Aggregate::Count);
    let expression = match (&metric.value, &metric.numerator) {
        (None, None) => counted.map(|written| &written.span),
        (Some(_), Some(numerator)) => {
            let message = "both `value` and `numerator` are given";
            sink.error(
                codes::VALUE_AND_NUMERATOR,
                &numerator.span,
                message,
                "they mean the same: keep one of them",
            );
            Some(&numerator.span)
        }
        (value, numerator) => value.as_ref().or(numerator.as_ref()).map(|value| &value.span),
    };
    let found = [
        expression.map(|span| (Origin::Rows, span)),
        metric.summary.as_ref().map(|summary| (Origin::Summary, &summary.span)),
        metric.counts.as_ref().map(|counts| (Origin::Counts, &counts.span)),
    ];
    let found: Vec<_> = found.into_iter().flatten().collect();
    if found.is_empty() && sink.is_spoiled(&raw.span, &["value", "numerator", "summary", "counts", "from"]) {
        return None;
    }
    match found.as_slice() {
        [(only, _)] => {
            let useless = [
                ("where", span(&metric.filter)),
                ("denominator", span(&metric.denominator)),
                ("from", span(&metric.from)),
                ("aggregate", span(&metric.aggregate)),
                ("population", span(&metric.population)),
                ("covariates", metric.covariates.first().map(|covariate| &covariate.span)),
                ("cuped", span(&metric.cuped)),
                ("strata", span(&metric.strata)),
                ("winsorize", span(&metric.winsorize)),
            ];
            for (key, written) in useless {
                if let Some(written) = written
                    && *only != Origin::Rows
                {
                    let message =
                        format!("`{key}` does nothing: the numbers are published, not computed from rows");
                    sink.error(codes::USELESS_KEY, written, message, "remove it, or use `value`");
                }
            }
            Some(*only)
        }
        [] => {
            let message = "the metric does not say where its numbers come from";
            sink.error(
                codes::METRIC_SOURCE,
                &raw.span,
                message,
                "add one of `value`, `summary` and `counts`",
            );
            None
        }
        [.., (_, last)] => {
            let message = "the metric has more than one source of numbers";
            sink.error(codes::METRIC_SOURCE, last, message, "keep one of `value`, `summary` and `counts`");
            None
        }
    }
}

fn span<T>(written: &Option<At<T>>) -> Option<&Range<usize>> {
    written.as_ref().map(|written| &written.span)
}

/// The kind with its parameters.
fn kind(raw: &At<RawMetric>, origin: Option<Origin>, sink: &mut Sink) -> Option<MetricKind> {
    let metric = &raw.value;
    if sink.is_spoiled(&raw.span, &["kind"]) {
        return None;
    }
    let name = match &metric.kind {
        Some(written) => written.value.0,
        None if origin == Some(Origin::Counts) => KindName::Proportion,
        None => KindName::Mean,
    };
    let place = metric.kind.as_ref().map_or(&raw.span, |written| &written.span);
    let fits = match origin {
        Some(Origin::Summary) => {
            (name == KindName::Mean).then_some(()).ok_or(("a summary gives a mean", "mean"))
        }
        Some(Origin::Counts) => {
            (name == KindName::Proportion).then_some(()).ok_or(("counts give a proportion", "proportion"))
        }
        Some(Origin::Rows) | None => Ok(()),
    };
    if let Err((why, instead)) = fits {
        let message = format!("{why}, not a {}", word(name));
        sink.error(codes::KIND_SOURCE, place, message, format!("kind = \"{instead}\""));
        return None;
    }
    let useless = [
        ("q", metric.q.as_ref().map(|q| &q.span), KindName::Quantile),
        ("denominator", metric.denominator.as_ref().map(|written| &written.span), KindName::Ratio),
        ("numerator", metric.numerator.as_ref().map(|written| &written.span), KindName::Ratio),
    ];
    for (key, span, owner) in useless {
        // With published numbers, `denominator` has been reported together with its source.
        if let Some(span) = span
            && name != owner
            && (key == "q" || origin == Some(Origin::Rows))
        {
            let message = format!("`{key}` does nothing: the metric is a {}", word(name));
            sink.error(
                codes::USELESS_KEY,
                span,
                message,
                format!("add kind = \"{}\", or remove it", word(owner)),
            );
        }
    }
    match name {
        KindName::Mean => Some(MetricKind::Mean),
        KindName::Proportion => Some(MetricKind::Proportion),
        KindName::Ratio => {
            if metric.denominator.is_none() && !sink.is_spoiled(&raw.span, &["denominator"]) {
                let message = "the ratio does not say what it is divided by";
                let hint = "add `denominator = …`, an SQL expression";
                sink.error(codes::RATIO_WITHOUT_DENOMINATOR, place, message, hint);
            }
            Some(MetricKind::Ratio)
        }
        KindName::Quantile => match &metric.q {
            Some(q) => Some(MetricKind::Quantile { quantile: q.value }),
            None => {
                if !sink.is_spoiled(&raw.span, &["q"]) {
                    let hint = "add `q = 0.5` for the median, `q = 0.9` for the ninth decile";
                    sink.error(codes::QUANTILE_WITHOUT_Q, place, "the quantile does not say which", hint);
                }
                None
            }
        },
    }
}

/// Whether the deciding test can be computed from what there is, and is for such a metric.
fn test_fits(
    test: TestKind,
    origin: Origin,
    kind: MetricKind,
    metric: &RawMetric,
    span: &Range<usize>,
    sink: &mut Sink,
) {
    // Rows of a unit belong together, and adjusted values are no counts: what remains is the difference with its error.
    let clustered = metric.aggregate.as_ref().is_some_and(|written| written.value.0 == Aggregate::Rows);
    let adjusted = !metric.covariates.is_empty()
        || metric.strata.is_some()
        || metric.cuped.as_ref().is_some_and(|written| written.value);
    let of_kind: &[TestKind] = match kind {
        _ if clustered => &[TestKind::Auto],
        MetricKind::Mean if adjusted => &[TestKind::Auto, TestKind::Welch],
        MetricKind::Proportion if adjusted => &[TestKind::Auto],
        MetricKind::Mean => &[
            TestKind::Auto,
            TestKind::Welch,
            TestKind::Student,
            TestKind::MannWhitney,
            TestKind::BrunnerMunzel,
            TestKind::Bootstrap,
            TestKind::Permutation,
        ],
        MetricKind::Proportion => &[TestKind::Auto, TestKind::Z, TestKind::ChiSquare, TestKind::Fisher],
        MetricKind::Ratio => &[TestKind::Auto],
        MetricKind::Quantile { .. } => &[TestKind::Auto, TestKind::Bootstrap],
    };
    // Published counts are enough for every test of proportions; published means only for those that need moments.
    let from_summary = [TestKind::Auto, TestKind::Welch, TestKind::Student];
    let allowed =
        |tests: &[TestKind]| format!("allowed: {}", suggest::list(tests.iter().map(|test| word(*test))));
    if !of_kind.contains(&test) {
        let what = match (clustered, adjusted) {
            (true, _) => "rows in clusters".to_owned(),
            (false, true) => format!("an adjusted {}", kind.name()),
            _ => format!("a {} metric", kind.name()),
        };
        let message = format!("`{}` is not a test of {what}", word(test));
        sink.error(codes::TEST_KIND, span, message, allowed(of_kind));
    } else if origin == Origin::Summary && !from_summary.contains(&test) {
        let message = format!("`{}` needs rows, and the metric has published numbers", word(test));
        sink.error(codes::TEST_SOURCE, span, message, allowed(&from_summary));
    }
}

fn summaries(table: &Named<RawSummary>) -> Option<Vec<(String, Summary)>> {
    let one = |(group, raw): &(At<String>, At<RawSummary>)| {
        let (mean, sd, n) = (raw.value.mean.as_ref()?, raw.value.sd.as_ref()?, raw.value.n.as_ref()?);
        Some((group.value.clone(), Summary { mean: mean.value, sd: sd.value, n: n.value }))
    };
    table.0.iter().map(one).collect()
}

fn counts(table: &Named<RawCounts>, sink: &mut Sink) -> Option<Vec<(String, Counts)>> {
    let mut all = Some(Vec::new());
    for (group, raw) in &table.0 {
        let (Some(successes), Some(n)) = (&raw.value.successes, &raw.value.n) else {
            all = None;
            continue;
        };
        if successes.value > n.value {
            let message = format!("group `{}` has {} successes of {}", group.value, successes.value, n.value);
            let hint = "`successes` is at most `n`: are the two swapped?";
            sink.error(codes::COUNTS_ABOVE_N, &successes.span, message, hint);
        }
        if let Some(all) = &mut all {
            all.push((group.value.clone(), Counts { successes: successes.value, n: n.value }));
        }
    }
    all
}
