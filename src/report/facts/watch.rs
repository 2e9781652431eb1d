//! What templates may say of looking every night, of the rules that were changed, and of money.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{lift_words, names};
use crate::config::valid::{Monitoring as Way, Role};
use crate::findings::Findings;
use crate::metrics::outcome::{Comparison, Direction, MetricOutcome};
use crate::money::Worth;
use crate::monitoring::{FutilityAdvice, Since, Standing, State};
use crate::report::scale::{Scale, without_zeros};
use crate::verdict::QUALITY_ALPHA;
use crate::wording::terms::{Terms, Vocabulary};
use crate::wording::{dates, numbers};

/// The day of a look.
pub fn date_of(day: i32) -> Option<Date> {
    Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(day)).ok()
}

/// A chance: «4 %», «меньше 1 %».
fn chance(p: f64) -> String {
    if p < 0.01 { format!("меньше\u{a0}{}", numbers::percent(0.01, 0)) } else { numbers::percent(p, 0) }
}

/// What watching says of one pair.
pub fn pair(c: &Comparison, scale: &Scale) -> Option<Value> {
    let m = c.monitoring.as_ref()?;
    let last = m.looks.last()?;
    let ci = m.interval.map(|i| (i.low, i.high)).filter(|(low, high)| low.is_finite() && high.is_finite());
    Some(json!({
        "state": m.state.code(),
        "too_early": m.state == State::TooEarly,
        "decided": m.state.decided(),
        "nights": m.looks.len(),
        "tested": m.looks.iter().filter(|look| look.standing.tested()).count(),
        "fraction": m.fraction.map(|t| numbers::percent(t, 0)),
        "spent": m.spent.map(|spent| numbers::percent(spent, 2)),
        "boundary": last.effect_boundary.filter(|b| b.is_finite()).map(|b| scale.size(b)),
        "interval": ci.map(|ci| scale.interval(ci)),
        "crossed": m.crossed.and_then(|c| date_of(c.day)).map(|day| day.to_string()),
        "holds": m.since == Some(Since::Holds),
        "faded": m.since == Some(Since::Faded),
        "reversed": m.since == Some(Since::Reversed),
        "naive_p": m.naive_p,
        "estimate": m.estimate.map(|x| scale.difference(x)),
        "futile": m.futility.is_some_and(|f| f.advice == FutilityAdvice::Futile),
        "weak": m.futility.is_some_and(|f| f.advice == FutilityAdvice::Weak),
        "chance_planned": m.futility.map(|f| chance(f.power_planned)),
        "chance_trend": m.futility.map(|f| chance(f.power_trend)),
        "days_left": m.forecast.map(|f| f.days_left),
    }))
}

