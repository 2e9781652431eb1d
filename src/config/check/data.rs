//! `[data]`. Whether its files exist and have its columns is seen elsewhere: this check reads nothing.

use std::path::Path;

use super::super::choices::Word;
use super::super::codes;
use super::super::raw::{At, Named, RawColumn, RawData, RawFacts, RawIdentity};
use super::super::sink::Sink;
use super::super::suggest;
use super::super::valid::{ColumnRule, DataSource, Facts, Files, Identity, Incremental, OnBroken};
use super::{text, transposed, unique, warehouse};

/// Encodings that Russian exports come in, for the hint.
const ENCODINGS: [&str; 6] = ["utf-8", "windows-1251", "koi8-r", "ibm866", "utf-16le", "x-mac-cyrillic"];

/// Checks the section. Paths are joined to `base`; patterns in them are not resolved yet.
pub fn check(raw: &At<RawData>, base: &Base<'_>, sink: &mut Sink) -> Option<DataSource> {
    let data = &raw.value;
    let warehouse = warehouse::warehouse(raw, sink);
    let described =
        warehouse.as_ref().map(|warehouse| warehouse::describe(warehouse.engine, &warehouse.from));
    let files = files(
        Written {
            path: data.path.as_ref(),
            separator: data.separator.as_ref(),
            decimal: data.decimal.as_ref(),
            encoding: data.encoding.as_ref(),
            malformed: data.malformed.as_ref(),
            columns: data.columns.as_ref(),
            min_rows: data.min_rows.as_ref(),
        },
        base.data,
        sink,
    );
    let files = match (files, described) {
        (Some(files), Some(pattern)) => Some(Files { paths: Vec::new(), pattern, ..files }),
        (files, _) => files,
    };
    if let (Some(count), Some(_)) = (&data.count, &data.unit) {
        let message = "both `unit` and `count` are given: either the rows name units, or they count them";
        sink.error(codes::UNIT_AND_COUNT, &count.span, message, "keep one of them");
    }
    unique(
        "facts",
        data.facts.iter().map(|facts| (facts.value.name.as_ref(), facts.value.title.as_ref())),
        sink,
    );
    if let Some(first) = data.facts.first()
        && data.unit.is_none()
        && data.count.is_none()
        && !sink.is_spoiled(&raw.span, &["unit", "count"])
    {
        let message = "nothing joins the facts: [data] names no `unit`";
        let hint = "add `unit` to [data], or `count` where exposures are known as counts only";
        sink.error(codes::FACTS_WITHOUT_UNIT, &first.span, message, hint);
    }
    let identity = data.identity.as_ref().map(|identity| self::identity(identity, data, base.own, sink));
    freshness(raw, sink);
    let incremental = incremental(raw, sink);
    let facts: Vec<Option<Facts>> = data
        .facts
        .iter()
        .enumerate()
        .map(|(index, facts)| self::facts(facts, data, base, index, sink))
        .collect();
    Some(DataSource {
        files: files?,
        group: text(data.group.as_ref())?,
        unit: text(data.unit.as_ref()),
        time: text(data.time.as_ref()),
        count: text(data.count.as_ref()),
        facts: facts.into_iter().collect::<Option<_>>()?,
        identity: transposed(identity)?,
        warehouse,
        answer: None,
        warn_after: data.warn_after.as_ref().map(|days| days.value),
        error_after: data.error_after.as_ref().map(|days| days.value),
        streaming: data.streaming.as_ref().map(|word| word.value.0).unwrap_or_default(),
        incremental,
    })
}

