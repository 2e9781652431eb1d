//! Student's and Welch's t tests for the difference of two means, from moments alone.

use super::distributions::{student_t_isf, student_t_sf};
use super::{Alternative, Interval, Level, Moments, Undefined};

/// A difference of two means with its test and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanDifference {
    /// Mean of the first sample minus mean of the second, in the units of the data.
    pub estimate: f64,
    /// Standard error of the estimate.
    pub se: f64,
    /// Confidence interval of the difference; one side is infinite for a one-sided alternative.
    pub ci: Interval,
    /// `estimate / se`.
    pub statistic: f64,
    /// Degrees of freedom of the reference t distribution.
    pub df: f64,
    /// The p-value of the null hypothesis that the means are equal.
    pub p: f64,
}

impl MeanDifference {
    /// The test and the interval of an estimate that is t distributed with `df` degrees of freedom around its parameter
    /// when divided by `se`. Infinite degrees of freedom give the z test.
    ///
    /// Both are read from the same statistic: p is below α exactly when the interval excludes zero.
    ///
    /// # Errors
    /// [`Undefined::ZeroVariance`] for `se = 0`; [`Undefined::NonFinite`] when the estimate or its error is not finite.
    pub fn from_estimate(
        estimate: f64,
        se: f64,
        df: f64,
        alternative: Alternative,
        level: Level,
    ) -> Result<MeanDifference, Undefined> {
        if se == 0.0 {
            return Err(Undefined::ZeroVariance);
        }
        let statistic = estimate / se;
        // The negated comparison lets NaN fall into the error.
        if !(estimate.is_finite() && se.is_finite() && statistic.is_finite() && df > 0.0) {
            return Err(Undefined::NonFinite);
        }
        let p = student_t_p(statistic, df, alternative);
        let margin = se * student_t_critical(df, alternative, level);
        Ok(MeanDifference {
            estimate,
            se,
            ci: Interval::around(estimate, margin, alternative),
            statistic,
            df,
            p,
        })
    }
}

/// p-value of a t statistic; the two-sided one doubles the smaller tail.
///
/// Infinite `df` read the normal law. NaN for a statistic that is NaN or `df` that are not positive; callers exclude
/// both.
pub fn student_t_p(statistic: f64, df: f64, alternative: Alternative) -> f64 {
    match alternative {
        Alternative::TwoSided => (2.0 * student_t_sf(statistic.abs(), df)).min(1.0),
        Alternative::Less => student_t_sf(-statistic, df),
        Alternative::Greater => student_t_sf(statistic, df),
    }
}

/// Critical value that makes the interval match the test: the upper α/2 point of Student's t, or α for one side.
///
/// Positive for a two-sided alternative; negative for a one-sided α above ½.
pub fn student_t_critical(df: f64, alternative: Alternative, level: Level) -> f64 {
    let tail = if alternative == Alternative::TwoSided { 0.5 * level.alpha() } else { level.alpha() };
    student_t_isf(tail, df)
}

/// Welch's t test: the difference `mean(x) − mean(y)` of two independent samples, with unequal variances allowed.
///
/// # Estimand
/// The difference of the two expectations, E X − E Y, in the units of the data.
///
/// # Formula
/// t = (x̄ − ȳ)/se, se² = s²_x/n_x + s²_y/n_y; degrees of freedom by Welch–Satterthwaite.
///
/// # Assumptions
/// Independent units, means close to normal (samples large for the skewness of the data).
///
/// # Edge cases
/// One sample may be constant. Equal means give t = 0 and p = 1. A one-sided alternative has one bound. Summaries of
/// 10¹⁵ units and p-values of 1e-300 keep their digits.
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] below two values in a sample,
/// [`Undefined::ZeroVariance`] where neither sample varies, [`Undefined::NonFinite`].
///
/// # Source
/// B. L. Welch (1947); `scipy.stats.ttest_ind(equal_var=False)`; reference cases `t_test_welch`,
/// `t_test_from_stats_welch`.
pub fn welch(
    x: &Moments,
    y: &Moments,
    alternative: Alternative,
    level: Level,
) -> Result<MeanDifference, Undefined> {
    let x_part = x.checked_variance()? / x.n as f64;
    let y_part = y.checked_variance()? / y.n as f64;
    let variance = x_part + y_part;
    if variance == 0.0 {
        return Err(Undefined::ZeroVariance);
    }
    // Shares instead of squares of variances: those of data of the order of 1e-100 underflow.
    let (x_share, y_share) = (x_part / variance, y_part / variance);
    let df = 1.0 / (x_share * x_share / (x.n - 1) as f64 + y_share * y_share / (y.n - 1) as f64);
    MeanDifference::from_estimate(x.mean - y.mean, variance.sqrt(), df, alternative, level)
}

