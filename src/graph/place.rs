//! Coordinates across the lanes: straight links, nodes centred in their lanes, lanes as wide as they need.
//!
//! Every line is a sum of absolute differences under difference constraints, which the network simplex solves exactly
//! (Gansner et al. 1993, section 4). Stretches of a long link that cross no other stretch are one variable and so
//! exactly straight (Brandes and Köpf 2001). Ports slide along their node, and a link along its label.

use super::model::Link;
use super::rows::{Kind, Rows};
use super::simplex::{Problem, Variable};

/// Grid units in a point.
pub const GRID: f32 = 20.0;

/// Points to grid units, rounded up.
pub fn grid(points: f32) -> i64 {
    (points * GRID).ceil() as i64
}

/// Extents across the lanes, in grid units.
#[derive(Clone, Debug)]
pub struct Extents {
    /// Half the width of each node.
    pub node: Vec<i64>,
    /// What each node's loops need on the far side.
    pub loops: Vec<i64>,
    /// Half the width of each link's label; 0 without one.
    pub label: Vec<i64>,
    /// Least width of each lane.
    pub lane: Vec<i64>,
    /// Room kept free where a lane begins.
    pub head: i64,
    /// Distance of ports, and of a port from the corner.
    pub port: (i64, i64),
    /// Width that the picture should have.
    pub frame: Option<i64>,
}

/// Coordinates across the lanes, in grid units.
#[derive(Clone, Debug)]
pub struct Places {
    /// Centre of each item.
    pub center: Vec<i64>,
    /// Where the link passes each item; the centre of nodes.
    pub line: Vec<i64>,
    /// Where each link leaves its upper node and enters its lower one.
    pub ports: Vec<(i64, i64)>,
    /// Borders of the lanes: one more than lanes.
    pub borders: Vec<i64>,
}

/// How much care is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Care {
    /// Long links stay straight over many rows, which costs width.
    pub rigid: bool,
    /// Small sideways steps are removed, which costs time.
    pub smooth: bool,
}

/// Places everything; `None` when even without a frame nothing fits, which no graph is known to cause. `start` is what
/// an attempt with the same rows and the same rigidity left there, or empty; it shortens the search.
pub fn place(
    rows: &Rows,
    lane_of: &[usize],
    links: &[Link],
    extents: &Extents,
    care: Care,
    start: &mut Vec<i64>,
) -> Option<Places> {
    let lanes = extents.lane.len();
    let pivots = 400_000_000 / (rows.items.len() + 100).pow(2) + 300;
    let (mut problem, shape) = Shape::new(rows, lane_of, links, extents, care.rigid);
    let (left, right) = (shape.borders[0], shape.borders[lanes]);
    let wide = problem.clone();
    let variables = wide.variables();
    if let Some(frame) = extents.frame {
        problem.at_least(right, left, -frame);
    }
    problem.pull(left, right, 0, 3);
    let first = problem.solve(pivots, start).or_else(|| {
        problem = wide.clone();
        problem.pull(left, right, 0, 3);
        problem.solve(pivots, start)
    })?;
    start.clone_from(&first);
    // Second pass: lanes share what is left of the frame, and nodes are drawn to the middle of their lane.
    let width = first[right] - first[left];
    let spare = extents.frame.map_or(0, |f| (f - width).max(0));
    let borders: Vec<i64> = shape
        .borders
        .iter()
        .enumerate()
        .map(|(i, b)| first[*b] - first[left] + spare * i as i64 / lanes as i64)
        .collect();
    let mut problem = wide;
    for (b, at) in shape.borders.iter().zip(&borders).skip(1) {
        problem.fix(left, *b, *at);
    }
    for (item, it) in rows.items.iter().enumerate() {
        if let Kind::Node(v) = it.kind {
            let lane = lane_of[v];
            let middle = (borders[lane] + borders[lane + 1] + extents.head) / 2;
            problem.attract(left, shape.center[item], middle, 2);
        }
    }
    let mut x = problem.solve(pivots, &first[..variables]).unwrap_or(first);
    if care.smooth && shape.remove_jogs(&mut problem, &mut x) {
        x = problem.solve(pivots, &x).unwrap_or(x);
    }
    let at = |v: Variable| x[v] - x[left];
    Some(Places {
        center: shape.center.iter().map(|v| at(*v)).collect(),
        line: shape.line.iter().map(|v| at(*v)).collect(),
        ports: shape.ports.iter().map(|p| p.map_or((0, 0), |(a, b)| (at(a), at(b)))).collect(),
        borders,
    })
}

/// The variables of a problem.
struct Shape {
    center: Vec<Variable>,
    line: Vec<Variable>,
    ports: Vec<Option<(Variable, Variable)>>,
    borders: Vec<Variable>,
    /// Both ends of every segment of a link between two rows.
    segments: Vec<(Variable, Variable)>,
}

