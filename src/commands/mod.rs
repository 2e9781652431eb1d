//! What each command does, and what it returns.

#![allow(
    clippy::disallowed_methods,
    reason = "the command line is where the clock and the environment are read"
)]

mod analyze;
mod archive;
mod catch_up;
mod check;
mod doctor;
mod graph;
mod init;
mod mail;
mod night;
mod plan;
mod prometheus;
mod prune;
mod run;
mod send;
mod status;
mod systemd;
pub mod timings;
mod worker;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use itog::batch;
use itog::config::{self, Override};
use itog::deliver::nights::Keep;
use itog::diag::Diagnostic;
use itog::templates::{self, Templates};
use jiff::civil::Date;

use crate::cli::{Cli, Command, RunArgs};
use crate::terminal;
use timings::Timings;

/// Every report was made.
pub const DONE: u8 = 0;
/// The program itself failed.
pub const FAILED: u8 = 1;
/// Wrong usage, or no config could be read.
pub const USAGE: u8 = 2;
/// Some experiments failed.
pub const PARTLY: u8 = 3;
/// A data gate refused an experiment.
pub const REFUSED: u8 = 4;
/// Reports are complete, delivery is not.
pub const UNDELIVERED: u8 = 5;
/// Another run holds the output folder.
pub const LOCKED: u8 = 11;

/// The run was interrupted, as shells say it.
pub const INTERRUPTED: u8 = 130;

/// A command's end when it is not the plain one: an exit code after the problems were printed.
type Outcome = Result<u8, u8>;

/// Runs a command and returns its exit code.
pub fn execute(cli: Cli) -> u8 {
    let timed = matches!(
        &cli.command,
        Command::Run(RunArgs { timings: true, .. }) | Command::Worker { timings: true, .. }
    );
    let timings = timed.then(Timings::start);
    terminal::log::start(&cli, timings.as_ref());
    let quiet = cli.quiet;
    let outcome = match cli.command {
        Command::Run(args) => run::run(args, quiet, timings),
        Command::CatchUp(args) => catch_up::catch_up(args, quiet),
        Command::Status { out, format } => status::status(format, &out.out),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Prune { keep, keep_nights, dry_run, out, format } => {
            let keep = keep_nights.map_or(Keep::Days(keep.unwrap_or(u32::MAX)), |n| Keep::Nights(n as usize));
            prune::prune(keep, dry_run, format, &out.out)
        }
        Command::Check { paths, set, texts } => {
            check::check(&paths, &set.overrides, texts.templates.as_deref(), quiet)
        }
        Command::Analyze { file, set, texts, date } => {
            analyze::analyze(&file, &set.overrides, texts.templates.as_deref(), date)
        }
        Command::Validate { file, set, date, iterations, format } => {
            analyze::validate(&file, &set.overrides, date, iterations, format)
        }
        Command::Plan(args) => plan::plan(&args),
        Command::Graph { file, format } => graph::architecture(&file, format),
        Command::Archive { command, out } => archive::archive(command, &out.out, quiet),
        Command::Send(args) => send::send(&args, quiet),
        Command::Init { systemd: Some(folder), .. } => systemd::units(folder.as_deref()),
        Command::Init { dir, .. } => init::init(&dir.unwrap_or_default()),
        Command::Worker { texts, .. } => worker::serve(texts.templates.as_deref(), timings),
        Command::Templates { dir } => init::templates(&dir),
        Command::Schema { delivery: true } => print_json(&config::delivery::schema()),
        Command::Schema { delivery: false } => print_json(&config::schema()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "itog", &mut std::io::stdout());
            Ok(DONE)
        }
    };
    outcome.unwrap_or_else(|code| code)
}

/// Prints problems and stops with a code.
fn stop<T>(problems: &[Diagnostic], code: u8) -> Result<T, u8> {
    terminal::print(problems);
    Err(code)
}

/// Writes to stdout; a reader that went away (`itog … | head`) is no failure.
fn print(text: &str) -> Outcome {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(DONE),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(DONE),
        Err(error) => stop(&[Diagnostic::error("cli::stdout", error.to_string())], FAILED),
    }
}

fn print_json(value: &serde_json::Value) -> Outcome {
    print(&format!("{value:#}\n"))
}

fn overrides(arguments: &[String]) -> Result<Vec<Override>, u8> {
    let parsed: Vec<_> = arguments.iter().map(|a| Override::parse(a)).collect();
    let problems: Vec<Diagnostic> = parsed.iter().filter_map(|p| p.clone().err()).collect();
    if !problems.is_empty() {
        return stop(&problems, USAGE);
    }
    Ok(parsed.into_iter().filter_map(Result::ok).collect())
}

fn configs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, u8> {
    let found = batch::configs(paths).or_else(|problem| stop(&[problem], USAGE))?;
    if found.is_empty() {
        let problem = Diagnostic::error("cli::no-config", "no config was found")
            .hint("name a TOML file or a folder with TOML files; `itog init DIR` makes one");
        return stop(&[problem], USAGE);
    }
    Ok(found)
}

/// The built-in texts with those of the user's folder in place of theirs; broken ones end the command before it begins.
fn templates(folder: Option<&Path>) -> Result<Templates, u8> {
    let texts = folder.map_or_else(|| Ok(Vec::new()), templates::read);
    texts.and_then(Templates::with).or_else(|problems| stop(&problems, USAGE))
}

fn today() -> Date {
    jiff::Zoned::now().date()
}

/// The date that was named, else the clock's; and what the clock says where it was asked.
fn dated(named: Option<Date>) -> (Date, Option<Date>) {
    match named {
        Some(date) => (date, None),
        None => {
            let today = today();
            (today, Some(today))
        }
    }
}

/// Now: `SOURCE_DATE_EPOCH`, else the clock.
fn now() -> Result<jiff::Timestamp, u8> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(jiff::Timestamp::now()) };
    let parsed = text.trim().parse::<i64>().ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    parsed.map_or_else(
        || {
            let problem =
                Diagnostic::error("cli::source-date-epoch", format!("SOURCE_DATE_EPOCH is `{text}`"))
                    .hint("it must be seconds since 1970-01-01");
            stop(&[problem], USAGE)
        },
        Ok,
    )
}

/// The date that stands for now in files: `SOURCE_DATE_EPOCH`, else the data date.
fn stamp(date: Date) -> Result<Date, u8> {
    if std::env::var_os("SOURCE_DATE_EPOCH").is_none() {
        return Ok(date);
    }
    Ok(now()?.to_zoned(jiff::tz::TimeZone::UTC).date())
}
