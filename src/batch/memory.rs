//! What the archive remembers for an experiment, and what it is given to keep of it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Batch;
use super::prepare::Ready;
use crate::config::valid::Config;
use crate::deliver::archive::objects::{Kept, Objects};
use crate::deliver::archive::{self, Archive, Failure, Input, Output, PastRows, Run};
use crate::deliver::folder::Staging;
use crate::deliver::manifest::{Entry as FileEntry, run_key};
use crate::diag::Diagnostic;
use crate::history::scorecard::Case;
use crate::history::{self, Decision, History, Last, Outcome, Told};
use crate::report::GENERATOR;
use crate::run::Past;

/// Files of a report that the archive keeps; charts are in the page and can be made again.
const KEPT: [&str; 3] = ["results.json", "report.html", "report.pdf"];

/// How inputs are named that are rows of the archive.
const REMEMBERED: &str = "archive.sqlite: ";

/// What of the archive a run of an experiment reads.
pub(super) fn rows(archive: &Archive, id: &str, date: &str) -> archive::Result<PastRows> {
    Ok(PastRows {
        nights: archive.nights(id, date)?.iter().map(|night| night.seq).collect(),
        first: archive.first_night(id)?.map(|night| night.seq),
        last: archive.run_before(id, date)?.map(|run| run.seq),
        decisions: archive.decisions(Some(id))?.iter().map(|decision| decision.seq).collect(),
    })
}

/// What the archive remembers of an experiment, as a worker is given it.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    /// What the nights before kept, in order.
    nights: Vec<String>,
    /// What the first night ever kept.
    first: Option<String>,
    history: History,
}

impl Memory {
    /// What those rows hold.
    ///
    /// # Errors
    /// A row that is not there, and whatever the database refuses.
    pub(super) fn read(archive: &Archive, id: &str, rows: &PastRows) -> archive::Result<Memory> {
        let gone = |what: &str, seq: i64| Failure::Content(format!("{what} {seq} is missing"));
        let content = |seq: &i64| match archive.night(*seq)? {
            Some(night) => Ok(night.content),
            None => Err(gone("night", *seq)),
        };
        let last = match rows.last {
            Some(seq) => last(archive.run(seq)?.ok_or_else(|| gone("run", seq))?),
            None => None,
        };
        Ok(Memory {
            nights: rows.nights.iter().map(content).collect::<archive::Result<Vec<String>>>()?,
            first: rows.first.as_ref().map(content).transpose()?,
            history: History { last, decisions: decisions(archive, id, &rows.decisions)? },
        })
    }

    /// What of it stands in the run key, an entry each.
    fn inputs(&self) -> archive::Result<Vec<FileEntry>> {
        let mut inputs = Vec::new();
        if !self.nights.is_empty() {
            let text = self.nights.join("\n");
            inputs.push(FileEntry::of(format!("{REMEMBERED}nights before"), text.as_bytes()));
        }
        if !self.history.is_empty() {
            let text = serde_json::to_vec(&self.history)?;
            inputs.push(FileEntry::of(format!("{REMEMBERED}last report and decisions"), &text));
        }
        Ok(inputs)
    }

    /// The same as the pipeline takes it.
    pub(super) fn past(self) -> Past {
        Past::of(&self.nights, self.first.as_deref(), self.history)
    }
}

/// What those rows hold, and what of it stands in the run key, an entry each.
///
/// # Errors
/// A row that is not there, and whatever the database refuses.
pub fn past(archive: &Archive, id: &str, rows: &PastRows) -> archive::Result<(Past, Vec<FileEntry>)> {
    let memory = Memory::read(archive, id, rows)?;
    let inputs = memory.inputs()?;
    Ok((memory.past(), inputs))
}

/// What the report of a run said; of a later version, which says it otherwise, nothing.
fn last(run: Run) -> Option<Last> {
    let told: Told = serde_json::from_str(&run.told).ok()?;
    Some(Last { date: run.data_date.parse().ok()?, told })
}

