//! Units by number: the same unit has the same number in every table.

use polars::prelude::*;

use super::accounting::{defect, series};
use super::cells;
use super::names::NONE;
use crate::diag::Diagnostic;

/// The column of units of a table: whole numbers from Parquet, text from everything else.
pub(crate) enum UnitColumn<'a> {
    Numbers(&'a Int64Chunked),
    Texts(&'a StringChunked),
}

impl<'a> UnitColumn<'a> {
    /// The column of that name.
    pub(crate) fn of(frame: &'a DataFrame, name: &str) -> Result<UnitColumn<'a>, Diagnostic> {
        let column = series(frame, name)?;
        match column.i64() {
            Ok(numbers) => Ok(UnitColumn::Numbers(numbers)),
            Err(_) => Ok(UnitColumn::Texts(column.str().map_err(|error| defect(&error))?)),
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            UnitColumn::Numbers(numbers) => numbers.len(),
            UnitColumn::Texts(texts) => texts.len(),
        }
    }

    /// The unit of every row.
    fn for_each(&self, mut see: impl FnMut(Option<Unit<'a>>)) {
        match self {
            UnitColumn::Numbers(numbers) => numbers.iter().for_each(|number| see(number.map(Unit::Number))),
            UnitColumn::Texts(texts) => texts.iter().for_each(|text| see(text.and_then(Unit::from_text))),
        }
    }
}

/// What names a unit. Texts that are whole numbers as a database writes them are those numbers, so that an integer column
/// in Parquet and a text column in CSV name the same units, and `007` is not 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit<'a> {
    Number(i64),
    Text(&'a str),
}

impl<'a> Unit<'a> {
    fn from_text(text: &'a str) -> Option<Unit<'a>> {
        let text = text.trim();
        if let Some(number) = canonical_integer(text.as_bytes()) {
            return Some(Unit::Number(number));
        }
        (!is_no_label(text)).then_some(Unit::Text(text))
    }
}

/// The value of a whole number that is written in the one way that a number is printed.
fn canonical_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    // No more digits fit; `parse` refuses what nineteen digits hold beyond the range.
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if digits[0] == b'0' && text.len() > 1 {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether a group or a unit is written as a missing value. `none` and a dash may well be groups: those who get nothing.
pub(crate) fn is_no_label(label: &str) -> bool {
    let may_be_a_group = label.eq_ignore_ascii_case("none") || matches!(label, "-" | "–" | "—");
    cells::is_missing(label.as_bytes()) && !may_be_a_group
}

/// Units in the order in which they were first met.
#[derive(Default)]
pub(crate) struct UnitIndex<'a> {
    // Only looked up, never iterated over: the order of a hash map decides nothing here.
    numbers: PlHashMap<i64, u32>,
    texts: PlHashMap<&'a str, u32>,
    count: u32,
}

impl<'a> UnitIndex<'a> {
    /// How many units there are.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// The number of the unit of every row, new units numbered on; [`NONE`] for rows without a unit.
    pub(crate) fn number(&mut self, column: &UnitColumn<'a>) -> Vec<u32> {
        let mut found = Vec::with_capacity(column.len());
        column.for_each(|unit| found.push(unit.map_or(NONE, |unit| self.add(unit))));
        found
    }

    /// The number of the unit of every row: as it is known here, or numbered on in `others` with the bit [`UNKNOWN`].
    pub(crate) fn look_up(&self, column: &UnitColumn<'a>, others: &mut UnitIndex<'a>) -> Vec<u32> {
        let mut found = Vec::with_capacity(column.len());
        column.for_each(|unit| {
            found.push(match unit {
                None => NONE,
                Some(unit) => self.get(unit).unwrap_or_else(|| others.add(unit) | UNKNOWN),
            });
        });
        found
    }

    fn add(&mut self, unit: Unit<'a>) -> u32 {
        let next = self.count;
        let number = match unit {
            Unit::Number(number) => *self.numbers.entry(number).or_insert(next),
            Unit::Text(text) => *self.texts.entry(text).or_insert(next),
        };
        self.count += u32::from(number == next);
        number
    }

    fn get(&self, unit: Unit) -> Option<u32> {
        match unit {
            Unit::Number(number) => self.numbers.get(&number).copied(),
            Unit::Text(text) => self.texts.get(text).copied(),
        }
    }
}

/// Marks the number of a unit that exposures do not know.
pub(crate) const UNKNOWN: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_compared_as_they_are_printed() {
        let texts = StringChunked::new(
            "u".into(),
            [Some("7"), Some(" 8 "), Some("007"), Some("u1"), None, Some("NULL"), Some("-0"), Some("7")],
        );
        let numbers = Int64Chunked::new("u".into(), [Some(8), None, Some(7), Some(i64::MIN), Some(9)]);
        let mut index = UnitIndex::default();
        assert_eq!(index.number(&UnitColumn::Texts(&texts)), [0, 1, 2, 3, NONE, NONE, 4, 0]);
        let mut others = UnitIndex::default();
        let found = index.look_up(&UnitColumn::Numbers(&numbers), &mut others);
        assert_eq!(found, [1, NONE, 0, UNKNOWN, 1 | UNKNOWN]);
        assert_eq!((index.len(), others.len()), (5, 2));
        for written in ["9223372036854775807", "-9223372036854775808", "0", "-5"] {
            assert_eq!(Unit::from_text(written), Some(Unit::Number(written.parse().unwrap())));
        }
        for written in ["9223372036854775808", "00", "+5", "1.0", "none"] {
            assert_eq!(Unit::from_text(written), Some(Unit::Text(written)));
        }
    }
}
