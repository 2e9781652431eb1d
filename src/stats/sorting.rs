//! Sorting numbers: what every rank test, quantile and test of normality spends most of its time on.

/// Below this size the comparison sort of the standard library is faster.
const SMALL: usize = 700;
/// From this size on values are first told into buckets that fit into the caches of a processor.
const LARGE: usize = 100_000;
/// Values that are looked at to guess whether few distinct ones repeat.
const PROBES: usize = 64;

/// Sorts `values` into the order of [`f64::total_cmp`]: `-0.0` before `0.0`, NaN at the ends.
///
/// The answer is that of `sort_unstable_by(f64::total_cmp)`, bit for bit: a total order of bit patterns leaves no choice.
///
/// # Formula
/// A radix sort over the two leading digits of the bit patterns that differ, the lower of them first, then insertion of the few
/// neighbours that these digits do not tell apart; of large samples, of every bucket of a digit before. Small, sorted and much
/// repeating samples, buckets whose leading digits say too little, and samples with infinities or NaN go to the comparison sort.
///
/// # Source
/// D. Knuth (1998), *The Art of Computer Programming* 3, 5.2.5.
pub fn sort_ascending(values: &mut [f64]) {
    match sorted_patterns(values) {
        Some(sorted) => values.iter_mut().zip(sorted).for_each(|(value, pattern)| *value = number(pattern)),
        None => values.sort_unstable_by(f64::total_cmp),
    }
}

/// A copy of `values` in the order of [`sort_ascending`].
pub fn sorted(values: &[f64]) -> Vec<f64> {
    match sorted_patterns(values) {
        // The memory of the patterns becomes that of the numbers.
        Some(sorted) => sorted.into_iter().map(number).collect(),
        None => {
            let mut copy = values.to_vec();
            copy.sort_unstable_by(f64::total_cmp);
            copy
        }
    }
}

/// The patterns of `values` in ascending order; none where a comparison sort does better or a value is infinite or NaN.
fn sorted_patterns(values: &[f64]) -> Option<Vec<u64>> {
    // Counts of buckets are 32-bit numbers.
    let outside = values.len() < SMALL || u32::try_from(values.len()).is_err();
    if outside || values.is_sorted_by(|a, b| a.total_cmp(b).is_le()) || repeats(values) {
        return None;
    }
    let (least, most) = extremes(values)?;
    // A comparison does not tell the zeros apart, their patterns do.
    let least = pattern(if least == 0.0 { -0.0 } else { least });
    let most = pattern(if most == 0.0 { 0.0 } else { most });
    let mut patterns: Vec<u64> = values.iter().map(|value| pattern(*value)).collect();
    let mut other = vec![0; patterns.len()];
    if patterns.len() < LARGE {
        sort_between(&mut patterns, &mut other, least, most);
        return Some(patterns);
    }
    let digit = Digit::<9, 512>::uppermost(1, least, most);
    let mut ends = digit.counts(&patterns);
    digit.distribute(&patterns, &mut other, &mut ends);
    let mut start = 0;
    for &end in ends.iter() {
        let (bucket, space) = (&mut other[start..end as usize], &mut patterns[start..end as usize]);
        start = end as usize;
        if bucket.len() < SMALL {
            bucket.sort_unstable();
            continue;
        }
        let (least, most) =
            bucket.iter().fold((u64::MAX, 0), |(a, b), &pattern| (a.min(pattern), b.max(pattern)));
        sort_between(bucket, space, least, most);
    }
    Some(other)
}

/// The bit pattern of a number as an integer in the same order.
fn pattern(value: f64) -> u64 {
    let bits = value.to_bits();
    // A negative number has all its bits turned, a positive one its sign.
    bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | 1 << 63)
}

/// The inverse of [`pattern`].
fn number(pattern: u64) -> f64 {
    f64::from_bits(pattern ^ ((!pattern.cast_signed() >> 63).cast_unsigned() | 1 << 63))
}

