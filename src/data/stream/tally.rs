//! What a pass keeps of the values of an expression instead of the values: mergeable sums.

use super::sketch::Sketch;
use crate::data::names::NONE;
use crate::stats::Undefined;
use crate::stats::bivariate::BivariateMoments;
use crate::stats::comoments::Comoments;
use crate::stats::shape_moments::ShapeMoments;
use crate::sums::{Cell, Key};

/// Values that are centred and summed at once; they stay in the nearest cache.
const BLOCK: usize = 1024;
/// Blocks of many places are shorter, so that all of them stay in the next cache.
const ALL_BLOCKS: usize = 1 << 17;

/// Whole numbers below this are counted one by one, fewer of them where there are many places.
const COUNTED: usize = 1024;
const ALL_COUNTS: usize = 1 << 17;

/// The place of rows that take no part.
pub(crate) const NOWHERE: u32 = NONE;

/// What is kept of one expression, or of the two of a ratio, over some rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Finite values of the first expression.
    pub moments: ShapeMoments,
    /// With a second expression: the moments of both together, the first being y.
    pub pairs: BivariateMoments,
    /// Smallest and largest first value; none without values.
    pub range: Option<(f64, f64)>,
    pub zeros: u64,
    pub ones: u64,
    /// Rows that take part without a value.
    pub missing: u64,
    /// Rows whose value is infinite or undefined.
    pub non_finite: u64,
}

impl Tally {
    /// Takes the finite values of one block into account.
    fn add(&mut self, values: &[f64], second: Option<&[f64]>) {
        if values.is_empty() {
            return;
        }
        self.moments = self.moments.merge(&moments_of(values));
        if let Some(Ok(pairs)) = second.map(|second| BivariateMoments::from_slices(values, second)) {
            self.pairs = self.pairs.merge(&pairs);
        }
        let (mut low, mut high, mut zeros, mut ones) = (f64::INFINITY, f64::NEG_INFINITY, 0, 0);
        for value in values {
            low = if *value < low { *value } else { low };
            high = if *value > high { *value } else { high };
            zeros += u64::from(*value == 0.0);
            ones += u64::from(*value == 1.0);
        }
        self.range = Some(self.range.map_or((low, high), |(min, max)| (min.min(low), max.max(high))));
        self.zeros += zeros;
        self.ones += ones;
    }

    /// Takes values into account that are 0, 1, 2, … so many times.
    fn add_counts(&mut self, counts: &[u32]) {
        let values = || {
            (0_u64..)
                .zip(counts)
                .filter(|(_, count)| **count > 0)
                .map(|(value, count)| (value, u64::from(*count)))
        };
        let n: u64 = values().map(|(_, count)| count).sum();
        let (Some((first, _)), Some((last, _))) = (values().next(), values().last()) else { return };
        let sum: u64 = values().map(|(value, count)| value * count).sum();
        let mean = sum as f64 / n as f64;
        let mut block = ShapeMoments { n, mean, ..ShapeMoments::default() };
        // Equal values have exactly no variance, whatever the rounding of their mean.
        if first < last {
            for (value, count) in values() {
                let (d, count) = (value as f64 - mean, count as f64);
                let square = d * d;
                block.m2 += count * square;
                block.m3 += count * (square * d);
                block.m4 += count * (square * square);
            }
        }
        self.moments = self.moments.merge(&block);
        let (low, high) = (first as f64, last as f64);
        self.range = Some(self.range.map_or((low, high), |(min, max)| (min.min(low), max.max(high))));
        self.zeros += u64::from(counts.first().copied().unwrap_or_default());
        self.ones += u64::from(counts.get(1).copied().unwrap_or_default());
    }

    /// Adds what is known of rows that come after.
    pub(crate) fn merge(&mut self, other: &Tally) {
        self.moments = self.moments.merge(&other.moments);
        self.pairs = self.pairs.merge(&other.pairs);
        self.range = match (self.range, other.range) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (own, more) => own.or(more),
        };
        self.zeros += other.zeros;
        self.ones += other.ones;
        self.missing += other.missing;
        self.non_finite += other.non_finite;
    }

    /// The tally as a cell of one value, or of two.
    ///
    /// # Errors
    /// [`Undefined::NonFinite`] where a sum has overflowed.
    pub(crate) fn cell(&self, key: Key, values: usize) -> Result<Cell, Undefined> {
        let (m, p) = (&self.moments, &self.pairs);
        let joint = match values {
            2 => Comoments::from_parts(p.n, vec![p.mean_y, p.mean_x], vec![p.m2_y, p.c_yx, p.m2_x])?,
            _ => Comoments::from_parts(m.n, vec![m.mean], vec![m.m2])?,
        };
        Ok(Cell {
            joint,
            shape: self.moments,
            range: self.range,
            zeros: self.zeros,
            ones: self.ones,
            missing: self.missing,
            non_finite: self.non_finite,
            ..Cell::empty(key, values)
        })
    }
}

