//! The attempts: type sizes, node widths, nodes a row, and the choice among the layouts they give.

use crate::config::valid::Architecture;
use crate::theme::page;

use super::layers::{self, Layering};
use super::model::Model;
use super::place::{self, Care, Extents, GRID, Places, grid};
use super::route::{self, Routes};
use super::rows::{Kind, Rows};
use super::size::{self, LOOP_REACH, LOOP_RISE, PORT_GAP, PORT_PAD, Sizes, Style, across_along};
use super::{Frame, Label, LaneBand, Layout, NodeBox, Orientation, Route, crossings, lanes, order};

/// Height of the largest layout that, with its legend, shares a page with its caption.
pub const TALLEST: f32 = 674.0;
/// Room around the lanes.
const MARGIN: f32 = 0.5;

/// One order of the lanes, with what depends on it.
struct Setting {
    order: Vec<usize>,
    architecture: Architecture,
    model: Model,
    upward: Vec<bool>,
}

/// Lays an architecture out in the text frame of the page, in the orientation and order of lanes that read best. A
/// graph too large for the page is laid out larger ([`Layout::fits`] is false). Pure: the same input gives the same
/// layout.
pub fn layout(architecture: &Architecture) -> Layout {
    let _stage = tracing::debug_span!("graph").entered();
    let model = Model::new(architecture);
    let upward = model.feedback();
    let small = model.nodes() <= 60 && model.links.len() <= 90 && model.lanes <= 8;
    let styles = if small { &STYLES[..] } else { &STYLES[..1] };
    let orders = if small { lanes::orders(&model) } else { vec![(0..model.lanes).collect()] };
    let settings: Vec<Setting> = orders
        .into_iter()
        .map(|order| {
            let architecture = lanes::permuted(architecture, &order);
            let model = Model::new(&architecture);
            Setting { order, architecture, model, upward: upward.clone() }
        })
        .collect();
    // Every arrangement is drawn in the first style; the most promising ones in all styles.
    let keep = if small { 3 } else { 1 };
    let mut drafts: Vec<(f32, &Setting, Arrangement, Layout)> = Vec::new();
    for setting in &settings {
        let mut seen: Vec<(Orientation, Layering)> = Vec::new();
        for (orientation, capacity) in shapes(&setting.model, small) {
            let sizes = setting.sizes(&styles[0], orientation);
            for arrangement in arrange(setting, &sizes, orientation, &capacity, keep, &mut seen) {
                let care = Care { rigid: true, smooth: false };
                let found = arrangement.layout(setting, styles[0], &sizes, care);
                drafts.push((cost(&found, &styles[0], setting), setting, arrangement, found));
            }
        }
    }
    drafts.sort_by(|a, b| a.0.total_cmp(&b.0));
    drafts.truncate(4);
    let mut best: Option<(f32, Layout)> = None;
    let mut offer = |layout: Layout, style: &Style, setting: &Setting| {
        let cost = cost(&layout, style, setting);
        if best.as_ref().is_none_or(|b| cost < b.0) {
            best = Some((cost, lanes::restored(layout, &setting.order)));
        }
    };
    for (_, setting, arrangement, draft) in drafts {
        offer(draft, &styles[0], setting);
        if !small {
            continue;
        }
        for style in styles {
            let sizes = setting.sizes(style, arrangement.orientation);
            for rigid in [true, false] {
                let care = Care { rigid, smooth: true };
                offer(arrangement.layout(setting, *style, &sizes, care), style, setting);
            }
        }
    }
    best.map_or_else(empty, |b| b.1)
}

impl Setting {
    fn sizes(&self, style: &Style, orientation: Orientation) -> Sizes {
        Sizes::new(&self.architecture, &self.model, &self.upward, style, orientation)
    }
}

/// A picture of nothing.
fn empty() -> Layout {
    Layout {
        width: page::FRAME,
        height: 0.0,
        orientation: Orientation::Columns,
        fits: true,
        title_size: 7.4,
        label_size: 6.6,
        lane_size: 8.0,
        lanes: Vec::new(),
        nodes: Vec::new(),
        routes: Vec::new(),
    }
}

