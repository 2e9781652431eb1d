//! `[[metric]]` and the steps of `[[funnel]]`, checked.

use serde::Serialize;

/// `[[metric]]`.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Unique id, `[a-z0-9_-]{1,64}`.
    pub id: String,
    /// Title shown to readers; the id when the config gives none.
    pub title: String,
    /// Unit of measurement (`₽`, `с`), shown after values.
    pub unit: Option<String>,
    /// Estimand.
    pub kind: MetricKind,
    /// Where its numbers come from.
    pub source: MetricSource,
    /// Which direction is good.
    pub goal: Goal,
    /// Its part in the verdict.
    pub role: Role,
    /// The deciding test.
    pub test: TestKind,
    /// Guardrail margin: the largest harm that is acceptable, absolute and positive.
    pub margin: Option<f64>,
    /// Smallest effect of practical interest, absolute and positive.
    pub min_effect: Option<f64>,
    /// A fact about the numbers that the reader must be told (an assumed group size, say).
    pub assumption: Option<String>,
    /// The plan this metric was sized by: the result is also shown at the planned group size.
    pub plan: Option<String>,
    /// Metrics of one family share the correction of their p-values; none: the metric is a family of its own.
    pub family: Option<String>,
}

impl Metric {
    /// The part of the config that describes it, as problems name it.
    pub fn part(&self) -> String {
        match &self.source {
            MetricSource::Step(step) => format!("funnel `{}`", step.funnel),
            _ => format!("metric `{}`", self.id),
        }
    }
}

/// What a metric estimates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Mean of the value.
    Mean,
    /// Share of units with the value 1 (or true).
    Proportion,
    /// Sum of `numerator` over sum of `denominator`.
    Ratio,
    /// A quantile of the value, `q` in (0, 1).
    #[serde(untagged)]
    Quantile {
        /// Which quantile.
        quantile: f64,
    },
}

impl MetricKind {
    /// The name in configs and results.
    pub fn name(self) -> &'static str {
        match self {
            MetricKind::Mean => "mean",
            MetricKind::Proportion => "proportion",
            MetricKind::Ratio => "ratio",
            MetricKind::Quantile { .. } => "quantile",
        }
    }
}

/// Where the numbers of a metric come from.
#[derive(Clone, Debug)]
pub enum MetricSource {
    /// Rows of `[data]` or of a `[[data.facts]]`.
    Rows(Box<Rows>),
    /// A step of a funnel: the share of units that came so far.
    Step(FunnelStep),
    /// Published mean, standard deviation and size, by group in the order of the file.
    Summary(Vec<(String, Summary)>),
    /// Published counts, by group in the order of the file.
    Counts(Vec<(String, Counts)>),
}

/// Numbers computed from rows, unit by unit.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Name of the `[[data.facts]]` whose rows are read; none: the rows of `[data]`.
    pub from: Option<String>,
    /// SQL expression of the value (numerator of a ratio).
    pub value: String,
    /// SQL expression of the denominator of a ratio.
    pub denominator: Option<String>,
    /// SQL predicate that rows must meet.
    pub filter: Option<String>,
    /// How several rows of a unit become one value.
    pub aggregate: Aggregate,
    /// Which units the metric is defined on.
    pub population: Population,
    /// What is known of the units before the experiment and takes variance out.
    pub adjustment: Adjustment,
    /// Extreme values are drawn in to quantiles of all groups together.
    pub winsorize: Option<Winsorize>,
}

/// How several rows of a unit become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// How many there are.
    Count,
    /// 1 when one of them has 1.
    Any,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// They do not: each row is a value, its unit a cluster.
    Rows,
}

/// Which units a metric is defined on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Population {
    /// Every unit of the experiment; one without a matching row has 0.
    Exposed,
    /// Units with a row that meets the predicate.
    Matching,
}

/// What is known of units from before the experiment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adjustment {
    /// SQL expressions over the columns of `[data]`: covariates.
    pub covariates: Vec<String>,
    /// The value of the metric before the unit's first exposure is a covariate.
    pub pre_period: bool,
    /// SQL expression over the columns of `[data]`: strata of the post-stratification.
    pub strata: Option<String>,
}

impl Adjustment {
    /// Nothing is adjusted for.
    pub fn is_empty(&self) -> bool {
        self.covariates.is_empty() && !self.pre_period && self.strata.is_none()
    }
}

/// Quantiles of all values together that extreme values are drawn in to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Winsorize {
    /// Values below this quantile become it, in [0, 1); 0 leaves the lower end.
    pub lower: f64,
    /// Values above this quantile become it, in (0, 1]; 1 leaves the upper end.
    pub upper: f64,
}

/// One step of a `[[funnel]]`.
#[derive(Clone, Debug)]
pub struct FunnelStep {
    /// Id of the funnel.
    pub funnel: String,
    /// Title of the funnel.
    pub funnel_title: String,
    /// Name of the `[[data.facts]]` whose rows are read; none: the rows of `[data]`.
    pub from: Option<String>,
    /// SQL predicates of the steps up to and including this one.
    pub steps: Vec<String>,
    /// A step counts only after the one before it.
    pub ordered: bool,
}

/// A published summary of one group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Arithmetic mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1), not negative.
    pub sd: f64,
    /// Units, at least 2.
    pub n: u64,
}

/// Published counts of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Units with the outcome, at most `n`.
    pub successes: u64,
    /// Units, at least 1.
    pub n: u64,
}

/// Which direction is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// More is better.
    Increase,
    /// Less is better.
    Decrease,
}

/// A metric's part in the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Decides.
    Primary,
    /// Explains.
    Secondary,
    /// Must not be harmed.
    Guardrail,
    /// Tells whether the data can be trusted.
    Quality,
}

/// The deciding test of a metric, by its contract name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestKind {
    /// Chosen by the written rules of `metrics::choice`.
    Auto,
    /// Welch's t test.
    Welch,
    /// Student's t test.
    Student,
    /// Mann–Whitney U.
    MannWhitney,
    /// Brunner–Munzel.
    BrunnerMunzel,
    /// Two-proportion z.
    Z,
    /// Pearson's χ².
    ChiSquare,
    /// Fisher's exact.
    Fisher,
    /// Bootstrap of the mean difference.
    Bootstrap,
    /// Permutation of the mean difference.
    Permutation,
}
