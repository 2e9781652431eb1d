//! Bootstrap replicates of an effect: their histogram, the interval, the observed value and the line of no effect.

use plotters::element::{PathElement, Rectangle};

use super::histogram::Bins;
use super::labels::{Labels, Spot};
use super::rows::band_spots;
use super::scale::{Scale, finite};
use super::style::{
    Area, Axis, Frame, LABEL, NAME, NOTE, Panel, WIDTH, below, fill, fit, rule, stroke, title_below,
};
use crate::drawing::{Anchor, Drawing, Paint};
use crate::theme::color;

/// The plot.
#[derive(Clone, Copy)]
pub struct Replicates<'a> {
    /// Effects in the resamples.
    pub values: &'a [f64],
    /// The effect in the data and its words («в данных −6,34»).
    pub observed: (f64, &'a str),
    /// The interval and its words («интервал 95 %: от −17,38 до +4,71»).
    pub interval: Option<(f64, f64, &'a str)>,
    /// Words of the line at zero («нет разницы»).
    pub zero: &'a str,
    /// Axis of the effect; `log` is ignored.
    pub effect: Axis<'a>,
    /// Axis of the share of resamples.
    pub share: Axis<'a>,
}

/// Draws the histogram with the interval as a band behind it.
pub fn replicates(plot: &Replicates) -> Drawing {
    let _stage = super::stage();
    let values = finite(plot.values.iter().copied());
    let band = plot.interval.filter(|(low, high, _)| low.is_finite() && high.is_finite() && low <= high);
    let ends = band.iter().flat_map(|(low, high, _)| [*low, *high]);
    let x = Scale::around(values.iter().copied().chain(ends).chain([plot.observed.0, 0.0]), 0.03);
    let bins = Bins::new(&values, &x);
    let y = Scale::linear(0.0, bins.highest().max(1e-9) * 1.06);
    let head = 34.0;
    let area = Area { left: 0.0, top: head, right: WIDTH - 12.0, bottom: head + 130.0 };
    let panel = Panel::new(area, x, &plot.effect, y, &plot.share);
    let area = panel.area;
    let mut drawing = Drawing::new(WIDTH, (area.bottom + below(plot.effect.title)).ceil());
    let top = panel.y.domain().1;
    let rgb = color::NOTE.0;
    panel.draw(&mut drawing, Frame::FULL, |chart| {
        if let Some((low, high, _)) = band {
            chart.draw_series([Rectangle::new([(low, 0.0), (high, top)], fill(rgb, 0.09))])?;
        }
        bins.draw(chart, &panel.x, 0.0, 1.0, rgb, 0.55)?;
        let line = |x: f64| vec![(x, 0.0), (x, top)];
        chart.draw_series([PathElement::new(line(0.0), stroke(color::INK, 1.0, 1.0))])?;
        if plot.observed.0.is_finite() {
            chart.draw_series([PathElement::new(
                line(panel.x.clamp(plot.observed.0)),
                stroke(color::BAD.0, 1.0, 1.5),
            )])?;
        }
        Ok(())
    });
    rule(&mut drawing, (area.left, area.bottom), (area.right, area.bottom));
    if let Some((low, high, _)) = band {
        for x in [panel.at_x(low), panel.at_x(high)] {
            drawing.line(vec![(x, area.top), (x, area.bottom)], Paint::solid(rgb), 0.75, &[3.0, 2.0]);
        }
    }
    let mut labels = Labels::new(Area { left: 0.0, top: 0.0, right: WIDTH, bottom: area.top });
    let mut say = |text: &str, value: f64, style, anchor| {
        let x = panel.at_x(panel.x.clamp(value));
        let text = fit(&style, text, WIDTH * 0.45);
        labels.place(&mut drawing, &style, &text, &band_spots(x, area.top + 2.0, anchor, &style));
    };
    if plot.observed.0.is_finite() {
        let away = if plot.observed.0 > 0.0 { Anchor::Start } else { Anchor::End };
        say(plot.observed.1, plot.observed.0, NAME.tinted(color::BAD.0), away);
    }
    say(plot.zero, 0.0, LABEL, if plot.observed.0 > 0.0 { Anchor::End } else { Anchor::Start });
    if let Some((low, high, words)) = band {
        say(words, low / 2.0 + high / 2.0, LABEL.tinted(rgb), Anchor::Middle);
    }
    let title = fit(&NOTE, plot.share.title, area.width() / 2.0);
    if !title.is_empty() {
        let heights = [area.top - 8.0, area.top - 8.0 - NOTE.leading(), 8.0];
        let spots = heights.map(|y| Spot {
            at: (0.0, y),
            anchor: Anchor::Start,
            target: (0.0, y),
            cost: area.top - y,
        });
        labels.place(&mut drawing, &NOTE, &title, &spots);
    }
    title_below(&mut drawing, &area, plot.effect.title);
    drawing
}
