//! Everything that is known of one experiment, before it is told.

use jiff::civil::Date;

use crate::config::valid::{Config, Role};
use crate::data::Dataset;
use crate::diag::Diagnostic;
use crate::history::History;
use crate::metrics::choice::Recommendation;
use crate::metrics::outcome::MetricOutcome;
use crate::money::Worth;
use crate::planning::PlanOutcome;
use crate::preregistration::Change;
use crate::trust::Trust;
use crate::validation::aa::Proven;
use crate::validation::course::ByDay;
use crate::validation::segments::BySegment;
use crate::validation::trust::Split;
use crate::verdict::Verdict;
use crate::watch::{Night, Seen, Watch};

/// Everything that is known of one experiment.
pub struct Findings {
    /// The experiment as validated.
    pub config: Config,
    /// The data date of the run.
    pub date: Date,
    /// The rows, when it has any.
    pub data: Option<Dataset>,
    /// Whether they can be trusted.
    pub trust: Trust,
    /// What the rows say of the split; nothing without rows.
    pub split: Split,
    /// How the experiment is watched; none for a single look at the end.
    pub watch: Option<Watch>,
    /// What tonight keeps for the nights to come.
    pub seen: Vec<Seen>,
    /// Nights before tonight that nobody kept, made again from the rows; kept with tonight, so that the next nights know them.
    pub remade: Vec<Night>,
    /// Rules that are not those of the first night.
    pub changes: Vec<Change>,
    /// The A/A run of every deciding test.
    pub proven: Vec<Proven>,
    /// The effect by segment.
    pub segments: Vec<BySegment>,
    /// The effect by the day units came in.
    pub course: Vec<ByDay>,
    /// What the effect is worth.
    pub worth: Vec<Worth>,
    /// Metrics in the order of the config; empty when a gate refused the data.
    pub outcomes: Vec<MetricOutcome>,
    /// Plans in the order of the config.
    pub plans: Vec<PlanOutcome>,
    /// Test choices in the order of the config.
    pub choices: Vec<Recommendation>,
    /// What earlier reports said and what people decided.
    pub history: History,
    /// The decision.
    pub verdict: Verdict,
    /// What came up on the way and the analyst should know.
    pub warnings: Vec<Diagnostic>,
}

impl Findings {
    /// Units in all groups: of the rows, else of the primary metric's published numbers.
    pub fn units(&self) -> Option<u64> {
        let of_rows = self.data.as_ref().map(|data| data.groups.iter().map(|group| group.units).sum());
        of_rows.or_else(|| {
            let primary = self.outcomes.iter().find(|o| o.metric.role == Role::Primary)?;
            Some(primary.groups.iter().map(|group| group.n).sum())
        })
    }
}
