//! Nights without anybody watching: limits, faults of the machine, missed nights, retention, what the operator is told.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[path = "operation/place.rs"]
mod place;
use place::{COUNTS, Place, ROWS, code, json, said};

/// An experiment in a database whose address nobody gave.
const DATABASE: &str = r#"
[experiment]
id = "ID"
title = "Опыт ID"
[design]
control = "A"
[data]
source = "postgres"
url_env = "NO_SUCH_ADDRESS"
table = "rows"
group = "group"
EXTRA
[[metric]]
id = "spend"
value = "spend"
goal = "increase"
"#;

const NIGHT: &[&str] = &["run", "--date", "2026-11-22"];

#[test]
fn one_past_its_time_limit_is_stopped_and_the_others_are_complete() {
    let place = Place::new().with("slow", COUNTS, "time_limit = \"1us\"").with("quick", COUNTS, "");
    let output = place.itog(NIGHT);
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(said(&output).contains("error[run::time-limit]"), "{}", said(&output));
    assert!(place.out().join("latest/quick/report.pdf").is_file());
    assert!(!place.out().join("latest/slow").exists());
    let digest = fs::read_to_string(place.out().join("latest/index.html")).unwrap();
    assert!(digest.contains("run::time-limit"));
    assert_eq!(place.leftovers(), Vec::<String>::new());
}

#[test]
fn what_a_killed_run_left_is_swept_by_the_next_one() {
    let place = Place::new().with("a", COUNTS, "");
    let left = place.out().join(".2026-11-21-abcdef");
    fs::create_dir_all(left.join("work/a")).unwrap();
    fs::write(left.join("work/a/report.html"), "half").unwrap();
    assert_eq!(code(&place.itog(NIGHT)), 0);
    assert_eq!(place.leftovers(), Vec::<String>::new());
}

#[test]
fn a_damaged_report_is_made_again_by_resume() {
    let place = Place::new().with("a", COUNTS, "").with("b", COUNTS, "");
    assert_eq!(code(&place.itog(NIGHT)), 0);
    let whole = place.night("2026-11-22");
    fs::write(place.out().join("2026-11-22/a/report.html"), "torn").unwrap();
    let summary = json(&place.itog(&["run", "--date", "2026-11-22", "--resume", "--format", "json"]));
    let kept: Vec<_> = summary["experiments"].as_array().unwrap().iter().map(|e| &e["kept"]).collect();
    assert_eq!(kept, [false, true]);
    assert!(whole == place.night("2026-11-22"));
}

#[test]
fn an_output_folder_that_cannot_be_made_is_exit_1() {
    let place = Place::new().with("a", COUNTS, "");
    fs::write(place.0.path().join("file"), "").unwrap();
    // Even root cannot make a folder below a file or in /proc.
    let mut outs = vec!["file/output"];
    if Path::new("/proc/self").exists() {
        outs.push("/proc/itog");
    }
    for out in outs {
        let output = place.itog(&["run", "--date", "2026-11-22", "--out", out]);
        assert_eq!(code(&output), 1, "{}", said(&output));
        assert!(said(&output).contains("error[deliver::folder]"), "{}", said(&output));
    }
}

