//! What was measured: the numbers of one metric, before anyone judges them.

use crate::config::valid::{Goal, Metric};
use crate::monitoring::Monitoring;
use crate::stats::Undefined;

/// An estimate with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Point estimate.
    pub estimate: f64,
    /// Interval at the level of the comparison; none when it is unbounded or undefined.
    pub ci: Option<(f64, f64)>,
}

/// One test that was run.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTest {
    /// Contract name (`welch`).
    pub test: &'static str,
    /// Test statistic; for Mann–Whitney U of the control.
    pub statistic: f64,
    /// Degrees of freedom where the test has them.
    pub df: Option<f64>,
    /// Two-sided p-value, not adjusted.
    pub p: f64,
}

/// Normality of one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormalityOutcome {
    /// Contract name (`shapiro-wilk`).
    pub test: &'static str,
    /// Statistic W.
    pub statistic: f64,
    /// p-value.
    pub p: f64,
}

/// One group of one metric.
#[derive(Clone, Debug)]
pub struct GroupOutcome {
    /// Group id.
    pub id: String,
    /// Units the metric is defined on.
    pub n: u64,
    /// Mean; the rate of a proportion; the ratio of a ratio metric; the quantile of a quantile metric.
    pub mean: Option<f64>,
    /// Standard deviation of a unit (n − 1).
    pub sd: Option<f64>,
    /// Interval of `mean` at the level 1 − alpha.
    pub ci: Option<(f64, f64)>,
    /// Median, where rows are known.
    pub median: Option<f64>,
    /// Largest value, where rows are known.
    pub max: Option<f64>,
    /// Normality of the values, where rows are known and the kind is a mean.
    pub normality: Option<NormalityOutcome>,
    /// Skewness of the values, where rows are known.
    pub skewness: Option<f64>,
    /// Successes, for proportions.
    pub successes: Option<u64>,
    /// Units whose value was missing or not a number, left out.
    pub missing: u64,
    /// Values sorted ascending, where rows are known: for charts only.
    pub values: Vec<f64>,
}

/// Which way a difference goes, seen from the goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Significant, in favour of the treatment.
    Better,
    /// Significant, against the treatment.
    Worse,
    /// Not significant.
    None,
}

impl Direction {
    /// The direction of an effect, `None` unless significant.
    pub fn of(effect: f64, goal: Goal, significant: bool) -> Self {
        if !significant || effect == 0.0 {
            return Direction::None;
        }
        match (effect > 0.0) == (goal == Goal::Increase) {
            true => Direction::Better,
            false => Direction::Worse,
        }
    }
}

/// The smallest true effect that this sample would have shown with the design's power.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detectable {
    /// In units of the metric.
    pub absolute: f64,
    /// As a share of the control.
    pub relative: Option<f64>,
}

/// Replicates of a resampled difference, with the interval they give.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicates {
    /// Treatment − control in each replicate.
    pub differences: Vec<f64>,
    /// Interval at the level of the comparison.
    pub ci: (f64, f64),
    /// Name of the interval (`BCa`, `percentile`).
    pub method: &'static str,
}

/// What a single unit does to the difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Driver {
    /// Group of the unit.
    pub group: String,
    /// Its value.
    pub value: f64,
    /// Its share in the total of its group.
    pub share: f64,
    /// The mean of its group without it.
    pub mean_without: f64,
    /// The difference of means (treatment − control) without it.
    pub difference_without: f64,
}

/// The same question answered in another way, shown beside the deciding answer and never in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Beside {
    /// How it was answered.
    pub way: Way,
    /// Treatment − control with its interval at the level of the comparison.
    pub absolute: Estimate,
    /// The test that this interval belongs to.
    pub test: NamedTest,
}

/// In which way a question was answered beside the deciding one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Without what was known of the units before the experiment.
    Unadjusted,
    /// With the extreme values as they are.
    NotWinsorized,
    /// The difference of means, where a test of ranks decides.
    Means,
}

impl Way {
    /// Its name in results and templates.
    pub fn name(self) -> &'static str {
        match self {
            Way::Unadjusted => "unadjusted",
            Way::NotWinsorized => "not-winsorized",
            Way::Means => "means",
        }
    }
}

/// What was known of the units before the experiment, and how much variance it took out of a difference.
#[derive(Clone, Debug, PartialEq)]
pub struct VarianceRemoved {
    /// Squared standard error of the adjusted difference over that of the plain one: 0.75 saves a quarter of the units.
    pub ratio: f64,
    /// Covariates that were used, as the config writes them.
    pub covariates: Vec<String>,
    /// Covariates that explain nothing beside the others and were left out.
    pub dropped: Vec<String>,
    /// Strata of the post-stratification, 0 without it.
    pub strata: u64,
    /// Values of covariates that were missing and stand at the mean of all units.
    pub missing: u64,
}

/// Extreme values that were drawn in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Winsorized {
    /// Values below it became it; none where the lower end was left.
    pub low: Option<f64>,
    /// Values above it became it; none where the upper end was left.
    pub high: Option<f64>,
    /// How many values were raised.
    pub raised: u64,
    /// How many were lowered.
    pub lowered: u64,
}

/// What was done to the values before they were compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handling {
    /// Extreme values that were drawn in.
    pub winsorized: Option<Winsorized>,
    /// Rows stand in clusters: how many rows, how many units.
    pub clusters: Option<(u64, u64)>,
    /// So many values that only what decides and what needs no sorting was computed.
    pub large: bool,
    /// So many different values passed by that what needs values was computed of rounded ones: the most that one is off, relative
    /// to itself.
    pub rounded: Option<f64>,
}