/// What makes a picture hard to read, in the size of a bend.
fn cost(layout: &Layout, style: &Style, setting: &Setting) -> f32 {
    let mut bends = 0usize;
    let mut length = 0.0;
    for route in &layout.routes {
        bends += route.points.len().saturating_sub(2);
        length +=
            route.points.windows(2).map(|p| (p[0].0 - p[1].0).abs() + (p[0].1 - p[1].1).abs()).sum::<f32>();
    }
    let over = (layout.width - page::FRAME).max(0.0) + (layout.height - TALLEST).max(0.0);
    let moved = 4.0 * lanes::displaced(&setting.order) as f32;
    let ragged = if style.uniform { 0.0 } else { 4.0 };
    let small = (7.6 - layout.title_size).max(0.0) * 40.0;
    6.0 * crossings(layout) as f32
        + bends as f32
        + length / 80.0
        + layout.height / 60.0
        + small
        + ragged
        + moved
        + if over > 0.0 { 500.0 + over } else { 0.0 }
}

/// Type sizes and measures to try; the first one is for drafts and for graphs too large for a page.
const STYLES: [Style; 8] = [
    style(7.0, 50.0, 48.0, false),
    style(7.2, 62.0, 62.0, true),
    style(7.2, 52.0, 50.0, false),
    style(7.2, 62.0, 48.0, false),
    style(6.8, 46.0, 44.0, false),
    style(7.6, 62.0, 62.0, true),
    style(7.2, 92.0, 62.0, false),
    style(7.6, 92.0, 62.0, true),
];

const fn style(title: f32, title_line: f32, label_line: f32, uniform: bool) -> Style {
    Style { title, label: if title < 7.3 { 6.5 } else { 6.8 }, lane: 8.0, title_line, label_line, uniform }
}

/// Orientations and numbers of nodes a row, by lane, that are worth a try.
fn shapes(model: &Model, small: bool) -> Vec<(Orientation, Vec<usize>)> {
    let mut nodes = vec![0usize; model.lanes];
    for lane in &model.lane_of {
        nodes[*lane] += 1;
    }
    if !small {
        // Too large for a page: about as many nodes a row as rows.
        let side = ((model.nodes() as f32).sqrt() as usize).max(1);
        return vec![(Orientation::Columns, nodes.iter().map(|n| n.div_ceil(side).max(1)).collect())];
    }
    let mut shapes: Vec<(Orientation, Vec<usize>)> = Vec::new();
    for rows in [4, 5, 6, 7, 8, 9, 10, 12, 14] {
        let capacity: Vec<usize> = nodes.iter().map(|n| n.div_ceil(rows).max(1)).collect();
        let width: usize = capacity.iter().sum();
        let shape = (Orientation::Columns, capacity.clone());
        if !shapes.contains(&shape) && (width <= 7 || rows == 14) {
            shapes.push(shape);
        }
        if rows == 4 {
            shapes.push((Orientation::Rows, capacity));
        }
    }
    shapes
}

/// Rows of nodes and their order: all but the coordinates.
struct Arrangement {
    orientation: Orientation,
    rows: Rows,
}

/// The stages of one layout.
struct Parts<'a> {
    sizes: &'a Sizes,
    places: Places,
    routes: Routes,
    along: Vec<f32>,
    head: f32,
    style: Style,
}

