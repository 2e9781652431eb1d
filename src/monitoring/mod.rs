//! Watching a running experiment night after night without being misled by it.
//!
//! Whoever looks every night at a p-value that is valid once will see an effect that is not there: in 28 nights the
//! error rate of 5 % becomes 27 %. This room decides which looks count, where their boundaries lie, and what may
//! be said of the effect, so that a report of every night together is wrong no more often than one report at the end.
//!
//! Two methods, chosen in advance by [`Plan::usual`]:
//!
//! - **Group-sequential** where a size is planned: the error rate is spent as information comes in (Lan & DeMets 1983), by
//!   default the way of O'Brien & Fleming. Almost nothing is spent early, when data are few, skewed and not yet a whole week;
//!   at the end the boundary is close to that of the fixed test, so that looking 28 times costs 5 % of sample size at
//!   most and saves 22 % on average if the planned effect is true ([`efficiency`]). Pocock's way costs 27 % and saves
//!   no more. Looks may be unplanned: only what has been spent counts.
//! - **Always valid** where no size is planned: an asymptotic confidence sequence (Waudby-Smith et al. 2024), valid at all
//!   looks without end, at the price of wider intervals: for the same power 72 % more sample at most. It is tuned to the
//!   size at which a decision is expected.
//!
//! # The rules of a look
//! - Boundaries depend on information and never on effects: `schedule` is not given any. That is what makes unplanned
//!   looks valid (Jennison & Turnbull 2000, chapter 7).
//! - A night is a look only when it brings at least [`LEAST_STEP`] of the plan more than the last look. A repeated night is
//!   none. Nights before the warm-up are none.
//! - Spent error cannot be taken back. Where late corrections shrink the information, nights are no looks until it
//!   exceeds the most that was ever looked at. Units taken out and replaced tie two looks together a little less than
//!   their information says: with a correction of a percent of the plan every tenth night, 5 % become 5.14 %.
//! - The first look at or beyond the planned information is the last one and spends all that is left. Nights after it
//!   have no error rate left and decide nothing.
//! - The decision is made at the first crossing and stays. Boundaries and repeated intervals go on, because they
//!   hold at all looks at once whatever is decided (Jennison & Turnbull 2000, chapter 9); so the report can say that an
//!   effect has faded since.
//! - Futility is advice: it is non-binding and never enters a boundary.
//!
//! # What is assumed
//! A unit's outcome is complete when it is counted, so that nights add independent units; information is proportional
//! to units. For two arms use n₁n₂/(n₁ + n₂), which stays right when the allocation drifts. Looks are passed as they were
//! seen at the time: the kept state of a night is its [`Look`], nothing else, and the whole answer is made from all of
//! them, so that tonight's continuation and a computation at once are the same computation.
//!
//! # Source
//! K. K. G. Lan & D. L. DeMets (1983), *Discrete sequential boundaries for clinical trials*; C. Jennison & B. Turnbull
//! (2000), *Group Sequential Methods with Applications to Clinical Trials*; I. Waudby-Smith et al. (2024), *Time-uniform
//! central limit theory and asymptotic confidence sequences*. `tests/monitoring_calibration.rs` measures error rates,
//! power and coverage by simulation.

mod efficiency;
mod forecast;
mod futility;
mod judge;
mod outcome;
mod schedule;

pub use efficiency::{Efficiency, efficiency};
pub use forecast::{Forecast, NextLook};
pub use futility::{Futility, FutilityAdvice, FutilityOutcome};
pub use outcome::{Crossing, LookOutcome, Monitoring, PValue, PValueKind, Since, Standing, State};
pub use schedule::{Schedule, Step};

use crate::stats::Undefined;
use crate::stats::group_sequential::Spending;

/// The least share of the planned information that makes a night a look of its own.
///
/// A tenth of a percent: no boundary can tell smaller steps apart, and a plan of 1000 nights is still looked at nightly.
pub const LEAST_STEP: f64 = 0.001;

