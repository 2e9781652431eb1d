//! Columns of text to columns of their kind, for what polars would not read as people mean it: decimal commas, ИСТИНА,
//! 01.03.2024, `NA`.

use polars::prelude::*;

use super::columns::{Kind, Plan};
use super::{cells, dates};

/// A column of text as numbers, booleans, dates or text without blanks; the rows whose cells do not fit.
pub(crate) fn convert(strings: &StringChunked, plan: Plan) -> (Series, Vec<usize>) {
    let mut bad = Vec::new();
    let name = PlSmallStr::EMPTY;
    let series = match plan.kind {
        Kind::Float => {
            let values: Vec<Option<f64>> = typed(strings, &mut bad, |cell| cells::number(cell, plan.decimal));
            Float64Chunked::new(name, values).into_series()
        }
        Kind::Integer => {
            let decimal = plan.decimal;
            let values: Vec<Option<i64>> = typed(strings, &mut bad, |cell| integer(cell, decimal));
            Int64Chunked::new(name, values).into_series()
        }
        Kind::Boolean => {
            let values: Vec<Option<bool>> = typed(strings, &mut bad, cells::boolean);
            BooleanChunked::new(name, values).into_series()
        }
        Kind::Date => {
            const DAY: i64 = 86_400_000_000;
            let values: Vec<Option<i32>> = typed(strings, &mut bad, |cell| {
                dates::stamp(cells::trim(cell)).map(|stamp| stamp.micros.div_euclid(DAY) as i32)
            });
            Int32Chunked::new(name, values).into_date().into_series()
        }
        Kind::Datetime => {
            let values: Vec<Option<i64>> =
                typed(strings, &mut bad, |cell| dates::stamp(cells::trim(cell)).map(|stamp| stamp.micros));
            Int64Chunked::new(name, values).into_datetime(TimeUnit::Microseconds, None).into_series()
        }
        Kind::Text => {
            let values: Vec<Option<&str>> = strings
                .iter()
                .map(|cell| cell.filter(|cell| !cells::trim(cell.as_bytes()).is_empty()))
                .collect();
            StringChunked::new(name, values).into_series()
        }
    };
    (series, bad)
}

fn typed<T>(
    strings: &StringChunked,
    bad: &mut Vec<usize>,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Vec<Option<T>> {
    strings
        .iter()
        .enumerate()
        .map(|(row, cell)| {
            let cell = cell?.as_bytes();
            let value = read(cell);
            if value.is_none() && !cells::is_missing(cell) {
                bad.push(row);
            }
            value
        })
        .collect()
}

/// An integer below 10¹⁸, exactly; `f64` would round above 2⁵³.
pub(crate) fn integer(cell: &[u8], decimal: u8) -> Option<i64> {
    let value = cells::number(cell, decimal)?;
    if value.abs() < 9e15 {
        return (value.fract() == 0.0).then_some(value as i64);
    }
    let text = std::str::from_utf8(cell).ok()?;
    let digits: String = text
        .chars()
        .map(|c| if c == '\u{2212}' { '-' } else { c })
        .filter(|c| c.is_ascii_digit() || *c == '-')
        .collect();
    digits.parse().ok()
}
