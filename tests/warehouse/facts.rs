//! Exposures in one table, what units did in others: from files and from servers the same.

use std::fs;
use std::path::Path;

use itog::config;
use itog::config::valid::Config;
use itog::data::{self, Dataset};
use itog::metrics;
use itog::sums::Before;
use itog::validation::{course, segments};
use itog::warehouse;
use jiff::civil::date;

use super::same::{compare, same};
use super::server::{Server, Table, Type};

const METRICS: &str = r#"
[[segment]]
id = "platform"
by = "platform"
[[metric]]
id = "arpu"
from = "orders"
value = "amount"
goal = "increase"
role = "primary"
[[metric]]
id = "arppu"
from = "orders"
value = "amount"
where = "status = 'paid'"
population = "matching"
goal = "increase"
[[metric]]
id = "conversion"
kind = "proportion"
from = "orders"
value = "status = 'paid'"
goal = "increase"
[[metric]]
id = "cuped"
from = "orders"
value = "amount"
cuped = true
covariates = ["age"]
test = "welch"
goal = "increase"
[[metric]]
id = "strata"
from = "orders"
value = "items"
strata = "platform"
goal = "increase"
[[metric]]
id = "orders"
from = "orders"
value = "amount"
aggregate = "count"
goal = "increase"
[[metric]]
id = "check"
kind = "ratio"
from = "orders"
numerator = "amount"
denominator = "items"
goal = "increase"
[[metric]]
id = "largest"
from = "orders"
value = "amount"
aggregate = "max"
test = "welch"
goal = "increase"
[[metric]]
id = "mean_before"
from = "orders"
value = "amount"
aggregate = "mean"
cuped = true
test = "welch"
goal = "increase"
[[metric]]
id = "median"
kind = "quantile"
q = 0.5
from = "orders"
value = "items"
goal = "increase"
[[metric]]
id = "row"
from = "orders"
value = "amount"
aggregate = "rows"
goal = "increase"
[[metric]]
id = "ranks"
from = "events"
value = "weight"
test = "mann-whitney"
goal = "increase"
[[metric]]
id = "own"
value = "age"
goal = "increase"
[[funnel]]
id = "way"
from = "events"
goal = "increase"
[[funnel.step]]
id = "see"
where = "kind = 'view'"
[[funnel.step]]
id = "cart"
where = "kind = 'cart'"
[[funnel.step]]
id = "buy"
where = "kind = 'buy' AND weight > 1"
[[funnel]]
id = "any"
from = "events"
ordered = false
goal = "increase"
[[funnel.step]]
id = "seen"
where = "kind = 'view'"
[[funnel.step]]
id = "bought"
where = "kind = 'buy'"
"#;

/// How the times of the tables are written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Times {
    /// Time stamps everywhere.
    Stamps,
    /// Time stamps at midnight in the exposures, which are dates then.
    Midnights,
    /// Dates of exposures, time stamps of facts.
    Dates,
    /// No time of exposures: facts are compared with the start.
    None,
}

struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % below
    }
}

