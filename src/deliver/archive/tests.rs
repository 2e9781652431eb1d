//! What the archive promises: a repeat adds nothing, nothing is changed, every change by force is named.

use super::chain::Fault;
use super::*;

fn recommendation(run_key: &str, experiment: &str, date: &str, action: &str) -> Recommendation {
    Recommendation {
        experiment: experiment.into(),
        title: "Выручка на платящего".into(),
        data_date: date.into(),
        run_key: run_key.into(),
        action: action.into(),
        winner: (action == "ship").then(|| "B".into()),
        rule: "not-enough-data".into(),
        results: "00".into(),
    }
}

fn record(run_key: &str, experiment: &str, date: &str, action: &str) -> Record {
    let night = KeptNight {
        seq: 0,
        experiment: experiment.into(),
        data_date: date.into(),
        run_key: run_key.into(),
        content: format!("{{\"of\":\"{run_key}\"}}"),
    };
    let run = Run {
        seq: 0,
        experiment: experiment.into(),
        data_date: date.into(),
        run_key: run_key.into(),
        tool: "itog 0".into(),
        stamp: date.into(),
        config: "config/a.toml".into(),
        overrides: vec!["design.alpha=0.1".into()],
        past: PastRows::default(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        told: "{\"headline\":\"Продолжать тест корзины.\",\"owner\":\"Анна Петрова\"}".into(),
    };
    Record {
        recommendation: recommendation(run_key, experiment, date, action),
        night: Some(night),
        run: Some(run),
    }
}

fn decision<'a>(experiment: &'a str, outcome: &'a str, at: &'a str) -> NewDecision<'a> {
    NewDecision {
        experiment,
        outcome,
        by: "Анна",
        reason: "Платежей стало меньше",
        review_on: None,
        at,
        supersedes: None,
    }
}

/// Two nights of two experiments, three decisions.
pub(super) fn filled(folder: &std::path::Path) -> Archive {
    let mut archive = Archive::open(folder).unwrap();
    archive
        .record(&[record("k1", "arppu", "2026-01-01", "continue"), record("k2", "cpa", "2026-01-01", "ship")])
        .unwrap();
    archive.record(&[record("k3", "arppu", "2026-01-02", "keep")]).unwrap();
    for (experiment, outcome, at) in [
        ("arppu", "iterate", "2026-01-03T10:00:00Z"),
        ("cpa", "ship", "2026-01-03T10:00:01Z"),
        ("arppu", "rollback", "2026-01-04T10:00:00Z"),
    ] {
        archive.decide(&decision(experiment, outcome, at)).unwrap();
    }
    archive
}

fn faults(archive: &Archive) -> Vec<Fault> {
    archive.verify(Depth::Chains).faults
}

/// Changes the archive as only someone with the file in hands can: triggers away, and back afterwards. What the types of
/// the table refuse is an error.
fn by_force(archive: &Archive, sql: &str) -> rusqlite::Result<()> {
    let triggers = |column: &str| -> Vec<String> {
        let sql = format!("SELECT {column} FROM sqlite_schema WHERE type = 'trigger'");
        let mut statement = archive.connection.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(|text| text.unwrap()).collect()
    };
    let texts = triggers("sql");
    for name in triggers("name") {
        archive.connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
    }
    archive.connection.execute_batch(&format!("PRAGMA ignore_check_constraints = ON; {sql}"))?;
    texts.iter().try_for_each(|text| archive.connection.execute_batch(text))
}

#[test]
fn a_repeat_adds_nothing_and_leaves_the_head() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = filled(folder.path());
    let head = archive.head().unwrap();
    assert_eq!(archive.record(&[record("k1", "arppu", "2026-01-01", "continue")]).unwrap(), 0);
    assert_eq!((archive.list().unwrap().len(), archive.head().unwrap()), (3, head));
    assert_eq!(faults(&archive), []);
}

#[test]
fn one_night_in_one_go_has_the_head_of_the_same_night_after_a_crash() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let night = [record("k1", "arppu", "2026-01-01", "continue"), record("k2", "cpa", "2026-01-01", "ship")];
    let mut undisturbed = Archive::open(one.path()).unwrap();
    undisturbed.record(&night).unwrap();
    let mut disturbed = Archive::open(two.path()).unwrap();
    {
        // A process that dies inside the transaction leaves nothing of it.
        let transaction = disturbed.connection.transaction().unwrap();
        recommendations::append(&transaction, &night[0].recommendation).unwrap();
    }
    disturbed.record(&night).unwrap();
    assert_eq!(undisturbed.head().unwrap(), disturbed.head().unwrap());
}

