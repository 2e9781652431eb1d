//! Watched experiments from rows with dates: every state of watching, parts of the users, money, changed rules, and splits
//! that cannot be trusted.

use std::fmt::Write as _;
use std::fs;

use itog::config::valid::Config;
use itog::diag::Warned;
use itog::findings::Findings;
use itog::preregistration::Rules;
use itog::run::{self, Past};
use jiff::civil::{Date, date};

use super::experiments::DATE;

/// How an effect goes over the days, in standard deviations of a value.
type Course = fn(u32) -> f64;

/// What is written to one experiment of the sweep.
#[derive(Clone, Copy)]
struct Made<'a> {
    way: &'a str,
    status: &'a str,
    goal: &'a str,
    /// Units a group at which the experiment ends.
    planned: u32,
    /// Units a day in both groups.
    daily: u32,
    days: u32,
    effect: Course,
    /// Lines beside those of every experiment.
    rest: &'a str,
    /// Of the last part in B, and of the first in A, all but every so many are lost; 0 for none.
    lost: u32,
    /// What the users of B did more before the experiment.
    before: f64,
    /// Every second row of B is a bot's.
    bots: bool,
}

const USUAL: Made<'static> = Made {
    way: "group-sequential",
    status: "running",
    goal: "increase",
    planned: 900,
    daily: 100,
    days: 14,
    effect: |_| 0.0,
    rest: "",
    lost: 0,
    before: 0.0,
    bots: false,
};

/// A number between 0 and 1 that belongs to a row.
fn drawn(row: u32, salt: u32) -> f64 {
    let mut x = u64::from(row) * 0x9E37_79B9_7F4A_7C15 + u64::from(salt) * 0xD1B5_4A32_D192_ED03;
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Roughly normal with mean 0 and standard deviation 1.
fn noise(row: u32, salt: u32) -> f64 {
    (0..12).map(|at| drawn(row, salt * 12 + at)).sum::<f64>() - 6.0
}

fn rows(made: &Made) -> String {
    let mut text = String::from("user,group,day,platform,before,spend,bot\n");
    let first = date(2026, 10, 1);
    for day in 0..made.days {
        let on = first.checked_add(jiff::Span::new().days(i64::from(day))).unwrap();
        for at in 0..made.daily {
            let row = day * made.daily + at;
            let treated = at % 2 == 1;
            let platform = ["телефон", "телефон", "ноутбук", "ноутбук", "телевизор"][(at / 2 % 5) as usize];
            // As many are lost in A elsewhere, so that the sizes of the groups agree.
            let place = if treated { 9 } else { 0 };
            if made.lost > 0 && at % 10 == place && !(at / 10).is_multiple_of(made.lost) {
                continue;
            }
            let (lift, earlier) = if treated { ((made.effect)(day), made.before) } else { (0.0, 0.0) };
            let before = 30.0 + 5.0 * (noise(row, 1) + earlier);
            let spend = 50.0 + 10.0 * (noise(row, 2) + lift);
            let bot = u32::from(made.bots && treated && at % 4 == 1);
            let group = if treated { "B" } else { "A" };
            let _ = writeln!(text, "{row},{group},{on},{platform},{before:.3},{spend:.3},{bot}");
        }
    }
    text
}

fn config(made: &Made, folder: &std::path::Path) -> Warned<Config> {
    let looks = match made.way {
        "group-sequential" => format!("[design.looks]\nplanned = {}\nwarm_up_units = 50\n", made.planned),
        "always-valid" => "[design.looks]\nexpected = 900\nwarm_up_units = 50\n".to_owned(),
        _ => String::new(),
    };
    let text = format!(
        "[experiment]\nid = \"sweep\"\ntitle = \"Ночи\"\nowner = \"Анна Петрова\"\nstatus = \"{}\"\n\
         start = 2026-10-01\nend = 2026-11-30\n[design]\ncontrol = \"A\"\nallocation = {{ A = 1, B = 1 }}\n\
         monitoring = \"{}\"\n{looks}[data]\npath = \"rows.csv\"\ngroup = \"group\"\nunit = \"user\"\ntime = \"day\"\n\
         [money]\ntraffic = {{ users = 100, days = 1 }}\n\
         [[segment]]\nid = \"platform\"\ntitle = \"Устройство\"\nby = \"platform\"\n\
         [[metric]]\nid = \"main\"\ntitle = \"Выручка на пользователя\"\nunit = \"₽\"\nrole = \"primary\"\ngoal = \"{}\"\n\
         kind = \"mean\"\nvalue = \"spend\"\nmin_effect = 5\ncovariates = [\"before\"]\n\
         [[metric]]\nid = \"bots\"\ntitle = \"Доля ботов\"\nrole = \"quality\"\nkind = \"proportion\"\nvalue = \"bot\"\n{}",
        made.status, made.way, made.goal, made.rest
    );
    itog::config::parse(&folder.join("sweep.toml"), &text, &[])
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn told(made: &Made, on: Date, past: impl FnOnce(&std::path::Path) -> Past) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows(made)).unwrap();
    let past = past(folder.path());
    run::findings(config(made, folder.path()), on, &past).unwrap()
}

const GUARDRAIL: &str = "[[metric]]\nid = \"guard\"\ntitle = \"Визиты\"\nrole = \"guardrail\"\nkind = \"mean\"\n\
                         value = \"before\"\ntest = \"welch\"\n";

/// Every experiment of the nights.
pub fn all() -> Vec<Findings> {
    let last = date(2026, 10, 14);
    let none = |_: &std::path::Path| Past::default();
    let sequential = [
        // Inside, too early, in vain, the end of the plan, after it.
        Made { planned: 2000, ..USUAL },
        Made { days: 4, planned: 2000, ..USUAL },
        Made { planned: 704, rest: GUARDRAIL, ..USUAL },
        Made { planned: 700, ..USUAL },
        Made { planned: 400, ..USUAL },
        // Crossed to both sides, with a guardrail that nobody gave a margin.
        Made { effect: |_| 0.6, rest: GUARDRAIL, ..USUAL },
        Made { effect: |_| -0.6, ..USUAL },
        Made { effect: |_| -0.6, goal: "decrease", ..USUAL },
        // An effect that fades, turns, and one that grows.
        Made { effect: |day| if day < 8 { 0.5 } else { -0.7 }, planned: 2000, ..USUAL },
        Made { effect: |day| if day < 8 { 0.9 } else { -4.0 }, planned: 2000, ..USUAL },
        Made { effect: |day| f64::from(day) * 0.1, ..USUAL },
        // Watched without an end.
        Made { way: "always-valid", ..USUAL },
        Made { way: "always-valid", effect: |_| 0.8, ..USUAL },
        Made { way: "always-valid", days: 3, ..USUAL },
        Made { way: "fixed", status: "finished", effect: |_| 0.6, ..USUAL },
        // Splits that cannot be trusted.
        Made { lost: 9, daily: 1000, planned: 9000, ..USUAL },
        Made { before: 1.0, ..USUAL },
        Made { bots: true, ..USUAL },
    ];
    let mut found: Vec<Findings> = sequential.iter().map(|made| told(made, last, none)).collect();
    // Old data, and rules that are not those of the first night.
    found.push(told(&USUAL, date(2026, 10, 21), none));
    found.push(told(&Made { rest: GUARDRAIL, ..USUAL }, DATE, |folder| {
        let first = config(&Made { planned: 700, goal: "decrease", ..USUAL }, folder);
        Past { nights: Vec::new(), rules: Some(Rules::of(&first.value)), ..Past::default() }
    }));
    found
}
