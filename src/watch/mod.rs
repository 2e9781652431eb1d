//! Looking every night without fooling oneself: what the nights before saw, tonight's look, and what both say together.
//!
//! [`crate::monitoring`] knows boundaries and intervals of one comparison; this room knows experiments: which size is
//! planned, what a night keeps, which nights count, and how a watched comparison replaces the naive one in the outcome.
//!
//! A night keeps one [`Seen`] a pair: information, estimate and standard error. Information is counted in randomised units,
//! n₁n₂/(n₁ + n₂), so that a metric on a part of them (revenue of a buyer) goes by the same clock as all others.

mod plan;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::config::valid::{Config, Monitoring as Way, Status};
use crate::data::Dataset;
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome, NamedTest};
use crate::metrics::{Glance, relative};
use crate::monitoring::{Closing, Effect, LEAST_STEP, Look, Monitoring, monitor};
use crate::planning::PlanOutcome;
use crate::stats::Interval;

pub use plan::planned_units;

/// What a night saw of one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Metric id.
    pub metric: String,
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// n₁n₂/(n₁ + n₂) of the randomised units.
    pub information: f64,
    /// The difference with its standard error; none where there was none.
    pub effect: Option<Effect>,
}

/// A night with all its looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Night {
    /// Data date.
    pub date: Date,
    /// Way of looking; a night whose report showed no result because of `fixed` was no look.
    pub way: Way,
    /// Pairs in the order of the outcomes.
    pub seen: Vec<Seen>,
    /// Nobody kept it: it was made again from the rows of its day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_again: bool,
}

/// How an experiment is watched.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The way of looking that applies.
    pub way: Way,
    /// Nights that count, tonight included.
    pub nights: usize,
    /// Of them: nights that nobody kept and that were made again from the rows of their days.
    pub recomputed: usize,
    /// Units a group at which the experiment ends or a decision is expected.
    pub planned: Option<u64>,
    /// The planned size was assumed because nothing says it.
    pub assumed: bool,
}

/// Which way of looking applies: that of the config, and after the end that of the nights before, because looks that were
/// made cannot be unmade.
pub fn way(config: &Config, before: &[Night]) -> Way {
    let written = config.design.monitoring;
    let watched = before.iter().rev().map(|night| night.way).find(|way| *way != Way::Fixed);
    match (written, config.experiment.status) {
        (Way::Fixed, Status::Finished) => watched.unwrap_or(Way::Fixed),
        (_, Status::Finished) if config.design.monitoring_by_dates => watched.unwrap_or(Way::Fixed),
        _ => written,
    }
}

/// What tonight keeps.
pub fn seen(outcomes: &[MetricOutcome], data: Option<&Dataset>) -> Vec<Seen> {
    let pairs = outcomes.iter().flat_map(|o| o.comparisons.iter().map(move |c| (o, c)));
    pairs
        .filter_map(|(o, c)| {
            let estimate = c.points.map(|[control, treatment]| treatment.0 - control.0);
            let effect = estimate.zip(c.error()).map(|(estimate, se)| Effect { estimate, se });
            let (n1, n2) = (units(o, &c.control, data)?, units(o, &c.treatment, data)?);
            Some(Seen {
                metric: o.metric.id.clone(),
                control: c.control.clone(),
                treatment: c.treatment.clone(),
                information: if n1 + n2 > 0.0 { n1 * n2 / (n1 + n2) } else { 0.0 },
                effect,
            })
        })
        .collect()
}

/// What a night before would have kept, made again from the rows of its day.
pub fn seen_again(glances: Vec<Glance>, data: &Dataset) -> Vec<Seen> {
    let of = |id: &str| data.groups.iter().find(|g| g.id == id).map_or(0.0, |g| g.units as f64);
    let seen = |glance: Glance| {
        let n1 = match glance.pooled.as_slice() {
            [] => of(&glance.control),
            parts => parts.iter().map(|part| of(part)).sum(),
        };
        let n2 = of(&glance.treatment);
        let effect = glance.points.and_then(|[c, t]| {
            let se = (c.1 + t.1).sqrt();
            (se > 0.0).then_some(Effect { estimate: t.0 - c.0, se })
        });
        let information = if n1 + n2 > 0.0 { n1 * n2 / (n1 + n2) } else { 0.0 };
        Seen {
            metric: glance.metric,
            control: glance.control,
            treatment: glance.treatment,
            information,
            effect,
        }
    };
    glances.into_iter().map(seen).collect()
}

/// Randomised units of a group, of several controls together; without rows those of the metric.
fn units(o: &MetricOutcome, id: &str, data: Option<&Dataset>) -> Option<f64> {
    let of = |id: &str| data?.groups.iter().find(|g| g.id == id).map(|g| g.units as f64);
    let pool = || {
        let parts: Option<Vec<f64>> = o.separate.iter().map(|part| of(&part.id)).collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.iter().sum())
    };
    of(id).or_else(pool).or_else(|| o.group(id).map(|g| g.n as f64))
}

