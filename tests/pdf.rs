//! The PDF of whole documents: structure, text, attachments, sameness.
//!
//! The files are left in the target's temporary folder (`sample.pdf`, `hostile.pdf`, `bare.pdf`), where the
//! continuous integration validates them as PDF/A-3a and PDF/UA-1.

#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

use itog::drawing::{Anchor, Drawing, Mark, Paint, Weight};
use itog::render::pdf::{Attachment, PdfError, PdfOptions, PdfWarning, Relationship, Rendered, render};
use itog::report::document::*;

fn options() -> PdfOptions {
    PdfOptions { date: "2026-11-22".into(), producer: "itog 0.1.0".into() }
}

fn meta(title: &str) -> Meta {
    Meta {
        title: title.into(),
        subtitle: "Эксперимент arppu · 1–31 марта 2024 г. · владелец: команда монетизации".into(),
        running_head: "ARPPU в двух группах".into(),
        date: "2026-11-22".into(),
        date_words: "22 ноября 2026 г.".into(),
        generator: "itog 0.1.0".into(),
        description: "Итоги эксперимента: не выкатывать B и продолжать тест.".into(),
        contents: true,
        one_list: false,
    }
}

/// A chart with every kind of mark.
fn chart() -> Drawing {
    let ink = Paint::solid(0x566073);
    let (blue, red) = (0x0072b2, 0xd55e00);
    let text = |at, text: &str, size, anchor, rotate| Mark::Text {
        at,
        text: text.into(),
        size,
        weight: Weight::Regular,
        fill: ink,
        anchor,
        rotate,
    };
    let mut marks = vec![Mark::Rect {
        frame: (60.0, 30.0, 400.0, 150.0),
        radius: 4.0,
        fill: Some(Paint::solid(0xf4f6f9)),
        stroke: Some((Paint::solid(0xd5dbe3), 0.6)),
    }];
    for i in 0..6 {
        let y = 180.0 - i as f32 * 30.0;
        marks.push(Mark::Line {
            points: vec![(60.0, y), (460.0, y)],
            stroke: Paint::solid(0xd5dbe3),
            width: 0.5,
            dash: vec![2.0, 2.0],
        });
        marks.push(text((54.0, y + 3.0), &format!("{},{}", i * 2, 5), 8.2, Anchor::End, 0.0));
    }
    let curve = |shift: f32| -> Vec<(f32, f32)> {
        (0..=80)
            .map(|i| (60.0 + i as f32 * 5.0, 175.0 - 120.0 * (-((i as f32 - shift) / 16.0).powi(2)).exp()))
            .collect()
    };
    for (shift, color) in [(32.0, blue), (44.0, red)] {
        let paint = |alpha| Paint { rgb: color, alpha };
        marks.push(Mark::Polygon {
            points: curve(shift),
            fill: Some(paint(0.25)),
            stroke: Some((paint(1.0), 1.4)),
        });
        marks.push(Mark::Circle {
            center: (60.0 + shift * 5.0, 55.0),
            radius: 3.0,
            fill: Some(paint(1.0)),
            stroke: Some((Paint::solid(0xffffff), 0.8)),
        });
    }
    marks.push(text((200.0, 48.0), "Группа A", 8.2, Anchor::Middle, 0.0));
    marks.push(text((300.0, 48.0), "Группа B", 8.2, Anchor::Start, 0.0));
    marks.push(text((20.0, 105.0), "Плотность", 8.2, Anchor::Middle, 90.0));
    marks.push(text((260.0, 205.0), "Выручка на платящего, ₽", 8.2, Anchor::Middle, 0.0));
    Drawing { width: 479.28, height: 215.0, marks }
}

fn cells(texts: &[&str]) -> Vec<Cell> {
    texts.iter().map(|t| Cell::text(*t)).collect()
}

fn effects() -> Table {
    Table {
        id: "effects".into(),
        caption: String::new(),
        columns: vec![
            Column::text("Метрика"),
            Column::number("A"),
            Column::number("B"),
            Column::number("B − A"),
            Column::number("Доверительный интервал 95 %"),
        ],
        rows: vec![
            cells(&["ARPPU, ₽", "18,70", "12,36", "−6,34 (−33,9 %)", "от −17,38 до +4,71"]),
            cells(&["Доля платящих", "2,16 %", "1,98 %", "−0,18 п. п.", "от −0,55 до +0,18 п. п."]),
            cells(&["ARPU, ₽", "0,404", "0,245", "−0,160", "от −0,403 до +0,084"]),
        ],
        notes: vec![],
    }
}