/// A number of a column as it stands in memory.
pub(crate) trait Number: Copy {
    fn value(self) -> f64;
    /// The number where it is whole and below `most`, which is at most 2³².
    fn counted(self, most: usize) -> Option<usize>;
    fn all_finite(values: &[Self]) -> bool;
}

impl Number for f64 {
    fn value(self) -> f64 {
        self
    }

    fn counted(self, most: usize) -> Option<usize> {
        // Beside 2^52 a double has no room for a fraction: its last bits are the nearest whole number.
        const MAGIC: f64 = (1_u64 << 52) as f64;
        let whole = (self + MAGIC).to_bits() as u32;
        (f64::from(whole) == self && (whole as usize) < most).then_some(whole as usize)
    }

    fn all_finite(values: &[f64]) -> bool {
        values.chunks(512).all(|part| part.iter().fold(true, |all, value| all & value.is_finite()))
    }
}

impl Number for i64 {
    fn value(self) -> f64 {
        self as f64
    }

    fn counted(self, most: usize) -> Option<usize> {
        let whole = self as u64;
        (whole < most as u64).then_some(whole as usize)
    }

    fn all_finite(_: &[i64]) -> bool {
        true
    }
}

impl Number for i32 {
    fn value(self) -> f64 {
        f64::from(self)
    }

    fn counted(self, most: usize) -> Option<usize> {
        let whole = self as u32 as usize;
        (whole < most).then_some(whole)
    }

    fn all_finite(_: &[i32]) -> bool {
        true
    }
}

/// Values of the rows of a part.
pub(crate) struct Values<'a, N> {
    /// The first expression, and the second of a ratio.
    pub first: &'a [N],
    pub second: Option<&'a [f64]>,
    /// Which rows have a value; none: all.
    pub present: Option<&'a [bool]>,
    /// Which rows meet the condition; none: all.
    pub kept: Option<&'a [bool]>,
    /// Rows that do not meet the condition count as 0.
    pub with_zeros: bool,
    /// Rows without a value count as 0: nothing counted.
    pub missing_is_zero: bool,
}

