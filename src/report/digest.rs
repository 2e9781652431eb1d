//! The digest: every experiment of a night on one page, those that need a decision first.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GENERATOR;
use super::document::{Block, Cell, Column, Document, Inline, Meta, Table, Target, Tone};
use crate::wording::terms::Terms;
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

    /// How much a decision is needed, the most first.
    fn urgency(&self) -> usize {
        let order = [None, Some("invalid"), Some("stop"), Some("ship"), Some("keep"), Some("continue")];
        order.iter().position(|a| *a == self.action.as_deref()).unwrap_or(order.len())
    }
}

/// The digest document.
pub fn compose(mut entries: Vec<Entry>, date: Date, terms: &Terms, chain: Option<&str>) -> Document {
    entries.sort_by(|a, b| (a.urgency(), &a.title, &a.id).cmp(&(b.urgency(), &b.title, &b.id)));
    let decisive = |e: &&Entry| matches!(e.action.as_deref(), Some("ship" | "keep" | "stop"));
    let broken = entries.iter().filter(|e| e.action.is_none()).count();
    let invalid = entries.iter().filter(|e| e.action.as_deref() == Some("invalid")).count();
    let deciding = entries.iter().filter(decisive).count();
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
    blocks.push(Block::Table(table(&entries)));
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
            contents: false,
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

fn table(entries: &[Entry]) -> Table {
    let rows = entries.iter().map(|e| {
        let mut files = Vec::new();
        if e.action.is_some() {
            files.push(Inline::Link {
                text: "PDF".into(),
                target: Target::File(format!("{}/report.pdf", e.id)),
            });
        }
        vec![
            Cell { inlines: vec![link(e)], sort: None, tone: None },
            Cell::text(e.label.clone()).tone(e.tone),
            Cell {
                inlines: vec![Inline::Strong(e.headline.clone()), Inline::Text(format!(" {}", e.lead))],
                sort: None,
                tone: None,
            },
            Cell { inlines: files, sort: None, tone: None },
        ]
    });
    Table {
        id: "experiments".into(),
        caption: "Эксперименты: сначала те, что ждут решения".into(),
        columns: vec![
            Column::text("Эксперимент"),
            Column::text("Решение"),
            Column::text("Что найдено"),
            Column::text("Файл"),
        ],
        rows: rows.collect(),
        notes: vec![],
    }
}
