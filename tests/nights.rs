//! An experiment that is looked at every night: the state survives between runs, and the verdict is the one that all
//! nights give at once.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

const NIGHTS: i8 = 14;

/// Users who come in over two weeks, each with what he spends on that day; B spends more.
fn rows(until: i8, effect: f64) -> String {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(2026);
    let mut text = String::from("user,day,group,spend,complaint\n");
    for user in 0..2_800 {
        let day = 1 + user / 200;
        let (treated, noise): (bool, f64) = (rng.random(), rng.random::<f64>() + rng.random::<f64>());
        let spend = 10.0 + 10.0 * noise + if treated { effect } else { 0.0 };
        let complaint = u8::from(rng.random::<f64>() < 0.05);
        if day <= i32::from(until) {
            let group = if treated { "B" } else { "A" };
            let _ = writeln!(text, "u{user},2026-03-{day:02},{group},{spend:.4},{complaint}");
        }
    }
    text
}

fn config(extra: &str) -> String {
    format!(
        "[experiment]\nid = \"nightly\"\ntitle = \"Ночные взгляды\"\nstatus = \"running\"\nstart = 2026-03-01\n\
         end = 2026-03-31\n[design]\ncontrol = \"A\"\n{extra}\n[data]\npath = \"rows.csv\"\ngroup = \"group\"\n\
         unit = \"user\"\ntime = \"day\"\n[[metric]]\nid = \"spend\"\ntitle = \"Траты\"\nunit = \"₽\"\nvalue = \"spend\"\n\
         role = \"primary\"\ntest = \"welch\"\n[[metric]]\nid = \"complaints\"\ntitle = \"Жалобы\"\nkind = \"proportion\"\n\
         value = \"complaint\"\ngoal = \"decrease\"\nrole = \"guardrail\"\nmargin = 0.2\n"
    )
}

const SEQUENTIAL: &str =
    "monitoring = \"group-sequential\"\n[design.looks]\nplanned = 2000\nwarm_up_days = 2";

fn run(folder: &Path, out: &str, date: i8) -> Value {
    let out = folder.join(out);
    let status = Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(["run", "x.toml", "--quiet", "--date", &format!("2026-03-{date:02}")])
        .arg("--out")
        .arg(&out)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    results(&out, date)
}

fn results(out: &Path, date: i8) -> Value {
    let path: PathBuf = out.join(format!("2026-03-{date:02}/nightly/results.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn folder(extra: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.toml"), config(extra)).unwrap();
    folder
}

#[test]
fn the_state_survives_between_runs_and_agrees_with_all_nights_at_once() {
    let folder = folder(SEQUENTIAL);
    let (mut rules, mut nights) = (Vec::new(), Vec::new());
    let mut last = Value::Null;
    for night in 1..=NIGHTS {
        std::fs::write(folder.path().join("rows.csv"), rows(night, 0.8)).unwrap();
        last = run(folder.path(), "kept", night);
        rules.push(last["decision"]["rule"].as_str().unwrap().to_owned());
        nights.push(last.clone());
    }
    // The same rows, but nothing was kept: the nights are made again from the days.
    let at_once = run(folder.path(), "fresh", NIGHTS);
    let watch = |results: &Value, key: &str| results["watch"][key].as_u64().unwrap();
    let crossing = |results: &Value| results["metrics"][0]["comparisons"][0]["monitoring"]["crossed"].clone();
    assert!(crossing(&last).is_object());
    assert_eq!((watch(&last, "nights"), watch(&last, "recomputed")), (14, 0));
    assert_eq!((watch(&at_once, "nights"), watch(&at_once, "recomputed")), (14, 13));
    for metric in 0..2 {
        let monitoring = |results: &Value| results["metrics"][metric]["comparisons"][0]["monitoring"].clone();
        assert_eq!(monitoring(&last), monitoring(&at_once));
    }
    assert_eq!(last["decision"], at_once["decision"]);
    // Nights that were made again are not forgotten on the next one.
    let late = [NIGHTS - 4, NIGHTS - 3, NIGHTS].map(|night| {
        std::fs::write(folder.path().join("rows.csv"), rows(night, 0.8)).unwrap();
        run(folder.path(), "late", night)
    });
    assert_eq!(late.each_ref().map(|results| watch(results, "nights")), [10, 11, 12]);
    assert_eq!(late.each_ref().map(|results| watch(results, "recomputed")), [9; 3]);
    assert_eq!(crossing(&late[2]), crossing(&last));
    // The effect of 0.8 with a deviation of 4 is found on the way, and a decision once made stays.
    assert_eq!(rules[0], "within-boundaries");
    let crossed = rules.iter().position(|rule| rule == "primary-better").expect("the effect is found");
    assert!(crossed > 3 && crossed < 13, "{rules:?}");
    assert!(rules[crossed..].iter().all(|rule| rule == "primary-better"), "{rules:?}");
    // The difference is that of the values beside it, on the night of the decision and long after.
    for results in &nights {
        let metric = &results["metrics"][0];
        let mean = |group: usize| metric["groups"][group]["mean"].as_f64().unwrap();
        let said = metric["comparisons"][0]["effect"]["absolute"]["estimate"].as_f64().unwrap();
        assert!((said - (mean(1) - mean(0))).abs() < 1e-12, "{said} beside {} and {}", mean(1), mean(0));
    }
    assert_eq!(last["decision"]["action"], "ship");
    let comparison = &last["metrics"][0]["comparisons"][0];
    assert_eq!(
        (comparison["test"].as_str(), comparison["significant"].as_bool()),
        (Some("group-sequential"), Some(true))
    );
    assert_eq!(comparison["tests"][1]["test"], "welch");
}

