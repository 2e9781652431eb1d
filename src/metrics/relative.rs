//! The relative effect, with an interval that never disagrees with the absolute one.

use super::ends;
use super::outcome::Estimate;
use crate::stats::ratio::{self, relative_effect};

/// The relative effect of two independent estimates, each (value, variance), with Fieller's interval at the critical value
/// of the absolute test, so that both exclude zero together. None for a control of zero, without an interval where the
/// control is not safely away from it.
pub fn fieller(control: (f64, f64), treatment: (f64, f64), critical: f64) -> Option<Estimate> {
    let estimate = |(value, variance)| ratio::Estimate { value, variance };
    let effect = relative_effect(estimate(control), estimate(treatment), critical).ok()?;
    Some(Estimate { estimate: effect.estimate, ci: effect.fieller.and_then(ends) })
}

/// The interval of the same relative effect on the logarithmic scale, for the analyst: it is that of another test (of the
/// logarithm of the quotient) and never shown in place of Fieller's.
pub fn log_delta(control: (f64, f64), treatment: (f64, f64), critical: f64) -> Option<(f64, f64)> {
    let estimate = |(value, variance)| ratio::Estimate { value, variance };
    relative_effect(estimate(control), estimate(treatment), critical).ok()?.log_delta.and_then(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_control_near_zero_has_no_bounded_interval() {
        assert_eq!(fieller((1.0, 1.0), (2.0, 1.0), 1.96), Some(Estimate { estimate: 1.0, ci: None }));
        assert_eq!(fieller((0.0, 1.0), (2.0, 1.0), 1.96), None);
    }

    proptest! {
        /// Zero is excluded exactly when |t − c| exceeds the critical value times the standard error.
        #[test]
        fn it_agrees_with_the_absolute_interval(
            c in 1.0f64..100.0, t in 0.1f64..100.0, vc in 1e-4f64..0.05, vt in 1e-4f64..50.0, q in 1.0f64..4.0,
        ) {
            prop_assume!(c * c > q * q * vc);
            let margin = q * (vc + vt).sqrt();
            prop_assume!(((t - c).abs() - margin).abs() > 1e-9 * c);
            let (low, high) = fieller((c, vc), (t, vt), q).unwrap().ci.unwrap();
            prop_assert_eq!((t - c).abs() > margin, low > 0.0 || high < 0.0);
        }
    }
}
