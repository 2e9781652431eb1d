//! Addresses as people write them: `anna@example.ru`, `Анна Петрова <anna@example.ru>`.

use super::valid::Mailbox;

/// Reads a name and an address.
///
/// # Errors
/// What is wrong, and what to write instead.
pub fn read(text: &str) -> Result<Mailbox, (String, &'static str)> {
    let text = text.trim();
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => match rest.strip_suffix('>') {
            Some(address) => (Some(name), address.trim()),
            None => return Err((format!("`{text}` has no closing >"), "write Name <name@example.ru>")),
        },
        None => (None, text),
    };
    if !address.is_ascii() {
        let hint = match address.rsplit_once('@') {
            Some((local, _)) if local.is_ascii() => "write the domain in its ASCII form, xn--…",
            _ => "an address has Latin letters; the name before it may have any",
        };
        return Err((format!("`{address}` has letters that not every server accepts"), hint));
    }
    if address.parse::<lettre::Address>().is_err() {
        return Err((format!("`{address}` is not an address"), "write name@example.ru"));
    }
    let name = name.map(|name| name.trim().trim_matches('"').trim());
    if name.is_some_and(|name| name.chars().any(char::is_control)) {
        return Err(("the name has a control character".to_owned(), "write the name in letters"));
    }
    Ok(Mailbox { name: name.filter(|name| !name.is_empty()).map(str::to_owned), address: address.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        let named = |name: Option<&str>, address: &str| Mailbox {
            name: name.map(str::to_owned),
            address: address.to_owned(),
        };
        assert_eq!(read(" anna@example.ru "), Ok(named(None, "anna@example.ru")));
        assert_eq!(
            read("Анна Петрова <anna@example.ru>"),
            Ok(named(Some("Анна Петрова"), "anna@example.ru"))
        );
        assert_eq!(read("\"Ким, Мария\" <m@example.ru>"), Ok(named(Some("Ким, Мария"), "m@example.ru")));
        for wrong in [
            "",
            "anna",
            "anna@",
            "@example.ru",
            "a b@example.ru",
            "Анна <anna@example.ru",
            "анна@example.ru",
            "anna@пример.рф",
            "a@example.ru>\r\nBcc: b@example.ru",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
