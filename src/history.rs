//! What earlier reports of an experiment said and what people decided: the memory that a report may speak of.
//!
//! A run leaves one [`Told`] in the archive. The next one reads it back and says what changed; the digest and
//! `itog archive scorecard` count over all of them. Nothing in here touches the archive: it comes in as values.

pub mod scorecard;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What a report said, in the values that later reports and the scorecard need.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Title of the experiment.
    pub title: String,
    /// Hypothesis, if the config has one.
    pub hypothesis: Option<String>,
    /// Owner, if the config names one.
    pub owner: Option<String>,
    /// `planned`, `running`, `finished`.
    pub status: String,
    /// First day of the experiment.
    pub start: Option<Date>,
    /// Last day of the experiment.
    pub end: Option<Date>,
    /// Action name: `ship`, `keep`, `continue`, `stop`, `invalid`.
    pub action: String,
    /// The action in words.
    pub label: String,
    /// Code of the rule that decided.
    pub rule: String,
    /// Winner, when one was named.
    pub winner: Option<String>,
    /// The decision in a sentence.
    pub headline: String,
    /// What was found.
    pub lead: String,
    /// Units in all groups, where known.
    pub units: Option<u64>,
    /// Differences of the primary metric from the control.
    pub effects: Vec<Effect>,
    /// What they are worth in a year.
    pub worth: Vec<Worth>,
}

/// A difference as a report showed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Metric id.
    pub metric: String,
    /// Control of the pair.
    pub control: String,
    /// Treatment of the pair.
    pub treatment: String,
    /// Treatment minus control, in the unit of the metric; none where it could not be computed.
    pub difference: Option<f64>,
    /// Its interval.
    pub interval: Option<(f64, f64)>,
}

/// The worth of a treatment in a year, as a report showed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    /// Treatment of the pair.
    pub treatment: String,
    /// Gain over the control in a year; positive is good.
    pub gain: f64,
    /// Currency.
    pub currency: String,
}

/// What people can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The treatment is rolled out.
    Ship,
    /// The control stays, the treatment goes.
    Rollback,
    /// The idea is changed and tested again.
    Iterate,
    /// The experiment answered nothing.
    Inconclusive,
    /// The data cannot be trusted.
    Invalid,
    /// The experiment was ended before its time.
    StoppedEarly,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Outcome; 6] = [
        Outcome::Ship,
        Outcome::Rollback,
        Outcome::Iterate,
        Outcome::Inconclusive,
        Outcome::Invalid,
        Outcome::StoppedEarly,
    ];

    /// Its name in commands and in the archive.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Ship => "ship",
            Outcome::Rollback => "rollback",
            Outcome::Iterate => "iterate",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Invalid => "invalid",
            Outcome::StoppedEarly => "stopped-early",
        }
    }

    /// The outcome with a name.
    pub fn of_name(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether it is what a recommendation asked for: to ship is to ship; to keep the control is to roll back, or, where the
    /// difference is too small to matter, to call it inconclusive or to change the idea; to stop is to roll back or to stop
    /// early; to continue is to decide nothing yet, and what comes nearest to it is `iterate` or `inconclusive`.
    pub fn follows(self, action: &str) -> bool {
        match action {
            "ship" => self == Outcome::Ship,
            "keep" => matches!(self, Outcome::Rollback | Outcome::Inconclusive | Outcome::Iterate),
            "stop" => matches!(self, Outcome::Rollback | Outcome::StoppedEarly),
            "continue" => matches!(self, Outcome::Inconclusive | Outcome::Iterate),
            "invalid" => self == Outcome::Invalid,
            _ => false,
        }
    }
}

/// A decision of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its position in the archive.
    pub seq: i64,
    /// What was decided.
    pub outcome: Outcome,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The day it was written down.
    pub on: Date,
    /// The day to look at it again.
    pub review_on: Option<Date>,
    /// A later decision took its place.
    pub superseded: bool,
    /// The action that was recommended then.
    pub recommended: Option<String>,
}

/// The report of the night before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Last {
    /// Its data date.
    pub date: Date,
    /// What it said.
    pub told: Told,
}

/// What is remembered of an experiment; empty in its first report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The report of the night before.
    pub last: Option<Last>,
    /// Decisions of people in the order they were written down.
    pub decisions: Vec<Decision>,
}

impl History {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.last.is_none() && self.decisions.is_empty()
    }

    /// The decision that stands.
    pub fn standing(&self) -> Option<&Decision> {
        self.decisions.iter().rev().find(|decision| !decision.superseded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_outcomes_and_match_their_json() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::of_name(outcome.name()), Some(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
        assert_eq!(Outcome::of_name("shipped"), None);
    }

    #[test]
    fn every_recommendation_can_be_followed_and_none_by_everything() {
        for action in ["ship", "keep", "continue", "stop", "invalid"] {
            let following = Outcome::ALL.iter().filter(|outcome| outcome.follows(action)).count();
            assert!((1..Outcome::ALL.len()).contains(&following), "{action}");
        }
    }
}
