//! The overview: every column of the data at a glance, as an analyst looks at it first.

use polars::prelude::*;
use serde::Serialize;

use super::columns::Kind;
use super::failure::sentence;
use super::stamps::{civil, micros};
use crate::config::valid::ColumnRule;
use crate::diag::Diagnostic;

/// The kind of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Numbers.
    Number,
    /// Text; groups and units are always text.
    Text,
    /// True or false; statistics take true as 1.
    Boolean,
    /// Dates or time stamps.
    Date,
}

impl From<Kind> for ColumnKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Integer | Kind::Float => ColumnKind::Number,
            Kind::Boolean => ColumnKind::Boolean,
            Kind::Date | Kind::Datetime => ColumnKind::Date,
            Kind::Text => ColumnKind::Text,
        }
    }
}

/// One column at a glance. Statistics are those of its finite values and absent where there are none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnOverview {
    /// Name in the file.
    pub name: String,
    /// Kind.
    pub kind: ColumnKind,
    /// Rows with a value.
    pub count: u64,
    /// Rows without one: empty cells, words such as `NA`, cells that could not be read.
    pub missing: u64,
    /// Cells that hold a word for a missing value (`NA`, `NULL`, `#Н/Д`), among `missing`.
    pub markers: u64,
    /// Cells of another kind than the column, among `missing`; only in columns that no metric reads.
    pub unreadable: u64,
    /// Infinite values, among `count`.
    pub non_finite: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Sample standard deviation (n − 1).
    pub std: Option<f64>,
    /// Smallest value.
    pub min: Option<f64>,
    /// First quartile, linear interpolation (type 7 of Hyndman & Fan, as numpy and pandas).
    pub q25: Option<f64>,
    /// Median.
    pub median: Option<f64>,
    /// Third quartile.
    pub q75: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
    /// Rows that break the validity rule of the column.
    pub invalid: u64,
    /// Different texts; none for other kinds.
    pub distinct: Option<u64>,
    /// First date or time stamp, ISO 8601; none for other kinds.
    pub earliest: Option<String>,
    /// Last one.
    pub latest: Option<String>,
}

impl ColumnOverview {
    /// A column of which nothing is known but its kind.
    pub(crate) fn nothing(name: &str, kind: Kind) -> ColumnOverview {
        ColumnOverview {
            name: name.to_string(),
            kind: kind.into(),
            count: 0,
            missing: 0,
            markers: 0,
            unreadable: 0,
            non_finite: 0,
            mean: None,
            std: None,
            min: None,
            q25: None,
            median: None,
            q75: None,
            max: None,
            invalid: 0,
            distinct: None,
            earliest: None,
            latest: None,
        }
    }
}

/// Describes one column.
///
/// # Errors
/// `data::overview` when polars cannot compute on the column, which is a defect of this program.
pub(crate) fn describe(series: &Series, kind: Kind, invalid: u64) -> Result<ColumnOverview, Diagnostic> {
    let mut overview = ColumnOverview {
        count: (series.len() - series.null_count()) as u64,
        missing: series.null_count() as u64,
        invalid,
        ..ColumnOverview::nothing(series.name(), kind)
    };
    let defect = |error: PolarsError| {
        Diagnostic::error("data::overview", format!("column `{}`: {}", series.name(), sentence(&error)))
    };
    match kind {
        Kind::Integer | Kind::Float | Kind::Boolean => numbers(series, &mut overview).map_err(defect)?,
        Kind::Text => {
            let distinct = series.n_unique().map_err(defect)? as u64;
            overview.distinct = Some(distinct - u64::from(series.null_count() > 0));
        }
        Kind::Date | Kind::Datetime => {
            let stamps = micros(series).map_err(defect)?;
            let timed = kind == Kind::Datetime;
            overview.earliest = stamps.iter().flatten().min().and_then(|stamp| iso(*stamp, timed));
            overview.latest = stamps.iter().flatten().max().and_then(|stamp| iso(*stamp, timed));
        }
    }
    Ok(overview)
}

fn numbers(series: &Series, overview: &mut ColumnOverview) -> PolarsResult<()> {
    let values = series.cast(&DataType::Float64)?;
    let mut finite: Vec<f64> = values.f64()?.iter().flatten().filter(|value| value.is_finite()).collect();
    overview.non_finite = overview.count - finite.len() as u64;
    // One chunk in row order: the rounding of the sums does not depend on the number of threads.
    let chunk = Float64Chunked::from_slice(PlSmallStr::EMPTY, &finite);
    overview.mean = chunk.mean();
    overview.std = chunk.std(1);
    overview.min = finite.iter().copied().min_by(f64::total_cmp);
    overview.max = finite.iter().copied().max_by(f64::total_cmp);
    overview.q25 = quantile(&mut finite, 0.25);
    overview.median = quantile(&mut finite, 0.5);
    overview.q75 = quantile(&mut finite, 0.75);
    Ok(())
}

/// Type 7 of Hyndman & Fan (1996), by selection: three places need no sorted column. The values change their order.
fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = last as f64 * share;
    let below = place.floor() as usize;
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some(low + (high - low) * (place - below as f64))
}

/// A time stamp in ISO 8601, the date alone unless `timed`.
pub(crate) fn iso(micros: i64, timed: bool) -> Option<String> {
    let stamp = civil(micros)?;
    Some(if timed { stamp.to_string() } else { stamp.date().to_string() })
}

/// Which rows break a rule.
///
/// # Errors
/// `data::rule-type` when the rule bounds a column that is not numeric.
pub(crate) fn broken(
    rule: &ColumnRule,
    series: &Series,
    kind: Kind,
    key: &str,
) -> Result<Vec<bool>, Diagnostic> {
    let bounded = rule.min.is_some() || rule.max.is_some();
    if bounded && !matches!(kind, Kind::Integer | Kind::Float | Kind::Boolean) {
        return Err(Diagnostic::error(
            "data::rule-type",
            format!("{key}.`{}` has `min` or `max`, but the column holds {}", rule.column, kind.word()),
        )
        .hint("bounds are for numbers; check the decimal mark and the separator of the file"));
    }
    if !bounded {
        return Ok(series.is_null().iter().map(|missing| rule.required && missing == Some(true)).collect());
    }
    let failed = |error: PolarsError| {
        Diagnostic::error("data::rule-type", format!("{key}.`{}`: {}", rule.column, sentence(&error)))
    };
    let values = series.cast(&DataType::Float64).map_err(failed)?;
    let values = values.f64().map_err(failed)?;
    Ok(values
        .iter()
        .map(|value| match value {
            None => rule.required,
            Some(value) => rule.min.is_some_and(|min| value < min) || rule.max.is_some_and(|max| value > max),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 3, 4], [0.25, 0.5, 0.75])
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&mut values, 0.25), Some(1.75));
        assert_eq!(quantile(&mut values, 0.5), Some(2.5));
        assert_eq!(quantile(&mut values, 0.75), Some(3.25));
        assert_eq!(quantile(&mut [7.0], 0.75), Some(7.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn a_column_without_values_has_no_statistics() {
        let empty = Series::new("x".into(), [None::<f64>, None]);
        let overview = describe(&empty, Kind::Float, 0).unwrap();
        assert_eq!((overview.count, overview.missing, overview.mean, overview.std), (0, 2, None, None));
        let one = Series::new("x".into(), [Some(3.0), Some(f64::INFINITY)]);
        let overview = describe(&one, Kind::Float, 0).unwrap();
        assert_eq!(
            (overview.count, overview.non_finite, overview.mean, overview.std),
            (2, 1, Some(3.0), None)
        );
    }
}
