//! Watching night by night: where the experiment stands, how it came there, and what the looks cost.

use super::metric_charts::short_decimals;
use crate::charts::monitoring::{Look, Monitoring as Plot, monitoring};
use crate::charts::style::Axis;
use crate::config::valid::{Monitoring, Role};
use crate::metrics::outcome::{Comparison, MetricOutcome};
use crate::monitoring::{LookOutcome, Standing};
use crate::report::Teller;
use crate::report::document::{Block, Cell, Column, Figure, Table};
use crate::report::facts::{date_of, level_words, look as look_facts, minus};
use crate::report::scale::Scale;
use crate::wording::narrative::NarrativeError;
use crate::wording::numbers::{self, ABSENT};
use crate::wording::typography::closed;
use crate::wording::{dates, plural};

/// Nights that a table shows: two whole weeks.
const SHOWN: usize = 14;

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let Some(watch) = &t.findings.watch else { return Ok(Vec::new()) };
    let mut pairs = Vec::new();
    for role in [Role::Primary, Role::Guardrail] {
        let of_role = t.findings.outcomes.iter().filter(|o| o.metric.role == role);
        pairs.extend(of_role.flat_map(|o| o.comparisons.iter().map(move |c| (o, c))));
    }
    pairs.retain(|(_, c)| c.monitoring.is_some());
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let mut blocks = vec![Block::heading(2, "watch", "Наблюдение по ночам")];
    blocks.extend(t.paragraphs("watch", None)?);
    for (index, (o, c)) in pairs.into_iter().enumerate() {
        blocks.extend(pair(t, (o, c), watch.way, &format!("watch-{}", index + 1))?);
    }
    Ok(blocks)
}

fn pair(
    t: &Teller,
    (o, c): (&MetricOutcome, &Comparison),
    way: Monitoring,
    anchor: &str,
) -> Result<Vec<Block>, NarrativeError> {
    let scale = Scale::of(o);
    let (Some(m), Some(facts)) = (&c.monitoring, look_facts(o, c, &scale)) else { return Ok(Vec::new()) };
    let title = unbroken(&o.metric.title, &c.treatment, &c.control);
    let mut blocks = vec![Block::heading(3, anchor, title.clone())];
    blocks.extend(t.paragraphs("look", Some(("look", facts)))?);
    if m.looks.iter().filter(|look| look.estimate.is_some()).count() > 1 {
        blocks.push(chart(&m.looks, c, &title, &scale, anchor));
    }
    blocks.push(Block::Table(nights(&m.looks, c, way, &title, &scale, anchor)));
    Ok(blocks)
}

/// A metric and a pair for a heading, in which the pair stays on one line.
pub fn unbroken(title: &str, treatment: &str, control: &str) -> String {
    format!("{title}: {}", minus(treatment, control).replace(' ', "\u{a0}"))
}

/// «14.10» on the axis of days; nothing between two days.
pub fn day_tick(day: f64) -> String {
    if (day - day.round()).abs() > 1e-6 {
        return String::new();
    }
    date_of(day as i32).map_or_else(String::new, |date| format!("{:02}.{:02}", date.day(), date.month()))
}

/// A difference on an axis, in the notation of its metric.
pub fn difference_tick(scale: &Scale) -> impl Fn(f64) -> String {
    let percent = scale.percent;
    move |x: f64| {
        let shown = if percent { x * 100.0 } else { x };
        numbers::signed(shown, short_decimals(shown))
    }
}

/// The title of an axis of differences.
pub fn difference_axis(scale: &Scale) -> String {
    if scale.percent { "Разница, п. п.".to_owned() } else { scale.axis("Разница") }
}

