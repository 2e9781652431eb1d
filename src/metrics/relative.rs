//! The relative effect, with an interval that never disagrees with the absolute one.

use super::ends;
use super::outcome::Estimate;
use crate::stats::ratio::{self, relative_effect};

/// The relative effect of two independent estimates, each (value, variance), with Fieller's interval at the critical value
/// of the absolute test, so that both exclude zero together. None for a control of zero or below, of which nothing is a share:
/// a loss that halves would be «−50 %» beside a difference above zero. Without an interval where the control is not safely away
/// from zero.
pub fn fieller(control: (f64, f64), treatment: (f64, f64), critical: f64) -> Option<Estimate> {
    let estimate = |(value, variance)| ratio::Estimate { value, variance };
    if control.0 <= 0.0 {
        return None;
    }
    let effect = relative_effect(estimate(control), estimate(treatment), critical).ok()?;
    Some(Estimate { estimate: effect.estimate, ci: effect.fieller.and_then(ends) })
}

/// The interval of the same relative effect on the logarithmic scale, for the analyst: it is that of another test (of the
/// logarithm of the quotient) and never shown in place of Fieller's.
pub fn log_delta(control: (f64, f64), treatment: (f64, f64), critical: f64) -> Option<(f64, f64)> {
    let estimate = |(value, variance)| ratio::Estimate { value, variance };
    relative_effect(estimate(control), estimate(treatment), critical).ok()?.log_delta.and_then(ends)
}

/// The relative effect whose interval has the bounds of another absolute interval: each is Fieller's at the critical value that
/// would put the bound of the t interval there, so that both exclude zero together. Without an interval where the absolute one
/// has none, or does not hold its estimate.
pub fn fieller_of(
    control: (f64, f64),
    treatment: (f64, f64),
    absolute: Option<(f64, f64)>,
) -> Option<Estimate> {
    let (estimate, se) = (treatment.0 - control.0, (treatment.1 + control.1).sqrt());
    let bounds = |critical: f64| fieller(control, treatment, critical)?.ci;
    let ci = absolute.filter(|(low, high)| se > 0.0 && *low <= estimate && estimate <= *high);
    let ci = ci
        .and_then(|(low, high)| Some((bounds((estimate - low) / se)?.0, bounds((high - estimate) / se)?.1)));
    Some(Estimate { ci, ..fieller(control, treatment, 0.0)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_a_share_of_a_control_below_zero() {
        assert_eq!(fieller((-10.0, 0.01), (-5.0, 0.01), 1.96), None);
    }

    #[test]
    fn the_bounds_of_another_interval_are_those_of_fieller_for_the_same_bounds() {
        let (control, treatment) = ((10.0, 0.04), (12.0, 0.05));
        let margin = 1.96 * 0.09_f64.sqrt();
        let own = fieller(control, treatment, 1.96).unwrap().ci.unwrap();
        let of = |low: f64, high: f64| fieller_of(control, treatment, Some((low, high))).unwrap().ci.unwrap();
        let same = of(2.0 - margin, 2.0 + margin);
        assert!((same.0 - own.0).abs() < 1e-12 && (same.1 - own.1).abs() < 1e-12, "{same:?} {own:?}");
        // Zero as a bound stays zero, and each side keeps its own width.
        let skewed = of(0.0, 2.0 + margin);
        assert!(skewed.0.abs() < 1e-12 && (skewed.1 - own.1).abs() < 1e-12, "{skewed:?}");
        assert_eq!(fieller_of(control, treatment, None).unwrap().ci, None);
    }

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
