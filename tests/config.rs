//! The config from the outside: every diagnostic with its place, the shipped experiments, overrides, the schema.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use itog::config::valid::{
    Aggregate, Comparisons, Correction, Looks, MetricKind, MetricSource, Monitoring, OnBroken, PlanEstimand,
    Population, Resampling, Role, Spending, Status, Streaming, TestKind, Winsorize,
};
use itog::config::{Config, Override, codes, load, parse, schema};
use itog::diag::{Diagnostic, Severity, Warned};
use proptest::prelude::*;

#[path = "config/cases.rs"]
mod cases;

use cases::{CASES, Case, DATA, HEAD, PLAN, ROWS};

fn found(result: Result<Warned<Config>, Vec<Diagnostic>>) -> Vec<Diagnostic> {
    match result {
        Ok(warned) => warned.warnings,
        Err(problems) => problems,
    }
}

fn shown(problems: &[Diagnostic]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// The text that a diagnostic marks.
fn marked(problem: &Diagnostic) -> &str {
    let place = problem.place.as_ref().expect("a place");
    &place.text.as_ref().expect("a text")[place.span.clone().expect("a span")]
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(name)
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn shipped_text(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

#[test]
fn one_mistake_is_one_diagnostic_at_its_place() {
    let mut wrong = Vec::new();
    for Case(code, text, hint, parts) in CASES {
        // The case that misspells the section itself stands without the good one.
        let head = if parts.first() == Some(&"[experimnt]\n") { "" } else { HEAD };
        let file = format!("{head}{}", parts.concat());
        let problems = found(parse(Path::new("case.toml"), &file, &[]));
        let as_expected = match problems.as_slice() {
            [one] => {
                let said = one.hint.as_deref().unwrap_or("");
                one.code == *code && marked(one) == *text && !said.is_empty() && said.contains(hint)
            }
            _ => false,
        };
        if !as_expected {
            wrong.push(format!("{code} at {text:?} with {hint:?} in\n{file}\n{}", shown(&problems)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_tried_and_documented() {
    let elsewhere = [
        codes::UNREADABLE,
        codes::NOT_UTF8,
        codes::OVERRIDE_SYNTAX,
        codes::OVERRIDE_PLACE,
        codes::DATA_MISSING,
    ];
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(elsewhere).collect();
    let all: BTreeSet<&str> = codes::ALL.iter().map(|code| code.name).collect();
    assert_eq!(all.len(), codes::ALL.len(), "a code stands twice in the list");
    assert_eq!(tried, all);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    for code in codes::ALL {
        let row = format!("| `{}` | {} |", code.name, code.meaning);
        assert!(docs.contains(&row), "docs/diagnostics.md lacks {row}");
    }
}

#[test]
fn only_these_are_warnings() {
    let mut warnings = BTreeSet::new();
    for Case(code, _, _, parts) in CASES {
        let problems = found(parse(Path::new("case.toml"), &format!("{HEAD}{}", parts.concat()), &[]));
        if problems.iter().any(|problem| problem.severity == Severity::Warning && problem.code == *code) {
            warnings.insert(*code);
        }
    }
    let expected = [
        codes::DUPLICATE_TITLE,
        codes::GUARDRAIL_WITHOUT_MARGIN,
        codes::MARGIN_WITHOUT_GUARDRAIL,
        codes::NO_PRIMARY,
        codes::LONELY_NODE,
    ];
    assert_eq!(warnings, expected.into_iter().collect());
}

#[test]
fn three_mistakes_are_three_diagnostics() {
    let problems = load(&fixture("three-mistakes.toml"), &[]).unwrap_err();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        [codes::UNKNOWN_KEY, codes::CONTROL_NOT_A_GROUP, codes::OUT_OF_RANGE],
        "{}",
        shown(&problems)
    );
    let places: Vec<_> =
        problems.iter().map(|problem| problem.place.as_ref().unwrap().line_column()).collect();
    assert_eq!(places, [Some((5, 1)), Some((8, 11)), Some((9, 9))]);
}

#[test]
fn syntax_errors_do_not_hide_the_rest() {
    let text = "[experiment]\nid = \"e\"\ntitle = \"x\n[design]\nalpha = 0,05\npwer = 0.8\n";
    let problems = parse(Path::new("x.toml"), text, &[]).unwrap_err();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [codes::SYNTAX, codes::SYNTAX, codes::UNKNOWN_KEY], "{}", shown(&problems));
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let missing = load(Path::new("no/such/file.toml"), &[]).unwrap_err();
    assert_eq!((missing.len(), missing[0].code), (1, codes::UNREADABLE));
    let foreign = load(&fixture("windows-1251.toml"), &[]).unwrap_err();
    assert_eq!((foreign.len(), foreign[0].code), (1, codes::NOT_UTF8));
    assert!(foreign[0].hint.as_deref().unwrap().contains("UTF-8"));
}

#[test]
fn missing_data_are_reported_together_with_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    std::fs::write(&file, format!("{HEAD}{DATA}{ROWS}q = 0.5\n")).unwrap();
    let problems = load(&file, &[]).unwrap_err();
    let seen: Vec<_> = problems.iter().map(|problem| (problem.code, marked(problem))).collect();
    assert_eq!(seen, [(codes::DATA_MISSING, "\"a.csv\""), (codes::USELESS_KEY, "0.5")]);
    std::fs::create_dir(folder.path().join("a.csv")).unwrap();
    let problems = load(&file, &[]).unwrap_err();
    assert!(problems[0].hint.as_deref().unwrap().contains("folder"), "{}", shown(&problems));
}

#[test]
fn data_paths_are_relative_to_the_config_and_overrides_to_the_current_folder() {
    let inside = load(&fixture("every-key.toml"), &[]).unwrap().value;
    let data = inside.data.unwrap();
    assert_eq!(data.files.paths, [fixture("rows-1.csv"), fixture("rows-2.csv")]);
    assert_eq!(data.files.pattern, "rows-?.csv");

    // The current folder of a test is the package's.
    let set = Override::parse("data.path=tests/fixtures/config/rows-2.csv").unwrap();
    let outside = load(&fixture("every-key.toml"), &[set]).unwrap().value;
    assert_eq!(outside.data.unwrap().files.paths, [PathBuf::from("tests/fixtures/config/rows-2.csv")]);
    assert!(outside.text.contains("path = \"tests/fixtures/config/rows-2.csv\"\nseparator"));
    let set = Override::parse("data.path=rows-2.csv").unwrap();
    assert_eq!(load(&fixture("every-key.toml"), &[set]).unwrap_err()[0].code, codes::DATA_MISSING);
}

#[test]
fn a_bracket_in_a_folder_or_a_file_name_is_not_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("a[1]");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("x.toml"), format!("{HEAD}[data]\npath = \"*.csv\"\ngroup = \"g\"\n{ROWS}"))
        .unwrap();
    std::fs::write(inside.join("b[2].csv"), "g,x\n").unwrap();
    let paths = |path: &Path| load(path, &[]).unwrap().value.data.unwrap().files.paths;
    assert_eq!(paths(&inside.join("x.toml")), [inside.join("b[2].csv")]);
    std::fs::write(
        inside.join("y.toml"),
        format!("{HEAD}[data]\npath = \"b[2].csv\"\ngroup = \"g\"\n{ROWS}"),
    )
    .unwrap();
    assert_eq!(paths(&inside.join("y.toml")), [inside.join("b[2].csv")]);
}

#[test]
fn every_key_reaches_the_valid_config() {
    let config =
        parse(&fixture("every-key.toml"), &std::fs::read_to_string(fixture("every-key.toml")).unwrap(), &[]);
    let Warned { value: config, warnings } = config.unwrap();
    assert!(warnings.is_empty(), "{}", shown(&warnings));
    assert_eq!(config.experiment.start, config.experiment.end);
    assert_eq!((config.experiment.notes.len(), config.experiment.next_steps.len()), (2, 1));
    assert_eq!(config.experiment.status, Status::Running);
    assert_eq!(config.experiment.time_limit, Some(std::time::Duration::from_secs(5400)));
    assert_eq!(config.design.control.as_deref(), Some("B"));
    assert_eq!((config.design.alpha, config.design.power), (0.01, 0.9));
    assert_eq!((config.design.correction, config.design.comparisons), (Correction::Bh, Comparisons::All));
    assert_eq!(config.design.allocation, [("B".to_owned(), 1.0), ("A".to_owned(), 2.5)]);
    let data = config.data.unwrap();
    let files = &data.files;
    assert_eq!((files.separator, files.decimal, files.min_rows), (Some('\t'), Some(','), 10));
    assert_eq!((files.encoding.as_deref(), files.malformed), (Some("windows-1251"), OnBroken::Report));
    assert_eq!((data.unit.as_deref(), data.time.as_deref()), (Some("user"), Some("day")));
    let columns: Vec<_> =
        files.columns.iter().map(|rule| (rule.column.as_str(), rule.invalid, rule.required)).collect();
    assert_eq!(columns, [("z last", OnBroken::Exclude, true), ("a", OnBroken::Report, false)]);
    let [median, ratio, summary, counts, capped, cart, paid] = config.metrics.as_slice() else {
        panic!("seven metrics")
    };
    let MetricSource::Rows(rows) = &capped.source else { panic!("rows") };
    assert_eq!(
        (rows.aggregate, rows.winsorize),
        (Aggregate::Max, Some(Winsorize { lower: 0.01, upper: 0.99 }))
    );
    assert_eq!(
        (rows.adjustment.strata.as_deref(), capped.family.as_deref()),
        (Some("country"), Some("money"))
    );
    assert_eq!((cart.id.as_str(), paid.id.as_str()), ("buy-cart", "buy-paid"));
    assert_eq!(
        (cart.role, paid.role, paid.family.as_deref()),
        (Role::Secondary, Role::Guardrail, Some("funnel:buy"))
    );
    assert!(matches!(&paid.source, MetricSource::Step(step)
        if step.ordered && step.steps == ["event = 'cart'", "event = 'paid'"] && step.funnel_title == "Путь"));
    assert_eq!(median.kind, MetricKind::Quantile { quantile: 0.5 });
    assert_eq!((median.role, median.test, median.margin), (Role::Guardrail, TestKind::Bootstrap, Some(0.5)));
    let MetricSource::Rows(rows) = &ratio.source else { panic!("rows") };
    assert_eq!((rows.value.as_str(), rows.denominator.as_deref()), ("cost", Some("actions")));
    assert_eq!((rows.from.as_deref(), rows.population), (Some("orders"), Population::Exposed));
    assert_eq!(rows.adjustment.covariates, ["before", "age"]);
    assert!(rows.adjustment.pre_period && rows.adjustment.strata.is_none());
    let [facts] = data.facts.as_slice() else { panic!("one of facts") };
    assert_eq!((facts.name.as_str(), facts.title.as_str()), ("orders", "Заказы"));
    assert_eq!((facts.group.as_deref(), facts.time.as_deref()), (Some("ab"), Some("at")));
    assert_eq!((facts.files.separator, facts.files.min_rows), (Some(';'), 2));
    assert_eq!(config.design.monitoring, Monitoring::GroupSequential);
    let looks = Looks {
        spending: Spending::Power(2.0),
        planned: Some(500),
        expected: None,
        warm_up_units: 50,
        warm_up_days: 3,
        futility: Some(0.2),
    };
    assert_eq!(config.design.looks, looks);
    assert_eq!((data.warn_after, data.error_after), (Some(1), Some(3)));
    assert_eq!(data.streaming, Streaming::Never);
    let identity = data.identity.unwrap();
    assert_eq!((identity.device.as_str(), identity.user.as_str()), ("device", "person"));
    assert_eq!(config.segments[0].by, "platform");
    let money = config.money.unwrap();
    assert_eq!((money.metric.as_deref(), money.value, money.currency.as_str()), (Some("ratio"), 2.5, "€"));
    assert_eq!((config.design.replicates, config.design.resampling), (20_000, Resampling::Poisson));
    assert_eq!((ratio.role, ratio.kind, ratio.title.as_str()), (Role::Primary, MetricKind::Ratio, "ratio"));
    assert!(
        matches!(&summary.source, MetricSource::Summary(groups) if groups[0].0 == "B" && groups[1].1.n == 3)
    );
    assert_eq!((summary.role, counts.kind), (Role::Secondary, MetricKind::Proportion));
    let plan = &config.plans[0];
    assert_eq!(plan.estimand, PlanEstimand::Mean { baseline: Some(10.0), lift: -1.0, sd: 5.0 });
    assert_eq!((plan.groups, plan.traffic.unwrap().days), (4, 7.0));
    assert_eq!(config.cross_device.unwrap().devices_per_user, [(1, 0.5), (2, 0.25), (10, 0.25)]);
    assert_eq!(config.architecture.unwrap().edges[0].label.as_deref(), Some("Something"));
}

#[test]
fn other_names_and_defaults() {
    let config = load(&fixture("every-other-key.toml"), &[]).unwrap().value;
    assert_eq!((config.design.alpha, config.design.power), (0.03, 0.8));
    assert_eq!(
        (config.design.correction, config.design.comparisons),
        (Correction::Holm, Comparisons::Control)
    );
    assert_eq!((config.experiment.status, config.design.control.as_deref()), (Status::Finished, Some("A1")));
    assert_eq!(config.design.monitoring, Monitoring::AlwaysValid);
    assert_eq!(config.design.looks, Looks { expected: Some(900), ..Looks::default() });
    assert_eq!(config.design.other_controls, ["A2"]);
    assert_eq!(config.data.unwrap().count.as_deref(), Some("visitors"));
    assert_eq!((config.plans[0].alpha, config.plans[0].groups), (0.1, 2));
    assert_eq!(config.plans[0].estimand, PlanEstimand::Proportion { baseline: 0.05, lift: 0.05 * 0.3 });
    assert_eq!((config.test_choices[0].alpha, config.test_choices[0].kind), (0.2, MetricKind::Mean));
}

/// All dotted keys of a TOML tree, lists and user-given names as `*`.
fn keys_of_toml(
    table: &toml::Table,
    schema: &serde_json::Value,
    node: &serde_json::Value,
    path: &str,
    all: &mut BTreeSet<String>,
) {
    let node = resolved(schema, node);
    for (key, value) in table {
        let (step, below) = match node["properties"].get(key) {
            Some(below) => (key.as_str(), below),
            None => ("*", &node["additionalProperties"]),
        };
        let path = format!("{path}.{step}");
        let below = resolved(schema, below);
        match value {
            toml::Value::Table(table) => keys_of_toml(table, schema, below, &path, all),
            toml::Value::Array(list) => {
                for table in list.iter().filter_map(toml::Value::as_table) {
                    keys_of_toml(table, schema, &below["items"], &path, all);
                }
            }
            _ => {}
        }
        all.insert(path);
    }
}

fn keys_of_schema(
    schema: &serde_json::Value,
    node: &serde_json::Value,
    path: &str,
    all: &mut BTreeSet<String>,
) {
    let node = resolved(schema, node);
    for (key, below) in node["properties"].as_object().into_iter().flatten() {
        assert!(
            below["description"].as_str().is_some_and(|text| text.ends_with('.')),
            "{path}.{key} has no description"
        );
        all.insert(format!("{path}.{key}"));
        keys_of_schema(schema, below, &format!("{path}.{key}"), all);
    }
    if node["additionalProperties"].is_object() {
        all.insert(format!("{path}.*"));
        keys_of_schema(schema, &node["additionalProperties"], &format!("{path}.*"), all);
    }
    if node["items"].is_object() {
        keys_of_schema(schema, &node["items"], path, all);
    }
}

fn resolved<'s>(schema: &'s serde_json::Value, node: &'s serde_json::Value) -> &'s serde_json::Value {
    match node["$ref"].as_str() {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).expect(reference),
        None => node,
    }
}

/// The fixtures hold every key of the schema, and the reader takes them all: schema, types and reader agree.
#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema = schema();
    let mut written = BTreeSet::new();
    for name in ["every-key.toml", "every-other-key.toml", "database-table.toml", "database-query.toml"] {
        let text = std::fs::read_to_string(fixture(name)).unwrap();
        parse(Path::new(name), &text, &[]).unwrap();
        keys_of_toml(&text.parse().unwrap(), &schema, &schema, "", &mut written);
    }
    let mut known = BTreeSet::new();
    keys_of_schema(&schema, &schema, "", &mut known);
    assert_eq!(written, known);
    assert!(known.len() > 80, "{}", known.len());
    let printed = schema.to_string();
    assert!(!printed.contains("null"), "TOML has no null");
    assert_eq!(schema["$defs"]["Correction"]["oneOf"].as_array().unwrap().len(), 8);
}

#[test]
fn the_shipped_experiments_are_clean() {
    for name in ["arppu", "traffic-sources", "cpa", "timespent", "cinema-cashback"] {
        let file = format!("{name}.toml");
        let text = shipped_text(&file);
        let Warned { value, warnings } =
            parse(&shipped(&file), &text, &[]).unwrap_or_else(|problems| panic!("{}", shown(&problems)));
        assert!(warnings.is_empty(), "{}", shown(&warnings));
        assert_eq!((value.experiment.id.as_str(), &*value.text), (name, text.as_str()));
    }
}

#[test]
fn the_shipped_experiments_say_what_the_assignment_says() {
    let get = |name: &str| parse(&shipped(name), &shipped_text(name), &[]).unwrap().value;
    let arppu = get("arppu.toml");
    let ids: Vec<_> =
        arppu.metrics.iter().map(|metric| (metric.id.as_str(), metric.role, metric.test)).collect();
    assert_eq!(ids[0], ("arppu", Role::Primary, TestKind::MannWhitney));
    assert_eq!(
        ids[1..],
        [("conversion", Role::Secondary, TestKind::Auto), ("arpu", Role::Secondary, TestKind::Welch)]
    );
    let traffic = get("traffic-sources.toml");
    assert_eq!((traffic.design.alpha, traffic.design.power, traffic.plans[0].groups), (0.03, 0.87, 3));
    assert_eq!(traffic.plans[0].estimand, PlanEstimand::Proportion { baseline: 0.05, lift: 0.002 });
    assert!(matches!(&traffic.metrics[0].source, MetricSource::Counts(groups)
        if groups.iter().map(|(name, counts)| (name.as_str(), counts.successes, counts.n)).collect::<Vec<_>>()
            == [("1", 25_000, 40_000), ("2", 30_000, 40_000), ("3", 32_000, 40_000)]));
    assert_eq!(traffic.design.control.as_deref(), Some("1"));
    let cpa = get("cpa.toml");
    assert_eq!((cpa.test_choices[0].n, cpa.test_choices[0].normality.as_ref().unwrap().p), (2350, 0.00002));
    assert_eq!(get("timespent.toml").design.alpha, 0.2);
}

/// The fifteen nodes and thirteen edges of the assignment are in the graph.
#[test]
fn the_architecture_holds_that_of_the_assignment() {
    let config =
        parse(&shipped("cinema-cashback.toml"), &shipped_text("cinema-cashback.toml"), &[]).unwrap().value;
    let graph = config.architecture.unwrap();
    assert_eq!(graph.lanes.len(), 3);
    assert!(graph.nodes.iter().all(|node| node.note.is_some()));
    assert!(graph.edges.iter().all(|edge| edge.label.is_some()));
    let title =
        |id: &str| graph.nodes.iter().find(|node| node.id == id).map(|node| node.title.as_str()).unwrap();
    let edges: Vec<_> = graph.edges.iter().map(|edge| (title(&edge.from), title(&edge.to))).collect();
    for edge in [
        ("Подготовка предложения", "Переговоры"),
        ("Переговоры", "Юридическое согласование"),
        ("Юридическое согласование", "Техническая интеграция"),
        ("Система управления пользователями", "Хранилище данных (DWH)"),
        ("Платёжная система", "Хранилище данных (DWH)"),
        ("Система аналитики", "Хранилище данных (DWH)"),
        ("Хранилище данных (DWH)", "Процессы ETL"),
        ("Процессы ETL", "Платформа A/B-тестирования"),
        ("Продуктовые менеджеры", "Техническая интеграция"),
        ("Аналитики данных", "Процессы ETL"),
        ("Разработчики", "Платформа A/B-тестирования"),
        ("Маркетологи", "Платформа A/B-тестирования"),
        ("Партнёрские менеджеры", "Юридическое согласование"),
    ] {
        assert!(edges.contains(&edge), "{edge:?}");
    }
}

#[test]
fn overrides_change_one_key_and_keep_the_text() {
    let text = shipped_text("timespent.toml");
    let set = |arguments: &[&str]| {
        let overrides: Vec<_> = arguments.iter().map(|argument| Override::parse(argument).unwrap()).collect();
        parse(Path::new("t.toml"), &text, &overrides)
    };
    let config =
        set(&["metric.timespent.test=student", "design.confidence=0.99", "design.power=0.9"]).unwrap().value;
    assert_eq!(
        (config.metrics[0].test, config.design.alpha, config.design.power),
        (TestKind::Student, 0.01, 0.9)
    );
    assert!(config.text.contains("# Эксперимент «timespent»"));
    let broken = set(&["design.alpha=0.05", "metric.timespnt.test=welch"]).unwrap_err();
    let codes: Vec<_> = broken.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [codes::OVERRIDE_PLACE, codes::ALPHA_AND_CONFIDENCE], "{}", shown(&broken));
    assert_eq!(Override::parse("nonsense").unwrap_err().code, codes::OVERRIDE_SYNTAX);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = format!("\u{feff}{HEAD}{PLAN}").replace('\n', "\r\n");
    parse(Path::new("x.toml"), &text, &[]).unwrap();
    let set = Override::parse("design.alpha=0.01").unwrap();
    assert_eq!(parse(Path::new("x.toml"), &text, &[set]).unwrap().value.design.alpha, 0.01);
    let problems = parse(Path::new("x.toml"), &format!("{text}zzz = 1\r\n"), &[]).unwrap_err();
    assert_eq!(marked(&problems[0]), "zzz");
}

