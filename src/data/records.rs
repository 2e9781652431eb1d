//! Separated text, record by record, without interpreting what a cell means.
//!
//! The splitter follows RFC 4180 (quotes, doubled quotes, line breaks inside quotes) and never loses its way: a quote
//! that swallows the rows below it is blamed on its own line, and reading resumes on the next one.

use std::borrow::Cow;

/// A quoted cell longer than this is an open quote, not a cell.
const LONGEST_QUOTED: usize = 1 << 20;

/// One cell: a range of the text, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub start: usize,
    pub end: usize,
    /// It stood in quotes.
    pub quoted: bool,
    /// It holds doubled quotes.
    pub escaped: bool,
}

impl Field {
    /// The content of the cell.
    pub(crate) fn text<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let raw = &bytes[self.start..self.end];
        if !self.escaped {
            return Cow::Borrowed(raw);
        }
        let mut content = Vec::with_capacity(raw.len());
        let mut i = 0;
        while i < raw.len() {
            content.push(raw[i]);
            i += if raw[i] == b'"' { 2 } else { 1 };
        }
        Cow::Owned(content)
    }
}

/// What the splitter itself can find wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuoteFault {
    Open,
    TextAfter,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// 1-based line it starts on.
    pub line: u64,
    /// Range without the line break.
    pub start: usize,
    pub end: usize,
    /// A problem with its quotes; its fields are then not to be used.
    pub fault: Option<QuoteFault>,
    /// A line break follows.
    pub terminated: bool,
}

/// The records of a text.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    position: usize,
    line: u64,
    separator: u8,
    /// Fields a record should have; lets the splitter tell a stray quote from a long cell.
    expected: Option<usize>,
}

impl<'a> Records<'a> {
    /// Starts at a byte offset that is the beginning of `line`.
    pub(crate) fn new(
        bytes: &'a [u8],
        position: usize,
        line: u64,
        separator: u8,
        expected: Option<usize>,
    ) -> Self {
        Records { bytes, position, line, separator, expected }
    }

    /// Where the next record starts: offset and line.
    pub(crate) fn position(&self) -> (usize, u64) {
        (self.position, self.line)
    }

    /// The next record; its cells replace the contents of `fields`.
    pub(crate) fn next(&mut self, fields: &mut Vec<Field>) -> Option<Record> {
        fields.clear();
        if self.position >= self.bytes.len() {
            return None;
        }
        let first_line = self.line;
        let start = self.position;
        let mut record = Record { line: first_line, start, end: start, fault: None, terminated: false };
        self.split(fields, &mut record);
        let spans_lines = self.line - first_line > u64::from(record.terminated);
        let wrong_count = self.expected.is_some_and(|expected| fields.len() != expected);
        if spans_lines && (record.fault.is_some() || wrong_count) {
            // The quote opened on the first line: blame that line alone, the rows below may be sound.
            record.fault = Some(QuoteFault::Open);
            self.resume_after_first_line(&mut record);
        } else if record.fault.is_some() {
            self.resume_after_first_line(&mut record);
        }
        Some(record)
    }

    fn split(&mut self, fields: &mut Vec<Field>, record: &mut Record) {
        let bytes = self.bytes;
        let mut i = self.position;
        loop {
            if bytes.get(i) == Some(&b'"') {
                let start = i + 1;
                let mut escaped = false;
                i = start;
                loop {
                    match bytes.get(i) {
                        Some(b'"') if bytes.get(i + 1) == Some(&b'"') => {
                            escaped = true;
                            i += 2;
                        }
                        Some(b'"') => break,
                        Some(byte) if i - start < LONGEST_QUOTED => {
                            self.line += u64::from(*byte == b'\n');
                            i += 1;
                        }
                        _ => {
                            record.fault = Some(QuoteFault::Open);
                            return;
                        }
                    }
                }
                fields.push(Field { start, end: i, quoted: true, escaped });
                i += 1;
            } else {
                let start = i;
                while let Some(&byte) = bytes.get(i) {
                    if byte == self.separator || byte == b'\n' {
                        break;
                    }
                    i += 1;
                }
                fields.push(Field { start, end: i, quoted: false, escaped: false });
            }
            match bytes.get(i) {
                Some(&byte) if byte == self.separator => i += 1,
                Some(b'\n') => return self.finish(fields, record, i, i + 1),
                Some(b'\r') if bytes.get(i + 1) == Some(&b'\n') => {
                    return self.finish(fields, record, i, i + 2);
                }
                Some(b'\r') if i + 1 == bytes.len() => return self.finish(fields, record, i, i + 1),
                None => return self.finish(fields, record, i, i),
                Some(_) => {
                    record.fault = Some(QuoteFault::TextAfter);
                    return;
                }
            }
        }
    }

