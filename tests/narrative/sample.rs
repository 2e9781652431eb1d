//! Facts in which everything exists: those of a rich experiment, with samples for what even it does not have.

use std::fmt::Write as _;
use std::fs;

use itog::report::facts;
use serde_json::{Value, json};

use crate::experiments::DATE;

const CONFIG: &str = r#"
[experiment]
id = "sample"
title = "Проба"
hypothesis = "Новая корзина повышает выручку."
owner = "Анна Петрова"
status = "running"
start = 2026-10-01
end = 2026-10-31
[design]
control = "A"
comparisons = "all"
allocation = { A = 1, B = 1, C = 1 }
[data]
path = "rows.csv"
group = "group"
[data.columns.time]
title = "Время визита"
min = 0
[data.columns.paid]
title = "Признак покупки"
max = 1
[data.columns.spend]
title = "Выручка"
max = 1000
invalid = "report"
[[metric]]
id = "paying"
title = "Выручка на платящего"
unit = "₽"
kind = "mean"
value = "spend"
where = "paid = 1"
role = "primary"
test = "mann-whitney"
min_effect = 5
assumption = "Размер группы — допущение."
[[metric]]
id = "all"
title = "Выручка на всех"
unit = "₽"
kind = "mean"
value = "spend"
role = "secondary"
test = "welch"
[[metric]]
id = "complaints"
title = "Жалобы на пользователя"
kind = "mean"
value = "time"
goal = "decrease"
role = "guardrail"
test = "welch"
margin = 0.5
[[plan]]
id = "plan"
title = "Рост доли"
kind = "proportion"
baseline = 0.05
lift = 0.002
groups = 3
traffic = { users = 40000, days = 30 }
[[plan]]
id = "mean"
title = "Рост среднего"
kind = "mean"
baseline = 10
lift = 0.1
sd = 5
traffic = { users = 500, days = 7 }
[[test_choice]]
id = "cpa"
metric = "CPA"
kind = "ratio"
n = 2350
normality = { test = "shapiro-wilk", p = 0.00002 }
"#;

/// Rows of three groups: skewed spending of every fourth user, one huge order, some negative times.
fn rows() -> String {
    let mut text = String::from("group,spend,paid,time\n");
    for i in 0..600_u32 {
        let group = ["A", "B", "C"][(i % 3) as usize];
        let paid = u32::from(i % 4 == 0);
        let spend = if i == 300 { 5000 } else { paid * (10 + (i * 7919) % 90 + (i % 3) * 3) };
        let time = ((i * 104_729) % 200) as f64 / 10.0 - 0.3;
        let _ = writeln!(text, "{group},{spend},{paid},{time}");
    }
    text
}

