//! Whether the groups were alike before the experiment: covariates that the treatment cannot have changed.
//!
//! Randomisation makes the groups alike but for chance. A difference beyond chance says that the assignment, the logging or a
//! filter is broken, and that results are not to be read; a difference within chance is what a correction by covariates
//! (CUPED) takes out.

use crate::stats::distributions::f_sf;
use crate::stats::multiple_testing::{Correction, adjust};
use crate::stats::t_test::welch;
use crate::stats::{Alternative, Level, Moments, Undefined};

/// A standardised difference of this size is usually called an imbalance, whatever its significance (Austin 2009).
pub const NOTABLE: f64 = 0.1;

/// Of the variance of a covariate less than this part is left when the others are known: it says nothing new.
const REDUNDANT: f64 = 1e-10;

/// The covariates of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariates {
    /// Units.
    pub n: u64,
    /// Mean of each covariate.
    pub means: Vec<f64>,
    /// Covariances (n − 1) of the covariates.
    pub covariance: Vec<Vec<f64>>,
}

impl Covariates {
    /// From the columns of a group: one a covariate, units in the same order in all of them, no value missing.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`], [`Undefined::TooFewObservations`] below two units, [`Undefined::NonFinite`].
    pub fn from_columns(columns: &[&[f64]]) -> Result<Covariates, Undefined> {
        let n = columns.first().map_or(0, |column| column.len());
        if columns.iter().any(|column| column.len() != n) {
            return Err(Undefined::LengthMismatch);
        }
        if n < 2 {
            return Err(Undefined::TooFewObservations { needed: 2, found: n as u64 });
        }
        let means: Vec<f64> = columns.iter().map(|column| Moments::from_slice(column).mean).collect();
        let covariance: Vec<Vec<f64>> = (0..columns.len())
            .map(|i| {
                (0..columns.len()).map(|j| product((columns[i], means[i]), (columns[j], means[j]))).collect()
            })
            .collect();
        if means.iter().chain(covariance.iter().flatten()).any(|number| !number.is_finite()) {
            return Err(Undefined::NonFinite);
        }
        Ok(Covariates { n: n as u64, means, covariance })
    }

    fn moments(&self, i: usize) -> Moments {
        Moments { n: self.n, mean: self.means[i], m2: self.covariance[i][i] * (self.n - 1) as f64 }
    }
}

fn product((x, mean_x): (&[f64], f64), (y, mean_y): (&[f64], f64)) -> f64 {
    let sum: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    sum / (x.len() - 1) as f64
}

/// The difference of one covariate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Treatment − control, in the units of the covariate.
    pub difference: f64,
    /// In standard deviations: d / √((s²_t + s²_c)/2); none where the covariate does not vary.
    pub standardised: Option<f64>,
    /// Welch's p-value; none where the covariate does not vary.
    pub p: Option<f64>,
    /// Holm's p-value over the covariates that vary.
    pub p_adjusted: Option<f64>,
}

impl Difference {
    /// The standardised difference reaches [`NOTABLE`].
    pub fn is_notable(&self) -> bool {
        self.standardised.is_some_and(|d| d.abs() >= NOTABLE)
    }
}

/// The test of all covariates at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint {
    /// Hotelling's T².
    pub t_squared: f64,
    /// The F statistic that it gives.
    pub f: f64,
    /// Covariates that say something of their own.
    pub rank: usize,
    /// Degrees of freedom of F.
    pub df: (f64, f64),
    /// The p-value of equal means.
    pub p: f64,
}

/// The answer of [`compare`].
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// One row a covariate, in order.
    pub differences: Vec<Difference>,
    /// The test of all of them: the verdict about the assignment.
    pub joint: Result<Joint, Undefined>,
}

