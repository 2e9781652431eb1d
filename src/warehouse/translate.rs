//! Expressions of a config, written in the dialect of polars, in the dialect of a server.
//!
//! What cannot be said in both dialects with the same meaning is refused, never approximated: numbers are doubles, a
//! division is never whole, and dividing by zero gives what it gives for rows.

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
        Kind::Number => Sql { text: dialect.double(&name), kind: Kind::Number },
        kind => Sql { text: name, kind },
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
        Sql { text, kind: Kind::Boolean }
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
        let negated = self.is_word(0, "NOT") && ["IN", "BETWEEN", "LIKE"].iter().any(|w| self.is_word(1, w));
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
            return Ok(not(Parser::boolean(format!("({})", tests.join(" OR ")))));
        }
        if self.word("BETWEEN") {
            let low = self.sum()?;
            if !self.word("AND") {
                return Err("AND is missing after BETWEEN".to_owned());
            }
            let high = self.sum()?;
            let (low, high) = (self.compared(&left, ">=", &low)?, self.compared(&left, "<=", &high)?);
            return Ok(not(Parser::boolean(format!("({} AND {})", low.text, high.text))));
        }
        if self.word("LIKE") {
            let Some(Token::Text(pattern)) = self.words.get(self.at).cloned() else {
                return Err("LIKE needs a text in single quotes".to_owned());
            };
            self.at += 1;
            if left.kind != Kind::Text {
                return Err("LIKE compares texts".to_owned());
            }
            return Ok(not(Parser::boolean(format!("({} LIKE {})", left.text, self.dialect.text(&pattern)))));
        }
        Ok(left)
    }

    fn compared(&self, left: &Sql, sign: &str, right: &Sql) -> Result<Sql, String> {
        use Kind::{Boolean, Date, Nothing, Number, Stamp, Text};
        let dialect = self.dialect;
        let is_literal = |sql: &Sql| sql.text.starts_with(['\'', 'E']) && sql.kind == Text;
        let dated = |of: &Sql, text: &Sql| -> Result<String, String> {
            let day = text.text.trim_matches('\'');
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
        let text = match sign {
            "/" => format!("({})", self.dialect.quotient(&a, &b)),
            sign => format!("({a} {sign} {b})"),
        };
        Ok(Sql { text, kind: Kind::Number })
    }

    fn sum(&mut self) -> Result<Sql, String> {
        let mut left = self.product()?;
        loop {
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
                () if self.sign("/") => "/",
                () => return Ok(left),
            };
            let right = self.unary()?;
            left = self.arithmetic(&left, sign, &right)?;
        }
    }

    fn unary(&mut self) -> Result<Sql, String> {
        if self.sign("-") {
            let inner = self.unary()?;
            return Ok(Sql { text: format!("(-{})", as_number(&inner, self.dialect)?), kind: Kind::Number });
        }
        if self.sign("+") {
            return self.unary();
        }
        self.primary()
    }

    fn primary(&mut self) -> Result<Sql, String> {
        let Some(token) = self.words.get(self.at).cloned() else {
            return Err("the expression ends too early".to_owned());
        };
        self.at += 1;
        match token {
            Token::Number(number) => Ok(Sql { text: self.dialect.double(&number), kind: Kind::Number }),
            Token::Text(text) => Ok(Sql { text: self.dialect.text(&text), kind: Kind::Text }),
            Token::Quoted(name) => self.column(&name),
            Token::Sign("(") => {
                let inner = self.either()?;
                self.expect(")")?;
                Ok(Sql { text: format!("({})", inner.text), ..inner })
            }
            Token::Name(name) => match name.to_ascii_uppercase().as_str() {
                "NULL" => Ok(Sql { text: "NULL".to_owned(), kind: Kind::Nothing }),
                "TRUE" => Ok(Parser::boolean("(1 = 1)".to_owned())),
                "FALSE" => Ok(Parser::boolean("(1 = 0)".to_owned())),
                "CASE" => self.case(),
                "CAST" => self.cast(),
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

    fn case(&mut self) -> Result<Sql, String> {
        if !self.is_word(0, "WHEN") {
            return Err("only CASE WHEN … THEN … END is understood".to_owned());
        }
        let mut branches: Vec<(String, Sql)> = Vec::new();
        while self.word("WHEN") {
            let condition = self.either()?;
            let condition = Parser::truth(&condition)?.to_owned();
            if !self.word("THEN") {
                return Err("THEN is missing".to_owned());
            }
            branches.push((condition, self.either()?));
        }
        let other = if self.word("ELSE") { Some(self.either()?) } else { None };
        if !self.word("END") {
            return Err("END is missing".to_owned());
        }
        let values = || branches.iter().map(|(_, value)| value).chain(&other);
        let kind =
            values().map(|value| value.kind).find(|kind| *kind != Kind::Nothing).unwrap_or(Kind::Nothing);
        let same = values().all(|value| value.kind == kind || value.kind == Kind::Nothing);
        let numbers = values().all(|v| matches!(v.kind, Kind::Number | Kind::Boolean | Kind::Nothing));
        let written = |value: &Sql| match (same && kind == Kind::Text, numbers) {
            (true, _) => Ok(value.text.clone()),
            (_, true) => as_number(value, self.dialect),
            _ => Err("the branches of CASE are not of one kind".to_owned()),
        };
        let mut text = String::from("(CASE");
        for (condition, value) in &branches {
            text.push_str(&format!(" WHEN {condition} THEN {}", written(value)?));
        }
        if let Some(other) = &other {
            text.push_str(&format!(" ELSE {}", written(other)?));
        }
        text.push_str(" END)");
        Ok(Sql { text, kind: if same && kind == Kind::Text { Kind::Text } else { Kind::Number } })
    }

    fn cast(&mut self) -> Result<Sql, String> {
        self.expect("(")?;
        let inner = self.either()?;
        if !self.word("AS") {
            return Err("AS is missing in CAST".to_owned());
        }
        let Some(Token::Name(of)) = self.words.get(self.at).cloned() else {
            return Err("a type is missing in CAST".to_owned());
        };
        self.at += 1;
        if of.eq_ignore_ascii_case("DOUBLE") {
            self.word("PRECISION");
        }
        self.expect(")")?;
        match of.to_ascii_uppercase().as_str() {
            "DOUBLE" | "FLOAT" | "FLOAT8" | "REAL" => {
                Ok(Sql { text: as_number(&inner, self.dialect)?, kind: Kind::Number })
            }
            _ => Err(format!("CAST to {of} is not translated: only to DOUBLE")),
        }
    }

    fn function(&mut self, called: &str) -> Result<Sql, String> {
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
        let numbers = || arguments.iter().map(|a| as_number(a, self.dialect)).collect::<Result<Vec<_>, _>>();
        let one = |name: &str| -> Result<Sql, String> {
            match numbers()?.as_slice() {
                [x] => Ok(Sql { text: format!("{name}({x})"), kind: Kind::Number }),
                _ => Err(format!("{called} takes one number")),
            }
        };
        match called {
            "ABS" => one("abs"),
            "FLOOR" => one("floor"),
            "CEIL" | "CEILING" => one("ceil"),
            "EXP" => one("exp"),
            "COALESCE" | "LEAST" | "GREATEST" | "NULLIF" if arguments.len() >= 2 => {
                if called == "NULLIF" && arguments.len() != 2 {
                    return Err("NULLIF takes two values".to_owned());
                }
                let texts = arguments.iter().all(|a| matches!(a.kind, Kind::Text | Kind::Nothing));
                let kind = if texts { Kind::Text } else { Kind::Number };
                let written = match texts {
                    true => arguments.iter().map(|a| a.text.clone()).collect(),
                    false => numbers()?,
                };
                if called != "COALESCE" && called != "NULLIF" {
                    return Err(format!(
                        "{called} treats missing values otherwise in each dialect: use CASE"
                    ));
                }
                let name = if called == "COALESCE" { "coalesce" } else { "nullif" };
                Ok(Sql { text: format!("{name}({})", written.join(", ")), kind })
            }
            "LOWER" | "UPPER" => match arguments.as_slice() {
                [Sql { text, kind: Kind::Text }] => {
                    let name = match (self.dialect.0, called) {
                        (crate::config::valid::Engine::Postgres, "LOWER") => "lower",
                        (crate::config::valid::Engine::Postgres, _) => "upper",
                        (_, "LOWER") => "lowerUTF8",
                        _ => "upperUTF8",
                    };
                    Ok(Sql { text: format!("{name}({text})"), kind: Kind::Text })
                }
                _ => Err(format!("{called} takes one text")),
            },
            _ => Err(format!("the function {called} is not translated")),
        }
    }
}
