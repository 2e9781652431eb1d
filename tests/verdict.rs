//! The decision table: every combination of what the primary metric, the guardrail, the trust gate and the state of the
//! experiment can be has one action, and the table in the documentation is made from the rules.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use itog::config::valid::{
    Comparisons, Config, Correction, Design, Experiment, Goal, Metric, MetricKind, MetricSource, Monitoring,
    Resampling, Role, Status, TestKind,
};
use itog::metrics::outcome::{
    Comparison, Direction, Estimate, GroupOutcome, Handling, MetricOutcome, NamedTest,
};
use itog::stats::chi_square::ChiSquare;
use itog::trust::{Srm, Trust};
use itog::verdict::{Action, Evidence, RISKS, RULES, STEPS, decide};
use itog::wording::narrative::Narrative;

fn metric(id: &str, role: Role, margin: Option<f64>) -> Metric {
    Metric {
        id: id.into(),
        title: id.into(),
        unit: None,
        kind: MetricKind::Mean,
        source: MetricSource::Summary(Vec::new()),
        goal: Goal::Increase,
        role,
        test: TestKind::Welch,
        margin,
        min_effect: None,
        assumption: None,
        plan: None,
        family: None,
    }
}

fn group(id: &str, mean: f64) -> GroupOutcome {
    GroupOutcome {
        id: id.into(),
        n: 1000,
        mean: Some(mean),
        sd: Some(10.0),
        ci: None,
        median: None,
        max: None,
        normality: None,
        skewness: None,
        successes: None,
        missing: 0,
        values: Vec::new(),
    }
}

/// An outcome whose only comparison has this estimate and interval.
fn outcome(metric: Metric, estimate: f64, ci: (f64, f64)) -> MetricOutcome {
    let significant = ci.0 > 0.0 || ci.1 < 0.0;
    let test =
        NamedTest { test: "welch", statistic: 0.0, df: None, p: if significant { 0.001 } else { 0.5 } };
    MetricOutcome {
        alpha: 0.05,
        groups: vec![group("A", 100.0), group("B", 100.0 + estimate)],
        omnibus: None,
        separate: Vec::new(),
        controls: Vec::new(),
        family: 1,
        handling: Handling::default(),
        comparisons: vec![Comparison {
            control: "A".into(),
            treatment: "B".into(),
            p_adjusted: test.p,
            significant,
            level: 0.95,
            absolute: Some(Estimate { estimate, ci: Some(ci) }),
            relative: None,
            relative_log: None,
            shift: None,
            superiority: None,
            beside: Vec::new(),
            adjustment: None,
            direction: Direction::of(estimate, metric.goal, significant),
            tests: vec![test.clone()],
            deciding: test,
            detectable: None,
            replicates: None,
            driver: None,
            needed: None,
        }],
        choice: Vec::new(),
        conditional: None,
        at_plan: None,
        undefined: None,
        metric,
    }
}

fn config(status: Status) -> Config {
    Config {
        path: "table.toml".into(),
        text: "".into(),
        experiment: Experiment {
            id: "table".into(),
            title: "table".into(),
            hypothesis: None,
            owner: None,
            notes: Vec::new(),
            next_steps: Vec::new(),
            status,
            start: None,
            end: None,
        },
        design: Design {
            control: Some("A".into()),
            other_controls: Vec::new(),
            replicates: 10_000,
            resampling: Resampling::Multinomial,
            alpha: 0.05,
            power: 0.8,
            correction: Correction::Holm,
            allocation: Vec::new(),
            comparisons: Comparisons::Control,
            monitoring: Monitoring::Fixed,
        },
        data: None,
        metrics: Vec::new(),
        plans: Vec::new(),
        test_choices: Vec::new(),
        cross_device: None,
        architecture: None,
    }
}

