//! A [`Document`] as a mail: HTML of tables with its style inlined, and plain text that reads well by itself.
//!
//! Mail programs know an old and uneven part of HTML and CSS: Outlook lays out with Word, Gmail drops style sheets it does not
//! like. So the page is tables, every style is inlined by css-inline, pictures come along under a `cid:`, and there is no
//! flex, no grid, no external request. `templates/email/message.html.tera` writes the markup, `email.css` the style, and
//! [`text`] the plain text. Whatever came from a config or from data is escaped by the template engine.

mod text;

use std::fmt;

use serde::Serialize;
use tera::{Context, Tera};

use crate::diag::Diagnostic;
use crate::report::document::{
    Align, Block, Cell, Column, Document, Inline, Meta, Table, Target, Tone, VerdictCard,
};
use crate::theme::color;
use crate::wording::narrative;
use crate::wording::numbers::ABSENT;
use crate::wording::overrides::{self, Override};
use crate::wording::terms::{Terms, Vocabulary};

/// The template that is the mail.
const MESSAGE: &str = "email/message.html.tera";
/// The style sheet that is inlined.
const STYLE: &str = "email/email.css";

/// The built-in texts by their path under `templates`.
pub const BUILTIN: [(&str, &str); 2] = [
    (MESSAGE, include_str!("../../templates/email/message.html.tera")),
    (STYLE, include_str!("../../templates/email/email.css")),
];

/// What surrounds the document in a mail.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Frame {
    /// What mail programs show beside the subject.
    pub preview: String,
    /// Where the folder of the date is published, without a slash at its end; links lead nowhere without it.
    pub base: Option<String>,
    /// The picture parts, in order.
    pub pictures: Vec<Picture>,
    /// The whole report and its PDF: what each link says and where it leads. The first is shown as a button.
    pub links: Vec<(String, String)>,
    /// Remarks under the text: what is attached, why this comes.
    pub remarks: Vec<String>,
    /// How to leave: what the link says and where it leads.
    pub leave: Option<(String, String)>,
}

/// A picture of a mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// Content id, without angle brackets.
    pub cid: String,
    /// Caption.
    pub caption: String,
    /// What it shows.
    pub alt: String,
}

/// A mail in both forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// HTML.
    pub html: String,
    /// Plain text, wrapped, with line feeds.
    pub text: String,
}

/// Why a mail could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailError {
    /// Template, line and reason.
    pub message: String,
}

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EmailError {}

/// Template and style sheet, ready to render any number of mails.
#[derive(Clone)]
pub struct Renderer {
    tera: Tera,
    style: String,
    terms: Terms,
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").finish_non_exhaustive()
    }
}

impl Renderer {
    /// The built-in template and style with the words of `terms`.
    ///
    /// # Errors
    /// A built-in template is broken; a test keeps this from happening in a release.
    pub fn new(terms: &Terms) -> Result<Renderer, EmailError> {
        let mut tera = Tera::new();
        tera.autoescape_on([".tera"]);
        let failed =
            |error: tera::Error| EmailError { message: narrative::describe(MESSAGE, &error).0.to_string() };
        tera.add_raw_templates(BUILTIN.iter().copied().filter(|(name, _)| name.ends_with(".tera")))
            .map_err(failed)?;
        Ok(Renderer { tera, style: coloured(BUILTIN[1].1), terms: terms.clone() })
    }

    /// The built-in texts with the user's in place of theirs: `email/message.html.tera`, `email/email.css` (names of colours
    /// such as `$accent` stay); other files of `texts` are passed over.
    ///
    /// # Errors
    /// Every broken text, with its file, line and column.
    pub fn with_overrides(terms: &Terms, texts: &[Override]) -> Result<Renderer, Vec<Diagnostic>> {
        let mut renderer = Renderer::new(terms)
            .map_err(|error| vec![Diagnostic::error("templates::broken", error.message)])?;
        let ours: Vec<Override> = texts.iter().filter(|o| o.name.starts_with("email/")).cloned().collect();
        let known: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
        let mut problems = overrides::unknown(&ours, &known);
        let templates: Vec<Override> = ours.iter().filter(|o| o.name.ends_with(".tera")).cloned().collect();
        let (tera, broken) = narrative::add(renderer.tera, &templates);
        problems.extend(broken);
        renderer.tera = tera;
        if let Some(style) = ours.iter().find(|o| o.name == STYLE) {
            renderer.style = coloured(&style.text);
        }
        if problems.is_empty() { Ok(renderer) } else { Err(problems) }
    }

