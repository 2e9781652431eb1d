//! How problems look on a terminal: the place in the text with miette, one line each elsewhere.

#![allow(clippy::disallowed_methods, reason = "NO_COLOR is an agreement of terminals")]

pub mod log;
pub mod progress;

use std::fmt;
use std::io::IsTerminal;

use crate::cli::LogFormat;
use itog::diag::{Diagnostic, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// A diagnostic in the shape that miette draws.
struct Drawn<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)?;
        match &self.diagnostic.place {
            Some(place) if place.span.is_none() => match place.line {
                Some(line) => write!(f, " ({}:{line})", place.file.display()),
                None => write!(f, " ({})", place.file.display()),
            },
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic.hint.as_ref().map(|h| Box::new(h) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.diagnostic.place.as_ref()?.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, span.start, span.len()))))
    }
}

/// Whether stderr takes colours.
pub fn colored() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Prints diagnostics to stderr: drawn on a terminal, one line each elsewhere, events in a JSON log.
pub fn print(diagnostics: &[Diagnostic]) {
    let colored = colored();
    for diagnostic in diagnostics {
        if log::chosen().0 == LogFormat::Json {
            log::diagnostic(diagnostic);
            continue;
        }
        if !std::io::stderr().is_terminal() {
            eprintln!("{diagnostic}");
            continue;
        }
        let source = diagnostic.place.as_ref().and_then(|place| {
            let text = place.text.as_ref().filter(|_| place.span.is_some())?;
            Some(NamedSource::new(place.file.display().to_string(), text.to_string()))
        });
        let theme = if colored { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut text = String::new();
        let drawn = Drawn { diagnostic, source };
        match GraphicalReportHandler::new_themed(theme).render_report(&mut text, &drawn) {
            Ok(()) => eprint!("{text}"),
            Err(_) => eprintln!("{diagnostic}"),
        }
    }
}
