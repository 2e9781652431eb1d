//! Forest plot: effects with their intervals, a row an effect, against the line of no effect.

use plotters::element::PathElement;

use super::rows::{Interval, Rows, Words, draw_interval, interval_scale};
use super::scale::Scale;
use super::style::{Axis, Frame, LABEL, NOTE, stroke, title_below};
use crate::drawing::{Anchor, Drawing, Paint};
use crate::theme::color;

/// An effect. All rows share one axis, so all are in one unit (relative effects, or one metric in several looks).
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What was measured («ARPU»).
    pub label: &'a str,
    /// A smaller second line («B − A»); may be empty.
    pub note: &'a str,
    /// Effect; a value that is not finite leaves the row without a mark.
    pub estimate: f64,
    /// Lower end of the interval; not finite: open.
    pub low: f64,
    /// Upper end of the interval; not finite: open.
    pub high: f64,
    /// Colour of the mark, by mood: `color::GOOD.0`, `color::BAD.0`, `color::NOTE.0`, `color::VOID.0`.
    pub rgb: u32,
    /// Effect and interval as text, printed at the right.
    pub text: &'a str,
}

/// The plot.
#[derive(Clone, Copy)]
pub struct Forest<'a> {
    /// Effects from the top.
    pub rows: &'a [Row<'a>],
    /// The axis of the effects; `log` is ignored, for effects may be negative.
    pub axis: Axis<'a>,
    /// Words left and right of zero («← хуже», «лучше →»); may be empty.
    pub directions: (&'a str, &'a str),
    /// Further lines: a non-inferiority margin, the planned effect; value and word.
    pub margins: &'a [(f64, &'a str)],
    /// Heading of the text column («эффект и интервал 95 %»); may be empty.
    pub text_title: &'a str,
}

/// Share of the axis that is shown on either side of zero, however far to one side the effects lie: room for the word of
/// that side, and for the eye to see that the other side exists.
const SIDE: f64 = 0.12;

fn with_both_sides(scale: Scale) -> Scale {
    let (low, high) = scale.domain();
    let margin = (high.max(0.0) - low.min(0.0)) * SIDE;
    if low <= -margin && high >= margin { scale } else { Scale::linear(low.min(-margin), high.max(margin)) }
}

/// Draws the plot. A dot is filled when its interval excludes zero and hollow when it does not, so that the finding
/// does not rest on colour. Intervals much wider than the others are cut and end in an arrow.
pub fn forest(plot: &Forest) -> Drawing {
    let _stage = super::stage();
    let intervals: Vec<Interval> =
        plot.rows.iter().map(|r| Interval { estimate: r.estimate, low: r.low, high: r.high }).collect();
    let lines = || plot.margins.iter().map(|m| m.0).chain([0.0]);
    let scale = with_both_sides(interval_scale(&intervals, lines()));
    let words: Vec<Words> = plot
        .rows
        .iter()
        .map(|r| Words { label: r.label, note: r.note, text: r.text, style: LABEL })
        .collect();
    let head = if plot.margins.is_empty() { 18.0 } else { 29.0 };
    let mut rows = Rows::new(&words, scale, &plot.axis, head, plot.text_title);
    let (left, right) = plot.directions;
    let mut wanted = vec![(right, 0.0, NOTE, Anchor::Start), (left, 0.0, NOTE, Anchor::End)];
    wanted.extend(plot.margins.iter().filter(|m| m.0.is_finite()).map(|m| (m.1, m.0, NOTE, Anchor::Middle)));
    rows.band(&wanted, head);

    let panel = rows.panel.clone();
    for (value, _) in plot.margins.iter().filter(|m| m.0.is_finite()) {
        let x = panel.at_x(*value);
        let ends = vec![(x, panel.area.top - 3.0), (x, panel.area.bottom)];
        rows.drawing.line(ends, Paint::solid(color::CAUTION.0), 0.75, &[3.0, 2.0]);
    }
    let levels: Vec<f64> = (0..plot.rows.len()).map(|i| rows.level(i)).collect();
    panel.draw(&mut rows.drawing, Frame::ROWS, |chart| {
        let (foot, top) = panel.y.domain();
        chart
            .draw_series([PathElement::new(vec![(0.0, foot), (0.0, top)], stroke(color::INK, 1.0, 0.75))])?;
        for ((row, interval), level) in plot.rows.iter().zip(&intervals).zip(&levels) {
            let sure = interval.low > 0.0 || interval.high < 0.0;
            draw_interval(chart, &panel.x, *level, interval, row.rgb, sure)?;
        }
        Ok(())
    });
    for (i, (row, interval)) in plot.rows.iter().zip(&intervals).enumerate() {
        rows.arrows(i, interval, row.rgb);
    }
    title_below(&mut rows.drawing, &panel.area, plot.axis.title);
    rows.drawing
}
