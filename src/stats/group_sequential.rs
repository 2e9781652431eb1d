//! Group-sequential designs: boundaries by error spending, their power, and what may be said after stopping.

mod inference;
mod paths;

use super::Undefined;
use super::distributions::{normal_isf, normal_quantile, normal_sf};
use super::root::brent;
pub use inference::{Stagewise, stagewise};
use paths::{Paths, arriving};

/// How much of the error rate may have been spent when a share t of the information is in.
///
/// The two-sided α is spent as two one-sided α/2, and each formula is that of one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spending {
    /// 2 − 2Φ(z_{α/4}/√t): almost nothing early, close to the fixed test at the end (Lan & DeMets after O'Brien–Fleming).
    ObrienFleming,
    /// (α/2) ln(1 + (e − 1) t): about the same boundary at every look (Lan & DeMets after Pocock).
    Pocock,
    /// (α/2) t^ρ with ρ > 0: the power family of Kim & DeMets; ρ = 3 is close to O'Brien–Fleming, ρ = 1 to Pocock.
    Power(f64),
}

impl Spending {
    fn check(self) -> Result<(), Undefined> {
        match self {
            Spending::Power(rho) if !(rho > 0.0 && rho.is_finite()) => {
                Err(Undefined::InvalidParameter("rho"))
            }
            _ => Ok(()),
        }
    }

    /// The error spent by one side up to the information share `t`; all of it from t = 1 on.
    fn of_one_side(self, t: f64, alpha: f64) -> f64 {
        let side = alpha / 2.0;
        if t >= 1.0 {
            return side;
        }
        match self {
            Spending::ObrienFleming => 2.0 * normal_sf(normal_isf(side / 2.0) / t.sqrt()),
            Spending::Pocock => side * ((std::f64::consts::E - 1.0) * t).ln_1p(),
            Spending::Power(rho) => side * t.powf(rho),
        }
    }
}

/// The boundary of one look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boundary {
    /// The critical |z|; infinite at a look that spends nothing.
    pub z: f64,
    /// The nominal two-sided p-value that stops: 2(1 − Φ(z)).
    pub nominal_p: f64,
    /// The two-sided error rate spent up to and including this look.
    pub spent: f64,
}

/// Below this share of spent error (of one side) the boundaries so far have stopped nobody that arithmetic could see.
const NEGLIGIBLE: f64 = 1e-15;

/// A test as it goes on: looks are added as they come, and each gets its boundary.
///
/// # Estimand
/// The critical value of |z| at the next look, such that a true null hypothesis is rejected at or before it with the
/// probability that the spending function grants.
///
/// # Formula
/// The score √t·Z is a Brownian motion observed at the information times. The density of the paths that are still
/// between the boundaries is carried from look to look by quadrature (Armitage, McPherson & Rowe 1969), and each
/// boundary is the root of "crossed now for the first time, upwards" = what one side spends now. As long as all looks
/// together have spent less than 1e-15, each boundary is that of its look alone: by Bonferroni's inequality this is safe,
/// and nights that come long before anything could be seen cost no time and no digits.
///
/// # Assumptions
/// Independent increments, as for the z statistics of means and proportions of accumulating independent units. Looks
/// may be unplanned and unequal in size, but their times must not be chosen by what the data show.
///
/// # Source
/// K. K. G. Lan & D. L. DeMets (1983); C. Jennison & B. Turnbull (2000), chapters 7 and 19.
#[derive(Debug, Clone)]
pub struct SequentialTest {
    alpha: f64,
    spending: Spending,
    paths: Paths,
    /// The last look that may have stopped paths: its time and its critical value.
    last: Option<(f64, f64)>,
    time: f64,
    spent: f64,
}