    /// The mail of a document.
    ///
    /// # Errors
    /// A template of the user prints what the document does not have, or its style sheet cannot be inlined.
    pub fn render(&self, document: &Document, frame: &Frame) -> Result<Rendered, EmailError> {
        let page = Page {
            meta: &document.meta,
            frame,
            blocks: document.blocks.iter().filter_map(|block| self.view(block, frame)).collect(),
        };
        let failed =
            |error: &tera::Error| EmailError { message: narrative::describe(MESSAGE, error).0.to_string() };
        let context = Context::from_serialize(&page).map_err(|error| failed(&error))?;
        let html = self.tera.render(MESSAGE, &context).map_err(|error| failed(&error))?;
        let inliner = css_inline::CSSInliner::options()
            .load_remote_stylesheets(false)
            .keep_style_tags(false)
            .minify_css(true)
            .extra_css(Some(self.style.as_str().into()))
            .build();
        let html =
            inliner.inline(&html).map_err(|error| EmailError { message: format!("{STYLE}: {error}") })?;
        Ok(Rendered { html, text: text::write(document, frame, &self.terms) })
    }

    fn view<'a>(&'a self, block: &'a Block, frame: &Frame) -> Option<View<'a>> {
        let spans = |inlines: &'a [Inline]| spans(inlines, frame);
        Some(match block {
            Block::Heading { text, .. } => View::Heading { text },
            Block::Paragraph { inlines } => View::Paragraph { spans: spans(inlines) },
            Block::List { items, .. } => View::List { items: items.iter().map(|item| spans(item)).collect() },
            Block::Table(table) => View::Rows(self.rows(table, frame)),
            Block::Callout { tone, title, paragraphs } => View::Callout {
                tone: self.mood(*tone),
                title,
                paragraphs: paragraphs.iter().map(|p| spans(p)).collect(),
            },
            Block::Verdict(card) => View::Verdict(self.verdict(card, frame)),
            Block::Definitions { items } => View::Definitions {
                items: items.iter().map(|(term, said)| (spans(term), spans(said))).collect(),
            },
            // A picture comes along as a part of the mail, in its frame.
            Block::Figure(_) => return None,
        })
    }

    fn rows<'a>(&'a self, table: &'a Table, frame: &Frame) -> RowsView<'a> {
        let rows = table.rows.iter().map(|row| {
            let mut cells = row.iter();
            RowView {
                name: cells.next().map(|cell| spans(&cell.inlines, frame)).unwrap_or_default(),
                cells: cells
                    .zip(table.columns.iter().skip(1))
                    .filter(|(cell, _)| !is_absent(cell))
                    .map(|(cell, column)| CellView {
                        title: &column.title,
                        is_titled: is_titled(cell, column),
                        tone: cell.tone.map(|tone| self.mood(tone)),
                        spans: spans(&cell.inlines, frame),
                    })
                    .collect(),
            }
        });
        RowsView { caption: &table.caption, rows: rows.collect(), notes: &table.notes }
    }

    fn verdict<'a>(&'a self, card: &'a VerdictCard, frame: &Frame) -> VerdictView<'a> {
        let tone = self.mood(card.tone);
        let action = card.action.as_deref().and_then(|action| self.terms.action(action));
        VerdictView {
            sign: action.map_or(tone.sign, |action| &action.sign),
            tone,
            label: &card.label,
            headline: &card.headline,
            lead: &card.lead,
            effects: card.effects.as_ref().map(|table| self.effects(table)),
            points: card.points.iter().map(|p| (p.label.as_str(), spans(&p.inlines, frame))).collect(),
            badges: card
                .badges
                .iter()
                .map(|badge| BadgeView {
                    label: &badge.label,
                    value: &badge.value,
                    tone: self.mood(badge.tone),
                })
                .collect(),
        }
    }

    fn effects<'a>(&'a self, table: &'a Table) -> EffectsView<'a> {
        let rows = table.rows.iter().map(|row| self.effect(table, row)).collect();
        EffectsView { rows, notes: &table.notes }
    }

    /// An effect in two columns, which fit the narrowest screen: name and values of the groups, difference and interval. The last
    /// two columns of the table are difference and interval, those before them are values.
    fn effect<'a>(&'a self, table: &'a Table, row: &'a [Cell]) -> EffectView<'a> {
        let titled = |range: std::ops::Range<usize>| -> Vec<(&'a str, String)> {
            let cells = table.columns.iter().zip(row).take(range.end).skip(range.start);
            cells.map(|(column, cell)| (column.title.as_str(), cell.plain())).collect()
        };
        let values_end = row.len().saturating_sub(2).max(1);
        EffectView {
            name: row.first().map(Cell::plain).unwrap_or_default(),
            values: titled(1..values_end),
            difference: row.get(values_end).map(Cell::plain).unwrap_or_default(),
            of: table.columns.get(values_end).map_or("", |column| column.title.as_str()),
            interval: titled(values_end + 1..row.len()),
            tone: row.get(values_end).and_then(|cell| cell.tone).map(|tone| self.mood(tone)),
        }
    }

    fn mood(&self, tone: Tone) -> Mood<'_> {
        let name = match tone {
            Tone::Note => "note",
            Tone::Good => "good",
            Tone::Caution => "caution",
            Tone::Bad => "bad",
            Tone::Void => "void",
        };
        let word = |vocabulary| self.terms.word(vocabulary, name);
        Mood { name, sign: word(Vocabulary::ToneSign), word: word(Vocabulary::Tone) }
    }
}

