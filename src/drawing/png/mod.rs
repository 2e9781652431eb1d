//! A drawing as an opaque PNG, for mail readers that show neither SVG nor transparency.

mod encode;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint as Ink, Path, PathBuilder, Pixmap, Stroke, StrokeDash,
    Transform,
};

use super::{Anchor, Drawing, Mark, Paint};
use crate::fonts::{Face, shape};

/// Widest or highest picture in pixels; larger scales are reduced to it.
const LARGEST: f32 = 16_000.0;

/// Paints `drawing` on white at `scale` pixels a point. Empty only for a drawing without area.
pub fn png(drawing: &Drawing, scale: f32) -> Vec<u8> {
    paint(drawing, scale).map_or_else(Vec::new, encode::png)
}

fn paint(drawing: &Drawing, scale: f32) -> Option<Pixmap> {
    let scale = scale.min(LARGEST / drawing.width.max(drawing.height));
    let side = |points: f32| (points * scale).round().max(1.0) as u32;
    let mut pixmap = Pixmap::new(side(drawing.width), side(drawing.height))?;
    pixmap.fill(Color::WHITE);
    let view = Transform::from_scale(scale, scale);
    for mark in &drawing.marks {
        paint_mark(&mut pixmap, view, mark);
    }
    Some(pixmap)
}

fn paint_mark(pixmap: &mut Pixmap, view: Transform, mark: &Mark) {
    match mark {
        Mark::Line { points, stroke, width, dash } => {
            draw(pixmap, view, polyline(points, false), None, Some((*stroke, *width)), dash);
        }
        Mark::Polygon { points, fill, stroke } => {
            draw(pixmap, view, polyline(points, true), *fill, *stroke, &[]);
        }
        Mark::Rect { frame, radius, fill, stroke } => {
            draw(pixmap, view, rounded(*frame, *radius), *fill, *stroke, &[]);
        }
        Mark::Circle { center: (x, y), radius, fill, stroke } => {
            draw(pixmap, view, PathBuilder::from_circle(*x, *y, *radius), *fill, *stroke, &[]);
        }
        Mark::Text { at, text, size, weight, fill, anchor, rotate } => {
            let face = weight.face();
            let back = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => shape::width(face, *size, text) / 2.0,
                Anchor::End => shape::width(face, *size, text),
            };
            let place = view.pre_translate(at.0, at.1).pre_concat(Transform::from_rotate(-rotate));
            let place = place.pre_translate(-back, 0.0).pre_scale(*size, *size);
            draw(pixmap, place, outlines(face, text), Some(*fill), None, &[]);
        }
    }
}

fn draw(
    pixmap: &mut Pixmap,
    view: Transform,
    path: Option<Path>,
    fill: Option<Paint>,
    stroke: Option<(Paint, f32)>,
    dash: &[f32],
) {
    let Some(path) = path else { return };
    if let Some(paint) = fill {
        pixmap.fill_path(&path, &ink(paint), FillRule::Winding, view, None);
    }
    if let Some((paint, width)) = stroke {
        let dash = if dash.is_empty() { None } else { StrokeDash::new(dash.to_vec(), 0.0) };
        let style =
            Stroke { width, line_cap: LineCap::Butt, line_join: LineJoin::Round, dash, ..Stroke::default() };
        pixmap.stroke_path(&path, &ink(paint), &style, view, None);
    }
}

fn ink(paint: Paint) -> Ink<'static> {
    let [_, r, g, b] = paint.rgb.to_be_bytes();
    let mut ink = Ink { anti_alias: true, ..Ink::default() };
    ink.set_color_rgba8(r, g, b, (paint.alpha.clamp(0.0, 1.0) * 255.0).round() as u8);
    ink
}

