//! `itog archive list`, `show` and `search`: reading what is archived.

use std::path::Path;

use itog::deliver::archive::objects::Objects;
use itog::deliver::archive::{Archive, Decision, Entry, Run};
use itog::diag::Diagnostic;
use serde_json::{Value, json};

use super::{Outcome, USAGE, print, print_json, read, stop};
use crate::cli::Format;

pub fn list(archive: &Archive, format: Format, out: &Path) -> Outcome {
    let entries = read(archive.list(), out)?;
    let decisions = read(archive.decisions(None), out)?;
    if format == Format::Json {
        let with_decision = |entry: &Entry| {
            let mut value = json!(entry);
            // The one that stands goes before those it took the place of.
            let own = decisions.iter().rev().find(|decision| decision.recommendation == Some(entry.seq));
            value["decision"] = json!(own);
            value
        };
        return print_json(&entries.iter().map(with_decision).collect());
    }
    let mut text = String::new();
    for entry in &entries {
        text.push_str(&line(entry));
        for decision in decisions.iter().filter(|decision| decision.recommendation == Some(entry.seq)) {
            text.push_str(&format!("       {}\n", decided(decision)));
        }
    }
    print(&text)
}

fn line(e: &Entry) -> String {
    format!("{:>5}  {}  {:<20} {:<9} {}\n", e.seq, e.data_date, e.experiment, e.action, e.rule)
}

/// A decision in a line.
fn decided(d: &Decision) -> String {
    let mut text = format!(
        "decision {} of {}: {} by {} — {}",
        d.seq,
        day(&d.decided_at),
        d.outcome,
        d.decided_by,
        d.reason
    );
    if let Some(day) = &d.review_on {
        text.push_str(&format!(" (review on {day})"));
    }
    if let Some(later) = d.superseded_by {
        text.push_str(&format!(" [superseded by {later}]"));
    }
    text
}

fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

pub fn show(archive: &Archive, what: &str, format: Format, out: &Path) -> Outcome {
    let mut entries = read(archive.recommendations(what), out)?;
    if entries.is_empty()
        && let Ok(seq) = what.parse()
    {
        entries.extend(read(archive.recommendation(seq), out)?);
    }
    let Some(last) = entries.last() else {
        let problem = Diagnostic::error(
            "archive::unknown",
            format!("the archive has no experiment and no number `{what}`"),
        )
        .hint("`itog archive list` shows both");
        return stop(&[problem], USAGE);
    };
    let decisions = read(archive.decisions(Some(&last.experiment)), out)?;
    let mut shown = Vec::new();
    for entry in &entries {
        shown.push((entry, read(archive.run_of_key(&entry.run_key), out)?));
    }
    let store = Objects::of(out);
    if format == Format::Json {
        let one = |(entry, run): &(&Entry, Option<Run>)| {
            let mut value = json!(entry);
            value["run"] = run.as_ref().map_or(Value::Null, |run| described(run, &store));
            value
        };
        return print_json(&json!({
            "experiment": last.experiment,
            "title": last.title,
            "recommendations": shown.iter().map(one).collect::<Vec<_>>(),
            "decisions": decisions,
        }));
    }
    let mut text = format!("{}  {}\n", last.experiment, last.title);
    let said = shown.last().and_then(|(_, run)| run.as_ref()).map(told);
    for (name, key) in [("hypothesis", "hypothesis"), ("owner", "owner")] {
        if let Some(value) = said.as_ref().and_then(|told| told[key].as_str()) {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text.push_str("\nrecommendations\n");
    for (entry, run) in &shown {
        text.push_str(&line(entry));
        if let Some(headline) = run.as_ref().map(told).as_ref().and_then(|t| t["headline"].as_str()) {
            text.push_str(&format!("       {headline}\n"));
        }
    }
    text.push_str("\ndecisions\n");
    for decision in &decisions {
        text.push_str(&format!("{:>5}  {}\n", decision.seq, decided(decision)));
    }
    if decisions.is_empty() {
        text.push_str("       none yet\n");
    }
    match shown.last() {
        Some((_, Some(run))) => files(&mut text, run, &store),
        _ => text.push_str("\nfiles\n       not stored: the run is of a version before the store\n"),
    }
    print(&text)
}

/// What a run said, as it was archived.
fn told(run: &Run) -> Value {
    serde_json::from_str(&run.told).unwrap_or(Value::Null)
}

/// The files of a run: what it was made from, what it made, and where each is stored.
fn files(text: &mut String, run: &Run, store: &Objects) {
    text.push_str(&format!("\nrun {} of {}, {}\n", run.run_key, run.data_date, run.tool));
    for set in &run.overrides {
        text.push_str(&format!("       --set {set}\n"));
    }
    // What was read of the archive itself is not a file.
    let inputs = run.inputs.iter().filter(|i| i.role != "past");
    let inputs = inputs.map(|i| (i.role.as_str(), &i.path, i.bytes, &i.blake3, i.kept));
    let outputs =
        run.outputs.iter().filter(|o| o.kept).map(|o| ("output", &o.path, o.bytes, &o.blake3, o.kept));
    for (role, path, bytes, hash, kept) in inputs.chain(outputs) {
        let place = match store.path(hash).filter(|_| kept) {
            Some(path) => path.display().to_string(),
            None => format!("not stored, blake3 {hash}"),
        };
        text.push_str(&format!("       {role:<9} {path} ({bytes} bytes): {place}\n"));
    }
}

fn described(run: &Run, store: &Objects) -> Value {
    let mut value = json!(run);
    value["told"] = told(run);
    for list in ["inputs", "outputs"] {
        for file in value[list].as_array_mut().into_iter().flatten() {
            let place =
                file["blake3"].as_str().filter(|_| file["kept"] == true).and_then(|hash| store.path(hash));
            file["object"] = json!(place);
        }
    }
    value
}

pub fn search(archive: &Archive, words: &[String], most: usize, format: Format, out: &Path) -> Outcome {
    let searched = read(archive.search(&words.join(" "), most), out)?;
    if format == Format::Json {
        return print_json(&json!(searched));
    }
    let line = |found: &itog::deliver::archive::Found| {
        format!("{:<20} {:<10} {}  {}\n", found.experiment, found.field, day(&found.date), found.text)
    };
    print(&searched.found.iter().map(line).collect::<String>())
}
