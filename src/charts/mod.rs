//! Charts: plain data in, a [`Drawing`](crate::drawing::Drawing) as wide as the text frame out; one file a chart.
//!
//! plotters draws axes, grids and series; [`labels`] places the words, so that no two of them touch. Charts hold no
//! Russian and no number formats: every word and every formatter comes from the caller. Values that are not finite
//! are left out; a chart without any value is still a picture with its frame and titles.

pub mod distribution;
pub mod duration;
pub mod ecdf;
pub mod forest;
pub mod labels;
pub mod monitoring;
pub mod power;
pub mod pvalues;
pub mod qq;
pub mod rates;
pub mod replicates;
pub mod scale;
pub mod steps;
pub mod style;

pub mod curves;
mod histogram;
mod rows;

/// The stage `charts` of `--timings`, for as long as it is held.
fn stage() -> tracing::span::EnteredSpan {
    tracing::debug_span!("charts").entered()
}

#[cfg(test)]
mod tests;
