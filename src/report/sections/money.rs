//! What the effect is worth in a year: a sentence for the first screen, a table for the analyst.

use serde_json::Value;

use crate::config::valid::Role;
use crate::money::Worth;
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Point, Table};
use crate::report::facts::{metric_title, minus};
use crate::verdict::Action;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::ABSENT;

/// The facts of the pair that the decision is about.
fn decisive<'a>(t: &Teller<'a>) -> Option<&'a Value> {
    let treatment = t.facts["pair"]["treatment"].as_str();
    let worth = t.facts["worth"].as_array()?;
    worth.iter().find(|one| one["treatment"].as_str() == treatment).or(worth.first())
}

/// What the decision is worth, for the first screen; nothing where nothing may be concluded yet.
pub fn point(t: &Teller) -> Result<Option<Point>, NarrativeError> {
    let verdict = &t.findings.verdict;
    if verdict.action == Action::Invalid || ["look-not-valid", "not-started"].contains(&verdict.rule) {
        return Ok(None);
    }
    let Some(worth) = decisive(t) else { return Ok(None) };
    let said = t.paragraphs("money", Some(("money", worth.clone())))?;
    let inlines = said.into_iter().filter_map(|block| match block {
        Block::Paragraph { inlines } => Some(inlines),
        _ => None,
    });
    Ok(Some(Point { label: "В деньгах".into(), inlines: inlines.flatten().collect() }))
}

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let f = t.findings;
    let Some(first) = f.worth.first() else { return Ok(Vec::new()) };
    let title = metric_title(f, &first.metric);
    let primary = f.outcomes.iter().any(|o| o.metric.id == first.metric && o.metric.role == Role::Primary);
    let said = t.facts["worth"].as_array();
    let rows = f.worth.iter().enumerate().map(|(index, w)| row(w, said.and_then(|all| all.get(index))));
    let mut notes = vec![
        "«Потери» — сколько в среднем теряет неверное решение за год, если учесть погрешность разницы."
            .to_owned(),
    ];
    if f.outcomes.iter().any(|o| o.metric.id == first.metric && o.handling.winsorized.is_some()) {
        notes.push(
            "Разница посчитана по подрезанным значениям: настоящая сумма может быть больше.".to_owned(),
        );
    }
    if f.watch.is_some() {
        notes.push("Потери посчитаны по разнице последней ночи.".to_owned());
    }
    let table = Table {
        id: "money-worth".into(),
        caption: format!("{title}: чего стоит разница за год"),
        columns: vec![
            Column::text("Сравнение"),
            Column::number("За год"),
            Column::number("Интервал"),
            Column::number("Потери, если выкатить"),
            Column::number("Потери, если оставить"),
        ],
        rows: rows.collect(),
        notes,
    };
    let users = t.facts["worth"][0]["users"].as_str().unwrap_or(ABSENT);
    let of_which = if primary { "главному показателю" } else { "показателю" };
    Ok(vec![
        Block::heading(2, "money", "Чего стоит разница"),
        Block::paragraph(format!(
            "Разница по {of_which} «{title}» умножена на число пользователей за год (≈\u{a0}{users}) и на цену единицы \
             показателя. Это верно, если эффект продержится год, а поток не изменится."
        )),
        Block::Table(table),
    ])
}

fn row(w: &Worth, said: Option<&Value>) -> Vec<Cell> {
    let text = |key: &str| said.and_then(|s| s[key].as_str()).map(str::to_owned);
    let cell = |text: Option<String>, x: Option<f64>| match (text, x) {
        (Some(text), Some(x)) => Cell::number(text, x),
        _ => Cell::text(ABSENT),
    };
    vec![
        Cell::text(minus(&w.treatment, &w.control)),
        cell(text("signed_gain"), Some(w.gain)),
        text("interval").map_or_else(|| Cell::text(ABSENT), Cell::text),
        cell(text("loss_if_shipped"), w.loss_if_shipped),
        cell(text("loss_if_kept"), w.loss_if_kept),
    ]
}
