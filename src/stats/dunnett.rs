//! Dunnett's test: several treatments against one control, with the family-wise error held.

use super::anova::pooled_within;
use super::distributions::{dunnett_critical_value, dunnett_sf};
use super::t_test::welch;
use super::{Alternative, Interval, Level, Moments, Undefined};

/// Comparison of one treatment with the control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ControlComparison {
    /// Position of the treatment among all groups.
    pub group: usize,
    /// Mean of the treatment minus mean of the control, in the units of the data.
    pub estimate: f64,
    /// Standard error of the estimate.
    pub se: f64,
    /// `estimate / se`.
    pub statistic: f64,
    /// Simultaneous confidence interval: all comparisons cover at once with the level.
    pub ci: Interval,
    /// p-value, adjusted for all comparisons.
    pub p: f64,
}

/// Dunnett's comparison of every group with the control at position `control`, in the order of the groups.
///
/// # Estimand
/// For each treatment, its expectation minus that of the control, in the units of the data; all comparisons hold at
/// once with the level.
///
/// # Formula
/// t = difference / (s √(1/nᵢ + 1/n₀)) with the variance s² pooled over all groups, against the largest of correlated t
/// variables with N − k degrees of freedom ([`dunnett_sf`]).
///
/// # Assumptions
/// Independent units, means close to normal, one variance in all groups. Sizes may differ.
///
/// # Edge cases
/// With one treatment it is Student's test. A group of one unit is compared by the variance of the others. A one-sided
/// level so low that its critical value is not positive has no interval ([`Undefined::NoSolution`]).
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, [`Undefined::InvalidParameter`] for a control that does not exist,
/// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] where there are no more values than groups,
/// [`Undefined::ZeroVariance`] where the values vary in no group, [`Undefined::NonFinite`].
///
/// # Source
/// C. W. Dunnett (1955); `scipy.stats.dunnett` (which integrates by simulation, to 1e-3); reference case `dunnett`.
pub fn dunnett(
    groups: &[Moments],
    control: usize,
    alternative: Alternative,
    level: Level,
) -> Result<Vec<ControlComparison>, Undefined> {
    let (variance, df) = pooled_within(groups)?;
    let base = groups.get(control).ok_or(Undefined::InvalidParameter("control"))?;
    let base_size = base.n as f64;
    let treatments: Vec<(usize, &Moments)> =
        groups.iter().enumerate().filter(|(i, _)| *i != control).collect();
    let loadings: Vec<f64> =
        treatments.iter().map(|(_, group)| (group.n as f64 / (group.n as f64 + base_size)).sqrt()).collect();
    let critical = dunnett_critical_value(level.alpha(), &loadings, df, alternative);
    if !critical.is_finite() {
        return Err(Undefined::NoSolution);
    }
    treatments
        .into_iter()
        .map(|(group, moments)| {
            let estimate = moments.mean - base.mean;
            let se = (variance * (1.0 / moments.n as f64 + 1.0 / base_size)).sqrt();
            let statistic = estimate / se;
            if !statistic.is_finite() {
                return Err(Undefined::NonFinite);
            }
            let toward = match alternative {
                Alternative::TwoSided => statistic.abs(),
                Alternative::Less => -statistic,
                Alternative::Greater => statistic,
            };
            let p = dunnett_sf(toward, &loadings, df, alternative);
            let ci = Interval::around(estimate, critical * se, alternative);
            Ok(ControlComparison { group, estimate, se, statistic, ci, p })
        })
        .collect()
}

