//! Quantiles of rows whose unit of randomisation is a cluster of rows, such as the page loads of users.

use super::distributions::normal_isf;
use super::quantiles::quantile_sorted;
use super::t_test::MeanDifference;
use super::{Alternative, Interval, Level, Undefined};

/// The answer of [`clustered_quantile`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusteredQuantile {
    /// The quantile of the rows by linear interpolation, in the units of the values.
    pub estimate: f64,
    /// Interval between two of the values. A side is infinite where the sample is too small for it.
    pub interval: Interval,
    /// Standard error of the estimate; `None` where the sample is too small for a 95 % interval.
    pub se: Option<f64>,
    /// Standard errors of the share of rows below, and of the share up to, the estimate: they differ where values are
    /// tied with it.
    pub share_se: (f64, f64),
    /// Number of rows.
    pub rows: u64,
    /// Number of clusters with rows.
    pub clusters: u64,
}

/// The `q`-quantile of rows that are independent between clusters but not within them.
///
/// # Estimand
/// The quantile of the distribution of rows, in which a cluster counts as often as it has rows.
///
/// # Formula
/// The share of rows up to x is a ratio of means over clusters, Σ_i I_i(x) / Σ_i N_i, and the delta method gives its
/// variance from the residuals r_i = I_i − F N_i: K/(K − 1) Σ r_i²/(Σ N_i)², with K clusters. The interval is the set of
/// all x whose share is within z standard errors of q: the values of ranks ⌊N(q − z·se) + ½⌋ and ⌈N(q + z·se) + ½⌉
/// (outwards). A candidate below the estimate has the share of the rows *below* the estimate, one above it the share
/// of those *up to* it, and each side takes the standard error of its own. No density is estimated. The standard
/// error of the quantile is the width between the quantiles at q ± z·se over 2z, always with the z of 95 %, so that it does
/// not depend on the level that is asked for.
///
/// With one row in each cluster the interval is
/// [`quantile_interval`](super::quantile_difference::quantile_interval) with the normal in place of the binomial law.
///
/// # Assumptions
/// Clusters are independent; there are some tens of them, and of values on either side of the quantile.
///
/// # Units
/// `clusters[i]` is the index of the cluster of `values[i]`, counted from 0 within the group without large gaps.
///
/// # Edge cases
/// Where the quantile lies within many equal values the interval and the standard error may shrink to that value and 0.
///
/// # Errors
/// [`Undefined::LengthMismatch`], [`Undefined::EmptyGroup`], [`Undefined::NonFinite`], [`Undefined::TooFewObservations`]
/// below two clusters, [`Undefined::InvalidParameter`] for `q` outside of (0, 1) or a cluster's index beyond the number of
/// rows.
///
/// # Source
/// A. Deng, U. Knoblich & J. Lu (2018), *Applying the delta method in metric analytics*, section 4.2; R. S. Woodruff
/// (1952).
pub fn clustered_quantile(
    values: &[f64],
    clusters: &[u32],
    q: f64,
    level: Level,
) -> Result<ClusteredQuantile, Undefined> {
    if !(q > 0.0 && q < 1.0) {
        return Err(Undefined::InvalidParameter("q"));
    }
    if values.len() != clusters.len() {
        return Err(Undefined::LengthMismatch);
    }
    if clusters.iter().any(|&cluster| cluster as usize >= values.len()) {
        return Err(Undefined::InvalidParameter("clusters"));
    }
    let sorted = super::quantiles::sorted_finite(values)?;
    let estimate = quantile_sorted(&sorted, q).ok_or(Undefined::NonFinite)?;
    let below = share_error(values, clusters, |value| value < estimate)?;
    let up_to = share_error(values, clusters, |value| value <= estimate)?;
    let rows = values.len() as f64;
    let ranks = |z: f64| (rows * (q - z * below.se) + 0.5, rows * (q + z * up_to.se) + 0.5);
    let (low, high) = ranks(normal_isf(level.alpha() / 2.0));
    let at_rank = |rank: f64| sorted[(rank as usize).clamp(1, sorted.len()) - 1];
    let interval = Interval {
        low: if low >= 1.0 { at_rank(low.floor()) } else { f64::NEG_INFINITY },
        high: if high <= rows { at_rank(high.ceil()) } else { f64::INFINITY },
    };
    let z = normal_isf(Level::P95.alpha() / 2.0);
    let (low, high) = ranks(z);
    let bounded = low >= 1.0 && high <= rows;
    let width = |low: f64, high: f64| Some(quantile_sorted(&sorted, high)? - quantile_sorted(&sorted, low)?);
    let se =
        if bounded { width(q - z * below.se, q + z * up_to.se).map(|width| width / (2.0 * z)) } else { None };
    Ok(ClusteredQuantile {
        estimate,
        interval,
        se,
        share_se: (below.se, up_to.se),
        rows: values.len() as u64,
        clusters: below.clusters,
    })
}

