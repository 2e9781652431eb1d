//! The program as its users run it: exit codes, files, bytes.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn itog(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with a config and its data.
fn experiment(data: &[u8], change: impl Fn(String) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    let config = r#"
[experiment]
id = "small"
title = "Проба"
[design]
control = "A"
allocation = { A = 1, B = 1 }
[data]
path = "rows.csv"
group = "group"
[[metric]]
id = "spend"
title = "Траты"
unit = "₽"
kind = "mean"
value = "spend"
goal = "increase"
role = "primary"
test = "welch"
"#;
    fs::write(folder.path().join("config/small.toml"), change(config.to_owned())).unwrap();
    fs::write(folder.path().join("config/rows.csv"), data).unwrap();
    folder
}

fn rows(n: usize) -> String {
    let mut csv = String::from("group,spend\n");
    for i in 0..n {
        csv.push_str(&format!("{},{}\n", if i % 2 == 0 { "A" } else { "B" }, (i * 37 % 101) as f64 / 10.0));
    }
    csv
}

fn add_good(folder: &Path) {
    fs::copy(root().join("config/timespent.toml"), folder.join("config/timespent.toml")).unwrap();
}

/// Every file below a folder but the archive and the lock, by relative path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() && !path.is_symlink() {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if !name.starts_with("archive.sqlite") && name != ".lock" {
                    found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
                }
            }
        }
    }
    found
}

fn results(folder: &Path, id: &str) -> Value {
    let path = folder.join(format!("output/2026-11-22/{id}/results.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

const NIGHT: &[&str] = &["run", "--date", "2026-11-22"];

#[test]
fn the_shipped_experiments_make_every_file_of_the_contract_and_the_same_bytes_twice() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [&one, &two] {
        let out = folder.path().join("output");
        let arguments = ["run", "config", "--date", "2026-11-22", "--out", out.to_str().unwrap()];
        let output = itog(&arguments, root());
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    }
    let day = one.path().join("output/2026-11-22");
    for id in ["arppu", "cinema-cashback", "cpa", "timespent", "traffic-sources"] {
        for name in ["report.html", "report.pdf", "results.json"] {
            assert!(day.join(id).join(name).is_file(), "{id}/{name}");
        }
        let results: Value =
            serde_json::from_slice(&fs::read(day.join(id).join("results.json")).unwrap()).unwrap();
        assert_eq!(results["schema"], "itog.results.v1");
        assert_eq!(results["experiment"]["data_date"], "2026-11-22");
    }
    for name in ["index.html", "digest.pdf", "manifest.json"] {
        assert!(day.join(name).is_file(), "{name}");
    }
    assert!(day.join("arppu/charts/metric-arppu-distribution.svg").is_file());
    assert!(day.join("arppu/charts/metric-arppu-distribution.png").is_file());
    assert!(day.join("cinema-cashback/charts/architecture-graph.svg").is_file());
    assert!(one.path().join("output/archive.sqlite").is_file());
    assert_eq!(fs::read_link(one.path().join("output/latest")).unwrap(), Path::new("2026-11-22"));
    let (first, second) = (files(&one.path().join("output")), files(&two.path().join("output")));
    assert!(first.keys().eq(second.keys()));
    for (name, bytes) in &first {
        assert!(*bytes == second[name], "{} differs between two runs", name.display());
    }
    for (name, bytes) in first.iter().filter(|(name, _)| name.extension().is_some_and(|e| e == "html")) {
        let html = text(bytes);
        for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
            assert!(!html.contains(outside), "{} asks for something outside: {outside}", name.display());
        }
        assert!(bytes.len() < 1_000_000, "{} is over a megabyte", name.display());
    }
}

#[test]
fn the_manifest_names_every_file_with_its_hash() {
    let folder = experiment(rows(200).as_bytes(), |c| c);
    assert_eq!(code(&itog(NIGHT, folder.path())), 0);
    let day = folder.path().join("output/2026-11-22");
    let manifest: Value = serde_json::from_slice(&fs::read(day.join("manifest.json")).unwrap()).unwrap();
    let mut named = 0;
    let own =
        manifest["experiments"].as_array().unwrap().iter().flat_map(|e| e["outputs"].as_array().unwrap());
    for entry in own.chain(manifest["outputs"].as_array().unwrap()) {
        let bytes = fs::read(day.join(entry["path"].as_str().unwrap())).unwrap();
        assert_eq!(entry["blake3"], blake3::hash(&bytes).to_hex().as_str(), "{entry}");
        named += 1;
    }
    assert_eq!(named + 1, files(&day).len(), "every file but the manifest itself is named");
}

#[test]
fn three_mistakes_are_three_diagnostics_and_nothing_is_written() {
    let folder = experiment(rows(20).as_bytes(), |c| {
        c.replace("control = \"A\"", "control = \"A\"\nalpha = 1.5")
            .replace("kind = \"mean\"", "kind = \"meen\"")
            .replace("unit = \"₽\"", "unnit = \"₽\"")
    });
    let output = itog(NIGHT, folder.path());
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert_eq!(said.matches("error[").count(), 3, "{said}");
    assert!(said.contains("unit") && said.contains("mean"), "{said}");
    assert!(!folder.path().join("output").exists());
}

#[test]
fn a_broken_config_among_good_ones_is_exit_3_and_the_others_are_complete() {
    let folder = experiment(rows(20).as_bytes(), |c| c.replace("kind = \"mean\"", "kind = \"meen\""));
    add_good(folder.path());
    let output = itog(NIGHT, folder.path());
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    assert_eq!(results(folder.path(), "timespent")["decision"]["action"], "keep");
    let index = fs::read_to_string(folder.path().join("output/latest/index.html")).unwrap();
    assert!(index.contains("Отчёт не получился"));
}

#[test]
fn a_missing_column_is_an_error_that_names_the_nearest_one() {
    let folder = experiment(rows(20).as_bytes(), |c| c.replace("value = \"spend\"", "value = \"spent\""));
    let output = itog(&["check"], folder.path());
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("spend"), "{}", text(&output.stderr));
    assert_eq!(code(&itog(NIGHT, folder.path())), 2, "nothing else is there to run");
    assert!(!folder.path().join("output").exists());
    add_good(folder.path());
    assert_eq!(code(&itog(NIGHT, folder.path())), 3);
    assert_eq!(results(folder.path(), "timespent")["decision"]["winner"], "A");
}

