//! The digest: every experiment of a night on one page, those that need a decision first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GENERATOR;
use super::document::{Block, Cell, Column, Document, Inline, Meta, Table, Target, Tone};
use crate::history::Outcome;
use crate::wording::numbers::ABSENT;
use crate::wording::terms::{Terms, Vocabulary};
use crate::wording::{dates, numbers, plural};
use jiff::civil::Date;

/// What the digest says of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Experiment id, also the folder of its report.
    pub id: String,
    /// Title.
    pub title: String,
    /// Action name; none when the report could not be made.
    pub action: Option<String>,
    /// The action in words («Оставить контроль»).
    pub label: String,
    /// Mood of the verdict.
    pub tone: Tone,
    /// The decision in a sentence, or what went wrong.
    pub headline: String,
    /// What was found.
    pub lead: String,
    /// The action of the last archived night, when it was another one.
    pub before: Option<String>,
}

impl Entry {
    /// The entry of a report that an earlier run of the same date left, from its `results.json`.
    pub fn of_results(results: &Value) -> Option<Entry> {
        let decision = &results["decision"];
        let text = |v: &Value| v.as_str().map(str::to_owned);
        Some(Entry {
            id: text(&results["experiment"]["id"])?,
            title: text(&results["experiment"]["title"])?,
            action: text(&decision["action"]),
            label: text(&decision["label"]).unwrap_or_default(),
            tone: serde_json::from_value(decision["tone"].clone()).unwrap_or(Tone::Note),
            headline: text(&decision["headline"])?,
            lead: text(&decision["lead"]).unwrap_or_default(),
            before: None,
        })
    }

    /// What it asks for; `decided` are the experiments on which people have decided.
    fn need(&self, decided: &BTreeMap<String, Outcome>) -> Need {
        match self.action.as_deref() {
            None => Need::Report,
            Some(_) if decided.contains_key(&self.id) => Need::Nothing,
            Some("invalid") => Need::Data,
            Some("stop") => Need::Decision("stop"),
            Some("ship") => Need::Decision("ship"),
            Some("keep") => Need::Decision("keep"),
            Some(_) => Need::Time,
        }
    }
}

/// What an experiment asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// There is no report.
    Report,
    /// The data cannot be trusted.
    Data,
    /// A decision of people, which this action advises.
    Decision(&'static str),
    /// More data.
    Time,
    /// People have decided.
    Nothing,
}

/// The most urgent first.
const NEEDS: [Need; 7] = [
    Need::Report,
    Need::Data,
    Need::Decision("stop"),
    Need::Decision("ship"),
    Need::Decision("keep"),
    Need::Time,
    Need::Nothing,
];

impl Need {
    fn rank(self) -> usize {
        NEEDS.iter().position(|need| *need == self).unwrap_or(NEEDS.len())
    }

    /// What its group is called, and by which anchor it is found.
    fn heading(self, terms: &Terms) -> (&str, &'static str) {
        match self {
            Need::Report => (label(terms, None), "no-report"),
            Need::Data => (label(terms, Some("invalid")), "invalid"),
            Need::Decision(action) => (label(terms, Some(action)), action),
            Need::Time => (label(terms, Some("continue")), "continue"),
            Need::Nothing => ("Решение записано", "decided"),
        }
    }
}

/// Experiments beyond which they stand in groups, each with a heading that the contents count.
const ONE_TABLE: usize = 20;

