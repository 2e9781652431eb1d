//! What templates may say of the proof on these data, of parts of the users, and of the days they came in.

use serde_json::{Value, json};

use super::{metric_title, names, part_name};
use crate::config::valid::{MetricKind, MetricSource};
use crate::findings::Findings;
use crate::metrics::outcome::MetricOutcome;
use crate::proof::calibration::{NotRun, Verdict};
use crate::proof::novelty::{Part, Shape};
use crate::proof::segments::SegmentEffect;
use crate::report::scale::Scale;
use crate::stats::Undefined;
use crate::validation::aa::Proven;
use crate::validation::course::ByDay;
use crate::validation::segments::BySegment;

/// The title of a metric in the marks that the typographer sets.
fn quoted(f: &Findings, id: &str) -> String {
    format!("«{}»", metric_title(f, id))
}

/// A mean of noughts and ones is a share by another name.
fn is_yes_or_no(o: &MetricOutcome) -> bool {
    let mut values = o.groups.iter().flat_map(|g| g.values.iter()).peekable();
    values.peek().is_some() && values.all(|x| [0.0, 1.0].contains(x))
}

/// Nothing is left to check where all values are the same.
fn is_constant(reason: NotRun) -> bool {
    matches!(reason, NotRun::Undefined(Undefined::ZeroVariance | Undefined::AllValuesTied))
}

/// What the A/A run says of all metrics; none where there was none.
pub fn proof(f: &Findings) -> Option<Value> {
    if f.proven.is_empty() {
        return None;
    }
    let titles = |holds: &dyn Fn(&Proven) -> bool| -> Vec<String> {
        f.proven.iter().filter(|p| holds(p)).map(|p| quoted(f, &p.metric)).collect()
    };
    let not_run = f.proven.iter().filter_map(|p| match p.verdict {
        Verdict::NotRun(reason) => Some(json!({
            "title": metric_title(f, &p.metric),
            "rare": reason == NotRun::MostlyUndefined,
            "constant": is_constant(reason),
            "dear": reason == NotRun::TooExpensive,
        })),
        _ => None,
    });
    let of_shares = |id: &str| {
        let outcome = f.outcomes.iter().find(|o| o.metric.id == id);
        outcome.is_some_and(|o| o.metric.kind == MetricKind::Proportion || is_yes_or_no(o))
    };
    let failing = |p: &&Proven| match p.verdict {
        Verdict::TooMany => true,
        Verdict::Conservative => !p.discrete,
        _ => false,
    };
    // A quantile of rows in clusters, and an aggregate of counted rows, have no such run.
    let without = f.outcomes.iter().filter(|o| {
        let rows = matches!(o.metric.source, MetricSource::Rows(_));
        rows && !o.comparisons.is_empty() && f.proven.iter().all(|p| p.metric != o.metric.id)
    });
    Some(json!({
        "without": without.map(|o| quoted(f, &o.metric.id)).collect::<Vec<_>>(),
        // Values of nought and one have no large ones among them.
        "tails": f.proven.iter().filter(failing).any(|p| !of_shares(&p.metric)),
        "holding": titles(&|p| p.verdict == Verdict::Holds),
        "too_many": titles(&|p| p.verdict == Verdict::TooMany),
        "conservative": titles(&|p| p.verdict == Verdict::Conservative && !p.discrete),
        "discrete": titles(&|p| p.verdict == Verdict::Conservative && p.discrete),
        "not_run": not_run.collect::<Vec<_>>(),
        "iterations": f.proven.iter().filter_map(|p| p.rate.map(|rate| rate.iterations)).max(),
    }))
}

/// The name of a part, small ones together.
pub fn part_words(part: &SegmentEffect) -> String {
    part.id.as_deref().map_or_else(|| "остальные вместе".to_owned(), part_name)
}

/// The effect by the parts of one segment.
pub fn segment(f: &Findings, by: &BySegment, o: &MetricOutcome) -> Value {
    let scale = Scale::of(o);
    let alpha = f.config.design.alpha;
    let differing = by.found.effects.iter().filter_map(|part| {
        let against = part.against_rest.filter(|against| against.p_adjusted < alpha)?;
        Some(json!({
            "part": part_words(part),
            "difference": scale.difference(part.effect.estimate),
            "apart": scale.size(against.difference.estimate),
            "above": against.difference.estimate > 0.0,
            "p": against.p_adjusted,
        }))
    });
    let names =
        |parts: &[String]| parts.iter().map(|part| format!("«{}»", part_name(part))).collect::<Vec<_>>();
    let merged: Vec<String> = by.found.effects.iter().flat_map(|part| names(&part.merged)).collect();
    json!({
        "metric": o.metric.title,
        "control": names::group(&by.control),
        "treatment": names::group(&by.treatment),
        "differing": differing.collect::<Vec<_>>(),
        "p": by.found.heterogeneity.map(|h| h.p),
        "uneven": by.found.heterogeneity.is_some_and(|h| h.p < alpha),
        "merged": merged,
        "left_out": names(&by.found.not_assessed),
        "reversal": by.found.reversal.map(|reversal| json!({
            "up": reversal.segments_positive,
            "sure": reversal.significant,
            "alike": scale.difference(by.found.stratified.estimate),
            "whole": by.found.total.map(|total| scale.difference(total)),
        })),
    })
}

/// The course of an effect over the days that users came in.
pub fn course(by: &ByDay, o: &MetricOutcome) -> Value {
    let scale = Scale::of(o);
    let part = |part: &Option<Part>| part.as_ref().map(|part| scale.difference(part.effect.estimate));
    json!({
        "metric": o.metric.title,
        "control": names::group(&by.control),
        "treatment": names::group(&by.treatment),
        "fades": by.found.shape == Shape::Fades,
        "grows": by.found.shape == Shape::Grows,
        "reverses": by.found.shape == Shape::Reverses,
        "short": by.found.shape == Shape::NotEnoughDays,
        "days": by.days.len(),
        "first": part(&by.found.first),
        "last": part(&by.found.last),
        "p": by.found.slope.map(|slope| slope.p),
    })
}