#[test]
fn a_repeated_night_is_no_new_look() {
    let folder = folder(SEQUENTIAL);
    std::fs::write(folder.path().join("rows.csv"), rows(3, 0.0)).unwrap();
    run(folder.path(), "out", 3);
    std::fs::write(folder.path().join("rows.csv"), rows(4, 0.0)).unwrap();
    let first = run(folder.path(), "out", 4);
    let again = run(folder.path(), "out", 4);
    assert_eq!(first, again);
    // The first two were made again when the third was kept.
    assert_eq!(first["watch"]["nights"], 4);
}

#[test]
fn without_a_planned_size_the_sequence_is_always_valid_and_finishing_early_takes_nothing_back() {
    let folder = folder("");
    for night in [5, 9] {
        std::fs::write(folder.path().join("rows.csv"), rows(night, 0.0)).unwrap();
        let results = run(folder.path(), "out", night);
        assert_eq!(results["watch"]["way"], "always-valid");
        assert_eq!(results["decision"]["rule"], "within-boundaries");
        assert_eq!(results["metrics"][0]["comparisons"][0]["test"], "always-valid");
    }
    let ended = config("").replace("status = \"running\"", "status = \"finished\"");
    std::fs::write(folder.path().join("x.toml"), ended).unwrap();
    std::fs::write(folder.path().join("rows.csv"), rows(10, 0.0)).unwrap();
    let results = run(folder.path(), "out", 10);
    assert_eq!(
        (results["watch"]["way"].as_str(), results["watch"]["nights"].as_u64()),
        (Some("always-valid"), Some(7))
    );
}

#[test]
fn rules_that_were_changed_after_the_first_night_are_told() {
    let folder = folder(SEQUENTIAL);
    std::fs::write(folder.path().join("rows.csv"), rows(3, 0.0)).unwrap();
    assert_eq!(run(folder.path(), "out", 3)["changes"], serde_json::json!([]));
    let moved = config(SEQUENTIAL).replace("control = \"A\"", "control = \"A\"\nalpha = 0.1");
    std::fs::write(folder.path().join("x.toml"), moved).unwrap();
    std::fs::write(folder.path().join("rows.csv"), rows(4, 0.0)).unwrap();
    let results = run(folder.path(), "out", 4);
    assert_eq!(results["changes"][0]["rule"], "design.alpha");
    let risks: Vec<&str> = results["decision"]["risks"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|risk| risk["code"].as_str())
        .collect();
    assert!(risks.contains(&"rules-changed"), "{risks:?}");
}

#[test]
fn the_proof_runs_alone_and_says_that_welch_holds() {
    let folder = folder("");
    std::fs::write(folder.path().join("rows.csv"), rows(14, 0.0)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(["validate", "x.toml", "--format", "json", "--iterations", "4000", "--date", "2026-03-14"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let proven: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((proven[0]["test"].as_str(), proven[0]["verdict"].as_str()), (Some("welch"), Some("holds")));
    let share = proven[0]["false_positives"]["share"].as_f64().unwrap();
    assert!((share - 0.05).abs() < 0.012, "{share}");
    assert_eq!(proven[1]["metric"], "complaints");
}