/// What it would take to see an effect worth having.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Needed {
    /// The effect, absolute.
    pub effect: f64,
    /// The effect as a share of the control.
    pub relative: Option<f64>,
    /// Units in each group on which the metric is defined.
    pub per_group: f64,
    /// Randomised units in each group that yield so many (equal unless the metric has a condition).
    pub users_per_group: f64,
    /// Days of the whole experiment at the present flow, when the flow is known.
    pub days: Option<f64>,
}

/// A pair of groups compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// The deciding test.
    pub deciding: NamedTest,
    /// Its p-value adjusted for the family.
    pub p_adjusted: f64,
    /// `p_adjusted < alpha`.
    pub significant: bool,
    /// Level at which this pair was judged: 1 − alpha, or higher when a correction applies. Intervals have this level,
    /// so that they exclude zero exactly when the matching test is significant.
    pub level: f64,
    /// Treatment − control; none when a group has no value.
    pub absolute: Option<Estimate>,
    /// (treatment − control) / control; none when the control is zero or not safely away from it.
    pub relative: Option<Estimate>,
    /// The relative effect's interval on the logarithmic scale, for the analyst: it belongs to another test.
    pub relative_log: Option<(f64, f64)>,
    /// Hodges–Lehmann shift, where a rank test decides.
    pub shift: Option<Estimate>,
    /// P(treatment > control) + ½ P(equal), where a rank test decides.
    pub superiority: Option<Estimate>,
    /// The same question answered in other ways.
    pub beside: Vec<Beside>,
    /// What was known before the experiment took variance out of this difference.
    pub adjustment: Option<VarianceRemoved>,
    /// Direction seen from the goal.
    pub direction: Direction,
    /// Every test that was run, the deciding one first.
    pub tests: Vec<NamedTest>,
    /// The smallest effect this sample would have shown.
    pub detectable: Option<Detectable>,
    /// Bootstrap replicates, where rows are known.
    pub replicates: Option<Replicates>,
    /// The unit that carries the difference, when one does.
    pub driver: Option<Driver>,
    /// What it would take to see an effect worth having, when this one was not significant.
    pub needed: Option<Needed>,
    /// Control and treatment, each the estimate with its squared standard error: what a night keeps of the pair.
    pub points: Option<[(f64, f64); 2]>,
    /// What watching night after night says; none for a single look at the end.
    pub monitoring: Option<Monitoring>,
}

impl Comparison {
    /// Standard error of the difference.
    pub fn error(&self) -> Option<f64> {
        self.points.map(|[control, treatment]| (control.1 + treatment.1).sqrt()).filter(|se| *se > 0.0)
    }

    /// The deciding rank test finds a difference, and that of the means has the opposite sign: neither is the better news.
    pub fn ranks_oppose_means(&self) -> bool {
        let both = self.absolute.zip(self.shift);
        self.significant && both.is_some_and(|(mean, shift)| mean.estimate * shift.estimate < 0.0)
    }

    /// What may be said of the pair to someone who sees the difference of the means beside it.
    pub fn plain_direction(&self) -> Direction {
        if self.ranks_oppose_means() { Direction::None } else { self.direction }
    }
}

/// The result of one metric.
#[derive(Clone, Debug)]
pub struct MetricOutcome {
    /// The metric.
    pub metric: Metric,
    /// Significance level of its family.
    pub alpha: f64,
    /// Groups that are compared, in order, the control first: the pool of the controls where there are several.
    pub groups: Vec<GroupOutcome>,
    /// Test of all groups at once, for three groups and more.
    pub omnibus: Option<NamedTest>,
    /// The separate controls, where the control is the pool of several.
    pub separate: Vec<GroupOutcome>,
    /// Pairs of separate controls: does the split itself make a difference?
    pub controls: Vec<Comparison>,
    /// Pairs that decide, in order.
    pub comparisons: Vec<Comparison>,
    /// Comparisons that share the correction of the p-values, over all metrics of the family.
    pub family: u64,
    /// What was done to the values.
    pub handling: Handling,
    /// Why this deciding test: reason codes of `metrics::choice` in order, empty when the config names it.
    pub choice: Vec<&'static str>,
    /// The metric is defined on a part of the units only (its `where` selects): the share of units, by group.
    pub conditional: Option<Vec<(String, f64)>>,
    /// The same counts or moments at the planned group size.
    pub at_plan: Option<AtPlan>,
    /// Why there is no result, when there is none.
    pub undefined: Option<Undefined>,
}

/// The comparison repeated with the observed rates at the planned group size.
#[derive(Clone, Debug)]
pub struct AtPlan {
    /// Plan id.
    pub plan: String,
    /// Units a group.
    pub n: u64,
    /// Pairs with their raw and adjusted p-values.
    pub comparisons: Vec<AtPlanComparison>,
    /// Groups from best to worst by the goal.
    pub ranking: Vec<String>,
    /// The ranking equals the observed one and every significant pair stays significant.
    pub holds: bool,
}

/// One pair at the planned size.
#[derive(Clone, Debug)]
pub struct AtPlanComparison {
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// z statistic (treatment − control).
    pub statistic: f64,
    /// Adjusted p-value.
    pub p_adjusted: f64,
}

impl MetricOutcome {
    /// The group with this id.
    pub fn group(&self, id: &str) -> Option<&GroupOutcome> {
        self.groups.iter().chain(&self.separate).find(|g| g.id == id)
    }
}