impl SequentialTest {
    /// A test before its first look.
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] for α outside (0, 1) or a power ρ that is not positive.
    pub fn new(alpha: f64, spending: Spending) -> Result<SequentialTest, Undefined> {
        if !(alpha > 0.0 && alpha < 1.0) {
            return Err(Undefined::InvalidParameter("alpha"));
        }
        spending.check()?;
        Ok(SequentialTest { alpha, spending, paths: Paths::start(0.0), last: None, time: 0.0, spent: 0.0 })
    }

    /// The boundary of a look at the information share `t`, which spends what its spending function grants at `share`.
    ///
    /// Both are the same unless the plan is not what happens: the last look of a test that ends short of its plan has
    /// t < 1 and share = 1. At and beyond a share of 1 everything is spent.
    ///
    /// # Errors
    /// [`Undefined::InvalidParameter`] for a time that does not increase by at least one part in 10⁸ (closer looks would need
    /// a grid without end) and for a share that is not positive; [`Undefined::NoSolution`] where no boundary spends
    /// what it should.
    pub fn look(&mut self, t: f64, share: f64) -> Result<Boundary, Undefined> {
        check_step(self.time, t)?;
        if !(share > 0.0 && share.is_finite()) {
            return Err(Undefined::InvalidParameter("share"));
        }
        if let Some((before, z)) = self.last.take() {
            self.paths = self.paths.between(z, before, t);
        }
        let spent = self.spending.of_one_side(share, self.alpha).max(self.spent);
        let z = self.paths.boundary(t, spent - self.spent)?;
        self.spent = spent;
        self.time = t;
        if z.is_finite() && spent >= NEGLIGIBLE {
            self.last = Some((t, z));
        }
        Ok(Boundary { z, nominal_p: 2.0 * normal_sf(z), spent: 2.0 * spent })
    }
}

/// The two-sided boundaries of a group-sequential test.
#[derive(Debug, Clone, PartialEq)]
pub struct Boundaries {
    /// The information share of each look.
    pub information: Vec<f64>,
    /// The critical |z| of each look; infinite at a look that spends nothing.
    pub z: Vec<f64>,
    /// The nominal two-sided p-value that stops at each look: 2(1 − Φ(z)).
    pub nominal_p: Vec<f64>,
    /// The two-sided error rate spent up to and including each look.
    pub spent: Vec<f64>,
}

/// The boundaries of a two-sided group-sequential test by error spending: [`SequentialTest`] for looks known at once.
///
/// # Units
/// `information` holds increasing shares of the planned information (units so far over units planned), above 0. At and
/// beyond 1 everything is spent.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for α outside (0, 1), times that do not increase or a power ρ that is not positive;
/// [`Undefined::NoSolution`] where no boundary spends what it should.
///
/// # Source
/// [`SequentialTest`]; reference case `group_sequential`.
pub fn boundaries(information: &[f64], alpha: f64, spending: Spending) -> Result<Boundaries, Undefined> {
    check_times(information)?;
    let mut test = SequentialTest::new(alpha, spending)?;
    let mut answer = Boundaries {
        information: information.to_vec(),
        z: Vec::new(),
        nominal_p: Vec::new(),
        spent: Vec::new(),
    };
    for &t in information {
        let boundary = test.look(t, t)?;
        answer.z.push(boundary.z);
        answer.nominal_p.push(boundary.nominal_p);
        answer.spent.push(boundary.spent);
    }
    Ok(answer)
}

/// The probabilities of stopping at each look.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Of crossing the upper boundary for the first time at each look.
    pub upper: Vec<f64>,
    /// Of crossing the lower boundary for the first time at each look.
    pub lower: Vec<f64>,
}

impl Crossing {
    /// The probability of stopping at any look, at either boundary: the power under a drift, α without one.
    pub fn total(&self) -> f64 {
        self.upper.iter().chain(&self.lower).sum()
    }
}

