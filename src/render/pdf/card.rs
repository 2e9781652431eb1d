//! The verdict card: what to do and why, on the first page.

use super::compose::{Composer, baseline};
use super::flow::{Mark, Slab};
use super::paragraph::{self, Run, Style};
use super::style::{self, HALF, HEADLINE, NOTE, TAG};
use crate::fonts::Face;
use crate::report::document::{Badge, Tone, VerdictCard};
use crate::theme::{color, size};

/// Padding of the label's pill, left and right.
const PILL_PAD: f32 = 8.0;
/// Text of badges.
const BADGE: Style = Style { size: size::TABLE, leading: size::TABLE * 1.38, ..NOTE };
/// The sign in a badge's disc, and the disc's diameter.
const SIGN: Style = Style { size: 7.0, leading: 7.0, ..TAG };
const DISC: f32 = 9.4;
/// Indent of a badge's text behind its disc, and the share of the width where what it means begins.
const INDENT: f32 = 16.0;
const CHECKED: f32 = 0.46;
/// Space between the two.
const GUTTER: f32 = 12.0;
/// Height of capitals in em.
const CAP: f32 = 0.698;

impl<'a> Composer<'a> {
    /// The card of a verdict.
    pub fn card(&mut self, card: &'a VerdictCard) {
        self.space(2.0 * HALF);
        self.within("Div", |c| {
            c.on_panel(card.tone, HALF * 2.0, |c| c.card_body(card));
        });
        self.space(3.0 * HALF);
    }

    fn card_body(&mut self, card: &'a VerdictCard) {
        self.pill(card.tone, &card.label);
        if !card.headline.is_empty() {
            self.space(HALF);
            self.plain("P", &card.headline, Face::SemiBold, color::INK, &HEADLINE);
            self.keep_last();
        }
        if !card.lead.is_empty() {
            self.space(HALF * 0.6);
            self.plain("P", &card.lead, Face::Regular, color::INK, &NOTE);
        }
        if let Some(effects) = &card.effects {
            self.space(HALF * 1.6);
            self.table(effects, None);
            self.notes(&effects.notes);
        }
        self.space(HALF * 1.8);
        for point in &card.points {
            let elem = self.tree.add(self.parent, "P");
            let label = run_in(&point.label);
            let mut runs = vec![Run {
                text: &label,
                face: Face::SemiBold,
                color: color::INK,
                scale: 1.0,
                elem,
                link: None,
            }];
            runs.extend(self.runs(&point.inlines, elem, color::INK));
            let lines = paragraph::set(self.ts, &runs, self.width, &NOTE);
            self.push_lines(lines, &NOTE);
            self.space(HALF * 0.8);
        }
        if !card.badges.is_empty() {
            self.space(HALF * 1.8);
            self.badges(&card.badges);
        }
    }

    /// The label of the action on a ground of its colour, with its sign.
    fn pill(&mut self, tone: Tone, label: &str) {
        if label.trim().is_empty() {
            return;
        }
        let elem = self.tree.add(self.parent, "P");
        let text = format!("{}\u{a0}\u{a0}{}", style::tone_sign(tone), label);
        let run =
            Run { text: &text, face: Face::SemiBold, color: color::PAPER, scale: 1.0, elem, link: None };
        let lines = paragraph::set(self.ts, &[run], self.width - 2.0 * PILL_PAD, &TAG);
        let (ground, _) = style::tone_colors(tone);
        let height = TAG.leading + 4.0;
        for line in lines {
            let pill = Mark::Ground {
                x: self.left,
                y: 0.0,
                width: line.width + 2.0 * PILL_PAD,
                height,
                radius: 3.0,
                color: ground,
            };
            let text = Mark::Text { x: self.left + PILL_PAD, y: baseline(&TAG) + 2.0, line };
            self.push(Slab { height, keep: true, marks: vec![pill, text], ..Slab::default() });
        }
    }

    /// Badges, one a row: sign, what was checked and what came out; beside it what the check means.
    fn badges(&mut self, badges: &[Badge]) {
        let list = self.tree.add(self.parent, "L");
        for badge in badges {
            let item = self.tree.add(list, "LI");
            let (label, body) = (self.tree.add(item, "Lbl"), self.tree.add(item, "LBody"));
            let (checked, means) = (self.tree.add(body, "P"), self.tree.add(body, "P"));
            let (ink, _) = style::tone_colors(badge.tone);
            let run = |text, face, color, elem| Run { text, face, color, scale: 1.0, elem, link: None };
            let disc_x = self.left;
            let middle = baseline(&BADGE) - CAP * BADGE.size / 2.0;
            let disc = Mark::Ground {
                x: disc_x,
                y: middle - DISC / 2.0,
                width: DISC,
                height: DISC,
                radius: DISC / 2.0,
                color: ink,
            };
            let signs = [run(style::tone_sign(badge.tone), Face::SemiBold, color::PAPER, label)];
            let sign = paragraph::set(self.ts, &signs, f32::INFINITY, &SIGN).pop().unwrap_or_default();
            let sign_y = middle + CAP * SIGN.size / 2.0;
            let mut marks =
                vec![disc, Mark::Text { x: disc_x + (DISC - sign.width) / 2.0, y: sign_y, line: sign }];
            let name = format!("{} ", badge.label);
            let said = [
                run(&name, Face::SemiBold, color::INK, checked),
                run(&badge.value, Face::Regular, ink, checked),
            ];
            let meaning = [run(&badge.meaning, Face::Regular, color::MUTED, means)];
            let column = (self.width * CHECKED).floor();
            let columns = [
                (INDENT, paragraph::set(self.ts, &said, column - INDENT - GUTTER, &BADGE)),
                (column, paragraph::set(self.ts, &meaning, self.width - column, &BADGE)),
            ];
            let count = columns.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0).max(1);
            for (x, lines) in columns {
                for (n, line) in lines.into_iter().enumerate() {
                    let y = n as f32 * BADGE.leading + baseline(&BADGE);
                    marks.push(Mark::Text { x: self.left + x, y, line });
                }
            }
            self.push(Slab { height: count as f32 * BADGE.leading, marks, ..Slab::default() });
            self.space(HALF * 0.45);
        }
    }
}

/// A label as the beginning of a paragraph: «Почему. ».
fn run_in(label: &str) -> String {
    let label = label.trim_end();
    let stop = if label.ends_with(['.', '!', '?', ':', '…']) { "" } else { "." };
    format!("{label}{stop} ")
}
