//! What templates may say of a metric and its pairs.

use serde::Serialize;
use serde_json::{Value, json};

use super::{names, percent_of_level, relative_words, watch};
use crate::config::valid::{Config, Goal, Metric, MetricSource, Role};
use crate::metrics::outcome::{Beside, Comparison, Direction, MetricOutcome, VarianceRemoved};
use crate::report::gates;
use crate::report::scale::Scale;
use crate::verdict;
use crate::wording::{numbers, plural};

/// How the data room names the covariates that are the metric itself before the experiment.
const PRE_PERIOD: &str = "pre-period: ";

/// One group of a metric.
#[derive(Serialize)]
struct GroupFacts {
    id: String,
    n: u64,
    value: Option<String>,
    sd: Option<String>,
    median: Option<String>,
    max: Option<String>,
}

/// One pair of a metric.
#[derive(Serialize)]
pub struct PairFacts {
    pub control: String,
    pub treatment: String,
    pub value_control: Option<String>,
    pub value_treatment: Option<String>,
    /// What came of the pair, one of [`READINGS`].
    pub reading: &'static str,
    /// With sign and unit.
    pub difference: Option<String>,
    /// Without sign, with unit.
    pub size: Option<String>,
    pub relative: Option<String>,
    /// The treatment's value is greater.
    pub higher: bool,
    /// The difference is zero in the digits that are shown.
    pub equal: bool,
    pub interval: Option<String>,
    /// The interval of the difference lies on one side of zero; false without an interval.
    pub excludes_zero: bool,
    pub level: String,
    pub p: f64,
    pub p_adjusted: f64,
    pub significant: bool,
    pub better: bool,
    pub worse: bool,
    /// Of a guardrail with a margin: no harm beyond it is left possible.
    pub harm_excluded: Option<bool>,
    /// Of a guardrail with a margin: for all that is known the harm is beyond it.
    pub harm_proven: bool,
    pub test: String,
    pub shift: Option<String>,
    pub shift_interval: Option<String>,
    /// p of Welch's test beside another deciding one.
    pub welch_p: Option<f64>,
    /// Welch's test beside another deciding one is significant at the level of the pair.
    pub means_differ: bool,
    pub bootstrap_interval: Option<String>,
    /// How likely the treatment's value is the greater one, where a rank test decides: «53 %».
    pub superiority: Option<String>,
    /// What watching every night says.
    pub watch: Option<Value>,
    /// The same question answered in other ways.
    pub beside: Vec<Value>,
    /// What knowledge of the units before the experiment took out.
    pub adjustment: Option<Value>,
    pub detectable: Option<String>,
    pub detectable_relative: Option<String>,
    pub driver: Option<Value>,
    pub needed: Option<Value>,
}

/// One metric.
#[derive(Serialize)]
pub struct MetricFacts {
    id: String,
    title: String,
    kind: &'static str,
    goal_increase: bool,
    role: Role,
    test: String,
    groups: Vec<GroupFacts>,
    control: Option<String>,
    pairs: Vec<PairFacts>,
    n_total: u64,
    omnibus: Option<Value>,
    assumption: Option<String>,
    conditional: Option<Value>,
    at_plan: Option<Value>,
    /// Comparisons that share the correction, where they are more than the pairs of this metric.
    family: Option<u64>,
    /// Pairs of separate controls.
    controls: Vec<PairFacts>,
    /// What was known of the units before the experiment and taken out of the differences.
    adjusted: Option<Value>,
    /// Replicates of the difference are drawn.
    resampled: bool,
    /// Extreme values that were drawn in.
    winsorized: Option<Value>,
    /// Rows and the units that they are clusters of.
    clusters: Option<Value>,
    /// So many values that tests of ranks and resampling were left out.
    large: bool,
    /// The most that a value was rounded, relative to itself.
    rounded: Option<String>,
    /// Code of the reason, a word of the vocabulary `undefined`.
    undefined: Option<&'static str>,
    normality_rejected: bool,
    /// Of a quantile: how many observations lie on its shorter side in the smaller group, on average.
    beyond: Option<u64>,
    min_effect: Option<String>,
    margin: Option<String>,
}

