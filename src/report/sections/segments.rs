//! The effect in parts of the users: a forest, a table, and what may not be read into them.

use super::metric_charts::{Difference, Forested, forest_of, goal_of};
use super::watch::{difference_axis, unbroken};
use crate::metrics::outcome::{Direction, MetricOutcome};
use crate::proof::segments::SegmentEffect;
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Table, Tone};
use crate::report::facts::{level_words, part_words, segment as facts};
use crate::report::scale::Scale;
use crate::validation::segments::BySegment;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let f = t.findings;
    let mut blocks = Vec::new();
    let several = f.segments.windows(2).any(|two| two[0].treatment != two[1].treatment);
    for (index, by) in f.segments.iter().enumerate() {
        let Some(o) = f.outcomes.iter().find(|o| o.metric.id == by.metric) else { continue };
        if blocks.is_empty() {
            blocks.push(Block::heading(2, "segments", "По сегментам пользователей"));
        }
        let anchor = format!("segment-{}", index + 1);
        let title = match several {
            true => unbroken(&by.title, &by.treatment, &by.control),
            false => by.title.clone(),
        };
        blocks.push(Block::heading(3, anchor.clone(), title.clone()));
        blocks.extend(t.paragraphs("segments", Some(("segment", facts(f, by, o))))?);
        blocks.extend(forest(t, by, o, &title, &anchor));
        blocks.push(Block::Table(table(t, by, o, &title, &anchor)));
    }
    Ok(blocks)
}

fn units(part: &SegmentEffect) -> u64 {
    part.units.0 + part.units.1
}

fn forest(t: &Teller, by: &BySegment, o: &MetricOutcome, title: &str, anchor: &str) -> Option<Block> {
    let scale = Scale::of(o);
    let level = level_words(1.0 - t.findings.config.design.alpha);
    let rows: Vec<Difference> = by
        .found
        .effects
        .iter()
        .map(|part| {
            let ends = (part.effect.ci.low, part.effect.ci.high);
            let apart = ends.0 > 0.0 || ends.1 < 0.0;
            Difference {
                label: part_words(part),
                note: format!("n = {}", numbers::integer(units(part))),
                text: scale.difference(part.effect.estimate),
                estimate: part.effect.estimate,
                ends,
                interval: scale.interval(ends),
                direction: Direction::of(part.effect.estimate, o.metric.goal, apart),
            }
        })
        .collect();
    forest_of(&Forested {
        rows: &rows,
        percent: scale.percent,
        title: &format!("{}: {}", o.metric.title, difference_axis(&scale).to_lowercase()),
        goal: goal_of(o),
        margins: &[],
        caption: format!("{title}: разница в каждом сегменте, интервалы {level}"),
        anchor,
    })
}

fn table(t: &Teller, by: &BySegment, o: &MetricOutcome, title: &str, anchor: &str) -> Table {
    let scale = Scale::of(o);
    let alpha = t.findings.config.design.alpha;
    let number = |n: u64| Cell::number(numbers::integer(n), n as f64);
    let rows = by.found.effects.iter().map(|part| {
        let (against, p) = part.against_rest.map_or_else(
            || (Cell::text(ABSENT), Cell::text(ABSENT)),
            |against| {
                let (x, p) = (against.difference.estimate, against.p_adjusted);
                let cell = Cell::number(numbers::p_short(p), p);
                let cell = if p < alpha { cell.tone(Tone::Caution) } else { cell };
                (Cell::number(scale.difference(x), x), cell)
            },
        );
        vec![
            Cell::text(part_words(part)),
            number(part.units.0),
            number(part.units.1),
            Cell::number(scale.difference(part.effect.estimate), part.effect.estimate),
            Cell::text(scale.interval((part.effect.ci.low, part.effect.ci.high))),
            against,
            p,
        ]
    });
    let mut notes = vec![
        "«Против остальных» — насколько разница в этом сегменте больше или меньше разницы у всех остальных; p — с поправкой \
         на все такие сравнения эксперимента."
            .to_owned(),
    ];
    if t.findings.watch.is_some() {
        notes.push(
            "Эти интервалы и p верны для одной проверки в конце; решения по ним не принимают.".to_owned(),
        );
    }
    Table {
        id: format!("{anchor}-table"),
        caption: format!("{title}: разница по сегментам"),
        columns: vec![
            Column::text("Сегмент"),
            Column::number(by.control.clone()),
            Column::number(by.treatment.clone()),
            Column::number("Разница"),
            Column::number("Интервал"),
            Column::number("Против остальных"),
            Column::number("p"),
        ],
        rows: rows.collect(),
        notes,
    }
}
