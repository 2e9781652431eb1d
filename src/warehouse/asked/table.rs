//! What is asked of a table beside its metrics: where it is, whose its rows are, from when they are, which of them are sound.

use super::super::dialect::{Dialect, Kind};
use super::super::translate::Column;
use super::{AskedRule, Headers, untranslated};
use crate::config::valid::{DataSource, Engine, Files, OnBroken, Relation};
use crate::diag::Diagnostic;

/// One table.
#[derive(Clone, Debug)]
pub struct AskedTable {
    /// What stands after FROM.
    pub relation: String,
    /// The unit, as the columns of [`Key`]; nothing where rows are units.
    pub unit: Vec<String>,
    /// The column of the time with its kind.
    pub time: Option<(String, Kind)>,
    /// Rows may be without a time.
    pub may_be_untimed: bool,
    /// The same as a moment.
    pub moment: Option<String>,
}

/// How a row without a unit is told from the others: tables are joined by columns that are never NULL where NULL would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// It is NULL.
    Null,
    /// It is the empty text.
    Empty,
    /// A first column says so with 1.
    Flag,
    /// There is none.
    Never,
}

impl Key {
    /// Whether a row is without a unit, of the columns of that prefix.
    pub fn is_none(self, prefix: &str) -> String {
        match self {
            Key::Null => format!("{prefix}0 IS NULL"),
            Key::Empty => format!("{prefix}0 = ''"),
            Key::Flag => format!("{prefix}0 = 1"),
            Key::Never => "1 = 0".to_owned(),
        }
    }
}

/// What stands after FROM.
pub fn relation(from: &Relation, dialect: Dialect) -> String {
    match from {
        Relation::Table(table) => dialect.table(table),
        Relation::Query(query) => format!("({}) AS q_source", query.trim().trim_end_matches(';')),
    }
}

fn kind_of(columns: &[Column], name: &str) -> Kind {
    columns.iter().find(|column| column.name == name).map_or(Kind::Other, |column| column.kind)
}

/// The units of `[data]`, then of all facts. Where the types of their columns differ they are compared as texts.
pub(super) fn keys(source: &DataSource, headers: &Headers, dialect: Dialect) -> (Key, Vec<Vec<String>>) {
    let Some(unit) = &source.unit else {
        return (Key::Never, vec![Vec::new(); 1 + source.facts.len()]);
    };
    let facts = source.facts.iter().zip(&headers.facts);
    let found: Vec<Option<&Column>> = std::iter::once((unit, &headers.own))
        .chain(facts.map(|(facts, columns)| (&facts.unit, columns)))
        .map(|(name, columns)| columns.iter().find(|column| column.name == *name))
        .collect();
    let columns: Vec<&Column> = found.iter().flatten().copied().collect();
    let types: Vec<String> = columns.iter().map(|column| dialect.bare(&column.of)).collect();
    let numbers = columns.iter().all(|column| column.kind == Kind::Number);
    let same = types.windows(2).all(|pair| pair[0] == pair[1]);
    let whole = types.iter().all(|of| of.starts_with("int") || (of.starts_with("uint") && of != "uint64"));
    let by_number = numbers && (same || whole || dialect.0 == Engine::Postgres);
    let nullable = columns.iter().any(|column| dialect.may_be_null(&column.of));
    let key = match dialect.0 {
        Engine::Postgres => Key::Null,
        Engine::Clickhouse if !by_number => Key::Empty,
        Engine::Clickhouse if nullable => Key::Flag,
        Engine::Clickhouse => Key::Never,
    };
    let written = |column: &Column| -> Vec<String> {
        let name = dialect.name(&column.name);
        let text = || dialect.label(&name);
        let number = || if same { name.clone() } else { format!("toInt64({name})") };
        match key {
            Key::Null if by_number => vec![name],
            Key::Null => vec![format!("NULLIF({}, '')", text())],
            Key::Empty => vec![format!("ifNull({}, '')", text())],
            Key::Flag => vec![format!("isNull({name})"), format!("ifNull({}, 0)", number())],
            Key::Never => vec![number()],
        }
    };
    (key, found.into_iter().map(|column| column.map(&written).unwrap_or_default()).collect())
}

/// The column of the time with its kind, and the same as a moment.
pub(super) fn time(
    name: &str,
    place: &str,
    columns: &[Column],
    dialect: Dialect,
    problems: &mut Vec<Diagnostic>,
) -> ((String, Kind), String) {
    let column = columns.iter().find(|column| column.name == name);
    let kind = column.map_or(Kind::Other, |column| column.kind);
    if !matches!(kind, Kind::Date | Kind::Stamp) {
        let message = format!("{place}.time: column `{name}` holds no dates");
        problems.push(
            Diagnostic::error("warehouse::time-type", message)
                .hint("cast it in `query`: a date or a time stamp is needed"),
        );
    }
    let of = column.map_or_else(String::new, |column| dialect.bare(&column.of));
    let written = dialect.name(name);
    let moment = dialect.moment(&written, kind, &of);
    ((written, kind), moment)
}

/// Columns that the config names outright and whose types nobody here can read.
pub(super) fn columns_that_cannot_be_read(source: &DataSource, headers: &Headers) -> Vec<Diagnostic> {
    let own = std::iter::once(&source.group).chain(&source.unit).chain(&source.time);
    let own = own.map(|name| (source.files.pattern.as_str(), name, &headers.own));
    let facts = source.facts.iter().zip(&headers.facts).flat_map(|(facts, columns)| {
        let names = std::iter::once(&facts.unit).chain(&facts.time);
        names.map(move |name| (facts.files.pattern.as_str(), name, columns))
    });
    own.chain(facts)
        .filter(|(_, name, columns)| kind_of(columns, name) == Kind::Other)
        .map(|(place, name, _)| {
            let message = format!("{place}: the type of column `{name}` cannot be read");
            Diagnostic::error("warehouse::column-type", message)
                .hint("cast it in `query` to a number, a text, a date or a time stamp")
        })
        .collect()
}

/// The rules of all tables.
pub(super) fn rules(
    source: &DataSource,
    headers: &Headers,
    dialect: Dialect,
    problems: &mut Vec<Diagnostic>,
) -> Vec<AskedRule> {
    let mut rules = Vec::new();
    let own: (Option<usize>, &Files) = (None, &source.files);
    let facts = source.facts.iter().enumerate().map(|(at, facts)| (Some(at), &facts.files));
    for (from, files) in std::iter::once(own).chain(facts) {
        for rule in &files.columns {
            let column = dialect.name(&rule.column);
            let numeric = kind_of(headers.of(from), &rule.column) == Kind::Number;
            let mut broken = Vec::new();
            if rule.required {
                broken.push(format!("{column} IS NULL"));
            }
            let number = numeric.then(|| dialect.double(&column));
            match (&number, rule.min, rule.max) {
                (Some(number), min, max) => {
                    broken.extend(min.map(|min| format!("{number} < {}", dialect.number(min))));
                    broken.extend(max.map(|max| format!("{number} > {}", dialect.number(max))));
                }
                (None, None, None) => {}
                _ => problems.push(untranslated(
                    &format!("data.columns `{}`", rule.column),
                    "`min` and `max` are of numbers, and the column holds none",
                )),
            }
            let broken = if broken.is_empty() { "1 = 0".to_owned() } else { broken.join(" OR ") };
            rules.push(AskedRule {
                from,
                column: rule.column.clone(),
                number,
                value: column,
                broken: format!("({broken})"),
                excludes: rule.invalid == OnBroken::Exclude,
            });
        }
    }
    rules
}
