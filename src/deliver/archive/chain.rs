//! Chained tables: append-only rows, each bound by its hash to the one before it.
//!
//! A chained table has a `seq` from 1 without gaps, columns of content, and a `chain`: the hash of the row before and of the
//! row's own content. An absent value (NULL) is bound as an empty text, so no column that may be absent ever holds an
//! empty text. [`Chained::walk`] finds every row that is not what it was when it was appended.

use std::collections::BTreeMap;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Transaction, params_from_iter};

use super::Result;

/// A chained table: its name, what stands before its first row, and its columns of content in the order they are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chained {
    /// Name of the table.
    pub name: &'static str,
    /// Chain value before the first row; unique to the table.
    pub genesis: &'static str,
    /// Columns of content, without `seq` and `chain`.
    pub columns: &'static [&'static str],
    /// Whether the head of the table is bound into the [seals](super::seals), and so into the head that the digest prints. A table
    /// whose rows hold times of attempts (the outbox) is not: the digest of the same inputs has the same bytes.
    pub sealed: bool,
}

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last row; 0 of an empty table.
    pub seq: i64,
    /// Its chain value; the genesis of an empty table.
    pub chain: String,
}

/// Something in the archive that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The table, `objects` for stored files, `database` for the file itself.
    pub place: String,
    /// The record at fault, where one can be named.
    pub record: Option<i64>,
    /// What is wrong.
    pub what: String,
}

impl Fault {
    /// A fault of a record.
    pub fn of_record(table: &str, seq: i64, what: impl Into<String>) -> Fault {
        Fault { place: table.to_owned(), record: Some(seq), what: what.into() }
    }

    /// A fault of a place as a whole.
    pub fn of(place: &str, what: impl Into<String>) -> Fault {
        Fault { place: place.to_owned(), record: None, what: what.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.record {
            Some(seq) => write!(f, "{} {seq}: {}", self.place, self.what),
            None => write!(f, "{}: {}", self.place, self.what),
        }
    }
}

/// The hash of parts that cannot be moved from one to the next: blake3 over each part's length and bytes, in hexadecimal.
pub fn bound<P: AsRef<[u8]>>(parts: &[P]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        let part = part.as_ref();
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// A value as it is bound.
fn bytes_of(value: ValueRef) -> Vec<u8> {
    match value {
        ValueRef::Null => Vec::new(),
        ValueRef::Integer(number) => number.to_string().into_bytes(),
        ValueRef::Real(number) => number.to_string().into_bytes(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
    }
}

impl Chained {
    fn link(&self, previous: &str, content: &[Vec<u8>]) -> String {
        let mut parts = vec![previous.as_bytes().to_vec()];
        parts.extend_from_slice(content);
        bound(&parts)
    }

    /// The end of the chain.
    pub fn head(&self, connection: &Connection) -> Result<Head> {
        let sql = format!("SELECT seq, chain FROM {} ORDER BY seq DESC LIMIT 1", self.name);
        let head = connection
            .prepare_cached(&sql)?
            .query_row([], |row| Ok(Head { seq: row.get(0)?, chain: row.get(1)? }))
            .optional()?;
        Ok(head.unwrap_or_else(|| Head { seq: 0, chain: self.genesis.to_owned() }))
    }

    /// Appends a row whose values are in the order of the columns; returns its `seq`.
    ///
    /// The head is read inside the transaction, which must have begun as an immediate one, so that no two writers continue the
    /// same head.
    pub fn append(&self, transaction: &Transaction, values: &[Value]) -> Result<i64> {
        let head = self.head(transaction)?;
        let content: Vec<Vec<u8>> = values.iter().map(|value| bytes_of(ValueRef::from(value))).collect();
        let chain = self.link(&head.chain, &content);
        let places: Vec<String> = (1..=self.columns.len() + 2).map(|n| format!("?{n}")).collect();
        let sql = format!(
            "INSERT INTO {} (seq, {}, chain) VALUES ({})",
            self.name,
            self.columns.join(", "),
            places.join(", ")
        );
        let seq = head.seq + 1;
        let row = std::iter::once(Value::from(seq)).chain(values.iter().cloned()).chain([Value::from(chain)]);
        transaction.prepare_cached(&sql)?.execute(params_from_iter(row))?;
        Ok(seq)
    }

    /// Walks the chain from its beginning: every row that does not fit its hash or its place, and what the table holds by
    /// `seq` for those who check more.
    pub fn walk(&self, connection: &Connection) -> Result<Walked> {
        let columns = self.columns.join(", ");
        let sql = format!("SELECT seq, chain, {columns} FROM {} NOT INDEXED ORDER BY seq", self.name);
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut walked = Walked { heads: BTreeMap::new(), faults: Vec::new() };
        // What the next row must continue: the chain value that stands there, and the one that should.
        let (mut stands, mut should) = (self.genesis.as_bytes().to_vec(), self.genesis.to_owned());
        let mut last = 0;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    walked.faults.push(Fault::of_record(
                        self.name,
                        last + 1,
                        format!("cannot be read: {error}"),
                    ));
                    break;
                }
            };
            let seq: i64 = row.get(0)?;
            if seq != last + 1 {
                let gone = if seq == last + 2 {
                    "is missing".to_owned()
                } else {
                    format!("to {} are missing", seq - 1)
                };
                walked.faults.push(Fault::of_record(self.name, last + 1, gone));
            }
            let chain = bytes_of(row.get_ref(1)?);
            let mut content = Vec::with_capacity(self.columns.len());
            let mut emptied = None;
            for (index, column) in self.columns.iter().enumerate() {
                let value = row.get_ref(index + 2)?;
                let bytes = bytes_of(value);
                if bytes.is_empty() && !matches!(value, ValueRef::Null) && NULLABLE.contains(column) {
                    emptied = Some(*column);
                }
                content.push(bytes);
            }
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let expected = self.link(&text(&stands), &content);
            let continued = self.link(&should, &content);
            if let Some(column) = emptied {
                walked.faults.push(Fault::of_record(
                    self.name,
                    seq,
                    format!("`{column}` was absent and is empty now"),
                ));
            } else if expected.as_bytes() != chain && continued.as_bytes() != chain && seq == last + 1 {
                walked.faults.push(Fault::of_record(
                    self.name,
                    seq,
                    "does not fit the chain: it was changed",
                ));
            }
            walked.heads.insert(seq, text(&chain));
            should = if continued.as_bytes() == chain { continued } else { expected };
            stands = chain;
            last = seq;
        }
        Ok(walked)
    }
}

/// Columns that may be absent, in whichever table: an empty text there is not what was written.
const NULLABLE: &[&str] = &["winner", "review_on", "recommendation", "supersedes"];

/// What a walk along a chain saw.
#[derive(Clone, Debug)]
pub struct Walked {
    /// Chain values by `seq`.
    pub heads: BTreeMap<i64, String>,
    /// What is not as it was written.
    pub faults: Vec<Fault>,
}
