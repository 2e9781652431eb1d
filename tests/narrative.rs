//! The built-in narrative, swept: every branch of every template, every kind of experiment, every shipped config —
//! no template fails, no text has a fault, no branch is dead, no code is without its sentence.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

#[path = "narrative/branches.rs"]
mod branches;
#[path = "narrative/decisions.rs"]
mod decisions;
#[path = "narrative/experiments.rs"]
mod experiments;
#[path = "narrative/nights.rs"]
mod nights;
#[path = "narrative/sample.rs"]
mod sample;
#[path = "narrative/told.rs"]
mod told;
#[path = "narrative/units.rs"]
mod units;

use std::collections::BTreeSet;
use std::path::Path;

use itog::config::valid::{MetricKind, Normality, TestChoice, TestKind};
use itog::metrics::choice::{Sample, for_mean, for_proportion, for_sums, recommend};
use itog::verdict::{RISKS, RULES, STEPS};
use itog::wording::builtin::NARRATIVE;
use itog::wording::narrative::Narrative;

/// Templates of sections, which belong to no code.
const SECTIONS: [&str; 15] = [
    "architecture",
    "course",
    "cross_device",
    "data",
    "experiment",
    "funnel",
    "history",
    "look",
    "method",
    "metric",
    "money",
    "plan",
    "proof",
    "segments",
    "watch",
];

/// Every reason code that the choice of a test can give.
fn choice_codes() -> BTreeSet<&'static str> {
    let kinds =
        [MetricKind::Mean, MetricKind::Proportion, MetricKind::Ratio, MetricKind::Quantile { quantile: 0.5 }];
    let mut codes = BTreeSet::new();
    for kind in kinds {
        for n in [20, 2350] {
            for p in [None, Some(0.3), Some(0.00002)] {
                let normality = p.map(|p| Normality { test: "shapiro-wilk".into(), p });
                let question =
                    TestChoice { id: "x".into(), metric: "X".into(), kind, n, normality, alpha: 0.05 };
                codes.extend(recommend(&question).because);
            }
        }
    }
    for n in [20, 200, 1_000_000] {
        for skewness in [None, Some(0.1), Some(4.0)] {
            for zeros in [0.0, 0.6, 0.99] {
                let sample = Sample { n, skewness, zeros, rows: true };
                codes.extend(for_mean(sample).1);
                codes.extend(for_sums(TestKind::Auto, sample).1);
                codes.extend(for_sums(TestKind::MannWhitney, sample).1);
            }
        }
    }
    codes.extend(["adjusted-cuped", "adjusted-strata", "rows-in-clusters"]);
    for expected in [1.0, 100.0] {
        codes.extend(for_proportion(expected).1);
    }
    codes
}

#[test]
fn every_code_has_its_template_and_no_template_is_orphaned() {
    let mut wanted = BTreeSet::new();
    wanted.extend(RULES.iter().map(|r| format!("narrative/rule/{}.tera", r.code)));
    wanted.extend(RISKS.iter().map(|r| format!("narrative/risk/{}.tera", r.code)));
    wanted.extend(STEPS.iter().map(|r| format!("narrative/step/{}.tera", r.code)));
    wanted.insert(format!("narrative/step/{}.tera", itog::report::sentences::DECIDED));
    wanted.extend(choice_codes().iter().map(|code| format!("narrative/choice/{code}.tera")));
    wanted.extend(SECTIONS.iter().map(|name| format!("narrative/section/{name}.tera")));
    let partial = |name: &&&str| name.rsplit('/').next().is_some_and(|file| file.starts_with('_'));
    let present: BTreeSet<String> =
        NARRATIVE.iter().map(|(name, _)| name).filter(|name| !partial(name)).map(|n| n.to_string()).collect();
    assert_eq!(present, wanted);
}