#[test]
fn rows_refuse_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let archive = filled(folder.path());
    for table in schema::CHAINED.iter().filter(|table| !table.name.starts_with("message")) {
        let name = table.name;
        let column = table.columns[0];
        assert!(archive.connection.execute(&format!("UPDATE {name} SET {column} = 'x'"), []).is_err());
        assert!(archive.connection.execute(&format!("DELETE FROM {name}"), []).is_err());
    }
}

#[test]
fn the_last_run_of_a_date_is_its_night() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = filled(folder.path());
    archive.record(&[record("k4", "arppu", "2026-01-01", "stop")]).unwrap();
    let keys = |before: &str| -> Vec<String> {
        archive.nights("arppu", before).unwrap().into_iter().map(|night| night.run_key).collect()
    };
    assert_eq!((keys("2026-01-03"), keys("2026-01-02")), (vec!["k4".into(), "k3".into()], vec!["k4".into()]));
    assert_eq!(archive.first_night("arppu").unwrap().unwrap().run_key, "k1");
    assert_eq!(archive.before("arppu", "2026-01-02").unwrap().unwrap().action, "stop");
    assert_eq!(archive.run_before("arppu", "2026-01-03").unwrap().unwrap().run_key, "k3");
}

#[test]
fn one_decision_stands_and_a_correction_supersedes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = filled(folder.path());
    let told: Vec<(i64, Option<i64>, Option<i64>)> = archive
        .decisions(Some("arppu"))
        .unwrap()
        .iter()
        .map(|decision| (decision.seq, decision.supersedes, decision.superseded_by))
        .collect();
    assert_eq!(told, [(1, None, Some(3)), (3, Some(1), None)]);
    let again = archive.decide(&decision("arppu", "rollback", "2026-01-05T00:00:00Z")).unwrap();
    assert_eq!(again, Decided::Standing(3));
    let stale = NewDecision { supersedes: Some(1), ..decision("arppu", "ship", "2026-01-05T00:00:00Z") };
    assert!(matches!(archive.decide(&stale), Err(Refused::Another(Some(3)))));
    let unknown = decision("nothing", "ship", "2026-01-05T00:00:00Z");
    assert!(matches!(archive.decide(&unknown), Err(Refused::Unknown(known)) if known == ["arppu", "cpa"]));
    let early = decision("arppu", "ship", "2026-01-01T00:00:00Z");
    assert!(matches!(archive.decide(&early), Err(Refused::Clock(_))));
    assert_eq!(archive.decisions(None).unwrap().len(), 3);
}

#[test]
fn two_writers_continue_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let mut archive = Archive::open(folder).unwrap();
                for n in 0..5 {
                    archive
                        .record(&[record(&format!("w{writer}-{n}"), "cpa", "2026-02-01", "keep")])
                        .unwrap();
                }
            });
        }
    });
    let archive = Archive::open(folder.path()).unwrap();
    assert_eq!(archive.list().unwrap().len(), 23);
    assert_eq!(faults(&archive), []);
}

#[test]
fn every_cell_of_every_table_is_bound() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    let sound = std::fs::read(folder.path().join(FILE)).unwrap();
    let mut changed = 0;
    for table in schema::CHAINED {
        for column in ["seq", "chain"].iter().chain(table.columns) {
            for (row, change) in [(1, "other"), (2, "other"), (2, "absent"), (2, "emptied")] {
                std::fs::write(folder.path().join(FILE), &sound).unwrap();
                let archive = Archive::open(folder.path()).unwrap();
                let is_number = ["seq", "recommendation", "supersedes"].contains(column);
                let value = match (change, is_number) {
                    ("absent", _) => "NULL".to_owned(),
                    ("emptied", _) => "''".to_owned(),
                    (_, true) => format!("coalesce({column}, 0) + 1000"),
                    // One letter, and what is absent becomes something.
                    _ => format!("coalesce(substr({column}, 1, length({column}) - 1), '') || 'ы'"),
                };
                let sql = format!("UPDATE {} SET {column} = {value} WHERE seq = {row}", table.name);
                let sql_of =
                    format!("SELECT {column} FROM {} WHERE seq IN ({row}, {})", table.name, row + 1000);
                let cell = || -> Option<rusqlite::types::Value> {
                    archive.connection.query_row(&sql_of, [], |r| r.get(0)).ok()
                };
                let before = cell();
                if by_force(&archive, &sql).is_err() || cell() == before {
                    continue;
                }
                let named = faults(&archive);
                let hit = named.iter().any(|f| f.place == table.name && f.record == Some(row));
                assert!(hit, "{} {row} {column} {change}: {named:?}", table.name);
                changed += 1;
            }
        }
    }
    assert!(changed > 60, "only {changed} changes were tried");
}

