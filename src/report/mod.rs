//! From findings to a document: what is said, in which order.

pub mod digest;
pub mod document;
pub mod facts;
pub mod gates;
pub mod mail;
pub mod scale;
pub mod scorecard;
pub mod sections;
pub mod sentences;

use serde_json::{Value, json};

use crate::findings::Findings;
use crate::wording::narrative::{Narrative, NarrativeError};
use crate::wording::{dates, typography};
use document::{Block, Document, Meta};
use sentences::{Decision, Sentence};

/// Name and version as documents and manifests give them.
pub const GENERATOR: &str = concat!("itog ", env!("CARGO_PKG_VERSION"));

/// Everything a section may use.
pub struct Teller<'a> {
    /// What is known.
    pub findings: &'a Findings,
    /// What templates read.
    pub facts: &'a Value,
    /// The templates.
    pub narrative: &'a Narrative,
    /// The decision in words.
    pub decision: &'a Decision,
    /// Reasons of the test choices, in their order.
    pub choices: &'a [Vec<Sentence>],
}

impl Teller<'_> {
    /// Paragraphs of `narrative/section/<name>.tera` over the facts and an extra fact.
    pub fn paragraphs(&self, name: &str, extra: Option<(&str, Value)>) -> Result<Vec<Block>, NarrativeError> {
        let mut facts = self.facts.clone();
        if let (Value::Object(map), Some((key, value))) = (&mut facts, extra) {
            map.insert(key.to_owned(), value);
        }
        let texts = self.narrative.render(&format!("narrative/section/{name}.tera"), &facts)?;
        Ok(texts.into_iter().map(Block::paragraph).collect())
    }
}

/// A finished report: what to show and what the results say in words.
pub struct Report {
    /// The document.
    pub document: Document,
    /// The decision in words.
    pub decision: Decision,
    /// Reasons of the test choices, in their order.
    pub choices: Vec<Vec<Sentence>>,
}

/// Tells the findings.
///
/// # Errors
/// A template that is broken or asks for what does not exist, with its name and line.
pub fn compose(findings: &Findings, narrative: &Narrative) -> Result<Report, NarrativeError> {
    let facts = facts::of(findings);
    let decision = sentences::decision(narrative, findings, &facts)?;
    let choices = findings
        .choices
        .iter()
        .enumerate()
        .map(|(index, choice)| {
            let facts = json!({ "choice": facts["choices"][index] });
            sentences::of_codes(narrative, "choice", &choice.because, &facts)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let teller = Teller { findings, facts: &facts, narrative, decision: &decision, choices: &choices };
    let mut blocks = Vec::new();
    for section in sections::SECTIONS {
        blocks.extend(section(&teller)?);
    }
    blocks.iter_mut().for_each(set_titles);
    let document = Document { meta: meta(findings, &decision), blocks };
    Ok(Report { document, decision, choices })
}

/// Headings and captions hold titles of the config, whose numbers must not part from their units either.
fn set_titles(block: &mut Block) {
    match block {
        Block::Heading { text, .. } => *text = typography::typeset(text),
        Block::Table(table) => table.caption = typography::typeset(&table.caption),
        Block::Figure(figure) => figure.caption = typography::typeset(&figure.caption),
        _ => {}
    }
}

fn meta(findings: &Findings, decision: &Decision) -> Meta {
    let e = &findings.config.experiment;
    let mut subtitle = vec![format!("Эксперимент {}", e.id)];
    if let (Some(start), Some(end)) = (e.start, e.end) {
        subtitle.push(dates::period(start, end));
    }
    if let Some(owner) = &e.owner {
        subtitle.push(format!("решает {owner}"));
    }
    Meta {
        title: e.title.clone(),
        subtitle: subtitle.join(" · "),
        running_head: e.title.clone(),
        date: findings.date.to_string(),
        date_words: dates::long(findings.date),
        generator: GENERATOR.to_owned(),
        description: format!("{} {}", decision.headline, decision.lead),
        contents: true,
        one_list: false,
    }
}