/// Puts what all nights together say in the place of tonight's naive answers.
///
/// `before` are the nights before tonight in order. Nothing is changed for a way of one look at the end.
pub fn watch(
    config: &Config,
    date: Date,
    outcomes: &mut [MetricOutcome],
    data: Option<&Dataset>,
    plans: &[PlanOutcome],
    before: &[Night],
) -> Option<Watch> {
    let way = way(config, before);
    if way == Way::Fixed || config.experiment.status == Status::Planned {
        return None;
    }
    let tonight = seen(outcomes, data);
    let counted: Vec<&Night> =
        before.iter().filter(|night| night.way != Way::Fixed && night.date < date).collect();
    let horizon = plan::horizon(config, way, outcomes, plans);
    let seen_since = data.and_then(|data| data.daily.as_ref()).and_then(|daily| daily.days.first());
    let begun = config.experiment.start.or(seen_since.map(|(first, _)| *first)).map(day);
    for o in outcomes.iter_mut() {
        let family = o.family.max(1) as f64;
        let shares = plan::Shares::of(config, o, data);
        for at in 0..o.comparisons.len() {
            let c = &o.comparisons[at];
            let key = |seen: &&Seen| {
                seen.metric == o.metric.id && seen.control == c.control && seen.treatment == c.treatment
            };
            let look = |date: Date, seen: &Seen| Look {
                day: day(date),
                information: seen.information,
                effect: seen.effect,
            };
            let mut looks: Vec<Look> = counted
                .iter()
                .filter_map(|night| night.seen.iter().find(key).map(|seen| look(night.date, seen)))
                .collect();
            let Some(own) = tonight.iter().find(key) else { continue };
            looks.push(look(date, own));
            let closing = close(config, &mut looks, horizon.units as f64 * shares.of_pair(c).share());
            let alpha = config.design.alpha / family;
            let mut rules = plan::rules(config, way, &o.metric, &horizon, &shares.of_pair(c), alpha, plans);
            // The warm-up is of the experiment, not of whoever began to look at it later.
            let elapsed = looks.first().zip(begun).map_or(0, |(first, begun)| (first.day - begun).max(0));
            rules.warm_up.days = rules.warm_up.days.saturating_sub(elapsed).max(0);
            if let Ok(monitoring) = monitor(&rules, &looks, closing) {
                replace(&mut o.comparisons[at], o.metric.goal, way, alpha, family, monitoring);
            }
        }
    }
    // Nights after the end are no looks.
    let counts = |night: Date| config.experiment.end.is_none_or(|end| night <= end);
    let looked: Vec<&&Night> = counted.iter().filter(|night| counts(night.date)).collect();
    Some(Watch {
        way,
        nights: looked.len() + usize::from(counts(date)),
        recomputed: looked.iter().filter(|night| night.made_again).count(),
        planned: Some(horizon.units),
        assumed: horizon.assumed,
    })
}

/// Days since 1970.
fn day(date: Date) -> i32 {
    date.since(Date::constant(1970, 1, 1)).map_or(0, |span| span.get_days())
}

/// Cuts the nights off at the end that was fixed in advance, which spends what is left of the error rate; an end that
/// somebody chose because of what was seen is none.
///
/// The last night that brought anything is the last look: nights after the end, and those at it that brought nothing, decide
/// nothing. `size` is the information of the end.
fn close(config: &Config, looks: &mut Vec<Look>, size: f64) -> Closing {
    let Some(end) = config.experiment.end.map(day) else { return Closing::Open };
    let Some(first) = looks.iter().position(|look| look.day >= end) else { return Closing::Open };
    looks.truncate(first + 1);
    while let [.., before, last] = looks.as_slice() {
        let brought = last.information - before.information >= LEAST_STEP * size;
        if brought && last.effect.is_some() {
            break;
        }
        looks.pop();
    }
    Closing::Scheduled
}

/// The watched answer in place of the naive one; the naive tests stay in the list behind it.
fn replace(
    c: &mut Comparison,
    goal: crate::config::valid::Goal,
    way: Way,
    alpha: f64,
    family: f64,
    monitoring: Monitoring,
) {
    let p = monitoring.p.map_or(1.0, |p| p.value);
    // Of the night that the p-value is of.
    let decisive = monitoring.decisive.and_then(|at| monitoring.looks.get(at)).or(monitoring.looks.last());
    let statistic = decisive.and_then(|look| look.z).map_or(0.0, |z| -z);
    let test = if way == Way::AlwaysValid { "always-valid" } else { "group-sequential" };
    c.deciding = NamedTest { test, statistic, df: None, p };
    c.tests.insert(0, c.deciding.clone());
    c.p_adjusted = (family * p).min(1.0);
    c.level = 1.0 - alpha;
    c.significant = monitoring.crossed.is_some();
    let ends = |interval: Interval| {
        Some((interval.low, interval.high)).filter(|(l, h)| l.is_finite() && h.is_finite())
    };
    let ci = monitoring.interval.and_then(ends);
    // A rank test and resampling have no sequential form; what is watched is the difference of means.
    if let (Some(effect), Some([control, treatment])) = (&mut c.absolute, c.points) {
        // The difference of tonight, as the values of the groups beside it are; after the decision the interval is that of the
        // deciding night, and what that night's difference is, freed of what stopping early adds, stands in `monitoring`.
        effect.estimate = treatment.0 - control.0;
        effect.ci = ci;
    }
    let boundary = monitoring.looks.last().and_then(|look| look.boundary_z).filter(|z| z.is_finite());
    let relative = match (c.points, boundary, monitoring.state.decided()) {
        (Some([control, treatment]), Some(z), false) => relative::fieller(control, treatment, z),
        _ => None,
    };
    c.relative =
        relative.or(c.relative.map(|effect| crate::metrics::outcome::Estimate { ci: None, ..effect }));
    c.relative_log = None;
    c.shift = None;
    c.superiority = None;
    c.replicates = None;
    c.direction = match monitoring.crossed {
        Some(crossing) => Direction::of(if crossing.up { 1.0 } else { -1.0 }, goal, true),
        None => Direction::None,
    };
    c.monitoring = Some(monitoring);
}
