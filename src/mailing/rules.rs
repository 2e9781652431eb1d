//! Who is told what, and when: the only place that says so.

use jiff::civil::Date;

use super::night::{Night, Report};
use crate::config::delivery::valid::{Form, Mailbox, On, When, is_meant};
use crate::config::delivery::{Delivery, names};
use crate::deliver::outbox::Earlier;
use crate::report::mail::{self, Letter, Told};

/// Why somebody is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Reads the digest.
    Manager,
    /// Answers for an experiment.
    Owner,
    /// Keeps the night running.
    Operator,
}

/// A letter to somebody.
#[derive(Clone, Debug)]
pub struct Addressed<'a> {
    /// `experiment`, `digest`, `own-digest` or `operators`.
    pub kind: &'static str,
    /// Experiment id; empty for a letter about more than one.
    pub experiment: String,
    /// What it was made from: equal keys are the same letter.
    pub key: String,
    /// Whom.
    pub to: &'a Mailbox,
    /// Why.
    pub reader: Reader,
    /// On which nights.
    pub when: When,
    /// What.
    pub letter: Letter,
}

/// Every letter that a night could send, in the order of `delivery.toml`.
pub fn addressed<'a>(delivery: &'a Delivery, night: &Night) -> Vec<Addressed<'a>> {
    let mut all = Vec::new();
    for manager in &delivery.managers {
        let meant: Vec<&Report> = meant(night, &manager.experiments).collect();
        all.extend(digest(night, &meant, "digest", &manager.to, Reader::Manager, manager.when));
    }
    for owner in &delivery.owners {
        let is_own = |report: &&Report| report.told.owner.as_deref().is_some_and(|text| names(text, owner));
        let own: Vec<&Report> = meant(night, &owner.experiments).filter(is_own).collect();
        match owner.form {
            Form::Digest => {
                all.extend(digest(night, &own, "own-digest", &owner.to, Reader::Owner, owner.when))
            }
            Form::Each => all.extend(
                own.into_iter().filter(|report| report.told.entry.action.is_some()).map(|report| Addressed {
                    kind: "experiment",
                    experiment: report.told.entry.id.clone(),
                    key: report.key.clone(),
                    to: &owner.to,
                    reader: Reader::Owner,
                    when: owner.when,
                    letter: mail::experiment(&report.told, night.date),
                }),
            ),
        }
    }
    for operator in &delivery.operators {
        let is_due = match operator.on {
            On::Always => true,
            On::Problems => !night.troubles.is_empty(),
            On::Failures => night.troubles.iter().any(|trouble| trouble.failed),
        };
        if is_due {
            let complete = night.reports.iter().filter(|r| r.told.entry.action.is_some()).count();
            let letter = mail::operators(&night.troubles, complete, night.date);
            all.push(Addressed {
                kind: "operators",
                experiment: String::new(),
                key: key(night, &night.reports.iter().collect::<Vec<_>>(), &letter.news),
                to: &operator.to,
                reader: Reader::Operator,
                when: When::Always,
                letter,
            });
        }
    }
    all
}

/// Whether a letter is told now.
///
/// What was told of this very night is told again only when it came out otherwise; what was told of a later night makes this
/// one history.
pub fn is_due(
    when: When,
    news: &str,
    decision: &str,
    date: Date,
    earlier: Option<&Earlier>,
    even_old: bool,
) -> bool {
    let Some(earlier) = earlier else { return true };
    let date = date.to_string();
    if earlier.data_date > date && !even_old {
        return false;
    }
    match when {
        When::Always => earlier.data_date != date || earlier.news != news,
        When::News => earlier.news != news,
        When::Decision => earlier.decision != decision,
    }
}

fn meant<'n>(night: &'n Night, patterns: &'n [String]) -> impl Iterator<Item = &'n Report> {
    night.reports.iter().filter(move |report| is_meant(patterns, &report.told.entry.id))
}

fn digest<'a>(
    night: &Night,
    reports: &[&Report],
    kind: &'static str,
    to: &'a Mailbox,
    reader: Reader,
    when: When,
) -> Option<Addressed<'a>> {
    if reports.is_empty() {
        return None;
    }
    let told: Vec<&Told> = reports.iter().map(|report| &report.told).collect();
    let whole = reports.len() == night.reports.len();
    let letter = mail::digest(&told, night.date, whole, night.chain.as_deref().filter(|_| whole));
    let key = key(night, reports, "");
    Some(Addressed { kind, experiment: String::new(), key, to, reader, when, letter })
}

/// What a letter about several experiments was made from.
fn key(night: &Night, reports: &[&Report], more: &str) -> String {
    let mut text = format!("{}\n{more}\n", night.date);
    for report in reports {
        let e = &report.told.entry;
        let broken = if e.action.is_none() { e.lead.as_str() } else { "" };
        text.push_str(&format!("{}\n{}\n{broken}\n", e.id, report.key));
    }
    super::fingerprint(&text)
}
