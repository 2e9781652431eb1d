//! The lines of the answer: sums by cell, and values with their counts.

use super::super::asked::{Asked, AskedMetric, Wish};
use super::differences::valued;
use super::units::{lacks_by_difference, splits_rows};
use super::{FEW, MOST_LINES, bit, facts, part, variables};

/// Sums by cell.
pub fn cells(asked: &Asked, differences: &str) -> String {
    let dialect = asked.dialect;
    let timed = asked.own.time.is_some();
    let sum = |value: &str| format!("sum({value})");
    let none = || "0".to_owned();
    let mut numbers = vec![
        "count(*)".to_owned(),
        sum("d_w"),
        sum("d_rows"),
        if splits_rows(asked) { "sum(d_all) - sum(d_rows)".to_owned() } else { sum("d_ung") },
        sum("d_all"),
        if timed { sum("d_undated") } else { none() },
        if asked.start.is_some() { sum("d_early") } else { none() },
        if asked.start.is_some() { sum(&bit("d_early > 0")) } else { none() },
        if timed { "min(d_first)".to_owned() } else { none() },
        if timed { "max(d_last)".to_owned() } else { none() },
    ];
    for (q, rule) in asked.rules.iter().enumerate() {
        numbers.extend([sum(&format!("d_r{q}")), sum(&format!("d_bq{q}"))]);
        match rule.number {
            None => numbers.extend(std::iter::repeat_with(none).take(5)),
            Some(_) => numbers.extend([
                sum(&format!("d_rn{q}")),
                sum(&format!("d_rs{q}")),
                sum(&format!("d_rq{q}")),
                format!("min(d_rl{q})"),
                format!("max(d_rh{q})"),
            ]),
        }
    }
    numbers.extend((0..asked.facts.len()).flat_map(|at| facts::numbers(asked, at)));
    for j in 0..asked.covariates.len() {
        numbers.extend([sum(&format!("d_ck{j}")), sum(&format!("d_c{j}")), sum(&format!("d_c{j} * d_c{j}"))]);
    }
    for (m, metric) in asked.metrics.iter().enumerate() {
        let (own, valued) = (format!("d_v{m}"), format!("count(d_v{m})"));
        let is = |value: &str| format!("count({})", dialect.only(&format!("{own} = {value}"), "1"));
        // Of the units of one group; of others nobody asks.
        let not_finite = format!("count(d_z{m}) - {valued}");
        let lacking = match lacks_by_difference(metric) {
            true => format!("sum(d_w) - count(d_z{m})"),
            false => sum(&format!("d_m{m}")),
        };
        numbers.extend([valued, lacking, not_finite]);
        numbers.extend([is("0"), is("1"), format!("min({own})"), format!("max({own})")]);
        let x = format!("d_x{m}_0");
        let square = match metric.is_whole() {
            true => format!("({x} * {x})"),
            false => dialect.square(&x),
        };
        numbers.extend([
            sum(&x),
            sum(&format!("{x} * {x}")),
            sum(&format!("{square} * {x}")),
            sum(&format!("{square} * {square}")),
        ]);
        let mut variables: Vec<String> = (0..metric.variables()).map(|i| format!("d_x{m}_{i}")).collect();
        variables.extend(metric.covariates.iter().map(|j| format!("(d_c{j} * d_ok{m})")));
        numbers.extend(variables.iter().skip(1).map(|variable| sum(variable)));
        for (j, first) in variables.iter().enumerate() {
            for (k, second) in variables.iter().enumerate().skip(j) {
                if (j, k) != (0, 0) {
                    numbers.push(sum(&format!("{first} * {second}")));
                }
            }
        }
    }
    numbers.extend((0..variables(asked)).map(|at| format!("max(k_{at})")));
    let day = if timed { "d_t" } else { "NULL" };
    let lacking = if asked.covariates.is_empty() { "0" } else { "d_lacking" };
    let part = part(asked, 0, "d_first");
    let mut fields = vec![
        format!("{} AS a_part", dialect.whole(&part)),
        format!("{} AS a_number", dialect.whole("d_class")),
        format!("{} AS a_group", dialect.maybe_text("d_g")),
        format!("{} AS a_day", dialect.whole(day)),
        format!("{} AS a_lacking", dialect.whole(lacking)),
    ];
    fields.extend(
        (0..asked.partitions.len()).map(|k| format!("{} AS a_p{k}", dialect.maybe_text(&format!("d_p{k}")))),
    );
    fields.push(format!("{} AS a_numbers", dialect.array(&numbers)));
    let mut by = vec!["d_class".to_owned(), "d_g".to_owned()];
    by.extend(timed.then(|| "d_t".to_owned()));
    by.extend(asked.span.map(|_| part));
    by.extend((!asked.covariates.is_empty()).then(|| "d_lacking".to_owned()));
    by.extend((0..asked.partitions.len()).map(|k| format!("d_p{k}")));
    // Units in two groups are one cell, whatever their groups are.
    let source = format!("({differences}) AS q_differences");
    format!("SELECT {}\nFROM {source}\nGROUP BY {}", fields.join(", "), by.join(", "))
}

/// Values with their counts.
pub fn table(asked: &Asked, number: usize, metric: &AskedMetric, units: &str) -> Option<String> {
    let dialect = asked.dialect;
    let condition = valued(asked, metric, number);
    let own;
    let units = match metric.table {
        Wish::No => return None,
        Wish::Yes => units,
        Wish::IfFew => {
            // Where the rows are read: further out an old ClickHouse would bring them together before it throws them away.
            own = super::units::units(&Asked { gate: Some(few(asked, metric)), ..asked.clone() });
            &own
        }
    };
    let x = format!("z_x{number}_0");
    let part = part(asked, 1, "z_first");
    let (by, most) = match asked.span {
        Some(_) => (format!("{part}, z_g, {x}"), 2 * MOST_LINES),
        None => (format!("z_g, {x}"), MOST_LINES),
    };
    let mut fields = vec![
        format!("{} AS a_part", dialect.whole(&part)),
        format!("{} AS a_number", dialect.whole(&number.to_string())),
        format!("{} AS a_group", dialect.maybe_text("z_g")),
        format!("{} AS a_day", dialect.whole("NULL")),
        format!("{} AS a_lacking", dialect.whole("0")),
    ];
    fields.extend((0..asked.partitions.len()).map(|k| format!("{} AS a_p{k}", dialect.maybe_text("NULL"))));
    fields.push(format!("{} AS a_numbers", dialect.array(&[x.clone(), "count(*)".to_owned()])));
    Some(format!(
        "SELECT * FROM (SELECT {} FROM ({units}) AS q_values WHERE {condition} GROUP BY {by} LIMIT {most}) AS q_table{number}",
        fields.join(", ")
    ))
}

/// Whether few rows take part in a metric.
fn few(asked: &Asked, metric: &AskedMetric) -> String {
    let few = |relation: &str, filter: &Option<String>| {
        let filter = filter.as_ref().map_or(String::new(), |filter| format!(" WHERE {filter}"));
        let rows = format!("SELECT 1 AS q_one FROM {relation}{filter} LIMIT {}", FEW + 1);
        format!("(SELECT count(*) FROM ({rows}) AS q_few) <= {FEW}")
    };
    let rows = few(&asked.table(metric.from).relation, &metric.filter);
    let units = metric.from.map(|_| few(&asked.own.relation, &None));
    rows + &units.map_or(String::new(), |units| format!(" AND {units}"))
}
