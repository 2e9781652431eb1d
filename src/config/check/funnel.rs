//! `[[funnel]]`: every step becomes a metric, the share of units that came so far.

use super::super::codes;
use super::super::raw::{At, RawConfig, RawFunnel};
use super::super::sink::Sink;
use super::super::valid::{FunnelStep, Goal, Metric, MetricKind, MetricSource, Role, TestKind};
use super::metric::facts_exist;
use super::{text, unique};

/// Checks all funnels; their steps in order, as metrics of one family a funnel.
pub fn check_all(raw: &RawConfig, sink: &mut Sink) -> Option<Vec<Metric>> {
    unique(
        "funnels",
        raw.funnel.iter().map(|funnel| (funnel.value.id.as_ref(), funnel.value.title.as_ref())),
        sink,
    );
    let checked: Vec<Option<Vec<Metric>>> =
        raw.funnel.iter().enumerate().map(|(at, funnel)| check(funnel, at == 0, raw, sink)).collect();
    Some(checked.into_iter().collect::<Option<Vec<_>>>()?.concat())
}

fn check(raw: &At<RawFunnel>, is_first: bool, file: &RawConfig, sink: &mut Sink) -> Option<Vec<Metric>> {
    let funnel = &raw.value;
    if file.data.is_none() && !sink.is_spoiled(&(0..0), &["data"]) {
        let hint = "add [data] with `path`, `group` and `unit`";
        sink.error(
            codes::METRIC_WITHOUT_DATA,
            &raw.span,
            "the funnel reads rows, and there is no [data]",
            hint,
        );
    }
    facts_exist(funnel.from.as_ref(), file, sink);
    unique("steps", funnel.step.iter().map(|step| (step.value.id.as_ref(), step.value.title.as_ref())), sink);
    if funnel.step.len() < 2 && !sink.is_spoiled(&raw.span, &["step"]) {
        let message = format!("the funnel has {} step(s)", funnel.step.len());
        sink.error(codes::FUNNEL_STEPS, &raw.span, message, "add [[funnel.step]] with `id` and `where`");
        return None;
    }
    let id = text(funnel.id.as_ref())?;
    let title = text(funnel.title.as_ref()).unwrap_or_else(|| id.clone());
    // A file of nothing but a funnel is decided by the end of its first funnel.
    let last_role = funnel.role.as_ref().map_or(
        if file.metric.is_empty() && is_first { Role::Primary } else { Role::Secondary },
        |written| written.value.0,
    );
    let filters: Option<Vec<String>> =
        funnel.step.iter().map(|step| text(step.value.filter.as_ref())).collect();
    let filters = filters?;
    let last = funnel.step.len() - 1;
    funnel
        .step
        .iter()
        .enumerate()
        .map(|(at, step)| {
            let step_id = text(step.value.id.as_ref())?;
            Some(Metric {
                title: text(step.value.title.as_ref()).unwrap_or_else(|| step_id.clone()),
                id: format!("{id}-{step_id}"),
                unit: None,
                kind: MetricKind::Proportion,
                source: MetricSource::Step(FunnelStep {
                    funnel: id.clone(),
                    funnel_title: title.clone(),
                    from: text(funnel.from.as_ref()),
                    steps: filters[..=at].to_vec(),
                    ordered: funnel.ordered.as_ref().is_some_and(|written| written.value),
                }),
                goal: funnel.goal.as_ref().map_or(Goal::Increase, |goal| goal.value.0),
                role: if at == last { last_role } else { Role::Secondary },
                test: TestKind::Auto,
                margin: None,
                min_effect: None,
                assumption: None,
                plan: None,
                family: Some(format!("funnel:{id}")),
            })
        })
        .collect()
}
