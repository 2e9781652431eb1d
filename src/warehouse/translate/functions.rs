//! Functions of numbers and texts. A function that fails on one server and gives something for rows is written so that it gives
//! the same.

use super::super::dialect::Kind;
use super::{Parser, Sql, Written, as_number};
use crate::config::valid::Engine;

/// Arguments above and below which the exponential is infinite and zero, where PostgreSQL would fail.
const EXPONENT: (f64, f64) = (709.782_712_893_384, -745.133_219_101_941);

impl Parser<'_> {
    /// A function behind its opening bracket.
    pub(super) fn function(&mut self, called: &str) -> Result<Sql, String> {
        let mut arguments = Vec::new();
        if !self.sign(")") {
            loop {
                arguments.push(self.either()?);
                if !self.sign(",") {
                    break;
                }
            }
            self.expect(")")?;
        }
        let found = match arguments.as_slice() {
            [one] => self.of_one(called, one)?,
            [one, two] => self.of_two(called, one, two)?,
            [one, two, three] => self.of_three(called, one, two, three)?,
            _ => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        match called {
            "COALESCE" if arguments.len() >= 2 => self.first_known(&arguments),
            "GREATEST" | "LEAST" if arguments.len() >= 2 => self.extreme(&arguments, called == "GREATEST"),
            "CONCAT" if !arguments.is_empty() => {
                let texts = arguments.iter().map(|argument| match argument.kind {
                    Kind::Text => Ok(format!("coalesce({}, '')", argument.text)),
                    Kind::Nothing => Ok("''".to_owned()),
                    _ => Err("CONCAT joins texts".to_owned()),
                });
                let texts = texts.collect::<Result<Vec<String>, String>>()?;
                Ok(Sql::text(texts.into_iter().reduce(|a, b| self.joined_texts(&a, &b)).unwrap_or_default()))
            }
            _ => Err(format!("the function {called} of {} is not translated", arguments.len())),
        }
    }

    fn number_of(&self, sql: &Sql) -> Result<String, String> {
        as_number(sql, self.dialect)
    }

    fn of_one(&self, called: &str, one: &Sql) -> Result<Option<Sql>, String> {
        let dialect = self.dialect;
        if one.kind == Kind::Text {
            let x = &one.text;
            return Ok(Some(match (called, dialect.0) {
                ("LOWER", _) => Sql::text(dialect.lower(x)),
                ("UPPER", _) => Sql::text(dialect.upper(x)),
                ("LENGTH" | "CHAR_LENGTH" | "CHARACTER_LENGTH", Engine::Postgres) => {
                    Sql::whole(dialect.double(&format!("char_length({x})")))
                }
                ("LENGTH" | "CHAR_LENGTH" | "CHARACTER_LENGTH", _) => {
                    Sql::whole(dialect.double(&format!("lengthUTF8({x})")))
                }
                ("OCTET_LENGTH", Engine::Postgres) => {
                    Sql::whole(dialect.double(&format!("octet_length({x})")))
                }
                ("OCTET_LENGTH", _) => Sql::whole(dialect.double(&format!("length({x})"))),
                ("TRIM", _) => Sql::text(dialect.trimmed(x)),
                _ => return Ok(None),
            }));
        }
        let known = [
            "ABS", "FLOOR", "CEIL", "CEILING", "EXP", "LN", "LOG10", "LOG2", "SQRT", "CBRT", "SIGN", "ROUND",
            "TRUNC", "TRUNCATE",
        ];
        if !known.contains(&called) {
            return Ok(None);
        }
        let x = self.number_of(one)?;
        let plain = |name: &str| Sql { whole: one.whole, ..Sql::number(format!("{name}({x})")) };
        Ok(Some(match called {
            "ABS" => plain("abs"),
            "FLOOR" => plain("floor"),
            "CEIL" | "CEILING" => plain("ceil"),
            "ROUND" => Sql { whole: one.whole, ..Sql::number(self.rounded("round", &x, 0)) },
            "TRUNC" | "TRUNCATE" => Sql { whole: one.whole, ..Sql::number(self.rounded("trunc", &x, 0)) },
            "CBRT" => Sql::number(format!("cbrt({x})")),
            "SIGN" => {
                let zero = dialect.number(0.0);
                let (plus, minus) = (dialect.number(1.0), dialect.number(-1.0));
                let text = format!(
                    "(CASE WHEN {x} > 0 THEN {plus} WHEN {x} < 0 THEN {minus} WHEN {x} = 0 THEN {zero} END)"
                );
                Sql { whole: one.whole, ..Sql::number(text) }
            }
            "LN" => Sql::number(self.logarithm(&x, None)),
            "LOG10" => Sql::number(self.logarithm(&x, Some(10.0))),
            "LOG2" => Sql::number(self.logarithm(&x, Some(2.0))),
            "SQRT" => Sql::number(match dialect.0 {
                Engine::Clickhouse => format!("sqrt({x})"),
                Engine::Postgres => {
                    format!("(CASE WHEN {x} < 0 THEN {} ELSE sqrt({x}) END)", dialect.undefined())
                }
            }),
            _ => Sql::number(match dialect.0 {
                Engine::Clickhouse => format!("exp({x})"),
                Engine::Postgres => {
                    let (high, low) = (dialect.number(EXPONENT.0), dialect.number(EXPONENT.1));
                    let (infinity, zero) = (dialect.infinity(), dialect.number(0.0));
                    // What is undefined is above everything there.
                    format!(
                        "(CASE WHEN {} THEN {x} WHEN {x} > {high} THEN {infinity} WHEN {x} < {low} THEN {zero} ELSE exp({x}) END)",
                        dialect.is_undefined(&x)
                    )
                }
            }),
        }))
    }

    fn of_two(&self, called: &str, one: &Sql, two: &Sql) -> Result<Option<Sql>, String> {
        let dialect = self.dialect;
        Ok(Some(match called {
            "IFNULL" => self.first_known(&[one.clone(), two.clone()])?,
            "NULLIF" => {
                let equal = self.compared(one, "=", two)?.text;
                let nothing = Sql::of(Kind::Nothing, "NULL");
                let whole = one.whole;
                Sql { whole, ..self.chosen(vec![(equal, nothing)], Some(one.clone()))? }
            }
            "MOD" => self.arithmetic(one, "%", two)?,
            "DIV" => self.arithmetic(one, "//", two)?,
            "ROUND" | "TRUNC" | "TRUNCATE" => {
                let decimals = literal(two).filter(|decimals| *decimals <= 15);
                let decimals =
                    decimals.ok_or_else(|| format!("{called} takes a number of decimals from 0 to 15"))?;
                let name = if called == "ROUND" { "round" } else { "trunc" };
                let x = self.number_of(one)?;
                match one.whole {
                    true => one.clone(),
                    false => Sql::number(self.rounded(name, &x, decimals)),
                }
            }
            "POWER" | "POW" => self.power(one, two)?,
            "LOG" => {
                let base = constant(two).filter(|base| *base > 0.0 && *base != 1.0);
                let base = base.ok_or("the base of LOG must be a positive number, as in LOG(x, 10)")?;
                Sql::number(self.logarithm(&self.number_of(one)?, Some(base)))
            }
            "DATE_PART" => {
                let part =
                    quoted(one).ok_or("DATE_PART takes a part in quotes, as in DATE_PART('hour', time)")?;
                self.part(&part, two)?
            }
            "LEFT" | "RIGHT" | "SUBSTR" if one.kind == Kind::Text => {
                let n = literal(two).filter(|n| *n > 0);
                let n = n.ok_or_else(|| format!("{called} takes a positive whole number"))?;
                let x = &one.text;
                Sql::text(match (called, dialect.0) {
                    ("LEFT", Engine::Postgres) => format!("left({x}, {n})"),
                    ("RIGHT", Engine::Postgres) => format!("right({x}, {n})"),
                    ("SUBSTR", Engine::Postgres) => format!("substr({x}, {n})"),
                    ("LEFT", _) => format!("substringUTF8({x}, 1, {n})"),
                    ("RIGHT", _) => {
                        let from = format!("greatest(toInt64(lengthUTF8({x})) - {n} + 1, 1)");
                        format!("substringUTF8({x}, {from}, {n})")
                    }
                    _ => format!("substringUTF8({x}, {n}, lengthUTF8({x}))"),
                })
            }
            "STARTS_WITH" | "ENDS_WITH" if one.kind == Kind::Text => {
                let part = quoted(two).ok_or_else(|| format!("{called} takes a text in single quotes"))?;
                let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
                let pattern =
                    if called == "STARTS_WITH" { format!("{escaped}%") } else { format!("%{escaped}") };
                Parser::boolean(format!("({} LIKE {})", one.text, dialect.text(&pattern)))
            }
            _ => return Ok(None),
        }))
    }

    fn of_three(&self, called: &str, one: &Sql, two: &Sql, three: &Sql) -> Result<Option<Sql>, String> {
        Ok(Some(match called {
            "IF" => {
                let condition = Parser::truth(one)?.to_owned();
                self.chosen(vec![(condition, two.clone())], Some(three.clone()))?
            }
            "SUBSTR" if one.kind == Kind::Text => {
                let (from, count) = (literal(two).filter(|from| *from > 0), literal(three));
                let (from, count) = from.zip(count).ok_or("SUBSTR takes a positive position and a length")?;
                let name = if self.dialect.0 == Engine::Postgres { "substr" } else { "substringUTF8" };
                Sql::text(format!("{name}({}, {from}, {count})", one.text))
            }
            "REPLACE" if one.kind == Kind::Text => {
                let (old, new) = (quoted(two).filter(|old| !old.is_empty()), quoted(three));
                let (old, new) = old.zip(new).ok_or("REPLACE takes texts in single quotes")?;
                let name = if self.dialect.0 == Engine::Postgres { "replace" } else { "replaceAll" };
                let (old, new) = (self.dialect.text(&old), self.dialect.text(&new));
                Sql::text(format!("{name}({}, {old}, {new})", one.text))
            }
            _ => return Ok(None),
        }))
    }

    /// The first value that is not missing.
    fn first_known(&self, arguments: &[Sql]) -> Result<Sql, String> {
        let texts = arguments.iter().all(|a| matches!(a.kind, Kind::Text | Kind::Nothing));
        let written = arguments.iter().map(|a| if texts { Ok(a.text.clone()) } else { self.number_of(a) });
        let written = written.collect::<Result<Vec<String>, String>>()?;
        let whole = arguments.iter().all(|a| a.whole);
        let kind = if texts { Kind::Text } else { Kind::Number };
        Ok(Sql { whole, ..Sql::of(kind, format!("coalesce({})", written.join(", "))) })
    }

    /// The largest or smallest of the values that are not missing.
    fn extreme(&self, arguments: &[Sql], largest: bool) -> Result<Sql, String> {
        let numbers = arguments.iter().map(|a| self.number_of(a)).collect::<Result<Vec<String>, String>>()?;
        let sign = if largest { ">=" } else { "<=" };
        let of = |a: String, b: String| {
            format!(
                "(CASE WHEN {a} IS NULL THEN {b} WHEN {b} IS NULL THEN {a} WHEN {a} {sign} {b} THEN {a} ELSE {b} END)"
            )
        };
        let whole = arguments.iter().all(|a| a.whole);
        Ok(Sql { whole, ..Sql::number(numbers.into_iter().reduce(of).unwrap_or_default()) })
    }

    /// Texts one after the other; missing where one is.
    pub(super) fn concatenated(&self, left: &Sql, right: &Sql) -> Result<Sql, String> {
        match (left.kind, right.kind) {
            (Kind::Text, Kind::Text) => Ok(Sql::text(self.joined_texts(&left.text, &right.text))),
            _ => Err("|| joins texts".to_owned()),
        }
    }

    fn joined_texts(&self, a: &str, b: &str) -> String {
        match self.dialect.0 {
            Engine::Postgres => format!("({a} || {b})"),
            Engine::Clickhouse => format!("concat({a}, {b})"),
        }
    }

    /// Rounded to decimals, halves to the even neighbour, or cut off there.
    fn rounded(&self, name: &str, x: &str, decimals: u32) -> String {
        let of = |x: &str| match (name, self.dialect.0) {
            // Old versions of ClickHouse round halves up.
            ("round", Engine::Clickhouse) => format!(
                "(CASE WHEN {x} - floor({x}) < 0.5 THEN floor({x}) WHEN {x} - floor({x}) > 0.5 THEN floor({x}) + 1 \
                 ELSE 2 * floor((floor({x}) + 1) / 2) END)"
            ),
            _ => format!("{name}({x})"),
        };
        match decimals {
            0 => of(x),
            decimals => {
                let scale = self.dialect.number(10_f64.powi(decimals as i32));
                format!("({} / {scale})", of(&format!("({x} * {scale})")))
            }
        }
    }

    /// A logarithm: minus infinity of zero, undefined below it.
    fn logarithm(&self, x: &str, base: Option<f64>) -> String {
        let dialect = self.dialect;
        let scaled = |sql: &str| match base {
            None => sql.to_owned(),
            Some(base) => format!("({sql} / {})", dialect.number(base.ln())),
        };
        match dialect.0 {
            Engine::Clickhouse => scaled(&format!("log({x})")),
            Engine::Postgres => format!(
                "(CASE WHEN {x} > 0 THEN {} WHEN {x} = 0 THEN {} WHEN {x} < 0 THEN {} END)",
                scaled(&format!("ln({x})")),
                scaled("'-Infinity'::float8"),
                dialect.undefined()
            ),
        }
    }

    /// A power with an exponent that is written out.
    fn power(&self, base: &Sql, exponent: &Sql) -> Result<Sql, String> {
        let y = constant(exponent).ok_or("the exponent of POWER must be a number, as in POWER(x, 2)")?;
        if base.whole && exponent.whole && y < 0.0 {
            return Err("a negative power of a whole number: write 1.0 / POWER(…)".to_owned());
        }
        let (dialect, x) = (self.dialect, self.number_of(base)?);
        let written = dialect.number(y);
        let name = if dialect.0 == Engine::Postgres { "power" } else { "pow" };
        let plain = format!("{name}({x}, {written})");
        let text = match dialect.0 {
            Engine::Clickhouse => plain,
            Engine::Postgres if y >= 0.0 && y.fract() == 0.0 => plain,
            Engine::Postgres => {
                let mut cases = String::new();
                if y < 0.0 {
                    cases.push_str(&format!(" WHEN {x} = 0 THEN {}", dialect.infinity()));
                }
                if y.fract() != 0.0 {
                    cases.push_str(&format!(" WHEN {x} < 0 THEN {}", dialect.undefined()));
                }
                format!("(CASE{cases} ELSE {plain} END)")
            }
        };
        Ok(Sql { whole: base.whole && exponent.whole, ..Sql::number(text) })
    }
}

/// The number that an expression writes out.
fn constant(sql: &Sql) -> Option<f64> {
    match sql.written {
        Some(Written::Number(number)) => Some(number),
        _ => None,
    }
}

/// The whole number, not negative, that an expression writes out.
fn literal(sql: &Sql) -> Option<u32> {
    constant(sql).filter(|number| sql.whole && *number >= 0.0).map(|number| number as u32)
}

/// The text that an expression writes out.
fn quoted(sql: &Sql) -> Option<String> {
    match &sql.written {
        Some(Written::Text(text)) => Some(text.clone()),
        _ => None,
    }
}
