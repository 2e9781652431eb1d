//! Sorting numbers: what every rank test, quantile and test of normality spends most of its time on.

/// Below this size the comparison sort of the standard library is faster.
const SMALL: usize = 700;
/// Values that are looked at to guess whether few distinct ones repeat.
const PROBES: usize = 64;

/// Sorts `values` into the order of [`f64::total_cmp`]: `-0.0` before `0.0`, NaN at the ends.
///
/// The answer is that of `sort_unstable_by(f64::total_cmp)`, bit for bit: a total order of bit patterns leaves no choice.
///
/// # Formula
/// A radix sort over the leading digits of the bit patterns that differ, from the lowest of them upwards, then insertion of the
/// few neighbours that these digits do not tell apart. Small, sorted and much repeating samples, those whose leading digits say
/// too little, and those with infinities or NaN go to the comparison sort.
///
/// # Source
/// D. Knuth (1998), *The Art of Computer Programming* 3, 5.2.5.
pub fn sort_ascending(values: &mut [f64]) {
    // Counts of buckets are 32-bit numbers.
    let outside = values.len() < SMALL || u32::try_from(values.len()).is_err();
    if outside || values.is_sorted_by(|a, b| a.total_cmp(b).is_le()) || repeats(values) {
        values.sort_unstable_by(f64::total_cmp);
        return;
    }
    let Some((least, most)) = extremes(values) else {
        values.sort_unstable_by(f64::total_cmp);
        return;
    };
    // A comparison does not tell the zeros apart, their patterns do.
    let least = key(if least == 0.0 { -0.0 } else { least });
    let most = key(if most == 0.0 { 0.0 } else { most });
    // Counted from the least and moved to the left end, keys have no leading digits that all of them share: as they stand, the patterns
    // of 1.9 and 2.1 differ in their first bit. It also fixes where the digits are.
    let spare = (most - least).leading_zeros();
    let mut keys: Vec<u64> = values.iter().map(|value| (key(*value) - least) << spare).collect();
    if !told_apart(&mut keys) {
        keys.sort_unstable();
    }
    for (value, key) in values.iter_mut().zip(keys) {
        *value = number((key >> spare) + least);
    }
}

/// Whether no value is infinite or NaN.
pub(super) fn all_finite(values: &[f64]) -> bool {
    // A finite number times zero is a zero; sums side by side, without a branch a value, are what a processor does fastest.
    let mut sums = [0.0; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value * 0.0;
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| value * 0.0).sum::<f64>() == 0.0
}

/// The least and the largest of finite values; none where one is infinite or NaN.
fn extremes(values: &[f64]) -> Option<(f64, f64)> {
    if !all_finite(values) {
        return None;
    }
    let (mut least, mut most) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for ((least, most), &value) in least.iter_mut().zip(&mut most).zip(chunk) {
            // As one instruction each; `f64::min` minds NaN as well.
            *least = if value < *least { value } else { *least };
            *most = if value > *most { value } else { *most };
        }
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

/// The bit pattern of a number as an integer in the same order.
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    // A negative number has all its bits turned, a positive one its sign.
    bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | 1 << 63)
}

/// The inverse of [`key`].
fn number(key: u64) -> f64 {
    f64::from_bits(key ^ ((!key.cast_signed() >> 63).cast_unsigned() | 1 << 63))
}

/// Sorts keys whose uppermost digits tell nearly all of them apart; false, and some order, where they do not.
fn told_apart(keys: &mut Vec<u64>) -> bool {
    // The more values, the more of their bits it takes. With up to 512 places the lines of memory that are written to in turn stay in
    // the first cache. Of values on both sides of zero, twelve bits are sign and exponent: three digits of nine leave fifteen for the rest, and
    // insertion gives up on shifted lognormal values from 3 million, on normal ones from 5 million; from 2 million three digits of
    // eleven are faster on both by a quarter, and slower by as much on values of one sign, which is lost in the noise from 4 million.
    match keys.len() {
        ..8_000 => by_digits::<2, 9, 512>(keys),
        8_000..30_000 => by_digits::<2, 10, 1024>(keys),
        30_000..2_000_000 => by_digits::<3, 9, 512>(keys),
        _ => by_digits::<3, 11, 2048>(keys),
    }
    insert(keys)
}

/// Sorts by the uppermost digits, of so many bits and places each.
fn by_digits<const DIGITS: usize, const BITS: usize, const PLACES: usize>(keys: &mut Vec<u64>) {
    const { assert!(PLACES == 1 << BITS) };
    let place = |key: u64, d: usize| (key >> (64 - (DIGITS - d) * BITS)) as usize & (PLACES - 1);
    // Tables of a fixed size: no place is outside of them.
    let mut counts = Box::new([[0_u32; PLACES]; DIGITS]);
    for &key in keys.iter() {
        for (d, counts) in counts.iter_mut().enumerate() {
            counts[place(key, d)] += 1;
        }
    }
    let mut other = vec![0; keys.len()];
    for (d, next) in counts.iter_mut().enumerate() {
        let mut before = 0;
        for slot in next.iter_mut() {
            before += std::mem::replace(slot, before);
        }
        for &key in keys.iter() {
            let slot = &mut next[place(key, d)];
            other[*slot as usize] = key;
            *slot += 1;
        }
        std::mem::swap(keys, &mut other);
    }
}

/// Insertion sort of nearly sorted keys; false, and some order, when they turn out to be far from it.
fn insert(keys: &mut [u64]) -> bool {
    let mut moves = 4 * keys.len();
    let mut previous = 0;
    for i in 0..keys.len() {
        let key = keys[i];
        // Nearly always: then nothing is written.
        if previous <= key {
            previous = key;
            continue;
        }
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
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(mut values: Vec<f64>) {
        let mut expected = values.clone();
        expected.sort_unstable_by(f64::total_cmp);
        sort_ascending(&mut values);
        assert!(values.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits()));
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
    fn digits_tell_millions_of_values_around_zero_apart() {
        let values = drawn(3_000_000, |u, v| {
            ((-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp() - 1.6
        });
        let (least, most) = extremes(&values).unwrap();
        let spare = (key(most) - key(least)).leading_zeros();
        let mut keys: Vec<u64> = values.iter().map(|value| (key(*value) - key(least)) << spare).collect();
        assert!(told_apart(&mut keys.clone()) && keys.len() == 3_000_000);
        // Nine bits a digit do not.
        by_digits::<3, 9, 512>(&mut keys);
        assert!(!insert(&mut keys));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn all_bit_patterns_are_sorted(bits in prop::collection::vec(any::<u64>(), 700..1500), mask: u64) {
            check(bits.into_iter().map(|bits| f64::from_bits(bits & mask)).collect());
        }
    }
}
