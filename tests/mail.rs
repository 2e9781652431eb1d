//! The mail of a night: who is told what, and the bytes of each message.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use std::fs;
use std::path::Path;

use itog::config::delivery::{Delivery, parse};
use itog::deliver::outbox::{Event, Message, Outbox, whole};
use itog::mailing::night::Night;
use itog::mailing::{Due, messages};
use itog::render::email::Renderer;
use itog::report::mail::Trouble;
use itog::wording::terms::Terms;
use jiff::Timestamp;
use mail_parser::{MessageParser, MimeHeaders};
use serde_json::{Value, json};

#[path = "outbox/fake.rs"]
#[allow(dead_code, reason = "the tests of sending use all of it")]
mod fake;
#[path = "mail/program.rs"]
mod program;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n picture";
const PDF: &[u8] = b"%PDF-1.7 a report";

/// An experiment as its `results.json` tells it.
fn results(id: &str, title: &str, action: &str, effect: f64) -> Value {
    let column = |title: &str, align: &str| json!({ "title": title, "align": align });
    let cell = |text: &str| json!({ "inlines": [{ "inline": "text", "text": text }] });
    let difference = format!("+{effect:.1}\u{a0}₽ (+4\u{a0}%)").replace('.', ",");
    let mut good = cell(&difference);
    good["tone"] = json!("good");
    json!({
        "experiment": { "id": id, "title": title, "owner": "Анна Петрова" },
        "data": { "gates": [] },
        "decision": {
            "action": action, "winner": if action == "ship" { json!("B") } else { Value::Null },
            "label": match action { "ship" => "Выкатить", "stop" => "Остановить", "invalid" => "Выводу верить нельзя", _ => "Продолжать" },
            "tone": "good", "headline": "Выкатить вариант B.", "lead": "Выручка выше, разница надёжна.",
        },
        "first_screen": {
            "card": {
                "action": action, "tone": "good", "label": "Выкатить", "headline": "Выкатить вариант B.",
                "lead": "Выручка выше, разница надёжна.",
                "effects": {
                    "id": "effects", "caption": "", "notes": ["Интервалы учитывают число сравнений."],
                    "columns": [column("Показатель", "start"), column("A", "end"), column("B", "end"),
                                column("B − A", "end"), column("Интервал 95 %", "end")],
                    "rows": [[cell("Выручка"), cell("100,0 ₽"), cell("104,0 ₽"), good, cell("от +1,0 до +7,0 ₽")]],
                },
                "points": [
                    { "label": "Почему", "inlines": [{ "inline": "text", "text": "Весь интервал по одну сторону от нуля." }] },
                    { "label": "Деньги", "inlines": [{ "inline": "text", "text": "За год это 1,2 млн ₽." }] },
                    { "label": "Дальше", "inlines": [{ "inline": "text", "text": "Выкатить B на всех до 1 декабря." }] },
                ],
                "badges": [{ "label": "Деление на группы", "value": "как задумано", "tone": "good", "meaning": "" }],
            },
            "figures": [{ "id": "metric-revenue-effect", "caption": "Разница с интервалом", "alt": "Разница 4 ₽" }],
        },
    })
}

/// An output folder with a finished night.
fn night(experiments: &[Value], failed: &[Trouble]) -> (tempfile::TempDir, Night) {
    let out = tempfile::tempdir().unwrap();
    let night = again(out.path(), "2026-11-22", "k", experiments, failed);
    (out, night)
}

