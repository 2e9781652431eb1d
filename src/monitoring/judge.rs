//! What the nights show, given their boundaries.

use super::outcome::{Crossing, LookOutcome, Monitoring, PValue, PValueKind, Since, Standing, State};
use super::schedule::Schedule;
use super::{Closing, Look, Method, Plan, forecast, futility};
use crate::stats::confidence_sequence::{always_valid_p, rho2_for};
use crate::stats::group_sequential::{SequentialTest, Spending, stagewise};
use crate::stats::{Interval, Undefined};

/// A boundary beyond this |z| is out of the reach of any effect one would expect: p would have to be below 6 · 10⁻⁷.
const FAR_BOUNDARY: f64 = 5.0;

pub(super) fn judge(
    plan: &Plan,
    schedule: &Schedule,
    looks: &[Look],
    closing: Closing,
) -> Result<Monitoring, Undefined> {
    let looks = schedule.outcomes(looks)?;
    let crossed = looks.iter().position(|look| look.crosses).map(|look| Crossing {
        look,
        day: looks[look].day,
        up: looks[look].estimate.is_some_and(|estimate| estimate > 0.0),
    });
    let state = state(plan, &looks, crossed, closing);
    let said = match plan.method {
        Method::GroupSequential { spending, .. } => {
            group_sequential(plan.alpha, spending, schedule, &looks, crossed, state)?
        }
        Method::AlwaysValid { expected } => always_valid(plan.alpha, expected, &looks)?,
    };
    let latest = looks.iter().rev().find(|look| look.z.is_some());
    let horizon = match plan.method {
        Method::GroupSequential { planned, .. } => planned,
        Method::AlwaysValid { expected } => expected,
    };
    Ok(Monitoring {
        state,
        crossed,
        since: crossed.and_then(|crossed| since(&looks, crossed)),
        decisive: said.look,
        p: said.p,
        estimate: said.estimate,
        interval: said.interval,
        contradictory: intersection(&looks).is_some_and(|common| common.low > common.high),
        naive_p: latest.and_then(|look| look.naive_p),
        fraction: latest.and_then(|look| look.fraction),
        spent: schedule.steps.last().and_then(|step| step.spent),
        futility: match (plan.futility, state.decided()) {
            (Some(rule), false) => futility::assess(&rule, schedule, &looks)?,
            _ => None,
        },
        forecast: if state.decided() { None } else { forecast::forecast(plan, horizon, schedule, &looks)? },
        looks,
    })
}

fn state(plan: &Plan, looks: &[LookOutcome], crossed: Option<Crossing>, closing: Closing) -> State {
    if let Some(crossed) = crossed {
        return if crossed.up { State::CrossedUp } else { State::CrossedDown };
    }
    let ended = looks.iter().any(|look| look.standing == Standing::Final);
    let always_valid = matches!(plan.method, Method::AlwaysValid { .. });
    let overrun = looks.last().is_some_and(|look| look.standing == Standing::Overrun);
    let boundary = looks.iter().rev().find(|look| look.standing.tested()).and_then(|look| look.boundary_z);
    match (ended, overrun, boundary) {
        (true, true, _) => State::Overrun,
        (true, false, _) => State::NotCrossed,
        // A closing night that was no look has not spent what is left: such a test has not ended.
        (false, _, Some(_)) if closing == Closing::Scheduled && always_valid => State::NotCrossed,
        (false, _, Some(z)) if z <= FAR_BOUNDARY => State::Inside,
        _ => State::TooEarly,
    }
}

/// The latest night after the decision, seen from it. A night that is no look is held against the boundary before it.
fn since(looks: &[LookOutcome], crossed: Crossing) -> Option<Since> {
    let after = looks.get(crossed.look + 1..)?;
    let z = after.iter().rev().find_map(|look| look.z)?;
    let boundary = looks.iter().rev().find_map(|look| look.boundary_z)?;
    Some(match (z.abs() > boundary, (z > 0.0) == crossed.up) {
        (true, true) => Since::Holds,
        (true, false) => Since::Reversed,
        (false, _) => Since::Faded,
    })
}

/// What the intervals of all looks have in common; its ends are crossed when they have nothing.
fn intersection(looks: &[LookOutcome]) -> Option<Interval> {
    let intervals = looks.iter().filter_map(|look| look.interval);
    intervals.reduce(|a, b| Interval { low: a.low.max(b.low), high: a.high.min(b.high) })
}

