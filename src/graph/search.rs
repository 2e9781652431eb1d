//! The attempts: type sizes, node widths, nodes a row, and the choice among the layouts they give.

use crate::config::valid::Architecture;
use crate::theme::page;

use super::layers::{self, Layering};
use super::model::Model;
use super::place::{self, Care, Extents, GRID, Places, grid};
use super::route::{self, Routes};
use super::rows::{Kind, Rows};
use super::size::{self, LOOP_REACH, LOOP_RISE, Measure, PORT_GAP, PORT_PAD, Sizes, Style, across_along};
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

/// How many candidates go on from a quick look at their crossings, from a draft, and from a draft in each style.
const GLANCED: usize = 8;
const DRAFTED: usize = 2;
const STYLED: usize = 2;

/// Lays an architecture out in the text frame of the page, in the orientation and order of lanes that read best. A
/// graph too large for the page is laid out larger ([`Layout::fits`] is false). Pure: the same input gives the same
/// layout.
///
/// Attempts are thinned out on the way: all rows of nodes are looked at, the promising ones are ordered with care and
/// drafted in the first style, the best drafts are tried in all styles, and only the best of these are finished.
pub fn layout(architecture: &Architecture) -> Layout {
    let _stage = tracing::debug_span!("graph").entered();
    let model = Model::new(architecture);
    let upward = model.feedback();
    let small = model.nodes() <= 60 && model.links.len() <= 90 && model.lanes <= 8;
    let orders = if small { lanes::orders(&model) } else { vec![(0..model.lanes).collect()] };
    let settings: Vec<Setting> = orders
        .into_iter()
        .map(|order| {
            let architecture = lanes::permuted(architecture, &order);
            let model = Model::new(&architecture);
            Setting { order, architecture, model, upward: upward.clone() }
        })
        .collect();
    let mut measure = Measure::default();
    let mut attempts: Vec<(f32, &Setting, Attempt)> = Vec::new();
    for setting in &settings {
        for attempt in attempts_of(setting, &mut measure, small) {
            attempts.push((attempt.promise(setting), setting, attempt));
        }
    }
    attempts.sort_by(|a, b| a.0.total_cmp(&b.0));
    attempts.truncate(GLANCED);

    let quick = Care { rigid: true, smooth: false };
    let mut drafts: Vec<(f32, &Setting, Arrangement, Layout)> = Vec::new();
    for (_, setting, attempt) in attempts {
        let sizes = setting.sizes(&mut measure, &STYLES[0], attempt.orientation);
        for order in order::reduce(&attempt.rows, &setting.model.lane_of, if small { 2 } else { 1 }) {
            let rows = Rows { rows: order, ..attempt.rows.clone() };
            let arrangement = Arrangement { orientation: attempt.orientation, rows };
            let found = arrangement.layout(setting, STYLES[0], &sizes, quick, &mut Vec::new());
            drafts.push((cost(&found, &STYLES[0], setting), setting, arrangement, found));
        }
    }
    drafts.sort_by(|a, b| a.0.total_cmp(&b.0));
    drafts.truncate(DRAFTED);

    let mut best = Best::default();
    let mut styled: Vec<(f32, usize, Style)> = Vec::new();
    for (i, (_, setting, arrangement, draft)) in drafts.iter().enumerate() {
        styled.push((best.offer(draft.clone(), &STYLES[0], setting), i, STYLES[0]));
        let mut start = Vec::new();
        for style in STYLES[1..].iter().filter(|_| small) {
            let sizes = setting.sizes(&mut measure, style, arrangement.orientation);
            let found = arrangement.layout(setting, *style, &sizes, quick, &mut start);
            styled.push((best.offer(found, style, setting), i, *style));
        }
    }
    styled.sort_by(|a, b| a.0.total_cmp(&b.0));
    styled.truncate(STYLED);
    for (_, i, style) in styled {
        let (_, setting, arrangement, _) = &drafts[i];
        let sizes = setting.sizes(&mut measure, &style, arrangement.orientation);
        for rigid in [true, false] {
            let care = Care { rigid, smooth: true };
            best.offer(arrangement.layout(setting, style, &sizes, care, &mut Vec::new()), &style, setting);
        }
    }
    best.0.map_or_else(empty, |b| b.1)
}

/// The best layout so far, with its cost.
#[derive(Default)]
struct Best(Option<(f32, Layout)>);