/// One watched pair, for the section of the nights: what watching says and what stands beside it.
pub fn look(o: &MetricOutcome, c: &Comparison, scale: &Scale) -> Option<Value> {
    let m = c.monitoring.as_ref()?;
    let mut facts = pair(c, scale)?;
    let last_tested = m.looks.iter().rev().find(|look| look.standing == Standing::Final);
    let day = |day: i32| date_of(day).map(|day| day.to_string());
    let shown = |x: f64| scale.difference(x);
    let at_crossing = m.crossed.and_then(|crossing| m.looks.get(crossing.look)?.estimate).map(shown);
    let cleaned = m.estimate.map(shown);
    let more = json!({
        "metric": o.metric.title,
        "control": names::group(&c.control),
        "treatment": names::group(&c.treatment),
        "up": m.crossed.is_some_and(|crossing| crossing.up),
        "better": c.direction == Direction::Better,
        "decided_tonight": m.crossed.is_some() && m.since.is_none(),
        "difference": m.looks.last().and_then(|look| look.estimate).map(|x| scale.difference(x)),
        "at_crossing": at_crossing.filter(|x| Some(x) != cleaned.as_ref()),
        "ended": last_tested.and_then(|look| day(look.day)),
        "contradictory": m.contradictory,
        "nothing_new": m.looks.last().is_some_and(|look| look.standing == Standing::NothingNew),
        "shrunk": m.looks.last().is_some_and(|look| look.standing == Standing::Shrunk),
        "allowed": numbers::percent(1.0 - c.level, if 1.0 - c.level >= 0.0095 { 0 } else { 2 }),
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut facts, more) {
        all.extend(more);
    }
    Some(facts)
}

/// How the experiment is watched.
pub fn watch(f: &Findings) -> Option<Value> {
    let watch = f.watch.as_ref()?;
    Some(json!({
        "sequential": watch.way == Way::GroupSequential,
        "always_valid": watch.way == Way::AlwaysValid,
        "nights": watch.nights,
        "recomputed": watch.recomputed,
        "planned": watch.planned,
        "assumed": watch.assumed,
    }))
}

/// What the split says, beyond the sizes of the groups.
pub fn split(f: &Findings) -> Value {
    json!({
        "nightly_p": f.split.nightly.as_ref().map(|ratio| ratio.p),
        "failed_segments": f.split.failed_segments().iter().map(|(title, part, p)| {
            json!({ "title": title, "part": part_name(part), "p": p })
        }).collect::<Vec<_>>(),
        "unbalanced": f.split.unbalanced().iter().map(|(treatment, p)| {
            json!({ "treatment": names::group(treatment), "p": p })
        }).collect::<Vec<_>>(),
    })
}

/// The value of a segment: a missing one has a name of its own.
pub fn part_name(part: &str) -> String {
    if part.is_empty() { "не указано".to_owned() } else { part.to_owned() }
}

/// Quality metrics that differ beyond doubt.
pub fn quality(f: &Findings) -> Vec<Value> {
    let of_role = f.outcomes.iter().filter(|o| o.metric.role == Role::Quality);
    let value = |o: &MetricOutcome, id: &str| Some(Scale::of(o).value(o.group(id)?.mean?));
    of_role
        .flat_map(|o| o.comparisons.iter().map(move |c| (o, c)))
        .filter(|(_, c)| c.p_adjusted < QUALITY_ALPHA)
        .map(|(o, c)| {
            json!({
                "title": o.metric.title,
                "control": names::group(&c.control),
                "treatment": names::group(&c.treatment),
                "p": c.p_adjusted,
                "value_control": value(o, &c.control),
                "value_treatment": value(o, &c.treatment),
            })
        })
        .collect()
}

/// Changed rules in words: «уровень значимости — было 0,05, стало 0,1». A metric that came or went is one change.
pub fn changes(f: &Findings) -> Vec<Value> {
    let kind = |id: &str| f.changes.iter().find(|change| change.rule == format!("metric.{id}.kind"));
    let told = f.changes.iter().filter_map(|change| {
        let parts: Vec<&str> = change.rule.splitn(3, '.').collect();
        let (name, rule) = match parts.as_slice() {
            ["metric", id, what] => {
                let title = f.config.metrics.iter().find(|m| m.id == *id).map_or(*id, |m| m.title.as_str());
                match kind(id).filter(|kind| kind.before.is_none() || kind.now.is_none()) {
                    Some(whole) if *what == "kind" => {
                        let word = if whole.before.is_none() { "добавлен" } else { "убран" };
                        return Some(format!("показатель «{title}» {word}"));
                    }
                    Some(_) => return None,
                    None => (format!("показатель «{title}», {}", rule_word(what)), *what),
                }
            }
            ["plan", id, what] => {
                let plan = f.config.plans.iter().find(|plan| plan.id == *id);
                let title = plan.map_or(*id, |plan| plan.title.as_str());
                let name = format!("план «{title}», {}", rule_word(what));
                if let (Some(plan), "lift") = (plan, *what) {
                    let lift =
                        |v: &Option<String>| Some(lift_words(plan.estimand, v.as_deref()?.parse().ok()?).0);
                    return Some(was_and_is(&name, lift(&change.before), lift(&change.now)));
                }
                (name, *what)
            }
            [_, rest @ ..] => (rule_word(&rest.join(".")).to_owned(), *rest.last()?),
            [] => return None,
        };
        let measured = |id: &str| f.outcomes.iter().find(|o| o.metric.id == id).map(Scale::of);
        // Effects are written as the metric is: «0,5 п. п.», not 0.005.
        let scale = match parts.as_slice() {
            ["metric", id, "min_effect" | "margin"] => measured(id),
            _ => None,
        };
        let value = |v: &Option<String>| {
            let text = v.as_deref()?;
            let own = scale
                .as_ref()
                .zip(text.parse().ok())
                .map(|(scale, x): (_, f64)| without_zeros(&scale.size(x)));
            Some(own.unwrap_or_else(|| shown(rule, text)))
        };
        Some(was_and_is(&name, value(&change.before), value(&change.now)))
    });
    told.map(|text| json!({ "text": text })).collect()
}

fn was_and_is(name: &str, before: Option<String>, now: Option<String>) -> String {
    match (before, now) {
        (Some(before), Some(now)) => format!("{name} — было {before}, стало {now}"),
        (None, Some(now)) => format!("{name} — теперь {now}, раньше не было"),
        (Some(before), None) => format!("{name} — больше нет, было {before}"),
        (None, None) => name.to_owned(),
    }
}

/// A value as a reader writes it: numbers with a decimal comma, dates in Russian, words of the config by their Russian names,
/// everything else in quotes.
fn shown(rule: &str, value: &str) -> String {
    let terms = Terms::builtin();
    let of = |vocabulary| format!("«{}»", terms.word(vocabulary, value));
    match rule {
        "kind" => return of(Vocabulary::Kind),
        "role" => return of(Vocabulary::Role),
        "goal" => return of(Vocabulary::Goal),
        "correction" => return of(Vocabulary::Correction),
        "comparisons" => return of(Vocabulary::Comparisons),
        "test" => return format!("«{}»", terms.test_name(value)),
        _ => {}
    }
    match (value.parse::<f64>(), dates::parse(value)) {
        (Ok(x), _) => without_zeros(&numbers::significant(x, 6)),
        (_, Some(date)) => dates::short(date),
        _ => format!("«{value}»"),
    }
}

/// The Russian name of a rule.
fn rule_word(rule: &str) -> &'static str {
    match rule {
        "control" | "other_controls" => "контрольная группа",
        "alpha" => "уровень значимости",
        "power" => "мощность",
        "correction" => "поправка на число сравнений",
        "comparisons" => "какие пары сравниваются",
        "allocation" => "доли групп",
        "monitoring" => "способ смотреть на данные",
        "looks.spending" => "расход допустимой ошибки",
        "looks.expected" => "ожидаемый размер",
        "looks.planned" => "плановый размер",
        "start" => "первый день",
        "end" => "последний день",
        "hypothesis" => "гипотеза",
        "lift" => "ожидаемый эффект",
        "kind" => "вид",
        "role" => "роль",
        "goal" => "цель",
        "test" => "критерий",
        "margin" => "допустимый вред",
        "min_effect" => "наименьший важный эффект",
        "family" => "семейство",
        "from" | "value" | "denominator" | "where" | "aggregate" | "steps" => "что считается",
        "quantile" => "какой квантиль",
        "population" => "кто входит в расчёт",
        "unit" => "кто получает вариант",
        "warm_up_units" | "warm_up_days" => "с какого размера и дня смотреть",
        "covariates" | "strata" | "pre_period" => "что известно заранее",
        "winsorize" => "подрезка крайних значений",
        _ => "правило",
    }
}

