//! The units of two samples dealt anew: all ways, or random ones, value by value or by counts of bins.

use super::Moments;
use super::bins::{Bin, Resampled};
use super::sampling::{hypergeometric, index, standard_normal};
use rand::Rng;

/// The number of ways to choose `few` of `n`, or `None` when it is beyond any budget.
fn relabellings(n: usize, few: usize) -> Option<u128> {
    let mut ways: u128 = 1;
    for i in 0..few {
        ways = ways.checked_mul((n - i) as u128)? / (i + 1) as u128;
        if ways > 1 << 40 {
            return None;
        }
    }
    Some(ways)
}

/// A value, as offset from the mean of all, and whether it belongs to the first sample.
pub(super) type Unit = (f64, bool);

/// A part of the units.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Draw {
    /// Sum of the offsets.
    pub sum: f64,
    /// Sum of their squares; in a bin of neighbours that of its mean square.
    pub squares: f64,
    /// Units of the first sample; not whole where it is drawn from the normal law of a large number.
    pub ours: f64,
}

impl Draw {
    fn add(&mut self, (offset, ours): Unit) {
        self.sum += offset;
        self.squares += offset * offset;
        self.ours += f64::from(u8::from(ours));
    }
}

/// Two samples dealt anew.
pub(super) struct Dealt {
    /// The units of both, as offsets from their mean, ascending.
    pub units: Vec<Unit>,
    /// What falls to the smaller sample, by every way or by random ones.
    pub draws: Vec<Draw>,
    /// Whether these are all ways.
    pub exact: bool,
}

/// Deals finite samples, neither of them empty, in all ways where there are no more than `replicates` of them, else in as many random
/// ones.
pub(super) fn dealt(first: &[f64], second: &[f64], replicates: usize, rng: &mut impl Rng) -> Dealt {
    let mut values = [first, second].concat();
    values.sort_unstable_by(f64::total_cmp);
    let centre = Moments::from_slice(&values).mean;
    let labelled =
        |sample: &[f64], ours| sample.iter().map(|value| (value - centre, ours)).collect::<Vec<_>>();
    let mut units: Vec<Unit> = [labelled(first, true), labelled(second, false)].concat();
    units.sort_by(|a, b| a.0.total_cmp(&b.0));
    let few = first.len().min(second.len());
    let exact = relabellings(units.len(), few).is_some_and(|total| total <= replicates as u128);
    let draws = if exact {
        all_draws(&units, few)
    } else {
        random_draws(&units, &Resampled::new(&values, centre), few, replicates, rng)
    };
    Dealt { units, draws, exact }
}

/// All subsets of `few` units, in lexicographic order.
fn all_draws(units: &[Unit], few: usize) -> Vec<Draw> {
    let n = units.len();
    let mut chosen: Vec<usize> = (0..few).collect();
    let mut draws = Vec::new();
    loop {
        let mut draw = Draw::default();
        chosen.iter().for_each(|&i| draw.add(units[i]));
        draws.push(draw);
        // Advance the last position that can still move and restart those behind it.
        let Some(position) = (0..few).rev().find(|&position| chosen[position] < n - few + position) else {
            return draws;
        };
        chosen[position] += 1;
        for later in position + 1..few {
            chosen[later] = chosen[later - 1] + 1;
        }
    }
}

/// Random subsets of `few` units; the units are ascending, as are the bins.
fn random_draws(
    units: &[Unit],
    resampled: &Resampled,
    few: usize,
    replicates: usize,
    rng: &mut impl Rng,
) -> Vec<Draw> {
    let Resampled::Bins(bins) = resampled else {
        let mut deck = units.to_vec();
        let draw = |_| {
            // A partial shuffle: whatever the order before, its head is a uniform subset.
            let mut draw = Draw::default();
            for position in 0..few {
                deck.swap(position, position + index(units.len() - position, rng));
                draw.add(deck[position]);
            }
            draw
        };
        return (0..replicates).map(draw).collect();
    };
    let mut rest = units;
    let mixed: Vec<MixedBin> = bins
        .iter()
        .map(|bin| {
            let (inside, behind) = rest.split_at(bin.count as usize);
            rest = behind;
            MixedBin::new(bin, inside)
        })
        .collect();
    (0..replicates).map(|_| draw_from_bins(&mixed, units.len(), few, rng)).collect()
}

/// A bin with the part of the first sample in it.
struct MixedBin {
    bin: Bin,
    /// Units of the first sample.
    ours: u64,
    /// Covariance (divisor: the count) of the offset with the membership of the first sample.
    covariance: f64,
}

impl MixedBin {
    fn new(bin: &Bin, units: &[Unit]) -> MixedBin {
        let ours = units.iter().filter(|unit| unit.1).count();
        let share = ours as f64 / units.len() as f64;
        let product = |&(offset, ours): &Unit| (offset - bin.offset) * (f64::from(u8::from(ours)) - share);
        let covariance = units.iter().map(product).sum::<f64>() / units.len() as f64;
        MixedBin { bin: *bin, ours: ours as u64, covariance }
    }
}

