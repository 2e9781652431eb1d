//! Messages as they are queued and read again.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::super::archive::bound;
use super::Outbox;
use super::events::{self, Event, Happened, IMMEDIATE};

/// A message that is ready to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its identity, without angle brackets.
    pub message_id: String,
    /// `experiment`, `digest` or `operators`.
    pub kind: String,
    /// Experiment id; empty for a message about a whole night.
    pub experiment: String,
    /// Data date.
    pub data_date: String,
    /// What it was made from.
    pub run_key: String,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipient: exactly one.
    pub recipient: String,
    /// Subject in plain text, for lists.
    pub subject: String,
    /// Its own headers as they are sent, each line with CRLF, without Date and without those of the body.
    pub headers: String,
    /// MIME headers of the body, an empty line, and the body.
    pub body: Vec<u8>,
    /// Fingerprint of what it tells.
    pub news: String,
    /// Fingerprint of the actions it tells.
    pub decision: String,
}

/// A message of the outbox with its last event.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Queued {
    /// Number by which people name it.
    pub id: i64,
    /// Its identity, without angle brackets.
    pub message_id: String,
    /// `experiment`, `digest` or `operators`.
    pub kind: String,
    /// Experiment id; empty for a message about a whole night.
    pub experiment: String,
    /// Data date.
    pub data_date: String,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// Subject.
    pub subject: String,
    /// When it was queued.
    pub queued_at: Timestamp,
    /// When it was queued last: a person may have done it again.
    pub since: Timestamp,
    /// What happened last.
    pub last: Happened,
    /// How often it was tried in vain.
    pub tries: u32,
}

/// What a recipient was told before, and where a thread goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its identity.
    pub message_id: String,
    /// Data date.
    pub data_date: String,
    /// Fingerprint of what it told.
    pub news: String,
    /// Fingerprint of the actions it told.
    pub decision: String,
    /// Its last event.
    pub event: Event,
}

/// How many messages are in each state.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sum {
    /// Waiting for their first or next try.
    pub waiting: u64,
    /// Delivered.
    pub sent: u64,
    /// Refused for good.
    pub failed: u64,
    /// Unknown.
    pub uncertain: u64,
    /// Taken back.
    pub cancelled: u64,
}

/// Chain value before the first message.
const FIRST: &str = "itog.messages.v1";

/// The columns that the chain binds, in order.
const BOUND: &str = "message_id, kind, experiment, data_date, run_key, sender, recipient, subject, headers, body, news, \
                     decision, queued_at";

const QUEUED: &str =
    "SELECT m.seq, m.message_id, m.kind, m.experiment, m.data_date, m.sender, m.recipient, m.subject,
        m.queued_at, e.event, e.at, e.detail,
        (SELECT count(*) FROM message_events WHERE message = m.seq AND event = 'deferred'),
        (SELECT at FROM message_events WHERE message = m.seq AND event = 'queued' ORDER BY seq DESC LIMIT 1)
    FROM messages AS m JOIN message_events AS e
        ON e.seq = (SELECT max(seq) FROM message_events WHERE message = m.seq)";