/// Another night, or the same one made again.
fn again(out: &Path, date: &str, key: &str, experiments: &[Value], failed: &[Trouble]) -> Night {
    let folder = out.join(date);
    let mut entries = Vec::new();
    for results in experiments {
        let id = results["experiment"]["id"].as_str().unwrap();
        fs::create_dir_all(folder.join(id).join("charts")).unwrap();
        fs::write(folder.join(id).join("results.json"), results.to_string()).unwrap();
        fs::write(folder.join(id).join("charts/metric-revenue-effect.png"), PNG).unwrap();
        fs::write(folder.join(id).join("report.pdf"), PDF).unwrap();
        entries.push(json!({ "id": id, "run_key": format!("{key}-{id}-{date}") }));
    }
    fs::write(folder.join("digest.pdf"), PDF).unwrap();
    fs::write(folder.join("manifest.json"), json!({ "experiments": entries }).to_string()).unwrap();
    Night::read(out, date.parse().unwrap(), failed).unwrap()
}

const HEAD: &str = "enabled = true\n[mail]\nfrom = \"Итоги экспериментов <itog@example.ru>\"\n";
const BASE: &str = "base_url = \"https://reports.example.ru/itog\"\n";
const SMTP: &str = "[smtp]\nhost = \"localhost\"\nsecurity = \"none\"\n";
const PEOPLE: &str = "[[manager]]\naddress = \"Мария Ким <maria@example.ru>\"\n\
                      [[owner]]\nname = \"Анна Петрова\"\naddress = \"Анна Петрова <anna@example.ru>\"\n\
                      [[operator]]\naddress = \"duty@example.ru\"\n";

fn delivery(parts: &[&str]) -> Delivery {
    parse(Path::new("delivery.toml"), &parts.concat()).unwrap_or_else(|p| panic!("{p:?}")).value
}

fn renderer() -> Renderer {
    Renderer::new(Terms::builtin()).unwrap()
}

fn made(night: &Night, delivery: &Delivery, out: &Path) -> Vec<Message> {
    messages(night, delivery, &Outbox::open(out).unwrap(), &renderer(), Due::News).unwrap()
}

fn at() -> Timestamp {
    "2026-11-23T03:00:00Z".parse().unwrap()
}

fn bytes(message: &Message) -> Vec<u8> {
    whole(&message.headers, at(), &message.body)
}

fn trouble(experiment: &str) -> Trouble {
    Trouble {
        experiment: experiment.into(),
        code: "data::no-column".into(),
        text: "config/x.toml:3:9: error[data::no-column]: there is no column `spent` (did you mean `spend`?)"
            .into(),
        failed: true,
    }
}

#[test]
fn each_reader_gets_what_is_theirs() {
    let (out, night) = night(
        &[results("arppu", "ARPPU", "ship", 4.0), results("cpa", "CPA", "continue", 1.0)],
        &[trouble("broken")],
    );
    let all = made(&night, &delivery(&[HEAD, SMTP, PEOPLE]), out.path());
    let told: Vec<(&str, &str, &str, &str)> = all
        .iter()
        .map(|m| (m.kind.as_str(), m.experiment.as_str(), m.recipient.as_str(), m.subject.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "digest",
                "",
                "maria@example.ru",
                "Итоги экспериментов, 22 ноября: ждут решения — 1; отчёт не получился — 1"
            ),
            ("experiment", "arppu", "anna@example.ru", "Выкатить B: ARPPU"),
            ("experiment", "cpa", "anna@example.ru", "Продолжать: CPA"),
            ("operators", "", "duty@example.ru", "itog, 22 ноября: не получился 1 отчёт"),
        ]
    );
    let filtered = "[[manager]]\naddress = \"m@example.ru\"\nexperiments = [\"cp*\"]\n\
                    [[owner]]\nname = \"анна петрова\"\naddress = \"a@example.ru\"\nform = \"digest\"\n\
                    [[operator]]\naddress = \"d@example.ru\"\non = \"failures\"\n";
    let all = made(&night, &delivery(&[HEAD, SMTP, filtered]), out.path());
    let kinds: Vec<&str> = all.iter().map(|m| m.kind.as_str()).collect();
    assert_eq!(kinds, ["digest", "own-digest", "operators"]);
    let text = text_of(&all[0]);
    assert!(text.contains("CPA") && !text.contains("ARPPU") && text.contains("Ваши эксперименты"), "{text}");
}

