//! The folders of dates against their manifests: which files are not those that a run put there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::chain::Fault;
use super::{Archive, Run};

impl Fault {
    /// Whether it is of a file in the folder of a date, which is no part of the archive.
    pub fn is_of_folder(&self) -> bool {
        is_date(&self.place)
    }
}

fn is_date(name: &str) -> bool {
    name.parse::<jiff::civil::Date>().is_ok()
}

impl Archive {
    /// Compares the folders of dates with their manifests, and the manifests with the runs they name.
    pub(super) fn folders(&self, runs: &[Run]) -> std::io::Result<(usize, Vec<Fault>)> {
        let by_key: BTreeMap<&str, &Run> = runs.iter().map(|run| (run.run_key.as_str(), run)).collect();
        let mut faults = Vec::new();
        let mut dates: Vec<String> = fs::read_dir(&self.folder)?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| is_date(name))
            .collect();
        dates.sort();
        for date in &dates {
            let folder = self.folder.join(date);
            let manifest = fs::read(folder.join("manifest.json")).ok();
            let Some(manifest) = manifest.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
            else {
                faults.push(Fault::of(date, "manifest.json is missing or cannot be read"));
                continue;
            };
            let experiments = manifest["experiments"].as_array().map(Vec::as_slice).unwrap_or_default();
            let own = experiments.iter().flat_map(|e| e["outputs"].as_array()).flatten();
            let mut named = BTreeSet::from(["manifest.json".to_owned()]);
            for entry in own.chain(manifest["outputs"].as_array().into_iter().flatten()) {
                let (Some(path), Some(hash)) = (entry["path"].as_str(), entry["blake3"].as_str()) else {
                    continue;
                };
                faults.extend(file(&folder, date, path, hash));
                named.insert(path.to_owned());
            }
            let added = files(&folder)?.into_iter().filter(|path| !named.contains(path));
            faults.extend(added.map(|path| Fault::of(date, format!("{path} was added"))));
            for experiment in experiments {
                let Some(run) = experiment["run_key"].as_str().and_then(|key| by_key.get(key)) else {
                    continue;
                };
                for output in &run.outputs {
                    let listed = experiment["outputs"].as_array().into_iter().flatten();
                    let same =
                        listed.clone().any(|e| e["path"] == output.path && e["blake3"] == output.blake3);
                    if !same {
                        faults.push(Fault::of(
                            date,
                            format!("the manifest and run {} disagree about {}", run.seq, output.path),
                        ));
                    }
                }
            }
        }
        Ok((dates.len(), faults))
    }
}

/// Every file below a folder, by its path from there, in alphabetical order.
fn files(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let path = entry.path();
            let parts = path.strip_prefix(folder).unwrap_or(&path).iter();
            found.insert(parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"));
        }
    }
    Ok(found)
}

/// A file of a date folder against the hash its manifest gives it.
fn file(folder: &Path, date: &str, path: &str, hash: &str) -> Option<Fault> {
    let what = match fs::File::open(folder.join(path)) {
        Ok(mut file) => {
            let mut hasher = blake3::Hasher::new();
            match std::io::copy(&mut file, &mut hasher) {
                Ok(_) if hasher.finalize().to_hex().as_str() == hash => return None,
                _ => "was changed",
            }
        }
        Err(_) => "is missing",
    };
    Some(Fault::of(date, format!("{path} {what}")))
}
