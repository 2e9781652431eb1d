//! Mergeable moments of pairs of numbers: what ratios and CUPED need of a group.

use super::comoments::Comoments;
use super::{Moments, Undefined};

/// Counts, means, sums of squares and of products about the means of pairs (y, x).
///
/// Two groups or two chunks of rows merge exactly (Chan, Golub & LeVeque 1979), so a pass over the data may be split at
/// will; raw sums of squares, which cancel, are never kept.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BivariateMoments {
    /// Number of pairs.
    pub n: u64,
    /// Mean of y.
    pub mean_y: f64,
    /// Mean of x.
    pub mean_x: f64,
    /// Sum of squared deviations of y.
    pub m2_y: f64,
    /// Sum of squared deviations of x.
    pub m2_x: f64,
    /// Sum of products of the deviations of y and x.
    pub c_yx: f64,
}

/// Pairs that are summed directly before they are merged; short enough for the sums to keep their digits.
const BLOCK: usize = 256;

impl BivariateMoments {
    /// The moments of the pairs `(y[i], x[i])`.
    ///
    /// # Errors
    /// [`Undefined::LengthMismatch`] where the slices differ in length.
    pub fn from_slices(y: &[f64], x: &[f64]) -> Result<BivariateMoments, Undefined> {
        if y.len() != x.len() {
            return Err(Undefined::LengthMismatch);
        }
        let blocks = y.chunks(BLOCK).zip(x.chunks(BLOCK));
        Ok(blocks
            .fold(BivariateMoments::default(), |sum, (y, x)| sum.merge(&BivariateMoments::of_block(y, x))))
    }

    /// The moments of two variables of co-moments, the first as y; `None` for a variable that is not there.
    pub fn of_variables(joint: &Comoments, y: usize, x: usize) -> Option<BivariateMoments> {
        Some(BivariateMoments {
            n: joint.n(),
            mean_y: *joint.means().get(y)?,
            mean_x: *joint.means().get(x)?,
            m2_y: joint.co_moment(y, y)?,
            m2_x: joint.co_moment(x, x)?,
            c_yx: joint.co_moment(y, x)?,
        })
    }

    /// Two passes over a block: the means, then the deviations.
    fn of_block(y: &[f64], x: &[f64]) -> BivariateMoments {
        let n = y.len() as f64;
        let (mean_y, mean_x) = (y.iter().sum::<f64>() / n, x.iter().sum::<f64>() / n);
        let mut block = BivariateMoments { n: y.len() as u64, mean_y, mean_x, ..BivariateMoments::default() };
        for (y, x) in y.iter().zip(x) {
            let (dy, dx) = (y - mean_y, x - mean_x);
            block.m2_y += dy * dy;
            block.m2_x += dx * dx;
            block.c_yx += dy * dx;
        }
        block
    }

    /// The moments of both sets of pairs together.
    pub fn merge(&self, other: &BivariateMoments) -> BivariateMoments {
        if self.n == 0 {
            return *other;
        }
        if other.n == 0 {
            return *self;
        }
        let n = self.n + other.n;
        let share = other.n as f64 / n as f64;
        let weight = self.n as f64 * share;
        let (dy, dx) = (other.mean_y - self.mean_y, other.mean_x - self.mean_x);
        BivariateMoments {
            n,
            mean_y: self.mean_y + dy * share,
            mean_x: self.mean_x + dx * share,
            m2_y: self.m2_y + other.m2_y + dy * dy * weight,
            m2_x: self.m2_x + other.m2_x + dx * dx * weight,
            c_yx: self.c_yx + other.c_yx + dy * dx * weight,
        }
    }

    /// The moments of y alone.
    pub fn of_y(&self) -> Moments {
        Moments { n: self.n, mean: self.mean_y, m2: self.m2_y }
    }

    /// The moments of x alone.
    pub fn of_x(&self) -> Moments {
        Moments { n: self.n, mean: self.mean_x, m2: self.m2_x }
    }

    /// The moments of y − slope·(x − centre), without another pass over the rows.
    pub fn of_residual(&self, slope: f64, centre: f64) -> Moments {
        let m2 = self.m2_y - 2.0 * slope * self.c_yx + slope * slope * self.m2_x;
        // Where x explains y entirely, rounding may leave a tiny negative sum of squares.
        Moments {
            n: self.n,
            mean: self.mean_y - slope * (self.mean_x - centre),
            m2: if m2 < 0.0 { 0.0 } else { m2 },
        }
    }

    /// Checks that both variables have a finite variance.
    ///
    /// # Errors
    /// [`Undefined::EmptyGroup`], [`Undefined::TooFewObservations`] below two pairs, [`Undefined::NonFinite`].
    pub fn check(&self) -> Result<(), Undefined> {
        self.of_y().checked_variance()?;
        self.of_x().checked_variance()?;
        if self.c_yx.is_finite() { Ok(()) } else { Err(Undefined::NonFinite) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn merged_parts_are_the_whole(
            pairs in prop::collection::vec((1e3_f64..1.1e3, -5.0_f64..5.0), 2..900), cut in 0_usize..900, slope in -3.0_f64..3.0,
        ) {
            let (y, x): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let cut = cut.min(y.len());
            let moments = |y: &[f64], x: &[f64]| BivariateMoments::from_slices(y, x).unwrap();
            let whole = moments(&y, &x);
            let merged = moments(&y[..cut], &x[..cut]).merge(&moments(&y[cut..], &x[cut..]));
            let residuals: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y - slope * (x - 1.0)).collect();
            let (there, here) = (Moments::from_slice(&residuals), whole.of_residual(slope, 1.0));
            let scale = y.len() as f64 * 1e4;
            for (a, b) in [
                (whole.mean_y, merged.mean_y), (whole.mean_x, merged.mean_x), (whole.m2_y, merged.m2_y),
                (whole.m2_x, merged.m2_x), (whole.c_yx, merged.c_yx), (whole.m2_y, Moments::from_slice(&y).m2),
                (there.mean, here.mean), (there.m2, here.m2),
            ] {
                prop_assert!((a - b).abs() <= 1e-12 * scale, "{a} {b}");
            }
        }
    }

    #[test]
    fn errors_have_reasons() {
        assert_eq!(BivariateMoments::from_slices(&[1.0], &[]), Err(Undefined::LengthMismatch));
        let few = BivariateMoments::from_slices(&[1.0], &[1.0]).unwrap();
        assert_eq!(few.check(), Err(Undefined::TooFewObservations { needed: 2, found: 1 }));
        let infinite = BivariateMoments::from_slices(&[1.0, f64::INFINITY], &[1.0, 2.0]).unwrap();
        assert_eq!(infinite.check(), Err(Undefined::NonFinite));
        assert_eq!(BivariateMoments::default().check(), Err(Undefined::EmptyGroup));
    }
}
