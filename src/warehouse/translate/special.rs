//! What has a syntax of its own: CASE, CAST, EXTRACT.

use super::super::dialect::Kind;
use super::super::lexer::Token;
use super::{Parser, Sql, as_number};
use crate::config::valid::Engine;

impl Parser<'_> {
    /// After the word CASE.
    pub(super) fn case(&mut self) -> Result<Sql, String> {
        let compared = if self.is_word(0, "WHEN") { None } else { Some(self.either()?) };
        let mut branches: Vec<(String, Sql)> = Vec::new();
        while self.word("WHEN") {
            let condition = self.either()?;
            let condition = match &compared {
                None => Parser::truth(&condition)?.to_owned(),
                Some(value) => self.compared(value, "=", &condition)?.text,
            };
            if !self.word("THEN") {
                return Err("THEN is missing".to_owned());
            }
            branches.push((condition, self.either()?));
        }
        if branches.is_empty() {
            return Err("WHEN is missing after CASE".to_owned());
        }
        let other = if self.word("ELSE") { Some(self.either()?) } else { None };
        if !self.word("END") {
            return Err("END is missing".to_owned());
        }
        self.chosen(branches, other)
    }

    /// The first of some values whose condition holds.
    pub(super) fn chosen(&self, branches: Vec<(String, Sql)>, other: Option<Sql>) -> Result<Sql, String> {
        let values = || branches.iter().map(|(_, value)| value).chain(&other);
        let texts = values().all(|value| matches!(value.kind, Kind::Text | Kind::Nothing))
            && values().any(|value| value.kind == Kind::Text);
        let numbers = values().all(|v| matches!(v.kind, Kind::Number | Kind::Boolean | Kind::Nothing));
        let written = |value: &Sql| match (texts, numbers) {
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
        let whole = values().all(|value| value.whole || value.kind == Kind::Nothing);
        Ok(Sql { whole, ..Sql::of(if texts { Kind::Text } else { Kind::Number }, text) })
    }

    /// After the word CAST.
    pub(super) fn cast(&mut self) -> Result<Sql, String> {
        self.expect("(")?;
        let inner = self.either()?;
        if !self.word("AS") {
            return Err("AS is missing in CAST".to_owned());
        }
        let found = self.cast_to(&inner)?;
        self.expect(")")?;
        Ok(found)
    }

    /// Before the name of a type.
    pub(super) fn cast_to(&mut self, inner: &Sql) -> Result<Sql, String> {
        let Some(Token::Name(of)) = self.words.get(self.at).cloned() else {
            return Err("a type is missing in CAST".to_owned());
        };
        self.at += 1;
        if of.eq_ignore_ascii_case("DOUBLE") {
            self.word("PRECISION");
        }
        match (of.to_ascii_uppercase().as_str(), inner.kind) {
            ("DOUBLE" | "FLOAT" | "FLOAT8" | "REAL", _) => Ok(Sql::number(as_number(inner, self.dialect)?)),
            ("INT" | "INTEGER" | "BIGINT" | "INT8", _) => {
                Ok(Sql::whole(format!("trunc({})", as_number(inner, self.dialect)?)))
            }
            ("DATE", Kind::Date) => Ok(inner.clone()),
            ("DATE", Kind::Stamp) => {
                let text = match self.dialect.0 {
                    Engine::Postgres => format!("CAST({} AS date)", inner.text),
                    Engine::Clickhouse => format!("toDate({})", inner.text),
                };
                Ok(Sql::of(Kind::Date, text))
            }
            _ => Err(format!(
                "CAST to {of} is not translated: only to DOUBLE, INTEGER, and a time stamp to DATE"
            )),
        }
    }

    /// After `EXTRACT(`.
    pub(super) fn extract(&mut self) -> Result<Sql, String> {
        let Some(Token::Name(part)) = self.words.get(self.at).cloned() else {
            return Err("EXTRACT needs a part of a date, such as EXTRACT(hour FROM time)".to_owned());
        };
        self.at += 1;
        if !self.word("FROM") {
            return Err("FROM is missing in EXTRACT".to_owned());
        }
        let of = self.either()?;
        self.expect(")")?;
        self.part(&part, &of)
    }

    /// A part of a date or of a time of day.
    pub(super) fn part(&self, part: &str, of: &Sql) -> Result<Sql, String> {
        let part = part.to_ascii_lowercase();
        let (postgres, clickhouse, of_day) = match part.as_str() {
            "year" => ("year", "toYear(?)", true),
            "isoyear" => ("isoyear", "toISOYear(?)", true),
            "quarter" => ("quarter", "toQuarter(?)", true),
            "month" => ("month", "toMonth(?)", true),
            "week" | "isoweek" => ("week", "toISOWeek(?)", true),
            "day" => ("day", "toDayOfMonth(?)", true),
            "doy" | "dayofyear" => ("doy", "toDayOfYear(?)", true),
            "dow" | "dayofweek" => ("dow", "toDayOfWeek(?) % 7", true),
            "isodow" => ("isodow", "toDayOfWeek(?)", true),
            "hour" => ("hour", "toHour(?)", false),
            "minute" => ("minute", "toMinute(?)", false),
            "second" => ("second", "toSecond(?)", false),
            _ => return Err(format!("the part `{part}` of a date is not translated")),
        };
        match of.kind {
            Kind::Date if of_day => {}
            Kind::Stamp => {}
            _ => {
                return Err(format!(
                    "`{part}` is a part of {}",
                    if of_day { "a date" } else { "a time stamp" }
                ));
            }
        }
        Ok(Sql::whole(match self.dialect.0 {
            Engine::Postgres => self.dialect.double(&format!("floor(EXTRACT({postgres} FROM {}))", of.text)),
            Engine::Clickhouse => self.dialect.double(&clickhouse.replace('?', &of.text)),
        }))
    }
}