struct ShareError {
    se: f64,
    clusters: u64,
}

/// The standard error of the share of rows that are `inside`, over clusters.
fn share_error(
    values: &[f64],
    clusters: &[u32],
    inside: impl Fn(f64) -> bool,
) -> Result<ShareError, Undefined> {
    let size = clusters.iter().max().map_or(0, |&last| last as usize + 1);
    let mut counts = vec![(0_u32, 0_u32); size];
    for (value, cluster) in values.iter().zip(clusters) {
        let (hits, rows) = &mut counts[*cluster as usize];
        *rows += 1;
        *hits += u32::from(inside(*value));
    }
    let found = counts.iter().filter(|(_, rows)| *rows > 0).count();
    if found < 2 {
        return Err(Undefined::TooFewObservations { needed: 2, found: found as u64 });
    }
    let rows = values.len() as f64;
    let share = counts.iter().map(|(hits, _)| f64::from(*hits)).sum::<f64>() / rows;
    let residual = |(hits, rows): &(u32, u32)| f64::from(*hits) - share * f64::from(*rows);
    let squares: f64 = counts.iter().map(|count| residual(count) * residual(count)).sum();
    let clusters = found as f64;
    Ok(ShareError { se: (squares * clusters / (clusters - 1.0)).sqrt() / rows, clusters: found as u64 })
}

