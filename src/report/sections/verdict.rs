//! The first screen: the decision, the effects, why, risks, what next, and what was checked.

use super::{funnel, history, money, upper_first};
use crate::config::valid::{Monitoring, Role, Status};
use crate::findings::Findings;
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome};
use crate::monitoring::Monitoring as Watched;
use crate::proof::calibration::Verdict;
use crate::report::document::{Badge, Block, Cell, Column, Inline, Point, Table, Tone, VerdictCard};
use crate::report::facts::{level_words, minus, names, relative_words};
use crate::report::scale::Scale;
use crate::report::sentences::Sentence;
use crate::report::{Teller, gates};
use crate::verdict::{Action, controls};
use crate::wording::narrative::NarrativeError;
use crate::wording::terms::Terms;
use crate::wording::{numbers, plural};

/// Rows of the effects table beyond which it would no longer be a first screen.
const MOST_EFFECTS: usize = 6;

/// Days of delay from which data are called old: yesterday's are what a night has.
const STALE: i64 = 2;

/// Under what the risks are told, in this order.
const RISK_LABELS: [&str; 3] = ["На чём держится разница", "Осторожно", "Качество данных"];

fn risk_label(code: &str, rests: bool) -> &'static str {
    match code {
        // Only a difference that the value makes rests on it.
        "outlier-drives" if rests => "На чём держится разница",
        "data-quality" => "Качество данных",
        _ => "Осторожно",
    }
}

pub fn blocks(t: &Teller) -> Result<Vec<Block>, NarrativeError> {
    let verdict = &t.findings.verdict;
    let mut points = Vec::new();
    points.extend(point("Почему", &t.decision.reasons.iter().collect::<Vec<_>>()));
    points.extend(money::point(t)?);
    let driver = &t.facts["pair"]["driver"];
    let rests = driver["shrinks"] == true || driver["sign_turns"] == true;
    for label in RISK_LABELS {
        let said: Vec<&Sentence> =
            t.decision.risks.iter().filter(|s| risk_label(s.code, rests) == label).collect();
        points.extend(point(label, &said));
    }
    points.extend(history::point(t));
    points.extend(point("Дальше", &t.decision.steps.iter().collect::<Vec<_>>()));
    let card = VerdictCard {
        action: Some(verdict.action.name().to_owned()),
        tone: tone(t.findings),
        label: t.decision.label.clone(),
        headline: t.decision.headline.clone(),
        lead: t.decision.lead.clone(),
        effects: effects(t.findings),
        points,
        badges: badges(t),
    };
    Ok(vec![Block::Verdict(card)])
}

/// What the decision is called: plans and choices are prepared, not continued.
pub fn label(f: &Findings, terms: &Terms) -> String {
    match f.verdict.rule {
        "not-started" => "Готовить запуск".to_owned(),
        "test-chosen" => "Критерий выбран".to_owned(),
        _ => terms.action(f.verdict.action.name()).map_or_else(String::new, |a| a.label.clone()),
    }
}

/// The mood of the card: keeping the control because the treatment harms is not the same news as keeping it because
/// nothing happened.
pub fn tone(f: &Findings) -> Tone {
    match (f.verdict.action, f.verdict.rule) {
        (Action::Ship, _) => Tone::Good,
        (Action::Keep, "primary-worse" | "guardrail-harmed") | (Action::Stop, _) => Tone::Bad,
        (Action::Keep, _) | (Action::Continue, "not-started" | "test-chosen") => Tone::Note,
        (Action::Continue, _) => Tone::Caution,
        (Action::Invalid, _) => Tone::Void,
    }
}

fn point(label: &str, sentences: &[&Sentence]) -> Option<Point> {
    let text = sentences.iter().map(|s| s.text.as_str()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| Point { label: label.to_owned(), inlines: vec![Inline::Text(text)] })
}

/// Cell colour and sign of a direction.
pub fn direction_tone(direction: Direction) -> Option<Tone> {
    match direction {
        Direction::Better => Some(Tone::Good),
        Direction::Worse => Some(Tone::Bad),
        Direction::None => None,
    }
}

