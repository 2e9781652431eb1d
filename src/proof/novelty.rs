//! Whether an effect lasts: its course over the days of the experiment or over the days since a user's first exposure.
//!
//! # What is looked for
//! A new thing may draw attention that fades (novelty), and a change may need learning before it helps (primacy, or
//! learning). Either makes the mean over the experiment a poor forecast. The course of the *effect* is what counts, since
//! the metric itself moves with the week. By days since the first exposure every user is compared at the same age;
//! by calendar days young and old users mix, and the first days consist of users who come often.
//!
//! # Source
//! R. Kohavi, D. Tang & Y. Xu (2020), *Trustworthy Online Controlled Experiments*, chapters 3 and 23 (plotting the effect over
//! time; long-term effects); H. Hohnhold, D. O'Brien & D. Tang (2015), *Focusing on the long-term: it's good for users
//! and business*, KDD (learning as the trend of the effect by age of exposure).

use crate::stats::distributions::chi_square_sf;
use crate::stats::t_test::MeanDifference;
use crate::stats::{Alternative, Level, Undefined};

/// Fewest days from which a trend is read: a week, so that every weekday has been seen.
pub const FEWEST_DAYS: usize = 7;

/// The effect of one day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DayEffect {
    /// Day, counted from the start or from the first exposure.
    pub day: u32,
    /// Treatment − control.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// How much it counts: the units that the difference of a day is worth, n₁n₂/(n₁ + n₂).
    pub size: f64,
}

/// The effect over several days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// First day.
    pub from: u32,
    /// Last day.
    pub to: u32,
    /// The effect, days weighted by their size: nearly that of all units of these days together.
    pub effect: MeanDifference,
}

/// How the effect moves. Whether a fading effect is good news depends on its sign and on the goal: the fading of harm is what
/// Kohavi et al. call a primacy effect, users getting used to a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The effect comes nearer to zero: novelty wears off.
    Fades,
    /// The effect moves away from zero: users learn.
    Grows,
    /// The first and the last days have effects of opposite signs, each significant.
    Reverses,
    /// No trend is seen.
    Stable,
    /// Fewer than [`FEWEST_DAYS`] days.
    NotEnoughDays,
}

impl Shape {
    /// Its name in results and templates.
    pub fn code(self) -> &'static str {
        match self {
            Shape::Fades => "fades",
            Shape::Grows => "grows",
            Shape::Reverses => "reverses",
            Shape::Stable => "stable",
            Shape::NotEnoughDays => "not-enough-days",
        }
    }
}

/// The course of an effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The verdict, at the level asked for.
    pub shape: Shape,
    /// Change of the effect in a day, with its z test; none with too few days.
    pub slope: Option<MeanDifference>,
    /// The fitted effect of the first and of the last day.
    pub fitted: Option<(f64, f64)>,
    /// p-value of the line's fit (χ² of the residuals); none where days depend on each other. A small one says that the
    /// effect moves otherwise than along a line, by weekdays for instance.
    pub fit_p: Option<f64>,
    /// First half of the days.
    pub first: Option<Part>,
    /// Last half of the days; with an odd number the middle day is in neither.
    pub last: Option<Part>,
    /// Last half minus first half, with its z test: for display, the verdict is the slope's.
    pub change: Option<MeanDifference>,
    /// The effect up to each day.
    pub cumulative: Vec<DayEffect>,
}

