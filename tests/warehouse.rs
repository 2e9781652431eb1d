//! The same experiment from files and from real servers. `.ci/warehouse` starts them and says where they are; without
//! ITOG_POSTGRES_URL and ITOG_CLICKHOUSE_URL the tests say that they skip.

#![allow(clippy::disallowed_methods, reason = "tests read files and the environment")]

#[path = "warehouse/expressions.rs"]
mod expressions;
#[path = "warehouse/extremes.rs"]
mod extremes;
#[path = "warehouse/facts.rs"]
mod facts;
mod same;
#[path = "warehouse/server.rs"]
mod server;
#[path = "warehouse/shipped.rs"]
mod shipped;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use itog::config;
use itog::config::valid::Config;
use itog::data::{self, Dataset};
use itog::metrics;
use itog::sums::Before;
use itog::validation::{course, segments};
use itog::warehouse;
use jiff::civil::date;
use same::{compare, same};

const METRICS: &str = r#"
[[segment]]
id = "platform"
by = "platform"
[[metric]]
id = "arpu"
value = "revenue"
goal = "increase"
role = "primary"
[[metric]]
id = "arppu"
value = "revenue"
where = "bought = 1"
goal = "increase"
[[metric]]
id = "offset"
value = "far"
test = "welch"
aggregate = "mean"
goal = "increase"
[[metric]]
id = "ranks"
value = "sessions"
test = "mann-whitney"
goal = "increase"
[[metric]]
id = "cuped"
value = "revenue"
covariates = ["age", "sessions"]
test = "welch"
goal = "increase"
[[metric]]
id = "strata"
value = "revenue"
covariates = ["age"]
strata = "platform"
goal = "increase"
[[metric]]
id = "conversion"
kind = "proportion"
value = "bought = 1 AND platform <> 'web'"
goal = "increase"
[[metric]]
id = "order"
kind = "ratio"
numerator = "revenue"
denominator = "sessions"
goal = "increase"
[[metric]]
id = "share"
value = "revenue / (sessions - 1)"
aggregate = "max"
test = "welch"
goal = "increase"
[[metric]]
id = "median"
kind = "quantile"
q = 0.5
value = "CASE WHEN sessions > 5 THEN 5 ELSE sessions END"
goal = "increase"
[[metric]]
id = "orders"
aggregate = "count"
where = "bought = 1 AND day >= '2026-03-03'"
population = "exposed"
goal = "increase"
[[metric]]
id = "row"
value = "revenue"
aggregate = "rows"
goal = "increase"
"#;

/// Rows of three groups: users come on several days, some from before the start, one in two groups, some without an age.
fn rows(users: u64) -> String {
    let mut text = String::from("grp,user_id,day,platform,sessions,bought,revenue,age,far\n");
    let mut state = 20260301_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    for user in 0..users {
        let group = ["A", "B", "C"][(user % 3) as usize];
        let platform = ["ios", "web", ""][next(3) as usize];
        let age = if next(10) == 0 { String::new() } else { (18 + next(50)).to_string() };
        for visit in 0..=next(3) {
            let group = if user % 500 == 7 && visit == 1 { "A" } else { group };
            let sessions = 1 + next(9);
            let bought = u64::from(next(10) < 2 + user % 3);
            let revenue = bought as f64 * (next(100_000) as f64 / 100.0 + 3.0 * sessions as f64);
            let day = 1 + user % 4 + visit;
            let far = 1e6 + next(1000) as f64 / 500.0;
            writeln!(
                text,
                "{group},{user},2026-03-0{day},{platform},{sessions},{bought},{revenue:.2},{age},{far}"
            )
            .unwrap();
        }
    }
    text
}

