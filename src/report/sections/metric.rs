//! One metric: what came out, the groups, the comparisons, the charts.

use super::upper_first;
use super::verdict::direction_tone;
use super::{funnel, metric_charts};
use crate::config::valid::{Goal, MetricKind, Role};
use crate::metrics::outcome::{Comparison, Estimate, MetricOutcome, NamedTest, Way};
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Inline, Table, Tone};
use crate::report::facts::{level_words, minus, relative_interval, relative_words};
use crate::report::scale::{Scale, without_zeros};
use crate::report::sentences;
use crate::verdict::{Action, Verdict};
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};
use crate::wording::terms::{Terms, Vocabulary};

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let mut blocks = Vec::new();
    // Steps of a funnel are told together, in its own section.
    let metrics = t.findings.outcomes.iter().enumerate().filter(|(_, o)| funnel::step(o).is_none());
    for (index, outcome) in metrics {
        blocks.extend(metric(t, index, outcome)?);
    }
    Ok(blocks)
}

fn metric(t: &Teller, index: usize, o: &MetricOutcome) -> Result<Vec<Block>, NarrativeError> {
    let terms = t.narrative.terms();
    let scale = Scale::of(o);
    let reading = Reading::of(&t.findings.verdict, o.metric.role);
    let anchor = format!("metric-{}", o.metric.id.replace('_', "-"));
    let mut blocks = vec![Block::heading(2, anchor.clone(), o.metric.title.clone())];
    let role = serde_json::to_value(o.metric.role).ok();
    let role = role.as_ref().and_then(|r| r.as_str()).unwrap_or("primary");
    blocks.push(Block::Paragraph {
        inlines: vec![Inline::Emphasis(format!(
            "Роль — {}, вид — {}{}.",
            terms.word(Vocabulary::Role, role),
            terms.word(Vocabulary::Kind, o.metric.kind.name()),
            match (o.metric.role, o.metric.goal) {
                // A quality metric shall stay as it is.
                (Role::Quality, _) => "",
                (_, Goal::Increase) => ", цель — увеличить",
                (_, Goal::Decrease) => ", цель — уменьшить",
            },
        ))],
    });
    let mut told = t.paragraphs("metric", Some(("metric", t.facts["metrics"][index].clone())))?;
    blocks.append(&mut told);
    let reasons = sentences::of_codes(t.narrative, "choice", &o.choice, t.facts)?;
    blocks.extend(reasons.into_iter().map(|s| Block::paragraph(s.text)));
    if !o.groups.is_empty() {
        blocks.push(Block::Table(groups_table(o, &scale, &anchor, terms)));
    }
    blocks.extend(metric_charts::values(o, &scale, &anchor));
    if !o.comparisons.is_empty() {
        blocks.push(Block::Table(comparisons_table(o, reading, &scale, &anchor, terms)));
        blocks.extend(metric_charts::effects(o, reading, &scale, &anchor));
        blocks.extend(beside_table(o, &scale, &anchor, terms).map(Block::Table));
        blocks.extend(funnel::controls(&[o], "Показатель", &anchor).map(Block::Table));
        blocks.push(Block::Table(tests_table(o, &anchor, terms)));
    }
    if let Some(table) = at_plan_table(o, &anchor) {
        blocks.push(Block::Table(table));
    }
    blocks.extend(metric_charts::shape(o, &scale, &anchor));
    Ok(blocks)
}

