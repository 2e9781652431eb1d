//! Whether going on is worth it.

use super::outcome::LookOutcome;
use super::schedule::Schedule;
use crate::stats::Undefined;
use crate::stats::distributions::normal_sf;

/// The rule of futility, by conditional power (stochastic curtailment).
///
/// It is non-binding: whoever follows it loses power, whoever does not keeps the error rate all the same. Stopping
/// whenever the conditional power under the planned effect is at most `least` raises the chance to miss that effect from β
/// to at most β/(1 − least) (Lan, Simon & Halperin 1982): from 20 % to 22 % for 0.1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Futility {
    /// The planned effect, treatment − control, with its sign.
    pub effect: f64,
    /// Conditional power under the planned effect at or below which going on is in vain; 0.1 is usual.
    pub least: f64,
}

impl Futility {
    pub(super) fn check(&self) -> Result<(), Undefined> {
        if !(self.effect.is_finite() && self.effect != 0.0) {
            return Err(Undefined::InvalidParameter("effect"));
        }
        if self.least > 0.0 && self.least < 1.0 { Ok(()) } else { Err(Undefined::InvalidParameter("least")) }
    }
}

/// What the rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FutilityAdvice {
    /// Going on may still show the planned effect.
    Open,
    /// The planned effect could still be shown, but the trend so far will not do.
    Weak,
    /// Even if the planned effect is true it will hardly be shown any more.
    Futile,
}

impl FutilityAdvice {
    /// Its name in results.
    pub fn code(self) -> &'static str {
        match self {
            FutilityAdvice::Open => "open",
            FutilityAdvice::Weak => "weak",
            FutilityAdvice::Futile => "futile",
        }
    }
}

/// The chances of a crossing by the end, in the direction of the planned effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FutilityOutcome {
    /// If the planned effect is true from now on.
    pub power_planned: f64,
    /// If the effect seen so far is true.
    pub power_trend: f64,
    /// What the rule says.
    pub advice: FutilityAdvice,
}

/// Conditional power at the latest look, for one more look at the planned information.
///
/// # Formula
/// P(S(1) > c) given the score S(t) = √t·z so far, where S gains θ(1 − t) with the variance 1 − t, and c is the
/// boundary of a last look that spends all that is left. Looks on the way could only cross earlier: the true chance is a
/// little higher.
///
/// # Source
/// Lan, Simon & Halperin (1982); Jennison & Turnbull (2000), chapter 10.
pub(super) fn assess(
    rule: &Futility,
    schedule: &Schedule,
    looks: &[LookOutcome],
) -> Result<Option<FutilityOutcome>, Undefined> {
    let Some(test) = &schedule.test else { return Ok(None) };
    let Some(look) = looks.iter().rev().find(|look| look.standing.tested()) else { return Ok(None) };
    let (Some(z), Some(se), Some(t)) = (look.z, look.se, look.fraction) else { return Ok(None) };
    if t >= 1.0 - 1e-6 {
        return Ok(None);
    }
    let c = test.clone().look(1.0, 1.0)?.z;
    let side = rule.effect.signum();
    let score = side * t.sqrt() * z;
    let power = |drift: f64| normal_sf((c - score - drift * (1.0 - t)) / (1.0 - t).sqrt());
    let power_planned = power(rule.effect.abs() / (se * t.sqrt()));
    let power_trend = power(score / t);
    let advice = if power_planned <= rule.least {
        FutilityAdvice::Futile
    } else if power_trend <= rule.least {
        FutilityAdvice::Weak
    } else {
        FutilityAdvice::Open
    };
    Ok(Some(FutilityOutcome { power_planned, power_trend, advice }))
}
