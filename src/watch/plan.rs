//! The size at which an experiment ends, and the rules of watching one comparison.

use crate::config::valid::{Config, Goal, Metric, Monitoring as Way, PlanEstimand, Role, Spending};
use crate::data::Dataset;
use crate::metrics::outcome::{Comparison, MetricOutcome};
use crate::monitoring::{Futility, Method, Plan, WarmUp, efficiency};
use crate::planning::PlanOutcome;
use crate::stats::group_sequential::Spending as Spent;

/// Looks that the cost of looking is computed for, where the plan says no duration: four weeks.
const USUAL_LOOKS: u32 = 28;
/// Looks beyond which their number changes the cost by less than a percent.
const MOST_LOOKS: u32 = 60;
/// Units a group that confidence sequences are tuned to where nothing says a size.
const USUAL_UNITS: u64 = 5_000;

/// Units a group at the end.
pub struct Horizon {
    pub units: u64,
    pub assumed: bool,
}

pub(super) fn spent(spending: Spending) -> Spent {
    match spending {
        Spending::ObrienFleming => Spent::ObrienFleming,
        Spending::Pocock => Spent::Pocock,
        Spending::Power(rho) => Spent::Power(rho),
    }
}

/// The plan that sizes the experiment: that of the primary metric, else the only one.
fn sizing<'p>(config: &Config, plans: &'p [PlanOutcome]) -> Option<&'p PlanOutcome> {
    let primary = config.metrics.iter().find(|metric| metric.role == Role::Primary);
    let named = primary.and_then(|metric| metric.plan.as_ref());
    named.and_then(|id| plans.iter().find(|plan| plan.id == *id)).or(plans.first())
}

/// Units a group at which a group-sequential experiment ends: as declared, else those of the plan and what looking costs.
pub fn planned_units(config: &Config, plans: &[PlanOutcome], comparisons: u64) -> Option<u64> {
    if let Some(planned) = config.design.looks.planned {
        return Some(planned);
    }
    let plan = sizing(config, plans)?;
    let looks = plan.days.map_or(USUAL_LOOKS, |days| (days as u32).clamp(2, MOST_LOOKS));
    let alpha = config.design.alpha / comparisons.max(1) as f64;
    let cost = efficiency(alpha, config.design.power, Some(spent(config.design.looks.spending)), looks);
    let inflation = cost.map_or(1.0, |cost| cost.inflation);
    Some((plan.n_per_group as f64 * inflation).ceil() as u64)
}

/// The size that boundaries or sequences are made for.
pub(super) fn horizon(
    config: &Config,
    way: Way,
    outcomes: &[MetricOutcome],
    plans: &[PlanOutcome],
) -> Horizon {
    let family = outcomes.iter().find(|o| o.metric.role == Role::Primary).map_or(1, |o| o.family);
    let known = match way {
        Way::GroupSequential => planned_units(config, plans, family),
        _ => config.design.looks.expected.or_else(|| sizing(config, plans).map(|plan| plan.n_per_group)),
    };
    Horizon { units: known.unwrap_or(USUAL_UNITS), assumed: known.is_none() }
}

/// Units of the groups at a size of one unit a group on average, by the declared allocation.
pub(super) struct Shares {
    weights: Vec<(String, f64)>,
}

/// n₁n₂/(n₁ + n₂) of a pair at a size of one unit a group on average.
pub(super) struct OfPair(f64);

impl OfPair {
    /// The information itself.
    pub(super) fn share(&self) -> f64 {
        self.0
    }
}

impl Shares {
    pub(super) fn of(config: &Config, o: &MetricOutcome, data: Option<&Dataset>) -> Shares {
        let ids: Vec<String> = match data {
            Some(data) => data.groups.iter().map(|group| group.id.clone()).collect(),
            None => o
                .groups
                .iter()
                .filter(|_| o.separate.is_empty())
                .chain(&o.separate)
                .map(|g| g.id.clone())
                .collect(),
        };
        let weight = |id: &str| {
            let declared = config.design.allocation.iter().find(|(group, _)| group == id);
            declared
                .map_or(if config.design.allocation.is_empty() { 1.0 } else { 0.0 }, |(_, weight)| *weight)
        };
        let total: f64 = ids.iter().map(|id| weight(id)).sum();
        let scale = if total > 0.0 { ids.len() as f64 / total } else { 1.0 };
        let mut weights: Vec<(String, f64)> = ids.iter().map(|id| (id.clone(), weight(id) * scale)).collect();
        if let (false, Some(pool)) = (o.separate.is_empty(), o.groups.first()) {
            let parts = o.separate.iter().filter_map(|part| weights.iter().find(|(id, _)| *id == part.id));
            let sum = parts.map(|(_, weight)| weight).sum();
            weights.push((pool.id.clone(), sum));
        }
        Shares { weights }
    }

    pub(super) fn of_pair(&self, c: &Comparison) -> OfPair {
        let of =
            |id: &str| self.weights.iter().find(|(group, _)| group == id).map_or(1.0, |(_, weight)| *weight);
        let (a, b) = (of(&c.control), of(&c.treatment));
        OfPair(if a + b > 0.0 { a * b / (a + b) } else { 0.5 })
    }
}

/// The rules of watching one comparison.
pub(super) fn rules(
    config: &Config,
    way: Way,
    metric: &Metric,
    horizon: &Horizon,
    pair: &OfPair,
    alpha: f64,
    plans: &[PlanOutcome],
) -> Plan {
    let looks = &config.design.looks;
    let size = horizon.units as f64 * pair.0;
    let method = match way {
        Way::AlwaysValid => Method::AlwaysValid { expected: size },
        _ => Method::GroupSequential { planned: size, spending: spent(looks.spending) },
    };
    let futility = looks.futility.zip(hoped_for(config, metric, plans));
    Plan {
        method,
        alpha,
        warm_up: WarmUp {
            // Never past the end: a small experiment is looked at when it is over.
            information: (looks.warm_up_units as f64 * pair.0).min(size),
            days: i32::try_from(looks.warm_up_days).unwrap_or(i32::MAX),
        },
        futility: futility
            .map(|(least, effect)| Futility { effect, least })
            .filter(|_| way == Way::GroupSequential),
    }
}

/// The effect that is hoped for, with its sign: the smallest one of interest, else that of the plan.
fn hoped_for(config: &Config, metric: &Metric, plans: &[PlanOutcome]) -> Option<f64> {
    let sign = if metric.goal == Goal::Increase { 1.0 } else { -1.0 };
    if let Some(effect) = metric.min_effect {
        return Some(sign * effect);
    }
    let is_sized = metric.plan.is_some() || metric.role == Role::Primary;
    let id = metric.plan.as_ref().or(sizing(config, plans).map(|plan| &plan.id)).filter(|_| is_sized)?;
    let plan = config.plans.iter().find(|plan| plan.id == *id)?;
    let lift = match plan.estimand {
        PlanEstimand::Proportion { lift, .. } | PlanEstimand::Mean { lift, .. } => lift,
    };
    Some(sign * lift.abs())
}