fn groups_table(o: &MetricOutcome, scale: &Scale, anchor: &str, terms: &Terms) -> Table {
    let counts = o.groups.iter().any(|g| g.successes.is_some());
    let is_quantile = matches!(o.metric.kind, MetricKind::Quantile { .. });
    let rows_known = !is_quantile && o.groups.iter().any(|g| g.median.is_some());
    let normality = o.groups.iter().any(|g| g.normality.is_some());
    let level = level_words(1.0 - o.alpha);
    let mut columns = vec![Column::text("Группа"), Column::number("n")];
    if counts {
        columns.push(Column::number("Событий"));
    }
    columns.push(Column::number(estimand(o.metric.kind)));
    columns.push(Column::number(format!("Интервал {level}")));
    if !counts {
        columns.push(Column::number("Ст. откл."));
    }
    if rows_known {
        columns.push(Column::number("Медиана"));
        columns.push(Column::number("Максимум"));
    }
    if normality {
        columns.push(Column::number("Нормальность, p"));
    }
    let absent = || Cell::text(ABSENT);
    let written = |x: Option<f64>| x.map_or_else(absent, |x| Cell::number(scale.value(x), x));
    let rows = o.separate.iter().chain(&o.groups).map(|g| {
        let mut row = vec![Cell::text(g.id.clone()), Cell::number(numbers::integer(g.n), g.n as f64)];
        if counts {
            row.push(g.successes.map_or_else(absent, |s| Cell::number(numbers::integer(s), s as f64)));
        }
        row.push(written(g.mean));
        row.push(g.ci.map_or_else(absent, |ci| Cell::text(scale.level_interval(ci))));
        if !counts {
            row.push(written(g.sd));
        }
        if rows_known {
            row.push(g.median.map_or_else(absent, |x| Cell::number(scale.observed(x), x)));
            row.push(g.max.map_or_else(absent, |x| Cell::number(scale.observed(x), x)));
        }
        if normality {
            row.push(g.normality.map_or_else(absent, |n| Cell::number(numbers::p_short(n.p), n.p)));
        }
        row
    });
    let rows = rows.collect();
    let mut notes = Vec::new();
    if let Some(test) = o.groups.iter().find_map(|g| g.normality) {
        let statistics: Vec<String> = o
            .groups
            .iter()
            .filter_map(|g| {
                let letter = terms.find(Vocabulary::Statistic.name(), test.test).unwrap_or("W");
                Some(format!("{}: {letter} = {}", g.id, numbers::significant(g.normality?.statistic, 3)))
            })
            .collect();
        notes.push(format!("Нормальность: {} ({}).", terms.test_name(test.test), statistics.join("; ")));
    }
    if let Some((rows, units)) = o.handling.clusters {
        let (rows, units) = (numbers::integer(rows), numbers::integer(units));
        notes.push(format!("Пользователей — {units}, строк у них — {rows}; n — число пользователей."));
    }
    let missing: u64 = o.groups.iter().map(|g| g.missing).sum();
    if missing > 0 {
        notes
            .push(format!("Пропущенных значений, которые в расчёт не вошли: {}.", numbers::integer(missing)));
    }
    Table {
        id: format!("{anchor}-groups"),
        caption: format!("{}: группы", o.metric.title),
        columns,
        rows,
        notes,
    }
}

/// What the delta method asks of rows in clusters, whatever is compared.
const OF_CLUSTERS: &str = "Различаются ли группы, если строки одного пользователя похожи друг на друга.";

/// The verdict on a pair in one word.
fn word(c: &Comparison, reading: Reading) -> (&'static str, Tone) {
    match (reading, direction_tone(c.plain_direction())) {
        (Reading::Void, _) => ("верить нельзя", Tone::Void),
        (Reading::Early, _) => ("решать рано", Tone::Note),
        (Reading::Goal, _) if c.ranks_oppose_means() => ("противоречиво", Tone::Caution),
        (_, None) => ("разница не обнаружена", Tone::Note),
        (Reading::Sameness, Some(_)) => ("расходятся", Tone::Caution),
        (Reading::Goal, Some(Tone::Good)) => ("лучше", Tone::Good),
        (Reading::Goal, Some(_)) => ("хуже", Tone::Bad),
    }
}

/// How the differences of a metric are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Better or worse, seen from the goal.
    Goal,
    /// A metric that the treatment must not move: neither way is good.
    Sameness,
    /// No difference may be believed before the end.
    Early,
    /// The verdict is void, and no difference may be believed.
    Void,
}

impl Reading {
    /// The reading of a metric under the verdict.
    pub fn of(verdict: &Verdict, role: Role) -> Reading {
        match (verdict.action, role) {
            (Action::Invalid, _) => Reading::Void,
            _ if verdict.too_early() => Reading::Early,
            (_, Role::Quality) => Reading::Sameness,
            _ => Reading::Goal,
        }
    }
}

