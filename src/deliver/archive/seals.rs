//! Seals: after each change of the archive, the heads of all its chains bound into one.
//!
//! The chain of the seals is what a digest prints as the head of the archive. A seal that a reader holds on paper proves
//! every row of every table up to that change: rows cut off the end of a table, with their seals, no longer lead to it.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction};

use super::chain::{Chained, Fault, Walked};
use super::schema::CHAINED;
use super::{Archive, Result, recommendations};

/// The table.
pub const TABLE: Chained =
    Chained { name: "seals", genesis: "itog.seals.v1", columns: &["heads"], sealed: false };

/// Heads by table: the last `seq` and its chain value.
type Heads = BTreeMap<String, (i64, String)>;

/// The heads of every sealed table that has rows.
fn heads(connection: &Connection) -> Result<Heads> {
    let mut heads = Heads::new();
    for table in CHAINED.iter().filter(|table| table.sealed) {
        let head = table.head(connection)?;
        if head.seq > 0 {
            heads.insert(table.name.to_owned(), (head.seq, head.chain));
        }
    }
    Ok(heads)
}

/// Seals what a transaction appended; the last thing a transaction does before it commits.
pub(super) fn seal(transaction: &Transaction) -> Result<()> {
    let heads = serde_json::to_string(&heads(transaction)?)?;
    TABLE.append(transaction, &[Value::from(heads)])?;
    Ok(())
}

impl Archive {
    /// The head of the archive: that of its seals; of an archive from before there were any, that of the recommendations.
    pub fn head(&self) -> Result<String> {
        let head = TABLE.head(&self.connection)?;
        match head.seq {
            0 => Ok(recommendations::TABLE.head(&self.connection)?.chain),
            _ => Ok(head.chain),
        }
    }

    /// Whether a head that was once printed is still part of a chain: of the seals, or of the recommendations for digests
    /// of before.
    pub fn has_been_head(&self, chain: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM seals WHERE chain = ?1)
                       OR EXISTS (SELECT 1 FROM recommendations WHERE chain = ?1)";
        Ok(self.connection.query_row(sql, [chain], |row| row.get(0))?)
    }
}

/// Compares the seals with the walked chains of the other tables.
pub(super) fn check(connection: &Connection, walked: &BTreeMap<&str, Walked>) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let mut statement =
        connection.prepare("SELECT seq, CAST(heads AS BLOB) FROM seals NOT INDEXED ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut last: Option<(i64, Heads)> = None;
    while let Ok(Some(row)) = rows.next() {
        let (seq, text): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        // A seal that is not what it was is named by its own chain.
        let Ok(heads) = serde_json::from_slice::<Heads>(&text) else { continue };
        for (table, (at, chain)) in &heads {
            let Some(walked) = walked.get(table.as_str()) else { continue };
            let fault = match walked.heads.get(at) {
                Some(stands) if stands == chain => continue,
                Some(_) => Fault::of_record(table, *at, format!("is not what seal {seq} bound")),
                None => {
                    // Cut off the end: the first that is gone is named.
                    let end = walked.heads.keys().next_back().copied().unwrap_or(0);
                    let first = if *at > end { end + 1 } else { *at };
                    Fault::of_record(table, first, format!("is missing, and seal {seq} bound it"))
                }
            };
            let named = |f: &Fault| f.place == fault.place && f.record == fault.record;
            if !faults.iter().any(named) {
                faults.push(fault);
            }
        }
        last = Some((seq, heads));
    }
    let Some((seq, sealed)) = last else { return Ok(faults) };
    for table in CHAINED.iter().filter(|table| table.sealed) {
        let Some(walked) = walked.get(table.name) else { continue };
        let bound = sealed.get(table.name).map_or(0, |(at, _)| *at);
        if let Some((present, _)) = walked.heads.iter().find(|(at, _)| **at > bound) {
            faults.push(Fault::of_record(
                table.name,
                *present,
                format!("stands after seal {seq}, and nothing sealed it"),
            ));
        }
    }
    Ok(faults)
}