/// The least and the largest of finite values; none where one is infinite or NaN.
fn extremes(values: &[f64]) -> Option<(f64, f64)> {
    let (mut least, mut most, mut zeros) = ([f64::INFINITY; 4], [f64::NEG_INFINITY; 4], [0.0; 4]);
    let (chunks, rest) = values.as_chunks::<4>();
    for chunk in chunks {
        for i in 0..4 {
            let value = chunk[i];
            // As one instruction each; `f64::min` minds NaN as well.
            least[i] = if value < least[i] { value } else { least[i] };
            most[i] = if value > most[i] { value } else { most[i] };
            // A finite number times zero is a zero; a sum costs no branch a value.
            zeros[i] += value * 0.0;
        }
    }
    if zeros != [0.0; 4] || !rest.iter().all(|value| value.is_finite()) {
        return None;
    }
    let least = least.iter().chain(rest).fold(f64::INFINITY, |least, value| least.min(*value));
    let most = most.iter().chain(rest).fold(f64::NEG_INFINITY, |most, value| most.max(*value));
    Some((least, most))
}

/// Whether the sample holds few distinct values, as far as evenly spaced probes tell; the comparison sort is fast on these.
fn repeats(values: &[f64]) -> bool {
    let step = values.len() / PROBES;
    let mut probes: [u64; PROBES] = std::array::from_fn(|i| values[i * step].to_bits());
    probes.sort_unstable();
    probes.chunk_by(|a, b| a == b).count() < PROBES * 3 / 4
}

/// Sorts patterns from `least` to `most`, with space for as many.
fn sort_between(patterns: &mut [u64], space: &mut [u64], least: u64, most: u64) {
    // The more values, the more of their bits it takes. With up to 512 places the lines of memory that are written to in turn stay in
    // the first cache.
    match patterns.len() {
        ..8_000 => by_two_digits::<9, 512>(patterns, space, least, most),
        8_000..30_000 => by_two_digits::<10, 1024>(patterns, space, least, most),
        _ => by_two_digits::<11, 2048>(patterns, space, least, most),
    }
    if !insert(patterns) {
        patterns.sort_unstable();
    }
}

fn by_two_digits<const BITS: u32, const PLACES: usize>(
    patterns: &mut [u64],
    space: &mut [u64],
    least: u64,
    most: u64,
) {
    let [lower, upper] = [2, 1].map(|nth| Digit::<BITS, PLACES>::uppermost(nth, least, most));
    // Told apart by the upper digit last, values of one upper digit stay in the order of their lower one.
    let (mut next_lower, mut next_upper) = (Box::new([0; PLACES]), Box::new([0; PLACES]));
    for &pattern in patterns.iter() {
        next_lower[lower.of(pattern)] += 1;
        next_upper[upper.of(pattern)] += 1;
    }
    lower.distribute(patterns, space, &mut next_lower);
    upper.distribute(space, patterns, &mut next_upper);
}

/// Some bits of a pattern, and a place for each of their values.
#[derive(Clone, Copy)]
struct Digit<const BITS: u32, const PLACES: usize> {
    /// The least of the patterns. Counted from it they have no leading digits that all of them share: as they stand, the patterns of
    /// 1.9 and 2.1 differ in their first bit.
    least: u64,
    /// How many bits lie below.
    shift: u32,
}

impl<const BITS: u32, const PLACES: usize> Digit<BITS, PLACES> {
    /// The nth digit from above of those in which patterns differ; with too few bits left for it, it takes some of the one above.
    fn uppermost(nth: u32, least: u64, most: u64) -> Self {
        const { assert!(PLACES == 1 << BITS) };
        let bits = u64::BITS - (most - least).leading_zeros();
        Digit { least, shift: bits.saturating_sub(nth * BITS) }
    }

    fn of(self, pattern: u64) -> usize {
        // A table of a fixed size: no place is outside of it.
        ((pattern - self.least) >> self.shift) as usize & (PLACES - 1)
    }

    fn counts(self, patterns: &[u64]) -> Box<[u32; PLACES]> {
        let mut counts = Box::new([0; PLACES]);
        for &pattern in patterns {
            counts[self.of(pattern)] += 1;
        }
        counts
    }

    /// Moves patterns to the places of their digits, in the order they are in; the counts become the ends of the places.
    fn distribute(self, from: &[u64], to: &mut [u64], counts: &mut [u32; PLACES]) {
        let mut before = 0;
        for count in counts.iter_mut() {
            before += std::mem::replace(count, before);
        }
        for &pattern in from {
            let next = &mut counts[self.of(pattern)];
            to[*next as usize] = pattern;
            *next += 1;
        }
    }
}

