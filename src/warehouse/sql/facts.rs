//! Facts brought to the units that were exposed: rows from before a unit's first exposure are told from the others, and what is
//! left out is counted by its reason.

use super::super::asked::Asked;
use super::fields::Fields;
use super::rows::{rows_of_facts, timed};
use super::units::{Taking, added_up, keys};
use super::{all, bit, days};

/// Numbers of a table of facts in a cell: rows, units with rows; rows without a time, early rows and units with them, invalid
/// rows, rows that are used and units with them, all of units that take part; rows and units that take no part; rows without
/// a time at all, first and last day.
pub const OF_FACTS: usize = 13;

/// What is counted of a unit's rows: names of columns behind a prefix.
const COUNTED: [&str; 7] = ["all", "late", "early", "bad", "undated", "first", "last"];

/// The counts of one table of facts under another prefix.
pub fn passed_on(asked: &Asked, at: usize, from: &str, to: &str) -> Vec<String> {
    let timed = asked.facts[at].1.time.is_some();
    let of = |name: &&&str| timed || !matches!(**name, "undated" | "first" | "last");
    COUNTED.iter().filter(of).map(|name| format!("{from}{at}_{name} AS {to}{at}_{name}")).collect()
}

/// The units of `[data]` with what the rows of all facts add up to; units that were never exposed stand beside them.
/// `known` are the columns of the exposed units.
pub fn brought_together(asked: &Asked, known: Fields, exposed: &str) -> String {
    let mut units = exposed.to_owned();
    let keyed: Vec<String> = (0..asked.own.unit.len()).map(|at| format!("j_{at}")).collect();
    let mut names: Vec<String> = known.names().map(str::to_owned).collect();
    for at in 0..asked.facts.len() {
        let (own, facts) = units_of_facts(asked, at, exposed);
        names.extend(own.names().filter(|name| !keyed.iter().any(|key| key == name)).map(str::to_owned));
        let join = asked.dialect.join(true);
        // Every column is named: an old ClickHouse loses its way where some are not asked for.
        units = format!(
            "SELECT {} FROM ({facts}) AS q_facts{at} {join} ({units}) AS q_known{at} USING ({})",
            names.join(", "),
            keyed.join(", ")
        );
    }
    units
}

/// Units by what their rows of one table of facts add up to.
fn units_of_facts(asked: &Asked, at: usize, exposed: &str) -> (Fields, String) {
    let table = &asked.facts[at].1;
    let (by, rows) = (keys(asked, "q_k"), rows_of_facts(asked, at, &table.relation));
    let rows = if asked.compares(at) { dated(asked, at, &rows, exposed) } else { rows };
    let excluding = asked.rules_of(Some(at)).any(|(_, rule)| rule.excludes);
    let with = |first: &str| {
        let sound = excluding.then(|| "q_w = 1".to_owned());
        std::iter::once(first.to_owned()).chain(sound).collect::<Vec<_>>()
    };
    let taking = Taking {
        dialect: asked.dialect,
        live: with("q_e = 0"),
        before: Some(with("q_e = 1")),
        grouped: true,
    };
    let mut fields = Fields::default();
    (0..asked.own.unit.len()).for_each(|key| fields.add(format!("q_k{key}"), format!("j_{key}")));
    let mut count = |sql: String, name: &str| fields.add(sql, format!("v{at}_{name}"));
    let sum = |condition: &str| format!("sum({})", bit(condition));
    count("count(*)".to_owned(), "all");
    count(sum("q_e = 2"), "late");
    count(sum("q_e = 1"), "early");
    count(if excluding { sum("q_e = 0 AND q_w = 0") } else { "0".to_owned() }, "bad");
    if table.time.is_some() {
        count(sum("q_t IS NULL"), "undated");
        count("min(q_t)".to_owned(), "first");
        count("max(q_t)".to_owned(), "last");
    }
    fields.append(added_up(asked, Some(at), &taking));
    let apart = asked.dialect.kept_apart();
    let told = format!("(SELECT *, {} AS q_e FROM ({rows}) AS q_joined{apart}) AS q_told", moment(asked, at));
    let units = fields.from(&format!("{told} GROUP BY {by}"));
    (fields, units)
}

