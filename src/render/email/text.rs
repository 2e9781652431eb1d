//! The plain text of a mail: all that its HTML says, in lines short enough to be quoted.

use super::{Frame, is_absent, is_titled};
use crate::report::document::{Block, Cell, Document, Inline, Table, Target, Tone, VerdictCard};
use crate::wording::terms::{Terms, Vocabulary};

/// Longest line.
const WIDTH: usize = 72;

/// Writes the text.
pub fn write(document: &Document, frame: &Frame, terms: &Terms) -> String {
    let mut page = Page { text: String::new(), base: frame.base.as_deref(), terms };
    page.paragraph("", &document.meta.title);
    page.line("", &"=".repeat(document.meta.title.chars().count().min(WIDTH)));
    page.line("", &document.meta.subtitle);
    for block in &document.blocks {
        page.block(block);
    }
    for (says, leads) in &frame.links {
        page.paragraph("", &format!("{says}:"));
        page.verbatim(leads);
    }
    page.paragraph("", "--");
    for remark in &frame.remarks {
        page.line("", remark);
    }
    page.line("", &format!("Письмо составила программа {}.", document.meta.generator));
    if let Some((says, leads)) = &frame.leave {
        page.line("", &format!("{says}:"));
        page.verbatim(leads);
    }
    page.text
}

struct Page<'a> {
    text: String,
    base: Option<&'a str>,
    terms: &'a Terms,
}

impl Page<'_> {
    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { text, .. } => {
                self.paragraph("", text);
                self.line("", &"-".repeat(text.chars().count().min(WIDTH)));
            }
            Block::Paragraph { inlines } => self.inlines("", inlines),
            Block::List { items, .. } => {
                self.text.push('\n');
                for item in items {
                    self.line("- ", &plain(item));
                }
            }
            Block::Table(table) => self.rows(table),
            Block::Callout { title, paragraphs, .. } => {
                self.paragraph("", title);
                for paragraph in paragraphs {
                    self.line("", &plain(paragraph));
                }
            }
            Block::Verdict(card) => self.verdict(card),
            Block::Definitions { items } => {
                for (term, said) in items {
                    self.paragraph("", &format!("{}: {}", plain(term), plain(said)));
                }
            }
            Block::Figure(_) => {}
        }
    }

    fn verdict(&mut self, card: &VerdictCard) {
        // «Продолжать. Продолжать: …» would say it twice.
        let label = card.label.trim_end_matches('.');
        match card.headline.starts_with(label) {
            true => self.paragraph("", &card.headline),
            false => self.paragraph("", &format!("{label}. {}", card.headline)),
        }
        if !card.lead.is_empty() {
            self.line("", &card.lead);
        }
        if let Some(table) = &card.effects {
            for row in &table.rows {
                self.paragraph("", &row.first().map(Cell::plain).unwrap_or_default());
                for (column, cell) in table.columns.iter().zip(row).skip(1) {
                    self.line("  ", &format!("{}: {}", column.title, cell.plain()));
                }
            }
            for note in &table.notes {
                self.paragraph("", note);
            }
        }
        for point in &card.points {
            self.paragraph("", &format!("{}. {}", point.label, plain(&point.inlines)));
        }
        if !card.badges.is_empty() {
            self.text.push('\n');
        }
        for badge in &card.badges {
            let word = self.terms.word(Vocabulary::Tone, tone(badge.tone)).to_owned();
            self.line("- ", &format!("{}: {} ({word})", badge.label, badge.value));
        }
    }

    fn rows(&mut self, table: &Table) {
        if !table.caption.is_empty() {
            self.paragraph("", &table.caption);
        }
        for row in &table.rows {
            let mut cells = row.iter().zip(&table.columns);
            if let Some((name, _)) = cells.next() {
                self.paragraph("* ", &plain(&name.inlines));
            }
            for (cell, column) in cells.filter(|(cell, _)| !is_absent(cell)) {
                let titled = is_titled(cell, column) || cell.tone.is_some();
                let said = plain(&cell.inlines);
                self.line("  ", &if titled { format!("{}: {said}", column.title) } else { said });
            }
            if let Some(Inline::Link { target: Target::File(path), .. }) =
                row.first().and_then(|cell| cell.inlines.first())
                && let Some(base) = self.base
            {
                let address = format!("  {base}/{path}");
                self.verbatim(&address);
            }
        }
        for note in &table.notes {
            self.paragraph("", note);
        }
    }

    fn inlines(&mut self, indent: &str, inlines: &[Inline]) {
        self.paragraph(indent, &plain(inlines));
    }

    /// A paragraph after an empty line.
    fn paragraph(&mut self, indent: &str, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(indent, text);
    }

    /// Lines that begin with `indent`, further ones with blanks below it. No-break spaces hold.
    fn line(&mut self, indent: &str, text: &str) {
        let mut line = String::from(indent);
        let mut is_empty = true;
        for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
            let longer = line.chars().count() + usize::from(!is_empty) + word.chars().count();
            if !is_empty && longer > WIDTH {
                self.verbatim(&line);
                line = " ".repeat(indent.chars().count());
            } else if !is_empty {
                line.push(' ');
            }
            line.push_str(word);
            is_empty = false;
        }
        self.verbatim(&line);
    }

    /// A line as it is: an address must not be broken.
    fn verbatim(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

fn plain(inlines: &[Inline]) -> String {
    inlines.iter().map(Inline::plain).collect()
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Note => "note",
        Tone::Good => "good",
        Tone::Caution => "caution",
        Tone::Bad => "bad",
        Tone::Void => "void",
    }
}