/// Dunnett's comparison by the variances of the groups, in the order of [`dunnett`].
///
/// # Estimand
/// As [`dunnett`].
///
/// # Formula
/// t = difference / √(s²ᵢ/nᵢ + s²₀/n₀) against the largest of correlated t variables with the degrees of freedom of Welch's test of the
/// pair. Two differences share the control's error, so their correlation is λᵢλⱼ with λᵢ² = (s²₀/n₀) / (s²₀/n₀ + s²ᵢ/nᵢ).
///
/// # Assumptions
/// Independent units, means close to normal; variances and sizes may differ.
///
/// # Edge cases
/// With one treatment it is Welch's test.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two, [`Undefined::InvalidParameter`] for a control that does not exist, those of [`welch`] for a
/// pair, [`Undefined::NoSolution`] without a critical value.
///
/// # Source
/// M. Hasler & L. A. Hothorn (2008), *Multiple contrast tests in the presence of heteroscedasticity*, Biometrical Journal 50.
pub fn dunnett_unequal(
    groups: &[Moments],
    control: usize,
    alternative: Alternative,
    level: Level,
) -> Result<Vec<ControlComparison>, Undefined> {
    if groups.len() < 2 {
        return Err(Undefined::TooFewGroups { needed: 2, found: groups.len() as u64 });
    }
    let base = groups.get(control).ok_or(Undefined::InvalidParameter("control"))?;
    let treatments = || groups.iter().enumerate().filter(|(i, _)| *i != control);
    let error = |group: &Moments| group.variance_of_mean().unwrap_or(0.0);
    let loadings: Vec<f64> = treatments()
        .map(|(_, group)| (error(base) / (error(base) + error(group))).sqrt())
        // A control without variance has no error to share.
        .map(|loading| if loading.is_finite() { loading.min(1.0 - 1e-12) } else { 0.0 })
        .collect();
    treatments()
        .map(|(group, moments)| {
            let test = welch(moments, base, alternative, level)?;
            let critical = dunnett_critical_value(level.alpha(), &loadings, test.df, alternative);
            if !critical.is_finite() {
                return Err(Undefined::NoSolution);
            }
            let toward = match alternative {
                Alternative::TwoSided => test.statistic.abs(),
                Alternative::Less => -test.statistic,
                Alternative::Greater => test.statistic,
            };
            let p = dunnett_sf(toward, &loadings, test.df, alternative);
            let ci = Interval::around(test.estimate, critical * test.se, alternative);
            Ok(ControlComparison {
                group,
                estimate: test.estimate,
                se: test.se,
                statistic: test.statistic,
                ci,
                p,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::t_test;

    fn group(shift: f64, n: u32) -> Moments {
        let values: Vec<f64> = (0..n).map(|i| shift + f64::from(i * i % 11)).collect();
        Moments::from_slice(&values)
    }

    #[test]
    fn differences_by_their_own_variances_agree_with_an_integral() {
        // P(max |T| > |t|) by scipy.integrate.quad over the control's error and over the chi variable of the pair.
        let groups = [(0.0, 1.0, 12), (2.0, 3.0, 9), (1.0, 0.5, 30)].map(|(shift, scale, n)| {
            let values: Vec<f64> = (0..n).map(|i| shift + scale * f64::from(i * i % 11)).collect();
            Moments::from_slice(&values)
        });
        let found = dunnett_unequal(&groups, 0, Alternative::TwoSided, Level::P95).unwrap();
        assert!((found[0].statistic - 3.492_925_379_175_096).abs() < 1e-12);
        assert!((found[0].p - 0.012_413_025_436).abs() < 1e-8, "{}", found[0].p);
        assert!((found[1].p - 0.693_451_155_407).abs() < 1e-8, "{}", found[1].p);
        assert!(found.iter().all(|one| (one.p < 0.05) != one.ci.contains(0.0)), "{found:?}");
        let one = dunnett_unequal(&groups[..2], 0, Alternative::TwoSided, Level::P95).unwrap()[0];
        let test = welch(&groups[1], &groups[0], Alternative::TwoSided, Level::P95).unwrap();
        assert!((one.p - test.p).abs() < 1e-9 && (one.ci.low - test.ci.low).abs() < 1e-7, "{one:?} {test:?}");
    }

    #[test]
    fn one_treatment_is_a_student_test() {
        let (control, treatment) = (group(0.0, 12), group(2.0, 9));
        for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
            let found = dunnett(&[control, treatment], 0, alternative, Level::P95).unwrap()[0];
            let test = t_test::student(&treatment, &control, alternative, Level::P95).unwrap();
            assert!((found.p - test.p).abs() < 1e-10, "{alternative:?}: {} {}", found.p, test.p);
            assert!((found.statistic - test.statistic).abs() < 1e-12);
            let gap = |left: f64, right: f64| left != right && (left - right).abs() > 1e-8;
            assert!(!gap(found.ci.low, test.ci.low) && !gap(found.ci.high, test.ci.high));
        }
    }

    #[test]
    fn p_below_alpha_exactly_when_the_interval_excludes_zero() {
        let groups: Vec<Moments> = (0..7).map(|i| group(1.1 * f64::from(i) - 1.0, 8 + 3 * i)).collect();
        for alternative in [Alternative::TwoSided, Alternative::Less, Alternative::Greater] {
            let found = dunnett(&groups, 1, alternative, Level::P95).unwrap();
            assert_eq!(found.iter().map(|one| one.group).collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6]);
            assert!(found.iter().all(|one| (one.p < 0.05) != one.ci.contains(0.0)), "{found:?}");
        }
        assert_eq!(
            dunnett(&groups, 7, Alternative::TwoSided, Level::P95),
            Err(Undefined::InvalidParameter("control"))
        );
    }
}