proptest! {
    /// Whatever the bytes, the answer is a config or diagnostics with places inside the text.
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", key in "[a-z0-9.\"= ]{0,20}") {
        let overrides: Vec<_> = Override::parse(&key).into_iter().collect();
        for problem in found(parse(Path::new("x.toml"), &text, &overrides)) {
            if let Some(place) = problem.place {
                prop_assert!(place.text.unwrap().get(place.span.unwrap()).is_some());
            }
        }
    }

    /// A good file with a piece torn out or replaced.
    #[test]
    fn no_damage_makes_it_panic(from in 0usize..3000, length in 0usize..60, with in "[\\[\\]{}=\",.a0\n-]{0,4}", which in 0usize..2) {
        let name = ["every-key.toml", "every-other-key.toml"][which];
        let mut text: Vec<char> = std::fs::read_to_string(fixture(name)).unwrap().chars().collect();
        let from = from.min(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, with.chars());
        let text: String = text.into_iter().collect();
        let result = parse(Path::new("x.toml"), &text, &[]);
        let is_error = result.is_err();
        let problems = found(result);
        prop_assert!(!is_error || problems.iter().any(|problem| problem.severity == Severity::Error));
        for problem in problems {
            if let Some(place) = problem.place {
                prop_assert!(place.text.unwrap().get(place.span.unwrap()).is_some());
            }
        }
    }
}
