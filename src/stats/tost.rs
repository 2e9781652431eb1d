//! Equivalence of two means: two one-sided Welch tests.

use super::distributions::student_t_sf;
use super::t_test::welch;
use super::{Alternative, Interval, Level, Moments, Undefined};

/// The answer of [`tost_welch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalence {
    /// mean(first) − mean(second).
    pub estimate: f64,
    /// p-value of "the difference is at most the lower margin".
    pub p_low: f64,
    /// p-value of "the difference is at least the upper margin".
    pub p_high: f64,
    /// The p-value of non-equivalence: the larger of both.
    pub p: f64,
    /// The two-sided interval of level 1 − 2α: it lies inside the margins exactly when p < α.
    pub interval: Interval,
}

/// Two one-sided Welch tests of the equivalence of two means.
///
/// # Estimand
/// Whether the difference mean(first) − mean(second) lies strictly between the margins `low` and `high`, which are in
/// the units of the data and chosen before the experiment. Not rejecting a difference is no evidence of equivalence;
/// this test is.
///
/// # Formula
/// t = (difference − margin)/se against each margin, with Welch's se and degrees of freedom.
///
/// # Assumptions
/// As for Welch's t test.
///
/// # Edge cases
/// A difference outside of the margins has p above ½. One sample may be constant. Margins must be finite.
///
/// # Errors
/// Those of [`welch`]; [`Undefined::InvalidParameter`] where the lower margin is not below the upper one, or α ≥ ½.
///
/// # Source
/// D. J. Schuirmann (1987); `statsmodels ttost_ind(usevar="unequal")`; reference case `tost_welch`.
pub fn tost_welch(
    first: &Moments,
    second: &Moments,
    low: f64,
    high: f64,
    level: Level,
) -> Result<Equivalence, Undefined> {
    if !(low < high && low.is_finite() && high.is_finite()) {
        return Err(Undefined::InvalidParameter("margin"));
    }
    let inner = Level::from_alpha(2.0 * level.alpha()).ok_or(Undefined::InvalidParameter("level"))?;
    let difference = welch(first, second, Alternative::TwoSided, inner)?;
    let p_low = student_t_sf((difference.estimate - low) / difference.se, difference.df);
    let p_high = student_t_sf((high - difference.estimate) / difference.se, difference.df);
    Ok(Equivalence {
        estimate: difference.estimate,
        p_low,
        p_high,
        p: p_low.max(p_high),
        interval: difference.ci,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tost(first: &Moments, second: &Moments, low: f64, high: f64) -> Equivalence {
        tost_welch(first, second, low, high, Level::P95).unwrap()
    }

    #[test]
    fn a_narrow_margin_is_harder_than_a_wide_one() {
        let (first, second) =
            (Moments::from_summary(10.1, 2.0, 900).unwrap(), Moments::from_summary(10.0, 2.2, 950).unwrap());
        let (narrow, wide) = (tost(&first, &second, -0.2, 0.2), tost(&first, &second, -0.5, 0.5));
        assert!(narrow.p > 0.05 && wide.p < 0.05, "{narrow:?} {wide:?}");
        assert!(tost_welch(&first, &second, 0.5, -0.5, Level::P95).is_err());
        assert!(tost_welch(&first, &second, -0.5, 0.5, Level::new(0.4).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn equivalent_exactly_when_the_interval_lies_inside_the_margins(
            mean in -1.0_f64..1.0, sd1 in 0.5_f64..3.0, sd2 in 0.5_f64..3.0, n1 in 5_u64..900, n2 in 5_u64..900,
            margin in 0.1_f64..2.0,
        ) {
            let first = Moments::from_summary(mean, sd1, n1).unwrap();
            let second = Moments::from_summary(0.0, sd2, n2).unwrap();
            let there = tost(&first, &second, -margin, margin);
            let inside = -margin < there.interval.low && there.interval.high < margin;
            prop_assert_eq!(there.p < Level::P95.alpha(), inside);
            let back = tost(&second, &first, -margin, margin);
            prop_assert!((there.p_low - back.p_high).abs() < 1e-12 && (there.p_high - back.p_low).abs() < 1e-12);
        }
    }
}
