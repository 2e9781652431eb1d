//! The archive as a BagIt folder (RFC 8493), for whoever must keep or read it without this program: every record as a line
//! of JSON, every stored file, and a copy of the database that it can be restored from.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::objects::{self, Objects};
use super::{Archive, FILE, Failure, Result};

/// What a bag says of itself.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The day it is made, `2026-11-22`.
    pub date: &'a str,
    /// Tool and version.
    pub agent: &'a str,
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Records in all tables.
    pub records: usize,
    /// Stored files.
    pub objects: usize,
    /// Stored files that the archive holds and that are not what they were: they are not in the bag.
    pub damaged: Vec<String>,
}

/// A payload or tag file with its size and digest.
struct Written {
    path: String,
    bytes: u64,
    sha256: String,
}

impl Archive {
    /// Writes the bag; it is put in place whole.
    ///
    /// # Errors
    /// A folder that exists and is not empty; whatever the disk refuses.
    pub fn export(&self, to: &Path, about: &About) -> Result<Exported> {
        let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = |path: &Path| {
            let path = path.to_owned();
            move |error: io::Error| Failure::File(path, error)
        };
        if to.exists() && fs::read_dir(to).map_err(file(to))?.next().is_some() {
            return Err(Failure::File(to.to_owned(), io::Error::other("the folder is not empty")));
        }
        fs::create_dir_all(parent).map_err(file(parent))?;
        let aside = tempfile::Builder::new().prefix(".bag-").tempdir_in(parent).map_err(file(parent))?;
        let bag = Bag { root: aside.path().to_owned() };
        let exported = self.fill(&bag, about)?;
        let aside = aside.keep();
        set_readable(&aside).map_err(file(&aside))?;
        // An empty folder of that name gives way.
        fs::rename(&aside, to).inspect_err(|_| drop(fs::remove_dir_all(&aside))).map_err(file(to))?;
        Ok(exported)
    }

    fn fill(&self, bag: &Bag, about: &About) -> Result<Exported> {
        let mut payload = Vec::new();
        let mut exported = Exported { records: 0, objects: 0, damaged: Vec::new() };
        // The copy comes first and everything else is read from it, so that all of the bag is of one moment.
        let copy = bag.root.join("data").join(FILE);
        fs::create_dir_all(bag.root.join("data")).map_err(|e| Failure::File(copy.clone(), e))?;
        self.connection.pragma_update(None, "query_only", false)?;
        self.connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        payload.push(bag.measure(&format!("data/{FILE}"))?);
        let connection =
            rusqlite::Connection::open_with_flags(&copy, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut tables = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        let names = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
        for table in names {
            let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY 1"))?;
            let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
            let mut rows = statement.query([])?;
            let mut text = Vec::new();
            while let Some(row) = rows.next()? {
                let mut object = Map::new();
                for (index, column) in columns.iter().enumerate() {
                    object.insert(column.clone(), json(row.get_ref(index)?));
                }
                serde_json::to_writer(&mut text, &Value::Object(object))?;
                text.push(b'\n');
                exported.records += 1;
            }
            payload.push(bag.write(&format!("data/{table}.jsonl"), &text)?);
        }
        let store = Objects::of(&self.folder);
        let all = store.all().map_err(|e| Failure::File(self.folder.join(objects::FOLDER), e))?;
        for hash in all {
            match store.read(&hash) {
                Ok(bytes) => {
                    let path = format!("data/{}/{}/{}", objects::FOLDER, &hash[..2], &hash[2..]);
                    payload.push(bag.write(&path, &bytes)?);
                    exported.objects += 1;
                }
                Err(_) => exported.damaged.push(hash),
            }
        }
        let bytes: u64 = payload.iter().map(|written| written.bytes).sum();
        let info = format!(
            "Bag-Software-Agent: {}\nBagging-Date: {}\nExternal-Description: Archive of A/B experiment decisions: \
             recommendations, runs, decisions of people, stored files by blake3\nItog-Chain-Head: {}\nPayload-Oxum: {bytes}.{}\n",
            about.agent,
            about.date,
            self.head()?,
            payload.len()
        );
        let tags = [
            bag.write("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")?,
            bag.write("bag-info.txt", info.as_bytes())?,
            bag.write("manifest-sha256.txt", &manifest(&payload))?,
        ];
        bag.write("tagmanifest-sha256.txt", &manifest(&tags))?;
        Ok(exported)
    }
}

/// A bag that is being filled.
struct Bag {
    root: PathBuf,
}

impl Bag {
    fn write(&self, path: &str, bytes: &[u8]) -> Result<Written> {
        let target = self.root.join(path);
        let write = || -> io::Result<()> {
            if let Some(folder) = target.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = BufWriter::new(File::create(&target)?);
            file.write_all(bytes)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        };
        write().map_err(|error| Failure::File(target.clone(), error))?;
        let sha256 = hex(&Sha256::digest(bytes));
        Ok(Written { path: path.to_owned(), bytes: bytes.len() as u64, sha256 })
    }

    /// The digest of a file that stands in the bag already.
    fn measure(&self, path: &str) -> Result<Written> {
        let target = self.root.join(path);
        let read = || -> io::Result<(u64, String)> {
            let mut file = File::open(&target)?;
            let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 16], 0);
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    return Ok((bytes, hex(&hasher.finalize())));
                }
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        };
        let (bytes, sha256) = read().map_err(|error| Failure::File(target.clone(), error))?;
        Ok(Written { path: path.to_owned(), bytes, sha256 })
    }
}

fn manifest(written: &[Written]) -> Vec<u8> {
    let mut lines: Vec<String> = written.iter().map(|w| format!("{}  {}\n", w.sha256, w.path)).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat().into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(value: ValueRef) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        ValueRef::Blob(bytes) => hex(bytes).into(),
    }
}

#[cfg(unix)]
fn set_readable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_readable(_: &Path) -> io::Result<()> {
    Ok(())
}
