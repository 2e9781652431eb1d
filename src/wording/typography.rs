//! The typographer: the last pass over Russian prose.
//!
//! It sets «ёлочки» and „лапки“, dashes and minus signs, an ellipsis, and the spaces at which a line must not break:
//! after short prepositions, before a dash and before particles, between a number and its word, inside abbreviations
//! and initials. Words that are addresses, paths, identifiers or stand between backquotes are left as they are. The
//! pass changes nothing in a text that has been through it.

use super::numbers::{MINUS, NBSP, THIN};

/// A text ready for a reader.
///
/// Runs of plain spaces become one; line breaks, and no-break spaces that are already there, stay.
pub fn typeset(text: &str) -> String {
    let mut words = split(text);
    protect(&mut words);
    let mut quotes = Quotes::default();
    for word in &mut words {
        if !word.protected {
            word.text = reshape(&word.text);
            word.text = quotes.set(&word.text);
        }
    }
    join(&words)
}

/// The text as a sentence: with a point at its end, unless an abbreviation has already set one.
pub fn closed(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// A word and the blank before it.
struct Word {
    before: Gap,
    text: String,
    protected: bool,
}

/// What stands between two words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    Space,
    NoBreak,
    Thin,
    Line,
}

impl Gap {
    fn of(blank: &str) -> Gap {
        if blank.is_empty() {
            Gap::None
        } else if blank.contains('\n') {
            Gap::Line
        } else if blank.contains(THIN) {
            Gap::Thin
        } else if blank.contains(NBSP) {
            Gap::NoBreak
        } else {
            Gap::Space
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Gap::None => "",
            Gap::Space => " ",
            Gap::NoBreak => "\u{a0}",
            Gap::Thin => "\u{202f}",
            Gap::Line => "\n",
        }
    }
}

/// Words with the blanks before them; a blank at the end is before an empty word.
fn split(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let (blank, tail) = rest.split_at(start);
        let end = tail.find(char::is_whitespace).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(end);
        words.push(Word { before: Gap::of(blank), text: word.to_owned(), protected: false });
        rest = tail;
    }
    words
}

/// Marks what is no prose: addresses, paths, identifiers, and everything between backquotes.
fn protect(words: &mut [Word]) {
    let mut code = false;
    for word in words {
        let ticks = word.text.matches('`').count();
        let bare = word.text.trim_matches(|c: char| "«»„“\"'()[],.;:!?".contains(c));
        word.protected = code
            || ticks > 0
            || bare.contains("://")
            || bare.contains('@')
            || bare.contains('_')
            || bare.contains('\\')
            || bare.starts_with("www.")
            || bare.starts_with("--") && bare[2..].starts_with(|c: char| c.is_ascii_alphabetic())
            || bare.is_ascii() && bare.contains('/') && bare.contains('.');
        code ^= ticks % 2 == 1;
    }
}

/// One word with its dashes, minus, ellipsis, arrows, and the spaces that belong inside it.
fn reshape(word: &str) -> String {
    match word {
        "-" | "–" | "--" | "---" => return "—".to_owned(),
        "->" | "=>" => return "→".to_owned(),
        "<-" => return "←".to_owned(),
        ">=" => return "≥".to_owned(),
        "<=" => return "≤".to_owned(),
        "+-" | "+/-" => return "±".to_owned(),
        _ => {}
    }
    let mut out = word.replace("...", "…");
    // An abbreviation at the end of a sentence gives it its point: «п. п.», «2026 г.».
    if out.ends_with("..") {
        out.pop();
    }
    // An abbreviation at the end of a sentence gives it its full stop: «п. п..» is «п. п.».
    if out.ends_with("..") {
        out.pop();
    }
    // A hyphen before a digit, with nothing or an opening bracket before it, is a minus.
    let body = out.trim_start_matches(['(', '[', '«', '"', '„']);
    if let Some(rest) = body.strip_prefix('-')
        && rest.starts_with(|c: char| c.is_ascii_digit())
    {
        let lead = out.len() - body.len();
        out = format!("{}{MINUS}{rest}", &out[..lead]);
    }
    for (short, full) in ABBREVIATIONS {
        out = replace_word(&out, short, full);
    }
    let mut spaced = String::with_capacity(out.len() + 4);
    let mut previous = ' ';
    for c in out.chars() {
        let unit = matches!(c, '%' | '₽' | '€') && previous.is_ascii_digit();
        let number = previous == '№' && c.is_ascii_digit();
        if unit || number {
            spaced.push(NBSP);
        }
        spaced.push(c);
        previous = c;
    }
    initials(&spaced)
}

