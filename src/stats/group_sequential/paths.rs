//! Recursive integration: the law of a score that has not stopped yet, as weighted points.

use super::super::Undefined;
use std::f64::consts::{LOG2_E, TAU};

use super::super::distributions::{normal_isf, normal_sf};
use super::super::root::brent;
use rayon::prelude::*;

/// Beyond this many standard deviations a normal law holds 1e-19: less than the rounding of what lies within.
pub(super) const REACH: f64 = 9.0;

/// The score of the paths that have not stopped, as weighted points in ascending order: a quadrature of its density.
///
/// The law is that under one drift, `centre`; the law under any other drift θ is the same points with the weights
/// w·exp((θ − centre)·x − (θ² − centre²)·t/2), because the boundaries do not depend on the drift and the score is
/// sufficient for it. So one recursion answers for every drift near its centre.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    centre: f64,
    time: f64,
    points: Vec<f64>,
    weights: Vec<f64>,
}

impl Paths {
    /// Before the first look: all paths at zero.
    pub(super) fn start(centre: f64) -> Paths {
        Paths { centre, time: 0.0, points: vec![0.0], weights: vec![1.0] }
    }

    /// The probability under `drift` that a path is beyond `score` at `t`: above it for `side` = 1, below −score for
    /// `side` = −1.
    pub(super) fn beyond(&self, score: f64, t: f64, drift: f64, side: f64) -> f64 {
        let elapsed = t - self.time;
        let sd = elapsed.sqrt();
        let (tilt, norm) = self.tilt(drift);
        // Points from which the boundary is out of reach are left out: nearly all of them when looks are many.
        let edge = side * (score - REACH * sd) - drift * elapsed;
        let near = if side > 0.0 {
            self.points.partition_point(|&point| point < edge)..self.points.len()
        } else {
            0..self.points.partition_point(|&point| point <= edge)
        };
        let points = self.points[near.clone()].iter().zip(&self.weights[near]);
        points
            .map(|(&point, weight)| {
                let tail = normal_sf((score - side * (point + drift * elapsed)) / sd);
                weight * (tilt * point - norm).exp() * tail
            })
            .sum()
    }

    /// What turns the weights into those under `drift`: w·exp(tilt·x − norm).
    fn tilt(&self, drift: f64) -> (f64, f64) {
        let tilt = drift - self.centre;
        (tilt, 0.5 * tilt * (drift + self.centre) * self.time)
    }

    /// The critical z at `t` that paths without drift cross upwards with the probability `spend`.
    pub(super) fn boundary(&self, t: f64, spend: f64) -> Result<f64, Undefined> {
        if spend <= 0.0 {
            return Ok(f64::INFINITY);
        }
        // What one look alone would need: paths that have stopped can only be missing, so the boundary is below it.
        let alone = normal_isf(spend);
        if self.time == 0.0 {
            return Ok(alone);
        }
        // On the logarithm, because early looks spend less than any absolute tolerance would see.
        let excess = |z: f64| self.beyond(z * t.sqrt(), t, 0.0, 1.0).ln() - spend.ln();
        brent(excess, 0.0, alone.max(0.0) + 0.01).ok_or(Undefined::NoSolution)
    }

    /// The paths that are within ±z at `t`, ready for a look at `next`.
    ///
    /// Panels are no wider than the standard deviation of either step, so eight Gauss points each integrate the
    /// density to about twelve digits.
    pub(super) fn between(&self, z: f64, t: f64, next: f64) -> Paths {
        let drift = self.centre;
        let elapsed = t - self.time;
        let sd = elapsed.sqrt();
        let low = (-z * t.sqrt()).max(drift * t - REACH * t.sqrt());
        let high = (z * t.sqrt()).min(drift * t + REACH * t.sqrt());
        let mut paths = Paths { centre: drift, time: t, points: Vec::new(), weights: Vec::new() };
        if low >= high {
            return paths;
        }
        let panels = ((high - low) / sd.min((next - t).sqrt())).ceil().clamp(4.0, 2e5);
        let half = (high - low) / panels / 2.0;
        let centre = |panel: usize| low + half * (2 * panel + 1) as f64;
        let nodes = |panel: usize| GAUSS.map(|(node, weight)| (centre(panel) + half * node, half * weight));
        let weighed = |panel: usize| {
            nodes(panel).map(|(point, weight)| (point, weight * self.density(point - drift * elapsed, sd)))
        };
        let all: Vec<[(f64, f64); 8]> =
            (0..panels as usize).into_par_iter().with_min_len(8).map(weighed).collect();
        (paths.points, paths.weights) = all.into_iter().flatten().unzip();
        paths
    }

