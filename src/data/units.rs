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

    /// A number for the unit of every row that is the same wherever and whenever the unit is met; none for rows without one.
    pub(crate) fn hashes(&self) -> Vec<Option<u64>> {
        let mut found = Vec::with_capacity(self.len());
        self.for_each(|unit| found.push(unit.map(|unit| unit.hash())));
        found
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

    /// Multiplication spreads the bits upwards, the shift brings them back down (the finaliser of SplitMix64, Steele, Lea & Flood
    /// 2014; texts as a chain of it over eight bytes each). Units that meet in one number are still told apart.
    fn hash(&self) -> u64 {
        fn mixed(number: u64) -> u64 {
            let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            number ^ number >> 31
        }
        match self {
            Unit::Number(number) => mixed(*number as u64),
            Unit::Text(text) => text.as_bytes().chunks(8).fold(text.len() as u64, |so_far, chunk| {
                let word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
                mixed(so_far ^ word)
            }),
        }
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

/// What names units in all tables, numbered in the order in which the names were first met.
#[derive(Default)]
pub(crate) struct Names<'a> {
    // Only looked up, never iterated over: the order of a hash map decides nothing here.
    numbers: PlHashMap<i64, u32>,
    texts: PlHashMap<&'a str, u32>,
    count: u32,
}

impl<'a> Names<'a> {
    /// How many names there are.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// The number of the name in every row, new names numbered on; [`NONE`] for rows without one.
    pub(crate) fn number(&mut self, column: &UnitColumn<'a>) -> Vec<u32> {
        self.number_where(column, |_| true)
    }

    /// [`Names::number`] of the rows that are wanted, [`NONE`] for all others.
    pub(crate) fn number_where(
        &mut self,
        column: &UnitColumn<'a>,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Vec<u32> {
        let mut found = Vec::with_capacity(column.len());
        column.for_each(|unit| {
            let unit = unit.filter(|_| is_wanted(found.len()));
            found.push(unit.map_or(NONE, |unit| self.add(unit)));
        });
        found
    }

    /// The number of the name in every row, [`UNKNOWN`] for names that were not met, and [`NONE`] for rows without one.
    pub(crate) fn find(&self, column: &UnitColumn) -> Vec<u32> {
        let mut found = Vec::with_capacity(column.len());
        column.for_each(|unit| {
            found.push(unit.map_or(NONE, |unit| self.get(unit).unwrap_or(UNKNOWN)));
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

/// Units in the order in which they were first met: every name is one, except that all devices of a user are one.
pub(crate) struct UnitIndex<'a> {
    users: Option<&'a Users>,
    /// Number of the unit by its name, or by its user after all names.
    numbers: Vec<u32>,
    names: usize,
    count: u32,
}

impl<'a> UnitIndex<'a> {
    /// Nobody met yet, of so many names.
    pub(crate) fn new(names: usize, users: Option<&'a Users>) -> UnitIndex<'a> {
        let keys = names + users.map_or(0, |users| users.count as usize);
        UnitIndex { users, numbers: vec![NONE; keys], names, count: 0 }
    }

    /// How many units there are.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }

    /// The number of the unit of every name, new units numbered on; [`NONE`] where there is no name.
    pub(crate) fn number(&mut self, names: &[u32]) -> Vec<u32> {
        names.iter().map(|name| if *name == NONE { NONE } else { self.add(*name) }).collect()
    }

    /// The number of the unit of every name: as it is known here, or numbered on in `others` with the bit [`UNKNOWN`].
    pub(crate) fn look_up(&self, names: &[u32], others: &mut UnitIndex) -> Vec<u32> {
        let number = |name: &u32| match *name {
            NONE => NONE,
            name => self.get(name).unwrap_or_else(|| others.add(name) | UNKNOWN),
        };
        names.iter().map(number).collect()
    }

    /// The unit of a name, where it was met.
    pub(crate) fn get(&self, name: u32) -> Option<u32> {
        Some(self.numbers[self.key(name)]).filter(|number| *number != NONE)
    }

    fn key(&self, name: u32) -> usize {
        let user = self.users.map_or(NONE, |users| users.of_name[name as usize]);
        if user == NONE { name as usize } else { self.names + user as usize }
    }

    fn add(&mut self, name: u32) -> u32 {
        let key = self.key(name);
        if self.numbers[key] == NONE {
            self.numbers[key] = self.count;
            self.count += 1;
        }
        self.numbers[key]
    }
}

/// The users that names of devices stand for.
#[derive(Debug, Default)]
pub(crate) struct Users {
    /// User of every name; [`NONE`] where it is not known.
    pub of_name: Vec<u32>,
    /// How many users there are.
    pub count: u32,
}

/// Marks the number of a unit that exposures do not know, and stands for any name that was not met.
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
        let mut names = Names::default();
        assert_eq!(names.number(&UnitColumn::Texts(&texts)), [0, 1, 2, 3, NONE, NONE, 4, 0]);
        assert_eq!(names.find(&UnitColumn::Numbers(&numbers)), [1, NONE, 0, UNKNOWN, UNKNOWN]);
        assert_eq!(names.number(&UnitColumn::Numbers(&numbers)), [1, NONE, 0, 5, 6]);
        assert_eq!(
            names.number_where(&UnitColumn::Numbers(&numbers), |row| row == 2),
            [NONE, NONE, 0, NONE, NONE]
        );
        assert_eq!(names.len(), 7);
        for written in ["9223372036854775807", "-9223372036854775808", "0", "-5"] {
            assert_eq!(Unit::from_text(written), Some(Unit::Number(written.parse().unwrap())));
        }
        for written in ["9223372036854775808", "00", "+5", "1.0", "none"] {
            assert_eq!(Unit::from_text(written), Some(Unit::Text(written)));
        }
    }

    #[test]
    fn devices_of_a_user_are_one_unit() {
        let users = Users { of_name: vec![NONE, 1, NONE, 1, 0], count: 2 };
        let mut index = UnitIndex::new(5, Some(&users));
        assert_eq!(index.number(&[2, 1, NONE, 0, 1]), [0, 1, NONE, 2, 1]);
        let mut others = UnitIndex::new(5, Some(&users));
        assert_eq!(index.look_up(&[3, 4, NONE, 0], &mut others), [1, UNKNOWN, NONE, 2]);
        assert_eq!((index.len(), others.len(), index.get(4)), (3, 1, None));
        assert_eq!(UnitIndex::new(5, None).number(&[4, 3, 4]), [0, 1, 0]);
    }
}
