//! Mergeable moments of one variable up to the fourth: what a skewness from parts needs.

use serde::{Deserialize, Deserializer, Serialize};

use super::Moments;
use super::descriptive::Shape;

/// Count, mean and the sums of the second, third and fourth powers of the deviations from the mean.
///
/// Parts are merged by the formulas of Pébay (2008), the continuation of Chan, Golub & LeVeque (1979) to higher powers; raw
/// sums of powers are never kept.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ShapeMoments {
    /// Number of values.
    pub n: u64,
    /// Arithmetic mean; 0 while there are no values.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub m2: f64,
    /// Sum of cubed deviations from the mean; not finite where it is too large for a number.
    #[serde(deserialize_with = "undefined_if_null")]
    pub m3: f64,
    /// Sum of the fourth powers of deviations from the mean; not finite where it is too large for a number.
    #[serde(deserialize_with = "undefined_if_null")]
    pub m4: f64,
}

impl ShapeMoments {
    /// The moments of a sample, in two passes.
    pub fn from_slice(values: &[f64]) -> ShapeMoments {
        let Moments { n, mean, m2 } = Moments::from_slice(values);
        let sum = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum();
        ShapeMoments { n, mean, m2, m3: sum(3), m4: sum(4) }
    }

    /// The moments of values whose sums of powers of `value − centre` are known: `powers` are those of the first to the fourth.
    ///
    /// Digits are lost as the centre lies far from the mean beside the spread; see [`ShapeMoments::distance`].
    pub fn from_powers(n: u64, centre: f64, powers: [f64; 4]) -> ShapeMoments {
        if n == 0 {
            return ShapeMoments::default();
        }
        let count = n as f64;
        let [s1, s2, s3, s4] = powers;
        let d = s1 / count;
        let m2 = (s2 - s1 * d).max(0.0);
        let m3 = s3 - 3.0 * d * s2 + 2.0 * d * d * s1;
        let m4 = s4 - 4.0 * d * s3 + 6.0 * d * d * s2 - 3.0 * d * d * d * s1;
        // Unlike `f64::max` this keeps what is undefined.
        ShapeMoments { n, mean: centre + d, m2, m3, m4: if m4 < 0.0 { 0.0 } else { m4 } }
    }

    /// How many standard deviations a point is from the mean: 0 where it is the mean, infinite where the values do not vary
    /// and it is not.
    pub fn distance(&self, point: f64) -> f64 {
        let away = (self.mean - point).abs();
        if away == 0.0 { 0.0 } else { away / (self.m2 / self.n.max(1) as f64).sqrt() }
    }

    /// The moments of both samples together.
    pub fn merge(&self, other: &ShapeMoments) -> ShapeMoments {
        if self.n == 0 {
            return *other;
        }
        if other.n == 0 {
            return *self;
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let n = a + b;
        let shift = other.mean - self.mean;
        let per_n = shift / n;
        let m3 = self.m3
            + other.m3
            + shift * per_n * per_n * a * b * (a - b)
            + 3.0 * per_n * (a * other.m2 - b * self.m2);
        let m4 = self.m4
            + other.m4
            + shift * per_n * per_n * per_n * a * b * (a * a - a * b + b * b)
            + 6.0 * per_n * per_n * (a * a * other.m2 + b * b * self.m2)
            + 4.0 * per_n * (a * other.m3 - b * self.m3);
        ShapeMoments {
            n: self.n.saturating_add(other.n),
            mean: self.mean + per_n * b,
            m2: self.m2 + other.m2 + shift * per_n * a * b,
            m3,
            m4,
        }
    }

    /// Count, mean and M2.
    pub fn moments(&self) -> Moments {
        Moments { n: self.n, mean: self.mean, m2: self.m2 }
    }

    /// Skewness and kurtosis; `None` where the values do not vary beyond rounding or a sum is not finite.
    pub fn shape(&self) -> Option<Shape> {
        let n = self.n as f64;
        let variance = self.m2 / n;
        let varies = variance.sqrt() > f64::EPSILON * self.mean.abs();
        let skewness = self.m3 / n / (variance * variance.sqrt());
        let excess_kurtosis = self.m4 / n / (variance * variance) - 3.0;
        let finite = skewness.is_finite() && excess_kurtosis.is_finite();
        (self.n > 0 && varies && finite).then_some(Shape { skewness, excess_kurtosis })
    }
}

/// JSON has no word for what is not finite, and says null.
fn undefined_if_null<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(left: f64, right: f64, scale: f64) -> bool {
        (left - right).abs() <= 1e-10 * scale.max(1e-300)
    }

    #[test]
    fn shape_is_that_of_the_values() {
        let values = [1.0, 2.0, 3.0, 4.0, 10.0];
        let (own, known) = (ShapeMoments::from_slice(&values).shape().unwrap(), Shape::of(&values).unwrap());
        assert!(
            close(own.skewness, known.skewness, 1.0)
                && close(own.excess_kurtosis, known.excess_kurtosis, 1.0)
        );
        assert_eq!(ShapeMoments::from_slice(&[2.0, 2.0]).shape(), None);
        assert_eq!(ShapeMoments::default().shape(), None);
    }

    #[test]
    fn powers_too_large_for_a_number_leave_mean_and_variance() {
        let values = [1e80, 0.0, 0.0, 0.0];
        for known in [
            ShapeMoments::from_slice(&values),
            ShapeMoments::from_powers(4, 0.0, [1e80, 1e160, f64::NAN, f64::NAN]),
        ] {
            let text = serde_json::to_string(&known).unwrap();
            let read: ShapeMoments = serde_json::from_str(&text).unwrap();
            assert_eq!((read.mean, read.m2), (2.5e79, known.m2), "{text}");
            assert_eq!(
                (read.shape(), read.merge(&ShapeMoments::from_slice(&[1.0, 2.0])).shape()),
                (None, None)
            );
        }
    }

    #[test]
    fn a_centre_near_the_mean_keeps_the_digits_of_a_large_offset() {
        let values: Vec<f64> = (0..1000).map(|i| 1e6 + f64::from(i % 10)).collect();
        let centre = 1e6 + 3.0;
        let sum = |power| values.iter().map(|value| (value - centre).powi(power)).sum::<f64>();
        let found = ShapeMoments::from_powers(1000, centre, [sum(1), sum(2), sum(3), sum(4)]);
        assert_eq!((found.mean, found.m2), (1e6 + 4.5, 8250.0));
        assert!(found.distance(centre) < 1.0 && found.distance(0.0) > 1e5);
        assert!(close(found.m4, ShapeMoments::from_slice(&values).m4, found.m4) && found.m3.abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn any_split_merges_to_the_whole(values in prop::collection::vec(-1e3f64..1e3, 2..200), cut in 0usize..200) {
            let cut = cut.min(values.len());
            let whole = ShapeMoments::from_slice(&values);
            let merged =
                ShapeMoments::from_slice(&values[..cut]).merge(&ShapeMoments::from_slice(&values[cut..]));
            prop_assert_eq!(whole.n, merged.n);
            let spread = 1e3 * values.len() as f64;
            prop_assert!(close(whole.mean, merged.mean, 1e3));
            prop_assert!(close(whole.m2, merged.m2, spread * 1e3));
            prop_assert!(close(whole.m3, merged.m3, spread * 1e6));
            prop_assert!(close(whole.m4, merged.m4, spread * 1e9));
        }
    }
}
