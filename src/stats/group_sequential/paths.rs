//! Recursive integration: the law of a score that has not stopped yet, as weighted points.

use super::super::Undefined;
use std::f64::consts::TAU;

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
///
/// The points lie in panels of one width, eight Gauss points in each.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    centre: f64,
    time: f64,
    /// Half the width of a panel.
    half: f64,
    points: Vec<f64>,
    weights: Vec<f64>,
}

impl Paths {
    /// Before the first look: all paths at zero.
    pub(super) fn start(centre: f64) -> Paths {
        // One panel of no width: its weights are those of the quadrature, which add up to two.
        let weights = GAUSS.map(|(_, weight)| 0.5 * weight).to_vec();
        Paths { centre, time: 0.0, half: 0.0, points: vec![0.0; 8], weights }
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
        let mut paths = Paths { centre: drift, time: t, half: 0.0, points: Vec::new(), weights: Vec::new() };
        if low >= high {
            return paths;
        }
        let panels = ((high - low) / sd.min((next - t).sqrt())).ceil().clamp(4.0, 2e5);
        paths.half = (high - low) / panels / 2.0;
        let step = Step::new(self.half, paths.half, sd);
        let weighed = |panel: usize| {
            let centre = low + paths.half * (2 * panel + 1) as f64;
            let densities = step.densities(&self.points, &self.weights, centre - drift * elapsed);
            std::array::from_fn(|i| {
                (centre + paths.half * GAUSS[i].0, paths.half * GAUSS[i].1 * densities[i])
            })
        };
        let all: Vec<[(f64, f64); 8]> =
            (0..panels as usize).into_par_iter().with_min_len(8).map(weighed).collect();
        (paths.points, paths.weights) = all.into_iter().flatten().unzip();
        paths
    }
}

/// A normal step from panels of one width to panels of another.
///
/// From a point v beside the centre of one panel to a point u beside the centre of another, D away, the exponent −(D + u − v)²/2 is
/// −D²/2 − Du + Dv − (u − v)²/2. The last term is that of all pairs of panels, and from one panel to the next D changes by one width:
/// exp(Dv) and exp(−Du) by factors that are known. One exponential does for the 64 pairs of points.
struct Step {
    sd: f64,
    /// The points of either panel beside its centre, in standard deviations.
    from: [f64; 8],
    to: [f64; 8],
    /// What exp(Dv) and exp(−Du) are multiplied by from a panel to the next one.
    from_next: [f64; 8],
    to_next: [f64; 8],
    /// exp(−(u − v)²/2), by v and then by u.
    near: [[f64; 8]; 8],
}

impl Step {
    fn new(from_half: f64, to_half: f64, sd: f64) -> Step {
        let from = GAUSS.map(|(node, _)| node * from_half / sd);
        let to = GAUSS.map(|(node, _)| node * to_half / sd);
        let width = 2.0 * from_half / sd;
        Step {
            sd,
            from,
            to,
            from_next: from.map(|v| (-width * v).exp()),
            to_next: to.map(|u| (width * u).exp()),
            near: from.map(|v| to.map(|u| (-0.5 * (u - v) * (u - v)).exp())),
        }
    }

    /// Σ wᵢ φ((score − xᵢ)/sd)/sd of the weighted points, at the scores of the panel around `centre`.
    fn densities(&self, points: &[f64], weights: &[f64], centre: f64) -> [f64; 8] {
        let reach = (REACH + self.to[7]) * self.sd;
        let (panels, weights) = (points.as_chunks::<8>().0, weights.as_chunks::<8>().0);
        let first = panels.partition_point(|panel| panel[7] < centre - reach);
        let last = panels.partition_point(|panel| panel[0] <= centre + reach);
        let distance = |panel: &[f64; 8]| (centre - 0.5 * (panel[0] + panel[7])) / self.sd;
        let farthest = panels.get(first).map_or(0.0, distance);
        let (mut by_from, mut by_to) =
            (self.from.map(|v| (farthest * v).exp()), self.to.map(|u| (-farthest * u).exp()));
        let mut sums = [0.0; 8];
        for (panel, weights) in panels[first..last].iter().zip(&weights[first..last]) {
            let mut products = [0.0; 8];
            for ((near, weight), tilt) in self.near.iter().zip(weights).zip(by_from) {
                // Arrays from beginning to end: a loop over places is left one by one by a compiler that looks at it once.
                products = std::array::from_fn(|i| products[i] + near[i] * (weight * tilt));
            }
            let common = (-0.5 * distance(panel).powi(2)).exp();
            sums = std::array::from_fn(|i| sums[i] + common * by_to[i] * products[i]);
            by_from = std::array::from_fn(|j| by_from[j] * self.from_next[j]);
            by_to = std::array::from_fn(|i| by_to[i] * self.to_next[i]);
        }
        sums.map(|sum| sum / (self.sd * TAU.sqrt()))
    }
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
    fn panels_are_summed_as_their_points_are() {
        // Panels of 1 and of 0.7 standard deviations, from the middle to beyond what is in reach.
        let sd: f64 = 0.31;
        let half = 0.5 * sd;
        let at = |panel: usize| GAUSS.map(|(node, _)| half * (2.0 * panel as f64 - 39.0 + node));
        let points: Vec<f64> = (0..40).flat_map(at).collect();
        let weights: Vec<f64> = points.iter().map(|x| (-x * x / 8.0).exp() * (1.1 + x.sin())).collect();
        let step = Step::new(half, 0.7 * half, sd);
        for centre in [0.0, 0.123, -2.9, 5.6, 6.7] {
            let found = step.densities(&points, &weights, centre);
            for (found, (node, _)) in found.iter().zip(GAUSS) {
                let score = centre + 0.7 * half * node;
                let one = |(x, w): (&f64, &f64)| w * (-0.5 * ((score - x) / sd).powi(2)).exp();
                let direct = points.iter().zip(&weights).map(one).sum::<f64>() / (sd * TAU.sqrt());
                assert!((found / direct - 1.0).abs() < 2e-14, "{centre}: {found:e} and {direct:e}");
            }
        }
    }
}
