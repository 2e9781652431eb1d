//! What the folder of a date says, for its mail.

#![allow(clippy::disallowed_methods, reason = "the finished folder of a date is read here")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::Value;

use crate::diag::{Diagnostic, Place};
use crate::report::digest::Entry;
use crate::report::document::Tone;
use crate::report::mail::{Told, Trouble};

/// A night whose reports are in place.
#[derive(Clone, Debug)]
pub struct Night {
    /// Data date.
    pub date: Date,
    /// Its folder.
    pub folder: PathBuf,
    /// Every experiment, also those without a report.
    pub reports: Vec<Report>,
    /// What went wrong.
    pub troubles: Vec<Trouble>,
    /// Head of the archive, as the digest prints it.
    pub chain: Option<String>,
}

/// An experiment of a night.
#[derive(Clone, Debug)]
pub struct Report {
    /// What a mail can say of it.
    pub told: Told,
    /// Run key; empty without a report.
    pub key: String,
}

impl Night {
    /// Reads the folder of a date. `failed` are the experiments that have no report, as the batch told them; experiments whose
    /// data were refused are found in their results.
    ///
    /// # Errors
    /// A folder without a manifest, or with files that cannot be read.
    pub fn read(out: &Path, date: Date, failed: &[Trouble]) -> Result<Night, Diagnostic> {
        let folder = out.join(date.to_string());
        let manifest = json(&folder, "manifest.json")?;
        let mut reports = Vec::new();
        for experiment in manifest["experiments"].as_array().into_iter().flatten() {
            let Some(id) = experiment["id"].as_str() else { continue };
            let results = json(&folder, &format!("{id}/results.json"))?;
            let Some(told) = Told::of_results(&results) else {
                return Err(unreadable(&folder.join(id).join("results.json"), "it says no decision"));
            };
            let key = experiment["run_key"].as_str().unwrap_or_default().to_owned();
            reports.push(Report { told, key });
        }
        let mut troubles: Vec<Trouble> = failed.to_vec();
        for report in reports.iter().filter(|report| report.told.refused) {
            let e = &report.told.entry;
            troubles.push(Trouble {
                experiment: e.id.clone(),
                code: "data-refused".to_owned(),
                text: format!("{} {}", e.headline, e.lead),
                failed: false,
            });
        }
        for trouble in failed {
            if !reports.iter().any(|report| report.told.entry.id == trouble.experiment) {
                reports.push(Report { told: without_report(trouble), key: String::new() });
            }
        }
        Ok(Night { date, folder, reports, troubles, chain: None })
    }

    /// A file of the night.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, Diagnostic> {
        let path = self.folder.join(name);
        fs::read(&path).map_err(|error| unreadable(&path, &error.to_string()))
    }

    /// Size of a file of the night in bytes.
    ///
    /// # Errors
    /// There is no such file.
    pub fn size(&self, name: &str) -> Result<u64, Diagnostic> {
        let path = self.folder.join(name);
        fs::metadata(&path).map(|found| found.len()).map_err(|error| unreadable(&path, &error.to_string()))
    }
}

fn without_report(trouble: &Trouble) -> Told {
    Told {
        entry: Entry {
            id: trouble.experiment.clone(),
            title: trouble.experiment.clone(),
            action: None,
            label: "Отчёта нет".into(),
            tone: Tone::Bad,
            headline: "Отчёт не получился.".into(),
            lead: "Дежурные об этом знают.".into(),
            before: None,
        },
        owner: None,
        winner: None,
        card: None,
        figures: Vec::new(),
        refused: false,
        before: None,
        decided: None,
    }
}

fn json(folder: &Path, name: &str) -> Result<Value, Diagnostic> {
    let path = folder.join(name);
    let bytes = fs::read(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&path, &error.to_string()))
}

fn unreadable(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::error("delivery::report", format!("a finished report cannot be read: {why}"))
        .at(Place::file(path))
        .hint("make the night again with `itog run --resume --date …`")
}

/// Writes messages as files into a folder, which is made as needed.
///
/// # Errors
/// What cannot be written.
pub fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), Diagnostic> {
    let failed = |path: &Path, error: std::io::Error| {
        Diagnostic::error("deliver::write", format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (name, bytes) in files {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