/// The digest document. `decided` says what people decided, by the id of the experiment: those wait for nobody.
pub fn compose(
    mut entries: Vec<Entry>,
    decided: &BTreeMap<String, Outcome>,
    date: Date,
    terms: &Terms,
    chain: Option<&str>,
) -> Document {
    let key = |e: &Entry| (e.need(decided).rank(), e.title.clone(), e.id.clone());
    entries.sort_by_cached_key(key);
    let count = |wanted: fn(Need) -> bool| entries.iter().filter(|e| wanted(e.need(decided))).count();
    let broken = count(|need| need == Need::Report);
    let invalid = count(|need| need == Need::Data);
    let deciding = count(|need| matches!(need, Need::Decision(_)));
    let settled = count(|need| need == Need::Nothing);
    let mut parts = vec![counted(entries.len(), "эксперимент")];
    if deciding > 0 {
        parts.push(format!("ждут решения: {deciding}"));
    }
    if invalid > 0 {
        parts.push(format!("данным нельзя верить: {invalid}"));
    }
    if broken > 0 {
        parts.push(format!("отчёт не получился: {broken}"));
    }
    if settled > 0 {
        parts.push(format!("решение записано: {settled}"));
    }
    let mut blocks = vec![Block::paragraph(format!("{}.", parts.join("; ")))];
    let changed: Vec<&Entry> = entries.iter().filter(|e| e.before.is_some()).collect();
    if !changed.is_empty() {
        let said = |e: &&Entry| {
            let now = &e.label;
            let before = label(terms, e.before.as_deref());
            vec![link(e), Inline::Text(format!(": было «{before}», стало «{now}»."))]
        };
        blocks.push(Block::Callout {
            tone: Tone::Note,
            title: "Изменилось с прошлого раза".into(),
            paragraphs: changed.iter().map(said).collect(),
        });
    }
    let grouped = entries.len() > ONE_TABLE;
    if grouped {
        for group in entries.chunk_by(|a, b| a.need(decided) == b.need(decided)) {
            let Some(first) = group.first() else { continue };
            let (title, id) = first.need(decided).heading(terms);
            let count = numbers::integer(group.len() as u64);
            blocks.push(Block::heading(2, format!("group-{id}"), format!("{title}: {count}")));
            let caption = format!("{title}, по алфавиту");
            blocks.push(Block::Table(table(group, decided, terms, format!("experiments-{id}"), caption)));
        }
    } else {
        let caption = "Эксперименты: сначала те, что ждут решения";
        blocks.push(Block::Table(table(&entries, decided, terms, "experiments".into(), caption.into())));
    }
    if let Some(chain) = chain {
        blocks.push(Block::Definitions {
            items: vec![(
                vec![Inline::strong("Архив решений")],
                vec![
                    Inline::text("Последнее звено: "),
                    Inline::Code(chain.to_owned()),
                    Inline::text(". Если архив изменят задним числом, с этим звеном он уже не сойдётся."),
                ],
            )],
        });
    }
    Document {
        meta: Meta {
            title: "Итоги экспериментов".into(),
            subtitle: "Все эксперименты ночи".into(),
            running_head: format!("Итоги экспериментов, {}", dates::long(date)),
            date: date.to_string(),
            date_words: dates::long(date),
            generator: GENERATOR.into(),
            description: format!("{}.", parts.join("; ")),
            contents: grouped,
            one_list: grouped,
        },
        blocks,
    }
}

fn counted(n: usize, noun: &str) -> String {
    plural::find(noun)
        .map_or_else(|| numbers::integer(n as u64), |noun| plural::count(n as u64, noun.nominative))
}

fn label<'a>(terms: &'a Terms, action: Option<&str>) -> &'a str {
    match action {
        Some(action) => terms.action(action).map_or("", |a| a.label.as_str()),
        None => "Отчёта нет",
    }
}

fn link(e: &Entry) -> Inline {
    match e.action {
        Some(_) => {
            Inline::Link { text: e.title.clone(), target: Target::File(format!("{}/report.html", e.id)) }
        }
        None => Inline::Text(e.title.clone()),
    }
}

fn table(
    entries: &[Entry],
    decided: &BTreeMap<String, Outcome>,
    terms: &Terms,
    id: String,
    caption: String,
) -> Table {
    let answered = entries.iter().any(|e| decided.contains_key(&e.id));
    let mut columns = vec![
        Column::text("Эксперимент"),
        Column::text("Совет"),
        Column::text("Что найдено"),
        Column::text("Файл"),
    ];
    if answered {
        columns.insert(2, Column::text("Решили"));
    }
    let rows = entries.iter().map(|e| {
        let mut files = Vec::new();
        if e.action.is_some() {
            files.push(Inline::Link {
                text: "PDF".into(),
                target: Target::File(format!("{}/report.pdf", e.id)),
            });
        }
        let mut row = vec![
            Cell { inlines: vec![link(e)], sort: None, tone: None },
            Cell::text(e.label.clone()).tone(e.tone),
            Cell {
                inlines: vec![Inline::Strong(e.headline.clone()), Inline::Text(format!(" {}", e.lead))],
                sort: None,
                tone: None,
            },
            Cell { inlines: files, sort: None, tone: None },
        ];
        if answered {
            let outcome = decided.get(&e.id).map(|outcome| terms.word(Vocabulary::Outcome, outcome.name()));
            row.insert(2, Cell::text(outcome.unwrap_or(ABSENT)));
        }
        row
    });
    Table { id, caption, columns, rows: rows.collect(), notes: vec![] }
}