/// One night: all data up to it, as they were seen then.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Look {
    /// The day, counted from any fixed day.
    pub day: i32,
    /// Information so far, in the units of the plan.
    pub information: f64,
    /// The effect and its standard error; none where the night has no estimate.
    pub effect: Option<Effect>,
}

/// An estimate with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Effect {
    /// Estimate, treatment − control.
    pub estimate: f64,
    /// Standard error.
    pub se: f64,
}

/// How the error rate is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Boundaries by error spending towards a planned information.
    GroupSequential {
        /// Information at which the test ends.
        planned: f64,
        /// How the error rate is spent on the way.
        spending: Spending,
    },
    /// A confidence sequence without an end.
    AlwaysValid {
        /// Information at which a decision is expected; the sequence is narrowest there. To be fixed in advance.
        expected: f64,
    },
}

/// Until when a night is not a look.
///
/// Both parts are known before the data: the asymptotics of a mean need some hundreds of units, and people differ by the
/// day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WarmUp {
    /// Least information.
    pub information: f64,
    /// Least number of days from the first night, that night included.
    pub days: i32,
}

/// The rules of watching, fixed before the first look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// How the error rate is kept.
    pub method: Method,
    /// Two-sided error rate of this comparison, after any correction for several comparisons.
    pub alpha: f64,
    /// Until when a night is not a look.
    pub warm_up: WarmUp,
    /// Whether and how to say that going on is in vain.
    pub futility: Option<Futility>,
}

impl Plan {
    /// The usual rules: O'Brien–Fleming spending towards a planned information where there is one, else always valid and
    /// tuned to the `expected` one; no warm-up, no futility.
    pub fn usual(planned: Option<f64>, expected: f64, alpha: f64) -> Plan {
        let method = match planned {
            Some(planned) => Method::GroupSequential { planned, spending: Spending::ObrienFleming },
            None => Method::AlwaysValid { expected },
        };
        Plan { method, alpha, warm_up: WarmUp::default(), futility: None }
    }

    fn check(&self) -> Result<(), Undefined> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let horizon = match self.method {
            Method::GroupSequential { planned, .. } => planned,
            Method::AlwaysValid { expected } => expected,
        };
        if !positive(horizon) {
            return Err(Undefined::InvalidParameter("planned"));
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return Err(Undefined::InvalidParameter("alpha"));
        }
        if !(self.warm_up.information >= 0.0 && self.warm_up.information.is_finite()) {
            return Err(Undefined::InvalidParameter("warm_up"));
        }
        self.futility.map_or(Ok(()), |futility| futility.check())
    }
}

/// Whether more nights will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Closing {
    /// More data will come.
    #[default]
    Open,
    /// The last night is the end that was fixed in advance, whatever the data show: it spends all the error rate that is left,
    /// even short of the planned information. An experiment that somebody stopped because of what he saw is not closed
    /// in this sense and keeps [`Closing::Open`].
    Scheduled,
}

/// Watches one comparison: everything that may be said after these nights.
///
/// The answer after a part of the nights is the beginning of the answer after all of them; only [`Closing::Scheduled`]
/// changes the last night.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a plan outside its ranges, days that do not increase or information that is
/// negative or not finite. A night without an estimate is no error.
pub fn monitor(plan: &Plan, looks: &[Look], closing: Closing) -> Result<Monitoring, Undefined> {
    let nights: Vec<(i32, Option<f64>)> = looks
        .iter()
        .map(|look| (look.day, look.effect.filter(|effect| effect.known()).map(|_| look.information)))
        .collect();
    if looks.iter().any(|look| !(look.information >= 0.0 && look.information.is_finite())) {
        return Err(Undefined::InvalidParameter("information"));
    }
    let schedule = Schedule::new(plan, &nights, closing)?;
    judge::judge(plan, &schedule, looks, closing)
}

impl Effect {
    /// Whether there is a z statistic.
    fn known(&self) -> bool {
        self.se > 0.0 && self.se.is_finite() && (self.estimate / self.se).is_finite()
    }
}

#[cfg(test)]
mod tests;