/// The rows of nodes not yet `seen` for these numbers of nodes a row, each with its best orders.
fn arrange(
    setting: &Setting,
    sizes: &Sizes,
    orientation: Orientation,
    capacity: &[usize],
    keep: usize,
    seen: &mut Vec<(Orientation, Layering)>,
) -> Vec<Arrangement> {
    let (model, upward) = (&setting.model, &setting.upward);
    let arcs: Vec<(usize, usize)> = model
        .links
        .iter()
        .zip(upward)
        .filter(|(l, _)| l.from != l.to)
        .map(|(l, up)| if *up { (l.to, l.from) } else { (l.from, l.to) })
        .collect();
    let across = |text: &size::TextBox| across_along(text, orientation).0;
    let labels: Vec<Option<i64>> = sizes.labels.iter().map(|l| l.as_ref().map(|l| grid(across(l)))).collect();
    let order = acyclic_order(model.nodes(), &arcs);
    let mut arrangements = Vec::new();
    for layering in layers::assign(&model.lane_of, &arcs, &order, capacity, keep) {
        let known = (orientation, layering);
        if seen.contains(&known) {
            continue;
        }
        let layering = &known.1;
        let rows = Rows::new(model.lanes, &model.lane_of, &model.links, upward, layering, &labels);
        for order in order::reduce(&rows, &model.lane_of, keep.min(2)) {
            arrangements.push(Arrangement { orientation, rows: Rows { rows: order, ..rows.clone() } });
        }
        seen.push(known);
    }
    arrangements
}

impl Arrangement {
    fn layout(&self, setting: &Setting, style: Style, sizes: &Sizes, care: Care) -> Layout {
        let model = &setting.model;
        let across = |text: &size::TextBox| across_along(text, self.orientation).0;
        let head = sizes.lanes.iter().map(|l| l.height).fold(0.0, f32::max) + 4.0;
        let columns = self.orientation == Orientation::Columns;
        let extents = Extents {
            node: sizes.nodes.iter().map(|b| grid(across(b) / 2.0)).collect(),
            loops: (0..model.nodes()).map(|v| grid(sizes.loop_extent(v, self.orientation).0)).collect(),
            label: sizes.labels.iter().map(|l| l.as_ref().map_or(0, |l| grid(across(l) / 2.0))).collect(),
            lane: (0..model.lanes)
                .map(|l| grid(sizes.lanes.get(l).map_or(0.0, |t| across(t) + 8.0).max(40.0)))
                .collect(),
            head: if columns { 0 } else { grid(head) },
            port: (grid(PORT_GAP), grid(PORT_PAD)),
            frame: columns.then(|| ((page::FRAME - 2.0 * MARGIN) * GRID).floor() as i64),
        };
        let Some(places) = place::place(&self.rows, &model.lane_of, &model.links, &extents, care) else {
            return empty();
        };
        let along = self.row_extents(sizes);
        let routes = route::route(&self.rows, &places, &along, &setting.upward);
        self.assemble(setting, &Parts { sizes, places, routes, along, head, style })
    }

