//! `itog run`: the nightly job and its summary.

use itog::batch::{Batch, Ended};
use serde_json::json;

use super::night::{Setup, Wanted};
use super::timings::Timings;
use super::{DONE, Outcome, PARTLY, REFUSED, print, print_json, today};
use crate::cli::{Format, RunArgs};
use crate::terminal;

pub fn run(args: RunArgs, quiet: bool, timings: Option<Timings>) -> Outcome {
    let setup = Setup::new(&args.night, quiet, timings.is_some())?;
    let date = args.date.unwrap_or_else(today);
    // What one experiment alone was made for is no night.
    let deliver = args.only.is_none();
    let wanted = Wanted { date, only: args.only, resume: args.resume, deliver };
    let mut lock = None;
    let (batch, ended) = setup.night(wanted, &mut lock)?;
    if let Some(timings) = &timings {
        for e in &ended {
            if let (Some(id), Ok(success)) = (&e.id, &e.result) {
                timings.add(id, &success.stages);
            }
        }
    }
    let code = summary(&batch, &ended, args.night.format, quiet, timings.as_ref())?;
    let code = setup.deliver(code, &batch, &ended, lock);
    if let (Some(timings), Format::Human) = (timings, args.night.format) {
        eprint!("{}", timings.table());
    }
    Ok(code)
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
