//! Whole numbers that a double would round.

use super::cells;

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
