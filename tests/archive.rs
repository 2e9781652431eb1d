//! The archive as people use it: decisions, replay without the folders of the dates, export, and what happens when the
//! database is held, damaged, or the program dies.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sha2::{Digest, Sha256};

const CONFIG: &str = r#"
[experiment]
id = "basket"
title = "Корзина на одном экране"
hypothesis = "Короткий путь к оплате поднимает выручку."
owner = "Анна Петрова"
status = "finished"
start = 2026-10-01
end = 2026-10-14
[design]
control = "A"
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
[money]
value = 1
currency = "₽"
traffic = { users = 1000, days = 30 }
"#;

fn rows(n: u32, lift: u32) -> String {
    let mut csv = String::from("group,spend\n");
    for i in 0..n {
        let (group, more) = if i % 2 == 0 { ("A", 0) } else { ("B", lift) };
        csv.push_str(&format!("{group},{}\n", f64::from(i * 37 % 101 + more) / 10.0));
    }
    csv
}

fn itog(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_itog"))
        .args(arguments)
        .current_dir(folder)
        // 24 November 2026, so that decisions have the same times whenever this runs.
        .env("SOURCE_DATE_EPOCH", "1795514400")
        .output()
        .expect("the program starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn json(arguments: &[&str], folder: &Path) -> Value {
    let output = itog(arguments, folder);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

/// A folder with one experiment, run on these dates.
fn ran(dates: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    fs::write(folder.path().join("config/basket.toml"), CONFIG).unwrap();
    for (index, date) in dates.iter().enumerate() {
        fs::write(folder.path().join("config/rows.csv"), rows(400 + 40 * index as u32, 9)).unwrap();
        let output = itog(&["run", "--date", date], folder.path());
        assert_eq!(code(&output), 0, "{}", said(&output));
    }
    folder
}

fn decide(folder: &Path, outcome: &str, reason: &str, more: &[&str]) -> Output {
    let mut arguments = vec!["archive", "decide", "basket", "--outcome", outcome, "--by", "Анна Петрова"];
    arguments.extend(["--reason", reason]);
    arguments.extend(more);
    itog(&arguments, folder)
}

/// Every finished file below a folder, by relative path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_decision_is_archived_shown_in_the_next_report_and_found_by_its_words() {
    let folder = ran(&["2026-11-20", "2026-11-21"]);
    let at = folder.path();
    let output = decide(at, "ship", "Выручка выросла, жалоб нет", &["--review-on", "2026-12-24"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    // The same once more adds nothing, another one supersedes, and a stale correction is refused.
    decide(at, "ship", "Выручка выросла, жалоб нет", &["--review-on", "2026-12-24"]);
    assert_eq!(code(&decide(at, "rollback", "Платежи стали падать", &[])), 0);
    assert_eq!(code(&decide(at, "ship", "Всё-таки выкатываем", &["--supersedes", "1"])), 2);
    for wrong in [["--review-on", "2020-01-01"], ["--by", " "]] {
        let mut arguments = vec!["archive", "decide", "basket", "--outcome", "ship", "--reason", "Да"];
        arguments.extend(wrong);
        arguments.extend(if wrong[0] == "--by" { vec![] } else { vec!["--by", "А"] });
        assert_eq!(code(&itog(&arguments, at)), 2);
    }
    let listed = json(&["archive", "list", "--format", "json"], at);
    for key in
        ["seq", "experiment", "title", "data_date", "run_key", "action", "winner", "rule", "results", "chain"]
    {
        assert!(!listed[0][key].is_null() || key == "winner", "{key}: {}", listed[0]);
    }
    assert_eq!(
        (&listed[0]["decision"], &listed[1]["decision"]["outcome"]),
        (&Value::Null, &"rollback".into())
    );
    let shown = json(&["archive", "show", "basket", "--format", "json"], at);
    assert_eq!(shown["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(shown["decisions"][0]["superseded_by"], 2);
    let stored = shown["recommendations"][1]["run"]["outputs"].as_array().unwrap();
    assert_eq!(stored.iter().filter(|file| file["object"].is_string()).count(), 3);
    let found = json(&["archive", "search", "платежами", "--format", "json"], at);
    assert_eq!(found["found"][0]["field"], "decision", "{found}");

    assert_eq!(code(&itog(&["run", "--date", "2026-11-22"], at)), 0);
    let html =
        fs::read_to_string(at.join("output/latest/basket/report.html")).unwrap().replace('\u{a0}', " ");
    for words in ["Что изменилось и что решили", "Решение людей", "Платежи стали падать", "(заменено)"]
    {
        assert!(html.contains(words), "{words}");
    }
    let digest = fs::read_to_string(at.join("output/latest/index.html")).unwrap();
    assert!(digest.contains("Чем кончились эксперименты"));
    // What the tool advises and what people decided are two columns.
    assert!(digest.contains(">Совет</th>") && digest.contains(">Решили</th>"), "{digest}");
    let card = json(&["archive", "scorecard", "--format", "json"], at);
    assert_eq!(
        (&card["decided"], &card["outcomes"]["rollback"], &card["followed"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(card["median_days"], 14.0);
}

#[test]
fn a_night_of_the_past_made_again_is_not_the_last_word() {
    let folder = ran(&["2026-11-20", "2026-11-21", "2026-11-20"]);
    let at = folder.path();
    let listed = json(&["archive", "list", "--format", "json"], at);
    assert_eq!(listed.as_array().unwrap().len(), 3, "the rows are others, so it is another report");
    assert_eq!(code(&decide(at, "ship", "Выручка выросла", &[])), 0);
    let shown = json(&["archive", "show", "basket", "--format", "json"], at);
    assert_eq!(shown["decisions"][0]["recommendation"], 2, "people answer the newest night");
    let order = shown["recommendations"].as_array().unwrap().iter();
    let order: Vec<(&str, u64)> =
        order.map(|e| (e["data_date"].as_str().unwrap(), e["seq"].as_u64().unwrap())).collect();
    assert_eq!(order, [("2026-11-20", 1), ("2026-11-20", 3), ("2026-11-21", 2)]);
    let status = json(&["status", "--format", "json"], at);
    let told = &status["experiments"][0];
    assert_eq!((&told["data_date"], &told["nights_since"]), (&"2026-11-21".into(), &0.into()));
}

#[test]
fn a_repeat_of_a_finished_night_leaves_every_byte() {
    let folder = ran(&["2026-11-20", "2026-11-21"]);
    let before = files(&folder.path().join("output"));
    assert_eq!(code(&itog(&["run", "--date", "2026-11-21"], folder.path())), 0);
    let after = files(&folder.path().join("output"));
    assert!(before.keys().eq(after.keys()));
    for (name, bytes) in before.iter().filter(|(name, _)| !name.ends_with(".lock")) {
        assert!(*bytes == after[name], "{} changed", name.display());
    }
}

#[test]
fn runs_are_made_again_without_their_folders_and_their_sources() {
    let folder = ran(&["2026-11-20", "2026-11-21"]);
    let at = folder.path();
    assert_eq!(code(&decide(at, "iterate", "Проверим ещё раз", &[])), 0);
    assert_eq!(code(&itog(&["run", "--date", "2026-11-22", "--set", "design.alpha=0.1"], at)), 0);
    for date in ["2026-11-20", "2026-11-21", "2026-11-22"] {
        fs::remove_dir_all(at.join("output").join(date)).unwrap();
    }
    fs::remove_dir_all(at.join("config")).unwrap();
    let replayed = json(&["archive", "replay", "--format", "json"], at);
    let results: Vec<&str> =
        replayed.as_array().unwrap().iter().map(|run| run["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["equal"; 3], "{replayed}");
    assert!(
        replayed.as_array().unwrap().iter().all(|run| run["what"] == serde_json::json!([])),
        "{replayed}"
    );
    assert_eq!(json(&["archive", "replay", "2", "--format", "json"], at).as_array().unwrap().len(), 1);
    assert_eq!(code(&itog(&["archive", "replay", "nothing"], at)), 2);
    assert_eq!(code(&itog(&["archive", "verify", "--deep"], at)), 0);
}

#[test]
fn large_inputs_are_written_down_and_missed_when_they_are_gone() {
    let folder = ran(&[]);
    let at = folder.path();
    fs::write(at.join("config/rows.csv"), rows(400, 9)).unwrap();
    assert_eq!(code(&itog(&["run", "--date", "2026-11-20", "--keep-inputs", "1K"], at)), 0);
    assert_eq!(code(&itog(&["archive", "replay"], at)), 0, "the source is still the same file");
    fs::write(at.join("config/rows.csv"), rows(401, 9)).unwrap();
    let output = itog(&["archive", "replay"], at);
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(said(&output).contains("inputs not kept") && said(&output).contains("rows.csv"));
}

#[test]
fn damage_to_stored_files_folders_and_records_is_named() {
    let folder = ran(&["2026-11-20"]);
    let at = folder.path();
    let head = said(&itog(&["archive", "verify"], at));
    let head = head.split_whitespace().find(|word| word.len() == 64).unwrap().to_owned();
    assert_eq!(code(&itog(&["archive", "verify", "--witness", &head], at)), 0);
    assert_eq!(code(&itog(&["archive", "verify", "--witness", &head.replace(&head[..1], "0")], at)), 1);
    assert_eq!(code(&itog(&["archive", "verify", "--witness", "abc"], at)), 2);

    let page = at.join("output/2026-11-20/basket/report.html");
    let (html, day) = (fs::read(&page).unwrap(), at.join("output/2026-11-20/index.html"));
    fs::remove_file(&page).unwrap();
    fs::write(&page, [html.as_slice(), b" "].concat()).unwrap();
    fs::remove_file(&day).unwrap();
    fs::write(at.join("output/2026-11-20/basket/notes.html"), "not of the run").unwrap();
    let output = itog(&["archive", "verify", "--deep"], at);
    assert_eq!(code(&output), 1);
    for words in [
        "2026-11-20: basket/report.html was changed",
        "2026-11-20: index.html is missing",
        "2026-11-20: basket/notes.html was added",
    ] {
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
    }
    // A backup of the archive would mend nothing of that.
    assert_eq!(said(&output).matches("error[archive::folder]").count(), 3, "{}", said(&output));
    assert!(
        said(&output).contains("the archive is whole") && !said(&output).contains("backup"),
        "{}",
        said(&output)
    );
    assert_eq!(code(&itog(&["archive", "verify"], at)), 0, "the database is not touched by that");
    let object = files(&at.join("output/objects")).into_keys().next().unwrap();
    let object = at.join("output/objects").join(object);
    fs::remove_file(&object).unwrap();
    let output = itog(&["archive", "verify", "--deep"], at);
    assert!(
        said(&output).contains("runs 1: objects/") && said(&output).contains("is missing"),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("backup") && !said(&output).contains("is whole"), "{}", said(&output));

    let database = rusqlite::Connection::open(at.join("output/archive.sqlite")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER recommendations_never_change; UPDATE recommendations SET action = 'keep';
             CREATE TRIGGER recommendations_never_change BEFORE UPDATE ON recommendations
        BEGIN SELECT RAISE(ABORT, 'the archive is append-only'); END;",
        )
        .unwrap();
    drop(database);
    let output = itog(&["archive", "verify"], at);
    assert_eq!(code(&output), 1);
    assert!(said(&output).contains("archive::tampered") && said(&output).contains("recommendations 1"));
}

#[test]
fn the_export_is_a_bag_whose_digests_hold() {
    let folder = ran(&["2026-11-20"]);
    let at = folder.path();
    assert_eq!(code(&decide(at, "ship", "Да", &[])), 0);
    assert_eq!(code(&itog(&["archive", "export", "--to", "bag"], at)), 0);
    assert_eq!(code(&itog(&["archive", "export", "--to", "bag"], at)), 2, "a bag is never written over");
    let bag = at.join("bag");
    assert!(fs::read_to_string(bag.join("bagit.txt")).unwrap().starts_with("BagIt-Version: 1.0\n"));
    let mut listed = Vec::new();
    for (manifest, inside) in [("manifest-sha256.txt", true), ("tagmanifest-sha256.txt", false)] {
        for line in fs::read_to_string(bag.join(manifest)).unwrap().lines() {
            let (digest, path) = line.split_once("  ").unwrap();
            let bytes = fs::read(bag.join(path)).unwrap();
            let own: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((own.as_str(), path.starts_with("data/")), (digest, inside), "{path}");
            listed.push((path.to_owned(), bytes.len()));
        }
    }
    let payload: Vec<_> = listed.iter().filter(|(path, _)| path.starts_with("data/")).collect();
    assert_eq!(payload.len(), files(&bag.join("data")).len(), "every payload file is listed");
    let oxum =
        format!("Payload-Oxum: {}.{}", payload.iter().map(|(_, size)| size).sum::<usize>(), payload.len());
    assert!(fs::read_to_string(bag.join("bag-info.txt")).unwrap().contains(&oxum));
    let decisions = fs::read_to_string(bag.join("data/decisions.jsonl")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(decisions.trim()).unwrap()["outcome"], "ship");
    // The copy of the database and the stored files are an archive again.
    let restored = at.join("restored");
    fs::create_dir(&restored).unwrap();
    fs::rename(bag.join("data/archive.sqlite"), restored.join("archive.sqlite")).unwrap();
    fs::rename(bag.join("data/objects"), restored.join("objects")).unwrap();
    assert_eq!(code(&itog(&["archive", "verify", "--deep", "--out", "restored"], at)), 0);
    assert_eq!(code(&itog(&["archive", "replay", "--out", "restored"], at)), 0);
}

#[test]
fn a_held_database_is_exit_11_and_a_damaged_one_exit_1_and_nothing_is_torn() {
    let folder = ran(&["2026-11-20"]);
    let at = folder.path();
    let held = rusqlite::Connection::open(at.join("output/archive.sqlite")).unwrap();
    held.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let output = itog(&["run", "--date", "2026-11-21"], at);
    assert_eq!(code(&output), 11, "{}", said(&output));
    assert!(said(&output).contains("archive::locked"));
    assert_eq!(code(&decide(at, "ship", "Да", &[])), 11);
    assert!(!at.join("output/2026-11-21").exists());
    held.execute_batch("ROLLBACK").unwrap();
    drop(held);
    assert_eq!(code(&itog(&["archive", "verify", "--deep"], at)), 0);
    let before = files(&at.join("output/2026-11-20"));
    fs::write(at.join("output/archive.sqlite"), "no database at all, and long enough to be read".repeat(99))
        .unwrap();
    for arguments in [vec!["run", "--date", "2026-11-20"], vec!["archive", "verify"], vec!["archive", "list"]]
    {
        let output = itog(&arguments, at);
        assert_eq!(code(&output), 1, "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("archive::corrupt"), "{}", said(&output));
    }
    assert!(before == files(&at.join("output/2026-11-20")));
}

#[test]
fn a_run_that_is_killed_leaves_an_archive_that_verifies_and_resumes_to_the_same_bytes() {
    let (undisturbed, killed) = (ran(&["2026-11-20", "2026-11-21"]), ran(&["2026-11-20"]));
    fs::copy(undisturbed.path().join("config/rows.csv"), killed.path().join("config/rows.csv")).unwrap();
    let at = killed.path();
    for wait in [5, 40, 80, 120, 160, 220, 300] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_itog"))
            .args(["run", "--date", "2026-11-21", "--resume"])
            .current_dir(at)
            .env("SOURCE_DATE_EPOCH", "1795514400")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let output = itog(&["archive", "verify"], at);
        assert_eq!(code(&output), 0, "after {wait} ms: {}", said(&output));
    }
    assert_eq!(code(&itog(&["run", "--date", "2026-11-21", "--resume"], at)), 0);
    let (one, two) = (undisturbed.path().join("output/2026-11-21"), at.join("output/2026-11-21"));
    assert!(files(&one) == files(&two), "the resumed night has other bytes");
    assert_eq!(code(&itog(&["archive", "verify", "--deep"], at)), 0);
}
