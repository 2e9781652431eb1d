//! What a mail says: the first screen of an experiment, the digest for its readers, the troubles of a night.
//!
//! A letter is a [`Document`] like any report; [`crate::render`] makes it HTML and plain text. Everything about an experiment
//! comes from its `results.json`, so that a letter about a report that an earlier run left is the same letter.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GENERATOR;
use super::digest::Entry;
use super::document::{Block, Cell, Column, Document, Inline, Meta, Table, Target, VerdictCard};
use super::facts::names;
use crate::wording::numbers::ABSENT;
use crate::wording::{dates, plural};

/// A letter before anyone decides how it looks.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Subject: the decision first.
    pub subject: String,
    /// What mail programs show beside the subject.
    pub preview: String,
    /// The text.
    pub document: Document,
    /// Charts that belong to it, by id.
    pub figures: Vec<Figure>,
    /// File of the whole report, relative to the folder of the date.
    pub page: Option<String>,
    /// The same as PDF.
    pub pdf: Option<String>,
    /// What the text says, without what changes every night by itself: equal texts are no news.
    pub news: String,
    /// The actions it tells.
    pub decision: String,
}

/// A chart of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Figure {
    /// File name of the chart without its ending.
    pub id: String,
    /// Caption.
    pub caption: String,
    /// What the picture shows.
    pub alt: String,
}

/// What a mail can say of one experiment.
#[derive(Clone, Debug)]
pub struct Told {
    /// Id, title, action and the decision in a sentence.
    pub entry: Entry,
    /// Who answers for it, as the config says.
    pub owner: Option<String>,
    /// Who won, where somebody did.
    pub winner: Option<String>,
    /// The first screen; none where the report could not be made.
    pub card: Option<VerdictCard>,
    /// Charts for the letter.
    pub figures: Vec<Figure>,
    /// A gate refused the data.
    pub refused: bool,
    /// What the action was called when it was another one, the night before.
    pub before: Option<String>,
    /// What people decided, in a word, where it is written down: it waits for nobody.
    pub decided: Option<String>,
}

/// Charts of a letter, the most telling kinds first, by the end of their ids.
const TELLING: [&str; 8] =
    ["forest", "-nights", "-effect", "-reached", "-duration", "-values", "-distribution", "-graph"];

/// Most charts of a letter.
const MOST_FIGURES: usize = 2;

/// Experiments of a digest that are told one by one; those beyond it are counted.
const MOST_ENTRIES: usize = 40;

/// Troubles that are told one by one.
const MOST_TROUBLES: usize = 60;

/// What `results.json` keeps of a document for letters.
pub fn screen(document: &Document) -> Value {
    let card = document.blocks.iter().find_map(|block| match block {
        Block::Verdict(card) => Some(card),
        _ => None,
    });
    let figures = document.blocks.iter().filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    });
    let rank = |id: &str| TELLING.iter().position(|end| id.ends_with(end));
    let mut chosen: Vec<_> = figures.filter_map(|figure| Some((rank(&figure.id)?, figure))).collect();
    chosen.sort_by_key(|(rank, _)| *rank);
    let figures: Vec<Value> = chosen
        .iter()
        .take(MOST_FIGURES)
        .map(|(_, figure)| json!({ "id": figure.id, "caption": figure.caption, "alt": figure.alt }))
        .collect();
    json!({ "card": card, "figures": figures })
}

