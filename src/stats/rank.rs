//! Ranks with ties: what every rank test of this room is built from.
//!
//! Everything here sorts once, so a test costs O(n log n), and counts in integers, so that no sample size overflows
//! or rounds a tie term.

use super::sorting::sorted;
use rayon::join;

/// Midranks (1-based average ranks) of `values`, in the order of the input.
///
/// # Formula
/// A group of `t` equal values that would hold the ranks `r+1 … r+t` gets `r + (t + 1)/2` each.
///
/// # Edge cases
/// Values must not be NaN (callers check); `-0.0` ties with `0.0`. An empty input gives an empty output.
///
/// # Source
/// `scipy.stats.rankdata(method="average")`; `rankdata([10, 20, 20, 5])` is `[2, 3.5, 3.5, 1]`.
pub fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        let midrank = (start + end + 1) as f64 / 2.0;
        for &index in &order[start..end] {
            ranks[index] = midrank;
        }
        start = end;
    }
    ranks
}

/// The tie term Σ(t³ − t) over the groups of equal values of `values`, exactly.
///
/// Zero when all values differ. It reaches n³ − n when all are equal, which overflows 64 bits at n ≈ 2.6 million;
/// 128 bits hold it for every sample that fits in memory.
///
/// Used by the variance of the Mann–Whitney and Kruskal–Wallis statistics.
pub fn tie_term(values: &[f64]) -> u128 {
    let sorted = sorted(values);
    sorted.chunk_by(|a, b| a == b).map(|group| cubed_minus_itself(group.len())).sum()
}

/// t³ − t in 128 bits.
pub fn cubed_minus_itself(t: usize) -> u128 {
    let t = t as u128;
    t * t * t - t
}

/// One distinct value of two samples taken together and how often each sample holds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedValue {
    /// The value itself.
    pub value: f64,
    /// How many observations of the first sample equal it.
    pub in_first: usize,
    /// How many observations of the second sample equal it.
    pub in_second: usize,
}

/// What the Mann–Whitney test asks of two samples, as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ranked {
    /// Twice the number of pairs in which the value of the first sample is greater, ties counting ½.
    pub twice_u: u128,
    /// The tie term Σ(t³ − t) of both samples together.
    pub ties: u128,
}

/// Twice U of the first sample and the tie term, without keeping the distinct values. Values must not be NaN.
pub(super) fn ranked(first: &[f64], second: &[f64]) -> Ranked {
    let (first, second) = join(|| sorted(first), || sorted(second));
    // Either half of the values is counted by a processor of its own; sums of integers do not mind.
    let middle = first.get(first.len() / 2).copied().unwrap_or(f64::INFINITY);
    let (cut, second_cut) = (first.partition_point(|x| *x < middle), second.partition_point(|x| *x < middle));
    let (below, above) = join(
        || merged(&first[..cut], &second[..second_cut], 0),
        || merged(&first[cut..], &second[second_cut..], second_cut as u64),
    );
    Ranked { twice_u: below.twice_u + above.twice_u, ties: below.ties + above.ties }
}

/// Values that are merged together before it is asked whether any of them are equal.
const BLOCK: usize = 64;

/// [`ranked`] of sorted samples that `second_below` values of the second lie below.
fn merged(first: &[f64], second: &[f64], second_below: u64) -> Ranked {
    let mut total = Ranked::default();
    let (mut i, mut j) = (0, 0);
    while i < first.len() && j < second.len() {
        if let Some((greater, rest)) = merged_without_ties(&first[i..], &second[j..]) {
            // Every value of the first sample in the block is above all that came before it.
            let ours = (first.len() - i - rest) as u64;
            total.twice_u +=
                2 * (u128::from(ours) * u128::from(second_below + j as u64) + u128::from(greater));
            i = first.len() - rest;
            j += BLOCK - ours as usize;
            continue;
        }
        // One group of equal values after the other, for long enough to make up for the block that was tried.
        let enough = i + j + 4 * BLOCK;
        while i < first.len() && j < second.len() && i + j < enough {
            let value = if first[i] < second[j] { first[i] } else { second[j] };
            let (i_start, j_start) = (i, j);
            while i < first.len() && first[i] == value {
                i += 1;
            }
            while j < second.len() && second[j] == value {
                j += 1;
            }
            let (ours, theirs) = ((i - i_start) as u64, (j - j_start) as u64);
            total.twice_u += u128::from(ours) * u128::from(2 * (second_below + j_start as u64) + theirs);
            if ours + theirs > 1 {
                total.ties += cubed_minus_itself((ours + theirs) as usize);
            }
        }
    }
    total.twice_u += (first.len() - i) as u128 * 2 * u128::from(second_below + j as u64);
    let tied = |rest: &[f64]| {
        rest.chunk_by(|a, b| a == b).map(|group| cubed_minus_itself(group.len())).sum::<u128>()
    };
    total.ties += tied(&first[i..]) + tied(&second[j..]);
    total
}

