//! Proof on the reader's own data, and what the parts of the data say: an A/A run of every deciding test, the effect by
//! segment and by day, the balance before the experiment, the sample ratio night by night.
//!
//! [`crate::proof`] knows the statistics; this room brings the metrics of an experiment to it.

pub mod aa;
pub mod course;
pub mod segments;
mod summed;
pub mod trust;

use crate::config::valid::{Adjustment, Aggregate, Population};
use crate::data::{Dataset, Gathered, Query};
use crate::diag::Diagnostic;

/// A 1 for every exposed unit, with what `adjustment` asks for beside it.
fn exposed(data: &Dataset, adjustment: &Adjustment) -> Result<Gathered, Diagnostic> {
    data.gather(&Query {
        from: None,
        values: &["1"],
        filter: None,
        aggregate: Aggregate::Max,
        population: Population::Matching,
        binary: false,
        adjustment,
    })
}