/// The probabilities with which a two-sided group-sequential test stops at each look.
///
/// # Estimand
/// First crossings of ±z at the looks when the expected z at full information (t = 1) is `drift`: the effect over its
/// standard error in the whole planned sample. Zero is the null hypothesis.
///
/// # Formula
/// The recursive integration of [`boundaries`] with the increments' mean drift·Δt.
///
/// # Edge cases
/// An infinite critical value never stops.
///
/// # Assumptions
/// Those of [`SequentialTest`]: increments of the statistic are independent and normal, looks do not depend on effects.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for times that do not increase or a critical value that is not positive,
/// [`Undefined::LengthMismatch`], [`Undefined::NonFinite`] for the drift.
///
/// # Source
/// Jennison & Turnbull (2000), chapter 19.
pub fn crossing_probabilities(information: &[f64], z: &[f64], drift: f64) -> Result<Crossing, Undefined> {
    check_looks(information, z)?;
    if !drift.is_finite() {
        return Err(Undefined::NonFinite);
    }
    Ok(crossing(information, z, &arriving(information, z, drift), drift))
}

fn crossing(information: &[f64], z: &[f64], arrivals: &[Paths], drift: f64) -> Crossing {
    let side = |side: f64| {
        let looks = information.iter().zip(z).zip(arrivals);
        looks.map(|((&t, &z), paths)| paths.beyond(z * t.sqrt(), t, drift, side)).collect()
    };
    Crossing { upper: side(1.0), lower: side(-1.0) }
}

/// The drift at which the group-sequential test has the asked power, counting both boundaries.
///
/// # Estimand
/// The expected z at full information at which the test stops at some look with probability `power`. Divide by the drift
/// of the fixed test, z_{α/2} + z_β, and square for the factor by which looking inflates the sample.
///
/// # Formula
/// The root of [`crossing_probabilities`] in the drift, below what the easiest look alone would need.
///
/// # Units
/// Those of [`crossing_probabilities`].
///
/// # Assumptions
/// Those of [`SequentialTest`]: increments of the statistic are independent and normal, looks do not depend on effects.
///
/// # Errors
/// Those of [`crossing_probabilities`]; [`Undefined::NoSolution`] where the power is not above the error rate.
pub fn drift_for_power(information: &[f64], z: &[f64], power: f64) -> Result<f64, Undefined> {
    Ok(Powered::new(information, z, power)?.drift)
}

/// The drift of [`drift_for_power`] with the recursion that found it, which answers for every drift near it.
#[derive(Debug, Clone)]
pub struct Powered<'a> {
    information: &'a [f64],
    z: &'a [f64],
    arrivals: Vec<Paths>,
    /// The drift at which the test has the asked power.
    pub drift: f64,
}

impl Powered<'_> {
    /// As [`crossing_probabilities`] for a drift near [`Powered::drift`], at no further recursion.
    pub fn crossing(&self, drift: f64) -> Crossing {
        crossing(self.information, self.z, &self.arrivals, drift)
    }
}

impl<'a> Powered<'a> {
    /// Finds the drift.
    ///
    /// # Errors
    /// As [`drift_for_power`].
    pub fn new(information: &'a [f64], z: &'a [f64], power: f64) -> Result<Powered<'a>, Undefined> {
        let (arrivals, drift) = powered(information, z, power)?;
        Ok(Powered { information, z, arrivals, drift })
    }
}

fn powered(information: &[f64], z: &[f64], power: f64) -> Result<(Vec<Paths>, f64), Undefined> {
    check_looks(information, z)?;
    if !(power > 0.0 && power < 1.0) {
        return Err(Undefined::InvalidParameter("power"));
    }
    // What the easiest look alone would need: the root is not above it, and one recursion in its middle serves all.
    let alone = information.iter().zip(z).map(|(t, z)| (z + normal_quantile(power).max(0.0)) / t.sqrt());
    let high = alone.fold(f64::INFINITY, f64::min) + 1e-6;
    if !high.is_finite() {
        return Err(Undefined::NoSolution);
    }
    let arrivals = arriving(information, z, high);
    let drift = brent(|drift| crossing(information, z, &arrivals, drift).total() - power, 0.0, high);
    Ok((arrivals, drift.ok_or(Undefined::NoSolution)?))
}

