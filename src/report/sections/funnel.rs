//! A funnel: how many came to each step, where the groups part, and what the comparisons say, one section a funnel.

use super::metric_charts;
use super::verdict::direction_tone;
use crate::config::valid::{FunnelStep, MetricSource};
use crate::metrics::outcome::{Comparison, GroupOutcome, MetricOutcome};
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Table, Tone};
use crate::report::facts::{self, level_words, minus};
use crate::report::scale::Scale;
use crate::verdict::Action;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};

/// The step of a metric that is one.
pub fn step(o: &MetricOutcome) -> Option<&FunnelStep> {
    match &o.metric.source {
        MetricSource::Step(step) => Some(step),
        _ => None,
    }
}

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let mut funnels: Vec<(&FunnelStep, Vec<&MetricOutcome>)> = Vec::new();
    for outcome in &t.findings.outcomes {
        let Some(of) = step(outcome) else { continue };
        match funnels.iter_mut().find(|(first, _)| first.funnel == of.funnel) {
            Some((_, steps)) => steps.push(outcome),
            None => funnels.push((of, vec![outcome])),
        }
    }
    let mut blocks = Vec::new();
    for (of, steps) in funnels {
        blocks.extend(funnel(t, of, &steps)?);
    }
    Ok(blocks)
}

/// Groups that fit side by side in the width of a page.
const MOST_COLUMNS: usize = 5;

fn funnel(t: &Teller, of: &FunnelStep, outcomes: &[&MetricOutcome]) -> Result<Vec<Block>, NarrativeError> {
    let anchor = format!("funnel-{}", of.funnel.replace('_', "-"));
    let mut blocks = vec![Block::heading(2, anchor.clone(), of.funnel_title.clone())];
    blocks.extend(t.paragraphs("funnel", Some(("funnel", facts::funnel(of, outcomes))))?);
    blocks.extend(metric_charts::reached(outcomes, &of.funnel_title, &anchor));
    blocks.extend(reached(outcomes, &anchor).into_iter().map(Block::Table));
    blocks.extend(passed(outcomes, &anchor).into_iter().map(Block::Table));
    if outcomes.iter().any(|o| !o.comparisons.is_empty()) {
        blocks.extend(metric_charts::steps(outcomes, &of.funnel_title, &anchor));
        let void = t.findings.verdict.action == Action::Invalid;
        let word = if void { voided } else { outcome };
        blocks.push(Block::Table(comparisons(outcomes, word, &anchor)));
    }
    blocks.extend(controls(outcomes, "Шаг", &anchor).map(Block::Table));
    Ok(blocks)
}

/// The groups of a step as a table shows them: separate controls before their pool.
fn groups(o: &MetricOutcome) -> Vec<&GroupOutcome> {
    o.separate.iter().chain(&o.groups).collect()
}

/// The ids of the groups in parts that fit the page, each with the number of its table.
fn parts(outcomes: &[&MetricOutcome]) -> Vec<(usize, Vec<String>)> {
    let ids: Vec<String> =
        outcomes.first().map_or_else(Vec::new, |o| groups(o).iter().map(|g| g.id.clone()).collect());
    ids.chunks(MOST_COLUMNS).map(<[String]>::to_vec).enumerate().collect()
}

fn table_id(anchor: &str, what: &str, part: usize) -> String {
    if part == 0 { format!("{anchor}-{what}") } else { format!("{anchor}-{what}-{}", part + 1) }
}