#[derive(Serialize)]
struct Page<'a> {
    meta: &'a Meta,
    frame: &'a Frame,
    blocks: Vec<View<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "block", rename_all = "kebab-case")]
enum View<'a> {
    Heading { text: &'a str },
    Paragraph { spans: Vec<Span<'a>> },
    List { items: Vec<Vec<Span<'a>>> },
    Rows(RowsView<'a>),
    Callout { tone: Mood<'a>, title: &'a str, paragraphs: Vec<Vec<Span<'a>>> },
    Verdict(VerdictView<'a>),
    Definitions { items: Vec<(Vec<Span<'a>>, Vec<Span<'a>>)> },
}

/// A run of text: `kind` is text, strong, emphasis, code or link.
#[derive(Serialize)]
struct Span<'a> {
    kind: &'static str,
    text: &'a str,
    href: String,
}

/// A tone with what says the same without colour.
#[derive(Clone, Copy, Serialize)]
struct Mood<'a> {
    name: &'static str,
    sign: &'a str,
    word: &'a str,
}

#[derive(Serialize)]
struct RowsView<'a> {
    caption: &'a str,
    rows: Vec<RowView<'a>>,
    notes: &'a [String],
}

/// A bare word of more letters is a sentence.
const WORD: usize = 40;

/// A cell that is read with the title of its column: a number or a bare word. A sentence, and what has an emphasis or a link of its own,
/// say themselves what they are.
fn is_titled(cell: &Cell, column: &Column) -> bool {
    let is_word = matches!(cell.inlines.as_slice(), [Inline::Text(text)] if text.chars().count() <= WORD);
    column.align == Align::End || is_word
}

/// A cell with nothing to say: under each other, unlike in columns, it needs no place.
fn is_absent(cell: &Cell) -> bool {
    matches!(cell.inlines.as_slice(), [Inline::Text(text)] if text == ABSENT)
}

#[derive(Serialize)]
struct RowView<'a> {
    name: Vec<Span<'a>>,
    cells: Vec<CellView<'a>>,
}

#[derive(Serialize)]
struct CellView<'a> {
    title: &'a str,
    is_titled: bool,
    tone: Option<Mood<'a>>,
    spans: Vec<Span<'a>>,
}

#[derive(Serialize)]
struct VerdictView<'a> {
    tone: Mood<'a>,
    sign: &'a str,
    label: &'a str,
    headline: &'a str,
    lead: &'a str,
    effects: Option<EffectsView<'a>>,
    points: Vec<(&'a str, Vec<Span<'a>>)>,
    badges: Vec<BadgeView<'a>>,
}

#[derive(Serialize)]
struct EffectsView<'a> {
    rows: Vec<EffectView<'a>>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct EffectView<'a> {
    name: String,
    values: Vec<(&'a str, String)>,
    difference: String,
    of: &'a str,
    interval: Vec<(&'a str, String)>,
    tone: Option<Mood<'a>>,
}

#[derive(Serialize)]
struct BadgeView<'a> {
    label: &'a str,
    value: &'a str,
    tone: Mood<'a>,
}

fn spans<'a>(inlines: &'a [Inline], frame: &Frame) -> Vec<Span<'a>> {
    inlines
        .iter()
        .map(|inline| {
            let (kind, href) = match inline {
                Inline::Strong(_) => ("strong", String::new()),
                Inline::Emphasis(_) => ("emphasis", String::new()),
                Inline::Code(_) => ("code", String::new()),
                Inline::Link { target: Target::File(path), .. } => match &frame.base {
                    Some(base) => ("link", format!("{base}/{}", super::html::encoded(path))),
                    None => ("text", String::new()),
                },
                Inline::Text(_) | Inline::Link { .. } => ("text", String::new()),
            };
            Span { kind, text: inline.plain(), href }
        })
        .collect()
}

/// The style sheet with the design tokens in place of their names.
fn coloured(style: &str) -> String {
    let tones = [
        ("note", color::NOTE),
        ("good", color::GOOD),
        ("caution", color::CAUTION),
        ("bad", color::BAD),
        ("void", color::VOID),
    ];
    let plain = [
        ("ink", color::INK),
        ("muted", color::MUTED),
        ("line", color::LINE),
        ("panel", color::PANEL),
        ("paper", color::PAPER),
        ("accent", color::ACCENT),
    ];
    let mut style = style.to_owned();
    // The longer names first, since one begins with another.
    for (name, (text, ground)) in tones {
        style = style.replace(&format!("${name}-ground"), &format!("#{ground:06x}"));
        style = style.replace(&format!("${name}"), &format!("#{text:06x}"));
    }
    for (name, rgb) in plain {
        style = style.replace(&format!("${name}"), &format!("#{rgb:06x}"));
    }
    style
}