/// The course of an effect over its days.
///
/// # Estimand
/// The slope of the effect over days, in units of the metric a day.
///
/// # Formula
/// Weighted least squares with w = size: slope = Σ w (t − t̄)(d − d̄) / Σ w (t − t̄)². It is a sum Σ c d of the daily
/// effects, and its variance is cᵀ Σ c, with Σ the covariance of the daily effects or the diagonal of se²; so is that of
/// every other number here. Standard errors come from thousands of units and are taken as known: z tests. Weights of 1/se²
/// would be sharper for known errors, but the mean and the variance of skewed values rise together: days whose largest
/// values happened to be missing would count most, and the effect would come out too small. The χ² of the fit alone is
/// that of the line by 1/se².
///
/// # Assumptions
/// Without `covariance` the daily effects are independent: days hold other users, or users whose days do not depend on each
/// other. Users who are simply different, alike on all their days, make the z test of the slope conservative,
/// since what is common to all days does not enter a slope; days that depend on their neighbours make it liberal, and
/// then the covariance must be given.
///
/// # Edge cases
/// Fewer than [`FEWEST_DAYS`] days give the cumulative effect and no trend.
///
/// # Errors
/// [`Undefined::EmptyGroup`] without days, [`Undefined::InvalidParameter`] for days out of order,
/// [`Undefined::NonFinite`], [`Undefined::ZeroVariance`] for a standard error of zero, [`Undefined::LengthMismatch`] for a
/// covariance of another size.
///
/// # Source
/// See the page of the module. With sizes of 1/se² `statsmodels.api.WLS` with the covariance of fixed scale
/// (`cov_type="fixed scale"`).
pub fn course(
    days: &[DayEffect],
    covariance: Option<&[Vec<f64>]>,
    level: Level,
) -> Result<Course, Undefined> {
    let sums = Contrasts::new(days, covariance, level)?;
    let count = days.len();
    let upto = |k: usize| {
        let effect = sums.mean(0, k)?;
        let size = days[..k].iter().map(|day| day.size).sum();
        Ok(DayEffect { day: days[k - 1].day, estimate: effect.estimate, se: effect.se, size })
    };
    let cumulative: Result<Vec<DayEffect>, Undefined> = (1..=count).map(upto).collect();
    let mut course = Course {
        shape: Shape::NotEnoughDays,
        slope: None,
        fitted: None,
        fit_p: None,
        first: None,
        last: None,
        change: None,
        cumulative: cumulative?,
    };
    if count < FEWEST_DAYS {
        return Ok(course);
    }
    let half = count / 2;
    let part = |from: usize, to: usize| {
        let effect = sums.mean(from, to)?;
        Ok::<Part, Undefined>(Part { from: days[from].day, to: days[to - 1].day, effect })
    };
    let (first, last) = (part(0, half)?, part(count - half, count)?);
    let change: Vec<f64> = sums
        .shares(count - half, count)
        .iter()
        .zip(sums.shares(0, half))
        .map(|(last, first)| last - first)
        .collect();
    let (slope, line) = sums.line()?;
    if covariance.is_none() {
        let exact: Vec<DayEffect> =
            days.iter().map(|day| DayEffect { size: (day.se * day.se).recip(), ..*day }).collect();
        let (_, line) = Contrasts::new(&exact, None, level)?.line()?;
        let residual = |(day, line): (&DayEffect, f64)| ((day.estimate - line) / day.se).powi(2);
        course.fit_p = Some(chi_square_sf(days.iter().zip(line).map(residual).sum(), (count - 2) as f64));
    }
    let ends = (line[0], line[count - 1]);
    course.shape = shape(&slope, ends, (&first.effect, &last.effect), level);
    course.fitted = Some(ends);
    course.change = Some(sums.of(&change)?);
    (course.slope, course.first, course.last) = (Some(slope), Some(first), Some(last));
    Ok(course)
}

fn shape(
    slope: &MeanDifference,
    (start, end): (f64, f64),
    (first, last): (&MeanDifference, &MeanDifference),
    level: Level,
) -> Shape {
    if slope.p >= level.alpha() {
        return Shape::Stable;
    }
    let significant = first.p < level.alpha() && last.p < level.alpha();
    if significant && (first.estimate > 0.0) != (last.estimate > 0.0) {
        Shape::Reverses
    } else if end.abs() < start.abs() {
        Shape::Fades
    } else {
        Shape::Grows
    }
}

/// Sums Σ c d of daily effects with their standard errors.
struct Contrasts<'a> {
    days: &'a [DayEffect],
    covariance: Option<&'a [Vec<f64>]>,
    level: Level,
}