impl Told {
    /// What the `results.json` of a report says.
    pub fn of_results(results: &Value) -> Option<Told> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let screen = &results["first_screen"];
        let gates = results["data"]["gates"].as_array();
        Some(Told {
            entry: Entry::of_results(results)?,
            owner: text(&results["experiment"]["owner"]),
            winner: text(&results["decision"]["winner"]),
            card: VerdictCard::deserialize(&screen["card"]).ok(),
            figures: Vec::deserialize(&screen["figures"]).unwrap_or_default(),
            refused: gates.is_some_and(|gates| gates.iter().any(|gate| gate["refuses"] == true)),
            before: None,
            decided: None,
        })
    }

    /// «Выкатить 3», «Продолжать».
    fn action(&self) -> String {
        match (&self.winner, self.entry.action.as_deref()) {
            (Some(winner), Some("ship")) => format!("{} {}", self.entry.label, names::group(winner)),
            _ => self.entry.label.clone(),
        }
    }

    /// What it says, as far as it is news when it changes.
    fn said(&self) -> Value {
        let e = &self.entry;
        let card = self.card.as_ref().map(|card| json!({ "effects": card.effects, "points": card.points }));
        json!([e.id, e.action, e.label, e.headline, e.lead, card])
    }

    fn decided(&self) -> Value {
        json!([self.entry.id, self.entry.action, self.winner])
    }
}

/// The letter about one experiment.
pub fn experiment(told: &Told, date: Date) -> Letter {
    let e = &told.entry;
    let mut blocks: Vec<Block> = told.card.iter().cloned().map(Block::Verdict).collect();
    if blocks.is_empty() {
        blocks.push(Block::paragraph(format!("{} {}", e.headline, e.lead)));
    }
    Letter {
        subject: plain(&format!("{}: {}", told.action(), e.title)),
        preview: format!("{} {}", e.headline, e.lead),
        document: document(e.title.clone(), format!("Эксперимент {}", e.id), date, blocks),
        figures: told.figures.clone(),
        page: Some(format!("{}/report.html", e.id)),
        pdf: Some(format!("{}/report.pdf", e.id)),
        news: told.said().to_string(),
        decision: told.decided().to_string(),
    }
}

/// The digest of some experiments; `whole` says that they are all of the night, so that its own page and PDF belong to it.
pub fn digest(told: &[&Told], date: Date, whole: bool, chain: Option<&str>) -> Letter {
    let mut told = told.to_vec();
    told.sort_by(|a, b| {
        let key = |t: &&Told| (need(t), urgency(t), t.entry.title.clone(), t.entry.id.clone());
        key(a).cmp(&key(b))
    });
    let mut parts = Vec::new();
    for (wanted, words) in [
        (Need::Decision, "ждут решения"),
        (Need::Data, "данным нельзя верить"),
        (Need::Report, "отчёт не получился"),
    ] {
        let n = told.iter().filter(|t| need(t) == wanted).count();
        if n > 0 {
            parts.push(format!("{words}\u{a0}— {n}"));
        }
    }
    if parts.is_empty() {
        parts.push("новых решений нет".to_owned());
    }
    let summary = parts.join("; ");
    let mut blocks = vec![Block::paragraph(format!("{}; {summary}.", experiments(told.len())))];
    let changed: Vec<&&Told> = told.iter().filter(|t| t.before.is_some()).collect();
    if !changed.is_empty() {
        blocks.push(Block::heading(2, "changed", "Изменилось с прошлого раза"));
        let items = changed.iter().map(|t| {
            let before = t.before.as_deref().unwrap_or_default();
            let now = &t.entry.label;
            vec![link(t), Inline::text(format!(": было «{before}», стало «{now}».",))]
        });
        blocks.push(Block::List { ordered: false, items: items.collect() });
    }
    let shown = &told[..told.len().min(MOST_ENTRIES)];
    for list in shown.chunk_by(|a, b| need(a) == need(b)) {
        let (id, title) = match list.first().map(|t| need(t)) {
            Some(Need::Report) => ("broken", "Отчёт не получился"),
            Some(Need::Data) => ("void", "Данным нельзя верить"),
            Some(Need::Decision) => ("deciding", "Ждут решения"),
            Some(Need::Nothing) if list.len() < shown.len() => ("others", "Остальные"),
            _ => ("others", "Эксперименты"),
        };
        blocks.push(Block::heading(2, id, title));
        blocks.push(Block::Table(entries(id, list)));
    }
    if told.len() > shown.len() {
        let rest = experiments(told.len() - shown.len());
        blocks.push(Block::paragraph(format!("Ещё {rest} — в полной сводке.")));
    }
    if let Some(chain) = chain {
        blocks.push(Block::heading(2, "archive", "Архив решений"));
        blocks.push(Block::Paragraph {
            inlines: vec![
                Inline::text("Последнее звено: "),
                Inline::Code(chain.to_owned()),
                Inline::text("."),
            ],
        });
    }
    let of =
        if whole { "Все эксперименты ночи" } else { "Ваши эксперименты" };
    let said: Vec<Value> = told.iter().map(|t| t.said()).collect();
    let decided: Vec<Value> = told.iter().map(|t| t.decided()).collect();
    Letter {
        subject: plain(&format!("Итоги экспериментов, {}: {summary}", dates::day_month(date))),
        preview: told
            .first()
            .map_or_else(String::new, |t| format!("{}: {}", t.entry.title, t.entry.headline)),
        document: document("Итоги экспериментов".into(), of.into(), date, blocks),
        figures: Vec::new(),
        page: whole.then(|| "index.html".to_owned()),
        pdf: whole.then(|| "digest.pdf".to_owned()),
        news: Value::from(said).to_string(),
        decision: Value::from(decided).to_string(),
    }
}

