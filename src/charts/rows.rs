//! Rows of a label, an interval and a number: the shape shared by the forest plot and the group values.

use plotters::element::{Circle, PathElement};

use super::labels::{Labels, Spot};
use super::scale::Scale;
use super::style::{
    Area, Axis, Chart, Drawn, LABEL, NAME, NOTE, Panel, Type, WIDTH, below, fill, measure, stroke, units,
    wrap, write,
};
use crate::drawing::{Anchor, Drawing, Paint};
use crate::theme::color;

/// The words of a row.
pub struct Words<'a> {
    /// What the row is about.
    pub label: &'a str,
    /// A smaller second line; may be empty.
    pub note: &'a str,
    /// The formatted value, printed at the right.
    pub text: &'a str,
    /// Style of the label.
    pub style: Type,
}

/// An estimate and its interval; an end that is not finite is open.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    /// Point estimate; not finite: nothing is drawn.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Where rows stand.
pub struct Rows {
    /// The picture, with labels and values written.
    pub drawing: Drawing,
    /// The panel between labels and values.
    pub panel: Panel,
}

/// Tallest panel in points; more rows stand closer.
const TALLEST: f32 = 580.0;

impl Rows {
    /// Lays out labels at the left, values at the right and a panel between them under a band `head` points high, and
    /// writes all words but those of the axis head.
    pub fn new(words: &[Words], x: Scale, axis: &Axis, head: f32, text_title: &str) -> Self {
        let widest =
            |of: &dyn Fn(&Words) -> f32, most: f32| words.iter().map(of).fold(0.0, f32::max).min(most);
        let label = widest(&|w| measure(&w.style, w.label).max(measure(&NOTE, w.note)), 0.33 * WIDTH);
        let text = widest(&|w| measure(&LABEL, w.text), 0.36 * WIDTH)
            .max(measure(&NOTE, text_title).min(0.36 * WIDTH));
        let noted = words.iter().any(|w| !w.note.is_empty());
        let wrapped = words.iter().any(|w| measure(&w.style, w.label) > label);
        let usual = if noted { 28.0 } else { 21.0 } + if wrapped { LABEL.leading() } else { 0.0 };
        let pitch = usual.min(TALLEST / words.len().max(1) as f32).max(10.5);
        let height = pitch * words.len().max(1) as f32;
        let gap = |width: f32| if width > 0.0 { width + 14.0 } else { 8.0 };
        let area = Area { left: gap(label), top: head, right: WIDTH - gap(text), bottom: head + height };
        let panel = Panel::rows(area, x, axis, words.len());
        let mut drawing = Drawing::new(WIDTH, (panel.area.bottom + below(axis.title)).ceil());
        let title_at = (WIDTH, panel.area.top - 7.0);
        write(&mut drawing, title_at, Anchor::End, &NOTE, &super::style::fit(&NOTE, text_title, text));
        for (i, row) in words.iter().enumerate() {
            let middle = panel.area.top + pitch * (i as f32 + 0.5);
            write_label(&mut drawing, row, label, middle, pitch);
            let shown = super::style::fit(&LABEL, row.text, text);
            write(&mut drawing, (WIDTH, middle + LABEL.size * 0.35), Anchor::End, &LABEL, &shown);
        }
        Rows { drawing, panel }
    }

    /// Vertical value of the middle of row `i` in the panel, whose values grow upwards.
    pub fn level(&self, i: usize) -> f64 {
        self.panel.y.domain().1 - i as f64 - 0.5
    }

    /// The same in points.
    pub fn middle(&self, i: usize) -> f32 {
        self.panel.at_y(self.level(i))
    }

    /// Arrow heads where an interval goes on beyond the panel.
    pub fn arrows(&mut self, i: usize, interval: &Interval, color: u32) {
        let (y, area) = (self.middle(i), self.panel.area);
        if !interval.estimate.is_finite() {
            return;
        }
        let mut head = |tip: f32, back: f32| {
            self.drawing.polygon(vec![(tip, y), (back, y - 3.2), (back, y + 3.2)], Paint::solid(color));
        };
        let (low, high) = self.panel.x.domain();
        if open(interval.low) < low {
            head(area.left, area.left + 5.0);
        }
        if open(-interval.high) < -high {
            head(area.right, area.right - 5.0);
        }
    }

    /// Writes texts about positions on the axis into the band above the panel; what has no room is left out.
    /// `wanted` is text, value, style and the preferred anchor.
    pub fn band(&mut self, wanted: &[(&str, f64, Type, Anchor)], head: f32) {
        let bounds = Area { left: 0.0, top: 0.0, right: WIDTH, bottom: head };
        let mut labels = Labels::new(bounds);
        for mark in &self.drawing.marks {
            if let Some(taken) = super::labels::text_box(mark) {
                labels.block(taken);
            }
        }
        for (text, value, style, anchor) in wanted {
            let spots = band_spots(self.panel.at_x(self.panel.x.clamp(*value)), head, *anchor, style);
            labels.place(&mut self.drawing, style, text, &spots);
        }
    }
}

