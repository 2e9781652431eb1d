//! Steps of a funnel: under the name of each step a bar a group, as long as the share of the group that came so far. Bars
//! begin at zero and the axis ends at all, because the length of a bar claims to be its value.

use plotters::element::Rectangle;

use super::rows::{Rows, Words};
use super::scale::Scale;
use super::style::{Axis, Frame, NAME, fill, title_below};
use crate::drawing::Drawing;
use crate::theme::color;

/// One group at one step.
#[derive(Clone, Copy, Debug)]
pub struct Bar<'a> {
    /// Name of the group.
    pub name: &'a str,
    /// Share that came to the step, in [0, 1]; not finite: no bar.
    pub share: f64,
    /// The share as text, printed at the right.
    pub text: &'a str,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// Its title.
    pub name: &'a str,
    /// The groups in order, the control first.
    pub bars: Vec<Bar<'a>>,
}

/// The plot.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    /// The steps in order.
    pub steps: &'a [Step<'a>],
    /// The axis of the shares; `log` is ignored.
    pub axis: Axis<'a>,
}

/// Draws the plot: a heading a step, then a bar a group in the group's colour.
pub fn steps(plot: &Steps) -> Drawing {
    let _stage = super::stage();
    let mut words = Vec::new();
    let mut bars: Vec<Option<(usize, f64)>> = Vec::new();
    for step in plot.steps {
        words.push(Words { label: step.name, note: "", text: "", style: NAME });
        bars.push(None);
        for (group, bar) in step.bars.iter().enumerate() {
            let style = NAME.tinted(color::group(group));
            words.push(Words { label: bar.name, note: "", text: bar.text, style });
            bars.push(Some((group, bar.share)));
        }
    }
    let mut rows = Rows::new(&words, Scale::linear(0.0, 1.0), &plot.axis, 6.0, "");
    let panel = rows.panel.clone();
    let levels: Vec<f64> = (0..bars.len()).map(|row| rows.level(row)).collect();
    panel.draw(&mut rows.drawing, Frame::ROWS, |chart| {
        for (bar, level) in bars.iter().zip(&levels) {
            if let Some((group, share)) = bar.filter(|(_, share)| share.is_finite()) {
                let corners = [(0.0, level - 0.3), (share.clamp(0.0, 1.0), level + 0.3)];
                chart.draw_series([Rectangle::new(corners, fill(color::group(group), 0.75))])?;
            }
        }
        Ok(())
    });
    title_below(&mut rows.drawing, &panel.area, plot.axis.title);
    rows.drawing
}
