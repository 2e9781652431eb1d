//! `itog archive verify` and `export`: whether the archive is what it was, and taking it elsewhere.

use std::path::Path;

use itog::deliver::archive::bag::About;
use itog::deliver::archive::{Archive, Depth};
use itog::diag::Diagnostic;
use itog::report::GENERATOR;
use serde_json::json;

use super::{DONE, FAILED, Outcome, USAGE, failed, print, print_json, read, stop};
use crate::cli::Format;
use crate::commands::now;

/// Faults that are told one by one; more are only counted.
const MOST: usize = 50;

pub fn verify(archive: &Archive, deep: bool, witness: Option<&str>, format: Format, out: &Path) -> Outcome {
    let verified = archive.verify(if deep { Depth::Deep } else { Depth::Chains });
    let mut problems: Vec<Diagnostic> = verified
        .faults
        .iter()
        .take(MOST)
        .map(|fault| {
            Diagnostic::error("archive::tampered", fault.to_string())
                .hint("restore the archive from a backup, then verify it with the head of an old digest: --witness HASH")
        })
        .collect();
    if verified.faults.len() > MOST {
        let message = format!("and {} more places", verified.faults.len() - MOST);
        problems.push(Diagnostic::error("archive::tampered", message));
    }
    let mut witnessed = None;
    if let Some(hash) = witness {
        let hash = hash.trim().to_lowercase();
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let problem = Diagnostic::error("archive::witness", format!("`{hash}` is no chain head"))
                .hint("a digest prints it at its end: 64 characters from 0–9 and a–f");
            return stop(&[problem], USAGE);
        }
        let known = read(archive.has_been_head(&hash), out)?;
        witnessed = Some(known);
        if !known {
            let message =
                format!("{hash} is no longer part of the chain: records were cut off or written anew");
            problems.push(
                Diagnostic::error("archive::truncated", message)
                    .hint("restore the archive from a backup of that day or later"),
            );
        }
    }
    if format == Format::Json {
        let mut value = json!(verified);
        value["ok"] = json!(problems.is_empty());
        value["witnessed"] = json!(witnessed);
        print_json(&value)?;
    }
    if !problems.is_empty() {
        return stop(&problems, FAILED);
    }
    if format == Format::Json {
        return Ok(DONE);
    }
    let records: usize = verified.records.values().sum();
    let mut text = format!("ok, chain head {}\n{records} records", verified.head);
    if deep {
        text.push_str(&format!(", {} stored files, {} folders", verified.files, verified.folders));
    }
    text.push_str(if witnessed == Some(true) { ", the witness is part of the chain\n" } else { "\n" });
    print(&text)
}

pub fn export(archive: &Archive, to: &Path, out: &Path, quiet: bool) -> Outcome {
    if to.exists() && std::fs::read_dir(to).map_or(true, |mut inside| inside.next().is_some()) {
        let problem =
            Diagnostic::error("archive::export", format!("{} is not an empty folder", to.display()))
                .hint("name a new folder with --to DIR");
        return stop(&[problem], USAGE);
    }
    let date = now()?.to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    let about = About { date: &date, agent: GENERATOR };
    let exported = archive.export(to, &about).or_else(|failure| failed(&failure, "archive::export", out))?;
    if !exported.damaged.is_empty() {
        let message =
            format!("{} stored files are not what they were and stayed behind", exported.damaged.len());
        let problem =
            Diagnostic::error("archive::damaged", message).hint("`itog archive verify --deep` names them");
        return stop(&[problem], FAILED);
    }
    if !quiet {
        eprintln!("{} records and {} files are in {}", exported.records, exported.objects, to.display());
    }
    Ok(DONE)
}
