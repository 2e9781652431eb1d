//! `itog`: an A/B experiment described in TOML becomes a report that a manager can decide from.
//!
//! The way of the data is one direction, each arrow a function that [`run`] calls:
//! TOML → [`config`] → [`data`] → [`metrics`] and [`planning`] → [`verdict`] → [`report`] → [`render`] → [`deliver`].
//! ARCHITECTURE.md tells the rules of each room.

pub mod artifact;
pub mod batch;
pub mod charts;
pub mod config;
pub mod cross_device;
pub mod data;
pub mod deliver;
pub mod demo;
pub mod diag;
pub mod drawing;
pub mod findings;
pub mod fonts;
pub mod graph;
pub mod history;
pub mod mailing;
pub mod metrics;
pub mod money;
pub mod monitoring;
pub mod planning;
pub mod preregistration;
pub mod proof;
pub mod render;
pub mod replay;
pub mod report;
pub mod results;
pub mod run;
pub mod stats;
pub mod sums;
pub mod templates;
pub mod theme;
pub mod trust;
pub mod validation;
pub mod verdict;
pub mod warehouse;
pub mod watch;
pub mod wording;
