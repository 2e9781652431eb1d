//! From estimators to outcomes: the tests of every pair, the correction over their families, and only then the intervals,
//! at the level at which each pair was judged.

use std::collections::BTreeMap;

use super::outcome::{Comparison, Direction, Estimate, GroupOutcome, Handling, MetricOutcome, NamedTest};
use super::{Draft, Simultaneous, family, proportion, size, summed};
use crate::config::valid::{Aggregate, Config, Correction, Metric, MetricSource};
use crate::data::Dataset;
use crate::planning::PlanOutcome;
use crate::stats::{Level, Undefined};

/// What all comparisons of an experiment are made with.
pub struct Frame<'a> {
    pub config: &'a Config,
    pub data: Option<&'a Dataset>,
    pub plans: &'a [PlanOutcome],
    pub level: Level,
}

/// The tests of one metric, before they are judged.
pub struct Tested<'a> {
    draft: &'a Draft<'a>,
    groups: Vec<GroupOutcome>,
    pairs: Vec<Pair>,
    controls: Vec<Pair>,
}

/// One pair with its tests, the deciding one first.
struct Pair {
    control: usize,
    treatment: usize,
    tests: Vec<NamedTest>,
    /// The pair of a simultaneous test, whose p-value and interval already hold for all pairs of the metric.
    simultaneous: Option<Simultaneous>,
    /// Metrics of the family that the pair is judged in.
    metrics: usize,
}

/// Where a pair was judged.
#[derive(Clone, Copy)]
struct Judged {
    p_adjusted: f64,
    level: Level,
    family: usize,
}

/// Runs every test of every pair of a metric.
///
/// # Errors
/// The groups as far as they are known, and why there is no result.
pub fn test<'a>(frame: &Frame, draft: &'a Draft<'a>) -> Result<Tested<'a>, (Vec<GroupOutcome>, Undefined)> {
    let design = &frame.config.design;
    let estimator = draft.estimator.as_ref();
    let groups = estimator.groups(frame.level);
    let metrics = metrics_of_family(frame.config, draft.metric);
    let run = |pairs: Vec<(usize, usize)>| -> Result<Vec<Pair>, Undefined> {
        let pair = |(control, treatment)| {
            let tests = estimator.tests(control, treatment)?;
            Ok(Pair { control, treatment, tests, simultaneous: None, metrics })
        };
        pairs.into_iter().map(pair).collect()
    };
    let pairs = draft.layout.pairs(groups.len(), design.comparisons);
    if pairs.is_empty() {
        let found = groups.len() as u64;
        return Err((groups, Undefined::TooFewGroups { needed: 2, found }));
    }
    let level = Level::from_alpha(frame.level.alpha() / metrics as f64).unwrap_or(frame.level);
    let simultaneous = match design.correction {
        Correction::Tukey => estimator.simultaneous(&pairs, true, level),
        Correction::Dunnett => estimator.simultaneous(&pairs, false, level),
        _ => None,
    };
    let tested = run(pairs).and_then(|pairs| Ok((pairs, run(draft.layout.controls())?)));
    let (mut pairs, controls) = match tested {
        Ok(tested) => tested,
        Err(reason) => return Err((groups, reason)),
    };
    for (pair, of_all) in pairs.iter_mut().zip(simultaneous.into_iter().flatten()) {
        pair.tests.insert(0, of_all.test.clone());
        pair.simultaneous = Some(of_all);
    }
    Ok(Tested { draft, groups, pairs, controls })
}

/// Corrects over the families and turns tests into outcomes, in the order of the metrics.
pub fn judge(frame: &Frame, tested: Vec<Tested>) -> Vec<MetricOutcome> {
    let correction = frame.config.design.correction;
    let mut families: BTreeMap<Family, Vec<(usize, usize)>> = BTreeMap::new();
    for (metric, of_metric) in tested.iter().enumerate() {
        let family = Family::of(of_metric.draft.metric, metric);
        let own = families.entry(family).or_default();
        own.extend((0..of_metric.pairs.len()).map(|pair| (metric, pair)));
    }
    let mut judged: BTreeMap<(usize, usize), Judged> = BTreeMap::new();
    for members in families.values() {
        let pairs = || members.iter().map(|&(metric, pair)| &tested[metric].pairs[pair]);
        let verdicts = adjusted(frame.level, correction, pairs());
        judged.extend(members.iter().copied().zip(verdicts));
    }
    let controls: Vec<Judged> =
        adjusted(frame.level, correction, tested.iter().flat_map(|of_metric| &of_metric.controls));
    let mut controls = controls.into_iter();
    let mut outcomes = Vec::with_capacity(tested.len());
    for (metric, of_metric) in tested.into_iter().enumerate() {
        let own: Vec<Judged> =
            (0..of_metric.pairs.len()).filter_map(|pair| judged.get(&(metric, pair)).copied()).collect();
        let of_controls = controls.by_ref().take(of_metric.controls.len()).collect();
        outcomes.push(outcome(frame, of_metric, own, of_controls));
    }
    outcomes
}

