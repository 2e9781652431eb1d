//! The semantic document: what a report says, before anyone decides how it looks.
//!
//! Every output is made from a [`Document`] and from nothing else. It serializes to JSON, and that JSON is the golden
//! test of a report. Text in it is plain text in Russian: emphasis is an [`Inline`], never markup inside a string, so
//! whatever came from a config or from data is escaped in HTML and literal in PDF.

use serde::{Deserialize, Serialize};

use crate::drawing::Drawing;

/// One report or digest.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// Facts about the document itself.
    pub meta: Meta,
    /// Content in reading order; sections are made by [`Block::Heading`] levels.
    pub blocks: Vec<Block>,
}

/// Facts about a document.
#[derive(Clone, Debug, Serialize)]
pub struct Meta {
    /// Title of the document, plain text.
    pub title: String,
    /// A line under the title: experiment id, dates, owner.
    pub subtitle: String,
    /// Short text of page headers.
    pub running_head: String,
    /// Data date, ISO 8601 (`2026-11-22`).
    pub date: String,
    /// Data date in words («22 ноября 2026 г.»).
    pub date_words: String,
    /// Tool and version (`itog 0.1.0`).
    pub generator: String,
    /// Summary for search results and document properties.
    pub description: String,
    /// Whether a table of contents is printed (reports yes, short digests no).
    pub contents: bool,
    /// Whether the tables are parts of one list, which a page searches as a whole (long digests).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub one_list: bool,
}

/// A block of content.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "block", rename_all = "kebab-case")]
pub enum Block {
    /// Starts a section; `level` 2 and 3 (the title is level 1). `id` is unique in the document and a valid anchor.
    Heading {
        /// 2 or 3.
        level: u8,
        /// Anchor, `[a-z0-9-]+`.
        id: String,
        /// Plain text.
        text: String,
    },
    /// A paragraph.
    Paragraph {
        /// Its runs.
        inlines: Vec<Inline>,
    },
    /// A list; items are paragraphs.
    List {
        /// Numbered or bulleted.
        ordered: bool,
        /// Items.
        items: Vec<Vec<Inline>>,
    },
    /// A table.
    Table(Table),
    /// A chart or graph.
    Figure(Figure),
    /// A note that stands out.
    Callout {
        /// What kind of note.
        tone: Tone,
        /// A few words, printed bold.
        title: String,
        /// Paragraphs.
        paragraphs: Vec<Vec<Inline>>,
    },
    /// The verdict, first in a report.
    Verdict(VerdictCard),
    /// Terms and what is said of them.
    Definitions {
        /// Term and description.
        items: Vec<(Vec<Inline>, Vec<Inline>)>,
    },
}

/// A run of text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "inline", content = "text", rename_all = "kebab-case")]
pub enum Inline {
    /// Plain.
    Text(String),
    /// Important: bold.
    Strong(String),
    /// A term or a remark: italic.
    Emphasis(String),
    /// A name from a config, a column, a hash: monospaced.
    Code(String),
    /// A link inside the document or to a file beside it.
    Link {
        /// What the reader sees.
        text: String,
        /// Where it leads.
        target: Target,
    },
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", content = "at", rename_all = "kebab-case")]
pub enum Target {
    /// The heading, table or figure with this id.
    Anchor(String),
    /// A file by its path relative to the document, `/`-separated.
    File(String),
}

/// The mood of a callout, card, badge or cell: each has a colour, a sign and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// Neutral information.
    Note,
    /// Good: ship, passed.
    Good,
    /// Needs attention: continue, a warning.
    Caution,
    /// Bad: stop, keep because worse, failed.
    Bad,
    /// Nothing can be concluded.
    Void,
}

/// A table with a header row. The first column is the row header.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Anchor, unique in the document.
    pub id: String,
    /// Caption, plain text; numbered by the renderers («Таблица 1. …»); empty for the table of a verdict card.
    pub caption: String,
    /// Columns.
    pub columns: Vec<Column>,
    /// Rows; each has as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// Remarks under the table.
    pub notes: Vec<String>,
}

