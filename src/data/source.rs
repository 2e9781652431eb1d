//! Files of either format as one table of columns.

use std::io::Read;
use std::path::Path;

use polars::prelude::DataFrame;

use super::columns::{Evidence, Kind, Plan, Use, plan};
use super::csv::{BadCell, CsvFile};
use super::failure;
use super::parquet::ParquetFiles;
use super::reading::{FileReading, Format, Found};
use super::spec::Spec;
use crate::config::valid::Files;
use crate::diag::{Diagnostic, Place};

/// The format of the files, from their first bytes.
///
/// # Errors
/// No file at all, files that cannot be opened, workbooks and archives, files of both formats.
pub(crate) fn format(spec: &Spec) -> Result<Format, Vec<Diagnostic>> {
    let source = spec.files;
    if source.paths.is_empty() {
        return Err(vec![if source.pattern.contains(['*', '?', '[']) {
            Diagnostic::error(
                "data::no-file",
                format!("{}: no file matches `{}`", spec.name("path"), source.pattern),
            )
        } else {
            failure::no_file(Path::new(&source.pattern))
        }]);
    }
    let mut problems = Vec::new();
    let mut formats = Vec::new();
    for path in &source.paths {
        match format_of(path) {
            Ok(format) => formats.push(format),
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(other) = formats.iter().position(|format| Some(format) != formats.first()) {
        problems.push(
            Diagnostic::error("data::format", "CSV and Parquet files cannot be read together")
                .at(Place::file(&source.paths[other])),
        );
    }
    match formats.first() {
        Some(first) if problems.is_empty() => Ok(*first),
        _ => Err(problems),
    }
}

fn format_of(path: &Path) -> Result<Format, Diagnostic> {
    let mut start = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(8).read_to_end(&mut start))
        .map_err(|error| failure::unreadable(path, &error))?;
    let foreign = |what: &str, hint: &str| {
        Err(Diagnostic::error("data::format", format!("the file is {what}, neither CSV nor Parquet"))
            .at(Place::file(path))
            .hint(hint))
    };
    const WORKBOOK: &str = "save the sheet as CSV UTF-8 and name that file";
    const ARCHIVE: &str = "unpack it first";
    match start.as_slice() {
        [b'P', b'A', b'R', b'1', ..] => Ok(Format::Parquet),
        [b'P', b'K', 3, 4, ..] => foreign("an Excel workbook or a zip archive", WORKBOOK),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => foreign("an old Excel workbook", WORKBOOK),
        [0x1f, 0x8b, ..] => foreign("a gzip archive", ARCHIVE),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => foreign("a zstd archive", ARCHIVE),
        _ => match path.extension().and_then(|extension| extension.to_str()) {
            // The extension promises what the bytes do not hold: the upload was cut off, or is empty.
            Some("parquet" | "pq") if !start.is_empty() => {
                Err(Diagnostic::error("data::parquet", "the file is no Parquet file")
                    .at(Place::file(path))
                    .hint("a Parquet file begins with the bytes PAR1"))
            }
            _ => Ok(Format::Csv),
        },
    }
}

/// Files of separated text with one header, their columns judged.
pub(crate) struct CsvTable {
    pub files: Vec<CsvFile>,
    /// Files without even a header: nothing to read, but part of the record.
    pub empty_files: Vec<FileReading>,
    pub evidence: Vec<Evidence>,
    pub plans: Vec<Plan>,
    pub decimal: Found<char>,
    /// Column names.
    pub names: Vec<String>,
}

impl CsvTable {
    /// Scans all files and decides the kinds of the columns.
    ///
    /// # Errors
    /// As [`plan`].
    pub(crate) fn judge(
        mut files: Vec<CsvFile>,
        empty_files: Vec<FileReading>,
        uses: &[Use],
        files_spec: &Files,
    ) -> Result<CsvTable, Vec<Diagnostic>> {
        let mut evidence = vec![Evidence::default(); uses.len()];
        for file in &mut files {
            for (known, more) in evidence.iter_mut().zip(file.scan()) {
                known.merge(more);
            }
        }
        let (names, separator) = match files.first() {
            Some(file) => (file.layout.names.as_slice(), file.layout.separator_byte()),
            None => (&[] as &[String], b','),
        };
        let columns: Vec<(&str, Use, &Evidence)> = names
            .iter()
            .zip(uses)
            .zip(&evidence)
            .map(|((name, usage), evidence)| (name.as_str(), *usage, evidence))
            .collect();
        let (plans, decimal) = plan(&columns, files_spec.decimal, separator)?;
        let names = names.to_vec();
        Ok(CsvTable { files, empty_files, evidence, plans, decimal, names })
    }

    fn read(&self, projection: &[usize]) -> Result<(DataFrame, Vec<Vec<BadCell>>), Diagnostic> {
        let mut whole: Option<DataFrame> = None;
        let mut bad = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let (frame, cells) = file.read(&self.plans, projection)?;
            bad.push(cells);
            match &mut whole {
                None => whole = Some(frame),
                Some(whole) => {
                    whole.vstack_mut(&frame).map_err(|error| {
                        Diagnostic::error("data::csv", failure::sentence(&error)).at(Place::file(&file.path))
                    })?;
                }
            }
        }
        let mut whole = whole.unwrap_or_default();
        whole.rechunk_mut();
        Ok((whole, bad))
    }
}

/// The columns of all files.
pub(crate) enum Table {
    Csv(CsvTable),
    Parquet {
        files: ParquetFiles,
        /// Columns that are text whatever they hold.
        labels: Vec<usize>,
        /// Columns that name units, which are read as they are.
        units: Vec<usize>,
    },
}

impl Table {
    /// Column names.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Table::Csv(table) => &table.names,
            Table::Parquet { files, .. } => &files.names,
        }
    }

    /// The kind of a column; none for columns this program does not read.
    pub(crate) fn kind(&self, index: usize) -> Option<Kind> {
        match self {
            Table::Csv(table) => Some(table.plans[index].kind),
            // Units are names, even where they are numbers.
            Table::Parquet { labels, units, .. } if labels.contains(&index) || units.contains(&index) => {
                Some(Kind::Text)
            }
            Table::Parquet { files, .. } => files.kinds[index],
        }
    }

    /// Words for missing values in a column.
    pub(crate) fn markers(&self, index: usize) -> u64 {
        match self {
            // In text the words are text.
            Table::Csv(table) if table.plans[index].kind != Kind::Text => table.evidence[index].markers,
            _ => 0,
        }
    }

    /// Some columns (ascending positions) of all files, and by file the cells that did not fit their columns.
    ///
    /// # Errors
    /// As [`CsvFile::read`] and [`ParquetFiles::read`].
    pub(crate) fn read(&self, projection: &[usize]) -> Result<(DataFrame, Vec<Vec<BadCell>>), Diagnostic> {
        match self {
            Table::Csv(table) => table.read(projection),
            Table::Parquet { files, labels, .. } => Ok((files.read(projection, labels)?, Vec::new())),
        }
    }
}