    /// Extent of each row along the flow.
    fn row_extents(&self, sizes: &Sizes) -> Vec<f32> {
        let along = |text: &size::TextBox| across_along(text, self.orientation).1;
        let items = &self.rows.items;
        self.rows
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|i| match items[*i].kind {
                        Kind::Node(v) => along(&sizes.nodes[v]).max(sizes.loop_extent(v, self.orientation).1),
                        Kind::Label(l) => sizes.labels[l].as_ref().map_or(0.0, along),
                        Kind::Line(_) | Kind::Border(_) => 0.0,
                    })
                    .fold(0.0, f32::max)
            })
            .collect()
    }

    fn assemble(&self, setting: &Setting, parts: &Parts) -> Layout {
        let Setting { architecture, model, upward, .. } = setting;
        let Parts { sizes, places, routes, along, head, style } = parts;
        let rows = &self.rows;
        let columns = self.orientation == Orientation::Columns;
        let pt = |units: i64| units as f32 / GRID + MARGIN;
        let above = 8.0;
        let start = MARGIN + above + if columns { *head } else { 0.0 };
        let point = |u: f32, v: f32| if columns { (u, v) } else { (v, u) };
        // A box by its centre across, and its middle and extent along.
        let frame = |u: f32, v: f32, across: f32, along: f32| {
            let (x, y) = point(u - across / 2.0, v - along / 2.0);
            let (width, height) = point(across, along);
            Frame { x, y, width, height }
        };
        let extent = start + routes.extent + above + MARGIN;
        let lanes = architecture
            .lanes
            .iter()
            .enumerate()
            .map(|(i, _)| {
                let (from, to) = (pt(places.borders[i]), pt(places.borders[i + 1]));
                let ((x, y), (width, height)) =
                    (point(from, MARGIN), point(to - from, extent - 2.0 * MARGIN));
                let frame = Frame { x, y, width, height };
                LaneBand {
                    frame,
                    head: Frame { height: *head, ..frame },
                    title: sizes.lanes[i].lines.clone(),
                }
            })
            .collect();
        let middle = |row: usize| start + routes.rows[row].0 + along[row] / 2.0;
        let nodes: Vec<NodeBox> = (0..model.nodes())
            .map(|v| {
                let row = rows.items[v].row;
                let across = across_along(&sizes.nodes[v], self.orientation).0;
                NodeBox {
                    number: v + 1,
                    lane: model.lane_of[v],
                    frame: frame(pt(places.center[v]), middle(row), across, along[row]),
                    title: sizes.nodes[v].lines.clone(),
                }
            })
            .collect();
        let mut drawn: Vec<Route> = Vec::with_capacity(model.links.len());
        for (l, link) in model.links.iter().enumerate() {
            let mut points: Vec<(f32, f32)> =
                routes.paths[l].iter().map(|(u, v)| point(u + MARGIN, v + start)).collect();
            if upward[l] {
                points.reverse();
            }
            let item = rows.chains[l].iter().find(|i| matches!(rows.items[**i].kind, Kind::Label(_)));
            let label = item.zip(sizes.labels[l].as_ref()).map(|(i, text)| {
                let (across, along) = across_along(text, self.orientation);
                let frame = frame(pt(places.center[*i]), middle(rows.items[*i].row), across, along);
                Label { frame, lines: text.lines.clone() }
            });
            drawn.push(Route {
                edge: link.edge,
                from: link.from,
                to: link.to,
                points,
                feedback: upward[l],
                label,
            });
        }
        for (v, loops) in sizes.loops.iter().enumerate() {
            let half = across_along(&sizes.nodes[v], self.orientation).0 / 2.0;
            let (side, mid) = (pt(places.center[v]) + half, middle(rows.items[v].row));
            let mut at = side + LOOP_REACH * loops.len() as f32 + 2.0;
            for (k, &l) in loops.iter().enumerate() {
                let (rise, reach) = (LOOP_RISE * (k + 1) as f32, LOOP_REACH * (k + 1) as f32);
                let corners = [(0.0, rise), (reach, rise), (reach, -rise), (0.0, -rise)];
                drawn[l].points = corners.iter().map(|(u, v)| point(side + u, mid + v)).collect();
                drawn[l].label = sizes.labels[l].as_ref().map(|text| {
                    let (across, along) = across_along(text, self.orientation);
                    let label = frame(at + across / 2.0, mid, across, along);
                    at += across + 2.0;
                    Label { frame: label, lines: text.lines.clone() }
                });
            }
        }
        let (width, height) = point(pt(places.borders[model.lanes]) + MARGIN, extent);
        Layout {
            width,
            height,
            orientation: self.orientation,
            fits: width <= page::FRAME + 0.01 && height <= TALLEST,
            title_size: style.title,
            label_size: style.label,
            lane_size: style.lane,
            lanes,
            nodes,
            routes: drawn,
        }
    }
}

/// Nodes so that arcs lead forward, small indices first.
fn acyclic_order(n: usize, arcs: &[(usize, usize)]) -> Vec<usize> {
    let mut waits = vec![0usize; n];
    for (_, b) in arcs {
        waits[*b] += 1;
    }
    let mut ready: std::collections::BTreeSet<usize> = (0..n).filter(|v| waits[*v] == 0).collect();
    let mut order = Vec::with_capacity(n);
    while let Some(v) = ready.pop_first() {
        order.push(v);
        for (_, b) in arcs.iter().filter(|(a, _)| *a == v) {
            waits[*b] -= 1;
            if waits[*b] == 0 {
                ready.insert(*b);
            }
        }
    }
    order
}