/// first − second of two quantiles of independent groups, by the normal law.
///
/// # Estimand
/// The difference of the quantiles that [`clustered_quantile`] estimates, under its assumptions.
///
/// # Formula
/// se² = se²_first + se²_second; p and interval come from the same statistic, so that they agree.
///
/// # Errors
/// [`Undefined::TooFewObservations`] where a group has no standard error, [`Undefined::ZeroVariance`] where both are zero.
///
/// # Source
/// Deng, Knoblich & Lu (2018), section 4.2.
pub fn clustered_quantile_difference(
    first: &ClusteredQuantile,
    second: &ClusteredQuantile,
    alternative: Alternative,
    level: Level,
) -> Result<MeanDifference, Undefined> {
    let se = |group: &ClusteredQuantile| {
        // One cluster more than there are is a lower bound of what it takes.
        let error = Undefined::TooFewObservations { needed: group.clusters + 1, found: group.clusters };
        group.se.ok_or(error)
    };
    let se = se(first)?.hypot(se(second)?);
    MeanDifference::from_estimate(first.estimate - second.estimate, se, f64::INFINITY, alternative, level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::quantile_difference::quantile_interval;
    use proptest::prelude::*;

    /// Ninety rows in thirty clusters of two to four.
    fn rows() -> (Vec<f64>, Vec<u32>) {
        let value = |i: u32| {
            let size = f64::abs((0.7 * f64::from(i / 3)).sin() + 0.5 * (2.1 * f64::from(i)).cos());
            (100.0 * size).round() / 10.0 + 0.001 * f64::from(i)
        };
        let cluster = |i: u32| i / 3 - u32::from((i / 3) % 2 == 1 && i.is_multiple_of(3));
        ((0..90).map(value).collect(), (0..90).map(cluster).collect())
    }

    #[test]
    fn the_share_has_the_error_of_a_regression_with_clustered_errors() {
        // statsmodels: OLS(x <= quantile, 1).fit(cov_type="cluster"); ranks and widths by numpy.
        let (values, clusters) = rows();
        let answer = clustered_quantile(&values, &clusters, 0.75, Level::P95).unwrap();
        assert!((answer.estimate - 10.0825).abs() < 1e-12, "{answer:?}");
        assert!((answer.share_se.0 - 0.050_164_103_247_478_75).abs() < 1e-13, "{answer:?}");
        assert_eq!(answer.share_se.0, answer.share_se.1);
        assert!((answer.interval.low - 8.139).abs() < 1e-12 && (answer.interval.high - 11.719).abs() < 1e-12);
        assert!((answer.se.unwrap() - 0.889_228_876_029_532_2).abs() < 1e-12, "{answer:?}");
        assert_eq!((answer.rows, answer.clusters), (90, 30));
    }

    #[test]
    fn a_quantile_at_the_edge_of_equal_values_reaches_past_them() {
        // Of 1000 rows 12 are at the cap: the quantile of 0.99 is the cap, but by a narrow margin.
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i.min(988))).collect();
        let clusters: Vec<u32> = (0..1000).collect();
        let answer = clustered_quantile(&values, &clusters, 0.99, Level::P95).unwrap();
        assert_eq!((answer.estimate, answer.interval.high), (988.0, 988.0));
        assert!(answer.interval.low < 988.0 && answer.share_se.1 == 0.0, "{answer:?}");
        // With half of the rows there, nothing else is in question.
        let capped: Vec<f64> = (0..1000).map(|i| f64::from(i.min(500))).collect();
        let answer = clustered_quantile(&capped, &clusters, 0.9, Level::P95).unwrap();
        assert_eq!((answer.interval, answer.se), (Interval { low: 500.0, high: 500.0 }, Some(0.0)));
        let same = clustered_quantile_difference(&answer, &answer, Alternative::TwoSided, Level::P95);
        assert_eq!(same, Err(Undefined::ZeroVariance));
    }

    #[test]
    fn what_is_not_defined_says_why() {
        let quantile =
            |values: &[f64], clusters: &[u32], q| clustered_quantile(values, clusters, q, Level::P95);
        assert_eq!(quantile(&[1.0], &[], 0.5), Err(Undefined::LengthMismatch));
        assert_eq!(quantile(&[], &[], 0.5), Err(Undefined::EmptyGroup));
        assert_eq!(quantile(&[1.0, f64::NAN], &[0, 1], 0.5), Err(Undefined::NonFinite));
        assert_eq!(quantile(&[1.0, 2.0], &[0, 2], 0.5), Err(Undefined::InvalidParameter("clusters")));
        assert_eq!(quantile(&[1.0, 2.0], &[0, 1], 1.0), Err(Undefined::InvalidParameter("q")));
        let one = quantile(&[1.0, 2.0], &[0, 0], 0.5);
        assert_eq!(one, Err(Undefined::TooFewObservations { needed: 2, found: 1 }));
        let small = quantile(&[1.0, 2.0, 3.0], &[0, 1, 2], 0.9).unwrap();
        assert_eq!((small.se, small.interval.high), (None, f64::INFINITY));
        let difference = clustered_quantile_difference(&small, &small, Alternative::TwoSided, Level::P95);
        assert_eq!(difference, Err(Undefined::TooFewObservations { needed: 4, found: 3 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn rows_of_their_own_have_the_interval_of_the_binomial_law(n in 60_usize..2000, q in 0.2_f64..0.8) {
            let values: Vec<f64> = (0..n).map(|i| (i as f64 * 0.618_033_988_749_894_9).fract()).collect();
            let clusters: Vec<u32> = (0..n as u32).collect();
            let answer = clustered_quantile(&values, &clusters, q, Level::P95).unwrap();
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let expected = quantile_interval(&sorted, q, Level::P95);
            let rank = |value: f64| sorted.partition_point(|other| *other < value) as i64;
            prop_assert!((rank(answer.interval.low) - rank(expected.low)).abs() <= 1);
            prop_assert!((rank(answer.interval.high) - rank(expected.high)).abs() <= 1);
        }

        #[test]
        fn copies_of_every_row_in_its_cluster_change_nothing(q in 0.2_f64..0.8, copies in 2_usize..5) {
            let (values, clusters) = rows();
            let plain = clustered_quantile(&values, &clusters, q, Level::P95).unwrap();
            let repeated: Vec<f64> = values.iter().flat_map(|value| vec![*value; copies]).collect();
            let inside: Vec<u32> = clusters.iter().flat_map(|cluster| vec![*cluster; copies]).collect();
            let answer = clustered_quantile(&repeated, &inside, q, Level::P95).unwrap();
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            let rank = |value: f64| sorted.partition_point(|other| *other < value) as i64;
            prop_assert_eq!(plain.clusters, answer.clusters);
            prop_assert!((rank(answer.interval.low) - rank(plain.interval.low)).abs() <= 2);
            prop_assert!((rank(answer.interval.high) - rank(plain.interval.high)).abs() <= 2);
        }

        #[test]
        fn labels_order_and_units_do_not_matter(q in 0.2_f64..0.8, scale in 0.1_f64..10.0, shift in -9.0_f64..9.0) {
            let (values, clusters) = rows();
            let plain = clustered_quantile(&values, &clusters, q, Level::P95).unwrap();
            let moved: Vec<f64> = values.iter().rev().map(|value| value * scale + shift).collect();
            let renamed: Vec<u32> = clusters.iter().rev().map(|cluster| 31 - cluster).collect();
            let answer = clustered_quantile(&moved, &renamed, q, Level::P95).unwrap();
            prop_assert!((answer.estimate - (plain.estimate * scale + shift)).abs() < 1e-9);
            prop_assert!((answer.se.unwrap() - plain.se.unwrap() * scale).abs() < 1e-9);
            let there = clustered_quantile_difference(&plain, &answer, Alternative::TwoSided, Level::P95).unwrap();
            let back = clustered_quantile_difference(&answer, &plain, Alternative::TwoSided, Level::P95).unwrap();
            prop_assert_eq!((there.estimate, there.p), (-back.estimate, back.p));
            prop_assert_eq!(there.p < Level::P95.alpha(), !there.ci.contains(0.0));
        }
    }
}
