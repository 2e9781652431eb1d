//! The words of an SQL expression of a config.

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name or a keyword, as written.
    Name(String),
    /// A name in double quotes.
    Quoted(String),
    /// A number, as written.
    Number(String),
    /// A text in single quotes.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Longer signs first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 21] = [
    "::", "//", "<>", "!=", "<=", ">=", "==", "||", "(", ")", ",", "+", "-", "*", "/", "%", "=", "<", ">",
    ".", ";",
];

/// Cuts an expression into words.
///
/// # Errors
/// What stands there instead of a word.
pub fn words(sql: &str) -> Result<Vec<Token>, String> {
    let mut words = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, used) = match first {
            '\'' => quoted(rest, '\'').map(|(text, used)| (Token::Text(text), used))?,
            '"' | '`' => quoted(rest, first).map(|(text, used)| (Token::Quoted(text), used))?,
            c if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) => {
                let used = number(rest);
                (Token::Number(rest[..used].to_owned()), used)
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                (Token::Name(rest[..end].to_owned()), end)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Token::Sign(sign), sign.len()),
                None => return Err(format!("`{first}` is no operator")),
            },
        };
        words.push(token);
        rest = rest[used..].trim_start();
    }
    Ok(words)
}

/// The text between quotes, a doubled quote standing for itself, and how many bytes it takes.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c != quote {
            text.push(c);
        } else if characters.peek().is_some_and(|(_, next)| *next == quote) {
            characters.next();
            text.push(quote);
        } else {
            return Ok((text, at + 1));
        }
    }
    Err(format!("a quote {quote} is not closed"))
}

fn number(rest: &str) -> usize {
    let digits = |from: usize| rest[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut used = digits(0);
    if rest[used..].starts_with('.') {
        used += 1 + digits(used + 1);
    }
    if rest[used..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[used + 1..].starts_with(['+', '-']));
        let exponent = digits(used + 1 + sign);
        used += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    used
}
