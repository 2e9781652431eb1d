//! Making an archived run again from what the archive stored, and comparing the results.
//!
//! The config is stored as it was run, `--set` included, and its data files by hash; what nights before and people left is
//! append-only in the archive and named by the run. So the same computation can be made years later, without the folder of
//! its date, and by a later version: where its results differ, the keys that differ are named.

#![allow(clippy::disallowed_methods, reason = "stored files are laid out for the data room")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::artifact::Artifact;
use crate::batch::memory;
use crate::config;
use crate::config::valid::Config;
use crate::deliver::archive::objects::{Objects, State};
use crate::deliver::archive::{Archive, Failure, Input, Run};
use crate::deliver::manifest::{Entry, Manifest};
use crate::diag::{Diagnostic, Warned};
use crate::run::{Past, findings, report};
use crate::templates::Templates;
use crate::wording::overrides::Override;

/// An archived run with all that it read of the archive; what is computed from it needs the archive no more.
pub struct Prepared {
    /// The run.
    pub run: Run,
    past: Past,
}

/// What came of making a run again.
#[derive(Debug)]
pub enum Replayed {
    /// `results.json` is the same, byte for byte; other stored files of the report that are not, by name.
    Equal(Vec<String>),
    /// It is not; where it differs, as JSON pointers.
    Differs(Vec<String>),
    /// These inputs are neither stored nor where they were.
    NotKept(Vec<String>),
    /// The run cannot be made: what it said.
    Failed(Vec<Diagnostic>),
}

/// Files by the role they had in the run.
type Files = Vec<(String, PathBuf)>;

/// Keys that are told of results that differ.
const MOST: usize = 20;

/// Reads what a run needs of the archive.
///
/// # Errors
/// A row that the run read and that is not there.
pub fn prepare(archive: &Archive, run: Run) -> Result<Prepared, Failure> {
    let (past, _) = memory::past(archive, &run.experiment, &run.past)?;
    Ok(Prepared { run, past })
}

/// Makes a run again in a temporary folder and compares what comes of it.
pub fn replay(prepared: &Prepared, objects: &Objects, builtin: &Templates) -> Replayed {
    again(prepared, objects, builtin).unwrap_or_else(|ended| ended)
}

fn again(prepared: &Prepared, objects: &Objects, builtin: &Templates) -> Result<Replayed, Replayed> {
    let run = &prepared.run;
    let wrong = |what: String| Replayed::Failed(vec![Diagnostic::error("archive::replay", what)]);
    let folder = tempfile::tempdir().map_err(|error| wrong(error.to_string()))?;
    let (files, missing) = laid_out(run, objects, folder.path()).map_err(|error| wrong(error.to_string()))?;
    if !missing.is_empty() {
        return Err(Replayed::NotKept(missing));
    }
    let config = configured(run, objects, &files).map_err(Replayed::Failed)?;
    let date = run.data_date.parse().map_err(|_| wrong(format!("`{}` is no date", run.data_date)))?;
    let stamp = run.stamp.parse().map_err(|_| wrong(format!("`{}` is no date", run.stamp)))?;
    let findings = findings(config, date, &prepared.past).map_err(Replayed::Failed)?;
    let own = templates(run, objects).map_err(Replayed::Failed)?;
    let templates = own.as_ref().unwrap_or(builtin);
    let entry = |i: &Input| Entry { path: i.path.clone(), bytes: i.bytes, blake3: i.blake3.clone() };
    let inputs: Vec<Entry> = run.inputs.iter().map(entry).collect();
    let key = (run.experiment.as_str(), run.run_key.as_str());
    let manifest = |made: &[Artifact]| Manifest::carried(&run.tool, &run.data_date, key, &inputs, made);
    let made = report(&findings, templates, stamp, Some(&manifest))
        .map_err(|problem| Replayed::Failed(vec![problem]))?;
    let mut others = Vec::new();
    let results = format!("{}/results.json", run.experiment);
    for output in run.outputs.iter().filter(|output| output.kept) {
        let now = made.artifacts.iter().find(|artifact| artifact.name == output.path);
        if now.is_some_and(|now| Entry::of("", &now.bytes).blake3 == output.blake3) {
            continue;
        }
        if output.path != results {
            others.push(output.path.clone());
            continue;
        }
        let before: Value = objects
            .read(&output.blake3)
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other))
            .map_err(|error| wrong(error.to_string()))?;
        let mut keys = Vec::new();
        differences("", &before, &made.results, &mut keys);
        if keys.is_empty() {
            keys.push("only the bytes: every key and value is the same".to_owned());
        }
        return Ok(Replayed::Differs(keys));
    }
    Ok(Replayed::Equal(others))
}

/// The role of the user's texts among the inputs of a run.
const TEMPLATES: &str = "templates";

