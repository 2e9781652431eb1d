//! The words that keys with a closed set of values take, with what each means: one table an enum feeds the reader,
//! the hints and the JSON Schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};

use super::valid::{
    Aggregate, Comparisons, Correction, Engine, Goal, Monitoring, OnBroken, Population, RandomisationUnit,
    Resampling, Role, Status, Streaming, TestKind,
};

/// A closed set of values, each written as one word.
pub trait Choice: Copy + 'static {
    /// Name of the set in the JSON Schema.
    const NAME: &'static str;
    /// Value, word and meaning, in the order shown to users.
    const ALL: &'static [(Self, &'static str, &'static str)];
}

/// A value of a [`Choice`], read from its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<'de, T: Choice> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<str>::deserialize(deserializer)?;
        let known = T::ALL.iter().find(|(_, name, _)| *name == word);
        known
            .map(|(value, _, _)| Word(*value))
            .ok_or_else(|| D::Error::custom(format!("unknown value `{word}`")))
    }
}

impl<T: Choice> JsonSchema for Word<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = T::ALL
            .iter()
            .map(|(_, word, meaning)| serde_json::json!({ "const": word, "description": meaning }))
            .collect();
        json_schema!({ "type": "string", "oneOf": words })
    }
}

impl Choice for Status {
    const NAME: &'static str = "Status";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Status::Planned, "planned", "Not started: the report is a plan."),
        (Status::Running, "running", "Collecting data."),
        (Status::Finished, "finished", "Collected all it will."),
    ];
}

impl Choice for Correction {
    const NAME: &'static str = "Correction";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Correction::None, "none", "No adjustment."),
        (Correction::Bonferroni, "bonferroni", "p × number of comparisons."),
        (Correction::Holm, "holm", "Holm's step-down: as safe as Bonferroni, never weaker."),
        (
            Correction::Hochberg,
            "hochberg",
            "Hochberg's step-up, for comparisons that do not oppose each other.",
        ),
        (Correction::Bh, "bh", "Benjamini–Hochberg: the false discovery rate."),
        (Correction::By, "by", "Benjamini–Yekutieli: the false discovery rate under any dependence."),
        (Correction::Dunnett, "dunnett", "Dunnett's test: means against a control."),
        (Correction::Tukey, "tukey", "Tukey's test: means, every pair."),
    ];
}

impl Choice for Comparisons {
    const NAME: &'static str = "Comparisons";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Comparisons::Control, "control", "Each group against the control."),
        (Comparisons::All, "all", "Every pair of groups."),
    ];
}

impl Choice for Monitoring {
    const NAME: &'static str = "Monitoring";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Monitoring::Fixed, "fixed", "One look, at the end."),
        (Monitoring::GroupSequential, "group-sequential", "Boundaries for a few planned looks."),
        (Monitoring::AlwaysValid, "always-valid", "Confidence sequences: any number of looks."),
    ];
}

impl Choice for Streaming {
    const NAME: &'static str = "Streaming";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Streaming::Auto, "auto", "Where the rows would take much memory and the metrics are made of sums."),
        (Streaming::Always, "always", "Always; an experiment that needs all rows at once is refused."),
        (Streaming::Never, "never", "Never: all rows are held in memory."),
    ];
}

impl Choice for Engine {
    const NAME: &'static str = "Engine";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Engine::Clickhouse, "clickhouse", "ClickHouse, over HTTP or HTTPS."),
        (Engine::Postgres, "postgres", "PostgreSQL, and what speaks its protocol: Greenplum, Citus."),
    ];
}

impl Choice for OnBroken {
    const NAME: &'static str = "OnBroken";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (OnBroken::Report, "report", "Counted and shown, kept where they can be kept."),
        (OnBroken::Exclude, "exclude", "Left out of the analysis, counted and shown."),
        (OnBroken::Refuse, "refuse", "The experiment is refused."),
    ];
}

impl Choice for Goal {
    const NAME: &'static str = "Goal";
    const ALL: &'static [(Self, &'static str, &'static str)] =
        &[(Goal::Increase, "increase", "More is better."), (Goal::Decrease, "decrease", "Less is better.")];
}

