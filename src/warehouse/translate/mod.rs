//! Expressions of a config, written in the dialect of polars, in the dialect of a server.
//!
//! What cannot be said in both dialects with the same meaning is refused, never approximated: numbers are doubles, a
//! division is never whole, and dividing by zero gives what it gives for rows. `tests/warehouse/expressions.rs` runs the same
//! expressions over rows and on servers.

mod functions;
mod special;

use super::dialect::{Dialect, Kind};
use super::lexer::{Token, words};

/// A column of the relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may hold NULL, as far as its type tells.
    pub nullable: bool,
    /// The name that the server has for its type.
    pub of: String,
}

impl Column {
    /// A column as a server describes it.
    pub fn of(name: String, described: &str, dialect: Dialect) -> Column {
        let nullable = dialect.may_be_null(described);
        Column { name, kind: dialect.kind(described), nullable, of: described.to_owned() }
    }
}

/// An expression of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Sql {
    /// Its text.
    pub text: String,
    /// What it gives.
    pub kind: Kind,
    /// A number that is whole by its type: dividing such a number by zero without a remainder gives nothing at all.
    pub whole: bool,
    /// What the expression writes out, where it is no more than that.
    pub written: Option<Written>,
}

/// A number or a text that stands in an expression itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl Sql {
    fn of(kind: Kind, text: impl Into<String>) -> Sql {
        Sql { text: text.into(), kind, whole: false, written: None }
    }

    fn number(text: impl Into<String>) -> Sql {
        Sql::of(Kind::Number, text)
    }

    fn whole(text: impl Into<String>) -> Sql {
        Sql { whole: true, ..Sql::of(Kind::Number, text) }
    }

    fn text(text: impl Into<String>) -> Sql {
        Sql::of(Kind::Text, text)
    }
}

/// The expression in the dialect of the server, over columns that are there.
///
/// # Errors
/// What has no counterpart, in words.
pub fn translate(sql: &str, columns: &[Column], dialect: Dialect) -> Result<Sql, String> {
    let trimmed = sql.trim();
    if let Some(column) = columns.iter().find(|column| column.name == trimmed)
        && trimmed.parse::<f64>().is_err()
    {
        return Ok(of_column(column, dialect));
    }
    let words = words(trimmed)?;
    let mut parser = Parser { words, at: 0, columns, dialect };
    let found = parser.either()?;
    match parser.words.get(parser.at) {
        None => Ok(found),
        Some(token) => Err(format!("{} is not understood here", shown(token))),
    }
}

/// The expression as a number: truth values are 1 and 0.
///
/// # Errors
/// As [`translate`]; texts and dates are no numbers.
pub fn number(sql: &str, columns: &[Column], dialect: Dialect) -> Result<String, String> {
    let found = translate(sql, columns, dialect)?;
    as_number(&found, dialect)
}

/// The expression as a condition.
///
/// # Errors
/// As [`translate`]; anything but a truth value.
pub fn condition(sql: &str, columns: &[Column], dialect: Dialect) -> Result<String, String> {
    let found = translate(sql, columns, dialect)?;
    match found.kind {
        Kind::Boolean | Kind::Nothing => Ok(found.text),
        _ => Err(format!("`{sql}` is no condition: compare it with something, such as `{sql} = 1`")),
    }
}

fn of_column(column: &Column, dialect: Dialect) -> Sql {
    let name = dialect.name(&column.name);
    match column.kind {
        Kind::Number => {
            let of = dialect.bare(&column.of);
            let whole = ["int", "uint", "smallint", "bigint"].iter().any(|word| of.starts_with(word));
            Sql { whole, ..Sql::number(dialect.double(&name)) }
        }
        kind => Sql::of(kind, name),
    }
}

fn as_number(sql: &Sql, dialect: Dialect) -> Result<String, String> {
    match sql.kind {
        Kind::Number => Ok(sql.text.clone()),
        Kind::Nothing => Ok(dialect.double("NULL")),
        Kind::Boolean => Ok(dialect.bit(&sql.text)),
        _ => Err("a text or a date stands where a number is needed".to_owned()),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) | Token::Number(name) => format!("`{name}`"),
        Token::Quoted(name) => format!("\"{name}\""),
        Token::Text(text) => format!("'{text}'"),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}

struct Parser<'a> {
    words: Vec<Token>,
    at: usize,
    columns: &'a [Column],
    dialect: Dialect,
}