/// Compares the covariates of two groups.
///
/// # Estimand
/// The differences of the expectations, treatment − control.
///
/// # Formula
/// T² = n_c n_t/(n_c + n_t) · Δᵀ S⁻¹ Δ with the pooled covariance S, and F = T² (n − k − 1)/(k (n − 2)) with k and n − k − 1
/// degrees of freedom, n = n_c + n_t. S is decomposed by Cholesky with pivots; a covariate that the others determine is
/// left out of k.
///
/// # Assumptions
/// Independent units; sizes large for the skewness of the covariates. Equal covariances hold under randomisation.
///
/// # Edge cases
/// A covariate that does not vary has a difference and no test.
///
/// # Errors
/// [`Undefined::LengthMismatch`] where the groups have other covariates, [`Undefined::EmptyGroup`] without covariates,
/// [`Undefined::TooFewObservations`] below two units in a group. `joint` has its own: no covariate varies, or there are
/// fewer units than covariates need.
///
/// # Source
/// H. Hotelling (1931); P. C. Austin (2009), *Balance diagnostics for comparing the distribution of baseline covariates*,
/// Statistics in Medicine 28. `statsmodels.stats.multivariate.test_mvmean_2indep`.
pub fn compare(control: &Covariates, treatment: &Covariates) -> Result<Balance, Undefined> {
    let k = control.means.len();
    if k == 0 {
        return Err(Undefined::EmptyGroup);
    }
    let square = |group: &Covariates| {
        group.means.len() == k
            && group.covariance.len() == k
            && group.covariance.iter().all(|row| row.len() == k)
    };
    if !square(control) || !square(treatment) {
        return Err(Undefined::LengthMismatch);
    }
    let found = control.n.min(treatment.n);
    if found < 2 {
        return Err(Undefined::TooFewObservations { needed: 2, found });
    }
    let mut differences: Vec<Difference> = (0..k)
        .map(|i| {
            let (c, t) = (control.moments(i), treatment.moments(i));
            let difference = t.mean - c.mean;
            let variance = (control.covariance[i][i] + treatment.covariance[i][i]) / 2.0;
            Difference {
                difference,
                standardised: (variance > 0.0).then(|| difference / variance.sqrt()),
                p: welch(&t, &c, Alternative::TwoSided, Level::P95).ok().map(|test| test.p),
                p_adjusted: None,
            }
        })
        .collect();
    let raw: Vec<f64> = differences.iter().filter_map(|row| row.p).collect();
    let adjusted = adjust(&raw, Correction::Holm)?;
    let tested = differences.iter_mut().filter(|row| row.p.is_some());
    tested.zip(adjusted).for_each(|(row, p)| row.p_adjusted = Some(p));
    Ok(Balance { differences, joint: hotelling(control, treatment) })
}

fn hotelling(control: &Covariates, treatment: &Covariates) -> Result<Joint, Undefined> {
    let k = control.means.len();
    let (nc, nt) = (control.n as f64, treatment.n as f64);
    let pooled = |i: usize, j: usize| {
        ((nc - 1.0) * control.covariance[i][j] + (nt - 1.0) * treatment.covariance[i][j]) / (nc + nt - 2.0)
    };
    // On the scale of correlations, so that the pivots of all covariates compare.
    let varying: Vec<usize> = (0..k).filter(|&i| pooled(i, i) > 0.0).collect();
    let sd: Vec<f64> = varying.iter().map(|&i| pooled(i, i).sqrt()).collect();
    let mut matrix: Vec<Vec<f64>> = varying
        .iter()
        .zip(&sd)
        .map(|(&i, si)| varying.iter().zip(&sd).map(|(&j, sj)| pooled(i, j) / (si * sj)).collect())
        .collect();
    let mut shift: Vec<f64> =
        varying.iter().zip(&sd).map(|(&i, s)| (treatment.means[i] - control.means[i]) / s).collect();
    let (squared, rank) = quadratic_form(&mut matrix, &mut shift);
    if rank == 0 {
        return Err(Undefined::ZeroVariance);
    }
    let t_squared = nc * nt / (nc + nt) * squared;
    let (df1, df2) = (rank as f64, nc + nt - rank as f64 - 1.0);
    if df2 < 1.0 {
        let found = control.n + treatment.n;
        return Err(Undefined::TooFewObservations { needed: rank as u64 + 2, found });
    }
    if !t_squared.is_finite() {
        return Err(Undefined::NonFinite);
    }
    let f = t_squared * df2 / (df1 * (nc + nt - 2.0));
    Ok(Joint { t_squared, f, rank, df: (df1, df2), p: f_sf(f, df1, df2) })
}

