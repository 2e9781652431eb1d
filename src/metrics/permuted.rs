//! The permutation test of a pair of groups.

use rand::Rng;

use crate::stats::permutation::{Permutation, permutation_mean_difference};
use crate::stats::studentized_permutation::{StudentizedPermutation, studentized_permutation};
use crate::stats::{Alternative, Interval, Level, Undefined};

/// The permutation test of a pair. Where sizes differ, only the one by t keeps its level when spreads differ, too; where they do not,
/// both have one p-value, and the interval of the difference needs no large samples.
pub(super) enum Permuted {
    Difference(Permutation),
    Studentized(StudentizedPermutation),
}

impl Permuted {
    /// The test of `treatment` − `control`.
    pub(super) fn of(
        treatment: &[f64],
        control: &[f64],
        replicates: usize,
        rng: &mut impl Rng,
    ) -> Result<Permuted, Undefined> {
        let (t, c) = (treatment, control);
        if t.len() == c.len() {
            let plain = permutation_mean_difference(t, c, replicates, Alternative::TwoSided, rng);
            return plain.map(Permuted::Difference);
        }
        studentized_permutation(t, c, replicates, rng).map(Permuted::Studentized)
    }

    pub(super) fn p(&self) -> f64 {
        match self {
            Permuted::Difference(answer) => answer.p,
            Permuted::Studentized(answer) => answer.p,
        }
    }

    pub(super) fn interval(&self, level: Level) -> Interval {
        match self {
            Permuted::Difference(answer) => answer.interval(level),
            Permuted::Studentized(answer) => answer.interval(level),
        }
    }
}
