//! CUPED with several covariates, over any number of groups: means and ratios with the part removed that was known before
//! the experiment.
//!
//! # Estimand
//! The same group means (ratios) as without adjustment: randomisation makes the expectations of the covariates equal, so
//! that what is subtracted is zero on average.
//!
//! # Formula
//! θ = (Σ_g S_xx,g)⁻¹ Σ_g S_xy,g, the slopes of a regression within the groups with one intercept each, so that an effect
//! of the treatment does not leak into them. The adjusted mean is ȳ_g − θ'(x̄_g − x̄) with the mean x̄ of the units of all
//! groups, its variance that of y − θ'x within the group.
//!
//! The normal equations are scaled to unit diagonal and solved by Cholesky's factorisation in the order of the covariates.
//! A covariate of whose variance within the groups a share below [`TOLERANCE`] is left by those before it is collinear
//! (or, where it does not vary at all, empty): it is dropped, and named in [`Slopes::dropped`]. The adjusted values do not
//! depend on which of several collinear covariates stays.
//!
//! # Assumptions
//! Covariates are not affected by the treatment (measured before it); units are randomised and independent. θ is treated
//! as known, which understates the variance by a share of about (number of covariates)/n. Units without history need a
//! value: a constant, chosen before looking, is valid, and better with a second covariate that marks them.
//!
//! # Units
//! Those of the metric; θ carries the quotients of the units of metric and covariates.
//!
//! # Source
//! A. Deng, Y. Xu, R. Kohavi & T. Walker (2013); D. Freedman (2008) and W. Lin (2013) on
//! regression in randomised experiments; R. Budylin, A. Drutsa, I. Katsev &
//! V. Tsoy (2018) for linearised ratios. statsmodels: `OLS(y, [group dummies, x])` has the slopes θ.

use super::comoments::Comoments;
use super::ratio::Estimate;
use super::{Moments, Undefined};

/// Least share of a covariate's variance that those before it must leave. Below it the sums themselves, good to about
/// fifteen digits, no longer determine a slope.
pub const TOLERANCE: f64 = 1e-10;

/// The coefficients of the covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct Slopes {
    /// One coefficient for each covariate, in their order; 0 for a dropped one.
    pub theta: Vec<f64>,
    /// Indices of the covariates that do not vary within the groups or are collinear with those before them, ascending.
    pub dropped: Vec<usize>,
}

/// The answer of [`adjusted_means`].
#[derive(Debug, Clone, PartialEq)]
pub struct AdjustedMeans {
    /// The coefficients, common to all groups.
    pub slopes: Slopes,
    /// Moments of the adjusted metric of each group; means stay in the units of the metric.
    pub groups: Vec<Moments>,
    /// Moments of the metric as measured.
    pub plain: Vec<Moments>,
}

impl AdjustedMeans {
    /// Squared standard error of the adjusted difference of two groups over that of the plain one: 0.25 stands for a
    /// fourfold sample. A group's own ratio is that of its mean.
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] for a group that is not there, [`Undefined::ZeroVariance`] where the metric does
    /// not vary in the two groups, [`Undefined::TooFewObservations`].
    pub fn variance_ratio(&self, first: usize, second: usize) -> Result<f64, Undefined> {
        let part = |groups: &[Moments], index: usize| {
            let group = groups.get(index).ok_or(Undefined::InvalidParameter("group"))?;
            Ok(group.checked_variance()? / group.n as f64)
        };
        quotient(
            part(&self.groups, first)? + part(&self.groups, second)?,
            part(&self.plain, first)? + part(&self.plain, second)?,
        )
    }
}

/// The answer of [`adjusted_ratios`].
#[derive(Debug, Clone, PartialEq)]
pub struct AdjustedRatios {
    /// The coefficients of the linearised metric, common to all groups.
    pub slopes: Slopes,
    /// Adjusted ratio of each group with the variance of its sampling error.
    pub groups: Vec<Estimate>,
    /// Ratio of each group as measured, with its variance by the delta method.
    pub plain: Vec<Estimate>,
}

