//! `itog archive`: the archive of decisions.

use std::path::Path;

use itog::deliver::archive::Archive;
use itog::diag::Diagnostic;
use serde_json::json;

use super::{FAILED, Outcome, USAGE, print, print_json, stop};
use crate::cli::{ArchiveCommand, Format};

pub fn archive(command: &ArchiveCommand, out: &Path) -> Outcome {
    fn broken<T>(error: rusqlite::Error) -> Result<T, u8> {
        stop(&[Diagnostic::error("archive::read", error.to_string())], FAILED)
    }
    if !out.join("archive.sqlite").is_file() {
        let problem = Diagnostic::error("archive::none", format!("{} has no archive yet", out.display()))
            .hint("name the output folder with --out DIR; `itog run` makes the archive");
        return stop(&[problem], USAGE);
    }
    let archive = Archive::open(out).or_else(broken)?;
    match command {
        ArchiveCommand::List { format } => {
            let entries = archive.list().or_else(broken)?;
            if *format == Format::Json {
                return print_json(&json!(entries));
            }
            let line = |e: &itog::deliver::archive::Entry| {
                format!("{:>5}  {}  {:<20} {:<9} {}\n", e.seq, e.data_date, e.experiment, e.action, e.rule)
            };
            print(&entries.iter().map(line).collect::<String>())
        }
        ArchiveCommand::Verify => match archive.verify().or_else(broken)? {
            None if archive.verify_nights().or_else(broken)?.is_some() => {
                let message = "a kept night does not fit the chain: the archive was changed";
                stop(&[Diagnostic::error("archive::tampered", message)], FAILED)
            }
            None => print(&format!("ok, chain head {}\n", archive.head().or_else(broken)?)),
            Some(seq) => {
                let message = format!("entry {seq} does not fit the chain: the archive was changed");
                stop(&[Diagnostic::error("archive::tampered", message)], FAILED)
            }
        },
    }
}