fn trust(ok: bool) -> Trust {
    let test = ChiSquare {
        statistic: 0.0,
        df: 1.0,
        p: if ok { 0.5 } else { 1e-9 },
        least_expected: 500.0,
        total: 2000,
    };
    let groups = vec![("A".into(), 1000), ("B".into(), 1000)];
    Trust { srm: Some(Srm { groups, shares: vec![0.5, 0.5], test, ok }), ..Trust::default() }
}

const PRIMARY: [(&str, f64, (f64, f64)); 3] =
    [("better", 5.0, (2.0, 8.0)), ("worse", -5.0, (-8.0, -2.0)), ("none", 0.5, (-3.0, 4.0))];
const GUARDRAIL: [(&str, f64, (f64, f64)); 3] =
    [("passed", 0.0, (-0.5, 0.5)), ("failed", -5.0, (-8.0, -2.0)), ("underpowered", 0.0, (-6.0, 6.0))];

/// What a careful person would decide, written down independently of the rules.
fn expected(primary: &str, guardrail: &str, trust_ok: bool, status: Status) -> Action {
    if !trust_ok {
        return Action::Invalid;
    }
    match (status, primary, guardrail) {
        (Status::Planned, ..) => Action::Continue,
        (Status::Running, _, "failed") => Action::Stop,
        (Status::Running, ..) => Action::Continue,
        (Status::Finished, "better", "passed") => Action::Ship,
        (Status::Finished, "better", "underpowered") => Action::Continue,
        (Status::Finished, _, "failed") => Action::Keep,
        (Status::Finished, "worse", _) => Action::Keep,
        (Status::Finished, ..) => Action::Continue,
    }
}

#[test]
fn every_combination_has_the_action_a_careful_person_would_take() {
    let mut wrong = Vec::new();
    for status in [Status::Planned, Status::Running, Status::Finished] {
        for trust_ok in [true, false] {
            for (primary, estimate, ci) in PRIMARY {
                for (guardrail, harm, bounds) in GUARDRAIL {
                    let config = config(status);
                    let outcomes = [
                        outcome(metric("main", Role::Primary, None), estimate, ci),
                        outcome(metric("guard", Role::Guardrail, Some(1.0)), harm, bounds),
                    ];
                    let trust = trust(trust_ok);
                    let verdict = decide(&Evidence { config: &config, trust: &trust, outcomes: &outcomes });
                    let wanted = expected(primary, guardrail, trust_ok, status);
                    if verdict.action != wanted {
                        wrong.push(format!(
                            "{status:?}, trust {trust_ok}, primary {primary}, guardrail {guardrail}: {:?} by {}, not {wanted:?}",
                            verdict.action, verdict.rule
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn codes_are_unique_and_each_has_its_sentence() {
    let narrative = Narrative::new().unwrap();
    let rules = RULES.iter().map(|r| ("rule", r.code));
    let risks = RISKS.iter().map(|r| ("risk", r.code));
    let steps = STEPS.iter().map(|r| ("step", r.code));
    let mut seen = std::collections::BTreeSet::new();
    for (room, code) in rules.chain(risks).chain(steps) {
        assert!(seen.insert((room, code)), "the {room} {code} stands twice");
        let name = format!("narrative/{room}/{code}.tera");
        assert!(narrative.contains(&name), "{name} is missing");
    }
}

#[test]
fn the_last_rule_always_holds() {
    let last = RULES.last().unwrap();
    let config = config(Status::Finished);
    let trust = Trust::default();
    assert!((last.holds)(&Evidence { config: &config, trust: &trust, outcomes: &[] }));
}

/// The table of the documentation, made from the rules.
fn table() -> String {
    let mut text = String::from("| # | code | decides | when |\n| --- | --- | --- | --- |\n");
    for (index, rule) in RULES.iter().enumerate() {
        let row = format!("| {} | `{}` | `{}` | {} |\n", index + 1, rule.code, rule.action.name(), rule.when);
        text.push_str(&row);
    }
    text
}

#[test]
fn the_documentation_holds_the_table_of_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verdict.md");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text.contains(&table()), "docs/verdict.md must hold this table:\n{}", table());
}
