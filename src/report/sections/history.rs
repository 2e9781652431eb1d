//! What changed since the last report, and what people decided about the experiment so far.

use crate::history::Decision;
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Inline, Point, Table};
use crate::report::facts::history::{history, moved};
use crate::report::facts::minus;
use crate::report::scale::Scale;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};
use crate::wording::terms::Vocabulary;
use crate::wording::{dates, typography};

/// The decision that stands, for the first screen: who reads the advice must know that it was answered.
pub fn point(t: &Teller) -> Option<Point> {
    let standing = t.findings.history.standing()?;
    let outcome = t.narrative.terms().word(Vocabulary::Outcome, standing.outcome.name());
    let text = format!(
        "{outcome}. {} Записано {}, автор записи — {}.",
        sentence(&standing.reason),
        dates::long(standing.on),
        standing.by
    );
    let inlines = vec![Inline::Text(typography::typeset(&super::upper_first(&text)))];
    Some(Point { label: "Решение людей".into(), inlines })
}

/// A text of a person as a sentence: with a mark at its end.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let f = t.findings;
    if f.history.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![Block::heading(2, "history", "Что изменилось и что решили")];
    let facts = history(f, t.narrative.terms(), &t.decision.label);
    blocks.extend(t.paragraphs("history", Some(("history", facts)))?);
    blocks.extend(changes(t).map(Block::Table));
    blocks.extend(decisions(t).map(Block::Table));
    Ok(blocks)
}

/// The last report beside tonight's, a row a value.
fn changes(t: &Teller) -> Option<Table> {
    let f = t.findings;
    let last = f.history.last.as_ref()?;
    let units = |units: Option<u64>| units.map_or_else(|| ABSENT.to_owned(), numbers::integer);
    let mut rows = vec![vec![
        Cell::text("Совет"),
        Cell::text(last.told.label.clone()),
        Cell::text(t.decision.label.clone()),
    ]];
    if f.units().is_some() || last.told.units.is_some() {
        rows.push(vec![
            Cell::text("Пользователей"),
            Cell::text(units(last.told.units)),
            Cell::text(units(f.units())),
        ]);
    }
    for pair in moved(f) {
        let scale = Scale::of(pair.outcome);
        let name =
            format!("{}: {}", pair.outcome.metric.title, minus(&pair.now.treatment, &pair.now.control));
        let difference = |x: Option<f64>| x.map_or_else(|| ABSENT.to_owned(), |x| scale.difference(x));
        let interval = |ci: Option<(f64, f64)>| ci.map_or_else(|| ABSENT.to_owned(), |ci| scale.interval(ci));
        rows.push(vec![
            Cell::text(name.clone()),
            Cell::text(difference(pair.before.difference)),
            Cell::text(difference(pair.now.absolute.map(|a| a.estimate))),
        ]);
        rows.push(vec![
            Cell::text(format!("{name}, интервал")),
            Cell::text(interval(pair.before.interval)),
            Cell::text(interval(pair.now.absolute.and_then(|a| a.ci))),
        ]);
    }
    Some(Table {
        id: "history-changes".into(),
        caption: "С прошлого отчёта".into(),
        columns: vec![
            Column::text("Что"),
            Column::number(format!("Было, {}", dates::short(last.date))),
            Column::number(format!("Стало, {}", dates::short(f.date))),
        ],
        rows,
        notes: vec![],
    })
}

/// Every decision, the latest first.
fn decisions(t: &Teller) -> Option<Table> {
    let all = &t.findings.history.decisions;
    if all.is_empty() {
        return None;
    }
    let terms = t.narrative.terms();
    let row = |d: &Decision| {
        let mut outcome = super::upper_first(terms.word(Vocabulary::Outcome, d.outcome.name()));
        if d.superseded {
            outcome.push_str(" (заменено)");
        }
        let advised = d
            .recommended
            .as_deref()
            .map_or(ABSENT, |action| terms.action(action).map_or(ABSENT, |term| term.label.as_str()));
        vec![
            Cell::text(dates::short(d.on)),
            Cell::text(outcome),
            Cell::text(advised),
            Cell::text(typography::typeset(&d.by)),
            Cell::text(typography::typeset(&d.reason)),
            Cell::text(d.review_on.map_or_else(|| ABSENT.to_owned(), dates::short)),
        ]
    };
    let mut notes = Vec::new();
    if all.iter().any(|decision| decision.superseded) {
        notes.push(
            "Записанное решение не меняют: его заменяет следующее, а прежнее остаётся в архиве.".to_owned(),
        );
    }
    Some(Table {
        id: "history-decisions".into(),
        caption: "Решения людей, последние сверху".into(),
        columns: vec![
            Column::text("Дата"),
            Column::text("Решение"),
            Column::text("Совет отчёта"),
            Column::text("Кто"),
            Column::text("Почему"),
            Column::text("Вернуться"),
        ],
        rows: all.iter().rev().map(row).collect(),
        notes,
    })
}