/// Abbreviations of two parts as they are typed and as they are set.
const ABBREVIATIONS: [(&str, &str); 7] = [
    ("п.п.", "п.\u{202f}п."),
    ("т.е.", "т.\u{202f}е."),
    ("т.д.", "т.\u{202f}д."),
    ("т.п.", "т.\u{202f}п."),
    ("т.к.", "т.\u{202f}к."),
    ("н.э.", "н.\u{202f}э."),
    ("с.ш.", "с.\u{202f}ш."),
];

/// `short` replaced by `full` in `word` where no letter stands before it.
fn replace_word(word: &str, short: &str, full: &str) -> String {
    let Some(at) = word.find(short) else { return word.to_owned() };
    if word[..at].ends_with(char::is_alphabetic) {
        return word.to_owned();
    }
    format!("{}{full}{}", &word[..at], &word[at + short.len()..])
}

/// «И.И.Иванов» with thin spaces between initials and a no-break space before the name.
fn initials(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let mut out = String::with_capacity(word.len() + 6);
    for (i, &c) in chars.iter().enumerate() {
        out.push(c);
        let initial = c == '.'
            && i > 0
            && is_capital(chars[i - 1])
            && (i < 2 || !chars[i - 2].is_alphanumeric())
            && chars.get(i + 1).copied().is_some_and(is_capital);
        if initial {
            out.push(if chars.get(i + 2) == Some(&'.') { THIN } else { NBSP });
        }
    }
    out
}

fn is_capital(c: char) -> bool {
    c.is_uppercase() && matches!(c, 'А'..='Я' | 'Ё')
}

/// Open quotation marks, outermost first, across the words of a text.
#[derive(Default)]
struct Quotes {
    open: Vec<char>,
}

impl Quotes {
    /// The word with straight and English marks set as Russian ones.
    fn set(&mut self, word: &str) -> String {
        let chars: Vec<char> = word.chars().collect();
        let mut out = String::with_capacity(word.len() + 4);
        for (i, &c) in chars.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| chars[i]);
            let after = chars.get(i + 1).copied();
            match c {
                '«' => self.push(&mut out, '«'),
                '„' => self.push(&mut out, '„'),
                '»' => {
                    self.open.pop();
                    out.push('»');
                }
                '“' if self.open.last() == Some(&'„') => {
                    self.open.pop();
                    out.push('“');
                }
                '"' | '“' | '”' => {
                    let starts = before.is_none_or(|b| "([«„—/\"“".contains(b) || b == MINUS)
                        && after.is_some_and(|a| a.is_alphanumeric() || "\"“«…".contains(a) || a == MINUS);
                    if starts && c != '”' {
                        let mark = if self.open.is_empty() { '«' } else { '„' };
                        self.push(&mut out, mark);
                    } else {
                        match self.open.pop() {
                            Some('«') => out.push('»'),
                            Some(_) => out.push('“'),
                            None => out.push(c),
                        }
                    }
                }
                _ => out.push(c),
            }
        }
        out
    }

    fn push(&mut self, out: &mut String, mark: char) {
        self.open.push(mark);
        out.push(mark);
    }
}

/// The words joined again, with the blanks that the neighbours demand.
fn join(words: &[Word]) -> String {
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        let gap = match (word.before, i.checked_sub(1).map(|i| &words[i])) {
            (Gap::Space, Some(previous)) => gap(previous, word),
            (Gap::Space, None) if is_dash(&word.text) => Gap::NoBreak,
            (gap, _) => gap,
        };
        out.push_str(gap.as_str());
        out.push_str(&word.text);
    }
    out
}

/// The blank between two words that a plain space separates.
fn gap(left: &Word, right: &Word) -> Gap {
    if left.protected && right.protected {
        return Gap::Space;
    }
    let (a, b) = (left.text.as_str(), right.text.as_str());
    let (bare_a, bare_b) = (bare(a), bare(b));
    if is_thousand(a, b)
        || is_initial(a) && is_initial(b)
        || PAIRS.contains(&(bare_a, bare_b)) && !left.protected
    {
        return Gap::Thin;
    }
    let glued = is_dash(b)
        || !left.protected && is_short(bare_a, a)
        || !right.protected && PARTICLES.contains(&bare_b)
        || is_number_end(a) && is_counted(b)
        || a.ends_with(bare_a) && is_numbered(bare_a) && is_label(b)
        || before_number(a) && b.starts_with(|c: char| c.is_ascii_digit())
        || is_initial(a) && bare_b.starts_with(is_capital)
        || is_relation(b) && is_variable(bare_a)
        || is_relation(a) && b.starts_with(|c: char| c.is_ascii_digit() || c == MINUS || c == '+');
    if glued { Gap::NoBreak } else { Gap::Space }
}

