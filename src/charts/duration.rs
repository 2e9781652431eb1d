//! Duration against detectable effect: how long a test runs for the effect it is to see.

use super::curves::{Curve, Curves, Level, Marked, Naming};
use super::style::Axis;
use crate::drawing::Drawing;

/// The plot.
#[derive(Clone, Copy)]
pub struct Duration<'a> {
    /// Days (y) for each detectable effect (x), a curve a design («2 группы», «3 группы с поправкой»).
    pub curves: &'a [Curve<'a>],
    /// The plan and its alternatives, with their words («592 дня»).
    pub marked: &'a [Marked<'a>],
    /// Durations that a reader knows: a month, a quarter, a year.
    pub levels: &'a [Level<'a>],
    /// Axis of the effect.
    pub effect: Axis<'a>,
    /// Axis of the days; logarithmic suits, because days fall with the square of the effect.
    pub days: Axis<'a>,
}

/// Draws the plot; names stand at the right ends of the curves.
pub fn duration(plot: &Duration) -> Drawing {
    let _stage = super::stage();
    let points = || plot.curves.iter().flat_map(|c| c.points).chain(plot.marked.iter().map(|m| &m.at));
    let days = points().map(|p| p.1).chain(plot.levels.iter().map(|l| l.value));
    Curves {
        curves: plot.curves,
        marked: plot.marked,
        levels: plot.levels,
        x_axis: plot.effect,
        y_axis: plot.days,
        x: plot.effect.scale(points().map(|p| p.0)),
        y: plot.days.scale(days),
        height: 190.0,
        naming: Naming::Ends,
    }
    .draw()
}