/// Something that went wrong in a night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Experiment id, or the file of its config.
    pub experiment: String,
    /// Code of the diagnostic.
    pub code: String,
    /// The diagnostic in English, on one line.
    pub text: String,
    /// The report could not be made; else a gate refused the data and the report says so.
    pub failed: bool,
}

/// The letter for operators.
pub fn operators(troubles: &[Trouble], complete: usize, date: Date) -> Letter {
    let count = |failed: bool| {
        let mut names: Vec<&str> =
            troubles.iter().filter(|t| t.failed == failed).map(|t| t.experiment.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let (failed, refused) = (count(true), count(false));
    let mut parts = Vec::new();
    if failed > 0 {
        let verb = plural::plural(failed as u64, "не получился", "не получились", "не получилось");
        parts.push(format!("{verb} {}", reports(failed)));
    }
    if refused > 0 {
        parts.push(format!("данные не приняты: {refused}"));
    }
    if parts.is_empty() {
        parts.push("ночь прошла без ошибок".to_owned());
    }
    let summary = parts.join("; ");
    let mut blocks = vec![Block::paragraph(format!(
        "Ночной запуск по данным на {}: {summary}; готово {}.",
        dates::long(date),
        reports(complete)
    ))];
    for (failed, id, title, advice) in [
        (
            true,
            "failed",
            "Отчёты, которых нет",
            "Исправьте причину и повторите запуск с ключом --resume: готовые отчёты останутся, письма дважды не уйдут.",
        ),
        (
            false,
            "refused",
            "Данные не приняты",
            "Отчёт есть, но выводов в нём нет: сначала нужно разобраться с данными.",
        ),
    ] {
        let list: Vec<&Trouble> = troubles.iter().filter(|t| t.failed == failed).collect();
        if list.is_empty() {
            continue;
        }
        blocks.push(Block::heading(2, id, title));
        blocks.push(Block::Table(Table {
            id: format!("{id}-list"),
            caption: String::new(),
            columns: vec![
                Column::text("Эксперимент"),
                Column::text("Код"),
                Column::text("Что сказала программа"),
            ],
            rows: list
                .iter()
                .take(MOST_TROUBLES)
                .map(|t| {
                    let code = Cell { inlines: vec![Inline::Code(t.code.clone())], sort: None, tone: None };
                    vec![Cell::text(t.experiment.clone()), code, Cell::text(t.text.clone())]
                })
                .collect(),
            notes: (list.len() > MOST_TROUBLES)
                .then(|| format!("Показаны первые {MOST_TROUBLES} из {}.", list.len()))
                .into_iter()
                .collect(),
        }));
        blocks.push(Block::paragraph(advice));
    }
    if !troubles.is_empty() {
        blocks.push(Block::paragraph("Что значит каждый код и что делать — в docs/diagnostics.md."));
    }
    let told: Vec<Value> = troubles.iter().map(|t| json!([t.experiment, t.code, t.text])).collect();
    let told = Value::from(told).to_string();
    Letter {
        subject: plain(&format!("itog, {}: {summary}", dates::day_month(date))),
        preview: troubles.first().map_or_else(String::new, |t| format!("{}: {}", t.experiment, t.text)),
        document: document("Ночной запуск itog".into(), "Для дежурных".into(), date, blocks),
        figures: Vec::new(),
        page: None,
        pdf: None,
        decision: told.clone(),
        news: told,
    }
}

fn document(title: String, subtitle: String, date: Date, blocks: Vec<Block>) -> Document {
    let date_words = dates::long(date);
    Document {
        meta: Meta {
            subtitle: format!("{subtitle} · данные на {date_words}"),
            running_head: title.clone(),
            title,
            date: date.to_string(),
            date_words,
            generator: GENERATOR.into(),
            description: String::new(),
            contents: false,
            one_list: false,
        },
        blocks,
    }
}

/// How much a decision is needed, the most first.
fn urgency(told: &Told) -> usize {
    let order = [None, Some("invalid"), Some("stop"), Some("ship"), Some("keep"), Some("continue")];
    order.iter().position(|action| *action == told.entry.action.as_deref()).unwrap_or(order.len())
}

/// What an experiment asks of its readers, the most urgent first: the lists of a digest, and its counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    /// There is no report.
    Report,
    /// The data cannot be trusted.
    Data,
    /// A decision.
    Decision,
    /// Nothing, or time.
    Nothing,
}

fn need(told: &Told) -> Need {
    match told.entry.action.as_deref() {
        None => Need::Report,
        Some(_) if told.decided.is_some() => Need::Nothing,
        Some("invalid") => Need::Data,
        Some("ship" | "keep" | "stop") => Need::Decision,
        Some(_) => Need::Nothing,
    }
}

fn link(told: &Told) -> Inline {
    let e = &told.entry;
    match e.action {
        Some(_) => {
            Inline::Link { text: e.title.clone(), target: Target::File(format!("{}/report.html", e.id)) }
        }
        None => Inline::Text(e.title.clone()),
    }
}

fn entries(id: &str, list: &[&Told]) -> Table {
    let decided = list.iter().any(|t| t.decided.is_some());
    let mut columns = vec![Column::text("Эксперимент"), Column::text("Совет"), Column::text("Что найдено")];
    if decided {
        columns.insert(2, Column::text("Решили"));
    }
    let rows = list.iter().map(|t| {
        let e = &t.entry;
        let said = vec![Inline::Strong(e.headline.clone()), Inline::Text(format!(" {}", e.lead))];
        let mut row = vec![
            Cell { inlines: vec![link(t)], sort: None, tone: None },
            Cell::text(t.action()).tone(e.tone),
            Cell { inlines: said, sort: None, tone: None },
        ];
        if decided {
            row.insert(2, Cell::text(t.decided.clone().unwrap_or_else(|| ABSENT.to_owned())));
        }
        row
    });
    Table {
        id: format!("{id}-list"),
        caption: String::new(),
        columns,
        rows: rows.collect(),
        notes: Vec::new(),
    }
}

fn experiments(n: usize) -> String {
    format!("{n}\u{a0}{}", plural::plural(n as u64, "эксперимент", "эксперимента", "экспериментов"))
}

fn reports(n: usize) -> String {
    format!("{n}\u{a0}{}", plural::plural(n as u64, "отчёт", "отчёта", "отчётов"))
}

/// A header has plain spaces only.
fn plain(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