/// The effects: two groups side by side, or a row a comparison where groups are many.
fn effects(f: &Findings) -> Option<Table> {
    let measured = in_order(f);
    let first = measured.first()?;
    let two = measured.iter().all(|o| o.groups.len() == 2);
    let level = level_words(first.comparisons[0].level);
    let same_level = measured.iter().flat_map(|o| &o.comparisons).all(|c| level_words(c.level) == level);
    let interval =
        if same_level { format!("интервал {level}") } else { "интервал".to_owned() };
    let (columns, rows) = if two {
        let (a, b) = (&first.groups[0].id, &first.groups[1].id);
        let columns = vec![
            Column::text("Показатель"),
            Column::number(a.clone()),
            Column::number(b.clone()),
            Column::number(minus(b, a)),
            Column::number(upper_first(&interval)),
        ];
        (columns, shown(measured.iter().map(|o| (o.comparisons[0].significant, two_groups(o)))))
    } else {
        let columns = vec![
            Column::text("Сравнение"),
            Column::number("Контроль"),
            Column::number("Вариант"),
            Column::number("Разница"),
            Column::number(upper_first(&interval)),
        ];
        (columns, shown(measured.iter().flat_map(|o| pairs(o))))
    };
    let mut notes = notes_on_values(f, &measured);
    if !two && measured.iter().map(|o| o.comparisons.len()).sum::<usize>() > MOST_EFFECTS
        || measured.len() > MOST_EFFECTS
    {
        notes.push("Показаны не все строки: остальные — в разделах о показателях.".to_owned());
    }
    if !same_level {
        notes.push("Уровень доверия каждого интервала учитывает поправку на число сравнений.".to_owned());
    }
    let mut rows: Vec<Vec<Cell>> = rows;
    if f.verdict.action == Action::Invalid || f.verdict.too_early() {
        // What cannot be trusted, or not yet, is neither good nor bad news.
        rows.iter_mut().flatten().for_each(|cell| cell.tone = None);
    }
    Some(Table { id: "effects".into(), caption: String::new(), columns, rows, notes })
}

/// The rows that a first screen has room for, in their order: the first, which decides, then what is reliable before what is not.
fn shown(rows: impl Iterator<Item = (bool, Vec<Cell>)>) -> Vec<Vec<Cell>> {
    let mut rows: Vec<(usize, bool, Vec<Cell>)> =
        rows.enumerate().map(|(at, (reliable, row))| (at, reliable, row)).collect();
    rows.sort_by_key(|(at, reliable, _)| (*at > 0, !reliable, *at));
    rows.truncate(MOST_EFFECTS);
    rows.sort_by_key(|(at, ..)| *at);
    rows.into_iter().map(|(.., row)| row).collect()
}

/// The measured outcomes as the first screen shows them: what decides first, the steps of a deciding funnel together.
fn in_order(f: &Findings) -> Vec<&MetricOutcome> {
    let decides = f.outcomes.iter().find(|o| o.metric.role == Role::Primary);
    let funnel = decides.and_then(funnel::step).map(|step| &step.funnel);
    let rank = |o: &MetricOutcome| match (decides, funnel) {
        (_, Some(name)) if funnel::step(o).is_some_and(|step| step.funnel == *name) => 0,
        (Some(decides), None) if decides.metric.id == o.metric.id => 0,
        _ => 1,
    };
    let mut measured: Vec<&MetricOutcome> = f.outcomes.iter().filter(|o| !o.comparisons.is_empty()).collect();
    measured.sort_by_key(|o| rank(o));
    // Of a long funnel, or of one with many pairs, at least the end, which decides, is on the first screen.
    let two = measured.iter().all(|o| o.groups.len() == 2);
    if let Some(at) = measured.iter().position(|o| o.metric.role == Role::Primary) {
        let rows: usize = measured[..=at].iter().map(|o| if two { 1 } else { o.comparisons.len() }).sum();
        if rows > MOST_EFFECTS {
            measured[..=at].rotate_right(1);
        }
    }
    measured
}

/// What must be known to read the columns: which groups are one, and which differences are not those of the columns.
fn notes_on_values(f: &Findings, measured: &[&MetricOutcome]) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(pooled) = measured.iter().find(|o| !o.separate.is_empty()) {
        let ids: Vec<String> = pooled.separate.iter().map(|g| names::group(&g.id)).collect();
        notes.push(format!("Контрольные группы {} взяты вместе: они видели одно и то же.", ids.join(", ")));
    }
    if let Some(of) = measured.iter().find_map(|o| funnel::step(o)) {
        notes.push(format!("Шаги воронки «{}» — доли дошедших до шага от всей группы.", of.funnel_title));
    }
    let ended_before = |c: &Comparison| {
        let later = |m: &Watched| m.decisive.is_some_and(|at| at + 1 < m.looks.len());
        c.monitoring.as_ref().is_some_and(|m| m.estimate.is_some() && later(m))
    };
    if measured.iter().flat_map(|o| &o.comparisons).any(ended_before) {
        notes.push(
            "Где ночные проверки уже закончились (разница вышла за границу или набран задуманный размер), интервал — на тот \
             день, с поправкой на раннюю остановку, а сама разница — по данным последней ночи."
                .to_owned(),
        );
    }
    let adjusted: Vec<String> = measured
        .iter()
        .filter(|o| o.comparisons.iter().any(|c| c.adjustment.is_some()))
        .map(|o| format!("«{}»", o.metric.title))
        .collect();
    if !adjusted.is_empty() && !f.trust.refused() {
        notes.push(format!(
            "Разница учитывает то, что было известно о пользователях заранее, и поэтому не равна разности столбцов: {}.",
            adjusted.join(", ")
        ));
    }
    notes
}

