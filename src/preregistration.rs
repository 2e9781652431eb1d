//! What was fixed before the experiment began, and what was changed after.
//!
//! The rules of an experiment are those parts of its config that decide what is said of it: levels, corrections, the way of
//! looking, what the metrics measure and which part they play. The first night keeps them; a later night compares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::choices::word;
use crate::config::valid::{Config, MetricKind, MetricSource, PlanEstimand, Spending, Status};

/// The rules, each a name and its value: `design.alpha` → `0.05`, `metric.arppu.role` → `primary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(BTreeMap<String, String>);

/// One rule that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub rule: String,
    /// Its value on the first night; none where it did not exist.
    pub before: Option<String>,
    /// Its value now; none where it is gone.
    pub now: Option<String>,
}

/// Rules that the first nights of old archives do not know.
const NEWER: [&str; 7] =
    [".warm_up_units", ".warm_up_days", ".alpha", ".quantile", ".population", ".pre_period", "data.unit"];

/// Keys under which a metric's rules stand.
const METRIC: &str = "metric";

impl Rules {
    /// The rules of a config.
    pub fn of(config: &Config) -> Rules {
        let mut rules = BTreeMap::new();
        let mut put = |name: &str, value: Option<String>| {
            rules.extend(value.map(|value| (name.to_owned(), value)));
        };
        let design = &config.design;
        put("design.control", design.control.clone());
        put("design.other_controls", list(&design.other_controls));
        put("design.alpha", Some(design.alpha.to_string()));
        put("design.power", Some(design.power.to_string()));
        put("design.correction", Some(word(design.correction).to_owned()));
        put("design.comparisons", Some(word(design.comparisons).to_owned()));
        let weights: Vec<String> =
            design.allocation.iter().map(|(id, weight)| format!("{id} = {weight}")).collect();
        put("design.allocation", list(&weights));
        // A finished experiment is looked at once more by the rules of its nights, whatever the word says by then.
        if config.experiment.status == Status::Running {
            put("design.monitoring", Some(word(design.monitoring).to_owned()));
        }
        let spending = match design.looks.spending {
            Spending::ObrienFleming => "obrien-fleming".to_owned(),
            Spending::Pocock => "pocock".to_owned(),
            Spending::Power(rho) => format!("power {rho}"),
        };
        put("design.looks.spending", Some(spending));
        put("design.looks.planned", design.looks.planned.map(|units| units.to_string()));
        put("design.looks.warm_up_units", Some(design.looks.warm_up_units.to_string()));
        put("design.looks.warm_up_days", Some(design.looks.warm_up_days.to_string()));
        put("design.looks.expected", design.looks.expected.map(|units| units.to_string()));
        put("data.unit", config.data.as_ref().and_then(|data| data.unit.clone()));
        put("experiment.start", config.experiment.start.map(|day| day.to_string()));
        put("experiment.end", config.experiment.end.map(|day| day.to_string()));
        put("experiment.hypothesis", config.experiment.hypothesis.clone());
        for plan in &config.plans {
            let name = |what: &str| format!("plan.{}.{what}", plan.id);
            let lift = match plan.estimand {
                PlanEstimand::Proportion { lift, .. } | PlanEstimand::Mean { lift, .. } => lift,
            };
            put(&name("lift"), Some(lift.to_string()));
            put(&name("power"), Some(plan.power.to_string()));
            put(&name("alpha"), Some(plan.alpha.to_string()));
        }
        for metric in &config.metrics {
            let name = |what: &str| format!("{METRIC}.{}.{what}", metric.id);
            put(&name("kind"), Some(metric.kind.name().to_owned()));
            if let MetricKind::Quantile { quantile } = metric.kind {
                put(&name("quantile"), Some(quantile.to_string()));
            }
            put(&name("role"), Some(word(metric.role).to_owned()));
            put(&name("goal"), Some(word(metric.goal).to_owned()));
            put(&name("test"), Some(word(metric.test).to_owned()));
            put(&name("margin"), metric.margin.map(|margin| margin.to_string()));
            put(&name("min_effect"), metric.min_effect.map(|effect| effect.to_string()));
            put(&name("family"), metric.family.clone());
            match &metric.source {
                MetricSource::Rows(rows) => {
                    put(&name("from"), rows.from.clone());
                    put(&name("value"), Some(rows.value.clone()));
                    put(&name("denominator"), rows.denominator.clone());
                    put(&name("where"), rows.filter.clone());
                    put(&name("aggregate"), Some(word(rows.aggregate).to_owned()));
                    put(&name("population"), Some(word(rows.population).to_owned()));
                    put(&name("covariates"), list(&rows.adjustment.covariates));
                    put(&name("pre_period"), Some(rows.adjustment.pre_period.to_string()));
                    put(&name("strata"), rows.adjustment.strata.clone());
                    let ends = rows.winsorize.map(|ends| format!("{}–{}", ends.lower, ends.upper));
                    put(&name("winsorize"), ends);
                }
                MetricSource::Step(step) => put(&name("steps"), list(&step.steps)),
                // Published numbers are the data themselves: they change every night.
                MetricSource::Summary(_) | MetricSource::Counts(_) => {}
            }
        }
        Rules(rules)
    }

    /// What is not as it was in `first`, in the order of the names.
    pub fn changed_since(&self, first: &Rules) -> Vec<Change> {
        let names: std::collections::BTreeSet<&String> = first.0.keys().chain(self.0.keys()).collect();
        let change = |name: &String| {
            let (before, now) = (first.0.get(name).cloned(), self.0.get(name).cloned());
            // Only a running experiment has a way of looking of its own.
            if name == "design.monitoring" && (before.is_none() || now.is_none()) {
                return None;
            }
            // A night of an earlier version of the program kept fewer rules.
            if before.is_none() && NEWER.iter().any(|rule| name.ends_with(rule)) {
                return None;
            }
            (before != now).then(|| Change { rule: name.clone(), before, now })
        };
        names.into_iter().filter_map(change).collect()
    }
}

fn list(items: &[String]) -> Option<String> {
    (!items.is_empty()).then(|| items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(alpha: &str, role: &str, extra: &str) -> Rules {
        let text = format!(
            "[experiment]\nid = \"e\"\ntitle = \"T\"\n[design]\nalpha = {alpha}\n[data]\npath = \"x.csv\"\ngroup = \"g\"\n\
             [[metric]]\nid = \"m\"\nvalue = \"x\"\nrole = \"{role}\"\n{extra}"
        );
        match crate::config::parse("x.toml".as_ref(), &text, &[]) {
            Ok(read) => Rules::of(&read.value),
            Err(problems) => panic!("{problems:?}"),
        }
    }

    #[test]
    fn a_moved_level_and_a_metric_made_primary_are_told() {
        let first = rules("0.05", "secondary", "");
        assert!(first.changed_since(&first).is_empty());
        let changes = rules("0.1", "primary", "where = \"x > 0\"\n").changed_since(&first);
        let told: Vec<(&str, Option<&str>, Option<&str>)> =
            changes.iter().map(|c| (c.rule.as_str(), c.before.as_deref(), c.now.as_deref())).collect();
        assert_eq!(
            told,
            [
                ("design.alpha", Some("0.05"), Some("0.1")),
                ("metric.m.role", Some("secondary"), Some("primary")),
                ("metric.m.where", None, Some("x > 0")),
            ]
        );
    }
}
