//! How it was done: rules, the deciding one, and what the analyst should know.

use super::warnings;
use crate::report::document::{Block, Cell, Column, Inline, Table, Tone};
use crate::report::{GENERATOR, Teller};
use crate::verdict::RULES;
use crate::wording::narrative::NarrativeError;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let f = t.findings;
    let mut blocks = vec![Block::heading(2, "method", "Как это посчитано")];
    if !f.outcomes.is_empty() {
        blocks.extend(t.paragraphs("method", None)?);
    }
    blocks.push(Block::heading(3, "rules", "Правило, которое решило"));
    let order = RULES.iter().position(|r| r.code == f.verdict.rule).unwrap_or(0) + 1;
    blocks.push(Block::Paragraph {
        inlines: vec![
            Inline::Text(format!(
                "Правила проверяются по порядку, решает первое подходящее. Здесь подошло {order}-е из {}: ",
                RULES.len()
            )),
            Inline::Code(f.verdict.rule.to_owned()),
            Inline::text(if order > 1 { ". Предыдущие не подошли." } else { "." }),
        ],
    });
    if !f.warnings.is_empty() {
        blocks.push(Block::Callout {
            tone: Tone::Caution,
            title: "Замечания программы".into(),
            paragraphs: warnings::told(f.warnings.iter().map(|w| (w.code, w.message.as_str())), &f.config)
                .into_iter()
                .map(|mut said| {
                    said.push(Inline::text("."));
                    said
                })
                .collect(),
        });
    }
    let mut rows = vec![
        vec![Cell::text("Программа"), Cell::text(GENERATOR)],
        vec![Cell::text("Описание эксперимента"), Cell::text("config.toml, вложен в PDF")],
        vec![Cell::text("Числа"), Cell::text("results.json, лежит рядом с отчётом и вложен в PDF")],
    ];
    rows.push(vec![
        Cell::text("Отпечатки файлов"),
        Cell {
            inlines: vec![
                Inline::Code("manifest.json".into()),
                Inline::text(", лежит в папке дня и вложен в PDF без отпечатка самого отчёта"),
            ],
            ..Cell::text("")
        },
    ]);
    if let Some(data) = &f.config.data {
        rows.push(vec![Cell::text("Данные"), Cell::text(data.files.pattern.clone())]);
        for facts in &data.facts {
            rows.push(vec![Cell::text(facts.title.clone()), Cell::text(facts.files.pattern.clone())]);
        }
    }
    blocks.push(Block::Table(Table {
        id: "method-sources".into(),
        caption: "Из чего сделан отчёт".into(),
        columns: vec![Column::text("Что"), Column::text("Где")],
        rows,
        notes: vec![],
    }));
    Ok(blocks)
}