impl<'a, N> Values<'a, N> {
    /// One value a row.
    pub(crate) fn all(first: &'a [N]) -> Values<'a, N> {
        Values { first, second: None, present: None, kept: None, with_zeros: false, missing_is_zero: false }
    }
}

/// Adds rows to the tallies of their places; rows of places beyond, such as [`NOWHERE`], take no part. Values that were taken
/// into account are counted by the sketch of their place, too.
pub(crate) fn add_rows<N: Number>(
    tallies: &mut [Tally],
    values: &Values<N>,
    place_of_row: &[u32],
    mut sketches: Option<(&mut [Sketch], &[u32])>,
) {
    let places = tallies.len();
    let length = (ALL_BLOCKS / (places + 1)).clamp(16, BLOCK);
    let plain = values.present.is_none()
        && values.kept.is_none()
        && N::all_finite(values.first)
        && values.second.is_none_or(f64::all_finite);
    // One block a place, and one for the rows that take no part, so that the plain loop asks nothing of a row.
    let mut blocks = vec![0.0; (places + 1) * length];
    let mut seconds = vec![0.0; if values.second.is_some() { (places + 1) * length } else { 0 }];
    let mut lengths = vec![0_usize; places + 1];
    let mut flush = |place: usize, blocks: &[f64], seconds: &[f64], filled: usize| {
        if let Some(tally) = tallies.get_mut(place) {
            let range = place * length..place * length + filled;
            tally.add(&blocks[range.clone()], values.second.map(|_| &seconds[range.clone()]));
            if let Some((sketches, of_place)) = &mut sketches {
                sketches[of_place[place] as usize].add(&blocks[range]);
            }
        }
    };
    // Most columns hold few different whole numbers, most of all zeros and ones: to count them is all that is needed.
    let counted = if values.second.is_some() { 0 } else { (ALL_COUNTS / (places + 1)).clamp(2, COUNTED) };
    let mut counts = vec![0_u32; (places + 1) * counted];
    let mut gaps: Vec<(u64, u64)> = if plain { Vec::new() } else { vec![(0, 0); places] };
    for (row, place) in place_of_row.iter().enumerate() {
        let place = (*place as usize).min(places);
        let (value, second) = if plain {
            let number = values.first[row];
            if let Some(whole) = number.counted(counted) {
                counts[place * counted + whole] += 1;
                continue;
            }
            (number.value(), values.second.map_or(0.0, |second| second[row]))
        } else if place == places {
            continue;
        } else {
            let (missing, non_finite) = &mut gaps[place];
            match values.of(row) {
                Told::Value(value, second) => (value, second),
                Told::LeftOut => continue,
                Told::Missing => {
                    *missing += 1;
                    continue;
                }
                Told::NonFinite => {
                    *non_finite += 1;
                    continue;
                }
            }
        };
        if !plain && let Some(whole) = value.counted(counted) {
            counts[place * counted + whole] += 1;
            continue;
        }
        let filled = &mut lengths[place];
        blocks[place * length + *filled] = value;
        if values.second.is_some() {
            seconds[place * length + *filled] = second;
        }
        *filled += 1;
        if *filled == length {
            *filled = 0;
            flush(place, &blocks, &seconds, length);
        }
    }
    for (place, filled) in lengths.iter().enumerate() {
        flush(place, &blocks, &seconds, *filled);
    }
    if counted > 0 {
        for (place, (tally, counts)) in tallies.iter_mut().zip(counts.chunks(counted)).enumerate() {
            tally.add_counts(counts);
            if let Some((sketches, of_place)) = &mut sketches {
                sketches[of_place[place] as usize].add_counts(counts);
            }
        }
    }
    for (tally, (missing, non_finite)) in tallies.iter_mut().zip(gaps) {
        tally.missing += missing;
        tally.non_finite += non_finite;
    }
}

/// What a row says.
enum Told {
    Value(f64, f64),
    LeftOut,
    Missing,
    NonFinite,
}

impl<N: Number> Values<'_, N> {
    fn of(&self, row: usize) -> Told {
        if self.kept.is_some_and(|kept| !kept[row]) {
            return if self.with_zeros { Told::Value(0.0, 0.0) } else { Told::LeftOut };
        }
        if self.present.is_some_and(|present| !present[row]) {
            return if self.missing_is_zero { Told::Value(0.0, 0.0) } else { Told::Missing };
        }
        let (value, second) = (self.first[row].value(), self.second.map_or(0.0, |second| second[row]));
        if value.is_finite() && second.is_finite() { Told::Value(value, second) } else { Told::NonFinite }
    }
}

/// Moments of a block that is short enough for the sums to keep their digits. Values are taken relative to the first, so that
/// equal values have exactly no variance, and then to their mean; what the rounding of the mean adds to the sum of squares
/// is measured and taken out (Chan, Golub & LeVeque 1983, eq. 1.7).
fn moments_of(values: &[f64]) -> ShapeMoments {
    let Some(&origin) = values.first() else { return ShapeMoments::default() };
    let n = values.len() as f64;
    let shift = lanes(values, |value| [value - origin])[0] / n;
    let [first, m2, m3, m4] = lanes(values, |value| {
        let d = (value - origin) - shift;
        let square = d * d;
        [d, square, square * d, square * square]
    });
    let m2 = m2 - first * first / n;
    let m2 = if m2 < 0.0 { 0.0 } else { m2 };
    ShapeMoments { n: values.len() as u64, mean: origin + shift, m2, m3, m4 }
}

