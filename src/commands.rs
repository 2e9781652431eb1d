//! What each command does, and what it returns.

#![allow(
    clippy::disallowed_methods,
    reason = "the command line is where the clock and the environment are read"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use itog::batch::{self, Batch, Ended};
use itog::config::valid::{Plan, PlanEstimand, Traffic};
use itog::config::{self, Override};
use itog::deliver::archive::Archive;
use itog::deliver::lock::{Lock, LockError};
use itog::diag::{Diagnostic, Severity};
use itog::validation::aa;
use itog::wording::narrative::Narrative;
use itog::{data, drawing, graph, planning, report, results, run};
use jiff::civil::Date;
use serde_json::json;

use crate::cli::{ArchiveCommand, Cli, Command, Format, GraphFormat, PlanArgs, RunArgs};
use crate::terminal;

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
/// Another run holds the output folder.
pub const LOCKED: u8 = 11;

/// A command's end when it is not the plain one: an exit code after the problems were printed.
type Outcome = Result<u8, u8>;

/// Runs a command and returns its exit code.
pub fn execute(cli: Cli) -> u8 {
    let quiet = cli.quiet;
    let outcome = match cli.command {
        Command::Run(args) => run(args, quiet),
        Command::Check { paths, set } => check(&paths, &set.overrides, quiet),
        Command::Analyze { file, set, date } => analyze(&file, &set.overrides, date),
        Command::Validate { file, set, date, iterations, format } => {
            validate(&file, &set.overrides, date, iterations, format)
        }
        Command::Plan(args) => plan(&args),
        Command::Graph { file, format } => architecture(&file, format),
        Command::Archive { command, out } => archive(&command, &out.out),
        Command::Init { dir } => init(&dir),
        Command::Schema => print_json(&config::schema()),
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

fn narrative() -> Result<Narrative, u8> {
    Narrative::new()
        .or_else(|error| stop(&[Diagnostic::error("templates::broken", error.to_string())], FAILED))
}

fn today() -> Date {
    jiff::Zoned::now().date()
}

/// The date that stands for now in files: `SOURCE_DATE_EPOCH`, else the data date.
fn stamp(date: Date) -> Result<Date, u8> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(date) };
    let parsed = text.trim().parse::<i64>().ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
    match parsed {
        Some(time) => Ok(time.to_zoned(jiff::tz::TimeZone::UTC).date()),
        None => {
            let problem =
                Diagnostic::error("cli::source-date-epoch", format!("SOURCE_DATE_EPOCH is `{text}`"))
                    .hint("it must be seconds since 1970-01-01");
            stop(&[problem], USAGE)
        }
    }
}

fn run(args: RunArgs, quiet: bool) -> Outcome {
    let narrative = narrative()?;
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
    summary(&batch, &ended, args.format, quiet)
}

