//! Text wrapped and measured in the report's font, and the boxes that hold it.

use std::collections::HashMap;

use crate::config::valid::Architecture;
use crate::fonts::{Face, shape};

use super::Orientation;
use super::model::Model;

/// Type sizes and line lengths of one attempt, in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Node titles.
    pub title: f32,
    /// Edge labels.
    pub label: f32,
    /// Lane titles.
    pub lane: f32,
    /// Longest line of a node title.
    pub title_line: f32,
    /// Longest line of an edge label.
    pub label_line: f32,
    /// Whether all boxes of a lane have the width of the widest, rather than each its own.
    pub uniform: bool,
}

/// Line height as a multiple of the type size.
pub const LEADING: f32 = 1.2;
/// Width of the coloured strip with the node's number.
pub const STRIP: f32 = 12.5;
/// Room between a node's border and its title.
pub const PAD: (f32, f32) = (4.5, 3.6);
/// Room for the title in the narrowest box.
const NARROWEST: f32 = 34.0;
/// Longest word that makes a line longer rather than being broken.
const LONGEST_WORD: f32 = 110.0;
/// Distance of two ports on one side of a node.
pub const PORT_GAP: f32 = 8.0;
/// Distance of a port from the corner.
pub const PORT_PAD: f32 = 6.0;
/// How far each loop reaches beyond the one inside it.
pub const LOOP_REACH: f32 = 8.0;
/// Half the height of the innermost loop, and what each further one adds.
pub const LOOP_RISE: f32 = 4.0;

/// Lines of text and the box around them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextBox {
    /// Lines.
    pub lines: Vec<String>,
    /// Width of the box in points.
    pub width: f32,
    /// Height of the box in points.
    pub height: f32,
}

/// Boxes of everything with text.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Nodes, without their loops.
    pub nodes: Vec<TextBox>,
    /// Labels of links that are no loops, and of loops.
    pub labels: Vec<Option<TextBox>>,
    /// Lane titles.
    pub lanes: Vec<TextBox>,
    /// Loops of each node, as indices of links.
    pub loops: Vec<Vec<usize>>,
}

/// Widths in the report's font, each text shaped once: a width grows with the type size.
#[derive(Default)]
pub struct Measure(HashMap<(Face, Box<str>), f32>);

impl Measure {
    /// Width of `text` in points.
    pub fn width(&mut self, face: Face, size: f32, text: &str) -> f32 {
        let key = (face, Box::from(text));
        size * *self.0.entry(key).or_insert_with(|| shape::width(face, 1.0, text))
    }
}

impl Sizes {
    /// Measures an architecture.
    pub fn new(
        measure: &mut Measure,
        architecture: &Architecture,
        model: &Model,
        upward: &[bool],
        style: &Style,
        orientation: Orientation,
    ) -> Self {
        let n = model.nodes();
        let (mut below, mut above, mut loops) = (vec![0usize; n], vec![0usize; n], vec![Vec::new(); n]);
        for (i, (link, up)) in model.links.iter().zip(upward).enumerate() {
            if link.from == link.to {
                loops[link.from].push(i);
            } else if *up {
                below[link.to] += 1;
                above[link.from] += 1;
            } else {
                below[link.from] += 1;
                above[link.to] += 1;
            }
        }
        // Words are broken only when they are longer than any line should be.
        let words = architecture.nodes.iter().flat_map(|n| n.title.split_whitespace());
        let word = words.map(|w| measure.width(Face::Regular, style.title, w)).fold(0.0, f32::max);
        let line = style.title_line.max(word.min(LONGEST_WORD));
        let mut nodes: Vec<TextBox> = architecture
            .nodes
            .iter()
            .map(|node| text_box(measure, &node.title, Face::Regular, style.title, line, 0.0))
            .collect();
        let mut text = vec![NARROWEST; model.lanes];
        for (v, node) in nodes.iter().enumerate().filter(|_| style.uniform) {
            text[model.lane_of[v]] = node.width.max(text[model.lane_of[v]]);
        }
        for (v, node) in nodes.iter_mut().enumerate() {
            let ports = below[v].max(above[v]).saturating_sub(1) as f32 * PORT_GAP + 2.0 * PORT_PAD;
            let rises = 2.0 * LOOP_RISE * loops[v].len() as f32 + 4.0;
            node.width = node.width.max(text[model.lane_of[v]]) + STRIP + 2.0 * PAD.0;
            node.height = (node.height + 2.0 * PAD.1).max(18.0);
            match orientation {
                Orientation::Columns => {
                    node.width = node.width.max(ports);
                    node.height = node.height.max(rises);
                }
                Orientation::Rows => {
                    node.height = node.height.max(ports);
                    node.width = node.width.max(rises);
                }
            }
        }
        let labels = model
            .links
            .iter()
            .map(|link| {
                let label = architecture.edges[link.edge].label.as_deref()?;
                let label = label.trim();
                let words = label.split_whitespace();
                let word = words.map(|w| measure.width(Face::Regular, style.label, w)).fold(0.0, f32::max);
                let line = style.label_line.max(word.min(LONGEST_WORD));
                (!label.is_empty()).then(|| text_box(measure, label, Face::Regular, style.label, line, 2.0))
            })
            .collect();
        let lanes = architecture
            .lanes
            .iter()
            .map(|lane| text_box(measure, &lane.title, Face::SemiBold, style.lane, 110.0, 4.0))
            .collect();
        Sizes { nodes, labels, lanes, loops }
    }

