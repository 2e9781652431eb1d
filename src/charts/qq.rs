//! Normal quantile–quantile plots, a panel a group: values against what a normal distribution would have put there.

use plotters::element::{Circle, PathElement};
use statrs::distribution::{ContinuousCDF, Normal};

use super::distribution::Sample;
use super::scale::{Scale, finite};
use super::style::{
    Area, Axis, Frame, NAME, NOTE, Panel, TICK, WIDTH, above, below, fill, fit, measure, rule, stroke, units,
    write,
};
use crate::drawing::{Anchor, Drawing};
use crate::theme::color;

/// The plot.
#[derive(Clone, Copy)]
pub struct Qq<'a> {
    /// Groups; the note of each stands beside its name («Шапиро — Уилк: p < 0,001»).
    pub groups: &'a [Sample<'a>],
    /// Axis of the theoretical quantiles.
    pub normal: Axis<'a>,
    /// Axis of the values; each panel has its own range.
    pub value: Axis<'a>,
}

/// A point of a plot: normal quantile and value.
type Pair = (f64, f64);

/// Draws the panels with a line through the quartiles. Points that would print on each other are drawn once.
pub fn qq(plot: &Qq) -> Drawing {
    let _stage = super::stage();
    let count = plot.groups.len().max(1);
    let columns = if count == 4 { 2 } else { count.min(3) };
    let rows = count.div_ceil(columns);
    let tall = if columns == 1 { 180.0 } else { 132.0 };
    let head = above(plot.value.title);
    let (title, foot) = (13.0, 16.0);
    let pitch = title + tall + foot + 6.0;
    let height = head + pitch * rows as f32 - 6.0 + below(plot.normal.title) - 16.0;
    let mut drawing = Drawing::new(WIDTH, height.ceil());
    let pairs: Vec<Vec<Pair>> = plot.groups.iter().map(|g| pairs(g.values)).collect();
    let x = Scale::around(pairs.iter().flatten().map(|p| p.0), 0.05);
    let gutter = 12.0;
    let width = (WIDTH - gutter * (columns as f32 - 1.0)) / columns as f32;
    for (i, (group, pairs)) in plot.groups.iter().zip(&pairs).enumerate() {
        let (column, row) = (i % columns, i / columns);
        let left = (width + gutter) * column as f32;
        let top = head + pitch * row as f32 + title;
        let area = Area { left, top, right: left + width - 4.0, bottom: top + tall };
        let y = plot.value.scale(pairs.iter().map(|p| p.1));
        let mut panel = Panel::new(area, x.clone(), &plot.normal, y, &plot.value);
        keep_labels_in(&mut panel, (left, left + width + gutter - 4.0));
        panel_title(&mut drawing, group, color::group(i), (left, top - 6.0), width);
        draw_panel(&mut drawing, &panel, pairs, color::group(i));
    }
    write(&mut drawing, (0.0, head - 8.0), Anchor::Start, &NOTE, &fit(&NOTE, plot.value.title, WIDTH));
    let under = (WIDTH / 2.0, height - 3.5);
    write(&mut drawing, under, Anchor::Middle, &NOTE, &fit(&NOTE, plot.normal.title, WIDTH));
    drawing
}

/// Blom's plotting positions: the normal quantile of (i − 3/8) / (n + 1/4) for the i-th smallest value.
fn pairs(values: &[f64]) -> Vec<Pair> {
    let mut sorted = finite(values.iter().copied());
    sorted.sort_by(f64::total_cmp);
    let (n, normal) = (sorted.len() as f64, Normal::standard());
    let quantile = |i: usize| normal.inverse_cdf((i as f64 + 0.625) / (n + 0.25));
    sorted.into_iter().enumerate().map(|(i, value)| (quantile(i), value)).collect()
}

/// The line through the lower and the upper quartile, as R's `qqline` draws it: intercept and slope.
fn reference(pairs: &[Pair]) -> Option<(f64, f64)> {
    let at = |p: f64| {
        let position = p * (pairs.len() - 1) as f64;
        let (below, share) = (position.floor() as usize, position.fract());
        let next = pairs.get(below + 1).unwrap_or(&pairs[below]);
        pairs[below].1 + (next.1 - pairs[below].1) * share
    };
    if pairs.len() < 3 {
        return None;
    }
    let z = Normal::standard().inverse_cdf(0.75);
    let (low, high) = (at(0.25), at(0.75));
    Some((low / 2.0 + high / 2.0, (high - low) / (2.0 * z)))
}

