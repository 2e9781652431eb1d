//! How often which value occurs, in bounded memory: exactly for small whole numbers, to a bounded relative error for others.
//!
//! A place is a whole number from 0 to [`EXACT`], or a range of values that share sign, exponent and the first [`BITS`] bits
//! after the leading one: it is `2^-BITS` of its lower end wide, and its middle stands for it. So every value is told within a relative
//! [`ERROR`], however many there are and however they are distributed (as in the sketch of Masson, Rim & Lee 2019, with
//! linear places inside of an octave). Counts are whole numbers: parts merge to the same table in any order.

use std::collections::BTreeMap;

use crate::sums::Table;

/// Whole numbers from 0 to below this are counted one by one.
const EXACT: usize = 1024;
/// Bits after the leading one that are kept of other values.
const BITS: u32 = 10;
const PLACES: usize = 1 << BITS;

/// The most that a value is off, relative to itself: 2⁻¹¹, half of one place.
pub const ERROR: f64 = 1.0 / (2 * PLACES) as f64;

/// Counts by value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Sketch {
    /// Counts of 0, 1, 2, … as far as any was met.
    small: Vec<u64>,
    /// Counts of other values by their sign and exponent.
    octaves: BTreeMap<u16, Box<[u64; PLACES]>>,
    count: u64,
}

impl Sketch {
    /// Takes finite values into account.
    pub(crate) fn add(&mut self, values: &[f64]) {
        if self.small.is_empty() && !values.is_empty() {
            self.small = vec![0; EXACT];
        }
        self.count += values.len() as u64;
        let mut rest = values.iter();
        // The octave of the value before: neighbours are often of one.
        while let Some(&value) = rest.next() {
            let whole = value as usize;
            if whole < EXACT && whole as f64 == value {
                self.small[whole] += 1;
                continue;
            }
            let (octave, place) = key(value);
            let places = self.octaves.entry(octave).or_insert_with(|| Box::new([0; PLACES]));
            places[place] += 1;
            for &value in rest.by_ref() {
                let whole = value as usize;
                if whole < EXACT && whole as f64 == value {
                    self.small[whole] += 1;
                    continue;
                }
                let (other, place) = key(value);
                if other == octave {
                    places[place] += 1;
                } else {
                    let places = self.octaves.entry(other).or_insert_with(|| Box::new([0; PLACES]));
                    places[place] += 1;
                    break;
                }
            }
        }
    }

    /// Takes values into account that are 0, 1, 2, … so many times; there are at most [`EXACT`] of them.
    pub(crate) fn add_counts(&mut self, counts: &[u32]) {
        if self.small.is_empty() {
            self.small = vec![0; EXACT];
        }
        for (own, count) in self.small.iter_mut().zip(counts) {
            *own += u64::from(*count);
            self.count += u64::from(*count);
        }
    }

    /// Adds the counts of another part.
    pub(crate) fn merge(&mut self, other: &Sketch) {
        if self.small.is_empty() {
            self.small.clone_from(&other.small);
        } else {
            self.small.iter_mut().zip(&other.small).for_each(|(own, more)| *own += more);
        }
        for (octave, more) in &other.octaves {
            match self.octaves.get_mut(octave) {
                Some(own) => own.iter_mut().zip(more.iter()).for_each(|(own, more)| *own += more),
                None => {
                    self.octaves.insert(*octave, more.clone());
                }
            }
        }
        self.count += other.count;
    }

    /// How many values there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The counts as a table of values; exact where no value was told by its range.
    pub(crate) fn rounded(&self) -> Table {
        match self.octaves.is_empty() {
            true => Table::of_places(self.table(), None),
            false => Table::of_places(self.table(), Some(BITS)),
        }
    }

    /// Values in ascending order, each with its count; ranges are named by their middle.
    pub(crate) fn table(&self) -> Vec<(f64, u64)> {
        let mut table: Vec<(f64, u64)> =
            (0..).zip(&self.small).map(|(value, count)| (f64::from(value), *count)).collect();
        for (octave, places) in &self.octaves {
            table.extend(places.iter().enumerate().map(|(place, count)| (middle(*octave, place), *count)));
        }
        table.retain(|(_, count)| *count > 0);
        table.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        table
    }
}

/// Sign and exponent, and the place inside of the octave.
fn key(value: f64) -> (u16, usize) {
    let bits = value.to_bits();
    ((bits >> 52) as u16, (bits >> (52 - BITS)) as usize & (PLACES - 1))
}

/// The middle of a place. Below the normal numbers places are of one absolute width, which no measurement notices.
fn middle(octave: u16, place: usize) -> f64 {
    let bits = u64::from(octave) << 52 | (place as u64) << (52 - BITS) | 1 << (51 - BITS);
    f64::from_bits(bits)
}

/// Type 7 of Hyndman & Fan (1996) over counted values in ascending order; none without values.
pub(crate) fn quantile(table: &[(f64, u64)], share: f64) -> Option<f64> {
    let count: u64 = table.iter().map(|(_, count)| count).sum();
    let place = count.checked_sub(1)? as f64 * share;
    let below = place.floor() as u64;
    let at = |wanted: u64| {
        let mut seen = 0;
        table.iter().find(|(_, count)| {
            seen += count;
            seen > wanted
        })
    };
    let low = at(below)?.0;
    let high = at(below + 1).map_or(low, |(value, _)| *value);
    Some(low + (high - low) * (place - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sketch(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        sketch.add(values);
        sketch
    }

    #[test]
    fn small_whole_numbers_are_exact() {
        let found = sketch(&[3.0, 0.0, 1023.0, 3.0, -0.0]);
        assert_eq!(found.table(), [(0.0, 2), (3.0, 2), (1023.0, 1)]);
        assert_eq!(quantile(&found.table(), 0.5), Some(3.0));
        assert_eq!(quantile(&Sketch::default().table(), 0.5), None);
    }

    #[test]
    fn a_value_is_told_within_its_error() {
        for value in [0.1, -0.1, 1.5, 18.7, 1024.0, 1e-300, 1e300, -7.0, 2047.999, f64::MAX] {
            let table = sketch(&[value]).table();
            assert!((table[0].0 - value).abs() <= ERROR * value.abs(), "{value}: {}", table[0].0);
        }
    }

    proptest! {
        #[test]
        fn quantiles_are_within_the_error(
            values in prop::collection::vec(prop_oneof![0.0..5.0f64, -1e6..1e6f64, (0..2000u32).prop_map(f64::from)], 1..300),
            share in 0.0..1.0f64,
            cut in 0usize..300,
        ) {
            let cut = cut.min(values.len());
            let mut merged = sketch(&values[cut..]);
            merged.merge(&sketch(&values[..cut]));
            prop_assert_eq!(&merged, &sketch(&values));
            prop_assert_eq!(merged.count(), values.len() as u64);
            let mut sorted = values.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let exact = crate::stats::quantiles::quantile_sorted(&sorted, share).unwrap();
            let found = quantile(&merged.table(), share).unwrap();
            let place = (sorted.len() - 1) as f64 * share;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            prop_assert!((found - exact).abs() <= ERROR * low.abs().max(high.abs()) + 1e-12);
        }
    }
}
