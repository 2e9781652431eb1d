//! Answers that are right on one side and were wrong on the other: several arms, families, shares, parts and sums of money.

#![allow(clippy::disallowed_methods, reason = "tests write files")]

use std::fmt::Write;
use std::fs;

use itog::findings::Findings;
use itog::metrics::outcome::Comparison;
use itog::run::{self, Past};
use jiff::civil::{Date, date};

const NIGHT: Date = date(2026, 3, 10);

fn found(text: &str) -> Findings {
    let config = itog::config::parse("answers.toml".as_ref(), text, &[]);
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    run::findings(config, NIGHT, &Past::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn over(rows: &str, text: &str, night: Date) -> Findings {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    let config = itog::config::parse(&folder.path().join("answers.toml"), text, &[]);
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    run::findings(config, night, &Past::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn pair<'f>(f: &'f Findings, metric: usize, treatment: &str) -> &'f Comparison {
    let control = &f.outcomes[metric].groups[0].id;
    let pairs = &f.outcomes[metric].comparisons;
    pairs.iter().find(|c| c.treatment == treatment && c.control == *control).unwrap()
}

/// A mean of 400 units a group with a spread of 10, in `summary`.
fn summary(means: &[(&str, f64)]) -> String {
    let groups: Vec<String> =
        means.iter().map(|(id, mean)| format!("{id} = {{ mean = {mean:?}, sd = 10, n = 400 }}")).collect();
    format!("summary = {{ {} }}", groups.join(", "))
}

const HEAD: &str =
    "[experiment]\nid = \"e\"\ntitle = \"Проба\"\nstatus = \"finished\"\n[design]\ncontrol = \"A\"\n";
const MAIN: &str = "[[metric]]\nid = \"main\"\nkind = \"mean\"\nrole = \"primary\"\n";
const GUARD: &str = "[[metric]]\nid = \"guard\"\nkind = \"mean\"\nrole = \"guardrail\"\n";

#[test]
fn what_treatments_do_to_each_other_harms_no_guardrail() {
    let main = summary(&[("A", 50.0), ("B", 50.0), ("C", 53.0)]);
    // C is better than the control, and reliably below B.
    let guard = summary(&[("A", 50.0), ("B", 56.0), ("C", 52.0)]);
    for margin in ["", "margin = 0.5\n"] {
        let f = found(&format!("{HEAD}comparisons = \"all\"\n{MAIN}{main}\n{GUARD}{margin}{guard}\n"));
        assert_eq!((f.verdict.rule, f.verdict.winner.as_deref()), ("primary-better", Some("C")), "{margin}");
    }
}

#[test]
fn what_is_too_small_to_matter_is_so_beside_any_other_arm() {
    let main = "min_effect = 5\n".to_owned() + &summary(&[("A", 50.0), ("B", 52.0), ("C", 44.0)]);
    let f = found(&format!("{HEAD}{MAIN}{main}\n"));
    assert_eq!((f.verdict.rule, f.verdict.winner.as_deref()), ("below-interest", Some("A")));
}

#[test]
fn a_quality_metric_voids_only_below_one_in_a_thousand() {
    let of = |rate: u32| {
        let f = found(&format!(
            "{HEAD}{MAIN}{}\n[[metric]]\nid = \"bots\"\nkind = \"proportion\"\nrole = \"quality\"\n\
             counts = {{ A = {{ successes = 500, n = 10000 }}, B = {{ successes = {rate}, n = 10000 }} }}\n",
            summary(&[("A", 50.0), ("B", 50.0)])
        ));
        (pair(&f, 1, "B").p_adjusted, f.verdict.rule == "quality-differs")
    };
    let (uneasy, differs) = (of(585), of(620));
    assert!(uneasy.0 < 0.01 && uneasy.0 > 0.001 && !uneasy.1, "{uneasy:?}");
    assert!(differs.0 < 0.001 && differs.1, "{differs:?}");
}

#[test]
fn metrics_of_one_family_share_the_error_of_simultaneous_tests() {
    let metric = |id: &str, role: &str| {
        let values = summary(&[("A", 50.0), ("B", 51.7), ("C", 50.0)]);
        format!("[[metric]]\nid = \"{id}\"\nkind = \"mean\"\nrole = \"{role}\"\nfamily = \"f\"\n{values}\n")
    };
    let of = |more: &str| {
        let f = found(&format!("{HEAD}correction = \"dunnett\"\n{}{more}", metric("one", "primary")));
        let c = pair(&f, 0, "B").clone();
        let (low, high) = c.absolute.unwrap().ci.unwrap();
        assert_eq!(c.significant, low > 0.0 || high < 0.0);
        c
    };
    let (alone, both) = (of(""), of(&metric("two", "secondary")));
    assert!((both.p_adjusted / alone.p_adjusted - 2.0).abs() < 1e-9, "{alone:?} {both:?}");
    assert!(
        alone.significant && !both.significant && both.level == 0.975,
        "{} {}",
        alone.p_adjusted,
        both.p_adjusted
    );
}

#[test]
fn dunnetts_test_takes_each_group_by_its_own_variance() {
    // A pooled variance would be that of the large quiet group.
    let f = found(&format!(
        "{HEAD}correction = \"dunnett\"\n{MAIN}summary = {{ A = {{ mean = 50, sd = 60, n = 1000 }}, \
         B = {{ mean = 55, sd = 60, n = 1000 }}, C = {{ mean = 50, sd = 10, n = 8000 }} }}\n"
    ));
    let c = pair(&f, 0, "B");
    let welch = c.tests.iter().find(|test| test.test == "welch").unwrap().p;
    assert!(!c.significant && c.p_adjusted > welch, "{} {welch}", c.p_adjusted);
}

#[test]
fn the_size_that_is_needed_knows_the_shares_of_the_groups() {
    let of = |allocation: &str| {
        let f = found(&format!(
            "{HEAD}{allocation}{MAIN}min_effect = 1\n{}\n",
            summary(&[("A", 50.0), ("B", 50.0)])
        ));
        pair(&f, 0, "B").needed.unwrap().users_per_group * 2.0
    };
    let (equal, uneven) = (of(""), of("allocation = { A = 9, B = 1 }\n"));
    // (z + z)² · s² · (1/w + 1/w) / δ².
    let reach = (1.959_963_984_540_054_f64 + 0.841_621_233_572_914_3).powi(2) * 100.0;
    assert!(
        (equal - reach * 4.0).abs() < 1e-6 && (uneven - reach * (1.0 / 0.9 + 10.0)).abs() < 1e-6,
        "{equal} {uneven}"
    );
}

/// Users of two groups, a hundred a day from the first of March on; payments are few and skewed, more of them on iOS.
fn payments(days: u32) -> String {
    let mut rows = String::from("user,group,day,paid,orders,platform\n");
    for user in 0..100 * days {
        let (group, day) = (["A", "B"][(user % 2) as usize], user / 100 + 1);
        let paid = match (user * 7919) % 1000 {
            0..2 => 5_000.0,
            2..200 => 40.0 + f64::from(user % 2) * 3.0 + f64::from(user % 11),
            _ => 0.0,
        };
        let platform = ["ios", "android"][(user / 2 % 2) as usize];
        let _ = writeln!(rows, "{user},{group},2026-03-{day:02},{paid},{},{platform}", 1 + user % 3);
    }
    rows
}

fn of_rows(more: &str, metric: &str) -> String {
    format!(
        "[experiment]\nid = \"e\"\ntitle = \"Проба\"\nstart = 2026-03-01\nend = 2026-03-30\n{more}[design]\ncontrol = \"A\"\n\
         [data]\npath = \"rows.csv\"\ngroup = \"group\"\nunit = \"user\"\ntime = \"day\"\n\
         [[segment]]\nid = \"platform\"\nby = \"platform\"\n\
         [money]\ntraffic = {{ users = 1000, days = 1 }}\n[[metric]]\nid = \"m\"\nrole = \"primary\"\n{metric}\n"
    )
}

#[test]
fn parts_and_days_draw_in_the_extremes_that_the_metric_draws_in() {
    let metric = "value = \"paid\"\nwinsorize = { upper = 0.99 }";
    let f = over(&payments(10), &of_rows("", metric), NIGHT);
    let high = f.outcomes[0].handling.winsorized.unwrap().high.unwrap();
    assert!(high < 100.0, "{high}");
    let parts = &f.segments[0].found;
    let whole = pair(&f, 0, "B").absolute.unwrap().estimate;
    // With 5,000 in them halves would be tens apart.
    assert!(parts.effects.iter().all(|part| (part.effect.estimate - whole).abs() < 5.0), "{parts:?} {whole}");
    assert!(f.course[0].days.iter().all(|day| day.estimate.abs() < 20.0));
}

#[test]
fn only_a_value_of_every_user_is_worth_money() {
    let worth = |metric: &str| over(&payments(10), &of_rows("", metric), NIGHT).worth.len();
    assert_eq!(worth("value = \"paid\""), 1);
    assert_eq!(worth("kind = \"ratio\"\nvalue = \"paid\"\ndenominator = \"orders\""), 0);
    assert_eq!(worth("kind = \"quantile\"\nq = 0.9\nvalue = \"paid\""), 0);
}

#[test]
fn a_quantile_beyond_which_there_is_hardly_anybody_has_no_answer() {
    let of = |q: f64| {
        over(&payments(2), &of_rows("", &format!("kind = \"quantile\"\nq = {q}\nvalue = \"paid\"")), NIGHT)
    };
    let refused = of(0.99);
    assert!(refused.outcomes[0].undefined.is_some() && refused.verdict.rule == "primary-undefined");
    assert!(of(0.9).outcomes[0].undefined.is_none());
}

#[test]
fn the_flow_of_a_running_experiment_is_that_of_its_days_so_far() {
    let f =
        over(&payments(10), &of_rows("status = \"running\"\n", "value = \"paid\"\nmin_effect = 20"), NIGHT);
    let needed = pair(&f, 0, "B").needed.unwrap();
    assert!((needed.days.unwrap() - needed.users_per_group * 2.0 / 100.0).abs() < 1e-9, "{needed:?}");
}

#[test]
fn an_experiment_whose_dates_say_that_it_runs_is_watched_and_ends_as_it_was() {
    let f = over(&payments(10), &of_rows("", "value = \"paid\""), NIGHT);
    assert!(f.watch.is_some() && f.verdict.rule != "look-not-valid", "{:?}", f.verdict);
    // Nobody looked before the end: one look is all there is.
    let over_now = over(&payments(10), &of_rows("", "value = \"paid\""), date(2026, 4, 10));
    assert!(over_now.watch.is_none());
    // Before its first day there is nothing to refuse.
    let before =
        over("user,group,day,paid,orders,platform\n", &of_rows("", "value = \"paid\""), date(2026, 2, 20));
    assert_eq!(before.verdict.rule, "not-started");
}

#[test]
fn nights_after_the_end_are_no_looks() {
    let text = of_rows("status = \"running\"\n", "value = \"paid\"").replace("2026-03-30", "2026-03-06");
    let f = over(&payments(10), &text, NIGHT);
    assert_eq!(f.watch.unwrap().nights, 6);
    // Whoever came in later is said: four days of a hundred.
    let codes: Vec<&str> = f.data.as_ref().unwrap().gates.iter().map(|gate| gate.reason.code()).collect();
    assert!(codes.contains(&"units-after-end"), "{codes:?}");
}
