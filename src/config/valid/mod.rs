//! The validated description of one experiment: what every later room may rely on.
//!
//! A [`Config`] exists only when nothing is wrong with it: ids are unique and well formed, shares and levels are in
//! range, counts fit their totals, references between sections resolve. [`super::load`] makes it from TOML.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

mod data;
mod metric;

pub use data::{
    ColumnRule, DataSource, Engine, Facts, Files, Identity, Incremental, OnBroken, Relation, Streaming,
    Warehouse,
};
pub use metric::{
    Adjustment, Aggregate, Counts, FunnelStep, Goal, Metric, MetricKind, MetricSource, Population, Role,
    Rows, Summary, TestKind, Winsorize,
};

/// One experiment, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The TOML file it was read from.
    pub path: PathBuf,
    /// The text of that file after `--set` overrides were applied, as it is attached to the report.
    pub text: Arc<str>,
    /// What is tested and by whom.
    pub experiment: Experiment,
    /// How it is judged.
    pub design: Design,
    /// Rows to analyse; none for experiments described by published numbers or plans only.
    pub data: Option<DataSource>,
    /// What is measured, in the order of the file.
    pub metrics: Vec<Metric>,
    /// Parts of the users that are looked at separately.
    pub segments: Vec<Segment>,
    /// What an effect is worth.
    pub money: Option<Money>,
    /// Sample size questions.
    pub plans: Vec<Plan>,
    /// Questions of the form "which test fits".
    pub test_choices: Vec<TestChoice>,
    /// How devices become users, for experiments that cross devices.
    pub cross_device: Option<CrossDevice>,
    /// The architecture graph.
    pub architecture: Option<Architecture>,
}

/// `[experiment]`.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Folder and archive key, `[a-z0-9-]{1,64}`.
    pub id: String,
    /// Title shown to readers.
    pub title: String,
    /// The hypothesis in free text.
    pub hypothesis: Option<String>,
    /// Who owns the decision.
    pub owner: Option<String>,
    /// What the reader should know before the numbers, in free text: a paragraph a string.
    pub notes: Vec<String>,
    /// Concrete next steps the owner fixed in advance (`next_steps`), appended to the recommendation.
    pub next_steps: Vec<String>,
    /// Where the experiment stands.
    pub status: Status,
    /// Nobody wrote the status: where its dates say otherwise, it follows from them.
    pub status_by_dates: bool,
    /// First day with users.
    pub start: Option<Date>,
    /// Last day with users.
    pub end: Option<Date>,
    /// How long a run may work on the experiment, when it says so itself.
    pub time_limit: Option<Duration>,
}

impl Experiment {
    /// The status on a data date: as written; where nobody wrote one, an experiment is planned before its first day, runs until its
    /// last one has passed, and is finished then or without dates.
    pub fn status_on(&self, date: Date) -> Status {
        if !self.status_by_dates {
            return self.status;
        }
        match (self.start, self.end) {
            (Some(start), _) if date < start => Status::Planned,
            (_, Some(end)) if date < end => Status::Running,
            _ => self.status,
        }
    }

    /// Days from the first to the last, both counted; none where one of them is not written or they are the wrong way
    /// round.
    pub fn days(&self) -> Option<u32> {
        let span = self.end?.since(self.start?).ok()?;
        u32::try_from(span.get_days() + 1).ok().filter(|days| *days > 0)
    }
}

/// Where an experiment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not started: the report is a plan.
    Planned,
    /// Collecting data.
    Running,
    /// Collected all it will.
    Finished,
}

/// `[design]`: the rules fixed in advance.
#[derive(Clone, Debug)]
pub struct Design {
    /// The control group; the first group of the data, of `allocation` or of the first metric when not named.
    pub control: Option<String>,
    /// Further control groups (`controls` after the first): compared with the first one before anything else, and
    /// pooled with it for the comparisons that decide.
    pub other_controls: Vec<String>,
    /// Family-wise (or, for `bh` and `by`, false discovery) error rate, in (0, 1). From `alpha` or `1 − confidence`.
    pub alpha: f64,
    /// Power that plans and detectable effects are stated at, in (0, 1).
    pub power: f64,
    /// How p-values of several comparisons are adjusted.
    pub correction: Correction,
    /// Declared weights of the groups in their order; empty: equal shares.
    pub allocation: Vec<(String, f64)>,
    /// Which pairs are compared.
    pub comparisons: Comparisons,
    /// How looks during the run are handled.
    pub monitoring: Monitoring,
    /// Neither that nor the status was written: once the dates say that the experiment is over it is looked at as it was until then.
    pub monitoring_by_dates: bool,
    /// What the looks are made with.
    pub looks: Looks,
    /// Replicates of the bootstrap and of the permutation test.
    pub replicates: u32,
    /// How the bootstrap draws.
    pub resampling: Resampling,
}

/// `[design.looks]`: what nightly looks are made with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looks {
    /// How the error rate is spent on the way to the planned size.
    pub spending: Spending,
    /// Units a group at which the experiment ends; none: from the plan, with what looking costs.
    pub planned: Option<u64>,
    /// Units a group at which a decision is expected, for confidence sequences; none: from the plan.
    pub expected: Option<u64>,
    /// Units a group before which no look is made.
    pub warm_up_units: u64,
    /// Days before which no look is made.
    pub warm_up_days: u64,
    /// Chance of an answer below which going on is called in vain, in (0, 1); none: never.
    pub futility: Option<f64>,
}

impl Default for Looks {
    /// O'Brien–Fleming from the plan, after a week and two hundred units a group.
    fn default() -> Self {
        Looks {
            spending: Spending::ObrienFleming,
            planned: None,
            expected: None,
            warm_up_units: 200,
            warm_up_days: 7,
            futility: Some(0.1),
        }
    }
}