impl Outbox {
    /// Queues messages in one transaction: all or none. Those that were queued before are passed over; older messages of the
    /// same kind, experiment, night and recipient that still wait or have failed are taken back, since what they tell has been
    /// computed again. Returns how many were new.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn queue(&mut self, messages: &[Message], at: Timestamp) -> rusqlite::Result<usize> {
        let step = self.archive.connection_mut().transaction_with_behavior(IMMEDIATE)?;
        let mut new = 0;
        for message in messages {
            let known: bool = step.query_row(
                "SELECT EXISTS (SELECT 1 FROM messages WHERE message_id = ?1)",
                [&message.message_id],
                |row| row.get(0),
            )?;
            if known {
                continue;
            }
            take_back_older(&step, message, at)?;
            insert(&step, message, at)?;
            new += 1;
        }
        step.commit()?;
        Ok(new)
    }

    /// The messages whose last event satisfies `wanted`, in the order in which they were queued.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn list(&self, wanted: impl Fn(Event) -> bool) -> rusqlite::Result<Vec<Queued>> {
        let mut statement = self.archive.connection().prepare(&format!("{QUEUED} ORDER BY m.seq"))?;
        let all: Vec<Queued> = statement.query_map([], queued)?.collect::<rusqlite::Result<_>>()?;
        Ok(all.into_iter().filter(|message| wanted(message.last.event)).collect())
    }

    /// A message by its number.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn get(&self, id: i64) -> rusqlite::Result<Option<Queued>> {
        let sql = format!("{QUEUED} WHERE m.seq = ?1");
        self.archive.connection().query_row(&sql, [id], queued).optional()
    }

    /// How many messages are in each state.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn sum(&self) -> rusqlite::Result<Sum> {
        let mut sum = Sum::default();
        let mut statement = self.archive.connection().prepare(
            "SELECT event, count(*) FROM message_events AS e
             WHERE seq = (SELECT max(seq) FROM message_events WHERE message = e.message) GROUP BY event",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        for row in rows {
            let (event, count) = row?;
            let slot = match Event::of(&event) {
                Event::Queued | Event::Deferred => &mut sum.waiting,
                Event::Sent => &mut sum.sent,
                Event::Failed => &mut sum.failed,
                Event::Attempt | Event::Uncertain => &mut sum.uncertain,
                Event::Cancelled => &mut sum.cancelled,
            };
            *slot += count.unsigned_abs();
        }
        Ok(sum)
    }

    /// The newest message of a kind about an experiment to a recipient that was not taken back.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn earlier(
        &self,
        kind: &str,
        experiment: &str,
        recipient: &str,
    ) -> rusqlite::Result<Option<Earlier>> {
        self.archive
            .connection()
            .query_row(
                "SELECT m.message_id, m.data_date, m.news, m.decision, e.event
                 FROM messages AS m JOIN message_events AS e
                     ON e.seq = (SELECT max(seq) FROM message_events WHERE message = m.seq)
                 WHERE m.kind = ?1 AND m.experiment = ?2 AND m.recipient = ?3 AND e.event <> 'cancelled'
                 ORDER BY m.data_date DESC, m.seq DESC LIMIT 1",
                [kind, experiment, recipient],
                |row| {
                    Ok(Earlier {
                        message_id: row.get(0)?,
                        data_date: row.get(1)?,
                        news: row.get(2)?,
                        decision: row.get(3)?,
                        event: Event::of(&row.get::<_, String>(4)?),
                    })
                },
            )
            .optional()
    }

    /// Whether a message of this identity was queued.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn knows(&self, message_id: &str) -> rusqlite::Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM messages WHERE message_id = ?1)";
        self.archive.connection().query_row(sql, [message_id], |row| row.get(0))
    }

    /// The whole message as it is sent: its headers with Date, and its body. None when the body was let go or does not fit
    /// its hash.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn text(&self, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
        let found = self
            .archive
            .connection()
            .query_row(
                "SELECT m.headers, m.queued_at, m.body, b.bytes FROM messages AS m JOIN mail_bodies AS b ON b.blake3 = m.body
                 WHERE m.seq = ?1",
                [id],
                |row| {
                    let (headers, at): (String, String) = (row.get(0)?, row.get(1)?);
                    let (hash, body): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
                    Ok((headers, at, hash, body))
                },
            )
            .optional()?;
        Ok(found.and_then(|(headers, at, hash, body)| {
            let is_whole = blake3::hash(&body).to_hex().as_str() == hash;
            is_whole.then(|| whole(&headers, events::time(&at), &body))
        }))
    }

    /// Walks the chain of messages and compares every body that is still there with its hash; the first that does not fit,
    /// if any.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn verify_messages(&self) -> rusqlite::Result<Option<i64>> {
        verify(self.archive.connection())
    }
}

/// Headers with the date at their head, and the body.
pub fn whole(headers: &str, at: Timestamp, body: &[u8]) -> Vec<u8> {
    let date = at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let mut text = format!("Date: {date}\r\n{headers}").into_bytes();
    text.extend_from_slice(body);
    text
}

