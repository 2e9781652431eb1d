//! Nights that are made in part, made up for, or made again: what is completed, what stays, what goes.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fs;
use std::process::Output;

use serde_json::Value;

#[path = "operation/place.rs"]
#[allow(dead_code, reason = "the tests of operation use all of it")]
mod place;
use place::{COUNTS, Place, ROWS, code, json, said};

const DATED: &str = "time = \"day\"";

fn dates(made: &Value) -> Vec<&str> {
    made["nights"].as_array().unwrap().iter().map(|night| night["data_date"].as_str().unwrap()).collect()
}

/// The experiments that a night has a report of.
fn has(place: &Place, date: &str, ids: &[&str]) -> Vec<bool> {
    ids.iter().map(|id| place.out().join(date).join(id).join("report.pdf").is_file()).collect()
}

fn digest(place: &Place, date: &str) -> String {
    let page = fs::read_to_string(place.out().join(date).join("index.html")).unwrap();
    page.replace('\u{a0}', " ")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// How many experiments the digest of a night says have no report.
fn without_report(place: &Place, date: &str) -> usize {
    digest(place, date).matches("Отчёт не получился.").count()
}

#[test]
fn a_night_made_in_part_is_completed_by_catch_up() {
    let place = Place::new().with("a", ROWS, DATED).with("b", ROWS, DATED).with("undated", ROWS, "");
    let ids = ["a", "b", "undated"];
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-14"])), 0);
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16", "--only", "a"])), 0);
    let made_by_hand = fs::read(place.out().join("2026-11-16/a/results.json")).unwrap();
    // What was told of that night stays told, though the rows are others by now.
    let rows = place.0.path().join("config/rows.csv");
    let more = fs::read_to_string(&rows).unwrap() + "A,2026-11-15,50\nB,2026-11-15,50\n";
    fs::write(&rows, more).unwrap();
    let catch_up = ["catch-up", "--until", "2026-11-17", "--format", "json"];
    let output = place.itog(&catch_up);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(dates(&json(&output)), ["2026-11-15", "2026-11-16", "2026-11-17"]);
    assert_eq!(has(&place, "2026-11-16", &ids), [true, true, false]);
    assert!(made_by_hand == fs::read(place.out().join("2026-11-16/a/results.json")).unwrap());
    let digest = digest(&place, "2026-11-16");
    assert!(digest.contains("a/report.html") && digest.contains("b/report.html"), "{digest}");
    assert_eq!(has(&place, "2026-11-17", &ids), [true; 3]);
    assert_eq!(dates(&json(&place.itog(&catch_up))), [""; 0], "now it is complete");
}

#[test]
fn the_newest_night_made_in_part_is_made_whole() {
    let place = Place::new().with("a", ROWS, DATED).with("undated", ROWS, "");
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16", "--only", "a"])), 0);
    let catch_up = ["catch-up", "--until", "2026-11-16", "--format", "json"];
    let partial = || json(&place.itog(&["status", "--format", "json"]))["last_night"]["partial"].clone();
    assert_eq!(partial(), true);
    let made = json(&place.itog(&catch_up));
    let kept = |made: &Value| made["nights"][0]["experiments"][0]["kept"].clone();
    assert_eq!((dates(&made), kept(&made)), (vec!["2026-11-16"], Value::Bool(true)));
    assert_eq!(has(&place, "2026-11-16", &["a", "undated"]), [true; 2]);
    assert_eq!(partial(), false);
    // One of a complete night made again leaves the night complete.
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16", "--only", "a"])), 0);
    assert_eq!(dates(&json(&place.itog(&catch_up))), [""; 0]);
}

#[test]
fn a_night_with_a_failed_experiment_is_not_made_again_by_itself() {
    let place = Place::new().with("a", COUNTS, "").with("slow", COUNTS, "time_limit = \"1us\"");
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16"])), 3);
    let made = json(&place.itog(&["catch-up", "--until", "2026-11-16", "--format", "json"]));
    assert_eq!(dates(&made), [""; 0]);
}
