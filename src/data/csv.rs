//! Separated text: one pass over every cell checks the structure and finds the kinds, another reads the sound rows into columns.
//!
//! A file is read into memory once; that copy is hashed, decoded, checked and parsed, so a file that is being replaced
//! meanwhile cannot give rows that were never checked. polars' own reader is not used: it would have to be told what the first pass
//! knows, and a small file would pay for its threads and its code.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::columns::{Evidence, Kind, Plan};
use super::dialect::{Layout, layout};
use super::encoding::decode;
use super::filling::Column;
use super::plain::{self, Content};
use super::reading::{FileReading, Found, MalformedRow, RowFault, SHOWN_MALFORMED, excerpt};
use super::records::{Field, QuoteFault, Record, Records};
use super::{cells, failure};
use crate::config::valid::Files;
use crate::diag::{Diagnostic, Place};

/// How much of a file [`CsvFile::head`] reads.
const HEAD: u64 = 1 << 20;

/// One file of separated text, decoded, its layout known.
pub(crate) struct CsvFile {
    pub path: PathBuf,
    /// Its layout.
    pub layout: Layout,
    size: u64,
    blake3: String,
    text: Vec<u8>,
    /// Where the decoded text starts in `text`: after a byte order mark.
    start: usize,
    encoding: Found<String>,
    bom: bool,
    damaged: bool,
    has_nul: bool,
    scan: Option<Scan>,
}

/// What one pass over the rows found.
struct Scan {
    rows: u64,
    blank: u64,
    malformed: u64,
    first_malformed: Vec<MalformedRow>,
    evidence: Vec<Evidence>,
    final_newline: bool,
    /// The last sound row ends the file without a line break, and its last cell is empty.
    ends_in_empty_cell: bool,
}

/// A cell that is not of the kind of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadCell {
    /// Row among the sound rows of its file.
    pub row: usize,
    /// Column of the file.
    pub column: usize,
    /// What the column holds.
    pub expected: &'static str,
}

/// What a record is to us.
pub(crate) enum Row {
    Sound,
    Blank,
    Malformed(RowFault),
}

/// What the bytes of a text are known to hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Suspects {
    pub nul: bool,
    /// Bytes that are no text.
    pub damaged: bool,
}

/// What a record of a text is; `expected` is how many cells the header has.
pub(crate) fn judge(
    text: &[u8],
    record: &Record,
    fields: &[Field],
    expected: usize,
    suspects: Suspects,
) -> Row {
    let raw = &text[record.start..record.end];
    if suspects.nul && raw.contains(&0) {
        return Row::Malformed(RowFault::Nul);
    }
    let blank = |field: &Field| cells::trim(&text[field.start..field.end]).is_empty();
    if record.fault.is_none() && fields.iter().all(blank) {
        return Row::Blank;
    }
    let undecodable =
        suspects.damaged && std::str::from_utf8(raw).map_or(true, |raw| raw.contains('\u{fffd}'));
    let short = record.fault.is_none() && fields.len() < expected;
    if !record.terminated && (undecodable || short || record.fault == Some(QuoteFault::Open)) {
        return Row::Malformed(RowFault::Torn);
    }
    match record.fault {
        _ if undecodable => Row::Malformed(RowFault::Encoding),
        Some(QuoteFault::Open) => Row::Malformed(RowFault::OpenQuote),
        Some(QuoteFault::TextAfter) => Row::Malformed(RowFault::TextAfterQuote),
        None if fields.len() != expected => {
            Row::Malformed(RowFault::Fields { expected: expected as u64, found: fields.len() as u64 })
        }
        None => Row::Sound,
    }
}

impl CsvFile {
    /// Reads and decodes a whole file and finds its layout; `wanted` are the columns the config names.
    ///
    /// # Errors
    /// A file that cannot be read, decoded, or whose separator or header is not certain.
    pub(crate) fn open(path: &Path, source: &Files, wanted: &[&str]) -> Result<CsvFile, Diagnostic> {
        let bytes = std::fs::read(path).map_err(|error| failure::unreadable(path, &error))?;
        CsvFile::from_bytes(path, bytes, source, wanted)
    }