#[test]
fn a_locked_archive_is_exit_11_and_changes_nothing() {
    let place = Place::new().with("a", COUNTS, "");
    assert_eq!(code(&place.itog(NIGHT)), 0);
    let before = place.night("2026-11-22");
    let other = rusqlite::Connection::open(place.out().join("archive.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let place = place.with("b", COUNTS, "");
    let output = place.itog(NIGHT);
    assert_eq!(code(&output), 11, "{}", said(&output));
    assert!(said(&output).contains("error[archive::locked]"), "{}", said(&output));
    assert!(before == place.night("2026-11-22"));
    assert_eq!(place.leftovers(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_bytes_tears_nothing() {
    let place = Place::new().with("a", COUNTS, "");
    assert_eq!(code(&place.itog(NIGHT)), 0);
    let before = place.night("2026-11-22");
    let place = place.with("b", COUNTS, "");
    // No file may grow beyond 32 KiB: pages and the database do not fit, and the write says so instead of the signal.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" run --date 2026-11-22";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_itog")])
        .current_dir(place.0.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(said(&output).contains("error["), "{}", said(&output));
    assert!(before == place.night("2026-11-22"), "the night of before stays as it was");
    assert_eq!(place.leftovers(), Vec::<String>::new());
    assert_eq!(code(&place.itog(NIGHT)), 0, "with room again the night is made");
    assert_eq!(code(&place.itog(&["archive", "verify"])), 0);
}

#[test]
fn a_clock_that_was_set_back_stops_a_run_by_the_clock_and_no_other() {
    let place = Place::new().with("a", COUNTS, "");
    assert_eq!(code(&place.itog(&["run", "--date", "2999-01-01"])), 0);
    let output = place.itog(&["run"]);
    assert_eq!(code(&output), 1);
    assert!(said(&output).contains("error[run::clock-back]"), "{}", said(&output));
    let nights = |place: &Place| json(&place.itog(&["status", "--format", "json"]))["nights"].clone();
    assert_eq!(nights(&place), 1);
    assert_eq!(code(&place.itog(NIGHT)), 0, "a date by hand is meant");
    assert_eq!(fs::read_link(place.out().join("latest")).unwrap(), Path::new("2999-01-01"));
    let doctor = json(&place.itog(&["doctor", "--format", "json"]));
    let clock = doctor["checks"].as_array().unwrap().iter().find(|c| c["check"] == "clock").unwrap();
    assert_eq!(clock["standing"], "failed");
}

#[test]
fn missed_nights_are_made_up_for_as_far_as_the_data_tell() {
    let place = Place::new().with("dated", ROWS, "time = \"day\"").with("undated", ROWS, "").with(
        "published",
        COUNTS,
        "",
    );
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-14"])), 0);
    let arguments = ["catch-up", "--max", "3", "--until", "2026-11-19", "--format", "json"];
    let output = place.itog(&arguments);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let made = json(&output);
    let dates: Vec<_> = made["nights"].as_array().unwrap().iter().map(|n| n["data_date"].clone()).collect();
    assert_eq!(dates, ["2026-11-17", "2026-11-18", "2026-11-19"]);
    assert_eq!(made["left_out"], 2);
    let has = |date: &str, id: &str| place.out().join(date).join(id).join("report.pdf").is_file();
    assert!(has("2026-11-17", "dated") && !has("2026-11-17", "published") && !has("2026-11-17", "undated"));
    assert!(has("2026-11-19", "undated") && has("2026-11-19", "published"), "the newest night is made whole");
    let units = |date: &str| -> u64 {
        let path = place.out().join(date).join("dated/results.json");
        let results: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        results["data"]["groups"].as_array().unwrap().iter().map(|g| g["units"].as_u64().unwrap()).sum()
    };
    assert_eq!((units("2026-11-17"), units("2026-11-19")), (320, 400), "a night sees the rows of its day");
    let again = place.itog(&arguments);
    assert_eq!((code(&again), &json(&again)["nights"]), (0, &Value::Array(Vec::new())));
}

#[test]
fn pruning_leaves_the_newest_night_and_all_that_the_archive_needs() {
    let place = Place::new().with("dated", ROWS, "time = \"day\"");
    for day in ["2026-11-15", "2026-11-16", "2026-11-17"] {
        assert_eq!(code(&place.itog(&["run", "--date", day])), 0);
    }
    let plan = json(&place.itog(&["prune", "--keep-nights", "1", "--dry-run", "--format", "json"]));
    assert_eq!(plan["removed"], serde_json::json!(["2026-11-15", "2026-11-16"]));
    assert!(place.out().join("2026-11-15").exists());
    assert_eq!(code(&place.itog(&["prune", "--keep", "1d"])), 0);
    assert!(!place.out().join("2026-11-16").exists());
    assert!(place.out().join("latest/dated/report.pdf").is_file());
    assert_eq!(place.leftovers(), Vec::<String>::new());
    let deep = place.itog(&["archive", "verify", "--deep"]);
    assert_eq!(code(&deep), 0, "{}", said(&deep));
    let replay = place.itog(&["archive", "replay"]);
    assert_eq!(code(&replay), 0, "{}", said(&replay));
    assert_eq!(code(&place.itog(&["prune"])), 2, "nothing is removed by accident");
}

#[test]
fn the_operator_is_told_in_json_and_prometheus() {
    let place = Place::new().with("a", COUNTS, "").with("b", COUNTS, "");
    let arguments = ["run", "--date", "2026-11-22", "--log-format", "json", "--metrics", "itog.prom"];
    let output = place.itog(&arguments);
    assert_eq!(code(&output), 0, "{}", said(&output));
    let lines: Vec<Value> = said(&output)
        .lines()
        .filter(|line| !line.starts_with("reports are in"))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let made: Vec<_> = lines.iter().filter(|l| l["message"] == "report is made").collect();
    assert_eq!(made.len(), 2, "{lines:?}");
    assert!(made.iter().all(|line| line["seconds"].is_f64() && line["level"] == "INFO"), "{made:?}");
    let metrics = fs::read_to_string(place.0.path().join("itog.prom")).unwrap();
    assert!(metrics.contains("itog_experiments{outcome=\"complete\"} 2\n"), "{metrics}");
    assert!(metrics.contains("itog_last_success_timestamp_seconds "), "{metrics}");
    let status = json(&place.itog(&["status", "--format", "json"]));
    assert_eq!(status["last_night"]["reports"], 2);
    assert_eq!((&status["lock"], &status["experiments"][1]["id"]), (&Value::Null, &"b".into()));
    let silent = place.itog(&["run", "--date", "2026-11-22", "--quiet"]);
    assert_eq!((code(&silent), said(&silent).as_str()), (0, ""));
}

#[test]
fn a_machine_in_order_passes_the_doctor() {
    let place = Place::new().with("a", COUNTS, "");
    let output = place.itog(&["doctor", "--format", "json"]);
    let found = json(&output);
    let wrong: Vec<_> =
        found["checks"].as_array().unwrap().iter().filter(|c| c["standing"] == "failed").collect();
    assert!(wrong.is_empty() && code(&output) == 0, "{wrong:?}");
    fs::write(place.0.path().join("config/a.toml"), "[experiment]\n").unwrap();
    assert_eq!(code(&place.itog(&["doctor"])), 1);
}

#[test]
fn the_doctor_asks_databases() {
    let place = Place::new().with("a", DATABASE, "");
    let found = json(&place.itog(&["doctor", "--format", "json"]));
    let failed: Vec<_> =
        found["checks"].as_array().unwrap().iter().filter(|c| c["standing"] == "failed").collect();
    assert!(failed.len() == 1 && failed[0]["check"] == "databases", "{failed:?}");
    assert!(failed[0]["found"].as_str().unwrap().contains("NO_SUCH_ADDRESS"), "{failed:?}");
}

#[test]
fn the_doctor_asks_a_database_that_does_not_answer_once() {
    let place = Place::new().with("a", DATABASE, "").with("b", DATABASE, "").with("c", DATABASE, "");
    let itog = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_itog"));
        command.args(arguments).current_dir(place.0.path());
        command.env("NO_SUCH_ADDRESS", "postgresql://nobody@127.0.0.1:1/none").output().unwrap()
    };
    let found = json(&itog(&["doctor", "--format", "json"]));
    let checks = found["checks"].as_array().unwrap().iter().filter(|c| c["check"] == "databases");
    let failed: Vec<&str> = checks.map(|c| c["found"].as_str().unwrap()).collect();
    assert!(failed.len() == 2 && failed[0].contains("cannot be reached"), "{failed:?}");
    assert_eq!(failed[1], "not tried, as the address in NO_SUCH_ADDRESS did not answer: 2 more");
    let checked = itog(&["check", "config"]);
    assert_eq!(said(&checked).matches("not tried again").count(), 2, "{}", said(&checked));
}

#[test]
fn the_units_name_this_program() {
    let place = Place::new();
    assert_eq!(code(&place.itog(&["init", "--systemd", "units"])), 0);
    let service = fs::read_to_string(place.0.path().join("units/itog.service")).unwrap();
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_itog")).unwrap();
    assert!(service.contains(&format!("ExecStart={} catch-up", program.display())), "{service}");
    assert!(!service.contains("@ITOG@"));
    let printed = place.itog(&["init", "--systemd"]);
    assert!(String::from_utf8_lossy(&printed.stdout).contains("OnCalendar="));
    assert_eq!(code(&place.itog(&["init"])), 2);
}