fn chart(looks: &[LookOutcome], c: &Comparison, title: &str, scale: &Scale, anchor: &str) -> Block {
    // Nights after the first interval that have none were no looks: nothing may be read from them.
    let first = looks.iter().position(|look| look.interval.is_some()).unwrap_or(looks.len());
    let drawn: Vec<Look> = looks
        .iter()
        .enumerate()
        .filter(|(index, look)| *index < first || look.interval.is_some())
        .filter_map(|(_, look)| {
            let (low, high) = look
                .interval
                .map_or((f64::NEG_INFINITY, f64::INFINITY), |interval| (interval.low, interval.high));
            Some(Look { day: f64::from(look.day), estimate: look.estimate?, low, high })
        })
        .collect();
    // What the effect must pass for the night's look to end the test.
    let boundary: Vec<(f64, f64)> = looks
        .iter()
        .filter(|look| look.standing.tested())
        .filter_map(|look| Some((f64::from(look.day), look.effect_boundary?)))
        .collect();
    let last = drawn.last().map_or_else(String::new, |look| scale.difference(look.estimate));
    let (axis, format) = (difference_axis(scale), difference_tick(scale));
    let drawing = monitoring(&Plot {
        looks: &drawn,
        last: &last,
        zero: "нет разницы",
        boundary: &boundary,
        boundary_word: "граница решения",
        day: Axis { title: "Дата данных", format: &day_tick, log: false },
        effect: Axis { title: &axis, format: &format, log: false },
    });
    let date = |look: Option<&LookOutcome>| look.and_then(|look| date_of(look.day)).map(dates::day_month);
    let span = match (date(looks.first()), date(looks.last())) {
        (Some(first), Some(last)) => format!("с\u{a0}{first} по\u{a0}{last}"),
        _ => "по дням".to_owned(),
    };
    // The table under the figure has the last nights and more of each; this one has every night that is drawn.
    let rows = drawn.iter().map(|look| {
        let interval = match look.low.is_finite() && look.high.is_finite() {
            true => Cell::text(scale.interval((look.low, look.high))),
            false => Cell::text(ABSENT),
        };
        let date = date_of(look.day as i32).map_or_else(String::new, dates::short);
        vec![
            Cell::number(date, look.day),
            Cell::number(scale.difference(look.estimate), look.estimate),
            interval,
        ]
    });
    let data = Table {
        id: format!("{anchor}-nights-data"),
        caption: String::new(),
        columns: vec![Column::text("Дата"), Column::number("Разница"), Column::number("Интервал")],
        rows: rows.collect(),
        notes: vec![],
    };
    Block::Figure(Figure {
        id: format!("{anchor}-nights"),
        caption: format!("{title}, разница по ночам"),
        alt: closed(&format!("Разница {span}; в последнюю проверку — {last}")),
        description: format!(
            "Линия — разница по всем данным до этого дня, полоса — её интервал {}, верный при любом числе ночных \
             проверок. Пунктир — граница решения: за ней тест кончается раньше срока. Точка закрашена, если интервал не \
             захватывает ноль. Где полоса уходит за край, судить ещё рано.",
            level_words(c.level)
        ),
        drawing,
        data: Some(data),
    })
}

/// Why a night has no boundary.
fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Look | Standing::Final => "пока не задана",
        Standing::NoEstimate => "разницы нет",
        Standing::TooEarly => "рано",
        Standing::NothingNew => "нового нет",
        Standing::Shrunk => "данных меньше",
        Standing::Overrun => "после конца",
    }
}

fn nights(
    looks: &[LookOutcome],
    c: &Comparison,
    way: Monitoring,
    title: &str,
    scale: &Scale,
    anchor: &str,
) -> Table {
    let absent = || Cell::text(ABSENT);
    let shown = &looks[looks.len().saturating_sub(SHOWN)..];
    let rows = shown.iter().rev().map(|look| {
        let boundary = look.effect_boundary.filter(|boundary| boundary.is_finite());
        let interval = look
            .interval
            .map(|interval| (interval.low, interval.high))
            .filter(|(low, high)| low.is_finite() && high.is_finite());
        vec![
            date_of(look.day)
                .map_or_else(absent, |date| Cell::number(dates::short(date), f64::from(look.day))),
            look.fraction.map_or_else(absent, |share| Cell::number(numbers::percent(share, 0), share)),
            look.estimate.map_or_else(absent, |x| Cell::number(scale.difference(x), x)),
            match boundary.filter(|_| look.standing.tested()) {
                Some(boundary) => Cell::number(format!("±{}", scale.size(boundary)), boundary),
                None => Cell::text(standing_words(look.standing)),
            },
            interval.map_or_else(absent, |ci| Cell::text(scale.interval(ci))),
            look.naive_p.map_or_else(absent, |p| Cell::number(numbers::p_short(p), p)),
        ]
    });
    let share = if way == Monitoring::GroupSequential {
        "Доля плана"
    } else {
        "Доля ожидаемого"
    };
    let mut notes = vec![format!(
        "Граница и интервал {} учитывают все ночные проверки. «p одной проверки» показано для сравнения: решать по нему \
         нельзя.",
        level_words(c.level)
    )];
    if shown.len() < looks.len() {
        notes.push(format!("Показаны последние {} из {}.", nights_words(shown.len()), looks.len()));
    }
    Table {
        id: format!("{anchor}-table"),
        caption: format!("{title}, последние ночи"),
        columns: vec![
            Column::text("Дата"),
            Column::number(share),
            Column::number("Разница"),
            Column::number("Граница"),
            Column::number("Интервал"),
            Column::number("p одной проверки"),
        ],
        rows: rows.collect(),
        notes,
    }
}

fn nights_words(n: usize) -> String {
    format!("{}\u{a0}{}", numbers::integer(n as u64), plural::plural(n as i128, "ночь", "ночи", "ночей"))
}
