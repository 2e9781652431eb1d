//! `[[metric]]` as it is written.

use schemars::JsonSchema;

use super::super::choices::{KindName, Word};
use super::super::valid::{Aggregate, Goal, Population, Role, TestKind};
use super::{At, ID, Named};

/// What is measured. Exactly one of `value`, `summary` and `counts` says where the numbers come from.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "metric")]
pub struct RawMetric {
    /// Unique among the metrics.
    #[schemars(required, extend("pattern" = ID, "examples" = ["conversion"]))]
    pub id: Option<At<String>>,
    /// Title shown to readers; the id when absent.
    #[schemars(extend("minLength" = 1))]
    pub title: Option<At<String>>,
    /// Unit of measurement, shown after values.
    #[schemars(extend("minLength" = 1, "examples" = ["₽"]))]
    pub unit: Option<At<String>>,
    /// Name of the `[[data.facts]]` whose rows are read; the rows of [data] when absent.
    #[schemars(extend("minLength" = 1, "examples" = ["orders"]))]
    pub from: Option<At<String>>,
    /// What is estimated; `mean` of values and summaries, `proportion` of counts unless said otherwise.
    pub kind: Option<At<Word<KindName>>>,
    /// An SQL expression over the columns.
    #[schemars(extend("minLength" = 1, "examples" = ["revenue"]))]
    pub value: Option<At<String>>,
    /// What a ratio divides: another name of `value`.
    #[schemars(extend("minLength" = 1))]
    pub numerator: Option<At<String>>,
    /// What a ratio divides by, an SQL expression.
    #[schemars(extend("minLength" = 1))]
    pub denominator: Option<At<String>>,
    /// An SQL predicate that rows must meet.
    #[serde(rename = "where")]
    #[schemars(extend("minLength" = 1, "examples" = ["purchase = 1"]))]
    pub filter: Option<At<String>>,
    /// How several rows of a unit become one value; `sum`, for proportions `any`, unless said otherwise.
    pub aggregate: Option<At<Word<Aggregate>>>,
    /// Which units count: every unit of the experiment or those with a matching row. `matching` for rows of [data],
    /// `exposed` for facts that are added up or counted, unless said otherwise.
    pub population: Option<At<Word<Population>>>,
    /// Covariates from before the experiment, SQL expressions over the columns of [data]: CUPED takes out what they explain.
    #[serde(default)]
    #[schemars(inner(length(min = 1)), extend("examples" = [["revenue_before"]]))]
    pub covariates: Vec<At<String>>,
    /// The metric's own value before a unit's first exposure is a covariate.
    pub cuped: Option<At<bool>>,
    /// Strata for post-stratification, an SQL expression over the columns of [data].
    #[schemars(extend("minLength" = 1, "examples" = ["country"]))]
    pub strata: Option<At<String>>,
    /// Extreme values are drawn in to quantiles of all groups together; the report shows both versions.
    pub winsorize: Option<At<RawWinsorize>>,
    /// Metrics of one family share the correction of their p-values; a metric is a family of its own when absent.
    #[schemars(extend("minLength" = 1, "examples" = ["monetisation"]))]
    pub family: Option<At<String>>,
    /// Which quantile.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1, "examples" = [0.5]))]
    pub q: Option<At<f64>>,
    /// Which direction is good; `increase` unless said otherwise.
    pub goal: Option<At<Word<Goal>>>,
    /// Its part in the verdict; `secondary` unless said otherwise.
    pub role: Option<At<Word<Role>>>,
    /// The deciding test; `auto` unless said otherwise.
    pub test: Option<At<Word<TestKind>>>,
    /// Guardrails: the largest acceptable harm, in the unit of the metric.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub margin: Option<At<f64>>,
    /// Smallest effect of practical interest, in the unit of the metric.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub min_effect: Option<At<f64>>,
    /// A fact about the numbers that the reader must be told.
    #[schemars(extend("minLength" = 1))]
    pub assumption: Option<At<String>>,
    /// The plan this metric was sized by.
    #[schemars(extend("minLength" = 1))]
    pub plan: Option<At<String>>,
    /// Published means by group.
    #[schemars(extend("examples" = [{ "A": { "mean": 360, "sd": 40, "n": 9802 } }]))]
    pub summary: Option<At<Named<RawSummary>>>,
    /// Published counts by group.
    #[schemars(extend("examples" = [{ "A": { "successes": 25000, "n": 40000 } }]))]
    pub counts: Option<At<Named<RawCounts>>>,
}

/// Quantiles that extreme values are drawn in to.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "winsorize")]
pub struct RawWinsorize {
    /// Values below this quantile become it.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1, "examples" = [0.01]))]
    pub lower: Option<At<f64>>,
    /// Values above this quantile become it.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1, "examples" = [0.99]))]
    pub upper: Option<At<f64>>,
}

/// Steps that users take one after the other: the share that came to each is compared, the correction is over all steps.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "funnel")]
pub struct RawFunnel {
    /// Unique among funnels; a step is the metric `funnel-step`.
    #[schemars(required, extend("pattern" = ID, "examples" = ["purchase"]))]
    pub id: Option<At<String>>,
    /// Title shown to readers; the id when absent.
    #[schemars(extend("minLength" = 1))]
    pub title: Option<At<String>>,
    /// Name of the `[[data.facts]]` with the events; the rows of [data] when absent.
    #[schemars(extend("minLength" = 1))]
    pub from: Option<At<String>>,
    /// A step counts only after the one before it, by time; `false` unless said otherwise: all steps so far, in any order.
    pub ordered: Option<At<bool>>,
    /// Role of the last step; the others explain. `primary` when no metric has a role, else `secondary`.
    pub role: Option<At<Word<Role>>>,
    /// Which direction is good; `increase` unless said otherwise.
    pub goal: Option<At<Word<Goal>>>,
    /// The steps in order.
    #[serde(default)]
    #[schemars(required)]
    pub step: Vec<At<RawFunnelStep>>,
}

/// One step of a funnel.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "step")]
pub struct RawFunnelStep {
    /// Unique among the steps.
    #[schemars(required, extend("pattern" = ID, "examples" = ["cart"]))]
    pub id: Option<At<String>>,
    /// Title shown to readers; the id when absent.
    #[schemars(extend("minLength" = 1))]
    pub title: Option<At<String>>,
    /// SQL predicate of the rows that are this step.
    #[serde(rename = "where")]
    #[schemars(required, extend("minLength" = 1, "examples" = ["event = 'cart'"]))]
    pub filter: Option<At<String>>,
}

/// A published summary of one group.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "summary")]
pub struct RawSummary {
    /// Arithmetic mean.
    #[schemars(required)]
    pub mean: Option<At<f64>>,
    /// Sample standard deviation.
    #[schemars(required, extend("minimum" = 0))]
    pub sd: Option<At<f64>>,
    /// Units.
    #[schemars(required, extend("minimum" = 2))]
    pub n: Option<At<u64>>,
}

/// Published counts of one group.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "counts")]
pub struct RawCounts {
    /// Units with the outcome.
    #[schemars(required)]
    pub successes: Option<At<u64>>,
    /// Units.
    #[schemars(required, extend("minimum" = 1))]
    pub n: Option<At<u64>>,
}
