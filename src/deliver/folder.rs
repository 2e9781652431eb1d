//! The folder of a data date: written aside, flushed, then put in place in one step.
//!
//! A reader sees the folder of the last complete run or the folder of this one, never a mixture. A run works in a hidden
//! folder beside the target, `.DATE-xxxxxx`, which holds
//!
//! - `work/ID`: an experiment that is being written; private to it until all its files are there;
//! - `night/`: what the folder of the date will be; an experiment enters it whole, by one rename;
//! - `done/ID.json`: a record of each experiment that has entered, written last.
//!
//! At the end `night` and the folder of the date are exchanged by one rename. A run that is killed leaves its hidden folder
//! behind; the next one, which holds the lock, takes from it what is complete when it is asked to resume, and removes it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{Entry, Manifest};
use crate::artifact::Artifact;

/// A folder being written.
#[derive(Debug)]
pub struct Staging {
    folder: tempfile::TempDir,
    target: PathBuf,
}

impl Staging {
    /// Begins the folder `out/date`.
    pub fn begin(out: &Path, date: &str) -> io::Result<Staging> {
        fs::create_dir_all(out)?;
        let folder = tempfile::Builder::new().prefix(&format!(".{date}-")).tempdir_in(out)?;
        for inner in ["work", "night", "done"] {
            fs::create_dir(folder.path().join(inner))?;
        }
        set_readable(&folder.path().join("night"))?;
        Ok(Staging { folder, target: out.join(date) })
    }

    /// Where this run works: the first argument of [`enter`] and [`record`].
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    fn night(&self) -> PathBuf {
        self.folder.path().join("night")
    }

    /// Keeps what an earlier run of the same date made for an experiment that this run does not touch.
    pub fn keep(&self, experiment: &str) -> io::Result<()> {
        copy_folder(&self.target.join(experiment), &self.night().join(experiment))
    }

    /// Experiments that the present folder of this date holds, in alphabetical order.
    pub fn present(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.target) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|e| e.path().join("results.json").is_file())
            .filter_map(|e| e.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// The manifest of the present folder of this date, when there is one.
    pub fn manifest(&self) -> Option<Manifest> {
        Manifest::read(&self.target)
    }

    /// Reads a file of the present folder of this date.
    pub fn read_present(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.target.join(name))
    }

    /// Where a staged file stands until the folder is put in place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.night().join(name)
    }

    /// The files of an experiment in the present folder of this date, by hash, in alphabetical order.
    pub fn present_entries(&self, experiment: &str) -> io::Result<Vec<Entry>> {
        entries(&self.target, experiment)
    }

    /// The files staged for an experiment, by hash, in alphabetical order.
    pub fn entries(&self, experiment: &str) -> io::Result<Vec<Entry>> {
        entries(&self.night(), experiment)
    }

    /// Takes an experiment that a killed run had completed: its record says that these files are all of it.
    ///
    /// Returns whether every file is there with its bytes; what is torn is left where it is.
    pub fn salvage(&self, abandoned: &Path, experiment: &str, expected: &[Entry]) -> io::Result<bool> {
        let theirs = abandoned.join("night");
        let mut expected = expected.to_vec();
        expected.sort();
        if entries(&theirs, experiment).ok().as_ref() != Some(&expected) {
            return Ok(false);
        }
        fs::rename(theirs.join(experiment), self.night().join(experiment))?;
        Ok(true)
    }

    /// Writes one artifact that belongs to no single experiment.
    pub fn write(&self, artifact: &Artifact) -> io::Result<()> {
        put(&self.night(), artifact)
    }

    /// Brings to the disk what is staged so far; the archive must name nothing that a power cut could still take.
    pub fn flush(&self) -> io::Result<()> {
        flush(&self.night())
    }

    /// Flushes the folder, puts it in place and points `latest` at the newest date.
    pub fn commit(self) -> io::Result<()> {
        let night = self.night();
        flush(&night)?;
        let out = self.target.parent().unwrap_or(Path::new(".")).to_owned();
        if self.target.exists() {
            exchange(&night, &self.target)?;
        } else {
            fs::rename(&night, &self.target)?;
        }
        sync_folder(&out)?;
        point_latest(&out)?;
        // What was there before now stands in the hidden folder and goes with it.
        self.folder.close()
    }

    /// Leaves the hidden folder to the next run, as if this one had been killed.
    pub fn abandon(self) {
        let _ = self.folder.keep();
    }
}

/// Writes all files of an experiment, named relative to the folder of the date, and lets it enter the night whole.
///
/// Nothing is flushed here: what a power failure tears is found by its hash ([`Staging::salvage`]), and the night as a whole
/// is flushed before it is put in place.
pub fn enter(root: &Path, experiment: &str, artifacts: &[Artifact]) -> io::Result<Vec<Entry>> {
    let work = root.join("work");
    let own = work.join(experiment);
    if own.exists() {
        fs::remove_dir_all(&own)?;
    }
    for artifact in artifacts {
        put(&work, artifact)?;
    }
    fs::rename(&own, root.join("night").join(experiment))?;
    let mut files: Vec<Entry> = artifacts.iter().map(|a| Entry::of(a.name.clone(), &a.bytes)).collect();
    files.sort();
    Ok(files)
}

