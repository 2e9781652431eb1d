//! All metrics at a glance: relative differences, a row a metric and a pair, on one axis.

use super::metric_charts::short_decimals;
use crate::charts::forest::{Forest, Row, forest};
use crate::charts::style::Axis;
use crate::config::valid::Role;
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome};
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Figure, Table};
use crate::report::facts::{minus, relative_interval, relative_words};
use crate::theme::color;
use crate::verdict::Action;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers;
use crate::wording::terms::Vocabulary;
use crate::wording::typography::closed;

/// Rows that fit a page with the heading and the caption.
const MOST: usize = 24;

/// A pair of a metric whose relative difference is known with its interval.
struct Told<'a> {
    outcome: &'a MetricOutcome,
    pair: &'a Comparison,
    finding: Finding,
    estimate: f64,
    ends: (f64, f64),
    /// The interval is that of the absolute difference, as a share of the control's value.
    rescaled: bool,
    label: String,
    note: String,
    /// «−2,2 % · хуже».
    text: String,
}

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let told = rows(t);
    let metrics =
        told.iter().map(|row| row.outcome.metric.id.as_str()).collect::<std::collections::BTreeSet<_>>();
    if metrics.len() < 2 || told.len() > MOST {
        return Ok(Vec::new());
    }
    Ok(vec![Block::heading(2, "overview", "Все показатели"), Block::Figure(figure(&told))])
}

fn rows<'a>(t: &'a Teller) -> Vec<Told<'a>> {
    let terms = t.narrative.terms();
    let void = t.findings.verdict.action == Action::Invalid;
    let mut rows = Vec::new();
    for outcome in &t.findings.outcomes {
        for pair in &outcome.comparisons {
            let Some(relative) = pair.relative else { continue };
            let Some((ends, rescaled)) =
                relative.ci.map(|ci| (ci, false)).or_else(|| rescaled(outcome, pair))
            else {
                continue;
            };
            if !relative.estimate.is_finite() {
                continue;
            }
            let role = serde_json::to_value(outcome.metric.role).ok();
            let role = role.as_ref().and_then(|r| r.as_str()).unwrap_or("primary");
            let finding = if void { Finding::None } else { finding(outcome, pair) };
            rows.push(Told {
                outcome,
                pair,
                finding,
                estimate: relative.estimate,
                ends,
                rescaled,
                label: outcome.metric.title.clone(),
                note: format!(
                    "{} · {}",
                    minus(&pair.treatment, &pair.control),
                    terms.word(Vocabulary::Role, role)
                ),
                text: match finding.word() {
                    Some(word) => format!("{} · {word}", relative_words(relative.estimate)),
                    None => relative_words(relative.estimate),
                },
            });
        }
    }
    rows
}

/// The interval of the absolute difference as a share of the control's value: answers of night looks have no relative
/// interval of their own.
fn rescaled(outcome: &MetricOutcome, pair: &Comparison) -> Option<((f64, f64), bool)> {
    let control = outcome.groups.iter().find(|g| g.id == pair.control)?.mean.filter(|mean| *mean > 0.0)?;
    let (low, high) = pair.absolute?.ci?;
    Some(((low / control, high / control), true))
}

/// What a reliable difference means.
#[derive(Clone, Copy)]
enum Finding {
    Better,
    Worse,
    /// Of a quality metric, which is neither better nor worse.
    Differs,
    /// The difference is not reliable, or under a void verdict may not be believed.
    None,
}

fn finding(outcome: &MetricOutcome, pair: &Comparison) -> Finding {
    match pair.plain_direction() {
        _ if outcome.metric.role == Role::Quality && pair.significant => Finding::Differs,
        _ if outcome.metric.role == Role::Quality => Finding::None,
        Direction::Better => Finding::Better,
        Direction::Worse => Finding::Worse,
        Direction::None => Finding::None,
    }
}

impl Finding {
    fn word(self) -> Option<&'static str> {
        match self {
            Finding::Better => Some("лучше"),
            Finding::Worse => Some("хуже"),
            Finding::Differs => Some("различается"),
            Finding::None => None,
        }
    }
}

fn figure(told: &[Told]) -> Figure {
    let rows: Vec<Row> = told
        .iter()
        .map(|row| Row {
            label: &row.label,
            note: &row.note,
            estimate: row.estimate,
            low: row.ends.0,
            high: row.ends.1,
            rgb: match row.finding {
                Finding::Better => color::GOOD.0,
                Finding::Worse => color::BAD.0,
                Finding::Differs | Finding::None => color::NOTE.0,
            },
            text: &row.text,
        })
        .collect();
    let format = |x: f64| numbers::signed(x * 100.0, short_decimals(x * 100.0));
    let drawing = forest(&Forest {
        rows: &rows,
        axis: Axis { title: "Относительная разница, %", format: &format, log: false },
        directions: ("← меньше", "больше →"),
        margins: &[],
        text_title: "",
    });
    let listed: Vec<String> =
        told.iter().map(|row| format!("{}, {}: {}", row.label, row.note, row.text)).collect();
    let data = told.iter().map(|row| {
        vec![
            Cell::text(row.label.clone()),
            Cell::text(minus(&row.pair.treatment, &row.pair.control)),
            Cell::number(relative_words(row.estimate), row.estimate),
            Cell::text(relative_interval(row.estimate, row.ends)),
        ]
    });
    let remark = if told.iter().any(|row| row.rescaled) {
        " Там, где решают ночные проверки, отрезок — интервал разницы в долях значения контроля."
    } else {
        ""
    };
    Figure {
        id: "overview-effects".into(),
        caption: "Относительная разница по всем показателям с интервалами".into(),
        alt: closed(&format!("Относительные разницы: {}", listed.join("; "))),
        description: format!(
            "Точка — относительная разница, отрезок — её доверительный интервал. Закрашенная точка: интервал не захватывает \
             ноль. Отрезок со стрелкой продолжается за краем.{remark}"
        ),
        drawing,
        data: Some(Table {
            id: "overview-effects-data".into(),
            caption: String::new(),
            columns: vec![
                Column::text("Показатель"),
                Column::text("Сравнение"),
                Column::number("Относительная разница"),
                Column::number("Интервал"),
            ],
            rows: data.collect(),
            notes: vec![],
        }),
    }
}