/// Users who come on several days, some of them twice, some in two groups, some left out by a rule; orders from before and
/// after, of strangers, of nobody, without a time, with a broken amount; events by users whose ids are texts.
fn tables(users: u64, times: Times) -> [Table; 3] {
    let mut chance = Chance(7 + users);
    let mut next = |below: u64| chance.next(below);
    let stamp = |day: u64, second: u64| match times {
        Times::Midnights => format!("2026-03-{day:02} 00:00:00"),
        Times::Dates => format!("2026-03-{day:02}"),
        _ => format!("2026-03-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60),
    };
    let of_facts = |day: u64, second: u64| {
        format!("2026-03-{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    };
    let (mut seen, mut orders, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for user in 0..users {
        let group = ["A", "B", "C"][(user % 3) as usize];
        let platform = ["ios", "web", ""][next(3) as usize];
        let age = if next(10) == 0 { String::new() } else { (12 + next(50)).to_string() };
        let day = 3 + next(5);
        for visit in 0..=next(2) {
            let group = if user % 400 == 7 && visit == 1 { "A" } else { group };
            let group = if user % 333 == 5 { "" } else { group };
            let time = if user % 250 == 3 { String::new() } else { stamp(day + visit, next(86_400)) };
            seen.push(format!("{group},{user},{time},{platform},{age}"));
        }
        if user % 20 == 19 {
            continue;
        }
        for _ in 0..next(4) {
            let amount =
                if next(50) == 0 { String::new() } else { format!("{}.{:02}", next(900), next(100)) };
            let amount = if next(80) == 0 { "-5".to_owned() } else { amount };
            let status = if next(3) == 0 { "new" } else { "paid" };
            let of = if next(60) == 0 { String::new() } else { of_facts(1 + next(9), next(86_400)) };
            orders.push(format!("{user},{of},{amount},{},{status}", 1 + next(4)));
        }
        for _ in 0..next(6) {
            let kind = ["view", "view", "cart", "buy"][next(4) as usize];
            let of = if next(70) == 0 { String::new() } else { of_facts(2 + next(8), next(86_400)) };
            events.push(format!("{user},{of},{kind},{}", next(5)));
        }
    }
    for stranger in 0..users / 10 {
        orders.push(format!("{},{},10,1,paid", 1_000_000 + stranger % 7, of_facts(4, stranger)));
        orders.push(format!(",{},10,1,paid", of_facts(4, stranger)));
        events.push(format!("x{},{},view,1", stranger % 5, of_facts(5, stranger)));
    }
    seen.push(format!("A,,{},ios,30", stamp(4, 0)));
    let time = if matches!(times, Times::Dates) { Type::Date } else { Type::Stamp };
    [
        Table {
            name: "itog_seen",
            columns: vec![
                ("grp", Type::Text),
                ("user_id", Type::Int),
                ("seen_at", time),
                ("platform", Type::Text),
                ("age", Type::Int),
            ],
            lines: seen,
        },
        Table {
            name: "itog_orders",
            columns: vec![
                ("client", Type::Int),
                ("at", Type::Stamp),
                ("amount", Type::Real),
                ("items", Type::Int),
                ("status", Type::Text),
            ],
            lines: orders,
        },
        Table {
            name: "itog_events",
            columns: vec![
                ("visitor", Type::Text),
                ("at", Type::Stamp),
                ("kind", Type::Text),
                ("weight", Type::Int),
            ],
            lines: events,
        },
    ]
}

fn config(folder: &Path, server: Option<&Server>, times: Times) -> Config {
    let place = |name: &str| match server {
        None => format!("path = \"{name}.csv\""),
        Some(_) => format!("table = \"{name}\""),
    };
    let source = server.map_or(String::new(), |server| format!("source = \"{}\"\n", server.source()));
    let time = if times == Times::None { "" } else { "time = \"seen_at\"\n" };
    let broken = if server.is_none() { "malformed = \"report\"\n" } else { "" };
    let text = format!(
        "[experiment]\nid = \"facts\"\ntitle = \"F\"\nstart = 2026-03-04\n[design]\ncontrol = \"A\"\ncomparisons = \"all\"\n\
         replicates = 1000\n[data]\n{source}{}\n{broken}group = \"grp\"\nunit = \"user_id\"\n{time}\
         [data.columns.age]\nmin = 14\ninvalid = \"exclude\"\n\
         [[data.facts]]\nname = \"orders\"\n{}\nunit = \"client\"\ntime = \"at\"\n{broken}\
         [data.facts.columns.amount]\nmin = 0\ninvalid = \"exclude\"\n\
         [data.facts.columns.items]\nmax = 3\n\
         [[data.facts]]\nname = \"events\"\n{}\nunit = \"visitor\"\ntime = \"at\"\n{broken}{METRICS}",
        place("itog_seen"),
        place("itog_orders"),
        place("itog_events"),
    );
    let path = folder.join("facts.toml");
    fs::write(&path, text).unwrap();
    config::load(&path, &[])
        .unwrap_or_else(|problems| panic!("{:?}", problems.iter().map(|p| &p.message).collect::<Vec<_>>()))
        .value
}

fn agrees(server: &Server, times: Times) {
    let folder = tempfile::tempdir().unwrap();
    for table in tables(2400, times) {
        table.write(folder.path());
        server.fill(&table);
    }
    let files = config(folder.path(), None, times);
    let night = date(2026, 3, 9);
    let source = files.data.as_ref().unwrap();
    let opened =
        data::open(source, &files.metrics, &files.design, &files.segments, files.experiment.start, night);
    let rows = opened.unwrap_or_else(|problems| panic!("{problems:?}")).value;
    let mut asked = config(folder.path(), Some(server), times);
    warehouse::fill(&mut asked, night, &Before::default()).unwrap_or_else(|problems| {
        let said: Vec<String> = problems.iter().map(|p| format!("{}: {}", p.code, p.message)).collect();
        panic!("{}", said.join("\n"))
    });
    let sums = Dataset::of_answer(asked.data.as_ref().unwrap(), &asked.design, night).unwrap();
    assert_eq!(rows.groups, sums.groups);
    assert_eq!((rows.contamination, rows.reading.rows), (sums.contamination, sums.reading.rows));
    assert_eq!(rows.daily, sums.daily);
    assert_eq!(rows.segment_sizes("platform").unwrap(), sums.segment_sizes("platform").unwrap());
    for (a, b) in rows.facts.iter().zip(&sums.facts) {
        // Rows from after the date of the data are not read there, so nobody counts them.
        let counted = itog::data::LeftOut { after_date: 0, ..a.left_out.clone() };
        assert_eq!((&a.name, counted), (&b.name, b.left_out.clone()));
        assert_eq!((a.rows_used, a.units_with_rows), (b.rows_used, b.units_with_rows), "{}", a.name);
        assert_eq!(
            a.time.map(|t| (t.first.date(), t.last.date(), t.missing)),
            b.time.map(|t| (t.first.date(), t.last.date(), t.missing))
        );
        for described in &b.overview {
            let own = a.overview.iter().find(|own| own.name == described.name).unwrap();
            assert_eq!(
                (own.count, own.missing, own.invalid),
                (described.count, described.missing, described.invalid)
            );
            same("overview", own.mean, described.mean);
            same("overview", own.max, described.max);
        }
    }
    let codes = |data: &Dataset| {
        let gates = data.gates.iter().filter(|gate| gate.reason.code() != "rows-after-date");
        gates.map(|gate| (gate.facts.clone(), gate.reason.clone())).collect::<Vec<_>>()
    };
    assert_eq!(codes(&rows), codes(&sums));
    let of_rows = metrics::measure(&files, Some(&rows), &[]).unwrap();
    let of_sums = metrics::measure(&asked, Some(&sums), &[]).unwrap();
    assert_eq!((of_rows.len(), of_sums.len()), (18, 18));
    of_rows.iter().zip(&of_sums).for_each(|(a, b)| compare(a, b));
    let (a, b) =
        (course::run(&files, &rows, &of_rows).unwrap(), course::run(&asked, &sums, &of_sums).unwrap());
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().flat_map(|a| &a.days).zip(b.iter().flat_map(|b| &b.days)) {
        same("course", Some(a.estimate), Some(b.estimate));
        same("course", Some(a.se), Some(b.se));
    }
    let (a, b) =
        (segments::run(&files, &rows, &of_rows).unwrap(), segments::run(&asked, &sums, &of_sums).unwrap());
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).for_each(|(a, b)| same("segments", a.found.total, b.found.total));
}

#[test]
fn facts_are_brought_to_exposures_as_from_files() {
    for server in Server::all() {
        for times in [Times::Stamps, Times::Midnights, Times::Dates, Times::None] {
            eprintln!("{} {times:?}", server.source());
            agrees(&server, times);
        }
    }
}
