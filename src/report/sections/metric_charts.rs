//! The charts of a metric, each with its text alternative.

use crate::charts::distribution::{Distribution, Sample, distribution};
use crate::charts::ecdf::{Ecdf, ecdf};
use crate::charts::forest::{self, Forest, forest};
use crate::charts::qq::{Qq, qq};
use crate::charts::rates::{Rate, Rates, rates};
use crate::charts::replicates::{Replicates, replicates};
use crate::charts::steps::{Bar, Step, Steps, steps as steps_drawn};
use crate::charts::style::Axis;
use crate::config::valid::{Goal, MetricKind, Role};
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome};
use crate::report::document::{Block, Cell, Column, Figure, Table};
use crate::report::facts::{level_words, minus, names};
use crate::report::scale::Scale;
use crate::report::sections::metric::Reading;
use crate::stats::distributions::normal_quantile;
use crate::stats::quantiles::quantile_sorted;
use crate::theme::color;
use crate::wording::typography::closed;
use crate::wording::{numbers, plural};

/// Beyond this skewness values are drawn on a logarithmic axis, because a linear one would show one bar and one dot.
const LOG_SKEWNESS: f64 = 2.0;
/// Groups of a funnel whose bars can still be told apart.
const MOST_BARS: usize = 6;
/// Groups of a small-multiples chart that fit a page.
const MOST_PANELS: usize = 12;

/// A tick in the notation of the metric: percent for shares, as short as the number is.
fn tick(scale: &Scale) -> impl Fn(f64) -> String {
    let percent = scale.percent;
    move |x: f64| {
        let shown = if percent { x * 100.0 } else { x };
        numbers::number(shown, short_decimals(shown))
    }
}

/// Shares at which the tables of pictures of many values tell them.
const SHARES: [f64; 9] = [0.01, 0.025, 0.05, 0.25, 0.5, 0.75, 0.95, 0.975, 0.99];
/// The same with the smallest and the largest value.
const SHARES_WITH_ENDS: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];

/// A share as the first cell of a row: «2,5 %», and words for the ends and the middle.
fn share_cell(share: f64) -> Cell {
    let percent = numbers::with_unit(&numbers::number(share * 100.0, short_decimals(share * 100.0)), "%");
    let text = match share {
        0.0 => "наименьшее".to_owned(),
        0.5 => format!("{percent} (медиана)"),
        1.0 => "наибольшее".to_owned(),
        _ => percent,
    };
    Cell::number(text, share)
}

