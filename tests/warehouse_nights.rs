//! Nights that add to the sums of the nights before, where rows are in a database: they agree with asking for everything, and
//! need no row of a settled day. `.ci/warehouse` starts the servers; without them the tests say that they skip.

#![allow(clippy::disallowed_methods, reason = "tests read files and the environment")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use itog::config;
use itog::config::valid::Config;
use itog::sums::{Accumulated, Before, Sums};
use itog::warehouse;
use jiff::civil::{Date, date};
use serde_json::Value;

const CONFIG: &str = r#"
[experiment]
id = "nights"
title = "N"
start = 2026-03-01
[design]
control = "A"
[data]
SOURCE
group = "grp"
time = "at"
incremental = true
late_days = 1
[data.columns.spend]
min = 1
[[segment]]
id = "platform"
by = "platform"
[[metric]]
id = "spend"
value = "spend"
role = "primary"
test = "welch"
[[metric]]
id = "ranks"
value = "visits"
test = "mann-whitney"
[[metric]]
id = "paid"
kind = "proportion"
value = "spend > 50"
[[metric]]
id = "per-visit"
kind = "ratio"
value = "spend"
denominator = "visits"
[[metric]]
id = "adjusted"
value = "spend"
covariates = ["age"]
test = "welch"
"#;

const DAYS: i8 = 9;

/// Lines of the table: group, platform, time, spending, visits, age.
fn rows(sign: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut state = 7_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    let mut lines = Vec::new();
    for row in 0..4_000_u64 {
        let group = ["A", "B"][next(2) as usize];
        let platform = ["ios", "web"][next(2) as usize];
        let mut line = format!("{}\t{}\t", sign(group), sign(platform));
        let at = format!("2026-03-{:02} {:02}:00:00", 1 + row % DAYS as u64, next(24));
        let (spend, visits, age) = (1e5 + next(10_000) as f64 / 100.0, next(9), 18 + next(50));
        let _ = write!(line, "{}\t{spend}\t{visits}\t{age}", sign(&at));
        lines.push(line);
    }
    lines
}

fn config(folder: &Path, source: &str) -> Config {
    let path = folder.join("nights.toml");
    fs::write(&path, CONFIG.replace("SOURCE", source)).unwrap();
    config::load(&path, &[]).unwrap_or_else(|problems| panic!("{problems:?}")).value
}

fn asked(config: &mut Config, night: Date, before: &Before) -> Accumulated {
    warehouse::fill(config, night, before).unwrap_or_else(|problems| panic!("{problems:?}"));
    Accumulated::from_json(config.data.as_ref().unwrap().answer.as_deref().unwrap()).unwrap()
}

fn after(known: &Accumulated, whole: bool) -> Before {
    Before { kept: Some(known.to_json().unwrap()), whole }
}

/// Moments of the cells are those of one reading, so they are the same numbers; what is merged is near.
fn same(a: &Sums, b: &Sums) {
    assert_eq!((&a.groups, &a.partitions, &a.exposures), (&b.groups, &b.partitions, &b.exposures));
    assert_eq!((a.rows, a.time), (b.rows, b.time));
    for (a, b) in a.metrics.iter().zip(&b.metrics) {
        for (a, b) in a.groups.iter().zip(&b.groups) {
            assert_eq!(a.table, b.table);
            assert_eq!(a.cells.len(), b.cells.len());
            for (a, b) in a.cells.iter().zip(&b.cells) {
                assert_eq!((&a.key, a.joint.n(), a.zeros, a.range), (&b.key, b.joint.n(), b.zeros, b.range));
                for (a, b) in a.joint.means().iter().zip(b.joint.means()) {
                    assert!((a - b).abs() <= 1e-12 * a.abs().max(1e-6), "{a} {b}");
                }
            }
        }
    }
}

/// Night after night, the rows of settled days taken away by `remove` before the last one.
fn agrees(source: &str, remove: &dyn Fn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), source);
    let mut kept = asked(&mut config, date(2026, 3, 4), &Before::default());
    assert_eq!((kept.until, kept.settled.time.unwrap().1.date()), (Some(date(2026, 3, 3)), date(2026, 3, 3)));
    for day in 5..=8 {
        let night = date(2026, 3, day);
        kept = asked(&mut config, night, &after(&kept, false));
        let whole = asked(&mut config, night, &after(&kept, true));
        assert_eq!(whole.changed, Vec::<Date>::new());
        same(&kept.settled, &whole.settled);
        same(&kept.total().unwrap(), &whole.total().unwrap());
    }
    let night = date(2026, 3, 9);
    let whole = asked(&mut config, night, &Before::default());
    assert_eq!(whole.total().unwrap().rows.total, 4_000);
    remove("2026-03-08 00:00:00");
    let added = asked(&mut config, night, &after(&kept, false));
    same(&added.total().unwrap(), &whole.total().unwrap());
    // Everything read again finds that the days are gone.
    let again = asked(&mut config, night, &after(&added, true));
    assert_eq!(again.changed.len(), 7);
    assert!(again.total().unwrap().rows.total < 1_000);
    // Another question begins anew.
    config.metrics[0].id = "other".to_owned();
    assert_eq!(asked(&mut config, night, &after(&added, false)).changed, Vec::<Date>::new());
}

