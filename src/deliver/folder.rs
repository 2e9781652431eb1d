//! The folder of a data date: written aside, flushed, then put in place in one step.
//!
//! A reader sees the folder of the last complete run or the folder of this one, never a mixture: everything is staged
//! beside it under a hidden name and exchanged with it by one rename.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::manifest::Entry;
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
        Ok(Staging { folder, target: out.join(date) })
    }

    /// Keeps what an earlier run of the same date made for an experiment that this run does not touch.
    pub fn keep(&self, experiment: &str) -> io::Result<()> {
        copy_folder(&self.target.join(experiment), &self.folder.path().join(experiment))
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

    /// Reads a file of the present folder of this date.
    pub fn read_present(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.target.join(name))
    }

    /// The files staged for an experiment, by hash, in alphabetical order.
    pub fn entries(&self, experiment: &str) -> io::Result<Vec<Entry>> {
        let root = self.folder.path();
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

    /// Where a staged file stands until the folder is put in place.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes one artifact, folders of its name included, and flushes it.
    pub fn write(&self, artifact: &Artifact) -> io::Result<()> {
        let path = self.folder.path().join(&artifact.name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = File::create(&path)?;
        file.write_all(&artifact.bytes)?;
        file.sync_all()
    }

    /// Puts the folder in place and points `latest` at the newest date.
    pub fn commit(self) -> io::Result<()> {
        sync_folder(self.folder.path())?;
        set_readable(self.folder.path())?;
        let out = self.target.parent().unwrap_or(Path::new(".")).to_owned();
        if self.target.exists() {
            exchange(self.folder.path(), &self.target)?;
            // What was there before now has the hidden name and goes with it.
            self.folder.close()?;
        } else {
            let staged = self.folder.keep();
            fs::rename(staged, &self.target)?;
        }
        sync_folder(&out)?;
        point_latest(&out)
    }
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
    let aside = target.with_extension("previous");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::rename(target, &aside)?;
    fs::rename(staged, target)?;
    fs::rename(&aside, staged)
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
    fn an_abandoned_run_leaves_what_was_there() {
        let out = tempfile::tempdir().unwrap();
        stage(out.path(), "2026-01-02", "x.txt", "whole");
        let staging = Staging::begin(out.path(), "2026-01-02").unwrap();
        staging.write(&Artifact::new("x.txt", "text/plain", "half")).unwrap();
        drop(staging);
        assert_eq!(fs::read_to_string(out.path().join("2026-01-02/x.txt")).unwrap(), "whole");
    }
}
