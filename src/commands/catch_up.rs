//! `itog catch-up`: the nights that were missed, oldest first, of which only the newest is mailed.

use itog::deliver::nights;
use itog::diag::Diagnostic;
use serde_json::json;

use super::night::{Setup, Wanted};
use super::run::{outcome, outcome_json, told};
use super::{DONE, Outcome, USAGE, dated, print, print_json};
use crate::cli::{CatchUpArgs, Format};
use crate::terminal;

pub fn catch_up(args: CatchUpArgs, quiet: bool) -> Outcome {
    let (today, clock) = dated(args.until);
    let setup = Setup::new(&args.night, quiet, false)?;
    let partial = |night| nights::is_partial(&setup.out, night);
    let (wanted, passed) =
        nights::missing(&nights::nights(&setup.out), partial, today, usize::from(args.max));
    if passed > 0 {
        let message = format!("{passed} older nights stay missing");
        terminal::print(&[Diagnostic::warning("run::nights-left-out", message)
            .hint("ask for more with --max N, or make one with `itog run --date`")]);
    }
    let mut lock = None;
    let (mut code, mut all) = (DONE, Vec::new());
    for date in &wanted {
        let newest = Some(date) == wanted.last();
        tracing::info!(data_date = %date, mailed = newest, "making up for a night");
        let night = Wanted { date: *date, only: None, resume: true, deliver: newest, past: !newest, clock };
        let made = setup.night(night, &mut lock);
        let (batch, ended) = match made {
            // Nothing of an old night can be told from today's data; the newest may still be made.
            Err(USAGE) if !newest => continue,
            made => made?,
        };
        match args.night.format {
            Format::Json => all.push(outcome_json(&batch, &ended)),
            Format::Human => {
                // Lines of one experiment on several nights look alike.
                if wanted.len() > 1 {
                    print(&format!("{date}\n"))?;
                }
                told(&batch, &ended, quiet)?;
            }
        }
        // The lock is given up before a server is waited for; there is no night after the one that is mailed.
        let held = if newest { lock.take() } else { None };
        let this = setup.deliver(outcome(&ended), &batch, &ended, held);
        setup.measure(&batch, &ended)?;
        code = if code == DONE {
            this
        } else if this == DONE {
            code
        } else {
            code.min(this)
        };
    }
    if args.night.format == Format::Json {
        print_json(&json!({ "nights": all, "left_out": passed }))?;
    } else if wanted.is_empty() && !quiet {
        eprintln!("no night is missing up to {today}");
    }
    Ok(code)
}
