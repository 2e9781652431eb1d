//! How far a batch is, on a terminal.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use itog::batch::Event;

use super::{colored, log};
use crate::cli::LogFormat;

/// A bar with the experiments in hand; nothing where nobody watches.
pub struct Progress {
    bar: ProgressBar,
    in_hand: Mutex<BTreeSet<String>>,
}

impl Progress {
    /// The bar of a batch; hidden with `--quiet`, in a JSON log, and where stderr is not a terminal.
    pub fn new(quiet: bool) -> Progress {
        let seen = std::io::stderr().is_terminal() && !quiet && log::chosen().0 == LogFormat::Text;
        let bar = if seen { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let template = match colored() {
            true => "{bar:32.cyan/dim} {pos}/{len} {elapsed} {msg:.dim}",
            false => "{bar:32} {pos}/{len} {elapsed} {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        if seen {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Progress { bar, in_hand: Mutex::default() }
    }

    /// Moves with the batch.
    pub fn tell(&self, event: Event) {
        let mut in_hand = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Begun(experiments) => self.bar.set_length(experiments as u64),
            Event::Started(id) => {
                in_hand.insert(id.to_owned());
            }
            Event::Finished(id, _) => {
                in_hand.remove(id);
                self.bar.inc(1);
            }
        }
        let names: Vec<&str> = in_hand.iter().map(String::as_str).collect();
        self.bar.set_message(names.join(", "));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
