//! The regularised incomplete gamma functions and the chi-square distribution.

use std::f64::consts::TAU;

use super::saddle_point::{deviance, stirling_error};

/// Lower regularised incomplete gamma function `P(a, x)`.
///
/// # Formula
/// The power series below a + 1, Legendre's continued fraction above, times Loader's saddle point; the other tail is
/// the complement.
///
/// # Domain
/// a from 1e-300 up, also infinite; 0 for x ≤ 0. NaN outside of it.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 2e-13. a from 0.1 to 1500.
///
/// # Source
/// DLMF 8.11.4 and 8.9.2; C. Loader (2000); `scipy.special.gammainc`.
pub fn gamma_p(a: f64, x: f64) -> f64 {
    pair(a, x).0
}

/// Upper regularised incomplete gamma function `Q(a, x)`.
///
/// # Formula
/// The power series below a + 1, Legendre's continued fraction above, times Loader's saddle point; the other tail is
/// the complement.
///
/// # Domain
/// a from 1e-300 up, also infinite; 1 for x ≤ 0. NaN outside of it.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 1e-13. a from 0.1 to 1500.
///
/// # Source
/// DLMF 8.11.4 and 8.9.2; C. Loader (2000); `scipy.special.gammaincc`.
pub fn gamma_q(a: f64, x: f64) -> f64 {
    pair(a, x).1
}

/// `(P, Q)`: the power series below `a + 1`, Legendre's continued fraction above (DLMF 8.11.4 and 8.9.2).
fn pair(a: f64, x: f64) -> (f64, f64) {
    if x.is_nan() || a.is_nan() || a <= 0.0 {
        return (f64::NAN, f64::NAN);
    }
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    if a.is_infinite() {
        return (0.0, 1.0);
    }
    // x^a e^−x / Γ(a + 1), by Loader's saddle point.
    let weight = (-stirling_error(a) - deviance(a, x)).exp() / (TAU * a).sqrt();
    if weight == 0.0 {
        return if x < a { (0.0, 1.0) } else { (1.0, 0.0) };
    }
    if x < a + 1.0 {
        let mut term = 1.0;
        let mut sum = 1.0;
        let mut divisor = a;
        for _ in 0..2_000_000u32 {
            divisor += 1.0;
            term *= x / divisor;
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        let lower = (weight * sum).clamp(0.0, 1.0);
        (lower, 1.0 - lower)
    } else {
        let upper = (weight * a * legendre_fraction(a, x)).clamp(0.0, 1.0);
        (1.0 - upper, upper)
    }
}

/// `Γ(a, x) eˣ x⁻ᵃ` by the modified Lentz method.
fn legendre_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / guard(b);
    let mut fraction = d;
    for step in 1..2_000_000u32 {
        let i = f64::from(step);
        let numerator = -i * (i - a);
        b += 2.0;
        d = 1.0 / guard(numerator * d + b);
        c = guard(b + numerator / c);
        let change = c * d;
        fraction *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// `P(X ≤ x)` of a chi-square variable with `df > 0` degrees of freedom.
///
/// # Formula
/// [`gamma_p`] at (df/2, x/2).
///
/// # Domain
/// That of [`gamma_p`].
///
/// # Accuracy
/// That of [`gamma_p`].
///
/// # Source
/// `scipy.stats.chi2.cdf`.
pub fn chi_square_cdf(x: f64, df: f64) -> f64 {
    gamma_p(0.5 * df, 0.5 * x)
}

/// `P(X > x)` of a chi-square variable with `df > 0` degrees of freedom, accurate in the tail.
///
/// # Formula
/// [`gamma_q`] at (df/2, x/2).
///
/// # Domain
/// That of [`gamma_q`].
///
/// # Accuracy
/// That of [`gamma_q`].
///
/// # Source
/// `scipy.stats.chi2.sf`.
pub fn chi_square_sf(x: f64, df: f64) -> f64 {
    gamma_q(0.5 * df, 0.5 * x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distributions::normal_sf;

    #[test]
    fn one_and_two_degrees_have_closed_forms() {
        for x in [1e-6, 0.3, 1.0, 4.0, 30.0, 700.0, 1300.0] {
            assert!((chi_square_sf(x, 2.0) / (-0.5 * x).exp() - 1.0).abs() < 1e-13, "{x}");
            assert!((chi_square_sf(x, 1.0) / (2.0 * normal_sf(x.sqrt())) - 1.0).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn tails_sum_to_one_and_domains_hold() {
        for df in [0.5, 3.0, 1e3, 1e6] {
            for x in [0.5 * df, df, 1.01 * df] {
                assert!((chi_square_sf(x, df) + chi_square_cdf(x, df) - 1.0).abs() < 1e-14);
            }
        }
        assert_eq!(chi_square_sf(0.0, 3.0), 1.0);
        assert_eq!(chi_square_sf(f64::INFINITY, 3.0), 0.0);
        assert!(chi_square_sf(1.0, 0.0).is_nan());
    }
}
