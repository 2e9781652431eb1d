//! A document that has every kind of block, close to a real report.

use itog::drawing::{Anchor, Drawing, Mark, Paint, Weight};
use itog::report::document::{
    Align, Badge, Block, Cell, Column, Document, Figure, Inline, Meta, Point, Table, Target, Tone,
    VerdictCard,
};
use itog::theme::color;

/// The report of an experiment, as an analyst would have it.
pub fn report() -> Document {
    Document {
        meta: Meta {
            title: "ARPPU в двух группах".into(),
            subtitle: "arppu · с 1 по 31 марта 2024 г. · владелец — команда монетизации".into(),
            running_head: "A/B-эксперимент arppu".into(),
            date: "2026-11-22".into(),
            date_words: "22 ноября 2026 г.".into(),
            generator: "itog 0.1.0".into(),
            description: "Не выкатывать B и продолжать тест.".into(),
            contents: true,
            one_list: false,
        },
        blocks: blocks(),
    }
}

fn blocks() -> Vec<Block> {
    vec![
        Block::Verdict(card()),
        Block::heading(2, "analysis", "Что показал анализ"),
        Block::Paragraph {
            inlines: vec![
                Inline::text("Выручка на платящего ниже у "),
                Inline::strong("B"),
                Inline::text(", но разница меньше, чем размах случайности. Считано по столбцу "),
                Inline::Code("av_site visit".into()),
                Inline::text(" и "),
                Inline::Emphasis("с поправкой".into()),
                Inline::text(", см. "),
                Inline::Link { text: "рисунок 1".into(), target: Target::Anchor("effect".into()) },
                Inline::text(" и "),
                Inline::Link { text: "данные".into(), target: Target::File("results.json".into()) },
                Inline::text("."),
            ],
        },
        Block::heading(3, "tests", "Какие критерии применены"),
        Block::Table(tests()),
        Block::heading(3, "picture", "Как это выглядит"),
        Block::Figure(figure()),
        Block::Callout {
            tone: Tone::Caution,
            title: "На чём держится разница".into(),
            paragraphs: vec![vec![Inline::text(
                "Одна покупка на 1\u{202f}303,61\u{a0}₽ в\u{a0}группе A: без неё ARPPU A\u{a0}— 13,66\u{a0}₽, а\u{a0}разница сокращается до\u{a0}−1,30\u{a0}₽.",
            )]],
        },
        Block::Callout {
            tone: Tone::Note,
            title: "Что спрашивает критерий".into(),
            paragraphs: vec![vec![Inline::text("Чаще ли значение из одной группы больше, чем из другой.")]],
        },
        Block::heading(2, "data", "Данные"),
        Block::List {
            ordered: false,
            items: vec![
                vec![Inline::text("23\u{202f}652\u{a0}строки, пропусков нет;")],
                vec![Inline::text("468\u{a0}визитов с\u{a0}отрицательной длительностью.")],
            ],
        },
        Block::Definitions {
            items: vec![
                (vec![Inline::text("ARPPU")], vec![Inline::text("Выручка на одного купившего.")]),
                (
                    vec![Inline::text("Доверительный интервал")],
                    vec![Inline::text("Где лежит настоящая разница, если верить данным.")],
                ),
            ],
        },
        Block::Table(long_table()),
        Block::heading(2, "next", "Что дальше"),
        Block::List {
            ordered: true,
            items: vec![
                vec![Inline::text("Назначить главной метрикой ARPU.")],
                vec![Inline::text("Проверить счётчик времени.")],
            ],
        },
    ]
}

