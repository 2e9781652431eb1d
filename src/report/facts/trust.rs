//! What templates may say of the data before the results.

use serde_json::{Value, json};

use super::names;
use crate::config::valid::{Config, MetricSource, OnBroken};
use crate::findings::Findings;
use crate::report::gates;
use crate::verdict::controls as trust;
use crate::wording::numbers;

/// Sample ratio, gates, invalid values, controls.
pub fn trust(f: &Findings) -> Value {
    let srm = f.trust.srm.as_ref().map(|s| {
        let sizes: Vec<String> = s
            .groups
            .iter()
            .map(|(id, n)| format!("{} — {}", names::group(id), numbers::integer(*n)))
            .collect();
        let declared: Vec<String> = s
            .groups
            .iter()
            .zip(&s.shares)
            .map(|((id, _), share)| format!("{} — {}", names::group(id), numbers::percent(*share, 1)))
            .collect();
        let absent: Vec<String> = s.absent().map(|id| format!("«{id}»")).collect();
        json!({ "ok": s.ok, "p": s.test.p, "groups": sizes, "declared": declared, "absent": absent })
    });
    let invalid: Vec<Value> = f
        .trust
        .invalid
        .iter()
        .map(|(column, count)| {
            let rule =
                f.config.data.as_ref().and_then(|d| d.files.columns.iter().find(|r| r.column == *column));
            let title = gates::column_title(&f.config, None, column);
            let negative = rule.is_some_and(|r| r.min == Some(0.0) && r.max.is_none());
            json!({
                "column": column,
                "title": title,
                "count": count,
                "negative": negative,
                "used": column_is_used(&f.config, column),
                "excluded": rule.is_some_and(|r| r.invalid == OnBroken::Exclude),
                "refuses": rule.is_some_and(|r| r.invalid == OnBroken::Refuse),
            })
        })
        .collect();
    let refusing: Vec<String> =
        f.trust.gates.iter().filter(|g| g.refuses).map(|g| gates::words(&f.config, g)).collect();
    let contamination = f.data.as_ref().filter(|data| data.contamination > 0).map(|data| {
        let units: u64 = data.groups.iter().map(|g| g.units).sum::<u64>() + data.contamination;
        let share = data.contamination as f64 / units.max(1) as f64;
        json!({ "units": data.contamination, "share": numbers::percent(share, if share < 0.1 { 1 } else { 0 }) })
    });
    json!({
        "srm": srm,
        "invalid": invalid,
        "refusing": refusing,
        "controls": controls(f),
        "contamination": contamination,
        "split": super::watch::split(f),
        "lag_days": f.data.as_ref().and_then(|data| data.lag_days),
    })
}

/// Some metric reads this column.
fn column_is_used(config: &Config, column: &str) -> bool {
    config.metrics.iter().any(|m| match &m.source {
        MetricSource::Rows(rows) => {
            let adjustment = rows.adjustment.covariates.iter().chain(&rows.adjustment.strata);
            [Some(&rows.value), rows.denominator.as_ref(), rows.filter.as_ref()]
                .into_iter()
                .flatten()
                .chain(adjustment)
                .any(|e| e.contains(column))
        }
        MetricSource::Step(step) => step.steps.iter().any(|e| e.contains(column)),
        _ => false,
    })
}

/// What comparing the controls with each other says.
fn controls(f: &Findings) -> Option<Value> {
    let pairs = || f.outcomes.iter().flat_map(|o| o.controls.iter().map(move |c| (o, c)));
    let (o, least) = pairs().min_by(|a, b| a.1.p_adjusted.total_cmp(&b.1.p_adjusted))?;
    let mut groups: Vec<String> = Vec::new();
    for (_, c) in pairs() {
        for id in [&c.control, &c.treatment].map(|id| names::group(id)) {
            if !groups.contains(&id) {
                groups.push(id);
            }
        }
    }
    Some(json!({
        "groups": groups,
        "comparisons": pairs().count(),
        "metric": o.metric.title,
        "p": least.p_adjusted,
        "ok": !trust::differ(&f.outcomes),
        "uneasy": trust::uneasy(&f.outcomes),
    }))
}
