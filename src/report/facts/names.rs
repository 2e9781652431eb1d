//! Names as a sentence writes them: a word stands in quotation marks, a code stands bare.

/// Whether a name reads like a word, so that a sentence must set it apart: «новая», but not A, B2 or 17.
fn is_word(name: &str) -> bool {
    let runs = name.split(|c: char| !c.is_alphabetic());
    runs.into_iter().any(|run| run.chars().count() > 1 && run.chars().any(char::is_lowercase))
}

/// A group in a sentence: «вариант «новая»», «вариант B». A pool of controls keeps its plus.
pub fn group(id: &str) -> String {
    let one = |id: &str| if is_word(id) { format!("«{id}»") } else { id.to_owned() };
    id.split(" + ").map(one).collect::<Vec<_>>().join(" + ")
}

/// A metric as an object: «сравнивать показатель «Доля кликов»», «сравнивать CPA».
pub fn metric(title: &str) -> String {
    if is_word(title) { format!("показатель «{title}»") } else { title.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_codes_are_bare() {
        for code in ["A", "B2", "17", "a", "АБ", "A/B", "246 + 247"] {
            assert_eq!(group(code), code);
        }
        assert_eq!(group("новая"), "«новая»");
        assert_eq!(group("new_checkout"), "«new_checkout»");
        assert_eq!(group("старая + B"), "«старая» + B");
        assert_eq!(metric("CPA"), "CPA");
        assert_eq!(metric("Доля кликов"), "показатель «Доля кликов»");
    }
}
