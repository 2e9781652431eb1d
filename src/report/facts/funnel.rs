//! What templates may say of a funnel.

use serde_json::{Value, json};

use super::metric::pair;
use super::names;
use crate::config::valid::FunnelStep;
use crate::metrics::outcome::{GroupOutcome, MetricOutcome};
use crate::report::scale::Scale;
use crate::wording::numbers;

/// Who came to the end, where users are lost, and at which steps the groups part.
pub fn funnel(of: &FunnelStep, steps: &[&MetricOutcome]) -> Value {
    let measured = || steps.iter().filter(|o| o.undefined.is_none());
    let quoted = |o: &MetricOutcome| format!("«{}»", o.metric.title);
    let undefined = steps
        .iter()
        .filter_map(|o| Some(json!({ "title": o.metric.title, "reason": o.undefined.as_ref()?.code() })));
    let end = measured().next_back().map(|o| {
        let groups = o.groups.iter().filter_map(|g| {
            Some(json!({ "id": names::group(&g.id), "share": numbers::percent(g.mean?, 1) }))
        });
        json!({ "title": o.metric.title, "groups": groups.collect::<Vec<_>>() })
    });
    let mut pairs: Vec<Value> = Vec::new();
    let first = measured().next();
    for (at, c) in first.iter().flat_map(|o| o.comparisons.iter().enumerate()) {
        let (mut parted, mut alike) = (Vec::new(), Vec::new());
        for o in measured() {
            let Some(found) = o.comparisons.get(at) else { continue };
            let said = pair(o, found, &Scale::of(o));
            match (said.significant, said.difference) {
                (true, Some(difference)) => parted
                    .push(json!({ "title": o.metric.title, "difference": difference, "p": said.p_adjusted })),
                _ => alike.push(quoted(o)),
            }
        }
        pairs.push(
            json!({ "control": names::group(&c.control), "treatment": names::group(&c.treatment), "parted": parted, "alike": alike }),
        );
    }
    json!({
        "title": of.funnel_title,
        "ordered": of.ordered,
        "end": end,
        "loss": loss(steps),
        "parts": pairs.iter().any(|pair| pair["parted"].as_array().is_some_and(|steps| !steps.is_empty())),
        "pairs": pairs,
        "undefined": undefined.collect::<Vec<_>>(),
    })
}

/// The step before which the control loses the largest share of those who came so far.
fn loss(steps: &[&MetricOutcome]) -> Option<Value> {
    let passed = |from: &GroupOutcome, to: &GroupOutcome| {
        let came = from.successes.filter(|n| *n > 0)?;
        Some(to.successes? as f64 / came as f64)
    };
    let of_control = |of: &&[&MetricOutcome]| passed(of[0].groups.first()?, of[1].groups.first()?);
    let worst =
        steps.windows(2).filter_map(|of| Some((of, of_control(&of)?))).min_by(|a, b| a.1.total_cmp(&b.1))?.0;
    let groups = worst[0].groups.iter().zip(&worst[1].groups).filter_map(|(from, to)| {
        Some(json!({ "id": names::group(&from.id), "share": numbers::percent(passed(from, to)?, 1) }))
    });
    Some(json!({
        "from": worst[0].metric.title,
        "to": worst[1].metric.title,
        "groups": groups.collect::<Vec<_>>(),
    }))
}
