//! p-values from the sums of two groups. Each equals the one of the test in [`crate::stats`] on the same units.

use super::column::ProportionTest;
use super::sums::Pair;
use crate::stats::distributions::normal_sf;
use crate::stats::proportions::{Proportion, two_proportion_z};
use crate::stats::t_test::student_t_p;
use crate::stats::{Alternative, chi_square, fisher};

/// What the units of one group add up to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GroupSums {
    /// Units that have the metric.
    pub n: u64,
    /// Units that succeeded.
    pub successes: u64,
    /// Sums of the columns.
    pub pairs: [Pair; 3],
}

/// A sum of squares below this part of the sum about zero is what rounding leaves of none.
const ROUNDING: f64 = 1e-13;

/// Count, mean and sum of squared deviations from the sums of x and x².
pub(super) struct Spread {
    pub n: f64,
    pub mean: f64,
    pub m2: f64,
}

impl Spread {
    pub fn new(n: f64, sums: Pair) -> Option<Spread> {
        if n < 2.0 {
            return None;
        }
        let m2 = sums[1] - sums[0] * sums[0] / n;
        Some(Spread { n, mean: sums[0] / n, m2: if m2 <= sums[1] * ROUNDING { 0.0 } else { m2 } })
    }
}

/// Welch's test.
pub(super) fn welch(a: Spread, b: Spread) -> Option<f64> {
    let (a_part, b_part) = (a.m2 / (a.n - 1.0) / a.n, b.m2 / (b.n - 1.0) / b.n);
    let variance = a_part + b_part;
    if variance <= 0.0 {
        return None;
    }
    let (a_share, b_share) = (a_part / variance, b_part / variance);
    let df = 1.0 / (a_share * a_share / (a.n - 1.0) + b_share * b_share / (b.n - 1.0));
    Some(student_t_p((a.mean - b.mean) / variance.sqrt(), df, Alternative::TwoSided))
}

/// Student's test.
pub(super) fn student(a: Spread, b: Spread) -> Option<f64> {
    let df = a.n + b.n - 2.0;
    let variance = (a.m2 + b.m2) / df * (1.0 / a.n + 1.0 / b.n);
    (variance > 0.0).then(|| student_t_p((a.mean - b.mean) / variance.sqrt(), df, Alternative::TwoSided))
}

/// Welch's test of rows: the sums of x and x² over rows, then the number of rows.
pub(super) fn rows(a: &GroupSums, b: &GroupSums) -> Option<f64> {
    let spread = |group: &GroupSums| Spread::new(group.pairs[1][0], group.pairs[0]);
    welch(spread(a)?, spread(b)?)
}

/// The delta method for a ratio of sums.
pub(super) fn delta(a: &GroupSums, b: &GroupSums) -> Option<f64> {
    // Shift of the ratio from the one of all units, and the squared error of it.
    let part = |group: &GroupSums| {
        let [[e, ee], [d, ed], [dd, _]] = group.pairs;
        let n = group.n as f64;
        if group.n < 2 || d == 0.0 {
            return None;
        }
        let shift = e / d;
        let squares = (ee - 2.0 * shift * ed + shift * shift * dd).max(0.0);
        Some((shift, squares / (n - 1.0) * n / (d * d)))
    };
    let ((a_shift, a_variance), (b_shift, b_variance)) = (part(a)?, part(b)?);
    let variance = a_variance + b_variance;
    (variance > 0.0).then(|| (2.0 * normal_sf((a_shift - b_shift).abs() / variance.sqrt())).min(1.0))
}

/// A test of two proportions.
pub(super) fn proportion(test: ProportionTest, a: &GroupSums, b: &GroupSums) -> Option<f64> {
    let table = [a, b].map(|group| [group.successes, group.n - group.successes]);
    match test {
        ProportionTest::Z => {
            let arm =
                |group: &GroupSums| Proportion::new(group.successes, group.n).ok().filter(|_| group.n > 0);
            two_proportion_z(arm(a)?, arm(b)?, Alternative::TwoSided).ok().map(|z| z.p)
        }
        ProportionTest::ChiSquare => {
            chi_square::contingency(&table.map(|row| row.to_vec())).ok().map(|chi| chi.p)
        }
        ProportionTest::Fisher => {
            // The pipeline has no answer without successes or failures, whatever the test.
            let [[s1, f1], [s2, f2]] = table;
            let varies = s1 + s2 > 0 && f1 + f2 > 0 && a.n > 0 && b.n > 0;
            fisher::fisher_exact(table, Alternative::TwoSided).ok().filter(|_| varies).map(|exact| exact.p)
        }
    }
}