/// What is corrected together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// The metrics of one `family` key.
    Named(String),
    /// One metric alone.
    Metric(usize),
}

impl Family {
    fn of(metric: &Metric, index: usize) -> Family {
        metric.family.clone().map_or(Family::Metric(index), Family::Named)
    }
}

/// A simultaneous test holds for the pairs of one metric; the metrics of a family share the error by Bonferroni's inequality.
fn metrics_of_family(config: &Config, metric: &Metric) -> usize {
    match &metric.family {
        Some(family) => config.metrics.iter().filter(|m| m.family.as_ref() == Some(family)).count(),
        None => 1,
    }
}

fn adjusted<'p>(level: Level, correction: Correction, pairs: impl Iterator<Item = &'p Pair>) -> Vec<Judged> {
    let pairs: Vec<&Pair> = pairs.collect();
    let family = pairs.len();
    let raw: Vec<f64> = pairs.iter().map(|pair| pair.tests[0].p).collect();
    if pairs.iter().all(|pair| pair.simultaneous.is_none()) {
        let judge = |(&p, p_adjusted)| {
            let level = family::judged_level(level, p, p_adjusted, family, correction);
            Judged { p_adjusted, level, family }
        };
        return raw.iter().zip(family::adjust(&raw, correction)).map(judge).collect();
    }
    // Each simultaneous test holds for its own metric; where another metric of the family has no such test, Holm's stands in for it.
    let others: Vec<f64> = pairs.iter().filter(|p| p.simultaneous.is_none()).map(|p| p.tests[0].p).collect();
    let mut stand_ins = family::adjust(&others, correction).into_iter();
    let judge = |(pair, &p): (&&Pair, &f64)| {
        let metrics = pair.metrics as f64;
        let (within, most) = match pair.simultaneous {
            Some(_) => (p, 1),
            None => (stand_ins.next().unwrap_or(1.0), others.len()),
        };
        let shared = Level::from_alpha(level.alpha() / metrics).unwrap_or(level);
        let level = family::judged_level(shared, p, within, most, correction);
        Judged { p_adjusted: (within * metrics).min(1.0), level, family }
    };
    pairs.iter().zip(&raw).map(judge).collect()
}

fn outcome(frame: &Frame, tested: Tested, judged: Vec<Judged>, controls: Vec<Judged>) -> MetricOutcome {
    let Tested { draft, mut groups, pairs, controls: control_pairs } = tested;
    let estimator = draft.estimator.as_ref();
    let conditional = conditional(draft, &groups, frame.data);
    let compared = |pair: Pair, judged: Judged, decides: bool| {
        let conditional = conditional.as_deref();
        comparison(frame, draft, &groups, conditional, pair, judged, decides)
    };
    let family = judged.first().map_or(0, |first| first.family) as u64;
    let comparisons: Vec<Comparison> =
        pairs.into_iter().zip(judged).map(|(pair, judged)| compared(pair, judged, true)).collect();
    let controls =
        control_pairs.into_iter().zip(controls).map(|(pair, judged)| compared(pair, judged, false)).collect();
    let separate: Vec<GroupOutcome> = groups.drain(1..=draft.layout.parts).collect();
    let plan = frame.plans.iter().find(|plan| Some(&plan.id) == draft.metric.plan.as_ref());
    let at_plan =
        plan.and_then(|plan| proportion::at_plan(frame.config, draft.metric, plan, &groups, &comparisons));
    MetricOutcome {
        metric: draft.metric.clone(),
        alpha: frame.config.design.alpha,
        omnibus: estimator.omnibus(usize::from(draft.layout.parts > 0)),
        separate,
        controls,
        comparisons,
        family,
        handling: Handling {
            rounded: frame.data.and_then(|data| summed::rounding(draft.metric, data.sums()?)),
            ..estimator.handling()
        },
        choice: estimator.choice(),
        conditional,
        at_plan,
        undefined: None,
        groups,
    }
}