/// Why there is no report, in a sentence for those who read the digest; the code is for the operator.
pub fn cause(code: &str) -> String {
    let said = match code.split_once("::").unwrap_or((code, "")) {
        ("run", "time-limit") => "Расчёт не уложился в отведённое время и остановлен.",
        ("run", "interrupted") => "Расчёт прерван до конца.",
        ("run", "panic" | "worker" | "worker-died" | "worker-start") => {
            "Программа прервалась на этом эксперименте."
        }
        ("run", "duplicate-experiment") => "Два описания называют один и тот же эксперимент.",
        ("run", "config-changed") => "Описание эксперимента изменилось во время расчёта.",
        ("config" | "graph" | "plan", _) => "В описании эксперимента ошибка.",
        ("data", _) => "С данными что-то не так: посчитать по ним нельзя.",
        ("warehouse", "connect" | "login" | "tls" | "no-address") => "Не удалось подключиться к хранилищу.",
        ("warehouse", "timeout") => "Хранилище не ответило вовремя.",
        ("warehouse", _) => "Хранилище не выдало данные.",
        ("templates", _) => "В собственном шаблоне отчёта ошибка.",
        ("deliver" | "archive", _) => "Отчёт не удалось сохранить.",
        _ => "Отчёт не собрался из-за ошибки программы.",
    };
    format!("{said} Код для дежурного: {code}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wording::narrative::Narrative;

    fn entry(id: &str, action: Option<&str>) -> Entry {
        Entry {
            id: id.into(),
            title: format!("Опыт {id}"),
            action: action.map(str::to_owned),
            label: "Решение".into(),
            tone: Tone::Note,
            headline: "Так.".into(),
            lead: String::new(),
            before: None,
        }
    }

    fn digest(entries: Vec<Entry>, decided: &[&str]) -> Document {
        let narrative = Narrative::new().unwrap();
        let decided = decided.iter().map(|id| ((*id).to_owned(), Outcome::Iterate)).collect();
        compose(entries, &decided, jiff::civil::date(2026, 11, 22), narrative.terms(), None)
    }

    fn headings(document: &Document) -> Vec<&str> {
        document
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Heading { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn those_on_which_people_have_decided_wait_for_nobody() {
        let entries =
            || vec![entry("a", Some("ship")), entry("b", Some("ship")), entry("c", Some("continue"))];
        let said = |decided: &[&str]| digest(entries(), decided).meta.description;
        assert_eq!(said(&[]), "3\u{a0}эксперимента; ждут решения: 2.");
        assert_eq!(said(&["a"]), "3\u{a0}эксперимента; ждут решения: 1; решение записано: 1.");
        let Some(Block::Table(table)) =
            digest(entries(), &["a"]).blocks.into_iter().find(|b| matches!(b, Block::Table(_)))
        else {
            panic!("no table")
        };
        let order: Vec<&str> = table.rows.iter().map(|row| row[0].inlines[0].plain()).collect();
        assert_eq!(order, ["Опыт b", "Опыт c", "Опыт a"]);
        // What the tool advises and what people decided are two columns.
        let titles: Vec<&str> = table.columns.iter().map(|c| c.title.as_str()).collect();
        assert_eq!(titles, ["Эксперимент", "Совет", "Решили", "Что найдено", "Файл"]);
        let outcomes: Vec<&str> = table.rows.iter().map(|row| row[2].inlines[0].plain()).collect();
        assert_eq!(outcomes, ["—", "—", "дорабатывают"]);
    }

    #[test]
    fn many_experiments_stand_in_counted_groups_with_contents() {
        let actions = [Some("continue"), Some("ship"), None, Some("invalid")];
        let entries = |n: usize| (0..n).map(|i| entry(&format!("e{i:02}"), actions[i % 4])).collect();
        let few = digest(entries(ONE_TABLE), &[]);
        assert!(!few.meta.contents && headings(&few).is_empty());
        let many = digest(entries(ONE_TABLE + 2), &["e01"]);
        assert!(many.meta.contents);
        let counts: Vec<&str> = headings(&many).iter().filter_map(|h| h.split(": ").nth(1)).collect();
        assert_eq!(counts, ["5", "5", "5", "6", "1"], "{:?}", headings(&many));
    }

    #[test]
    fn a_missing_report_is_explained_in_russian_with_its_code() {
        assert_eq!(
            cause("run::time-limit"),
            "Расчёт не уложился в отведённое время и остановлен. Код для дежурного: run::time-limit."
        );
        assert!(cause("config::unknown-key").starts_with("В описании эксперимента ошибка."));
        assert!(cause("data::missing-column").starts_with("С данными"));
        assert!(cause("render::pdf").ends_with("Код для дежурного: render::pdf."));
    }
}
