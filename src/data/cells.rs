//! What a cell of separated text is: a number (and by which conventions), a boolean, a date, a missing value or text.

use super::dates::{self, Stamp};

/// The decimal mark of a number, as far as the cell alone tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// No mark: an integer below 10¹⁸.
    Integer,
    /// No mark, but not an integer that fits: an exponent or very many digits.
    Neutral,
    /// `12.5`, `1,303.61`.
    Dot,
    /// `12,5`, `1.303,61`.
    Comma,
    /// `1,303`: three decimals or thousands.
    Unclear,
    /// `1,303,610`: thousands, so the decimal mark is a dot.
    CommaGroups,
    /// `inf`.
    NonFinite,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Nothing but white space.
    Missing,
    /// A word that stands for a missing value: `NA`, `NULL`, `#Н/Д`.
    Marker,
    /// A number.
    Number(Mark),
    /// `TRUE`, `ЛОЖЬ`.
    Boolean(bool),
    /// A date or a time stamp.
    Date(Stamp),
    /// Anything else.
    Text,
}

/// Words for a missing value, in lower case. Excel's error values are among them: a cell that Excel could not compute
/// holds no value.
const MARKERS: [&str; 21] = [
    "na",
    "n/a",
    "#n/a",
    "nan",
    "null",
    "(null)",
    "<na>",
    "none",
    "\\n",
    "-",
    "—",
    "–",
    "#н/д",
    "#дел/0!",
    "#div/0!",
    "#знач!",
    "#value!",
    "#ссылка!",
    "#ref!",
    "#num!",
    "#число!",
];

/// White space around a cell, no-break spaces included.
pub(crate) fn trim(mut cell: &[u8]) -> &[u8] {
    const WIDE: [&[u8]; 4] =
        ["\u{a0}".as_bytes(), "\u{202f}".as_bytes(), "\u{2007}".as_bytes(), "\u{2009}".as_bytes()];
    // Most cells begin and end with a visible character of ASCII.
    if let (Some(b'!'..=b'~'), Some(b'!'..=b'~')) = (cell.first(), cell.last()) {
        return cell;
    }
    loop {
        let before = cell.len();
        cell = cell.trim_ascii();
        for wide in WIDE {
            cell = cell.strip_prefix(wide).unwrap_or(cell);
            cell = cell.strip_suffix(wide).unwrap_or(cell);
        }
        if cell.len() == before {
            return cell;
        }
    }
}

/// What the content of a cell is.
pub(crate) fn classify(cell: &[u8]) -> Cell {
    if let Some(mark) = plain_number(cell) {
        return Cell::Number(mark);
    }
    if cell.first().is_some_and(|&first| only_text_starts_with(first)) {
        return Cell::Text;
    }
    let trimmed = trim(cell);
    if trimmed.is_empty() {
        return Cell::Missing;
    }
    if let Some(stamp) = dates::stamp(trimmed) {
        return Cell::Date(stamp);
    }
    if let Some(mark) = numeral(trimmed) {
        return Cell::Number(mark);
    }
    // The longest word below has ten letters of two bytes.
    if trimmed.len() > 20 {
        return Cell::Text;
    }
    let Ok(text) = std::str::from_utf8(trimmed) else { return Cell::Text };
    let word = text.to_lowercase();
    match word.as_str() {
        "true" | "истина" => Cell::Boolean(true),
        "false" | "ложь" => Cell::Boolean(false),
        "inf" | "+inf" | "-inf" | "infinity" | "-infinity" => Cell::Number(Mark::NonFinite),
        word if MARKERS.contains(&word) => Cell::Marker,
        _ => Cell::Text,
    }
}

/// Most cells of text are told by their first byte: a Latin letter that no number, date or word above begins with.
fn only_text_starts_with(byte: u8) -> bool {
    byte.is_ascii_alphabetic() && !matches!(byte.to_ascii_lowercase(), b'n' | b't' | b'f' | b'i' | b'e')
}

