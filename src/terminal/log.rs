//! The log on stderr: lines for people, or JSON for programs that collect them.

use std::io::IsTerminal;
use std::sync::OnceLock;

use itog::diag::{Diagnostic, Severity};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{Cli, LogFormat, LogLevel};
use crate::commands::timings::Timings;

/// What was chosen at the start.
static CHOSEN: OnceLock<(LogFormat, LogLevel)> = OnceLock::new();

/// The format and the level of this process.
pub fn chosen() -> (LogFormat, LogLevel) {
    *CHOSEN.get().unwrap_or(&(LogFormat::Text, LogLevel::Warn))
}

/// Starts the log; `timings` listens to the stages of the pipeline beside it.
pub fn start(cli: &Cli, timings: Option<&Timings>) {
    // On a terminal there is a bar, and problems are drawn when it has gone.
    let usual = if std::io::stderr().is_terminal() { LogLevel::Error } else { LogLevel::Info };
    let level = if cli.quiet { LogLevel::Error } else { cli.log_level.unwrap_or(usual) };
    let _ = CHOSEN.set((cli.log_format, level));
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What libraries say below a warning is about themselves.
    let said = Targets::new().with_target("itog", level).with_default(level.min(LevelFilter::WARN));
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    let lines = match cli.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    // A second log in one process would be refused; there is only one start.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(said))
        .with(timings.map(Timings::layer))
        .try_init();
}

/// A diagnostic as a line of the log.
pub fn diagnostic(d: &Diagnostic) {
    let place = d.place.as_ref();
    let file = place.map(|place| place.file.display().to_string());
    let (line, column) = place.and_then(|place| place.line_column()).unzip();
    let (code, hint) = (d.code, d.hint.as_deref());
    match d.severity {
        Severity::Error => tracing::error!(code, file, line, column, hint, "{}", d.message),
        Severity::Warning => tracing::warn!(code, file, line, column, hint, "{}", d.message),
    }
}
