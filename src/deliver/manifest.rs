//! `manifest.json`: what went in and what came out, by hash.

use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;

/// A file by name, size and hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Path, `/`-separated; outputs relative to the date folder, inputs as the config names them.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// blake3, hexadecimal.
    pub blake3: String,
}

impl Entry {
    /// The entry of some bytes.
    pub fn of(path: impl Into<String>, bytes: &[u8]) -> Self {
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        Entry { path: path.into(), bytes: bytes.len() as u64, blake3 }
    }

    /// The entry of a file under the name it was given.
    pub fn of_file(path: &Path) -> std::io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let bytes = std::io::copy(&mut File::open(path)?, &mut hasher)?;
        Ok(Entry { path: path.display().to_string(), bytes, blake3: hasher.finalize().to_hex().to_string() })
    }
}

/// What one experiment was made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExperimentEntry {
    /// Experiment id.
    pub id: String,
    /// Hash over (experiment, data date, config, inputs, version): equal keys mean equal reports.
    pub run_key: String,
    /// Config first, then data files.
    pub inputs: Vec<Entry>,
    /// Files of the report.
    pub outputs: Vec<Entry>,
}

/// An experiment that has no report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Experiment id, or the name of the config where it cannot be told.
    pub id: String,
    /// Config file.
    pub config: String,
    /// What the digest calls it.
    pub title: String,
    /// Code of the first error.
    pub code: String,
}

/// The manifest of a date folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// `itog.manifest.v1`.
    pub schema: String,
    /// Tool and version.
    pub tool: String,
    /// Data date.
    pub data_date: String,
    /// Hash over the run keys of all experiments.
    pub run_key: String,
    /// Only some experiments were asked for when the night was made, and nobody has looked at the others yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Experiments in the order of the digest.
    pub experiments: Vec<ExperimentEntry>,
    /// Experiments without a report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Files of the date folder that belong to no single experiment.
    pub outputs: Vec<Entry>,
}

/// The run key of one experiment.
pub fn run_key(id: &str, date: &str, inputs: &[Entry], tool: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [id, date, tool] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    for input in inputs {
        hasher.update(input.blake3.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

impl Manifest {
    /// The manifest of these experiments and common files.
    pub fn new(tool: &str, date: &str, experiments: Vec<ExperimentEntry>, common: &[Artifact]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for experiment in &experiments {
            hasher.update(experiment.run_key.as_bytes());
        }
        Manifest {
            schema: "itog.manifest.v1".to_owned(),
            tool: tool.to_owned(),
            data_date: date.to_owned(),
            run_key: hasher.finalize().to_hex().to_string(),
            partial: false,
            experiments,
            failures: Vec::new(),
            outputs: common.iter().map(|a| Entry::of(a.name.clone(), &a.bytes)).collect(),
        }
    }

    /// The manifest of one experiment that its PDF carries: the same form as the folder's, with one experiment. Of the
    /// outputs it names those `made` before the PDF; a file cannot hold its own hash, and no two files each other's, so
    /// those of the PDF and of the page stand in the manifest of the folder only.
    pub fn carried(
        tool: &str,
        date: &str,
        (id, run_key): (&str, &str),
        inputs: &[Entry],
        made: &[Artifact],
    ) -> Result<Vec<u8>, serde_json::Error> {
        let entry = ExperimentEntry {
            id: id.to_owned(),
            run_key: run_key.to_owned(),
            inputs: inputs.to_vec(),
            outputs: made.iter().map(|a| Entry::of(a.name.clone(), &a.bytes)).collect(),
        };
        Ok(Manifest::new(tool, date, vec![entry], &[]).artifact()?.bytes)
    }

    /// The manifest of a finished folder; none where there is no folder, and where its manifest cannot be read.
    pub fn read(folder: &Path) -> Option<Manifest> {
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).ok()?).ok()
    }

    /// The file itself.
    pub fn artifact(&self) -> Result<Artifact, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(Artifact::new("manifest.json", "application/json", bytes))
    }
}
