//! The document as the templates see it: sections nested, captions numbered, drawings written, links resolved.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;

use super::style;
use crate::drawing::svg::{self, Options};
use crate::drawing::{Mark, Paint};
use crate::report::document::{
    Align, Badge, Block, Cell, Document, Figure, Inline, Meta, Table, Target, Tone, VerdictCard,
};
use crate::wording::terms::{Terms, Vocabulary};

/// Rows from which a table can be searched.
const SEARCHABLE: usize = 20;
/// Rows from which a table can be sorted.
const SORTABLE: usize = 3;

/// The whole page.
#[derive(Serialize)]
pub struct Page<'a> {
    meta: &'a Meta,
    /// Sections in order; the first, without a heading, is what stands before the first heading.
    sections: Vec<Section<'a>>,
    /// Whether the contents are shown.
    contents: bool,
    /// Widths of the drawings in whole points.
    #[serde(skip)]
    widths: BTreeSet<u32>,
    /// Colours of the drawings.
    #[serde(skip)]
    colors: BTreeSet<u32>,
}

/// A heading with what follows it.
#[derive(Default, Serialize)]
struct Section<'a> {
    id: &'a str,
    title: &'a str,
    blocks: Vec<View<'a>>,
    sections: Vec<Section<'a>>,
}

/// A block.
#[derive(Serialize)]
#[serde(tag = "block", rename_all = "kebab-case")]
enum View<'a> {
    Paragraph { spans: Vec<Span<'a>> },
    List { ordered: bool, items: Vec<Vec<Span<'a>>> },
    Table(TableView<'a>),
    Figure(FigureView<'a>),
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
#[derive(Serialize)]
struct Mood<'a> {
    name: &'static str,
    sign: &'a str,
    word: &'a str,
}

#[derive(Serialize)]
struct TableView<'a> {
    id: &'a str,
    /// «Таблица 3», or empty where the table belongs to a card or a figure.
    label: String,
    caption: &'a str,
    /// What the scrolling region is called.
    name: String,
    columns: Vec<ColumnView<'a>>,
    rows: Vec<Vec<CellView<'a>>>,
    notes: &'a [String],
    sortable: bool,
    searchable: bool,
    /// Whether its rows stand below each other on narrow screens rather than scroll: the effects of a card, and
    /// tables of text.
    stacked: bool,
}

#[derive(Serialize)]
struct ColumnView<'a> {
    title: &'a str,
    align: &'static str,
}

#[derive(Serialize)]
struct CellView<'a> {
    spans: Vec<Span<'a>>,
    align: &'static str,
    sort: Option<f64>,
    tone: Option<Mood<'a>>,
}

#[derive(Serialize)]
struct FigureView<'a> {
    id: &'a str,
    label: String,
    caption: &'a str,
    description: &'a str,
    svg: String,
    width: u32,
    data: Option<TableView<'a>>,
}

#[derive(Serialize)]
struct VerdictView<'a> {
    tone: Mood<'a>,
    /// The sign of the action, or of the tone where there is no action.
    sign: &'a str,
    label: &'a str,
    headline: &'a str,
    lead: &'a str,
    effects: Option<TableView<'a>>,
    points: Vec<PointView<'a>>,
    badges: Vec<BadgeView<'a>>,
    /// Whether a badge says what it means.
    explained: bool,
}

#[derive(Serialize)]
struct PointView<'a> {
    label: &'a str,
    spans: Vec<Span<'a>>,
}

#[derive(Serialize)]
struct BadgeView<'a> {
    label: &'a str,
    value: &'a str,
    meaning: &'a str,
    tone: Mood<'a>,
}

