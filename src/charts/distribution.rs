//! Distributions of groups, a row a group over one axis: a histogram, the middle half with the median, the mean, and
//! every value as a dot below, so that neither the shape nor a single huge value is hidden.

use std::collections::BTreeMap;

use plotters::element::{Circle, PathElement, Polygon, Rectangle};

use super::histogram::Bins;
use super::labels::{Labels, Spot};
use super::scale::finite;
use super::style::{
    Area, Axis, Frame, LABEL, NAME, NOTE, Panel, Type, WIDTH, below, fill, fit, measure, stroke, title_below,
    units, wrap, write,
};
use crate::drawing::{Anchor, Drawing, Paint};
use crate::theme::color;

/// Values of a group.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Name of the group.
    pub name: &'a str,
    /// A line or two under the name («n = 256, среднее 18,70»); may be empty.
    pub note: &'a str,
    /// Values in any order; what is not finite is left out.
    pub values: &'a [f64],
}

/// The plot.
#[derive(Clone, Copy)]
pub struct Distribution<'a> {
    /// Groups from the top, the control first.
    pub groups: &'a [Sample<'a>],
    /// The axis of the values.
    pub axis: Axis<'a>,
    /// Formats the largest value of each group, written beside its dot («1 303,61»).
    pub extreme: &'a dyn Fn(f64) -> String,
    /// Words of the key: the middle half («половина значений»), the median, the mean.
    pub key: [&'a str; 3],
}

/// Parts of a row, in shares of its height from the bottom.
const DOTS: f64 = 0.13;
const BOX: (f64, f64) = (0.21, 0.34);
const FOOT: f64 = 0.40;
const TOP: f64 = 0.94;

/// Dots stand in cells this many points wide.
const DOT: f32 = 1.25;

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan).
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p * (sorted.len().saturating_sub(1)) as f64;
    let (below, share) = (position.floor() as usize, position.fract());
    let at = |i: usize| sorted.get(i).or(sorted.last()).copied().unwrap_or(0.0);
    at(below) + (at(below + 1) - at(below)) * share
}

