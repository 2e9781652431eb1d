//! Sample size, duration, and what else the traffic could buy.

use serde_json::Value;

use super::metric_charts::short_decimals;
use crate::charts::curves::{Curve, Level, Marked};
use crate::charts::duration::{Duration, duration};
use crate::charts::style::Axis;
use crate::config::valid::{Plan, PlanEstimand};
use crate::planning::{OtherDesign, PlanOutcome};
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Figure, Inline, Table};
use crate::report::facts::{level_words, lift_words};
use crate::report::scale::compact;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};
use crate::wording::plural;

/// Rows of the table behind the curves.
const CURVE_ROWS: usize = 12;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let mut blocks = Vec::new();
    for (index, outcome) in t.findings.plans.iter().enumerate() {
        let Some(plan) = t.findings.config.plans.iter().find(|p| p.id == outcome.id) else { continue };
        let anchor = format!("plan-{}", plan.id.replace('_', "-"));
        blocks.push(Block::heading(2, anchor.clone(), plan.title.clone()));
        let facts: Value = t.facts["plans"].get(index).cloned().unwrap_or_default();
        blocks.extend(t.paragraphs("plan", Some(("plan", facts)))?);
        blocks.push(Block::Table(inputs(plan, outcome, &anchor)));
        blocks.push(Block::Table(scenarios(plan, outcome, &anchor)));
        blocks.extend(chart(plan, outcome, &anchor));
        blocks.push(Block::Table(designs(plan, outcome, &anchor)));
        if !outcome.detectable.is_empty() {
            blocks.push(Block::Table(detectable(plan, outcome, &anchor)));
        }
    }
    Ok(blocks)
}

fn days_words(days: Option<u64>) -> String {
    let Some(noun) = plural::find("день") else { return ABSENT.into() };
    days.map_or_else(|| ABSENT.to_owned(), |d| plural::count(d, noun.nominative))
}

/// The same plan in other designs.
fn designs(plan: &Plan, o: &PlanOutcome, anchor: &str) -> Table {
    let timed = o.days.is_some();
    let name = |design: OtherDesign| match design {
        OtherDesign::GroupSequential => "Смотреть каждую ночь, до планового размера".to_owned(),
        OtherDesign::AlwaysValid => "Смотреть каждую ночь, без планового размера".to_owned(),
        OtherDesign::Weighted => "Одна проверка в конце, группы заявленных размеров".to_owned(),
        OtherDesign::VarianceRemoved { share } => {
            format!(
                "Одна проверка в конце, известное заранее убирает {} разброса",
                numbers::percent(share, 0)
            )
        }
    };
    let number = |n: Option<u64>| {
        n.map_or_else(|| Cell::text(ABSENT), |n| Cell::number(numbers::integer(n), n as f64))
    };
    let days = |d: Option<u64>| {
        d.map_or_else(|| Cell::text(ABSENT), |d| Cell::number(days_words(Some(d)), d as f64))
    };
    let mut columns = vec![
        Column::text("Как проводить"),
        Column::number("Пользователей, не больше"),
        Column::number("Пользователей в среднем"),
    ];
    if timed {
        columns.push(Column::number("Срок, не дольше"));
        columns.push(Column::number("Срок в среднем"));
    }
    let row = |name: String, most: u64, mean: Option<u64>, longest: Option<u64>, usual: Option<u64>| {
        let mut row = vec![Cell::text(name), number(Some(most)), number(mean)];
        if timed {
            row.extend([days(longest), days(usual)]);
        }
        row
    };
    let mut rows = vec![row("Одна проверка в конце".into(), o.n_total, None, o.days, None)];
    rows.extend(
        o.designs.iter().map(|d| row(name(d.design), d.n_total, d.n_expected, d.days, d.days_expected)),
    );
    Table {
        id: format!("{anchor}-designs"),
        caption: format!("{}: тот же план иначе", plan.title),
        columns,
        rows,
        notes: vec![
            "Уровень доверия и мощность у всех строк одни и те же. В среднем — если эффект такой, как в плане.".into(),
        ],
    }
}