/// The facts, and beside them what sections add: a metric, a plan, a choice, the graph, the devices.
pub fn facts() -> Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows()).unwrap();
    let config = itog::config::parse(&folder.path().join("sample.toml"), CONFIG, &[]).unwrap();
    let findings = itog::run::findings(config, DATE, &itog::run::Past::default()).unwrap();
    let mut facts = facts::of(&findings);
    facts["watch"] = json!({
        "sequential": true, "always_valid": false, "nights": 14, "recomputed": 3, "planned": 12_000, "assumed": true,
    });
    facts["proof"] = json!({
        "without": ["«Загрузка»", "«Ответ»"],
        "holding": ["«Выручка»", "«Покупки»"], "too_many": ["«Время»", "«Визиты»"],
        "conservative": ["«Заказы»", "«Жалобы»"], "discrete": ["«Возвраты»", "«Отказы»"],
        "not_run": [
            { "title": "Чаевые", "rare": true, "dear": false, "constant": false },
            { "title": "Оценки", "rare": false, "dear": true, "constant": true },
        ],
        "tails": true,
        "iterations": 2000,
    });
    watch_all(&mut facts);
    complete(&mut facts, "");
    facts["trust"]["split"]["failed_segments"] = json!([{ "title": "Платформа", "part": "Телевизор", "p": 1e-6 }, { "title": "Страна", "part": "Чили", "p": 1e-5 }]);
    facts["trust"]["srm"]["absent"] = json!(["«D»", "«E»"]);
    facts["trust"]["split"]["unbalanced"] =
        json!([{ "treatment": "B", "p": 1e-6 }, { "treatment": "C", "p": 1e-5 }]);
    let differs = json!({
        "title": "Доля ботов", "control": "A", "treatment": "B", "p": 1e-6,
        "value_control": "4,38\u{a0}%", "value_treatment": "6,95\u{a0}%",
    });
    facts["quality"] = json!([differs, differs]);
    facts["changes"] = json!([
        { "text": "уровень значимости — было 0,05, стало 0,1" }, { "text": "последний день — добавлено: «2026-10-31»" },
    ]);
    facts["money"] = json!({
        "control": "A", "treatment": "B", "gain": "1\u{202f}200\u{202f}000\u{a0}₽", "positive": true, "sure": true,
        "interval": "от\u{a0}+300\u{202f}000 до\u{a0}+2\u{202f}100\u{202f}000\u{a0}₽",
    });
    facts["look"] = watched();
    facts["short_of_plan"] = json!(true);
    let more = json!({
        "metric": "Выручка", "control": "A", "treatment": "B", "up": true, "better": true, "decided_tonight": true,
        "difference": "+1,10\u{a0}₽", "at_crossing": "+2,10\u{a0}₽", "ended": "2026-10-12", "contradictory": true,
        "nothing_new": true, "shrunk": true, "allowed": "5\u{a0}%",
    });
    more.as_object().unwrap().iter().for_each(|(key, value)| facts["look"][key] = value.clone());
    let part = json!({ "part": "Телевизор", "difference": "+4,20\u{a0}₽", "apart": "3,10\u{a0}₽", "above": true, "p": 0.004 });
    facts["segment"] = json!({
        "metric": "Выручка", "control": "A", "treatment": "B", "differing": [part, part], "p": 0.004, "uneven": true,
        "merged": ["«Чили»", "«Перу»"], "left_out": ["«Куба»"],
        "reversal": { "up": true, "sure": true, "alike": "+1,10\u{a0}₽", "whole": "−0,40\u{a0}₽" },
    });
    facts["course"] = json!({
        "metric": "Выручка", "control": "A", "treatment": "B", "fades": true, "grows": true, "reverses": true,
        "short": true, "days": 14, "first": "+4,20\u{a0}₽", "last": "+1,10\u{a0}₽", "p": 0.004,
    });
    facts["history"] = json!({
        "since": "2026-10-12", "now": "Продолжать", "changed_from": "Остановить", "more": 1200, "fewer": 21,
        "as_many": true, "metric": "Выручка", "pair": "B − A", "difference": "+4,20\u{a0}₽",
        "difference_before": "−1,10\u{a0}₽", "still": true, "turned": true, "rules_differ": true,
        "outcome": "rollback", "decided_on": "2026-10-13", "decided_by": "Анна Петрова", "advised": "Выкатить",
        "followed": true, "review_on": "2026-12-01", "review_due": true,
    });
    facts["harming"] = json!(["B", "C"]);
    facts["metric"] = facts["metrics"][0].clone();
    facts["plan"] = facts["plans"][0].clone();
    facts["choice"] = facts["choices"][0].clone();
    facts["trust"]["refusing"] = json!(["в данных нет ни одной строки", "3 строки не читаются"]);
    for metric in ["primary", "metric"] {
        facts[metric]["large"] = json!(true);
    }
    let beside = json!({
        "way": "unadjusted", "difference": "−1,10\u{a0}₽", "interval": "от\u{a0}−3,10 до\u{a0}+4,20\u{a0}₽",
        "test": "welch", "p": 0.2, "significant": false, "agrees": false,
    });
    facts["pair"]["beside"] = json!([beside, beside]);
    let groups = json!([{ "id": "A", "share": "35,4\u{a0}%" }, { "id": "B", "share": "49,6\u{a0}%" }]);
    let step = json!({ "title": "Корзина", "difference": "+4,20\u{a0}п.\u{202f}п.", "p": 0.004 });
    facts["funnel"] = json!({
        "ordered": true,
        "parts": true,
        "end": { "title": "Оплата", "groups": groups },
        "loss": { "from": "Главный экран", "to": "Предложения", "groups": groups },
        "pairs": [
            { "control": "A", "treatment": "B", "parted": [step, step], "alike": ["«Главный экран»", "«Оплата»"] },
            { "control": "A", "treatment": "C", "parted": [step], "alike": ["«Главный экран»"] },
        ],
        "undefined": [{ "title": "Оплата", "reason": "empty-group" }],
    });
    facts["graph"] = json!({
        "nodes": 25, "edges": 32, "lanes": 3, "lane_titles": ["«Данные»", "«Команда»", "«Партнёры»"], "between": 8,
        "sources": ["«Сайт»", "«Приложение»"], "sinks": ["«Отчёт»", "«Решение»"],
        "longest": ["Сайт", "Хранилище", "Отчёт"],
    });
    facts["device"] = json!({
        "by_user": true, "mean_devices": "1,9", "multi": "60\u{a0}%", "match_rate": "85\u{a0}%",
        "contaminated_by_device": "36,3\u{a0}%", "retained_by_device": "66\u{a0}%", "inflation_by_device": "2,3\u{a0}раза",
        "contaminated": "6,2\u{a0}%", "retained": "94\u{a0}%", "inflation": "1,14\u{a0}раза", "n_per_group": 4279,
        "times": "1,14\u{a0}раза", "n_total": 8558,
    });
    facts["worse_beside"] = json!([
        { "title": "Средний чек", "treatment": "B", "size": "200,00\u{a0}₽", "p": 0.001 },
        { "title": "Возвраты", "treatment": "B", "size": "0,40\u{a0}п.\u{202f}п.", "p": 0.01 },
    ]);
    let losing = json!({
        "title": "Платформа", "part": "Телевизор", "difference": "−4,45\u{a0}₽",
        "interval": "от\u{a0}−6,10 до\u{a0}−2,80\u{a0}₽",
    });
    facts["worse_segments"] = json!([losing, losing]);
    facts["lost"] = json!([{
        "treatment": "C", "difference": "−4,45\u{a0}₽", "interval": "от\u{a0}−6,10 до\u{a0}−2,80\u{a0}₽",
    }]);
    facts
}

