//! A [`Drawing`] as PDF operators: vectors stay vectors and text stays text in the report's own faces.

use std::collections::BTreeSet;

use printpdf::PaintMode;

use super::canvas::{Canvas, TextStyle};
use super::text::{Typesetter, clean};
use crate::drawing::{Anchor, Drawing, Mark, Paint, Weight};
use crate::fonts::Face;

/// Where a drawing stands on the page: its top left corner in points, and points of the page to a point of its own.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Left.
    pub x: f32,
    /// Top.
    pub y: f32,
    /// Scale.
    pub scale: f32,
}

impl Frame {
    fn point(&self, (x, y): (f32, f32)) -> (f32, f32) {
        (self.x + x * self.scale, self.y + y * self.scale)
    }

    fn points(&self, points: &[(f32, f32)]) -> Vec<(f32, f32)> {
        points.iter().map(|p| self.point(*p)).collect()
    }
}

/// The opacities that drawings use, in percent: each is a resource of the document.
pub type Opacities = BTreeSet<u8>;

/// Draws `drawing` on `canvas` in painting order.
pub fn draw(
    canvas: &mut Canvas,
    ts: &mut Typesetter,
    opacities: &mut Opacities,
    drawing: &Drawing,
    frame: Frame,
) {
    for mark in &drawing.marks {
        match mark {
            Mark::Line { points, stroke, width, dash } => {
                let dash: Vec<f32> = dash.iter().map(|d| d * frame.scale).collect();
                canvas.stroke_style(stroke.rgb, width * frame.scale, &dash, dash.is_empty());
                with_opacity(canvas, opacities, *stroke, |c| c.line(&frame.points(points)));
            }
            Mark::Polygon { points, fill, stroke } => {
                let points = frame.points(points);
                paint(canvas, opacities, *fill, *stroke, frame.scale, |c, mode| c.polygon(&points, mode));
            }
            Mark::Rect { frame: (x, y, w, h), radius, fill, stroke } => {
                let (left, top) = frame.point((*x, *y));
                let sides = (left, top, w * frame.scale, h * frame.scale);
                let radius = radius * frame.scale;
                paint(canvas, opacities, *fill, *stroke, frame.scale, |c, mode| {
                    c.rectangle(sides, radius, mode)
                });
            }
            Mark::Circle { center, radius, fill, stroke } => {
                let ((x, y), r) = (frame.point(*center), radius * frame.scale);
                if let (Some(fill), None) = (fill, stroke) {
                    canvas.disc_style(fill.rgb, 2.0 * r);
                    with_opacity(canvas, opacities, *fill, |c| c.line(&[(x, y), (x, y)]));
                    continue;
                }
                let sides = (x - r, y - r, 2.0 * r, 2.0 * r);
                paint(canvas, opacities, *fill, *stroke, frame.scale, |c, mode| c.rectangle(sides, r, mode));
            }
            Mark::Text { at, text, size, weight, fill, anchor, rotate } => {
                let face = match weight {
                    Weight::Regular => Face::Regular,
                    Weight::SemiBold => Face::SemiBold,
                };
                let word = ts.word(face, &clean(text));
                let size = size * frame.scale;
                let back = word.width
                    * size
                    * match anchor {
                        Anchor::Start => 0.0,
                        Anchor::Middle => 0.5,
                        Anchor::End => 1.0,
                    };
                let (sin, cos) = rotate.to_radians().sin_cos();
                let (x, y) = frame.point(*at);
                let style = TextStyle { face: word.face, size, color: fill.rgb, rotate: *rotate };
                with_opacity(canvas, opacities, *fill, |c| {
                    c.begin_text();
                    c.glyphs(&word.glyphs, x - back * cos, y + back * sin, style);
                    c.end_text();
                });
            }
        }
    }
}

/// Paints a closed shape: its fill, then its outline.
fn paint(
    canvas: &mut Canvas,
    opacities: &mut Opacities,
    fill: Option<Paint>,
    stroke: Option<(Paint, f32)>,
    scale: f32,
    shape: impl Fn(&mut Canvas, PaintMode),
) {
    if let Some(fill) = fill {
        canvas.fill_color(fill.rgb);
        with_opacity(canvas, opacities, fill, |c| shape(c, PaintMode::Fill));
    }
    if let Some((stroke, width)) = stroke {
        canvas.stroke_style(stroke.rgb, width * scale, &[], false);
        with_opacity(canvas, opacities, stroke, |c| shape(c, PaintMode::Stroke));
    }
}

fn with_opacity(
    canvas: &mut Canvas,
    opacities: &mut Opacities,
    paint: Paint,
    draw: impl FnOnce(&mut Canvas),
) {
    let percent = (paint.alpha.clamp(0.0, 1.0) * 100.0).round() as u8;
    match percent {
        0 => {}
        100 => draw(canvas),
        _ => {
            opacities.extend([percent, 100]);
            canvas.opacity(percent);
            draw(canvas);
            canvas.opacity(100);
        }
    }
}