/// What a pair is worth in a year.
pub fn worth(f: &Findings, w: &Worth) -> Value {
    let currency = f.config.money.as_ref().map_or("₽", |money| money.currency.as_str());
    let amount = |x: f64| numbers::with_unit(&rounded(x.abs()), currency);
    json!({
        "control": names::group(&w.control),
        "treatment": names::group(&w.treatment),
        "gain": amount(w.gain),
        "positive": w.gain > 0.0,
        "low": w.interval.map(|(low, _)| numbers::with_unit(&signed(low), currency)),
        "high": w.interval.map(|(_, high)| numbers::with_unit(&signed(high), currency)),
        "sure": w.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0),
        "signed_gain": numbers::with_unit(&signed(w.gain), currency),
        "interval": w.interval.map(|(low, high)| {
            numbers::with_unit(&format!("от\u{a0}{} до\u{a0}{}", signed(low), signed(high)), currency)
        }),
        "users": rounded(w.users),
        "loss_if_shipped": w.loss_if_shipped.map(amount),
        "loss_if_kept": w.loss_if_kept.map(amount),
    })
}

/// A yearly sum of estimates, with the digits that they deserve: «12 300 000 ₽», «−1,6 трлн ₽».
pub fn approximate_money(x: f64, currency: &str) -> String {
    let sign = if x < 0.0 { "\u{2212}" } else { "" };
    numbers::with_unit(&format!("{sign}{}", rounded(x.abs())), currency)
}

/// An amount of money with three significant digits and its thousands told apart.
fn rounded(x: f64) -> String {
    let digits = if x > 0.0 { x.log10().floor() } else { 0.0 };
    let step = 10f64.powf((digits - 2.0).max(0.0));
    let x = (x / step).round() * step;
    // Sums that nobody reads by their zeros.
    if x < 1e12 {
        return numbers::number(x, 0);
    }
    numbers::with_unit(&without_zeros(&numbers::significant(x / 1e12, 3)), "трлн")
}

fn signed(x: f64) -> String {
    if x < 0.0 { format!("\u{2212}{}", rounded(-x)) } else { format!("+{}", rounded(x)) }
}