fn card() -> VerdictCard {
    let row = |metric: &str, cells: [(&str, f64); 3], interval: &str, tone: Option<Tone>, word: &str| {
        let mut row = vec![Cell::text(metric)];
        row.extend(cells.iter().map(|(text, value)| Cell::number(*text, *value)));
        row.push(Cell::text(interval));
        let cell = Cell::text(word);
        row.push(tone.map_or(cell.clone(), |tone| cell.tone(tone)));
        row
    };
    VerdictCard {
        action: Some("continue".into()),
        tone: Tone::Caution,
        label: "Продолжать".into(),
        headline: "Не выкатывать B и\u{a0}продолжать тест".into(),
        lead: "Данных не\u{a0}хватает, чтобы увидеть разницу в\u{a0}выручке на\u{a0}платящего.".into(),
        effects: Some(Table {
            id: "effects".into(),
            caption: String::new(),
            columns: vec![
                Column::text("Метрика"),
                Column::number("A"),
                Column::number("B"),
                Column::number("B − A"),
                Column { title: "Интервал 95\u{a0}%".into(), align: Align::End },
                Column::text("Итог"),
            ],
            rows: vec![
                row(
                    "ARPPU, ₽",
                    [("18,70", 18.7), ("12,36", 12.36), ("−6,34 (−33,9\u{a0}%)", -6.34)],
                    "от\u{a0}−17,38 до\u{a0}+4,71",
                    Some(Tone::Caution),
                    "не обнаружено",
                ),
                row(
                    "Доля платящих",
                    [("2,16\u{a0}%", 0.0216), ("1,98\u{a0}%", 0.0198), ("−0,18\u{a0}п.\u{202f}п.", -0.0018)],
                    "от\u{a0}−0,55 до\u{a0}+0,18\u{a0}п.\u{202f}п.",
                    Some(Tone::Bad),
                    "хуже",
                ),
                row(
                    "ARPU, ₽",
                    [("0,404", 0.404), ("0,245", 0.245), ("−0,160", -0.16)],
                    "от\u{a0}−0,403 до\u{a0}+0,084",
                    Some(Tone::Good),
                    "лучше",
                ),
            ],
            notes: vec!["Интервалы с\u{a0}поправкой на\u{a0}три сравнения.".into()],
        }),
        points: vec![
            point(
                "Почему",
                "Из\u{a0}23\u{202f}652\u{a0}пользователей купили 490. При таком числе покупателей тест заметил\u{a0}бы разницу не\u{a0}меньше ≈\u{a0}15,7\u{a0}₽\u{a0}— 84\u{a0}% от\u{a0}ARPPU группы A.",
            ),
            point(
                "Осторожно",
                "ARPPU считается только по\u{a0}купившим: если вариант меняет, кто покупает, сравнение групп нечестно.",
            ),
            point("Дальше", "Назначить главной метрикой ARPU и\u{a0}собирать данные ещё 57\u{a0}дней."),
        ],
        badges: vec![
            badge(
                "Деление трафика",
                "в порядке, p\u{a0}=\u{a0}0,907",
                Tone::Good,
                "Размеры групп не противоречат заданным долям.",
            ),
            badge(
                "Качество данных",
                "468 неверных значений",
                Tone::Caution,
                "Значения, которые нарушают правила столбцов.",
            ),
            badge(
                "A/A-проверка",
                "не проводилась",
                Tone::Void,
                "Две одинаковые группы не должны различаться.",
            ),
            badge("Просмотры", "один", Tone::Good, "Сколько раз смотрели на результат до решения."),
        ],
    }
}

fn point(label: &str, text: &str) -> Point {
    Point { label: label.into(), inlines: vec![Inline::text(text)] }
}

fn badge(label: &str, value: &str, tone: Tone, meaning: &str) -> Badge {
    Badge { label: label.into(), value: value.into(), tone, meaning: meaning.into() }
}

fn tests() -> Table {
    let row = |name: &str, statistic: &str, p: (&str, f64)| {
        vec![
            Cell::text(name),
            Cell::text(statistic),
            Cell::number(p.0, p.1),
            Cell::text("разница не обнаружена"),
        ]
    };
    Table {
        id: "test-table".into(),
        caption: "Критерии для ARPPU и\u{a0}что каждый из\u{a0}них спрашивает".into(),
        columns: vec![
            Column::text("Критерий"),
            Column::number("Статистика"),
            Column::number("p"),
            Column::text("Вывод"),
        ],
        rows: vec![
            row("Манна\u{a0}— Уитни", "U\u{a0}=\u{a0}29\u{202f}729,5", ("0,887", 0.887)),
            row("Уэлча", "t\u{a0}=\u{a0}1,13", ("0,260", 0.26)),
            row("Бутстреп", "—", ("0,241", 0.241)),
        ],
        notes: vec!["Решает критерий Манна\u{a0}— Уитни; остальные показаны для сравнения.".into()],
    }
}

