//! Asymptotic confidence sequences: intervals of a mean that hold at every look at once.

use super::{Interval, Undefined};

/// Half the width of the two-sided asymptotic confidence sequence of a mean after `n` observations.
///
/// # Estimand
/// The half-width c such that the mean lies within ± c of the running estimate at all n at once with probability 1 − α,
/// so peeking and stopping at will keep the error rate.
///
/// # Formula
/// σ √(2(nρ² + 1)/(n²ρ²) · ln(√(nρ² + 1)/α)), the mixture bound with a normal prior of variance ρ² (in units of σ²).
///
/// # Assumptions
/// Independent observations with a finite variance, estimated from the data; an asymptotic statement, so the first look
/// should come after some hundreds of units. For the difference of two arms give n = n₁ + n₂ and the variance
/// n (s₁²/n₁ + s₂²/n₂). ρ² must be fixed before the data are seen: [`rho2_for`].
///
/// # Edge cases
/// Zero variance gives zero width.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a number outside its range.
///
/// # Source
/// I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy & A. Ramdas (2024), *Time-uniform central limit theory and asymptotic
/// confidence sequences*, theorem 2.2; reference case `asymptotic_confidence_sequence`.
pub fn half_width(n: f64, variance: f64, alpha: f64, rho2: f64) -> Result<f64, Undefined> {
    check(n, variance, rho2)?;
    check_alpha(alpha)?;
    let scaled = n * rho2;
    // ln √(nρ² + 1) − ln α, with ln_1p for a tiny nρ².
    let log = 0.5 * scaled.ln_1p() - alpha.ln();
    let width = (variance * 2.0 * (scaled + 1.0) / (n * scaled) * log).sqrt();
    if width.is_finite() { Ok(width) } else { Err(Undefined::NonFinite) }
}

/// The interval of a confidence sequence at one look: the estimate ± [`half_width`], in the units of the metric.
///
/// # Errors
/// Those of [`half_width`], and [`Undefined::NonFinite`] for the estimate.
pub fn interval(estimate: f64, n: f64, variance: f64, alpha: f64, rho2: f64) -> Result<Interval, Undefined> {
    if !estimate.is_finite() {
        return Err(Undefined::NonFinite);
    }
    let margin = half_width(n, variance, alpha, rho2)?;
    Ok(Interval { low: estimate - margin, high: estimate + margin })
}

/// The always-valid p-value of a zero mean: the least α at which the interval of the same look excludes zero.
///
/// # Formula
/// √(nρ² + 1) · exp(−n²ρ² m²/(2σ²(nρ² + 1))) for the estimate m, at most 1. The running minimum over the looks is valid
/// at every stopping time.
///
/// # Errors
/// Those of [`half_width`], [`Undefined::NonFinite`] for the estimate, [`Undefined::ZeroVariance`].
///
/// # Source
/// The inverse of [`half_width`] in α; R. Johari, P. Koomen, L. Pekelis & D. Walsh (2022) for always-valid p-values.
pub fn always_valid_p(estimate: f64, n: f64, variance: f64, rho2: f64) -> Result<f64, Undefined> {
    check(n, variance, rho2)?;
    if !estimate.is_finite() {
        return Err(Undefined::NonFinite);
    }
    if variance == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    let scaled = n * rho2;
    let exponent =
        0.5 * scaled.ln_1p() - estimate * estimate / variance * n * scaled / (2.0 * (scaled + 1.0));
    Ok(exponent.min(0.0).exp())
}

/// The ρ² that makes the sequence narrowest, nearly, after `n` observations.
///
/// # Estimand
/// The variance of the mixing prior in units of σ², a tuning constant; not estimated from data.
///
/// # Formula
/// (−2 ln α + ln(1 − 2 ln α))/n, the paper's closed approximation to the optimum, which is a branch of Lambert's W.
/// Choose the n at which a decision is most likely; being off by a factor of ten costs little width.
///
/// # Assumptions
/// The n of interest is chosen before the data are seen.
///
/// # Edge cases
/// A small α gives a large ρ²; the sequence stays valid for every positive value.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a number outside its range.
///
/// # Source
/// Waudby-Smith et al. (2024), appendix B.2; the ρ² of the reference case `asymptotic_confidence_sequence`.
pub fn rho2_for(n: f64, alpha: f64) -> Result<f64, Undefined> {
    check(n, 0.0, 1.0)?;
    check_alpha(alpha)?;
    let log = -2.0 * alpha.ln();
    Ok((log + log.ln_1p()) / n)
}

fn check(n: f64, variance: f64, rho2: f64) -> Result<(), Undefined> {
    let positive = |value: f64| value > 0.0 && value.is_finite();
    if !positive(n) {
        Err(Undefined::InvalidParameter("n"))
    } else if !(variance >= 0.0 && variance.is_finite()) {
        Err(Undefined::InvalidParameter("variance"))
    } else if !positive(rho2) {
        Err(Undefined::InvalidParameter("rho2"))
    } else {
        Ok(())
    }
}

fn check_alpha(alpha: f64) -> Result<(), Undefined> {
    if alpha > 0.0 && alpha < 1.0 { Ok(()) } else { Err(Undefined::InvalidParameter("alpha")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_the_published_formula() {
        let rho2 = rho2_for(500.0, 0.05).unwrap();
        assert!((rho2 / 0.01587230920347513 - 1.0).abs() < 1e-12, "{rho2}");
        let width = half_width(1000.0, 4.0, 0.05, rho2).unwrap();
        assert!((width / 0.19362482032677705 - 1.0).abs() < 1e-12, "{width}");
    }

    #[test]
    fn the_chosen_rho_is_close_to_the_narrowest() {
        let rho2 = rho2_for(10_000.0, 0.05).unwrap();
        let width = |rho2| half_width(10_000.0, 1.0, 0.05, rho2).unwrap();
        let narrowest = (-60..=60).map(|k| width(rho2 * 1.05_f64.powi(k))).fold(f64::INFINITY, f64::min);
        assert!(width(rho2) < narrowest * 1.001, "{} {narrowest}", width(rho2));
    }

    #[test]
    fn errors_have_reasons() {
        assert_eq!(half_width(0.0, 1.0, 0.05, 0.1), Err(Undefined::InvalidParameter("n")));
        assert_eq!(half_width(10.0, -1.0, 0.05, 0.1), Err(Undefined::InvalidParameter("variance")));
        assert_eq!(half_width(10.0, 1.0, 1.0, 0.1), Err(Undefined::InvalidParameter("alpha")));
        assert_eq!(half_width(10.0, 1.0, 0.05, 0.0), Err(Undefined::InvalidParameter("rho2")));
        assert_eq!(always_valid_p(1.0, 10.0, 0.0, 0.1), Err(Undefined::ZeroVariance));
        assert_eq!(half_width(10.0, 0.0, 0.05, 0.1), Ok(0.0));
    }

    proptest! {
        #[test]
        fn p_is_below_alpha_exactly_when_the_interval_excludes_zero(
            estimate in -1.0_f64..1.0, n in 10.0_f64..1e6, variance in 0.01_f64..50.0, alpha in 0.001_f64..0.5,
            rho2 in 1e-5_f64..1.0,
        ) {
            let p = always_valid_p(estimate, n, variance, rho2).unwrap();
            let interval = interval(estimate, n, variance, alpha, rho2).unwrap();
            prop_assert_eq!(p < alpha, !interval.contains(0.0));
            prop_assert_eq!(p, always_valid_p(-estimate, n, variance, rho2).unwrap());
        }
    }
}
