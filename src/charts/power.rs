//! Power against the true effect: what a sample of this size could have seen.

use super::curves::{Curve, Curves, Level, Marked, Naming};
use super::scale::Scale;
use super::style::Axis;
use crate::drawing::Drawing;

/// The plot.
#[derive(Clone, Copy)]
pub struct Power<'a> {
    /// Power 0–1 (y) for each true effect (x), a curve a sample size or design.
    pub curves: &'a [Curve<'a>],
    /// The planned effect, the smallest effect that can be seen, with their words.
    pub marked: &'a [Marked<'a>],
    /// The wanted power, with its word («мощность 80 %»).
    pub levels: &'a [Level<'a>],
    /// Axis of the effect.
    pub effect: Axis<'a>,
    /// Axis of the power; shown from 0 to 1.
    pub power: Axis<'a>,
}

/// Draws the plot; names stand beside the curves, which meet at both ends.
pub fn power(plot: &Power) -> Drawing {
    let _stage = super::stage();
    let points = || plot.curves.iter().flat_map(|c| c.points).chain(plot.marked.iter().map(|m| &m.at));
    Curves {
        curves: plot.curves,
        marked: plot.marked,
        levels: plot.levels,
        x_axis: plot.effect,
        y_axis: plot.power,
        x: plot.effect.scale(points().map(|p| p.0)),
        y: Scale::linear(0.0, 1.0),
        height: 170.0,
        naming: Naming::Beside,
    }
    .draw()
}