/// A large sample: above this size the number of the first sample's units in a well filled part of a bin is drawn from
/// its normal law. It moves the ends of the interval only, and those by the order of one part in the size.
const LARGE: usize = 8_000;
/// Fewest units on each side of a split for its normal law.
const FILLED: u64 = 20;

fn draw_from_bins(bins: &[MixedBin], total: usize, few: usize, rng: &mut impl Rng) -> Draw {
    let (mut units, mut left) = (total as u64, few as u64);
    let mut draw = Draw::default();
    // Variances and covariance of what varies within the bins.
    let (mut within, mut split, mut common) = (0.0, 0.0, 0.0);
    for MixedBin { bin, ours, covariance } in bins {
        let drawn = hypergeometric(bin.count, units - bin.count, left, rng);
        draw.sum += drawn as f64 * bin.offset;
        draw.squares += drawn as f64 * (bin.offset * bin.offset + bin.variance);
        let theirs = bin.count - ours;
        let filled = drawn.min(bin.count - drawn).min(*ours).min(theirs) >= FILLED;
        // Without replacement the spread shrinks with the share that is drawn, and is zero for the whole bin.
        let spread = drawn as f64 * (bin.count - drawn) as f64 / (bin.count.max(2) - 1) as f64;
        within += spread * bin.variance;
        if total > LARGE && filled {
            let share = *ours as f64 / bin.count as f64;
            draw.ours += drawn as f64 * share;
            split += spread * share * (1.0 - share);
            common += spread * covariance;
        } else {
            draw.ours += hypergeometric(*ours, theirs, drawn, rng) as f64;
        }
        units -= bin.count;
        left -= drawn;
    }
    let mut slope = 0.0;
    if within > 0.0 {
        let z = standard_normal(rng);
        draw.sum += within.sqrt() * z;
        slope = common / within.sqrt();
        draw.ours += slope * z;
    }
    let own = split - slope * slope;
    if own > 0.0 {
        draw.ours += own.sqrt() * standard_normal(rng);
    }
    draw
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bivariate::BivariateMoments;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn draws_from_bins_have_the_joint_law_of_subsets() {
        // Samples apart, so that the sum of a subset and its units of the first sample go together; above and below the
        // size from which the latter are drawn from their normal law.
        for (n1, n2) in [(300, 500), (7_000, 4_000), (60, 20_000)] {
            let unit = |i: usize, ours: bool| {
                let value =
                    40.0 * (i as f64 * 0.618_033_988_749_894_9).fract() + if ours { 25.0 } else { 0.0 };
                (if n1 == 300 { (value / 4.0).floor() } else { value }, ours)
            };
            let mut units: Vec<Unit> =
                (0..n1).map(|i| unit(i, true)).chain((0..n2).map(|i| unit(i, false))).collect();
            units.sort_by(|a, b| a.0.total_cmp(&b.0));
            let values: Vec<f64> = units.iter().map(|unit| unit.0).collect();
            let resampled = Resampled::new(&values, 0.0);
            assert!(matches!(resampled, Resampled::Bins(_)));
            let few = n1.min(n2);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
            let draws = random_draws(&units, &resampled, few, 10_000, &mut rng);
            let mark = |ours: bool| f64::from(u8::from(ours));
            let marks: Vec<f64> = units.iter().map(|unit| mark(unit.1)).collect();
            let law = BivariateMoments::from_slices(&values, &marks).unwrap();
            let (sums, ours): (Vec<f64>, Vec<f64>) = draws.iter().map(|draw| (draw.sum, draw.ours)).unzip();
            let found = BivariateMoments::from_slices(&sums, &ours).unwrap();
            // The sum over a subset of d of n has d (n − d)/n times the covariances of the units.
            let (n, d, m) = (units.len() as f64, few as f64, draws.len() as f64);
            let factor = d * (n - d) / n / (n - 1.0);
            assert!((found.mean_x - d * law.mean_x).abs() < 5.0 * (factor * law.m2_x / m).sqrt());
            assert!((found.mean_y - d * law.mean_y).abs() < 5.0 * (factor * law.m2_y / m).sqrt());
            let (var_x, var_y, both) = (factor * law.m2_x, factor * law.m2_y, factor * law.c_yx);
            let expected = [(var_x, var_x, var_x), (var_y, var_y, var_y), (both, var_x, var_y)];
            for (found, (law, a, b)) in [found.m2_x, found.m2_y, found.c_yx].into_iter().zip(expected) {
                // Twice the standard error under normality, because few units of a rare sample are drawn.
                let se = 2.0 * ((a * b + law * law) / m).sqrt();
                assert!((found / (m - 1.0) - law).abs() < 3.0 * se, "{found} {law} {n1} {n2}");
            }
        }
    }

    #[test]
    fn all_ways_are_drawn_once() {
        let units = [(1.0, true), (2.0, false), (4.0, true), (8.0, false)];
        let draws: Vec<(f64, f64)> = all_draws(&units, 2).iter().map(|draw| (draw.sum, draw.ours)).collect();
        assert_eq!(draws, [(3.0, 1.0), (5.0, 2.0), (9.0, 1.0), (6.0, 1.0), (10.0, 0.0), (12.0, 1.0)]);
        assert_eq!((relabellings(4, 2), relabellings(1000, 500)), (Some(6), None));
    }
}