#[derive(Default)]
struct Said {
    look: Option<usize>,
    p: Option<PValue>,
    estimate: Option<f64>,
    interval: Option<Interval>,
}

fn group_sequential(
    alpha: f64,
    spending: Spending,
    schedule: &Schedule,
    looks: &[LookOutcome],
    crossed: Option<Crossing>,
    state: State,
) -> Result<Said, Undefined> {
    let tested = |look: &&LookOutcome| look.boundary_z.is_some();
    // The look that decided, or the latest one; `count` looks stand up to and including it.
    let decisive = match crossed {
        Some(crossed) => Some(crossed.look),
        None => looks.iter().rposition(|look| look.boundary_z.is_some()),
    };
    let Some(decisive) = decisive else { return Ok(Said::default()) };
    let count = looks[..=decisive].iter().filter(tested).count();
    let (look, times) = (&looks[decisive], &schedule.times[..count]);
    let (Some(z), Some(se), Some(&time)) = (look.z, look.se, times.last()) else {
        return Ok(Said::default());
    };
    if !state.decided() {
        let p = repeated_p(alpha, spending, schedule, count, z.abs())?;
        let p = Some(PValue { value: p, kind: PValueKind::Repeated });
        return Ok(Said { look: Some(decisive), p, estimate: None, interval: look.interval });
    }
    let stopped = stagewise(times, &schedule.critical[..count], z, alpha)?;
    // A drift is an effect in standard errors of the whole plan, each of which is √t of today's.
    let effect = |drift: f64| drift * se * time.sqrt();
    Ok(Said {
        look: Some(decisive),
        p: Some(PValue { value: stopped.p, kind: PValueKind::Stagewise }),
        estimate: Some(effect(stopped.median)),
        interval: Some(Interval { low: effect(stopped.low), high: effect(stopped.high) }),
    })
}

/// The least α with which the latest look would have crossed, to four digits; it is above the α that did not cross.
///
/// ln α is nearly linear in the square of the critical value, so that false position takes a few steps.
fn repeated_p(
    alpha: f64,
    spending: Spending,
    schedule: &Schedule,
    count: usize,
    z: f64,
) -> Result<f64, Undefined> {
    let critical = |alpha: f64| -> Result<f64, Undefined> {
        let mut test = SequentialTest::new(alpha, spending)?;
        let mut critical = f64::INFINITY;
        for (&time, &share) in schedule.times.iter().zip(&schedule.shares).take(count) {
            critical = test.look(time, share)?.z;
        }
        Ok(critical)
    };
    let excess = |log: f64| -> Result<f64, Undefined> {
        let critical = critical(log.exp())?;
        Ok(critical * critical - z * z)
    };
    let (mut low, mut high) = (alpha.ln(), (0.5 + 0.5 * alpha).max(0.99).ln());
    let (mut above, mut below) = (
        excess(low)?.max(f64::MIN_POSITIVE),
        match excess(high) {
            Ok(excess) => excess,
            // With an α that large no boundary spends it: every look would have crossed before.
            Err(Undefined::NoSolution) => return Ok(1.0),
            Err(other) => return Err(other),
        },
    );
    if below >= 0.0 {
        return Ok(1.0);
    }
    let mut middle = low;
    for _ in 0..40 {
        let step = low + (high - low) * if above.is_finite() { above / (above - below) } else { 0.5 };
        let done = (step - middle).abs() < 1e-4;
        middle = step;
        if done {
            break;
        }
        let found = excess(middle)?;
        // Halving the end that stays (the Illinois rule) keeps false position from creeping.
        if found > 0.0 {
            (low, above, below) = (middle, found, 0.5 * below);
        } else {
            (high, below, above) = (middle, found, 0.5 * above);
        }
    }
    Ok(middle.exp().clamp(alpha, 1.0))
}

fn always_valid(alpha: f64, expected: f64, looks: &[LookOutcome]) -> Result<Said, Undefined> {
    let rho2 = rho2_for(expected, alpha)?;
    let mut least: Option<f64> = None;
    for look in looks.iter().filter(|look| look.standing.tested()) {
        if let Some(z) = look.z {
            // With an estimate of z and the variance n the statistic is that of the look.
            let p = always_valid_p(z, look.information, look.information, rho2)?;
            least = Some(least.map_or(p, |before| before.min(p)));
        }
    }
    Ok(Said {
        look: None,
        p: least.map(|value| PValue { value, kind: PValueKind::AlwaysValid }),
        estimate: None,
        interval: intersection(looks).filter(|common| common.low <= common.high),
    })
}