/// Insertion sort of nearly sorted keys; false, and some order, when they turn out to be far from it.
fn insert(keys: &mut [u64]) -> bool {
    let mut moves = 4 * keys.len();
    let mut next = 1;
    while next < keys.len() {
        // Nearly always eight are in order, one branch for all of them.
        if let Some(eight) = keys[next - 1..].first_chunk::<9>()
            && (0..8).fold(true, |ordered, i| ordered & (eight[i] <= eight[i + 1]))
        {
            next += 8;
            continue;
        }
        for i in next..keys.len().min(next + 8) {
            let key = keys[i];
            let mut at = i;
            while at > 0 && keys[at - 1] > key {
                keys[at] = keys[at - 1];
                at -= 1;
                if moves == 0 {
                    keys[at] = key;
                    return false;
                }
                moves -= 1;
            }
            keys[at] = key;
        }
        next += 8;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(mut values: Vec<f64>) {
        let mut expected = values.clone();
        expected.sort_unstable_by(f64::total_cmp);
        let copy = sorted(&values);
        sort_ascending(&mut values);
        assert!(values.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(
            copy.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()) && copy.len() == values.len()
        );
    }

    /// `n` values of a law, without a pattern in their order.
    fn drawn(n: usize, law: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..n)
            .map(|i| {
                law(
                    (i as f64 * 0.618_033_988_749_894_9).fract(),
                    (i as f64 * 0.754_877_666_246_692_8).fract(),
                )
            })
            .collect()
    }

    #[test]
    fn every_size_and_law_is_sorted_as_by_comparison() {
        for n in [1, 699, 700, 5_000, 30_000, 300_000] {
            check(drawn(n, |u, v| if v < 0.1 { f64::copysign(0.0, u - 0.5) } else { -u }));
            check(drawn(n, |u, v| if v < 0.1 { f64::copysign(0.0, u - 0.5) } else { u }));
            check(drawn(n, |u, v| if v < 0.001 { f64::NEG_INFINITY } else { u }));
            check(drawn(n, |u, _| u));
            check(drawn(n, |u, v| (u - 0.5) * (1.0 / (v + 1e-9))));
            check(drawn(n, |u, _| 1e9 + u));
            // One value far away leaves the leading digits nothing to say about the others.
            check(drawn(n, |u, v| if v > 0.999 { 1e300 } else { 1.0 + u * 1e-12 }));
            check(drawn(n, |u, v| if v < 0.9 { 0.0 } else { u }));
        }
    }

    #[test]
    fn digits_tell_values_around_zero_apart() {
        // Twelve bits of these are sign and exponent; within a bucket they do not count.
        for n in [100_000, 1_000_000] {
            let values = drawn(n, |u, v| {
                ((-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp() - 1.6
            });
            let mut patterns: Vec<u64> = values.iter().map(|value| pattern(*value)).collect();
            let (least, most) = extremes(&values).map(|(a, b)| (pattern(a), pattern(b))).unwrap();
            let mut space = vec![0; n];
            by_two_digits::<11, 2048>(&mut patterns, &mut space, least, most);
            assert!(!insert(&mut patterns), "{n} values");
            let digit = Digit::<9, 512>::uppermost(1, least, most);
            let mut ends = digit.counts(&patterns);
            digit.distribute(&patterns, &mut space, &mut ends);
            ends.iter().fold(0, |start, &end| {
                let bucket = &mut space[start..end as usize];
                if bucket.len() >= SMALL {
                    let (least, most) = (*bucket.iter().min().unwrap(), *bucket.iter().max().unwrap());
                    let mut other = vec![0; bucket.len()];
                    by_two_digits::<9, 512>(bucket, &mut other, least, most);
                    assert!(insert(bucket), "{n} values, bucket of {}", bucket.len());
                }
                end as usize
            });
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn all_bit_patterns_are_sorted(bits in prop::collection::vec(any::<u64>(), 700..1500), mask: u64) {
            check(bits.into_iter().map(|bits| f64::from_bits(bits & mask)).collect());
        }
    }
}
