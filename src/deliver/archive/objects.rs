//! The store of files by the hash of their content: `objects/ab/cdef…` in the output folder, where `abcdef…` is the blake3
//! of the file.
//!
//! What a run was made from and what it made stays here when the folder of its date is gone, equal files once. A file is put in
//! place whole and is read-only: a crash leaves a file or none. Nothing in here is ever pruned: archived runs name it.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Name of the folder in the output folder.
pub const FOLDER: &str = "objects";

/// Where files stand while they are written.
const ASIDE: &str = "tmp";

/// The store of an output folder.
#[derive(Debug)]
pub struct Objects {
    root: PathBuf,
    /// Folders that were written to and are not flushed yet.
    touched: Mutex<BTreeSet<PathBuf>>,
}

/// What becomes of a file that is to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is in the store.
    Yes,
    /// It is no longer the file that was hashed, and is not stored.
    Changed,
}

/// In which state a stored file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// As it was stored.
    Sound,
    /// Not there.
    Missing,
    /// Its content has another hash, or cannot be read.
    Changed,
}

impl Objects {
    /// The store of an output folder, to read from; it need not exist.
    pub fn of(out: &Path) -> Objects {
        Objects { root: out.join(FOLDER), touched: Mutex::default() }
    }

    /// The store of an output folder, to write to: only who holds the lock of the folder may, because what an earlier run
    /// left half-written is cleared away.
    pub fn begin(out: &Path) -> io::Result<Objects> {
        let objects = Objects::of(out);
        let aside = objects.root.join(ASIDE);
        if aside.exists() {
            fs::remove_dir_all(&aside)?;
        }
        fs::create_dir_all(&aside)?;
        Ok(objects)
    }

    /// Where the file with this hash stands; none for what is no hash.
    pub fn path(&self, hash: &str) -> Option<PathBuf> {
        let is_hash =
            hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_hash.then(|| self.root.join(&hash[..2]).join(&hash[2..]))
    }

    /// Stores bytes; returns their hash.
    pub fn keep_bytes(&self, bytes: &[u8]) -> io::Result<String> {
        let hash = blake3::hash(bytes).to_hex().to_string();
        let target = self.target(&hash)?;
        if !stands(&target, bytes.len() as u64) {
            let (aside, mut file) = self.aside(&hash)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            self.put(&aside, &target)?;
        }
        Ok(hash)
    }

    /// Stores a copy of a file that was hashed before.
    pub fn keep_copy(&self, path: &Path, hash: &str) -> io::Result<Kept> {
        let target = self.target(hash)?;
        if stands(&target, fs::metadata(path)?.len()) {
            return Ok(Kept::Yes);
        }
        let (aside, mut file) = self.aside(hash)?;
        let copied = copy_hashed(&mut File::open(path)?, &mut file)?;
        file.sync_all()?;
        if copied != hash {
            fs::remove_file(&aside)?;
            return Ok(Kept::Changed);
        }
        self.put(&aside, &target)?;
        Ok(Kept::Yes)
    }

    /// Stores a file of ours that is finished and flushed and will not change: by a hard link where the file system has them.
    pub fn keep_finished(&self, path: &Path, hash: &str) -> io::Result<Kept> {
        let target = self.target(hash)?;
        if stands(&target, fs::metadata(path)?.len()) {
            return Ok(Kept::Yes);
        }
        if !target.exists() && fs::hard_link(path, &target).is_ok() {
            set_read_only(&target)?;
            self.touch(&target);
            return Ok(Kept::Yes);
        }
        self.keep_copy(path, hash)
    }

    /// Flushes the folders that were written to; until then a power cut may take what was stored.
    pub fn flush(&self) -> io::Result<()> {
        let touched = self.touched.lock().map(|mut set| std::mem::take(&mut *set)).unwrap_or_default();
        for folder in touched {
            File::open(folder)?.sync_all()?;
        }
        if self.root.is_dir() { File::open(&self.root)?.sync_all() } else { Ok(()) }
    }

