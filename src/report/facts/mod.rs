//! The facts that narrative templates read: numbers already written the way their metric is written.
//!
//! Templates choose words, not formats: a value comes as text in its own unit, and beside it, where a sentence depends
//! on it, as a number or a flag. What does not exist is absent.

use serde::Serialize;
use serde_json::{Value, json};

mod funnel;
pub mod history;
mod metric;
pub mod names;
mod plan;
mod trust;
mod validation;
mod watch;

use super::scale::{Scale, compact, without_zeros};
use crate::config::valid::{Goal, RandomisationUnit, Role};
use crate::cross_device::consequences;
use crate::findings::Findings;
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome};
use crate::verdict::{self, Evidence, Verdict};
use crate::wording::{dates, numbers, plural};
pub use funnel::funnel;
pub use metric::READINGS;
use metric::{MetricFacts, metric, pair};
pub use plan::lift_words;
use plan::plan;
use trust::trust;
pub use validation::{course, part_words, segment};
pub use watch::{approximate_money, date_of, look, part_name};

/// The title of a metric by its id.
pub fn metric_title<'a>(f: &'a Findings, id: &'a str) -> &'a str {
    f.outcomes.iter().find(|o| o.metric.id == id).map_or(id, |o| o.metric.title.as_str())
}

fn percent_of_level(level: f64) -> String {
    let percent = level * 100.0;
    // 95 and 80 as they are; the odd levels of corrections with what tells them apart.
    let decimals = if (percent - percent.round()).abs() < 1e-9 { 0 } else { 2 };
    numbers::with_unit(&without_zeros(&numbers::number(percent, decimals)), "%")
}

/// «B − A»; a control that is the pool of several stands in brackets: «248 − (246 + 247)».
pub fn minus(treatment: &str, control: &str) -> String {
    let bracketed = |id: &str| if id.contains(" + ") { format!("({id})") } else { id.to_owned() };
    format!("{} − {}", bracketed(treatment), bracketed(control))
}

/// «95 %», «98,33 %».
pub fn level_words(level: f64) -> String {
    percent_of_level(level)
}

/// A relative change as a percentage with one decimal, or none where it is large.
pub fn relative_words(share: f64) -> String {
    numbers::signed_percent(share, relative_decimals(share))
}

/// The interval of a relative change, with the decimals of the change itself.
pub fn relative_interval(share: f64, (low, high): (f64, f64)) -> String {
    numbers::interval_of_percent(low, high, relative_decimals(share))
}

fn relative_decimals(share: f64) -> usize {
    if share.abs() >= 1.0 { 0 } else { 1 }
}

/// One guardrail in one treatment.
#[derive(Serialize)]
struct GuardrailFacts {
    /// The treatment as the config names it.
    #[serde(skip)]
    id: String,
    title: String,
    control: String,
    treatment: String,
    /// Without sign, with unit.
    size: Option<String>,
    higher: bool,
    interval: Option<String>,
    p: f64,
    /// Significantly better.
    better: bool,
    /// Significantly worse, and not within the margin.
    harmed: bool,
    /// Significantly worse, but within the margin.
    tolerated: bool,
    /// The interval does not exclude a harm of the margin.
    unproven: bool,
    margin: Option<String>,
}

fn guardrails(f: &Findings) -> Vec<GuardrailFacts> {
    let mut found = Vec::new();
    for o in f.outcomes.iter().filter(|o| o.metric.role == Role::Guardrail) {
        let scale = Scale::of(o);
        let control = o.groups.first().map(|g| g.id.as_str());
        for c in o.comparisons.iter().filter(|c| Some(c.control.as_str()) == control) {
            let said = pair(o, c, &scale);
            found.push(GuardrailFacts {
                id: c.treatment.clone(),
                title: o.metric.title.clone(),
                control: said.control,
                treatment: said.treatment,
                size: said.size,
                higher: said.higher,
                interval: said.interval,
                p: said.p_adjusted,
                better: said.better,
                harmed: verdict::harms(o, c),
                tolerated: said.worse && !verdict::harms(o, c),
                unproven: verdict::harm_not_excluded(o, c),
                margin: o.metric.margin.map(|x| scale.size(x)),
            });
        }
    }
    found
}

