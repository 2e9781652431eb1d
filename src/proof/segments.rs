//! The effect in each segment, whether it is the same in all of them, and whether the segments contradict the whole.
//!
//! # Why not a test in every segment
//! A significant effect in one segment and none in another does not make them differ: the question is the difference of the
//! effects (Gelman & Stern 2006). So every segment is compared with the rest of the units, all segments are compared
//! at once by Cochran's Q, and the comparisons of all metrics and dimensions of an experiment are one family for
//! Benjamini and Hochberg's correction ([`adjust_comparisons`]).
//!
//! # Source
//! W. G. Cochran (1954), *The combination of estimates from different experiments*; R. Wang et al. (2007), *Statistics in
//! medicine — reporting of subgroup analyses in clinical trials*, NEJM 357; R. Kohavi, D. Tang & Y. Xu (2020), chapters 3
//! and 21.

use crate::stats::chi_square::{ChiSquare, contingency};
use crate::stats::distributions::chi_square_sf;
use crate::stats::multiple_testing::{Correction, adjust};
use crate::stats::t_test::MeanDifference;
use crate::stats::{Alternative, Level, Moments, Undefined};

/// Fewest units a group for a segment to be assessed alone, unless the caller says otherwise.
pub const FEWEST_UNITS: u64 = 100;

/// One group within one segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// Units.
    pub n: u64,
    /// Mean of a unit, or the ratio of sums.
    pub mean: f64,
    /// Variance of a unit (n − 1), or of its linearised contribution to the ratio: `se² = variance / n`. Zero for a single
    /// unit.
    pub variance: f64,
    /// For a ratio the sum of its denominators, by which ratios of segments combine; none for a mean.
    pub denominator: Option<f64>,
}

impl Arm {
    fn weight(&self) -> f64 {
        self.denominator.unwrap_or(self.n as f64)
    }

    /// Both groups of units together; none for ratios, whose variance about a common ratio is not known.
    fn merged(&self, other: &Arm) -> Option<Arm> {
        if self.denominator.is_some() || other.denominator.is_some() {
            return None;
        }
        let moments = |arm: &Arm| match arm.n {
            0 => Moments::EMPTY,
            n => Moments { n, mean: arm.mean, m2: if n > 1 { arm.variance * (n - 1) as f64 } else { 0.0 } },
        };
        let both = moments(self).merge(&moments(other));
        let variance = both.variance().unwrap_or(0.0);
        Some(Arm { n: both.n, mean: both.mean, variance, denominator: None })
    }
}

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its value, such as `android`.
    pub id: String,
    /// Control.
    pub control: Arm,
    /// Treatment.
    pub treatment: Arm,
}

/// The effect of one segment against the effect of all others together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgainstRest {
    /// Effect of the segment minus effect of the rest, with its z test and interval.
    pub difference: MeanDifference,
    /// p-value after the correction over all comparisons of the experiment; the raw one until
    /// [`adjust_comparisons`] is called.
    pub p_adjusted: f64,
}

/// One row of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentEffect {
    /// Value of the segment; none for the small segments together.
    pub id: Option<String>,
    /// The small segments that are together here.
    pub merged: Vec<String>,
    /// Units of control and treatment.
    pub units: (u64, u64),
    /// Treatment − control with its z test and interval.
    pub effect: MeanDifference,
    /// Interaction: this segment against the rest; none when it is the only one.
    pub against_rest: Option<AgainstRest>,
}

/// Whether all segments have one effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heterogeneity {
    /// Cochran's Q.
    pub q: f64,
    /// Segments less one.
    pub df: f64,
    /// p-value of equal effects.
    pub p: f64,
    /// Share of the spread of the effects that is more than chance, I² = max(0, 1 − df/Q).
    pub i_squared: f64,
}

/// The segments all point one way and the whole points the other (Simpson's paradox).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reversal {
    /// The effect in every segment is positive.
    pub segments_positive: bool,
    /// The effect with the same mix of segments in both groups is significant at the level: then the effect of the whole is
    /// wrong beyond chance.
    pub significant: bool,
}

/// The answer for one metric and one dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    /// Assessed segments in the order given, small ones together at the end.
    pub effects: Vec<SegmentEffect>,
    /// Segments too small to be assessed, alone or together.
    pub not_assessed: Vec<String>,
    /// Test of equal effects; none for a single segment.
    pub heterogeneity: Option<Heterogeneity>,
    /// Treatment − control over all units of all segments.
    pub total: Option<f64>,
    /// Treatment − control with the same mix of segments in both groups: effects weighted by the units of both groups.
    pub stratified: MeanDifference,
    /// Whether the mix of segments is the same in both groups.
    pub composition: Option<ChiSquare>,
    /// The whole contradicts its parts.
    pub reversal: Option<Reversal>,
}

