//! What templates may say of the last report and of what people decided.

use serde_json::{Value, json};

use super::{minus, names};
use crate::findings::Findings;
use crate::history::Effect;
use crate::metrics::outcome::{Comparison, MetricOutcome};
use crate::report::scale::Scale;
use crate::wording::terms::Terms;

/// A pair of tonight beside what the last report said of it.
pub struct Moved<'a> {
    /// The metric.
    pub outcome: &'a MetricOutcome,
    /// The pair tonight.
    pub now: &'a Comparison,
    /// The pair in the last report.
    pub before: &'a Effect,
}

/// The pairs of the primary metric that the last report showed, too, in tonight's order.
pub fn moved(f: &Findings) -> Vec<Moved<'_>> {
    let Some(last) = &f.history.last else { return Vec::new() };
    let pair = |outcome, now: &'_ Comparison| {
        let metric: &MetricOutcome = outcome;
        last.told.effects.iter().find(|before| {
            before.metric == metric.metric.id
                && before.control == now.control
                && before.treatment == now.treatment
        })
    };
    let all = f.outcomes.iter().flat_map(|o| o.comparisons.iter().map(move |c| (o, c)));
    all.filter_map(|(outcome, now)| Some(Moved { outcome, now, before: pair(outcome, now)? })).collect()
}

/// What people have decided, beside tonight's advice: the next step must respect it.
pub fn decided(f: &Findings) -> Option<Value> {
    let standing = f.history.standing()?;
    Some(json!({
        "outcome": standing.outcome.name(),
        "on": standing.on.to_string(),
        "follows": standing.outcome.follows(f.verdict.action.name()),
        "review_on": standing.review_on.map(|day| day.to_string()),
        "review_due": standing.review_on.is_some_and(|day| day <= f.date),
    }))
}

/// What changed since the last report and which decision stands. `label` is tonight's action in words.
pub fn history(f: &Findings, terms: &Terms, label: &str) -> Value {
    let mut facts = json!({ "as_many": false, "still": false, "turned": false, "rules_differ": false });
    let mut put = |key: &str, value: Value| facts[key] = value;
    if let Some(last) = &f.history.last {
        put("since", json!(last.date.to_string()));
        put("now", json!(label));
        if last.told.label != label {
            put("changed_from", json!(last.told.label));
        }
        match f.units().zip(last.told.units) {
            Some((now, before)) if now > before => put("more", json!(now - before)),
            Some((now, before)) if now < before => put("fewer", json!(before - now)),
            Some(_) => put("as_many", json!(true)),
            None => {}
        }
        let mut unchanged = last.told.label == label;
        let winner = f.verdict.winner.as_deref();
        let pairs = moved(f);
        // With several pairs the one that the verdict names, else the first.
        let told = pairs.iter().find(|pair| Some(pair.now.treatment.as_str()) == winner).or(pairs.first());
        if let Some((pair, now, before)) =
            told.and_then(|pair| Some((pair, pair.now.absolute?.estimate, pair.before.difference?)))
        {
            let scale = Scale::of(pair.outcome);
            let (shown, shown_before) = (scale.difference(now), scale.difference(before));
            put("metric", json!(pair.outcome.metric.title));
            put("pair", json!(minus(&names::group(&pair.now.treatment), &names::group(&pair.now.control))));
            unchanged &= shown == shown_before;
            put("still", json!(shown == shown_before));
            put("turned", json!(now * before < 0.0));
            put("difference", json!(shown));
            put("difference_before", json!(shown_before));
        }
        // Where nothing moved, nothing has to be explained.
        put("rules_differ", json!(!f.changes.is_empty() && !unchanged));
    }
    if let Some(standing) = f.history.standing() {
        put("outcome", json!(standing.outcome.name()));
        put("decided_on", json!(standing.on.to_string()));
        put("decided_by", json!(standing.by));
        if let Some(action) = &standing.recommended {
            put("advised", json!(terms.action(action).map_or(action.as_str(), |term| &term.label)));
            put("followed", json!(standing.outcome.follows(action)));
        }
        if let Some(day) = standing.review_on {
            put("review_on", json!(day.to_string()));
            put("review_due", json!(day <= f.date));
        }
    }
    facts
}
