//! The data: how they were read, what is in them, what is wrong with them.

use super::{split, upper_first};
use crate::config::valid::Config;
use crate::data::{ColumnOverview, Dataset, Gate, GateReason, MalformedRow, Reading, RowFault};
use crate::report::document::{Block, Cell, Column, Inline, Table, Tone};
use crate::report::scale::compact;
use crate::report::{Teller, gates};
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};
use crate::wording::terms::Vocabulary;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let Some(data) = &t.findings.data else { return Ok(Vec::new()) };
    let mut blocks = vec![Block::heading(2, "data", "Данные")];
    blocks.extend(t.paragraphs("data", None)?);
    blocks.extend(gate_callouts(&t.findings.config, data));
    blocks.push(Block::Table(groups(t, data)));
    blocks.extend(split::blocks(t));
    if !data.facts.is_empty() {
        blocks.push(Block::Table(joined(data)));
    }
    let own = Described { facts: None, title: None, columns: &data.overview, reading: &data.reading };
    blocks.extend(described(t, &own));
    for facts in &data.facts {
        let (columns, reading) = (&facts.overview, &facts.reading);
        let own = Described { facts: Some(&facts.name), title: Some(&facts.title), columns, reading };
        blocks.extend(described(t, &own));
    }
    blocks.push(Block::Table(reading(data)));
    Ok(blocks)
}

/// One table of the data: `[data]` itself or facts.
struct Described<'a> {
    facts: Option<&'a str>,
    title: Option<&'a str>,
    columns: &'a [ColumnOverview],
    reading: &'a Reading,
}

impl Described<'_> {
    /// An id of its own in the document.
    fn id(&self, of: &str) -> String {
        let facts = self.facts.map(|name| format!("-{}", name.replace('_', "-"))).unwrap_or_default();
        format!("data{facts}-{of}")
    }

    /// A caption that says whose columns these are, where there are several tables.
    fn caption(&self, text: &str) -> String {
        self.title.map_or(text.to_owned(), |title| format!("{title}. {text}"))
    }
}

fn described(t: &Teller, own: &Described) -> Vec<Block> {
    let mut blocks = Vec::new();
    if own.columns.iter().any(|c| c.mean.is_some()) {
        blocks.push(Block::Table(overview(t, own)));
    }
    if !own.columns.is_empty() {
        blocks.push(Block::Table(columns(t, own)));
    }
    if !own.reading.first_malformed.is_empty() {
        blocks.push(Block::Table(malformed(own)));
    }
    blocks
}

/// How facts found their units, and what was left out on the way.
fn joined(data: &Dataset) -> Table {
    let rows = data.facts.iter().map(|f| {
        let left = &f.left_out;
        let number = |n: u64| Cell::number(numbers::integer(n), n as f64);
        vec![
            Cell::text(f.title.clone()),
            number(f.reading.rows),
            number(f.rows_used),
            number(f.units_with_rows),
            number(left.early.rows),
            number(left.unknown.rows),
            number(left.mixed.rows),
            number(left.no_unit + left.no_time + left.no_group),
            number(left.after_date),
        ]
    });
    Table {
        id: "data-joined".into(),
        caption: "Что из событий вошло в расчёт".into(),
        columns: vec![
            Column::text("События"),
            Column::number("Строк всего"),
            Column::number("Вошло"),
            Column::number("Пользователей"),
            Column::number("Рано"),
            Column::number("Чужие"),
            Column::number("В двух группах"),
            Column::number("Неполные"),
            Column::number("Поздно"),
        ],
        rows: rows.collect(),
        notes: vec![
            "Рано — раньше, чем пользователь попал в эксперимент. Чужие — пользователь в эксперименте не участвовал. \
             Неполные — нет пользователя, группы или времени. Поздно — позже даты отчёта."
                .into(),
        ],
    }
}

