//! What looking costs and saves, before an experiment.

use super::schedule::Schedule;
use super::{Closing, Method, Plan, WarmUp};
use crate::stats::Undefined;
use crate::stats::distributions::normal_isf;
use crate::stats::group_sequential::{Crossing, Powered, Spending, crossing_probabilities};

/// The sample sizes of a design that is looked at, as shares of that of the fixed test with the same power.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Efficiency {
    /// The largest sample: plan the fixed size times this.
    pub inflation: f64,
    /// The mean sample if there is no effect.
    pub expected_null: f64,
    /// The mean sample if the planned effect is true.
    pub expected_effect: f64,
    /// The power that is left if the size of the fixed test is kept.
    pub power_uninflated: f64,
}

/// Sizes for `looks` equally spaced looks.
///
/// `spending` is the group-sequential one, or none for an always-valid plan tuned to its largest sample and given up there.
///
/// # Formula
/// Inflation R = (θ/(z_{α/2} + z_β))² with the drift θ that has the power; the mean sample is R · E[t at the stop].
///
/// # Errors
/// [`Undefined::InvalidParameter`] for numbers outside their ranges, no look or more than 1000; [`Undefined::NoSolution`]
/// where the power is not above α.
///
/// # Source
/// Jennison & Turnbull (2000), chapters 2 and 7. Checked against a recursion on another grid, in numpy.
pub fn efficiency(
    alpha: f64,
    power: f64,
    spending: Option<Spending>,
    looks: u32,
) -> Result<Efficiency, Undefined> {
    // More looks than the least step tells apart would not be looks.
    if looks == 0 || f64::from(looks) * super::LEAST_STEP > 1.0 {
        return Err(Undefined::InvalidParameter("looks"));
    }
    if !(power > alpha && power < 1.0) {
        return Err(Undefined::InvalidParameter("power"));
    }
    let method = match spending {
        Some(spending) => Method::GroupSequential { planned: f64::from(looks), spending },
        None => Method::AlwaysValid { expected: f64::from(looks) },
    };
    let plan = Plan { method, alpha, warm_up: WarmUp::default(), futility: None };
    let nights: Vec<(i32, Option<f64>)> =
        (1..=looks).map(|look| (look as i32, Some(f64::from(look)))).collect();
    let steps = Schedule::new(&plan, &nights, Closing::Open)?.steps;
    let times: Vec<f64> = (1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect();
    let z: Vec<f64> = steps.iter().map(|step| step.boundary_z.unwrap_or(f64::INFINITY)).collect();
    let powered = Powered::new(&times, &z, power)?;
    let drift = powered.drift;
    let fixed = normal_isf(alpha / 2.0) - normal_isf(power);
    let inflation = (drift / fixed).powi(2);
    Ok(Efficiency {
        inflation,
        expected_null: inflation * mean_time(&times, &crossing_probabilities(&times, &z, 0.0)?),
        expected_effect: inflation * mean_time(&times, &powered.crossing(drift)),
        power_uninflated: powered.crossing(fixed).total(),
    })
}

/// The mean time of the stop; what crosses nowhere stops at 1.
fn mean_time(times: &[f64], stop: &Crossing) -> f64 {
    let stops = stop.upper.iter().zip(&stop.lower);
    1.0 - times.iter().zip(stops).map(|(t, (upper, lower))| (1.0 - t) * (upper + lower)).sum::<f64>()
}