fn badge(label: &str, value: &str, tone: Tone, meaning: &str) -> Badge {
    Badge { label: label.into(), value: value.into(), tone, meaning: meaning.into() }
}

fn verdict() -> VerdictCard {
    let point = |label: &str, text: &str| Point { label: label.into(), inlines: vec![Inline::text(text)] };
    VerdictCard {
        action: Some("continue".into()),
        tone: Tone::Caution,
        label: "Продолжать тест".into(),
        headline: "Не выкатывать B и продолжать тест".into(),
        lead: "Данных не хватает, чтобы увидеть разницу в выручке на платящего.".into(),
        effects: Some(effects()),
        points: vec![
            point(
                "Почему",
                "Из 23\u{202f}652 пользователей купили 490. При таком числе покупателей тест заметил бы разницу не \
                 меньше ≈ 15,7 ₽ — 84 % от ARPPU группы A.",
            ),
            point(
                "На чём держится разница",
                "Одна покупка на 1\u{202f}303,61 ₽ в группе A: без неё ARPPU A — 13,66 ₽, а разница сокращается до \
                 −1,30 ₽.",
            ),
            point(
                "Осторожно",
                "ARPPU считается только по купившим: если вариант меняет, кто покупает, сравнение групп нечестно. \
                 Решать лучше по ARPU.",
            ),
            point("Дальше", "Назначить главной метрикой ARPU и повторить тест на 60 днях."),
        ],
        badges: vec![
            badge(
                "Деление трафика",
                "в порядке, p = 0,907",
                Tone::Good,
                "Группы делятся так, как задумано: 11\u{202f}835 и 11\u{202f}817 пользователей.",
            ),
            badge(
                "Качество данных",
                "468 строк под вопросом",
                Tone::Caution,
                "У 468 визитов отрицательная длительность; на выручку это не влияет.",
            ),
            badge(
                "Проверка A/A",
                "не проводилась",
                Tone::Void,
                "Ложных срабатываний на одинаковых группах не считали.",
            ),
            badge(
                "Сколько раз смотрели",
                "один раз",
                Tone::Good,
                "Решение принимается по одному заранее назначенному взгляду.",
            ),
        ],
    }
}

const PROSE: [&str; 4] = [
    "Главная метрика эксперимента — выручка на платящего пользователя. Она считается только по тем, кто хотя бы раз \
     купил, поэтому сравнивать группы по ней можно лишь тогда, когда сам вариант не меняет состав покупателей. \
     Распределение выручки скошено: большинство покупок невелико, но несколько крупных держат на себе среднее.",
    "Критерий Манна — Уитни сравнивает не средние, а порядок значений: он отвечает на вопрос, чаще ли покупатель из B \
     тратит больше покупателя из A. Рядом поэтому показана разница средних с доверительным интервалом по Уэлчу и по \
     бутстрэпу из 10\u{202f}000 повторений. Последовательность прогонов воспроизводима: начальное значение генератора \
     записано в приложенном файле.",
    "Разведочный анализ показал высокопроизводительные и малопроизводительные источники, взаимовлияние которых \
     исключено рандомизацией. Погрешность измерений не превышает полутора процентов.",
    "«Съешь же ещё этих мягких французских булок, да выпей чаю» — контрольная панграмма, проверяющая полноту набора \
     кириллических букв.",
];