impl Parser<'_> {
    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.words.get(self.at + ahead), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.words.get(self.at), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("`{sign}` is missing")) }
    }

    fn boolean(text: String) -> Sql {
        Sql::of(Kind::Boolean, text)
    }

    fn truth(sql: &Sql) -> Result<&str, String> {
        match sql.kind {
            Kind::Boolean | Kind::Nothing => Ok(&sql.text),
            _ => Err("AND, OR and NOT stand between conditions".to_owned()),
        }
    }

    fn either(&mut self) -> Result<Sql, String> {
        let first = self.both()?;
        let mut all = vec![first];
        while self.word("OR") {
            all.push(self.both()?);
        }
        self.joined(all, false)
    }

    fn both(&mut self) -> Result<Sql, String> {
        let first = self.negation()?;
        let mut all = vec![first];
        while self.word("AND") {
            all.push(self.negation()?);
        }
        self.joined(all, true)
    }

    /// Conditions joined by AND or OR.
    fn joined(&self, mut all: Vec<Sql>, by_and: bool) -> Result<Sql, String> {
        if all.len() == 1 {
            return all.pop().ok_or_else(|| "a condition is missing".to_owned());
        }
        let texts = all.iter().map(Parser::truth).collect::<Result<Vec<&str>, String>>()?;
        Ok(Parser::boolean(self.dialect.joined(&texts, by_and)))
    }

    fn negation(&mut self) -> Result<Sql, String> {
        if self.word("NOT") {
            let inner = self.negation()?;
            return Ok(Parser::boolean(format!("(NOT {})", Parser::truth(&inner)?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Sql, String> {
        let left = self.sum()?;
        for (sign, written) in [
            ("=", "="),
            ("==", "="),
            ("<>", "<>"),
            ("!=", "<>"),
            ("<=", "<="),
            (">=", ">="),
            ("<", "<"),
            (">", ">"),
        ] {
            if self.sign(sign) {
                let right = self.sum()?;
                return self.compared(&left, written, &right);
            }
        }
        if self.word("IS") {
            let not = if self.word("NOT") { "NOT " } else { "" };
            if self.word("NULL") {
                return Ok(Parser::boolean(format!("({} IS {not}NULL)", left.text)));
            }
            return Err("only IS NULL and IS NOT NULL are understood".to_owned());
        }
        let negated =
            self.is_word(0, "NOT") && ["IN", "BETWEEN", "LIKE", "ILIKE"].iter().any(|w| self.is_word(1, w));
        self.at += usize::from(negated);
        let not = |sql: Sql| if negated { Parser::boolean(format!("(NOT {})", sql.text)) } else { sql };
        if self.word("IN") {
            self.expect("(")?;
            let mut tests = Vec::new();
            loop {
                let item = self.sum()?;
                tests.push(self.compared(&left, "=", &item)?.text);
                if !self.sign(",") {
                    break;
                }
            }
            self.expect(")")?;
            let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
            return Ok(not(Parser::boolean(self.dialect.joined(&tests, false))));
        }
        if self.word("BETWEEN") {
            let low = self.sum()?;
            if !self.word("AND") {
                return Err("AND is missing after BETWEEN".to_owned());
            }
            let high = self.sum()?;
            let (low, high) = (self.compared(&left, ">=", &low)?, self.compared(&left, "<=", &high)?);
            return Ok(not(Parser::boolean(self.dialect.joined(&[&low.text, &high.text], true))));
        }
        let any_case = self.is_word(0, "ILIKE");
        if self.word("LIKE") || self.word("ILIKE") {
            let Some(Token::Text(pattern)) = self.words.get(self.at).cloned() else {
                return Err("LIKE needs a text in single quotes".to_owned());
            };
            self.at += 1;
            if left.kind != Kind::Text {
                return Err("LIKE compares texts".to_owned());
            }
            let (of, pattern) = match any_case {
                true => (self.dialect.lower(&left.text), pattern.to_lowercase()),
                false => (left.text.clone(), pattern),
            };
            // A backslash is one character of the pattern and no escape.
            let pattern = self.dialect.text(&pattern.replace('\\', "\\\\"));
            return Ok(not(Parser::boolean(format!("({of} LIKE {pattern})"))));
        }
        Ok(left)
    }

    fn compared(&self, left: &Sql, sign: &str, right: &Sql) -> Result<Sql, String> {
        use Kind::{Boolean, Date, Nothing, Number, Stamp, Text};
        let dialect = self.dialect;
        let is_literal = |sql: &Sql| matches!(sql.written, Some(Written::Text(_)));
        let dated = |of: &Sql, text: &Sql| -> Result<String, String> {
            let Some(Written::Text(day)) = &text.written else { return Err("no date".to_owned()) };
            let day = day.trim();
            match day.parse::<jiff::civil::DateTime>() {
                Ok(moment) if of.kind == Date && moment.time() == jiff::civil::Time::midnight() => {
                    Ok(dialect.midnight(moment.date(), Date))
                }
                Ok(moment) if of.kind == Stamp => {
                    let written = moment.strftime("%Y-%m-%d %H:%M:%S");
                    Ok(dialect
                        .midnight(moment.date(), Stamp)
                        .replace(&format!("{} 00:00:00", moment.date()), &written.to_string()))
                }
                _ => Err(format!("{} is no date such as '2024-03-01'", text.text)),
            }
        };
        let (a, b) = match (left.kind, right.kind) {
            (Text, Text) | (Date, Date) | (Stamp, Stamp) | (Boolean, Boolean) => {
                (left.text.clone(), right.text.clone())
            }
            (Date | Stamp, Text) if is_literal(right) => (left.text.clone(), dated(left, right)?),
            (Text, Date | Stamp) if is_literal(left) => (dated(right, left)?, right.text.clone()),
            (Number | Boolean | Nothing, Number | Boolean | Nothing) => {
                (as_number(left, dialect)?, as_number(right, dialect)?)
            }
            (Nothing, _) | (_, Nothing) => (left.text.clone(), right.text.clone()),
            _ => return Err(format!("{} and {} are not of one kind", left.text, right.text)),
        };
        Ok(Parser::boolean(format!("({a} {sign} {b})")))
    }

    fn arithmetic(&self, left: &Sql, sign: &str, right: &Sql) -> Result<Sql, String> {
        let (a, b) = (as_number(left, self.dialect)?, as_number(right, self.dialect)?);
        let whole = left.whole && right.whole;
        Ok(match sign {
            "/" => Sql::number(format!("({})", self.dialect.quotient(&a, &b))),
            "//" => Sql::whole(self.dialect.unless_zero(&b, &format!("floor({a} / {b})"), None)),
            "%" => {
                let rest = format!("{a} - {b} * floor({a} / {b})");
                let of_zero = (!whole).then(|| self.dialect.undefined());
                Sql { whole, ..Sql::number(self.dialect.unless_zero(&b, &rest, of_zero.as_deref())) }
            }
            sign => Sql { whole, ..Sql::number(format!("({a} {sign} {b})")) },
        })
    }

    fn sum(&mut self) -> Result<Sql, String> {
        let mut left = self.product()?;
        loop {
            if self.sign("||") {
                let right = self.product()?;
                left = self.concatenated(&left, &right)?;
                continue;
            }
            let sign = match () {
                () if self.sign("+") => "+",
                () if self.sign("-") => "-",
                () => return Ok(left),
            };
            let right = self.product()?;
            left = self.arithmetic(&left, sign, &right)?;
        }
    }

    fn product(&mut self) -> Result<Sql, String> {
        let mut left = self.unary()?;
        loop {
            let sign = match () {
                () if self.sign("*") => "*",
                () if self.sign("//") => "//",
                () if self.sign("/") => "/",
                () if self.sign("%") => "%",
                () => return Ok(left),
            };
            let right = self.unary()?;
            left = self.arithmetic(&left, sign, &right)?;
        }
    }

    fn unary(&mut self) -> Result<Sql, String> {
        if self.sign("-") {
            let inner = self.unary()?;
            let text = format!("(-{})", as_number(&inner, self.dialect)?);
            let written = match inner.written {
                Some(Written::Number(number)) => Some(Written::Number(-number)),
                _ => None,
            };
            return Ok(Sql { whole: inner.whole, written, ..Sql::number(text) });
        }
        if self.sign("+") {
            return self.unary();
        }
        let mut found = self.primary()?;
        while self.sign("::") {
            found = self.cast_to(&found)?;
        }
        Ok(found)
    }

    fn primary(&mut self) -> Result<Sql, String> {
        let Some(token) = self.words.get(self.at).cloned() else {
            return Err("the expression ends too early".to_owned());
        };
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Sql {
                whole: number.bytes().all(|byte| byte.is_ascii_digit()),
                written: number.parse().ok().map(Written::Number),
                ..Sql::number(self.dialect.double(&number))
            }),
            Token::Text(text) => {
                let written = self.dialect.text(&text);
                Ok(Sql { written: Some(Written::Text(text)), ..Sql::text(written) })
            }
            Token::Quoted(name) => self.column(&name),
            Token::Sign("(") => {
                let inner = self.either()?;
                self.expect(")")?;
                Ok(Sql { text: format!("({})", inner.text), ..inner })
            }
            Token::Name(name) => match name.to_ascii_uppercase().as_str() {
                "NULL" => Ok(Sql::of(Kind::Nothing, "NULL")),
                "TRUE" => Ok(Parser::boolean("(1 = 1)".to_owned())),
                "FALSE" => Ok(Parser::boolean("(1 = 0)".to_owned())),
                "CASE" => self.case(),
                "CAST" => self.cast(),
                "EXTRACT" if self.sign("(") => self.extract(),
                called if self.sign("(") => self.function(called),
                _ => self.column(&name),
            },
            other => Err(format!("{} is not understood here", shown(&other))),
        }
    }

    fn column(&self, name: &str) -> Result<Sql, String> {
        let column = self.columns.iter().find(|column| column.name == name);
        let column = column.ok_or_else(|| format!("there is no column `{name}`"))?;
        if column.kind == Kind::Other {
            return Err(format!("the type of column `{name}` cannot be read"));
        }
        Ok(of_column(column, self.dialect))
    }
}