/// As [`Outbox::verify_messages`].
pub(in crate::deliver) fn verify(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let sql = format!("SELECT seq, chain, {BOUND} FROM messages ORDER BY seq");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    let (mut previous, mut place) = (FIRST.to_owned(), 0_i64);
    while let Some(row) = rows.next()? {
        place += 1;
        let (seq, chain): (i64, String) = (row.get(0)?, row.get(1)?);
        let columns: Vec<String> = (2..15).map(|i| row.get(i)).collect::<rusqlite::Result<_>>()?;
        let parts: Vec<&str> =
            std::iter::once(previous.as_str()).chain(columns.iter().map(String::as_str)).collect();
        if seq != place || bound(&parts) != chain {
            return Ok(Some(seq));
        }
        previous = chain;
    }
    let mut bodies = connection.prepare(
        "SELECT b.blake3, b.bytes, (SELECT min(seq) FROM messages WHERE body = b.blake3) FROM mail_bodies AS b",
    )?;
    let mut rows = bodies.query([])?;
    while let Some(row) = rows.next()? {
        let (hash, bytes): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if blake3::hash(&bytes).to_hex().as_str() != hash {
            return Ok(Some(row.get::<_, Option<i64>>(2)?.unwrap_or(0)));
        }
    }
    Ok(None)
}

fn take_back_older(step: &Transaction, message: &Message, at: Timestamp) -> rusqlite::Result<()> {
    let mut statement = step.prepare(
        "SELECT m.seq FROM messages AS m JOIN message_events AS e
             ON e.seq = (SELECT max(seq) FROM message_events WHERE message = m.seq)
         WHERE m.kind = ?1 AND m.experiment = ?2 AND m.recipient = ?3 AND m.data_date = ?4
             AND e.event IN ('queued', 'deferred', 'failed')",
    )?;
    let key = [&message.kind, &message.experiment, &message.recipient, &message.data_date];
    let older: Vec<i64> = statement.query_map(key, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for seq in older {
        events::append(step, seq, Event::Cancelled, at, "the night was computed again before this was sent")?;
    }
    Ok(())
}

fn insert(step: &Transaction, message: &Message, at: Timestamp) -> rusqlite::Result<()> {
    let hash = blake3::hash(&message.body).to_hex().to_string();
    step.execute(
        "INSERT OR IGNORE INTO mail_bodies (blake3, bytes) VALUES (?1, ?2)",
        params![hash, message.body],
    )?;
    let last = "SELECT chain FROM messages ORDER BY seq DESC LIMIT 1";
    let previous: Option<String> = step.query_row(last, [], |row| row.get(0)).optional()?;
    let time = at.to_string();
    let columns: [&str; 13] = [
        &message.message_id,
        &message.kind,
        &message.experiment,
        &message.data_date,
        &message.run_key,
        &message.sender,
        &message.recipient,
        &message.subject,
        &message.headers,
        &hash,
        &message.news,
        &message.decision,
        &time,
    ];
    let parts: Vec<&str> = std::iter::once(previous.as_deref().unwrap_or(FIRST)).chain(columns).collect();
    let chain = bound(&parts);
    let sql = format!(
        "INSERT INTO messages ({BOUND}, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    step.execute(&sql, rusqlite::params_from_iter(columns.iter().copied().chain([chain.as_str()])))?;
    events::append(step, step.last_insert_rowid(), Event::Queued, at, "")
}

fn queued(row: &Row) -> rusqlite::Result<Queued> {
    let (at, since): (String, String) = (row.get(8)?, row.get(13)?);
    Ok(Queued {
        id: row.get(0)?,
        message_id: row.get(1)?,
        kind: row.get(2)?,
        experiment: row.get(3)?,
        data_date: row.get(4)?,
        sender: row.get(5)?,
        recipient: row.get(6)?,
        subject: row.get(7)?,
        queued_at: events::time(&at),
        since: events::time(&since),
        last: events::happened(row, 9)?,
        tries: row.get(12)?,
    })
}