/// xᵀ A⁻¹ x by elimination with the largest pivot first, over the part of A that has full rank; and that rank.
fn quadratic_form(a: &mut [Vec<f64>], x: &mut [f64]) -> (f64, usize) {
    let mut left: Vec<usize> = (0..x.len()).collect();
    let (mut sum, mut rank) = (0.0, 0);
    while let Some(at) = (0..left.len()).max_by(|&i, &j| a[left[i]][left[i]].total_cmp(&a[left[j]][left[j]]))
    {
        let pivot = left[at];
        let size = a[pivot][pivot];
        if size.is_nan() || size <= REDUNDANT {
            break;
        }
        left.remove(at);
        sum += x[pivot] * x[pivot] / size;
        rank += 1;
        for &i in &left {
            let factor = a[i][pivot] / size;
            x[i] -= factor * x[pivot];
            for &j in &left {
                a[i][j] -= factor * a[pivot][j];
            }
        }
    }
    (sum, rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, pace: f64, shift: f64) -> Vec<f64> {
        (0..n).map(|i| ((i as f64 + 1.0) * pace).sin() + shift).collect()
    }

    fn groups() -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let group = |n: usize, shift: f64| {
            let (a, b) = (wave(n, 1.3, shift), wave(n, 2.1, 0.0));
            let c: Vec<f64> =
                a.iter().zip(&b).zip(wave(n, 0.7, 0.1)).map(|((a, b), c)| a + 2.0 * b + c).collect();
            vec![a, b, c]
        };
        (group(60, 0.0), group(75, 0.3))
    }

    fn covariates(columns: &[Vec<f64>]) -> Covariates {
        let columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        Covariates::from_columns(&columns).unwrap()
    }

    #[test]
    fn the_joint_test_agrees_with_statsmodels() {
        let (control, treatment) = groups();
        let found = compare(&covariates(&control), &covariates(&treatment)).unwrap();
        let joint = found.joint.unwrap();
        // statsmodels.stats.multivariate.test_mvmean_2indep and scipy.stats.ttest_ind(equal_var=False).
        assert!((joint.t_squared - 5.6038670908431305).abs() < 1e-9, "{joint:?}");
        assert!(
            (joint.f - 1.839866137595113).abs() < 1e-9 && (joint.p / 0.14307174038000414 - 1.0).abs() < 1e-9,
            "{joint:?}"
        );
        assert_eq!((joint.rank, joint.df), (3, (3.0, 131.0)));
        let first = found.differences[0];
        assert!(
            (first.standardised.unwrap() - 0.40952934022952087).abs() < 1e-12 && first.is_notable(),
            "{first:?}"
        );
        assert!((first.p.unwrap() / 0.01961337116010889 - 1.0).abs() < 1e-9, "{first:?}");
    }

    #[test]
    fn covariates_that_say_nothing_new_change_nothing() {
        let (mut control, mut treatment) = groups();
        let plain = compare(&covariates(&control), &covariates(&treatment)).unwrap().joint.unwrap();
        for group in [&mut control, &mut treatment] {
            let sum: Vec<f64> =
                group[0].iter().zip(&group[1]).map(|(a, b)| 1e6 * (a - 3.0 * b) + 7.0).collect();
            let constant = vec![5.0; sum.len()];
            group.push(sum);
            group.push(constant);
        }
        let more = compare(&covariates(&control), &covariates(&treatment)).unwrap();
        let joint = more.joint.unwrap();
        assert_eq!(joint.rank, 3);
        assert!((joint.t_squared - plain.t_squared).abs() < 1e-6 && (joint.p / plain.p - 1.0).abs() < 1e-6);
        assert_eq!((more.differences[4].p, more.differences[4].standardised), (None, None));
    }

    #[test]
    fn errors_have_reasons() {
        let group = |columns: &[&[f64]]| Covariates::from_columns(columns);
        assert_eq!(group(&[&[1.0, 2.0], &[1.0]]), Err(Undefined::LengthMismatch));
        assert_eq!(group(&[&[1.0]]), Err(Undefined::TooFewObservations { needed: 2, found: 1 }));
        assert_eq!(group(&[&[1.0, f64::NAN]]), Err(Undefined::NonFinite));
        let (flat, two) = (group(&[&[1.0, 1.0]]).unwrap(), group(&[&[1.0, 2.0], &[3.0, 5.0]]).unwrap());
        assert_eq!(compare(&flat, &two), Err(Undefined::LengthMismatch));
        assert_eq!(compare(&flat, &flat).unwrap().joint, Err(Undefined::ZeroVariance));
        let identity: Vec<Vec<f64>> =
            (0..3).map(|i| (0..3).map(|j| f64::from(u8::from(i == j))).collect()).collect();
        let few = Covariates { n: 2, means: vec![0.0; 3], covariance: identity };
        let reason = Undefined::TooFewObservations { needed: 5, found: 4 };
        assert_eq!(compare(&few, &few).unwrap().joint, Err(reason));
        assert_eq!(compare(&two, &two).unwrap().joint.map(|joint| (joint.rank, joint.p)), Ok((1, 1.0)));
    }
}