impl AdjustedRatios {
    /// As [`AdjustedMeans::variance_ratio`].
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] for a group that is not there, [`Undefined::ZeroVariance`] where neither ratio
    /// varies.
    pub fn variance_ratio(&self, first: usize, second: usize) -> Result<f64, Undefined> {
        let part = |groups: &[Estimate], index: usize| {
            groups.get(index).map(|group| group.variance).ok_or(Undefined::InvalidParameter("group"))
        };
        quotient(
            part(&self.groups, first)? + part(&self.groups, second)?,
            part(&self.plain, first)? + part(&self.plain, second)?,
        )
    }
}

fn quotient(adjusted: f64, plain: f64) -> Result<f64, Undefined> {
    if plain == 0.0 { Err(Undefined::ZeroVariance) } else { Ok(adjusted / plain) }
}

/// The means of the groups adjusted by covariates. In each [`Comoments`] variable 0 is the metric and all others are
/// covariates. With one covariate and two groups this is [`cuped`](super::cuped::cuped).
///
/// # Edge cases
/// Without a covariate that varies, all are dropped and nothing is adjusted. Covariates that explain the metric entirely
/// leave a variance of zero.
///
/// # Errors
/// [`Undefined::TooFewGroups`] below two groups, [`Undefined::LengthMismatch`] where they hold different variables,
/// [`Undefined::InvalidParameter`] without covariates, [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] below
/// two units in a group, [`Undefined::NonFinite`].
pub fn adjusted_means(groups: &[Comoments]) -> Result<AdjustedMeans, Undefined> {
    checked(groups, 1)?;
    let targets = vec![vec![1.0]; groups.len()];
    let adjustment = Adjustment::new(groups, &targets)?;
    let adjusted = groups.iter().map(|group| {
        let residual = adjustment.residual(group, &[1.0])?;
        Ok(Moments { mean: group.means()[0] - adjustment.excess(group), ..residual })
    });
    Ok(AdjustedMeans {
        groups: adjusted.collect::<Result<_, Undefined>>()?,
        plain: groups.iter().filter_map(|group| group.of_variable(0)).collect(),
        slopes: adjustment.slopes,
    })
}

/// The ratios ΣN/ΣD of the groups adjusted by covariates. In each [`Comoments`] variable 0 is the numerator N, variable 1
/// the denominator D and all others are covariates of the unit.
///
/// # Formula
/// With R_g = N̄_g/D̄_g, l = (N − R_g D)/D̄_g is the linear part of a unit's contribution to R_g. θ are the slopes of l
/// within the groups, the adjusted ratio is R_g − θ'(x̄_g − x̄), and its variance that of l − θ'x within the group over n_g.
///
/// # Assumptions
/// As [`ratio_of_means`](super::ratio::ratio_of_means): D̄ is several standard errors away from zero.
///
/// # Errors
/// As [`adjusted_means`], and [`Undefined::ZeroDenominator`] where D̄ = 0 in a group.
pub fn adjusted_ratios(groups: &[Comoments]) -> Result<AdjustedRatios, Undefined> {
    checked(groups, 2)?;
    let linear = |group: &Comoments| match *group.means() {
        [_, 0.0, ..] => Err(Undefined::ZeroDenominator),
        [numerator, denominator, ..] => Ok((numerator / denominator, denominator)),
        _ => Err(Undefined::InvalidParameter("covariates")),
    };
    let ratios: Vec<(f64, f64)> = groups.iter().map(linear).collect::<Result<_, Undefined>>()?;
    let targets: Vec<Vec<f64>> =
        ratios.iter().map(|(ratio, denominator)| vec![1.0 / denominator, -ratio / denominator]).collect();
    let adjustment = Adjustment::new(groups, &targets)?;
    let unadjusted = Adjustment { slopes: adjustment.slopes.none(), centre: adjustment.centre.clone() };
    let estimates = |adjustment: &Adjustment| {
        let estimate = |((group, target), (ratio, _)): ((&Comoments, &Vec<f64>), &(f64, f64))| {
            let variance = adjustment.residual(group, target)?.checked_variance()? / group.n() as f64;
            Ok(Estimate { value: ratio - adjustment.excess(group), variance })
        };
        groups.iter().zip(&targets).zip(&ratios).map(estimate).collect::<Result<Vec<_>, Undefined>>()
    };
    Ok(AdjustedRatios {
        groups: estimates(&adjustment)?,
        plain: estimates(&unadjusted)?,
        slopes: adjustment.slopes,
    })
}

