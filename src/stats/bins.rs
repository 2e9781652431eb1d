//! A sample in few bins, so that a resample of a million values costs hundreds of random numbers instead of a million.

/// Bins of neighbours that are worth their random numbers. They hold fewer values towards the ends, so that 208 of them lose 600 times
/// less of the third moment of log-normal values than 256 of one size: 2e-6 of it.
const BINS: usize = 208;
/// Most distinct values that are bins by themselves; a sample with more than that, or than a sixteenth of its size, is resampled value
/// by value, unless it is large.
const DISTINCT: usize = 1024;
/// Values at either end that always keep a bin of their own: they carry the skewness.
const EXTREMES: usize = 32;
/// Above this size a sample of all different values is binned.
const LARGE: usize = 8_000;

/// Values that are resampled together: `count` of them around `offset` with the within-bin `variance`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    /// Mean of the values, minus the mean of the whole sample.
    pub offset: f64,
    /// Mean squared deviation of the values from the mean of the bin (divisor: their number).
    pub variance: f64,
    /// Number of values.
    pub count: u64,
}

/// How a sample is resampled.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Resampled {
    /// Value by value; the values are offsets from the mean of the sample.
    Values(Vec<f64>),
    /// Bin by bin. Where every bin holds one distinct value this is exactly the law of the value-by-value resample.
    /// In a large sample of many distinct values a bin holds neighbours: the number drawn from each bin keeps its exact
    /// law, and only what the values add within their narrow bins is drawn from the normal law of the same variance.
    Bins(Vec<Bin>),
}

impl Resampled {
    /// The cheaper form of `values`, with offsets from `mean`.
    pub(super) fn new(values: &[f64], mean: f64) -> Resampled {
        let mut offsets: Vec<f64> = values.iter().map(|value| value - mean).collect();
        super::sorting::sort_ascending(&mut offsets);
        let distinct = offsets.chunk_by(|a, b| a == b).count();
        if distinct * 16 <= offsets.len() && distinct <= DISTINCT {
            return Resampled::Bins(offsets.chunk_by(|a, b| a == b).map(bin).collect());
        }
        if offsets.len() <= LARGE {
            return Resampled::Values(offsets);
        }
        let (low, rest) = offsets.split_at(EXTREMES);
        let (middle, high) = rest.split_at(rest.len() - EXTREMES);
        // Towards the ends, where neighbours lie far apart, bins hold fewer of them.
        let cut = |i: usize| {
            let share = i as f64 / BINS as f64;
            (middle.len() as f64 * (share * share * (3.0 - 2.0 * share))) as usize
        };
        let parts = (0..BINS).map(|i| &middle[cut(i)..cut(i + 1)]).filter(|part| !part.is_empty());
        let single = |value: &f64| Bin { offset: *value, variance: 0.0, count: 1 };
        let bins = low.iter().map(single).chain(parts.map(bin)).chain(high.iter().map(single));
        Resampled::Bins(bins.collect())
    }
}

fn bin(values: &[f64]) -> Bin {
    let count = values.len() as f64;
    let first = values.first().copied().unwrap_or(0.0);
    let offset = first + values.iter().map(|value| value - first).sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - offset) * (value - offset)).sum::<f64>() / count;
    // A bin of one distinct value does not vary, whatever the rounding of its mean says.
    let varies = values.last().is_some_and(|&last| last != first);
    Bin {
        offset: if varies { offset } else { first },
        variance: if varies { variance } else { 0.0 },
        count: values.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_distinct_values_are_binned_exactly() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 4)).collect();
        let Resampled::Bins(bins) = Resampled::new(&values, 1.5) else { panic!("not binned") };
        let expected: Vec<Bin> =
            [-1.5, -0.5, 0.5, 1.5].map(|offset| Bin { offset, variance: 0.0, count: 250 }).to_vec();
        assert_eq!(bins, expected);
    }

    #[test]
    fn bins_of_a_large_sample_keep_its_size_mean_and_variance() {
        let values: Vec<f64> = (0..100_000).map(|i| (f64::from(i) / 7_000.0).exp()).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        let Resampled::Bins(bins) = Resampled::new(&values, mean) else { panic!("not binned") };
        assert!(bins.len() <= BINS + 2 * EXTREMES);
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 100_000);
        let weighted =
            |f: &dyn Fn(&Bin) -> f64| bins.iter().map(|bin| bin.count as f64 * f(bin)).sum::<f64>() / n;
        assert!(weighted(&|bin| bin.offset).abs() < 1e-6 * variance.sqrt());
        let total = weighted(&|bin| bin.offset * bin.offset + bin.variance);
        assert!((total / variance - 1.0).abs() < 1e-10);
        let within = weighted(&|bin| bin.variance);
        assert!(within < 2e-3 * variance, "{within} of {variance}");
    }

    #[test]
    fn a_small_sample_is_resampled_value_by_value() {
        assert_eq!(Resampled::new(&[3.0, 1.0], 2.0), Resampled::Values(vec![-1.0, 1.0]));
    }
}