/// Assesses the effect by segment.
///
/// # Estimand
/// The effect in each segment, treatment − control, in the units of the metric, and its difference from the effect in the
/// other units.
///
/// # Formula
/// d = mean_t − mean_c, se² = v_t/n_t + v_c/n_c. Q = Σ (d − d̄)²/se² with d̄ weighted by 1/se², χ² with k − 1 degrees of
/// freedom. The rest of a segment is Σ w d / Σ w over the others with w their units, so that another mix of segments in the
/// two groups does not look like an interaction; z = (d − d_rest)/√(se² + se²_rest).
///
/// # Assumptions
/// Segments are known before the experiment or cannot be changed by it; units are independent.
///
/// # Edge cases
/// A segment with fewer than `fewest` units in a group is not assessed alone. Small segments of a mean are merged into one
/// row, which must have `fewest` units in both groups itself; small segments of a ratio are named as not assessed. A
/// segment whose values do not vary is not assessed either.
///
/// # Errors
/// [`Undefined::TooFewGroups`] when no segment can be assessed, [`Undefined::NonFinite`] for numbers that are not finite.
///
/// # Source
/// See the page of the module. `statsmodels.stats.meta_analysis.combine_effects` gives Q.
pub fn assess(segments: &[Segment], fewest: u64, level: Level) -> Result<Segments, Undefined> {
    let numbers = |arm: &Arm| arm.n == 0 || (arm.mean.is_finite() && arm.variance.is_finite());
    if !segments.iter().all(|s| numbers(&s.control) && numbers(&s.treatment)) {
        return Err(Undefined::NonFinite);
    }
    let (mut effects, mut small): (Vec<SegmentEffect>, Vec<&Segment>) = (Vec::new(), Vec::new());
    for segment in segments {
        match effect(&segment.control, &segment.treatment, fewest, level) {
            Some(effect) => effects.push(SegmentEffect {
                id: Some(segment.id.clone()),
                merged: Vec::new(),
                units: (segment.control.n, segment.treatment.n),
                effect,
                against_rest: None,
            }),
            None => small.push(segment),
        }
    }
    let mut not_assessed: Vec<String> = small.iter().map(|s| s.id.clone()).collect();
    if small.len() > 1 {
        let arms = |of: fn(&Segment) -> Arm| {
            let arms = small.iter().map(|s| of(s));
            arms.map(Some).reduce(|a, b| a?.merged(&b?)).flatten()
        };
        let both = arms(|s| s.control).zip(arms(|s| s.treatment));
        let other = both.and_then(|(c, t)| Some((c, t, effect(&c, &t, fewest, level)?)));
        if let Some((control, treatment, effect)) = other {
            let merged = std::mem::take(&mut not_assessed);
            let units = (control.n, treatment.n);
            effects.push(SegmentEffect { id: None, merged, units, effect, against_rest: None });
        }
    }
    if effects.is_empty() {
        return Err(Undefined::TooFewGroups { needed: 1, found: 0 });
    }
    let stratified = weighted(effects.iter(), level)?;
    if effects.len() > 1 {
        let rests: Vec<Option<AgainstRest>> =
            (0..effects.len()).map(|at| against_rest(&effects, at, level)).collect();
        effects.iter_mut().zip(rests).for_each(|(effect, rest)| effect.against_rest = rest);
    }
    let total = total(segments, |s| s.treatment).zip(total(segments, |s| s.control)).map(|(t, c)| t - c);
    Ok(Segments {
        heterogeneity: heterogeneity(&effects),
        composition: composition(segments),
        reversal: total.and_then(|total| reversal(&effects, total, &stratified, level)),
        effects,
        not_assessed,
        total,
        stratified,
    })
}

/// Corrects the comparisons with the rest over everything that was compared in an experiment: all metrics and all
/// dimensions together, by Benjamini and Hochberg. Of two segments the comparisons are one and the same, and count once.
///
/// # Errors
/// [`Undefined::InvalidParameter`] for a p-value outside of [0, 1], which [`assess`] never gives.
pub fn adjust_comparisons<'a>(analyses: impl IntoIterator<Item = &'a mut Segments>) -> Result<(), Undefined> {
    let mut rows: Vec<(usize, &mut AgainstRest)> = Vec::new();
    let mut p = Vec::new();
    for analysis in analyses {
        let mirrored = analysis.effects.len() == 2;
        let start = p.len();
        for rest in analysis.effects.iter_mut().filter_map(|effect| effect.against_rest.as_mut()) {
            if !mirrored || p.len() == start {
                p.push(rest.difference.p);
            }
            rows.push((p.len() - 1, rest));
        }
    }
    let adjusted = adjust(&p, Correction::BenjaminiHochberg)?;
    rows.into_iter().for_each(|(at, rest)| rest.p_adjusted = adjusted[at]);
    Ok(())
}