/// How the error rate is spent over the looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spending {
    /// Almost nothing early: O'Brien and Fleming's way.
    ObrienFleming,
    /// Evenly: Pocock's way.
    Pocock,
    /// alpha · t^rho.
    Power(f64),
}

/// `[[segment]]`: parts of the users that are looked at separately.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Unique id.
    pub id: String,
    /// Title shown to readers.
    pub title: String,
    /// SQL expression over the columns of `[data]` whose values are the parts.
    pub by: String,
}

/// `[money]`: what an effect is worth in a year.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    /// Metric whose effect is counted; none: the primary one.
    pub metric: Option<String>,
    /// What one unit of the metric of one user is worth.
    pub value: f64,
    /// Currency shown after amounts.
    pub currency: String,
    /// Users that the decision is about.
    pub traffic: Traffic,
}

/// How the bootstrap draws its replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampling {
    /// As many units as there are, with replacement.
    Multinomial,
    /// Every unit a Poisson(1) number of times.
    Poisson,
}

/// How p-values of a family are adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correction {
    /// No adjustment.
    None,
    /// p × m.
    Bonferroni,
    /// Holm's step-down.
    Holm,
    /// Hochberg's step-up.
    Hochberg,
    /// Benjamini–Hochberg, false discovery rate.
    Bh,
    /// Benjamini–Yekutieli, false discovery rate under dependence.
    By,
    /// Dunnett's many-to-one test; means against a control only.
    Dunnett,
    /// Tukey's honest significant difference; means, all pairs only.
    Tukey,
}

/// Which pairs of groups are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparisons {
    /// Each group against the control.
    Control,
    /// Every pair, in the order of the groups.
    All,
}

/// How looks during the run are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Monitoring {
    /// One look, at the end.
    Fixed,
    /// Group-sequential boundaries.
    GroupSequential,
    /// Confidence sequences.
    AlwaysValid,
}

/// `[[plan]]`: how many units, how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Unique id.
    pub id: String,
    /// Title shown to readers.
    pub title: String,
    /// What is sized.
    pub estimand: PlanEstimand,
    /// Significance level, in (0, 1).
    pub alpha: f64,
    /// Power, in (0, 1).
    pub power: f64,
    /// Number of groups, at least 2.
    pub groups: u32,
    /// Users that come in, all groups together.
    pub traffic: Option<Traffic>,
}

/// What a plan sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PlanEstimand {
    /// A proportion: from `baseline` to `baseline + lift`, both in (0, 1).
    Proportion {
        /// Present rate.
        baseline: f64,
        /// Absolute change; never zero.
        lift: f64,
    },
    /// A mean with a known standard deviation.
    Mean {
        /// Present mean, when known.
        baseline: Option<f64>,
        /// Absolute change; never zero.
        lift: f64,
        /// Standard deviation of a unit, positive.
        sd: f64,
    },
}

/// Users over days: `{ users = 40000, days = 30 }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Traffic {
    /// Users in the period.
    pub users: f64,
    /// Length of the period in days.
    pub days: f64,
}

impl Traffic {
    /// Users a day.
    pub fn daily(self) -> f64 {
        self.users / self.days
    }
}

/// `[[test_choice]]`: which test to use, from what is known of the sample.
#[derive(Clone, Debug, PartialEq)]
pub struct TestChoice {
    /// Unique id.
    pub id: String,
    /// Name of the metric.
    pub metric: String,
    /// Its kind.
    pub kind: MetricKind,
    /// Units in each group.
    pub n: u64,
    /// What a normality test said, when one was run.
    pub normality: Option<Normality>,
    /// Level of the normality test, in (0, 1).
    pub alpha: f64,
}

/// The result of a normality test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Normality {
    /// Contract name of the test.
    pub test: String,
    /// Its p-value, in [0, 1].
    pub p: f64,
}

/// `[cross_device]`: how devices become users.
#[derive(Clone, Debug)]
pub struct CrossDevice {
    /// What is randomised.
    pub unit: RandomisationUnit,
    /// Share of users with exactly so many devices, in ascending order; shares add up to 1.
    pub devices_per_user: Vec<(u32, f64)>,
    /// Share of device pairs of one user that the identity graph joins, in [0, 1].
    pub match_rate: f64,
    /// Systems that tell which devices are one user.
    pub sources: Vec<IdentitySource>,
}

/// What is randomised in an experiment across devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RandomisationUnit {
    /// A person, over all devices.
    User,
    /// A device or browser.
    Device,
}

/// `[[cross_device.source]]`.
#[derive(Clone, Debug, Serialize)]
pub struct IdentitySource {
    /// Unique id.
    pub id: String,
    /// Title shown to readers.
    pub title: String,
    /// What it joins and how surely.
    pub note: Option<String>,
}

/// `[architecture]`.
#[derive(Clone, Debug, Serialize)]
pub struct Architecture {
    /// Title shown to readers.
    pub title: String,
    /// Swimlanes in order.
    pub lanes: Vec<Lane>,
    /// Nodes in order.
    pub nodes: Vec<Node>,
    /// Edges in order; both ends exist.
    pub edges: Vec<Edge>,
}

/// `[[architecture.lane]]`.
#[derive(Clone, Debug, Serialize)]
pub struct Lane {
    /// Unique id.
    pub id: String,
    /// Title.
    pub title: String,
}

/// `[[architecture.node]]`.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// Unique id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Lane id.
    pub lane: String,
    /// What the node does.
    pub note: Option<String>,
}

/// `[[architecture.edge]]`.
#[derive(Clone, Debug, Serialize)]
pub struct Edge {
    /// Node id.
    pub from: String,
    /// Node id.
    pub to: String,
    /// What passes along the edge.
    pub label: Option<String>,
}