    /// How far the loops of `node` and their labels reach beyond its box: across and along the flow.
    pub fn loop_extent(&self, node: usize, orientation: Orientation) -> (f32, f32) {
        let count = self.loops[node].len();
        if count == 0 {
            return (0.0, 0.0);
        }
        let labels = self.loops[node].iter().filter_map(|l| self.labels[*l].as_ref());
        labels.fold((LOOP_REACH * count as f32 + 2.0, 0.0), |(across, along): (f32, f32), label| {
            let (a, b) = across_along(label, orientation);
            (across + a + 2.0, along.max(b))
        })
    }
}

/// Extent of a box across the flow and along it.
pub fn across_along(text: &TextBox, orientation: Orientation) -> (f32, f32) {
    match orientation {
        Orientation::Columns => (text.width, text.height),
        Orientation::Rows => (text.height, text.width),
    }
}

fn text_box(measure: &mut Measure, text: &str, face: Face, size: f32, line: f32, pad: f32) -> TextBox {
    let lines = wrap(measure, text, face, size, line);
    let width = lines.iter().map(|l| measure.width(face, size, l)).fold(0.0, f32::max);
    let height = lines.len() as f32 * size * LEADING;
    TextBox { lines, width: width + 2.0 * pad, height: height + if pad > 0.0 { 1.0 } else { 0.0 } }
}

/// A piece of text that stays whole.
struct Piece {
    text: String,
    /// Whether a space stands before it when it does not begin a line.
    spaced: bool,
    width: f32,
}

/// Breaks `text` into the fewest lines of at most `line` points, and these evenly. Breaks stand at spaces and after
/// hyphens, not after a short preposition; a word longer than the line is broken anywhere.
pub fn wrap(measure: &mut Measure, text: &str, face: Face, size: f32, line: f32) -> Vec<String> {
    let space = measure.width(face, size, " ");
    let pieces = pieces(measure, text, face, size, line);
    let n = pieces.len();
    // best[i]: lines, unevenness and next break of the text from piece i on.
    let mut best: Vec<(usize, f32, usize)> = vec![(0, 0.0, n); n + 1];
    for i in (0..n).rev() {
        let mut width = 0.0;
        let mut found: Option<(usize, f32, usize)> = None;
        for j in i..n {
            width += pieces[j].width + if j > i && pieces[j].spaced { space } else { 0.0 };
            if j > i && width > line {
                break;
            }
            let (lines, rest, _) = best[j + 1];
            let hanging = j + 1 < n && pieces[j].text.chars().count() < 3 && pieces[j + 1].spaced;
            let slack = (line - width).max(0.0) / line;
            let cost = rest + slack * slack + if hanging { 0.6 } else { 0.0 };
            if found.is_none_or(|f| (lines + 1, cost) < (f.0, f.1)) {
                found = Some((lines + 1, cost, j + 1));
            }
        }
        best[i] = found.unwrap_or((1, 0.0, n));
    }
    let mut lines = Vec::new();
    let mut at = 0;
    while at < n {
        let next = best[at].2.max(at + 1);
        let mut text = String::new();
        for (k, piece) in pieces[at..next].iter().enumerate() {
            if k > 0 && piece.spaced {
                text.push(' ');
            }
            text.push_str(&piece.text);
        }
        lines.push(text);
        at = next;
    }
    lines
}

fn pieces(measure: &mut Measure, text: &str, face: Face, size: f32, line: f32) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for word in text.split([' ', '\t', '\n', '\r']).filter(|w| !w.is_empty()) {
        let mut spaced = true;
        for part in hyphen_parts(word) {
            for text in fitting(measure, &part, face, size, line) {
                let width = measure.width(face, size, &text);
                pieces.push(Piece { text, spaced, width });
                spaced = false;
            }
        }
    }
    pieces
}

/// Splits after a hyphen with at least three letters on both sides.
fn hyphen_parts(word: &str) -> Vec<String> {
    match word
        .char_indices()
        .find(|(at, c)| *c == '-' && word[..*at].chars().count() >= 3 && word[at + 1..].chars().count() >= 3)
    {
        Some((at, _)) => {
            let mut parts = vec![word[..=at].to_owned()];
            parts.extend(hyphen_parts(&word[at + 1..]));
            parts
        }
        None => vec![word.to_owned()],
    }
}

/// The word, or when it is longer than the line, pieces that fit.
fn fitting(measure: &mut Measure, word: &str, face: Face, size: f32, line: f32) -> Vec<String> {
    if measure.width(face, size, word) <= line {
        return vec![word.to_owned()];
    }
    let mut parts = vec![String::new()];
    for c in word.chars() {
        let last = parts.len() - 1;
        parts[last].push(c);
        if parts[last].chars().count() > 1 && shape::width(face, size, &parts[last]) > line {
            parts[last].pop();
            parts.push(c.to_string());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_even_and_within_the_measure() {
        let lines =
            wrap(&mut Measure::default(), "Система управления пользователями", Face::Regular, 7.0, 70.0);
        assert_eq!(lines, ["Система управления", "пользователями"]);
        for line in &lines {
            assert!(shape::width(Face::Regular, 7.0, line) <= 70.0, "{line}");
        }
    }

    #[test]
    fn prepositions_stay_with_their_word() {
        assert_eq!(
            wrap(&mut Measure::default(), "Отчёт о решении", Face::Regular, 7.0, 36.0),
            ["Отчёт", "о решении"]
        );
    }

    #[test]
    fn long_words_are_broken_rather_than_overhanging() {
        for line in wrap(&mut Measure::default(), &"щ".repeat(60), Face::Regular, 7.0, 70.0) {
            assert!(shape::width(Face::Regular, 7.0, &line) <= 70.0, "{line}");
        }
    }

    #[test]
    fn empty_text_has_no_lines() {
        assert!(wrap(&mut Measure::default(), " \n ", Face::Regular, 7.0, 70.0).is_empty());
    }
}
