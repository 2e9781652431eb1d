//! Separated text part by part: ranges of bytes, read, checked and parsed in one look.
//!
//! A range begins after the first line break at or before its first byte and ends with the record that reaches over its end. A
//! line break inside of quotes at such a place is found out when the range before ends elsewhere: then the range is read again
//! from there, so that the records are those of a reader that starts at the top.

use std::fs::File;
use std::path::PathBuf;

use polars::prelude::*;

use super::hash::{Piece, piece, pieces, read_range};
use super::parts::Part;
use super::parts::Sizes;
use crate::data::cells;
use crate::data::columns::{Evidence, Plan};
use crate::data::csv::{CsvFile, Row, Suspects, judge};
use crate::data::dialect::Layout;
use crate::data::failure;
use crate::data::filling::Column;
use crate::data::names::NONE;
use crate::data::plain::{Content, read};
use crate::data::reading::{Found, MalformedRow, RowFault, SHOWN_MALFORMED, excerpt};
use crate::data::records::{Field, Records};
use crate::diag::Diagnostic;

/// A record with a fault is looked at with so many bytes after its beginning.
const FAULT: usize = 4 << 20;
/// So many labels are looked for one after the other before a map is asked.
const FEW: usize = 16;

/// One file of separated text in UTF-8.
pub(crate) struct TextFile {
    pub path: PathBuf,
    pub layout: Layout,
    pub encoding: Found<String>,
    pub bom: bool,
    pub size: u64,
    /// Bytes of the byte order mark.
    start: usize,
    sizes: Sizes,
}

impl TextFile {
    /// The file whose head was read.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn of(head: CsvFile, sizes: Sizes) -> Result<TextFile, Diagnostic> {
        let (encoding, bom) = head.encoding();
        let (encoding, path) = (encoding.clone(), head.path.clone());
        let size = std::fs::metadata(&path).map_err(|error| failure::unreadable(&path, &error))?.len();
        Ok(TextFile { path, encoding, bom, size, start: if bom { 3 } else { 0 }, layout: head.layout, sizes })
    }
}

/// How the columns that are wanted are read.
pub(crate) struct Reader<'a> {
    /// Columns that are read, ascending, each with its plan.
    pub columns: Vec<(usize, Plan)>,
    /// The column of groups, where there is one.
    pub group: Option<usize>,
    pub group_is_read: bool,
    pub names: &'a [String],
}

/// Where in the bytes a range begins and ends, and what is in it.
pub(crate) struct Range {
    pub part: Part,
    /// Offset of its first record, and of the first record after it.
    pub first: u64,
    pub end: u64,
    /// Line breaks between these.
    pub lines: u64,
    pub blank: u64,
    pub malformed: u64,
    /// The first of them, lines counted from the beginning of the range.
    pub first_malformed: Vec<MalformedRow>,
    /// By column that is read.
    pub evidence: Vec<Evidence>,
    /// Rows whose last cell is empty.
    pub empty_ends: u64,
    /// How the file ends, when it ends here.
    pub last: Option<Last>,
    pub hash: Piece,
    /// Some bytes are no UTF-8.
    pub damaged: bool,
}

/// The last record of a file.
#[derive(Clone, Debug)]
pub(crate) struct Last {
    pub terminated: bool,
    /// The last record is a sound row, not ended by a line break, whose last cell is empty.
    pub ends_in_empty_cell: bool,
    /// Line of the last sound row, counted from the beginning of the range, and its beginning.
    pub row: Option<(u64, String)>,
    /// The label of its group.
    pub label: Option<String>,
}

impl TextFile {
    /// How many ranges there are.
    pub(crate) fn ranges(&self) -> usize {
        pieces(self.size, self.sizes.bytes)
    }

    /// Where the rows begin.
    pub(crate) fn body(&self) -> u64 {
        (self.start + self.layout.body) as u64
    }

