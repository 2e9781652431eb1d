//! The texts of the reports: the built-in templates, style sheet and terms, and the user's own in place of them.
//!
//! [`read`] takes a folder of the user, [`Templates::with`] puts its texts in place of the built-in ones. A text that is
//! broken, or that asks for what no report has, is a diagnostic with its line before anything is run: each is tried over
//! [`FACTS`] and over a sample page.

mod sample;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::diag::{Diagnostic, Place};
use crate::render::email;
use crate::render::html::{self, Renderer};
use crate::wording::builtin;
use crate::wording::narrative::{Narrative, NarrativeError};
use crate::wording::overrides::{self, Override};

/// Every fact that a narrative template may read, with a sample of each, as JSON; made by the sweep of the narrative's
/// tests, and handed to users beside the templates.
pub const FACTS: &str = include_str!("../templates/facts.json");

/// Endings of the files that can stand in place of a built-in text; others are left alone, notes of the user's for one.
const ENDINGS: [&str; 4] = ["tera", "toml", "css", "js"];

/// Everything that words and pages are made with.
#[derive(Clone, Debug)]
pub struct Templates {
    /// Prose and terms.
    pub narrative: Narrative,
    /// Pages.
    pub html: Renderer,
    /// Mails.
    pub email: email::Renderer,
    /// The user's texts that differ from the built-in ones, by name; those of mails not, because no report is made of them.
    changed: Vec<Override>,
}

/// Every built-in text by its path under `templates`, in alphabetical order.
pub fn builtin() -> Vec<(&'static str, &'static str)> {
    let mut texts: Vec<(&str, &str)> = builtin::NARRATIVE.to_vec();
    texts.extend(html::BUILTIN);
    texts.extend(email::BUILTIN);
    texts.push(("terms.toml", builtin::TERMS));
    texts.sort_unstable();
    texts
}

impl Templates {
    /// The built-in texts.
    ///
    /// # Errors
    /// A built-in text is broken, which tests rule out.
    pub fn new() -> Result<Self, Vec<Diagnostic>> {
        Templates::with(Vec::new())
    }

    /// The built-in texts with `texts` in place of theirs. Texts that are the same as the built-in ones change nothing
    /// and are passed over, so that a folder may hold a copy of all.
    ///
    /// # Errors
    /// Every text that replaces nothing, and every broken one, with its file and line.
    pub fn with(mut texts: Vec<Override>) -> Result<Self, Vec<Diagnostic>> {
        texts.sort_by(|a, b| a.name.cmp(&b.name));
        let builtin = builtin();
        texts.retain(|o| !builtin.iter().any(|(name, text)| *name == o.name && **text == *o.text));
        let known: Vec<&str> = builtin.iter().map(|(name, _)| *name).collect();
        let mut problems = overrides::unknown(&texts, &known);
        let named: Vec<Override> = texts
            .iter()
            .filter(|o| known.contains(&o.name.as_str()) || overrides::is_partial(&o.name))
            .cloned()
            .collect();
        let (narrative, html) = (Narrative::with_overrides(&named), Renderer::with_overrides(&named));
        match (narrative, html) {
            (Ok(narrative), Ok(html)) if problems.is_empty() => {
                let email = email::Renderer::with_overrides(narrative.terms(), &named)?;
                let (mails, changed) = texts.into_iter().partition(|o| o.name.starts_with("email/"));
                let templates = Templates { narrative, html, email, changed };
                let mut problems = templates.tried();
                problems.extend(templates.mail_tried(mails));
                if problems.is_empty() { Ok(templates) } else { Err(problems) }
            }
            (narrative, html) => {
                for found in narrative.err().into_iter().chain(html.err()).flatten() {
                    // Broken terms are met by the prose and by the pages.
                    if !problems.contains(&found) {
                        problems.push(found);
                    }
                }
                Err(problems)
            }
        }
    }

    /// The user's texts that are in force, by name: inputs of every report.
    pub fn changed(&self) -> &[Override] {
        &self.changed
    }

