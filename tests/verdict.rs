//! The decision table: every combination of what the primary metric, the guardrail, the trust gate and the state of the
//! experiment can be has one action, and the table in the documentation is made from the rules.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use itog::config::valid::{
    Comparisons, Config, Correction, Design, Experiment, Goal, Looks, Metric, MetricKind, MetricSource,
    Monitoring, Resampling, Role, Status, TestKind,
};
use itog::metrics::outcome::{
    Comparison, Direction, Estimate, GroupOutcome, Handling, MetricOutcome, NamedTest,
};
use itog::monitoring::{Closing, Effect, Look, Plan, monitor};
use itog::stats::chi_square::ChiSquare;
use itog::trust::{Srm, Trust};
use itog::validation::trust::Split;
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
            points: None,
            monitoring: None,
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
            status_by_dates: false,
            start: None,
            end: None,
            time_limit: None,
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
            monitoring_by_dates: false,
            looks: Looks::default(),
        },
        data: None,
        metrics: Vec::new(),
        segments: Vec::new(),
        money: None,
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
const GUARDRAIL: [(&str, f64, (f64, f64)); 4] = [
    ("passed", 0.0, (-0.5, 0.5)),
    ("worse within the margin", -0.5, (-0.8, -0.2)),
    ("failed", -5.0, (-8.0, -2.0)),
    ("underpowered", 0.0, (-6.0, 6.0)),
];
/// Where the experiment stands, and whether somebody watches it by rules that allow it.
const STATES: [(&str, Status, bool); 4] = [
    ("planned", Status::Planned, false),
    ("running, one look at the end", Status::Running, false),
    ("running, watched", Status::Running, true),
    ("finished", Status::Finished, false),
];

/// What a careful person would decide, written down independently of the rules.
fn expected(primary: &str, guardrail: &str, trust_ok: bool, state: &str) -> Action {
    if !trust_ok {
        return Action::Invalid;
    }
    match (state, primary, guardrail) {
        ("planned", ..) => Action::Continue,
        ("running, one look at the end" | "running, watched", _, "failed") => Action::Stop,
        ("running, one look at the end", ..) => Action::Continue,
        (_, "better", "passed" | "worse within the margin") => Action::Ship,
        (_, "better", "underpowered") => Action::Continue,
        (_, _, "failed") => Action::Keep,
        (_, "worse", _) => Action::Keep,
        _ => Action::Continue,
    }
}

/// The same comparison watched for eight nights: what is significant crosses its boundary, what is not stays within.
fn watched(mut outcome: MetricOutcome) -> MetricOutcome {
    let c = &mut outcome.comparisons[0];
    let effect = c.absolute.unwrap();
    let (low, high) = effect.ci.unwrap();
    let se = (high - low) / 2.0 / 1.96;
    let look = |night: i32| Look {
        day: night,
        information: 100.0 * f64::from(night),
        effect: Some(Effect { estimate: effect.estimate, se: se * (8.0 / f64::from(night)).sqrt() }),
    };
    let looks: Vec<Look> = (1..=8).map(look).collect();
    let plan = Plan::usual(Some(1000.0), 1000.0, 0.05);
    let monitoring = monitor(&plan, &looks, Closing::Open).unwrap();
    assert_eq!(monitoring.crossed.is_some(), c.significant, "{:?}", monitoring.state);
    c.monitoring = Some(monitoring);
    outcome
}

/// Every combination with the action of the rules and the rule that decided.
fn combinations() -> Vec<(&'static str, &'static str, bool, &'static str, Action, &'static str)> {
    let mut found = Vec::new();
    for (state, status, is_watched) in STATES {
        for trust_ok in [true, false] {
            for (primary, estimate, ci) in PRIMARY {
                for (guardrail, harm, bounds) in GUARDRAIL {
                    let mut config = config(status);
                    let mut outcomes = vec![
                        outcome(metric("main", Role::Primary, None), estimate, ci),
                        outcome(metric("guard", Role::Guardrail, Some(1.0)), harm, bounds),
                    ];
                    if is_watched {
                        config.design.monitoring = Monitoring::GroupSequential;
                        outcomes = outcomes.into_iter().map(watched).collect();
                    }
                    let (trust, split) = (trust(trust_ok), Split::default());
                    let verdict = decide(&evidence(&config, &trust, &split, &outcomes));
                    found.push((state, primary, trust_ok, guardrail, verdict.action, verdict.rule));
                }
            }
        }
    }
    found
}

fn evidence<'a>(
    config: &'a Config,
    trust: &'a Trust,
    split: &'a Split,
    outcomes: &'a [MetricOutcome],
) -> Evidence<'a> {
    Evidence { config, trust, split, outcomes, segments: &[], rules_changed: false }
}

