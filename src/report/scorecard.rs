//! The scorecard in words: what became of the experiments so far, for the digest.

use crate::history::Outcome;
use crate::history::scorecard::Scorecard;
use crate::report::document::{Block, Cell, Column, Table};
use crate::report::facts::approximate_money;
use crate::wording::terms::{Terms, Vocabulary};
use crate::wording::{numbers, plural};

use super::sections::upper_first;

/// Blocks of the digest; none before the first decision of people, when there is nothing to count.
pub fn blocks(card: &Scorecard, terms: &Terms) -> Vec<Block> {
    if card.decided == 0 {
        return Vec::new();
    }
    let counted = |n: usize, noun: &str| {
        plural::find(noun)
            .map_or_else(|| numbers::integer(n as u64), |noun| plural::count(n as u64, noun.nominative))
    };
    let genitive = |n: usize, noun: &str| {
        plural::find(noun)
            .map_or_else(|| numbers::integer(n as u64), |noun| plural::count(n as u64, noun.genitive))
    };
    let mut said = vec![format!(
        "Решение записано по {} из {}.",
        numbers::integer(card.decided as u64),
        genitive(card.experiments, "эксперимент")
    )];
    if card.waiting > 0 {
        said.push(format!(
            "Отчёт советует решать, а решения ещё нет: {}.",
            counted(card.waiting, "эксперимент")
        ));
    }
    if !card.due.is_empty() {
        said.push(format!("Пора вернуться к вопросу: {}.", card.due.join(", ")));
    }
    let row = |name: String, value: String| vec![Cell::text(name), Cell::text(value)];
    let mut rows: Vec<Vec<Cell>> = Outcome::ALL
        .into_iter()
        .filter(|outcome| card.count(*outcome) > 0)
        .map(|outcome| {
            let word = upper_first(terms.word(Vocabulary::Outcome, outcome.name()));
            row(word, numbers::integer(card.count(outcome) as u64))
        })
        .collect();
    if card.answered > 0 {
        let share = card.followed as f64 / card.answered as f64;
        let value = format!(
            "{} из {} ({})",
            numbers::integer(card.followed as u64),
            numbers::integer(card.answered as u64),
            numbers::percent(share, 0)
        );
        rows.push(row("Решили, как советовал отчёт".into(), value));
    }
    if let Some(days) = card.median_days {
        let whole = days.fract() == 0.0;
        let text = numbers::number(days, if whole { 0 } else { 1 });
        rows.push(row("Дней от начала до решения, медиана".into(), text));
    }
    for (currency, gain) in &card.gain {
        rows.push(row("Выкаченное приносит за год".into(), approximate_money(*gain, currency)));
    }
    let mut notes = Vec::new();
    if !card.gain.is_empty() {
        let mut note = "Деньги — сумма оценок из последних отчётов о том, что выкатили.".to_owned();
        if card.shipped_without_worth > 0 {
            note.push_str(&format!(
                " Без оценки в деньгах: {}.",
                counted(card.shipped_without_worth, "эксперимент")
            ));
        }
        notes.push(note);
    }
    vec![
        Block::heading(2, "scorecard", "Чем кончились эксперименты"),
        Block::paragraph(said.join(" ")),
        Block::Table(Table {
            id: "scorecard-table".into(),
            caption: "Решения людей за всё время".into(),
            columns: vec![Column::text("Что"), Column::number("Сколько")],
            rows,
            notes,
        }),
    ]
}
