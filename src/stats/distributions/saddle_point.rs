//! Loader's saddle-point expansion: gamma-function ratios without the cancellation of large logarithms.
//!
//! At a million trials `ln Γ` is of the order of 1e7, so that a difference of such terms keeps nine digits at best.
//! Loader (2000), "Fast and accurate computation of binomial probabilities", splits the logarithm into a deviance, which is
//! small where the probability is not, and the error of Stirling's formula, which is always small.

use std::f64::consts::{PI, TAU};

/// `½ ln 2π`.
const HALF_LN_TAU: f64 = 0.918_938_533_204_672_8;

/// Error of Stirling's formula, `ln Γ(a + 1) − (a + ½) ln a + a − ½ ln 2π`, for `a > 0`.
///
/// From 16 on the asymptotic series is exact to the last digit; below, the recurrence
/// `δ(a) = δ(a + 1) + (a + ½) ln(1 + 1/a) − 1` climbs there, all of whose terms are small.
pub(super) fn stirling_error(a: f64) -> f64 {
    let mut climbed = a;
    let mut sum = 0.0;
    while climbed < 16.0 {
        sum += (climbed + 0.5) * (1.0 / climbed).ln_1p() - 1.0;
        climbed += 1.0;
    }
    let inverse = 1.0 / climbed;
    let square = inverse * inverse;
    // Bernoulli numbers: 1/12, −1/360, 1/1260, −1/1680, 1/1188, −691/360360, 1/156.
    let series = 1.0 / 12.0
        - square
            * (1.0 / 360.0
                - square
                    * (1.0 / 1260.0
                        - square
                            * (1.0 / 1680.0
                                - square * (1.0 / 1188.0 - square * (691.0 / 360_360.0 - square / 156.0)))));
    sum + series * inverse
}

