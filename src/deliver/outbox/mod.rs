//! The outbox: messages that wait in the archive, and what became of each.
//!
//! A message never changes once it is queued: its own headers stand in its row, the body that it shares with others by
//! the hash of its content. What happens to it is an [`Event`], appended and never changed. Rows and events are bound into
//! one chain each, as everything in the archive is.
//!
//! The identity of a message is fixed by what it tells and to whom ([`message_id`]), so that queueing a night twice queues it
//! once. An [`Event::Attempt`] is committed before the text leaves: a process that dies while the server may have taken it
//! leaves a message whose last event is an attempt, which [`Outbox::settle`] calls uncertain. Such a message is sent
//! again only on demand or by a stated policy.

mod events;
mod messages;
mod nights;
pub mod send;
pub mod smtp;
#[cfg(test)]
mod tests;

use std::path::Path;

use jiff::Timestamp;

use super::archive::Archive;
use super::archive::chain::Chained;

pub use events::{Event, Happened};
pub use messages::{Earlier, Message, Queued, Sum, whole};
/// What SQLite says.
pub use rusqlite::Error;

/// An open outbox.
#[derive(Debug)]
pub struct Outbox {
    archive: Archive,
}

/// Tables of the outbox, as a step of the archive's migrations.
pub(in crate::deliver) const TABLES: &str = "
    CREATE TABLE mail_bodies (blake3 TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE messages (
        seq INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, experiment TEXT NOT NULL,
        data_date TEXT NOT NULL, run_key TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
        subject TEXT NOT NULL, headers TEXT NOT NULL, body TEXT NOT NULL, news TEXT NOT NULL, decision TEXT NOT NULL,
        queued_at TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX messages_by_recipient ON messages (kind, experiment, recipient, data_date);
    CREATE TABLE message_events (
        seq INTEGER PRIMARY KEY, message INTEGER NOT NULL REFERENCES messages (seq), event TEXT NOT NULL,
        at TEXT NOT NULL, detail TEXT NOT NULL, chain TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE INDEX message_events_by_message ON message_events (message, seq);
    CREATE TABLE mail_nights (
        seq INTEGER PRIMARY KEY, data_date TEXT NOT NULL, event TEXT NOT NULL, at TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER messages_never_change BEFORE UPDATE ON messages
        BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;
    CREATE TRIGGER messages_never_go BEFORE DELETE ON messages
        BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;
    CREATE TRIGGER message_events_never_change BEFORE UPDATE ON message_events
        BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;
    CREATE TRIGGER message_events_never_go BEFORE DELETE ON message_events
        BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;
    CREATE TRIGGER mail_bodies_never_change BEFORE UPDATE ON mail_bodies
        BEGIN SELECT RAISE(ABORT, 'the outbox is append-only'); END;
";

/// The chain of messages, as `itog archive verify` walks it.
pub(in crate::deliver) const MESSAGES: Chained = Chained {
    name: "messages",
    genesis: "itog.messages.v1",
    columns: &[
        "message_id",
        "kind",
        "experiment",
        "data_date",
        "run_key",
        "sender",
        "recipient",
        "subject",
        "headers",
        "body",
        "news",
        "decision",
        "queued_at",
    ],
    sealed: false,
};

/// The chain of events, as `itog archive verify` walks it.
pub(in crate::deliver) const MESSAGE_EVENTS: Chained = Chained {
    name: "message_events",
    genesis: "itog.message-events.v1",
    columns: &["message", "event", "at", "detail"],
    sealed: false,
};

/// The identity of a message, without angle brackets: the same for the same content key and recipient, another one for
/// any other.
pub fn message_id(kind: &str, experiment: &str, run_key: &str, recipient: &str, domain: &str) -> String {
    let hash =
        super::archive::bound(&["itog.message.v1", kind, experiment, run_key, &recipient.to_lowercase()]);
    format!("{}@{domain}", &hash[..40])
}

impl Outbox {
    /// Opens the outbox of an output folder, making or migrating its archive as needed.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn open(out: &Path) -> super::archive::Result<Outbox> {
        Ok(Outbox { archive: Archive::open(out)? })
    }

    /// Bodies that nothing needs any more are let go: those of messages that all ended (sent, failed, cancelled) before `before`.
    /// Headers, hashes and events stay. Returns how many were.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn forget_bodies(&mut self, before: Timestamp) -> rusqlite::Result<usize> {
        self.archive.connection().execute(
            "DELETE FROM mail_bodies WHERE blake3 NOT IN (
                 SELECT m.body FROM messages AS m JOIN message_events AS e
                     ON e.seq = (SELECT max(seq) FROM message_events WHERE message = m.seq)
                 WHERE e.event NOT IN ('sent', 'failed', 'cancelled') OR e.at >= ?1)",
            [before.to_string()],
        )
    }
}
