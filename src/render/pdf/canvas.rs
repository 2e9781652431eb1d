//! The content of one page as printpdf operators. Coordinates come in points from the top left corner of the page;
//! PDF counts from the bottom left, and that turn is made here and nowhere else.

use std::collections::BTreeMap;

use printpdf::{
    Codepoint, Color, DictItem, ExtendedGraphicsStateId, FontId, Line as PdfLine, LineCapStyle,
    LineDashPattern, LineJoinStyle, LinePoint, Op, PaintMode, PdfFontHandle, Point, Polygon, PolygonRing, Pt,
    Rgb, TextItem, TextMatrix, WindingOrder,
};

use super::paragraph::Fragment;
use super::text::Glyph;
use crate::fonts::Face;
use crate::theme::page;

/// Operators of a page in the making.
#[derive(Default)]
pub struct Canvas {
    /// The operators so far.
    pub ops: Vec<Op>,
    font: Option<(Face, f32)>,
    fill: Option<u32>,
    stroke: Option<StrokeStyle>,
}

/// Colour, width, dashes and whether the caps are round.
type StrokeStyle = (u32, f32, Vec<f32>, bool);

/// How text is shown.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    /// Face.
    pub face: Face,
    /// Size in points.
    pub size: f32,
    /// Colour, 0xRRGGBB.
    pub color: u32,
    /// Degrees counter-clockwise about the start of the text.
    pub rotate: f32,
}

/// Resource name of a face.
pub fn font_name(face: Face) -> &'static str {
    ["T0", "T1", "T2", "T3"][face as usize]
}

/// Resource name of an opacity in percent.
pub fn opacity_name(percent: u8) -> String {
    format!("A{percent}")
}

/// Two decimals are a fiftieth of the finest printer's dot, and make short numbers.
fn round(v: f32) -> f32 {
    if v.is_finite() { (v * 100.0).round() / 100.0 } else { 0.0 }
}

fn rgb(color: u32) -> Color {
    let channel = |shift: u32| {
        let value = (color >> shift & 0xff) as f32 / 255.0;
        (value * 1000.0).round() / 1000.0
    };
    Color::Rgb(Rgb::new(channel(16), channel(8), channel(0), None))
}

fn point(x: f32, y: f32) -> Point {
    Point { x: Pt(round(x)), y: Pt(round(page::HEIGHT - y)) }
}

fn corner(x: f32, y: f32) -> LinePoint {
    LinePoint { p: point(x, y), bezier: false }
}

fn handle(x: f32, y: f32) -> LinePoint {
    LinePoint { p: point(x, y), bezier: true }
}

/// Distance of a Bézier handle that makes a quarter of a circle of radius 1.
const QUARTER: f32 = 0.552_285;

impl Canvas {
    /// Opens marked content that belongs to the structure tree.
    pub fn begin(&mut self, tag: &str, mcid: usize) {
        let id = DictItem::Int(i64::try_from(mcid).unwrap_or_default());
        self.begin_with(tag, [("MCID".to_string(), id)].into());
    }

    /// Opens content that is decoration or repetition.
    pub fn begin_artifact(&mut self) {
        self.begin_with("Artifact", BTreeMap::new());
    }

    /// Opens a running head (`Header`) or foot (`Footer`).
    pub fn begin_pagination(&mut self, subtype: &str) {
        let name = |n: &str| DictItem::Name(n.as_bytes().to_vec());
        let map = [("Type".to_string(), name("Pagination")), ("Subtype".to_string(), name(subtype))];
        self.begin_with("Artifact", map.into());
    }

    fn begin_with(&mut self, tag: &str, map: BTreeMap<String, DictItem>) {
        let properties = DictItem::Dict { map };
        self.ops.push(Op::BeginMarkedContentWithProperties { tag: tag.to_string(), properties });
    }

    /// Closes what was opened last.
    pub fn end(&mut self) {
        self.ops.push(Op::EndMarkedContentWithProperties);
    }