/// `-?\d+`, `-?\d+\.\d+` with an optional exponent, without leading zeros: what every reader of CSV agrees on.
fn plain_number(cell: &[u8]) -> Option<Mark> {
    let digits = |from: usize| cell[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = usize::from(cell.first() == Some(&b'-'));
    let whole = digits(start);
    if whole == 0 || (whole > 1 && cell[start] == b'0') {
        return None;
    }
    let mut i = start + whole;
    if i == cell.len() {
        return Some(if whole <= 18 { Mark::Integer } else { Mark::Neutral });
    }
    let mut mark = Mark::Neutral;
    if cell[i] == b'.' {
        let decimals = digits(i + 1);
        if decimals == 0 {
            return None;
        }
        i += 1 + decimals;
        mark = Mark::Dot;
    }
    if i == cell.len() {
        return Some(mark);
    }
    if !matches!(cell[i], b'e' | b'E') {
        return None;
    }
    i += 1 + usize::from(matches!(cell.get(i + 1), Some(b'+' | b'-')));
    let exponent = cell.get(i..).map_or(0, |_| digits(i));
    (exponent > 0 && i + exponent == cell.len()).then_some(mark)
}

/// The characters of a written number: signs and spaces brought to one form.
fn symbols(cell: &[u8]) -> Option<Vec<u8>> {
    const LONGEST: usize = 80;
    if cell.len() > LONGEST {
        return None;
    }
    let text = std::str::from_utf8(cell).ok()?;
    text.chars()
        .map(|c| match c {
            '0'..='9' | '.' | ',' | '+' | '-' | 'e' | 'E' => Some(c as u8),
            '\u{2212}' => Some(b'-'),
            ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' | '\'' | '\u{2019}' => Some(b' '),
            _ => None,
        })
        .collect()
}

/// The mark of a number written with signs, thousands separators or a decimal comma.
fn numeral(cell: &[u8]) -> Option<Mark> {
    let foreign = |byte: &u8| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E');
    if !cell.iter().any(u8::is_ascii_digit) || cell.iter().any(foreign) {
        return None;
    }
    let symbols = symbols(cell)?;
    let body = symbols.strip_prefix(b"-").or_else(|| symbols.strip_prefix(b"+")).unwrap_or(&symbols);
    let (body, exponent) = match body.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => {
            let power = &body[at + 1..];
            let power = power.strip_prefix(b"-").or_else(|| power.strip_prefix(b"+")).unwrap_or(power);
            if power.is_empty() || power.len() > 4 || !power.iter().all(u8::is_ascii_digit) {
                return None;
            }
            (&body[..at], true)
        }
        None => (body, false),
    };
    let marks: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect();
    let groups: Vec<&[u8]> = body.split(|byte| !byte.is_ascii_digit()).collect();
    let whole_groups_are_thousands = |count: usize| {
        (1..=3).contains(&groups[0].len()) && groups[1..count].iter().all(|group| group.len() == 3)
    };
    let leading_zero = groups[0].starts_with(b"0");
    // `,5` and `5,` are numbers, a lone mark is not.
    let digits = groups.iter().map(|group| group.len()).sum::<usize>();
    if digits == 0 {
        return None;
    }
    let mark = match marks.as_slice() {
        [] if digits <= 18 && !exponent => Mark::Integer,
        [] => Mark::Neutral,
        [b'.'] => Mark::Dot,
        [b','] if groups[1].len() == 3 && whole_groups_are_thousands(2) && !leading_zero && !exponent => {
            Mark::Unclear
        }
        [b','] => Mark::Comma,
        _ => {
            let last = marks[marks.len() - 1];
            let group_mark = marks[0];
            let all_groups =
                marks.iter().all(|&mark| mark == group_mark) && whole_groups_are_thousands(groups.len());
            let then_decimals = marks[..marks.len() - 1].iter().all(|&mark| mark == group_mark)
                && last != group_mark
                && whole_groups_are_thousands(groups.len() - 1);
            match (group_mark, last) {
                (b' ', _) if all_groups && digits <= 18 => Mark::Integer,
                (b' ' | b',', b'.') if then_decimals => Mark::Dot,
                (b' ' | b'.', b',') if then_decimals => Mark::Comma,
                (b',', b',') if all_groups => Mark::CommaGroups,
                _ => return None,
            }
        }
    };
    Some(mark)
}

/// The value of a number under a decimal mark (`.` or `,`); none when the cell is no number under that mark.
pub(crate) fn number(cell: &[u8], decimal: u8) -> Option<f64> {
    let trimmed = trim(cell);
    let mark = match classify(trimmed) {
        Cell::Number(mark) => mark,
        _ => return None,
    };
    let fits = match mark {
        Mark::Integer | Mark::Neutral => true,
        Mark::Dot | Mark::CommaGroups => decimal == b'.',
        Mark::Comma => decimal == b',',
        Mark::Unclear => true,
        Mark::NonFinite => return std::str::from_utf8(trimmed).ok()?.to_lowercase().parse().ok(),
    };
    if !fits {
        return None;
    }
    let group = if decimal == b'.' { b',' } else { b'.' };
    let cleaned: String = symbols(trimmed)?
        .into_iter()
        .filter(|&byte| byte != b' ' && byte != group)
        .map(|byte| if byte == decimal { '.' } else { byte as char })
        .collect();
    cleaned.parse().ok()
}