/// Sideways steps below this are jogs, which are removed where that is possible.
const JOG: i64 = 300;

impl Shape {
    fn new(
        rows: &Rows,
        lane_of: &[usize],
        links: &[Link],
        extents: &Extents,
        rigid: bool,
    ) -> (Problem, Shape) {
        let mut problem = Problem::default();
        let borders: Vec<Variable> = (0..=extents.lane.len()).map(|_| problem.variable()).collect();
        for (i, width) in extents.lane.iter().enumerate() {
            problem.at_least(borders[i], borders[i + 1], *width);
        }
        let breaks = breaks(rows, rigid);
        let mut center = vec![usize::MAX; rows.items.len()];
        let mut line = vec![usize::MAX; rows.items.len()];
        for (i, item) in rows.items.iter().enumerate() {
            match item.kind {
                Kind::Border(b) => {
                    center[i] = borders[b + 1];
                    line[i] = borders[b + 1];
                }
                Kind::Node(_) => {
                    center[i] = problem.variable();
                    line[i] = center[i];
                }
                Kind::Line(_) | Kind::Label(_) => {}
            }
        }
        for chain in &rows.chains {
            for (k, &item) in chain.iter().enumerate() {
                let kind = rows.items[item].kind;
                if matches!(kind, Kind::Node(_)) {
                    continue;
                }
                let joined = k > 1 && !breaks[item];
                line[item] = if joined { line[chain[k - 1]] } else { problem.variable() };
                center[item] = line[item];
                if let Kind::Label(l) = kind {
                    let half = (extents.label[l] - 80).max(0);
                    center[item] = problem.variable();
                    problem.at_least(center[item], line[item], -half);
                    problem.at_least(line[item], center[item], -half);
                    problem.attract(center[item], line[item], 0, 1);
                }
            }
        }
        let mut shape = Shape { center, line, ports: vec![None; links.len()], borders, segments: Vec::new() };
        shape.separate(&mut problem, rows, extents);
        shape.add_ports(&mut problem, rows, extents);
        shape.straighten(&mut problem, rows);
        for link in links.iter().filter(|l| l.from != l.to && lane_of[l.from] == lane_of[l.to]) {
            problem.attract(shape.center[link.from], shape.center[link.to], 0, 5);
        }
        (problem, shape)
    }

    /// Neighbours in a row keep their distance.
    fn separate(&self, problem: &mut Problem, rows: &Rows, extents: &Extents) {
        let half = |item: usize, right: bool| match rows.items[item].kind {
            Kind::Node(v) => extents.node[v] + if right { extents.loops[v] } else { 0 },
            Kind::Label(l) => extents.label[l],
            Kind::Line(_) | Kind::Border(_) => 0,
        };
        for row in &rows.rows {
            let mut before: Option<usize> = None;
            for &item in row {
                let kind = rows.items[item].kind;
                let gap = match before {
                    None => gap(Kind::Border(0), kind) + extents.head + half(item, false),
                    Some(b) => {
                        let other = rows.items[b].kind;
                        let head = if matches!(other, Kind::Border(_)) { extents.head } else { 0 };
                        gap(other, kind) + head + half(b, true) + half(item, false)
                    }
                };
                let from = before.map_or(self.borders[0], |b| self.center[b]);
                if from != self.center[item] {
                    problem.at_least(from, self.center[item], gap);
                }
                before = Some(item);
            }
            if let Some(b) = before {
                let end = self.borders[self.borders.len() - 1];
                problem.at_least(
                    self.center[b],
                    end,
                    gap(rows.items[b].kind, Kind::Border(0)) + half(b, true),
                );
            }
        }
    }

    /// Ports in the order of what they lead to, as close to the middle of their side as the links let them.
    fn add_ports(&mut self, problem: &mut Problem, rows: &Rows, extents: &Extents) {
        let place = rows.places();
        let nodes = extents.node.len();
        let (mut below, mut above) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
        for (l, chain) in rows.chains.iter().enumerate() {
            if let [a, second, ..] = chain[..] {
                below[a].push((place[second], l));
                let (last, before) = (chain[chain.len() - 1], chain[chain.len() - 2]);
                above[last].push((place[before], l));
                self.ports[l] = Some((problem.variable(), problem.variable()));
            }
        }
        for v in 0..nodes {
            let node = self.center[v];
            let (gap, pad) = extents.port;
            for (side, list) in [(0, &mut below[v]), (1, &mut above[v])] {
                list.sort_unstable();
                let count = list.len() as i64;
                let spread =
                    if count > 1 { (2 * (extents.node[v] - pad) / (count - 1)).min(2 * gap) } else { 0 };
                let mut before: Option<Variable> = None;
                for (k, (_, l)) in list.iter().enumerate() {
                    let Some(ports) = self.ports[*l] else { continue };
                    let port = if side == 0 { ports.0 } else { ports.1 };
                    problem.at_least(node, port, pad - extents.node[v]);
                    problem.at_least(port, node, pad - extents.node[v]);
                    if let Some(before) = before {
                        problem.at_least(before, port, gap);
                    }
                    before = Some(port);
                    problem.attract(node, port, (2 * k as i64 - count + 1) * spread / 2, 2);
                }
            }
        }
    }

