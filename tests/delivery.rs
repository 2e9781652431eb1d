//! `delivery.toml` from the outside: every diagnostic with its place, defaults, the shipped file.

#![allow(clippy::disallowed_methods, reason = "tests read the shipped file")]

use std::collections::BTreeSet;
use std::path::Path;

use itog::config::codes as config;
use itog::config::delivery::valid::{Form, On, Secret, Security, Uncertain, When, is_meant};
use itog::config::delivery::{Delivery, codes, load, parse, schema};
use itog::diag::Diagnostic;

const HEAD: &str = "enabled = true\n[[operator]]\naddress = \"duty@example.ru\"\n";
const MAIL: &str = "[mail]\nfrom = \"Итоги <itog@example.ru>\"\n";
const SMTP: &str = "[smtp]\nhost = \"smtp.example.ru\"\n";

fn read(parts: &[&str]) -> Result<Delivery, Vec<Diagnostic>> {
    parse(Path::new("conf/delivery.toml"), &parts.concat()).map(|warned| warned.value)
}

/// Code, marked text, a part of the hint, and the file.
const CASES: &[(&str, &str, &str, &[&str])] = &[
    (config::MISSING_KEY, "", "[mail]", &[HEAD, SMTP]),
    (config::MISSING_KEY, "", "enabled", &["[[operator]]\naddress = \"a@example.ru\"\n", MAIL, SMTP]),
    (config::UNKNOWN_KEY, "hots", "`host`", &[HEAD, MAIL, "[smtp]\nhots = \"smtp.example.ru\"\n"]),
    (config::UNKNOWN_KEY, "adress", "`address`", &[HEAD, MAIL, SMTP, "[[manager]]\nadress = \"a@b.ru\"\n"]),
    (config::UNKNOWN_KEY, "ports", "`port`", &[HEAD, MAIL, SMTP, "ports = 25\n"]),
    (config::UNKNOWN_VALUE, "\"ssl\"", "starttls", &[HEAD, MAIL, SMTP, "security = \"ssl\"\n"]),
    (config::OUT_OF_RANGE, "70000", "65535", &[HEAD, MAIL, SMTP, "port = 70000\n"]),
    (config::WRONG_TYPE, "\"587\"", "without quotes", &[HEAD, MAIL, SMTP, "port = \"587\"\n"]),
    (config::SYNTAX, "= 587", "", &[HEAD, MAIL, SMTP, "= 587\n"]),
    (codes::PASSWORD_IN_FILE, "\"******\"", "password_env", &[HEAD, MAIL, SMTP, "password = \"secret\"\n"]),
    (codes::ADDRESS, "\"itog\"", "name@example.ru", &[HEAD, "[mail]\nfrom = \"itog\"\n", SMTP]),
    (
        codes::ADDRESS,
        "\"Анна <анна@пример.рф>\"",
        "Latin",
        &[HEAD, MAIL, "reply_to = \"Анна <анна@пример.рф>\"\n", SMTP],
    ),
    (codes::PLAINTEXT, "\"none\"", "starttls", &[HEAD, MAIL, SMTP, "security = \"none\"\n"]),
    (codes::LOGIN, "\"itog\"", "password_env", &[HEAD, MAIL, SMTP, "username = \"itog\"\n"]),
    (codes::LOGIN, "\"P\"", "username", &[HEAD, MAIL, SMTP, "password_env = \"P\"\n"]),
    (
        codes::LOGIN,
        "\"p\"",
        "keep",
        &[HEAD, MAIL, SMTP, "username = \"itog\"\npassword_env = \"P\"\npassword_file = \"p\"\n"],
    ),
    (codes::NOBODY, "true", "[[manager]]", &["enabled = true\n", MAIL, SMTP]),
    (
        codes::DUPLICATE_RECIPIENT,
        "\"Duty@example.ru\"",
        "twice",
        &[HEAD, MAIL, SMTP, "[[operator]]\naddress = \"Duty@example.ru\"\n"],
    ),
    (codes::URL, "\"reports\"", "https://", &[HEAD, MAIL, "base_url = \"reports\"\n", SMTP]),
    (
        codes::URL,
        "\"itog@example.ru\"",
        "mailto:",
        &[HEAD, MAIL, "unsubscribe = [\"itog@example.ru\"]\n", SMTP],
    ),
    (codes::URL, "true", "https://", &[HEAD, MAIL, "one_click = true\n", SMTP]),
    (
        codes::PATTERN,
        "\"a[\"",
        "pricing-*",
        &[HEAD, MAIL, SMTP, "[[manager]]\naddress = \"a@b.ru\"\nexperiments = [\"a[\"]\n"],
    ),
    (codes::NO_BASE_URL, "0", "base_url", &[HEAD, MAIL, "attach_up_to_kb = 0\n", SMTP]),
];