#[test]
fn rows_taken_away_or_added_are_named() {
    for (sql, place, record) in [
        ("DELETE FROM recommendations WHERE seq = 2", "recommendations", Some(2)),
        ("DELETE FROM recommendations WHERE seq = 3", "recommendations", Some(3)),
        ("DELETE FROM nights", "nights", Some(1)),
        ("DELETE FROM decisions WHERE seq = 3", "decisions", Some(3)),
        ("UPDATE decisions SET seq = 4 WHERE seq = 3", "decisions", Some(3)),
        ("INSERT INTO recommendations SELECT 4, experiment, title, data_date, 'k9', action, winner, rule, results, 'x'
          FROM recommendations WHERE seq = 3", "recommendations", Some(4)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let archive = filled(folder.path());
        by_force(&archive, sql).unwrap();
        let named = faults(&archive);
        assert!(named.iter().any(|f| f.place == place && f.record == record), "{sql}: {named:?}");
    }
}

#[test]
fn a_trigger_taken_away_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let archive = filled(folder.path());
    archive.connection.execute_batch("DROP TRIGGER runs_never_change").unwrap();
    let named = faults(&archive);
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].what.contains("runs_never_change"));
}

#[test]
fn a_reader_of_an_old_digest_sees_that_the_end_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut archive = filled(folder.path());
    let printed = archive.head().unwrap();
    archive.decide(&decision("cpa", "invalid", "2026-01-06T00:00:00Z")).unwrap();
    assert!(archive.has_been_head(&printed).unwrap());
    // The whole end, seals included, so that what is left fits together.
    by_force(&archive, "DELETE FROM decisions WHERE seq > 2; DELETE FROM seals WHERE seq > 4;").unwrap();
    assert_eq!(faults(&archive), []);
    assert!(!archive.has_been_head(&printed).unwrap());
}

#[test]
fn an_archive_of_before_the_seals_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    for migration in &schema::MIGRATIONS[..2] {
        old.execute_batch(migration).unwrap();
    }
    old.pragma_update(None, "user_version", 2).unwrap();
    let chain =
        chain::bound(&["itog.archive.v1", "a", "A", "2025-12-31", "k0", "keep", "", "no-difference", "00"]);
    old.execute(
        "INSERT INTO recommendations VALUES (1, 'a', 'A', '2025-12-31', 'k0', 'keep', NULL, 'no-difference', '00', ?1)",
        [&chain],
    )
    .unwrap();
    drop(old);
    let mut archive = Archive::read(folder.path()).unwrap();
    assert_eq!((archive.head().unwrap(), faults(&archive)), (chain.clone(), vec![]));
    archive = Archive::open(folder.path()).unwrap();
    archive.record(&[record("k1", "a", "2026-01-01", "keep")]).unwrap();
    assert_eq!(faults(&archive), []);
    assert!(archive.has_been_head(&chain).unwrap());
}

#[test]
fn words_are_found_in_whatever_form_they_stand() {
    let folder = tempfile::tempdir().unwrap();
    let archive = filled(folder.path());
    let fields = |query: &str| -> Vec<String> {
        archive.search(query, 20).unwrap().found.into_iter().map(|found| found.field).collect()
    };
    assert_eq!(fields("корзинами"), ["headline", "headline"], "the headline of each experiment");
    assert_eq!(fields("выручкой платящим"), ["title", "title"]);
    assert_eq!(fields("платежи arppu"), ["decision", "decision"]);
    assert_eq!(fields("петровой"), ["owner", "owner"]);
    assert_eq!(fields("\"'* OR"), Vec::<String>::new());
    assert_eq!(fields("ракета"), Vec::<String>::new());
}
