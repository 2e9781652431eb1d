//! The architecture graph: a layered drawing in swimlanes, and its facts and text forms.
//!
//! The layout is Sugiyama's: feedback links are turned round ([`model`]), nodes get rows ([`layers`]), links that pass
//! rows and labels get items of their own ([`rows`]), rows are ordered for few crossings inside their lanes
//! ([`order`]), columns come from a network simplex ([`place`]), and links run at right angles on tracks between the
//! rows ([`tracks`], [`route`]). Because nodes, passing links and labels are all items that keep their distance, no
//! link can touch a foreign node and no label can lie on anything. Several attempts with other type sizes, node widths
//! and rows are made, and the one that is easiest to read within the page is kept.

mod draw;
mod export;
mod lanes;
mod layers;
mod model;
mod order;
mod place;
mod route;
mod rows;
mod search;
mod simplex;
mod size;
mod tracks;

pub use draw::{Legend, draw};
pub use export::{dot, json, mermaid};
pub use model::{Facts, Handover, facts};
pub use search::layout;

/// Which way the flow runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// Lanes side by side, flow from top to bottom.
    Columns,
    /// Lanes below each other, flow from left to right.
    Rows,
}

/// A rectangle in points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frame {
    /// Left.
    pub x: f32,
    /// Top.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

impl Frame {
    /// Right edge.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// Lower edge.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// Whether the two share more than an edge.
    pub fn overlaps(&self, other: &Frame) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether `other` lies inside.
    pub fn contains(&self, other: &Frame) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && self.right() >= other.right()
            && self.bottom() >= other.bottom()
    }
}

/// A placed lane.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneBand {
    /// The whole lane.
    pub frame: Frame,
    /// Where its title stands.
    pub head: Frame,
    /// The title in lines.
    pub title: Vec<String>,
}

/// A placed node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeBox {
    /// Number shown in the picture: index in the architecture + 1.
    pub number: usize,
    /// Lane index.
    pub lane: usize,
    /// The box.
    pub frame: Frame,
    /// The title in lines.
    pub title: Vec<String>,
}

/// A placed edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Index in the architecture's edges.
    pub edge: usize,
    /// Index of the source node.
    pub from: usize,
    /// Index of the target node.
    pub to: usize,
    /// Corners from the border of the source to the border of the target; the arrow head is at the end.
    pub points: Vec<(f32, f32)>,
    /// Whether the edge leads back against the flow.
    pub feedback: bool,
    /// Its label.
    pub label: Option<Label>,
}

/// A placed edge label.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The box that nothing else enters but the label's own edge.
    pub frame: Frame,
    /// The text in lines.
    pub lines: Vec<String>,
}

/// A finished layout in points.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Width of the picture.
    pub width: f32,
    /// Height of the picture.
    pub height: f32,
    /// Which way the flow runs.
    pub orientation: Orientation,
    /// Whether it fits the text frame of a page; a larger picture must be scaled down or scrolled.
    pub fits: bool,
    /// Type size of node titles.
    pub title_size: f32,
    /// Type size of edge labels.
    pub label_size: f32,
    /// Type size of lane titles.
    pub lane_size: f32,
    /// Lanes in the order of the architecture; in the picture they may stand in another.
    pub lanes: Vec<LaneBand>,
    /// Nodes in order.
    pub nodes: Vec<NodeBox>,
    /// Edges in order.
    pub routes: Vec<Route>,
}

/// Number of points where two edges cross in the picture.
pub fn crossings(layout: &Layout) -> usize {
    let paths: Vec<&[(f32, f32)]> = layout.routes.iter().map(|r| r.points.as_slice()).collect();
    let mut count = 0;
    for (i, a) in paths.iter().enumerate() {
        for b in &paths[i + 1..] {
            for p in a.windows(2) {
                for q in b.windows(2) {
                    count += usize::from(segments_cross((p[0], p[1]), (q[0], q[1])));
                }
            }
        }
    }
    count
}

/// Whether a horizontal and a vertical segment cross inside both.
fn segments_cross(p: ((f32, f32), (f32, f32)), q: ((f32, f32), (f32, f32))) -> bool {
    let flat = |s: ((f32, f32), (f32, f32))| s.0.1 == s.1.1;
    let (h, v) = match (flat(p), flat(q)) {
        (true, false) => (p, q),
        (false, true) => (q, p),
        _ => return false,
    };
    let (x, y) = (v.0.0, h.0.1);
    h.0.0.min(h.1.0) < x && x < h.0.0.max(h.1.0) && v.0.1.min(v.1.1) < y && y < v.0.1.max(v.1.1)
}
