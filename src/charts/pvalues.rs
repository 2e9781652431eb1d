//! P-values of A/A comparisons: without any effect they are uniform, so all bars should stand at one level.

use plotters::element::{PathElement, Rectangle};

use super::scale::Scale;
use super::style::{
    Area, Axis, Frame, NOTE, Panel, WIDTH, above, below, fill, fit, measure, rule, stroke, write,
};
use crate::drawing::{Anchor, Drawing, Paint};
use crate::theme::color;

/// The plot.
#[derive(Clone, Copy)]
pub struct Pvalues<'a> {
    /// P-values of the comparisons; what is not in 0–1 is left out.
    pub values: &'a [f64],
    /// Level below which a comparison counts as significant; the bars under it are marked.
    pub alpha: f64,
    /// Words of the expected level («ожидается 5 % в каждом столбце»).
    pub expected: &'a str,
    /// Axis of p, shown from 0 to 1.
    pub p: Axis<'a>,
    /// Axis of the share of comparisons.
    pub share: Axis<'a>,
}

/// Number of bars: a bar is five percentage points.
pub const BARS: usize = 20;

/// Draws the histogram with its expected level.
pub fn pvalues(plot: &Pvalues) -> Drawing {
    let _stage = super::stage();
    let shares = shares(plot.values);
    let expected = 1.0 / BARS as f64;
    let highest = shares.iter().copied().fold(expected * 1.6, f64::max);
    let head = if plot.expected.is_empty() { above(plot.share.title) } else { 17.0 };
    let area = Area { left: 0.0, top: head, right: WIDTH - 14.0, bottom: head + 120.0 };
    let panel =
        Panel::new(area, Scale::linear(0.0, 1.0), &plot.p, Scale::linear(0.0, highest * 1.08), &plot.share);
    let area = panel.area;
    let mut drawing = Drawing::new(WIDTH, (area.bottom + below(plot.p.title)).ceil());
    let edge = |i: usize| i as f64 / BARS as f64;
    panel.draw(&mut drawing, Frame { x_grid: false, ..Frame::FULL }, |chart| {
        let bars = shares.iter().enumerate().filter(|(_, share)| **share > 0.0).map(|(i, share)| {
            let rgb = if edge(i) + 1e-9 < plot.alpha { color::BAD.0 } else { color::NOTE.0 };
            Rectangle::new([(edge(i) + 0.003, 0.0), (edge(i + 1) - 0.003, *share)], fill(rgb, 0.6))
        });
        chart.draw_series(bars)?;
        let level = vec![(0.0, expected), (1.0, expected)];
        chart.draw_series([PathElement::new(level, stroke(color::INK, 1.0, 1.0))])?;
        Ok(())
    });
    rule(&mut drawing, (area.left, area.bottom), (area.right, area.bottom));
    let room = area.width() - measure(&NOTE, plot.share.title) - 40.0;
    let text = fit(&NOTE, plot.expected, room);
    if !text.is_empty() {
        // A piece of the line before its words: above the bars, where nothing covers them.
        let (y, sample) = (head - 8.0, area.right - measure(&NOTE, &text) - 5.0);
        let level = y - NOTE.size * 0.3;
        drawing.line(vec![(sample - 14.0, level), (sample, level)], Paint::solid(color::INK), 1.0, &[]);
        write(&mut drawing, (area.right, y), Anchor::End, &NOTE, &text);
    }
    panel.titles(&mut drawing, plot.p.title, plot.share.title);
    drawing
}

/// Share of the p-values in each of the twenty bars; for the data beside the picture as well.
pub fn shares(values: &[f64]) -> [f64; BARS] {
    let valid: Vec<f64> = values.iter().copied().filter(|p| (0.0..=1.0).contains(p)).collect();
    let mut shares = [0.0; BARS];
    for p in &valid {
        shares[((p * BARS as f64) as usize).min(BARS - 1)] += 1.0 / valid.len() as f64;
    }
    shares
}