/// What may come of a pair: no difference may be believed, or not before the end; one where none may be; values and their
/// mean went opposite ways; better; worse; the boundary of the nights not crossed yet, or to the end; only the
/// distributions differ; nothing was found.
pub const READINGS: &[&str] = &[
    "void",
    "early",
    "differs",
    "opposite",
    "better",
    "worse",
    "inside",
    "not-crossed",
    "distributions",
    "none",
];

fn reading(o: &MetricOutcome, c: &Comparison) -> &'static str {
    let watched = c.monitoring.as_ref().filter(|m| m.crossed.is_none());
    match (c.direction, watched) {
        (Direction::Better | Direction::Worse, _) if o.metric.role == Role::Quality => "differs",
        _ if c.ranks_oppose_means() => "opposite",
        (Direction::Better, _) => "better",
        (Direction::Worse, _) => "worse",
        (Direction::None, Some(m)) => {
            if m.state.decided() {
                "not-crossed"
            } else {
                "inside"
            }
        }
        (Direction::None, None) => {
            if c.significant {
                "distributions"
            } else {
                "none"
            }
        }
    }
}

impl MetricFacts {
    /// The same where the verdict lets no difference speak: «void» or «early».
    pub fn all_read(mut self, reading: &'static str) -> Self {
        self.pairs.iter_mut().for_each(|pair| pair.reading = reading);
        self
    }
}

/// One pair, its numbers in the notation of the metric.
pub fn pair(o: &MetricOutcome, c: &Comparison, scale: &Scale) -> PairFacts {
    let value = |id: &str| o.group(id).and_then(|g| g.mean).map(|m| scale.value(m));
    let estimate = c.absolute.map(|a| a.estimate);
    let plain_percent = |share: f64| numbers::percent(share.abs(), if share.abs() < 0.1 { 1 } else { 0 });
    let ci = c.absolute.and_then(|a| a.ci);
    let welch_p = (c.deciding.test != "welch")
        .then(|| c.tests.iter().find(|t| t.test == "welch").map(|t| t.p))
        .flatten();
    PairFacts {
        reading: reading(o, c),
        control: names::group(&c.control),
        treatment: names::group(&c.treatment),
        value_control: value(&c.control),
        value_treatment: value(&c.treatment),
        difference: estimate.map(|x| scale.difference(x)),
        size: estimate.map(|x| scale.size(x)),
        relative: c.relative.map(|r| relative_words(r.estimate)),
        higher: estimate.is_some_and(|x| x > 0.0),
        equal: estimate.is_some_and(|x| scale.is_zero(x)),
        interval: ci.map(|ci| scale.interval(ci)),
        excludes_zero: ci.is_some_and(|(low, high)| low > 0.0 || high < 0.0),
        level: percent_of_level(c.level),
        p: c.deciding.p,
        p_adjusted: c.p_adjusted,
        significant: c.significant,
        better: c.plain_direction() == Direction::Better,
        worse: c.plain_direction() == Direction::Worse,
        harm_excluded: o.metric.margin.map(|_| !verdict::harm_not_excluded(o, c)),
        harm_proven: o.metric.margin.is_some_and(|margin| match (o.metric.goal, ci) {
            (Goal::Increase, Some((_, high))) => high <= -margin,
            (Goal::Decrease, Some((low, _))) => low >= margin,
            (_, None) => false,
        }),
        test: c.deciding.test.to_owned(),
        shift: c.shift.map(|s| scale.difference(s.estimate)),
        shift_interval: c.shift.and_then(|s| s.ci).map(|ci| scale.interval(ci)),
        welch_p,
        means_differ: welch_p.is_some_and(|p| p < 1.0 - c.level),
        bootstrap_interval: c.replicates.as_ref().map(|r| scale.interval(r.ci)),
        watch: watch::pair(c, scale),
        superiority: c.superiority.map(|s| numbers::percent(s.estimate, 0)),
        beside: c.beside.iter().map(|other| beside(o, c, other, scale)).collect(),
        adjustment: c.adjustment.as_ref().map(|removed| {
            let saved = c.needed.and_then(|n| n.days).map(|days| (days * (1.0 / removed.ratio - 1.0)).round());
            json!({
                "days_saved": saved.filter(|days| *days >= 1.0).map(|days| days as u64),
                // The effect for which they are saved.
                "seen": c.needed.map(|n| scale.size(n.effect)),
                "removed": numbers::percent((1.0 - removed.ratio).max(0.0), 0),
                "helps": removed.ratio < 0.995,
                // How many more units the same precision would need without the adjustment, where the number says something.
                "times": (removed.ratio > 0.0 && removed.ratio < 0.95).then(|| plural::times(1.0 / removed.ratio, 1)),
            })
        }),
        detectable: c.detectable.map(|d| scale.size(d.absolute)),
        detectable_relative: c.detectable.and_then(|d| d.relative).map(plain_percent),
        driver: c.driver.as_ref().map(|d| {
            json!({
                "group": names::group(&d.group),
                "value": scale.observed(d.value),
                "share": numbers::percent(d.share, 0),
                "mean_without": scale.value(d.mean_without),
                "difference_without": scale.difference(d.difference_without),
                "shrinks": estimate.is_some_and(|x| x.abs() > d.difference_without.abs()),
                "sign_turns": estimate.is_some_and(|x| x.signum() != d.difference_without.signum()),
            })
        }),
        needed: c.needed.map(|n| {
            json!({
                "effect": scale.size(n.effect),
                "relative": n.relative.map(plain_percent),
                "declared": o.metric.min_effect.is_some(),
                "users_per_group": n.users_per_group.ceil() as u64,
                "users": (n.users_per_group.ceil() as u64) * o.groups.len() as u64,
                "days": n.days.map(|d| d.ceil() as u64),
            })
        }),
    }
}