    /// A text that could not be made, at the place in the user's file where one is to blame.
    pub fn blamed(&self, code: &'static str, error: &NarrativeError) -> Diagnostic {
        match self.changed.iter().find(|o| o.name == error.template) {
            Some(o) => overrides::problem_at(o, error.line.unwrap_or(1), 0, code, error.message.clone())
                .hint("facts.json beside the templates of `itog templates` lists what a template may read"),
            None => Diagnostic::error(code, error.to_string()),
        }
    }

    /// Renders what the user changed over the sample; what fails there would fail in a report.
    fn tried(&self) -> Vec<Diagnostic> {
        let code = "templates::broken";
        let facts: Value = match serde_json::from_str(FACTS) {
            Ok(facts) => facts,
            Err(error) => return vec![Diagnostic::error(code, format!("facts.json: {error}"))],
        };
        let mut problems = Vec::new();
        let prose = self.changed.iter().filter(|o| o.name.starts_with("narrative/"));
        // A partial is tried where it is included: in every template.
        let all = self.changed.iter().any(|o| overrides::is_partial(&o.name));
        let names: BTreeSet<&str> = match all {
            true => builtin::NARRATIVE.iter().map(|(name, _)| *name).collect(),
            false => prose.map(|o| o.name.as_str()).collect(),
        };
        for name in names.into_iter().filter(|name| !overrides::is_partial(name)) {
            match self.narrative.render(name, &facts) {
                Err(error) => problems.push(self.blamed(code, &error)),
                Ok(said) if name.starts_with("narrative/rule/") && said.len() < 2 => {
                    let message =
                        "a rule writes a headline and a lead, each a paragraph of its own".to_owned();
                    let error = NarrativeError { template: name.to_owned(), line: None, message };
                    problems.push(self.blamed(code, &error));
                }
                Ok(_) => {}
            }
        }
        if self.changed.iter().any(|o| o.name.starts_with("html/"))
            && let Err(error) = self.html.render(&sample::document())
        {
            problems.push(self.blamed(code, &error.at));
        }
        problems
    }

    /// Renders a mail of the sample page, where the user changed how mails look.
    fn mail_tried(&self, changed: Vec<Override>) -> Option<Diagnostic> {
        let first = changed.first()?;
        let error = self.email.render(&sample::document(), &email::Frame::default()).err()?;
        Some(Diagnostic::error("templates::broken", error.message).at(Place::file(&first.file)))
    }
}

/// The texts of a user's folder, by their paths in it.
///
/// # Errors
/// Whatever of it cannot be read.
#[allow(clippy::disallowed_methods, reason = "the folder of `--templates` is read here")]
pub fn read(folder: &Path) -> Result<Vec<Override>, Vec<Diagnostic>> {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    let unreadable = |path: &Path, error: std::io::Error| {
        Diagnostic::error("templates::unreadable", format!("cannot read {}: {error}", path.display()))
            .at(Place::file(path))
            .hint("`itog templates DIR` makes a folder with the built-in texts")
    };
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inside) = folders.pop() {
        let entries = match std::fs::read_dir(&inside) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(unreadable(&inside, error));
                continue;
            }
        };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let ours = path.extension().is_some_and(|e| ENDINGS.iter().any(|ending| e == *ending));
            match path.is_dir() {
                true if !hidden => folders.push(path),
                false if !hidden && ours => match std::fs::read_to_string(&path) {
                    Ok(text) => {
                        let inner = path.strip_prefix(folder).unwrap_or(&path);
                        let parts: Vec<_> = inner.iter().map(|part| part.to_string_lossy()).collect();
                        texts.push(Override { name: parts.join("/"), file: path.clone(), text: text.into() });
                    }
                    Err(error) => problems.push(unreadable(&path, error)),
                },
                _ => {}
            }
        }
    }
    texts.sort_by(|a, b| a.name.cmp(&b.name));
    problems.sort_by_key(|p| p.place.as_ref().map(|place| place.file.clone()));
    if problems.is_empty() { Ok(texts) } else { Err(problems) }
}

#[cfg(test)]
mod tests;
