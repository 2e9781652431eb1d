//! The picture of a layout: tinted lanes, numbered boxes, round-cornered edges in the colour of their source's lane.

use crate::drawing::{Anchor, Drawing, Mark, Paint, Weight};
use crate::fonts::{Face, shape};
use crate::theme::color;

use super::size::{LEADING, STRIP};
use super::{Frame, Layout, Orientation, Route};

/// Length and half width of an arrow head.
const HEAD: (f32, f32) = (5.6, 2.5);
/// Radius of a bend.
const BEND: f32 = 3.0;
/// Share of its colour in the ground of a lane.
const LANE_TINT: f32 = 0.065;
/// Dashes of an edge that leads back.
const DASH: [f32; 2] = [3.0, 2.0];
/// Where the baseline lies below the middle of a line, in em: half the height of a capital.
const BASELINE: f32 = 0.345;

/// The words of the legend below the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legend<'a> {
    /// What the number of a node refers to.
    pub number: &'a str,
    /// What an edge and its colour mean.
    pub edge: &'a str,
    /// What a dashed edge means; shown only when there is one.
    pub feedback: &'a str,
}

impl Default for Legend<'_> {
    fn default() -> Self {
        Legend {
            number: "номер узла в таблице",
            edge: "связь; цвет — по дорожке, из которой она выходит",
            feedback: "обратная связь",
        }
    }
}

/// Draws a layout, with a legend below the lanes when one is given. All text stays text; positions are the layout's.
pub fn draw(layout: &Layout, legend: Option<&Legend>) -> Drawing {
    let mut marks = Vec::new();
    for (i, lane) in layout.lanes.iter().enumerate() {
        let hue = lane_color(i);
        marks.push(Mark::Rect {
            frame: parts(&lane.frame),
            radius: 4.0,
            fill: Some(Paint::solid(tint(hue, LANE_TINT))),
            stroke: Some((Paint::solid(tint(hue, 0.35)), 0.6)),
        });
        let columns = layout.orientation == Orientation::Columns;
        let (x, anchor) = if columns {
            (lane.head.x + lane.head.width / 2.0, Anchor::Middle)
        } else {
            (lane.head.x + 8.0, Anchor::Start)
        };
        let head = Frame { y: lane.head.y + 4.0, height: lane.head.height - 4.0, ..lane.head };
        text(&mut marks, &lane.title, x, &head, layout.lane_size, Weight::SemiBold, shade(hue, 0.35), anchor);
    }
    // Edges first, each with a pale edge of its own that parts it from those it crosses.
    for route in &layout.routes {
        edge(&mut marks, layout, route);
    }
    for route in &layout.routes {
        if let Some(label) = &route.label {
            marks.push(Mark::Rect {
                frame: parts(&label.frame),
                radius: 2.5,
                fill: Some(Paint::solid(ground(layout, &label.frame))),
                stroke: None,
            });
            let middle = label.frame.x + label.frame.width / 2.0;
            let ink = shade(lane_color(lane_of(layout, route.from)), 0.45);
            text(
                &mut marks,
                &label.lines,
                middle,
                &label.frame,
                layout.label_size,
                Weight::Regular,
                ink,
                Anchor::Middle,
            );
        }
    }
    for node in &layout.nodes {
        let hue = lane_color(node.lane);
        let (frame, solid) = (node.frame, Paint::solid(shade(hue, 0.12)));
        let body = Frame { x: frame.x + STRIP, width: frame.width - STRIP, ..frame };
        marks.push(Mark::Rect { frame: parts(&frame), radius: 3.0, fill: Some(solid), stroke: None });
        marks.push(Mark::Rect {
            frame: parts(&body),
            radius: 3.0,
            fill: Some(Paint::solid(color::PAPER)),
            stroke: None,
        });
        // The inner side of the body is square.
        let seam = Frame { width: 4.0, ..body };
        marks.push(Mark::Rect {
            frame: parts(&seam),
            radius: 0.0,
            fill: Some(Paint::solid(color::PAPER)),
            stroke: None,
        });
        marks.push(Mark::Rect { frame: parts(&frame), radius: 3.0, fill: None, stroke: Some((solid, 0.8)) });
        let number = [node.number.to_string()];
        let strip = Frame { width: STRIP, ..frame };
        let size = if node.number > 99 { 6.5 } else { 7.0 };
        text(
            &mut marks,
            &number,
            frame.x + STRIP / 2.0,
            &strip,
            size,
            Weight::SemiBold,
            color::PAPER,
            Anchor::Middle,
        );
        let middle = body.x + body.width / 2.0;
        text(
            &mut marks,
            &node.title,
            middle,
            &body,
            layout.title_size,
            Weight::Regular,
            color::INK,
            Anchor::Middle,
        );
    }
    let height =
        legend.filter(|_| !layout.nodes.is_empty()).map_or(0.0, |l| draw_legend(&mut marks, layout, l));
    Drawing { width: layout.width, height: layout.height + height, marks }
}

