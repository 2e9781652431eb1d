//! Problems as values: what is wrong, where, and what to write instead.
//!
//! A pass over a config or a data file collects every [`Diagnostic`] it finds and returns them together, so that a
//! user mends a file once. Warnings travel with the value they concern in a [`Warned`].

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize};

/// How much a problem weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The work goes on; the report says what was noticed.
    Warning,
    /// The work cannot start.
    Error,
}

/// Where a problem stands: a file, and where known a byte range of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file as the user named it.
    pub file: PathBuf,
    /// Its text, when the place is inside a text that was read (a config).
    #[serde(with = "shared_text")]
    pub text: Option<Arc<str>>,
    /// Byte range inside `text`.
    pub span: Option<Range<usize>>,
    /// 1-based line, when only the line is known (a row of a data file).
    pub line: Option<u64>,
}

impl Place {
    /// A place that is a whole file.
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Place { file: file.into(), text: None, span: None, line: None }
    }

    /// The 1-based line and column of the span's start, or of `line`.
    pub fn line_column(&self) -> Option<(u64, u64)> {
        if let (Some(text), Some(span)) = (&self.text, &self.span) {
            let before = text.get(..span.start)?;
            let line = before.matches('\n').count() as u64 + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() as u64 + 1;
            return Some((line, column));
        }
        self.line.map(|line| (line, 1))
    }
}

/// The code of a problem.
pub type Code = &'static str;

/// One problem. `code` is stable and unique: users search for it and scripts match on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Such as `config::unknown-key`; every code is listed in `docs/diagnostics.md`.
    #[serde(deserialize_with = "known_code")]
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, one English sentence without a full stop.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error without a place or a hint yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { code, severity: Severity::Error, message: message.into(), place: None, hint: None }
    }

    /// A warning without a place or a hint yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message) }
    }

    /// The same problem at a place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The same problem with the part of the config that it is about before it, such as the metric. A message that names such a
    /// part already stays as it is.
    pub fn about(mut self, part: &str) -> Self {
        const PARTS: [&str; 4] = ["metric `", "funnel `", "segment `", "data."];
        if !PARTS.iter().any(|part| self.message.starts_with(part)) {
            self.message = format!("{part}: {}", self.message);
        }
        self
    }

    /// The same problem of the experiment that this config describes: it stands at the config, and where it stands at a file of
    /// data, which may be that of many experiments, the message names the config.
    pub fn of_config(mut self, config: &Path) -> Self {
        match &self.place {
            None => self.place = Some(Place::file(config)),
            Some(place) if place.file != config => {
                self.message = format!("{}: {}", config.display(), self.message);
            }
            Some(_) => {}
        }
        self
    }

    /// The same problem with what to write instead.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `file:line:column: error[code]: message (hint)`, the form that editors and logs parse.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}", place.file.display())?;
            if let Some((line, column)) = place.line_column() {
                write!(f, ":{line}:{column}")?;
            }
            write!(f, ": ")?;
        }
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}[{}]: {}", self.code, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// A code that came from another process of this program. Codes are few and each is kept once, so what is leaked is
/// bounded by their number.
fn known_code<'de, D: Deserializer<'de>>(reader: D) -> Result<Code, D::Error> {
    static KNOWN: Mutex<BTreeSet<Code>> = Mutex::new(BTreeSet::new());
    let code = String::deserialize(reader)?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = known.get(code.as_str()) {
        return Ok(code);
    }
    let code: Code = Box::leak(code.into_boxed_str());
    known.insert(code);
    Ok(code)
}

/// A shared text as a plain one.
mod shared_text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(text: &Option<Arc<str>>, writer: S) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(writer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Arc<str>>, D::Error> {
        Ok(Option::<String>::deserialize(reader)?.map(Arc::from))
    }
}

/// A value with the warnings that came up while it was made.
#[derive(Clone, Debug)]
pub struct Warned<T> {
    /// The value.
    pub value: T,
    /// What the reader should know about it, in the order found.
    pub warnings: Vec<Diagnostic>,
}

impl<T> Warned<T> {
    /// A value with nothing to warn of.
    pub fn clean(value: T) -> Self {
        Warned { value, warnings: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_is_the_same_after_a_way_between_processes() {
        let place = Place {
            file: "config/a.toml".into(),
            text: Some("alpha = 5".into()),
            span: Some(8..9),
            line: None,
        };
        let said = Diagnostic::error("config::out-of-range", "`alpha` is 5").at(place).hint("5 % is 0.05");
        for said in [said, Diagnostic::warning("data::header", "no place")] {
            let text = serde_json::to_string(&said).unwrap();
            let read: Diagnostic = serde_json::from_str(&text).unwrap();
            assert_eq!(read, said);
            let again: Diagnostic = serde_json::from_str(&text).unwrap();
            assert!(std::ptr::eq(read.code, again.code), "a code is kept once");
        }
    }
}