fn long_table() -> Table {
    let rows = (1..=64)
        .map(|i| {
            let tone = match i % 9 {
                0 => Some(Tone::Bad),
                4 => Some(Tone::Good),
                _ => None,
            };
            let word = match tone {
                Some(Tone::Bad) => "хуже",
                Some(_) => "лучше",
                None => "без разницы",
            };
            let more = if i % 7 == 0 {
                ", повторный прогон с увеличенным числом параллельных соединений"
            } else {
                ""
            };
            let mut row = vec![
                Cell::text(format!("Сегмент №\u{a0}{i}{more}")),
                Cell::number(format!("{}\u{202f}{:03}", 1 + i % 7, i * 37 % 1000), f64::from(i)),
                Cell::number(format!("{},{:02}", 10 + i % 9, i * 13 % 100), f64::from(i)),
                Cell::number(format!("−{},{:02}", i % 5, i * 29 % 100), f64::from(i)),
            ];
            let verdict = Cell::text(word);
            row.push(tone.map_or(verdict.clone(), |t| verdict.tone(t)));
            row
        })
        .collect();
    Table {
        id: "segments".into(),
        caption: "Выручка на платящего по сегментам: сколько покупателей, среднее и разница".into(),
        columns: vec![
            Column::text("Сегмент"),
            Column::number("Покупателей"),
            Column::number("Среднее, ₽"),
            Column::number("Разница, ₽"),
            Column::text("Вывод"),
        ],
        rows,
        notes: vec![
            "Сегменты не были назначены заранее: считайте их подсказкой, а не доказательством.".into(),
        ],
    }
}

fn data_table(rows: usize) -> Table {
    Table {
        id: String::new(),
        caption: String::new(),
        columns: vec![Column::text("Группа"), Column::number("Среднее, ₽"), Column::number("n")],
        rows: (0..rows).map(|i| cells(&[&format!("Группа {i}"), "18,70", "256"])).collect(),
        notes: vec![],
    }
}

fn figure(id: &str, caption: &str, rows: usize) -> Block {
    Block::Figure(Figure {
        id: id.into(),
        caption: caption.into(),
        alt: "Две кривые плотности: группа B смещена вправо.".into(),
        description: "Вершина A у 8 ₽, вершина B у 11 ₽; хвосты перекрываются.".into(),
        drawing: chart(),
        data: Some(data_table(rows)),
    })
}

/// A report as an analyst would get it.
fn sample() -> Document {
    let mut blocks = vec![Block::Verdict(verdict())];
    for (n, title) in ["Выручка на платящего", "Доля платящих", "Данные и их качество"].iter().enumerate()
    {
        blocks.push(Block::heading(2, format!("s{n}"), *title));
        blocks.push(Block::paragraph(PROSE[0]));
        blocks.push(Block::paragraph(PROSE[1]));
        blocks.push(Block::Callout {
            tone: [Tone::Note, Tone::Good, Tone::Bad][n],
            title: "Что проверено".into(),
            paragraphs: vec![vec![Inline::text(PROSE[2])], vec![Inline::text(PROSE[3])]],
        });
        blocks.push(Block::heading(3, format!("s{n}-how"), "Как это посчитано"));
        blocks.push(Block::Paragraph {
            inlines: vec![
                Inline::text("Порядок — в "),
                Inline::Link {
                    text: "таблице сегментов".into(), target: Target::Anchor("segments".into())
                },
                Inline::text(", исходные числа — в файле "),
                Inline::Link { text: "results.json".into(), target: Target::File("results.json".into()) },
                Inline::text(", метрика — "),
                Inline::Code("av_site visit".into()),
                Inline::text(". Здесь "),
                Inline::strong("важно"),
                Inline::text(", что "),
                Inline::Emphasis("условная".into()),
                Inline::text(" метрика зависит от состава покупателей. Что было сделано:"),
            ],
        });
        blocks.push(Block::List {
            ordered: n != 1,
            items: vec![
                vec![Inline::text("отобраны строки, где покупка состоялась;")],
                vec![Inline::text(PROSE[2])],
                vec![Inline::strong("посчитаны"), Inline::text(" средние, медианы и интервалы.")],
            ],
        });
        blocks.push(figure(&format!("f{n}"), "Распределение выручки на платящего по группам", [3, 40, 2][n]));
        blocks.push(Block::paragraph(PROSE[1]));
        if n == 0 {
            blocks.push(Block::Table(long_table()));
        } else {
            let mut table = effects();
            table.id = format!("t{n}");
            table.caption = "Все метрики эксперимента".into();
            blocks.push(Block::Table(table));
        }
        blocks.push(Block::heading(3, format!("s{n}-terms"), "Термины"));
        blocks.push(Block::Definitions {
            items: vec![
                (
                    vec![Inline::text("ARPPU")],
                    vec![Inline::text("Выручка на одного платящего пользователя за период.")],
                ),
                (
                    vec![Inline::text("Доверительный интервал")],
                    vec![Inline::text(
                        "Границы, в которых лежит настоящая разница, если эксперимент повторять много раз.",
                    )],
                ),
            ],
        });
    }
    Document { meta: meta("ARPPU в двух группах"), blocks }
}

