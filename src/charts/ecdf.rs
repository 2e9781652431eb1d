//! Empirical distribution functions: for every value, the share of a group that is not above it.

use super::curves::{Curve, Curves, Naming};
use super::distribution::Sample;
use super::scale::{Scale, finite};
use super::style::{Axis, WIDTH};
use crate::drawing::Drawing;

/// The plot.
#[derive(Clone, Copy)]
pub struct Ecdf<'a> {
    /// Groups, the control first; their notes are not shown.
    pub groups: &'a [Sample<'a>],
    /// Axis of the values.
    pub value: Axis<'a>,
    /// Axis of the share, shown from 0 to 1.
    pub share: Axis<'a>,
}

/// Draws the functions as steps, with names beside them.
pub fn ecdf(plot: &Ecdf) -> Drawing {
    let _stage = super::stage();
    let samples: Vec<Vec<f64>> = plot.groups.iter().map(|g| finite(g.values.iter().copied())).collect();
    let scale = plot.value.scale(samples.iter().flatten().copied());
    let steps: Vec<Vec<(f64, f64)>> = samples.into_iter().map(|values| steps(values, &scale)).collect();
    let curves: Vec<Curve> =
        plot.groups.iter().zip(&steps).map(|(g, points)| Curve { name: g.name, points }).collect();
    Curves {
        curves: &curves,
        marked: &[],
        levels: &[],
        x_axis: plot.value,
        y_axis: plot.share,
        x: scale,
        y: Scale::linear(0.0, 1.0),
        height: 180.0,
        naming: Naming::Beside,
    }
    .draw()
}

/// Corners of the step function over the whole axis. Steps that would print on each other are merged, so that a
/// million values are as light as a thousand.
fn steps(mut values: Vec<f64>, scale: &Scale) -> Vec<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let (low, high) = scale.domain();
    if values.is_empty() {
        return Vec::new();
    }
    let mut corners = vec![(low, 0.0)];
    let (n, mut share) = (values.len() as f64, 0.0);
    let mut drawn = f64::NEG_INFINITY;
    for (i, value) in values.iter().enumerate() {
        let (next, x) = ((i + 1) as f64 / n, scale.fraction(*value));
        let last = i + 1 == values.len();
        let repeated = values.get(i + 1) == Some(value);
        let visible = (x - drawn) * f64::from(WIDTH) > 0.25 || (next - share) > 0.004;
        if !repeated && (visible || last) {
            corners.extend([(*value, share), (*value, next)]);
            (share, drawn) = (next, x);
        }
    }
    corners.push((high, 1.0));
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_rise_to_one_at_the_values() {
        let scale = Scale::linear(0.0, 10.0);
        let corners = steps(vec![4.0, 2.0, 4.0], &scale);
        let third = 1.0 / 3.0;
        assert_eq!(corners, [(0.0, 0.0), (2.0, 0.0), (2.0, third), (4.0, third), (4.0, 1.0), (10.0, 1.0)]);
        assert!(steps((0..1_000_000).map(|i| f64::from(i) / 1e5).collect(), &scale).len() < 5_000);
    }
}
