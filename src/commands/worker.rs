//! `itog worker`: the process that a batch gives its experiments to. Hidden, because only a batch starts it.

use itog::batch;
use itog::diag::Diagnostic;

use super::timings::Timings;
use super::{DONE, FAILED, Outcome, narrative, stop};

pub fn serve(timings: Option<Timings>) -> Outcome {
    // An interrupt at the terminal reaches the batch too, which ends its workers itself; a query is cancelled on its server.
    let _ = ctrlc::set_handler(itog::warehouse::interrupt);
    let stages = || timings.as_ref().map_or_else(Vec::new, Timings::take);
    match batch::serve(&narrative()?, &stages) {
        Ok(()) => Ok(DONE),
        Err(error) => stop(&[Diagnostic::error("run::worker", error.to_string())], FAILED),
    }
}