/// Gives every pair all that watching may say.
fn watch_all(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(watch_all);
            if map.contains_key("treatment") && map.contains_key("watch") {
                map.insert("watch".into(), watched());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(watch_all),
        _ => {}
    }
}

/// What watching says of a pair, with everything there.
fn watched() -> Value {
    json!({
        "state": "inside", "too_early": true, "decided": true, "nights": 14, "tested": 8, "fraction": "60\u{a0}%",
        "spent": "1,20\u{a0}%", "boundary": "1,10\u{a0}₽", "interval": "от\u{a0}−3,10 до\u{a0}+4,20\u{a0}₽",
        "crossed": "2026-10-12", "holds": true, "faded": true, "reversed": true, "naive_p": 0.01,
        "estimate": "+0,90\u{a0}₽", "futile": true, "weak": true, "chance_planned": "4\u{a0}%",
        "chance_trend": "меньше\u{a0}1\u{a0}%", "days_left": 12,
    })
}

/// Puts a sample in place of every null.
fn complete(value: &mut Value, key: &str) {
    match value {
        Value::Null => *value = sample(key),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| complete(value, key)),
        Value::Array(items) => items.iter_mut().for_each(|item| complete(item, key)),
        _ => {}
    }
}

/// A value for a fact that even the rich experiment does not have.
fn sample(key: &str) -> Value {
    match key {
        "winner" => json!("B"),
        "undefined" => json!("zero-variance"),
        "companion" => json!("Выручка на всех"),
        "relative" | "detectable_relative" => json!("20\u{a0}%"),
        "interval" | "shift_interval" | "bootstrap_interval" => json!("от\u{a0}−3,10 до\u{a0}+4,20\u{a0}₽"),
        "difference" | "shift" => json!("−1,10\u{a0}₽"),
        "size" | "detectable" | "margin" | "min_effect" | "value" | "sd" | "median" | "max" => {
            json!("1,10\u{a0}₽")
        }
        "value_control" | "value_treatment" => json!("18,70\u{a0}₽"),
        "welch_p" => json!(0.2),
        "harm_excluded" => json!(true),
        "driver" => json!({
            "group": "A", "value": "5\u{202f}000,00\u{a0}₽", "share": "28\u{a0}%", "mean_without": "13,20\u{a0}₽",
            "difference_without": "−0,62\u{a0}₽", "shrinks": true, "sign_turns": false,
        }),
        "needed" => json!({
            "effect": "0,08\u{a0}₽", "relative": "20\u{a0}%", "declared": true, "users_per_group": 100, "users": 200,
            "days": 566,
        }),
        "omnibus" => json!({
            "test": "kruskal-wallis", "p": 0.01, "significant": true, "p_words": "p\u{a0}=\u{a0}0,010",
        }),
        "conditional" => {
            json!({ "shares": ["A: 2,16\u{a0}%", "B: 1,98\u{a0}%"], "companion": "Выручка на всех" })
        }
        "at_plan" => json!({ "n": 262_947, "holds": true, "ranking": ["B", "A"], "larger": true }),
        "adjustment" => {
            json!({ "removed": "40\u{a0}%", "helps": true, "times": "1,7\u{a0}раза", "days_saved": 12, "seen": "0,08\u{a0}₽" })
        }
        "adjusted" => json!({
            "known": ["значение самого показателя до эксперимента", "«Месяцев с регистрации»"],
            "dropped": ["«Возраст»"],
            "strata": { "title": "Страна", "count": 3 },
            "missing": 21,
        }),
        "superiority" => json!("53\u{a0}%"),
        "nightly_p" => json!(0.3),
        "lag_days" => json!(5),
        "settled" => json!("18\u{a0}марта 2024\u{a0}г."),
        "streamed" => json!({ "step": 500, "of_units": true, "error": 0.00048828125 }),
        "family" => json!(5),
        "beyond" => json!(12),
        "rounded" => json!("0,0008\u{a0}%"),
        "winsorized" => json!({ "low": "1,10\u{a0}₽", "high": "900,00\u{a0}₽", "raised": 3, "lowered": 7 }),
        "clusters" => json!({ "rows": 995, "units": 448 }),
        "decided" => json!({
            "outcome": "ship", "on": "2026-10-13", "follows": true, "review_on": "2026-12-01", "review_due": true,
        }),
        "users_now" => json!(120),
        "controls" => json!({ "groups": ["A", "B"], "comparisons": 6, "metric": "Выручка", "p": 0.02 }),
        "contamination" => json!({ "units": 11, "share": "1,2\u{a0}%" }),
        "outlasts" => json!({ "days": 14, "missing": 21, "end": "2026-12-12" }),
        "assumption" => json!("Размер группы — допущение."),
        "next_best" => json!({ "id": "C", "p": 0.2, "significant": false }),
        "spread" => json!({
            "times": "1,3\u{a0}раза", "half_as_large_again": false, "wide": "B", "narrow": "A", "wide_is_control": false,
            "wide_sd": "58", "narrow_sd": "40",
        }),
        "days" | "days_saved" | "days_two_groups" | "corrected_days" | "full_weeks" => json!(592),
        "month" | "quarter" => {
            json!({ "days": 30, "lift": "+0,92\u{a0}п.\u{202f}п.", "relative": "+18,3\u{a0}%" })
        }
        "traffic" => json!({ "users": 40_000, "days": 30, "daily": "1\u{202f}333" }),
        "target" | "baseline" => json!("5,2\u{a0}%"),
        "device" => json!({ "by_device": true, "sources": ["Вход"] }),
        other => panic!("the fact {other} is null here: give it a sample"),
    }
}