#[test]
fn every_branch_of_every_template_reads_well() {
    let narrative = Narrative::new().unwrap();
    let facts = sample::facts();
    let mut problems = Vec::new();
    for (name, source) in NARRATIVE.iter().filter(|(name, _)| !name.contains("/_")) {
        problems.extend(branches::sweep(&narrative, name, source, &facts));
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn every_kind_of_experiment_reads_well() {
    let narrative = Narrative::new().unwrap();
    let mut problems = BTreeSet::new();
    let (mut rules, mut remarks) = (BTreeSet::new(), BTreeSet::new());
    for findings in experiments::all() {
        rules.insert(findings.verdict.rule);
        remarks.extend(findings.verdict.risks.iter().chain(&findings.verdict.steps).copied());
        problems.extend(told::problems(&narrative, &findings));
    }
    let unseen: Vec<&str> = RULES.iter().map(|r| r.code).filter(|code| !rules.contains(code)).collect();
    assert_eq!(unseen, Vec::<&str>::new(), "no experiment of the sweep comes to these rules");
    let all = RISKS.iter().chain(STEPS).map(|r| r.code);
    let unseen: Vec<&str> = all.filter(|code| !remarks.contains(code)).collect();
    assert_eq!(unseen, Vec::<&str>::new(), "no experiment of the sweep comes to these risks and steps");
    let shown: Vec<String> = problems.into_iter().take(60).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn every_shipped_config_reads_well() {
    let narrative = Narrative::new().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut problems = Vec::new();
    let mut seen = 0;
    for path in itog::batch::configs(&[folder]).unwrap() {
        let config = itog::config::load(&path, &[]).unwrap();
        let findings = itog::run::findings(config, experiments::DATE, &itog::run::Past::default()).unwrap();
        problems.extend(told::problems(&narrative, &findings));
        seen += 1;
    }
    assert_eq!(seen, 5, "the assignment has five experiments");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A decision of every kind on a report whose last night said something else.
#[test]
fn a_report_with_a_past_reads_well() {
    let templates = itog::templates::Templates::new().unwrap();
    let narrative = Narrative::new().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/arppu.toml");
    let config = itog::config::load(&path, &[]).unwrap();
    let mut findings = itog::run::findings(config, experiments::DATE, &itog::run::Past::default()).unwrap();
    let day = |day: i8| jiff::civil::date(2026, 10, day);
    let mut told = itog::run::report(&findings, &templates, experiments::DATE, None).unwrap().told;
    let mut problems = Vec::new();
    for (label, units, turn) in [("Выкатить", Some(21), -1.0), ("Продолжать", None, 1.0)] {
        told.label = label.into();
        told.units = units;
        told.effects.iter_mut().for_each(|e| e.difference = e.difference.map(|d| d * turn));
        let last = itog::history::Last { date: day(12), told: told.clone() };
        let decisions =
            itog::history::Outcome::ALL.into_iter().zip(1..).map(|(outcome, seq)| itog::history::Decision {
                seq,
                outcome,
                by: "Анна Петрова".into(),
                reason: "Выручка держится на одном платеже".into(),
                on: day(13),
                review_on: (seq % 2 == 0).then(|| day(30)),
                superseded: seq < 6,
                recommended: (seq % 3 == 0).then(|| "keep".into()),
            });
        findings.history = itog::history::History { last: Some(last), decisions: decisions.collect() };
        problems.extend(told::problems(&narrative, &findings));
        let document = itog::report::compose(&findings, &narrative).unwrap().document;
        let tables: Vec<&str> = document
            .blocks
            .iter()
            .filter_map(|block| match block {
                itog::report::document::Block::Table(table) if table.id.starts_with("history") => {
                    Some(table.id.as_str())
                }
                _ => None,
            })
            .collect();
        assert_eq!(tables, ["history-changes", "history-decisions"]);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every path of a value, lists told by their first item.
fn paths(value: &serde_json::Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, inner)| paths(inner, &format!("{at}.{key}"), found));
        }
        serde_json::Value::Array(items) => {
            items.iter().take(1).for_each(|inner| paths(inner, &format!("{at}[]"), found))
        }
        _ => drop(found.insert(at.to_owned())),
    }
}

/// Users read this file to know what a template may say, and their templates are tried over it.
#[test]
fn the_facts_that_are_handed_to_users_are_those_that_templates_read() {
    let facts = sample::facts();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/facts.json");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(&file, format!("{facts:#}\n")).unwrap();
        return;
    }
    let written = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    paths(&facts, "", &mut ours);
    paths(&written, "", &mut theirs);
    assert_eq!(
        ours, theirs,
        "make templates/facts.json again: INSTA_UPDATE=always cargo test --test narrative"
    );
}
