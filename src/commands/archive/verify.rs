//! `itog archive verify` and `export`: whether the archive is what it was, and taking it elsewhere.

use std::path::Path;

use itog::deliver::archive::bag::About;
use itog::deliver::archive::chain::Fault;
use itog::deliver::archive::{Archive, Depth};
use itog::diag::Diagnostic;
use itog::report::GENERATOR;
use serde_json::json;

use super::{DONE, FAILED, Outcome, USAGE, failed, print, print_json, read, stop};
use crate::cli::Format;
use crate::commands::now;

/// Faults that are told one by one; more are only counted.
const MOST: usize = 50;

/// What is said of files in the folders of dates, which are no part of the archive.
const FOLDER: (&str, &str) = (
    "archive::folder",
    "the archive is whole: `itog archive show ID` says where objects/ keeps the report as it was made",
);

/// What is said when the archive itself is not what it was.
const TAMPERED: (&str, &str) = (
    "archive::tampered",
    "restore the archive from a backup, then verify it with the head of an old digest: --witness HASH",
);

pub fn verify(archive: &Archive, deep: bool, witness: Option<&str>, format: Format, out: &Path) -> Outcome {
    let verified = archive.verify(if deep { Depth::Deep } else { Depth::Chains });
    let witnessed = match witness {
        Some(hash) => Some(is_known(archive, hash, out)?),
        None => None,
    };
    // A backup of the archive mends no folder; where the archive itself is damaged, its reports may be, too.
    let is_whole =
        witnessed.as_ref().is_none_or(|(_, known)| *known) && verified.faults.iter().all(Fault::is_of_folder);
    let (code, hint) = if is_whole { FOLDER } else { TAMPERED };
    let told = |fault: &Fault| Diagnostic::error(code, fault.to_string()).hint(hint);
    let mut problems: Vec<Diagnostic> = verified.faults.iter().take(MOST).map(told).collect();
    if verified.faults.len() > MOST {
        let message = format!("and {} more places", verified.faults.len() - MOST);
        problems.push(Diagnostic::error(code, message));
    }
    if let Some((hash, false)) = &witnessed {
        let message = format!("{hash} is no longer part of the chain: records were cut off or written anew");
        problems.push(
            Diagnostic::error("archive::truncated", message)
                .hint("restore the archive from a backup of that day or later"),
        );
    }
    if format == Format::Json {
        let mut value = json!(verified);
        value["ok"] = json!(problems.is_empty());
        value["witnessed"] = json!(witnessed.as_ref().map(|(_, known)| known));
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
    text.push_str(if witnessed.is_some() { ", the witness is part of the chain\n" } else { "\n" });
    print(&text)
}

/// Whether the chain has had the head that an old digest printed; with it as it was printed.
fn is_known(archive: &Archive, witness: &str, out: &Path) -> Result<(String, bool), u8> {
    let hash = witness.trim().to_lowercase();
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let problem = Diagnostic::error("archive::witness", format!("`{hash}` is no chain head"))
            .hint("a digest prints it at its end: 64 characters from 0–9 and a–f");
        return stop(&[problem], USAGE);
    }
    let known = read(archive.has_been_head(&hash), out)?;
    Ok((hash, known))
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
