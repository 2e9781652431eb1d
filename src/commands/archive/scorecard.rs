//! `itog archive scorecard`: what became of the experiments.

use std::path::Path;

use itog::batch::memory;
use itog::deliver::archive::Archive;
use itog::history::scorecard::Scorecard;
use serde_json::json;

use super::{Outcome, print, print_json, read};
use crate::cli::Format;
use crate::commands::now;

pub fn scorecard(archive: &Archive, format: Format, out: &Path) -> Outcome {
    let today = now()?.to_zoned(jiff::tz::TimeZone::UTC).date();
    let cases = read(memory::cases(archive, jiff::civil::Date::MAX), out)?;
    let card = Scorecard::of(&cases, today);
    if format == Format::Json {
        return print_json(&json!(card));
    }
    let mut text = format!("experiments {}\ndecided     {}\n", card.experiments, card.decided);
    for (outcome, count) in card.outcomes.iter().filter(|(_, count)| **count > 0) {
        text.push_str(&format!("  {outcome:<14} {count}\n"));
    }
    text.push_str(&format!("waiting     {}\n", card.waiting));
    text.push_str(&format!("followed    {} of {}\n", card.followed, card.answered));
    if let Some(days) = card.median_days {
        text.push_str(&format!("median days {days}\n"));
    }
    for (currency, gain) in &card.gain {
        text.push_str(&format!("gain a year {gain:.0} {currency}\n"));
    }
    if !card.due.is_empty() {
        text.push_str(&format!("to review   {}\n", card.due.join(", ")));
    }
    print(&text)
}
