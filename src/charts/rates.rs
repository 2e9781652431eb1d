//! Values of groups with their intervals: conversion, means. Dots on an axis that need not begin at zero, because a
//! dot, unlike a bar, does not claim that its length is the value.

use plotters::element::PathElement;

use super::rows::{Interval, Rows, Words, draw_interval, interval_scale};
use super::style::{Axis, Frame, NAME, stroke, title_below};
use crate::drawing::Drawing;
use crate::theme::color;

/// A group's value.
#[derive(Clone, Copy, Debug)]
pub struct Rate<'a> {
    /// Name of the group.
    pub name: &'a str,
    /// A smaller second line («25 000 из 40 000»); may be empty.
    pub note: &'a str,
    /// Value; not finite: no mark.
    pub estimate: f64,
    /// Lower end of the interval; not finite: open.
    pub low: f64,
    /// Upper end of the interval; not finite: open.
    pub high: f64,
    /// The value as text («62,50 %»), printed at the right.
    pub text: &'a str,
}

/// The plot.
#[derive(Clone, Copy)]
pub struct Rates<'a> {
    /// Groups in order, the control first.
    pub groups: &'a [Rate<'a>],
    /// The axis of the values; `log` is ignored.
    pub axis: Axis<'a>,
    /// Heading of the text column; may be empty.
    pub text_title: &'a str,
    /// Whether a thin line continues the first group's value through all rows, for comparison.
    pub baseline: bool,
}

/// Draws the plot, a row a group in the group's colour.
pub fn rates(plot: &Rates) -> Drawing {
    let _stage = super::stage();
    let intervals: Vec<Interval> =
        plot.groups.iter().map(|g| Interval { estimate: g.estimate, low: g.low, high: g.high }).collect();
    let words: Vec<Words> = plot
        .groups
        .iter()
        .enumerate()
        .map(|(i, g)| Words {
            label: g.name,
            note: g.note,
            text: g.text,
            style: NAME.tinted(color::group(i)),
        })
        .collect();
    let head = if plot.text_title.is_empty() { 6.0 } else { 18.0 };
    let scale = interval_scale(&intervals, []);
    let mut rows = Rows::new(&words, scale, &plot.axis, head, plot.text_title);
    let panel = rows.panel.clone();
    let levels: Vec<f64> = (0..plot.groups.len()).map(|i| rows.level(i)).collect();
    panel.draw(&mut rows.drawing, Frame::ROWS, |chart| {
        let (foot, top) = panel.y.domain();
        if let Some(first) = intervals.first().filter(|i| plot.baseline && i.estimate.is_finite()) {
            let ends = vec![(first.estimate, foot), (first.estimate, top)];
            chart.draw_series([PathElement::new(ends, stroke(color::group(0), 0.5, 0.75))])?;
        }
        for (i, (interval, level)) in intervals.iter().zip(&levels).enumerate() {
            draw_interval(chart, &panel.x, *level, interval, color::group(i), true)?;
        }
        Ok(())
    });
    for (i, interval) in intervals.iter().enumerate() {
        rows.arrows(i, interval, color::group(i));
    }
    title_below(&mut rows.drawing, &panel.area, plot.axis.title);
    rows.drawing
}