#[test]
fn every_combination_has_the_action_a_careful_person_would_take() {
    let mut wrong = Vec::new();
    for (state, primary, trust_ok, guardrail, action, rule) in combinations() {
        let wanted = expected(primary, guardrail, trust_ok, state);
        if action != wanted {
            wrong.push(format!(
                "{state}, trust {trust_ok}, primary {primary}, guardrail {guardrail}: {action:?} by {rule}, not {wanted:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The decision table of the documentation, made from the rules.
fn decision_table() -> String {
    let mut text = String::from(
        "| state | trust gates | primary | guardrail | action | rule |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for (state, primary, trust_ok, guardrail, action, rule) in combinations() {
        let gates = if trust_ok { "ok" } else { "failed" };
        text.push_str(&format!(
            "| {state} | {gates} | {primary} | {guardrail} | `{}` | `{rule}` |\n",
            action.name()
        ));
    }
    text
}

#[test]
fn the_documentation_holds_the_decision_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verdict.md");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text.contains(&decision_table()), "docs/verdict.md must hold this table:\n{}", decision_table());
}

/// The verdict on a text of a config, on a date.
fn decided(text: &str, date: jiff::civil::Date) -> itog::verdict::Verdict {
    let config = itog::config::parse("some.toml".as_ref(), text, &[]).unwrap();
    itog::run::findings(config, date, &itog::run::Past::default()).unwrap().verdict
}

#[test]
fn an_experiment_that_has_not_ended_is_not_called_finished_where_nobody_says_so() {
    let text = |status: &str| {
        format!(
            "[experiment]\nid = \"early\"\ntitle = \"Early\"\nstart = 2026-11-01\nend = 2026-11-21\n{status}\n[design]\n\
             control = \"A\"\nmonitoring = \"fixed\"\n[[metric]]\nid = \"m\"\n\
             counts = {{ A = {{ successes = 100, n = 1000 }}, B = {{ successes = 200, n = 1000 }} }}\n"
        )
    };
    let on = |status: &str, day: i8| decided(&text(status), jiff::civil::date(2026, 11, day)).rule;
    assert_eq!(on("", 6), "look-not-valid");
    assert_eq!(on("", 20), "look-not-valid");
    assert_eq!(on("", 21), "primary-better");
    assert_eq!(decided(&text(""), jiff::civil::date(2026, 10, 31)).rule, "not-started");
    assert_eq!(on("status = \"finished\"", 6), "primary-better");
    // Where nobody says how it is looked at either, it is watched like any other that runs.
    let watched = text("").replace("monitoring = \"fixed\"\n", "");
    assert_eq!(decided(&watched, jiff::civil::date(2026, 11, 6)).rule, "within-boundaries");
    assert_eq!(decided(&watched, jiff::civil::date(2026, 11, 21)).rule, "primary-better");
}

#[test]
fn treatments_that_are_not_told_apart_are_tied_also_where_only_the_control_is_compared() {
    let text = |c: u32| {
        format!(
            "[experiment]\nid = \"tied\"\ntitle = \"Tied\"\n[design]\ncontrol = \"A\"\n[[metric]]\nid = \"m\"\ncounts = {{ \
             A = {{ successes = 1000, n = 10000 }}, B = {{ successes = 1200, n = 10000 }}, C = {{ successes = {c}, n = 10000 }} }}\n"
        )
    };
    let date = jiff::civil::date(2026, 11, 22);
    let rule = |c: u32| decided(&text(c), date).rule;
    assert_eq!(rule(1210), "winner-tied");
    assert_eq!(decided(&text(1210), date).winner.as_deref(), Some("C"));
    assert_eq!(rule(1400), "primary-better");
}

#[test]
fn a_sample_ratio_of_50_5_to_49_5_on_a_million_is_invalid_whatever_the_metrics_say() {
    let text = "[experiment]\nid = \"ratio\"\ntitle = \"Ratio\"\n[design]\ncontrol = \"A\"\n[[metric]]\nid = \"m\"\n\
                counts = { A = { successes = 50000, n = 505000 }, B = { successes = 90000, n = 495000 } }\n";
    let config = itog::config::parse("ratio.toml".as_ref(), text, &[]).unwrap();
    let date = jiff::civil::date(2026, 11, 22);
    let findings = itog::run::findings(config, date, &itog::run::Past::default()).unwrap();
    assert_eq!((findings.verdict.action, findings.verdict.rule), (Action::Invalid, "srm-failed"));
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
    assert!((last.holds)(&evidence(&config, &trust, &Split::default(), &[])));
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