/// Student's t test: the difference `mean(x) − mean(y)` of two independent samples with one common variance.
///
/// # Estimand
/// The difference of the two expectations, E X − E Y, in the units of the data.
///
/// # Formula
/// t = (x̄ − ȳ)/se, pooled variance (M2_x + M2_y)/(n_x + n_y − 2), se² = pooled (1/n_x + 1/n_y), df = n_x + n_y − 2.
///
/// # Assumptions
/// As [`welch`], and equal variances; with unequal sizes and variances its error rate is not nominal.
///
/// # Edge cases
/// As [`welch`]. A sample of one unit is refused, where scipy borrows the variance of the other.
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] below two values in a sample,
/// [`Undefined::ZeroVariance`] where neither sample varies, [`Undefined::NonFinite`].
///
/// # Source
/// Student (1908); `scipy.stats.ttest_ind(equal_var=True)`; reference cases `t_test_student`,
/// `t_test_from_stats_student`.
pub fn student(
    x: &Moments,
    y: &Moments,
    alternative: Alternative,
    level: Level,
) -> Result<MeanDifference, Undefined> {
    x.checked_variance()?;
    y.checked_variance()?;
    let (n_x, n_y) = (x.n as f64, y.n as f64);
    let df = n_x + n_y - 2.0;
    let se = ((x.m2 + y.m2) / df * (1.0 / n_x + 1.0 / n_y)).sqrt();
    MeanDifference::from_estimate(x.mean - y.mean, se, df, alternative, level)
}

/// One-sample t test of `mean(x) = null`; for paired data pass the moments of the differences.
///
/// # Estimand
/// E X − null, in the units of the data.
///
/// # Formula
/// t = (x̄ − null)/√(s²/n) with n − 1 degrees of freedom.
///
/// # Assumptions
/// Independent units, mean close to normal.
///
/// # Edge cases
/// A mean that equals `null` gives t = 0 and p = 1.
///
/// # Errors
/// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] below two values, [`Undefined::ZeroVariance`],
/// [`Undefined::NonFinite`].
///
/// # Source
/// Student (1908); `scipy.stats.ttest_1samp`. The reference file holds no case of it; it is Welch's formula with one
/// sample.
pub fn one_sample(
    x: &Moments,
    null: f64,
    alternative: Alternative,
    level: Level,
) -> Result<MeanDifference, Undefined> {
    let se = (x.checked_variance()? / x.n as f64).sqrt();
    MeanDifference::from_estimate(x.mean - null, se, (x.n - 1) as f64, alternative, level)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(mean: f64, sd: f64, n: u64) -> Moments {
        Moments::from_summary(mean, sd, n).unwrap()
    }

    #[test]
    fn summaries_of_a_large_test() {
        // scipy.stats.ttest_ind_from_stats
        let (x, y) = (summary(360.0, 40.0, 9802), summary(352.0, 58.0, 9789));
        let unequal = welch(&x, &y, Alternative::TwoSided, Level::P95).unwrap();
        assert!((unequal.p / 3.397_782_878_412_181e-29 - 1.0).abs() < 1e-10);
        assert!((unequal.df - 17_379.000_439_191_077).abs() < 1e-8);
        let equal = student(&x, &y, Alternative::TwoSided, Level::P95).unwrap();
        assert!((equal.p / 3.213_170_110_556_296_4e-29 - 1.0).abs() < 1e-10);
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let (one, flat) = (Moments::from_slice(&[1.0]), Moments::from_slice(&[2.0, 2.0, 2.0]));
        let test = |x: &Moments, y: &Moments| welch(x, y, Alternative::TwoSided, Level::P95).unwrap_err();
        assert_eq!(test(&one, &flat), Undefined::TooFewObservations { needed: 2, found: 1 });
        assert_eq!(test(&flat, &flat), Undefined::ZeroVariance);
        assert_eq!(test(&flat, &Moments::EMPTY), Undefined::EmptyGroup);
        assert_eq!(test(&flat, &Moments::from_slice(&[1.0, f64::INFINITY])), Undefined::NonFinite);
    }

    #[test]
    fn one_flat_sample_leaves_the_degrees_of_the_other() {
        let (flat, x) = (Moments::from_slice(&[2.0, 2.0, 2.0]), Moments::from_slice(&[1.0, 2.0, 4.0, 8.0]));
        let result = welch(&x, &flat, Alternative::TwoSided, Level::P95).unwrap();
        assert!((result.df - 3.0).abs() < 1e-12);
    }
}