fn inputs(plan: &Plan, o: &PlanOutcome, anchor: &str) -> Table {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![Cell::text(name), Cell::text(value)]);
    match plan.estimand {
        PlanEstimand::Proportion { baseline, lift } => {
            row("Нынешняя доля", numbers::percent(baseline, 2));
            row("Ожидаемая доля", numbers::percent(baseline + lift, 2));
        }
        PlanEstimand::Mean { baseline, lift, sd } => {
            if let Some(b) = baseline {
                row("Нынешнее среднее", compact(b));
            }
            row("Ожидаемое изменение", lift_words(plan.estimand, lift).0);
            row("Стандартное отклонение", compact(sd));
        }
    }
    let size = match plan.estimand {
        PlanEstimand::Proportion { .. } => "Размер эффекта, h Коэна",
        PlanEstimand::Mean { .. } => "Размер эффекта, d Коэна",
    };
    row(size, numbers::significant(o.effect_size, 4));
    row("Уровень доверия", level_words(1.0 - plan.alpha));
    row("Мощность", level_words(plan.power));
    row("Групп", numbers::integer(plan.groups));
    if let Some(traffic) = plan.traffic {
        row("Пользователей в день", numbers::number(traffic.daily(), 0));
    }
    row("Нужно в каждой группе", numbers::integer(o.n_per_group));
    row("Нужно всего", numbers::integer(o.n_total));
    if o.days.is_some() {
        row("Срок", days_words(o.days));
    }
    Table {
        id: format!("{anchor}-inputs"),
        caption: format!("{}: условия и ответ", plan.title),
        columns: vec![Column::text("Величина"), Column::number("Значение")],
        rows,
        notes: vec![],
    }
}

fn scenarios(plan: &Plan, o: &PlanOutcome, anchor: &str) -> Table {
    let designs: Vec<(u32, bool)> = {
        let mut seen = Vec::new();
        for s in &o.scenarios {
            if !seen.contains(&(s.groups, s.corrected)) {
                seen.push((s.groups, s.corrected));
            }
        }
        seen
    };
    let timed = plan.traffic.is_some();
    let mut columns = vec![Column::text("Эффект"), Column::number("В группе")];
    columns
        .extend(designs.iter().map(|(groups, corrected)| Column::number(design_words(*groups, *corrected))));
    let mut rows = Vec::new();
    let mut lifts: Vec<f64> = o.scenarios.iter().map(|s| s.lift).collect();
    lifts.dedup();
    for lift in lifts {
        let (absolute, relative) = lift_words(plan.estimand, lift);
        let planned = o.scenarios.iter().any(|s| s.planned && s.lift == lift);
        let text = relative.map_or(absolute.clone(), |r| format!("{absolute} ({r})"));
        let plain = o.scenarios.iter().find(|s| s.lift == lift && !s.corrected).map(|s| s.n_per_group);
        let inline = if planned { Inline::Strong(text) } else { Inline::Text(text) };
        let mut row = vec![
            Cell { inlines: vec![inline], sort: Some(lift), tone: None },
            plain.map_or_else(|| Cell::text(ABSENT), |n| Cell::number(numbers::integer(n), n as f64)),
        ];
        for (groups, corrected) in &designs {
            let found = o
                .scenarios
                .iter()
                .find(|s| s.lift == lift && s.groups == *groups && s.corrected == *corrected);
            row.push(match found {
                Some(s) if timed => Cell::number(days_words(s.days), s.days.unwrap_or_default() as f64),
                Some(s) => {
                    let total = s.n_per_group * u64::from(*groups);
                    Cell::number(numbers::integer(total), total as f64)
                }
                None => Cell::text(ABSENT),
            });
        }
        rows.push(row);
    }
    Table {
        id: format!("{anchor}-scenarios"),
        caption: if timed {
            "Срок в зависимости от эффекта".into()
        } else {
            "Размер в зависимости от эффекта".into()
        },
        columns,
        rows,
        notes: vec![if timed {
            "Жирным выделен эффект плана. Размер группы — без поправки.".into()
        } else {
            "Жирным выделен эффект плана. «В группе» — без поправки, дальше — всего на все группы.".into()
        }],
    }
}

fn design_words(groups: u32, corrected: bool) -> String {
    let forms = plural::find("группа").map(|n| n.nominative);
    let text = forms.map_or_else(|| groups.to_string(), |f| plural::count(groups, f));
    if corrected { format!("{text} с поправкой") } else { text }
}

