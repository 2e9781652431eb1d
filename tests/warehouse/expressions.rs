//! The same expressions over rows of files and on servers: what is translated means the same.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use itog::config;
use itog::config::valid::Config;
use itog::data::{self, Dataset};
use itog::metrics;
use itog::sums::Before;
use itog::warehouse;
use jiff::civil::date;

use super::same::same;
use super::server::{Server, Table, Type};

/// Every expression that both sides take. `n` and `k` are whole numbers, `x` and `y` are not, `k` and `y` may be zero, all may be
/// missing; `s` is a text, `d` a date, `t` a time stamp.
const EXPRESSIONS: [&str; 77] = [
    "n % 7",
    "n % -7",
    "-n % 7",
    "n % k",
    "x % 2.5",
    "x % y",
    "MOD(n, 5)",
    "n // 4",
    "-n // 4",
    "n // k",
    "x // 0.7",
    "DIV(n, 3)",
    "n / k",
    "x / y",
    "n / 3",
    "ROUND(x)",
    "ROUND(-x)",
    "ROUND(n / 2.0)",
    "ROUND(x, 1)",
    "ROUND(x / 4.0, 2)",
    "TRUNC(x)",
    "TRUNC(-x)",
    "FLOOR(-x)",
    "CEIL(x)",
    "ABS(-x - 1)",
    "SIGN(x - 5)",
    "LN(x + 1)",
    "LN(k)",
    "LN(x - 5)",
    "LOG10(x + 1)",
    "LOG2(x + 1)",
    "LOG(x + 1, 3)",
    "EXP(x / 10)",
    "EXP(-n * 800)",
    "EXP((n - 8) * 800)",
    "SQRT(x)",
    "SQRT(x - 5)",
    "POWER(x, 2)",
    "POWER(x + 1, 0.5)",
    "POWER(x - 5, 0.5)",
    "POW(x + 1, -2)",
    "POWER(n, 2)",
    "COALESCE(x, y, 0)",
    "IFNULL(x, -1)",
    "NULLIF(k, 0)",
    "n / NULLIF(k, 0)",
    "GREATEST(n, k)",
    "LEAST(x, y, 3.5)",
    "IF(x > 3, n, k)",
    "CASE WHEN x > 3 THEN n WHEN k = 0 THEN 1 ELSE x END",
    "CASE s WHEN 'Иван' THEN 1 WHEN 'a_b' THEN 2 END",
    "CASE k WHEN 0 THEN 5 WHEN 1 THEN 6 ELSE k END",
    "CAST(x AS INTEGER)",
    "CAST(-x AS BIGINT)",
    "CAST(n AS DOUBLE) / 4",
    "x::INTEGER",
    "n BETWEEN 3 AND 7",
    "n NOT BETWEEN 3 AND 7",
    "k IN (0, 2, 3)",
    "s IN ('Иван', 'b')",
    "s NOT IN ('Иван', 'b')",
    "s LIKE '%ва%'",
    "s LIKE 'a\\_b'",
    "s NOT LIKE 'a_b'",
    "s ILIKE 'ИВАН%'",
    "LENGTH(s)",
    "OCTET_LENGTH(s)",
    "LOWER(s) = 'иван'",
    "UPPER(LEFT(s, 2)) = 'ИВ'",
    "SUBSTR(s, 2, 2) = 'ва'",
    "STARTS_WITH(s, 'a_') OR ENDS_WITH(s, 'н')",
    "LENGTH(REPLACE(s, 'b', 'xyz'))",
    "s || '!' = 'b!'",
    "LENGTH(CONCAT(s, '-', s))",
    "LENGTH(TRIM(s))",
    "d >= '2026-03-03' AND t < '2026-03-05 12:30:00'",
    "CAST(t AS DATE) = '2026-03-04'",
];

/// Parts of dates and times of day.
const PARTS: [&str; 13] = [
    "EXTRACT(year FROM d)",
    "EXTRACT(quarter FROM d)",
    "EXTRACT(month FROM d)",
    "EXTRACT(week FROM d)",
    "EXTRACT(isoyear FROM d)",
    "EXTRACT(day FROM t)",
    "EXTRACT(doy FROM d)",
    "EXTRACT(dow FROM d)",
    "EXTRACT(isodow FROM t)",
    "EXTRACT(hour FROM t)",
    "EXTRACT(minute FROM t)",
    "EXTRACT(second FROM t)",
    "DATE_PART('hour', t) >= 12",
];