fn comparisons_table(
    o: &MetricOutcome,
    reading: Reading,
    scale: &Scale,
    anchor: &str,
    terms: &Terms,
) -> Table {
    let adjusted = o.comparisons.len() > 1;
    let mut columns = vec![
        Column::text("Сравнение"),
        Column::number("Разница"),
        Column::number("Интервал"),
        Column::number("Относительная"),
        Column::number(if adjusted { "p с поправкой" } else { "p" }),
        Column::text("Итог"),
    ];
    if adjusted {
        columns.insert(4, Column::number("p"));
    }
    let rows = o.comparisons.iter().map(|c| {
        let (text, tone) = word(c, reading);
        let absolute = c.absolute;
        let mut row = vec![
            Cell::text(minus(&c.treatment, &c.control)),
            absolute.map_or_else(
                || Cell::text(ABSENT),
                |a| Cell::number(scale.difference(a.estimate), a.estimate),
            ),
            absolute
                .and_then(|a| a.ci)
                .map_or_else(|| Cell::text(ABSENT), |ci| Cell::text(scale.interval(ci))),
            c.relative.map_or_else(
                || Cell::text(ABSENT),
                |r| {
                    let interval = r.ci.map(|ci| format!(" ({})", relative_interval(r.estimate, ci)));
                    let text = relative_words(r.estimate);
                    Cell::number(format!("{text}{}", interval.unwrap_or_default()), r.estimate)
                },
            ),
            Cell::number(numbers::p_short(c.p_adjusted), c.p_adjusted),
            Cell::text(text).tone(tone),
        ];
        if adjusted {
            row.insert(4, Cell::number(numbers::p_short(c.deciding.p), c.deciding.p));
        }
        row
    });
    let levels: Vec<String> = o.comparisons.iter().map(|c| level_words(c.level)).collect();
    let level = match levels.iter().all(|l| *l == levels[0]) {
        true => format!("Интервалы на уровне {}.", levels[0]),
        false => format!("Уровни интервалов по порядку строк: {}.", levels.join(", ")),
    };
    Table {
        id: format!("{anchor}-comparisons"),
        caption: format!(
            "{}: сравнения; решает {}",
            o.metric.title,
            terms.test_name(o.comparisons[0].deciding.test)
        ),
        columns,
        rows: rows.collect(),
        notes: vec![level],
    }
}

/// The same question answered in other ways, under the deciding answer; none where there is one answer only.
fn beside_table(o: &MetricOutcome, scale: &Scale, anchor: &str, terms: &Terms) -> Option<Table> {
    let mut rows = Vec::new();
    for c in o.comparisons.iter().filter(|c| !c.beside.is_empty()) {
        let pair = minus(&c.treatment, &c.control);
        let mut line = |way: &str, effect: Option<Estimate>, p: f64, test: &str| {
            let absent = || Cell::text(ABSENT);
            rows.push(vec![
                Cell::text(pair.clone()),
                Cell::text(way.to_owned()),
                effect.map_or_else(absent, |e| Cell::number(scale.difference(e.estimate), e.estimate)),
                effect.and_then(|e| e.ci).map_or_else(absent, |ci| Cell::text(scale.interval(ci))),
                Cell::number(numbers::p_short(p), p),
                Cell::text(upper_first(terms.test_name(test))),
            ]);
        };
        let by_rank = c.shift.is_some();
        let own = if by_rank { c.shift } else { c.absolute };
        line("решающий ответ", own, c.deciding.p, c.deciding.test);
        for other in &c.beside {
            let way = match other.way {
                Way::Unadjusted => "без поправки на известное заранее",
                Way::NotWinsorized if c.adjustment.is_some() => "без подрезки и без поправки",
                Way::NotWinsorized => "без подрезки крайних значений",
                Way::Means => "разница средних",
            };
            line(way, Some(other.absolute), other.test.p, other.test.test);
        }
    }
    (!rows.is_empty()).then(|| Table {
        id: format!("{anchor}-beside"),
        caption: format!("{}: тот же вопрос другими способами", o.metric.title),
        columns: vec![
            Column::text("Сравнение"),
            Column::text("Способ"),
            Column::number("Разница"),
            Column::number("Интервал"),
            Column::number("p"),
            Column::text("Критерий"),
        ],
        rows,
        notes: vec!["Решает первая строка каждого сравнения; p — без поправки на число сравнений.".into()],
    })
}

