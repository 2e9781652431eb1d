//! Experiments of every kind: from configs through the program itself, and from outcomes that few data would give.

use std::fmt::Write as _;
use std::fs;

use itog::config::valid::Correction;
use itog::data::{Gate, GateReason};
use itog::findings::Findings;
use itog::metrics::outcome::{AtPlan, Detectable, Direction, Driver, Estimate, NamedTest, Needed};
use itog::run;
use itog::stats::Undefined;
use itog::verdict::{Evidence, decide};
use jiff::civil::{Date, date};

/// The data date of the sweep.
pub const DATE: Date = date(2026, 10, 15);

/// Every experiment of the sweep.
pub fn all() -> Vec<Findings> {
    let mut found: Vec<Findings> = summaries().iter().map(|text| made(text)).collect();
    found.extend(plans().iter().map(|text| made(text)));
    found.extend(choices().iter().map(|text| made(text)));
    found.extend(rows());
    found.extend(refused());
    found.extend(undefined());
    found.extend(embellished());
    found.extend(super::units::all());
    found.extend(super::nights::all());
    found
}

pub fn made(text: &str) -> Findings {
    let config = itog::config::parse("sweep.toml".as_ref(), text, &[]);
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    run::findings(config, DATE, &itog::run::Past::default())
        .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// The verdict anew, after outcomes or trust were changed.
fn judged(mut f: Findings) -> Findings {
    f.verdict = decide(&Evidence {
        config: &f.config,
        trust: &f.trust,
        split: &f.split,
        outcomes: &f.outcomes,
        segments: &f.segments,
        rules_changed: !f.changes.is_empty(),
    });
    f
}

const NAMES: [&[&str]; 3] = [&["A", "B"], &["1", "2", "3"], &["control", "B", "C", "D", "E"]];
/// What the primary metric does, in standard errors, for each treatment in turn.
const EFFECTS: [&[f64]; 5] = [&[9.0, 9.0], &[-9.0, -4.0], &[0.3, -0.2], &[9.0, 0.0], &[-9.0, 9.0]];
/// What the guardrail does, in standard errors, and its margin in the same; none for no guardrail.
const GUARDS: [Option<(f64, f64)>; 5] =
    [None, Some((0.0, 9.0)), Some((-9.0, 1.0)), Some((0.0, 1.0)), Some((-9.0, 20.0))];

/// Experiments known by summaries and counts: the product of what matters to the rules.
fn summaries() -> Vec<String> {
    let mut texts = Vec::new();
    for (i, names) in NAMES.iter().enumerate() {
        for (j, effects) in EFFECTS.iter().enumerate() {
            for (k, guard) in GUARDS.iter().enumerate() {
                for status in ["finished", "running", "planned"] {
                    for proportion in [false, true] {
                        let at = i + j + k + usize::from(proportion) + status.len();
                        texts.push(summary(names, effects, *guard, status, proportion, at));
                    }
                }
            }
        }
    }
    texts
}

fn summary(
    names: &[&str],
    effects: &[f64],
    guard: Option<(f64, f64)>,
    status: &str,
    proportion: bool,
    at: usize,
) -> String {
    let pick = |options: &[&'static str]| options[at % options.len()];
    let mut text = String::from("[experiment]\nid = \"sweep\"\ntitle = \"Перебор\"\n");
    let _ = writeln!(text, "status = \"{status}\"");
    text.push_str(pick(&["", "owner = \"Анна Петрова\"\n", "start = 2026-10-01\nend = 2026-10-31\n"]));
    let _ = writeln!(text, "[design]\ncontrol = \"{}\"", names[0]);
    text.push_str(pick(&["monitoring = \"fixed\"\n", ""]));
    let _ = writeln!(text, "correction = \"{}\"", pick(&["holm", "none", "bonferroni", "bh"]));
    let _ = writeln!(text, "comparisons = \"{}\"", pick(&["all", "control"]));
    let n = [4000, 500, 101, 21][at % 4];
    let decrease = at.is_multiple_of(3);
    let title = pick(&["Среднее время на пользователя", "Покупки", "Конверсия"]);
    let _ = writeln!(text, "[[metric]]\nid = \"main\"\ntitle = \"{title}\"\nrole = \"primary\"");
    let _ = writeln!(text, "goal = \"{}\"", if decrease { "decrease" } else { "increase" });
    text.push_str(pick(&["", "assumption = \"Размер группы — допущение.\"\n"]));
    let sign = if decrease { -1.0 } else { 1.0 };
    let mut groups = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let effect = if i == 0 { 0.0 } else { sign * effects[(i - 1) % effects.len()] };
        if proportion {
            let successes = (0.5 * n as f64 + effect * (0.25 * n as f64).sqrt()).round().clamp(0.0, n as f64);
            groups.push(format!("\"{name}\" = {{ successes = {successes}, n = {n} }}"));
        } else {
            let sd = 10.0 + 5.0 * (i % 2) as f64;
            let mean = 100.0 + effect * 10.0 / (n as f64).sqrt();
            groups.push(format!("\"{name}\" = {{ mean = {mean:.4}, sd = {sd:?}, n = {n} }}"));
        }
    }
    let list = groups.join(", ");
    if proportion {
        let _ = writeln!(text, "kind = \"proportion\"\ncounts = {{ {list} }}");
    } else {
        let unit = pick(&["", "unit = \"₽\"\n", "unit = \"с\"\n"]);
        let _ = writeln!(text, "kind = \"mean\"\ntest = \"welch\"\n{unit}summary = {{ {list} }}");
    }
    // A smallest effect of interest: far beyond the intervals, or none.
    text.push_str(match (at % 5, proportion) {
        (0, true) => "min_effect = 0.45\n",
        (0, false) => "min_effect = 90\n",
        _ => "",
    });
    if let Some((harm, margin)) = guard {
        let groups: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let mean = 50.0 + if i == 0 { 0.0 } else { harm } * 10.0 / (n as f64).sqrt();
                format!("\"{name}\" = {{ mean = {mean:.4}, sd = 10.0, n = {n} }}")
            })
            .collect();
        let margin = margin * 10.0 / (n as f64).sqrt();
        let _ = writeln!(
            text,
            "[[metric]]\nid = \"guard\"\ntitle = \"Оценка поддержки\"\nkind = \"mean\"\nrole = \"guardrail\"\n\
             goal = \"increase\"\nmargin = {margin:.4}\nsummary = {{ {} }}",
            groups.join(", ")
        );
    }
    text
}

