//! In what the two dialects differ.

use crate::config::valid::Engine;

/// From here on a number counts as infinite: sums of squares of all that is less are finite.
const LARGEST: &str = "1e140";
/// PostgreSQL refuses a product that is too small to be told from zero; fourth powers of what is at least this large never are.
const LEAST: &str = "1e-75";
/// The largest square whose square, and whose product with any number, is finite.
const LARGEST_SQUARE: &str = "1e150";

/// A moment that is after all others.
const NEVER: &str = "toInt64(9000000000000000000)";

/// How names, texts and functions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect(pub Engine);

/// What kind of values an expression or a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Number,
    /// Texts.
    Text,
    /// Truth values.
    Boolean,
    /// Dates without a time of day.
    Date,
    /// Time stamps.
    Stamp,
    /// Nothing: NULL.
    Nothing,
    /// Something that cannot be read.
    Other,
}

/// The schema of a table, where it is named, and its name, without quotes.
pub fn parts(table: &str) -> impl Iterator<Item = &str> {
    table.split('.').map(|part| part.trim().trim_matches('"').trim_matches('`'))
}

impl Dialect {
    /// A name in quotes.
    pub fn name(self, name: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Engine::Clickhouse => format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`")),
        }
    }

    /// The name of a table with its schema: parts between dots are quoted one by one, quoted parts stay as they are.
    pub fn table(self, table: &str) -> String {
        parts(table).map(|part| self.name(part)).collect::<Vec<_>>().join(".")
    }

    /// A text in quotes.
    pub fn text(self, text: &str) -> String {
        match self.0 {
            // With a backslash the text does not depend on `standard_conforming_strings`.
            Engine::Postgres if text.contains('\\') => {
                format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
            }
            Engine::Postgres => format!("'{}'", text.replace('\'', "''")),
            Engine::Clickhouse => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        }
    }

    /// A number as a double.
    pub fn double(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("CAST({sql} AS double precision)"),
            Engine::Clickhouse => format!("toFloat64({sql})"),
        }
    }

    /// A literal number of full precision.
    pub fn number(self, value: f64) -> String {
        match self.0 {
            Engine::Postgres => format!("CAST('{value}' AS double precision)"),
            Engine::Clickhouse => format!("toFloat64('{value}')"),
        }
    }

    /// Conditions joined by AND or OR. What is unknown leaves the answer open only where the others do not settle it; old
    /// versions of ClickHouse need to be told.
    pub fn joined(self, conditions: &[&str], by_and: bool) -> String {
        let plain = conditions.join(if by_and { " AND " } else { " OR " });
        if self.0 == Engine::Postgres {
            return format!("({plain})");
        }
        let (unless, settles) = if by_and { (1, 0) } else { (0, 1) };
        let of =
            |each: &dyn Fn(&&str) -> String| conditions.iter().map(each).collect::<Vec<_>>().join(" OR ");
        let settled = of(&|condition| format!("ifNull({condition}, {unless}) = {settles}"));
        let unknown = of(&|condition| format!("isNull({condition})"));
        format!("if({settled}, {settles}, if({unknown}, NULL, {unless}))")
    }

    /// A truth value as 1 and 0.
    pub fn bit(self, condition: &str) -> String {
        match self.0 {
            Engine::Postgres => {
                format!("CASE WHEN {condition} THEN 1.0::float8 WHEN NOT ({condition}) THEN 0.0::float8 END")
            }
            Engine::Clickhouse => format!("toFloat64({condition})"),
        }
    }

    /// A value where a condition holds, and nothing where it does not or nobody knows.
    pub fn only(self, condition: &str, value: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("CASE WHEN {condition} THEN {value} END"),
            // An eighth of the whole query faster than CASE, which serves any number of branches.
            Engine::Clickhouse => format!("if({condition}, {value}, NULL)"),
        }
    }

    /// A quotient that is infinite or undefined where the divisor is zero, as it is for rows.
    pub fn quotient(self, a: &str, b: &str) -> String {
        match self.0 {
            Engine::Postgres => format!(
                "CASE WHEN ({b}) <> 0 THEN ({a}) / ({b}) WHEN ({b}) = 0 AND ({a}) > 0 THEN 'Infinity'::float8 \
                 WHEN ({b}) = 0 AND ({a}) < 0 THEN '-Infinity'::float8 WHEN ({b}) = 0 AND ({a}) = 0 THEN 'NaN'::float8 END"
            ),
            Engine::Clickhouse => format!("({a}) / ({b})"),
        }
    }

    /// A value that is computed with a divisor; another one, or none, where that is zero.
    pub fn unless_zero(self, divisor: &str, value: &str, of_zero: Option<&str>) -> String {
        let of_zero = of_zero.map_or(String::new(), |other| format!(" WHEN ({divisor}) = 0 THEN {other}"));
        format!("(CASE WHEN ({divisor}) <> 0 THEN {value}{of_zero} END)")
    }

    /// What is no number.
    pub fn undefined(self) -> String {
        match self.0 {
            Engine::Postgres => "'NaN'::float8".to_owned(),
            Engine::Clickhouse => "nan".to_owned(),
        }
    }

    /// Infinity.
    pub fn infinity(self) -> String {
        match self.0 {
            Engine::Postgres => "'Infinity'::float8".to_owned(),
            Engine::Clickhouse => "inf".to_owned(),
        }
    }

    /// A text in small letters.
    pub fn lower(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("lower({sql})"),
            Engine::Clickhouse => format!("lowerUTF8({sql})"),
        }
    }

    /// A text without the white space around it.
    pub fn trimmed(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("btrim({sql}, E' \\t\\n\\r\\f\\x0b')"),
            Engine::Clickhouse => format!("replaceRegexpAll({sql}, '^\\\\s+|\\\\s+$', '')"),
        }
    }

    /// A text in capital letters.
    pub fn upper(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("upper({sql})"),
            Engine::Clickhouse => format!("upperUTF8({sql})"),
        }
    }

    /// Whether a double is there and neither infinite nor undefined.
    pub fn is_finite(self, sql: &str) -> String {
        match self.0 {
            // Here what is undefined is larger than all numbers.
            Engine::Postgres => format!("(abs({sql}) < '{LARGEST}'::float8)"),
            Engine::Clickhouse => format!("({sql} IS NOT NULL AND abs({sql}) < {LARGEST})"),
        }
    }

    /// A difference, or zero where it is so small that the server would refuse to multiply it.
    pub fn factor(self, difference: &str) -> String {
        match self.0 {
            Engine::Postgres => {
                format!(
                    "CASE WHEN abs({difference}) > '{LEAST}'::float8 THEN {difference} ELSE '0'::float8 END"
                )
            }
            Engine::Clickhouse => difference.to_owned(),
        }
    }

    /// The square of a difference as a factor of third and fourth powers. Where these would be too large for a number the server gets
    /// another square, and `answer` knows by the extremes.
    pub fn square(self, difference: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("least({difference} * {difference}, '{LARGEST_SQUARE}'::float8)"),
            Engine::Clickhouse => format!("({difference} * {difference})"),
        }
    }

    /// Whether a double is undefined.
    pub fn is_undefined(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("{sql} = 'NaN'::float8"),
            Engine::Clickhouse => format!("{sql} != {sql}"),
        }
    }

    /// Any value as text, NULL staying NULL. Space around labels is cut off in the answer: row by row it would cost more than all
    /// sums together.
    pub fn label(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("CAST({sql} AS text)"),
            Engine::Clickhouse => format!("toString({sql})"),
        }
    }

    /// Days since 1970 of a date or a time stamp, in the calendar of the server.
    pub fn day(self, sql: &str, kind: Kind) -> String {
        match (self.0, kind) {
            (Engine::Postgres, _) => format!("(CAST({sql} AS date) - DATE '1970-01-01')"),
            (Engine::Clickhouse, Kind::Date) => format!("toInt32({sql})"),
            (Engine::Clickhouse, _) => format!("toInt32(toDate({sql}))"),
        }
    }

    /// Midnight at which a day begins, to be compared with a column of that kind.
    pub fn midnight(self, day: jiff::civil::Date, kind: Kind) -> String {
        match (self.0, kind) {
            (Engine::Postgres, Kind::Date) => format!("DATE '{day}'"),
            (Engine::Postgres, _) => format!("TIMESTAMP '{day} 00:00:00'"),
            (Engine::Clickhouse, Kind::Date) => format!("toDate('{day}')"),
            (Engine::Clickhouse, _) => format!("toDateTime('{day} 00:00:00')"),
        }
    }

    /// Several numbers as one field.
    pub fn array(self, numbers: &[String]) -> String {
        match self.0 {
            Engine::Postgres => {
                let numbers: Vec<String> =
                    numbers.iter().map(|sql| format!("coalesce({sql}, 0)::float8")).collect();
                format!("ARRAY[{}]", numbers.join(", "))
            }
            Engine::Clickhouse => {
                let numbers: Vec<String> =
                    numbers.iter().map(|sql| format!("ifNull(toFloat64({sql}), 0)")).collect();
                format!("[{}]", numbers.join(", "))
            }
        }
    }

    /// A whole number that may be missing.
    pub fn whole(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("CAST({sql} AS integer)"),
            Engine::Clickhouse if sql == "NULL" => "CAST(NULL AS Nullable(Int32))".to_owned(),
            Engine::Clickhouse => format!("toNullable(toInt32({sql}))"),
        }
    }

    /// A text that may be missing.
    pub fn maybe_text(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("CAST({sql} AS text)"),
            Engine::Clickhouse if sql == "NULL" => "CAST(NULL AS Nullable(String))".to_owned(),
            Engine::Clickhouse => format!("toNullable(toString({sql}))"),
        }
    }

    /// The name of a type without what says that a value may be missing or how it is stored.
    pub fn bare(self, of: &str) -> String {
        let name = of.trim().to_ascii_lowercase();
        let inner = ["nullable(", "lowcardinality("]
            .iter()
            .find_map(|wrapper| Some(name.strip_prefix(wrapper)?.strip_suffix(')')?.to_owned()));
        inner.map_or(name, |inner| self.bare(&inner))
    }

    /// Whether values of a type may be missing.
    pub fn may_be_null(self, of: &str) -> bool {
        self.0 == Engine::Postgres || of.to_ascii_lowercase().contains("nullable(")
    }

    /// What keeps a SELECT a step of its own at its end. PostgreSQL puts the expressions of an inner SELECT into every place of the
    /// outer one that names them, and computes each as often as it is named.
    pub fn kept_apart(self) -> &'static str {
        match self.0 {
            Engine::Postgres => " OFFSET 0",
            Engine::Clickhouse => "",
        }
    }

    /// Whether a SELECT that is named once is computed once, however often it is read.
    pub fn shares(self) -> bool {
        self.0 == Engine::Postgres
    }

    /// Units of both sides brought together, or those of the left side with what the right one knows of them.
    pub fn join(self, full: bool) -> &'static str {
        match (self.0, full) {
            (Engine::Postgres, true) => "FULL JOIN",
            (Engine::Postgres, false) => "LEFT JOIN",
            (Engine::Clickhouse, true) => "ALL FULL JOIN",
            (Engine::Clickhouse, false) => "ALL LEFT JOIN",
        }
    }

    /// Whether a time stamp names a time of day.
    pub fn is_timed(self, sql: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("{sql} <> CAST(CAST({sql} AS date) AS timestamp)"),
            Engine::Clickhouse => format!("{sql} <> toDateTime(toDate({sql}))"),
        }
    }

    /// A date or a time stamp as a number that grows with it.
    pub fn moment(self, sql: &str, kind: Kind, of: &str) -> String {
        match (self.0, kind) {
            (Engine::Postgres, Kind::Date) => format!("CAST({sql} AS timestamp)"),
            (Engine::Postgres, _) => sql.to_owned(),
            (Engine::Clickhouse, Kind::Date) => format!("toInt64(toInt32({sql}))"),
            (Engine::Clickhouse, _) if of.contains("datetime64") => format!("toUnixTimestamp64Micro({sql})"),
            (Engine::Clickhouse, _) => format!("toInt64(toUInt32({sql}))"),
        }
    }

    /// Of the rows that meet a condition every moment once, as one field.
    pub fn moments(self, condition: &str, moment: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("array_agg({moment}) FILTER (WHERE {condition})"),
            Engine::Clickhouse => format!("groupUniqArrayIf(ifNull({moment}, 0), {condition})"),
        }
    }

    /// The earliest of some moments.
    pub fn first_moment(self, moments: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("(SELECT min(q_s) FROM unnest({moments}) AS q_s)"),
            Engine::Clickhouse => format!("arrayReduce('min', arrayPushBack({moments}, {NEVER}))"),
        }
    }

    /// The earliest of some moments that is not before another one. What is never reached is after all that is.
    pub fn earliest(self, moments: &str, since: &str) -> String {
        match self.0 {
            Engine::Postgres => {
                format!("(SELECT min(q_s) FROM unnest({moments}) AS q_s WHERE q_s >= {since})")
            }
            Engine::Clickhouse => format!(
                "arrayReduce('min', arrayPushBack(arrayFilter(q_s -> q_s >= {since}, {moments}), {NEVER}))"
            ),
        }
    }

    /// Whether a moment was reached.
    pub fn is_reached(self, moment: &str) -> String {
        match self.0 {
            Engine::Postgres => format!("{moment} IS NOT NULL"),
            Engine::Clickhouse => format!("{moment} < {NEVER}"),
        }
    }

    /// The kind of a column by the name of its type.
    pub fn kind(self, of: &str) -> Kind {
        let name = of.trim().to_ascii_lowercase();
        let inner = |name: &str, wrapper: &str| {
            name.strip_prefix(wrapper).and_then(|rest| rest.strip_suffix(')')).map(str::to_owned)
        };
        if let Some(inner) = inner(&name, "nullable(").or_else(|| inner(&name, "lowcardinality(")) {
            return self.kind(&inner);
        }
        let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        match self.0 {
            Engine::Clickhouse if starts(&["uint", "int", "float", "decimal"]) => Kind::Number,
            Engine::Postgres
                if starts(&["int", "smallint", "bigint", "float", "double", "real", "numeric", "oid"]) =>
            {
                // `interval` begins like `int`.
                if name.starts_with("interval") { Kind::Other } else { Kind::Number }
            }
            _ if starts(&["bool"]) => Kind::Boolean,
            _ if starts(&["datetime", "timestamp"]) => Kind::Stamp,
            _ if starts(&["date"]) => Kind::Date,
            _ if starts(&[
                "string",
                "fixedstring",
                "enum",
                "uuid",
                "text",
                "varchar",
                "bpchar",
                "char",
                "name",
            ]) =>
            {
                Kind::Text
            }
            _ if starts(&["nothing", "unknown"]) => Kind::Nothing,
            _ => Kind::Other,
        }
    }
}