fn table() -> Table {
    let mut lines = Vec::new();
    let mut state = 11_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    for row in 0..400_u64 {
        let group = if row % 2 == 0 { "A" } else { "B" };
        let maybe = |text: String, miss: bool| if miss { String::new() } else { text };
        let n = maybe(next(12).to_string(), next(15) == 0);
        let k = maybe(next(4).to_string(), next(15) == 0);
        // Quarters, so that halves are there to be rounded.
        let x = maybe(format!("{}", next(40) as f64 / 4.0 + 0.25), next(15) == 0);
        let y = maybe(format!("{}.5", next(3)).replace("0.5", "0"), next(15) == 0);
        let s = maybe(["Иван", "a_b", "axb", "b", "Иванов"][next(5) as usize].to_owned(), next(15) == 0);
        let d = maybe(
            format!("{}", date(2025, 12, 27).checked_add(jiff::Span::new().days(next(80) as i64)).unwrap()),
            next(15) == 0,
        );
        let t = maybe(
            format!("2026-03-0{} {:02}:{:02}:{:02}", 1 + next(8), next(24), next(60), next(60)),
            next(15) == 0,
        );
        lines.push(format!("{group},{n},{k},{x},{y},{s},{d},{t}"));
    }
    Table {
        name: "itog_expressions",
        columns: vec![
            ("grp", Type::Text),
            ("n", Type::Int),
            ("k", Type::Int),
            ("x", Type::Real),
            ("y", Type::Real),
            ("s", Type::Text),
            ("d", Type::Date),
            ("t", Type::Stamp),
        ],
        lines,
    }
}

fn config(folder: &Path, server: Option<&Server>, expressions: &[&str]) -> Config {
    let place = match server {
        None => "path = \"itog_expressions.csv\"".to_owned(),
        Some(server) => format!("source = \"{}\"\ntable = \"itog_expressions\"", server.source()),
    };
    let mut text = format!(
        "[experiment]\nid = \"expressions\"\ntitle = \"E\"\n[design]\ncontrol = \"A\"\n[data]\n{place}\ngroup = \"grp\"\n"
    );
    for (number, expression) in expressions.iter().enumerate() {
        let role = if number == 0 { "role = \"primary\"\n" } else { "" };
        write!(text, "[[metric]]\nid = \"m{number}\"\nvalue = '''{expression}'''\ngoal = \"increase\"\ntest = \"welch\"\n{role}").unwrap();
    }
    let path = folder.join("expressions.toml");
    fs::write(&path, text).unwrap();
    config::load(&path, &[]).unwrap_or_else(|problems| panic!("{problems:?}")).value
}

#[test]
fn expressions_mean_the_same_on_servers() {
    let folder = tempfile::tempdir().unwrap();
    let table = table();
    table.write(folder.path());
    let all: Vec<&str> = EXPRESSIONS.iter().chain(&PARTS).copied().collect();
    for server in Server::all() {
        server.fill(&table);
        let night = date(2026, 6, 1);
        let mut wrong = Vec::new();
        // ClickHouse of 2018 takes minutes for a query of a hundred metrics.
        for expressions in all.chunks(15) {
            let files = config(folder.path(), None, expressions);
            let source = files.data.as_ref().unwrap();
            let opened = data::open(source, &files.metrics, &files.design, &[], None, night);
            let rows = opened.unwrap_or_else(|problems| panic!("{problems:?}")).value;
            let mut asked = config(folder.path(), Some(&server), expressions);
            warehouse::fill(&mut asked, night, &Before::default()).unwrap_or_else(|problems| {
                let said: Vec<String> =
                    problems.iter().map(|p| format!("{}: {}", p.code, p.message)).collect();
                panic!("{}", said.join("\n"))
            });
            let sums = Dataset::of_answer(asked.data.as_ref().unwrap(), &asked.design, night).unwrap();
            let of_rows = metrics::measure(&files, Some(&rows), &[]).unwrap();
            let of_sums = metrics::measure(&asked, Some(&sums), &[]).unwrap();
            for ((a, b), expression) in of_rows.iter().zip(&of_sums).zip(expressions) {
                let of = |outcome: &metrics::outcome::MetricOutcome| {
                    outcome.groups.iter().map(|g| (g.n, g.missing, g.mean, g.sd, g.max)).collect::<Vec<_>>()
                };
                let (a, b) = (of(a), of(b));
                let close = |x: Option<f64>, y: Option<f64>| match (x, y) {
                    (Some(x), Some(y)) => (x - y).abs() <= 1e-9 * x.abs().max(1e-3),
                    (x, y) => x == y,
                };
                let agree = a.len() == b.len()
                    && a.iter().zip(&b).all(|(a, b)| {
                        (a.0, a.1) == (b.0, b.1) && close(a.2, b.2) && close(a.3, b.3) && close(a.4, b.4)
                    });
                if !agree {
                    wrong.push(format!("{expression}\n  rows   {a:?}\n  server {b:?}"));
                }
                assert!(a.iter().any(|group| group.0 > 5), "{expression} is defined nowhere: {a:?}");
            }
            same("rows", Some(rows.reading.rows as f64), Some(sums.reading.rows as f64));
        }
        assert!(wrong.is_empty(), "{}:\n{}", server.source(), wrong.join("\n"));
    }
}