/// Plans: short and long, with and without traffic, of shares and means, of two groups and more.
fn plans() -> Vec<String> {
    let mut texts = Vec::new();
    for groups in [2, 3, 5] {
        // With three groups the days are written, so that plans fit them, outlast them and outlast any season.
        let days = if groups == 3 { "start = 2026-12-01\nend = 2026-12-14\n" } else { "" };
        let head = format!("[experiment]\nid = \"sweep\"\ntitle = \"Перебор\"\nstatus = \"planned\"\n{days}");
        for effect in [
            "kind = \"proportion\"\nbaseline = 0.05\nlift = 0.002",
            "kind = \"proportion\"\nbaseline = 0.05\nlift = -0.02",
            "kind = \"mean\"\nlift = 1\nsd = 4",
            "kind = \"mean\"\nbaseline = 10\nlift = -0.5\nsd = 4",
        ] {
            for traffic in
                ["", "traffic = { users = 1000, days = 7 }", "traffic = { users = 90000, days = 1 }"]
            {
                for devices in ["", "user", "device"] {
                    let plan = |id: &str| {
                        format!(
                            "[[plan]]\nid = \"{id}\"\ntitle = \"Рост\"\n{effect}\ngroups = {groups}\n{traffic}\n"
                        )
                    };
                    let mut text = format!("{head}{}", plan("one"));
                    if groups == 3 {
                        text.push_str(&plan("two"));
                    }
                    if !devices.is_empty() {
                        let _ = writeln!(
                            text,
                            "[cross_device]\nunit = \"{devices}\"\nmatch_rate = 0.8\n\
                             devices_per_user = {{ \"1\" = 0.5, \"2\" = 0.5 }}"
                        );
                    }
                    texts.push(text);
                }
            }
        }
    }
    texts
}

/// Test choices: every kind, small and large, normal, not normal and unknown.
fn choices() -> Vec<String> {
    let mut texts = Vec::new();
    for kind in ["\"mean\"", "\"proportion\"", "\"ratio\"", "\"quantile\"\nq = 0.9"] {
        for n in [21, 2350] {
            for p in ["", "0.00002", "0.0499", "0.3", "1e-12"] {
                let normality = match p {
                    "" => String::new(),
                    p => format!("normality = {{ test = \"shapiro-wilk\", p = {p} }}\n"),
                };
                texts.push(format!(
                    "[experiment]\nid = \"sweep\"\ntitle = \"Перебор\"\n[[test_choice]]\nid = \"c\"\n\
                     metric = \"CPA\"\nkind = {kind}\nn = {n}\n{normality}"
                ));
            }
        }
    }
    texts
}