    /// Reads a stored file, checked against its hash.
    pub fn read(&self, hash: &str) -> io::Result<Vec<u8>> {
        let path = self.path(hash).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no hash"))?;
        let bytes = fs::read(&path)?;
        if blake3::hash(&bytes).to_hex().as_str() != hash {
            let message = format!("{} is not what was stored", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(bytes)
    }

    /// Whether a stored file is what it was, by reading it whole.
    pub fn state(&self, hash: &str) -> State {
        let Some(path) = self.path(hash) else { return State::Missing };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return State::Missing,
            Err(_) => return State::Changed,
        };
        match copy_hashed(&mut file, &mut io::sink()) {
            Ok(found) if found == hash => State::Sound,
            _ => State::Changed,
        }
    }

    /// The hashes of all stored files, in order.
    pub fn all(&self) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        if !self.root.is_dir() {
            return Ok(found);
        }
        for folder in fs::read_dir(&self.root)? {
            let folder = folder?;
            let Ok(first) = folder.file_name().into_string() else { continue };
            if first.len() != 2 || !folder.path().is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                found.extend(file?.file_name().into_string().ok().map(|rest| format!("{first}{rest}")));
            }
        }
        found.sort();
        Ok(found)
    }

    fn target(&self, hash: &str) -> io::Result<PathBuf> {
        let target = self.path(hash).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no hash"))?;
        if let Some(folder) = target.parent().filter(|folder| !folder.is_dir()) {
            fs::create_dir_all(folder)?;
        }
        Ok(target)
    }

    fn aside(&self, hash: &str) -> io::Result<(PathBuf, File)> {
        let folder = self.root.join(ASIDE);
        fs::create_dir_all(&folder)?;
        // Two experiments may store the same file at the same moment.
        for attempt in 0..u32::MAX {
            let path = folder.join(format!("{hash}.{attempt}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }

    fn put(&self, aside: &Path, target: &Path) -> io::Result<()> {
        set_read_only(aside)?;
        fs::rename(aside, target)?;
        self.touch(target);
        Ok(())
    }

    fn touch(&self, target: &Path) {
        if let (Some(folder), Ok(mut touched)) = (target.parent(), self.touched.lock()) {
            touched.insert(folder.to_owned());
        }
    }
}

/// Whether a file of this size stands there; one of another size was damaged and is stored again.
fn stands(target: &Path, bytes: u64) -> bool {
    fs::metadata(target).is_ok_and(|found| found.is_file() && found.len() == bytes)
}

fn set_read_only(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(path, permissions)
}

/// Copies and hashes in one pass.
fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_is_stored_once_and_comes_back() {
        let out = tempfile::tempdir().unwrap();
        let objects = Objects::begin(out.path()).unwrap();
        let hash = objects.keep_bytes(b"one").unwrap();
        let made = out.path().join("made");
        fs::write(&made, b"one").unwrap();
        assert_eq!(objects.keep_copy(&made, &hash).unwrap(), Kept::Yes);
        assert_eq!(objects.keep_finished(&made, &hash).unwrap(), Kept::Yes);
        objects.flush().unwrap();
        assert_eq!(objects.all().unwrap(), std::slice::from_ref(&hash));
        assert_eq!(
            (objects.read(&hash).unwrap().as_slice(), objects.state(&hash)),
            (&b"one"[..], State::Sound)
        );
        assert!(fs::metadata(objects.path(&hash).unwrap()).unwrap().permissions().readonly());
        assert_eq!(objects.state(&"0".repeat(64)), State::Missing);
        assert!(objects.path("../../etc/passwd").is_none());
    }

    #[test]
    fn a_file_that_changed_since_it_was_hashed_is_not_stored_under_its_old_hash() {
        let out = tempfile::tempdir().unwrap();
        let objects = Objects::begin(out.path()).unwrap();
        let data = out.path().join("data.csv");
        fs::write(&data, b"later").unwrap();
        let old = blake3::hash(b"early").to_hex().to_string();
        assert_eq!(objects.keep_copy(&data, &old).unwrap(), Kept::Changed);
        assert_eq!(objects.all().unwrap(), Vec::<String>::new());
        assert_eq!(fs::read_dir(out.path().join("objects/tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_seen_and_a_torn_one_is_stored_again() {
        let out = tempfile::tempdir().unwrap();
        let objects = Objects::begin(out.path()).unwrap();
        let hash = objects.keep_bytes(b"a finished report").unwrap();
        let path = objects.path(&hash).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, b"a finished_report").unwrap();
        assert_eq!(objects.state(&hash), State::Changed);
        assert!(objects.read(&hash).is_err());
        fs::write(&path, b"a fin").unwrap();
        objects.keep_bytes(b"a finished report").unwrap();
        assert_eq!(objects.state(&hash), State::Sound);
    }
}
