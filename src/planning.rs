//! Sample size, duration and detectable effect, before an experiment and in hindsight.

use serde::Serialize;

use crate::config::valid::{Plan, PlanEstimand, Traffic};
use crate::monitoring::efficiency;
use crate::stats::Undefined;
use crate::stats::group_sequential::Spending;
use crate::stats::power::{self, Design};

/// The answer to one plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlanOutcome {
    /// Plan id.
    pub id: String,
    /// Groups that share the traffic.
    pub groups: u32,
    /// Cohen's h of a proportion, Cohen's d of a mean; absolute value.
    pub effect_size: f64,
    /// Units in each group, not rounded.
    pub n_exact: f64,
    /// Units in each group, rounded up.
    pub n_per_group: u64,
    /// Units in all groups.
    pub n_total: u64,
    /// Days of the whole experiment, rounded up; none without traffic.
    pub days: Option<u64>,
    /// Pairs of groups, when all are compared.
    pub pairs: u32,
    /// The same with Bonferroni's correction over all pairs; equal to the plain answer for two groups.
    pub corrected: Sized,
    /// Durations for other effects and numbers of groups, for the table of the report.
    pub scenarios: Vec<Scenario>,
    /// Curves of duration against effect, for the chart.
    pub curves: Vec<Curve>,
    /// What could be seen in round durations.
    pub detectable: Vec<DetectableIn>,
    /// The same plan in other designs: looked at nightly, with unequal groups, with variance taken out.
    pub designs: Vec<DesignRow>,
}

/// The same plan in another design.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DesignRow {
    /// Which design.
    pub design: OtherDesign,
    /// Units of all groups at most.
    pub n_total: u64,
    /// Units of all groups on average, if the planned effect is true; where the design may end early.
    pub n_expected: Option<u64>,
    /// Days at most, rounded up; none without traffic.
    pub days: Option<u64>,
    /// Days on average, if the planned effect is true, rounded up.
    pub days_expected: Option<u64>,
}

/// Another design of the same plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum OtherDesign {
    /// Looked at every night towards the planned size, by O'Brien and Fleming's boundaries.
    GroupSequential,
    /// Looked at every night without an end, by a confidence sequence tuned to the planned size.
    AlwaysValid,
    /// One look, with the declared weights of the groups.
    Weighted,
    /// One look, with a share of the variance taken out by what is known of the users (CUPED).
    VarianceRemoved {
        /// Share of the variance that is taken out, in (0, 1).
        share: f64,
    },
}

/// A sample size with its duration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sized {
    /// Significance level used.
    pub alpha: f64,
    /// Units in each group, rounded up.
    pub n_per_group: u64,
    /// Days, rounded up.
    pub days: Option<u64>,
}

/// One row of the duration table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scenario {
    /// Absolute effect.
    pub lift: f64,
    /// Effect as a share of the baseline, when the baseline is known.
    pub relative: Option<f64>,
    /// Groups that share the traffic.
    pub groups: u32,
    /// Whether Bonferroni's correction over all pairs is applied.
    pub corrected: bool,
    /// Units in each group, rounded up.
    pub n_per_group: u64,
    /// Days, rounded up.
    pub days: Option<u64>,
    /// This row is the plan itself.
    pub planned: bool,
}

/// Duration against effect for one number of groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// Groups.
    pub groups: u32,
    /// Whether Bonferroni's correction is applied.
    pub corrected: bool,
    /// Absolute effect and days (units a group where traffic is unknown).
    pub points: Vec<(f64, f64)>,
}

/// The effect that a duration allows to see.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DetectableIn {
    /// Days.
    pub days: u64,
    /// Units in each group by then.
    pub n_per_group: f64,
    /// Smallest absolute effect seen with the plan's power.
    pub lift: f64,
    /// As a share of the baseline.
    pub relative: Option<f64>,
}

/// Effects of the duration table as multiples of the planned one.
const MULTIPLES: [f64; 6] = [0.5, 1.0, 1.5, 2.0, 3.0, 5.0];
/// Durations that managers think in.
const ROUND_DAYS: [u64; 5] = [14, 30, 60, 90, 180];

/// Units in each of two compared groups for one effect.
///
/// # Formula
/// Proportions: normal approximation on Cohen's h (statsmodels `NormalIndPower.solve_power`). Means: noncentral t
/// (statsmodels `TTestIndPower.solve_power`). Equal groups, two-sided.
pub fn sample_size(estimand: PlanEstimand, alpha: f64, target_power: f64) -> Result<f64, Undefined> {
    let design = Design::balanced(alpha);
    match estimand {
        PlanEstimand::Proportion { baseline, lift } => {
            Ok(power::sample_size_proportions(baseline, baseline + lift, target_power, design)?.n1)
        }
        PlanEstimand::Mean { lift, sd, .. } => {
            power::sample_size_means((lift / sd).abs(), target_power, design)
        }
    }
}

