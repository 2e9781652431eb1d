//! Column names: found exactly, or with a hint of what was probably meant.

use crate::diag::Diagnostic;

/// Stands for "no group" or "no unit" among their numbers.
pub(crate) const NONE: u32 = u32::MAX;

/// The position of a column.
///
/// # Errors
/// `data::missing-column`, naming a column that differs in case, spaces or alphabet only, or else the nearest names.
pub(crate) fn find(names: &[String], wanted: &str, used_by: &str) -> Result<usize, Diagnostic> {
    if let Some(index) = names.iter().position(|name| name == wanted) {
        return Ok(index);
    }
    let problem =
        Diagnostic::error("data::missing-column", format!("{used_by}: the data has no column `{wanted}`"));
    Err(match suggestion(names, wanted) {
        Some(hint) => problem.hint(hint),
        None => problem,
    })
}

/// What to write instead of a column that does not exist; none when the data has no columns.
pub(crate) fn suggestion(names: &[String], wanted: &str) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    if let Some(same) = names.iter().find(|name| folded(name) == folded(wanted)) {
        return Some(format!("the file writes it `{same}`: {}", difference(same, wanted)));
    }
    let allowed = (wanted.chars().count() / 3).max(1);
    let nearest = names
        .iter()
        .map(|name| (strsim::osa_distance(&folded(name), &folded(wanted)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance);
    Some(match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => {
            const SHOWN: usize = 12;
            let listed: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            let more = if names.len() > SHOWN {
                format!(" and {} more", names.len() - SHOWN)
            } else {
                String::new()
            };
            format!("its columns are {}{more}", listed.join(", "))
        }
    })
}

/// In which way two names that read alike differ.
fn difference(written: &str, wanted: &str) -> &'static str {
    if written.trim() == wanted.trim() {
        "there are spaces around the name"
    } else if written.to_lowercase() == wanted.to_lowercase() {
        "the case of the letters differs"
    } else if latin(written) == latin(wanted) {
        "Cyrillic and Latin letters that look alike differ"
    } else {
        "case, spaces or look-alike letters differ"
    }
}

/// What a reader sees of a name: no case, no spaces, Cyrillic letters as the Latin ones they look like.
pub(crate) fn folded(name: &str) -> String {
    latin(&name.to_lowercase()).chars().filter(|c| !c.is_whitespace() && !matches!(c, '_' | '-')).collect()
}

fn latin(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            'А' => 'A',
            'а' => 'a',
            'В' => 'B',
            'в' => 'b',
            'Е' | 'Ё' => 'E',
            'е' | 'ё' => 'e',
            'К' => 'K',
            'к' => 'k',
            'М' => 'M',
            'м' => 'm',
            'Н' => 'H',
            'н' => 'h',
            'О' => 'O',
            'о' => 'o',
            'Р' => 'P',
            'р' => 'p',
            'С' => 'C',
            'с' => 'c',
            'Т' => 'T',
            'т' => 't',
            'У' => 'Y',
            'у' => 'y',
            'Х' => 'X',
            'х' => 'x',
            c => c,
        })
        .collect()
}

/// Order in which people count: digits by value, the rest by character, so that `2` comes before `10`.
pub(crate) fn natural_order(a: &str, b: &str) -> std::cmp::Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (left_digits, left_rest) = leading_digits(left);
        let (right_digits, right_rest) = leading_digits(right);
        if !left_digits.is_empty() && !right_digits.is_empty() {
            let (x, y) = (left_digits.trim_start_matches('0'), right_digits.trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order.is_ne() {
                return order;
            }
            (left, right) = (left_rest, right_rest);
            continue;
        }
        let (mut left_chars, mut right_chars) = (left.chars(), right.chars());
        match (left_chars.next(), right_chars.next()) {
            (Some(x), Some(y)) if x == y => (left, right) = (left_chars.as_str(), right_chars.as_str()),
            // `01` and `1` are equal by value; the bytes decide, so that the order is total.
            (x, y) => return x.cmp(&y).then_with(|| a.cmp(b)),
        }
    }
}

fn leading_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn near_misses_are_named() {
        let columns = names(&["revenue", "AB_Group ", "гpуппа"]);
        let hint = |wanted| find(&columns, wanted, "data.group").unwrap_err().hint.unwrap();
        assert_eq!(find(&columns, "revenue", "x"), Ok(0));
        assert_eq!(hint("revenu"), "did you mean `revenue`?");
        assert_eq!(hint("AB_Group"), "the file writes it `AB_Group `: there are spaces around the name");
        assert_eq!(hint("REVENUE"), "the file writes it `revenue`: the case of the letters differs");
        assert_eq!(
            hint("группа"),
            "the file writes it `гpуппа`: Cyrillic and Latin letters that look alike differ"
        );
        assert!(hint("zzzzzz").starts_with("its columns are `revenue`"));
    }

    #[test]
    fn groups_are_ordered_as_people_count() {
        let mut groups = names(&["10", "2", "1", "b", "a", "g10", "g9", ""]);
        groups.sort_by(|a, b| natural_order(a, b));
        assert_eq!(groups, names(&["", "1", "2", "10", "a", "b", "g9", "g10"]));
    }
}