    /// Sets the colour of fills and text.
    pub fn fill_color(&mut self, color: u32) {
        if self.fill != Some(color) {
            self.fill = Some(color);
            self.ops.push(Op::SetFillColor { col: rgb(color) });
        }
    }

    /// Sets the colour, width and dashes of strokes.
    pub fn stroke_style(&mut self, color: u32, width: f32, dash: &[f32], round_caps: bool) {
        let pattern: Vec<f32> = dash.iter().map(|d| round(*d)).collect();
        let style = Some((color, round(width), pattern.clone(), round_caps));
        if self.stroke == style {
            return;
        }
        self.stroke = style;
        self.ops.push(Op::SetOutlineColor { col: rgb(color) });
        self.ops.push(Op::SetOutlineThickness { pt: Pt(round(width)) });
        self.ops
            .push(Op::SetLineDashPattern { dash: LineDashPattern { pattern: pattern.into(), offset: 0.0 } });
        let cap = if round_caps { LineCapStyle::Round } else { LineCapStyle::Butt };
        self.ops.push(Op::SetLineCapStyle { cap });
        self.ops.push(Op::SetLineJoinStyle { join: LineJoinStyle::Round });
    }

    /// Has the lines to come, of a point twice, painted as discs: a line without length and with round caps is one
    /// (ISO 32000-1, 8.5.3.2), in a tenth of the operators that an outline takes.
    pub fn disc_style(&mut self, color: u32, diameter: f32) {
        self.stroke_style(color, diameter, &[], true);
    }

    /// Sets the opacity of all that follows, in percent.
    pub fn opacity(&mut self, percent: u8) {
        self.ops.push(Op::LoadGraphicsState { gs: ExtendedGraphicsStateId(opacity_name(percent)) });
    }

    /// Strokes an open line with the style set before.
    pub fn line(&mut self, points: &[(f32, f32)]) {
        let points = points.iter().map(|(x, y)| corner(*x, *y)).collect();
        self.ops.push(Op::DrawLine { line: PdfLine { points, is_closed: false } });
    }

    /// Paints a closed polygon with the colours set before.
    pub fn polygon(&mut self, points: &[(f32, f32)], mode: PaintMode) {
        self.path(points.iter().map(|(x, y)| corner(*x, *y)).collect(), mode);
    }

    /// Paints a rectangle with rounded corners.
    pub fn rectangle(&mut self, (x, y, width, height): (f32, f32, f32, f32), radius: f32, mode: PaintMode) {
        let (right, bottom) = (x + width, y + height);
        let r = radius.min(width / 2.0).min(height / 2.0).max(0.0);
        if r == 0.0 {
            return self.polygon(&[(x, y), (right, y), (right, bottom), (x, bottom)], mode);
        }
        let h = r * (1.0 - QUARTER);
        let path = vec![
            corner(x + r, y),
            corner(right - r, y),
            handle(right - h, y),
            handle(right, y + h),
            corner(right, y + r),
            corner(right, bottom - r),
            handle(right, bottom - h),
            handle(right - h, bottom),
            corner(right - r, bottom),
            corner(x + r, bottom),
            handle(x + h, bottom),
            handle(x, bottom - h),
            corner(x, bottom - r),
            corner(x, y + r),
            handle(x, y + h),
            handle(x + h, y),
            corner(x + r, y),
        ];
        self.path(path, mode);
    }

    fn path(&mut self, points: Vec<LinePoint>, mode: PaintMode) {
        if points.is_empty() {
            return;
        }
        let rings = vec![PolygonRing { points }];
        let polygon = Polygon { rings, mode, winding_order: WindingOrder::NonZero };
        self.ops.push(Op::DrawPolygon { polygon });
    }

    /// Opens a text object; [`Canvas::fragments`] and [`Canvas::glyphs`] work inside it.
    pub fn begin_text(&mut self) {
        self.ops.push(Op::StartTextSection);
    }

    /// Closes the text object.
    pub fn end_text(&mut self) {
        self.ops.push(Op::EndTextSection);
    }

