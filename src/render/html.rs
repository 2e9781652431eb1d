//! A [`Document`] as one HTML file: no external request, readable without scripts, light, dark and printed.
//!
//! [`page`] turns the document into what the templates need (numbered captions, nested sections, drawings as SVG);
//! `templates/html/report.html.tera` writes the markup; [`style`] makes the colours and sizes of the style sheet from
//! the design tokens. Whatever came from a config or from data is escaped by the template engine.

mod page;
mod style;

use std::fmt;
use std::sync::{Arc, LazyLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tera::{Context, Tera};

use crate::diag::Diagnostic;
use crate::report::document::Document;
use crate::wording::narrative::{self, NarrativeError};
use crate::wording::overrides::{self, Override};
use crate::wording::terms::Terms;

pub(super) use page::encoded;

/// The template that is the page.
const PAGE: &str = "html/report.html.tera";
/// The style sheet, after the generated variables.
const STYLE: &str = "html/report.css";
/// The script: sorting and searching in tables, nothing that a reader needs.
const SCRIPT: &str = "html/report.js";

/// The built-in texts by their path under `templates`.
pub const BUILTIN: [(&str, &str); 4] = [
    (PAGE, include_str!("../../templates/html/report.html.tera")),
    ("html/parts.html.tera", include_str!("../../templates/html/parts.html.tera")),
    (STYLE, include_str!("../../templates/html/report.css")),
    (SCRIPT, include_str!("../../templates/html/report.js")),
];

/// The weights of the family that a page carries.
const FONTS: [(u16, &[u8]); 2] = [
    (400, include_bytes!("../../templates/fonts/IBMPlexSans-Regular.woff2")),
    (600, include_bytes!("../../templates/fonts/IBMPlexSans-SemiBold.woff2")),
];

/// Templates, style sheet and script, ready to render any number of documents.
#[derive(Clone)]
pub struct Renderer {
    tera: Tera,
    style: String,
    script: String,
    terms: Arc<Terms>,
}

/// Why a page could not be made: a template asks for what a document does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HtmlError {
    /// Template, line and reason.
    pub at: NarrativeError,
}

impl fmt::Display for HtmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.at)
    }
}

impl std::error::Error for HtmlError {}

impl HtmlError {
    fn new(template: &str, error: &tera::Error) -> Self {
        HtmlError { at: narrative::describe(template, error).0 }
    }
}

static RENDERER: LazyLock<Result<Renderer, HtmlError>> = LazyLock::new(Renderer::new);

/// The page of a document with the built-in templates.
///
/// # Errors
/// A built-in template is broken, which the tests of this module rule out.
pub fn render(document: &Document) -> Result<String, HtmlError> {
    RENDERER.as_ref().map_err(Clone::clone)?.render(document)
}

impl Renderer {
    /// The built-in templates.
    ///
    /// # Errors
    /// A built-in template is broken; a test keeps this from happening in a release.
    pub fn new() -> Result<Self, HtmlError> {
        let mut tera = Tera::new();
        tera.autoescape_on([".tera"]);
        tera.add_raw_templates(BUILTIN.iter().copied().filter(|(name, _)| name.ends_with(".tera")))
            .map_err(|error| HtmlError::new(PAGE, &error))?;
        let builtin =
            |wanted: &str| BUILTIN.iter().find(|(name, _)| *name == wanted).map_or("", |(_, text)| text);
        let style = format!("{}{}\n{}", fonts(), style::variables(), builtin(STYLE));
        let terms = Arc::new(Terms::builtin().clone());
        Ok(Renderer { tera, style, script: builtin(SCRIPT).to_owned(), terms })
    }

    /// The built-in templates with the user's in place of theirs: `html/report.html.tera`, `html/parts.html.tera`,
    /// `html/report.css` (the variables stay), `html/report.js`, `terms.toml`; other files of `texts` are passed over.
    ///
    /// # Errors
    /// Every broken text, with its file, line and column.
    pub fn with_overrides(texts: &[Override]) -> Result<Self, Vec<Diagnostic>> {
        let mut renderer = Renderer::new()
            .map_err(|error| vec![Diagnostic::error("templates::broken", error.to_string())])?;
        let ours: Vec<Override> = texts.iter().filter(|o| o.name.starts_with("html/")).cloned().collect();
        let known: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
        let mut problems = overrides::unknown(&ours, &known);
        let templates: Vec<Override> = ours.iter().filter(|o| o.name.ends_with(".tera")).cloned().collect();
        let (tera, broken) = narrative::add(renderer.tera, &templates);
        problems.extend(broken);
        renderer.tera = tera;
        for text in texts {
            match text.name.as_str() {
                STYLE => renderer.style = format!("{}{}\n{}", fonts(), style::variables(), text.text),
                SCRIPT => renderer.script = text.text.to_string(),
                "terms.toml" => match Terms::with_override(text) {
                    Ok(terms) => renderer.terms = Arc::new(terms),
                    Err(found) => problems.extend(found),
                },
                _ => {}
            }
        }
        if problems.is_empty() { Ok(renderer) } else { Err(problems) }
    }

    /// The page of a document.
    ///
    /// # Errors
    /// A template of the user prints what the document does not have.
    pub fn render(&self, document: &Document) -> Result<String, HtmlError> {
        let page = page::Page::of(document, &self.terms);
        let style = format!("{}{}", self.style, page.style_of_drawings());
        let mut context = Context::from_serialize(&page).map_err(|error| HtmlError::new(PAGE, &error))?;
        let nonce = nonce(document)?;
        context.insert("policy", &policy(&nonce));
        context.insert("nonce", &nonce);
        context.insert("style", &style);
        context.insert("script", &self.script);
        self.tera.render(PAGE, &context).map_err(|error| HtmlError::new(PAGE, &error))
    }
}

impl fmt::Debug for Renderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderer").finish_non_exhaustive()
    }
}

/// A content security policy under which only what carries the nonce runs, and nothing comes from elsewhere.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; font-src data:; img-src data:; \
         base-uri 'none'; form-action 'none'"
    )
}

/// A nonce that is the same for the same document, and that no text inside the document can foresee: the digest of
/// the whole.
fn nonce(document: &Document) -> Result<String, HtmlError> {
    let failed = |error: serde_json::Error| HtmlError {
        at: NarrativeError { template: PAGE.to_owned(), line: None, message: error.to_string() },
    };
    let json = serde_json::to_vec(document).map_err(failed)?;
    Ok(STANDARD.encode(&Sha256::digest(&json)[..18]))
}

/// The `@font-face` rules with the fonts inside.
fn fonts() -> String {
    FONTS
        .iter()
        .map(|(weight, bytes)| {
            format!(
                "@font-face{{font-family:'IBM Plex Sans';font-style:normal;font-weight:{weight};font-display:block;\
                 src:url(data:font/woff2;base64,{}) format('woff2')}}\n",
                STANDARD.encode(bytes)
            )
        })
        .collect()
}
