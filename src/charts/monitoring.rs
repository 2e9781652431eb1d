//! An effect over the nights of a running test, with an interval that holds at every look.

use plotters::element::{Circle, PathElement, Polygon};
use plotters::series::LineSeries;

use super::labels::{Labels, Spot, around};
use super::scale::Scale;
use super::style::{
    Area, Axis, Frame, NAME, NOTE, Panel, WIDTH, above, below, fill, fit, rule, stroke, units,
};
use crate::drawing::{Drawing, Paint};
use crate::theme::color;

/// A look at the data.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Day, as a number that the axis formats as a date.
    pub day: f64,
    /// Effect.
    pub estimate: f64,
    /// Lower end of the interval; not finite: open.
    pub low: f64,
    /// Upper end of the interval; not finite: open.
    pub high: f64,
}

/// The plot.
#[derive(Clone, Copy)]
pub struct Monitoring<'a> {
    /// Looks in the order of days.
    pub looks: &'a [Look],
    /// Words at the last look («сегодня: −6,34»); may be empty.
    pub last: &'a str,
    /// Words of the line at zero («нет разницы»); may be empty.
    pub zero: &'a str,
    /// The sequential boundary, by day: how far from zero an effect must lie for the test to end there. Drawn on both
    /// sides of zero; may be empty.
    pub boundary: &'a [(f64, f64)],
    /// Words of the boundary («граница»); may be empty.
    pub boundary_word: &'a str,
    /// Axis of days.
    pub day: Axis<'a>,
    /// Axis of the effect; `log` is ignored.
    pub effect: Axis<'a>,
}

/// Draws the line of estimates in the band of its intervals. Dots are filled from the look at which the interval
/// excludes zero. The band of early looks is cut at three times the width of the last one.
pub fn monitoring(plot: &Monitoring) -> Drawing {
    let _stage = super::stage();
    let looks: Vec<Look> =
        plot.looks.iter().copied().filter(|l| l.day.is_finite() && l.estimate.is_finite()).collect();
    let reach = looks.last().map_or(1.0, |l| l.high - l.low);
    let reach = if reach.is_finite() && reach > 0.0 { reach * 1.5 } else { f64::MAX };
    let ends = |l: &Look| {
        let end = |v: f64| if v.is_finite() { v } else { l.estimate };
        [end(l.low).max(l.estimate - reach), l.estimate, end(l.high).min(l.estimate + reach)]
    };
    // The boundary of the first looks is far away; of the later ones as much is shown as the intervals leave room for.
    let boundary: Vec<(f64, f64)> =
        plot.boundary.iter().copied().filter(|(d, b)| d.is_finite() && b.is_finite()).collect();
    let nearest = boundary.iter().map(|b| b.1).fold(f64::INFINITY, f64::min);
    let shown = if nearest.is_finite() { nearest * 1.25 } else { 0.0 };
    let y = Scale::around(looks.iter().flat_map(ends).chain([0.0, shown, -shown]), 0.06);
    let x = Scale::around(looks.iter().map(|l| l.day), 0.02);
    let head = above(plot.effect.title);
    let area = Area { left: 0.0, top: head, right: WIDTH - 14.0, bottom: head + 160.0 };
    let panel = Panel::new(area, x, &plot.day, y, &plot.effect);
    let area = panel.area;
    let mut drawing = Drawing::new(WIDTH, (area.bottom + below(plot.day.title)).ceil());
    let open = |v: f64, end: f64| panel.y.clamp(if v.is_finite() { v } else { end });
    let upper: Vec<(f64, f64)> = looks.iter().map(|l| (l.day, open(l.high, f64::MAX))).collect();
    let lower: Vec<(f64, f64)> = looks.iter().map(|l| (l.day, open(l.low, f64::MIN))).collect();
    let rgb = color::NOTE.0;
    panel.draw(&mut drawing, Frame { x_grid: false, ..Frame::FULL }, |chart| {
        if looks.len() > 1 {
            let band: Vec<(f64, f64)> = upper.iter().chain(lower.iter().rev()).copied().collect();
            chart.draw_series([Polygon::new(band, fill(rgb, 0.14))])?;
            for edge in [&upper, &lower] {
                chart.draw_series(LineSeries::new(edge.iter().copied(), stroke(rgb, 0.6, 0.75)))?;
            }
        }
        let (first, last) = panel.x.domain();
        chart.draw_series([PathElement::new(
            vec![(first, 0.0), (last, 0.0)],
            stroke(color::INK, 1.0, 0.75),
        )])?;
        chart
            .draw_series(LineSeries::new(looks.iter().map(|l| (l.day, l.estimate)), stroke(rgb, 1.0, 1.6)))?;
        for look in &looks {
            let at = (look.day, look.estimate);
            chart.draw_series([Circle::new(at, units(2.4), fill(rgb, 1.0))])?;
            if look.low <= 0.0 && look.high >= 0.0 {
                chart.draw_series([Circle::new(at, units(1.4), fill(color::PAPER, 1.0))])?;
            }
        }
        Ok(())
    });
    rule(&mut drawing, (area.left, area.bottom), (area.right, area.bottom));
    name(&mut drawing, &panel, &looks, plot, &boundary);
    panel.titles(&mut drawing, plot.day.title, plot.effect.title);
    drawing
}

