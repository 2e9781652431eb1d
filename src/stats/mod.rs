//! The statistics of a report: estimators, tests, intervals and the distributions under them.
//!
//! The room is pure: no files, no clock, no ambient randomness, nothing of the other rooms. Numbers come in as slices,
//! counts or [`Moments`]; results go out as named structs; what does not exist is [`Undefined`] with its reason, never
//! `NaN` or zero. Every function is compared with scipy and statsmodels by `cargo test --test reference`.

pub mod anova;
pub mod chi_square;
pub mod descriptive;
pub mod distributions;
pub mod dunnett;
pub mod kolmogorov_smirnov;
pub mod kruskal_wallis;
pub mod moments;
pub mod normality;
pub mod quantile_difference;
pub mod quantiles;
pub mod t_test;
pub mod tukey;
pub mod variance_tests;

pub mod beta_binomial;
pub mod bivariate;
pub mod bootstrap;
pub mod brunner_munzel;
pub mod clustered_quantile;
pub mod comoments;
pub mod confidence_sequence;
pub mod cuped;
pub mod fisher;
pub mod group_sequential;
pub mod hodges_lehmann;
pub mod mann_whitney;
pub mod multiple_testing;
pub mod permutation;
pub mod post_stratification;
pub mod power;
pub mod proportions;
pub mod rank;
pub mod ratio;
pub mod regression_adjustment;
pub mod shape_moments;
pub mod studentized_permutation;
pub mod tost;
pub mod winsorize;

mod bins;
mod relabelling;
mod root;
mod sampling;
pub(crate) mod sorting;

mod result;

pub use moments::Moments;
pub use result::{Alternative, Interval, Level, TestResult, Undefined};
