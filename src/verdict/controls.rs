//! What two control groups say of each other. Users of both see the same, so a difference between them is chance or a fault
//! of the split, and a fault of the split may as well make the difference between control and treatment.

use crate::metrics::outcome::{Comparison, MetricOutcome};

/// Controls differ when a comparison of theirs, corrected over all metrics, has a p-value below this. It is stricter than
/// the usual level, because a false alarm throws the whole experiment away, and laxer than the sample ratio check, because
/// it is not made every night of every experiment.
pub const ALPHA: f64 = 0.01;

fn pairs(outcomes: &[MetricOutcome]) -> impl Iterator<Item = &Comparison> {
    outcomes.iter().flat_map(|outcome| &outcome.controls)
}

/// The controls differ: no other comparison can be trusted.
pub fn differ(outcomes: &[MetricOutcome]) -> bool {
    pairs(outcomes).any(|pair| pair.p_adjusted < ALPHA)
}

/// The controls differ at the level of the experiment, but not so clearly that the experiment is void.
pub fn uneasy(outcomes: &[MetricOutcome]) -> bool {
    !differ(outcomes) && pairs(outcomes).any(|pair| pair.significant)
}