/// The decisions with these positions, as people know them.
fn decisions(archive: &Archive, id: &str, wanted: &[i64]) -> archive::Result<Vec<Decision>> {
    let all = archive.decisions(Some(id))?;
    let known = all.iter().filter(|decision| wanted.contains(&decision.seq));
    known.map(|decision| remembered(archive, decision, wanted)).collect()
}

/// A decision of the archive as reports speak of it; what took its place counts only when it is among `wanted`.
pub fn remembered(
    archive: &Archive,
    decision: &archive::Decision,
    wanted: &[i64],
) -> archive::Result<Decision> {
    let wrong = |what: &str| Failure::Content(format!("decision {}: {what}", decision.seq));
    let day = |text: &str| text.get(..10).and_then(|day| day.parse::<Date>().ok());
    let answered = match decision.recommendation {
        Some(seq) => archive.recommendation(seq)?,
        None => None,
    };
    Ok(history::Decision {
        seq: decision.seq,
        outcome: Outcome::of_name(&decision.outcome).ok_or_else(|| wrong("unknown outcome"))?,
        by: decision.decided_by.clone(),
        reason: decision.reason.clone(),
        on: day(&decision.decided_at).ok_or_else(|| wrong("no date"))?,
        review_on: decision.review_on.as_deref().and_then(day),
        superseded: decision.superseded_by.is_some_and(|later| wanted.contains(&later)),
        recommended: answered.map(|entry| entry.action),
    })
}

/// Every experiment of the archive with what its last report up to a day said and what people decided, for the scorecard.
///
/// # Errors
/// Whatever the database refuses.
pub fn cases(archive: &Archive, until: Date) -> archive::Result<Vec<Case>> {
    let all = archive.decisions(None)?;
    let known: Vec<i64> = all.iter().map(|decision| decision.seq).collect();
    let mut cases = Vec::new();
    for (id, first, _, told) in archive.last_told(&until.to_string())? {
        // What a later version told otherwise is passed over.
        let (Ok(told), Ok(first)) = (serde_json::from_str::<Told>(&told), first.parse::<Date>()) else {
            continue;
        };
        let own = all.iter().filter(|decision| decision.experiment == id);
        let decisions = own
            .map(|decision| remembered(archive, decision, &known))
            .collect::<archive::Result<Vec<Decision>>>()?;
        cases.push(Case { id, first, told, decisions });
    }
    Ok(cases)
}

/// Adds what the archive remembers to the inputs of an experiment.
pub(super) fn recall(archive: &Archive, ready: &mut Ready, date: &str) -> archive::Result<()> {
    ready.rows = rows(archive, &ready.id, date)?;
    let inputs = Memory::read(archive, &ready.id, &ready.rows)?.inputs()?;
    if !inputs.is_empty() {
        ready.inputs.extend(inputs);
        ready.run_key = run_key(&ready.id, date, &ready.inputs, GENERATOR);
    }
    Ok(())
}

/// How a text of the user's is named among the inputs.
pub(super) fn template_path(name: &str) -> String {
    format!("{TEMPLATE}{name}")
}

/// The name of a text of the user's by how it is named among the inputs.
pub fn template_name(path: &str) -> &str {
    path.strip_prefix(TEMPLATE).unwrap_or(path)
}

const TEMPLATE: &str = "templates: ";

/// The tables of a config with their files: `data`, `facts.<name>`, `identity`.
pub(super) fn tables(config: &Config) -> Vec<(String, String)> {
    let Some(data) = &config.data else { return Vec::new() };
    let facts = data.facts.iter().map(|facts| (format!("facts.{}", facts.name), &facts.files));
    let identity = data.identity.iter().map(|identity| ("identity".to_owned(), &identity.files));
    std::iter::once(("data".to_owned(), &data.files))
        .chain(facts)
        .chain(identity)
        .flat_map(|(role, files)| {
            files.paths.iter().map(move |path| (role.clone(), path.display().to_string()))
        })
        .collect()
}