/// Treatments that are reliably worse on the deciding metric.
fn lost(f: &Findings) -> Vec<Value> {
    let deciding = f.outcomes.iter().find(|o| o.metric.role == Role::Primary);
    let of = |o: &MetricOutcome| -> Vec<Value> {
        let scale = Scale::of(o);
        let control = o.groups.first().map(|g| g.id.as_str());
        let worse = |c: &&Comparison| Some(c.control.as_str()) == control && c.direction == Direction::Worse;
        let said = |c: &Comparison| {
            let said = pair(o, c, &scale);
            json!({ "treatment": said.treatment, "difference": said.difference, "interval": said.interval })
        };
        o.comparisons.iter().filter(worse).map(said).collect()
    };
    deciding.map(of).unwrap_or_default()
}

/// Metrics that do not decide and are reliably worse in the winner.
fn worse_beside(f: &Findings) -> Vec<Value> {
    let deciding = f.outcomes.iter().position(|o| o.metric.role == Role::Primary);
    let beside = f
        .outcomes
        .iter()
        .enumerate()
        .filter(|(at, o)| Some(*at) != deciding && verdict::decides_nothing(o.metric.role));
    let pairs = beside.flat_map(|(_, o)| o.comparisons.iter().map(move |c| (o, c)));
    pairs
        .filter(|(o, c)| o.groups.first().is_some_and(|control| control.id == c.control))
        .filter(|(_, c)| Some(&c.treatment) == f.verdict.winner.as_ref())
        .filter(|(_, c)| c.plain_direction() == Direction::Worse)
        .map(|(o, c)| {
            let said = pair(o, c, &Scale::of(o));
            json!({ "title": o.metric.title, "treatment": said.treatment, "size": said.size, "p": said.p_adjusted })
        })
        .collect()
}

/// Parts of the users in which the winner is reliably worse.
fn worse_segments(f: &Findings) -> Vec<Value> {
    let Some(o) = f.outcomes.iter().find(|o| o.metric.role == Role::Primary) else { return Vec::new() };
    let scale = Scale::of(o);
    let of_winner = f.segments.iter().filter(|by| Some(&by.treatment) == f.verdict.winner.as_ref());
    let parts = of_winner.flat_map(|by| by.losing(o).map(move |part| (by, part)));
    parts
        .map(|(by, part)| {
            json!({
                "title": by.title,
                "part": part_words(part),
                "difference": scale.difference(part.effect.estimate),
                "interval": scale.interval((part.effect.ci.low, part.effect.ci.high)),
            })
        })
        .collect()
}

/// The pair with the control that the deciding rule is about; where several fit, the one with the clearest answer.
fn speaking<'a>(
    o: &'a MetricOutcome,
    verdict: &Verdict,
    harming: &impl Fn(&str) -> bool,
) -> Option<&'a Comparison> {
    let control = o.groups.first()?.id.as_str();
    let meant = |c: &&Comparison| match verdict.rule {
        "guardrail-harmed" | "guardrail-harmed-early" => harming(&c.treatment),
        "guardrail-unproven" => c.direction == Direction::Better && !harming(&c.treatment),
        "primary-worse" => c.direction == Direction::Worse,
        "below-interest" => c.direction == Direction::Better,
        // Whoever has lost is told beside.
        "within-boundaries" => c.direction == Direction::None,
        "rank-and-mean-disagree" => c.ranks_oppose_means(),
        _ => verdict.winner.as_ref().is_none_or(|w| *w == c.treatment || w == control),
    };
    let against = || o.comparisons.iter().filter(|c| c.control == control);
    let clearest = |a: &&Comparison, b: &&Comparison| a.p_adjusted.total_cmp(&b.p_adjusted);
    against().filter(meant).min_by(clearest).or_else(|| against().min_by(clearest))
}

/// A p-value of a normality test beside its level, with the digits that tell them apart: «p = 0,00002».
pub fn normality_p(p: f64, alpha: f64) -> String {
    if p >= 0.001 {
        numbers::p_value_against(p, alpha)
    } else if p >= 1e-6 {
        format!("p\u{a0}=\u{a0}{}", numbers::significant(p, 1))
    } else {
        format!("p\u{a0}<\u{a0}{}", numbers::number(1e-6, 6))
    }
}

/// Observations of a group below which an approximation must not be called exact.
const FEW: u64 = 200;