    fn finish(&mut self, fields: &mut [Field], record: &mut Record, end: usize, next: usize) {
        record.end = end;
        // An unquoted last cell has run over the carriage return of CRLF.
        if let Some(last) = fields.last_mut()
            && !last.quoted
            && last.end > last.start
            && self.bytes[last.end - 1] == b'\r'
        {
            last.end -= 1;
            record.end = last.end;
        }
        record.terminated = next > end || record.end < end;
        self.line += u64::from(next > end && self.bytes[next - 1] == b'\n');
        self.position = next;
    }

    fn resume_after_first_line(&mut self, record: &mut Record) {
        let rest = &self.bytes[record.start..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        record.terminated = length.is_some();
        let end = length.unwrap_or(rest.len());
        record.end = record.start + end - usize::from(rest[..end].last() == Some(&b'\r'));
        self.position = record.start + end + usize::from(length.is_some());
        self.line = record.line + u64::from(length.is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, expected: Option<usize>) -> Vec<(u64, Vec<String>, Option<QuoteFault>, bool)> {
        let mut records = Records::new(text.as_bytes(), 0, 1, b',', expected);
        let mut fields = Vec::new();
        let mut found = Vec::new();
        while let Some(record) = records.next(&mut fields) {
            let cells = if record.fault.is_some() {
                vec![text[record.start..record.end].to_string()]
            } else {
                fields
                    .iter()
                    .map(|f| String::from_utf8_lossy(&f.text(text.as_bytes())).into_owned())
                    .collect()
            };
            found.push((record.line, cells, record.fault, record.terminated));
        }
        found
    }

    fn row(
        line: u64,
        cells: &[&str],
        fault: Option<QuoteFault>,
        ended: bool,
    ) -> (u64, Vec<String>, Option<QuoteFault>, bool) {
        (line, cells.iter().map(|c| c.to_string()).collect(), fault, ended)
    }

    #[test]
    fn plain_and_quoted_cells_with_either_line_break() {
        assert_eq!(
            all("a,b\r\n\"x \"\"y\"\"\n,z\",2\n3,", Some(2)),
            vec![
                row(1, &["a", "b"], None, true),
                row(2, &["x \"y\"\n,z", "2"], None, true),
                row(4, &["3", ""], None, false)
            ]
        );
    }

    #[test]
    fn an_open_quote_costs_its_own_line_only() {
        assert_eq!(
            all("1,\"a\n2,b\n3,c\n", Some(2)),
            vec![
                row(1, &["1,\"a"], Some(QuoteFault::Open), true),
                row(2, &["2", "b"], None, true),
                row(3, &["3", "c"], None, true)
            ]
        );
    }

    #[test]
    fn a_quote_closed_by_a_later_row_is_blamed_on_its_own_line() {
        assert_eq!(
            all("1,\"a\n2,b\n3,\"c\"\n", Some(2)),
            vec![
                row(1, &["1,\"a"], Some(QuoteFault::Open), true),
                row(2, &["2", "b"], None, true),
                row(3, &["3", "c"], None, true)
            ]
        );
    }

    #[test]
    fn text_after_a_quote_is_a_fault() {
        assert_eq!(
            all("\"a\"b,1\nc,2\n", Some(2)),
            vec![row(1, &["\"a\"b,1"], Some(QuoteFault::TextAfter), true), row(2, &["c", "2"], None, true)]
        );
    }

    #[test]
    fn blank_lines_are_records_of_one_empty_cell() {
        assert_eq!(
            all("a\n\r\nb", None),
            vec![row(1, &["a"], None, true), row(2, &[""], None, true), row(3, &["b"], None, false)]
        );
    }
}
