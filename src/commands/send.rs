//! `itog send`: delivers the outbox, shows it, and lets people decide about single messages.

use std::path::{Path, PathBuf};

use itog::config::delivery::{self, Delivery};
use itog::deliver::outbox::{Event, Message, Outbox, Queued, whole};
use itog::diag::{Diagnostic, Place};
use itog::mailing::{self, Due};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

use super::mail::{self, database, deliver, is_done, open, queue};
use super::{DONE, FAILED, Outcome, UNDELIVERED, USAGE, print, print_json, stamp, stop, templates};
use crate::cli::{Format, SendArgs};
use crate::terminal;

pub fn send(args: &SendArgs, quiet: bool) -> Outcome {
    let out = args.out.out.as_path();
    if args.status {
        return status(out, args.format);
    }
    if !out.join(itog::deliver::archive::FILE).is_file() {
        let problem = Diagnostic::error("archive::none", format!("{} has no archive yet", out.display()));
        return stop(
            &[problem.hint("name the output folder with --out DIR; `itog run` makes the reports to mail")],
            USAGE,
        );
    }
    let delivery = match delivery::load(&args.delivery) {
        Ok(read) => {
            terminal::print(&read.warnings);
            read.value
        }
        Err(problems) => return stop(&problems, USAGE),
    };
    if args.dry_run {
        return dry_run(args, &delivery);
    }
    if !delivery.enabled {
        let problem = Diagnostic::error("delivery::disabled", "delivery is not enabled, nothing is sent")
            .at(Place::file(&args.delivery))
            .hint("write enabled = true; `itog send --dry-run` shows the messages without sending them");
        return stop(&[problem], USAGE);
    }
    by_hand(args, out)?;
    nights(args, out, &delivery)?;
    let outcome = deliver(out, &delivery, args.once, quiet).map_err(|_| UNDELIVERED)?;
    if args.format == Format::Json {
        print_json(&json!({
            "sent": outcome.sent, "failed": outcome.failed, "waiting": outcome.waiting, "uncertain": outcome.uncertain,
        }))?;
    }
    Ok(if is_done(&outcome) { DONE } else { UNDELIVERED })
}

fn failed<T>(problem: Diagnostic) -> Result<T, u8> {
    stop(&[problem], FAILED)
}

/// Queues the night that was asked for, and those that a run announced and did not live to queue.
fn nights(args: &SendArgs, out: &Path, delivery: &Delivery) -> Result<(), u8> {
    let mut dates = Vec::new();
    match args.night {
        Some(date) => dates.push((date, Due::EvenOld)),
        None => {
            let outbox = open(out).or_else(failed)?;
            let unsettled = outbox.unsettled().or_else(|error| failed(database(&error)))?;
            let known = unsettled.iter().filter_map(|date| date.parse::<Date>().ok());
            // A run that died before its folder was in place has nothing to tell; its repetition will.
            dates.extend(
                known
                    .filter(|date| out.join(date.to_string()).join("manifest.json").is_file())
                    .map(|d| (d, Due::News)),
            );
        }
    }
    if dates.is_empty() {
        return Ok(());
    }
    let templates = templates(args.templates.templates.as_deref())?;
    for (date, due) in dates {
        if let Err(problem) = queue(out, date, delivery, &templates, &[], due) {
            return failed(problem);
        }
    }
    Ok(())
}

/// What people decide about single messages.
fn by_hand(args: &SendArgs, out: &Path) -> Result<(), u8> {
    let mut outbox = open(out).or_else(failed)?;
    let is = |wanted: Event| move |event: Event| event == wanted;
    change(&mut outbox, &args.retry_uncertain, is(Event::Uncertain), Event::Queued, "sent again by hand")?;
    change(&mut outbox, &args.retry_failed, is(Event::Failed), Event::Queued, "sent again by hand")?;
    let open = |event: Event| event.waits() || matches!(event, Event::Uncertain | Event::Failed);
    change(&mut outbox, &args.cancel, open, Event::Cancelled, "taken back by hand")
}