/// Merges a block of values of which no two are equal: how many pairs of it have the greater value in the first sample, and how many
/// values of the first sample are left. None where values may be equal or run out.
///
/// Which sample the next value comes from is as good as random: a branch on it would be guessed wrong every other time.
fn merged_without_ties(first: &[f64], second: &[f64]) -> Option<(u64, usize)> {
    let (first_block, second_block) =
        (first.first_chunk::<{ BLOCK + 1 }>()?, second.first_chunk::<{ BLOCK + 1 }>()?);
    let (mut ours, mut greater, mut tied, mut last) = (0, 0, false, f64::NAN);
    for step in 0..BLOCK {
        let theirs = step - ours;
        let (a, b) = (first_block[ours % BLOCK], second_block[theirs % BLOCK]);
        let is_ours = usize::from(a < b);
        let value = if a < b { a } else { b };
        tied |= value == last;
        last = value;
        greater += theirs * is_ours;
        ours += is_ours;
    }
    // The next value must not belong to a group that has begun.
    let theirs = BLOCK - ours;
    tied |= first_block[ours] == last || second_block[theirs] == last;
    (!tied).then_some((greater as u64, first.len() - ours))
}

/// The distinct values of two samples in ascending order, with counts by sample.
///
/// This is all that a two-sample rank test needs: the rank sums, the placements and the ties follow from it in one
/// pass. Values must not be NaN.
pub fn shared_values(first: &[f64], second: &[f64]) -> Vec<SharedValue> {
    let (first, second) = join(|| sorted(first), || sorted(second));
    let mut shared = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < first.len() || j < second.len() {
        let value = match (first.get(i), second.get(j)) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&a), None) => a,
            (None, Some(&b)) => b,
            (None, None) => break,
        };
        let (i_start, j_start) = (i, j);
        while first.get(i) == Some(&value) {
            i += 1;
        }
        while second.get(j) == Some(&value) {
            j += 1;
        }
        shared.push(SharedValue { value, in_first: i - i_start, in_second: j - j_start });
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn midranks_as_scipy_rankdata() {
        assert_eq!(midranks(&[10.0, 20.0, 20.0, 5.0]), [2.0, 3.5, 3.5, 1.0]);
        assert_eq!(midranks(&[0.0, -0.0, 0.0]), [2.0, 2.0, 2.0]);
        assert!(midranks(&[]).is_empty());
    }

    #[test]
    fn tie_term_counts_groups() {
        assert_eq!(tie_term(&[1.0, 2.0, 2.0, 3.0, 3.0, 3.0]), 6 + 24);
        assert_eq!(tie_term(&[1.0, 2.0]), 0);
    }

    #[test]
    fn tie_term_of_three_million_equal_values_does_not_overflow() {
        let n: u128 = 3_000_000;
        assert_eq!(tie_term(&vec![7.0; 3_000_000]), n * n * n - n);
    }

    proptest! {
        #[test]
        fn midranks_sum_to_the_triangle_number(values in prop::collection::vec(0_i32..8, 0..60)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let n = values.len() as f64;
            prop_assert_eq!(midranks(&values).iter().sum::<f64>(), n * (n + 1.0) / 2.0);
        }

        // From values that nearly never repeat to ones that nearly always do, over several blocks.
        #[test]
        fn ranked_counts_pairs_and_ties(
            first in prop::collection::vec(any::<u32>(), 0..400),
            second in prop::collection::vec(any::<u32>(), 0..400),
            distinct in prop::sample::select(vec![3_u32, 100, 3_000, 100_000, u32::MAX]),
        ) {
            let few = |values: &[u32]| values.iter().map(|value| f64::from(value % distinct)).collect::<Vec<f64>>();
            let (first, second) = (few(&first), few(&second));
            let expected: u128 = first
                .iter()
                .flat_map(|x| second.iter().map(move |y| u128::from(x > y) + u128::from(x >= y)))
                .sum();
            let all = [first.as_slice(), second.as_slice()].concat();
            prop_assert_eq!(ranked(&first, &second), Ranked { twice_u: expected, ties: tie_term(&all) });
        }

        #[test]
        fn shared_values_keep_every_observation(
            first in prop::collection::vec(-4_i32..4, 0..40),
            second in prop::collection::vec(-4_i32..4, 0..40),
        ) {
            let first: Vec<f64> = first.into_iter().map(f64::from).collect();
            let second: Vec<f64> = second.into_iter().map(f64::from).collect();
            let shared = shared_values(&first, &second);
            prop_assert!(shared.windows(2).all(|pair| pair[0].value < pair[1].value));
            for value in &shared {
                prop_assert_eq!(value.in_first, first.iter().filter(|&&x| x == value.value).count());
                prop_assert_eq!(value.in_second, second.iter().filter(|&&x| x == value.value).count());
            }
            prop_assert_eq!(shared.iter().map(|v| v.in_first + v.in_second).sum::<usize>(), first.len() + second.len());
            let mut below = 0;
            let mut expected = Ranked::default();
            for value in &shared {
                expected.twice_u += value.in_first as u128 * (2 * below + value.in_second as u128);
                expected.ties += cubed_minus_itself(value.in_first + value.in_second);
                below += value.in_second as u128;
            }
            prop_assert_eq!(ranked(&first, &second), expected);
        }
    }
}
