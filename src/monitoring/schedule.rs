//! Which nights are looks, and the boundary of each: from days and information alone.

use super::outcome::{LookOutcome, Standing};
use super::{Closing, LEAST_STEP, Look, Method, Plan};
use crate::stats::Undefined;
use crate::stats::confidence_sequence::{half_width, rho2_for};
use crate::stats::distributions::normal_sf;
use crate::stats::group_sequential::SequentialTest;

/// Closer than this the last look is treated as if it came a little later, for want of a finer grid.
const CLOSEST: f64 = 1e-6;

/// One night.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Whether it is a look.
    pub standing: Standing,
    /// Information over the planned or expected one.
    pub fraction: Option<f64>,
    /// Critical |z|; none where the night is no look or nothing could cross.
    pub boundary_z: Option<f64>,
    /// The nominal two-sided p-value of the boundary.
    pub nominal_p: Option<f64>,
    /// Error rate spent so far; none for an always-valid plan, which does not spend.
    pub spent: Option<f64>,
}

/// The looks of an experiment with their boundaries.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// One step a night.
    pub steps: Vec<Step>,
    /// Time and critical value of each look of a group-sequential test.
    pub(super) times: Vec<f64>,
    pub(super) critical: Vec<f64>,
    /// The share that each look spent its error by.
    pub(super) shares: Vec<f64>,
    /// The test after the last look.
    pub(super) test: Option<SequentialTest>,
    /// The share of the last look.
    pub(super) last: Option<f64>,
}

impl Schedule {
    /// The schedule of these nights: the day of each, and its information where it has an estimate.
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] for a plan outside its ranges, days that do not increase, negative information.
    pub fn new(plan: &Plan, nights: &[(i32, Option<f64>)], closing: Closing) -> Result<Schedule, Undefined> {
        plan.check()?;
        if !nights.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Undefined::InvalidParameter("day"));
        }
        let test = match plan.method {
            Method::GroupSequential { spending, .. } => Some(SequentialTest::new(plan.alpha, spending)?),
            Method::AlwaysValid { .. } => None,
        };
        let mut schedule = Schedule {
            steps: Vec::new(),
            times: Vec::new(),
            critical: Vec::new(),
            shares: Vec::new(),
            test,
            last: None,
        };
        for (index, &(day, information)) in nights.iter().enumerate() {
            let closes = closing == Closing::Scheduled && index + 1 == nights.len();
            let days = nights.first().map_or(1, |first| day.saturating_sub(first.0).saturating_add(1));
            let step = schedule.step(plan, days, information, closes)?;
            schedule.steps.push(step);
        }
        Ok(schedule)
    }

    /// The nights as looks: estimates beside their boundaries, and which of them cross.
    ///
    /// This alone decides; everything else [`super::monitor`] says explains it.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`] when there are not as many nights as steps.
    pub fn outcomes(&self, looks: &[Look]) -> Result<Vec<LookOutcome>, Undefined> {
        if self.steps.len() != looks.len() {
            return Err(Undefined::LengthMismatch);
        }
        Ok(looks.iter().zip(&self.steps).map(|(look, step)| LookOutcome::new(look, step)).collect())
    }

    fn step(
        &mut self,
        plan: &Plan,
        days: i32,
        information: Option<f64>,
        closes: bool,
    ) -> Result<Step, Undefined> {
        let ended = self.steps.iter().any(|step| step.standing == Standing::Final);
        let no_look = |standing: Standing, fraction: Option<f64>| Step {
            standing,
            fraction,
            boundary_z: None,
            nominal_p: None,
            spent: self.steps.last().and_then(|step| step.spent),
        };
        let Some(information) = information else {
            return Ok(no_look(if ended { Standing::Overrun } else { Standing::NoEstimate }, None));
        };
        if !(information >= 0.0 && information.is_finite()) {
            return Err(Undefined::InvalidParameter("information"));
        }
        let horizon = match plan.method {
            Method::GroupSequential { planned, .. } => planned,
            Method::AlwaysValid { expected } => expected,
        };
        let fraction = information / horizon;
        let sequential = self.test.is_some();
        let last = self.last.unwrap_or(0.0);
        let ends = sequential && (fraction >= 1.0 || closes);
        let warming = information < plan.warm_up.information || days < plan.warm_up.days;
        // A hair less, so that rounding does not lose every other of a thousand equal steps.
        let least = if sequential && !ends { LEAST_STEP * (1.0 - 1e-9) } else { 0.0 };
        if ended {
            return Ok(no_look(Standing::Overrun, Some(fraction)));
        }
        if fraction == 0.0 || (warming && !closes) {
            return Ok(no_look(Standing::TooEarly, Some(fraction)));
        }
        if !ends && (fraction <= last || fraction - last < least) {
            let standing = match (fraction < last, self.last) {
                (true, _) => Standing::Shrunk,
                (false, None) => Standing::TooEarly,
                (false, Some(_)) => Standing::NothingNew,
            };
            return Ok(no_look(standing, Some(fraction)));
        }
        let standing = if ends { Standing::Final } else { Standing::Look };
        let step = match &mut self.test {
            Some(test) => {
                let time = fraction.max(last + CLOSEST);
                let share = if ends { 1.0 } else { time };
                let boundary = test.look(time, share)?;
                if boundary.z.is_finite() {
                    self.times.push(time);
                    self.critical.push(boundary.z);
                    self.shares.push(share);
                }
                self.last = Some(time);
                Step {
                    standing,
                    fraction: Some(fraction),
                    boundary_z: Some(boundary.z).filter(|z| z.is_finite()),
                    nominal_p: Some(boundary.nominal_p),
                    spent: Some(boundary.spent),
                }
            }
            None => {
                let z = always_valid_z(information, horizon, plan.alpha)?;
                self.last = Some(fraction);
                Step {
                    standing,
                    fraction: Some(fraction),
                    boundary_z: Some(z),
                    nominal_p: Some(2.0 * normal_sf(z)),
                    spent: None,
                }
            }
        };
        Ok(step)
    }
}

/// The half-width of the confidence sequence over the standard error: with the variance n·se² it depends on n alone.
fn always_valid_z(information: f64, expected: f64, alpha: f64) -> Result<f64, Undefined> {
    half_width(information, information, alpha, rho2_for(expected, alpha)?)
}