/// Draws the plot. Bars of all rows share one height scale: the share of the group's values in a bin.
pub fn distribution(plot: &Distribution) -> Drawing {
    let _stage = super::stage();
    let samples: Vec<Vec<f64>> = plot
        .groups
        .iter()
        .map(|g| {
            let mut values = finite(g.values.iter().copied());
            values.sort_by(f64::total_cmp);
            values
        })
        .collect();
    let rows = samples.len().max(1);
    let pitch = (280.0 / rows as f32).clamp(46.0, 84.0);
    let names = |g: &Sample| {
        measure(&NAME, g.name).max(g.note.split('\n').map(|l| measure(&NOTE, l)).fold(0.0, f32::max))
    };
    let label = plot.groups.iter().map(names).fold(0.0, f32::max).min(0.3 * WIDTH);
    let head = 16.0;
    let area =
        Area { left: label + 14.0, top: head, right: WIDTH - 12.0, bottom: head + pitch * rows as f32 };
    let scale = plot.axis.scale(samples.iter().flatten().copied());
    let panel = Panel::rows(area, scale, &plot.axis, rows);
    let area = panel.area;
    let mut drawing = Drawing::new(WIDTH, (area.bottom + below(plot.axis.title)).ceil());
    key(&mut drawing, plot.key, head);
    for (i, group) in plot.groups.iter().enumerate() {
        let top = area.top + pitch * i as f32;
        write_name(&mut drawing, group, color::group(i), (top, pitch), label);
    }
    let bins = Bins::shared(&samples.iter().map(Vec::as_slice).collect::<Vec<_>>(), &panel.x);
    let highest = bins.iter().map(Bins::highest).fold(0.0, f64::max).max(1e-12);
    panel.draw(&mut drawing, Frame::ROWS, |chart| {
        for (i, (sorted, bins)) in samples.iter().zip(&bins).enumerate() {
            let (foot, rgb) = ((rows - 1 - i) as f64, color::group(i));
            if sorted.is_empty() {
                continue;
            }
            bins.draw(chart, &panel.x, foot + FOOT, (TOP - FOOT) / highest, rgb, 0.45)?;
            let ends = [panel.x.domain().0, panel.x.domain().1].map(|x| (x, foot + FOOT));
            chart.draw_series([PathElement::new(ends.to_vec(), stroke(rgb, 0.55, 0.5))])?;
            chart.draw_series(dots(sorted, &panel).into_iter().map(|(value, weight)| {
                let alpha = (0.3 + 0.12 * (weight as f64).ln_1p()).min(0.9);
                Circle::new((value, foot + DOTS), units(1.5), fill(rgb, alpha))
            }))?;
            let [low, middle, high] = [0.25, 0.5, 0.75].map(|p| quantile(sorted, p));
            let corners = [(low, foot + BOX.0), (high, foot + BOX.1)];
            chart.draw_series([Rectangle::new(corners, fill(rgb, 0.35))])?;
            let bar = vec![(middle, foot + BOX.0 - 0.03), (middle, foot + BOX.1 + 0.03)];
            chart.draw_series([PathElement::new(bar, stroke(color::INK, 1.0, 1.5))])?;
        }
        // A line between rows.
        let (low, high) = panel.x.domain();
        chart.draw_series((1..rows).map(|i| {
            PathElement::new(vec![(low, i as f64), (high, i as f64)], stroke(color::LINE, 1.0, 0.5))
        }))?;
        chart.draw_series(samples.iter().enumerate().filter(|(_, s)| !s.is_empty()).map(|(i, sorted)| {
            let mean = sorted.iter().map(|v| v / sorted.len() as f64).sum::<f64>();
            let level = (rows - 1 - i) as f64 + (BOX.0 + BOX.1) / 2.0;
            diamond(&panel, mean, level)
        }))?;
        Ok(())
    });
    for (i, sorted) in samples.iter().enumerate() {
        let top = area.top + pitch * i as f32;
        write_extreme(&mut drawing, &panel, sorted, (top, pitch), plot.extreme, color::group(i));
    }
    title_below(&mut drawing, &area, plot.axis.title);
    drawing
}

/// One dot for values that would print on each other, with how many they are.
fn dots(sorted: &[f64], panel: &Panel) -> Vec<(f64, usize)> {
    let mut cells: BTreeMap<i64, (f64, usize)> = BTreeMap::new();
    for value in sorted {
        let cell = (panel.at_x(*value) / DOT).round() as i64;
        cells.entry(cell).or_insert((*value, 0)).1 += 1;
    }
    cells.into_values().collect()
}

/// The mark of a mean: a diamond as high as the box.
fn diamond(panel: &Panel, value: f64, level: f64) -> Polygon<(f64, f64)> {
    let reach = 3.4 / f64::from(panel.area.width());
    let tall = 3.4 / f64::from(panel.area.height()) * (panel.y.domain().1 - panel.y.domain().0);
    let middle = panel.x.fraction(value).clamp(reach, 1.0 - reach);
    let x = |step: f64| panel.x.value(middle + step * reach);
    let corners = vec![(x(-1.0), level), (x(0.0), level + tall), (x(1.0), level), (x(0.0), level - tall)];
    Polygon::new(corners, fill(color::INK, 1.0))
}

