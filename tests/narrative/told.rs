//! Every text of a told experiment, and what is wrong with it.

use std::collections::BTreeSet;

use itog::findings::Findings;
use itog::report::compose;
use itog::report::document::{Block, Inline, Table};
use itog::wording::lint::faults;
use itog::wording::narrative::Narrative;
use itog::wording::numbers::ABSENT;

/// Words in Latin letters that the program itself says: its name, files, and names of the field.
const OWN: [&str; 15] = [
    "CUPED",
    "itog",
    "PDF",
    "config",
    "toml",
    "results",
    "json",
    "UTF-8",
    "blake3",
    "K²",
    "Z-критерий",
    "z-критерий",
    "z-критерия",
    "z-критерию",
    "z-критерием",
];

/// Words in Latin letters of a text.
fn latin(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        .filter(|word| word.chars().any(|c| c.is_ascii_alphabetic()))
        .map(str::to_owned)
}

/// The faults of a paragraph: those of any text, and those of a text of sentences.
pub fn faults_of_prose(text: &str, allowed: &[&str]) -> Vec<String> {
    let mut found = faults(text, allowed);
    if !text.ends_with(['.', '!', '?', '…']) {
        found.push("no mark at the end".to_owned());
    }
    if text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| c.is_alphabetic() && !c.is_uppercase()) {
        found.push("a small letter at the beginning".to_owned());
    }
    found
}

struct Texts {
    /// Paragraphs: whole sentences.
    prose: Vec<String>,
    /// Headings, captions, cells: phrases.
    phrases: Vec<String>,
}

impl Texts {
    fn phrase(&mut self, text: &str) {
        if !text.is_empty() && text != ABSENT {
            self.phrases.push(text.to_owned());
        }
    }

    fn table(&mut self, table: &Table) {
        self.phrase(&table.caption);
        table.columns.iter().for_each(|c| self.phrase(&c.title));
        for cell in table.rows.iter().flatten() {
            self.phrase(&said(&cell.inlines));
        }
        self.prose.extend(table.notes.iter().cloned());
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { text, .. } => self.phrase(text),
            Block::Paragraph { inlines } => self.prose.push(said(inlines)),
            Block::List { items, .. } => self.prose.extend(items.iter().map(|i| said(i))),
            Block::Table(table) => self.table(table),
            Block::Figure(figure) => {
                self.phrase(&figure.caption);
                self.prose.extend([figure.alt.clone(), figure.description.clone()]);
                figure.data.iter().for_each(|table| self.table(table));
            }
            Block::Callout { title, paragraphs, .. } => {
                self.phrase(title);
                self.prose.extend(paragraphs.iter().map(|p| said(p)));
            }
            Block::Definitions { items } => {
                for (term, meaning) in items {
                    self.phrase(&said(term));
                    self.phrase(&said(meaning));
                }
            }
            Block::Verdict(card) => {
                self.phrase(&card.label);
                self.prose.extend([card.headline.clone(), card.lead.clone()]);
                self.prose.extend(card.points.iter().map(|p| said(&p.inlines)));
                card.effects.iter().for_each(|table| self.table(table));
                for badge in &card.badges {
                    self.phrase(&badge.label);
                    self.phrase(&badge.value);
                    self.prose.push(badge.meaning.clone());
                }
            }
        }
    }
}

/// The text of inlines; code is not prose and stands for a word.
fn said(inlines: &[Inline]) -> String {
    inlines.iter().map(|i| if matches!(i, Inline::Code(_)) { "Код" } else { i.plain() }).collect()
}

/// What is wrong with the report of these findings, each with its text.
pub fn problems(narrative: &Narrative, findings: &Findings) -> BTreeSet<String> {
    let id = &findings.config.experiment.id;
    let report = match compose(findings, narrative) {
        Ok(report) => report,
        Err(error) => return BTreeSet::from([format!("{id}: {error}")]),
    };
    let mut texts = Texts { prose: Vec::new(), phrases: Vec::new() };
    report.document.blocks.iter().for_each(|block| texts.block(block));
    texts.phrase(&report.document.meta.subtitle);
    texts.prose.push(report.document.meta.description.clone());
    // What the config says is its owner's; the program must add no Latin word of its own.
    let mut allowed: BTreeSet<String> = latin(&findings.config.text).collect();
    allowed.extend(OWN.map(str::to_owned));
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let told = |text: &str, found: Vec<String>| {
        (!found.is_empty())
            .then(|| format!("{id}, {}: {}: «{text}»", findings.verdict.rule, found.join(", ")))
    };
    let prose = texts.prose.iter().filter_map(|text| told(text, faults_of_prose(text, &allowed)));
    let phrases = texts.phrases.iter().filter_map(|text| told(text, faults(text, &allowed)));
    prose.chain(phrases).collect()
}