impl Best {
    /// Takes the layout when it is the best, and returns its cost.
    fn offer(&mut self, layout: Layout, style: &Style, setting: &Setting) -> f32 {
        let cost = cost(&layout, style, setting);
        if self.0.as_ref().is_none_or(|b| cost < b.0) {
            self.0 = Some((cost, lanes::restored(layout, &setting.order)));
        }
        cost
    }
}

impl Setting {
    fn sizes(&self, measure: &mut Measure, style: &Style, orientation: Orientation) -> Sizes {
        Sizes::new(measure, &self.architecture, &self.model, &self.upward, style, orientation)
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

/// Rows of nodes whose order is not yet worked out.
struct Attempt {
    orientation: Orientation,
    rows: Rows,
    /// What the rows cost by themselves: their number and the length of the links.
    rows_cost: i64,
    /// How far the widest rows leave the page, in points.
    over: f32,
}

impl Attempt {
    /// What the picture may cost, by a quick look: the smaller, the more promising.
    fn promise(&self, setting: &Setting) -> f32 {
        6.0 * order::glance(&self.rows, &setting.model.lane_of) as f32
            + 0.7 * self.rows_cost as f32
            + 4.0 * lanes::displaced(&setting.order) as f32
            + if self.over > 0.0 { 500.0 + self.over } else { 0.0 }
    }
}

/// All different rows of nodes in all shapes worth a try.
fn attempts_of(setting: &Setting, measure: &mut Measure, small: bool) -> Vec<Attempt> {
    let (model, upward) = (&setting.model, &setting.upward);
    let ends = |(l, up): (&super::model::Link, &bool)| if *up { (l.to, l.from) } else { (l.from, l.to) };
    let arcs: Vec<(usize, usize)> =
        model.links.iter().zip(upward).filter(|(l, _)| l.from != l.to).map(ends).collect();
    let order = acyclic_order(model.nodes(), &arcs);
    let mut seen: Vec<(Orientation, Layering)> = Vec::new();
    let mut attempts = Vec::new();
    for (orientation, capacity) in shapes(model, small) {
        let sizes = setting.sizes(measure, &STYLES[0], orientation);
        let across = |text: &size::TextBox| across_along(text, orientation).0;
        let labels: Vec<Option<i64>> =
            sizes.labels.iter().map(|l| l.as_ref().map(|l| grid(across(l)))).collect();
        for (rows_cost, layering) in
            layers::assign(&model.lane_of, &arcs, &order, &capacity, if small { 3 } else { 1 })
        {
            let known = (orientation, layering);
            if seen.contains(&known) {
                continue;
            }
            let rows = Rows::new(model.lanes, &model.lane_of, &model.links, upward, &known.1, &labels);
            let over = over(&rows, model, &sizes, orientation);
            attempts.push(Attempt { orientation, rows, rows_cost, over });
            seen.push(known);
        }
    }
    attempts
}

/// How far the picture leaves the page at least: lanes are as wide as their widest row of nodes, rows as high as their
/// highest item, and between rows there is room for an arrow.
fn over(rows: &Rows, model: &Model, sizes: &Sizes, orientation: Orientation) -> f32 {
    const BETWEEN: f32 = 12.0;
    let (mut widest, mut along) = (vec![0.0f32; model.lanes], 0.0);
    for row in &rows.rows {
        let (mut width, mut height) = (vec![0.0f32; model.lanes], 0.0f32);
        for item in row {
            let text = match rows.items[*item].kind {
                Kind::Node(v) => &sizes.nodes[v],
                Kind::Label(l) => sizes.labels[l].as_ref().unwrap_or(&sizes.nodes[0]),
                Kind::Line(_) | Kind::Border(_) => continue,
            };
            let (a, b) = across_along(text, orientation);
            if let Kind::Node(v) = rows.items[*item].kind {
                width[model.lane_of[v]] += a + 9.0;
            }
            height = height.max(b);
        }
        widest.iter_mut().zip(width).for_each(|(widest, width)| *widest = widest.max(width));
        along += height + BETWEEN;
    }
    let across = widest.iter().sum::<f32>();
    let (width, height) =
        across_along(&size::TextBox { lines: Vec::new(), width: across, height: along }, orientation);
    (width - page::FRAME).max(0.0) + (height - TALLEST).max(0.0)
}

impl Arrangement {
    /// `start`: see [`place::place`].
    fn layout(
        &self,
        setting: &Setting,
        style: Style,
        sizes: &Sizes,
        care: Care,
        start: &mut Vec<i64>,
    ) -> Layout {
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
        let Some(places) = place::place(&self.rows, &model.lane_of, &model.links, &extents, care, start)
        else {
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
