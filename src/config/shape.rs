//! The form of a config against its schema: keys, types, words and ranges, every deviation with its place.
//!
//! What is wrong is reported and taken out of the tree, and the key is remembered as spoiled: the later checks neither
//! trip over it nor report it as missing.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes;
use super::raw::{EXPERIMENT_ID, ID};
use super::schema::{Kind, Node};
use super::sink::Sink;
use super::suggest;

/// Checks the whole tree against the schema of its file and takes out what is wrong.
pub fn check(root: &mut Spanned<DeTable<'_>>, file: Node, sink: &mut Sink) {
    let span = root.span();
    Shape { sink }.table(root.get_mut(), &span, file, "");
}

struct Shape<'s> {
    sink: &'s mut Sink,
}

impl Shape<'_> {
    fn table(&mut self, table: &mut DeTable<'_>, span: &Range<usize>, node: Node, path: &str) {
        let mut keys: Vec<(Range<usize>, String)> =
            table.keys().map(|key| (key.span(), key.get_ref().to_string())).collect();
        keys.sort_by_key(|(place, _)| place.start);
        for (place, key) in &keys {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let Some(expected) = node.key(key) else {
                self.unknown_key(table, span, place, key, node, path);
                table.remove(key.as_str());
                continue;
            };
            if node.is_named() && key.trim().is_empty() {
                self.sink.error(codes::EMPTY_TEXT, place, "a name is empty", "write its name in the quotes");
            }
            let keep = match table.get_mut(key.as_str()) {
                Some(value) => self.value(value, expected, key, &below),
                None => true,
            };
            if !keep {
                self.sink.spoil(span, key);
                table.remove(key.as_str());
            }
        }
        for key in node.required() {
            if !table.contains_key(key) && !self.sink.is_spoiled(span, &[key]) {
                let takes = node.key(key).map_or("a value", |node| node.kind().name());
                let hint = match takes {
                    "a table" => format!("add a section [{key}]"),
                    "a list" => format!("add a section [[{path}.{key}]]"),
                    takes => format!("add `{key} = …`, {takes}"),
                };
                self.sink.error(
                    codes::MISSING_KEY,
                    span,
                    format!("`{key}` is missing in {}", node.section(path)),
                    hint,
                );
                self.sink.spoil(span, key);
            }
        }
    }

    fn unknown_key(
        &mut self,
        table: &DeTable<'_>,
        span: &Range<usize>,
        place: &Range<usize>,
        key: &str,
        node: Node,
        path: &str,
    ) {
        let absent: Vec<&str> = node.keys().into_iter().filter(|known| !table.contains_key(*known)).collect();
        let near =
            suggest::nearest(key, absent.iter().copied()).or_else(|| suggest::nearest(key, node.keys()));
        let elsewhere: Vec<&str> = node.sections_with(key).into_iter().filter(|name| *name != path).collect();
        let hint = match (near, elsewhere.as_slice()) {
            (Some(near), _) => {
                // The slip stands for the key that was meant: that one is not missing as well.
                self.sink.spoil(span, near);
                format!("did you mean `{near}`?")
            }
            (None, sections @ [_, ..]) => {
                format!("`{key}` belongs in {}", suggest::list(sections.iter().copied()))
            }
            (None, []) => format!("known keys: {}", suggest::list(node.keys())),
        };
        self.sink.error(
            codes::UNKNOWN_KEY,
            place,
            format!("unknown key `{key}` in {}", node.section(path)),
            hint,
        );
    }

    /// Checks one value; whether it may stay in the tree.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, node: Node, key: &str, path: &str) -> bool {
        let span = value.span();
        match (node.kind(), value.get_mut()) {
            (Kind::Table, DeValue::Table(table)) => {
                self.table(table, &span, node, path);
                true
            }
            (Kind::List, DeValue::Array(list)) => {
                let Some(items) = node.items() else { return true };
                let mut keep = true;
                for item in list.iter_mut() {
                    keep &= self.value(item, items, key, path);
                }
                keep
            }
            (Kind::Text, DeValue::String(text)) => self.text(text, &span, node, key),
            (Kind::Day, DeValue::Datetime(day)) if day.time.is_none() && day.offset.is_none() => true,
            (Kind::Boolean, DeValue::Boolean(_)) => true,
            (Kind::Number, DeValue::Integer(integer)) => {
                let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok();
                self.number(number.map(|number| number as f64), &span, node, key)
            }
            (Kind::Number, DeValue::Float(float)) => {
                let number = float.as_str().parse::<f64>().ok();
                self.number(number, &span, node, key)
            }
            (Kind::Integer, DeValue::Integer(integer)) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                self.number(number.map(|number| number as f64), &span, node, key)
            }
            (expected, found) => {
                let message = format!("`{key}` must be {}, not {}", expected.name(), type_name(found));
                let hint =
                    wrong_type_hint(expected, found, key, self.sink.text().get(span.clone()).unwrap_or(""));
                self.sink.error(codes::WRONG_TYPE, &span, message, hint);
                false
            }
        }
    }

    fn text(&mut self, text: &str, span: &Range<usize>, node: Node, key: &str) -> bool {
        let words = node.words();
        if !words.is_empty() {
            if !words.contains(&text) {
                let hint = match suggest::nearest(text, words.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`? allowed: {}", suggest::list(words)),
                    None => format!("allowed: {}", suggest::list(words)),
                };
                self.sink.error(codes::UNKNOWN_VALUE, span, format!("`{key}` cannot be `{text}`"), hint);
                return false;
            }
            return true;
        }
        if let Some(pattern) = node.pattern() {
            if !fits(pattern, text) {
                let hint = match pattern {
                    EXPERIMENT_ID => "1 to 64 of a–z, 0–9 and `-`",
                    _ => "1 to 64 of a–z, 0–9, `-` and `_`",
                };
                self.sink.error(codes::BAD_ID, span, format!("`{text}` cannot be an id"), hint);
            }
            // A bad id stays: other sections may refer to it, and that is not a second problem.
            return true;
        }
        if node.limit("minLength").is_some() && text.trim().is_empty() && node.limit("maxLength").is_none() {
            self.sink.error(
                codes::EMPTY_TEXT,
                span,
                format!("`{key}` is empty"),
                "write it, or remove the key",
            );
            return false;
        }
        let length = text.chars().count() as f64;
        if node.limit("maxLength").is_some_and(|most| length > most)
            || (text.is_empty() && node.limit("maxLength").is_some())
        {
            let message = format!("`{key}` must be one character, not {length}");
            self.sink.error(codes::OUT_OF_RANGE, span, message, "such as \";\" or \"\\t\"");
            return false;
        }
        true
    }

    fn number(&mut self, number: Option<f64>, span: &Range<usize>, node: Node, key: &str) -> bool {
        let Some(number) = number else {
            self.sink.error(
                codes::OUT_OF_RANGE,
                span,
                format!("`{key}` is too large a number"),
                "write a smaller one",
            );
            return false;
        };
        if !number.is_finite() {
            self.sink.error(
                codes::NOT_FINITE,
                span,
                format!("`{key}` must be a finite number"),
                "write a number",
            );
            return false;
        }
        let (above, least) = (node.limit("exclusiveMinimum"), node.limit("minimum"));
        let (below, most) = (node.limit("exclusiveMaximum"), node.limit("maximum"));
        let fits = above.is_none_or(|limit| number > limit)
            && least.is_none_or(|limit| number >= limit)
            && below.is_none_or(|limit| number < limit)
            && most.is_none_or(|limit| number <= limit);
        if fits {
            return true;
        }
        let bounds = [
            above.map(|limit| format!("greater than {limit}")),
            least.map(|limit| format!("at least {limit}")),
            below.map(|limit| format!("less than {limit}")),
            most.filter(|limit| *limit < 1e9).map(|limit| format!("at most {limit}")),
        ];
        let bounds = bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        let is_percent = (below == Some(1.0) || most == Some(1.0)) && number > 1.0 && number < 100.0;
        let hint = if is_percent {
            // Two digits more than the percentage has are enough to move the point without binary dust.
            format!("{number} % is {}", (number * 1e10).round() / 1e12)
        } else {
            format!("write a number {bounds}")
        };
        self.sink.error(codes::OUT_OF_RANGE, span, format!("`{key}` must be {bounds}, not {number}"), hint);
        false
    }
}

/// Whether a text matches one of the two id patterns, without a regular expression engine.
fn fits(pattern: &str, text: &str) -> bool {
    let underscore = pattern == ID;
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || (byte == b'_' && underscore)
        })
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn wrong_type_hint(expected: Kind, found: &DeValue<'_>, key: &str, written: &str) -> String {
    match (expected, found) {
        (Kind::Number | Kind::Integer, DeValue::String(text)) => {
            let plain = text.trim().replace(',', ".").replace([' ', '\u{a0}', '\u{202f}'], "");
            match plain.parse::<f64>() {
                Ok(number) if number.is_finite() => format!("without quotes, with a point: {number}"),
                _ => format!("write {} without quotes", expected.name()),
            }
        }
        (Kind::Integer, DeValue::Float(float)) => match float.as_str().parse::<f64>() {
            Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("write {number}"),
            _ => "write a whole number".to_owned(),
        },
        (
            Kind::Text,
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_),
        ) => {
            format!("in quotes: \"{}\"", written.trim())
        }
        (Kind::Day, _) => "such as 2024-03-01, without quotes and time".to_owned(),
        (Kind::Boolean, _) => "write true or false without quotes".to_owned(),
        (Kind::List, DeValue::Table(_)) => format!("two brackets: [[{key}]]"),
        (Kind::List, DeValue::String(_)) => format!("in brackets: [{}]", written.trim()),
        (Kind::Table, DeValue::Array(_)) => format!("single brackets: [{key}]"),
        _ => format!("write {}", expected.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_their_pattern() {
        for (text, experiment, other) in [
            ("arppu", true, true),
            ("traffic-sources-2", true, true),
            ("a_b", false, true),
            ("", false, false),
            ("ARPPU", false, false),
            ("конверсия", false, false),
            ("a b", false, false),
            ("../x", false, false),
        ] {
            assert_eq!((fits(EXPERIMENT_ID, text), fits(ID, text)), (experiment, other), "{text}");
        }
        assert!(fits(ID, &"a".repeat(64)) && !fits(ID, &"a".repeat(65)));
    }
}
