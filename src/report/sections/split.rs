//! Tables of the split: parts of the users, and what was known of them before the experiment.

use crate::proof::balance::Difference;
use crate::report::document::{Block, Cell, Column, Table, Tone};
use crate::report::facts::{minus, part_name};
use crate::report::{Teller, gates};
use crate::trust::SRM_ALPHA;
use crate::wording::numbers::{self, ABSENT};

/// How the data room names the covariates that are the metric itself before the experiment.
const PRE_PERIOD: &str = "pre-period: ";

pub fn blocks(t: &Teller) -> Vec<Block> {
    parts(t).into_iter().chain(balance(t)).map(Block::Table).collect()
}

/// Whether every part of the users was divided as declared.
fn parts(t: &Teller) -> Option<Table> {
    let split = &t.findings.split;
    let rows: Vec<Vec<Cell>> = split
        .segments
        .iter()
        .flat_map(|(title, parts)| parts.iter().map(move |part| (title, part)))
        .map(|(title, part)| {
            let failed = part.p_adjusted < SRM_ALPHA;
            let (word, tone) =
                if failed { ("перекос", Tone::Bad) } else { ("как задумано", Tone::Good) };
            vec![
                Cell::text(title.clone()),
                Cell::text(part_name(&part.id)),
                Cell::number(numbers::p_short(part.p_adjusted), part.p_adjusted),
                Cell::text(word).tone(tone),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        id: "data-split-segments".into(),
        caption: "Деление на группы внутри сегментов".into(),
        columns: vec![
            Column::text("Деление"),
            Column::text("Сегмент"),
            Column::number("p с поправкой"),
            Column::text("Итог"),
        ],
        rows,
        notes: vec!["Порог тревоги — 0,001; поправка учитывает все сегменты.".into()],
    })
}

fn covariate_title(t: &Teller, name: &str) -> String {
    match name.strip_prefix(PRE_PERIOD) {
        Some(_) => "Главный показатель до эксперимента".to_owned(),
        None => gates::column_title(&t.findings.config, None, name),
    }
}

/// How the groups differed by what was known of their users before.
fn balance(t: &Teller) -> Option<Table> {
    let balance = &t.findings.split.balance;
    let control = t.findings.data.as_ref()?.groups.first().map(|group| group.id.clone())?;
    let row = |treatment: &str, name: &String, d: &Difference| {
        let shown = d.standardised.map_or_else(
            || Cell::text(ABSENT),
            |x| {
                let cell = Cell::number(numbers::signed(x, 3), x);
                if d.is_notable() { cell.tone(Tone::Caution) } else { cell }
            },
        );
        let p = d.p_adjusted.map_or_else(|| Cell::text(ABSENT), |p| Cell::number(numbers::p_short(p), p));
        vec![Cell::text(covariate_title(t, name)), Cell::text(minus(treatment, &control)), shown, p]
    };
    let rows: Vec<Vec<Cell>> = balance
        .iter()
        .flat_map(|(treatment, names, found)| {
            names.iter().zip(&found.differences).map(|(name, d)| row(treatment, name, d)).collect::<Vec<_>>()
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let joint: Vec<String> = balance
        .iter()
        .filter_map(|(treatment, _, found)| {
            let joint = found.joint.as_ref().ok()?;
            Some(format!("{}: {}", minus(treatment, &control), numbers::p_value(joint.p)))
        })
        .collect();
    let mut notes = vec![
        "Разница — в стандартных отклонениях: до 0,1 в ту или другую сторону она считается незаметной; p — с поправкой на \
         число строк."
            .to_owned(),
    ];
    if !joint.is_empty() {
        notes.push(format!("Все столбцы вместе — {}. Порог тревоги — 0,001.", joint.join("; ")));
    }
    Some(Table {
        id: "data-balance".into(),
        caption: "Чем группы различались до эксперимента".into(),
        columns: vec![
            Column::text("Что известно заранее"),
            Column::text("Сравнение"),
            Column::number("Разница, ст. откл."),
            Column::number("p с поправкой"),
        ],
        rows,
        notes,
    })
}