impl Choice for Role {
    const NAME: &'static str = "Role";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Role::Primary, "primary", "Decides."),
        (Role::Secondary, "secondary", "Explains."),
        (Role::Guardrail, "guardrail", "Must not be harmed."),
        (Role::Quality, "quality", "Tells whether the data can be trusted."),
    ];
}

impl Choice for TestKind {
    const NAME: &'static str = "Test";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (TestKind::Auto, "auto", "Chosen by rules that the report states."),
        (TestKind::Welch, "welch", "Welch's t test: means, unequal variances."),
        (TestKind::Student, "student", "Student's t test: means, equal variances."),
        (TestKind::MannWhitney, "mann-whitney", "Mann–Whitney's U: which group tends to larger values."),
        (
            TestKind::BrunnerMunzel,
            "brunner-munzel",
            "Brunner–Munzel: as Mann–Whitney, unequal shapes allowed.",
        ),
        (TestKind::Z, "z", "Two-proportion z test."),
        (TestKind::ChiSquare, "chi-square", "Pearson's χ² test of proportions."),
        (TestKind::Fisher, "fisher", "Fisher's exact test of proportions."),
        (TestKind::Bootstrap, "bootstrap", "Bootstrap of the difference."),
        (TestKind::Permutation, "permutation", "Permutation test of the difference."),
    ];
}

impl Choice for Aggregate {
    const NAME: &'static str = "Aggregate";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Aggregate::Sum, "sum", "Their sum."),
        (Aggregate::Count, "count", "How many there are."),
        (Aggregate::Any, "any", "1 when one of them has 1."),
        (Aggregate::Mean, "mean", "Their mean."),
        (Aggregate::Max, "max", "The largest."),
        (Aggregate::Min, "min", "The smallest."),
        (Aggregate::Rows, "rows", "Each row is a value of its own; the unit is its cluster."),
    ];
}

impl Choice for Population {
    const NAME: &'static str = "Population";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Population::Exposed, "exposed", "Every unit of the experiment; one without a matching row has 0."),
        (Population::Matching, "matching", "Units with a row that meets the condition."),
    ];
}

impl Choice for Resampling {
    const NAME: &'static str = "Resampling";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Resampling::Multinomial, "multinomial", "As many units as there are, with replacement."),
        (Resampling::Poisson, "poisson", "Every unit a Poisson(1) number of times."),
    ];
}

impl Choice for RandomisationUnit {
    const NAME: &'static str = "RandomisationUnit";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (RandomisationUnit::User, "user", "A person, over all devices."),
        (RandomisationUnit::Device, "device", "A device or browser."),
    ];
}

/// What a metric estimates, before its parameters are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindName {
    /// `mean`
    Mean,
    /// `proportion`
    Proportion,
    /// `ratio`
    Ratio,
    /// `quantile`
    Quantile,
}

impl Choice for KindName {
    const NAME: &'static str = "MetricKind";
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (KindName::Mean, "mean", "Mean of the value."),
        (KindName::Proportion, "proportion", "Share of units with the value 1 or true."),
        (KindName::Ratio, "ratio", "Sum of the numerator over sum of the denominator."),
        (KindName::Quantile, "quantile", "A quantile of the value."),
    ];
}

/// The word of a value.
pub fn word<T: Choice + PartialEq>(value: T) -> &'static str {
    T::ALL.iter().find(|(known, _, _)| *known == value).map_or("", |(_, word, _)| word)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// The words of the config are those that the results are written with.
    fn agrees_with_serde<T: Choice + serde::Serialize + Debug + PartialEq>() {
        for (value, name, meaning) in T::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), *name, "{value:?}");
            assert_eq!(word(*value), *name);
            assert!(meaning.ends_with('.'), "{meaning}");
        }
    }

    #[test]
    fn words_are_the_names_in_results() {
        agrees_with_serde::<Status>();
        agrees_with_serde::<Correction>();
        agrees_with_serde::<Comparisons>();
        agrees_with_serde::<Monitoring>();
        agrees_with_serde::<Engine>();
        agrees_with_serde::<OnBroken>();
        agrees_with_serde::<Streaming>();
        agrees_with_serde::<Goal>();
        agrees_with_serde::<Role>();
        agrees_with_serde::<TestKind>();
        agrees_with_serde::<RandomisationUnit>();
        agrees_with_serde::<Aggregate>();
        agrees_with_serde::<Population>();
        agrees_with_serde::<Resampling>();
    }
}