/// The numbers behind a picture.
fn data_table(figure: String, columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Table {
    Table { id: format!("{figure}-data"), caption: String::new(), columns, rows, notes: vec![] }
}

/// As few decimals as write a tick exactly.
pub fn short_decimals(x: f64) -> usize {
    (0..8).find(|d| (x * 10f64.powi(*d) - (x * 10f64.powi(*d)).round()).abs() < 1e-6).unwrap_or(8) as usize
}

/// Group values with intervals.
pub fn values(o: &MetricOutcome, scale: &Scale, anchor: &str) -> Option<Block> {
    let level = level_words(1.0 - o.alpha);
    let notes: Vec<String> = o
        .groups
        .iter()
        .map(|g| match g.successes {
            Some(s) => format!("{} из {}", numbers::integer(s), numbers::integer(g.n)),
            None => format!("n = {}", numbers::integer(g.n)),
        })
        .collect();
    let texts: Vec<String> =
        o.groups.iter().map(|g| g.mean.map_or(numbers::ABSENT.into(), |m| scale.value(m))).collect();
    let groups: Vec<Rate> = o
        .groups
        .iter()
        .zip(notes.iter().zip(&texts))
        .map(|(g, (note, text))| {
            let (low, high) = g.ci.unwrap_or((f64::NAN, f64::NAN));
            Rate { name: &g.id, note, estimate: g.mean.unwrap_or(f64::NAN), low, high, text }
        })
        .collect();
    if groups.len() < 2 {
        return None;
    }
    let title = scale.axis(&o.metric.title);
    let format = tick(scale);
    let axis = Axis { title: &title, format: &format, log: false };
    let drawing = rates(&Rates { groups: &groups, axis, text_title: "", baseline: true });
    let listed: Vec<String> = o.groups.iter().zip(&texts).map(|(g, t)| format!("{} — {t}", g.id)).collect();
    let rows = o.groups.iter().map(|g| {
        vec![
            Cell::text(g.id.clone()),
            g.mean.map_or_else(|| Cell::text(numbers::ABSENT), |m| Cell::number(scale.value(m), m)),
            g.ci.map_or_else(|| Cell::text(numbers::ABSENT), |ci| Cell::text(scale.level_interval(ci))),
        ]
    });
    Some(Block::Figure(Figure {
        id: format!("{anchor}-values"),
        caption: format!("{} по группам, интервалы {level}", o.metric.title),
        alt: closed(&format!("Значения по группам: {}", listed.join(", "))),
        description: format!(
            "Точка — значение группы, отрезок — интервал {level}; тонкая линия продолжает значение группы {}.",
            names::group(&o.groups[0].id)
        ),
        drawing,
        data: Some(Table {
            id: format!("{anchor}-values-data"),
            caption: String::new(),
            columns: vec![
                Column::text("Группа"),
                Column::number("Значение"),
                Column::number(format!("Интервал {level}")),
            ],
            rows: rows.collect(),
            notes: vec![],
        }),
    }))
}

/// Differences with intervals, and the replicates behind them.
pub fn effects(o: &MetricOutcome, reading: Reading, scale: &Scale, anchor: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    blocks.extend(differences(o, reading, scale, anchor));
    if let [only] = o.comparisons.as_slice() {
        blocks.extend(bootstrap(o, only, scale, anchor));
    }
    blocks
}

fn differences(o: &MetricOutcome, reading: Reading, scale: &Scale, anchor: &str) -> Option<Block> {
    let judged = |row: Difference| match reading {
        Reading::Goal => row,
        // Neither good nor bad news.
        Reading::Sameness | Reading::Early | Reading::Void => {
            Difference { direction: Direction::None, ..row }
        }
    };
    let rows: Vec<Difference> = o
        .comparisons
        .iter()
        .map(|c| judged(Difference::of(minus(&c.treatment, &c.control), c, scale)))
        .collect();
    let title = if scale.percent {
        format!("{}: разница, п. п.", o.metric.title)
    } else {
        scale.axis(&format!("{}: разница", o.metric.title))
    };
    let margin = o.metric.margin.map(|m| if o.metric.goal == Goal::Increase { -m } else { m });
    let margins: Vec<(f64, &str)> = margin.into_iter().map(|m| (m, "допустимый вред")).collect();
    let caption = format!("{}: разница с интервалом", o.metric.title);
    let (percent, goal) = (scale.percent, goal_of(o));
    forest_of(&Forested { rows: &rows, percent, title: &title, goal, margins: &margins, caption, anchor })
}

/// Which way is better; none for a quality metric, of which neither way is.
pub fn goal_of(o: &MetricOutcome) -> Option<Goal> {
    (o.metric.role != Role::Quality).then_some(o.metric.goal)
}

/// The share of every group that came to each step.
pub fn reached(outcomes: &[&MetricOutcome], title: &str, anchor: &str) -> Option<Block> {
    let groups = outcomes.first().map_or(0, |o| o.groups.len());
    if groups == 0 || groups > MOST_BARS {
        return None;
    }
    let texts: Vec<Vec<String>> = outcomes
        .iter()
        .map(|o| {
            o.groups
                .iter()
                .map(|g| g.mean.map_or(numbers::ABSENT.into(), |m| numbers::percent(m, 1)))
                .collect()
        })
        .collect();
    let drawn: Vec<Step> = outcomes
        .iter()
        .zip(&texts)
        .map(|(o, texts)| Step {
            name: &o.metric.title,
            bars: o
                .groups
                .iter()
                .zip(texts)
                .map(|(g, text)| Bar { name: &g.id, share: g.mean.unwrap_or(f64::NAN), text })
                .collect(),
        })
        .collect();
    let format = |x: f64| numbers::number(x * 100.0, short_decimals(x * 100.0));
    let axis = Axis {
        title: "Доля дошедших до шага от всей группы, %", format: &format, log: false
    };
    let listed: Vec<String> = outcomes
        .iter()
        .zip(&texts)
        .map(|(o, texts)| {
            let of: Vec<String> =
                o.groups.iter().zip(texts).map(|(g, text)| format!("{} — {text}", g.id)).collect();
            format!("{}: {}", o.metric.title, of.join(", "))
        })
        .collect();
    let mut columns = vec![Column::text("Шаг")];
    columns.extend(outcomes[0].groups.iter().map(|g| Column::number(g.id.clone())));
    let rows = outcomes.iter().map(|o| {
        let shares = o.groups.iter().map(|g| {
            g.mean.map_or_else(
                || Cell::text(numbers::ABSENT),
                |m| Cell::number(numbers::percent(m, numbers::decimals_for(m * 100.0, 3)), m),
            )
        });
        std::iter::once(Cell::text(o.metric.title.clone())).chain(shares).collect()
    });
    let data = data_table(format!("{anchor}-reached"), columns, rows.collect());
    Some(Block::Figure(Figure {
        id: format!("{anchor}-reached"),
        caption: format!("{title}: сколько дошло до каждого шага"),
        alt: closed(&format!("Доли дошедших до шага. {}", listed.join("; "))),
        description: "Длина столбца — доля дошедших от всех пользователей группы.".into(),
        drawing: steps_drawn(&Steps { steps: &drawn, axis }),
        data: Some(data),
    }))
}

/// The differences at every step of a funnel, one under the other.
pub fn steps(outcomes: &[&MetricOutcome], title: &str, anchor: &str) -> Option<Block> {
    let mut rows = Vec::new();
    for o in outcomes {
        let scale = Scale::of(o);
        for c in &o.comparisons {
            let label = match o.comparisons.len() {
                1 => o.metric.title.clone(),
                _ => format!("{}: {}", o.metric.title, minus(&c.treatment, &c.control)),
            };
            rows.push(Difference::of(label, c, &scale));
        }
    }
    let goal = outcomes.first().and_then(|o| goal_of(o));
    let caption = format!("{title}: разница на каждом шаге с интервалом");
    let title = "Разница долей, п. п.";
    forest_of(&Forested { rows: &rows, percent: true, title, goal, margins: &[], caption, anchor })
}

/// One row of a forest chart.
pub struct Difference {
    /// What was compared.
    pub label: String,
    /// A smaller second line.
    pub note: String,
    /// The difference as text.
    pub text: String,
    /// The difference; a value that is not finite leaves the row without a mark.
    pub estimate: f64,
    /// Ends of its interval.
    pub ends: (f64, f64),
    /// The interval in words.
    pub interval: String,
    /// Its colour.
    pub direction: Direction,
}

/// A forest chart of differences in one notation.
pub struct Forested<'a> {
    /// Differences from the top.
    pub rows: &'a [Difference],
    /// Differences are shares, shown in percentage points.
    pub percent: bool,
    /// Title of the axis.
    pub title: &'a str,
    /// Which side of zero is the better one; none for what shall stay as it is.
    pub goal: Option<Goal>,
    /// Further lines: value and word.
    pub margins: &'a [(f64, &'a str)],
    /// Caption of the figure.
    pub caption: String,
    /// Beginning of its id.
    pub anchor: &'a str,
}