fn difference_cells(o: &MetricOutcome, c: &Comparison, scale: &Scale) -> [Cell; 2] {
    let difference = match c.absolute {
        Some(a) => {
            let relative =
                c.relative.map(|r| format!(" ({})", relative_words(r.estimate))).unwrap_or_default();
            let cell = Cell::number(format!("{}{relative}", scale.difference(a.estimate)), a.estimate);
            match direction_tone(c.plain_direction()) {
                // What must stay as it is has no better side.
                Some(_) if o.metric.role == Role::Quality => cell.tone(Tone::Caution),
                Some(tone) => cell.tone(tone),
                None => cell,
            }
        }
        None => Cell::text(numbers::ABSENT),
    };
    let interval = c
        .absolute
        .and_then(|a| a.ci)
        .map_or_else(|| Cell::text(numbers::ABSENT), |ci| Cell::text(scale.interval(ci)));
    [difference, interval]
}

fn two_groups(o: &MetricOutcome) -> Vec<Cell> {
    let scale = Scale::of(o);
    let value = |i: usize| {
        o.groups[i].mean.map_or_else(|| Cell::text(numbers::ABSENT), |m| Cell::number(scale.value(m), m))
    };
    let mut cells = vec![Cell::text(o.metric.title.clone()), value(0), value(1)];
    cells.extend(difference_cells(o, &o.comparisons[0], &scale));
    cells
}

fn pairs(o: &MetricOutcome) -> Vec<(bool, Vec<Cell>)> {
    let scale = Scale::of(o);
    o.comparisons
        .iter()
        .map(|c| {
            let value = |id: &str| {
                o.group(id)
                    .and_then(|g| g.mean)
                    .map_or_else(|| Cell::text(numbers::ABSENT), |m| Cell::number(scale.value(m), m))
            };
            let (treatment, control) = (names::group(&c.treatment), names::group(&c.control));
            let name = format!("{}: {treatment} против {control}", o.metric.title);
            let mut cells = vec![Cell::text(name), value(&c.control), value(&c.treatment)];
            cells.extend(difference_cells(o, c, &scale));
            (c.significant, cells)
        })
        .collect()
}

fn badges(t: &Teller) -> Vec<Badge> {
    let f = t.findings;
    let mut badges = Vec::new();
    if let Some(srm) = f.trust.srm.as_ref().filter(|srm| !srm.ok || !f.split.nightly_failed()) {
        let absent: Vec<String> = srm.absent().map(|id| format!("«{id}»")).collect();
        badges.push(Badge {
            label: "Деление на группы".into(),
            value: match (srm.ok, absent.is_empty()) {
                (true, _) => "как задумано".into(),
                (false, true) => "перекос".into(),
                (false, false) => format!("в данных нет {}", absent.join(", ")),
            },
            tone: if srm.ok { Tone::Good } else { Tone::Bad },
            meaning: format!(
                "Размеры групп {} задуманному делению ({}).",
                if srm.ok { "не противоречат" } else { "противоречат" },
                numbers::p_value(srm.test.p)
            ),
        });
    }
    badges.extend(unlike(f));
    if f.data.is_some() {
        let noticed =
            f.trust.has_invalid_values() || f.trust.gates.iter().any(|gate| !gates::is_routine(gate));
        let (value, tone, meaning) = match (f.trust.refused(), noticed) {
            (true, _) => ("не приняты", Tone::Bad, "Что не так, сказано в разделе «Данные»."),
            (false, true) => {
                ("есть замечания", Tone::Caution, "Показатели посчитаны. О замечаниях — в разделе «Данные».")
            }
            (false, false) => (
                "без замечаний",
                Tone::Good,
                "Строки читаются, значения в допустимых границах, заявленные группы на месте.",
            ),
        };
        badges.push(Badge {
            label: "Качество данных".into(),
            value: value.into(),
            tone,
            meaning: meaning.into(),
        });
    }
    if f.outcomes.iter().any(|o| !o.controls.is_empty()) {
        let (value, tone, meaning) = match (controls::differ(&f.outcomes), controls::uneasy(&f.outcomes)) {
            (true, _) => ("расходятся", Tone::Bad, "Они видели одно и то же, а показатели у них разные."),
            (false, true) => (
                "под вопросом",
                Tone::Caution,
                "Разница между ними может быть случайной, но деление стоит проверить.",
            ),
            (false, false) => {
                ("согласны", Tone::Good, "Они видели одно и то же, и разница между ними не больше случайной.")
            }
        };
        badges.push(Badge {
            label: "Контрольные группы".into(),
            value: value.into(),
            tone,
            meaning: meaning.into(),
        });
    }
    badges.extend(freshness(f));
    badges.extend(looks(f));
    badges.extend(proof(f));
    if !f.changes.is_empty() {
        badges.push(badge(
            "Правила",
            "изменены по ходу",
            Tone::Caution,
            "Что изменилось, сказано в разделе «Эксперимент».",
        ));
    }
    badges
}

