//! Why the archive cannot do what it was asked for, and what an operator can do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::diag::{Diagnostic, Place};

/// What goes wrong with an archive.
#[derive(Debug)]
pub enum Failure {
    /// SQLite refuses.
    Database(rusqlite::Error),
    /// The archive is of a later version of the program; its version.
    Newer(i64),
    /// A file beside the database cannot be read or written.
    File(PathBuf, std::io::Error),
    /// A record holds what this program never writes.
    Content(String),
}

/// The outcome of asking an archive.
pub type Result<T> = std::result::Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Database(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Failure::Content(error.to_string())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Database(error) => write!(f, "{error}"),
            Failure::Newer(version) => {
                write!(f, "the archive is of version {version}, made by a later program")
            }
            Failure::File(path, error) => write!(f, "{}: {error}", path.display()),
            Failure::Content(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// What SQLite says went wrong, when it is SQLite.
    fn database_code(&self) -> Option<ErrorCode> {
        match self {
            Failure::Database(rusqlite::Error::SqliteFailure(error, _)) => Some(error.code),
            _ => None,
        }
    }

    /// Whether another process holds the database.
    pub fn is_locked(&self) -> bool {
        matches!(self.database_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }

    /// Whether the file is damaged or no database.
    pub fn is_corrupt(&self) -> bool {
        matches!(self.database_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            || matches!(self, Failure::Database(rusqlite::Error::SqliteFailure(_, Some(text))) if text.contains("malformed"))
    }

    /// The diagnostic: one of its own for what an operator can mend, else `code`, which says what was being done.
    pub fn diagnostic(&self, code: &'static str, out: &Path) -> Diagnostic {
        let file = out.join(super::FILE);
        let name = file.display();
        let problem = |code, message: String, hint: &str| Diagnostic::error(code, message).hint(hint);
        let told = match self {
            _ if self.is_locked() => problem(
                "archive::locked",
                format!("another program holds {name} and did not let go of it in time"),
                "end the program that has it open in a transaction (a backup, a database browser), and repeat",
            ),
            _ if self.is_corrupt() => problem(
                "archive::corrupt",
                format!("{name} is damaged or no database: {self}"),
                "keep the file aside, restore archive.sqlite and objects/ from the last backup, then run `itog archive verify`",
            ),
            Failure::Newer(_) => problem(
                "archive::newer",
                format!("{name}: {self}"),
                "use the version of itog that wrote it, or a later one",
            ),
            Failure::File(path, error) => match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    full(&path.display().to_string())
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    read_only(&path.display().to_string())
                }
                _ => Diagnostic::error(code, self.to_string()),
            },
            _ => match self.database_code() {
                Some(ErrorCode::DiskFull) => full(&name.to_string()),
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                    read_only(&name.to_string())
                }
                _ => Diagnostic::error(code, self.to_string()),
            },
        };
        told.at(Place::file(file))
    }
}

fn full(what: &str) -> Diagnostic {
    Diagnostic::error("archive::full", format!("there is no space left for {what}"))
        .hint("free some space and repeat: nothing was archived, and nothing that was there is lost")
}

fn read_only(what: &str) -> Diagnostic {
    Diagnostic::error("archive::read-only", format!("{what} cannot be written")).hint(
        "check the owner and the mode of the output folder, and whether its disk is mounted for writing",
    )
}