fn config(folder: &Path, data: &str, start: &str) -> Config {
    let text = format!(
        "[experiment]\nid = \"warehouse\"\ntitle = \"W\"\nstart = {start}\n[design]\ncontrol = \"A\"\ncomparisons = \"all\"\n\
         replicates = 1000\n[data]\n{data}\ngroup = \"grp\"\nunit = \"user_id\"\ntime = \"day\"\n\
         [data.columns.sessions]\nmin = 2\ninvalid = \"report\"\n{METRICS}"
    );
    let path = folder.join("warehouse.toml");
    fs::write(&path, text).unwrap();
    config::load(&path, &[]).unwrap_or_else(|problems| panic!("{problems:?}")).value
}

fn from_files(config: &Config) -> Dataset {
    let (source, start) = (config.data.as_ref().unwrap(), config.experiment.start);
    let opened =
        data::open(source, &config.metrics, &config.design, &config.segments, start, date(2026, 3, 9));
    opened.unwrap_or_else(|problems| panic!("{problems:?}")).value
}

fn from_server(config: &mut Config) -> Dataset {
    let night = date(2026, 3, 9);
    warehouse::fill(config, night, &Before::default()).unwrap_or_else(|problems| {
        let said: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.code, p.message)).collect();
        panic!("{}", said.join("\n"))
    });
    Dataset::of_answer(config.data.as_ref().unwrap(), &config.design, night).unwrap()
}

/// The whole comparison for one server.
fn agrees(source: &str, users: u64, start: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows(users)).unwrap();
    let files = config(folder.path(), "path = \"rows.csv\"", start);
    let rows = from_files(&files);
    let mut server = config(folder.path(), &format!("source = \"{source}\"\ntable = \"itog_rows\""), start);
    let sums = from_server(&mut server);
    assert_eq!(rows.groups, sums.groups);
    assert_eq!((rows.contamination, rows.reading.rows), (sums.contamination, sums.reading.rows));
    assert_eq!(rows.daily, sums.daily);
    assert_eq!(rows.segment_sizes("platform").unwrap(), sums.segment_sizes("platform").unwrap());
    let codes = |data: &Dataset| data.gates.iter().map(|gate| gate.reason.clone()).collect::<Vec<_>>();
    assert_eq!(codes(&rows), codes(&sums));
    let of_rows = metrics::measure(&files, Some(&rows), &[]).unwrap();
    let of_sums = metrics::measure(&server, Some(&sums), &[]).unwrap();
    assert_eq!((of_rows.len(), of_sums.len()), (12, 12));
    of_rows.iter().zip(&of_sums).for_each(|(a, b)| compare(a, b));
    let (a, b) =
        (course::run(&files, &rows, &of_rows).unwrap(), course::run(&server, &sums, &of_sums).unwrap());
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().flat_map(|a| &a.days).zip(b.iter().flat_map(|b| &b.days)) {
        same("course", Some(a.estimate), Some(b.estimate));
        same("course", Some(a.se), Some(b.se));
    }
    let (a, b) =
        (segments::run(&files, &rows, &of_rows).unwrap(), segments::run(&server, &sums, &of_sums).unwrap());
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).for_each(|(a, b)| same("segments", a.found.total, b.found.total));
    // The same answer again is the same input.
    let first = server.data.as_ref().unwrap().answer.clone();
    from_server(&mut server);
    if source == "postgres" {
        assert_eq!(first, server.data.as_ref().unwrap().answer);
    }
}

fn block<T>(work: impl std::future::Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn fill_postgres(url: &str, users: u64) {
    let lines = rows(users);
    block(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
            .batch_execute(
                "DROP TABLE IF EXISTS itog_rows; CREATE TABLE itog_rows (grp text, user_id bigint, day date, platform text, \
                 sessions integer, bought smallint, revenue numeric, age integer, far double precision)",
            )
            .await
            .unwrap();
        let cell = |at: usize, text: &str| match (text, at) {
            ("", _) => "NULL".to_owned(),
            (text, 0 | 2 | 3) => format!("'{text}'"),
            (text, _) => text.to_owned(),
        };
        let lines: Vec<String> = lines
            .lines()
            .skip(1)
            .map(|line| {
                format!(
                    "({})",
                    line.split(',')
                        .enumerate()
                        .map(|(at, text)| cell(at, text))
                        .collect::<Vec<_>>()
                        .join(",")
                )
            })
            .collect();
        for part in lines.chunks(5000) {
            client.batch_execute(&format!("INSERT INTO itog_rows VALUES {}", part.join(","))).await.unwrap();
        }
        client.batch_execute("ANALYZE itog_rows").await.unwrap();
    });
}