/// How many came to each step, a column a group.
fn reached(outcomes: &[&MetricOutcome], anchor: &str) -> Vec<Table> {
    let one = |(part, ids): (usize, Vec<String>)| {
        let first = outcomes.iter().find(|o| !o.groups.is_empty());
        let mut all = vec![Cell::text("Вся группа")];
        all.extend(ids.iter().map(|id| {
            let size = first.and_then(|o| o.group(id)).map(|g| g.n);
            size.map_or_else(|| Cell::text(ABSENT), |n| Cell::number(numbers::integer(n), n as f64))
        }));
        let rows = outcomes.iter().map(|o| {
            let mut row = vec![Cell::text(o.metric.title.clone())];
            row.extend(ids.iter().map(|id| {
                let came = o.group(id).and_then(|g| Some((g.successes?, g.mean?)));
                came.map_or_else(
                    || Cell::text(ABSENT),
                    |(n, share)| {
                        let text = format!("{} ({})", numbers::integer(n), numbers::percent(share, 1));
                        Cell::number(text, share)
                    },
                )
            }));
            row
        });
        Table {
            id: table_id(anchor, "steps", part),
            caption: "Сколько пользователей дошло до шага".into(),
            columns: heads(&ids),
            rows: std::iter::once(all).chain(rows).collect(),
            notes: vec!["В скобках — доля от всей группы.".into()],
        }
    };
    parts(outcomes).into_iter().map(one).collect()
}

/// How many of those who came to the step before went on, a column a group.
fn passed(outcomes: &[&MetricOutcome], anchor: &str) -> Vec<Table> {
    let one = |(part, ids): (usize, Vec<String>)| {
        let rows = outcomes.windows(2).map(|of| {
            let mut row = vec![Cell::text(format!("{} → {}", of[0].metric.title, of[1].metric.title))];
            row.extend(ids.iter().map(|id| {
                let came = |o: &MetricOutcome| o.group(id).and_then(|g| g.successes);
                let share =
                    came(of[0]).filter(|n| *n > 0).zip(came(of[1])).map(|(from, to)| to as f64 / from as f64);
                share.map_or_else(
                    || Cell::text(ABSENT),
                    |share| Cell::number(numbers::percent(share, 1), share),
                )
            }));
            row
        });
        Table {
            id: table_id(anchor, "passed", part),
            caption: "Сколько прошло с шага на шаг".into(),
            columns: heads(&ids),
            rows: rows.collect(),
            notes: vec![
                "Эти доли показывают, где теряются пользователи, но между собой группы по ним не сравниваются: кто дошёл \
                 до шага, решает уже сам вариант."
                    .into(),
            ],
        }
    };
    parts(outcomes).into_iter().map(one).collect()
}

fn heads(ids: &[String]) -> Vec<Column> {
    std::iter::once(Column::text("Шаг")).chain(ids.iter().map(Column::number)).collect()
}

