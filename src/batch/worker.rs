//! The other end of [`super::pool`]: a process that takes one experiment after the other from stdin.

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};

use super::experiment;
use super::job::{Answer, Inspected, Job, Stage};
use crate::diag::Diagnostic;
use crate::templates::Templates;

/// What a panic said and where, kept by the hook for the answer: a log between two bars helps nobody.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Serves the jobs of a batch until its input ends; then the process ends, whatever it is at. `stages` hands out where the time
/// went since it was last asked.
///
/// # Errors
/// Output that cannot be written: the batch is gone.
pub fn serve(templates: &Templates, stages: &dyn Fn() -> Vec<Stage>) -> std::io::Result<()> {
    std::panic::set_hook(Box::new(|info| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string().replace('\n', " "));
    }));
    // The batch may die while an experiment is made. Its end of the pipe closes then, and nothing of it must go on writing.
    let (sender, jobs) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
        std::process::exit(0);
    });
    let stdout = std::io::stdout();
    for line in jobs {
        let answer = answer(&line, templates, stages);
        let mut text = serde_json::to_string(&answer)?;
        text.push('\n');
        let mut stdout = stdout.lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

fn answer(line: &str, templates: &Templates, stages: &dyn Fn() -> Vec<Stage>) -> Answer {
    match serde_json::from_str::<Job>(line) {
        Ok(Job::Inspect(inquiry)) => {
            let name = inquiry.source.config.display().to_string();
            Answer::Inspected(guarded(&name, || {
                let inspected = experiment::inspect(&inquiry)?;
                Ok(Inspected { stages: stages(), ..inspected })
            }))
        }
        Ok(Job::Make(order)) => Answer::Made(guarded(&order.id.clone(), || {
            let mut done = experiment::make(*order, templates)?;
            done.stages = stages();
            Ok(Box::new(done))
        })),
        Err(error) => Answer::Made(Err(vec![Diagnostic::error("run::worker", error.to_string())])),
    }
}

/// Turns a panic into a diagnostic.
fn guarded<T>(id: &str, work: impl FnOnce() -> Result<T, Vec<Diagnostic>>) -> Result<T, Vec<Diagnostic>> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let said = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
        let said = said.unwrap_or_else(|| "no message".to_owned());
        Err(vec![
            Diagnostic::error("run::panic", format!("the program failed inside `{id}`: {said}"))
                .hint("please report this with the config; the other experiments are not affected"),
        ])
    })
}
