//! What `itog run` and `itog catch-up` share: configs, workers, the lock, one night.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use itog::batch::{self, Batch, Ended, Pool, WorkerCommand};
use itog::config::Override;
use itog::deliver::lock::{Lock, LockError};
use itog::deliver::nights;
use itog::diag::Diagnostic;
use itog::templates::Templates;
use jiff::civil::Date;

use super::mail::Mail;
use super::prometheus;
use super::{
    DONE, FAILED, INTERRUPTED, LOCKED, UNDELIVERED, USAGE, configs, overrides, stamp, stop, templates,
};
use crate::cli::{LogFormat, LogLevel, NightArgs, Timeout};
use crate::terminal::{log, progress::Progress};

/// All that does not differ from night to night.
pub struct Setup {
    configs: Vec<PathBuf>,
    overrides: Vec<Override>,
    templates: Arc<Templates>,
    pool: Pool,
    timeout: Timeout,
    keep_inputs: u64,
    full: bool,
    single: bool,
    metrics: Option<PathBuf>,
    began: Instant,
    /// Output folder.
    pub out: PathBuf,
    quiet: bool,
    mail: Mail,
}

/// What one night is asked for.
pub struct Wanted {
    /// Data date.
    pub date: Date,
    /// Only this experiment.
    pub only: Option<String>,
    /// Keep what is complete.
    pub resume: bool,
    /// Fill the outbox.
    pub deliver: bool,
    /// A night made up for: only what today's data can still tell of it.
    pub past: bool,
    /// What the clock says, where it was asked for the date.
    pub clock: Option<Date>,
}

impl Setup {
    /// Reads the arguments; nothing is written yet.
    pub fn new(args: &NightArgs, quiet: bool, timings: bool) -> Result<Setup, u8> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // The first interrupt lets the batch leave what is complete to --resume; the second one does not wait for it.
        let _ = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
        });
        let texts = args.templates.templates.as_deref();
        let jobs = args.jobs.map(usize::from);
        let jobs = jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
        Ok(Setup {
            templates: Arc::new(tracing::debug_span!("templates").in_scope(|| templates(texts))?),
            overrides: overrides(&args.set.overrides)?,
            configs: configs(&args.paths)?,
            pool: Pool::new(worker(timings, texts)?, jobs, interrupted),
            timeout: args.timeout,
            keep_inputs: args.keep_inputs,
            full: args.full,
            single: !args.paths.is_empty() && !args.paths.iter().any(|path| path.is_dir()),
            metrics: args.metrics.clone(),
            began: Instant::now(),
            out: args.out.out.clone(),
            quiet,
            // Whom to write to is read before anything is run; if it is wrong, the reports are made all the same.
            mail: Mail::of_run(&args.paths, args.no_send),
        })
    }

    /// Makes one night. `lock` is taken when the first config can run, and kept for the nights after.
    pub fn night(&self, wanted: Wanted, lock: &mut Option<Lock>) -> Result<(Batch, Vec<Ended>), u8> {
        let batch = Batch {
            configs: self.configs.clone(),
            overrides: self.overrides.clone(),
            templates: Arc::clone(&self.templates),
            only: wanted.only,
            single: self.single,
            stamp: stamp(wanted.date)?,
            date: wanted.date,
            resume: wanted.resume,
            time_limit: self.timeout.0,
            keep_inputs: self.keep_inputs,
            full: self.full,
            deliver: wanted.deliver,
            past: wanted.past,
            out: self.out.clone(),
        };
        // Nothing may be written when no config can run, not even the output folder for its lock.
        let prepared = batch::prepare(&batch, &self.pool).or_else(|problems| {
            let interrupted = problems.iter().any(|problem| problem.code == "run::interrupted");
            stop(&problems, if interrupted { INTERRUPTED } else { USAGE })
        })?;
        if lock.is_none() {
            *lock = Some(take(&batch.out)?);
        }
        if let Some(clock) = wanted.clock
            && let Some(newest) = nights::nights(&batch.out).into_iter().max().filter(|n| *n > clock)
        {
            let message = format!("the clock says {clock}, and there is a night of {newest} already");
            let problem = Diagnostic::error("run::clock-back", message)
                .hint("set the clock, or name the data date with --date YYYY-MM-DD; nothing was changed");
            return stop(&[problem], FAILED);
        }
        if batch.deliver {
            self.mail.announce(&batch.out, batch.date);
        }
        let progress = Progress::new(self.quiet);
        let ended = batch::make(&batch, &self.pool, prepared, &|event| progress.tell(event));
        drop(progress);
        let ended = ended.or_else(|problem| {
            let code = match problem.code {
                "run::interrupted" => INTERRUPTED,
                // Whoever holds the database lets go of it as whoever holds the folder does: it is to be tried again.
                "archive::locked" => LOCKED,
                _ => FAILED,
            };
            stop(&[problem], code)
        })?;
        Ok((batch, ended))
    }

    /// Queues and sends the mail of a night that was made to be delivered; the exit code with it. The lock of the output folder
    /// is held while the reports are read, not while a server is waited for.
    pub fn deliver(&self, code: u8, batch: &Batch, ended: &[Ended], lock: Option<Lock>) -> u8 {
        if !batch.deliver || self.mail.after_night(batch, ended, &self.templates, self.quiet, lock) {
            return code;
        }
        if code == DONE { UNDELIVERED } else { code }
    }

    /// Writes the metrics of a night where they are asked for.
    pub fn measure(&self, batch: &Batch, ended: &[Ended]) -> Result<(), u8> {
        let Some(path) = &self.metrics else { return Ok(()) };
        prometheus::metrics(batch, ended, self.began.elapsed(), path).write(path).or_else(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            let hint = "the reports are complete; the folder of the collector must be writable";
            stop(&[Diagnostic::error("cli::metrics", message).hint(hint)], FAILED)
        })
    }
}

/// Takes the lock of an output folder.
pub fn take(out: &Path) -> Result<Lock, u8> {
    match Lock::take(out) {
        Ok(lock) => Ok(lock),
        Err(LockError::Held) => {
            let message = format!("another run is writing to {}", out.display());
            let problem = Diagnostic::error("deliver::locked", message)
                .hint("wait for it to end, or give this run another folder with --out DIR");
            stop(&[problem], LOCKED)
        }
        Err(LockError::Io(error)) => {
            let message = format!("cannot use {}: {error}", out.display());
            stop(&[Diagnostic::error("deliver::folder", message)], FAILED)
        }
    }
}

/// How this very program is started again as a worker. The link of the running process is right even after an upgrade has
/// replaced the file.
fn worker(timings: bool, texts: Option<&Path>) -> Result<WorkerCommand, u8> {
    let own = Path::new("/proc/self/exe");
    let program = match own.exists() {
        true => Ok(own.to_owned()),
        false => std::env::current_exe(),
    };
    let program = program
        .or_else(|error| stop(&[Diagnostic::error("run::worker-start", error.to_string())], FAILED))?;
    let (format, level) = log::chosen();
    let format = match format {
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    };
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let arguments = ["worker", "--log-format", format, "--log-level", level];
    let arguments = arguments.into_iter().chain(timings.then_some("--timings"));
    let mut arguments: Vec<OsString> = arguments.map(OsString::from).collect();
    arguments.extend(texts.iter().flat_map(|texts| [OsString::from("--templates"), texts.into()]));
    Ok(WorkerCommand { program, arguments })
}
