//! Mail as the commands need it: what a run has to do with it, the server with its secret, the clock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use itog::batch::{Batch, Ended};
use itog::config::delivery::valid::{Secret, Security, Smtp, Uncertain};
use itog::config::delivery::{self, Delivery};
use itog::deliver::archive::Archive;
use itog::deliver::lock::{Lock, LockError};
use itog::deliver::outbox::send::{Clock, Outcome, Policy, send};
use itog::deliver::outbox::smtp::{Protection, Server, Trouble};
use itog::deliver::outbox::{Event, Outbox, Queued};
use itog::diag::{Diagnostic, Place, Severity};
use itog::mailing::night::Night;
use itog::mailing::{self, Due};
use itog::report::mail::Trouble as Told;
use itog::templates::Templates;
use itog::wording::terms::Vocabulary;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::terminal;

/// The mail of a run.
pub enum Mail {
    /// Nobody is written to: no file, not enabled, or not wanted this time.
    Off,
    /// `delivery.toml` is wrong, and has been said to be.
    Broken,
    /// On.
    On(Box<Delivery>),
}

impl Mail {
    /// The mail of a run over these paths. Its problems are printed now, before anything is run.
    pub fn of_run(paths: &[PathBuf], is_unwanted: bool) -> Mail {
        let Some(file) = delivery::find(paths).filter(|_| !is_unwanted) else { return Mail::Off };
        match delivery::load(&file) {
            Ok(read) => {
                terminal::print(&read.warnings);
                if read.value.enabled { Mail::On(Box::new(read.value)) } else { Mail::Off }
            }
            Err(problems) => {
                terminal::print(&problems);
                Mail::Broken
            }
        }
    }

    /// Notes that the mail of a night will be queued: if the run dies first, `itog send` does it.
    pub fn announce(&self, out: &Path, date: Date) {
        if !matches!(self, Mail::On(_)) {
            return;
        }
        let noted = open(out).and_then(|mut outbox| {
            outbox.announce(&date.to_string(), Timestamp::now()).map_err(|error| database(&error))
        });
        if let Err(problem) = noted {
            // The run itself will say so, too: it needs the same archive.
            terminal::print(&[problem]);
        }
    }

    /// Queues and sends the mail of a night whose reports are in place; whether everything got through.
    ///
    /// The lock of the output folder is held while the reports are read, not while a server is waited for.
    pub fn after_night(
        &self,
        batch: &Batch,
        ended: &[Ended],
        templates: &Templates,
        quiet: bool,
        lock: Option<Lock>,
    ) -> bool {
        let delivery = match self {
            Mail::Off => return true,
            Mail::Broken => {
                let message = "no mail was queued, because delivery.toml is wrong";
                let problem = Diagnostic::warning("delivery::waiting", message);
                let hint = format!("mend it, then `itog send --night {}`", batch.date);
                terminal::print(&[problem.hint(hint)]);
                return false;
            }
            Mail::On(delivery) => delivery,
        };
        if let Err(problem) = queue(&batch.out, batch.date, delivery, templates, &troubles(ended), Due::News)
        {
            terminal::print(&[problem]);
            return false;
        }
        drop(lock);
        let Ok(outcome) = deliver(&batch.out, delivery, false, quiet) else { return false };
        match failed_before(&batch.out, batch.date, &outcome) {
            Ok(before) => {
                terminal::print(&before.iter().map(refused).collect::<Vec<Diagnostic>>());
                before.is_empty() && is_done(&outcome)
            }
            Err(problem) => {
                terminal::print(&[problem]);
                false
            }
        }
    }
}

/// The messages of a night that failed before they were tried now, and that nobody has sent again or taken back: a night that
/// is repeated is not delivered because of that.
fn failed_before(out: &Path, night: Date, now: &Outcome) -> Result<Vec<Queued>, Diagnostic> {
    let mut failed = open(out)?.list(|event| event == Event::Failed).map_err(|error| database(&error))?;
    let night = night.to_string();
    failed.retain(|m| m.data_date == night && !now.failed.iter().any(|told| told.id == m.id));
    Ok(failed)
}

/// What failed, as operators are told.
fn troubles(ended: &[Ended]) -> Vec<Told> {
    let mut troubles = Vec::new();
    for e in ended {
        let Err(problems) = &e.result else { continue };
        let name = e.config.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let experiment = e.id.clone().unwrap_or(name);
        for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
            troubles.push(Told {
                experiment: experiment.clone(),
                code: problem.code.to_owned(),
                text: problem.to_string(),
                failed: true,
            });
        }
    }
    troubles
}

