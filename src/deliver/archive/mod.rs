//! The archive of decisions: append-only, each record bound to the one before it by its hash.
//!
//! One SQLite file in the output folder and, beside it, the [store](objects) of files by the hash of their content. What
//! each run advised, what it was made from, what each night saw and what people decided are [chained](chain) tables;
//! rows are never changed or deleted (triggers refuse it), and a change by other means is found by [`Archive::verify`].
//! Every change of the archive ends with a [seal](seals), whose chain a digest prints as the head of the archive.

pub mod bag;
pub mod chain;
mod decisions;
mod failure;
mod folders;
mod nights;
pub mod objects;
mod open;
mod recommendations;
mod record;
mod runs;
mod schema;
mod seals;
mod search;
mod verify;

#[cfg(test)]
mod damage;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use rusqlite::Connection;

pub(in crate::deliver) use chain::bound;
pub use decisions::{Decided, Decision, NewDecision, Refused};
pub use failure::{Failure, Result};
pub use nights::KeptNight;
pub use recommendations::{Entry, Recommendation};
pub use record::Record;
pub use runs::{Input, Output, PastRows, Run};
pub use search::{Found, Searched};
pub use verify::{Depth, Verified};

/// Name of the database in the output folder.
pub const FILE: &str = "archive.sqlite";

/// An open archive.
#[derive(Debug)]
pub struct Archive {
    connection: Connection,
    folder: PathBuf,
}

impl Archive {
    /// The connection, for what else the deliverers keep in this file.
    pub(in crate::deliver) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// As [`Archive::connection`], to begin transactions.
    pub(in crate::deliver) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