/// Removes what an experiment that ended early has written.
pub fn withdraw(root: &Path, experiment: &str) {
    for inner in ["work", "night"] {
        let _ = fs::remove_dir_all(root.join(inner).join(experiment));
    }
}

/// Records that an experiment has entered the night; the last step of its way.
pub fn record(root: &Path, experiment: &str, content: &[u8]) -> io::Result<()> {
    let (aside, record) =
        (record_path(root, experiment).with_extension("new"), record_path(root, experiment));
    fs::write(&aside, content)?;
    fs::rename(aside, record)
}

/// The record of an experiment that a run completed, when there is one.
pub fn recorded(root: &Path, experiment: &str) -> Option<Vec<u8>> {
    fs::read(record_path(root, experiment)).ok()
}

fn record_path(root: &Path, experiment: &str) -> PathBuf {
    root.join("done").join(format!("{experiment}.json"))
}

/// Hidden folders that killed runs left in an output folder, with their data dates; only the holder of the lock may touch
/// them.
pub fn abandoned(out: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(out) else { return Vec::new() };
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let date = name.strip_prefix('.')?.get(..10)?.to_owned();
            let rest = name.get(11..)?;
            let ours = date.parse::<jiff::civil::Date>().is_ok() && rest.starts_with('-') && rest.len() > 1;
            ours.then(|| (date, entry.path()))
        })
        .collect();
    found.sort();
    found
}

/// Removes what killed runs left. A worker of a run that was killed this moment may still be writing its last file, so a
/// folder that fills again is tried again.
pub fn sweep(out: &Path, folders: &[(String, PathBuf)]) -> io::Result<()> {
    for (date, folder) in folders {
        let (previous, target) = (folder.join("previous"), out.join(date));
        if previous.is_dir() && !target.exists() {
            fs::rename(previous, target)?;
        }
        let mut tries = 0;
        while let Err(error) = fs::remove_dir_all(folder) {
            tries += 1;
            match error.kind() {
                io::ErrorKind::NotFound => break,
                io::ErrorKind::DirectoryNotEmpty if tries < 20 => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                _ => return Err(error),
            }
        }
    }
    Ok(())
}

/// Writes one artifact below a folder, folders of its name included.
fn put(folder: &Path, artifact: &Artifact) -> io::Result<()> {
    let path = folder.join(&artifact.name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, &artifact.bytes)
}

/// The files of an experiment below a folder, by hash, in alphabetical order.
fn entries(root: &Path, experiment: &str) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut folders = vec![root.join(experiment)];
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder)? {
            let path = item?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = relative.iter().map(|p| p.to_string_lossy()).collect();
            entries.push(Entry { path: parts.join("/"), ..Entry::of_file(&path)? });
        }
    }
    entries.sort();
    Ok(entries)
}

/// Temporary folders are private; a finished report is for everyone the file mode of the output folder admits.
#[cfg(unix)]
fn set_readable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_readable(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Exchanges two folders in one step where the system can, else in two.
fn exchange(staged: &Path, target: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, staged, CWD, target, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    // A run that is killed between the two leaves the old night in its hidden folder, where `sweep` finds it.
    let aside = staged.with_file_name("previous");
    fs::rename(target, &aside)?;
    fs::rename(staged, target)
}

/// Points `latest` at the newest date folder, replacing the link in one step.
fn point_latest(out: &Path) -> io::Result<()> {
    let newest = fs::read_dir(out)?
        .filter_map(Result::ok)
        .filter(|e| e.path().is_dir())
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|name| name.parse::<jiff::civil::Date>().is_ok())
        .max();
    let Some(newest) = newest else { return Ok(()) };
    #[cfg(unix)]
    {
        let fresh = out.join(".latest");
        if fresh.symlink_metadata().is_ok() {
            fs::remove_file(&fresh)?;
        }
        std::os::unix::fs::symlink(&newest, &fresh)?;
        fs::rename(&fresh, out.join("latest"))
    }
    #[cfg(not(unix))]
    fs::write(out.join("latest.txt"), newest)
}

/// Brings everything below a folder to the disk: in one call for its whole file system where there is one, which for the
/// thousands of small files of a night is many times faster than a call for each.
fn flush(folder: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        match rustix::fs::syncfs(File::open(folder)?) {
            Ok(()) => return Ok(()),
            Err(Errno::NOSYS | Errno::PERM | Errno::ACCESS) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    flush_each(folder)
}

fn flush_each(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => flush_each(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Copies a folder; hard links where the file system allows, because finished files never change.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &copy)?;
        } else if fs::hard_link(&source, &copy).is_err() {
            fs::copy(&source, &copy)?;
        }
    }
    Ok(())
}