impl<'a> Page<'a> {
    /// The page of a document, with the words of `terms`.
    pub fn of(document: &'a Document, terms: &'a Terms) -> Self {
        let mut maker = Maker {
            terms,
            one_list: document.meta.one_list,
            tables: 0,
            figures: 0,
            widths: BTreeSet::new(),
            colors: BTreeSet::new(),
        };
        let mut sections = vec![Section::default()];
        for block in &document.blocks {
            if let Block::Heading { level, id, text } = block {
                let section = Section { id, title: text, ..Section::default() };
                match sections.last_mut() {
                    Some(parent) if *level > 2 && !parent.title.is_empty() => parent.sections.push(section),
                    _ => sections.push(section),
                }
            } else if let (Some(view), Some(section)) = (maker.view(block), sections.last_mut()) {
                section.sections.last_mut().map_or(&mut section.blocks, |sub| &mut sub.blocks).push(view);
            }
        }
        sections.retain(|section| !section.title.is_empty() || !section.blocks.is_empty());
        Page {
            meta: &document.meta,
            sections,
            contents: document.meta.contents,
            widths: maker.widths,
            colors: maker.colors,
        }
    }

    /// The rules that tell the style sheet how wide each drawing is and what its colours are in the dark.
    pub fn style_of_drawings(&self) -> String {
        self.widths.iter().fold(style::dark_drawings(&self.colors), |mut css, width| {
            // Writing to a String cannot fail.
            let _ = writeln!(css, ".w{width}{{--natural:{width}}}");
            css
        })
    }
}

/// Counts captions while it turns blocks into views.
struct Maker<'a> {
    terms: &'a Terms,
    /// Whether one field above all tables searches them.
    one_list: bool,
    tables: usize,
    figures: usize,
    widths: BTreeSet<u32>,
    colors: BTreeSet<u32>,
}