/// The points without those that would print on their neighbour: a million values are as light as a thousand.
fn thinned(pairs: &[Pair], panel: &Panel) -> Vec<Pair> {
    let mut kept: Vec<Pair> = Vec::new();
    for pair in pairs {
        let near = kept.last().is_some_and(|last| {
            let (dx, dy) = (panel.at_x(pair.0) - panel.at_x(last.0), panel.at_y(pair.1) - panel.at_y(last.1));
            dx.hypot(dy) < 1.2
        });
        if !near {
            kept.push(*pair);
        }
    }
    kept
}

fn draw_panel(drawing: &mut Drawing, panel: &Panel, pairs: &[Pair], rgb: u32) {
    panel.draw(drawing, Frame::FULL, |chart| {
        if let Some((intercept, slope)) = reference(pairs) {
            // Forty points rather than two, so that the line is right on a logarithmic axis too.
            let (low, high) = panel.x.domain();
            let at = |i: i32| low + (high - low) * f64::from(i) / 40.0;
            let line = (0..=40).map(|i| (at(i), intercept + slope * at(i)));
            let inside: Vec<Pair> = line.filter(|p| panel.y.contains(p.1)).collect();
            chart.draw_series([PathElement::new(inside, stroke(color::MUTED, 1.0, 0.9))])?;
        }
        chart.draw_series(
            thinned(pairs, panel).into_iter().map(|at| Circle::new(at, units(1.6), fill(rgb, 0.6))),
        )?;
        Ok(())
    });
    rule(drawing, (panel.area.left, panel.area.bottom), (panel.area.right, panel.area.bottom));
}

/// Clears tick labels that would reach into a neighbour's column.
fn keep_labels_in(panel: &mut Panel, (left, right): (f32, f32)) {
    for i in 0..panel.x.ticks.len() {
        let (x, half) = (panel.at_x(panel.x.ticks[i].value), measure(&TICK, &panel.x.ticks[i].label) / 2.0);
        if x - half < left || x + half > right {
            panel.x.ticks[i].label.clear();
        }
    }
}

fn panel_title(drawing: &mut Drawing, group: &Sample, rgb: u32, (left, y): (f32, f32), width: f32) {
    let style = NAME.tinted(rgb);
    let name = fit(&style, group.name, width);
    write(drawing, (left, y), Anchor::Start, &style, &name);
    let used = measure(&style, &name) + 6.0;
    write(drawing, (left + used, y), Anchor::Start, &NOTE, &fit(&NOTE, group.note, width - used));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_symmetric_and_in_order() {
        let pairs = pairs(&[3.0, 1.0, f64::NAN, 2.0]);
        assert_eq!(pairs.iter().map(|p| p.1).collect::<Vec<_>>(), [1.0, 2.0, 3.0]);
        assert!((pairs[0].0 + pairs[2].0).abs() < 1e-9 && pairs[1].0.abs() < 1e-9);
        // statsmodels.api.ProbPlot(a=3/8): norm.ppf(0.625 / 3.25)
        assert!((pairs[0].0 + 0.869423773288888).abs() < 1e-9, "{}", pairs[0].0);
    }

    #[test]
    fn normal_quantiles_lie_on_the_line() {
        let normal = Normal::new(5.0, 2.0).unwrap();
        let values: Vec<f64> = (1..2000).map(|i| normal.inverse_cdf(f64::from(i) / 2000.0)).collect();
        let (intercept, slope) = reference(&pairs(&values)).unwrap();
        assert!((intercept - 5.0).abs() < 1e-6 && (slope - 2.0).abs() < 0.01, "{intercept} {slope}");
        let plain = |v: f64| v.to_string();
        let axis = Axis { title: "", format: &plain, log: false };
        let area = Area { left: 0.0, top: 0.0, right: 150.0, bottom: 130.0 };
        let pairs = pairs(&values);
        let scales = (axis.scale(pairs.iter().map(|p| p.0)), axis.scale(pairs.iter().map(|p| p.1)));
        let kept = thinned(&pairs, &Panel::new(area, scales.0, &axis, scales.1, &axis));
        assert!((50..200).contains(&kept.len()) && kept[0] == pairs[0], "{}", kept.len());
        assert_eq!(reference(&[(0.0, 1.0), (1.0, 2.0)]), None);
    }
}