/// The metric with the same value and no condition, which answers the question of all users.
fn companion<'a>(config: &'a Config, o: &MetricOutcome) -> Option<&'a str> {
    let MetricSource::Rows(own) = &o.metric.source else { return None };
    let of_all = |m: &&Metric| {
        matches!(&m.source, MetricSource::Rows(rows)
            if rows.value == own.value && rows.from == own.from && rows.filter.is_none())
    };
    config.metrics.iter().find(of_all).map(|m| m.title.as_str())
}

/// An answer beside the deciding one, and whether the two agree.
fn beside(o: &MetricOutcome, c: &Comparison, other: &Beside, scale: &Scale) -> Value {
    let significant = other.test.p < 1.0 - c.level;
    let side = |estimate: f64| {
        if significant { Direction::of(estimate, o.metric.goal, true) } else { Direction::None }
    };
    json!({
        "way": other.way.name(),
        "difference": scale.difference(other.absolute.estimate),
        "interval": other.absolute.ci.map(|ci| scale.interval(ci)),
        "test": other.test.test,
        "p": other.test.p,
        "significant": significant,
        "agrees": side(other.absolute.estimate) == c.direction,
    })
}

/// What was known of the units before the experiment, in words.
fn adjusted(config: &Config, o: &MetricOutcome, known: &VarianceRemoved) -> Value {
    let words = |names: &[String]| -> Vec<String> {
        let word = |name: &String| match name.starts_with(PRE_PERIOD) {
            true => "значение самого показателя до эксперимента".to_owned(),
            false => format!("«{}»", gates::column_title(config, None, name)),
        };
        let mut words: Vec<String> = names.iter().map(word).collect();
        words.dedup();
        words
    };
    let strata = match &o.metric.source {
        MetricSource::Rows(rows) => rows.adjustment.strata.as_deref(),
        _ => None,
    };
    json!({
        "known": words(&known.covariates),
        "dropped": words(&known.dropped),
        "strata": strata.map(|column| json!({
            "title": gates::column_title(config, None, column),
            "count": known.strata,
        })),
        "missing": known.missing,
    })
}