impl<'a> Maker<'a> {
    /// The view of a block; headings have none.
    fn view(&mut self, block: &'a Block) -> Option<View<'a>> {
        Some(match block {
            Block::Heading { .. } => return None,
            Block::Paragraph { inlines } => View::Paragraph { spans: spans(inlines) },
            Block::List { ordered, items } => {
                View::List { ordered: *ordered, items: items.iter().map(|item| spans(item)).collect() }
            }
            Block::Table(table) => {
                self.tables += 1;
                let label = format!("Таблица {}", self.tables);
                View::Table(self.table(table, label, String::new()))
            }
            Block::Figure(figure) => View::Figure(self.figure(figure)),
            Block::Callout { tone, title, paragraphs } => View::Callout {
                tone: self.mood(*tone),
                title,
                paragraphs: paragraphs.iter().map(|p| spans(p)).collect(),
            },
            Block::Verdict(card) => View::Verdict(self.verdict(card)),
            Block::Definitions { items } => View::Definitions {
                items: items.iter().map(|(term, said)| (spans(term), spans(said))).collect(),
            },
        })
    }

    /// A table; `name` is its name for assistive technology where it has no caption of its own.
    fn table(&self, table: &'a Table, label: String, name: String) -> TableView<'a> {
        let name = match (name.is_empty(), table.caption.is_empty()) {
            (false, _) => name,
            (true, true) => label.clone(),
            (true, false) => format!("{label}. {}", table.caption),
        };
        let rows = table.rows.iter().map(|row| {
            row.iter()
                .enumerate()
                .map(|(i, cell)| self.cell(cell, table.columns.get(i).map(|c| c.align)))
                .collect()
        });
        let numbers = table.columns.iter().filter(|c| c.align == Align::End).count();
        TableView {
            id: &table.id,
            label,
            caption: &table.caption,
            name,
            columns: table
                .columns
                .iter()
                .map(|c| ColumnView { title: &c.title, align: align(c.align) })
                .collect(),
            rows: rows.collect(),
            notes: &table.notes,
            sortable: table.rows.len() >= SORTABLE,
            searchable: table.rows.len() >= SEARCHABLE && !self.one_list,
            stacked: table.columns.len() > 2 && numbers == 0,
        }
    }

    fn cell(&self, cell: &'a Cell, column: Option<Align>) -> CellView<'a> {
        CellView {
            spans: spans(&cell.inlines),
            align: column.map_or("start", align),
            sort: cell.sort.filter(|x| x.is_finite()),
            tone: cell.tone.map(|tone| self.mood(tone)),
        }
    }

    fn figure(&mut self, figure: &'a Figure) -> FigureView<'a> {
        self.figures += 1;
        let label = format!("Рисунок {}", self.figures);
        // Positive and far below u32::MAX; a float cast saturates in any case.
        let width = figure.drawing.width.max(1.0).round() as u32;
        self.widths.insert(width);
        self.colors.extend(figure.drawing.marks.iter().flat_map(colors));
        let data =
            figure.data.as_ref().map(|table| self.table(table, String::new(), format!("Данные: {label}")));
        FigureView {
            id: &figure.id,
            caption: &figure.caption,
            description: &figure.description,
            svg: svg::svg(&figure.drawing, &Options { label: &figure.alt, standalone: false }),
            width,
            data,
            label,
        }
    }

    fn verdict(&self, card: &'a VerdictCard) -> VerdictView<'a> {
        let tone = self.mood(card.tone);
        let action = card.action.as_deref().and_then(|action| self.terms.action(action));
        VerdictView {
            sign: action.map_or(tone.sign, |action| &action.sign),
            tone,
            label: &card.label,
            headline: &card.headline,
            lead: &card.lead,
            effects: card.effects.as_ref().map(|table| TableView {
                stacked: true,
                ..self.table(table, String::new(), "Эффекты по показателям".into())
            }),
            points: card
                .points
                .iter()
                .map(|p| PointView { label: &p.label, spans: spans(&p.inlines) })
                .collect(),
            badges: card.badges.iter().map(|badge| self.badge(badge)).collect(),
            explained: card.badges.iter().any(|badge| !badge.meaning.is_empty()),
        }
    }

    fn badge(&self, badge: &'a Badge) -> BadgeView<'a> {
        BadgeView {
            label: &badge.label,
            value: &badge.value,
            meaning: &badge.meaning,
            tone: self.mood(badge.tone),
        }
    }

    fn mood(&self, tone: Tone) -> Mood<'a> {
        let name = match tone {
            Tone::Note => "note",
            Tone::Good => "good",
            Tone::Caution => "caution",
            Tone::Bad => "bad",
            Tone::Void => "void",
        };
        let terms = self.terms;
        Mood { name, sign: terms.word(Vocabulary::ToneSign, name), word: terms.word(Vocabulary::Tone, name) }
    }
}

/// The colours of a mark.
fn colors(mark: &Mark) -> Vec<u32> {
    let both = |fill: &Option<Paint>, stroke: &Option<(Paint, f32)>| {
        fill.iter().map(|paint| paint.rgb).chain(stroke.iter().map(|(paint, _)| paint.rgb)).collect()
    };
    match mark {
        Mark::Line { stroke, .. } => vec![stroke.rgb],
        Mark::Text { fill, .. } => vec![fill.rgb],
        Mark::Polygon { fill, stroke, .. }
        | Mark::Rect { fill, stroke, .. }
        | Mark::Circle { fill, stroke, .. } => both(fill, stroke),
    }
}

fn align(align: Align) -> &'static str {
    match align {
        Align::Start => "start",
        Align::End => "end",
    }
}

fn spans(inlines: &[Inline]) -> Vec<Span<'_>> {
    inlines
        .iter()
        .map(|inline| {
            let (kind, href) = match inline {
                Inline::Text(_) => ("text", String::new()),
                Inline::Strong(_) => ("strong", String::new()),
                Inline::Emphasis(_) => ("emphasis", String::new()),
                Inline::Code(_) => ("code", String::new()),
                Inline::Link { target: Target::Anchor(id), .. } => ("link", format!("#{}", encoded(id))),
                Inline::Link { target: Target::File(path), .. } => ("link", encoded(path)),
            };
            Span { kind, text: inline.plain(), href }
        })
        .collect()
}

/// A relative path as a URL: everything but unreserved characters and `/` percent-encoded, so that no path can be
/// taken for an address with a scheme.
pub fn encoded(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_harmless_urls() {
        assert_eq!(encoded("arppu/report.html"), "arppu/report.html");
        assert_eq!(encoded("javascript:alert(1)"), "javascript%3Aalert%281%29");
        assert_eq!(encoded("отчёт 1"), "%D0%BE%D1%82%D1%87%D1%91%D1%82%201");
    }
}
