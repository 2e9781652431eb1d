//! Rows with everything that is computed row by row.

use super::super::asked::{Asked, AskedCovariate};
use super::{all, bit};

/// Rows with everything that is computed row by row.
pub fn rows(asked: &Asked, relation: &str) -> String {
    let dialect = asked.dialect;
    let mut fields = vec![format!("{} AS q_g", asked.group)];
    fields.extend(asked.unit.iter().map(|unit| format!("{unit} AS q_u")));
    let mut wanted = Vec::new();
    if let Some((column, kind)) = &asked.time {
        fields.push(format!("{} AS q_t", dialect.day(column, *kind)));
        // A comparison alone lets a server pass over parts that are sorted or partitioned by the column.
        let or_untimed = |comparison: String| match asked.may_be_untimed {
            true => format!("({column} IS NULL OR {comparison})"),
            false => comparison,
        };
        if let Ok(after) = asked.date.tomorrow() {
            wanted.push(or_untimed(format!("{column} < {}", dialect.midnight(after, *kind))));
        }
        if let Some(since) = asked.span.and_then(|span| span.since) {
            wanted.push(or_untimed(format!("{column} >= {}", dialect.midnight(since, *kind))));
        }
        if let Some(start) = asked.start {
            let early = format!("{column} < {}", dialect.midnight(start, *kind));
            fields.push(format!("{} AS q_e", bit(&early)));
        }
    }
    let excluding: Vec<String> =
        asked.rules.iter().filter(|rule| rule.excludes).map(|rule| rule.broken.clone()).collect();
    if !excluding.is_empty() {
        fields.push(format!("CASE WHEN {} THEN 0 ELSE 1 END AS q_w", excluding.join(" OR ")));
    }
    for (m, metric) in asked.metrics.iter().enumerate() {
        fields.extend(metric.filter.iter().map(|filter| format!("{} AS q_f{m}", bit(filter))));
        fields.extend(metric.values.iter().enumerate().map(|(i, value)| format!("{value} AS q_v{m}_{i}")));
    }
    for (j, covariate) in asked.covariates.iter().enumerate() {
        if let AskedCovariate::Column { sql, .. } = covariate {
            fields.push(format!("{sql} AS q_c{j}"));
        }
    }
    fields.extend(asked.partitions.iter().enumerate().map(|(k, (_, sql))| format!("{sql} AS q_p{k}")));
    for (q, rule) in asked.rules.iter().enumerate() {
        fields.push(format!("{} AS q_r{q}", bit(&format!("{} IS NOT NULL", rule.value))));
        fields.push(format!("{} AS q_b{q}", bit(&rule.broken)));
        fields.extend(rule.number.iter().map(|number| format!("{number} AS q_n{q}")));
    }
    let condition = if wanted.is_empty() { String::new() } else { format!(" WHERE {}", all(&wanted)) };
    format!("SELECT {} FROM {relation}{condition}", fields.join(", "))
}
