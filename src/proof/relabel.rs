//! Random labels for sixty-four units at a time.
//!
//! # Why every unit gets its label alone
//! An online experiment assigns by a hash: each unit falls into a group on its own, and group sizes vary from one
//! assignment to another. Relabelling does the same. Labels of fixed numbers would need a shuffle of all units instead of
//! one random bit a unit, and would prove a design that nobody runs; given the sizes both laws are the same.

use crate::stats::Undefined;
use rand::Rng;

/// Shares are met to 2⁻¹⁶. Under the null hypothesis every share is as good as any other, so that nothing hangs on it.
const BITS: u32 = 16;

/// The group of a unit as a sequence of choices: the first group or a later one, then the second or a later one, …
pub(super) struct Labels {
    /// Chance, in units of 2⁻¹⁶, that a unit without a label gets the label of the group.
    chances: Vec<u32>,
}

impl Labels {
    /// Labels of the groups in proportion to their weights.
    ///
    /// # Errors
    /// [`Undefined::TooFewGroups`] below two groups, [`Undefined::InvalidParameter`] for a weight that is not positive and
    /// finite or a group too small for the resolution of the shares.
    pub fn new(weights: &[f64]) -> Result<Labels, Undefined> {
        if weights.len() < 2 {
            return Err(Undefined::TooFewGroups { needed: 2, found: weights.len() as u64 });
        }
        if weights.iter().any(|weight| !(weight.is_finite() && *weight > 0.0)) {
            return Err(Undefined::InvalidParameter("weights"));
        }
        let whole = f64::from(1_u32 << BITS);
        let chances: Vec<u32> = (0..weights.len() - 1)
            .map(|group| {
                let left: f64 = weights[group..].iter().sum();
                (weights[group] / left * whole).round() as u32
            })
            .collect();
        if chances.iter().any(|&chance| chance == 0 || chance >= 1 << BITS) {
            return Err(Undefined::InvalidParameter("weights"));
        }
        Ok(Labels { chances })
    }

    /// Number of groups that have a mask of their own; the last group is the rest.
    pub fn masked(&self) -> usize {
        self.chances.len()
    }

    /// The masks of sixty-four units, one for each group but the last.
    pub fn draw(&self, masks: &mut [u64], rng: &mut impl Rng) {
        let mut free = u64::MAX;
        for (mask, &chance) in masks.iter_mut().zip(&self.chances) {
            let chosen = bits(chance, rng);
            *mask = free & chosen;
            free &= !chosen;
        }
    }
}

/// Sixty-four independent bits that are set with the chance `chance`/2¹⁶.
///
/// From the lowest digit of the chance upwards: or-ing a fair bit takes a chance p to (1 + p)/2, and-ing it to p/2.
fn bits(chance: u32, rng: &mut impl Rng) -> u64 {
    let lowest = chance.trailing_zeros();
    let mut word = rng.next_u64();
    for digit in lowest + 1..BITS {
        let fair = rng.next_u64();
        word = if chance >> digit & 1 == 1 { word | fair } else { word & fair };
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn units_fall_into_groups_by_weight_and_into_one_only() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for weights in [vec![1.0, 1.0], vec![1.0, 9.0], vec![5.0, 3.0, 2.0], vec![0.2, 0.3, 0.1, 0.4]] {
            let labels = Labels::new(&weights).unwrap();
            let mut counts = vec![0_u32; weights.len() - 1];
            let words = 20_000;
            for _ in 0..words {
                let mut masks = vec![0; labels.masked()];
                labels.draw(&mut masks, &mut rng);
                let together = masks.iter().fold(0, |all, mask| all | mask);
                assert_eq!(together.count_ones(), masks.iter().map(|m| m.count_ones()).sum::<u32>());
                for (count, mask) in counts.iter_mut().zip(&masks) {
                    *count += mask.count_ones();
                }
            }
            let units = f64::from(words) * 64.0;
            for (count, weight) in counts.iter().zip(&weights) {
                let share = weight / weights.iter().sum::<f64>();
                let se = (share * (1.0 - share) / units).sqrt();
                assert!((f64::from(*count) / units - share).abs() < 4.0 * se + 2e-5, "{weights:?}");
            }
        }
    }

    #[test]
    fn weights_that_cannot_be_met_are_refused() {
        assert!(matches!(Labels::new(&[1.0]), Err(Undefined::TooFewGroups { .. })));
        for weights in [vec![1.0, 0.0], vec![1.0, f64::NAN], vec![1.0, 1e9]] {
            assert_eq!(Labels::new(&weights).err(), Some(Undefined::InvalidParameter("weights")));
        }
    }
}