/// The value of a boolean word.
pub(crate) fn boolean(cell: &[u8]) -> Option<bool> {
    match classify(cell) {
        Cell::Boolean(value) => Some(value),
        _ => None,
    }
}

/// Whether the cell stands for a missing value in a column of numbers, booleans or dates.
pub(crate) fn is_missing(cell: &[u8]) -> bool {
    matches!(classify(cell), Cell::Missing | Cell::Marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Option<Mark> {
        match classify(text.as_bytes()) {
            Cell::Number(mark) => Some(mark),
            _ => None,
        }
    }

    #[test]
    fn numbers_tell_their_decimal_mark() {
        let cases = [
            ("0", Some(Mark::Integer)),
            ("-12", Some(Mark::Integer)),
            ("007", Some(Mark::Integer)),
            ("1 303", Some(Mark::Integer)),
            ("1 303 610", Some(Mark::Integer)),
            ("12345678901234567890", Some(Mark::Neutral)),
            ("1e5", Some(Mark::Neutral)),
            ("12.5", Some(Mark::Dot)),
            (".5", Some(Mark::Dot)),
            ("1,303.61", Some(Mark::Dot)),
            ("1 303.61", Some(Mark::Dot)),
            ("12,5", Some(Mark::Comma)),
            ("0,125", Some(Mark::Comma)),
            ("−12,5", Some(Mark::Comma)),
            ("1\u{a0}303,61", Some(Mark::Comma)),
            ("1\u{202f}303,61", Some(Mark::Comma)),
            ("1.303,61", Some(Mark::Comma)),
            ("1,5e3", Some(Mark::Comma)),
            ("1,303", Some(Mark::Unclear)),
            ("1,303,610", Some(Mark::CommaGroups)),
            ("-inf", Some(Mark::NonFinite)),
            ("12,5x", None),
            ("1 2", None),
            ("13 03", None),
            ("1.2.3", None),
            ("10.0.0.1", None),
            (".", None),
            ("1-2", None),
            ("e5", None),
            ("5e", None),
            ("--5", None),
        ];
        for (text, expected) in cases {
            assert_eq!(mark(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_under_their_mark_only() {
        assert_eq!(number("1\u{a0}303,61".as_bytes(), b','), Some(1303.61));
        assert_eq!(number(b"1.303,61", b','), Some(1303.61));
        assert_eq!(number("−0,5".as_bytes(), b','), Some(-0.5));
        assert_eq!(number(b"1,303", b','), Some(1.303));
        assert_eq!(number(b"1,303", b'.'), Some(1303.0));
        assert_eq!(number(b"12.5", b','), None);
        assert_eq!(number(b"12,5", b'.'), None);
        assert_eq!(number(b" 12.5 ", b'.'), Some(12.5));
        assert_eq!(number(b"9.04017396754352", b'.'), Some(9.04017396754352));
        assert_eq!(number(b"-inf", b','), Some(f64::NEG_INFINITY));
        assert_eq!(number(b"nan", b'.'), None);
    }

    #[test]
    fn words_and_missing_values() {
        assert_eq!(classify("ИСТИНА".as_bytes()), Cell::Boolean(true));
        assert_eq!(classify(b"False"), Cell::Boolean(false));
        assert_eq!(classify("\u{a0} ".as_bytes()), Cell::Missing);
        for marker in ["NA", "n/a", "NULL", "NaN", "#Н/Д", "#ДЕЛ/0!", "-", "\\N"] {
            assert_eq!(classify(marker.as_bytes()), Cell::Marker, "{marker}");
        }
        assert_eq!(classify("тест".as_bytes()), Cell::Text);
    }

    proptest::proptest! {
        #[test]
        fn any_number_written_in_russian_style_reads_back(value in proptest::num::f64::NORMAL) {
            let written = format!("{value}").replace('.', ",");
            if written.len() <= 80 && classify(written.as_bytes()) != Cell::Number(Mark::Unclear) {
                proptest::prop_assert_eq!(number(written.as_bytes(), b','), Some(value));
            }
        }

        #[test]
        fn no_bytes_break_the_classifier(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..24)) {
            let _ = classify(&bytes);
            let _ = number(&bytes, b',');
            let _ = dates::stamp(&bytes);
        }
    }
}
