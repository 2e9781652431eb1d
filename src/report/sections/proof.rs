//! The A/A run: whether the deciding tests keep their promise on these very data.

use crate::charts::pvalues::{Pvalues, pvalues, shares};
use crate::charts::style::Axis;
use crate::config::valid::Role;
use crate::proof::calibration::Verdict;
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Figure, Table, Tone};
use crate::report::facts::metric_title;
use crate::validation::aa::Proven;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};
use crate::wording::typography::closed;

use super::metric_charts::short_decimals;
use super::upper_first;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let proven = &t.findings.proven;
    if proven.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![Block::heading(2, "proof", "Проверка на этих же данных")];
    blocks.extend(t.paragraphs("proof", None)?);
    blocks.push(Block::Table(table(t)));
    let primary = t.findings.outcomes.iter().find(|o| o.metric.role == Role::Primary);
    let of_primary = primary.and_then(|o| proven.iter().find(|p| p.metric == o.metric.id));
    blocks.extend(of_primary.filter(|p| !p.p_values.is_empty()).map(|p| chart(t, p)));
    Ok(blocks)
}

/// What the proof says of a test, in a word.
pub fn word(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Holds => ("как обещано", Tone::Good),
        Verdict::TooMany => ("ложных находок больше", Tone::Bad),
        Verdict::Conservative => ("осторожнее обещанного", Tone::Note),
        Verdict::NotRun(_) => ("не проверялся", Tone::Note),
    }
}

fn table(t: &Teller) -> Table {
    let absent = || Cell::text(ABSENT);
    let rows = t.findings.proven.iter().map(|p| {
        let (text, tone) = word(p.verdict);
        let share = p.rate.map(|rate| (rate.share, rate.interval.low, rate.interval.high));
        vec![
            Cell::text(metric_title(t.findings, &p.metric)),
            Cell::text(upper_first(t.narrative.terms().test_name(p.test))),
            p.rate.map_or_else(absent, |rate| {
                Cell::number(numbers::integer(rate.iterations as u64), rate.iterations as f64)
            }),
            share.map_or_else(absent, |(share, ..)| Cell::number(numbers::percent(share, 1), share)),
            share.map_or_else(absent, |(_, low, high)| {
                let ends = numbers::interval_of_level(low * 100.0, high * 100.0, 1);
                Cell::text(numbers::with_unit(&ends, "%"))
            }),
            Cell::text(text).tone(tone),
        ]
    });
    Table {
        id: "proof-tests".into(),
        caption: "Ложные находки критериев на этих данных".into(),
        columns: vec![
            Column::text("Показатель"),
            Column::text("Критерий"),
            Column::number("Повторений"),
            Column::number("Ложных находок"),
            Column::number("Интервал 95\u{a0}%"),
            Column::text("Вывод"),
        ],
        rows: rows.collect(),
        notes: vec![format!(
            "Обещано {}. Отклонением считается только то, при котором весь интервал дальше от обещанного, чем на десятую его долю.",
            numbers::percent(t.findings.config.design.alpha, 0)
        )],
    }
}

fn chart(t: &Teller, p: &Proven) -> Block {
    let percent = |x: f64| numbers::number(x * 100.0, short_decimals(x * 100.0));
    let plain = |x: f64| numbers::number(x, short_decimals(x));
    let title = metric_title(t.findings, &p.metric);
    let drawing = pvalues(&Pvalues {
        values: &p.p_values,
        alpha: t.findings.config.design.alpha,
        expected: "должно быть 5 % в каждом столбце",
        p: Axis { title: "p", format: &plain, log: false },
        share: Axis { title: "Доля повторений, %", format: &percent, log: false },
    });
    let rows = shares(&p.p_values).into_iter().enumerate().map(|(index, share)| {
        let from = index as f64 / 20.0;
        let span = format!("{}–{}", numbers::number(from, 2), numbers::number(from + 0.05, 2));
        vec![Cell::number(span, from), Cell::number(numbers::percent(share, 1), share)]
    });
    let share = p.rate.map_or_else(String::new, |rate| {
        let alpha = numbers::significant(t.findings.config.design.alpha, 2);
        format!(
            "; меньше {} — {}",
            crate::report::scale::without_zeros(&alpha),
            numbers::percent(rate.share, 1)
        )
    });
    let remark = if p.discrete {
        " У этого критерия возможных значений p мало, поэтому столбцы неровные."
    } else {
        ""
    };
    Block::Figure(Figure {
        id: "proof-pvalues".into(),
        caption: format!("{title}: p при случайном делении"),
        alt: closed(&format!("Распределение p при случайном делении{share}")),
        description: format!(
            "Высота столбца — доля случайных делений с таким p. Разницы в них нет, поэтому столбцы должны быть \
             примерно одной высоты; выделены те, где разница нашлась по ошибке.{remark}"
        ),
        drawing,
        data: Some(Table {
            id: "proof-pvalues-data".into(),
            caption: String::new(),
            columns: vec![Column::number("p"), Column::number("Доля повторений")],
            rows: rows.collect(),
            notes: vec![],
        }),
    })
}