/// Adds the legend and returns its height.
fn draw_legend(marks: &mut Vec<Mark>, layout: &Layout, legend: &Legend) -> f32 {
    const SIZE: f32 = 6.8;
    const LINE: f32 = 12.0;
    const SAMPLE: f32 = 22.0;
    let ink = Paint::solid(color::MUTED);
    let mut entries: Vec<(&str, Option<bool>)> = vec![(legend.number, None)];
    if !layout.routes.is_empty() {
        entries.push((legend.edge, Some(false)));
    }
    if layout.routes.iter().any(|r| r.feedback) {
        entries.push((legend.feedback, Some(true)));
    }
    let (mut x, mut y) = (4.0, layout.height + 4.0 + LINE / 2.0);
    for (words, dashed) in entries {
        let sample = if dashed.is_some() { SAMPLE } else { STRIP };
        let width = sample + 4.0 + shape::width(Face::Regular, SIZE, words);
        if x > 4.0 && x + width > layout.width {
            (x, y) = (4.0, y + LINE);
        }
        match dashed {
            None => {
                let badge = Frame { x, y: y - 4.5, width: STRIP, height: 9.0 };
                marks.push(Mark::Rect { frame: parts(&badge), radius: 2.0, fill: Some(ink), stroke: None });
                let number = ["1".to_owned()];
                let middle = x + STRIP / 2.0;
                text(marks, &number, middle, &badge, 6.8, Weight::SemiBold, color::PAPER, Anchor::Middle);
            }
            Some(dashed) => {
                let dash = if dashed { DASH.to_vec() } else { Vec::new() };
                arrow(marks, vec![(x, y)], (x + SAMPLE, y), color::MUTED, dash);
            }
        }
        let frame = Frame { x, y: y - LINE / 2.0, width, height: LINE };
        let lines = [words.to_owned()];
        text(marks, &lines, x + sample + 4.0, &frame, SIZE, Weight::Regular, color::MUTED, Anchor::Start);
        x += width + 16.0;
    }
    y + LINE / 2.0 - layout.height
}

fn lane_of(layout: &Layout, node: usize) -> usize {
    layout.nodes.get(node).map_or(0, |n| n.lane)
}

fn parts(frame: &Frame) -> (f32, f32, f32, f32) {
    (frame.x, frame.y, frame.width, frame.height)
}

/// The ground behind a label: that of the lane it lies in, or paper where it lies over a border.
fn ground(layout: &Layout, frame: &Frame) -> u32 {
    let lane = layout.lanes.iter().position(|lane| lane.frame.contains(frame));
    lane.map_or(color::PAPER, |lane| tint(lane_color(lane), LANE_TINT))
}

/// Lines of text in the middle of a frame.
#[allow(clippy::too_many_arguments, reason = "the parts of one kind of mark")]
fn text(
    marks: &mut Vec<Mark>,
    lines: &[String],
    x: f32,
    frame: &Frame,
    size: f32,
    weight: Weight,
    ink: u32,
    anchor: Anchor,
) {
    let step = size * LEADING;
    let top = frame.y + frame.height / 2.0 - step * (lines.len() as f32 - 1.0) / 2.0;
    for (i, line) in lines.iter().enumerate() {
        marks.push(Mark::Text {
            at: (x, top + step * i as f32 + BASELINE * size),
            text: line.clone(),
            size,
            weight,
            fill: Paint::solid(ink),
            anchor,
            rotate: 0.0,
        });
    }
}