/// What a file system can do, found out by doing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Two folders can change places in one step.
    pub exchange: bool,
}

/// Does in a hidden folder what a run does: writes, flushes, links, renames, exchanges.
///
/// # Errors
/// The first of it that the file system refuses.
pub fn probe(folder: &Path) -> io::Result<Probe> {
    let place = tempfile::Builder::new().prefix(".itog-probe-").tempdir_in(folder)?;
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    fs::create_dir(&one)?;
    fs::create_dir(&two)?;
    fs::write(one.join("file"), [0; 4096])?;
    flush(&one)?;
    fs::hard_link(one.join("file"), two.join("file"))?;
    exchange(&one, &two)?;
    let exchange = one.is_dir() && two.is_dir();
    place.close()?;
    Ok(Probe { exchange })
}

/// Bytes that are free for this user on the file system of a folder.
///
/// # Errors
/// What the system refuses, and systems that do not tell.
pub fn free(folder: &Path) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(out: &Path, date: &str, name: &str, text: &str) {
        let staging = Staging::begin(out, date).unwrap();
        staging.write(&Artifact::new(name, "text/plain", text)).unwrap();
        staging.commit().unwrap();
    }

    #[test]
    fn a_second_run_replaces_the_folder_whole_and_leaves_nothing_behind() {
        let out = tempfile::tempdir().unwrap();
        stage(out.path(), "2026-01-02", "a/old.txt", "old");
        stage(out.path(), "2026-01-02", "a/new.txt", "new");
        assert!(!out.path().join("2026-01-02/a/old.txt").exists());
        assert_eq!(fs::read_to_string(out.path().join("latest/a/new.txt")).unwrap(), "new");
        let left: Vec<_> = fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "only the date and the link remain: {left:?}");
    }

    #[test]
    fn latest_names_the_newest_date_even_after_an_older_one_is_made_again() {
        let out = tempfile::tempdir().unwrap();
        stage(out.path(), "2026-01-03", "x.txt", "3");
        stage(out.path(), "2026-01-02", "x.txt", "2");
        assert_eq!(fs::read_to_string(out.path().join("latest/x.txt")).unwrap(), "3");
    }

    #[test]
    fn what_a_killed_run_completed_is_taken_and_the_rest_is_swept() {
        let out = tempfile::tempdir().unwrap();
        let killed = Staging::begin(out.path(), "2026-01-02").unwrap();
        let artifact = |name: &str| Artifact::new(name, "text/plain", "whole");
        let mut files = Vec::new();
        for id in ["a", "b"] {
            files.push(enter(killed.root(), id, &[artifact(&format!("{id}/x.txt"))]).unwrap());
        }
        put(&killed.root().join("work"), &artifact("c/half.txt")).unwrap();
        fs::write(killed.root().join("night/b/x.txt"), "torn").unwrap();
        killed.abandon();

        let left = abandoned(out.path());
        assert_eq!(left.len(), 1);
        let staging = Staging::begin(out.path(), "2026-01-02").unwrap();
        assert!(staging.salvage(&left[0].1, "a", &files[0]).unwrap());
        assert!(
            !staging.salvage(&left[0].1, "b", &files[1]).unwrap(),
            "its bytes are others than its record says"
        );
        sweep(out.path(), &left).unwrap();
        staging.commit().unwrap();
        assert_eq!(fs::read_to_string(out.path().join("2026-01-02/a/x.txt")).unwrap(), "whole");
        let mut names: Vec<_> = fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["2026-01-02", "latest"]);
    }

    #[test]
    fn a_night_that_stood_aside_when_a_run_was_killed_comes_back() {
        let out = tempfile::tempdir().unwrap();
        let killed = Staging::begin(out.path(), "2026-01-02").unwrap();
        fs::create_dir(killed.root().join("previous")).unwrap();
        fs::write(killed.root().join("previous/x.txt"), "made before").unwrap();
        killed.abandon();
        sweep(out.path(), &abandoned(out.path())).unwrap();
        assert_eq!(fs::read_to_string(out.path().join("2026-01-02/x.txt")).unwrap(), "made before");
    }

    #[test]
    fn only_folders_of_runs_are_swept() {
        let out = tempfile::tempdir().unwrap();
        for name in [".git", ".2026-01-02", ".2026-13-40-abc", "2026-01-02", "notes"] {
            fs::create_dir(out.path().join(name)).unwrap();
        }
        assert_eq!(abandoned(out.path()), Vec::new());
    }

    #[test]
    fn an_abandoned_run_leaves_what_was_there() {
        let out = tempfile::tempdir().unwrap();
        stage(out.path(), "2026-01-02", "x.txt", "whole");
        let staging = Staging::begin(out.path(), "2026-01-02").unwrap();
        staging.write(&Artifact::new("x.txt", "text/plain", "half")).unwrap();
        drop(staging);
        assert_eq!(fs::read_to_string(out.path().join("2026-01-02/x.txt")).unwrap(), "whole");
    }
}