fn polyline(points: &[(f32, f32)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let (first, rest) = points.split_first()?;
    path.move_to(first.0, first.1);
    for (x, y) in rest {
        path.line_to(*x, *y);
    }
    if closed {
        path.close();
    }
    path.finish()
}

/// A rectangle whose corners are quarter circles, as Bézier curves.
fn rounded((x, y, w, h): (f32, f32, f32, f32), radius: f32) -> Option<Path> {
    let (right, bottom) = (x + w, y + h);
    let r = radius.min(w / 2.0).min(h / 2.0);
    if r <= 0.0 {
        return polyline(&[(x, y), (right, y), (right, bottom), (x, bottom)], true);
    }
    // The control points of a Bézier quarter circle lie at 0.5523 of the radius, hence 0.4477 from the corner.
    let c = r * 0.4477;
    let mut path = PathBuilder::new();
    path.move_to(x + r, y);
    path.line_to(right - r, y);
    path.cubic_to(right - c, y, right, y + c, right, y + r);
    path.line_to(right, bottom - r);
    path.cubic_to(right, bottom - c, right - c, bottom, right - r, bottom);
    path.line_to(x + r, bottom);
    path.cubic_to(x + c, bottom, x, bottom - c, x, bottom - r);
    path.line_to(x, y + r);
    path.cubic_to(x, y + c, x + c, y, x + r, y);
    path.close();
    path.finish()
}

/// The outlines of shaped `text` at size 1, pen at the origin, y downwards.
fn outlines(face: Face, text: &str) -> Option<Path> {
    let font = FontRef::new(face.bytes()).ok()?;
    let glyphs = font.outline_glyphs();
    // Outlines are read in font units: skrifa rounds scaled ones to 1/64 of a pixel, which is coarse at size 1.
    let em = f32::from(font.metrics(Size::unscaled(), LocationRef::default()).units_per_em.max(1));
    let mut pen = Pen { path: PathBuilder::new(), origin: (0.0, 0.0), em };
    let mut x = 0.0;
    for glyph in shape::shape(face, text) {
        pen.origin = (x + glyph.offset.0, -glyph.offset.1);
        if let Some(outline) = glyphs.get(GlyphId::from(glyph.gid)) {
            // An outline that cannot be read leaves a gap of its own width; the embedded faces have none.
            let _ = outline.draw(DrawSettings::unhinted(Size::unscaled(), LocationRef::default()), &mut pen);
        }
        x += glyph.advance;
    }
    pen.path.finish()
}

/// Turns font outlines (y upwards) into a path (y downwards).
struct Pen {
    path: PathBuilder,
    origin: (f32, f32),
    em: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.origin.0 + x / self.em, self.origin.1 - y / self.em)
    }
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        let ((cx, cy), (x, y)) = (self.at(cx, cy), self.at(x, y));
        self.path.quad_to(cx, cy, x, y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        let ((ax, ay), (bx, by), (x, y)) = (self.at(ax, ay), self.at(bx, by), self.at(x, y));
        self.path.cubic_to(ax, ay, bx, by, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::Weight;

    fn dark(pixmap: &Pixmap, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        let all = x.flat_map(|x| y.clone().map(move |y| (x, y)));
        all.filter(|(x, y)| pixmap.pixel(*x, *y).is_some_and(|p| p.red() < 128)).count()
    }

    #[test]
    fn text_and_marks_are_painted_where_they_are_said_to_be() {
        let mut drawing = Drawing::new(60.0, 30.0);
        drawing.rect((0.0, 0.0, 10.0, 5.0), 0.0, Paint::solid(0));
        drawing.text((60.0, 28.0), Anchor::End, 10.0, Weight::SemiBold, 0, "ЖШ");
        let bytes = png(&drawing, 2.0);
        assert_eq!(bytes, png(&drawing, 2.0));
        let pixmap = Pixmap::decode_png(&bytes).unwrap();
        assert_eq!((pixmap.width(), pixmap.height()), (120, 60));
        assert!(pixmap.pixels().iter().all(|p| p.alpha() == 255));
        assert_eq!(dark(&pixmap, 0..20, 0..10), 200);
        assert!(dark(&pixmap, 80..120, 40..56) > 80);
        assert_eq!(dark(&pixmap, 0..75, 12..60) + dark(&pixmap, 22..120, 0..38), 0);
    }

    #[test]
    fn rounded_corners_are_cut_and_alpha_mixes_with_white() {
        let mut drawing = Drawing::new(20.0, 20.0);
        drawing.rect((0.0, 0.0, 20.0, 20.0), 8.0, Paint { rgb: 0, alpha: 0.5 });
        let pixmap = paint(&drawing, 1.0).unwrap();
        assert_eq!(pixmap.pixel(0, 0).unwrap().red(), 255);
        assert!((i32::from(pixmap.pixel(10, 10).unwrap().red()) - 127).abs() <= 1);
    }

    #[test]
    fn quarter_turns_run_upwards() {
        let mut drawing = Drawing::new(20.0, 60.0);
        drawing.text((15.0, 55.0), Anchor::Start, 10.0, Weight::Regular, 0, "ШШШШ");
        if let Some(Mark::Text { rotate, .. }) = drawing.marks.last_mut() {
            *rotate = 90.0;
        }
        let pixmap = paint(&drawing, 1.0).unwrap();
        assert!(dark(&pixmap, 5..16, 20..55) > 40);
        assert_eq!(dark(&pixmap, 0..20, 56..60), 0);
    }
}
