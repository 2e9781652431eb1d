//! The times of rows, and which of two is earlier.

use polars::prelude::*;
use serde::Serialize;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// Stands for "no time".
pub(crate) const NO_TIME: i64 = i64::MIN;

/// The time that rows cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TimeRange {
    /// Time of the first row, in the calendar the data uses.
    pub first: jiff::civil::DateTime,
    /// Time of the last row.
    pub last: jiff::civil::DateTime,
    /// Rows without a time.
    pub missing: u64,
}

/// The time of every row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamps {
    /// Microseconds since 1970 in the calendar of the data, or [`NO_TIME`].
    pub micros: Vec<i64>,
    /// Some row names a time of day. Where all are at midnight the column holds dates, whatever its type.
    pub timed: bool,
}

impl Stamps {
    /// The times of rows; none when no row has one.
    pub(crate) fn of(micros: Vec<i64>) -> Option<Stamps> {
        if micros.iter().all(|micros| *micros == NO_TIME) {
            return None;
        }
        let timed = micros.iter().any(|micros| *micros != NO_TIME && micros.rem_euclid(DAY) != 0);
        Some(Stamps { micros, timed })
    }

    /// The latest time.
    pub(crate) fn last(&self) -> Option<i64> {
        self.micros.iter().copied().filter(|micros| *micros != NO_TIME).max()
    }

    /// The time that the rows cover; none when no row has a time.
    pub(crate) fn range(&self) -> Option<TimeRange> {
        let known = || self.micros.iter().copied().filter(|micros| *micros != NO_TIME);
        let (first, last) = (civil(known().min()?)?, civil(known().max()?)?);
        Some(TimeRange { first, last, missing: (self.micros.len() - known().count()) as u64 })
    }
}

/// The times in a column of dates or time stamps; none when it holds not one.
pub(crate) fn stamps(series: &Series) -> PolarsResult<Option<Stamps>> {
    Ok(Stamps::of(micros(series)?.into_iter().map(|stamp| stamp.unwrap_or(NO_TIME)).collect()))
}

/// Whether one time is before another. A date stands for its whole day: unless both name a time of day, days are compared.
pub(crate) fn is_before(micros: i64, other: i64, both_timed: bool) -> bool {
    if both_timed { micros < other } else { micros.div_euclid(DAY) < other.div_euclid(DAY) }
}

/// Midnight of a date.
pub(crate) fn midnight(date: jiff::civil::Date) -> i64 {
    let days = date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24;
    days * DAY
}

/// Dates or time stamps as microseconds since 1970.
pub(crate) fn micros(series: &Series) -> PolarsResult<Vec<Option<i64>>> {
    let stamps = series.cast(&DataType::Datetime(TimeUnit::Microseconds, None))?;
    let physical = stamps.to_physical_repr();
    Ok(physical.i64()?.iter().collect())
}

/// A time stamp as a calendar time; none outside the years 1 to 9999.
pub(crate) fn civil(micros: i64) -> Option<jiff::civil::DateTime> {
    let stamp = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(stamp))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_date_covers_its_day() {
        let day = midnight(date(2026, 3, 2));
        assert_eq!(civil(day), Some(date(2026, 3, 2).at(0, 0, 0, 0)));
        assert_eq!(midnight(date(1969, 12, 31)), -DAY);
        let (morning, evening) = (day + DAY / 3, day + DAY / 2);
        assert!(is_before(morning, evening, true) && !is_before(evening, morning, true));
        assert!(!is_before(day, day, true));
        assert!(!is_before(day, evening, false) && is_before(day - 1, evening, false));
    }

    #[test]
    fn stamps_at_midnight_are_dates() {
        let of = |micros: &[Option<i64>]| {
            let series = Int64Chunked::new("t".into(), micros)
                .into_datetime(TimeUnit::Microseconds, None)
                .into_series();
            stamps(&series).unwrap()
        };
        assert_eq!(of(&[Some(DAY), None]), Some(Stamps { micros: vec![DAY, NO_TIME], timed: false }));
        assert!(of(&[Some(DAY), Some(DAY + 1)]).unwrap().timed);
        assert_eq!(of(&[None]), None);
        let range = of(&[Some(DAY), None, Some(0)]).unwrap().range().unwrap();
        assert_eq!((range.first.to_string().as_str(), range.missing), ("1970-01-01T00:00:00", 1));
    }
}
