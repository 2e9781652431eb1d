//! One table read and judged row by row: `[data]` and each `[[data.facts]]` come through here alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polars::prelude::*;

use super::accounting::{account, defect, filtered, is_count, series, with_bad_counts};
use super::cells::{Cell, classify};
use super::columns::{Kind, Use};
use super::content::{Content, empty};
use super::csv::CsvFile;
use super::dates;
use super::expression::{self, type_of};
use super::inspect::{collect, same_header};
use super::overview::{ColumnOverview, broken, describe};
use super::parquet::ParquetFiles;
use super::query::{is_number, is_predicate};
use super::reading::{FileReading, Format, Found, Reading};
use super::source::{CsvTable, Table, format};
use super::spec::{Expect, Needs, Spec, needs};
use super::stamps::{Stamps, stamps};
use crate::config::valid::Files;
use crate::diag::{Diagnostic, Place};

/// How many bytes of columns that only the overview reads are held at once.
const OVERVIEW_BYTES: usize = 256 << 20;

/// Reads one table.
///
/// # Errors
/// Everything that makes the table unreadable as a whole, all at once, each at its file and with the key of the table.
pub(crate) fn read_table(spec: &Spec, warnings: &mut Vec<Diagnostic>) -> Result<Content, Vec<Diagnostic>> {
    let mut own = Vec::new();
    let content = open_files(spec, &mut own).map_err(|problems| spec.all_placed(problems));
    warnings.extend(if spec.key == "data" { own } else { spec.all_placed(own) });
    content
}

fn open_files(spec: &Spec, warnings: &mut Vec<Diagnostic>) -> Result<Content, Vec<Diagnostic>> {
    let (table, needs) = match format(spec)? {
        Format::Csv => {
            let wanted = spec.wanted();
            let (files, problems) = collect(spec.files, |path| CsvFile::open(path, spec.files, &wanted));
            if !problems.is_empty() {
                return Err(problems);
            }
            // Empty files have no rows to read, but their hashes are part of the record, too.
            let empty_files: Vec<FileReading> =
                files.iter().filter(|file| file.layout.names.is_empty()).map(CsvFile::reading).collect();
            let files = same_header(files, warnings)?;
            let Some(first) = files.first() else { return Ok(empty(empty_files)) };
            let needs = needs(&first.layout.names, spec)?;
            let uses: Vec<Use> = (0..first.layout.names.len()).map(|index| usage(&needs, index)).collect();
            (Table::Csv(CsvTable::judge(files, empty_files, &uses, spec.files)?), needs)
        }
        Format::Parquet => {
            let files = ParquetFiles::open(&spec.files.paths)?;
            let needs = needs(&files.names, spec)?;
            // Whole numbers are numbered as they are; as text they would take many times the memory.
            let as_text = |unit: &usize| needs.unit_is_read || files.kinds[*unit] != Some(Kind::Integer);
            let units: Vec<usize> = needs.unit.into_iter().chain(needs.user).collect();
            let labels = needs.group.into_iter().chain(units.iter().copied().filter(as_text)).collect();
            (Table::Parquet { files, labels, units }, needs)
        }
    };
    read(spec, &table, &needs, warnings)
}

/// What a column is for.
pub(crate) fn usage(needs: &Needs, index: usize) -> Use {
    if [needs.group, needs.unit, needs.user].contains(&Some(index)) {
        Use::Label
    } else if needs.all.contains(&index) {
        Use::Needed
    } else {
        Use::Shown
    }
}