/// The rows of facts with the first exposure of their unit.
fn dated(asked: &Asked, at: usize, rows: &str, exposed: &str) -> String {
    let key: Vec<String> = (0..asked.own.unit.len()).map(|at| format!("j_{at} AS q_k{at}")).collect();
    let key = key.join(", ");
    let first = format!("SELECT {key}, u_ts AS e_ts, u_t AS e_t FROM ({exposed}) AS q_exposed{at}");
    let (join, by) = (asked.dialect.join(false), keys(asked, "q_k"));
    format!("SELECT * FROM ({rows}) AS q_rows{at} {join} ({first}) AS q_since{at} USING ({by})")
}

/// When a row was, seen from its unit's exposure: 0 since, 1 before, 2 nobody knows.
fn moment(asked: &Asked, at: usize) -> String {
    let table = &asked.facts[at].1;
    let start = asked.since.map(|start| days(start).to_string());
    let since = match (asked.compares(at), &start) {
        (true, Some(start)) => format!("coalesce(e_t, {start})"),
        (true, None) => "e_t".to_owned(),
        (false, Some(start)) if table.time.is_some() => start.clone(),
        _ => return "0".to_owned(),
    };
    let by_day = format!("q_t < {since}");
    let both = timed(asked, &asked.own).zip(timed(asked, table)).filter(|_| asked.compares(at));
    let before = match both {
        None => by_day,
        Some((own, facts)) => {
            format!(
                "CASE WHEN e_ts IS NOT NULL AND {own} = 1 AND {facts} = 1 THEN {} ELSE {} END = 1",
                bit("q_ts < e_ts"),
                bit(&by_day)
            )
        }
    };
    format!("CASE WHEN q_t IS NULL THEN 2 WHEN {before} THEN 1 ELSE 0 END")
}

/// The numbers of a table of facts in a cell, in the order of [`OF_FACTS`].
pub fn numbers(asked: &Asked, at: usize) -> Vec<String> {
    let of = |name: &str| format!("d{at}_{name}");
    let sum = |value: &str| format!("sum({value})");
    let (rows, late, early, bad) = (of("all"), of("late"), of("early"), of("bad"));
    let used = format!("({rows} - {late} - {early} - {bad})");
    let taking = |value: &str| format!("CASE WHEN d_w = 1 THEN {value} END");
    let out = |value: &str| format!("CASE WHEN d_w = 0 THEN {value} END");
    let some = |value: &str| bit(&format!("{value} > 0"));
    let mut numbers = vec![
        sum(&rows),
        sum(&some(&rows)),
        sum(&taking(&late)),
        sum(&taking(&early)),
        sum(&taking(&some(&early))),
        sum(&taking(&bad)),
        sum(&taking(&used)),
        sum(&taking(&some(&used))),
        sum(&out(&rows)),
        sum(&out(&some(&rows))),
    ];
    match asked.facts[at].1.time {
        None => numbers.extend(["0".to_owned(), "0".to_owned(), "0".to_owned()]),
        Some(_) => numbers.extend([
            sum(&of("undated")),
            format!("min({})", of("first")),
            format!("max({})", of("last")),
        ]),
    }
    numbers
}

/// Means of the values of some rows of facts by unit, as if all of them were since the exposure.
pub fn sampled(asked: &Asked, at: usize, rows: usize, fields: &[String]) -> String {
    let relation = format!("(SELECT * FROM {} LIMIT {rows}) AS q_first{at}", asked.facts[at].1.relation);
    let rows = rows_of_facts(asked, at, &relation);
    let taking = Taking { dialect: asked.dialect, live: vec![all(&[])], before: None, grouped: true };
    let units = added_up(asked, Some(at), &taking)
        .from(&format!("({rows}) AS q_done GROUP BY {}", keys(asked, "q_k")));
    format!("SELECT {} FROM ({units}) AS q_sample{at}", fields.join(", "))
}
