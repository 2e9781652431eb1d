//! What was read and how: the files, their dialect, the rows that could not be read.

use std::path::PathBuf;

use serde::Serialize;

/// How many malformed rows are kept with their place; the rest is only counted.
pub const SHOWN_MALFORMED: usize = 20;

/// How a property of a file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The config says so.
    Declared,
    /// The bytes leave no doubt.
    Detected,
    /// Nothing in the file speaks for or against it, and it does not matter.
    Default,
}

/// A property of a file with the way it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found<T> {
    /// The property.
    pub value: T,
    /// How it was found.
    pub how: How,
}

impl<T> Found<T> {
    /// A property the config states.
    pub fn declared(value: T) -> Self {
        Found { value, how: How::Declared }
    }

    /// A property the bytes prove.
    pub fn detected(value: T) -> Self {
        Found { value, how: How::Detected }
    }

    /// A property assumed for want of evidence.
    pub fn default(value: T) -> Self {
        Found { value, how: How::Default }
    }
}

/// The kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Separated text.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// How the rows came out of the files.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    /// CSV or Parquet; none where a warehouse answered.
    pub format: Option<Format>,
    /// Every file, in the order it was read.
    pub files: Vec<FileReading>,
    /// Rows that were read: what the overview describes. Malformed and blank rows are not among them.
    pub rows: u64,
    /// Rows that could not be read, over all files.
    pub malformed: u64,
    /// The first [`SHOWN_MALFORMED`] of them, by file and line.
    pub first_malformed: Vec<MalformedRow>,
    /// Text encoding of the first file with a header; none for Parquet.
    pub encoding: Option<Found<String>>,
    /// Separator of the first file with a header; none for Parquet.
    pub separator: Option<Found<char>>,
    /// Decimal mark over all files; none for Parquet.
    pub decimal: Option<Found<char>>,
}

impl Reading {
    /// What a warehouse answered: sums of so many rows, hashed as a file of that name would be.
    pub fn of_answer(name: &str, sums: &[u8], rows: u64) -> Reading {
        let file = FileReading {
            path: PathBuf::from(name),
            bytes: sums.len() as u64,
            blake3: blake3::hash(sums).to_hex().to_string(),
            rows,
            malformed: 0,
            blank: 0,
            encoding: None,
            separator: None,
            bom: false,
            final_newline: true,
        };
        Reading { format: None, files: vec![file], rows, ..Reading::empty(Format::Csv) }
    }

    /// Nothing read yet.
    pub(crate) fn empty(format: Format) -> Reading {
        Reading {
            format: Some(format),
            files: Vec::new(),
            rows: 0,
            malformed: 0,
            first_malformed: Vec::new(),
            encoding: None,
            separator: None,
            decimal: None,
        }
    }
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReading {
    /// Its path, relative to the current folder.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// BLAKE3 of the very bytes that were analysed, in hexadecimal.
    pub blake3: String,
    /// Rows read from it.
    pub rows: u64,
    /// Rows that could not be read.
    pub malformed: u64,
    /// Lines without any value, skipped.
    pub blank: u64,
    /// Text encoding; none for Parquet.
    pub encoding: Option<Found<String>>,
    /// Separator; none for Parquet.
    pub separator: Option<Found<char>>,
    /// Whether the file begins with a byte order mark.
    pub bom: bool,
    /// Whether the last line is ended by a line break; true for Parquet.
    pub final_newline: bool,
}

/// A row that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MalformedRow {
    /// The file.
    pub file: PathBuf,
    /// 1-based line of the file on which the row starts.
    pub line: u64,
    /// What is wrong with it.
    pub fault: RowFault,
    /// The beginning of the row, control characters made visible.
    pub excerpt: String,
}

/// What can be wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "code")]
pub enum RowFault {
    /// More or fewer fields than the header.
    Fields {
        /// Fields of the header.
        expected: u64,
        /// Fields of the row.
        found: u64,
    },
    /// The file ends in the middle of the row.
    Torn,
    /// A quote that opens on this line is never closed, or swallows the rows below.
    OpenQuote,
    /// Text stands between a closing quote and the next separator.
    TextAfterQuote,
    /// The row holds NUL bytes: the tail of a UTF-16 file or a damaged disk block.
    Nul,
    /// Bytes that are no text in the encoding of the file.
    Encoding,
    /// A cell is not of the kind of its column.
    Cell {
        /// The column.
        column: String,
        /// The cell.
        text: String,
        /// What the column holds: `number`, `boolean`, `date`, or `count` (a whole number of units, not negative).
        expected: &'static str,
    },
}

impl RowFault {
    /// The stable name of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            RowFault::Fields { .. } => "fields",
            RowFault::Torn => "torn",
            RowFault::OpenQuote => "open-quote",
            RowFault::TextAfterQuote => "text-after-quote",
            RowFault::Nul => "nul",
            RowFault::Encoding => "encoding",
            RowFault::Cell { .. } => "cell",
        }
    }
}

/// The first characters of a row, with what a terminal or a page cannot show made visible.
pub(crate) fn excerpt(row: &[u8]) -> String {
    const SHOWN: usize = 100;
    // Four bytes a character is the most UTF-8 takes, so this prefix always holds enough.
    let prefix = &row[..row.len().min(SHOWN * 4 + 4)];
    let text = String::from_utf8_lossy(prefix);
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .map(|c| match c {
            '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{7f}' => '\u{2421}',
            c => c,
        })
        .collect();
    if text.chars().count() > SHOWN || prefix.len() < row.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_control_characters_and_is_short() {
        assert_eq!(excerpt(b"1\0,\0\t"), "1␀,␀␉");
        let long = excerpt("я".repeat(500).as_bytes());
        assert_eq!(long.chars().count(), 101);
        assert!(long.ends_with('…'));
    }
}