/// Experiments with rows: conditions, outliers, broken values, each kind of metric and test.
fn rows() -> Vec<Findings> {
    let mut found = Vec::new();
    for (i, test) in ["mann-whitney", "welch", "bootstrap", "permutation", "auto"].iter().enumerate() {
        for (outlier, lift) in [(false, 0), (true, 0), (false, 40), (true, 40)] {
            let invalid = ["report", "exclude", "refuse"][(i + usize::from(outlier)) % 3];
            let folder = tempfile::tempdir().unwrap();
            let mut text = String::from("group,spend,paid,time\n");
            for row in 0..240_u32 {
                let treated = row % 2;
                let paid = u32::from(row % 4 < 2);
                let spend = paid * (10 + (row * 7919) % 30 + treated * lift);
                let spend = if outlier && row == 100 { 9000 } else { spend };
                let time = if row == 7 { -1.5 } else { f64::from(row % 50) };
                let _ = writeln!(text, "{},{spend},{paid},{time}", ["A", "B"][treated as usize]);
            }
            fs::write(folder.path().join("rows.csv"), text).unwrap();
            let metric = |id: &str, role: &str, rest: &str| {
                format!(
                    "[[metric]]\nid = \"{id}\"\ntitle = \"Показатель {id}\"\nunit = \"₽\"\nrole = \"{role}\"\n\
                     goal = \"increase\"\n{rest}\n"
                )
            };
            let config = format!(
                "[experiment]\nid = \"sweep\"\ntitle = \"Перебор\"\nstart = 2026-10-01\nend = 2026-10-14\n\
                 [design]\ncontrol = \"A\"\n[data]\npath = \"rows.csv\"\ngroup = \"group\"\n\
                 [data.columns.time]\ntitle = \"Время\"\nmin = 0\ninvalid = \"{invalid}\"\n{}{}{}{}",
                metric(
                    "first",
                    "primary",
                    &format!("kind = \"mean\"\nvalue = \"spend\"\nwhere = \"paid = 1\"\ntest = \"{test}\"")
                ),
                metric("second", "secondary", "kind = \"mean\"\nvalue = \"spend\"\ntest = \"welch\""),
                metric("third", "secondary", "kind = \"proportion\"\nvalue = \"paid\""),
                metric(
                    "fourth",
                    "quality",
                    "kind = \"ratio\"\nnumerator = \"spend\"\ndenominator = \"time + 2\""
                ),
            );
            let config = itog::config::parse(&folder.path().join("sweep.toml"), &config, &[]).unwrap();
            found.push(run::findings(config, DATE, &itog::run::Past::default()).unwrap());
        }
    }
    found
}

/// Every gate, refusing and not.
fn refused() -> Vec<Findings> {
    let group = || "B".to_owned();
    let reasons = [
        GateReason::NoRows,
        GateReason::TooFewRows { rows: 21, min: 100 },
        GateReason::Malformed { count: 1, first: Vec::new() },
        GateReason::AbsentGroup { group: group() },
        GateReason::UndeclaredGroup { group: group(), units: 1 },
        GateReason::SingleGroup { group: group() },
        GateReason::PastChanged { count: 2, first: jiff::civil::date(2024, 3, 5) },
        GateReason::SimilarGroups { first: "A".into(), second: "А".into() },
        GateReason::TooManyGroups { count: 101 },
        GateReason::MissingGroup { rows: 2 },
        GateReason::MissingUnit { rows: 5 },
        GateReason::UnitsInTwoGroups { count: 1, counts_stay: false },
        GateReason::UnitsInTwoGroups { count: 22, counts_stay: true },
        GateReason::MissingTime { rows: 3 },
        GateReason::PrePeriod { rows: 40, units: 21, never_since: 0 },
        GateReason::PrePeriod { rows: 40, units: 21, never_since: 2 },
        GateReason::UnexposedUnits { rows: 2, units: 1 },
        GateReason::FactsUnjoined { rows: 99, of: 100 },
        GateReason::BeforeExposure { rows: 5, units: 2 },
        GateReason::RowsOfMixedUnits { rows: 5, units: 2 },
        GateReason::RowsOfExcludedUnits { rows: 5, units: 2 },
        GateReason::ForeignGroup { group: group(), rows: 4 },
        GateReason::MoreUnitsThanCounted { group: group(), units: 5, counted: 4 },
        GateReason::InvalidValues { column: "траты".into(), count: 11, excluded: true },
        GateReason::NothingLeft { group: group() },
    ];
    let mut found = Vec::new();
    for (i, reason) in reasons.iter().enumerate() {
        for refuses in [true, false] {
            let mut f = made(&summary(NAMES[0], EFFECTS[0], None, "finished", false, i));
            f.trust.gates = vec![
                Gate { reason: reason.clone(), refuses, facts: None },
                Gate { reason: GateReason::MissingUnit { rows: 21 }, refuses, facts: None },
            ];
            if refuses {
                f.outcomes.clear();
            }
            found.push(judged(f));
        }
    }
    // A broken split comes from sizes alone.
    let text = summary(NAMES[0], EFFECTS[0], None, "finished", false, 0);
    found.push(made(&text.replace("[design]\n", "[design]\nallocation = { A = 1, B = 3 }\n")));
    found
}