fn tests_table(o: &MetricOutcome, anchor: &str, terms: &Terms) -> Table {
    let columns = vec![
        Column::text("Сравнение"),
        Column::text("Критерий"),
        Column::number("Статистика"),
        Column::number("Степени свободы"),
        Column::number("p"),
        Column::text("Что спрашивает"),
    ];
    let row = |pair: String, test: &NamedTest, decides: bool| {
        let name = upper_first(terms.test_name(test.test));
        let letter = terms.find(Vocabulary::Statistic.name(), test.test);
        let statistic = statistic_words(test.statistic);
        vec![
            Cell::text(pair),
            Cell {
                inlines: if decides {
                    vec![Inline::Strong(name), Inline::Text(" — решает".into())]
                } else {
                    vec![Inline::Text(name)]
                },
                sort: None,
                tone: None,
            },
            Cell::number(letter.map_or(statistic.clone(), |l| format!("{l} = {statistic}")), test.statistic),
            test.df.map_or_else(
                || Cell::text(ABSENT),
                |df| Cell::number(without_zeros(&numbers::number(df, 1)), df),
            ),
            Cell::number(numbers::p_short(test.p), test.p),
            Cell::text(match o.handling.clusters {
                Some(_) if decides => OF_CLUSTERS,
                _ => terms.test(test.test).map_or("", |t| t.asks.as_str()),
            }),
        ]
    };
    let mut rows = Vec::new();
    if let Some(omnibus) = &o.omnibus {
        rows.push(row("все группы".into(), omnibus, false));
    }
    for c in &o.comparisons {
        for (index, test) in c.tests.iter().enumerate() {
            rows.push(row(format!("{} и {}", c.control, c.treatment), test, index == 0));
        }
    }
    Table {
        id: format!("{anchor}-tests"),
        caption: format!("{}: все проверки", o.metric.title),
        columns,
        rows,
        notes: tests_notes(o),
    }
}

fn tests_notes(o: &MetricOutcome) -> Vec<String> {
    let mut notes = vec!["Статистики посчитаны в порядке «контроль, вариант», p — без поправки.".to_owned()];
    if o.comparisons.iter().any(|c| c.monitoring.is_some()) {
        notes.push(
            "Решает первая строка: она учитывает все ночные проверки. Остальные p верны, только если смотреть один раз, в \
             конце; решать по ним нельзя."
                .to_owned(),
        );
    }
    notes
}

fn at_plan_table(o: &MetricOutcome, anchor: &str) -> Option<Table> {
    let plan = o.at_plan.as_ref()?;
    let rows = plan.comparisons.iter().map(|c| {
        vec![
            Cell::text(format!("{} и {}", c.control, c.treatment)),
            Cell::number(format!("z = {}", numbers::significant(c.statistic, 5)), c.statistic),
            Cell::number(numbers::p_short(c.p_adjusted), c.p_adjusted),
        ]
    });
    Some(Table {
        id: format!("{anchor}-at-plan"),
        caption: format!(
            "{}: те же доли при плановом размере группы, {}",
            o.metric.title,
            numbers::integer(plan.n)
        ),
        columns: vec![
            Column::text("Сравнение"),
            Column::number("Статистика"),
            Column::number("p с поправкой"),
        ],
        rows: rows.collect(),
        notes: vec![],
    })
}

/// What the value of a group is called.
fn estimand(kind: MetricKind) -> String {
    match kind {
        MetricKind::Mean => "Среднее".into(),
        MetricKind::Proportion => "Доля".into(),
        MetricKind::Ratio => "Отношение".into(),
        MetricKind::Quantile { quantile: 0.5 } => "Медиана".into(),
        MetricKind::Quantile { quantile } => {
            format!("Квантиль {}", without_zeros(&numbers::number(quantile, 4)))
        }
    }
}

/// A test statistic: five significant digits, and large ones (U, χ²) whole with their halves.
fn statistic_words(x: f64) -> String {
    if x.abs() >= 10_000.0 { without_zeros(&numbers::number(x, 1)) } else { numbers::significant(x, 5) }
}