    /// Reads the range of that number. `begin` is where its first record begins, when that is known; `without_last` leaves the
    /// last row of the file out.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn range(
        &self,
        number: usize,
        begin: Option<u64>,
        reader: &Reader,
        without_last: bool,
    ) -> Result<Range, Diagnostic> {
        let unreadable = |error: std::io::Error| failure::unreadable(&self.path, &error);
        let file = File::open(&self.path).map_err(unreadable)?;
        let length = self.sizes.bytes;
        let low = (number * length) as u64;
        let high = (low + length as u64).min(self.size);
        // The byte before tells whether a line begins here.
        let offset = low.saturating_sub(1);
        let mut bytes =
            read_range(&file, offset, (high - offset) as usize + self.sizes.beyond).map_err(unreadable)?;
        let own = (low - offset) as usize..((high - offset) as usize).min(bytes.len());
        let hash = piece(&bytes[own], number, self.size, length);
        let begin = begin.unwrap_or_else(|| {
            if low <= self.body() {
                return self.body();
            }
            let line_break = bytes.iter().position(|byte| *byte == b'\n');
            line_break.map_or(high, |at| offset + at as u64 + 1)
        });
        let mut made = Making::new(reader);
        made.without_last = without_last;
        made.suspects = Suspects {
            nul: bytes.contains(&0),
            damaged: std::str::from_utf8(&bytes).err().is_some_and(|error| {
                // A character may be cut by either end of what was read.
                let at = error.valid_up_to();
                at >= 4 && (error.error_len().is_some() || at + 4 < bytes.len()) || at < 4 && !is_cut(&bytes)
            }),
        };
        let (mut at, mut lines) = (begin, 0);
        let mut fields = Vec::with_capacity(self.layout.names.len());
        while at < high {
            let from = (at - offset) as usize;
            let mut records = Records::new(
                &bytes,
                from,
                lines,
                self.layout.separator_byte(),
                Some(self.layout.names.len()),
            );
            let mut grow = None;
            while let Some(record) = records.next(&mut fields) {
                let (next, line) = records.position();
                let seen_all = offset + bytes.len() as u64 >= self.size;
                let needs = if record.fault.is_some() { record.start + FAULT } else { 0 };
                if !seen_all && (next >= bytes.len() || needs > bytes.len()) {
                    grow = Some((bytes.len() * 2).max(needs));
                    break;
                }
                made.take(&bytes, &record, &fields, &self.path, &self.layout.names);
                (at, lines) = (offset + next as u64, line);
                if at >= high {
                    break;
                }
            }
            match grow {
                Some(length) => bytes = read_range(&file, offset, length).map_err(unreadable)?,
                None => break,
            }
        }
        // The last record of a file may begin in a range before its last one.
        let ends = at >= self.size && at > begin;
        made.finish(begin, at, lines, hash, ends)
    }
}

/// Whether the only broken bytes at the beginning are the rest of a character.
fn is_cut(bytes: &[u8]) -> bool {
    let rest = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let tail = bytes.len().saturating_sub(3);
    std::str::from_utf8(&bytes[rest..])
        .err()
        .is_none_or(|error| error.error_len().is_none() && rest + error.valid_up_to() >= tail)
}

/// A range while it is read.
struct Making<'a> {
    reader: &'a Reader<'a>,
    suspects: Suspects,
    without_last: bool,
    columns: Vec<Column>,
    row: Vec<Content>,
    labels: Vec<String>,
    known: PlHashMap<String, u32>,
    label_of_row: Vec<u32>,
    evidence: Vec<Evidence>,
    blank: u64,
    malformed: u64,
    first_malformed: Vec<MalformedRow>,
    empty_ends: u64,
    last: Last,
}

