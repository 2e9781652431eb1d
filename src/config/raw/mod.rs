//! The config as it is written: every key of every section, once.
//!
//! From these types come the JSON Schema (`itog schema`), the known keys, types and ranges that [`shape`](super::shape) checks,
//! and the values that [`check`](super::check) turns into a [`Config`](super::valid::Config). A key that was wrong has been
//! reported and taken out before these types are filled; hence everything is optional here, and `required` speaks to
//! the schema.

use schemars::JsonSchema;

use super::choices::Word;
use super::valid::{Comparisons, Correction, Monitoring, Resampling, Status};

mod data;
mod graph;
mod metric;
mod plan;
mod spanned;
mod watch;

pub use data::{RawColumn, RawData, RawFacts, RawIdentity};
pub use graph::{RawArchitecture, RawCrossDevice, RawEdge, RawIdentitySource, RawNode};
pub use metric::{RawCounts, RawFunnel, RawMetric, RawSummary};
pub use plan::{PlanKind, RawPlan, RawTestChoice};
pub use spanned::{At, Day, Named};
pub use watch::{RawLooks, RawMoney, RawSegment, SpendingName};

/// Experiment ids: folder names and archive keys.
pub const EXPERIMENT_ID: &str = "^[a-z0-9-]{1,64}$";
/// All other ids.
pub const ID: &str = "^[a-z0-9_-]{1,64}$";

/// One experiment.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "itog experiment", rename = "Experiment file")]
pub struct RawConfig {
    /// What is tested and by whom.
    #[schemars(required)]
    pub experiment: Option<At<RawExperiment>>,
    /// The rules fixed in advance.
    pub design: Option<At<RawDesign>>,
    /// Where the rows are and what their columns mean.
    pub data: Option<At<RawData>>,
    /// What is measured; the first is primary unless another one says so.
    #[serde(default)]
    pub metric: Vec<At<RawMetric>>,
    /// Steps that users take one after the other.
    #[serde(default)]
    pub funnel: Vec<At<RawFunnel>>,
    /// Parts of the users that are looked at separately.
    #[serde(default)]
    pub segment: Vec<At<RawSegment>>,
    /// What an effect is worth in a year.
    pub money: Option<At<RawMoney>>,
    /// How many units are needed, and how long it takes.
    #[serde(default)]
    pub plan: Vec<At<RawPlan>>,
    /// Which test to use, and why, from what is known of the sample.
    #[serde(default)]
    pub test_choice: Vec<At<RawTestChoice>>,
    /// How devices become users.
    pub cross_device: Option<At<RawCrossDevice>>,
    /// Who and what is connected with whom: drawn in swimlanes.
    pub architecture: Option<At<RawArchitecture>>,
}

/// What is tested and by whom.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "experiment")]
pub struct RawExperiment {
    /// Folder of the reports and key of the archive.
    #[schemars(required, extend("pattern" = EXPERIMENT_ID, "examples" = ["arppu"]))]
    pub id: Option<At<String>>,
    /// Title shown to readers.
    #[schemars(required, extend("minLength" = 1, "examples" = ["ARPPU в двух группах"]))]
    pub title: Option<At<String>>,
    /// What is believed and why, in free text.
    #[schemars(extend("minLength" = 1))]
    pub hypothesis: Option<At<String>>,
    /// Who owns the decision.
    #[schemars(extend("minLength" = 1))]
    pub owner: Option<At<String>>,
    /// What the reader should know before the numbers: a paragraph a string.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub notes: Vec<At<String>>,
    /// Concrete next steps fixed in advance, added to the recommendation.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub next_steps: Vec<At<String>>,
    /// Where the experiment stands. Unless said otherwise it follows from `start`, `end` and the data date; without
    /// them it is `finished`.
    pub status: Option<At<Word<Status>>>,
    /// First day with users.
    #[schemars(extend("examples" = ["2024-03-01"]))]
    pub start: Option<At<Day>>,
    /// Last day with users.
    #[schemars(extend("examples" = ["2024-03-31"]))]
    pub end: Option<At<Day>>,
    /// How long a run may work on this experiment, as `90s`, `10m` or `2h`; the run's own limit when not given.
    #[schemars(extend("minLength" = 1, "examples" = ["10m"]))]
    pub time_limit: Option<At<String>>,
}

/// The rules fixed in advance.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "design")]
pub struct RawDesign {
    /// The control group; the first group unless said otherwise.
    #[schemars(extend("minLength" = 1, "examples" = ["A"]))]
    pub control: Option<At<String>>,
    /// Several control groups (A/A/B), in place of `control`: they are compared with each other first, and the comparisons
    /// that decide are with all of them together.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["246", "247"]]))]
    pub controls: Vec<At<String>>,
    /// Error rate of the whole family of comparisons; 0.05 unless said otherwise. Not together with `confidence`.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1, "examples" = [0.05]))]
    pub alpha: Option<At<f64>>,
    /// 1 − alpha. Not together with `alpha`.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1, "examples" = [0.95]))]
    pub confidence: Option<At<f64>>,
    /// Chance to notice the effect that a plan is made for; 0.8 unless said otherwise.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1, "examples" = [0.8]))]
    pub power: Option<At<f64>>,
    /// How p-values of several comparisons are adjusted; `holm` unless said otherwise.
    pub correction: Option<At<Word<Correction>>>,
    /// Which pairs are compared; `control` unless said otherwise.
    pub comparisons: Option<At<Word<Comparisons>>>,
    /// How looks during the run are handled. Unless said otherwise: `group-sequential` for a running experiment with a
    /// planned size, `always-valid` for one without, `fixed` for a finished one.
    pub monitoring: Option<At<Word<Monitoring>>>,
    /// What the looks are made with.
    pub looks: Option<At<RawLooks>>,
    /// Replicates of the bootstrap and of the permutation test; 10 000 unless said otherwise.
    #[schemars(extend("minimum" = 1000, "maximum" = 1_000_000, "examples" = [10000]))]
    pub replicates: Option<At<u64>>,
    /// How the bootstrap draws; `multinomial` unless said otherwise.
    pub resampling: Option<At<Word<Resampling>>>,
    /// Weights of the groups, for the sample ratio check; equal unless said otherwise.
    #[schemars(extend("examples" = [{ "A": 1, "B": 1 }]))]
    pub allocation: Option<At<Named<Weight>>>,
}

/// The weight of a group in the allocation.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Weight(#[schemars(extend("exclusiveMinimum" = 0))] pub f64);
