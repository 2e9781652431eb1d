//! Numbers as most files write them, read in one look; everything else is left to `cells`.

use crate::data::cells;
use crate::data::columns::{Evidence, Kind, Plan};
use crate::data::convert::integer;
use crate::data::dates;

/// Powers of ten that are whole numbers of a double.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// `-?\d+([.,]\d+)?` of at most 18 digits, without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plain {
    negative: bool,
    digits: u64,
    whole: usize,
    decimals: usize,
    /// 0 without a decimal mark.
    mark: u8,
}

fn plain(cell: &[u8]) -> Option<Plain> {
    let negative = cell.first() == Some(&b'-');
    let body = &cell[usize::from(negative)..];
    if body.is_empty() || body.len() > 19 {
        return None;
    }
    let (mut digits, mut mark, mut at) = (0_u64, 0, 0);
    for (index, byte) in body.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
            b'.' | b',' if mark == 0 => (mark, at) = (*byte, index),
            _ => return None,
        }
    }
    let whole = if mark == 0 { body.len() } else { at };
    let decimals = if mark == 0 { 0 } else { body.len() - at - 1 };
    let is_plain = whole > 0 && (whole == 1 || body[0] != b'0') && (mark == 0 || decimals > 0);
    (is_plain && whole + decimals <= 18).then_some(Plain { negative, digits, whole, decimals, mark })
}

impl Plain {
    /// The value, correctly rounded (Clinger 1990): both numbers are exact and are divided once; none where they are not.
    fn value(&self) -> Option<f64> {
        let exact = self.digits <= 1 << 53;
        let value = self.digits as f64 / POWERS[self.decimals];
        exact.then_some(if self.negative { -value } else { value })
    }
}

/// The content of a cell in its column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Missing,
    Integer(i64),
    Number(f64),
    Boolean(bool),
    /// Microseconds since 1970.
    Moment(i64),
    Text,
}

/// Reads a cell under the plan of its column and takes it into account; none where it does not fit.
pub(crate) fn read(cell: &[u8], plan: Plan, evidence: &mut Evidence) -> Option<Content> {
    let Some(number) = plain(cell) else {
        evidence.add(cell);
        return slowly(cell, plan);
    };
    match number.mark {
        0 => evidence.integers += 1,
        b'.' => evidence.dot += 1,
        _ if number.decimals == 3 && number.whole <= 3 && cell[usize::from(number.negative)] != b'0' => {
            evidence.unclear += 1;
        }
        _ => evidence.comma += 1,
    }
    match plan.kind {
        Kind::Integer if number.mark == 0 => {
            let value = number.digits as i64;
            Some(Content::Integer(if number.negative { -value } else { value }))
        }
        Kind::Float if number.mark == 0 || number.mark == plan.decimal => match number.value() {
            Some(value) => Some(Content::Number(value)),
            None => slowly(cell, plan),
        },
        _ => slowly(cell, plan),
    }
}

/// As [`convert`](crate::data::convert::convert) reads it.
fn slowly(cell: &[u8], plan: Plan) -> Option<Content> {
    let found = match plan.kind {
        Kind::Text => {
            let blank = cells::trim(cell).is_empty();
            return Some(if blank { Content::Missing } else { Content::Text });
        }
        Kind::Integer => integer_of(cell, plan.decimal).map(Content::Integer),
        Kind::Float => cells::number(cell, plan.decimal).map(Content::Number),
        Kind::Boolean => cells::boolean(cell).map(Content::Boolean),
        Kind::Date | Kind::Datetime => {
            dates::stamp(cells::trim(cell)).map(|stamp| Content::Moment(stamp.micros))
        }
    };
    found.or_else(|| cells::is_missing(cell).then_some(Content::Missing))
}

fn integer_of(cell: &[u8], decimal: u8) -> Option<i64> {
    // What is no text is no number either.
    std::str::from_utf8(cell).ok().and_then(|_| integer(cell, decimal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str, decimal: u8) -> Option<Content> {
        read(text.as_bytes(), Plan { kind: Kind::Float, decimal }, &mut Evidence::default())
    }

    #[test]
    fn cells_are_read_by_their_column() {
        assert_eq!(number("18.70", b'.'), Some(Content::Number(18.7)));
        assert_eq!(number("-0,5", b','), Some(Content::Number(-0.5)));
        assert_eq!(number("1,303", b'.'), Some(Content::Number(1303.0)));
        assert_eq!(
            (number("12,5", b'.'), number("", b'.'), number("NA", b'.')),
            (None, Some(Content::Missing), Some(Content::Missing))
        );
        let whole = Plan { kind: Kind::Integer, decimal: b'.' };
        let mut evidence = Evidence::default();
        assert_eq!(read(b"-12", whole, &mut evidence), Some(Content::Integer(-12)));
        assert_eq!(read(b"007", whole, &mut evidence), Some(Content::Integer(7)));
        assert_eq!(read(b"x", whole, &mut evidence), None);
    }

    proptest! {
        #[test]
        fn evidence_and_values_are_those_of_the_long_way(
            text in prop_oneof!["-?[0-9]{1,4}[.,]?[0-9]{0,4}", "[-0-9.,e ]{0,12}", "-?[0-9]{15,20}(\\.[0-9]{1,5})?"],
            comma in prop::bool::ANY,
        ) {
            let decimal = if comma { b',' } else { b'.' };
            for kind in [Kind::Float, Kind::Integer, Kind::Text] {
                let plan = Plan { kind, decimal };
                let (mut own, mut known) = (Evidence::default(), Evidence::default());
                let found = read(text.as_bytes(), plan, &mut own);
                known.add(text.as_bytes());
                prop_assert_eq!(&own, &known, "{}", text);
                prop_assert_eq!(found, slowly(text.as_bytes(), plan), "{}", text);
            }
        }

        #[test]
        fn plain_numbers_are_rounded_correctly(digits in 0..1u64 << 53, decimals in 0..12usize) {
            let text = format!("{:.*}", decimals, digits as f64 / POWERS[decimals]);
            if let Some(Content::Number(value)) = number(&text, b'.') {
                prop_assert_eq!(value, text.parse::<f64>().unwrap());
            }
        }
    }
}