fn text_of(message: &Message) -> String {
    MessageParser::default().parse(&bytes(message)).unwrap().body_text(0).unwrap().into_owned()
}

fn html_of(message: &Message) -> String {
    MessageParser::default().parse(&bytes(message)).unwrap().body_html(0).unwrap().into_owned()
}

#[test]
fn only_news_is_told_and_only_once() {
    let (out, first) = night(&[results("arppu", "ARPPU", "ship", 4.0)], &[]);
    let of = |when: &str| {
        let owner =
            format!("[[owner]]\nname = \"Анна Петрова\"\naddress = \"a@example.ru\"\nwhen = \"{when}\"\n");
        delivery(&[HEAD, SMTP, &owner])
    };
    let mut outbox = Outbox::open(out.path()).unwrap();
    let renderer = renderer();
    let queued = messages(&first, &of("news"), &outbox, &renderer, Due::News).unwrap();
    outbox.queue(&queued, at()).unwrap();
    let count = |night: &Night, when: &str, due: Due| {
        messages(night, &of(when), &outbox, &renderer, due).unwrap().len()
    };
    for when in ["always", "news", "decision"] {
        assert_eq!(count(&first, when, Due::News), 0, "{when}: the same night again");
    }
    let same = again(out.path(), "2026-11-23", "k", &[results("arppu", "ARPPU", "ship", 4.0)], &[]);
    assert_eq!(["always", "news", "decision"].map(|when| count(&same, when, Due::News)), [1, 0, 0]);
    let moved = again(out.path(), "2026-11-23", "k", &[results("arppu", "ARPPU", "ship", 5.0)], &[]);
    assert_eq!(["always", "news", "decision"].map(|when| count(&moved, when, Due::News)), [1, 1, 0]);
    let decided = again(out.path(), "2026-11-23", "k", &[results("arppu", "ARPPU", "stop", 5.0)], &[]);
    assert_eq!(["always", "news", "decision"].map(|when| count(&decided, when, Due::News)), [1, 1, 1]);
    let old = again(out.path(), "2026-11-21", "k", &[results("arppu", "ARPPU", "stop", 5.0)], &[]);
    assert_eq!(
        [Due::News, Due::EvenOld].map(|due| count(&old, "news", due)),
        [0, 1],
        "an older night is history"
    );
}

#[test]
fn nights_of_an_experiment_are_a_thread_and_a_corrected_night_says_so() {
    let owner = "[[owner]]\nname = \"Анна Петрова\"\naddress = \"a@example.ru\"\n";
    let delivery = delivery(&[HEAD, SMTP, owner]);
    let (out, first) = night(&[results("arppu", "ARPPU", "ship", 4.0)], &[]);
    let mut outbox = Outbox::open(out.path()).unwrap();
    let renderer = renderer();
    let mut tell = |night: &Night| -> Message {
        let made = messages(night, &delivery, &outbox, &renderer, Due::News).unwrap();
        outbox.queue(&made, at()).unwrap();
        for message in outbox.list(Event::waits).unwrap() {
            outbox.record(message.id, Event::Sent, at(), "250 ok").unwrap();
        }
        made.into_iter().next().unwrap()
    };
    let one = tell(&first);
    let two = tell(&again(out.path(), "2026-11-23", "k", &[results("arppu", "ARPPU", "ship", 5.0)], &[]));
    let corrected =
        tell(&again(out.path(), "2026-11-23", "k2", &[results("arppu", "ARPPU", "ship", 6.0)], &[]));
    let header = |message: &Message, name: &str| -> Vec<String> {
        let bytes = bytes(message);
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        let value = if name == "References" { parsed.references() } else { parsed.in_reply_to() };
        match value.as_text_list() {
            Some(list) => list.iter().map(ToString::to_string).collect(),
            None => value.as_text().map(str::to_owned).into_iter().collect(),
        }
    };
    let root = header(&one, "References");
    assert_eq!(root.len(), 1);
    assert_eq!(header(&two, "In-Reply-To"), std::slice::from_ref(&one.message_id));
    assert_eq!(header(&two, "References"), [root[0].clone(), one.message_id.clone()]);
    assert_eq!(header(&corrected, "In-Reply-To"), std::slice::from_ref(&two.message_id));
    assert_eq!(corrected.subject, "Уточнение. Выкатить B: ARPPU");
    assert_ne!(corrected.message_id, two.message_id);
}