/// Cohen's h of a proportion, Cohen's d of a mean; absolute value.
pub fn effect_size(estimand: PlanEstimand) -> Result<f64, Undefined> {
    match estimand {
        PlanEstimand::Proportion { baseline, lift } => Ok(power::cohen_h(baseline, baseline + lift)?.abs()),
        PlanEstimand::Mean { lift, sd, .. } => Ok((lift / sd).abs()),
    }
}

fn with_lift(estimand: PlanEstimand, lift: f64) -> PlanEstimand {
    match estimand {
        PlanEstimand::Proportion { baseline, .. } => PlanEstimand::Proportion { baseline, lift },
        PlanEstimand::Mean { baseline, sd, .. } => PlanEstimand::Mean { baseline, lift, sd },
    }
}

fn lift_of(estimand: PlanEstimand) -> f64 {
    match estimand {
        PlanEstimand::Proportion { lift, .. } | PlanEstimand::Mean { lift, .. } => lift,
    }
}

fn baseline_of(estimand: PlanEstimand) -> Option<f64> {
    match estimand {
        PlanEstimand::Proportion { baseline, .. } => Some(baseline),
        PlanEstimand::Mean { baseline, .. } => baseline.filter(|b| *b != 0.0),
    }
}

/// The change is possible: a rate stays strictly between 0 and 1.
fn possible(estimand: PlanEstimand) -> bool {
    match estimand {
        PlanEstimand::Proportion { baseline, lift } => (f64::EPSILON..1.0).contains(&(baseline + lift)),
        PlanEstimand::Mean { .. } => true,
    }
}

/// Pairs among so many groups.
pub fn pairs(groups: u32) -> u32 {
    groups * (groups - 1) / 2
}

/// Days until every one of `groups` groups has `n` units, rounded up; groups share the traffic equally.
pub fn days(n: f64, groups: u32, traffic: Traffic) -> u64 {
    (n * f64::from(groups) / traffic.daily()).ceil() as u64
}

fn sized(
    plan: &Plan,
    estimand: PlanEstimand,
    groups: u32,
    corrected: bool,
) -> Result<(f64, Sized), Undefined> {
    let alpha = if corrected { plan.alpha / f64::from(pairs(groups)) } else { plan.alpha };
    let n = sample_size(estimand, alpha, plan.power)?;
    let days = plan.traffic.map(|t| days(n, groups, t));
    Ok((n, Sized { alpha, n_per_group: n.ceil() as u64, days }))
}

/// Looks that a design is reckoned with where the duration is unknown: four weeks of nights.
const USUAL_LOOKS: u64 = 28;
/// Beyond so many looks their number changes the size by less than a percent.
const MOST_LOOKS: u64 = 60;
/// Shares of the variance that covariates from before an experiment usually take out.
const REMOVED: [f64; 2] = [0.25, 0.5];

/// The plan in other designs. `weights` are the declared ones of the groups, control first; equal or absent ones give no row.
fn other_designs(
    plan: &Plan,
    n: f64,
    planned_days: Option<u64>,
    weights: &[f64],
) -> Result<Vec<DesignRow>, Undefined> {
    let groups = f64::from(plan.groups);
    let days = |total: f64| plan.traffic.map(|t| (total / t.daily()).ceil() as u64);
    let row = |design, total: f64, expected: Option<f64>| DesignRow {
        design,
        n_total: total.ceil() as u64,
        n_expected: expected.map(|n| n.ceil() as u64),
        days: days(total),
        days_expected: expected.and_then(days),
    };
    let mut rows = Vec::new();
    let looks = planned_days.unwrap_or(USUAL_LOOKS).clamp(2, MOST_LOOKS) as u32;
    let watched =
        [(OtherDesign::GroupSequential, Some(Spending::ObrienFleming)), (OtherDesign::AlwaysValid, None)];
    for (design, spending) in watched {
        let cost = efficiency(plan.alpha, plan.power, spending, looks)?;
        rows.push(row(design, n * groups * cost.inflation, Some(n * groups * cost.expected_effect)));
    }
    let unequal = weights.windows(2).any(|pair| pair[0] != pair[1]);
    if let (true, [control, treatments @ ..]) = (unequal && weights.len() == plan.groups as usize, weights) {
        // The pair with the least information decides: n_c n_t / (n_c + n_t) must be n / 2.
        let total: f64 = weights.iter().sum();
        let least = treatments.iter().map(|t| control * t / (control + t)).fold(f64::INFINITY, f64::min);
        rows.push(row(OtherDesign::Weighted, n / 2.0 * total / least, None));
    }
    if matches!(plan.estimand, PlanEstimand::Mean { .. }) {
        let removed = |share| row(OtherDesign::VarianceRemoved { share }, n * groups * (1.0 - share), None);
        rows.extend(REMOVED.map(removed));
    }
    Ok(rows)
}