fn effect(control: &Arm, treatment: &Arm, fewest: u64, level: Level) -> Option<MeanDifference> {
    if control.n.min(treatment.n) < fewest.max(2) {
        return None;
    }
    let variance = treatment.variance / treatment.n as f64 + control.variance / control.n as f64;
    normal(treatment.mean - control.mean, variance, level).ok()
}

/// An estimate that is normal with a known variance.
fn normal(estimate: f64, variance: f64, level: Level) -> Result<MeanDifference, Undefined> {
    let se = variance.max(0.0).sqrt();
    MeanDifference::from_estimate(estimate, se, f64::INFINITY, Alternative::TwoSided, level)
}

/// The mean of effects, weighted by the units of both groups.
fn weighted<'a>(
    effects: impl Iterator<Item = &'a SegmentEffect>,
    level: Level,
) -> Result<MeanDifference, Undefined> {
    let (mut units, mut sum, mut variance) = (0.0, 0.0, 0.0);
    for row in effects {
        let weight = (row.units.0 + row.units.1) as f64;
        units += weight;
        sum += weight * row.effect.estimate;
        variance += (weight * row.effect.se).powi(2);
    }
    normal(sum / units, variance / (units * units), level)
}

fn against_rest(effects: &[SegmentEffect], at: usize, level: Level) -> Option<AgainstRest> {
    let others = effects.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, row)| row);
    let (own, rest) = (effects[at].effect, weighted(others, level).ok()?);
    let variance = own.se * own.se + rest.se * rest.se;
    let difference = normal(own.estimate - rest.estimate, variance, level).ok()?;
    Some(AgainstRest { difference, p_adjusted: difference.p })
}

fn heterogeneity(effects: &[SegmentEffect]) -> Option<Heterogeneity> {
    if effects.len() < 2 {
        return None;
    }
    let weight = |row: &SegmentEffect| 1.0 / (row.effect.se * row.effect.se);
    let sum: f64 = effects.iter().map(weight).sum();
    let mean = effects.iter().map(|row| weight(row) * row.effect.estimate).sum::<f64>() / sum;
    let q: f64 = effects.iter().map(|row| weight(row) * (row.effect.estimate - mean).powi(2)).sum();
    let df = (effects.len() - 1) as f64;
    let i_squared = if q > df { 1.0 - df / q } else { 0.0 };
    Some(Heterogeneity { q, df, p: chi_square_sf(q, df), i_squared })
}

/// The mean of one group over all segments.
fn total(segments: &[Segment], of: fn(&Segment) -> Arm) -> Option<f64> {
    let arms: Vec<Arm> = segments.iter().map(of).filter(|arm| arm.n > 0).collect();
    let weight: f64 = arms.iter().map(Arm::weight).sum();
    (weight > 0.0).then(|| arms.iter().map(|arm| arm.weight() * arm.mean).sum::<f64>() / weight)
}

fn composition(segments: &[Segment]) -> Option<ChiSquare> {
    let filled = segments.iter().map(|s| vec![s.control.n, s.treatment.n]).filter(|row| row[0] + row[1] > 0);
    contingency(&filled.collect::<Vec<_>>()).ok().filter(|test| test.df > 0.0)
}