/// Checks that the groups have the same variables, more than the `leading` ones of the metric, and enough units.
fn checked(groups: &[Comoments], leading: usize) -> Result<(), Undefined> {
    let [first, _, ..] = groups else {
        return Err(Undefined::TooFewGroups { needed: 2, found: groups.len() as u64 });
    };
    if groups.iter().any(|group| group.variables() != first.variables()) {
        return Err(Undefined::LengthMismatch);
    }
    if first.variables() <= leading {
        return Err(Undefined::InvalidParameter("covariates"));
    }
    let mut metric = groups.iter().filter_map(|group| group.of_variable(0));
    metric.try_for_each(|moments| moments.checked_variance().map(|_| ()))
}

/// Slopes with the point they are measured from.
struct Adjustment {
    slopes: Slopes,
    /// Means of the covariates over the units of all groups.
    centre: Vec<f64>,
}

impl Adjustment {
    /// `targets` holds for each group the weights of its leading variables; what they add up to is regressed on the rest.
    fn new(groups: &[Comoments], targets: &[Vec<f64>]) -> Result<Adjustment, Undefined> {
        let empty = Comoments::empty(groups.first().map_or(0, Comoments::variables));
        let all = groups.iter().try_fold(empty, |all, group| all.merge(group))?;
        let leading = targets.first().map_or(0, Vec::len);
        let covariates = all.variables() - leading;
        let mut xx = vec![vec![0.0; covariates]; covariates];
        let mut xy = vec![0.0; covariates];
        for (group, target) in groups.iter().zip(targets) {
            let product = |j: usize, k: usize| group.co_moment(j, k).unwrap_or(0.0);
            for (j, (row, right)) in xx.iter_mut().zip(&mut xy).enumerate() {
                for (k, entry) in row.iter_mut().enumerate() {
                    *entry += product(leading + j, leading + k);
                }
                *right += target.iter().enumerate().map(|(v, w)| w * product(v, leading + j)).sum::<f64>();
            }
        }
        let slopes = solve(&xx, &xy);
        if slopes.theta.iter().any(|theta| !theta.is_finite()) {
            return Err(Undefined::NonFinite);
        }
        Ok(Adjustment { slopes, centre: all.means()[leading..].to_vec() })
    }

    /// θ'(x̄_g − x̄): what the luck of the draw gave the group.
    fn excess(&self, group: &Comoments) -> f64 {
        let means = &group.means()[group.variables() - self.centre.len()..];
        let terms = self.slopes.theta.iter().zip(means).zip(&self.centre);
        terms.map(|((theta, mean), centre)| theta * (mean - centre)).sum()
    }

    /// Moments of target − θ'x in one group.
    fn residual(&self, group: &Comoments, target: &[f64]) -> Result<Moments, Undefined> {
        let weights: Vec<f64> =
            target.iter().copied().chain(self.slopes.theta.iter().map(|theta| -theta)).collect();
        group.of_combination(&weights)
    }
}

impl Slopes {
    /// The slopes of no adjustment.
    fn none(&self) -> Slopes {
        Slopes { theta: vec![0.0; self.theta.len()], dropped: Vec::new() }
    }
}

