//! One run at a time for an output folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::Path;

/// Held while a run writes; released by the operating system however the run ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another run holds it.
    Held,
    /// The lock file cannot be made or locked.
    Io(std::io::Error),
}

impl Lock {
    /// Takes the lock of an output folder, making the folder when it does not exist. Does not wait for another run.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it, [`LockError::Io`] when the file system refuses.
    pub fn take(out: &Path) -> Result<Lock, LockError> {
        Lock::take_as(out, ".lock")
    }

    /// Takes the lock of the outbox: one process sends at a time, while a run may write reports beside it.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn take_outbox(out: &Path) -> Result<Lock, LockError> {
        Lock::take_as(out, ".outbox.lock")
    }

    fn take_as(out: &Path, name: &str) -> Result<Lock, LockError> {
        std::fs::create_dir_all(out).map_err(LockError::Io)?;
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(false).write(true).open(out.join(name)).map_err(LockError::Io)?;
        // `itog status` looks at the lock for a moment; that is no reason to give up.
        let mut tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < 3 => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(LockError::Held),
                Err(TryLockError::Error(error)) => return Err(LockError::Io(error)),
            }
        }
        // The process id is for the operator who wonders which run holds the folder; nothing reads it back.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }

    /// The process that holds the lock of an output folder, as it wrote itself down; nothing when it is free.
    pub fn holder(out: &Path) -> Option<String> {
        let file = File::open(out.join(".lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let pid = std::fs::read_to_string(out.join(".lock")).unwrap_or_default();
                Some(pid.trim().to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_that_the_folder_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        assert!(matches!(Lock::take(folder.path()), Err(LockError::Held)));
        assert_eq!(Lock::holder(folder.path()), Some(std::process::id().to_string()));
        drop(first);
        assert_eq!(Lock::holder(folder.path()), None);
        assert!(Lock::take(folder.path()).is_ok());
    }
}