/// Data that a gate refuses: exit 4, and a report that says so.
fn refused(data: &[u8], gate: &str) {
    let folder = experiment(data, |c| c);
    add_good(folder.path());
    let output = itog(NIGHT, folder.path());
    assert_eq!(code(&output), 4, "{gate}: {}", text(&output.stderr));
    let results = results(folder.path(), "small");
    assert_eq!(results["decision"]["action"], "invalid");
    let gates = results["data"]["gates"].to_string();
    assert!(gates.contains(gate), "{gate}: {gates}");
    let html = fs::read_to_string(folder.path().join("output/latest/small/report.html")).unwrap();
    assert!(html.contains("Выводу верить нельзя"), "{gate}");
    assert!(folder.path().join("output/latest/timespent/report.pdf").is_file());
}

#[test]
fn no_rows_are_refused() {
    refused(b"group,spend\n", "no-rows");
}

#[test]
fn an_absent_group_is_refused() {
    let only_a: String =
        rows(40).lines().filter(|l| !l.starts_with("B,")).map(|l| format!("{l}\n")).collect();
    refused(only_a.as_bytes(), "absent-group");
}

#[test]
fn a_torn_last_line_is_refused() {
    let mut data = rows(40);
    data.truncate(data.len() - 4);
    data.push_str("\nB");
    refused(data.as_bytes(), "malformed");
}

#[test]
fn a_utf_16_tail_is_refused() {
    let mut data = rows(40).into_bytes();
    data.extend("A,1.5\nB,2.5\n".encode_utf16().flat_map(u16::to_le_bytes));
    refused(&data, "malformed");
}

#[test]
fn a_file_as_russian_excel_saves_it_gives_the_same_numbers() {
    let plain = experiment(rows(60).as_bytes(), |c| c);
    let excel: String = rows(60).lines().map(|l| l.replace(',', ";").replace('.', ",") + "\r\n").collect();
    let (encoded, _, _) = encoding_rs::WINDOWS_1251.encode(&excel);
    let dirty = experiment(&encoded, |c| c);
    for folder in [&plain, &dirty] {
        let output = itog(NIGHT, folder.path());
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    }
    let (a, b) = (results(plain.path(), "small"), results(dirty.path(), "small"));
    assert_eq!(a["metrics"][0]["comparisons"], b["metrics"][0]["comparisons"]);
}

#[test]
fn a_quantile_is_measured_and_called_by_its_name() {
    let folder = experiment(rows(400).as_bytes(), |c| {
        c.replace("kind = \"mean\"", "kind = \"quantile\"\nq = 0.9").replace("test = \"welch\"\n", "")
    });
    let output = itog(NIGHT, folder.path());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let results = results(folder.path(), "small");
    let metric = &results["metrics"][0];
    assert_eq!(
        (&metric["kind"], &metric["comparisons"][0]["test"]),
        (&"quantile".into(), &"bootstrap".into())
    );
    assert!(metric["groups"][0]["mean"].as_f64().is_some_and(|q| (8.0..10.1).contains(&q)), "{metric}");
    let html = fs::read_to_string(folder.path().join("output/latest/small/report.html")).unwrap();
    assert!(html.contains("Квантиль 0,9") && !html.contains("разницы средних"));
}

#[test]
fn one_experiment_made_again_keeps_the_others_of_the_night() {
    let folder = experiment(rows(60).as_bytes(), |c| c);
    add_good(folder.path());
    assert_eq!(code(&itog(NIGHT, folder.path())), 0);
    let before = files(&folder.path().join("output/2026-11-22/timespent"));
    let output = itog(&["run", "--date", "2026-11-22", "--only", "small"], folder.path());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(before == files(&folder.path().join("output/2026-11-22/timespent")));
    let index = fs::read_to_string(folder.path().join("output/latest/index.html")).unwrap();
    assert!(index.contains("timespent/report.html") && index.contains("small/report.html"));
}

