//! `itog status`: how the last night went, what each experiment was told, what waits or is stuck.

use std::collections::BTreeMap;
use std::path::Path;

use itog::deliver::archive::{Archive, FILE};
use itog::deliver::lock::Lock;
use itog::deliver::outbox::Outbox;
use itog::deliver::{folder, nights};
use itog::diag::Diagnostic;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{DONE, FAILED, Outcome, USAGE, print, print_json, stop, today};
use crate::cli::Format;

pub fn status(format: Format, out: &Path) -> Outcome {
    if !out.is_dir() {
        let message = format!("there is no folder {}", out.display());
        return stop(
            &[Diagnostic::error("status::none", message).hint("name it with --out DIR; `itog run` makes it")],
            USAGE,
        );
    }
    let all = nights::nights(out);
    let holder = Lock::holder(out);
    let left = folder::abandoned(out).into_iter().map(|(_, path)| path.display().to_string());
    // What a run in progress works on is no leftover.
    let left: Vec<String> = left.filter(|_| holder.is_none()).collect();
    let (mut experiments, mut outbox) = (Value::Array(Vec::new()), Value::Null);
    if out.join(FILE).is_file() {
        let archive = Archive::read(out)
            .or_else(|failure| stop(&[failure.diagnostic("archive::open", out)], FAILED))?;
        let mut entries =
            archive.list().or_else(|failure| stop(&[failure.diagnostic("archive::read", out)], FAILED))?;
        // A night of the past that was made again is not the last one.
        entries.sort_by(|a, b| (&a.data_date, a.seq).cmp(&(&b.data_date, b.seq)));
        let mut last = BTreeMap::new();
        for entry in &entries {
            last.insert(entry.experiment.as_str(), entry);
        }
        let told = last.values().map(|entry| {
            let nights_ago = all.iter().filter(|date| date.to_string() > entry.data_date).count();
            json!({
                "id": entry.experiment, "title": entry.title, "action": entry.action, "winner": entry.winner,
                "rule": entry.rule, "data_date": entry.data_date, "nights_since": nights_ago,
            })
        });
        experiments = told.collect();
        let sum = Outbox::open(out)
            .map_err(|failure| failure.diagnostic("archive::open", out))
            .and_then(|outbox| {
                outbox.sum().map_err(|error| Diagnostic::error("archive::read", error.to_string()))
            })
            .or_else(|problem| stop(&[problem], FAILED))?;
        outbox = json!(sum);
    }
    let last = all.last().copied();
    let status = json!({
        "folder": out,
        "last_night": last.map(|date| night(out, date)),
        "nights": all.len(),
        "first_night": all.first().map(Date::to_string),
        "days_behind": last.map(|date| date.until(today()).map_or(0, |span| span.get_days())),
        "experiments": experiments,
        "outbox": outbox,
        "lock": holder.map(|pid| json!({ "held": true, "pid": pid })),
        "abandoned": left,
    });
    match format {
        Format::Json => print_json(&status),
        Format::Human => print(&lines(&status)),
    }?;
    Ok(DONE)
}

/// What the folder of a night says of itself.
fn night(out: &Path, date: Date) -> Value {
    let folder = out.join(date.to_string());
    let manifest = folder.join("manifest.json");
    let made = manifest.metadata().and_then(|found| found.modified()).ok();
    let made = made.and_then(|time| jiff::Timestamp::try_from(time).ok());
    let read = std::fs::read(manifest).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let experiments = read.as_ref().and_then(|m| m["experiments"].as_array()).map(Vec::len);
    json!({
        "data_date": date.to_string(),
        "made_at": made.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        "tool": read.as_ref().map(|m| m["tool"].clone()),
        "reports": experiments,
        "partial": nights::is_partial(out, date),
    })
}

/// The same for people.
fn lines(status: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut said = String::new();
    match status["last_night"].as_object() {
        Some(night) => {
            let (date, reports) = (text(&night["data_date"]), text(&night["reports"]));
            let made = text(&night["made_at"]);
            let part =
                if night["partial"] == true { ", in part: `itog catch-up` makes the rest" } else { "" };
            said.push_str(&format!("last night   {date}: {reports} reports, made {made}{part}\n"));
        }
        None => said.push_str("last night   none yet\n"),
    }
    if let Some(days) = status["days_behind"].as_i64().filter(|days| *days > 1) {
        said.push_str(&format!("behind       {days} days: `itog catch-up` makes what is missing\n"));
    }
    said.push_str(&format!("nights       {}\n", status["nights"]));
    match status["lock"]["pid"].as_str() {
        Some(pid) => said.push_str(&format!("running      process {pid} holds the folder\n")),
        None => said.push_str("running      nothing\n"),
    }
    for folder in status["abandoned"].as_array().into_iter().flatten() {
        said.push_str(&format!(
            "abandoned    {}: `itog run --resume` takes what is complete\n",
            text(folder)
        ));
    }
    if let Some(outbox) = status["outbox"].as_object() {
        let counts: Vec<String> =
            outbox.iter().filter(|(_, n)| **n != 0).map(|(state, n)| format!("{n} {state}")).collect();
        let counts = if counts.is_empty() { "empty".to_owned() } else { counts.join(", ") };
        said.push_str(&format!("outbox       {counts}\n"));
    }
    for e in status["experiments"].as_array().into_iter().flatten() {
        let since = e["nights_since"].as_u64().unwrap_or(0);
        let stuck = if since > 0 { format!("  no report for {since} nights") } else { String::new() };
        let (id, action, date) = (text(&e["id"]), text(&e["action"]), text(&e["data_date"]));
        said.push_str(&format!("{id:<24} {action:<9} {date}{stuck}\n"));
    }
    said
}
