//! Numbers whose powers are too small or too large for a number: PostgreSQL refuses to multiply them, files do not.

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

use super::same::compare;
use super::server::{Server, Table, Type};

const METRICS: &str = r#"
[[metric]]
id = "spend"
from = "orders"
value = "amount"
test = "welch"
goal = "increase"
role = "primary"
[[metric]]
id = "adjusted"
from = "orders"
value = "amount"
covariates = ["score"]
test = "welch"
goal = "increase"
[[metric]]
id = "paying"
from = "orders"
value = "amount"
population = "matching"
test = "welch"
goal = "increase"
"#;

fn config(folder: &Path, source: &str, place: &dyn Fn(&str) -> String) -> Config {
    let text = format!(
        "[experiment]\nid = \"extremes\"\ntitle = \"E\"\n[design]\ncontrol = \"A\"\n[data]\n{source}{}\n\
         group = \"grp\"\nunit = \"user_id\"\n[[data.facts]]\nname = \"orders\"\n{}\nunit = \"client\"\n\
         [data.facts.columns.amount]\nmin = -1\n{METRICS}",
        place("itog_few"),
        place("itog_extremes"),
    );
    fs::write(folder.join("extremes.toml"), text).unwrap();
    config::load(&folder.join("extremes.toml"), &[]).unwrap_or_else(|problems| panic!("{problems:?}")).value
}

#[test]
fn numbers_of_any_size_are_those_of_files() {
    let night = date(2026, 3, 9);
    for server in Server::all() {
        for (extreme, large) in
            [("1e-90", false), ("1e-170", false), ("3e-300", false), ("1e80", true), ("1e120", true)]
        {
            eprintln!("{} {extreme}", server.source());
            let folder = tempfile::tempdir().unwrap();
            let (mut few, mut orders) = (Vec::new(), Vec::new());
            for user in 0..300 {
                let mut line = format!("{},{user},", ["A", "B"][user % 2]);
                let score = if user % 7 == 0 { "1e-170".to_owned() } else { (user % 11).to_string() };
                let _ = write!(line, "{score}");
                few.push(line);
                if user % 3 == 0 {
                    let amount = (user * 37 % 101).to_string();
                    orders.push(format!("{user},{}", if user == 99 { extreme } else { &amount }));
                }
            }
            let few = Table {
                name: "itog_few",
                columns: vec![("grp", Type::Text), ("user_id", Type::Int), ("score", Type::Real)],
                lines: few,
            };
            let orders = Table {
                name: "itog_extremes",
                columns: vec![("client", Type::Int), ("amount", Type::Real)],
                lines: orders,
            };
            for table in [&few, &orders] {
                table.write(folder.path());
                server.fill(table);
            }
            let files = config(folder.path(), "", &|name| format!("path = \"{name}.csv\""));
            let source = files.data.as_ref().unwrap();
            let rows = data::open(source, &files.metrics, &files.design, &files.segments, None, night);
            let rows = rows.unwrap_or_else(|problems| panic!("{problems:?}")).value;
            let from = format!("source = \"{}\"\n", server.source());
            let mut asked = config(folder.path(), &from, &|name| format!("table = \"{name}\""));
            warehouse::fill(&mut asked, night, &Before::default())
                .unwrap_or_else(|problems| panic!("{extreme}: {}", problems[0].message));
            let sums = Dataset::of_answer(asked.data.as_ref().unwrap(), &asked.design, night).unwrap();
            let of_rows = metrics::measure(&files, Some(&rows), &[]).unwrap();
            let of_sums = metrics::measure(&asked, Some(&sums), &[]).unwrap();
            assert_eq!((of_rows.len(), of_sums.len()), (3, 3));
            for (a, b) in of_rows.iter().zip(&of_sums) {
                // Beside such a number the adjusted mean of the control is nothing but rounding, and what is relative to it, too.
                if !(large && a.metric.id == "adjusted") {
                    compare(a, b);
                }
            }
        }
    }
}