/// Sums of some terms of every value, in eight independent lanes so that additions need not wait for each other.
fn lanes<const TERMS: usize>(values: &[f64], terms: impl Fn(f64) -> [f64; TERMS]) -> [f64; TERMS] {
    const LANES: usize = 8;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [[0.0; LANES]; TERMS];
    for chunk in chunks {
        for (lane, value) in chunk.iter().enumerate() {
            let terms = terms(*value);
            for (sum, term) in sums.iter_mut().zip(terms) {
                sum[lane] += term;
            }
        }
    }
    let mut totals = sums.map(|[a, b, c, d, e, f, g, h]| ((a + b) + (c + d)) + ((e + f) + (g + h)));
    for value in rest {
        for (total, term) in totals.iter_mut().zip(terms(*value)) {
            *total += term;
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Moments;
    use proptest::prelude::*;

    fn close(left: f64, right: f64, scale: f64) -> bool {
        (left - right).abs() <= 1e-9 * scale.abs().max(1e-9)
    }

    proptest! {
        #[test]
        fn any_parts_give_the_sums_of_the_rows(
            rows in prop::collection::vec(
                (prop_oneof![Just(0.0), -1e3..1e3f64, Just(f64::INFINITY)], 0..3u32, prop::bool::ANY, prop::bool::ANY),
                1..3000,
            ),
            cut in 0usize..3000,
            with_zeros in prop::bool::ANY,
            conditions in prop::bool::ANY,
        ) {
            let cut = cut.min(rows.len());
            let mut merged = vec![Tally::default(); 2];
            let mut sketch = Sketch::default();
            for part in [&rows[..cut], &rows[cut..]] {
                let first: Vec<f64> = part.iter().map(|row| row.0).collect();
                let (present, kept): (Vec<bool>, Vec<bool>) = part.iter().map(|row| (row.2, row.3)).unzip();
                let places: Vec<u32> = part.iter().map(|row| if row.1 == 2 { NOWHERE } else { row.1 }).collect();
                let mut tallies = vec![Tally::default(); 2];
                let values = Values {
                    first: &first,
                    second: None,
                    present: conditions.then_some(&present),
                    kept: conditions.then_some(&kept),
                    with_zeros,
                    missing_is_zero: false,
                };
                add_rows(&mut tallies, &values, &places, Some((std::slice::from_mut(&mut sketch), &[0, 0])));
                merged.iter_mut().zip(&tallies).for_each(|(own, more)| own.merge(more));
            }
            prop_assert_eq!(sketch.count(), merged.iter().map(|tally| tally.moments.n).sum::<u64>());
            for (place, tally) in (0..).zip(&merged) {
                let (mut values, mut missing, mut non_finite) = (Vec::new(), 0, 0);
                for (value, of, present, kept) in &rows {
                    match (*of == place, !conditions || *kept, !conditions || *present) {
                        (false, ..) => {}
                        (_, false, _) if with_zeros => values.push(0.0),
                        (_, false, _) => {}
                        (.., false) => missing += 1,
                        _ if value.is_finite() => values.push(*value),
                        _ => non_finite += 1,
                    }
                }
                let known = Moments::from_slice(&values);
                let found = tally.moments.moments();
                prop_assert_eq!((found.n, tally.missing, tally.non_finite), (known.n, missing, non_finite));
                prop_assert!(close(found.mean, known.mean, 1e3) && close(found.m2, known.m2, known.m2));
                prop_assert_eq!(tally.zeros, values.iter().filter(|value| **value == 0.0).count() as u64);
                prop_assert_eq!(tally.range.map(|range| range.1), values.iter().copied().reduce(f64::max));
            }
        }

        #[test]
        fn pairs_are_those_of_the_rows(rows in prop::collection::vec((-1e2..1e2f64, 0.0..1e2f64), 1..2500)) {
            let (first, second): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
            let mut tallies = vec![Tally::default()];
            let places = vec![0; first.len()];
            let values = Values {
                first: &first,
                second: Some(&second),
                present: None,
                kept: None,
                with_zeros: false,
                missing_is_zero: false,
            };
            add_rows(&mut tallies, &values, &places, None);
            let known = BivariateMoments::from_slices(&first, &second).unwrap();
            let found = tallies[0].cell(Key::default(), 2).unwrap().joint;
            prop_assert_eq!(found.n(), known.n);
            prop_assert!(close(found.means()[0], known.mean_y, 1e2));
            prop_assert!(close(found.co_moment(0, 1).unwrap(), known.c_yx, 1e4 * known.n as f64));
        }
    }

    #[test]
    fn equal_values_have_exactly_no_variance() {
        let found = moments_of(&vec![0.1; 1000]);
        assert_eq!((found.mean, found.m2), (0.1, 0.0));
    }
}