impl<'a> Making<'a> {
    fn new(reader: &'a Reader<'a>) -> Making<'a> {
        let column = |(index, plan): &(usize, Plan)| match plan.kind {
            _ if Some(*index) == reader.group && !reader.group_is_read => Column::Labels,
            kind => Column::of(kind, 0),
        };
        Making {
            reader,
            suspects: Suspects::default(),
            without_last: false,
            columns: reader.columns.iter().map(column).collect(),
            row: Vec::with_capacity(reader.columns.len()),
            labels: Vec::new(),
            known: PlHashMap::default(),
            label_of_row: Vec::new(),
            evidence: vec![Evidence::default(); reader.columns.len()],
            blank: 0,
            malformed: 0,
            first_malformed: Vec::new(),
            empty_ends: 0,
            last: Last { terminated: true, ends_in_empty_cell: false, row: None, label: None },
        }
    }

    fn take(
        &mut self,
        bytes: &[u8],
        record: &crate::data::records::Record,
        fields: &[Field],
        path: &std::path::Path,
        names: &[String],
    ) {
        self.last.terminated = record.terminated;
        let fault = match judge(bytes, record, fields, names.len(), self.suspects) {
            Row::Blank => {
                self.blank += 1;
                return;
            }
            Row::Malformed(fault) => Some(fault),
            Row::Sound => {
                let last = fields[fields.len() - 1];
                let is_empty = cells::trim(&bytes[last.start..last.end]).is_empty();
                self.empty_ends += u64::from(is_empty);
                if !record.terminated {
                    self.last.ends_in_empty_cell = !last.quoted && last.start == last.end;
                    let label = self.reader.group.map(|group| fields[group].text(bytes));
                    self.last.label = label.map(|label| String::from_utf8_lossy(&label).trim().to_string());
                    let shown = excerpt(&bytes[record.start..record.end]);
                    self.last.row = Some((record.line, shown));
                    if self.without_last {
                        self.lost(bytes, record, path, RowFault::Torn);
                        return;
                    }
                }
                self.values(bytes, record, fields)
            }
        };
        if let Some(fault) = fault {
            self.lost(bytes, record, path, fault);
        }
    }

    fn lost(
        &mut self,
        bytes: &[u8],
        record: &crate::data::records::Record,
        path: &std::path::Path,
        fault: RowFault,
    ) {
        self.malformed += 1;
        if self.first_malformed.len() < SHOWN_MALFORMED {
            let shown = excerpt(&bytes[record.start..record.end]);
            self.first_malformed.push(MalformedRow {
                file: path.to_path_buf(),
                line: record.line,
                fault,
                excerpt: shown,
            });
        }
    }

    /// Takes the values of a sound row; a cell that does not fit its column makes the row malformed.
    fn values(
        &mut self,
        bytes: &[u8],
        record: &crate::data::records::Record,
        fields: &[Field],
    ) -> Option<RowFault> {
        self.row.clear();
        let mut fault = None;
        for ((index, plan), evidence) in self.reader.columns.iter().zip(&mut self.evidence) {
            let field = &fields[*index];
            let content = match field.escaped {
                false => read(&bytes[field.start..field.end], *plan, evidence),
                true => read(&field.text(bytes), *plan, evidence),
            };
            self.row.push(content.unwrap_or_else(|| {
                fault.get_or_insert(*index);
                Content::Missing
            }));
        }
        if let Some(index) = fault {
            let plan = self.reader.columns.iter().find(|(column, _)| *column == index);
            // A number cut short at the very end of the file is a torn row.
            return Some(if !record.terminated && index + 1 == fields.len() {
                RowFault::Torn
            } else {
                RowFault::Cell {
                    column: self.reader.names[index].clone(),
                    text: excerpt(&fields[index].text(bytes)),
                    expected: plan.map_or("text", |(_, plan)| plan.kind.word()),
                }
            });
        }
        for (((index, _), column), content) in
            self.reader.columns.iter().zip(&mut self.columns).zip(&self.row)
        {
            column.push(content, || fields[*index].text(bytes));
        }
        let number = match self.reader.group {
            Some(group) => self.label(&fields[group].text(bytes)),
            None => NONE,
        };
        self.label_of_row.push(number);
        None
    }

    fn label(&mut self, label: &[u8]) -> u32 {
        let few = &self.labels[..self.labels.len().min(FEW)];
        if let Some(known) = few.iter().position(|known| known.as_bytes() == label) {
            return known as u32;
        }
        if cells::trim(label).is_empty() {
            return NONE;
        }
        let label = String::from_utf8_lossy(label);
        if let Some(known) = self.known.get(label.as_ref()) {
            return *known;
        }
        let number = self.labels.len() as u32;
        self.labels.push(label.to_string());
        self.known.insert(label.into_owned(), number);
        number
    }

    fn finish(self, first: u64, end: u64, lines: u64, hash: Piece, ends: bool) -> Result<Range, Diagnostic> {
        let rows = self.label_of_row.len();
        let mut columns = Vec::with_capacity(self.columns.len());
        for (column, (index, plan)) in self.columns.into_iter().zip(&self.reader.columns) {
            let Some(series) = column.series(plan.kind) else { continue };
            let series = series.with_name(self.reader.names[*index].as_str().into());
            columns.push(series.into_column());
        }
        let frame = DataFrame::new(rows, columns).map_err(|error| crate::data::accounting::defect(&error))?;
        Ok(Range {
            part: Part { frame, labels: self.labels, label_of_row: self.label_of_row },
            first,
            end,
            lines,
            blank: self.blank,
            malformed: self.malformed,
            first_malformed: self.first_malformed,
            evidence: self.evidence,
            empty_ends: self.empty_ends,
            last: ends.then_some(self.last),
            hash,
            damaged: self.suspects.damaged,
        })
    }
}