/// What a reader calls a metric: a step of a funnel is a share of those who came to it. The typographer sets the marks.
fn title(o: &MetricOutcome) -> String {
    match &o.metric.source {
        MetricSource::Step(_) => format!("Доля дошедших до шага \"{}\"", o.metric.title),
        _ => o.metric.title.clone(),
    }
}

/// One metric with all its pairs.
pub fn metric(config: &Config, o: &MetricOutcome) -> MetricFacts {
    let scale = Scale::of(o);
    let groups = o.groups.iter().map(|g| GroupFacts {
        id: names::group(&g.id),
        n: g.n,
        value: g.mean.map(|x| scale.value(x)),
        sd: g.sd.map(|x| scale.value(x)),
        median: g.median.map(|x| scale.observed(x)),
        max: g.max.map(|x| scale.observed(x)),
    });
    let alpha = o.alpha;
    MetricFacts {
        id: o.metric.id.clone(),
        title: title(o),
        kind: o.metric.kind.name(),
        goal_increase: o.metric.goal == Goal::Increase,
        role: o.metric.role,
        test: o.comparisons.first().map(|c| c.deciding.test).unwrap_or("auto").to_owned(),
        groups: groups.collect(),
        control: o.groups.first().map(|g| names::group(&g.id)),
        pairs: o.comparisons.iter().map(|c| pair(o, c, &scale)).collect(),
        n_total: o.groups.iter().map(|g| g.n).sum(),
        omnibus: o.omnibus.as_ref().map(|t| json!({
            "test": t.test, "p": t.p, "significant": t.p < alpha, "p_words": numbers::p_value_against(t.p, alpha),
        })),
        assumption: o.metric.assumption.clone(),
        conditional: o.conditional.as_ref().map(|shares| {
            json!({
                "shares": shares.iter().map(|(id, s)| format!("{}: {}", names::group(id), numbers::percent(*s, 2))).collect::<Vec<_>>(),
                "companion": companion(config, o),
            })
        }),
        at_plan: o.at_plan.as_ref().map(|a| {
            json!({ "n": a.n, "holds": a.holds, "ranking": a.ranking.iter().map(|id| names::group(id)).collect::<Vec<_>>(), "larger": o.groups.iter().all(|g| g.n < a.n) })
        }),
        family: Some(o.family).filter(|family| *family > o.comparisons.len() as u64),
        controls: o.controls.iter().map(|c| pair(o, c, &scale)).collect(),
        adjusted: o.comparisons.iter().find_map(|c| c.adjustment.as_ref()).map(|known| adjusted(config, o, known)),
        resampled: o.comparisons.len() == 1 && o.comparisons[0].replicates.is_some(),
        winsorized: o.handling.winsorized.map(|w| {
            json!({
                "low": w.low.map(|x| scale.value(x)),
                "high": w.high.map(|x| scale.value(x)),
                "raised": w.raised,
                "lowered": w.lowered,
            })
        }),
        clusters: o.handling.clusters.map(|(rows, units)| json!({ "rows": rows, "units": units })),
        large: o.handling.large,
        rounded: o.handling.rounded.map(rounded),
        undefined: o.undefined.as_ref().map(|reason| reason.code()),
        normality_rejected: o.groups.iter().filter_map(|g| g.normality).any(|n| n.p < 0.05),
        beyond: verdict::beyond_quantile(o),
        min_effect: o.metric.min_effect.map(|x| scale.size(x)),
        margin: o.metric.margin.map(|x| scale.size(x)),
    }
}

/// An error of rounding as a share of the value, with one digit, rounded up.
fn rounded(error: f64) -> String {
    let decimals = (-(error * 100.0).log10()).ceil().clamp(0.0, 9.0);
    let places = 10_f64.powf(decimals);
    numbers::percent((error * 100.0 * places).ceil() / places / 100.0, decimals as usize)
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn an_error_is_never_told_smaller_than_it_is() {
        assert_eq!(rounded(0.5_f64.powi(17)).replace('\u{a0}', " "), "0,0008 %");
        assert_eq!(rounded(0.5_f64.powi(11)).replace('\u{a0}', " "), "0,05 %");
    }
}