fn chart(plan: &Plan, o: &PlanOutcome, anchor: &str) -> Option<Block> {
    let planned_lift = match plan.estimand {
        PlanEstimand::Proportion { lift, .. } | PlanEstimand::Mean { lift, .. } => lift,
    };
    let names: Vec<String> = o.curves.iter().map(|c| design_words(c.groups, c.corrected)).collect();
    let curves: Vec<Curve> =
        o.curves.iter().zip(&names).map(|(c, name)| Curve { name, points: &c.points }).collect();
    let traffic = plan.traffic?;
    let planned = |groups: u32, corrected: bool| {
        o.scenarios.iter().find(|s| s.lift == planned_lift && s.groups == groups && s.corrected == corrected)
    };
    // The mark stands on the curve, where days are not rounded up; its words are the rounded answer.
    let marks: Vec<(usize, f64, String)> = o
        .curves
        .iter()
        .enumerate()
        .filter_map(|(i, c)| {
            let s = planned(c.groups, c.corrected)?;
            let exact = s.n_per_group as f64 * f64::from(s.groups) / traffic.daily();
            Some((i, exact, days_words(s.days)))
        })
        .collect();
    let marked: Vec<Marked> = marks
        .iter()
        .map(|(curve, days, text)| Marked { at: (planned_lift, *days), curve: *curve, text })
        .collect();
    let percent = matches!(plan.estimand, PlanEstimand::Proportion { .. });
    let effect = |x: f64| {
        let shown = if percent { x * 100.0 } else { x };
        numbers::signed(shown, short_decimals(shown))
    };
    let days = |x: f64| numbers::number(x, short_decimals(x));
    let title = if percent {
        "Эффект, который надо увидеть, п. п."
    } else {
        "Эффект, который надо увидеть"
    };
    let drawing = duration(&Duration {
        curves: &curves,
        marked: &marked,
        levels: &[
            Level { value: 30.0, text: "месяц" },
            Level { value: 90.0, text: "квартал" },
            Level { value: 365.0, text: "год" },
        ],
        effect: Axis { title, format: &effect, log: true },
        days: Axis {
            title: "Срок, дней (логарифмическая шкала)", format: &days, log: true
        },
    });
    let listed: Vec<String> = marks.iter().map(|(i, _, text)| format!("{} — {text}", names[*i])).collect();
    let shortest = o.curves.iter().map(|c| c.points.len()).min().unwrap_or(0);
    let step = shortest.div_ceil(CURVE_ROWS).max(1);
    let rows = (0..shortest).step_by(step).map(|at| {
        let lift = o.curves[0].points[at].0;
        let days = o.curves.iter().map(|c| {
            let days = c.points[at].1;
            Cell::number(numbers::number(days, numbers::decimals_for(days, 3)), days)
        });
        std::iter::once(Cell::number(lift_words(plan.estimand, lift).0, lift)).chain(days).collect()
    });
    let mut columns = vec![Column::text("Эффект")];
    columns.extend(names.iter().map(|name| Column::number(format!("Дней, {name}"))));
    let data = Table {
        id: format!("{anchor}-duration-data"),
        caption: String::new(),
        columns,
        rows: rows.collect(),
        notes: vec![],
    };
    Some(Block::Figure(Figure {
        id: format!("{anchor}-duration"),
        caption: "Срок эксперимента в зависимости от эффекта".into(),
        alt: format!("Чем меньше эффект, тем дольше эксперимент. При эффекте плана: {}.", listed.join(", ")),
        description:
            "Чтобы увидеть вдвое меньший эффект, нужен вчетверо больший срок. Точками отмечен эффект плана."
                .into(),
        drawing,
        data: Some(data),
    }))
}

fn detectable(plan: &Plan, o: &PlanOutcome, anchor: &str) -> Table {
    let rows = o.detectable.iter().map(|d| {
        let (absolute, relative) = lift_words(plan.estimand, d.lift);
        vec![
            Cell::number(days_words(Some(d.days)), d.days as f64),
            Cell::number(numbers::number(d.n_per_group, 0), d.n_per_group),
            Cell::number(absolute, d.lift),
            relative.map_or_else(|| Cell::text(ABSENT), |r| Cell::number(r, d.relative.unwrap_or(f64::NAN))),
        ]
    });
    Table {
        id: format!("{anchor}-detectable"),
        caption: "Какой эффект виден за разумный срок".into(),
        columns: vec![
            Column::text("Срок"),
            Column::number("В группе"),
            Column::number("Эффект"),
            Column::number("Относительный"),
        ],
        rows: rows.collect(),
        notes: vec!["Посчитано для всех групп плана, без поправки, с мощностью плана.".into()],
    }
}
