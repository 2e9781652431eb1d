//! Rows with everything that is computed row by row.

use super::super::asked::{Asked, AskedCovariate, AskedTable, Span};
use super::super::dialect::Kind;
use super::{all, bit};

/// The rows of `[data]`.
pub fn rows(asked: &Asked, relation: &str) -> String {
    let dialect = asked.dialect;
    let mut fields = vec![format!("{} AS q_g", asked.group)];
    fields.extend(keyed(&asked.own));
    if let Some((column, kind)) = &asked.own.time {
        fields.push(format!("{} AS q_t", dialect.day(column, *kind)));
        if let Some(start) = asked.start {
            let early = format!("{column} < {}", dialect.midnight(start, *kind));
            fields.push(format!("{} AS q_e", bit(&early)));
        }
        if asked.facts.iter().any(|(_, facts)| facts.time.is_some()) {
            fields.push(format!("{column} AS q_ts"));
        }
    }
    fields.extend(measured(asked, None));
    for (j, covariate) in asked.covariates.iter().enumerate() {
        if let AskedCovariate::Column { sql, .. } = covariate {
            fields.push(format!("{sql} AS q_c{j}"));
        }
    }
    fields.extend(asked.partitions.iter().enumerate().map(|(k, (_, sql))| format!("{sql} AS q_p{k}")));
    let days = wanted(asked, of_days(asked, &asked.own, asked.span));
    format!("SELECT {} FROM {relation}{days}{}", fields.join(", "), dialect.kept_apart())
}

/// The rows of facts.
pub fn rows_of_facts(asked: &Asked, at: usize, relation: &str) -> String {
    let table = &asked.facts[at].1;
    let mut fields = keyed(table);
    if let Some((column, kind)) = &table.time {
        fields.push(format!("{} AS q_t, {column} AS q_ts", asked.dialect.day(column, *kind)));
    }
    fields.extend(measured(asked, Some(at)));
    let days = wanted(asked, of_days(asked, table, None));
    format!("SELECT {} FROM {relation}{days}{}", fields.join(", "), asked.dialect.kept_apart())
}

/// The unit of a row.
fn keyed(table: &AskedTable) -> Vec<String> {
    table.unit.iter().enumerate().map(|(at, unit)| format!("{unit} AS q_k{at}")).collect()
}

/// Which rows are read: those up to the date of the data, of a night that adds to others its days only, and rows without a time.
fn of_days(asked: &Asked, table: &AskedTable, span: Option<Span>) -> Vec<String> {
    let Some((column, kind)) = &table.time else { return Vec::new() };
    // A comparison alone lets a server pass over parts that are sorted or partitioned by the column.
    let or_untimed = |comparison: String| match table.may_be_untimed {
        true => format!("({column} IS NULL OR {comparison})"),
        false => comparison,
    };
    let midnight = |day| asked.dialect.midnight(day, *kind);
    let after = asked.date.tomorrow().ok().map(|after| format!("{column} < {}", midnight(after)));
    let since = span.and_then(|span| span.since).map(|since| format!("{column} >= {}", midnight(since)));
    after.into_iter().chain(since).map(or_untimed).collect()
}

fn wanted(asked: &Asked, conditions: Vec<String>) -> String {
    let conditions: Vec<String> = asked.gate.iter().cloned().chain(conditions).collect();
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", all(&conditions)) }
}

/// What metrics, steps and rules see in a row.
fn measured(asked: &Asked, from: Option<usize>) -> Vec<String> {
    let mut fields = Vec::new();
    let excluding: Vec<String> =
        asked.rules_of(from).filter(|(_, rule)| rule.excludes).map(|(_, rule)| rule.broken.clone()).collect();
    if !excluding.is_empty() {
        fields.push(format!("CASE WHEN {} THEN 0 ELSE 1 END AS q_w", excluding.join(" OR ")));
    }
    for (m, metric) in asked.metrics_of(from) {
        fields.extend(metric.filter.iter().map(|filter| format!("{} AS q_f{m}", bit(filter))));
        fields.extend(metric.values.iter().enumerate().map(|(i, value)| format!("{value} AS q_v{m}_{i}")));
    }
    for (f, funnel) in asked.funnels_of(from) {
        fields
            .extend(funnel.steps.iter().enumerate().map(|(i, step)| format!("{} AS q_h{f}_{i}", bit(step))));
        if let (true, Some(moment)) = (funnel.ordered, &asked.table(from).moment) {
            fields.push(format!("{moment} AS q_m{f}"));
        }
    }
    for (q, rule) in asked.rules_of(from) {
        fields.push(format!("{} AS q_r{q}", bit(&format!("{} IS NOT NULL", rule.value))));
        fields.push(format!("{} AS q_b{q}", bit(&rule.broken)));
        fields.extend(rule.number.iter().map(|number| format!("{number} AS q_n{q}")));
    }
    fields
}

/// 1 where some row of a table names a time of day: without one its times are dates. None where its column holds dates.
pub fn timed(asked: &Asked, table: &AskedTable) -> Option<String> {
    let (column, kind) = table.time.as_ref()?;
    if *kind == Kind::Date {
        return None;
    }
    let mut conditions = of_days(asked, table, None);
    conditions.push(asked.dialect.is_timed(column));
    let found = format!("SELECT 1 AS q_one FROM {}{} LIMIT 1", table.relation, wanted(asked, conditions));
    Some(format!("(SELECT count(*) FROM ({found}) AS q_timed)"))
}