fn read(
    spec: &Spec,
    table: &Table,
    needs: &Needs,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Content, Vec<Diagnostic>> {
    let one = |problem: Diagnostic| vec![problem];
    let files = spec.files;
    let projection: Vec<usize> = needs.all.iter().copied().collect();
    if let Some(index) = projection.iter().find(|index| table.kind(**index).is_none()) {
        return Err(vec![
            Diagnostic::error(
                "data::column-type",
                format!("column `{}` is of a type that cannot be analysed", table.names()[*index]),
            )
            .hint("save it as text, a number, a boolean or a date"),
        ]);
    }
    let (frame, mut bad) = table.read(&projection).map_err(one)?;
    if let Some(count) = needs.count {
        is_count_column(spec, table, count, frame.height())?;
        bad = with_bad_counts(table, count, &frame, bad).map_err(one)?;
    }
    let (mut reading, keep) = account(files, table, needs, &frame, &bad).map_err(one)?;
    let frame = filtered(frame, keep.as_ref()).map_err(one)?;
    reading.rows = frame.height() as u64;
    mixed_dialects(&reading, warnings);
    if frame.height() > 0 {
        check_types(spec, table.names(), &frame)?;
        if let Some(count) = needs.count {
            counts_are_sound(spec, &frame, &table.names()[count])?;
        }
    }
    let names = table.names();
    let rules = rules(files, names, |index| table.kind(index), &frame, spec)?;
    let stamps = match needs.time {
        Some(time) => time_of_rows(spec, &frame, &names[time], table.kind(time)).map_err(one)?,
        None => None,
    };
    let overview =
        overview(table, &projection, &frame, keep.as_ref(), &rules.invalid, warnings).map_err(one)?;
    let mut content = Content {
        columns: names.to_vec(),
        reading,
        overview,
        gates: Vec::new(),
        frame,
        broken: rules.broken,
        excluded: None,
        stamps: stamps.map(Arc::new),
        names: Vec::new(),
        after_date: 0,
    };
    content.judge(files);
    Ok(content)
}

fn is_count_column(spec: &Spec, table: &Table, index: usize, rows: usize) -> Result<(), Vec<Diagnostic>> {
    let kind = table.kind(index);
    if rows == 0 || matches!(kind, Some(Kind::Integer | Kind::Float)) {
        return Ok(());
    }
    let word = kind.map_or("nothing that can be read", Kind::word);
    let message = format!(
        "{}: column `{}` holds {word}, not numbers of units",
        spec.name("count"),
        table.names()[index]
    );
    Err(vec![
        Diagnostic::error("data::count", message).hint("name the column with the number of units of the row"),
    ])
}

/// Counts that could be located are malformed rows by now; what Parquet holds is an error as a whole.
fn counts_are_sound(spec: &Spec, frame: &DataFrame, name: &str) -> Result<(), Vec<Diagnostic>> {
    let counts = series(frame, name)
        .and_then(|counts| counts.cast(&DataType::Float64).map_err(|error| defect(&error)))
        .map_err(|problem| vec![problem])?;
    let counts = counts.f64().map_err(|error| vec![defect(&error)])?;
    let mut wrong = counts.iter().enumerate().filter(|(_, count)| !is_count(*count));
    let Some((row, first)) = wrong.next() else { return Ok(()) };
    let shown = first.map_or("missing".to_string(), |first| first.to_string());
    let message = format!(
        "{}: column `{name}` is no whole number of units in {} rows; the first is row {} ({shown})",
        spec.name("count"),
        wrong.count() + 1,
        row + 1
    );
    Err(vec![Diagnostic::error("data::count", message)])
}

/// What the validity rules find.
struct Rules {
    /// How many rows break a rule, by column.
    invalid: BTreeMap<usize, u64>,
    /// [`Content::broken`].
    broken: Vec<(usize, Vec<bool>)>,
}

fn rules(
    files: &Files,
    names: &[String],
    kind: impl Fn(usize) -> Option<Kind>,
    frame: &DataFrame,
    spec: &Spec,
) -> Result<Rules, Vec<Diagnostic>> {
    let mut found = Rules { invalid: BTreeMap::new(), broken: Vec::new() };
    let mut problems = Vec::new();
    for (position, rule) in files.columns.iter().enumerate() {
        let Some(index) = names.iter().position(|name| *name == rule.column) else { continue };
        let kind = kind(index).unwrap_or(Kind::Text);
        let column = series(frame, &rule.column).map_err(|problem| vec![problem])?;
        match broken(rule, column, kind, &spec.name("columns")) {
            Ok(rows) => {
                let count = rows.iter().filter(|broken| **broken).count() as u64;
                *found.invalid.entry(index).or_default() += count;
                if count > 0 {
                    found.broken.push((position, rows));
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// Files of one table that were written in different ways are read all the same, but that is worth a word.
pub(crate) fn mixed_dialects(reading: &Reading, warnings: &mut Vec<Diagnostic>) {
    let Some(first) = reading.files.first() else { return };
    for file in &reading.files[1..] {
        let same = |a: &Option<Found<String>>, b: &Option<Found<String>>| {
            a.as_ref().map(|found| &found.value) == b.as_ref().map(|found| &found.value)
        };
        if file.rows > 0 && !same(&file.encoding, &first.encoding) {
            let encoding = file.encoding.as_ref().map_or("", |found| found.value.as_str());
            let message = format!("the file is in {encoding}, unlike {}", first.path.display());
            warnings.push(Diagnostic::warning("data::mixed-encodings", message).at(Place::file(&file.path)));
        }
    }
}

/// Checks the types of every expression.
///
/// # Errors
/// Every expression whose type is not the one that is expected.
pub(crate) fn check_types(spec: &Spec, names: &[String], frame: &DataFrame) -> Result<(), Vec<Diagnostic>> {
    let schema = frame.schema();
    let mut problems = Vec::new();
    for text in &spec.texts {
        let (sql, used_by) = (text.sql, text.used_by.as_str());
        let checked = expression::parse(sql, used_by, names).and_then(|parsed| {
            let dtype = type_of(&parsed, schema, used_by).map_err(|problem| vec![problem])?;
            let fits = match text.expect {
                Expect::Number => is_number(&dtype, sql, used_by)
                    .map_err(|problem| not_a_number(problem, frame, &parsed.columns)),
                Expect::Condition => is_predicate(&dtype, sql, used_by),
                Expect::Anything => Ok(()),
            };
            fits.map_err(|problem| vec![problem])
        });
        problems.extend(checked.err().into_iter().flatten());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Shows a text that stands where a number is expected.
fn not_a_number(problem: Diagnostic, frame: &DataFrame, columns: &BTreeSet<String>) -> Diagnostic {
    let texts = columns.iter().filter_map(|name| frame.column(name).ok()?.str().ok());
    let is_odd =
        |text: &&str| !matches!(classify(text.as_bytes()), Cell::Number(_) | Cell::Missing | Cell::Marker);
    let Some(odd) = texts.filter_map(|texts| texts.iter().flatten().find(is_odd)).next() else {
        return problem;
    };
    let message = format!("{}, such as `{odd}`", problem.message);
    let problem = Diagnostic { message, ..problem };
    match odd.trim().strip_suffix('%') {
        Some(number) => {
            let number = number.trim();
            problem.hint(format!(
                "in the data write `{number}` without the percent sign, and `unit = \"%\"` in the metric"
            ))
        }
        None => problem,
    }
}

/// The times of rows.
///
/// # Errors
/// `data::time-type` where rows have no times in a column that the config names for them.
fn time_of_rows(
    spec: &Spec,
    frame: &DataFrame,
    name: &str,
    kind: Option<Kind>,
) -> Result<Option<Stamps>, Diagnostic> {
    let column = series(frame, name)?;
    if matches!(kind, Some(Kind::Date | Kind::Datetime)) {
        return stamps(column).map_err(|error| defect(&error));
    }
    // That a column is empty is for the gate to say.
    odd_time(column).map_or(Ok(None), |sample| Err(time_type(spec, name, &sample)))
}

/// The first value that is no time; none in a column without values.
pub(crate) fn odd_time(column: &Series) -> Option<String> {
    let mut values =
        column.iter().filter(|value| !value.is_null()).map(|value| value.str_value().into_owned());
    let first = values.next()?;
    // Of a column in which some values are times, one of the others is to be shown.
    let is_odd = |text: &String| dates::stamp(text.trim().as_bytes()).is_none();
    Some(if is_odd(&first) { first } else { values.find(is_odd).unwrap_or(first) })
}

/// A column that ought to hold times and holds something else. What is before the start, what is after the date and how old the
/// data are would all be unknown, so this is refused as the unreadable value of a metric is.
pub(crate) fn time_type(spec: &Spec, name: &str, sample: &str) -> Diagnostic {
    let key = spec.name("time");
    let message = format!("{key}: column `{name}` holds no times that can be read, such as `{sample}`");
    Diagnostic::error("data::time-type", message).hint(
        "write 2026-11-05, 2026/11/05 or 05.11.2026, where needed with the time of day, as in 2026-11-05 10:30:00; \
         in Parquet save a column of dates or time stamps",
    )
}

/// The content of rows that were read and accounted for elsewhere, such as a sample.
///
/// # Errors
/// Rules that do not fit their columns.
pub(crate) fn content_of(
    spec: &Spec,
    names: &[String],
    kind: impl Fn(usize) -> Option<Kind>,
    frame: DataFrame,
) -> Result<Content, Vec<Diagnostic>> {
    let rules = rules(spec.files, names, &kind, &frame, spec)?;
    let time = spec.time.and_then(|time| names.iter().position(|name| name == time));
    let stamps = match time {
        Some(index) if matches!(kind(index), Some(Kind::Date | Kind::Datetime)) => {
            let times = series(&frame, &names[index]).map_err(|problem| vec![problem])?;
            stamps(times).map_err(|error| vec![defect(&error)])?
        }
        _ => None,
    };
    let mut content = Content {
        columns: names.to_vec(),
        reading: Reading { rows: frame.height() as u64, ..Reading::empty(Format::Csv) },
        overview: Vec::new(),
        gates: Vec::new(),
        frame,
        broken: rules.broken,
        excluded: None,
        stamps: stamps.map(Arc::new),
        names: Vec::new(),
        after_date: 0,
    };
    content.judge(spec.files);
    Ok(content)
}

/// Describes every column: those of the frame from it, the others a few at a time, so that a wide file does not have to fit
/// into memory at once.
fn overview(
    table: &Table,
    loaded: &[usize],
    frame: &DataFrame,
    keep: Option<&BooleanChunked>,
    invalid: &BTreeMap<usize, u64>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Vec<ColumnOverview>, Diagnostic> {
    let names = table.names();
    let mut described: BTreeMap<usize, ColumnOverview> = BTreeMap::new();
    let mut others = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match table.kind(index) {
            Some(kind) if loaded.contains(&index) => {
                let count = invalid.get(&index).copied().unwrap_or_default();
                described.insert(index, describe(series(frame, name)?, kind, count)?);
            }
            Some(_) => others.push(index),
            None => warnings.push(Diagnostic::warning(
                "data::column-type",
                format!("column `{name}` is of a type that cannot be described: the overview leaves it out"),
            )),
        }
    }
    let at_once = (OVERVIEW_BYTES / (frame.height().max(1) * 16)).max(1);
    for batch in others.chunks(at_once) {
        let (part, bad) = table.read(batch)?;
        let part = filtered(part, keep)?;
        for &index in batch {
            let Some(kind) = table.kind(index) else { continue };
            let mut column = describe(series(&part, &names[index])?, kind, 0)?;
            column.unreadable = bad.iter().flatten().filter(|cell| cell.column == index).count() as u64;
            if column.unreadable > 0 {
                warnings.push(Diagnostic::warning(
                    "data::unreadable-cells",
                    format!("column `{}`: {} cells are no {}", names[index], column.unreadable, kind.word()),
                ));
            }
            described.insert(index, column);
        }
    }
    for (index, column) in &mut described {
        column.markers = table.markers(*index);
    }
    Ok(described.into_values().collect())
}