fn comparison(
    frame: &Frame,
    draft: &Draft,
    groups: &[GroupOutcome],
    conditional: Option<&[(String, f64)]>,
    pair: Pair,
    judged: Judged,
    decides: bool,
) -> Comparison {
    let (config, estimator) = (frame.config, draft.estimator.as_ref());
    let (c, t) = (pair.control, pair.treatment);
    let mut effects = estimator.effects(c, t, judged.level);
    if let Some(of_all) = pair.simultaneous {
        effects.absolute = effects.absolute.map(|effect| Estimate { ci: of_all.ci, ..effect });
        effects.relative = of_all.relative;
        effects.relative_log = None;
    }
    let significant = judged.p_adjusted < config.design.alpha;
    // One hypothesis, one verdict: where a test of ranks decides, an interval of means that says otherwise is the answer to
    // another question and stands beside, not as the interval of this effect.
    let agrees = |effect: Estimate| {
        let says = effect.ci.map(|(low, high)| low > 0.0 || high < 0.0);
        Estimate { ci: effect.ci.filter(|_| says == Some(significant)), ..effect }
    };
    let (absolute, relative) = (effects.absolute.map(agrees), effects.relative.map(agrees));
    // A rank test decides by the shift; where ties make the shift zero the mean tells the side.
    let sign = [effects.shift, absolute]
        .into_iter()
        .flatten()
        .map(|effect| effect.estimate)
        .find(|estimate| *estimate != 0.0)
        .unwrap_or(0.0);
    let sizing = size::Sizing {
        control: &groups[c],
        treatment: &groups[t],
        spread: estimator.unit_variance(c).zip(estimator.unit_variance(t)),
        alpha: judged.level.alpha(),
        power: config.design.power,
    };
    let arms = groups.len() - usize::from(draft.layout.parts > 0);
    Comparison {
        control: groups[c].id.clone(),
        treatment: groups[t].id.clone(),
        deciding: pair.tests[0].clone(),
        p_adjusted: judged.p_adjusted,
        significant,
        level: judged.level.get(),
        absolute,
        relative,
        relative_log: effects.relative_log,
        shift: effects.shift,
        superiority: effects.superiority,
        beside: estimator.beside(c, t, judged.level),
        adjustment: effects.adjustment,
        direction: Direction::of(sign, draft.metric.goal, significant),
        detectable: sizing.detectable(),
        needed: (decides && !significant)
            .then(|| sizing.needed(config, draft.metric, conditional, arms, frame.data))
            .flatten(),
        replicates: effects.replicates,
        driver: estimator.driver(c, t),
        points: estimator.point(c).zip(estimator.point(t)).map(|(c, t)| [c, t]),
        monitoring: None,
        tests: pair.tests,
    }
}

/// The share of units that a metric with a condition is defined on, by group; none where it covers all of them.
fn conditional(draft: &Draft, groups: &[GroupOutcome], data: Option<&Dataset>) -> Option<Vec<(String, f64)>> {
    let MetricSource::Rows(rows) = &draft.metric.source else { return None };
    // Rows in clusters are not units, so their number says nothing about a share of units.
    if rows.aggregate == Aggregate::Rows || (rows.filter.is_none() && rows.from.is_none()) {
        return None;
    }
    let of = |id: &str| data?.groups.iter().find(|g| g.id == id).map(|g| g.units);
    let separate = groups.iter().skip(1).take(draft.layout.parts);
    let pool: u64 = separate.filter_map(|group| of(&group.id)).sum();
    let share = |(at, group): (usize, &GroupOutcome)| {
        let units = if at == 0 && draft.layout.parts > 0 { Some(pool) } else { of(&group.id) };
        Some((group.id.clone(), group.n as f64 / units.filter(|units| *units > 0)? as f64))
    };
    let shares: Vec<(String, f64)> = groups
        .iter()
        .enumerate()
        .filter(|(at, _)| !(1..=draft.layout.parts).contains(at))
        .filter_map(share)
        .collect();
    shares.iter().any(|(_, share)| *share < 1.0).then_some(shares)
}
