//! Rows that wait on disk until all rows of their units are there.
//!
//! The file has no name from the moment it is made (`O_TMPFILE`, or unlinked at once), so that nothing of it is left however this
//! process ends. It stands where `TMPDIR` says, else in `/var/tmp`, which survives without taking memory as a `/tmp` in
//! memory would. What fits into the buffers never touches the disk.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::hash::read_range;
use crate::diag::Diagnostic;

/// Bytes of all buffers together.
const BUFFERS: usize = 64 << 20;

/// Bytes in queues, each in the order in which they were added.
pub(crate) struct Scratch {
    folder: PathBuf,
    file: Option<File>,
    end: u64,
    queues: Vec<Queue>,
    /// A queue with so many bytes is written.
    at_once: usize,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    /// Offset and length of what was written.
    written: Vec<(u64, usize)>,
}

impl Scratch {
    /// So many empty queues.
    pub(crate) fn new(queues: usize) -> Scratch {
        Scratch::within(queues, folder(), BUFFERS)
    }

    /// Empty queues with buffers of so many bytes together and a file in that folder.
    pub(crate) fn within(queues: usize, folder: PathBuf, buffers: usize) -> Scratch {
        let at_once = (buffers / queues.max(1)).min(1 << 20);
        let queues = (0..queues).map(|_| Queue::default()).collect();
        Scratch { folder, file: None, end: 0, queues, at_once }
    }

    /// Adds bytes to the end of a queue.
    ///
    /// # Errors
    /// `data::scratch` where the file cannot be made, or the disk is full.
    pub(crate) fn add(&mut self, queue: usize, bytes: &[u8]) -> Result<(), Diagnostic> {
        let own = &mut self.queues[queue];
        own.waiting.extend_from_slice(bytes);
        if own.waiting.len() <= self.at_once {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(
                tempfile::tempfile_in(&self.folder)
                    .map_err(|error| failed(&self.folder, self.end, &error))?,
            ),
        };
        file.write_all_at(&own.waiting, self.end).map_err(|error| failed(&self.folder, self.end, &error))?;
        own.written.push((self.end, own.waiting.len()));
        self.end += own.waiting.len() as u64;
        own.waiting.clear();
        Ok(())
    }

    /// Forgets what some queues hold; the room that it took on disk is not used again.
    pub(crate) fn clear(&mut self, queues: std::ops::Range<usize>) {
        self.queues[queues].iter_mut().for_each(|queue| *queue = Queue::default());
    }

    /// Bytes on disk.
    pub(crate) fn written(&self) -> u64 {
        self.end
    }

    /// Everything that a queue holds.
    ///
    /// # Errors
    /// `data::scratch` where it cannot be read back.
    pub(crate) fn read(&self, queue: usize) -> Result<Vec<u8>, Diagnostic> {
        let own = &self.queues[queue];
        let length: usize = own.written.iter().map(|(_, length)| length).sum();
        let mut bytes = Vec::with_capacity(length + own.waiting.len());
        for (offset, length) in &own.written {
            let Some(file) = &self.file else { break };
            let part = read_range(file, *offset, *length)
                .and_then(|part| match part.len() == *length {
                    true => Ok(part),
                    false => Err(std::io::ErrorKind::UnexpectedEof.into()),
                })
                .map_err(|error| failed(&self.folder, self.end, &error))?;
            bytes.extend_from_slice(&part);
        }
        bytes.extend_from_slice(&own.waiting);
        Ok(bytes)
    }
}

/// Says before anything is written that there is no room for about so many bytes.
///
/// # Errors
/// `data::scratch`.
pub(crate) fn has_room(bytes: u64) -> Result<(), Diagnostic> {
    let folder = folder();
    // Where the system does not say, the first write that fails does.
    let Ok(system) = rustix::fs::statvfs(&folder) else { return Ok(()) };
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    if bytes <= BUFFERS as u64 || bytes <= free {
        return Ok(());
    }
    let message = format!(
        "rows of {} MB have to be put by for a while, but {} has room for {} MB only",
        bytes >> 20,
        folder.display(),
        free >> 20
    );
    Err(Diagnostic::error("data::scratch", message).hint(HINT))
}

const HINT: &str = "let TMPDIR name a folder on a disk with more room, or read all rows into memory with `streaming = \"never\"`";

fn failed(folder: &Path, written: u64, error: &std::io::Error) -> Diagnostic {
    let message = format!(
        "the temporary file in {} failed after {} MB: {error}; nothing of it is left",
        folder.display(),
        written >> 20
    );
    Diagnostic::error("data::scratch", message).hint(HINT)
}

/// Where temporary files of some size belong.
fn folder() -> PathBuf {
    let named = std::env::var_os("TMPDIR").filter(|name| !name.is_empty()).map(PathBuf::from);
    let lasting = || Some(PathBuf::from("/var/tmp")).filter(|folder| folder.is_dir());
    named.or_else(lasting).unwrap_or_else(std::env::temp_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_hold_what_was_added_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::within(3, folder.path().to_path_buf(), 30);
        let mut known = vec![Vec::new(); 3];
        for number in 0..50_u8 {
            let (queue, bytes) = (number as usize % 3, vec![number; number as usize % 7]);
            scratch.add(queue, &bytes).unwrap();
            known[queue].extend(bytes);
        }
        assert!(scratch.end > 0);
        for (queue, known) in known.iter().enumerate() {
            assert_eq!(scratch.read(queue).unwrap(), *known);
        }
        scratch.clear(1..2);
        assert_eq!((scratch.read(1).unwrap(), scratch.read(2).unwrap()), (Vec::new(), known[2].clone()));
        // Nothing can be seen of the file, so nothing is left of it.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let mut scratch = Scratch::within(1, PathBuf::from("/no/such/folder"), 4);
        let problem = scratch.add(0, &[0; 9]).unwrap_err();
        assert_eq!(problem.code, "data::scratch");
        assert!(problem.message.contains("/no/such/folder"), "{}", problem.message);
    }

    #[test]
    fn a_full_disk_is_told_before_the_work() {
        assert_eq!(has_room(u64::MAX).unwrap_err().code, "data::scratch");
        assert!(has_room(1).is_ok());
    }
}
