//! The noncentral t distribution, for the power of t tests.

use super::gamma::{chi_square_cdf, chi_square_sf};
use super::normal::{normal_cdf, normal_pdf, normal_sf};
use super::scale_mixture::expectation;

/// `P(T ≤ x)` for `T = (Z + nc) / √(χ²_df / df)`.
///
/// # Formula
/// `E Φ(x S − nc)` over the distribution of S, by the trapezoidal rule in ln S.
///
/// # Domain
/// df positive, also infinite; x and nc real. NaN outside of it.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 2e-14. df from 1 to 1e4, noncentrality to 8; the series
/// of AS 243 underflows beyond 37, this does not.
///
/// # Source
/// L. N. Trefethen & J. A. C. Weideman (2014) for the rule; `scipy.stats.nct.cdf`.
pub fn noncentral_t_cdf(x: f64, df: f64, nc: f64) -> f64 {
    average(x, df, nc, false)
}

/// `P(T > x)` of the same variable, accurate in the tail.
///
/// # Formula
/// As [`noncentral_t_cdf`] with the upper tail of the normal law.
///
/// # Domain
/// df positive, also infinite; x and nc real. NaN outside of it.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 2e-14. The same arguments.
///
/// # Source
/// `scipy.stats.nct.sf`.
pub fn noncentral_t_sf(x: f64, df: f64, nc: f64) -> f64 {
    average(x, df, nc, true)
}

/// Noncentralities beyond which the average may run over the normal part.
const LARGE: f64 = 200.0;

/// One tail of T, the upper or the lower one.
fn average(x: f64, df: f64, nc: f64, upper: bool) -> f64 {
    if x.is_nan() || nc.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    let tail = if upper { normal_sf } else { normal_cdf };
    if x == 0.0 || x.is_infinite() || nc.is_infinite() {
        return tail(x - nc);
    }
    if nc.abs() > LARGE.max(4.0 * (2.0 * df).sqrt()) && df < 1e8 {
        return if nc > 0.0 { over_normal(x, df, nc, upper) } else { over_normal(-x, df, -nc, !upper) };
    }
    // The normal part turns at S = nc / x, over a width of 1 / nc in ln S.
    let turn = if nc / x > 0.0 { (nc / x).ln().clamp(-50.0, 5.0) } else { 0.0 };
    let finest = 0.4 / nc.abs().max(1.0);
    expectation(df, finest, turn.min(0.0), turn.max(0.0), |s| tail(x * s - nc)).clamp(0.0, 1.0)
}

/// The same average the other way round, for a large positive `nc` beside which Z varies less than S does:
/// P(T > x) = E P(S < (Z + nc)/x | Z), where the probability changes slowly in Z. Z + nc is positive to every digit.
fn over_normal(x: f64, df: f64, nc: f64, upper: bool) -> f64 {
    const STEP: f64 = 0.25;
    if x < 0.0 {
        return if upper { 1.0 } else { 0.0 };
    }
    let term = |z: f64| {
        let s = (z + nc).max(0.0) / x;
        let square = df * s * s;
        normal_pdf(z) * if upper { chi_square_cdf(square, df) } else { chi_square_sf(square, df) }
    };
    let first = term(0.0);
    let mut sum = first;
    for direction in [STEP, -STEP] {
        let mut previous = first;
        // Beyond 38 the density of Z is zero.
        for i in 1..=152 {
            let value = term(direction * f64::from(i));
            sum += value;
            if value < previous && value < 1e-18 * sum {
                break;
            }
            previous = value;
        }
    }
    (sum * STEP).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distributions::student_t_cdf;

    #[test]
    fn no_noncentrality_is_student() {
        for df in [1.0, 2.5, 10.0, 1e3, 1e7] {
            for x in [-30.0, -2.0, -0.1, 0.0, 0.7, 5.0] {
                let expected = student_t_cdf(x, df);
                assert!((noncentral_t_cdf(x, df, 0.0) / expected - 1.0).abs() < 1e-10, "{df} {x}");
            }
        }
    }

    #[test]
    fn both_averages_agree_where_either_may_be_used() {
        for (df, nc) in [(1.0_f64, 210.0_f64), (3.5, 900.0), (40.0, 250.0), (300.0, 300.0)] {
            for ratio in [0.5, 0.9, 1.0, 1.1, 3.0] {
                let x = ratio * nc;
                let turn = (nc / x).ln();
                for (upper, tail) in [(true, normal_sf as fn(f64) -> f64), (false, normal_cdf)] {
                    let over_scale =
                        expectation(df, 0.4 / nc, turn.min(0.0), turn.max(0.0), |s| tail(x * s - nc));
                    let found = over_normal(x, df, nc, upper);
                    assert!(
                        (found / over_scale - 1.0).abs() < 1e-9,
                        "{df} {nc} {x}: {found:e} {over_scale:e}"
                    );
                }
            }
        }
        assert_eq!(noncentral_t_sf(5.0, 2.0, 1e30), 1.0);
        assert_eq!(noncentral_t_sf(5.0, 2.0, -1e30), 0.0);
    }

    #[test]
    fn tails_sum_to_one() {
        for (x, df, nc) in [(1.96, 5.0, 2.8), (-1.0, 1.0, 40.0), (1.96, 1e7, 2.8), (100.0, 30.0, 90.0)] {
            let total = noncentral_t_cdf(x, df, nc) + noncentral_t_sf(x, df, nc);
            assert!((total - 1.0).abs() < 1e-12, "{x} {df} {nc}: {total}");
        }
    }
}