/// Everything templates may read, for one experiment.
pub fn of(f: &Findings) -> Value {
    let e = &f.config.experiment;
    let evidence = Evidence {
        config: &f.config,
        trust: &f.trust,
        split: &f.split,
        outcomes: &f.outcomes,
        segments: &f.segments,
        rules_changed: !f.changes.is_empty(),
    };
    let void = f.verdict.action == verdict::Action::Invalid;
    let told = |o| match (void, f.verdict.too_early()) {
        (true, _) => metric(&f.config, o).all_read("void"),
        (false, true) => metric(&f.config, o).all_read("early"),
        (false, false) => metric(&f.config, o),
    };
    let metrics: Vec<MetricFacts> = f.outcomes.iter().map(told).collect();
    let primary = evidence.primary().map(|o| metric(&f.config, o));
    let guardrails = guardrails(f);
    let harming = |treatment: &str| guardrails.iter().any(|g| g.harmed && g.id == treatment);
    let deciding =
        evidence.primary().and_then(|o| Some(pair(o, speaking(o, &f.verdict, &harming)?, &Scale::of(o))));
    let treatments: Vec<&str> = evidence
        .primary()
        .map(|o| o.groups.iter().skip(1).map(|g| g.id.as_str()).collect())
        .unwrap_or_default();
    let next_best = evidence.primary().zip(f.verdict.winner.as_deref()).and_then(|(o, winner)| {
        let control = o.groups.first()?.id.as_str();
        let better = |id: &str| {
            let against = o.comparisons.iter().find(|c| c.control == control && c.treatment == id);
            against.is_some_and(|c| c.direction == Direction::Better) && !harming(id)
        };
        let others = o.groups.iter().map(|g| g.id.as_str()).filter(|id| *id != winner);
        // A tie is a tie with another version that could be rolled out too.
        let rivals = others.filter(|id| f.verdict.rule != "winner-tied" || better(id));
        let apart = rivals.filter_map(|id| Some((id, evidence.told_apart(winner, id)?)));
        let (id, hardest) = apart.max_by(|a, b| a.1.p.total_cmp(&b.1.p))?;
        Some(json!({ "id": names::group(id), "p": hardest.p, "significant": hardest.significant }))
    });
    let mut ranking: Vec<(&str, f64)> = evidence
        .primary()
        .map(|o| o.groups.iter().filter_map(|g| Some((g.id.as_str(), g.mean?))).collect())
        .unwrap_or_default();
    let up = evidence.primary().is_none_or(|o| o.metric.goal == Goal::Increase);
    ranking.sort_by(|a, b| if up { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
    let spread = verdict::spread_ratio(&evidence).and_then(|ratio| {
        let o = evidence.primary()?;
        let scale = Scale { decimals: 0, ..Scale::of(o) };
        let by_sd = |g: &&crate::metrics::outcome::GroupOutcome| g.sd.unwrap_or(0.0);
        let wide = o.groups.iter().max_by(|a, b| by_sd(a).total_cmp(&by_sd(b)))?;
        let narrow = o.groups.iter().min_by(|a, b| by_sd(a).total_cmp(&by_sd(b)))?;
        let shown = |x: f64| scale_sd(&scale, x);
        Some(json!({
            "times": plural::times(ratio, 1),
            "half_as_large_again": (1.4..1.6).contains(&ratio),
            "wide": names::group(&wide.id),
            "narrow": names::group(&narrow.id),
            "wide_is_control": o.groups.first().is_some_and(|g| g.id == wide.id),
            "wide_sd": shown(wide.sd?),
            "narrow_sd": shown(narrow.sd?),
        }))
    });
    let choices: Vec<Value> = f
        .choices
        .iter()
        .map(|c| {
            json!({
                "metric": c.question.metric,
                "named": names::metric(&c.question.metric),
                "kind": c.question.kind.name(),
                "n": c.question.n,
                "small": c.question.n < FEW,
                "p": c.question.normality.as_ref().map(|n| normality_p(n.p, c.question.alpha)),
                "normality_test": c.question.normality.as_ref().map(|n| n.test.clone()),
                "threshold": compact(c.question.alpha),
                "normal": c.normal,
                "recommended": c.recommended,
                "beside": c.beside,
            })
        })
        .collect();
    let device = f.config.cross_device.as_ref().map(|c| {
        let plan = f.plans.first();
        let cost = consequences(c, plan.map_or(2, |p| p.groups)).as_designed.inflation;
        json!({
            "by_device": c.unit == RandomisationUnit::Device,
            // How many times the planned users are needed, where that shows.
            "times": (cost > 1.005).then(|| plural::times(cost, 2)),
            "n_total": plan.map(|p| (p.n_exact * cost).ceil() as u64 * u64::from(p.groups)),
            "sources": c.sources.iter().map(|s| s.title.clone()).collect::<Vec<_>>(),
        })
    });
    // More days than are left until the end that was fixed.
    let days_left = deciding.as_ref().and_then(|pair| pair.watch.as_ref()?["days_left"].as_i64());
    let days_to_end = e.end.and_then(|end| Some(i64::from(f.date.until(end).ok()?.get_days())));
    let short_of_plan = days_left.zip(days_to_end).is_some_and(|(needed, given)| needed > given.max(0));
    let primary_pairs = f.outcomes.first().map(|o| o.comparisons.len()).unwrap_or(0);
    json!({
        "experiment": {
            "id": e.id,
            "title": e.title,
            "hypothesis": e.hypothesis,
            "owner": e.owner,
            "planned": e.status == crate::config::valid::Status::Planned,
            "running": e.status == crate::config::valid::Status::Running,
            "finished": e.status == crate::config::valid::Status::Finished,
            "start": e.start.map(|d| d.to_string()),
            "end": e.end.map(|d| d.to_string()),
            // The nights after it are no looks any more.
            "past_end": e.end.is_some_and(|end| end < f.date),
            "period": e.start.zip(e.end).map(|(a, b)| dates::period(a, b)),
        },
        "date": f.date.to_string(),
        "alpha": f.config.design.alpha,
        "level": percent_of_level(1.0 - f.config.design.alpha),
        "false_alarms": percent_of_level(f.config.design.alpha),
        "power": percent_of_level(f.config.design.power),
        "correction": f.config.design.correction,
        "corrected": f.config.design.correction != crate::config::valid::Correction::None && primary_pairs > 1,
        "pairs": primary_pairs,
        "rows": f.data.as_ref().map(|d| d.reading.rows),
        "units": f.data.as_ref().map(|d| d.groups.iter().map(|g| g.units).sum::<u64>()),
        "users_now": users_now(f),
        "decided": history::decided(f),
        "streamed": f.data.as_ref().and_then(|d| d.streamed.as_ref()).map(|s| json!({
            "step": s.step, "of_units": s.of_units, "error": s.quantile_error,
        })),
        "settled": f.data.as_ref().and_then(|d| d.settled).map(dates::long),
        "summed": f.data.as_ref().is_some_and(|d| d.sums().is_some()),
        "short_of_plan": short_of_plan,
        "void": void,
        "early": f.verdict.too_early(),
        "winner": f.verdict.winner.as_deref().map(names::group),
        "primary": primary,
        "pair": deciding,
        "treatments": treatments.iter().map(|id| names::group(id)).collect::<Vec<_>>(),
        "harming": treatments.iter().filter(|t| harming(t)).map(|id| names::group(id)).collect::<Vec<_>>(),
        "guardrails": guardrails,
        "next_best": next_best,
        "lost": lost(f),
        "worse_beside": worse_beside(f),
        "worse_segments": worse_segments(f),
        "ranking": ranking.iter().map(|(id, _)| names::group(id)).collect::<Vec<_>>(),
        "spread": spread,
        "metrics": metrics,
        "watch": watch::watch(f),
        "quality": watch::quality(f),
        "changes": watch::changes(f),
        "worth": f.worth.iter().map(|w| watch::worth(f, w)).collect::<Vec<_>>(),
        "proof": validation::proof(f),
        "trust": trust(f),
        "plans": f.plans.iter().filter_map(|p| plan(&f.config, p)).collect::<Vec<_>>(),
        "choices": choices,
        "device": device,
    })
}

/// How many users take part so far: by the rows, else by the sizes that the primary metric was given.
fn users_now(f: &Findings) -> Option<u64> {
    let given = || f.outcomes.iter().find(|o| o.metric.role == Role::Primary && o.conditional.is_none());
    f.units().or_else(|| given().map(|o| o.groups.iter().map(|g| g.n).sum()))
}

/// A standard deviation with few digits.
fn scale_sd(scale: &Scale, x: f64) -> String {
    numbers::with_unit(&numbers::significant(x, 2), scale.axis_unit())
}