#[test]
fn resume_keeps_what_is_complete_and_makes_what_changed() {
    let folder = experiment(rows(60).as_bytes(), |c| c);
    add_good(folder.path());
    assert_eq!(code(&itog(NIGHT, folder.path())), 0);
    fs::write(folder.path().join("config/rows.csv"), rows(80)).unwrap();
    let output = itog(&["run", "--date", "2026-11-22", "--resume", "--format", "json"], folder.path());
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept = |id: &str| {
        let all = summary["experiments"].as_array().unwrap();
        all.iter().find(|e| e["id"] == id).unwrap()["kept"].clone()
    };
    assert_eq!((kept("small"), kept("timespent")), (Value::Bool(false), Value::Bool(true)));
    assert_eq!(results(folder.path(), "small")["data"]["rows"], 80);
}

#[test]
fn a_second_run_in_the_same_folder_is_exit_11() {
    let folder = experiment(rows(20).as_bytes(), |c| c);
    let _held = itog::deliver::lock::Lock::take(&folder.path().join("output")).unwrap();
    let output = itog(NIGHT, folder.path());
    assert_eq!(code(&output), 11, "{}", text(&output.stderr));
}

#[test]
fn the_archive_lists_what_was_recommended_and_verifies() {
    let folder = experiment(rows(60).as_bytes(), |c| c);
    for date in ["2026-11-21", "2026-11-22", "2026-11-22"] {
        assert_eq!(code(&itog(&["run", "--date", date], folder.path())), 0);
    }
    let listed = itog(&["archive", "list", "--format", "json"], folder.path());
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "a repeat adds nothing: {listed}");
    assert_eq!(code(&itog(&["archive", "verify"], folder.path())), 0);
}

#[test]
fn wrong_usage_is_exit_2_and_help_is_exit_0() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&itog(&["fly"], folder.path())), 2);
    assert_eq!(code(&itog(&["run", "nowhere"], folder.path())), 2);
    assert_eq!(code(&itog(&["--help"], folder.path())), 0);
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
}

#[test]
fn init_makes_a_folder_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(&itog(&["init", "new"], folder.path())), 0);
    let output = itog(&["check"], &folder.path().join("new"));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(code(&itog(&["init", "new"], folder.path())), 2, "a folder in use is not written over");
}

#[test]
fn plan_answers_the_question_of_the_three_sources() {
    let flags =
        ["--baseline", "0.05", "--lift", "0.002", "--alpha", "0.03", "--power", "0.87", "--groups", "3"];
    let mut arguments = vec!["plan"];
    arguments.extend(flags);
    arguments.extend(["--traffic", "40000/30d", "--format", "json"]);
    let output = itog(&arguments, root());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["n_per_group"], 262_947);
    assert_eq!(answer["days"], 592);
    assert_eq!(answer["corrected"]["days"], 747);
}

#[test]
fn schema_is_json() {
    let output = itog(&["schema"], root());
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["experiment"].is_object());
}

#[test]
fn templates_of_the_user_change_the_report_its_key_and_nothing_when_broken() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    add_good(folder.path());
    let run = |arguments: &[&str]| {
        let mut all = vec!["run", "config", "--date", "2026-11-22", "--quiet"];
        all.extend(arguments);
        itog(&all, folder.path())
    };
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(code(&run(&["--out", "plain"])), 0);
    assert_eq!(code(&itog(&["templates", "mine"], folder.path())), 0);
    // A copy of every built-in text changes no byte.
    assert_eq!(code(&run(&["--out", "copied", "--templates", "mine"])), 0);
    assert_eq!(read("plain/2026-11-22/manifest.json"), read("copied/2026-11-22/manifest.json"));
    let step = folder.path().join("mine/narrative/step/do-not-roll-out.tera");
    fs::write(&step, "Отвечает дежурный аналитик.\n").unwrap();
    assert_eq!(code(&run(&["--out", "changed", "--templates", "mine"])), 0);
    assert!(read("changed/2026-11-22/timespent/report.html").contains("Отвечает дежурный аналитик."));
    let manifest = read("changed/2026-11-22/manifest.json");
    assert!(manifest.contains("templates: narrative/step/do-not-roll-out.tera"), "{manifest}");
    fs::write(&step, "Строка.\n{{ primary.titel }}\n").unwrap();
    for arguments in [
        ["run", "config", "--out", "broken", "--templates", "mine"].as_slice(),
        &["check", "config", "--templates", "mine"],
        &["analyze", "config/timespent.toml", "--templates", "mine"],
    ] {
        let output = itog(arguments, folder.path());
        assert_eq!(code(&output), 2, "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains("do-not-roll-out.tera:2:") && said.contains("templates::broken"), "{said}");
    }
    assert!(!folder.path().join("broken").exists());
}