/// What, beside the sizes of the groups, says that they cannot be compared.
fn unlike(f: &Findings) -> Vec<Badge> {
    let bad = |label, value, meaning| badge(label, value, Tone::Bad, meaning);
    let mut badges = Vec::new();
    if f.trust.srm.as_ref().is_none_or(|srm| srm.ok) && f.split.nightly_failed() {
        badges.push(bad("Деление по ночам", "перекос", "Размеры групп противоречат задуманному делению."));
    }
    if !f.split.failed_segments().is_empty() {
        badges.push(bad(
            "Деление в сегментах",
            "перекос",
            "Внутри сегмента размеры групп противоречат задуманному делению.",
        ));
    }
    if !f.split.unbalanced().is_empty() {
        badges.push(bad(
            "До эксперимента",
            "группы различались",
            "Известное заранее в группах разное: жребий был нечестным.",
        ));
    }
    if f.verdict.rule == "quality-differs" {
        badges.push(bad(
            "Сбор данных",
            "различается",
            "Группы различаются там, где вариант ничего менять не может.",
        ));
    }
    badges
}

fn badge(label: &str, value: &str, tone: Tone, meaning: &str) -> Badge {
    Badge { label: label.into(), value: value.into(), tone, meaning: meaning.into() }
}

/// Data that stop days before the night of the report.
fn freshness(f: &Findings) -> Option<Badge> {
    let finished = f.config.experiment.status == Status::Finished;
    let days = f.data.as_ref()?.lag_days.filter(|days| *days >= STALE && !finished)?;
    let days = plural::find("день").map(|day| plural::count(days, day.nominative))?;
    Some(Badge {
        label: "Свежесть".into(),
        value: format!("данные отстают на\u{a0}{days}"),
        tone: Tone::Caution,
        meaning: "Последние строки старше даты отчёта: похоже, выгрузка остановилась.".into(),
    })
}

/// How often the data were looked at, and whether that is allowed.
fn looks(f: &Findings) -> Option<Badge> {
    if f.outcomes.is_empty() {
        return None;
    }
    let running = f.config.experiment.status == Status::Running;
    let Some(watch) = &f.watch else {
        let (value, tone, meaning) = match running {
            true => (
                "эксперимент идёт",
                Tone::Caution,
                "Пока эксперимент идёт, ложных тревог больше, чем обещано.",
            ),
            false => ("после окончания", Tone::Good, "Эксперимент закончен, на результат смотрят один раз."),
        };
        return Some(badge("Момент решения", value, tone, meaning));
    };
    let nights = plural::plural(watch.nights as u64, "ночь", "ночи", "ночей");
    Some(Badge {
        label: "Ночные проверки".into(),
        value: format!("{}\u{a0}{nights}", numbers::integer(watch.nights as u64)),
        tone: Tone::Good,
        meaning: match watch.way {
            Monitoring::AlwaysValid => {
                "Интервал верен в любую ночь, сколько бы раз на него ни смотрели.".into()
            }
            _ => "Граница решения учитывает, что на данные смотрят каждую ночь.".into(),
        },
    })
}

/// Whether the deciding tests keep their promise on these data: that of the primary metric before all.
fn proof(f: &Findings) -> Option<Badge> {
    let primary = f.outcomes.iter().find(|o| o.metric.role == Role::Primary);
    let found = f.proven.iter().find(|p| primary.is_some_and(|o| o.metric.id == p.metric))?;
    let share = found.rate.map_or_else(String::new, |rate| numbers::percent(rate.share, 1));
    let promised = numbers::percent(f.config.design.alpha, 0);
    let (value, tone, meaning) = match found.verdict {
        Verdict::Holds => (
            "критерий держит обещание",
            Tone::Good,
            format!("При случайном делении критерий находит разницу в {share} случаев, обещано {promised}."),
        ),
        Verdict::TooMany => (
            "ложных находок больше",
            Tone::Bad,
            format!(
                "При случайном делении критерий находит разницу в {share} случаев, а обещано {promised}."
            ),
        ),
        Verdict::Conservative => (
            "критерий осторожен",
            Tone::Good,
            format!(
                "При случайном делении критерий находит разницу в {share} случаев, реже обещанных {promised}."
            ),
        ),
        Verdict::NotRun(_) => return None,
    };
    Some(badge("Проверка на этих данных", value, tone, &meaning))
}
