//! Experiments whose units have a history: several controls, facts in files of their own, event logs with funnels, metrics
//! that are adjusted, winsorised or known by the rows of their units.

use std::fmt::Write as _;
use std::fs;

use itog::findings::Findings;
use itog::run;

use crate::experiments::{DATE, made};

/// Every experiment of this part of the sweep.
pub fn all() -> Vec<Findings> {
    let mut found = controls();
    found.extend(funnels());
    found.extend(adjusted());
    found.extend(handled());
    found.extend(counted());
    found.extend(costs());
    found
}

const HEAD: &str = "[experiment]\nid = \"sweep\"\ntitle = \"Перебор\"\nowner = \"Анна Петрова\"\n\
                    start = 2026-10-01\nend = 2026-10-14\n";

/// Two controls that agree, that agree uneasily and that differ; with one treatment and with two.
fn controls() -> Vec<Findings> {
    let mut found = Vec::new();
    for second in [104, 133, 180] {
        for (treatments, comparisons) in [
            ("B = { successes = 190, n = 1000 }", "control"),
            ("B = { successes = 190, n = 1000 }", "all"),
            ("B = { successes = 190, n = 1000 }, C = { successes = 60, n = 1000 }", "all"),
        ] {
            found.push(made(&format!(
                "{HEAD}[design]\ncontrols = [\"A\", \"AA\"]\ncomparisons = \"{comparisons}\"\n[[metric]]\nid = \"paid\"\n\
                 title = \"Покупки\"\nrole = \"primary\"\ncounts = {{ A = {{ successes = 100, n = 1000 }}, \
                 AA = {{ successes = {second}, n = 1000 }}, {treatments} }}\n"
            )));
        }
    }
    found
}

/// What wins and costs something beside: another metric that is worse, a part of the users that loses.
fn costs() -> Vec<Findings> {
    let beside = made(&format!(
        "{HEAD}[design]\n[[metric]]\nid = \"paid\"\ntitle = \"Покупки\"\nrole = \"primary\"\n\
         counts = {{ A = {{ successes = 100, n = 1000 }}, B = {{ successes = 190, n = 1000 }} }}\n\
         [[metric]]\nid = \"spent\"\ntitle = \"Средний чек\"\nkind = \"mean\"\nunit = \"₽\"\nrole = \"secondary\"\n\
         summary = {{ A = {{ mean = 2100, sd = 400, n = 1000 }}, B = {{ mean = 1900, sd = 400, n = 1000 }} }}\n"
    ));
    let mut rows = String::from("group,paid,kind\n");
    for unit in 0..4_000_usize {
        let (treated, old) = (unit % 2, unit % 8 >= 6);
        let share = [[10, 30], [40, 20]][usize::from(old)][treated];
        let paid = usize::from((unit / 2 * 7919) % 100 < share);
        let _ =
            writeln!(rows, "{},{paid},{}", ["A", "B"][treated], ["новые", "постоянные"][usize::from(old)]);
    }
    let parted = over(
        &[("rows.csv", rows)],
        &format!(
            "{HEAD}[design]\n[data]\npath = \"rows.csv\"\ngroup = \"group\"\n[[segment]]\nid = \"kind\"\n\
             title = \"Пользователи\"\nby = \"kind\"\n[[metric]]\nid = \"paid\"\ntitle = \"Покупки\"\n\
             kind = \"proportion\"\nvalue = \"paid\"\nrole = \"primary\"\n"
        ),
    );
    vec![beside, parted]
}

