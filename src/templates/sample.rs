//! A page with a block of every kind, over which a user's page templates are tried.

use crate::drawing::Drawing;
use crate::report::document::{
    Badge, Block, Cell, Column, Document, Figure, Inline, Meta, Point, Table, Target, Tone, VerdictCard,
};

fn table(id: &str) -> Table {
    let row =
        || vec![Cell::text("Показатель"), Cell::number("1,5", 1.5), Cell::text("лучше").tone(Tone::Good)];
    Table {
        id: id.into(),
        caption: "Таблица".into(),
        columns: vec![Column::text("Имя"), Column::number("Значение"), Column::text("Вывод")],
        rows: (0..24).map(|_| row()).collect(),
        notes: vec!["Примечание.".into()],
    }
}

fn verdict() -> VerdictCard {
    VerdictCard {
        action: Some("keep".into()),
        tone: Tone::Note,
        label: "Оставить контроль".into(),
        headline: "Оставить версию A.".into(),
        lead: "Разница не обнаружена.".into(),
        effects: Some(Table { caption: String::new(), ..table("effects") }),
        points: vec![Point { label: "Почему".into(), inlines: vec![Inline::text("Потому.")] }],
        badges: vec![Badge {
            label: "Качество данных".into(),
            value: "без замечаний".into(),
            tone: Tone::Good,
            meaning: "Строки читаются.".into(),
        }],
    }
}

/// The sample page.
pub fn document() -> Document {
    let heading = |level, id: &str| Block::Heading { level, id: id.into(), text: "Раздел".into() };
    let inlines = vec![
        Inline::text("Текст "),
        Inline::strong("важный"),
        Inline::Emphasis("термин".into()),
        Inline::Code("код".into()),
        Inline::Link { text: "ссылка".into(), target: Target::Anchor("one".into()) },
        Inline::Link { text: "файл".into(), target: Target::File("a/report.pdf".into()) },
    ];
    let figure = Figure {
        id: "figure".into(),
        caption: "Рисунок".into(),
        alt: "Точка.".into(),
        description: "Описание.".into(),
        drawing: Drawing { width: 480.0, height: 120.0, marks: Vec::new() },
        data: Some(Table { caption: String::new(), ..table("figure-data") }),
    };
    Document {
        meta: Meta {
            title: "Проба".into(),
            subtitle: "Эксперимент sample".into(),
            running_head: "Проба".into(),
            date: "2026-11-22".into(),
            date_words: "22 ноября 2026 г.".into(),
            generator: "itog".into(),
            description: "Проба.".into(),
            contents: true,
            one_list: false,
        },
        blocks: vec![
            Block::Verdict(verdict()),
            heading(2, "one"),
            Block::Paragraph { inlines: inlines.clone() },
            Block::List { ordered: true, items: vec![inlines.clone()] },
            heading(3, "two"),
            Block::Table(table("table")),
            Block::Figure(figure),
            Block::Callout {
                tone: Tone::Caution,
                title: "Осторожно".into(),
                paragraphs: vec![inlines.clone()],
            },
            Block::Definitions { items: vec![(inlines.clone(), inlines)] },
        ],
    }
}