#[test]
fn one_mistake_is_one_diagnostic_at_its_place() {
    let mut wrong = Vec::new();
    for (code, text, hint, parts) in CASES {
        let problems = read(parts).err().unwrap_or_default();
        let as_expected = match problems.as_slice() {
            [one] => {
                let place = one.place.as_ref().unwrap();
                let marked = &place.text.as_ref().unwrap()[place.span.clone().unwrap()];
                one.code == *code
                    && (text.is_empty() || marked == *text)
                    && one.hint.as_deref().is_some_and(|said| said.contains(hint))
            }
            _ => false,
        };
        if !as_expected {
            wrong.push(format!("{code} at {text:?} with {hint:?}:\n{}\n{problems:?}", parts.concat()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_code_is_tried() {
    let elsewhere = [codes::OWNER_WITHOUT_ADDRESS, codes::MATCHES_NOTHING];
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(elsewhere).collect();
    let missing: Vec<&&str> = codes::ALL.iter().filter(|code| !tried.contains(**code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn several_mistakes_are_told_in_one_pass() {
    let problems = read(&[
        "enabled = true\n",
        "[mail]\nfrom = \"itog\"\nreply = \"a@b.ru\"\n",
        SMTP,
        "port = 0\nsecurity = \"none\"\n",
    ])
    .unwrap_err();
    let found: Vec<&str> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(
        found,
        [codes::NOBODY, codes::ADDRESS, config::UNKNOWN_KEY, config::OUT_OF_RANGE, codes::PLAINTEXT]
    );
}

#[test]
fn no_diagnostic_quotes_a_password() {
    let file = [HEAD, MAIL, SMTP, "password = \"hunter2-пароль\"\nusernam = \"itog\"\n"];
    let problems = read(&file).unwrap_err();
    assert!(problems.iter().any(|problem| problem.code == codes::PASSWORD_IN_FILE));
    for problem in &problems {
        assert!(!format!("{problem:?}").contains("hunter2"), "{problem}");
    }
}

#[test]
fn defaults_are_safe() {
    let read = read(&[HEAD, MAIL, SMTP, "username = \"itog\"\npassword_file = \"secret\"\n"]).unwrap();
    assert_eq!((read.smtp.security, read.smtp.port), (Security::Starttls, 587));
    assert_eq!(read.smtp.password, Some(Secret::File("conf/secret".into())));
    assert_eq!(read.mail.uncertain, Uncertain::Hold);
    assert_eq!(read.mail.unsubscribe, ["mailto:itog@example.ru?subject=unsubscribe"]);
    assert_eq!(read.operators[0].on, On::Problems);
    let people = "[[manager]]\naddress = \"a@b.ru\"\n[[owner]]\nname = \"Анна\"\naddress = \"a@b.ru\"\n";
    let read = super_read(&[HEAD, MAIL, SMTP, people]);
    assert_eq!((read.managers[0].when, read.owners[0].when), (When::News, When::News));
    assert_eq!(read.owners[0].form, Form::Each);
    assert_eq!(read.managers[0].experiments, ["*"]);
}

fn super_read(parts: &[&str]) -> Delivery {
    read(parts).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn a_server_on_this_machine_may_do_without_tls() {
    for host in ["localhost", "127.0.0.1", "::1"] {
        let smtp = format!("[smtp]\nhost = \"{host}\"\nsecurity = \"none\"\n");
        assert_eq!(super_read(&[HEAD, MAIL, &smtp]).smtp.port, 25);
    }
    let allowed = "security = \"none\"\nallow_plaintext = true\n";
    assert_eq!(super_read(&[HEAD, MAIL, SMTP, allowed]).smtp.security, Security::None);
}

#[test]
fn patterns_mean_experiments() {
    let patterns = ["pricing-*".to_owned(), "arppu".to_owned()];
    assert!(is_meant(&patterns, "pricing-2") && is_meant(&patterns, "arppu"));
    assert!(!is_meant(&patterns, "arppu-2") && !is_meant(&patterns, "price"));
}

#[test]
fn the_shipped_file_is_valid_and_sends_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/delivery.toml");
    let shipped = load(&path).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(!shipped.value.enabled && shipped.warnings.is_empty());
    // What is written as a comment must be right as well.
    let text = std::fs::read_to_string(path).unwrap();
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .filter(|line| !line.starts_with("password_file"))
        .collect();
    let full =
        parse(Path::new("delivery.toml"), &uncommented).unwrap_or_else(|p| panic!("{p:?}\n{uncommented}"));
    assert_eq!((full.value.owners.len(), full.value.operators.len()), (1, 1));
    assert!(full.value.smtp.username.is_some() && full.value.mail.base_url.is_some());
}

#[test]
fn the_schema_lists_every_section() {
    let schema = schema();
    let sections: BTreeSet<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(sections, ["enabled", "mail", "manager", "operator", "owner", "smtp"].into());
}

#[test]
fn owners_without_address_and_readers_without_experiment_are_told() {
    let people = "[[manager]]\naddress = \"m@b.ru\"\nexperiments = [\"pricing-*\"]\n\
                  [[owner]]\nname = \"Анна Петрова\"\naddress = \"a@b.ru\"\n\
                  [[owner]]\nname = \"Никто\"\naddress = \"n@b.ru\"\n";
    let delivery = super_read(&[HEAD, MAIL, SMTP, people]);
    let one = |id: &str, owner: Option<&str>| (id.to_owned(), owner.map(str::to_owned));
    let experiments =
        [one("arppu", Some("Борис, анна петрова")), one("cpa", Some("Команда роста")), one("none", None)];
    let gaps = itog::config::delivery::gaps(&delivery, &experiments);
    let said: Vec<(&str, bool)> = gaps
        .iter()
        .map(|gap| (gap.code, gap.message.contains("cpa") || gap.message.contains("@b.ru")))
        .collect();
    let expected = [codes::OWNER_WITHOUT_ADDRESS, codes::MATCHES_NOTHING, codes::MATCHES_NOTHING];
    assert_eq!(said, expected.map(|code| (code, true)), "{gaps:?}");
    let disabled = Delivery { enabled: false, ..delivery };
    assert!(itog::config::delivery::gaps(&disabled, &experiments).is_empty());
}