/// Solves `xx · theta = xy` by Cholesky's factorisation of the matrix scaled to unit diagonal, leaving out covariates
/// without variance of their own.
fn solve(xx: &[Vec<f64>], xy: &[f64]) -> Slopes {
    let scale: Vec<f64> = xx.iter().enumerate().map(|(j, row)| row[j].max(0.0).sqrt()).collect();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    // Rows of the lower triangle, for the kept covariates only; the right side is carried as a last column.
    let mut rows: Vec<Vec<f64>> = Vec::new();
    let mut right: Vec<f64> = Vec::new();
    for j in 0..xx.len() {
        let mut row = Vec::with_capacity(kept.len() + 1);
        for (at, &k) in kept.iter().enumerate() {
            let above: &Vec<f64> = &rows[at];
            let known: f64 = row.iter().zip(above).map(|(a, b): (&f64, &f64)| a * b).sum();
            row.push((xx[j][k] / scale[j] / scale[k] - known) / above[at]);
        }
        let pivot = 1.0 - row.iter().map(|entry| entry * entry).sum::<f64>();
        // A covariate that does not vary has no scale, and its pivot is not a number.
        if scale[j] == 0.0 || pivot.is_nan() || pivot <= TOLERANCE {
            dropped.push(j);
            continue;
        }
        let known: f64 = row.iter().zip(&right).map(|(a, b)| a * b).sum();
        right.push((xy[j] / scale[j] - known) / pivot.sqrt());
        row.push(pivot.sqrt());
        rows.push(row);
        kept.push(j);
    }
    let mut theta = vec![0.0; xx.len()];
    for at in (0..kept.len()).rev() {
        let solved = right[at] / rows[at][at];
        for before in 0..at {
            right[before] -= rows[at][before] * solved;
        }
        theta[kept[at]] = solved / scale[kept[at]];
    }
    Slopes { theta, dropped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bivariate::BivariateMoments;
    use crate::stats::cuped::cuped;
    use crate::stats::ratio::ratio_of_means;
    use crate::stats::{Alternative, Level};
    use proptest::prelude::*;

    /// Metric, two covariates, numerator and denominator of `n` units of group `g`.
    fn rows(n: usize, g: f64) -> [Vec<f64>; 5] {
        let mut columns = [const { Vec::new() }; 5];
        for i in 0..n {
            let at = i as f64;
            let first = 5.0 + 2.0 * (1.7 * at + g).sin();
            let second = (0.91 * at).cos() + 0.3 * first;
            let y = 0.8 * first - 1.5 * second + 0.4 * g + 0.7 * (3.3 * at + g).sin();
            let denominator = 1.0 + (i * 7 % 5) as f64;
            let numerator = denominator * (0.3 + 0.05 * g) + 0.5 * (0.37 * at).sin() + 0.2 * first;
            for (column, value) in columns.iter_mut().zip([y, first, second, numerator, denominator]) {
                column.push(value);
            }
        }
        columns
    }

    fn groups(variables: &[usize]) -> Vec<Comoments> {
        [(40, 0.0), (50, 1.0), (30, 2.0)]
            .map(|(n, g)| {
                let columns = rows(n, g);
                let chosen: Vec<&[f64]> = variables.iter().map(|&v| columns[v].as_slice()).collect();
                Comoments::from_columns(&chosen).unwrap()
            })
            .to_vec()
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found} instead of {expected}");
    }

    #[test]
    fn means_are_those_of_a_regression() {
        // statsmodels: OLS(y, [dummies of three groups, x1, x2]); means at the mean covariates, variances of y − θ'x.
        let answer = adjusted_means(&groups(&[0, 1, 2])).unwrap();
        near(answer.slopes.theta[0], 0.800_824_333_051_980_2);
        near(answer.slopes.theta[1], -1.492_140_522_440_677);
        assert!(answer.slopes.dropped.is_empty());
        let expected = [
            (1.732_920_908_123_834_4, 0.249_251_688_181_687_3),
            (2.134_697_208_600_491_6, 0.279_797_504_855_357_4),
            (2.539_394_192_360_025, 0.217_088_891_043_975_25),
        ];
        for (group, (mean, variance)) in answer.groups.iter().zip(expected) {
            near(group.mean, mean);
            near(group.variance().unwrap(), variance);
        }
        let plain = 1.655_722_925_801_42 / 40.0 + 1.637_738_204_037_448_2 / 50.0;
        let adjusted = 0.249_251_688_181_687_3 / 40.0 + 0.279_797_504_855_357_4 / 50.0;
        near(answer.variance_ratio(0, 1).unwrap(), adjusted / plain);
        assert_eq!(answer.variance_ratio(0, 3), Err(Undefined::InvalidParameter("group")));
    }

    #[test]
    fn ratios_are_those_of_a_regression_of_the_linearised_metric() {
        // statsmodels: OLS(l, [dummies of three groups, x1, x2]) on rows l = (N − R_g D)/mean(D_g).
        let answer = adjusted_ratios(&groups(&[3, 4, 1, 2])).unwrap();
        near(answer.slopes.theta[0], 0.075_689_754_382_390_46);
        near(answer.slopes.theta[1], -0.010_713_434_932_331_31);
        let expected = [
            (0.652_055_195_109_259_1, 0.001_024_185_473_511_446_6, 0.001_294_146_851_649_499_1),
            (0.687_212_177_086_756_9, 0.000_806_960_313_696_645_5, 0.001_027_879_639_032_543_2),
            (0.752_536_767_348_853_2, 0.001_427_324_906_182_736_7, 0.001_768_215_933_457_385_7),
        ];
        for ((group, plain), (ratio, variance, unadjusted)) in
            answer.groups.iter().zip(&answer.plain).zip(expected)
        {
            near(group.value, ratio);
            assert!((group.variance / variance - 1.0).abs() < 1e-10, "{group:?}");
            assert!((plain.variance / unadjusted - 1.0).abs() < 1e-10, "{plain:?}");
        }
        let columns = rows(40, 0.0);
        let plain =
            ratio_of_means(&BivariateMoments::from_slices(&columns[3], &columns[4]).unwrap()).unwrap();
        near(answer.plain[0].value, plain.value);
        near(answer.plain[0].variance, plain.variance);
        assert!(answer.variance_ratio(0, 1).unwrap() < 0.9);
    }

    #[test]
    fn collinear_and_constant_covariates_are_dropped() {
        let widened = |collinear: bool| -> Vec<Comoments> {
            let columns = [(40, 0.0), (50, 1.0), (30, 2.0)].map(|(n, g)| {
                let [y, first, second, ..] = rows(n, g);
                let sum: Vec<f64> = first.iter().zip(&second).map(|(a, b)| 3.0 * a - 0.1 * b + 7.0).collect();
                if collinear { vec![y, vec![0.1; n], first, second, sum] } else { vec![y, first, second] }
            });
            let of = |columns: &Vec<Vec<f64>>| {
                let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
                Comoments::from_columns(&columns).unwrap()
            };
            columns.iter().map(of).collect()
        };
        let (plain, wide) = (widened(false), widened(true));
        let (plain, wide) = (adjusted_means(&plain).unwrap(), adjusted_means(&wide).unwrap());
        assert_eq!(wide.slopes.dropped, [0, 3]);
        assert_eq!((wide.slopes.theta[0], wide.slopes.theta[3]), (0.0, 0.0));
        for (a, b) in plain.groups.iter().zip(&wide.groups) {
            near(a.mean, b.mean);
            near(a.m2, b.m2);
        }
    }

    #[test]
    fn what_cannot_be_adjusted_says_why() {
        let of = |columns: &[&[f64]]| Comoments::from_columns(columns).unwrap();
        let some = of(&[&[1.0, 2.0, 4.0], &[1.0, 0.0, 1.0], &[3.0, 3.0, 3.0]]);
        let means = |groups: &[Comoments]| adjusted_means(groups).unwrap_err();
        assert_eq!(means(std::slice::from_ref(&some)), Undefined::TooFewGroups { needed: 2, found: 1 });
        assert_eq!(means(&[some.clone(), of(&[&[1.0, 2.0]])]), Undefined::LengthMismatch);
        assert_eq!(
            means(&[of(&[&[1.0, 2.0]]), of(&[&[1.0, 2.0]])]),
            Undefined::InvalidParameter("covariates")
        );
        assert_eq!(means(&[some.clone(), Comoments::empty(3)]), Undefined::EmptyGroup);
        let one = of(&[&[1.0], &[1.0], &[1.0]]);
        assert_eq!(means(&[some.clone(), one]), Undefined::TooFewObservations { needed: 2, found: 1 });
        let no_rows = of(&[&[1.0, 2.0], &[0.0, 0.0], &[1.0, 2.0]]);
        assert_eq!(adjusted_ratios(&[some.clone(), no_rows]).unwrap_err(), Undefined::ZeroDenominator);
        // A covariate that does not vary leaves the means as they are.
        let constant = of(&[&[1.0, 2.0, 4.0], &[3.0, 3.0, 3.0]]);
        let answer = adjusted_means(&[constant.clone(), constant]).unwrap();
        assert_eq!((answer.slopes.dropped.as_slice(), &answer.groups), ([0].as_slice(), &answer.plain));
        assert_eq!(answer.variance_ratio(0, 1), Ok(1.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn one_covariate_and_two_groups_are_cuped(
            n1 in 3_usize..90, n2 in 3_usize..90, effect in -1.0_f64..1.0, offset in -1e3_f64..1e3,
        ) {
            let (control, treatment) = (rows(n1, 0.0), rows(n2, effect));
            let x = |columns: &[Vec<f64>; 5]| columns[1].iter().map(|x| x + offset).collect::<Vec<f64>>();
            let pair = |columns: &[Vec<f64>; 5]| BivariateMoments::from_slices(&columns[0], &x(columns)).unwrap();
            let both = |columns: &[Vec<f64>; 5]| Comoments::from_columns(&[&columns[0], &x(columns)]).unwrap();
            let expected =
                cuped(&pair(&control), &pair(&treatment), Alternative::TwoSided, Level::P95).unwrap();
            let answer = adjusted_means(&[both(&control), both(&treatment)]).unwrap();
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
            prop_assert!(close(answer.slopes.theta[0], expected.theta));
            prop_assert!(close(answer.variance_ratio(1, 0).unwrap(), expected.variance_ratio));
            for (group, expected) in answer.groups.iter().zip([expected.control, expected.treatment]) {
                prop_assert_eq!(group.n, expected.n);
                prop_assert!(close(group.mean, expected.mean) && close(group.m2, expected.m2));
            }
        }

        #[test]
        fn mixed_covariates_and_their_units_do_not_matter(
            a in 0.5_f64..3.0, b in -2.0_f64..2.0, scale in 1e-6_f64..1e6, shift in -100.0_f64..100.0,
        ) {
            let mixed = |(n, g): (usize, f64)| {
                let [y, first, second, ..] = rows(n, g);
                let one: Vec<f64> = first.iter().zip(&second).map(|(x, z)| a * x + b * z + shift).collect();
                let two: Vec<f64> = second.iter().map(|z| scale * z).collect();
                Comoments::from_columns(&[&y, &one, &two]).unwrap()
            };
            let plain = adjusted_means(&groups(&[0, 1, 2])).unwrap();
            let answer = adjusted_means(&[(40, 0.0), (50, 1.0), (30, 2.0)].map(mixed)).unwrap();
            for (one, other) in plain.groups.iter().zip(&answer.groups) {
                prop_assert!((one.mean - other.mean).abs() < 1e-9, "{:?} {:?}", one, other);
                prop_assert!((one.m2 / other.m2 - 1.0).abs() < 1e-9, "{:?} {:?}", one, other);
            }
            // Adjusted or not, the units' common mean is the same.
            let total = |groups: &[Moments]| groups.iter().map(Moments::sum).sum::<f64>();
            prop_assert!((total(&plain.groups) - total(&plain.plain)).abs() < 1e-9);
        }
    }
}
