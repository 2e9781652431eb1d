//! `itog archive decide`: what people decided, taken down.

use std::path::Path;

use itog::deliver::archive::{Archive, Decided, NewDecision, Refused};
use itog::diag::Diagnostic;
use itog::history::Outcome as Decision;
use jiff::civil::Date;

use super::{DONE, FAILED, Outcome, USAGE, failed, stop};
use crate::commands::now;

/// What was asked for on the command line.
pub struct Asked<'a> {
    pub id: &'a str,
    pub outcome: Decision,
    pub by: &'a str,
    pub reason: &'a str,
    pub review_on: Option<Date>,
    pub supersedes: Option<i64>,
}

pub fn decide(asked: &Asked, out: &Path, quiet: bool) -> Outcome {
    let (by, reason) = (asked.by.trim(), asked.reason.trim());
    for (flag, text) in [("--by", by), ("--reason", reason)] {
        if text.is_empty() {
            let problem = Diagnostic::error("archive::empty", format!("{flag} says nothing"))
                .hint("the archive is read years later: write who decided, and why in a sentence");
            return stop(&[problem], USAGE);
        }
    }
    let now = now()?;
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    if let Some(day) = asked.review_on.filter(|day| *day < today) {
        let problem = Diagnostic::error("archive::review-date", format!("--review-on {day} is in the past"))
            .hint("name a day to come, or leave --review-on out");
        return stop(&[problem], USAGE);
    }
    let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let review_on = asked.review_on.map(|day| day.to_string());
    let new = NewDecision {
        experiment: asked.id,
        outcome: asked.outcome.name(),
        by,
        reason,
        review_on: review_on.as_deref(),
        at: &at,
        supersedes: asked.supersedes,
    };
    let mut archive = Archive::open(out).or_else(|failure| failed(&failure, "archive::open", out))?;
    let said = match archive.decide(&new) {
        Ok(Decided::New(seq)) => format!("decision {seq}: {} {} by {by}", asked.id, asked.outcome.name()),
        Ok(Decided::Standing(seq)) => format!("decision {seq} says so already; nothing was added"),
        Err(refused) => return refuse(refused, asked, &at, out),
    };
    if !quiet {
        eprintln!("{said}");
    }
    Ok(DONE)
}

fn refuse(refused: Refused, asked: &Asked, at: &str, out: &Path) -> Outcome {
    match refused {
        Refused::Archive(failure) => failed(&failure, "archive::append", out),
        Refused::Unknown(known) => {
            let message = format!("the archive has no experiment `{}`", asked.id);
            let hint = match known.as_slice() {
                [] => "run it first: a decision is about a recommendation".to_owned(),
                known => format!("it has {}", listed(known)),
            };
            stop(&[Diagnostic::error("archive::unknown-experiment", message).hint(hint)], USAGE)
        }
        Refused::Another(standing) => {
            let (named, id) = (asked.supersedes.unwrap_or_default(), asked.id);
            let message = match standing {
                Some(seq) => format!("decision {named} does not stand for `{id}`: decision {seq} does"),
                None => format!("no decision stands for `{id}` yet, so there is no {named} to supersede"),
            };
            let problem = Diagnostic::error("archive::not-standing", message)
                .hint(format!("read `itog archive show {id}` first, then name the decision that stands"));
            stop(&[problem], USAGE)
        }
        Refused::Clock(last) => {
            let message = format!("the clock says {at}, but the last decision was taken down at {last}");
            let problem = Diagnostic::error("archive::clock", message)
                .hint("set the clock: a decision with a wrong time could never be mended");
            stop(&[problem], FAILED)
        }
    }
}

/// Some ids, not hundreds.
fn listed(known: &[String]) -> String {
    const MOST: usize = 12;
    let shown = known.iter().take(MOST).map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    if known.len() > MOST { format!("{shown} and {} more", known.len() - MOST) } else { shown }
}
