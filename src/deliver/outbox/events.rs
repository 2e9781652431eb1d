//! What happens to a message.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::archive::bound;
use super::Outbox;

/// What happened to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// It waits.
    Queued,
    /// The server took sender and recipient; the text is about to leave.
    Attempt,
    /// The server took it.
    Sent,
    /// It did not get through and will be tried again.
    Deferred,
    /// It will not get through: the server refused it for good, or its time is over.
    Failed,
    /// The text left and no answer came: nobody knows whether it arrived.
    Uncertain,
    /// A person, or a newer report of the same night, took it back.
    Cancelled,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 7] = [
        Event::Queued,
        Event::Attempt,
        Event::Sent,
        Event::Deferred,
        Event::Failed,
        Event::Uncertain,
        Event::Cancelled,
    ];

    /// Its name in the archive and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Event::Queued => "queued",
            Event::Attempt => "attempt",
            Event::Sent => "sent",
            Event::Deferred => "deferred",
            Event::Failed => "failed",
            Event::Uncertain => "uncertain",
            Event::Cancelled => "cancelled",
        }
    }

    /// The event of a name; what another version wrote is taken for uncertain, which sends nothing.
    pub fn of(name: &str) -> Event {
        Event::ALL.into_iter().find(|event| event.name() == name).unwrap_or(Event::Uncertain)
    }

    /// Whether a message in this state is to be sent.
    pub fn waits(self) -> bool {
        matches!(self, Event::Queued | Event::Deferred)
    }

    /// Whether nothing more will happen to a message in this state.
    pub fn is_end(self) -> bool {
        matches!(self, Event::Sent | Event::Failed | Event::Cancelled)
    }
}

/// An event with its time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Happened {
    /// What.
    pub event: Event,
    /// When.
    pub at: Timestamp,
    /// What the server or the program said.
    pub detail: String,
}

/// Chain value before the first event.
const FIRST: &str = "itog.message-events.v1";

fn link(previous: &str, message: i64, event: &str, at: &str, detail: &str) -> String {
    bound(&[previous, &message.to_string(), event, at, detail])
}

/// Appends an event inside of the caller's transaction, or in one of its own.
pub(super) fn append(
    connection: &Connection,
    message: i64,
    event: Event,
    at: Timestamp,
    detail: &str,
) -> rusqlite::Result<()> {
    let last = "SELECT chain FROM message_events ORDER BY seq DESC LIMIT 1";
    let previous: Option<String> = connection.query_row(last, [], |row| row.get(0)).optional()?;
    let at = at.to_string();
    let chain = link(previous.as_deref().unwrap_or(FIRST), message, event.name(), &at, detail);
    connection.execute(
        "INSERT INTO message_events (message, event, at, detail, chain) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![message, event.name(), at, detail, chain],
    )?;
    Ok(())
}

impl Outbox {
    /// Records what happened to a message; it is on the disk when this returns.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn record(
        &mut self,
        message: i64,
        event: Event,
        at: Timestamp,
        detail: &str,
    ) -> rusqlite::Result<()> {
        let step = self.archive.connection_mut().transaction_with_behavior(IMMEDIATE)?;
        append(&step, message, event, at, detail)?;
        step.commit()
    }

    /// Calls uncertain every message whose last event is an attempt: the process that made it ended before the answer. Only
    /// the holder of the outbox lock may do this. Returns how many there were.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn settle(&mut self, at: Timestamp) -> rusqlite::Result<usize> {
        let step = self.archive.connection_mut().transaction_with_behavior(IMMEDIATE)?;
        let mut statement = step.prepare(
            "SELECT message FROM message_events AS e WHERE event = 'attempt'
             AND seq = (SELECT max(seq) FROM message_events WHERE message = e.message)",
        )?;
        let open: Vec<i64> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        drop(statement);
        for message in &open {
            let detail = "the program ended after the text had begun to leave and before the server answered";
            append(&step, *message, Event::Uncertain, at, detail)?;
        }
        step.commit()?;
        Ok(open.len())
    }

    /// Everything that happened to a message, in order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn history(&self, message: i64) -> rusqlite::Result<Vec<Happened>> {
        let sql = "SELECT event, at, detail FROM message_events WHERE message = ?1 ORDER BY seq";
        let mut statement = self.archive.connection().prepare(sql)?;
        let rows = statement.query_map([message], |row| happened(row, 0))?;
        rows.collect()
    }

    /// Walks the chain of events; the first that does not fit its hash or its place, if any.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn verify_events(&self) -> rusqlite::Result<Option<i64>> {
        verify(self.archive.connection())
    }
}

/// As [`Outbox::verify_events`].
pub(in crate::deliver) fn verify(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT seq, message, event, at, detail, chain FROM message_events ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let (mut previous, mut place) = (FIRST.to_owned(), 0_i64);
    while let Some(row) = rows.next()? {
        place += 1;
        let (seq, message): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (event, at, detail): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let chain: String = row.get(5)?;
        if seq != place || link(&previous, message, &event, &at, &detail) != chain {
            return Ok(Some(seq));
        }
        previous = chain;
    }
    Ok(None)
}

/// Writers take their turn from the start of a transaction, so that none waits in its middle.
pub(super) const IMMEDIATE: rusqlite::TransactionBehavior = rusqlite::TransactionBehavior::Immediate;

/// Reads event, time and detail from three columns of a row.
pub(super) fn happened(row: &rusqlite::Row, first: usize) -> rusqlite::Result<Happened> {
    let event: String = row.get(first)?;
    let at: String = row.get(first + 1)?;
    Ok(Happened { event: Event::of(&event), at: time(&at), detail: row.get(first + 2)? })
}

/// A time as the outbox wrote it; what cannot be read is long ago.
pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}