/// Whether nothing is left to deliver.
pub fn is_done(outcome: &Outcome) -> bool {
    outcome.failed.is_empty() && outcome.waiting.is_empty() && outcome.uncertain.is_empty()
}

/// The night whose mail is made: its folder, and what the archive knows of the night before.
pub fn night(out: &Path, date: Date, templates: &Templates, failed: &[Told]) -> Result<Night, Diagnostic> {
    let mut night = Night::read(out, date, failed)?;
    let archive = Archive::read(out).map_err(|failure| failure.diagnostic("archive::read", out))?;
    for report in &mut night.reports {
        let told = &mut report.told;
        let before = archive.before(&told.entry.id, &date.to_string()).ok().flatten();
        let other = before.filter(|entry| Some(&entry.action) != told.entry.action.as_ref());
        told.before = other.and_then(|entry| {
            templates.narrative.terms().action(&entry.action).map(|term| term.label.clone())
        });
        let decisions = archive.decisions(Some(&told.entry.id));
        let decisions = decisions.map_err(|failure| failure.diagnostic("archive::read", out))?;
        let standing = decisions.iter().rev().find(|decision| decision.superseded_by.is_none());
        let terms = templates.narrative.terms();
        told.decided = standing.map(|decision| terms.word(Vocabulary::Outcome, &decision.outcome).to_owned());
    }
    night.chain = archive.head().ok();
    Ok(night)
}

/// Queues what a night has to tell. Returns how many messages are new.
pub fn queue(
    out: &Path,
    date: Date,
    delivery: &Delivery,
    templates: &Templates,
    failed: &[Told],
    due: Due,
) -> Result<usize, Diagnostic> {
    let night = night(out, date, templates, failed)?;
    let mut outbox = open(out)?;
    let messages = mailing::messages(&night, delivery, &outbox, &templates.email, due)?;
    let now = Timestamp::now();
    let new = outbox.queue(&messages, now).map_err(|error| database(&error))?;
    outbox.settled(&date.to_string(), now).map_err(|error| database(&error))?;
    Ok(new)
}

/// Nothing could be tried; why has been said.
pub struct Unsent;

/// Sends what waits and says what came of it; `Err` when nothing could be tried, which has been said.
pub fn deliver(out: &Path, delivery: &Delivery, once: bool, quiet: bool) -> Result<Outcome, Unsent> {
    let said = |problem: Diagnostic| {
        terminal::print(&[problem]);
        Unsent
    };
    let _lock = match Lock::take_outbox(out) {
        Ok(lock) => lock,
        Err(LockError::Held) => {
            let problem =
                Diagnostic::warning("delivery::locked", "another process is sending from this outbox");
            return Err(said(
                problem.hint("it takes the new messages along; `itog send --status` shows them"),
            ));
        }
        Err(LockError::Io(error)) => {
            let message = format!("cannot use {}: {error}", out.display());
            return Err(said(Diagnostic::error("deliver::folder", message)));
        }
    };
    let mut outbox = open(out).map_err(said)?;
    let waiting = outbox.sum().map_err(|error| said(database(&error)))?.waiting;
    if waiting == 0 && delivery.mail.uncertain == Uncertain::Hold {
        // What a process that died left open is told, without a look at the server.
        outbox.settle(Timestamp::now()).map_err(|error| said(database(&error)))?;
    }
    let server = server(&delivery.smtp, delivery.mail.from.domain()).map_err(said)?;
    let policy = Policy {
        attempts: if once { 1 } else { delivery.smtp.attempts },
        backoff: Duration::from_secs(delivery.smtp.backoff_seconds),
        give_up: Duration::from_secs(delivery.smtp.give_up_hours * 3600),
        resend_uncertain: delivery.mail.uncertain == Uncertain::Resend,
    };
    let outcome = send(&mut outbox, &server, policy, &Wall).map_err(|error| said(database(&error)))?;
    let month = Timestamp::now() - jiff::SignedDuration::from_hours(30 * 24);
    if let Err(error) = outbox.forget_bodies(month) {
        terminal::print(&[database(&error)]);
    }
    tell(&outcome, &delivery.smtp, quiet);
    Ok(outcome)
}

/// A message and what came of it.
fn named(message: &Queued) -> String {
    let Queued { id, subject, recipient, last, .. } = message;
    format!("message {id} «{subject}» to {recipient}: {}", last.detail)
}

