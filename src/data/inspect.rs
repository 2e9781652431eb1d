//! The header alone: what `check` needs to find a misspelt column before anything is run.

use super::csv::CsvFile;
use super::parquet::ParquetFiles;
use super::reading::Format;
use super::source::format;
use super::spec::{Spec, answerable, needs};
use crate::config::valid::{DataSource, Files, Metric, Segment};
use crate::diag::{Diagnostic, Place, Warned};

/// What the headers say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// CSV or Parquet.
    pub format: Format,
    /// Column names; none when every file is empty, which the data gate will refuse.
    pub columns: Vec<String>,
    /// The headers of the facts, in the order of the config.
    pub facts: Vec<FactsHeader>,
}

/// What the headers of a `[[data.facts]]` say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsHeader {
    /// The name in the config.
    pub name: String,
    /// CSV or Parquet.
    pub format: Format,
    /// Column names; none when every file is empty.
    pub columns: Vec<String>,
}

/// Reads the headers of the files and checks every column and SQL expression of a config against them.
///
/// Problems stand at the data file; their messages begin with the key of the config they come from.
///
/// # Errors
/// Everything [`super::open`] would fail on as far as headers tell: files that are missing or of a foreign format, headers
/// that differ, columns that do not exist, SQL that does not parse, metrics that the tables cannot answer.
pub fn inspect(
    source: &DataSource,
    metrics: &[Metric],
    segments: &[Segment],
) -> Result<Warned<Header>, Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    let mut problems = answerable(source, metrics, segments).err().unwrap_or_default();
    let mut keep = |found: Result<(Format, Vec<String>), Vec<Diagnostic>>| match found {
        Ok(found) => Some(found),
        Err(more) => {
            problems.extend(more);
            None
        }
    };
    let own = keep(header(&Spec::data(source, metrics, segments), &mut warnings));
    let mut headers = Vec::with_capacity(source.facts.len());
    for facts in &source.facts {
        if let Some((format, columns)) = keep(header(&Spec::facts(facts, metrics), &mut warnings)) {
            headers.push(FactsHeader { name: facts.name.clone(), format, columns });
        }
    }
    if let Some(identity) = &source.identity {
        keep(header(&Spec::identity(identity), &mut warnings));
    }
    match own {
        Some((format, columns)) if problems.is_empty() => {
            Ok(Warned { value: Header { format, columns, facts: headers }, warnings })
        }
        _ => Err(problems),
    }
}

/// Format and column names of one table, everything that the config wants of it found there.
fn header(spec: &Spec, warnings: &mut Vec<Diagnostic>) -> Result<(Format, Vec<String>), Vec<Diagnostic>> {
    let placed = |problems| spec.all_placed(problems);
    let format = format(spec).map_err(placed)?;
    let mut own = Vec::new();
    let columns = match format {
        Format::Parquet => ParquetFiles::open(&spec.files.paths).map_err(placed)?.names,
        Format::Csv => {
            let wanted = spec.wanted();
            let (files, problems) = collect(spec.files, |path| CsvFile::head(path, spec.files, &wanted));
            if !problems.is_empty() {
                return Err(placed(problems));
            }
            let files = same_header(files, &mut own).map_err(placed)?;
            files.into_iter().next().map(|file| file.layout.names).unwrap_or_default()
        }
    };
    warnings.extend(placed(own));
    // An empty file has no columns to look for; that it is empty is for the gate to say.
    if !columns.is_empty() {
        needs(&columns, spec)?;
    }
    Ok((format, columns))
}

/// Opens every file, keeping the problems of all.
pub(crate) fn collect(
    files: &Files,
    open: impl Fn(&std::path::Path) -> Result<CsvFile, Diagnostic>,
) -> (Vec<CsvFile>, Vec<Diagnostic>) {
    let mut opened = Vec::new();
    let mut problems = Vec::new();
    for path in &files.paths {
        match open(path) {
            Ok(file) => opened.push(file),
            Err(problem) => problems.push(problem),
        }
    }
    (opened, problems)
}

/// The files that have a header, which must be the same in all; empty files are warned of.
///
/// # Errors
/// `data::header-differs` for every file whose header is not that of the first.
pub(crate) fn same_header(
    files: Vec<CsvFile>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Vec<CsvFile>, Vec<Diagnostic>> {
    let mut kept: Vec<CsvFile> = Vec::with_capacity(files.len());
    let mut problems = Vec::new();
    for file in files {
        let place = Place::file(&file.path);
        if file.layout.names.is_empty() {
            warnings.push(
                Diagnostic::warning("data::empty-file", "the file is empty: it has not even a header")
                    .at(place),
            );
            continue;
        }
        if let Some(first) = kept.first()
            && first.layout.names != file.layout.names
        {
            let (own, other) = (&file.layout.names, &first.layout.names);
            let at = own.iter().zip(other).position(|(a, b)| a != b).unwrap_or(own.len().min(other.len()));
            let named =
                |names: &[String]| names.get(at).map_or("no column".to_string(), |name| format!("`{name}`"));
            problems.push(
                Diagnostic::error(
                    "data::header-differs",
                    format!(
                        "column {} is {} here and {} in {}",
                        at + 1,
                        named(own),
                        named(other),
                        first.path.display()
                    ),
                )
                .at(place)
                .hint("files that one path names must have the same columns in the same order"),
            );
            continue;
        }
        if kept.is_empty() && !file.layout.duplicates.is_empty() {
            let names: Vec<String> = file.layout.duplicates.iter().map(|name| format!("`{name}`")).collect();
            let message =
                format!("the header names {} twice; the second one is read as `… (2)`", names.join(", "));
            warnings.push(Diagnostic::warning("data::duplicate-column", message).at(place));
        }
        kept.push(file);
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

/// Checks every column and SQL expression of a config against the columns of a database, as [`inspect`] does for files;
/// `facts` are the columns of the facts in the order of the config.
///
/// # Errors
/// As [`inspect`], as far as names tell: columns that do not exist, SQL that does not parse.
pub fn inspect_columns(
    source: &DataSource,
    metrics: &[Metric],
    segments: &[Segment],
    columns: &[String],
    facts: &[Vec<String>],
) -> Result<(), Vec<Diagnostic>> {
    let mut problems = answerable(source, metrics, segments).err().unwrap_or_default();
    problems.extend(needs(columns, &Spec::data(source, metrics, segments)).err().unwrap_or_default());
    for (of, columns) in source.facts.iter().zip(facts) {
        problems.extend(needs(columns, &Spec::facts(of, metrics)).err().unwrap_or_default());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