    /// The same from the beginning of the file only: enough for the header.
    ///
    /// # Errors
    /// As [`CsvFile::open`].
    pub(crate) fn head(path: &Path, source: &Files, wanted: &[&str]) -> Result<CsvFile, Diagnostic> {
        use std::io::Read;
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(HEAD).read_to_end(&mut bytes))
            .map_err(|error| failure::unreadable(path, &error))?;
        if bytes.len() as u64 == HEAD {
            // A cut inside a row or a character would look like damage. UTF-16 line breaks take two bytes.
            let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
            let wide = end < bytes.len() && bytes[end] == 0;
            bytes.truncate(end + usize::from(wide));
        }
        CsvFile::from_bytes(path, bytes, source, wanted)
    }

    fn from_bytes(
        path: &Path,
        bytes: Vec<u8>,
        source: &Files,
        wanted: &[&str],
    ) -> Result<CsvFile, Diagnostic> {
        let place = || Place::file(path);
        let (size, blake3) = (bytes.len() as u64, blake3::hash(&bytes).to_hex().to_string());
        let decoded = decode(&bytes, source.encoding.as_deref()).map_err(|problem| problem.at(place()))?;
        let layout =
            layout(&decoded.text, source.separator, wanted).map_err(|problem| problem.at(place()))?;
        let (encoding, bom, damaged) = (decoded.encoding, decoded.bom, decoded.damaged);
        let (text, start) = match decoded.text {
            Cow::Owned(text) => (text, 0),
            Cow::Borrowed(text) => {
                let start = bytes.len() - text.len();
                (bytes, start)
            }
        };
        let has_nul = text.contains(&0);
        Ok(CsvFile {
            path: path.to_path_buf(),
            layout,
            size,
            blake3,
            text,
            start,
            encoding,
            bom,
            damaged,
            has_nul,
            scan: None,
        })
    }

    fn text(&self) -> &[u8] {
        &self.text[self.start..]
    }

    fn records(&self) -> Records<'_> {
        let width = self.layout.names.len();
        Records::new(
            self.text(),
            self.layout.body,
            self.layout.line,
            self.layout.separator_byte(),
            Some(width),
        )
    }

    fn judge(&self, record: &Record, fields: &[Field]) -> Row {
        let suspects = Suspects { nul: self.has_nul, damaged: self.damaged };
        judge(self.text(), record, fields, self.layout.names.len(), suspects)
    }

    /// The encoding, how it was found, and whether the file begins with a byte order mark.
    pub(crate) fn encoding(&self) -> (&Found<String>, bool) {
        (&self.encoding, self.bom)
    }

    /// Bytes that were read and decoded: those of the whole file unless it was opened by [`CsvFile::head`].
    pub(crate) fn bytes_read(&self) -> u64 {
        self.size
    }

    /// Looks at every cell once and returns what the columns hold.
    pub(crate) fn scan(&mut self) -> &[Evidence] {
        let width = self.layout.names.len();
        let mut scan = Scan {
            rows: 0,
            blank: 0,
            malformed: 0,
            first_malformed: Vec::new(),
            evidence: vec![Evidence::default(); width],
            final_newline: true,
            ends_in_empty_cell: false,
        };
        let mut records = self.records();
        let mut fields = Vec::with_capacity(width);
        let text = self.text();
        while let Some(record) = records.next(&mut fields) {
            scan.final_newline = record.terminated;
            match self.judge(&record, &fields) {
                Row::Sound => {
                    for (field, evidence) in fields.iter().zip(&mut scan.evidence) {
                        evidence.add(&field.text(text));
                    }
                    scan.ends_in_empty_cell = !record.terminated
                        && fields.last().is_some_and(|field| !field.quoted && field.start == field.end);
                    scan.rows += 1;
                }
                Row::Blank => scan.blank += 1,
                Row::Malformed(fault) => {
                    scan.malformed += 1;
                    if scan.first_malformed.len() < SHOWN_MALFORMED {
                        let shown = excerpt(&text[record.start..record.end]);
                        let file = self.path.clone();
                        scan.first_malformed.push(MalformedRow {
                            file,
                            line: record.line,
                            fault,
                            excerpt: shown,
                        });
                    }
                }
            }
        }
        &self.scan.insert(scan).evidence
    }

    /// Sound rows; 0 before [`CsvFile::scan`].
    pub(crate) fn rows(&self) -> u64 {
        self.scan.as_ref().map_or(0, |scan| scan.rows)
    }

    /// How the file was read.
    pub(crate) fn reading(&self) -> FileReading {
        let scan = self.scan.as_ref();
        FileReading {
            path: self.path.clone(),
            bytes: self.size,
            blake3: self.blake3.clone(),
            rows: self.rows(),
            malformed: scan.map_or(0, |scan| scan.malformed),
            blank: scan.map_or(0, |scan| scan.blank),
            encoding: Some(self.encoding.clone()),
            separator: Some(self.layout.separator.clone()),
            bom: self.bom,
            final_newline: scan.is_none_or(|scan| scan.final_newline),
        }
    }

    /// The first malformed rows.
    pub(crate) fn first_malformed(&self) -> &[MalformedRow] {
        self.scan.as_ref().map_or(&[], |scan| &scan.first_malformed)
    }

    /// Whether the last row ends the file without a line break, and with a cell that may be incomplete.
    pub(crate) fn ends_in_empty_cell(&self) -> bool {
        self.scan.as_ref().is_some_and(|scan| scan.ends_in_empty_cell)
    }

    /// Reads some columns (ascending positions) of the sound rows, converted to their kinds. Cells that are not of the kind
    /// of their column come out missing and are listed.
    ///
    /// # Errors
    /// `data::csv` when two passes over the rows differ, which is a defect of this program.
    pub(crate) fn read(
        &self,
        plans: &[Plan],
        projection: &[usize],
    ) -> Result<(DataFrame, Vec<BadCell>), Diagnostic> {
        let defect = |message: String| Diagnostic::error("data::csv", message).at(Place::file(&self.path));
        let (names, text) = (&self.layout.names, self.text());
        let room = self.rows() as usize;
        let mut columns: Vec<Column> =
            projection.iter().map(|index| Column::of(plans[*index].kind, room)).collect();
        let mut bad = Vec::new();
        let mut records = self.records();
        let mut fields = Vec::with_capacity(names.len());
        // The kinds are settled; nobody reads what is counted here.
        let mut evidence = Evidence::default();
        let mut rows = 0;
        while let Some(record) = records.next(&mut fields) {
            if !matches!(self.judge(&record, &fields), Row::Sound) {
                continue;
            }
            for (&index, column) in projection.iter().zip(&mut columns) {
                let (field, plan) = (&fields[index], plans[index]);
                let raw = &text[field.start..field.end];
                let content = match (plan.kind, field.escaped) {
                    (Kind::Text, _) if cells::trim(raw).is_empty() => Some(Content::Missing),
                    (Kind::Text, _) => Some(Content::Text),
                    (_, false) => plain::read(raw, plan, &mut evidence),
                    (_, true) => plain::read(&field.text(text), plan, &mut evidence),
                };
                let content = content.unwrap_or_else(|| {
                    bad.push(BadCell { row: rows, column: index, expected: plan.kind.word() });
                    Content::Missing
                });
                column.push(&content, || field.text(text));
            }
            rows += 1;
        }
        if rows != room {
            return Err(defect(format!("{rows} rows were read where {room} were counted")));
        }
        let named = |(index, column): (&usize, Column)| {
            let series = column.series(plans[*index].kind)?;
            Some(series.with_name(names[*index].as_str().into()).into_column())
        };
        let columns = projection.iter().zip(columns).filter_map(named).collect();
        let frame = DataFrame::new(rows, columns).map_err(|error| defect(failure::sentence(&error)))?;
        Ok((frame, bad))
    }

    /// The malformed rows that bad cells make, the first cell of a row standing for it. `bad` is sorted by row.
    pub(crate) fn locate(&self, bad: &[BadCell]) -> Vec<MalformedRow> {
        let mut located = Vec::new();
        let mut wanted = bad.iter().peekable();
        let mut records = self.records();
        let mut fields = Vec::new();
        let text = self.text();
        let mut row = 0;
        while let Some(cell) = wanted.peek().copied() {
            let Some(record) = records.next(&mut fields) else { break };
            if !matches!(self.judge(&record, &fields), Row::Sound) {
                continue;
            }
            if row == cell.row {
                let content = fields.get(cell.column).map(|field| field.text(text)).unwrap_or_default();
                // A number cut short at the very end of the file is a torn row.
                let fault = if !record.terminated && cell.column + 1 == fields.len() {
                    RowFault::Torn
                } else {
                    RowFault::Cell {
                        column: self.layout.names[cell.column].clone(),
                        text: excerpt(&content),
                        expected: cell.expected,
                    }
                };
                let shown = excerpt(&text[record.start..record.end]);
                located.push(MalformedRow {
                    file: self.path.clone(),
                    line: record.line,
                    fault,
                    excerpt: shown,
                });
                while wanted.peek().is_some_and(|cell| cell.row == row) {
                    wanted.next();
                }
            }
            row += 1;
        }
        located
    }

    /// The line and the beginning of the last sound row.
    pub(crate) fn last_row(&self) -> Option<(u64, String)> {
        let mut records = self.records();
        let mut fields = Vec::new();
        let mut last = None;
        while let Some(record) = records.next(&mut fields) {
            if matches!(self.judge(&record, &fields), Row::Sound) {
                last = Some((record.line, record.start, record.end));
            }
        }
        last.map(|(line, start, end)| (line, excerpt(&self.text()[start..end])))
    }
}