/// Sums of days add up where each row is of one day and is a unit of its own: what a unit did on several days is no sum of days.
fn incremental(raw: &At<RawData>, sink: &mut Sink) -> Option<Incremental> {
    let data = &raw.value;
    let wanted = data.incremental.as_ref().filter(|wanted| wanted.value);
    let Some(wanted) = wanted else {
        if let Some(days) = &data.late_days {
            let message = "`late_days` is of nights that add to the ones before";
            sink.error(codes::INCREMENTAL, &days.span, message, "add `incremental = true`, or remove it");
        }
        return None;
    };
    if data.time.is_none() && !sink.is_spoiled(&raw.span, &["time"]) {
        let message = "nothing says of which day a row is: [data] names no `time`";
        sink.error(
            codes::INCREMENTAL,
            &wanted.span,
            message,
            "add `time`, the column with the time of the row",
        );
    }
    let joined = [
        ("unit", data.unit.as_ref().map(|key| &key.span)),
        ("count", data.count.as_ref().map(|key| &key.span)),
        ("[[data.facts]]", data.facts.first().map(|key| &key.span)),
        ("[data.identity]", data.identity.as_ref().map(|key| &key.span)),
    ];
    if let Some((key, span)) = joined.into_iter().find_map(|(key, span)| Some((key, span?))) {
        let message = format!("{key} brings rows of several days together, and sums of days cannot");
        let hint = "remove `incremental`: a unit that comes back needs its rows of the days before";
        sink.error(codes::INCREMENTAL, span, message, hint);
    }
    let late_days = data.late_days.as_ref().map_or(2, |days| days.value);
    Some(Incremental { late_days: u16::try_from(late_days).unwrap_or(u16::MAX).max(1) })
}

/// Staleness is told by the time of rows, and a warning comes before a refusal.
fn freshness(raw: &At<RawData>, sink: &mut Sink) {
    let data = &raw.value;
    let Some(first) = data.warn_after.as_ref().or(data.error_after.as_ref()) else { return };
    if data.time.is_none() && !sink.is_spoiled(&raw.span, &["time"]) {
        let message = "nothing says when the rows are from: [data] names no `time`";
        sink.error(codes::FRESHNESS, &first.span, message, "add `time`, the column with the time of the row");
    }
    if let (Some(warn), Some(error)) = (&data.warn_after, &data.error_after)
        && warn.value > error.value
    {
        let message =
            format!("data are refused after {} days and warned of after {}", error.value, warn.value);
        sink.error(codes::FRESHNESS, &warn.span, message, "swap the two");
    }
}

fn identity(raw: &At<RawIdentity>, data: &RawData, base: &Path, sink: &mut Sink) -> Option<Identity> {
    let identity = &raw.value;
    if data.unit.is_none() {
        let message = "nothing says which device a row is of: [data] names no `unit`";
        sink.error(
            codes::IDENTITY_WITHOUT_UNIT,
            &raw.span,
            message,
            "add `unit`, the column with the device",
        );
    }
    let files = files(
        Written {
            path: identity.path.as_ref(),
            separator: identity.separator.as_ref(),
            decimal: None,
            encoding: identity.encoding.as_ref(),
            malformed: None,
            columns: None,
            min_rows: None,
        },
        base,
        sink,
    );
    Some(Identity {
        files: files?,
        device: text(identity.device.as_ref())?,
        user: text(identity.user.as_ref())?,
    })
}

/// The folders that paths are relative to: the config's own, or the current one where `--set` gave the path.
pub struct Base<'p> {
    /// For `data.path`.
    pub data: &'p Path,
    /// The folder of the config.
    pub own: &'p Path,
    /// Names or indices of the facts whose path was given on the command line.
    pub overridden: Vec<String>,
}

impl<'p> Base<'p> {
    /// For the path of facts, by name and position.
    pub fn facts(&self, name: Option<&str>, index: usize) -> &'p Path {
        let is_this = |given: &String| Some(given.as_str()) == name || given.parse() == Ok(index);
        if self.overridden.iter().any(is_this) { Path::new("") } else { self.own }
    }
}

