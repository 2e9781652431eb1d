//! Is the archive what it was? Its chains, its seals, its schema and its pages; and, deep, every stored file and every
//! folder of a date.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde::Serialize;

use super::chain::{Fault, Walked};
use super::objects::{self, Objects, State};
use super::schema::{CHAINED, MIGRATIONS};
use super::{Archive, Result, Run, seals};

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The database: chains, seals, schema, pages.
    Chains,
    /// And every stored file, and the folders of dates against their manifests.
    Deep,
}

/// What was looked at and what was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verified {
    /// The head of the archive.
    pub head: String,
    /// Records by table.
    pub records: BTreeMap<String, usize>,
    /// Stored files that were read.
    pub files: usize,
    /// Folders of dates whose files were compared with their manifest.
    pub folders: usize,
    /// What is not as it was written, in the order found; empty when all is well.
    pub faults: Vec<Fault>,
}

impl Archive {
    /// Looks at the whole archive. What is damaged is a fault, not an error.
    pub fn verify(&self, depth: Depth) -> Verified {
        let mut verified = Verified::default();
        let found = &mut verified.faults;
        let mut walked: BTreeMap<&str, Walked> = BTreeMap::new();
        for table in CHAINED {
            match table.walk(&self.connection) {
                Ok(walk) => {
                    verified.records.insert(table.name.to_owned(), walk.heads.len());
                    found.extend(walk.faults.iter().cloned());
                    walked.insert(table.name, walk);
                }
                Err(error) => found.push(Fault::of(table.name, format!("cannot be read: {error}"))),
            }
        }
        let own = |outcome: Result<Vec<Fault>>| {
            outcome.unwrap_or_else(|error| vec![Fault::of("database", error.to_string())])
        };
        let sealed = own(seals::check(&self.connection, &walked));
        // A row that its own chain has named needs no second word from a seal.
        found.retain(|fault| !sealed.contains(fault));
        let named: BTreeSet<(String, Option<i64>)> =
            found.iter().map(|fault| (fault.place.clone(), fault.record)).collect();
        found.extend(sealed.into_iter().filter(|f| !named.contains(&(f.place.clone(), f.record))));
        found.extend(own(bodies(&self.connection)));
        found.extend(own(schema(&self.connection)));
        found.extend(own(pages(&self.connection)));
        verified.head = self.head().unwrap_or_default();
        if depth == Depth::Deep {
            self.deep(&mut verified);
        }
        let mut seen = BTreeSet::new();
        verified.faults.retain(|fault| seen.insert(fault.to_string()));
        verified
    }

    /// Reads every stored file that a run names, and the folders of dates.
    fn deep(&self, verified: &mut Verified) {
        let objects = Objects::of(&self.folder);
        let runs = self.readable_runs();
        let mut looked: BTreeMap<&str, State> = BTreeMap::new();
        for run in &runs {
            let inputs =
                run.inputs.iter().filter(|input| input.kept).map(|input| (&input.path, &input.blake3));
            let outputs =
                run.outputs.iter().filter(|output| output.kept).map(|output| (&output.path, &output.blake3));
            for (path, hash) in inputs.chain(outputs) {
                let state = *looked.entry(hash).or_insert_with(|| objects.state(hash));
                let what = match state {
                    State::Sound => continue,
                    State::Missing => "is missing",
                    State::Changed => "was changed",
                };
                let told = format!("{}/{hash} ({path}) {what}", objects::FOLDER);
                verified.faults.push(Fault::of_record("runs", run.seq, told));
            }
        }
        verified.files = looked.len();
        match self.folders(&runs) {
            Ok((folders, faults)) => {
                verified.folders = folders;
                verified.faults.extend(faults);
            }
            Err(error) => verified.faults.push(Fault::of("folders", error.to_string())),
        }
    }

    /// The runs that can be read; those that cannot are named by their chain.
    fn readable_runs(&self) -> Vec<Run> {
        let last = super::runs::TABLE.head(&self.connection).map_or(0, |head| head.seq);
        (1..=last).filter_map(|seq| self.run(seq).ok().flatten()).collect()
    }
}

/// Bodies of messages against their hashes.
fn bodies(connection: &Connection) -> Result<Vec<Fault>> {
    let mut statement = connection.prepare(
        "SELECT b.blake3, b.bytes, (SELECT min(seq) FROM messages WHERE body = b.blake3) FROM mail_bodies AS b",
    )?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    while let Some(row) = rows.next()? {
        let (hash, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        match row.get::<_, Option<i64>>(2)? {
            Some(message) if blake3::hash(&bytes).to_hex().as_str() != hash => {
                faults.push(Fault::of_record("messages", message, "its body was changed"));
            }
            None => faults.push(Fault::of("mail_bodies", format!("{hash} is the body of no message"))),
            Some(_) => {}
        }
    }
    Ok(faults)
}

/// What stands in the schema of a database: kind, name and text of each entry. Statistics of the query planner are no part
/// of the archive.
fn entries(connection: &Connection) -> Result<BTreeMap<(String, String), String>> {
    let mut statement = connection.prepare(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'",
    )?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Compares the schema with the one that the migrations make: without its triggers a table is not append-only.
fn schema(connection: &Connection) -> Result<Vec<Fault>> {
    let fresh = Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        fresh.execute_batch(migration)?;
    }
    let (is, should) = (entries(connection)?, entries(&fresh)?);
    let told = |(kind, name): &(String, String), what: &str| {
        Fault::of("schema", format!("the {kind} {name} {what}"))
    };
    let mut faults: Vec<Fault> = should
        .iter()
        .filter_map(|(entry, text)| match is.get(entry) {
            None => Some(told(entry, "is missing")),
            Some(found) if found != text => Some(told(entry, "was changed")),
            Some(_) => None,
        })
        .collect();
    faults.extend(
        is.keys().filter(|entry| !should.contains_key(entry)).map(|entry| told(entry, "is not ours")),
    );
    Ok(faults)
}

/// SQLite's own check of its pages, indexes and constraints.
fn pages(connection: &Connection) -> Result<Vec<Fault>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        faults.extend(said.lines().filter(|line| *line != "ok").map(|line| Fault::of("database", line)));
    }
    Ok(faults)
}