/// Every block with text that no font has, that means something to XML or PDF, or that breaks lines badly.
fn hostile() -> Document {
    let bad = "Р\u{ad}ост 🎉 漢字 שלום עולם (\\) <b>&\u{0}\u{1b}\u{202e} е\u{301}и\u{306} x\u{489} \u{e000} \u{ffff} 👩\u{200d}👩";
    let long = "0123456789abcdef".repeat(30);
    let cell = Cell::text(format!("{bad} {long}")).tone(Tone::Bad);
    let huge = Cell::text(PROSE.join(" ").repeat(30));
    let table = Table {
        id: "t".into(),
        caption: bad.into(),
        columns: (0..9).map(|i| if i % 2 == 0 { Column::text(bad) } else { Column::number("n") }).collect(),
        rows: vec![vec![cell; 9], vec![Cell::text(""); 9], {
            let mut row = vec![Cell::text("x"); 9];
            row[0] = huge;
            row
        }],
        notes: vec![bad.into(), String::new()],
    };
    let mut card = verdict();
    card.headline = bad.repeat(3);
    card.tone = Tone::Void;
    card.points[0].label = bad.into();
    card.badges[0].value = long.clone();
    let inlines = vec![
        Inline::text(bad),
        Inline::Code(long.clone()),
        Inline::Emphasis(bad.into()),
        Inline::Link { text: bad.repeat(8), target: Target::File("путь к/файлу (1).json".into()) },
        Inline::Link { text: "никуда".into(), target: Target::Anchor("нет".into()) },
        Inline::text(""),
    ];
    let text = Mark::Text {
        at: (10.0, 20.0),
        text: bad.into(),
        size: 9.0,
        weight: Weight::SemiBold,
        fill: Paint { rgb: 0, alpha: 0.5 },
        anchor: Anchor::End,
        rotate: 90.0,
    };
    let drawing = Drawing { width: 900.0, height: 2000.0, marks: vec![text] };
    let figure = Figure {
        id: "f".into(),
        caption: bad.into(),
        alt: String::new(),
        description: bad.into(),
        drawing,
        data: Some(table.clone()),
    };
    Document {
        meta: Meta { title: bad.into(), subtitle: bad.into(), running_head: bad.repeat(9), ..meta("") },
        blocks: vec![
            Block::heading(3, "h", bad),
            Block::Paragraph { inlines: inlines.clone() },
            Block::List { ordered: true, items: vec![inlines.clone(), vec![]] },
            Block::Table(table),
            Block::Figure(figure),
            Block::Callout {
                tone: Tone::Caution,
                title: bad.into(),
                paragraphs: vec![inlines.clone(), vec![]],
            },
            Block::Verdict(card),
            Block::Definitions { items: vec![(inlines.clone(), inlines), (vec![], vec![])] },
            Block::Paragraph { inlines: vec![] },
            Block::List { ordered: false, items: vec![] },
        ],
    }
}

fn attachments() -> Vec<Attachment> {
    let file = |name: &str, media: &str, relationship, bytes: &[u8]| Attachment {
        name: name.into(),
        media: media.into(),
        description: format!("Файл {name}"),
        relationship,
        bytes: bytes.to_vec(),
    };
    vec![
        file("results.json", "application/json", Relationship::Data, b"{\"ok\":true}"),
        file("config.toml", "application/toml", Relationship::Source, b"[experiment]\nid = \"arppu\"\n"),
        file("manifest.json", "application/json", Relationship::Supplement, b"{}"),
    ]
}

fn rendered(name: &str, document: &Document, attachments: &[Attachment]) -> Rendered {
    let rendered = render(document, attachments, &options()).expect("renders");
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), &rendered.bytes)
        .expect("writes");
    rendered
}