fn check_looks(information: &[f64], z: &[f64]) -> Result<(), Undefined> {
    check_times(information)?;
    if information.len() != z.len() {
        return Err(Undefined::LengthMismatch);
    }
    if z.iter().all(|&z| z > 0.0) { Ok(()) } else { Err(Undefined::InvalidParameter("z")) }
}

fn check_times(information: &[f64]) -> Result<(), Undefined> {
    let mut before = 0.0;
    for &t in information {
        check_step(before, t)?;
        before = t;
    }
    if information.is_empty() { Err(Undefined::InvalidParameter("information")) } else { Ok(()) }
}

/// A look comes after the one before it, by so much that a grid can tell them apart.
fn check_step(before: f64, t: f64) -> Result<(), Undefined> {
    if t.is_finite() && t > 0.0 && t - before >= 1e-8 * t {
        Ok(())
    } else {
        Err(Undefined::InvalidParameter("information"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::distributions::normal_pdf;
    use super::*;
    use proptest::prelude::*;

    fn assert_near(actual: &[f64], expected: &[f64], tolerance: f64) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() <= tolerance, "{actual:?} is not {expected:?}");
        }
    }

    const FIFTHS: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];

    #[test]
    fn agrees_with_published_boundaries() {
        let obrien_fleming = boundaries(&FIFTHS, 0.05, Spending::ObrienFleming).unwrap();
        assert_near(&obrien_fleming.z, &[4.8769, 3.3569, 2.6803, 2.2898, 2.031], 2e-4);
        // The second of them by scipy's adaptive quadrature of the first look; the published one is off by 1e-4.
        assert_near(&obrien_fleming.z[1..2], &[3.357_011_921_574_611], 1e-12);
        let pocock = boundaries(&FIFTHS, 0.05, Spending::Pocock).unwrap();
        assert_near(&pocock.z, &[2.438, 2.4268, 2.4101, 2.3966, 2.3859], 1e-4);
    }

    #[test]
    fn one_look_is_the_fixed_test() {
        for spending in [Spending::ObrienFleming, Spending::Pocock, Spending::Power(2.0)] {
            let fixed = boundaries(&[1.0], 0.05, spending).unwrap();
            assert_near(&fixed.z, &[1.959_963_984_540_054], 1e-12);
            let drift = drift_for_power(&fixed.information, &fixed.z, 0.8).unwrap();
            // Both tails together reach the power a little before one tail does.
            assert!(drift < 1.959_964 + 0.841_622 && drift > 2.8015, "{drift}");
        }
    }

    #[test]
    fn a_bivariate_normal_is_integrated_to_ten_digits() {
        // P(|Z₁| < 2, Z₂ > 2) with correlation √½, by the midpoint rule over Z₁.
        let crossing = crossing_probabilities(&[0.5, 1.0], &[2.0, 2.0], 0.0).unwrap();
        let reference: f64 = (0..400_000)
            .map(|i| {
                let x = -2.0 + (f64::from(i) + 0.5) * 1e-5;
                normal_pdf(x) * normal_sf((2.0 - x * 0.5_f64.sqrt()) / 0.5_f64.sqrt()) * 1e-5
            })
            .sum();
        assert_near(&crossing.upper, &[normal_sf(2.0), reference], 1e-11);
    }

    #[test]
    fn unplanned_and_crowded_looks_spend_exactly_what_they_may() {
        let times = [0.013, 0.02, 0.31, 0.3101, 0.62, 0.97, 1.04];
        for spending in [Spending::ObrienFleming, Spending::Pocock, Spending::Power(3.0)] {
            let plan = boundaries(&times, 0.05, spending).unwrap();
            let crossing = crossing_probabilities(&times, &plan.z, 0.0).unwrap();
            assert!((crossing.total() - 0.05).abs() < 1e-10, "{} {plan:?}", crossing.total());
            assert!((plan.spent[6] - 0.05).abs() < 1e-15);
        }
    }

    #[test]
    fn hundreds_of_nights_spend_exactly_what_they_may() {
        for spending in [Spending::ObrienFleming, Spending::Pocock] {
            let times: Vec<f64> = (1..=200).map(|night| f64::from(night) / 200.0).collect();
            let plan = boundaries(&times, 0.05, spending).unwrap();
            let total = crossing_probabilities(&times, &plan.z, 0.0).unwrap().total();
            assert!((total - 0.05).abs() < 1e-10, "{total}");
            assert!(plan.z.iter().all(|z| *z > 1.96), "{:?}", plan.z);
        }
    }

    #[test]
    fn looks_before_anything_could_be_seen_change_nothing() {
        let late = [0.3, 0.6, 1.0];
        let early = [1e-6, 2e-6, 1e-4, 0.01, 0.02, 0.3, 0.6, 1.0];
        let without = boundaries(&late, 0.05, Spending::ObrienFleming).unwrap();
        let with = boundaries(&early, 0.05, Spending::ObrienFleming).unwrap();
        assert_near(&with.z[5..], &without.z, 1e-9);
        assert!(with.z[..5].iter().all(|z| *z > 15.0 && !z.is_nan()), "{:?}", with.z);
    }

    #[test]
    fn a_test_that_ends_early_spends_what_is_left() {
        let mut test = SequentialTest::new(0.05, Spending::ObrienFleming).unwrap();
        let looks = [test.look(0.3, 0.3).unwrap(), test.look(0.7, 1.0).unwrap()];
        let z = looks.map(|look| look.z);
        let total = crossing_probabilities(&[0.3, 0.7], &z, 0.0).unwrap().total();
        assert!((total - 0.05).abs() < 1e-12 && (looks[1].spent - 0.05).abs() < 1e-15, "{total}");
        // Nothing is left for another look.
        assert_eq!(test.look(0.9, 1.0).unwrap().z, f64::INFINITY);
    }

    #[test]
    fn errors_have_reasons() {
        let invalid = |times: &[f64]| boundaries(times, 0.05, Spending::Pocock).is_err();
        assert!(invalid(&[0.5, 0.5 + 1e-10]));
        assert!(invalid(&[]) && invalid(&[0.5, 0.5]) && invalid(&[0.0, 1.0]) && invalid(&[f64::NAN]));
        assert!(boundaries(&FIFTHS, 0.0, Spending::Pocock).is_err());
        assert!(boundaries(&FIFTHS, 0.05, Spending::Power(0.0)).is_err());
        assert_eq!(crossing_probabilities(&FIFTHS, &[2.0], 0.0), Err(Undefined::LengthMismatch));
        assert_eq!(drift_for_power(&[1.0], &[1.0], 0.2), Err(Undefined::NoSolution));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_error_rate_is_kept_and_power_grows_with_the_drift(
            steps in prop::collection::vec(0.02_f64..1.0, 1..7), alpha in 0.001_f64..0.3, rho in 0.5_f64..4.0,
            kind in 0_usize..3,
        ) {
            let total: f64 = steps.iter().sum();
            let times: Vec<f64> = steps.iter().scan(0.0, |sum, step| { *sum += step / total; Some(*sum) }).collect();
            let spending = [Spending::ObrienFleming, Spending::Pocock, Spending::Power(rho)][kind];
            let plan = boundaries(&times, alpha, spending).unwrap();
            let at = |drift| crossing_probabilities(&times, &plan.z, drift).unwrap();
            let null = at(0.0);
            prop_assert!((null.total() - plan.spent[times.len() - 1]).abs() < 1e-9);
            let (up, down) = (at(1.5), at(-1.5));
            for look in 0..times.len() {
                prop_assert!((null.upper[look] - null.lower[look]).abs() < 1e-12);
                prop_assert!((up.upper[look] - down.lower[look]).abs() < 1e-12);
            }
            prop_assert!(null.total() < up.total() && up.total() < at(3.0).total());
        }
    }
}
