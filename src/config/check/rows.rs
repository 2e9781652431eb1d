//! What a `[[metric]]` makes of rows: aggregate, population, adjustment, winsorising.

use super::super::choices::word;
use super::super::codes;
use super::super::raw::{At, RawMetric};
use super::super::sink::Sink;
use super::super::suggest;
use super::super::valid::{Adjustment, Aggregate, MetricKind, Population, Rows, Winsorize};
use super::text;

/// Checks the keys that say how rows become values.
pub fn check(raw: &At<RawMetric>, kind: MetricKind, sink: &mut Sink) -> Option<Rows> {
    let metric = &raw.value;
    let aggregate = aggregate(metric, kind, sink);
    let value = match text(metric.value.as_ref().or(metric.numerator.as_ref())) {
        None if aggregate == Aggregate::Count => "1".to_owned(),
        value => value?,
    };
    let added_up = matches!(aggregate, Aggregate::Sum | Aggregate::Count | Aggregate::Any);
    let population = match &metric.population {
        Some(written) => {
            if written.value.0 == Population::Exposed && !added_up {
                let message =
                    format!("a unit without rows has no value under aggregate = \"{}\"", word(aggregate));
                let hint = "population = \"matching\", or aggregate = \"sum\"";
                sink.error(codes::AGGREGATE_KIND, &written.span, message, hint);
            }
            written.value.0
        }
        None if metric.from.is_some() && added_up => Population::Exposed,
        None => Population::Matching,
    };
    let adjustment = adjustment(metric, kind, aggregate, sink);
    let winsorize = winsorize(metric, kind, aggregate, sink);
    Some(Rows {
        from: text(metric.from.as_ref()),
        value,
        denominator: text(metric.denominator.as_ref()),
        filter: text(metric.filter.as_ref()),
        aggregate,
        population,
        adjustment,
        winsorize,
    })
}

fn aggregate(metric: &RawMetric, kind: MetricKind, sink: &mut Sink) -> Aggregate {
    let (default, allowed): (Aggregate, &[Aggregate]) = match kind {
        MetricKind::Proportion => (Aggregate::Any, &[Aggregate::Any, Aggregate::Rows]),
        MetricKind::Ratio => (Aggregate::Sum, &[Aggregate::Sum]),
        MetricKind::Mean | MetricKind::Quantile { .. } => (
            Aggregate::Sum,
            &[
                Aggregate::Sum,
                Aggregate::Count,
                Aggregate::Any,
                Aggregate::Mean,
                Aggregate::Max,
                Aggregate::Min,
                Aggregate::Rows,
            ],
        ),
    };
    let Some(written) = &metric.aggregate else { return default };
    if !allowed.contains(&written.value.0) {
        let message =
            format!("a {} is not made of the {} of a unit's rows", kind.name(), word(written.value.0));
        let hint = format!("allowed: {}", suggest::list(allowed.iter().map(|aggregate| word(*aggregate))));
        sink.error(codes::AGGREGATE_KIND, &written.span, message, hint);
    }
    written.value.0
}

fn adjustment(metric: &RawMetric, kind: MetricKind, aggregate: Aggregate, sink: &mut Sink) -> Adjustment {
    let pre_period = metric.cuped.as_ref().filter(|written| written.value);
    let covariates = metric.covariates.iter().map(|covariate| covariate.value.clone()).collect();
    let first = [
        metric.covariates.first().map(|covariate| ("covariates", &covariate.span)),
        pre_period.map(|written| ("cuped", &written.span)),
        metric.strata.as_ref().map(|strata| ("strata", &strata.span)),
    ]
    .into_iter()
    .flatten()
    .next();
    if let Some((key, span)) = first {
        let why = match kind {
            MetricKind::Quantile { .. } => Some("a quantile cannot be adjusted"),
            _ if aggregate == Aggregate::Rows => Some("rows in clusters cannot be adjusted"),
            _ => None,
        };
        if let Some(why) = why {
            sink.error(codes::ADJUSTMENT_KIND, span, format!("`{key}` does nothing: {why}"), "remove it");
        }
    }
    if let (Some(strata), MetricKind::Ratio) = (&metric.strata, kind) {
        let hint = "use `covariates`: 1 and 0 for a stratum are a covariate, too";
        sink.error(codes::ADJUSTMENT_KIND, &strata.span, "a ratio is not post-stratified", hint);
    }
    Adjustment { covariates, pre_period: pre_period.is_some(), strata: text(metric.strata.as_ref()) }
}

fn winsorize(
    metric: &RawMetric,
    kind: MetricKind,
    aggregate: Aggregate,
    sink: &mut Sink,
) -> Option<Winsorize> {
    let written = metric.winsorize.as_ref()?;
    if kind != MetricKind::Mean || aggregate == Aggregate::Rows {
        let message = "only the mean of a unit's values can be winsorised";
        sink.error(codes::WINSORIZE, &written.span, message, "remove `winsorize`");
        return None;
    }
    let given = |end: &Option<At<f64>>, default| end.as_ref().map_or(default, |end| end.value);
    let (lower, upper) = (given(&written.value.lower, 0.0), given(&written.value.upper, 1.0));
    if lower >= upper || (lower == 0.0 && upper == 1.0) {
        let message =
            format!("the quantiles {lower} and {upper} draw nothing in, or leave nothing between them");
        sink.error(codes::WINSORIZE, &written.span, message, "for example winsorize = { upper = 0.99 }");
        return None;
    }
    Some(Winsorize { lower, upper })
}