impl<'a> Contrasts<'a> {
    fn new(
        days: &'a [DayEffect],
        covariance: Option<&'a [Vec<f64>]>,
        level: Level,
    ) -> Result<Contrasts<'a>, Undefined> {
        if days.is_empty() {
            return Err(Undefined::EmptyGroup);
        }
        if days.windows(2).any(|pair| pair[0].day >= pair[1].day) {
            return Err(Undefined::InvalidParameter("day"));
        }
        if days.iter().any(|day| !(day.estimate.is_finite() && day.se.is_finite() && day.size.is_finite())) {
            return Err(Undefined::NonFinite);
        }
        if days.iter().any(|day| day.se <= 0.0) {
            return Err(Undefined::ZeroVariance);
        }
        if days.iter().any(|day| day.size <= 0.0) {
            return Err(Undefined::InvalidParameter("size"));
        }
        if let Some(rows) = covariance {
            if rows.len() != days.len() || rows.iter().any(|row| row.len() != days.len()) {
                return Err(Undefined::LengthMismatch);
            }
            if rows.iter().flatten().any(|number| !number.is_finite()) {
                return Err(Undefined::NonFinite);
            }
        }
        Ok(Contrasts { days, covariance, level })
    }

    /// Sizes of the days from `from` to before `to`, adding up to one; zero elsewhere.
    fn shares(&self, from: usize, to: usize) -> Vec<f64> {
        let weight = |(i, day): (usize, &DayEffect)| {
            if (from..to).contains(&i) { day.size } else { 0.0 }
        };
        let weights: Vec<f64> = self.days.iter().enumerate().map(weight).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    fn mean(&self, from: usize, to: usize) -> Result<MeanDifference, Undefined> {
        self.of(&self.shares(from, to))
    }

    /// The slope of the line through all days, and its value on each of them.
    fn line(&self) -> Result<(MeanDifference, Vec<f64>), Undefined> {
        let weights = self.shares(0, self.days.len());
        let times: Vec<f64> = self.days.iter().map(|day| f64::from(day.day)).collect();
        let middle: f64 = weights.iter().zip(&times).map(|(weight, time)| weight * time).sum();
        let spread: f64 =
            weights.iter().zip(&times).map(|(weight, time)| weight * (time - middle).powi(2)).sum();
        let shares = weights.iter().zip(&times).map(|(weight, time)| weight * (time - middle) / spread);
        let slope = self.of(&shares.collect::<Vec<f64>>())?;
        let mean = self.of(&weights)?.estimate;
        Ok((slope, times.iter().map(|time| mean + slope.estimate * (time - middle)).collect()))
    }

    fn of(&self, c: &[f64]) -> Result<MeanDifference, Undefined> {
        let estimate = c.iter().zip(self.days).map(|(c, day)| c * day.estimate).sum();
        let variance: f64 = match self.covariance {
            None => c.iter().zip(self.days).map(|(c, day)| (c * day.se).powi(2)).sum(),
            Some(rows) => c
                .iter()
                .zip(rows)
                .map(|(left, row)| left * row.iter().zip(c).map(|(cov, right)| cov * right).sum::<f64>())
                .sum(),
        };
        let two = Alternative::TwoSided;
        MeanDifference::from_estimate(estimate, variance.max(0.0).sqrt(), f64::INFINITY, two, self.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(effect: impl Fn(f64) -> f64, se: impl Fn(f64) -> f64, count: u32) -> Vec<DayEffect> {
        let at = |day: u32| (f64::from(day), day);
        let effect = |(t, day)| DayEffect { day, estimate: effect(t), se: se(t), size: se(t).powi(-2) };
        (0..count).map(at).map(effect).collect()
    }

    fn wave(t: f64) -> f64 {
        1.0 - 0.05 * t + 0.1 * (1.7 * t).sin()
    }

    #[test]
    fn the_slope_agrees_with_weighted_least_squares() {
        let found = course(&days(wave, |t| 0.1 + 0.01 * t, 10), None, Level::P95).unwrap();
        let slope = found.slope.unwrap();
        // statsmodels WLS(d, [1, t], weights=1/se²).fit(cov_type="fixed scale").
        assert!(
            (slope.estimate - -0.0509377218569603).abs() < 1e-12
                && (slope.se - 0.015538246068237983).abs() < 1e-12,
            "{slope:?}"
        );
        assert!((slope.p / 0.00104465544327852 - 1.0).abs() < 1e-9, "{slope:?}");
        let (first, last) = found.fitted.unwrap();
        assert!((first - 1.0140582340127342).abs() < 1e-12 && (last - 0.5556187373000915).abs() < 1e-12);
        assert!((found.fit_p.unwrap() - 0.9704001768065743).abs() < 1e-10, "{:?}", found.fit_p);
        assert!((found.change.unwrap().estimate - -0.2507870810827786).abs() < 1e-12);
        assert!((found.change.unwrap().se - 0.0917628929523397).abs() < 1e-12);
        let end = found.cumulative[9];
        assert!(
            (end.estimate - 0.8441102926955072).abs() < 1e-12
                && (end.se - 0.043074842284398424).abs() < 1e-12
        );
    }

    #[test]
    fn halves_weigh_days_by_their_units_not_by_how_little_they_vary() {
        // A day whose few largest values are missing has a small mean and a small error.
        let day = |day: u32| {
            let quiet = day.is_multiple_of(2);
            DayEffect {
                day,
                estimate: if quiet { 1.0 } else { 3.0 },
                se: if quiet { 0.1 } else { 1.0 },
                size: 500.0,
            }
        };
        let found = course(&(0..8).map(day).collect::<Vec<_>>(), None, Level::P95).unwrap();
        let effect = |part: Option<Part>| part.unwrap().effect.estimate;
        assert_eq!((effect(found.first), effect(found.last)), (2.0, 2.0));
        assert!((found.cumulative[7].estimate - 2.0).abs() < 1e-12);
    }

    #[test]
    fn shapes_have_their_names() {
        let of =
            |effect: &dyn Fn(f64) -> f64| course(&days(effect, |_| 0.1, 14), None, Level::P95).unwrap().shape;
        assert_eq!(of(&|t| 2.0 * (-t / 4.0_f64).exp()), Shape::Fades);
        assert_eq!(of(&|t| -2.0 * (-t / 4.0_f64).exp()), Shape::Fades);
        assert_eq!(of(&|t| 0.1 * t), Shape::Grows);
        assert_eq!(of(&|t| -0.05 - 0.1 * t), Shape::Grows);
        assert_eq!(of(&|t| 1.0 - 0.15 * t), Shape::Reverses);
        assert_eq!(of(&|_| 1.0), Shape::Stable);
        let short = course(&days(|t| t, |_| 0.1, 6), None, Level::P95).unwrap();
        assert_eq!((short.shape, short.slope, short.cumulative.len()), (Shape::NotEnoughDays, None, 6));
    }

    #[test]
    fn what_all_days_share_does_not_enter_the_slope() {
        let days = days(wave, |_| 0.2, 9);
        let covariance = |common: f64| -> Vec<Vec<f64>> {
            (0..9)
                .map(|i| (0..9).map(|j| common + if i == j { 0.04 - common } else { 0.0 }).collect())
                .collect()
        };
        let alone = course(&days, None, Level::P95).unwrap();
        let diagonal = course(&days, Some(&covariance(0.0)), Level::P95).unwrap();
        assert!((alone.slope.unwrap().se - diagonal.slope.unwrap().se).abs() < 1e-14);
        let common = course(&days, Some(&covariance(0.03)), Level::P95).unwrap();
        // The variance that is left for the slope is that of what is not common: 0.04 − 0.03.
        assert!((common.slope.unwrap().se / alone.slope.unwrap().se - 0.5).abs() < 1e-9);
        assert!(common.cumulative[8].se > alone.cumulative[8].se && common.fit_p.is_none());
    }

    #[test]
    fn errors_have_reasons() {
        let error = |days: &[DayEffect]| course(days, None, Level::P95).err();
        assert_eq!(error(&[]), Some(Undefined::EmptyGroup));
        let day = DayEffect { day: 1, estimate: 1.0, se: 1.0, size: 1.0 };
        assert_eq!(error(&[day, day]), Some(Undefined::InvalidParameter("day")));
        assert_eq!(error(&[DayEffect { se: 0.0, ..day }]), Some(Undefined::ZeroVariance));
        assert_eq!(error(&[DayEffect { estimate: f64::NAN, ..day }]), Some(Undefined::NonFinite));
        assert_eq!(course(&[day], Some(&[]), Level::P95).err(), Some(Undefined::LengthMismatch));
    }
}
