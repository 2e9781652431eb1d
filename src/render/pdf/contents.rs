//! The table of contents: headings with dot leaders, page numbers and links.

use super::compose::{Composer, Entry, Link, baseline};
use super::figure::{DATA_ANCHOR, DATA_TITLE};
use super::flow::{Mark, Slab};
use super::paragraph::{self, Line, Run};
use super::style::{CONTENTS, H3, HALF};
use super::tags::ElemId;
use super::text::clean;
use crate::fonts::Face;
use crate::report::document::{Block, Document, Target};
use crate::theme::color;

/// Room for the page number at the right of a line.
const NUMBER_COLUMN: f32 = 26.0;
/// Indent of a subsection.
const INDENT: f32 = 14.0;
/// Space between two columns.
const GUTTER: f32 = 26.0;
/// More entries than these stand in two columns.
const ONE_COLUMN: usize = 5;
/// Contents of at most so many lines are not split over pages.
const WHOLE: usize = 20;

impl Composer<'_> {
    /// The contents over `entries`; nothing when there are none. Many entries stand in two columns, read one after the
    /// other, so that the decision and the contents share the first page.
    pub fn contents(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let columns = if entries.len() > ONE_COLUMN { 2 } else { 1 };
        let width = (self.width - GUTTER * (columns as f32 - 1.0)) / columns as f32;
        self.space(4.0 * HALF);
        self.within("TOC", |c| {
            c.plain("Caption", "Содержание", Face::SemiBold, color::ACCENT, &H3);
            c.keep_last();
            c.space(HALF * 0.6);
            let mut strips: Vec<Vec<Strip>> = vec![Vec::new(); columns];
            let lines: Vec<Vec<Strip>> =
                entries.iter().map(|entry| c.within("TOCI", |c| c.entry(entry, width))).collect();
            let total: usize = lines.iter().map(Vec::len).sum();
            let mut column = 0;
            for (entry, lines) in entries.iter().zip(lines) {
                // A column ends before a section, so that its subsections stay with it.
                if entry.level == 2 && strips[column].len() * columns >= total && column + 1 < columns {
                    column += 1;
                }
                strips[column].extend(lines);
            }
            c.push_strips(strips, width);
        });
        self.space(4.0 * HALF);
    }

    /// Lines of the columns side by side, one slab a line of the page. Short contents stay on one page.
    fn push_strips(&mut self, strips: Vec<Vec<Strip>>, width: f32) {
        let count = strips.iter().map(Vec::len).max().unwrap_or(0);
        let mut columns: Vec<_> = strips.into_iter().map(Vec::into_iter).collect();
        for i in 0..count {
            let mut marks = Vec::new();
            for (column, lines) in columns.iter_mut().enumerate() {
                let x = self.left + (width + GUTTER) * column as f32;
                if let Some(strip) = lines.next() {
                    marks.extend(self.strip_marks(strip, x, x + width));
                }
            }
            let keep = i + 1 < count && (count <= WHOLE || i == 0 || i + 2 == count);
            self.push(Slab { height: CONTENTS.leading, keep, marks, ..Slab::default() });
        }
    }

    /// The lines of an entry in a column of `width`.
    fn entry(&mut self, entry: &Entry, width: f32) -> Vec<Strip> {
        let reference = self.tree.add(self.parent, "Reference");
        let elem = self.tree.add(reference, "Link");
        let contents = format!("Перейти: {}", entry.text);
        self.links.push(Link { elem, target: Target::Anchor(entry.anchor.clone()), contents });
        let link = self.links.len() - 1;
        let (indent, face) = if entry.level == 2 { (0.0, Face::SemiBold) } else { (INDENT, Face::Regular) };
        // The number is set after the text in the same element: a space between them keeps the words apart.
        let text = format!("{}\u{a0}", entry.text);
        let run = Run { text: &text, face, color: color::INK, scale: 1.0, elem, link: None };
        let lines = paragraph::set(self.ts, &[run], width - indent - NUMBER_COLUMN, &CONTENTS);
        let last = lines.len().saturating_sub(1);
        let number = |i: usize| (i == last).then(|| (entry.anchor.clone(), elem, link));
        lines.into_iter().enumerate().map(|(i, line)| Strip { indent, line, number: number(i) }).collect()
    }

    /// The marks of one line between `left` and `right`.
    fn strip_marks<'m>(&self, strip: Strip, left: f32, right: f32) -> Vec<Mark<'m>> {
        let (x, y) = (left + strip.indent, baseline(&CONTENTS));
        let end = x + strip.line.width;
        let mut marks = vec![Mark::Text { x, y, line: strip.line }];
        if let Some((anchor, elem, link)) = strip.number {
            marks.push(Mark::Leader { x: end + 4.0, to: right - NUMBER_COLUMN + 6.0, y });
            marks.push(Mark::PageNumber { right, y, anchor, elem, link: (link, x) });
        }
        marks
    }
}

/// One line of the contents, with what stands at its right end if it is the last of its entry: the anchor whose page is
/// named, the element and the link.
#[derive(Clone)]
struct Strip {
    indent: f32,
    line: Line,
    number: Option<(String, ElemId, usize)>,
}

/// The headings of the document, with the appendix that this renderer adds. A subsection before any section is raised
/// to one: PDF/UA forbids levels that skip.
pub fn entries(document: &Document) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut data = false;
    for block in &document.blocks {
        match block {
            Block::Heading { level, id, text } => {
                let level = if entries.is_empty() { 2 } else { (*level).clamp(2, 3) };
                entries.push(Entry { level, text: clean(text), anchor: id.clone() });
            }
            Block::Figure(figure) => data |= figure.data.is_some(),
            _ => {}
        }
    }
    if data {
        entries.push(Entry { level: 2, text: DATA_TITLE.to_string(), anchor: DATA_ANCHOR.to_string() });
    }
    entries
}
