//! A [`Document`] as an archival, accessible PDF: PDF/A-3a and PDF/UA-1 in one file.
//!
//! The way of the data, one file a step:
//!
//! ```text
//! text → paragraph (hyphenation, linebreak) → compose (card, table, figure, contents) → flow → paint → embed → finish
//! words     lines                               slabs and structure tree                pages  operators  PDF
//! ```
//!
//! Layout is ours, printpdf writes the pages and their fonts, lopdf the rest. The same input gives the same bytes.

mod blocks;
mod canvas;
mod card;
mod charmap;
mod columns;
mod compose;
mod contents;
mod embed;
mod figure;
mod finish;
mod flow;
mod hyphenation;
mod linebreak;
mod metadata;
mod paint;
mod paragraph;
mod picture;
mod structure;
mod style;
mod table;
mod tags;
mod text;

use std::fmt;

use self::compose::Composer;
use self::paint::Running;
use self::text::Typesetter;
use crate::report::document::{Block, Document};

/// A file to embed in the PDF.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// File name, unique in the document.
    pub name: String,
    /// Media type (`application/json`).
    pub media: String,
    /// What it is, for readers who see the list of attachments.
    pub description: String,
    /// How it relates to the document.
    pub relationship: Relationship,
    /// Content.
    pub bytes: Vec<u8>,
}

/// How an attachment relates to the document (ISO 19005-3, `AFRelationship`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// The data that the document shows.
    Data,
    /// What the document was made from.
    Source,
    /// Something more.
    Supplement,
}

/// What the document itself does not say.
#[derive(Clone, Debug)]
pub struct PdfOptions {
    /// Date of creation, `YYYY-MM-DD`: the data date, never the clock.
    pub date: String,
    /// Program and version (`itog 0.1.0`).
    pub producer: String,
}

/// A finished PDF.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The file.
    pub bytes: Vec<u8>,
    /// Number of pages.
    pub pages: usize,
    /// What could not be printed as it was written. The file conforms all the same.
    pub warnings: Vec<PdfWarning>,
}

/// Something that is printed differently from how it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdfWarning {
    /// The fonts lack a character: «�» is printed, copies and readers get the character.
    MissingCharacter {
        /// The character.
        character: char,
        /// The word in which it was met first.
        word: String,
    },
    /// A link leads to an anchor that does not exist: its text is printed plainly.
    BrokenLink {
        /// The anchor.
        anchor: String,
    },
}

impl fmt::Display for PdfWarning {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            PdfWarning::MissingCharacter { character, word } => {
                write!(
                    f,
                    "the report's fonts lack U+{:04X} (in `{word}`); printed as U+FFFD",
                    u32::from(*character)
                )
            }
            PdfWarning::BrokenLink { anchor } => {
                write!(f, "a link leads to `{anchor}`, which does not exist")
            }
        }
    }
}

/// Why there is no PDF. None of these is caused by the text of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PdfError {
    /// `PdfOptions::date` is not `YYYY-MM-DD`.
    Date(String),
    /// A face could not be cut down to the glyphs in use.
    Font {
        /// PostScript name.
        face: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// The file could not be written.
    Save(String),
}

impl fmt::Display for PdfError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            PdfError::Date(date) => write!(f, "`{date}` is not a date as YYYY-MM-DD"),
            PdfError::Font { face, reason } => write!(f, "cannot embed {face}: {reason}"),
            PdfError::Save(reason) => write!(f, "cannot write the PDF: {reason}"),
        }
    }
}

impl std::error::Error for PdfError {}

/// Renders `document` with `attachments` embedded.
///
/// Whatever the text holds, the result conforms to PDF/A-3a and PDF/UA-1; what had to be printed differently is in
/// the warnings.
pub fn render(
    document: &Document,
    attachments: &[Attachment],
    options: &PdfOptions,
) -> Result<Rendered, PdfError> {
    render_with(document, || Ok(attachments), options)
}

/// As [`render`], with attachments that are asked for when all pages are painted: they may be made meanwhile.
///
/// # Errors
/// [`PdfError`], and what `attachments` says.
pub fn render_with<A: AsRef<[Attachment]>, E: From<PdfError>>(
    document: &Document,
    attachments: impl FnOnce() -> Result<A, E>,
    options: &PdfOptions,
) -> Result<Rendered, E> {
    if !metadata::is_date(&options.date) {
        return Err(PdfError::Date(options.date.clone()).into());
    }
    let mut ts = Typesetter::default();
    let mut composer = Composer::new(&mut ts, document);
    compose_document(&mut composer, document);
    let pages = flow::paginate(&composer.slabs);
    let running = Running { head: &document.meta.running_head, date: &document.meta.date_words };
    let mut painted = paint::paint(&mut composer, &pages, &running);
    // What was laid out is on the pages now. A digest of a thousand lines need not hold it twice.
    composer.slabs = Vec::new();
    let pdf = embed::embed(&document.meta.title, std::mem::take(&mut painted.pages))?;
    let attachments = attachments()?;
    let bytes = finish::finish(pdf, document, &composer, &painted, attachments.as_ref(), options)?;
    let broken = composer.broken.iter().map(|anchor| PdfWarning::BrokenLink { anchor: anchor.clone() });
    let mut warnings: Vec<PdfWarning> = broken.collect();
    let missing = ts.missing.iter();
    warnings
        .extend(missing.map(|(c, word)| PdfWarning::MissingCharacter { character: *c, word: word.clone() }));
    Ok(Rendered { bytes, pages: pages.len(), warnings })
}

/// Title, then the verdict, then the contents, then everything else: the decision is on the first page.
fn compose_document<'a>(composer: &mut Composer<'a>, document: &'a Document) {
    composer.title(document);
    let leading = document.blocks.iter().take_while(|b| matches!(b, Block::Verdict(_))).count();
    let (verdict, rest) = document.blocks.split_at(leading);
    for block in verdict {
        composer.block(block);
    }
    if document.meta.contents {
        let entries = composer.entries.clone();
        composer.contents(&entries);
    }
    for block in rest {
        composer.block(block);
    }
    composer.figure_data(document);
}
