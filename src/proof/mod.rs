//! Proofs on the reader's own data: whether its tests hold their error rate, whether an effect is the same in every
//! segment and on every day, and whether the groups were alike before the experiment began.
//!
//! The room is pure. It sees slices and counts and gives named structs; randomness comes in as a generator or a seed.
//!
//! - [`engine`]: A/A relabelling. Units get random labels thousands of times, and the deciding test of every metric is
//!   computed on each relabelling. The columns that go in are [`column`], what comes out is judged by [`calibration`].
//! - [`segments`]: the effect by segment, with tests of interaction.
//! - [`novelty`]: the effect by day, with tests of its trend.
//! - [`balance`]: covariates from before the experiment, and [`sample_ratio`]: group sizes looked at every night.

pub mod balance;
pub mod calibration;
pub mod column;
pub mod engine;
pub mod novelty;
pub mod sample_ratio;
pub mod segments;

mod batch;
mod decide;
mod prepare;
mod quantile;
mod ranks;
mod relabel;
mod resample;
mod sums;
