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

#[test]
fn only_what_says_when_it_happened_is_taken_for_a_missed_night() {
    let facts = |time: &str| {
        format!(
            "{DATED}\nunit = \"user\"\npath = \"users.csv\"\n[[data.facts]]\nname = \"orders\"\npath = \"orders.csv\"\nunit = \"user\"\n{time}"
        )
    };
    let template = ROWS
        .replace("path = \"rows.csv\"\n", "")
        .replace("value = \"spend\"", "value = \"sum\"\nfrom = \"orders\"\naggregate = \"sum\"");
    let place = Place::new()
        .with("dated", ROWS, DATED)
        .with("published", COUNTS, "")
        .with("dated-facts", &template, &facts("time = \"day\""))
        .with("undated-facts", &template, &facts(""))
        .with("both", &(ROWS.to_owned() + PUBLISHED), DATED)
        .with("planned", PLAN, "");
    let (mut users, mut orders) = (String::from("user,group,day\n"), String::from("user,day,sum\n"));
    for user in 0..200 {
        users.push_str(&format!(
            "u{user},{},2026-11-{}\n",
            if user % 2 == 0 { "A" } else { "B" },
            10 + user % 5
        ));
        orders.push_str(&format!("u{user},2026-11-{},{}\n", 15 + user % 4, user * 37 % 101));
    }
    fs::write(place.0.path().join("config/users.csv"), users).unwrap();
    fs::write(place.0.path().join("config/orders.csv"), orders).unwrap();
    let ids = ["dated", "dated-facts", "published", "undated-facts", "both", "planned"];
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16"])), 0);
    assert_eq!(has(&place, "2026-11-16", &ids), [true; 6]);
    let output = place.itog(&["catch-up", "--until", "2026-11-18", "--log-level", "info"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(has(&place, "2026-11-17", &ids), [true, true, false, false, false, false]);
    assert_eq!(has(&place, "2026-11-18", &ids), [true; 6]);
    let passed = said(&output);
    assert_eq!(passed.matches("is passed over on 2026-11-17").count(), 4, "{passed}");
    assert!(passed.contains("undated-facts.toml is passed over on 2026-11-17: the rows of `orders` do not say when they happened"), "{passed}");
    assert!(
        passed.contains("published.toml is passed over on 2026-11-17: published numbers do not say"),
        "{passed}"
    );
}

const PUBLISHED: &str = r#"
[[metric]]
id = "paid"
title = "Доля оплативших"
kind = "proportion"
goal = "increase"
counts = { A = { successes = 50, n = 200 }, B = { successes = 56, n = 200 } }
"#;

const PLAN: &str = r#"
[experiment]
id = "ID"
title = "Опыт ID"
status = "planned"
EXTRA
[[plan]]
id = "traffic"
kind = "proportion"
baseline = 0.05
lift = 0.01
"#;

#[test]
fn a_second_description_of_an_experiment_has_its_row_in_the_digest() {
    let place = Place::new().with("a", COUNTS, "");
    let second = COUNTS.replace("ID", "a").replace("EXTRA", "");
    fs::write(place.0.path().join("config/copy.toml"), second).unwrap();
    let output = place.itog(&["run", "--date", "2026-11-16"]);
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(printed(&output).contains("config/copy.toml"), "{}", printed(&output));
    let digest = digest(&place, "2026-11-16");
    assert!(digest.contains("a/report.html") && digest.contains("copy.toml"), "{digest}");
    assert!(digest.contains("Два описания называют один и тот же эксперимент."), "{digest}");
    assert_eq!(without_report(&place, "2026-11-16"), 1);
}

#[test]
fn a_clock_that_was_set_back_is_told_by_what_it_says() {
    let place = Place::new().with("a", ROWS, DATED);
    let today = jiff::Zoned::now().date();
    let earlier = today.saturating_sub(jiff::Span::new().days(3)).to_string();
    for date in [earlier.as_str(), "2999-01-01"] {
        assert_eq!(code(&place.itog(&["run", "--date", date])), 0);
    }
    let output = place.itog(&["catch-up"]);
    assert_eq!(code(&output), 1, "{}", said(&output));
    assert!(said(&output).contains(&format!("the clock says {today}, and")), "{}", said(&output));
}

#[test]
fn a_night_made_again_whole_keeps_nothing_of_experiments_that_are_gone() {
    let place = Place::new().with("a", COUNTS, "").with("b", COUNTS, "").with("c", COUNTS, "");
    let config = |id: &str| place.0.path().join(format!("config/{id}.toml"));
    let night = ["run", "--date", "2026-11-16"];
    assert_eq!(code(&place.itog(&night)), 0);
    // One is called otherwise now, and of another one nothing can be read any more, not even its id.
    let renamed = fs::read_to_string(config("b")).unwrap().replace("id = \"b\"", "id = \"renamed\"");
    fs::write(config("b"), renamed).unwrap();
    fs::write(config("c"), "[experiment\n").unwrap();
    let output = place.itog(&night);
    assert_eq!(code(&output), 3, "{}", said(&output));
    for gone in ["`b`", "`c`"] {
        assert!(
            said(&output).contains(&format!("the night has no report of {gone} any more")),
            "{}",
            said(&output)
        );
    }
    assert_eq!(has(&place, "2026-11-16", &["a", "renamed", "b", "c"]), [true, true, false, false]);
    let pages = digest(&place, "2026-11-16");
    assert!(!pages.contains("b/report.html") && !pages.contains("c/report.html"), "{pages}");
    assert!(pages.contains("c.toml"), "{pages}");
    // What went is in the archive, with its report.
    let shown = json(&place.itog(&["archive", "show", "b", "--format", "json"]));
    let stored = shown["recommendations"][0]["run"]["outputs"].as_array().unwrap();
    assert_eq!(stored.iter().filter(|file| file["object"].is_string()).count(), 3);
    let output = place.itog(&["archive", "verify", "--deep"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
}

#[test]
fn a_config_that_is_named_alone_leaves_the_reports_of_the_others() {
    let place = Place::new().with("a", COUNTS, "").with("b", COUNTS, "");
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16"])), 0);
    let output = place.itog(&["run", "config/a.toml", "--date", "2026-11-16"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert_eq!(has(&place, "2026-11-16", &["a", "b"]), [true, true]);
    assert!(digest(&place, "2026-11-16").contains("b/report.html"));
}

#[test]
fn one_experiment_made_again_leaves_the_failures_of_the_others_in_the_digest() {
    let place = Place::new().with("a", COUNTS, "").with("b", COUNTS, "time_limit = \"1us\"");
    fs::write(place.0.path().join("config/torn.toml"), "[experiment\n").unwrap();
    let only = |id: &str| place.itog(&["run", "--date", "2026-11-16", "--only", id]);
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-16"])), 3);
    assert_eq!(without_report(&place, "2026-11-16"), 2);
    assert_eq!(code(&only("a")), 0);
    let pages = digest(&place, "2026-11-16");
    assert_eq!(without_report(&place, "2026-11-16"), 2, "{pages}");
    assert!(
        pages.contains("Опыт b") && pages.contains("run::time-limit") && pages.contains("torn.toml"),
        "{pages}"
    );
    // A failure goes when its experiment has its report, under whatever name it was told.
    let place = place.with("b", COUNTS, "");
    let mended = COUNTS.replace("ID", "mended").replace("EXTRA", "");
    fs::write(place.0.path().join("config/torn.toml"), mended).unwrap();
    let only = |id: &str| place.itog(&["run", "--date", "2026-11-16", "--only", id]);
    assert_eq!((code(&only("b")), without_report(&place, "2026-11-16")), (0, 1));
    assert_eq!((code(&only("mended")), without_report(&place, "2026-11-16")), (0, 0));
}

#[test]
fn several_nights_are_told_under_their_dates_and_one_night_is_not() {
    let place = Place::new().with("a", ROWS, DATED);
    assert_eq!(code(&place.itog(&["run", "--date", "2026-11-14"])), 0);
    let several = printed(&place.itog(&["catch-up", "--until", "2026-11-16"]));
    let lines: Vec<&str> = several.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (4, "2026-11-15", "2026-11-16"), "{several}");
    assert!(lines[1].starts_with("a ") && lines[3].starts_with("a "), "{several}");
    let one = printed(&place.itog(&["catch-up", "--until", "2026-11-17"]));
    assert_eq!(one.lines().count(), 1, "{one}");
}