fn reversal(
    effects: &[SegmentEffect],
    total: f64,
    stratified: &MeanDifference,
    level: Level,
) -> Option<Reversal> {
    let positive = effects[0].effect.estimate > 0.0;
    let same =
        effects.iter().all(|row| row.effect.estimate != 0.0 && (row.effect.estimate > 0.0) == positive);
    let opposite = total != 0.0 && (total > 0.0) != positive;
    (effects.len() > 1 && same && opposite)
        .then(|| Reversal { segments_positive: positive, significant: stratified.p < level.alpha() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(n: u64, mean: f64, variance: f64) -> Arm {
        Arm { n, mean, variance, denominator: None }
    }

    fn segment(id: &str, control: Arm, treatment: Arm) -> Segment {
        Segment { id: id.to_owned(), control, treatment }
    }

    fn three() -> Vec<Segment> {
        vec![
            segment("android", mean(1200, 10.0, 25.0), mean(1180, 10.9, 26.0)),
            segment("ios", mean(800, 12.0, 30.0), mean(830, 12.1, 29.0)),
            segment("web", mean(400, 8.0, 16.0), mean(390, 7.4, 18.0)),
        ]
    }

    #[test]
    fn interactions_agree_with_an_independent_computation() {
        let found = assess(&three(), 100, Level::P95).unwrap();
        let heterogeneity = found.heterogeneity.unwrap();
        // numpy and scipy.stats.chi2, norm; Q also from statsmodels' combine_effects.
        assert!((heterogeneity.q - 18.33920761796734).abs() < 1e-10, "{heterogeneity:?}");
        assert!((heterogeneity.p / 0.00010415776792931539 - 1.0).abs() < 1e-9, "{heterogeneity:?}");
        assert!((heterogeneity.i_squared - 0.8909440341337019).abs() < 1e-12);
        let web = found.effects[2].against_rest.unwrap();
        assert!((web.difference.estimate - -1.174812967581047).abs() < 1e-12, "{web:?}");
        assert!((web.difference.p / 0.00048048352076220617 - 1.0).abs() < 1e-9, "{web:?}");
        assert!((found.stratified.estimate - 0.38145833333333345).abs() < 1e-12);
        assert!((found.stratified.se - 0.14569203840534664).abs() < 1e-12);
        assert!((found.total.unwrap() - 0.41291666666666593).abs() < 1e-12 && found.reversal.is_none());
    }

    #[test]
    fn a_family_is_corrected_over_all_its_comparisons_and_two_segments_count_once() {
        let mut all =
            [assess(&three(), 100, Level::P95).unwrap(), assess(&three()[..2], 100, Level::P95).unwrap()];
        let p = |analysis: &Segments, at: usize| analysis.effects[at].against_rest.unwrap().difference.p;
        assert!((p(&all[1], 0) - p(&all[1], 1)).abs() < 1e-12);
        let raw = [p(&all[0], 0), p(&all[0], 1), p(&all[0], 2), p(&all[1], 0)];
        let expected = adjust(&raw, Correction::BenjaminiHochberg).unwrap();
        adjust_comparisons(&mut all).unwrap();
        let adjusted =
            |analysis: usize, at: usize| all[analysis].effects[at].against_rest.unwrap().p_adjusted;
        let found = [adjusted(0, 0), adjusted(0, 1), adjusted(0, 2), adjusted(1, 0)];
        assert_eq!(found.to_vec(), expected);
        assert_eq!(adjusted(1, 0), adjusted(1, 1));
    }

    #[test]
    fn small_segments_are_merged_or_named() {
        let mut segments = three();
        segments.push(segment("tv", mean(70, 9.0, 20.0), mean(60, 9.5, 22.0)));
        let alone = assess(&segments, 100, Level::P95).unwrap();
        assert_eq!((alone.effects.len(), alone.not_assessed.clone()), (3, vec!["tv".to_owned()]));
        segments.push(segment("car", mean(40, 11.0, 20.0), mean(55, 12.0, 22.0)));
        let merged = assess(&segments, 100, Level::P95).unwrap();
        let other = &merged.effects[3];
        assert_eq!((other.id.clone(), other.units), (None, (110, 115)));
        assert_eq!(other.merged, ["tv", "car"]);
        let expected = (60.0 * 9.5 + 55.0 * 12.0) / 115.0 - (70.0 * 9.0 + 40.0 * 11.0) / 110.0;
        assert!((other.effect.estimate - expected).abs() < 1e-12 && merged.not_assessed.is_empty());
        // Ratios of small segments have no common variance.
        for segment in &mut segments {
            segment.control.denominator = Some(segment.control.n as f64 * 2.0);
            segment.treatment.denominator = Some(segment.treatment.n as f64 * 2.0);
        }
        assert_eq!(assess(&segments, 100, Level::P95).unwrap().not_assessed, ["tv", "car"]);
        assert!(matches!(assess(&segments[3..4], 100, Level::P95), Err(Undefined::TooFewGroups { .. })));
    }

    #[test]
    fn a_whole_that_contradicts_its_parts_is_reported() {
        // The treatment is better in both segments, and has most of its units in the worse one.
        let segments = [
            segment("new", mean(1000, 1.0, 1.0), mean(9000, 1.2, 1.0)),
            segment("old", mean(9000, 3.0, 1.0), mean(1000, 3.2, 1.0)),
        ];
        let found = assess(&segments, 100, Level::P95).unwrap();
        assert_eq!(found.reversal, Some(Reversal { segments_positive: true, significant: true }));
        assert!(found.total.unwrap() < 0.0 && (found.stratified.estimate - 0.2).abs() < 1e-12);
        assert!(found.composition.unwrap().p < 1e-100);
    }
}
