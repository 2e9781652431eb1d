//! The graph as text for other tools: Mermaid and Graphviz DOT with lanes as subgraphs, and the layout as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::config::valid::{Architecture, Node};

use super::model::Model;
use super::{Frame, Layout, Orientation};

/// The graph as a Mermaid flowchart. Ids are `n1`, `n2`, … by the order of the nodes, the numbers of the picture.
pub fn mermaid(architecture: &Architecture) -> String {
    let model = Model::new(architecture);
    let mut out = String::from("flowchart TB\n");
    for_lanes(architecture, &model, |lane, title, nodes| {
        let _ = writeln!(out, "  subgraph l{}[\"{}\"]", lane + 1, mermaid_text(title));
        for (i, node) in nodes {
            let _ = writeln!(out, "    n{}[\"{}\"]", i + 1, mermaid_text(&node.title));
        }
        out.push_str("  end\n");
    });
    for link in &model.links {
        let label = architecture.edges[link.edge].label.as_deref().map(str::trim).filter(|l| !l.is_empty());
        let label = label.map_or(String::new(), |l| format!("|\"{}\"|", mermaid_text(l)));
        let _ = writeln!(out, "  n{} -->{} n{}", link.from + 1, label, link.to + 1);
    }
    out
}

/// The graph in the DOT language, lanes as clusters; node names as in [`mermaid`].
pub fn dot(architecture: &Architecture) -> String {
    let model = Model::new(architecture);
    let mut out = String::from("digraph architecture {\n");
    let _ = writeln!(
        out,
        "  label=\"{}\"; labelloc=t; rankdir=TB; charset=\"UTF-8\";",
        dot_text(&architecture.title)
    );
    out.push_str("  node [shape=box, style=rounded];\n");
    for_lanes(architecture, &model, |lane, title, nodes| {
        let _ = writeln!(out, "  subgraph cluster_{} {{", lane + 1);
        let _ = writeln!(out, "    label=\"{}\";", dot_text(title));
        for (i, node) in nodes {
            let tooltip =
                node.note.as_deref().map_or(String::new(), |n| format!(", tooltip=\"{}\"", dot_text(n)));
            let _ = writeln!(out, "    n{} [label=\"{}\"{tooltip}];", i + 1, dot_text(&node.title));
        }
        out.push_str("  }\n");
    });
    for link in &model.links {
        let label = architecture.edges[link.edge].label.as_deref().map(str::trim).filter(|l| !l.is_empty());
        let label = label.map_or(String::new(), |l| format!(" [label=\"{}\"]", dot_text(l)));
        let _ = writeln!(out, "  n{} -> n{}{label};", link.from + 1, link.to + 1);
    }
    out.push_str("}\n");
    out
}

/// The layout as `itog.graph.v1`: boxes and the corners of the links in points from the top left of the picture. Whoever
/// draws the graph elsewhere, or measures the layout, need not take an SVG apart.
pub fn json(architecture: &Architecture, layout: &Layout) -> String {
    let frame = |f: &Frame| json!({ "x": f.x, "y": f.y, "width": f.width, "height": f.height });
    let id = |node: usize| architecture.nodes.get(node).map(|n| n.id.as_str());
    let lanes: Vec<Value> = architecture
        .lanes
        .iter()
        .zip(&layout.lanes)
        .map(|(lane, band)| json!({ "id": lane.id, "title": lane.title, "frame": frame(&band.frame) }))
        .collect();
    let nodes: Vec<Value> = architecture
        .nodes
        .iter()
        .zip(&layout.nodes)
        .map(|(node, placed)| {
            json!({
                "id": node.id,
                "number": placed.number,
                "title": node.title,
                "lane": node.lane,
                "frame": frame(&placed.frame),
            })
        })
        .collect();
    let edges: Vec<Value> = layout
        .routes
        .iter()
        .map(|route| {
            json!({
                "from": id(route.from),
                "to": id(route.to),
                "feedback": route.feedback,
                "points": route.points.iter().map(|(x, y)| [x, y]).collect::<Vec<_>>(),
                "label": route.label.as_ref().map(|label| json!({
                    "text": label.lines.join(" "),
                    "frame": frame(&label.frame),
                })),
            })
        })
        .collect();
    let whole = json!({
        "schema": "itog.graph.v1",
        "title": architecture.title,
        "width": layout.width,
        "height": layout.height,
        "flow": if layout.orientation == Orientation::Columns { "down" } else { "right" },
        "crossings": super::crossings(layout),
        "lanes": lanes,
        "nodes": nodes,
        "edges": edges,
    });
    format!("{whole:#}\n")
}

/// Calls `write` for each lane with its index, title and nodes.
fn for_lanes(
    architecture: &Architecture,
    model: &Model,
    mut write: impl FnMut(usize, &str, &[(usize, &Node)]),
) {
    for lane in 0..model.lanes {
        let nodes: Vec<(usize, &Node)> =
            architecture.nodes.iter().enumerate().filter(|(i, _)| model.lane_of[*i] == lane).collect();
        let title = architecture.lanes.get(lane).map_or("", |l| l.title.as_str());
        if architecture.lanes.get(lane).is_some() || !nodes.is_empty() {
            write(lane, title, &nodes);
        }
    }
}

/// Text inside Mermaid's quotes: entities for what its parser or its HTML would take as markup.
fn mermaid_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            '\\' => out.push_str("#92;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Text inside DOT's quotes.
fn dot_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::valid::{Edge, Lane};

    fn sample() -> Architecture {
        Architecture {
            title: "Схема \"А\"".into(),
            lanes: vec![
                Lane { id: "d".into(), title: "Данные".into() },
                Lane { id: "e".into(), title: "Пусто".into() },
            ],
            nodes: vec![
                Node {
                    id: "a".into(),
                    title: "A/B <тест> #1".into(),
                    lane: "d".into(),
                    note: Some("путь C:\\x".into()),
                },
                Node { id: "b".into(), title: "DWH".into(), lane: "d".into(), note: None },
            ],
            edges: vec![
                Edge {
                    from: "a".into(), to: "b".into(), label: Some("\"сырые\" & чистые".into())
                },
                Edge { from: "b".into(), to: "a".into(), label: None },
            ],
        }
    }

    #[test]
    fn mermaid_escapes_markup() {
        assert_eq!(
            mermaid(&sample()),
            "flowchart TB\n  subgraph l1[\"Данные\"]\n    n1[\"A/B #lt;тест#gt; #35;1\"]\n    n2[\"DWH\"]\n  end\n  \
             subgraph l2[\"Пусто\"]\n  end\n  n1 -->|\"#quot;сырые#quot; #amp; чистые\"| n2\n  n2 --> n1\n"
        );
    }

    #[test]
    fn dot_escapes_quotes() {
        let dot = dot(&sample());
        assert!(dot.contains("label=\"Схема \\\"А\\\"\""), "{dot}");
        assert!(dot.contains("n1 [label=\"A/B <тест> #1\", tooltip=\"путь C:\\\\x\"];"), "{dot}");
        assert!(dot.contains("n1 -> n2 [label=\"\\\"сырые\\\" & чистые\"];"), "{dot}");
        assert!(dot.contains("n2 -> n1;"), "{dot}");
    }
}