/// Positions in a band above a panel, beside or over the line at `x`, lower lines of text first.
pub fn band_spots(x: f32, head: f32, preferred: Anchor, style: &Type) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut y = head - 7.0;
    let mut line = 0.0;
    while y > style.size * 0.8 {
        for (anchor, offset) in [(Anchor::Start, 5.0), (Anchor::End, -5.0), (Anchor::Middle, 0.0)] {
            for shift in 0..9 {
                // A text over a line may stand a little aside of it rather than not at all.
                let aside = if anchor == Anchor::Middle {
                    [0.0, 8.0, -8.0, 16.0, -16.0, 26.0, -26.0, 38.0, -38.0]
                } else {
                    [0.0; 9]
                };
                let moved = aside[shift];
                if shift > 0 && moved == 0.0 {
                    break;
                }
                let at = (x + offset + moved, y);
                let cost = line * 6.0 + if anchor == preferred { 0.0 } else { 4.0 } + moved.abs() / 3.0;
                spots.push(Spot { at, anchor, target: (at.0, at.1), cost });
            }
        }
        y -= style.leading();
        line += 1.0;
    }
    spots
}

/// An end for comparison: what is not a number is as open as infinity.
fn open(end: f64) -> f64 {
    if end.is_nan() { f64::NEG_INFINITY } else { end }
}

/// Draws the interval of a row: a bar, and a dot that is hollow when `sure` is false.
pub fn draw_interval(
    chart: &mut Chart,
    scale: &Scale,
    level: f64,
    interval: &Interval,
    color: u32,
    sure: bool,
) -> Drawn {
    if !interval.estimate.is_finite() {
        return Ok(());
    }
    let low = scale.clamp(if interval.low.is_finite() { interval.low } else { f64::MIN });
    let high = scale.clamp(if interval.high.is_finite() { interval.high } else { f64::MAX });
    chart.draw_series([PathElement::new(vec![(low, level), (high, level)], stroke(color, 1.0, 1.75))])?;
    let cap = 0.09;
    // An end that is cut gets an arrow instead of a cap.
    for end in [interval.low, interval.high].into_iter().filter(|end| scale.contains(*end)) {
        let ends = vec![(end, level - cap), (end, level + cap)];
        chart.draw_series([PathElement::new(ends, stroke(color, 1.0, 1.0))])?;
    }
    if scale.contains(interval.estimate) {
        let at = (interval.estimate, level);
        chart.draw_series([Circle::new(at, units(3.5), fill(color::PAPER, 1.0))])?;
        chart.draw_series([Circle::new(at, units(2.8), fill(color, 1.0))])?;
        if !sure {
            chart.draw_series([Circle::new(at, units(1.6), fill(color::PAPER, 1.0))])?;
        }
    }
    Ok(())
}

/// A scale that shows all estimates, the values of `also`, and intervals as far as they do not dwarf the others: an
/// interval more than twelve times as wide as the (lower) median one is cut.
pub fn interval_scale(intervals: &[Interval], also: impl IntoIterator<Item = f64>) -> Scale {
    let mut halves: Vec<f64> = intervals
        .iter()
        .flat_map(|i| [i.estimate - i.low, i.high - i.estimate])
        .filter(|half| half.is_finite() && *half > 0.0)
        .collect();
    halves.sort_by(f64::total_cmp);
    let reach = halves.get(halves.len().saturating_sub(1) / 2).map_or(f64::MAX, |median| median * 12.0);
    let ends = intervals.iter().filter(|i| i.estimate.is_finite()).flat_map(|i| {
        let low = if i.low.is_finite() { i.low.max(i.estimate - reach) } else { i.estimate };
        let high = if i.high.is_finite() { i.high.min(i.estimate + reach) } else { i.estimate };
        [low, i.estimate, high]
    });
    Scale::around(ends.chain(also).collect::<Vec<f64>>(), 0.05)
}

fn write_label(drawing: &mut Drawing, row: &Words, width: f32, middle: f32, pitch: f32) {
    let room = ((pitch - 2.0) / LABEL.leading()).max(1.0) as usize;
    let noted = !row.note.is_empty() && room > 1;
    let mut lines: Vec<(Type, String)> =
        wrap(&row.style, row.label, width, if noted { room - 1 } else { room }.min(2))
            .into_iter()
            .map(|l| (row.style, l))
            .collect();
    if noted {
        lines.push((NOTE, super::style::fit(&NOTE, row.note, width)));
    }
    let height = (lines.len() as f32 - 1.0) * NAME.leading();
    for (i, (style, line)) in lines.iter().enumerate() {
        let y = middle - height / 2.0 + i as f32 * NAME.leading() + LABEL.size * 0.35;
        write(drawing, (0.0, y), Anchor::Start, style, line);
    }
}