    /// The density at `score` after a normal step with the deviation `sd`.
    fn density(&self, score: f64, sd: f64) -> f64 {
        let first = self.points.partition_point(|&point| point < score - REACH * sd);
        let last = self.points.partition_point(|&point| point <= score + REACH * sd);
        gaussian_sum(&self.points[first..last], &self.weights[first..last], score, sd)
    }
}

/// Σ wᵢ φ((score − xᵢ)/sd)/sd, in eight interleaved parts that a processor computes side by side.
fn gaussian_sum(points: &[f64], weights: &[f64], score: f64, sd: f64) -> f64 {
    let scale = -0.5 / (sd * sd);
    let term = |point: f64, weight: f64| {
        let distance = score - point;
        weight * exp_within_reach(scale * distance * distance)
    };
    let ((points, last_points), (weights, last_weights)) =
        (points.as_chunks::<8>(), weights.as_chunks::<8>());
    let rest: f64 = last_points.iter().zip(last_weights).map(|(point, weight)| term(*point, *weight)).sum();
    let mut parts = [0.0; 8];
    for (points, weights) in points.iter().zip(weights) {
        // Arrays from beginning to end: a loop over places is left one by one by a compiler that looks at it once.
        let terms: [f64; 8] = std::array::from_fn(|i| term(points[i], weights[i]));
        parts = std::array::from_fn(|i| parts[i] + terms[i]);
    }
    (parts.iter().sum::<f64>() + rest) / (sd * TAU.sqrt())
}

/// eˣ for x in [−700, 0], to 3e-16 relative, without a branch, so that several are computed at once.
///
/// x = k ln 2 + r with a whole k; adding 1.5 · 2⁵² rounds x / ln 2 to k and leaves it in the lowest bits. eʳ for |r| ≤ ½ ln 2 is
/// its Taylor polynomial of degree 12, whose remainder is below 2e-16.
#[inline(always)]
fn exp_within_reach(x: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// The leading 33 bits of ln 2, so that its products with k are exact, and the rest of it.
    const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);
    const TAYLOR: [f64; 13] = [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    let shifted = x * LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN_2.0) - k * LN_2.1;
    let power = TAYLOR.iter().fold(0.0, |sum, coefficient| sum * r + coefficient);
    power * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// The paths as they arrive at each look: the law under `centre` of those that no earlier look has stopped.
pub(super) fn arriving(information: &[f64], z: &[f64], centre: f64) -> Vec<Paths> {
    let mut paths = Paths::start(centre);
    let mut arrivals = Vec::with_capacity(information.len());
    for (look, (&t, &z)) in information.iter().zip(z).enumerate() {
        arrivals.push(paths.clone());
        // A boundary out of reach stops nobody: the paths may as well not be looked at.
        if let Some(&next) = information.get(look + 1)
            && z < REACH + centre.abs() * t.sqrt()
        {
            paths = paths.between(z, t, next);
        }
    }
    arrivals
}

/// Nodes and weights of Gauss–Legendre quadrature with eight points on [−1, 1], in ascending order.
const GAUSS: [(f64, f64); 8] = [
    (-0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
    (-0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (-0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (-0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branchless_exponential_has_all_its_digits() {
        let worst = (0..400_000)
            .map(|i| -f64::from(i) * 1.7e-3)
            .map(|x| (exp_within_reach(x) / x.exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 5e-16, "{worst:e}");
        assert_eq!(exp_within_reach(0.0), 1.0);
    }
}