fn facts(
    raw: &At<RawFacts>,
    data: &RawData,
    base: &Base<'_>,
    index: usize,
    sink: &mut Sink,
) -> Option<Facts> {
    let facts = &raw.value;
    let name = text(facts.name.as_ref());
    let files = files(
        Written {
            path: facts.path.as_ref(),
            separator: facts.separator.as_ref(),
            decimal: facts.decimal.as_ref(),
            encoding: facts.encoding.as_ref(),
            malformed: facts.malformed.as_ref(),
            columns: facts.columns.as_ref(),
            min_rows: facts.min_rows.as_ref(),
        },
        base.facts(name.as_deref(), index),
        sink,
    );
    let relation = warehouse::of_facts(raw, data.source.as_ref().map(|source| source.value.0), sink);
    let files = match (files, &relation, &data.source) {
        (Some(files), Some(relation), Some(source)) => {
            Some(Files { paths: Vec::new(), pattern: warehouse::describe(source.value.0, relation), ..files })
        }
        (files, _, _) => files,
    };
    if data.count.is_some() && facts.group.is_none() && !sink.is_spoiled(&raw.span, &["group"]) {
        let message =
            "nothing says which group a unit is in: exposures are counts, and the facts name no group";
        sink.error(codes::FACTS_WITHOUT_GROUP, &raw.span, message, "add `group`, the column with the group");
    }
    let name = name?;
    Some(Facts {
        title: text(facts.title.as_ref()).unwrap_or_else(|| name.clone()),
        name,
        files: files?,
        relation,
        unit: text(facts.unit.as_ref())?,
        group: text(facts.group.as_ref()),
        time: text(facts.time.as_ref()),
    })
}

/// The keys that [data] and facts share.
struct Written<'r> {
    path: Option<&'r At<String>>,
    separator: Option<&'r At<String>>,
    decimal: Option<&'r At<String>>,
    encoding: Option<&'r At<String>>,
    malformed: Option<&'r At<Word<OnBroken>>>,
    columns: Option<&'r At<Named<RawColumn>>>,
    min_rows: Option<&'r At<u64>>,
}

fn files(written: Written<'_>, base: &Path, sink: &mut Sink) -> Option<Files> {
    let (separator, decimal) = (character(written.separator), character(written.decimal));
    if let (Some(separator), Some(place)) = (separator, written.decimal)
        && Some(separator) == decimal
    {
        let message = format!("`{separator}` cannot both separate columns and mark decimals");
        sink.error(codes::SEPARATOR_IS_DECIMAL, &place.span, message, "Russian Excel: separator = \";\"");
    }
    if let Some(encoding) = written.encoding
        && encoding_rs::Encoding::for_label(encoding.value.trim().as_bytes()).is_none()
    {
        let hint = suggest::hint(&encoding.value, "common encodings", ENCODINGS);
        let message = format!("no encoding is called `{}`", encoding.value);
        sink.error(codes::UNKNOWN_ENCODING, &encoding.span, message, hint);
    }
    let columns = written.columns.map_or_else(Vec::new, |columns| {
        columns.value.0.iter().map(|(name, rule)| column(name, rule, sink)).collect()
    });
    // A malformed row cannot be kept, so excluding it and reporting it are the same.
    let malformed = match written.malformed.map(|written| written.value.0) {
        Some(OnBroken::Exclude | OnBroken::Report) => OnBroken::Report,
        Some(OnBroken::Refuse) | None => OnBroken::Refuse,
    };
    let path = written.path.map(|path| path.value.as_str());
    Some(Files {
        paths: path.map(|path| base.join(path)).into_iter().collect(),
        pattern: path.unwrap_or_default().to_owned(),
        separator,
        decimal,
        encoding: text(written.encoding).map(|label| label.trim().to_owned()),
        malformed,
        columns,
        min_rows: written.min_rows.map_or(1, |rows| rows.value),
    })
}

fn column(name: &At<String>, rule: &At<RawColumn>, sink: &mut Sink) -> ColumnRule {
    let rule = &rule.value;
    if let (Some(min), Some(max)) = (&rule.min, &rule.max)
        && min.value > max.value
    {
        let message =
            format!("no value of `{}` is at least {} and at most {}", name.value, min.value, max.value);
        sink.error(codes::MIN_ABOVE_MAX, &max.span, message, "swap `min` and `max`");
    }
    ColumnRule {
        column: name.value.clone(),
        title: text(rule.title.as_ref()),
        unit: text(rule.unit.as_ref()),
        min: rule.min.as_ref().map(|min| min.value),
        max: rule.max.as_ref().map(|max| max.value),
        required: rule.required.as_ref().is_some_and(|required| required.value),
        invalid: rule.invalid.as_ref().map_or(OnBroken::Report, |written| written.value.0),
    }
}

fn character(written: Option<&At<String>>) -> Option<char> {
    written.and_then(|written| written.value.chars().next())
}
