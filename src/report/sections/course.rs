//! The effect by the day that users came in: whether it wears off or grows.

use super::watch::{day_tick, difference_axis, difference_tick, unbroken};
use crate::charts::monitoring::{Look, Monitoring, monitoring};
use crate::charts::style::Axis;
use crate::metrics::outcome::MetricOutcome;
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Figure, Table};
use crate::report::facts::{course as facts, level_words};
use crate::report::scale::Scale;
use crate::stats::distributions::normal_isf;
use crate::validation::course::{ByDay, FEWEST};
use crate::wording::dates;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers;
use crate::wording::typography::closed;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let f = t.findings;
    let mut blocks = Vec::new();
    for (index, by) in f.course.iter().enumerate() {
        let Some(o) = f.outcomes.iter().find(|o| o.metric.id == by.metric) else { continue };
        // One day has no course.
        if by.days.len() < 2 {
            continue;
        }
        if blocks.is_empty() {
            blocks.push(Block::heading(2, "course", "По дням прихода"));
        }
        let anchor = format!("course-{}", index + 1);
        let title = unbroken(&o.metric.title, &by.treatment, &by.control);
        blocks.push(Block::heading(3, anchor.clone(), title.clone()));
        blocks.extend(t.paragraphs("course", Some(("course", facts(by, o))))?);
        blocks.extend(chart(t, by, o, &title, &anchor));
    }
    Ok(blocks)
}

fn chart(t: &Teller, by: &ByDay, o: &MetricOutcome, title: &str, anchor: &str) -> Option<Block> {
    let scale = Scale::of(o);
    let alpha = t.findings.config.design.alpha;
    let critical = normal_isf(alpha / 2.0);
    let start = by.start.since(jiff::civil::Date::constant(1970, 1, 1)).ok()?.get_days();
    let drawn: Vec<Look> = by
        .days
        .iter()
        .map(|day| Look {
            day: f64::from(start) + f64::from(day.day),
            estimate: day.estimate,
            low: day.estimate - critical * day.se,
            high: day.estimate + critical * day.se,
        })
        .collect();
    let (axis, format) = (difference_axis(&scale), difference_tick(&scale));
    let drawing = monitoring(&Monitoring {
        looks: &drawn,
        last: "",
        zero: "нет разницы",
        boundary: &[],
        boundary_word: "",
        day: Axis { title: "День прихода", format: &day_tick, log: false },
        effect: Axis { title: &axis, format: &format, log: false },
    });
    let rows = by.days.iter().zip(&drawn).map(|(day, look)| {
        let date = by.start.checked_add(jiff::Span::new().days(i64::from(day.day))).ok();
        vec![
            Cell::number(date.map_or_else(String::new, dates::short), look.day),
            Cell::number(scale.difference(day.estimate), day.estimate),
            Cell::text(scale.interval((look.low, look.high))),
        ]
    });
    let level = level_words(1.0 - alpha);
    let left_out = match by.left_out {
        0 => String::new(),
        days => format!(
            " Не показаны дни, когда хотя бы в одну группу пришло меньше {FEWEST} пользователей или все значения были \
             одинаковы: таких дней {}.",
            numbers::integer(days as u64)
        ),
    };
    Some(Block::Figure(Figure {
        id: format!("{anchor}-days"),
        caption: format!("{title}, разница по дням прихода"),
        alt: closed(&format!(
            "Разница между пришедшими в один день; в первый день — {}, в последний — {}",
            scale.difference(by.days.first()?.estimate),
            scale.difference(by.days.last()?.estimate)
        )),
        description: format!(
            "Точка — разница между пользователями групп, пришедшими в этот день, полоса — её интервал {level} для одного \
             дня. Отдельный день, у которого интервал не захватывает ноль, ещё ничего не значит: дней много.{left_out}"
        ),
        drawing,
        data: Some(Table {
            id: format!("{anchor}-days-data"),
            caption: String::new(),
            columns: vec![
                Column::text("День"),
                Column::number("Разница"),
                Column::number(format!("Интервал {level}")),
            ],
            rows: rows.collect(),
            notes: vec![],
        }),
    }))
}