/// A primary metric without a result, for every reason.
fn undefined() -> Vec<Findings> {
    [
        Undefined::TooFewObservations { needed: 2, found: 1 },
        Undefined::TooFewGroups { needed: 2, found: 1 },
        Undefined::EmptyGroup,
        Undefined::ZeroVariance,
        Undefined::AllValuesTied,
        Undefined::NonFinite,
        Undefined::ZeroDenominator,
        Undefined::ZeroExpected,
        Undefined::LengthMismatch,
        Undefined::InvalidParameter("alpha"),
        Undefined::NoSolution,
    ]
    .into_iter()
    .map(|reason| {
        let mut f = made(&summary(NAMES[0], EFFECTS[0], None, "finished", false, 1));
        f.outcomes[0].undefined = Some(reason);
        f.outcomes[0].comparisons.clear();
        judged(f)
    })
    .collect()
}

/// Outcomes with what few data would give together: each bit of a number adds one thing.
fn embellished() -> Vec<Findings> {
    let mut found = Vec::new();
    for bits in 0..1024_u32 {
        let on = |bit: u32| bits & (1 << bit) != 0;
        let effects = EFFECTS[usize::from(on(0)) * 2 + usize::from(on(9))];
        let names = NAMES[usize::from(bits.count_ones() % 4 == 3)];
        let mut f = made(&summary(names, effects, None, "finished", on(1), bits as usize % 7));
        f.trust.invalid =
            if on(2) { vec![("время".into(), 1), ("траты".into(), 592)] } else { Vec::new() };
        let o = &mut f.outcomes[0];
        o.conditional = on(3).then(|| vec![("A".into(), 0.0216), ("B".into(), 0.0198)]);
        o.at_plan = on(4).then(|| AtPlan {
            plan: "plan".into(),
            n: 262_947,
            comparisons: Vec::new(),
            ranking: names.iter().map(|n| (*n).to_owned()).collect(),
            holds: on(5),
        });
        for (i, c) in o.comparisons.iter_mut().enumerate() {
            let estimate = c.absolute.map_or(1.0, |a| a.estimate);
            c.driver = (on(5) && i == 0).then(|| Driver {
                group: c.control.clone(),
                value: 1304.27,
                share: 0.28,
                mean_without: 13.2,
                difference_without: if on(6) { -estimate } else { estimate / 2.0 },
            });
            if on(6) {
                c.relative = None;
            }
            if on(7) {
                c.deciding = NamedTest { test: "mann-whitney", statistic: 1.0, df: None, p: c.deciding.p };
                c.tests.insert(0, c.deciding.clone());
                let shift = if on(2) { -estimate } else { estimate };
                c.shift = Some(Estimate { estimate: shift, ci: Some((shift - 0.1, shift + 0.1)) });
            }
            if on(8) {
                c.absolute = c.absolute.map(|a| Estimate { ci: None, ..a });
                c.detectable = None;
            } else {
                c.detectable = Some(Detectable { absolute: 1.1, relative: on(3).then_some(0.24) });
            }
            let users = f64::from(1 + bits % 25);
            c.needed = (!c.significant && on(4)).then_some(Needed {
                effect: 0.08,
                relative: on(2).then_some(0.2),
                per_group: users,
                users_per_group: users,
                days: on(1).then_some(f64::from(1 + bits % 23)),
            });
            if c.direction == Direction::None && on(9) && on(7) {
                c.significant = true;
            }
        }
        f.config.design.correction = if on(8) { Correction::Holm } else { Correction::None };
        found.push(judged(f));
    }
    found
}