/// The pairs that are compared, each once.
fn pairs(outcomes: &[&MetricOutcome], of: fn(&MetricOutcome) -> &[Comparison]) -> Vec<String> {
    let mut pairs: Vec<String> = Vec::new();
    for pair in outcomes.iter().flat_map(|o| of(o)).map(|c| minus(&c.treatment, &c.control)) {
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

fn caption(text: &str, pairs: &[String]) -> String {
    match pairs {
        [one] => format!("{text}: {one}"),
        _ => text.to_owned(),
    }
}

/// Every step of every pair; where there is one pair, the caption names it.
fn comparisons(outcomes: &[&MetricOutcome], word: Word, anchor: &str) -> Table {
    let pairs = pairs(outcomes, |o| &o.comparisons);
    let compared = compared(outcomes, |o| &o.comparisons, word, pairs.len() > 1);
    let count: u64 = outcomes.iter().map(|o| o.family).max().unwrap_or_default();
    let mut notes =
        vec![format!("Поправка учитывает сравнения всех шагов воронки, их {}.", numbers::integer(count))];
    notes.extend(levels(outcomes.iter().flat_map(|o| &o.comparisons)));
    Table {
        id: format!("{anchor}-comparisons"),
        caption: caption("Сравнение групп на каждом шаге", &pairs),
        columns: columns("Шаг", pairs.len() > 1),
        rows: compared,
        notes,
    }
}

/// The controls of several metrics against each other, `what` heading their column; none where there is one control.
pub fn controls(outcomes: &[&MetricOutcome], what: &str, anchor: &str) -> Option<Table> {
    let pairs = pairs(outcomes, |o| &o.controls);
    let rows = compared(outcomes, |o| &o.controls, agreement, pairs.len() > 1);
    if rows.is_empty() {
        return None;
    }
    let mut notes = vec![
        "Контрольные группы видели одно и то же, поэтому разница между ними — случайность или ошибка деления. Поправка \
         учитывает все сравнения контрольных групп в эксперименте."
            .to_owned(),
    ];
    notes.extend(levels(outcomes.iter().flat_map(|o| &o.controls)));
    Some(Table {
        id: format!("{anchor}-controls"),
        caption: caption("Контрольные группы между собой", &pairs),
        columns: columns(what, pairs.len() > 1),
        rows,
        notes,
    })
}

/// Columns of a table of comparisons: `what` is compared, of which pair, where there are several.
fn columns(what: &str, paired: bool) -> Vec<Column> {
    let mut columns = vec![Column::text(what)];
    if paired {
        columns.push(Column::text("Сравнение"));
    }
    columns.extend([
        Column::number("Разница"),
        Column::number("Интервал"),
        Column::number("p"),
        Column::number("p с поправкой"),
        Column::text("Итог"),
    ]);
    columns
}

/// What a comparison came to, in a word.
type Word = fn(&Comparison) -> (&'static str, Tone);

fn outcome(c: &Comparison) -> (&'static str, Tone) {
    match direction_tone(c.plain_direction()) {
        Some(Tone::Good) => ("лучше", Tone::Good),
        Some(_) => ("хуже", Tone::Bad),
        None => ("разница не обнаружена", Tone::Note),
    }
}

/// Under a void verdict no difference may be believed.
fn voided(_: &Comparison) -> (&'static str, Tone) {
    ("вывода нет", Tone::Void)
}

/// Of two controls neither is the better one.
fn agreement(c: &Comparison) -> (&'static str, Tone) {
    if c.significant { ("расходятся", Tone::Bad) } else { ("согласны", Tone::Note) }
}

fn compared(
    outcomes: &[&MetricOutcome],
    of: fn(&MetricOutcome) -> &[Comparison],
    word: Word,
    paired: bool,
) -> Vec<Vec<Cell>> {
    let rows = |o: &&MetricOutcome| -> Vec<Vec<Cell>> {
        let scale = Scale::of(o);
        of(o).iter().map(|c| row(o, c, &scale, word(c), paired)).collect()
    };
    outcomes.iter().flat_map(rows).collect()
}

fn row(
    o: &MetricOutcome,
    c: &Comparison,
    scale: &Scale,
    (text, tone): (&'static str, Tone),
    paired: bool,
) -> Vec<Cell> {
    let effect = c.absolute;
    let mut row = vec![Cell::text(o.metric.title.clone())];
    if paired {
        row.push(Cell::text(minus(&c.treatment, &c.control)));
    }
    row.extend([
        effect.map_or_else(|| Cell::text(ABSENT), |e| Cell::number(scale.difference(e.estimate), e.estimate)),
        effect.and_then(|e| e.ci).map_or_else(|| Cell::text(ABSENT), |ci| Cell::text(scale.interval(ci))),
        Cell::number(numbers::p_short(c.deciding.p), c.deciding.p),
        Cell::number(numbers::p_short(c.p_adjusted), c.p_adjusted),
        Cell::text(text).tone(tone),
    ]);
    row
}

fn levels<'a>(comparisons: impl Iterator<Item = &'a Comparison>) -> Option<String> {
    let levels: Vec<String> = comparisons.map(|c| level_words(c.level)).collect();
    let (first, rest) = levels.split_first()?;
    Some(match rest.iter().all(|level| level == first) {
        true => format!("Интервалы на уровне {first}."),
        false => format!("Уровни интервалов по порядку строк: {}.", levels.join(", ")),
    })
}