/// Solves one plan. `weights` are the declared weights of the groups, the control's first; empty for equal ones.
///
/// # Errors
/// When the sample size has no solution (a power below the level, say).
pub fn solve(plan: &Plan, weights: &[f64]) -> Result<PlanOutcome, Undefined> {
    let (n_exact, plain) = sized(plan, plan.estimand, plan.groups, false)?;
    let (_, corrected) = sized(plan, plan.estimand, plan.groups, true)?;
    Ok(PlanOutcome {
        id: plan.id.clone(),
        groups: plan.groups,
        effect_size: effect_size(plan.estimand)?,
        n_exact,
        n_per_group: plain.n_per_group,
        n_total: plain.n_per_group * u64::from(plan.groups),
        days: plain.days,
        pairs: pairs(plan.groups),
        corrected,
        designs: other_designs(plan, n_exact, plain.days, weights)?,
        scenarios: scenarios(plan)?,
        curves: curves(plan)?,
        detectable: detectable(plan)?,
    })
}

/// Designs worth comparing: the plan's groups plain and corrected, and two groups only.
fn designs(plan: &Plan) -> Vec<(u32, bool)> {
    match plan.groups {
        2 => vec![(2, false)],
        k => vec![(2, false), (k, false), (k, true)],
    }
}

fn scenarios(plan: &Plan) -> Result<Vec<Scenario>, Undefined> {
    let mut rows = Vec::new();
    for multiple in MULTIPLES {
        let lift = lift_of(plan.estimand) * multiple;
        let estimand = with_lift(plan.estimand, lift);
        if !possible(estimand) {
            continue;
        }
        for (groups, corrected) in designs(plan) {
            let (_, size) = sized(plan, estimand, groups, corrected)?;
            rows.push(Scenario {
                lift,
                relative: baseline_of(plan.estimand).map(|b| lift / b),
                groups,
                corrected,
                n_per_group: size.n_per_group,
                days: size.days,
                planned: multiple == 1.0 && groups == plan.groups && !corrected,
            });
        }
    }
    Ok(rows)
}

fn curves(plan: &Plan) -> Result<Vec<Curve>, Undefined> {
    const POINTS: u32 = 48;
    let planned = lift_of(plan.estimand);
    let mut curves = Vec::new();
    for (groups, corrected) in designs(plan) {
        let mut points = Vec::new();
        for step in 0..=POINTS {
            // From half of the planned effect to five times of it, evenly in the logarithm.
            let lift = planned * 0.5 * 10f64.powf(f64::from(step) / f64::from(POINTS));
            let estimand = with_lift(plan.estimand, lift);
            if !possible(estimand) {
                break;
            }
            let (n, _) = sized(plan, estimand, groups, corrected)?;
            points.push((lift, plan.traffic.map_or(n, |t| n * f64::from(groups) / t.daily())));
        }
        curves.push(Curve { groups, corrected, points });
    }
    Ok(curves)
}

fn detectable(plan: &Plan) -> Result<Vec<DetectableIn>, Undefined> {
    let Some(traffic) = plan.traffic else { return Ok(Vec::new()) };
    let planned = lift_of(plan.estimand);
    let mut rows = Vec::new();
    for days in ROUND_DAYS {
        let n = (traffic.daily() * days as f64 / f64::from(plan.groups)).floor();
        if n < 2.0 {
            continue;
        }
        let Some(lift) = detectable_lift(plan.estimand, n, plan.alpha, plan.power) else { continue };
        let lift = lift * planned.signum();
        rows.push(DetectableIn {
            days,
            n_per_group: n,
            lift,
            relative: baseline_of(plan.estimand).map(|b| lift / b),
        });
    }
    Ok(rows)
}

/// The smallest effect (positive) that `n` units a group show with this power; none when no possible effect does.
pub fn detectable_lift(estimand: PlanEstimand, n: f64, alpha: f64, target_power: f64) -> Option<f64> {
    match estimand {
        PlanEstimand::Proportion { baseline, lift } => {
            // A drop from p is a rise from 1 − p in the other outcome, so that one solver serves both directions.
            let from = if lift >= 0.0 { baseline } else { 1.0 - baseline };
            let solved = power::mde_proportions(from, n, target_power, Design::balanced(alpha)).ok()?;
            Some(solved.p2 - from)
        }
        PlanEstimand::Mean { sd, .. } => {
            power::mde_means(n, target_power, Design::balanced(alpha)).ok().map(|d| d * sd)
        }
    }
}
