//! `[design.looks]`, `[[segment]]` and `[money]` as they are written.

use schemars::JsonSchema;

use super::super::choices::{Choice, Word};
use super::plan::RawTraffic;
use super::{At, ID};

/// What nightly looks are made with.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "looks")]
pub struct RawLooks {
    /// How the error rate is spent on the way to the planned size; `obrien-fleming` unless said otherwise.
    pub spending: Option<At<Word<SpendingName>>>,
    /// The power of `spending = "power"`: the error rate spent is alpha · t^rho; 3 unless said otherwise.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 20, "examples" = [3.0]))]
    pub rho: Option<At<f64>>,
    /// Units a group at which the experiment ends; from the plan, with what looking costs, when absent.
    #[schemars(extend("minimum" = 2, "examples" = [12000]))]
    pub planned: Option<At<u64>>,
    /// Units a group at which a decision is expected; confidence sequences are narrowest there.
    #[schemars(extend("minimum" = 2, "examples" = [12000]))]
    pub expected: Option<At<u64>>,
    /// Units a group before which no look is made; 200 unless said otherwise.
    pub warm_up_units: Option<At<u64>>,
    /// Days before which no look is made; 7 unless said otherwise: people differ by the day of the week.
    pub warm_up_days: Option<At<u64>>,
    /// Chance of an answer below which the report says that going on is in vain; 0.1 unless said otherwise, 0 for never.
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1, "examples" = [0.1]))]
    pub futility: Option<At<f64>>,
}

/// How the error rate is spent, before its parameter is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendingName {
    /// `obrien-fleming`
    ObrienFleming,
    /// `pocock`
    Pocock,
    /// `power`
    Power,
}

impl Choice for SpendingName {
    const NAME: &'static str = "Spending";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (SpendingName::ObrienFleming, "obrien-fleming", "Almost nothing early: O'Brien and Fleming's way."),
        (
            SpendingName::Pocock,
            "pocock",
            "Evenly: Pocock's way; early ends are more likely, the end is dearer.",
        ),
        (SpendingName::Power, "power", "alpha · t^rho."),
    ];
}

/// Parts of the users that are looked at separately.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "segment")]
pub struct RawSegment {
    /// Unique among the segments.
    #[schemars(required, extend("pattern" = ID, "examples" = ["platform"]))]
    pub id: Option<At<String>>,
    /// Title shown to readers; the id when absent.
    #[schemars(extend("minLength" = 1))]
    pub title: Option<At<String>>,
    /// An SQL expression over the columns of [data] whose values are the parts.
    #[schemars(required, extend("minLength" = 1, "examples" = ["platform"]))]
    pub by: Option<At<String>>,
}

/// What an effect is worth in a year.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "money")]
pub struct RawMoney {
    /// The metric whose effect is counted; the primary one when absent.
    #[schemars(extend("minLength" = 1, "examples" = ["arpu"]))]
    pub metric: Option<At<String>>,
    /// What one unit of the metric of one user is worth; 1 unless said otherwise, as for revenue a user.
    pub value: Option<At<f64>>,
    /// Currency shown after amounts; ₽ unless said otherwise.
    #[schemars(extend("minLength" = 1, "examples" = ["₽"]))]
    pub currency: Option<At<String>>,
    /// Users that the decision is about: those of a period, taken over a year.
    #[schemars(required, extend("examples" = [{ "users": 40000, "days": 30 }]))]
    pub traffic: Option<At<RawTraffic>>,
}