/// The same by the program: what a night settled is in its archive, and the next night needs nothing else.
fn runs(source: &str, remove: &dyn Fn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path(), source);
    let night = |day: i8, more: &[&str]| {
        let made = Command::new(env!("CARGO_BIN_EXE_itog"))
            .args(["run", "nights.toml", "--quiet", "--out", "out", "--date", &format!("2026-03-{day:02}")])
            .args(more)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let results = folder.path().join(format!("out/2026-03-{day:02}/nights/results.json"));
        let results: Value = serde_json::from_slice(&fs::read(results).unwrap()).unwrap();
        let gates = results["data"]["gates"].as_array().unwrap().iter();
        let gates: Vec<String> = gates.map(|gate| gate["code"].as_str().unwrap().to_owned()).collect();
        (results["data"]["rows"].as_u64().unwrap(), gates)
    };
    let rows = night(8, &[]).0;
    remove("2026-03-08 00:00:00");
    let (all, gates) = night(9, &[]);
    assert!(all == 4_000 && rows < all && !gates.contains(&"past-changed".to_owned()), "{rows} {gates:?}");
    let (left, gates) = night(9, &["--full"]);
    assert!(left < 1_000 && gates.contains(&"past-changed".to_owned()), "{left} {gates:?}");
}

fn block<T>(work: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn address(name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        eprintln!("skipped: {name} is not set; .ci/warehouse starts a server and sets it");
    }
    found
}

#[test]
fn postgres_nights_add_up() {
    let Some(url) = address("ITOG_POSTGRES_URL") else { return };
    let run = |sql: &str| {
        block(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
        });
    };
    let values: Vec<String> = rows(&|text| format!("'{text}'"))
        .into_iter()
        .map(|line| format!("({})", line.replace('\t', ",")))
        .collect();
    run(
        "DROP TABLE IF EXISTS itog_nights; CREATE TABLE itog_nights (grp text, platform text, at timestamp, \
         spend double precision, visits integer, age integer)",
    );
    run(&format!("INSERT INTO itog_nights VALUES {}", values.join(",")));
    agrees("source = \"postgres\"\ntable = \"itog_nights\"", &|before| {
        run(&format!("DELETE FROM itog_nights WHERE at < '{before}'"));
    });
}

/// What a server adds up in another order differs in its last bits: another input, the same night.
#[test]
fn a_repeated_night_with_other_last_bits_decides_the_same() {
    let Some(url) = address("ITOG_POSTGRES_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bits.toml"),
        "[experiment]\nid = \"bits\"\ntitle = \"B\"\n[design]\ncontrol = \"A\"\n[data]\nsource = \"postgres\"\n\
         table = \"itog_bits\"\ngroup = \"grp\"\nunit = \"user_id\"\n[[metric]]\nid = \"spend\"\nvalue = \"spend\"\n\
         test = \"welch\"\nrole = \"primary\"\ngoal = \"increase\"\n",
    )
    .unwrap();
    let itog = |arguments: &[&str]| {
        let made = Command::new(env!("CARGO_BIN_EXE_itog"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        made.stdout
    };
    let night = |order: &str, date: &str| {
        block(async {
            let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            let fill = format!(
                "DROP TABLE IF EXISTS itog_bits; CREATE TABLE itog_bits AS SELECT chr(65 + u % 2) AS grp, u AS user_id, \
                 (u * 7919 + v * 104729) % 10007 / 97.0::float8 AS spend \
                 FROM generate_series(1, 20000) AS u, generate_series(1, 2) AS v ORDER BY {order}"
            );
            client.batch_execute(&fill).await.unwrap();
        });
        itog(&["run", "bits.toml", "--quiet", "--out", "out", "--date", date]);
        let read = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.path().join(format!("out/{date}/{name}"))).unwrap())
                .unwrap()
        };
        let key = read("manifest.json")["experiments"][0]["run_key"].clone();
        (key, read("bits/results.json")["decision"].clone())
    };
    let first = night("u, v", "2026-03-08");
    let again = night("v DESC, u DESC", "2026-03-08");
    assert_ne!(first.0, again.0);
    assert_eq!(first.1, again.1);
    // The next night knows one night before it, and every report can be made again.
    night("u, v", "2026-03-09");
    itog(&["archive", "verify", "--out", "out"]);
    itog(&["archive", "replay", "--out", "out"]);
    let runs: Value =
        serde_json::from_slice(&itog(&["archive", "list", "--out", "out", "--format", "json"])).unwrap();
    let text = runs.to_string();
    assert_eq!(text.matches("\"2026-03-08\"").count(), 2, "{text}");
}

#[test]
fn clickhouse_nights_add_up() {
    let Some(url) = address("ITOG_CLICKHOUSE_URL") else { return };
    let run = |sql: String| {
        block(async {
            let answer = reqwest::Client::new().post(&url).body(sql).send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{text}");
        });
    };
    let create = "CREATE TABLE itog_nights (grp String, platform String, at DateTime, spend Float64, visits Int32, age Int32) \
                  ENGINE = MergeTree() PARTITION BY toDate(at) ORDER BY at";
    let remove = |before: &str| {
        let first = before.parse::<jiff::civil::DateTime>().unwrap().date();
        for day in 1..first.day() {
            run(format!("ALTER TABLE itog_nights DROP PARTITION '2026-03-{day:02}'"));
        }
    };
    for check in [agrees, runs] {
        run("DROP TABLE IF EXISTS itog_nights".to_owned());
        run(create.to_owned());
        run(format!("INSERT INTO itog_nights FORMAT TabSeparated\n{}", rows(&str::to_owned).join("\n")));
        check("source = \"clickhouse\"\ntable = \"itog_nights\"", &remove);
    }
}