/// The key at the top right: box, median, mean.
fn key(drawing: &mut Drawing, words: [&str; 3], head: f32) {
    let y = head - 7.0;
    let mut right = WIDTH - 12.0;
    for (i, word) in words.iter().enumerate().rev().filter(|(_, w)| !w.is_empty()) {
        let word = fit(&NOTE, word, WIDTH / 4.0);
        write(drawing, (right, y), Anchor::End, &NOTE, &word);
        right -= measure(&NOTE, &word) + 4.0;
        let middle = y - NOTE.size * 0.3;
        match i {
            0 => drawing.rect(
                (right - 14.0, middle - 3.0, 14.0, 6.0),
                0.0,
                Paint { rgb: color::MUTED, alpha: 0.4 },
            ),
            1 => drawing.line(
                vec![(right - 2.0, middle - 4.0), (right - 2.0, middle + 4.0)],
                Paint::solid(color::INK),
                1.5,
                &[],
            ),
            _ => drawing.polygon(
                vec![
                    (right - 6.8, middle),
                    (right - 3.4, middle - 3.4),
                    (right, middle),
                    (right - 3.4, middle + 3.4),
                ],
                Paint::solid(color::INK),
            ),
        }
        right -= [14.0, 4.0, 6.8][i] + 12.0;
    }
}

/// Name and note of a group, together centred on the row.
fn write_name(drawing: &mut Drawing, group: &Sample, rgb: u32, (top, pitch): (f32, f32), width: f32) {
    let room = ((pitch - 4.0) / NOTE.leading()) as usize;
    let name = NAME.tinted(rgb);
    let mut lines: Vec<(Type, String)> =
        wrap(&name, group.name, width, 2).into_iter().map(|l| (name, l)).collect();
    lines.extend(group.note.split('\n').flat_map(|l| wrap(&NOTE, l, width, 2)).map(|l| (NOTE, l)));
    lines.truncate(room.max(1));
    let height = (lines.len() as f32 - 1.0) * NAME.leading();
    for (i, (style, line)) in lines.iter().enumerate() {
        let y = top + pitch / 2.0 - height / 2.0 + i as f32 * NAME.leading() + LABEL.size * 0.35;
        write(drawing, (0.0, y), Anchor::Start, style, line);
    }
}

/// The largest value of a row, beside its dot or above it.
fn write_extreme(
    drawing: &mut Drawing,
    panel: &Panel,
    sorted: &[f64],
    (top, pitch): (f32, f32),
    format: &dyn Fn(f64) -> String,
    rgb: u32,
) {
    let (Some(smallest), Some(largest), true) = (sorted.first(), sorted.last(), sorted.len() > 1) else {
        return;
    };
    let up = |share: f64| top + pitch * (1.0 - share as f32);
    let mut labels = Labels::new(Area { left: panel.area.left, top, right: WIDTH, bottom: top + pitch });
    let (x, y) = (panel.at_x(*largest), up(DOTS));
    labels.avoid_line(&[(panel.at_x(*smallest), y), (x, y)]);
    let middle = up((BOX.0 + BOX.1) / 2.0);
    let mean = sorted.iter().map(|v| v / sorted.len() as f64).sum::<f64>();
    labels.avoid_line(&[
        (panel.at_x(quantile(sorted, 0.25)), middle),
        (panel.at_x(quantile(sorted, 0.75)), middle),
    ]);
    labels.avoid_point((panel.at_x(mean), middle));
    let style = LABEL.tinted(rgb);
    let text = fit(&style, &format(*largest), panel.area.width() / 2.0);
    let half = measure(&style, &text) / 2.0;
    let centre = x.clamp(panel.area.left + half, (WIDTH - half).max(panel.area.left + half));
    let mut spots =
        vec![(x + 5.0, y + style.size * 0.33, Anchor::Start, 0.0), (centre, y - 4.5, Anchor::Middle, 2.0)];
    spots.push((x - 5.0, y + style.size * 0.33, Anchor::End, 4.0));
    // Above the histogram's foot, where only the tail of the bars is.
    spots.push((centre, up(FOOT) - 4.0, Anchor::Middle, 6.0));
    let spots: Vec<Spot> = spots
        .into_iter()
        .map(|(x, y, anchor, cost)| Spot { at: (x, y), anchor, target: (x, y), cost })
        .collect();
    labels.place(drawing, &style, &text, &spots);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&sorted, p)), [1.0, 1.75, 3.0, 5.0, 8.0]);
        assert_eq!(quantile(&[3.0], 0.75), 3.0);
    }
}