    /// Straight segments, the long ones most of all. A segment that changes lanes runs sideways anyway and pulls little.
    fn straighten(&mut self, problem: &mut Problem, rows: &Rows) {
        let lane = lanes(rows);
        for (l, chain) in rows.chains.iter().enumerate() {
            let Some(ports) = self.ports[l] else { continue };
            for (k, pair) in chain.windows(2).enumerate() {
                let from = if k == 0 { ports.0 } else { self.line[pair[0]] };
                let last = k + 2 == chain.len();
                let to = if last { ports.1 } else { self.line[pair[1]] };
                let weight = match (k == 0, last) {
                    _ if lane[pair[0]] != lane[pair[1]] => 1,
                    (false, false) => 16,
                    _ => 10,
                };
                problem.attract(from, to, 0, weight);
                self.segments.push((from, to));
            }
        }
    }

    /// Makes segments straight that step aside only a little, the shortest steps first, where the rest allows it.
    /// Returns whether there are any.
    fn remove_jogs(&self, problem: &mut Problem, x: &mut [i64]) -> bool {
        let mut jogs: Vec<(i64, Variable, Variable)> = self
            .segments
            .iter()
            .map(|(a, b)| ((x[*b] - x[*a]).abs(), *a, *b))
            .filter(|(step, _, _)| (1..JOG).contains(step))
            .collect();
        jogs.sort_unstable();
        let any = !jogs.is_empty();
        problem.tie(jogs.into_iter().map(|(_, a, b)| (a, b)), x);
        any
    }
}

/// The lane in which each item stands.
fn lanes(rows: &Rows) -> Vec<usize> {
    let mut lanes = vec![0; rows.items.len()];
    for row in &rows.rows {
        let mut lane = 0;
        for &item in row {
            lanes[item] = lane;
            lane += usize::from(matches!(rows.items[item].kind, Kind::Border(_)));
        }
    }
    lanes
}

/// Least distance of neighbours in a row, in grid units.
fn gap(a: Kind, b: Kind) -> i64 {
    let points = match (a, b) {
        (Kind::Node(_), Kind::Node(_)) => 9.0,
        (Kind::Node(_), Kind::Border(_)) | (Kind::Border(_), Kind::Node(_)) => 6.5,
        (Kind::Node(_), _) | (_, Kind::Node(_)) => 7.0,
        (Kind::Label(_), Kind::Label(_)) => 3.0,
        (Kind::Border(_), Kind::Border(_)) => 0.0,
        (Kind::Label(_), _) | (_, Kind::Label(_)) => 3.0,
        (Kind::Line(_), Kind::Line(_)) => 7.0,
        (Kind::Line(_), Kind::Border(_)) | (Kind::Border(_), Kind::Line(_)) => 4.0,
    };
    grid(points)
}

/// Items where a link may bend away from the item above it: all when not `rigid`, else those where it crosses another
/// stretch or a border.
fn breaks(rows: &Rows, rigid: bool) -> Vec<bool> {
    let mut broken = vec![!rigid; rows.items.len()];
    if !rigid {
        return broken;
    }
    let place = rows.places();
    for pair in rows.rows.windows(2) {
        // Stretches between these rows: place above, place below, lower item, whether a border.
        let mut stretches: Vec<(usize, usize, usize, bool)> = Vec::new();
        for &item in &pair[1] {
            let it = &rows.items[item];
            if let (Kind::Line(_) | Kind::Label(_) | Kind::Border(_), [above]) = (it.kind, &it.up[..])
                && !matches!(rows.items[*above].kind, Kind::Node(_))
            {
                stretches.push((place[*above], place[item], item, matches!(it.kind, Kind::Border(_))));
            }
        }
        loop {
            let crossings = |s: &(usize, usize, usize, bool)| {
                stretches.iter().filter(|t| (s.0 < t.0) != (s.1 < t.1) && s.2 != t.2).count()
            };
            let worst = stretches
                .iter()
                .enumerate()
                .filter(|(_, s)| !s.3)
                .map(|(i, s)| (crossings(s), i))
                .max_by_key(|(c, i)| (*c, std::cmp::Reverse(*i)));
            match worst {
                Some((crossings, i)) if crossings > 0 => {
                    broken[stretches[i].2] = true;
                    stretches.remove(i);
                }
                _ => break,
            }
        }
    }
    broken
}
