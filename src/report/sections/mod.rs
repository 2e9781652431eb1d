//! Sections of a report, one file a section, listed in reading order.

mod architecture;
mod choice;
mod course;
mod cross_device;
mod data;
mod experiment;
mod funnel;
mod history;
mod method;
mod metric;
mod metric_charts;
mod money;
mod overview;
mod plan;
mod proof;
mod segments;
mod split;
mod verdict;
mod warnings;
mod watch;

pub use verdict::{label, tone};

use super::Teller;
use super::document::Block;
use crate::config::valid::Role;
use crate::wording::narrative::NarrativeError;

/// The text with a capital first letter.
pub(super) fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().collect::<String>() + chars.as_str())
}

/// A section: its blocks, none when it has nothing to say of this experiment.
pub type Section = fn(&Teller) -> Result<Vec<Block>, NarrativeError>;

/// Metrics and funnels, first what decides.
fn measured(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let decides = t.findings.outcomes.iter().find(|o| o.metric.role == Role::Primary);
    let (mut metrics, mut funnels) = (metric::blocks(t)?, funnel::blocks(t)?);
    Ok(if decides.is_some_and(|o| funnel::step(o).is_some()) {
        funnels.append(&mut metrics);
        funnels
    } else {
        metrics.append(&mut funnels);
        metrics
    })
}

/// Every section in reading order.
pub const SECTIONS: &[Section] = &[
    verdict::blocks,
    experiment::blocks,
    history::blocks,
    overview::blocks,
    measured,
    watch::blocks,
    segments::blocks,
    course::blocks,
    money::blocks,
    plan::blocks,
    choice::blocks,
    cross_device::blocks,
    architecture::blocks,
    data::blocks,
    proof::blocks,
    method::blocks,
];
