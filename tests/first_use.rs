//! What somebody meets who writes a config for the first time: problems that say whose they are, and reports that hide nothing.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn itog(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .expect("the program starts")
}

fn run(folder: &Path) -> Output {
    itog(&["run", "--quiet", "--date", "2026-03-10"], folder)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A config of rows in `rows.csv`.
fn config(id: &str, metric: &str) -> String {
    format!(
        "[experiment]\nid = \"{id}\"\ntitle = \"Проба\"\nstart = 2026-03-01\n\
         [design]\ncontrol = \"A\"\nallocation = {{ A = 1, B = 1 }}\n\
         [data]\npath = \"rows.csv\"\ngroup = \"group\"\nunit = \"user\"\ntime = \"day\"\n\
         [[metric]]\nid = \"spend\"\nrole = \"primary\"\n{metric}\n"
    )
}

/// Users of two groups: fifty a day from the first of March on, but on the last day five.
fn rows() -> String {
    let mut text = String::from("user,group,day,spend\n");
    for user in 0..155_u32 {
        let (group, spend) = (["A", "B"][(user % 2) as usize], f64::from(user * 37 % 101) / 10.0);
        let _ = writeln!(text, "{user},{group},2026-03-{:02},{spend}", user / 50 + 1);
    }
    text
}

fn folder(configs: &[(&str, String)], rows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(folder.path().join("config/rows.csv"), rows).unwrap();
    for (name, text) in configs {
        fs::write(folder.path().join("config").join(name), text).unwrap();
    }
    folder
}

fn page(folder: &Path, id: &str) -> String {
    let html = fs::read_to_string(folder.join("output/latest").join(id).join("report.html")).unwrap();
    html.replace('\u{a0}', " ").replace("&nbsp;", " ").replace('\u{ad}', "")
}

#[test]
fn every_failure_says_whose_it_is() {
    let folder = folder(
        &[
            ("binary.toml", config("b", "kind = \"proportion\"\nvalue = \"spend\"")),
            ("column.toml", config("c", "value = \"spent\"")),
            ("cuped.toml", config("p", "value = \"spend\"\ncuped = true")),
            ("good.toml", config("g", "value = \"spend\"")),
        ],
        &rows(),
    );
    let output = run(folder.path());
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    let json = itog(&["run", "--quiet", "--date", "2026-03-10", "--format", "json"], folder.path());
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let checked = said(&itog(&["check"], folder.path()));
    for (file, id, code) in [
        ("config/binary.toml", "b", "data::not-binary"),
        ("config/column.toml", "c", "data::missing-column"),
        ("config/cuped.toml", "p", "data::no-pre-period"),
    ] {
        let is_told = |text: &str| [file, code, "metric `spend`"].iter().all(|part| text.contains(part));
        assert!(text.lines().any(is_told), "{file}: {text}");
        let failed = json["experiments"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
        assert!(failed["problems"].as_array().unwrap().iter().any(|one| is_told(one.as_str().unwrap())));
        assert!(code != "data::missing-column" || checked.lines().any(is_told), "{checked}");
    }
}

#[test]
fn check_finds_two_configs_of_one_experiment() {
    let one = config("one", "value = \"spend\"");
    let folder = folder(&[("a.toml", one.clone()), ("b.toml", one)], &rows());
    let output = itog(&["check"], folder.path());
    let text = said(&output);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("config/b.toml: error[run::duplicate-experiment]"), "{text}");
    assert!(text.contains("config/a.toml") && text.contains("`one`"), "{text}");
}

#[test]
fn a_declared_group_without_anybody_is_named() {
    let text = config("three", "value = \"spend\"").replace("B = 1", "B = 1, C = 1");
    let folder = folder(&[("a.toml", text)], &rows());
    assert_eq!(run(folder.path()).status.code(), Some(4));
    let results = fs::read(folder.path().join("output/latest/three/results.json")).unwrap();
    let results: Value = serde_json::from_slice(&results).unwrap();
    assert_eq!(results["data"]["srm"]["ok"], false);
    let page = page(folder.path(), "three");
    assert!(page.contains("Не все заявленные группы есть в данных, нет: «C»"), "the data section");
    assert!(page.contains("в данных нет «C»") && !page.contains("как задумано"), "the badge");
}

#[test]
fn percent_signs_are_shown_with_what_to_write_instead() {
    let percent = rows().lines().fold(String::new(), |text, line| {
        let end = if text.is_empty() { "\n" } else { "%\n" };
        text + line + end
    });
    let folder = folder(&[("a.toml", config("a", "value = \"spend\""))], &percent);
    for streaming in ["auto", "always"] {
        let set = format!("data.streaming=\"{streaming}\"");
        let output = itog(&["run", "--quiet", "--date", "2026-03-10", "--set", &set], folder.path());
        let text = said(&output);
        assert_eq!(output.status.code(), Some(3), "{text}");
        for part in [
            "data::not-a-number",
            "config/a.toml",
            "such as `0%`",
            "write `0` without the percent",
            "unit = \"%\"",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn days_with_few_users_are_left_out_in_words() {
    let folder = folder(&[("a.toml", config("a", "value = \"spend\""))], &rows());
    assert_eq!(run(folder.path()).status.code(), Some(0));
    let page = page(folder.path(), "a");
    assert!(page.contains("Не показаны дни, когда хотя бы в одну группу пришло меньше 20 пользователей"));
    assert!(page.contains("таких дней 1."), "only the last of four days");
}

#[test]
fn rows_after_the_date_are_not_called_incomplete() {
    let facts = "[[data.facts]]\nname = \"orders\"\npath = \"orders.csv\"\nunit = \"user\"\ntime = \"at\"\n";
    let text = config("a", "value = \"sum\"\nfrom = \"orders\"")
        .replace("[[metric]]", &format!("{facts}[[metric]]"));
    let folder = folder(&[("a.toml", text)], &rows());
    let mut orders = String::from("user,at,sum\n");
    (0..155)
        .for_each(|user| orders += &format!("{user},2026-03-{},{user}\n", if user < 17 { 12 } else { 9 }));
    fs::write(folder.path().join("config/orders.csv"), orders).unwrap();
    let output = run(folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let page = page(folder.path(), "a");
    let table =
        page.split("id=\"data-joined\"").nth(1).and_then(|rest| rest.split("</table>").next()).unwrap();
    let cells: Vec<&str> =
        table.split("<td").skip(1).filter_map(|cell| cell.split(['>', '<']).nth(1)).collect();
    assert!(table.contains("Поздно"), "{table}");
    assert_eq!(&cells[cells.len() - 2..], ["0", "17"], "{table}");
}

#[test]
fn under_a_void_verdict_no_picture_calls_a_difference_good() {
    let text = |n: u32| {
        let metric = |id: &str, successes: u32| {
            format!(
                "[[metric]]\nid = \"{id}\"\ntitle = \"Доля {id}\"\n\
                 counts = {{ A = {{ successes = 1000, n = 10000 }}, B = {{ successes = {successes}, n = {n} }} }}\n"
            )
        };
        format!(
            "[experiment]\nid = \"e{n}\"\ntitle = \"Проба\"\n[design]\ncontrol = \"A\"\nallocation = {{ A = 1, B = 1 }}\n{}{}",
            metric("one", n / 5),
            metric("two", n / 4)
        )
    };
    let folder = folder(&[("void.toml", text(8_000)), ("sound.toml", text(10_000))], &rows());
    assert_eq!(run(folder.path()).status.code(), Some(0));
    let overview = |id: &str| {
        let page = page(folder.path(), id);
        let figure = page.split("id=\"overview-effects\"").nth(1).expect("two metrics have an overview");
        figure.split("</figure>").next().unwrap().to_owned()
    };
    assert!(overview("e10000").contains("лучше") && !overview("e8000").contains("лучше"));
}
