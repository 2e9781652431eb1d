//! The plain blocks: title, headings, lists, callouts, definitions.

use super::compose::{Composer, baseline, title_text};
use super::flow::{Mark, Slab};
use super::paragraph::{self, Line, Run};
use super::style::{self, BODY, H2, H3, HALF, NOTE, PARAGRAPH_GAP, TITLE};
use super::tags::Attributes;
use crate::fonts::Face;
use crate::report::document::{Document, Inline, Tone};
use crate::theme::color;

impl Composer<'_> {
    /// Title and what stands under it.
    pub fn title(&mut self, document: &Document) {
        let meta = &document.meta;
        self.plain("H1", title_text(document), Face::SemiBold, color::INK, &TITLE);
        // A date without its words would look like one more day of the experiment; a digest may already say it.
        let date = match meta.date_words.is_empty() || meta.subtitle.contains(meta.date_words.as_str()) {
            true => String::new(),
            false => format!("данные на\u{a0}{}", meta.date_words),
        };
        let details: Vec<&str> =
            [meta.subtitle.as_str(), date.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
        self.space(HALF * 0.6);
        self.plain("P", &details.join(" · "), Face::Regular, color::MUTED, &NOTE);
        self.space(HALF * 2.0);
    }

    /// The next heading, kept with what follows. Its level is the one of its entry in the contents.
    pub fn heading(&mut self, id: &str, text: &str) {
        let level = self.entries.get(self.headings).map_or(2, |e| e.level);
        self.headings += 1;
        let (tag, style, above, below, ink) = match level {
            2 => ("H2", &H2, 5.0 * HALF, 1.2 * HALF, color::ACCENT),
            _ => ("H3", &H3, 3.2 * HALF, 0.6 * HALF, color::INK),
        };
        self.space(above);
        self.anchor(id);
        let first = self.slabs.len();
        self.plain(tag, text, Face::SemiBold, ink, style);
        for slab in &mut self.slabs[first..] {
            slab.keep = true;
        }
        self.gap = 0.0;
        self.space(below);
    }

    /// A list: labels in a column of their own, text behind them.
    pub fn list(&mut self, ordered: bool, items: &[Vec<Inline>]) {
        self.space(PARAGRAPH_GAP);
        let attributes = if ordered { Attributes::Numbered } else { Attributes::Bulleted };
        self.within("L", |c| {
            c.tree.attributes(c.parent, attributes);
            let labels: Vec<String> =
                (1..=items.len()).map(|n| if ordered { format!("{n}.") } else { "•".to_string() }).collect();
            let widest = labels.last().map_or(0.0, |l| c.ts.width(Face::Regular, BODY.size, l));
            for (label, item) in labels.iter().zip(items) {
                c.within("LI", |c| c.item(label, widest, item));
                c.space(HALF * 0.5);
            }
        });
        self.space(PARAGRAPH_GAP);
    }

    /// One item: its label, right-aligned in a column of its own, on the first line of its text.
    fn item(&mut self, label: &str, widest: f32, inlines: &[Inline]) {
        let (label_elem, body) = (self.tree.add(self.parent, "Lbl"), self.tree.add(self.parent, "LBody"));
        let run = Run {
            text: label,
            face: Face::Regular,
            color: color::MUTED,
            scale: 1.0,
            elem: label_elem,
            link: None,
        };
        let label_line = paragraph::set(self.ts, &[run], f32::INFINITY, &BODY).pop().unwrap_or_default();
        let indent = widest + 7.0;
        let x = self.left + 4.0 + widest - label_line.width;
        let first = self.slabs.len();
        self.inset(4.0 + indent, 0.0, |c| {
            let runs = c.runs(inlines, body, color::INK);
            let lines = paragraph::set(c.ts, &runs, c.width, &BODY);
            c.push_lines(lines, &BODY);
        });
        if let Some(slab) = self.slabs.get_mut(first) {
            slab.marks.insert(0, Mark::Text { x, y: baseline(&BODY), line: label_line });
        }
    }

    /// A note on a panel of its mood.
    pub fn callout(&mut self, tone: Tone, title: &str, paragraphs: &[Vec<Inline>]) {
        self.space(style::BLOCK_GAP * 0.8);
        self.within("Div", |c| {
            c.on_panel(tone, HALF * 1.2, |c| {
                let (ink, _) = style::tone_colors(tone);
                let sign = if tone == Tone::Note {
                    String::new()
                } else {
                    format!("{}\u{a0}", style::tone_sign(tone))
                };
                c.plain("P", &format!("{sign}{title}"), Face::SemiBold, ink, &NOTE);
                c.keep_last();
                for paragraph in paragraphs {
                    c.space(HALF * 0.5);
                    c.paragraph("P", paragraph, &NOTE);
                }
            });
        });
        self.space(style::BLOCK_GAP * 0.8);
    }

    /// Terms in a narrow column at the left, what is said of them at the right.
    pub fn definitions(&mut self, items: &[(Vec<Inline>, Vec<Inline>)]) {
        self.space(PARAGRAPH_GAP);
        let column = self.width * 0.3;
        self.within("L", |c| {
            for (term, description) in items {
                c.within("LI", |c| {
                    let (label, body) = (c.tree.add(c.parent, "Lbl"), c.tree.add(c.parent, "LBody"));
                    let mut term_runs = c.runs(term, label, color::INK);
                    for run in term_runs.iter_mut().filter(|r| r.face == Face::Regular) {
                        run.face = Face::SemiBold;
                    }
                    let term_lines = paragraph::set(c.ts, &term_runs, column - 14.0, &NOTE);
                    let runs = c.runs(description, body, color::INK);
                    let lines = paragraph::set(c.ts, &runs, c.width - column, &NOTE);
                    c.side_by_side(term_lines, lines, column);
                });
                c.space(HALF * 0.6);
            }
        });
        self.space(PARAGRAPH_GAP);
    }

    /// Lines of two columns on the same baselines.
    fn side_by_side(&mut self, term: Vec<Line>, text: Vec<Line>, column: f32) {
        let count = term.len().max(text.len());
        let (mut term, mut text) = (term.into_iter(), text.into_iter());
        for i in 0..count {
            let at = |x, line| Mark::Text { x, y: baseline(&NOTE), line };
            let mut marks = Vec::new();
            marks.extend(term.next().map(|line| at(self.left, line)));
            marks.extend(text.next().map(|line| at(self.left + column, line)));
            let keep = count > 1 && (i == 0 || i + 2 == count);
            self.push(Slab { height: NOTE.leading, keep, marks, ..Slab::default() });
        }
    }
}