fn clickhouse(url: &str, sql: &str, body: String) -> String {
    block(async {
        let client = reqwest::Client::new();
        // A statement stands before its data.
        let text = if body.is_empty() { sql.to_owned() } else { format!("{sql}\n{body}") };
        let answer = client.post(url).body(text).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{sql}: {text}");
        text
    })
}

fn fill_clickhouse(url: &str, users: u64) {
    clickhouse(url, "DROP TABLE IF EXISTS itog_rows", String::new());
    let table = "CREATE TABLE itog_rows (grp String, user_id UInt64, day Date, platform Nullable(String), sessions Int32, \
                 bought UInt8, revenue Float64, age Nullable(Int32), far Float64) ENGINE = MergeTree() PARTITION BY tuple() ORDER BY user_id";
    clickhouse(url, table, String::new());
    let lines = rows(users)
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> =
                line.split(',').map(|cell| if cell.is_empty() { "\\N" } else { cell }).collect();
            cells.join("\t") + "\n"
        })
        .collect::<String>();
    clickhouse(url, "INSERT INTO itog_rows FORMAT TabSeparated", lines);
}

fn address(name: &str) -> Option<String> {
    let found = std::env::var(name).ok();
    if found.is_none() {
        eprintln!("skipped: {name} is not set; .ci/warehouse starts a server and sets it");
    }
    found
}

#[test]
fn postgres_says_what_files_say() {
    let Some(url) = address("ITOG_POSTGRES_URL") else { return };
    fill_postgres(&url, 3000);
    agrees("postgres", 3000, "2026-03-01");
    agrees("postgres", 3000, "2026-03-03");
}

#[test]
fn clickhouse_says_what_files_say() {
    let Some(url) = address("ITOG_CLICKHOUSE_URL") else { return };
    fill_clickhouse(&url, 3000);
    agrees("clickhouse", 3000, "2026-03-01");
    agrees("clickhouse", 3000, "2026-03-03");
}

#[test]
fn what_servers_refuse_is_said_with_its_reason() {
    for (source, name) in [("postgres", "ITOG_POSTGRES_URL"), ("clickhouse", "ITOG_CLICKHOUSE_URL")] {
        if address(name).is_none() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let code = |from: &str| {
            let mut config = config(folder.path(), &format!("source = \"{source}\"\n{from}"), "2026-03-01");
            let problems = warehouse::fill(&mut config, date(2026, 3, 9), &Before::default()).unwrap_err();
            (problems[0].code, problems[0].message.clone())
        };
        assert_eq!(code("table = \"no_such_table\"").0, "warehouse::query");
        let (found, message) = code(
            "query = \"SELECT grp, user_id, day, platform, sessions, bought, revenue AS revenu, age, far FROM itog_rows\"",
        );
        assert_eq!(found, "data::missing-column", "{message}");
        assert!(message.contains("revenue"), "{message}");
        assert_eq!(code("query = \"DROP TABLE itog_rows\"").0, "warehouse::query");
        assert_eq!(
            code("table = \"itog_rows\"\nurl_env = \"ITOG_NO_SUCH_VARIABLE\"").0,
            "warehouse::no-address"
        );
        let started = Instant::now();
        let slow = match source {
            "postgres" => "SELECT * FROM itog_rows WHERE pg_sleep(0.1) IS NOT NULL",
            _ => "SELECT * FROM itog_rows WHERE sleep(3) = 0",
        };
        assert_eq!(code(&format!("timeout = 1\nquery = \"{slow}\"")).0, "warehouse::timeout");
        assert!(started.elapsed().as_secs() < 20);
    }
}
