//! What the program warns of, told in Russian: its own words are English and meant for the terminal.

use crate::config::valid::{Config, Role};
use crate::report::document::Inline;

/// Each warning once: what it means, and its code for those who look it up. A warning comes as its code and its message.
pub fn told<'a>(warnings: impl Iterator<Item = (&'a str, &'a str)>, config: &Config) -> Vec<Vec<Inline>> {
    let mut told: Vec<(&str, String)> = Vec::new();
    for (code, message) in warnings {
        let said = (code, words(code, message, config));
        if !told.contains(&said) {
            told.push(said);
        }
    }
    told.into_iter().map(|(code, text)| vec![Inline::Text(text), Inline::Code(code.to_owned())]).collect()
}

/// A warning in a sentence, up to its code. Of the message only the names between backquotes are told.
fn words(code: &str, message: &str, config: &Config) -> String {
    let named: Vec<String> = message.split('`').skip(1).step_by(2).map(|name| format!("«{name}»")).collect();
    let names = named.join(", ");
    let of = |one: &str| if names.is_empty() { one.to_owned() } else { format!("{one} {names}") };
    let said = match code.split_once("::").map_or(code, |(_, cause)| cause) {
        "guardrail-without-margin" => {
            let titles: Vec<String> = config
                .metrics
                .iter()
                .filter(|metric| metric.role == Role::Guardrail && metric.margin.is_none())
                .map(|metric| format!("«{}»", metric.title))
                .collect();
            format!(
                "Для защитного показателя не записано, какой вред допустим ({}): отчёт заметит доказанный вред, но не \
                 сможет сказать, что вреда нет",
                titles.join(", ")
            )
        }
        "margin-without-guardrail" => {
            "Допустимый вред записан для показателя, который не защитный: в расчёт это не вошло".to_owned()
        }
        "no-primary" => "Ни один показатель не назван главным, поэтому решать нечему".to_owned(),
        "duplicate-title" => format!("{} носят две записи: читатель их не различит", of("Одно название")),
        "lonely-node" => format!("На схеме {} ни с чем не связан", of("узел")),
        "empty-file" => "Один из файлов пуст: в нём нет даже заголовка".to_owned(),
        "duplicate-column" => {
            format!("{} в заголовке назван дважды: второй прочитан под номером 2", of("Столбец"))
        }
        "mixed-encodings" => "Файлы одних и тех же данных записаны в разных кодировках".to_owned(),
        "time-type" => format!("{} не похож на даты, поэтому время строк неизвестно", of("Столбец")),
        "column-type" => {
            format!("{} такого вида, что описать его нельзя: в обзоре данных его нет", of("Столбец"))
        }
        "unreadable-cells" => format!("{} читается не весь: часть значений другого вида", of("Столбец")),
        "streaming" => "Данные прочитаны целиком, а не по частям: на это нужно больше памяти".to_owned(),
        _ => {
            "Есть замечание к описанию эксперимента или к данным; что оно значит, сказано в справочнике кодов"
                .to_owned()
        }
    };
    format!("{said}. Код: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let text = "[experiment]\nid = \"e\"\ntitle = \"Опыт\"\nstatus = \"finished\"\n[design]\ncontrol = \"A\"\n[[metric]]\nid = \"m\"\n\
                    title = \"Отказы\"\nkind = \"proportion\"\nrole = \"guardrail\"\n\
                    counts = { A = { n = 100, successes = 5 }, B = { n = 100, successes = 6 } }\n";
        crate::config::parse(std::path::Path::new("e.toml"), text, &[]).unwrap().value
    }

    /// Whether words in Latin letters stand side by side: a sentence that nobody translated.
    fn is_latin(text: &str) -> bool {
        let latin = |word: &str| word.chars().filter(char::is_ascii_alphabetic).count() > 1;
        text.split_whitespace().collect::<Vec<_>>().windows(2).any(|pair| latin(pair[0]) && latin(pair[1]))
    }

    #[test]
    fn no_warning_reaches_a_reader_in_english() {
        let config = config();
        let message = "column `время` holds no dates, the time of the rows is not known";
        for code in [
            "config::guardrail-without-margin",
            "config::margin-without-guardrail",
            "config::no-primary",
            "config::duplicate-title",
            "config::lonely-node",
            "data::empty-file",
            "data::duplicate-column",
            "data::mixed-encodings",
            "data::time-type",
            "data::column-type",
            "data::unreadable-cells",
            "data::streaming",
            "unheard-of",
        ] {
            for message in [message, "the guardrail has no margin: only proven harm can be told"] {
                for inlines in told([(code, message), (code, message)].into_iter(), &config) {
                    let text: String = inlines.iter().map(Inline::plain).collect();
                    assert!(text.ends_with(code), "{text}");
                    assert!(!is_latin(&text), "{text}");
                }
            }
        }
        assert!(is_latin("the guardrail has no margin"));
    }

    #[test]
    fn a_warning_is_told_once_and_names_what_it_is_about() {
        let config = config();
        let warning = ("config::guardrail-without-margin", "the guardrail has no margin");
        let said = told([warning, warning].into_iter(), &config);
        assert_eq!(said.len(), 1);
        assert!(said[0][0].plain().contains("(«Отказы»)"), "{}", said[0][0].plain());
        let warning = ("data::time-type", "data.time: column `дата` holds no dates");
        assert!(
            told([warning].into_iter(), &config)[0][0].plain().starts_with("Столбец «дата» не похож на даты")
        );
    }
}
