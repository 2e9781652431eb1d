//! `itog run`: the nightly job and its summary.

use itog::batch::{self, Batch, Ended};
use itog::deliver::lock::{Lock, LockError};
use itog::diag::Diagnostic;
use serde_json::json;
use tracing_subscriber::layer::SubscriberExt;

use super::timings::Timings;
use super::{
    DONE, FAILED, LOCKED, Outcome, PARTLY, REFUSED, USAGE, configs, narrative, overrides, print, print_json,
    stamp, stop, today,
};
use crate::cli::{Format, RunArgs};
use crate::terminal;

pub fn run(args: RunArgs, quiet: bool) -> Outcome {
    let timings = args.timings.then(listen);
    let narrative = tracing::debug_span!("templates").in_scope(narrative)?;
    let overrides = overrides(&args.set.overrides)?;
    let configs = configs(&args.paths)?;
    let date = args.date.unwrap_or_else(today);
    let batch = Batch {
        configs,
        overrides,
        only: args.only,
        stamp: stamp(date)?,
        date,
        resume: args.resume,
        keep_inputs: args.keep_inputs,
        jobs: args.jobs.map(usize::from),
        out: args.out.out,
    };
    // Nothing may be written when no config can run, not even the output folder for its lock.
    let prepared = batch::prepare(&batch).or_else(|problems| stop(&problems, USAGE))?;
    let _lock = match Lock::take(&batch.out) {
        Ok(lock) => lock,
        Err(LockError::Held) => {
            let message = format!("another run is writing to {}", batch.out.display());
            let problem = Diagnostic::error("deliver::locked", message)
                .hint("wait for it to end, or give this run another folder with --out DIR");
            return stop(&[problem], LOCKED);
        }
        Err(LockError::Io(error)) => {
            let message = format!("cannot use {}: {error}", batch.out.display());
            return stop(&[Diagnostic::error("deliver::folder", message)], FAILED);
        }
    };
    let ended = batch::make(&batch, prepared, &narrative).or_else(|problem| stop(&[problem], FAILED))?;
    let code = summary(&batch, &ended, args.format, quiet, timings.as_ref())?;
    if let (Some(timings), Format::Human) = (timings, args.format) {
        eprint!("{}", timings.table());
    }
    Ok(code)
}

/// Starts the stopwatch of `--timings` and has the stages report to it.
fn listen() -> Timings {
    let timings = Timings::start();
    // There is no other subscriber; were there one, the table would say that nothing was measured.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(timings.layer()));
    timings
}

/// Prints what came of a batch; the exit code is the smallest that applies.
fn summary(
    batch: &Batch,
    ended: &[Ended],
    format: Format,
    quiet: bool,
    timings: Option<&Timings>,
) -> Outcome {
    for e in ended {
        match &e.result {
            Err(problems) => terminal::print(problems),
            Ok(success) if !quiet => terminal::print(&success.warnings),
            Ok(_) => {}
        }
    }
    let folder = batch.out.join(batch.date.to_string());
    match format {
        Format::Json => {
            let experiments: Vec<_> = ended
                .iter()
                .map(|e| match &e.result {
                    Ok(s) => json!({
                        "id": e.id, "config": e.config, "status": if s.refused { "refused" } else { "complete" },
                        "action": s.action, "headline": s.headline, "kept": s.kept,
                    }),
                    Err(problems) => json!({
                        "id": e.id, "config": e.config, "status": "failed",
                        "problems": problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    }),
                })
                .collect();
            let mut answer =
                json!({ "data_date": batch.date.to_string(), "folder": folder, "experiments": experiments });
            if let Some(timings) = timings {
                answer["timings"] = timings.json();
            }
            print_json(&answer)?;
        }
        Format::Human => {
            let mut text = String::new();
            for e in ended {
                let id = e.id.clone().unwrap_or_else(|| e.config.display().to_string());
                match &e.result {
                    Ok(s) => text.push_str(&format!("{id:<20} {:<9} {}\n", s.action, s.headline)),
                    Err(_) => text.push_str(&format!("{id:<20} failed\n")),
                }
            }
            print(&text)?;
            if !quiet {
                eprintln!("reports are in {}", folder.display());
            }
        }
    }
    if ended.iter().any(|e| e.result.is_err()) {
        return Ok(PARTLY);
    }
    let refused = ended.iter().any(|e| e.result.as_ref().is_ok_and(|s| s.refused));
    Ok(if refused { REFUSED } else { DONE })
}