/// Stores what a report was made from and the report itself; what the archive is to write down of the run.
pub(super) fn keep(
    ready: &Ready,
    told: &Told,
    outputs: &[FileEntry],
    staging: &Staging,
    objects: &Objects,
    batch: &Batch,
) -> Result<(Run, Vec<Diagnostic>), Diagnostic> {
    let mut warnings = Vec::new();
    let mut inputs = Vec::new();
    for (index, entry) in ready.inputs.iter().enumerate() {
        let table = ready.tables.iter().find(|(_, path)| *path == entry.path).map(|(role, _)| role.as_str());
        let text = batch.templates.changed().iter().find(|o| template_path(&o.name) == entry.path);
        let role = match table {
            _ if index == 0 => "config",
            Some(role) => role,
            None if ready.answer.is_some() && index == 1 => "sums",
            None if text.is_some() => "templates",
            None if entry.path.starts_with(REMEMBERED) => "past",
            None => "other",
        };
        let kept = match role {
            "config" => objects.keep_bytes(ready.text.as_bytes()).map(|_| Kept::Yes),
            "sums" => {
                objects.keep_bytes(ready.answer.as_deref().unwrap_or_default().as_bytes()).map(|_| Kept::Yes)
            }
            "past" | "other" => Ok(Kept::Changed),
            "templates" => objects.keep_bytes(text.map_or(&[], |o| o.text.as_bytes())).map(|_| Kept::Yes),
            // The report was made from the sums; the files are named by their hash.
            _ if ready.answer.is_some() || entry.bytes > batch.keep_inputs => Ok(Kept::Changed),
            _ => objects.keep_copy(entry.path.as_ref(), &entry.blake3).inspect(|kept| {
                if *kept == Kept::Changed {
                    let message = format!("{} changed while the report was being made", entry.path);
                    let problem = Diagnostic::warning("archive::input-changed", message)
                        .hint("export to another name and rename, so that a report never reads half a file");
                    warnings.push(problem);
                }
            }),
        };
        let kept = kept.map_err(|error| failure(&entry.path, error, batch))?;
        inputs.push(Input {
            role: role.to_owned(),
            path: entry.path.clone(),
            bytes: entry.bytes,
            blake3: entry.blake3.clone(),
            kept: kept == Kept::Yes,
        });
    }
    let id = &ready.id;
    let mut stored = Vec::new();
    for entry in outputs {
        let wanted = KEPT.iter().any(|name| entry.path == format!("{id}/{name}"));
        let kept = match wanted {
            true => objects
                .keep_finished(&staging.path(&entry.path), &entry.blake3)
                .map_err(|error| failure(&entry.path, error, batch))?,
            false => Kept::Changed,
        };
        stored.push(Output {
            path: entry.path.clone(),
            bytes: entry.bytes,
            blake3: entry.blake3.clone(),
            kept: kept == Kept::Yes,
        });
    }
    let told =
        serde_json::to_string(told).map_err(|error| Diagnostic::error("report::json", error.to_string()))?;
    let run = Run {
        seq: 0,
        experiment: id.clone(),
        data_date: batch.date.to_string(),
        run_key: ready.run_key.clone(),
        tool: GENERATOR.to_owned(),
        stamp: batch.stamp.to_string(),
        config: ready.path.display().to_string(),
        overrides: batch.overrides.iter().map(ToString::to_string).collect(),
        past: ready.rows.clone(),
        inputs,
        outputs: stored,
        told,
    };
    Ok((run, warnings))
}

pub(super) fn failure(path: &str, error: std::io::Error, batch: &Batch) -> Diagnostic {
    Failure::File(path.into(), error).diagnostic("archive::store", &batch.out)
}
