//! Runs of styled text to lines of positioned words.

use std::ops::Range;
use std::rc::Rc;

use super::hyphenation::DivisionKind;
use super::linebreak::{self, Alignment, Item};
use super::tags::ElemId;
use super::text::{Typesetter, Word, clean};
use crate::fonts::Face;

/// How a paragraph is set. Lengths are in points.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Font size.
    pub size: f32,
    /// Distance between baselines.
    pub leading: f32,
    /// Straight right margin or not.
    pub alignment: Alignment,
    /// Cost of a hyphen; [`linebreak::FORBIDDEN`] where words are not divided.
    pub hyphen_cost: f32,
}

/// A run of text in one face and colour that belongs to one element of the structure tree.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Text as the document has it.
    pub text: &'a str,
    /// Face.
    pub face: Face,
    /// Colour, 0xRRGGBB.
    pub color: u32,
    /// Size relative to the paragraph's.
    pub scale: f32,
    /// Element.
    pub elem: ElemId,
    /// Index of the link that the run is, if it is one.
    pub link: Option<usize>,
}

/// Part of a word, or a space, on a line.
#[derive(Clone, Debug)]
pub struct Fragment {
    /// The word.
    pub word: Rc<Word>,
    /// Its glyphs that stand here.
    pub glyphs: Range<usize>,
    /// From the left end of the line, in points.
    pub x: f32,
    /// Width in points, stretch included.
    pub width: f32,
    /// Font size.
    pub size: f32,
    /// Colour.
    pub color: u32,
    /// Element of the structure tree.
    pub elem: ElemId,
    /// Link.
    pub link: Option<usize>,
}

/// A set line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Fragments from left to right.
    pub fragments: Vec<Fragment>,
    /// Width in points without the space that ends it.
    pub width: f32,
}

/// What text asks of a column, in points: see [`super::columns::Demand`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Widest part between places of division.
    pub divided: f32,
    /// Widest word.
    pub word: f32,
    /// Everything on one line.
    pub line: f32,
}

/// A space grows by this share of its width at ratio 1, and shrinks at most by the next.
const STRETCH: f32 = 0.55;
const SHRINK: f32 = 0.3;
/// A line that would be stretched more than this is set ragged: holes are uglier than a short line.
const LOOSEST: f32 = 4.0;
/// Cost of a break after a connector of the word itself.
const BARE_COST: f32 = 20.0;
/// Cost of a break in the middle of a word that is wider than the line.
const TORN_COST: f32 = 800.0;

/// Items for the line breaker, each with the fragment it stands for.
struct Galley {
    items: Vec<Item>,
    fragments: Vec<Option<Fragment>>,
}

impl Galley {
    fn push(&mut self, item: Item, fragment: Option<Fragment>) {
        self.items.push(item);
        self.fragments.push(fragment);
    }

    /// Penalties stand between boxes only; white space at the beginning or after white space is dropped.
    fn after_box(&self) -> bool {
        matches!(self.items.last(), Some(Item::Box(_)))
    }
}

/// Sets `runs` in lines of `width` points.
pub fn set(ts: &mut Typesetter, runs: &[Run], width: f32, style: &Style) -> Vec<Line> {
    let galley = galley(ts, runs, width, style);
    let breaks = linebreak::break_lines(&galley.items, width, style.alignment);
    let count = breaks.len();
    breaks.iter().enumerate().map(|(i, line)| compose(&galley, line, i + 1 == count)).collect()
}

/// What `runs` ask of a column at `size` points.
pub fn extent(ts: &mut Typesetter, runs: &[Run], style: &Style) -> Extent {
    let galley = galley(ts, runs, f32::INFINITY, style);
    let mut extent = Extent::default();
    let (mut word, mut part) = (0.0_f32, 0.0_f32);
    for (i, item) in galley.items.iter().enumerate() {
        match *item {
            Item::Box(width) => (word, part, extent.line) = (word + width, part + width, extent.line + width),
            Item::Glue { width, .. } => {
                extent.line += width;
                let held = matches!(galley.items[i - 1], Item::Penalty { .. });
                (word, part) = if held { (word + width, part + width) } else { (0.0, 0.0) };
            }
            Item::Penalty { width, cost, .. } if cost.is_finite() => {
                extent.divided = extent.divided.max(part + width);
                part = 0.0;
            }
            Item::Penalty { .. } => {}
        }
        extent.word = extent.word.max(word);
        extent.divided = extent.divided.max(part);
    }
    extent
}

fn galley(ts: &mut Typesetter, runs: &[Run], width: f32, style: &Style) -> Galley {
    let mut galley = Galley { items: Vec::new(), fragments: Vec::new() };
    for run in runs {
        let text = clean(run.text);
        let mut start = 0;
        for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
            let separator = matches!(c, ' ' | '\u{a0}' | '\u{200b}' | '\0');
            if !separator {
                continue;
            }
            if start < at {
                push_word(ts, &mut galley, run, &text[start..at], width, style);
            }
            start = at + c.len_utf8();
            push_separator(ts, &mut galley, run, c, style);
        }
    }
    galley
}