fn load(bytes: &[u8]) -> lopdf::Document {
    lopdf::Document::load_mem(bytes).expect("a PDF")
}

/// The structure elements with `tag`.
fn tagged<'a>(pdf: &'a lopdf::Document, tag: &str) -> Vec<&'a lopdf::Dictionary> {
    pdf.objects
        .values()
        .filter_map(|o| o.as_dict().ok())
        .filter(|d| d.get(b"S").and_then(|s| s.as_name()).is_ok_and(|s| s == tag.as_bytes()))
        .collect()
}

#[test]
fn a_report_has_its_pages_and_its_structure() {
    let pdf = rendered("sample.pdf", &sample(), &attachments());
    assert_eq!(pdf.warnings, []);
    let loaded = load(&pdf.bytes);
    assert_eq!(loaded.get_pages().len(), pdf.pages);
    assert!((8..=12).contains(&pdf.pages), "{}", pdf.pages);
    let count = |tag: &str| tagged(&loaded, tag).len();
    assert_eq!((count("H1"), count("H2"), count("H3")), (1, 4, 6));
    // The card's table, the long one, two of metrics and the data of two figures; the third is too long to print.
    assert_eq!((count("Table"), count("Figure"), count("TOC")), (6, 3, 1));
    // Ten entries of the contents, two links in each of three paragraphs.
    assert_eq!((count("TOCI"), count("Link")), (10, 16));
    assert!(tagged(&loaded, "Figure").iter().all(|f| f.has(b"Alt") && f.has(b"A")));
    assert_eq!(
        count("TR"),
        1 + 3 + 1 + 64 + 2 * (1 + 3) + (1 + 3) + (1 + 2),
        "repeated heads are not repeated tags"
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let one = render(&sample(), &attachments(), &options()).expect("renders").bytes;
    let two = render(&sample(), &attachments(), &options()).expect("renders").bytes;
    assert!(one == two);
    let other = PdfOptions { date: "2026-11-23".into(), ..options() };
    let id = |bytes: &[u8]| format!("{:?}", load(bytes).trailer.get(b"ID").expect("has an ID"));
    assert_ne!(id(&one), id(&render(&sample(), &[], &other).expect("renders").bytes));
}

#[test]
fn attachments_are_associated_files_sorted_by_name() {
    let loaded = load(&rendered("attached.pdf", &sample(), &attachments()).bytes);
    let catalog = loaded.catalog().expect("a catalog");
    assert_eq!(catalog.get(b"AF").and_then(|a| a.as_array()).expect("AF").len(), 3);
    let relation =
        |d: &lopdf::Dictionary| d.get(b"AFRelationship").and_then(|n| n.as_name()).map(<[u8]>::to_vec);
    let mut relations: Vec<Vec<u8>> =
        loaded.objects.values().filter_map(|o| relation(o.as_dict().ok()?).ok()).collect();
    relations.sort();
    assert_eq!(relations, [b"Data".to_vec(), b"Source".to_vec(), b"Supplement".to_vec()]);
}

#[test]
fn hostile_text_is_printed_and_reported() {
    let pdf = rendered("hostile.pdf", &hostile(), &attachments());
    let missing = |c| {
        pdf.warnings
            .iter()
            .any(|w| matches!(w, PdfWarning::MissingCharacter { character, .. } if *character == c))
    };
    assert!(missing('漢') && missing('🎉') && missing('ש') && !missing('Р') && !missing('\u{ad}'));
    assert!(pdf.warnings.contains(&PdfWarning::BrokenLink { anchor: "нет".into() }));
}

#[test]
fn a_document_of_nothing_is_a_page() {
    let nothing = Document { meta: Meta { description: String::new(), ..meta("\u{1}") }, blocks: vec![] };
    assert_eq!(rendered("bare.pdf", &nothing, &[]).pages, 1);
}

#[test]
fn a_date_must_be_a_date() {
    let wrong = PdfOptions { date: "сегодня".into(), ..options() };
    assert_eq!(render(&sample(), &[], &wrong).map(|r| r.pages), Err(PdfError::Date("сегодня".into())));
}