/// A table long enough to be searched, with text that must be escaped.
fn long_table() -> Table {
    Table {
        id: "columns".into(),
        caption: "Столбцы <данных> & их обзор".into(),
        columns: vec![
            Column::text("Столбец"),
            Column::number("Значений"),
            Column::number("Среднее"),
            Column::number("Медиана"),
            Column::number("Максимум"),
        ],
        rows: (1..=24)
            .map(|i| {
                let n = f64::from(i);
                let mut first = Cell::text("");
                first.inlines = vec![Inline::Code(format!("column_{i}<script>"))];
                let mut row = vec![first];
                row.extend(
                    (1..5).map(|k| Cell::number(format!("{},5", 1000 / (i * k)), 1000.0 / n / f64::from(k))),
                );
                row
            })
            .collect(),
        notes: Vec::new(),
    }
}

fn figure() -> Figure {
    Figure {
        id: "effect".into(),
        caption: "Разница B\u{a0}− A по\u{a0}метрикам с\u{a0}интервалами".into(),
        alt: "Все три интервала пересекают ноль.".into(),
        description: "Точка\u{a0}— оценка, отрезок\u{a0}— интервал; справа от\u{a0}нуля лучше B.".into(),
        drawing: drawing(),
        data: Some(Table {
            id: "effect-data".into(),
            caption: "Разница и\u{a0}её интервал, %".into(),
            columns: vec![
                Column::text("Метрика"),
                Column::number("Оценка"),
                Column::number("От"),
                Column::number("До"),
            ],
            rows: vec![
                vec![
                    Cell::text("ARPPU"),
                    Cell::number("−33,9", -33.9),
                    Cell::number("−92,9", -92.9),
                    Cell::number("+25,2", 25.2),
                ],
                vec![
                    Cell::text("ARPU"),
                    Cell::number("−39,5", -39.5),
                    Cell::number("−99,8", -99.8),
                    Cell::number("+20,8", 20.8),
                ],
            ],
            notes: Vec::new(),
        }),
    }
}

fn drawing() -> Drawing {
    let text = |x: f32, y: f32, text: &str, anchor: Anchor| Mark::Text {
        at: (x, y),
        text: text.into(),
        size: 8.2,
        weight: Weight::Regular,
        fill: Paint::solid(color::INK),
        anchor,
        rotate: 0.0,
    };
    let mut marks = vec![Mark::Line {
        points: vec![(260.0, 8.0), (260.0, 92.0)],
        stroke: Paint::solid(color::MUTED),
        width: 0.8,
        dash: vec![3.0, 2.0],
    }];
    for (i, (name, low, at, high)) in [
        ("ARPPU", 120.0, 200.0, 300.0),
        ("Доля платящих", 180.0, 235.0, 285.0),
        ("ARPU", 110.0, 190.0, 290.0),
    ]
    .into_iter()
    .enumerate()
    {
        let y = 22.0 + 28.0 * i as f32;
        marks.push(text(4.0, y + 3.0, name, Anchor::Start));
        marks.push(Mark::Line {
            points: vec![(low, y), (high, y)],
            stroke: Paint::solid(color::group(i)),
            width: 2.0,
            dash: Vec::new(),
        });
        marks.push(Mark::Circle {
            center: (at, y),
            radius: 4.0,
            fill: Some(Paint::solid(color::group(i))),
            stroke: Some((Paint::solid(color::PAPER), 1.0)),
        });
    }
    marks.push(text(476.0, 104.0, "разница, %", Anchor::End));
    Drawing { width: 479.28, height: 112.0, marks }
}