#[test]
fn a_message_parses_and_has_every_header_that_mail_needs() {
    let (out, night) = night(&[results("arppu", "ARPPU в двух группах", "ship", 4.0)], &[]);
    let more = "reply_to = \"analytics@example.ru\"\none_click = true\n\
                unsubscribe = [\"https://example.ru/leave?who={address}\", \"mailto:leave@example.ru\"]\n";
    let all = made(&night, &delivery(&[HEAD, BASE, more, SMTP, PEOPLE]), out.path());
    let message = all.iter().find(|m| m.kind == "experiment").unwrap();
    let bytes = bytes(message);
    assert!(bytes.is_ascii(), "every server takes seven bits");
    for line in String::from_utf8(bytes.clone()).unwrap().split("\r\n") {
        assert!(line.len() <= 998 && !line.contains('\n'), "{line}");
    }
    let parsed = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(parsed.subject(), Some("Выкатить B: ARPPU в двух группах"));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Итоги экспериментов"));
    assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("anna@example.ru"));
    assert_eq!(parsed.to().unwrap().iter().count(), 1);
    assert_eq!(parsed.reply_to().unwrap().first().unwrap().address(), Some("analytics@example.ru"));
    assert_eq!(parsed.message_id(), Some(message.message_id.as_str()));
    assert_eq!(parsed.date().unwrap().to_rfc3339(), "2026-11-23T03:00:00Z");
    let raw = |name: &str| parsed.header_raw(name).map(|text| text.trim().replace("\r\n", ""));
    assert_eq!(raw("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert_eq!(raw("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(
        raw("List-Unsubscribe").as_deref(),
        Some("<https://example.ru/leave?who=anna%40example.ru>, <mailto:leave@example.ru>")
    );
    let attached: Vec<(Option<&str>, usize)> =
        parsed.attachments().map(|part| (part.attachment_name(), part.contents().len())).collect();
    assert_eq!(
        attached,
        [(Some("metric-revenue-effect.png"), PNG.len()), (Some("arppu-2026-11-22.pdf"), PDF.len())]
    );
    let picture = parsed.attachments().next().unwrap();
    let html = parsed.body_html(0).unwrap();
    assert!(html.contains(&format!("cid:{}", picture.content_id().unwrap())), "{html}");
    assert!(html.contains("https://reports.example.ru/itog/2026-11-22/arppu/report.html"));
    let text = parsed.body_text(0).unwrap();
    for said in [
        "Выкатить вариант B.",
        "B − A: +4,0",
        "от +1,0 до +7,0",
        "За год это 1,2",
        "Выкатить B на всех",
        "в порядке",
    ] {
        assert!(
            text.contains(said) && (said == "в порядке" || html.contains(said.trim_start_matches("B − A: "))),
            "{said}: {text}"
        );
    }
}

#[test]
fn a_large_pdf_is_linked_or_said_to_be_in_the_folder() {
    let (out, night) = night(&[results("arppu", "ARPPU", "ship", 4.0)], &[]);
    let none = "attach_up_to_kb = 0\n";
    let linked = made(&night, &delivery(&[HEAD, none, BASE, SMTP, PEOPLE]), out.path());
    for message in &linked {
        let bytes = bytes(message);
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert!(
            parsed
                .attachments()
                .all(|part| part.attachment_name().is_some_and(|name| name.ends_with(".png")))
        );
        assert!(text_of(message).lines().any(|line| line.ends_with(".pdf")), "{}", text_of(message));
    }
    fs::write(out.path().join("2026-11-22/arppu/report.pdf"), vec![b'x'; 4_000_001]).unwrap();
    let unlinked = made(&night, &delivery(&[HEAD, SMTP, PEOPLE]), out.path());
    let message = unlinked.iter().find(|m| m.kind == "experiment").unwrap();
    let text = text_of(message).replace("\r\n", " ");
    assert!(text.contains("(4,0\u{a0}МБ), он лежит в папке отчётов: 2026-11-22/arppu/report.pdf"), "{text}");
}

#[test]
fn what_people_have_decided_waits_for_nobody() {
    let (out, mut night) =
        night(&[results("a", "Первый", "ship", 4.0), results("b", "Второй", "ship", 4.0)], &[]);
    let delivery = delivery(&[HEAD, SMTP, PEOPLE]);
    let subject = |night: &Night| {
        let made = made(night, &delivery, out.path());
        MessageParser::default().parse(&bytes(&made[0])).unwrap().subject().unwrap().to_owned()
    };
    assert!(subject(&night).contains("ждут решения — 2"), "{}", subject(&night));
    night.reports[0].told.decided = Some("выкатили".into());
    assert!(subject(&night).contains("ждут решения — 1"), "{}", subject(&night));
    night.reports[1].told.decided = Some("откатили".into());
    assert!(subject(&night).contains("новых решений нет"), "{}", subject(&night));
}

/// A digest lists under each title what its summary counted, and what people decided stands beside the advice.
#[test]
fn counts_and_lists_of_a_digest_agree() {
    let mut word = results("w", "Слово", "ship", 4.0);
    word["decision"]["winner"] = json!("новая");
    let all = [
        word,
        results("s", "Вред", "stop", 4.0),
        results("i", "Перекос", "invalid", 4.0),
        results("j", "Перекос 2", "invalid", 4.0),
        results("d", "Решённый", "ship", 4.0),
    ];
    let (out, mut night) = night(&all, &[]);
    let decided = night.reports.iter_mut().find(|report| report.told.entry.id == "d").unwrap();
    decided.told.decided = Some("откатили".into());
    let made = made(&night, &delivery(&[HEAD, SMTP, PEOPLE]), out.path());
    let text = text_of(made.iter().find(|message| message.kind == "digest").unwrap()).replace('\u{a0}', " ");
    let text = text.replace("\r\n", "\n");
    assert!(text.contains("ждут решения — 2; данным нельзя верить — 2"), "{text}");
    let list = |title: &str| {
        let after = text.split_once(&format!("\n{title}\n")).map_or("", |(_, after)| after);
        let mut names = Vec::new();
        for line in after.lines().skip(1) {
            match line.strip_prefix("* ") {
                Some(name) => names.push(name.trim().to_owned()),
                None if !line.starts_with(' ') && !line.trim().is_empty() => break,
                None => {}
            }
        }
        names
    };
    assert_eq!(list("Ждут решения"), ["Вред", "Слово"], "{text}");
    assert_eq!(list("Данным нельзя верить"), ["Перекос", "Перекос 2"], "{text}");
    assert_eq!(list("Остальные"), ["Решённый"], "{text}");
    assert!(text.contains("Выкатить «новая»"), "{text}");
    assert!(text.contains("откатили"), "{text}");
}

#[test]
fn a_thousand_experiments_fit_into_a_mail() {
    let many: Vec<Value> = (0..1000)
        .map(|i| {
            results(&format!("e{i}"), &format!("Эксперимент номер {i} с длинным названием"), "ship", 4.0)
        })
        .collect();
    let troubles: Vec<Trouble> = (0..500).map(|i| trouble(&format!("broken-{i}"))).collect();
    let (out, night) = night(&many, &troubles);
    let people = "[[manager]]\naddress = \"m@example.ru\"\n[[operator]]\naddress = \"d@example.ru\"\n";
    let all = made(&night, &delivery(&[HEAD, BASE, SMTP, people]), out.path());
    for message in &all {
        let html = html_of(message);
        assert!(html.len() < 90_000, "{}: {}", message.kind, html.len());
        // What Gmail cuts off is counted as it is sent.
        assert!(html.len() > 5_000);
    }
    assert!(text_of(&all[0]).contains("в полной сводке"));
}

#[test]
fn html_is_what_mail_programs_know() {
    let (out, night) = night(&[results("arppu", "ARPPU", "ship", 4.0)], &[trouble("broken")]);
    for message in made(&night, &delivery(&[HEAD, BASE, SMTP, PEOPLE]), out.path()) {
        let html = html_of(&message);
        for unknown in [
            "<style",
            "<script",
            "<svg",
            "class=\"tone",
            "flex",
            "grid",
            "var(",
            "@media",
            "position:",
            "float:",
            "url(",
        ] {
            assert!(!html.contains(unknown), "{unknown} in {html}");
        }
        let base = "https://reports.example.ru/itog/2026-11-22/";
        for (at, _) in html.match_indices("=\"http") {
            assert!(html[at + 2..].starts_with(base), "{}", &html[at..at + 60]);
        }
        assert!(html.contains("style=\"") && html.contains("lang=\"ru\""));
        for image in html.match_indices("<img ").map(|(at, _)| &html[at..]) {
            assert!(
                image.starts_with("<img src=\"cid:") && image[..image.find('>').unwrap()].contains("alt=\"Р")
            );
        }
    }
}

#[test]
fn plain_text_has_short_lines_and_no_markup() {
    let (out, night) = night(&[results("arppu", "ARPPU", "ship", 4.0)], &[trouble("broken")]);
    for message in made(&night, &delivery(&[HEAD, BASE, SMTP, PEOPLE]), out.path()) {
        let text = text_of(&message);
        for line in text.lines() {
            let is_address = line.trim_start().starts_with("https://") || line.starts_with("mailto:");
            assert!(is_address || line.chars().count() <= 72, "{line}");
        }
        assert!(!text.contains('<') && !text.contains("&quot;") && !text.contains("\n\n\n"), "{text}");
    }
}

#[test]
fn what_comes_from_a_config_can_neither_mark_up_nor_add_headers() {
    let evil = "<script>alert(1)</script>\r\nBcc: all@example.ru";
    let (out, night) = night(&[results("arppu", evil, "ship", 4.0)], &[]);
    for message in made(&night, &delivery(&[HEAD, BASE, SMTP, PEOPLE]), out.path()) {
        let bytes = bytes(&message);
        let parsed = MessageParser::default().parse(&bytes).unwrap();
        assert!(parsed.bcc().is_none());
        assert!(!parsed.body_html(0).unwrap().contains("<script"));
    }
}

#[test]
fn the_same_night_is_the_same_bytes() {
    let of = || {
        let (out, night) = night(&[results("arppu", "ARPPU", "ship", 4.0)], &[trouble("broken")]);
        made(&night, &delivery(&[HEAD, BASE, SMTP, PEOPLE]), out.path())
    };
    assert_eq!(of(), of());
}

#[test]
fn golden_messages() {
    let (out, night) = night(
        &[results("arppu", "ARPPU в двух группах", "ship", 4.0), results("cpa", "CPA", "continue", 1.0)],
        &[trouble("broken")],
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for message in made(&night, &delivery(&[HEAD, BASE, SMTP, PEOPLE]), out.path()) {
            if message.experiment != "cpa" {
                let eml = String::from_utf8(bytes(&message)).unwrap();
                insta::assert_snapshot!(format!("mail-{}.eml", message.kind), eml.replace("\r\n", "\n"));
                insta::assert_snapshot!(format!("mail-{}.txt", message.kind), text_of(&message));
            }
        }
    });
}