fn gate_callouts(config: &Config, data: &Dataset) -> Vec<Block> {
    let paragraph = |g: &Gate| vec![Inline::Text(format!("{}.", upper_first(&gates::words(config, g))))];
    let said = |refuses: bool| -> Vec<Vec<Inline>> {
        // Invalid values that only make a note are told by the paragraphs above.
        let told = |g: &&Gate| {
            !g.refuses && g.facts.is_none() && matches!(g.reason, GateReason::InvalidValues { .. })
        };
        let spoken = data.gates.iter().filter(|g| g.refuses == refuses && !told(g) && !gates::is_routine(g));
        spoken.map(paragraph).collect()
    };
    let left_out = data.gates.iter().filter(|g| gates::is_routine(g)).map(paragraph).collect();
    let callout = |tone, title: &str, paragraphs: Vec<Vec<Inline>>| {
        (!paragraphs.is_empty()).then(|| Block::Callout { tone, title: title.into(), paragraphs })
    };
    let refusing = callout(Tone::Bad, "Данные не приняты", said(true));
    let noticing = callout(Tone::Caution, "Замечания к данным", said(false));
    let routine = callout(Tone::Note, "Что не вошло по правилам", left_out);
    refusing.into_iter().chain(noticing).chain(routine).collect()
}

fn overview(t: &Teller, own: &Described) -> Table {
    let written = |x: Option<f64>| x.map_or_else(|| Cell::text(ABSENT), |x| Cell::number(compact(x), x));
    let numeric = own.columns.iter().filter(|c| c.mean.is_some());
    let rows = numeric.map(|c: &ColumnOverview| {
        vec![
            Cell::text(gates::column_title(&t.findings.config, own.facts, &c.name)),
            written(c.mean),
            written(c.std),
            written(c.min),
            written(c.q25),
            written(c.median),
            written(c.q75),
            written(c.max),
        ]
    });
    Table {
        id: own.id("overview"),
        caption: own.caption("Числовые столбцы"),
        columns: vec![
            Column::text("Столбец"),
            Column::number("Среднее"),
            Column::number("Ст. откл."),
            Column::number("Минимум"),
            Column::number("25 %"),
            Column::number("Медиана"),
            Column::number("75 %"),
            Column::number("Максимум"),
        ],
        rows: rows.collect(),
        notes: vec![],
    }
}

fn columns(t: &Teller, own: &Described) -> Table {
    let terms = t.narrative.terms();
    let rows = own.columns.iter().map(|c| {
        let kind = serde_json::to_value(c.kind).ok();
        let kind = kind.as_ref().and_then(|k| k.as_str()).unwrap_or("text");
        let invalid = Cell::number(numbers::integer(c.invalid), c.invalid as f64);
        vec![
            Cell::text(gates::column_title(&t.findings.config, own.facts, &c.name)),
            Cell { inlines: vec![Inline::Code(c.name.clone())], sort: None, tone: None },
            Cell::text(terms.word(Vocabulary::ColumnType, kind)),
            Cell::number(numbers::integer(c.count), c.count as f64),
            Cell::number(numbers::integer(c.missing), c.missing as f64),
            if c.invalid > 0 { invalid.tone(Tone::Caution) } else { invalid },
        ]
    });
    Table {
        id: own.id("columns"),
        caption: own.caption("Столбцы: что заполнено и что недопустимо"),
        columns: vec![
            Column::text("Столбец"),
            Column::text("В файле"),
            Column::text("Тип"),
            Column::number("Заполнено"),
            Column::number("Пропущено"),
            Column::number("Недопустимо"),
        ],
        rows: rows.collect(),
        notes: vec![],
    }
}

fn groups(t: &Teller, data: &Dataset) -> Table {
    let total: u64 = data.groups.iter().map(|g| g.units).sum();
    let shares = t.findings.trust.srm.as_ref().map(|s| s.shares.as_slice()).unwrap_or_default();
    let rows = data.groups.iter().enumerate().map(|(i, g)| {
        let share = g.units as f64 / total.max(1) as f64;
        vec![
            Cell::text(g.id.clone()),
            Cell::number(numbers::integer(g.units), g.units as f64),
            Cell::number(numbers::percent(share, 2), share),
            shares.get(i).map_or_else(|| Cell::text(ABSENT), |s| Cell::number(numbers::percent(*s, 2), *s)),
        ]
    });
    // Declared groups that nobody came into stand after all others, as they do in the check of the split.
    let srm = t.findings.trust.srm.as_ref();
    let absent = srm.into_iter().flat_map(|s| s.groups.iter().zip(&s.shares).skip(data.groups.len()));
    let absent = absent.map(|((id, _), share)| {
        let none = |text: String| Cell::number(text, 0.0).tone(Tone::Bad);
        let declared = Cell::number(numbers::percent(*share, 2), *share);
        vec![Cell::text(id.clone()), none(numbers::integer(0)), none(numbers::percent(0.0, 2)), declared]
    });
    let rows = rows.chain(absent);
    let notes = t.findings.trust.srm.iter().map(|s| {
        format!(
            "Проверка деления: χ² = {}, {}.",
            numbers::significant(s.test.statistic, 3),
            numbers::p_value(s.test.p)
        )
    });
    Table {
        id: "data-groups".into(),
        caption: "Размеры групп".into(),
        columns: vec![
            Column::text("Группа"),
            Column::number("Размер"),
            Column::number("Доля"),
            Column::number("Задумано"),
        ],
        rows: rows.collect(),
        notes: notes.collect(),
    }
}