/// The program's findings over files of a folder of its own.
fn over(files: &[(&str, String)], config: &str) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let config = itog::config::parse(&folder.path().join("sweep.toml"), config, &[]);
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    run::findings(config, DATE, &itog::run::Past::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Event logs: steps that keep more or fewer, nobody or everybody; units that change the group; two groups and four.
fn funnels() -> Vec<Findings> {
    let mut found = Vec::new();
    for (kept, groups) in
        [([90, 50, 20], 2), ([90, 50, 20], 4), ([50, 50, 50], 2), ([0, 0, 0], 2), ([100, 90, 90], 3)]
    {
        for ordered in [true, false] {
            let mut log = String::from("device,event,at,group\n");
            for unit in 0..600_usize {
                let group = unit % groups;
                let name = ["A", "B", "C", "D"][group];
                // The last group keeps a quarter more than the others.
                let lift = if group + 1 == groups { 25 } else { 0 };
                let _ = writeln!(log, "u{unit},open,2026-10-02 10:00:00,{name}");
                for (step, share) in kept.iter().enumerate() {
                    if (unit * 7919) % 100 < share + lift {
                        let _ = writeln!(log, "u{unit},step{step},2026-10-02 1{}:30:00,{name}", step + 1);
                    }
                }
                if unit % 50 == 0 {
                    let _ = writeln!(log, "u{unit},open,2026-10-03 10:00:00,{}", ["B", "A", "A", "A"][group]);
                }
            }
            let design = match groups {
                2 => "control = \"A\"",
                3 => "controls = [\"A\", \"B\"]",
                _ => "control = \"A\"\ncomparisons = \"all\"",
            };
            let mut config = format!(
                "{HEAD}[design]\n{design}\n[data]\npath = \"log.csv\"\ngroup = \"group\"\nunit = \"device\"\ntime = \"at\"\n\
                 [[funnel]]\nid = \"way\"\ntitle = \"Путь к покупке\"\nordered = {ordered}\n"
            );
            for (id, title) in
                [("open", "Открытие"), ("step0", "Каталог"), ("step1", "Корзина"), ("step2", "Оплата")]
            {
                let _ = writeln!(
                    config,
                    "[[funnel.step]]\nid = \"{id}\"\ntitle = \"{title}\"\nwhere = \"event = '{id}'\""
                );
            }
            let _ = writeln!(
                config,
                "[[metric]]\nid = \"events\"\ntitle = \"Событий на пользователя\"\naggregate = \"count\"\n\
                 role = \"secondary\""
            );
            // Without another metric the end of the funnel decides.
            if !ordered {
                config.truncate(config.find("[[metric]]").unwrap());
            }
            found.push(over(&[("log.csv", log)], &config));
        }
    }
    found
}

/// Exposures with what was known before, and payments before and after them.
fn payments(lift: u32, outlier: bool) -> [(&'static str, String); 2] {
    let mut shown = String::from("user,group,at,before,country\n");
    let mut paid = String::from("user,at,amount\n");
    for unit in 0..240_u32 {
        let treated = unit % 2;
        let before = (unit * 7919) % 101;
        let country = ["RU", "KZ", "BY"][(unit % 3) as usize];
        let known = if unit % 40 == 0 { String::new() } else { before.to_string() };
        let _ =
            writeln!(shown, "u{unit},{},2026-10-02 12:00:00,{known},{country}", ["A", "B"][treated as usize]);
        let _ = writeln!(paid, "u{unit},2026-10-01 12:00:00,{}", before * 10);
        let amount = before * 10 + (unit * 104_729) % 11 + treated * lift;
        let amount = if outlier && unit == 100 { 90_000 } else { amount };
        let _ = writeln!(paid, "u{unit},2026-10-03 12:00:00,{amount}");
        if unit % 5 == 0 {
            let _ = writeln!(paid, "u{unit},2026-10-04 12:00:00,{}", amount / 2);
        }
    }
    for unit in 0..7 {
        let _ = writeln!(paid, "stranger{unit},2026-10-03 12:00:00,10");
    }
    [("shown.csv", shown), ("paid.csv", paid)]
}

fn with_facts(metrics: &str) -> String {
    format!(
        "{HEAD}[design]\ncontrol = \"A\"\nreplicates = 1000\n[data]\npath = \"shown.csv\"\ngroup = \"group\"\nunit = \"user\"\n\
         time = \"at\"\n[data.columns.before]\ntitle = \"Выручка за прошлый месяц\"\n[data.columns.country]\ntitle = \"Страна\"\n[[data.facts]]\nname = \"paid\"\n\
         title = \"Платежи\"\npath = \"paid.csv\"\nunit = \"user\"\ntime = \"at\"\n{metrics}"
    )
}

fn revenue(id: &str, role: &str, rest: &str) -> String {
    format!(
        "[[metric]]\nid = \"{id}\"\ntitle = \"Выручка {id}\"\nunit = \"₽\"\nfrom = \"paid\"\nrole = \"{role}\"\n\
         value = \"amount\"\n{rest}\n"
    )
}

/// Adjusted metrics: covariates, the metric before the exposure, strata, and several of them.
fn adjusted() -> Vec<Findings> {
    let ways = [
        "covariates = [\"before\"]",
        "cuped = true",
        "cuped = true\ncovariates = [\"before\", \"before * 2\"]\nstrata = \"country\"",
        "strata = \"country\"",
        "strata = \"country\"\nwinsorize = { upper = 0.95 }\ncuped = true",
    ];
    let mut found = Vec::new();
    for lift in [0, 4, 900] {
        for way in ways {
            let metrics = revenue("first", "primary", &format!("{way}\nfamily = \"money\""))
                + &revenue("second", "secondary", "family = \"money\"")
                + "[[metric]]\nid = \"paying\"\ntitle = \"Доля платящих много\"\nfrom = \"paid\"\nkind = \"proportion\"\n\
                   value = \"amount > 500\"\ncovariates = [\"before\"]\n";
            found.push(over(&payments(lift, false), &with_facts(&metrics)));
        }
    }
    found
}

/// Values that are drawn in, rows in clusters, and Brunner and Munzel's test.
fn handled() -> Vec<Findings> {
    let ways = [
        "winsorize = { upper = 0.99 }",
        "winsorize = { lower = 0.05, upper = 0.95 }",
        "winsorize = { lower = 0.05 }",
        "aggregate = \"rows\"",
        "aggregate = \"rows\"\nkind = \"quantile\"\nq = 0.9",
        "population = \"matching\"\ntest = \"brunner-munzel\"",
        "aggregate = \"max\"\ntest = \"permutation\"",
    ];
    let mut found = Vec::new();
    for (lift, outlier) in [(0, true), (300, true), (900, false)] {
        for way in ways {
            let metrics = revenue("first", "primary", way) + &revenue("second", "secondary", "cuped = true");
            found.push(over(&payments(lift, outlier), &with_facts(&metrics)));
        }
    }
    found
}

/// Visitors known as counts by day, orders of named visitors, some of them in both groups.
fn counted() -> Vec<Findings> {
    let mut found = Vec::new();
    for (lift, mixed) in [(0, 0), (30, 12)] {
        let mut visitors = String::from("date;group;visitors\n");
        let mut orders = String::from("visitor;date;revenue;group\n");
        for day in 1..=9 {
            let _ = writeln!(visitors, "0{day}.10.2026;A;100\n0{day}.10.2026;B;101");
        }
        for order in 0..120 + lift {
            let group = if order < 60 { "A" } else { "B" };
            let _ = writeln!(
                orders,
                "v{order};0{}.10.2026;{},50;{group}",
                1 + order % 9,
                100 + (order * 37) % 50
            );
            if order < mixed {
                let _ = writeln!(orders, "v{order};09.10.2026;10,00;B");
            }
        }
        let metric = |id: &str, rest: &str| {
            format!("[[metric]]\nid = \"{id}\"\ntitle = \"Показатель {id}\"\nfrom = \"orders\"\n{rest}\n")
        };
        let config = format!(
            "{HEAD}[design]\ncontrol = \"A\"\n[data]\npath = \"visitors.csv\"\ngroup = \"group\"\ncount = \"visitors\"\n\
             time = \"date\"\n[[data.facts]]\nname = \"orders\"\ntitle = \"Заказы\"\npath = \"orders.csv\"\n\
             unit = \"visitor\"\ngroup = \"group\"\ntime = \"date\"\n{}{}{}",
            metric("first", "kind = \"proportion\"\nvalue = \"1\"\nrole = \"primary\""),
            metric(
                "second",
                "kind = \"ratio\"\nnumerator = \"revenue\"\ndenominator = \"1\"\npopulation = \"matching\""
            ),
            metric("third", "value = \"revenue\"\nunit = \"₽\""),
        );
        found.push(over(&[("visitors.csv", visitors), ("orders.csv", orders)], &config));
    }
    found
}
