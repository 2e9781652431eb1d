//! Text that is not TOML: every error of the syntax, and of the rest what can still be judged.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, Error};

use super::codes;
use super::schema::Node;
use super::shape;
use super::sink::Sink;
use crate::diag::Diagnostic;

/// The problems of a text that is not TOML; nothing when it is.
///
/// One error a line: the parser often says two things about one slip. When a bracket or a quote is left open, what
/// follows is guesswork, and only the first error is told. Otherwise the other lines are sound, and their keys and
/// values are checked as well, without judging what is missing.
pub fn check(path: &Path, text: &Arc<str>, file: Node) -> Option<Sink> {
    let (mut tree, mut errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return None;
    }
    let mut sink = Sink::new(path, text);
    errors.sort_by_key(|error| error.span().map_or(0, |span| span.start));
    let lines: Vec<Range<usize>> = errors.iter().map(|error| line(text, error)).collect();
    let runs_away = errors.iter().any(|error| {
        let message = error.message();
        message.starts_with("unclosed")
            || message.starts_with("invalid multi-line")
            || message.contains("inline table")
    });
    let header = lines.iter().any(|line| text[line.clone()].trim_start().starts_with('['));
    if !runs_away && !header {
        shape::check(&mut tree, file, &mut sink);
        sink.retain(|found| {
            found.code != codes::MISSING_KEY && !lines.iter().any(|line| is_within(found, line))
        });
    }
    let told = if runs_away { 1 } else { errors.len() };
    for (index, (error, line)) in errors.iter().zip(&lines).enumerate().take(told) {
        if index > 0 && lines[index - 1] == *line {
            continue;
        }
        if let Some((place, date)) = misspelt_date(text, line) {
            let message = format!("`{}` is no date", &text[place.clone()]);
            let hint = format!("a date is written {date}, without quotes");
            sink.error(codes::SYNTAX, &place, message, hint);
            continue;
        }
        let place = error.span().filter(|span| !span.is_empty()).unwrap_or_else(|| trimmed(text, line));
        sink.error(codes::SYNTAX, &place, error.message(), hint(&text[line.clone()], error.message()));
    }
    Some(sink)
}

/// The line that an error is in, without its end.
fn line(text: &str, error: &Error) -> Range<usize> {
    let mut at = error.span().map_or(0, |span| span.start).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    start..end
}

/// The visible part of a line.
fn trimmed(text: &str, line: &Range<usize>) -> Range<usize> {
    let written = &text[line.clone()];
    let start = line.start + (written.len() - written.trim_start().len());
    start..(start + written.trim().len())
}

fn is_within(found: &Diagnostic, line: &Range<usize>) -> bool {
    let span = found.place.as_ref().and_then(|place| place.span.as_ref());
    span.is_some_and(|span| span.start >= line.start && span.start <= line.end)
}

/// What the commonest slips look like.
fn hint(line: &str, message: &str) -> &'static str {
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let comma_number = value.split_once(',').is_some_and(|(whole, fraction)| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole) && digits(fraction.split([' ', '#']).next().unwrap_or(""))
    });
    if comma_number {
        "decimals have a point: 0.05"
    } else if message.starts_with("duplicate key") {
        "remove one of the two"
    } else if message.contains("must be quoted") && value.is_empty() {
        "write a value after ="
    } else if message.contains("must be quoted") {
        "put the text in quotes"
    } else if message.contains("unquoted key") {
        "keys are written in Latin letters, or in quotes"
    } else if message.contains("basic string") && value.contains('\\') {
        "a backslash in a path: use /, or single quotes"
    } else if message.contains("basic string") {
        "close the quotes on the same line"
    } else if message.starts_with("unclosed") || message.starts_with("missing comma") {
        "close every bracket, and separate entries by commas"
    } else {
        "see https://toml.io for how TOML is written"
    }
}

/// A date as people write it, `01.11.2026` or `2026/11/1`, with its place and with how TOML writes it. Of `1/11/2026` nobody
/// knows which is the month.
fn misspelt_date(text: &str, line: &Range<usize>) -> Option<(Range<usize>, String)> {
    let (key, value) = text[line.clone()].split_once('=')?;
    let start = line.start + key.len() + 1 + (value.len() - value.trim_start().len());
    let written = value.trim_start().split([' ', '\t', '#', 'T', '\r']).next()?;
    let place = start..start + written.len();
    let parts: Vec<&str> = written.split(['.', '/', '-']).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let (year, month, day) = match (first.len(), third.len()) {
        (4, 1..=2) => (first, second, third),
        (1..=2, 4) if !written.contains('/') => (third, second, first),
        (1..=2, 4) => (third, &"11", &"5"),
        _ => return None,
    };
    let number = |text: &str| text.parse::<i8>().ok();
    let date = jiff::civil::Date::new(year.parse().ok()?, number(month)?, number(day)?).ok()?;
    Some((place, date.to_string()))
}