/// A column of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Column {
    /// Header.
    pub title: String,
    /// Alignment of header and cells.
    pub align: Align,
}

/// Horizontal alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// Text.
    Start,
    /// Numbers.
    End,
}

/// A cell of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// Content.
    pub inlines: Vec<Inline>,
    /// The number behind the text, for sorting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<f64>,
    /// Mood, when the cell says whether something is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tone: Option<Tone>,
}

/// A chart with everything a reader who cannot see it needs.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Anchor and file name of the chart (`charts/<id>.svg`), unique in the document.
    pub id: String,
    /// Caption, plain text; numbered by the renderers («Рисунок 1. …»).
    pub caption: String,
    /// What the picture shows, in one sentence (the alternative text).
    pub alt: String,
    /// A longer description: what to see in it, for readers of the text alone; may be empty.
    pub description: String,
    /// The picture.
    pub drawing: Drawing,
    /// The numbers behind the picture.
    pub data: Option<Table>,
}

/// The first screen: what to do and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerdictCard {
    /// `action` of the results: ship, keep, continue, stop, invalid; for plans without data it is absent.
    pub action: Option<String>,
    /// Mood of the card.
    pub tone: Tone,
    /// The label of the action («Оставить контроль»).
    pub label: String,
    /// The decision as a sentence with a verb.
    pub headline: String,
    /// One more sentence that says what was found.
    pub lead: String,
    /// The effects, a row a metric.
    pub effects: Option<Table>,
    /// «Почему», «Риск», «Дальше» and their like with their text, in order.
    pub points: Vec<Point>,
    /// Trust badges.
    pub badges: Vec<Badge>,
}

/// A labelled paragraph of the verdict card.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    /// «Почему».
    pub label: String,
    /// The text.
    pub inlines: Vec<Inline>,
}

/// A trust badge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Badge {
    /// What was checked («Деление трафика»).
    pub label: String,
    /// What came out («в порядке, p = 0,907»).
    pub value: String,
    /// Good, Caution, Bad or Void.
    pub tone: Tone,
    /// What the check means, one sentence.
    pub meaning: String,
}

impl Inline {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Inline::Text(text.into())
    }

    /// Bold text.
    pub fn strong(text: impl Into<String>) -> Self {
        Inline::Strong(text.into())
    }

    /// The characters a reader sees.
    pub fn plain(&self) -> &str {
        match self {
            Inline::Text(t) | Inline::Strong(t) | Inline::Emphasis(t) | Inline::Code(t) => t,
            Inline::Link { text, .. } => text,
        }
    }
}

impl Cell {
    /// A cell of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Cell { inlines: vec![Inline::Text(text.into())], sort: None, tone: None }
    }

    /// A cell of a formatted number and the number itself.
    pub fn number(text: impl Into<String>, value: f64) -> Self {
        Cell { sort: value.is_finite().then_some(value), ..Cell::text(text) }
    }

    /// The same cell with a mood.
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = Some(tone);
        self
    }

    /// The characters a reader sees.
    pub fn plain(&self) -> String {
        self.inlines.iter().map(Inline::plain).collect()
    }
}

impl Column {
    /// A text column.
    pub fn text(title: impl Into<String>) -> Self {
        Column { title: title.into(), align: Align::Start }
    }

    /// A number column.
    pub fn number(title: impl Into<String>) -> Self {
        Column { title: title.into(), align: Align::End }
    }
}

impl Block {
    /// A paragraph of plain text.
    pub fn paragraph(text: impl Into<String>) -> Self {
        Block::Paragraph { inlines: vec![Inline::Text(text.into())] }
    }

    /// A heading.
    pub fn heading(level: u8, id: impl Into<String>, text: impl Into<String>) -> Self {
        Block::Heading { level, id: id.into(), text: text.into() }
    }
}
