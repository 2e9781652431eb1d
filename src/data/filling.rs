//! Columns while they are filled, cell by cell.

use std::borrow::Cow;

use polars::prelude::*;

use super::columns::Kind;
use super::plain::Content;
use super::stamps::DAY;

/// The values of a column.
pub(crate) enum Column {
    Integers(Vec<i64>, Vec<usize>),
    Numbers(Vec<f64>, Vec<usize>),
    Booleans(Vec<Option<bool>>),
    Moments(Vec<Option<i64>>),
    Texts(StringChunkedBuilder),
    /// Its labels are kept elsewhere.
    Labels,
}

impl Column {
    /// An empty column with room for so many rows.
    pub(crate) fn of(kind: Kind, rows: usize) -> Column {
        match kind {
            Kind::Integer => Column::Integers(Vec::with_capacity(rows), Vec::new()),
            Kind::Float => Column::Numbers(Vec::with_capacity(rows), Vec::new()),
            Kind::Boolean => Column::Booleans(Vec::with_capacity(rows)),
            Kind::Date | Kind::Datetime => Column::Moments(Vec::with_capacity(rows)),
            Kind::Text => Column::Texts(StringChunkedBuilder::new(PlSmallStr::EMPTY, rows)),
        }
    }

    /// Adds the content of a cell; `text` gives its text where that is wanted.
    pub(crate) fn push<'t>(&mut self, content: &Content, text: impl Fn() -> Cow<'t, [u8]>) {
        match (self, content) {
            (Column::Integers(values, missing), content) => {
                if let Content::Integer(value) = content {
                    values.push(*value);
                } else {
                    missing.push(values.len());
                    values.push(0);
                }
            }
            (Column::Numbers(values, missing), content) => {
                if let Content::Number(value) = content {
                    values.push(*value);
                } else {
                    missing.push(values.len());
                    values.push(0.0);
                }
            }
            (Column::Booleans(values), Content::Boolean(value)) => values.push(Some(*value)),
            (Column::Booleans(values), _) => values.push(None),
            (Column::Moments(values), Content::Moment(value)) => values.push(Some(*value)),
            (Column::Moments(values), _) => values.push(None),
            (Column::Texts(values), Content::Text) => values.append_value(String::from_utf8_lossy(&text())),
            (Column::Texts(values), _) => values.append_null(),
            (Column::Labels, _) => {}
        }
    }

    /// The column without a name; none for labels.
    pub(crate) fn series(self, kind: Kind) -> Option<Series> {
        let name = PlSmallStr::EMPTY;
        Some(match self {
            Column::Labels => return None,
            Column::Integers(values, missing) if missing.is_empty() => {
                Int64Chunked::from_vec(name, values).into_series()
            }
            Column::Integers(values, missing) => {
                Int64Chunked::new(name, gaps(values, &missing)).into_series()
            }
            Column::Numbers(values, missing) if missing.is_empty() => {
                Float64Chunked::from_vec(name, values).into_series()
            }
            Column::Numbers(values, missing) => {
                Float64Chunked::new(name, gaps(values, &missing)).into_series()
            }
            Column::Booleans(values) => BooleanChunked::new(name, values).into_series(),
            Column::Moments(values) if kind == Kind::Date => {
                let days: Vec<Option<i32>> = values
                    .into_iter()
                    .map(|micros| micros.map(|micros| micros.div_euclid(DAY) as i32))
                    .collect();
                Int32Chunked::new(name, days).into_date().into_series()
            }
            Column::Moments(values) => {
                Int64Chunked::new(name, values).into_datetime(TimeUnit::Microseconds, None).into_series()
            }
            Column::Texts(values) => values.finish().into_series(),
        })
    }
}

/// Values of which some are missing.
fn gaps<T>(values: Vec<T>, missing: &[usize]) -> Vec<Option<T>> {
    let mut values: Vec<Option<T>> = values.into_iter().map(Some).collect();
    missing.iter().for_each(|row| values[*row] = None);
    values
}
