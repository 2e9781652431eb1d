//! `itog archive`: the archive of decisions.

mod decide;
mod read;
mod replay;
mod scorecard;
mod verify;

use std::path::Path;

use itog::deliver::archive::{Archive, FILE, Failure};
use itog::diag::Diagnostic;

use super::{DONE, FAILED, LOCKED, Outcome, PARTLY, USAGE, print, print_json, stop};
use crate::cli::ArchiveCommand;

pub fn archive(command: ArchiveCommand, out: &Path, quiet: bool) -> Outcome {
    if !out.join(FILE).is_file() {
        let problem = Diagnostic::error("archive::none", format!("{} has no archive yet", out.display()))
            .hint("name the output folder with --out DIR; `itog run` makes the archive");
        return stop(&[problem], USAGE);
    }
    match command {
        ArchiveCommand::Decide { id, outcome, by, reason, review_on, supersedes } => {
            let asked = decide::Asked { id: &id, outcome, by: &by, reason: &reason, review_on, supersedes };
            decide::decide(&asked, out, quiet)
        }
        ArchiveCommand::List { format } => read::list(&reading(out)?, format, out),
        ArchiveCommand::Show { what, format } => read::show(&reading(out)?, &what, format, out),
        ArchiveCommand::Search { words, limit, format } => {
            read::search(&reading(out)?, &words, limit as usize, format, out)
        }
        ArchiveCommand::Verify { deep, witness, format } => {
            verify::verify(&reading(out)?, deep, witness.as_deref(), format, out)
        }
        ArchiveCommand::Replay { runs, format } => replay::replay(&reading(out)?, &runs, format, out),
        ArchiveCommand::Scorecard { format } => scorecard::scorecard(&reading(out)?, format, out),
        ArchiveCommand::Export { to } => verify::export(&reading(out)?, &to, out, quiet),
    }
}

fn reading(out: &Path) -> Result<Archive, u8> {
    Archive::read(out).or_else(|failure| failed(&failure, "archive::open", out))
}

/// Stops with what an archive said: a locked one is to be tried again, as a locked folder is.
fn failed<T>(failure: &Failure, code: &'static str, out: &Path) -> Result<T, u8> {
    stop(&[failure.diagnostic(code, out)], if failure.is_locked() { LOCKED } else { FAILED })
}

/// The end of a command that read something from the archive.
fn read<T>(outcome: itog::deliver::archive::Result<T>, out: &Path) -> Result<T, u8> {
    outcome.or_else(|failure| failed(&failure, "archive::read", out))
}