/// The user's texts that the run was told with; none where it was told with the built-in ones.
fn templates(run: &Run, objects: &Objects) -> Result<Option<Templates>, Vec<Diagnostic>> {
    let wrong = |error: io::Error| vec![Diagnostic::error("archive::replay", error.to_string())];
    let mut texts = Vec::new();
    for input in run.inputs.iter().filter(|input| input.role == TEMPLATES) {
        let bytes = objects.read(&input.blake3).map_err(wrong)?;
        let text = String::from_utf8(bytes).map_err(|error| wrong(io::Error::other(error)))?;
        let name = memory::template_name(&input.path).to_owned();
        texts.push(Override { name, file: PathBuf::from(&input.path), text: text.into() });
    }
    if texts.is_empty() { Ok(None) } else { Templates::with(texts).map(Some) }
}

/// The files of a run by role: stored ones under their own names in a folder each, others where they were when they are
/// still the same. And what is not to be had.
fn laid_out(run: &Run, objects: &Objects, folder: &Path) -> io::Result<(Files, Vec<String>)> {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    // A report that was made from sums needs them, and not the files that they were made from.
    let summed = run.inputs.iter().any(|input| input.role == "sums");
    let needed = |input: &&Input| match summed {
        true => input.role == "sums",
        false => !["config", "past", TEMPLATES].contains(&input.role.as_str()),
    };
    for (index, input) in run.inputs.iter().filter(needed).enumerate() {
        let stored = objects.path(&input.blake3).filter(|_| objects.state(&input.blake3) == State::Sound);
        let there = Path::new(&input.path);
        if let (Some(stored), Some(name)) = (stored, there.file_name()) {
            let own = folder.join(index.to_string());
            fs::create_dir(&own)?;
            let target = own.join(name);
            put(&stored, &target)?;
            files.push((input.role.clone(), target));
        } else if Entry::of_file(there).is_ok_and(|entry| entry.blake3 == input.blake3) {
            files.push((input.role.clone(), there.to_owned()));
        } else {
            missing.push(format!("{} ({} bytes, blake3 {})", input.path, input.bytes, input.blake3));
        }
    }
    Ok((files, missing))
}

/// A stored file under its own name, without a copy where the system has links.
fn put(stored: &Path, target: &Path) -> io::Result<()> {
    let stored = fs::canonicalize(stored)?;
    #[cfg(unix)]
    return std::os::unix::fs::symlink(stored, target);
    #[cfg(not(unix))]
    fs::copy(stored, target).map(drop)
}

/// The config as it was run, reading the files that were laid out.
fn configured(
    run: &Run,
    objects: &Objects,
    files: &[(String, PathBuf)],
) -> Result<Warned<Config>, Vec<Diagnostic>> {
    let gone = |what: String| vec![Diagnostic::error("archive::replay", what)];
    let input = run.inputs.iter().find(|input| input.role == "config");
    let input = input.ok_or_else(|| gone("the run names no config".to_owned()))?;
    let bytes = objects.read(&input.blake3).map_err(|error| gone(format!("the config: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| gone(format!("the config: {error}")))?;
    let mut config = config::parse(Path::new(&run.config), &text, &[])?;
    if let Some(data) = &mut config.value.data {
        let of = |role: &str| -> Vec<PathBuf> {
            files.iter().filter(|(of, _)| of == role).map(|(_, path)| path.clone()).collect()
        };
        data.files.paths = of("data");
        if let Some(sums) = of("sums").first() {
            let text = fs::read_to_string(sums).map_err(|error| gone(format!("the sums: {error}")))?;
            data.answer = Some(text.into());
        }
        for facts in &mut data.facts {
            facts.files.paths = of(&format!("facts.{}", facts.name));
        }
        if let Some(identity) = &mut data.identity {
            identity.files.paths = of("identity");
        }
    }
    Ok(config)
}

/// Where two values differ, as JSON pointers, at most [`MOST`].
fn differences(at: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    if before == now || found.len() >= MOST {
        return;
    }
    match (before, now) {
        (Value::Object(a), Value::Object(b)) => {
            let gone = a.keys().filter(|key| !b.contains_key(*key));
            found.extend(gone.map(|key| format!("{at}/{key}: is gone")));
            for (key, now) in b {
                match a.get(key) {
                    Some(before) => differences(&format!("{at}/{key}"), before, now, found),
                    None => found.push(format!("{at}/{key}: is new")),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (before, now)) in a.iter().zip(b).enumerate() {
                differences(&format!("{at}/{index}"), before, now, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            found.push(format!("{at}: had {} entries, has {}", a.len(), b.len()));
        }
        _ => found.push(format!("{at}: was {}, is {}", brief(before), brief(now))),
    }
}

fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_named_where_they_are() {
        let before = json!({ "a": [1, { "b": 2 }], "c": "x", "gone": 0, "same": [1] });
        let now = json!({ "a": [1, { "b": 3 }], "c": ["x"], "same": [1], "new": null });
        let mut found = Vec::new();
        differences("", &before, &now, &mut found);
        assert_eq!(
            found,
            ["/gone: is gone", "/a/1/b: was 2, is 3", "/c: was \"x\", is [\"x\"]", "/new: is new"]
        );
    }
}
