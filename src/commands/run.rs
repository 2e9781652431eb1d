//! `itog run`: the nightly job and its summary.

use itog::batch::{Batch, Ended};
use serde_json::{Value, json};

use super::night::{Setup, Wanted};
use super::timings::Timings;
use super::{DONE, Outcome, PARTLY, REFUSED, dated, print, print_json};
use crate::cli::{Format, RunArgs};
use crate::terminal;

pub fn run(args: RunArgs, quiet: bool, timings: Option<Timings>) -> Outcome {
    let setup = Setup::new(&args.night, quiet, timings.is_some())?;
    let (date, clock) = dated(args.date);
    let (only, resume) = (args.only, args.resume);
    // What one experiment alone was made for is no night.
    let deliver = only.is_none();
    let wanted = Wanted { date, only, resume, deliver, past: false, clock };
    let mut lock = None;
    let (batch, ended) = setup.night(wanted, &mut lock)?;
    if let Some(timings) = &timings {
        for e in &ended {
            if let (Some(id), Ok(success)) = (&e.id, &e.result) {
                timings.add(id, &success.stages);
            }
        }
    }
    match args.night.format {
        Format::Json => {
            let mut answer = outcome_json(&batch, &ended);
            if let Some(timings) = &timings {
                answer["timings"] = timings.json();
            }
            print_json(&answer)?;
        }
        Format::Human => told(&batch, &ended, quiet)?,
    }
    let code = setup.deliver(outcome(&ended), &batch, &ended, lock);
    setup.measure(&batch, &ended)?;
    if let (Some(timings), Format::Human) = (timings, args.night.format) {
        eprint!("{}", timings.table());
    }
    Ok(code)
}

/// A night as JSON; its problems and warnings are on stderr.
pub fn outcome_json(batch: &Batch, ended: &[Ended]) -> Value {
    problems(ended, true);
    let one = |e: &Ended| match &e.result {
        Ok(s) => json!({
            "id": e.id, "config": e.config, "status": if s.refused { "refused" } else { "complete" },
            "action": s.action, "headline": s.headline, "kept": s.kept,
        }),
        Err(problems) => json!({
            "id": e.id, "config": e.config, "status": "failed",
            "problems": problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
    };
    let folder = batch.out.join(batch.date.to_string());
    let experiments: Vec<Value> = ended.iter().map(one).collect();
    json!({ "data_date": batch.date.to_string(), "folder": folder, "experiments": experiments })
}

/// A night as a line an experiment on stdout.
pub fn told(batch: &Batch, ended: &[Ended], quiet: bool) -> Result<(), u8> {
    problems(ended, !quiet);
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
        eprintln!("reports are in {}", batch.out.join(batch.date.to_string()).display());
    }
    Ok(())
}

fn problems(ended: &[Ended], warnings: bool) {
    for e in ended {
        match &e.result {
            Err(problems) => terminal::print(problems),
            Ok(success) if warnings => terminal::print(&success.warnings),
            Ok(_) => {}
        }
    }
}

/// The exit code of a night: the smallest that applies.
pub fn outcome(ended: &[Ended]) -> u8 {
    if ended.iter().any(|e| e.result.is_err()) {
        return PARTLY;
    }
    let refused = ended.iter().any(|e| e.result.as_ref().is_ok_and(|s| s.refused));
    if refused { REFUSED } else { DONE }
}
