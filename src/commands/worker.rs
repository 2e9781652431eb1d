//! `itog worker`: the process that a batch gives its experiments to. Hidden, because only a batch starts it.

use std::path::Path;

use itog::batch;
use itog::diag::Diagnostic;

use super::timings::Timings;
use super::{DONE, FAILED, Outcome, stop, templates};

pub fn serve(texts: Option<&Path>, timings: Option<Timings>) -> Outcome {
    // An interrupt at the terminal reaches the batch too, which ends its workers itself; a query is cancelled on its server.
    let _ = ctrlc::set_handler(itog::warehouse::interrupt);
    let stages = || timings.as_ref().map_or_else(Vec::new, Timings::take);
    match batch::serve(&templates(texts)?, &stages) {
        Ok(()) => Ok(DONE),
        Err(error) => stop(&[Diagnostic::error("run::worker", error.to_string())], FAILED),
    }
}