impl Difference {
    fn of(label: String, c: &Comparison, scale: &Scale) -> Difference {
        Difference {
            label,
            note: format!("интервал {}", level_words(c.level)),
            text: c.absolute.map_or(numbers::ABSENT.into(), |a| scale.difference(a.estimate)),
            estimate: c.absolute.map_or(f64::NAN, |a| a.estimate),
            ends: c.absolute.and_then(|a| a.ci).unwrap_or((f64::NAN, f64::NAN)),
            interval: c.absolute.and_then(|a| a.ci).map_or(numbers::ABSENT.into(), |ci| scale.interval(ci)),
            direction: c.plain_direction(),
        }
    }
}

/// The chart as a figure; none where nothing could be drawn.
pub fn forest_of(of: &Forested) -> Option<Block> {
    let rows: Vec<forest::Row> = of
        .rows
        .iter()
        .map(|d| forest::Row {
            label: &d.label,
            note: &d.note,
            estimate: d.estimate,
            low: d.ends.0,
            high: d.ends.1,
            rgb: match d.direction {
                _ if of.goal.is_none() => color::NOTE.0,
                Direction::Better => color::GOOD.0,
                Direction::Worse => color::BAD.0,
                Direction::None => color::NOTE.0,
            },
            text: &d.text,
        })
        .collect();
    if rows.iter().all(|r| !r.estimate.is_finite()) {
        return None;
    }
    let percent = of.percent;
    let format = |x: f64| {
        let shown = if percent { x * 100.0 } else { x };
        numbers::signed(shown, short_decimals(shown))
    };
    let directions = match of.goal {
        Some(Goal::Increase) => ("← хуже", "лучше →"),
        Some(Goal::Decrease) => ("← лучше", "хуже →"),
        None => ("← меньше", "больше →"),
    };
    let axis = Axis { title: of.title, format: &format, log: false };
    let drawing = forest(&Forest { rows: &rows, axis, directions, margins: of.margins, text_title: "" });
    let listed: Vec<String> = of.rows.iter().map(|d| format!("{}: {}", d.label, d.text)).collect();
    let data = of.rows.iter().map(|d| {
        let difference = if d.estimate.is_finite() {
            Cell::number(d.text.clone(), d.estimate)
        } else {
            Cell::text(d.text.clone())
        };
        vec![
            Cell::text(d.label.clone()),
            Cell::text(d.note.clone()),
            difference,
            Cell::text(d.interval.clone()),
        ]
    });
    let columns = vec![
        Column::text("Сравнение"),
        Column::text("Пояснение"),
        Column::number("Разница"),
        Column::number("Интервал"),
    ];
    let data = data_table(format!("{}-effect", of.anchor), columns, data.collect());
    Some(Block::Figure(Figure {
        id: format!("{}-effect", of.anchor),
        caption: of.caption.clone(),
        alt: closed(&format!("Разница между группами: {}", listed.join("; "))),
        description: "Точка — разница, отрезок — её доверительный интервал. Закрашенная точка: интервал не захватывает \
                      ноль. Пустая: захватывает, и разницу не отличить от случайной."
            .into(),
        drawing,
        data: Some(data),
    }))
}