/// What is wrong with a row, in Russian.
fn fault_words(fault: &RowFault) -> String {
    match fault {
        RowFault::Fields { expected, found } => {
            format!("полей {}, а нужно {}", numbers::integer(*found), numbers::integer(*expected))
        }
        RowFault::Torn => "строка обрывается".into(),
        RowFault::OpenQuote => "кавычка не закрыта".into(),
        RowFault::TextAfterQuote => "текст после закрывающей кавычки".into(),
        RowFault::Nul => "нулевые байты: похоже на другую кодировку".into(),
        RowFault::Encoding => "символы не в кодировке файла".into(),
        RowFault::Cell { column, text, expected } if *expected == "count" => {
            format!("в столбце «{column}» не целое число от нуля: «{text}»")
        }
        RowFault::Cell { column, text, expected } if *expected == "date" => {
            format!("в столбце «{column}» не дата: «{text}»")
        }
        RowFault::Cell { column, text, .. } => format!("в столбце «{column}» не число: «{text}»"),
    }
}

fn malformed(own: &Described) -> Table {
    let rows = own.reading.first_malformed.iter().map(|m: &MalformedRow| {
        let file = m.file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        vec![
            Cell { inlines: vec![Inline::Code(file)], sort: None, tone: None },
            Cell::number(numbers::integer(m.line), m.line as f64),
            Cell::text(fault_words(&m.fault)),
            Cell { inlines: vec![Inline::Code(m.excerpt.clone())], sort: None, tone: None },
        ]
    });
    let shown = own.reading.first_malformed.len() as u64;
    let notes = (own.reading.malformed > shown).then(|| {
        format!("Показаны первые строки: {} из {}.", shown, numbers::integer(own.reading.malformed))
    });
    Table {
        id: own.id("malformed"),
        caption: own.caption("Строки, которые не читаются"),
        columns: vec![
            Column::text("Файл"),
            Column::number("Строка"),
            Column::text("Что не так"),
            Column::text("Начало"),
        ],
        rows: rows.collect(),
        notes: notes.into_iter().collect(),
    }
}

fn reading(data: &Dataset) -> Table {
    let files = data.reading.files.iter().chain(data.facts.iter().flat_map(|f| &f.reading.files));
    let rows = files.map(|f| {
        let name = f.path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let separator = f.separator.as_ref().map(|s| match s.value {
            '\t' => "табуляция".to_owned(),
            c => format!("«{c}»"),
        });
        vec![
            Cell { inlines: vec![Inline::Code(name)], sort: None, tone: None },
            Cell::number(numbers::integer(f.rows), f.rows as f64),
            Cell::text(f.encoding.as_ref().map_or(ABSENT.to_owned(), |e| e.value.clone())),
            Cell::text(separator.unwrap_or_else(|| ABSENT.to_owned())),
            Cell { inlines: vec![Inline::Code(f.blake3.chars().take(16).collect())], sort: None, tone: None },
        ]
    });
    let decimal = data.reading.decimal.as_ref().map(|d| match d.value {
        ',' => "Дробная часть чисел отделена запятой.".to_owned(),
        _ => "Дробная часть чисел отделена точкой.".to_owned(),
    });
    Table {
        id: "data-files".into(),
        caption: "Файлы".into(),
        columns: vec![
            Column::text("Файл"),
            Column::number("Строк"),
            Column::text("Кодировка"),
            Column::text("Разделитель"),
            Column::text("Отпечаток blake3"),
        ],
        rows: rows.collect(),
        notes: decimal.into_iter().collect(),
    }
}