    /// Shows fragments of a line that begins at `x` with its baseline at `y`. Neighbours of one style become one
    /// operator, so that readers see whole lines and not letters.
    pub fn fragments(&mut self, fragments: &[Fragment], x: f32, y: f32) {
        let style = |f: &Fragment| (f.word.face, f.size, f.color);
        for group in fragments.chunk_by(|a, b| style(a) == style(b)) {
            let (face, size, color) = style(&group[0]);
            let mut glyphs: Vec<Glyph> = Vec::new();
            for fragment in group {
                let range = fragment.glyphs.clone();
                let spread = fragment.width / size - fragment.word.span(range.clone());
                glyphs.extend_from_slice(&fragment.word.glyphs[range]);
                if let Some(last) = glyphs.last_mut() {
                    last.advance += spread;
                }
            }
            self.glyphs(&glyphs, x + group[0].x, y, TextStyle { face, size, color, rotate: 0.0 });
        }
    }

    /// Shows glyphs from `x` on along the baseline `y`.
    pub fn glyphs(&mut self, glyphs: &[Glyph], x: f32, y: f32, style: TextStyle) {
        self.fill_color(style.color);
        if self.font != Some((style.face, style.size)) {
            self.font = Some((style.face, style.size));
            let font = PdfFontHandle::External(FontId(font_name(style.face).to_string()));
            self.ops.push(Op::SetFont { font, size: Pt(round(style.size)) });
        }
        let mut pen = 0.0;
        let mut from = 0;
        while from < glyphs.len() {
            let replaced = glyphs[from].actual.as_ref();
            // A run goes on as long as its glyphs stand on the baseline and say what their map says.
            let plain = |g: &Glyph| g.offset == (0.0, 0.0) && g.actual.is_none();
            let length = match replaced {
                Some(actual) => actual.glyphs.max(1).min(glyphs.len() - from),
                None => {
                    1 + glyphs[from + 1..].iter().take_while(|g| plain(g) && plain(&glyphs[from])).count()
                }
            };
            let run = &glyphs[from..from + length];
            if let Some(actual) = replaced {
                let text = DictItem::String { data: utf16(&actual.text), literal: false };
                self.begin_with("Span", [("ActualText".to_string(), text)].into());
            }
            for part in run.chunk_by(|a, b| plain_position(a) && plain_position(b)) {
                self.show(part, (x, y), pen * style.size, style);
                pen += part.iter().map(|g| g.advance).sum::<f32>();
            }
            if replaced.is_some() {
                self.end();
            }
            from += length;
        }
    }

    /// Shows one run whose first glyph is `along` points from the anchor.
    fn show(&mut self, run: &[Glyph], (x, y): (f32, f32), along: f32, style: TextStyle) {
        let Some(first) = run.first() else { return };
        let (sin, cos) = style.rotate.to_radians().sin_cos();
        let (dx, dy) = (along + first.offset.0 * style.size, first.offset.1 * style.size);
        let (left, up) = (x + dx * cos - dy * sin, page::HEIGHT - y + dx * sin + dy * cos);
        let matrix =
            TextMatrix::Raw([round(cos), round(sin), round(-sin), round(cos), round(left), round(up)]);
        self.ops.push(Op::SetTextMatrix { matrix });
        let shown = run.iter().map(|g| {
            // The reader moves by the width in the font; the difference to the shaped advance is a kern.
            let kern = ((g.natural - g.advance) * 10_000.0).round() / 10.0;
            Codepoint {
                gid: g.gid,
                offset: if kern == 0.0 { 0.0 } else { kern },
                cid: Some(g.unicode.to_string()),
            }
        });
        self.ops.push(Op::ShowText { items: vec![TextItem::GlyphIds(shown.collect())] });
    }
}

fn plain_position(glyph: &Glyph) -> bool {
    glyph.offset == (0.0, 0.0)
}

/// Text as PDF strings hold it: UTF-16, big end first, with its mark.
pub fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
}