fn change(
    outbox: &mut Outbox,
    ids: &[String],
    from: impl Fn(Event) -> bool,
    to: Event,
    why: &str,
) -> Result<(), u8> {
    if ids.is_empty() {
        return Ok(());
    }
    let now = Timestamp::now();
    outbox.settle(now).or_else(|error| failed(database(&error)))?;
    let listed = outbox.list(from).or_else(|error| failed(database(&error)))?;
    let chosen: Vec<i64> = if ids.iter().any(|id| id == "all") {
        listed.iter().map(|message| message.id).collect()
    } else {
        let named = |id: &String| match listed.iter().find(|message| message.id.to_string() == *id) {
            Some(message) => Ok(message.id),
            None => {
                let message = format!("no message {id} is in a state for this");
                let problem = Diagnostic::error("delivery::unknown-message", message);
                stop(&[problem.hint("`itog send --status` lists numbers and states")], USAGE)
            }
        };
        ids.iter().map(named).collect::<Result<_, u8>>()?
    };
    for id in chosen {
        outbox.record(id, to, now, why).or_else(|error| failed(database(&error)))?;
    }
    Ok(())
}

/// Lists what is not delivered, and what failed.
fn status(out: &Path, format: Format) -> Outcome {
    if !out.join(itog::deliver::archive::FILE).is_file() {
        return print("the outbox is empty: there is no archive yet\n");
    }
    let outbox = open(out).or_else(failed)?;
    let listed = outbox.list(|event| !matches!(event, Event::Sent | Event::Cancelled));
    let listed = listed.or_else(|error| failed(database(&error)))?;
    let sum = outbox.sum().or_else(|error| failed(database(&error)))?;
    match format {
        Format::Json => print_json(&json!({ "sum": sum, "messages": listed }))?,
        Format::Human => {
            let line = |m: &Queued| {
                format!(
                    "{:>5}  {:<9}  {}  {:<28}  {}\n{}",
                    m.id,
                    m.last.event.name(),
                    m.data_date,
                    m.recipient,
                    m.subject,
                    if m.last.detail.is_empty() {
                        String::new()
                    } else {
                        format!("       {}\n", m.last.detail)
                    },
                )
            };
            let lines: String = listed.iter().map(line).collect();
            print(&format!(
                "{lines}waiting {}, uncertain {}, failed {}, sent {}, cancelled {}\n",
                sum.waiting, sum.uncertain, sum.failed, sum.sent, sum.cancelled
            ))?
        }
    };
    Ok(if sum.waiting + sum.uncertain + sum.failed > 0 { UNDELIVERED } else { DONE })
}

/// Writes what waits, and what the newest night would queue, as files that every mail program opens.
fn dry_run(args: &SendArgs, delivery: &Delivery) -> Outcome {
    let out = args.out.out.as_path();
    let folder = args.to.clone().unwrap_or_else(|| out.join("outbox"));
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let outbox = open(out).or_else(failed)?;
    if args.night.is_none() {
        let waiting = outbox.list(Event::waits).or_else(|error| failed(database(&error)))?;
        for message in waiting {
            let text = outbox.text(message.id).or_else(|error| failed(database(&error)))?;
            let name = name(&message.data_date, &message.kind, &message.experiment, &message.recipient);
            files.extend(text.map(|text| (format!("{:05}-{name}", message.id), text)));
        }
    }
    if let Some(date) = args.night.or_else(|| newest(out)) {
        let templates = templates(args.templates.templates.as_deref())?;
        let night = mail::night(out, date, &templates, &[]).or_else(failed)?;
        let due = if args.night.is_some() { Due::Everything } else { Due::News };
        let messages = mailing::messages(&night, delivery, &outbox, &templates.email, due).or_else(failed)?;
        let at = stamp(date)?.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        let at = at.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp());
        let of = |m: &Message| {
            let name = name(&m.data_date, &m.kind, &m.experiment, &m.recipient);
            (name, whole(&m.headers, at, &m.body))
        };
        let fresh =
            messages.iter().filter(|m| args.night.is_some() || !outbox.knows(&m.message_id).unwrap_or(false));
        files.extend(fresh.map(of));
    }
    mailing::night::write_all(&folder, &files).or_else(failed)?;
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
    match args.format {
        Format::Json => print_json(&json!({ "files": paths })),
        Format::Human => print(&paths.iter().map(|path| format!("{}\n", path.display())).collect::<String>()),
    }
}

/// The newest night that is in place.
fn newest(out: &Path) -> Option<Date> {
    let dates = std::fs::read_dir(out).ok()?.filter_map(Result::ok);
    let dates = dates.filter(|entry| entry.path().join("manifest.json").is_file());
    dates.filter_map(|entry| entry.file_name().to_str()?.parse::<Date>().ok()).max()
}

/// The name of a file: what it is, for whom, in characters that every file system takes.
fn name(date: &str, kind: &str, experiment: &str, recipient: &str) -> String {
    let parts = [date, kind, experiment, recipient];
    let joined = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.@".contains(c) { c } else { '_' };
    format!("{}.eml", joined.chars().map(safe).collect::<String>())
}