/// Prints what came of a batch; the exit code is the smallest that applies.
fn summary(batch: &Batch, ended: &[Ended], format: Format, quiet: bool) -> Outcome {
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
            print_json(
                &json!({ "data_date": batch.date.to_string(), "folder": folder, "experiments": experiments }),
            )?;
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

fn check(paths: &[PathBuf], set: &[String], quiet: bool) -> Outcome {
    let overrides = overrides(set)?;
    let configs = configs(paths)?;
    let mut broken = 0;
    for path in &configs {
        let problems = match config::load(path, &overrides) {
            Err(problems) => problems,
            Ok(config) => {
                let mut said = config.warnings;
                if let Some(source) = &config.value.data {
                    match data::inspect(source, &config.value.metrics, &config.value.segments) {
                        Ok(header) => said.extend(header.warnings),
                        Err(problems) => said.extend(problems),
                    }
                }
                said
            }
        };
        let wrong = problems.iter().any(|p| p.severity == Severity::Error);
        broken += usize::from(wrong);
        terminal::print(&problems);
        if !quiet && !wrong {
            print(&format!("{}: ok\n", path.display()))?;
        }
    }
    Ok(match broken {
        0 => DONE,
        n if n == configs.len() => USAGE,
        _ => PARTLY,
    })
}

fn analyze(file: &Path, set: &[String], date: Option<Date>) -> Outcome {
    let narrative = narrative()?;
    let overrides = overrides(set)?;
    let config = config::load(file, &overrides).or_else(|problems| stop(&problems, USAGE))?;
    let date = date.unwrap_or_else(today);
    let findings = run::findings(config, date, &run::Past::default()).or_else(|p| stop(&p, PARTLY))?;
    let told = report::compose(&findings, &narrative)
        .or_else(|error| stop(&[Diagnostic::error("report::narrative", error.to_string())], FAILED))?;
    terminal::print(&findings.warnings);
    print_json(&results::v1(&findings, &told))?;
    Ok(if findings.trust.refused() { REFUSED } else { DONE })
}

fn validate(
    file: &Path,
    set: &[String],
    date: Option<Date>,
    iterations: Option<u64>,
    format: Format,
) -> Outcome {
    let overrides = overrides(set)?;
    let config = config::load(file, &overrides).or_else(|problems| stop(&problems, USAGE))?;
    if config.value.data.is_none() {
        let problem = Diagnostic::error("validate::no-rows", "the experiment has no rows to be relabelled")
            .hint("an A/A run needs [data]; published numbers cannot be proven");
        return stop(&[problem], USAGE);
    }
    let effort =
        aa::Effort { iterations: iterations.map_or(aa::THOROUGH.iterations, |n| n as usize), ..aa::THOROUGH };
    let date = date.unwrap_or_else(today);
    let proven = run::validate(config, date, effort).or_else(|problems| stop(&problems, PARTLY))?;
    if format == Format::Json {
        return print_json(&json!(proven.iter().map(results::proven).collect::<Vec<_>>()));
    }
    let line = |p: &aa::Proven| {
        let rate = p.rate.as_ref().map_or("not run".to_owned(), |rate| {
            let (low, high) = (rate.interval.low * 100.0, rate.interval.high * 100.0);
            format!(
                "{:.2} % false positives ({low:.2} to {high:.2}) in {} runs",
                rate.share * 100.0,
                rate.iterations
            )
        });
        format!("{:<20} {:<16} {:<13} {rate}\n", p.metric, p.test, results::proof_verdict(p))
    };
    print(&proven.iter().map(line).collect::<String>())
}

fn plan(args: &PlanArgs) -> Outcome {
    let lift = args.lift.or(args.relative_lift.map(|r| r * args.baseline)).unwrap_or(0.0);
    let wrong =
        |message: &str, hint: &str| stop(&[Diagnostic::error("plan::impossible", message).hint(hint)], USAGE);
    let inside = |x: f64| x > 0.0 && x < 1.0;
    if !inside(args.alpha) || !inside(args.power) {
        return wrong("alpha and power must be between 0 and 1", "for example --alpha 0.05 --power 0.8");
    }
    let estimand = match args.sd {
        Some(sd) if sd > 0.0 && lift != 0.0 => PlanEstimand::Mean { baseline: Some(args.baseline), lift, sd },
        Some(_) => {
            return wrong("--sd must be positive and the lift not zero", "for example --lift 2 --sd 40");
        }
        None if inside(args.baseline) && inside(args.baseline + lift) && lift != 0.0 => {
            PlanEstimand::Proportion { baseline: args.baseline, lift }
        }
        None => {
            return wrong(
                "the rate must stay between 0 and 1 and the lift must not be zero",
                "for example --baseline 0.05 --lift 0.002; for a mean add --sd",
            );
        }
    };
    let plan = Plan {
        id: "plan".into(),
        title: "plan".into(),
        estimand,
        alpha: args.alpha,
        power: args.power,
        groups: args.groups,
        traffic: args.traffic.map(|(users, days)| Traffic { users, days }),
    };
    let solved = match planning::solve(&plan, &[]) {
        Ok(solved) => solved,
        Err(reason) => {
            return wrong(&format!("the plan has no solution: {reason}"), "the power must be above alpha");
        }
    };
    if args.format == Format::Json {
        return print_json(&json!(solved));
    }
    let days =
        |d: Option<u64>| d.map_or_else(|| "unknown (give --traffic)".to_owned(), |d| format!("{d} days"));
    let mut text = format!(
        "effect size   {}\nper group     {}\ntotal         {}\nduration      {}\n",
        solved.effect_size,
        solved.n_per_group,
        solved.n_total,
        days(solved.days),
    );
    if solved.pairs > 1 {
        text.push_str(&format!(
            "with Bonferroni for {} comparisons: {} per group, {}\n",
            solved.pairs,
            solved.corrected.n_per_group,
            days(solved.corrected.days)
        ));
    }
    for d in &solved.detectable {
        text.push_str(&format!("seen in {:>3} days   {}\n", d.days, d.lift));
    }
    print(&text)
}

fn architecture(file: &Path, format: GraphFormat) -> Outcome {
    let config = config::load(file, &[]).or_else(|problems| stop(&problems, USAGE))?;
    let Some(architecture) = &config.value.architecture else {
        let problem = Diagnostic::error("graph::none", format!("{} has no [architecture]", file.display()));
        return stop(&[problem], USAGE);
    };
    print(&match format {
        GraphFormat::Mermaid => graph::mermaid(architecture),
        GraphFormat::Dot => graph::dot(architecture),
        GraphFormat::Svg => {
            let drawing = graph::draw(&graph::layout(architecture), Some(&graph::Legend::default()));
            let options = drawing::svg::Options { label: &architecture.title, standalone: true };
            drawing::svg::svg(&drawing, &options)
        }
    })
}

fn archive(command: &ArchiveCommand, out: &Path) -> Outcome {
    fn broken<T>(error: rusqlite::Error) -> Result<T, u8> {
        stop(&[Diagnostic::error("archive::read", error.to_string())], FAILED)
    }
    if !out.join("archive.sqlite").is_file() {
        let problem = Diagnostic::error("archive::none", format!("{} has no archive yet", out.display()))
            .hint("name the output folder with --out DIR; `itog run` makes the archive");
        return stop(&[problem], USAGE);
    }
    let archive = Archive::open(out).or_else(broken)?;
    match command {
        ArchiveCommand::List { format } => {
            let entries = archive.list().or_else(broken)?;
            if *format == Format::Json {
                return print_json(&json!(entries));
            }
            let line = |e: &itog::deliver::archive::Entry| {
                format!("{:>5}  {}  {:<20} {:<9} {}\n", e.seq, e.data_date, e.experiment, e.action, e.rule)
            };
            print(&entries.iter().map(line).collect::<String>())
        }
        ArchiveCommand::Verify => match archive.verify().or_else(broken)? {
            None if archive.verify_nights().or_else(broken)?.is_some() => {
                let message = "a kept night does not fit the chain: the archive was changed";
                stop(&[Diagnostic::error("archive::tampered", message)], FAILED)
            }
            None => print(&format!("ok, chain head {}\n", archive.head().or_else(broken)?)),
            Some(seq) => {
                let message = format!("entry {seq} does not fit the chain: the archive was changed");
                stop(&[Diagnostic::error("archive::tampered", message)], FAILED)
            }
        },
    }
}

fn init(dir: &Path) -> Outcome {
    let problem = |message: String| stop(&[Diagnostic::error("init::folder", message)], USAGE);
    if dir.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return problem(format!("{} is not empty; name a new folder", dir.display()));
    }
    let written = itog::demo::files().into_iter().try_for_each(|(name, bytes)| {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
        std::fs::write(path, bytes)
    });
    if let Err(error) = written {
        return problem(format!("cannot write to {}: {error}", dir.display()));
    }
    print(&format!("made {0}/config; now: cd {0} && itog run\n", dir.display()))
}