fn push_separator(ts: &mut Typesetter, galley: &mut Galley, run: &Run, c: char, style: &Style) {
    if !galley.after_box() || c == '\0' {
        return;
    }
    if c == '\u{200b}' {
        galley.push(Item::Penalty { width: 0.0, cost: 0.0, hyphen: false }, None);
        return;
    }
    if c == '\u{a0}' {
        galley.push(Item::Penalty { width: 0.0, cost: linebreak::FORBIDDEN, hyphen: false }, None);
    }
    let space = ts.word(run.face, " ");
    let fragment = fragment(&space, 0..space.glyphs.len(), run, style);
    let width = fragment.width;
    galley.push(Item::Glue { width, stretch: width * STRETCH, shrink: width * SHRINK }, Some(fragment));
}

fn push_word(ts: &mut Typesetter, galley: &mut Galley, run: &Run, text: &str, width: f32, style: &Style) {
    let word = ts.word(run.face, text);
    let size = style.size * run.scale;
    let mut from = 0;
    let end = word.glyphs.len();
    for (at, kind) in word.divisions.iter().map(|(at, kind)| (*at, Some(*kind))).chain([(end, None)]) {
        let soft = kind == Some(DivisionKind::Soft);
        // A name in code is told apart by every sign of it: a hyphen of ours would be read as its own, and a line that
        // ends at its own hyphen leaves open whether it is one. Only what is wider than a line is torn.
        let code = run.face == Face::Mono && kind.is_some() && (soft || word.width * size <= width);
        if code || (soft && style.hyphen_cost.is_infinite()) {
            continue;
        }
        push_part(galley, &word, from..at, run, width, style);
        from = at;
        if soft {
            let hyphen = ts.hyphen(word.face);
            let fragment = fragment(&hyphen, 0..hyphen.glyphs.len(), run, style);
            let penalty = Item::Penalty { width: hyphen.width * size, cost: style.hyphen_cost, hyphen: true };
            galley.push(penalty, Some(fragment));
        } else if kind.is_some() {
            galley.push(Item::Penalty { width: 0.0, cost: BARE_COST, hyphen: false }, None);
        }
    }
}

/// Pushes glyphs of a word as one box, or as many as it takes when they are wider than the line.
fn push_part(galley: &mut Galley, word: &Rc<Word>, part: Range<usize>, run: &Run, width: f32, style: &Style) {
    if part.is_empty() {
        return;
    }
    let whole = fragment(word, part.clone(), run, style);
    if whole.width <= width {
        galley.push(Item::Box(whole.width), Some(whole));
        return;
    }
    let mut from = part.start;
    for cut in word.cuts().filter(|c| part.contains(c) && *c > part.start).chain([part.end]) {
        let piece = fragment(word, from..cut, run, style);
        if from > part.start {
            galley.push(Item::Penalty { width: 0.0, cost: TORN_COST, hyphen: false }, None);
        }
        galley.push(Item::Box(piece.width), Some(piece));
        from = cut;
    }
}

fn fragment(word: &Rc<Word>, glyphs: Range<usize>, run: &Run, style: &Style) -> Fragment {
    let size = style.size * run.scale;
    Fragment {
        width: word.span(glyphs.clone()) * size,
        word: Rc::clone(word),
        glyphs,
        x: 0.0,
        size,
        color: run.color,
        elem: run.elem,
        link: run.link,
    }
}

/// Positions the fragments of one line. A line that ends at a space keeps it, so that a reader of the tags finds the
/// words apart; one that ends inside a word gets its hyphen.
fn compose(galley: &Galley, line: &linebreak::Line, last: bool) -> Line {
    let mut set = Line::default();
    let mut x = 0.0;
    let ratio = if line.ratio > LOOSEST { 0.0 } else { line.ratio };
    for i in line.start..line.end {
        let Some(mut fragment) = galley.fragments[i].clone() else { continue };
        match galley.items[i] {
            Item::Box(_) => {}
            Item::Glue { stretch, shrink, .. } => {
                fragment.width += ratio * if ratio > 0.0 { stretch } else { shrink };
            }
            Item::Penalty { .. } => continue,
        }
        fragment.x = x;
        x += fragment.width;
        set.fragments.push(fragment);
    }
    set.width = x;
    if !last && let Some(Some(end)) = galley.fragments.get(line.end) {
        let printed = matches!(galley.items[line.end], Item::Penalty { .. });
        set.fragments.push(Fragment { x, ..end.clone() });
        if printed {
            set.width += end.width;
        }
    }
    set
}

#[cfg(test)]
mod tests;