fn edge(marks: &mut Vec<Mark>, layout: &Layout, route: &Route) {
    let Some((tip, rest)) = route.points.split_last() else { return };
    let hue = shade(lane_color(lane_of(layout, route.from)), 0.2);
    let dash = if route.feedback { DASH.to_vec() } else { Vec::new() };
    arrow(marks, rest.to_vec(), *tip, hue, dash);
}

/// A line through `points` with its arrow head at `tip`.
fn arrow(marks: &mut Vec<Mark>, mut points: Vec<(f32, f32)>, tip: (f32, f32), rgb: u32, dash: Vec<f32>) {
    let Some(before) = points.last() else { return };
    let length = ((tip.0 - before.0).powi(2) + (tip.1 - before.1).powi(2)).sqrt();
    if length <= 0.0 {
        return;
    }
    let (dx, dy) = ((tip.0 - before.0) / length, (tip.1 - before.1) / length);
    points.push((tip.0 - dx * (HEAD.0 - 1.0), tip.1 - dy * (HEAD.0 - 1.0)));
    let points = rounded(&points);
    marks.push(Mark::Line {
        points: points.clone(),
        stroke: Paint { rgb: color::PAPER, alpha: 0.9 },
        width: 2.8,
        dash: Vec::new(),
    });
    marks.push(Mark::Line { points, stroke: Paint::solid(rgb), width: 0.95, dash });
    let base = (tip.0 - dx * HEAD.0, tip.1 - dy * HEAD.0);
    marks.push(Mark::Polygon {
        points: vec![
            tip,
            (base.0 - dy * HEAD.1, base.1 + dx * HEAD.1),
            (base.0 + dy * HEAD.1, base.1 - dx * HEAD.1),
        ],
        fill: Some(Paint::solid(rgb)),
        stroke: None,
    });
}

/// The path with its corners rounded: each becomes a quarter of a circle, or less where a stretch is short.
fn rounded(points: &[(f32, f32)]) -> Vec<(f32, f32)> {
    let mut path = Vec::with_capacity(points.len() * 4);
    for (i, &p) in points.iter().enumerate() {
        if i == 0 || i + 1 == points.len() {
            path.push(p);
            continue;
        }
        let (a, b) = (points[i - 1], points[i + 1]);
        let reach = |q: (f32, f32)| ((q.0 - p.0).abs() + (q.1 - p.1).abs()) / 2.0;
        let r = BEND.min(reach(a)).min(reach(b));
        let toward = |q: (f32, f32)| {
            let d = (2.0 * reach(q)).max(f32::EPSILON);
            ((q.0 - p.0) / d * r, (q.1 - p.1) / d * r)
        };
        let (from, to) = (toward(a), toward(b));
        // A quadratic curve with the corner as its control point is as good as the arc at this radius.
        for step in 0..=4 {
            let t = step as f32 / 4.0;
            let (u, v) = ((1.0 - t) * (1.0 - t), t * t);
            path.push((p.0 + from.0 * u + to.0 * v, p.1 + from.1 * u + to.1 * v));
        }
    }
    path
}

/// The colour of a lane.
fn lane_color(lane: usize) -> u32 {
    // The group colours, without those that are too light for text and lines on a tinted ground.
    const LANES: [usize; 6] = [0, 1, 2, 3, 6, 7];
    color::GROUPS[LANES[lane % LANES.len()]]
}

fn mix(a: u32, b: u32, share: f32) -> u32 {
    let channel = |shift: u32| {
        let (x, y) = (((a >> shift) & 0xff) as f32, ((b >> shift) & 0xff) as f32);
        ((x + (y - x) * share).round() as u32) << shift
    };
    channel(16) | channel(8) | channel(0)
}

/// White with a `share` of `rgb`.
fn tint(rgb: u32, share: f32) -> u32 {
    mix(color::PAPER, rgb, share)
}

/// `rgb` darkened by a `share` of ink.
fn shade(rgb: u32, share: f32) -> u32 {
    mix(rgb, color::INK, share)
}