/// Deviance term `x ln(x / m) + m − x`, accurate where `x` and `m` are close; `m` for `x = 0`.
pub(super) fn deviance(x: f64, m: f64) -> f64 {
    if x == 0.0 {
        return m;
    }
    let difference = x - m;
    if difference.abs() < 0.1 * (x + m) {
        let v = difference / (x + m);
        let mut sum = difference * v;
        let mut term = 2.0 * x * v;
        let square = v * v;
        for j in 1..1000 {
            term *= square;
            let next = sum + term / f64::from(2 * j + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * (x / m).ln() + m - x
}

/// `ln Γ(x)`.
///
/// # Formula
/// Stirling's formula with its error, climbed by recurrence below 16.
///
/// # Domain
/// x > 0.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 6e-14. Close to its zeros at 1 and 2; 1e-15 elsewhere
/// from 1e-6 to 1e10.
///
/// # Source
/// C. Loader (2000); `scipy.special.gammaln`.
pub fn ln_gamma(x: f64) -> f64 {
    if x == 1.0 || x == 2.0 {
        return 0.0;
    }
    if x < 1e-8 {
        // Γ(x) = Γ(1 + x) / x with Γ(1 + x) = 1 − γx + …
        return -x.ln() - 0.577_215_664_901_532_9 * x;
    }
    stirling_error(x) + (x - 0.5) * x.ln() - x + HALF_LN_TAU
}

/// `ln B(a, b)`, without the cancellation of `ln Γ(a) + ln Γ(b) − ln Γ(a + b)`.
///
/// # Formula
/// The entropy of the shares a/n and b/n, plus the errors of Stirling's formula.
///
/// # Domain
/// a, b > 0.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 1e-13. Where the result is close to zero; 1e-15
/// elsewhere, parameters 0.1 to 1e5.
///
/// # Source
/// C. Loader (2000); `scipy.special.betaln`.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let n = a + b;
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    // a ln(a/n) + b ln(b/n): the larger share is near one, where ln_1p keeps the digits.
    let entropy = small * (small / n).ln() + large * (-small / n).ln_1p();
    entropy + 0.5 * (TAU * n / (a * b)).ln() + stirling_error(a) + stirling_error(b) - stirling_error(n)
}

/// `ln C(n, k)`.
///
/// # Formula
/// `−ln(n + 1) −` [`ln_beta`]`(k + 1, n − k + 1)`.
///
/// # Domain
/// Every pair of counts; `-inf` for k > n.
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 9e-16. n to 1e9.
///
/// # Source
/// C. Loader (2000); `math.comb` of Python.
pub fn ln_choose(n: u64, k: u64) -> f64 {
    if k > n {
        return f64::NEG_INFINITY;
    }
    if k == 0 || k == n {
        return 0.0;
    }
    let (k, n) = (k as f64, n as f64);
    -(n + 1.0).ln() - ln_beta(k + 1.0, n - k + 1.0)
}

/// Natural logarithm of the real-valued binomial term `Γ(a+b+1)/(Γ(a+1)Γ(b+1)) x^a y^b`, `x + y = 1`, `a, b > 0`, without
/// its factor `√((a + b)/(2π a b))`.
pub(super) fn ln_binomial_core(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let n = a + b;
    stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y)
}

/// Natural logarithm of the probability of `k` successes in `n` trials of probability `p`.
///
/// # Formula
/// Deviances of k and n − k from their expectations plus the errors of Stirling's formula.
///
/// # Domain
/// p in [0, 1], NaN outside of it; `-inf` for k > n.
///
/// # Accuracy
/// That of [`binomial_pmf`], absolutely.
///
/// # Source
/// C. Loader (2000); `scipy.stats.binom.logpmf`.
pub fn binomial_ln_pmf(k: u64, n: u64, p: f64) -> f64 {
    if k > n || !(0.0..=1.0).contains(&p) {
        return if k > n { f64::NEG_INFINITY } else { f64::NAN };
    }
    let (successes, failures) = (k as f64, (n - k) as f64);
    if k == 0 {
        return if n == 0 { 0.0 } else { failures * (-p).ln_1p() };
    }
    if k == n {
        return successes * p.ln();
    }
    let n = n as f64;
    ln_binomial_core(successes, failures, p, 1.0 - p) + 0.5 * (n / (2.0 * PI * successes * failures)).ln()
}

/// Probability of `k` successes in `n` trials of probability `p`.
///
/// # Formula
/// The exponential of [`binomial_ln_pmf`].
///
/// # Domain
/// That of [`binomial_ln_pmf`].
///
/// # Accuracy
/// Largest relative error measured against 30-digit arithmetic: 3e-12. n to 1e9, within three standard deviations of
/// the mean.
///
/// # Source
/// C. Loader (2000); `scipy.stats.binom.pmf`.
pub fn binomial_pmf(k: u64, n: u64, p: f64) -> f64 {
    binomial_ln_pmf(k, n, p).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relative(found: f64, expected: f64) -> f64 {
        ((found - expected) / expected).abs()
    }

    #[test]
    fn ln_gamma_agrees_with_scipy() {
        // scipy.special.gammaln
        let cases = [
            (0.5, 0.572_364_942_924_700_1),
            (1e-3, 6.907_178_885_383_853),
            (3.7, 1.428_072_326_665_388),
            (20.0, 39.339_884_187_199_494),
            (1e7, 151_180_949.369_473_94),
        ];
        for (x, expected) in cases {
            assert!(relative(ln_gamma(x), expected) < 1e-14, "{x}: {}", ln_gamma(x));
        }
    }

    #[test]
    fn large_binomials_keep_their_digits() {
        // mpmath, 30 digits
        assert!(relative(ln_choose(1_000_000, 500_000), 693_140.047_013_063_7) < 1e-14);
        assert!(relative(binomial_pmf(500_000, 1_000_000, 0.5), 7.978_843_613_317_501e-4) < 1e-12);
        assert_eq!(binomial_pmf(0, 10, 0.0), 1.0);
        assert_eq!(binomial_pmf(10, 10, 1.0), 1.0);
        assert_eq!(binomial_ln_pmf(11, 10, 0.5), f64::NEG_INFINITY);
    }
}