fn bootstrap(o: &MetricOutcome, c: &Comparison, scale: &Scale, anchor: &str) -> Option<Block> {
    let r = c.replicates.as_ref()?;
    let observed = c.absolute?.estimate;
    let title = scale.axis(&format!("Разница {}", minus(&c.treatment, &c.control)));
    let format = tick(scale);
    let percent = |x: f64| numbers::number(x * 100.0, short_decimals(x * 100.0));
    let observed_text = format!("в данных {}", scale.difference(observed));
    let interval_text = format!("интервал {}: {}", level_words(c.level), scale.interval(r.ci));
    let drawing = replicates(&Replicates {
        values: &r.differences,
        observed: (observed, &observed_text),
        interval: Some((r.ci.0, r.ci.1, &interval_text)),
        zero: "нет разницы",
        effect: Axis { title: &title, format: &format, log: false },
        share: Axis { title: "Доля повторений, %", format: &percent, log: false },
    });
    let counted = |noun: &str| {
        let n = r.differences.len() as u64;
        plural::find(noun).map_or_else(|| numbers::integer(n), |noun| plural::count(n, noun.nominative))
    };
    // A mean hangs on single observations; a quantile does not, and its replicates come in steps.
    let (of_what, remark) = match o.metric.kind {
        MetricKind::Quantile { .. } => ("квантилей", ""),
        _ => (
            "средних",
            " Если распределение заметно скошено или у него несколько вершин, среднее держится на отдельных наблюдениях.",
        ),
    };
    let mut sorted = r.differences.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let rows = SHARES.iter().filter_map(|share| {
        let value = quantile_sorted(&sorted, *share)?;
        Some(vec![share_cell(*share), Cell::number(scale.difference(value), value)])
    });
    let columns = vec![Column::text("Доля повторений не больше"), Column::number("Разница")];
    let data = data_table(format!("{anchor}-bootstrap"), columns, rows.collect());
    Some(Block::Figure(Figure {
        id: format!("{anchor}-bootstrap"),
        caption: format!("{}: бутстреп разницы {of_what}, {}", o.metric.title, counted("повторение")),
        alt: closed(&format!("Распределение разницы в повторных выборках; {interval_text}; {observed_text}")),
        description: format!(
            "Выборку {} собирали заново из тех же наблюдений и каждый раз считали разницу {of_what}. \
             Светлые столбцы лежат вне интервала.{remark}",
            counted("раз")
        ),
        drawing,
        data: Some(data),
    }))
}