/// What is said of a message that failed.
fn refused(message: &Queued) -> Diagnostic {
    let hint = format!("mend the cause, then `itog send --retry-failed {0}`, or `--cancel {0}`", message.id);
    Diagnostic::error("delivery::failed", named(message)).hint(hint)
}

/// Says what came of sending.
fn tell(outcome: &Outcome, smtp: &Smtp, quiet: bool) {
    let mut problems = Vec::new();
    if let Some(trouble) = &outcome.trouble {
        let (code, words, hint) = match trouble {
            Trouble::Passing(words) => {
                ("delivery::server", words, "it is tried again by the next `itog send`")
            }
            Trouble::Lasting(words) => {
                let hint = "mend [smtp] in delivery.toml, the certificate or the password, then `itog send`";
                ("delivery::server-refuses", words, hint)
            }
        };
        let message = format!("{}:{}: {words}", smtp.host, smtp.port);
        problems.push(Diagnostic::error(code, message).hint(hint));
    }
    problems.extend(outcome.failed.iter().map(refused));
    for message in &outcome.uncertain {
        let problem = Diagnostic::warning("delivery::uncertain", named(message));
        let hint = format!(
            "ask whether it arrived, then `itog send --retry-uncertain {0}` or `--cancel {0}`",
            message.id
        );
        problems.push(problem.hint(hint));
    }
    if let (Some(first), n @ 1..) = (outcome.waiting.first(), outcome.waiting.len()) {
        let message = format!("{n} messages wait, the first is {}", named(first));
        let hint = "the next `itog send` or run tries them again; `itog send --status` lists them";
        problems.push(Diagnostic::warning("delivery::waiting", message).hint(hint));
    }
    terminal::print(&problems);
    if !quiet && !outcome.sent.is_empty() {
        eprintln!("{} messages sent", outcome.sent.len());
    }
}

/// The outbox of an output folder.
pub fn open(out: &Path) -> Result<Outbox, Diagnostic> {
    Outbox::open(out).map_err(|failure| failure.diagnostic("archive::open", out))
}

/// What SQLite said of the outbox.
pub fn database(error: &itog::deliver::outbox::Error) -> Diagnostic {
    Diagnostic::error("delivery::outbox", format!("the outbox: {error}")).hint(
        "see whether the disk is full and the archive writable; `itog archive verify` looks at the rest",
    )
}

/// The time of this machine.
struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

/// The server with its secrets.
fn server(smtp: &Smtp, domain: &str) -> Result<Server, Diagnostic> {
    let password = smtp.password.as_ref().map(secret).transpose()?;
    let roots = match &smtp.ca_file {
        None => None,
        Some(path) => Some(std::fs::read(path).map_err(|error| {
            let message = format!("the certificates cannot be read: {error}");
            Diagnostic::error("delivery::ca-file", message)
                .at(Place::file(path))
                .hint("mend `ca_file` under [smtp], a PEM file")
        })?),
    };
    Ok(Server {
        host: smtp.host.clone(),
        port: smtp.port,
        protection: match smtp.security {
            Security::Starttls => Protection::Starttls,
            Security::Tls => Protection::Tls,
            Security::None => Protection::None,
        },
        login: smtp.username.clone().zip(password),
        roots,
        hello: smtp.hello.clone().unwrap_or_else(|| domain.to_owned()),
        timeout: Duration::from_secs(smtp.timeout_seconds),
    })
}

fn secret(secret: &Secret) -> Result<String, Diagnostic> {
    let missing = |message: String, hint: &str| Diagnostic::error("delivery::secret", message).hint(hint);
    let (password, place) = match secret {
        Secret::Environment(name) => {
            let value = std::env::var(name).map_err(|_| {
                let hint = "set it in the environment of itog: EnvironmentFile= in a systemd unit";
                missing(format!("the environment variable {name} is not set"), hint)
            })?;
            (value, name.clone())
        }
        Secret::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let hint = "mend `password_file`; the file must be readable for the user that itog runs as";
                missing(format!("{} cannot be read: {error}", path.display()), hint)
            })?;
            warn_of_readers(path);
            (text.trim_end_matches(['\r', '\n']).to_owned(), path.display().to_string())
        }
    };
    match password.is_empty() {
        true => Err(missing(format!("the password in {place} is empty"), "write the password there")),
        false => Ok(password),
    }
}

/// A password that every user of the machine can read is no secret.
#[cfg(unix)]
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let is_open = std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o007 != 0);
    if is_open {
        let problem =
            Diagnostic::warning("delivery::secret-readable", "every user of this machine can read it");
        terminal::print(&[problem.at(Place::file(path)).hint("chmod 600")]);
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}