/// The parts of the boundary above (`side` 1) or below (−1) zero that the panel shows.
fn inside(boundary: &[(f64, f64)], side: f64, panel: &Panel) -> Vec<Vec<(f64, f64)>> {
    let points: Vec<(f64, f64)> = boundary.iter().map(|(day, size)| (*day, side * size)).collect();
    let shown = |p: &(f64, f64)| panel.x.contains(p.0) && panel.y.contains(p.1);
    points.split(|p| !shown(p)).filter(|run| run.len() > 1).map(<[(f64, f64)]>::to_vec).collect()
}

fn name(drawing: &mut Drawing, panel: &Panel, looks: &[Look], plot: &Monitoring, boundary: &[(f64, f64)]) {
    let area = panel.area;
    let mut labels = Labels::new(area);
    let path: Vec<(f32, f32)> = looks.iter().map(|l| (panel.at_x(l.day), panel.at_y(l.estimate))).collect();
    labels.avoid_line(&path);
    for edge in [|l: &Look| l.low, |l: &Look| l.high] {
        let shown = looks.iter().filter(|l| panel.y.contains(edge(l)));
        let line: Vec<(f32, f32)> = shown.map(|l| (panel.at_x(l.day), panel.at_y(edge(l)))).collect();
        labels.avoid_line(&line);
    }
    let zero = panel.at_y(0.0);
    labels.avoid_line(&[(area.left, zero), (area.right, zero)]);
    let mut sides = Vec::new();
    for side in [1.0, -1.0] {
        for run in inside(boundary, side, panel) {
            let line: Vec<(f32, f32)> = run.iter().map(|p| (panel.at_x(p.0), panel.at_y(p.1))).collect();
            drawing.line(line.clone(), Paint::solid(color::CAUTION.0), 1.1, &[4.0, 2.5]);
            labels.avoid_line(&line);
            sides.push(line);
        }
    }
    if let Some(end) = path.last() {
        let style = NAME.tinted(color::NOTE.0);
        labels.place(drawing, &style, &fit(&style, plot.last, area.width() / 2.0), &around(*end, style.size));
    }
    // One word for both sides, at the one with more room.
    let spots: Vec<Spot> = sides.iter().flatten().flat_map(|at| around(*at, NOTE.size)).collect();
    let style = NOTE.colored(color::CAUTION.0);
    labels.place(drawing, &style, &fit(&style, plot.boundary_word, area.width() / 2.0), &spots);
    let spots = super::curves::level_spots(zero, &area);
    labels.place(drawing, &NOTE, &fit(&NOTE, plot.zero, area.width() / 2.0), &spots);
}
