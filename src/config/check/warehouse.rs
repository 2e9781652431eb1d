//! The database of `[data]` and the tables of `[[data.facts]]` in it. Whether it has them is seen elsewhere: this check asks nobody.

use std::ops::Range;

use super::super::codes;
use super::super::raw::{At, RawData, RawFacts};
use super::super::sink::Sink;
use super::super::valid::{Engine, Relation, Warehouse};
use super::text;

/// The rows of a database, where the section names one.
pub fn warehouse(raw: &At<RawData>, sink: &mut Sink) -> Option<Warehouse> {
    let data = &raw.value;
    let Some(source) = &data.source else {
        let stray = [
            ("table", data.table.as_ref().map(|key| &key.span)),
            ("query", data.query.as_ref().map(|key| &key.span)),
            ("url_env", data.url_env.as_ref().map(|key| &key.span)),
            ("password_env", data.password_env.as_ref().map(|key| &key.span)),
            ("timeout", data.timeout.as_ref().map(|key| &key.span)),
        ];
        let stray = stray.into_iter().find_map(|(key, span)| Some((key, span?)));
        if let Some((key, span)) = stray.filter(|_| !sink.is_spoiled(&raw.span, &["source"])) {
            let hint = "add `source = \"clickhouse\"` or `source = \"postgres\"`";
            sink.error(
                codes::WAREHOUSE,
                span,
                format!("`{key}` is of a database, and no `source` is named"),
                hint,
            );
        } else if data.path.is_none() && !sink.is_spoiled(&raw.span, &["path", "source"]) {
            let message = "`path` is missing in [data]";
            sink.error(
                codes::MISSING_KEY,
                &raw.span,
                message,
                "add `path = …`, a text, or `source` of a database",
            );
        }
        return None;
    };
    let engine = source.value.0;
    if let Some(path) = &data.path {
        let message = "both files and a database are named";
        sink.error(codes::WAREHOUSE, &path.span, message, "keep `path`, or `source` with its table");
    }
    let unused = [
        ("separator", data.separator.as_ref().map(|key| &key.span)),
        ("decimal", data.decimal.as_ref().map(|key| &key.span)),
        ("encoding", data.encoding.as_ref().map(|key| &key.span)),
    ];
    for (key, span) in unused {
        if let Some(span) = span {
            let message = format!("`{key}` is of text files, and the rows are in a database");
            sink.error(codes::USELESS_KEY, span, message, "remove it");
        }
    }
    if let Some(identity) = &data.identity {
        let message = "[data.identity] beside a database is not supported by this version";
        let meanwhile = "join the users to the rows in `query`, or export them to CSV or Parquet";
        sink.error(codes::NOT_YET_SUPPORTED, &identity.span, message, meanwhile);
    }
    if let Some(count) = &data.count {
        let message = "`count` beside a database is not supported by this version";
        let meanwhile = "bring the rows together in `query`, or export them to CSV or Parquet";
        sink.error(codes::NOT_YET_SUPPORTED, &count.span, message, meanwhile);
    }
    let is_spoiled = sink.is_spoiled(&raw.span, &["table", "query"]);
    let named = relation(data.table.as_ref(), data.query.as_ref());
    let from = match named {
        Ok(from) => from,
        Err(span) => {
            if !is_spoiled {
                let message = "a database needs one of `table` and `query`";
                let span = span.unwrap_or(&source.span);
                sink.error(codes::WAREHOUSE, span, message, "for example table = \"analytics.ab_stats\"");
            }
            return None;
        }
    };
    let standard = match engine {
        Engine::Clickhouse => "ITOG_CLICKHOUSE_URL",
        Engine::Postgres => "ITOG_POSTGRES_URL",
    };
    Some(Warehouse {
        engine,
        from,
        url_env: text(data.url_env.as_ref()).unwrap_or_else(|| standard.to_owned()),
        password_env: text(data.password_env.as_ref()),
        timeout: data.timeout.as_ref().map_or(600, |seconds| seconds.value),
    })
}

/// What a table and a query name together; else the place of the one that is too much, where there is one.
fn relation<'r>(
    table: Option<&'r At<String>>,
    query: Option<&'r At<String>>,
) -> Result<Relation, Option<&'r Range<usize>>> {
    match (table, query) {
        (Some(table), None) => Ok(Relation::Table(table.value.clone())),
        (None, Some(query)) => Ok(Relation::Query(query.value.clone())),
        (_, one) => Err(one.map(|query| &query.span)),
    }
}

/// The rows of facts: in the database of `[data]`, or in files where that names none.
pub fn of_facts(raw: &At<RawFacts>, engine: Option<Engine>, sink: &mut Sink) -> Option<Relation> {
    let facts = &raw.value;
    let (table, query) = (facts.table.as_ref(), facts.query.as_ref());
    let Some(_) = engine else {
        if let Some((key, of)) = table.map(|of| ("table", of)).or(query.map(|of| ("query", of))) {
            let message = format!("`{key}` is of a database, and [data] names no `source`");
            let hint = "facts are where the exposures are: write `path`, or `source` under [data]";
            sink.error(codes::WAREHOUSE, &of.span, message, hint);
        } else if facts.path.is_none() && !sink.is_spoiled(&raw.span, &["path"]) {
            let message = "`path` is missing in [[data.facts]]";
            sink.error(codes::MISSING_KEY, &raw.span, message, "add `path = …`, a text");
        }
        return None;
    };
    if let Some(path) = &facts.path {
        let message = "the exposures are in a database, and the facts are in files";
        let hint = "write `table` or `query` of the same database, or export both";
        sink.error(codes::WAREHOUSE, &path.span, message, hint);
        return None;
    }
    let unused = [
        ("separator", facts.separator.as_ref().map(|key| &key.span)),
        ("decimal", facts.decimal.as_ref().map(|key| &key.span)),
        ("encoding", facts.encoding.as_ref().map(|key| &key.span)),
    ];
    for (key, span) in unused {
        if let Some(span) = span {
            let message = format!("`{key}` is of text files, and the rows are in a database");
            sink.error(codes::USELESS_KEY, span, message, "remove it");
        }
    }
    let is_spoiled = sink.is_spoiled(&raw.span, &["table", "query"]);
    relation(table, query)
        .map_err(|span| {
            if !is_spoiled {
                let message = "facts in a database need one of `table` and `query`";
                let hint = "for example table = \"analytics.orders\"";
                sink.error(codes::WAREHOUSE, span.unwrap_or(&raw.span), message, hint);
            }
        })
        .ok()
}

/// What stands for the path of files.
pub fn describe(engine: Engine, from: &Relation) -> String {
    let engine = match engine {
        Engine::Clickhouse => "clickhouse",
        Engine::Postgres => "postgres",
    };
    match from {
        Relation::Table(table) => format!("{engine}: {table}"),
        Relation::Query(_) => format!("{engine}: query"),
    }
}