/// The word without quotes and brackets before it and punctuation after it.
fn bare(word: &str) -> &str {
    word.trim_start_matches(['«', '„', '(', '[', '"'])
        .trim_end_matches(['»', '“', ')', ']', ',', ';', ':', '!', '?', '"'])
}

fn is_dash(word: &str) -> bool {
    word.strip_prefix('—').is_some_and(|rest| rest.chars().all(|c| ",.".contains(c)))
}

/// A preposition, conjunction or negation that must not hang at the end of a line.
fn is_short(bare: &str, word: &str) -> bool {
    const LONGER: [&str; 8] = ["без", "для", "при", "над", "под", "про", "или", "чем"];
    let lower = bare.to_lowercase();
    let letters = lower.chars().count();
    // What punctuation follows ends a phrase: a break is welcome there.
    word.ends_with(bare)
        && !bare.is_empty()
        && lower.chars().all(|c| matches!(c, 'а'..='я' | 'ё'))
        && (letters <= 2 && !PARTICLES.contains(&lower.as_str()) || LONGER.contains(&lower.as_str()))
}

/// Particles that lean on the word before them.
const PARTICLES: [&str; 5] = ["же", "ли", "бы", "ж", "б"];

/// Abbreviations of two words.
const PAIRS: [(&str, &str); 5] = [("п.", "п."), ("т.", "е."), ("т.", "д."), ("т.", "п."), ("т.", "к.")];

/// `40 000`: up to three digits, then exactly three.
fn is_thousand(a: &str, b: &str) -> bool {
    let tail = a.trim_start_matches(|c: char| !c.is_ascii_digit());
    let lead = b.len() - b.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &b[lead..];
    (1..=3).contains(&tail.len())
        && tail.bytes().all(|c| c.is_ascii_digit())
        && !a[..a.len() - tail.len()].ends_with(|c: char| c.is_alphanumeric() || "№.,:/-".contains(c))
        && lead == 3
        && !rest.starts_with(|c: char| c.is_alphanumeric() || "-/:".contains(c))
        && !(tail.starts_with('0'))
}

fn is_initial(word: &str) -> bool {
    let word = word.trim_start_matches(['«', '(', '„']);
    let mut chars = word.chars();
    let first = chars.next().is_some_and(is_capital);
    let last = word.ends_with('.');
    // «И.» or «И. И.» that the pass has already joined.
    first && last && word.split([THIN]).all(|part| part.chars().count() == 2 && part.ends_with('.'))
}

fn is_number_end(word: &str) -> bool {
    word.ends_with(|c: char| c.is_ascii_digit())
}

/// What may be counted or measured: a word of letters that begins no new phrase, or a unit.
fn is_counted(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || "%₽€$°×".contains(c)) && !is_short(bare(word), bare(word))
}

/// A word that stands before a number or a letter as before a name: «группа A», «вариант 3».
fn is_numbered(bare: &str) -> bool {
    const STEMS: [&str; 8] = ["групп", "вариант", "верси", "рисун", "таблиц", "раздел", "шаг", "этап"];
    let lower = bare.to_lowercase();
    STEMS.iter().any(|stem| lower.starts_with(stem) && lower.chars().count() <= stem.chars().count() + 3)
}

/// A number or capital letter that names one of several things.
fn is_label(word: &str) -> bool {
    let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    let mut chars = bare.chars();
    let length = chars.clone().count();
    let short = length <= 2 || (length <= 4 && bare.chars().all(|c| c.is_ascii_digit()));
    short && chars.all(|c| c.is_ascii_digit() || c.is_uppercase()) && !bare.is_empty()
}

/// What takes a number after it: «№ 5», «рис. 1».
fn before_number(word: &str) -> bool {
    const MARKS: [&str; 9] = ["№", "§", "рис.", "табл.", "стр.", "гл.", "п.", "см.", "≈"];
    MARKS.contains(&bare(word).to_lowercase().as_str())
}

fn is_relation(word: &str) -> bool {
    matches!(word, "=" | "<" | ">" | "≤" | "≥" | "≈" | "≠" | "±" | "×" | "+" | "−")
}

/// A letter that stands for a quantity, or a number.
fn is_variable(bare: &str) -> bool {
    let one = bare.chars().count() == 1
        && bare.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, 'α'..='ω' | 'Α'..='Ω'));
    one || bare.ends_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
#[path = "typography/tests.rs"]
mod tests;