/// Distribution of the values and the normal plot, where rows are known.
pub fn shape(o: &MetricOutcome, scale: &Scale, anchor: &str) -> Vec<Block> {
    let known = o.groups.iter().all(|g| g.values.len() > 1);
    let binary = o.groups.iter().all(|g| g.values.iter().all(|v| *v == 0.0 || *v == 1.0));
    if !known || binary || o.groups.len() > MOST_PANELS {
        return Vec::new();
    }
    let notes: Vec<String> = o
        .groups
        .iter()
        .map(|g| {
            let value = g.mean.map_or(numbers::ABSENT.into(), |m| scale.value(m));
            let name = match o.metric.kind {
                MetricKind::Quantile { .. } => "квантиль",
                _ => "среднее",
            };
            format!("n = {}, {name} {value}", numbers::integer(g.values.len() as u64))
        })
        .collect();
    let samples: Vec<Sample> = o
        .groups
        .iter()
        .zip(&notes)
        .map(|(g, note)| Sample { name: &g.id, note, values: &g.values })
        .collect();
    let skewed = o.groups.iter().filter_map(|g| g.skewness).any(|s| s > LOG_SKEWNESS);
    let log = skewed && o.groups.iter().all(|g| g.values.first().is_some_and(|v| *v >= 0.0));
    let title = scale.axis(&o.metric.title);
    let title = if log { format!("{title} (логарифмическая шкала)") } else { title };
    let format = tick(scale);
    let extreme = |x: f64| scale.bare(x);
    let drawing = distribution(&Distribution {
        groups: &samples,
        axis: Axis { title: &title, format: &format, log },
        extreme: &extreme,
        key: ["половина значений", "медиана", "среднее"],
    });
    let alt: Vec<String> = o
        .groups
        .iter()
        .filter_map(|g| {
            Some(format!(
                "{}: медиана {}, максимум {}",
                g.id,
                scale.observed(g.median?),
                scale.observed(g.max?)
            ))
        })
        .collect();
    let of_groups = |first: &str| {
        let groups = o.groups.iter().map(|g| Column::number(g.id.clone()));
        std::iter::once(Column::text(first)).chain(groups).collect::<Vec<_>>()
    };
    let quantiles = |share: f64| -> Vec<Cell> {
        let cell = |x: f64| Cell::number(scale.value(x), x);
        let absent = || Cell::text(numbers::ABSENT);
        o.groups.iter().map(|g| quantile_sorted(&g.values, share).map_or_else(absent, cell)).collect()
    };
    let rows = SHARES_WITH_ENDS.iter().map(|share| {
        let mut row = vec![share_cell(*share)];
        row.extend(quantiles(*share));
        row
    });
    let data =
        data_table(format!("{anchor}-distribution"), of_groups("Доля значений не больше"), rows.collect());
    let mut blocks = vec![Block::Figure(Figure {
        id: format!("{anchor}-distribution"),
        caption: format!("{}: распределение по группам", o.metric.title),
        alt: closed(&format!("Распределение значений. {}", alt.join("; "))),
        description:
            "Столбцы — доля значений, ящик — средняя половина, точки — отдельные наблюдения. Подписано самое \
                      большое."
                .into(),
        drawing,
        data: Some(data),
    })];
    // Where most values are zero, the curves say nothing but that.
    let mostly_zero = |g: &crate::metrics::outcome::GroupOutcome| {
        g.values.iter().filter(|v| **v == 0.0).count() * 2 > g.values.len()
    };
    if log && !o.groups.iter().any(mostly_zero) {
        blocks.push(shares_below(o, &samples, &title, &format, anchor));
    }
    if o.groups.iter().any(|g| g.normality.is_some()) {
        let format = tick(scale);
        let plain = |x: f64| numbers::number(x, short_decimals(x));
        let title = scale.axis(&o.metric.title);
        let drawing = qq(&Qq {
            groups: &samples,
            normal: Axis {
                title: "Квантили нормального распределения", format: &plain, log: false
            },
            value: Axis { title: &title, format: &format, log: false },
        });
        let mut columns = of_groups("Доля значений не больше");
        columns.insert(1, Column::number("Квантиль нормального"));
        let rows = SHARES.iter().map(|share| {
            let normal = normal_quantile(*share);
            let mut row = vec![share_cell(*share), Cell::number(numbers::signed(normal, 2), normal)];
            row.extend(quantiles(*share));
            row
        });
        let data = data_table(format!("{anchor}-qq"), columns, rows.collect());
        blocks.push(Block::Figure(Figure {
            id: format!("{anchor}-qq"),
            caption: format!("{}: сравнение с нормальным распределением", o.metric.title),
            alt:
                "График квантилей: чем дальше точки от прямой, тем меньше распределение похоже на нормальное."
                    .into(),
            description:
                "По горизонтали — квантили нормального распределения, по вертикали — значения по порядку. \
                          Прямая проведена через квартили."
                    .into(),
            drawing,
            data: Some(data),
        }));
    }
    blocks
}

/// Distribution functions on one axis: where a tail is heavy, bars and boxes of two groups look alike, and what parts the
/// groups is seen only here.
fn shares_below(
    o: &MetricOutcome,
    samples: &[Sample],
    title: &str,
    format: &dyn Fn(f64) -> String,
    anchor: &str,
) -> Block {
    let percent = |x: f64| numbers::number(x * 100.0, short_decimals(x * 100.0));
    let drawing = ecdf(&Ecdf {
        groups: samples,
        value: Axis { title, format, log: true },
        share: Axis { title: "Доля значений не больше, %", format: &percent, log: false },
    });
    Block::Figure(Figure {
        id: format!("{anchor}-shares"),
        caption: format!("{}: какая доля значений не больше данного", o.metric.title),
        alt: closed(&format!(
            "Функции распределения групп {}: чем правее кривая, тем больше значения группы",
            samples.iter().map(|s| s.name).collect::<Vec<_>>().join(", ")
        )),
        description: "Высота кривой над значением — доля наблюдений не больше этого значения. Чем правее кривая, тем больше \
                      значения группы; где кривые сходятся, группы не различаются."
            .into(),
        drawing,
        data: None,
    })
}
