//! SQL expressions over columns: parsed by polars, checked by us so that a report never fails on a misspelt name.

use std::collections::BTreeSet;
use std::sync::Arc;

use polars::prelude::*;
use polars::sql::sql_expr;

use super::condition::Condition;
use super::dates;
use super::failure::sentence;
use super::names;
use super::parquet::column;
use crate::diag::Diagnostic;

/// A parsed expression with the columns it reads.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub expr: Expr,
    pub columns: BTreeSet<String>,
}

/// Parses an expression against the columns that exist. A text that is exactly the name of a column is that column, so
/// names with spaces need no quotes there.
///
/// # Errors
/// Text that is no SQL expression, columns that do not exist, expressions that are not computed row by row.
pub(crate) fn parse(sql: &str, used_by: &str, columns: &[String]) -> Result<Expression, Vec<Diagnostic>> {
    let trimmed = sql.trim();
    if columns.iter().any(|name| name == trimmed) && trimmed.parse::<f64>().is_err() {
        return Ok(Expression { expr: column(trimmed), columns: BTreeSet::from([trimmed.to_string()]) });
    }
    let failed = |code, message: String| vec![Diagnostic::error(code, format!("{used_by}: {message}"))];
    let spaced =
        columns.iter().find(|name| name.contains(char::is_whitespace) && sql.contains(name.as_str()));
    let quoting = spaced.map(|name| format!("write a name with spaces in double quotes: \"{name}\""));
    if trimmed.is_empty() {
        return Err(failed("data::sql", "the expression is empty".to_string()));
    }
    let expr = match sql_expr(trimmed) {
        Ok(expr) => expr,
        Err(error) => {
            let mut problems =
                failed("data::sql", format!("`{trimmed}` is no SQL expression: {}", sentence(&error)));
            problems[0].hint = quoting;
            return Err(problems);
        }
    };
    let mut found = BTreeSet::new();
    let mut by_row = true;
    for part in &expr {
        match part {
            Expr::Column(name) => {
                found.insert(name.to_string());
            }
            // Constants may be gathered (`IN (1, 2)`), columns may not: a row must not see the others.
            Expr::Agg(_) | Expr::Over { .. } => {
                by_row &= part.into_iter().all(|inner| !matches!(inner, Expr::Column(_)))
            }
            Expr::Len | Expr::Selector(_) | Expr::SubPlan(..) | Expr::Explode { .. } => by_row = false,
            Expr::Sort { .. }
            | Expr::SortBy { .. }
            | Expr::Slice { .. }
            | Expr::Filter { .. }
            | Expr::Gather { .. } => by_row = false,
            _ => {}
        }
    }
    if !by_row {
        let mut problems = failed("data::sql-not-by-row", format!("`{trimmed}` is not computed row by row"));
        problems[0].hint = Some(
            "give one value a row, such as `revenue`: the program adds up, averages and compares itself"
                .to_string(),
        );
        return Err(problems);
    }
    let missing: Vec<Diagnostic> = found
        .iter()
        .filter_map(|name| {
            let problem = names::find(columns, name, used_by).err()?;
            let hint = if trimmed.contains(&format!("\"{name}\""))
                && names::suggestion(columns, name).is_some_and(|s| s.starts_with("its"))
            {
                Some(format!("write text in single quotes: '{name}'"))
            } else {
                quoting
                    .clone()
                    .filter(|_| spaced.is_some_and(|spaced| spaced.contains(name.as_str())))
                    .or(problem.hint.clone())
            };
            Some(Diagnostic { hint, ..problem })
        })
        .collect();
    if missing.is_empty() { Ok(Expression { expr, columns: found }) } else { Err(missing) }
}

/// SQL writes dates as text, `day >= '2024-03-01'`: where a column of dates is compared with text that is a date, the text
/// is taken as the date. polars does this for whole queries, but not for single expressions.
fn with_dates(expr: &Expr, schema: &Schema) -> Expr {
    let is_date = |expr: &Expr| match expr {
        Expr::Column(name) => {
            matches!(schema.get(name.as_str()), Some(DataType::Date | DataType::Datetime(_, _)))
        }
        _ => false,
    };
    let dated = |expr: &Expr| {
        let Expr::Literal(literal) = expr else { return None };
        let stamp = dates::stamp(literal.extract_str()?.trim().as_bytes())?;
        let unit = TimeUnit::Microseconds;
        Some(lit(Scalar::new(DataType::Datetime(unit, None), AnyValue::Datetime(stamp.micros, unit, None))))
    };
    expr.clone().map_expr(|part| match part {
        Expr::BinaryExpr { left, op, right } if op.is_comparison() => {
            let new_right = if is_date(&left) { dated(&right) } else { None };
            let new_left = if is_date(&right) { dated(&left) } else { None };
            Expr::BinaryExpr {
                left: new_left.map_or(left, Arc::new),
                op,
                right: new_right.map_or(right, Arc::new),
            }
        }
        part => part,
    })
}

/// The type of an expression over a schema.
///
/// # Errors
/// `data::sql-type` when the types of the columns do not fit the operators.
pub(crate) fn type_of(
    expression: &Expression,
    schema: &Schema,
    used_by: &str,
) -> Result<DataType, Diagnostic> {
    if let Expr::Column(name) = &expression.expr
        && let Some(own) = schema.get(name.as_str())
    {
        return Ok(own.clone());
    }
    if Condition::of(&expression.expr, schema).is_some() {
        return Ok(DataType::Boolean);
    }
    DataFrame::empty_with_schema(schema)
        .lazy()
        .select([with_dates(&expression.expr, schema).alias("value")])
        .collect_schema()
        .map(|schema| schema.get("value").cloned().unwrap_or(DataType::Null))
        .map_err(|error| Diagnostic::error("data::sql-type", format!("{used_by}: {}", sentence(&error))))
}

/// Evaluates an expression over the rows of a frame, one value a row.
///
/// # Errors
/// `data::sql-type` when the types do not fit, `data::sql-not-by-row` when the result has another length.
pub(crate) fn evaluate(
    expression: &Expression,
    frame: &DataFrame,
    used_by: &str,
) -> Result<Series, Diagnostic> {
    let failed =
        |error: PolarsError| Diagnostic::error("data::sql-type", format!("{used_by}: {}", sentence(&error)));
    if let Expr::Column(name) = &expression.expr {
        return Ok(frame.column(name).map_err(failed)?.as_materialized_series().rechunk());
    }
    if let Some(condition) = Condition::of(&expression.expr, frame.schema()) {
        return Ok(condition.met(frame).map_err(failed)?.into_series());
    }
    let result = frame
        .clone()
        .lazy()
        .select([with_dates(&expression.expr, frame.schema()).alias("value")])
        .collect()
        .and_then(|result| result.column("value").map(|value| value.as_materialized_series().rechunk()))
        .map_err(failed)?;
    // A constant is the same for every row.
    if result.len() == 1 && expression.columns.is_empty() {
        return Ok(result.new_from_index(0, frame.height()));
    }
    if result.len() != frame.height() {
        return Err(Diagnostic::error(
            "data::sql-not-by-row",
            format!("{used_by}: the expression does not give one value a row"),
        ));
    }
    Ok(result)
}
