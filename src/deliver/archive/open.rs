//! Opening the archive: for writing with every change flushed before it counts, or for reading alone.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::failure::Failure;
use super::schema::{MIGRATIONS, version};
use super::{Archive, FILE, Result};

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);

impl Archive {
    /// Opens the archive of an output folder for writing, making or migrating it as needed.
    ///
    /// Changes go through a write-ahead log that is flushed at each commit; on a network file system, where such a log cannot
    /// be shared, through a rollback journal.
    ///
    /// # Errors
    /// At once, before anything is made, when nothing can be written: another process holds the database, the folder or the
    /// file is read-only, the disk is full, the file is damaged or of a later version.
    pub fn open(out: &Path) -> Result<Archive> {
        let mut connection = Connection::open(out.join(FILE))?;
        connection.busy_timeout(PATIENCE)?;
        let mode = if is_remote(out) { "TRUNCATE" } else { "WAL" };
        // The mode that comes back is another one when another connection is open; every mode is safe with FULL.
        let _: String =
            connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cell_size_check", true)?;
        // Taken even when there is nothing to migrate: what cannot be written must be known before reports are made.
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = step.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > version() {
            return Err(Failure::Newer(found));
        }
        for (next, migration) in (1_i64..).zip(MIGRATIONS).filter(|(next, _)| *next > found) {
            step.execute_batch(migration)?;
            step.pragma_update(None, "user_version", next)?;
        }
        step.commit()?;
        Ok(Archive { connection, folder: out.to_owned() })
    }

    /// Opens the archive of an output folder for reading, in a folder that may be read-only, too. An archive of an earlier
    /// version is migrated first.
    ///
    /// # Errors
    /// As [`Archive::open`]; and the archive must exist.
    pub fn read(out: &Path) -> Result<Archive> {
        let path = out.join(FILE);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let mut archive = Archive { connection, folder: out.to_owned() };
        let found = match archive.version() {
            Err(failure) if cannot_write(&failure) => {
                // A log beside the database cannot be made here. Without one nobody writes, and the file is all there is.
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                    | OpenFlags::SQLITE_OPEN_URI
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                archive.connection = Connection::open_with_flags(immutable(&path), flags)?;
                archive.version()?
            }
            found => found?,
        };
        if found > version() {
            return Err(Failure::Newer(found));
        }
        if found < version() {
            drop(archive);
            archive = Archive::open(out)?;
        }
        archive.connection.pragma_update(None, "query_only", true)?;
        archive.connection.pragma_update(None, "cell_size_check", true)?;
        Ok(archive)
    }

    fn version(&self) -> Result<i64> {
        let version = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        // The schema is read, so that a log that cannot be opened shows now.
        let _: i64 = self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok(version)
    }
}

fn cannot_write(failure: &Failure) -> bool {
    let Failure::Database(rusqlite::Error::SqliteFailure(error, _)) = failure else { return false };
    matches!(error.code, ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
}

/// The URI of a database that nobody changes.
fn immutable(path: &Path) -> String {
    let mut uri = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}

/// File systems on which processes of several machines meet, by the magic number of `statfs` (linux/magic.h and the
/// sources of each): NFS, SMB, SMB2, CIFS, 9p, AFS, Coda, NCP, Ceph, Lustre, OCFS2, GFS2, GPFS, BeeGFS, VirtualBox, FUSE (which
/// may be any of them).
#[cfg(target_os = "linux")]
const REMOTE: &[u32] = &[
    0x6969,
    0x517B,
    0xFE53_4D42,
    0xFF53_4D42,
    0x0102_1997,
    0x5346_414F,
    0x7375_7245,
    0x564C,
    0x00C3_6400,
    0x0BD0_0BD0,
    0x7461_636F,
    0x0116_1970,
    0x4750_4653,
    0x1983_0326,
    0x786F_4256,
    0x6573_5546,
];

/// Whether a folder may be shared with other machines, where a write-ahead log does not hold.
#[cfg(target_os = "linux")]
fn is_remote(folder: &Path) -> bool {
    // The kind of the number differs between processors; its lower half is the magic number everywhere.
    #[allow(clippy::unnecessary_cast, reason = "the field is of another type on other processors")]
    let magic = |found: rustix::fs::StatFs| found.f_type as u64 as u32;
    rustix::fs::statfs(folder).is_ok_and(|found| REMOTE.contains(&magic(found)))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_flushed_before_they_count() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        let mode: String = archive.connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        let flushed: i64 = archive.connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), flushed), (if is_remote(folder.path()) { "truncate" } else { "wal" }, 2));
    }

    #[test]
    fn a_reader_cannot_write_and_needs_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Archive::read(folder.path()).is_err());
        drop(Archive::open(folder.path()).unwrap());
        let archive = Archive::read(folder.path()).unwrap();
        assert!(archive.connection.execute("INSERT INTO seals (heads, chain) VALUES ('', '')", []).is_err());
    }

    #[test]
    fn a_later_archive_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(folder.path()).unwrap();
        archive.connection.pragma_update(None, "user_version", version() + 1).unwrap();
        drop(archive);
        assert!(matches!(Archive::open(folder.path()), Err(Failure::Newer(_))));
        assert!(matches!(Archive::read(folder.path()), Err(Failure::Newer(_))));
    }

    #[test]
    fn what_is_no_database_is_told_from_what_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(FILE),
            "this is a text and not a database, long enough to be read".repeat(20),
        )
        .unwrap();
        let failure = Archive::open(folder.path()).unwrap_err();
        assert!(failure.is_corrupt() && !failure.is_locked(), "{failure}");
        assert_eq!(failure.diagnostic("archive::open", folder.path()).code, "archive::corrupt");
    }

    #[test]
    fn special_characters_of_a_path_are_no_part_of_the_uri() {
        assert_eq!(immutable(Path::new("/a b/ж?x#y")), "file:/a%20b/%D0%B6%3Fx%23y?immutable=1");
    }
}
